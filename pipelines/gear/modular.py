"""diffusers' modular pipelines, called as its plain ones are: newer models come as such only.

What a pipeline is made of are the blocks that diffusers itself brings: no code of a repository is ever run, and nothing
is taken from another repository. It stays on its device as a whole. Knows no model.
"""

from __future__ import annotations

import inspect
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ..work import FilmError

INDEX = "modular_model_index.json"


def is_modular(kind: Any) -> bool:
    """Whether that class of diffusers' is one."""
    return any(one.__name__ == "ModularPipeline" for one in getattr(kind, "__mro__", ()))


def asks(pipe: Any) -> Collection[str]:
    """The names of what a pipeline can be called with, modular or plain."""
    if isinstance(pipe, Called):
        return {one.name for one in pipe.blocks.inputs if one.name}
    return inspect.signature(type(pipe).__call__).parameters


class Called:
    """A modular pipeline as a plain one: a call gives `frames`, its bar is that of its loops."""

    def __init__(self, pipe: Any) -> None:
        vars(self)["whole"] = pipe

    def __getattr__(self, name: str) -> Any:
        return getattr(vars(self)["whole"], name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(vars(self)["whole"], name, value)

    def __call__(self, **given: Any) -> Any:
        for block in _within(self._blocks):  # what it shows as `blocks` is a copy
            if hasattr(block, "progress_bar") and hasattr(self, "progress_bar"):
                block.progress_bar = self.progress_bar
        return SimpleNamespace(frames=vars(self)["whole"](output="videos", **given))


def load(kind: Any, folder: Path, given: Mapping[str, Any], fetch: str) -> Called:
    """One of that class from its folder. given: `torch_dtype` and `variant`, as plain ones take them. FilmError if a
    part is lacking."""
    own = {"pretrained_model_name_or_path": str(folder), "local_files_only": True}
    pipe = kind(**own)
    more = {"dtype": given["torch_dtype"], "use_safetensors": True, "trust_remote_code": False}
    pipe.load_components(**own, **more, **{name: one for name, one in given.items() if name == "variant"})
    if lost := [name for name in pipe.pretrained_component_names if getattr(pipe, name, None) is None]:
        raise FilmError(f"{lost[0]} is not whole on this machine.", fetch, lost[0])
    return Called(pipe)


def _within(block: Any) -> Iterator[Any]:
    for one in getattr(block, "sub_blocks", {}).values():
        yield one
        yield from _within(one)
