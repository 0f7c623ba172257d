"""A still picture and a moving camera, on any CPU: frames are drawn when the encoder asks for them.

Knows its shot and nothing of the film. Sampling: the picture is kept as levels a step apart, each holding just the
detail that its enlargement can show (so nothing shimmers) at twice the density (so a linear look-up is smooth); a
zoom melts from level to level.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, floor, log
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ..darkroom import Negative
from ..moves import Aim
from ..path import matrices
from ..plan import Shot

if TYPE_CHECKING:
    from numpy import float64, uint8
    from numpy.typing import NDArray

    Plane = NDArray[uint8]
    Planes = tuple[Plane, Plane, Plane]
    Size = tuple[float, float]

STEP = 1.26  # between levels
MELT = 0.4  # the share of a step in which two levels are mixed
DENSITY = 2.0  # samples of a level for each pixel of the film
MOST = 48_000_000  # samples in a level at most
REMEMBERED = 4  # pictures kept ready: a transition needs two, and neighbours come again
BLACK = (16, 128, 128)


@dataclass(frozen=True, slots=True)
class Level:
    """The canvas at one density: its planes, and the (width, height) of the canvas that they show."""

    planes: Planes
    canvas: Size


@dataclass(frozen=True, slots=True)
class Footage:
    """A shot ready to be drawn. `path` is (frames, 2, 3): pixels of the picture as it was given -> pixels of the film."""

    shot: Shot
    levels: tuple[Level, ...]
    first: float  # the enlargement that the first level is for; each further one is STEP more
    path: NDArray[float64]
    canvas_path: NDArray[float64]

    def frames(self, start: int, count: int) -> Iterator[NDArray[uint8]]:
        """Frames as I420, shape (height * 3 / 2, width); each is valid until the next is asked for."""
        width, height = self.shot.frame.width, self.shot.frame.height
        buffers = [np.empty(width * height * 3 // 2, np.uint8) for _ in range(2)]
        for matrix in self.canvas_path[start : start + count]:
            self._draw(matrix, buffers)
            yield buffers[0].reshape(height * 3 // 2, width)

    def _draw(self, matrix: NDArray[float64], buffers: list[Plane]) -> None:
        zoom = float(np.hypot(matrix[0, 0], matrix[1, 0]))
        place = max(0.0, min(len(self.levels) - 1.0, log(zoom / self.first) / log(STEP)))
        low = floor(place)
        share = min(1.0, max(0.0, (place - low - 0.5) / MELT + 0.5))
        if share < 1.0:
            _sample(self.levels[low], matrix, buffers[0], self.shot)
        if share > 0.0:
            _sample(self.levels[min(low + 1, len(self.levels) - 1)], matrix, buffers[1], self.shot)
            cv2.addWeighted(buffers[0], 1.0 - share, buffers[1], share, 0, dst=buffers[0]) if share < 1.0 else buffers.reverse()


class Engine:
    """See crew.LiveEngine."""

    label = "Camera over a still picture"
    version = 1
    rank = 10
    online = False
    live = True
    wants_picture = True

    def __init__(self) -> None:
        self._ready: OrderedDict[object, tuple[Level, ...]] = OrderedDict()
        self._lock = threading.Lock()

    def missing(self) -> str | None:
        """It needs nothing but the base set."""
        return None

    def recipe(self, shot: Shot) -> object:
        """The camera's numbers, the frame, the fit, and the seed only where something trembles."""
        aims = [[step.start, step.end, [_numbers(aim) for aim in step.aims]] for step in shot.camera.steps]
        shakes = any(aim.move.shake for step in shot.camera.steps for aim in step.aims)
        return [self.version, aims, shot.frames, shot.frame, shot.fit, shot.seed if shakes else None]

    def path(self, shot: Shot, negative: Negative) -> NDArray[float64]:
        """The shot's matrices, from the given picture's pixels to the film's."""
        return _paths(shot, negative)[0]

    def footage(self, shot: Shot, negative: Negative) -> Footage:
        """The shot ready to be drawn from its picture."""
        path, moves = _paths(shot, negative)
        zooms = np.hypot(moves[:, 0, 0], moves[:, 1, 0])
        least, most = float(zooms.min()), float(zooms.max())
        steps = max(0, ceil(log(most / least) / log(STEP) - 0.5))
        first = least if steps else (least * most) ** 0.5
        wanted = (negative.path, shot.frame, shot.fit, first, steps)
        with self._lock:
            levels = self._ready.get(wanted)
            if levels is None:
                canvas = composed(shot, negative)
                levels = tuple(_level(canvas, first * STEP**k, placed(shot, negative)[0]) for k in range(steps + 1))
                self._ready[wanted] = levels
                while len(self._ready) > REMEMBERED:
                    self._ready.popitem(last=False)
            self._ready.move_to_end(wanted)
        return Footage(shot, levels, first, path, moves)


def _numbers(aim: Aim) -> list[float | bool]:
    move = aim.move
    return [move.zoom, move.pan, move.tilt, move.roll, move.orbit, move.shake, move.shake_hz, aim.strength, aim.eased]


