"""Which mood of music words stand for, and which a text has. Knows the presets, not the music."""

from __future__ import annotations

import difflib
import re
from collections import Counter

from .presets import Presets
from .story_cells import blank, fold
from .work import FilmError


def mood_for(text: str, presets: Presets) -> tuple[str, bool]:
    """The mood that words stand for, and whether they are known; the nearest known mood if not. "" is the calm one.

    Presets without moods raise FilmError.
    """
    if not presets.moods:
        raise FilmError("There are no moods among the presets.", "Put presets/moods.toml back.", "moods.toml")
    usual = "calm" if "calm" in presets.moods else next(iter(presets.moods))
    if blank(text):
        return usual, True
    words = {fold(word): name for name, mood in presets.moods.items() for word in mood.words}
    words |= {fold(name): name for name in presets.moods}
    wanted = fold(text)[:200]
    if wanted in words:
        return words[wanted], True
    held = next((words[word] for word in re.findall(r"[^\W_]+", wanted) if word in words), None)
    near = difflib.get_close_matches(wanted, words, n=1, cutoff=0.5)
    return held or (words[near[0]] if near else usual), False


def mood_in(text: str, presets: Presets) -> str:
    """The mood whose words a text has most of; "" if it has none, which is the mood of the scene before."""
    words = Counter(re.findall(r"[^\W_]+", text.casefold()))
    counts = {
        name: sum(words[word] for word in {fold(each) for each in (name, *mood.words)})
        for name, mood in presets.moods.items()
    }
    best = max(counts, key=lambda name: counts[name], default="")
    return best if counts.get(best) else ""
