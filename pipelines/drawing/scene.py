"""What a prompt and a seed are to look like, as frozen values: place, light, weather, who is where. Draws nothing."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..work import FilmError
from .light import RGB, rgb
from .reading import Lexicon, Reading, Said, read
from .vocabulary import ANYWHERE, Air, Figure, Finish, Season, Sky, Thing, Town, Vocabulary, Word

DEEPEST = 3  # how far entries may bring others along
TIMES = ("morning", "day", "afternoon", "golden_hour", "sunset", "sunrise", "dusk")  # drawn from when none is named
HOURS: tuple[tuple[Thing, str], ...] = (("stars", "night"), ("milky way", "midnight"), ("fireworks", "night"), ("comet", "night"), ("moon", "night"), ("fireflies", "dusk"), ("lightning", "dusk"), ("rainbow", "afternoon"))
PLACES = ("hills", "mountain", "lake", "meadow", "coast", "field")
SUMMER = Season(leaf="#5b8f4a", grass="#7cab52")
SHINING = frozenset(("campfire", "candle", "fireplace", "lamp", "street_lamp"))  # they are lit when it gets dark
HIGH = frozenset(("mountains", "volcano", "mesas", "skyline", "ice", "town"))
OVERHEAD: frozenset[Thing] = frozenset(("moon", "stars", "milky way", "aurora", "rainbow", "comet", "fireworks", "lightning", "planet", "ringed planet", "red planet"))
WATER = ("lake", "sea", "river", "swamp")
MOST_ACTORS = 6
HOMES = ("space", "deep", "water", "wall", "ground", "air")  # whose home is drawn when no place is named, first


@dataclass(frozen=True, slots=True)
class Actor:
    """A figure in the scene: how many of it, how large (times its own size), what it does and where."""

    name: str
    figure: Figure
    colour: RGB
    many: int
    scale: float
    act: str
    where: str


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that is drawn. `far`, `plane` and `near` are what the land is made of; `ground`, `rock` and `tint`
    (of everything) are colours, or empty."""

    seed: int
    world: str
    sky: Sky
    air: Air
    finish: Finish
    season: Season
    town: Town
    far: tuple[str, ...]
    plane: str
    near: tuple[str, ...]
    ground: str
    rock: str
    tint: str
    things: tuple[Thing, ...]
    actors: tuple[Actor, ...]
    unknown: tuple[str, ...]


@dataclass(slots=True)
class _Draft:
    """What has been gathered so far; only `describe` changes it."""

    places: list[Word]
    skies: list[Sky]
    airs: list[Air]
    finishes: list[Finish]
    seasons: list[Season]
    towns: list[Town]
    things: list[Thing]
    actors: list[Actor]
    pending: list[Word]
    tints: list[str]
    grounds: list[str]
    rocks: list[str]
    own_sky: Sky | None = None  # that of space or the deep
    neon_sky: Sky | None = None  # what neon makes of a night
    about: int | None = None  # the figure that was named last, if nothing else was since

    @property
    def said_something(self) -> bool:
        return bool(self.places or self.things or self.actors)


def describe(prompt: str, seed: int, vocabulary: Vocabulary, lexicon: Lexicon) -> Scene:
    """The scene of a prompt. The same words and seed give the same scene."""
    reading = read(prompt, lexicon, frozenset(name for name, word in vocabulary.items() if not word.noun))
    draft = _Draft([], [], [], [], [], [], [], [], [], [], [], [])
    for said in reading.said:
        if said.name:
            _take(draft, said, vocabulary, DEEPEST)
        else:
            _settle(draft)
    _settle(draft)
    return _composed(draft, reading, seed, vocabulary)


def _take(draft: _Draft, said: Said, vocabulary: Vocabulary, deep: int) -> None:
    """One entry, and those that it brings."""
    word = vocabulary.get(said.name)
    if word is None:  # what an entry of one's own brings may not be there
        return
    for brought in word.brings if deep else ():
        _take(draft, Said(brought), vocabulary, deep - 1)
    for value, kept in ((word.sky, draft.skies), (word.air, draft.airs), (word.finish, draft.finishes), (word.season, draft.seasons), (word.town, draft.towns)):
        if value:
            kept.append(value)  # type: ignore[arg-type]
    if word.land:
        draft.places.append(word)
        draft.about = None
        if word.sky and word.land.world != "land":
            draft.own_sky = word.sky
        if word.land.far or word.land.plane:  # the colour before it is the land's
            stone = draft.rocks if word.land.far[:1] == ("mountains",) else draft.grounds
            stone += [one.colour for one in draft.pending if one.colour]
            draft.pending = [one for one in draft.pending if not one.colour]
    if word.town and word.town.neon and word.sky:
        draft.neon_sky = word.sky
    if word.thing:
        draft.things.append(word.thing)
        draft.about = None
    if word.figure:
        _enter(draft, said, word.figure)
    if word.colour or word.many or word.scale or word.act or word.where:
        _say(draft, word)


def _say(draft: _Draft, word: Word) -> None:
    """A word about a figure: what it does and where it is follows it, the rest goes before it."""
    if (word.act or word.where) and not draft.pending and draft.said_something:
        if draft.about is not None:
            last = draft.actors[draft.about]
            draft.actors[draft.about] = replace(last, act=word.act or last.act, where=word.where or last.where)
        elif word.act and draft.actors:
            draft.actors[-1] = replace(draft.actors[-1], act=word.act)
        return
    draft.pending.append(word)


