"""What every engine found must keep, whoever wrote it; and that a new one is one file."""

from __future__ import annotations

import importlib
import json
import sys
import wave
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from pipelines import moves, plan, vault
from pipelines.crew import ROLES, Crew, names
from pipelines.darkroom import Darkroom, negative
from pipelines.presets import Presets, Voice
from pipelines.work import Cancelled, FilmError, idle
from studio import cli

FRAME = plan.Frame(160, 90, Fraction(24))
ALL = [(role, name) for role in ROLES for name in names(role)]


def named(role: str) -> list[str]:
    return list(names(role))


@pytest.fixture(scope="module")
def crew() -> Iterator[Crew]:
    crew = Crew({"edge": {"online": False}})
    yield crew
    crew.close()


def usable(crew: Crew, role: str, name: str) -> Any:
    engine = crew.get(role, name)
    if lack := engine.missing():
        pytest.skip(f"{name}: {lack}")
    return engine


@pytest.mark.parametrize(("role", "name"), ALL)
def test_every_engine_says_who_it_is(role: str, name: str, crew: Crew) -> None:
    engine = crew.get(role, name)
    assert isinstance(engine.label, str) and 3 < len(engine.label) < 80
    assert isinstance(engine.version, int) and engine.version >= 1
    assert isinstance(engine.rank, int)
    assert isinstance(engine.online, bool)
    lack = engine.missing()
    assert lack is None or len(lack) > 10, "what is lacking, and the remedy"
    assert crew.get(role, name) is engine
    assert engine.__class__.__doc__


def test_there_is_somebody_for_every_part_of_a_film(crew: Crew) -> None:
    assert {"camera"} <= set(crew.present("clips"))
    assert {"espeak"} <= set(crew.present("voices"))
    assert {"bandstand"} <= set(crew.present("music"))
    assert "edge" in names("voices")
    assert "edge" not in crew.present("voices"), "it is switched off here"


@pytest.mark.parametrize("role", ROLES)
def test_an_unknown_engine_is_answered_with_the_known_ones(role: str, crew: Crew) -> None:
    known = names(role)
    with pytest.raises(FilmError, match=f'no {ROLES[role]} called "nobody"') as caught:
        crew.get(role, "nobody")
    assert all(name in caught.value.hint for name in known)
    if known:
        with pytest.raises(FilmError) as caught:
            crew.ready(role, known[0][:-1])
        assert f"Did you mean {known[0]}?" in caught.value.hint


def test_one_that_is_missing_says_how_to_get_it(crew: Crew) -> None:
    with pytest.raises(FilmError, match="cannot be used here") as caught:
        crew.ready("voices", "edge")
    assert "REELWRIGHT_ONLINE_VOICES" in caught.value.hint


def stopped(_done: float) -> None:
    raise Cancelled


class Ticks:
    def __init__(self) -> None:
        self.shares: list[float] = []

    def __call__(self, share: float) -> None:
        self.shares.append(share)


# Narrators


@pytest.mark.parametrize("name", named("voices"))
def test_a_narrator_speaks(name: str, crew: Crew, tmp_path: Path) -> None:
    engine = usable(crew, "voices", name)
    text, ticks = "Four words, well spoken.", Ticks()
    line = plan.Line(text, engine.voice_for("en-US"))
    notes = engine.speak(line, tmp_path / "a.wav", ticks)
    with wave.open(str(tmp_path / "a.wav")) as wav:
        assert (wav.getframerate(), wav.getnchannels(), wav.getsampwidth()) == (48_000, 1, 2)
        seconds = wav.getnframes() / 48_000
    assert notes["seconds"] == pytest.approx(seconds, abs=0.001)
    assert [word for word, _, _ in notes["words"]] == text.split()
    times = [time for _, start, end in notes["words"] for time in (start, end)]
    assert times == sorted(times) and times[0] >= 0 and times[-1] <= seconds + 0.001
    assert vault.plain(notes) == notes, "notes are plain"
    assert all(0 <= share <= 1 for share in ticks.shares) and ticks.shares == sorted(ticks.shares)
    faster = engine.speak(replace(line, speed=1.25), tmp_path / "b.wav", idle)
    assert 1.1 < seconds / faster["seconds"] < 1.4


@pytest.mark.parametrize("name", named("voices"))
def test_a_narrator_tells_its_voices(name: str, crew: Crew) -> None:
    engine = crew.get("voices", name)
    listed = engine.voices()
    assert len({own for own, _ in listed}) == len(listed) > 10
    assert all(isinstance(voice, Voice) and voice.ids == {name: own} for own, voice in listed)
    assert engine.voice_for("de-DE") != engine.voice_for("en-US")
    assert engine.voice_for("xx-unknown") == engine.voice_for("en")


@pytest.mark.parametrize("name", named("voices"))
def test_a_narrator_stops_when_told(name: str, crew: Crew, tmp_path: Path) -> None:
    engine = usable(crew, "voices", name)
    with pytest.raises(Cancelled):
        engine.speak(plan.Line("Nobody listens. " * 50, engine.voice_for("en")), tmp_path / "a.wav", stopped)
    assert engine.speak(plan.Line("Now then.", engine.voice_for("en")), tmp_path / "b.wav", idle)["words"]


@pytest.mark.parametrize("name", named("voices"))
@pytest.mark.parametrize("text", ["", "   ", "...", "\u200d", "🙂"])
def test_a_narrator_with_little_to_say_still_makes_a_take(name: str, text: str, crew: Crew, tmp_path: Path) -> None:
    engine = usable(crew, "voices", name)
    notes = engine.speak(plan.Line(text, engine.voice_for("en")), tmp_path / "a.wav", idle)
    assert notes["seconds"] > 0.1


