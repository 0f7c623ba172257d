"""Two pictures and any moment between them: how things move is found with OpenCV's DIS, forth and back.

At each place several motions are tried for that moment (what comes from the one side, from the other, and what the
neighbours do), and the one with which both pictures agree best is taken: so edges stay edges where one thing passes
before another. What comes in at the rim is drawn from the one picture that has it. Knows no video.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy import float32, uint8
    from numpy.typing import NDArray

    Picture = NDArray[uint8]
    Field = NDArray[float32]

WORKED = 448  # pixels: motion is found in pictures whose longer side is at most so long
NEAR = 6  # pixels of those: how far the neighbours are whose motion is tried
PATCH = 9  # pixels: over so many it is judged how well two pictures agree
OTHER = 0.36  # of the pictures' contrast: two that agree less are two scenes
SOFT, FAR = 0.06, 0.05  # of the width: how softly, and how far at most, two scenes are drawn towards each other
SOLID = 6.0  # grey levels: pictures of less contrast are taken to have so much

cv2.setNumThreads(1)  # pictures are drawn side by side instead


@dataclass(frozen=True, slots=True)
class Between:
    """Two neighbouring I420 pictures and the motion between them: `forth` from the first to the second, `back` the
    other way, in pixels of the small pictures."""

    first: Picture
    second: Picture
    small: tuple[Picture, Picture]
    forth: Field
    back: Field

    def at(self, t: float, mix: float | None = None) -> Picture:
        """The picture at `t`, 0 (the first) to 1 (the second), as I420.

        Where they are two scenes nothing is between them: it is the nearer one. `mix`: the second's share in what is
        seen, for those who want one scene turned into the other.
        """
        share = t if mix is None else mix
        if t <= 0 and share <= 0:
            return self.first
        if t >= 1 and share >= 1:
            return self.second
        motion, left = _motion(self.small, self.forth, self.back, t)
        if mix is None and left > OTHER * max(SOLID, _contrast(self.small[0]), _contrast(self.small[1])):
            return self.first if t < 0.5 else self.second
        return self._mixed(motion, t, share)

    def turning(self, t: float, mix: float) -> Picture:
        """The first turning into the second: at `t` of the way, with `mix` of the second to be seen. Two scenes are
        drawn towards each other only softly, as wholes; within one scene things move to where they are next."""
        left = _motion(self.small, self.forth, self.back, t)[1]
        if left <= OTHER * max(SOLID, _contrast(self.small[0]), _contrast(self.small[1])):
            return self.at(t, mix)
        width = self.small[0].shape[1]
        soft = cv2.GaussianBlur((self.forth - self.back) / 2, (0, 0), SOFT * width)
        far = np.maximum(1.0, np.sqrt(np.square(soft).sum(-1, keepdims=True)) / (FAR * width))
        return self._mixed(np.asarray(soft / far * _rim(*self.small[0].shape), np.float32), t, mix)

    def _mixed(self, motion: Field, t: float, share: float) -> Picture:
        weights = [_seen(motion, -t) * (1 - share) + 1e-4, _seen(motion, 1 - t) * share + 1e-4]
        out = np.empty_like(self.first)
        rows = out.shape[0] * 2 // 3
        out[:rows] = _drawn(self.first[:rows], self.second[:rows], motion, weights, t, cv2.INTER_CUBIC)
        chroma = _drawn(_chroma(self.first), _chroma(self.second), motion, weights, t, cv2.INTER_LINEAR)
        planes = out[rows:].reshape(2, rows // 2, -1)
        planes[0], planes[1] = chroma[..., 0], chroma[..., 1]
        return out


def between(first: Picture, second: Picture) -> Between:
    """What is needed to draw any moment between two I420 pictures of one size."""
    small = shrunk(first), shrunk(second)
    finder = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    finder.setFinestScale(1)
    finder.setVariationalRefinementIterations(2)
    height, width = small[0].shape
    nothing = np.zeros((height, width, 2), np.float32)
    if min(height, width) < 24:  # too small for DIS
        forth, back = nothing, nothing
    else:
        forth, back = finder.calc(small[0], small[1], nothing.copy()), finder.calc(small[1], small[0], nothing.copy())
    return Between(first, second, small, forth, back)


def shrunk(picture: Picture) -> Picture:
    """The luma of an I420 picture, small enough to find motion in."""
    luma = picture[: picture.shape[0] * 2 // 3]
    height, width = luma.shape
    by = min(1.0, WORKED / max(height, width))
    small: Any = cv2.resize(luma, (max(8, round(width * by)), max(8, round(height * by))), interpolation=cv2.INTER_AREA)
    return small  # type: ignore[no-any-return]


@lru_cache(maxsize=8)
def grid(height: int, width: int) -> Field:
    """(height, width, 2): where each pixel is."""
    down, across = np.mgrid[0:height, 0:width].astype(np.float32)
    return np.dstack([across, down])


def _motion(small: tuple[Picture, Picture], forth: Field, back: Field, t: float) -> tuple[Field, float]:
    """For the moment `t`: each place's motion from first to second, and how much the pictures still differ by then."""
    here = grid(*small[0].shape)
    start = _looked_up(forth, cv2.scaleAdd(forth, -t, here))
    end = -_looked_up(back, cv2.scaleAdd(back, t - 1, here))
    best, chosen = None, start
    for motion in (start, end, *_neighbours(start)):
        before = cv2.remap(small[0], cv2.scaleAdd(motion, -t, here), None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        after = cv2.remap(small[1], cv2.scaleAdd(motion, 1 - t, here), None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        differ = cv2.boxFilter(cv2.absdiff(before, after), cv2.CV_32F, (PATCH, PATCH))
        if best is None:
            best, chosen = differ, motion.copy()
            continue
        cv2.copyTo(motion, cv2.compare(differ, best, cv2.CMP_LT), chosen)
        best = cv2.min(best, differ)
    assert best is not None
    return np.asarray(cv2.blur(chosen, (3, 3)), np.float32), cv2.mean(best)[0]


def _looked_up(field: Field, places: Any) -> Field:
    return np.asarray(cv2.remap(field, places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32)


def _neighbours(field: Field) -> list[Field]:
    padded = cv2.copyMakeBorder(field, NEAR, NEAR, NEAR, NEAR, cv2.BORDER_REPLICATE)
    height, width = field.shape[:2]
    places = ((NEAR, 0), (NEAR, 2 * NEAR), (0, NEAR), (2 * NEAR, NEAR))
    return [np.ascontiguousarray(padded[y : y + height, x : x + width]) for y, x in places]


def _seen(motion: Field, share: float) -> Field:
    """How well each place can be seen in the picture that lies `share` of the motion away: less beyond its rim."""
    height, width = motion.shape[:2]
    there = cv2.scaleAdd(motion, share, grid(height, width))
    x, y = there[..., 0], there[..., 1]
    beyond = np.maximum(np.maximum(-x, x - (width - 1)), np.maximum(-y, y - (height - 1)))
    fade: Field = np.exp(-2.0 * np.maximum(beyond, 0), dtype=np.float32)
    return fade


def _drawn(first: Picture, second: Picture, motion: Field, weights: list[Field], t: float, reading: int) -> Picture:
    height, width = first.shape[:2]
    by = np.array([width / motion.shape[1], height / motion.shape[0]], np.float32)
    wide: Any = cv2.resize(motion * by, (width, height), interpolation=cv2.INTER_LINEAR)
    here = grid(height, width)
    before = cv2.remap(first, cv2.scaleAdd(wide, -t, here), None, reading, borderMode=cv2.BORDER_REPLICATE)
    after = cv2.remap(second, cv2.scaleAdd(wide, 1 - t, here), None, reading, borderMode=cv2.BORDER_REPLICATE)
    wider: list[Any] = [cv2.resize(weight, (width, height), interpolation=cv2.INTER_LINEAR) for weight in weights]
    return np.asarray(cv2.blendLinear(before, after, *wider), np.uint8)


@lru_cache(maxsize=8)
def _rim(height: int, width: int) -> Field:
    """(height, width, 1): 1, and 0 at the rim, where nothing may be drawn from beyond it."""
    across, down = (np.minimum(1, np.minimum(np.arange(n), np.arange(n)[::-1]) / (2 * FAR * width)) for n in (width, height))
    return np.asarray(np.outer(down, across)[..., None], np.float32)


def _contrast(small: Picture) -> float:
    return float(cv2.meanStdDev(small)[1][0, 0])


def _chroma(picture: Picture) -> Picture:
    rows = picture.shape[0] * 2 // 3
    planes = picture[rows:].reshape(2, rows // 2, -1)
    return np.dstack([planes[0], planes[1]])
