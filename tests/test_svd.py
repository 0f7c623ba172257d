"""Stable Video Diffusion: our steps give what diffusers' pipeline gives, whatever is saved; and whole clips."""

from __future__ import annotations

import shutil
import threading
import weakref
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import fields, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from pipelines import moves, plan
from pipelines.cast import model_of
from pipelines.clips import _svd_loop as loop
from pipelines.clips import _svd_machine as machine
from pipelines.clips import _svd_net, svd
from pipelines.clips import _svd_plan as rules
from pipelines.clips import _svd_shot as shots
from pipelines.clips._svd_net import Savings, build, predict, tell
from pipelines.crew import Crew
from pipelines.gear import zero
from pipelines.presets import Model, Presets
from pipelines.vault import plain
from pipelines.video import look
from pipelines.work import Cancelled, FilmError, idle

from . import measure, tiny

NONE = Savings(*[False] * len(fields(Savings)))
ALL = Savings()
EACH = [field.name for field in fields(Savings) if field.name != "compiled"]
FRAMES, STEPS, SIZE = 5, 3, (72, 64)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.svd(tmp_path_factory.mktemp("svd"))


@pytest.fixture(scope="module")
def pipe(folder: Path) -> Any:
    from diffusers import StableVideoDiffusionPipeline

    made = StableVideoDiffusionPipeline.from_pretrained(folder, local_files_only=True)
    made.set_progress_bar_config(disable=True)
    return made


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.picture(tmp_path_factory.mktemp("seen") / "seen.png", SIZE)


@pytest.fixture(scope="module")
def theirs(pipe: Any, seen: Path) -> dict[str, torch.Tensor]:
    """What diffusers makes of it: latents and pictures."""
    asked = {"height": SIZE[1], "width": SIZE[0], "num_frames": FRAMES, "num_inference_steps": STEPS, "fps": 7, "motion_bucket_id": 90}
    asked |= {"noise_aug_strength": 0.05, "min_guidance_scale": 1.0, "max_guidance_scale": 3.0}
    with Image.open(seen) as image:
        return {kind: pipe(image, **asked, generator=torch.Generator().manual_seed(1), output_type=kind).frames[0] for kind in ("latent", "pt")}


def ours(pipe: Any, seen: Path, savings: Savings, apart: bool = False) -> torch.Tensor:
    with Image.open(seen) as image, torch.inference_mode():
        picture = torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float() / 127.5 - 1
        net, random = build(pipe.unet, savings), torch.Generator().manual_seed(1)
        context = loop.seen(pipe.image_encoder, picture, pipe.feature_extractor.image_mean, pipe.feature_extractor.image_std)
        latents = loop.encoded(pipe.vae, picture, 0.05, random)
        wish = loop.Wish(FRAMES, 7, 90, 0.05, (1.0, 3.0))
        return loop.denoise(net, wish, loop.euler(pipe.scheduler, STEPS), context, latents, random, idle, apart)


