"""Weights on this machine: where a model's files lie, and whether each is what it says before anything reads it.

A branch may move: the commit that a repository's was at when its weights were first used here is kept beside them, as a
ref of the hub's cache, and used ever after. Only safetensors are opened: a table of names and shapes, then plain numbers, so reading one runs nothing. A file is
measured first: one that is cut short, or something else under that name, is said by name with the command that
fetches it anew. Never fetches anything itself; knows no model.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

from ..work import FilmError
from .gpu import full

if TYPE_CHECKING:
    from torch import Tensor

    Shapes = Mapping[str, tuple[int, ...]]

ZIP, PICKLE = b"PK\x03\x04", b"\x80"  # torch.save, new and old; a table's length may begin as the old one, but it ends in zeros
LONGEST = 100_000_000  # bytes of a table: as much as the format allows
FULL = re.compile(r"[0-9a-f]{40}")  # a commit's name, which never means another
KEPT = "reelwright"  # the folder of our refs in a repository's cache
BITS = {"F64": 64, "F32": 32, "F16": 16, "BF16": 16, "F8_E4M3": 8, "F8_E5M2": 8, "I64": 64, "I32": 32, "I16": 16, "I8": 8, "U8": 8, "BOOL": 8}


@dataclass(frozen=True, slots=True)
class Source:
    """A repository of weights: `repo` is its name on the hub, or a folder; `wanted` are the files that are needed, or
    patterns such as `encoder/*`. name: what is fetched with them, if it has one; variant: of a pipeline's weights;
    bare: its parts of which the config alone is read."""

    repo: str
    revision: str
    wanted: tuple[str, ...]
    name: str = field(default="", compare=False)
    variant: str = field(default="", compare=False)
    bare: tuple[str, ...] = field(default=(), compare=False)

    @property
    def local(self) -> Path | None:
        """The folder, if it is one."""
        hub = re.fullmatch(r"[\w-][\w.-]*/[\w-][\w.-]*", self.repo)
        return None if hub else Path(self.repo).expanduser()

    @property
    def fetch(self) -> str:
        """How to have what is wanted."""
        if self.local:
            return f"Put {', '.join(self.wanted)} into {self.local}."
        if self.name:
            return f"reelwright fetch {shlex.quote(self.name)}"
        revision = self.commit or self.revision
        given = ["hf", "download", self.repo, *(["--revision", revision] if revision else [])]
        return shlex.join([*given, *(word for name in self.wanted for word in ("--include", name))])

    def find(self, name: str) -> Path | None:
        """Where that file lies; None if it is not on this machine."""
        if self.local:
            path = self.local / name
            return path if path.is_file() else None
        from huggingface_hub.constants import HF_HUB_CACHE

        if not self._cache.is_dir():
            return None  # the hub's own library takes a while to load, and mostly there is nothing to ask it for
        from huggingface_hub import try_to_load_from_cache

        commit = self.commit
        found = try_to_load_from_cache(self.repo, name, cache_dir=HF_HUB_CACHE, revision=commit or self._now or self.revision or None)
        if not isinstance(found, str):
            return None
        if not commit and self._now:
            self.keep(self._now)
        return Path(found)

    @property
    def commit(self) -> str:
        """The one that is used: as asked for, or else the one that was kept; "" where nothing was used yet, and for a
        folder."""
        if self.local:
            return ""
        return self.revision if FULL.fullmatch(self.revision) else _read(self._cache / "refs" / KEPT / self._branch)

    @property
    def changing(self) -> list[str]:
        """What a recipe holds beside repository and revision: the commit, where those may come to mean another."""
        if self.local or FULL.fullmatch(self.revision):
            return []
        return [commit] if (commit := self.commit or self._now) else []

    @property
    def _branch(self) -> str:
        return self.revision if re.fullmatch(r"\w[\w.-]*", self.revision) else "main"

    @property
    def _now(self) -> str:
        """Where the branch is, by what was fetched last."""
        return _read(self._cache / "refs" / self._branch)

    @property
    def _cache(self) -> Path:
        from huggingface_hub.constants import HF_HUB_CACHE

        return Path(HF_HUB_CACHE, "models--" + self.repo.replace("/", "--"))

    def keep(self, commit: str) -> None:
        """Stay with that commit; as a ref, so that whoever tidies the cache leaves it there."""
        file = self._cache / "refs" / KEPT / self._branch
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("x", encoding="utf-8") as kept:
                kept.write(commit)
        except OSError:
            pass  # another process was sooner, or the cache is not ours to write to

    def path(self, name: str) -> Path:
        """The same; FilmError if it is not there."""
        if found := self.find(name):
            return found
        raise FilmError(f"{name} is not on this machine.", self.fetch, name)


def _read(ref: Path) -> str:
    """The commit in a ref; "" if there is none."""
    try:
        text = ref.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""
    return text if FULL.fullmatch(text) else ""


UNUSABLE = (
    ValueError, KeyError, TypeError, RuntimeError, AttributeError, IndexError, ArithmeticError, AssertionError, ImportError,
)  # what libraries raise over spoilt parts and options, and over packages that a part names  # fmt: skip
THEIRS = ("jinja2.", "huggingface_hub.", "safetensors.")  # whose own kinds of errors are children of Exception alone


class Reading:
    """Use it in a `with` in which libraries read a model's files, or work with them: what they cannot becomes a
    FilmError. Memory that runs out stays what it is. why: whether the library's own words are told; files: whether any are
    read."""

    def __init__(self, said: str, hint: str, where: str = "", *, why: bool = False, files: bool = True) -> None:
        self._said, self._hint, self._where, self._why = said, hint, where, why
        self._bad = (OSError, *UNUSABLE) if files else UNUSABLE

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        odd = kind is Exception or (kind is not None and kind.__module__.startswith(THEIRS))  # tokenizers raise the bare one
        if odd or isinstance(error, self._bad):
            if isinstance(error, RuntimeError) and isinstance(error, full()):
                return
            told = f": {' '.join(str(error).split())[:200]}" if self._why else "."
            raise FilmError(self._said + told, self._hint, self._where) from error


def table(path: Path, fetch: str) -> dict[str, tuple[int, ...]]:
    """Name and shape of every tensor in a safetensors file; FilmError if it is none, or not whole."""

    def bad(why: str) -> FilmError:
        return FilmError(f"{path.name} {why}.", f"Delete it and fetch it anew: {fetch}", path.name)

    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(8)
        length = int.from_bytes(head, "little")
        if head.startswith(ZIP) or (head.startswith(PICKLE) and length > LONGEST):
            raise bad("is a pickle under another name: opening it could run any program, so it is not opened")
        if len(head) < 8 or not 2 <= length <= LONGEST:
            raise bad("is no safetensors file")
        text = file.read(length)
    if len(text) < length:
        raise bad("is cut short")
    try:
        told = json.loads(text)
        told.pop("__metadata__", None)
        shapes = {str(name): tuple(int(side) for side in one["shape"]) for name, one in told.items()}
        ends = [(int(one["data_offsets"][0]), int(one["data_offsets"][1])) for one in told.values()]
        sizes = [prod(shapes[name]) * BITS[one["dtype"]] // 8 for name, one in told.items()]
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise bad("is no safetensors file") from error
    if any(end - start != many for (start, end), many in zip(ends, sizes, strict=True)):
        raise bad("is damaged")
    whole = 8 + length + max((end for _, end in ends), default=0)
    if size < whole:
        raise bad(f"is cut short: {size:,} of {whole:,} bytes")
    if size > whole:
        raise bad("is damaged: there is more in it than it says")
    return shapes


def match(path: Path, found: Shapes, wanted: Shapes, fetch: str) -> None:
    """FilmError unless a file holds exactly those tensors."""
    for names, verb in ((set(wanted) - set(found), "lacks"), (set(found) - set(wanted), "should not hold")):
        if names:
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            raise FilmError(f"{path.name} is of another model: it {verb} {min(names)}{more}.", f"Fetch the right one: {fetch}", path.name)
    for name, shape in wanted.items():
        if found[name] != shape:
            said = f"{path.name} is of another model: {name} is {_sides(found[name])}, not {_sides(shape)}."
            raise FilmError(said, f"Fetch the right one: {fetch}", path.name)


def _sides(shape: Iterable[int]) -> str:
    return " x ".join(map(str, shape)) or "one number"


def parts(folder: Path, fetch: str) -> list[Path]:
    """The safetensors files that a transformers model's folder is read from, each found whole; FilmError if there is
    none."""
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        try:
            names = sorted({str(name) for name in json.loads(index.read_text("utf-8"))["weight_map"].values()})
        except (ValueError, KeyError, AttributeError) as error:
            raise FilmError(f"{index.name} cannot be read.", f"Delete it and fetch it anew: {fetch}", index.name) from error
    else:
        names = ["model.safetensors"]
    files = [folder / Path(name).name for name in names]
    for file in files:
        if not file.is_file():
            pickled = any(folder.glob("*.bin"))
            said = "is here as a pickle only, which is not opened" if pickled else f"lacks {file.name}"
            raise FilmError(f"{folder.name} {said}.", f"It is needed as safetensors: {fetch}", folder.name)
        table(file, fetch)
    return files


class Weights:
    """A safetensors file that was found whole, its tensors read as they are asked for."""

    def __init__(self, path: Path, fetch: str) -> None:
        self.path = path
        self.shapes = table(path, fetch)

    def read(self, names: Iterable[str]) -> dict[str, Tensor]:
        """Those tensors, on the CPU, as the file has them."""
        from safetensors import safe_open

        with safe_open(self.path, framework="pt", device="cpu") as file:
            return {name: file.get_tensor(name) for name in names}


@contextmanager
def quiet() -> Iterator[None]:
    """transformers says what it loads, and what of a file it has no use for; here nobody reads that."""
    from transformers.utils import logging

    loud, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(loud)
        if bars:
            logging.enable_progress_bar()


_loads = [threading.RLock()]
if hasattr(os, "register_at_fork"):  # a child, as where GPUs are lent, would find it taken for good by whoever loads just then
    os.register_at_fork(after_in_child=lambda: _loads.__setitem__(0, threading.RLock()))


@contextmanager
def loading() -> Iterator[None]:
    """Within it a model is made from its files or added to; nobody else's in this process. Meanwhile libraries have torch
    itself make numbers of another kind, and modules keep no weights: a model that came between would be without its own."""
    with _loads[0], quiet():
        yield
