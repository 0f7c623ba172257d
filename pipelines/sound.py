"""Takes and music -> one unbroken mix: the music makes way for the voice, the whole is as loud as films online are.

Knows when everything is heard, not how it was made. Works in blocks, so the length of a film costs no memory.
"""

from __future__ import annotations

import wave
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import log10
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from . import ffmpeg
from .loudness import RATE as RATE
from .loudness import VOICE as VOICE
from .loudness import Limiter, Meter, peaks, ramped, tamed
from .timeline import Spoken
from .vault import Notes, linked
from .work import FilmError, Tick, part

if TYPE_CHECKING:
    from numpy import float32, float64, int16
    from numpy.typing import NDArray

    Sound = NDArray[float32]

VERSION = 4
TARGET, TOLERANCE, ATTEMPTS = -14.0, 0.6, 4  # LUFS
PEAK, CEILING = -1.0, -2.4  # dBTP: as it is heard, and before AAC, which overshoots a little
USUAL_LOSS = 1.0  # dB of loudness that limiting takes away
LIFT = 7.0  # dB that the music rises where nobody speaks
SILENCE = float("-inf")
AHEAD, BEHIND, PAUSE = 0.4, 1.1, 2.0  # s: the music goes down before speech, comes up after; a shorter pause is none
BLOCK = RATE * 5
HOLD = 480  # samples between two values of the music's level, which are joined by straight lines
LONGEST = 1800.0  # seconds of somebody's own sound
MOST_GAIN = 40.0  # dB: near silence stays near silence
SOUNDS = {  # how a sound file begins -> the demuxer that it is given to, and to no other
    b"ID3": "mp3",
    b"\xff\xfa": "mp3",
    b"\xff\xfb": "mp3",
    b"\xff\xe3": "mp3",
    b"\xff\xf3": "mp3",
    b"\xff\xf2": "mp3",
    b"fLaC": "flac",
    b"OggS": "ogg",
    b"\xff\xf1": "aac",
    b"\xff\xf9": "aac",
}


@dataclass(frozen=True, slots=True)
class Own:
    """A video's own sound: a 48 kHz stereo WAV, heard from sample `first` on for `samples`, `gain` dB louder than it is.

    `under`: it makes way for the voice as music does; else the music makes way for it. `ends`: samples in which it swells
    and fades.
    """

    path: Path
    first: int
    samples: int
    gain: float
    under: bool
    ends: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Mix:
    """What is heard: `music` is a 48 kHz stereo WAV as long as the film, `loud` its loudness in LUFS, `level` how many
    dB it lies under the voice; `own`: what videos bring along."""

    samples: int
    spoken: tuple[Spoken, ...]
    music: Path | None
    level: float
    loud: float = SILENCE
    own: tuple[Own, ...] = ()

    @property
    def speech(self) -> list[tuple[float, float]]:
        """When the music makes way, in seconds."""
        said = [(one.start, one.start + one.take.seconds) for one in self.spoken]
        return said + [(one.first / RATE, (one.first + one.samples) / RATE) for one in self.own if not one.under]


def render(mix: Mix, out: Path, tick: Tick) -> Notes:
    """The mix as AAC in an MP4 of exactly its length. -> notes with its loudness in LUFS and true peak in dB."""
    if not mix.spoken and not mix.own and mix.music is None:
        _encode(_silence(mix.samples), out)
        return {"loudness": None, "peak": None}
    bed = _bed(mix)
    meter = Meter()
    for block in blocks(mix, bed, part(tick, 0, 0.3)):
        meter.feed(block)
    loud = meter.loudness()
    gain = min(MOST_GAIN, TARGET - loud + USUAL_LOSS) if loud > SILENCE else 0.0
    ceiling = CEILING
    for _ in range(ATTEMPTS):  # limiting takes a little loudness away, which the next attempt gives back
        _encode(_mastered(blocks(mix, bed, part(tick, 0.3, 1.0)), gain, ceiling), out)
        heard, top = _heard(out)
        short, over = TARGET - heard, top - PEAK
        if (abs(short) <= TOLERANCE or gain >= MOST_GAIN or loud == SILENCE) and over <= 0:
            break
        gain = min(MOST_GAIN, gain + 1.6 * short) if abs(short) > TOLERANCE and loud > SILENCE else gain
        ceiling -= max(0.0, over + 0.2) if over > 0 else 0.0
    return {"loudness": round(TARGET - short, 2) if loud > SILENCE else None, "peak": round(over + PEAK, 2)}


