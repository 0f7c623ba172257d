"""Mountains as an illustrator cuts them: peaks one before the other, each with a sunny and a shady side, and snow.

Knows lines and light, no story.
"""

from __future__ import annotations

import cv2
import numpy as np

from .light import RGB, Light
from .noise import Array, Bytes, chance, field, smooth
from .sheet import Board, Grade, Sheet

ROWS = ((1.0, 1.0, 0.25), (0.74, 0.62, 0.12), (0.50, 0.44, 0.0))  # back to front: height, spacing, how many are missing
SHADY, SUNNY = 34, 206


def jagged(drawn: np.random.Generator, starts: Array, ends: Array, rough: float, depth: int) -> Array:
    """Broken lines between points (n, 2): (n, 2 ** depth + 1, 2). Middles move sideways by up to `rough` of the length."""
    lines = np.stack([starts, ends], axis=1)
    for _ in range(depth):
        step = np.diff(lines, axis=1)
        side = np.stack([-step[..., 1], step[..., 0]], axis=-1) * drawn.uniform(-rough, rough, (*step.shape[:2], 1))
        finer = np.empty((len(lines), lines.shape[1] * 2 - 1, 2))
        finer[:, 0::2] = lines
        finer[:, 1::2] = lines[:, :-1] + step / 2 + side
        lines = finer
    return lines


def mountains(
    sheet: Sheet, grade: Grade, light: Light, seed: int, *, base: float, high: float, wide: float, far: float, colour: RGB, snow: float = 0.0, steep: float = 1.0, mist: float = 0.0
) -> Board:
    """A range whose feet are at y `base`, the highest about `high` tall, `wide` apart; `snow` 0..1 from the top down."""
    masks = cover, lit, white = sheet.mask(), sheet.mask(), sheet.mask()
    for row, (tall, near, none) in enumerate(ROWS):
        gap = wide * near * 0.62
        reach = high * tall * 1.9 / steep
        cells = range(int(np.floor((sheet.left - reach) / gap)), int(np.ceil((sheet.right + reach) / gap)) + 1)
        peaks = []
        for cell in cells:
            own = chance(seed, f"peak {row} {cell}")
            height, place, kept = own.uniform(0.62, 1.0) ** 1.3, own.uniform(0.2, 0.8), own.uniform()
            if kept >= none:
                peaks.append((height, (cell + place) * gap, own))
        for height, x, own in sorted(peaks, key=lambda one: -one[0]):
            _peak(sheet, masks, own, (x, base - high * tall * height), base, light.side, base - high * (1 - snow) if snow else -9.0, steep)
    share, snowy = (mask.astype(np.float32) / np.float32(255) for mask in (lit, white))
    board = Board(sheet, grade, light.on(colour, 0.0, far))
    board.wash(light.on(colour, 1.0, far), share)
    if snow:
        icy = (0.93, 0.96, 1.0)
        board.wash(light.on(icy, 0.1, far), snowy)
        board.wash(light.on(icy, 1.0, far), snowy * share)
    sunk = np.clip((sheet.ys - (base - high)) / np.float32(high), 0, 1.2) ** 2.2 * (0.40 + 0.4 * light.fog + mist)
    board.wash(light.haze, np.clip(sunk, 0, 0.96))
    board.cover = cover.astype(np.float32) / np.float32(255)
    return board


def _peak(
    sheet: Sheet, masks: tuple[Bytes, ...], drawn: np.random.Generator, summit: tuple[float, float], base: float, side: float, snowline: float, steep: float
) -> None:
    """One peak: its outline, its sunny half, ribs that run down from its crest, its snow."""
    cover, lit, white = masks
    x, y = summit
    tall = base - y
    low = base + 0.4 * tall
    widths = drawn.uniform(0.85, 1.35, 2) / steep * tall * 1.4
    feet = np.array([(x - widths[0], low), (x + widths[1], low)])
    left, right = jagged(drawn, np.array([summit, summit]), feet, 0.085, 6)
    crest = jagged(drawn, np.array([summit]), np.array([(x + tall * drawn.uniform(-0.25, 0.25), low)]), 0.16, 5)[0]
    whole = np.concatenate([left[::-1], right[1:]])
    tone = drawn.uniform(-14, 14)
    sheet.fill(cover, [whole])
    sheet.fill(white, [whole], 0)
    sheet.fill(lit, [whole], int(SHADY + tone))
    sheet.fill(lit, [np.concatenate([(right if side > 0 else left)[::-1], crest[1:]])], int(SUNNY + tone))
    sheet.fill_each(lit, _ribs(drawn, crest[3::2], side, tall), int(96 + tone))
    sheet.fill_each(lit, _ribs(drawn, crest[4::3], -side, tall * 0.8), int(104 + tone))
    if snowline > y:
        _snow(sheet, white, drawn, left, right, snowline)


def _ribs(drawn: np.random.Generator, starts: Array, side: float, tall: float) -> Array:
    """Wedges of the other light, from the crest outward and down."""
    long = tall * drawn.uniform(0.2, 0.5, len(starts))
    ends = starts + np.column_stack([side * long * drawn.uniform(0.45, 0.8, len(starts)), long])
    feet = starts + np.column_stack([side * long * 0.1, long * drawn.uniform(0.5, 0.8, len(starts))])
    return np.concatenate([jagged(drawn, starts, ends, 0.10, 3), jagged(drawn, ends, feet, 0.12, 3)], axis=1)


