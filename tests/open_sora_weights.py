"""Open-Sora's four parts with random weights, as the folder that its repository is."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file

from pipelines.clips._open_sora_net import Design, shapes
from pipelines.gear.weights import quiet

TINY = Design(width=128, heads=1, doubles=1, singles=2, text=32, pooled=32, mlp=256)
Sizes = Mapping[str, tuple[int, ...]]


def draw(sizes: Sizes, names: Iterable[str] | None = None, device: str = "cpu", kind: torch.dtype = torch.float32) -> dict[str, torch.Tensor]:
    """Tensors that a signal goes through without dying or exploding; never zeros. The same for the same names."""
    out = {}
    for name in names or sizes:
        size = sizes[name]
        random = torch.Generator(device).manual_seed(sum(map(ord, name)) + len(name))
        tensor = torch.randn(size, generator=random, device=device, dtype=kind)
        if name.endswith("scale") or ("norm" in name and name.endswith("weight")):
            out[name] = 1 + 0.1 * tensor
        else:
            inputs = tensor[0].numel() if tensor.ndim > 1 else 1
            out[name] = tensor * (inputs**-0.5 if tensor.ndim > 1 else 0.02)
    return out


def vae_sizes() -> Sizes:
    """A Hunyuan VAE's as small as it can be."""
    from diffusers import AutoencoderKLHunyuanVideo

    with torch.device("meta"):
        vae = AutoencoderKLHunyuanVideo(block_out_channels=(32, 32, 32, 32), layers_per_block=1)
    return {name: tuple(tensor.shape) for name, tensor in vae.state_dict().items()}


def folder(at: Path, design: Design = TINY) -> Path:
    """Everything that the repository has, tiny."""
    at.mkdir(parents=True, exist_ok=True)
    save_file(draw(shapes(design)), at / "Open_Sora_v2.safetensors")
    save_file(draw(vae_sizes()), at / "hunyuan_vae.safetensors")
    readers(at, design.text, design.pooled)
    return at


def readers(at: Path, wide: int, pooled: int) -> None:
    """T5 and CLIP with their tokenizers."""
    from sentencepiece import SentencePieceTrainer
    from transformers import CLIPTextConfig, CLIPTextModel, T5Config, T5EncoderModel

    t5, clip = at / "google/t5-v1_1-xxl", at / "openai/clip-vit-large-patch14"
    for one in (t5, clip):
        one.mkdir(parents=True)
    said = ["A calm sea under the moon. Camera: slow zoom in. 24 FPS. 4 motion score."] * 30
    SentencePieceTrainer.train(
        sentence_iterator=iter(said), model_prefix=str(t5 / "spiece"), vocab_size=50, hard_vocab_limit=False,
        pad_id=0, eos_id=1, unk_id=2, bos_id=-1, minloglevel=2,
    )  # fmt: skip
    letters = [chr(code) for code in range(33, 127)]
    tokens = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    (clip / "vocab.json").write_text(json.dumps({token: i for i, token in enumerate(tokens)}), "utf-8")
    (clip / "merges.txt").write_text("#version: 0.2\n", "utf-8")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        torch_t5 = T5EncoderModel(T5Config(vocab_size=64, d_model=wide, d_kv=8, d_ff=32, num_layers=2, num_heads=4))
        many = len(tokens)
        small = CLIPTextConfig(vocab_size=many, hidden_size=pooled, intermediate_size=32, num_hidden_layers=1, num_attention_heads=4, bos_token_id=many - 2, eos_token_id=many - 1)
        torch_clip = CLIPTextModel(small)
    with quiet():
        torch_t5.save_pretrained(t5)
        torch_clip.save_pretrained(clip)
