"""Stable Video Diffusion's network as plain functions over its tensors, with nothing computed twice.

Exact savings, each of which can be left out: a picture is one token to every cross-attention, so what that gives is
one vector a layer and clip; what no step changes is computed before the first; a convolution in time alone is a flat
one over frames and places. Takes its weights from diffusers' UNet; knows no schedule and no picture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    Weights = Mapping[str, Tensor]

SHAPES = 64  # variants of a block that may be compiled: this network has some thirty


@dataclass(frozen=True, slots=True)
class Savings:
    """fold: cross-attention as one vector. once: constants before the first step. flat: time as flat convolutions.
    joined: queries, keys and values as one product. last: channels last in memory. compiled: blocks as kernels."""

    fold: bool = True
    once: bool = True
    flat: bool = True
    joined: bool = True
    last: bool = True
    compiled: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    """One residual block (`heads` 0) or one transformer: its weights, and the small number in its norms."""

    weights: Weights
    heads: int
    eps: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Stage:
    """One level of the way down, the middle or the way up."""

    blocks: tuple[tuple[Block, Block | None], ...]
    resize: Weights | None


@dataclass(frozen=True)
class Net:
    """The network on its device."""

    head: Weights
    down: tuple[Stage, ...]
    middle: Stage
    up: tuple[Stage, ...]
    channels: int  # of the first level
    added: int  # numbers for each of the three that are said of a clip
    eps: float
    savings: Savings
    dtype: torch.dtype

    def blocks(self) -> Iterator[Block]:
        """In the order in which they work."""
        for stage in (*self.down, self.middle, *self.up):
            for res, mix in stage.blocks:
                yield res
                if mix:
                    yield mix


@dataclass(frozen=True)
class Known:
    """What each block is told, in their order. times: for each step, (rows, channels) of a residual block's two halves.
    fixed: a transformer's frame positions, and what each layer's two cross-attentions give, or are to look at."""

    times: list[list[tuple[Tensor, Tensor]]]
    fixed: list[tuple[Tensor, list[tuple[Tensor, Tensor]]]]


def build(unet: Any, savings: Savings) -> Net:
    """From diffusers' UNetSpatioTemporalConditionModel, on whatever device that is. The two share their tensors."""
    import torch

    def tensors(module: Any, prefix: str = "") -> dict[str, Tensor]:
        found = {prefix + name: tensor.detach() for name, tensor in module.state_dict().items()}
        if savings.last:
            return {name: one.to(memory_format=torch.channels_last) if one.ndim == 4 else one for name, one in found.items()}
        return found

    def res(module: Any) -> Block:
        weights = tensors(module)
        weights["share"] = torch.sigmoid(weights.pop("time_mixer.mix_factor"))
        if savings.flat:
            for name in [name for name, one in weights.items() if one.ndim == 5]:
                weights[name] = weights[name].squeeze(-1)
                if savings.last:
                    weights[name] = weights[name].to(memory_format=torch.channels_last)
        both = module.spatial_res_block, module.temporal_res_block
        return Block(weights, 0, tuple(norm.eps for one in both for norm in (one.norm1, one.norm2)))

    def mix(module: Any) -> Block:
        weights = tensors(module)
        weights["share"] = torch.sigmoid(weights.pop("time_mixer.mix_factor"))
        if savings.joined:
            for name in [name for name in weights if name.endswith("attn1.to_q.weight")]:
                stem = name.removesuffix("to_q.weight")
                weights[stem + "qkv"] = torch.cat([weights.pop(f"{stem}to_{one}.weight") for one in "qkv"])
        return Block(weights, module.transformer_blocks[0].attn1.heads, (module.norm.eps, module.transformer_blocks[0].norm1.eps))

    def stage(module: Any, resize: str) -> Stage:
        mixes = list(getattr(module, "attentions", []))
        pairs = [(res(one), mix(mixes[i]) if i < len(mixes) else None) for i, one in enumerate(module.resnets)]
        resizers = getattr(module, resize, None)
        return Stage(tuple(pairs), tensors(resizers[0].conv) if resizers else None)

    first, *rest = unet.mid_block.resnets
    pairs = [(res(first), mix(unet.mid_block.attentions[0])), *((res(one), None) for one in rest)]
    names = ("conv_in", "conv_out", "conv_norm_out", "time_embedding", "add_embedding")
    head = {key: one for name in names for key, one in tensors(getattr(unet, name), name + ".").items()}
    return Net(
        head, tuple(stage(one, "downsamplers") for one in unet.down_blocks), Stage(tuple(pairs), None),
        tuple(stage(one, "upsamplers") for one in unet.up_blocks), unet.config.block_out_channels[0],
        unet.config.addition_time_embed_dim, unet.conv_norm_out.eps, savings, unet.dtype,
    )  # fmt: skip


