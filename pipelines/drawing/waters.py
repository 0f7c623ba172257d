"""Water: a lake that mirrors what stands behind it, the sea's open plane, breakers, a river through land. Knows light."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from .light import RGB, Light, mixed, times
from .noise import Array, Bytes, chance, field, line, smooth
from .sheet import Board, Grade, Sheet

if TYPE_CHECKING:
    from collections.abc import Sequence


DEEP = (0.10, 0.30, 0.42)


def surface(sheet: Sheet, grade: Grade, light: Light, seed: int, *, horizon: float, colour: RGB, mirror: Sequence[Array], clear: float) -> Board:
    """Water from the horizon down. `mirror`: Y, U and V of what lies above, upside down, the first row at the horizon;
    `clear` 0..1: how much of it is seen."""
    xs, ys = sheet.xs, sheet.ys
    away = np.maximum(ys - np.float32(horizon), 0.0)
    close = np.clip(away / max(1 - horizon, 0.1), 0, 1)
    board = Board(sheet, grade, light.on(mixed(colour, light.haze, 0.35), 0.8, 0.8))
    board.wash(light.on(colour, 0.55, 0.1), close**0.7)
    board.wash(light.on(times(colour, 0.6), 0.3, 0.0), close**1.8 * np.float32(0.8))
    first = max(0, round((horizon - sheet.top) * sheet.dense))
    rows = min(mirror[0].shape[0], sheet.height - first)
    fade = (clear * (0.92 - 0.55 * close[first : first + rows])).astype(np.float32)
    for plane, seen in zip(board.planes, mirror, strict=True):
        under = plane[first : first + rows]
        under += (seen[:rows] - under) * fade
    swell = field(seed, "swell", 4).at(xs * 0.35 / (away + 0.06), np.broadcast_to(0.55 / (away + 0.035), (sheet.height, sheet.width)))
    bright = mixed(light.haze, light.sky[-1], 0.5)
    board.wash(bright, smooth(0.30, 0.75, swell) * np.float32(0.30) * smooth(0.0, 0.05, away))
    board.wash(light.on(times(colour, 0.35), 0.2, 0.0), smooth(0.30, 0.8, -swell) * np.float32(0.30) * smooth(0.0, 0.05, away))
    if light.disc:
        wide = 0.035 + 0.35 * away
        path = np.exp(-(((xs - light.x) / wide) ** 2))
        broken = field(seed, "glitter", 4).at(xs * 1.6 / (away + 0.12), np.broadcast_to(1.5 / (away + 0.05), (sheet.height, sheet.width)))
        strong = 0.55 if light.disc == "moon" else 0.8
        board.wash(light.glow, path * smooth(-0.25, 0.55, broken) * np.float32(strong) * np.exp(-away * 1.6))
    board.wash(light.haze, np.exp(-away / (0.012 + 0.1 * light.fog)) * np.float32(0.35 + 0.45 * light.fog))
    board.cover = sheet.below(np.full((1, sheet.width), horizon, np.float32))
    return board


def mirrored(planes: Sequence[Bytes], dense: float) -> list[Array]:
    """What lies above the water as it is seen in it: upside down and drawn out softly."""
    out = []
    for plane in planes:
        flipped = np.ascontiguousarray(plane[::-1]).astype(np.float32)
        out.append(np.asarray(cv2.GaussianBlur(flipped, (0, 0), sigmaX=max(0.6, dense / 900), sigmaY=max(0.8, dense / 240)), np.float32))
    return out


def swell_line(seed: int, x: Array, y: float, high: float, wide: float) -> Array:
    """y of a wave's crest along x: pointed above, round below."""
    at = x / wide + 0.35 * line(seed, "gap", x / wide * 0.6, 2)
    wave = 1 - np.abs(np.sin(np.float32(np.pi) * at)) ** 0.85
    chop = 0.16 * line(seed, "chop", x / wide * 5, 3)
    return np.asarray(y - high * (0.20 + 0.80 * wave + chop) * (0.70 + 0.45 * line(seed, "set", x / wide * 0.7, 2)), np.float32)


