"""A clip engine goes on from one picture: what it shoots, as I420 pictures at the video's own size and rate.

Made once and kept, so what was stopped goes on where it was. Knows who can shoot what, and one shot; no verb, no sound.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ..album import DENSE
from ..clip import Clip, Rush, played
from ..crew import names
from ..darkroom import Darkroom, negative
from ..marks import LEARNED
from ..plan import Frame, Reach, Shot
from ..policy import check_texts
from ..presets import Model, choose
from ..stage import Studio
from ..vault import Notes, digest
from ..video import look
from ..work import FilmError, Tick
from .retime import retimed

if TYPE_CHECKING:
    from ..reel import Picture

CAN: Mapping[str, str] = MappingProxyType(
    {"over": "makes videos over", "first": "goes on from several pictures", "ends": "finds the way from one picture to another"}
)


@dataclass(frozen=True, slots=True)
class Hand:
    """Who shoots: a clip engine, by `name` its or its model's, and what it can do with moving pictures."""

    name: str
    engine: Any
    model: Model | None
    reach: Reach

    @property
    def label(self) -> str:
        return self.model.label if self.model else str(self.engine.label)

    @property
    def source(self) -> str:
        """The IPTC term for what comes from it."""
        return str(getattr(self.engine, "source", LEARNED))

    @property
    def by(self) -> tuple[str, str]:
        """Who made it, and the term: for a film's account."""
        return self.label, self.source


def hand(studio: Studio, named: str, way: str = "") -> Hand:
    """Who has that engine's or model's name; "auto": the first model that is here and goes that `way` (over, first or
    ends, as in plan.Reach). FilmError with the remedy if it is not there, or cannot."""
    models = studio.presets.models
    if way and named in ("", "auto"):
        found = [name for name, model in models.items() if getattr(studio.crew.reach(model), way, False)]
        here = [name for name in found if studio.crew.lack("clips", models[name].engine, models[name]) is None]
        if not here:
            first = models[found[0]] if found else None
            hint = f"{first.label}: {studio.crew.lack('clips', first.engine, first)}" if first else "models.toml names none."
            raise FilmError(f"No model that {CAN[way]} is on this machine.", hint, "engine")
        named = here[0]
    if named in models:
        model = models[named]
        reach = studio.crew.reach(model)
        _able(studio, model.label, reach, way)
        if lack := studio.crew.lack("clips", model.engine, model):
            raise FilmError(f"{model.label} cannot be used here.", lack)
        return Hand(named, studio.crew.ready("clips", model.engine), model, reach)
    if named not in names("clips"):
        raise FilmError(f'There is no clip engine called "{named}".', choose(named, [*names("clips"), *models]), "engine")
    _able(studio, studio.crew.get("clips", named).label, Reach(), way)
    return Hand(named, studio.crew.ready("clips", named), None, Reach())


def able(studio: Studio, way: str) -> list[str]:
    """Every model of the presets that goes that way, here or not."""
    return [name for name, model in studio.presets.models.items() if getattr(studio.crew.reach(model), way)]


def at_hand(studio: Studio, way: str = "") -> list[tuple[str, str]]:
    """(name, label) of every model that is here and goes that way; with no way, of the clip engines that are here and
    of every model that is."""
    crew, models = studio.crew, studio.presets.models
    engines = [] if way else [(name, str(crew.get("clips", name).label)) for name in crew.present("clips")]
    here = {name for name, _, lack in crew.models(studio.presets) if lack is None}
    return engines + [(name, models[name].label) for name in (able(studio, way) if way else models) if name in here]


def _able(studio: Studio, label: str, reach: Reach, way: str) -> None:
    if way and not getattr(reach, way):
        raise FilmError(f"{label} is no model that {CAN[way]}.", f"Choose one that does: {', '.join(able(studio, way)) or 'models.toml names none'}.", "engine")


def shot_on(studio: Studio, who: Hand, shot: Shot, still: Path | None, tick: Tick, doubled: int = 1) -> Iterator[Picture]:
    """The `shot.frames` pictures after `still` (a PNG of ours), or from the prompt alone where the engine can.

    The first `doubled` pictures that the engine makes are the still once more, and left out.
    """
    longer = replace(shot, picture=still, frames=shot.frames + doubled, model=who.model)
    if getattr(who.engine, "live", False):
        check_texts({"prompt": shot.prompt}, studio.policy)
        seen = None
        if still is not None and who.engine.wants_picture:
            darkroom = Darkroom()
            try:
                seen = negative(darkroom.develop(still, (shot.frame.width * DENSE, shot.frame.height * DENSE), studio.vault))
            finally:
                darkroom.close()
        with studio.crew.turn(who.engine, tick):
            footage = who.engine.footage(longer, seen)
        yield from footage.frames(doubled, shot.frames)
        return
    rush = played(taken(studio, who, longer, tick), longer)
    yield from rush.frames(ceil(doubled / rush.step), shot.frames)  # a slower clip shows its first picture for longer


def taken(studio: Studio, who: Hand, shot: Shot, tick: Tick) -> Clip:
    """The shot's clip, made once and kept."""
    check_texts({"prompt": shot.prompt}, studio.policy)
    seen = [digest(path) if path else "" for path in (shot.picture, *(shot.given.files if shot.given else ()))]
    recipe = [who.name, who.engine.version, who.model.content if who.model else None, *seen, who.engine.recipe(shot)]

    def take(out: Path) -> Notes:
        with studio.crew.turn(who.engine, tick):
            told: Notes = who.engine.shoot(shot, out, tick)
        try:
            made = look(out, out.parent, "made")
        except FilmError as error:
            raise FilmError(f"The clip that {who.label} made cannot be read.", "Run it again, or choose another engine.") from error
        return told | {"frames": made.frames, "rate": str(made.rate), "width": made.width, "height": made.height}

    part = studio.vault.make("clip", ".mp4", recipe, take)
    frames, rate, width, height = (str(part.notes[key]) for key in ("frames", "rate", "width", "height"))
    clip = Clip(part.path, int(frames), Fraction(rate), int(width), int(height))
    if clip.count < 2:
        raise FilmError(f"The clip that {who.label} made is a single picture.", "Choose another engine.")
    return clip


def whole(clip: Clip, frame: Frame, workers: int, step: Fraction | None = None, *, turned: bool = False) -> Iterator[Picture]:
    """All of a clip's pictures at the film's size, stretched to it, and at its rate, or `step` of the clip's for each of
    the film's: what lies between two of them is drawn. Without an end: the last one stays. turned: from its end."""
    step = clip.rate / frame.rate if step is None else step
    pictures = Rush(clip, frame, "stretch", Fraction(1)).frames(0, clip.count)
    if turned:
        pictures = iter([one.copy() for one in pictures][::-1])
    count = int((clip.count - 1) / step) + 1
    last = None
    for last in pictures if step == 1 else retimed(pictures, step, count, workers):
        yield last
    while last is not None:
        yield last