def tell(net: Net, times: Tensor, context: Tensor, added: Tensor, frames: int) -> Known:
    """times: (steps,); context: (rows, 1, width), what is seen in the picture; added: (rows, 3), said of the clip."""
    from torch.nn import functional as F

    rows = context.shape[0]
    said = _waves(added.flatten(), net.added).reshape(rows, -1).to(net.dtype)
    said = _small(net.head, "add_embedding.", said)
    each = F.silu(_small(net.head, "time_embedding.", _waves(times, net.channels).to(net.dtype))[:, None] + said)
    told, fixed = list[list[tuple[Any, Any]]]([] for _ in range(len(times))), []
    for block in net.blocks():
        w = block.weights
        if block.heads:
            fixed.append((_places(w, frames, net.dtype), [_looked(w, i, context, net.savings.fold) for i in range(_layers(w))]))
            continue
        halves = [_linear(w, f"{half}_res_block.time_emb_proj", each) for half in ("spatial", "temporal")]
        for step, both in enumerate(zip(*halves, strict=True)):
            told[step].append(both)
    return Known(told, fixed)


def predict(net: Net, x: Tensor, known: Known, step: int, frames: int) -> Tensor:
    """x: (rows * frames, channels, height, width) -> the same with as many channels as a latent has."""
    import torch
    from torch.nn import functional as F

    res, mix = (_compiled(_res), _compiled(_mix)) if net.savings.compiled else (_res, _mix)
    if net.savings.compiled:  # a thread's own setting, and each film has threads of its own
        torch._dynamo.config.recompile_limit = max(torch._dynamo.config.recompile_limit, SHAPES)
    times, fixed = iter(known.times[step]), iter(known.fixed)

    def both(pair: tuple[Block, Block | None], x: Tensor) -> Tensor:
        x = res(pair[0].weights, pair[0].eps, x, *next(times), frames, net.savings.flat)
        if pair[1]:
            places, looked = next(fixed)
            x = mix(pair[1].weights, pair[1].eps, pair[1].heads, x, places, looked, frames, net.savings.fold)
        return x

    if net.savings.last:
        x = x.contiguous(memory_format=torch.channels_last)
    x = F.conv2d(x, net.head["conv_in.weight"], net.head["conv_in.bias"], padding=1)
    kept = [x]
    for stage in net.down:
        for pair in stage.blocks:
            x = both(pair, x)
            kept.append(x)
        if stage.resize:
            x = F.conv2d(x, stage.resize["weight"], stage.resize["bias"], stride=2, padding=1)
            kept.append(x)
    for pair in net.middle.blocks:
        x = both(pair, x)
    for stage in net.up:
        for pair in stage.blocks:
            x = both(pair, torch.cat([x, kept.pop()], dim=1))
        if stage.resize:
            x = F.interpolate(x, size=kept[-1].shape[-2:], mode="nearest")
            x = F.conv2d(x, stage.resize["weight"], stage.resize["bias"], padding=1)
    x = F.silu(_norm(net.head, "conv_norm_out", x, net.eps))
    return F.conv2d(x, net.head["conv_out.weight"], net.head["conv_out.bias"], padding=1)


