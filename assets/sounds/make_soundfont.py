"""Cuts the small SoundFont of the embedded composer out of Fluid (R3) GM. A tool for developers; films never run it.

    python assets/sounds/make_soundfont.py FluidR3_GM.sf2 assets/sounds/bandstand.sf2

Fluid is in Debian's package fluid-soundfont-gm. Kept: the instruments below, one velocity layer, one side of each
stereo pair, a sample every few semitones. Fixed filters are baked into the samples, and instruments are brought to one
loudness. Knows nothing of moods and films.
"""

from __future__ import annotations

import struct
import sys
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Wish(NamedTuple):
    """A preset to keep: bank, program, semitones between samples, highest rate, longest sample (s), keys, tuning."""

    bank: int
    program: int
    gap: int = 6
    rate: int = 32000
    cut: float = 3.5
    low: int = 24
    high: int = 100
    cents: int = 0  # mends what the recording is out of tune
    only: bytes = b""  # of presets in layers: the samples that begin so


WISHES = [
    Wish(0, 0, 6, 26000, 3.2, 24, 100),  # piano
    Wish(0, 4, 6, 24000, 2.6, 36, 96),  # electric piano
    Wish(0, 8, 7, 44100, 1.8, 60, 108),  # celesta
    Wish(0, 9, 7, 44100, 2.2, 72, 108),  # glockenspiel
    Wish(0, 10, 7, 44100, 1.8, 60, 108),  # music box
    Wish(0, 11, 6, 32000, 3.0, 48, 96),  # vibraphone
    Wish(0, 12, 7, 32000, 0.8, 36, 96),  # marimba
    Wish(0, 14, 12, 32000, 3.5, 48, 84),  # tubular bells
    Wish(0, 21, 9, 24000, 1.6, 48, 92),  # accordion
    Wish(0, 24, 6, 28000, 2.6, 36, 88),  # nylon guitar
    Wish(0, 25, 7, 28000, 2.2, 36, 88),  # steel guitar
    Wish(0, 28, 6, 32000, 0.8, 36, 84),  # muted guitar
    Wish(0, 32, 6, 22000, 1.6, 24, 60),  # acoustic bass
    Wish(0, 33, 6, 20000, 1.6, 24, 60),  # fingered bass
    Wish(0, 39, 8, 32000, 2.0, 24, 60),  # synth bass
    Wish(0, 42, 6, 28000, 2.6, 36, 80),  # cello
    Wish(0, 43, 7, 24000, 2.5, 24, 55),  # double bass
    Wish(0, 45, 7, 32000, 0.8, 30, 96),  # pizzicato
    Wish(0, 46, 6, 30000, 2.2, 30, 100),  # harp
    Wish(0, 47, 6, 32000, 2.5, 36, 60),  # timpani
    Wish(0, 49, 6, 28000, 2.8, 28, 98),  # strings
    Wish(0, 52, 7, 26000, 2.6, 43, 86, 14),  # choir
    Wish(0, 56, 6, 32000, 2.0, 52, 90),  # trumpet
    Wish(0, 57, 6, 32000, 2.0, 36, 74),  # trombone
    Wish(0, 60, 7, 24000, 2.2, 36, 80),  # horns
    Wish(0, 68, 6, 32000, 2.0, 58, 92),  # oboe
    Wish(0, 70, 6, 32000, 2.0, 34, 72),  # bassoon
    Wish(0, 71, 6, 32000, 2.0, 50, 92),  # clarinet
    Wish(0, 73, 6, 32000, 2.5, 60, 98),  # flute
    Wish(0, 78, 12, 32000, 2.0, 60, 98),  # whistle
    Wish(0, 88, 8, 28000, 2.4, 48, 96, 0, b"Fantasia"),  # dream (Fantasia)
    Wish(0, 89, 8, 32000, 4.0, 28, 96, 0, b"Synth Strings"),  # warm pad
    Wish(0, 91, 8, 28000, 2.2, 36, 96, 0, b"solo_vox"),  # space voice
    Wish(0, 92, 8, 32000, 4.0, 36, 96, 0, b"Bowed Glass"),  # bowed glass
    Wish(0, 95, 8, 32000, 4.0, 28, 96),  # sweep pad
    Wish(0, 108, 7, 44100, 1.5, 55, 100),  # kalimba
    Wish(0, 115, 12, 44100, 1.0, 40, 90),  # woodblock
    Wish(0, 116, 12, 44100, 2.5, 24, 72),  # taiko
    Wish(0, 119, 12, 32000, 4.0, 60, 60),  # reversed cymbal
]
DRUMS = {0: (35, 36, 37, 38, 39, 40, 41, 42, 45, 46, 48, 49, 51, 54, 70, 81), 40: (38, 40), 48: (35, 36, 38, 57, 59)}
DRUM_CUT = {49: 2.6, 51: 1.8, 57: 3.0, 59: 3.0, 81: 1.5}

