"""Text as it reads rather than as it is written: one plain alphabet, whatever was put into a word to hide it.

Knows no rule of what may be said. Folding is for looking only: nobody's text is changed by it.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from itertools import groupby, product

# Letters of other alphabets that look like Latin ones, and the Latin ones that carry no accent to be taken off
ALIKE = str.maketrans(
    "аеорсухіїјѕԁԛԝѵҡһӏкмтвнαβγεικνορτυχωϲϳηłøđħıŧəɡɑɩʀʏᴀʙᴄᴅᴇɢʜɪᴊᴋʟᴍɴᴏᴘꜱᴛᴜᴠᴡᴢℓ",
    "aeopcyxiijsdqwvkhlkmtbhabyeikvoptuxwcjnlodhitegairyabcdeghijklmnopstuvwzl",
)
LEET = str.maketrans({"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "8": "b", "9": "g", "@": "a", "$": "s", "!": "i", "|": "l", "€": "e", "+": "t"})
MOST_WAYS = 8  # of reading one word
MOST_SIGNS = 40_000
BETWEEN = r"'’*.\-_·•"
SMALL = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen"]
CHILD, GROWN = "child", 18
_WORD = re.compile(rf"[@$]?[^\W_]+(?:[@$!|€+{BETWEEN}]+[^\W_]+)*[@$!€]*")
_AGE = re.compile(r"\b(\d{1,2})[ -]?(?:years?|yrs?|y)[ -]?(?:olds?|o)\b|\b(\d{1,2})yo\b")
_SAID_AGE = re.compile(rf"\b(?:{'|'.join(SMALL)})[ -]years?[ -]olds?\b")


def folded(text: str) -> tuple[frozenset[str], ...]:
    """The text's words in order, each as everything that it may be read as. An age below eighteen reads as "child"."""
    plain = unicodedata.normalize("NFKC", text[:MOST_SIGNS]).casefold()
    plain = "".join(c for c in plain if c in "\n\t " or unicodedata.category(c) not in ("Cf", "Cc", "Co"))
    plain = "".join(c for c in unicodedata.normalize("NFD", plain) if unicodedata.category(c) != "Mn").translate(ALIKE)
    plain = _AGE.sub(lambda found: f" {CHILD} " if int(found[1] or found[2]) < GROWN else found[0], plain)
    plain = _SAID_AGE.sub(f" {CHILD} ", plain)
    return tuple(reading for piece in _spelled(_WORD.findall(plain)) for reading in _readings(piece))


def _spelled(pieces: list[str]) -> list[str]:
    """Words that were written letter by letter become words again."""
    out: list[str] = []
    for single, group in groupby(pieces, key=lambda piece: len(piece) == 1):
        letters = list(group)
        out += ["".join(letters)] if single and len(letters) > 2 else letters
    return out


@lru_cache(4096)
def _readings(piece: str) -> tuple[frozenset[str], ...]:
    """One piece of writing as its words: "half-open" is two, and may be one; "l.i.k.e" is one."""
    bare = re.sub(f"[{BETWEEN}]", "", piece)
    parts = [part for part in re.split(f"[{BETWEEN}]+", piece) if part]
    if len(parts) < 2 or any(len(part) == 1 for part in parts):
        return (_ways({piece, bare} | ({parts[0]} if len(parts) == 2 and parts[1] == "s" else set())),)
    return (_ways({parts[0], bare}), *(_ways({part}) for part in parts[1:]))


def _ways(found: set[str]) -> frozenset[str]:
    """With figures and signs as letters, and without letters said thrice."""
    for word in list(found):
        if re.search(r"[a-z]", word) and re.search(r"[0-9@$!|€+]", word):
            found |= {word.translate(LEET), word.replace("1", "l").translate(LEET), word.rstrip("!@$€").translate(LEET)}
        found.add(word.rstrip("!@$€|+"))
    for word in list(found):
        runs = [(letter, len(list(run))) for letter, run in groupby(word)]
        if any(count > 2 for _, count in runs):
            ways = [[letter, letter * 2] if count > 2 else [letter * count] for letter, count in runs]
            found |= {"".join(way) for way in list(product(*ways))[:MOST_WAYS]}
    return frozenset(found)
