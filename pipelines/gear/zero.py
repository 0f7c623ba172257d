"""GPUs that are lent by the call, as Hugging Face's ZeroGPU does: one call a work, asked for as long as it should take.

Elsewhere works are simply done. What goes over is plain: what is asked for there; shares, small pictures, numbers and
notes back. What needs no GPU stays outside, and nothing is compiled: it would take longer than the call. Knows no model.
"""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ..vault import Notes
from ..work import Cancelled, FilmError, Tick

if TYPE_CHECKING:
    from numpy import uint8
    from numpy.typing import NDArray

    Show = Callable[[NDArray[uint8]], object]
    Compute = Callable[["Asked", Tick, Show | None], tuple[list[Any], Notes]]

LEAST, MOST = 20, 120  # seconds of a call: a longer one waits longer, and counts as a whole against its owner's day
BEGIN, BYTES = 5.0, 1.5e9  # seconds before anything is loaded, and how much is loaded in each
SPARE = 1.3  # longer than it should take
ENOUGH = 0.05  # of a work, from which its pace can be told
REFUSED = ("gradio", "spaces", "httpx")  # whose own errors say why no GPU is lent
Asked = TypeVar("Asked")


@dataclass(frozen=True, slots=True)
class Work:
    """How much there is to do. name: what is worked with; amount: of whatever takes time there, such as steps times
    pixels; pace: seconds for one of it, as was published, None where nobody knows; weights: files that are loaded."""

    name: str
    amount: float
    pace: float | None = None
    weights: tuple[Path, ...] = ()


def here() -> bool:
    """Whether GPUs are lent here."""
    return os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "true", "t") and find_spec("spaces") is not None


class Lent(Generic[Asked]):
    """One kind of work. compute: does it where the GPU is, -> arrays and notes; work: how much it is."""

    def __init__(self, compute: Compute[Asked], work: Callable[[Asked], Work]) -> None:
        self._compute, self._work = compute, work
        self._paces: dict[str, float] = {}  # as they were measured here
        self._lent: Callable[[Asked, bool], Iterator[Any]] | None = None
        if here():
            import spaces

            self._lent = spaces.GPU(self._steps, duration=self.duration)

    def __call__(self, asked: Asked, tick: Tick, show: Show | None = None) -> tuple[list[Any], Notes]:
        """Have it done: arrays and notes; its FilmError is raised. A tick that raises ends it within a step."""
        if self._lent is None:
            return self._compute(asked, tick, show)
        work = self._work(asked)
        if (takes := self._takes(work)) is not None and takes > MOST:
            said = f"This would take about {takes:.0f} seconds of a GPU, and here one is lent for {MOST} at most."
            raise FilmError(said, "Choose a quicker model, such as svd-lcm4, or make the scene shorter.")
        _touched(work.weights)
        going, marks = self._lent(asked, show is not None), list[tuple[float, float]]()
        try:
            while True:
                with _Asking():
                    told = next(going, None)
                match told:
                    case None:
                        raise FilmError("The GPU that was lent gave no answer.", "Try again later: its owner's time may be used up.")
                    case "tick", share:
                        marks += [(share, time.monotonic())] if share > 0 else []
                        tick(share)
                    case "show", picture:
                        if show:
                            show(picture)
                    case "made", arrays, notes:
                        return arrays, notes
                    case "failed", message, hint, where:
                        raise FilmError(message, hint, where)
        finally:
            self._learn(work, marks)
            close = getattr(going, "close", None)
            if close:
                close()

    def _learn(self, work: Work, marks: list[tuple[float, float]]) -> None:
        """From shares and when they were told, of a call that was cut off too; loading is before the first."""
        if marks and (done := marks[-1][0] - marks[0][0]) >= ENOUGH:
            self._paces[work.name] = (marks[-1][1] - marks[0][1]) / done / work.amount

    def duration(self, asked: Asked, _shows: bool = False) -> int:
        """Seconds that a call should be asked for."""
        takes = self._takes(self._work(asked))
        return MOST if takes is None else int(min(MOST, max(LEAST, ceil(SPARE * takes))))

    def _takes(self, work: Work) -> float | None:
        """Seconds, by what was measured here, else by what was published; None where nobody knows."""
        pace = self._paces.get(work.name, work.pace)
        return None if pace is None else BEGIN + sum(file.stat().st_size for file in work.weights) / BYTES + pace * work.amount

    def _steps(self, asked: Asked, shows: bool) -> Iterator[Any]:
        """There: ("tick", share), ("show", picture), and at last ("made", arrays, notes) or ("failed", message, hint,
        where)."""
        line: queue.SimpleQueue[Any] = queue.SimpleQueue()
        stop = threading.Event()

        def tick(done: float) -> None:
            if stop.is_set():
                raise Cancelled
            line.put(("tick", done))

        def run() -> None:
            try:
                line.put(("made", *self._compute(asked, tick, (lambda picture: line.put(("show", picture))) if shows else None)))
            except FilmError as error:
                line.put(("failed", error.message, error.hint, error.where))
            except Cancelled:
                line.put(("failed", "It was stopped.", "", ""))
            except BaseException as error:
                line.put(("failed", f"The GPU's process failed: {type(error).__name__}.", "Run it again.", ""))
                raise

        worker = threading.Thread(target=run, daemon=True)
        worker.start()
        try:
            while (told := line.get())[0] in ("tick", "show"):
                yield told
            yield told
        finally:
            stop.set()
            worker.join()


class _Asking:
    """Within it a GPU is asked for, or for what comes from it: why there is none becomes a FilmError."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if kind is RuntimeError or (kind is not None and kind.__module__.partition(".")[0] in REFUSED):
            said = " ".join(str(getattr(error, "message", "") or error).split())[:200]
            raise FilmError(f"ZeroGPU says: {said.rstrip('.')}.", "Try again later, or with an account of your own.") from error


def _touched(files: tuple[Path, ...]) -> None:
    """Have them in the computer's memory before the time runs: a disk may be slow."""
    for path in files:
        with path.open("rb", buffering=0) as file:
            while file.read(1 << 24):
                pass
