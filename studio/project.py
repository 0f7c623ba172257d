"""A film as somebody is working on it: rows of cells as they were typed, and the film's settings. Pure values.

Cells hold what was written, right or wrong, so nothing typed is ever lost; story.read says what is wrong with it.
Every change is a function from one project to the next. A change to a row that is gone changes nothing.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isfinite
from pathlib import Path
from typing import Any

from pipelines.presets import Presets
from pipelines.story import MOST_SCENES, SCENE_FIELDS, SEEDS, STORY_FIELDS, Scene, Story, plain, scene_numbers
from pipelines.story import read as read_story
from pipelines.story_cells import blank
from pipelines.work import FilmError

CELLS = tuple(name for name in SCENE_FIELDS if name != "scene_number")
SETTINGS = tuple(name for name in STORY_FIELDS if name != "scenes")
MOST_TYPED = 64_000  # characters in a cell: twice what any field takes, so that a paste is kept and then talked about
LARGEST = 2**53  # a browser keeps no larger whole number; it stays as text

Cell = str | int | float
Change = Callable[["Project"], "Project"]


@dataclass(frozen=True, slots=True)
class Row:
    """One scene. `id` stays with it wherever it moves; `cells` has what is not empty, by the scene's field names."""

    id: str
    cells: Mapping[str, Cell]


@dataclass(frozen=True, slots=True)
class Project:
    """The rows in the film's order, and the story's own fields."""

    rows: tuple[Row, ...] = ()
    settings: Mapping[str, Cell] = field(default_factory=dict)

    def row(self, identity: str) -> Row | None:
        return next((row for row in self.rows if row.id == identity), None)

    def at(self, identity: str) -> int:
        """The row's position from 0; -1 if it is gone."""
        return next((i for i, row in enumerate(self.rows) if row.id == identity), -1)

    @property
    def title(self) -> str:
        return str(self.settings.get("title", ""))


@dataclass(frozen=True, slots=True)
class Fault:
    """What keeps a project from being a film. `row` is empty where it is about the film's settings."""

    row: str
    field: str
    message: str
    hint: str


def new_row(cells: Mapping[str, Any]) -> Row:
    """A row of its own, with the cells that have something in them."""
    return Row(secrets.token_urlsafe(6), _tidy(cells, CELLS))


def edited(identity: str, name: str, value: object) -> Change:
    """That cell says `value`."""
    _check(name, CELLS)

    def change(project: Project) -> Project:
        rows = [replace(row, cells=_with(row.cells, name, value)) if row.id == identity else row for row in project.rows]
        return replace(project, rows=tuple(rows))

    return change


def everywhere(name: str, value: object, identities: Iterable[str]) -> Change:
    """That cell says `value` in all those rows."""
    _check(name, CELLS)
    wanted = set(identities)

    def change(project: Project) -> Project:
        rows = [replace(row, cells=_with(row.cells, name, value)) if row.id in wanted else row for row in project.rows]
        return replace(project, rows=tuple(rows))

    return change


def set_to(name: str, value: object) -> Change:
    """The film's own field says `value`."""
    _check(name, SETTINGS)
    return lambda project: replace(project, settings=_with(project.settings, name, value))


def inserted(rows: Sequence[Row], after: str = "") -> Change:
    """New rows behind that one; at the end if there is no such row. FilmError if they are too many."""

    def change(project: Project) -> Project:
        few(len(project.rows) + len(rows))
        at = project.at(after) + 1 or len(project.rows)
        return replace(project, rows=(*project.rows[:at], *rows, *project.rows[at:]))

    return change


def removed(identities: Iterable[str]) -> Change:
    """Without those rows."""
    gone = set(identities)
    return lambda project: replace(project, rows=tuple(row for row in project.rows if row.id not in gone))


def moved(identity: str, to: int) -> Change:
    """That row at position `to`, from 0; as near as there is."""

    def change(project: Project) -> Project:
        row = project.row(identity)
        if row is None:
            return project
        rest = [other for other in project.rows if other.id != identity]
        rest.insert(max(0, min(len(rest), to)), row)
        return replace(project, rows=tuple(rest))

    return change


def both(changes: Sequence[Change]) -> Change:
    """One change after the other, as one."""

    def change(project: Project) -> Project:
        for each in changes:
            project = each(project)
        return project

    return change


def told(project: Project) -> dict[str, Any]:
    """The story as it is written: what story.read reads and what a file holds."""
    scenes = [{"scene_number": i + 1, **row.cells} for i, row in enumerate(project.rows)]
    return {**project.settings, "scenes": scenes}


