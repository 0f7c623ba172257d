"""What a prompt tells and what it lacks: scene, action, camera, light, style, with phrases to add. Pure, by rule.

The words are data (presets/helper.toml). Finding none proves nothing, so it is an offer, never a refusal.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from .language import language_of
from .presets import Presets

LONG = 5  # letters: a word so long also counts at the end of a longer one ("moonlight")
MOST = 4  # phrases that are offered for a part
DOING = re.compile(r"\b(?!(?:morning|evening|lighting|building|king|ring|spring|ceiling|painting|clothing|wedding|string|thing|wing|sing|something|nothing|anything|everything|during|being|swing|sterling|pudding|railing)\b)[a-z]{2,}ing\b")


@dataclass(frozen=True, slots=True)
class Part:
    """One of the five: whether the prompt tells it, by which words, and phrases that would."""

    name: str
    label: str
    what: str
    there: bool
    found: tuple[str, ...]
    add: tuple[str, ...]


def parts(prompt: str, presets: Presets) -> tuple[Part, ...]:
    """The five parts of a prompt, in their order. What is offered is in the prompt's language, English or German."""
    text = _folded(prompt)
    german = language_of(prompt, default="en") == "de"
    more = {
        "camera": [word for move in presets.moves.values() for word in move.words if " " in word],
        "style": [_folded(one.label) for kind in (presets.looks, presets.styles) for name, one in kind.items() if name != "none"],
        "action": [],
    }
    out = []
    for name, part in presets.helper.items():
        found = _found(text, (*part.words, *more.get(name, ())))
        if name == "action":
            found += [word for word in DOING.findall(text) if word not in found]
        phrases = (part.dazu if german else part.add) or part.add
        out.append(Part(name, part.label, part.what, bool(found), tuple(found), () if found else phrases[:MOST]))
    return tuple(out)


def added(prompt: str, phrase: str) -> str:
    """The prompt with a phrase after it; unchanged if it has it already."""
    text = prompt.strip()
    if not text or _folded(phrase) in _folded(text):
        return text or phrase
    joint = " " if text[-1] in ".!?:;,。！？" else ", "
    if text[-1] in ".!?。！？":
        return f"{text}{joint}{phrase[0].upper()}{phrase[1:]}."
    return f"{text}{joint}{phrase}"


def _folded(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text).casefold().replace("’", "'")
    return " ".join(re.sub(r"[-_]", " ", plain).split())


def _found(text: str, words: Iterable[str]) -> list[str]:
    """Those of the words that are in the text, as it has them, in its order."""
    places: dict[str, int] = {}
    spoken = re.findall(r"[\w']+", text)
    for word in dict.fromkeys(_folded(word) for word in words):
        if " " in word:
            if at := re.search(rf"\b{re.escape(word)}\b", text):
                places[word] = at.start()
            continue
        for one in spoken:
            if one == word or (len(word) >= LONG and len(one) > len(word) + 1 and one.endswith(word)):
                places.setdefault(one, text.index(one))
    return sorted(places, key=lambda word: places[word])
