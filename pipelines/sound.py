"""Takes and music -> one unbroken mix: the music makes way for the voice, the whole is as loud as films online are.

Knows when everything is heard, not how it was made. Works in blocks, so the length of a film costs no memory.
"""

from __future__ import annotations

import wave
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from . import ffmpeg
from .loudness import RATE, Limiter, Meter
from .timeline import Spoken
from .vault import Notes, linked
from .work import FilmError, Tick, part

if TYPE_CHECKING:
    from numpy import float32, float64
    from numpy.typing import NDArray

    Sound = NDArray[float32]

VERSION = 1
TARGET, TOLERANCE = -14.0, 0.5  # LUFS
CEILING = -2.0  # dBTP before AAC, which overshoots a little: -1 is kept after it
VOICE = -20.0  # LUFS of every take before the master gain
LIFT = 5.0  # dB that the music rises where nobody speaks
AHEAD, BEHIND, PAUSE = 0.4, 1.1, 2.0  # s: the music goes down before speech, comes up after; a shorter pause is none
BLOCK = RATE * 10
MOST_GAIN = 40.0  # dB: near silence stays near silence
SOUNDS = {  # how a sound file begins -> the demuxer that it is given to, and to no other
    b"ID3": "mp3",
    b"\xff\xfb": "mp3",
    b"\xff\xf3": "mp3",
    b"\xff\xf2": "mp3",
    b"fLaC": "flac",
    b"OggS": "ogg",
    b"\xff\xf1": "aac",
    b"\xff\xf9": "aac",
}


@dataclass(frozen=True, slots=True)
class Mix:
    """What is heard: `music` is a 48 kHz stereo WAV as long as the film, `level` how many dB it lies under the voice."""

    samples: int
    spoken: tuple[Spoken, ...]
    music: Path | None
    level: float


def render(mix: Mix, out: Path, tick: Tick) -> Notes:
    """The mix as AAC in an MP4 of exactly its length. -> notes with its loudness in LUFS."""
    if not mix.spoken and mix.music is None:
        _encode(mix, iter(_silence(mix.samples)), out)
        return {"loudness": None}
    gains = Gains.of(mix)
    meter = Meter()
    for block in blocks(mix, gains, part(tick, 0, 0.3)):
        meter.feed(block)
    loud = meter.loudness()
    gain = min(MOST_GAIN, TARGET - loud) if loud > float("-inf") else 0.0
    for attempt in range(3):  # limiting takes a little loudness away, which the next attempt gives back
        heard = Meter()
        _encode(mix, _mastered(blocks(mix, gains, part(tick, 0.3, 1.0)), gain, heard), out)
        short = TARGET - heard.loudness()
        if abs(short) <= TOLERANCE or gain >= MOST_GAIN or attempt == 2 or loud == float("-inf"):
            break
        gain += short * 1.2
    return {"loudness": round(heard.loudness(), 2) if loud > float("-inf") else None, "gain": round(gain, 2)}


@dataclass(frozen=True, slots=True)
class Gains:
    """Factors: one for each take; for the music, a curve of (seconds, factor)."""

    takes: tuple[float, ...]
    at: NDArray[float64]
    music: NDArray[float64]

    @classmethod
    def of(cls, mix: Mix) -> Gains:
        takes = tuple(_factor(VOICE - _loudness(one.take.path, 1)) for one in mix.spoken)
        if mix.music is None:
            return cls(takes, np.zeros(1), np.ones(1))
        bed = VOICE - mix.level - _loudness(mix.music, 2)
        times, levels = curve([(one.start, one.start + one.take.seconds) for one in mix.spoken])
        return cls(takes, times, 10 ** ((bed + levels) / 20))


def curve(speech: Sequence[tuple[float, float]]) -> tuple[NDArray[float64], NDArray[float64]]:
    """(seconds, dB): the music's level over time; 0 under speech, LIFT elsewhere, with soft shoulders between."""
    joined: list[list[float]] = []
    for start, end in sorted(speech):
        if joined and start - joined[-1][1] < PAUSE:
            joined[-1][1] = max(joined[-1][1], end)
        else:
            joined.append([start, end])
    if not joined:
        return np.zeros(1), np.full(1, LIFT)
    shape = 0.5 - 0.5 * np.cos(np.linspace(0, np.pi, 9))
    times, levels = [-1.0 - AHEAD], [LIFT]
    for start, end in joined:
        times += [*(start - AHEAD + AHEAD * np.linspace(0, 1, 9)), *(end + BEHIND * np.linspace(0, 1, 9))]
        levels += [*(LIFT * (1 - shape)), *(LIFT * shape)]
    return np.maximum.accumulate(np.array(times)), np.array(levels)


