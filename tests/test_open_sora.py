"""Open-Sora 2.0: the official code's numbers, no row too many, memory that is enough, and what is said when it is not."""

from __future__ import annotations

import math
import pickle
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from pipelines import ffmpeg, moves, mp4
from pipelines.clips import _gpu, _open_sora_plan, _reel, _stream
from pipelines.clips import _open_sora_machine as machines
from pipelines.clips import _open_sora_vae as vaes
from pipelines.clips._open_sora_loop import Guidance, denoise, needed, packed, schedule, unpacked
from pipelines.clips._open_sora_net import Clip, Design, Net, design_of, predict, prepare, shapes
from pipelines.clips._open_sora_plan import options, pieces, size, text
from pipelines.clips._weights import Source, table
from pipelines.clips.open_sora import Engine
from pipelines.plan import Frame, Shot
from pipelines.presets import Presets
from pipelines.work import Cancelled, FilmError, idle

from .open_sora_weights import TINY, draw, folder, vae_sizes

DATA = Path(__file__).parent / "data" / "open_sora"
CPU = torch.device("cpu")
Tensors = dict[str, torch.Tensor]


@pytest.fixture(autouse=True)
def _no_gradients() -> Iterator[None]:
    with torch.inference_mode():
        yield


@pytest.fixture(scope="module")
def reference() -> Tensors:
    return load_file(DATA / "reference.safetensors")


def listed(name: str) -> dict[str, tuple[int, ...]]:
    lines = (DATA / name).read_text("utf-8").split("\n")
    return {line.split()[0]: tuple(map(int, line.split()[1].split("x"))) for line in lines if line}


def within(tensors: Tensors, prefix: str) -> Tensors:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def net_of(weights: Tensors, axes: tuple[int, int, int], room: int = 1 << 40, eight: bool = False) -> Net:
    design = design_of({name: tuple(tensor.shape) for name, tensor in weights.items()}, axes)
    memory = machines.Memory(room, eight)
    return machines.build(lambda names: {name: weights[name] for name in names}, design, CPU, torch.float32, memory, False)


# The official checkpoint


def test_every_tensor_of_the_published_network_has_its_place() -> None:
    published = listed("mmdit_keys.txt")
    assert shapes(Design()) == published
    assert design_of(published) == Design()
    assert sum(map(math.prod, published.values())) == 11_891_390_528


def test_every_tensor_of_the_published_vae_has_its_place() -> None:
    published = listed("vae_keys.txt")
    vae = vaes.empty(published)
    assert {name: tuple(tensor.shape) for name, tensor in vae.state_dict().items()} == published


# The official results


