"""Rooms and the deep, as parts: what is seen through the window, walls and things; reefs and weeds. Places only."""

from __future__ import annotations

from . import actors, deeps, land_stage, rooms, weathers
from .depth import Depth, Motion
from .light import rgb
from .parts import Item, Part, Set
from .sky_stage import overhead, weather


def room(place: Set) -> list[Item]:
    """A room with a window: outside lies the land that the scene names."""
    light, grade, seed = place.light, place.grade, place.seed
    hole = rooms.window(seed, place.aspect)
    outside = [*overhead(place), *land_stage.land(place), *weather(place)]
    wall = Part(place.draw(rooms.wall, hole=hole, colour=rgb(place.scene.tint) if place.scene.tint else None), Depth.upright(0.70), bottom=rooms.FLOOR + 0.12)
    floor = Part(place.draw(rooms.floor, hole=hole), Depth(0.70, 1.05, rooms.FLOOR, 1.0), top=rooms.FLOOR - 0.02)
    beam = Part(place.draw(rooms.beam, hole=hole), Depth.upright(0.85), Motion(pulse=0.8, hz=0.1), soft=True)
    dust = weathers.floating(seed, "dust", 40, place.aspect, grade, light.glow)
    return [*outside, wall, floor, *actors.standing(place), *actors.airborne(place), beam, dust]


def deep(place: Set) -> list[Item]:
    """Under water."""
    grade, seed = place.grade, place.seed
    out: list[Item] = [Part(place.draw(deeps.water), Depth.upright(0.12), soft=True)]
    out.append(Part(place.draw(deeps.shafts), Depth.upright(0.25), Motion(drift=(0.014, 0), pulse=0.6, hz=0.13), bottom=0.9, soft=True))
    for k, (y, high, far, moves) in enumerate(((0.86, 0.20, 0.95, 0.32), (0.95, 0.16, 0.55, 0.62))):
        out.append(Part(place.draw(deeps.reef, k, y=y, high=high, far=far), Depth.upright(moves), top=y - high * 1.8 - 0.12))
    out += [*actors.standing(place), *actors.airborne(place)]
    out.append(Part(place.draw(deeps.weeds, y=1.02, tall=0.34, far=0.15), Depth.upright(1.0), Motion(sway=0.09, hz=0.16, pivot=(0.0, 1.02)), top=0.55))
    out.append(Part(place.draw(deeps.reef, 9, y=1.04, high=0.10, far=0.10), Depth.upright(1.15), top=0.80))
    if "bubbles" in place.scene.things:
        out.append(weathers.floating(seed, "bubbles", 34, place.aspect, grade, (0.85, 0.97, 1.0)))
    out.append(weathers.floating(seed, "dust", 50, place.aspect, grade, (0.85, 0.97, 1.0)))
    return out
