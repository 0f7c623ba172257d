"""A video at another pace: any moment between its pictures is drawn, several pairs at once. Knows no verb and no sound."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from fractions import Fraction
from typing import TYPE_CHECKING

import cv2
import numpy as np

from .flow import between, shrunk

if TYPE_CHECKING:
    from ..reel import Picture

NEAR = 0.02  # of the way from one picture to the next: so near, the picture itself is shown
ALIKE = 0.12  # grey levels: pictures that differ less are one that was shown twice
MOST_MISSING = 4  # pictures in a row; what stands still for longer is meant to

Pair = tuple["Picture", "Picture", list[float]]


def retimed(frames: Iterable[Picture], step: Fraction, count: int, workers: int, missing: bool = False) -> Iterator[Picture]:
    """`count` pictures, I420, each `step` of the given pictures after the one before.

    `missing`: a picture that only repeats the one before it is taken for one that was lost, and drawn anew.
    """
    moments = [k * step for k in range(count)]
    yield from drawn(_pairs(_kept(frames, missing), moments), workers)


def drawn(pairs: Iterable[Pair], workers: int) -> Iterator[Picture]:
    """The moments of each pair, in order; a few pairs are worked on at once, so that memory stays flat."""
    waiting: deque[Future[list[Picture]]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for pair in pairs:
                waiting.append(pool.submit(_moments, *pair))
                if len(waiting) > workers:
                    yield from waiting.popleft().result()
            while waiting:
                yield from waiting.popleft().result()
        finally:
            for one in waiting:
                one.cancel()


def _moments(first: Picture, second: Picture, shares: list[float]) -> list[Picture]:
    if all(share < NEAR or share > 1 - NEAR for share in shares):
        return [first if share < NEAR else second for share in shares]
    ready = between(first, second)
    return [first if share < NEAR else second if share > 1 - NEAR else ready.at(share) for share in shares]


def _kept(frames: Iterable[Picture], missing: bool) -> Iterator[tuple[int, Picture]]:
    """(its number, the picture); those that only repeat one are left out if they are `missing`."""
    before: Picture | None = None
    seen: Picture | None = None
    skipped = 0
    last: tuple[int, Picture] | None = None
    for n, picture in enumerate(frames):
        small = shrunk(picture) if missing else None
        if small is not None and before is not None and skipped < MOST_MISSING and float(np.mean(cv2.absdiff(small, before))) < ALIKE:
            skipped, last = skipped + 1, (n, picture)
            continue
        if skipped == MOST_MISSING and seen is not None and last is not None:
            yield last  # it stood still: nothing is drawn between
        yield n, picture
        before, seen, skipped, last = small, picture, 0, None
    if last is not None:
        yield last


def _pairs(kept: Iterator[tuple[int, Picture]], moments: list[Fraction]) -> Iterator[Pair]:
    """Each two neighbours with the moments that lie between them."""
    at, picture = next(kept)
    after = next(kept, None)
    shares: list[float] = []
    for moment in moments:
        while after is not None and moment >= after[0]:
            if shares:
                yield picture, after[1], shares
            shares, (at, picture) = [], after
            after = next(kept, None)
        shares.append(0.0 if after is None else float((moment - at) / (after[0] - at)))
    if shares:
        yield picture, after[1] if after else picture, shares