def _res(w: Weights, eps: tuple[float, ...], x: Tensor, here: Tensor, then: Tensor, frames: int, flat: bool) -> Tensor:
    """A residual block in space, then one in time, blended. here, then: (rows, channels), what the step says to each."""
    from torch.nn import functional as F

    half = "spatial_res_block."
    y = F.silu(_norm(w, half + "norm1", x, eps[0]))
    y = F.conv2d(y, w[half + "conv1.weight"], w[half + "conv1.bias"], padding=1)
    y = y + here.repeat_interleave(frames, 0)[:, :, None, None]
    y = F.silu(_norm(w, half + "norm2", y, eps[1]))
    y = F.conv2d(y, w[half + "conv2.weight"], w[half + "conv2.bias"], padding=1)
    if half + "conv_shortcut.weight" in w:
        x = F.conv2d(x, w[half + "conv_shortcut.weight"], w[half + "conv_shortcut.bias"])
    x = x + y
    high, wide = x.shape[-2:]
    timed = x.unflatten(0, (-1, frames)).transpose(1, 2)  # (rows, channels, frames, height, width)
    timed = timed.flatten(3) if flat else timed  # in channels last this, too, is only another view
    half = "temporal_res_block."
    z = _along(w, half + "conv1", F.silu(_norm(w, half + "norm1", timed, eps[2])))
    z = z + then.view(*then.shape, *(1,) * (z.ndim - 2))
    z = _along(w, half + "conv2", F.silu(_norm(w, half + "norm2", z, eps[3]))) + timed
    out: Tensor = (w["share"] * timed + (1 - w["share"]) * z).transpose(1, 2)
    out = out.flatten(0, 1)
    return out.unflatten(2, (high, wide)) if flat else out


def _along(w: Weights, name: str, x: Tensor) -> Tensor:
    """A convolution over three frames."""
    from torch.nn import functional as F

    weight, bias = w[name + ".weight"], w[name + ".bias"]
    return F.conv2d(x, weight, bias, padding=(1, 0)) if weight.ndim == 4 else F.conv3d(x, weight, bias, padding=(1, 0, 0))


def _mix(
    w: Weights, eps: tuple[float, ...], heads: int, x: Tensor, places: Tensor, looked: list[tuple[Tensor, Tensor]], frames: int, fold: bool
) -> Tensor:
    """A transformer over each frame's places, then over each place's frames, blended."""
    high, wide = x.shape[-2:]
    h = _norm(w, "norm", x, eps[0]).permute(0, 2, 3, 1).flatten(1, 2)
    h = _linear(w, "proj_in", h)
    rows, area = h.shape[0] // frames, high * wide
    for i, (here, then) in enumerate(looked):
        half = f"transformer_blocks.{i}."
        h = h + _self(w, half, _layer(w, half + "norm1", h, eps[1]), heads)
        h = h + (here.repeat_interleave(frames, 0) if fold else _cross(w, half, h, here.repeat_interleave(frames, 0), heads, eps[1]))
        h = h + _forward(w, half + "ff", _layer(w, half + "norm3", h, eps[1]))
        half = f"temporal_transformer_blocks.{i}."
        m = (h + places.repeat(rows, 1)[:, None]).unflatten(0, (rows, frames)).transpose(1, 2).flatten(0, 1)  # (rows * area, frames, width)
        m = m + _forward(w, half + "ff_in", _layer(w, half + "norm_in", m, eps[1]))
        m = m + _self(w, half, _layer(w, half + "norm1", m, eps[1]), heads)
        m = m + (then.repeat_interleave(area, 0) if fold else _cross(w, half, m, then.repeat_interleave(area, 0), heads, eps[1]))
        m = m + _forward(w, half + "ff", _layer(w, half + "norm3", m, eps[1]))
        m = m.unflatten(0, (rows, area)).transpose(1, 2).flatten(0, 1)
        h = w["share"] * h + (1 - w["share"]) * m
    out: Tensor = _linear(w, "proj_out", h).unflatten(1, (high, wide))
    return out.permute(0, 3, 1, 2) + x


