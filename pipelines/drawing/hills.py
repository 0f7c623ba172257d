"""Softer land: hills, dunes, mesas, cliffs and the ground that lies flat before us. Knows lines and light, no story."""

from __future__ import annotations

import cv2
import numpy as np

from .light import RGB, Light, mixed, times
from .noise import Array, field, line, smooth
from .sheet import Board, Grade, Sheet


def hill_line(seed: int, x: Array, base: float, high: float, wide: float) -> Array:
    """y of a row of hills along x."""
    return np.asarray(base - high * (0.5 + 0.45 * line(seed, "hills", x / wide + seed % 89, 3, 0.30)), np.float32)


def hills(sheet: Sheet, grade: Grade, light: Light, seed: int, *, base: float, high: float, wide: float, far: float, colour: RGB) -> Board:
    """A row of rounded hills, brightest along their backs, with faint folds."""
    xs, ys = sheet.xs, sheet.ys
    edge = hill_line(seed, xs, base, high, wide)
    board = Board(sheet, grade, light.on(times(colour, 0.72), 0.12, far))
    deep = np.maximum(ys - edge, 0)
    slope = np.gradient(cv2.GaussianBlur(edge, (0, 0), max(1.0, 0.03 * sheet.dense)), axis=1) * np.float32(sheet.dense)
    facing = np.clip(0.55 + slope * np.float32(light.side) * 1.6, 0.08, 1.0)
    folds = field(seed, "folds", 4).at(xs * 1.1 / wide, deep * 2.6 / wide + 0.3 * edge)
    board.wash(light.on(colour, 0.9, far), np.clip(np.exp(-deep / (0.40 * high + 0.02)) * facing + 0.16 * folds, 0, 1))
    board.wash(mixed(light.on(colour, 1.0, far), light.glow, 0.35), np.exp(-deep / 0.0045) * facing * np.float32(0.55))
    board.wash(light.haze, np.clip(deep / (high * 1.6 + 0.05), 0, 1) ** 1.5 * np.float32(0.20 * far + 0.75 * light.fog * (0.2 + far)))
    board.cover = sheet.below(edge)
    return board


