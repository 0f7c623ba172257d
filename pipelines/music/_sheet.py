"""A cue as models compose it: what to ask for, and how the parts become one piece of exact length.

Pure but for the last step. Knows no model.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

from .. import ffmpeg
from ..plan import Cue
from ..presets import Mood

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

RATE = 48_000
FADE = 1.5  # seconds in which one section turns into the next
LAST = 2.0  # seconds in which the music goes at its end
PEAK = 0.89


@dataclass(frozen=True, slots=True)
class Part:
    """One section: its words, and from when to when it is heard, in seconds; neighbours overlap."""

    words: str
    start: float
    end: float


def parts(cue: Cue) -> list[Part]:
    """The cue's sections; each but the last lasts into the next."""
    starts = [max(0.0, one.start) for one in cue.sections] + [cue.seconds]
    made = []
    for section, start, end in zip(cue.sections, starts, starts[1:], strict=False):
        if end > start or len(cue.sections) == 1:
            made.append(Part(words(section.mood), start, min(cue.seconds, end + FADE)))
    return made


def words(mood: Mood) -> str:
    """What a model is told of a mood."""
    return f"{mood.prompt.strip().rstrip('.')}, {round(mood.tempo)} bpm, instrumental"


def joined(heard: list[tuple[Part, NDArray[float32]]], seconds: float, rate: int) -> NDArray[float32]:
    """(channels, samples) of each part to the whole: faded into one another, and out at the end."""
    import numpy as np

    total = ceil(seconds * rate)
    whole = np.zeros((heard[0][1].shape[0], total), np.float32)
    for i, (part, sound) in enumerate(heard):
        start = round(part.start * rate)
        piece = sound[:, : max(0, min(round(part.end * rate), total) - start)].copy()
        turn = min(round(FADE * rate), piece.shape[1])
        slope = np.sin(np.linspace(0, np.pi / 2, turn, dtype=np.float32))
        if i:
            piece[:, :turn] *= slope
        if i + 1 < len(heard) and turn:
            piece[:, -turn:] *= slope[::-1]
        whole[:, start : start + piece.shape[1]] += piece
    ends = min(round(LAST * rate), total // 4)
    if ends:
        whole[:, -ends:] *= np.cos(np.linspace(0, np.pi / 2, ends, dtype=np.float32))
    loudest = float(np.abs(whole).max())
    return whole * (PEAK / loudest) if loudest > PEAK or 0 < loudest < 0.1 else whole


def write(sound: NDArray[float32], rate: int, seconds: float, out: Path) -> None:
    """A 48 kHz stereo WAV, as long as that to the sample."""
    import numpy as np

    samples = round(seconds * RATE)
    args: list[str | int | Path] = ["-f", "f32le", "-ar", rate, "-ac", sound.shape[0], "-i", "pipe:0"]
    args += ["-af", f"aresample={RATE},apad,atrim=end_sample={samples}", "-ac", 2, "-c:a", "pcm_s16le", "-fflags", "+bitexact"]
    ffmpeg.write([*args, "-f", "wav", out], [np.ascontiguousarray(sound.T).data.cast("B")])
