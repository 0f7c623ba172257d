"""Small things by the hundred: stars that twinkle, glints, snow, sparks, fireflies; and rain. Knows points, no shapes.

Where each is follows from the time alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import tau
from typing import TYPE_CHECKING

import cv2
import numpy as np

from .depth import CLOSES_IN, Depth
from .noise import Array, Bytes

if TYPE_CHECKING:
    from ..path import View

Planes = tuple[Bytes, Bytes, Bytes]


@dataclass(frozen=True, slots=True)
class Motes:
    """Array of the world: `at` (n, 2), radius `size` (n,), cover `strength` (n,), a `phase` (n,) of their own.

    They drift by `speed` units a second and come again in `box` (left, top, right, bottom); flutter: how far they sway;
    twinkle: how much of their strength comes and goes, `hz` times a second; long: how much wider than high they are.
    """

    at: Array
    size: Array
    strength: Array
    phase: Array
    yuv: tuple[float, float, float]
    depth: Depth
    speed: Array
    box: tuple[float, float, float, float]
    flutter: float = 0.0
    twinkle: float = 0.0
    hz: float = 0.5
    long: float = 1.0

    @property
    def bytes(self) -> int:
        return self.at.nbytes * 4

    def draw(self, view: View, time: float, aspect: float, planes: Planes) -> None:
        """Lay them over the frame's planes."""
        height, width = planes[0].shape
        left, top, right, bottom = self.box
        x = np.mod(self.at[:, 0] + self.speed[:, 0] * time - left, right - left) + left
        y = np.mod(self.at[:, 1] + self.speed[:, 1] * time - top, bottom - top) + top
        swing = np.sin(tau * (self.hz * time * (0.6 + 0.8 * self.phase) + self.phase * 7))
        x = x + self.flutter * swing
        moves = self.depth.far + (self.depth.near - self.depth.far) * (y - self.depth.y_far) / (self.depth.y_near - self.depth.y_far)
        grown = view.zoom ** (0.3 + 0.7 * moves)
        x, y = grown * (x - view.x * aspect * moves), grown * (y - CLOSES_IN - view.y * (0.5 + 0.5 * moves)) + CLOSES_IN - 0.5
        if view.roll:
            c, s = np.cos(np.radians(view.roll)), np.sin(np.radians(view.roll))
            x, y = c * x - s * y, s * x + c * y
        px, py = x * height + width / 2 - 0.5, (y + 0.5) * height - 0.5
        share = self.strength * (1 - self.twinkle * (0.5 + 0.5 * swing))
        radius = np.maximum(self.size * grown * height, 0.45)
        share = share * np.minimum(1.0, (self.size * grown * height / 0.45) ** 2)
        for low, high in ((0.0, 1.0), (1.0, 2.2), (2.2, 4.5), (4.5, 9.0), (9.0, 1e9)):
            chosen = (radius > low) & (radius <= high) & (share > 0.01)
            if chosen.any():
                _stamp(px[chosen], py[chosen], radius[chosen], share[chosen], self.yuv, self.long, planes, int(np.ceil(min(high, 24.0) * 2)))


def _stamp(px: Array, py: Array, radius: Array, share: Array, yuv: tuple[float, float, float], long: float, planes: Planes, reach: int) -> None:
    """Soft dots, all in one go; where two meet, the later is seen."""
    height, width = planes[0].shape
    wide = int(np.ceil(reach * long))
    rows, columns = np.round(py).astype(np.int32), np.round(px).astype(np.int32)
    kept = (rows >= -reach) & (rows < height + reach) & (columns >= -wide) & (columns < width + wide)
    if not kept.any():
        return
    rows, columns, px, py, radius, share = (one[kept] for one in (rows, columns, px, py, radius, share))
    down = rows[:, None] + np.arange(-reach, reach + 1)
    across = columns[:, None] + np.arange(-wide, wide + 1)
    tall = np.exp(-(((down - py[:, None]) / radius[:, None]) ** 2)) * share[:, None]
    flat = np.exp(-(((across - px[:, None]) / (radius[:, None] * long)) ** 2))
    cover = (tall[:, :, None] * flat[:, None, :]).astype(np.float32)
    cover *= ((down >= 0) & (down < height))[:, :, None] & ((across >= 0) & (across < width))[:, None, :]
    index = np.clip(down, 0, height - 1)[:, :, None] * width + np.clip(across, 0, width - 1)[:, None, :]
    seen = cover > 0.012
    index, cover = index[seen], cover[seen]
    for plane, value in zip(planes, yuv, strict=True):
        flat_plane = plane.reshape(-1)
        under = flat_plane[index].astype(np.float32)
        flat_plane[index] = (under + (value - under) * cover + 0.5).astype(np.uint8)


@dataclass(frozen=True, slots=True)
class Veil:
    """Rain: light that is added to the luma, falling by `speed` (pixels a second) and repeating in both directions."""

    luma: Bytes
    speed: tuple[float, float]

    @property
    def bytes(self) -> int:
        return self.luma.nbytes

    def draw(self, _view: View, time: float, _aspect: float, planes: Planes) -> None:
        height, width = planes[0].shape
        tall, wide = self.luma.shape[0] - height, self.luma.shape[1] - width  # the part that repeats
        top, left = int(-self.speed[1] * time) % tall, int(-self.speed[0] * time) % wide
        cv2.add(planes[0], self.luma[top : top + height, left : left + width], dst=planes[0])
