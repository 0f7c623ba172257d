"""What is overhead: the sky's colours, sun and moon, stars, clouds, northern lights, a rainbow. Knows no land."""

from __future__ import annotations

import cv2
import numpy as np

from .light import Light, mixed, times
from .noise import Array, cells, chance, field, line, numbered, smooth
from .sheet import Board, Grade, Sheet

WHITE = (1.0, 1.0, 1.0)
ABOVE = -0.25  # y where the sky's first colour is reached


def sky(sheet: Sheet, grade: Grade, light: Light, seed: int, *, horizon: float, milky: float = 0.0) -> Board:
    """The whole of it, opaque, but for sun and moon. `milky` 0..1: how bright the galaxy's band is."""
    board = Board(sheet, grade, light.sky[0])
    share = np.clip((sheet.ys[:, 0] - ABOVE) / (horizon - ABOVE), 0, 1)
    places = np.linspace(0, 1, len(light.sky)) ** 0.85
    bands = np.stack([_eased(share, places, [colour[k] for colour in light.sky]) for k in range(3)], -1)
    for plane, values in zip(board.planes, grade.each(bands.astype(np.float32)), strict=True):
        plane[:] = values[:, None]
    if milky:
        _milky(board, seed, milky)
    if light.stars:
        _stars(board, seed, light.stars, horizon)
    if light.disc:
        few = sheet.coarse(4)
        away = np.sqrt((few.xs - light.x) ** 2 + (few.ys - light.y) ** 2)
        low = float(np.clip(1 - (horizon - light.y) / 0.35, 0, 1))
        moon = light.disc == "moon"
        halo = (0.45 if moon else 0.75) * np.exp(-away / (0.10 if moon else 0.16))
        if not moon:  # a low sun lights the horizon along
            along = np.exp(-(((few.ys - horizon) / 0.16) ** 2)) * np.exp(-(((few.xs - light.x) / 0.75) ** 2)) * 0.5 * low
            halo = 1 - (1 - halo) * (1 - along)
        board.wash(light.glow, sheet.fine(halo))
    return board


def _eased(share: Array, places: Array, values: list[float]) -> Array:
    """Through the values without corners: straight lines, rounded."""
    fine = np.linspace(0, 1, 256)
    straight = np.interp(fine, places, values)
    kernel = np.hanning(33)
    rounded = np.convolve(np.pad(straight, 16, mode="edge"), kernel / kernel.sum(), mode="valid")
    return np.interp(share, fine, rounded)


def disc_size(light: Light, big: bool) -> float:
    """The radius of the sun or the moon."""
    return (0.042 if light.disc == "moon" else 0.05) * (1.7 if big else 1.0)


def disc(sheet: Sheet, grade: Grade, light: Light, seed: int, *, radius: float) -> Board:
    """The sun, or the moon with its spots and its dark side."""
    dx, dy = (sheet.xs - light.x) / np.float32(radius), (sheet.ys - light.y) / np.float32(radius)
    away = np.sqrt(dx * dx + dy * dy)
    if light.disc == "sun":
        board = Board(sheet, grade, mixed(light.glow, WHITE, 0.45))
    else:
        board = Board(sheet, grade, (0.97, 0.96, 0.90))
        spots = smooth(0.05, 0.45, field(seed, "moon", 3).at(dx * 0.35, dy * 0.35))
        board.wash((0.74, 0.75, 0.78), spots * np.float32(0.55))
        dark = np.sqrt((dx + 0.55 * light.side) ** 2 + (dy + 0.25) ** 2)
        board.wash(mixed(light.sky[0], (0.5, 0.55, 0.65), 0.25), smooth(0.9, 1.5, dark) * np.float32(0.75))
    board.cover = np.clip((1 - away) * np.float32(radius * sheet.dense) + np.float32(0.5), 0, 1)
    return board


