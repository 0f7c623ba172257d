"""bench_gpu's case for MusicGen: a film's cues in one batch, as its engine plays them, beside one after the other.

Random weights of the published size; yields what, reach, measured, and whether it was met.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from pipelines.music import _musicgen_loop as loop
from pipelines.music import _musicgen_net as decoder
from pipelines.music import musicgen as engine
from pipelines.work import idle

Told = tuple[str, str, str, bool | None]
SECONDS, CUES, WARM = 30.0, 8, 2.0
NEAR = 1.05  # two ways of rounding differ by so much in their errors' size


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
    told, codec = engine.Options(), net.config.audio_encoder

    def alone(length: float) -> Any:
        steps = int(length * codec.frame_rate) + net.decoder.num_codebooks - 1
        return net.generate(**read([""]), max_new_tokens=steps, do_sample=True, guidance_scale=told.guidance, temperature=told.temperature, top_k=told.top_k)

    one = place.median(lambda: alone(seconds), warm=lambda: alone(warm))
    yield f"MusicGen large: one cue of {seconds:g} s through generate(), as its page has it", "", one[1], None
    mine, how = decoder.build(net, engine.savings(place.device)), loop.How(told.guidance, told.temperature, told.top_k)

    def ours(length: float, many: int) -> Any:
        frames = int(length * codec.frame_rate)
        pieces = [loop.Piece(frames, None, torch.Generator(place.device).manual_seed(i)) for i in range(many)]
        codes = loop.play(mine, loop.prompted(net, read, [""] * many), pieces, how, idle)
        return [loop.sounded(net, each, frames) for each in codes]

    film = place.median(lambda: ours(seconds, cues), warm=lambda: ours(warm, cues))
    yield f"{cues} cues of {seconds:g} s together, with their sound", "", film[1], None
    ratio = cues * one[0] / film[0]
    yield f"{cues} such, one after the other / ours", ">= 6 x", f"{ratio:.2f} x", ratio >= 6
    single = place.median(lambda: ours(seconds, 1), warm=lambda: ours(warm, 1))
    yield f"one cue of {seconds:g} s, ours", "", f"{single[1]}: {one[0] / single[0]:.2f} x", None
    off = errors(net, mine, read, place)
    yield "error of scores against float32, ours beside transformers'", f"<= {NEAR} x", f"{off[0]:.2e} beside {off[1]:.2e}", None if place.tiny else off[0] <= NEAR * off[1]


def errors(net: Any, mine: decoder.Net, read: Words, place: Any) -> tuple[float, float]:
    """How far scores of given codes are from those in float32, by the size of these: (ours step by step, transformers')."""
    said = loop.prompted(net, read, [""])
    books, steps = net.decoder.num_codebooks, 8 if place.tiny else 64
    codes = torch.randint(0, mine.vocab, (1, books, steps), generator=torch.Generator().manual_seed(2)).to(place.device)
    memory = decoder.remember(mine, 1, steps, said.words, said.heeded, None)
    made = []
    for i in range(steps):
        at = torch.tensor([i], device=place.device)
        made.append(decoder.heard(mine, memory, loop._codes(mine, codes[:, :, i : i + 1], 1), at, steps, mine.savings.compiled) @ mine.tops.T)
    scores = torch.cat(made, 1).unflatten(2, (books, mine.vocab)).transpose(1, 2)[0].double()

    def theirs(kind: torch.dtype) -> Any:
        net.decoder.to(kind)
        asked = net.decoder(input_ids=codes[0], encoder_hidden_states=said.words.to(kind), encoder_attention_mask=said.heeded, use_cache=False)
        return asked.logits.double()

    half = theirs(mine.tables.dtype)
    exact = theirs(torch.float32)  # last: what it is in memory is no longer ours
    size = exact.std()
    return float((scores - exact).std() / size), float((half - exact).std() / size)
