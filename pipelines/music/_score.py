"""Composes a cue: moods and seconds in, notes out, bar by bar. Pure; knows no sound and no file.

Harmony moves by the nearest inversion, one motif runs through the whole film, and a passage may end on a bar that is
a beat or two shorter or longer, so that the next one begins where its scene does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from random import Random
from typing import NamedTuple

from ..plan import Cue
from ..presets import Layer, Mood

STRETCH = 0.08  # how far a tempo gives way to the scenes
KEYS = {"C": 0, "Db": 1, "D": 2, "Eb": 3, "E": 4, "F": 5, "Gb": 6, "G": 7, "Ab": 8, "A": 9, "Bb": 10, "B": 11}
MODES = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "harmonic": (0, 2, 3, 5, 7, 8, 11),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "lydian": (0, 2, 4, 6, 7, 9, 11),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
}
NUMERALS = ("i", "ii", "iii", "iv", "v", "vi", "vii")
COLOURS = {"7": (10,), "maj7": (11,), "add9": (2,), "9": (10, 2)}
SYMBOL = re.compile(r"([b#]?)([IViv]+)(.*)")
RITARD = 0.4  # of a beat, over the last bar


class Note(NamedTuple):
    """One note: seconds from the cue's start, seconds held, MIDI key, force 0..1, and how it is placed and touched."""

    start: float
    seconds: float
    key: int
    force: float
    sound: str
    gain: float = 0.0  # dB
    pan: float = 0.0
    touch: str = "own"  # short: bitten off; long: slow in and out; swell: grows all the way


