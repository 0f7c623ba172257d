"""A project's operations, as two people at two tabs would see them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.presets import Presets
from pipelines.story import MOST_SCENES, plain, read
from pipelines.story_files import load
from pipelines.work import FilmError
from studio.project import (
    CELLS,
    LARGEST,
    MOST_TYPED,
    Change,
    Project,
    alone,
    both,
    edited,
    everywhere,
    inserted,
    moved,
    new_row,
    of,
    of_story,
    removed,
    set_to,
    short,
    story,
    told,
)

ROOT = Path(__file__).parents[1]
NAUGHTY = (
    "${alert(1)}", "</script><script>alert(1)</script>", "\\u0000 \\u00", "{{constructor}}", "{{#each this}}", "`${x}`", "'; drop table jobs; --",
    "<img src=x onerror=alert(1)>", "%s %d %n {0} {title}", "../../etc/passwd", "\u202egnp.exe", "\u0635\u0628\u0627\u062d", "\U0001f3ac\u200d\U0001f468", "=1+1", "NULL", "None", "NaN", "-1e400",
    "a\tb\nc", "\ufeffx", "Z\u0351\u0343alg\u036do",
)  # fmt: skip


def project(*prompts: str) -> Project:
    return Project(tuple(new_row({"prompt": prompt}) for prompt in prompts))


def prompts(of_it: Project) -> list[Any]:
    return [row.cells.get("prompt") for row in of_it.rows]


def test_two_tabs_win_by_operation_and_lose_no_row() -> None:
    start = project("a", "b", "c")
    a, b, c = (row.id for row in start.rows)
    mine: list[Change] = [edited(a, "prompt", "mine"), inserted([new_row({"prompt": "new of mine"})], a), moved(c, 0)]
    yours: list[Change] = [edited(a, "narration", "yours"), removed([b]), edited(b, "prompt", "gone"), inserted([new_row({"prompt": "new of yours"})], b)]
    for order in ([*mine, *yours], [*yours, *mine], [x for pair in zip(mine, yours, strict=False) for x in pair] + yours[3:]):
        after = both(order)(start)
        assert sorted(map(str, prompts(after))) == ["c", "mine", "new of mine", "new of yours"]
        row = after.row(a)
        assert row and row.cells == {"prompt": "mine", "narration": "yours"}
    last = both([edited(a, "prompt", "first"), edited(a, "prompt", "last")])(start)
    assert prompts(last) == ["last", "b", "c"]


operations = st.one_of(
    st.tuples(st.just("edit"), st.integers(0, 9), st.text(max_size=9)),
    st.tuples(st.just("move"), st.integers(0, 9), st.integers(-3, 12)),
    st.tuples(st.just("add"), st.integers(0, 9), st.just("")),
    st.tuples(st.just("delete"), st.integers(0, 9), st.just("")),
)


@given(st.lists(operations, max_size=25))
def test_no_row_is_lost_or_doubled_whatever_is_done(done: list[tuple[str, int, Any]]) -> None:
    now = project(*"abcde")
    for what, which, more in done:
        before = {row.id for row in now.rows}
        identity = now.rows[which].id if which < len(now.rows) else "gone"
        match what:
            case "edit":
                now, there = edited(identity, "narration", more)(now), before
            case "move":
                now, there = moved(identity, more)(now), before
            case "add":
                fresh = new_row({})
                now, there = inserted([fresh], identity)(now), before | {fresh.id}
            case _:
                now, there = removed([identity])(now), before - {identity}
        assert {row.id for row in now.rows} == there and len(now.rows) == len(there)


def test_rows_go_where_they_are_put() -> None:
    start = project("a", "b", "c")
    a, b, c = (row.id for row in start.rows)
    assert prompts(moved(a, 1)(start)) == ["b", "a", "c"]
    assert prompts(moved(a, 99)(start)) == prompts(moved(a, 2)(start)) == ["b", "c", "a"]
    assert prompts(moved(c, -5)(start)) == ["c", "a", "b"]
    assert prompts(inserted([new_row({"prompt": "x"})], b)(start)) == ["a", "b", "x", "c"]
    assert prompts(inserted([new_row({"prompt": "x"})], "gone")(start)) == ["a", "b", "c", "x"]
    assert prompts(everywhere("prompt", "same", [a, c, "gone"])(start)) == ["same", "b", "same"]


@pytest.mark.parametrize("text", NAUGHTY)
def test_what_is_typed_stays_as_it_was_typed(text: str, presets: Presets, tmp_path: Path) -> None:
    start = project("a")
    (row,) = start.rows
    for name in CELLS:
        changed = edited(row.id, name, text)(start).row(row.id)
        assert changed and changed.cells[name] == text
    after = set_to("title", text)(edited(row.id, "narration", text)(start))
    again = of(json.loads(json.dumps(told(after))))
    assert again.title == text and again.rows[0].cells["narration"] == text
    story(again, presets, tmp_path)  # right or wrong, it is read


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (3, 3), (3.0, 3), (2.5, 2.5), ("3.0", "3.0"), (True, "True"), (float("nan"), "nan"), (float("inf"), "inf"), (LARGEST, LARGEST),
        (10**30, str(10**30)), (1e300, 1e300), ("\ud800", "?"), ([1], "[1]"),
    ],
)  # fmt: skip
def test_a_cell_is_text_or_a_number_that_a_browser_can_hold(given: object, kept: object) -> None:
    assert new_row({"seed": given}).cells == {"seed": kept}


@pytest.mark.parametrize("empty", [None, "", "  ", "\n"])
def test_an_empty_cell_is_no_cell(empty: object) -> None:
    start = project("a")
    assert edited(start.rows[0].id, "prompt", empty)(start).rows[0].cells == {}
    assert set_to("size", empty)(Project(settings={"size": "wide"})).settings == {}


def test_a_cell_has_a_limit_and_a_field_a_name() -> None:
    start = project("a")
    identity = start.rows[0].id
    assert len(str(edited(identity, "prompt", "x" * MOST_TYPED)(start).rows[0].cells["prompt"])) == MOST_TYPED
    with pytest.raises(FilmError, match="too many for one cell"):
        edited(identity, "prompt", "x" * (MOST_TYPED + 1))(start)
    for change in (lambda: edited(identity, "id", 1), lambda: set_to("scenes", []), lambda: everywhere("scene_number", 1, [identity])):
        with pytest.raises(FilmError, match="no such field"):
            change()


def test_five_hundred_scenes_and_not_one_more(presets: Presets, tmp_path: Path) -> None:
    full = inserted([new_row({"prompt": str(i)}) for i in range(MOST_SCENES)])(Project())
    assert len(full.rows) == MOST_SCENES
    with pytest.raises(FilmError, match=f"at most {MOST_SCENES}"):
        inserted([new_row({})])(full)
    assert len(of(told(full)).rows) == MOST_SCENES
    with pytest.raises(FilmError, match=f"at most {MOST_SCENES}"):
        of({"scenes": [{}] * (MOST_SCENES + 1)})
    assert edited(full.rows[-1].id, "prompt", "z")(full).rows[-1].cells == {"prompt": "z"}


def test_scenes_come_in_by_their_numbers() -> None:
    scenes = [{"scene_number": "3", "prompt": "c"}, {"scene_number": 1, "prompt": "a"}, {"scene_number": 2.0, "prompt": "b"}]
    assert prompts(of({"scenes": scenes})) == ["a", "b", "c"]
    assert prompts(of({"scenes": [{"prompt": "a"}, {"prompt": "b"}, "no scene", {"scene_number": "x", "prompt": "c"}]})) == ["a", "b", "c"]


def test_a_story_becomes_a_project_and_the_same_story_again(presets: Presets) -> None:
    stills = ROOT / "assets" / "stills"
    film = load(ROOT / "presets" / "stories" / "to-the-sea.json", presets, stills)
    again, faults = story(of_story(film), presets, stills)
    assert not faults and again and plain(again) == plain(film)


def test_everything_that_is_wrong_is_told_at_its_row(presets: Presets, tmp_path: Path) -> None:
    start = Project(tuple(new_row(cells) for cells in ({"prompt": "x", "duration": "long"}, {}, {"prompt": "y", "image": "../x.png"})), {"size": "huge"})
    film, faults = story(start, presets, tmp_path)
    first, second, third = (row.id for row in start.rows)
    assert film is None
    assert [(fault.row, fault.field) for fault in faults] == [("", "size"), (first, "duration"), (second, "image"), (third, "image")]
    assert short(faults[1].message).startswith("Duration: ") and all(fault.hint for fault in faults)


def test_a_scene_alone_has_the_mood_and_seed_of_the_whole_whatever_else_is_wrong(presets: Presets, tmp_path: Path) -> None:
    rows = [{"prompt": "a", "music_mood": "calm"}, {"prompt": "b"}, {}, *({} for _ in range(60))]
    start = Project(tuple(new_row(cells) for cells in rows), {"seed": 7})
    film, faults = alone(start, start.rows[1].id, presets, tmp_path)
    assert film and not faults
    assert (film.mood_of(0), film.seed_of(0), len(film.scenes)) == ("calm", 8, 1)
    _, faults = alone(start, start.rows[2].id, presets, tmp_path)
    assert [(fault.row, fault.field) for fault in faults] == [(start.rows[2].id, "image")]
    with pytest.raises(FilmError, match="gone"):
        alone(start, "gone", presets, tmp_path)


def test_moving_a_row_keeps_the_films_numbers_right(presets: Presets, tmp_path: Path) -> None:
    start = project("a", "b", "c")
    film = read(told(moved(start.rows[2].id, 0)(start)), presets, tmp_path, table=True)
    assert [(scene.scene_number, scene.prompt) for scene in film.scenes] == [(1, "c"), (2, "a"), (3, "b")]
