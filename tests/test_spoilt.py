"""One wrong setting in a model's files: whatever a library makes of it, it is a fault that names a remedy, and other scenes go on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import jinja2
import pytest
import torch
from safetensors import SafetensorError

from pipelines import moves
from pipelines.clips import diffusers as films
from pipelines.clips import open_sora, svd
from pipelines.clips._open_sora_plan import PIXELS
from pipelines.crew import Crew
from pipelines.gear.weights import Reading
from pipelines.music import musicgen
from pipelines.pictures import diffusers as painters
from pipelines.plan import Brief, Cue, Frame, Section, Shot
from pipelines.presets import Model, Presets
from pipelines.work import Cancelled, FilmError, idle

from . import open_sora_weights, tiny, tiny_films, whole

SMALL = Frame(96, 64, Fraction(24))
T5, CLIP = "google/t5-v1_1-xxl", "openai/clip-vit-large-patch14"
SPOILT: tuple[tuple[str, str, str, object], ...] = (
    ("svd", "scheduler/scheduler_config.json", "sigma_max", "x"),  # TypeError
    ("svd", "scheduler/scheduler_config.json", "interpolation_type", "x"),  # ValueError
    ("svd", "scheduler/scheduler_config.json", "beta_schedule", "x"),  # NotImplementedError
    ("svd", "feature_extractor/preprocessor_config.json", "image_mean", []),
    ("svd", "unet/config.json", "transformer_layers_per_block", -1),  # IndexError while it is put together
    ("svd", "unet/config.json", "addition_time_embed_dim", 0),  # RuntimeError in a step
    ("svd", "vae/config.json", "layers_per_block", 0),
    ("svd", "image_encoder/config.json", "num_attention_heads", 0),  # ZeroDivisionError
    ("svd", "image_encoder/config.json", "attention_dropout", []),  # StrictDataclassError
    ("wan", "text_encoder/config.json", "use_cache", 0),
    ("wan", "transformer/config.json", "attention_head_dim", "x"),
    ("wan", "vae/config.json", "num_res_blocks", "x"),
    ("wan", "scheduler/scheduler_config.json", "beta_schedule", "x"),
    ("wan", "model_index.json", "tokenizer", ["no_such_package", "Tokenizer"]),  # ImportError
    ("sdxl", "text_encoder/config.json", "num_attention_heads", 0),
    ("sdxl", "text_encoder/config.json", "attention_dropout", []),
    ("sdxl", "scheduler/scheduler_config.json", "timestep_spacing", "x"),
    ("open_sora", f"{T5}/config.json", "use_cache", 0),
    ("open_sora", f"{T5}/config.json", "relative_attention_max_distance", 0),  # only where it reads
    ("open_sora", f"{CLIP}/config.json", "num_attention_heads", 0),
    ("open_sora", f"{CLIP}/config.json", "eos_token_id", []),
    ("musicgen", "config.json", "text_encoder", {}),
    ("musicgen", "tokenizer_config.json", "pad_token", None),
    ("musicgen", "tokenizer_config.json", "model_max_length", "x"),
)


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    at = tmp_path_factory.mktemp("models")
    made = {"wan": tiny_films.saved("wan-1.3b", at / "wan"), "sdxl": tiny_films.saved("sdxl", at / "sdxl")}
    return made | {"svd": tiny.svd(at / "svd"), "musicgen": tiny.musicgen(at / "musicgen"), "open_sora": open_sora_weights.folder(at / "open_sora")}


def models(homes: dict[str, Path], presets: Presets) -> dict[str, Model]:
    wan, sdxl = presets.models["wan-1.3b"], presets.painters["sdxl"]
    return {
        "svd": Model("Tiny", "", "svd", str(homes["svd"]), licence="made up", options={"frames": 3, "steps": 1, "size": [64, 64], "variant": ""}),
        "wan": replace(wan, repo=str(homes["wan"]), revision="", options=dict(wan.options) | {"size": [64, 64], "steps": 1, "most": 9}),
        "sdxl": replace(sdxl, repo=str(homes["sdxl"]), revision="", options=dict(sdxl.options) | {"size": [64, 64], "steps": 1}),
        "open_sora": Model("Tiny", "", "open_sora", str(homes["open_sora"]), licence="made up", options={"steps": 1}),
        "musicgen": Model("Tiny", "", "musicgen", str(homes["musicgen"]), licence="made up", options={"window": 2.0, "kept": 0.5}),
    }


def asked(kind: str, model: Model, presets: Presets, at: Path) -> Callable[[], Any]:
    """What that engine is asked for, with a fresh one."""
    camera = moves.read("static", 0.2, presets.moves, 1).camera
    shot = Shot("a cat", tiny.picture(at / "seen.png") if kind == "svd" else None, camera, 5, SMALL, "cover", 1, model)
    if kind == "musicgen":
        cue = Cue((Section(presets.moods["calm"], 0.0),), 0.3, 5)
        return lambda: musicgen.Engine(models={"m": model}, device="cpu").compose(cue, at / "a.wav", idle)
    if kind == "sdxl":
        return lambda: painters.Engine(models={"m": model}, device="cpu").paint(Brief("a cat", SMALL, 1), at / "a.png", idle)
    maker: Any = {"svd": svd.Engine, "wan": films.Engine, "open_sora": open_sora.Engine}[kind]
    return lambda: maker(device="cpu").shoot(shot, at / "a.mp4", idle)


@pytest.mark.parametrize(("kind", "file", "field", "value"), SPOILT)
def test_a_wrong_setting_is_a_fault(
    kind: str, file: str, field: str, value: object, homes: dict[str, Path], presets: Presets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PIXELS, "256px", 48 * 48)
    path = homes[kind] / file
    good = path.read_text("utf-8")
    path.write_text(json.dumps(json.loads(good) | {field: value}), "utf-8")
    try:
        with pytest.raises(FilmError) as caught:
            asked(kind, models(homes, presets)[kind], presets, tmp_path)()
    finally:
        path.write_text(good, "utf-8")
    assert caught.value.hint


@pytest.mark.parametrize("kind", [AssertionError, ZeroDivisionError, ImportError, NotImplementedError, OverflowError, jinja2.TemplateSyntaxError, SafetensorError])
def test_whatever_kind_of_error_a_library_raises(kind: Any) -> None:
    with pytest.raises(FilmError, match="spoilt"), Reading("It is spoilt.", "Fetch it anew."):
        raise kind(*(("x", 1) if kind is jinja2.TemplateSyntaxError else ("x",)))


def test_what_is_nobodys_fault_stays_what_it_is() -> None:
    for kind in (torch.OutOfMemoryError, Cancelled, KeyboardInterrupt):
        with pytest.raises(kind), Reading("It is spoilt.", "Fetch it anew."):
            raise kind("x")
    with pytest.raises(OSError, match="disk"), Reading("It is spoilt.", "Fetch it anew.", files=False):
        raise OSError("disk")


def test_the_other_scenes_of_a_film_go_on(homes: dict[str, Path], presets: Presets, tmp_path: Path) -> None:
    spoilt = Path(shutil.copytree(homes["wan"], tmp_path / "spoilt"))
    path = spoilt / "text_encoder" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | {"use_cache": 0}), "utf-8")
    good = models(homes, presets)["wan"]
    mine = replace(presets, models={"bad": replace(good, repo=str(spoilt)), "good": good})
    crew = Crew({"edge": {"online": False}, "clips.diffusers": {"device": "cpu"}})
    rows = [{"image": None, "duration": 0.5, "engine": name, "prompt": "x"} for name in ("bad", "good")]
    with whole.studio(mine, tmp_path / "vault", crew) as studio, pytest.raises(FilmError) as caught:
        whole.make(whole.story(mine, tmp_path, rows), studio, tmp_path / "film.mp4")
    assert [fault.where for fault in caught.value.faults or (caught.value,)] == ["scenes[0].engine"]
    assert list((tmp_path / "vault").rglob("*.mp4")), "what the other scene asked for was made and is kept"
