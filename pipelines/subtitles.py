"""Captions and a style -> the ASS script that libass draws into the film. Knows no scenes and starts no ffmpeg.

Every run of text names the family that has its characters; ffmpeg's `fontsdir` must hold the fonts of `FONTS`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import ceil
from types import MappingProxyType

from .banners import STYLE as LOWER
from .banners import drawn as banners_drawn
from .captions import WIDTH, clean
from .lettering import ESCAPES, EVENTS, LETTER, SPACE, STYLES, THICKENED
from .presets import CaptionStyle
from .timeline import Banner, Caption, joint
from .typefaces import FONTS, Face, Run, faces, line_height, measure, runs, undrawable

__all__ = ["FONTS", "OFFSET", "ass", "room", "undrawable"]

OFFSET = 100.0  # seconds: what began before the stretch still has a time above nought
MOST = 500  # characters drawn of one caption
ROOM = 0.9  # of the frame's width may be text
PADDING = 0.28  # of the em, round the text in a box
SPRING = 0.18  # seconds in which a word springs up
GLANCE = 0.25  # seconds: a word shown by itself for less is not read
SHADE = 0.55  # how dark a shadow is


@dataclass(frozen=True, slots=True)
class _Piece:
    """A word as it is drawn: its runs, the space after it, how wide it is (em), and when it is said."""

    runs: tuple[Run, ...]
    after: str
    width: float
    start: float


def room(style: CaptionStyle, width: int, height: int) -> int:
    """How many characters of ordinary text fit a line at the style's own size, at most 42: what `captions` should get.

    A narrow frame gets shorter lines, not smaller letters.
    """
    if style.motion == "word":
        return WIDTH
    fits = ROOM * width / (style.size * min(width, height) * LETTER * (1.12 if style.capitals else 1.0))
    return max(16, min(WIDTH, int(fits)))


def ass(
    captions: Sequence[Caption],
    style: CaptionStyle,
    width: int,
    height: int,
    start: float,
    end: float,
    rate: Fraction | None = None,
    banners: Sequence[Banner] = (),
) -> str:
    """The script for the stretch of film from `start` to `end` seconds, in a frame of width x height pixels.

    Its time 100 s (`OFFSET`) is the stretch's first frame. Captions that are the same from `start` on give the same
    text, byte for byte. With the frame `rate` each change falls between two frames, so that a film cut into stretches
    shows the same frames however it is cut. `banners` stand above the captions. Empty if nothing is to be drawn.
    """
    sheet = _Sheet(style, width, height, start, end, rate)
    shown = (caption for caption in captions if caption.start < end and caption.end > start)
    events = [event for caption in shown for event in _events(caption, sheet)]
    lower = [event for one in banners if one.start < end and one.end > start for event in _lower(one, sheet, bool(captions))]
    return "\n".join([*_head(sheet, bool(lower)), *lower, *events, ""]) if lower or events else ""


def _lower(one: Banner, sheet: _Sheet, captioned: bool) -> Iterator[str]:
    """A banner's events; captions at the bottom keep two lines' room."""
    style = sheet.style
    below = captioned and style.place == "bottom"
    taken = style.margin * sheet.height + (2 * line_height() + 4 * PADDING) * sheet.em if below else 0.0
    for text in banners_drawn(one.lines, sheet.width, sheet.height, taken):
        yield from sheet.event(one.start, one.end, text, "Lower")


def _drawn(caption: Caption, style: CaptionStyle) -> list[list[_Piece]]:
    """The caption's lines as they are drawn, empty ones and what is past MOST characters left out."""
    lines, left = [], MOST
    for line in caption.lines:
        pieces = []
        for word, following in zip(line, [*line[1:], None], strict=True):
            text = clean(word.text)[:left]
            left -= len(text)
            if drawn := tuple(runs(_capitals(text) if style.capitals else text)):
                after = joint(word, following) if following else ""
                pieces.append(_Piece(drawn, after, measure(drawn) + SPACE * len(after), word.start))
        if pieces:
            lines.append(pieces)
    return lines


def _capitals(text: str) -> str:
    """Capital letters where our fonts have them."""
    return "".join(char.upper() if not undrawable(char.upper()) else char for char in text)


