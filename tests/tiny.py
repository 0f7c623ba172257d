"""Models with a few random weights, in the folders that their libraries read: what a real one is, but for its size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

SEEN = 224  # pixels: what Stable Video Diffusion's reader sees


def shaken(module: Any, seed: int) -> Any:
    """With numbers where a new module has only ones and zeros, so that nothing is skipped unseen."""
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in module.named_parameters():
            if tensor.ndim < 2 or "mix_factor" in name:
                tensor += 0.2 * torch.randn(tensor.shape, generator=random)
    return module


def svd(folder: Path) -> Path:
    """A StableVideoDiffusionPipeline. Two levels, one that looks at the picture and one that does not."""
    from diffusers import (
        AutoencoderKLTemporalDecoder,
        EulerDiscreteScheduler,
        StableVideoDiffusionPipeline,
        UNetSpatioTemporalConditionModel,
    )
    from transformers import CLIPImageProcessorPil, CLIPVisionConfig, CLIPVisionModelWithProjection

    torch.manual_seed(0)
    unet = UNetSpatioTemporalConditionModel(
        block_out_channels=(32, 64), layers_per_block=1, sample_size=8, cross_attention_dim=32, num_attention_heads=(2, 4),
        down_block_types=("CrossAttnDownBlockSpatioTemporal", "DownBlockSpatioTemporal"),
        up_block_types=("UpBlockSpatioTemporal", "CrossAttnUpBlockSpatioTemporal"),
        projection_class_embeddings_input_dim=96, addition_time_embed_dim=32, num_frames=4,
    )  # fmt: skip
    vae = AutoencoderKLTemporalDecoder(
        block_out_channels=(32, 32, 32, 32), down_block_types=("DownEncoderBlock2D",) * 4, layers_per_block=1, latent_channels=4
    )
    size = {"hidden_size": 32, "projection_dim": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    encoder = CLIPVisionModelWithProjection(CLIPVisionConfig(image_size=SEEN, patch_size=32, **size))
    scheduler = EulerDiscreteScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", prediction_type="v_prediction", sigma_min=0.002,
        sigma_max=700.0, steps_offset=1, timestep_spacing="leading", timestep_type="continuous", use_karras_sigmas=True,
    )  # fmt: skip
    parts = {"vae": shaken(vae, 1), "image_encoder": encoder, "unet": shaken(unet, 2), "scheduler": scheduler}
    pipe = StableVideoDiffusionPipeline(**parts, feature_extractor=CLIPImageProcessorPil(crop_size=SEEN, size=SEEN))
    pipe.save_pretrained(folder)
    return folder


def picture(path: Path, size: tuple[int, int] = (96, 64), seed: int = 0) -> Path:
    """Soft and colourful."""
    rough = np.random.default_rng(seed).integers(0, 255, (6, 9, 3), np.uint8)
    Image.fromarray(rough).resize(size, Image.Resampling.BICUBIC).save(path)
    return path


def musicgen(folder: Path, *, melody: bool = False, stereo: bool = False) -> Path:
    """A MusicGen that plays 50 steps a second in 32 kHz, as the real ones do."""
    from transformers import (
        EncodecConfig,
        EncodecModel,
        MusicgenConfig,
        MusicgenDecoderConfig,
        MusicgenForConditionalGeneration,
        MusicgenMelodyConfig,
        MusicgenMelodyDecoderConfig,
        MusicgenMelodyForConditionalGeneration,
        T5Config,
    )

    from .tiny_films import letters

    torch.manual_seed(0)
    sound = EncodecConfig(
        sampling_rate=32000, upsampling_ratios=[8, 5, 4, 4], num_filters=4, hidden_size=16, codebook_size=64, codebook_dim=16,
        target_bandwidths=[1.2], num_lstm_layers=1, audio_channels=1, normalize=False, use_causal_conv=False,
    )  # fmt: skip
    books = EncodecModel(sound).quantizer.get_num_quantizers_for_bandwidth(1.2)
    text = T5Config(vocab_size=64, d_model=16, d_ff=32, d_kv=8, num_layers=1, num_heads=2)
    decoder: dict[str, Any] = (MusicgenMelodyDecoderConfig if melody else MusicgenDecoderConfig)(
        vocab_size=64, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, ffn_dim=64, num_codebooks=books * (1 + stereo),
        audio_channels=1 + stereo, pad_token_id=64, bos_token_id=64, decoder_start_token_id=64, initializer_factor=0.2,
    ).to_dict()  # fmt: skip
    parts: dict[str, Any] = {"text_encoder": text.to_dict() | {"model_type": "t5"}, "audio_encoder": sound.to_dict() | {"model_type": "encodec"}}
    network: Any = (
        MusicgenMelodyForConditionalGeneration(MusicgenMelodyConfig(**parts, decoder=decoder, chroma_length=7))
        if melody else MusicgenForConditionalGeneration(MusicgenConfig(**parts, decoder=decoder))
    )  # fmt: skip
    for name, tensor in network.audio_encoder.named_buffers():
        if name.endswith(".embed"):  # zeros in a new one: every sound would be the same
            tensor.normal_()
    said = network.generation_config
    said.decoder_start_token_id = said.pad_token_id = said.bos_token_id = 64
    network.save_pretrained(folder)
    letters(512).save_pretrained(folder)
    return folder