def blocks(mix: Mix, gains: Gains, tick: Tick) -> Iterator[Sound]:
    """The mix before its master gain, in blocks of ten seconds."""
    for start in range(0, mix.samples, BLOCK):
        tick(start / mix.samples)
        size = min(BLOCK, mix.samples - start)
        sound = np.zeros((size, 2), np.float32)
        if mix.music is not None:
            bed = _read(mix.music, 2, start, size)
            at = (start + np.arange(0, size + 480, 480)) / RATE
            factor = np.interp(np.arange(size), np.arange(0, size + 480, 480), np.interp(at, gains.at, gains.music))
            sound[: len(bed)] += bed * factor[: len(bed), None].astype(np.float32)
        for one, gain in zip(mix.spoken, gains.takes, strict=True):
            first = round(one.start * RATE)
            begin, end = max(start, first), min(start + size, first + round(one.take.seconds * RATE))
            if begin < end:
                voice = _read(one.take.path, 1, begin - first, end - begin) * np.float32(gain)
                sound[begin - start : begin - start + len(voice)] += voice
        yield sound


def _mastered(sound: Iterator[Sound], gain: float, heard: Meter) -> Iterator[Sound]:
    limiter, factor = Limiter(CEILING), np.float32(_factor(gain))
    for block in sound:
        if (done := limiter.feed(block * factor)) is not None:
            heard.feed(done)
            yield done
    if (done := limiter.feed(None)) is not None:
        heard.feed(done)
        yield done


def _encode(mix: Mix, sound: Iterator[Sound], out: Path) -> None:
    wav = ["-f", "f32le", "-ar", RATE, "-ac", 2, "-i", "pipe:0"]
    aac = ["-c:a", "aac", "-b:a", "192k", "-threads", "1", "-fflags", "+bitexact", "-map_metadata", "-1"]
    ffmpeg.write([*wav, *aac, "-f", "mp4", out], (memoryview(np.ascontiguousarray(block)).cast("B") for block in sound))


def _silence(samples: int) -> Iterator[Sound]:
    for start in range(0, samples, BLOCK):
        yield np.zeros((min(BLOCK, samples - start), 2), np.float32)


def _factor(decibel: float) -> float:
    return float(10 ** (decibel / 20)) if abs(decibel) < 200 else 1.0


def _loudness(path: Path, channels: int) -> float:
    meter, start = Meter(), 0
    while len(block := _read(path, channels, start, BLOCK)):
        meter.feed(np.repeat(block, 3 - channels, axis=1))
        start += len(block)
    return meter.loudness()


def _read(path: Path, channels: int, start: int, count: int) -> Sound:
    with wave.open(str(path), "rb") as file:
        if start >= file.getnframes():
            return np.zeros((0, channels), np.float32)
        file.setpos(start)
        raw = np.frombuffer(file.readframes(count), "<i2").reshape(-1, channels)
    return raw.astype(np.float32) / 32768


def own(path: Path, channels: int, out: Path, seconds: float | None = None) -> None:
    """Somebody's sound file to a 48 kHz WAV; with `seconds`, looped or cut to that length, with soft ends.

    What the file is, its first bytes tell; it is given to that one demuxer. The folder of `out` is ours to write in.
    FilmError if it is no sound.
    """
    with path.open("rb") as file:
        head = file.read(12)
    kind = next((demuxer for magic, demuxer in SOUNDS.items() if head.startswith(magic)), "")
    kind = "wav" if head[:4] == b"RIFF" and head[8:] == b"WAVE" else "mov" if head[4:8] == b"ftyp" else kind
    if not kind:
        raise FilmError("The file is not a sound that can be read.", "Use WAV, MP3, M4A, AAC, FLAC, OGG or Opus.")
    given = out.parent / "given"
    if given.exists():
        given.unlink()
    linked(path.resolve(), given)
    shape: list[str | int | Path] = []
    if seconds is not None:
        fade = min(2.0, seconds / 4)
        shape = ["-t", f"{seconds:.6f}", "-af", f"apad,atrim=0:{seconds:.6f},afade=t=in:d=0.05,afade=t=out:st={seconds - fade:.6f}:d={fade:.6f}"]
    loop = ["-stream_loop", "-1"] if seconds is not None else []
    guard = ["-protocol_whitelist", "file", "-format_whitelist", "wav,mp3,flac,ogg,aac,mov"]
    try:
        ffmpeg.run([*loop, *guard, "-f", kind, "-i", given, "-vn", "-map", "0:a:0", "-ar", RATE, "-ac", channels, *shape, "-c:a", "pcm_s16le", "-f", "wav", out])
    except FilmError as error:
        raise FilmError("The sound file is damaged or not complete.", "Save it anew, or choose another.") from error


def seconds(path: Path) -> float:
    """How long a WAV is."""
    with wave.open(str(path), "rb") as file:
        return file.getnframes() / file.getframerate()
