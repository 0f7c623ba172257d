"""More pictures between those that are there: another frame rate, slow motion, pictures that were lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from ..plan import Frame
from ..reel import Piece
from ..stage import Studio
from ..story import exact_rate
from ..work import FilmError, Tick, idle
from .cutting import Cut, cutting, several, within
from .retime import retimed

FASTEST_RATE = 120.0
MOST_SLOW = 8.0


@dataclass(frozen=True, slots=True)
class Fill:
    """`fps`: pictures a second of what is made (None: as given). `slow`: how many times as long; `mute`: silent. `missing`:
    pictures that only repeat the one before are drawn anew; so they are where a video's pictures come unevenly."""

    fps: float | None = None
    slow: float = 1.0
    mute: bool = False
    missing: bool = False


def fill(videos: Sequence[Path], how: Fill, studio: Studio, out: Path, tick: Tick = idle) -> Cut:
    """One video, filled. Its sound is stretched as long as the picture, at the same pitch. Scene cuts stay cuts."""
    several(videos, 1, 1)
    within("slow", how.slow, 1, MOST_SLOW, "times as long")
    if how.fps is not None:
        within("fps", how.fps, 1, FASTEST_RATE, "pictures a second")
    if how.fps is None and how.slow == 1 and not how.missing:
        raise FilmError("Nothing is asked for.", "Give --fps 60, --slow 2 or --missing.")
    with cutting(studio, out) as desk:
        reel = desk.open(videos[0])
        rate = reel.frame.rate if how.fps is None else exact_rate(how.fps)
        frame = Frame(reel.frame.width, reel.frame.height, rate)
        slow = Fraction(how.slow).limit_denominator(1000)
        step = reel.frame.rate / rate / slow
        count = max(1, round(reel.count / step))
        missing = how.missing or not reel.video.even
        pictures = retimed(reel.frames(), step, count, studio.workers, missing=missing)
        sound = [] if how.mute else [Piece(reel, 0.0, reel.seconds, float(1 / slow))]
        said = f"{float(reel.frame.rate):g} to {float(rate):g} pictures a second" + (f", {how.slow:g} times as long" if slow != 1 else "")
        return desk.finish(pictures, count, frame, sound, tick, said)
