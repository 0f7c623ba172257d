"""Narrates offline, in every language that espeak-ng has, word times included. Knows nothing of stories."""

from __future__ import annotations

import re
from pathlib import Path

from ..language import tags
from ..plan import Line
from ..presets import Voice, choose
from ..vault import Notes
from ..work import FilmError, Tick, idle, part
from . import _espeak
from ._words import aloud, clean, speakable

# Where a language's own name is not the voice that people mean by it.
MEANT = {
    "en": "en-us", "en-au": "en", "en-nz": "en", "en-ie": "en", "en-in": "en", "en-za": "en", "zh": "cmn",
    "zh-hk": "yue", "zh-mo": "yue", "no": "nb", "nn": "nb", "iw": "he", "in": "id", "tlh": "piqd", "es-mx": "es-419",
    "es-us": "es-419", "es-ar": "es-419", "es-co": "es-419", "es-cl": "es-419", "es-pe": "es-419",
}  # fmt: skip
TAGS = {"cmn": "zh", "cmn-latn-pinyin": "zh-Latn", "piqd": "tlh", "yue": "zh-HK"}
FEMALE = "f3"


class Engine:
    """espeak-ng in a child process. `rate`: words a minute at speed 1. `patience`: seconds the child may be silent."""

    label = "espeak-ng (offline, every language, plain)"
    version = 3
    rank = 10
    online = False
    source = "algorithmicMedia"

    def __init__(self, *, rate: int = 165, patience: float = 60.0) -> None:
        self._rate = rate
        self._espeak = _espeak.Espeak(patience)

    def missing(self) -> str | None:
        """None, or what is lacking and the remedy."""
        return _espeak.missing()

    def voices(self) -> tuple[tuple[str, Voice], ...]:
        """Every voice of espeak-ng, each as it is and in its female variant."""
        listed = []
        for name, language, label in self._espeak.known(idle).voices:
            tag = _tag(TAGS.get(name, language))
            listed.append((name, Voice(label, tag, "male", {"espeak": name})))
            female = f"{name}+{FEMALE}"
            listed.append((female, Voice(f"{label}, female", tag, "female", {"espeak": female})))
        return tuple(listed)

    def voice_for(self, language: str) -> str:
        """The voice for a BCP-47 language, its base, or English."""
        known = self._espeak.known(idle).names
        return next((known[name] for tag in tags(language) if (name := MEANT.get(tag, tag)) in known), "en-us")

    def speak(self, line: Line, out: Path, tick: Tick) -> Notes:
        """Speak `line` into a 48 kHz mono 16-bit WAV at `out`. -> {"words": [[text, start, end], ...], "seconds": s}

        Raises FilmError for an unknown voice, or when espeak-ng stops twice over the same line.
        """
        from . import _take

        text = clean(line.text)
        voice = self._voice(line.voice, tick)
        if not speakable(text):
            return _take.silent(text, out)
        wpm = min(450, max(80, round(self._rate * line.speed)))
        request = {"text": aloud(text), "voice": voice, "wpm": wpm}
        rate, pcm, events = self._espeak.spoken(request, len(text), part(tick, 0, 0.8))
        import numpy as np

        from ._tone import toned

        tick(0.8)
        sound = np.frombuffer(pcm, "<i2").astype(np.int16, copy=False)
        units = _take.units(events, len(text), sound, rate)
        notes = _take.finish(toned(sound, rate), text, units, out)
        tick(1.0)
        return notes

    def close(self) -> None:
        """End the child process."""
        self._espeak.close()

    def _voice(self, wanted: str, tick: Tick) -> str:
        known = self._espeak.known(tick)
        names = known.names
        base, plus, variant = wanted.partition("+")
        name = names.get(base.lower())
        if name is None:
            raise FilmError(f'espeak has no voice called "{base[:60]}".', choose(base[:60], names))
        if plus and variant not in known.variants:
            hint = choose(variant[:60], sorted(known.variants))
            raise FilmError(f'espeak has no voice variant called "{variant[:60]}".', hint)
        return name + plus + variant


def _tag(language: str) -> str:
    head, *rest = re.split(r"[-_]", language)
    return "-".join([head, *(p.upper() if len(p) == 2 else p.title() if len(p) == 4 else p for p in rest)])
