"""What cards say: a title's heading and lines, and credits with who made what. Knows words, not letters or pixels."""

from __future__ import annotations

from collections.abc import Mapping

from .plan import Card
from .story import Scene, Story

ENGINE = "card"  # the clip engine that draws them
ROLES = {"clips": "Moving pictures", "pictures": "Pictures", "voice": "Voice", "music": "Music"}
MADE_WITH = ("Made with", "Reelwright")
MOST_LINES = 120
TITLE, LEAST, A_LINE, MOST = 4.0, 5.0, 0.7, 60.0  # seconds that cards without a length last


def said(scene: Scene) -> tuple[str, tuple[tuple[str, ...], ...]]:
    """A card's heading and its lines: the prompt's first line, and the others, "what | who" in two parts."""
    rows = [row for line in scene.prompt.splitlines() if (row := _parts(line))]
    if scene.card == "title":  # in a table all of it may stand in one line
        flat = [part for row in rows for part in row]
        return (flat[0], tuple((one,) for one in flat[1:])) if flat else ("", ())
    heading = rows.pop(0)[0] if rows and len(rows[0]) == 1 else ""
    return heading, tuple(rows[:MOST_LINES])


def card(story: Story, i: int, made: Mapping[str, str]) -> Card | None:
    """The card that scene i is; None if it is none. `made`: who made what, by role."""
    scene = story.scenes[i]
    if not scene.card:
        return None
    heading, lines = said(scene)
    if scene.card == "title":
        return Card("title", heading or story.title, lines, story.seed)
    return Card("credits", heading, (*lines, *_makers(made)), story.seed)


def shortest(scene: Scene, usual: float) -> float:
    """Seconds that a scene without a length of its own lasts at least: a card until it is read."""
    if scene.card == "title":
        return max(usual, TITLE)
    if scene.card == "credits":
        lines = len(said(scene)[1]) + len(ROLES) + 1
        return min(MOST, max(usual, LEAST, A_LINE * lines))
    return usual


def _makers(made: Mapping[str, str]) -> list[tuple[str, ...]]:
    told = [(label, made[role]) for role, label in ROLES.items() if made.get(role, "none") not in ("", "none")]
    return [*told, MADE_WITH]


def _parts(line: str) -> tuple[str, ...]:
    return tuple(part for each in line.split("|") if (part := " ".join(each.split())))
