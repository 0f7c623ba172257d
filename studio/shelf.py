"""Projects on the disk: each in a folder with a name that nobody can guess, saved with every change, with undo.

Who knows a project's id may work on it; several tabs may at once, change by change. Knows no page and no jobs' insides.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pipelines.story_cells import PICTURE_BYTES, SOUND_BYTES, SOUNDS
from pipelines.story_pictures import PICTURES
from pipelines.vault import disk, linked, replacing
from pipelines.work import FilmError

from .project import Change, Project, Row

FILE = "project.json"
MOST_UNDO = 100
TYPING = 3.0  # seconds within which changes of one cell are one step to undo
IDS = re.compile(r"[A-Za-z0-9_-]{20,40}")


@dataclass(frozen=True, slots=True)
class Take:
    """A clip that was made of a scene with that seed; `clip` is a file's name in the project's shown folder."""

    seed: int
    clip: str


@dataclass(frozen=True, slots=True)
class Works:
    """What was made of a project. `made`: by row, the sign of what its newest clip shows; `film` and `job`: ids of jobs."""

    made: Mapping[str, str] = field(default_factory=dict)
    takes: Mapping[str, tuple[Take, ...]] = field(default_factory=dict)
    failed: Mapping[str, tuple[str, str, str]] = field(default_factory=dict)  # by row: what is wrong, the remedy, the sign
    job: str = ""
    heard: int = 0  # events of that job that are in here already
    film: str = ""
    film_sign: str = ""


class Document:
    """One project, open. Every method may be called from any thread."""

    def __init__(self, identity: str, folder: Path, shown: Path, told: Mapping[str, Any]) -> None:
        self.id, self.folder, self.shown = identity, folder, shown
        self.owner = str(told.get("owner", ""))
        self.lock = threading.RLock()
        self.version = 1  # of what people wrote
        self.news = 0  # of what was made
        rows = tuple(Row(str(row["id"]), dict(row["cells"])) for row in told.get("rows", ()))
        self.project = Project(rows, dict(told.get("settings", {})))
        self.works = _works(told.get("works", {}))
        self.memo: dict[str, Any] = {}  # what others worked out about the project as it stands
        self._undo: list[Project] = []
        self._redo: list[Project] = []
        self._group: tuple[str, float] = ("", 0.0)

    @property
    def pictures(self) -> Path:
        return self.folder / "pictures"

    def change(self, change: Change, group: str = "") -> None:
        """Change the project; it is on the disk when this returns. Changes of one `group` soon after one another are
        undone together."""
        with self.lock:
            after = change(self.project)
            if after == self.project:
                return
            now = time.monotonic()
            if not (group and group == self._group[0] and now - self._group[1] < TYPING):
                self._undo = [*self._undo[-MOST_UNDO + 1 :], self.project]
            self._group = (group, now)
            self._redo = []
            self._put(after)

    def undo(self) -> bool:
        """Take the last change back; whether there was one."""
        return self._step(self._undo, self._redo)

    def redo(self) -> bool:
        return self._step(self._redo, self._undo)

    def note(self, change: Callable[[Works], Works]) -> None:
        """Keep what was made; that is no change to undo."""
        with self.lock:
            after = change(self.works)
            if after != self.works:
                before, self.works = self.works, after
                self._save_or(lambda: setattr(self, "works", before))
                self.news += 1

    def keep(self, file: Path, name: str) -> str:
        """A copy of an uploaded picture or sound in the project's own folder. -> the name that a cell holds."""
        suffix = Path(name).suffix.lower()
        if suffix not in PICTURES | SOUNDS:
            known = ", ".join(sorted(PICTURES if suffix not in SOUNDS else SOUNDS))
            raise FilmError(f'"{name[-60:]}" is not a kind of picture that can be read.', f"Use one of {known}.", name[-60:])
        most = SOUND_BYTES if suffix in SOUNDS else PICTURE_BYTES
        size = file.stat().st_size
        if not 0 < size <= most:
            said = "is empty" if not size else f"has {-(-size // 2**20):,} MB, more than {most // 2**20} MB"
            raise FilmError(f'"{name[-60:]}" {said}.', "Choose another file.", name[-60:])
        with file.open("rb") as opened:
            kept = hashlib.file_digest(opened, "sha256").hexdigest()[:24] + suffix
        target = self.pictures / kept
        if not target.exists():
            with disk():
                self.pictures.mkdir(exist_ok=True)
                with replacing(target) as beside:
                    shutil.copyfile(file, beside)
        return kept

    def show(self, file: Path, name: str) -> str:
        """A finished file of ours where the browser may fetch it, under `name`. -> that name."""
        target = self.shown / name
        if not target.exists():
            self.shown.mkdir(parents=True, exist_ok=True)
            with suppress(FileExistsError), disk():
                linked(file, target)
        return name

    def _step(self, back: list[Project], forth: list[Project]) -> bool:
        with self.lock:
            if not back:
                return False
            forth.append(self.project)
            self._group = ("", 0.0)
            self._put(back.pop())
            return True

    def _put(self, project: Project) -> None:
        before, self.project = self.project, project
        self._save_or(lambda: setattr(self, "project", before))
        self.version += 1

    def _save_or(self, back: Callable[[], None]) -> None:
        """Save; where that cannot be done, what was there before stays."""
        try:
            self.save()
        except FilmError:
            back()
            raise

    def save(self) -> None:
        rows = [{"id": row.id, "cells": dict(row.cells)} for row in self.project.rows]
        works = self.works
        kept = {
            "made": dict(works.made),
            "takes": {row: [[take.seed, take.clip] for take in takes] for row, takes in works.takes.items()},
            "failed": {row: list(said) for row, said in works.failed.items()},
            "job": works.job,
            "heard": works.heard,
            "film": works.film,
            "film_sign": works.film_sign,
        }
        told = {"owner": self.owner, "settings": dict(self.project.settings), "rows": rows, "works": kept}
        with disk(), replacing(self.folder / FILE) as beside:
            beside.write_text(json.dumps(told, ensure_ascii=False), "utf-8")


