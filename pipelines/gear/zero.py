"""GPUs that are lent by the call, as Hugging Face's ZeroGPU does: one call a work, asked for as long as it should take.

Elsewhere works are simply done. What goes over is plain: what is asked for there; shares, small pictures, numbers and
notes back. What needs no GPU stays outside, and nothing is compiled: it would take longer than the call. A call counts
against the visitor whose request the library finds in its context variable; a film is made after its request, so as much
of that as is needed goes with the film. Knows no model and no job.
"""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import Context, ContextVar
from dataclasses import dataclass, replace
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
    Lend = Callable[["Asked", bool], Iterator[Any]]

LEAST, MOST = 20, 120  # seconds of a call: a longer one waits longer, and counts as a whole against its owner's day
BEGIN, BYTES = 5.0, 1.5e9  # seconds before anything is loaded, and how much is loaded in each
SPARE = 1.3  # longer than it should take
ENOUGH = 0.05  # of a work, from which its pace can be told
REFUSED = ("gradio", "spaces", "httpx")  # whose own errors say why no GPU is lent
HEADER = "x-ip-token"  # in which Hugging Face's proxy says whose a request is, for some minutes
EXPIRED = "Expired ZeroGPU proxy token"  # what the library says after those
Asked = TypeVar("Asked")


@dataclass(frozen=True, slots=True)
class Work:
    """How much there is to do. name: what is worked with; amount: of whatever takes time there, such as steps times
    pixels; pace: seconds for one of it, as was published, None where nobody knows; weights: files that are loaded; parts:
    what can be done in a call of its own, each by how much it is beside the others."""

    name: str
    amount: float
    pace: float | None = None
    weights: tuple[Path, ...] = ()
    parts: Sequence[float] = (1.0,)

    def of(self, first: int, end: int) -> Work:
        """Those of its parts."""
        return replace(self, amount=self.amount * sum(self.parts[first:end]) / sum(self.parts))


def here() -> bool:
    """Whether GPUs are lent here."""
    return os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "true", "t") and find_spec("spaces") is not None


@dataclass(eq=False, repr=False)
class Visitor:
    """Whose the calls are: a request, in as much of it as the library reads. It lies in memory alone, and is never shown."""

    token: str | None

    @property
    def headers(self) -> Visitor:
        return self

    def get(self, name: str, usual: str | None = None) -> str | None:
        """A header."""
        return self.token if name == HEADER and self.token else usual


def visitor() -> Visitor | None:
    """Whoever asks just now; None where nothing is lent, or nobody said who they are."""
    asked = _request().get(None) if here() else None
    token = asked.headers.get(HEADER) if asked is not None else None
    return Visitor(token) if token else None


def came(headers: Mapping[str, str]) -> None:
    """Somebody asks, with those headers: what this thread or task does from now on is theirs."""
    if here() and (token := headers.get(HEADER)):
        _request().set(Visitor(token))


def paid_by(who: Visitor | None) -> Context:
    """In it calls are theirs; those of nobody are the Space's own."""
    context = Context()
    if who:
        context.run(_request().set, who)
    return context


def _request() -> ContextVar[Any]:
    """Where the library looks when a call begins."""
    from spaces.utils import gradio_request_var

    found: ContextVar[Any] = gradio_request_var()
    return found


class Lent(Generic[Asked]):
    """One kind of work. compute: does it where the GPU is, -> arrays and notes; work: how much it is."""

    def __init__(self, compute: Compute[Asked], work: Callable[[Asked], Work]) -> None:
        self._compute, self._work = compute, work
        self._paces: dict[str, float] = {}  # as they were measured here
        self._lent: Lend[Asked] | None = None
        if here():
            import spaces

            self._lent = spaces.GPU(self._steps, duration=self.duration)

    def __call__(self, asked: Asked, tick: Tick, show: Show | None = None) -> tuple[list[Any], Notes]:
        """Have it done: arrays and notes; its FilmError is raised. A tick that raises ends it within a step."""
        if self._lent is None:
            return self._compute(asked, tick, show)
        work = self._work(asked)
        self.check(work)
        _touched(work.weights)
        try:
            return self._called(self._lent, asked, work, tick, show)
        except _Expired:  # the rest of the film is the Space's own, unless they come by again
            return self._called(self._lent, asked, work, tick, show)

    def _called(self, lent: Lend[Asked], asked: Asked, work: Work, tick: Tick, show: Show | None) -> tuple[list[Any], Notes]:
        going, marks = lent(asked, show is not None), list[tuple[float, float]]()
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

    def fits(self, work: Work) -> bool:
        """Whether a call may last so long, as far as anybody knows."""
        return (self._takes(work) or 0.0) <= MOST

    def check(self, work: Work) -> None:
        """FilmError if it may not."""
        if not self.fits(work):
            said = f"This would take about {self._takes(work):.0f} seconds of a GPU, and here one is lent for {MOST} at most."
            raise FilmError(said, "Choose a quicker model, such as svd-lcm4, or make the scene shorter.")

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
            why = _Expired if EXPIRED in said and _forgotten() else FilmError
            raise why(f"ZeroGPU says: {said.rstrip('.')}.", "Try again later, or with an account of your own.") from error


class _Expired(FilmError):
    """Whose the call is was said too long ago."""


def _forgotten() -> bool:
    """Whether a film's visitor was known here, who is not any more."""
    known = _request().get(None)
    if not isinstance(known, Visitor) or not known.token:
        return False
    known.token = None
    return True


def _touched(files: tuple[Path, ...]) -> None:
    """Have them in the computer's memory before the time runs: a disk may be slow."""
    for path in files:
        with path.open("rb", buffering=0) as file:
            while file.read(1 << 24):
                pass
