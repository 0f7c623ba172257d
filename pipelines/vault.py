"""Same recipe, same file: parts are made once, checked, and appear whole or not at all. Knows nothing of films.

The vault is the checkpoint: resume, retry and re-render are the same code as render.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields, is_dataclass
from fractions import Fraction
from pathlib import Path

from .work import DiskFull, FilmError

Plain = None | bool | int | float | str | list["Plain"] | dict[str, "Plain"]
Notes = dict[str, Plain]
"""What a maker tells about the part it made; kept beside it as JSON."""


@dataclass(frozen=True, slots=True)
class Part:
    """A finished part: its file, its notes, and whether it was there already."""

    path: Path
    notes: Notes
    reused: bool

    @property
    def key(self) -> str:
        return self.path.stem


def plain(value: object) -> Plain:
    """Plain JSON data for a recipe. A recipe holds plain data only: anything else raises TypeError."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):
            raise TypeError("a recipe holds finite numbers only")
        return value
    if isinstance(value, Fraction):
        return f"{value.numerator}/{value.denominator}"
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    raise TypeError(f"a recipe holds plain data only, not {type(value).__name__}")


def key(kind: str, recipe: object) -> str:
    """SHA-256 of the canonical JSON of [kind, recipe], 40 hex digits of it."""
    text = json.dumps([kind, plain(recipe)], sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:40]


def digest(path: Path) -> str:
    """SHA-256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Vault:
    """Parts under one folder. Safe for several processes at once: names are unique, publishing is one rename."""

    def __init__(self, root: Path) -> None:
        self.root = root
        with disk():
            root.mkdir(parents=True, exist_ok=True)

    def find(self, kind: str, suffix: str, recipe: object) -> Part | None:
        """The part of that recipe, if it is there."""
        path = self._path(kind, suffix, recipe)
        try:
            told = json.loads(path.with_suffix(".json").read_text("utf-8"))
            if path.stat().st_size != told["bytes"]:
                return None  # cut short by a crash of the machine, or by somebody
            with suppress(PermissionError):  # a vault that may only be read is still of use
                os.utime(path)  # `sweep` takes the least recently used first
        except (FileNotFoundError, ValueError, KeyError):
            return None
        return Part(path, told["notes"], reused=True)

    def make(self, kind: str, suffix: str, recipe: object, build: Callable[[Path], Notes]) -> Part:
        """The part of that recipe, made by `build` (which writes the file it is given) if it is not there yet."""
        if found := self.find(kind, suffix, recipe):
            return found
        path = self._path(kind, suffix, recipe)
        with disk(), self.scratch() as folder:
            made = folder / f"part{suffix}"
            notes = build(made)
            if not made.exists() or not made.stat().st_size:
                raise FilmError(f"The {kind} came out empty.", "Run it again; if it stays, this is a bug.")
            side = folder / "part.json"
            told: Plain = {"kind": kind, "recipe": plain(recipe), "bytes": made.stat().st_size, "notes": notes}
            side.write_text(json.dumps(told), "utf-8")
            path.parent.mkdir(parents=True, exist_ok=True)
            os.replace(side, path.with_suffix(".json"))  # first; one that a crash spoils is no part, and is made again
            publish(made, path)
        return Part(path, notes, reused=False)

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """An empty folder for work in progress, gone afterwards."""
        root = self.root / "scratch"
        root.mkdir(exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=root))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def sweep(self, max_bytes: int, max_age: float) -> int:
        """Delete what killed processes left, parts unused for `max_age` seconds, and the oldest above `max_bytes`.

        -> bytes freed.
        """
        self.tidy()
        freed = 0
        now, total = time.time(), 0
        parts = [(p.stat(), p) for p in self.root.glob("*/*/*") if p.suffix != ".json" and p.parts[-3] != "scratch"]
        for stat, path in sorted(parts, key=lambda entry: -entry[0].st_mtime):
            total += stat.st_size
            if total > max_bytes or now - stat.st_mtime > max_age:
                path.unlink(missing_ok=True)
                path.with_suffix(".json").unlink(missing_ok=True)
                freed += stat.st_size
        return freed

    def tidy(self) -> None:
        """Delete the work in progress of processes that are gone."""
        for left in (self.root / "scratch").glob("*-*"):
            if not _running(left.name):
                shutil.rmtree(left, ignore_errors=True)

    def _path(self, kind: str, suffix: str, recipe: object) -> Path:
        name = key(kind, recipe)
        return self.root / kind / name[:2] / f"{name}{suffix}"


def publish(made: Path, path: Path) -> None:
    """Move a finished file to its name so that a reader sees the old one or the whole new one, also after a crash."""
    with made.open("rb") as file:
        os.fsync(file.fileno())
    os.replace(made, path)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A hidden name beside `path`; what is written there takes its place when it is whole.

    The name is nobody else's, so two who write the same file never write into one another's; what killed processes
    left of it goes.
    """
    sign = hashlib.sha256(path.name.encode("utf-8", "surrogateescape")).hexdigest()[:12]
    for left in path.parent.glob(f".{sign}.*-*.part*"):
        if not _running(left.name.split(".")[2]):
            left.unlink(missing_ok=True)
    beside = path.with_name(f".{sign}.{os.getpid()}-{time.monotonic_ns():x}.part{path.suffix}")
    try:
        yield beside
        publish(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def linked(source: Path, target: Path) -> None:
    """`source` under a name of ours, without copying where the system allows it."""
    try:
        if source.is_dir():
            os.symlink(source, target, target_is_directory=True)
        else:
            os.link(source, target)
    except OSError:
        (shutil.copytree if source.is_dir() else shutil.copyfile)(source, target)


def _running(name: str) -> bool:
    """Whether the process that a name of ours begins with is still there."""
    pid = name.partition("-")[0]
    return pid.isdigit() and alive(int(pid))


def alive(pid: int) -> bool:
    """Whether a process of that number runs."""
    if os.name == "nt":
        return True  # os.kill would end it there; age takes its leftovers
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@contextmanager
def disk() -> Iterator[None]:
    """Turns what a full or closed disk says into words."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            name = str(error.filename or "the folder")
            raise FilmError(f"Writing is not allowed: {name}.", "Choose another folder (REELWRIGHT_DATA, -o).", name) from error
        name = str(error.filename2 or error.filename or "A file")
        raise FilmError(f"{name}: {error.strerror or error}.", "Mend that, or choose another folder, and run again.", name) from error
