"""What stands right before us and frames the picture: grass, reeds, flowers, leaves from above, ferns. Knows outlines."""

from __future__ import annotations

from math import pi

import numpy as np

from .light import RGB, Light, mixed, times
from .noise import Array, cells, chance, line, numbered, smooth
from .sheet import Board, Grade, Sheet
from .trees import disc, limb, limbs

PETALS = ((0.92, 0.30, 0.36), (0.98, 0.80, 0.30), (0.72, 0.45, 0.90), (0.98, 0.96, 0.92), (0.98, 0.55, 0.68))


def blades(x: Array, y: float, tall: Array, wide: float, lean: Array) -> tuple[Array, Array]:
    """Leaves of grass, bent: (n, 12, 2) outlines, and their tips (n, 2)."""
    share = np.linspace(0, 1, 6)
    spine = np.stack([x[:, None] + (lean * tall)[:, None] * share**2, y - tall[:, None] * share * (1 - 0.12 * share * np.abs(lean)[:, None])], -1)
    return limbs(spine, wide * (1 - share) ** 0.7), spine[:, -1]


def _heads(kind: str, tip: Array, high: float, tall: float, own: Array) -> list[tuple[Array, int]]:
    """What is at the top of a stem: outlines, and which colour each has."""
    if kind == "reeds" and own[4] < 0.40:
        return [(limb(np.array([(tip[0], tip[1] + high * 0.20), (tip[0], tip[1] + high * 0.02)]), np.array([0.045, 0.040]) * tall), -1)]
    if kind == "crops":
        return [(limb(np.array([(tip[0], tip[1] + high * 0.16), (tip[0], tip[1] - high * 0.03)]), np.array([0.055, 0.02]) * tall), -2)]
    if kind == "flowers" and own[4] < 0.30:
        hue, size = int(own[5] * len(PETALS)), tall * (0.055 + 0.045 * own[6])
        turns = own[7] * pi + np.arange(5) * 2 * pi / 5
        petals = [(disc(float(tip[0] + size * 0.75 * np.cos(turn)), float(tip[1] + size * 0.75 * np.sin(turn)), size * 0.62, size * 0.62), hue) for turn in turns]
        return [*petals, (disc(float(tip[0]), float(tip[1]), size * 0.42, size * 0.42), -3)]
    return []


def grass(sheet: Sheet, grade: Grade, light: Light, seed: int, *, y: float, tall: float, colour: RGB, kind: str, dark: float) -> Board:
    """A fringe along y: "grass", "reeds", "flowers", "ferns" or "crops". `dark` 0..1: how much of a silhouette it is."""
    cover, tone = sheet.mask(), sheet.mask()
    gap = tall * {"reeds": 0.16, "ferns": 0.5, "crops": 0.08}.get(kind, 0.06)
    index = numbered(sheet.left, sheet.right, gap, tall)
    own = cells(seed, f"blades {kind}", index, 8)
    x = (index + own[:, 0]) * gap
    swell = 0.62 + 0.38 * line(seed, "tufts", (x / tall * 0.35).astype(np.float32), 2)
    heads: list[tuple[Array, int]] = []
    if kind == "ferns":
        leaves, light_on = ferns(x, y, tall * swell * 1.2, cells(seed, "fronds", index, 16))
        sheet.fill_each(cover, leaves)
        sheet.fill_each(tone, leaves, 50 + 160 * light_on)
    else:
        high = tall * swell * (0.55 + 0.45 * own[:, 1])
        lean = (1.1 * own[:, 2] - 0.55) * (0.35 if kind in ("reeds", "crops") else 1.0)
        whole, tips = blades(x, y + 0.02, high, tall * (0.030 if kind != "reeds" else 0.020), lean)
        sheet.fill_each(cover, whole)
        sheet.fill_each(tone, whole, 40 + 195 * own[:, 3])
        heads = [head for k in range(len(x)) for head in _heads(kind, tips[k], float(high[k]), tall, own[k])]
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


