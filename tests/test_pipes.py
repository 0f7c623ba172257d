"""What breaks only on a GPU: models that are let go and stay, errors that hold its memory, parts that cannot stream, blocks
that are compiled for each length anew. A stand-in of the device is the CPU, by the same hooks."""

from __future__ import annotations

import gc
import sys
import weakref
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from fractions import Fraction
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch

from pipelines.clips import _diffusers_plan as rules
from pipelines.clips import _diffusers_shot as shots
from pipelines.clips import diffusers as films
from pipelines.clips._stages import guarded
from pipelines.crew import Crew
from pipelines.faults import Faults
from pipelines.gear import gpu, pipes, snapshot
from pipelines.gear.enlarger import Enlarger
from pipelines.music import ace_step, audiocraft, musicgen
from pipelines.pictures import diffusers as painters
from pipelines.plan import Brief, Cue, Frame, Section, Slate
from pipelines.presets import Model, Presets
from pipelines.work import FilmError, forgotten, idle

from . import tiny_films
from .test_diffusers import shot, small

THERE = torch.device("cuda:0")


@pytest.fixture(scope="module")
def wan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_films.saved("wan-1.3b", tmp_path_factory.mktemp("wan"))


@pytest.fixture(scope="module")
def sdxl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_films.saved("sdxl", tmp_path_factory.mktemp("sdxl"))


@pytest.fixture
def uncollected() -> Iterator[None]:
    """Nothing goes by chance."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The device of that name is the CPU. -> What came to it as a whole, by its class."""
    from diffusers.hooks import group_offloading

    came, stream = list[str](), SimpleNamespace(synchronize=lambda: None)
    to = torch.nn.Module.to

    class Backend:
        def __init__(self, _device: object) -> None: ...

        Stream = staticmethod(lambda: stream)
        stream = staticmethod(lambda _: nullcontext())
        current_stream = staticmethod(lambda: stream)

    def moved(self: Any, *given: Any, **more: Any) -> Any:
        if THERE in given:
            came.append(type(self).__name__)
        return to(self, *[torch.device("cpu") if one == THERE else one for one in given], **more)

    monkeypatch.setattr(group_offloading, "TorchDeviceBackend", Backend)
    for name in ("ModuleGroup", "GroupOffloadingConfig"):
        real = getattr(group_offloading, name)
        monkeypatch.setattr(group_offloading, name, lambda real=real, **given: real(**given | {"onload_device": torch.device("cpu")}))
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda self: self.clone())
    monkeypatch.setattr(torch.nn.Module, "to", moved)
    return came


def held(pipe: Any) -> Callable[[], bool]:
    """Whether any of its weights are still held."""
    every = [weakref.ref(next(one.parameters())) for one in pipes._modules(pipe).values()]
    return lambda: any(one() is not None for one in every)


# Models that are let go


def test_what_is_let_go_is_gone_before_anybody_asks_for_room(
    presets: Presets, wan: Path, sdxl: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, uncollected: None
) -> None:
    """Parts that accelerate's hooks bring hold one another."""
    left, asked = list[Callable[[], bool]](), list[bool]()

    def placed(pipe: Any, device: torch.device, *_: object) -> Any:
        pipe.enable_model_cpu_offload(device=device)
        left.append(held(pipe))
        return pipe

    def free(*_: object) -> int:
        asked.append(any(one() for one in left))
        return 1 << 60

    monkeypatch.setattr(pipes, "placed", placed)
    monkeypatch.setattr(snapshot, "free", free)
    engine, model = films.Engine(device="cpu"), small("wan-1.3b", presets, wan)
    for one in (model, replace(model, label="another"), replace(model, label="another")):
        engine.shoot(shot(presets, one), tmp_path / "a.mp4", idle)
    assert asked == [False, False], "the same model keeps its plan"
    engine.close()
    assert not any(one() for one in left)
    own = presets.painters["sdxl"]
    told = dict(own.options) | {"size": [64, 64], "steps": 2}
    models = {str(i): replace(own, repo=str(sdxl), revision="", label=str(i), options=told) for i in range(2)}
    painter = painters.Engine(models=models, device="cpu")
    for name in ("0", "1", "1"):
        painter.paint(Brief("a house", Frame(96, 54, Fraction(24)), 3, model=name), tmp_path / "a.png", idle)
    assert asked == [False] * 4
    painter.close()
    assert len(left) == 4 and not any(one() for one in left)


