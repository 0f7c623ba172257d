"""The land of a scene, as parts from the horizon to our feet. Decides what stands where; other modules draw it."""

from __future__ import annotations

import numpy as np

from . import actors, cities, fronts, hills, peaks, spaces, trees, waters
from .depth import HORIZON, Depth, Motion
from .light import RGB, mixed, rgb, times
from .motes import Motes
from .parts import Draw, Item, Part, Set
from .sheet import Board, Sheet
from .sky_stage import band

GROUNDS = {"sand": "#e8bd7c", "street": "#5c606b", "rock": "#8d857c", "moon": "#a5a29d", "mars": "#b9653e", "ice": "#d6e8f2", "snow": "#eef3fa", "clouds": "#f2f0ee"}
WATERS = {"sea": "#1f6480", "lake": "#23566c", "river": "#3a6f86", "swamp": "#6a7a52"}
ROCK, SNOWY = rgb("#6a6f8a"), rgb("#eef3fa")
BACK = ("volcano", "mountains", "ice", "mesas", "dunes", "hills", "cliffs", "island", "skyline", "town", "palms", "woods", "pines", "bare")


def items(place: Set) -> list[Item]:
    """From the far land to what frames the picture."""
    out = land(place)
    out += [one for kind in place.scene.near if kind == "trunks" for one in _trunks(place, (0, 1))]
    out += actors.standing(place)
    plain = place.scene.plane == "grass" and not place.scene.near
    for kind in ("grass",) if plain else place.scene.near:
        out += _near(place, kind)
    out += actors.airborne(place)
    if "smoke" in place.scene.things:
        out.append(band(place, place.horizon - 0.12, 0.16, 0.6, 0.8, 0.03))
    return out


def land(place: Set) -> list[Item]:
    """The land alone, down to the ground, with its mist."""
    out: list[Item] = []
    for kind in sorted(place.scene.far, key=BACK.index):
        out += _far(place, kind)
    fog = place.light.fog
    if fog > 0.05:
        out.append(band(place, place.horizon - 0.01, 0.05 + 0.08 * fog, 0.55 + 0.4 * fog, 0.9, 0.010))
    out += _plane(place)
    if fog > 0.05:
        out.append(band(place, place.horizon + 0.06, 0.04 + 0.08 * fog, 0.5 + 0.4 * fog, 0.6, -0.014))
    return out


def colour(place: Set) -> RGB:
    """Of the ground."""
    scene = place.scene
    if scene.ground:
        return rgb(scene.ground)
    own = place.lawn if scene.plane in ("grass", "", "river", "lake", "sea", "road") else mixed(place.lawn, rgb("#cda648"), 0.75) if scene.plane == "crops" else rgb(GROUNDS.get(scene.plane, "#7cab52"))
    return mixed(own, SNOWY, scene.season.white * 0.8) if scene.plane in ("crops", "rock", "road", "street", "sand") else own


