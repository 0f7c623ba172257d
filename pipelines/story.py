"""What people write: a story of scenes, read from plain data with every fault told at once.

Knows fields and limits. Does not know the files that stories come in (story_files.py), engines, or frames of time.
"""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass
from pydantic_core import ErrorDetails

from . import loras, shots
from . import story_cells as cells
from .presets import Presets, choose, strict
from .story_fields import MOST_SECONDS as MOST_SECONDS
from .story_fields import SEEDS as SEEDS
from .story_fields import (
    Action,
    Begin,
    Captions,
    Card,
    Corner,
    Drawn,
    Duration,
    Engine,
    Feeling,
    Fit,
    Focus,
    Fps,
    FrameSize,
    Image,
    Label,
    Level,
    Logo,
    Loras,
    Lower,
    Motion,
    Narration,
    Opacity,
    Overlap,
    OwnSound,
    Position,
    Prompt,
    Score,
    Seed,
    Speaker,
    Steady,
    Title,
    Turn,
    Without,
)
from .work import FilmError

MOST_SCENES = 500
MOST_LISTED = 50  # further faults are counted, not listed


@dataclass(frozen=True, slots=True, config=strict)
class Scene:
    """One row: what is seen and said, for how long (seconds; None: as the narration needs), and how the camera moves.

    An empty `music_mood` is that of the scene before; an empty `transition`, `voice` or `motion_intensity` is the
    story's. A prompt or clip action with times in it ("[0s] ... [3s] ...") is several shots: see shots.py. `image` may be
    a video: then `clip_start`, `clip_sound` and `steady` say from where, with how much of its sound, and whether made
    steady.
    """

    scene_number: Position
    image: Image | None = None
    prompt: Prompt = ""
    narration: Narration = ""
    duration: Duration | None = None
    clip_action: Action = "auto"
    music_mood: Feeling = ""
    transition: Turn = ""
    voice: Speaker = ""
    engine: Engine = "auto"
    seed: Seed | None = None
    negative_prompt: Without = ""
    motion_intensity: Motion | None = None
    card: Card = ""
    lower_third: Lower = ""
    clip_start: Begin = 0.0
    clip_sound: OwnSound = "under"
    steady: Steady = False
    picture_style: Drawn = ""
    focus: Focus = ""
    loras: Loras = ""


@dataclass(frozen=True, slots=True, config=strict)
class Story:
    """A film as it is asked for. Methods take a scene's position, from 0, and fill its gaps from the story."""

    title: Title = "Untitled"
    scenes: Annotated[tuple[Scene, ...], Field(min_length=1, max_length=MOST_SCENES)] = ()
    size: FrameSize = "1024x576"
    fps: Fps = 24.0
    quality: Annotated[str, Field(description="draft, standard or master."), cells.known("qualities", "standard")] = "standard"
    transition: Turn = "crossfade"
    transition_seconds: Overlap = 0.5
    voice: Speaker = "auto"
    music: Score = "auto"
    music_level: Level = 12.0
    captions: Captions = "both"
    caption_style: Annotated[str, Field(description="How captions look."), cells.known("captions", "plain")] = "plain"
    look: Annotated[str, Field(description="A grade; a style steers models too."), cells.known("looks", "none")] = "none"
    fit: Fit = "cover"
    seed: Seed = 0
    label: Label = ""
    negative_prompt: Without = ""
    motion_intensity: Motion = 0.5
    logo: Logo | None = None
    logo_place: Corner = "top_right"
    logo_opacity: Opacity = 0.8
    loras: Loras = ""

    @property
    def rate(self) -> Fraction:
        """Frames a second, exactly."""
        return exact_rate(self.fps)

    def transition_of(self, i: int) -> str:
        return self.scenes[i].transition or self.transition

    def voice_of(self, i: int) -> str:
        return self.scenes[i].voice or self.voice

    def seed_of(self, i: int) -> int:
        own = self.scenes[i].seed
        return (self.seed + i) % SEEDS if own is None else own

    def motion_of(self, i: int) -> float:
        own = self.scenes[i].motion_intensity
        return self.motion_intensity if own is None else own

    def negative_of(self, i: int) -> str:
        """What neither the story nor the scene wants to be seen."""
        own, all_of_it = self.scenes[i].negative_prompt, self.negative_prompt
        return own if all_of_it in ("", own) else f"{own}, {all_of_it}".removeprefix(", ")

    def loras_of(self, i: int) -> dict[str, float | None]:
        """LoRA files by name, with the weight that was said: the story's and the scene's."""
        return loras.both(self.loras, self.scenes[i].loras)

    def mood_of(self, i: int) -> str:
        """The mood as written, of this scene or the nearest one before it that has one; "" if none has."""
        return next((scene.music_mood for scene in reversed(self.scenes[: i + 1]) if scene.music_mood), "")


