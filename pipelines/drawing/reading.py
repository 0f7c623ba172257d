"""A prompt in plain English -> the known words in it, in order, and those that are not known. Draws nothing.

"Unknown" are words that would have meant something; the small words of grammar are not.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from .vocabulary import Vocabulary

MOST = 400  # words of a prompt that are looked at
LONGEST = 4  # words in a phrase
TOKEN = re.compile(r"[^\W_]+(?:['’&-][^\W_]+)*|[,.;:!?]")
STOPS = frozenset(",.;:!?")
NOT = frozenset(("no", "not", "without", "never", "except", "minus", "excluding", "don't", "isn't"))
MANY = frozenset(("children", "people", "men", "women", "mice", "geese", "cattle", "wildlife", "animals"))
SINGLE = frozenset(("a", "an", "one", "this", "that"))
GRAMMAR = frozenset(
    (
        "a", "an", "the", "this", "that", "these", "those", "it", "its", "it's", "he", "she", "they", "we", "you", "i",
        "his", "her", "their", "our", "your", "my", "him", "them", "us", "me", "who", "whom", "which", "what", "where",
        "when", "while", "as", "at", "by", "for", "from", "in", "into", "inside", "of", "off", "on", "onto", "over",
        "under", "below", "beneath", "beside", "besides", "between", "among", "amid", "through", "throughout", "across",
        "along", "around", "about", "toward", "towards", "to", "up", "down", "out", "with", "within", "upon", "behind",
        "before", "after", "during", "until", "and", "or", "but", "nor", "so", "yet", "if", "then", "than", "because",
        "though", "although", "is", "are", "was", "were", "be", "been", "being", "am", "do", "does", "did", "doing",
        "have", "has", "had", "having", "can", "could", "will", "would", "shall", "should", "may", "might", "must",
        "there", "here", "very", "quite", "rather", "more", "most", "much", "less", "least", "just", "only", "even",
        "also", "too", "again", "still", "ever", "such", "own", "same", "other", "another", "each", "every", "all",
        "any", "scene", "shot", "view", "image", "picture", "photo", "photograph", "video", "clip", "footage", "film",
        "frame", "camera", "style", "look", "looks", "looking", "like", "showing", "shows", "show", "shown", "seen",
        "see", "featuring", "features", "feature", "depicting", "depicts", "depict", "containing", "contains", "made",
        "making", "make", "makes", "set", "sets", "place", "placed", "side", "part", "kind", "type", "sort", "moment",
        "lit", "rising", "moving", "movement", "that's", "there's", "beautiful", "nice", "visible", "slowly", "gently",
        "quickly", "softly", "near", "next", "against", "colours", "colors", "tones", "hues", "alongside", "outside", "past", "full", "various", "real",
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Said:
    """An entry by name, and how many are meant: "one", "more", or "" where it is not said. No name: a phrase ends."""

    name: str = ""
    number: str = ""


@dataclass(frozen=True, slots=True)
class Lexicon:
    """A vocabulary by what people say."""

    spoken: Mapping[tuple[str, ...], str]

    @classmethod
    def of(cls, vocabulary: Vocabulary) -> Lexicon:
        spoken: dict[tuple[str, ...], str] = {}
        for name, word in vocabulary.items():
            for said in (name.replace("_", " "), *word.words):
                spoken.setdefault(tuple(said.lower().split()), name)
        return cls(spoken)

    def find(self, words: tuple[str, ...]) -> Said | None:
        """The entry that these words mean; the last may be a plural."""
        found = [self.spoken.get((*words[:-1], last), "") for last in _singulars(words[-1])]
        name = next((one for one in found if one), "")
        if not name:
            return None
        more = words[-1] in MANY or name in found[1:]  # "lenses" are more than one, "Paris" is not
        return Said(name, "more" if more else "")


@dataclass(frozen=True, slots=True)
class Reading:
    """`said`: known words in the order of the prompt. `unknown`: as written."""

    said: tuple[Said, ...] = ()
    unknown: tuple[str, ...] = field(default=())


def read(prompt: str, lexicon: Lexicon, about: frozenset[str] = frozenset()) -> Reading:
    """Every known word, longest phrases first; what follows "no" or "without" is left out.

    `about`: entries that only say something about another, so that "a red bird" is still one bird.
    """
    plain = unicodedata.normalize("NFKC", prompt[: MOST * 40]).lower().replace("’", "'")
    tokens = TOKEN.findall(plain)[:MOST]
    said: list[Said] = []
    unknown: list[str] = []
    refused, single, i = False, False, 0
    while i < len(tokens):
        names, used, lost = _match(tokens, i, lexicon)
        word = tokens[i]
        if names:
            said += [] if refused else [replace(one, number="one") if single and not one.number else one for one in names]
            refused = False
        elif word in STOPS:
            said.append(Said())
            refused = False
        elif word in NOT:
            refused = True
        elif lost:
            unknown.append(lost)
        single = word in SINGLE or (single and not names and word not in STOPS) or (single and bool(names) and names[-1].name in about)
        i += used
    return Reading(tuple(said), tuple(dict.fromkeys(unknown)))


def _match(tokens: list[str], start: int, lexicon: Lexicon) -> tuple[list[Said], int, str]:
    """-> the entries found at a place, how many tokens they take, and the word if it means nothing."""
    for count in range(min(LONGEST, len(tokens) - start), 0, -1):
        words = tuple(tokens[start : start + count])
        if name := lexicon.find(words):
            return [name], count, ""
    word = tokens[start]
    if word in STOPS or word in NOT or word in GRAMMAR or word.isdigit():
        return [], 1, ""
    if "-" in word:
        parts = [part for part in word.split("-") if part]
        found = [name for part in parts if (name := lexicon.find((part,)))]
        if found:
            return found, 1, ""
    names = _fused(word, lexicon)
    return (names, 1, "") if names is not None else ([], 1, word)


def _fused(word: str, lexicon: Lexicon) -> list[Said] | None:
    """Two words run together, perhaps with one letter shared, as typing sometimes leaves them: "futuristicity"."""
    best: list[Said] | None = None
    for cut in range(2, len(word) - 2):
        for shared in (0, 1):
            head, tail = word[:cut], word[cut - shared :]
            first, second = (lexicon.find((part,)) if len(part) > 2 else None for part in (head, tail))
            if first and second:
                return [first, second]
            if (first and tail in GRAMMAR) or (second and head in GRAMMAR):
                best = best or [one for one in (first, second) if one]
            elif head in GRAMMAR and tail in GRAMMAR:
                best = best or []
    return best


def _singulars(word: str) -> list[str]:
    """The word, and what it may be a plural or a possessive of."""
    out = [word]
    if word.endswith("'s"):
        out.append(word[:-2])
    if word.endswith("ies"):
        out.append(word[:-3] + "y")
    if word.endswith("ves"):
        out += [word[:-3] + "f", word[:-3] + "fe"]
    if word.endswith("men"):
        out.append(word[:-3] + "man")
    if word.endswith("es"):
        out.append(word[:-2])
    if word.endswith("s") and not word.endswith("ss"):
        out.append(word[:-1])
    return out