KEYS, VELOCITIES, PAN, FILTER, OPENING = 43, 44, 17, 8, 11
SAMPLE, MODE, ROOT, FINE, COARSE, INSTRUMENT = 53, 54, 58, 52, 51, 41
ATTACK, HOLD, DECAY, SUSTAIN, RELEASE, QUIET = 34, 35, 36, 37, 38, 48
ENVELOPE = (ATTACK, HOLD, DECAY, SUSTAIN, RELEASE)
NEUTRAL = {FILTER: 13500, ATTACK: -12000, HOLD: -12000, DECAY: -12000, RELEASE: -12000}

PHDR = np.dtype([("name", "S20"), ("program", "<u2"), ("bank", "<u2"), ("bag", "<u2"), ("rest", "<u4", 3)])
BAG = np.dtype([("gen", "<u2"), ("mod", "<u2")])
GEN = np.dtype([("what", "<u2"), ("value", "<i2")])
INST = np.dtype([("name", "S20"), ("bag", "<u2")])
SHDR = np.dtype(
    {
        "names": ["name", "start", "end", "loop", "back", "rate", "key", "cents", "link", "kind"],
        "formats": ["S20", "<u4", "<u4", "<u4", "<u4", "<u4", "u1", "i1", "<u2", "<u2"],
    }
)


@dataclass(frozen=True)
class Zone:
    """A sample over a range of keys; `gens` are the SoundFont's own numbers, preset and instrument added up."""

    low: int
    high: int
    root: int
    cents: float
    gens: dict[int, int]
    name: bytes
    data: Array
    rate: float
    loop: tuple[int, int] | None


def chunks(path: Path) -> dict[str, bytes]:
    """Every chunk of a SoundFont by name."""
    file, found, at = path.read_bytes(), {}, 12
    while at < len(file):
        end = at + 8 + struct.unpack_from("<I", file, at + 4)[0]
        inner = at + 12
        while inner < end:
            size = struct.unpack_from("<I", file, inner + 4)[0]
            found[file[inner : inner + 4].decode()] = file[inner + 8 : inner + 8 + size]
            inner += 8 + size + size % 2
        at = end
    return found


