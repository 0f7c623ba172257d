"""What Stable Video Diffusion can be asked for: its options, its sizes, how a scene is cut into clips, and how much a
clip action makes it move. Pure. Knows the model's rules, not its network.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass as plain
from math import ceil, log
from typing import Annotated, Any, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from ..gear.options import read, strict
from ..moves import Aim, Camera
from ..plan import SLOWEST
from ..work import FilmError

SIDES = 64  # pixels: width and height are whole multiples
MOST = 8  # clips of a scene; after them its last frame stays
SMOOTH = 24  # frames a second at which the camera goes over a clip
# How much the model moves things, of 255: it knows no direction, and above 200 it falls apart.
STATIC, PUSHED, PANNED, SHAKEN = (10, 40), (60, 90), (110, 140), (160, 200)
WEAK, STRONG = 0.5, 1.6  # strengths of a move at either end of those
STEADY, WILD = 0.02, 0.1  # noise over the picture: with more of it, more moves
LIVELY = 140  # from here on there is more noise


@dataclass(frozen=True, slots=True, config=strict)
class Options:
    """A model's options. size: pixels that a clip has about as many of. motion, noise: instead of what the clip action
    asks for. camera: whether the clip action's moves go over the clip; room: how many times as wide a clip is made for them
    at most, so that what is nearest has all its pixels. unet: a file of the repository that is the
    network, the rest being `base`'s. chunk: frames that are decoded at once, 0 for as many as there is memory for."""

    frames: Annotated[int, Field(ge=2, le=50)] = 25
    fps: Annotated[int, Field(ge=1, le=30)] = 7
    size: tuple[Annotated[int, Field(ge=64, le=2048)], Annotated[int, Field(ge=64, le=2048)]] = (1024, 576)
    steps: Annotated[int, Field(ge=1, le=100)] = 25
    guidance: tuple[Annotated[float, Field(ge=1, le=10)], Annotated[float, Field(ge=1, le=10)]] = (1.0, 3.0)
    sampler: Literal["euler", "lcm"] = "euler"
    motion: Annotated[int | None, Field(ge=1, le=255)] = None
    noise: Annotated[float | None, Field(ge=0, le=1)] = None
    camera: bool = True
    room: Annotated[float, Field(ge=1, le=2)] = 1.25
    unet: Annotated[str, Field(pattern=r"^[\w.-]*$")] = ""
    base: str = ""
    base_revision: str = ""
    variant: Literal["", "fp16"] = "fp16"
    chunk: Annotated[int, Field(ge=0, le=50)] = 0


def options(told: Mapping[str, Any]) -> Options:
    """Options as they are written in a preset; FilmError naming the one that is wrong."""
    made = read(Options, told, "Stable Video Diffusion's", "models.toml")
    if made.sampler == "lcm" and made.steps > 40:
        raise FilmError("Stable Video Diffusion's option steps: AnimateLCM has 40 at most.", "Mend it in models.toml.", "models.toml")
    return made


def effort(wanted: Options) -> float:
    """Pixels that the network goes over, row by row and step by step, for one second of a clip."""
    rows = 2 if max(wanted.guidance) > 1 else 1
    return float(wanted.steps * rows * wanted.size[0] * wanted.size[1] * wanted.fps)


@plain(frozen=True, slots=True)
class Motion:
    """How much the model is to move things (1..255), and the noise over its picture."""

    bucket: int
    noise: float


def motion(camera: Camera, wanted: Options) -> Motion:
    """The liveliest of the camera's moves decides."""
    buckets = [_bucket(aim) for step in camera.steps for aim in step.aims]
    bucket = wanted.motion or max(buckets, default=STATIC[1])
    lively = (bucket - LIVELY) / (SHAKEN[1] - LIVELY)
    noise = STEADY + (WILD - STEADY) * min(1.0, max(0.0, lively))
    return Motion(bucket, round(noise, 4) if wanted.noise is None else wanted.noise)


def _bucket(aim: Aim) -> int:
    move = aim.move
    low, high = (
        SHAKEN if move.shake else PANNED if move.pan or move.tilt or move.orbit
        else PUSHED if move.zoom != 1 or move.roll else STATIC
    )  # fmt: skip
    return round(low + (high - low) * min(1.0, max(0.0, (aim.strength - WEAK) / (STRONG - WEAK))))


def goes(camera: Camera) -> bool:
    """Whether the camera does anything at all."""
    return any(
        move.zoom != 1 or move.pan or move.tilt or move.roll or move.orbit or move.shake
        for step in camera.steps for move in (aim.move for aim in step.aims)
    )  # fmt: skip


def size(wanted: tuple[int, int], aspect: float) -> tuple[int, int]:
    """Width and height: whole multiples of SIDES, of about as many pixels, as near to width / height as can be."""
    area = wanted[0] * wanted[1]

    def off(one: tuple[int, int]) -> float:
        return abs(log(one[0] / one[1] / aspect)) + 0.25 * abs(log(one[0] * one[1] / area))

    sides = range(SIDES, max(SIDES, int(area**0.5) * 3) + SIDES, SIDES)
    return min(((wide, high) for wide in sides for high in sides), key=off)


def pieces(seconds: float, wanted: Options) -> int:
    """How many clips a scene is. Each goes on from the last frame of the one before; the film may slow them a little."""
    needed = ceil(seconds * wanted.fps / float(SLOWEST) - 1e-6)
    return min(MOST, max(1, ceil((needed - 1) / (wanted.frames - 1))))
