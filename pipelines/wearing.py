"""Who of a scene loads which of its LoRA files: its clip engine with its model, its painter, or nobody. Loads nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from .crew import Crew, names
from .loras import Lora
from .presets import Presets

Loras = tuple[Lora, ...]


@dataclass(frozen=True, slots=True)
class Dealt:
    """For the clip, for its picture, and for nobody: by name. lack: None, or what is lacking for those that are dealt."""

    clip: Loras = ()
    picture: Loras = ()
    left: tuple[str, ...] = ()
    lack: str | None = None


def dealt(wanted: Mapping[str, Lora], crew: Crew, presets: Presets, engine: str, model: str, painter: str) -> Dealt:
    """Each goes to what it was made for; one that does not say, to the clip's model, else to the painter's."""
    adapts = getattr(crew.get("clips", engine), "adapts", None) if model else None
    paints = getattr(crew.get("pictures", painter), "adapts", None) if painter else None
    clip, picture, left = [], [], []
    for name, lora in wanted.items():
        filmed = adapts is not None and lora.suits(model, presets.models[model].repo)
        painted = paints is not None and any(lora.suits(one, own.repo) for one, own in presets.painters.items())
        if filmed:
            clip.append(lora)
        if painted and (lora.models or not filmed):
            picture.append(lora)
        if not filmed and not painted:
            left.append(name)
    lacks = [adapts(presets.models[model], tuple(clip)) if adapts and clip else None, paints(tuple(picture)) if paints and picture else None]
    return Dealt(tuple(clip), tuple(picture), tuple(left), next((lack for lack in lacks if lack), None))


def told(label: str, loras: Loras) -> str:
    """Who made it, with what it loaded."""
    return f"{label} with {' and '.join(one.title for one in loras)}" if loras else label


def able(wanted: Mapping[str, Lora], crew: Crew, presets: Presets) -> list[str]:
    """Every model of clips that may load all of those that are for any, here or not."""
    loras = [one for one in wanted.values() if not one.models or any(one.suits(name, model.repo) for name, model in presets.models.items())]
    if not loras:
        return []  # without a look at the engines: to import them all takes longer than to begin a film
    own = {name: model for name, model in presets.models.items() if model.engine in names("clips") and hasattr(crew.get("clips", model.engine), "adapts")}
    return [name for name, model in own.items() if all(one.suits(name, model.repo) for one in loras)]


def here(wanted: Mapping[str, Lora], crew: Crew, presets: Presets) -> Iterator[tuple[str, str]]:
    """The engine and name of each of those that is."""
    for name in able(wanted, crew, presets):
        model = presets.models[name]
        if crew.lack("clips", model.engine, model) is None:
            yield model.engine, name
