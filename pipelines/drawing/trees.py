"""Trees, singly, in rows and as a wood around us: pines, round crowns, palms, bare ones. Knows outlines and light."""

from __future__ import annotations

from math import pi, tau
from typing import TYPE_CHECKING

import numpy as np

from .hills import hill_line
from .light import RGB, Light, mixed, times
from .noise import chance, line, smooth
from .sheet import Board, Grade, Sheet

if TYPE_CHECKING:
    from numpy import float64, uint8
    from numpy.typing import NDArray

    Points = NDArray[float64]
    Bytes = NDArray[uint8]

ROUND = np.linspace(0, tau, 14, endpoint=False)


def disc(x: float, y: float, wide: float, tall: float, rough: NDArray[np.float64] | float = 1.0) -> Points:
    """An oval; `rough` multiplies the radius along it."""
    return np.column_stack([x + wide * np.cos(ROUND) * rough, y + tall * np.sin(ROUND) * rough])


def limb(points: Points, widths: Points) -> Points:
    """A line with a width at each point, as an outline."""
    step = np.gradient(points, axis=0)
    side = np.column_stack([-step[:, 1], step[:, 0]]) / (np.hypot(step[:, 0], step[:, 1])[:, None] + 1e-9)
    half = widths[:, None] / 2
    return np.concatenate([points + side * half, (points - side * half)[::-1]])


def pine(drawn: np.random.Generator, x: float, y: float, tall: float) -> tuple[Points, Points]:
    """-> the tree, and its left half."""
    tiers = max(5, min(11, int(tall * 60)))
    share = np.linspace(0.04, 0.90, tiers)
    wide = tall * drawn.uniform(0.17, 0.24) * (0.16 + share * 0.95)
    sides = []
    for side in (-1, 1):
        reach = wide * drawn.uniform(0.75, 1.15, tiers)
        outer = np.column_stack([x + side * reach, y - tall * (1 - share) + tall * 0.045])
        inner = np.column_stack([x + side * reach * 0.42, y - tall * (1 - share) + tall * 0.012])
        sides.append(np.stack([outer, inner], axis=1).reshape(-1, 2))
    foot = np.array([(x - tall * 0.014, y - tall * 0.08), (x - tall * 0.018, y + 0.01), (x + tall * 0.018, y + 0.01), (x + tall * 0.014, y - tall * 0.08)])
    top = np.array([(x, y - tall)])
    whole = np.concatenate([top, sides[0], foot, sides[1][::-1]])
    zigzag = np.column_stack([x + wide * 0.35 * np.where(np.arange(tiers) % 2, 1, -1) * drawn.uniform(0, 1, tiers), y - tall * (1 - share)])
    return whole, np.concatenate([top, sides[0], zigzag[::-1]])


def broad(drawn: np.random.Generator, x: float, y: float, tall: float) -> tuple[list[Points], list[Points]]:
    """A round tree -> its parts, and the parts where the light falls (from the left; mirror for the right)."""
    trunk = limb(np.array([(x, y + 0.01), (x + tall * 0.01, y - tall * 0.3), (x, y - tall * 0.6)]), np.array([0.075, 0.05, 0.03]) * tall)
    parts, lit = [trunk], []
    for k in range(9):
        turn, out = tau * k / 9 + drawn.uniform(-0.3, 0.3), drawn.uniform(0.10, 0.2)
        size = tall * drawn.uniform(0.13, 0.20)
        cx, cy = x + tall * out * 1.15 * np.cos(turn), y - tall * (0.66 - out * 0.95 * np.sin(turn))
        rough = drawn.uniform(0.86, 1.12, len(ROUND))
        parts.append(disc(cx, cy, size, size * 0.88, rough))
        lit.append(disc(cx - size * 0.28, cy - size * 0.34, size * 0.62, size * 0.52, rough))
    parts.append(disc(x, y - tall * 0.62, tall * 0.24, tall * 0.22))
    return parts, lit


def bare(drawn: np.random.Generator, x: float, y: float, tall: float) -> list[Points]:
    """A tree without leaves."""
    out: list[Points] = []

    def grow(start: Points, turn: float, long: float, wide: float, level: int) -> None:
        end = start + long * np.array([np.cos(turn), np.sin(turn)])
        bend = (start + end) / 2 + drawn.uniform(-0.06, 0.06, 2) * long
        out.append(limb(np.array([start, bend, end]), np.array([wide, wide * 0.82, wide * 0.62])))
        if level:
            for side in (-1, 1):
                grow(end, turn + side * drawn.uniform(0.2, 0.55), long * drawn.uniform(0.62, 0.80), wide * 0.6, level - 1)
            if drawn.uniform() < 0.5:
                grow(bend, turn + drawn.choice((-1, 1)) * drawn.uniform(0.5, 0.9), long * 0.55, wide * 0.45, level - 1)

    grow(np.array([x, y + 0.01]), -pi / 2 + drawn.uniform(-0.08, 0.08), tall * 0.33, tall * 0.055, 5)
    return out


