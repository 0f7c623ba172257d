"""Figures on their sheet: people, animals, things, in the scene's light. Knows strokes and colours, not names."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from .light import RGB, Light, mixed, rgb, times
from .noise import Array
from .pen import Stroke
from .sheet import Board, Grade, Sheet

FIXED: dict[str, RGB] = {
    name: rgb(text)
    for name, text in {
        "skin": "#d9a27c", "white": "#f4f2ec", "black": "#1b1b22", "metal": "#9aa6b4", "wood": "#86603f", "stone": "#9b958b", "glass": "#a9cfe0", "lamp": "#ffe2a0",
        "fire": "#ff9a3c", "gold": "#e3b448", "red": "#c8443c", "leaf": "#5d8f48", "blue": "#3f6fb0", "cloth": "#5a5f7d", "roof": "#9c4a38",
    }.items()
}  # fmt: skip
GLOWING = frozenset(("lamp", "fire"))


def tone(name: str, own: RGB) -> RGB:
    """A tone's colour; `own` is the figure's."""
    if name == "body":
        return own
    if name == "dark":
        return times(own, 0.58)
    if name == "pale":
        return mixed(own, (1.0, 1.0, 1.0), 0.45)
    return FIXED[name]


def placed(outline: Array, x: float, y: float, tall: float, facing: float) -> Array:
    """From a figure's own units to the world's."""
    return np.asarray(outline * (tall * facing, -tall) + (x, y))


def extent(strokes: Sequence[Stroke], lively: float) -> tuple[float, float, float, float]:
    """(left, bottom, right, top) of a figure in its own units, in whatever pose."""
    every = np.concatenate([one for stroke in strokes for share in (0.0, 0.25, 0.5, 0.75) for one in stroke.at(share, lively)])
    return float(every[:, 0].min()), float(every[:, 1].min()), float(every[:, 0].max()), float(every[:, 1].max())


def figure(
    sheet: Sheet, grade: Grade, light: Light, _seed: int, *, strokes: Sequence[Stroke], x: float, y: float, tall: float, facing: float, colour: RGB, far: float, backlit: float, pose: float, lively: float, upside: bool = False
) -> Board:
    """One figure whose foot is at (x, y). `backlit` 0..1: how much of a silhouette it is; `pose` 0..1 of its round;
    `upside`: faintly, as water shows it."""
    if upside:
        tall, facing = -0.85 * tall, -facing
    cover, bright = sheet.mask(), sheet.mask()
    board = Board(sheet, grade, light.on(colour, 0.4, far))
    lit = 0.80 * (1 - 0.8 * backlit)
    mask = sheet.mask()
    for stroke in strokes:
        outlines = [placed(one, x, y, tall, facing) for one in stroke.at(pose, lively)]
        rows, columns = _box(sheet, outlines)
        sheet.fill(mask, outlines)
        sheet.fill(cover, outlines)
        own = tone(stroke.tone, colour)
        if stroke.tone in GLOWING:
            sheet.fill(bright, outlines)
            shown = mixed(mixed(light.on(own, 0.8, far), own, 0.25 + 0.75 * light.lamps), own, 1.0 if stroke.tone == "fire" else 0.0)
        else:
            sheet.fill(bright, outlines, 0)
            seen = light.on(own, lit, far)
            shown = mixed(seen, light.on(times(own, 0.22), 0.0, far), backlit)
        board.wash(shown, mask[rows, columns], rows, columns)
        mask[rows, columns] = 0
    whole = cover.astype(np.float32) / np.float32(255)
    glowing = bright.astype(np.float32) / np.float32(255)
    _model(board, light, whole * (1 - glowing), abs(tall), far, backlit)
    if bright.any():
        size = abs(tall) * sheet.dense
        halo = cv2.GaussianBlur(bright, (0, 0), max(0.8, 0.06 * size)).astype(np.float32) / np.float32(255)
        strong = np.clip(halo * 1.3, 0, 0.8) * np.float32(0.25 + 0.75 * light.lamps)
        board.wash((1.0, 0.82, 0.50), np.maximum(strong * (1 - glowing), (whole < 0.02).astype(np.float32) * (strong > 0.004)))
        whole = np.maximum(whole, strong)
    board.cover = whole * np.float32(0.42) if upside else whole
    return board


def _box(sheet: Sheet, outlines: Sequence[Array]) -> tuple[slice, slice]:
    """The rows and columns that outlines can touch."""
    every = (np.concatenate(outlines) - (sheet.left, sheet.top)) * sheet.dense
    low, high = np.floor(every.min(0)) - 2, np.ceil(every.max(0)) + 3
    return slice(max(0, int(low[1])), max(0, int(high[1]))), slice(max(0, int(low[0])), max(0, int(high[0])))


def _model(board: Board, light: Light, cover: Array, tall: float, far: float, backlit: float) -> None:
    """Light from above and from the sun's side, and a bright edge against it."""
    sheet = board.sheet
    reach = max(1.0, 0.045 * tall * sheet.dense)
    moved = np.array([[1, 0, -reach * light.side], [0, 1, reach * 0.7]])
    shade = cv2.warpAffine(cover, moved, (sheet.width, sheet.height))
    soft = cv2.GaussianBlur(np.clip(cover - shade, 0, 1), (0, 0), reach * 0.45)
    board.wash(mixed(light.on((1.0, 1.0, 1.0), 0.9, far), light.glow, 0.5), soft * cover * np.float32(0.24 * (1 - 0.4 * backlit)))
    other = cv2.warpAffine(cover, np.array([[1, 0, reach * light.side * 1.4], [0, 1, -reach]]), (sheet.width, sheet.height))
    dark = cv2.GaussianBlur(np.clip(cover - other, 0, 1), (0, 0), reach * 0.7)
    board.wash(light.on((0.12, 0.12, 0.16), 0.2, far), dark * cover * np.float32(0.26))
    thin = max(0.7, 0.010 * tall * sheet.dense)
    edge = cv2.warpAffine(cover, np.array([[1, 0, -thin * light.side], [0, 1, thin * 0.8]]), (sheet.width, sheet.height))
    board.wash(mixed(light.glow, light.on((1.0, 1.0, 1.0), 1.0, far), 0.4), np.clip(cover - edge, 0, 1) * np.float32(0.30 + 0.45 * backlit) * np.float32(1 - light.faded(far)))


def shadow(sheet: Sheet, grade: Grade, light: Light, _seed: int, *, x: float, y: float, wide: float, strong: float) -> Board:
    """Where it stands on the ground."""
    slide = -0.35 * wide * light.side
    away = ((sheet.xs - x - slide * 0.6) / (wide * 0.62)) ** 2 + ((sheet.ys - y) / (wide * 0.10)) ** 2
    board = Board(sheet, grade, times(light.ambient, 0.18))
    board.cover = (np.exp(-(away**1.2)) * strong).astype(np.float32)
    return board


def halo(sheet: Sheet, grade: Grade, light: Light, _seed: int, *, x: float, y: float, reach: float) -> Board:
    """Warm light around a point; the darker it is, the more of it."""
    away = ((sheet.xs - x) ** 2 + (sheet.ys - y) ** 2) / np.float32(reach * reach)
    board = Board(sheet, grade, (1.0, 0.62, 0.28))
    board.cover = np.exp(-1.6 * away) * np.float32(0.10 + 0.34 * light.lamps)
    return board
