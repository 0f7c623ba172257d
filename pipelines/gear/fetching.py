"""Weights fetched beforehand, from Hugging Face's hub by its own library: what of a source is lacking here, how much that
is, and then that, at one commit. Stopped, it goes on where it was. Only what an engine reads; knows no engine.

The library finds the token by itself; nothing here sees it, and none of the library's own words are told.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..vault import disk
from ..work import DiskFull, FilmError
from .snapshot import INDEX, PICKLES, needed
from .weights import Source, table

if TYPE_CHECKING:
    from types import TracebackType

NOT_OURS = (401, 403)
CONVERTER = "SFconvertbot"  # Hugging Face's own: it offers pickles as safetensors, where nobody has taken them up yet
PIECE = re.compile(r"(.+)-\d+-of-(\d+)\.safetensors")


@dataclass(frozen=True, slots=True)
class Order:
    """What is fetched from one source. files: names and sizes in bytes of all that is needed; lacking: those that are not
    here, or not whole; home: a folder that they go into, None for the hub's cache."""

    source: Source
    commit: str
    files: dict[str, int]
    lacking: tuple[str, ...]
    home: Path | None = None

    @property
    def bytes(self) -> int:
        """That are still to come."""
        return sum(self.files[name] for name in self.lacking)


def order(source: Source, home: Path | None = None) -> Order:
    """What is to be fetched; asks the hub. FilmError if it cannot be had."""
    from huggingface_hub import HfApi

    if source.local:
        raise FilmError(f"{source.repo} is a folder of your own.", source.fetch, source.repo)
    with Asking(source):
        hub = HfApi()
        told = hub.model_info(source.repo, revision=source.commit or source.revision or None, files_metadata=True)
        if _pickled(source, names := [one.rfilename for one in told.siblings or ()]) and not source.commit:
            offers = hub.get_repo_discussions(source.repo, author=CONVERTER, discussion_type="pull_request")
            if offer := next((one.git_reference for one in offers if one.author == CONVERTER and one.status != "closed"), None):
                told = hub.model_info(source.repo, revision=offer, files_metadata=True)
                names = [one.rfilename for one in told.siblings or ()]
    if _pickled(source, names):
        raise FilmError(f"{source.repo} has its weights as pickles only, which are not fetched: opening one could run any program.", "Choose another model.", source.repo)
    sizes = {one.rfilename: int(one.size or 0) for one in told.siblings or ()}
    commit = str(told.sha)
    wanted = [name for name in sizes if any(fnmatch(name, each) for each in source.wanted)]
    if INDEX in wanted:
        index = _told(source, commit, INDEX)
        wanted = needed(wanted + [name for name in sizes if name not in wanted], index, source.variant, source.bare)
    wanted = _divided_once(source, commit, wanted)
    lost = [each for each in source.wanted if not any(mark in each for mark in "*?[") and each not in sizes]
    if lost or not wanted:
        raise FilmError(f"{source.repo} has no {lost[0] if lost else ', '.join(source.wanted)}.", "Mend the preset, or its revision.", source.repo)
    files = {name: sizes[name] for name in sorted(wanted)}
    lacking = tuple(name for name, size in files.items() if not _whole(_place(source, commit, name, home), size))
    return Order(source, commit, files, lacking, home)


def fetch(asked: Order, moved: Callable[[int], None]) -> None:
    """Have it. moved: told of every few bytes that came. FilmError with the remedy if it cannot be had."""
    source = asked.source
    for name in asked.lacking:
        place = _place(source, asked.commit, name, asked.home)
        if place.exists():  # it is there, and not whole
            place.resolve().unlink()
        made = _brought(source, asked.commit, name, moved, asked.home)
        if not _whole(made, asked.files[name]):
            made.resolve().unlink()
            raise FilmError(f"{name} did not come whole.", f"Run it again: {source.fetch}", name)
        if name.endswith(".safetensors"):
            table(made, source.fetch)
    if not asked.home:
        source.keep(asked.commit)


def _brought(source: Source, commit: str, name: str, moved: Callable[[int], None], home: Path | None = None) -> Path:
    from huggingface_hub import constants, hf_hub_download

    to: dict[str, Any] = {"local_dir": home} if home else {"cache_dir": constants.HF_HUB_CACHE}
    with Asking(source):
        return Path(hf_hub_download(source.repo, name, revision=commit, tqdm_class=_bar(moved), **to))


def _place(source: Source, commit: str, name: str, home: Path | None) -> Path:
    from huggingface_hub.constants import HF_HUB_CACHE

    return home / name if home else Path(HF_HUB_CACHE, "models--" + source.repo.replace("/", "--"), "snapshots", commit, name)


def _whole(path: Path, size: int) -> bool:
    return path.is_file() and (not size or path.stat().st_size == size)


