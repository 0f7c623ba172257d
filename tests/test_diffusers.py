"""Video models of diffusers': every preset's own arguments, on the same pipeline with a few random weights."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pipelines import moves, plan
from pipelines.clips import _diffusers_call as call
from pipelines.clips import _diffusers_glimpse as glimpse
from pipelines.clips import _diffusers_machine as machine
from pipelines.clips import _diffusers_plan as rules
from pipelines.clips import _diffusers_shot as shots
from pipelines.clips import _glimpse
from pipelines.clips import diffusers as films
from pipelines.clips._diffusers_joint import joint
from pipelines.crew import Crew
from pipelines.events import Warned
from pipelines.gear import loras
from pipelines.presets import Model, Presets
from pipelines.vault import plain
from pipelines.video import look
from pipelines.work import Cancelled, FilmError, idle

from . import tiny, tiny_films, whole

SMALL = {"ltx-2.5": 32}  # pixels a side, where 64 take too long

Folder = Callable[[str], Path]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """Of the tiny model that stands for a preset, made once."""
    made: dict[str, Path] = {}

    def of(name: str) -> Path:
        if name not in made:
            made[name] = tiny_films.saved(name, tmp_path_factory.mktemp("model"))
        return made[name]

    return of


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.picture(tmp_path_factory.mktemp("seen") / "seen.png")


@pytest.fixture(scope="module")
def engine() -> Iterator[films.Engine]:
    made = films.Engine(device="cpu")
    yield made
    made.close()


def small(name: str, presets: Presets, at: Path, **more: Any) -> Model:
    """The preset of that name as it is shipped, but for its weights, its size and how long it takes."""
    own = presets.models[name]
    side = SMALL.get(name, 64)
    least = int(str(own.options.get("least", 5)))
    told = dict(own.options) | {"size": [side, side], "steps": 2, "most": max(9, least)} | more
    return replace(own, repo=str(at), revision="", options=told)


def shot(presets: Presets, model: Model, seen: Path | None = None, seconds: float = 0.2, prompt: str = "a cat on a wall") -> plan.Shot:
    frame = plan.Frame(96, 96, Fraction(24))
    camera = moves.read("slow zoom in, pan left", 3, presets.moves, 1).camera
    return plan.Shot(prompt, seen, camera, frame.at_least(seconds), frame, "cover", 3, model)


@pytest.mark.parametrize("name", tiny_films.FAMILIES)
def test_every_kind_of_model_makes_a_clip(name: str, engine: films.Engine, presets: Presets, folder: Folder, seen: Path, tmp_path: Path) -> None:
    model = small(name, presets, folder(name))
    told = rules.options(model.options)
    assert engine.lacks(model) is None
    for picture in [*([None] if told.t2v else []), *([seen] if told.i2v else [])]:
        shares = list[float]()
        notes = engine.shoot(shot(presets, model, picture), tmp_path / "a.mp4", shares.append)
        video = look(tmp_path / "a.mp4", tmp_path, f"seen-{picture is None}")
        assert video.rate == told.fps and video.frames == notes["frames"] > 1
        assert notes["frames"] == rules.pieces(0.2, picture is not None, told)[0].frames, "as many as were asked for"
        assert shares == sorted(shares) and len([one for one in shares if 0 < one < shots.STEPPED]) >= 2, "every step is told"
        assert (video.width, video.height) == tuple(told.size) or "height" not in films_arguments(told, picture)


def films_arguments(told: rules.Options, picture: Path | None) -> set[str]:
    import inspect

    import diffusers

    return set(inspect.signature(getattr(diffusers, told.i2v if picture else told.t2v).__call__).parameters)


def test_every_preset_has_a_tiny_model_that_stands_for_it(presets: Presets) -> None:
    every = {name: rules.options(model.options) for name, model in presets.models.items() if model.engine == "diffusers"}
    tested = {getattr(every[name], mode) for name in tiny_films.FAMILIES for mode in every[name].modes}
    assert all(getattr(told, mode) in tested for told in every.values() for mode in told.modes)


# Stage by stage


def staged(own: Model) -> Model:
    """Where only what works is on the device."""
    return replace(own, vram={"resident": 1e20, "offload": 1.0})


def job(presets: Presets, model: Model, seen: Path | None, tmp_path: Path, **more: Any) -> shots.Job:
    asked = replace(shot(presets, model, seen if rules.options(model.options).i2v else None), **more)
    return shots.job(plan.Slate(asked, tmp_path / "a.mp4", idle, lambda _: None))


@pytest.mark.parametrize("name", tiny_films.FAMILIES)
def test_a_call_in_three_gives_what_one_call_gives(
    name: str, presets: Presets, folder: Folder, seen: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_glimpse, "PAUSE", 0.0)
    shown, other = list[Any](), list[Any]()
    model = small(name, presets, folder(name), steps=3)
    one, two = job(presets, model, seen, tmp_path), job(presets, model, seen, tmp_path, prompt="a dog", seed=8)
    one.slate, two.slate = replace(one.slate, show=shown.append), replace(two.slate, show=other.append)
    made = machine.Machine(machine.Origin.of(model.repo, "", one.asked.told), torch.device("cpu"), "offload", long=False, compiled=False)
    made.ready(())
    pipe = made.pipe(getattr(one.asked.told, one.piece.mode))
    with torch.inference_mode():
        torch.manual_seed(one.seed)
        whole = pipe(**shots._asked(made, pipe, one, None)).frames[0]
        tapes = [shots._read(made, each) for each in (one, two)]
        with monkeypatch.context() as patched:
            patched.setattr(type(pipe), "encode_prompt", lambda *_, **__: pytest.fail("it was read once"))
            held = [shots._stepped(made, each, tape) for each, tape in zip((one, two), tapes, strict=True)]
            if held == [None, None]:  # the second of two networks is still to come
                held = [shots._stepped(made, each, tape) for each, tape in zip((one, two), tapes, strict=True)]
        apart = [call.shown(pipe, each) for each in held]
    assert torch.equal(apart[0], whole) and not torch.equal(apart[1], whole)
    tells = "callback_on_step_end" in films_arguments(one.asked.told, seen if one.asked.told.i2v else None)
    assert bool(shown) is bool(other) is tells
    assert all(picture.ndim == 3 and picture.shape[2] == 3 and picture.dtype == "uint8" for picture in shown)


def test_each_part_works_for_all_shots_before_the_next(
    engine: films.Engine, presets: Presets, folder: Folder, seen: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = list[str]()
    for name in ("read", "stepped", "shown"):
        real = getattr(shots, name)
        monkeypatch.setattr(shots, name, lambda *given, name=name, real=real, **more: order.append(name) or real(*given, **more))
    model = small("wan-5b", presets, folder("wan-5b"))
    files = list[list[bytes]]()
    for own, seconds in ((staged(model), (0.2, 0.8, 0.2)), (model, (0.2, 0.8, 0.2))):
        told = list[Any]()
        asked = [shot(presets, own, seen if i else None, long, f"{i} cats") for i, long in enumerate(seconds)]
        engine.shoot_all([plan.Slate(one, tmp_path / f"{i}.mp4", idle, told.append) for i, one in enumerate(asked)])
        assert len(told) == 3 and not [one for one in told if isinstance(one, FilmError)]
        files.append([(tmp_path / f"{i}.mp4").read_bytes() for i in range(3)])
    assert order[:12] == ["read"] * 3 + ["stepped"] * 3 + ["shown"] * 3 + ["read", "stepped", "shown"], "the longer one goes on"
    assert order[12:] == ["stepped", "shown"] * 4, "where all stays on the device, each is shown at once"
    assert files[0] == files[1]


def test_what_is_wrong_with_one_shot_stops_no_other(
    engine: films.Engine, presets: Presets, folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = staged(small("wan-1.3b", presets, folder("wan-1.3b")))
    real = shots._stepped

    def broken(made: Any, one: Any, tape: Any) -> Any:
        if "odd" in one.asked.text:
            raise FilmError("It is odd.", "Mend it.")
        return real(made, one, tape)

    monkeypatch.setattr(shots, "_stepped", broken)
    told = dict[int, Any]()
    asked = [shot(presets, model, prompt=said) for said in ("a cat", "odd", "a dog")]
    engine.shoot_all([plan.Slate(one, tmp_path / f"{i}.mp4", idle, partial(told.__setitem__, i)) for i, one in enumerate(asked)])
    assert isinstance(told[1], FilmError) and told[0]["frames"] == told[2]["frames"] > 1


def test_a_file_is_written_while_the_next_shot_has_its_steps(
    engine: films.Engine, presets: Presets, folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, real_write, real_steps, count = threading.Event(), shots.write_planes, shots.stepped, list[int]()

    def steps(*given: Any, **more: Any) -> Any:
        count.append(1)
        if len(count) == 2:
            begun.set()
        return real_steps(*given, **more)

    def write(*given: Any) -> Any:
        assert begun.wait(20), "the second shot's steps did not wait for the first one's file"
        return real_write(*given)

    monkeypatch.setattr(shots, "stepped", steps)
    monkeypatch.setattr(shots, "write_planes", write)
    told = list[Any]()
    asked = [shot(presets, small("wan-1.3b", presets, folder("wan-1.3b")), prompt=said) for said in ("a cat", "a dog")]
    engine.shoot_all([plan.Slate(one, tmp_path / f"{i}.mp4", idle, told.append) for i, one in enumerate(asked)])
    assert len(told) == 2 and not [one for one in told if isinstance(one, FilmError)]


def test_a_glimpse_is_where_the_latents_are_bound_for() -> None:
    from types import SimpleNamespace

    end, noise = torch.rand(1, 4, 3, 5, 6), torch.randn(1, 4, 3, 5, 6)
    for times in (torch.linspace(1, 0, 6), torch.linspace(0, 1, 6)):  # as most, and as Mochi has them
        along = [noise + (end - noise) * i / 5 for i in range(6)]
        seen = glimpse.ended(SimpleNamespace(sigmas=times), 2, along[3], along[2])
        assert torch.allclose(seen, end, atol=1e-5)
    assert glimpse.ended(SimpleNamespace(), 2, end, noise) is end
    middle = end[0, :, 1]
    for laid in (end, end.permute(0, 2, 1, 3, 4), end.permute(0, 2, 3, 4, 1), end.permute(0, 2, 3, 4, 1).reshape(1, -1, 4)):
        assert torch.equal(glimpse.laid(laid, 4, (6, 5)), middle)


def test_the_same_seed_gives_the_same_clip(engine: films.Engine, presets: Presets, folder: Folder, tmp_path: Path) -> None:
    asked = shot(presets, small("wan-1.3b", presets, folder("wan-1.3b")))
    for name, one in (("a", asked), ("b", asked), ("c", replace(asked, seed=4)), ("d", replace(asked, prompt="a dog"))):
        engine.shoot(one, tmp_path / f"{name}.mp4", idle)
    a, b, c, d = ((tmp_path / f"{name}.mp4").read_bytes() for name in "abcd")
    assert a == b and a != c and a != d


@pytest.mark.parametrize("name", ["ltx", "wan-vace-1.3b", "wan-5b"])
def test_a_long_scene_is_clips_that_go_on_from_one_another(
    name: str, engine: films.Engine, presets: Presets, folder: Folder, seen: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = list[dict[str, Any]]()
    real = shots._asked
    monkeypatch.setattr(shots, "_asked", lambda *given: asked.append(made := real(*given)) or made)
    model = small(name, presets, folder(name))
    told = rules.options(model.options)
    notes = engine.shoot(shot(presets, model, seen, seconds=1.9), tmp_path / "a.mp4", idle)
    parts = rules.pieces(1.9, True, told)
    assert notes["clips"] == len(parts) > 1
    over = told.overlap if told.extend else 1
    assert notes["frames"] == sum(one.frames for one in parts) - over * (len(parts) - 1)
    before = asked[0]["generator"]
    assert all(one["generator"] is not before for one in asked[1:])
    given = asked[1].get("video") or [asked[1].get("image")]
    given = asked[1]["conditions"][0].video if name == "ltx" else given
    assert len([one for one in given if np.asarray(one).std() > 0]) == over, "as many pictures as they have in common"
    assert (given[0].width, given[0].height) == tuple(told.size)


def test_clips_that_cannot_go_on_melt_into_one_another(
    engine: films.Engine, presets: Presets, folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clips, model = list[Any](), small("wan-1.3b", presets, folder("wan-1.3b"))
    real = shots.shown
    monkeypatch.setattr(shots, "shown", lambda *given: clips.append(made := real(*given)) or made)
    notes = engine.shoot(shot(presets, model, seconds=1.5), tmp_path / "a.mp4", idle)
    assert (notes["clips"], notes["melted"], notes["frames"]) == (3, 3, 9 + 7 + 7), "nine each, two in common"
    assert not torch.equal(clips[0], clips[1]), "each has a seed of its own"
    seen = [kept.float() for kept in (clips[0], clips[1])]
    first, then = joint(seen[0], [], rules.options(model.options), "t2v", first=True, last=False)
    second, _ = joint(seen[1], then, rules.options(model.options), "t2v", first=False, last=True)
    assert len(first) == 7 and len(second) == 9 and torch.equal(second[2:], seen[1][2:])
    mixed = [(seen[0][7 + k] * (2 - k) + seen[1][k] * (1 + k)) / 3 for k in range(2)]
    assert all(torch.allclose(a, b, atol=1 / 255) for a, b in zip(second[:2], mixed, strict=True))


def test_a_film_says_that_clips_melt(presets: Presets, folder: Folder, tmp_path: Path) -> None:
    mine = replace(presets, models={"one": small("wan-1.3b", presets, folder("wan-1.3b")), "ltx": presets.models["ltx"]})
    crew = Crew({"edge": {"online": False}, "clips.diffusers": {"device": "cpu"}})
    with whole.studio(mine, tmp_path / "vault", crew) as studio:
        shown = whole.make(whole.story(mine, tmp_path, [{"image": None, "prompt": "a cat", "duration": 1, "engine": "one"}]), studio, tmp_path / "film.mp4")
    (told,) = [event for event in shown.events if isinstance(event, Warned) and "melt" in event.message]
    assert "is 2 clips" in told.message and "ltx" in told.hint and told.where == "scenes[0].duration"


@pytest.mark.parametrize("name", ["wan-1.3b", "wan-14b", "hunyuan-1.5", "cogvideox-2b", "kandinsky", "mochi"])
@pytest.mark.parametrize("seconds", [1.0, 6.0, 12.0, 30.0])
def test_no_scene_is_longer_than_its_clips(name: str, seconds: float, presets: Presets) -> None:
    told = rules.options(presets.models[name].options)
    parts = rules.pieces(seconds, False, told)
    made = sum(one.frames for one in parts) - told.melt * (len(parts) - 1)
    assert made / told.fps * 1.25 >= seconds and len({one.frames for one in parts}) == 1
    assert made / told.fps <= max(told.least / told.fps, seconds) + len(parts) * told.step / told.fps, "and none is made in vain"


def test_a_mode_has_numbers_of_its_own(engine: films.Engine, presets: Presets, folder: Folder, seen: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = list[tuple[Any, Any]]()
    real = shots._asked
    monkeypatch.setattr(shots, "_asked", lambda *given: asked.append((made := real(*given), given[1].scheduler.config.flow_shift)) or made)
    model = small("skyreels", presets, folder("skyreels"))
    for picture in (None, seen, None):
        engine.shoot(shot(presets, model, picture), tmp_path / "a.mp4", idle)
    told = {(made["guidance_scale"], shift) for made, shift in asked[:1]}, {(made["guidance_scale"], shift) for made, shift in asked[1:2]}
    assert told == ({(6.0, 8.0)}, {(5.0, 5.0)}) and (asked[2][0]["guidance_scale"], asked[2][1]) == (6.0, 8.0)
    with pytest.raises(FilmError, match="own"):
        rules.options(dict(model.options) | {"own": {"i2v": {"size": [64, 64]}}})


def test_a_loop_ends_as_it_begins(presets: Presets, folder: Folder, seen: Path) -> None:
    told = rules.options(dict(small("wan-14b-i2v", presets, folder("wan-14b-i2v")).options) | {"ends": "WanImageToVideoPipeline"})
    assert rules.pieces(9, True, told, loop=True) == [rules.Piece("ends", 9)]


@pytest.mark.parametrize("own", [False, True], ids=["a plain one's folder", "its own"])
def test_a_modular_pipeline_gives_what_the_plain_one_gives(own: bool, presets: Presets, folder: Folder, tmp_path: Path) -> None:
    from diffusers import WanModularPipeline

    at = Path(shutil.copytree(folder("wan-1.3b"), tmp_path / "modular"))
    plain_one = small("wan-1.3b", presets, at, v2v="", scheduler={"flow_shift": 2.0})
    other = replace(plain_one, options=dict(plain_one.options) | {"t2v": "WanModularPipeline"}, vram={"resident": 1.0})
    made = films.Engine(device="cpu")
    shares = list[float]()
    try:
        made.shoot(shot(presets, plain_one), tmp_path / "a.mp4", idle)
        if own:  # as repositories of modular pipelines are: parts of this one, told to be another's
            told = WanModularPipeline(pretrained_model_name_or_path=str(at), local_files_only=True)
            told.save_config(at)
            index = at / "modular_model_index.json"
            index.write_text(index.read_text("utf-8").replace(str(at), "somebody/else"), "utf-8")
            (at / "model_index.json").unlink()
        assert made.lacks(other) is None
        made.shoot(shot(presets, other), tmp_path / "b.mp4", shares.append)
        assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()
        assert shares == sorted(shares) and len([one for one in shares if 0 < one < shots.STEPPED]) >= 2, "every step is told"
        shutil.rmtree(at / "vae")
        with pytest.raises(FilmError, match="vae"):
            films.Engine(device="cpu").shoot(shot(presets, other), tmp_path / "b.mp4", idle)
    finally:
        made.close()


def test_a_modular_pipeline_is_the_only_one_of_its_model() -> None:
    with pytest.raises(FilmError, match="t2v"):
        rules.options({"t2v": "WanModularPipeline", "i2v": "WanImageToVideoPipeline"})
# Two networks, one for the rough and one for the fine


def two(name: str, presets: Presets, folder: Folder) -> Model:
    """Of whose steps half are the first network's."""
    return small(name, presets, folder(name), steps=6, scheduler={"flow_shift": 8.0})


