"""The figures of a scene, as parts: who stands where, how large, which way, and how they move.

Decides places by rule and seed; figures.py draws them.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from . import rooms
from .depth import Depth, Motion
from .figures import extent, figure, halo, shadow
from .light import Light, mixed
from .parts import Draw, Item, Part, Set
from .pen import Stroke, stroke
from .scene import Actor
from .weathers import sparks

POSES = 12
THIRDS = (0.30, -0.32, 0.02, -0.62, 0.60, -0.14)  # of half the frame: where one after the other stands
# rounds a second, how far parts swing, units a second times the figure's own speed
PACES: dict[str, tuple[float, float]] = {
    "walk": (1.0, 1.0), "zoom": (1.9, 1.35), "waddle": (1.0, 0.8), "fly": (1.7, 1.0), "soar": (0.3, 0.55), "flutter": (2.2, 1.0), "float": (0.16, 1.0), "swim": (0.8, 1.0),
    "drift": (0.3, 1.0), "graze": (0.25, 0.4), "breathe": (0.28, 1.0), "burn": (2.0, 1.0), "spin": (0.6, 1.0), "steam": (0.35, 1.0), "tick": (0.5, 1.0), "bob": (0.2, 1.0),
    "hop": (0.9, 1.0), "leap": (0.4, 1.0), "roll": (1.2, 1.0), "hover": (1.5, 1.0), "launch": (1.5, 1.0), "sway": (0.2, 0.6), "turn": (0.0, 1.0), "still": (0.0, 0.12), "pulse": (0.0, 1.0), "flicker": (0.0, 1.0),
}  # fmt: skip
TRAVELS = frozenset(("walk", "zoom", "waddle", "fly", "soar", "flutter", "swim", "roll", "hover", "bob", "float", "drift", "hop", "leap"))


@dataclass(frozen=True, slots=True)
class Spot:
    """Where one figure stands: its foot, its height, which way it looks, and how deep in the picture it is."""

    x: float
    y: float
    tall: float
    facing: float
    far: float
    depth: Depth
    name: str
    half: float  # about how far it reaches to either side
    level: float = 0.0  # y of what it stands on, where that is not the ground


def standing(place: Set) -> list[Item]:
    """Those on the ground or the water, the farthest first."""
    return _all(place, True)


def airborne(place: Set) -> list[Item]:
    """Those in the air, in space or in the deep."""
    return _all(place, False)


def _all(place: Set, grounded: bool) -> list[Item]:
    drawn = random.Random(f"{place.seed} actors")
    spots: list[tuple[Actor, Spot]] = []
    carriers = sorted(place.scene.actors, key=lambda actor: actor.figure.place == "table")
    for order, actor in enumerate(carriers):
        spots += [(actor, spot) for spot in _spots(place, actor, order, [spot for _, spot in spots], drawn)]
    out: list[Item] = []
    for actor, spot in sorted(spots, key=lambda one: ((one[1].level or one[1].y) if grounded else 0.0, one[1].tall)):
        if (home(place, actor) in ("ground", "water", "wall")) == grounded:
            out += parts(place, actor, spot, random.Random(f"{place.seed} {spot.name}"))
    return out


def home(place: Set, actor: Actor) -> str:
    """Where in this picture the figure is: what it does and where the picture is count for more than its habit."""
    on: str = actor.figure.on
    if place.scene.world == "deep":
        return "deep" if on in ("deep", "water", "air", "space") or actor.act == "swim" else "ground"
    if place.scene.world == "space" and not place.scene.plane:
        return "space"
    if actor.where == "above" or actor.act in ("soar", "fly") or (actor.act == "float" and on == "ground"):
        return "air"
    if on == "deep":
        return "water" if place.scene.plane in ("sea", "lake", "river", "swamp") else "air"
    if on == "water" and place.scene.plane not in ("sea", "lake", "swamp", "ice"):
        return "ground"
    if on == "space":
        return "ground" if place.scene.plane in ("moon", "mars") or (actor.figure.moves == "float" and place.scene.world == "land") else "air"
    if on == "ground" and place.scene.plane == "clouds":
        return "air" if actor.figure.place != "back" else "ground"
    return on


def _spots(place: Set, actor: Actor, order: int, taken: Sequence[Spot], drawn: random.Random) -> list[Spot]:
    """One for each of them."""
    half = place.aspect / 2
    narrow = min(1.0, 0.45 + place.aspect * 0.42)
    left, _, right, _ = extent([stroke(one) for one in actor.figure.shapes], 0.5)
    wide = min(2.2, right - left)
    on = home(place, actor)
    first = {"left": -0.5, "right": 0.5, "middle": 0.0}.get(actor.where, THIRDS[order % len(THIRDS)] * -place.light.side)
    if place.scene.world == "room" and actor.figure.place == "back" and not actor.where:
        first = (0.58, -0.82, 0.86)[order % 3] * (-1.0 if rooms.window(place.seed, place.aspect).left > -0.25 else 1.0)
    out: list[Spot] = []
    for k in range(actor.many):
        size = actor.figure.size * actor.scale * narrow
        if actor.many == 1 and actor.figure.count > 1:
            size *= 1.7  # alone it is what the picture is about
        if place.scene.world == "room" and on == "ground":
            size *= 1.25
        size = min(size, 0.92, 0.86 * place.aspect / wide)
        if actor.name == "table" and any(one.figure.place == "table" for one in place.scene.actors):
            size *= 1.4  # there is something to be seen on it
        top = next((one for one in taken if one.name.startswith("table ")), None)
        if actor.figure.place == "table" and top:
            small, beside = size * 0.5, top.x + top.half * (0.0, -0.9, 0.9, -0.45, 0.45)[(k + len(taken) - 1) % 5]
            out.append(Spot(beside, top.y - 0.69 * top.tall, small, 1.0, top.far, top.depth, f"{actor.name} {k}", 0.42 * wide * small, top.y + 0.001))
            continue
        size *= {"near": 1.7, "far": 0.5}.get(actor.where, 1.0)
        if actor.many > 1:
            size *= (1.0, 0.82, 0.9, 0.74, 0.86)[k % 5] * (0.92 if actor.many > 3 else 1.0)
        x = first * half if k == 0 and actor.many < 4 else (first + (0.0 if actor.many < 2 else _spread(k, actor.many, drawn))) * half
        x = max(-half * 0.86, min(half * 0.86, x))
        if on in ("ground", "water", "space") and actor.where != "middle":
            x = _free(x, 0.42 * wide * size, half * 0.9, [*taken, *out])
        facing = out[0].facing if out else -1.0 if (x > 0.05 if actor.many < 4 else place.seed % 2 == 0) else 1.0
        y, depth, far = _height(place, actor, on, size, k, drawn)
        out.append(Spot(x, y, size, facing, far, depth, f"{actor.name} {k}", 0.42 * wide * size))
    return out


def _free(x: float, half: float, most: float, taken: Sequence[Spot]) -> float:
    """The nearest place to x where nobody stands; if there is none, the one with most room."""
    def room(at: float) -> float:
        return min((abs(at - one.x) - half - one.half for one in taken), default=1.0)

    tries = [x + side * step * 0.06 for step in range(24) for side in (1, -1)]
    inside = [at for at in tries if abs(at) <= most] or [x]
    return next((at for at in inside if room(at) >= 0), max(inside, key=room))


def _spread(k: int, many: int, drawn: random.Random) -> float:
    """Sideways from the first, in halves of the frame."""
    step = min(0.42, 1.5 / many)
    return ((k + 1) // 2) * step * (1 if k % 2 else -1) * (0.9 if many < 4 else 1.0) + drawn.uniform(-0.06, 0.06)


def _height(place: Set, actor: Actor, on: str, size: float, k: int, drawn: random.Random) -> tuple[float, Depth, float]:
    """-> (y of its foot, its depth, how far off it is)."""
    horizon, scene = place.horizon, place.scene
    if on in ("air", "space", "deep"):
        low = {"air": (0.20, horizon - 0.10), "space": (0.50, 0.62), "deep": (0.30, 0.72)}[on]
        y = (low[0] + low[1]) / 2 + size * 0.5 + drawn.uniform(-0.5, 0.5) * (low[1] - low[0]) * (0.35 if k == 0 else 1.0)
        if actor.where == "far":
            y -= 0.06
        moves = 0.55 if on == "air" else 0.9
        return y, Depth.upright(moves + min(0.5, size)), 0.30 if on == "air" else 0.06 if on == "space" else 0.25
    if on == "wall":
        return 0.18 + size + 0.02 * k, Depth.upright(0.72), 0.0
    if scene.world == "room":
        y = {"back": 0.775, "middle": 0.86, "table": 0.735}.get(actor.figure.place, 0.93) + 0.025 * (k % 2)
        return y, Depth.upright({"back": 0.74, "middle": 0.92, "table": 0.92}.get(actor.figure.place, 1.0)), 0.0
    if actor.where == "near":
        y = 1.0
    elif actor.where == "far":
        y = horizon + 0.055
    elif on == "water":
        y = horizon + (0.15 if scene.plane == "sea" else 0.17) + 0.10 * min(1.0, size / 0.4) + 0.03 * (k % 3)
    elif actor.figure.place == "back":
        y = horizon + 0.08 + 0.10 * min(1.0, size / 0.5)
    elif scene.plane in ("sea", "lake", "swamp", "clouds", "ice"):
        y = 0.965 if scene.plane != "ice" else 0.86
        if scene.plane == "sea" and "shore" not in scene.near:
            y = 0.80
    else:
        y = 0.90
    if actor.many > 1:
        y += drawn.uniform(-0.030, 0.020) if on != "water" else drawn.uniform(-0.03, 0.03)
    y = max(horizon + 0.03, min(1.02, y))
    return y, place.standing(y), 0.75 * place.away(y)


def parts(place: Set, actor: Actor, spot: Spot, drawn: random.Random) -> list[Item]:
    """The figure, what turns on it, its shadow or its reflection."""
    strokes = [stroke(line) for line in actor.figure.shapes]
    act = actor.act or actor.figure.moves
    if act == "walk" and actor.figure.moves in ("roll", "turn", "bob", "swim", "zoom"):
        act = actor.figure.moves  # what has no legs crosses in its own way
    on = home(place, actor)
    if on == "space" and act in ("walk", "still", "breathe", "graze"):
        act = "float"
    hz, lively = PACES.get(act, (0.0, 0.3))
    backlit = place.scene.sky.backlit * {"space": 0.2, "air": 0.55, "water": 0.75}.get(on, 0.9)
    lit = place
    if place.scene.world == "room":
        backlit, lit = 0.05, replace(place, light=_indoors(place.light))
    swings = any(one.degrees for one in strokes) and hz > 0 and lively > 0
    poses = POSES if swings else 1
    moving = _motion(place, act, on, spot, actor, hz, poses, drawn)
    left, bottom, right, top = extent(strokes, lively)
    reach = max(abs(left), abs(right)) * spot.tall * 1.06 + 0.02
    glow = 0.16 * spot.tall if any(one.tone in ("lamp", "fire") for one in strokes) else 0.01
    fixed = [one for one in strokes if not one.turns]
    phase = drawn.random()

    def draw(share: float, chosen: Sequence[Stroke], upside: bool = False) -> Draw:
        return lit.draw(figure, strokes=chosen, x=spot.x, y=spot.y, tall=spot.tall, facing=spot.facing, colour=actor.colour, far=spot.far, backlit=min(1.0, backlit + 0.25 * upside), pose=share, lively=lively, upside=upside)

    box: dict[str, Any] = {"left": spot.x - reach - glow, "right": spot.x + reach + glow, "top": spot.y - top * spot.tall - 0.01 - glow, "bottom": spot.y - bottom * spot.tall + 0.01 + glow}
    shares = [(k / poses + phase) % 1 if poses > 1 else 0.25 if swings else 0.12 for k in range(poses)]
    out: list[Item] = []
    if on == "water":
        wet = replace(moving, bob=-moving.bob * 0.8, ripple=0.0, poses=0.0)
        out.append(Part(draw(shares[0], fixed, True), spot.depth, wet, top=spot.y - 0.01, bottom=spot.y + top * spot.tall * 0.85 + 0.01, left=box["left"], right=box["right"]))
    elif on == "ground" and place.scene.plane != "clouds" and actor.figure.place != "table":
        wide = min(1.2, right - left) * spot.tall
        out.append(Part(place.draw(shadow, x=spot.x, y=spot.y - 0.002, wide=max(wide, 0.3 * spot.tall), strong=0.55 * (1 - 0.5 * place.light.fog)), spot.depth, replace(moving, bob=0.0, rock=0.0, poses=0.0, sway=0.0), top=spot.y - 0.12 * wide - 0.02, bottom=spot.y + 0.12 * wide + 0.02, left=spot.x - wide * 1.4, right=spot.x + wide * 1.4))
    first, *more = (draw(share, fixed) for share in shares)
    if act in ("burn", "flicker") and place.light.lamps > 0.2:
        out.append(_glow(place, spot, strokes))
    out.append(Part(first, spot.depth, moving, poses=tuple(more), **box))
    hinges = {one.hinge for one in strokes if one.turns}
    for hinge in hinges:
        blades = [one for one in strokes if one.turns and one.hinge == hinge]
        pivot = spot.x + hinge[0] * spot.tall * spot.facing, spot.y - hinge[1] * spot.tall
        far_out = max(float(abs(one.outlines[0] - hinge).max()) for one in blades) * spot.tall * 1.5
        spin = Motion(spin=(14.0 + 26.0 * place.scene.air.wind) * spot.facing, pivot=pivot)
        still = [replace(one, turns=False) for one in blades]
        out.append(Part(draw(0.0, still), spot.depth, spin, left=pivot[0] - far_out, right=pivot[0] + far_out, top=pivot[1] - far_out, bottom=pivot[1] + far_out))
    if act == "burn" and actor.figure.size > 0.12 and actor.figure.place != "table":
        out.append(sparks(place.seed, spot.x, spot.y - 0.4 * spot.tall, 0.2 * spot.tall, 0.42, 22, place.grade, spot.depth))
    return out


def _glow(place: Set, spot: Spot, strokes: Sequence[Stroke]) -> Part:
    """The light that a fire or a lamp throws around it."""
    shining = np.concatenate([one for each in strokes if each.tone in ("lamp", "fire") for one in each.outlines] or [np.zeros((1, 2))])
    x, y = spot.x + float(shining[:, 0].mean()) * spot.tall * spot.facing, spot.y - float(shining[:, 1].mean()) * spot.tall
    reach = 0.10 + 1.1 * spot.tall
    return Part(place.draw(halo, x=x, y=y, reach=reach), spot.depth, Motion(pulse=0.75, hz=1.7, pivot=(x, y)), left=x - 2.2 * reach, right=x + 2.2 * reach, top=y - 2.2 * reach, bottom=y + 2.2 * reach, soft=True)


def _indoors(light: Light) -> Light:
    """What falls on things in a room: the day through the window, or lamps."""
    warm, lamps = (0.80, 0.66, 0.50), light.lamps
    ambient = mixed(mixed(light.ambient, (0.62, 0.58, 0.55), 0.35), warm, 0.75 * lamps)
    return replace(light, ambient=ambient, sun=mixed(light.sun, (0.45, 0.34, 0.22), lamps), fog=0.0)


def _motion(place: Set, act: str, on: str, spot: Spot, actor: Actor, hz: float, poses: int, drawn: random.Random) -> Motion:
    """How it moves as a whole."""
    tall, phase = spot.tall, drawn.random()
    pace = actor.figure.speed or {"walk": 0.5, "zoom": 1.2, "soar": 0.4, "swim": 0.4, "float": 0.04, "fly": 1.0, "hop": 0.3}.get(act, 0.0)
    if act == "zoom" and actor.figure.speed:
        pace = actor.figure.speed * 1.6
    natural = min(pace * tall, 0.34) if act in TRAVELS else 0.0
    room = max(0.12, 0.40 * place.aspect / 2 - spot.x * spot.facing)  # nobody walks out of the picture
    speed = min(natural, room / place.seconds) * spot.facing
    slower = max(0.4, abs(speed) / natural) if natural else 1.0
    hz *= slower
    poses_now = hz * poses if poses > 1 else 0.0
    if act in ("walk", "zoom", "waddle", "roll"):
        step = 0.006 * tall if act != "waddle" else 0.0
        return Motion(drift=(speed, 0.0), bob=step, hz=hz * 2, phase=phase, poses=poses_now, rock=5.0 if act == "waddle" else 0.0, pivot=(spot.x, spot.y))
    if act == "hop":
        return Motion(drift=(speed, 0.0), bob=0.12 * tall, hz=0.9, phase=phase, poses=poses_now, pivot=(spot.x, spot.y))
    if act == "leap":
        return Motion(drift=(speed, 0.0), bob=0.55 * tall, hz=0.38, phase=phase, rock=16.0 * spot.facing, poses=poses_now, pivot=(spot.x, spot.y - tall * 0.5))
    if act == "float" and on in ("space", "air", "deep"):
        return Motion(drift=(speed + 0.006 * spot.facing, -0.004 if on == "space" else 0.0), bob=0.012 + 0.03 * tall, hz=0.11, phase=phase, rock=7.0, poses=poses_now, pivot=(spot.x, spot.y - tall * 0.5))
    if act == "launch":
        return Motion(drift=(0.0, -actor.figure.speed * tall), bob=0.002, hz=6.0, poses=poses_now, pivot=(spot.x, spot.y))
    if on == "water":
        return Motion(drift=(speed, 0.0), bob=0.006 + 0.012 * min(1.0, tall), hz=0.19, phase=phase, rock=2.6, poses=poses_now, pivot=(spot.x, spot.y))
    if act in ("fly", "soar", "flutter", "hover", "swim", "drift"):
        bob = {"flutter": 0.035, "fly": 0.010, "soar": 0.014, "hover": 0.012, "drift": 0.022}.get(act, 0.012)
        rise = -0.012 if act == "drift" else 0.0
        return Motion(drift=(speed, rise), bob=bob, hz={"flutter": 0.7, "drift": 0.3}.get(act, 0.17), phase=phase, rock=3.0 if act != "hover" else 1.2, poses=poses_now, pivot=(spot.x, spot.y - tall * 0.5))
    if act == "spin":
        return Motion(bob=0.006, hz=0.6, rock=4.0, phase=phase, poses=poses_now, pivot=(spot.x, spot.y))
    if act == "pulse":
        return Motion(bob=0.010, hz=0.3, phase=phase, pulse=0.82, pivot=(spot.x, spot.y - tall * 0.5))
    if act == "flicker":
        return Motion(pulse=0.93, hz=2.3, phase=phase, pivot=(spot.x, spot.y))
    if act == "sway":
        return Motion(sway=place.sway * 0.8, hz=0.2, phase=phase, poses=poses_now, pivot=(spot.x, spot.y))
    return Motion(poses=poses_now, pivot=(spot.x, spot.y))

