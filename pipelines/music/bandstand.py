"""The embedded composer: a cue becomes music by rule, on sampled instruments. Needs no network and no weights.

Composing is in _score, _players and _band; sound is in _orchestra. Memory is flat: a few bars exist at a time.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import IO

from ..plan import Cue
from ..vault import Notes, Plain
from ..work import Tick
from ._band import perform
from ._score import Passage, settle

FONT = Path(__file__).resolve().parents[2] / "assets" / "sounds" / "bandstand.sf2"
RATE = 48_000
LOUDNESS = -20.8  # LUFS of a passage's first bars, which are its quieter ones: -20 in all
GROWS = 10 ** (1.5 / 20)  # how much louder than its first bars a passage may become
SILENT = -70.0
FADE = 0.6  # share of the final chord's time over which it fades
KEYS = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")


class Engine:
    """Composes by rule: mood -> key, harmony, players; the same cue gives the same bytes."""

    label = "Bandstand"
    version = 2
    rank = 10
    online = False
    source = "algorithmicMedia"

    def missing(self) -> str | None:
        """None, or what is lacking and the remedy."""
        if not FONT.is_file():
            return f"{FONT.name} with the instruments is missing: pip install --force-reinstall reelwright"
        return None

    def compose(self, cue: Cue, out: Path, tick: Tick) -> Notes:
        """Write the cue to `out`: WAV, 48 kHz, stereo, 16 bits, exactly round(seconds * 48000) samples.

        The notes tell each passage's mood, key, tempo, start (seconds) and bars, and when the final chord lands.
        """
        passages = settle(cue)
        with out.open("wb") as file:
            record(cue, passages, file, tick)
        final = passages[-1]
        sections: list[Plain] = [told(passage) for passage in passages]
        return {"composer": "bandstand", "seed": cue.seed, "sections": sections, "final_chord": round(final.end, 4)}


def told(passage: Passage) -> dict[str, Plain]:
    """A passage for people and tests."""
    return {
        "mood": passage.mood.label,
        "scene_section": passage.section,
        "key": f"{KEYS[passage.tonic]} {passage.mood.mode}",
        "tempo": round(60 / passage.beat, 2),
        "start": round(passage.start, 4),
        "bars": passage.bars,
        "beats": passage.beats,
    }


def record(cue: Cue, passages: list[Passage], file: IO[bytes], tick: Tick) -> None:
    """Play the cue stretch by stretch; what still rings goes into the next."""
    import numpy as np

    from ._orchestra import Orchestra, bytes16, hall, loudness

    total = round(cue.seconds * RATE)
    fade = (total - round(FADE * passages[-1].ring * RATE), total)
    file.write(header(total))
    orchestra = Orchestra(FONT)
    ringing = np.zeros((2, 0), np.float32)
    gains: dict[int, float] = {}
    done = 0
    for stretch in perform(cue):
        tick(done / max(1, total))
        end = round(stretch.end * RATE)
        start = done / RATE
        dry = orchestra.play(stretch.notes, start, (end - done) / RATE)
        sound = hall(dry, passages[stretch.passage].mood.space)
        level = loudness(sound[:, : end - done])
        if level > SILENT:
            gain = 10 ** (min(30.0, LOUDNESS - level) / 20)
            gains[stretch.passage] = min(gains.get(stretch.passage, gain), gain * GROWS)
        sound *= np.float32(gains.get(stretch.passage, 1.0))
        sound[:, : ringing.shape[1]] += ringing[:, : sound.shape[1]]
        block, ringing = sound[:, : end - done], sound[:, end - done :]
        place = np.arange(done, end)
        if end > fade[0]:
            left = np.clip((fade[1] - 1 - place) / max(1, fade[1] - fade[0]), 0, 1)
            block = block * (np.sin(left * np.pi / 2) ** 2).astype(np.float32)
        file.write(bytes16(block))
        done = end
    tick(1.0)


def header(samples: int) -> bytes:
    """The head of a WAV of that many stereo samples; RF64 where its size does not fit into 32 bits (from 6.2 hours)."""
    size = samples * 4
    shape = b"fmt " + struct.pack("<IHHIIHH", 16, 1, 2, RATE, RATE * 4, 4, 16)
    if size + 36 < 1 << 32:
        return b"RIFF" + struct.pack("<I", size + 36) + b"WAVE" + shape + b"data" + struct.pack("<I", size)
    wide = b"ds64" + struct.pack("<IQQQI", 28, size + 72, size, samples, 0)
    return b"RF64\xff\xff\xff\xffWAVE" + wide + shape + b"data\xff\xff\xff\xff"
