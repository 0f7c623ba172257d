"""A picture as if it were drawn or painted, by plain image processing: the same picture gives the same bytes.

Pure: BGR bytes in, BGR bytes of the same size out. Knows presets' numbers, no files and no film.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from .presets import Style

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bytes = NDArray[Any]  # of uint8
    Floats = NDArray[Any]  # of float32

VERSION = 1
WORK = 1600  # pixels of the longer side on which strokes are made: they are as large in any size
SAMPLES = 20_000  # pixels that a palette is found from


def styled(picture: Bytes, style: Style) -> Bytes:
    """The picture in that style, same shape (height, width, 3), BGR."""
    height, width = picture.shape[:2]
    scale = min(1.0, WORK / max(height, width))
    size = max(8, round(width * scale)), max(8, round(height * scale))
    small = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    made = HOW[style.how](small, style)
    if made.shape == picture.shape:
        return made
    way = cv2.INTER_NEAREST if style.how == "pixel" else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(made, (width, height), interpolation=way), np.uint8)


def sketch(picture: Bytes, style: Style) -> Bytes:
    """Pencil: light divided by its surroundings leaves lines; strokes that slant shade what is dark."""
    grey = _light(picture)
    unit = _unit(picture)
    fine = _lines(grey, (1.2 + 2.2 * (1 - style.detail)) * unit)
    broad = _lines(grey, 7 * unit)
    soft = cv2.GaussianBlur(grey, (0, 0), 2.5 * unit)
    shade = np.clip((0.72 - soft) / 0.72, 0, 1) ** 1.2
    first = _strokes(grey.shape, 38.0, unit, 3)
    second = _strokes(grey.shape, -22.0, unit, 5)
    tone = shade * (0.30 + 0.62 * first) + np.clip(shade - 0.45, 0, 1) * (0.15 + 0.75 * second)
    lines = 1 - np.minimum(fine, 0.35 + 0.65 * broad)
    dark = np.clip(1.15 * style.lines * lines * (0.75 + 0.5 * first) + 0.9 * tone, 0, 1)
    dark *= 1 - 0.35 * style.paper * _tooth(grey.shape, unit)
    return _inked(dark, style)


def ink(picture: Bytes, style: Style) -> Bytes:
    """Pen: outlines, solid shadows, and hatching whose lines thicken where it is darker."""
    unit = _unit(picture)
    grey = _light(picture)
    for _ in range(3):
        grey = np.asarray(cv2.bilateralFilter(grey, 7, 0.12, 4 * unit), np.float32)
    lines = _outlines(grey, (0.9 + 1.2 * (1 - style.detail)) * unit, 22.0)
    soft = cv2.GaussianBlur(_evened(grey), (0, 0), 1.6 * unit)
    solid = _step(0.075 - soft, 0.02)
    pitch = (5.0 + 4.0 * (1 - style.detail)) * unit
    first = _hatch(soft, 45.0, pitch, 0.52, 0.10)
    second = _hatch(soft, -45.0, pitch, 0.30, 0.05)
    third = _hatch(soft, 12.0, pitch * 1.1, 0.17, 0.02)
    dark = np.maximum.reduce([style.lines * 1.25 * lines, solid, first, second, third])
    return _inked(np.clip(dark, 0, 1), style)


def watercolour(picture: Bytes, style: Style) -> Bytes:
    """Washes: detail melts, edges wander and gather pigment, paper shows through."""
    unit = _unit(picture)
    shape = picture.shape[:2]
    wash = picture
    for _ in range(3):
        wash = cv2.bilateralFilter(wash, 9, 34 + 30 * (1 - style.detail), 7 * unit)
    wash = cv2.medianBlur(np.asarray(wash, np.uint8), _odd(5 * unit * (1.4 - style.detail)))
    wash = _wandering(np.asarray(wash, np.uint8), 2.6 * unit)
    lab = cv2.cvtColor(wash.astype(np.float32) / np.float32(255), cv2.COLOR_BGR2Lab)
    light = _stretched(lab[..., 0] / 100) ** np.float32(0.85)
    steps = 7.0
    stepped = (np.floor(light * steps) + _step(light * steps - np.floor(light * steps) - 0.5, 0.16)) / steps
    blend = 0.62 * stepped + 0.38 * light
    edges = _edges(blend, 1.3 * unit)
    cloud = _cloud(shape, 60 * unit, 11) + 0.6 * _cloud(shape, 18 * unit, 12)
    bright = 1 - (1 - blend) ** 0.92 * (0.74 + 0.06 * cloud)  # washes are thin: lighter than the picture, and uneven
    lab[..., 0] = 100 * np.clip(bright - 0.26 * style.lines * edges, 0, 1)
    lab[..., 1:] = lab[..., 1:] * style.saturation * (1 + 0.08 * cloud)[..., None]
    paint = np.clip(cv2.cvtColor(lab, cv2.COLOR_Lab2BGR), 0, 1)
    lines = _lines(_light(picture), 2.0 * unit)
    paint = paint * (1 - 0.30 * style.lines * (1 - lines))[..., None]
    fleck = _tooth(shape, unit)
    dry = np.clip(bright - 0.62, 0, 1)[..., None] * 1.1
    ground = _rgb(style.ground)
    mixed = paint * (1 - 0.6 * dry) + ground * 0.6 * dry
    mixed = mixed * (1 - style.paper * fleck * (0.07 + 0.16 * np.clip(1 - bright, 0, 1)))[..., None]
    return _bytes(mixed)


def poster(picture: Bytes, style: Style) -> Bytes:
    """A few inks, each a flat shape with a clean edge."""
    unit = _unit(picture)
    flat = picture
    for _ in range(2):
        flat = cv2.bilateralFilter(flat, 9, 60, 9 * unit)
    flat = cv2.medianBlur(_saturated(np.asarray(flat, np.uint8), style.saturation), _odd((3 + 8 * (1 - style.detail)) * unit))
    lab = _lab(np.asarray(flat, np.uint8))
    palette = _palette(lab, style.colours)
    near = _nearest(lab, palette)
    shares = np.stack([cv2.GaussianBlur((near == k).astype(np.float32), (0, 0), 1.6 * unit) for k in range(len(palette))])
    which = shares.argmax(0)
    inks = _from_lab(palette)
    out = inks[which]
    out = cv2.GaussianBlur(out, (0, 0), max(0.45, 0.5 * unit))  # edges as smooth as a screen's
    return _bytes(out * (1 - 0.10 * style.paper * _tooth(which.shape, unit))[..., None])


def pixel(picture: Bytes, style: Style) -> Bytes:
    """Squares, in few colours; those between two colours are chequered."""
    height, width = picture.shape[:2]
    across = round(72 + 240 * style.detail)
    side = max(2, round(max(height, width) / across))
    few = cv2.resize(picture, (-(-width // side), -(-height // side)), interpolation=cv2.INTER_AREA)
    sharp = cv2.addWeighted(few, 1.6, cv2.GaussianBlur(few, (0, 0), 1.2), -0.6, 0)
    lab = _lab(_saturated(np.asarray(sharp, np.uint8), style.saturation))
    palette = _palette(lab, style.colours)
    bayer = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]], np.float32) / 15 - 0.5
    tiled = np.tile(bayer, (-(-lab.shape[0] // 4), -(-lab.shape[1] // 4)))[: lab.shape[0], : lab.shape[1]]
    lab[..., 0] += 5.0 * tiled
    out = _bytes(_from_lab(palette)[_nearest(lab, palette)])
    return np.ascontiguousarray(np.repeat(np.repeat(out, side, 0), side, 1)[:height, :width])


def cel(picture: Bytes, style: Style) -> Bytes:
    """Tones in steps and outlines, as on a painted cel."""
    unit = _unit(picture)
    flat = picture
    for _ in range(4):
        flat = cv2.bilateralFilter(flat, 9, 38 + 26 * (1 - style.detail), 6 * unit)
    flat = cv2.medianBlur(np.asarray(flat, np.uint8), _odd((2 + 5 * (1 - style.detail)) * unit))
    lab = _lab(np.asarray(flat, np.uint8))
    light = _stretched(lab[..., 0] / 100) ** np.float32(0.82) * style.colours
    whole = np.floor(light)
    lab[..., 0] = 100 * np.clip((whole + _step(light - whole - 0.5, 0.05)) / style.colours, 0, 1)
    lab[..., 1:] *= style.saturation
    paint = np.clip(cv2.cvtColor(lab.astype(np.float32), cv2.COLOR_Lab2BGR), 0, 1)
    lines = _outlines(_light(np.asarray(cv2.bilateralFilter(picture, 7, 50, 5), np.uint8)), (1.3 + 1.2 * (1 - style.detail)) * unit, 42.0)
    share = np.clip(style.lines * 1.2 * lines, 0, 1)[..., None]
    return _bytes(paint * (1 - share) + _rgb(style.ink) * share)


HOW: Mapping[str, Callable[[Bytes, Style], Bytes]] = MappingProxyType(
    {"sketch": sketch, "ink": ink, "watercolour": watercolour, "poster": poster, "pixel": pixel, "cel": cel}
)


def _unit(picture: Bytes) -> float:
    """A stroke's measure: one pixel of a picture that is 1000 long."""
    return max(0.5, float(max(picture.shape[:2])) / 1000)


