"""Two videos as one: the first turns into the second, warped along the way, by a curve."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from ..path import ease
from ..presets import choose
from ..reel import Piece
from ..stage import Studio
from ..work import FilmError, Tick, idle
from .cutting import Cut, cutting, several, within
from .flow import between

if TYPE_CHECKING:
    from ..reel import Picture

LEAST, MOST = 0.1, 10.0  # seconds
CURVES: Mapping[str, Callable[[float], float]] = MappingProxyType(
    {
        "ease": ease,
        "linear": lambda share: share,
        "early": lambda share: 1 - (1 - share) ** 2,
        "late": lambda share: share**2,
        "mix": lambda share: ease(min(1.0, share * 3)) / 2 + ease(max(0.0, share * 3 - 2)) / 2,
    }
)


@dataclass(frozen=True, slots=True)
class Blend:
    """`seconds` in which both are seen; `curve`: how the second's share grows: ease, linear, early, late, or mix, which
    stays half and half for a while."""

    seconds: float = 1.0
    curve: str = "ease"


def blend(videos: Sequence[Path], how: Blend, studio: Studio, out: Path, tick: Tick = idle) -> Cut:
    """Two videos as one, in the first one's size and rate; as long as both, but for what they share. A shorter video
    shares at most half of itself."""
    several(videos, 2, 2)
    within("seconds", how.seconds, LEAST, MOST)
    if how.curve not in CURVES:
        raise FilmError(f'There is no curve called "{how.curve}".', choose(how.curve, CURVES), "curve")
    with cutting(studio, out) as desk:
        first = desk.open(videos[0])
        second = desk.open(videos[1], first.frame)
        shared = max(1, min(round(how.seconds * first.frame.rate), first.count // 2, second.count // 2))
        if min(first.count, second.count) < 2:
            raise FilmError("A video of a single picture cannot be blended.", "Make it longer first, with extend.")
        alone = first.count - shared
        rest = second.frames()
        pairs = zip(first.frames(alone), rest, strict=False)  # `rest` goes on after them
        both = ((a, b, (k + 1) / (shared + 1)) for k, (a, b) in enumerate(_first(pairs, shared)))
        mixed = turned(both, CURVES[how.curve], studio.workers)
        length = first.frame.seconds(shared)
        sound = [Piece(first, 0.0, first.seconds), Piece(second, 0.0, second.seconds, shared=length)]
        count = first.count + second.count - shared
        notes = () if shared >= round(how.seconds * first.frame.rate) else (f"They share {length:g} s: the shorter one has no more to give.",)
        return desk.finish(chain(first.frames(0, alone), mixed, rest), count, first.frame, sound, tick, f"{length:g} s shared, {how.curve}", notes=notes)


def _first(pairs: Iterator[tuple[Picture, Picture]], count: int) -> Iterator[tuple[Picture, Picture]]:
    """Exactly so many, and not one more is taken from what they come from."""
    for _ in range(count):
        yield next(pairs)


def turned(both: Iterable[tuple[Picture, Picture, float]], curve: Callable[[float], float], workers: int) -> Iterator[Picture]:
    """(first, second, how far) -> what is seen, in order, several at once."""
    waiting: deque[Future[Picture]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for a, b, share in both:
                waiting.append(pool.submit(_turning, a, b, curve(share)))
                if len(waiting) > workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for one in waiting:
                one.cancel()


def _turning(first: Picture, second: Picture, share: float) -> Picture:
    return between(first, second).turning(share, share)