@pytest.mark.parametrize("name", ["wan-14b", "wan-14b-i2v"])
def test_each_of_two_networks_comes_to_the_device_once_for_all_shots(
    name: str, engine: films.Engine, presets: Presets, folder: Folder, seen: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As accelerate's hooks bring them, though the device is the CPU here; and the shots are the same."""
    from accelerate.hooks import CpuOffload

    monkeypatch.setattr(_glimpse, "PAUSE", 0.0)
    there, came, worked, shares = set[str](), list[str](), list[str](), list[list[float]]()
    bring, leave, names = CpuOffload.pre_forward, CpuOffload.init_hook, dict[int, str]()

    def coming(hook: Any, module: Any, *given: Any, **more: Any) -> Any:
        worked.append(names[id(module)])
        came.extend({worked[-1]} - there)
        there.add(worked[-1])
        return bring(hook, module, *given, **more)

    monkeypatch.setattr(CpuOffload, "pre_forward", coming)
    monkeypatch.setattr(CpuOffload, "init_hook", lambda hook, module: there.discard(names[id(module)]) or leave(hook, module))

    def placed(pipe: Any, device: torch.device, *_: object) -> Any:
        names.update({id(one): part for part, one in pipe.components.items()})
        pipe.enable_model_cpu_offload(device=device)
        return pipe

    monkeypatch.setattr(machine.pipes, "placed", placed)
    engine.close()
    files, glimpses = list[list[bytes]](), list[int]()
    model, count = two(name, presets, folder), 3
    for own in (model, staged(model)):
        told, shown = list[Any](), list[Any]()
        there.clear(), came.clear(), worked.clear()
        shares.append([])
        asked = [replace(shot(presets, own, seen if name.endswith("i2v") else None, 0.2, f"{i} cats"), seed=i) for i in range(count)]
        engine.shoot_all([plan.Slate(one, tmp_path / f"{i}.mp4", shares[-1].append if not i else idle, told.append, shown.append) for i, one in enumerate(asked)])
        assert len(told) == count and not [one for one in told if isinstance(one, FilmError)], told
        files.append([(tmp_path / f"{i}.mp4").read_bytes() for i in range(count)])
        glimpses.append(len(shown))
    engine.close()
    assert sorted(came) == ["text_encoder", "transformer", "transformer_2", "vae"], came
    both = worked.count("transformer"), worked.count("transformer_2")
    assert sum(both) == 6 * 2 * count and min(both) >= count, "six steps of two rows; none is made twice"
    assert files[0] == files[1]
    assert min(glimpses) >= count
    assert all(one == sorted(one) for one in shares) and set(shares[0]) == set(shares[1]), "what was done is not told once more"


def test_the_second_of_two_networks_can_be_stopped_and_its_numbers_run_out(
    engine: films.Engine, presets: Presets, folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, told, seen = staged(two("wan-14b", presets, folder)), list[Any](), list[float]()
    asked = [shot(presets, own, prompt=f"{i} cats") for i in range(2)]

    def tick(done: float) -> None:
        seen.append(done)
        if done > 0.5:
            raise Cancelled

    with pytest.raises(Cancelled):
        engine.shoot_all([plan.Slate(one, tmp_path / f"{i}.mp4", idle if i else tick, told.append) for i, one in enumerate(asked)])
    assert 0.5 < seen[-1] < 0.65 and not told
    real, once = shots.stepped, list[int]()

    def broken(*given: Any, **more: Any) -> Any:
        held = real(*given, **more)
        once.append(1)
        return held if len(once) != 3 else replace(held, args=(held.args[0] * float("nan"), *held.args[1:]))

    monkeypatch.setattr(shots, "stepped", broken)
    monkeypatch.setattr(machine.Machine, "longest", property(lambda self: self._long))
    engine.shoot_all([plan.Slate(one, tmp_path / f"{i}.mp4", idle, told.append) for i, one in enumerate(asked)])
    assert len(once) == 6, "both halves of both, and both of the one without numbers once more"
    assert sorted(str(one.get("retried")) for one in told) == ["None", "float32"]
    monkeypatch.setattr(shots, "stepped", real)
    engine.close()


# What it is asked for


@pytest.mark.parametrize("name", ["wan-1.3b", "wan-5b", "ltx", "ltx-2.5", "helios", "mochi", "cogvideox-2b", "hunyuan-1.5", "skyreels", "kandinsky"])
def test_frames_and_sizes_are_what_the_model_allows(name: str, presets: Presets) -> None:
    told = rules.options(presets.models[name].options)
    for wanted in (0, 1, 5, 40, 81, 100, 999_999):
        made = rules.frames(wanted, told)
        assert (made - told.plus) % told.step == 0 and told.least <= made <= told.most
        assert made >= wanted or made + told.step > told.most
    for aspect in (16 / 9, 1.0, 9 / 16, 2.39):
        wide, high = rules.size(told.size, told.multiple, aspect, fixed=told.fixed)
        assert wide % told.multiple == high % told.multiple == 0 or told.fixed
        assert 0.75 < wide * high / (told.size[0] * told.size[1]) < 1.35
        assert told.fixed or abs(wide / high / aspect - 1) < 0.1


def test_words_are_trigger_prompt_and_camera(presets: Presets) -> None:
    camera = moves.read("slow pan left", 3, presets.moves, 1).camera
    told = rules.Options(t2v="WanPipeline")
    assert rules.said("a cat\n on a wall", camera, told, "sks style") == "sks style a cat on a wall. Camera: slow pan left."
    assert rules.said("a cat", camera, replace(told, spoken=False), "") == "a cat"


@pytest.mark.parametrize(
    "told", [{"t2v": "os.system"}, {"t2v": "WanPipeline", "most": 3}, {}, {"t2v": "WanPipeline", "fps": 0}, {"t2v": "WanPipeline", "overlap": 5}]
)
def test_options_that_cannot_be_are_named(told: dict[str, Any]) -> None:
    with pytest.raises(FilmError) as caught:
        rules.options(told)
    assert caught.value.where == "models.toml"


def test_a_recipe_is_what_changes_a_frame(engine: films.Engine, presets: Presets, folder: Folder) -> None:
    asked = shot(presets, small("wan-1.3b", presets, folder("wan-1.3b")))
    recipe = plain(engine.recipe(asked))
    assert plain(engine.recipe(replace(asked, frames=asked.frames + 1))) == recipe, "a little longer is the same clip"
    for other in (replace(asked, prompt="a dog"), replace(asked, seed=9), replace(asked, fit="contain")):
        assert plain(engine.recipe(other)) != recipe


# LoRA files


def lora(path: Path, presets: Presets, at: Path, scale: float = 3.0, **metadata: str) -> Path:
    from safetensors.torch import save_file

    made = {}
    for i in range(2):
        for name in ("to_q", "to_v"):
            stem = f"transformer.blocks.{i}.attn1.{name}"
            made[f"{stem}.lora_A.weight"] = scale * torch.randn(2, 24, generator=torch.Generator().manual_seed(i))
            made[f"{stem}.lora_B.weight"] = scale * torch.randn(24, 2, generator=torch.Generator().manual_seed(9 + i))
    save_file(made, path, metadata)
    return path


def test_lora_files_change_the_clip_by_their_weight(engine: films.Engine, presets: Presets, folder: Folder, tmp_path: Path) -> None:
    at = folder("wan-1.3b")
    file = lora(tmp_path / "ink.safetensors", presets, at, **{"modelspec.trigger_phrase": "inkpen"})
    other = lora(tmp_path / "oil.safetensors", presets, at, scale=2.0)

    def made(*asked: dict[str, Any]) -> bytes:
        engine.shoot(shot(presets, small("wan-1.3b", presets, at, loras=list(asked))), tmp_path / "a.mp4", idle)
        return (tmp_path / "a.mp4").read_bytes()

    bare = made()
    strong, off = made({"file": str(file), "words": "x"}), made({"file": str(file), "weight": 0.0, "words": "x"})
    both = made({"file": str(file), "words": "x"}, {"file": str(other), "words": "x"})
    assert len({bare, strong, both}) == 3 and strong != off
    assert made() == bare, "they are taken off again"
    told = (loras.Lora(str(file)), loras.Lora(str(other), words="oily"))
    assert loras.triggers(told) == "inkpen, oily"
    (tmp_path / "oil.txt").write_text("thick\noil", "utf-8")
    assert loras.triggers((loras.Lora(str(other)),)) == "thick oil"
    one = shot(presets, small("wan-1.3b", presets, at, loras=[{"file": str(file)}]))
    assert "inkpen" in str(plain(engine.recipe(one)))


def test_a_lora_that_is_none_is_named(engine: films.Engine, presets: Presets, folder: Folder, tmp_path: Path) -> None:
    at, bad = folder("wan-1.3b"), tmp_path / "bad.safetensors"
    model = small("wan-1.3b", presets, at, loras=[{"file": str(bad), "words": "x"}])
    assert "bad.safetensors" in str(engine.lacks(model))
    for content in (b"PK\x03\x04 pickled", b"\x10\x00\x00\x00\x00\x00\x00\x00{}", b""):
        bad.write_bytes(content)
        assert "bad.safetensors" in refused(lambda: engine.shoot(shot(presets, model), tmp_path / "a.mp4", idle)).message
    from safetensors.torch import save_file

    save_file({"something.else": torch.ones(2)}, bad)
    assert "no LoRA" in refused(lambda: engine.shoot(shot(presets, model), tmp_path / "a.mp4", idle)).message


def test_one_bad_lora_leaves_nothing_of_a_good_one(engine: films.Engine, presets: Presets, folder: Folder, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    at = folder("wan-1.3b")
    file = lora(tmp_path / "ink.safetensors", presets, at)
    save_file({"something.else": torch.ones(2)}, tmp_path / "bad.safetensors")
    plain_model = small("wan-1.3b", presets, at)
    engine.shoot(shot(presets, plain_model), tmp_path / "a.mp4", idle)
    both = small("wan-1.3b", presets, at, loras=[{"file": str(file), "words": "x"}, {"file": str(tmp_path / "bad.safetensors"), "words": "x"}])
    told = dict[int, Any]()
    asked = [shot(presets, plain_model), shot(presets, both), shot(presets, plain_model)]
    engine.shoot_all([plan.Slate(one, tmp_path / f"{i}.mp4", idle, partial(told.__setitem__, i)) for i, one in enumerate(asked)])
    assert isinstance(told[1], FilmError) and "bad.safetensors is no LoRA" in told[1].message
    engine.shoot(shot(presets, plain_model), tmp_path / "b.mp4", idle)
    made = [(tmp_path / f"{name}.mp4").read_bytes() for name in ("a", "b", "0", "2")]
    assert len(set(made)) == 1


def test_each_of_two_networks_can_have_its_own(engine: films.Engine, presets: Presets, folder: Folder, tmp_path: Path) -> None:
    at = folder("wan-14b")
    file = lora(tmp_path / "ink.safetensors", presets, at)

    def made(*second: bool) -> bytes:
        asked = [{"file": str(file), "words": "x", "second": one} for one in second]
        engine.shoot(shot(presets, small("wan-14b", presets, at, steps=4, loras=asked)), tmp_path / "a.mp4", idle)
        return (tmp_path / "a.mp4").read_bytes()

    assert len({made(), made(False), made(True), made(False, True)}) == 4


# What goes wrong


def refused(work: Callable[[], Any]) -> FilmError:
    with pytest.raises(FilmError) as caught:
        work()
    return caught.value


def test_it_stops_within_a_step(engine: films.Engine, presets: Presets, folder: Folder, tmp_path: Path) -> None:
    for name in ("wan-1.3b", "hunyuan-1.5"):  # one that has a callback for it, and one that has none
        seen = list[float]()

        def tick(done: float) -> None:
            seen.append(done)  # noqa: B023
            if done > 0.1:
                raise Cancelled

        model = small(name, presets, folder(name), steps=8)
        with pytest.raises(Cancelled):
            engine.shoot(shot(presets, model), tmp_path / "a.mp4", tick)
        assert 0.1 < seen[-1] < 0.25 and not (tmp_path / "a.mp4").exists()
        engine.shoot(shot(presets, small(name, presets, folder(name))), tmp_path / "b.mp4", idle)


def test_less_memory_is_taken_once(engine: films.Engine, presets: Presets, folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plans, real = list[str](), shots._stepped

    def full(machine: Any, *given: Any) -> Any:
        plans.append(machine.plan)
        if machine.plan == "resident":
            raise torch.OutOfMemoryError("as if")
        return real(machine, *given)

    model = small("wan-1.3b", presets, folder("wan-1.3b"))
    monkeypatch.setattr(shots, "_stepped", full)
    notes = engine.shoot(shot(presets, model), tmp_path / "a.mp4", idle)
    assert plans == ["resident", "offload"] and "ran out" in str(notes["memory"])
    monkeypatch.setattr(shots, "_stepped", lambda *_: (_ for _ in ()).throw(torch.OutOfMemoryError("as if")))
    assert "memory ran out" in refused(lambda: engine.shoot(shot(presets, model), tmp_path / "b.mp4", idle)).message


def test_numbers_that_run_out_are_computed_again(engine: films.Engine, presets: Presets, folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kinds, real, broken = list[torch.dtype](), shots.shown, list[bool]([False])
    init = machine.Machine.__init__

    def short(self: Any, *given: Any, long: bool, **more: Any) -> None:
        init(self, *given, long=long, **more)
        self.dtype = torch.float32 if long else torch.bfloat16

    def shown(pipe: Any, held: Any) -> torch.Tensor:
        kinds.append(pipe.transformer.dtype)
        made = real(pipe, held)
        return made if kinds[-1] == torch.float32 and not broken[0] else made * float("nan")

    monkeypatch.setattr(machine.Machine, "__init__", short)
    monkeypatch.setattr(shots, "shown", shown)
    engine.close()
    model = small("wan-1.3b", presets, folder("wan-1.3b"))
    told = list[Any]()
    asked = [shot(presets, model), shot(presets, model, seconds=0.1)]
    engine.shoot_all([plan.Slate(one, tmp_path / f"{i}.mp4", idle, told.append) for i, one in enumerate(asked)])
    assert kinds == [torch.bfloat16] * 2 + [torch.float32] * 2 and [one["retried"] for one in told] == ["float32"] * 2
    broken[0] = True
    assert "out of range" in refused(lambda: engine.shoot(shot(presets, model), tmp_path / "b.mp4", idle)).message
    engine.close()


@pytest.mark.parametrize("name", ["transformer", "text_encoder", "vae"])
def test_weights_that_are_not_what_they_say(name: str, presets: Presets, folder: Folder, tmp_path: Path) -> None:
    own = Path(shutil.copytree(folder("wan-1.3b"), tmp_path / "copy"))
    file = next((own / name).glob("*.safetensors"))
    whole = file.read_bytes()

    def said() -> str:
        return str(refused(lambda: films.Engine(device="cpu").shoot(shot(presets, small("wan-1.3b", presets, own)), tmp_path / "a.mp4", idle)))

    file.write_bytes(whole[:-50])
    assert "cut short" in said()
    torch.save({"a": torch.ones(2)}, file)
    assert "pickle" in said()
    if name != "text_encoder":
        shutil.copy(next((own / ("vae" if name == "transformer" else "text_encoder")).glob("*.safetensors")), file)
        assert "another model" in said()
    file.unlink()
    (own / name / "diffusion_pytorch_model.bin").write_bytes(b"PK\x03\x04")
    assert "not all on this machine" in said()


@pytest.mark.parametrize("spoilt", [b"", b"<!doctype html>", b"[]", b"{}"])
@pytest.mark.parametrize("name", ["transformer/config.json", "vae/config.json", "scheduler/scheduler_config.json", "tokenizer/tokenizer.json", "text_encoder/config.json"])
def test_a_file_that_is_not_what_it_says_is_a_fault_of_its_scene(name: str, spoilt: bytes, presets: Presets, folder: Folder, tmp_path: Path) -> None:
    own = Path(shutil.copytree(folder("wan-1.3b"), tmp_path / "copy"))
    (own / name).write_bytes(spoilt)
    told = list[Any]()
    asked = shot(presets, small("wan-1.3b", presets, own))
    films.Engine(device="cpu").shoot_all([plan.Slate(asked, tmp_path / "a.mp4", idle, told.append)])
    assert isinstance(told[0], dict) or told[0].hint


def test_a_chat_template_that_is_cut_short_is_a_fault(presets: Presets, folder: Folder, tmp_path: Path) -> None:
    own = Path(shutil.copytree(folder("hunyuan-1.5"), tmp_path / "copy"))
    (own / "tokenizer" / "chat_template.jinja").write_text("{% for message in messages %}{{", "utf-8")
    said = refused(lambda: films.Engine(device="cpu").shoot(shot(presets, small("hunyuan-1.5", presets, own)), tmp_path / "a.mp4", idle))
    assert "cannot make this clip" in said.message and "fetch" in said.hint


def test_a_clip_of_no_frames_is_a_fault(engine: films.Engine, presets: Presets, folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shots, "shown", lambda *_: torch.zeros(0, 3, 64, 64))
    model = small("wan-1.3b", presets, folder("wan-1.3b"))
    assert "no frames" in refused(lambda: engine.shoot(shot(presets, model), tmp_path / "a.mp4", idle)).message


def test_an_index_that_cannot_be_read(presets: Presets, folder: Folder, tmp_path: Path, engine: films.Engine) -> None:
    own = Path(shutil.copytree(folder("wan-1.3b"), tmp_path / "copy"))
    (own / "model_index.json").write_text("{", "utf-8")
    assert "model_index.json" in str(engine.lacks(small("wan-1.3b", presets, own)))
    (own / "model_index.json").write_text(json.dumps({"_class_name": "WanPipeline", "vae": ["diffusers", "NoSuchThing"]}), "utf-8")
    assert refused(lambda: engine.shoot(shot(presets, small("wan-1.3b", presets, own)), tmp_path / "a.mp4", idle)).hint


def test_a_class_that_this_diffusers_has_not(presets: Presets, folder: Folder, tmp_path: Path, engine: films.Engine) -> None:
    model = small("wan-1.3b", presets, folder("wan-1.3b"), t2v="TomorrowPipeline")
    assert "has no TomorrowPipeline" in refused(lambda: engine.shoot(shot(presets, model), tmp_path / "a.mp4", idle)).message


def test_nothing_to_show_and_no_picture_where_one_is_needed(engine: films.Engine, presets: Presets, folder: Folder, seen: Path, tmp_path: Path) -> None:
    bare = shot(presets, small("wan-1.3b", presets, folder("wan-1.3b")), prompt="  ")
    assert "neither" in refused(lambda: engine.shoot(bare, tmp_path / "a.mp4", idle)).message
    model = small("wan-14b-i2v", presets, folder("wan-14b-i2v"))
    assert "picture" in refused(lambda: engine.shoot(shot(presets, model), tmp_path / "a.mp4", idle)).message


def test_a_clip_begins_with_its_picture_pressed_where_the_model_learnt_so(seen: Path) -> None:
    from PIL import Image

    from pipelines.clips._reel import pressed

    with Image.open(seen) as image:
        near = pressed(image, 18)
        assert near.size == image.size
        assert 0 < np.abs(np.asarray(near, float) - np.asarray(image, float)).mean() < 8