def test_room_is_what_there_is_without_what_was_let_go(presets: Presets, monkeypatch: pytest.MonkeyPatch) -> None:
    class Part:
        held: Any = None

    def loaded() -> weakref.ref[Part]:
        one = Part()
        one.held = one
        return weakref.ref(one)

    model, before = presets.models["wan-1.3b"], loaded()
    monkeypatch.setattr(snapshot, "free", lambda *_: (10 if before() is not None else 30) * gpu.GIB)
    assert snapshot.plan(model, "cpu", None) == "resident"


# Errors


class Numbers:
    """As large as a clip's."""


def broken(kept: list[weakref.ref[Numbers]], error: type[Exception]) -> None:
    large = Numbers()
    kept.append(weakref.ref(large))
    raise error("as if")


def kept_error(kept: list[weakref.ref[Numbers]]) -> FilmError:
    def work(_: object) -> None:
        large = Numbers()
        kept.append(weakref.ref(large))
        with pipes.called("diffusers cannot make this clip", "Mend it."):
            broken(kept, RuntimeError)

    told = list[Any]()
    slate = Slate(None, Path(), idle, told.append)  # type: ignore[arg-type]
    assert guarded(slate, work) is None
    assert isinstance(told[0].__cause__, RuntimeError)
    return told[0]  # type: ignore[no-any-return]


def test_a_shot_that_fails_holds_nothing_while_its_error_is_kept(uncollected: None) -> None:
    kept = list[weakref.ref[Numbers]]()
    error = kept_error(kept)
    assert "as if" in str(error) and len(kept) == 2 and not [one for one in kept if one() is not None]


def test_a_fault_holds_nothing_of_the_work_that_failed(uncollected: None) -> None:
    kept, found = list[weakref.ref[Numbers]](), Faults.__new__(Faults)
    story = SimpleNamespace(scenes=[SimpleNamespace(scene_number=1)])
    found.__init__(story, lambda _: None, {})  # type: ignore[misc,arg-type]
    try:
        with pipes.called("diffusers cannot paint this", "Mend it."):
            broken(kept, RuntimeError)
    except FilmError as error:
        found.of(0, "image", error)
    assert kept[0]() is None
    with pytest.raises(FilmError, match="scene 1, image: diffusers cannot paint this"):
        found.settle()


def test_errors_that_come_from_one_another_are_all_looked_at() -> None:
    one, two = ValueError("one"), ValueError("two")
    one.__cause__, two.__context__ = two, one
    forgotten(one)


@pytest.mark.parametrize("composer", [ace_step, musicgen, audiocraft])
def test_a_composer_whose_memory_runs_out_holds_none_of_it(
    composer: Any, presets: Presets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, uncollected: None
) -> None:
    kept = list[weakref.ref[Numbers]]()
    model = next(one for one in presets.composers.values() if one.engine == composer.__name__.rpartition(".")[2])
    engine = composer.Engine(models={"a": model}, device="cpu")
    name = "_player" if composer is audiocraft else "_played"
    monkeypatch.setattr(composer.Engine, name, lambda *_, **__: broken(kept, torch.OutOfMemoryError))
    monkeypatch.setattr(composer.Engine, "_chosen", lambda _: model)
    with pytest.raises(FilmError, match="memory ran out") as caught:
        engine.compose(Cue((Section(presets.moods["calm"], 0.0),), 2.0, 1), tmp_path / "a.wav", idle)
    assert kept and not [one for one in kept if one() is not None]
    assert caught.value.__cause__ is caught.value.__context__ is None


# Layer by layer


def streamed(kind: str, at: Path, dtype: torch.dtype, variant: str = "") -> Any:
    pipe = pipes.load(pipes.named(kind), snapshot.source(str(at), "", variant), variant, dtype, (), {})
    return pipes.placed(pipe, THERE, "stream", False)


