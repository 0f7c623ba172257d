"""The embedded composer: every mood sounds, is in time with the film, ends with it, and is the same again."""

from __future__ import annotations

import re
import subprocess
import tracemalloc
import wave
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from numpy.typing import NDArray

from pipelines import ffmpeg, presets
from pipelines.music import _orchestra, _players, bandstand
from pipelines.music._band import perform
from pipelines.music._score import Chord, Note, chord, settle, voiced
from pipelines.plan import Cue, Section
from pipelines.presets import Layer, Mood
from pipelines.work import Cancelled, FilmError, idle

ROOT = Path(__file__).resolve().parents[1]
MOODS: dict[str, Mood] = presets.read(ROOT / "presets").moods
ASKED = {
    "calm", "epic", "hopeful", "melancholic", "tense", "mysterious", "happy", "dark", "romantic", "playful",
    "corporate", "cinematic", "lofi", "ambient", "action", "wonder",
}  # fmt: skip
RATE = 48_000


def cue(seconds: float, *parts: tuple[str, float], seed: int = 7) -> Cue:
    return Cue(tuple(Section(MOODS[mood], start) for mood, start in parts), seconds, seed)


def composed(asked: Cue, folder: Path) -> tuple[NDArray[np.float64], dict[str, Any]]:
    out = folder / "music.wav"
    notes = bandstand.Engine().compose(asked, out, idle)
    with wave.open(str(out)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE, 2, 2)
        data = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2) / 32768
    return data, notes


def power(sound: NDArray[np.float64]) -> float:
    return float(np.sqrt((sound**2).mean()))


def brightness(sound: NDArray[np.float64]) -> float:
    """Spectral centroid in Hz."""
    spectrum = np.abs(np.fft.rfft(sound.mean(axis=1)))
    return float((spectrum * np.fft.rfftfreq(len(sound), 1 / RATE)).sum() / spectrum.sum())


def onsets(asked: Cue) -> float:
    """Notes a second."""
    return sum(len(stretch.notes) for stretch in perform(asked)) / asked.seconds


def measured(path: Path) -> float:
    """Integrated loudness by ffmpeg."""
    args = ["-hide_banner", "-f", "wav", "-i", path, "-af", "ebur128", "-f", "null", "-"]
    said = subprocess.run([ffmpeg.binary(), *map(str, args)], capture_output=True, text=True, check=True).stderr
    return float(re.findall(r"I:\s+(-?[\d.]+) LUFS", said)[-1])


def test_every_mood_that_was_asked_for_is_there() -> None:
    assert set(MOODS) >= ASKED
    words = [word for mood in MOODS.values() for word in mood.words]
    assert len(words) == len(set(words)), "a word means one mood"
    assert not set(words) & set(MOODS)


@pytest.mark.parametrize("mood", MOODS)
def test_every_mood_sounds_even_and_whole(mood: str, tmp_path: Path) -> None:
    sound, notes = composed(cue(16.0, (mood, 0.0)), tmp_path)
    assert len(sound) == 16 * RATE
    assert 0.05 < np.abs(sound).max() < 10 ** (-1 / 20)
    for second in range(1, 14):
        assert power(sound[second * RATE : (second + 1) * RATE]) > 0.002, f"silent at {second} s"
    assert abs(measured(tmp_path / "music.wav") + 20) <= 2
    left, right = sound.T
    assert power((left - right)[:, None]) > 0.05 * power(sound), "stereo"
    assert notes["sections"][0]["mood"] == MOODS[mood].label


@pytest.mark.parametrize("mood", MOODS)
def test_every_mood_stays_within_what_its_instruments_play(mood: str) -> None:
    for seed in range(3):
        for stretch in perform(cue(60.0, (mood, 0.0), seed=seed)):
            for note in stretch.notes:
                assert note.sound in _orchestra.SOUNDS
                assert 20 <= note.key <= 108
                assert 0 < note.force <= 1
                assert stretch.start <= note.start < stretch.end


