"""A model's work once more where it failed: with less of the GPU's memory where that ran out, in longer numbers where its
own were none. Knows no model. Clips have a way of their own (clips/_floor.py): many go through a model together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from ..vault import Notes
from ..work import FilmError
from . import gpu
from .pipes import PLANS

T = TypeVar("T")
Said = tuple[str, str]  # a FilmError's message and hint


@dataclass(frozen=True, slots=True)
class Means:
    """What a model works with. way: how it is kept in memory, one of PLANS; together: so many things at once; long: in
    the longest numbers that it has."""

    way: str = PLANS[0]
    together: int = 1
    long: bool = False

    @property
    def least(self) -> bool:
        """Whether it cannot do with less memory."""
        return self.way == PLANS[-1] and self.together == 1


def made(work: Callable[[Means], T | None], means: Means, notes: Notes, leave: Callable[[], None], *, full: Said, odd: Said) -> tuple[T, Means]:
    """What the work makes, and with what it could. work: None where its numbers are none; notes: are told what was tried;
    leave: lets the model go, when memory ran out for good. FilmError, `full` or `odd`, where nothing helps."""
    while True:
        short = False
        try:
            if (found := work(means)) is not None:
                return found, means
        except gpu.full():
            short = True  # what the failed work held is let go only out here
        if not short:
            if means.long:
                raise FilmError(*odd)
            means, notes["retried"] = replace(means, long=True), "float32"
            continue
        if means.least:
            leave()
        gpu.emptied()
        if means.least:
            raise FilmError(*full)
        means, notes["memory"] = replace(means, way=PLANS[-1], together=1), "ran out once; less was taken"
