"""A cue as notes in seconds, stretch by stretch: the harmony of the score, played by each mood's layers. Pure and lazy.

However long the film is, only a few bars exist at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from ..plan import Cue
from ..presets import Layer, Mood
from ._players import CENTRES, LEVELS, PLAYERS, Moment, Stroke, beaten, near
from ._score import Chord, Note, Passage, entered, harmony, home, motif, scale, settle, swell, voiced

STRETCH_SECONDS = 16.0
CYMBAL = 1.95  # seconds of the reversed cymbal, up to its peak


@dataclass(frozen=True, slots=True)
class Stretch:
    """Whole bars of one passage: notes that begin in it, from `start` to `end` seconds of the cue."""

    passage: int
    start: float
    end: float
    notes: list[Note]


@dataclass(slots=True)
class Chair:
    """A player on the stage: what it played last, so that the next chord lies near."""

    layer: Layer
    random: Random
    keys: tuple[int, ...] = ()
    last: int = 0


def perform(cue: Cue) -> Iterator[Stretch]:
    """The whole cue in order."""
    passages = settle(cue)
    for number, passage in enumerate(passages):
        after = passages[number + 1] if number + 1 < len(passages) else None
        before = passages[number - 1] if number else None
        yield from play(cue, number, passage, before, after)


def play(cue: Cue, number: int, passage: Passage, before: Passage | None, after: Passage | None) -> Iterator[Stretch]:
    """One passage, a few bars at a time."""
    mood = passage.mood
    chairs = [Chair(layer, Random(f"{cue.seed} {number} {i}")) for i, layer in enumerate(mood.layers)]
    drummer = Random(f"{cue.seed} {number} drums")
    start, notes = passage.start, arrival(passage, before)
    for index, spans in enumerate(harmony(passage, after, cue.seed)):
        for first, beats, chord in spans:
            notes += ensemble(cue, passage, chairs, drummer, index, first, beats, chord)
        last = index == passage.bars - 1
        end = passage.end if last else passage.when(sum(passage.bar(index)))
        if last and after:
            notes += departure(passage, after)
        if (end - start >= STRETCH_SECONDS and not last) or (last and after):
            yield Stretch(number, start, end, notes)
            start, notes = end, []
    if not after:
        yield Stretch(number, start, cue.seconds, [*notes, *ending(passage, chairs)])


def ensemble(
    cue: Cue, passage: Passage, chairs: list[Chair], drummer: Random, index: int, first: int, beats: int, chord: Chord
) -> list[Note]:
    """Everybody over one chord."""
    mood, notes = passage.mood, []
    force = (0.34 + 0.56 * mood.intensity) * swell(passage, index)
    for chair in chairs:
        moment = listen(cue, passage, chair, index, first, beats, chord)
        chair.keys = moment.keys
        if not entered(passage, chair.layer, index):
            continue
        strokes = PLAYERS[chair.layer.plays](moment)
        if strokes:
            chair.last = strokes[-1].key
        gain = LEVELS[chair.layer.plays] + chair.layer.level
        voice, pan = chair.layer.sound, chair.layer.pan
        notes += [sounded(passage, voice, stroke, force, gain, pan, chair.random) for stroke in strokes]
    if mood.drums != "none" and (index >= min(2, passage.bars // 3) or mood.drums in ("heartbeat", "ticking", "epic")):
        moment = listen(cue, passage, Chair(mood.layers[0], drummer), index, first, beats, chord)
        for sound, stroke in beaten(mood.drums, moment):
            notes.append(sounded(passage, sound, stroke, force, -7, 0, drummer))
    return notes


def listen(cue: Cue, passage: Passage, chair: Chair, index: int, first: int, beats: int, chord: Chord) -> Moment:
    """What a player needs to know of one chord."""
    mood, layer = passage.mood, chair.layer
    centre = CENTRES[layer.plays] + 12 * layer.octave
    voices = 4 if len(chord.tones) > 3 else 3
    return Moment(
        bar=index,
        beat=first,
        beats=beats,
        bar_beat=first - passage.bar(index)[0],
        chord=chord,
        keys=voiced(chord.tones, chair.keys, centre, voices),
        low=near(chord.tones[:1], centre),
        scale=frozenset(scale(passage.tonic, mood.mode)),
        tonic=passage.tonic,
        motion=mood.motion,
        swing=mood.swing,
        motif=motif(cue.seed),
        centre=centre,
        last=chair.last or centre,
        random=chair.random,
    )


def sounded(
    passage: Passage, sound: str, stroke: Stroke, force: float, gain: float, pan: float, random: Random
) -> Note:
    """A stroke in seconds, played by people: a few milliseconds late, a little harder or softer."""
    start = passage.when(stroke.beat)
    late = stroke.lag + min(0.02, abs(random.gauss(0, 0.006)))
    return Note(
        start + late,
        max(0.05, passage.when(stroke.beat + stroke.beats) - start),
        stroke.key,
        min(1.0, max(0.05, force * stroke.force * random.gauss(1, 0.04))),
        sound,
        gain,
        min(1.0, max(-1.0, pan + stroke.pan)),
        stroke.touch,
    )


def arrival(passage: Passage, before: Passage | None) -> list[Note]:
    """A cymbal where a new mood bursts in."""
    if before is None or passage.mood.intensity < 0.55 or not passage.beats:
        return []
    sound, key = ("kit", 49) if passage.mood.drums in ("pop", "drive") else ("concert", 57)
    return [Note(passage.start, 2.5, key, 0.35 + 0.4 * passage.mood.intensity, sound, -9, 0.2)]


def departure(passage: Passage, after: Passage) -> list[Note]:
    """A cymbal that swells into a stronger mood."""
    if max(passage.mood.intensity, after.mood.intensity) < 0.45 or passage.end - passage.start < CYMBAL:
        return []
    return [Note(passage.end - CYMBAL, CYMBAL, 60, 0.3 + 0.4 * after.mood.intensity, "cymbal", -12, -0.2)]


def ending(passage: Passage, chairs: list[Chair]) -> list[Note]:
    """The final chord: everybody home, held, and left to ring out."""
    notes: list[Note] = []
    chord, at = home(passage), passage.end
    held = passage.ring * 0.55
    force = 0.32 + 0.42 * passage.mood.intensity
    for chair in chairs:
        layer = chair.layer
        if not entered(passage, layer, passage.bars):
            continue
        gain = LEVELS[layer.plays] + layer.level
        centre = CENTRES[layer.plays] + 12 * layer.octave
        keys, roll = closing(layer, chord, chair, centre)
        touch = "long" if layer.plays in ("pad", "swell", "drone", "melody", "counter", "shiver") else "own"
        for i, key in enumerate(keys):
            place = layer.pan + (0.3 * i - 0.3 if len(keys) > 1 else 0.0)
            notes.append(Note(at + roll * i, held, key, force, layer.sound, gain, max(-1.0, min(1.0, place)), touch))
    if passage.beats:
        notes += stroke_of(passage.mood, at, force)
    return notes


def closing(layer: Layer, chord: Chord, chair: Chair, centre: int) -> tuple[list[int], float]:
    """A player's keys in the final chord, and the seconds between them."""
    root = near(chord.tones[:1], centre)
    if layer.plays in ("bass", "bass-pulse", "bass-groove", "oompah", "drone", "hits", "ostinato"):
        return [root], 0.0
    if layer.plays in ("melody", "counter"):
        return [near(chord.tones[:2], chair.last or centre)], 0.0
    if layer.plays == "sparkle":
        return [near(chord.tones[2:3], centre), near(chord.tones[:1], centre + 6)], 0.16
    keys = voiced(chord.tones, chair.keys, centre, 4 if len(chord.tones) > 3 else 3)
    rolled = layer.plays in ("arpeggio", "runs", "broken", "strum", "chords")
    return ([keys[0] - 12, *keys] if layer.plays == "broken" else list(keys)), 0.07 if rolled else 0.0


def stroke_of(mood: Mood, at: float, force: float) -> list[Note]:
    """What the drums do on the final chord."""
    if mood.drums in ("epic", "drive", "march"):
        return [Note(at, 3, 36, force, "concert", -6), Note(at, 3, 57, force * 0.8, "concert", -10, 0.2)]
    if mood.drums in ("pop", "lofi", "brushes"):
        return [Note(at, 2, 36, force * 0.8, "kit", -8), Note(at, 2, 51, force * 0.6, "kit", -12, 0.2)]
    return []
