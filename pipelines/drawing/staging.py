"""A scene becomes a multiplane: every part is drawn once, as large as the camera will ever see it.

Knows views, densities and bytes; not what is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, inf
from typing import TYPE_CHECKING

import cv2
import numpy as np

from . import indoors, land_stage, space_stage
from ..path import View
from .depth import Depth, reach, seen
from .motes import Motes
from .multiplane import Cel, Multiplane, Table, lay, pixels
from .parts import Item, Part, Set
from .sheet import Bytes, Sheet
from .sky_stage import overhead, weather
from .waters import mirrored

if TYPE_CHECKING:
    from .motes import Veil

RIM = 0.004  # of the frame's height: drawn past what is seen
MOST_SAMPLES = 24_000_000  # in one drawing


@dataclass(frozen=True, slots=True)
class Take:
    """What the camera does with a scene: the frame in pixels, frames a second, a view a frame, samples for each pixel."""

    size: tuple[int, int]
    rate: float
    views: Sequence[View]
    dense: float


def items(place: Set) -> list[Item]:
    """Everything in a scene, from far to near."""
    world = place.scene.world
    if world == "space":
        return space_stage.items(place)
    if world == "deep":
        return [*indoors.deep(place), *weather(place)]
    if world == "room":
        return indoors.room(place)
    return [*overhead(place), *land_stage.items(place), *weather(place)]


def built(place: Set, take: Take) -> Multiplane:
    """All of it drawn."""
    done: list[Cel | Motes | Veil] = []
    for item in items(place):
        if isinstance(item, Part):
            cel = drawn(item, place, take, done)
            done += [cel] if cel else []
        elif isinstance(item, Motes):
            done.append(item)
        else:
            done.append(item(take.size))
    return Multiplane(tuple(done), take.size, take.rate, take.views, shade(take.size, place.scene.finish.vignette))


def drawn(part: Part, place: Set, take: Take, behind: Sequence[Cel | Motes | Veil]) -> Cel | None:
    """One part as far as it is ever seen; None if it never is."""
    sheet = _sheet(part, place.aspect, take)
    if sheet is None:
        return None
    if part.mirror:
        board = part.mirror(sheet, _mirror(part, sheet, behind))
        cel = Cel((board.dry(),), sheet, part.depth, part.motion, horizon=part.horizon)
    else:
        cel = Cel(tuple(draw(sheet).dry() for draw in (part.poses if len(take.views) > 1 else part.poses[:1])), sheet, part.depth, part.motion)
    return _trimmed(cel, part)


def _sheet(part: Part, aspect: float, take: Take) -> Sheet | None:
    """Where the part has to be drawn, and how densely."""
    few = sorted({0, len(take.views) - 1, *range(0, len(take.views), max(1, len(take.views) // 48))})
    whole = [seen(take.views[k], part.depth, aspect) @ part.motion.matrix(k / take.rate) for k in few]
    left, top, right, bottom = reach(whole, aspect)
    slack = RIM + (0.5 * part.motion.ripple) * 3 + abs(part.motion.bob) + 0.02 * (len(few) < len(take.views))
    left, top, right, bottom = max(left - slack, part.left), max(top - slack, part.top), min(right + slack, part.right), min(bottom + slack, part.bottom)
    if right <= left or bottom <= top:
        return None
    zoom = max(float(np.hypot(one[0, 0], one[1, 0])) for one in whole)
    dense = take.dense * zoom * take.size[1]
    samples = (right - left) * (bottom - top) * dense * dense
    dense *= min(1.0, (MOST_SAMPLES / samples) ** 0.5)
    # on a grid that does not depend on what is seen, so that noise is drawn the same
    return Sheet(left, top, dense, max(2, ceil((right - left) * dense)), max(2, ceil((bottom - top) * dense)))


def _mirror(part: Part, sheet: Sheet, behind: Sequence[Cel | Motes | Veil]) -> list[np.ndarray]:
    """What lies above the part's horizon, upside down, in the columns of its sheet."""
    rows = max(2, min(sheet.height, ceil((sheet.bottom - part.horizon) * sheet.dense)))
    small = 0.5
    width, height = max(2, round(sheet.width * small)), max(2, round(rows * small))
    planes = tuple(np.zeros((height, width), np.uint8) for _ in range(3))
    tall = height / (sheet.dense * small)
    shift = np.array([[1.0, 0, -(sheet.left + sheet.right) / 2], [0, 1.0, -(part.horizon - tall)], [0, 0, 1.0]]) / tall
    shift[2, 2] = 1.0
    view, table = View(1.0, 0.0, 0.0, 0.0), Table((width, height))
    for item in behind:
        if isinstance(item, Cel):
            matrix = pixels((width, height)) @ shift @ seen(view, Depth.upright(0.0), 1.0) @ item.motion.matrix(0.0) @ item.into
            lay(item, matrix, 0.0, height, (planes[0], planes[1], planes[2]), table)
    soft = mirrored(planes, sheet.dense * small)
    return [np.asarray(cv2.resize(one, (sheet.width, rows), interpolation=cv2.INTER_LINEAR), np.float32) for one in soft]


def _trimmed(cel: Cel, part: Part) -> Cel | None:
    """Without the empty rim; and knowing from where it hides all that is behind it."""
    through = cel.poses[0][..., 3]
    for other in cel.poses[1:]:
        through = cv2.min(through, other[..., 3])
    rows, columns = through.min(1) < 255, through.min(0) < 255
    if not rows.any():
        return None
    top, bottom = int(rows.argmax()), len(rows) - int(rows[::-1].argmax())
    left, right = int(columns.argmax()), len(columns) - int(columns[::-1].argmax())
    sheet = cel.sheet
    cut = Sheet(sheet.left + left / sheet.dense, sheet.top + top / sheet.dense, sheet.dense, right - left, bottom - top)
    poses = tuple(np.ascontiguousarray(pose[top:bottom, left:right]) for pose in cel.poses)
    solid = inf
    if part.bottom == inf and part.left == -inf and part.right == inf and cel.motion.pulse == 1.0 and bottom == len(rows):
        opaque = through.max(1) == 0
        first = len(rows) - int((~opaque[::-1]).argmax()) if not opaque.all() else 0
        if first < len(rows):
            solid = sheet.top + first / sheet.dense
            if not opaque.all():
                solid += 1.5 / sheet.dense
            elif part.top == -inf:
                solid = -9.0
    return Cel(poses, cut, cel.depth, cel.motion, solid, cel.horizon)


def shade(size: tuple[int, int], vignette: float) -> Bytes:
    """What is taken from the luma of every frame: corners a little darker, and the tooth of paper."""
    width, height = size
    x, y = np.linspace(-1, 1, width, dtype=np.float32)[None, :], np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    corner = np.clip((x * x + y * y) / 2, 0, 1) ** 1.6 * np.float32(13 + 44 * vignette)
    tile = cv2.GaussianBlur(np.tile(np.random.default_rng(11).normal(0, 1, (256, 256)).astype(np.float32), (3, 3)), (0, 0), 0.8)[256:512, 256:512]
    tooth = np.tile(tile, (-(-height // 256), -(-width // 256)))[:height, :width]
    return np.asarray(np.clip(corner + 1.6 + 1.5 * tooth, 0, 255).round(), np.uint8)