@torch.inference_mode()
def test_a_vae_that_computes_in_longer_numbers_is_there_as_a_whole(sdxl: Path, there: list[str]) -> None:
    pipe = streamed("StableDiffusionXLPipeline", sdxl, torch.float16)
    assert there == ["AutoencoderKL"]
    made = pipe("a house", width=64, height=64, num_inference_steps=1, output_type="np", generator=torch.Generator().manual_seed(1)).images
    assert made.shape == (1, 64, 64, 3)


@torch.inference_mode()
def test_what_diffusers_cannot_stream_is_there_as_a_whole(tmp_path: Path, there: list[str]) -> None:
    pipe = streamed("AceStepPipeline", tiny_films.saved("ace-step", tmp_path / "ace"), torch.float32)
    assert there == ["AutoencoderOobleck"]
    asked = {"prompt": ["calm"], "lyrics": ["[instrumental]"], "audio_duration": 1.0, "num_inference_steps": 1}
    assert pipe(**asked, output_type="pt", generator=torch.Generator().manual_seed(1)).audios[0].isfinite().all()


def test_a_model_that_is_large_for_the_machine_is_not_pinned_as_a_whole(wan: Path, there: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    pinned = list[int]()
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda self: pinned.append(1) or self.clone())
    streamed("WanPipeline", wan, torch.float32)
    assert pinned and not there
    pinned.clear()
    monkeypatch.setattr(gpu, "memory", lambda: 1000)
    streamed("WanPipeline", wan, torch.float32)
    assert not pinned


def test_a_containers_limit_is_its_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = gpu.memory()
    assert 1 << 28 < whole < 1 << 50
    for said, there in (("max\n", whole), ("1048576\n", 1 << 20)):
        (tmp_path / "limit").write_text(said, "ascii")
        monkeypatch.setattr(gpu, "LIMITS", (tmp_path / "none", tmp_path / "limit"))
        assert gpu.memory() in (there, whole) and (said == "max\n" or gpu.memory() == there)


# Compiled


def test_nothing_is_compiled_where_that_cannot_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not gpu.compiles(torch.device("cpu"))
    (tmp_path / "Python.h").touch()
    have = {"card": (8, 0), "cc": "/bin/gcc", "triton": None, "headers": tmp_path}
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: have["card"])
    monkeypatch.setattr(gpu.shutil, "which", lambda name: have["cc"] if name == "clang" else None)
    monkeypatch.setattr(gpu, "packages", lambda *_: have["triton"])
    monkeypatch.setattr(gpu.sysconfig, "get_path", lambda _: str(have["headers"]))
    assert gpu.compiles(THERE)
    for lacking in ({"card": (6, 1)}, {"cc": None}, {"triton": "triton is not installed"}, {"headers": tmp_path / "none"}):
        before = dict(have)
        have.update(lacking)
        assert not gpu.compiles(THERE), lacking
        have.update(before)
    have["cc"] = None
    monkeypatch.setenv("CC", "cc")
    assert gpu.compiles(THERE)


