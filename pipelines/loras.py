"""Small changes to a model (LoRA) as stories name them: "ink, my_face 0.6". What each is called, and which a story means.

Names come from presets/loras.toml and from a folder of whoever owns the machine; a story says a name and a weight, and
nothing of it ever becomes a path. Loads nothing: gear/loras.py does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from .work import FilmError

MOST = 8  # of one scene
HEAVIEST = 4.0  # a weight, either way
LISTED = 1000  # files of a folder
NUMBER = r"[+-]?\d{1,3}(?:\.\d{1,6})?"


@dataclass(frozen=True, slots=True, config=ConfigDict(extra="forbid", allow_inf_nan=False))
class Lora:
    """A file of small changes to a model: a path, or a file's name in `repo`. Its trigger words are `words`, or else
    what the file or a text of its name beside it says. second: for the second of a model's two networks. models: names of
    presets, or their repositories, that it was made for; none: whichever the scene has. name: its key among the presets."""

    file: Annotated[str, Field(pattern=r"\.safetensors$")]
    repo: str = ""
    revision: str = ""
    weight: Annotated[float, Field(ge=-HEAVIEST, le=HEAVIEST)] = 1.0
    words: str = ""
    second: bool = False
    label: str = ""
    what: str = ""
    models: tuple[str, ...] = ()
    licence: str = ""
    name: str = ""

    @property
    def title(self) -> str:
        """What it is called where films say who made them."""
        return self.label or Path(self.file).stem

    @property
    def terms(self) -> str:
        """Its licence, as people should know it before they use it."""
        return self.licence or "licence unknown: ask whoever made it"

    def suits(self, name: str, repo: str) -> bool:
        """Whether it may be for that model."""
        return not self.models or name in self.models or repo in self.models


class Shelf(Mapping[str, Lora]):
    """Those of the presets, then every safetensors file of a folder, by its own name with _ for blanks and commas; one that
    is put there while we run is found."""

    def __init__(self, presets: Mapping[str, Lora], folder: Path) -> None:
        self._presets, self._folder = dict(presets), folder
        self._seen: tuple[int, dict[str, Lora]] = (-1, {})

    def _all(self) -> dict[str, Lora]:
        changed = self._folder.stat().st_mtime_ns if self._folder.is_dir() else 0
        if changed != self._seen[0]:
            found = dict(self._presets)
            for path in sorted(self._folder.glob("*.safetensors"))[:LISTED] if changed else ():
                name = re.sub(r"[\s,;]+", "_", path.stem)
                found.setdefault(name, Lora(str(path), label=path.stem, what="A file of your own.", name=name))
            self._seen = changed, found
        return self._seen[1]

    def __getitem__(self, name: str) -> Lora:
        return self._all()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())


def known(presets: Mapping[str, Lora], folder: Path) -> Shelf:
    """What stories may name; FilmError for a name of loras.toml that could not be written in one."""
    if odd := next((name for name in presets if re.search(r"[\s,;]", name)), ""):
        raise FilmError(f'loras.toml: "{odd}" has a blank or comma in it.', "Write _ instead.", "loras.toml")
    named = {name: replace(one, name=name, label=one.label or name) for name, one in presets.items()}
    return Shelf(named, folder)


def said(text: str) -> dict[str, float | None]:
    """Names as they are kept in a story, and their weights; None: that of the file."""
    parts = [part.split() for part in text.split(",") if part.strip()]
    return {part[0]: float(part[1]) if len(part) > 1 else None for part in parts}


def both(story: str, scene: str) -> dict[str, float | None]:
    """What a scene means: the story's and its own, its own weight where both name one; with a weight of 0 it is left out."""
    return {name: weight for name, weight in (said(story) | said(scene)).items() if weight != 0}


def written(text: str, find: Callable[[str], str | None], near: Callable[[str], str], wrong: Callable[[str, str], Exception]) -> str:
    """What somebody wrote, as it is kept. find: (as written) -> the name, if there is one; near: the hint where there is
    none; wrong: a fault of a message and a hint."""
    made: dict[str, str] = {}
    for item in (" ".join(part.split()) for part in re.split(r"[,;\n]", text)):
        if not item:
            continue
        if re.fullmatch(NUMBER, item):
            raise wrong(f'"{item}" is no name.', 'Write a weight after its name, with a point: "ink 0.6".')
        name, weight = item, ""
        if find(item) is None and (parts := re.fullmatch(rf"(.+?)[\s:=]\s*({NUMBER})", item)):
            name, weight = parts[1], f"{float(parts[2]):g}"
        key = find(name)
        if key is None:
            raise wrong(f'there is no LoRA called "{name[:60]}".', near(name[:60]))
        if weight and abs(float(weight)) > HEAVIEST:
            raise wrong(f"{weight} is out of range.", f"A weight is from -{HEAVIEST:g} to {HEAVIEST:g}; 1 is usual.")
        if key in made:
            raise wrong(f'"{key}" is there twice.', "Name it once.")
        made[key] = f"{key} {weight}".strip()
    if len(made) > MOST:
        raise wrong(f"{len(made)} are too many.", f"Use at most {MOST}.")
    return ", ".join(made.values())


def chosen(wanted: Mapping[str, float | None], presets: Mapping[str, Lora]) -> dict[str, Lora]:
    """Those of that name, each with the weight it is to have."""
    found = {name: presets.get(name) for name in wanted}
    if gone := [name for name, one in found.items() if one is None]:
        raise FilmError(f"The LoRA file {gone[0]} is gone.", "Put it back, or name another.", "loras")
    told = ((one, wanted[name]) for name, one in found.items() if one)
    return {name: one if weight is None else replace(one, weight=weight) for name, (one, weight) in zip(found, told, strict=True)}
