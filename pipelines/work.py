"""How any piece of work reports itself, is stopped, and fails in words. Knows nothing of films."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass

Tick = Callable[[float], None]
"""Called with the share done, 0 to 1. Raises Cancelled when nobody wants the work any more."""


class FilmError(Exception):
    """What went wrong, for people: one sentence, how to mend it, and the place it is about.

    `where` is a path into the story such as ``scenes[2].image`` (counted from 0), or a file's name.
    `faults` holds the single errors when several were found at once. `code`: a word for programs, where there is one.
    """

    code = ""

    def __init__(self, message: str, hint: str = "", where: str = "", faults: tuple[FilmError, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.where = where
        self.faults = faults

    def __str__(self) -> str:
        own = f"{self.message} {self.hint}".rstrip()
        return "\n".join([own, *(f"  {fault}" for fault in self.faults)])


class DiskFull(FilmError):
    """There is no room left: whatever else is at work must stop too."""

    def __init__(self) -> None:
        super().__init__("The disk is full.", "Free some space and run again: finished parts are kept.")


class Cancelled(Exception):
    """Nobody wants this work any more. Finished parts are kept."""


def forgotten(error: BaseException) -> None:
    """The error is kept for its words: what was at work when it was raised, and when those were that it came from, lets go
    of everything that it still held, such as a GPU's memory."""
    left: list[BaseException | None] = [error]
    seen = set[int]()
    while left:
        if (one := left.pop()) is not None and id(one) not in seen:
            seen.add(id(one))
            traceback.clear_frames(one.__traceback__)  # those that are at work still keep what they hold
            left += [one.__cause__, one.__context__]


@dataclass(frozen=True, slots=True)
class Place:
    """A work's place among others that go on side by side. `nice`: how far it lets others on this machine go first, 0 to 19.

    It calls `free` once it only waits for another program, so that the next work can begin, and `ends` with what ends
    that program at once.
    """

    nice: int = 0
    free: Callable[[], None] = lambda: None
    ends: Callable[[Callable[[], None]], None] = lambda _end: None


ALONE = Place()


def idle(_done: float) -> None:
    """A Tick for work that nobody watches."""


def part(tick: Tick, start: float, end: float) -> Tick:
    """A Tick for one part of a work: its 0..1 is `start`..`end` of the whole."""
    return lambda done: tick(start + (end - start) * done)
