"""MusicGen: whole cues from a tiny one, exactly as long, in one batch; and what may be wrong with its weights."""

from __future__ import annotations

import shutil
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pipelines.music import _sheet as sheet
from pipelines.music import musicgen
from pipelines.plan import Cue, Section
from pipelines.presets import Model, Presets
from pipelines.work import Cancelled, FilmError, idle

from . import tiny


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.musicgen(tmp_path_factory.mktemp("musicgen"))


def engine(folder: Path, **told: Any) -> musicgen.Engine:
    model = Model("Tiny", "", "musicgen", str(folder), licence="Yours", options={"window": 2.0, "kept": 0.5} | told)
    return musicgen.Engine(models={"tiny": model}, device="cpu")


def cue(presets: Presets, seconds: float, *moods: str, seed: int = 5) -> Cue:
    sections = [Section(presets.moods[mood], i * seconds / len(moods)) for i, mood in enumerate(moods)]
    return Cue(tuple(sections), seconds, seed)


def refused(work: Callable[[], Any]) -> FilmError:
    with pytest.raises(FilmError) as caught:
        work()
    return caught.value


@pytest.mark.parametrize(("seconds", "moods"), [(0.5, ["calm"]), (2.25, ["calm"]), (3 + 1 / 3, ["epic", "calm"])])
def test_a_cue_is_as_long_as_it_is(seconds: float, moods: list[str], folder: Path, presets: Presets, tmp_path: Path) -> None:
    made, shares = engine(folder), list[float]()
    assert made.missing() is None
    notes = made.compose(cue(presets, seconds, *moods), tmp_path / "a.wav", shares.append)
    with wave.open(str(tmp_path / "a.wav")) as wav:
        assert (wav.getframerate(), wav.getnchannels(), wav.getnframes()) == (48_000, 2, round(seconds * 48_000))
        heard = np.frombuffer(wav.readframes(wav.getnframes()), "<i2")
    assert np.abs(heard.astype(int)).max() > 500 and notes["sections"] == len(moods)
    assert shares == sorted(shares) and shares[-1] == 1.0 and len(shares) > 20
    made.compose(cue(presets, seconds, *moods), tmp_path / "b.wav", idle)
    made.compose(cue(presets, seconds, *moods, seed=6), tmp_path / "c.wav", idle)
    a, b, c = ((tmp_path / f"{name}.wav").read_bytes() for name in "abc")
    assert a == b != c


