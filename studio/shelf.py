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
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from pipelines.gate import VIDEO_BYTES
from pipelines.story_cells import PICTURE_BYTES, SOUND_BYTES, SOUNDS
from pipelines.story_pictures import PICTURES, VIDEOS
from pipelines.vault import disk, linked, replacing
from pipelines.work import FilmError

from .project import Change, Project, Row

FILE = "project.json"
MOST_UNDO = 100
MOST_OPEN = 200  # projects in memory that nobody works on now; a page's own stays with it
TYPING = 3.0  # seconds within which changes of one cell are one step to undo
IDS = re.compile(r"[A-Za-z0-9_-]{20,40}")
NAMES = re.compile(r"[0-9a-f]{24}\.[a-z0-9]{1,8}")  # of kept files: their content's, so that no two are mixed up


def most_bytes(name: str) -> int:
    """How large a file of that name may be, by its ending."""
    suffix = Path(name).suffix.lower()
    return SOUND_BYTES if suffix in SOUNDS else VIDEO_BYTES if suffix in VIDEOS else PICTURE_BYTES


@dataclass(frozen=True, slots=True)
class Take:
    """A clip that was made of a scene with that seed; `clip` is a file's name in the project's shown folder, `look` a
    sign of what it was to show."""

    seed: int
    clip: str
    look: str = ""


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
    cuts: tuple[str, ...] = ()  # jobs that made a video over, the newest last
    faces: Mapping[str, bool] = field(default_factory=dict)  # pictures that show a face: whether its owner agrees


class Document:
    """One project, open. Every method may be called from any thread."""

    def __init__(self, identity: str, folder: Path, shown: Path, told: Mapping[str, Any]) -> None:
        self.id, self.folder, self.shown = identity, folder, shown
        self.owner = str(told.get("owner", ""))
        self.lock = threading.RLock()
        self.version = int(told.get("version", 1))  # of what people wrote; goes on after a restart
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
            before, now = self.project, time.monotonic()
            self._put(after)
            if not (group and group == self._group[0] and now - self._group[1] < TYPING):
                self._undo = [*self._undo[-MOST_UNDO + 1 :], before]
            self._group = (group, now)
            self._redo = []

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
                try:
                    self.save()
                except FilmError:
                    self.works = before
                    raise
                self.news += 1

    def keep(self, file: Path, name: str) -> str:
        """A copy of an uploaded picture, video or sound in the project's own folder. -> the name that a cell holds."""
        suffix = Path(name).suffix.lower()
        if suffix not in PICTURES | VIDEOS | SOUNDS:
            known = ", ".join((*sorted(PICTURES), *sorted(VIDEOS), *sorted(SOUNDS)))
            raise FilmError(f'"{name[-60:]}" is no picture, no video and no sound that can be read.', f"Use one of {known}.", name[-60:])
        most = most_bytes(name)
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

    def kept(self, name: str) -> Path | None:
        """The file of that name, if it is one that `keep` gave."""
        path = self.pictures / name if NAMES.fullmatch(name) else None
        return path if path and path.is_file() else None

    def show(self, file: Path, name: str) -> str:
        """A finished file of ours where the browser may fetch it, under `name`. -> that name."""
        target = self.shown / name
        if not target.exists():
            with disk():
                self.shown.mkdir(parents=True, exist_ok=True)
                with replacing(target) as beside:  # two may show the same file at once
                    linked(file, beside)
        return name

    def _step(self, back: list[Project], forth: list[Project]) -> bool:
        with self.lock:
            if not back:
                return False
            before = self.project
            self._put(back[-1])
            forth.append(before)
            back.pop()
            self._group = ("", 0.0)
            return True

    def _put(self, project: Project) -> None:
        before = self.project, self.version
        self.project, self.version = project, self.version + 1
        try:
            self.save()
        except FilmError:
            self.project, self.version = before
            raise

    def save(self) -> None:
        rows = [{"id": row.id, "cells": dict(row.cells)} for row in self.project.rows]
        works = self.works
        kept = {
            "made": dict(works.made),
            "takes": {row: [[take.seed, take.clip, take.look] for take in takes] for row, takes in works.takes.items()},
            "failed": {row: list(said) for row, said in works.failed.items()},
            "job": works.job,
            "heard": works.heard,
            "film": works.film,
            "film_sign": works.film_sign,
            "cuts": list(works.cuts),
            "faces": dict(works.faces),
        }
        told = {"owner": self.owner, "version": self.version, "settings": dict(self.project.settings), "rows": rows, "works": kept}
        with disk(), replacing(self.folder / FILE) as beside:
            beside.write_text(json.dumps(told, ensure_ascii=False), "utf-8")


