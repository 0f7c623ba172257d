"""A project as one file to keep or hand on: a .zip with story.json and its pictures. Knows no page and no disk of ours.

What comes back in is a stranger's: only names that the story asks for are looked at, nothing is written but into the
project's own folder under names of ours, and bytes are counted while they are unpacked, whatever the headers say.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipelines.story_cells import PICTURE_BYTES, SOUND_BYTES, is_sound
from pipelines.vault import disk
from pipelines.work import FilmError

from .project import Project, of, told
from .shelf import Document

STORY = "story.json"
MOST_STORY = 20 * 2**20
MOST_UNPACKED = 2 * 2**30
MOST_MEMBERS = 4000
BLOCK = 1 << 18
NOT_OURS = FilmError("This is not a Reelwright project.", "Open a .zip that was saved here.")


def save(document: Document, out: Path) -> None:
    """Write the project with everything it uses."""
    with document.lock:
        project = document.project
    story = told(project)
    names: dict[str, str] = {}
    with disk(), zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as packed:
        for holder, field, stem in _files(story):
            kept = document.pictures / Path(str(holder[field])).name
            if not kept.is_file():
                continue
            inside = names.setdefault(kept.name, f"{'sounds' if is_sound(kept.name) else 'pictures'}/{stem}{kept.suffix}")
            holder[field] = inside
            if inside not in packed.namelist():
                packed.write(kept, inside)
        packed.writestr(STORY, json.dumps(story, ensure_ascii=False, indent=2), zipfile.ZIP_DEFLATED)


def load(path: Path, document: Document) -> Project:
    """The project in that file, its pictures copied into `document`. FilmError if it cannot be read."""
    try:
        with zipfile.ZipFile(path) as packed:
            members = packed.infolist()
            if len(members) > MOST_MEMBERS:
                raise FilmError(f"The project has {len(members):,} files, more than {MOST_MEMBERS:,}.", NOT_OURS.hint)
            inside = {member.filename: member for member in members if not member.is_dir()}
            if STORY not in inside:
                raise NOT_OURS
            story = json.loads(_read(packed, inside[STORY], MOST_STORY).decode("utf-8-sig"))
            if not isinstance(story, dict) or not isinstance(story.get("scenes", []), list):
                raise NOT_OURS
            left = MOST_UNPACKED
            for holder, field, _ in _files(story):
                left -= _take(packed, inside, holder, field, document, left)
            return of(story)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, RecursionError, ValueError) as error:
        raise FilmError("The project file is damaged.", "Save it anew, or open another one.") from error


def _take(
    packed: zipfile.ZipFile, inside: Mapping[str, zipfile.ZipInfo], holder: dict[str, Any], field: str, document: Document, left: int
) -> int:
    """Copy the file that a cell names; a cell that names none stays as it is, and says so when it is checked."""
    name = str(holder[field])
    if name not in inside:
        return 0
    data = _read(packed, inside[name], min(left, SOUND_BYTES if is_sound(name) else PICTURE_BYTES))
    beside = document.folder / "unpacked"
    try:
        with disk():
            beside.write_bytes(data)
        holder[field] = document.keep(beside, name)
    finally:
        beside.unlink(missing_ok=True)
    return len(data)


def _read(packed: zipfile.ZipFile, member: zipfile.ZipInfo, most: int) -> bytes:
    """A member's bytes, at most so many however large it says it is."""
    data = bytearray()
    with packed.open(member) as file:
        while block := file.read(BLOCK):
            data += block
            if len(data) > most:
                raise FilmError(f"{member.filename[-60:]!r} in the project is too large.", "Make it smaller, and save anew.")
    return bytes(data)


def _files(story: Mapping[str, Any]) -> list[tuple[dict[str, Any], str, str]]:
    """Every cell that may name a file: what holds it, its field, and a name for the file."""
    found: list[tuple[dict[str, Any], str, str]] = []
    for i, scene in enumerate(story.get("scenes", ())):
        if isinstance(scene, dict):
            found += [(scene, "image", f"scene_{i + 1}")] if isinstance(scene.get("image"), str) else []
            found += [(scene, "voice", f"voice_{i + 1}")] if is_sound(scene.get("voice")) else []
    whole = story if isinstance(story, dict) else {}
    return found + [(whole, field, field) for field in ("voice", "music") if is_sound(whole.get(field))]
