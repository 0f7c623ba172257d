"""Spoken words -> captions: what is shown together, on which line, from when to when.

Knows no fonts, no frames and no file format. The limits are those of broadcasters: two lines of 42 characters
(20 Chinese, Japanese or Korean ones), one to seven seconds, a break where a sentence or a clause ends.
"""



from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from .timeline import Caption, Spoken, Word, joint

WIDTH = 42  # characters a line
SHORTEST, LONGEST = 1.0, 7.0  # seconds on screen
CLOSE = 0.3  # a shorter gap between two captions would only flicker
PAUSE = 3  # where times must be guessed, a space lasts as long as so many characters
NARROW, WIDE = 10, 21  # 42 narrow characters are as wide as 20 wide ones

_SENTENCE = ".!?…。！？｡؟۔।॥።៕"
_CLAUSE = ",;:—–、，；：､،؛፣"
_QUOTES = "\"'”’»›」』】）》〉)]}"
_NO_START = (
    "、。，．！？：；｡､）〕］｝〉》」』】〙〗〞"
    "〟ーァィゥェォッャュョヮヵヶぁぃぅぇぉっゃゅょゎゕゖ々〻‥…゛゜ヽヾゝゞ％‰℃"
)
_NO_END = "（〔［｛〈《「『【〘〖〝￥＄"
_LEADING = "เแโใไເແໂໃໄ"  # Thai and Lao vowels that open a syllable


@dataclass(frozen=True, slots=True)
class _Text:
    """A take's units with what measuring needs: where each begins and ends if all stood in one line."""

    units: tuple[Word, ...]
    lefts: tuple[int, ...]
    rights: tuple[int, ...]
    endings: tuple[float, ...]  # how bad it is to break after a unit
    room: int

    def cells(self, first: int, last: int) -> int:
        """How wide the units `first` up to `last` (not included) are in one line."""
        return self.rights[last - 1] - self.lefts[first]

    def fill(self, first: int) -> int:
        """The first unit that no longer fits into a line that begins with `first`."""
        last = first + 1
        while last < len(self.units) and self.cells(first, last + 1) <= self.room:
            last += 1
        return last


def captions(spoken: Sequence[Spoken], ends: Sequence[float], width_chars: int = WIDTH) -> tuple[Caption, ...]:
    """The captions of a film, in order, never overlapping.

    `ends[i]` is the second of the film at which the scene of `spoken[i]` ends: no caption outlives its scene.
    `width_chars` is the most characters in a line; a narrow frame needs fewer (`subtitles.room`). Where the words
    leave no second for a caption and no neighbour has room for it, its own times give way, not the second.
    """
    if len(spoken) != len(ends):
        raise ValueError("one end for each take")
    starts = [*(one.start for one in spoken), float("inf")][1:]
    out: list[Caption] = []
    for one, end, following in zip(spoken, ends, starts, strict=True):
        out += _take(one, min(end, following), max(8, min(width_chars, WIDTH)))
    return tuple(_closed(a, b) for a, b in zip(out, [*out[1:], None], strict=False))


def clusters(text: str) -> list[str]:
    """What people take for single characters: a letter with its marks, a whole emoji, a flag."""
    out: list[str] = []
    for char in text:
        if out and (_clings(char) or _holds(out[-1], char)):
            out[-1] += char
        else:
            out.append(char)
    return out


def cells(text: str) -> int:
    """How wide a text is, in tenths of a narrow character."""
    return sum(WIDE if unicodedata.east_asian_width(char) in "WF" else NARROW for char in text)


def clean(text: str) -> str:
    """The text on one line: control characters and lone surrogates gone, every white space one plain space."""
    kept = "".join(" " if char.isspace() else char for char in text if char.isspace() or _kept(char))
    return " ".join(kept.split())


