"""From a project to what the page's components show. Pure but for reading what lies in the project's shown folder."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic_core import PydanticCustomError

from pipelines.cards import cards
from pipelines.estimate import Estimate
from pipelines.story import Story
from pipelines.story_cells import number
from pipelines.work import FilmError

from .. import consent, workshop
from ..production import RowState, State, hear, sign
from ..project import CELLS, SETTINGS, Fault, Project, Row, story
from ..project import short as short_of
from ..shelf import Document
from ..takes import side_by_side
from .rooms import Rooms

Plain = dict[str, Any]
FACE = FilmError("There seems to be a face in the picture.", "Say under the picture whether that person agrees.")
SPOKEN = 14.0  # characters a second, to guess how long a film is before its narration is spoken
SHORTEST, BREATHS = 3.0, 0.8


@dataclass(frozen=True, slots=True)
class View:
    """A project and everything that is known about it, at one moment."""

    document: Document
    project: Project
    version: int
    state: State
    film: Story | None
    faults: tuple[Fault, ...]
    cut: workshop.State
    takes: Estimate  # how long its clips will take
    at: float  # ms; what arrives late must not be drawn over what is newer


def look(rooms: Rooms, document: Document) -> View:
    """How the project stands now."""
    with document.lock:
        state = hear(rooms.desk, document)
        project, version = document.project, document.version
        found = document.memo.get("story")
        if found is None or found[0] is not project:
            made = story(project, rooms.desk.presets, document.pictures) if project.rows else (None, ())
            found = document.memo["story"] = (project, made)
        cut = workshop.newest(rooms.desk, document)
        takes = _takes(rooms, document, found[1][0])
        at = time.monotonic_ns() / 1e6
        film, faults = found[1]
        faults = (*faults, *_faces(document))
    return View(document, project, version, state, film, faults, cut, takes, at)


def board(view: View, selected: str, recent: list[Plain] | None = None) -> Plain:
    """Everything that the storyboard shows."""
    rows = {row.id: _row(view, row) for row in view.project.rows}
    value: Plain = {"full": True, "project": view.document.id, "version": view.version, "at": time.time_ns()}
    return value | {
        "order": [row.id for row in view.project.rows],
        "rows": rows,
        "selected": selected,
        "summary": summary(view),
        "recent": recent or [],
    }


def patch(before: View, after: View, selected: str) -> Plain:
    """What is different on the storyboard since `before`."""
    was = {row.id: row for row in before.project.rows}
    wrong = {fault.row for fault in before.faults} | {fault.row for fault in after.faults}
    rows = {
        row.id: _row(after, row)
        for row in after.project.rows
        if row.id in wrong or was.get(row.id) != row or before.state.rows.get(row.id) != after.state.rows.get(row.id)
    }
    order = [row.id for row in after.project.rows]
    value: Plain = {"full": False, "project": after.document.id, "from": before.version, "version": after.version, "at": time.time_ns()}
    moved = order != [row.id for row in before.project.rows]
    return value | {"rows": rows, "order": order if moved else None, "selected": selected, "summary": summary(after)}


def dock(view: View) -> Plain:
    """What the line at the bottom shows; `rows` is everything that moves on the storyboard."""
    state, works = view.state, view.document.works
    standing = [each.status for each in state.rows.values()]
    film = "" if not works.film else "new" if works.film_sign == sign(view.project) else "old"
    told = {name: value for name, value in asdict(state).items() if name not in ("rows", "warnings")}
    return told | {
        "project": view.document.id,
        "version": view.version,
        "title": view.project.title,
        "at": view.at,
        "scenes": len(standing),
        "ready": standing.count("ready"),
        "failed": standing.count("failed"),
        "faults": len({fault.row for fault in view.faults}),
        "wrong": next((f"{fault.message} {fault.hint}" for fault in view.faults if fault.field in SETTINGS and not fault.row), ""),
        "film": film,
        "job": works.job,
        "clips": sum(len(takes) for takes in works.takes.values()),
        "takes": {"seconds": view.takes.seconds, "rough": view.takes.rough, "unknown": ", ".join(map(str, view.takes.unknown))},
        "cut": {"job": view.cut.job, "state": view.cut.state, "share": view.cut.share},
        "rows": {row: _moving(view, row) for row in state.rows},
        "summary": summary(view),
    }


def summary(view: View) -> Plain:
    """Scenes, how long the film is about, scenes that are ready."""
    seconds = round(sum(_seconds(row) for row in view.project.rows))
    ready = sum(each.status == "ready" for each in view.state.rows.values())
    return {"scenes": len(view.project.rows), "length": f"{seconds // 60}:{seconds % 60:02}", "ready": ready}


def clips(view: View) -> list[tuple[str, str]]:
    """The newest clip of every scene, in the film's order."""
    found = []
    for i, row in enumerate(view.project.rows):
        if takes := view.document.works.takes.get(row.id):
            found.append((str(view.document.shown / takes[-1].clip), str(i + 1)))
    return found


