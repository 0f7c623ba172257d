"""Looking up a picture's pixels for a film's frames: sharp, without shimmer, at any place, size and turn.

The picture is kept as levels, each holding just the detail that its enlargement can show (so nothing shimmers), with
DENSITY samples for each pixel of the film (so a linear look-up is sharp wherever it falls). A zoom melts from level to
level. Where the camera only travels, a frame is a blend of at most four shifted copies, which is several times faster.
Knows nothing of shots; a part of the camera engine, not an engine.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from math import ceil, floor, log
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy import float32, float64, uint8
    from numpy.typing import NDArray

    Plane = NDArray[uint8]
    Planes = tuple[Plane, Plane, Plane]
    Phases = tuple[tuple[Plane, ...], ...]
    Matrix = NDArray[float64]
Size = tuple[float, float]

cv2.setNumThreads(1)  # stretches are drawn side by side instead
STEP = 1.36  # between levels
MELT = 0.3  # the share of a step in which two levels are mixed
DENSITY = 2  # samples of a level for each pixel of the film, where memory allows
MOST = 48_000_000  # samples in a level at most
DARKEST, LIGHTEST = 16, {1: 235, 2: 240}  # the legal range, of luma and of chroma
NONE = 1e-6  # of a sample: so little is no way at all
HALVES = (1, 2, 2)  # chroma planes are half as wide and high


@dataclass(frozen=True, slots=True)
class Level:
    """The canvas at one enlargement: Y, U and V with `dense` samples for each pixel of the film.

    `offsets`: for each plane the rim, in pixels of the film, that is left out so that whole pixels remain. For travelling
    `planes` is empty, and `phases[plane][row][column]` are the samples at every `dense`-th row and column instead.
    """

    planes: tuple[Plane, ...]
    zoom: float
    offsets: tuple[Size, ...]
    dense: int
    phases: tuple[Phases, ...]


@dataclass(frozen=True, slots=True)
class Lens:
    """Levels for a range of enlargements, STEP apart, and the film's frame (width, height)."""

    levels: tuple[Level, ...]
    frame: tuple[int, int]

    @classmethod
    def ground(
        cls, canvas: Planes, size: Size, frame: tuple[int, int], first: float, steps: int, travel: Matrix | None
    ) -> Lens:
        """`first` (film pixels for one canvas pixel) and `steps` are those of `stands`; `size` is what the canvas counts as.

        `travel`: the matrices of every frame, if the camera will do nothing but travel.
        """
        return cls(tuple(_level(canvas, first * STEP**k, size, frame, travel) for k in range(steps + 1)), frame)

    @property
    def bytes(self) -> int:
        split = [plane for level in self.levels for phases in level.phases for row in phases for plane in row]
        return sum(plane.nbytes for plane in [*split, *(plane for level in self.levels for plane in level.planes)])

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
        if self.levels[0].phases:
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


def stands(moves: Matrix) -> tuple[float, int]:
    """Where a range of enlargements is looked at from: the first level's, and how many more there are. Each serves half a
    step to both sides."""
    zooms = np.hypot(moves[:, 0, 0], moves[:, 1, 0])
    least, most = float(zooms.min()), float(zooms.max())
    more = max(0, ceil(log(most / least) / log(STEP) - NONE) - 1)
    return (least * most) ** 0.5 / STEP ** (more / 2), more


