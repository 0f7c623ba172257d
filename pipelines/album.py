"""A story's pictures, developed one after the other while other work goes on; who needs one waits for that one.

Knows which scene a picture is for, and names it in faults. Every picture is looked at, so all faults are told at once.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from types import TracebackType

from .darkroom import Darkroom, Negative, negative
from .events import Began, Emit, Made
from .plan import Frame
from .progress import Progress
from .story import Story, together
from .vault import Vault
from .work import FilmError, Tick

DENSE = 3  # a picture is kept so many times as large as the frame, for closing in on it


class Album:
    """Use it in a `with`: developing begins there, and what is still waiting at its end is let go."""

    def __init__(self, story: Story, frame: Frame, vault: Vault, emit: Emit, progress: Progress) -> None:
        self._given = {i: (scene.scene_number, scene.image) for i, scene in enumerate(story.scenes) if scene.image}
        self._cover = (frame.width * DENSE, frame.height * DENSE)
        self._vault, self._emit = vault, emit
        self._ticks = {i: progress.tick("pictures", i) for i in self._given}
        self._darkroom = Darkroom()
        self._pool = ThreadPoolExecutor(1)
        self._found: dict[int, Future[Negative]] = {}

    def __enter__(self) -> Album:
        self._emit(Began("pictures", len(self._given)))
        for i, (number, image) in self._given.items():
            self._found[i] = self._pool.submit(self._develop, i, number, image, self._ticks[i])
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._darkroom.close()
        self._pool.shutdown()

    def __contains__(self, i: int) -> bool:
        return i in self._given

    def __getitem__(self, i: int) -> Negative:
        """The picture of the scene at that position, when it is there; if it cannot be had, every fault is told."""
        if self._found[i].exception():
            self.settle()
        return self._found[i].result()

    def check(self) -> None:
        """If a picture is known to be no good by now, look at the others too and tell."""
        if any(each.done() and each.exception() for each in self._found.values()):
            self.settle()

    def settle(self) -> None:
        """Wait for all; FilmError with every fault."""
        wait(self._found.values())
        failed = [error for each in self._found.values() if (error := each.exception())]
        faults = [error for error in failed if isinstance(error, FilmError)]
        if failed and len(faults) < len(failed):
            raise next(error for error in failed if not isinstance(error, FilmError))
        if faults:
            raise faults[0] if len(faults) == 1 else together(faults)

    def _develop(self, i: int, number: int, image: Path, tick: Tick) -> Negative:
        where = f"scenes[{i}].image"
        try:
            part = self._darkroom.develop(image, self._cover, self._vault)
        except FilmError as error:
            raise FilmError(f"scene {number}, image: {error.message}", error.hint, where) from error
        except OSError as error:
            said = f"The picture cannot be read: {error.strerror}."
            raise FilmError(f"scene {number}, image: {said}", "Choose another.", where) from error
        self._emit(Made("pictures", number, str(part.path), part.reused))
        tick(1.0)
        return negative(part)