def _odd(size: float) -> int:
    return max(3, round(size) | 1)


def _light(picture: Bytes) -> Floats:
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), np.float32) / np.float32(255)


def _stretched(grey: Floats) -> Floats:
    """From its darkest to its lightest hundredth."""
    low, high = np.quantile(grey[::4, ::4], (0.01, 0.99))
    return np.asarray(np.clip((grey - low) / max(0.05, high - low), 0, 1), np.float32)


def _evened(grey: Floats) -> Floats:
    """With its dark parts opened up, each about as far as its surroundings allow."""
    spread = cv2.createCLAHE(2.2, (6, 6)).apply(np.asarray(_stretched(grey) * 255 + 0.5, np.uint8))
    return np.asarray(0.7 * (spread.astype(np.float32) / np.float32(255)) + 0.3 * _stretched(grey) ** np.float32(0.7), np.float32)


def _step(value: Floats, soft: float) -> Floats:
    """0 below nought, 1 above, with a soft edge."""
    return np.asarray(np.clip(0.5 + value / (2 * soft), 0, 1), np.float32)


def _lines(grey: Floats, wide: float) -> Floats:
    """1 where it is as light as its surroundings, less on a dark line."""
    around = cv2.GaussianBlur(grey, (0, 0), wide)
    return np.asarray(np.clip((grey + 0.02) / (around + 0.02), 0, 1) ** 2.2, np.float32)


