"""A GPU that is lent by the call, as Hugging Face's ZeroGPU does: one call a shot, asked for as long as it should take.

Elsewhere nothing here does anything. What goes over is plain: a shot there; shares, numbers and notes back. Work that
needs no GPU stays outside. Knows no model.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from math import ceil
from typing import Any

from ..plan import Shot
from ..vault import Notes
from ..work import Cancelled, FilmError, Tick

LEAST, MOST = 20, 120  # seconds of a call: a longer one waits longer, and counts as a whole against its owner's day
LOADING = 15.0  # seconds in which a model comes from the disk
SPARE = 1.3  # longer than it should take
Compute = Callable[[Shot, Tick], tuple[list[Any], Notes]]


def here() -> bool:
    """Whether GPUs are lent here."""
    return os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "true", "t") and find_spec("spaces") is not None


def duration(seconds: float) -> int:
    """How long a call should be asked for whose steps take that long."""
    return int(min(MOST, max(LEAST, ceil(LOADING + SPARE * seconds))))


def lent(compute: Compute, seconds: Callable[[Shot], float]) -> Callable[[Shot], Iterator[Any]]:
    """A generator function for one shot's work: ("tick", share) and at last ("made", arrays, notes) or ("failed",
    message, hint, where). Where GPUs are lent it runs on one, for about as long as `seconds` tells of the steps."""

    def steps(shot: Shot) -> Iterator[Any]:
        line: queue.SimpleQueue[Any] = queue.SimpleQueue()
        stop = threading.Event()

        def tick(done: float) -> None:
            if stop.is_set():
                raise Cancelled
            line.put(("tick", done))

        def run() -> None:
            try:
                line.put(("made", *compute(shot, tick)))
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
            while (told := line.get())[0] == "tick":
                yield told
            yield told
        finally:
            stop.set()
            worker.join()

    if not here():
        return steps
    import spaces

    decorated: Callable[[Shot], Iterator[Any]] = spaces.GPU(steps, duration=lambda shot: duration(seconds(shot)))
    return decorated


def called(steps: Callable[[Shot], Iterator[Any]], shot: Shot, tick: Tick) -> tuple[list[Any], Notes]:
    """One call: what it computed; its FilmError is raised. A tick that raises ends it within a step."""
    going = steps(shot)
    try:
        for told in going:
            match told:
                case "tick", share:
                    tick(share)
                case "made", arrays, notes:
                    return arrays, notes
                case "failed", message, hint, where:
                    raise FilmError(message, hint, where)
    finally:
        close = getattr(going, "close", None)
        if close:
            close()
    raise FilmError("The GPU that was lent gave no answer.", "Try again later: its owner's time may be used up.")
