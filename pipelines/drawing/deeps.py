"""Under water: light from above, a bed of sand and rock, weeds and coral. Knows light and outlines."""

from __future__ import annotations

import numpy as np

from .light import RGB, Light, mixed, times
from .noise import Array, cells, chance, field, line, numbered, smooth
from .sheet import Board, Grade, Sheet
from .trees import disc, limb

GAP = 0.075  # between corals
CORAL = ((0.92, 0.42, 0.40), (0.95, 0.62, 0.36), (0.78, 0.40, 0.72), (0.96, 0.80, 0.50), (0.42, 0.70, 0.72))


def water(sheet: Sheet, grade: Grade, light: Light, seed: int) -> Board:
    """The deep itself, brightest near the surface, with shafts of light."""
    xs, ys = sheet.xs, sheet.ys
    board = Board(sheet, grade, light.sky[-1])
    top, low = light.sky[0], light.sky[-1]
    share = smooth(-0.25, 1.05, ys)
    board.wash(top, (1 - share) * np.ones_like(xs))
    shine = np.exp(-(((xs - light.x * 0.6) / 0.75) ** 2)) * np.exp(-np.maximum(ys + 0.1, 0) / 0.34)
    board.wash(light.glow, shine * np.float32(0.75))
    ripple = field(seed, "surface", 5).at(xs * 1.2, np.maximum(ys + 0.25, 0.01) * 5)
    board.wash(mixed(light.glow, (1.0, 1.0, 1.0), 0.4), smooth(0.25, 0.7, ripple) * np.exp(-np.maximum(ys + 0.02, 0) / 0.05) * np.float32(0.6))
    del low
    return board


def shafts(sheet: Sheet, grade: Grade, light: Light, seed: int) -> Board:
    """Rays that slant down from the surface."""
    few = sheet.coarse(4)
    xs, ys = few.xs, few.ys
    fan = (xs - light.x * 0.5) / (ys + 0.75)
    rays = smooth(0.15, 0.75, line(seed, "shafts", np.asarray(fan * 5.0, np.float32), 3, 0.6))
    board = Board(sheet, grade, mixed(light.glow, (1.0, 1.0, 1.0), 0.25))
    board.cover = sheet.fine(rays * np.exp(-np.maximum(ys + 0.15, 0) / 0.42) * smooth(0.9, 0.5, ys) * np.float32(0.55))
    return board


def reef(sheet: Sheet, grade: Grade, light: Light, seed: int, *, y: float, high: float, far: float) -> Board:
    """A bank of rock with coral on it."""
    xs, ys = sheet.xs, sheet.ys
    edge = (y - high * (0.45 + 0.55 * line(seed, "reef", xs * 1.6, 5, 0.55))).astype(np.float32)
    deep = np.maximum(ys - edge, 0)
    cover = sheet.below(edge)
    rock: RGB = (0.36, 0.40, 0.46)
    board = Board(sheet, grade, light.on(times(rock, 0.5), 0.1, far))
    crag = field(seed, "crag", 6).at(xs * 1.8, ys * 1.8)
    board.wash(light.on(rock, 0.9, far), np.clip(np.exp(-deep / 0.07) * (0.5 + 0.6 * crag), 0, 1))
    if far < 0.6:
        corals, mask = sheet.mask(), sheet.mask()
        index = numbered(sheet.left, sheet.right, GAP, 0.2)
        for cell, own in zip(index.tolist(), cells(seed, "coral", index, 4), strict=True):
            x = (cell + own[0]) * GAP
            at = float(np.interp(x, xs[0], edge[0])) + 0.012
            hue, size = CORAL[int(own[1] * len(CORAL))], (0.03 + 0.055 * own[2]) * (1 - 0.5 * far)
            rows, columns = sheet.around(x, at, size * 2.4)
            sheet.fill(mask, _coral(x, at, size, own[3] < 0.5))
            board.wash(light.on(hue, 0.6, far + 0.1), mask[rows, columns], rows, columns)
            corals[rows, columns] = np.maximum(corals[rows, columns], mask[rows, columns])
            mask[rows, columns] = 0
        cover = np.maximum(cover, corals.astype(np.float32) / np.float32(255))
    board.cover = cover
    return board


def _coral(x: float, y: float, size: float, round_: bool) -> list[Array]:
    """One of two kinds: a heap of cushions, or fingers."""
    if round_:
        return [disc(x + size * dx, y - size * 0.35 - size * dy, size * 0.42, size * 0.42) for dx, dy in ((-0.5, 0), (0.5, 0), (0, 0.35), (-0.2, 0.1), (0.25, 0.15))]
    turns = np.linspace(-0.9, 0.9, 5)
    return [limb(np.array([(x, y), (x + size * 0.5 * np.sin(turn), y - size * 0.7), (x + size * 1.2 * np.sin(turn), y - size * 1.5 * np.cos(turn))]), size * np.array([0.20, 0.16, 0.10])) for turn in turns]


def weeds(sheet: Sheet, grade: Grade, light: Light, seed: int, *, y: float, tall: float, far: float) -> Board:
    """Kelp in tufts, to be swayed."""
    cover, tone = sheet.mask(), sheet.mask()
    gap = 0.42
    for cell in range(int(sheet.left / gap) - 2, int(sheet.right / gap) + 3):
        own = chance(seed, f"weed {cell}")
        if own.uniform() < 0.25:
            continue
        x = (cell + own.uniform(0.2, 0.8)) * gap
        for _ in range(int(own.integers(5, 11))):
            high, lean = tall * own.uniform(0.45, 1.0), own.uniform(-0.22, 0.22)
            share = np.linspace(0, 1, 9)
            root = x + own.uniform(-0.06, 0.06)
            spine = np.column_stack([root + lean * high * share + 0.018 * np.sin(share * 9 + own.uniform(0, 6)), y + 0.03 - high * share])
            leaf = limb(spine, 0.022 * (1 - 0.8 * share) * (1 + 0.35 * np.sin(share * 22)))
            sheet.fill(cover, [leaf])
            sheet.fill(tone, [leaf], int(own.uniform(30, 230)))
    leaf_colour: RGB = (0.25, 0.52, 0.34)
    board = Board(sheet, grade, light.on(times(leaf_colour, 0.4), 0.1, far))
    board.wash(light.on(leaf_colour, 0.9, far), tone.astype(np.float32) / np.float32(255))
    board.cover = cover.astype(np.float32) / np.float32(255)
    return board
