"""How a whole picture moves, and the same move carried on over one still picture. Pure; knows no video.

A still picture has nothing beyond its rim: so the move goes on in its middle while the camera closes in as much as the
rim needs, and eases out before it has come too near.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, exp, hypot, pi, sin
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from ..moves import Camera
from ..path import views
from ..plan import Frame
from .flow import shrunk

if TYPE_CHECKING:
    from numpy import float64, uint8
    from numpy.typing import NDArray

    Picture = NDArray[uint8]

POINTS = 300  # that are followed from picture to picture
FEWEST = 12
STILL = 0.05  # pixels of the film a picture: less is no move
NEAREST = 1.35  # times: so near the camera comes at most
CREEP = 0.012  # a second: where nothing moves the camera still closes in a little, so that the film goes on
BEGIN = 1.0  # seconds in which a move that was asked for begins
RIM = 0.75  # pixels


@dataclass(frozen=True, slots=True)
class Drift:
    """The picture's motion from one frame to the next, about its middle: `zoom` as a logarithm, `roll` in radians, `x`
    and `y` in shares of its width and height."""

    zoom: float = 0.0
    roll: float = 0.0
    x: float = 0.0
    y: float = 0.0

    @property
    def back(self) -> Drift:
        """The same motion in time turned round."""
        return Drift(-self.zoom, -self.roll, -self.x, -self.y)


def measured(pictures: Sequence[Picture]) -> Drift:
    """What moves the whole of these I420 pictures, in order; the newest count most. Nothing if they share nothing."""
    small = [shrunk(one) for one in pictures]
    found = [drift for a, b in zip(small, small[1:], strict=False) if (drift := _step(a, b))]
    if not found:
        return Drift()
    late = found[-max(3, len(found) // 2) :]
    zoom, roll, x, y = (float(np.median([getattr(one, name) for one in late])) for name in ("zoom", "roll", "x", "y"))
    return Drift(zoom, roll, x, y)


def _step(first: Picture, second: Picture) -> Drift | None:
    height, width = first.shape
    points: Any = cv2.goodFeaturesToTrack(first, POINTS, 0.01, max(4, width // 60))
    if points is None or len(points) < FEWEST:
        return None
    seen: Any
    seen, good, _ = cv2.calcOpticalFlowPyrLK(first, second, points, points.copy(), winSize=(15, 15), maxLevel=3)
    kept = good.reshape(-1) == 1
    if kept.sum() < FEWEST:
        return None
    matrix, sure = cv2.estimateAffinePartial2D(points[kept], seen[kept], method=cv2.RANSAC, ransacReprojThreshold=0.5, maxIters=500)
    if matrix is None or sure.sum() < max(FEWEST, 0.3 * kept.sum()):
        return None
    a, b = float(matrix[0, 0]), float(matrix[1, 0])
    middle = matrix @ np.array([width / 2, height / 2, 1.0]) - (width / 2, height / 2)
    return Drift(float(np.log(hypot(a, b))), float(np.arctan2(b, a)), float(middle[0]) / width, float(middle[1]) / height)


def carried(drift: Drift, frame: Frame, count: int, camera: Camera | None = None, seed: int = 0) -> NDArray[float64]:
    """(count, 2, 3): matrices from the still picture's pixels to the film's, for the `count` frames after it.

    The first goes on at the pace of `drift`. With a `camera` that was asked for, its moves take over softly.
    """
    lasts = count if camera is None else min(count, round(BEGIN * frame.rate))
    while lasts > 2:  # eased out sooner where it would come too near
        if camera is not None or _nearest(_places(drift, frame, lasts, lasts), frame) <= NEAREST:
            break
        lasts = int(lasts * 0.9)
    places = _places(drift, frame, count, lasts)
    if camera is not None:
        asked = views(camera, count + 1, frame.seconds(count + 1), seed)
        first = asked[0]
        for place, view in zip(places, asked[1:], strict=True):
            place += (np.log(view.zoom / first.zoom), (view.roll - first.roll) * pi / 180, -(view.x - first.x), -(view.y - first.y))
    elif abs(drift.zoom) * frame.width < STILL:
        creep = np.arange(1, count + 1) / float(frame.rate)
        places[:, 0] += CREEP * (creep - np.minimum(creep, 1) * (1 - np.minimum(creep, 1) / 2))
    return _inside(places, frame)


def _places(drift: Drift, frame: Frame, count: int, lasts: int) -> NDArray[float64]:
    """(count, 4): zoom, roll, x, y of each frame, for a picture without a rim: even at first, then easing out."""
    quiet = max(abs(drift.x) * frame.width, abs(drift.y) * frame.height, abs(drift.zoom) * frame.width / 2, abs(drift.roll) * frame.width / 2) < STILL
    pace = [0.0 if quiet or k > lasts else 0.5 + 0.5 * cos(pi * (k / (lasts + 1)) ** 1.5) for k in range(1, count + 1)]
    gone = np.cumsum(pace)
    return np.outer(gone, (drift.zoom, drift.roll, drift.x, drift.y))


def _nearest(places: NDArray[float64], frame: Frame) -> float:
    matrices = _inside(places, frame)
    return float(np.hypot(matrices[:, 0, 0], matrices[:, 1, 0]).max())


def _inside(places: NDArray[float64], frame: Frame) -> NDArray[float64]:
    """The matrices, each closed in as much as the rim needs, and never less than the one before."""
    width, height = frame.width, frame.height
    corners = np.array([(RIM, RIM), (width - RIM, RIM), (width - RIM, height - RIM), (RIM, height - RIM)])
    out = np.empty((len(places), 2, 3))
    closer = 1.0
    for k, (zoom, roll, x, y) in enumerate(places):
        while True:
            scale = exp(zoom) * closer
            a, b = scale * cos(roll), scale * sin(roll)
            # the wished travel is the picture's own, so it grows with what closes in
            cx, cy = width / 2 + x * width * closer, height / 2 + y * height * closer
            matrix = np.array([(a, -b, cx - a * width / 2 + b * height / 2), (b, a, cy - b * width / 2 - a * height / 2)])
            back = cv2.invertAffineTransform(matrix)
            seen = corners @ back[:, :2].T + back[:, 2]
            beyond = max(-seen[:, 0].min(), seen[:, 0].max() - width, -seen[:, 1].min(), seen[:, 1].max() - height)
            if beyond <= 0 or closer > 4:
                break
            closer *= 1 + max(2e-5, beyond / width * 0.5)
        out[k] = matrix
    return out


def shown(picture: Picture, matrix: NDArray[float64]) -> Picture:
    """The I420 picture through that matrix."""
    rows, width = picture.shape[0] * 2 // 3, picture.shape[1]
    out = np.empty_like(picture)
    out[:rows] = _warped(picture[:rows], matrix, 1, cv2.INTER_CUBIC)
    planes, drawn = picture[rows:].reshape(2, rows // 2, width // 2), out[rows:].reshape(2, rows // 2, width // 2)
    for plane, place in zip(planes, drawn, strict=True):
        place[:] = _warped(plane, matrix, 2, cv2.INTER_LINEAR)
    return out


def _warped(plane: Picture, matrix: NDArray[float64], by: int, reading: int) -> Any:
    """The matrix counts from corners, in luma pixels; warpAffine from the pixels' middles."""
    turned = matrix.copy()
    turned[:, 2] = matrix[:, 2] / by + matrix[:, :2] @ (0.5, 0.5) - 0.5
    return cv2.warpAffine(plane, turned, plane.shape[::-1], flags=reading, borderMode=cv2.BORDER_REPLICATE)
