"""The canvas that a camera moves over, and its path there: what a picture is laid on for each way of fitting it in.

Knows its shot and nothing of the film. How pixels are looked up is in _lens.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ..darkroom import Negative
from ..path import matrices
from ..path import planes as two_planes
from ..plan import Shot
from ._lens import Lens

if TYPE_CHECKING:
    from numpy import float64, uint8
    from numpy.typing import NDArray

    from ._lens import Plane, Planes, Size

BLACK = (16, 128, 128)
LARGEST = 3  # times as wide or high as the frame: so much of a contained picture is kept


@dataclass(frozen=True, slots=True)
class Footage:
    """A shot ready to be drawn. `path` is (frames, 2, 3): pixels of the picture as it was given -> pixels of the film;
    `canvas_path` the same from the canvas that the camera moves over."""

    lens: Lens
    path: NDArray[float64]
    canvas_path: NDArray[float64]

    def frames(self, start: int, count: int) -> Iterator[NDArray[uint8]]:
        """Frames as I420, shape (height * 3 / 2, width); each is valid until the next is asked for."""
        return self.lens.frames(self.canvas_path[start : start + count])


def paths(shot: Shot, negative: Negative) -> tuple[NDArray[float64], NDArray[float64]]:
    """One matrix a frame, from the given picture's pixels and from the canvas's, to the film's."""
    canvas, onto = placed(shot, negative)
    moves = matrices(shot.camera, shot.frames, shot.frame, canvas, shot.seed, _focus(shot, negative))
    whole = np.empty_like(moves)
    whole[:, :, :2] = moves[:, :, :2] * onto[0]
    whole[:, :, 2] = moves[:, :, :2] @ np.array(onto[1]) + moves[:, :, 2]
    return whole, moves


def _focus(shot: Shot, negative: Negative) -> tuple[float, float]:
    """What has to stay in the frame where some of the picture is cut off."""
    return (shot.focus or negative.aim(shot.frame.width / shot.frame.height)) if shot.fit == "cover" else (0.5, 0.5)


def placed(shot: Shot, negative: Negative) -> tuple[Size, tuple[Size, Size]]:
    """Where the picture lies on the canvas that the camera moves over.

    -> the canvas's (width, height), and ((scale x, scale y), (offset x, offset y)) from the picture's pixels to it.
    """
    width, height = negative.size
    frame = shot.frame
    if shot.fit == "stretch":
        return (float(frame.width), float(frame.height)), ((frame.width / width, frame.height / height), (0.0, 0.0))
    if shot.fit == "cover":
        scale = negative.width / width, negative.height / height
        return (float(negative.width), float(negative.height)), (scale, (0.0, 0.0))
    across, down = _contained(shot, negative)
    wide, tall = _even(max(across, down * frame.width / frame.height)), _even(max(down, across * frame.height / frame.width))
    left, top = _even((wide - across) / 2), _even((tall - down) / 2)
    return (float(wide), float(tall)), ((across / width, down / height), (float(left), float(top)))


def _contained(shot: Shot, negative: Negative) -> tuple[int, int]:
    """How large the picture is on a canvas around it; a long one would else need a canvas as high as it is wide."""
    frame = shot.frame
    less = min(1.0, LARGEST * frame.width / negative.width, LARGEST * frame.height / negative.height)
    return max(2, _even(negative.width * less)), max(2, _even(negative.height * less))


def _even(number: float) -> int:
    return round(number / 2) * 2


def composed(shot: Shot, negative: Negative) -> Planes:
    """The canvas's planes: the picture itself, or the picture on black or on a blurred copy of itself."""
    planes = negative.planes()
    if shot.fit in ("cover", "stretch"):
        return planes
    (wide, tall), (_, (left, top)) = placed(shot, negative)
    inner = _contained(shot, negative)
    done = []
    for plane, black, half in zip(planes, BLACK, (1, 2, 2), strict=True):
        size = inner[0] // half, inner[1] // half
        if size != plane.shape[::-1]:
            plane = np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), np.uint8)
        across, down, x, y = int(wide) // half, int(tall) // half, int(left) // half, int(top) // half
        ground = _blurred(plane, across, down) if shot.fit == "contain-blur" else np.full((down, across), black, np.uint8)
        ground[y : y + plane.shape[0], x : x + plane.shape[1]] = plane
        done.append(ground)
    return done[0], done[1], done[2]


def _blurred(plane: Plane, across: int, down: int) -> Plane:
    """The plane's middle, filling the size, softened beyond recognition."""
    height, width = plane.shape
    scale = max(across / width, down / height)
    keep_w, keep_h = (max(1, min(side, round(wanted / scale))) for side, wanted in ((width, across), (height, down)))
    x, y = (width - keep_w) // 2, (height - keep_h) // 2
    small = cv2.resize(np.ascontiguousarray(plane[y : y + keep_h, x : x + keep_w]), (64, max(2, 64 * down // across)), interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(small, (0, 0), 2.0)
    return np.asarray(cv2.resize(soft, (across, down), interpolation=cv2.INTER_CUBIC), np.uint8)


def planes(shot: Shot, negative: Negative, farthest: float, most: float) -> tuple[NDArray[float64], NDArray[float64], NDArray[float64], float]:
    """One matrix a frame for what is nearest and what is farthest in a picture.

    -> from the given picture's pixels for the nearest, then from the canvas's for the nearest and the farthest, and how
    much the farthest moves: `farthest` where the nearest moves by 1, more if they would part by more than `most` of the
    frame's width.
    """
    canvas, onto = placed(shot, negative)
    moves = farthest
    for _ in range(2):  # the second time with what the first has shown
        near, far = two_planes(shot.camera, shot.frames, shot.frame, canvas, shot.seed, _focus(shot, negative), moves)
        corners = np.array([[0, 0, 1], [shot.frame.width, 0, 1], [shot.frame.width, shot.frame.height, 1], [0, shot.frame.height, 1]]).T
        apart = max(float(np.abs(f @ np.vstack([cv2.invertAffineTransform(n) @ corners, np.ones(4)]) - corners[:2]).max()) for n, f in zip(near, far, strict=True))
        if apart <= most * shot.frame.width:
            break
        moves = 1 - (1 - moves) * most * shot.frame.width / apart
    whole = np.empty_like(near)
    whole[:, :, :2] = near[:, :, :2] * onto[0]
    whole[:, :, 2] = near[:, :, :2] @ np.array(onto[1]) + near[:, :, 2]
    return whole, near, far, moves
