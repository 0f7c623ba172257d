"""Pictures drawn anew by a painter's model: every preset that can, on its own pipeline with a few random weights."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pipelines.certificate import kept
from pipelines.crew import Crew
from pipelines.marks import Marks
from pipelines.pictures import diffusers as painters
from pipelines.presets import Presets
from pipelines.render import Studio
from pipelines.restyle import Restyle, restyle
from pipelines.vault import Vault
from pipelines.verify import verified
from pipelines.work import FilmError, idle

from . import tiny_films, whole
from .test_painters import small


@pytest.fixture(scope="module")
def mine(presets: Presets, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """A studio whose painters have a few random weights."""
    own = {name: small(name, presets, tiny_films.saved(name, tmp_path_factory.mktemp("model")), steps=8) for name in tiny_films.PAINTERS}
    crew = Crew({"edge": {"online": False}, "pictures.diffusers": {"models": own, "device": "cpu"}})
    yield Studio(crew, replace(presets, painters=own), Vault(tmp_path_factory.mktemp("vault")), whole.ROOT / "assets" / "fonts", workers=2)
    crew.close()


@pytest.fixture
def given(photo: Path, tmp_path: Path) -> Path:
    with Image.open(photo) as image:
        image.resize((96, 64)).save(tmp_path / "given.png")
    return tmp_path / "given.png"


def seen(path: Path) -> Any:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB")).astype(int)


@pytest.mark.parametrize("name", tiny_films.PAINTERS)
def test_every_painter_that_can_draws_a_picture_anew(name: str, mine: Studio, given: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = list[tuple[str, dict[str, Any]]]()
    kind = painters.pipes.named(str(mine.presets.painters[name].options["redraw"]))
    real = kind.__call__

    def watched(self: Any, **asked: Any) -> Any:
        calls.append((type(self).__name__, asked))
        return real(self, **asked)

    watched.__signature__ = inspect.signature(real)  # type: ignore[attr-defined]
    monkeypatch.setattr(kind, "__call__", watched)
    made, ticks = {}, list[float]()
    for strength in ("subtle", "strong"):
        restyle(given, Restyle("watercolour", name, "hills by the sea", strength, 5), mine, tmp_path / f"{strength}.png", ticks.append)
        made[strength] = seen(tmp_path / f"{strength}.png")
        assert made[strength].shape == (64, 96, 3)
    assert np.abs(made["subtle"] - made["strong"]).mean() > 0.5 and len([one for one in ticks if 0 < one < 1]) > 3
    (_, subtle), (_, strong) = calls
    assert "hills by the sea" in subtle["prompt"] and "watercolour painting" in subtle["prompt"]
    assert subtle["strength"] < strong["strength"] <= 1 and subtle["image"].size[0] > 0
    restyle(given, Restyle("watercolour", name, "hills by the sea", "strong", 5), mine, tmp_path / "again.png")
    assert (seen(tmp_path / "again.png") == made["strong"]).all() and len(calls) == 2, "what was drawn is kept"


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_such_a_picture_says_so(suffix: str, mine: Studio, given: Path, tmp_path: Path) -> None:
    marked = replace(mine, marks=Marks(identity=kept(tmp_path / "keys")))
    out = tmp_path / f"made{suffix}"
    assert restyle(given, Restyle("oil", "sdxl"), marked, out) == ()
    verdict = verified(out, marked.marks.identity)
    assert verdict.signed and verdict.signed.state == "intact" and "compositeWithTrainedAlgorithmicMedia" in verdict.signed.source
    assert "Oil painting, drawn anew by Stable Diffusion XL" in verdict.signed.deeds
    assert b"DigitalSourceType" in out.read_bytes() and not list(tmp_path.glob("*.unsigned"))
    first = seen(out)
    restyle(given, Restyle("clay", "sdxl"), marked, out)
    assert (first != seen(out)).any(), "another style is another picture, even where nothing is said of what is seen"
    restyle(given, Restyle("ink"), marked, out)
    assert b"rainedAlgorithmicMedia" not in out.read_bytes(), "by rule"
    unsigned = replace(mine, marks=Marks())
    restyle(given, Restyle("oil", "sdxl"), unsigned, out)
    assert b"compositeWithTrainedAlgorithmicMedia" in out.read_bytes() and seen(out).shape == (64, 96, 3)


def test_a_scene_in_such_a_style(mine: Studio, given: Path, tmp_path: Path) -> None:
    rows = [{"image": str(given), "prompt": "hills", "duration": 1, "engine": "camera", "picture_style": style} for style in ("oil", "")]
    shown = whole.make(whole.story(mine.presets, tmp_path, rows), mine, tmp_path / "film.mp4")
    assert "diffusers" in shown.film.engines["pictures"]
    account = shown.film.account
    assert account.made["pictures"] and "Trained" in account.source
    assert "Trained" in account.deeds[0].source and "Trained" not in account.deeds[1].source


def test_what_cannot_be_is_said_with_the_remedy(mine: Studio, studio: Studio, presets: Presets, given: Path, tmp_path: Path) -> None:
    out = tmp_path / "made.png"
    for how, said in (
        (Restyle("nothing"), "no picture style"), (Restyle("ink", strength="wild"), "no strength"), (Restyle("oil", "nobody"), "draws pictures anew"),
        (Restyle("ink", prompt="x" * 3000), "too many"),
    ):  # fmt: skip
        with pytest.raises(FilmError, match=said) as told:
            restyle(given, how, mine, out, idle)
        assert told.value.hint
    with pytest.raises(FilmError, match="draws pictures anew"):
        restyle(given, Restyle("oil"), studio, out)
    real = Crew({"edge": {"online": False}, "pictures.diffusers": {"models": presets.painters}})
    with pytest.raises(FilmError) as lacks:
        restyle(given, Restyle("oil"), replace(studio, crew=real), out)
    assert "GPU" in lacks.value.hint or "reelwright fetch" in lacks.value.hint
    rows = [{"image": str(given), "prompt": "hills", "duration": 1, "engine": "camera", "picture_style": "oil"}]
    with pytest.raises(FilmError) as scene:
        whole.make(whole.story(presets, tmp_path, rows), replace(studio, crew=real), tmp_path / "film.mp4")
    assert "Oil painting needs a model" in str(scene.value) + "".join(map(str, scene.value.faults)) and not out.exists()
    real.close()


def test_the_command_line_reaches_it(given: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from studio import cli

    monkeypatch.setenv("REELWRIGHT_DATA", str(tmp_path / "data"))
    assert cli.main(["style", str(given), "--as", "oil", "-o", str(tmp_path / "b.png")]) == 1
    assert "draws pictures anew" in capsys.readouterr().err and not (tmp_path / "b.png").exists()
    assert cli.main(["style", str(given), "--as", "ink", "--model", "sdxl", "--strength", "mild", "-o", str(tmp_path / "b.png")]) == 1
    assert cli.main(["style", str(given), "--as", "ink", "-o", str(tmp_path / "b.png")]) == 0 and (tmp_path / "b.png").exists()
