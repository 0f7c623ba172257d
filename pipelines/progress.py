"""One steady progress from many works that go on at once, and one way to stop them all. Knows no film."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .events import Emit, Moved
from .work import Cancelled, Tick

PAUSE = 0.2  # seconds between two events about one scene at least


@dataclass(slots=True)
class _Share:
    """How much of how much is done; `told` is when somebody heard of it last."""

    size: float = 0.0
    done: float = 0.0
    told: float = 0.0

    @property
    def part(self) -> float:
        return self.done / self.size if self.size else 0.0


class Progress:
    """`weights`: what share of the whole each stage is, by name; they need not add up to one. Where `wanted` says no,
    every Tick raises Cancelled."""

    def __init__(self, emit: Emit, weights: Mapping[str, float], wanted: Callable[[], bool] = lambda: True) -> None:
        self._emit = emit
        self._wanted = wanted
        self._weights = dict(weights)
        self._stages: dict[str, _Share] = {name: _Share() for name in weights}
        self._scenes: defaultdict[tuple[str, int], _Share] = defaultdict(_Share)
        self._lock = threading.Lock()
        self._told = 0.0
        self._stopped = False

    def tick(self, stage: str, scene: int = 0, size: float = 1.0) -> Tick:
        """The Tick of one piece of a stage, which is about the scene of that number (0: about none). All pieces are
        made before the first one ticks, or the share may go back; what is told of the whole never does."""
        shares = self._stages[stage], self._scenes[stage, scene]
        with self._lock:
            for share in shares:
                share.size += size
        so_far = 0.0

        def ticked(done: float) -> None:
            nonlocal so_far
            with self._lock:
                if self._stopped or not self._wanted():
                    raise Cancelled
                grown = max(0.0, min(1.0, done) - so_far)
                so_far += grown
                for share in shares:
                    share.done += grown * size
                self._tell(stage, scene, shares[1], bool(grown))

        return ticked

    def stop(self) -> None:
        """Every Tick raises Cancelled from now on."""
        with self._lock:
            self._stopped = True

    def _tell(self, stage: str, scene: int, share: _Share, news: bool) -> None:
        """Still locked: or an earlier share could be told later. A scene's end is told at once."""
        now = time.monotonic()
        ended = news and share.part > 1 - 1e-9
        if now - share.told < PAUSE and not ended:
            return
        share.told = now
        whole = sum(weight * self._stages[name].part for name, weight in self._weights.items()) / sum(self._weights.values())
        self._told = max(self._told, min(1.0, whole))
        self._emit(Moved(stage, round(self._told, 4), scene, round(min(1.0, share.part), 4)))
