"""What can be fetched by name before a film needs it: every preset with weights, and the voices of narrators that have some.

Knows which engine reads what; fetches nothing itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from .crew import Crew, names
from .gear.loras import source as lora_source
from .gear.weights import Source
from .presets import Model, Presets, choose
from .work import FilmError

VOICES: Mapping[str, str] = {"kokoro": "Apache-2.0", "piper": "each voice has its own: read https://huggingface.co/rhasspy/piper-voices first"}
KINDS: Mapping[str, str] = {"models": "clips", "painters": "pictures", "composers": "music", "upscalers": ""}


@dataclass(frozen=True, slots=True)
class Wish:
    """Something to be fetched: what it is called, on what terms it comes, and what it is read from. home: a folder
    that it goes into, None for the hub's cache."""

    name: str
    label: str
    terms: str
    sources: tuple[Source, ...]
    home: Path | None = None


def wish(name: str, presets: Presets, crew: Crew) -> Wish:
    """What has that name. FilmError if nothing has, or there is nothing to fetch for it."""
    for kind, role in KINDS.items():
        if name in (own := getattr(presets, kind)):
            return _model(own[name], role, crew)
    if name in presets.loras:
        lora = presets.loras[name]
        if not lora.repo:
            raise FilmError(f"{lora.title} is a file of your own.", f"Put it at {lora.file}.", name)
        return Wish(name, f"{lora.title} (LoRA)", lora.terms, (lora_source(lora),))
    if name in VOICES:
        narrator = crew.get("voices", name)
        if narrator.home is None:
            raise FilmError(f"{narrator.label} has no folder of voices.", "Set REELWRIGHT_VOICES.", name)
        return Wish(name, narrator.label, VOICES[name], narrator.sources(), home=narrator.home)
    raise FilmError(f'There is nothing called "{name[:60]}" to be fetched.', choose(name[:60], known(presets, crew)), name[:60])


def known(presets: Presets, crew: Crew) -> list[str]:
    """Every name that has something to be fetched."""
    models = [(name, one, role) for kind, role in KINDS.items() for name, one in getattr(presets, kind).items()]
    every = [*(name for name, one, role in models if not role or _asked(one, role, crew)), *(name for name, one in presets.loras.items() if one.repo), *VOICES]
    return list(dict.fromkeys(every))


def _asked(model: Model, role: str, crew: Crew) -> Callable[[Model], tuple[Source, ...]] | None:
    return getattr(crew.get(role, model.engine), "sources", None) if model.engine in names(role) else None


def _model(model: Model, role: str, crew: Crew) -> Wish:
    if role:
        asked = _asked(model, role, crew)
        if asked is None:
            hint = f"`reelwright engines` says what {model.engine} needs."
            raise FilmError(f"{model.label} has no weights that are fetched here.", hint, model.name)
        sources = asked(model)
    else:
        from .gear.enlarger import Enlarger

        sources = Enlarger(model).sources()
    return Wish(model.name, model.label, model.terms, sources)
