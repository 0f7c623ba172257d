"""A storyboard as pages: where every picture, frame, arrow and line of text stands. Pure; draws and reads nothing.

Millimetres from the page's top left corner; text sizes in points. Knows panels and paper, no story and no file format.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import floor, hypot
from types import MappingProxyType

from .captions import broken
from .typefaces import measure, runs

MM = 25.4 / 72  # of a point
INK, GREY, FAINT, PAPER = "#1a1a1e", "#6b6d76", "#d9dade", "#f1f1f3"
START, END = "#ffffff", "#ffd23f"  # the frame a move begins and ends with
MARGIN, GUTTER = 12.0, 6.0
HEAD, FOOT = 15.0, 7.0
LEAST_WORDS, MOST_WORDS = 21.0, 66.0  # a panel's room for words
BESIDE = 0.48  # of a panel's width for its picture, where the words stand beside it
GAP, SHRINK = 2.0, 0.86  # under a picture; and how much smaller it may be for another row
SPACE = 0.26  # of the em
SIZES = {1: 9.5, 2: 8.5, 3: 7.5}  # of what is said, by columns
LEADING = 1.32  # of a text's size
MOST_HIGH = 0.42  # of the page: no picture is higher


@dataclass(frozen=True, slots=True)
class Size:
    """A sheet of paper, upright, in millimetres."""

    width: float
    height: float

    @property
    def turned(self) -> Size:
        return Size(self.height, self.width)


PAPERS: Mapping[str, Size] = MappingProxyType({"a4": Size(210.0, 297.0), "letter": Size(215.9, 279.4)})
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Panel:
    """One scene. `picture` is a JPEG of `shape` (width, height); `frames` are the corners of what the camera sees first
    and last, in shares of the picture; the same twice where it stands. `about`: the length is a guess. `drawn`: who
    drew the picture, if that has to be said."""

    number: int
    picture: bytes
    shape: tuple[int, int]
    frames: tuple[tuple[Point, ...], tuple[Point, ...]] | None
    narration: str
    prompt: str
    move: str
    seconds: float
    about: bool
    mood: str
    transition: str
    drawn: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """One line. `x` is its left end, or its right end where `right`; `y` its baseline; rtl: it reads from the right."""

    x: float
    y: float
    text: str
    size: float
    colour: str = INK
    bold: bool = False
    right: bool = False
    rtl: bool = False


@dataclass(frozen=True, slots=True)
class Photo:
    """A JPEG in a rectangle."""

    x: float
    y: float
    width: float
    height: float
    jpeg: bytes
    alt: str


@dataclass(frozen=True, slots=True)
class Box:
    """A filled rectangle; round: its corners' radius."""

    x: float
    y: float
    width: float
    height: float
    fill: str
    round: float = 0.0


@dataclass(frozen=True, slots=True)
class Stroke:
    """A line through points. closed: back to the first. dash: in millimetres, 0 for none. fill: the area in the colour instead."""

    points: tuple[Point, ...]
    colour: str
    width: float = 0.3
    closed: bool = False
    dash: float = 0.0
    fill: bool = False


