"""A reel of greys, for which a GPU is borrowed."""

from __future__ import annotations

from pathlib import Path

from pipelines.clips import reel  # type: ignore[attr-defined]
from pipelines.gear import zero
from pipelines.plan import Shot
from pipelines.vault import Notes
from pipelines.work import Tick


class Engine(reel.Engine):
    label = "A borrowed reel"
    rank = 0
    wants_picture = True

    def __init__(self) -> None:
        super().__init__()
        self._lent: zero.Lent[int] = zero.Lent(lambda seed, tick, show: ([seed], {}), lambda seed: zero.Work("nothing", 1.0, 1.0))

    def shoot(self, asked: Shot, out: Path, tick: Tick) -> Notes:
        self._lent(asked.seed, tick)
        return super().shoot(asked, out, tick)