def test_same_seed_same_bytes_other_seed_other_piece(tmp_path: Path) -> None:
    asked = cue(9.0, ("hopeful", 0.0), ("tense", 4.0))
    first = composed(asked, tmp_path)[0]
    assert np.array_equal(first, composed(asked, tmp_path)[0])
    assert not np.array_equal(first, composed(cue(9.0, ("hopeful", 0.0), ("tense", 4.0), seed=8), tmp_path)[0])


@pytest.mark.parametrize("seconds", [0.5, 0.77131, 1.0, 2.5, 4.0, 7.003, 12.34567])
@pytest.mark.parametrize("mood", ["action", "ambient", "romantic"])
def test_any_length_to_the_sample(seconds: float, mood: str, tmp_path: Path) -> None:
    sound, _ = composed(cue(seconds, (mood, 0.0)), tmp_path)
    assert len(sound) == round(seconds * RATE)
    assert power(sound) > 0.01
    assert np.abs(sound[-1]).max() < 0.001


def test_a_new_mood_begins_on_a_bar_line_at_its_scene(tmp_path: Path) -> None:
    asked = cue(40.0, ("ambient", 0.0), ("action", 13.0), ("calm", 27.0))
    sound, notes = composed(asked, tmp_path)
    sections = notes["sections"]
    for section, wanted in zip(sections, (0.0, 13.0, 27.0), strict=True):
        assert abs(section["start"] - wanted) < 0.3
        assert abs(section["tempo"] / MOODS[section["mood"].lower()].tempo - 1) < 0.081
    for one, then in pairwise(sections):  # whole beats of one tempo lie between two starts
        assert one["start"] + one["beats"] * 60 / one["tempo"] == pytest.approx(then["start"], abs=0.01)
    edge = round(sections[1]["start"] * RATE)
    before, after = sound[edge - 4 * RATE : edge - 2 * RATE], sound[edge : edge + 2 * RATE]
    assert brightness(after) > 1.3 * brightness(before)


def test_five_second_scenes_keep_their_starts() -> None:
    names = ["calm", "epic", "lofi", "dark", "romantic", "wonder"]
    passages = settle(cue(30.0, *((mood, 5.0 * i) for i, mood in enumerate(names))))
    assert [passage.section for passage in passages] == list(range(6))
    assert all(abs(passage.start - 5.0 * i) < 0.3 for i, passage in enumerate(passages))


def test_scenes_too_short_for_a_bar_join_the_one_before() -> None:
    asked = cue(20.0, ("calm", 0.0), ("epic", 8.0), ("dark", 8.5), ("hopeful", 10.2))
    assert [passage.section for passage in settle(asked)] == [0, 3]


@pytest.mark.parametrize("mood", ["calm", "epic", "lofi", "solemn"])
def test_the_last_chord_is_home_and_rings_out(mood: str, tmp_path: Path) -> None:
    asked = cue(24.0, (mood, 0.0))
    sound, notes = composed(asked, tmp_path)
    final = notes["final_chord"]
    assert 2.0 <= 24.0 - final <= 4.0
    passage = settle(asked)[-1]
    last = [note for stretch in perform(asked) for note in stretch.notes if note.start >= final]
    bass = min(note.key for note in last if _orchestra.SOUNDS[note.sound][0] == 0)
    assert bass % 12 == passage.tonic
    assert power(sound[round(final * RATE) : round((final + 0.8) * RATE)]) > 0.01
    levels = [power(sound[-int(s * RATE) : -int((s - 0.2) * RATE) or None]) for s in (1.2, 0.8, 0.4, 0.2)]
    assert levels == sorted(levels, reverse=True)
    assert levels[-1] < 0.003
    assert not sound[-1].any()


def test_moods_differ_as_they_should(tmp_path: Path) -> None:
    assert onsets(cue(30.0, ("action", 0.0))) > 5 * onsets(cue(30.0, ("ambient", 0.0)))
    assert onsets(cue(30.0, ("happy", 0.0))) > 2 * onsets(cue(30.0, ("sad", 0.0)))
    centroid = {mood: brightness(composed(cue(12.0, (mood, 0.0)), tmp_path)[0]) for mood in ("happy", "dark", "calm")}
    assert centroid["happy"] > 1.5 * centroid["dark"]
    assert centroid["happy"] > centroid["calm"]


