"""What a model that diffusers runs can be asked for: its options, the sizes and lengths it allows, and how a scene is
cut into clips. Pure. Knows rules that hold for all of them; what differs is in presets/models.toml.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass as plain
from dataclasses import fields, replace
from math import ceil, log
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue
from pydantic.dataclasses import dataclass

from ..gear.loras import Lora
from ..gear.options import agree, read, strict
from ..moves import Camera
from ..plan import SLOWEST
from ..work import FilmError
from ._open_sora_plan import directed

MOST = 8  # clips of a scene; after them its last frame stays
MELTS = 0.5  # seconds in which clips that cannot go on from one another melt into each other
Class = Annotated[str, Field(pattern=r"^([A-Z]\w*Pipeline)?$")]
Side = Annotated[int, Field(ge=16, le=4096)]
STRENGTHS = MappingProxyType({"subtle": 0.35, "mild": 0.6, "strong": 0.85})  # of the steps
Mode = Literal["t2v", "i2v", "extend", "ends", "v2v"]


@dataclass(frozen=True, slots=True, config=strict)
class Own:
    """What of the options one mode has otherwise."""

    steps: Annotated[int | None, Field(ge=1, le=200)] = None
    guidance: Annotated[float | None, Field(ge=0, le=30)] = None
    scheduler: dict[str, JsonValue] | None = None


@dataclass(frozen=True, slots=True, config=strict)
class Options:
    """A model's options. t2v, i2v, extend, ends, v2v: diffusers' class for a prompt alone, for a picture that comes
    first, for going on from frames, for a first and a last picture, for a video made over; "" where it cannot; plain ones,
    or one modular for all. given: how
    a class takes pictures. strengths: its number for a video that is made over subtly, mildly, strongly.
    names: what it calls an argument, where that differs. more: arguments that are always the same. size: pixels that a
    clip has about as many of, both sides whole multiples of `multiple`, or exactly those if `fixed`. Frames are
    `step` k + `plus`, from `least` to `most`; `overlap` frames of a clip are what the next goes on from. spoken: whether
    the clip action is said in words. along: it decodes between its steps, so a clip is one call. tiled: it always decodes in
    squares, as whole clips take more memory than the steps do. long: components in float32. scheduler: settings of the
    scheduler. own: what a mode has otherwise."""

    t2v: Class = ""
    i2v: Class = ""
    extend: Class = ""
    ends: Class = ""
    v2v: Class = ""
    given: Literal["image", "vace", "ltx", "ltx2"] = "image"
    strengths: dict[str, Annotated[float, Field(gt=0, le=2)]] = Field(default_factory=lambda: dict(STRENGTHS))
    names: dict[str, str] = Field(default_factory=dict)
    more: dict[str, JsonValue] = Field(default_factory=dict)
    size: tuple[Side, Side] = (832, 480)
    multiple: Annotated[int, Field(ge=2, le=128, multiple_of=2)] = 16
    fixed: bool = False
    step: Annotated[int, Field(ge=1, le=256)] = 4
    plus: Annotated[int, Field(ge=0, le=64)] = 1
    least: Annotated[int, Field(ge=2, le=2000)] = 5
    most: Annotated[int, Field(ge=2, le=2000)] = 81
    overlap: Annotated[int, Field(ge=1, le=64)] = 1
    fps: Annotated[int, Field(ge=1, le=60)] = 16
    steps: Annotated[int, Field(ge=1, le=200)] = 50
    guidance: Annotated[float | None, Field(ge=0, le=30)] = 5.0
    negative: str = ""
    spoken: bool = True
    along: bool = False
    tiled: bool = False
    dtype: Literal["bfloat16", "float16"] = "bfloat16"
    long: tuple[str, ...] = ()
    scheduler: dict[str, JsonValue] = Field(default_factory=dict)
    variant: Literal["", "fp16", "bf16"] = ""
    loras: tuple[Lora, ...] = ()
    own: dict[Mode, Own] = Field(default_factory=dict)

    def of(self, mode: Mode) -> Options:
        """The same as that mode has them."""
        own = self.own.get(mode, Own())
        return replace(self, **{field.name: value for field in fields(own) if (value := getattr(own, field.name)) is not None})

    @property
    def melt(self) -> int:
        """Frames in which a scene's clips melt into one another; 0 where each goes on from the last one's pictures."""
        return 0 if self.extend or self.i2v else max(1, min(round(self.fps * MELTS), self.most // 4))

    @property
    def modes(self) -> tuple[str, ...]:
        """What it can do."""
        return tuple(mode for mode in ("t2v", "i2v", "extend", "ends", "v2v") if getattr(self, mode))


def options(told: Mapping[str, Any]) -> Options:
    """Options as they are written in a preset; FilmError naming the one that is wrong."""
    made = read(Options, told, "A model's", "models.toml")
    kinds = {getattr(made, mode) for mode in made.modes}
    alike = len(kinds) == 1 or not any(kind.endswith("ModularPipeline") for kind in kinds)  # one of those does all its model can
    fits = {"t2v": bool(made.modes) and alike, "most": made.most >= made.least, "overlap": made.overlap < made.least}
    agree("A model's", "models.toml", **fits, strengths=set(made.strengths) == set(STRENGTHS))
    return made


def effort(told: Options) -> float:
    """Pixels that the network goes over, row by row and step by step, for one second of a clip; 0 where nobody can tell:
    one that decodes between its steps has steps of several sizes."""
    if told.along:
        return 0.0
    rows = 2 if told.guidance and told.guidance > 1 else 1
    return float(told.steps * rows * told.size[0] * told.size[1] * told.fps)


@plain(frozen=True, slots=True)
class Piece:
    """One clip of a scene."""

    mode: Mode
    frames: int


def size(wanted: tuple[int, int], multiple: int, aspect: float, *, fixed: bool = False) -> tuple[int, int]:
    """Width and height: whole multiples, of about as many pixels, as near to width / height as can be."""
    if fixed:
        return wanted
    area = wanted[0] * wanted[1]

    def off(one: tuple[int, int]) -> float:
        return abs(log(one[0] / one[1] / aspect)) + 0.25 * abs(log(one[0] * one[1] / area))

    near = []
    for wide in range(multiple, max(multiple, int(area**0.5) * 3) + multiple, multiple):
        high = max(1, round(area / wide / multiple)) * multiple
        near += [(wide, max(multiple, one)) for one in (high - multiple, high, high + multiple)]
    return min(near, key=off)


def frames(wanted: int, told: Options) -> int:
    """The fewest frames that the model can make and that are at least as many; its most, if it cannot."""
    low = ceil((max(wanted, told.least) - told.plus) / told.step) * told.step + told.plus
    most = (told.most - told.plus) // told.step * told.step + told.plus
    return min(low, most)


def pieces(seconds: float, picture: bool, told: Options, *, loop: bool = False) -> list[Piece]:
    """A scene's clips in their order. The film may slow them a little. FilmError if the model cannot begin so."""
    needed = max(1, ceil(seconds * told.fps / float(SLOWEST) - 1e-6))
    first: Mode = "ends" if picture and loop and told.ends else "i2v" if picture and told.i2v else "t2v"
    if not getattr(told, first):
        raise FilmError("This model needs a picture.", "Add a picture to the scene, or choose another model.")
    return [Piece(first, frames(needed, told))] if first == "ends" else run(first, needed, told)


def run(first: Mode, needed: int, told: Options) -> list[Piece]:
    """Clips that go on from one another where the model can, until there are so many frames or no more clips; else clips
    of the same prompt, as long as one another."""
    if melt := told.melt:
        count = min(MOST, max(1, ceil((needed - melt) / (frames(told.most, told) - melt))))
        return [Piece(first, frames(ceil((needed + (count - 1) * melt) / count), told))] * count
    made = [Piece(first, frames(needed, told))]
    onward: Mode = "extend" if told.extend else "i2v"
    left = needed - made[0].frames
    over = told.overlap if onward == "extend" else 1
    while left > 0 and len(made) < MOST:
        made.append(Piece(onward, frames(left + over, told)))
        left -= made[-1].frames - over
    return made


def said(prompt: str, camera: Camera, told: Options, triggers: str) -> str:
    """What the model is told: trigger words, the prompt, the camera's moves."""
    whole = " ".join(f"{triggers} {prompt}".split())
    if not told.spoken:
        return whole
    whole += "" if not whole or whole.endswith((".", "!", "?")) else "."
    return f"{whole} Camera: {directed(camera)}.".strip()
