"""A scene's takes side by side: clips from several seeds, and which of them is the film's. Asks for them, and chooses.

Knows no page. A seed from which a clip comes out the same as from another is told with it, once for both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pipelines.story import SEEDS, Story
from pipelines.variations import MOST, within
from pipelines.work import FilmError

from .desk import Desk
from .production import checked, seeded, send, signs
from .project import alone, edited
from .shelf import Document, Take, Works

KIND = "takes"  # of a job


@dataclass(frozen=True, slots=True)
class Shown:
    """A clip and the seeds that it comes from. `chosen`: it is the film's. `old`: the scene was changed since."""

    clip: str
    seeds: tuple[int, ...]
    chosen: bool
    old: bool


def vary(desk: Desk, document: Document, row: str, count: int) -> str:
    """Have a scene made from so many seeds: its own, and those that come after it. -> the job's id.

    Clips that are there already are not made again. FilmError as for a film.
    """
    if count < 2:
        raise FilmError("One clip alone has nothing beside it.", f"Choose 2 to {MOST}.", "variations")
    within(count)
    with document.lock:
        film = checked(desk, document, *alone(document.project, row, desk.presets, document.pictures), row)
        seeds = [(film.seed_of(0) + i) % SEEDS for i in range(count)]
        scene = replace(film.scenes[0], transition="")
        scenes = tuple(replace(scene, scene_number=i + 1, seed=seed) for i, seed in enumerate(seeds))
        return send(desk, document, replace(film, scenes=scenes, transition="none", music="none"), KIND, [row] * count, seeds)


def pick(document: Document, row: str, seed: int) -> None:
    """That take is the film's: its seed is the scene's, and its clip is what the page shows."""
    with document.lock:
        take = next((one for one in document.works.takes.get(row, ()) if one.seed == seed), None)
        if take is None or document.project.row(row) is None:
            raise FilmError("That take is not there any more.", "Choose another, or make it again.")
        document.change(edited(row, "seed", seed))
        there = take.look != "" and take.look == seeded(document.project, row, seed)
        now = {row: signs(document.project)[row]} if there else {}

        def chosen(works: Works) -> Works:
            others = tuple(one for one in works.takes[row] if one != take)
            return replace(works, takes=dict(works.takes) | {row: (*others, take)}, made=dict(works.made) | now)

        document.note(chosen)


def side_by_side(document: Document, film: Story | None, row: str) -> Sequence[Shown]:
    """Every take of a scene by its seed; clips that are the same only once."""
    project, at = document.project, document.project.at(row)
    own = film.seed_of(at) if film and at >= 0 else project.rows[at].cells.get("seed")
    by_clip: dict[tuple[str, bool], list[Take]] = {}
    for take in sorted(document.works.takes.get(row, ()), key=lambda one: one.seed):
        old = take.look != "" and take.look != seeded(project, row, take.seed)
        by_clip.setdefault((take.clip, old), []).append(take)
    return [
        Shown(clip, tuple(one.seed for one in several), not old and any(one.seed == own for one in several), old)
        for (clip, old), several in by_clip.items()
    ]