def _stars(board: Board, seed: int, many: float, horizon: float) -> None:
    """Array of many strengths, paler near the horizon; the brightest have a glow."""
    sheet, drawn = board.sheet, chance(seed, "stars")
    light = np.zeros((sheet.height, sheet.width), np.float32)
    count = int(2600 * many)
    x, y = drawn.uniform(-2.2, 2.2, count), drawn.uniform(-0.6, 1.0, count) * max(horizon, 0.3)
    power = drawn.pareto(2.0, count) * 0.16 + 0.07
    power *= np.clip((horizon - y) / 0.35, 0, 1)
    columns, rows = (x - sheet.left) * sheet.dense - 0.5, (y - sheet.top) * sheet.dense - 0.5
    inside = (columns > 3) & (columns < sheet.width - 4) & (rows > 3) & (rows < sheet.height - 4) & (power > 0.02)
    columns, rows, power = (one[inside, None, None] for one in (columns, rows, power))
    wide = max(0.55, sheet.dense / 1300) * (1.0 + np.minimum(1.2, power * 0.9))
    around = np.arange(-3, 4)
    i, j = np.round(rows).astype(int) + around[:, None], np.round(columns).astype(int) + around
    glow = np.exp(-((i - rows) ** 2 + (j - columns) ** 2) / wide**2) * np.minimum(1.0, power * 2.0)
    np.maximum.at(light, (np.broadcast_to(i, glow.shape), np.broadcast_to(j, glow.shape)), glow.astype(np.float32))
    board.wash((0.97, 0.98, 1.0), np.minimum(light, 1.0))


def _milky(board: Board, seed: int, strong: float) -> None:
    sheet = board.sheet.coarse(2)
    xs, ys = sheet.xs, sheet.ys
    lean = 0.9 if seed % 2 else -0.9
    away = (ys - 0.22) * 1.0 + (xs - (seed % 7 - 3) * 0.08) * lean * 0.75
    cloud = field(seed, "milky", 6).at(xs * 1.4, ys * 1.4)
    band = np.exp(-((away / 0.20) ** 2)) * np.clip(0.75 + 0.8 * cloud, 0, 1.5)
    dark = np.exp(-(((away + 0.03 * cloud) / 0.05) ** 2)) * smooth(-0.1, 0.5, cloud)
    band = board.sheet.fine(np.clip(band - 0.8 * dark, 0, 1))
    board.lighten((0.30, 0.30, 0.42), band * np.float32(strong))
    core = (band**3 * np.float32(strong)).astype(np.float32)
    board.lighten((0.32, 0.20, 0.18), core)


def clouds(sheet: Sheet, grade: Grade, light: Light, seed: int, *, horizon: float, amount: float, grey: float, low: bool) -> Board:
    """Heaped clouds lit from the sun's side; `low` ones are nearer: larger, and farther up the frame. Edges are soft."""
    few = sheet.coarse(2)
    xs, ys = few.xs, few.ys
    up = np.maximum(horizon + 0.03 - ys, 0.012)
    scale = (0.16 if low else 0.30) / (up * (0.55 if low else 1.0) + (0.16 if low else 0.10))
    noise = field(seed, "low clouds" if low else "clouds", 7, 0.52)
    x, y = xs * scale * (0.9 if low else 1.0) + 3.1, ys * scale * 2.3 + (0.7 if low else 0.0)
    thick = noise.at(x, y)
    toward = noise.at(x + 0.045 * (light.x - xs), y - 0.055)
    need = 0.62 - 0.95 * amount
    cover = sheet.fine(smooth(need, need + 0.42, thick) * smooth(0.0, 0.10, horizon - ys) * np.float32(0.94))
    lit = sheet.fine(np.clip(0.55 + 1.7 * (thick - toward), 0, 1))
    level = np.clip((horizon - sheet.ys) / max(horizon, 0.2), 0, 1)
    bright = mixed(mixed(light.glow, WHITE, 0.35), light.haze, 0.25)
    warm = tuple(min(1.0, a + s * 0.9) for a, s in zip(light.ambient, light.sun, strict=True))
    bright = mixed(bright, (warm[0], warm[1], warm[2]), 0.45)
    dark = mixed(mixed(light.haze, light.sky[min(1, len(light.sky) - 1)], 0.55), times(light.ambient, 0.9), 0.35)
    if grey:
        flat = times(mixed(light.ambient, light.haze, 0.5), 0.75)
        bright, dark = mixed(bright, flat, grey * 0.75), mixed(dark, times(flat, 0.62), grey)
    board = Board(sheet, grade, dark)
    board.wash(bright, lit)
    board.wash(light.haze, np.clip((0.5 - level) * 1.4, 0, 0.8))
    board.cover = cover
    return board