def broken(text: str, wide: float, measure: Callable[[str], float]) -> list[str]:
    """The text in lines at most as wide as `measure` finds `wide`, parted where its script may be parted, and between
    any two characters where it would not fit else. Its own line breaks stay."""
    lines: list[str] = []
    for paragraph in text.splitlines():
        line, space = "", ""
        for token in clean(paragraph).split():
            for piece in pieces(token, WIDTH * NARROW):
                for part in [piece] if measure(piece) <= wide else clusters(piece):
                    if line and measure(line + space + part) > wide:
                        lines.append(line)
                        line, space = "", ""
                    line, space = line + space + part, ""
            space = " "
        lines += [line] if line else []
    return lines


def _kept(char: str) -> bool:
    return unicodedata.category(char) not in ("Cc", "Cs") and char not in "\ufeff\ufffe\uffff"


def _clings(char: str) -> bool:
    """Marks, joiners, variation selectors, skin tones and tags belong to the character before them."""
    if unicodedata.category(char)[0] == "M" or char in "\u200c\u200d\u2060":
        return True
    return 0x1F3FB <= ord(char) <= 0x1F3FF or 0xE0020 <= ord(char) <= 0xE007F


def _holds(cluster: str, char: str) -> bool:
    """Whether the cluster wants the next character: a joiner, half a flag, an Indic conjunct."""
    if cluster[-1] in "\u200d\u2060" or unicodedata.combining(cluster[-1]) == 9:
        return True
    return len(cluster) == 1 and all(0x1F1E6 <= ord(half) <= 0x1F1FF for half in (cluster, char))


def _take(one: Spoken, end: float, width: int) -> list[Caption]:
    units = tuple(_units(one, width * NARROW))
    if not units or end <= one.start:
        return []
    text = _measured(units, width * NARROW)
    groups = _groups(text, end)
    times = _times([(units[i].start, max(unit.end for unit in units[i:j])) for i, j in groups], one.start, end)
    return [
        Caption(start, stop, _lines(text, i, j), one.scene) for (i, j), (start, stop) in zip(groups, times, strict=True)
    ]


def _units(one: Spoken, room: int) -> Iterator[Word]:
    """The take's words in film time, in pieces small enough to break a line between."""
    latest = 0.0
    for word in one.take.words:
        tokens = clean(word.text).split()
        begin = max(latest, word.start)
        each = max(0.0, word.end - begin) / max(1, sum(map(len, tokens)) + PAUSE * (len(tokens) - 1))
        begun = one.start + begin
        for token in tokens:
            for piece in pieces(token, room):
                yield Word(piece, begun, begun + each * len(piece))
                begun += each * len(piece)
            begun += each * PAUSE
        latest = begin


def pieces(token: str, room: int) -> Iterator[str]:
    """A token cut where its script may be cut, and anywhere between characters where it would not fit a line."""
    parts = clusters(token)
    long = cells(token) > room // 2
    unit = ""
    for part in parts:
        if unit and _may_part(unit[-1], part[0], long):
            yield from _broken(unit, room)
            unit = ""
        unit += part
    yield from _broken(unit, room)


@lru_cache(4096)
def _may_part(before: str, after: str, long: bool) -> bool:
    if after in _NO_START or before in _NO_END:
        return False
    if joint(Word(before, 0, 0), Word(after, 0, 0)):
        return False
    spoken_scripts = "\u0e00" <= after <= "\u17ff"  # no dictionary here: a syllable is the surest place
    return not spoken_scripts or (long and after in _LEADING and before not in _LEADING)


