"""Every graphics card of the machine at work on one film: one warm process for each, which keeps its model.

Shots are given out longest first, more at once while many are left. A process that ends is started anew, and what it
had is taken over by whoever is free; a shot over which two ended is at fault itself. Where there are fewer shots than
cards, those that would idle help with a shot, if its engine can have that; when one of those ends, none of them is waited
for, and the shot is made by one alone. The processes are `unit`'s. Knows no film.
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
from dataclasses import replace
from importlib import import_module
from itertools import accumulate
from math import inf
from multiprocessing.connection import Connection, wait
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from .plan import Shot, Slate
from .unit import CLIPS
from .vault import Notes
from .work import DiskFull, FilmError

_Outcome = tuple[list[Slate], Slate | None, int | None]  # what a process did not make because one ended, what it was at then, and where that was

PATIENCE = 20.0  # seconds in which a process should stop when it is told to; a step can take a while
LIVES = 2  # processes that may end over one shot


def possible() -> bool:
    """Whether processes can be talked to here."""
    return os.name == "posix"


class Units:
    """devices: what each process calls its card, such as cuda:0."""

    def __init__(self, devices: Sequence[str]) -> None:
        self._devices = tuple(devices)
        self._units: dict[int, _Unit] = {}  # by the device's place among all
        self._turn = threading.Lock()

    def shoot_all(self, name: str, options: Mapping[str, Any], slates: Sequence[Slate], joins: Callable[[Shot], int] | None = None) -> None:
        """See crew.ClipEngine: that engine, once on each device. joins: how many may make a shot together."""
        film, many = _Film(list(slates), len(self._devices)), len(self._devices)
        longest = list(film.left)
        groups = dealt(many, [joins(slate.shot) if joins else 1 for slate in longest]) if len(longest) < many else [[i] for i in range(many)]
        first = [film.take(longest[i]) if len(places) > 1 else [] for i, places in enumerate(groups)]
        with self._turn, ThreadPoolExecutor(many) as pool:
            works = [pool.submit(self._work, places, name, options, film, batch) for places, batch in zip(groups, first, strict=True)]
            for work in works:
                work.result()

    def leave(self, device: str) -> None:
        """End the process on that device: it keeps a model there."""
        with self._turn:
            for i in [i for i, one in enumerate(self._devices) if one == device and i in self._units]:
                self._units.pop(i).end()

    def close(self) -> None:
        """End the processes."""
        with self._turn:
            for unit in self._units.values():
                unit.end()
            self._units.clear()

    def _work(self, places: Sequence[int], name: str, options: Mapping[str, Any], film: _Film, first: list[Slate]) -> None:
        """Shots, one after the other; the first of them by all those places, if it was given to them."""
        hands = list(places)
        try:
            together, batch = bool(first), first or film.take()
            while batch:
                left, blamed, lost = list(batch), None, None
                try:
                    left, blamed, lost = self._shoot(hands if together else hands[:1], name, options, batch)
                finally:
                    film.back([_alone(slate) for slate in left] if together else left, None if together else blamed)
                if lost is not None:  # it is another's turn
                    hands.remove(lost)
                    hands.append(lost)
                together, batch = False, film.take()
        except BaseException:
            film.stop()
            raise

    def _shoot(self, places: Sequence[int], name: str, options: Mapping[str, Any], batch: Sequence[Slate]) -> _Outcome:
        units = [self._unit(i) for i in places]
        mine = [{**options, "device": self._devices[i]} for i in places]
        if len(units) == 1:
            return units[0].shoot(name, mine[0], batch)
        with TemporaryDirectory(prefix="reelwright-", ignore_cleanup_errors=True) as folder:
            for rank, (unit, own) in enumerate(zip(units[1:], mine[1:], strict=True), 1):
                unit.ask(name, own, [], (folder, rank, len(units)))
            return units[0].shoot(name, mine[0], batch, (folder, 0, len(units)), units[1:])

    def _unit(self, i: int) -> _Unit:
        unit = self._units.get(i)
        if unit is None or not unit.runs:
            unit = self._units[i] = _Unit(i)
        return unit


def dealt(devices: int, most: Sequence[int]) -> list[list[int]]:
    """So many devices over shots, at least one for each, and at most so many as it may have: as evenly as can be, those that
    are left over by themselves. -> places among the devices."""
    sizes, left = [1] * len(most), devices - len(most)
    while left and (more := [i for i, size in enumerate(sizes) if size < most[i]]):
        for i in more[:left]:
            sizes[i] += 1
        left -= len(more[:left])
    ends = list(accumulate(sizes + [1] * left))
    return [list(range(end - size, end)) for end, size in zip(ends, sizes + [1] * left, strict=True)]


def _alone(slate: Slate) -> Slate:
    """The same; it is told that it was to be made by several."""

    def kept(told: Notes | FilmError) -> None:
        slate.kept(told if isinstance(told, FilmError) else {**told, "alone": True})

    return replace(slate, kept=kept)


class _Film:
    """The shots that are still to be made, shared by those who make them."""

    def __init__(self, slates: list[Slate], hands: int) -> None:
        self.left = sorted(slates, key=lambda slate: -slate.shot.frames)
        self._hands, self._busy, self._over = hands, 0, False
        self._died: Counter[int] = Counter()
        self._news = threading.Condition()

    def take(self, only: Slate | None = None) -> list[Slate]:
        """Some to be made now, or that one; none when all are."""
        with self._news:
            if only:
                self.left.remove(only)
                self._busy += 1
                return [only]
            self._news.wait_for(lambda: self.left or not self._busy or self._over)
            if self._over:
                return []
            many = -(-len(self.left) // (2 * self._hands))
            some, self.left = self.left[:many], self.left[many:]
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
            self.left = [*left, *self.left]
            self._news.notify_all()

    def stop(self) -> None:
        """Nobody takes any more."""
        with self._news:
            self._over = True
            self._news.notify_all()


class _Ended(Exception):
    """The process at that place is no more."""

    def __init__(self, place: int) -> None:
        super().__init__(place)
        self.place = place


class _Unit:
    """One process, running."""

    def __init__(self, place: int) -> None:
        home = str(Path(__file__).resolve().parents[1])
        path = os.pathsep.join(one for one in (home, os.environ.get("PYTHONPATH", "")) if one)
        self.place = place
        self._process = subprocess.Popen(
            [sys.executable, "-m", "pipelines.unit"],
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

    def shoot(
        self, name: str, options: Mapping[str, Any], slates: Sequence[Slate], met: tuple[str, int, int] | None = None, others: Sequence[_Unit] = ()
    ) -> _Outcome:
        """others: processes that help, and were asked to; none of them is left waiting."""
        left, at, helping = dict(enumerate(slates)), 0, list(others)
        try:
            self.ask(name, options, slates, met)
            while (told := self._hear(helping))[0] != "over":
                at = told[1]
                self._heed(slates[at], told)
                if told[0] in ("kept", "failed"):
                    left.pop(at, None)
            self._free(helping, time.monotonic() + PATIENCE)
            return [], None, None
        except _Ended as error:
            for unit in (self, *others):
                unit.end()
            return list(left.values()), left.get(at) or next(iter(left.values()), None), error.place
        except BaseException:
            self._stop(helping)
            raise

    def ask(self, name: str, options: Mapping[str, Any], slates: Sequence[Slate], met: tuple[str, int, int] | None) -> None:
        """Have those shots made, or help with them; a process that is no more shows it when it is heard. met: see Meeting."""
        with suppress(_Ended):
            places = list(import_module(CLIPS).__path__)
            self._say("make", (name, dict(options), places, [(slate.shot, slate.out, bool(slate.show)) for slate in slates], met))

    def _say(self, *told: object) -> None:
        try:
            self._to.send(told)
        except OSError as error:
            raise _Ended(self.place) from error

    def _hear(self, helping: list[_Unit], until: float = inf) -> Any:
        """What it says next; what it says to those who help is handed on. "late": it said nothing in time."""
        while time.monotonic() < until:
            ready = wait([unit._from for unit in (self, *helping)], 0.2 if until < inf else 1.0)
            for unit in [unit for unit in helping if unit._from in ready]:
                unit._heard()  # it has done all that it was told
                helping.remove(unit)
            if self._from in ready:
                told = self._heard()
                if told[0] != "pass on":
                    return told
                for unit in helping:
                    unit._say("do", told[1])
            for unit in () if ready else (self, *helping):
                if not unit.runs:
                    raise _Ended(unit.place)
        return ("late",)

    def _heard(self) -> Any:
        try:
            return self._from.recv()
        except (EOFError, OSError) as error:
            raise _Ended(self.place) from error

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

    def _stop(self, helping: list[_Unit]) -> None:
        """Nobody wants the rest. Each keeps its model, if it stops soon."""
        until = time.monotonic() + PATIENCE
        with suppress(_Ended):
            self._say("stop")
            while (told := self._hear(helping, until)[0]) not in ("over", "late"):
                pass
            if told == "over":
                self._free(helping, until)
                return
        for unit in (self, *helping):
            unit.end()

    def _free(self, helping: list[_Unit], until: float) -> None:
        """Wait for those who helped; whoever does not come to an end is ended."""
        for unit in helping:
            with suppress(_Ended):
                if wait([unit._from], max(0.0, until - time.monotonic())):
                    unit._heard()
                    continue
            unit.end()

    def end(self) -> None:
        """At once."""
        for line in (self._to, self._from):
            line.close()
        self._process.kill()
        self._process.wait()
