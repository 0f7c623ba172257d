"""Towns: skylines by day and by night, their windows and neon, streets, small houses. Knows boxes and light."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from .light import RGB, Light, mixed, rgb, times
from .noise import chance, smooth
from .sheet import Board, Grade, Sheet

if TYPE_CHECKING:
    from numpy import float32, float64, uint8
    from numpy.typing import NDArray

    Array = NDArray[float32]
    Bytes = NDArray[uint8]
    Points = NDArray[float64]

NEON = tuple(map(rgb, ("#ff2d95", "#19e3ff", "#a24bff", "#ffd23f", "#2bff9e", "#ff6a3d")))
WARM = tuple(map(rgb, ("#ffd58a", "#ffe9b8", "#ffc061", "#fff3d6", "#cfe8ff")))


@dataclass(frozen=True, slots=True)
class House:
    """One building: left, right, top and foot; `kind` says how its head looks, `own` is a seed."""

    left: float
    right: float
    top: float
    foot: float
    kind: str
    own: int


def row(seed: int, span: tuple[float, float], *, base: float, high: float, wide: float, futuristic: float) -> list[House]:
    """The buildings of one row from left to right; the middle of the town is highest."""
    out = []
    for cell in range(int(span[0] / wide) - 2, int(span[1] / wide) + 3):
        drawn = chance(seed, f"house {cell}")
        middle = (cell + 0.5) * wide
        crowd = 0.50 + 0.50 * float(np.exp(-((middle / 0.75) ** 2)))
        tall = high * crowd * drawn.uniform(0.32, 1.0) ** (1.0 if drawn.uniform() < 0.75 else 0.5)
        left = cell * wide + wide * drawn.uniform(-0.12, 0.12)
        right = left + wide * drawn.uniform(0.62, 1.12)
        kinds = ("flat", "steps", "mast", "slant", "flat", "steps") if drawn.uniform() > futuristic else ("spire", "curve", "taper", "mast", "fin")
        out.append(House(left, right, base - tall, base + 0.02, str(drawn.choice(kinds)), int(drawn.integers(1 << 30))))
    return out


def shape(house: House) -> list[Points]:
    """Its outlines."""
    left, right, top, foot = house.left, house.right, house.top, house.foot
    wide, tall, middle = right - left, foot - top, (left + right) / 2
    box = np.array([(left, foot), (left, top), (right, top), (right, foot)])
    if house.kind == "steps":
        one, two = np.array([wide * 0.16, tall * 0.10]), np.array([wide * 0.32, tall * 0.18])
        return [np.array([(left, foot), (left, top + two[1]), (left + one[0], top + two[1]), (left + one[0], top + one[1]), (left + two[0], top + one[1]), (left + two[0], top), (right - two[0], top), (right - two[0], top + one[1]), (right - one[0], top + one[1]), (right - one[0], top + two[1]), (right, top + two[1]), (right, foot)])]
    if house.kind == "slant":
        return [np.array([(left, foot), (left, top + wide * 0.4), (right, top), (right, foot)])]
    if house.kind == "mast":
        thin = wide * 0.02 + 0.0008
        mast = np.array([(middle - thin, top), (middle, top - wide * 0.75), (middle + thin, top)])
        hut = np.array([(middle - wide * 0.2, top), (middle - wide * 0.2, top - wide * 0.1), (middle + wide * 0.2, top - wide * 0.1), (middle + wide * 0.2, top)])
        return [box, hut, mast]
    if house.kind == "spire":
        return [np.array([(left, foot), (left, top + tall * 0.22), (left + wide * 0.3, top + tall * 0.10), (middle - wide * 0.03, top - tall * 0.04), (middle, top - tall * 0.16), (middle + wide * 0.03, top - tall * 0.04), (right - wide * 0.3, top + tall * 0.10), (right, top + tall * 0.22), (right, foot)])]
    if house.kind == "taper":
        return [np.array([(left, foot), (left + wide * 0.22, top), (right - wide * 0.22, top), (right, foot)]), np.array([(middle - wide * 0.02, top), (middle, top - tall * 0.12), (middle + wide * 0.02, top)])]
    if house.kind == "curve":
        turn = np.linspace(np.pi, 0, 14)
        arch = np.column_stack([middle + wide / 2 * np.cos(turn), top + wide * 0.6 - wide * 0.6 * np.sin(turn)])
        return [np.concatenate([[(left, foot)], arch, [(right, foot)]])]
    if house.kind == "fin":
        share = np.linspace(0, 1, 10)
        sail = np.column_stack([right - wide * share**2, top + tall * 0.30 * share])
        return [np.concatenate([[(right, foot)], sail, [(left, foot)]])]
    return [box]


def skyline(
    sheet: Sheet, grade: Grade, light: Light, seed: int, *, base: float, high: float, wide: float, far: float, colour: RGB, futuristic: float, neon: float
) -> Board:
    """One row of buildings: a sunny and a shady side each, windows, and what shines at night."""
    houses = row(seed, (sheet.left, sheet.right), base=base, high=high, wide=wide, futuristic=futuristic)
    cover, tone = sheet.mask(), sheet.mask()
    panes, glow = np.zeros((sheet.height, sheet.width, 3), np.uint8), np.zeros((sheet.height, sheet.width, 3), np.uint8)
    dark_panes = sheet.mask()
    order = sorted(houses, key=lambda one: one.own)
    for house in order:
        drawn = np.random.default_rng(house.own)
        outlines = shape(house)
        sheet.fill(cover, outlines)
        base_tone = int(drawn.uniform(60, 150))
        sheet.fill(tone, outlines, base_tone)
        sheet.fill(dark_panes, outlines, 0)
        for outline in outlines:
            cv2.fillPoly(panes, [sheet.points(outline)], (0, 0, 0))
            cv2.fillPoly(glow, [sheet.points(outline)], (0, 0, 0))
        split = house.left + (house.right - house.left) * (0.68 if light.side < 0 else 0.32)
        inner = (split, house.right) if light.side < 0 else (house.left, split)
        shady = np.array([(inner[0], house.foot), (inner[0], house.top), (inner[1], house.top), (inner[1], house.foot)])
        mask = sheet.mask() if False else None
        del mask
        _half(sheet, tone, outlines[0], shady, int(base_tone * 0.45))
        _windows(sheet, panes, dark_panes, house, drawn, light.lamps, neon)
        if neon and drawn.uniform() < 0.55 * neon:
            _neon(sheet, glow, house, drawn, outlines[0])
    board = Board(sheet, grade, light.on(times(colour, 0.7), 0.05, far))
    board.wash(light.on(colour, 0.95, far), tone.astype(np.float32) / np.float32(255))
    day = max(0.0, 1 - 1.4 * light.lamps)
    board.wash(mixed(light.on((0.55, 0.68, 0.80), 0.5, far), light.haze, 0.25), dark_panes.astype(np.float32) / np.float32(255) * np.float32(0.20 + 0.45 * day))
    faded = 1 - 0.65 * light.faded(far)
    lit = panes.max(-1).astype(np.float32) / np.float32(255) * np.float32(faded)
    board.shade(panes.astype(np.float32) / np.float32(255), np.minimum(lit * 1.6, faded))
    shine = cv2.GaussianBlur(cv2.max(panes, glow), (0, 0), sheet.dense * 0.006)
    board.cover = cover.astype(np.float32) / np.float32(255)
    if light.lamps > 0.1:
        halo = shine.astype(np.float32) / np.float32(255)
        board.shade(np.clip(halo * 1.3, 0, 1), np.clip(halo.max(-1) * 0.9, 0, 1) * np.float32(faded))
    tubes = glow.astype(np.float32) / np.float32(255)
    if neon:
        board.shade(np.clip(tubes * 0.7 + 0.3, 0, 1), tubes.max(-1) * np.float32(faded))
    mist = np.clip((sheet.ys - (base - high)) / high, 0, 1) ** 2 * np.float32(0.20 + 0.30 * far + 0.45 * light.fog)
    board.wash(mixed(light.haze, light.glow, 0.12 * light.lamps), mist)
    if neon:
        _beyond(board, glow, faded)
    return board


def _beyond(board: Board, glow: Bytes, faded: float) -> None:
    """Neon's glow reaches past the walls."""
    soft = cv2.GaussianBlur(glow, (0, 0), board.sheet.dense * 0.012).astype(np.float32) / np.float32(255)
    strong = np.clip(soft.max(-1) * 1.6, 0, 0.75) * np.float32(faded)
    hue = soft / (soft.max(-1, keepdims=True) + 1e-3)
    assert board.cover is not None
    outside = strong * (1 - board.cover)
    board.shade(hue, np.maximum(strong * 0.5, (outside > 0.004).astype(np.float32) * (board.cover < 0.5)))
    board.cover = np.maximum(board.cover, outside)