def wave(sheet: Sheet, grade: Grade, light: Light, seed: int, *, y: float, high: float, wide: float, far: float, colour: RGB, foam: float) -> Board:
    """One row of waves with light in its crests; `foam` 0..1."""
    xs, ys = sheet.xs, sheet.ys
    edge = swell_line(seed, xs, y, high, wide)
    deep = np.maximum(ys - edge, 0)
    sky = mixed(light.haze, light.sky[-1], 0.5)
    board = Board(sheet, grade, mixed(light.on(times(colour, 0.75), 0.35, far), sky, 0.08 + 0.22 * far))
    board.wash(mixed(light.on(times(colour, 1.25), 0.9, far), sky, 0.40), np.exp(-deep / (high * 1.1)))
    board.wash(mixed(light.on((0.40, 0.80, 0.78), 0.9, far), light.glow, 0.35), np.exp(-deep / (high * 0.30)) * np.float32(0.60))
    streak = field(seed, "streak", 5).at(xs * 0.9 / wide, deep * 4 / wide + 0.5 * edge)
    board.wash(light.on(times(colour, 0.45), 0.2, far), smooth(0.1, 0.7, streak) * np.float32(0.32) * smooth(0, high, deep))
    board.wash(sky, smooth(0.15, 0.75, -streak) * np.float32(0.30) * smooth(0, high * 0.6, deep))
    if light.disc:
        path = np.exp(-(((xs - light.x) / (0.10 + 0.25 * (1 - far))) ** 2))
        board.wash(light.glow, path * (np.exp(-deep / (high * 0.22)) * np.float32(0.55) + smooth(0.2, 0.6, -streak) * np.float32(0.30)))
    if foam:
        white = light.on((0.96, 0.99, 1.0), 0.85, far)
        lace = field(seed, "lace", 6, 0.62).at(xs * 1.6 / wide, deep * 5 / wide)
        board.wash(white, np.exp(-deep / (high * 0.05 + 0.0015)) * np.float32(0.4 + 0.6 * foam))
        board.wash(white, smooth(0.22, 0.50, lace - deep / (high * 0.9) + 0.36) * np.float32(foam))
    board.cover = sheet.below(edge)
    return board


def shore(sheet: Sheet, grade: Grade, light: Light, seed: int, *, y: float, colour: RGB, foam: bool, slant: float = 0.0, pools: bool = False) -> Board:
    """The bank before us; sand is wet where the water ends in foam."""
    xs, ys = sheet.xs, sheet.ys
    edge = (y + slant * xs + 0.020 * line(seed, "shore", xs * 1.2, 4)).astype(np.float32)
    deep = np.maximum(ys - edge, 0)
    board = Board(sheet, grade, light.on(colour, 0.85, 0.1))
    board.wash(light.on(times(colour, 0.66), 0.45, 0.0), np.clip(deep / 0.30, 0, 1))
    grain = field(seed, "sand", 6, 0.65).at(xs * 1.3, ys * 4.5)
    board.wash(light.on(times(colour, 1.15), 1.0, 0.0), np.clip(grain * 0.45, 0, 0.4))
    board.wash(light.on(times(colour, 0.55), 0.2, 0.0), np.clip(-grain * 0.45, 0, 0.4))
    if foam:
        board.wash(mixed(light.on(times(colour, 0.55), 0.3, 0.0), light.sky[-1], 0.30), smooth(0.085, 0.0, deep) * np.float32(0.75))
        lace = field(seed, "foam", 6, 0.6).at(xs * 1.6, ys * 3.2)
        board.wash(light.on((0.97, 0.99, 1.0), 0.8, 0.0), np.clip(smooth(0.016, 0.0, np.abs(deep - 0.010)) + 0.7 * smooth(0.10, 0.5, lace) * smooth(0.05, 0.0, deep), 0, 0.95))
    if pools:
        board.wash(mixed(light.haze, light.sky[0], 0.4), smooth(0.3, 0.5, field(seed, "pools", 3).at(xs * 0.8, ys * 3)) * np.float32(0.5))
    board.cover = sheet.below(edge)
    return board


def river(board: Board, light: Light, seed: int, *, horizon: float, colour: RGB, wide: float = 1.0, road: bool = False) -> None:
    """A stream (or a road) that winds from the horizon to the feet, over ground that is painted already."""
    sheet = board.sheet
    xs, ys = sheet.xs, sheet.ys
    away = np.maximum(ys - np.float32(horizon), 0.0) / max(1 - horizon, 0.1)
    side = 1.0 if seed % 2 else -1.0
    deep = 1.0 / (away * 3 + 0.22)
    bend = (0.05 if road else 0.15) * np.sin(deep * np.float32(2.1) + seed % 5) * (0.3 + away) + 0.08 * line(seed, "bend", (deep * 0.6).astype(np.float32), 2) * (0.2 + away)
    middle = side * (0.10 - 0.10 * away) + bend
    half = (0.0035 + 0.26 * away**1.35) * wide
    rough = 0.0 if road else 0.05 * half * line(seed, "bank", (ys * 30).astype(np.float32), 3)
    out = np.abs(xs - middle) - half - rough
    inside = np.clip(0.5 - out * np.float32(sheet.dense) / (1 + 2 * away), 0, 1) * (ys > horizon)
    if not road:
        board.wash(light.on((0.42, 0.36, 0.28), 0.4, 0.1), smooth(0.030, 0.0, out / (0.3 + away)) * np.float32(0.8) * (ys > horizon))
    board.wash(light.on(times(colour, 0.9), 0.6, 0.35), inside)
    board.wash(light.on(times(colour, 0.65), 0.4, 0.0), inside * away)
    if road:
        dash = smooth(0.0, 0.3, np.sin(deep * np.float32(26)))
        board.wash(light.on((0.92, 0.86, 0.66), 0.9, 0.1), smooth(0.035, 0.015, np.abs(xs - middle) / np.maximum(half, 1e-3) / 2) * dash * np.float32(0.85) * (ys > horizon))
        for edge in (-0.9, 0.9):
            board.wash(light.on((0.90, 0.88, 0.82), 0.8, 0.1), smooth(0.03, 0.01, np.abs((xs - middle) / np.maximum(half, 1e-3) - edge)) * np.float32(0.6) * (ys > horizon))
    else:
        ripple = field(seed, "river", 5).at(xs * 1.4 / (away + 0.15), np.broadcast_to(0.9 / (away + 0.08), (sheet.height, sheet.width)))
        shine = mixed(light.sky[-1], light.haze, 0.4)
        board.wash(shine, inside * np.clip(0.45 + 0.45 * ripple - 0.3 * away, 0, 0.85))
        board.wash(light.glow, inside * smooth(0.4, 0.9, ripple) * np.float32(0.5))


