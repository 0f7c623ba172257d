"""From narration to timed words: what is said aloud, and when each word of it is. Knows no engine and no sound."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import floor

from ..language import glue, script, unspaced

# Bidirectional overrides and byte order marks steer a screen, and say nothing.
STEERING = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0xFEFF, *range(0xFFF9, 0xFFFC)])
EMOJI = re.compile(
    "[\U0001f000-\U0001faff\u2300-\u23ff\u2600-\u27bf\u2b00-\u2bff\ufe0e\ufe0f\u20e3\U000e0020-\U000e007f]"
    "|(?<=[\U0001f000-\U0001faff\ufe0f])\u200d"
)
LEADING = "เแโใไເແໂໃໄ"  # Thai and Lao vowels that can only begin a syllable
LONG = 8  # signs of an unspaced script that a caption shows as one word at most
Timed = tuple[str, float, float]


@dataclass(frozen=True, slots=True)
class Unit:
    """A stretch text[first:last] that is said from `start` to `end` seconds."""

    first: int
    last: int
    start: float
    end: float


def clean(text: str) -> str:
    """The text with single spaces between its words, and without control characters and lone surrogates."""
    kept = (" " if c.isspace() else c for c in text.translate(STEERING) if c.isspace() or c.isprintable() or _joins(c))
    return " ".join("".join(kept).split())


def aloud(text: str) -> str:
    """What is said: emoji become spaces, so every character keeps its place."""
    return EMOJI.sub(" ", text)


def speakable(text: str) -> bool:
    """Whether there is a letter or digit to say."""
    return any(c.isalnum() for c in aloud(text))


def align(text: str, heard: Sequence[Timed]) -> list[Unit]:
    """What a narrator says it said, as stretches of `text`.

    Its units may lack punctuation and be joined, split or spelt out ("3 o'clock", "well" "known", "three"). One that
    is not in the text takes the letters between its neighbours.
    """
    places = [i for i, c in enumerate(text) if c.isalnum()]
    letters = "".join(text[i].lower()[0] for i in places)
    units: list[Unit] = []
    lost: list[Timed] = []
    at = 0
    for said, start, end in heard:
        wanted = "".join(c.lower()[0] for c in said if c.isalnum())
        if not wanted:
            continue
        reach = 80 if len(wanted) > 3 else 14  # a short word is soon found where it is not meant
        found = letters.find(wanted, at, at + len(wanted) + reach)
        if found < 0:
            lost.append((said, start, end))
            continue
        if lost and found > at:
            units.append(Unit(places[at], places[found - 1] + 1, lost[0][1], lost[-1][2]))
        lost = []
        at = found + len(wanted)
        units.append(Unit(places[found], places[at - 1] + 1, start, end))
    if lost and at < len(places):
        units.append(Unit(places[at], places[-1] + 1, lost[0][1], lost[-1][2]))
    return units


def covered(text: str, units: Sequence[Unit]) -> tuple[int, int, int]:
    """-> (letters and digits in the text, how many of them the units say, how many come after the last unit)."""
    times = _letter_times(text, units)
    said = [times[i] is not None for i, c in enumerate(text) if c.isalnum()]
    return len(said), sum(said), said[::-1].index(True) if any(said) else len(said)


def words(text: str, units: Sequence[Unit], seconds: float) -> list[Timed]:
    """Every word of a cleaned text with its times: in order, start < end, within 0..seconds.

    Words are the text's tokens between spaces, punctuation attached; in scripts without spaces they are the units, and
    a space that the text has there stays at the word's end. Words that nobody timed share their neighbours' time.
    """
    times = _letter_times(text, units)
    pieces = _pieces(text, {unit.first for unit in units})
    spans: list[tuple[float, float] | None] = []
    for first, last in pieces:
        own = [t for t in times[first:last] if t]
        spans.append((own[0][0], own[-1][1]) if own else None)
    weights = [sum(c.isalnum() for c in text[a:b]) for a, b in pieces]
    return [
        (text[a:b] + _kept_space(text, a, b), start, end)
        for (a, b), (start, end) in zip(pieces, _settle(_fill(spans, weights, seconds), seconds), strict=True)
    ]


def _joins(c: str) -> bool:
    return c in "\u200c\u200d\u200e\u200f\u00ad"  # joiners shape Persian and Indic words; the others are harmless


def _letter_times(text: str, units: Sequence[Unit]) -> list[tuple[float, float] | None]:
    times: list[tuple[float, float] | None] = [None] * len(text)
    for unit in units:
        span = range(max(0, unit.first), min(len(text), unit.last))
        said = [i for i in span if text[i].isalnum()] or [i for i in span if not text[i].isspace()][:1]
        step = (unit.end - unit.start) / max(1, len(said))
        for n, i in enumerate(said):
            times[i] = (unit.start + n * step, unit.start + (n + 1) * step)
    return times


def _pieces(text: str, starts: set[int]) -> list[tuple[int, int]]:
    """Tokens between spaces as (first, last); those of unspaced scripts are cut where a unit or a new script begins."""
    pieces = []
    for token in re.finditer(r"\S+", text):
        cuts = [token.start()]
        for i in range(token.start() + 1, token.end()):
            if _cut(text, i, starts, i - cuts[-1]):
                cuts.append(i)
        pieces += list(pairwise([*cuts, token.end()]))
    return pieces


def _cut(text: str, i: int, starts: set[int], length: int) -> bool:
    before, here = text[i - 1], text[i]
    if not (unspaced(before) or unspaced(here)) or unicodedata.category(before) in ("Ps", "Pi"):
        return False
    if unicodedata.category(here) in ("Ps", "Pi"):
        return True
    if not here.isalnum():
        return False
    if i in starts or unspaced(before) != unspaced(here):
        return True
    if script(here) in ("THAI", "LAO"):
        return here in LEADING and length > LONG
    new_script = script(here) != script(before) and script(here) in ("CJK", "KATAKANA") and before.isalnum()
    return (new_script and here != "ー") or length >= LONG


def _kept_space(text: str, first: int, last: int) -> str:
    spaced = text[last : last + 1] == " "
    return " " if spaced and not glue(text[first:last], text[last + 1 :]) else ""


def _fill(
    spans: Sequence[tuple[float, float] | None], weights: Sequence[int], seconds: float
) -> list[tuple[float, float]]:
    """Times for the words nobody timed: the pause they stand in, or a share of the word before (or after)."""
    out: list[tuple[float, float]] = []
    i = 0
    while i < len(spans):
        if span := spans[i]:
            out.append(span)
            i += 1
            continue
        end = next((j for j in range(i, len(spans)) if spans[j]), len(spans))
        after = spans[end] if end < len(spans) else None
        left, right = out[-1][1] if out else 0.0, after[0] if after else seconds
        shares = [weight + 0.3 for weight in weights[i:end]]
        if right - left >= max(0.03, 0.06 * sum(weights[i:end])):
            out += _spread(left, right, shares)
        elif out:
            own = weights[i - 1] + 0.3 if sum(weights[i:end]) else 6 * sum(shares)
            start, stop = out.pop()
            out += _spread(start, max(stop, right), [own, *shares])
        elif after:
            out += _spread(0.0, after[1], [*shares, 6 * sum(shares)])
            end += 1
        else:
            out += _spread(0.0, seconds, shares)
        i = end
    return out


def _spread(start: float, end: float, shares: Sequence[float]) -> list[tuple[float, float]]:
    whole, edges, run = sum(shares), [start], 0.0
    for share in shares:
        run += share
        edges.append(start + (end - start) * run / whole)
    return list(pairwise(edges))


def _settle(spans: Sequence[tuple[float, float]], seconds: float) -> list[tuple[float, float]]:
    """The spans in order, none empty, none past the end, to the tenth of a millisecond where there is room."""
    least = min(0.01, seconds / (2 * len(spans) + 1)) if spans else 0.0
    digits = 4 if least > 0.001 else 7
    seconds = floor(seconds * 10**digits) / 10**digits
    starts: list[float] = []
    for n, (start, _end) in enumerate(spans):
        earliest = starts[-1] + least if starts else 0.0
        starts.append(min(max(start, earliest), seconds - least * (len(spans) - n)))
    limits = [*starts[1:], seconds][: len(starts)]
    ends = [min(max(end, a + least), b) for (_s, end), a, b in zip(spans, starts, limits, strict=True)]
    return [(round(a, digits), round(b, digits)) for a, b in zip(starts, ends, strict=True)]
