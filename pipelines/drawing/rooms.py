"""Indoors: a wall with a window onto the world, a floor, and the light that falls in. Knows planes and light."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .light import RGB, Light, mixed, times
from .noise import Array, chance, field, line, smooth
from .sheet import Board, Grade, Sheet

FLOOR = 0.74  # y where the wall ends
WALLS = ((0.80, 0.70, 0.58), (0.55, 0.66, 0.66), (0.72, 0.55, 0.50), (0.60, 0.62, 0.72), (0.82, 0.78, 0.70))


@dataclass(frozen=True, slots=True)
class Window:
    """Its edges in the world, and how many panes it has across and down."""

    left: float
    top: float
    right: float
    bottom: float
    across: int
    down: int


def window(seed: int, aspect: float) -> Window:
    """Where the window is."""
    drawn = chance(seed, "window")
    wide = min(0.62, aspect * 0.40) * drawn.uniform(0.85, 1.1)
    x = drawn.choice((-1, 1)) * aspect * drawn.uniform(0.06, 0.14)
    return Window(x - wide / 2, 0.15, x + wide / 2, 0.56, int(drawn.integers(2, 4)), 2)


def wall(sheet: Sheet, grade: Grade, light: Light, seed: int, *, hole: Window, colour: RGB | None = None) -> Board:
    """A wall whose window lets the world through; lit by it and, at night, by lamps."""
    xs, ys = sheet.xs, sheet.ys
    own = colour or WALLS[seed % len(WALLS)]
    dim = 0.55
    warm = (1.0, 0.80, 0.55)
    day = light.on(own, 0.15, 0.0)
    night = times((own[0] * warm[0], own[1] * warm[1], own[2] * warm[2]), 0.50)
    board = Board(sheet, grade, times(mixed(day, night, light.lamps), dim + 0.35))
    middle = (hole.left + hole.right) / 2
    stripes = smooth(0.2, 0.6, np.sin(xs * np.float32(46))) if seed % 3 == 0 else np.zeros_like(xs)
    board.wash(times(mixed(day, night, light.lamps), 0.80), stripes * np.ones_like(ys) * np.float32(0.5))
    shine = np.exp(-(((xs - middle) / 0.65) ** 2) - ((ys - 0.40) / 0.45) ** 2)
    board.wash(mixed(light.on(own, 0.8, 0.0), light.haze, 0.35), shine * np.float32(0.55 * (1 - 0.7 * light.lamps)))
    if light.lamps > 0.2:
        lamp = np.exp(-(((xs + middle * 1.6 + 0.3) / 0.55) ** 2) - ((ys - 0.42) / 0.40) ** 2)
        board.wash((own[0] * 1.0, own[1] * 0.80, own[2] * 0.55), lamp * np.float32(0.75 * light.lamps))
    board.wash(times(light.ambient, 0.10), smooth(0.10, -0.30, ys) * np.ones_like(xs) * np.float32(0.6))
    board.wash((0.03, 0.02, 0.03), smooth(0.55, 1.6, np.abs(xs)) * np.ones_like(ys) * np.float32(0.5))
    skirting = np.clip((ys - (FLOOR - 0.035)) * np.float32(sheet.dense), 0, 1) * np.ones_like(xs)
    board.wash(times(mixed(mixed(own, (1.0, 1.0, 1.0), 0.5), night, 0.4 * light.lamps), 0.62), skirting)
    frame_colour = times(mixed(light.on((0.93, 0.90, 0.84), 0.3, 0.0), (0.60, 0.46, 0.32), 0.5 * light.lamps), 0.95)
    rim, bar = 0.022, 0.0075
    outer = _box(sheet, hole.left - rim, hole.top - rim, hole.right + rim, hole.bottom + rim)
    board.wash(frame_colour, outer)
    sill = _box(sheet, hole.left - 0.05, hole.bottom + rim * 0.6, hole.right + 0.05, hole.bottom + rim + 0.022)
    board.wash(times(frame_colour, 1.12), sill)
    board.wash(times(frame_colour, 0.35), _box(sheet, hole.left - 0.05, hole.bottom + rim + 0.022, hole.right + 0.05, hole.bottom + rim + 0.034) * np.float32(0.6))
    opening = _box(sheet, hole.left, hole.top, hole.right, hole.bottom)
    for k in range(1, hole.across):
        x = hole.left + (hole.right - hole.left) * k / hole.across
        opening *= 1 - _box(sheet, x - bar, hole.top, x + bar, hole.bottom)
    for k in range(1, hole.down):
        y = hole.top + (hole.bottom - hole.top) * k / hole.down
        opening *= 1 - _box(sheet, hole.left, y - bar * 0.8, hole.right, y + bar * 0.8)
    _curtains(board, light, seed, hole, opening)
    board.cover = 1 - opening
    return board


def _curtains(board: Board, light: Light, seed: int, hole: Window, opening: Array) -> None:
    sheet = board.sheet
    hue = ((0.62, 0.25, 0.25), (0.28, 0.40, 0.52), (0.72, 0.60, 0.36), (0.34, 0.46, 0.36))[seed % 4]
    for side in (-1, 1):
        edge = hole.left if side < 0 else hole.right
        wide = 0.15 * (hole.right - hole.left)
        inner = edge - side * wide * (0.5 + 0.22 * np.sin((sheet.ys - hole.top) * np.float32(5)))
        low, high = (edge - wide, inner) if side < 0 else (inner, edge + wide)
        within = np.clip((sheet.xs - low) * np.float32(sheet.dense) + 0.5, 0, 1) * np.clip((high - sheet.xs) * np.float32(sheet.dense) + 0.5, 0, 1)
        tall = np.clip((sheet.ys - hole.top + 0.05) * np.float32(sheet.dense), 0, 1) * np.clip((hole.bottom + 0.16 - sheet.ys) * np.float32(sheet.dense), 0, 1)
        mask = (within * tall).astype(np.float32)
        fold = 0.5 + 0.5 * np.sin(sheet.xs * np.float32(17.0 / wide) + 2 * line(seed, "fold", (sheet.ys * 3).astype(np.float32), 2))
        board.wash(light.on(times(hue, 0.55), 0.1, 0.0), mask)
        board.wash(mixed(light.on(hue, 0.7, 0.0), times(hue, 0.9), light.lamps), mask * fold.astype(np.float32) * np.float32(0.85))
        opening *= 1 - mask
    rod = _box(sheet, hole.left - 0.13, hole.top - 0.062, hole.right + 0.13, hole.top - 0.048)
    board.wash((0.20, 0.14, 0.10), rod)


def floor(sheet: Sheet, grade: Grade, light: Light, seed: int, *, hole: Window) -> Board:
    """Boards that run away from us, with the window's light on them."""
    xs, ys = sheet.xs, sheet.ys
    away = np.maximum(ys - np.float32(FLOOR - 0.12), 0.01)
    across = xs / away
    wood = (0.50, 0.34, 0.22) if seed % 2 else (0.42, 0.30, 0.24)
    night = times(wood, 0.42)
    board = Board(sheet, grade, mixed(light.on(wood, 0.2, 0.0), night, light.lamps))
    plank = np.floor(across * np.float32(2.4))
    tones = chance(seed, "planks").uniform(-1, 1, 512).astype(np.float32)
    tone = tones[plank.astype(np.int32) & 511]
    board.wash(times(wood, 0.30), np.clip(tone, 0, 1) * np.float32(0.32))
    grain = field(seed, "wood", 5).at(across * 2.4, np.broadcast_to(0.35 / away, (sheet.height, sheet.width)))
    board.wash(mixed(light.on(times(wood, 1.3), 0.6, 0.0), times(wood, 0.7), light.lamps), np.clip(grain * 0.4 - 0.3 * tone, 0, 0.45))
    gap = np.abs(across * np.float32(2.4) - plank - 0.5)
    board.wash((0.05, 0.03, 0.03), smooth(0.485, 0.498, gap) * np.float32(0.55))
    lean = -light.side * 0.55
    fall = xs - lean * (ys - FLOOR) * 1.6
    patch = smooth(hole.left - 0.06, hole.left + 0.02, fall / (0.7 + 1.1 * (ys - FLOOR))) * smooth(hole.right + 0.06, hole.right - 0.02, fall / (0.7 + 1.1 * (ys - FLOOR)))
    patch = patch * smooth(FLOOR + 0.03, FLOOR + 0.06, ys) * smooth(FLOOR + 0.24, FLOOR + 0.18, ys)
    board.wash(mixed(light.glow, light.haze, 0.3), (patch * np.float32(0.42 * (1 - 0.75 * light.lamps))).astype(np.float32))
    rug = ((xs - 0.02) / (0.62 + 0.8 * (ys - 0.88))) ** 2 + ((ys - 0.90) / 0.085) ** 2
    hue = ((0.55, 0.22, 0.22), (0.24, 0.34, 0.44), (0.50, 0.42, 0.28))[seed % 3]
    for size, share in ((1.0, 1.0), (0.84, 1.35), (0.76, 0.9)):
        board.wash(mixed(light.on(times(hue, share), 0.35, 0.0), times(hue, 0.7 * share), light.lamps), smooth(size, size - 0.03, rug).astype(np.float32))
    board.wash((0.02, 0.015, 0.02), smooth(FLOOR + 0.02, FLOOR - 0.01, ys) * np.ones_like(xs) * np.float32(0.55))
    board.wash((0.02, 0.015, 0.02), smooth(0.6, 1.5, np.abs(xs)) * np.ones_like(ys) * np.float32(0.5))
    board.cover = sheet.below(np.full((1, sheet.width), FLOOR, np.float32))
    return board