def _far(place: Set, kind: str) -> list[Item]:
    scene, horizon = place.scene, place.horizon
    low = horizon + 0.10

    def part(draw: Draw, moves: float, top: float) -> Part:
        return Part(draw, Depth.upright(moves), top=top, bottom=low)

    if kind in ("mountains", "ice"):
        ice = kind == "ice"
        snow = 0.9 if ice else min(1.0, 0.36 + 0.6 * scene.season.white)
        rock = rgb("#8fb4cc") if ice else mixed(ROCK, rgb(scene.rock), 0.6) if scene.rock else ROCK
        back = part(place.draw(peaks.mountains, base=horizon + 0.02, high=0.36, wide=0.72, far=0.80, colour=rock, snow=snow, steep=1.15 if ice else 1.0), 0.22, horizon - 0.42)
        front = part(place.draw(peaks.mountains, 1, base=horizon + 0.03, high=0.19, wide=0.50, far=0.46, colour=times(rock, 0.9), snow=snow * 0.55, steep=1.2 if ice else 1.0), 0.27, horizon - 0.22)
        return [back, front]
    if kind == "volcano":
        cone = part(place.draw(peaks.volcano, base=horizon + 0.02, high=0.40, far=0.42), 0.24, horizon - 0.98)
        ridge = part(place.draw(peaks.mountains, 1, base=horizon + 0.02, high=0.10, wide=0.4, far=0.5, colour=rgb("#5a4a50")), 0.27, horizon - 0.12)
        return [cone, ridge]
    if kind == "mesas":
        own = rgb(scene.ground) if scene.ground else rgb("#b0633f")
        return [
            part(place.draw(hills.mesas, base=horizon + 0.01, high=0.32, wide=0.75, far=0.58, colour=own), 0.22, horizon - 0.40),
            part(place.draw(hills.mesas, 5, base=horizon + 0.02, high=0.20, wide=1.0, far=0.28, colour=times(own, 0.95)), 0.28, horizon - 0.25),
        ]
    if kind == "dunes":
        sand = colour(place) if scene.plane == "sand" else rgb(GROUNDS["sand"])
        return [part(place.draw(hills.dunes, base=horizon + 0.05, high=0.13, wide=0.75, far=0.6, colour=sand), 0.28, horizon - 0.14)]
    if kind == "hills":
        rows = ((0.15, 0.62, 0.78, 0.24), (0.10, 0.42, 0.55, 0.28))
        return [part(place.draw(hills.hills, k, base=horizon + 0.015 * k + 0.01, high=row[0], wide=row[1], far=row[2], colour=place.lawn), row[3], horizon - row[0] - 0.03) for k, row in enumerate(rows)]
    if kind == "cliffs":
        return [part(place.draw(hills.cliffs, base=horizon + 0.03, high=0.28, far=0.35, colour=rgb("#a29786"), top=place.lawn), 0.34, horizon - 0.36)]
    if kind == "island":
        return [part(place.draw(hills.island, base=horizon + 0.02, high=0.15, far=0.4, colour=place.leaf), 0.31, horizon - 0.24)]
    if kind == "skyline":
        return _skyline(place)
    if kind == "town":
        return [part(place.draw(cities.town, base=horizon + 0.03, high=0.23, far=0.30, wall=mixed(rgb("#e8dcc4"), SNOWY, scene.season.white * 0.5), roof=rgb("#b0553f") if scene.season.white < 0.5 else rgb("#dfe6ee")), 0.32, horizon - 0.33)]
    if kind == "pines" and scene.season.leaf not in ("#5b8f4a", "#4f8f3f") and not scene.season.white:
        kind = "woods"  # needles do not turn
    tree = {"pines": "pine", "palms": "palm", "bare": "bare"}.get(kind, "bare" if scene.season.bare else "broad")
    own = mixed(rgb("#3f6e54"), SNOWY, 0.45 * scene.season.white) if tree == "pine" else rgb("#6b5a4a") if tree == "bare" else place.leaf
    tall, many = {"pine": (0.085, 1.0), "palm": (0.11, 0.7), "bare": (0.15, 0.5)}.get(tree, (0.075, 0.8))
    return [part(place.draw(trees.tree_line, 2, kind=tree, base=horizon + 0.022, high=0.035, wide=0.8, tall=tall, far=0.46, colour=own, many=many, floor=place.lawn), 0.31, horizon - 0.04 - tall)]


def _skyline(place: Set) -> list[Item]:
    scene, light, grade, seed, horizon = place.scene, place.light, place.grade, place.seed, place.horizon
    stone = mixed(rgb("#9aa0aa"), rgb("#6a70a0"), scene.town.futuristic * 0.8)
    grand = 1.0 if scene.plane == "street" else 0.42
    out: list[Item] = []
    for k, (far, high, wide, moves) in enumerate(((0.92, 0.50, 0.075, 0.24), (0.55, 0.58, 0.105, 0.34), (0.16, 0.66, 0.17, 0.50))):
        if k == 2 and grand < 1:
            continue
        base, tall = horizon + 0.012 * k + 0.02, high * grand * (1 + 0.12 * scene.town.futuristic)
        size = wide * (0.6 + 0.4 * grand)
        out.append(Part(place.draw(cities.skyline, 11 * k, base=base, high=tall, wide=size, far=far, colour=stone, futuristic=scene.town.futuristic, neon=scene.town.neon), Depth.upright(moves), top=base - tall * 1.3, bottom=base + 0.08))
        if light.lamps > 0.3 and k:
            at = cities.flickers(seed + 11 * k, (-place.aspect / 2, place.aspect / 2), base=base, high=tall, wide=size, futuristic=scene.town.futuristic, many=16)
            if len(at):
                spread = np.linspace(0, 1, len(at), dtype=np.float32)
                out.append(Motes(at.astype(np.float32), np.full(len(at), 0.0042, np.float32), np.full(len(at), 0.9, np.float32), spread, grade.of((1.0, 0.86, 0.56)), Depth.upright(moves), np.zeros((len(at), 2), np.float32), (-9.0, -9.0, 9.0, 9.0), twinkle=1.0, hz=0.22))
        if k and (light.fog > 0.05 or light.lamps > 0.5):
            out.append(band(place, base - 0.03, 0.10, 0.35 + 0.5 * light.fog, 1 - 0.3 * k, 0.006))
    return out