def ferns(x: Array, y: float, tall: Array, own: Array) -> tuple[Array, Array]:
    """Many at once: feet (n,), heights (n,), chance (n, 16) -> leaves (k, 6, 2), and how light each is, 0..1."""
    fronds = np.linspace(0.15 * pi, 0.85 * pi, 6)
    share = np.linspace(0, 1, 9)
    side = np.cos(fronds + 0.3 * own[:, :6] - 0.15)[..., None]
    rise = np.sin(fronds)[:, None]
    size = tall[:, None, None]
    spine = np.stack([x[:, None, None] + side * size * share, y + 0.02 - size * rise * share + size * 0.35 * np.abs(side) * share**2], -1)
    step = np.diff(spine, axis=2)
    normal = np.stack([-step[..., 1], step[..., 0]], -1) / (np.hypot(step[..., 0], step[..., 1])[..., None] + 1e-9)
    long = (size * 0.24 * (1 - share[1:]) + 0.006)[..., None] * np.ones_like(step)
    out = []
    for way in (-1, 1):
        tip = spine[:, :, 1:] + way * normal * long + step * 0.9
        foot = spine[:, :, :-1]
        out.append(np.stack([foot, (foot + tip) / 2 + step * 0.2, tip], axis=3).reshape(-1, 3, 2))
    wide = np.concatenate([long[..., 0].reshape(-1)] * 2)[:, None] * np.array([0.25, 0.35, 0.05])
    light = np.concatenate([np.clip(np.repeat(own[:, 6:12], 8, axis=1).reshape(-1) + shift, 0, 1) for shift in (-0.06, 0.06)])
    return limbs(np.concatenate(out), wide), light


def boughs(sheet: Sheet, grade: Grade, light: Light, seed: int, *, side: float, colour: RGB, dark: float, aspect: float) -> Board:
    """A branch with leaves that hangs in from above at one side (-1 left, 1 right)."""
    cover, tone = sheet.mask(), sheet.mask()
    drawn = chance(seed, "bough")
    edge = side * (aspect / 2 + 0.22)
    for _ in range(4):
        start = np.array([edge, drawn.uniform(-0.16, 0.10)])
        long = drawn.uniform(0.38, 0.62)
        share = np.linspace(0, 1, 12)
        droop = drawn.uniform(0.10, 0.34)
        spine = start + np.column_stack([-side * long * share, 0.02 * np.sin(share * 5) + droop * share**1.8])
        sheet.fill(cover, [limb(spine, 0.016 * (1 - 0.85 * share))])
        many = 46
        at, turn, size = drawn.uniform(0.22, 1.0, many), drawn.uniform(0.05, 0.95, many) * pi, drawn.uniform(0.030, 0.062, many)[:, None]
        foot = np.column_stack([np.interp(at, share, spine[:, 0]), np.interp(at, share, spine[:, 1])])
        tip = foot + size * np.column_stack([np.cos(turn), np.sin(turn)])
        leaves = limbs(np.stack([foot, foot * 0.55 + tip * 0.45, tip], axis=1), size * np.array([0.10, 0.46, 0.02]))
        sheet.fill_each(cover, leaves)
        sheet.fill_each(tone, leaves, drawn.uniform(20, 220, many))
    board = Board(sheet, grade, _seen(light, times(colour, 0.5), 0.1, dark))
    board.wash(_seen(light, colour, 0.85, dark), tone.astype(np.float32) / np.float32(255))
    board.cover = cover.astype(np.float32) / np.float32(255)
    return board


def canopy(sheet: Sheet, grade: Grade, light: Light, seed: int, *, y: float, far: float, colour: RGB, dark: float) -> Board:
    """Leaves overhead: clumps that hang down to about y, ragged below."""
    cover, tone = sheet.mask(), sheet.mask()
    size = 0.075 * (1.25 - 0.6 * far)
    for row in range(3):
        index = numbered(sheet.left, sheet.right, size * 1.1, size * 2)
        own = cells(seed, f"clump {row}", index, 40)
        x, foot = (index + own[:, 0]) * size * 1.1, y - size * (1.3 * (2 - row) - 1.6 * own[:, 1])
        turn = np.linspace(0, 2 * pi, 18, endpoint=False)
        reach = size * (0.7 + 0.5 * own[:, 2:3]) * (0.72 + 0.56 * own[:, 4:22])
        clumps = np.stack([x[:, None] + reach * np.cos(turn), foot[:, None] + 0.72 * reach * np.sin(turn)], -1)
        for clump in clumps:
            sheet.fill(cover, [clump])
        sheet.fill_each(tone, clumps, 20 + 70 * own[:, 3])
        lit = np.stack([x[:, None] + 0.3 * size * light.side + 0.6 * reach * np.cos(turn), foot[:, None] - 0.25 * size + 0.4 * reach * np.sin(turn)], -1)
        sheet.fill_each(tone, lit, 110 + 120 * own[:, 3])
    top = sheet.below(np.full((1, sheet.width), y - size * 1.6, np.float32))
    board = Board(sheet, grade, mixed(_seen(light, times(colour, 0.5), 0.1, dark), light.haze, light.faded(far)))
    board.wash(mixed(_seen(light, colour, 0.95, dark), light.haze, light.faded(far)), tone)
    board.cover = np.maximum(cover.astype(np.float32) / np.float32(255), 1 - top)
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
