"""Sound by measuring: how loud, how high its peaks, what makes way for what, and which files are sound at all."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pipelines import ffmpeg, sound
from pipelines.loudness import RATE, VOICE, Limiter, Meter
from pipelines.sound import Mix
from pipelines.timeline import Spoken, Take
from pipelines.work import FilmError, idle

from . import measure
from .test_pictures import disguises

Sound = NDArray[Any]


def time(seconds: float) -> Sound:
    return np.arange(round(seconds * RATE)) / RATE


def tone(hertz: float, seconds: float, level: float = 0.2) -> Sound:
    return level * np.sin(2 * np.pi * hertz * time(seconds))


def hiss(seconds: float, level: float = 0.1) -> Sound:
    return np.random.default_rng(1).normal(0, level, round(seconds * RATE))


def talk(seconds: float, level: float = 0.1) -> Sound:
    """Something like speech: syllables and short rests."""
    beat = np.clip(np.sin(2 * np.pi * 3.1 * time(seconds)) + 0.4, 0, 1) * (np.sin(2 * np.pi * 0.45 * time(seconds)) > -0.8)
    return hiss(seconds, level) * beat


def hum(seconds: float) -> Sound:
    """A voice without sudden peaks, all of it far above the music's marker tone."""
    beat = 0.5 + 0.5 * np.sin(2 * np.pi * 2.3 * time(seconds)).clip(-0.9, 1)
    return sum(tone(hertz, seconds, 0.05) for hertz in (1830, 2310, 2890)) * beat


def loudness(samples: Sound) -> float:
    meter = Meter()
    meter.feed(np.asarray(samples if samples.ndim == 2 else samples[:, None], np.float32))
    return meter.loudness()


# The meter -------------------------------------------------------------------------------------------------------------


def both(left: Sound, right: Sound | None = None) -> Sound:
    return np.stack([left, left if right is None else right], -1)


SIGNALS = {
    "tone": both(tone(997, 4, 0.1)),
    "bass": both(tone(45, 4, 0.5)),
    "treble": both(tone(9000, 4, 0.3)),
    "hiss": both(hiss(5)),
    "talk": both(talk(6)),
    "one side": both(hiss(4), np.zeros(4 * RATE)),
    "two sides": both(hiss(4, 0.2), tone(300, 4, 0.02)),
    "long rests": both(np.concatenate([talk(3, 0.2), np.zeros(5 * RATE), talk(2, 0.02)])),
    "short": both(hiss(0.7)),
}


@pytest.mark.parametrize("name", SIGNALS)
def test_the_meter_agrees_with_ffmpegs(name: str, tmp_path: Path) -> None:
    path = measure.wav(tmp_path / "a.wav", SIGNALS[name])
    assert loudness(SIGNALS[name]) == pytest.approx(measure.ebur128(path, "wav")[0], abs=0.11)


def test_one_channel_is_heard_from_both_sides() -> None:
    assert loudness(talk(4)) == pytest.approx(loudness(both(talk(4))), abs=0.01)


def test_silence_has_no_loudness() -> None:
    assert loudness(np.zeros((RATE, 2))) == loudness(np.zeros((0, 2))) == loudness(hiss(0.3)) == float("-inf")


def test_the_meter_does_not_mind_how_it_is_fed() -> None:
    samples = np.asarray(SIGNALS["long rests"], np.float32)
    drawn = np.random.default_rng(2)
    for most in (900, 50_000, 200_000):
        meter, at = Meter(), 0
        while at < len(samples):
            size = int(drawn.integers(1, most))
            meter.feed(samples[at : at + size])
            at += size
        assert meter.loudness() == pytest.approx(loudness(samples), abs=0.01)


# The limiter -----------------------------------------------------------------------------------------------------------


def limited(samples: Sound, ceiling: float, block: int) -> Sound:
    limiter, out = Limiter(ceiling), []
    shaped = np.asarray(samples if samples.ndim == 2 else samples[:, None], np.float32)
    for start in range(0, len(shaped), block):
        if (done := limiter.feed(shaped[start : start + block])) is not None:
            out.append(done)
    if (done := limiter.feed(None)) is not None:
        out.append(done)
    return np.concatenate(out)