def case(reference: Tensors, name: str, frames: int = 3, height: int = 8, width: int = 12) -> tuple[torch.Tensor, bool]:
    """The condition of one of the reference's runs, and whether there is one."""
    if name == "t2v":
        return torch.zeros(1, frames * height * width // 4, 68), False
    return packed(torch.cat([reference[f"{name}.masks"], reference[f"{name}.held"]], 1)), True


def readied(net: Net, reference: Tensors, times: Sequence[float], cond: torch.Tensor) -> Clip:
    said, whole = reference["txt"], reference["y"]
    return prepare(net, times, (3, 4, 6), (said[:1], said[1:]), (whole[:1], whole[1:]), cond)


def test_the_first_step_is_the_official_one(reference: Tensors) -> None:
    net = net_of(within(reference, "net."), (8, 12, 12))
    clip = readied(net, reference, [1.0], case(reference, "t2v")[0])
    rows = predict(net, clip, reference["noise"], 0, (0, 1, 2), idle)
    assert torch.allclose(torch.cat(rows), reference["t2v.first"], atol=1e-4, rtol=0)


@pytest.mark.parametrize("name", ["t2v", "i2v_head", "i2v_tail", "i2v_loop"])
def test_a_whole_run_ends_where_the_official_one_does(name: str, reference: Tensors) -> None:
    net = net_of(within(reference, "net."), (8, 12, 12))
    cond, given = case(reference, name)
    times = schedule(14, 24, 3)
    clip = readied(net, reference, times[:-1], cond)
    computed: list[int] = []

    def answer(step: int, x: torch.Tensor, rows: Sequence[int]) -> list[torch.Tensor]:
        computed.extend(rows)
        return predict(net, clip, x, step, rows, idle)

    made = denoise(answer, reference["noise"], times, 3, Guidance(rising=given), given)
    assert (made - reference[f"{name}.latents"]).abs().max() < 1e-4
    assert len(computed) == {"t2v": 26}.get(name, 38), "the official code computes 42"


def test_the_vae_decodes_as_the_official_one(reference: Tensors) -> None:
    weights = draw(vae_sizes()) | within(reference, "vae.")
    vae = vaes.empty({name: tuple(tensor.shape) for name, tensor in weights.items()})
    vae.load_state_dict(weights, assign=True)
    made = vaes.decode(vae, reference["z"])[:, :, :, ::4, ::4]
    assert (made - reference["decoded"]).abs().max() < 1e-4


def test_our_attention_in_the_vae_is_diffusers_without_its_mask() -> None:
    from diffusers import AutoencoderKLHunyuanVideo

    weights = draw(vae_sizes())
    theirs = AutoencoderKLHunyuanVideo(block_out_channels=(32, 32, 32, 32), layers_per_block=1).requires_grad_(False).eval()
    theirs.load_state_dict(weights)
    ours = vaes.empty({name: tuple(tensor.shape) for name, tensor in weights.items()})
    ours.load_state_dict(weights, assign=True)
    frames = torch.rand(1, 3, 13, 32, 48, generator=torch.Generator().manual_seed(1)) * 2 - 1
    latents = vaes.encode(ours, frames)
    assert latents.shape == (1, 16, 4, 4, 6)
    assert torch.allclose(latents, theirs.encode(frames).latent_dist.mode() * vaes.SCALING, atol=1e-4)
    assert torch.allclose(vaes.decode(ours, latents), theirs.decode(latents / vaes.SCALING).sample, atol=1e-4)


# No row too many


def literal(net: Net, clip: Clip, noise: torch.Tensor, times: Sequence[float], frames: int, guidance: Guidance) -> torch.Tensor:
    """The loop as it is described: three rows at every step, whatever the scales are."""
    img = noise
    for i in range(len(times) - 1):
        c, u1, u2 = predict(net, clip, img, i, (0, 1, 2), idle)
        coming = i < 10 or i % 2 == 0
        text_scale = guidance.text if coming else 1.0
        image_scale: Any = guidance.image if coming else 1.0
        if guidance.rising and image_scale > 1:
            upper = image_scale + (1 - image_scale) * i / (len(times) - 1)
            image_scale = torch.tensor([1 + (upper - 1) * f / (frames - 1) for f in range(frames)])
            image_scale = packed(image_scale.view(1, 1, -1, 1, 1).expand(1, 16, frames, 8, 12).contiguous())
        img = img + (times[i + 1] - times[i]) * (u2 + image_scale * (u1 - u2) + text_scale * (c - u1))
    return img


@pytest.mark.parametrize(("name", "rising", "rows"), [("t2v", False, 80), ("i2v_head", True, 110), ("i2v_head", False, 110)])
def test_rows_left_out_change_nothing(name: str, rising: bool, rows: int, reference: Tensors) -> None:
    net = net_of(within(reference, "net."), (8, 12, 12))
    cond, given = case(reference, name)
    times, guidance = schedule(50, 24, 3), Guidance(rising=rising)
    clip = readied(net, reference, times[:-1], cond)
    computed: list[int] = []

    def answer(step: int, x: torch.Tensor, asked: Sequence[int]) -> list[torch.Tensor]:
        computed.extend(asked)
        return predict(net, clip, x, step, asked, idle)

    made = denoise(answer, reference["noise"], times, 3, guidance, given)
    whole = literal(net, clip, reference["noise"], times, 3, guidance)
    assert len(computed) == needed(50, guidance, given) == rows, "150 in the literal loop"
    assert (made - whole).abs().max() < 1e-4 < whole.abs().max()


def test_packing_goes_both_ways() -> None:
    latents = torch.arange(16 * 3 * 4 * 6.0).view(1, 16, 3, 4, 6)
    tokens = packed(latents)
    assert tokens.shape == (1, 18, 64)
    assert torch.equal(unpacked(tokens, 3, 4, 6), latents)
    assert torch.equal(tokens[0, 0].view(16, 2, 2), latents[0, :, 0, :2, :2])


# Memory


def run(net: Net, reference: Tensors) -> torch.Tensor:
    clip = readied(net, reference, [1.0, 0.5], case(reference, "i2v_head")[0])
    return torch.cat([row for step in (0, 1) for row in predict(net, clip, reference["noise"], step, (0, 1, 2), idle)])


def test_weights_that_stream_give_the_same_numbers(reference: Tensors) -> None:
    weights = within(reference, "net.")
    whole, none = net_of(weights, (8, 12, 12)), net_of(weights, (8, 12, 12), room=0)
    some = net_of(weights, (8, 12, 12), room=900_000)
    assert [len(net.blocks.kept) for net in (whole, some, none)] == [5, 2, 0]  # type: ignore[attr-defined]
    expected = run(whole, reference)
    assert torch.equal(run(some, reference), expected)
    assert torch.equal(run(none, reference), expected)
    assert torch.equal(run(none, reference), expected), "and again"


def test_two_places_are_enough_for_blocks_that_stream(reference: Tensors) -> None:
    net = net_of(within(reference, "net."), (8, 12, 12), room=0)
    seen = {weights["norm.query_norm.scale" if i > 1 else "img_attn.norm.query_norm.scale"].untyped_storage().data_ptr() for i, weights in enumerate(net.blocks.each())}
    assert len(seen) == 2


def test_what_stays_is_spread_and_fits() -> None:
    sizes = [4] * 19 + [2] * 38
    for room in (0, 3, 40, 100, 151, 152):
        kept = _stream.kept(sizes, room)
        assert sum(sizes[i] for i in kept) <= room
        assert sum(sizes[i] for i in kept) > room - 6 or room == 3
    half = _stream.kept(sizes, 76)
    assert max(b - a for a, b in zip(sorted(half), sorted(half)[1:], strict=False)) <= 3
    assert len(_stream.kept(sizes, 152)) == len(sizes)


def test_eight_bits_take_a_quarter_and_stay_near(reference: Tensors) -> None:
    weights = within(reference, "net.")
    expected, net = run(net_of(weights, (8, 12, 12)), reference), net_of(weights, (8, 12, 12), eight=True)
    kinds = {tensor.dtype for block in net.blocks.each() for tensor in block.values() if tensor.ndim == 2 and tensor.shape[1] > 1}
    assert kinds == {torch.float8_e4m3fn}
    off = run(net, reference) - expected
    assert 0 < off.square().mean() < 0.05**2 * expected.square().mean()


# What it can be asked for


@pytest.mark.parametrize(
    ("resolution", "aspect", "expected"),
    [("256px", 16 / 9, (336, 192)), ("768px", 16 / 9, (1024, 576)), ("768px", 9 / 16, (576, 1024)), ("768px", 1.0, (768, 768)),
     ("256px", 4 / 3, (288, 224)), ("768px", 2.39, (1184, 496)), ("256px", 100.0, (384, 160))],
)  # fmt: skip
def test_sizes_are_those_that_the_model_knows(resolution: str, aspect: float, expected: tuple[int, int]) -> None:
    assert size(resolution, aspect) == expected


@pytest.mark.parametrize(
    ("seconds", "picture", "ends", "expected"),
    [
        (0.04, False, "head", ["33 t2v"]), (1.375, False, "head", ["33 t2v"]), (1.4, True, "head", ["65 i2v_head"]),
        (129 / 24, True, "tail", ["129 i2v_tail"]), (5.4, False, "tail", ["129 t2v", "65 v2v_head"]),
        (10.0, True, "head", ["129 i2v_head", "129 v2v_head", "65 v2v_head"]), (9.0, True, "tail", ["129 i2v_tail", "129 v2v_tail"]),
        (2.0, True, "loop", ["49 i2v_loop"]), (60.0, True, "loop", ["129 i2v_loop"]),
    ],
)  # fmt: skip
def test_a_long_scene_is_clips_that_go_on_from_one_another(seconds: float, picture: bool, ends: Any, expected: list[str]) -> None:
    made = pieces(seconds, picture, ends)
    assert [f"{one.frames} {one.kind}" for one in made] == expected
    assert all(one.frames % 4 == 1 and one.frames <= 129 for one in made)
    if ends != "loop":
        assert sum(one.frames for one in made) - 33 * (len(made) - 1) >= seconds * 24


def camera(action: str, presets: Presets) -> moves.Camera:
    return moves.read(action, 6.0, presets.moves, 1).camera


@pytest.mark.parametrize(
    ("prompt", "action", "score", "expected"),
    [
        ("a calm sea", "static", 0, "a calm sea. Camera: static. 24 FPS. 2 motion score."),
        ("Who is there?", "slow zoom in", 0, "Who is there? Camera: slow zoom in. 24 FPS. 3 motion score."),
        ("  two\n words. ", "pan left then fast tilt up", 0, "two words. Camera: pan left, then fast tilt up. 24 FPS. 5 motion score."),
        ("", "zoom in and pan right", 7, "Camera: zoom in and pan right. 24 FPS. 7 motion score."),
        ("a", "handheld", 0, "a. Camera: handheld. 24 FPS. 6 motion score."),
    ],
)
def test_the_text_ends_as_the_model_learnt_it(prompt: str, action: str, score: int, expected: str, presets: Presets) -> None:
    assert text(prompt, camera(action, presets), score) == expected


@pytest.mark.parametrize("wrong", [{"steps": 0}, {"resolution": "512px"}, {"guidnce": 3}, {"motion_score": 8}, {"weights": "int4"}])
def test_a_wrong_option_is_named(wrong: dict[str, Any]) -> None:
    with pytest.raises(FilmError, match=f"option {next(iter(wrong))}"):
        options(wrong)


# From weights on disk to an MP4


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder(tmp_path_factory.mktemp("open_sora") / "weights")


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_open_sora_plan, "LONGEST", 65)
    if "sizes" not in str(monkeypatch):
        pass


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clips of 80 x 48 and at most 41 frames, so that a CPU draws them in a second."""
    monkeypatch.setitem(_open_sora_plan.PIXELS, "256px", 64 * 64)
