"""Beginning, opening and saving: a visitor's projects, the sample story, project files, settings to share."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipelines.story_cells import is_sound
from pipelines.story_files import load
from pipelines.vault import disk, replacing
from pipelines.work import FilmError

from ..bundle import load as unpack
from ..bundle import save as pack
from ..project import SETTINGS, Project, both, inserted, of_story, set_to
from ..project import story as story_of
from ..settings import HOME
from ..shelf import Document
from .acts import document_of, thumbs
from .rooms import Rooms
from .sheet import filled
from .views import look

SAMPLE = HOME / "presets" / "stories" / "to-the-sea.json"
STILLS = HOME / "assets" / "stills"
SHARED = tuple(name for name in SETTINGS if name not in ("title", "seed"))
MOST_SETTINGS = 100_000  # bytes of a settings file
MARK = "reelwright_settings"


def at_start(rooms: Rooms, saved: object) -> tuple[Document, str]:
    """The project that this browser last worked on, or a new one; and the visitor's own secret name."""
    told = saved if isinstance(saved, dict) else {}
    visitor = told.get("visitor")
    if not isinstance(visitor, str) or not re.fullmatch(r"[A-Za-z0-9_-]{20,40}", visitor):
        visitor = secrets.token_urlsafe(18)
    document = rooms.shelf.get(told.get("project"))
    if document is None or document.owner != visitor:
        document = rooms.shelf.new(visitor)
    return document, visitor


def new(rooms: Rooms, visitor: str) -> Document:
    """An empty project."""
    return rooms.shelf.new(visitor)


def mine(rooms: Rooms, visitor: str, identity: object) -> Document:
    """One of this visitor's own projects."""
    document = rooms.shelf.get(identity)
    if document is None or document.owner != visitor:
        raise FilmError("This project is not there any more.", "Choose another.")
    return document


def sample(rooms: Rooms, identity: str) -> Document:
    """The sample story, put into the project."""
    document = document_of(rooms, identity)
    fresh = of_story(load(SAMPLE, rooms.desk.presets, STILLS))
    rows = [replace(row, cells={**row.cells, **_kept(document, row.cells)}) for row in fresh.rows]
    thumbs(rooms, document, [str(row.cells["image"]) for row in rows if row.cells.get("image")])
    document.change(lambda project: inserted(rows)(replace(project, settings={**fresh.settings, **project.settings})))
    return document


def _kept(document: Document, cells: Mapping[str, Any]) -> dict[str, str]:
    """A row's picture, copied into the project."""
    picture = Path(str(cells["image"])) if cells.get("image") else None
    return {"image": document.keep(picture, picture.name)} if picture else {}


def opened(rooms: Rooms, visitor: str, file: Path) -> Document:
    """A saved project as a new one of this visitor."""
    document = rooms.shelf.new(visitor)
    try:
        fresh = unpack(file, document)
        thumbs(rooms, document, [str(row.cells["image"]) for row in fresh.rows if row.cells.get("image")])
        document.change(lambda _: fresh)
    except FilmError:
        rooms.shelf.drop(document.id)
        raise
    return document


def saved(rooms: Rooms, identity: str) -> Path:
    """The project as one file, named after the film."""
    document = document_of(rooms, identity)
    out = handed_out(document, ".zip")
    pack(document, out)
    return out


def table(rooms: Rooms, identity: str) -> Path:
    """The scenes as a CSV file, named after the film."""
    document = document_of(rooms, identity)
    out = handed_out(document, ".csv")
    frame, _ = filled(look(rooms, document))
    frame["image"] = [row.cells.get("image", "") for row in document.project.rows]
    with disk(), replacing(out) as beside:
        frame.to_csv(beside, index=False, encoding="utf-8-sig")
    return out


def handed_out(document: Document, suffix: str) -> Path:
    """Where a file for the visitor goes; those of former titles go away."""
    out = document.shown / f"{file_name(document.project.title)}{suffix}"
    with disk():
        document.shown.mkdir(parents=True, exist_ok=True)
    for older in document.shown.glob(f"*{suffix}"):
        if older != out:
            older.unlink(missing_ok=True)
    return out


def settings_file(rooms: Rooms, identity: str, name: str) -> Path:
    """The film's settings under a name, as a small file that can be handed on."""
    document = document_of(rooms, identity)
    kept = {field: value for field, value in document.project.settings.items() if field in SHARED and not is_sound(value)}
    out = document.shown / f"{file_name(name or document.project.title)}.reelwright.json"
    with disk():
        document.shown.mkdir(parents=True, exist_ok=True)
        with replacing(out) as beside:
            beside.write_text(json.dumps({MARK: 1, "name": name[:100], **kept}, ensure_ascii=False, indent=2), "utf-8")
    return out


def use_settings(rooms: Rooms, identity: str, file: Path) -> str:
    """Take settings from such a file. -> their name. FilmError if it is none, or if they do not fit."""
    document = document_of(rooms, identity)
    wrong = FilmError("This is not a file of settings.", "Choose one that was saved here.", file.name)
    if file.stat().st_size > MOST_SETTINGS:
        raise wrong
    try:
        told = json.loads(file.read_text("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise wrong from error
    if not isinstance(told, dict) or told.get(MARK) != 1:
        raise wrong
    change = both([set_to(field, told[field]) for field in SHARED if isinstance(told.get(field), str | int | float)])
    _, faults = story_of(change(Project()), rooms.desk.presets, document.pictures)
    if wrongs := [fault for fault in faults if fault.field in SHARED]:
        raise FilmError(wrongs[0].message, wrongs[0].hint, file.name)
    document.change(change)
    return str(told.get("name", ""))[:100]


def file_name(title: str) -> str:
    """A title as a file's name on any system."""
    words = re.sub(r"[^\w\- ]+", "", title, flags=re.UNICODE).strip(" -").replace(" ", "-")
    return words.encode()[:120].decode(errors="ignore") or "film"  # in bytes: so disks count


def spoken(document: Document, selected: str) -> str:
    """A sentence to hear a voice by: the chosen scene's own, if it has one."""
    row = document.project.row(selected)
    own: Any = row.cells.get("narration") if row else None
    said = str(own) if own else next((str(each.cells["narration"]) for each in document.project.rows if each.cells.get("narration")), "")
    return said[:160] or "Once upon a time, somebody pressed a button, and a film began."
