"""What Open-Sora 2.0 can be asked for: its options, its frame sizes, how long a clip may be, and what its text says.

Pure. Knows the model's rules, not its network.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass as plain
from math import ceil, sqrt
from typing import Annotated, Any, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from ..gear.options import read, strict
from ..moves import Aim, Camera

RATE = 24
ROWS = 2.0  # of the network in a step, on average and at most: a prompt alone takes fewer
ALL = 64  # GPUs: more than a machine has
LONGEST = 129  # frames of one clip
BEFORE = 33  # frames of a clip that the next one goes on from
GRAIN = 32  # a scene's frames are rounded up to so many and one, so that a new wording seldom needs a new clip
SIDES = 16  # pixels: width and height are whole multiples
PIXELS = {"256px": 256 * 256, "768px": 768 * 768}
ASPECTS = ((2.39, 1), (2, 1), (16, 9), (1.85, 1), (3, 2), (8, 5), (4, 3), (1, 1), (3, 4), (5, 8), (2, 3), (1, 1.85), (9, 16), (1, 2), (1, 2.39))
STATIC, SLOW, USUAL, FAST, SHAKEN = 2, 3, 4, 5, 6  # of the seven degrees of motion

Ends = Literal["head", "tail", "loop"]
Kind = Literal["t2v", "i2v_head", "i2v_tail", "i2v_loop", "v2v_head", "v2v_tail"]


@dataclass(frozen=True, slots=True, config=strict)
class Options:
    """A model's options. `ends`: whether the scene's picture is the clip's first frame, its last, or both.
    motion_score: 0 is what the clip action asks for. text_encoder, clip_encoder: a repository or folder of their own.
    fast_kernels: compile the blocks; the first clip of a size then takes about a minute longer. cards: GPUs that may make
    one clip together, where a film has fewer shots than the machine has GPUs; 0: all at 768px, one at 256px, where what they
    exchange may take as long as it saves."""

    resolution: Literal["256px", "768px"] = "256px"
    steps: Annotated[int, Field(ge=1, le=200)] = 50
    guidance: Annotated[float, Field(ge=1, le=20)] = 7.5
    image_guidance: Annotated[float, Field(ge=1, le=20)] = 3.0
    motion_score: Annotated[int, Field(ge=0, le=7)] = 0
    ends: Ends = "head"
    weights: Literal["bf16", "fp8"] = "bf16"
    text_encoder: str = ""
    clip_encoder: str = ""
    fast_kernels: bool = True
    cards: Annotated[int, Field(ge=0, le=ALL)] = 0


def options(told: Mapping[str, Any]) -> Options:
    """Options as they are written in a preset; FilmError naming the one that is wrong."""
    return read(Options, told, "Open-Sora's", "models.toml")


def effort(wanted: Options) -> float:
    """Pixels that the network goes over, row by row and step by step, for one second of a clip."""
    return ROWS * wanted.steps * PIXELS[wanted.resolution] * RATE


def together(wanted: Options) -> int:
    """How many GPUs may make one clip together; 1: none helps."""
    return wanted.cards or (ALL if wanted.resolution == "768px" else 1)


@plain(frozen=True, slots=True)
class Piece:
    """One clip of a scene. kind: what it goes on from or towards, in the model's own words."""

    frames: int
    kind: Kind


def size(resolution: str, aspect: float) -> tuple[int, int]:
    """Width and height in pixels: of the shapes that the model knows, the one nearest to width / height."""
    across, down = min(ASPECTS, key=lambda one: abs(one[0] / one[1] / aspect - 1))
    tall = across < down
    ratio = down / across if tall else across / down
    wide = int(sqrt(PIXELS[resolution] * ratio)) // SIDES * SIDES
    high = PIXELS[resolution] // wide // SIDES * SIDES
    return (high, wide) if tall else (wide, high)


def pieces(seconds: float, picture: bool, ends: Ends) -> list[Piece]:
    """The clips of a scene in the order in which they are made; those towards a last picture are made from its end."""
    needed = ceil(seconds * RATE - 1e-6)
    if picture and ends == "loop":  # a longer one is played again
        return [Piece(min(LONGEST, 4 * ceil(max(1, needed - 1) / 4) + 1), "i2v_loop")]
    if picture and ends == "tail":
        return run("i2v_tail", needed, "v2v_tail")
    return run("i2v_head" if picture else "t2v", needed, "v2v_head")


def run(first: Kind, needed: int, rest: Kind) -> list[Piece]:
    """Clips that go on from one another until there are so many frames."""
    left = GRAIN * max(1, ceil((needed - 1) / GRAIN)) + 1
    made = [Piece(min(left, LONGEST), first)]
    left -= made[0].frames
    while left:
        made.append(Piece(min(LONGEST, BEFORE + left), rest))
        left -= made[-1].frames - BEFORE
    return made


def text(prompt: str, camera: Camera | None, score: int) -> str:
    """What the model is told: the prompt, the camera's moves, and the two things that it learnt to read at the end.
    camera: None where moving pictures show what it does."""
    said = " ".join(prompt.split())
    said += "" if not said or said.endswith((".", "!", "?")) else "."
    moved = f" Camera: {directed(camera)}." if camera else ""
    return f"{said}{moved} {RATE} FPS. {score or (motion(camera) if camera else USUAL)} motion score.".strip()


def directed(camera: Camera) -> str:
    """The camera's moves in words."""
    return ", then ".join(" and ".join(_named(aim) for aim in step.aims) for step in camera.steps)


def _named(aim: Aim) -> str:
    pace = "slow " if aim.strength < 0.8 else "fast " if aim.strength > 1.3 else ""
    return (pace if _moves(aim) else "") + aim.move.label.lower()


def _moves(aim: Aim) -> bool:
    move = aim.move
    return move.zoom != 1 or any((move.pan, move.tilt, move.roll, move.orbit, move.shake))


def motion(camera: Camera) -> int:
    """How much is to move, 1..7, from what the camera does."""
    aims = [aim for step in camera.steps for aim in step.aims if _moves(aim)]
    if not aims:
        return STATIC
    if any(aim.move.shake for aim in aims):
        return SHAKEN
    most = max(aim.strength for aim in aims)
    return SLOW if most < 0.8 else FAST if most > 1.3 else USUAL

