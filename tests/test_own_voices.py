"""Piper's and Kokoro's voices from one's own files: found, heard, timed by their phonemes, refused where they are bad."""

from __future__ import annotations

import shutil
import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipelines.cast import speakers
from pipelines.crew import Crew
from pipelines.gear import onnx as networks
from pipelines.plan import Line
from pipelines.presets import Presets
from pipelines.voices import _phonemes, kokoro, piper
from pipelines.voices._espeak import Clause, Espeak
from pipelines.voices._words import align
from pipelines.work import Cancelled, FilmError, idle

from . import tiny_voices as tiny

TEXT = "Hello there, old world. It costs $3.50 in the shop!"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("voices")
    tiny.piper(folder / "en")
    tiny.piper(folder / "de", "de_DE-tiny-low", "de", "de_DE")
    tiny.piper(folder / "en", "en_GB-many-low", "en-gb", "en_GB", speakers=2)
    tiny.piper(folder / "en", "en_US-plain-low", pauses=False)
    tiny.kokoro(folder / "kokoro")
    return folder


@pytest.fixture(scope="module")
def crew(folder: Path) -> Iterator[Crew]:
    crew = Crew({"edge": {"online": False}, "piper": {"folder": folder}, "kokoro": {"folder": folder}})
    yield crew
    crew.close()


def refused(work: Callable[[], Any]) -> FilmError:
    with pytest.raises(FilmError) as caught:
        work()
    return caught.value


@pytest.mark.parametrize(("name", "voice"), [("piper", "en_US-tiny-low"), ("piper", "en_GB-many-low#s1"), ("piper", "en_US-plain-low"), ("kokoro", "af_heart")])
def test_they_speak_every_word_in_its_time(name: str, voice: str, crew: Crew, tmp_path: Path) -> None:
    engine, shares = crew.ready("voices", name), list[float]()
    assert crew.best("voices") == "kokoro", "whoever puts voices there wants them"
    notes = engine.speak(Line(TEXT, voice), tmp_path / "a.wav", shares.append)
    with wave.open(str(tmp_path / "a.wav")) as wav:
        assert (wav.getframerate(), wav.getnchannels()) == (48_000, 1)
        assert notes["seconds"] == pytest.approx(wav.getnframes() / 48_000, abs=0.001)
    assert [word for word, _, _ in notes["words"]] == TEXT.split()
    lasts = {word: end - start for word, start, end in notes["words"]}
    assert lasts["$3.50"] > 3 * lasts["in"], "it is said in many sounds"
    assert shares == sorted(shares) and shares[-1] == 1.0
    faster = engine.speak(Line(TEXT, voice, 1.25), tmp_path / "b.wav", idle)
    assert 1.1 < notes["seconds"] / faster["seconds"] < 1.4
    with pytest.raises(Cancelled):
        engine.speak(Line(TEXT, voice), tmp_path / "c.wav", _stop)


def _stop(_done: float) -> None:
    raise Cancelled


def test_words_last_as_long_as_the_model_holds_their_sounds(crew: Crew, folder: Path, tmp_path: Path) -> None:
    """The hidden result that rounds to whole frames is told; without it sounds are counted."""
    heard: dict[str, list[Any]] = {}
    for voice in ("en_US-tiny-low", "en_US-plain-low"):
        heard[voice] = crew.get("voices", "piper").speak(Line("Zoo ab.", voice), tmp_path / "a.wav", idle)["words"]
    zoo, ab = heard["en_US-tiny-low"]
    ids = {sign: 3 + i for i, sign in enumerate(tiny.STOPS + tiny.SOUNDS)}
    own = crew.get("voices", "piper")
    clauses = own._espeak.pronounced("Zoo ab.", "en-us", idle)
    [said] = _phonemes.sentences("Zoo ab.", clauses)
    frames = {one.first: sum(np.ceil(ids[sign] * 0.1 + 2) + 2 for sign in one.said if sign in ids) for one in said if one.last}
    hop = tiny.HOP / 22050
    assert zoo[2] - zoo[1] == pytest.approx(frames[0] * hop, abs=0.06)
    assert ab[2] - ab[1] == pytest.approx(frames[4] * hop, abs=0.06)
    assert heard["en_US-plain-low"] != heard["en_US-tiny-low"]
    with_it, without = (networks.Network(folder / "en" / f"en_US-{one}-low.onnx", told="Ceil") for one in ("tiny", "plain"))
    assert len(with_it.outputs) == 2 and len(without.outputs) == 1


