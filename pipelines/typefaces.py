"""Which of our fonts draws which character, and how wide it is.

Reads assets/fonts/coverage.json once; knows no captions and no ffmpeg. libass finds no font by itself here, so whoever
draws text names the family of every run.
"""

from __future__ import annotations

import json
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from .captions import clusters

FONTS = Path(__file__).resolve().parent.parent / "assets" / "fonts"
MARKS = 6  # most marks drawn on one letter

_UNSEEN = re.compile("[\u034f\u115f\u1160\u180b-\u180f\u3164\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_EMOJI = re.compile("[\ufe0f\u20e3\U0001f3fb-\U0001f3ff\U0001f1e6-\U0001f1ff]")


@dataclass(frozen=True, slots=True)
class Face:
    """One family of our fonts: which characters it has and how wide they are, in shares of the em."""

    family: str
    bold: bool
    firsts: tuple[int, ...]
    lasts: tuple[int, ...]
    widths: tuple[float, ...]

    def width(self, char: str) -> float | None:
        """The character's width, None if the family lacks it."""
        at = bisect_right(self.firsts, ord(char)) - 1
        return self.widths[at] if at >= 0 and ord(char) <= self.lasts[at] else None


@dataclass(frozen=True, slots=True)
class Run:
    """Text that one family draws."""

    face: Face
    text: str


def undrawable(text: str) -> str:
    """The distinct characters that none of our fonts can draw, in order; burned captions leave them out."""
    return "".join(dict.fromkeys(char for char in text if _seen(char) and not _face(char, False)))


@cache
def faces() -> tuple[Face, ...]:
    """Our families, the first asked first."""
    data = json.loads((FONTS / "coverage.json").read_text("utf-8"))
    step = data["step"]
    return tuple(
        Face(
            font["family"],
            "bold" in font,
            tuple(first for first, _, _ in font["ranges"]),
            tuple(last for _, last, _ in font["ranges"]),
            tuple(width / step for _, _, width in font["ranges"]),
        )
        for font in data["fonts"]
    )


@cache
def files(family: str) -> tuple[str, str]:
    """The names of a family's two files in FONTS, regular and bold; the same twice where it has one weight."""
    data = json.loads((FONTS / "coverage.json").read_text("utf-8"))
    font = next(font for font in data["fonts"] if font["family"] == family)
    return font["regular"], font.get("bold", font["regular"])


@cache
def line_height() -> float:
    """Every font here has it, in shares of the em: what libass calls a font's size."""
    data = json.loads((FONTS / "coverage.json").read_text("utf-8"))
    return float(data["ascent"] + data["descent"])


def _seen(char: str) -> bool:
    """Whether the character has a shape of its own: no space, control, joiner or variation selector."""
    return not char.isspace() and unicodedata.category(char) not in ("Cc", "Cf", "Cs") and not _UNSEEN.match(char)


@lru_cache(4096)
def _face(cluster: str, emoji: bool) -> Face | None:
    """The first family that has all of the cluster; for an emoji the emoji font is asked first."""
    seen = [char for char in cluster if _seen(char)]
    asked = sorted(faces(), key=lambda face: face.family != "Noto Emoji") if emoji else faces()
    return next((face for face in asked if all(face.width(char) is not None for char in seen)), None)


def runs(text: str) -> Iterator[Run]:
    """The text in runs of one family; what none can draw is left out."""
    face, run = faces()[0], ""
    for cluster in clusters(text):
        emoji = bool(_EMOJI.search(cluster) or "\u200d" in cluster) and "\ufe0e" not in cluster
        wanted = _face(cluster, emoji) or _face(cluster[0], emoji)
        if not wanted:
            continue
        marks = 0
        if wanted is not face and run:
            yield Run(face, run)
            run = ""
        face = wanted
        for char in cluster:
            marks += unicodedata.category(char)[0] == "M"
            if _seen(char) and (face.width(char) is None or marks > MARKS):
                continue
            if not _UNSEEN.match(char):
                run += char
    if run:
        yield Run(face, run)


def measure(drawn: Iterable[Run]) -> float:
    """How wide the runs are side by side, in shares of the em; letters that join may come out narrower."""
    return sum(run.face.width(char) or 0.0 for run in drawn for char in run.text)
