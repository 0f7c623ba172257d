"""Words spoken over a video's own sound, which makes way for them. Knows no picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .. import reel, sound
from ..cast import speakers
from ..language import language_of
from ..narrate import FASTEST, Mute
from ..narrate import spoken as said_by
from ..narrate import spread as spread
from ..reel import Piece
from ..stage import Studio
from ..timeline import Spoken, Take, Word
from ..vault import Part
from ..work import FilmError, Tick

LEVEL = 12.0  # dB that the video's own sound lies under the voice
START = 0.25  # seconds


def spoken(text: str, voice: str, studio: Studio, room: float, tick: Tick) -> Take:
    """The text as a take, a little faster if that is what it needs to fit `room` (seconds)."""
    present = studio.crew.present("voices")
    failed: FilmError | None = None
    for speaker in speakers(voice, text, language_of(text), studio.crew, studio.presets, present):
        try:
            take = _take(said_by(text, speaker, 1.0, studio.crew, studio.vault, tick), speaker.narrator)
            if take.seconds > room:
                faster = round(min(FASTEST, take.seconds / room * 1.01), 3)
                take = _take(said_by(text, speaker, faster, studio.crew, studio.vault, tick), speaker.narrator)
            return take
        except Mute as mute:
            failed = mute.said
    raise failed or FilmError("Nobody here can speak.", "reelwright engines shows why.", "voice")


def over(own: Sequence[Piece], seconds: float, take: Take | None, out: Path, folder: Path) -> Path:
    """The take over the pieces of a video's own sound, as AAC at `out`, exactly so long."""
    assert take is not None
    bed = folder / "bed.wav"
    has = bool(own) and reel.heard(own, seconds, bed)
    samples = round(seconds * sound.RATE)
    mix = sound.Mix(samples, (Spoken(0, START, take),), bed if has else None, LEVEL, sound.loudness(bed) if has else sound.SILENCE)
    sound.render(mix, out, lambda _done: None)
    return out


def _take(made: Part, narrator: str) -> Take:
    told = made.notes["words"]
    assert isinstance(told, list)
    words = [one for one in told if isinstance(one, list)]
    return Take(made.path, sound.seconds(made.path), tuple(Word(str(w), float(str(a)), float(str(b))) for w, a, b in words), narrator)