def test_sounds_are_given_to_their_words_even_where_words_run_together() -> None:
    espeak = Espeak()
    try:
        text = "fifty apples in the house, Dr. Smith"
        said = [one for sentence in _phonemes.sentences(text, espeak.pronounced(text, "en-us", idle)) for one in sentence]
    finally:
        espeak.close()
    words = {text[one.first : one.last]: one.said for one in said if one.last}
    assert list(words) == text.replace(",", ", ").split() or [*words] == ["fifty", "apples", "in", "the", "house,", "Dr.", "Smith"]
    assert words["in"].strip("ˈˌ") == "ɪn" and words["the"].startswith("ð") and words["house,"].endswith("s")
    clause = Clause(0, 7, "ɪnðəhaʊs", ((0, 2, "ɪn"), (3, 6, "ðiː"), (7, 12, "haʊs")))
    assert [one.said for one in _phonemes._said(clause)] == ["ɪn", "ðə", "haʊs"]
    assert align("in the", [("in", 0, 1)]), "the words' own module is the same"


def test_kokoros_signs_are_those_that_it_learnt() -> None:
    assert kokoro.signs("həlˈo^ʊ", "a") == "həlˈO" and kokoro.signs("həlˈə^ʊ", "b") == "həlˈQ"
    assert kokoro.signs("t^ʃˈiːz", "a") == "ʧˈiz" and kokoro.signs("bˈɜːd", "a") == "bˈɜɹd"
    assert len(kokoro.IDS) == 114 and kokoro.IDS["ᵻ"] == 177 and kokoro.IDS[" "] == 16 and kokoro.IDS["a"] == 43


def test_nobody_speaks_a_language_that_is_not_theirs(crew: Crew, presets: Presets) -> None:
    own = crew.get("voices", "kokoro")
    assert [name for name, _ in own.voices()] == ["af_bella", "af_heart", "bm_george", "ff_siwis"], "Japanese has another reader"
    assert own.voice_for("en-GB") == "bm_george" and own.voice_for("en") == "af_heart" and own.voice_for("de") == ""
    german = speakers("auto", "Das ist ein schöner Tag, und die Sonne scheint.", "en", crew, presets)
    assert [one.narrator for one in german] == ["piper", "espeak"] and german[0].voice == "de_DE-tiny-low"
    french = speakers("kokoro:ff_siwis", "Bonjour.", "fr", crew, presets)
    assert french[0].voice == "ff_siwis"


def test_what_is_lacking_is_said_with_its_remedy(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in (piper.Engine, kokoro.Engine):
        assert "REELWRIGHT_VOICES" in str(kind().missing())
        assert "reelwright fetch" in str(kind(folder=tmp_path).missing()) and kind(folder=tmp_path).voices() == ()
    shutil.copy(folder / "kokoro" / "kokoro-v1.0.onnx", tmp_path)
    assert "voices are" in str(kokoro.Engine(folder=tmp_path).missing())
    (tmp_path / "x.onnx").write_bytes(b"no")
    (tmp_path / "x.onnx.json").write_text("{", "utf-8")
    assert "no voice" in str(piper.Engine(folder=tmp_path).missing())
    monkeypatch.setattr(networks, "find_spec", lambda _name: None)
    assert "pip install" in str(piper.Engine(folder=folder).missing()) and "pip install" in str(kokoro.Engine(folder=folder).missing())


def test_files_that_are_not_what_they_say(folder: Path, tmp_path: Path) -> None:
    own = tmp_path / "bad"
    shutil.copytree(folder, own)
    line = Line("Hello.", "en_US-tiny-low")
    model = own / "en" / "en_US-tiny-low.onnx"
    for content, said in ((b"PK\x03\x04 a zip", "cannot be read"), (model.read_bytes()[:200], "cannot be read"), ((own / "kokoro" / "kokoro-v1.0.onnx").read_bytes(), "another kind")):
        model.write_bytes(content)
        engine = piper.Engine(folder=own)
        assert said in refused(lambda engine=engine: engine.speak(line, tmp_path / "a.wav", idle)).message
        engine.close()
    (own / "kokoro" / "voices-v1.0.bin").write_bytes(b"no zip")
    assert "voices are" in str(kokoro.Engine(folder=own).missing())
    shutil.rmtree(own / "kokoro")
    apart = own / "kokoro"
    tiny.kokoro(apart / "onnx", tells=False).rename(apart / "onnx" / "model.onnx")
    (apart / "voices").mkdir()
    (apart / "voices" / "am_adam.bin").write_bytes(np.zeros((510, 256), "<f4").tobytes())
    engine = kokoro.Engine(folder=own)
    assert engine.missing() is None and engine.voice_for("en-US") == "am_adam"
    assert len(engine.speak(Line(TEXT, "am_adam"), tmp_path / "a.wav", idle)["words"]) == len(TEXT.split())
    (apart / "voices" / "am_adam.bin").write_bytes(b"odd")
    assert "cannot be read" in refused(lambda: engine.speak(line.__class__("Hello.", "am_adam"), tmp_path / "a.wav", idle)).message
    assert "no voice called" in refused(lambda: engine.speak(line.__class__("Hello.", "am_adan"), tmp_path / "a.wav", idle)).message
    engine.close()