class Shelf:
    """All projects of one data folder. `shown` is the only folder of which files are handed to browsers."""

    def __init__(self, data: Path) -> None:
        self.root, self.shown = data / "projects", data / "shown"
        for folder in (self.root, self.shown):
            folder.mkdir(parents=True, exist_ok=True)
        self._open: WeakValueDictionary[str, Document] = WeakValueDictionary()  # one of each, however many work on it
        self._recent: OrderedDict[str, Document] = OrderedDict()  # holds them for a while, with their undo
        self._owners: dict[str, str] = {}
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
            self._keep(document)
        return document

    def get(self, identity: object) -> Document | None:
        """The project of that id, if there is one."""
        if not isinstance(identity, str) or not IDS.fullmatch(identity):
            return None
        with self._lock:
            document = self._open.get(identity)
            if document is None:
                folder = self.root / identity
                told = _told(folder / FILE)
                if told is None:
                    return None
                document = Document(identity, folder, self.shown / identity, told)
            self._keep(document)
            return document

    def of(self, owner: str) -> Iterator[tuple[Document, float]]:
        """That visitor's projects with the time of their last change, the newest first."""
        if not owner:
            return
        for changed, path in sorted(((path.stat().st_mtime, path) for path in self.root.glob(f"*/{FILE}")), reverse=True):
            if self._owner(path) == owner and (document := self.get(path.parent.name)):
                yield document, changed

    def drop(self, identity: str) -> None:
        """Delete a project with everything in it."""
        with self._lock:
            for known in (self._open, self._recent, self._owners):
                known.pop(identity, None)
        shutil.rmtree(self.root / identity, ignore_errors=True)
        shutil.rmtree(self.shown / identity, ignore_errors=True)

    def forget(self, older_than: float) -> list[str]:
        """Delete projects that nobody changed for so many seconds, and what is left of others. -> their ids."""
        gone = []
        for folder in list(self.root.iterdir()):
            with suppress(OSError):
                file = folder / FILE
                if time.time() - (file if file.exists() else folder).stat().st_mtime > older_than:
                    gone.append(folder.name)
        gone += [folder.name for folder in list(self.shown.iterdir()) if not (self.root / folder.name).exists()]
        for identity in gone:
            self.drop(identity)
        return gone

    def _keep(self, document: Document) -> None:
        """Hold it; the one that was asked for longest ago is let go. `_lock` is held."""
        self._open[document.id] = self._recent[document.id] = document
        self._recent.move_to_end(document.id)
        if len(self._recent) > MOST_OPEN:
            self._recent.popitem(last=False)

    def _owner(self, path: Path) -> str:
        """Whose project that is; it never changes, so each file is read for it once."""
        identity = path.parent.name
        if identity not in self._owners:
            self._owners[identity] = str((_told(path) or {}).get("owner", ""))
        return self._owners[identity]


def _told(path: Path) -> dict[str, Any] | None:
    """What a project's file says; None if it is not there, or is none."""
    try:
        told = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return told if isinstance(told, dict) else None


def _works(told: Mapping[str, Any]) -> Works:
    takes = {row: tuple(Take(int(seed), *map(str, rest)) for seed, *rest in each) for row, each in told.get("takes", {}).items()}
    failed = {row: (str(said[0]), str(said[1]), str(said[2])) for row, said in told.get("failed", {}).items()}
    plain = {name: told[name] for name in ("job", "heard", "film", "film_sign") if name in told}
    faces = {str(name): agreed is True for name, agreed in told.get("faces", {}).items()}
    return replace(Works(dict(told.get("made", {})), takes, failed), cuts=tuple(map(str, told.get("cuts", ()))), faces=faces, **plain)