def aurora(sheet: Sheet, grade: Grade, _light: Light, seed: int, *, horizon: float, which: int) -> Board:
    """Curtains of light with rays, green below and violet above."""
    few = sheet.coarse(2)
    xs, ys = few.xs, few.ys
    glow, tint = np.zeros((few.height, few.width), np.float32), np.zeros((few.height, few.width), np.float32)
    for k in range(2):
        name = f"curtain {which} {k}"
        foot = horizon * (0.60 + 0.15 * k) + 0.10 * line(seed, name, xs * 0.8 + k, 3)
        rays = 0.45 + 0.55 * np.clip(0.5 + line(seed, name + "rays", xs * 9 + 1.5 * line(seed, name + "bend", xs * 2, 2), 4, 0.7), 0, 1.4)
        tall = 0.21 + 0.09 * line(seed, name + "tall", xs * 3, 3)
        up = (foot - ys) / tall
        curtain = np.where(up > 0, np.exp(-np.maximum(up, 0) * 1.5), np.exp(np.minimum(up, 0) * 16)) * rays
        curtain = curtain * np.clip(0.55 + 0.7 * line(seed, name + "strong", xs * 0.7, 2), 0.05, 1)
        glow = np.maximum(glow, curtain)
        tint += curtain * np.clip(up * 0.55, 0, 1)
    board = Board(sheet, grade, (0.30, 0.98, 0.62))
    board.wash((0.62, 0.36, 0.92), sheet.fine(np.clip(tint / (glow + 0.05), 0, 0.95)))
    board.cover = sheet.fine(np.clip(glow * 1.05, 0, 0.9) * smooth(0.0, 0.2, horizon - ys))
    return board


def rainbow(sheet: Sheet, grade: Grade, light: Light, _seed: int, *, horizon: float) -> Board:
    """A bow opposite the sun."""
    x, radius = -0.5 * light.side, 0.62
    away = (np.sqrt((sheet.xs - x) ** 2 + (sheet.ys - horizon - 0.08) ** 2) - radius) / 0.055
    hues = np.array([(0.55, 0.2, 0.85), (0.25, 0.4, 0.95), (0.2, 0.8, 0.5), (0.98, 0.92, 0.3), (0.98, 0.55, 0.2), (0.9, 0.2, 0.25)])
    share = np.clip((away + 1) / 2, 0, 1)
    colours = np.stack([np.interp(share, np.linspace(0, 1, len(hues)), hues[:, k]) for k in range(3)], -1).astype(np.float32)
    board = Board(sheet, grade, WHITE)
    board.shade(colours, np.ones_like(share, np.float32))
    board.cover = (np.exp(-(away**4)) * 0.42).astype(np.float32) * smooth(0.0, 0.25, horizon - sheet.ys + 0 * away)
    return board


def sunbeams(sheet: Sheet, grade: Grade, light: Light, seed: int, *, strong: float) -> Board:
    """Shafts that fan out from the sun."""
    few = sheet.coarse(4)
    angle = np.arctan2(few.ys - light.y, few.xs - light.x)
    away = np.sqrt((few.xs - light.x) ** 2 + (few.ys - light.y) ** 2)
    rays = np.clip(0.2 + 0.8 * line(seed, "beams", np.asarray(angle * 5, np.float32), 3, 0.6), 0, 1)
    board = Board(sheet, grade, mixed(light.glow, WHITE, 0.2))
    board.cover = sheet.fine(rays * np.exp(-away / 0.55) * np.float32(strong) * smooth(0.03, 0.2, away))
    return board