def dunes(sheet: Sheet, grade: Grade, light: Light, seed: int, *, base: float, high: float, wide: float, far: float, colour: RGB) -> Board:
    """Dunes: sharp winding crests, one side in the sun."""
    xs, ys = sheet.xs, sheet.ys
    cover = np.zeros((sheet.height, sheet.width), np.float32)
    board = Board(sheet, grade, light.on(colour, 0.5, far))
    past = 0.4  # shadows come from dunes beside the sheet, too
    wider = Sheet(sheet.left - past, sheet.top, sheet.dense, sheet.width + round(2 * past * sheet.dense), 1).xs
    for k in range(3):
        own, low, tall, long = seed * 3 + k, base - high * 0.28 * (2 - k), high * (1.0 - 0.22 * k), wide * (1.0 - 0.15 * k)
        at = wider / long + own % 83
        lean = at - 0.13 * light.side * np.sin(at * np.float32(3.1)) + 0.08 * line(own, "lean", at * 2, 2)
        whole = low - tall * (0.42 + 0.5 * line(own, "dune", lean, 2, 0.22))
        crest = whole[:, round(past * sheet.dense) :][:, : sheet.width]
        here = sheet.below(crest)
        deep = np.maximum(ys - crest, 0)
        slope = np.gradient(whole, axis=1) * np.float32(sheet.dense)
        bent = xs + deep * np.float32(0.9 * light.side) + 0.03 * line(own, "bend", (ys * 14).astype(np.float32), 3)
        index = (bent - sheet.left + past) * np.float32(sheet.dense)
        found = cv2.remap(slope, index.astype(np.float32), np.zeros(index.shape, np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        sunny = smooth(-0.10, 0.10, found * np.float32(light.side) - 0.02)
        away = min(1.0, far + 0.12 * (2 - k))
        for colour_now, mask in (
            (light.on(times(colour, 0.62), 0.10, away), here),
            (light.on(colour, 1.0, away), here * sunny * (0.55 + 0.45 * np.exp(-deep / 0.16))),
            (light.haze, here * np.clip(deep / (tall * 1.4), 0, 1) ** 1.6 * np.float32(0.25 + 0.4 * light.fog)),
        ):
            board.wash(colour_now, mask)
        cover = np.maximum(cover, here)
    board.cover = cover
    return board


def mesas(sheet: Sheet, grade: Grade, light: Light, seed: int, *, base: float, high: float, wide: float, far: float, colour: RGB) -> Board:
    """Table mountains with strata, steep above and sloping at the foot."""
    xs, ys = sheet.xs, sheet.ys
    at = xs / wide + seed % 71
    rough = 0.52 + 0.75 * line(seed, "mesa", at * 1.3, 3, 0.5) + 0.03 * line(seed, "edge", at * 30, 3)
    steps = np.float32(3.2)
    floor = np.floor(rough * steps)
    rise = np.clip((rough * steps - floor) * 5.5 - 1.6, 0, 1)
    tall = np.clip((floor + rise) / steps, -0.05, 1.15) + 0.012 * line(seed, "top", at * 22, 3)
    edge = (base - high * tall).astype(np.float32)
    slope = cv2.GaussianBlur(np.gradient(edge, axis=1), (0, 0), max(1.0, 0.012 * sheet.dense)) * np.float32(sheet.dense)
    deep = np.maximum(ys - edge, 0)
    bend = field(seed, "bend", 5).at(xs * 2.5, ys * 2.5)
    columns = line(seed, "columns", (xs * 16).astype(np.float32), 4, 0.7)
    sunny = smooth(-0.5, 0.8, slope * np.float32(light.side) + 0.8 * columns + 0.6 * bend)
    layers = line(seed, "strata", ((ys - base) / high * 6 + 0.25 * bend).astype(np.float32), 3, 0.7)
    board = Board(sheet, grade, light.on(times(colour, 0.66), 0.1, far))
    board.wash(light.on(colour, 0.95, far), sunny * np.float32(0.9))
    pale = mixed(colour, (0.98, 0.86, 0.70), 0.45)
    board.wash(light.on(pale, 0.5, far), smooth(0.15, 0.3, layers) * np.float32(0.35))
    board.wash(light.on(times(colour, 0.5), 0.2, far), smooth(0.2, 0.4, -layers) * np.float32(0.40))
    board.wash(light.haze, np.clip(deep / high, 0, 1) ** 1.6 * np.float32(0.12 + 0.30 * far + 0.4 * light.fog))
    board.cover = sheet.below(edge)
    return board


def cliffs(sheet: Sheet, grade: Grade, light: Light, seed: int, *, base: float, high: float, far: float, colour: RGB, top: RGB) -> Board:
    """A headland that falls to the water, on the side away from the sun; grass on top."""
    xs, ys = sheet.xs, sheet.ys
    out = -xs * np.float32(light.side)  # grows to the shady side
    rough = line(seed, "cliff", xs * 3, 5, 0.55)
    drop = smooth(0.06, 0.30, out + 0.06 * rough)
    edge = (base + 0.012 - high * drop * (0.80 + 0.10 * line(seed, "brow", xs * 1.4, 3)) - 0.10 * high * drop * smooth(0.2, 1.2, out)).astype(np.float32)
    deep = np.maximum(ys - edge, 0)
    columns = line(seed, "columns", (xs * 12 + 0.8 * ys).astype(np.float32), 5, 0.72)
    crags = field(seed, "crags", 6).at(xs * 2.4, ys * 0.9)
    board = Board(sheet, grade, light.on(times(colour, 0.62), 0.12, far))
    board.wash(light.on(colour, 0.85, far), smooth(-0.25, 0.45, columns + 0.7 * crags))
    board.wash(light.on(top, 0.8, far), smooth(0.034, 0.012, deep + 0.014 * columns) * drop)
    board.wash(light.haze, np.clip(deep / high, 0, 1) ** 2 * np.float32(0.30 + 0.4 * light.fog))
    board.cover = sheet.below(edge) * smooth(0.01, 0.09, drop)
    return board


def ground(sheet: Sheet, grade: Grade, light: Light, seed: int, *, horizon: float, near: RGB, texture: float = 1.0, rows: float = 0.0, wet: float = 0.0, bumps: float = 0.0) -> Board:
    """Flat ground from the horizon to the feet. `rows`: furrows that run to the vanishing point; `bumps`: an uneven
    far edge; `wet` lets the sky shine in it."""
    xs, ys = sheet.xs, sheet.ys
    edge = np.float32(horizon) - bumps * (0.5 + 0.5 * line(seed, "edge", xs * 1.7, 4))
    away = np.maximum(ys - np.float32(horizon), 0.0) + np.float32(0.012)
    close = np.clip((away - 0.012) / max(1 - horizon, 0.1), 0, 1)
    board = Board(sheet, grade, light.on(near, 0.55, 0.75))
    board.wash(light.on(near, 0.75, 0.3), close**0.5)
    board.wash(light.on(times(near, 0.72), 0.45, 0.0), close**1.6)
    if texture:
        depth = np.float32(0.10) / away
        grain = field(seed, "ground", 6, 0.6).at(xs * depth * 9, np.broadcast_to(depth * 12, (sheet.height, sheet.width)))
        broad = field(seed, "patches", 3).at(xs * depth * 1.3, np.broadcast_to(depth * 3.0, (sheet.height, sheet.width)))
        strong = np.float32(texture) * np.clip(0.25 + close, 0, 1)
        board.wash(light.on(times(near, 1.22), 0.95, 0.1), np.clip(0.30 * grain + 0.42 * broad, 0, 0.7) * strong)
        board.wash(light.on(times(near, 0.52), 0.2, 0.05), np.clip(-0.30 * grain - 0.40 * broad, 0, 0.7) * strong)
    if rows:
        across = (xs - 0.12) / (away + 0.02)
        wave = 0.5 + 0.5 * np.sin(across * np.float32(2.2) + 0.15 * line(seed, "row", (ys * 40).astype(np.float32), 2))
        board.wash(light.on(times(near, 0.50), 0.2, 0.05), smooth(0.35, 0.9, wave) * np.float32(rows) * smooth(0.0, 0.09, away - 0.012))
    if wet:
        shine = field(seed, "puddles", 5).at(xs * 0.5 / (away + 0.1), np.broadcast_to(0.35 / (away + 0.05), (sheet.height, sheet.width)))
        board.wash(mixed(light.haze, light.sky[-1], 0.5), smooth(-0.2, 0.5, shine) * np.float32(wet) * (0.35 + 0.65 * (1 - close)))
    board.wash(light.haze, np.exp(-(away - 0.012) / (0.03 + 0.16 * light.fog)) * np.float32(0.25 + 0.6 * light.fog))
    board.cover = sheet.below(np.broadcast_to(edge, (1, sheet.width)))
    return board


def island(sheet: Sheet, grade: Grade, light: Light, seed: int, *, base: float, high: float, far: float, colour: RGB) -> Board:
    """A wooded island with a beach, and a smaller one beside it."""
    xs, ys = sheet.xs, sheet.ys
    side = -light.side
    humps = ((0.20 * side, 0.34, 1.0), (0.34 * side, 0.16, 1.25), (-0.42 * side, 0.15, 0.5))
    tall = np.zeros_like(xs)
    for x, wide, share in humps:
        tall = np.maximum(tall, share * np.exp(-(((xs - x) / wide) ** 4)) * (0.72 + 0.28 * np.cos((xs - x) / wide * 1.2)))
    crowns = np.abs(line(seed, "crowns", xs * 26, 3, 0.6))
    edge = (base + 0.012 - high * np.clip(tall - 0.04, -0.2, 2) * (0.86 + 0.14 * crowns + 0.12 * line(seed, "back", xs * 5, 3))).astype(np.float32)
    deep = np.maximum(ys - edge, 0)
    board = Board(sheet, grade, light.on(times(colour, 0.5), 0.15, far))
    leaves = field(seed, "leaves", 6, 0.65).at(xs * 3.6, ys * 3.6)
    board.wash(light.on(colour, 0.9, far), np.clip(np.exp(-deep / (0.55 * high)) * 0.75 + 0.45 * leaves, 0, 1))
    board.wash(light.on((0.94, 0.83, 0.60), 0.95, far), smooth(base - 0.030, base - 0.018, ys + 0.008 * line(seed, "sand", xs * 9, 2)) * np.ones_like(xs))
    board.wash(light.haze, np.clip(deep / high, 0, 1) * np.float32(0.12 + 0.4 * light.fog))
    board.cover = sheet.below(edge) * smooth(base + 0.004, base - 0.002, ys)
    return board


def cloud_bank(sheet: Sheet, grade: Grade, light: Light, seed: int, *, y: float, far: float) -> Board:
    """A row of a sea of clouds, seen from above."""
    xs, ys = sheet.xs, sheet.ys
    wide = 0.16 + 0.34 * (1 - far)
    at = xs / wide + seed % 61
    puffs = np.maximum(np.abs(np.sin(np.pi * at + 0.9 * line(seed, "puff", at, 2))) ** 0.6, 0.85 * np.abs(np.sin(np.pi * (at * 1.7 + 0.3))) ** 0.6)
    edge = (y - 0.26 * wide * (puffs - 0.45) - 0.10 * wide * line(seed, "bank", at * 0.5, 2)).astype(np.float32)
    deep = np.maximum(ys - edge, 0)
    cloud = field(seed, "cloud", 6, 0.55).at(xs * 0.8 / wide, deep * 1.4 / wide + edge)
    white: RGB = (1.0, 0.99, 0.98)
    board = Board(sheet, grade, mixed(light.on(times(white, 0.80), 0.25, far * 0.6), light.sky[min(1, len(light.sky) - 1)], 0.22))
    board.wash(mixed(light.on(white, 1.0, far * 0.5), light.glow, 0.25), np.clip(np.exp(-deep / (0.20 * wide)) * 0.85 + 0.35 * cloud, 0, 1))
    board.wash(light.haze, np.clip(deep / (wide * 0.9), 0, 1) * np.float32(0.35))
    board.cover = smooth(-0.006 - 0.012 * (1 - far), 0.010 + 0.02 * (1 - far), ys - edge)
    return board
