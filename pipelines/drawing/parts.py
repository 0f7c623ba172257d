"""What a stage is: a scene in its light, in a frame of some shape; and the parts that are to be drawn for it.

Knows where things can stand, not what they are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from math import inf

from .depth import HORIZON, Depth, Motion
from .light import RGB, Light, mixed, rgb, times
from .motes import Motes
from .scene import Scene
from .sheet import Board, Grade, Sheet

Draw = Callable[..., Board]  # (sheet), and for water (sheet, mirror)

HORIZONS = {"sea": 0.56, "lake": 0.57, "swamp": 0.58, "river": 0.60, "street": 0.76, "clouds": 0.62, "moon": 0.66, "mars": 0.66, "road": 0.60, "": 0.62}


@dataclass(frozen=True, slots=True)
class Part:
    """Something to draw. It lies between `top` and `bottom`, `left` and `right` of the world (infinite: as far as is seen).

    `poses`: what it looks like besides, one after the other. `mirrors`: it is water with its far edge at that height; it
    is drawn with what lies above, upside down, as `mirror`: Y, U and V, the first row at the edge.
    """

    draw: Draw
    depth: Depth
    motion: Motion = field(default_factory=Motion)
    top: float = -inf
    bottom: float = inf
    left: float = -inf
    right: float = inf
    poses: tuple[Draw, ...] = ()
    mirrors: float | None = None
    soft: bool = False  # it has no fine detail


@dataclass(frozen=True, slots=True)
class Rain:
    """Streaks before everything; `near` ones are longer and faster."""

    seed: int
    strong: float
    wind: float
    near: bool


Item = Part | Motes | Rain


@dataclass(frozen=True, slots=True)
class Set:
    """A scene's stage: what all who draw on it go by."""

    scene: Scene
    light: Light
    grade: Grade
    aspect: float
    horizon: float
    seconds: float  # how long it is seen

    @property
    def seed(self) -> int:
        return self.scene.seed

    def draw(self, drawer: Callable[..., Board], shift: int = 0, /, **how: object) -> Draw:
        """A drawer, (sheet, grade, light, seed, ...), with all but the sheet settled; `shift` is added to the seed."""
        return partial(_drawn, drawer, self.grade, self.light, self.seed + shift, how)

    @property
    def leaf(self) -> RGB:
        return rgb(self.scene.season.leaf)

    @property
    def lawn(self) -> RGB:
        return rgb(self.scene.season.grass)

    def ground(self) -> Depth:
        """The plane that all stand on."""
        return Depth.ground(self.horizon)

    def standing(self, y: float) -> Depth:
        """Something upright whose foot is on the ground at y."""
        return Depth.upright(max(HORIZON, self.ground().at(y)))

    def away(self, y: float) -> float:
        """How far off the ground at y is: 0 here, 1 at the horizon."""
        return float(max(0.0, min(1.0, (0.92 - y) / max(0.92 - self.horizon, 0.05))) ** 1.6)

    @property
    def sway(self) -> float:
        """How far plants lean."""
        return 0.012 + 0.05 * self.scene.air.wind


def stage(scene: Scene, aspect: float, seconds: float) -> Set:
    """The light and the horizon of a scene in a frame of that shape (width over height), for so long."""
    sky, air = scene.sky, scene.air
    horizon = 0.62 if scene.world != "land" and not scene.plane else HORIZONS.get(scene.plane, 0.63)
    side = -1.0 if scene.seed % 2 else 1.0
    x = side * (0.20 + 0.12 * ((scene.seed // 2) % 3)) * min(aspect, 2.0) * 0.62
    disc = "moon" if "moon" in scene.things and sky.disc != "sun" else sky.disc
    if "sun" in scene.things:
        disc = "sun"
    if air.grey > 0.7 and "sun" not in scene.things and "moon" not in scene.things:
        disc = ""
    height = max(0.1, sky.height) if disc and not sky.disc else sky.height
    colours = tuple(map(rgb, sky.colours))
    haze, ambient, sun, glow = rgb(sky.haze), rgb(sky.ambient), rgb(sky.sun), rgb(sky.glow)
    if air.grey:
        flat = _grey(haze, 0.9)
        colours = tuple(mixed(one, mixed(_grey(one, 0.85), flat, 0.45), air.grey * 0.85) for one in colours)
        haze = mixed(haze, flat, air.grey * 0.75)
        sun = times(sun, 1 - 0.65 * air.grey)
        glow = mixed(glow, haze, air.grey * 0.6)
    if air.fog:
        colours = tuple(mixed(one, haze, air.fog * 0.6 * (0.4 + 0.6 * k / max(1, len(colours) - 1))) for k, one in enumerate(colours))
    stars = sky.stars * (1 - 0.9 * max(air.clouds * 0.5, air.grey))
    if "stars" in scene.things:
        stars = max(stars, 1.4 if sky.stars or scene.world == "space" else 0.5)
    if scene.tint:
        tint = rgb(scene.tint)
        colours = tuple(mixed(one, tint, 0.34) for one in colours)
        haze, ambient, glow = mixed(haze, tint, 0.34), mixed(ambient, tint, 0.18), mixed(glow, tint, 0.2)
    light = Light(colours, haze, ambient, sun, glow, disc, x, horizon - 0.02 - height * (horizon - 0.10), stars, sky.lamps, air.fog)
    own = scene.finish
    bright = own.brightness * (1 - 0.75 * sky.lamps) if own.brightness < 0 else own.brightness  # a night is dark already
    grade = Grade.mixed(own.saturation, own.contrast, bright, rgb(own.tint) if own.tint else None, own.tinted)
    return Set(scene, light, grade, aspect, horizon, max(seconds, 0.5))


def _grey(colour: RGB, share: float) -> RGB:
    value = (0.2126 * colour[0] + 0.7152 * colour[1] + 0.0722 * colour[2]) * share
    return value, value, value * 1.03


def _drawn(drawer: Callable[..., Board], grade: Grade, light: Light, seed: int, how: dict[str, object], sheet: Sheet, **more: object) -> Board:
    return drawer(sheet, grade, light, seed, **how, **more)
