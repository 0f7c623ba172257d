"""Trees, singly, in rows and as a wood around us: pines, round crowns, palms, bare ones. Knows outlines and light."""

from __future__ import annotations

from functools import lru_cache
from math import pi, tau

import cv2
import numpy as np

from .hills import hill_line
from .light import RGB, Light, mixed, times
from .noise import Array, Bytes, cells, chance, line, numbered, smooth
from .sheet import SHIFT, Board, Grade, Sheet

SHAPES = 12  # bare trees that differ
CROWN = -0.6  # y where stems end, far above the frame
ROUND = np.linspace(0, tau, 14, endpoint=False)


def disc(x: float, y: float, wide: float, tall: float, rough: Array | float = 1.0) -> Array:
    """An oval; `rough` multiplies the radius along it."""
    return np.column_stack([x + wide * np.cos(ROUND) * rough, y + tall * np.sin(ROUND) * rough])


def limb(points: Array, widths: Array) -> Array:
    """A line with a width at each point, as an outline."""
    return np.asarray(limbs(points[None], widths[None])[0])


def limbs(points: Array, widths: Array) -> Array:
    """Many at once: (n, m, 2) and (n, m) or (m,) -> (n, 2 m, 2)."""
    step = np.empty_like(points)
    step[:, 1:-1] = points[:, 2:] - points[:, :-2]
    step[:, 0], step[:, -1] = points[:, 1] - points[:, 0], points[:, -1] - points[:, -2]
    side = np.stack([-step[..., 1], step[..., 0]], -1) / (np.hypot(step[..., 0], step[..., 1])[..., None] + 1e-9)
    half = side * (np.broadcast_to(widths, points.shape[:2]) / 2)[..., None]
    return np.concatenate([points + half, (points - half)[:, ::-1]], axis=1)


TIERS = 8


def pines(x: Array, y: Array, tall: Array, own: Array) -> tuple[Array, Array]:
    """Many at once: feet (n,), heights (n,), chance (n, 40) -> outlines of the trees and of their left halves."""
    share = np.linspace(0.04, 0.90, TIERS)
    x, y, tall = x[:, None], y[:, None], tall[:, None]
    wide = tall * (0.17 + 0.07 * own[:, :1]) * (0.16 + share * 0.95)
    level = y - tall * (1 - share)
    sides = []
    for k, side in enumerate((-1, 1)):
        reach = wide * (0.75 + 0.40 * own[:, 1 + TIERS * k : 1 + TIERS * (k + 1)])
        outer, inner = np.stack([x + side * reach, level + tall * 0.045], -1), np.stack([x + side * reach * 0.42, level + tall * 0.012], -1)
        sides.append(np.stack([outer, inner], axis=2).reshape(len(x), -1, 2))
    trunk = [(-0.014, -0.08), (-0.018, 0.0), (0.018, 0.0), (0.014, -0.08)]
    foot = np.stack([np.concatenate([x + tall * dx, y + tall * dy + 0.01 * (dy == 0)], -1) for dx, dy in trunk], 1)
    top = np.concatenate([x, y - tall], -1)[:, None]
    whole = np.concatenate([top, sides[0], foot, sides[1][:, ::-1]], axis=1)
    sway = wide * 0.35 * np.where(np.arange(TIERS) % 2, 1, -1) * own[:, 20 : 20 + TIERS]
    zigzag = np.stack([x + sway, level], -1)
    return whole, np.concatenate([top, sides[0], zigzag[:, ::-1]], axis=1)


def crowns(x: Array, y: Array, tall: Array, own: Array) -> tuple[Array, Array]:
    """Many round trees: -> (n, 10, points, 2) rounds, trunk not among them, and (n, 9, points, 2) where light falls from
    the left."""
    k = np.arange(9)
    turn = tau * k / 9 + 0.6 * own[:, :9] - 0.3
    out, size = 0.10 + 0.10 * own[:, 9:18], tall[:, None] * (0.13 + 0.07 * own[:, 18:27])
    cx, cy = x[:, None] + tall[:, None] * out * 1.15 * np.cos(turn), y[:, None] - tall[:, None] * (0.66 - out * 0.95 * np.sin(turn))
    ring = np.column_stack([np.cos(ROUND), np.sin(ROUND)])
    rough = 0.86 + 0.26 * own[:, 27 : 27 + len(ROUND)][:, None, :, None]
    lobes = ring * rough * np.stack([size, size * 0.88], -1)[:, :, None] + np.stack([cx, cy], -1)[:, :, None]
    middle = ring[None, None] * np.stack([tall * 0.24, tall * 0.22], -1)[:, None, None] + np.stack([x, y - tall * 0.62], -1)[:, None, None]
    lit = ring * rough * np.stack([size * 0.62, size * 0.52], -1)[:, :, None] + np.stack([cx - size * 0.28, cy - size * 0.34], -1)[:, :, None]
    return np.concatenate([lobes, middle], axis=1), lit


