"""The multiplane camera: sheets one behind the other, each seen by its own matrix, laid into one frame of film.

A frame depends on nothing but its number. Knows pixels and depths, not what is drawn.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import ceil, inf, sin, tau
from typing import TYPE_CHECKING

import cv2
import numpy as np

from .depth import Depth, Motion, seen
from .motes import Motes, Planes, Veil
from .noise import Array, Bytes
from .sheet import Sheet

if TYPE_CHECKING:
    from ..path import View

LOOK_UP = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
CLEAR = (0, 0, 0, 255)  # nothing drawn: all that lies behind shines through
WAVES = ((1.0, 9.0, 1.1), (-0.6, 23.0, 1.9), (0.35, 51.0, 3.1))  # of a ripple: size, waves across, radians a second


Window = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Cel:
    """Something drawn: its poses (each as sheet.Board.dry gives them), where, how deep, and how it moves by itself.

    `solid`: from this y down it hides all that is behind it; `endless`: as far as anybody sees, else to the end of its
    sheet. `soft`: it has no fine detail, and is looked up at half the frame's size. `horizon`: where its ripples are smallest. `windows` (top, bottom, left, right in samples): the parts of its
    sheet that are not empty; none: all of it.
    """

    poses: tuple[Bytes, ...]
    sheet: Sheet
    depth: Depth
    motion: Motion = field(default_factory=Motion)
    solid: float = inf
    endless: bool = True
    soft: bool = False
    horizon: float = 0.0
    windows: tuple[Window, ...] = ()

    @property
    def bytes(self) -> int:
        return sum(pose.nbytes for pose in self.poses)

    @property
    def whole(self) -> bool:
        """Whether it hides all that is behind it, everywhere."""
        return self.solid == -inf

    @property
    def into(self) -> Array:
        """(3, 3): indices of its samples -> the world."""
        sheet = self.sheet
        return np.array([[1 / sheet.dense, 0, 0.5 / sheet.dense + sheet.left], [0, 1 / sheet.dense, 0.5 / sheet.dense + sheet.top], [0, 0, 1]])


def pixels(size: tuple[int, int]) -> Array:
    """(3, 3): the frame in units of its height -> indices of its pixels."""
    width, height = size
    return np.array([[height, 0, width / 2 - 0.5], [0, height, -0.5], [0, 0, 1.0]])


class Table:
    """Room to work in for one who draws frames; asked for once, since memory that is new is slow."""

    def __init__(self, size: tuple[int, int]) -> None:
        self._whole = np.empty(size[0] * size[1] * 4, np.uint8)
        self._parts, self._large = ([np.empty((size[0] + 2) * (size[1] + 2), np.uint8) for _ in range(4)] for _ in range(2))

    def room(self, size: tuple[int, int]) -> tuple[Bytes, list[Bytes]]:
        """For (width, height) pixels of four bytes, together and apart."""
        count = size[0] * size[1]
        return self._whole[: count * 4].reshape(size[1], size[0], 4), [one[:count].reshape(size[1], size[0]) for one in self._parts]

    def large(self, size: tuple[int, int]) -> list[Bytes]:
        """Four more planes."""
        return [one[: size[0] * size[1]].reshape(size[1], size[0]) for one in self._large]


@dataclass(frozen=True, slots=True)
class Multiplane:
    """Everything in a shot from far to near, the frame's size in pixels, frames a second, and one view a frame.

    `shade` is taken from the luma of every frame: the dark of its corners and the paper's grain.
    """

    items: tuple[Cel | Motes | Veil, ...]
    size: tuple[int, int]
    rate: float
    views: Sequence[View]
    shade: Bytes

    @property
    def bytes(self) -> int:
        return sum(item.bytes for item in self.items)

    def frames(self, start: int, count: int) -> Iterator[Bytes]:
        """I420 frames, shape (height * 3 / 2, width); each is valid until the next is asked for."""
        width, height = self.size
        out = np.empty(width * height * 3 // 2, np.uint8)
        planes = out[: width * height].reshape(height, width), *(np.empty((height, width), np.uint8) for _ in range(2))
        table = Table(self.size)
        edge = width * height
        halves = [out[at : at + edge // 4].reshape(height // 2, width // 2) for at in (edge, edge * 5 // 4)]
        for number in range(start, min(start + count, len(self.views))):
            self.draw(number, (planes[0], planes[1], planes[2]), table)
            for plane, half in zip(planes[1:], halves, strict=True):
                cv2.resize(plane, (width // 2, height // 2), dst=half, interpolation=cv2.INTER_AREA)
            yield out.reshape(height * 3 // 2, width)

    def draw(self, number: int, planes: Planes, table: Table) -> None:
        """One frame's Y, U and V, all at full size."""
        width, height = self.size
        view, time, aspect = self.views[number], number / self.rate, width / height
        placed = [self._matrix(item, view, time) if isinstance(item, Cel) else None for item in self.items]
        hidden = self._hidden(placed)
        for item, matrix, limit in zip(self.items, placed, hidden, strict=True):
            if isinstance(item, Cel) and matrix is not None:
                lay(item, matrix, time, limit, planes, table)
            elif isinstance(item, Motes | Veil):
                item.draw(view, time, aspect, planes)
        cv2.subtract(planes[0], self.shade, dst=planes[0])
        np.maximum(planes[0], 16, out=planes[0])

    def _matrix(self, cel: Cel, view: View, time: float) -> Array:
        """(3, 3): the cel's pixels -> the frame's, both as indices."""
        width, height = self.size
        return np.asarray(pixels(self.size) @ seen(view, cel.depth, width / height) @ cel.motion.matrix(time) @ cel.into)

    def _hidden(self, placed: Sequence[Array | None]) -> list[int]:
        """For each item the row from which nearer ones hide it."""
        width, height = self.size
        out, limit = [height] * len(placed), height
        for k in range(len(placed) - 1, -1, -1):
            out[k] = limit
            item, matrix = self.items[k], placed[k]
            if isinstance(item, Cel) and matrix is not None and item.solid < inf:
                ends = height if item.endless else _row(item, matrix, width, item.sheet.bottom) - 3
                limit = min(limit, _row(item, matrix, width, item.solid)) if ends >= limit else limit
        return out