@dataclass(frozen=True, slots=True)
class _Sheet:
    """What all events of a script share: the style, the frame, and the stretch of film."""

    style: CaptionStyle
    width: int
    height: int
    start: float
    end: float
    rate: Fraction | None

    @property
    def em(self) -> float:
        return self.style.size * min(self.width, self.height)

    def clock(self, seconds: float) -> tuple[int, int]:
        """Film seconds -> hundredths of a second in the script, and the milliseconds from there to the first frame."""
        if self.rate is None:
            return round(round(seconds - self.start + OFFSET, 5) * 100), 0
        frame = ceil(float(Fraction(seconds) * self.rate) - 1e-4) - round(Fraction(self.start) * self.rate)
        at = round((OFFSET + float((frame - Fraction(1, 2)) / self.rate)) * 100)
        return at, round((OFFSET + float(frame / self.rate)) * 1000) - at * 10

    def event(self, begin: float, stop: float, text: str, dress: str = "Text") -> Iterator[str]:
        """The event's line, if the stretch shows any of it."""
        first, last = self.clock(begin)[0], self.clock(stop)[0]
        if first < last and begin < self.end and stop > self.start:
            yield f"Dialogue: 0,{_said(first)},{_said(last)},{dress},,0,0,0,,{text}"

    def place(self, lines: Sequence[Sequence[_Piece]]) -> str:
        """Where the text stands, and smaller letters if its longest line would not fit the frame."""
        edge = self.style.margin * self.height + (PADDING * self.em if self.style.box else 0)
        y = {"bottom": self.height - edge, "middle": self.height / 2, "top": edge}[self.style.place]
        fixed = f"\\pos({self.width / 2:g},{y:.1f})"
        longest = max(sum(piece.width for piece in line) for line in lines) * self.em
        if longest <= ROOM * self.width:
            return fixed
        return fixed + f"\\fs{self.em * line_height() * ROOM * self.width / longest:.1f}"


def _said(hundredths: int) -> str:
    minutes, rest = divmod(max(0, hundredths), 6000)
    return f"{minutes // 60}:{minutes % 60:02}:{rest // 100:02}.{rest % 100:02}"


def _colour(rgb: str, opacity: float = 1.0, shade: int = 0) -> str:
    """#rrggbb as ASS writes it: transparency, blue, green, red. `shade` changes blue by so little."""
    return f"&H{round(255 * (1 - opacity)):02X}{int(rgb[5:7], 16) ^ shade:02X}{rgb[3:5]}{rgb[1:3]}".upper()


def _head(sheet: _Sheet, lower: bool = False) -> list[str]:
    style, em = sheet.style, sheet.em
    align = {"bottom": 2, "middle": 5, "top": 8}[style.place]
    # 4 is libass's own border style: one box behind the whole caption, `shadow` wide round it.
    border, shadow = (4, PADDING * em) if style.box else (1, style.shadow * em)
    back = _colour(style.box, style.box_opacity) if style.box else _colour("#000000", SHADE)
    look = (
        f"{faces()[0].family},{em * line_height():.1f},{_colour(style.colour)},{_colour(style.colour)},"
        f"{_colour(style.outline)},{back},{-1 if style.bold else 0},0,0,0,100,100,0,0,{border},"
        f"{style.outline_width * em:.1f},{shadow:.1f},{align},0,0,0,-1"
    )
    return [
        "[Script Info]",
        "ScriptType: v4.00+",
        f"PlayResX: {sheet.width}",
        f"PlayResY: {sheet.height}",
        "WrapStyle: 2",
        "ScaledBorderAndShadow: yes",
        "YCbCr Matrix: None",
        "",
        "[V4+ Styles]",
        STYLES,
        f"Style: Text,{look}",
        *([LOWER.format(family=faces()[0].family)] if lower else []),
        "",
        "[Events]",
        EVENTS,
    ]


def _events(caption: Caption, sheet: _Sheet) -> Iterator[str]:
    """One event for each state of the caption that the stretch shows."""
    style = sheet.style
    lines = _drawn(caption, style)
    if not lines:
        return
    fixed = sheet.place(lines) + (f"\\blur{style.blur * sheet.em:.1f}" if style.blur else "")
    if style.motion == "word":
        yield from _one_by_one(caption, lines, sheet, fixed)
    elif style.motion == "pop":
        yield from _popping(caption, lines, sheet, fixed)
    elif style.highlight:
        yield from _lighting(caption, lines, sheet, fixed)
    else:
        yield from sheet.event(caption.start, caption.end, _text(lines, style, fixed))


def _lighting(caption: Caption, lines: Sequence[Sequence[_Piece]], sheet: _Sheet, fixed: str) -> Iterator[str]:
    """The word being said has another colour.

    libass draws letters of one colour in one go and rounds where they begin, so that a word changing its colour would
    shift its neighbours by an eighth of a pixel. Unseeable shades of the colour keep every word apart in every state.
    """
    style = sheet.style
    gap, even, odd = (f"\\1c{_colour(style.colour, shade=shade)}&" for shade in (0, 1, 2))
    lit = f"\\1c{_colour(style.highlight)}&"
    words = [odd if i % 2 else even for i in range(sum(map(len, lines)))]
    for begin, stop, now in _states(caption, lines, from_start=True):
        dress = {i: lit if i == now else word for i, word in enumerate(words)}
        yield from sheet.event(begin, stop, _text(lines, style, fixed, dress, gap))


def _states(caption: Caption, lines: Sequence[Sequence[_Piece]], from_start: bool) -> list[tuple[float, float, int]]:
    """From when to when each word, by its position, is the one being said; -1 before the first."""
    starts = [min(max(piece.start, caption.start), caption.end) for line in lines for piece in line]
    before = [(caption.start, starts[0], -1)] if from_start else []
    return [*before, *((a, b, i) for i, (a, b) in enumerate(pairwise([*starts, caption.end])))]


