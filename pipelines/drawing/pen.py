"""The small language in which figures are drawn, as presets/sketch.toml has it: one shape a line.

    body blob -0.1 0 0 0.2 0.1 0          a closed smooth line through points
    wood poly twice 0.2 0 0.3 0 0.3 0.4   corners; "twice" draws it mirrored as well
    dark limb 0 0.5 0.06 0 0.1 0.03 @ 0 0.5 25 0.5
                                          x, y, radius ...; it swings about (0, 0.5) by 25 degrees, half a round late
    white poly 0 0 0.1 0.4 0 0.4 @@ 0 0   it turns about (0, 0), once a round
    lamp disc 0 0.5 0.1                   x, y, radius (and another one up and down)
    dark ring 0 0.5 0.2 0.03              x, y, radius, and how thick
    dark line 0.01 0 0 0.5 0.5            width, then points

A figure is 1 high: (0, 0) is the ground under its middle, x grows to the right, y upward; it looks to the right.
Knows shapes, not what they mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import cos, radians, sin, tau

import numpy as np

from .noise import Array

TONES = ("body", "dark", "pale", "skin", "white", "black", "metal", "wood", "stone", "glass", "lamp", "fire", "gold", "red", "leaf", "blue", "cloth", "roof")
VERBS = {"blob": (6, 2), "poly": (6, 2), "limb": (6, 3), "disc": (3, 1), "ring": (4, 1), "line": (5, 2)}  # fewest numbers, and a point's
ROUND = 28


@dataclass(frozen=True, slots=True)
class Stroke:
    """One shape: its tone, its outlines (they overlap as paper does), and how it swings."""

    tone: str
    outlines: tuple[Array, ...]
    hinge: tuple[float, float] = (0.0, 0.0)
    degrees: float = 0.0
    phase: float = 0.0
    turns: bool = False

    def at(self, share: float, lively: float) -> list[Array]:
        """The outlines at a share 0..1 of the figure's round; `lively` 0..1: how far it swings."""
        turn = tau * share if self.turns else radians(self.degrees * lively) * sin(tau * (share + self.phase))
        if not turn:
            return list(self.outlines)
        spin = np.array([[cos(turn), sin(turn)], [-sin(turn), cos(turn)]])
        return [(one - self.hinge) @ spin + self.hinge for one in self.outlines]


def stroke(text: str) -> Stroke:
    """One line of the language; ValueError says what is wrong with it."""
    turns = "@@" in text
    head, _, tail = text.partition("@@" if turns else "@")
    words = head.split()
    if len(words) < 2 or words[0] not in TONES or words[1] not in VERBS:
        raise ValueError(f'"{text}" begins with a tone ({", ".join(TONES)}) and a shape ({", ".join(VERBS)})')
    twice = words[2:3] == ["twice"]
    numbers = [float(word) for word in words[3 if twice else 2 :]]
    hinge = [float(word) for word in tail.split()]
    least, step = VERBS[words[1]]
    whole = (len(numbers) - (1 if words[1] == "line" else 0)) % step == 0
    if len(numbers) < least or not whole or (tail and len(hinge) != (2 if turns else 4)) or not all(abs(one) < 100 for one in numbers + hinge):
        raise ValueError(f'"{text}" has too few numbers, too many or too large ones')
    outlines = _outlines(words[1], numbers)
    if twice:
        outlines += [one * (-1, 1) for one in outlines]
    x, y, degrees, phase = (*hinge, 0.0, 0.0, 0.0, 0.0)[:4]
    return Stroke(words[0], tuple(outlines), (x, y), degrees, phase, turns)


def _outlines(verb: str, numbers: list[float]) -> list[Array]:
    if verb == "disc":
        x, y, wide = numbers[:3]
        tall = numbers[3] if len(numbers) > 3 else wide
        turn = np.linspace(0, tau, ROUND, endpoint=False)
        return [np.column_stack([x + wide * np.cos(turn), y + tall * np.sin(turn)])]
    if verb == "ring":
        x, y, wide, thick = numbers[:4]
        turn = np.linspace(0, tau, ROUND * 2 + 1)
        circle = np.column_stack([np.cos(turn), np.sin(turn)])
        return [np.concatenate([circle * wide, circle[::-1] * (wide - thick)]) + np.array((x, y))]
    if verb == "line":
        points = np.array(numbers[1:]).reshape(-1, 2)
        return capsules(points, np.full(len(points), numbers[0] / 2))
    if verb == "limb":
        given = np.array(numbers).reshape(-1, 3)
        return capsules(given[:, :2], given[:, 2])
    points = np.array(numbers).reshape(-1, 2)
    return [points if verb == "poly" else smoothed(points)]


def smoothed(points: Array, steps: int = 8) -> Array:
    """A closed line through points without corners (Catmull-Rom)."""
    before, after, last = np.roll(points, 1, 0), np.roll(points, -1, 0), np.roll(points, -2, 0)
    share = np.linspace(0, 1, steps, endpoint=False)[None, :, None]
    p0, p1, p2, p3 = (one[:, None, :] for one in (before, points, after, last))
    curve = 0.5 * (2 * p1 + (p2 - p0) * share + (2 * p0 - 5 * p1 + 4 * p2 - p3) * share**2 + (3 * p1 - p0 - 3 * p2 + p3) * share**3)
    return np.asarray(curve.reshape(-1, 2))


def capsules(points: Array, radii: Array) -> list[Array]:
    """A round-ended line whose thickness changes from point to point."""
    out = []
    for (a, b), (r, q) in zip(pairwise(points), pairwise(radii), strict=True):
        turn = float(np.arctan2(*(b - a)[::-1]))
        back, front = np.linspace(turn + tau / 4, turn + 3 * tau / 4, 8), np.linspace(turn - tau / 4, turn + tau / 4, 8)
        out.append(np.concatenate([a + r * np.column_stack([np.cos(back), np.sin(back)]), b + q * np.column_stack([np.cos(front), np.sin(front)])]))
    return out
