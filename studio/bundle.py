"""A project as one file to keep or hand on: a .zip with story.json and its pictures. Knows no page and no disk of ours.

What comes back in is a stranger's: only names that the story asks for are looked at, nothing is written but into the
project's own folder under names of ours, and bytes are counted while they are unpacked, whatever the headers say.
"""

from __future__ import annotations

import io
import json
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pipelines.story_cells import is_sound
from pipelines.vault import disk, replacing
from pipelines.work import FilmError

from .project import Project, few, of, told
from .shelf import Document, most_bytes

STORY = "story.json"
MOST_STORY = 20 * 2**20
MOST_UNPACKED = 2 * 2**30
MOST_MEMBERS = 4000
MOST_LISTED = 2 * 2**20  # bytes of the list of members, which zipfile takes into memory whole
BLOCK = 1 << 18
NOT_OURS = "This is not a Reelwright project.", "Open a .zip that was saved here."
DAMAGED = "The project file is damaged.", "Save it anew, or open another one."
# What zipfile and json let out for files that are damaged or made up.
TORN = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, RuntimeError, ArithmeticError, ValueError)


def save(document: Document, out: Path) -> None:
    """Write the project with everything it uses."""
    with document.lock:
        project = document.project
    story = told(project)
    names: dict[str, str] = {}
    with disk(), replacing(out) as beside, zipfile.ZipFile(beside, "w", zipfile.ZIP_STORED, strict_timestamps=False) as packed:
        for holder, field, stem in _files(story):
            kept = document.kept(str(holder[field]))
            if kept is None:
                continue
            if kept.name not in names:
                names[kept.name] = f"{'sounds' if is_sound(kept.name) else 'pictures'}/{stem}{kept.suffix}"
                packed.write(kept, names[kept.name])
            holder[field] = names[kept.name]
        packed.writestr(STORY, json.dumps(story, ensure_ascii=False, indent=2), zipfile.ZIP_DEFLATED)


def load(path: Path, document: Document) -> Project:
    """The project in that file, its pictures copied into `document`. FilmError if it cannot be read."""
    try:
        with _Measured(path) as file, zipfile.ZipFile(file) as packed:
            members = packed.infolist()
            if len(members) > MOST_MEMBERS:
                raise FilmError(f"The project has {len(members):,} files, more than {MOST_MEMBERS:,}.", NOT_OURS[1])
            inside = {member.filename: member for member in members if not member.is_dir()}
            if STORY not in inside:
                raise FilmError(*NOT_OURS)
            story = json.loads(b"".join(_blocks(packed, inside[STORY], MOST_STORY)).decode("utf-8-sig"))
            if not isinstance(story, dict) or not isinstance(story.get("scenes", []), list):
                raise FilmError(*NOT_OURS)
            few(len(story.get("scenes", [])))
            kept, left = dict[str, str](), MOST_UNPACKED
            for holder, field, _ in _files(story):
                name = str(holder[field])
                if name in inside and name not in kept:
                    kept[name], size = _take(packed, inside[name], document, left)
                    left -= size
                holder[field] = kept.get(name, name)  # one that is not here stays, and says so when it is checked
            return of(story)
    except TORN as error:
        raise FilmError(*DAMAGED) from error


def _take(packed: zipfile.ZipFile, member: zipfile.ZipInfo, document: Document, left: int) -> tuple[str, int]:
    """Copy a member into the project. -> the name that a cell holds, and its bytes."""
    size = 0
    with disk(), tempfile.TemporaryDirectory(dir=document.folder, prefix="unpacked-") as folder:
        beside = Path(folder) / "file"
        with beside.open("wb") as file:
            for block in _blocks(packed, member, min(left, most_bytes(member.filename))):
                size += file.write(block)
        return document.keep(beside, member.filename), size


def _blocks(packed: zipfile.ZipFile, member: zipfile.ZipInfo, most: int) -> Iterator[bytes]:
    """A member's bytes, at most so many however large it says it is."""
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # of others a block may be any size
        raise FilmError(*DAMAGED)
    size = 0
    with packed.open(member) as file:
        while block := file.read(BLOCK):
            size += len(block)
            if size > most:
                raise FilmError(f'"{member.filename[-60:]}" in the project is too large.', "Make it smaller, and save anew.")
            yield block


class _Measured(io.FileIO):
    """A file of which nobody reads much at once, whatever its headers say."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > MOST_LISTED:
            raise zipfile.BadZipFile("a list of members that no project has")
        return super().read(MOST_LISTED if size is None or size < 0 else size) or b""


def _files(story: Mapping[str, Any]) -> list[tuple[dict[str, Any], str, str]]:
    """Every cell that may name a file: what holds it, its field, and a name for the file."""
    found: list[tuple[dict[str, Any], str, str]] = []
    for i, scene in enumerate(story.get("scenes", ())):
        if isinstance(scene, dict):
            found += [(scene, "image", f"scene_{i + 1}")] if isinstance(scene.get("image"), str) else []
            found += [(scene, "voice", f"voice_{i + 1}")] if is_sound(scene.get("voice")) else []
    whole = story if isinstance(story, dict) else {}
    found += [(whole, "logo", "logo")] if isinstance(whole.get("logo"), str) else []
    return found + [(whole, field, field) for field in ("voice", "music") if is_sound(whole.get(field))]