def _popping(caption: Caption, lines: Sequence[Sequence[_Piece]], sheet: _Sheet, fixed: str) -> Iterator[str]:
    """Each word springs up as it is said and stays.

    A word has an event of its own, in which the others keep their places unseen: a centred line whose one word grows
    leaves that word's middle where it is, so nothing else moves.
    """
    style = sheet.style
    if style.box:
        yield from sheet.event(caption.start, caption.end, _text(lines, style, fixed + "\\1a&HFF&\\3a&HFF&"))
    shade = "FF" if style.box else f"{round(255 * (1 - SHADE)):02X}"
    hidden = "\\1a&HFF&\\3a&HFF&\\4a&HFF&\\fscx100\\fscy100"
    shown = f"\\1a&H00&\\3a&H00&\\4a&H{shade}&"
    for begin, stop, now in _states(caption, lines, from_start=False):
        lit = f"\\1c{_colour(style.highlight or style.colour)}&" + _spring(sheet.clock(begin)[1], stop - begin)
        yield from sheet.event(begin, stop, _text(lines, style, fixed, {now: shown + lit}, hidden))
        said = f"\\1c{_colour(style.colour)}&"
        yield from sheet.event(stop, caption.end, _text(lines, style, fixed, {now: shown + said}, hidden))


def _one_by_one(caption: Caption, lines: Sequence[Sequence[_Piece]], sheet: _Sheet, fixed: str) -> Iterator[str]:
    """One word at a time; words too short to read, and signs written without spaces, are shown together."""
    group: list[_Piece] = []
    since = caption.start
    pieces = [piece for line in lines for piece in line]
    for (_, stop, _), piece in zip(_states(caption, lines, from_start=False), pieces, strict=True):
        group.append(piece)
        goes_on = not piece.after and piece.runs[-1].text[-1].isalnum()
        short = stop - since < GLANCE or (goes_on and sum(one.width for one in group) < 5)
        if short and piece is not pieces[-1]:
            continue
        spring = _spring(sheet.clock(since)[1], stop - since)
        yield from sheet.event(since, stop, _text([group], sheet.style, sheet.place([group]) + spring))
        group, since = [], stop


def _spring(lead: int, seconds: float) -> str:
    """From small to a little too large to right, within SPRING seconds or the word's own time."""
    whole = round(1000 * min(SPRING, seconds))
    top, done = lead + whole * 6 // 10, lead + whole
    return f"\\fscx75\\fscy75\\t({lead},{top},\\fscx107\\fscy107)\\t({top},{done},\\fscx100\\fscy100)"


def _text(
    lines: Sequence[Sequence[_Piece]],
    style: CaptionStyle,
    fixed: str,
    dress: Mapping[int, str] = MappingProxyType({}),
    plain: str = "",
) -> str:
    """The event's text: `fixed` tags once, `dress` for single words by position, `plain` for all the others."""
    bare = faces()[0]
    mark = _direction(lines)
    out = [f"{{{fixed}{plain}}}"]
    face, worn, position = bare, plain, 0
    for number, line in enumerate(lines):
        if number:
            out.append("\\N")
        pieces = [(dress.get(position + i, plain), piece) for i, piece in enumerate(line)]
        position += len(line)
        for tags, run in [(plain, Run(bare, mark)), *_dressed(pieces, plain)]:
            change = (tags if tags != worn else "") + (_font(run.face, style) if run.face is not face else "")
            out.append((f"{{{change}}}" if change else "") + run.text.translate(ESCAPES))
            face, worn = run.face, tags
    return "".join(out)


def _dressed(pieces: Iterable[tuple[str, _Piece]], plain: str) -> Iterator[tuple[str, Run]]:
    """Runs with the tags they wear; the space between two words wears none, so that only the word itself grows."""
    for tags, piece in pieces:
        yield from ((tags, run) for run in piece.runs)
        if piece.after:
            last = piece.runs[-1].face
            yield plain, Run(last if last.bold else faces()[0], piece.after)  # an emoji's own space is a hole


def _font(face: Face, style: CaptionStyle) -> str:
    """The tags that change to that family; pictures and symbols are drawn as they are, never thickened."""
    weight = f"\\b{int(face.bold or face.family in THICKENED)}" if style.bold else ""
    return f"\\fn{face.family}{weight}"


def _direction(lines: Iterable[Iterable[_Piece]]) -> str:
    """The unseen mark that gives every line the direction of most of the caption's words."""
    votes = 0
    for piece in (piece for line in lines for piece in line):
        ways = (unicodedata.bidirectional(char) for run in piece.runs for char in run.text)
        way = next((way for way in ways if way in ("L", "R", "AL")), "")
        votes += {"": 0, "L": -1}.get(way, 1)
    return "\u200f" if votes > 0 else "\u200e"