def test_every_film_compiles_as_many_shapes(pipe: Any, seen: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """torch keeps that setting for each thread, and a film has threads of its own."""
    monkeypatch.setattr(torch, "compile", lambda function, **_: function)
    _svd_net._compiled.cache_clear()
    told = list[int]()

    def film() -> None:
        ours(pipe, seen, replace(ALL, compiled=True))
        told.append(torch._dynamo.config.recompile_limit)

    for _ in range(2):
        thread = threading.Thread(target=film)
        thread.start()
        thread.join()
    _svd_net._compiled.cache_clear()
    assert told == [_svd_net.SHAPES] * 2


def test_a_vae_that_saw_in_longer_numbers_is_as_before(pipe: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    vae = deepcopy(pipe.vae).half()
    vae.register_to_config(force_upcast=True)

    def full(*_: Any) -> None:
        raise torch.OutOfMemoryError("as if")

    monkeypatch.setattr(vae, "encode", full)
    with pytest.raises(torch.OutOfMemoryError):
        loop.encoded(vae, torch.zeros(1, 3, 64, 64), 0.0, torch.Generator())
    assert vae.dtype == torch.float16, "or it would take twice the memory from then on"


@pytest.mark.parametrize("name", ["none", *EACH, "all"])
@pytest.mark.parametrize("apart", [False, True], ids=["together", "apart"])
def test_every_saving_gives_what_diffusers_gives(name: str, apart: bool, pipe: Any, seen: Path, theirs: dict[str, torch.Tensor]) -> None:
    savings = {"none": NONE, "all": ALL}.get(name) or replace(NONE, **{name: True})
    made = ours(pipe, seen, savings, apart)
    assert made.shape == theirs["latent"].shape
    assert float((made - theirs["latent"]).abs().max()) <= 1e-4
    assert float(theirs["latent"].std()) > 0.1, "there is something to be equal to"


def test_compiled_blocks_give_the_same_and_are_shared(pipe: Any, seen: Path, theirs: dict[str, torch.Tensor], monkeypatch: pytest.MonkeyPatch) -> None:
    from torch._dynamo.utils import counters

    real = torch.compile
    monkeypatch.setattr(torch, "compile", lambda function, **more: real(function, **more, backend="aot_eager", fullgraph=True))
    _svd_net._compiled.cache_clear()
    counters.clear()
    made = ours(pipe, seen, replace(ALL, compiled=True))
    _svd_net._compiled.cache_clear()
    assert float((made - theirs["latent"]).abs().max()) <= 1e-4
    blocks = len(list(build(pipe.unet, ALL).blocks()))
    assert 0 < counters["stats"]["unique_graphs"] < blocks, "blocks of one shape are compiled once"


def test_cross_attention_to_one_token_is_left_out_where_it_is_folded(pipe: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = {}
    real = torch.nn.functional.scaled_dot_product_attention
    for fold in (False, True):
        net, counted = build(pipe.unet, replace(NONE, fold=fold)), list[int]()

        def count(*given: Any, **more: Any) -> Any:
            counted.append(1)  # noqa: B023
            return real(*given, **more)

        monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", count)
        with torch.inference_mode():
            known = tell(net, torch.tensor([0.3]), torch.randn(2, 1, 32), torch.ones(2, 3), 2)
            predict(net, torch.randn(4, 8, 8, 8), known, 0, 2)
        calls[fold] = len(counted)
    assert calls[True] * 2 == calls[False] > 0


def test_pictures_are_decoded_a_clip_at_a_time(pipe: Any, theirs: dict[str, torch.Tensor]) -> None:
    with torch.inference_mode():
        whole = torch.cat(list(loop.decoded(pipe.vae, theirs["latent"], FRAMES, idle)))
        parts = torch.cat(list(loop.decoded(pipe.vae, theirs["latent"], 2, idle)))
    assert float(((whole / 2 + 0.5).clamp(0, 1) - theirs["pt"]).abs().max()) <= 1e-4
    assert parts.shape == whole.shape and (parts - whole).abs().max() > 1e-4, "pieces differ where they meet"


def test_the_four_step_schedule_is_the_one_it_was_distilled_with() -> None:
    from diffusers import CMStochasticIterativeScheduler

    theirs = CMStochasticIterativeScheduler(num_train_timesteps=40, sigma_min=0.002, sigma_max=700.0, sigma_data=1.0, clip_denoised=False)
    for steps in (1, 2, 4, 8):
        theirs.set_timesteps(steps)
        ours = loop.lcm(steps)
        assert ours.sigmas[:-1] == pytest.approx(theirs.sigmas[:-1].tolist(), rel=1e-4)
        assert (ours.sigmas[-1], ours.first, ours.steps) == (0.002, 700.0, steps)


# What it is asked for


@pytest.mark.parametrize(
    ("action", "low", "high"),
    [("static", 10, 40), ("slow push in", 60, 90), ("zoom out", 60, 90), ("pan left", 110, 140), ("fast pan right", 110, 140), ("handheld", 160, 200)],
)
def test_a_clip_action_is_so_much_motion(action: str, low: int, high: int, presets: Presets) -> None:
    camera = moves.read(action, 4.0, presets.moves, 1).camera
    made = rules.motion(camera, rules.Options())
    assert low <= made.bucket <= high
    assert 0.02 <= made.noise <= 0.1
    slow, fast = (rules.motion(moves.read(f"{word} {action}", 4.0, presets.moves, 1).camera, rules.Options()).bucket for word in ("slightly", "very fast"))
    assert slow < fast
    assert rules.motion(camera, rules.Options(motion=7, noise=0.5)) == rules.Motion(7, 0.5)


def test_sizes_are_what_the_model_was_made_for() -> None:
    assert rules.size((1024, 576), 16 / 9) == (1024, 576)
    assert rules.size((1024, 576), 9 / 16) == (576, 1024)
    for aspect in (1.0, 4 / 3, 2.39, 0.5):
        wide, high = rules.size((1024, 576), aspect)
        assert wide % 64 == high % 64 == 0 and abs(wide / high / aspect - 1) < 0.12 and 0.7 < wide * high / (1024 * 576) < 1.4


@pytest.mark.parametrize(("seconds", "clips"), [(0.1, 1), (3.5, 1), (4.4, 1), (5, 2), (9, 3), (600, rules.MOST)])
def test_a_long_scene_is_several_clips(seconds: float, clips: int) -> None:
    assert rules.pieces(seconds, rules.Options()) == clips


@pytest.mark.parametrize(
    "told", [{"frames": 0}, {"fps": float("nan")}, {"steps": "many"}, {"unet": "../x.safetensors"}, {"colour": 1}, {"steps": 41, "sampler": "lcm"}]
)
def test_options_that_cannot_be_are_named(told: dict[str, Any]) -> None:
    with pytest.raises(FilmError) as caught:
        rules.options(told)
    assert next(iter(told)) in caught.value.message and caught.value.where == "models.toml"


# Whole clips


@pytest.fixture(scope="module")
def engine() -> Iterator[svd.Engine]:
    made = svd.Engine(device="cpu")
    yield made
    made.close()


def model(folder: Path, **options: Any) -> Model:
    told = {"frames": 4, "steps": 2, "size": [64, 64], "variant": ""} | options
    return Model("Tiny", "", "svd", str(folder), licence="Yours", options=told)


def shot(presets: Presets, seen: Path, folder: Path, action: str = "static", seconds: float = 0.5, **options: Any) -> plan.Shot:
    frame = plan.Frame(96, 54, Fraction(24))
    camera = moves.read(action, seconds, presets.moves, 3).camera
    return plan.Shot("", seen, camera, frame.at_least(seconds), frame, "cover", 3, model(folder, **options))


def test_a_picture_becomes_a_clip(engine: svd.Engine, presets: Presets, seen: Path, folder: Path, tmp_path: Path) -> None:
    asked = shot(presets, seen, folder)
    assert engine.missing() is None and engine.lacks(model(folder)) is None
    notes = engine.shoot(asked, tmp_path / "a.mp4", idle)
    video = look(tmp_path / "a.mp4", tmp_path, "a")
    assert (video.frames, video.rate) == (4, 7) and video.width % 64 == 0 and notes["frames"] == 4
    again = engine.shoot(asked, tmp_path / "b.mp4", idle)
    assert notes == again and (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes(), "the same seed, the same clip"
    engine.shoot(replace(asked, seed=4), tmp_path / "c.mp4", idle)
    assert (tmp_path / "c.mp4").read_bytes() != (tmp_path / "a.mp4").read_bytes()


def test_the_cameras_moves_go_over_it(engine: svd.Engine, presets: Presets, seen: Path, folder: Path, tmp_path: Path) -> None:
    still = shot(presets, seen, folder, "static", motion=50)
    panned = shot(presets, seen, folder, "pan right", motion=50)
    engine.shoot(still, tmp_path / "still.mp4", idle)
    engine.shoot(panned, tmp_path / "panned.mp4", idle)
    video = look(tmp_path / "panned.mp4", tmp_path, "panned")
    assert (video.frames, video.rate) == (12, 21), "often enough to be smooth"
    one, other = (list(measure.frames(tmp_path / f"{name}.mp4", (video.width, video.height))) for name in ("still", "panned"))
    left, right = other[0].astype(float), other[-1].astype(float)
    assert abs(left - right).mean() > 4 and one[0].shape == left.shape
    assert engine.recipe(still) != engine.recipe(panned)
    assert plain(engine.recipe(shot(presets, seen, folder, "static", 0.55, motion=50))) == plain(engine.recipe(still)), "a little longer is the same clip"


def test_where_the_camera_goes_closer_the_clip_is_made_larger(engine: svd.Engine, presets: Presets, seen: Path, folder: Path, tmp_path: Path) -> None:
    """So what is nearest has as many pixels as the model would give to all of it."""
    sides = {}
    for action, room in (("static", 1.25), ("zoom in", 1.25), ("zoom in", 1.0)):
        engine.shoot(shot(presets, seen, folder, action, size=[256, 128], frames=2, room=room), tmp_path / "a.mp4", idle)
        video = look(tmp_path / "a.mp4", tmp_path, f"{len(sides)}")
        sides[action, room] = video.width, video.height
    assert sides == {("static", 1.25): (256, 128), ("zoom in", 1.25): (320, 192), ("zoom in", 1.0): (256, 128)}
    near, own = shots.measures(shot(presets, seen, folder, "zoom in", 5.0), rules.Options(), 16 / 9), rules.size((1024, 576), 16 / 9)
    assert own == (1024, 576) and near == (1280, 704)
    asked = shot(presets, seen, folder, "very fast zoom in", 5.0)
    assert shots.measures(asked, rules.Options(), 16 / 9) == near, "no model is good at any size"
    quick, slow = (svd.seconds(shot(presets, seen, folder, action, 5.0, size=[256, 128])) for action in ("static", "zoom in"))
    assert slow > quick, "that takes longer"


def test_a_long_scene_goes_on_from_its_own_last_frame(engine: svd.Engine, presets: Presets, seen: Path, folder: Path, tmp_path: Path) -> None:
    notes = engine.shoot(shot(presets, seen, folder, seconds=1.5), tmp_path / "a.mp4", idle)
    assert notes["frames"] == 4 + 3 + 3
    first = list(measure.frames(tmp_path / "a.mp4", (64, 64)))
    engine.shoot(shot(presets, seen, folder), tmp_path / "b.mp4", idle)
    short = list(measure.frames(tmp_path / "b.mp4", (64, 64)))
    assert all((a == b).all() for a, b in zip(first[:3], short[:3], strict=True))


@pytest.mark.parametrize("fit", ["cover", "contain", "contain-blur", "stretch"])
def test_a_picture_of_another_shape_fits_as_the_story_says(fit: str, engine: svd.Engine, presets: Presets, folder: Path, tmp_path: Path) -> None:
    tall = tiny.picture(tmp_path / "tall.png", (40, 120))
    engine.shoot(replace(shot(presets, tall, folder, size=[128, 128]), fit=fit), tmp_path / "a.mp4", idle)
    video = look(tmp_path / "a.mp4", tmp_path, "a")
    assert (video.height > video.width) == fit.startswith("contain")


def test_four_steps_need_no_second_row(engine: svd.Engine, presets: Presets, seen: Path, folder: Path, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    base = copied(folder, tmp_path)
    (base / "unet" / "diffusion_pytorch_model.safetensors").rename(own / "tiny-lcm.safetensors")  # of the base only the config is read
    asked = shot(presets, seen, own, steps=4, sampler="lcm", guidance=[1.0, 1.0], unet="tiny-lcm.safetensors", base=str(base))
    assert asked.model and engine.lacks(asked.model) is None
    engine.shoot(asked, tmp_path / "a.mp4", idle)
    (base / "unet" / "config.json").rename(tmp_path / "config.json")
    assert str(base) in str(engine.lacks(asked.model)), "how it is built is read there"
    (tmp_path / "config.json").rename(base / "unet" / "config.json")
    (own / "tiny-lcm.safetensors").unlink()
    assert "tiny-lcm.safetensors" in str(engine.lacks(asked.model))


def test_it_stops_within_a_step(engine: svd.Engine, presets: Presets, seen: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = list[int]()
    real = loop.predict
    monkeypatch.setattr(loop, "predict", lambda *given: steps.append(1) or real(*given))

    def tick(_done: float) -> None:
        if len(steps) == 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        engine.shoot(shot(presets, seen, folder, steps=20), tmp_path / "a.mp4", tick)
    assert len(steps) == 2 and not (tmp_path / "a.mp4").exists()


# What goes wrong


def refused(work: Any) -> FilmError:
    with pytest.raises(FilmError) as caught:
        work()
    return caught.value


def copied(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "copy"))


def test_what_is_lacking_is_said_with_its_remedy_and_its_licence(presets: Presets) -> None:
    engine = svd.Engine(device="cpu")
    for name in ("svd", "svd-xt", "svd-xt-1.1", "svd-lcm4"):
        own = presets.models[name]
        rules.options(own.options)
        said = str(engine.lacks(own))
        assert f"reelwright fetch {name}" in said and own.licence in said and ("hf auth login" in said) == own.gated
    assert "$1,000,000" in str(engine.lacks(presets.models["svd-xt"]))
    base, own = engine.sources(presets.models["svd-lcm4"])
    assert (base.bare, own.wanted) == (("unet",), ("AnimateLCM-SVD-xt-1.1.safetensors",)), "the rest of it, too, but not its network"


def test_without_a_gpu_it_says_what_it_needs(presets: Presets) -> None:
    if not torch.cuda.is_available():
        assert "No GPU" in str(svd.Engine().missing()) and "8 GB" in str(svd.Engine().missing())


def test_numbers_that_run_out_are_computed_again(
    engine: svd.Engine, presets: Presets, seen: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = shots.denoise
    kinds = list[torch.dtype]()

    def broken(net: Any, *given: Any) -> torch.Tensor:
        kinds.append(net.dtype)
        return real(net, *given) * (float("nan") if net.dtype == torch.float32 else 1.0)

    monkeypatch.setattr(shots, "denoise", broken)
    notes = engine.shoot(shot(presets, seen, folder), tmp_path / "a.mp4", idle)
    assert kinds == [torch.float32, torch.float64] and notes["retried"] == "float64"
    monkeypatch.setattr(shots, "denoise", lambda *given: real(*given) * float("nan"))
    assert "out of range" in refused(lambda: engine.shoot(shot(presets, seen, folder), tmp_path / "b.mp4", idle)).message


def test_less_memory_is_taken_once(
    engine: svd.Engine, presets: Presets, seen: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, rows = shots.denoise, list[bool]()

    def full(*given: Any) -> torch.Tensor:
        rows.append(given[7])
        if not given[7]:
            raise torch.OutOfMemoryError("as if")
        return real(*given)

    engine.shoot(shot(presets, seen, folder), tmp_path / "whole.mp4", idle)
    monkeypatch.setattr(shots, "denoise", full)
    notes = engine.shoot(shot(presets, seen, folder), tmp_path / "a.mp4", idle)
    assert rows == [False, True] and "ran out" in str(notes["memory"])
    with monkeypatch.context() as patch:
        patch.setattr(shots, "denoise", lambda *_: (_ for _ in ()).throw(torch.OutOfMemoryError("as if")))
        assert "memory ran out" in refused(lambda: engine.shoot(shot(presets, seen, folder), tmp_path / "b.mp4", idle)).message
    engine.close()


def test_where_memory_runs_out_at_last_the_clip_is_as_large_as_the_model_makes_it(
    engine: svd.Engine, presets: Presets, seen: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, widths = shots.denoise, list[int]()

    def full(*given: Any) -> torch.Tensor:
        widths.append(given[4].shape[-1])
        if len(widths) > 1 and widths[-1] == widths[0]:
            raise torch.OutOfMemoryError("as if")
        return real(*given)

    asked = shot(presets, seen, folder, "zoom in", 0.8, size=[256, 128])
    monkeypatch.setattr(shots, "denoise", full)
    notes = engine.shoot(asked, tmp_path / "a.mp4", idle)
    assert [width / widths[0] for width in widths] == [1, 1, 1, 0.8, 0.8], "both of its clips, so that they go together"
    video = look(tmp_path / "a.mp4", tmp_path, "seen")
    assert (video.width, video.height) == (256, 128) and "256 x 128" in str(notes["size"]) and notes["clips"] == 2
    engine.close()


@pytest.mark.parametrize("name", machine.PARTS)
def test_weights_that_are_not_what_they_say(name: str, presets: Presets, seen: Path, folder: Path, tmp_path: Path) -> None:
    own = copied(folder, tmp_path)
    file = next((own / name).glob("*.safetensors"))
    whole = file.read_bytes()

    def said() -> str:
        engine = svd.Engine(device="cpu")
        return str(refused(lambda: engine.shoot(shot(presets, seen, own), tmp_path / "a.mp4", idle)))

    file.write_bytes(whole[:-100])
    assert "cut short" in said() and file.name in said()
    torch.save({"a": torch.ones(2)}, file)
    assert "pickle" in said()
    file.write_bytes(b"<html>Not found</html>" * 9)
    assert "no safetensors" in said()
    other = machine.PARTS[machine.PARTS.index(name) - 1]
    shutil.copy(next((folder / other).glob("*.safetensors")), file)
    assert "another model" in said()
    file.unlink()
    assert "not all on this machine" in said()


@pytest.mark.parametrize("name", ["image_encoder", "unet", "vae"])
@pytest.mark.parametrize("spoilt", [b"", b"<!doctype html>", b"[]"])
def test_a_config_that_is_none_is_named(name: str, spoilt: bytes, presets: Presets, seen: Path, folder: Path, tmp_path: Path) -> None:
    own = Path(shutil.copytree(folder, tmp_path / "copy"))
    (own / name / "config.json").write_bytes(spoilt)
    with pytest.raises(FilmError) as caught:
        svd.Engine(device="cpu").shoot(shot(presets, seen, own), tmp_path / "a.mp4", idle)
    assert caught.value.where == name or name in str(caught.value)


def test_a_scheduler_of_another_model_is_refused(presets: Presets, seen: Path, folder: Path, tmp_path: Path) -> None:
    own = copied(folder, tmp_path)
    path = own / "scheduler" / "scheduler_config.json"
    path.write_text(path.read_text("utf-8").replace("v_prediction", "epsilon"), "utf-8")
    assert "scheduler" in refused(lambda: svd.Engine(device="cpu").shoot(shot(presets, seen, own), tmp_path / "a.mp4", idle)).message


def test_a_scene_without_a_picture_is_told_so(engine: svd.Engine, presets: Presets, seen: Path, folder: Path, tmp_path: Path) -> None:
    bare = replace(shot(presets, seen, folder), picture=None)
    assert "picture" in refused(lambda: engine.shoot(bare, tmp_path / "a.mp4", idle)).message
    (tmp_path / "broken.png").write_bytes(seen.read_bytes()[:200])
    assert "cannot be read" in refused(lambda: engine.shoot(replace(bare, picture=tmp_path / "broken.png"), tmp_path / "a.mp4", idle)).message


def test_where_gpus_are_lent_the_quickest_model_is_taken(presets: Presets, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(svd.Engine, "missing", lambda self: None)
    monkeypatch.setattr(svd.Engine, "lacks", lambda self, model: None)
    crew = Crew()
    assert model_of("svd", crew, presets) == "svd-xt"
    monkeypatch.setattr(zero, "here", lambda: True)
    assert model_of("svd", crew, presets) == "svd-lcm4"
    monkeypatch.setattr(svd.Engine, "lacks", lambda self, model: "no" if "lcm" in model.repo.lower() else None)
    assert model_of("svd", crew, presets) == "svd-xt-1.1", "then the one with the fewest pictures a second"


def test_where_only_what_works_is_on_the_device_the_network_is_gone_before_pictures_are_decoded(
    presets: Presets, seen: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nets, held, real, show = list[weakref.ref[Any]](), list[bool](), machine.build, shots.decoded

    def built(unet: Any, savings: Savings) -> Any:
        made = real(unet, savings)
        nets.append(weakref.ref(made))
        return made

    monkeypatch.setattr(machine, "build", built)
    monkeypatch.setattr(shots, "decoded", lambda *given: held.append(any(one() is not None for one in nets)) or show(*given))
    engine = svd.Engine(device="cpu", savings=NONE)
    asked = shot(presets, seen, folder)
    assert asked.model
    engine.shoot(replace(asked, model=replace(asked.model, vram={svd.THRIFTY: 1.0})), tmp_path / "a.mp4", idle)
    engine.close()
    assert nets and held and not any(held)
