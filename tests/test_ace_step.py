"""ACE-Step: whole cues from a tiny one, exactly as long; and what may be wrong with its weights."""

from __future__ import annotations

import json
import shutil
import wave
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pipelines.music import ace_step
from pipelines.music._sheet import FADE, Part
from pipelines.plan import Cue, Section
from pipelines.presets import Presets
from pipelines.work import Cancelled, FilmError, idle

from . import tiny_films


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_films.saved("ace-step", tmp_path_factory.mktemp("ace"))


def engine(presets: Presets, folder: Path, **told: Any) -> ace_step.Engine:
    own = presets.composers["ace-step"]
    return ace_step.Engine(models={"tiny": replace(own, repo=str(folder), options=dict(own.options) | {"steps": 3} | told)}, device="cpu")


def cue(presets: Presets, seconds: float, *moods: str, seed: int = 5) -> Cue:
    return Cue(tuple(Section(presets.moods[mood], i * seconds / len(moods)) for i, mood in enumerate(moods)), seconds, seed)


@pytest.mark.parametrize(("seconds", "moods"), [(0.5, ["calm"]), (4 + 1 / 3, ["epic", "calm", "epic"])])
def test_a_cue_is_as_long_as_it_is(seconds: float, moods: list[str], folder: Path, presets: Presets, tmp_path: Path) -> None:
    made, shares = engine(presets, folder, together=2), list[float]()
    assert made.missing() is None
    made.compose(cue(presets, seconds, *moods), tmp_path / "a.wav", shares.append)
    with wave.open(str(tmp_path / "a.wav")) as wav:
        assert (wav.getframerate(), wav.getnchannels(), wav.getnframes()) == (48_000, 2, round(seconds * 48_000))
        heard = np.frombuffer(wav.readframes(wav.getnframes()), "<i2")
    assert np.abs(heard.astype(int)).max() > 500
    assert shares == sorted(shares) and shares[-1] == 1.0 and len(shares) > 5
    made.compose(cue(presets, seconds, *moods), tmp_path / "b.wav", idle)
    made.compose(cue(presets, seconds, *moods, seed=6), tmp_path / "c.wav", idle)
    a, b, c = ((tmp_path / f"{name}.wav").read_bytes() for name in "abc")
    assert a == b != c


def test_what_is_too_long_is_several() -> None:
    made = ace_step.pieces([Part("x", 0, 25)], 10)
    assert [(one.start, one.end) for one in made] == [(0, 10), (10 - FADE, 20 - FADE), (2 * (10 - FADE), 25)]


def test_what_goes_wrong_is_said(folder: Path, presets: Presets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lost = str(ace_step.Engine(models=presets.composers, device="cpu").missing())
    assert "reelwright fetch ace-step" in lost and "MIT" in lost
    assert "steps" in str(engine(presets, folder, steps=0).missing())
    own = Path(shutil.copytree(folder, tmp_path / "copy"))
    file = next((own / "transformer").glob("*.safetensors"))
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(FilmError, match="cut short"):
        engine(presets, own).compose(cue(presets, 0.5, "calm"), tmp_path / "a.wav", idle)

    def tick(done: float) -> None:
        if done > 0.1:
            raise Cancelled

    with pytest.raises(Cancelled):
        engine(presets, folder, steps=20).compose(cue(presets, 0.5, "calm"), tmp_path / "a.wav", tick)
    real, ways = ace_step.Engine._played, list[str]()

    def full(self: Any, model: Any, told: Any, sections: Any, seed: Any, way: str, tick: Any, **more: Any) -> Any:
        ways.append(way)
        if len(ways) == 1:
            raise torch.OutOfMemoryError("as if")
        return real(self, model, told, sections, seed, way, tick, **more)

    quick = Path(shutil.copytree(folder, tmp_path / "turbo"))
    config = json.loads((quick / "transformer" / "config.json").read_text("utf-8"))
    (quick / "transformer" / "config.json").write_text(json.dumps(config | {"is_turbo": True}), "utf-8")
    with pytest.raises(FilmError, match="turbo"):
        engine(presets, quick, guidance=2.0).compose(cue(presets, 0.5, "calm"), tmp_path / "a.wav", idle)
    engine(presets, folder, guidance=2.0).compose(cue(presets, 0.5, "calm"), tmp_path / "a.wav", idle)
    monkeypatch.setattr(ace_step.Engine, "_played", full)
    assert "ran out" in str(engine(presets, folder).compose(cue(presets, 0.5, "calm"), tmp_path / "a.wav", idle)["memory"])
    assert ways == ["resident", "stream"]
    longer = list[bool]()

    def odd(*given: Any, long: bool = False) -> Any:
        longer.append(long)
        rate, heard = real(*given, long=long)
        return rate, heard if long and len(longer) == 2 else [one * np.nan for one in heard]

    monkeypatch.setattr(ace_step.Engine, "_played", odd)
    notes = engine(presets, folder).compose(cue(presets, 0.5, "calm"), tmp_path / "a.wav", idle)
    assert notes["retried"] == "float32" and longer == [False, True]
    with pytest.raises(FilmError, match="out of range"):
        engine(presets, folder).compose(cue(presets, 0.5, "calm"), tmp_path / "a.wav", idle)