def _row(cel: Cel, matrix: Array, width: int, y: float) -> int:
    """The frame's first row that lies wholly below a cel's own y."""
    if y == -inf:
        return 0
    index = (y - cel.sheet.top) * cel.sheet.dense + 0.5
    ends = matrix @ np.array([[0.0, index, 1.0], [cel.sheet.width - 1.0, index, 1.0]]).T
    slope = (ends[1, 1] - ends[1, 0]) / (ends[0, 1] - ends[0, 0])
    return ceil(float(max(ends[1, 0] + slope * (x - ends[0, 0]) for x in (0, width))) + 0.5)


def _seen(cel: Cel, matrix: Array, limit: int, width: int) -> Iterator[Window]:
    """The parts of the frame, down to the row `limit`, that a cel's windows show; they never overlap."""
    whole = (0, cel.sheet.height, 0, cel.sheet.width)
    (a, b, c), (d, e, f) = matrix[0].tolist(), matrix[1].tolist()
    for top, bottom, left, right in cel.windows if cel.windows and not d else (whole,):
        xs = [a * x + b * y + c for x in (left - 0.5, right - 0.5) for y in (top - 0.5, bottom - 0.5)]
        ys = [d * x + e * y + f for x in (left - 0.5, right - 0.5) for y in (top - 0.5, bottom - 0.5)]
        found = max(0, ceil(min(ys))), min(limit, ceil(max(ys))), max(0, ceil(min(xs))), min(width, ceil(max(xs)))
        if found[0] < found[1] and found[2] < found[3]:
            yield found


def lay(cel: Cel, matrix: Array, time: float, limit: int, planes: Planes, table: Table) -> None:
    """Lay a cel over the frame's planes, down to the row `limit`."""
    height, width = planes[0].shape
    pose = cel.poses[int(time * cel.motion.poses) % len(cel.poses)]
    inverse = cv2.invertAffineTransform(matrix[:2])
    ends = _row(cel, matrix, width, cel.solid) if cel.solid < inf and cel.endless else height
    for top, bottom, left, right in _seen(cel, matrix, min(limit, height), width):
        if cel.soft:
            top, left = top & ~1, left & ~1
            bottom = min(height, bottom + (bottom - top) % 2)
        back = np.column_stack([inverse[:, :2], inverse[:, :2] @ (left, top) + inverse[:, 2]])
        size = right - left, bottom - top
        shown, parts = table.room(size)
        if cel.motion.ripple:
            across, down = _rippled(cel, back, matrix, top, size, time)
            cv2.remap(pose, across, down, cv2.INTER_LINEAR, dst=shown, borderMode=cv2.BORDER_CONSTANT, borderValue=CLEAR)
        elif cel.soft:
            parts = _halved(pose, back, size, table, planes if cel.whole and not size[0] % 2 and not size[1] % 2 else None)
            if not parts:
                continue
        else:
            cv2.warpAffine(pose, back, size, dst=shown, flags=LOOK_UP, borderMode=cv2.BORDER_CONSTANT, borderValue=CLEAR)
        if not cel.soft:
            cv2.split(shown, parts)
        if cel.motion.pulse < 1.0:
            _pulse(parts, cel.motion, time)
        solid = min(bottom, max(top, ends))
        for plane, part in zip(planes, parts, strict=False):
            under, cut = plane[top:solid, left:right], solid - top
            if cut:
                cv2.multiply(under, parts[3][:cut], dst=under, scale=1 / 255)
                cv2.add(under, part[:cut], dst=under)
            if solid < bottom:
                plane[solid:bottom, left:right] = part[cut:]


