"""Sheets of the world and the paint on them. Knows pixels and colours, not what they show.

World: 1 is the frame's height; x is 0 in the middle and grows to the right, y is 0 at the top and grows downward.
Colours are RGB 0..1; paint is kept as the film's Y, U and V, so a wash is three sums and nothing is turned twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from .light import RGB





from .noise import Array, Bytes

LUMA = (0.2126, 0.7152, 0.0722)  # BT.709
SHIFT = 6  # bits of a pixel's fraction when polygons are drawn
BLACK, WHITE, FAINTEST, STRONGEST = 16.0, 235.0, 16.0, 240.0


@dataclass(frozen=True, slots=True)
class Sheet:
    """A rectangle of the world, `dense` pixels to a unit."""

    left: float
    top: float
    dense: float
    width: int
    height: int

    @property
    def xs(self) -> Array:
        """(1, width): where the pixels' middles are."""
        return ((np.arange(self.width, dtype=np.float32) + np.float32(0.5)) / np.float32(self.dense) + np.float32(self.left))[None, :]

    @property
    def ys(self) -> Array:
        """(height, 1)"""
        return ((np.arange(self.height, dtype=np.float32) + np.float32(0.5)) / np.float32(self.dense) + np.float32(self.top))[:, None]

    @property
    def right(self) -> float:
        return self.left + self.width / self.dense

    @property
    def bottom(self) -> float:
        return self.top + self.height / self.dense

    def coarse(self, times: int) -> Sheet:
        """The same place with fewer, larger pixels, for what is soft anyway."""
        return Sheet(self.left, self.top, self.dense / times, -(-self.width // times), -(-self.height // times))

    def fine(self, drawn: Array) -> Array:
        """What was drawn on a coarse sheet of this one, as large as this."""
        times = round(self.width / drawn.shape[1]) or 1
        times = max(times, -(-self.width // drawn.shape[1]), -(-self.height // drawn.shape[0]))
        large = cv2.resize(drawn, (drawn.shape[1] * times, drawn.shape[0] * times), interpolation=cv2.INTER_LINEAR)
        return np.asarray(large[: self.height, : self.width], np.float32)

    def blurred(self, mask: Bytes, wide: float) -> Array:
        """A mask as shares, softened by so many units; done on fewer pixels where nobody can tell."""
        sigma = wide * self.dense
        times = 1
        while sigma / times > 4 and times < 8:
            times *= 2
        if times == 1:
            return np.asarray(cv2.GaussianBlur(mask, (0, 0), max(0.3, sigma)), np.float32) / np.float32(255)
        height, width = mask.shape
        padded = cv2.copyMakeBorder(mask, 0, -height % times, 0, -width % times, cv2.BORDER_REPLICATE)
        small = cv2.resize(padded, (padded.shape[1] // times, padded.shape[0] // times), interpolation=cv2.INTER_AREA)
        soft = cv2.GaussianBlur(small.astype(np.float32), (0, 0), sigma / times)
        soft = soft * np.float32(1 / 255)
        return np.asarray(cv2.resize(soft, (padded.shape[1], padded.shape[0]), interpolation=cv2.INTER_LINEAR)[:height, :width], np.float32)

    def around(self, x: float, y: float, reach: float) -> tuple[slice, slice]:
        """The rows and columns so far around a point."""
        row, column, far = (y - self.top) * self.dense, (x - self.left) * self.dense, reach * self.dense + 1
        return slice(max(0, int(row - far)), max(0, int(row + far) + 1)), slice(max(0, int(column - far)), max(0, int(column + far) + 1))

    def mask(self) -> Bytes:
        """An empty one to fill."""
        return np.zeros((self.height, self.width), np.uint8)

    def below(self, edge: Array) -> Array:
        """(height, width) 0..1: how much of each pixel lies below a line of y, (1, width)."""
        out = (self.ys - edge) * np.float32(self.dense)
        out += np.float32(0.5)
        return np.asarray(np.clip(out, 0.0, 1.0, out=out), np.float32)

    def fill(self, mask: Bytes, outlines: Sequence[Array], value: int = 255) -> None:
        """Fill outlines of world points, (n, 2) each, with soft edges. They overlap as paper does."""
        for outline in outlines:
            cv2.fillPoly(mask, [self.points(outline)], value, cv2.LINE_AA, SHIFT)

    def fill_each(self, mask: Bytes, outlines: Array, values: Array | int = 255) -> None:
        """Fill many outlines of as many points each, (n, points, 2), each with its own value."""
        flat = np.broadcast_to(values, len(outlines)).astype(float).tolist()
        for outline, value in zip(self.points(outlines), flat, strict=True):
            cv2.fillPoly(mask, [outline], value, cv2.LINE_AA, SHIFT)

    def points(self, outline: Array) -> Array:
        """World points as OpenCV takes them: fixed point, pixel centres at whole numbers."""
        moved = (outline - (self.left, self.top)) * self.dense - 0.5
        return np.asarray(np.round(np.clip(moved, -30000, 30000) * (1 << SHIFT)), np.int32)


@dataclass(frozen=True, slots=True)
class Grade:
    """How every colour is turned in the end: an affine map of RGB to limited-range Y, U and V, (3, 4)."""

    matrix: Array

    @classmethod
    def mixed(cls, saturation: float = 1.0, contrast: float = 1.0, brightness: float = 0.0, tint: RGB | None = None, tinted: float = 0.0) -> Grade:
        """Greys move towards `tint`, by `tinted` 0..1; contrast turns about a middle grey."""
        grey = np.outer((1.0, 1.0, 1.0), LUMA)
        turn = np.eye(3) * saturation + grey * (1 - saturation)
        if tint and tinted:
            toned = np.outer(np.asarray(tint) / max(float(np.dot(tint, LUMA)), 0.05), LUMA)
            turn = (turn * (1 - tinted) + toned * tinted) @ np.eye(3)
        luma = np.asarray(LUMA)
        to_yuv = np.array([luma * 219, (np.array((0, 0, 1)) - luma) * 224 / 1.8556, (np.array((1, 0, 0)) - luma) * 224 / 1.5748])
        offset = np.full(3, (1 - contrast) * 0.30 + brightness)
        return cls(np.column_stack([to_yuv @ (turn * contrast), to_yuv @ offset + (16, 128, 128)]))

    def of(self, colour: RGB) -> tuple[float, float, float]:
        """Y, U and V of a colour."""
        y, u, v = self.matrix[:, :3] @ np.asarray(colour) + self.matrix[:, 3]
        return float(y), float(u), float(v)

    def each(self, colours: Array) -> tuple[Array, Array, Array]:
        """The same for many: (..., 3) -> three of (...)."""
        turned = colours @ self.matrix[:, :3].T.astype(np.float32) + self.matrix[:, 3].astype(np.float32)
        return turned[..., 0], turned[..., 1], turned[..., 2]


class Board:
    """Wet paint on a sheet: Y, U and V in floats, and a cover that begins as whole."""

    def __init__(self, sheet: Sheet, grade: Grade, ground: RGB) -> None:
        self.sheet, self.grade = sheet, grade
        shape = sheet.height, sheet.width
        self.planes = tuple(np.full(shape, value, np.float32) for value in grade.of(ground))
        self.cover: Array | None = None
        self._spare = np.empty(shape, np.float32)

    def wash(self, colour: RGB, mask: Array | Bytes, rows: slice = slice(None), columns: slice = slice(None)) -> None:
        """Blend a colour in, as much as the mask says: shares, or bytes; its shape may be broadcast."""
        share = mask.astype(np.float32) / np.float32(255) if mask.dtype == np.uint8 else mask
        for plane, value in zip(self.planes, self.grade.of(colour), strict=True):
            self._toward(plane[rows, columns], np.float32(value), share, rows, columns)

    def shade(self, colours: Array, mask: Array | Bytes) -> None:
        """The same with a colour for each pixel, row or column: (height or 1, width or 1, 3)."""
        share = mask.astype(np.float32) / np.float32(255) if mask.dtype == np.uint8 else mask
        for plane, values in zip(self.planes, self.grade.each(colours), strict=True):
            self._toward(plane, values, share, slice(None), slice(None))

    def stain(self, colours: Sequence[RGB], strong: Array, which: Bytes, share: Bytes | None = None) -> None:
        """Blend in a colour by number, as `strong` (one for each colour) and `share` say; fit where few pixels are hit."""
        hit = np.flatnonzero(which if share is None else share)
        number = which.reshape(-1)[hit]
        cover = strong[number] if share is None else strong[number] * share.reshape(-1)[hit].astype(np.float32) / np.float32(255)
        turned = np.array([self.grade.of(colour) for colour in colours], np.float32)
        for plane, values in zip(self.planes, turned.T, strict=True):
            flat = plane.reshape(-1)
            under = flat[hit]
            flat[hit] = under + (values[number] - under) * cover

    def lighten(self, colour: RGB, mask: Array) -> None:
        """Add light of a colour, as much as the mask says."""
        none = self.grade.of((0.0, 0.0, 0.0))
        for plane, value, dark in zip(self.planes, self.grade.of(colour), none, strict=True):
            np.multiply(mask, np.float32(value - dark), out=self._spare)
            plane += self._spare

    def _toward(self, plane: Array, value: Array | np.float32, share: Array, rows: slice, columns: slice) -> None:
        spare = self._spare[rows, columns]
        np.subtract(value, plane, out=spare)
        spare *= share
        plane += spare

    def dry(self) -> Bytes:
        """(height, width, 4) bytes: Y, U and V, each times the cover, and what shines through (255: all)."""
        grain = _grain(self.sheet.height, self.sheet.width)
        out = np.empty((*grain.shape, 4), np.uint8)
        out[..., 3] = 0
        flat = np.empty(grain.shape, np.uint8)
        for k, (plane, low, high) in enumerate(zip(self.planes, (BLACK, FAINTEST, FAINTEST), (WHITE, STRONGEST, STRONGEST), strict=True)):
            np.clip(plane, low, high, out=plane)
            plane += grain
            if self.cover is not None:
                plane *= self.cover
            cv2.convertScaleAbs(plane, dst=flat)
            out[..., k] = flat
        if self.cover is not None:
            out[..., 3] = cv2.convertScaleAbs(self.cover, dst=flat, alpha=-255, beta=255)
        return out


@lru_cache(maxsize=4)
def _tile() -> Array:
    return np.random.default_rng(7).uniform(-0.5, 0.5, (256, 256)).astype(np.float32)


def _grain(height: int, width: int) -> Array:
    """Fine noise that keeps soft gradients from showing steps."""
    tile = _tile()
    return np.tile(tile, (-(-height // 256), -(-width // 256)))[:height, :width]
