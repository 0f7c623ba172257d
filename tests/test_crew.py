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
from PIL import Image

from pipelines import moves, plan, vault
from pipelines.crew import ROLES, Crew, names
from pipelines.darkroom import Darkroom, Negative, negative
from pipelines.presets import Presets, Voice
from pipelines.video import look
from pipelines.work import Cancelled, FilmError, idle
from studio import cli

from . import tiny_voices, whole

FRAME = plan.Frame(160, 90, Fraction(24))


def named(role: str) -> list[str]:
    """Those of the house, and those of tests/extras, which keep the same contracts."""
    return sorted({*names(role), *(path.stem for path in (whole.ROOT / "tests" / "extras" / role).glob("*.py"))})


ALL = [(role, name) for role in ROLES for name in named(role)]


@pytest.fixture(scope="module")
def crew(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crew]:
    own = tmp_path_factory.mktemp("voices")
    tiny_voices.piper(own)
    tiny_voices.piper(own, "de_DE-tiny-low", "de", "de_DE")
    tiny_voices.kokoro(own / "kokoro")
    with whole.extras():
        crew = Crew({"edge": {"online": False}, "piper": {"folder": own}, "kokoro": {"folder": own}})
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
    assert Crew()._rank(role, name) == engine.rank, "it can be read without importing the engine"
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
    assert len({own for own, _ in listed}) == len(listed)
    assert len(listed) > 1 or engine.missing(), "whoever is there has somebody"
    assert all(isinstance(voice, Voice) and voice.ids == {name: own} for own, voice in listed)
    assert engine.missing() or engine.voice_for("en") in dict(listed)
    for language in ("de-DE", "xx-unknown"):
        voice = engine.voice_for(language)
        assert voice in ("", *dict(listed)), "somebody, or nobody at all"
        assert language == "de-DE" or voice in ("", engine.voice_for("en"))
        assert language != "de-DE" or voice != engine.voice_for("en") or not listed


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


def shot(presets: Presets, action: str = "zoom in, pan left", frames: int = 10, seed: int = 3) -> plan.Shot:
    camera = moves.read(action, 4.0, presets.moves, seed).camera
    return plan.Shot("a prompt", None, camera, frames, FRAME, "cover", seed)


@pytest.fixture
def seen(photo: Path, tmp_path: Path, room: Darkroom) -> Negative:
    return negative(room.develop(photo, (480, 270), vault.Vault(tmp_path / "seen")))


def clip_engine(crew: Crew, name: str, live: bool) -> Any:
    engine = usable(crew, "clips", name)
    if getattr(engine, "live", False) != live:
        pytest.skip("the other kind")
    return engine


@pytest.mark.parametrize("name", named("clips"))
def test_a_live_engine_draws_what_its_recipe_says(name: str, crew: Crew, presets: Presets, seen: Negative) -> None:
    engine = clip_engine(crew, name, live=True)
    assert engine.wants_picture in (True, False)
    one = shot(presets)
    recipe = engine.recipe(one)
    assert json.loads(json.dumps(vault.plain(recipe))) == vault.plain(recipe)
    for given in (seen, *([] if engine.wants_picture else [None])):
        drawn = [frame.copy() for frame in engine.footage(one, given).frames(0, one.frames)]
        assert len(drawn) == one.frames
        assert all(frame.shape == (FRAME.height * 3 // 2, FRAME.width) and frame.dtype == np.uint8 for frame in drawn)
        assert any((drawn[0] != frame).any() for frame in drawn[1:]), "it moves"
        fresh = Crew().get("clips", name)
        again = [frame.copy() for frame in fresh.footage(one, given).frames(4, 3)]
        assert all((a == b).all() for a, b in zip(drawn[4:7], again, strict=True)), "a slice is a slice of the same clip"
    assert vault.plain(engine.recipe(shot(presets, frames=11))) != vault.plain(recipe)
    if hasattr(engine, "path"):
        assert engine.path(one, seen).shape == (one.frames, 2, 3)


def test_the_cameras_recipe_is_what_moves_it(crew: Crew, presets: Presets) -> None:
    engine, one = crew.get("clips", "camera"), shot(presets)
    recipe = vault.plain(engine.recipe(one))
    assert vault.plain(engine.recipe(shot(presets, seed=4))) == recipe, "nothing trembles: the seed moves nothing"
    for other in (shot(presets, "pan right"), replace(one, fit="stretch")):
        assert vault.plain(engine.recipe(other)) != recipe


@pytest.mark.parametrize("name", named("clips"))
def test_an_engine_that_writes_a_file_writes_a_clip(name: str, crew: Crew, presets: Presets, seen: Negative, tmp_path: Path) -> None:
    engine = clip_engine(crew, name, live=False)
    own = [model for model in presets.models.values() if model.engine == name]
    model = next((one for one in own if crew.lack("clips", name, one) is None), None)
    if own and model is None:
        pytest.skip("none of its models is here")
    png, ticks = tmp_path / "seen.png", Ticks()
    seen.save(png)
    wants = engine.wants_picture if model is None or model.wants_picture is None else model.wants_picture
    for picture in (png, *([] if wants else [None])):
        one = replace(shot(presets), picture=picture, model=model)
        recipe = vault.plain(engine.recipe(one))
        assert json.loads(json.dumps(recipe)) == recipe
        assert vault.plain(engine.recipe(replace(one, prompt="another"))) != recipe or wants, "what is asked for counts"
        notes = engine.shoot(one, tmp_path / "a.mp4", ticks)
        video = look(tmp_path / "a.mp4", tmp_path, f"seen-{picture is None}")
        assert video.frames == notes.get("frames", video.frames) > 1
        assert video.width >= 16 and video.height >= 16 and 1 <= video.rate <= 120
        assert vault.plain(notes) == notes, "notes are plain"
    assert all(0 <= share <= 1 for share in ticks.shares) and ticks.shares
    with pytest.raises(Cancelled):
        engine.shoot(one, tmp_path / "b.mp4", stopped)


# Painters


@pytest.mark.parametrize("name", named("pictures"))
def test_a_painter_paints_a_picture_that_covers_the_frame(name: str, crew: Crew, tmp_path: Path) -> None:
    engine, ticks = usable(crew, "pictures", name), Ticks()
    brief = plan.Brief("a red house by the sea at sunset", FRAME, 3)
    notes = engine.paint(brief, tmp_path / "a.png", ticks)
    with Image.open(tmp_path / "a.png") as image:
        assert image.format == "PNG"
        assert image.width >= FRAME.width and image.height >= FRAME.height
    assert vault.plain(notes) == notes
    assert all(0 <= share <= 1 for share in ticks.shares)
    engine.paint(brief, tmp_path / "b.png", idle)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    if hasattr(engine, "recipe"):
        recipe = vault.plain(engine.recipe(brief))
        assert json.loads(json.dumps(recipe)) == recipe
        assert vault.plain(engine.recipe(replace(brief, frame=replace(FRAME, width=96)))) != recipe
    with pytest.raises(Cancelled):
        engine.paint(brief, tmp_path / "c.png", stopped)


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
