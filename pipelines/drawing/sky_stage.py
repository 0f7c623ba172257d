"""What is overhead and in the air of a scene, as parts: sky, clouds, lights, weather. Places them; skies.py draws them."""

from __future__ import annotations

from typing import Any

from . import skies, weathers
from .depth import HORIZON, Depth, Motion
from .parts import Item, Part, Rain, Set
from .spaces import Globe, globe

SKY, CLOUDS, LOW_CLOUDS = 0.10, 0.16, 0.22


def overhead(place: Set) -> list[Item]:
    """The sky with all that is in it."""
    scene, light, grade, seed, horizon = place.scene, place.light, place.grade, place.seed, place.horizon
    air, things = scene.air, scene.things
    milky = 0.9 if "milky way" in things else 0.35 if light.stars >= 1.2 else 0.0
    out: list[Item] = [Part(place.draw(skies.sky, horizon=horizon, milky=milky), Depth.upright(SKY), soft=not light.stars)]
    if light.disc:
        radius = skies.disc_size(light, not {"sun", "moon"}.isdisjoint(things))
        box: dict[str, Any] = {"left": light.x - radius * 1.1, "right": light.x + radius * 1.1, "top": light.y - radius * 1.1, "bottom": light.y + radius * 1.1}
        out.append(Part(place.draw(skies.disc, radius=radius), Depth.upright(SKY), **box))
    if light.stars > 0.3:
        out.append(weathers.stars(seed, int(60 * min(light.stars, 1.6)), place.aspect, horizon * 0.85, grade))
    if "aurora" in things:
        for which, drift in ((0, 0.006), (1, -0.009)):
            out.append(Part(place.draw(skies.aurora, horizon=horizon, which=which), Depth.upright(SKY), Motion(drift=(drift, 0), pulse=0.55, hz=0.11 + 0.05 * which, phase=0.3 * which), bottom=horizon, soft=True))
    out += _bodies(place)
    if "comet" in things:
        out.append(Part(place.draw(skies.comet, horizon=horizon), Depth.upright(SKY), Motion(drift=(0.010, 0.006)), bottom=horizon))
    if "rainbow" in things:
        out.append(Part(place.draw(skies.rainbow, horizon=horizon), Depth.upright(SKY), bottom=horizon))
    wind = 0.004 + 0.016 * air.wind
    if air.clouds > 0.05 and not scene.things.count("aurora"):
        low_sun = scene.sky.backlit > 0.3 or air.grey > 0.3
        if low_sun:
            heavy = air.grey > 0.5  # then the high ones stand, and low ones pass before them
            high = place.draw(skies.clouds, horizon=horizon, amount=air.clouds, grey=air.grey, low=False)
            out.append(Part(high, Depth.upright(SKY if heavy else CLOUDS), Motion() if heavy else Motion(drift=(wind * 0.6, 0)), bottom=horizon, soft=True))
            if heavy:
                low = place.draw(skies.clouds, horizon=horizon, amount=air.clouds * 0.8, grey=air.grey, low=True)
                out.append(Part(low, Depth.upright(LOW_CLOUDS), Motion(drift=(wind * 1.6, 0)), bottom=horizon, soft=True))
        else:
            for which, depth in ((0, CLOUDS), (1, LOW_CLOUDS)):
                out.append(Part(place.draw(skies.heaps, which, horizon=horizon, amount=air.clouds, near=which), Depth.upright(depth), Motion(drift=(wind * (1 + 0.8 * which), 0)), bottom=horizon))
    if "sunbeams" in things:
        out.append(Part(place.draw(skies.sunbeams, strong=0.5), Depth.upright(SKY), Motion(pulse=0.6, hz=0.12), bottom=horizon + 0.25, soft=True))
    if "lightning" in things:
        out.append(Part(place.draw(weathers.lightning, horizon=horizon), Depth.upright(CLOUDS), Motion(pulse=0.05, hz=0.7, phase=0.25), bottom=horizon))
    if "fireworks" in things:
        out.append(Part(place.draw(weathers.fireworks, horizon=horizon), Depth.upright(CLOUDS), Motion(pulse=0.25, hz=0.45, phase=0.25), bottom=horizon))
    return out


def body(place: Set, kind: str, x: float, y: float, radius: float, ring: float = 0.0) -> Part:
    """A planet in the sky."""
    ball = Globe(x, y, radius, kind, ring)
    reach = radius * (1.32 + ring if ring else 1.6 if kind == "star" else 1.25)
    return Part(place.draw(globe, int(radius * 997), ball=ball), Depth.upright(SKY + 0.08), top=y - reach, bottom=y + reach, left=x - reach, right=x + reach)


def _bodies(place: Set) -> list[Item]:
    kinds = {"earth": "earth", "planet": "gas", "ringed planet": "gas", "red planet": "mars"}
    seen = [one for one in place.scene.things if one in kinds]
    return [body(place, kinds[thing], -place.light.side * (0.34 - 0.5 * k), 0.24 + 0.05 * k, 0.15 - 0.04 * k, 0.7 if thing == "ringed planet" else 0.0) for k, thing in enumerate(seen)]


def weather(place: Set) -> list[Item]:
    """What falls or hangs between us and the scene."""
    scene, seed, grade, light, aspect = place.scene, place.seed, place.grade, place.light, place.aspect
    air = scene.air
    out: list[Item] = []
    kinds = {"leaves": (46, (0.85, 0.45, 0.16)), "petals": (60, (0.98, 0.76, 0.84)), "fireflies": (44, (1.0, 0.92, 0.50)), "bubbles": (34, (0.85, 0.95, 1.0))}
    for thing, (many, colour) in kinds.items():
        if thing in scene.things:
            seen = colour if thing == "fireflies" else light.on(colour, 0.9, 0.0)
            out.append(weathers.floating(seed, thing, many, aspect, grade, seen))
    if air.snow:
        out += [weathers.flakes(seed, air.snow, air.wind, aspect, grade, light, near=near) for near in (False, True)]
    if air.rain:
        out += [Rain(seed, air.rain, air.wind, near) for near in (False, True)]
    return out


def band(place: Set, y: float, thick: float, strong: float, far: float, drift: float) -> Part:
    """Mist at a height, drifting."""
    depth = Depth.upright(HORIZON + (1 - HORIZON) * (1 - far))
    return Part(place.draw(weathers.mist, y=y, thick=thick, strong=strong, far=far), depth, Motion(drift=(drift, 0)), top=y - 1.8 * thick, bottom=y + 1.8 * thick, soft=True)
