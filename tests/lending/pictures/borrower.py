"""A painter of one colour, who borrows a GPU for it."""

from __future__ import annotations

from pathlib import Path

from pipelines.gear import zero
from pipelines.pictures import dauber  # type: ignore[attr-defined]
from pipelines.plan import Brief
from pipelines.vault import Notes
from pipelines.work import Tick


class Engine(dauber.Engine):
    label = "A borrowed brush"
    rank = 30

    def __init__(self) -> None:
        super().__init__()
        self._lent: zero.Lent[int] = zero.Lent(lambda seed, tick, show: ([seed], {}), lambda seed: zero.Work("nothing", 1.0, 1.0))

    def paint(self, asked: Brief, out: Path, tick: Tick) -> Notes:
        self._lent(asked.seed, tick)
        return super().paint(asked, out, tick)