SCENE_FIELDS = tuple(field.name for field in dataclasses.fields(Scene))
STORY_FIELDS = tuple(field.name for field in dataclasses.fields(Story))
STEERS = ("negative_prompt", "motion_intensity", "loras")  # what models are told beside the prompt; every door takes them


@cache
def _adapter() -> TypeAdapter[Story]:
    return TypeAdapter(Story)


def schema() -> dict[str, Any]:
    """The JSON schema of a story, limits, units and defaults included; Scene is under $defs."""
    return _adapter().json_schema()


def plain(story: Story, base: Path | None = None) -> dict[str, Any]:
    """A story as JSON-plain data. Pictures inside `base` are told from there, others in full.

    `read(plain(story, base), presets, base)` is the same story; so is, for any story, reading it with base ``/``.
    """

    def value(it: object) -> Any:
        if isinstance(it, Path):
            return it.relative_to(base).as_posix() if base and it.is_relative_to(base) else str(it)
        if isinstance(it, float) and it.is_integer():
            return int(it)
        return it

    told = {name: value(getattr(story, name)) for name in STORY_FIELDS}
    return told | {"scenes": [{name: value(getattr(scene, name)) for name in SCENE_FIELDS} for scene in story.scenes]}


def read(
    data: object, presets: Presets, base: Path | None = None, *, table: bool = False, found: Sequence[FilmError] = ()
) -> Story:
    """Plain data -> Story, or one FilmError that holds every fault.

    Paths in text are read from `base` and may not leave it; a Path was made by the caller and must be absolute.
    `table`: cells are text or numbers at will. `found`: faults of the file itself, to be told with these.
    """
    if not isinstance(data, Mapping):
        raise FilmError(f"A story is an object with scenes, not {cells.shown(data)}.", 'Write {"scenes": [...]}.')
    rows = [] if cells.blank(data.get("scenes")) else data["scenes"]
    faults = list(found)
    if not isinstance(rows, list | tuple):
        faults.append(FilmError(f"scenes: {cells.shown(rows)} is not a list.", "Give a list of scenes.", "scenes"))
        rows = []
    elif not rows and not (table and found):
        faults.append(FilmError("The story has no scenes.", "Give at least one, with a picture or a prompt.", "scenes"))
    elif len(rows) > MOST_SCENES:
        hint = "Make several films and combine them."
        raise together([FilmError(f"The story has more than {MOST_SCENES} scenes.", hint, "scenes")])
    story = _said(data, STORY_FIELDS, "", "", faults)
    numbers = scene_numbers(rows, table)
    later = _gaps(rows, numbers, table)
    story["scenes"] = [
        {"scene_number": n, **_said(row, SCENE_FIELDS, f"scene {n}: ", f"scenes[{i}].", later)}
        for i, (row, n) in enumerate(zip(rows, numbers, strict=True))
        if isinstance(row, Mapping)
    ] or [{"scene_number": 1}]
    places = [i for i, row in enumerate(rows) if isinstance(row, Mapping)]
    try:
        made = _adapter().validate_python(story, context=cells.Source(presets, base, table))
    except ValidationError as error:
        for each in error.errors(include_url=False):
            if len(each["loc"]) == 3:
                later.append(_in_scene(each, places[int(each["loc"][1])], numbers))
            elif each["loc"] != ("scenes",):  # too few are left only because each was refused
                faults.append(_told(each, "Story", "", ""))
    if not faults and not later:
        later = shots.untimely(made.scenes, places, MOST_SCENES)
    if faults or later:
        raise together([*faults, *sorted(later, key=_place)])
    return dataclasses.replace(made, scenes=tuple(sorted(made.scenes, key=lambda scene: scene.scene_number)))


def scene_numbers(rows: Sequence[object], table: bool = False) -> list[int]:
    """The number of each row: its own if it has a good one, else its position from 1."""
    return [_own_number(row, table) or i for i, row in enumerate(rows, 1)]


def _own_number(row: object, table: bool) -> int:
    value = row.get("scene_number") if isinstance(row, Mapping) else None
    try:
        return max(cells.whole(value, table), 0)
    except ValueError:
        return 0


def _gaps(rows: Sequence[object], numbers: Sequence[int], table: bool) -> list[FilmError]:
    """What is wrong with rows as wholes: no scene at all, nothing to see, a number that is there twice."""
    faults: list[FilmError] = []
    taken: set[int] = set()
    for i, (row, n) in enumerate(zip(rows, numbers, strict=True)):
        if not isinstance(row, Mapping):
            faults.append(
                FilmError(f"scene {n}: {cells.shown(row)} is not a scene.", "Give an object.", f"scenes[{i}]")
            )
            continue
        if all(map(cells.blank, (row.get("image"), row.get("prompt"), row.get("card")))):
            hint = "Give it an image, or say in its prompt what is seen."
            faults.append(
                FilmError(f"scene {n}, image: there is no picture and no prompt.", hint, f"scenes[{i}].image")
            )
        if not cells.blank(row.get("scene_number")) and not _own_number(row, table):
            continue  # told as a fault of that number itself
        if n in taken:
            hint = "Give each scene its own number, or leave them all empty."
            where = f"scenes[{i}].scene_number"
            faults.append(FilmError(f"scene {n}, scene_number: {n} is there twice.", hint, where))
        taken.add(n)
    return faults