def beam(sheet: Sheet, grade: Grade, light: Light, _seed: int, *, hole: Window) -> Board:
    """The light that comes in through the window, seen in the air."""
    mask = sheet.mask()
    slide = -light.side * 0.42
    sheet.fill(mask, [np.array([(hole.left, hole.top), (hole.right, hole.top), (hole.right, hole.bottom), (hole.right + slide, 0.97), (hole.left + slide, 0.97), (hole.left, hole.bottom)])])
    board = Board(sheet, grade, mixed(light.glow, (1.0, 1.0, 1.0), 0.3))
    soft = cv2.GaussianBlur(mask, (0, 0), 0.02 * sheet.dense).astype(np.float32) / np.float32(255)
    board.cover = soft * np.float32(0.16 * (1 - 0.8 * light.lamps)) * smooth(1.0, 0.3, sheet.ys)
    return board


def _box(sheet: Sheet, left: float, top: float, right: float, bottom: float) -> Array:
    dense = np.float32(sheet.dense)
    across = np.clip((sheet.xs - left) * dense + np.float32(0.5), 0, 1) * np.clip((right - sheet.xs) * dense + np.float32(0.5), 0, 1)
    down = np.clip((sheet.ys - top) * dense + np.float32(0.5), 0, 1) * np.clip((bottom - sheet.ys) * dense + np.float32(0.5), 0, 1)
    return np.asarray(across * down, np.float32)
