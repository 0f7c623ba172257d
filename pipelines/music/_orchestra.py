"""Notes to sound: a sampler over a SoundFont, a room around it, and an even loudness. Knows no music.

The SoundFont (assets/sounds/bandstand.sf2) has one velocity layer; force sets how loud and how bright a note is.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from ..work import FilmError
from ._score import Note

Sound = NDArray[np.float32]
RATE = 48_000
TAIL = 6.0  # seconds that a stretch may ring on
SOUNDS = MappingProxyType(
    {
        "piano": (0, 0), "e-piano": (0, 4), "celesta": (0, 8), "glockenspiel": (0, 9), "music-box": (0, 10),
        "vibraphone": (0, 11), "marimba": (0, 12), "bells": (0, 14), "accordion": (0, 21), "guitar": (0, 24),
        "steel-guitar": (0, 25), "muted-guitar": (0, 28), "upright-bass": (0, 32), "bass-guitar": (0, 33),
        "synth-bass": (0, 39), "cello": (0, 42), "double-bass": (0, 43), "pizzicato": (0, 45), "harp": (0, 46),
        "timpani": (0, 47), "strings": (0, 49), "choir": (0, 52), "trumpet": (0, 56), "trombone": (0, 57),
        "horns": (0, 60), "oboe": (0, 68), "bassoon": (0, 70), "clarinet": (0, 71), "flute": (0, 73),
        "whistle": (0, 78), "dream": (0, 88), "warm-pad": (0, 89), "voices": (0, 91), "glass": (0, 92),
        "sweep": (0, 95), "kalimba": (0, 108), "woodblock": (0, 115), "taiko": (0, 116), "cymbal": (0, 119),
        "kit": (128, 0), "brushes": (128, 40), "concert": (128, 48),
    }
)  # fmt: skip
"""Bank and program of every sound."""
SOFTNESS = (np.array([1, 4, 6, 4, 1], np.float32) / 16, np.array([1, 2, 1], np.float32) / 4)
PIECE = 16_384
CACHE_BYTES = 40_000_000
BLOCK = 131_072  # samples of the hall's transforms, at half the rate
BEFORE = 2000  # of them: the filter under the hall's answer rings both ways
AUDIBLE = 0.5  # of a release, which falls to -100 dB

BAG = np.dtype([("gen", "<u2"), ("mod", "<u2")])
GEN = np.dtype([("what", "<u2"), ("value", "<i2")])
PHDR = np.dtype([("name", "S20"), ("program", "<u2"), ("bank", "<u2"), ("bag", "<u2"), ("rest", "<u4", 3)])
INST = np.dtype([("name", "S20"), ("bag", "<u2")])
SHDR = np.dtype(
    {
        "names": ["name", "start", "end", "loop", "back", "rate", "key", "cents", "link", "kind"],
        "formats": ["S20", "<u4", "<u4", "<u4", "<u4", "<u4", "u1", "i1", "<u2", "<u2"],
    }
)


@dataclass(frozen=True, slots=True)
class Zone:
    """A sample over a range of keys. Times are seconds, decay and release to -100 dB, as a SoundFont means them."""

    low: int
    high: int
    root: float
    rate: int
    start: int
    end: int
    loop: tuple[int, int] | None
    attack: float
    hold: float
    decay: float
    sustain: float  # dB below full
    release: float
    gain: float


class Orchestra:
    """Every instrument of a SoundFont. Plays notes into stereo sound, 48 kHz float32, shape (2, samples)."""

    def __init__(self, font: Path) -> None:
        try:
            self.samples, self.zones = opened(font)
        except (OSError, struct.error, ValueError, KeyError, IndexError) as error:
            remedy = "Install Reelwright again."
            raise FilmError(f"The SoundFont {font.name} cannot be read.", remedy, font.name) from error
        self.tuned: dict[tuple[int, int, int], Sound] = {}
        self.held = 0

    def play(self, notes: Iterable[Note], start: float, seconds: float) -> Sound:
        """The notes, dry, `seconds` and the tail long; note times count from the cue's start, as `start` does."""
        size = 2 * round((seconds + TAIL) * RATE / 2)  # even, for the hall
        out = np.zeros((2, size), np.float32)
        for note in notes:
            at = max(0, round((note.start - start) * RATE))
            sound = self.sound(note, size - at)
            angle = (note.pan + 1) * np.pi / 4
            out[0, at : at + len(sound)] += sound * np.float32(np.cos(angle))
            out[1, at : at + len(sound)] += sound * np.float32(np.sin(angle))
        return out

    def sound(self, note: Note, room: int) -> Sound:
        """One note, mono, at most `room` samples."""
        zones = self.zones[SOUNDS[note.sound]]
        number = next((i for i, zone in enumerate(zones) if zone.low <= note.key <= zone.high), None)
        if number is None:
            number = 0 if note.key < zones[0].low else len(zones) - 1
        zone = zones[number]
        key = note.key if zone.low != zone.high else round(zone.root)
        attack, release = touched(zone, note)
        held = int(note.seconds * RATE)
        if zone.low == zone.high:  # a drum rings as long as it does
            held = 4 * RATE
        size = min(room, held + int(AUDIBLE * release * RATE))
        if zone.sustain >= 60:
            size = min(size, int((attack + zone.hold + 0.6 * zone.decay) * RATE))
        wave = self.tune(zone, key, 0 if note.force < 0.45 else 1 if note.force < 0.68 else 2, size)[:size]
        gain = zone.gain * 10 ** (note.gain / 20) * note.force**1.5
        return wave * (shape(zone, attack, release, held, len(wave)) * np.float32(gain))

    def tune(self, zone: Zone, key: int, brightness: int, size: int) -> Sound:
        """The zone's sample at that key, looped to at least `size` samples if it loops."""
        name = (zone.start, key, brightness)
        known = self.tuned.get(name)
        if known is not None and (len(known) >= size or not zone.loop):
            return known
        step = 2 ** ((key - zone.root) / 12) * zone.rate / RATE
        source: Sound = self.samples[zone.start : zone.end].astype(np.float32) / np.float32(32768)
        size = -(-size // RATE) * RATE
        if zone.loop:
            first, back = zone.loop
            repeats = max(0, int((size * step - back) / (back - first)) + 2)
            source = np.concatenate([source[:back], np.tile(source[first:back], repeats)])
        if brightness < 2:
            source = np.convolve(source, SOFTNESS[brightness], "same").astype(np.float32, copy=False)
        count = min(size, int((len(source) - 2) / step))
        made = np.empty(count, np.float32)
        for start in range(0, count, PIECE):  # small pieces stay in the processor's cache
            piece = made[start : start + PIECE]
            place = np.arange(start, start + len(piece), dtype=np.float64) * step
            index = place.astype(np.intp)
            place -= index
            left = source.take(index)
            source[1:].take(index, out=piece, mode="clip")
            piece -= left
            piece *= place.astype(np.float32)
            piece += left
        self.held += made.nbytes - (known.nbytes if known is not None else 0)
        if self.held > CACHE_BYTES:  # every note can be made again; memory stays flat
            self.tuned.clear()
            self.held = made.nbytes
        self.tuned[name] = made
        return made


def touched(zone: Zone, note: Note) -> tuple[float, float]:
    """Attack and release (to -100 dB) in seconds."""
    if note.touch == "short":
        return 0.008, min(zone.release, 0.5)
    if note.touch == "long":
        return min(max(zone.attack, 0.05), 0.2 * note.seconds + 0.02), max(zone.release, 1.4)
    if note.touch == "swell":
        return 0.75 * note.seconds, max(zone.release, 1.6)
    return min(zone.attack, 0.3 * note.seconds), min(zone.release, 4.0)


def shape(zone: Zone, attack: float, release: float, held: int, size: int) -> Sound:
    """The volume over `size` samples of a note held for `held`."""
    out = np.ones(size, np.float32)
    rise = min(size, int(attack * RATE))
    if rise > 1:
        out[:rise] = np.linspace(0, 1, rise, dtype=np.float32)
    start = rise + int(zone.hold * RATE)
    if zone.sustain > 1 and zone.decay > 0.02 and start < size:
        out[start:] = falling(zone.decay, min(zone.sustain, 100.0), -(-(size - start) // RATE))[: size - start]
    if held < size:
        out[held:] *= fading(size - held, round(100 * (size - held) / (max(release, 0.01) * RATE), 1))
    else:
        edge = min(size, 240)
        out[-edge:] *= np.linspace(1, 0, edge, dtype=np.float32)
    return out


@lru_cache(maxsize=24)
def falling(decay: float, sustain: float, seconds: int) -> Sound:
    """100 dB in `decay` seconds, down to `sustain`."""
    decibels = np.arange(seconds * RATE, dtype=np.float32) * np.float32(100 / (decay * RATE))
    return np.asarray(np.exp(np.float32(-0.1151) * np.minimum(decibels, np.float32(sustain))), np.float32)


@lru_cache(maxsize=24)
def fading(size: int, drop: float) -> Sound:
    """`drop` dB and then nothing."""
    share = np.linspace(0, 1, size, dtype=np.float32)
    return np.asarray(np.exp(np.float32(-0.1151 * drop) * share) * (1 - share), np.float32)


def opened(font: Path) -> tuple[NDArray[np.int16], dict[tuple[int, int], list[Zone]]]:
    """A SoundFont's samples, left on disk until they are played, and its zones by bank and program."""
    found: dict[str, tuple[int, int]] = {}
    with font.open("rb") as file:
        if file.read(12)[8:] != b"sfbk":
            raise ValueError("not a SoundFont")
        while head := file.read(12):
            end = file.tell() - 4 + struct.unpack("<I", head[4:8])[0]
            while file.tell() < end:
                name, size = struct.unpack("<4sI", file.read(8))
                found[name.decode()] = (file.tell(), size)
                file.seek(size + size % 2, 1)

        def table(name: str, kind: np.dtype[np.void]) -> NDArray[np.void]:
            file.seek(found[name][0])
            return np.frombuffer(file.read(found[name][1]), kind)

        presets, heads, insts = table("phdr", PHDR), table("shdr", SHDR), table("inst", INST)
        outer, inner = (table("pbag", BAG), table("pgen", GEN)), (table("ibag", BAG), table("igen", GEN))
    at, size = found["smpl"]
    samples = np.memmap(font, np.dtype("<i2"), "r", at, (size // 2,))
    zones: dict[tuple[int, int], list[Zone]] = {}
    for preset, then in pairwise(presets):
        name = (int(preset["bank"]), int(preset["program"]))
        zones[name] = []
        for layer in gens(*outer, int(preset["bag"]), int(then["bag"])):
            inst = insts[layer[41]], insts[layer[41] + 1]
            zones[name] += [zone(g, heads[g[53]]) for g in gens(*inner, int(inst[0]["bag"]), int(inst[1]["bag"]))]
    return samples, zones


def gens(bags: NDArray[np.void], table: NDArray[np.void], first: int, last: int) -> list[dict[int, int]]:
    """The generators of each zone, by number."""
    edges = bags["gen"][first : last + 1].tolist()
    return [dict(table[a:b].tolist()) for a, b in pairwise(edges)]


def zone(g: dict[int, int], head: np.void) -> Zone:
    """One zone from its generators and its sample's head."""

    def seconds(gen: int) -> float:
        return float(2 ** (g.get(gen, -12000) / 1200))

    keys, start = g.get(43, 0x7F00), int(head["start"])
    cents = int(head["cents"]) + g.get(52, 0) + 100 * g.get(51, 0)
    loop = (int(head["loop"]) - start, int(head["back"]) - start) if g.get(54, 0) & 1 else None
    return Zone(
        keys & 0xFF,
        keys >> 8 & 0xFF,
        g.get(58, int(head["key"])) - cents / 100,
        int(head["rate"]),
        start,
        int(head["end"]),
        loop,
        seconds(34),
        seconds(35),
        seconds(36),
        g.get(37, 0) / 10,
        seconds(38),
        10 ** (-g.get(48, 0) / 200),
    )


def hall(dry: Sound, space: float) -> Sound:
    """The sound in a room: noise that dies away, convolved at half the rate, since air swallows what is above.

    In blocks, overlapped and added: transforms of this size stay in the processor's cache.
    """
    half = (dry[:, ::2] + dry[:, 1::2]) * np.float32(0.5)
    length, answer = half.shape[1], response()
    echo, fits = np.zeros((2, length + BLOCK), np.float32), BLOCK - RATE - 2 * BEFORE
    for start in range(0, length, fits):
        spectrum = np.fft.rfft(half[:, start : start + fits], BLOCK)
        spectrum *= answer
        echo[:, start : start + BLOCK] += np.fft.irfft(spectrum, BLOCK)
    echo = echo[:, BEFORE : BEFORE + length]
    wet = np.empty_like(dry)
    wet[:, ::2] = echo
    wet[:, 1:-1:2] = (echo[:, :-1] + echo[:, 1:]) * np.float32(0.5)
    wet[:, -1] = 0
    wet *= np.float32(0.9 * space)
    wet += dry * np.float32(1 - 0.3 * space)
    return wet


@cache
def response() -> NDArray[np.complex64]:
    """The hall's answer to a click as a spectrum for a block, BEFORE samples late, nothing below 180 Hz."""
    hertz = np.fft.rfftfreq(BLOCK, 2 / RATE)
    late = np.exp(-2j * np.pi * BEFORE * np.arange(len(hertz)) / BLOCK)
    answer = np.fft.rfft(click(), BLOCK) * (hertz**2 / (hertz**2 + 180**2)) * late
    return np.asarray(answer, np.complex64)


@cache
def click() -> NDArray[np.float64]:
    """The hall's answer to a click: two seconds at half the rate, highs die first, unit energy a side."""
    rate = RATE // 2
    time = np.arange(2 * rate) / rate
    noise = np.random.default_rng(1877).standard_normal((2, 2, len(time)))
    spectrum = np.fft.rfft(noise)
    hertz = np.fft.rfftfreq(len(time), 1 / rate)
    low = np.fft.irfft(spectrum[0] / np.sqrt(1 + (hertz / 2200) ** 4), len(time))
    high = np.fft.irfft(spectrum[1] * np.clip((hertz - 1500) / 1500, 0, 1) / (1 + (hertz / 6000) ** 2), len(time))
    decay = low * np.exp(-time * 6.9 / 1.9) + high * np.exp(-time * 6.9 / 1.0)
    delay = int(0.022 * rate)
    decay = np.concatenate([np.zeros((2, delay)), decay], axis=1)[:, : len(time)]
    decay *= np.minimum(1, np.arange(len(time)) / delay / 2) * np.minimum(1, (2 - time) * 4)
    return np.asarray(decay / np.sqrt((decay**2).sum(axis=1, keepdims=True)))


def loudness(sound: Sound) -> float:
    """Integrated loudness in LUFS, as ITU-R BS.1770 measures it, over blocks that do not overlap; -70 if silent."""
    block = min(sound.shape[1], RATE * 2 // 5)
    count = sound.shape[1] // block
    power = np.abs(np.fft.rfft(sound[:, : count * block].reshape(2, count, block))) ** 2 @ weighting(block)
    blocks = power.sum(axis=0)
    blocks = blocks[blocks > 10**-6.93]
    if not len(blocks):
        return -70.0
    gated = blocks[blocks > blocks.mean() / 10]
    return float(-0.691 + 10 * np.log10(gated.mean()))


@cache
def weighting(block: int) -> NDArray[np.float32]:
    """BS.1770's filter as a weight for each bin of a block's power spectrum; the sum is the mean square."""
    z = np.exp(-2j * np.pi * np.arange(block // 2 + 1) / block)
    shelf = (1.53512485958697 - 2.69169618940638 * z + 1.19839281085285 * z**2) / (
        1 - 1.69065929318241 * z + 0.73248077421585 * z**2
    )
    rumble = (1 - 2 * z + z**2) / (1 - 1.99004745483398 * z + 0.99007225036621 * z**2)
    return np.asarray(np.abs(shelf * rumble) ** 2 * 2 / block**2, np.float32)


def bytes16(sound: Sound) -> bytes:
    """Interleaved 16-bit samples; peaks bend over softly from half scale on and stay below -1 dBFS."""
    size = np.abs(sound)
    over = np.maximum(size - 0.5, 0)
    bent = np.where(over > 0, np.copysign(0.5 + 0.37 * np.tanh(over / 0.37), sound), sound)
    return bytes(np.round(bent.T * 32767).astype("<i2").tobytes())
