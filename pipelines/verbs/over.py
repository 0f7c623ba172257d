"""A video made over by a model: in pieces of the length that the model makes, each going on from the one before.

Neighbours share a few pictures and melt into one another there; a model that can, begins with those that are made already.
What was given keeps its size, its rate and its time. Knows no sound.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from math import ceil
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import cv2
import numpy as np

from .. import reel
from ..moves import Camera
from ..plan import Frame, Given, Shot
from ..presets import Quality, choose
from ..reel import Reel
from ..work import FilmError, Tick, idle, part
from .cutting import Cutting
from .shooting import Hand, hand, taken, whole

if TYPE_CHECKING:
    from ..reel import Picture

FINE = Quality(label="Between two works", preset="ultrafast", crf=4)
LEAST = 2  # pictures of a piece
STRENGTHS: Mapping[str, str] = MappingProxyType(
    {"subtle": "the video keeps its shapes", "mild": "it keeps its course", "strong": "it is only a hint"}
)


@dataclass(frozen=True, slots=True)
class Over:
    """What a model is told. `engine`: a model's name, or auto; `strength`: subtle, mild or strong; `style`, `negative`
    as in a plan.Shot."""

    prompt: str
    engine: str = "auto"
    strength: str = "mild"
    seed: int = 0
    style: str = ""
    negative: str = ""


def made_over(desk: Cutting, own: Reel, how: Over, tick: Tick) -> tuple[Reel, Hand]:
    """The video as the model has it, with as many pictures of the same size and rate; and who made it. FilmError with
    the remedy where no model can."""
    if how.strength not in STRENGTHS:
        raise FilmError(f'There is no strength called "{how.strength}".', choose(how.strength, STRENGTHS), "strength")
    if not how.prompt.strip():
        raise FilmError("A model needs words.", "Say in the prompt what the video is to become.", "prompt")
    who = hand(desk.studio, how.engine, "over")
    made = desk.folder / "madeover.mp4"
    written(_pictures(desk, own, how, who, part(tick, 0.0, 0.97)), own.count, own.frame, made)
    tick(1.0)
    return reel.opened(made, desk.folder, "over", own.frame), who


def spans(count: int, most: int, shared: int) -> list[tuple[int, int]]:
    """(first, last) of pieces of about the same length, `most` pictures at most, neighbours with `shared` in common."""
    if count <= most:
        return [(0, count)]
    many = -(-(count - shared) // (most - shared))
    return [(i * (count - shared) // many, (i + 1) * (count - shared) // many + shared) for i in range(many)]


def _pictures(desk: Cutting, own: Reel, how: Over, who: Hand, tick: Tick) -> Iterator[Picture]:
    rate = own.frame.rate
    most = max(2 * LEAST, int(who.reach.longest * rate + 1e-6) + 1)
    shared = max(1, min(ceil(who.reach.shared * rate - 1e-6) + 1, most * 2 // 3))
    every = spans(own.count, most, shared)
    tail: list[Picture] = []
    for i, (first, last) in enumerate(every):
        count = last - first
        given = desk.folder / f"piece{i}.mp4"
        written(own.frames(first, count), count, own.frame, given)
        begun = desk.folder / f"begun{i}.mp4" if tail and who.reach.first else None
        if begun:
            written(tail, len(tail), own.frame, begun)
        shot = Shot(
            how.prompt, None, Camera(()), count, own.frame, "stretch", how.seed, who.model, how.style, how.negative,
            given=Given(given, begun, strength=how.strength),
        )  # fmt: skip
        clip = taken(desk.studio, who, shot, part(tick, i / len(every), (i + 1) / len(every)))
        pictures = islice(whole(clip, own.frame, desk.studio.workers), count)
        melting = melted(tail, pictures)
        yield from islice(melting, count - (shared if i + 1 < len(every) else 0))
        tail = [one.copy() for one in melting]
        given.unlink()


def melted(before: list[Picture], after: Iterator[Picture]) -> Iterator[Picture]:
    """`after`, its first pictures growing out of those `before`, which are as many as both have in common."""
    for k, one in enumerate(before, 1):
        share = k / (len(before) + 1)
        yield np.asarray(cv2.addWeighted(one, 1 - share, next(after), share, 0), np.uint8)
    yield from after


def written(pictures: Iterator[Picture] | list[Picture], count: int, frame: Frame, out: Path) -> None:
    """Pictures of ours as a file that an engine reads, or that is worked on further."""
    reel.picture(pictures, count, frame, FINE, out, idle)
