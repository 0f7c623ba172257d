"""What stands right before us and frames the picture: grass, reeds, flowers, leaves from above, ferns. Knows outlines."""

from __future__ import annotations

from math import pi
from typing import TYPE_CHECKING

import numpy as np

from .light import RGB, Light, mixed, times
from .noise import chance, line, smooth
from .sheet import Board, Grade, Sheet
from .trees import disc, limb

if TYPE_CHECKING:
    from numpy import float64, uint8
    from numpy.typing import NDArray

    Points = NDArray[float64]
    Bytes = NDArray[uint8]

PETALS = ((0.92, 0.30, 0.36), (0.98, 0.80, 0.30), (0.72, 0.45, 0.90), (0.98, 0.96, 0.92), (0.98, 0.55, 0.68))


def blade(drawn: np.random.Generator, x: float, y: float, tall: float, wide: float, lean: float) -> Points:
    """One leaf of grass, bent."""
    share = np.linspace(0, 1, 6)
    spine = np.column_stack([x + lean * tall * share**2, y - tall * share * (1 - 0.12 * share * abs(lean))])
    return limb(spine, wide * (1 - share) ** 0.7)


def grass(sheet: Sheet, grade: Grade, light: Light, seed: int, *, y: float, tall: float, colour: RGB, kind: str, dark: float) -> Board:
    """A fringe along y: "grass", "reeds", "flowers", "ferns" or "crops". `dark` 0..1: how much of a silhouette it is."""
    cover, tone = sheet.mask(), sheet.mask()
    heads: list[tuple[Points, int]] = []
    gap = tall * {"reeds": 0.11, "ferns": 0.5, "crops": 0.08}.get(kind, 0.06)
    for cell in range(int((sheet.left - tall) / gap) - 1, int((sheet.right + tall) / gap) + 2):
        own = chance(seed, f"blade {cell}")
        x = (cell + own.uniform(0, 1)) * gap
        swell = 0.62 + 0.38 * float(line(seed, "tufts", np.array([x / tall * 0.35], np.float32), 2)[0])
        high = tall * swell * own.uniform(0.55, 1.0)
        lean = own.uniform(-0.55, 0.55)
        if kind == "ferns":
            _fern(sheet, cover, tone, own, x, y, tall * swell * 1.2)
            continue
        one = blade(own, x, y + 0.02, high, tall * (0.030 if kind != "reeds" else 0.022), lean * (0.35 if kind in ("reeds", "crops") else 1.0))
        sheet.fill(cover, [one])
        sheet.fill(tone, [one], int(own.uniform(40, 235)))
        tip = one[5]
        if kind == "reeds" and own.uniform() < 0.45:
            heads.append((limb(np.array([tip + (0, high * 0.20), tip + (0, high * 0.02)]), np.array([0.05, 0.045]) * tall), -1))
        if kind == "crops":
            heads.append((limb(np.array([tip + (0, high * 0.16), tip - (0, high * 0.03)]), np.array([0.055, 0.02]) * tall), -2))
        if kind == "flowers" and own.uniform() < 0.26:
            hue = int(own.integers(len(PETALS)))
            size = tall * own.uniform(0.045, 0.085)
            turns = own.uniform(0, pi)
            for k in range(5):
                turn = turns + k * 2 * pi / 5
                heads.append((disc(float(tip[0] + size * 0.75 * np.cos(turn)), float(tip[1] + size * 0.75 * np.sin(turn)), size * 0.62, size * 0.62), hue))
            heads.append((disc(float(tip[0]), float(tip[1]), size * 0.42, size * 0.42), -3))
    for outline, _ in heads:
        sheet.fill(cover, [outline])
    board = Board(sheet, grade, _seen(light, times(colour, 0.5), 0.15, dark))
    board.wash(_seen(light, colour, 0.9, dark), tone.astype(np.float32) / np.float32(255))
    board.wash(_seen(light, times(colour, 0.35), 0.1, dark), smooth(y - tall * 0.6, y + 0.02, sheet.ys) * np.ones((1, sheet.width), np.float32) * np.float32(0.75))
    kinds = {-1: (0.38, 0.24, 0.14), -2: (0.93, 0.76, 0.36), -3: (0.98, 0.82, 0.30)}
    for hue in sorted({hue for _, hue in heads}):
        mask = sheet.mask()
        sheet.fill(mask, [outline for outline, each in heads if each == hue])
        board.wash(_seen(light, kinds.get(hue) or PETALS[hue], 0.85, dark * 0.75), mask)
    board.cover = cover.astype(np.float32) / np.float32(255)
    return board


