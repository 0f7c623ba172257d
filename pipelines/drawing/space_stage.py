"""Space, as parts: gas, stars, planets, rocks, and who floats there. Decides places; spaces.py draws."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from . import actors, skies, spaces, weathers
from .depth import Depth, Motion
from .parts import Item, Part, Set
from .sheet import Board, Sheet
from .sky_stage import SKY, body

SURFACES = ("moon", "mars")


def items(place: Set) -> list[Item]:
    """From the farthest gas to the nearest stone."""
    scene, light, grade, seed = place.scene, place.light, place.grade, place.seed
    things = set(scene.things)
    strong = 0.95 if "nebula" in things else 0.25 if things & {"galaxy", "earth"} or scene.plane else 0.6

    def deep(sheet: Sheet) -> Board:
        board = skies.sky(sheet, grade, light, seed, horizon=2.0)
        spaces.nebula(board, seed, strong=strong)
        if "galaxy" in things:
            spaces.galaxy(board, seed)
        return board

    out: list[Item] = [Part(deep, Depth.upright(SKY)), weathers.stars(seed, 90, place.aspect, 1.0, grade)]
    out += _planets(place, things)
    if "comet" in things:
        out.append(Part(place.draw(skies.comet, horizon=0.9), Depth.upright(SKY), Motion(drift=(0.012, 0.007))))
    if "asteroids" in things:
        for k, (far, moves) in enumerate(((0.8, 0.4), (0.2, 0.9))):
            out.append(Part(place.draw(spaces.rocks, k, many=46, far=far), Depth.upright(moves), Motion(drift=(0.006 + 0.010 * k, 0.002))))
    if scene.plane in SURFACES:
        from .land_stage import colour

        own = colour(place)
        out.append(Part(place.draw(spaces.moonscape, y=place.horizon + 0.03, colour=own), place.ground(), top=place.horizon - 0.09))
    return [*out, *actors.standing(place), *actors.airborne(place)]


def _planets(place: Set, things: AbstractSet[str]) -> list[Item]:
    side, aspect = place.light.side, place.aspect
    grounded = place.scene.plane in SURFACES
    out: list[Item] = []
    if "sun" in things:
        out.append(body(place, "star", side * 0.30 * aspect, 0.22, 0.13))
    if "earth" in things:
        small = grounded or len(things & {"planet", "ringed planet", "galaxy"}) > 0
        far = (-side * 0.22 * aspect, 0.26, 0.12) if small else (-side * 0.16 * aspect, 1.02, 0.58)
        out.append(body(place, "earth", *far))
    kinds = [("planet", "gas", 0.0), ("ringed planet", "gas", 0.72), ("red planet", "mars", 0.0), ("moon", "rock", 0.0)]
    seen = [one for one in kinds if one[0] in things]
    if not seen and not things & {"earth", "galaxy", "sun", "nebula", "asteroids"}:
        seen = [kinds[place.seed % 2]]
    places = ((0.17, 0.40, 0.23), (-0.28, 0.22, 0.10), (0.36, 0.20, 0.06), (-0.36, 0.66, 0.07))
    for (_, kind, ring), (x, y, radius) in zip(seen, places, strict=False):
        size = radius * (0.72 if grounded else 1.0) * (0.8 if ring else 1.0)
        out.append(body(place, kind, x * side * aspect, y * (0.85 if grounded else 1.0), size, ring))
    return out
