"""Cases of bench_gpu for the models that are not ours: SVD beside diffusers' own pipeline, and Wan's step.

Random weights of the published sizes; each case yields what, reach, measured, and whether it was met.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import torch

from pipelines.clips import _svd_loop as loop
from pipelines.clips._svd_net import Savings, build
from pipelines.gear.gpu import attention
from pipelines.work import idle

Told = tuple[str, str, str, bool | None]
STEPS, FRAMES, SIZE = 25, 25, (1024, 576)
NEAR = 1.05  # two ways of rounding differ by so much in their errors' size


def drawn(make: Callable[[], Any], place: Any, kind: torch.dtype) -> Any:
    """A module on the device whose matrices are N(0, 0.02) and whose norms are as new; never zeros."""
    with torch.device("meta"):
        module = make()
    module = module.to_empty(device=place.device).to(kind).eval()
    long = getattr(module, "_keep_in_fp32_modules", None) or ()  # as from_pretrained leaves them
    random = torch.Generator(place.device).manual_seed(1)
    for name, tensor in [*module.named_parameters(), *module.named_buffers()]:
        if not tensor.is_floating_point():
            continue
        if any(word in name.split(".") for word in long):
            tensor.data = tensor.data.float()
        with torch.no_grad():
            if "norm" in name and name.endswith("weight"):
                tensor.fill_(1.0)
            else:
                tensor.copy_(torch.randn(tensor.shape, generator=random, device=place.device, dtype=torch.float32) * 0.02)
    return module


def svd_parts(place: Any, kind: torch.dtype) -> tuple[Any, Any]:
    """UNet and VAE; tiny ones are too small to measure anything."""
    from diffusers import AutoencoderKLTemporalDecoder, UNetSpatioTemporalConditionModel

    small: dict[str, Any] = {}
    if place.tiny:
        small = {"block_out_channels": (32, 64), "num_attention_heads": (2, 4), "cross_attention_dim": 32, "layers_per_block": 1}
        small |= {"down_block_types": ("CrossAttnDownBlockSpatioTemporal", "DownBlockSpatioTemporal"), "addition_time_embed_dim": 32}
        small |= {"up_block_types": ("UpBlockSpatioTemporal", "CrossAttnUpBlockSpatioTemporal"), "projection_class_embeddings_input_dim": 96}
    else:
        small = {"num_attention_heads": (5, 10, 20, 20)}
    wide = (32, 32, 32, 32) if place.tiny else (128, 256, 512, 512)
    unet = drawn(lambda: UNetSpatioTemporalConditionModel(**small), place, kind)
    vae = drawn(
        lambda: AutoencoderKLTemporalDecoder(
            down_block_types=("DownEncoderBlock2D",) * 4, block_out_channels=wide, layers_per_block=1 if place.tiny else 2, latent_channels=4
        ),
        place, kind,
    )  # fmt: skip
    for tensor in vae.parameters():  # as the engine has it
        tensor.data = tensor.data.contiguous(memory_format=torch.channels_last) if tensor.ndim == 4 else tensor.data
    return unet, vae


def scheduler() -> Any:
    from diffusers import EulerDiscreteScheduler

    return EulerDiscreteScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", prediction_type="v_prediction", sigma_min=0.002,
        sigma_max=700.0, steps_offset=1, timestep_spacing="leading", timestep_type="continuous", use_karras_sigmas=True,
    )  # fmt: skip


def literal(unet: Any, steps: int, start: torch.Tensor, picture: torch.Tensor, context: torch.Tensor) -> torch.Tensor:
    """The loop of diffusers' pipeline, over its own network and scheduler."""
    plan, frames, kind = scheduler(), start.shape[0], unet.dtype
    plan.set_timesteps(steps, device=start.device)
    x = (start * plan.init_noise_sigma)[None].to(kind)
    given = torch.cat([torch.zeros_like(picture), picture])[:, None].repeat(1, frames, 1, 1, 1).to(kind)
    rows = torch.cat([torch.zeros_like(context), context]).to(kind)
    said = torch.tensor([[6, 127, 0.02]] * 2, device=start.device, dtype=kind)
    pull = torch.linspace(1, 3, frames, device=start.device, dtype=kind)[None, :, None, None, None]
    for t in plan.timesteps:
        asked = torch.cat([plan.scale_model_input(torch.cat([x] * 2), t), given], dim=2)
        without, with_it = unet(asked, t, encoder_hidden_states=rows, added_time_ids=said, return_dict=False)[0].chunk(2)
        x = plan.step(without + pull * (with_it - without), t, x).prev_sample
    return x[0].float()


