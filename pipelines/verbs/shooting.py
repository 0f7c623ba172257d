"""A clip engine goes on from one picture: what it shoots, as I420 pictures at the video's own size and rate.

Made once and kept, so what was stopped goes on where it was. Knows one shot; no verb and no sound.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..album import DENSE
from ..crew import names
from ..darkroom import Darkroom, negative
from ..plan import Shot
from ..presets import choose
from ..clip import Clip, played
from ..stage import Studio
from ..vault import Notes, digest
from ..video import look
from ..work import FilmError, Tick

if TYPE_CHECKING:
    from ..reel import Picture


def engine_of(studio: Studio, named: str) -> tuple[str, Any]:
    """(model or "", the clip engine) for an engine's or a model's name; FilmError with the remedy if it is not there."""
    models = studio.presets.models
    if named in models:
        name = models[named].engine
        if lack := studio.crew.lack("clips", name, models[named]):
            raise FilmError(f"{models[named].label} cannot be used here.", lack)
        return named, studio.crew.ready("clips", name)
    if named not in names("clips"):
        raise FilmError(f'There is no clip engine called "{named}".', choose(named, [*names("clips"), *models]))
    return "", studio.crew.ready("clips", named)


def shot_on(studio: Studio, named: str, shot: Shot, still: Path | None, tick: Tick, doubled: int = 1) -> Iterator[Picture]:
    """The `shot.frames` pictures after `still` (a PNG of ours), or from the prompt alone where the engine can.

    The first `doubled` pictures that the engine makes are the still once more, and left out.
    """
    model, engine = engine_of(studio, named)
    longer = replace(shot, picture=still, frames=shot.frames + doubled, model=studio.presets.models.get(model))
    if getattr(engine, "live", False):
        seen = None
        if still is not None and engine.wants_picture:
            darkroom = Darkroom()
            try:
                seen = negative(darkroom.develop(still, (shot.frame.width * DENSE, shot.frame.height * DENSE), studio.vault))
            finally:
                darkroom.close()
        yield from engine.footage(longer, seen).frames(doubled, shot.frames)
        return
    content = longer.model.content if longer.model else None
    recipe = [named, engine.version, content, digest(still) if still else "", engine.recipe(longer)]

    def take(out: Path) -> Notes:
        told: Notes = engine.shoot(longer, out, tick)
        try:
            made = look(out, out.parent, "made")
        except FilmError as error:
            raise FilmError(f"The clip that {engine.label} made cannot be read.", "Run it again, or choose another engine.") from error
        return told | {"frames": made.frames, "rate": str(made.rate), "width": made.width, "height": made.height}

    part = studio.vault.make("clip", ".mp4", recipe, take)
    frames, rate, width, height = (str(part.notes[key]) for key in ("frames", "rate", "width", "height"))
    clip = Clip(part.path, int(frames), Fraction(rate), int(width), int(height))
    if clip.count < 2:
        raise FilmError(f"The clip that {engine.label} made is a single picture.", "Choose another engine.")
    rush = played(clip, longer)
    yield from rush.frames(ceil(doubled / rush.step), shot.frames)  # a slower clip shows its first picture for longer
