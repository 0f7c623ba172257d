"""Where a thing of a given depth is seen when the camera moves: one affine matrix. Pure numbers.

Near things move more than far ones. Ground that runs from the horizon to the feet is as far above as it is near below,
so it shears; what stands on it moves as the ground under it does, and nothing comes apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, radians, sin, tau
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy import float64
    from numpy.typing import NDArray

    from ..path import View

    Matrix = NDArray[float64]

HORIZON = 0.30  # how much what stands at the horizon moves; 1 is what the camera's words say
CLOSES_IN = 0.66  # y on which the camera closes in: about where figures are
LEVEL = 0.90  # y at which the ground moves by 1


@dataclass(frozen=True, slots=True)
class Depth:
    """How much a thing moves: `far` at the height `y_far`, `near` at `y_near`; the same for what stands upright."""

    far: float
    near: float
    y_far: float = 0.0
    y_near: float = 1.0

    @classmethod
    def upright(cls, moves: float) -> Depth:
        return cls(moves, moves)

    @classmethod
    def ground(cls, horizon: float) -> Depth:
        """The plane from the horizon down."""
        return cls(HORIZON, 1.0, horizon, max(LEVEL, horizon + 0.1))

    def at(self, y: float) -> float:
        """How much it moves at the height y."""
        return self.far + (self.near - self.far) * (y - self.y_far) / (self.y_near - self.y_far)


@dataclass(frozen=True, slots=True)
class Motion:
    """What a thing does by itself. Units of the world and seconds; hz are rounds a second, phases are shares of one.

    drift: it moves so far a second, over again after `again` seconds (0: never). bob: up and down. rock: degrees, about
    `pivot`. sway: its top leans so far over its foot, the pivot. spin: degrees a second. poses: how many a second.
    pulse: its cover swings down to that share.
    """

    drift: tuple[float, float] = (0.0, 0.0)
    again: float = 0.0
    bob: float = 0.0
    rock: float = 0.0
    sway: float = 0.0
    hz: float = 0.0
    phase: float = 0.0
    spin: float = 0.0
    pivot: tuple[float, float] = (0.0, 0.5)
    poses: float = 0.0
    pulse: float = 1.0
    ripple: float = 0.0

    @property
    def still(self) -> bool:
        return self == Motion(pivot=self.pivot, phase=self.phase, hz=self.hz)

    def matrix(self, time: float) -> Matrix:
        """(3, 3): the world as drawn -> the world now."""
        swing = sin(tau * (self.hz * time + self.phase))
        lag = sin(tau * (self.hz * time + self.phase + 0.23))
        passed = time % self.again if self.again else time
        turn = radians(self.rock * lag + self.spin * time)
        x, y = self.pivot
        c, s = cos(turn), sin(turn)
        lean = -self.sway * swing
        about = np.array([[c, -s, x - c * x + s * y], [s, c, y - s * x - c * y], [0, 0, 1.0]])
        leaning = np.array([[1, lean, -lean * y], [0, 1, 0], [0, 0, 1.0]])
        moved = np.array([[1, 0, self.drift[0] * passed], [0, 1, self.drift[1] * passed + self.bob * swing], [0, 0, 1.0]])
        return np.asarray(moved @ about @ leaning)


def seen(view: View, depth: Depth, aspect: float) -> Matrix:
    """(3, 3): the world -> the frame, both in units of its height, for one moment of the camera."""
    tops = []
    for moves, y in ((depth.far, depth.y_far), (depth.near, depth.y_near)):
        size = view.zoom ** (0.3 + 0.7 * moves)
        tops.append((size, -size * view.x * aspect * moves, CLOSES_IN + size * (y - CLOSES_IN - view.y * (0.5 + 0.5 * moves))))
    (size_far, x_far, top), (size_near, x_near, bottom) = tops
    tall = depth.y_near - depth.y_far
    grows, slides = (bottom - top) / tall, (x_near - x_far) / tall
    flat = np.array([[(size_far + size_near) / 2, slides, x_far - slides * depth.y_far], [0, grows, top - grows * depth.y_far], [0, 0, 1.0]])
    if not view.roll:
        return flat
    c, s = cos(radians(view.roll)), sin(radians(view.roll))
    return np.asarray(np.array([[c, -s, 0.5 * s], [s, c, 0.5 - 0.5 * c], [0, 0, 1.0]]) @ flat)


def reach(matrices: Sequence[Matrix], aspect: float) -> tuple[float, float, float, float]:
    """(left, top, right, bottom) of the world that the frame sees through any of the matrices."""
    corners = np.array([[x, y, 1.0] for x in (-aspect / 2, aspect / 2) for y in (0.0, 1.0)]).T
    found = np.linalg.inv(np.array(matrices)) @ corners
    return float(found[:, 0].min()), float(found[:, 1].min()), float(found[:, 0].max()), float(found[:, 1].max())