@lru_cache(maxsize=SHAPES)
def bare(which: int) -> Array:
    """A tree without leaves, 1 high with its foot at (0, 0) and y upward: limbs, (n, 6, 2)."""
    drawn, out = np.random.default_rng(which), []

    def grow(start: Array, turn: float, long: float, wide: float, level: int) -> None:
        end = start + long * np.array([np.cos(turn), np.sin(turn)])
        bend = (start + end) / 2 + drawn.uniform(-0.06, 0.06, 2) * long
        out.append(limb(np.array([start, bend, end]), np.array([wide, wide * 0.82, wide * 0.62])))
        if level:
            for side in (-1, 1):
                grow(end, turn + side * drawn.uniform(0.2, 0.55), long * drawn.uniform(0.62, 0.80), wide * 0.6, level - 1)
            if drawn.uniform() < 0.5:
                grow(bend, turn + drawn.choice((-1, 1)) * drawn.uniform(0.5, 0.9), long * 0.55, wide * 0.45, level - 1)

    grow(np.zeros(2), pi / 2 + drawn.uniform(-0.08, 0.08), 0.33, 0.055, 5)
    return np.stack(out)


def palm(drawn: np.random.Generator, x: float, y: float, tall: float) -> list[Array]:
    """A leaning trunk and drooping leaves."""
    lean = drawn.uniform(-0.22, 0.22) * tall
    share = np.linspace(0, 1, 7)
    trunk = np.column_stack([x + lean * share**1.8, y + 0.01 - tall * 0.82 * share])
    out = [limb(trunk, tall * np.linspace(0.05, 0.026, 7))]
    head = trunk[-1]
    for k in range(9):
        turn = -pi * (0.02 + 0.96 * k / 8) + drawn.uniform(-0.1, 0.1)
        long = tall * drawn.uniform(0.30, 0.40)
        steps = np.linspace(0, 1, 7)
        spine = head + np.column_stack([np.cos(turn) * long * steps, np.sin(turn) * long * steps * 0.75 + long * 0.62 * steps**2])
        out.append(limb(spine, long * np.array([0.03, 0.13, 0.17, 0.16, 0.12, 0.07, 0.01])))
    return out


def tree_line(
    sheet: Sheet, grade: Grade, light: Light, seed: int, *, kind: str, base: float, high: float, wide: float, tall: float, far: float, colour: RGB, many: float = 1.0, floor: RGB | None = None
) -> Board:
    """A row of hills with trees on them. `many`: 1 is a closed wood."""
    cover, tone = sheet.mask(), sheet.mask()
    gap = tall * {"pine": 0.26, "palm": 0.55, "bare": 0.42}.get(kind, 0.42) / max(many, 0.05)
    edge = hill_line(seed, sheet.xs, base, high, wide)
    body = sheet.below(edge)
    for row in range(3 if many > 0.5 else 2):
        index = numbered(sheet.left, sheet.right, gap, tall)
        own = cells(seed, f"trees {row}", index, 48)
        x = (index + 1.2 * own[:, 44] - 0.1) * gap
        foot = hill_line(seed, x[None, :].astype(np.float32), base, high, wide)[0] + tall * 0.16 * row + 0.006
        grown = tall * (0.55 + 0.45 * own[:, 45]) * (1.0 - 0.12 * row)
        tones = 120 + 70 * own[:, 46] - 18 * row, 20 + 50 * own[:, 47]
        _stand(sheet, (cover, tone), kind, (x, foot.astype(np.float64), grown), own, light.side, tones)
    shown = np.maximum(body, cover.astype(np.float32) / np.float32(255))
    own_floor = floor or times(colour, 0.8)
    board = Board(sheet, grade, light.on(own_floor, 0.2, far))
    deep = np.maximum(sheet.ys - edge, 0)
    board.wash(light.on(own_floor, 0.8, far), np.exp(-deep / 0.05) * np.float32(0.5) * np.ones_like(body))
    trees = cover.astype(np.float32) / np.float32(255)
    board.wash(light.on(times(colour, 0.62), 0.1, far), trees)
    board.wash(light.on(colour, 1.0, far), tone.astype(np.float32) / np.float32(255))
    top = base - high - tall
    sunk = smooth(0.0, 1.0, (sheet.ys - top) / np.float32(base - top + 0.04)) ** 1.5
    board.wash(light.haze, sunk * np.float32(0.20 + 0.30 * far + 0.5 * light.fog) * np.ones_like(body))
    board.cover = shown
    return board


