"""What a person asks of a video in words, read by rule: "make it black and white, slow motion, reverse".

Words that name a look, a pace, a shape or the like are understood; all others are told back, never passed over. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ..presets import Look

Numbers = Mapping[str, float | int]

_LOOKS = {
    "noir": "film noir",
    "black_and_white": "black & white|b&w|monochrome|grey ?scale|gray ?scale",
    "faded_film": "vintage|old film|retro|archival",
    "golden_hour": "golden|sunset light",
    "teal_orange": "teal & orange|blockbuster",
    "night": "day for night|at night",
    "documentary": "documentary style",
    "cinematic": "cinematic|like a film|like a movie|movie look",
    "dream": "dreamy|dreamlike",
    "vivid": "vibrant|colou?rful|saturated",
    "winter": "wintry|frosty",
}
_GRADES: Mapping[str, Numbers] = MappingProxyType(
    {
        "brighter|lighter": {"brightness": 0.08},
        "darker|dimmer": {"brightness": -0.1},
        "warmer|warm": {"kelvin": 5200},
        "colder|cooler|cold|cool": {"kelvin": 8200},
        "(?:more|higher) contrast|contrasty": {"contrast": 1.25},
        "(?:less|lower) contrast|flatter": {"contrast": 0.8},
        "more colou?r|more saturation": {"saturation": 1.35},
        "less colou?r|less saturation|muted|desaturated": {"saturation": 0.6},
        "grainy|grain|film grain": {"grain": 0.4},
        "softer|soft|glow|glowing": {"soften": 0.4},
        "vignette|dark corners": {"vignette": 0.4},
    }
)
_PACES = (
    (r"(?:very|super) slow[- ]?mo(?:tion)?", 0.25),
    (r"slow[- ]?mo(?:tion)?|half (?:the )?speed|half as fast|twice as slow", 0.5),
    (r"slow(?:ed|er)?(?: (?:it )?down)?", 0.7),
    (r"time[- ]?lapse|hyper[- ]?lapse", 8.0),
    (r"double (?:the )?speed|twice as fast|double time", 2.0),
    (r"fast[- ]?mo(?:tion)?|fast[- ]forward|sped up|speed(?: it)? up|faster|quicker", 1.5),
)
_TIMES = re.compile(r"\b(\d{1,2}(?:\.\d+)?) ?(?:x|times)(?: as)?(?: (fast(?:er)?|slow(?:er)?|speed))?\b")
_SHAPES = (
    (r"vertical|portrait|tall|for (?:a )?phones?", "9:16"),
    (r"square", "1:1"),
    (r"wide ?screen|landscape|horizontal", "16:9"),
    (r"cinema ?scope|ultra ?wide|letterbox(?:ed)?", "2.39:1"),
)
_RATIO = re.compile(r"\b(\d{1,2}(?:\.\d{1,2})?):(\d{1,2}(?:\.\d{1,2})?)\b")
_STRENGTHS = (("subtle", r"subtl[ey]|slight(?:ly)?|a (?:little|bit)|gently"), ("mild", r"mild(?:ly)?|moderate(?:ly)?"), ("strong", r"strong(?:ly)?|heav(?:y|ily)|dramatic(?:ally)?"))
_FILLERS = frozenset(
    ["a", "an", "and", "as", "at", "be", "bit", "clip", "colour", "color", "colors", "colours", "crop", "cropped", "edit", "effect", "film", "filter", "footage", "for", "format", "give", "have", "i", "in", "into", "it", "its", "like", "look", "looks", "make", "mode", "motion", "movie", "of", "on", "please", "play", "played", "put", "render", "shot", "some", "style", "styled", "that", "the", "then", "this", "to", "turn", "video", "want", "with", "would", "you", "add", "apply", "change", "convert", "mood", "feel", "more", "so", "very", "quite"]
)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What was understood: a look's name, further numbers of a look, a pace (1 is as given), and so on; `unknown` are
    the words that mean nothing here."""

    look: str = ""
    grade: tuple[tuple[str, float | int], ...] = ()
    speed: float = 1.0
    reverse: bool = False
    mute: bool = False
    steady: bool = False
    crop: str = ""
    strength: str = ""
    unknown: tuple[str, ...] = ()

    @property
    def any(self) -> bool:
        return bool(self.look or self.grade or self.speed != 1 or self.reverse or self.mute or self.steady or self.crop)


def understood(prompt: str, looks: Mapping[str, Look]) -> Wishes:
    """The prompt's wishes. Longer names come first, so that "film noir" is not a film."""
    text = " " + " ".join(prompt.lower().replace("_", " ").split()) + " "
    text = re.sub(r"\bblack and white\b", "black & white", text)
    text = re.sub(r"\bteal and orange\b", "teal & orange", text)

    def taken(pattern: str) -> bool:
        nonlocal text
        found = re.search(rf"(?<![\w&])(?:{pattern})(?![\w&])", text)
        if found:
            text = text[: found.start()] + " , " + text[found.end() :]
        return bool(found)

    crop, speed = "", 1.0
    if found := _RATIO.search(text):
        crop, text = f"{found[1]}:{found[2]}", text.replace(found[0], " , ")
    if (times := _TIMES.search(text)) and float(times[1]) > 0:
        slower = (times[2] or "").startswith("slow")
        speed, text = (1 / float(times[1]) if slower else float(times[1])), text.replace(times[0], " , ")
    for pattern, pace in _PACES:
        speed *= pace if taken(pattern) else 1.0
    reverse = taken(r"reversed?|backwards?|in reverse|rewind|play(?:ed)? backwards?")
    mute = taken(r"muted? sound|no sound|without sound|silent|mute(?: it)?")
    steady = taken(r"stabili[sz]ed?|steady|steadier|less shak[ey]|no shake")
    crop = next((shape for pattern, shape in _SHAPES if taken(pattern)), crop)
    names = {re.escape(name.replace("_", " ")): name for name in looks if name != "none"}
    names |= {re.escape(one.label.lower()): name for name, one in looks.items() if name != "none"}
    names |= {more: name for name, words in _LOOKS.items() if name in looks for more in words.split("|")}
    wanted = [names[pattern] for pattern in sorted(names, key=len, reverse=True) if taken(pattern)]
    grade = {key: value for pattern, numbers in _GRADES.items() if taken(pattern) for key, value in numbers.items()}
    strength = next((name for name, pattern in _STRENGTHS if taken(pattern)), "")
    unknown = [word for word in re.findall(r"[^\W_][\w'’&-]*", text) if word not in _FILLERS]
    unknown += [name.replace("_", " ") for name in wanted[1:]]  # one look at a time
    return Wishes(wanted[0] if wanted else "", tuple(grade.items()), speed, reverse, mute, steady, crop, strength, tuple(dict.fromkeys(unknown)))