class Source:
    """The big SoundFont, opened."""

    def __init__(self, path: Path) -> None:
        raw = chunks(path)
        self.samples = np.frombuffer(raw["smpl"], "<i2")
        self.presets = np.frombuffer(raw["phdr"], PHDR)
        self.instruments = np.frombuffer(raw["inst"], INST)
        self.heads = np.frombuffer(raw["shdr"], SHDR)
        self.bags = {kind: np.frombuffer(raw[f"{kind}bag"], BAG) for kind in "pi"}
        self.gens = {kind: np.frombuffer(raw[f"{kind}gen"], GEN) for kind in "pi"}

    def layers(self, kind: str, first: int, last: int, end: int) -> list[dict[int, int]]:
        """Zones that end in generator `end`, each on top of the global zone."""
        shared: dict[int, int] = {}
        out = []
        for bag in range(first, last):
            span = slice(int(self.bags[kind][bag]["gen"]), int(self.bags[kind][bag + 1]["gen"]))
            own = {int(what): int(value) for what, value in self.gens[kind][span].tolist()}
            if end in own:
                out.append(shared | own)
            elif bag == first:
                shared = own
        return out

    def zones(self, bank: int, program: int, only: bytes = b"") -> list[Zone]:
        """Left or middle zones that sound at velocity 100, by key; samples named `only`."""
        index = next(
            i for i, p in enumerate(self.presets[:-1]) if (int(p["bank"]), int(p["program"])) == (bank, program)
        )
        out = []
        for outer in self.layers("p", int(self.presets[index]["bag"]), int(self.presets[index + 1]["bag"]), INSTRUMENT):
            which = outer[INSTRUMENT]
            inst = self.instruments
            for inner in self.layers("i", int(inst[which]["bag"]), int(inst[which + 1]["bag"]), SAMPLE):
                if inside(outer, inner, VELOCITIES, 100) and inner.get(PAN, 0) <= 0:
                    out.append(self.zone(outer, inner))
        return sorted((zone for zone in out if zone.name.startswith(only)), key=lambda zone: zone.low)

    def zone(self, outer: dict[int, int], inner: dict[int, int]) -> Zone:
        head = self.heads[inner[SAMPLE] & 0xFFFF]
        kept = (*ENVELOPE, QUIET, FILTER, OPENING)
        gens = {gen: inner.get(gen, NEUTRAL.get(gen, 0)) + outer.get(gen, 0) for gen in kept}
        start, loop, back = int(head["start"]), int(head["loop"]), int(head["back"])
        low, high = reach(outer, inner, KEYS)
        cents = int(head["cents"]) + inner.get(FINE, 0) + outer.get(FINE, 0)
        cents += 100 * (inner.get(COARSE, 0) + outer.get(COARSE, 0))
        looped = inner.get(MODE, 0) & 1 and back - loop > 8
        return Zone(
            low,
            high,
            inner.get(ROOT, int(head["key"])),
            cents,
            gens,
            bytes(head["name"]),
            self.samples[start : int(head["end"])].astype(float) / 32768,
            float(head["rate"]),
            (loop - start, back - start) if looped else None,
        )


def reach(outer: dict[int, int], inner: dict[int, int], gen: int) -> tuple[int, int]:
    """The range on which both agree."""
    pairs = [(value & 0xFF, value >> 8 & 0xFF) for value in (outer.get(gen, 0x7F00), inner.get(gen, 0x7F00))]
    return max(low for low, _ in pairs), min(high for _, high in pairs)


def inside(outer: dict[int, int], inner: dict[int, int], gen: int, value: int) -> bool:
    low, high = reach(outer, inner, gen)
    return low <= value <= high


