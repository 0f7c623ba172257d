"""Open-Sora 2.0's two readers: T5 tells every word, CLIP the whole. Knows no prompt rules.

T5's words are cut by sentencepiece from the model's own file, as it was trained.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..gear.weights import Reading, loading, parts
from ..work import FilmError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

WORDS, PHRASE = 512, 77  # tokens that each is given, filled up to
END, FILL = 1, 0  # T5's


class Readers:
    """Both, loaded. `streamed`: T5's layers come to the device one by one, where it has no room for all."""

    def __init__(self, t5: Path, clip: Path, fetch: str, device: torch.device, kind: torch.dtype, streamed: bool) -> None:
        from sentencepiece import SentencePieceProcessor
        from transformers import CLIPTextModel, CLIPTokenizer, T5EncoderModel

        self._device, self._fetch = device, fetch
        with Reading("spiece.model cannot be read", f"Fetch it anew: {fetch}", "spiece.model"):
            self._pieces = SentencePieceProcessor(model_file=str(t5 / "spiece.model"))
        self._t5 = _loaded(T5EncoderModel, t5, kind, fetch)
        self._clip = _loaded(CLIPTextModel, clip, kind, fetch).to(device)
        with Reading(f"{clip.name} cuts no texts", f"Fetch it anew: {fetch}", clip.name):
            self._cut: Any = CLIPTokenizer.from_pretrained(str(clip), local_files_only=True)
            self._cut(["a"], truncation=True, max_length=PHRASE, padding="max_length", return_tensors="pt")
        if streamed:
            from diffusers.hooks.group_offloading import apply_group_offloading

            fast = device.type == "cuda"
            apply_group_offloading(self._t5, device, offload_type="leaf_level", use_stream=fast, low_cpu_mem_usage=fast)
        else:
            self._t5.to(device)

    def read(self, text: str) -> tuple[Tensor, Tensor]:
        """-> every word (1, 512, width), and the whole (1, width). FilmError if a reader's settings do not go together."""
        import torch

        ids = [*self._pieces.encode(text)[: WORDS - 1], END]
        words = torch.tensor([ids + [FILL] * (WORDS - len(ids))], device=self._device)
        cut = self._cut([text], truncation=True, max_length=PHRASE, padding="max_length", return_tensors="pt")
        with Reading("The prompt cannot be read", f"If every scene says so, fetch it anew: {self._fetch}", "prompt", why=True, files=False):
            said = self._t5(input_ids=words, attention_mask=None).last_hidden_state
            whole = self._clip(input_ids=cut["input_ids"].to(self._device)).pooler_output
        return said, whole


def _loaded(kind_of: Any, folder: Path, kind: torch.dtype, fetch: str) -> Any:
    """A transformers model from a folder; FilmError unless every weight was there."""
    parts(folder, fetch)
    with Reading(f"{folder.name} cannot be read as {kind_of.__name__}", f"Fetch it anew: {fetch}", folder.name), loading():
        model, told = kind_of.from_pretrained(
            str(folder), dtype=kind, local_files_only=True, use_safetensors=True, output_loading_info=True
        )
    if lacking := sorted(told["missing_keys"]):
        said = f"{folder.name} is of another model: it lacks {lacking[0]}"
        raise FilmError(said + (f" and {len(lacking) - 1} more." if lacking[1:] else "."), f"Fetch the right one: {fetch}", folder.name)
    return model.requires_grad_(False).eval()
