"""Every model that the presets name, for clips, pictures, music and for making videos larger: on what terms it comes, what
of a GPU it needs and what is there of that, and what it lacks here. For lists that people choose from; makes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .cards import Card
from .cast import model_of
from .crew import Crew, names
from .presets import Model, Presets
from .work import FilmError

KINDS = ("models", "painters", "composers", "upscalers")


@dataclass(frozen=True, slots=True)
class Listed:
    """A model: its kind and name among the presets, and None or what it lacks here, with the remedy."""

    kind: str
    name: str
    model: Model
    lack: str | None


def roster(crew: Crew, presets: Presets) -> Iterator[Listed]:
    """All of them, kind by kind."""
    for name, model, lacks in crew.models(presets):
        yield Listed("models", name, model, lacks)
    for kind, role in (("painters", "pictures"), ("composers", "music")):
        for name, model in getattr(presets, kind).items():
            yield Listed(kind, name, model, _lack(crew, role, model))
    for name, model in presets.upscalers.items():
        try:
            lack: str | None = crew.upscaler(model).missing()
        except FilmError as error:
            lack = str(error)
        yield Listed("upscalers", name, model, lack)


def _lack(crew: Crew, role: str, model: Model) -> str | None:
    """Its own lack comes first: an engine tells that of another of its models, where it has none at all."""
    if model.engine not in names(role):
        return f"There is no {model.engine} here."
    engine = crew.get(role, model.engine)
    own: str | None = engine.lacks(model) if hasattr(engine, "lacks") else None
    missing: str | None = engine.missing()
    return own or missing


def ways(model: Model, cards: Sequence[Card]) -> list[tuple[str, float, bool]]:
    """Each way of keeping it in memory, GB of a GPU for it, and whether so much is free on one of these."""
    free = max((card.free for card in cards), default=0.0)
    return [(name, needs, needs <= free) for name, needs in model.vram.items()]


def room(model: Model, cards: Sequence[Card]) -> str:
    """The same for people, with what is there: "resident 24 GB, lean 10 GB; free 61 of 80 GB"; "" where it needs none."""
    if not model.vram:
        return ""
    needs = ", ".join(f"{name} {gigabytes:g} GB" for name, gigabytes, _ in ways(model, cards))
    best = max(cards, key=lambda card: card.free, default=None)
    return f"{needs}; " + (f"free {best.free:.0f} of {best.gigabytes:.0f} GB" if best else "no GPU here")


def terms(engine: str, crew: Crew, presets: Presets) -> str:
    """On what terms a scene gets that says so in its `engine`, for where one chooses: the model's, or that of the model
    which the engine would use; "" where there is none, or for auto."""
    if engine in presets.models:
        return presets.models[engine].terms
    try:
        name = model_of(engine, crew, presets) if engine in names("clips") else ""
    except FilmError:
        name = ""
    return presets.models[name].terms if name else ""
