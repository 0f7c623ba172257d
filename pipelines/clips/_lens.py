"""Looking up a picture's pixels for a film's frames: sharp, without shimmer, at any place, size and turn.

The picture is kept as levels, each holding just the detail that its enlargement can show (so nothing shimmers), with
DENSITY samples for each pixel of the film (so a linear look-up is sharp wherever it falls). A zoom melts from level to
level. Where the camera only travels, a frame is a blend of at most four shifted copies, which is several times faster.
Knows nothing of shots; a part of the camera engine, not an engine.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import floor, log
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy import float64, uint8
    from numpy.typing import NDArray

    Plane = NDArray[uint8]
    Planes = tuple[Plane, Plane, Plane]
    Matrix = NDArray[float64]
Size = tuple[float, float]

cv2.setNumThreads(1)  # stretches are drawn side by side instead
STEP = 1.36  # between levels
MELT = 0.3  # the share of a step in which two levels are mixed
DENSITY = 2  # samples of a level for each pixel of the film, where memory allows
MOST = 48_000_000  # samples in a level at most
DARKEST, LIGHTEST = 16, {1: 235, 2: 240}  # the legal range, of luma and of chroma
HALVES = (1, 2, 2)  # chroma planes are half as wide and high


@dataclass(frozen=True, slots=True)
class Level:
    """The canvas at one enlargement: Y, U and V with `dense` samples for each pixel of the film.

    `offset`: the rim, in pixels of the film, that is left out so that whole pixels remain.
    `phases[plane][row][column]` are the samples at every `dense`-th row and column, for travelling.
    """

    planes: Planes
    zoom: float
    offset: Size
    dense: int
    phases: tuple[tuple[tuple[Plane, ...], ...], ...]


@dataclass(frozen=True, slots=True)
class Lens:
    """Levels for a range of enlargements, STEP apart, and the film's frame (width, height)."""

    levels: tuple[Level, ...]
    frame: tuple[int, int]

    @classmethod
    def ground(
        cls, canvas: Planes, size: Size, frame: tuple[int, int], first: float, steps: int, travels: bool
    ) -> Lens:
        """For enlargements from `first` (film pixels for one canvas pixel); `size` is what the canvas counts as.

        `travels`: the camera will do nothing but travel.
        """
        return cls(tuple(_level(canvas, first * STEP**k, size, travels) for k in range(steps + 1)), frame)

    @property
    def bytes(self) -> int:
        return sum(plane.nbytes for level in self.levels for plane in level.planes) * 2

    def frames(self, matrices: Matrix) -> Iterator[NDArray[uint8]]:
        """One I420 frame for each matrix (canvas pixels -> film pixels); valid until the next is asked for."""
        width, height = self.frame
        buffers = [np.empty(width * height * 3 // 2, np.uint8) for _ in range(2)]
        shown: Matrix | None = None
        for matrix in matrices:
            if shown is None or not np.array_equal(matrix, shown):
                self._draw(matrix, buffers)
            shown = matrix
            yield buffers[0].reshape(height * 3 // 2, width)

    def _draw(self, matrix: Matrix, buffers: list[Plane]) -> None:
        zoom = float(np.hypot(matrix[0, 0], matrix[1, 0]))
        if len(self.levels) == 1 and self.levels[0].phases and _travels(matrix, self.levels[0]):
            _shift(self.levels[0], matrix, buffers[0], self.frame)
            return
        place = max(0.0, min(len(self.levels) - 1.0, log(zoom / self.levels[0].zoom) / log(STEP)))
        low = floor(place)
        share = min(1.0, max(0.0, (place - low - 0.5) / MELT + 0.5))
        if share < 1.0:
            _sample(self.levels[low], matrix, buffers[0], self.frame)
        if share > 0.0:
            _sample(self.levels[min(low + 1, len(self.levels) - 1)], matrix, buffers[1], self.frame)
            if share < 1.0:
                cv2.addWeighted(buffers[0], 1.0 - share, buffers[1], share, 0, dst=buffers[0])
            else:
                buffers.reverse()


def _level(canvas: Planes, zoom: float, size: Size, travels: bool) -> Level:
    wide, tall = size[0] * zoom, size[1] * zoom
    dense = next(d for d in range(DENSITY, 0, -1) if d == 1 or wide * tall * d * d <= MOST)
    shown = max(4, int(wide) // 2 * 2), max(4, int(tall) // 2 * 2)
    planes = tuple(_resampled(plane, (wide, tall), shown, half, dense) for plane, half in zip(canvas, HALVES, strict=True))
    split = range(dense) if travels else range(0)
    phases = tuple(
        tuple(tuple(np.ascontiguousarray(plane[row::dense, column::dense]) for column in split) for row in split)
        for plane in planes
    )
    offset = max(0.0, (wide - shown[0]) / 2), max(0.0, (tall - shown[1]) / 2)
    return Level((planes[0], planes[1], planes[2]), zoom, offset, dense, phases if travels else ())


def _resampled(plane: Plane, seen: Size, shown: tuple[int, int], half: int, dense: int) -> Plane:
    """Down to what can be seen, by Lanczos with its support widened (no alias), then up to `dense` samples for each
    pixel of the film (no blur). `shown` whole pixels of the `seen` are taken from the middle."""
    height, width = plane.shape
    rims = [max(0.0, 1 - whole / each) / 2 for each, whole in zip(seen, shown, strict=True)]
    box = width * rims[0], height * rims[1], width * (1 - rims[0]), height * (1 - rims[1])
    given = Image.fromarray(np.ascontiguousarray(plane))
    sharp = np.asarray(given.resize((shown[0] // half, shown[1] // half), Image.Resampling.LANCZOS, box=box), np.uint8)
    if dense > 1:
        kernel = cv2.INTER_LANCZOS4 if half == 1 else cv2.INTER_CUBIC
        sharp = np.asarray(cv2.resize(sharp, None, fx=dense, fy=dense, interpolation=kernel), np.uint8)
    return np.clip(sharp, DARKEST, LIGHTEST[half])  # sharp edges ring a little


def _travels(matrix: Matrix, level: Level) -> bool:
    """Whether the frame is the level as it is, only shifted."""
    turned = matrix[0, 1] or matrix[1, 0]
    return not turned and matrix[0, 0] == matrix[1, 1] and abs(matrix[0, 0] / level.zoom - 1) < 1e-9


def _back(matrix: Matrix, level: Level, half: int) -> Matrix:
    """From a film sample's index to a level sample's index, for a plane `half` as wide.

    Film sample i has its middle at half * (i + 0.5); a film's chroma is sited on the left luma sample.
    """
    side = 0.5 if half == 1 else 0.25
    back = cv2.invertAffineTransform(matrix)
    out = np.empty((2, 3))
    out[:, :2] = back[:, :2] * level.zoom * level.dense
    middle = (back[:, 0] * half * side + back[:, 1] * half * 0.5 + back[:, 2]) * level.zoom - np.array(level.offset)
    out[:, 2] = middle * level.dense / half - 0.5
    return out


def _sample(level: Level, matrix: Matrix, out: Plane, frame: tuple[int, int]) -> None:
    """Draw one frame's planes into `out` (I420)."""
    for plane, half, into in zip(level.planes, HALVES, _views(out, frame), strict=True):
        size = into.shape[1], into.shape[0]
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        cv2.warpAffine(plane, _back(matrix, level, half), size, dst=into, flags=flags, borderMode=cv2.BORDER_REPLICATE)


def _shift(level: Level, matrix: Matrix, out: Plane, frame: tuple[int, int]) -> None:
    """The same for a camera that only travels: the four nearest samples are whole shifted pictures, blended."""
    for phases, half, into in zip(level.phases, HALVES, _views(out, frame), strict=True):
        back = _back(matrix, level, half)
        x, y = float(back[0, 2]), float(back[1, 2])
        left, top = floor(x), floor(y)
        rows = []
        for row in (top, top + 1):
            ends = [_cut(phases, row, column, level.dense, into.shape) for column in (left, left + 1)]
            rows.append(cv2.addWeighted(ends[0], 1.0 - (x - left), ends[1], x - left, 0))
        cv2.addWeighted(rows[0], 1.0 - (y - top), rows[1], y - top, 0, dst=into)


def _cut(phases: tuple[tuple[Plane, ...], ...], row: int, column: int, dense: int, shape: tuple[int, ...]) -> Plane:
    """Every `dense`-th sample from (row, column) on; the rim is repeated where the shot's own margin ends."""
    plane = phases[row % dense][column % dense]
    top, left = row // dense, column // dense
    cut = plane[max(0, top) : top + shape[0], max(0, left) : left + shape[1]]
    missing = shape[0] - cut.shape[0], shape[1] - cut.shape[1]
    if not any(missing):
        return cut
    above, before = max(0, -top), max(0, -left)
    edges = (above, missing[0] - above), (before, missing[1] - before)
    return np.pad(cut, edges, mode="edge")


def _views(out: Plane, frame: tuple[int, int]) -> Iterator[Plane]:
    """The planes of an I420 frame, in place."""
    width, height = frame
    edge = width * height
    for half, start in zip(HALVES, (0, edge, edge * 5 // 4), strict=True):
        across, down = width // half, height // half
        yield out[start : start + across * down].reshape(down, across)