def test_melodies_leave_room_for_a_voice() -> None:
    mood = Mood("Solo", "One flute.", "", layers=(Layer("flute", "melody"),), motion=0.3)
    passage = settle(Cue((Section(mood, 0.0),), 90.0, 3))[0]
    notes = [n for stretch in perform(Cue((Section(mood, 0.0),), 90.0, 3)) for n in stretch.notes]
    assert min(note.key for note in notes) >= 65, "above the fundamentals of speech"
    bar = passage.beat * mood.meter
    sung = {int((note.start - passage.start) / bar) for note in notes[:-1]}
    assert 0.2 < len(sung) / passage.bars < 0.75


def test_pads_move_by_the_nearest_inversion() -> None:
    keys: tuple[int, ...] = ()
    for symbol in ("I", "vi", "IV", "V", "I", "iii", "IV", "iv", "I"):
        tones = chord(symbol, 0, "major").tones
        new = voiced(tones, keys, 62, 3)
        assert {key % 12 for key in new} == set(tones)
        if keys:
            assert sum(abs(a - b) for a, b in zip(keys, new, strict=True)) <= 7
        keys = new


@pytest.mark.parametrize(
    ("symbol", "mode", "tones"),
    [
        ("I", "major", (0, 4, 7)),
        ("ii7", "major", (2, 5, 9, 0)),
        ("bVII", "major", (10, 2, 5)),
        ("VI", "minor", (8, 0, 3)),
        ("iio", "minor", (2, 5, 8)),
        ("Vsus4", "major", (7, 0, 2)),
        ("IVmaj7", "major", (5, 9, 0, 4)),
        ("II", "lydian", (2, 6, 9)),
    ],
)
def test_roman_numerals(symbol: str, mode: str, tones: tuple[int, ...]) -> None:
    assert chord(symbol, 0, mode) == Chord(symbol, tones)


UNPITCHED = {"cymbal", "kit", "brushes", "concert", "taiko", "woodblock", "timpani", "bells"}