def _pickled(source: Source, names: Collection[str]) -> bool:
    """Whether weights are wanted of which there is nothing but pickles."""
    forms = [each for each in source.wanted if "*" in each and ".safetensors" in each]
    there = any(name.endswith(".safetensors") and fnmatch(name, each) for name in names for each in forms)
    return bool(forms) and not there and any(name.endswith(PICKLES) for name in names)


def _divided_once(source: Source, commit: str, wanted: list[str]) -> list[str]:
    """Without pieces of weights that are there once more, divided otherwise: the index names those that count."""
    ways: dict[str, set[str]] = {}
    for name in wanted:
        if piece := PIECE.fullmatch(name):
            ways.setdefault(piece[1], set()).add(piece[2])
    for stem in [stem for stem, counts in ways.items() if len(counts) > 1]:
        index = next((name for name in wanted if name.startswith(f"{stem}.safetensors.index") and name.endswith(".json")), None)
        if index:
            named = _told(source, commit, index).get("weight_map")
            kept = {f"{stem.rpartition('/')[0]}/{name}".lstrip("/") for name in named.values()} if isinstance(named, dict) else set()
            wanted = [name for name in wanted if not ((piece := PIECE.fullmatch(name)) and piece[1] == stem) or name in kept]
    return wanted


def _told(source: Source, commit: str, name: str) -> dict[str, object]:
    """What one of its files of JSON says."""
    path = _brought(source, commit, name, lambda _: None)
    told: object = None
    with suppress(ValueError):
        told = json.loads(path.read_text("utf-8"))
    if not isinstance(told, dict):
        raise FilmError(f"{name} of {source.repo} cannot be read.", "Mend the preset, or its revision.", name)
    return told


def _bar(moved: Callable[[int], None]) -> Any:
    """What the library tells its progress."""

    class Bar:
        def __init__(self, *_: object, initial: int = 0, **_more: object) -> None:
            moved(int(initial or 0))  # of a download that was stopped

        def __enter__(self) -> Bar:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def update(self, count: float | None = 1) -> None:
            moved(int(count or 0))

        def close(self) -> None:
            pass

    return Bar


class Asking:
    """Use it in a `with` in which the hub is asked: what it answers, and what keeps it from answering, in words."""

    def __init__(self, source: Source) -> None:
        self._source, self._loud = source, 0

    def __enter__(self) -> None:
        from huggingface_hub.utils import logging as told

        self._loud = told.get_verbosity()
        told.set_verbosity(logging.CRITICAL)  # addresses that it tells may have a signature in them

    def __exit__(self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None) -> None:
        from huggingface_hub import errors
        from huggingface_hub.utils import logging as told

        told.set_verbosity(self._loud)
        unheard = errors.HfHubHTTPError.__bases__[0]  # whatever its client of HTTP raises
        if error is not None and isinstance(error, (unheard, errors.EntryNotFoundError, OSError, RuntimeError, errors.HFValidationError)):
            raise self._said(error) from None  # its own words may hold an address with a signature

    def _said(self, error: BaseException) -> FilmError:
        from huggingface_hub import errors

        repo, again = self._source.repo, f"Run it again, it goes on where it was: {self._source.fetch}"
        asked = "log in with `hf auth login`, or set HF_TOKEN"
        answer = getattr(error, "response", None)
        status = int(answer.status_code) if answer is not None else 0
        if isinstance(error, errors.GatedRepoError):
            return FilmError(f"{repo} asks you to agree to its terms first.", f"Agree on https://huggingface.co/{repo}, then {asked}.", repo)
        if isinstance(error, errors.RevisionNotFoundError):
            return FilmError(f"{repo} has no revision {self._source.revision or 'main'}.", "Mend `revision` in the preset.", repo)
        if status in NOT_OURS or isinstance(error, errors.RepositoryNotFoundError):
            said = f"{repo} is not there, or not for everybody."
            return FilmError(said, f"Look at https://huggingface.co/{repo}; if it is there, {asked}.", repo)
        if isinstance(error, errors.OfflineModeIsEnabled):
            return FilmError("HF_HUB_OFFLINE is set: nothing is fetched.", "Unset it, and run it again.", repo)
        if status:
            busy = status == 429 or status >= 500
            return FilmError(f"The hub answered {status} about {repo}.", "Try again later." if busy else "Look at the preset's repo and revision.", repo)
        if isinstance(error, errors.HFValidationError):
            return FilmError(f"{repo} is no repository's name.", "Mend `repo` in the preset.", repo)
        if isinstance(error, OSError) and error.errno is not None and not isinstance(error, ConnectionError):
            try:
                with disk():
                    raise error
            except FilmError as told:
                return told if not isinstance(told, DiskFull) else FilmError(told.message, f"Free some space. {again}", repo)
        if isinstance(error, OSError) and "Consistency" in str(error):
            return FilmError(f"A file of {repo} came broken.", again, repo)
        return FilmError(f"{repo} cannot be reached.", f"Look at the network. {again}", repo)
