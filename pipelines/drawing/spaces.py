"""Beyond the air: nebulae, planets, the Earth, rings, rocks. Knows spheres and light."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .light import RGB, Light, mixed, rgb, times
from .noise import Array, chance, field, line, smooth
from .sheet import Board, Grade, Sheet

NEBULAE = tuple(
    (rgb(a), rgb(b), rgb(c))
    for a, b, c in (
        ("#3b1c6b", "#c2417c", "#ffb27a"),
        ("#0e2f6b", "#2f8fbf", "#9ff0e0"),
        ("#2a1a5e", "#6a4fd0", "#ff8ac2"),
        ("#0f3d4d", "#3aa08c", "#ffe29a"),
        ("#4d1230", "#d0503f", "#ffd08a"),
    )
)


@dataclass(frozen=True, slots=True)
class Globe:
    """A planet: middle, radius, what it is made of, and its ring's width in radii (0: none)."""

    x: float
    y: float
    radius: float
    kind: str
    ring: float = 0.0


def nebula(board: Board, seed: int, *, strong: float, colours: tuple[RGB, RGB, RGB] | None = None) -> None:
    """Clouds of gas across a dark sky."""
    sheet = board.sheet.coarse(2)
    dark, middle, bright = colours or NEBULAE[seed % len(NEBULAE)]
    xs, ys = sheet.xs, sheet.ys
    bend = field(seed, "gas bend", 4).at(xs * 0.5, ys * 0.5)
    gas = field(seed, "gas", 6, 0.55).at(xs * 0.62 + 0.22 * bend, ys * 0.62 + 0.26 * bend)
    veins = field(seed, "veins", 6, 0.6).at(xs * 1.3 + 0.3 * gas, ys * 1.3 - 0.3 * bend)
    lean = (xs * (0.5 if seed % 2 else -0.5) + (ys - 0.45)) / 0.55
    band = np.exp(-(lean**2))
    thick = np.clip(smooth(-0.30, 0.9, gas + 0.25 * veins) * (0.25 + 0.9 * band), 0, 1)
    fine = board.sheet.fine
    board.wash(dark, fine(thick * np.float32(0.95 * strong)))
    board.wash(middle, fine(smooth(0.30, 0.95, thick) * np.float32(0.80 * strong)))
    board.wash(bright, fine((smooth(0.55, 1.15, thick + 0.25 * np.abs(veins)) ** 2) * np.float32(0.75 * strong)))
    board.wash(times(dark, 0.25), fine(smooth(0.25, 0.7, -veins) * thick * np.float32(0.55 * strong)))


def galaxy(board: Board, seed: int) -> None:
    """A spiral, seen at a slant."""
    sheet = board.sheet.coarse(2)
    fine = board.sheet.fine
    x, y = sheet.xs - 0.22 * (1 if seed % 2 else -1), (sheet.ys - 0.40) * np.float32(2.1)
    x, y = x * 0.94 - y * 0.25, x * 0.25 + y * 0.94
    away, turn = np.sqrt(x * x + y * y) + np.float32(1e-4), np.arctan2(y, x)
    dust = field(seed, "dust", 6, 0.6).at(x * 1.8, y * 1.8)
    arms = 0.5 + 0.5 * np.cos(2 * turn - 7.5 * np.log(away + 0.03) + 0.9 * dust)
    glow = np.exp(-away / 0.17) * (0.25 + 0.95 * arms**1.6) * np.clip(0.9 + 0.6 * dust, 0.1, 1.6)
    board.wash((0.36, 0.40, 0.85), fine(np.clip(glow * 1.5, 0, 0.9)))
    board.wash((0.98, 0.80, 0.92), fine(np.clip(glow * arms * 1.0 - 0.12, 0, 0.8)))
    board.wash((1.0, 0.94, 0.80), fine(np.exp(-((away / 0.055) ** 1.3)) * np.float32(0.95)))


def globe(sheet: Sheet, grade: Grade, light: Light, seed: int, *, ball: Globe) -> Board:
    """A planet with its air's rim; the sun stands where the light does."""
    dx, dy = (sheet.xs - ball.x) / np.float32(ball.radius), (sheet.ys - ball.y) / np.float32(ball.radius)
    away2 = dx * dx + dy * dy
    dz = np.sqrt(np.clip(1 - away2, 0, 1))
    sun = np.array([0.72 * light.side, -0.42, 0.55])
    sun /= np.linalg.norm(sun)
    facing = dx * sun[0] + dy * sun[1] + dz * sun[2]
    turn = np.arctan2(dx, dz + 1e-4)
    u, v = (turn / np.pi * 2.0).astype(np.float32), np.arcsin(np.clip(dy, -1, 1)).astype(np.float32) / np.float32(np.pi) * 2
    board = Board(sheet, grade, (0.02, 0.03, 0.07))
    air = _skin(board, seed, ball.kind, u, v, np.clip(facing * 1.15, 0, 1) ** 0.75)
    rim = np.clip(away2, 0, 1) ** 4
    board.wash(air, rim * np.clip(facing * 1.3 + 0.18, 0, 1) * np.float32(0.75))
    inside = np.clip((1 - np.sqrt(away2)) * np.float32(ball.radius * sheet.dense) + np.float32(0.5), 0, 1)
    halo = np.exp(-np.maximum(np.sqrt(away2) - 1, 0) / (0.035 if ball.kind != "star" else 0.20)) * np.clip(facing * 0.9 + 0.35, 0, 1) * (1 - inside)
    if ball.kind == "star":
        halo = np.exp(-np.maximum(np.sqrt(away2) - 1, 0) / 0.28) * (1 - inside)
    board.wash(air, (1 - inside))
    board.cover = np.clip(inside + halo * (0.55 if ball.kind not in ("rock", "moon") else 0.06), 0, 1).astype(np.float32)
    if ball.ring:
        _ring(board, seed, ball, dx, dy, inside)
    return board