def _half(sheet: Sheet, tone: Bytes, outline: Points, half: Points, value: int) -> None:
    """Darken the part of an outline that lies in a box: clipped in x."""
    low, high = half[:, 0].min(), half[:, 0].max()
    clipped = np.column_stack([np.clip(outline[:, 0], low, high), outline[:, 1]])
    sheet.fill(tone, [clipped], value)


def _windows(sheet: Sheet, panes: Bytes, dark: Bytes, house: House, drawn: np.random.Generator, lamps: float, neon: float) -> None:
    """A grid of them; some are lit, by whole floors or singly."""
    wide, tall = house.right - house.left, house.foot - house.top
    step = max(0.010, wide / drawn.integers(5, 9))
    rise = step * drawn.uniform(1.0, 1.7)
    columns, rows = int(wide * 0.84 / step), int(tall * 0.92 / rise)
    if columns < 1 or rows < 1 or step * sheet.dense < 3:
        return
    left, top = house.left + (wide - columns * step) / 2, house.top + rise * (0.8 if house.kind in ("flat", "mast") else 0.26 * tall / rise)
    bands = drawn.uniform() < 0.3
    share = lamps * drawn.uniform(0.25, 0.75)
    floors = drawn.uniform(size=rows) < share
    each = drawn.uniform(size=(rows, columns)) < share
    hues = WARM if drawn.uniform() > 0.45 * neon else NEON[:2]
    tint = np.array(hues[int(drawn.integers(len(hues)))])
    for i in range(rows):
        y = top + i * rise
        if y > house.foot - 0.02:
            break
        y0, y1 = (y - sheet.top) * sheet.dense, (y + rise * 0.52 - sheet.top) * sheet.dense
        for j in range(columns):
            x = left + j * step
            x0, x1 = (x + step * 0.18 - sheet.left) * sheet.dense, (x + step * (1.0 if bands else 0.80) - sheet.left) * sheet.dense
            if x1 < 0 or x0 > sheet.width:
                continue
            box = slice(max(0, round(y0)), max(0, round(y1))), slice(max(0, round(x0)), max(0, round(x1)))
            if (floors[i] if bands else each[i, j]):
                panes[box] = np.clip(tint * 255 * (0.55 + 0.45 * ((i * 7 + j * 13 + house.own) % 10) / 9), 0, 255)
            else:
                dark[box] = 255