def _paths(shot: Shot, negative: Negative) -> tuple[NDArray[float64], NDArray[float64]]:
    """One matrix a frame, from the given picture's pixels and from the canvas's, to the film's."""
    canvas, onto = placed(shot, negative)
    moves = matrices(shot.camera, shot.frames, shot.frame, canvas, shot.seed)
    whole = np.empty_like(moves)
    whole[:, :, :2] = moves[:, :, :2] * onto[0]
    whole[:, :, 2] = moves[:, :, :2] @ np.array(onto[1]) + moves[:, :, 2]
    return whole, moves


def placed(shot: Shot, negative: Negative) -> tuple[Size, tuple[Size, Size]]:
    """Where the picture lies on the canvas that the camera moves over.

    -> the canvas's (width, height), and ((scale x, scale y), (offset x, offset y)) from the picture's pixels to it.
    """
    width, height = negative.size
    frame = shot.frame
    if shot.fit == "stretch":
        return (float(frame.width), float(frame.height)), ((frame.width / width, frame.height / height), (0.0, 0.0))
    scale = negative.width / width, negative.height / height
    if shot.fit == "cover":
        return (float(negative.width), float(negative.height)), (scale, (0.0, 0.0))
    wide = _even(max(float(negative.width), negative.height * frame.width / frame.height))
    tall = _even(max(float(negative.height), negative.width * frame.height / frame.width))
    left, top = _even((wide - negative.width) / 2), _even((tall - negative.height) / 2)
    return (float(wide), float(tall)), (scale, (float(left), float(top)))


def _even(number: float) -> int:
    return round(number / 2) * 2


def composed(shot: Shot, negative: Negative) -> Planes:
    """The canvas's planes: the picture itself, or the picture on black or on a blurred copy of itself."""
    planes = negative.planes()
    if shot.fit in ("cover", "stretch"):
        return planes
    (wide, tall), (_, (left, top)) = placed(shot, negative)
    done = []
    for plane, black, half in zip(planes, BLACK, (1, 2, 2), strict=True):
        across, down, x, y = int(wide) // half, int(tall) // half, int(left) // half, int(top) // half
        ground = _blurred(plane, across, down) if shot.fit == "contain-blur" else np.full((down, across), black, np.uint8)
        ground[y : y + plane.shape[0], x : x + plane.shape[1]] = plane
        done.append(ground)
    return done[0], done[1], done[2]


def _blurred(plane: Plane, across: int, down: int) -> Plane:
    """The plane's middle, filling the size, softened beyond recognition."""
    height, width = plane.shape
    scale = max(across / width, down / height)
    keep_w, keep_h = min(width, round(across / scale)), min(height, round(down / scale))
    x, y = (width - keep_w) // 2, (height - keep_h) // 2
    small = cv2.resize(np.ascontiguousarray(plane[y : y + keep_h, x : x + keep_w]), (64, max(2, 64 * down // across)), interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(small, (0, 0), 2.0)
    return np.asarray(cv2.resize(soft, (across, down), interpolation=cv2.INTER_CUBIC), np.uint8)


def _level(canvas: Planes, zoom: float, size: tuple[float, float]) -> Level:
    """The canvas with the detail that can be seen at `zoom` film pixels a canvas pixel, DENSITY samples for each."""
    wide, tall = size[0] * zoom, size[1] * zoom
    dense = min(DENSITY, max(1.0, (MOST / (wide * tall)) ** 0.5))
    y, u, v = (_resampled(plane, (wide / half, tall / half), dense) for plane, half in zip(canvas, (1, 2, 2), strict=True))
    return Level((y, u, v), size)


def _resampled(plane: Plane, seen: tuple[float, float], dense: float) -> Plane:
    width = plane.shape[1]
    shown = max(2, round(seen[0])), max(2, round(seen[1]))
    if shown[0] < width:
        plane = np.asarray(cv2.resize(plane, shown, interpolation=cv2.INTER_AREA), np.uint8)
    final = max(2, round(seen[0] * dense)), max(2, round(seen[1] * dense))
    return np.asarray(cv2.resize(plane, final, interpolation=cv2.INTER_CUBIC), np.uint8)


def _sample(level: Level, matrix: NDArray[float64], out: Plane, shot: Shot) -> None:
    """Draw one frame's planes into `out` (I420)."""
    frame = shot.frame
    edge = frame.width * frame.height
    back = cv2.invertAffineTransform(matrix)
    for plane, half, start in zip(level.planes, (1, 2, 2), (0, edge, edge * 5 // 4), strict=True):
        width, height = frame.width // half, frame.height // half
        # film sample (i, j) has its middle at half * (i + 0.5); a film's chroma is sited on the left luma sample
        side = 0.5 if half == 1 else 0.25
        m = back.copy()
        m[:, 2] = back[:, 0] * half * side + back[:, 1] * half * 0.5 + back[:, 2]
        m[:, :2] *= half
        m[0] *= plane.shape[1] / level.canvas[0]
        m[1] *= plane.shape[0] / level.canvas[1]
        m[:, 2] = m[:, 2] - 0.5
        into = out[start : start + width * height].reshape(height, width)
        cv2.warpAffine(plane, m, (width, height), dst=into, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE)