def _outlines(grey: Floats, wide: float, hard: float) -> Floats:
    """Where a fine blur is darker than a broad one."""
    near, far = cv2.GaussianBlur(grey, (0, 0), wide), cv2.GaussianBlur(grey, (0, 0), wide * 1.6)
    below = np.clip(far * 1.0 - near - 0.004, 0, 1)
    return np.asarray(np.tanh(below * hard), np.float32)


def _edges(grey: Floats, wide: float) -> Floats:
    """How steep the light is there, 0 to 1."""
    soft = cv2.GaussianBlur(grey.astype(np.float32), (0, 0), wide)
    steep = np.hypot(cv2.Sobel(soft, cv2.CV_32F, 1, 0), cv2.Sobel(soft, cv2.CV_32F, 0, 1))
    return np.asarray(np.clip(steep * 3.0, 0, 1), np.float32)


def _strokes(shape: tuple[int, ...], angle: float, unit: float, seed: int) -> Floats:
    """Pencil strokes that all slant one way, 0 to 1."""
    height, width = shape
    side = int(np.hypot(height, width)) + 8
    noise = _noise((side, side), seed)
    long = cv2.blur(noise, (max(3, round(46 * unit)), 1))
    long = cv2.GaussianBlur(long, (0, 0), sigmaX=1.0, sigmaY=max(0.5, 0.85 * unit))
    turn = cv2.getRotationMatrix2D((side / 2, side / 2), angle, 1.0)
    turned = cv2.warpAffine(long, turn, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    top, left = (side - height) // 2, (side - width) // 2
    cut = turned[top : top + height, left : left + width]
    return np.asarray(np.clip(0.5 + (cut - cut.mean()) / (3.2 * cut.std() + 1e-6), 0, 1), np.float32)


def _hatch(soft: Floats, angle: float, pitch: float, begins: float, full: float) -> Floats:
    """Parallel lines: none where it is lighter than `begins`, as thick as they get at `full`."""
    height, width = soft.shape
    y, x = np.mgrid[:height, :width].astype(np.float32)
    turn = np.deg2rad(np.float32(angle))
    wave = (x * np.sin(turn) + y * np.cos(turn)) / np.float32(pitch) + 0.18 * _cloud((height, width), 40.0, 21)
    ridge = np.abs(wave - np.round(wave)) * 2  # 0 on a line's middle
    thick = np.clip((begins - soft) / (begins - full), 0, 1) ** 0.8 * 0.55
    return np.asarray(np.clip((thick - ridge) * pitch / 2.2 + 0.0, 0, 1) * (thick > 0.02), np.float32)


def _wandering(picture: Bytes, far: float) -> Bytes:
    """The same, every place a little beside where it was."""
    height, width = picture.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    across, down = (far * _cloud((height, width), 9.0, seed) for seed in (31, 32))
    return np.asarray(cv2.remap(picture, x + across, y + down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT), np.uint8)


@lru_cache(maxsize=8)
def _noise(shape: tuple[int, int], seed: int) -> Floats:
    return np.random.default_rng(seed).standard_normal(shape, np.float32)


@lru_cache(maxsize=16)
def _cloud(shape: tuple[int, int], wide: float, seed: int) -> Floats:
    """Soft noise, about -1 to 1, with spots so many pixels wide."""
    few = max(2, round(shape[0] / wide)), max(2, round(shape[1] / wide))
    drawn = cv2.resize(_noise(few, seed), shape[::-1], interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(drawn * 0.6, -1.5, 1.5), np.float32)


@lru_cache(maxsize=4)
def _tooth(shape: tuple[int, int], unit: float) -> Floats:
    """The grain of rough paper, 0 to 1."""
    fine = cv2.GaussianBlur(_noise(shape, 41), (0, 0), 0.9 * unit)
    broad = cv2.GaussianBlur(_noise(shape, 42), (0, 0), 2.4 * unit)
    grain = fine / (fine.std() + 1e-6) + broad / (broad.std() + 1e-6)
    return np.asarray(np.clip(0.5 + 0.24 * grain, 0, 1), np.float32)


def _rgb(colour: str) -> Floats:
    """#rrggbb as BGR, 0 to 1."""
    return np.array([int(colour[k : k + 2], 16) / 255 for k in (5, 3, 1)], np.float32)


def _inked(dark: Floats, style: Style) -> Bytes:
    ground = _rgb(style.ground) * (1 - 0.05 * style.paper * _tooth(dark.shape, max(0.5, max(dark.shape) / 1000)))[..., None]
    return _bytes(ground * (1 - dark[..., None]) + _rgb(style.ink) * dark[..., None])


def _bytes(picture: Floats) -> Bytes:
    return np.asarray(np.clip(picture * 255 + 0.5, 0, 255), np.uint8)


def _lab(picture: Bytes) -> Floats:
    return np.asarray(cv2.cvtColor(picture.astype(np.float32) / np.float32(255), cv2.COLOR_BGR2Lab), np.float32)


def _from_lab(palette: Floats) -> Floats:
    return np.asarray(np.clip(cv2.cvtColor(palette[None].astype(np.float32), cv2.COLOR_Lab2BGR)[0], 0, 1), np.float32)


def _saturated(picture: Bytes, by: float) -> Bytes:
    grey = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    return np.asarray(cv2.addWeighted(picture, by, grey, 1 - by, 0), np.uint8)


def _palette(lab: Floats, count: int) -> Floats:
    """So many colours that suit the picture. Found from where they stand by light, so that there is no chance in it."""
    every = lab.reshape(-1, 3)
    few = np.ascontiguousarray(every[:: max(1, len(every) // SAMPLES)])
    count = min(count, len(few))
    order = np.argsort(few[:, 0], kind="stable")
    start = np.empty(len(few), np.int32)
    start[order] = np.minimum(np.arange(len(few)) * count // len(few), count - 1)
    ends = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 40, 0.2)
    weights = np.array([1.0, 1.25, 1.25], np.float32)
    _, _, middles = cv2.kmeans(few * weights, count, start, ends, 1, cv2.KMEANS_USE_INITIAL_LABELS)
    return np.asarray(middles / weights, np.float32)


def _nearest(lab: Floats, palette: Floats) -> NDArray[np.intp]:
    far = np.stack([((lab - one) ** 2).sum(-1) for one in palette])
    return np.asarray(far.argmin(0))
