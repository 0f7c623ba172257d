"""A narrator's raw sound becomes a take: trimmed, at one level, 48 kHz mono, with its words. Knows no narrator."""

from __future__ import annotations

import wave
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..loudness import Meter, tamed
from ..vault import Notes, Plain
from ..work import FilmError
from ._tone import resampled
from ._words import Unit, words

RATE = 48_000
BLOCK = 10 * RATE
AIR = 0.03  # seconds kept before the first sound and after the last
Sound = NDArray[np.int16]


def finish(sound: Sound, text: str, units: Sequence[Unit], out: Path) -> Notes:
    """Write `sound` (48 kHz mono) to `out` as 16-bit PCM WAV; unit times are seconds of `sound`.

    Speech is trimmed to 30 ms of air at both ends and brought to -20 LUFS. Without any speech the take is silence of
    at least 0.4 s with the words spread over it. -> {"words": [[text, start, end], ...], "seconds": s}
    """
    bounds = speech(sound, RATE)
    if bounds is None:
        count = max(1, len(text.split()))
        take: Sound = np.zeros(int(RATE * max(0.4, 0.05 * count)), np.int16)
        units = []
    else:
        first = max(0, bounds[0] - int(AIR * RATE))
        take = level(sound[first : bounds[1] + int(AIR * RATE)])
        cut = first / RATE
        units = [replace(unit, start=unit.start - cut, end=unit.end - cut) for unit in units]
    write(take, out)
    seconds = take.size / RATE
    timed: list[Plain] = [[word, start, end] for word, start, end in words(text, units, seconds)]
    return {"words": timed, "seconds": round(seconds, 4)}


def sung(heard: Sequence[NDArray[np.float32]], rate: int, text: str, units: Sequence[Unit], out: Path, who: str) -> Notes:
    """What a model sang, piece by piece, as a take; FilmError where it is no sound. `who` made it, for people."""
    whole = np.concatenate(heard)
    if not np.isfinite(whole).all():
        raise FilmError(f"{who} makes no sound of this.", "Choose another voice.")
    return finish(resampled(np.rint(np.clip(whole, -1, 1) * 32767).astype(np.int16), rate), text, units, out)


def silent(text: str, out: Path) -> Notes:
    """A take of a line without a word to speak."""
    return finish(np.zeros(0, np.int16), text, [], out)


def units(events: Sequence[tuple[int, int]], length: int, sound: Sound, rate: int) -> list[Unit]:
    """Word events as (character, sample) -> stretches of the text, each up to the next and as long as it is heard."""
    firsts: list[tuple[int, float]] = []
    for place, sample in events:
        # Signs that are read one by one repeat the place of their word.
        if 0 <= place < length and (not firsts or place > firsts[-1][0]):
            firsts.append((place, sample / rate))
    lasts = [*firsts[1:], (length, sound.size / rate)]
    return [
        Unit(first, last, start, heard_until(sound, rate, start, end))
        for (first, start), (last, end) in zip(firsts, lasts, strict=True)
        if end > start
    ]


def speech(sound: Sound, rate: int) -> tuple[int, int] | None:
    """-> (first, last) sample that is heard, to 5 ms, or None for silence."""
    step = max(1, rate // 200)
    blocks = _peaks(sound, step)
    loudest = int(blocks.max()) if blocks.size else 0
    if loudest < 60:
        return None
    heard = np.flatnonzero(blocks > max(30, loudest * 0.01))
    return int(heard[0]) * step, min(sound.size, (int(heard[-1]) + 1) * step)


def heard_until(sound: Sound, rate: int, start: float, end: float) -> float:
    """When the sound between two moments dies away, in seconds; `end` if it never was loud."""
    stretch = sound[int(start * rate) : int(end * rate)]
    bounds = speech(stretch, rate)
    return min(end, start + bounds[1] / rate) if bounds else end


def level(sound: Sound) -> Sound:
    """The speech as loud as every take, its peaks tamed, its first and last milliseconds faded."""
    blocks = (_floats(sound[i : i + BLOCK]) for i in range(0, sound.size, BLOCK))
    held = tamed(blocks, _loudness(sound))
    out: Sound = np.concatenate([np.rint(block[:, 0] * 32767).astype(np.int16) for block in held])
    ramp = np.linspace(0, 1, min(RATE // 200, out.size), dtype=np.float32)
    out[: ramp.size] = np.rint(out[: ramp.size] * ramp)
    out[out.size - ramp.size :] = np.rint(out[out.size - ramp.size :] * ramp[::-1])
    return out


def write(sound: Sound, out: Path) -> None:
    """48 kHz mono 16-bit PCM WAV."""
    with out.open("wb") as file, wave.open(file, "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(2)
        wav.setframerate(RATE)
        wav.writeframes(sound.astype("<i2", copy=False).tobytes())


def _peaks(sound: Sound, step: int) -> NDArray[np.int32]:
    blocks = np.pad(sound, (0, -sound.size % step)).reshape(-1, step)
    loudest: NDArray[np.int32] = np.maximum(blocks.max(axis=1).astype(np.int32), -blocks.min(axis=1).astype(np.int32))
    return loudest


def _loudness(sound: Sound) -> float:
    meter = Meter()
    whole = sound if sound.size >= RATE // 2 else np.resize(sound, RATE // 2)  # one short word, said again and again
    for i in range(0, whole.size, BLOCK):
        meter.feed(_floats(whole[i : i + BLOCK]))
    return max(-50.0, meter.loudness())


def _floats(sound: Sound) -> NDArray[np.float32]:
    return (sound.astype(np.float32) / np.float32(32768))[:, None]