def heaps(sheet: Sheet, grade: Grade, light: Light, seed: int, *, horizon: float, amount: float, near: int) -> Board:
    """Fair-weather clouds as an illustrator cuts them: heaps of rounds over a flat foot, white above and shaded below."""
    cover, tone = sheet.mask(), sheet.mask()
    turns = np.linspace(0, 2 * np.pi, 26, endpoint=False)
    round_ = np.column_stack([np.cos(turns), np.sin(turns)])
    for row, (y, size) in enumerate(((0.90, 0.045), (0.76, 0.085), (0.52, 0.15))):
        if row == 2 and not near:
            continue
        gap = size * (6.5 - 3.6 * amount)
        index = numbered(sheet.left, sheet.right, gap, size * 3)
        own = cells(seed, f"heap {row}", index, 60)
        for cell, some in zip(index.tolist(), own, strict=True):
            if some[0] > 0.25 + 0.70 * amount:
                continue
            x, foot = (cell + some[1]) * gap, horizon * (y - 0.13 + 0.23 * some[2])
            wide, count = size * (0.8 + 0.8 * some[3]), 6 + int(some[4] * 5)
            along, large, up, bright_ = (some[5 + 12 * k : 5 + 12 * k + count] for k in range(4))
            along = 2 * along - 1
            radius = size * (0.24 + 0.22 * large) * (1.15 - 0.75 * np.abs(along))
            cx, cy = x + along * wide, foot - radius * (0.25 + 0.7 * up) - size * 0.30 * (1 - along * along)
            order = np.argsort(cy)
            balls = round_[None] * np.column_stack([radius, radius * 0.92])[:, None] + np.column_stack([cx, cy])[:, None]
            flat = np.column_stack([x + wide * 1.18 * np.cos(turns), foot + size * 0.10 * np.sin(turns)])[None]
            whole = np.minimum(np.concatenate([balls, flat]), (np.inf, foot + size * 0.07))
            sheet.fill_each(cover, whole)
            sheet.fill_each(tone, whole, 70)
            lit = round_[None] * np.column_stack([radius * 0.86, radius * 0.78])[:, None] + np.column_stack([cx + 0.14 * radius * light.side, cy - 0.16 * radius])[:, None]
            sheet.fill_each(tone, np.minimum(lit[order], (np.inf, foot)), 205 + 40 * bright_[order])
    soft = max(0.6, sheet.dense * 0.0035)
    share = cv2.GaussianBlur(tone, (0, 0), soft).astype(np.float32) / np.float32(255)
    level = np.clip((horizon - sheet.ys) / max(horizon, 0.2), 0, 1)
    warm = tuple(min(1.0, 1.08 * a + 0.95 * s) for a, s in zip(light.ambient, light.sun, strict=True))
    bright = mixed(mixed((warm[0], warm[1], warm[2]), WHITE, 0.35), light.glow, 0.2)
    board = Board(sheet, grade, mixed(mixed(light.ambient, light.haze, 0.6), bright, 0.25))
    board.wash(bright, share)
    board.wash(light.haze, np.clip(0.62 - 0.72 * level, 0, 0.7) * np.ones_like(share))
    board.cover = cv2.GaussianBlur(cover, (0, 0), max(0.5, soft * 0.4)).astype(np.float32) / np.float32(255) * np.float32(0.96)
    return board


def comet(sheet: Sheet, grade: Grade, _light: Light, seed: int, *, horizon: float) -> Board:
    """A few streaks that fall, each with a bright head."""
    drawn = chance(seed, "comet")
    glow = np.zeros((sheet.height, sheet.width), np.float32)
    for k in range(4):
        x, y, long = drawn.uniform(-0.7, 0.6), drawn.uniform(0.06, 0.45) * horizon, (0.34 if k == 0 else 0.14) * drawn.uniform(0.8, 1.2)
        along = (sheet.xs - x) * 0.86 + (sheet.ys - y) * 0.51
        across = -(sheet.xs - x) * 0.51 + (sheet.ys - y) * 0.86
        tail = np.clip(1 + along / long, 0, 1) ** 2 * (along <= 0.0) * np.exp(-((across / (0.0016 + 0.004 * np.clip(-along / long, 0, 1))) ** 2))
        head = np.exp(-(along**2 + across**2) / 0.0045**2)
        glow = np.maximum(glow, np.clip(0.75 * tail + 1.3 * head, 0, 1))
    board = Board(sheet, grade, (0.94, 0.97, 1.0))
    board.cover = glow.astype(np.float32)
    return board