def _broken(unit: str, room: int) -> Iterator[str]:
    width = cells(unit)
    if width <= room:
        yield unit
        return
    share = width / -(-width // room)
    piece = ""
    for cluster in clusters(unit):
        for part in [cluster] if cells(cluster) <= room else cluster:
            if piece and (cells(piece) >= share or cells(piece + part) > room):
                yield piece
                piece = ""
            piece += part
    yield piece


def _measured(units: tuple[Word, ...], room: int) -> _Text:
    lefts, rights, at = [], [], 0
    for unit, following in zip(units, [*units[1:], None], strict=True):
        lefts.append(at)
        at += cells(unit.text)
        rights.append(at)
        at += NARROW if following and joint(unit, following) else 0
    endings = [_ending(a, b) for a, b in pairwise(units)]
    return _Text(units, tuple(lefts), tuple(rights), (*endings, 0.0), room)


def _ending(unit: Word, following: Word) -> float:
    """What it costs to break here: nothing after a sentence, much in the middle of a phrase."""
    last = unit.text.rstrip(_QUOTES)[-1:]
    if last and last in _SENTENCE:
        return 0.0
    if following.start - unit.end >= 0.35:
        return 0.4
    if last and last in _CLAUSE:
        return 0.8
    # A short word is most often an article or a preposition: it belongs to what follows.
    return 3.5 if len(unit.text) <= 3 and unit.text.isalpha() and joint(unit, following) else 3.0


def _groups(text: _Text, end: float) -> list[tuple[int, int]]:
    """The cheapest way to part the units into captions (first, last), over all ways."""
    count = len(text.units)
    fills = [text.fill(first) for first in range(count)] + [count]
    best: list[tuple[float, int]] = [(0.0, count)] * (count + 1)
    for first in reversed(range(count)):
        options = []
        inner = 0
        for last in range(first + 1, fills[fills[first]] + 1):
            lasts = text.units[last - 1].end - text.units[first].start
            if last > first + 1 and lasts > LONGEST:
                break
            following = text.units[last].start if last < count else end
            cost = 1.0 + text.endings[last - 1] + 1.2 * inner + (1.0 if inner and text.endings[last - 1] else 0.0)
            if (seen := following - text.units[first].start) < SHORTEST:
                cost += 20.0 + 60.0 * (SHORTEST - max(seen, -SHORTEST))
            options.append((cost + best[last][0], last))
            inner += text.endings[last - 1] == 0.0
        best[first] = min(options)
    out, at = [], 0
    while at < count:
        out.append((at, best[at][1]))
        at = best[at][1]
    return out


def _lines(text: _Text, first: int, last: int) -> tuple[tuple[Word, ...], ...]:
    """One line if it fits; else two, even or with the longer one below, broken where the text pauses."""
    if text.cells(first, last) <= text.room:
        return (text.units[first:last],)

    def cost(at: int) -> float:
        lean = (text.cells(first, at) - text.cells(at, last)) / text.room
        return (6.0 if lean > 0 else 3.0) * abs(lean) + 0.35 * text.endings[at - 1]

    fits = [at for at in range(first + 1, last) if max(text.cells(first, at), text.cells(at, last)) <= text.room]
    at = min(fits, key=cost)
    return (text.units[first:at], text.units[at:last])


def _times(said: list[tuple[float, float]], begin: float, end: float) -> list[tuple[float, float]]:
    """When each caption comes and goes: as said, at least a second each where the take has that much time."""
    least = min(SHORTEST, (end - begin) / len(said))
    starts: list[float] = []
    for start, _ in said:
        starts.append(max(start, starts[-1] + least if starts else begin))
    limit = end
    for i in reversed(range(len(starts))):
        starts[i] = limit = max(begin, min(starts[i], limit - least))
    out = []
    for (_, stop), start, following in zip(said, starts, [*starts[1:], end], strict=True):
        out.append((start, min(max(stop, start + least), following, start + LONGEST)))
    return out


def _closed(caption: Caption, following: Caption | None) -> Caption:
    """The caption held until the next one of its scene, if only a blink is between them."""
    if following is None or following.scene != caption.scene:
        return caption
    if not 0 < following.start - caption.end < CLOSE or following.start - caption.start > LONGEST:
        return caption
    return Caption(caption.start, following.start, caption.lines, caption.scene)