@pytest.mark.parametrize("name", named("voices"))
def test_every_voice_of_the_presets_is_one_of_the_narrators(name: str, crew: Crew, presets: Presets) -> None:
    engine = crew.get("voices", name)
    known = {own for own, _ in engine.voices()}
    bases = {own.partition("+")[0] for own in known}
    for label, voice in presets.voices.items():
        if own := voice.ids.get(name):
            assert own in known or own.partition("+")[0] in bases, label


# Composers


def cue(presets: Presets, seconds: float, *moods: str) -> plan.Cue:
    sections = [plan.Section(presets.moods[mood], i * seconds / len(moods)) for i, mood in enumerate(moods)]
    return plan.Cue(tuple(sections), seconds, 5)


@pytest.mark.parametrize("name", named("music"))
@pytest.mark.parametrize(("seconds", "moods"), [(0.5, ("calm",)), (2.25, ("calm",)), (7 + 1 / 3, ("epic", "calm"))])
def test_a_composer_fills_the_time_to_the_sample(
    name: str, seconds: float, moods: tuple[str, ...], crew: Crew, presets: Presets, tmp_path: Path
) -> None:
    engine = usable(crew, "music", name)
    ticks = Ticks()
    notes = engine.compose(cue(presets, seconds, *moods), tmp_path / "a.wav", ticks)
    with wave.open(str(tmp_path / "a.wav")) as wav:
        assert (wav.getframerate(), wav.getnchannels(), wav.getsampwidth()) == (48_000, 2, 2)
        assert wav.getnframes() == round(seconds * 48_000)
        heard = np.frombuffer(wav.readframes(wav.getnframes()), "<i2")
    assert np.abs(heard.astype(int)).max() > 500
    assert vault.plain(notes) == notes
    assert ticks.shares == sorted(ticks.shares)
    engine.compose(cue(presets, seconds, *moods), tmp_path / "b.wav", idle)
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()


@pytest.mark.parametrize("name", named("music"))
def test_a_composer_stops_when_told(name: str, crew: Crew, presets: Presets, tmp_path: Path) -> None:
    engine = usable(crew, "music", name)
    with pytest.raises(Cancelled):
        engine.compose(cue(presets, 30, "calm"), tmp_path / "a.wav", stopped)


# Clip engines


def shot(picture: Path, presets: Presets, action: str = "zoom in, pan left", frames: int = 10, seed: int = 3) -> plan.Shot:
    camera = moves.read(action, 4.0, presets.moves, seed).camera
    return plan.Shot("a prompt", picture, camera, frames, FRAME, "cover", seed)


@pytest.mark.parametrize("name", named("clips"))
def test_a_live_engine_draws_what_its_recipe_says(
    name: str, crew: Crew, presets: Presets, photo: Path, tmp_path: Path
) -> None:
    engine = usable(crew, "clips", name)
    if not getattr(engine, "live", False):
        pytest.skip("it writes a file")
    assert engine.wants_picture in (True, False)
    darkroom = Darkroom()
    seen = negative(darkroom.develop(photo, (480, 270), vault.Vault(tmp_path)))
    darkroom.close()
    one = shot(seen.path, presets)
    recipe = engine.recipe(one)
    assert json.loads(json.dumps(vault.plain(recipe))) == vault.plain(recipe)
    drawn = [frame.copy() for frame in engine.footage(one, seen).frames(0, one.frames)]
    assert len(drawn) == one.frames
    assert all(frame.shape == (FRAME.height * 3 // 2, FRAME.width) and frame.dtype == np.uint8 for frame in drawn)
    assert any((drawn[0] != frame).any() for frame in drawn[1:]), "it moves"
    fresh = Crew().get("clips", name)
    again = [frame.copy() for frame in fresh.footage(one, seen).frames(4, 3)]
    assert all((a == b).all() for a, b in zip(drawn[4:7], again, strict=True)), "a slice is a slice of the same clip"
    assert engine.path(one, seen).shape == (one.frames, 2, 3)
    same = shot(seen.path, presets, seed=4)
    assert engine.recipe(same) == recipe, "nothing trembles: the seed moves nothing"
    for other in (shot(seen.path, presets, "pan right"), shot(seen.path, presets, frames=11), replace(one, fit="stretch")):
        assert vault.plain(engine.recipe(other)) != vault.plain(recipe)


# A new engine is one file

MADE_UP = '''"""Says nothing, at length."""

from pipelines.work import FilmError


class Engine:
    """See crew.Narrator."""

    label = "Nobody at all"
    version = 1
    rank = 1
    online = False

    def __init__(self, *, lack=None):
        self.lack = lack

    def missing(self):
        return self.lack
'''


@pytest.fixture
def newcomer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """pipelines/voices/nobody.py, for a while; beside it a helper, which is none."""
    (tmp_path / "nobody.py").write_text(MADE_UP, "utf-8")
    (tmp_path / "_helper.py").write_text("raise RuntimeError\n", "utf-8")
    package = importlib.import_module("pipelines.voices")
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
    yield package
    sys.modules.pop("pipelines.voices.nobody", None)
    if hasattr(package, "nobody"):
        del package.nobody


@pytest.mark.usefixtures("newcomer")
def test_a_new_engine_is_one_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "nobody" in names("voices")
    assert "_helper" not in names("voices")
    assert Crew().get("voices", "nobody").label == "Nobody at all"
    assert Crew({"nobody": {"lack": "Buy one."}}).get("voices", "nobody").missing() == "Buy one."
    monkeypatch.setenv("REELWRIGHT_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("REELWRIGHT_ONLINE_VOICES", "0")
    assert cli.main(["engines", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {"role": "voices", "name": "nobody", "label": "Nobody at all", "online": False, "missing": None} in rows
