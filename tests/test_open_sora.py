"""Open-Sora 2.0: the official code's numbers, no row too many, memory that is enough, and what is said when it is not."""

from __future__ import annotations

import gc
import math
import os
import pickle
import shutil
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from pipelines import ffmpeg, moves, mp4
from pipelines import plan as plans
from pipelines import vault as vaults
from pipelines.clips import _glimpse, _open_sora_plan, _reel, _stream
from pipelines.clips import _open_sora_given as moving
from pipelines.clips import _open_sora_machine as machines
from pipelines.clips import _open_sora_net as nets
from pipelines.clips import _open_sora_shot as shots
from pipelines.clips import _open_sora_vae as vaes
from pipelines.clips._open_sora_loop import Guidance, denoise, needed, packed, schedule, unpacked
from pipelines.clips._open_sora_net import Clip, Design, Net, design_of, predict, prepare, shapes
from pipelines.clips._open_sora_plan import options, pieces, size, text
from pipelines.clips.open_sora import Engine
from pipelines.crew import Crew
from pipelines.gear import gpu as _gpu
from pipelines.gear.weights import Source, table
from pipelines.plan import Frame, Given, Shot
from pipelines.presets import Model, Presets
from pipelines.render import Studio
from pipelines.vault import Vault
from pipelines.verbs.blend import Blend, blend
from pipelines.verbs.extend import Extend, extend
from pipelines.work import Cancelled, FilmError, idle

from . import whole
from .open_sora_weights import draw, folder, vae_sizes

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


def test_the_vae_decodes_a_long_clip_some_frames_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    vae = vaes.empty(vae_sizes())
    vae.load_state_dict(draw(vae_sizes()), assign=True)
    latents = torch.randn(1, 16, 5, 8, 8, generator=torch.Generator().manual_seed(2))
    whole, most, given = vaes.decode(vae, latents), 1 << 16, list[int]()
    monkeypatch.setattr(vaes, "MOST", most)
    for module in vae.decoder.modules():
        if isinstance(module, torch.nn.Conv3d):
            module.register_forward_pre_hook(lambda _, x: given.append(x[0].shape[2]))
    assert torch.allclose(vaes.decode(vae, latents), whole, atol=1e-4)
    assert max(given) < whole.shape[2], "never the whole clip at once"


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


def literal(net: Net, clip: Clip, noise: torch.Tensor, times: Sequence[float], frames: int, guidance: Guidance, sides: tuple[int, int] = (8, 12)) -> torch.Tensor:
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
            image_scale = packed(image_scale.view(1, 1, -1, 1, 1).expand(1, 16, frames, *sides).contiguous())
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