def thin(zones: list[Zone], gap: int, low: int, high: int) -> list[Zone]:
    """Zones at least `gap` semitones apart that share the keys from `low` to `high` among them."""
    kept: list[Zone] = []
    for zone in zones:
        near = zone.high >= low and zone.low <= high
        if near and (not kept or pitch(zone) - pitch(kept[-1]) >= gap):
            kept.append(zone)
    middles = [int(pitch(a) + pitch(b)) // 2 for a, b in pairwise(kept)]
    lows, highs = [low, *(m + 1 for m in middles)], [*middles, high]
    return [replace(zone, low=a, high=b) for zone, a, b in zip(kept, lows, highs, strict=True)]


def pitch(zone: Zone) -> float:
    return zone.root - zone.cents / 100


def shorter(zone: Zone, seconds: float) -> Zone:
    """At most that long: what rings on is faded out, what is held keeps its loop if there is room for it."""
    size = int(seconds * zone.rate)
    if zone.loop and zone.loop[1] <= size:
        return replace(zone, data=zone.data[: zone.loop[1] + 8])
    if len(zone.data) <= size:
        return zone
    held = zone.loop and zone.gens[SUSTAIN] < 300
    if held and zone.loop:
        return relooped(zone, size)
    data = zone.data[:size].copy()
    fade = size // 3
    data[-fade:] *= np.linspace(1, 0, fade) ** 2
    return replace(zone, data=data, loop=None)


def relooped(zone: Zone, size: int) -> Zone:
    """A held sample cut to `size` with a new loop over its second half, cross-faded so that it cannot be heard."""
    fade = size // 4
    data = zone.data[:size].copy()
    start = size // 2
    ramp = np.linspace(0, 1, fade)
    data[-fade:] = data[-fade:] * np.sqrt(1 - ramp) + zone.data[start - fade : start] * np.sqrt(ramp)
    return replace(zone, data=np.concatenate([data, data[start : start + 8]]), loop=(start, size))


def darker(zone: Zone) -> Zone:
    """The zone's low-pass, baked in as it is with its envelope half open."""
    hertz = 8.176 * 2 ** ((zone.gens[FILTER] + zone.gens[OPENING] / 2) / 1200)
    if hertz > 0.4 * zone.rate:
        return zone
    size = len(zone.data)
    spectrum = np.fft.rfft(zone.data, 2 * size)
    bins = np.fft.rfftfreq(2 * size, 1 / zone.rate)
    return replace(zone, data=np.fft.irfft(spectrum / np.sqrt(1 + (bins / hertz) ** 4), 2 * size)[:size])


def slower(zone: Zone, rate: int) -> Zone:
    """Resampled to at most `rate`; a loop stays a whole number of samples, so it stays in tune."""
    if zone.rate <= rate * 1.05:
        return zone
    ratio = rate / zone.rate
    if zone.loop:
        length = zone.loop[1] - zone.loop[0]
        ratio = max(1, round(length * ratio)) / length
    pad = 4096
    data = np.concatenate([np.zeros(pad), zone.data, np.zeros(pad)])
    spectrum = np.fft.rfft(data)
    bins = np.fft.rfftfreq(len(data), 1 / zone.rate)
    smooth = np.fft.irfft(spectrum * (bins < 0.48 * ratio * zone.rate), len(data))
    size = int(len(zone.data) * ratio)
    fine = np.fft.irfft(np.concatenate([np.fft.rfft(smooth), np.zeros(3 * (len(smooth) // 2))]), 4 * len(smooth)) * 4
    made = np.interp((pad + np.arange(size) / ratio) * 4 * (len(smooth) / len(data)), np.arange(len(fine)), fine)
    loop = None
    if zone.loop:
        start = round(zone.loop[0] * ratio)
        loop = (start, start + round((zone.loop[1] - zone.loop[0]) * ratio))
        made = np.concatenate([made[: loop[1]], made[loop[0] : loop[0] + 8]])
    return replace(zone, data=made, rate=zone.rate * ratio, loop=loop)


def loudness(zone: Zone) -> float:
    """How loud the zone's loudest 0.3 s are, in dB, its attenuation counted (as synthesizers read it: 0.4 of it)."""
    size = min(len(zone.data), int(0.3 * zone.rate))
    power = np.convolve(zone.data**2, np.ones(size) / size, "valid").max()
    return float(10 * np.log10(power + 1e-12) - 0.04 * zone.gens[QUIET])


def levelled(zones: list[Zone], target: float, apart: float) -> list[Zone]:
    """Brought to one loudness, zones at most `apart` dB from it; attenuation in the result is in plain centibels."""
    middle = float(np.median([loudness(zone) for zone in zones]))
    out = []
    for zone in zones:
        off = loudness(zone) - middle
        mended = target - middle + min(max(off, -apart), apart) - off
        gain = 10 ** ((mended - 0.04 * zone.gens[QUIET]) / 20)
        peak = float(np.abs(zone.data).max()) or 1.0
        quiet = max(0, round(-200 * np.log10(gain * peak / 0.99)))
        out.append(replace(zone, data=zone.data / peak * 0.99, gens=zone.gens | {QUIET: quiet}))
    return out


def riff(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def write(path: Path, presets: list[tuple[bytes, int, int, list[Zone]]]) -> None:
    """A SoundFont 2.01 with one instrument a preset."""
    sound: list[Array] = []
    heads: list[tuple[Any, ...]] = []
    known: dict[tuple[bytes, int], int] = {}
    phdr, pbag, pgen, inst, ibag, igen = [], [], [], [], [], []  # type: ignore[var-annotated]
    at = 0
    for number, (name, bank, program, zones) in enumerate(presets):
        phdr.append((name, program, bank, len(pbag), (0, 0, 0)))
        pbag.append((len(pgen), 0))
        pgen.append((INSTRUMENT, number))
        inst.append((name, len(ibag)))
        for zone in zones:
            same = (zone.name, len(zone.data))
            if same not in known:
                known[same] = len(heads)
                loop = zone.loop or (0, 0)
                end = at + len(zone.data)
                heads.append((zone.name, at, end, at + loop[0], at + loop[1], round(zone.rate), zone.root, 0, 0, 1))
                sound += [zone.data, np.zeros(46)]
                at = end + 46
            ibag.append((len(igen), 0))
            igen.append((KEYS, zone.low | zone.high << 8))
            igen += [(gen, zone.gens[gen]) for gen in (*ENVELOPE, QUIET)]
            igen += [(MODE, 1 if zone.loop else 0), (ROOT, zone.root)]
            igen += [(COARSE, round(zone.cents / 100)), (FINE, round(zone.cents - 100 * round(zone.cents / 100)))]
            igen.append((SAMPLE, known[same]))
    phdr.append((b"EOP", 0, 0, len(pbag), (0, 0, 0)))
    pbag.append((len(pgen), 0))
    inst.append((b"EOI", len(ibag)))
    ibag.append((len(igen), 0))
    heads.append((b"EOS", 0, 0, 0, 0, 0, 0, 0, 0, 0))
    samples = np.round(np.concatenate(sound) * 32767).astype("<i2").tobytes()
    info = riff(b"ifil", struct.pack("<HH", 2, 1)) + riff(b"isng", b"EMU8000\0") + riff(b"INAM", b"Bandstand\0")
    info += riff(b"ICOP", b"(c) 2000-2002, 2008 Frank Wen, MIT licence\0")
    info += riff(b"ICMT", b"Cut from Fluid (R3) General MIDI SoundFont\0")
    data = [
        (b"phdr", phdr, PHDR),
        (b"pbag", pbag, BAG),
        (b"pmod", [(0,) * 5], "<u2,<u2,<i2,<u2,<u2"),
        (b"pgen", [*pgen, (0, 0)], GEN),
        (b"inst", inst, INST),
        (b"ibag", ibag, BAG),
        (b"imod", [(0,) * 5], "<u2,<u2,<i2,<u2,<u2"),
        (b"igen", [*igen, (0, 0)], GEN),
        (b"shdr", heads, SHDR),
    ]
    body = riff(b"LIST", b"INFO" + info) + riff(b"LIST", b"sdta" + riff(b"smpl", samples))
    tables = b"".join(riff(name, np.array(rows, kind).tobytes()) for name, rows, kind in data)  # type: ignore[call-overload]
    body += riff(b"LIST", b"pdta" + tables)
    path.write_bytes(riff(b"RIFF", b"sfbk" + body))


def main(big: Path, small: Path) -> None:
    source = Source(big)
    names = {(int(p["bank"]), int(p["program"])): bytes(p["name"]) for p in source.presets[:-1]}
    presets = []
    for wish in WISHES:
        zones = thin(source.zones(wish.bank, wish.program, wish.only), wish.gap, wish.low, wish.high)
        zones = [slower(darker(shorter(zone, wish.cut)), wish.rate) for zone in zones]
        zones = [replace(zone, cents=zone.cents + wish.cents) for zone in zones]
        presets.append((names[wish.bank, wish.program], wish.bank, wish.program, levelled(zones, -26, 3)))
    for program, keys in DRUMS.items():
        found = source.zones(128, program)
        zones = []
        for key in keys:
            zone = next(zone for zone in found if zone.low <= key <= zone.high)
            short = shorter(replace(zone, low=key, high=key), DRUM_CUT.get(key, 0.6))
            zones.append(slower(darker(short), 32000))
        presets.append((names[128, program], 128, program, levelled(zones, -24, 40)))
    write(small, presets)
    for name, bank, program, zones in presets:
        size = sum(2 * len(zone.data) for zone in zones)
        print(f"{bank:4} {program:4} {name.decode():24} {len(zones):3} samples {size / 1e6:6.2f} MB")
    print(f"{small}: {small.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
