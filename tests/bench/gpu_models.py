"""Cases of bench_gpu for the models that are not ours: SVD beside diffusers' own pipeline, Wan's step, MusicGen's cues.

Random weights of the published sizes; each case yields what, reach, measured, and whether it was met.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import torch

from pipelines.clips import _svd_loop as loop
from pipelines.clips._svd_net import Savings, build
from pipelines.work import idle

Told = tuple[str, str, str, bool | None]
STEPS, FRAMES, SIZE = 25, 25, (1024, 576)


def drawn(make: Callable[[], Any], place: Any, kind: torch.dtype) -> Any:
    """A module on the device whose matrices are N(0, 0.02) and whose norms are as new; never zeros."""
    with torch.device("meta"):
        module = make()
    module = module.to_empty(device=place.device).to(kind).eval()
    random = torch.Generator(place.device).manual_seed(1)
    for name, tensor in [*module.named_parameters(), *module.named_buffers()]:
        if not tensor.is_floating_point():
            continue
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


def svd(place: Any) -> Iterator[Told]:
    """SVD-XT, 25 frames and steps at 1024 x 576: ours, diffusers as documented (B0), and as it recommends (B1)."""
    kind = torch.float32 if place.tiny else torch.float16
    unet, vae = svd_parts(place, kind)
    steps, frames, (wide, high) = (2, 3, (64, 64)) if place.tiny else (STEPS, FRAMES, SIZE)
    width = unet.config.cross_attention_dim
    random = torch.Generator(place.device).manual_seed(2)
    picture = torch.randn(1, 4, high // 8, wide // 8, generator=random, device=place.device)
    context = torch.randn(1, 1, width, generator=random, device=place.device)
    wish = loop.Wish(frames, 7, 127, 0.02, (1.0, 3.0))
    start = torch.randn((frames, 4, high // 8, wide // 8), generator=torch.Generator().manual_seed(3)).to(place.device)

    def ours(net: Any, count: int) -> torch.Tensor:
        return loop.denoise(net, wish, loop.euler(scheduler(), count), context, picture, torch.Generator().manual_seed(3), idle)

    from torch.nn.attention import SDPBackend, sdpa_kernel

    plain = place.median(lambda: literal(unet, steps, start, picture, context))
    yield "SVD-XT denoising: diffusers as documented (B0)", "", plain[1], None
    net = build(unet, Savings(compiled=not place.tiny))
    kernels = [SDPBackend.CUDNN_ATTENTION, SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]
    with sdpa_kernel(kernels, set_priority=True):
        made = place.median(lambda: ours(net, steps))
        yield "SVD-XT denoising: ours", "", made[1], None
        tuned = unet
        if not place.tiny:
            tuned = torch.compile(unet.to(memory_format=torch.channels_last), mode="max-autotune-no-cudagraphs")
        best = place.median(lambda: literal(tuned, steps, start, picture, context))
        yield "SVD-XT denoising: diffusers with channels last, cuDNN attention, compiled (B1)", "", best[1], None
        some = 2
        mine, theirs = ours(net, some), literal(unet, some, start, picture, context)
    yield "ours / B1", ">= 1.15 x", f"{best[0] / made[0]:.2f} x", best[0] / made[0] >= 1.15
    yield "ours / B0", ">= 1.6 x", f"{plain[0] / made[0]:.2f} x", plain[0] / made[0] >= 1.6
    true = ours(build(unet.float(), replace(Savings(), last=False)), some)
    errors = [float((one - true).norm() / true.norm()) for one in (mine, theirs)]
    yield f"error of latents against float32 after {some} steps, ours beside diffusers'", "no larger", f"{errors[0]:.2e} beside {errors[1]:.2e}", errors[0] <= errors[1] * 1.1
    latents = torch.randn(frames, 4, high // 8, wide // 8, generator=random, device=place.device)
    show = place.median(lambda: [one.add(1).mul(127.5).clamp(0, 255).byte().cpu() for one in loop.decoded(vae, latents, frames, idle)])
    yield "SVD-XT decoding, 25 frames in one piece", "", show[1], None
    whole = made[0] + show[0]
    yield "SVD-XT latents to pictures, in all", "< 12 s (TensorRT on an H100 PCIe: 22.6 s)", f"{whole:.3g} s", whole < 12


def wan(place: Any) -> Iterator[Told]:
    """Wan 2.1 1.3 B, 480p, 81 frames: a step as diffusers has it, and with its blocks compiled, as we run it."""
    from diffusers import WanTransformer3DModel

    small = {"num_attention_heads": 2, "attention_head_dim": 12, "num_layers": 1, "ffn_dim": 32, "text_dim": 32} if place.tiny else {}
    large = {"num_attention_heads": 12, "attention_head_dim": 128, "num_layers": 30, "ffn_dim": 8960, "text_dim": 4096}
    told: dict[str, Any] = small or large
    net = drawn(lambda: WanTransformer3DModel(**told, in_channels=16, out_channels=16), place, place.kind)
    net.rope = type(net.rope)(told["attention_head_dim"], net.config.patch_size, net.config.rope_max_seq_len).to(place.device)
    shape = (1, 16, 3, 8, 8) if place.tiny else (1, 16, 21, 60, 104)
    x = torch.randn(shape, device=place.device, dtype=place.kind)
    words = torch.randn(1, 512, told["text_dim"], device=place.device, dtype=place.kind)
    when = torch.tensor([500], device=place.device)

    def step() -> Any:
        return [net(hidden_states=x, timestep=when, encoder_hidden_states=words, return_dict=False) for _ in range(2)]

    plain = place.median(step)
    yield "Wan 2.1 1.3 B, 480p, 81 frames: a step of two rows, diffusers as documented", "", plain[1], None
    if not place.tiny:
        net.compile_repeated_blocks(dynamic=False)
    ours = place.median(step)
    yield "the same as we run it", ">= 1.1 x", f"{ours[1]}: {plain[0] / ours[0]:.2f} x", plain[0] / ours[0] >= 1.1


def musicgen(place: Any) -> Iterator[Told]:
    """MusicGen large, eight cues: in one batch with a static cache, beside one after the other through generate()."""
    from transformers import (
        EncodecConfig,
        MusicgenConfig,
        MusicgenDecoderConfig,
        MusicgenForConditionalGeneration,
        T5Config,
    )

    wide = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 4, "ffn_dim": 64} if place.tiny else {}
    wide = wide or {"hidden_size": 2048, "num_hidden_layers": 48, "num_attention_heads": 32, "ffn_dim": 8192}
    text = {"d_model": 32, "d_ff": 32, "num_layers": 1, "num_heads": 2} if place.tiny else {"d_model": 768, "d_ff": 3072, "num_layers": 12, "num_heads": 12}
    sound = {"sampling_rate": 32000, "upsampling_ratios": [8, 5, 4, 4], "target_bandwidths": [2.2], "codebook_size": 2048, "audio_channels": 1}
    sound |= {"num_filters": 4, "hidden_size": 16, "codebook_dim": 16} if place.tiny else {"num_filters": 64, "hidden_size": 128, "codebook_dim": 128}
    config = MusicgenConfig(
        text_encoder=T5Config(**text).to_dict() | {"model_type": "t5"}, audio_encoder=EncodecConfig(**sound).to_dict() | {"model_type": "encodec"},
        decoder=MusicgenDecoderConfig(**wide).to_dict(),
    )  # fmt: skip
    torch.manual_seed(1)
    with torch.device(place.device):
        kept, _ = torch.get_default_dtype(), torch.set_default_dtype(torch.float32 if place.tiny else torch.float16)
        try:
            net: Any = MusicgenForConditionalGeneration(config).eval()
        finally:
            torch.set_default_dtype(kept)
    said = net.generation_config
    said.decoder_start_token_id = said.pad_token_id = said.bos_token_id = 2048
    seconds, cues = (0.2, 2) if place.tiny else (10.0, 8)
    ids = torch.randint(3, 30_000, (cues, 12), device=place.device)

    def play(rows: torch.Tensor, **more: Any) -> Any:
        return net.generate(
            input_ids=rows, attention_mask=torch.ones_like(rows), max_new_tokens=int(seconds * 50) + 3, do_sample=True, guidance_scale=3.0, **more
        )

    alone = place.median(lambda: play(ids[:1]), 1)
    yield f"MusicGen large: one cue of {seconds:g} s through generate()", "", alone[1], None
    together = place.median(lambda: play(ids, **({} if place.tiny else {"cache_implementation": "static"})), 1)
    yield f"{cues} cues in one batch", "", together[1], None
    ratio = cues * alone[0] / together[0]
    yield f"{cues} such, one after the other / ours", ">= 6 x", f"{ratio:.2f} x", ratio >= 6


CASES: dict[str, Callable[[Any], Iterator[Told]]] = {"svd": svd, "wan": wan, "musicgen": musicgen}
