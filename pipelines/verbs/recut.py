"""Parts of a video: what is kept, and what is made anew around it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from ..reel import LONGEST, Piece, Reel, opened
from ..stage import Studio
from ..work import FilmError, Tick, idle, part
from .cutting import Cut, cutting, several, within
from .extend import LEAST, MOST, Extend, continued
from .hearing import around

if TYPE_CHECKING:
    from ..reel import Picture

MOST_PARTS = 50


@dataclass(frozen=True, slots=True)
class Recut:
    """`keep`: (start, end) in seconds, in the order in which they are shown. With `seconds`, what is missing to that
    length is made anew, before and after in the proportion in which the video went on there; see extend.Extend."""

    keep: tuple[tuple[float, float], ...]
    seconds: float | None = None
    prompt: str = ""
    engine: str = ""
    seed: int = 0


def parts(text: str) -> tuple[tuple[float, float], ...]:
    """"2-5, 7.5-9" -> ((2, 5), (7.5, 9)); FilmError if it is not of that kind."""
    found = []
    for one in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,5}(?:\.\d{1,6})?)\s*(?:-|–|to)\s*(\d{1,5}(?:\.\d{1,6})?)\s*", one)
        if not match or float(match[1]) >= float(match[2]):
            raise FilmError(f'keep: "{one.strip()[:40]}" does not fit.', "Give seconds such as 2-5, or 0-2,4-6.", "keep")
        found.append((float(match[1]), float(match[2])))
    if len(found) > MOST_PARTS:
        raise FilmError(f"keep: {len(found)} parts are too many.", f"Give up to {MOST_PARTS}.", "keep")
    return tuple(found)


def recut(videos: Sequence[Path], how: Recut, studio: Studio, out: Path, tick: Tick = idle) -> Cut:
    """The parts that are kept, one after the other, and what is made anew around them."""
    several(videos, 1, 1)
    if not how.keep:
        raise FilmError("Nothing is kept.", "Give --keep with seconds such as 2-5.", "keep")
    with cutting(studio, out) as desk:
        reel = desk.open(videos[0])
        kept = [_frames(reel, *one) for one in how.keep]
        count = sum(last - first for first, last in kept)
        at = reel.frame.seconds
        pictures: Iterable[Picture] = chain.from_iterable(reel.frames(first, last - first) for first, last in kept)
        sound = [Piece(reel, at(first), at(last)) for first, last in kept]
        said, notes = f"{round(at(count), 2):g} s kept", tuple[str, ...]()
        if how.seconds is not None:
            within("seconds", how.seconds, at(count), LONGEST)
            missing, led, followed = how.seconds - at(count), 0.0, 0.0
            before, after = _around(reel, kept, missing)
            lead: Iterator[Picture] = iter(())
            if before:
                more = continued(desk, reel, *kept[0], Extend(before, how.prompt, True, how.engine, how.seed), part(tick, 0, 0.4))
                lead, notes, count = more.pictures, more.notes, count + more.count
                led = at(more.count)
            tail: Iterator[Picture] = iter(())
            if after:
                more = continued(desk, reel, *kept[-1], Extend(after, how.prompt, False, how.engine, how.seed), part(tick, 0.4, 0.8))
                tail, notes, count = more.pictures, more.notes, count + more.count
                followed = at(more.count)
            pictures = chain(lead, pictures, tail)
            sound = around(desk, sound, led, followed, how.seed)
            said += f", {before:g} s before and {after:g} s after made anew"
        return desk.finish(pictures, count, reel.frame, sound, tick, said, notes=notes)


def _frames(reel: Reel, start: float, end: float) -> tuple[int, int]:
    if start >= reel.seconds or end > reel.seconds + 0.5 / float(reel.frame.rate) + 0.05:
        raise FilmError(f"keep: {start:g}-{end:g} lies beyond the end.", f"The video lasts {reel.seconds:.2f} seconds.", "keep")
    first = round(start * float(reel.frame.rate))
    return first, max(first + 1, min(reel.count, round(end * float(reel.frame.rate))))


def _around(reel: Reel, kept: Sequence[tuple[int, int]], missing: float) -> tuple[float, float]:
    """Seconds before and after; a little on one side only would not be seen, so it is added to the other."""
    lead, tail = kept[0][0], reel.count - kept[-1][1]
    share = lead / (lead + tail) if lead + tail else 0.0
    before = round(missing * share, 3)
    if before < LEAST:
        before = 0.0
    if missing - before < LEAST:
        before = missing if before else 0.0
    after = round(missing - before, 3)
    if missing and (before > MOST or after > MOST):
        raise FilmError(f"{missing:g} seconds would be made anew.", f"At most {MOST:g} on each side.", "seconds")
    return before, after if after >= LEAST else 0.0


def ends(video: Path, studio: Studio) -> float:
    """How long the video is, in seconds."""
    with studio.vault.scratch() as folder:
        return opened(video, folder, "given").seconds