def _snow(sheet: Sheet, white: Bytes, drawn: np.random.Generator, left: Array, right: Array, edge: float) -> None:
    """The cap above y `edge`, with tongues that hang down."""
    left, right = left[left[:, 1] < edge], right[right[:, 1] < edge]
    if len(left) < 2 or len(right) < 2:
        return
    start, end = left[-1], right[-1]
    tall = edge - left[0, 1]
    count = max(3, int((end[0] - start[0]) / 0.022)) | 1
    share = np.sort(drawn.uniform(0.02, 0.98, count))
    drop = np.where(np.arange(count) % 2, -0.25, 1.0) * drawn.uniform(0.1, 1.0, count) ** 1.6 * tall * 0.4
    tongues = end + (start - end) * share[:, None] + np.column_stack([np.zeros(count), drop])
    out = 0.7 / sheet.dense  # past the edge, that no rock shows there
    sheet.fill(white, [np.concatenate([left[::-1] - out, right[1:] - np.array((-out, out)), tongues])])


def volcano(sheet: Sheet, grade: Grade, light: Light, seed: int, *, base: float, high: float, far: float) -> Board:
    """One cone with a glowing mouth, streams of fire and a column of smoke."""
    own = chance(seed, "volcano")
    x = 0.16 * light.side + own.uniform(-0.08, 0.08)
    top = base - high * 0.80
    mouth = 0.055
    left = jagged(own, np.array([(x - mouth, top)]), np.array([(x - high * 1.15, base + 0.1)]), 0.05, 6)[0] + np.column_stack([0.10 * high * np.sin(np.linspace(0, np.pi, 65)), 0.10 * high * np.sin(np.linspace(0, np.pi, 65))])
    right = jagged(own, np.array([(x + mouth, top)]), np.array([(x + high * 1.15, base + 0.1)]), 0.05, 6)[0] + np.column_stack([-0.10 * high * np.sin(np.linspace(0, np.pi, 65)), 0.10 * high * np.sin(np.linspace(0, np.pi, 65))])
    rim = jagged(own, np.array([(x + mouth, top)]), np.array([(x - mouth, top)]), 0.16, 4)[0]
    crest = jagged(own, np.array([(x, top)]), np.array([(x + 0.08, base + 0.1)]), 0.14, 5)[0]
    cover, lit, fire = sheet.mask(), sheet.mask(), sheet.mask()
    whole = np.concatenate([left[::-1], rim[::-1], right])
    sheet.fill(cover, [whole])
    sheet.fill(lit, [whole], 40)
    sheet.fill(lit, [np.concatenate([(right if light.side > 0 else left)[::-1], crest])], 190)
    for k in range(5):
        start = np.array([(x + mouth * (k - 2) * 0.42, top + 0.004)])
        end = start + np.array((mouth * (k - 2) * own.uniform(0.8, 2.0) + own.uniform(-0.04, 0.04), high * own.uniform(0.25, 0.75)))
        path = jagged(own, start, end, 0.14, 4)[0]
        wide = np.linspace(0.007, 0.002, len(path))[:, None] * (1, 0)
        sheet.fill(fire, [np.concatenate([path - wide, (path + wide)[::-1]])])
    sheet.fill(fire, [np.concatenate([rim, rim[::-1] + np.array((0, 0.012))])])
    board = Board(sheet, grade, light.on((0.30, 0.26, 0.28), 0.2, far))
    rock = (0.42, 0.36, 0.37)
    board.wash(light.on(rock, 1.0, far), lit.astype(np.float32) / np.float32(255))
    sunk = np.clip((sheet.ys - (base - high)) / np.float32(high), 0, 1.2) ** 2.2 * np.float32(0.40 + 0.4 * light.fog)
    board.wash(light.haze, np.clip(sunk, 0, 0.96))
    hot = fire.astype(np.float32) / np.float32(255)
    away = np.sqrt((sheet.xs - x) ** 2 + ((sheet.ys - top + 0.05) * 0.8) ** 2)
    smoke = field(seed, "smoke", 6, 0.55).at((sheet.xs - x) * 1.6 + 0.3, sheet.ys * 1.6)
    up = np.clip((top - sheet.ys) / 0.45, 0, 1.3)
    plume = np.exp(-(((sheet.xs - x - 0.22 * up**1.5 + 0.10 * smoke * up) / (0.045 + 0.20 * up)) ** 2)) * (sheet.ys < top + 0.01) * smooth(1.15, 0.35, up)
    plume = np.clip(plume * (1.05 + 0.7 * smoke), 0, 0.94)
    hidden = (plume * (1 - cover.astype(np.float32) / 255)).astype(np.float32)
    board.wash(light.on((0.40, 0.37, 0.38), 0.5 + 0.0, far), np.where(hidden > 0.003, 1.0, 0.0).astype(np.float32))
    board.wash(light.on((0.72, 0.66, 0.64), 0.9, far), hidden * np.clip(0.5 + 0.8 * smoke, 0, 1))
    glow = np.exp(-away / 0.13).astype(np.float32)
    board.wash((1.0, 0.42, 0.14), glow * np.float32(0.85) * (hidden > 0.003))
    board.wash((1.0, 0.36, 0.10), cv2.GaussianBlur(hot, (0, 0), 0.010 * sheet.dense) * np.float32(0.8))
    board.wash((1.0, 0.80, 0.35), hot)
    board.cover = np.maximum(cover.astype(np.float32) / np.float32(255), np.maximum(hidden, glow * np.float32(0.55) * (sheet.ys < top + 0.02)))
    return board