def _plane(place: Set) -> list[Item]:
    scene, light, grade, seed, horizon = place.scene, place.light, place.grade, place.seed, place.horizon
    kind, own, depth, top = scene.plane or "grass", colour(place), place.ground(), horizon - 0.06
    if kind == "sea":
        return _sea(place)
    if kind in ("lake", "swamp"):
        return _lake(place, mixed(rgb(WATERS[kind]), rgb(scene.ground), 0.55) if scene.ground else rgb(WATERS[kind]), 0.85 if kind == "lake" else 0.5)
    if kind == "ice":
        return [Part(place.draw(waters.surface, horizon=horizon, colour=rgb(GROUNDS["ice"]), clear=0.40), Depth.upright(HORIZON), top=horizon - 0.01, mirrors=horizon)]
    if kind == "clouds":
        return [Part(place.draw(hills.cloud_bank, k, y=horizon + 0.11 * k, far=0.9 - 0.3 * k), place.standing(horizon + 0.02 + 0.11 * k), Motion(drift=(0.006 * (k + 1) * (1 if k % 2 else -1), 0)), top=horizon - 0.09 + 0.11 * k) for k in range(4)]
    if kind in ("moon", "mars"):
        return [Part(place.draw(spaces.moonscape, y=horizon + 0.03, colour=own), depth, top=horizon - 0.08)]
    if kind == "street":
        wet = max(scene.air.rain, 0.75 * scene.town.neon)
        if wet > 0.3:
            street = Part(place.draw(waters.surface, horizon=horizon + 0.02, colour=rgb("#3a3d4c"), clear=0.6), Depth.upright(HORIZON + 0.2), Motion(ripple=0.003), top=horizon - 0.01, mirrors=horizon + 0.02)
        else:
            street = Part(place.draw(cities.street, horizon=horizon, colour=own), depth, top=top)
        park: list[Item] = []
        if scene.town.futuristic < 0.5 and not scene.town.neon:
            leafy = mixed(place.leaf, SNOWY, 0.4 * scene.season.white)
            park = [Part(place.draw(trees.tree_line, 5, kind="bare" if scene.season.bare else "broad", base=horizon + 0.025, high=0.0, wide=0.8, tall=0.085, far=0.12, colour=leafy, many=0.55, floor=own), Depth.upright(0.52), top=horizon - 0.10, bottom=horizon + 0.06)]
        return [*park, street, *_traffic(place)]

    def draw(sheet: Sheet) -> Board:
        board = hills.ground(sheet, grade, light, seed, horizon=horizon, near=own, rows=0.55 if kind == "crops" else 0.0, texture=0.45 if kind in ("snow", "sand") else 1.0, bumps=0.012)
        if kind in ("river", "road"):
            waters.river(board, light, seed, horizon=horizon, colour=rgb(WATERS["river"]) if kind == "river" else rgb("#4a4b52"), road=kind == "road")
        return board

    out: list[Item] = [Part(draw, depth, top=top)]
    if kind in ("sand",):
        out.append(Part(place.draw(hills.dunes, 7, base=0.99, high=0.20, wide=1.1, far=0.06, colour=own), place.standing(0.93), top=0.70))
    elif kind in ("grass", "snow") and "trunks" not in scene.near and "town" not in scene.far:
        grove = "bare" if scene.season.bare else "pine" if kind == "snow" or seed % 2 else "broad"
        leafy = mixed(rgb("#3f6e54") if grove == "pine" else place.leaf, SNOWY, 0.4 * scene.season.white)
        for k, (down, high, far) in enumerate(((0.10, 0.085, 0.40), (0.215, 0.10, 0.16))):
            y = horizon + down
            if k == 0:
                out.append(Part(place.draw(trees.tree_line, 21, kind=grove, base=y, high=high, wide=0.7, tall=0.075, far=far, colour=leafy, many=0.16, floor=own), place.standing(y), top=y - high - 0.09, bottom=y + 0.14))
            else:
                out.append(Part(place.draw(hills.hills, 3, base=y, high=high, wide=1.0, far=far, colour=own), place.standing(y), top=y - high - 0.01))
    return out