def _skin(board: Board, seed: int, kind: str, u: Array, v: Array, lit: Array) -> RGB:
    """Paint a sphere's surface -> the colour of its air."""
    rough = field(seed, "skin", 7, 0.58).at(u, v * 1.1)

    def lay(colour: RGB, mask: Array) -> None:
        board.wash(colour, mask * lit)

    if kind == "star":
        board.wash((1.0, 0.86, 0.5), np.ones_like(rough))
        board.wash((1.0, 0.55, 0.2), smooth(-0.2, 0.7, rough) * np.float32(0.6))
        return 1.0, 0.72, 0.34
    if kind == "earth":
        lay(rgb("#1d57a8"), np.ones_like(rough))
        lay(rgb("#3f9fd8"), smooth(-0.25, 0.12, rough) * np.float32(0.6))
        land = smooth(0.10, 0.15, rough + 0.10 * np.abs(v))
        lay(rgb("#5f8f4a"), land)
        lay(rgb("#c2a36b"), land * smooth(0.0, 0.5, field(seed, "dry", 4).at(u * 0.8, v)))
        lay((0.97, 0.98, 1.0), smooth(0.70, 0.80, np.abs(v) + 0.08 * rough))
        swirl = field(seed, "weather", 6, 0.6).at(u * 1.1 + 0.15 * rough, v * 2.2 + 0.10 * rough)
        lay((1.0, 1.0, 1.0), smooth(0.10, 0.65, swirl) * np.float32(0.88))
        return 0.45, 0.74, 1.0
    if kind == "gas":
        a, b, c = ((rgb("#e0b184"), rgb("#a8683f"), rgb("#f3e0c4")), (rgb("#9fb8d8"), rgb("#5a78b0"), rgb("#dfeaf5")), (rgb("#d88fa0"), rgb("#8a4a78"), rgb("#f5d0c0")))[seed % 3]
        bands = line(seed, "bands", (v * 5 + 0.10 * rough + 0.04 * field(seed, "eddies", 5).at(u * 2, v * 6)).astype(np.float32), 3, 0.6)
        lay(a, np.ones_like(rough))
        lay(b, smooth(0.0, 0.5, bands))
        lay(c, smooth(0.1, 0.7, -bands))
        spot = ((u - 0.25) / 0.18) ** 2 + ((v - 0.28) / 0.09) ** 2
        lay(mixed(b, (0.7, 0.2, 0.1), 0.4), smooth(1.1, 0.5, spot) * np.float32(0.8))
        return mixed(a, (1.0, 1.0, 1.0), 0.3)
    if kind == "mars":
        lay(rgb("#c1623a"), np.ones_like(rough))
        lay(rgb("#7c3a26"), smooth(0.05, 0.6, rough))
        lay(rgb("#e8a878"), smooth(0.1, 0.8, -rough))
        lay((0.98, 0.95, 0.92), smooth(0.86, 0.93, np.abs(v) + 0.05 * rough))
        return 1.0, 0.66, 0.46
    if kind == "ocean":
        lay(rgb("#1d8f9a"), np.ones_like(rough))
        lay(rgb("#8ff0d0"), smooth(0.1, 0.8, rough))
        lay(rgb("#5a3a9a"), smooth(0.1, 0.8, -rough))
        return 0.55, 1.0, 0.85
    lay(rgb("#b8b6b0"), np.ones_like(rough))
    lay(rgb("#807e80"), smooth(0.0, 0.6, rough) * np.float32(0.9))
    drawn = chance(seed, "craters")
    for _ in range(26):
        x, y, size = drawn.uniform(-0.95, 0.95), drawn.uniform(-0.8, 0.8), drawn.uniform(0.03, 0.12)
        away = np.sqrt((u - x) ** 2 + (v - y) ** 2) / size
        lay(rgb("#6f6d70"), smooth(1.0, 0.7, away) * np.float32(0.55))
        lay(rgb("#e4e2da"), np.exp(-(((away - 1.05) / 0.14) ** 2)) * np.float32(0.45))
    return 0.8, 0.8, 0.82


