"""A live clip engine that wants no picture: a wall that grows lighter; its tint comes from the seed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.darkroom import Negative
from pipelines.plan import Shot
from pipelines.work import FilmError


@dataclass(frozen=True)
class Footage:
    shot: Shot

    def frames(self, start: int, count: int) -> Iterator[NDArray[np.uint8]]:
        width, height = self.shot.frame.width, self.shot.frame.height
        for k in range(start, start + count):
            if "collapse" in self.shot.prompt and k > 2:
                raise FilmError("The wall came down.", "Build it again.")
            planes = np.full((height * 3 // 2, width), 60 + k % 100, np.uint8)
            planes[height:] = 100 + self.shot.seed % 50
            yield planes


class Engine:
    """See crew.LiveEngine."""

    label = "A wall in the light"
    version = 1
    rank = 5
    online = False
    live = True
    wants_picture = False

    def missing(self) -> str | None:
        return None

    def recipe(self, shot: Shot) -> object:
        return [shot.frames, shot.frame, shot.seed, "collapse" in shot.prompt]

    def footage(self, shot: Shot, negative: Negative | None) -> Footage:
        return Footage(shot)