class Shelf:
    """All projects of one data folder. `shown` is the only folder of which files are handed to browsers."""

    def __init__(self, data: Path) -> None:
        self.root, self.shown = data / "projects", data / "shown"
        for folder in (self.root, self.shown):
            folder.mkdir(parents=True, exist_ok=True)
        self._open: dict[str, Document] = {}
        self._lock = threading.Lock()

    def new(self, owner: str) -> Document:
        """An empty project."""
        identity = secrets.token_urlsafe(18)
        folder = self.root / identity
        with disk():
            folder.mkdir()
        document = Document(identity, folder, self.shown / identity, {"owner": owner})
        document.save()
        with self._lock:
            self._open[identity] = document
        return document

    def get(self, identity: object) -> Document | None:
        """The project of that id, if there is one."""
        if not isinstance(identity, str) or not IDS.fullmatch(identity):
            return None
        with self._lock:
            if identity not in self._open:
                folder = self.root / identity
                try:
                    told = json.loads((folder / FILE).read_text("utf-8"))
                except (OSError, ValueError):
                    return None
                self._open[identity] = Document(identity, folder, self.shown / identity, told)
            return self._open[identity]

    def of(self, owner: str) -> Iterator[tuple[Document, float]]:
        """That visitor's projects with the time of their last change, the newest first."""
        if not owner:
            return
        for changed, path in sorted(((path.stat().st_mtime, path) for path in self.root.glob(f"*/{FILE}")), reverse=True):
            document = self.get(path.parent.name)
            if document and document.owner == owner:
                yield document, changed

    def forget(self, older_than: float) -> list[str]:
        """Delete projects that nobody changed for so many seconds. -> their ids."""
        gone = []
        for path in list(self.root.glob(f"*/{FILE}")):
            with suppress(OSError):
                if time.time() - path.stat().st_mtime > older_than:
                    gone.append(path.parent.name)
        for identity in gone:
            with self._lock:
                self._open.pop(identity, None)
            shutil.rmtree(self.root / identity, ignore_errors=True)
            shutil.rmtree(self.shown / identity, ignore_errors=True)
        return gone


def _works(told: Mapping[str, Any]) -> Works:
    takes = {row: tuple(Take(int(seed), str(clip)) for seed, clip in each) for row, each in told.get("takes", {}).items()}
    failed = {row: (str(said[0]), str(said[1]), str(said[2])) for row, said in told.get("failed", {}).items()}
    plain = {name: told[name] for name in ("job", "heard", "film", "film_sign") if name in told}
    return replace(Works(dict(told.get("made", {})), takes, failed), **plain)
