"""Every pipeline of diffusers' that the presets name, with a few random weights, in the folder that it is read from."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch

WIDE = 32  # of every reader


def letters(most: int = 64, **more: Any) -> Any:
    """A tokenizer that reads single letters, at most so many."""
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    known = ["<pad>", "</s>", "<unk>", *map(chr, range(97, 123))]
    made = Tokenizer(models.WordLevel({word: i for i, word in enumerate(known)}, unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    made.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return PreTrainedTokenizerFast(tokenizer_object=made, pad_token="<pad>", eos_token="</s>", unk_token="<unk>", model_max_length=most, **more)


def t5(kind: str = "T5") -> Any:
    import transformers

    config = getattr(transformers, f"{kind}Config")(vocab_size=400, d_model=WIDE, d_ff=32, d_kv=8, num_layers=1, num_heads=4)
    return getattr(transformers, f"{kind}EncoderModel")(config).eval()


def wan_vae(wide: int = 16) -> Any:
    from diffusers import AutoencoderKLWan

    more = {"latents_mean": [0.0] * wide, "latents_std": [1.0] * wide} if wide != 16 else {}
    return AutoencoderKLWan(base_dim=3, z_dim=wide, dim_mult=[1, 1, 1, 1], num_res_blocks=1, temperal_downsample=[False, True, True], **more)


def wan_net(kind: str = "WanTransformer3DModel", channels: int = 16, **more: Any) -> Any:
    import diffusers

    said = {"patch_size": (1, 2, 2), "num_attention_heads": 2, "attention_head_dim": 12, "out_channels": 16, "text_dim": WIDE, "freq_dim": 256}
    said |= {"ffn_dim": 32, "num_layers": 2, "cross_attn_norm": True, "qk_norm": "rms_norm_across_heads", "in_channels": channels}
    said |= {} if "Helios" in kind else {"rope_max_seq_len": 64}
    return getattr(diffusers, kind)(**(said | more))


def unipc() -> Any:
    from diffusers import UniPCMultistepScheduler

    return UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0)


def wan(**more: Any) -> Any:
    from diffusers import WanPipeline

    return WanPipeline(tokenizer=letters(), text_encoder=t5("UMT5"), vae=wan_vae(), scheduler=unipc(), **({"transformer": wan_net()} | more))


def wan_small() -> Any:
    """As 2.2 5B: a prompt or a picture for one network, which is told the time of each frame."""
    return wan(expand_timesteps=True)


def wan_two() -> Any:
    """As 2.2 A14B: one network for the rough, one for the fine."""
    return wan(transformer_2=wan_net(), boundary_ratio=0.875)


def wan_two_pictures() -> Any:
    from diffusers import WanImageToVideoPipeline

    parts = {"tokenizer": letters(), "text_encoder": t5("UMT5"), "vae": wan_vae(), "scheduler": unipc()}
    return WanImageToVideoPipeline(**parts, transformer=wan_net(channels=36), transformer_2=wan_net(channels=36), boundary_ratio=0.9)


def vace() -> Any:
    from diffusers import WanVACEPipeline

    net = wan_net("WanVACETransformer3DModel", vace_layers=[0, 1], vace_in_channels=96)
    return WanVACEPipeline(tokenizer=letters(), text_encoder=t5("UMT5"), vae=wan_vae(), scheduler=unipc(), transformer=net)


def skyreels() -> Any:
    from diffusers import SkyReelsV2DiffusionForcingPipeline

    net = wan_net("SkyReelsV2Transformer3DModel", inject_sample_info=False)
    return SkyReelsV2DiffusionForcingPipeline(tokenizer=letters(), text_encoder=t5("UMT5"), vae=wan_vae(), scheduler=unipc(), transformer=net)


def helios() -> Any:
    from diffusers import HeliosPyramidPipeline, HeliosScheduler

    net = wan_net(
        "HeliosTransformer3DModel", rope_dim=(4, 4, 4), has_multi_term_memory_patch=True, guidance_cross_attn=True,
        zero_history_timestep=True, is_amplify_history=False,
    )  # fmt: skip
    parts = {"tokenizer": letters(), "text_encoder": t5("UMT5"), "vae": wan_vae(), "transformer": net}
    return HeliosPyramidPipeline(**parts, scheduler=HeliosScheduler(stages=3, use_dynamic_shifting=False), is_distilled=False)


def ltx() -> Any:
    from diffusers import (
        AutoencoderKLLTXVideo,
        FlowMatchEulerDiscreteScheduler,
        LTXConditionPipeline,
        LTXVideoTransformer3DModel,
    )

    net = LTXVideoTransformer3DModel(
        in_channels=8, out_channels=8, num_attention_heads=4, attention_head_dim=8, cross_attention_dim=32, num_layers=1, caption_channels=WIDE
    )
    vae = AutoencoderKLLTXVideo(
        latent_channels=8, block_out_channels=(8,) * 4, decoder_block_out_channels=(8,) * 4, layers_per_block=(1,) * 5,
        decoder_layers_per_block=(1,) * 5, spatio_temporal_scaling=(True, True, True, False),
        decoder_spatio_temporal_scaling=(True, True, True, False), decoder_inject_noise=(False,) * 5, upsample_residual=(False,) * 4,
        upsample_factor=(1,) * 4, timestep_conditioning=False, patch_size=4, encoder_causal=True, decoder_causal=False,
    )  # fmt: skip
    return LTXConditionPipeline(scheduler=FlowMatchEulerDiscreteScheduler(), vae=vae, text_encoder=t5(), tokenizer=letters(), transformer=net)


def cogvideo(pictures: bool = False) -> Any:
    from diffusers import (
        AutoencoderKLCogVideoX,
        CogVideoXDDIMScheduler,
        CogVideoXImageToVideoPipeline,
        CogVideoXPipeline,
        CogVideoXTransformer3DModel,
    )

    net = CogVideoXTransformer3DModel(
        num_attention_heads=2, attention_head_dim=16, in_channels=8 if pictures else 4, out_channels=4, time_embed_dim=2, text_embed_dim=WIDE,
        num_layers=1, sample_width=8, sample_height=8, sample_frames=49 if pictures else 9, max_text_seq_length=226,
        use_rotary_positional_embeddings=pictures, use_learned_positional_embeddings=pictures,
    )  # fmt: skip
    vae = AutoencoderKLCogVideoX(
        down_block_types=("CogVideoXDownBlock3D",) * 4, up_block_types=("CogVideoXUpBlock3D",) * 4, block_out_channels=(8,) * 4,
        latent_channels=4, layers_per_block=1, norm_num_groups=2,
    )  # fmt: skip
    kind = CogVideoXImageToVideoPipeline if pictures else CogVideoXPipeline
    steps = CogVideoXDDIMScheduler(prediction_type="v_prediction", timestep_spacing="trailing")
    return kind(tokenizer=letters(), text_encoder=t5(), vae=vae, transformer=net, scheduler=steps)


def cogvideo_pictures() -> Any:
    return cogvideo(pictures=True)


def mochi() -> Any:
    from diffusers import AutoencoderKLMochi, FlowMatchEulerDiscreteScheduler, MochiPipeline, MochiTransformer3DModel

    net = MochiTransformer3DModel(
        num_attention_heads=2, attention_head_dim=8, num_layers=1, pooled_projection_dim=16, in_channels=12, text_embed_dim=WIDE,
        time_embed_dim=4, max_sequence_length=256,
    )  # fmt: skip
    vae = AutoencoderKLMochi(
        latent_channels=12, encoder_block_out_channels=(32,) * 4, decoder_block_out_channels=(32,) * 4, layers_per_block=(1,) * 5
    )
    parts = {"scheduler": FlowMatchEulerDiscreteScheduler(), "vae": vae, "text_encoder": t5(), "tokenizer": letters()}
    return MochiPipeline(**parts, transformer=net, force_zeros_for_empty_prompt=True)


CHAT = "{% for message in messages %}{{ message['content'] }}{% endfor %}"
ROPE = {"mrope_section": [1, 1, 2], "rope_type": "default", "rope_theta": 1000000.0}
QWEN = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 3, "num_attention_heads": 2, "num_key_value_heads": 2, "vocab_size": 64}


def hunyuan(pictures: bool = False) -> Any:
    from diffusers import (
        AutoencoderKLHunyuanVideo15,
        FlowMatchEulerDiscreteScheduler,
        HunyuanVideo15ImageToVideoPipeline,
        HunyuanVideo15Pipeline,
        HunyuanVideo15Transformer3DModel,
    )  # fmt: skip
    from diffusers.guiders import ClassifierFreeGuidance
    from transformers import (
        ByT5Tokenizer,
        Qwen2_5_VLTextConfig,
        Qwen2_5_VLTextModel,
        SiglipImageProcessorPil,
        SiglipVisionConfig,
        SiglipVisionModel,
    )

    net = HunyuanVideo15Transformer3DModel(
        in_channels=9, out_channels=4, num_attention_heads=2, attention_head_dim=8, num_layers=1, num_refiner_layers=1, mlp_ratio=2.0,
        text_embed_dim=16, text_embed_2_dim=WIDE, image_embed_dim=12, rope_axes_dim=(2, 2, 4), target_size=16,
        task_type="i2v" if pictures else "t2v",
    )  # fmt: skip
    vae = AutoencoderKLHunyuanVideo15(
        latent_channels=4, block_out_channels=(16, 16, 16), layers_per_block=1, spatial_compression_ratio=4, temporal_compression_ratio=4,
        downsample_match_channel=False, upsample_match_channel=False,
    )  # fmt: skip
    reader = Qwen2_5_VLTextModel(Qwen2_5_VLTextConfig(**QWEN, rope_parameters=ROPE, pad_token_id=0))
    parts = {"text_encoder": reader, "tokenizer": letters(chat_template=CHAT), "transformer": net, "vae": vae, "text_encoder_2": t5()}
    parts |= {"scheduler": FlowMatchEulerDiscreteScheduler(shift=7.0), "tokenizer_2": ByT5Tokenizer(), "guider": ClassifierFreeGuidance()}
    if not pictures:
        return HunyuanVideo15Pipeline(**parts)
    sight = SiglipVisionConfig(hidden_size=12, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2, image_size=32, patch_size=8)
    eyes = SiglipImageProcessorPil(size={"height": 32, "width": 32})
    return HunyuanVideo15ImageToVideoPipeline(**parts, image_encoder=SiglipVisionModel(sight), feature_extractor=eyes)


def hunyuan_pictures() -> Any:
    return hunyuan(pictures=True)


def kandinsky() -> Any:
    from diffusers import (
        AutoencoderKLHunyuanVideo,
        FlowMatchEulerDiscreteScheduler,
        Kandinsky5T2VPipeline,
        Kandinsky5Transformer3DModel,
    )
    from transformers import CLIPTextConfig, CLIPTextModel, Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    net = Kandinsky5Transformer3DModel(
        in_visual_dim=4, in_text_dim=16, in_text_dim2=WIDE, time_dim=32, out_visual_dim=4, model_dim=48, ff_dim=64, num_text_blocks=1,
        num_visual_blocks=1, axes_dims=(8, 8, 8), visual_cond=False,
    )  # fmt: skip
    vae = AutoencoderKLHunyuanVideo(latent_channels=4, block_out_channels=(8,) * 4, layers_per_block=1, norm_num_groups=4)
    sight = {"depth": 1, "hidden_size": 16, "intermediate_size": 16, "num_heads": 2, "out_hidden_size": 16}
    reader = Qwen2_5_VLForConditionalGeneration(Qwen2_5_VLConfig(text_config=QWEN | {"rope_parameters": ROPE}, vision_config=sight))
    clip = {"hidden_size": WIDE, "intermediate_size": 32, "num_attention_heads": 2, "num_hidden_layers": 1, "vocab_size": 64, "projection_dim": WIDE}
    parts = {"transformer": net, "vae": vae, "text_encoder": reader, "tokenizer": letters(), "text_encoder_2": CLIPTextModel(CLIPTextConfig(**clip))}
    return Kandinsky5T2VPipeline(**parts, tokenizer_2=letters(), scheduler=FlowMatchEulerDiscreteScheduler(shift=7.0))


def ltx2() -> Any:
    from diffusers import (
        AutoencoderKLLTX2Audio,
        AutoencoderKLLTX2Video,
        FlowMatchEulerDiscreteScheduler,
        LTX2ConditionPipeline,
        LTX2VideoTransformer3DModel,
    )  # fmt: skip
    from diffusers.pipelines.ltx2 import LTX2TextConnectors
    from diffusers.pipelines.ltx2.vocoder import LTX2Vocoder
    from transformers import Gemma3Config, Gemma3ForConditionalGeneration

    text = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1}
    text |= {"head_dim": 8, "vocab_size": 64}
    sight = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "image_size": 32, "patch_size": 8}
    reader = Gemma3ForConditionalGeneration(Gemma3Config(text_config=text, vision_config=sight, mm_tokens_per_image=4))
    net = LTX2VideoTransformer3DModel(
        in_channels=4, out_channels=4, num_attention_heads=2, attention_head_dim=8, cross_attention_dim=16, audio_in_channels=4,
        audio_out_channels=4, audio_num_attention_heads=2, audio_attention_head_dim=4, audio_cross_attention_dim=8, num_layers=2,
        caption_channels=16, rope_double_precision=False, rope_type="split",
    )  # fmt: skip
    told = {f"{kind}_connector_{name}": value for kind in ("video", "audio") for name, value in CONNECTOR.items()}
    connectors = LTX2TextConnectors(
        caption_channels=16, text_proj_in_factor=3, **told, connector_rope_base_seq_len=32, rope_theta=10000.0, rope_double_precision=False,
        causal_temporal_positioning=False, rope_type="split",
    )  # fmt: skip
    vae = AutoencoderKLLTX2Video(
        latent_channels=4, block_out_channels=(8,), decoder_block_out_channels=(8,), layers_per_block=(1,), decoder_layers_per_block=(1, 1),
        spatio_temporal_scaling=(True,), decoder_spatio_temporal_scaling=(True,), decoder_inject_noise=(False, False), downsample_type=("spatial",),
        upsample_residual=(False,), upsample_factor=(1,), timestep_conditioning=False, patch_size=1, patch_size_t=1, encoder_causal=True,
        decoder_causal=False,
    )  # fmt: skip
    hears = AutoencoderKLLTX2Audio(
        base_channels=4, output_channels=2, ch_mult=(1,), num_res_blocks=1, attn_resolutions=None, in_channels=2, resolution=32, latent_channels=2,
        norm_type="pixel", causality_axis="height", dropout=0.0, mid_block_add_attention=False, sample_rate=16000, mel_hop_length=160,
        is_causal=True, mel_bins=8,
    )  # fmt: skip
    speaks = LTX2Vocoder(
        in_channels=16, hidden_channels=32, out_channels=2, upsample_kernel_sizes=[4, 4], upsample_factors=[2, 2], resnet_kernel_sizes=[3],
        resnet_dilations=[[1, 3, 5]], output_sampling_rate=16000,
    )  # fmt: skip
    parts = {"scheduler": FlowMatchEulerDiscreteScheduler(), "vae": vae, "audio_vae": hears, "text_encoder": reader, "tokenizer": letters()}
    return LTX2ConditionPipeline(**parts, connectors=connectors, transformer=net, vocoder=speaks)


CONNECTOR = {"num_attention_heads": 4, "attention_head_dim": 4, "num_layers": 1, "num_learnable_registers": None}

FAMILIES: Mapping[str, Callable[[], Any]] = MappingProxyType(
    {
        "wan-1.3b": wan, "wan-5b": wan_small, "wan-14b": wan_two, "wan-14b-i2v": wan_two_pictures, "wan-vace-1.3b": vace,
        "skyreels": skyreels, "helios": helios, "ltx": ltx, "cogvideox-2b": cogvideo, "cogvideox-5b-i2v": cogvideo_pictures, "mochi": mochi,
        "hunyuan-1.5": hunyuan, "hunyuan-1.5-i2v": hunyuan_pictures, "kandinsky": kandinsky, "ltx-2.5": ltx2,
    }
)  # fmt: skip


def saved(name: str, folder: Path) -> Path:
    """The tiny one that stands for that preset."""
    torch.manual_seed(0)
    made = {**FAMILIES, **PAINTERS, **COMPOSERS, **UPSCALERS}[name]()
    made.save_pretrained(folder)
    assert json.loads((folder / "model_index.json").read_text("utf-8"))["_class_name"]
    return folder


# Painters


def clip_text(kind: str = "CLIPTextModel") -> Any:
    import transformers

    said = {"hidden_size": WIDE, "intermediate_size": 32, "num_attention_heads": 2, "num_hidden_layers": 2, "vocab_size": 64, "projection_dim": WIDE}
    return getattr(transformers, kind)(transformers.CLIPTextConfig(**said, bos_token_id=0, eos_token_id=1, pad_token_id=0))


def flat_vae(channels: int = 4, levels: int = 2) -> Any:
    from diffusers import AutoencoderKL

    down, up = ("DownEncoderBlock2D",) * levels, ("UpDecoderBlock2D",) * levels
    more = {"shift_factor": 0.1, "scaling_factor": 0.3}
    return AutoencoderKL(block_out_channels=(16,) * levels, down_block_types=down, up_block_types=up, latent_channels=channels, norm_num_groups=4, **more)


def flux() -> Any:
    from diffusers import FlowMatchEulerDiscreteScheduler, FluxPipeline, FluxTransformer2DModel

    net = FluxTransformer2DModel(
        in_channels=16, num_layers=1, num_single_layers=1, attention_head_dim=16, num_attention_heads=2, joint_attention_dim=WIDE,
        pooled_projection_dim=WIDE, axes_dims_rope=(4, 4, 8),
    )  # fmt: skip
    parts = {"scheduler": FlowMatchEulerDiscreteScheduler(), "vae": flat_vae(), "text_encoder": clip_text(), "tokenizer": letters()}
    return FluxPipeline(**parts, text_encoder_2=t5(), tokenizer_2=letters(), transformer=net)


def z_image() -> Any:
    from diffusers import FlowMatchEulerDiscreteScheduler, ZImagePipeline, ZImageTransformer2DModel
    from transformers import Qwen3Config, Qwen3Model

    net = ZImageTransformer2DModel(
        all_patch_size=(2,), all_f_patch_size=(1,), in_channels=16, dim=32, n_layers=1, n_refiner_layers=1, n_heads=2, n_kv_heads=2,
        cap_feat_dim=16, axes_dims=[8, 4, 4], axes_lens=[256, 32, 32],
    )  # fmt: skip
    reader = Qwen3Model(Qwen3Config(**QWEN, head_dim=8, bos_token_id=0, eos_token_id=1))
    steps = FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=False, shift=3.0)
    chat = CHAT + "{% if add_generation_prompt %}{% endif %}"
    return ZImagePipeline(scheduler=steps, vae=flat_vae(16), text_encoder=reader, tokenizer=letters(chat_template=chat), transformer=net)


def sdxl() -> Any:
    from diffusers import EulerDiscreteScheduler, StableDiffusionXLPipeline, UNet2DConditionModel

    net = UNet2DConditionModel(
        block_out_channels=(16, 32), layers_per_block=1, sample_size=8, norm_num_groups=4, down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"), attention_head_dim=(2, 4), use_linear_projection=True, addition_embed_type="text_time",
        addition_time_embed_dim=8, transformer_layers_per_block=(1, 1), projection_class_embeddings_input_dim=6 * 8 + WIDE, cross_attention_dim=2 * WIDE,
    )  # fmt: skip
    parts = {"vae": flat_vae(), "text_encoder": clip_text(), "text_encoder_2": clip_text("CLIPTextModelWithProjection"), "tokenizer": letters()}
    return StableDiffusionXLPipeline(**parts, tokenizer_2=letters(), unet=net, scheduler=EulerDiscreteScheduler())


def upscaler() -> Any:
    """Four times as large: it sees a picture and, beside it, noise."""
    from diffusers import DDIMScheduler, DDPMScheduler, StableDiffusionUpscalePipeline, UNet2DConditionModel

    net = UNet2DConditionModel(
        block_out_channels=(16, 32), layers_per_block=1, sample_size=8, norm_num_groups=4, in_channels=7, out_channels=4, num_class_embeds=1000,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"), up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"), attention_head_dim=4,
        cross_attention_dim=WIDE, only_cross_attention=(True, False),
    )  # fmt: skip
    parts = {"vae": flat_vae(levels=3), "text_encoder": clip_text(), "tokenizer": letters(), "unet": net, "low_res_scheduler": DDPMScheduler()}
    return StableDiffusionUpscalePipeline(**parts, scheduler=DDIMScheduler(), max_noise_level=350)


def latent_upscaler() -> Any:
    """Twice as large."""
    from diffusers import EulerDiscreteScheduler, StableDiffusionLatentUpscalePipeline, UNet2DConditionModel

    down, up = ("KDownBlock2D", *["KCrossAttnDownBlock2D"] * 3), (*["KCrossAttnUpBlock2D"] * 3, "KUpBlock2D")
    net = UNet2DConditionModel(
        act_fn="gelu", attention_head_dim=8, norm_num_groups=None, block_out_channels=(32, 32, 64, 64), time_cond_proj_dim=WIDE + 128, conv_in_kernel=1,
        conv_out_kernel=1, cross_attention_dim=WIDE, down_block_types=down, up_block_types=up, in_channels=8, out_channels=5, mid_block_type=None,
        only_cross_attention=False, resnet_time_scale_shift="scale_shift", time_embedding_type="fourier", timestep_post_act="gelu",
    )  # fmt: skip
    parts = {"vae": flat_vae(levels=4), "text_encoder": clip_text(), "tokenizer": letters(), "unet": net}
    return StableDiffusionLatentUpscalePipeline(**parts, scheduler=EulerDiscreteScheduler(prediction_type="sample"))


def ace_step() -> Any:
    """Two thousand samples a second, fifty steps of them."""
    from diffusers import AceStepPipeline, AutoencoderOobleck, FlowMatchEulerDiscreteScheduler
    from diffusers.models.transformers.ace_step_transformer import AceStepTransformer1DModel
    from diffusers.pipelines.ace_step import AceStepConditionEncoder
    from transformers import Qwen3Config, Qwen3Model

    same = {"hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8}
    net = AceStepTransformer1DModel(**same, num_hidden_layers=2, in_channels=24, audio_acoustic_hidden_dim=8, patch_size=2, sliding_window=16)
    reader = Qwen3Model(Qwen3Config(**same, num_hidden_layers=1, vocab_size=64, bos_token_id=0, eos_token_id=1))
    said = AceStepConditionEncoder(
        **same, text_hidden_dim=32, timbre_hidden_dim=8, num_lyric_encoder_hidden_layers=1, num_timbre_encoder_hidden_layers=1, sliding_window=16
    )
    vae = AutoencoderOobleck(
        encoder_hidden_size=6, downsampling_ratios=[5, 8], decoder_channels=4, decoder_input_channels=8, audio_channels=2, channel_multiples=[2, 4],
        sampling_rate=2000,
    )  # fmt: skip
    parts = {"vae": vae, "text_encoder": reader, "tokenizer": letters(512), "transformer": net, "condition_encoder": said}
    return AceStepPipeline(**parts, scheduler=FlowMatchEulerDiscreteScheduler(num_train_timesteps=1, shift=1.0))


PAINTERS: Mapping[str, Callable[[], Any]] = MappingProxyType({"flux-schnell": flux, "z-image": z_image, "sdxl": sdxl})
COMPOSERS: Mapping[str, Callable[[], Any]] = MappingProxyType({"ace-step": ace_step})
UPSCALERS: Mapping[str, Callable[[], Any]] = MappingProxyType({"sd-x4": upscaler, "sd-x2": latent_upscaler})