def level(raw: Path, out: Path) -> None:
    """Somebody's own recording as loud as every other take, its peaks tamed."""
    meter = Meter()
    for block in _blocks(raw, 1):
        meter.feed(block)
    with wave.open(str(out), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        for block in tamed(_blocks(raw, 1), meter.loudness()):
            file.writeframes((block * 32767).round().astype("<i2").tobytes())


def _bed(mix: Mix) -> tuple[NDArray[float64], NDArray[float64]]:
    """The music's factor over time: (seconds, factor)."""
    if mix.music is None:
        return np.zeros(1), np.ones(1)
    times, levels = curve(mix.speech)
    return times, _factors((VOICE - mix.level - mix.loud if mix.loud > SILENCE else 0.0) + levels)


def loudness(path: Path) -> float:
    """The loudness of a stereo WAV of ours, in LUFS; minus infinity for silence."""
    meter = Meter()
    for block in _blocks(path, 2):
        meter.feed(block)
    return meter.loudness()


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


def blocks(mix: Mix, bed_curve: tuple[NDArray[float64], NDArray[float64]], tick: Tick) -> Iterator[Sound]:
    """The mix before its master gain, in blocks of five seconds."""
    times, levels = curve([(one.start, one.start + one.take.seconds) for one in mix.spoken])
    ducked = times, _factors(levels)
    for start in range(0, mix.samples, BLOCK):
        tick(start / mix.samples)
        size = min(BLOCK, mix.samples - start)
        sound = np.zeros((size, 2), np.float32)
        if mix.music is not None:
            bed = _read(mix.music, 2, start, size)
            at = (start + (np.arange(-1, -(-size // HOLD) + 1) + 0.5) * HOLD) / RATE
            sound[: len(bed)] = bed * ramped(np.interp(at, *bed_curve), HOLD)[: len(bed), None]
        for own in mix.own:
            _add(own, sound, start, ducked)
        for one in mix.spoken:
            first = round(one.start * RATE)
            begin, end = max(start, first), min(start + size, first + round(one.take.seconds * RATE))
            if begin < end:
                voice = _read(one.take.path, 1, begin - first, end - begin)
                sound[begin - start : begin - start + len(voice)] += voice
        yield sound


def _add(own: Own, sound: Sound, start: int, ducked: tuple[NDArray[float64], NDArray[float64]]) -> None:
    """Put what is heard of it into the block that begins at sample `start`."""
    begin, end = max(start, own.first), min(start + len(sound), own.first + own.samples)
    if begin >= end:
        return
    heard = _read(own.path, 2, begin - own.first, end - begin)
    at = np.arange(begin - own.first, begin - own.first + len(heard))
    ends = np.minimum((at + 1) / max(1, own.ends[0]), (own.samples - at) / max(1, own.ends[1])).clip(0, 1)
    factor = ends * _factors(own.gain)
    if own.under:
        factor = factor * np.interp((own.first + at) / RATE, *ducked)
    sound[begin - start : begin - start + len(heard)] += (heard * factor[:, None]).astype(np.float32)


def _mastered(sound: Iterator[Sound], gain: float, ceiling: float) -> Iterator[Sound]:
    limiter, factor = Limiter(ceiling), np.float32(_factors(gain))
    for block in sound:
        if (done := limiter.feed(block * factor)) is not None:
            yield done
    if (done := limiter.feed(None)) is not None:
        yield done


def _encode(sound: Iterator[Sound], out: Path) -> None:
    wav: list[str | int] = ["-f", "f32le", "-ar", RATE, "-ac", 2, "-i", "pipe:0"]
    aac = ["-c:a", "aac", "-aac_coder", "fast", "-b:a", "192k", "-threads", "1", "-fflags", "+bitexact", "-map_metadata", "-1"]
    ffmpeg.write([*wav, *aac, "-f", "mp4", out], (np.ascontiguousarray(block).tobytes() for block in sound))


def _heard(path: Path) -> tuple[float, float]:
    """(loudness in LUFS, true peak in dB) of what a player will hear: AAC takes away what is very high."""
    args: list[str | int | Path] = ["-f", "mov", "-i", path, "-f", "f32le", "-ar", RATE, "-ac", 2, "pipe:1"]
    meter, top = Meter(), 1e-9
    for raw in ffmpeg.read(args, BLOCK * 8):
        block = np.frombuffer(raw, "<f4").reshape(-1, 2)
        meter.feed(block)
        top = max(top, float(np.abs(block).max(initial=0)))
        top = max(top, float(peaks(block, top).max(initial=0)))
    return meter.loudness(), 20 * log10(top)


def _silence(samples: int) -> Iterator[Sound]:
    for start in range(0, samples, BLOCK):
        yield np.zeros((min(BLOCK, samples - start), 2), np.float32)


def _factors(decibel: NDArray[float64] | float) -> NDArray[float64]:
    return np.asarray(10.0 ** (np.asarray(decibel) / 20))


def _blocks(path: Path, channels: int) -> Iterator[Sound]:
    start = 0
    while len(block := _read(path, channels, start, BLOCK)):
        yield block
        start += len(block)


def _read(path: Path, channels: int, start: int, count: int) -> Sound:
    """Samples of a 16-bit WAV, from `start`; fewer at its end, and none past it."""
    samples = _samples(path, channels)[start : start + count]
    return np.asarray(samples, np.float32) / np.float32(32768)


def _samples(path: Path, channels: int) -> NDArray[int16]:
    """The WAV as it lies on disk; RF64, for what is longer than 4 GB, too."""
    with path.open("rb") as file:
        at = file.read(256).find(b"data") + 8
    whole = (path.stat().st_size - at) // (2 * channels)
    return np.memmap(path, "<i2", "r", at, (whole, channels)) if whole else np.zeros((0, channels), np.int16)


def own(path: Path, channels: int, out: Path, seconds: float | None = None) -> None:
    """Somebody's sound file to a 48 kHz WAV; with `seconds`, looped or cut to that length, with soft ends.

    What the file is, its first bytes tell; it is given to that one demuxer. The folder of `out` is ours to write in.
    FilmError if it is no sound.
    """
    kind = _kind(path)
    given, plain = out.with_name("given"), out.with_name("plain.wav")
    given.unlink(missing_ok=True)
    linked(path.resolve(), given)
    guard = ["-protocol_whitelist", "file", "-format_whitelist", "wav,mp3,flac,ogg,aac,mov", "-f", kind]
    most = LONGEST if seconds is None else seconds
    # no note of theirs comes along: a WAV's own reader looks for its data behind them
    wav: list[str | int | Path] = ["-ac", channels, "-ar", RATE, "-c:a", "pcm_s16le", "-map_metadata", "-1", "-fflags", "+bitexact", "-f", "wav"]
    try:
        ffmpeg.run([*guard, "-i", given, "-vn", "-map", "0:a:0", "-t", f"{most + 1:.6f}", *wav, plain])
    except FilmError as error:
        raise FilmError("The sound file is damaged or not complete.", "Save it anew, or choose another.") from error
    found = len(_samples(plain, channels)) / RATE
    if not found:  # nothing can be repeated without end
        raise FilmError("There is no sound in the file.", "Save it anew, or choose another.")
    if seconds is None:
        if found > LONGEST:
            raise FilmError(f"The sound is longer than {LONGEST / 60:g} minutes.", "Cut it, or choose another.")
        plain.replace(out)
        return
    fade = min(2.0, seconds / 4)
    ends = f"afade=t=in:d={min(0.05, fade)},afade=t=out:st={seconds - fade:.6f}:d={fade:.6f}"
    loop: list[str | int | Path] = ["-stream_loop", "-1", "-f", "wav", "-i", plain, "-t", f"{seconds:.6f}"]
    ffmpeg.run([*loop, "-af", f"apad,atrim=0:{seconds:.6f},{ends}", *wav, out])
    plain.unlink()


def _kind(path: Path) -> str:
    """The demuxer for a sound file, from its first bytes; FilmError if it is none."""
    if path.exists() and not path.is_file():  # a pipe would be waited for without end
        raise FilmError("That is not a file.", "Choose a sound file.")
    try:
        with path.open("rb") as file:
            head = file.read(12)
    except OSError as error:
        raise FilmError(f"The sound file cannot be read: {error.strerror}.", "Choose another.") from error
    if head[:4] == b"RIFF" and head[8:] == b"WAVE":
        return "wav"
    kind = "mov" if head[4:8] == b"ftyp" else next((name for magic, name in SOUNDS.items() if head.startswith(magic)), "")
    if not kind:
        raise FilmError("The file is not a sound that can be read.", "Use WAV, MP3, M4A, AAC, FLAC, OGG or Opus.")
    return kind


def samples(path: Path, channels: int) -> NDArray[int16]:
    """The samples of a WAV of ours, (n, channels), read as they are needed."""
    return _samples(path, channels)


def seconds(path: Path) -> float:
    """How long a mono WAV of ours is."""
    return len(_samples(path, 1)) / RATE