def _lake(place: Set, own: RGB, clear: float) -> list[Item]:
    light, horizon, scene = place.light, place.horizon, place.scene
    still = scene.air.wind < 0.5
    water = Part(place.draw(waters.surface, horizon=horizon, colour=own, clear=clear if still else clear * 0.7), Depth.upright(HORIZON), Motion(ripple=0.0055 if still else 0.011), top=horizon - 0.01, mirrors=horizon)
    bank = Part(place.draw(waters.shore, y=0.945, colour=times(place.lawn, 0.8), foam=False, slant=0.035 * light.side), place.standing(0.96), top=0.80)
    return [water, *_glints(place, 64), *([bank] if "cave" not in scene.near else [])]


def _glints(place: Set, many: int) -> list[Item]:
    light = place.light
    at, size, strength, phase = waters.glints(place.seed, light, place.horizon, many)
    if not light.disc and light.lamps < 0.3:
        strength = strength * np.float32(0.5)
    return [Motes(at, size, strength, phase, place.grade.of(mixed(light.glow, (1.0, 1.0, 1.0), 0.35)), place.ground(), np.zeros((len(at), 2), np.float32), (-9.0, -9.0, 9.0, 9.0), twinkle=1.0, hz=0.55, long=4.0)]


def _sea(place: Set) -> list[Item]:
    light, seed, horizon, scene = place.light, place.seed, place.horizon, place.scene
    own = mixed(rgb(WATERS["sea"]), rgb(scene.ground), 0.55) if scene.ground else rgb(WATERS["sea"])
    beach = "shore" in scene.near
    rough = 0.6 + 1.3 * scene.air.wind
    out: list[Item] = [Part(place.draw(waters.surface, horizon=horizon, colour=own, clear=0.42), Depth.upright(HORIZON), Motion(ripple=0.004), top=horizon - 0.01, mirrors=horizon)]
    out += _glints(place, 72)
    rows = (0.10, 0.18, 0.27) if beach else (0.12, 0.21, 0.31, 0.42)
    for k, down in enumerate(rows):
        y = horizon + down
        near = down / 0.44
        high = (0.010 + 0.036 * near) * rough
        way = 1 if (k + seed) % 2 else -1
        out.append(Part(place.draw(waters.wave, 30 + k, y=y, high=high, wide=0.22 + 0.55 * near, far=0.5 * (1 - near), colour=own, foam=0.15 + 0.55 * near * min(1.4, rough)), place.standing(y), Motion(drift=(0.022 * way * (0.5 + near), 0), bob=0.004 + 0.008 * near * rough, hz=0.13 + 0.02 * k, phase=0.27 * k), top=y - high * 1.5 - 0.02, bottom=y + 0.20 if k < len(rows) - 1 or beach else np.inf))
    if beach:
        sand = rgb("#ecca92")
        out.append(Part(place.draw(waters.wash, y=horizon + 0.325), place.standing(horizon + 0.3), Motion(bob=0.010, hz=0.14), top=horizon + 0.25, bottom=horizon + 0.50))
        out.append(Part(place.draw(waters.shore, y=horizon + 0.345, colour=sand, foam=True, slant=0.05 * light.side), place.standing(horizon + 0.33), top=horizon + 0.22))
    return out


def _traffic(place: Set) -> list[Item]:
    """Lights that pass in the street."""
    light, grade, horizon = place.light, place.grade, place.horizon
    if light.lamps < 0.3:
        return []
    out: list[Item] = []
    for colour_now, y, speed, shift in (((1.0, 0.95, 0.80), horizon + 0.085, 0.34, 0.0), ((1.0, 0.22, 0.16), horizon + 0.055, -0.26, 0.37)):
        x = np.linspace(-1.6, 1.6, 9) + shift * 0.3
        at = np.column_stack([np.concatenate([x, x + 0.035]), np.full(18, y)]).astype(np.float32)
        out.append(Motes(at, np.full(18, 0.0036, np.float32), np.full(18, 0.85, np.float32), np.zeros(18, np.float32), grade.of(colour_now), place.standing(y), np.tile(np.array([[speed, 0.0]], np.float32), (18, 1)), (-1.7, -1.0, 1.7, 2.0), long=2.2))
    return out