def palm(drawn: np.random.Generator, x: float, y: float, tall: float) -> list[Points]:
    """A leaning trunk and drooping leaves."""
    lean = drawn.uniform(-0.22, 0.22) * tall
    share = np.linspace(0, 1, 8)
    trunk = np.column_stack([x + lean * share**1.8, y + 0.01 - tall * 0.82 * share])
    out = [limb(trunk, tall * np.linspace(0.05, 0.026, 8))]
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
    rows = 3 if many > 0.5 else 2
    gap = tall * {"pine": 0.26, "palm": 0.55, "bare": 0.42}.get(kind, 0.42) / max(many, 0.05)
    edge = hill_line(seed, sheet.xs, base, high, wide)
    body = sheet.below(edge)
    for row in range(rows):
        sink = tall * 0.16 * row
        cells = range(int((sheet.left - tall) / gap) - 1, int((sheet.right + tall) / gap) + 2)
        for cell in cells:
            own = chance(seed, f"tree {row} {cell}")
            x = (cell + own.uniform(-0.1, 1.1)) * gap
            here = float(hill_line(seed, np.array([[x]], np.float32), base, high, wide)[0, 0])
            grown = tall * own.uniform(0.55, 1.0) * (1.0 - 0.12 * row)
            light_tone, dark_tone = int(own.uniform(120, 190)) - 18 * row, int(own.uniform(20, 70))
            _stand(sheet, cover, tone, own, kind, x, here + sink + 0.006, grown, light.side, (light_tone, dark_tone))
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
    sheet: Sheet, cover: Bytes, tone: Bytes, own: np.random.Generator, kind: str, x: float, y: float, tall: float, side: float, tones: tuple[int, int]
) -> None:
    """One tree into both masks."""
    if kind == "pine":
        whole, left = pine(own, x, y, tall)
        sheet.fill(cover, [whole])
        sheet.fill(tone, [whole], tones[0] if side > 0 else tones[1])
        sheet.fill(tone, [left], tones[1] if side > 0 else tones[0])
        return
    if kind in ("bare", "palm"):
        parts = (bare if kind == "bare" else palm)(own, x, y, tall)
        sheet.fill(cover, parts)
        sheet.fill(tone, parts, tones[1])
        return
    parts, lit = broad(own, x, y, tall)
    if side > 0:
        lit = [np.column_stack([2 * x - one[:, 0], one[:, 1]]) for one in lit]
    sheet.fill(cover, parts)
    sheet.fill(tone, parts, tones[1])
    sheet.fill(tone, lit, tones[0])


def trunks(sheet: Sheet, grade: Grade, light: Light, seed: int, *, base: float, wide: float, gap: float, far: float, colour: RGB, birch: bool = False) -> Board:
    """Tall stems that leave the frame above: a wood that one stands in."""
    cover, tone = sheet.mask(), sheet.mask()
    cells = range(int((sheet.left - wide) / gap) - 1, int((sheet.right + wide) / gap) + 2)
    for cell in cells:
        own = chance(seed, f"trunk {cell}")
        if own.uniform() < 0.18:
            continue
        x, thick, lean = (cell + own.uniform(0.1, 0.9)) * gap, wide * own.uniform(0.6, 1.15), own.uniform(-0.05, 0.05)
        ys = np.linspace(base + own.uniform(0, 0.03), sheet.top - 0.05, 12)
        share = (base - ys) / max(base - sheet.top, 0.1)
        spine = np.column_stack([x + lean * share + 0.006 * np.asarray(line(seed, f"stem {cell}", (ys * 3).astype(np.float32), 2)), ys])
        flare = 1 + 0.9 * np.exp(-share * 14) - 0.25 * share
        whole = limb(spine, thick * flare)
        sheet.fill(cover, [whole])
        sheet.fill(tone, [whole], 26)
        sheet.fill(tone, [limb(spine + np.column_stack([light.side * thick * 0.30 * flare, np.zeros(12)]), thick * flare * 0.38)], int(own.uniform(130, 200)))
        for _ in range(int(own.integers(1, 4))):
            at, side = own.uniform(0.25, 0.9), own.choice((-1, 1))
            start = np.array([np.interp(at, share, spine[:, 0]), base - at * (base - sheet.top)])
            long = thick * own.uniform(1.6, 4.0)
            steps = np.linspace(0, 1, 5)
            branch = start + np.column_stack([side * long * steps, -long * 0.55 * steps**1.4])
            sheet.fill(cover, [limb(branch, thick * np.linspace(0.26, 0.04, 5))])
        if birch:
            for _ in range(26):
                at, side = own.uniform(0, 1), own.choice((-1, 1))
                mark = disc(float(np.interp(at, share, spine[:, 0])) + side * thick * 0.3, base - at * (base - sheet.top), thick * own.uniform(0.1, 0.3), thick * 0.05)
                sheet.fill(tone, [mark], 0)
    board = Board(sheet, grade, light.on(times(colour, 0.6), 0.08, far))
    board.wash(light.on(colour, 1.0, far), tone.astype(np.float32) / np.float32(255))
    foot = np.exp(-((sheet.ys - base) / 0.20) ** 2) * np.float32(0.25 * far + 0.5 * light.fog + 0.06)
    board.wash(mixed(light.haze, light.glow, 0.15), foot * np.ones((1, sheet.width), np.float32))
    board.cover = cover.astype(np.float32) / np.float32(255)
    return board
