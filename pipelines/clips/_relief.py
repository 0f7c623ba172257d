"""A picture with depth, seen by a moving camera: what is near moves more than what is far, and nothing tears.

Two sheets of one picture lie over each other. The back one has whatever stands in front of something else filled in from
behind, along its edges; the front one holds just those edges. Within a sheet depth is smooth, so it bends and never
breaks; only at an edge does the front one slide over the back one. Pure: knows planes, depths and matrices.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy import float64, uint8
    from numpy.typing import NDArray

    Plane = NDArray[Any]  # of uint8
    Planes = tuple[Plane, Plane, Plane]
    Map = NDArray[Any]  # of float32
    Matrix = NDArray[float64]

LEAST = 0.06  # of all depth, within two pixels: a smaller step is no edge
REASONED = 640  # pixels of the longer side on which edges are found: models see no more
COARSE = 4  # pixels of the film for each place that is reckoned
ROUNDS = 8  # of finding which place of the picture comes to lie at a place of the film
FILLED = 720  # pixels of the longer side on which what is hidden is filled in


@dataclass(frozen=True, slots=True)
class Sheet:
    """Y (height, width), U and V at half the size, and how near each place is, 0 to 1, at the size of Y."""

    planes: Planes
    depth: Map


@dataclass(frozen=True, slots=True)
class Relief:
    """Both sheets, how much the front one hides (0 to 255), the film's frame, and for every frame the matrices of what is
    nearest and farthest: pixels of Y -> pixels of the film."""

    back: Sheet
    front: Sheet
    cover: Plane
    size: tuple[int, int]
    near: Matrix
    far: Matrix

    @property
    def bytes(self) -> int:
        sheets: list[NDArray[Any]] = [*self.back.planes, *self.front.planes, self.back.depth, self.front.depth, self.cover]
        return sum(one.nbytes for one in sheets)

    def frames(self, start: int, count: int) -> Iterator[Plane]:
        """Frames as I420, shape (height * 3 / 2, width); each is valid until the next is asked for."""
        width, height = self.size
        out = np.empty(width * height * 3 // 2, np.uint8)
        edge = width * height
        views = out[:edge].reshape(height, width), *(out[at : at + edge // 4].reshape(height // 2, width // 2) for at in (edge, edge * 5 // 4))
        some = bool(self.cover.any())
        for number in range(start, min(start + count, len(self.near))):
            behind = _maps(self.back.depth, self.near[number], self.far[number], self.size)
            ahead = _maps(self.front.depth, self.near[number], self.far[number], self.size) if some else None
            share = [_looked(self.cover, maps, cv2.BORDER_REPLICATE).astype(np.float32) / np.float32(255) for maps in ahead] if ahead else []
            for k, view in enumerate(views):
                half = min(k, 1)
                drawn = _looked(self.back.planes[k], behind[half], cv2.BORDER_REPLICATE, half)
                if ahead:
                    over = _looked(self.front.planes[k], ahead[half], cv2.BORDER_REPLICATE, half)
                    drawn = cv2.blendLinear(over, drawn, share[half], 1 - share[half])
                np.clip(drawn, 16, 240 if k else 235, out=view)
            yield out.reshape(height * 3 // 2, width)


def parted(planes: Planes, depth: Map, most: float) -> tuple[Sheet, Sheet, Plane]:
    """The back sheet, the front one, and what the front one hides. depth: of any size. most: pixels of Y by which what is
    nearest ever moves against what is farthest."""
    height, width = planes[0].shape
    scale = min(1.0, REASONED / max(height, width))
    size = max(8, round(width * scale)), max(8, round(height * scale))
    sharp = _sharpened(np.asarray(cv2.resize(depth, size, interpolation=cv2.INTER_LINEAR), np.float32))
    slow = max(1.5, 0.35 * most * scale)  # how softly depth changes within a sheet

    def large(small: Map) -> Map:
        return np.asarray(np.clip(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), 0, 1), np.float32)

    def soft(small: Map) -> Map:
        return np.asarray(cv2.GaussianBlur(small.astype(np.float32), (0, 0), slow), np.float32)

    edges = _edges(sharp)
    if most < 0.75 or not edges.any():
        smooth = large(soft(sharp))
        return Sheet(planes, smooth), Sheet(planes, smooth), np.zeros((height, width), np.uint8)
    deep = ceil(2 * most * scale) + 3  # what may be seen behind an edge, and as much again: filling in comes from both sides
    wide = deep + ceil(4 * slow) + 3
    ahead, away = _ahead(sharp, edges)
    hidden, kept = ahead & (away <= deep), ahead & (away <= wide)
    back = soft(np.where(hidden, cv2.erode(sharp, _square(deep + 2)), sharp))
    # In front, depth goes on past the edge, so that what is drawn there is not bent by what lies behind it.
    over = cv2.dilate(np.where(kept, sharp, 0).astype(np.float32), _square(ceil(3 * slow) + 2))
    front = soft(np.where(kept, sharp, np.where(over > 0, over, sharp)))
    # The front sheet fades where it is one with the back again; at an edge it is cut as sharply as the picture is.
    inward = np.clip((wide - away) / max(2.0, 2 * slow), 0, 1)
    cut = cv2.resize(kept.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    cover = cv2.GaussianBlur(np.clip((cut - 0.5) * max(1.0, 1.5 / scale) + 0.5, 0, 1).astype(np.float32), (0, 0), 0.6) * large(inward)
    behind = np.asarray(cv2.resize(hidden.astype(np.uint8) * 255, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
    return Sheet(_filled(planes, behind), large(back)), Sheet(planes, large(front)), np.asarray(cover * 255 + 0.5, np.uint8)


def _sharpened(depth: Map) -> Map:
    """With steps where a model drew slopes a few pixels wide: each place goes to the side that it is nearer to."""
    made = cv2.medianBlur(depth, 5)
    for _ in range(3):
        low, high = cv2.erode(made, _square(2)), cv2.dilate(made, _square(2))
        made = np.where(high - low > LEAST, np.where(made - low < high - made, low, high), made).astype(np.float32)
    return np.asarray(made, np.float32)


def _edges(depth: Map) -> NDArray[np.bool_]:
    """Where depth leaps."""
    return np.asarray(cv2.dilate(depth, _square(1)) - cv2.erode(depth, _square(1)) > LEAST)


def _ahead(depth: Map, edges: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], Map]:
    """Whether each place stands in front at the edge that is nearest to it, and how far that edge is."""
    free = np.asarray(~edges, np.uint8)
    away, which = cv2.distanceTransformWithLabels(free, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    middle = (cv2.erode(depth, _square(2)) + cv2.dilate(depth, _square(2))) / 2
    at_edge = np.zeros(int(which.max()) + 1, np.float32)
    at_edge[which[edges]] = middle[edges]
    return np.asarray(depth > at_edge[which]), np.asarray(away, np.float32)


def _filled(planes: Planes, hidden: Plane) -> Planes:
    """The picture with what stands in front painted over from its surroundings, where that is hidden."""
    height, width = hidden.shape
    scale = min(1.0, FILLED / max(height, width))
    size = max(2, round(width * scale)), max(2, round(height * scale))
    whole = cv2.merge([planes[0], *(cv2.resize(plane, (width, height), interpolation=cv2.INTER_LINEAR) for plane in planes[1:])])
    rim = cv2.dilate(hidden, _square(2))  # where an edge's own pixels are a mixture
    small = cv2.resize(whole, size, interpolation=cv2.INTER_AREA)
    mask = np.asarray((cv2.resize(rim, size, interpolation=cv2.INTER_AREA) > 0) * 255, np.uint8)
    done = cv2.resize(cv2.inpaint(small, mask, 3, cv2.INPAINT_TELEA), (width, height), interpolation=cv2.INTER_CUBIC)
    share = (cv2.GaussianBlur(rim, (0, 0), 1.0).astype(np.float32) / np.float32(255))[..., None]
    mixed = np.asarray(whole * (1 - share) + done * share + 0.5, np.uint8)
    y, u, v = cv2.split(mixed)
    half = planes[1].shape[::-1]
    return y, cv2.resize(u, half, interpolation=cv2.INTER_AREA), cv2.resize(v, half, interpolation=cv2.INTER_AREA)


def _square(reach: int) -> NDArray[uint8]:
    return np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)


def _maps(depth: Map, near: Matrix, far: Matrix, size: tuple[int, int]) -> tuple[Map, Map]:
    """Where each pixel of the film is looked up in Y: for the film's luma, and for its chroma. Continuous places.

    A place of the picture lies, seen from the film, between where it would be if it were nearest and farthest, by its
    own depth: which place that is has to be found, a little nearer each round. It is reckoned for a few pixels; between
    them it is a straight line, which is exact wherever depth is the same.
    """
    width, height = size
    few = -(-width // COARSE) + 2, -(-height // COARSE) + 2
    x = (np.arange(few[0], dtype=np.float64) - 0.5) * COARSE
    y = (np.arange(few[1], dtype=np.float64) - 0.5) * COARSE
    ends = []
    for matrix in (near, far):
        (a, b, c), (d, e, f) = cv2.invertAffineTransform(matrix)
        ends.append(np.stack([a * x[None] + b * y[:, None] + c, d * x[None] + e * y[:, None] + f], -1).astype(np.float32))
    way = ends[0] - ends[1]
    place = ends[1] + np.float32(0.5) * way
    for k in range(ROUNDS):
        at = _looked(depth, place, cv2.BORDER_REPLICATE)
        found = ends[1] + at[..., None] * way
        place = found if k in (0, ROUNDS - 1) else (place + found) * np.float32(0.5)
    whole = cv2.resize(place, (few[0] * COARSE, few[1] * COARSE), interpolation=cv2.INTER_LINEAR)
    luma = np.ascontiguousarray(whole[COARSE : COARSE + height, COARSE : COARSE + width])
    chroma = np.ascontiguousarray((luma[0::2, 0::2] + luma[1::2, 0::2]) * np.float32(0.5))  # sited on the left luma sample
    return luma, chroma


def _looked(plane: Plane, places: Map, border: int, half: int = 0) -> Plane:
    """The plane at those places, which are Y's; half: 1 for a plane of half the size."""
    at = places * np.float32(0.5) - np.float32(0.5) if half else places - np.float32(0.5)
    return cv2.remap(plane, at, None, cv2.INTER_LINEAR, borderMode=border)  # type: ignore[call-overload, no-any-return]
