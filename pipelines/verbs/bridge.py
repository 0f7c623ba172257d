"""The way from one picture to another, and on from several, as a model finds it. Knows no verb and no sound."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import islice
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

from ..moves import Camera
from ..plan import Frame, Given, Shot
from ..watermark import inked
from ..work import Tick, idle
from .over import written
from .shooting import Hand, hand, taken, whole

if TYPE_CHECKING:
    from ..reel import Picture
    from .cutting import Cutting


def between(desk: Cutting, ends: tuple[Picture, Picture], count: int, frame: Frame, how: tuple[str, str, int], tick: Tick = idle) -> tuple[Iterator[Picture], Hand]:
    """`count` pictures that lie between two, and who makes them. how: a model's name or auto, the prompt, the seed. FilmError
    with the remedy where no model can."""
    engine, prompt, seed = how
    who = hand(desk.studio, engine, "ends")
    first, last = (_file(desk, name, [picture], frame) for name, picture in zip(("from", "to"), ends, strict=True))
    shot = Shot(prompt, None, Camera(()), count + 2, frame, "stretch", seed, who.model, given=Given(first=first, last=last))
    clip = taken(desk.studio, who, shot, tick)
    made = whole(clip, frame, desk.studio.workers, Fraction(clip.count - 1, count + 1))
    return marked(desk, islice(made, 1, count + 1), frame, who), who


def onward(
    desk: Cutting, near: Sequence[Picture], count: int, frame: Frame, who: Hand, shot: Shot, tick: Tick = idle, *, backward: bool = False,
) -> Iterator[Picture]:  # fmt: skip
    """`count` pictures that go on from the last of those `near`, by somebody who looks at several. backward: they, and
    what is made, are told from the end; who leads up to pictures sees them as they run."""
    seen = list(near[-wanted(who, frame) :])
    turned = backward and who.reach.last
    file = _file(desk, "near", seen[::-1] if turned else seen, frame)
    longer = Shot(
        shot.prompt, None, Camera(()), count + len(seen), frame, "stretch", shot.seed, who.model,
        given=Given(last=file) if turned else Given(first=file),
    )  # fmt: skip
    made = whole(taken(desk.studio, who, longer, tick), frame, desk.studio.workers, turned=turned)
    return islice(made, len(seen), len(seen) + count)


def wanted(who: Hand, frame: Frame) -> int:
    """How many pictures somebody looks at to go on from them."""
    return ceil(who.reach.shared * frame.rate - 1e-6) + 1


def marked(desk: Cutting, pictures: Iterator[Picture], frame: Frame, who: Hand) -> Iterator[Picture]:
    """With our mark, where such are to have it."""
    if not who.source or not desk.studio.marks.watermark:
        return pictures
    return (one.copy() for one in inked(pictures, frame.width, frame.height))


def _file(desk: Cutting, name: str, pictures: Sequence[Picture], frame: Frame) -> Path:
    out = desk.folder / f"{name}{len(list(desk.folder.glob(name + '*')))}.mp4"
    written(list(pictures), len(pictures), frame, out)
    return out
