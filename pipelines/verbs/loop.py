"""A video that begins again without being noticed: its end is warped into what comes before its beginning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ..path import ease
from ..presets import choose
from ..reel import Piece, Reel
from ..stage import Studio
from ..work import FilmError, Tick, idle
from .blend import turned
from .cutting import Cut, cutting, several
from .flow import shrunk

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

SEAMS: Mapping[str, float] = MappingProxyType({"short": 0.25, "normal": 0.5, "long": 1.0})  # seconds
SIGHT = (32, 18)  # pixels in which pictures are compared
GIVEN_UP = 0.4  # of the video: so much is left out at most where the rest fits better
PRICE = 6.0  # grey levels that pictures must agree better for leaving out all of that


@dataclass(frozen=True, slots=True)
class Loop:
    """`seam`: how long the end takes to become the beginning: short, normal or long."""

    seam: str = "normal"


def loop(videos: Sequence[Path], how: Loop, studio: Studio, out: Path, tick: Tick = idle) -> Cut:
    """One video, made so that it can be shown again and again: after its last picture comes its first, as any picture
    comes after the one before. It is a little shorter than given."""
    several(videos, 1, 1)
    if how.seam not in SEAMS:
        raise FilmError(f'There is no seam called "{how.seam}".', choose(how.seam, SEAMS), "seam")
    with cutting(studio, out) as desk:
        reel = desk.open(videos[0])
        frame = reel.frame
        seam = max(2, round(SEAMS[how.seam] * frame.rate))
        if reel.count < 2 * seam + 2:
            least = frame.seconds(2 * seam + 2)
            hint = "Extend it first." if how.seam == "short" else "Take a shorter seam, or extend it first."
            raise FilmError(f"{reel.name} lasts {reel.seconds:.2f} s: too short for a {how.seam} seam, which needs {least:.2f} s.", hint, reel.name)
        first, last = _found(reel, seam, tick)
        ends = zip(reel.frames(last - seam, seam), reel.frames(first - seam, seam), range(seam), strict=False)
        both = ((a, b, (k + 1) / (seam + 1)) for a, b, k in ends)
        pictures = chain(reel.frames(first, last - first - seam), turned(both, ease, studio.workers))
        at = frame.seconds
        # neither end is faded: the last sample is the one before the first
        sound = [Piece(reel, at(first), at(last), soft=False), Piece(reel, at(first - seam), at(first), shared=at(seam))]
        return desk.finish(pictures, last - first, frame, sound, tick, f"from {at(first):.2f} s to {at(last):.2f} s, with a {how.seam} seam")


def _found(reel: Reel, seam: int, tick: Tick) -> tuple[int, int]:
    """(first, last) of the pictures that are kept: what comes before the first is most like what comes before the last,
    as pictures and in how they move. Leaving much out has its price."""
    sights = np.stack([_sight(picture) for picture in reel.frames()])
    n = len(sights)
    spare = max(0, min(int(n * GIVEN_UP), n - 2 * seam - 2))
    best, where = float("inf"), (seam, n)
    for first in range(seam, seam + spare // 2 + 1):
        if (first - seam) % 64 == 0:
            tick(0.0)
        last, before = np.arange(max(first + seam + 2, n - spare // 2), n + 1), first - seam // 2 - 1
        middle = last - seam // 2 - 1
        ahead = np.minimum(2, n - 1 - np.maximum(middle, before))
        apart = np.abs(sights[middle] - sights[before]).mean((1, 2))
        moving = (sights[middle + ahead] - sights[middle]) - (sights[before + ahead] - sights[before])
        cost = apart + np.abs(moving).mean((1, 2)) + PRICE * (n - last + first - seam) / max(1, int(n * GIVEN_UP))
        if len(last) and cost.min() < best:
            best, where = float(cost.min()), (first, int(last[cost.argmin()]))
    return where


def _sight(picture: NDArray[np.uint8]) -> NDArray[float32]:
    return np.asarray(cv2.resize(shrunk(picture), SIGHT, interpolation=cv2.INTER_AREA), np.float32)
