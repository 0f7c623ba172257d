"""When everything happens, in whole frames: the value that rendering, captions and exports all read.

`lay` is pure. Knows no file format and no engine.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from .plan import Frame


@dataclass(frozen=True, slots=True)
class Word:
    """One spoken word with its times in seconds, from the take's start (or the film's, in a Caption)."""

    text: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Take:
    """One spoken narration: a 48 kHz mono WAV, how long it is, its words, and who spoke it."""

    path: Path
    seconds: float
    words: tuple[Word, ...]
    narrator: str


_CLOSE = re.compile("[\u2e80-\u312f\u31a0-\u9fff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff9f\U00020000-\U0003ffff]")
_MARK = re.compile("[\u3000-\u303f\uff00-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65]")
_BREATH = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]")


def joint(before: Word, after: Word) -> str:
    """What stands between two words of a line: a space, or nothing in scripts that are written without.

    Thai, Lao, Khmer and Burmese put a space where the voice pauses.
    """
    ends = before.text[-1:] + after.text[:1]
    if len(_CLOSE.findall(ends)) == 2 or _MARK.search(ends):
        return ""
    return "" if len(_BREATH.findall(ends)) == 2 and after.start - before.end < 0.12 else " "


def joined(words: Sequence[Word]) -> str:
    """A line's words as one text."""
    spaces = (joint(a, b) for a, b in pairwise(words))
    return "".join(word.text + space for word, space in zip(words, [*spaces, ""], strict=True))


@dataclass(frozen=True, slots=True)
class Caption:
    """One or two lines shown together, from `start` to `end` seconds of the film."""

    start: float
    end: float
    lines: tuple[tuple[Word, ...], ...]
    scene: int

    @property
    def text(self) -> str:
        return "\n".join(joined(line) for line in self.lines)


@dataclass(frozen=True, slots=True)
class Banner:
    """A scene's lower third, from `start` to `end` seconds of the film."""

    start: float
    end: float
    lines: tuple[str, ...]
    scene: int


@dataclass(frozen=True, slots=True)
class Span:
    """One stretch of film: one clip, or one clip turning into the next.

    `clips` are positions of scenes; `starts` the frame of each clip at which the span begins.
    """

    clips: tuple[int, ...]
    starts: tuple[int, ...]
    first: int
    frames: int
    transition: str = ""


@dataclass(frozen=True, slots=True)
class Placed:
    """A scene in the film: its first frame, its length, and the frames it shares with the scene after it."""

    scene: int
    first: int
    frames: int
    overlap: int
    transition: str


@dataclass(frozen=True, slots=True)
class Spoken:
    """A take in the film: it starts at `start` seconds."""

    scene: int
    start: float
    take: Take


@dataclass(frozen=True, slots=True)
class Timeline:
    """The whole film, before it is made."""

    title: str
    frame: Frame
    scenes: tuple[Placed, ...]
    spans: tuple[Span, ...]
    spoken: tuple[Spoken, ...]
    captions: tuple[Caption, ...]
    banners: tuple[Banner, ...] = ()

    @property
    def frames(self) -> int:
        return self.scenes[-1].first + self.scenes[-1].frames

    @property
    def seconds(self) -> float:
        return self.frame.seconds(self.frames)


def overlaps(lengths: Sequence[int], wanted: Sequence[int]) -> list[int]:
    """Frames that each scene shares with the next: what is wanted, at most half of either neighbour; the last shares none."""
    return [*(min(want, a // 2, b // 2) for want, a, b in zip(wanted, lengths, lengths[1:], strict=False)), 0]


def lay(scenes: Sequence[Placed]) -> tuple[Span, ...]:
    """Placed scenes -> bodies and transitions in order, without gap or overlap."""
    spans: list[Span] = []
    head = 0
    for i, scene in enumerate(scenes):
        body = scene.frames - head - scene.overlap
        if body:
            spans.append(Span((i,), (head,), scene.first + head, body))
        if scene.overlap:
            start = scene.frames - scene.overlap
            spans.append(Span((i, i + 1), (start, 0), scene.first + start, scene.overlap, scene.transition))
        head = scene.overlap
    return tuple(spans)