class Chord(NamedTuple):
    """Root and tones as pitch classes; the root is the first tone."""

    name: str
    tones: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Passage:
    """A section with its time settled: `beats` beats of `beat` seconds from `start`; the film's last has a `ring`."""

    mood: Mood
    section: int
    start: float
    beat: float
    beats: int
    tonic: int
    ring: float = 0.0  # seconds of the final chord; 0: another passage follows

    @property
    def bars(self) -> int:
        """Whole bars; an odd rest is a bar of its own from two beats on, else it lengthens the last."""
        return max(1, (self.beats + self.mood.meter - 2) // self.mood.meter) if self.beats else 0

    def bar(self, index: int) -> tuple[int, int]:
        """First beat of that bar, and its beats."""
        first = index * self.mood.meter
        return first, (self.beats if index == self.bars - 1 else first + self.mood.meter) - first

    def when(self, beat: float) -> float:
        """Seconds from the cue's start; the film's last bar slows down."""
        late = 0.0
        if self.ring and self.beats:
            last = self.bar(self.bars - 1)[1]
            late = RITARD * max(0.0, (beat - self.beats + last) / last) ** 2
        return self.start + (beat + late) * self.beat

    @property
    def end(self) -> float:
        """Where the next passage begins, or the final chord lands."""
        return self.when(self.beats)


def settle(cue: Cue) -> list[Passage]:
    """Sections -> passages: each begins on a bar line nearest its scene's start; too short ones join the one before."""
    random = Random(f"{cue.seed} keys")
    starts = [*(section.start for section in cue.sections), cue.seconds]
    kept: list[int] = []
    for i, section in enumerate(cue.sections):
        room = starts[i + 1] - (starts[i] if kept else 0.0)
        if room >= 2 * 60 / section.mood.tempo * (1 - STRETCH) or (i == len(cue.sections) - 1 and not kept):
            kept.append(i)
    out: list[Passage] = []
    at = 0.0
    for place, i in enumerate(kept):
        mood = cue.sections[i].mood
        tonic = nearest_key(mood, out[-1] if out else None, random)
        if place + 1 < len(kept):
            beats, beat = fit(starts[kept[place + 1]] - at, mood)
            out.append(Passage(mood, i, at, beat, beats, tonic))
            at = out[-1].end
        else:
            out.append(finale(mood, i, at, cue.seconds, tonic))
    return out


def fit(seconds: float, mood: Mood) -> tuple[int, float]:
    """Beats, and seconds a beat: whole bars if the tempo can give way that far, else whole beats."""
    beat = 60 / mood.tempo
    bars = round(seconds / beat / mood.meter)
    whole = bars * mood.meter * beat
    beats = bars * mood.meter if whole and abs(seconds / whole - 1) <= STRETCH else max(2, round(seconds / beat))
    return beats, min(max(seconds / beats, beat * (1 - STRETCH)), beat * (1 + STRETCH))


def finale(mood: Mood, section: int, at: float, end: float, tonic: int) -> Passage:
    """The film's last passage: its final chord lands two to four seconds before the end and rings out."""
    room = end - at
    ring = min(room, max(2.2, min(3.4, 0.22 * room)))
    beat = 60 / mood.tempo
    beats = round((room - ring) / beat - RITARD)
    if beats < 2:
        return Passage(mood, section, at, beat, 0, tonic, room)
    beat = min(max((room - ring) / (beats + RITARD), beat * (1 - STRETCH)), beat * (1 + STRETCH))
    return Passage(mood, section, at, beat, beats, tonic, room - (beats + RITARD) * beat)


def nearest_key(mood: Mood, before: Passage | None, random: Random) -> int:
    """Of the mood's keys the one that shares most notes with the passage before."""
    keys = [KEYS[key] for key in mood.keys]
    random.shuffle(keys)
    if before is None:
        return keys[0]
    heard = scale(before.tonic, before.mood.mode)
    return max(keys, key=lambda tonic: len(heard & scale(tonic, mood.mode)))


def scale(tonic: int, mode: str) -> set[int]:
    return {(tonic + step) % 12 for step in MODES[mode]}


def chord(symbol: str, tonic: int, mode: str) -> Chord:
    """A Roman numeral of a key: `bVII`, `iv`, `Vsus4`, `iio`, `Imaj7`."""
    found = SYMBOL.fullmatch(symbol)
    assert found is not None, symbol  # presets have checked it
    accidental, numeral, colour = found.groups()
    shift = {"b": -1, "#": 1, "": 0}[accidental]
    root = tonic + MODES[mode][NUMERALS.index(numeral.lower())] + shift
    third = {"sus2": 2, "sus4": 5}.get(colour, 4 if numeral.isupper() else 3)
    fifth = {"o": 6, "+": 8}.get(colour, 7)
    steps = (0, third, fifth, *COLOURS.get(colour, ()))
    return Chord(symbol, tuple((root + step) % 12 for step in steps))


def harmony(passage: Passage, after: Passage | None, seed: int) -> Iterator[list[tuple[int, int, Chord]]]:
    """Bar by bar: (first beat, beats, chord). A passage's last bar leads to the next one's key, the film's home."""
    mood, random = passage.mood, Random(f"{seed} harmony {passage.section}")
    order = list(mood.progressions)
    random.shuffle(order)
    line: list[str] = []
    cycle = 0
    for index in range(passage.bars):
        if index % mood.chord_bars == 0:
            if not line:
                line = (order[0] if cycle % 4 != 2 else order[-1]).split()
                cycle += 1
            symbol = line.pop(0)
        first, beats = passage.bar(index)
        here = chord(symbol, passage.tonic, mood.mode)
        lead = None
        if index == passage.bars - 1:
            target = after or passage
            lead = leading(target.tonic, target.mood)
        if lead and beats >= 2:
            half = (beats + 1) // 2
            yield [(first, half, here), (first + half, beats - half, lead)]
        else:
            yield [(first, beats, lead or here)]


def leading(tonic: int, mood: Mood) -> Chord:
    """What leads home: the dominant, or in soft moods the subdominant."""
    if mood.intensity < 0.35:
        return chord("IVadd9" if mood.mode in ("major", "lydian", "mixolydian") else "iv", tonic, "minor")
    return chord("V7" if mood.intensity > 0.6 else "Vsus4", tonic, "major")


def voiced(tones: Sequence[int], before: Sequence[int], centre: int, voices: int) -> tuple[int, ...]:
    """The voicing that moves least from the one before, around `centre`; no voice crosses, the lowest tones first."""
    wanted = list(tones[:voices]) if len(tones) >= voices else [*tones, *tones[: voices - len(tones)]]
    if len(tones) > voices:  # a colour says more than the fifth
        wanted = [tones[0], tones[1], *tones[3:]][:voices]
    choices = [[key for key in range(centre - 9, centre + 10) if key % 12 == tone] for tone in wanted]

    def cost(keys: Iterable[int]) -> tuple[float, tuple[int, ...]]:
        up = sorted(keys)
        gaps = sum((b - a < 2) * 20 + (b - a == 2) * 2 + (b - a > 9) * 4 for a, b in pairwise(up))
        travel = sum(abs(a - b) for a, b in zip(up, before, strict=False)) if before else 0
        return travel + gaps + 0.25 * abs(sum(up) / len(up) - centre), tuple(up)

    return tuple(sorted(min(product(*choices), key=cost)))


@dataclass(frozen=True, slots=True)
class Motif:
    """The film's own tune: steps along the scale, and their lengths in beats of a four-beat bar."""

    steps: tuple[int, ...]
    beats: tuple[float, ...]


def motif(seed: int) -> Motif:
    """Three to five notes that a listener can know again."""
    random = Random(f"{seed} motif")
    beats = random.choice(
        [(2.0, 1.0, 1.0), (1.5, 0.5, 2.0), (1.0, 1.0, 2.0), (1.0, 0.5, 0.5, 2.0), (1.5, 0.5, 1.0, 1.0)]
    )
    shapes = [(0, 1, 2), (0, 2, 1), (0, 4, 2), (2, 1, 0), (0, -1, 0), (0, 2, 4), (0, 1, -1), (0, 3, 2), (4, 2, 1)]
    steps = random.choice(shapes)
    tail = tuple(steps[-1] + random.choice((-2, -1, 1, 2)) for _ in beats[3:])
    return Motif((*steps, *tail), beats)


def home(passage: Passage) -> Chord:
    """The chord the film ends on."""
    major = passage.mood.mode in ("major", "lydian", "mixolydian")
    return chord("Iadd9" if major else "i", passage.tonic, passage.mood.mode)


def entered(passage: Passage, layer: Layer, index: int) -> bool:
    """Whether a layer plays in that bar: late ones wait, and breathe again every sixteen bars."""
    first = int(layer.enters * min(passage.bars, 12))
    breath = index >= 16 and index % 16 < 2 and layer.enters >= 0.4
    return index >= first and not breath


def swell(passage: Passage, index: int) -> float:
    """How loud a bar is against the fullest: each arch of sixteen bars (or the passage) rises, peaks and gives way."""
    arch = min(16, passage.bars)
    place = (index % arch + 0.5) / arch
    rise = min(1.0, place / 0.7) if place <= 0.7 else 1 - 0.5 * (place - 0.7)
    return 0.78 + 0.22 * rise