def _level(canvas: Planes, zoom: float, size: Size, frame: tuple[int, int], travel: Matrix | None) -> Level:
    wide, tall = size[0] * zoom, size[1] * zoom
    dense = next(d for d in range(DENSITY, 0, -1) if d == 1 or wide * tall * d * d <= MOST)
    shown = max(4, int(wide) // 2 * 2), max(4, int(tall) // 2 * 2)
    rim = max(0.0, (wide - shown[0]) / 2), max(0.0, (tall - shown[1]) / 2)
    offsets = tuple(rim if travel is None else _met(travel, zoom, rim, dense, half, shown, frame) for half in HALVES)
    phases = tuple(
        _resampled(plane, (wide, tall), shown, offset, half, dense)
        for plane, offset, half in zip(canvas, offsets, HALVES, strict=True)
    )
    if travel is None:
        return Level(tuple(map(_woven, phases)), zoom, offsets, dense, ())
    return Level((), zoom, offsets, dense, phases)


def _met(
    travel: Matrix, zoom: float, rim: Size, dense: int, half: int, shown: tuple[int, int], frame: tuple[int, int]
) -> Size:
    """The rim with which the samples lie just where the camera looks in a direction in which it does not move, if there
    is room for it: then nothing has to be blended in that direction."""
    places, moves = _back(travel[0], zoom, rim, dense, half)[:, 2], np.ptp(travel[:, :, 2], 0)
    met = []
    for place, moved, room, whole, seen in zip(places.tolist(), moves.tolist(), rim, shown, frame, strict=True):
        more = (place - round(place)) * half / dense
        inside = 0 <= round(place) <= (whole - seen) // half * dense
        met.append(room + more if inside and moved < NONE and abs(more) <= room else room)
    return met[0], met[1]


def _resampled(plane: Plane, seen: Size, shown: tuple[int, int], offset: Size, half: int, dense: int) -> Phases:
    """Down to what can be seen, by Lanczos with its support widened (no alias), then up to `dense` samples for each
    pixel of the film (no blur), as phases. `shown` whole pixels of the `seen` are taken, from `offset` on."""
    height, width = plane.shape
    left, top = width * offset[0] / seen[0], height * offset[1] / seen[1]
    box = left, top, min(width, left + width * shown[0] / seen[0]), min(height, top + height * shown[1] / seen[1])
    given = Image.fromarray(np.ascontiguousarray(plane))
    sharp = np.asarray(given.resize((shown[0] // half, shown[1] // half), Image.Resampling.LANCZOS, box=box), np.uint8)
    taps = [_taps(half, (i + 0.5) / dense - 0.5) for i in range(dense)]
    return tuple(tuple(_beside(sharp, across, down, LIGHTEST[half]) for across in taps) for down in taps)


def _beside(plane: Plane, across: NDArray[float32], down: NDArray[float32], lightest: int) -> Plane:
    """The samples a little beside the plane's own; sharp edges ring a little, which is cut off."""
    near = np.asarray(cv2.sepFilter2D(plane, -1, across, down, borderType=cv2.BORDER_REPLICATE), np.uint8)
    return np.asarray(np.clip(near, DARKEST, lightest, out=near), np.uint8)


@cache
def _taps(half: int, beside: float) -> NDArray[float32]:
    """What the samples around one count for the place that lies so far `beside` it: Lanczos for luma, cubic for chroma."""
    reach = 4 if half == 1 else 2
    x = np.abs(np.arange(-reach, reach + 1) - beside)
    near = 1.25 * x**3 - 2.25 * x**2 + 1
    far = -0.75 * x**3 + 3.75 * x**2 - 6 * x + 3
    taps = np.sinc(x) * np.sinc(x / reach) if half == 1 else np.where(x < 1, near, far)
    taps[x >= reach] = 0
    return np.asarray(taps / taps.sum(), np.float32)


def _woven(phases: Phases) -> Plane:
    """The phases as one plane."""
    rows = [cv2.merge(row).reshape(len(row[0]), -1) for row in phases]
    return np.asarray(np.stack(rows, 1), np.uint8).reshape(-1, rows[0].shape[1])


def _back(matrix: Matrix, zoom: float, offset: Size, dense: int, half: int) -> Matrix:
    """From a film sample's index to a level sample's index, for a plane `half` as wide.

    Film sample i has its middle at half * (i + 0.5); a film's chroma is sited on the left luma sample.
    """
    side = 0.5 if half == 1 else 0.25
    back = cv2.invertAffineTransform(matrix)
    out = np.empty((2, 3))
    out[:, :2] = back[:, :2] * zoom * dense
    middle = (back[:, 0] * half * side + back[:, 1] * half * 0.5 + back[:, 2]) * zoom - np.array(offset)
    out[:, 2] = middle * dense / half - 0.5
    return out


def _sample(level: Level, matrix: Matrix, out: Plane, frame: tuple[int, int]) -> None:
    """Draw one frame's planes into `out` (I420)."""
    for plane, offset, half, into in zip(level.planes, level.offsets, HALVES, _views(out, frame), strict=True):
        back, size = _back(matrix, level.zoom, offset, level.dense, half), (into.shape[1], into.shape[0])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        cv2.warpAffine(plane, back, size, dst=into, flags=flags, borderMode=cv2.BORDER_REPLICATE)


def _shift(level: Level, matrix: Matrix, out: Plane, frame: tuple[int, int]) -> None:
    """The same for a camera that only travels: the nearest samples are whole shifted pictures, blended."""
    for phases, offset, half, into in zip(level.phases, level.offsets, HALVES, _views(out, frame), strict=True):
        x, y = _back(matrix, level.zoom, offset, level.dense, half)[:, 2].tolist()
        left, top = floor(x + NONE), floor(y + NONE)
        rows = []
        for row in (top, top + 1) if y - top > NONE else (top,):
            ends = [_cut(phases, row, column, level.dense, into.shape) for column in (left, left + 1)[: 1 + (x - left > NONE)]]
            rows.append(cv2.addWeighted(ends[0], 1.0 - (x - left), ends[1], x - left, 0) if len(ends) > 1 else ends[0])
        if len(rows) > 1:
            cv2.addWeighted(rows[0], 1.0 - (y - top), rows[1], y - top, 0, dst=into)
        else:
            into[:] = rows[0]


def _cut(phases: Phases, row: int, column: int, dense: int, shape: tuple[int, ...]) -> Plane:
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
