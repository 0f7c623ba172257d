"""What the entries of presets/sketch.toml are made of: the words that the sketch painter knows, as frozen values.

Knows the shape of an entry, not what is done with it.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

strict = ConfigDict(extra="forbid", allow_inf_nan=False)
Share = Annotated[float, Field(ge=0, le=1)]
Colour = Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$")]


# A stroke of pen.py: tone, shape, numbers, and how it swings. Only its form is looked at here; drawing reads the rest.
NUMBER = r"(?: -?\d{1,2}(?:\.\d{1,4})?)"
SHAPES = rf"(?:blob|poly|limb|disc|ring|line)(?: twice)?{NUMBER}{{3,160}}"
Stroke = Annotated[str, Field(pattern=rf"^[a-z]{{3,5}} {SHAPES}(?: @{NUMBER}{{4}}| @@{NUMBER}{{2}})?$")]
Far = Literal["mountains", "ice", "volcano", "hills", "dunes", "mesas", "cliffs", "skyline", "town", "island", "pines", "woods", "palms", "bare"]
Plane = Literal["grass", "crops", "snow", "sand", "street", "rock", "moon", "mars", "lake", "sea", "river", "road", "ice", "swamp", "clouds"]
Near = Literal["grass", "reeds", "flowers", "ferns", "crops", "branches", "trunks", "shore", "cave", "waterfall"]
Thing = Literal[
    "sun", "moon", "stars", "galaxy", "milky way", "aurora", "rainbow", "clouds", "lightning", "fireworks", "nebula", "earth", "planet", "ringed planet", "red planet", "asteroids", "comet",
    "sunbeams", "fireflies", "leaves", "petals", "bubbles", "smoke",
]  # fmt: skip
World = Literal["land", "space", "room", "deep"]
ANYWHERE = "meadow"  # the home of who is at home in many places
Moves = Literal["still", "walk", "roll", "fly", "soar", "hover", "zoom", "float", "launch", "bob", "leap", "swim", "drift", "sway", "hop", "waddle", "graze", "breathe", "flutter", "burn", "turn", "spin", "pulse", "tick", "flicker", "steam"]


@dataclass(frozen=True, slots=True, config=strict)
class Sky:
    """A time of day. `colours` from the zenith down to the horizon. `height`: the disc's, 0 at the horizon, 1 overhead."""

    colours: Annotated[tuple[Colour, ...], Field(min_length=2, max_length=7)]
    haze: Colour
    ambient: Colour
    sun: Colour
    glow: Colour
    disc: Literal["sun", "moon", ""] = "sun"
    height: Share = 0.5
    stars: Annotated[float, Field(ge=0, le=3)] = 0.0
    lamps: Share = 0.0
    backlit: Share = 0.2


@dataclass(frozen=True, slots=True, config=strict)
class Air:
    """Weather: each number is how much of it there is."""

    fog: Share = 0.0
    clouds: Share = 0.0
    grey: Share = 0.0
    rain: Share = 0.0
    snow: Share = 0.0
    wind: Share = 0.0
    clear: bool = False  # no clouds, whatever the seed would like


@dataclass(frozen=True, slots=True, config=strict)
class Finish:
    """What is done to every colour in the end. Greys move towards `tint`, by `tinted`."""

    saturation: Annotated[float, Field(ge=0, le=2)] = 1.0
    contrast: Annotated[float, Field(ge=0.4, le=1.6)] = 1.0
    brightness: Annotated[float, Field(ge=-0.3, le=0.3)] = 0.0
    tint: Colour | Literal[""] = ""
    tinted: Share = 0.0
    vignette: Share = 0.0


@dataclass(frozen=True, slots=True, config=strict)
class Season:
    """What grows, and its colours. `white`: how much snow lies; `bare`: no leaves."""

    leaf: Colour
    grass: Colour
    white: Share = 0.0
    bare: bool = False


@dataclass(frozen=True, slots=True, config=strict)
class Land:
    """What a place is made of, from far to near; `ground`: the ground's own colour."""

    far: tuple[Far, ...] = ()
    plane: Plane | Literal[""] = ""
    near: tuple[Near, ...] = ()
    world: World = "land"
    ground: Colour | Literal[""] = ""


@dataclass(frozen=True, slots=True, config=strict)
class Figure:
    """Something drawn in strokes (see pen.py). `size`: its height as a share of the frame's; `on`: where it is at home
    in a picture; `home`: the place to draw when no other is named; `speed`: its heights a second."""

    shapes: Annotated[tuple[Stroke, ...], Field(min_length=1, max_length=80)]
    colour: Colour
    size: Annotated[float, Field(ge=0.02, le=1)] = 0.25
    on: Literal["ground", "water", "air", "space", "deep", "wall"] = "ground"
    place: Literal["front", "back", "middle", "table"] = "front"
    home: str = ANYWHERE
    moves: Moves = "still"
    speed: Annotated[float, Field(ge=0, le=10)] = 0.0
    count: Annotated[int, Field(ge=1, le=9)] = 1


@dataclass(frozen=True, slots=True, config=strict)
class Town:
    """How a city looks: 0 is as of old."""

    futuristic: Share = 0.0
    neon: Share = 0.0


@dataclass(frozen=True, slots=True, config=strict)
class Word:
    """One entry: its name and `words` mean it (plurals are understood); the rest is what it does to a picture.

    brings: other entries that come with it. The last five go with the next figure: its colour, how many, how large, what
    it does, where it is.
    """

    words: tuple[str, ...] = ()
    brings: tuple[str, ...] = ()
    sky: Sky | None = None
    air: Air | None = None
    finish: Finish | None = None
    season: Season | None = None
    town: Town | None = None
    land: Land | None = None
    thing: Thing | None = None
    figure: Figure | None = None
    colour: Colour | Literal[""] = ""
    many: Annotated[int, Field(ge=0, le=12)] = 0
    scale: Annotated[float, Field(ge=0, le=4)] = 0.0
    act: Moves | Literal[""] = ""
    where: Literal["", "left", "right", "middle", "near", "far", "above"] = ""

    @property
    def noun(self) -> bool:
        """Whether it puts something into the picture."""
        return bool(self.land or self.thing or self.figure or self.brings)


Vocabulary = dict[str, Word]
