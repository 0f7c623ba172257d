"""Events as a person reads them: a bar with the time left on a terminal, plain lines elsewhere, JSON when asked."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from pipelines.events import Began, Done, Event, Failed, Made, Moved, Stopped, Warned, failed, plain
from pipelines.work import FilmError

STAGES = {
    "narration": "Narration",
    "pictures": "Pictures",
    "music": "Music",
    "sound": "Sound",
    "film": "Film",
    "join": "Joining",
}


class Bar(Protocol):
    """Where the share done is shown."""

    def move(self, stage: str, done: float) -> None: ...
    def say(self, text: str) -> None: ...


class Watcher:
    """Hears one render's events."""

    def __init__(self, bar: Bar, as_json: bool) -> None:
        self._bar = bar
        self._json = as_json
        self._made = 0
        self._found = 0
        self._start = time.monotonic()

    def hear(self, event: Event) -> None:
        """Tell it."""
        if self._json:
            print(json.dumps(plain(event), ensure_ascii=False), flush=True)
            return
        match event:
            case Moved(stage, done):
                self._bar.move(STAGES.get(stage, stage), done)
            case Warned(message, hint):
                self._bar.say(f"Note: {message} {hint}".rstrip())
            case Made(reused=reused):
                self._made += not reused
                self._found += reused
            case Done(path, seconds, frames, engines, marks):
                self._bar.move("Done", 1.0)
                who = "; ".join(f"{role}: {name}" for role, name in engines.items())
                parts = f"{self._made} parts made, {self._found} found ready" if self._found else f"{self._made} parts made"
                self._bar.say(f"{path}: {seconds:.1f} s, {frames} frames, in {self._spent():.1f} s ({parts}). {who}. {' '.join(marks.values())}".rstrip())
            case Failed() | Stopped() | Began():
                pass

    def tick(self, share: float, stage: str = "film") -> None:
        """For work without events."""
        self.hear(Moved(stage, share))

    def done(self, path: Path, seconds: float | None, how: str = "") -> None:
        """For work without events: it is finished."""
        if self._json:
            print(json.dumps({"event": "done", "path": str(path), "seconds": seconds, "how": how}), flush=True)
            return
        self._bar.move("Done", 1.0)
        length = f": {seconds:g} s" if seconds else ""
        self._bar.say(f"{path}{length}, in {self._spent():.1f} s" + (f" ({how})." if how else "."))

    def failed(self, error: FilmError) -> None:
        """One of several could not be made."""
        if self._json:
            self.hear(failed(error))
        else:
            self._bar.say(f"Failed: {error} {error.hint}" if error.faults else f"Failed: {error}")

    def _spent(self) -> float:
        return time.monotonic() - self._start


@contextmanager
def watching(as_json: bool, name: str = "") -> Iterator[Watcher]:
    """A Watcher that suits where its words go."""
    if as_json or not sys.stderr.isatty():
        yield Watcher(_Lines(name), as_json)
        return
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description:10}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    from rich.console import Console

    with Progress(*columns, console=Console(stderr=True)) as progress:
        yield Watcher(_Rich(progress, name), as_json)


class _Lines:
    """Where nobody watches: a line for every tenth."""

    def __init__(self, name: str) -> None:
        self._name = f"{name}: " if name else ""
        self._told = 0

    def move(self, stage: str, done: float) -> None:
        if (tenth := int(done * 10)) > self._told and stage != "Done":
            self._told = tenth
            print(f"{self._name}{stage}, {tenth * 10} %", file=sys.stderr, flush=True)

    def say(self, text: str) -> None:
        print(f"{self._name}{text}", file=sys.stderr, flush=True)


class _Rich:
    """On a terminal."""

    def __init__(self, progress: object, name: str) -> None:
        from rich.progress import Progress

        assert isinstance(progress, Progress)
        self._progress = progress
        self._task = progress.add_task(name or "Starting", total=1.0)

    def move(self, stage: str, done: float) -> None:
        self._progress.update(self._task, description=stage, completed=done)

    def say(self, text: str) -> None:
        from rich.text import Text

        self._progress.console.print(Text(text), soft_wrap=True)
