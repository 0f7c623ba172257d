"""What audiocraft asks for at import and never uses while it plays: xformers and torchaudio, where there are none.

Their wheels are tied to versions of torch that are years old. Whatever would really need them says so.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any


def stand_in() -> None:
    """Put them in place; those that can be imported stay as they are."""
    import torch

    _remembered()
    if not _there("xformers"):
        _put("xformers.ops", unbind=torch.unbind, memory_efficient_attention=_attention, LowerTriangularMask=type("LowerTriangularMask", (), {}))
    if not _there("torchaudio"):
        lacking = type("Lacking", (torch.nn.Module,), {"__init__": _refuse})
        _put("torchaudio.transforms", **dict.fromkeys(("Spectrogram", "MelSpectrogram", "Loudness"), lacking))


def _remembered() -> None:
    """The libraries that look for these packages, and keep what they found, look before anything is put there: what
    would then be imported of it is more than there is."""
    with suppress(ImportError):
        from transformers.utils.import_utils import is_torchaudio_available

        is_torchaudio_available()
    with suppress(ImportError):
        importlib.import_module("diffusers.utils.import_utils")


@contextmanager
def offline() -> Iterator[None]:
    """Within it nothing is fetched: audiocraft asks the hub for its reader by name, and takes what lies here."""
    from huggingface_hub import constants

    before = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before


def _there(name: str) -> bool:
    try:
        importlib.import_module(name)
    except (ImportError, OSError):  # it may be there for another torch
        for known in [one for one in sys.modules if one.split(".")[0] == name]:
            del sys.modules[known]
        return False
    return True


def _put(name: str, **held: Any) -> None:
    above: ModuleType | None = None
    for step in range(len(name.split("."))):
        full = ".".join(name.split(".")[: step + 1])
        made = ModuleType(full)
        made.__spec__, made.__path__ = ModuleSpec(full, None, is_package=True), []
        sys.modules[full] = made
        if above is not None:
            setattr(above, full.rpartition(".")[2], made)
        above = made
    for key, value in held.items():
        setattr(above, key, value)


def _attention(q: Any, k: Any, v: Any, attn_bias: Any = None, p: float = 0.0) -> Any:
    """(batch, tokens, heads, width), as xformers has it."""
    import torch

    mask, causal = (attn_bias, False) if torch.is_tensor(attn_bias) else (None, attn_bias is not None)
    q, k, v = (one.transpose(1, 2) for one in (q, k, v))
    return torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=p, is_causal=causal).transpose(1, 2)


def _refuse(*_given: Any, **_named: Any) -> None:
    raise RuntimeError("this part of audiocraft needs torchaudio")
