"""What a visitor does to the scenes: every edit of storyboard and inspector, as an operation on the project.

Everything that comes from a browser is checked here: ids, fields, positions, uploaded paths. Knows no layout.
"""

from __future__ import annotations

import html
import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import wraps
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ParamSpec, TypeVar

import gradio as gr
from gradio import utils
from gradio.utils import get_upload_folder

from pipelines.story_cells import clean, is_sound
from pipelines.story_files import told
from pipelines.story_pictures import PICTURES, VIDEOS, natural
from pipelines.vault import disk, linked
from pipelines.work import FilmError

from .. import consent
from ..bundle import load as unpack
from ..production import reroll, start
from ..project import Change, Project, Row, both, edited, inserted, moved, new_row, of, removed, set_to
from ..shelf import Document
from .parts import TABLES
from .rooms import Rooms
from .views import View, look

P = ParamSpec("P")
R = TypeVar("R")
MOST_TEXT = 400_000  # characters of a pasted story
MOST_FILES = 500
WHOLE = ("add", "write", "files", "unsent", "refresh")  # what may be done without a scene


def plainly(act: Callable[P, R]) -> Callable[P, R]:
    """What went wrong is told in a message on the page. Its text is markup there: so it is escaped."""

    @wraps(act)
    def told(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return act(*args, **kwargs)
        except FilmError as error:
            raise sorry(error) from error

    return told


def sorry(error: FilmError) -> gr.Error:
    """A FilmError as the page tells it."""
    said = [f"{error.message} {error.hint}".strip(), *(str(fault) for fault in error.faults[:6])]
    more = len(error.faults) - 6
    said += [f"And {more} more."] if more > 0 else []
    return gr.Error("<br>".join(html.escape(line) for line in said), duration=12, title="", print_exception=False)


def document_of(rooms: Rooms, identity: object) -> Document:
    """The project that a page works on; FilmError if it was cleared away."""
    document = rooms.shelf.get(identity)
    if document is None:
        raise FilmError("This project is not there any more.", "Reload the page to begin another.")
    return document


def uploaded(path: object) -> Path:
    """A file that was uploaded here; FilmError for any other path."""
    given = utils.abspath(str(path))
    if not os.path.isfile(given) or not utils.is_in_or_equal(given, get_upload_folder()):
        raise FilmError("That file was not uploaded here.", "Choose it again.")
    return Path(given)


def act(rooms: Rooms, identity: str, selected: str, asked: dict[str, Any]) -> tuple[View, View, str]:
    """One operation of the storyboard. -> how it was, how it is, which row is chosen."""
    document = document_of(rooms, identity)
    before = look(rooms, document)
    what, row = str(asked.get("what")), str(asked.get("id", ""))
    if document.project.row(row) is None and what not in WHOLE:
        return before, before, selected  # another tab deleted it meanwhile
    match what:
        case "select":
            selected = row
        case "edit":
            name = str(asked.get("field"))
            document.change(edited(row, name, asked.get("value")), f"{row}.{name}")
        case "move":
            document.change(moved(row, whole(asked.get("to"))))
        case "add":
            selected = _insert(document, [new_row({})], str(asked.get("after") or ""))
        case "duplicate":
            cells = next(each.cells for each in document.project.rows if each.id == row)
            selected = _insert(document, [new_row(cells)], row)
        case "delete":
            selected = _delete(document, row, selected)
        case "write":
            selected = _write(rooms, document, str(asked.get("text", ""))[:MOST_TEXT])
        case "files":
            selected = _files(rooms, document, row, asked.get("files")) or selected
        case "unsent":
            raise FilmError(f'"{str(asked.get("name", ""))[:80]}" could not be uploaded.', "It may be too large; try again.")
        case "only":
            begin(rooms, document, row)
        case "reroll":
            if look(rooms, document).state.busy:
                raise FilmError("A film is being made already.", "Stop it first, or wait until it is done.")
            reroll(document, row)
            begin(rooms, document, row)
    return before, look(rooms, document), selected


def picture(rooms: Rooms, document: Document, file: Path, name: str) -> str:
    """An uploaded picture taken into the project; FilmError, and nothing kept, if it cannot be opened."""
    kept = document.keep(file, name)
    if not is_sound(kept):
        try:
            rooms.samples.thumb(document, kept)
        except FilmError as error:
            raise FilmError(f'"{name[-60:]}": {error.message}', error.hint, name[-60:]) from error
        rooms.samples.look(document, [kept])
    return kept


def _insert(document: Document, rows: list[Row], after: str) -> str:
    document.change(inserted(rows, after))
    return rows[-1].id if len(rows) == 1 else rows[0].id


def _delete(document: Document, row: str, selected: str) -> str:
    at = document.project.at(row)
    document.change(removed([row]))
    rows = document.project.rows
    if selected != row:
        return selected
    return rows[min(at, len(rows) - 1)].id if rows else ""


def _write(rooms: Rooms, document: Document, text: str) -> str:
    """A pasted text: one line, or where there are empty lines one paragraph, a scene."""
    told = clean(text)  # a NUL would make it another kind of file
    told = told if "\n\n" in told.strip() else "\n\n".join(line for line in told.splitlines() if line.strip())
    if not told.strip():
        return ""
    with disk(), TemporaryDirectory(dir=document.folder, prefix="pasted-") as folder:
        beside = Path(folder) / "pasted.txt"
        beside.write_text(told, "utf-8")
        return _table(rooms, document, beside, "", {})


def _files(rooms: Rooms, document: Document, row: str, given: object) -> str:
    """Files dropped on a scene or on the page: pictures become scenes, a table or text its rows, a project itself."""
    if not isinstance(given, list) or not 0 < len(given) <= MOST_FILES:
        raise FilmError("Those files cannot be taken.", f"Choose at most {MOST_FILES}.")
    files = [(uploaded(one.get("path")), re.sub(r"[\x00-\x1f/\\]", "", str(one.get("name", "")))[-200:]) for one in given if isinstance(one, dict)]
    pictures = [(file, name) for file, name in files if Path(name).suffix.lower() in PICTURES | VIDEOS]
    tables = [(file, name) for file, name in files if Path(name).suffix.lower() in TABLES]
    strange = [name for file, name in files if (file, name) not in pictures and (file, name) not in tables and not is_sound(name)]
    if strange:
        raise FilmError(f'"{strange[0][-60:]}" is not a picture, a table, a text or a project.', "Choose another file.")
    sounds = [(file, name) for file, name in files if is_sound(name)]
    if document.project.row(row) is not None and not tables:
        for file, name in (pictures or sounds)[:1]:
            document.change(edited(row, "image" if pictures else "voice", picture(rooms, document, file, name)))
        return row
    if sounds and not tables:
        raise FilmError("A sound belongs to a scene, or to the whole film.", "Drop it on a scene as its voice; music is chosen under Story.")
    taken: dict[str, str] = {}
    faults: list[FilmError] = []
    for i, (file, name) in enumerate(sorted([*pictures, *sounds], key=lambda pair: natural(pair[1]))):
        try:
            known = name.casefold()
            taken[f"{known}/{i}" if known in taken else known] = picture(rooms, document, file, name)
        except FilmError as error:
            faults.append(error)
    chosen = ""
    for file, name in tables:
        chosen = _table(rooms, document, file, name, taken) or chosen
    used = {str(each.cells.get(cell, "")) for each in document.project.rows for cell in ("image", "voice")}
    empty = [each for each in document.project.rows if "image" not in each.cells] if tables else []
    changes: list[Change] = []
    for kept in taken.values():
        if (tables and kept in used) or is_sound(kept):
            continue
        if empty:
            changes.append(edited(empty.pop(0).id, "image", kept))
        else:
            fresh = new_row({"image": kept})
            changes.append(inserted([fresh]))
            chosen = chosen or fresh.id
    document.change(both(changes))
    if faults:
        raise faults[0] if len(faults) == 1 else FilmError(f"{len(faults)} pictures cannot be used.", "The others are there.", faults=tuple(faults))
    return chosen


def _table(rooms: Rooms, document: Document, file: Path, name: str, pictures: Mapping[str, str]) -> str:
    """The rows of a story file behind those that are there; a project takes the place of an empty one."""
    if Path(name).suffix.lower() == ".zip":
        fresh = unpack(file, document)
        thumbs(rooms, document, [str(row.cells["image"]) for row in fresh.rows if row.cells.get("image")])
    else:
        fresh = _told(rooms, document, file, name)
    rows = [new_row({**row.cells, **_files_of(row, pictures)}) for row in fresh.rows]
    kept = {field: value for field, value in fresh.settings.items() if field != "title" or name}
    document.change(
        lambda project: inserted(rows)(project if project.rows else replace(project, settings={**project.settings, **kept}))
    )
    return rows[0].id if rows else ""


def _told(rooms: Rooms, document: Document, file: Path, name: str) -> Project:
    """A story file's rows and settings; it has its title from the name that its owner gave it."""
    ending = Path(name).suffix.lower() if name else ".txt"
    with disk(), TemporaryDirectory(dir=document.folder, prefix="read-") as folder:
        ours = Path(folder) / f"story{ending}"
        linked(file, ours)
        try:
            fresh = of(told(ours, rooms.desk.presets))
        except FilmError as error:
            message = error.message.replace(ours.name, f'"{name[-60:]}"' if name else "The text", 1)
            raise FilmError(message, error.hint, name[-60:], error.faults) from error
    if fresh.title == "Story" and name:
        title = " ".join(re.sub(r"[\s_-]+", " ", Path(name).stem).split())[:200]
        return set_to("title", title[:1].upper() + title[1:])(fresh)
    return fresh


def _files_of(row: Row, files: Mapping[str, str]) -> dict[str, str]:
    """The row's picture and sound among those that came with its table, by the last part of their names."""
    names = {cell: str(row.cells.get(cell, "")).replace("\\", "/").rpartition("/")[2].casefold() for cell in ("image", "voice")}
    return {cell: files[name] for cell, name in names.items() if name in files}


def thumbs(rooms: Rooms, document: Document, kept: list[str]) -> None:
    """Small pictures for all of them, and a look for faces; one that cannot be opened is told of when the film is made."""
    for name in dict.fromkeys(kept):
        with suppress(FilmError):
            rooms.samples.thumb(document, name)
    rooms.samples.look(document, kept)


def begin(rooms: Rooms, document: Document, row: str = "") -> str:
    """Have the film made, or a film of that row alone. -> the job's id."""
    rooms.samples.look(document, consent.pictures(document))
    return start(rooms.desk, document, row)


def whole(value: object) -> int:
    """A whole number from a browser; 0 for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