@pytest.mark.parametrize("sound", sorted(set(_orchestra.SOUNDS) - UNPITCHED))
def test_instruments_are_in_tune(sound: str) -> None:
    low = ("upright-bass", "bass-guitar", "synth-bass", "double-bass")
    key = 43 if sound in low else 84 if sound in ("glockenspiel", "whistle") else 67
    orchestra = _orchestra.Orchestra(bandstand.FONT)
    note = orchestra.sound(Note(0.0, 1.5, key, 0.8, sound), 3 * RATE)[RATE // 50 :]
    spectrum = np.abs(np.fft.rfft(note * np.hanning(len(note)), 1 << 19))
    wanted = 440 * 2 ** ((key - 69) / 12)
    cents = np.arange(-100, 101, 2)
    found = [
        sum(spectrum[int(h * wanted * 2 ** (c / 1200) * (1 << 19) / RATE)] / h**0.3 for h in range(1, 6)) for c in cents
    ]
    assert abs(cents[int(np.argmax(found))]) <= 25


def test_force_makes_a_note_louder_and_brighter() -> None:
    orchestra = _orchestra.Orchestra(bandstand.FONT)
    soft, hard = (orchestra.sound(Note(0.0, 1.0, 60, force, "piano"), RATE).astype(float) for force in (0.3, 0.9))
    assert power(hard) > 3 * power(soft)
    assert brightness(np.stack([hard, hard], 1)) > brightness(np.stack([soft, soft], 1))


def test_long_cues_need_no_more_memory(tmp_path: Path) -> None:
    def peak(seconds: float) -> int:
        tracemalloc.start()
        bandstand.Engine().compose(cue(seconds, ("sad", 0.0)), tmp_path / "long.wav", idle)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    assert peak(300.0) < max(1.3 * peak(60.0), 100_000_000)


def test_eight_hours_are_laid_out_lazily_and_fit_a_file() -> None:
    hours = 8 * 3600.0
    stretches = perform(cue(hours, ("calm", 0.0)))
    assert all(len(next(stretches).notes) < 1000 for _ in range(5))
    samples = round(hours * RATE)
    head = bandstand.header(samples)
    assert head[:4] == b"RF64"
    assert int.from_bytes(head[28:36], "little") == samples * 4
    assert bandstand.header(RATE)[:4] == b"RIFF"


def test_rf64_is_read_by_ffmpeg(tmp_path: Path) -> None:
    path = tmp_path / "wide.wav"
    samples = (1 << 30) + 5
    with path.open("wb") as file:
        head = bandstand.header(samples)
        file.write(head)
        file.truncate(len(head) + samples * 4)  # a sparse file: no real gigabytes
    said = subprocess.run(
        [ffmpeg.binary(), "-hide_banner", "-f", "wav", "-i", str(path)], capture_output=True, text=True, check=False
    ).stderr
    assert "Duration: 06:12:49.62" in said


def test_nobody_wants_it_any_more(tmp_path: Path) -> None:
    shares: list[float] = []

    def stop(done: float) -> None:
        shares.append(done)
        if done > 0.3:
            raise Cancelled

    with pytest.raises(Cancelled):
        bandstand.Engine().compose(cue(60.0, ("sad", 0.0)), tmp_path / "music.wav", stop)
    assert shares == sorted(shares)


def test_missing_names_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert bandstand.Engine().missing() is None
    monkeypatch.setattr(bandstand, "FONT", tmp_path / "bandstand.sf2")
    assert "pip install" in (bandstand.Engine().missing() or "")


@pytest.mark.parametrize("content", [b"", b"RIFF", b"RIFF\x00\x00\x00\x00sfbkLIST\xff\xff\x00\x00", b"\0" * 100])
def test_a_broken_soundfont_is_told(content: bytes, tmp_path: Path) -> None:
    font = tmp_path / "broken.sf2"
    font.write_bytes(content)
    with pytest.raises(FilmError, match=r"broken\.sf2"):
        _orchestra.Orchestra(font)


def test_a_users_own_mood_needs_few_words(tmp_path: Path) -> None:
    (tmp_path / "moods.toml").write_text(
        '[mine]\nlabel = "Mine"\nwhat = "My own."\nprompt = "mine"\nmeter = 5\n', "utf-8"
    )
    mine = presets.read(tmp_path).moods["mine"]
    bandstand.Engine().compose(Cue((Section(mine, 0.0),), 8.0, 1), tmp_path / "music.wav", idle)
    assert abs(measured(tmp_path / "music.wav") + 20) < 2.5


@pytest.mark.parametrize("line", ['progressions = ["I IX"]', 'keys = ["H"]', "tempo = 400", "layers = []"])
def test_a_users_mistake_is_told(line: str, tmp_path: Path) -> None:
    text = f'[mine]\nlabel = "Mine"\nwhat = "My own."\nprompt = "mine"\n{line}\n'
    (tmp_path / "moods.toml").write_text(text, "utf-8")
    with pytest.raises(FilmError, match=r"moods\.toml, mine"):
        presets.read(tmp_path)


def test_every_way_of_playing_is_known() -> None:
    ways = set(get_args(presets.Plays))
    assert ways == set(_players.PLAYERS) == set(_players.CENTRES) == set(_players.LEVELS)
    assert set(get_args(presets.Sound)) <= set(_orchestra.SOUNDS)


def test_any_meter_any_lengths_stay_in_order() -> None:
    def check(meter: int, lengths: Sequence[float]) -> None:
        mood = Mood("Any", "Any.", "", meter=meter, drums="pop")
        starts = [sum(lengths[:i]) for i in range(len(lengths))]
        asked = Cue(tuple(Section(mood, start) for start in starts), sum(lengths), 1)
        passages = settle(asked)
        assert passages[0].start == 0
        for one, then in pairwise(passages):
            assert one.end == pytest.approx(then.start)
            assert one.beats >= 2
        assert 0 < passages[-1].ring <= asked.seconds - passages[-1].start + 1e-6
        for stretch in perform(asked):
            assert stretch.end > stretch.start

    for meter in range(2, 7):
        for lengths in ([0.5], [3, 3, 3], [5, 0.5, 0.5, 9], [0.5] * 12, [2, 60, 1.1], [1.7, 1.7, 1.7, 1.7, 4]):
            check(meter, lengths)
