"""What is heard where a verb shows what nobody recorded: listened to, as levels, as jumps and as what is repeated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipelines import ffmpeg
from pipelines.plan import Line
from pipelines.render import Studio
from pipelines.verbs import ambience
from pipelines.verbs.blend import Blend, blend
from pipelines.verbs.edit import Edit, edit
from pipelines.verbs.extend import Extend, extend
from pipelines.verbs.fill import Fill, fill
from pipelines.verbs.loop import Loop, loop
from pipelines.verbs.recut import Recut, recut
from pipelines.voices import espeak
from pipelines.work import idle

from . import measure

RATE = 48_000
FPS = 12
Sound = Any


def wind(seconds: float, seed: int = 1, level: float = 0.05) -> Sound:
    """Pink noise, a little different on each side."""
    dice, n = np.random.default_rng(seed), round(seconds * RATE)
    tones = np.maximum(np.fft.rfftfreq(n, 1 / RATE), 40)
    sides = [np.fft.irfft(np.fft.rfft(dice.standard_normal(n)) / np.sqrt(tones), n) for _ in range(3)]
    both = np.stack([sides[0] + 0.4 * sides[1], sides[0] + 0.4 * sides[2]], 1)
    return (both / both.std() * level).astype(np.float32)


def filmed(path: Path, sound: Sound, seconds: float = 0.0) -> Path:
    """A small video with that sound; its picture lasts `seconds`, or as long."""
    count = round((seconds or len(sound) / RATE) * FPS)
    seen = measure.video(path.with_name(f"seen-{path.name}"), [np.full((64, 96, 3), 60 + n, np.uint8) for n in range(count)], FPS)
    heard = measure.wav(path.with_suffix(".wav"), sound)
    ffmpeg.run(["-f", "mov", "-i", seen, "-f", "wav", "-i", heard, "-c:v", "copy", "-c:a", "aac", "-b:a", "256k", "-f", "mp4", path])
    return path


def level(sound: Sound) -> float:
    """dB."""
    return float(20 * np.log10(np.sqrt(np.mean(np.square(sound.astype(np.float64)))) + 1e-9))


def loud(sound: Sound, tmp_path: Path) -> float:
    """LUFS, by ffmpeg's own meter."""
    return measure.ebur128(measure.wav(tmp_path / "part.wav", sound), "wav")[0]


def course(sound: Sound, seconds: float = 0.1) -> list[float]:
    """The level every so often, in dB."""
    step = round(seconds * RATE)
    return [level(sound[at : at + step]) for at in range(0, len(sound) - step + 1, step)]


