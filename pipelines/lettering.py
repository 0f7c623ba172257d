"""Lines of letters that are no captions: text broken to fit a width, and the ASS that puts each line in its place.

Reads no film and starts no ffmpeg; which font has which character is in typefaces.py.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from .captions import NARROW, clean, pieces
from .timeline import Word, joint
from .typefaces import faces, line_height, measure, runs

LETTER = 0.57  # of the em: the usual width of a letter of bold Latin text
SPACE = 0.26  # of the em
THICKENED = ("Droid Sans Fallback", "Noto Sans KR Medium")  # have one weight; bold strokes are made from it
ESCAPES = {ord("{"): "\\{", ord("}"): "\\}", ord("\\"): "\\\u2060"}
STYLES = (
    "Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, "
    "Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, "
    "MarginR, MarginV, Encoding"
)
EVENTS = "Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text"


@dataclass(frozen=True, slots=True)
class Line:
    """One line: where its middle is from above, where it begins, ends or has its middle from the left (pixels).

    align: -1 begins there, 0 has its middle there, 1 ends there. strength: how white it is. size: the em, in pixels.
    """

    text: str
    x: float
    y: float
    size: float
    align: int = 0
    bold: bool = False
    strength: float = 1.0

    @property
    def event(self) -> str:
        """As ASS writes it."""
        unseen = round(255 * (1 - self.strength))
        place = f"\\an{5 + self.align}\\pos({self.x:.1f},{self.y:.1f})"
        return f"{{{place}\\fs{self.size * line_height():.1f}\\1a&H{unseen:02X}&}}{letters(self.text, self.bold)}"


def width(text: str) -> float:
    """How wide a text is, in shares of the em."""
    return measure(runs(clean(text)))


def backwards(text: str) -> bool:
    """Whether the text is written from right to left."""
    way = next((one for one in map(unicodedata.bidirectional, text) if one in ("L", "R", "AL")), "L")
    return way != "L"


def letters(text: str, bold: bool) -> str:
    """Text as ASS writes it: every run names the family that has its characters, and nothing in it is a command."""
    out = "\u200f" if backwards(text) else "\u200e"
    for run in runs(clean(text)):
        weight = int(bold and (run.face.bold or run.face.family in THICKENED))
        out += f"{{\\fn{run.face.family}\\b{weight}}}{run.text.translate(ESCAPES)}"
    return out


def broken(text: str, most: float) -> tuple[list[str], bool]:
    """The text in as few lines as fit `most` (in shares of the em), as even as can be; and whether a word was cut."""
    units, cut = _units(text, most)
    if not units:
        return [], False
    wide = [width(unit) for unit, _ in units]
    count = len(units)
    best: list[tuple[int, float, int]] = [(0, 0.0, count)] * (count + 1)
    for first in reversed(range(count)):
        found = (count + 1, inf, first + 1)
        length = -SPACE
        for last in range(first + 1, count + 1):
            length += wide[last - 1] + SPACE * (len(units[last - 1][1]) if last - 1 > first else 1)
            if length > most and last > first + 1:
                break
            lines, ragged, _ = best[last]
            found = min(found, (lines + 1, ragged + (most - length) ** 2, last))
        best[first] = found
    out, at = [], 0
    while at < count:
        last = best[at][2]
        out.append("".join((space if i > at else "") + unit for i, (unit, space) in enumerate(units[at:last], at)))
        at = last
    return out, cut


def fitted(text: str, room: float, sizes: Sequence[float], most: int) -> tuple[list[str], float]:
    """The text in at most so many lines of `room` pixels, and the first of the sizes (the em) at which that can be.

    At the last size words are cut, and lines may be more.
    """
    for size in sizes:
        lines, cut = broken(text, room / size)
        if not cut and len(lines) <= most:
            break
    return lines, size


def _units(text: str, most: float) -> tuple[list[tuple[str, str]], bool]:
    """Pieces between which a line may break, each with what stands before it in a line; whether a word was cut."""
    units: list[tuple[str, str]] = []
    cut = False
    for token in clean(text).split():
        for i, piece in enumerate(pieces(token, max(2 * NARROW, int(most / LETTER * NARROW)))):
            before = units[-1][0] if units else ""
            space = joint(Word(before, 0.0, 0.0), Word(piece, 0.0, 0.0)) if before and not i else ""
            cut = cut or (i > 0 and before[-1].isalpha() and piece[0].isalpha() and _joined(before[-1]) and _joined(piece[0]))
            units.append((piece, space))
            cut = cut or width(piece) > most
    return units, cut


def _joined(char: str) -> bool:
    """Whether a script does not part its words anywhere."""
    return unicodedata.east_asian_width(char) not in "WF" and not "\u0e00" <= char <= "\u17ff"


def script(size: tuple[int, int], lines: Sequence[Line]) -> str:
    """The ASS of a still picture in white letters."""
    base = f"{faces()[0].family},20,&H00FFFFFF,&H00FFFFFF,&HFF000000,&HFF000000,0,0,0,0,100,100,0,0,1,0,0,5,0,0,0,-1"
    return "\n".join([
        "[Script Info]", "ScriptType: v4.00+", f"PlayResX: {size[0]}", f"PlayResY: {size[1]}", "WrapStyle: 2",
        "ScaledBorderAndShadow: yes", "YCbCr Matrix: None", "", "[V4+ Styles]", STYLES, f"Style: Text,{base}", "", "[Events]",
        EVENTS, *(f"Dialogue: 0,0:00:00.00,9:00:00.00,Text,,0,0,0,,{line.event}" for line in lines), "",
    ])  # fmt: skip
