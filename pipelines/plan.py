"""What the engines are asked for: lines to speak, pictures to paint, shots to take, music to play. Pure values.

Seconds become whole frames in `lengths`, once, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

from .loras import Lora
from .moves import Camera
from .presets import Model, Mood
from .vault import Notes
from .work import FilmError, Tick

if TYPE_CHECKING:
    from numpy import uint8
    from numpy.typing import NDArray

SLOWEST = Fraction(5, 4)  # a clip that is too short is stretched so far, then its last frame stays


@dataclass(frozen=True, slots=True)
class Frame:
    """The film's picture: pixels, both even, and frames a second."""

    width: int
    height: int
    rate: Fraction

    def seconds(self, frames: int) -> float:
        """How long that many frames last."""
        return float(frames / self.rate)

    def at_least(self, seconds: float) -> int:
        """The fewest whole frames that last so long."""
        return ceil(Fraction(seconds).limit_denominator(1_000_000) * self.rate)


@dataclass(frozen=True, slots=True)
class Line:
    """One narration. `voice` is the narrator's own name for a voice; `speed` 1.0 is its natural pace."""

    text: str
    voice: str
    speed: float = 1.0


@dataclass(frozen=True, slots=True)
class Brief:
    """One picture to paint. `style`: words of the film's look, for models. `negative`: what is not to be seen. `picture`:
    a PNG of ours that is drawn anew, as far as `strength` says: subtle, mild or strong. `model`: which of the painter's
    models, "" for its own choice. `loras`: small changes to it, only for one that loads them."""

    prompt: str
    frame: Frame
    seed: int
    style: str = ""
    negative: str = ""
    picture: Path | None = None
    strength: str = "mild"
    model: str = ""
    loras: tuple[Lora, ...] = ()

    @property
    def styled(self) -> str:
        """What a model is told."""
        return styled(self.prompt, self.style)


@dataclass(frozen=True, slots=True)
class Card:
    """What a card says: its heading, and lines beneath; a line of two parts is what and who. `tone`: its ground's colour,
    by number."""

    kind: str
    heading: str
    lines: tuple[tuple[str, ...], ...]
    tone: int = 0


@dataclass(frozen=True, slots=True)
class Given:
    """Moving pictures that a shot goes by, each an MP4 of ours at the shot's size and rate.

    `over`: the shot is these pictures made over, as far as `strength` says: subtle, mild or strong. `first`: it begins
    with these, `last`: it ends with these; they are in it once more.
    """

    over: Path | None = None
    first: Path | None = None
    last: Path | None = None
    strength: str = "mild"

    @property
    def files(self) -> tuple[Path | None, ...]:
        """Each in its place."""
        return self.over, self.first, self.last


@dataclass(frozen=True, slots=True)
class Reach:
    """What moving pictures an engine goes by, with one model. over: it makes pictures over; first: it goes on from
    several; last: it leads up to several; ends: it finds the way from one picture to another. longest: seconds from a clip's first picture to its last;
    shared: the same for what two that follow one another should have in common."""

    over: bool = False
    first: bool = False
    last: bool = False
    ends: bool = False
    longest: float = 0.0
    shared: float = 0.0


@dataclass(frozen=True, slots=True)
class Shot:
    """One clip to take: `frames` long, moving as `camera` says.

    `picture` is a PNG of ours, upright and in sRGB, where the scene has one and the engine writes a file. `model` is
    the one that was asked for, of those that the engine runs. `style` and `negative` are as in a Brief; `card` is what is
    written, where it is a card. `focus`: what of the picture matters, if somebody said so. `given`: moving pictures that
    it goes by; only for an engine that says it can. `loras`: small changes to the model, only for one that loads them.
    """

    prompt: str
    picture: Path | None
    camera: Camera
    frames: int
    frame: Frame
    fit: str
    seed: int
    model: Model | None = None
    style: str = ""
    negative: str = ""
    card: Card | None = None
    focus: tuple[float, float] | None = None
    given: Given | None = None
    loras: tuple[Lora, ...] = ()

    @property
    def styled(self) -> str:
        """What a model is told."""
        return styled(self.prompt, self.style)


@dataclass(frozen=True, slots=True)
class Slate:
    """One of several shots that an engine makes together: its MP4 goes to `out`.

    `kept` is called once, from any thread, as soon as the file is whole, with its notes, or with what is wrong with this
    scene alone. `show` may be called with a small RGB picture (height, width, 3) of what it is becoming.
    """

    shot: Shot
    out: Path
    tick: Tick
    kept: Callable[[Notes | FilmError], None]
    show: Callable[[NDArray[uint8]], object] | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """A stretch of music in one mood, from `start` (seconds) to the next section or the end."""

    mood: Mood
    start: float


@dataclass(frozen=True, slots=True)
class Cue:
    """The film's music: sections in order, the first from 0, `seconds` in all."""

    sections: tuple[Section, ...]
    seconds: float
    seed: int


def styled(prompt: str, style: str) -> str:
    """A prompt with the words of a style after it; as it is without any."""
    if not style or not prompt.strip():
        return prompt
    said = prompt.strip()
    return f"{said}{'' if said.endswith(('.', '!', '?')) else '.'} {style}"


def without(*told: str) -> str:
    """What is not to be seen, of whoever says so."""
    return ", ".join(dict.fromkeys(one for one in told if one))


def lengths(wanted: Sequence[tuple[float, bool]], frame: Frame) -> list[int]:
    """Seconds to whole frames, one entry a scene, at least one frame each.

    `wanted` holds (seconds, fixed). Fixed lengths round their running total, never the parts, so five hundred of them
    do not drift; the others are whole frames by themselves, so re-wording one scene moves no other scene's cut.
    """
    total, shown, out = Fraction(0), 0, []
    for seconds, fixed in wanted:
        if not fixed:
            out.append(max(1, frame.at_least(seconds)))
            continue
        total += Fraction(str(seconds)) * frame.rate
        edge = max(shown + 1, int(total + Fraction(1, 2)))
        out.append(edge - shown)
        shown = edge
    return out
