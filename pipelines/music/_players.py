"""What each player does with one chord: a pad holds it, an arpeggio runs through it, a melody sings over it.

Pure: a moment of music in, strokes in beats out. Knows no seconds and no sound.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from types import MappingProxyType
from typing import NamedTuple

from ._score import Chord, Motif


class Stroke(NamedTuple):
    """One note in beats: when, how long, which key, its force against the layer's, touch, place, and lag in seconds."""

    beat: float
    beats: float
    key: int
    force: float = 1.0
    touch: str = "own"
    pan: float = 0.0
    lag: float = 0.0


@dataclass(frozen=True, slots=True)
class Moment:
    """One chord for one player: from `beat` for `beats`; `keys` is its voicing, `last` what it played before."""

    bar: int
    beat: int
    beats: int
    bar_beat: int  # where in its bar the chord begins
    chord: Chord
    keys: tuple[int, ...]
    low: int
    scale: frozenset[int]
    tonic: int
    motion: float
    swing: float
    motif: Motif
    centre: int
    last: int
    random: Random


def near(tones: Sequence[int] | frozenset[int], key: float) -> int:
    """The key of one of those pitch classes that is nearest to `key`, the lower of two."""
    return min((abs(k - key), k) for k in range(int(key) - 7, int(key) + 8) if k % 12 in tones)[1]


def step(scale: frozenset[int], key: int, steps: int) -> int:
    """That many steps along the scale."""
    way = 1 if steps > 0 else -1
    for _ in range(abs(steps)):
        key += way
        while key % 12 not in scale:
            key += way
    return key


def eighths(m: Moment, per: int = 2) -> list[tuple[int, float]]:
    """(count, beat) of `per` strokes a beat; offbeats lag by the swing."""
    return [(i, m.beat + i / per + (m.swing / per if i % 2 else 0.0)) for i in range(m.beats * per)]


def ladder(m: Moment) -> list[int]:
    """The voicing and its repeat an octave up, from low to high."""
    return [*m.keys, *(key + 12 for key in m.keys)]


def pad(m: Moment) -> list[Stroke]:
    spread = [0.0] if len(m.keys) == 1 else [-0.45 + 0.9 * i / (len(m.keys) - 1) for i in range(len(m.keys))]
    return [Stroke(m.beat, m.beats, k, 1, "long", s) for k, s in zip(m.keys, spread, strict=True)]


def swelling(m: Moment) -> list[Stroke]:
    return [stroke._replace(touch="swell") for stroke in pad(m)]


def drone(m: Moment) -> list[Stroke]:
    return [Stroke(m.beat, m.beats, near((m.tonic,), m.centre), 1, "long")]


def bass(m: Moment) -> list[Stroke]:
    if m.beats >= 4 and m.motion > 0.45:
        half = m.beats / 2
        return [Stroke(m.beat, half, m.low), Stroke(m.beat + half, half, m.low, 0.85)]
    return [Stroke(m.beat, m.beats, m.low)]


def bass_pulse(m: Moment) -> list[Stroke]:
    return [Stroke(b, 0.45, m.low, 1.0 if i % 4 == 0 else 0.78, "short") for i, b in eighths(m)]


def bass_groove(m: Moment) -> list[Stroke]:
    fifth = m.low + (m.chord.tones[2] - m.chord.tones[0]) % 12
    steps = [(0.0, 1.2, m.low, 1.0), (1.5, 0.4, m.low, 0.8), (2.5, 0.9, fifth, 0.85), (3.5, 0.4, m.low, 0.7)]
    return [Stroke(m.beat + b + (m.swing * 0.5 if b % 1 else 0), n, k, f) for b, n, k, f in steps if b < m.beats]


def oompah(m: Moment) -> list[Stroke]:
    fifth = m.low + (m.chord.tones[2] - m.chord.tones[0]) % 12 - 12
    other = fifth if fifth >= m.centre - 10 else fifth + 12
    return [Stroke(m.beat + b, 0.8, other if b else m.low, 1 if not b else 0.85) for b in range(0, m.beats, 2)]


