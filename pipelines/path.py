"""A Camera over a picture -> one affine matrix a frame. Pure numbers; knows no pixels and no engine.

Coordinates are continuous: (0, 0) is the corner of the first pixel and its centre is (0.5, 0.5).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, exp, log, pi, radians, sin, tau
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from numpy import float64
    from numpy.typing import NDArray

    from .moves import Aim, Camera
    from .plan import Frame

ZOOMS = 0.3  # how much the farthest plane closes in, where the nearest does by 1
MOST_CROP = 1.5  # to make room for travel and turns a picture is enlarged so far at most; then the travel shrinks
REFERENCE = 5.0  # seconds for which a move's own numbers are meant
LEAST_FREE = 0.01  # of the frame: with less, picture and frame have one shape
MOST_OF_FREE, FASTEST, LEAST_TRAVEL = 0.85, 0.1, 0.04  # shares of the free room; of the frame a second; of the frame


@dataclass(frozen=True, slots=True)
class View:
    """Where the camera is at one moment: enlargement, centre in shares of the frame, turn in degrees."""

    zoom: float
    x: float
    y: float
    roll: float


def matrices(
    camera: Camera, frames: int, frame: Frame, picture: tuple[float, float], seed: int, focus: tuple[float, float] = (0.5, 0.5)
) -> NDArray[float64]:
    """One affine matrix a frame, shape (frames, 2, 3): picture pixels -> film pixels.

    `picture` is (width, height) in any unit of pixels. The picture covers the frame at every moment: it is enlarged as
    much as the travel needs, at most MOST_CROP, then the travel is made shorter. Where the picture is longer than the
    frame, the camera keeps as near to `focus` (shares of the picture) as it can, unless its words say which way to go.
    """
    import numpy as np

    width, height = picture
    cover = max(frame.width / width, frame.height / height)
    seconds = frame.seconds(frames)
    path = views(camera, frames, seconds, seed)
    # A pixel is read from between pixel centres: half a pixel of the picture stays outside.
    rim = 0.5 * max(1.0, cover)
    room = (width * cover / 2 - rim, height * cover / 2 - rim)
    path, crop = _fitted(_stretched(path, frame, room, seconds), frame, room)
    aside = _aimed(path, crop, frame, room, focus, camera.leads)
    return np.array([_matrix(view, cover, crop, picture, frame, aside) for view in path])


def _matrix(
    view: View, cover: float, crop: float, picture: tuple[float, float], frame: Frame, aside: tuple[float, float]
) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """One view of a picture that covers the frame at `cover`."""
    scale = cover * crop * view.zoom
    a, b = scale * cos(radians(view.roll)), scale * sin(radians(view.roll))
    cx = picture[0] / 2 + (view.x * frame.width + aside[0]) / cover
    cy = picture[1] / 2 + (view.y * frame.height + aside[1]) / cover
    return (a, -b, frame.width / 2 - a * cx + b * cy), (b, a, frame.height / 2 - b * cx - a * cy)


def planes(
    camera: Camera, frames: int, frame: Frame, picture: tuple[float, float], seed: int, focus: tuple[float, float], far: float
) -> tuple[NDArray[float64], NDArray[float64]]:
    """The same for two planes of one picture, near and far, each (frames, 2, 3). `far`: how much the far one moves when
    the near one moves by 1. Both cover the frame at every moment, and they are one where the camera is as it began."""
    import numpy as np

    width, height = picture
    cover = max(frame.width / width, frame.height / height)
    seconds = frame.seconds(frames)
    rim = 0.5 * max(1.0, cover)
    room = (width * cover / 2 - rim, height * cover / 2 - rim)
    near, crop = _fitted(_stretched(views(camera, frames, seconds, seed), frame, room, seconds), frame, room)
    behind = [View(view.zoom ** (ZOOMS + (1 - ZOOMS) * far), view.x * far, view.y * far, view.roll) for view in near]
    crop = max(crop, _crop(behind, frame, room, 1.0))
    aside = _aimed([*near, *behind], crop, frame, room, focus, camera.leads)
    both = [np.array([_matrix(view, cover, crop, picture, frame, aside) for view in path]) for path in (near, behind)]
    return both[0], both[1]


def ease(share: float) -> float:
    """0..1 to 0..1, starting and stopping softly with an even pace between (a cosine)."""
    return 0.5 - 0.5 * cos(pi * min(1.0, max(0.0, share)))


def views(camera: Camera, frames: int, seconds: float, seed: int) -> list[View]:
    """The wished path, one view a frame, for a world without edges. The least zoom is 1; the path's middle is the
    picture's middle."""
    pace = min(1.6, max(0.5, (seconds / REFERENCE) ** 0.5))  # a short shot travels less, a long one more
    raw = [_view(camera, i / max(1, frames - 1), seconds, pace, seed) for i in range(frames)]
    least = min(view.zoom for view in raw)
    mid_x = (min(v.x for v in raw) + max(v.x for v in raw)) / 2
    mid_y = (min(v.y for v in raw) + max(v.y for v in raw)) / 2
    mid_roll = (min(v.roll for v in raw) + max(v.roll for v in raw)) / 2
    return [View(exp(v.zoom - least), v.x - mid_x, v.y - mid_y, v.roll - mid_roll) for v in raw]


