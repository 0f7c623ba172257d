"""bench_gpu's case for MusicGen: a film's cues in one batch, as its engine plays them, beside one after the other.

Random weights of the published size; yields what, reach, measured, and whether it was met.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from pipelines.music import musicgen as engine
from pipelines.work import idle

Told = tuple[str, str, str, bool | None]
SECONDS, CUES, WARM = 30.0, 8, 2.0


class Words:
    """A tokenizer that says the same of every text."""

    def __init__(self, device: torch.device) -> None:
        self._device = device

    def __call__(self, words: list[str], **_: object) -> Any:
        from transformers import BatchEncoding

        ids = torch.randint(3, 30_000, (len(words), 12), generator=torch.Generator().manual_seed(1)).to(self._device)
        return BatchEncoding({"input_ids": ids, "attention_mask": torch.ones_like(ids)})


def network(place: Any) -> Any:
    """MusicGen large, 3.3 B."""
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
            made: Any = MusicgenForConditionalGeneration(config).eval()
        finally:
            torch.set_default_dtype(kept)
    said = made.generation_config
    said.decoder_start_token_id = said.pad_token_id = said.bos_token_id = 2048
    return made


def musicgen(place: Any) -> Iterator[Told]:
    """Eight cues of half a minute: as the engine plays a film's, beside one after the other through generate()."""
    net, read = network(place), Words(place.device)
    seconds, cues, warm = (0.2, 2, 0.1) if place.tiny else (SECONDS, CUES, WARM)
    how = engine.Options()

    def alone(length: float) -> Any:
        steps = int(length * net.config.audio_encoder.frame_rate) + net.decoder.num_codebooks - 1
        return net.generate(**read([""]), max_new_tokens=steps, do_sample=True, guidance_scale=how.guidance, temperature=how.temperature, top_k=how.top_k)

    one = place.median(lambda: alone(seconds), 1, warm=lambda: alone(warm))
    yield f"MusicGen large: one cue of {seconds:g} s through generate(), once", "", one[1], None
    ours = place.median(lambda: engine._window(net, read, [""] * cues, seconds, how, None, idle), 1)
    yield f"{cues} cues of {seconds:g} s in one batch, once", "", ours[1], None
    ratio = cues * one[0] / ours[0]
    yield f"{cues} such, one after the other / ours", ">= 6 x", f"{ratio:.2f} x", ratio >= 6
