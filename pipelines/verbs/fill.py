"""More pictures between those that are there: another frame rate, slow motion, pictures that were lost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ..plan import Frame
from ..reel import Piece, Reel
from ..stage import Studio
from ..story import exact_rate
from ..work import FilmError, Tick, idle, part
from .bridge import between
from .cutting import Cut, Cutting, cutting, several, within
from .flow import shrunk
from .retime import ALIKE, retimed
from .shooting import Hand, hand

if TYPE_CHECKING:
    from ..reel import Picture

FASTEST_RATE = 120.0
MOMENT = 4  # pictures in a row that were lost: fewer are drawn as things move, more are for a model
MOST_SLOW = 8.0


@dataclass(frozen=True, slots=True)
class Fill:
    """`fps`: pictures a second of what is made (None: as given). `slow`: how many times as long; `mute`: silent. `missing`:
    pictures that only repeat the one before are drawn anew; so they are where a video's pictures come unevenly. With an
    `engine`, a model's name or auto, that one makes what was lost for longer than a moment, as `prompt` says."""

    fps: float | None = None
    slow: float = 1.0
    mute: bool = False
    missing: bool = False
    engine: str = ""
    prompt: str = ""
    seed: int = 0


def fill(videos: Sequence[Path], how: Fill, studio: Studio, out: Path, tick: Tick = idle) -> Cut:
    """One video, filled. Its sound is stretched as long as the picture, at the same pitch. Scene cuts stay cuts."""
    several(videos, 1, 1)
    within("slow", how.slow, 1, MOST_SLOW, "times as long")
    if how.fps is not None:
        within("fps", how.fps, 1, FASTEST_RATE, "pictures a second")
    if how.fps is None and how.slow == 1 and not how.missing:
        raise FilmError("Nothing is asked for.", "Give --fps 60, --slow 2 or --missing.")
    if how.engine and not how.missing:
        raise FilmError("A model makes what is missing; slow motion and frame rate need none.", "Give --missing, or leave the engine out.", "engine")
    with cutting(studio, out) as desk:
        reel = desk.open(videos[0])
        rate = reel.frame.rate if how.fps is None else exact_rate(how.fps)
        frame = Frame(reel.frame.width, reel.frame.height, rate)
        slow = Fraction(how.slow).limit_denominator(1000)
        step = reel.frame.rate / rate / slow
        count = max(1, round(reel.count / step))
        missing = how.missing or not reel.video.even
        by = None
        given: Iterable[Picture] = reel.frames()
        if how.engine:
            who = hand(studio, how.engine, "ends")
            given, missing, by = _mended(desk, reel, how, who, part(tick, 0.0, 0.8)), True, who.by
            tick = part(tick, 0.8, 1.0)
        pictures = retimed(given, step, count, studio.workers, missing=missing)
        sound = [] if how.mute else [Piece(reel, 0.0, reel.seconds, float(1 / slow))]
        said = f"{float(reel.frame.rate):g} to {float(rate):g} pictures a second" + (f", {how.slow:g} times as long" if slow != 1 else "")
        said += f", what was lost made by {by[0]}" if by else ""
        return desk.finish(pictures, count, frame, sound, tick, said, by=by)


def lost(pictures: Iterable[Picture], least: int, most: int) -> list[tuple[int, int]]:
    """(before, after): the pictures around each stretch in which one is only repeated, `least` to `most` times."""
    found, before, at = list[tuple[int, int]](), None, 0
    for n, picture in enumerate(pictures):
        small = shrunk(picture)
        if before is not None and float(np.mean(cv2.absdiff(small, before))) < ALIKE:
            continue
        if n - at - 1 >= least and n - at - 1 <= most:
            found.append((at, n))
        before, at = small, n
    return found


def _mended(desk: Cutting, reel: Reel, how: Fill, who: Hand, tick: Tick) -> Iterator[Picture]:
    """The video's pictures, each long stretch of repeated ones made anew."""
    frame, at = reel.frame, 0
    gaps = lost(reel.frames(), MOMENT, int(who.reach.longest * frame.rate))
    for i, (before, after) in enumerate(gaps):
        yield from reel.frames(at, before + 1 - at)
        share = part(tick, i / len(gaps), (i + 1) / len(gaps))
        ends = reel.at(before), reel.at(after)
        made, _ = between(desk, ends, after - before - 1, frame, (who.name, how.prompt, how.seed), share)
        yield from made
        at = after
    yield from reel.frames(at, reel.count - at)
