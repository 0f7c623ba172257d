"""A scene becomes a multiplane: every part is drawn once, as large as the camera will ever see it.

Knows views, densities and bytes; not what is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil, floor, inf
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ..path import View
from ..work import FilmError, Tick
from . import indoors, land_stage, space_stage, weathers
from .depth import Depth, reach, seen
from .motes import Motes
from .multiplane import Cel, Multiplane, Table, Window, lay, pixels
from .parts import Item, Part, Set, stage
from .scene import Scene
from .sheet import Sheet
from .sky_stage import overhead, weather
from .waters import mirrored

if TYPE_CHECKING:
    from .motes import Veil


from .noise import Bytes

RIM = 0.02  # of the frame's height: drawn past what is seen
CELL, BOX = 8, 330  # samples to a side of what is looked at for emptiness; what a box costs beside its area, in those
MOST_SAMPLES = 24_000_000  # in one drawing
# BT.709, limited range, to B, G and R
TO_BGR = np.array([(255 / 219, 255 * 1.8556 / 224, 0.0), (255 / 219, -255 * 1.8556 * 0.0722 / 0.7152 / 224, -255 * 1.5748 * 0.2126 / 0.7152 / 224), (255 / 219, 0.0, 255 * 1.5748 / 224)])
TO_BGR = np.column_stack([TO_BGR, -TO_BGR @ (16.0, 128.0, 128.0)])


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
            last = done[-1] if done else None
            if cel and isinstance(last, Cel) and (both := joined(last, cel)):
                done[-1] = both
            elif cel:
                done.append(cel)
        elif isinstance(item, Motes):
            done.append(item)
        else:
            done.append(weathers.rain(take.size, item.seed, item.strong, item.wind, item.near))
    return Multiplane(tuple(windowed(item) if isinstance(item, Cel) else item for item in done), take.size, take.rate, take.views, shade(take.size, place.scene.finish.vignette))


def drawn(part: Part, place: Set, take: Take, behind: Sequence[Cel | Motes | Veil]) -> Cel | None:
    """One part as far as it is ever seen; None if it never is."""
    sheet = _sheet(part, place.aspect, take)
    if sheet is None:
        return None
    more = {"mirror": _mirror(part.mirrors, sheet, behind)} if part.mirrors is not None else {}
    poses = (part.draw, *(part.poses if len(take.views) > 1 else ()))
    cel = Cel(tuple(draw(sheet, **more).dry() for draw in poses), sheet, part.depth, part.motion, soft=part.soft, horizon=part.mirrors or 0.0)
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
    dense = take.dense * zoom * take.size[1] * (0.5 if part.soft else 1.0)
    samples = (right - left) * (bottom - top) * dense * dense
    dense *= min(1.0, (MOST_SAMPLES / samples) ** 0.5)
    # on one grid, so that sheets of the same depth can be joined
    left, top = floor(left * dense) / dense, floor(top * dense) / dense
    return Sheet(left, top, dense, max(2, ceil((right - left) * dense)), max(2, ceil((bottom - top) * dense)))


def _mirror(edge: float, sheet: Sheet, behind: Sequence[Cel | Motes | Veil]) -> list[np.ndarray]:
    """What lies above the edge, upside down, in the columns of the sheet."""
    rows = max(2, min(sheet.height, ceil((sheet.bottom - edge) * sheet.dense)))
    small = 0.5
    width, height = max(2, round(sheet.width * small)), max(2, round(rows * small))
    planes = tuple(np.zeros((height, width), np.uint8) for _ in range(3))
    tall = height / (sheet.dense * small)
    shift = np.array([[1.0, 0, -(sheet.left + sheet.right) / 2], [0, 1.0, -(edge - tall)], [0, 0, 1.0]]) / tall
    shift[2, 2] = 1.0
    view, table = View(1.0, 0.0, 0.0, 0.0), Table((width, height))
    for item in behind:
        if isinstance(item, Cel):
            item = windowed(item)
            # the sky moves less, so less of it was drawn: it is drawn out to the sides
            wide = max(1.0, max(-sheet.left / -item.sheet.left, sheet.right / item.sheet.right) * 1.02) if item.whole else 1.0
            matrix = pixels((width, height)) @ shift @ np.diag([wide, 1.0, 1.0]) @ seen(view, Depth.upright(0.0), 1.0) @ item.motion.matrix(0.0) @ item.into
            lay(item, matrix, 0.0, height, (planes[0], planes[1], planes[2]), table)
    soft = mirrored(planes, sheet.dense * small)
    return [np.asarray(cv2.resize(one, (sheet.width, rows), interpolation=cv2.INTER_LINEAR), np.float32) for one in soft]


def _trimmed(cel: Cel, part: Part) -> Cel | None:
    """Without the empty rim; and knowing from where it hides all that is behind it."""
    through = cel.poses[0][..., 3]
    for other in cel.poses[1:]:
        through = np.minimum(through, other[..., 3])
    drawn = np.flatnonzero(through.min(1) < 255), np.flatnonzero(through.min(0) < 255)
    if not drawn[0].size:
        return None
    (top, bottom), (left, right) = ((max(0, int(one[0]) - 1), min(size, int(one[-1]) + 2)) for one, size in zip(drawn, through.shape, strict=True))
    sheet = cel.sheet
    cut = Sheet(sheet.left + left / sheet.dense, sheet.top + top / sheet.dense, sheet.dense, right - left, bottom - top)
    poses = tuple(np.ascontiguousarray(pose[top:bottom, left:right]) for pose in cel.poses)
    solid = inf
    if len(poses) == 1 and cel.motion.pulse == 1.0 and part.left == -inf and part.right == inf and bottom == len(through):
        opaque = through.max(1) == 0
        first = 0 if opaque.all() else len(through) - int((~opaque[::-1]).argmax())
        if opaque.all() and part.top == -inf:
            solid = -inf
        elif first < bottom:
            solid = sheet.top + (first + 1.5 * (first > 0)) / sheet.dense
    return replace(cel, poses=poses, sheet=cut, solid=solid, endless=part.bottom == inf)


def windowed(cel: Cel) -> Cel:
    """Knowing where its sheet is empty, so that nobody looks at what is not there."""
    if cel.motion.ripple or cel.whole or cel.soft:
        return replace(cel, windows=((0, cel.sheet.height, 0, cel.sheet.width),))
    drawn = np.where(cel.poses[0][..., 3] < 255, np.uint8(1), np.uint8(0))
    for pose in cel.poses[1:]:
        drawn |= pose[..., 3] < 255
    height, width = (-(-size // CELL) for size in drawn.shape)
    padded = cv2.copyMakeBorder(cv2.dilate(drawn, np.ones((3, 3), np.uint8)), 0, height * CELL - drawn.shape[0], 0, width * CELL - drawn.shape[1], cv2.BORDER_CONSTANT)
    full = padded.reshape(height, CELL, width, CELL).max((1, 3)) > 0
    found = _split(full, 0, height, 0, width)
    cells = ((top * CELL, min(bottom * CELL, drawn.shape[0]), left * CELL, min(right * CELL, drawn.shape[1])) for top, bottom, left, right in found)
    return replace(cel, windows=tuple(cells))


def _split(full: np.ndarray, top: int, bottom: int, left: int, right: int) -> list[Window]:
    """Boxes around what is full, as few as are worth it: each costs as much as so many cells."""
    inside = full[top:bottom, left:right]
    rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
    if not rows.size:
        return []
    top, bottom, left, right = top + int(rows[0]), top + int(rows[-1]) + 1, left + int(columns[0]), left + int(columns[-1]) + 1
    area = (bottom - top) * (right - left)
    if area <= BOX:
        return [(top, bottom, left, right)]
    gaps = np.diff(columns)
    tries = [[_split(full, top, bottom, left, left + 1 + int(columns[gaps.argmax()] - columns[0])), _split(full, top, bottom, left + int(columns[gaps.argmax() + 1] - columns[0]), right)]] if gaps.size and gaps.max() * (bottom - top) > BOX else []
    middle = [(top + bottom) // 2, top + (bottom - top) // 4] if bottom - top >= 8 and inside.mean() < 0.85 else []
    tries += [[_split(full, top, row, left, right), _split(full, row, bottom, left, right)] for row in middle]
    best = min(([*one, *two] for one, two in tries), key=_cost, default=[])
    return best if best and _cost(best) < 0.9 * (area + BOX) else [(top, bottom, left, right)]


def _cost(boxes: Sequence[Window]) -> int:
    return sum((bottom - top) * (right - left) + BOX for top, bottom, left, right in boxes)


def joined(back: Cel, front: Cel) -> Cel | None:
    """Two that never move against each other as one; None if they do."""
    one, two = back.sheet, front.sheet
    if back.depth != front.depth or not (back.motion.still and front.motion.still) or one.dense != two.dense or back.soft != front.soft or len(back.poses + front.poses) > 2:
        return None
    hides = min((cel.solid for cel in (back, front) if cel.endless), default=inf)
    dense = one.dense
    left, top = min(one.left, two.left), min(one.top, two.top)
    places = [(round((each.left - left) * dense), round((each.top - top) * dense)) for each in (one, two)]
    width, height = (max(place[k] + size for place, size in zip(places, sizes, strict=True)) for k, sizes in enumerate(((one.width, two.width), (one.height, two.height))))
    whole = np.zeros((height, width, 4), np.uint8)
    whole[..., 3] = 255
    for cel, (x, y) in zip((back, front), places, strict=True):
        under = whole[y : y + cel.sheet.height, x : x + cel.sheet.width]
        through = cv2.cvtColor(np.ascontiguousarray(cel.poses[0][..., 3]), cv2.COLOR_GRAY2BGRA)
        through[..., 3] = cel.poses[0][..., 3]
        mixed = cv2.multiply(under, through, scale=1 / 255)
        mixed[..., :3] = cv2.add(mixed, cel.poses[0])[..., :3]
        under[:] = mixed
    return Cel((whole,), Sheet(left, top, dense, width, height), back.depth, back.motion, hides, True, back.soft)


def shade(size: tuple[int, int], vignette: float) -> Bytes:
    """What is taken from the luma of every frame: corners a little darker, and the tooth of paper."""
    width, height = size
    x, y = np.linspace(-1, 1, width, dtype=np.float32)[None, :], np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    corner = np.clip((x * x + y * y) / 2, 0, 1) ** 1.6 * np.float32(13 + 44 * vignette)
    tile = cv2.GaussianBlur(np.tile(np.random.default_rng(11).normal(0, 1, (256, 256)).astype(np.float32), (3, 3)), (0, 0), 0.8)[256:512, 256:512]
    tooth = np.tile(tile, (-(-height // 256), -(-width // 256)))[:height, :width]
    return np.asarray(np.clip(corner + 1.6 + 1.5 * tooth, 0, 255).round(), np.uint8)


def still(scene: Scene, size: tuple[int, int], out: Path, tick: Tick) -> None:
    """Write a PNG of the scene as its first frame, seen by a camera that stands."""
    width, height = size
    tick(0.1)
    whole = built(stage(scene, width / height, 1.0), Take(size, 24.0, (View(1.0, 0.0, 0.0, 0.0),), 1.0))
    tick(0.8)
    planes = tuple(np.empty((height, width), np.uint8) for _ in range(3))
    whole.draw(0, (planes[0], planes[1], planes[2]), Table(size))
    bgr = np.maximum(cv2.transform(cv2.merge(planes).astype(np.float32), TO_BGR), 0)
    done, png = cv2.imencode(".png", cv2.convertScaleAbs(bgr), [cv2.IMWRITE_PNG_COMPRESSION, 1])
    if not done:
        raise FilmError("The sketch could not be written as a picture.", "Try a smaller size.")
    out.write_bytes(png.tobytes())