def of(data: Mapping[str, Any]) -> Project:
    """A story's plain data as a project, its scenes by their numbers; what it does not say stays empty."""
    scenes = [scene for scene in data.get("scenes") or () if isinstance(scene, Mapping)]
    few(len(scenes))
    numbered = sorted(zip(scene_numbers(scenes, table=True), scenes, strict=True), key=lambda pair: pair[0])
    return Project(tuple(new_row(scene) for _, scene in numbered), _tidy(data, SETTINGS))


def of_story(film: Story) -> Project:
    """A checked story as a project that says only what is not usual, so that a table of it stays readable."""
    usual, whole = plain(Story(scenes=(Scene(1),))), plain(film)
    scene = usual["scenes"][0]
    scenes = [{name: value for name, value in each.items() if value != scene[name]} for each in whole["scenes"]]
    return of({name: value for name, value in whole.items() if value != usual[name]} | {"scenes": scenes})


def story(project: Project, presets: Presets, base: Path) -> tuple[Story | None, tuple[Fault, ...]]:
    """The story if it can be made, else everything that is wrong with it. Pictures are read from `base`."""
    try:
        return read_story(told(project), presets, base, table=True), ()
    except FilmError as error:
        return None, tuple(_fault(project, each) for each in error.faults or (error,))


def alone(project: Project, identity: str, presets: Presets, base: Path) -> tuple[Story | None, tuple[Fault, ...]]:
    """A film of that row alone, as it is in the whole film: the same mood and seed. FilmError if the row is gone."""
    at = project.at(identity)
    if at < 0:
        raise FilmError("That scene is gone.", "Choose another.")
    row = project.rows[at]
    moods = (each.cells["music_mood"] for each in reversed(project.rows[: at + 1]) if "music_mood" in each.cells)
    with_mood = replace(row, cells=_with(row.cells, "music_mood", next(moods, "")))
    film, faults = story(Project((with_mood,), project.settings), presets, base)
    if film and film.scenes[0].seed is None:
        film = replace(film, scenes=(replace(film.scenes[0], seed=(film.seed + at) % SEEDS),))
    return film, faults


def short(message: str) -> str:
    """What is wrong with a scene, told where it is plain which one is meant: "Scene 2, duration: ..." without the scene."""
    said = re.sub(r"^scene \d+[,:]\s*", "", message)
    return said[:1].upper() + said[1:]


def few(count: int) -> None:
    """FilmError if so many scenes are too many."""
    if count > MOST_SCENES:
        raise FilmError(f"A film has at most {MOST_SCENES} scenes.", "Make several films and combine them.", "scenes")


def place(project: Project, where: str) -> tuple[str, str]:
    """`scenes[2].image` -> the third row's id and "image"; the row is empty where it is about no scene."""
    scene, _, name = where.partition(".")
    if scene.startswith("scenes[") and scene[7:-1].isdigit() and int(scene[7:-1]) < len(project.rows):
        return project.rows[int(scene[7:-1])].id, name
    return "", where


def _fault(project: Project, error: FilmError) -> Fault:
    identity, name = place(project, error.where)
    return Fault(identity, name, error.message, error.hint)


def _check(name: str, known: Sequence[str]) -> None:
    if name not in known:
        raise FilmError("There is no such field.", "Reload the page.", name[:40])


def _with(cells: Mapping[str, Cell], name: str, value: object) -> dict[str, Cell]:
    rest = {key: cell for key, cell in cells.items() if key != name}
    return rest | _tidy({name: value}, (name,))


def _tidy(cells: Mapping[str, Any], known: Sequence[str]) -> dict[str, Cell]:
    """The known cells that say something, each text or a finite number."""
    kept: dict[str, Cell] = {}
    for name in known:
        value = cells.get(name)
        if isinstance(value, bool) or (isinstance(value, float) and not isfinite(value)):
            value = str(value)
        if blank(value):
            continue
        if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
            value = int(value)
        if isinstance(value, int) and abs(value) > LARGEST:
            value = str(value)
        if isinstance(value, list | tuple) and all(isinstance(one, str) for one in value):
            value = ", ".join(value)
        if not isinstance(value, int | float):
            value = str(value).encode("utf-8", "replace").decode()  # half of a character pair cannot be kept anywhere
        if isinstance(value, str) and len(value) > MOST_TYPED:
            raise FilmError(f"{len(value):,} characters are too many for one cell.", f"Use at most {MOST_TYPED:,}.", name)
        kept[name] = value
    return kept