def offbeats(m: Moment) -> list[Stroke]:
    weak: list[float] = [b for b in range(m.beats) if (m.bar_beat + b) % 2 == 1] or [0.5]
    return [Stroke(m.beat + b, 0.4, k, 0.8, "short", 0.1 * i) for b in weak for i, k in enumerate(m.keys)]


def arpeggio(m: Moment, per: int = 2) -> list[Stroke]:
    rungs = ladder(m)[: 2 * len(m.keys) - 1]
    way = [*range(len(rungs)), *range(len(rungs) - 2, 0, -1)]
    shift = (0, 2)[m.bar // 4 % 2]
    out = []
    for i, beat in eighths(m, per):
        key, force = rungs[way[(i + shift) % len(way)]], 1.0 if i % (2 * per) == 0 else 0.78
        out.append(Stroke(beat, 2.2 / per, key, force, pan=-0.25 if i % 2 else 0.25))
    return out


def runs(m: Moment) -> list[Stroke]:
    return arpeggio(m, 4)


def broken(m: Moment) -> list[Stroke]:
    rungs = [m.keys[0] - 12, *m.keys] if m.keys[0] > 55 else [*m.keys]
    order = (0, 2, 1, 3) if m.bar % 2 else (0, 1, 2, 3)
    out = []
    for i in range(m.beats):
        key = rungs[order[i % 4] % len(rungs)]
        out.append(Stroke(m.beat + i, m.beats - i, key, 1.0 if i == 0 else 0.75, pan=-0.2 + 0.13 * (i % 4)))
    return out


def ostinato(m: Moment) -> list[Stroke]:
    root = near(m.chord.tones[:1], m.centre)
    fifth = near(m.chord.tones[2:3], root + 7)
    third = near(m.chord.tones[1:2], root + 4)
    figure = (root, root, fifth, root, root, third, root, fifth)
    accents = (0, 3, 6)
    return [
        Stroke(b, 0.4, figure[i % 8], 1.0 if i % 8 in accents else 0.7, "short", -0.3)
        for i, b in eighths(m, 2 if m.motion < 0.7 else 4)
    ]


def chords(m: Moment) -> list[Stroke]:
    pace = 2 if m.motion > 0.55 else m.beats
    return [
        Stroke(m.beat + b, pace * 0.95, k, 0.9 if b else 1.0, pan=0.2 * i - 0.3, lag=0.012 * i)
        for b in range(0, m.beats, pace)
        for i, k in enumerate(m.keys)
    ]


def strum(m: Moment) -> list[Stroke]:
    out = []
    for beat, up, force in ((0.0, 0, 1.0), (1.0, 0, 0.7), (1.5, 1, 0.6), (2.5, 1, 0.65), (3.0, 0, 0.8), (3.5, 1, 0.55)):
        if beat < m.beats:
            strings = [*m.keys, m.keys[0] + 12]
            for i, key in enumerate(reversed(strings) if up else strings):
                out.append(Stroke(m.beat + beat, 0.9, key, force, pan=0.08 * i, lag=0.011 * i))
    return out


def stabs(m: Moment) -> list[Stroke]:
    places = ((0.0, 1.0), (1.5, 0.8), (3.0, 0.9)) if m.bar % 2 == 0 else ((0.0, 1.0), (0.75, 0.7), (1.5, 0.8))
    return [
        Stroke(m.beat + b, 0.5, k, f, "short", 0.15 * i) for b, f in places if b < m.beats for i, k in enumerate(m.keys)
    ]


def melody(m: Moment) -> list[Stroke]:
    """The motif, then room for a voice: of four bars, one to three sing."""
    singing = 1 if m.motion < 0.3 else 2 if m.motion < 0.65 else 3
    place = m.bar % 4
    if place > singing or m.bar_beat:
        return []
    start = near(m.chord.tones, (2 * m.last + m.centre) / 3)
    if place == singing:
        return [Stroke(m.beat, m.beats * 0.9, start, 0.8, "long")] if m.random.random() < 0.8 else []
    turned = -1 if m.bar % 16 >= 8 and place == 0 else 1
    size = 4 * max(1, round(m.beats / 4))
    out, at = [], 0.0
    steps, lengths = m.motif.steps, m.motif.beats
    for i, (jump, length) in enumerate(zip(steps, lengths, strict=True)):
        beats = length * size / 4
        if at + 0.25 > m.beats:
            break
        beats = min(beats, m.beats - at)
        key = step(m.scale, start, jump * turned)
        if i == len(steps) - 1 or beats >= 2:
            key = near(m.chord.tones, key)
        if abs(key - m.centre) > 10:
            key += 12 if key < m.centre else -12
        lag = m.swing * 0.5 if at % 1 == 0.5 else 0.0
        out.append(Stroke(m.beat + at + lag, beats * 1.02, key, 1.0 if at == 0 else 0.85, "long"))
        at += beats
    return out


def counter(m: Moment) -> list[Stroke]:
    """One long line through thirds and sevenths, a step on the way now and then."""
    guide = near(m.chord.tones[1:2] + m.chord.tones[3:4], (m.last + m.centre) / 2)
    if m.beats >= 3 and m.motion > 0.35 and m.bar % 2:
        tail = step(m.scale, guide, m.random.choice((-1, 1)))
        return [Stroke(m.beat, m.beats - 1, guide, 1, "long"), Stroke(m.beat + m.beats - 1, 1, tail, 0.85, "long")]
    return [Stroke(m.beat, m.beats, guide, 1, "long")]


def sparkle(m: Moment) -> list[Stroke]:
    """A few high notes where they happen to fall."""
    out = []
    for _, beat in eighths(m):
        if m.random.random() < 0.08 + 0.3 * m.motion:
            tones = m.chord.tones if m.random.random() < 0.75 else m.scale
            key = near(tones, m.centre + m.random.choice((-5, 0, 4, 7)))
            out.append(Stroke(beat, 3, key, m.random.uniform(0.6, 1), pan=m.random.uniform(-0.6, 0.6)))
    return out


def hits(m: Moment) -> list[Stroke]:
    """A low blow where the chord begins, every other bar with an upbeat."""
    if m.bar_beat or (m.motion < 0.3 and m.bar % 2):
        return []
    key = near(m.chord.tones[:1], m.centre)
    out = [Stroke(m.beat, m.beats, key)]
    if m.motion > 0.5 and m.bar % 2 and m.beats > 2:
        out += [Stroke(m.beat + m.beats - 0.5, 0.5, key, 0.7), Stroke(m.beat + m.beats - 0.25, 0.25, key, 0.8)]
    return out


def shiver(m: Moment) -> list[Stroke]:
    """Bowed tremolo."""
    return [
        Stroke(m.beat + i / 6, 0.3, k, 0.8 + 0.2 * (i % 2), "short", 0.4 - 0.8 * (n % 2))
        for i in range(m.beats * 6)
        for n, k in enumerate(m.keys[-2:])
    ]


PLAYERS: Mapping[str, Callable[[Moment], list[Stroke]]] = MappingProxyType(
    {
        "pad": pad,
        "swell": swelling,
        "drone": drone,
        "bass": bass,
        "bass-pulse": bass_pulse,
        "bass-groove": bass_groove,
        "oompah": oompah,
        "offbeats": offbeats,
        "arpeggio": arpeggio,
        "runs": runs,
        "broken": broken,
        "ostinato": ostinato,
        "chords": chords,
        "strum": strum,
        "stabs": stabs,
        "melody": melody,
        "counter": counter,
        "sparkle": sparkle,
        "hits": hits,
        "shiver": shiver,
    }
)
CENTRES: Mapping[str, int] = MappingProxyType(
    {
        "pad": 62, "swell": 62, "drone": 40, "bass": 38, "bass-pulse": 38, "bass-groove": 38, "oompah": 40,
        "offbeats": 64, "arpeggio": 64, "runs": 67, "broken": 60, "ostinato": 50, "chords": 62, "strum": 58,
        "stabs": 58, "melody": 77, "counter": 57, "sparkle": 86, "hits": 43, "shiver": 69,
    }
)  # fmt: skip
"""Where each way of playing sits on the keyboard; melodies keep an octave above a speaking voice."""
LEVELS: Mapping[str, float] = MappingProxyType(
    {
        "pad": -9, "swell": -8, "drone": -7, "bass": -4, "bass-pulse": -5, "bass-groove": -4, "oompah": -4,
        "offbeats": -9, "arpeggio": -7, "runs": -9, "broken": -5, "ostinato": -6, "chords": -7, "strum": -10,
        "stabs": -8, "melody": -4, "counter": -6, "sparkle": -9, "hits": -5, "shiver": -12,
    }
)  # fmt: skip
"""dB, so that any band is in balance before its layers' own levels."""

# One character a quarter of a beat, over four beats: X hard, x plain, o soft.
DRUMS: Mapping[str, Mapping[tuple[str, int], str]] = MappingProxyType(
    {
        "none": {},
        "soft": {("kit", 70): "..o...o...o...o.", ("kit", 36): "o...............", ("kit", 37): "........o......."},
        "pop": {
            ("kit", 36): "X.....x.x.......",
            ("kit", 38): "....x.......X...",
            ("kit", 42): "x.o.x.o.x.o.x.o.",
            ("kit", 54): "....o.......o...",
        },
        "lofi": {
            ("kit", 36): "x......x..x.....",
            ("kit", 37): "....x.......x...",
            ("kit", 42): "o.o.o.o.o.o.o.oo",
            ("kit", 70): "..o...o...o...o.",
        },
        "drive": {
            ("concert", 36): "X.....x.....x...",
            ("taiko", 45): "x.oxo.x.x.oxo.xx",
            ("kit", 42): "o.o.o.o.o.o.o.o.",
            ("kit", 38): "....x.......x..o",
        },
        "epic": {
            ("concert", 36): "X.......x.......",
            ("taiko", 43): "X..x..x.X..x.xx.",
            ("taiko", 50): "..o...o...o...oo",
        },
        "march": {("concert", 38): "X..xx.x.x..xx.xx", ("concert", 36): "X.......x......."},
        "brushes": {
            ("brushes", 40): "x...x.o.x...x.o.",
            ("brushes", 38): "....o.......o...",
            ("kit", 51): "o...o..oo...o..o",
        },
        "heartbeat": {("concert", 36): "x..o............", ("taiko", 38): "o..............."},
        "ticking": {
            ("kit", 37): "x...o...x...o...",
            ("woodblock", 76): "..o...o...o...o.",
            ("concert", 36): "o...............",
        },
    }
)
FORCES: Mapping[str, float] = MappingProxyType({"X": 1.0, "x": 0.8, "o": 0.55})


def beaten(style: str, m: Moment) -> list[tuple[str, Stroke]]:
    """The drums of that moment: (sound, stroke); every eighth bar ends in a fill."""
    out = []
    fill = m.bar % 8 == 7 and style in ("pop", "drive", "epic", "march") and m.beats > 2
    for (sound, key), line in DRUMS[style].items():
        for i in range(m.beats * 4):
            force = FORCES.get(line[(m.bar_beat * 4 + i) % 16], 0.0)
            if force and not (fill and i >= m.beats * 4 - 4):
                out.append((sound, Stroke(m.beat + i / 4 + (m.swing / 4 if i % 4 == 2 else 0), 0.5, key, force)))
    if fill:
        drums = {"pop": ("kit", (48, 45, 41, 41)), "march": ("concert", (38, 38, 38, 38))}
        sound, keys = drums.get(style, ("taiko", (52, 50, 45, 43)))
        out += [
            (sound, Stroke(m.beat + m.beats - 1 + i / 4, 0.5, key, 0.6 + 0.13 * i, pan=0.3 - 0.2 * i))
            for i, key in enumerate(keys)
        ]
    return out
