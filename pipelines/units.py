"""Every graphics card of the machine at work on one film: one warm process for each, which keeps its model.

Shots are given out longest first, more at once while many are left. A process that ends is started anew, and what it
had is taken over by whoever is free; a shot over which two ended is at fault itself. Run as a program it is such a
process. Knows no film.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from importlib import import_module
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from .plan import Slate
from .vault import Notes
from .work import Cancelled, DiskFull, FilmError

PATIENCE = 20.0  # seconds in which a process should stop when it is told to; a step can take a while
LIVES = 2  # processes that may end over one shot
CLIPS = "pipelines.clips"


def possible() -> bool:
    """Whether processes can be talked to here."""
    return os.name == "posix"


class Units:
    """devices: what each process calls its card, such as cuda:0."""

    def __init__(self, devices: Sequence[str]) -> None:
        self._devices = tuple(devices)
        self._units: dict[str, _Unit] = {}
        self._turn = threading.Lock()

    def shoot_all(self, name: str, options: Mapping[str, Any], slates: Sequence[Slate]) -> None:
        """See crew.ClipEngine: that engine, once on each device."""
        with self._turn, ThreadPoolExecutor(len(self._devices)) as pool:
            film = _Film(list(slates), len(self._devices))
            for work in [pool.submit(self._work, device, name, options, film) for device in self._devices]:
                work.result()

    def leave(self, device: str) -> None:
        """End the process on that device: it keeps a model there."""
        with self._turn:
            if unit := self._units.pop(device, None):
                unit.end()

    def close(self) -> None:
        """End the processes."""
        with self._turn:
            for unit in self._units.values():
                unit.end()
            self._units.clear()

    def _work(self, device: str, name: str, options: Mapping[str, Any], film: _Film) -> None:
        try:
            while batch := film.take():
                left, blamed = list(batch), None
                try:
                    unit = self._units.get(device)
                    if unit is None or not unit.runs:
                        unit = self._units[device] = _Unit()
                    left, blamed = unit.shoot(name, {**options, "device": device}, batch)
                finally:
                    film.back(left, blamed)
        except BaseException:
            film.stop()
            raise


class _Film:
    """The shots that are still to be made, shared by those who make them."""

    def __init__(self, slates: list[Slate], hands: int) -> None:
        self._left = sorted(slates, key=lambda slate: -slate.shot.frames)
        self._hands, self._busy, self._over = hands, 0, False
        self._died: Counter[int] = Counter()
        self._news = threading.Condition()

    def take(self) -> list[Slate]:
        """Some to be made now; none when all are."""
        with self._news:
            self._news.wait_for(lambda: self._left or not self._busy or self._over)
            if self._over:
                return []
            many = -(-len(self._left) // (2 * self._hands))
            some, self._left = self._left[:many], self._left[many:]
            self._busy += bool(some)
            return some

    def back(self, left: Sequence[Slate], blamed: Slate | None) -> None:
        """What of those was not made, and over which of them the process ended."""
        with self._news:
            self._busy -= 1
            if blamed:
                self._died[id(blamed)] += 1
                if self._died[id(blamed)] >= LIVES:
                    said = "The process that makes clips ended twice over this one."
                    blamed.kept(FilmError(said, "Look at the memory of the machine and its GPUs, or choose another engine."))
                    left = [slate for slate in left if slate is not blamed]
            self._left = [*left, *self._left]
            self._news.notify_all()

    def stop(self) -> None:
        """Nobody takes any more."""
        with self._news:
            self._over = True
            self._news.notify_all()


class _Ended(Exception):
    """The process is no more."""


class _Unit:
    """One process, running."""

    def __init__(self) -> None:
        home = str(Path(__file__).resolve().parents[1])
        path = os.pathsep.join(one for one in (home, os.environ.get("PYTHONPATH", "")) if one)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "pipelines.units"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": path},
            start_new_session=True,  # Ctrl-C is ours to answer
        )
        assert self._process.stdin and self._process.stdout
        self._to = Connection(os.dup(self._process.stdin.fileno()), readable=False)
        self._from = Connection(os.dup(self._process.stdout.fileno()), writable=False)
        self._process.stdin.close()
        self._process.stdout.close()

    @property
    def runs(self) -> bool:
        return self._process.poll() is None

    def shoot(self, name: str, options: Mapping[str, Any], slates: Sequence[Slate]) -> tuple[list[Slate], Slate | None]:
        """-> what it did not make because it ended, and what it was at then."""
        left, at = dict(enumerate(slates)), 0
        try:
            places = list(import_module(CLIPS).__path__)
            self._say((name, dict(options), places, [(slate.shot, slate.out, bool(slate.show)) for slate in slates]))
            while True:
                told = self._hear()
                if told[0] == "over":
                    return [], None
                at = told[1]
                self._heed(slates[at], told)
                if told[0] in ("kept", "failed"):
                    left.pop(at, None)
        except _Ended:
            self.end()
            return list(left.values()), left.get(at) or next(iter(left.values()), None)
        except BaseException:
            self._stop()
            raise

    def _say(self, told: object) -> None:
        try:
            self._to.send(told)
        except OSError as error:
            raise _Ended from error

    def _hear(self) -> Any:
        try:
            while not wait([self._from], 1.0):
                if not self.runs:
                    raise _Ended
            return self._from.recv()
        except (EOFError, OSError) as error:
            raise _Ended from error

    @staticmethod
    def _heed(slate: Slate, told: Any) -> None:
        match told:
            case "tick", _, share:
                slate.tick(share)
            case "show", _, picture:
                if slate.show:
                    slate.show(picture)
            case "kept", _, notes:
                slate.kept(notes)
            case "failed", _, "full", _, _, _:
                raise DiskFull
            case "failed", _, _, message, hint, where:
                slate.kept(FilmError(message, hint, where))

    def _stop(self) -> None:
        """Nobody wants the rest. It keeps its model, if it stops soon."""
        until = time.monotonic() + PATIENCE
        with suppress(EOFError, OSError):
            self._to.send("stop")
            while time.monotonic() < until and self.runs:
                if wait([self._from], 0.2) and self._from.recv()[0] == "over":
                    return
        self.end()

    def end(self) -> None:
        """At once."""
        for line in (self._to, self._from):
            line.close()
        self._process.kill()
        self._process.wait()


# In the process


class _Line:
    """What the process says and hears; its threads take turns."""

    def __init__(self) -> None:
        self._from = Connection(os.dup(0), writable=False)
        self._to = Connection(os.dup(1), readable=False)
        os.dup2(2, 1)  # what libraries print must not fall between
        self._turn = threading.Lock()
        self._stopped = False

    def request(self) -> Any:
        """The next; EOFError when nobody is there any more."""
        while (asked := self._from.recv()) == "stop":
            pass  # it came too late
        self._stopped = False
        return asked

    def say(self, *told: object) -> None:
        with self._turn:
            self._to.send(told)

    def tick(self, i: int) -> Callable[[float], None]:
        def ticked(done: float) -> None:
            with self._turn:
                if not self._stopped and self._from.poll():
                    self._from.recv()
                    self._stopped = True
                if self._stopped:
                    raise Cancelled
                self._to.send(("tick", i, done))

        return ticked

    def kept(self, i: int) -> Callable[[Notes | FilmError], None]:
        def keep(told: Notes | FilmError) -> None:
            if isinstance(told, FilmError):
                self.say("failed", i, "full" if isinstance(told, DiskFull) else "", told.message, told.hint, told.where)
            else:
                self.say("kept", i, told)

        return keep


def main() -> None:
    """Make what is asked for, until nobody asks."""
    from .crew import Crew

    line, crew, held = _Line(), Crew(), ""
    with suppress(EOFError, BrokenPipeError):
        while True:
            name, options, places, asked = line.request()
            import_module(CLIPS).__path__ = places
            if held != repr((name, options)):
                crew.close()
                crew, held = Crew({f"clips.{name}": options}), repr((name, options))
            slates = [
                Slate(shot, out, line.tick(i), line.kept(i), partial(line.say, "show", i) if shown else None)
                for i, (shot, out, shown) in enumerate(asked)
            ]  # fmt: skip
            with suppress(Cancelled):
                try:
                    crew.get("clips", name).shoot_all(slates)
                except FilmError as error:
                    for i in range(len(slates)):
                        line.kept(i)(error)
            line.say("over")
    crew.close()


if __name__ == "__main__":
    main()
