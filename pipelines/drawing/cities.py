"""Towns: skylines by day and by night, their windows and neon, streets, small houses. Knows boxes and light."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .light import RGB, Light, mixed, rgb, times
from .noise import Array, Bytes, chance, smooth
from .sheet import SHIFT, Board, Grade, Sheet

NEON = tuple(map(rgb, ("#ff2d95", "#19e3ff", "#a24bff", "#ffd23f", "#2bff9e", "#ff6a3d")))
STONES = tuple(map(rgb, ("#b5714f", "#d8c09a", "#8fa0b4", "#c9b8a8", "#7f8fa0", "#a89a84", "#d9d2c6")))
WARM = tuple(map(rgb, ("#ffd58a", "#ffe9b8", "#ffc061", "#fff3d6", "#cfe8ff")))
PANES = tuple(times(hue, 0.55 + 0.05 * k) for hue in (*WARM, *NEON[:2]) for k in range(10))  # lit windows


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


def shape(house: House) -> list[Array]:
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
    houses = sorted(row(seed, (sheet.left, sheet.right), base=base, high=high, wide=wide, futuristic=futuristic), key=lambda one: one.own)
    cover, tone, panes, hues, tubes, stones = (sheet.mask() for _ in range(6))
    for house in houses:
        drawn = np.random.default_rng(house.own)
        outlines = shape(house)
        sheet.fill(cover, outlines)
        for mask in (panes, tubes) if neon else (panes,):
            sheet.fill(mask, outlines, 0)
        own = drawn.uniform(60, 150)
        sheet.fill(tone, outlines, int(own))
        sheet.fill(stones, outlines, 1 + house.own % len(STONES))
        split = house.left + (house.right - house.left) * (0.68 if light.side < 0 else 0.32)
        low, high_x = (split, house.right) if light.side < 0 else (house.left, split)
        sheet.fill(tone, [np.column_stack([np.clip(outlines[0][:, 0], low, high_x), outlines[0][:, 1]])], int(own * 0.45))
        _windows(sheet, panes, house, drawn, light.lamps, neon)
        if neon and drawn.uniform() < 0.55 * neon:
            _neon(sheet, tubes, hues, int(drawn.integers(len(NEON))), house, drawn, outlines[0])
    board = Board(sheet, grade, light.on(times(colour, 0.7), 0.05, far))
    board.wash(light.on(colour, 0.95, far), tone)
    plain = np.full(len(STONES) + 1, 0.60 * (1 - 0.8 * futuristic) * (1 - 0.6 * far), np.float32)
    plain[0] = 0.0
    board.stain([colour, *(light.on(stone, 0.55, far) for stone in STONES)], plain, stones, tone)
    faded = 1 - 0.65 * light.faded(far)
    dull = mixed(light.on((0.55, 0.68, 0.80), 0.5, far), light.haze, 0.25)
    strong = np.full(len(PANES) + 2, faded, np.float32)
    strong[:2] = 0.0, 0.20 + 0.45 * max(0.0, 1 - 1.4 * light.lamps)
    board.stain([(0.0, 0.0, 0.0), dull, *PANES], strong, panes)
    board.cover = cover.astype(np.float32) / np.float32(255)
    if light.lamps > 0.1:
        lit = np.where(panes > 1, np.uint8(255), np.uint8(0))
        board.wash(WARM[0], np.minimum(sheet.blurred(lit, 0.006), 0.8) * np.float32(0.55 * faded))
    mist = np.clip((sheet.ys - (base - high)) / np.float32(high), 0, 1) ** 2 * np.float32(0.20 + 0.30 * far + 0.45 * light.fog)
    board.wash(mixed(light.haze, light.glow, 0.12 * light.lamps), mist)
    if neon and tubes.any():
        _shine(board, tubes, hues, faded)
    return board


def _shine(board: Board, tubes: Bytes, hues: Bytes, faded: float) -> None:
    """Neon tubes, white-hot within; their glow reaches past the walls."""
    assert board.cover is not None
    sheet = board.sheet
    few = sheet.coarse(4)
    pad = (few.height * 4 - sheet.height, few.width * 4 - sheet.width)
    weight, sums = np.zeros((few.height, few.width), np.float32), [np.zeros((few.height, few.width), np.float32) for _ in range(3)]
    for k, hue in enumerate(NEON):
        own = cv2.copyMakeBorder(cv2.bitwise_and(tubes, np.where(hues == k + 1, np.uint8(255), np.uint8(0))), 0, pad[0], 0, pad[1], cv2.BORDER_CONSTANT)
        soft = cv2.GaussianBlur(cv2.resize(own, (few.width, few.height), interpolation=cv2.INTER_AREA).astype(np.float32), (0, 0), 0.014 * few.dense)
        weight += soft
        for total, value in zip(sums, board.grade.of(hue), strict=True):
            total += soft * np.float32(value)
    share = sheet.fine(np.clip(weight * np.float32(2.4 * faded / 255), 0, 0.8))
    wall = np.where(board.cover > 0.5, share * np.float32(0.6), (share > 0.004).astype(np.float32))
    for plane, total in zip(board.planes, sums, strict=True):
        plane += (sheet.fine(total / (weight + np.float32(1e-3))) - plane) * wall
    strong = np.full(len(NEON) + 1, faded, np.float32)
    strong[0] = 0.0
    board.stain([(0.0, 0.0, 0.0), *(mixed(hue, (1.0, 1.0, 1.0), 0.35) for hue in NEON)], strong, hues, tubes)
    board.cover = np.maximum(board.cover, share * np.float32(0.7))


def _windows(sheet: Sheet, panes: Bytes, house: House, drawn: np.random.Generator, lamps: float, neon: float) -> None:
    """A grid of them, as numbers: 1 is a dark one, 2 and more are of PANES. Some are lit, by whole floors or singly."""
    wide, tall = house.right - house.left, house.foot - house.top
    step = max(0.010, wide / drawn.integers(5, 9))
    rise = step * drawn.uniform(1.0, 1.7)
    columns, rows = int(wide * 0.84 / step), int(tall * 0.92 / rise)
    if columns < 1 or rows < 1 or step * sheet.dense < 3 or house.right < sheet.left or house.left > sheet.right:
        return
    left, top = house.left + (wide - columns * step) / 2, house.top + rise * (0.8 if house.kind in ("flat", "mast") else 0.26 * tall / rise)
    bands = drawn.uniform() < 0.3
    share = lamps * drawn.uniform(0.25, 0.75)
    floors, each = drawn.uniform(size=rows) < share, drawn.uniform(size=(rows, columns)) < share
    first = 2 + 10 * (int(drawn.integers(len(WARM))) if drawn.uniform() > 0.45 * neon else len(WARM) + int(drawn.integers(2)))
    across = []
    for j in range(columns):
        a, b = left + j * step + step * 0.18, left + j * step + step * (1.0 if bands else 0.80)
        across.append(slice(max(0, round((a - sheet.left) * sheet.dense)), max(0, round((b - sheet.left) * sheet.dense))))
    for i in range(rows):
        y = top + i * rise
        if y > house.foot - 0.02:
            break
        down = slice(max(0, round((y - sheet.top) * sheet.dense)), max(0, round((y + rise * 0.52 - sheet.top) * sheet.dense)))
        for j, columns_now in enumerate(across):
            lit = floors[i] if bands else each[i, j]
            panes[down, columns_now] = first + (i * 7 + j * 13 + house.own) % 10 if lit else 1


def _neon(sheet: Sheet, tubes: Bytes, hues: Bytes, hue: int, house: House, drawn: np.random.Generator, outline: Array) -> None:
    """Tubes along an edge, a sign, or bars."""
    thick = max(1, round(sheet.dense * 0.0028))
    wide, tall = house.right - house.left, house.foot - house.top
    kind = int(drawn.integers(3))

    def stroke(points: Array) -> None:
        cv2.polylines(tubes, [sheet.points(points)], False, 255, thick, cv2.LINE_AA, SHIFT)
        cv2.polylines(hues, [sheet.points(points)], False, hue + 1, thick + 2, cv2.LINE_8, SHIFT)

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


def flickers(seed: int, span: tuple[float, float], *, base: float, high: float, wide: float, futuristic: float, many: int) -> Array:
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
