"""Small changes to a model that diffusers runs (LoRA): files of safetensors, several at once, each with its weight.

Knows a pipeline and no film.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from ..loras import Lora as Lora
from ..vault import digest
from ..work import FilmError
from .pipes import hushed
from .weights import Reading, Source, loading, table

if TYPE_CHECKING:
    from typing import Any

SAID = 400  # characters of trigger words


@loading()
def change(pipe: Any, before: tuple[Lora, ...], after: tuple[Lora, ...]) -> None:
    """Those on a pipeline that has these. FilmError if one is not for this model: it then has none."""
    if before:
        pipe.unload_lora_weights()
    put(pipe, after)


@loading()
def put(pipe: Any, loras: tuple[Lora, ...]) -> None:
    """Put those changes on a pipeline that has none. FilmError if one is not for this model: it then has none again."""
    if not loras:
        return
    if not hasattr(pipe, "load_lora_weights"):
        raise FilmError(f"{type(pipe).__name__} takes no LoRA files.", "Leave `loras` out of the model's options.", "loras")
    names = [f"lora_{i}" for i in range(len(loras))]
    try:
        for name, lora in zip(names, loras, strict=True):
            _load(pipe, name, lora)
        pipe.set_adapters(names, [lora.weight for lora in loras])
    except FilmError:
        pipe.unload_lora_weights()
        raise


def _load(pipe: Any, name: str, lora: Lora) -> None:
    path = found(lora)
    table(path, _fetch(lora))
    more = {"load_into_transformer_2": True} if lora.second else {}
    other = f"{path.name} is no LoRA for this model", "Choose one that was made for it.", path.name
    with Reading(*other), hushed():
        pipe.load_lora_weights(path.parent, weight_name=path.name, adapter_name=name, local_files_only=True, use_safetensors=True, **more)
    if name not in {one for kept in pipe.get_list_adapters().values() for one in kept}:
        raise FilmError(f"{other[0]}.", *other[1:])


def found(lora: Lora) -> Path:
    """Where its file lies; FilmError if it is not there."""
    if lora.repo:
        return source(lora).path(lora.file)
    path = Path(lora.file).expanduser()
    if not path.is_file():
        raise FilmError(f"The LoRA {path.name} is not on this machine.", f"Put it at {path}.", path.name)
    return path


def _fetch(lora: Lora) -> str:
    return source(lora).fetch if lora.repo else "from where it came."


def source(lora: Lora) -> Source:
    """Where one comes from that has a repository."""
    return Source(lora.repo, lora.revision, (lora.file,), lora.name)


def lacking(loras: tuple[Lora, ...]) -> str | None:
    """None, or which file is not on this machine, or what is needed for any."""
    from .gpu import packages

    for lora in loras:
        try:
            found(lora)
        except FilmError as error:
            return str(error)
    return packages("peft") if loras else None


def triggers(loras: tuple[Lora, ...]) -> str:
    """The words that wake them: as the preset says, else a text beside the file, else what the file itself says."""
    return ", ".join(one for one in map(_words, loras) if one)


def _words(lora: Lora) -> str:
    from safetensors import safe_open

    if lora.words:
        return lora.words
    path = found(lora)
    beside = path.with_suffix(".txt")
    if beside.is_file():
        return " ".join(beside.read_text("utf-8", "replace")[:SAID].split())
    table(path, _fetch(lora))
    with safe_open(path, framework="pt") as file:
        return " ".join((file.metadata() or {}).get("modelspec.trigger_phrase", "")[:SAID].split())


def contents(loras: tuple[Lora, ...]) -> list[object]:
    """What of them changes a picture."""
    return [[_digest(path, *_state(path)), lora.weight, *(["second"] if lora.second else [])] for lora, path in ((one, found(one)) for one in loras)]


def _state(path: Path) -> tuple[int, int]:
    told = path.stat()
    return told.st_size, told.st_mtime_ns


@lru_cache(64)
def _digest(path: Path, _size: int, _changed: int) -> str:
    """Read once for all scenes that load it: such files may be large."""
    return digest(path)