def kept_svd(place: Any) -> tuple[Any, Any, Any]:
    """Network, VAE, and the network as we run it; made once for all cases."""
    if "svd" not in place.kept:
        unet, vae = svd_parts(place, torch.float32 if place.tiny else torch.float16)
        place.kept["svd"] = unet, vae, build(unet, Savings(compiled=not place.tiny))
    return place.kept["svd"]  # type: ignore[no-any-return]


def tuned(place: Any, mode: str = "reduce-overhead") -> Any:
    """diffusers' network compiled as its page for this model has it, with channels last; made once for all cases."""
    if place.tiny:
        return kept_svd(place)[0]
    if f"tuned {mode}" not in place.kept:
        place.kept[f"tuned {mode}"] = torch.compile(deepcopy(kept_svd(place)[0]).to(memory_format=torch.channels_last), mode=mode)
    return place.kept[f"tuned {mode}"]


class Svd:
    """SVD-XT's clip, 25 frames and steps at 1024 x 576: the same beginning for every way to make it."""

    def __init__(self, place: Any) -> None:
        self.place = place
        self.unet, self.vae, self.net = kept_svd(place)
        self.steps, self.frames, (wide, high) = (2, 3, (64, 64)) if place.tiny else (STEPS, FRAMES, SIZE)
        random = torch.Generator(place.device).manual_seed(2)
        self.picture = torch.randn(1, 4, high // 8, wide // 8, generator=random, device=place.device)
        self.context = torch.randn(1, 1, self.unet.config.cross_attention_dim, generator=random, device=place.device)
        self.latents = torch.randn(self.frames, 4, high // 8, wide // 8, generator=random, device=place.device)
        self.start = torch.randn((self.frames, 4, high // 8, wide // 8), generator=torch.Generator().manual_seed(3)).to(place.device)

    def ours(self, net: Any, count: int) -> torch.Tensor:
        wish = loop.Wish(self.frames, 7, 127, 0.02, (1.0, 3.0))
        return loop.denoise(net, wish, loop.euler(scheduler(), count), self.context, self.picture, torch.Generator().manual_seed(3), idle)

    def theirs(self, unet: Any, count: int) -> torch.Tensor:
        return literal(unet, count, self.start, self.picture, self.context)


def svd(place: Any) -> Iterator[Told]:
    """Ours, diffusers as documented (B0), and as its page recommends (B1)."""
    one, some = Svd(place), 2
    plain = place.median(lambda: one.theirs(one.unet, one.steps), warm=lambda: one.theirs(one.unet, some))
    yield "SVD-XT denoising, 25 frames and steps: diffusers as documented (B0)", "", plain[1], None
    with attention(place.device):
        made = place.median(lambda: one.ours(one.net, one.steps), warm=lambda: one.ours(one.net, some))
        yield "the same: ours", "", made[1], None
        yield "ours / B0", ">= 1.6 x", f"{plain[0] / made[0]:.2f} x", plain[0] / made[0] >= 1.6
        show = place.median(lambda: [seen.add(1).mul(127.5).clamp(0, 255).byte().cpu() for seen in loop.decoded(one.vae, one.latents, one.frames, idle)])
        yield "decoding, 25 frames in one piece", "", show[1], None
        whole = made[0] + show[0]
        yield "latents to pictures, in all", "< 12 s (TensorRT on an H100 PCIe: 22.6 s)", f"{whole:.3g} s", whole < 12
        mine, theirs = one.ours(one.net, some), one.theirs(one.unet, some)
        with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):  # or it would be no longer than float16
            true = one.theirs(deepcopy(one.unet).float(), some)
        place.emptied()
        off = [float((each - true).norm() / true.norm()) for each in (mine, theirs)]
        yield f"error of latents against float32 after {some} steps, ours beside diffusers'", f"<= {NEAR} x", f"{off[0]:.2e} beside {off[1]:.2e}", None if place.tiny else off[0] <= NEAR * off[1]
        net = tuned(place)
        best = place.median(lambda: one.theirs(net, one.steps), warm=lambda: one.theirs(net, some))
        yield "denoising: diffusers with channels last, cuDNN attention, compiled (B1)", "", best[1], None
    yield "ours / B1", ">= 1.15 x", f"{best[0] / made[0]:.2f} x", best[0] / made[0] >= 1.15


def autotuned(place: Any) -> Iterator[Told]:
    """The same against diffusers compiled with max-autotune, which takes minutes to compile."""
    one = Svd(place)
    with attention(place.device):
        made = place.median(lambda: one.ours(one.net, one.steps), warm=lambda: one.ours(one.net, 2))
        net = tuned(place, "max-autotune-no-cudagraphs")
        best = place.median(lambda: one.theirs(net, one.steps), warm=lambda: one.theirs(net, 2))
    yield "SVD-XT denoising: diffusers with channels last, cuDNN attention, compiled with max-autotune", "", best[1], None
    yield "ours / that", ">= 1.15 x", f"{best[0] / made[0]:.2f} x", best[0] / made[0] >= 1.15


class Wan:
    """Wan 2.1 1.3 B, 480p, 81 frames: its network, its VAE, and what they are given."""

    steps = 50

    def __init__(self, place: Any) -> None:
        from diffusers import AutoencoderKLWan, WanTransformer3DModel

        small = {"num_attention_heads": 2, "attention_head_dim": 12, "num_layers": 1, "ffn_dim": 32, "text_dim": 32} if place.tiny else {}
        told: dict[str, Any] = small or {"num_attention_heads": 12, "attention_head_dim": 128, "num_layers": 30, "ffn_dim": 8960, "text_dim": 4096}
        self.net = drawn(lambda: WanTransformer3DModel(**told, in_channels=16, out_channels=16), place, place.kind)
        self.net.rope = type(self.net.rope)(told["attention_head_dim"], self.net.config.patch_size, self.net.config.rope_max_seq_len).to(place.device)
        self.vae = drawn(lambda: AutoencoderKLWan(**({"base_dim": 8, "num_res_blocks": 1} if place.tiny else {})), place, place.kind)
        random = torch.Generator(place.device).manual_seed(5)
        shape = (1, 16, 3, 8, 8) if place.tiny else (1, 16, 21, 60, 104)
        self.x = torch.randn(shape, generator=random, device=place.device, dtype=torch.float32)
        self.words = torch.randn(2, 1, 512, told["text_dim"], generator=random, device=place.device, dtype=torch.float32)
        self.when = torch.tensor([500], device=place.device)

    def step(self, net: Any) -> list[torch.Tensor]:
        """Both rows of a step, one after the other as the pipeline has them."""
        x, words = self.x.to(net.dtype), self.words.to(net.dtype)
        return [net(hidden_states=x, timestep=self.when, encoder_hidden_states=one, return_dict=False)[0] for one in words]

    def decode(self, vae: Any) -> torch.Tensor:
        made: torch.Tensor = vae.decode(self.x.to(vae.dtype), return_dict=False)[0]
        return made


def wan(place: Any) -> Iterator[Told]:
    """Wan 2.1: a step and the decoding as diffusers has them (B0), as its pages recommend (B1), and as we run them."""
    one = Wan(place)
    plain = place.median(lambda: one.step(one.net))
    yield "Wan 2.1 1.3 B, 480p, 81 frames: a step of two rows, diffusers as documented (B0)", "", plain[1], None
    show = place.median(lambda: one.decode(one.vae))
    yield "decoding, diffusers as documented", "", show[1], None
    true = torch.cat(one.step(deepcopy(one.net).float()))
    place.emptied()
    off = [float((torch.cat(one.step(one.net)).float() - true).norm() / true.norm())]
    tuned_net = deepcopy(one.net)
    if not place.tiny:
        one.net.compile_repeated_blocks(dynamic=False)
        tuned_net.compile_repeated_blocks(dynamic=False, fullgraph=True, mode="max-autotune-no-cudagraphs")
    with attention(place.device):
        ours = place.median(lambda: one.step(one.net))
        off.append(float((torch.cat(one.step(one.net)).float() - true).norm() / true.norm()))
    yield "a step as we run it", "", ours[1], None
    yield "its error against float32, beside diffusers'", f"<= {NEAR} x", f"{off[1]:.2e} beside {off[0]:.2e}", off[1] <= NEAR * off[0]
    last = deepcopy(one.vae)
    for part in last.modules():
        if isinstance(part, torch.nn.Conv3d):
            part.weight.data = part.weight.contiguous(memory_format=torch.channels_last_3d)
    with attention(place.device):
        shown = place.median(lambda: one.decode(last))
    yield "decoding with channels last (not what we run)", "", shown[1], None
    whole = [one.steps * step[0] + decoding[0] for step, decoding in ((plain, show), (ours, show))]
    yield f"{one.steps} steps and the decoding, reckoned: ours beside B0", "", f"{whole[1]:.3g} s beside {whole[0]:.3g} s: {whole[0] / whole[1]:.2f} x", None
    with attention(place.device):
        best = place.median(lambda: one.step(tuned_net))
    yield "a step of diffusers' with cuDNN attention, blocks compiled with max-autotune (B1)", "", best[1], None
    told = one.steps * best[0] + show[0]
    yield "ours / B1, the clip", ">= 1.1 x", f"{told / whole[1]:.2f} x", told / whole[1] >= 1.1