def _enter(draft: _Draft, said_now: Said, figure: Figure) -> None:
    name, about = said_now.name, draft.pending
    draft.pending = []
    known = next((i for i, actor in enumerate(draft.actors) if actor.name == name), None)
    if known is not None and not about:
        draft.about = known
        return
    scale = 1.0
    for one in about:
        scale *= one.scale or 1.0
    said = [one.many for one in about if one.many]
    colour = next((one.colour for one in about if one.colour), figure.colour)
    act = next((one.act for one in about if one.act), "")
    where = next((one.where for one in about if one.where), "")
    usual = 1 if said_now.number == "one" else max(figure.count, 3) if said_now.number == "more" and figure.count == 1 else figure.count
    if len(draft.actors) < MOST_ACTORS:
        draft.about = len(draft.actors)
        draft.actors.append(Actor(name, figure, rgb(colour), said[-1] if said else usual, min(2.6, max(0.3, scale)), act, where))


def _settle(draft: _Draft) -> None:
    """At the end of a phrase: words that no figure came for are about the last one, or about the whole picture."""
    for one in draft.pending:
        last = draft.actors[-1] if draft.actors else None
        if one.colour:
            draft.tints.append(one.colour)
        elif last:
            draft.actors[-1] = replace(
                last, many=one.many or last.many, scale=min(2.6, last.scale * (one.scale or 1.0)), act=one.act or last.act, where=one.where or last.where
            )
    draft.pending = []


def _composed(draft: _Draft, reading: Reading, seed: int, vocabulary: Vocabulary) -> Scene:
    drawn = random.Random(f"{seed} scene")
    time, place = drawn.choice(TIMES), drawn.choice(PLACES)
    if any(air.clear for air in draft.airs):
        time = "day"
    if any(actor.name in SHINING for actor in draft.actors):
        time = "dusk"
    time = next((wanted for thing, wanted in HOURS if thing in draft.things), time)
    if not draft.places:
        homes = sorted(draft.actors, key=lambda actor: (HOMES.index(actor.figure.on), actor.figure.home == ANYWHERE))
        home = homes[0].figure.home if homes else ""
        _take(draft, Said(home or place), vocabulary, DEEPEST)
    lands = [word.land for word in draft.places if word.land]
    worlds = [land.world for land in lands if land.world != "land"]
    world = worlds[-1] if worlds else "land"
    planes = [land.plane for land in lands if land.plane]
    # said last counts for most, but water is not covered up by the ground of what stands beside it
    plane = next((one for one in planes if one in WATER), "") or next((one for one in reversed(planes) if one not in ("grass", "")), "") or (planes[-1] if planes else "")
    sky = (draft.skies or [_sky(vocabulary, time)])[-1]
    if draft.neon_sky and sky.lamps > 0.5:
        sky = draft.neon_sky
    if draft.own_sky and world in ("space", "deep"):
        sky = draft.own_sky
    far = tuple(dict.fromkeys(kind for land in lands for kind in land.far))
    if plane == "sea":
        far = tuple(kind for kind in far if kind not in ("woods",))
    near = tuple(dict.fromkeys(kind for land in lands for kind in land.near))
    if HIGH.intersection(far) or OVERHEAD.intersection(draft.things):
        near = tuple(kind for kind in near if kind != "trunks")  # what was asked for is not to be hidden by a wood
    ground = draft.grounds[-1] if draft.grounds else next((land.ground for land in reversed(lands) if land.ground), "")
    season = draft.seasons[-1] if draft.seasons else SUMMER
    return Scene(
        seed,
        world,
        sky,
        _air(draft.airs, drawn, bool(draft.airs)),
        _finish(draft.finishes),
        season,
        Town(max((one.futuristic for one in draft.towns), default=0.0), max((one.neon for one in draft.towns), default=0.0)),
        far[:4],
        plane,
        near[:3],
        ground,
        draft.rocks[-1] if draft.rocks else "",
        draft.tints[-1] if draft.tints else "",
        tuple(dict.fromkeys(draft.things)),
        tuple(draft.actors),
        reading.unknown,
    )


def _sky(vocabulary: Vocabulary, time: str) -> Sky:
    """A time of day by name; any other if the vocabulary has lost it."""
    own = vocabulary[time].sky if time in vocabulary else None
    found = own or next((word.sky for word in vocabulary.values() if word.sky), None)
    if found is None:
        raise FilmError("sketch.toml has no sky.", "Put a time of day back into it.", "sketch.toml")
    return found


def _air(airs: Sequence[Air], drawn: random.Random, said: bool) -> Air:
    """All weather together: the most of each. Where none is named, a few clouds by chance."""
    if not said:
        return Air(clouds=drawn.choice((0.25, 0.35, 0.45, 0.55)))
    if any(one.clear for one in airs):
        airs = [replace(one, clouds=0.0) for one in airs]
    return Air(*(max(getattr(one, name) for one in airs) for name in ("fog", "clouds", "grey", "rain", "snow", "wind")))


def _finish(finishes: Sequence[Finish]) -> Finish:
    """One after the other."""
    whole = Finish()
    for one in finishes:
        whole = Finish(
            saturation=max(0.0, min(2.0, whole.saturation * one.saturation)),
            contrast=max(0.4, min(1.6, whole.contrast * one.contrast)),
            brightness=max(-0.3, min(0.3, whole.brightness + one.brightness)),
            tint=one.tint or whole.tint,
            tinted=max(whole.tinted, one.tinted),
            vignette=max(whole.vignette, one.vignette),
        )
    return whole
