"""A bandstand on a GPU that is borrowed."""

from __future__ import annotations

from pathlib import Path

from pipelines.gear import zero
from pipelines.music import bandstand
from pipelines.plan import Cue
from pipelines.vault import Notes
from pipelines.work import Tick


class Engine(bandstand.Engine):
    label = "A borrowed stage"
    rank = 0

    def __init__(self) -> None:
        super().__init__()
        self._lent: zero.Lent[int] = zero.Lent(lambda seed, tick, show: ([seed], {}), lambda seed: zero.Work("nothing", 1.0, 1.0))

    def compose(self, asked: Cue, out: Path, tick: Tick) -> Notes:
        self._lent(asked.seed, tick)
        return super().compose(asked, out, tick)
