"""The light of a scene: sky, sun, air. Every colour on every sheet passes through here, so that they belong together.

Knows colours, not shapes.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp

RGB = tuple[float, float, float]


def rgb(text: str) -> RGB:
    """ "#rrggbb" as shares."""
    red, green, blue = (int(text[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue


def mixed(a: RGB, b: RGB, share: float) -> RGB:
    """`share` of b in a."""
    red, green, blue = (x + (y - x) * share for x, y in zip(a, b, strict=True))
    return red, green, blue


def times(colour: RGB, share: float) -> RGB:
    """Darker, or brighter."""
    red, green, blue = (min(1.0, value * share) for value in colour)
    return red, green, blue


@dataclass(frozen=True, slots=True)
class Light:
    """`sky` from the zenith down to the horizon; `haze`: what far things fade into; `ambient` and `sun`: what falls on
    every side, and on those that face it. The sun or moon stands at (`x`, `y`) of the world; `disc` says which is seen.
    `stars`, `lamps` (how many windows are lit) and `fog` are shares."""

    sky: tuple[RGB, ...]
    haze: RGB
    ambient: RGB
    sun: RGB
    glow: RGB
    disc: str
    x: float
    y: float
    stars: float
    lamps: float
    fog: float

    @property
    def side(self) -> float:
        """Where light comes from: -1 left, 1 right."""
        return -1.0 if self.x < 0 else 1.0

    def faded(self, far: float) -> float:
        """How much of the haze lies before something so far away (0 here, 1 at the horizon)."""
        return min(0.95, 1.0 - exp(-(0.45 + 2.2 * self.fog) * far * (1.0 + 0.9 * far)))

    def on(self, colour: RGB, lit: float, far: float) -> RGB:
        """A thing's own colour as it is seen: `lit` 0..1 by the sun, through the air."""
        red, green, blue = (own * (around + sun * lit) for own, around, sun in zip(colour, self.ambient, self.sun, strict=True))
        return mixed((red, green, blue), self.haze, self.faded(far))
