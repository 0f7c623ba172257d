"""Weather between things: mist, rain, snow, dust, lightning, fireworks. Knows light and chance."""

from __future__ import annotations

import cv2
import numpy as np

from .depth import Depth
from .light import RGB, Light
from .motes import Motes, Veil
from .noise import Array, chance, field, smooth
from .peaks import jagged
from .sheet import Board, Grade, Sheet


def mist(sheet: Sheet, grade: Grade, light: Light, seed: int, *, y: float, thick: float, strong: float, far: float) -> Board:
    """A bank of it around the height y."""
    few = sheet.coarse(4)
    cloud = field(seed, f"mist {far:.1f}", 5, 0.5).at(few.xs * 0.55, (few.ys - y) * 2.4 + 0.5)
    board = Board(sheet, grade, light.haze)
    away = (few.ys - y) / np.float32(thick)
    board.cover = sheet.fine(np.clip((np.exp(-(away**2)) - 0.04) * (0.57 + 0.78 * cloud) * np.float32(strong), 0, 0.92))
    return board


def rain(size: tuple[int, int], seed: int, strong: float, wind: float, near: bool) -> Veil:
    """Streaks for a frame of that many pixels; they repeat, so that they can fall for ever."""
    width, height = size
    tall, wide = max(64, int(height * 0.9)), max(64, int(height * 1.1))
    luma = np.zeros((tall, wide), np.uint8)
    drawn = chance(seed, f"rain {near}")
    slant = 0.10 + 0.35 * wind
    long = height * (0.11 if near else 0.055)
    bright, thick = (52, max(1, round(height / 480))) if near else (34, 1)
    for _ in range(int((130 if near else 330) * strong)):
        x, y, scale = drawn.uniform(0, wide), drawn.uniform(0, tall), drawn.uniform(0.6, 1.0)
        for dx in (0, wide, -wide):
            for dy in (0, -tall):
                a = (round((x + dx) * 16), round((y + dy) * 16))
                b = (round((x + dx - slant * long * scale) * 16), round((y + dy + long * scale) * 16))
                cv2.line(luma, a, b, int(bright * scale), thick, cv2.LINE_AA, 4)
    speed = height * (2.6 if near else 1.7)
    repeated = np.tile(luma, (-(-(height + tall) // tall), -(-(width + wide) // wide)))
    return Veil(np.ascontiguousarray(repeated[: height + tall, : width + wide]), (-slant * speed, speed))


def flakes(seed: int, strong: float, wind: float, aspect: float, grade: Grade, light: Light, *, near: bool) -> Motes:
    """Snow."""
    drawn = chance(seed, f"flakes {near}")
    many = int((80 if near else 300) * strong)
    half = aspect / 2 + 0.3
    at = np.column_stack([drawn.uniform(-half, half, many), drawn.uniform(-0.2, 1.2, many)])
    size = drawn.uniform(0.0035, 0.0075, many) if near else drawn.uniform(0.0011, 0.0026, many)
    pace = drawn.uniform(0.8, 1.2, many) * (0.26 if near else 0.12)
    speed = np.column_stack([-pace * (0.15 + 1.2 * wind), pace])
    colour = light.on((1.0, 1.0, 1.0), 1.0, 0.0)
    return _motes(at, size, drawn.uniform(0.55, 0.95, many), drawn.uniform(0, 1, many), grade.of(colour), Depth.upright(1.25 if near else 0.7), speed, (-half, -0.2, half, 1.2), flutter=0.012 if near else 0.006, hz=0.35)


def sparks(seed: int, x: float, y: float, wide: float, tall: float, many: int, grade: Grade, depth: Depth) -> Motes:
    """Embers that rise from a fire."""
    drawn = chance(seed, "sparks")
    at = np.column_stack([drawn.normal(x, wide, many), drawn.uniform(y - tall, y, many)])
    speed = np.column_stack([drawn.uniform(-0.02, 0.03, many), -drawn.uniform(0.05, 0.16, many)])
    box = (x - 0.5, y - tall, x + 0.5, y)
    return _motes(at, drawn.uniform(0.0009, 0.0020, many), drawn.uniform(0.5, 1.0, many), drawn.uniform(0, 1, many), grade.of((1.0, 0.66, 0.25)), depth, speed, box, flutter=0.012, hz=0.8, twinkle=0.8)


def floating(seed: int, kind: str, many: int, aspect: float, grade: Grade, colour: RGB) -> Motes:
    """ "leaves" and "petals" fall, "fireflies" and "dust" hang, "bubbles" rise."""
    drawn = chance(seed, kind)
    half = aspect / 2 + 0.3
    top = {"fireflies": 0.45, "dust": 0.0}.get(kind, -0.2)
    at = np.column_stack([drawn.uniform(-half, half, many), drawn.uniform(top, 1.1, many)])
    fall = {"leaves": 0.10, "petals": 0.07, "bubbles": -0.11, "dust": -0.004, "fireflies": 0.0}[kind]
    pace = drawn.uniform(0.6, 1.4, many) * fall
    drift = {"leaves": -0.08, "petals": -0.06, "fireflies": 0.012, "dust": 0.01}.get(kind, 0.0)
    size = drawn.uniform(0.7, 1.4, many) * {"leaves": 0.0050, "petals": 0.0040, "bubbles": 0.0048, "dust": 0.0014, "fireflies": 0.0030}[kind]
    twinkle = 0.95 if kind == "fireflies" else 0.6 if kind == "dust" else 0.1
    speed = np.column_stack([drift * drawn.uniform(0.5, 1.5, many), pace])
    strength = drawn.uniform(0.5, 0.95, many) * (0.5 if kind in ("dust", "bubbles") else 1.0)
    return _motes(at, size, strength, drawn.uniform(0, 1, many), grade.of(colour), Depth.upright(1.05), speed, (-half, top, half, 1.1), flutter=0.03, hz=0.3, twinkle=twinkle, long=1.6 if kind in ("leaves", "petals") else 1.0)


def stars(seed: int, many: int, aspect: float, bottom: float, grade: Grade) -> Motes:
    """The few that are seen to twinkle."""
    drawn = chance(seed, "twinkling")
    half = aspect / 2 + 0.4
    at = np.column_stack([drawn.uniform(-half, half, many), drawn.uniform(-0.3, 1.0, many) ** 1.0 * bottom])
    size = drawn.uniform(0.0010, 0.0019, many)
    return _motes(at, size, drawn.uniform(0.6, 1.0, many), drawn.uniform(0, 1, many), grade.of((1.0, 1.0, 1.0)), Depth.upright(0.12), np.zeros((many, 2)), (-half, -0.4, half, 1.1), twinkle=0.9, hz=0.45)


def _motes(at: Array, size: Array, strength: Array, phase: Array, yuv: tuple[float, float, float], depth: Depth, speed: Array, box: tuple[float, float, float, float], **more: float) -> Motes:
    given = [np.asarray(one, np.float32) for one in (at, size, strength, phase)]
    return Motes(given[0], given[1], given[2], given[3], yuv, depth, np.asarray(speed, np.float32), box, **more)


def lightning(sheet: Sheet, grade: Grade, _light: Light, seed: int, *, horizon: float) -> Board:
    """Two forked flashes."""
    mask = sheet.mask()
    drawn = chance(seed, "lightning")
    for k in range(2):
        start = np.array([[drawn.uniform(-0.5, 0.5), 0.0]])
        end = np.array([[start[0, 0] + drawn.uniform(-0.2, 0.2), horizon]])
        trunk = jagged(drawn, start, end, 0.24, 5)[0]
        strokes = [(trunk, 0.0034 if k == 0 else 0.0022)]
        for at in (6, 12, 18):
            fork = trunk[at] + (drawn.uniform(-0.22, 0.22), drawn.uniform(0.10, 0.24))
            strokes.append((jagged(drawn, trunk[at : at + 1], fork[None], 0.25, 4)[0], 0.0014))
        for points, wide in strokes:
            cv2.polylines(mask, [sheet.points(points)], False, 255, max(1, round(wide * sheet.dense)), cv2.LINE_AA, 6)
    glow = cv2.GaussianBlur(mask, (0, 0), 0.014 * sheet.dense).astype(np.float32) / np.float32(255)
    sharp = mask.astype(np.float32) / np.float32(255)
    board = Board(sheet, grade, (0.72, 0.76, 1.0))
    board.wash((1.0, 1.0, 1.0), sharp)
    board.cover = np.clip(sharp + 3.2 * glow, 0, 1) * smooth(0.0, 0.04, horizon - sheet.ys + 0 * sharp)
    return board


def fireworks(sheet: Sheet, grade: Grade, _light: Light, seed: int, *, horizon: float) -> Board:
    """Bursts of coloured sparks."""
    hues = ((1.0, 0.45, 0.35), (1.0, 0.85, 0.45), (0.45, 0.85, 1.0), (0.85, 0.55, 1.0), (0.55, 1.0, 0.65))
    drawn = chance(seed, "fireworks")
    picture = np.zeros((sheet.height, sheet.width, 3), np.uint8)
    for k in range(6):
        x, y, size = drawn.uniform(-0.75, 0.75), drawn.uniform(0.10, 0.55) * horizon, drawn.uniform(0.09, 0.17)
        hue = hues[(k + seed) % len(hues)]
        colour = (hue[0] * 255, hue[1] * 255, hue[2] * 255)
        for ring in (1.0, 0.62):
            for turn in np.linspace(0, 2 * np.pi, 30, endpoint=False) + drawn.uniform(0, 1):
                out = size * ring * drawn.uniform(0.85, 1.05)
                a = np.array([(x + out * 0.35 * np.cos(turn), y + out * 0.35 * np.sin(turn)), (x + out * 0.8 * np.cos(turn), y + out * 0.8 * np.sin(turn) + 0.01), (x + out * np.cos(turn), y + out * np.sin(turn) + 0.022)])
                cv2.polylines(picture, [sheet.points(a)], False, colour, max(1, round(0.0017 * sheet.dense)), cv2.LINE_AA, 6)
    glow = cv2.GaussianBlur(picture, (0, 0), 0.008 * sheet.dense).astype(np.float32) / np.float32(255) * np.float32(1.6)
    sharp = picture.astype(np.float32) / np.float32(255)
    board = Board(sheet, grade, (1.0, 1.0, 1.0))
    light = np.clip(glow + sharp, 0, 1)
    board.shade(np.clip(light / (light.max(-1, keepdims=True) + 1e-3), 0, 1), np.ones(light.shape[:2], np.float32))
    board.cover = light.max(-1) * smooth(0.0, 0.06, horizon - sheet.ys + 0 * light[..., 0])
    return board
