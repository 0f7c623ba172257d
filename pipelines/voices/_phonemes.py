"""How a text is pronounced, kept together with its words: so that the sound of a model that reads phonemes can be timed.

espeak-ng tells clauses as a whole, where words run into one another, and each word by itself; laid side by side they
tell which sounds are whose. Knows no model and no sound.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import accumulate
from typing import TYPE_CHECKING

from ._espeak import Clause
from ._words import Unit

if TYPE_CHECKING:
    from numpy import floating
    from numpy.typing import NDArray

ENDS, RESTS = ".!?…。！？", ",;:，、；："  # of a sentence; within one
PLAIN = {"。": ".", "！": "!", "？": "?", "，": ",", "、": ",", "；": ";", "：": ":"}
UNTOLD = {" ": 0.6, ",": 3.0, ";": 3.0, ":": 3.0, ".": 4.0, "!": 4.0, "?": 4.0, "ˈ": 0.1, "ˌ": 0.1, "ː": 0.7, "^": 0.5, "$": 0.5}  # how long, beside a sound


@dataclass(frozen=True, slots=True)
class Sounds:
    """What is said for text[first:last]; a space or a stop belongs to no word: first and last are 0."""

    said: str
    first: int = 0
    last: int = 0


def sentences(text: str, clauses: Sequence[Clause]) -> list[list[Sounds]]:
    """A sentence each; without those that say nothing."""
    made: list[list[Sounds]] = [[]]
    for clause in clauses:
        said = list(_said(clause))
        if said:
            made[-1] += [*([Sounds(" ")] if made[-1] else []), *said]
        mark = text[clause.first : clause.last].rstrip().rstrip("\"'»”’)]")[-1:]
        if made[-1] and mark and mark in ENDS + RESTS:
            made[-1].append(Sounds(PLAIN.get(mark, mark)))
        if made[-1] and mark and mark in ENDS:
            made.append([])
    return [one for one in made if any(sounds.last for sounds in one)]


def pieces(sentences: Sequence[Sequence[Sounds]], most: int) -> list[list[Sounds]]:
    """Sentences together, as many as have no more than `most` signs; one that is longer is cut between words."""
    made: list[list[Sounds]] = []
    for sentence in sentences:
        for part in _cut(sentence, most):
            if made and sum(len(one.said) for one in [*made[-1], *part]) < most:
                made[-1] += [Sounds(" "), *part]
            else:
                made.append(list(part))
    return made


def turned(piece: Sequence[Sounds], change: Callable[[str], str]) -> list[Sounds]:
    """Each word's sounds as that changes them."""
    return [Sounds(change(one.said), one.first, one.last) for one in piece]


def untold(signs: str) -> list[float]:
    """About how long signs last beside one another, where the model does not tell."""
    return [UNTOLD.get(sign, 1.0) for sign in signs]


def units(piece: Sequence[Sounds], lasts: Sequence[float] | NDArray[floating], start: float, seconds: float) -> list[Unit]:
    """When each word of a piece is said: `lasts` tells of each sign how long it is beside the others, `seconds` how
    long all are; the piece begins at `start`."""
    edges = [0.0, *accumulate(float(one) for one in lasts)]
    scale, at, made = seconds / (edges[-1] or 1.0), 0, list[Unit]()
    for one in piece:
        begins, at = at, at + len(one.said)
        if one.last and one.said:
            made.append(Unit(one.first, one.last, start + edges[begins] * scale, start + edges[at] * scale))
    return made


def _said(clause: Clause) -> Iterator[Sounds]:
    """A clause's sounds by word, with the spaces between them."""
    whole = clause.sounds.strip()
    apart = [(i, sign) for i, (_, _, sounds) in enumerate(clause.apart) for sign in sounds if not sign.isspace()]
    if not whole or not apart:
        return
    whose = _whose([sign for sign in whole if not sign.isspace()], apart)
    held, owner = "", -1
    for sign in whole:
        mine = owner if sign.isspace() else next(whose)
        if held and (mine != owner or sign.isspace()):
            yield Sounds(held, *clause.apart[owner][:2])
            held = ""
        if sign.isspace():
            yield Sounds(" ")
        else:
            held, owner = held + sign, mine
    if held:
        yield Sounds(held, *clause.apart[owner][:2])


def _whose(said: Sequence[str], apart: Sequence[tuple[int, str]]) -> Iterator[int]:
    """Of each sign of a clause the word that it belongs to; what is not found in both is shared out between its
    neighbours."""
    places = [0.0] * len(said)
    blocks = SequenceMatcher(None, list(said), [sign for _, sign in apart], autojunk=False).get_matching_blocks()
    a = b = 0
    for block in blocks:  # the last is empty, at both ends
        for i in range(a, block.a):
            places[i] = b + (i - a) * (block.b - b) / (block.a - a)
        for i in range(block.size):
            places[block.a + i] = block.b + i
        a, b = block.a + block.size, block.b + block.size
    return (apart[min(len(apart) - 1, int(place))][0] for place in places)


def _cut(sentence: Sequence[Sounds], most: int) -> Iterator[list[Sounds]]:
    held: list[Sounds] = []
    for one in sentence:
        if one.said.isspace() and held and sum(len(each.said) for each in held) > most * 0.8:
            yield held
            held = []
        else:
            held.append(Sounds(one.said[:most], one.first, one.last))
    if held:
        yield held
