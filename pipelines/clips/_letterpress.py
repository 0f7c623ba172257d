"""A card's words set on a sheet: what stands where in a frame of any shape, and the sheet as one plane of light.

Knows what a card says, not what lies behind it.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .. import ffmpeg
from ..lettering import Line, fitted, script
from ..plan import Card
from ..typefaces import FONTS
from ..vault import linked
from ..work import FilmError

if TYPE_CHECKING:
    from numpy import uint8
    from numpy.typing import NDArray

LOUD = (0.15, 0.13, 0.115, 0.1, 0.088, 0.078, 0.068, 0.058)  # ems of a heading, in shares of the frame's shorter side
HEADED = (0.075, 0.068, 0.06, 0.052)  # above credits
QUIET = (0.05, 0.045, 0.04)  # lines beneath a heading
LISTED = (0.042, 0.038)  # credits
LEADING = 1.22  # from line to line, in ems
DIM = 0.68  # how white what is not a name is
ROOM = 0.82  # of the frame's width
OPEN = 0.84  # of the frame's height is where credits are seen
LEFT = 2 / 5  # of the room is for what somebody did; the rest for who
LONGEST_SHEET = 16_000  # rows


@dataclass(frozen=True, slots=True)
class Sheet:
    """Set lines; `height` of them all; `rule`: where a line is drawn (middle, in pixels from above), None for none."""

    lines: tuple[Line, ...]
    height: float
    rule: float | None = None


def titled(card: Card, wide: int, high: int) -> Sheet:
    """A heading in the middle, a rule, quieter lines below."""
    short, room = _measure(wide, high), wide * ROOM
    heading, em = fitted(card.heading, room, [one * short for one in LOUD], 3 if wide > high else 4)
    below: list[tuple[str, float]] = []
    for parts in card.lines[:6]:
        lines, size = fitted(" \u00b7 ".join(parts), room, [one * short for one in QUIET], 2)
        below += [(line, size) for line in lines[:3]]
    set_, y = list[Line](), 0.0
    for line in heading[:8]:
        set_.append(Line(line, wide / 2, y + em * LEADING / 2, em, bold=True))
        y += em * LEADING
    rule = None
    if below:
        y += 0.045 * short
        rule = y
        y += 0.05 * short
        for line, size in below:
            set_.append(Line(line, wide / 2, y + size * LEADING / 2, size, strength=0.86))
            y += size * LEADING
    return Sheet(tuple(set_), y, rule)


def listed(card: Card, wide: int, high: int) -> Sheet:
    """A heading, then what and who: side by side where the frame is wide, one above the other where it is narrow."""
    short, across = _measure(wide, high), wide >= high * 1.2
    room, gap = wide * ROOM, 0.022 * wide
    sizes = [one * short for one in LISTED]
    set_, y = list[Line](), 0.0
    if card.heading:
        lines, em = fitted(card.heading, room, [one * short for one in HEADED], 3)
        for line in lines[:6]:
            set_.append(Line(line, wide / 2, y + em * LEADING / 2, em, bold=True))
            y += em * LEADING
        y += 0.06 * short
    for parts in card.lines:
        what, who = (parts[0], " \u00b7 ".join(parts[1:])) if len(parts) > 1 else ("", parts[0])
        if what and across:
            middle = (wide - room) / 2 + room * LEFT
            left, em = fitted(what, room * LEFT - gap, sizes, 2)
            right, other = fitted(who, room * (1 - LEFT) - gap, sizes, 3)
            em = min(em, other)
            for i, line in enumerate(left):
                set_.append(Line(line, middle - gap, y + em * LEADING * (i + 0.5), em, 1, strength=DIM))
            for i, line in enumerate(right):
                set_.append(Line(line, middle + gap, y + em * LEADING * (i + 0.5), em, -1, bold=True, strength=0.95))
            y += em * LEADING * max(len(left), len(right)) + 0.45 * em
            continue
        for text, bold, strength in ((what, False, DIM), (who, True, 0.95)):
            lines, em = fitted(text, room, sizes, 3)
            for line in lines:
                set_.append(Line(line, wide / 2, y + em * LEADING / 2, em, bold=bold, strength=strength))
                y += em * LEADING
        y += (0.75 if what else 0.3) * sizes[0]
    return Sheet(tuple(set_), y)


def _measure(wide: int, high: int) -> float:
    """What letters are sized by: the shorter side, a little more of it where there is much height."""
    return wide * 1.2 if high > wide * 1.2 else min(wide, high)


def pressed(sheet: Sheet, wide: int, high: int, top: float) -> NDArray[uint8]:
    """The sheet's letters as light, (high, wide), its first row at `top`."""
    import numpy as np

    lines = [Line(one.text, one.x, one.y + top, one.size, one.align, one.bold, one.strength) for one in sheet.lines]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "card.ass").write_text(script((wide, high), lines), "utf-8")
        linked(FONTS, folder / "fonts")
        black = f"color=c=black:s={wide}x{high}:r=1:d=1,format=gray"
        args = ["-f", "lavfi", "-i", black, "-vf", "subtitles=filename=card.ass:fontsdir=fonts", "-frames:v", "1"]
        made = b"".join(ffmpeg.read([*args, "-f", "rawvideo", "-pix_fmt", "gray", "pipe:1"], wide * high, cwd=folder))
    if len(made) != wide * high:
        raise FilmError("The card's letters could not be set.", "Give it fewer lines.")
    return np.frombuffer(made, np.uint8).reshape(high, wide)