def takes(view: View, row: str) -> Plain:
    """The clips that were made of a scene, side by side."""
    if view.project.row(row) is None:
        return when(view)
    shown = [asdict(one) | {"clip": str(view.document.shown / one.clip)} for one in side_by_side(view.document, view.film, row)]
    return {"row": row, "takes": shown} | when(view)


def when(view: View) -> Plain:
    """Of what moment a value tells: one that comes late is not drawn over a newer one."""
    return {"project": view.document.id, "at": view.at}


def recent(documents: Iterable[tuple[Document, float]], now: str) -> list[Plain]:
    """Projects to go on with."""
    found = []
    for document, _ in documents:
        if document.project.rows and document.id != now:
            found.append({"id": document.id, "title": document.project.title, "scenes": len(document.project.rows)})
    return found[:6]


def shown_thumb(document: Document, cells: Mapping[str, Any]) -> str:
    """The path of a row's small picture, if there is one."""
    name = document.shown / f"{Path(str(cells.get('image', ''))).stem}.jpg"
    return str(name) if cells.get("image") and os.path.isfile(name) else ""


def short(fault: Fault) -> str:
    """A fault at its scene."""
    return short_of(fault.message) if fault.row else fault.message


def _faces(document: Document) -> list[Fault]:
    """Scenes whose picture shows somebody who was not asked yet."""
    waiting = set(consent.awaited(document, consent.pictures(document))) if document.works.faces else set()
    rows = (row for row in document.project.rows if row.cells.get("image") in waiting and not row.cells.get("card"))
    return [Fault(row.id, "image", FACE.message, FACE.hint) for row in rows]


def _row(view: View, row: Row) -> Plain:
    faults = [{"field": fault.field, "message": short(fault), "hint": fault.hint} for fault in view.faults if fault.row == row.id]
    value: Plain = {name: row.cells.get(name, "") for name in CELLS}
    return value | {"id": row.id, "image": shown_thumb(view.document, row.cells), "faults": faults} | _moving(view, row.id)


def _moving(view: View, row: str) -> Plain:
    """What changes in a row while a film is made."""
    state = view.state.rows.get(row, RowState("draft"))
    made = view.document.works.takes.get(row, ())
    clip = str(view.document.shown / made[-1].clip) if made else ""
    part = round(state.part, 2)
    return {"status": state.status, "part": part, "said": state.said, "hint": state.hint, "clip": clip, "takes": len(made), "glimpse": state.glimpse}


def _takes(rooms: Rooms, document: Document, film: Story | None) -> Estimate:
    """Asked once for each state of the project, and only where a model may make a clip."""
    found = document.memo.get("takes")
    if found is None or found[0] is not film:
        asked = film is not None and (cards() or any(scene.engine != "auto" for scene in film.scenes))
        found = document.memo["takes"] = (film, rooms.desk.estimate(film) if film and asked else Estimate())
    told: Estimate = found[1]
    return told


def _seconds(row: Row) -> float:
    """How long a scene is about."""
    try:
        return min(60.0, max(0.5, number(row.cells["duration"], True)))
    except (KeyError, PydanticCustomError):
        spoken = len(str(row.cells.get("narration", ""))) / SPOKEN
        return max(SHORTEST, spoken + BREATHS)