def _halved(pose: Bytes, back: Array, size: tuple[int, int], table: Table, into: Planes | None) -> list[Bytes]:
    """Y, U, V and what shines through of `size` pixels, looked up at every second one and drawn out. Straight `into` the
    frame's planes, and nothing to be laid, where nothing shines through."""
    half = (size[0] + 1) // 2, (size[1] + 1) // 2
    wide = half[0] * 2, half[1] * 2
    every = np.column_stack([back[:, :2] * 2, back[:, 2] + back[:, :2] @ (0.5, 0.5)])
    shown, few = table.room(half)
    cv2.warpAffine(pose, every, half, dst=shown, flags=LOOK_UP, borderMode=cv2.BORDER_CONSTANT, borderValue=CLEAR)
    cv2.split(shown, few)
    if into:
        for small, plane in zip(few, into, strict=False):
            cv2.resize(small, wide, dst=plane[: wide[1]], interpolation=cv2.INTER_LINEAR)
        return []
    large = table.large(wide)
    for small, out in zip(few, large, strict=True):
        cv2.resize(small, wide, dst=out, interpolation=cv2.INTER_LINEAR)
    return [one[: size[1], : size[0]] for one in large]


def _pulse(parts: Sequence[Bytes], motion: Motion, time: float) -> None:
    """Make a cel fainter, as its motion has it at that time."""
    swing = 0.5 + 0.5 * sin(tau * (motion.hz * time + motion.phase))
    share = motion.pulse + (1 - motion.pulse) * swing
    for part, rest in zip(parts, (0, 0, 0, 255 * (1 - share)), strict=True):
        cv2.addWeighted(part, share, part, 0, rest, dst=part)


def _rippled(cel: Cel, back: Array, matrix: Array, top: int, size: tuple[int, int], time: float) -> tuple[Array, Array]:
    """Where each pixel of the frame is looked up in water: waves that are smaller and denser the farther they are.

    Along a row it is reckoned at every fourth pixel, and drawn out.
    """
    few = -(-size[0] // 4) + 2
    x = (np.arange(few, dtype=np.float32) - 0.5) * 4 - np.float32(0.5)
    y = np.arange(size[1], dtype=np.float32)
    horizon = float((matrix @ (0, (cel.horizon - cel.sheet.top) * cel.sheet.dense, 1.0))[1])
    tall = float(matrix[1, 1]) * cel.sheet.dense  # of a unit, in the frame's pixels
    away = np.maximum((y + np.float32(top - horizon)) / np.float32(tall), 0.004)
    left, right = [np.ones_like(y), back[0, 1] * y + back[0, 2]], [back[0, 0] * x, np.ones_like(x)]
    lower, upper = [np.ones_like(y), back[1, 1] * y + back[1, 2]], [back[1, 0] * x, np.ones_like(x)]
    grows = np.float32(cel.motion.ripple * cel.sheet.dense) * np.sqrt(away) * np.minimum(1, away * 30)
    for share, across, speed in WAVES:
        at = np.float32(across * 0.55) / np.sqrt(away + 0.002) + np.float32(speed * time)
        along = np.float32(across * 0.35 / tall) * x
        for rows, columns in ((np.sin(at), np.cos(along)), (np.cos(at), np.sin(along))):
            left.append(np.float32(share) * grows * rows)
            right.append(columns)
            lower.append(np.float32(share * 0.8) * grows * rows)
            upper.append(columns)
    out = []
    for rows, columns in ((left, right), (lower, upper)):
        found = np.asarray(np.stack(rows, 1) @ np.stack(columns), np.float32)
        out.append(cv2.resize(found, (few * 4, size[1]), interpolation=cv2.INTER_LINEAR)[:, 4 : 4 + size[0]])
    return out[0], out[1]
