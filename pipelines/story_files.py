"""A story from a file, with the pictures that lie beside it; or from the body that the service is sent.

Does not know how files are written (story_formats.py), nor what a story's fields may hold (story.py).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from .presets import Presets, choose
from .story import MOST_SCENES, SCENE_FIELDS, STEERS, STORY_FIELDS, Story, read, scene_numbers, together
from .story_cells import blank, clean, fold, shown
from .story_formats import data as data_of
from .story_pictures import illustrated, match
from .template import filled, gaps
from .work import FilmError

BODY_SCENE = ("scene_number", "narration", "duration", "clip_action", "music_mood", "prompt", "card", "lower_third")
BODY_PARAMS = ("transition_type", "seed", "fps", "engine", "voice", "quality", "size", "captions", "look", "music", *STEERS)

__all__ = ["from_body", "load", "match", "told"]


def load(
    path: Path, presets: Presets, pictures: Path | None = None, fields: Mapping[str, object] = MappingProxyType({})
) -> Story:
    """The story in a file. Paths in it are read from `pictures`, else from its own folder, and may not leave it.

    `fields` fill the gaps of a template (template.py). Scenes without an image take pictures from that folder in natural order. Raises FilmError with every fault;
    its `where` is the file's name.
    """
    base = pictures or path.parent
    try:
        data, found, table = data_of(path, presets)
        if fields or gaps(data):
            data, table = filled(data, fields), True  # what fills a gap may be written as in a table
        if isinstance(data, Mapping) and "sequence_data" in data:
            return from_body(data, presets, base, title=_title(path))
        return _told(data, presets, base, _title(path), table=table, found=found)
    except FilmError as error:
        raise _of_file(error, path) from None


def told(path: Path, presets: Presets) -> Mapping[str, Any]:
    """The story in a file as it is written there: cells unchecked, pictures by name. For whoever lets people mend it.

    Raises FilmError where it is no story at all, or has fields that are not known.
    """
    try:
        data, found, _ = data_of(path, presets)
        if isinstance(data, Mapping) and "sequence_data" in data:
            raise FilmError("it is a body for the service, not a story.", 'Write {"scenes": [...]}.')
        if not isinstance(data, Mapping) or not isinstance(data.get("scenes", []), list):
            raise FilmError("it is no story.", 'A story is {"scenes": [{...}, ...]}.')
        rows = data.get("scenes", [])
        strange = [_strangers(row, SCENE_FIELDS, f"scene {i + 1}: ", f"scenes[{i}].") for i, row in enumerate(rows[: MOST_SCENES + 1])]
        faults = [*found, *_strangers(data, STORY_FIELDS, "", ""), *(fault for each in strange for fault in each)]
        if faults:
            raise together(faults)
        return {"title": _title(path), **{name: value for name, value in data.items() if not blank(value)}}
    except FilmError as error:
        raise _of_file(error, path) from None


def _of_file(error: FilmError, path: Path) -> FilmError:
    """The error with the file's name in it."""
    if error.faults:
        message = error.message.replace("The story", shown(path.name)[1:-1], 1)
    else:
        message = f"{shown(path.name)[1:-1]}: {error.message}"
    return FilmError(message, error.hint, path.name, error.faults)


def from_body(
    data: Mapping[str, Any], presets: Presets, folder: Path, *, title: str = "Untitled", quality: str = "standard"
) -> Story:
    """The story in a body of POST /generateVideos; its pictures lie in `folder`. Faults name the body's own fields."""
    if not isinstance(data, Mapping):
        raise FilmError(f"The body is an object, not {shown(data)}.", 'Send {"sequence_data": [...]}.')
    faults = _strangers(data, ("sequence_data", "generation_params", "fields"), "", "")
    data = _without_gaps(data)
    params, rows = data.get("generation_params"), data.get("sequence_data")
    if blank(params):
        params = {}
    if not isinstance(params, Mapping):
        faults.append(FilmError(f"generation_params: {shown(params)} is not an object.", "", "generation_params"))
        params = {}
    faults += _strangers(params, BODY_PARAMS, "generation_params: ", "generation_params.")
    scenes: object = rows
    if isinstance(rows, list):
        numbers = scene_numbers(rows)
        for i, (row, n) in enumerate(zip(rows[:MOST_SCENES], numbers, strict=False)):
            faults += _strangers(row, BODY_SCENE, f"scene {n}: ", f"sequence_data[{i}].")
        engine = {} if blank(params.get("engine")) else {"engine": params["engine"]}
        scenes = [
            {k: row[k] for k in BODY_SCENE if k in row} | engine if isinstance(row, Mapping) else row for row in rows
        ]
    story = {name: params[name] for name in BODY_PARAMS if name in params and name not in ("transition_type", "engine")}
    story |= {"transition": "none" if blank(params.get("transition_type")) else params["transition_type"]}
    story |= {"quality": quality} if blank(story.get("quality")) else {}
    try:
        return _told(story | {"scenes": scenes}, presets, folder, title, found=faults)
    except FilmError as error:
        raise FilmError(error.message, error.hint, error.where, tuple(map(_as_in_body, error.faults))) from None


def _without_gaps(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """The body with its fields put where they belong; one without fields as it is."""
    given = data.get("fields")
    if given is None:
        return data
    if not isinstance(given, Mapping):
        raise FilmError(f"fields: {shown(given)} is not an object.", "", "fields")
    rest = {name: value for name, value in data.items() if name != "fields"}
    try:
        return dict(filled(rest, given))
    except FilmError as error:
        raise FilmError(error.message, error.hint, "fields", error.faults) from None


def _told(
    data: object, presets: Presets, base: Path, title: str, *, table: bool = False, found: Sequence[FilmError] = ()
) -> Story:
    """The story read with its pictures put in and the file's name as its title."""
    if isinstance(data, Mapping):
        rows = data.get("scenes")
        if isinstance(rows, list) and len(rows) <= MOST_SCENES:
            data = {**data, "scenes": illustrated(rows, base, table, data.get("logo"))}
        if blank(data.get("title")):
            data = {**data, "title": title}
    return read(data, presets, base, table=table, found=found)


def _title(path: Path) -> str:
    words = clean(re.sub(r"[\s_-]+", " ", path.stem)).strip()[:200]
    return words[:1].upper() + words[1:] or "Untitled"


def _strangers(data: object, known: Sequence[str], who: str, where: str) -> list[FilmError]:
    if not isinstance(data, Mapping):
        return []
    names = [key if isinstance(key, str) else shown(key) for key in data if key not in known]
    return [
        FilmError(f"{who}{shown(name)} is not known.", choose(fold(name[:60]), known), where + shown(name)[1:-1])
        for name in names[:100]
    ]


def _as_in_body(fault: FilmError) -> FilmError:
    """A story's fault in the words of the service's body."""
    message, where = fault.message, fault.where
    if where.startswith("scenes"):
        where = "sequence_data" + where.removeprefix("scenes")
        message = re.sub(r"^scenes:", "sequence_data:", message)
    elif where == "transition":
        where, message = "generation_params.transition_type", message.replace("transition:", "transition_type:", 1)
    elif where in BODY_PARAMS:
        where = f"generation_params.{where}"
    return FilmError(message, fault.hint, where)