def _stretched(views: Sequence[View], frame: Frame, room: tuple[float, float], seconds: float) -> list[View]:
    """A pan over a wide picture, or a tilt over a tall one, goes most of the way there is, at a pace the eye can follow."""
    factors = []
    for ways, space, size in (([v.x for v in views], room[0], frame.width), ([v.y for v in views], room[1], frame.height)):
        travel, free = max(ways) - min(ways), 2 * space / size - 1
        far = min(MOST_OF_FREE * free, FASTEST * seconds)
        factors.append(max(1.0, far / travel) if travel > LEAST_TRAVEL else 1.0)
    return [View(v.zoom, v.x * factors[0], v.y * factors[1], v.roll) for v in views]


def _view(camera: Camera, share: float, seconds: float, pace: float, seed: int) -> View:
    """Moves add up; one that is over stays where it ended. `zoom` is a logarithm here."""
    zoom = x = y = roll = 0.0
    for step in camera.steps:
        at = (share - step.start) / (step.end - step.start)
        for aim in step.aims:
            done = _done(aim, at) * aim.strength * pace
            zoom += log(aim.move.zoom) * done
            x += aim.move.pan * done
            y += aim.move.tilt * done
            roll += aim.move.roll * done
            if aim.move.orbit:
                turn = tau * _done(aim, at)
                x += aim.move.orbit * aim.strength * sin(turn)
                y += aim.move.orbit * aim.strength * (1 - cos(turn)) * 0.5
            if aim.move.shake and 0 <= at <= 1:
                swell = min(1.0, 8 * at, 8 * (1 - at))  # comes and goes softly
                size = aim.move.shake * aim.strength * swell
                time = share * seconds * aim.move.shake_hz
                x += size * _tremble(time, seed)
                y += size * _tremble(time, seed + 1)
                roll += 40 * size * _tremble(time, seed + 2)
    return View(zoom, x, y, roll)


def _done(aim: Aim, at: float) -> float:
    return ease(at) if aim.eased else min(1.0, max(0.0, at))


def _tremble(time: float, seed: int) -> float:
    """Smooth noise in -1..1: a few sines whose phases come from the seed."""
    phases = [((seed * 2654435761 + k * 40503) % 65536) / 65536 for k in range(4)]
    return sum(sin(tau * (time * rate + phase)) / (k + 1) for k, (rate, phase) in enumerate(zip((0.61, 1.0, 1.73, 2.9), phases, strict=True))) / 2.08


def _fitted(views: Sequence[View], frame: Frame, room: tuple[float, float]) -> tuple[list[View], float]:
    """The views and the enlargement with which every corner stays inside the picture."""
    low, high = 0.0, 1.0
    whole = _crop(views, frame, room, 1.0)
    if whole <= MOST_CROP:
        return list(views), whole
    for _ in range(24):
        middle = (low + high) / 2
        low, high = (middle, high) if _crop(views, frame, room, middle) <= MOST_CROP else (low, middle)
    return [View(v.zoom, v.x * low, v.y * low, v.roll) for v in views], _crop(views, frame, room, low)


def _aimed(
    views: Sequence[View], crop: float, frame: Frame, room: tuple[float, float], focus: tuple[float, float], led: tuple[bool, bool]
) -> tuple[float, float]:
    """How far the whole path moves over, in film pixels, to have the focus in its middle; only in a direction in which
    the picture is longer than the frame, and in which no word of the user's leads."""
    out = []
    for axis, size in ((0, frame.width), (1, frame.height)):
        ways = [(view.x, view.y)[axis] * size for view in views]
        if led[axis] or 2 * room[axis] - size < LEAST_FREE * size:
            out.append(0.0)
            continue
        bounds = [room[axis] - _half(view, frame)[axis] / (view.zoom * crop) for view in views]
        least = max(-bound - way for bound, way in zip(bounds, ways, strict=True))
        most = min(bound - way for bound, way in zip(bounds, ways, strict=True))
        out.append(max(min(least, 0.0), min(max(most, 0.0), (focus[axis] - 0.5) * 2 * room[axis])))
    return out[0], out[1]


def _half(view: View, frame: Frame) -> tuple[float, float]:
    """Half of what the turned frame takes, across and down."""
    c, s = abs(cos(radians(view.roll))), abs(sin(radians(view.roll)))
    return ((frame.width - 1) * c + (frame.height - 1) * s) / 2, ((frame.width - 1) * s + (frame.height - 1) * c) / 2


def _crop(views: Sequence[View], frame: Frame, room: tuple[float, float], travel: float) -> float:
    """The enlargement that the travel, shrunk to `travel`, needs; infinite if the picture is too small for it."""
    need = 1.0
    for view in views:
        half = _half(view, frame)
        for extent, offset, space in ((half[0], abs(view.x) * frame.width, room[0]), (half[1], abs(view.y) * frame.height, room[1])):
            left = space - travel * offset
            if left <= 0:
                return float("inf")
            need = max(need, extent / (view.zoom * left))
    return need