def _self(w: Weights, half: str, x: Tensor, heads: int) -> Tensor:
    from torch.nn import functional as F

    if half + "attn1.qkv" in w:
        q, k, v = F.linear(x, w[half + "attn1.qkv"]).chunk(3, -1)
    else:
        q, k, v = (F.linear(x, w[f"{half}attn1.to_{one}.weight"]) for one in "qkv")
    return _attend(w, half + "attn1.to_out.0", q, k, v, heads)


def _cross(w: Weights, half: str, x: Tensor, seen: Tensor, heads: int, eps: float) -> Tensor:
    from torch.nn import functional as F

    q = F.linear(_layer(w, half + "norm2", x, eps), w[half + "attn2.to_q.weight"])
    k, v = (F.linear(seen, w[f"{half}attn2.to_{one}.weight"]) for one in "kv")
    return _attend(w, half + "attn2.to_out.0", q, k, v, heads)


def _attend(w: Weights, out: str, q: Tensor, k: Tensor, v: Tensor, heads: int) -> Tensor:
    from torch.nn import functional as F

    parted = (one.unflatten(-1, (heads, -1)).transpose(1, 2) for one in (q, k, v))
    return _linear(w, out, F.scaled_dot_product_attention(*parted).transpose(1, 2).flatten(2))


def _forward(w: Weights, name: str, x: Tensor) -> Tensor:
    from torch.nn import functional as F

    value, gate = _linear(w, name + ".net.0.proj", x).chunk(2, -1)
    return _linear(w, name + ".net.2", value * F.gelu(gate))


def _looked(w: Weights, i: int, context: Tensor, fold: bool) -> tuple[Tensor, Tensor]:
    """What a layer's two cross-attentions give: with one key every weight is 1, whoever asks. (rows, 1, width)."""
    from torch.nn import functional as F

    halves = (f"transformer_blocks.{i}.attn2.", f"temporal_transformer_blocks.{i}.attn2.")
    if not fold:
        return context, context
    here, then = (_linear(w, half + "to_out.0", F.linear(context, w[half + "to_v.weight"])) for half in halves)
    return here, then


def _places(w: Weights, frames: int, dtype: torch.dtype) -> Tensor:
    """Which frame is which, to a transformer in time: (frames, width)."""
    import torch

    count = torch.arange(frames, device=w["norm.weight"].device)
    return _small(w, "time_pos_embed.", _waves(count, w["time_pos_embed.linear_1.weight"].shape[1]).to(dtype))


def _layers(w: Weights) -> int:
    return sum(name.startswith("transformer_blocks.") and name.endswith(".norm1.weight") for name in w)


def _waves(numbers: Tensor, width: int) -> Tensor:
    """Numbers as cosines and sines of falling pitch, (count, width) in float32."""
    import torch

    half = width // 2
    pitch = torch.exp(-torch.log(torch.tensor(10000.0)) * torch.arange(half, dtype=torch.float32) / half).to(numbers.device)
    turns = numbers[:, None].float() * pitch[None]
    return torch.cat([turns.cos(), turns.sin()], dim=-1)


def _small(w: Weights, name: str, x: Tensor) -> Tensor:
    from torch.nn import functional as F

    return _linear(w, name + "linear_2", F.silu(_linear(w, name + "linear_1", x)))


def _linear(w: Weights, name: str, x: Tensor) -> Tensor:
    from torch.nn import functional as F

    return F.linear(x, w[name + ".weight"], w.get(name + ".bias"))


def _norm(w: Weights, name: str, x: Tensor, eps: float) -> Tensor:
    from torch.nn import functional as F

    return F.group_norm(x, 32, w[name + ".weight"], w[name + ".bias"], eps)


def _layer(w: Weights, name: str, x: Tensor, eps: float) -> Tensor:
    from torch.nn import functional as F

    return F.layer_norm(x, x.shape[-1:], w[name + ".weight"], w[name + ".bias"], eps)


@cache
def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    import torch

    return torch.compile(function, dynamic=False)