def _neon(sheet: Sheet, glow: Bytes, house: House, drawn: np.random.Generator, outline: Points) -> None:
    """Tubes along an edge, a sign, or bars."""
    hue = np.array(NEON[int(drawn.integers(len(NEON)))]) * 255
    colour = (float(hue[0]), float(hue[1]), float(hue[2]))
    thick = max(1, round(sheet.dense * 0.0028))
    wide, tall = house.right - house.left, house.foot - house.top
    kind = int(drawn.integers(3))

    def stroke(points: Points) -> None:
        cv2.polylines(glow, [sheet.points(points)], False, colour, thick, cv2.LINE_AA, 6)

    if kind == 0:
        stroke(outline[1:-1] if len(outline) > 3 else outline)
    elif kind == 1:
        x, y0, y1 = house.left + wide * drawn.uniform(0.1, 0.8), house.top + tall * 0.2, house.top + tall * drawn.uniform(0.4, 0.7)
        size = wide * 0.14
        stroke(np.array([(x, y0), (x + size, y0), (x + size, y1), (x, y1), (x, y0)]))
        for k in np.linspace(y0 + size * 0.6, y1 - size * 0.6, max(2, int((y1 - y0) / size))):
            stroke(np.array([(x + size * 0.25, k), (x + size * 0.75, k)]))
    else:
        for k in range(int(drawn.integers(2, 5))):
            y = house.top + tall * (0.12 + 0.1 * k)
            stroke(np.array([(house.left + wide * 0.12, y), (house.right - wide * 0.12, y)]))


def flickers(seed: int, span: tuple[float, float], *, base: float, high: float, wide: float, futuristic: float, many: int) -> Points:
    """Places on a row's walls where a window goes on and off: (n, 2)."""
    drawn, out = chance(seed, "flickers"), []
    houses = [one for one in row(seed, span, base=base, high=high, wide=wide, futuristic=futuristic) if one.foot - one.top > 0.08]
    for _ in range(many if houses else 0):
        house = houses[int(drawn.integers(len(houses)))]
        out.append((drawn.uniform(house.left * 0.8 + house.right * 0.2, house.left * 0.2 + house.right * 0.8), drawn.uniform(house.top * 0.7 + house.foot * 0.3, house.foot - 0.03)))
    return np.array(out).reshape(-1, 2)