def test_blocks_are_compiled_twice_whatever_lengths_come(there: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from torch._dynamo.testing import CompileCounter

    counted, real, asked = CompileCounter(), torch.compile, list[Any]()

    def compiled(function: Any, **more: Any) -> Any:
        asked.append(more)
        return real(function, **more, backend=counted)

    monkeypatch.setattr(gpu, "compiles", lambda _: True)
    given = gpu.compiling()
    assert given == {"recompile_limit": gpu.RECOMPILED}
    monkeypatch.setattr(gpu, "compiling", lambda: given)
    monkeypatch.setattr(torch, "compile", compiled)
    torch._dynamo.reset()
    net = tiny_films.wan_net().eval()
    pipe = SimpleNamespace(transformer=net, vae=None, to=lambda _: None)
    pipes.placed(pipe, THERE, "resident", True)
    with torch.inference_mode():
        for frames in (3, 4, 5):
            x = torch.zeros(1, 16, frames, 4, 4)
            net(hidden_states=x, timestep=torch.tensor([500]), encoder_hidden_states=torch.zeros(1, 4, 32), return_dict=False)
    assert counted.frame_count == 2 and asked[0]["recompile_limit"] > 8
    torch._dynamo.reset()


# Clips


def test_of_a_picture_helios_draws_on_the_device() -> None:
    pipe, kinds = SimpleNamespace(_execution_device="there"), ("HeliosPyramidPipeline", "WanPipeline")
    assert [shots._drawn(pipe, kind, mode) for kind in kinds for mode in ("i2v", "t2v")] == ["there", "cpu", "cpu", "cpu"]


def test_a_clip_that_cannot_be_decoded_whole_is_decoded_in_squares(
    presets: Presets, wan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, steps, tries = shots.shown, list[int](), list[bool]()

    def shown(pipe: Any, told: Any) -> torch.Tensor:
        tries.append(pipe.vae.use_tiling)
        if not tries[-1]:
            raise torch.OutOfMemoryError("as if")
        return real(pipe, told)

    stepped = shots.stepped
    monkeypatch.setattr(shots, "stepped", lambda *given, **more: steps.append(1) or stepped(*given, **more))
    monkeypatch.setattr(shots, "shown", shown)
    engine = films.Engine(device="cpu")
    notes = engine.shoot(shot(presets, small("wan-1.3b", presets, wan)), tmp_path / "a.mp4", idle)
    engine.close()
    assert tries == [False, True] and len(steps) == 1
    assert notes["plan"] == "resident" and "ran out" in str(notes["memory"])


def test_models_whose_clips_are_too_large_to_decode_are_always_decoded_in_squares(presets: Presets, tmp_path: Path) -> None:
    told = {name: rules.options(one.options) for name, one in presets.models.items() if one.engine == "diffusers"}
    assert {name for name, one in told.items() if one.tiled} == {"mochi", "hunyuan-1.5", "hunyuan-1.5-i2v"}
    own: Model = small("mochi", presets, tiny_films.saved("mochi", tmp_path / "mochi"))
    engine = films.Engine(device="cpu")
    made = engine._load(shot(presets, own))
    assert made.plan == "resident" and made.pipe("MochiPipeline").vae.use_tiling and not made.tile()




def test_where_gpus_are_lent_nobody_touches_one_outside_of_a_call(presets: Presets, monkeypatch: pytest.MonkeyPatch) -> None:
    spaces: Any = ModuleType("spaces")
    spaces.GPU, spaces.__spec__ = lambda task, duration: task, ModuleSpec("spaces", None)
    monkeypatch.setitem(sys.modules, "spaces", spaces)
    monkeypatch.setenv("SPACES_ZERO_GPU", "1")
    for name in ("is_available", "get_device_properties", "get_device_capability", "mem_get_info", "memory_allocated", "empty_cache", "device_count", "init"):
        monkeypatch.setattr(torch.cuda, name, lambda *_, name=name: pytest.fail(f"torch.cuda.{name} was called"))
    every = {"models": presets.models, "painters": presets.painters, "composers": presets.composers}
    crew = Crew({"pictures.diffusers": {"models": presets.painters}} | {name: {"models": presets.composers} for name in ("musicgen", "ace_step", "audiocraft")})
    lent, own = set[str](), set[str]()
    for role, name, engine in crew.everybody():
        if not hasattr(engine, "seat") or engine.seat() == "cpu":
            continue
        said = str(engine.missing())
        (own if "of its own" in said else lent).add(f"{role} {name}")
        assert engine.seat() == ""
        for model in [one for some in every.values() for one in some.values() if one.engine == name]:
            if lacks := getattr(engine, "lacks", None):
                lacks(model)
        engine.close()
    crew.close()
    for model in presets.upscalers.values():
        made = Enlarger(model)
        assert "of its own" in str(made.missing()) and made.seat() == ""
        made.close()
    assert lent >= {"clips svd", "clips diffusers", "clips open_sora", "pictures diffusers", "music musicgen", "music ace_step"}
