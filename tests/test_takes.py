"""Takes of a scene side by side, with real films: several seeds as one durable job, what comes out the same, choosing one."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from pipelines.work import FilmError
from studio.production import hear, start
from studio.project import edited, new_row
from studio.samples import Samples
from studio.shelf import Document
from studio.takes import pick, side_by_side, vary
from studio.ui.making import follow
from studio.ui.rooms import Rooms
from tests.test_production import SMALL, Project, Works, ids, made_anew, over, statuses, until, works

__all__ = ["works"]


def drawn(works: Works, *rows: dict[str, Any]) -> Document:
    """A project whose first scene is drawn from its prompt, which every seed does otherwise."""
    document = works.shelf.new("me")
    cells = {"prompt": "a lighthouse on a cliff, a boat on the sea", "duration": 0.5, "clip_action": "static"}
    document.change(lambda _: Project((new_row(cells), *map(new_row, rows)), SMALL))
    return document


def seeds(works: Works, document: Document, row: str) -> list[tuple[tuple[int, ...], bool]]:
    film, _ = hear_story(works, document)
    return [(one.seeds, one.chosen) for one in side_by_side(document, film, row)]


def hear_story(works: Works, document: Document) -> Any:
    from studio.project import story

    return story(document.project, works.desk.presets, document.pictures)


def test_one_of_several_is_chosen_and_nothing_else_is_made_anew(works: Works) -> None:
    document = drawn(works, {"prompt": "a forest in snow", "duration": 0.5, "clip_action": "static"})
    first, second = ids(document)
    start(works.desk, document)
    over(works, document)
    job = vary(works.desk, document, first, 3)
    state = over(works, document)
    assert (state.state, state.kind, state.made, state.total, statuses(state, document)) == ("done", "takes", 3, 3, ["ready"] * 2)
    assert made_anew(works, job) == [2, 3], "the one that was there is not made again"
    assert seeds(works, document, first) == [((0,), True), ((1,), False), ((2,), False)]
    assert len({take.clip for take in document.works.takes[first]}) == 3
    film = document.works.film
    pick(document, first, 2)
    assert document.project.rows[0].cells["seed"] == 2
    assert seeds(works, document, first) == [((0,), False), ((1,), False), ((2,), True)]
    assert statuses(hear(works.desk, document), document) == ["ready", "ready"], "its clip is there"
    assert document.works.film == film, "choosing makes no film"
    again = start(works.desk, document)
    over(works, document)
    assert made_anew(works, again) == [], "all clips lie in the vault"
    document.undo()
    assert seeds(works, document, first)[0] == ((0,), True)
    document.change(edited(first, "prompt", "a castle on a hill"))
    film_, _ = hear_story(works, document)
    assert all(one.old and not one.chosen for one in side_by_side(document, film_, first))
    with pytest.raises(FilmError, match="not there any more"):
        pick(document, second, 77)


def test_seeds_that_change_nothing_are_shown_once(works: Works) -> None:
    document = works.project(1)
    (row,) = ids(document)
    vary(works.desk, document, row, 3)
    assert over(works, document).state == "done"
    assert seeds(works, document, row) == [((0, 1, 2), True)], "a plain move over a picture leaves nothing to chance"


def test_variations_go_on_after_a_restart(works: Works) -> None:
    document = drawn(works)
    (row,) = ids(document)
    vary(works.desk, document, row, 4)
    until(lambda: hear(works.desk, document).slots)
    works.again()
    document = works.same(document)
    assert over(works, document).state == "done"
    assert [one for one, _ in seeds(works, document, row)] == [(0,), (1,), (2,), (3,)]


def test_a_page_is_told_how_scenes_stand_when_a_film_is_there_at_once(works: Works) -> None:
    """Its button's answer said that they wait; whoever follows saw them ready before and after."""
    document = works.project(2)
    start(works.desk, document)
    over(works, document)
    rooms = Rooms(works.desk, works.shelf, Samples(works.desk.studio, works.desk.people))

    async def followed() -> dict[str, Any]:
        pushes = follow(rooms, document.id)
        await anext(pushes)
        start(works.desk, document)
        await asyncio.to_thread(over, works, document)
        return await anext(pushes)

    told = asyncio.run(followed())
    rooms.samples.close()
    assert {row: moving["status"] for row, moving in told["rows"].items()} == dict.fromkeys(ids(document), "ready")


def test_what_cannot_be_varied_says_why(works: Works) -> None:
    document = drawn(works)
    (row,) = ids(document)
    for count in (1, 9, 0):
        with pytest.raises(FilmError) as told:
            vary(works.desk, document, row, count)
        assert told.value.hint
    document.change(edited(row, "duration", "abc"))
    with pytest.raises(FilmError, match="not a number"):
        vary(works.desk, document, row, 2)
    with pytest.raises(FilmError, match="gone"):
        vary(works.desk, document, "none", 2)
