"""What is wrong with single scenes while the others are made: told as soon as it is known, raised together at the end."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from .events import Emit, Fault
from .story import Story, together
from .work import FilmError, forgotten


class Faults:
    """One film's. Safe from several threads."""

    def __init__(self, story: Story, emit: Emit, known: Mapping[int, FilmError]) -> None:
        """`known` are there already, by position."""
        self._story = story
        self._emit = emit
        self._lock = threading.Lock()
        self._found = list(known.items())
        for i, fault in known.items():
            self._tell(i, fault)

    def __contains__(self, error: FilmError) -> bool:
        """Whether it is one of these, so that whoever depended on that scene need not tell it again."""
        return any(error is one for _, one in self._found)

    def of(self, i: int, field: str, error: FilmError) -> FilmError:
        """The error as a fault of that field of the scene at that position; it is told."""
        number = self._story.scenes[i].scene_number
        named = FilmError(f"scene {number}, {field}: {error.message}", error.hint, f"scenes[{i}].{field}")
        named.__cause__ = error
        forgotten(error)  # it stays until the film is over
        with self._lock:
            for _, known in self._found:
                if (known.message, known.where) == (named.message, named.where):
                    return known  # several stretches show one scene
            self._found.append((i, named))
        self._tell(i, named)
        return named

    def _tell(self, i: int, fault: FilmError) -> None:
        self._emit(Fault(self._story.scenes[i].scene_number, fault.message, fault.hint, fault.where))

    def about(self, *fields: str) -> bool:
        """Whether any is of one of these fields."""
        return any(error.where.rpartition(".")[2] in fields for _, error in self._found)

    def settle(self) -> None:
        """FilmError with every fault, in the film's order, if there is any."""
        found = [error for _, error in sorted(self._found, key=lambda pair: pair[0])]
        if found:
            raise found[0] if len(found) == 1 else together(found)