def _ring(board: Board, seed: int, ball: Globe, dx: Array, dy: Array, inside: Array) -> None:
    assert board.cover is not None
    tilt = 0.22
    c, s = 0.96, 0.28
    x, y = dx * c + dy * s, (-dx * s + dy * c) / tilt
    away = np.sqrt(x * x + y * y)
    width = ball.ring
    bands = 0.55 + 0.45 * line(seed, "ring", (away * 9).astype(np.float32), 4, 0.7)
    cover = smooth(1.28, 1.34, away) * smooth(1.38 + width, 1.30 + width, away) * np.clip(bands, 0, 1) * np.float32(0.9)
    front = (y > 0).astype(np.float32)
    cover = (cover * np.maximum(front, 1 - inside)).astype(np.float32)
    shadow = np.clip(1 - np.exp(-((np.abs(dy + 0.5 * dx) / 0.9) ** 4)) + 0.35, 0, 1)
    board.wash((0.92, 0.82, 0.66), cover)
    board.wash((0.30, 0.25, 0.24), cover * (1 - shadow) * np.float32(0.6))
    board.cover = np.maximum(board.cover, cover)


def rocks(sheet: Sheet, grade: Grade, light: Light, seed: int, *, many: int, far: float) -> Board:
    """A belt of tumbling stones."""
    cover, tone = sheet.mask(), sheet.mask()
    drawn = chance(seed, "rocks")
    for _ in range(many):
        x = drawn.uniform(-1.6, 1.6)
        y = 0.55 + 0.22 * x * light.side + drawn.normal(0, 0.10)
        size = 0.004 + 0.05 * drawn.power(0.35) * (1 - 0.6 * far)
        turns = np.linspace(0, 2 * np.pi, 12, endpoint=False)
        rough = drawn.uniform(0.68, 1.1, 12)
        outline = np.column_stack([x + size * rough * np.cos(turns), y + size * 0.8 * rough * np.sin(turns)])
        sheet.fill(cover, [outline])
        sheet.fill(tone, [outline], 40)
        sheet.fill(tone, [(outline - (x, y)) * 0.72 + (x + size * 0.2 * light.side, y - size * 0.2)], int(drawn.uniform(150, 230)))
    board = Board(sheet, grade, (0.07, 0.065, 0.08))
    board.wash(mixed((0.62, 0.55, 0.50), light.haze, 0.4 * far), tone.astype(np.float32) / np.float32(255))
    board.cover = cover.astype(np.float32) / np.float32(255)
    return board


def moonscape(sheet: Sheet, grade: Grade, light: Light, seed: int, *, y: float, colour: RGB) -> Board:
    """Ground with craters, before black sky."""
    xs, ys = sheet.xs, sheet.ys
    edge = (y - 0.05 * line(seed, "rim", xs * 0.9, 5, 0.5)).astype(np.float32)
    away = np.maximum(ys - np.float32(y - 0.06), 0.0) + np.float32(0.02)
    board = Board(sheet, grade, light.on(colour, 0.85, 0.2))
    board.wash(light.on(times(colour, 0.6), 0.6, 0.0), np.clip(away * 2.2, 0, 1))
    grain = field(seed, "dust", 6, 0.62).at(xs * 0.55 / (away + 0.12), np.broadcast_to(0.7 / (away + 0.08), (sheet.height, sheet.width)))
    board.wash(light.on(times(colour, 1.3), 1.0, 0.0), np.clip(grain * 0.5, 0, 0.4))
    board.wash(light.on(times(colour, 0.4), 0.2, 0.0), np.clip(-grain * 0.5, 0, 0.5))
    drawn = chance(seed, "pits")
    for _ in range(34):
        depth = drawn.uniform(0.03, 1.0) ** 1.5
        cy = y + depth * (1.02 - y)
        cx, wide = drawn.uniform(-1.4, 1.4) * (0.4 + depth), (0.012 + 0.09 * depth) * drawn.uniform(0.5, 1.2)
        rows, columns = sheet.around(cx, cy, wide * 1.7)
        x, z = (xs[:, columns] - cx) / wide, (ys[rows] - cy) / (wide * 0.30)
        if x.size and z.size:
            off = np.sqrt(x * x + z * z)
            board.wash(light.on(times(colour, 0.32), 0.1, 0.0), smooth(1.0, 0.75, off) * smooth(-0.9, 0.7, x * np.float32(light.side)) * np.float32(0.8), rows, columns)
            board.wash(light.on(times(colour, 1.25), 1.0, 0.0), np.exp(-(((off - 1.05) / 0.16) ** 2)) * smooth(0.4, -0.6, x * np.float32(light.side)) * np.float32(0.7), rows, columns)
    board.cover = sheet.below(edge)
    return board
