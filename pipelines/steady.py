"""A shaken clip made steady: the camera's way is found from what is seen, smoothed, and the pictures moved by the
difference, a little larger so that no edge shows. Deterministic. Knows one clip at a time, no scene.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from . import ffmpeg
from .clip import Clip, warped
from .work import Tick

if TYPE_CHECKING:
    from numpy import float64, uint8
    from numpy.typing import NDArray

    Picture = NDArray[uint8]
    Way = NDArray[float64]

VERSION = 1
WIDE = 480  # pixels; the way is found in small pictures
POINTS, FEWEST = 240, 12  # that are followed from picture to picture; with fewer nothing is known of the way
STRAY = 2.0  # pixels of the small picture by which a point may leave the others' movement
SPAN = 0.7  # seconds over which the way is smoothed (one standard deviation)
MOST_CROP = 1.25  # enlargement; a wilder camera is only made calmer


def way(clip: Clip, tick: Tick) -> Way:
    """The camera's way, (frames, 4): x, y in the clip's pixels, turn in radians, logarithm of size; first row 0."""
    import numpy as np

    width = min(WIDE, clip.width)
    height = max(2, round(clip.height * width / clip.width))
    args: list[str | int | Path] = ["-protocol_whitelist", "file", "-f", "mov", "-i", clip.path, "-map", "0:V:0", "-fps_mode", "passthrough"]
    args += ["-vf", f"scale={width}:{height}:flags=area,format=gray", "-f", "rawvideo", "-pix_fmt", "gray", "pipe:1"]
    steps = [np.zeros(4)]
    before: Picture | None = None
    for k, raw in enumerate(ffmpeg.read(args, width * height)):
        tick(k / clip.count)
        picture = np.frombuffer(raw, np.uint8).reshape(height, width)
        if before is not None:
            steps.append(_step(before, picture))
        before = picture
    found = np.cumsum(np.array(steps), 0)
    found[:, :2] *= clip.width / width
    return found


def _step(before: Picture, after: Picture) -> NDArray[float64]:
    """How what is seen moved from one picture to the next; nothing at a cut, or where there is nothing to hold on to."""
    import cv2
    import numpy as np

    points = cv2.goodFeaturesToTrack(before, POINTS, 0.01, 8)
    if points is None or len(points) < FEWEST:
        return np.zeros(4)
    points = np.asarray(points, np.float32)
    there, found, _ = cv2.calcOpticalFlowPyrLK(before, after, points, points.copy(), winSize=(21, 21), maxLevel=3)
    there = np.asarray(there, np.float32)
    back, again, _ = cv2.calcOpticalFlowPyrLK(after, before, there, there.copy(), winSize=(21, 21), maxLevel=3)
    found, again, back = np.asarray(found), np.asarray(again), np.asarray(back)
    same = np.linalg.norm((points - back).reshape(-1, 2), axis=1) < 0.7
    kept = (found.reshape(-1) == 1) & (again.reshape(-1) == 1) & same
    if kept.sum() < FEWEST:
        return np.zeros(4)
    # its draws are always the same ones
    move, inside = cv2.estimateAffinePartial2D(points[kept], there[kept], method=cv2.RANSAC, ransacReprojThreshold=STRAY)
    if move is None or inside is None or inside.sum() < FEWEST or not np.isfinite(move).all():
        return np.zeros(4)
    middle = np.array([before.shape[1] / 2, before.shape[0] / 2])
    x, y = move[:, :2] @ middle + move[:, 2] - middle
    return np.array([x, y, np.arctan2(move[1, 0], move[0, 0]), np.log(max(1e-3, np.hypot(move[0, 0], move[1, 0])))])


def smoothed(found: Way, span: float) -> Way:
    """The way without its shaking: `span` frames are one standard deviation. A pan stays a pan up to both ends."""
    import numpy as np

    reach = max(1, min(len(found) - 1, round(3 * span)))
    if len(found) < 3:
        return np.repeat(found.mean(0, keepdims=True), len(found), 0)
    head = 2 * found[0] - found[reach:0:-1]
    tail = 2 * found[-1] - found[-2 : -2 - reach : -1]
    longer = np.concatenate([head, found, tail])
    bell = np.exp(-0.5 * (np.arange(-reach, reach + 1) / max(span, 1e-6)) ** 2)
    return np.stack([np.convolve(column, bell / bell.sum(), "valid") for column in longer.T], 1)


def matrices(found: Way, span: float, size: tuple[int, int]) -> Way:
    """(frames, 2, 3): one matrix a frame, from the clip's pixels to the steady clip's, of the same size; no edge shows."""
    import numpy as np

    ways = smoothed(found, span) - found
    low, high = 0.0, 1.0
    if _crop(ways, size) > MOST_CROP:
        for _ in range(20):
            middle = (low + high) / 2
            low, high = (middle, high) if _crop(ways * middle, size) <= MOST_CROP else (low, middle)
        ways = ways * low
    crop = _crop(ways, size)
    return np.stack([_matrix(one, crop, size) for one in ways])


def _matrix(one: NDArray[float64], crop: float, size: tuple[int, int]) -> Way:
    import numpy as np

    x, y, turn, large = one
    scale = crop * np.exp(large)
    turned = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    middle = np.array(size) / 2
    return np.column_stack([turned, middle + crop * np.array([x, y]) - turned @ middle])


def _crop(ways: Way, size: tuple[int, int]) -> float:
    """The enlargement with which every picture, moved so, still fills the frame."""
    import numpy as np

    half = np.array(size) / 2
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half
    need = 1.0
    for x, y, turn, large in ways:
        # a corner of the frame, seen from the picture: back by the turn and size, then by the way; the way grows with the crop
        back = np.exp(-large) * np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
        out, aside = corners @ back.T, back @ np.array([x, y])
        room = half[None] - np.abs(aside)
        if (room <= 0).any():
            return float("inf")
        need = max(need, float((np.abs(out) / room).max()))
    return need


def held(pictures: Iterable[Picture], moves: Way, size: tuple[int, int]) -> Iterator[Picture]:
    """The pictures, each moved by its matrix."""
    for picture, move in zip(pictures, moves, strict=True):
        yield warped(picture, move, size)