LOUD = {
    "hiss": both(hiss(3, 0.6)),
    "bursts": both(np.where(time(3) % 0.5 < 0.01, 3.0, 0.05) * hiss(3, 1.0)),
    "between samples": both(1.2 * np.sin(2 * np.pi * (RATE / 4) * time(2) + np.pi / 4)),
    "clipped": both(np.clip(tone(220, 2, 4.0), -1, 1)),
    "one side": both(tone(80, 2, 2.0), tone(3000, 2, 0.01)),
    "click": both(np.concatenate([np.zeros(RATE // 2), [2.0], np.zeros(RATE // 2)])),
}


# By so much ffmpeg's finer filter finds more between the samples: in white noise, and where a tone begins at once.
FINER = {"hiss": 0.7, "bursts": 0.4, "between samples": 0.6, "click": 0.4}


@pytest.mark.parametrize("name", LOUD)
@pytest.mark.parametrize("block", [4800, 48_000])
def test_the_limiter_holds_its_ceiling(name: str, block: int, tmp_path: Path) -> None:
    done = limited(LOUD[name], -2.4, block)
    assert done.shape == LOUD[name].shape
    assert np.abs(done).max() <= 10 ** (-2.4 / 20) + 1e-6
    raw = tmp_path / "a.wav"
    assert measure.ebur128(measure.wav(raw, done), "wav")[1] <= -2.4 + FINER.get(name, 0.1)


@pytest.mark.parametrize("name", LOUD)
def test_the_limiter_does_not_mind_the_blocks(name: str) -> None:
    whole = limited(LOUD[name], -2.4, len(LOUD[name]) // 48 * 48)
    for block in (960, 4800, 33_600):
        assert np.abs(limited(LOUD[name], -2.4, block) - whole).max() < 0.02


def test_what_is_quiet_enough_is_not_touched() -> None:
    for samples in (both(hiss(2, 0.05)), both(tone(440, 2, 0.7)), talk(2, 0.05)[:, None]):
        given = np.asarray(samples, np.float32)
        assert (limited(given, -2.4, 48_000) == given).all()


def test_the_limiter_leaves_alone_what_is_far_from_a_peak() -> None:
    samples = np.asarray(both(hiss(2, 0.02)), np.float32)
    samples[RATE] = 2.0
    done = limited(samples, -2.4, 48_000)
    far = np.r_[0 : RATE - RATE // 20, RATE + RATE // 20 : 2 * RATE]
    assert (done[far] == samples[far]).all()
    assert np.abs(done[RATE]).max() < 0.8


def test_the_limiter_turns_down_softly() -> None:
    samples = np.asarray(both(tone(100, 1, 0.5) + np.where(abs(time(1) - 0.5) < 0.002, 1.0, 0)), np.float32)
    done = limited(samples, -2.4, 48_000)
    quiet = np.abs(samples[:, 0]) > 0.05
    gain = done[quiet, 0] / samples[quiet, 0]
    assert gain.min() < 0.7
    assert np.abs(np.diff(gain)).max() < 0.02


# Takes -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "raw",
    [talk(4, 0.003), talk(4, 0.1), np.clip(talk(4, 2.0), -1, 1), np.clip(tone(150, 4, 9.0), -1, 1) * talk(4, 1.0).clip(0, 0.9), talk(0.6, 0.1)],
    ids=["very quiet", "usual", "clipped", "rough", "short"],
)
def test_takes_are_equally_loud(raw: Sound, tmp_path: Path) -> None:
    sound.level(measure.wav(tmp_path / "raw.wav", raw), tmp_path / "take.wav")
    done = measure.sound(tmp_path / "take.wav", "wav", 1)
    assert len(done) == len(raw)
    assert loudness(done) == pytest.approx(VOICE, abs=1.0)
    assert np.abs(done).max() < 0.7


def test_a_silent_take_stays_silent(tmp_path: Path) -> None:
    sound.level(measure.wav(tmp_path / "raw.wav", np.zeros(RATE)), tmp_path / "take.wav")
    done = measure.sound(tmp_path / "take.wav", "wav", 1)
    assert len(done) == RATE and not done.any()


# The mix ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def stage(tmp_path: Path) -> Any:
    """Puts a mix together: (seconds of film, [(start, length)] of speech, music) -> its file."""

    def play(seconds: float, speech: list[tuple[float, float]], music: Sound | None, level: float = 14.0, voice: Any = talk) -> Path:
        spoken = []
        for i, (start, length) in enumerate(speech):
            sound.level(measure.wav(tmp_path / "raw.wav", voice(length)), tmp_path / f"take{i}.wav")
            spoken.append(Spoken(i, start, Take(tmp_path / f"take{i}.wav", length, (), "somebody")))
        heard = measure.wav(tmp_path / "music.wav", music) if music is not None else None
        sound.render(Mix(round(seconds * RATE), tuple(spoken), heard, level, sound.loudness(heard) if heard else sound.SILENCE), tmp_path / "mix.m4a", idle)
        return tmp_path / "mix.m4a"

    return play


def chords(seconds: float, level: float = 0.1) -> Sound:
    notes = sum(tone(hertz, seconds, level) for hertz in (131, 196, 262, 330, 523))
    return both(notes * (1 + 0.5 * np.sin(2 * np.pi * 2 * time(seconds))), notes)


@pytest.mark.parametrize(
    ("seconds", "speech", "music"),
    [
        (9.25, [(0.4, 3.0), (5.0, 3.1)], chords(9.25)),
        (6.0, [(0.4, 5.0)], None),
        (7.37, [], chords(7.37, 0.001)),
        (6.0, [(1.0, 2.0)], chords(6.0, 0.19)),
        (1.5, [(0.4, 0.7)], chords(1.5)),
        (6.0, [], both(np.clip(hiss(6, 2.0), -1, 1))),
    ],
    ids=["both", "speech", "soft music", "loud music", "short", "noise"],
)
def test_a_film_is_as_loud_as_films_are(seconds: float, speech: list[tuple[float, float]], music: Sound | None, stage: Any) -> None:
    path = stage(seconds, speech, music)
    loud, peak = measure.ebur128(path)
    assert loud == pytest.approx(-14, abs=1)
    assert peak <= -1
    assert len(measure.sound(path)) == round(seconds * RATE)


def test_without_a_voice_and_music_the_track_is_silent(stage: Any, tmp_path: Path) -> None:
    path = stage(3.1, [], None)
    heard = measure.sound(path)
    assert len(heard) == round(3.1 * RATE) and not heard.any()


def test_silent_music_stays_silent(stage: Any) -> None:
    heard = measure.sound(stage(2.0, [], np.zeros((2 * RATE, 2))))
    assert len(heard) == 2 * RATE and np.abs(heard).max() < 1e-4


def marker(path: Path, hertz: float = 440.0, window: float = 0.1) -> Sound:
    """The level of one tone over time, in dB, a value each `window` seconds."""
    heard = measure.sound(path)[:, 0]
    size = round(window * RATE)
    pieces = heard[: len(heard) // size * size].reshape(-1, size)
    waves = np.exp(-2j * np.pi * hertz * np.arange(size) / RATE) * np.hanning(size)
    return 20 * np.log10(np.abs(pieces @ waves) + 1e-9)


def test_music_makes_way_for_the_voice_and_comes_back(stage: Any) -> None:
    levels = marker(stage(16.0, [(5.0, 4.0)], both(tone(440, 16, 0.1)), voice=hum))
    before, under, after = levels[10:43], levels[51:89], levels[104:155]
    assert before.mean() - under.mean() == pytest.approx(sound.LIFT, abs=1.0)
    assert after.mean() == pytest.approx(before.mean(), abs=0.5)
    assert np.ptp(before) < 1 and np.ptp(under) < 2.5 and np.ptp(after) < 1
    assert np.abs(np.diff(levels[2:-2])).max() < 4.5  # no step: it goes down in 0.4 s and comes up in a second
    assert (levels[48:50] < before.mean() - 3).all()  # it is down when the first word is said


def test_music_does_not_pump_in_short_pauses(stage: Any) -> None:
    levels = marker(stage(16.0, [(4.0, 2.0), (7.5, 2.0), (10.8, 1.5)], both(tone(440, 16, 0.1)), voice=hum))
    assert np.ptp(levels[41:122]) < 2.5
    pauses = [levels[a:b].mean() for a, b in ((62, 73), (97, 106))]
    assert all(level == pytest.approx(levels[44:58].mean(), abs=1.2) for level in pauses)


def test_the_music_lies_as_deep_as_asked(stage: Any) -> None:
    levels = [marker(stage(8.0, [(1.0, 6.0)], both(tone(440, 8, 0.1)), level, voice=hum))[15:65].mean() for level in (8, 14, 20)]
    assert levels[0] - levels[1] == pytest.approx(6, abs=1.2) and levels[1] - levels[2] == pytest.approx(6, abs=1.2)


def test_speech_stands_where_it_was_put(stage: Any) -> None:
    heard = measure.sound(stage(6.0, [(2.0, 2.0)], None))[:, 0]
    loud = np.flatnonzero(np.abs(heard) > 0.02)
    assert loud[0] / RATE == pytest.approx(2.0, abs=0.02)
    assert loud[-1] / RATE <= 4.03


def test_the_same_bytes_again(stage: Any, tmp_path: Path) -> None:
    first = stage(3.0, [(0.5, 2.0)], chords(3)).read_bytes()
    assert stage(3.0, [(0.5, 2.0)], chords(3)).read_bytes() == first


@pytest.mark.parametrize("speech", [[], [(1.0, 2.0)], [(1, 2), (4, 5)], [(1, 2), (4.5, 6)], [(0, 1)], [(1, 5), (2, 3)]])
def test_the_curve_never_jumps(speech: list[tuple[float, float]]) -> None:
    times, levels = sound.curve(speech)
    assert len(times) == len(levels)
    assert all(a <= b for a, b in pairwise(times))
    drawn = np.interp(np.arange(0, 10, 0.01), times, levels)
    assert drawn.min() >= 0 and drawn.max() <= sound.LIFT
    assert np.abs(np.diff(drawn)).max() < 0.3
    for start, end in speech:
        assert np.abs(np.interp(np.linspace(start, end, 50), times, levels)).max() < 0.01


# Own files -------------------------------------------------------------------------------------------------------------


KINDS = {
    "wav": ("pcm_s16le", "wav"),
    "deep.wav": ("pcm_s24le", "wav"),
    "mp3": ("libmp3lame", "mp3"),
    "flac": ("flac", "flac"),
    "ogg": ("libvorbis", "ogg"),
    "opus": ("libopus", "ogg"),
    "m4a": ("aac", "mp4"),
    "aac": ("aac", "adts"),
}


def recorded(path: Path, codec: str, muxer: str, samples: Sound, rate: int = 44_100, *more: str) -> Path:
    plain = measure.wav(path.with_name("plain-source.wav"), samples)
    ffmpeg.run(["-f", "wav", "-i", plain, "-ar", 48_000 if codec == "libopus" else rate, "-c:a", codec, *more, "-f", muxer, path])
    return path


def pitch(samples: Sound) -> float:
    return float(np.abs(np.fft.rfft(samples)).argmax() * RATE / len(samples))


@pytest.mark.parametrize("suffix", KINDS)
def test_every_kind_of_sound_file(suffix: str, tmp_path: Path) -> None:
    path = recorded(tmp_path / f"own.{suffix}", *KINDS[suffix], both(tone(440, 2)))
    sound.own(path, 1, tmp_path / "out.wav")
    heard = measure.sound(tmp_path / "out.wav", "wav", 1)[:, 0]
    assert len(heard) / RATE == pytest.approx(2, abs=0.1)
    assert pitch(heard) == pytest.approx(440, abs=2)
    assert np.abs(heard[RATE // 2 : RATE]).max() == pytest.approx(0.2, abs=0.02)
    assert sound.seconds(tmp_path / "out.wav") == len(heard) / RATE


def test_notes_in_the_file_do_not_matter(tmp_path: Path) -> None:
    titled = ("-metadata", "title=data data data", "-metadata", "comment=" + "data" * 500, "-id3v2_version", "3")
    path = recorded(tmp_path / "own.mp3", "libmp3lame", "mp3", both(tone(440, 1)), 44_100, *titled)
    sound.own(path, 1, tmp_path / "out.wav")
    assert sound.seconds(tmp_path / "out.wav") == pytest.approx(1, abs=0.1)
    sound.level(tmp_path / "out.wav", tmp_path / "take.wav")
    assert pitch(measure.sound(tmp_path / "take.wav", "wav", 1)[:, 0]) == pytest.approx(440, abs=2)


@pytest.mark.parametrize(("has", "wants"), [(1.0, 3.3), (10.0, 3.0), (3.0, 3.0), (0.05, 1.0), (2.0, 0.04)])
def test_own_music_is_as_long_as_the_film(has: float, wants: float, tmp_path: Path) -> None:
    path = recorded(tmp_path / "own.flac", "flac", "flac", both(tone(440, has)), 48_000)
    sound.own(path, 2, tmp_path / "out.wav", wants)
    heard = measure.sound(tmp_path / "out.wav", "wav")
    assert len(heard) == round(wants * RATE)
    assert np.abs(heard[-20:]).max() < 0.01  # it fades away
    if wants > 0.5:
        steps = np.abs(heard[RATE // 5 : round((wants - 0.8) * RATE), 0])
        loud = steps[: len(steps) // 4800 * 4800].reshape(-1, 4800).max(1)
        assert loud.size == 0 or loud.min() > 0.1  # and has no hole where it begins again
        assert np.abs(heard[:100]).max() < 0.1


@pytest.mark.parametrize("name", ["it's, [odd].mp3", "-i.mp3", "two\nlines.mp3", "\u202e3pm.mp3", "%d.mp3", "concat:a|b.mp3"], ids=ascii)
def test_any_name(name: str, tmp_path: Path) -> None:
    path = recorded(tmp_path / "own.mp3", "libmp3lame", "mp3", both(tone(440, 1))).rename(tmp_path / name)
    before = path.read_bytes()
    sound.own(path, 2, tmp_path / "out.wav", 1.0)
    assert path.read_bytes() == before


def test_no_disguise_is_opened(tmp_path: Path) -> None:
    content = disguises(tmp_path)
    measure.video(tmp_path / "canary.mp4", [np.zeros((72, 128, 3), np.uint8)] * 24, 24, tone=1000)
    (tmp_path / "work").mkdir()
    for kind, data in content.items():
        for ending in ("mp3", "wav", "m4a", "ogg", "flac", "m3u8", "aac", ""):
            path = tmp_path / (f"{kind}.{ending}" if ending else kind)
            for head in (b"", b"ID3\x04\0\0\0\0\0\0", b"OggS", b"fLaC", b"\xff\xfb\x90\x64", b"RIFF\xff\xff\0\0WAVE") if ending == "mp3" else (b"",):
                path.write_bytes(head + data)
                for seconds in (None, 1.0):
                    with pytest.raises(FilmError) as raised:
                        sound.own(path, 2, tmp_path / "work/out.wav", seconds)
                    assert raised.value.hint
    assert not (tmp_path / "work/out.wav").exists()


def wave_header(size: int) -> bytes:
    return b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x80\xbb\0\0\0\x77\x01\0\x02\0\x10\0data" + size.to_bytes(4, "little")


@pytest.mark.parametrize(
    "content",
    [b"", bytes(3000), b"<html><body>404</body></html>", wave_header(0), wave_header(1 << 30), b"ID3" + bytes(50), b"\xff\xfb\x90\x64"],
    ids=["empty", "zeros", "page", "no samples", "promised only", "id3 only", "one header"],
)
def test_what_holds_no_sound_is_refused(content: bytes, tmp_path: Path) -> None:
    """Soon, too: nothing is not repeated until the film is full."""
    (tmp_path / "a.wav").write_bytes(content)
    for seconds in (None, 5.0):
        with pytest.raises(FilmError):
            sound.own(tmp_path / "a.wav", 2, tmp_path / "out.wav", seconds)


@pytest.mark.parametrize("suffix", KINDS)
def test_a_file_that_was_cut_off_gives_what_is_there_or_is_refused(suffix: str, tmp_path: Path) -> None:
    path = recorded(tmp_path / f"own.{suffix}", *KINDS[suffix], both(tone(440, 2)))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    if suffix in ("m4a", "ogg"):
        with pytest.raises(FilmError, match="damaged"):
            sound.own(path, 1, tmp_path / "out.wav")
        return
    sound.own(path, 1, tmp_path / "out.wav")
    assert 0.5 < sound.seconds(tmp_path / "out.wav") < 1.6


def test_a_sound_of_many_hours_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sound, "LONGEST", 3.0)
    path = recorded(tmp_path / "own.flac", "flac", "flac", both(tone(440, 9)))
    with pytest.raises(FilmError, match="longer than"):
        sound.own(path, 1, tmp_path / "out.wav")
    sound.own(path, 2, tmp_path / "out.wav", 5.0)  # music is cut instead
    assert len(measure.sound(tmp_path / "out.wav", "wav")) == 5 * RATE


def test_a_film_without_sound_is_no_sound_file(tmp_path: Path) -> None:
    measure.video(tmp_path / "a.m4a", [np.zeros((72, 128, 3), np.uint8)] * 5, 24)
    with pytest.raises(FilmError, match="damaged"):
        sound.own(tmp_path / "a.m4a", 1, tmp_path / "out.wav")


def test_places_without_a_sound(tmp_path: Path) -> None:
    (tmp_path / "folder.mp3").mkdir()
    with pytest.raises(FilmError, match="not a file"):
        sound.own(tmp_path / "folder.mp3", 1, tmp_path / "out.wav")
    with pytest.raises(FilmError, match="cannot be read"):
        sound.own(tmp_path / "gone.mp3", 1, tmp_path / "out.wav")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.mp3")
        with pytest.raises(FilmError, match="not a file"):
            sound.own(tmp_path / "pipe.mp3", 1, tmp_path / "out.wav")