def town(sheet: Sheet, grade: Grade, light: Light, seed: int, *, base: float, high: float, far: float, wall: RGB, roof: RGB) -> Board:
    """Small houses with pitched roofs, side by side and up a slope."""
    cover, tone, roofs, lamps = sheet.mask(), sheet.mask(), sheet.mask(), sheet.mask()
    for level in range(3):
        gap = high * 0.42
        y = base - high * 0.22 * (2 - level)
        for cell in range(int(sheet.left / gap) - 2, int(sheet.right / gap) + 3):
            own = chance(seed, f"cottage {level} {cell}")
            if own.uniform() < 0.22 + 0.1 * (2 - level):
                continue
            wide, tall = gap * own.uniform(0.62, 0.95), high * own.uniform(0.22, 0.40)
            left = (cell + own.uniform(-0.2, 0.2)) * gap
            top, right = y - tall, left + wide
            ridge = top - wide * own.uniform(0.34, 0.55)
            body = np.array([(left, y + 0.03), (left, top), (right, top), (right, y + 0.03)])
            slope = np.array([(left - wide * 0.07, top + 0.002), (left + wide * 0.5, ridge), (right + wide * 0.07, top + 0.002)])
            chimney = np.array([(left + wide * 0.7, ridge + wide * 0.05), (left + wide * 0.7, ridge - wide * 0.02), (left + wide * 0.8, ridge - wide * 0.02), (left + wide * 0.8, top)])
            shade_x = left + wide * (0.62 if light.side < 0 else 0.38)
            sheet.fill(cover, [body, chimney, slope])
            for mask in (roofs, lamps):
                sheet.fill(mask, [body], 0)
            sheet.fill(tone, [body], int(own.uniform(150, 230)))
            half = np.array([(shade_x, y + 0.03), (shade_x, top), (right if light.side < 0 else left, top), (right if light.side < 0 else left, y + 0.03)])
            sheet.fill(tone, [half], int(own.uniform(50, 90)))
            sheet.fill(roofs, [chimney, slope])
            sheet.fill(tone, [chimney, slope], int(own.uniform(90, 170)))
            for k in range(2):
                x = left + wide * (0.2 + 0.42 * k)
                pane = np.array([(x, top + tall * 0.55), (x, top + tall * 0.2), (x + wide * 0.18, top + tall * 0.2), (x + wide * 0.18, top + tall * 0.55)])
                lit = own.uniform() < light.lamps
                sheet.fill(lamps, [pane], 255 if lit else 0)
                sheet.fill(tone, [pane], 20)
    share = tone.astype(np.float32) / np.float32(255)
    board = Board(sheet, grade, light.on(wall, 0.0, far))
    board.wash(light.on(wall, 1.0, far), share)
    tiles = roofs.astype(np.float32) / np.float32(255)
    board.wash(light.on(roof, 0.1, far), tiles)
    board.wash(light.on(roof, 1.0, far), tiles * share)
    warm = cv2.GaussianBlur(lamps, (0, 0), sheet.dense * 0.004).astype(np.float32) / np.float32(255)
    board.wash((1.0, 0.78, 0.42), np.clip(warm * 0.8, 0, 1))
    board.wash((1.0, 0.88, 0.58), lamps.astype(np.float32) / np.float32(255))
    board.wash(light.haze, smooth(base - high, base, sheet.ys) * np.float32(0.15 + 0.25 * far + 0.4 * light.fog))
    board.cover = cover.astype(np.float32) / np.float32(255)
    return board


def street(sheet: Sheet, grade: Grade, light: Light, seed: int, *, horizon: float, colour: RGB) -> Board:
    """Asphalt with a kerb and lane marks, running past us."""
    ys = sheet.ys
    board = Board(sheet, grade, light.on(times(colour, 1.25), 0.7, 0.1))
    tall = 1 - horizon
    lane = horizon + 0.24 * tall
    flat = np.ones((1, sheet.width), np.float32)
    board.wash(light.on(colour, 0.6, 0.15), smooth(lane - 0.002, lane + 0.002, ys) * flat)
    board.wash(light.on(times(colour, 0.62), 0.4, 0.0), smooth(lane, 1.05, ys) * flat * np.float32(0.8))
    board.wash(light.on(times(colour, 0.5), 0.2, 0.1), np.exp(-(((ys - lane) / 0.004) ** 2)) * flat)
    middle = horizon + 0.58 * tall
    dashes = smooth(0.05, 0.12, np.sin((sheet.xs - (sheet.ys - middle) * 0.8) * np.float32(14)))
    board.wash(light.on((0.95, 0.93, 0.86), 0.9, 0.0), np.exp(-(((ys - middle) / 0.006) ** 4)) * dashes * np.float32(0.8))
    from .noise import field

    grain = field(seed, "asphalt", 5, 0.7).at(sheet.xs * 2.0, ys * 7.0)
    board.wash(light.on(times(colour, 0.45), 0.2, 0.0), np.clip(grain * 0.4, 0, 0.3))
    board.wash(mixed(light.haze, light.glow, 0.2), np.exp(-np.maximum(ys - horizon, 0) / 0.04) * flat * np.float32(0.35))
    board.cover = sheet.below(np.full((1, sheet.width), horizon, np.float32))
    return board