def _trunks(place: Set, which: tuple[int, ...]) -> list[Item]:
    light, seed, horizon = place.light, place.seed, place.horizon
    rows = ((horizon + 0.05, 0.022, 0.075, 0.72), (horizon + 0.13, 0.040, 0.16, 0.36), (0.99, 0.10, 0.52, 0.02))
    birch = place.seed % 3 == 0
    bark = rgb("#d8d2c6") if birch else rgb("#74583f")
    bare, white = place.scene.season.bare, place.scene.season.white
    leaf = mixed(place.leaf, SNOWY, 0.4 * white)
    dark = 0.15 + 0.5 * place.scene.sky.backlit
    out: list[Item] = []
    for k in which:
        if k == 0 and not bare:
            for j, (tall, far) in enumerate(((0.44, 0.95), (0.30, 0.70))):
                out.append(Part(place.draw(trees.tree_line, 60 + j, kind="pine" if seed % 2 else "broad", base=horizon + 0.03, high=0.03, wide=0.8, tall=tall, far=far, colour=mixed(leaf, rgb("#2f5a48"), 0.4), many=0.9, floor=place.lawn), Depth.upright(0.31), top=horizon - 0.05 - tall, bottom=horizon + 0.12))
        base, wide, gap, far = rows[k]
        if k == 0:
            out.append(band(place, horizon + 0.02, 0.12, 0.35 + 0.5 * light.fog, 0.7, 0.008))
        out.append(Part(place.draw(trees.trunks, k, base=base, wide=wide, gap=gap, far=far, colour=bark, birch=birch), place.standing(base), bottom=base + 0.06))
        if not bare:
            y, away = ((0.10, 0.75), (0.07, 0.38), (0.02, 0.02))[k]
            sway = Motion(sway=-place.sway * 0.4, hz=0.2, pivot=(0.0, -0.3)) if k == 2 else Motion()
            out.append(Part(place.draw(fronts.canopy, k, y=y, far=away, colour=leaf, dark=dark * (0.5 + 0.25 * k)), place.standing(base), sway, bottom=y + 0.30))
    return out


def _near(place: Set, kind: str) -> list[Item]:
    scene, light = place.scene, place.light
    dark = 0.25 + 0.6 * scene.sky.backlit
    if kind == "trunks":
        return _trunks(place, (2,))
    if kind in ("grass", "reeds", "flowers", "ferns", "crops"):
        tall = {"grass": 0.13, "reeds": 0.24, "flowers": 0.17, "ferns": 0.15, "crops": 0.20}[kind]
        own = mixed(place.lawn, rgb("#d2a94a"), 0.8) if kind == "crops" else mixed(place.leaf, place.lawn, 0.5)
        return [Part(place.draw(fronts.grass, k, y=1.03 - 0.035 * (1 - k), tall=tall * (0.75 + 0.35 * k), colour=times(own, 0.9 - 0.15 * k), kind=kind, dark=dark * (0.6 + 0.4 * k)), Depth.upright(1.12 + 0.16 * k), Motion(sway=place.sway, hz=0.20 + 0.05 * k, phase=0.3 * k, pivot=(0.0, 1.05)), top=1.0 - tall * 1.5) for k in (0, 1)]
    if kind == "branches":
        if scene.season.bare:
            return []
        return [Part(place.draw(fronts.boughs, side=-light.side, colour=place.leaf, dark=dark, aspect=place.aspect), Depth.upright(1.25), Motion(sway=-place.sway * 0.5, hz=0.17, pivot=(0.0, -0.1)), bottom=0.55)]
    if kind == "cave":
        return [Part(place.draw(fronts.cave, aspect=place.aspect), Depth.upright(1.3))]
    if kind == "waterfall":
        return _waterfall(place)
    return []


def _waterfall(place: Set) -> list[Item]:
    light, grade, seed, horizon = place.light, place.grade, place.seed, place.horizon
    y, x = horizon + 0.04, -0.12 * light.side
    drawn = np.random.default_rng(seed)
    many = 260
    at = np.column_stack([x + drawn.normal(0, 0.030, many).clip(-0.06, 0.06), drawn.uniform(y - 0.42, y, many)]).astype(np.float32)
    speed = np.column_stack([np.zeros(many), drawn.uniform(0.22, 0.34, many)]).astype(np.float32)
    white = grade.of(light.on((0.97, 0.99, 1.0), 0.9, 0.2))
    falling = Motes(at, drawn.uniform(0.003, 0.006, many).astype(np.float32), drawn.uniform(0.3, 0.8, many).astype(np.float32), drawn.uniform(0, 1, many).astype(np.float32), white, place.standing(y), speed, (x - 1.0, y - 0.42, x + 1.0, y), long=0.35)
    rock = Part(place.draw(waters.fall, x=x, y=y, tall=0.44, leaf=place.leaf), place.standing(y), top=y - 0.62, bottom=y + 0.08)
    return [rock, falling, band(place, y, 0.035, 0.8, 0.7, 0.004)]