Mark = Text | Photo | Box | Stroke
Page = tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """How a storyboard is laid: the paper, panels side by side, the film's shape (width / height)."""

    title: str
    paper: Size
    columns: int
    aspect: float
    scenes: int
    seconds: float
    words: float = LEAST_WORDS  # the height that a panel's words need

    @property
    def wide(self) -> float:
        """A panel's width."""
        return (self.paper.width - 2 * MARGIN - (self.columns - 1) * GUTTER) / self.columns

    @property
    def beside(self) -> bool:
        """Whether words stand beside the picture."""
        return self.columns == 1

    @property
    def box(self) -> Size:
        """Where a panel's picture has room: a little less than it might have, where that makes room for words."""
        if self.beside:
            return self.most
        return Size(self.most.width, min(self.most.height, max(SHRINK * self.most.height, self.high - GAP - self.words)))

    @property
    def most(self) -> Size:
        """The largest that a panel's picture may be."""
        wide = self.wide * BESIDE if self.beside else self.wide
        high = wide / self.aspect
        most = MOST_HIGH * self.paper.height / (1 if self.beside else 1.35)
        return Size(wide, min(high, most))

    @property
    def column(self) -> float:
        """How wide a panel's words may be."""
        return self.wide - self.most.width - GUTTER if self.beside else self.wide

    @property
    def rows(self) -> int:
        """Panels one above the other: as many as leave room for the words, if there can be two."""
        words = min(self.words, MOST_WORDS)
        high = max(self.most.height, words) if self.beside else SHRINK * self.most.height + GAP + words
        return max(1, floor((self.room + GUTTER) / (high + GUTTER)))

    @property
    def room(self) -> float:
        return self.paper.height - 2 * MARGIN - HEAD - FOOT

    @property
    def high(self) -> float:
        """A panel's height."""
        return (self.room - (self.rows - 1) * GUTTER) / self.rows

    @property
    def pages(self) -> int:
        return -(-self.scenes // (self.rows * self.columns))


def page(plan: Plan, number: int, panels: Sequence[Panel]) -> Page:
    """The page of that number, from 1, with its panels: at most rows x columns of them."""
    marks: list[Mark] = [*_head(plan), *_foot(plan, number)]
    for k, panel in enumerate(panels):
        row, column = divmod(k, plan.columns)
        x = MARGIN + column * (plan.wide + GUTTER)
        y = MARGIN + HEAD + row * (plan.high + GUTTER)
        if plan.beside and row:
            marks.append(Stroke(((MARGIN, y - GUTTER / 2), (plan.paper.width - MARGIN, y - GUTTER / 2)), FAINT, 0.2))
        marks += _panel(plan, panel, x, y)
    return tuple(marks)


def needed(plan: Plan, texts: Sequence[str]) -> float:
    """The height that a scene's move and narration take, whole, with their line of facts and a line of the prompt."""
    size = SIZES[plan.columns]
    move, said, seen = (len(_broken(text, plan.column, size, k == 0)) for k, text in enumerate(texts))
    lines = 0.6 + min(2, move) + said + (0.3 if said else 0) + (0.9 if seen else 0)
    return size * MM * (1.55 + LEADING * lines)


def length(seconds: float, about: bool = False) -> str:
    """Seconds as people on a set say them: 4.5 s, 1:05."""
    said = f"{floor(seconds / 60)}:{round(seconds) % 60:02}" if round(seconds) >= 60 else f"{seconds:.1f}".removesuffix(".0") + " s"
    return f"≈ {said}" if about else said


def _head(plan: Plan) -> Iterator[Mark]:
    edge = plan.paper.width - MARGIN
    many = f"{plan.scenes} scene" + ("s" if plan.scenes != 1 else "")
    said = f"{many}  ·  {length(round(plan.seconds), True)}"
    room = edge - MARGIN - _wide(said, 9) - 8
    title = _cut([plan.title], room, 17, True, 1)
    yield Text(MARGIN, MARGIN + 6.4, "".join(title), 17, INK, True, rtl=_reads_left(plan.title))
    yield Text(edge, MARGIN + 6.4, said, 9, GREY, right=True)
    yield Stroke(((MARGIN, MARGIN + 10.2), (edge, MARGIN + 10.2)), INK, 0.5)


def _foot(plan: Plan, number: int) -> Iterator[Mark]:
    y = plan.paper.height - MARGIN + 1
    yield Text(MARGIN, y, "Storyboard", 7.5, GREY)
    key = plan.paper.width / 2 - 34
    yield from (Box(key - 1.2, y - 3.2, 9.4, 4.4, "#44454d", 0.6), Stroke(_rect(key, y - 2.5, 7, 3), START, 0.35, True))
    yield Text(key + 9.6, y, "the move begins here", 7.5, GREY)
    key += 41
    yield from (Box(key - 1.2, y - 3.2, 9.4, 4.4, "#44454d", 0.6), Stroke(_rect(key, y - 2.5, 7, 3), END, 0.35, True, 0.8))
    yield Text(key + 9.6, y, "and ends here", 7.5, GREY)
    yield Text(plan.paper.width - MARGIN, y, f"{number} / {plan.pages}", 7.5, GREY, right=True)


def _panel(plan: Plan, panel: Panel, x: float, y: float) -> Iterator[Mark]:
    yield from _picture(plan, panel, x, y)
    if plan.beside:
        left = x + plan.box.width + GUTTER
        yield from _words(panel, left, y, plan.column, plan.high, SIZES[plan.columns])
    else:
        top = y + plan.box.height + GAP
        yield from _words(panel, x, top, plan.column, plan.high - plan.box.height - GAP, SIZES[plan.columns])


def _picture(plan: Plan, panel: Panel, x: float, y: float) -> Iterator[Mark]:
    """The picture, as large as its room allows, on a pale ground of the film's shape."""
    box = plan.box
    yield Box(x, y, box.width, box.height, PAPER)
    scale = min(box.width / panel.shape[0], box.height / panel.shape[1])
    wide, high = panel.shape[0] * scale, panel.shape[1] * scale
    left, top = x + (box.width - wide) / 2, y + (box.height - high) / 2
    yield Photo(left, top, wide, high, panel.picture, panel.prompt or panel.narration)
    if panel.frames:
        first, last = (tuple((left + u * wide, top + v * high) for u, v in corners) for corners in panel.frames)
        yield from _move(first, last, box.width)
    if panel.drawn:
        size = 6.5
        tall, broad = size * MM * 1.5, _wide(panel.drawn, size) + 2.4
        yield Box(left + wide - broad - 1.2, top + high - tall - 1.2, broad, tall, "#1a1a1e", 0.6)
        yield Text(left + wide - broad, top + high - 1.2 - tall * 0.3, panel.drawn, size, "#ffffff")
    yield Stroke(_rect(x, y, box.width, box.height), GREY, 0.15, True)


def _move(first: tuple[Point, ...], last: tuple[Point, ...], wide: float) -> Iterator[Mark]:
    """Both frames, and arrows from one to the other: between their middles, or from each corner where it closes in."""
    inset = min(0.5, wide * 0.006)
    first, last = _shrunk(first, inset), _shrunk(last, inset)
    for corners, colour, dash in ((first, START, 0.0), (last, END, 1.6)):
        yield Stroke(corners, INK, 0.7, True, dash)
        yield Stroke(corners, colour, 0.4, True, dash)
    here, there = _middle(first), _middle(last)
    far = max(abs(one - other) for a, b in zip(first, last, strict=True) for one, other in zip(a, b, strict=True))
    if hypot(there[0] - here[0], there[1] - here[1]) > 0.05 * wide:
        yield from _arrow(here, there, wide)
    elif far > 0.015 * wide:
        for a, b in zip(first, last, strict=True):
            yield from _arrow(a, b, wide)


def _arrow(a: Point, b: Point, wide: float) -> Iterator[Mark]:
    long = hypot(b[0] - a[0], b[1] - a[1])
    if long < 0.8:
        return
    u, v = (b[0] - a[0]) / long, (b[1] - a[1]) / long
    head = min(long * 0.75, max(1.6, wide * 0.03))
    neck = b[0] - u * head, b[1] - v * head
    tip = (b, (neck[0] - v * head * 0.45, neck[1] + u * head * 0.45), (neck[0] + v * head * 0.45, neck[1] - u * head * 0.45))
    yield Stroke((a, neck), INK, 0.9)
    yield Stroke(tip, INK, 0.5, True)
    yield Stroke((a, neck), END, 0.55)
    yield Stroke(tip, END, 0.1, True, fill=True)


def _words(panel: Panel, x: float, y: float, wide: float, high: float, size: float) -> Iterator[Mark]:
    """The line of facts, the move, what is said and what is seen, as much as there is room for."""
    line = size * MM * LEADING
    badge = str(panel.number)
    tall, broad = size * MM * 1.55, _wide(badge, size, True) + 3.2
    yield Box(x, y, broad, tall, INK, 0.8)
    yield Text(x + 1.6, y + tall * 0.73, badge, size, "#ffffff", True)
    base = y + tall * 0.73
    after = f"→ {panel.transition}" if panel.transition else ""
    facts = "  ·  ".join(said for said in (panel.mood, after) if said)
    lasts = length(panel.seconds, panel.about)
    yield Text(x + wide, base, lasts, size, INK, True, True)
    room = wide - broad - 2 - _wide(lasts, size, True) - 2
    yield from _lines(_cut([facts], room, size * 0.88, False, 1), x + broad + 2, base, room, size * 0.88, GREY)
    at, ends = y + tall + line * 0.95, y + high
    for text, colour, most, bold in ((panel.move, "#8a5a00", 2, True), (panel.narration, INK, 99, False), (panel.prompt, GREY, 99, False)):
        if not text.strip():
            continue
        few = size * (0.9 if colour == GREY else 1.0)
        fits = floor((ends - at) / (few * MM * LEADING)) + 1
        if fits < 1:
            return
        lines = _cut(_broken(text, wide, few, bold), wide, few, bold, min(most, fits))
        yield from _lines(lines, x, at, wide, few, colour, bold, _reads_left(text))
        at += len(lines) * few * MM * LEADING + line * 0.3


def _lines(
    lines: Sequence[str], x: float, y: float, wide: float, size: float, colour: str, bold: bool = False, rtl: bool | None = None
) -> Iterator[Mark]:
    for k, text in enumerate(lines):
        right = _reads_left(text) if rtl is None else rtl
        yield Text(x + wide if right else x, y + k * size * MM * LEADING, text, size, colour, bold, right, right)


def _broken(text: str, wide: float, size: float, bold: bool) -> list[str]:
    return broken(text, wide, lambda line: _wide(line, size, bold))


def _cut(lines: Sequence[str], wide: float, size: float, bold: bool, most: int) -> list[str]:
    """So many lines at most; the last ends in an ellipsis where something was left out, or where it is too wide."""
    kept = [line for line in lines if line][:most]
    if kept and (len(kept) < len([line for line in lines if line]) or _wide(kept[-1], size, bold) > wide):
        last = kept[-1]
        while last and _wide(last + "…", size, bold) > wide:
            last = last[:-1]
        kept[-1] = last.rstrip(" ,;:-") + "…"
    return kept


def _wide(text: str, size: float, bold: bool = False) -> float:
    """In millimetres; our tables hold the widest weight."""
    return (measure(runs(text)) + SPACE * text.count(" ")) * size * MM


def _reads_left(text: str) -> bool:
    """Whether its first letter is of a script that is written from the right."""
    return next((way != "L" for way in map(unicodedata.bidirectional, text) if way in ("L", "R", "AL")), False)


def _rect(x: float, y: float, wide: float, high: float) -> tuple[Point, ...]:
    return (x, y), (x + wide, y), (x + wide, y + high), (x, y + high)


def _middle(corners: Sequence[Point]) -> Point:
    return sum(x for x, _ in corners) / len(corners), sum(y for _, y in corners) / len(corners)


def _shrunk(corners: Sequence[Point], by: float) -> tuple[Point, ...]:
    """A little smaller, so that a frame as large as the picture can be seen inside it."""
    x, y = _middle(corners)
    out = []
    for u, v in corners:
        far = hypot(u - x, v - y) or 1.0
        out.append((u - (u - x) / far * by * 1.5, v - (v - y) / far * by * 1.5))
    return tuple(out)