def _stand(
    sheet: Sheet, masks: tuple[Bytes, Bytes], kind: str, at: tuple[Array, Array, Array], own: Array, side: float, tones: tuple[Array, Array]
) -> None:
    """A row of trees into both masks; each lit from one side."""
    cover, tone = masks
    x, y, tall = at
    if kind == "pine":
        whole, left = pines(x, y, tall, own)
        sheet.fill_each(cover, whole)
        bright, dark = tones
        for one, half, day, night in zip(sheet.points(whole), sheet.points(left), bright.tolist(), dark.tolist(), strict=True):
            cv2.fillPoly(tone, [one], day if side > 0 else night, cv2.LINE_AA, SHIFT)
            cv2.fillPoly(tone, [half], night if side > 0 else day, cv2.LINE_AA, SHIFT)
        return
    if kind in ("bare", "palm"):
        for k in range(len(x)):
            if kind == "palm":
                parts = np.stack(palm(np.random.default_rng(int(own[k, 0] * 2**40)), x[k], y[k], tall[k]))
            else:
                parts = bare(int(own[k, 0] * SHAPES)) * (tall[k] * (1 if own[k, 1] < 0.5 else -1), -tall[k]) + (x[k], y[k] + 0.006)
            sheet.fill_each(cover, parts)
            sheet.fill_each(tone, parts, int(tones[1][k]))
        return
    rounds, lit = crowns(x, y, tall, own)
    if side > 0:
        lit = lit * (-1, 1) + np.stack([2 * x, 0 * x], -1)[:, None, None]
    for k in range(len(x)):
        trunk = limb(np.array([(x[k], y[k] + 0.01), (x[k] + tall[k] * 0.01, y[k] - tall[k] * 0.3), (x[k], y[k] - tall[k] * 0.6)]), np.array([0.075, 0.05, 0.03]) * tall[k])
        sheet.fill(cover, [trunk])
        sheet.fill_each(cover, rounds[k])
        sheet.fill(tone, [trunk], int(tones[1][k]))
        sheet.fill_each(tone, rounds[k], int(tones[1][k]))
        sheet.fill_each(tone, lit[k], int(tones[0][k]))


def trunks(sheet: Sheet, grade: Grade, light: Light, seed: int, *, base: float, wide: float, gap: float, far: float, colour: RGB, birch: bool = False) -> Board:
    """Tall stems that leave the frame above: a wood that one stands in."""
    cover, tone = sheet.mask(), sheet.mask()
    cells = range(int((sheet.left - wide) / gap) - 1, int((sheet.right + wide) / gap) + 2)
    for cell in cells:
        own = chance(seed, f"trunk {cell}")
        if own.uniform() < 0.18:
            continue
        x, thick, lean = (cell + own.uniform(0.1, 0.9)) * gap, wide * own.uniform(0.6, 1.15), own.uniform(-0.05, 0.05)
        ys = np.linspace(base + own.uniform(0, 0.03), CROWN, 14)
        share = (base - ys) / (base - CROWN)
        spine = np.column_stack([x + lean * share + 0.006 * np.asarray(line(seed, f"stem {cell}", (ys * 3).astype(np.float32), 2)), ys])
        flare = 1 + 0.9 * np.exp(-share * 14) - 0.25 * share
        whole = limb(spine, thick * flare)
        sheet.fill(cover, [whole])
        sheet.fill(tone, [whole], 26)
        sheet.fill(tone, [limb(spine + np.column_stack([light.side * thick * 0.30 * flare, np.zeros(14)]), thick * flare * 0.38)], int(own.uniform(130, 200)))
        for _ in range(int(own.integers(1, 4))):
            at, side = own.uniform(0.25, 0.9), own.choice((-1, 1))
            start = np.array([np.interp(at, share, spine[:, 0]), base - at * (base - CROWN)])
            long = thick * own.uniform(1.6, 4.0)
            steps = np.linspace(0, 1, 5)
            branch = start + np.column_stack([side * long * steps, -long * 0.55 * steps**1.4])
            sheet.fill(cover, [limb(branch, thick * np.linspace(0.26, 0.04, 5))])
        if birch:
            for _ in range(26):
                at, side = own.uniform(0, 1), own.choice((-1, 1))
                mark = disc(float(np.interp(at, share, spine[:, 0])) + side * thick * 0.3, base - at * (base - CROWN), thick * own.uniform(0.1, 0.3), thick * 0.05)
                sheet.fill(tone, [mark], 0)
    board = Board(sheet, grade, light.on(times(colour, 0.6), 0.08, far))
    board.wash(light.on(colour, 1.0, far), tone.astype(np.float32) / np.float32(255))
    foot = np.exp(-((sheet.ys - base) / 0.20) ** 2) * np.float32(0.25 * far + 0.5 * light.fog + 0.06)
    board.wash(mixed(light.haze, light.glow, 0.15), foot * np.ones((1, sheet.width), np.float32))
    board.cover = cover.astype(np.float32) / np.float32(255)
    return board
