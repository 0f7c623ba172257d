"""Painters of diffusers': every preset's own arguments, on the same pipeline with a few random weights."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from pipelines.crew import Crew
from pipelines.gear import pipes
from pipelines.loras import Lora
from pipelines.pictures import diffusers as painters
from pipelines.plan import Brief, Frame
from pipelines.presets import Model, Presets
from pipelines.vault import plain
from pipelines.work import Cancelled, FilmError, idle

from . import tiny_films, whole

BRIEF = Brief("a red house by the sea", Frame(96, 54, Fraction(24)), 3)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {name: tiny_films.saved(name, tmp_path_factory.mktemp("model")) for name in tiny_films.PAINTERS}


def small(name: str, presets: Presets, at: Path, **more: Any) -> Model:
    own = presets.painters[name]
    return replace(own, repo=str(at), revision="", options=dict(own.options) | {"size": [64, 64], "steps": 2} | more)


def engine(*models: Model) -> painters.Engine:
    return painters.Engine(models={str(i): model for i, model in enumerate(models)}, device="cpu")


def refused(work: Callable[[], Any]) -> FilmError:
    with pytest.raises(FilmError) as caught:
        work()
    return caught.value


@pytest.mark.parametrize("name", tiny_films.PAINTERS)
def test_every_painter_paints(name: str, presets: Presets, folders: dict[str, Path], tmp_path: Path) -> None:
    made, shares = engine(small(name, presets, folders[name])), list[float]()
    assert made.missing() is None
    made.paint(BRIEF, tmp_path / "a.png", shares.append)
    with Image.open(tmp_path / "a.png") as image:
        assert image.format == "PNG" and image.width >= 96 and image.height >= 54
        assert np.asarray(image).std() > 1
    assert shares == sorted(shares) and len(shares) > 3
    made.paint(BRIEF, tmp_path / "b.png", idle)
    made.paint(replace(BRIEF, seed=4), tmp_path / "c.png", idle)
    a, b, c = ((tmp_path / f"{one}.png").read_bytes() for one in "abc")
    assert a == b != c
    recipe = plain(made.recipe(BRIEF))
    assert plain(made.recipe(replace(BRIEF, prompt="a dog"))) != recipe != plain(made.recipe(replace(BRIEF, seed=4)))


def test_every_preset_can_be_read_and_the_first_is_free(presets: Presets) -> None:
    assert all(painters.options(model.options) for model in presets.painters.values())
    assert next(iter(presets.painters.values())).licence in ("Apache-2.0", "MIT")


def test_the_first_that_is_here_paints(presets: Presets, folders: dict[str, Path], tmp_path: Path) -> None:
    lost = small("z-image", presets, tmp_path / "nowhere")
    made = engine(lost, small("sdxl", presets, folders["sdxl"]))
    assert made.missing() is None
    assert made.paint(BRIEF, tmp_path / "a.png", idle)["model"] == str(folders["sdxl"])
    said = str(engine(replace(lost, repo="some/where")).missing())
    assert "reelwright fetch z-image" in said and "Apache-2.0" in said
    assert "painters.toml" in str(painters.Engine().missing())
    assert Crew({"pictures.diffusers": {"models": {"a": lost}}}).get("clips", "diffusers").label, "the clip engine of the same name is another"


@pytest.mark.parametrize("name", ["sdxl", "flux-schnell"])
def test_lora_files_change_the_picture(name: str, presets: Presets, folders: dict[str, Path], tmp_path: Path) -> None:
    from peft import LoraConfig
    from peft.utils import get_peft_model_state_dict

    pipe = pipes.named(str(presets.painters[name].options["kind"])).from_pretrained(folders[name])
    part = "unet" if name == "sdxl" else "transformer"
    net = getattr(pipe, part)
    net.add_adapter(LoraConfig(r=2, target_modules=["to_q", "to_v"], init_lora_weights=False))
    tensors = {f"{part}.{key}": tensor for key, tensor in get_peft_model_state_dict(net).items()}
    save_file({key: tensor * 4 for key, tensor in tensors.items()}, tmp_path / "ink.safetensors", {"modelspec.trigger_phrase": "inkpen"})
    (tmp_path / "bad.safetensors").write_bytes(b"PK\x03\x04 pickled")

    def made(*asked: dict[str, Any]) -> tuple[bytes, str]:
        own = engine(small(name, presets, folders[name], loras=list(asked)))
        own.paint(BRIEF, tmp_path / "a.png", idle)
        return (tmp_path / "a.png").read_bytes(), str(plain(own.recipe(BRIEF)))

    file = {"file": str(tmp_path / "ink.safetensors")}
    every = [made(), made(file), made(file | {"weight": 0.5}), made(file, file | {"words": "oily"})]
    assert len({picture for picture, _ in every}) == len({recipe for _, recipe in every}) == 4
    assert "inkpen" in every[1][1] and "inkpen, oily" in every[3][1]
    own = engine(small(name, presets, folders[name]))
    asked = [replace(BRIEF, loras=one) for one in ((), (Lora(file["file"]),), (Lora(file["file"], weight=0.5),), ())]
    seen = []
    for k, brief in enumerate(asked):
        own.paint(brief, tmp_path / f"{k}.png", idle)
        seen.append((tmp_path / f"{k}.png").read_bytes())
    assert seen == [every[0][0], every[1][0], every[2][0], every[0][0]], "as a scene asks for them, on one model"
    assert own.recipe(asked[0]) == own.recipe(BRIEF) != own.recipe(asked[1]) != own.recipe(asked[2])
    assert own.adapts(asked[1].loras) is None and "made for" in str(own.adapts((Lora(file["file"], models=("other",)),)))
    said = refused(lambda: made({"file": str(tmp_path / "bad.safetensors"), "words": "x"}))
    assert "bad.safetensors is a pickle" in said.message
    assert "gone.safetensors is not on this machine" in str(engine(small(name, presets, folders[name], loras=[{"file": str(tmp_path / "gone.safetensors")}])).missing())


def test_it_stops_when_told(presets: Presets, folders: dict[str, Path], tmp_path: Path) -> None:
    def tick(done: float) -> None:
        if done > 0.1:
            raise Cancelled

    with pytest.raises(Cancelled):
        engine(small("sdxl", presets, folders["sdxl"], steps=20)).paint(BRIEF, tmp_path / "a.png", tick)
    assert not (tmp_path / "a.png").exists()


def test_what_goes_wrong_is_said(presets: Presets, folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = small("sdxl", presets, folders["sdxl"])
    assert "prompt" in refused(lambda: engine(model).paint(replace(BRIEF, prompt=" "), tmp_path / "a.png", idle)).message
    assert "steps" in str(engine(replace(model, options={"kind": "FluxPipeline", "steps": 0})).missing())
    own = Path(shutil.copytree(folders["sdxl"], tmp_path / "copy"))
    file = next((own / "unet").glob("*.safetensors"))
    file.write_bytes(file.read_bytes()[:-9])
    assert "cut short" in refused(lambda: engine(small("sdxl", presets, own)).paint(BRIEF, tmp_path / "a.png", idle)).message
    real, ways = painters._painted, list[str]()

    def full(*given: Any) -> Any:
        ways.append("")
        if len(ways) == 1:
            raise torch.OutOfMemoryError("as if")
        return real(*given)

    monkeypatch.setattr(painters, "_painted", full)
    assert "ran out" in str(engine(model).paint(BRIEF, tmp_path / "a.png", idle)["memory"])
    monkeypatch.setattr(painters, "_painted", lambda *_: (_ for _ in ()).throw(torch.OutOfMemoryError("as if")))
    assert "memory ran out" in refused(lambda: engine(model).paint(BRIEF, tmp_path / "a.png", idle)).message
    monkeypatch.setattr(painters, "_painted", lambda *_: None)
    assert "out of range" in refused(lambda: engine(model).paint(BRIEF, tmp_path / "a.png", idle)).message
    assert pipes.PLANS[0] == "resident"


def test_a_scene_without_a_picture_is_painted_and_then_set_in_motion(presets: Presets, folders: dict[str, Path], tmp_path: Path) -> None:
    """From a prompt alone to a film: the painter's picture under the camera."""
    mine = {"one": small("flux-schnell", presets, folders["flux-schnell"])}
    crew = Crew({"edge": {"online": False}, "pictures.diffusers": {"models": mine, "device": "cpu"}})
    with whole.studio(presets, tmp_path / "vault", crew) as studio:
        row = {"image": None, "prompt": "a castle", "duration": 1, "engine": "camera"}
        shown = whole.make(whole.story(presets, tmp_path, [row]), studio, tmp_path / "film.mp4")
    assert shown.timeline["scenes"][0]["painter"] == "diffusers"
