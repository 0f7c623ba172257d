"""One steady progress from many works that go on at once, and one way to stop them all. Knows no film."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping

from .events import Emit, Moved
from .work import Cancelled, Tick

PAUSE = 0.1  # seconds between two events at least


class Progress:
    """`weights`: what share of the whole each stage is, by name; they need not add up to one."""

    def __init__(self, emit: Emit, weights: Mapping[str, float]) -> None:
        self._emit = emit
        self._weights = dict(weights)
        self._done: dict[str, dict[int, float]] = {name: {} for name in weights}
        self._sizes: dict[str, dict[int, float]] = {name: {} for name in weights}
        self._lock = threading.Lock()
        self._told = 0.0
        self._last = 0.0
        self._stopped = False

    def tick(self, stage: str, piece: int = 0, size: float = 1.0) -> Tick:
        """The Tick of one piece of a stage. All pieces are made before the first one ticks, or the share may go back;
        what is told never does."""
        with self._lock:
            self._sizes[stage][piece] = size
            self._done[stage][piece] = 0.0

        def ticked(done: float) -> None:
            with self._lock:
                if self._stopped:
                    raise Cancelled
                self._done[stage][piece] = max(self._done[stage][piece], min(1.0, done))
                now = time.monotonic()
                if now - self._last < PAUSE:
                    return
                self._last = now
                self._told = max(self._told, self._share())
                self._emit(Moved(stage, round(self._told, 4)))  # still locked: or an earlier share could be told later

        return ticked

    def stop(self) -> None:
        """Every Tick raises Cancelled from now on."""
        with self._lock:
            self._stopped = True

    def _share(self) -> float:
        whole = sum(self._weights.values())
        done = 0.0
        for stage, weight in self._weights.items():
            sizes = self._sizes[stage]
            if total := sum(sizes.values()):
                done += weight * sum(self._done[stage][piece] * size for piece, size in sizes.items()) / total
        return done / whole