def glints(seed: int, light: Light, horizon: float, many: int) -> tuple[Array, Array, Array, Array]:
    """Where light sparkles on water -> points (n, 2), sizes, strengths, phases; most lie below the sun."""
    drawn = chance(seed, "glints")
    away = drawn.uniform(0.0, 1.0, many) ** 1.8
    y = horizon + 0.012 + away * (1.02 - horizon)
    spread = np.where(drawn.uniform(size=many) < 0.7, 0.03 + 0.30 * away, 1.2)
    x = (light.x if light.disc else 0.0) + drawn.normal(0, 1, many) * spread
    size = 0.0011 + 0.0030 * away
    return np.column_stack([x, y]).astype(np.float32), size.astype(np.float32), drawn.uniform(0.25, 0.95, many).astype(np.float32), drawn.uniform(0, 1, many).astype(np.float32)


def wash(sheet: Sheet, grade: Grade, light: Light, seed: int, *, y: float) -> Board:
    """The thin last water that runs up a beach, with lace of foam in it."""
    xs, ys = sheet.xs, sheet.ys
    edge = (y - 0.05 + 0.014 * line(seed, "wash", xs * 1.6, 3)).astype(np.float32)
    deep = np.maximum(ys - edge, 0)
    lace = field(seed, "lace", 6, 0.6).at(xs * 1.5, ys * 4.0)
    board = Board(sheet, grade, mixed(light.on((0.42, 0.66, 0.70), 0.8, 0.1), light.sky[-1], 0.35))
    board.wash(light.on((0.97, 0.99, 1.0), 0.85, 0.0), np.clip(smooth(0.05, 0.5, lace) * 0.8 + smooth(0.010, 0.0, deep), 0, 0.95))
    board.cover = sheet.below(edge)
    return board


def fall(sheet: Sheet, grade: Grade, light: Light, seed: int, *, x: float, y: float, tall: float, leaf: RGB) -> Board:
    """A cliff with water coming over it; the foot is at y."""
    xs, ys = sheet.xs, sheet.ys
    away = np.maximum(np.abs(xs - x) + 0.05 * line(seed, "side", xs * 6, 4), 0)
    brow = (y - tall * (1.0 + 0.10 * line(seed, "brow", xs * 2.2, 4)) + 0.25 * away**1.6 + 0.05 * np.exp(-(((xs - x) / 0.05) ** 2)) + 1.5 * np.maximum(away - 0.46, 0)).astype(np.float32)
    deep = np.maximum(ys - brow, 0)
    crags = field(seed, "crags", 6).at(xs * 2.6, ys * 0.8)
    columns = line(seed, "columns", (xs * 14).astype(np.float32), 4, 0.7)
    rock: RGB = (0.48, 0.45, 0.43)
    board = Board(sheet, grade, light.on(times(rock, 0.5), 0.15, 0.3))
    board.wash(light.on(rock, 0.85, 0.3), smooth(-0.3, 0.6, crags + 0.6 * columns))
    board.wash(light.on(leaf, 0.75, 0.25), np.clip(smooth(0.06, 0.0, deep + 0.03 * crags) + 0.55 * smooth(0.25, 0.6, crags) * smooth(0.06, 0.16, np.abs(xs - x)), 0, 0.95))
    wide = 0.042 + 0.045 * np.clip(deep / tall, 0, 1) ** 0.7
    falls = smooth(1.0, 0.72, np.abs(xs - x) / wide + 0.10 * columns)
    streaks = line(seed, "streaks", (xs * 70 + 0.6 * np.sin(ys * 9)).astype(np.float32), 3, 0.7)
    white = light.on((0.96, 0.98, 1.0), 0.9, 0.2)
    board.wash(mixed(white, light.on((0.45, 0.62, 0.72), 0.6, 0.2), 0.5), falls)
    board.wash(white, falls * np.clip(0.55 + 0.6 * streaks, 0, 1))
    board.wash(light.haze, smooth(y - 0.12, y + 0.02, ys) * np.ones_like(xs) * np.float32(0.55))
    board.cover = sheet.below(brow) * smooth(y + 0.02, y - 0.004, ys)
    return board
