"""A model's folder as diffusers and transformers write it, on this machine: what of it is lacking, and whether each
file is what it says before a library reads it. Never fetches anything; knows no model's insides.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from ..presets import Model
from ..work import FilmError
from .gpu import GIB, chosen, emptied, free
from .gpu import lack as no_gpu
from .modular import INDEX as MODULAR
from .weights import Source, match, table

INDEX = "model_index.json"
KINDS = ("*.json", "*.txt", "*.model", "*.jinja")  # beside the weights
PICKLES = (".bin", ".pt", ".pth", ".ckpt")
BARE = ("diffusion_pytorch_model", "model")


@dataclass(frozen=True, slots=True)
class Files:
    """One component's weights: its folder, which variant of them ("" for none), and their files."""

    folder: Path
    variant: str
    files: tuple[Path, ...]


def source(repo: str, revision: str, variant: str = "", name: str = "", bare: tuple[str, ...] = ()) -> Source:
    """Everything of a repository that a pipeline is read from: its parts' folders, not the same once more in one file
    beside them. variant: such as fp16, to leave the longer one out, also where it is in several files; name and bare: see
    Source."""
    return Source(repo, revision, (*KINDS, f"*/*.{variant}*.safetensors" if variant else "*/*.safetensors"), name, variant, bare)


def home(from_: Source) -> Path | None:
    """What its folder's parts are told in, a plain pipeline's or a modular one's; None if that is not on this machine."""
    return from_.find(INDEX) or from_.find(MODULAR)


def needed(names: Collection[str], told: Mapping[str, object], variant: str = "", bare: Collection[str] = ()) -> list[str]:
    """The files of a repository that a pipeline is read from, of all it has: each component's own, in one variant.
    told: what its index says; bare: see Source. FilmError for weights that are there as pickles only."""
    wanted = {INDEX} & set(names)
    for part, kind in told.items():
        if not (isinstance(kind, list) and len(kind) >= 2 and kind[1]):
            continue
        own = [name for name in names if name.startswith(f"{part}/")]
        wanted |= {name for name in own if any(fnmatch(name, each) for each in KINDS) and ".index" not in name}
        if part in bare:
            continue
        made = next((found for form in dict.fromkeys((variant, "")) if (found := _weights_named(own, part, form))), [])
        if not made and any(name.endswith(PICKLES) for name in own):
            raise FilmError(f"{part} is there as a pickle only, which is not fetched: opening one could run any program.", "Choose another model.", part)
        wanted |= set(made)
    return sorted(wanted)


def _weights_named(names: Collection[str], part: str, variant: str) -> list[str]:
    """One form of a component's weights: a file, or several with their index."""
    dot = rf"\.{re.escape(variant)}" if variant else ""
    stems = rf"{re.escape(part)}/(?:{'|'.join(BARE)})"
    whole = [name for name in names if re.fullmatch(rf"{stems}{dot}\.safetensors", name)]
    pieces = rf"{stems}(?:{dot}-\d+-of-\d+|-\d+-of-\d+{dot})\.safetensors|{stems}(?:\.safetensors\.index{dot}|{dot}\.safetensors\.index)\.json"
    return whole[:1] or [name for name in names if re.fullmatch(pieces, name)]


def weights(folder: Path, variant: str = "") -> Files | None:
    """A component's safetensors: those of the variant if they are there, else the plain ones; None if not all are."""
    for kind in dict.fromkeys((variant, "")):
        dot = f".{kind}" if kind else ""
        for stem in BARE:
            one = folder / f"{stem}{dot}.safetensors"
            if one.is_file():
                return Files(folder, kind, (one,))
            for index in (folder / f"{stem}.safetensors.index{dot}.json", folder / f"{stem}{dot}.safetensors.index.json"):
                if index.is_file():
                    files = _listed(index)
                    return Files(folder, kind, files) if all(file.is_file() for file in files) else None
    return None


def files(from_: Source, variant: str = "") -> tuple[Path, ...]:
    """All weights of a pipeline; FilmError if it is not there."""
    folder = from_.path(INDEX).parent
    return tuple(file for name in components(folder) if (found := weights(folder / name, variant)) for file in found.files)


def _listed(index: Path) -> tuple[Path, ...]:
    try:
        names = {str(name) for name in json.loads(index.read_text("utf-8"))["weight_map"].values()}
    except (ValueError, KeyError, AttributeError) as error:
        raise FilmError(f"{index.name} cannot be read.", "Delete it and fetch the model anew.", index.name) from error
    return tuple(index.parent / Path(name).name for name in sorted(names))


def components(folder: Path) -> dict[str, str]:
    """Name and class of each part that a pipeline's index tells of and that has weights."""
    try:
        index = folder / INDEX
        told = json.loads((index if index.is_file() else folder / MODULAR).read_text("utf-8"))
        pairs = {name: str(one[1]) for name, one in told.items() if isinstance(one, list) and len(one) >= 2 and one[1]}
    except (ValueError, AttributeError) as error:
        raise FilmError(f"{INDEX} cannot be read.", "Delete it and fetch the model anew.", INDEX) from error
    return {name: kind for name, kind in pairs.items() if _has_weights(folder / name)}


def _has_weights(folder: Path) -> bool:
    path = folder / "config.json"
    if not path.is_file():
        return False
    try:
        told = json.loads(path.read_text("utf-8"))
    except ValueError:
        return True
    return "architectures" in told or "_class_name" in told


def whole(folder: Path, variant: str, fetch: str) -> None:
    """FilmError unless every component has its weights, as safetensors, each file as long as it says."""
    for name in components(folder):
        found = weights(folder / name, variant)
        if found is None:
            pickled = any((folder / name).glob("*.bin"))
            said = f"{name} is here as a pickle only, which is not opened." if pickled else f"{name} is not whole on this machine."
            raise FilmError(said, fetch, name)
        for file in found.files:
            table(file, fetch)


def shapes(found: Files, fetch: str) -> dict[str, tuple[int, ...]]:
    """Every tensor of a component, its files found whole."""
    return {name: shape for file in found.files for name, shape in table(file, fetch).items()}


def fits(found: Files, wanted: Mapping[str, tuple[int, ...]], fetch: str) -> None:
    """FilmError unless a component's files hold at least those tensors."""
    there = shapes(found, fetch)
    match(found.files[0], {name: shape for name, shape in there.items() if name in wanted}, wanted, fetch)


def lacking(model: Model, variant: str = "") -> str | None:
    """None, or that a model's weights are not here, how to have them and on what terms."""
    from_ = source(model.repo, model.revision, variant, model.name)
    index = home(from_)
    try:
        if index and all(weights(index.parent / name, variant) for name in components(index.parent)):
            return None
    except FilmError as error:
        return str(error)
    return f"Its weights are not on this machine: {from_.fetch} ({model.terms})"


def too_small(model: Model, device: str) -> str | None:
    """None, or that there is no GPU, or too small a one for the model in its thriftiest way."""
    return no_gpu(device, min(model.vram.values())) if model.vram else None


def plan(model: Model | None, device: str, most: float | None) -> str:
    """The first way of keeping a model in memory that the device's free memory allows, else the last; "" where a model
    names none. To be asked once before it is loaded, when the one before it is let go: what that took is free then."""
    if not model or not model.vram:
        return ""
    emptied()
    there = free(chosen(device), most) / GIB
    fitting = [name for name, needs in model.vram.items() if needs <= there]
    return fitting[0] if fitting else list(model.vram)[-1]