def _seen(light: Light, colour: RGB, lit: float, dark: float) -> RGB:
    return mixed(light.on(colour, lit, 0.0), light.on(times(colour, 0.25), 0.1, 0.0), dark)


def _fern(sheet: Sheet, cover: Bytes, tone: Bytes, own: np.random.Generator, x: float, y: float, tall: float) -> None:
    for turn in np.linspace(0.15 * pi, 0.85 * pi, int(own.integers(5, 8))):
        share = np.linspace(0, 1, 9)
        side = np.cos(turn + own.uniform(-0.1, 0.1))
        spine = np.column_stack([x + side * tall * share, y + 0.02 - tall * np.sin(turn) * share + tall * 0.35 * abs(side) * share**2])
        light_tone = int(own.uniform(50, 210))
        for k in range(1, 9):
            long = tall * 0.24 * (1 - share[k]) + 0.006
            step = spine[k] - spine[k - 1]
            normal = np.array([-step[1], step[0]]) / (np.hypot(*step) + 1e-9)
            for way in (-1, 1):
                tip = spine[k] + way * normal * long + step * 0.9
                leaf = limb(np.array([spine[k - 1], (spine[k - 1] + tip) / 2 + step * 0.2, tip]), np.array([0.25, 0.35, 0.05]) * long)
                sheet.fill(cover, [leaf])
                sheet.fill(tone, [leaf], light_tone + 12 * way)


def boughs(sheet: Sheet, grade: Grade, light: Light, seed: int, *, side: float, colour: RGB, dark: float, aspect: float, kind: str) -> Board:
    """A branch with leaves that hangs in from above at one side (-1 left, 1 right)."""
    cover, tone = sheet.mask(), sheet.mask()
    drawn = chance(seed, "bough")
    edge = side * (aspect / 2 + 0.22)
    for k in range(4):
        start = np.array([edge, drawn.uniform(-0.16, 0.10)])
        long = drawn.uniform(0.38, 0.62)
        share = np.linspace(0, 1, 12)
        droop = drawn.uniform(0.10, 0.34)
        spine = start + np.column_stack([-side * long * share, 0.02 * np.sin(share * 5) + droop * share**1.8])
        sheet.fill(cover, [limb(spine, 0.016 * (1 - 0.85 * share))])
        for _ in range(46):
            at = drawn.uniform(0.22, 1.0)
            foot = np.array([np.interp(at, share, spine[:, 0]), np.interp(at, share, spine[:, 1])])
            turn, size = drawn.uniform(0.05, 0.95) * pi, drawn.uniform(0.030, 0.062)
            tip = foot + size * np.array([np.cos(turn), np.sin(turn)])
            leaf = limb(np.array([foot, foot * 0.55 + tip * 0.45, tip]), size * (np.array([0.10, 0.46, 0.02]) if kind != "pine" else np.array([0.08, 0.14, 0.02])))
            sheet.fill(cover, [leaf])
            sheet.fill(tone, [leaf], int(drawn.uniform(20, 220)))
        del k
    board = Board(sheet, grade, _seen(light, times(colour, 0.5), 0.1, dark))
    board.wash(_seen(light, colour, 0.85, dark), tone.astype(np.float32) / np.float32(255))
    board.cover = cover.astype(np.float32) / np.float32(255)
    return board


def cave(sheet: Sheet, grade: Grade, light: Light, seed: int, *, aspect: float) -> Board:
    """Rock all around, with the world seen through its mouth."""
    xs, ys = sheet.xs, sheet.ys
    x, y = xs / (0.40 * aspect + 0.06), (ys - 0.60) / np.float32(0.52)
    turn = np.arctan2(y, x)
    rough = 0.10 * line(seed, "mouth", np.asarray(turn * 2.2 + 9, np.float32), 5, 0.6)
    away = np.sqrt(x * x + y * y) + rough
    board = Board(sheet, grade, light.on((0.20, 0.18, 0.19), 0.35, 0.0))
    crag = line(seed, "crag", np.asarray(turn * 7 + 3, np.float32), 4, 0.6)
    board.wash(mixed(light.on((0.55, 0.48, 0.45), 0.9, 0.0), light.haze, 0.4), np.clip(np.exp(-(away - 1) / 0.09) * (0.55 + 0.6 * crag), 0, 0.9))
    board.wash((0.02, 0.02, 0.03), smooth(1.05, 1.55, away) * np.float32(0.85))
    board.cover = smooth(0.985, 1.0, away)
    return board
