"""The Hunyuan video VAE as diffusers has it, under the names of Open-Sora's checkpoint: frames to latents and back.

Both have the same names, so nothing is renamed. Three things are ours, and change no result: its attention goes frame by
frame over what came before, where diffusers writes out a mask of all pairs (gigabytes for a long clip); a whole clip is
one piece in time, as Open-Sora trained it, in overlapping squares of 256 pixels; and the decoder's convolutions, which
look back two frames and never ahead, take a long clip some frames at a time, or their numbers would be more than many
kernels can count (2^31). Knows no file and no film.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    Shapes = Mapping[str, tuple[int, ...]]

TIMES = 4  # frames of a clip for one of the latents, but for the first
SIDE = 8  # pixels for one of the latents
TILE = 256  # pixels: larger pictures are worked on in such squares
SCALING = 0.476986
MOST = 1 << 28  # numbers that a convolution is given at once


def empty(shapes: Shapes) -> Any:
    """A VAE without weights, of the measures that a checkpoint's shapes tell; KeyError if it is of another kind."""
    import torch
    from diffusers import AutoencoderKLHunyuanVideo
    from diffusers.models.autoencoders.autoencoder_kl_hunyuan_video import (
        HunyuanVideoCausalConv3d,
        HunyuanVideoUpsampleCausal3D,
    )

    widths: list[int] = []
    layers = 0
    while (first := f"encoder.down_blocks.{len(widths)}.resnets.0.conv1.conv.weight") in shapes:
        widths.append(shapes[first][0])
    while f"encoder.down_blocks.0.resnets.{layers}.norm1.weight" in shapes:
        layers += 1
    with torch.device("meta"):
        vae: Any = AutoencoderKLHunyuanVideo(
            latent_channels=shapes["decoder.conv_in.conv.weight"][1],
            down_block_types=("HunyuanVideoDownBlock3D",) * len(widths),
            up_block_types=("HunyuanVideoUpBlock3D",) * len(widths),
            block_out_channels=tuple(widths),
            layers_per_block=layers,
        )
    vae.enable_tiling()
    whole(vae, True)
    for half in (vae.encoder, vae.decoder):
        half.mid_block.forward = partial(_middle, half.mid_block)
    ways: dict[Any, Any] = {HunyuanVideoUpsampleCausal3D: _larger, HunyuanVideoCausalConv3d: _along}
    for module in vae.decoder.modules():
        if way := ways.get(type(module)):
            module.forward = partial(way, module)
    return vae.requires_grad_(False).eval()


def whole(vae: Any, wanted: bool) -> None:
    """Whether a clip is one piece in time. In several pieces it takes far less memory, and differs a little where they
    meet."""
    vae.use_framewise_encoding = vae.use_framewise_decoding = not wanted


def into(vae: Any, device: torch.device, kind: torch.dtype) -> Any:
    """The same VAE there, in that kind of number."""
    from torch.nn import Module

    return Module.to(vae, device, kind)  # diffusers' own would warn of parts that this one does not have


def encode(vae: Any, frames: Tensor) -> Tensor:
    """(1, 3, 4k + 1, height, width), -1..1 -> latents (1, 16, k + 1, height / 8, width / 8): the likeliest ones."""
    latents: Tensor = vae.encode(frames.to(vae.dtype)).latent_dist.mode()
    return SCALING * latents.float()


def decode(vae: Any, latents: Tensor) -> Tensor:
    """The reverse; a little outside of -1..1 here and there."""
    frames: Tensor = vae.decode((latents / SCALING).to(vae.dtype), return_dict=False)[0]
    return frames


def _along(conv: Any, x: Tensor) -> Tensor:
    """A convolution that looks back; x (1, channels, frames, height, width)."""
    return _some(conv, x.shape[2], x[0, :, 0].numel(), lambda start, end: x[:, :, start:end])


def _larger(up: Any, x: Tensor) -> Tensor:
    """Each picture larger, and each but the first as often as is asked, then the convolution."""
    import torch
    from torch.nn.functional import interpolate

    times, *sides = (int(one) for one in up.upsample_factor)

    def some(start: int, end: int) -> Tensor:
        these = (torch.arange(start, end, device=x.device) + times - 1) // times
        flat = x[:, :, these].transpose(1, 2).flatten(0, 1)
        return interpolate(flat, scale_factor=tuple(map(float, sides)), mode="nearest").transpose(0, 1)[None]

    return _some(up.conv, 1 + times * (x.shape[2] - 1), x[0, :, 0].numel() * sides[0] * sides[1], some)


def _some(conv: Any, frames: int, each: int, given: Callable[[int, int], Tensor]) -> Tensor:
    """What the convolution makes of so many frames of `each` numbers, some at a time. given: those from one to another."""
    import torch
    from torch.nn.functional import pad

    *sides, before, _ = conv.time_causal_padding
    many = max(before + 1, MOST // each)
    out = []
    for start in range(0, frames, many):
        x = given(max(0, start - before), min(frames, start + many))
        out.append(conv.conv(pad(x, (*sides, 0 if start else before, 0), mode=conv.pad_mode)))
    return out[0] if len(out) == 1 else torch.cat(out, 2)


def _middle(block: Any, x: Tensor) -> Tensor:
    x = block.resnets[0](x)
    for attention, resnet in zip(block.attentions, block.resnets[1:], strict=True):
        x = resnet(_seen(attention, x))
    return x


def _seen(attention: Any, x: Tensor) -> Tensor:
    """Every place looks at its own frame and those before it; x (1, channels, frames, height, width)."""
    import torch
    from torch.nn.functional import scaled_dot_product_attention

    places = x.shape[3] * x.shape[4]
    flat = attention.group_norm(x.flatten(2)).transpose(1, 2)
    q, k, v = (layer(flat)[:, None] for layer in (attention.to_q, attention.to_k, attention.to_v))
    ends = range(places, flat.shape[1] + 1, places)
    out = [scaled_dot_product_attention(q[:, :, end - places : end], k[:, :, :end], v[:, :, :end]) for end in ends]
    done: Tensor = attention.to_out[0](torch.cat(out, dim=2)[:, 0])
    return x + done.transpose(1, 2).reshape(x.shape)