def _said(
    row: Mapping[Any, Any], known: Sequence[str], who: str, where: str, faults: list[FilmError]
) -> dict[str, Any]:
    """What a row says, its blanks left out; its unknown keys become faults."""
    for key in row:
        if key not in known:
            name = key if isinstance(key, str) else cells.shown(key)
            hint = choose(cells.fold(name[:60]), known) if len(faults) < MOST_LISTED else ""
            faults.append(FilmError(f"{who}{cells.shown(name)} is not known.", hint, where + cells.shown(name)[1:-1]))
    return {key: row[key] for key in known if key != "scenes" and not cells.blank(row.get(key))}


def together(faults: Sequence[FilmError], what: str = "The story", where: str = "") -> FilmError:
    """Many faults as one error; the first fifty are listed and the others counted."""
    count = f"{len(faults)} fault" + ("s" if len(faults) > 1 else "")
    rest = len(faults) - MOST_LISTED
    listed = (*faults[:MOST_LISTED], FilmError(f"and {rest:,} more.")) if rest > 0 else tuple(faults)
    return FilmError(f"{what} has {count}.", where=where, faults=listed)


def _place(fault: FilmError) -> int:
    return int(fault.where[len("scenes[") : fault.where.index("]")])


def _in_scene(error: ErrorDetails, i: int, numbers: Sequence[int]) -> FilmError:
    return _told(error, "Scene", f"scene {numbers[i]}, ", f"scenes[{i}].")


def _told(error: ErrorDetails, owner: Literal["Scene", "Story"], who: str, where: str) -> FilmError:
    field = str(error["loc"][-1])
    message, hint = _sentence(error, schema_of(owner)[field])
    return FilmError(f"{who}{field}: {message}", hint, where + field)


@cache
def schema_of(name: Literal["Scene", "Story"]) -> dict[str, Any]:
    """Each field's limits, unit, default and description, by name."""
    whole_schema = schema()
    owner = whole_schema["$defs"]["Scene"] if name == "Scene" else whole_schema
    return {field: spec.get("anyOf", [{}])[0] | spec for field, spec in owner["properties"].items()}


def _sentence(error: ErrorDetails, spec: Mapping[str, Any]) -> tuple[str, str]:
    value, limits = error["input"], error.get("ctx", {})
    if "minimum" in spec:
        kind = "a whole number from " if spec["type"] == "integer" else ""
        unit = f" {spec['unit']}" if "unit" in spec else ""
        hint = (
            f"Give {kind}{cells.figure(spec['minimum'])} to {cells.figure(spec['maximum'])}{unit}, or leave it empty."
        )
    else:
        hint = f"Use at most {spec['maxLength']:,} characters." if "maxLength" in spec else ""
    match error["type"]:
        case "fault":
            return limits["message"], limits["hint"] or hint
        case "greater_than_equal":
            return f"{cells.figure(value)} is below {cells.figure(limits['ge'])}.", hint
        case "less_than_equal":
            return f"{cells.figure(value)} is above {cells.figure(limits['le'])}.", hint
        case "string_too_long":
            return f"{len(value):,} characters are more than {limits['max_length']:,}.", hint
        case _:
            return f"{cells.shown(value)} does not fit.", hint


def exact_rate(fps: float) -> Fraction:
    """Frames a second as people write them, exactly: 23.976, 29.97, 47.952, 59.94, 119.88 are n * 1000/1001."""
    for whole_rate in (24, 30, 48, 60, 120):
        ntsc = Fraction(whole_rate * 1000, 1001)
        if abs(fps - ntsc) < 0.005:
            return ntsc
    return Fraction(str(fps)).limit_denominator(1001)


def pixels(size: str, presets: Presets) -> tuple[int, int]:
    """Width and height of a size such as ``1024x576`` or ``wide``; FilmError for an unknown name."""
    if re.fullmatch(r"\d+x\d+", size, re.ASCII):
        width, height = size.split("x")
        return int(width), int(height)
    known = presets.pick("sizes", size)
    return known.width, known.height


def sound_file(name: str) -> Path | None:
    """The file behind a story's voice or music, or None where it is a name."""
    return Path(name) if os.path.isabs(name) and cells.is_sound(name) else None