@pytest.mark.parametrize("backward", [False, True])
def test_a_place_goes_on_sounding(backward: bool, tmp_path: Path, studio: Studio) -> None:
    own = wind(3)
    out = tmp_path / "out.mp4"
    cut = extend([filmed(tmp_path / "wind.mp4", own)], Extend(2.5, backward=backward), studio, out)
    heard = measure.sound(out)
    assert len(heard) / RATE == pytest.approx(cut.frames / FPS, abs=1 / FPS) and "the sound carried on" in cut.how
    if backward:
        heard = heard[::-1]
    seam = 3 * RATE
    assert loud(heard[seam : seam + 2 * RATE], tmp_path) == pytest.approx(loud(heard[:seam], tmp_path), abs=1.5)
    levels = course(heard[RATE : seam + round(2.1 * RATE)])
    assert min(levels) > np.median(levels) - 4 and max(levels) < np.median(levels) + 4, "no hole and no bump at the seam"
    jumps = np.abs(np.diff(heard, axis=0))
    assert jumps[seam - 24_000 :].max() < 1.5 * jumps[: seam - 24_000].max(), "nothing clicks"
    assert level(heard[-480:]) < levels[-1] - 12, "it ends softly"
    sides = [np.corrcoef(part.T)[0, 1] for part in (heard[:seam], heard[seam : seam + 2 * RATE])]
    assert sides[1] == pytest.approx(sides[0], abs=0.1), "as wide as it was"
    colours = [np.abs(np.fft.rfft(heard[at : at + 2 * RATE, 0]))[: RATE // 2].reshape(100, -1).mean(1) for at in (RATE // 2, seam)]
    assert np.abs(20 * np.log10(colours[1] / colours[0]))[1:60].mean() < 1.5, "of the same colour"


def test_what_was_said_is_not_said_again(tmp_path: Path, studio: Studio) -> None:
    engine = espeak.Engine()
    try:
        engine.speak(Line("The old harbour lies under fog. Ships wait for the morning, and nobody speaks.", "en-us"), tmp_path / "say.wav", idle)
    finally:
        engine.close()
    raw = np.frombuffer((tmp_path / "say.wav").read_bytes()[44:], "<i2").astype(np.float32) / 32768
    seconds = len(raw) // (RATE // FPS) / FPS
    said = np.stack([raw, raw], 1)[: round(seconds * RATE)] + wind(seconds, level=0.003)
    out = tmp_path / "out.mp4"
    extend([filmed(tmp_path / "say.mp4", said)], Extend(3), studio, out)
    heard = measure.sound(out)[:, 0]
    new = heard[round((seconds + 0.2) * RATE) : round((seconds + 2.5) * RATE)]
    assert level(wind(1, level=0.003)) - 3 < level(new) < level(said) - 12, "what is left is nearer to the room than to the voice"
    assert repeated(said[:, 0], new) < 0.35 < 0.9 < repeated(said[:, 0], said[RATE : 2 * RATE, 0])


def repeated(given: Sound, new: Sound) -> float:
    """How alike the most alike stretch of a fifth of a second is, 0 to 1."""
    size, most = RATE // 5, 0.0
    for at in range(0, len(new) - size, size):
        part = new[at : at + size]
        turned = np.fft.rfft(part, 1 << 19).conj()
        alike = np.fft.irfft(np.fft.rfft(given, 1 << 19) * turned)[: len(given) - size]
        power = np.cumsum(np.concatenate([[0.0], np.square(given, dtype=np.float64)]))
        around = power[size:][: len(alike)] - power[: len(alike)]
        most = max(most, float(np.max(np.abs(alike) / np.sqrt(np.maximum(around, 1e-4) * np.square(part, dtype=np.float64).sum()))))
    return most


def test_silence_goes_on_as_silence(tmp_path: Path, studio: Studio) -> None:
    own = wind(10)
    own[RATE:] = 0
    out = tmp_path / "out.mp4"
    cut = extend([filmed(tmp_path / "silent.mp4", own)], Extend(1), studio, out)
    assert np.abs(measure.sound(out)[2 * RATE :]).max() < 1e-4 and "silent where it was silent" in cut.how
    mute = measure.video(tmp_path / "mute.mp4", [np.full((64, 96, 3), 90, np.uint8)] * 12, FPS)
    assert "sound" not in extend([mute], Extend(1), studio, out).how and "Audio" not in ffmpeg.said(["-f", "mov", "-i", out, "-f", "null", "-"])


def test_sound_that_ends_a_little_early_leaves_no_hole(tmp_path: Path, studio: Studio) -> None:
    out = tmp_path / "out.mp4"
    extend([filmed(tmp_path / "early.mp4", wind(2.8), 3.0)], Extend(2), studio, out)
    levels = course(measure.sound(out)[RATE : round(4.6 * RATE)], 0.05)
    assert min(levels) > np.median(levels) - 5


def test_carried_on_again_it_stays_as_loud(tmp_path: Path, studio: Studio) -> None:
    """Each time it ends softly, and what is added next hides that."""
    given = filmed(tmp_path / "0.mp4", wind(2))
    for i in range(1, 4):
        extend([given], Extend(1.5, seed=i), studio, tmp_path / f"{i}.mp4")
        given = tmp_path / f"{i}.mp4"
    levels = course(measure.sound(given)[RATE // 2 : 6 * RATE])
    assert min(levels) > np.median(levels) - 5 and abs(np.mean(levels[-10:]) - np.mean(levels[:10])) < 1.8


def test_a_sound_is_thrown_by_its_seed_and_ends_where_it_should() -> None:
    own = wind(2)
    one, again, other = (ambience.gone_on(own, 30_000, seed) for seed in (1, 1, 2))
    assert np.array_equal(one, again) and not np.array_equal(one, other) and one.shape == (30_000, 2)
    short = ambience.gone_on(own[:3000], RATE, 1)
    assert level(short) == pytest.approx(level(own[:3000]), abs=3), "a tenth of a second is enough"
    assert not ambience.gone_on(np.zeros((RATE, 2), np.float32), RATE, 1).any()
    assert not ambience.gone_on(own[:0], RATE, 1).any()
    assert np.abs(ambience.gone_on(wind(2, level=0.5), RATE, 1)).max() < 1


def test_parts_made_anew_sound_like_those_beside_them(tmp_path: Path, studio: Studio) -> None:
    out = tmp_path / "out.mp4"
    cut = recut([filmed(tmp_path / "wind.mp4", wind(4))], Recut(((1.0, 3.0),), 4.0), studio, out)
    levels = course(measure.sound(out)[RATE // 2 : round(3.5 * RATE)])
    assert min(levels) > np.median(levels) - 4 and "the sound carried on" in cut.how


def test_a_loop_comes_round_without_a_hole(tmp_path: Path, studio: Studio) -> None:
    out = tmp_path / "out.mp4"
    cut = loop([filmed(tmp_path / "wind.mp4", wind(3))], Loop("short"), studio, out)
    heard = measure.sound(out)[: round(cut.seconds * RATE)]
    assert min(course(heard[:4800], 0.01)) > level(heard) - 10 and min(course(heard[-4800:], 0.01)) > level(heard) - 10
    assert "the sound too" in cut.how


def test_what_became_of_the_sound_is_said(tmp_path: Path, studio: Studio) -> None:
    out, given = tmp_path / "out.mp4", filmed(tmp_path / "wind.mp4", wind(1.5))
    assert "the sound at the same pitch" in fill([given], Fill(slow=2), studio, out).how
    assert len(measure.sound(out)) / RATE == pytest.approx(3, abs=0.05)
    assert "sound" not in fill([given], Fill(slow=2, mute=True), studio, out).how
    assert "Audio" not in ffmpeg.said(["-f", "mov", "-i", out, "-f", "null", "-"])
    assert "reverse, the sound too" in edit([given], Edit(reverse=True), studio, out).how
    assert "same pitch" in edit([given], Edit(speed=2), studio, out).how
    assert "the sound too" in blend([given, given], Blend(0.5), studio, out).how