@pytest.mark.parametrize("name", ["v2v_head", "v2v_tail", "i2v_loop"])
def test_a_clip_that_goes_on_is_the_literal_loops(name: str, home: Path, presets: Presets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All the way from given videos: noise and condition as the official code puts them, three rows at every step."""
    monkeypatch.setitem(_open_sora_plan.PIXELS, "256px", 48 * 48)
    video = filmed(tmp_path / "near.mp4", 40)
    given = {"v2v_head": Given(first=video), "v2v_tail": Given(last=video), "i2v_loop": Given(first=filmed(tmp_path / "a.mp4", 3), last=filmed(tmp_path / "b.mp4", 2, 90))}
    encoded: list[torch.Tensor] = []
    decoded: list[torch.Tensor] = []
    watch(monkeypatch, "encode", lambda _, made: encoded.append(made))
    watch(monkeypatch, "decode", lambda latents, _: decoded.append(latents))
    steps = 12 if name == "v2v_head" else 3
    asked = replace(wish(presets, home, seconds=1.2, steps=steps), given=given[name])
    own = Engine(device="cpu")
    own.shoot(asked, tmp_path / "made.mp4", idle)
    machine, (latents,) = own._floor.loaded[1], decoded  # type: ignore[index]
    count, high, wide = latents.shape[2:]
    mask, held = torch.zeros(1, 1, count, high, wide), torch.zeros(1, 16, count, high, wide)
    if name == "i2v_loop":
        assert [one.shape[2] for one in encoded] == [1, 1] and not torch.equal(*encoded)
        mask[:, :, 0] = mask[:, :, -1] = 1
        held[:, :, 0], held[:, :, -1] = encoded[0][:, :, 0], encoded[1][:, :, 0]
    else:
        assert [one.shape[2] for one in encoded] == [9], "33 pictures"
        place = slice(0, 9) if name == "v2v_head" else slice(-9, None)
        mask[:, :, place], held[:, :, place] = 1, encoded[0]
    noise = packed(torch.randn(1, 16, count, high, wide, generator=torch.Generator("cpu").manual_seed(asked.seed)))
    times = schedule(steps, high * wide // 4, count)
    words, pooled = zip(machine.text(text(asked.prompt, None, 0)), machine.text(""), strict=True)
    net = replace(machine.net(1, (wide * 8, high * 8)), dtype=torch.float32)
    clip = prepare(net, times[:-1], (count, high // 2, wide // 2), words, pooled, packed(torch.cat([mask, held], 1)))
    whole = unpacked(literal(net, clip, noise, times, count, Guidance(rising=name == "i2v_loop"), (high, wide)), count, high, wide)
    if name == "i2v_loop":
        whole[:, :, :1], whole[:, :, -1:] = encoded
    assert (latents - whole).abs().max() < 1e-4 < whole.abs().max()


def filmed(path: Path, count: int, shift: int = 0) -> Path:
    """An MP4 of ours, 160 x 90, that changes."""
    from pipelines.clips._reel import write_planes

    across = np.arange(160) + shift
    frames = [np.concatenate([np.broadcast_to((across * 2 + k * 5) % 200 + 20, (90, 160)).reshape(-1), np.full(160 * 45, 128)]).astype(np.uint8).reshape(135, 160) for k in range(count)]
    write_planes(frames, count, (160, 90), Fraction(24), path, idle)
    return path


@pytest.mark.usefixtures("small")
def test_a_video_goes_on_for_longer_than_a_clip(home: Path, engine: Engine, presets: Presets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[torch.Tensor] = []
    watch(monkeypatch, "encode", lambda frames, _: taken.append(frames))
    for near, seconds, kinds in ((filmed(tmp_path / "long.mp4", 40), 3.0, [33, 33]), (filmed(tmp_path / "short.mp4", 11), 1.0, [9]), (filmed(tmp_path / "one.mp4", 2), 1.0, [1])):
        taken.clear()
        asked = replace(wish(presets, home, seconds=seconds, steps=1), given=Given(first=near))
        notes = engine.shoot(asked, tmp_path / "on.mp4", idle)
        assert [one.shape[2] for one in taken] == kinds and int(str(notes["frames"])) > seconds * 24
        assert (notes["width"], notes["height"]) == (56, 32), "of the model's picture, what has the video's shape"
        edges = taken[0][0, :, 0].mean(0)
        assert torch.equal(edges[:, 0], edges[:, 3]), "what lies beside it repeats its edge"
    recipe = vaults.plain(engine.recipe(asked))
    assert vaults.plain(engine.recipe(replace(asked, camera=camera("static", presets)))) == recipe, "the video shows how it moves"
    assert vaults.plain(engine.recipe(replace(asked, given=Given(last=near)))) != recipe
    assert "no video over" in refused(lambda: engine.shoot(replace(asked, given=Given(over=near)), tmp_path / "x.mp4", idle)).message


@pytest.mark.usefixtures("small")
def test_verbs_can_use_it(home: Path, presets: Presets, vault: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A video extended by the model from its last pictures or up to its first, and one that melts into another."""
    mine = replace(presets, models={"tiny": model(home)})
    video = filmed(tmp_path / "near.mp4", 40)
    held = moving.Window.of((64, 32), 160 / 90).read(video, 24)
    start, end = (torch.from_numpy(held[k].copy()).permute(2, 0, 1).float() / 127.5 - 1 for k in (0, 32))
    crew = Crew({"edge": {"online": False}, "open_sora": {"device": "cpu"}})
    studio = Studio(crew, mine, vault, whole.ROOT / "assets" / "fonts", workers=2)
    try:
        longer = extend([video], Extend(0.5, "a calm sea", engine="tiny"), studio, tmp_path / "longer.mp4")
        assert longer.frames == 52 and "and the 32 before it" in longer.how
        taken: list[torch.Tensor] = []
        watch(monkeypatch, "encode", lambda frames, _: taken.append(frames))
        earlier = extend([video], Extend(0.5, "a calm sea", backward=True, engine="tiny"), studio, tmp_path / "earlier.mp4")
        assert earlier.frames == 52 and "and the 32 after it" in earlier.how
        (edge,) = [one for one in taken if one.shape[2] == 33]
        first, last = (float((edge[0, :, k] - given).abs().mean()) for k, given in ((0, start), (-1, end)))
        assert first < 0.1 > last, "it leads up to the video's pictures as they run, not backwards"
        both = blend([video, filmed(tmp_path / "other.mp4", 40, 90)], Blend(0.4, engine="tiny"), studio, tmp_path / "both.mp4")
        assert "the way found by Tiny" in both.how
    finally:
        crew.close()


def refused(work: Callable[[], object]) -> FilmError:
    with pytest.raises(FilmError) as caught:
        work()
    return caught.value


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
    assert [len(net.blocks.kept) for net in (whole, some, none)] == [5, 3, 0]  # type: ignore[attr-defined]
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
    assert max(b - a for a, b in pairwise(sorted(half))) <= 3
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
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder(tmp_path_factory.mktemp("open_sora") / "weights")


@pytest.fixture
def home(shared: Path, tmp_path: Path) -> Path:
    """The weights' folder, to be spoilt at will."""
    for path in (path for path in shared.rglob("*") if path.is_file()):
        at = tmp_path / "weights" / path.relative_to(shared)
        at.parent.mkdir(parents=True, exist_ok=True)
        os.link(path, at)
    return tmp_path / "weights"


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clips of 64 x 32 and at most 65 frames, so that a CPU draws them in a second or two."""
    monkeypatch.setitem(_open_sora_plan.PIXELS, "256px", 48 * 48)
    monkeypatch.setattr(_open_sora_plan, "LONGEST", 65)


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    engine = Engine(device="cpu")
    yield engine
    engine.close()


def model(home: Path, **told: Any) -> Model:
    return Model("Tiny", "", "open_sora", str(home), licence="made up", options={"steps": 2} | told)


def wish(presets: Presets, home: Path, seconds: float = 1.0, picture: Path | None = None, prompt: str = "a calm sea", **told: Any) -> Shot:
    frame = Frame(160, 90, Fraction(24))
    return Shot(prompt, picture, camera("zoom in", presets), round(seconds * 24), frame, "cover", 3, model(home, **told))


@pytest.fixture
def still(tmp_path: Path) -> Path:
    across = np.linspace(0, 255, 120)[None, :, None]
    picture = np.broadcast_to(across, (90, 120, 3)).astype(np.uint8)
    Image.fromarray(picture).save(tmp_path / "still.png")
    return tmp_path / "still.png"


def seen(path: Path, width: int = 64, height: int = 32) -> np.ndarray[Any, Any]:
    args = ["-f", "mov", "-i", path, "-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1"]
    return np.frombuffer(b"".join(ffmpeg.read(args, 1 << 20)), np.uint8).reshape(-1, height, width, 3)


@pytest.mark.usefixtures("small")
def test_a_prompt_becomes_a_clip_and_the_same_seed_the_same_clip(home: Path, engine: Engine, presets: Presets, tmp_path: Path) -> None:
    ticks: list[float] = []
    one = wish(presets, home)
    assert engine.lacks(one.model or model(home)) is None
    notes = engine.shoot(one, tmp_path / "a.mp4", ticks.append)
    assert notes == {"rows": 4, "clips": 1, "frames": 33, "rate": "24/1", "width": 64, "height": 32}
    assert vaults.plain(notes) == notes
    assert mp4.count(tmp_path / "a.mp4") == 33
    frames = seen(tmp_path / "a.mp4")
    assert frames.shape == (33, 32, 64, 3)
    assert frames.std() > 5 and (frames[0] != frames[-1]).any(), "there is something in it, and it moves"
    assert ticks == sorted(ticks) and ticks[0] == 0 and ticks[-1] <= 1
    assert len(ticks) > 2 * 3 + 33, "every block, every frame"
    engine.shoot(one, tmp_path / "b.mp4", idle)
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()
    fresh = Engine(device="cpu")
    fresh.shoot(one, tmp_path / "c.mp4", idle)
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "c.mp4").read_bytes()
    for other in (replace(one, seed=4), replace(one, prompt="a rough sea"), wish(presets, home, motion_score=7), wish(presets, home, guidance=2.0)):
        engine.shoot(other, tmp_path / "d.mp4", idle)
        assert (tmp_path / "a.mp4").read_bytes() != (tmp_path / "d.mp4").read_bytes()


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(("ends", "held"), [("head", [0]), ("tail", [8]), ("loop", [0, 6])])
def test_a_picture_stays_where_it_belongs(
    ends: str, held: list[int], home: Path, engine: Engine, presets: Presets, still: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[torch.Tensor] = []
    encoded: list[torch.Tensor] = []
    watch(monkeypatch, "decode", lambda given, _: decoded.append(given))
    watch(monkeypatch, "encode", lambda given, made: encoded.extend((given, made)))
    notes = engine.shoot(wish(presets, home, picture=still, ends=ends), tmp_path / "a.mp4", idle)
    assert notes["rows"] == 6 and notes["frames"] == {"loop": 25}.get(ends, 33)
    given, latent = encoded
    assert given.shape == (1, 3, 1, 32, 64) and given.min() < -0.95 and given.max() > 0.95
    same = [k for k in range(decoded[0].shape[2]) if torch.equal(decoded[0][:, :, k], latent[:, :, 0])]
    assert same == held


def watch(monkeypatch: pytest.MonkeyPatch, name: str, see: Callable[[torch.Tensor, torch.Tensor], object]) -> None:
    real = getattr(vaes, name)

    def seen(vae: Any, given: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = real(vae, given)
        see(given, made)
        return made

    monkeypatch.setattr(vaes, name, seen)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("ends", ["head", "tail"])
def test_a_long_scene_goes_on_from_where_it_was(
    ends: str, home: Path, engine: Engine, presets: Presets, still: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[torch.Tensor] = []
    taken: list[torch.Tensor] = []
    watch(monkeypatch, "decode", lambda _, frames: made.append(frames.clamp(-1, 1)))
    watch(monkeypatch, "encode", lambda frames, _: taken.append(frames))
    notes = engine.shoot(wish(presets, home, seconds=3.0, picture=still, ends=ends, steps=1), tmp_path / "a.mp4", idle)
    assert [one.shape[2] for one in taken] == [1, 33], "a picture, then the last clip's edge"
    assert [one.shape[2] for one in made] == [65, 65]
    edge = made[0][:, :, -33:] if ends == "head" else made[0][:, :, :33]
    assert torch.equal(taken[1], edge)
    assert notes["frames"] == mp4.count(tmp_path / "a.mp4") == 97
    new = made[1][:, :, 33:] if ends == "head" else made[1][:, :, :-33]
    shown = torch.from_numpy(seen(tmp_path / "a.mp4").copy()).permute(3, 0, 1, 2)[None] / 127.5 - 1
    off = [float((shown - torch.cat(order, dim=2)).mean(1).abs().mean()) for order in ([made[0], new], [new, made[0]])]
    assert off[ends == "tail"] < 0.1 < off[ends == "head"], "in the order of playing"


@pytest.mark.usefixtures("small")
def test_a_loop_that_is_short_for_its_scene_is_played_again(
    home: Path, engine: Engine, presets: Presets, still: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_open_sora_plan, "LONGEST", 9)
    notes = engine.shoot(wish(presets, home, seconds=1.0, picture=still, ends="loop", steps=1), tmp_path / "a.mp4", idle)
    frames = seen(tmp_path / "a.mp4").astype(int)
    assert notes["frames"] == 24 and np.abs(frames[8:16] - frames[:8]).mean() < 3 < np.abs(frames[4:12] - frames[:8]).mean()


@pytest.mark.usefixtures("small")
def test_each_part_has_the_device_for_all_shots_where_both_have_no_room(
    home: Path, engine: Engine, presets: Presets, still: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    for name in ("encode", "decode"):
        watch(monkeypatch, name, lambda _, __, name=name: order.append(name))  # type: ignore[misc]
    real, build = shots.denoise, machines.build
    monkeypatch.setattr(shots, "denoise", lambda *given: order.append("steps") or real(*given))
    monkeypatch.setattr(machines, "build", lambda *given: order.append("network") or build(*given))
    monkeypatch.setattr(_glimpse, "PAUSE", 0.0)
    asked = [wish(presets, home, seconds, picture=picture) for seconds, picture in ((0.3, still), (1.8, still), (0.3, None))]

    def film(name: str, show: bool) -> list[bytes]:
        told: list[Any] = []
        seen: list[Any] = []
        slates = [plans.Slate(one, tmp_path / f"{name}{i}.mp4", idle, told.append, seen.append if show else None) for i, one in enumerate(asked)]
        engine.shoot_all(slates)
        assert len(told) == 3 and not [one for one in told if isinstance(one, FilmError)]
        assert bool(seen) is show
        return [slate.out.read_bytes() for slate in slates]

    engine.close()
    monkeypatch.setattr(_open_sora_plan, "LONGEST", 49)
    monkeypatch.setitem(_open_sora_plan.PIXELS, "256px", 32 * 32)
    beside = film("beside", False)
    assert order == ["encode", "network", "steps", "decode", "encode", "steps", "decode", "encode", "steps", "decode", "steps", "decode"]
    monkeypatch.setattr(machines, "room", lambda *_, seeing=True: 1 << 30 if not seeing else 1)
    engine.close()
    order.clear()
    assert film("apart", True) == beside
    first = ["encode"] * 3 + ["network"] + ["steps"] * 3 + ["decode"] * 3
    assert order == [*first, "encode", "network", "steps", "decode"], "colours and pictures, all steps, all decoded; then the longer one goes on"
    engine.close()


def test_a_small_card_keeps_more_of_the_network_if_the_vae_waits() -> None:
    asked = 24 * _gpu.GIB, Design(), 129, (336, 192)
    assert machines.room(*asked, seeing=False) > 1.9 * machines.room(*asked)


@pytest.mark.usefixtures("small")
def test_stopping_takes_no_further_block(home: Path, engine: Engine, presets: Presets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    worked: list[int] = []
    real = nets.attended

    def counted(*given: torch.Tensor) -> torch.Tensor:
        worked.append(1)
        return real(*given)

    monkeypatch.setattr(nets, "attended", counted)

    def enough(_done: float) -> None:
        if len(worked) >= 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        engine.shoot(wish(presets, home, steps=50), tmp_path / "a.mp4", enough)
    assert len(worked) == 2, "both rows of one block"
    engine.shoot(wish(presets, home), tmp_path / "b.mp4", idle)
    assert mp4.count(tmp_path / "b.mp4") == 33, "and it works on"


def test_lengths_that_make_the_same_clip_have_the_same_recipe(home: Path, engine: Engine, presets: Presets, still: Path) -> None:
    one = wish(presets, home, seconds=4.2)
    recipe = vaults.plain(engine.recipe(one))
    assert vaults.plain(engine.recipe(wish(presets, home, seconds=5.3))) == recipe
    for other in (
        wish(presets, home, seconds=5.5), wish(presets, home, seconds=4.2, prompt="b"), replace(one, seed=4),
        wish(presets, home, seconds=4.2, picture=still), replace(one, frame=Frame(90, 160, Fraction(24))),
    ):  # fmt: skip
        assert vaults.plain(engine.recipe(other)) != recipe


@pytest.mark.usefixtures("small")
def test_eight_bits_and_streaming_go_all_the_way(home: Path, presets: Presets, tmp_path: Path) -> None:
    eight = Engine(device="cpu")
    assert eight.shoot(wish(presets, home, weights="fp8"), tmp_path / "a.mp4", idle)["frames"] == 33


@pytest.mark.usefixtures("small")
def test_a_film_is_made_and_a_scene_with_bad_weights_is_named(home: Path, presets: Presets, vault: Vault, tmp_path: Path) -> None:
    spoilt = tmp_path / "spoilt"
    shutil.copytree(home, spoilt)
    cut(spoilt / "hunyuan_vae.safetensors")
    mine = replace(presets, models={"good": model(home), "bad": model(spoilt)})
    crew = Crew({"edge": {"online": False}, "open_sora": {"device": "cpu"}})
    studio = Studio(crew, mine, vault, whole.ROOT / "assets" / "fonts", workers=2)
    pictures = whole.pictures(tmp_path / "pictures", 2)
    rows: list[dict[str, Any]] = [{"image": None, "prompt": "a calm sea", "duration": 1.3, "engine": "good"}, {"duration": 1, "engine": "good"}]
    shown = whole.make(whole.story(mine, pictures, rows), studio, tmp_path / "film.mp4")
    assert shown.made["clips"] == [1, 2]
    assert whole.count(shown.path) == shown.film.timeline.frames
    rows[0] |= {"duration": 1.2}
    rows[1] |= {"engine": "bad"}
    with pytest.raises(FilmError, match=r"hunyuan_vae\.safetensors is cut short") as caught:
        whole.make(whole.story(mine, pictures, rows), studio, tmp_path / "film.mp4")
    assert caught.value.where == "scenes[1].engine" and "etch it anew" in caught.value.hint
    crew.close()


# What goes wrong on the way


@pytest.mark.usefixtures("small")
def test_numbers_out_of_range_are_computed_again_with_longer_ones(
    home: Path, engine: Engine, presets: Presets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(_open_sora_plan.PIXELS, "256px", 32 * 32)
    path = home / "Open_Sora_v2.safetensors"
    weights = load_file(path)
    path.unlink()
    weights["img_in.weight"] *= 1e25  # its square is beyond float32
    save_file(weights, path)
    notes = engine.shoot(wish(presets, home), tmp_path / "a.mp4", idle)
    assert notes["retried"] == "float64"
    assert seen(tmp_path / "a.mp4", 32, 32).std() > 5
    path.unlink()
    weights["img_in.weight"][0, 0] = float("nan")
    save_file(weights, path)
    with pytest.raises(FilmError, match="ran out of range, and again") as caught:
        Engine(device="cpu").shoot(wish(presets, home), tmp_path / "b.mp4", idle)
    assert "seed" in caught.value.hint
    assert not (tmp_path / "b.mp4").exists()


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("where", ["decode", "predict"])
def test_memory_that_runs_out_is_met_once(where: str, home: Path, presets: Presets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipelines.clips import _open_sora_shot as shots

    at: Any = vaes if where == "decode" else shots
    real, left = getattr(at, where), [1]

    def tight(*given: Any) -> Any:
        if left[0]:
            left[0] -= 1
            raise torch.OutOfMemoryError("CUDA out of memory")
        return real(*given)

    monkeypatch.setattr(at, where, tight)
    engine = Engine(device="cpu")
    notes = engine.shoot(wish(presets, home), tmp_path / "a.mp4", idle)
    assert "less was taken" in str(notes["memory"]) and notes["frames"] == 33
    machine = engine._floor.loaded[1] if engine._floor.loaded else None
    assert machine and machine.room == 0 and not machine.net(33, (64, 32)).blocks.kept  # type: ignore[attr-defined]
    if where == "decode":
        assert machine.vae(torch.float32).use_framewise_decoding
    left[0] = 2
    with pytest.raises(FilmError, match="memory ran out") as caught:
        engine.shoot(wish(presets, home), tmp_path / "b.mp4", idle)
    assert "smaller" in caught.value.hint


def pickled(path: Path) -> None:
    path.unlink()
    path.write_bytes(pickle.dumps({"img_in.weight": [1.0]}))


def zipped(path: Path) -> None:
    path.unlink()
    torch.save({"img_in.weight": torch.ones(1)}, path)


def cut(path: Path) -> None:
    whole = path.read_bytes()
    path.unlink()
    path.write_bytes(whole[: len(whole) // 2])


def cut_early(path: Path) -> None:
    whole = path.read_bytes()
    path.unlink()
    path.write_bytes(whole[:100])


def html(path: Path) -> None:
    path.unlink()
    path.write_text("<!doctype html><title>Not found</title>", "utf-8")


def padded(path: Path) -> None:
    whole = path.read_bytes()
    path.unlink()
    path.write_bytes(whole + b"more")


def other(path: Path) -> None:
    path.unlink()
    save_file({"double_blocks.0.img_attn.qkv.weight": torch.ones(3, 3)}, path)


def fewer(path: Path) -> None:
    weights = load_file(path)
    path.unlink()
    weights.popitem()
    save_file(weights, path)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("name", ["Open_Sora_v2.safetensors", "hunyuan_vae.safetensors", "google/t5-v1_1-xxl/model.safetensors"])
@pytest.mark.parametrize(
    ("spoil", "said"),
    [(pickled, "pickle under another name"), (zipped, "pickle under another name"), (cut, "cut short: [0-9,]+ of [0-9,]+ bytes"),
     (cut_early, "cut short"), (html, "no safetensors file"), (padded, "more in it than it says"), (other, "of another model"), (fewer, "of another model: it lacks")],
)  # fmt: skip
def test_weights_that_are_not_what_they_say_are_named(
    name: str, spoil: Callable[[Path], None], said: str, home: Path, presets: Presets, tmp_path: Path
) -> None:
    spoil(home / name)
    with pytest.raises(FilmError, match=said) as caught:
        Engine(device="cpu").shoot(wish(presets, home), tmp_path / "a.mp4", idle)
    assert caught.value.where in (Path(name).name, Path(name).parent.name)
    assert "etch" in caught.value.hint and str(home) in caught.value.hint
    assert not (tmp_path / "a.mp4").exists()


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("name", ["google/t5-v1_1-xxl/config.json", "google/t5-v1_1-xxl/spiece.model", "openai/clip-vit-large-patch14/vocab.json", "openai/clip-vit-large-patch14/merges.txt"])
@pytest.mark.parametrize("spoilt", [b"", b"<!doctype html>", b"[]", None])
def test_what_reads_texts_is_named_where_it_is_spoilt(name: str, spoilt: bytes | None, home: Path, presets: Presets, tmp_path: Path) -> None:
    (home / name).unlink()
    if spoilt is not None:
        (home / name).write_bytes(spoilt)
    told: list[Any] = []
    Engine(device="cpu").shoot_all([plans.Slate(wish(presets, home, seconds=0.3, steps=1), tmp_path / "a.mp4", idle, told.append)])
    assert isinstance(told[0], dict) or (isinstance(told[0], FilmError) and str(home) in told[0].hint)


def test_a_pickle_is_never_opened(home: Path, presets: Presets, tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
            return os.mkdir, (str(tmp_path / "sprung"),)

    for name in ("Open_Sora_v2.safetensors", "google/t5-v1_1-xxl/model.safetensors"):
        (home / name).unlink()
        (home / name).write_bytes(pickle.dumps(Trap()))
    readers = home / "google/t5-v1_1-xxl"
    (readers / "pytorch_model.bin").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(FilmError, match="pickle"):
        Engine(device="cpu").shoot(wish(presets, home), tmp_path / "a.mp4", idle)
    (readers / "model.safetensors").unlink()
    with pytest.raises(FilmError, match="t5-v1_1-xxl is here as a pickle only"):
        Engine(device="cpu").shoot(wish(presets, home), tmp_path / "a.mp4", idle)
    assert not (tmp_path / "sprung").exists()


# What is lacking


def test_weights_that_are_not_there_come_with_their_command_and_licence(presets: Presets, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    for name in ("open-sora-256", "open-sora-768"):
        told = str(Engine(device="cpu").lacks(presets.models[name]))
        assert f"reelwright fetch {name}" in told
        (source,) = Engine(device="cpu").sources(presets.models[name])
        assert source.repo == "hpcai-tech/Open-Sora-v2" and {"Open_Sora_v2.safetensors", "hunyuan_vae.safetensors", "google/t5-v1_1-xxl/*"} <= set(source.wanted)
        assert "Apache-2.0" in told and "South Korea" in told
    lone = replace(presets.models["open-sora-256"], revision="v2", options={"text_encoder": "some/t5"})
    model, text = Engine(device="cpu").sources(lone)
    assert (model.revision, text.repo) == ("v2", "some/t5") and not any("google/" in one for one in model.wanted)


def test_weights_are_found_where_the_hub_keeps_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    there = tmp_path / "models--some--one" / "snapshots" / ("a" * 40)
    there.mkdir(parents=True)
    (there / "x.safetensors").touch()
    (tmp_path / "models--some--one" / "refs").mkdir()
    (tmp_path / "models--some--one" / "refs" / "main").write_text("a" * 40, "utf-8")
    assert Source("some/one", "", ()).find("x.safetensors") == there / "x.safetensors"
    assert Source("some/one", "a" * 40, ()).find("x.safetensors") == there / "x.safetensors"
    assert Source("some/one", "b" * 40, ()).find("x.safetensors") is None
    with pytest.raises(FilmError, match=r"y\.safetensors is not on this machine"):
        Source("some/one", "", ("y.safetensors",)).path("y.safetensors")


def test_what_must_be_installed_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Engine(device="cpu").missing() is None
    monkeypatch.setattr(_gpu, "find_spec", lambda name: None if name in ("torch", "diffusers") else name)
    assert str(Engine().missing()).startswith("torch, diffusers are not installed: pip install torch")


def test_a_machine_without_a_gpu_is_told_what_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_gpu, "driver", lambda: False)
    assert "NVIDIA GPU with 12 GB" in str(Engine().missing())
    monkeypatch.setattr(_gpu, "driver", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(_gpu, "total", lambda device: 8 * _gpu.GIB)
    assert "GPU has 8 GB. It needs 12 GB" in str(Engine().missing())
    monkeypatch.setattr(_gpu, "total", lambda device: 12 * _gpu.GIB)
    assert Engine().missing() is None


def test_a_shot_of_nothing_is_refused(home: Path, engine: Engine, presets: Presets, tmp_path: Path) -> None:
    with pytest.raises(FilmError, match="neither a prompt nor a picture"):
        engine.shoot(wish(presets, home, prompt="  "), tmp_path / "a.mp4", idle)


# The file


def test_colours_come_through(tmp_path: Path) -> None:
    colours = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0), (128, 128, 128), (200, 120, 40)]
    pictures = [np.full((48, 80, 3), colour, np.uint8) for colour in colours]
    notes = _reel.write(pictures, 7, (80, 48), Fraction(24), tmp_path / "a.mp4", idle)
    assert notes == {"frames": 7, "rate": "24/1", "width": 80, "height": 48}
    told = b"".join(ffmpeg.read(["-f", "mov", "-i", tmp_path / "a.mp4", "-f", "rawvideo", "-pix_fmt", "yuv420p", "pipe:1"], 1 << 20))
    lumas = np.frombuffer(told, np.uint8).reshape(7, -1)[:, : 48 * 80].mean(1)
    bt709 = [16 + 219 * (0.2126 * r + 0.7152 * g + 0.0722 * b) / 255 for r, g, b in colours]
    assert np.abs(lumas - bt709).max() < 2


def test_a_picture_is_fitted(tmp_path: Path, still: Path) -> None:
    opened = _reel.opened(still)
    assert (opened.width, opened.height) == (120, 90)
    cover, stretched = opened.at((80, 40), stretch=False), opened.at((40, 40), stretch=True)
    assert cover.shape == (40, 80, 3) and cover[0, 0, 0] < 10 and cover[0, -1, 0] > 245
    assert stretched.shape == (40, 40, 3) and stretched[0, 0, 0] < 10 and stretched[0, -1, 0] > 245
    (tmp_path / "bad.png").write_bytes(b"no picture")
    with pytest.raises(FilmError, match="cannot be read"):
        _reel.opened(tmp_path / "bad.png")


def test_a_table_of_weights_says_its_shapes(tmp_path: Path) -> None:
    save_file({"a": torch.ones(2, 3), "b": torch.ones(4, dtype=torch.bfloat16)}, tmp_path / "x.safetensors")
    assert table(tmp_path / "x.safetensors", "") == {"a": (2, 3), "b": (4,)}


@pytest.mark.usefixtures("small")
def test_who_read_is_gone_before_room_is_made_for_the_network(home: Path, presets: Presets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is little room their layers come one by one, by hooks that hold them."""
    readers, held, read, room = list[weakref.ref[Any]](), list[bool](), machines.Readers, machines.room

    def reading(*given: Any) -> Any:
        made = read(*given)
        readers.append(weakref.ref(next(made._t5.parameters())))
        return made

    monkeypatch.setattr(machines, "Readers", reading)
    monkeypatch.setattr(machines, "room", lambda *given, **more: held.append(any(one() is not None for one in readers)) or room(*given, **more))
    monkeypatch.setattr(_gpu, "free", lambda *_: 20 * _gpu.GIB)
    gc.collect()
    gc.disable()
    try:
        Engine(device="cpu").shoot(wish(presets, home, 0.3, steps=1), tmp_path / "a.mp4", idle)
    finally:
        gc.enable()
    assert readers and held and not any(held)