def test_sections_are_played_together_and_long_ones_go_on(folder: Path, presets: Presets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, real = list[tuple[int, int, int]](), musicgen.play

    def watch(net: Any, said: Any, pieces: Any, how: Any, tick: Any) -> Any:
        asked.append((len(pieces), max(one.frames for one in pieces), pieces[0].given))
        made = real(net, said, pieces, how, tick)
        for one, codes in zip(pieces, made, strict=True):
            assert codes.shape[1] == one.frames and (one.before is None or torch.equal(codes[:, : one.given], one.before))
        return made

    monkeypatch.setattr(musicgen, "play", watch)
    engine(folder).compose(cue(presets, 4.0, "calm", "epic", "calm"), tmp_path / "a.wav", idle)
    assert asked == [(3, 100, 0), (2, 67, 25)], "two of them last longer than a window"
    asked.clear()
    engine(folder, together=2).compose(cue(presets, 3.0, "calm", "epic", "calm"), tmp_path / "b.wav", idle)
    assert [one[0] for one in asked if not one[2]] == [2, 1]


def test_memory_that_runs_out_costs_nothing_that_was_played(folder: Path, presets: Presets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, asked, room = musicgen.play, list[int](), 2

    def full(net: Any, said: Any, pieces: Any, how: Any, tick: Any) -> Any:
        asked.append(len(pieces))
        if len(pieces) > room or (room == 2 and len(asked) == 2):
            raise torch.OutOfMemoryError
        return real(net, said, pieces, how, tick)

    asks = cue(presets, 1.5, "calm", "epic", "calm")
    before = engine(folder).compose(asks, tmp_path / "a.wav", idle)
    assert "memory" not in before
    monkeypatch.setattr(musicgen, "play", full)
    notes = engine(folder, together=2).compose(asks, tmp_path / "b.wav", idle)
    assert asked == [2, 1, 1] and "memory" in notes, "the two that were there are not played again"
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()
    room = 0
    assert "memory ran out" in refused(lambda: engine(folder).compose(asks, tmp_path / "c.wav", idle)).message


@pytest.mark.parametrize("kind", ["melody", "stereo"])
def test_other_kinds_play_too(kind: str, presets: Presets, tmp_path: Path) -> None:
    made = engine(tiny.musicgen(tmp_path / "model", **{kind: True}))
    for name in "ab":
        made.compose(cue(presets, 2.5, "calm", "epic"), tmp_path / f"{name}.wav", idle)
    with wave.open(str(tmp_path / "a.wav")) as wav:
        assert wav.getnframes() == 120_000
        heard = np.frombuffer(wav.readframes(120_000), "<i2").reshape(-1, 2)
    assert np.abs(heard.astype(int)).max() > 500 and (kind == "stereo") is bool((heard[:, 0] != heard[:, 1]).any())
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()


def test_joints(presets: Presets) -> None:
    said = sheet.parts(cue(presets, 20, "calm", "epic"))
    assert [(one.start, one.end) for one in said] == [(0, 10 + sheet.FADE), (10, 20)]
    assert "bpm" in said[0].words and "instrumental" in said[0].words
    steady = [(one, np.full((1, 20 * 100), 0.5, np.float32)) for one in said]
    whole = sheet.joined(steady, 20, 100)
    assert whole.shape == (1, 2000) and abs(whole[0, -1]) < 1e-6
    assert whole[0, 900:1250].min() > 0.45 and whole[0, 900:1250].max() < 0.75, "nothing jumps where they meet"


def test_it_stops_within_a_step(folder: Path, presets: Presets, tmp_path: Path) -> None:
    count = list[float]()

    def tick(done: float) -> None:
        count.append(done)
        if len(count) == 10:
            raise Cancelled

    with pytest.raises(Cancelled):
        engine(folder).compose(cue(presets, 2.0, "calm"), tmp_path / "a.wav", tick)
    assert len(count) == 10 and not (tmp_path / "a.wav").exists()


def test_what_is_lacking_is_said(presets: Presets, tmp_path: Path, folder: Path) -> None:
    made = musicgen.Engine(models=presets.composers, device="cpu")
    assert "reelwright fetch musicgen-" in str(made.missing()) and "CC-BY-NC" in str(made.missing())
    assert "composers.toml" in str(musicgen.Engine(device="cpu").missing())
    assert "kept" in str(engine(folder, kept=9.0).missing())
    assert "here" in refused(lambda: made.compose(cue(presets, 1, "calm"), tmp_path / "a.wav", idle)).message


def test_weights_that_are_not_what_they_say(folder: Path, presets: Presets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = Path(shutil.copytree(folder, tmp_path / "copy"))
    file = own / "model.safetensors"
    whole = file.read_bytes()

    def said() -> str:
        return str(refused(lambda: engine(own).compose(cue(presets, 0.5, "calm"), tmp_path / "a.wav", idle)))

    file.write_bytes(whole[:-40])
    assert "cut short" in said()
    torch.save({"a": torch.ones(2)}, file)
    assert "pickle" in said()
    from safetensors.torch import load, save_file

    kept = load(whole)
    kept.pop(sorted(name for name in kept if "layers.0.fc1" in name)[0])
    save_file(kept, file, {"format": "pt"})
    assert "another model" in said()
    config = own / "config.json"
    config.write_text(config.read_text("utf-8").replace('"model_type": "musicgen"', '"model_type": "bark"'), "utf-8")
    file.write_bytes(whole)
    assert "no MusicGen" in said()
    kept = load(whole)
    kept["decoder.model.decoder.layers.0.fc1.weight"].fill_(torch.inf)
    save_file(kept, file, {"format": "pt"})
    shutil.copyfile(folder / "config.json", config)
    assert "out of range" in said()
    monkeypatch.setattr(musicgen, "sounded", lambda *_: torch.full((1, 64000), torch.nan))
    assert "out of range" in refused(lambda: engine(folder).compose(cue(presets, 0.5, "calm"), tmp_path / "a.wav", idle)).message
