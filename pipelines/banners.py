"""Lower thirds: who or what is seen, in a box at the frame's side, above the captions. A banner -> what ASS draws.

Knows no time and no film.
"""

from __future__ import annotations

from collections.abc import Sequence

from .lettering import backwards, fitted, letters, width
from .typefaces import line_height

SIZES = ((0.05, 0.043, 0.036), (0.034, 0.03, 0.027))  # ems of the first line and the others, in shares of the shorter side
ROOM = 0.8  # of the frame's width
SIDE, FOOT = 0.06, 0.09  # from the frame's side and foot
PAD = 0.022  # round the letters, in shares of the shorter side
BAR = 0.007  # the coloured bar's width
BOX, BOX_UNSEEN = "&H1C1410&", "&H48&"
COLOUR = "&H5AA8E8&"
QUIET = "&HD8D8D8&"
FADE = 350  # milliseconds
STYLE = "Style: Lower,{family},20,&H00FFFFFF,&H00FFFFFF,&HFF000000,&HFF000000,0,0,0,0,100,100,0,0,1,0,0,7,0,0,0,-1"


def drawn(said: Sequence[str], wide: int, high: int, taken: float) -> list[str]:
    """The texts of the events that together are the banner; `taken` pixels from below belong to the captions."""
    short = wide * 1.15 if high > wide * 1.2 else min(wide, high)
    pad, bar = PAD * short, max(2.0, BAR * short)
    set_: list[tuple[str, float, bool]] = []
    for i, text in enumerate(said[:3]):
        lines, em = fitted(text, ROOM * wide, [one * short for one in SIZES[min(i, 1)]], 2)
        set_ += [(line, em, i == 0) for line in lines[:3]]
    if not set_:
        return []
    across = max(width(text) * em for text, em, _ in set_) + 2 * pad
    down = sum(em * 1.25 for _, em, _ in set_) + 1.3 * pad
    top = high - max(FOOT * high, taken) - down
    right = backwards(said[0])
    left = wide * (1 - SIDE) - across if right else wide * SIDE
    at = left + across - bar if right else left
    events = [_box(left, top, across, down, BOX, BOX_UNSEEN), _box(at, top, bar, down, COLOUR, "&H00&")]
    y = top + 0.65 * pad
    for text, em, first in set_:
        x = left + across - pad - bar if right else left + pad + bar
        place = f"\\an{6 if right else 4}\\pos({x:.1f},{y + em * 0.625:.1f})\\fs{em * line_height():.1f}"
        tint = "" if first else f"\\1c{QUIET}"
        events.append(f"{{{place}\\fad({FADE},{FADE}){tint}}}{letters(text, first)}")
        y += em * 1.25
    return events


def _box(x: float, y: float, across: float, down: float, colour: str, unseen: str) -> str:
    shape = f"m 0 0 l {across:.0f} 0 {across:.0f} {down:.0f} 0 {down:.0f}"
    return f"{{\\an7\\pos({x:.0f},{y:.0f})\\p1\\1c{colour}\\1a{unseen}\\fad({FADE},{FADE})}}{shape}{{\\p0}}"
