"""The spreadsheet: a whole table comes back, and exactly what somebody changed in it is changed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from pipelines.story import MOST_SCENES
from pipelines.work import FilmError
from studio.desk import Desk
from studio.project import CELLS, Change, Project, both, edited, inserted, new_row, of, removed
from studio.samples import Samples
from studio.settings import Settings
from studio.shelf import Document, Shelf
from studio.ui.rooms import Rooms
from studio.ui.sheet import COLUMNS, KINDS, TYPED, WIDTHS, Shown, at_once, changes, filled, numbers, replaced
from studio.ui.views import look
from tests.test_project import NAUGHTY


@pytest.fixture
def rooms(tmp_path: Path) -> Iterator[Rooms]:
    desk = Desk(Settings(data=tmp_path / "data", online_voices=False))
    made = Rooms(desk, Shelf(tmp_path / "data"), Samples(desk.studio, desk.people))
    yield made
    made.samples.close()
    desk.close()


@pytest.fixture
def document(rooms: Rooms) -> Document:
    document = rooms.shelf.new("me")
    cells: list[dict[str, Any]] = [{"prompt": "a", "duration": 2.5, "seed": 7}, {"prompt": "b", "narration": "said"}, {"prompt": "c"}]
    document.change(inserted([new_row(each) for each in cells]))
    return document


def table(rooms: Rooms, document: Document) -> tuple[pd.DataFrame, Shown]:
    return filled(look(rooms, document))


def cells(document: Document) -> list[dict[str, Any]]:
    return [dict(row.cells) for row in document.project.rows]


def bare(rows: int) -> tuple[pd.DataFrame, Shown, Project]:
    start = Project(tuple(new_row({"prompt": str(i)}) for i in range(rows)))
    shown = Shown(tuple(row.id for row in start.rows), tuple(tuple(str(row.cells.get(name, "")) for name in TYPED) for row in start.rows))
    frame = pd.DataFrame([[i + 1, "", *said] for i, said in enumerate(shown.cells)], columns=list(COLUMNS))
    return frame, shown, start


def test_every_field_has_a_column_that_has_a_kind_and_a_width() -> None:
    assert set(COLUMNS) == {"scene_number", *CELLS} and len(COLUMNS) == len(KINDS) == len(WIDTHS)
    assert "html" not in KINDS, "a table that is dropped is drawn before we see it"


def test_a_table_that_nobody_touched_changes_nothing(rooms: Rooms, document: Document) -> None:
    frame, shown = table(rooms, document)
    assert list(frame["duration"]) == ["2.5", "", ""] and list(frame["seed"]) == ["7", "", ""]
    version = document.version
    for same in (frame, frame.astype(object), frame.replace("", None), frame.replace("", np.nan), frame.sample(frac=1, random_state=1)):
        document.change(changes(same, shown))
    assert document.version == version


def test_an_edit_changes_that_cell_alone_and_another_tabs_rows_stay(rooms: Rooms, document: Document) -> None:
    frame, shown = table(rooms, document)
    a, b, _ = (row.id for row in document.project.rows)
    theirs: list[Change] = [edited(a, "narration", "theirs"), inserted([new_row({"prompt": "their row"})], a), removed([b])]
    document.change(both(theirs))
    frame.loc[0, "prompt"] = "mine"
    frame.loc[1, "prompt"] = "mine, but it is gone"
    frame.loc[2, "duration"] = "3"
    document.change(changes(frame, shown))
    assert cells(document) == [{"prompt": "mine", "duration": 2.5, "seed": 7, "narration": "theirs"}, {"prompt": "their row"}, {"prompt": "c", "duration": "3"}]


def test_rows_come_and_go_where_they_were_put(rooms: Rooms, document: Document) -> None:
    frame, shown = table(rooms, document)
    empty = dict.fromkeys(COLUMNS, "")
    rows = frame.to_dict("records")
    rows = [empty | {"prompt": "first"}, empty | {"prompt": "second"}, rows[0], empty | {"prompt": "between"}, rows[2], empty]
    document.change(changes(pd.DataFrame(rows), shown))
    assert [row.cells.get("prompt") for row in document.project.rows] == ["first", "second", "a", "between", "c", None]
    assert document.undo() and [row.cells["prompt"] for row in document.project.rows] == ["a", "b", "c"], "in one step"


def test_the_last_row_may_go_and_the_first_may_come(rooms: Rooms, document: Document) -> None:
    frame, shown = table(rooms, document)
    document.change(changes(frame.iloc[0:0], shown))
    assert document.project.rows == ()
    frame, shown = table(rooms, document)
    assert list(frame.columns) == list(COLUMNS) and len(frame) == 0
    document.change(changes(pd.DataFrame([["", "", "typed", *[""] * (len(TYPED) - 1)]], columns=list(COLUMNS)), shown))
    assert cells(document) == [{"prompt": "typed"}]


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (None, None), (float("nan"), None), (np.nan, None), (pd.NA, None), (pd.NaT, None), ("", None), ("  ", None), (True, "True"),
        (np.bool_(False), "False"), (3, "3"), (3.0, "3"), (np.float64(2.5), "2.5"), (np.int64(4), "4"), (1e300, "1e+300"), (float("inf"), "inf"),
        (["x"], "['x']"), ("007", "007"), ("1,5", "1,5"),
    ],
)  # fmt: skip
def test_cells_of_any_kind_are_read_as_what_they_say(value: object, kept: object) -> None:
    frame, shown, start = bare(2)
    frame = frame.astype(object)
    frame.at[1, "duration"] = value
    after = changes(frame, shown)(start)
    assert after.rows[1].cells.get("duration") == kept and after.rows[0] == start.rows[0]


@pytest.mark.parametrize("number", ["", None, np.nan, True, "x", 0, -1, 99, 1e400, "1e5", [1], 2.0])
def test_a_number_that_is_nobodys_makes_a_row_of_its_own_and_loses_none(number: object) -> None:
    frame, shown, start = bare(3)
    frame = pd.concat([frame.astype(object), frame.iloc[[0]].astype(object)], ignore_index=True)
    frame.at[3, "scene_number"] = number
    frame.at[3, "prompt"] = "new"
    after = changes(frame, shown)(start)
    assert [row.cells.get("prompt") for row in after.rows] == ["0", "1", "2", "new"] and after.rows[:3] == start.rows


def test_five_hundred_rows_and_not_one_more() -> None:
    frame, shown, start = bare(MOST_SCENES)
    frame.loc[499, "prompt"] = "last"
    assert changes(frame, shown)(start).rows[-1].cells == {"prompt": "last"}
    more = pd.concat([frame, frame.iloc[[0]].assign(scene_number="")], ignore_index=True)
    with pytest.raises(FilmError, match=f"at most {MOST_SCENES}"):
        changes(more, shown)(start)


def test_a_dropped_table_takes_the_place_of_the_rows(rooms: Rooms, document: Document) -> None:
    document.change(lambda project: Project(project.rows, {"title": "Kept"}))
    dropped = pd.DataFrame({"Prompt": ["y", "x", None], "Scene Number": [2, 1, None], "DURATION": [1.5, np.nan, ""]})
    document.change(changes(dropped, Shown()))
    assert cells(document) == [{"prompt": "x"}, {"prompt": "y", "duration": "1.5"}] and document.project.title == "Kept"
    assert document.undo() and len(document.project.rows) == 3


def test_a_dropped_table_of_our_own_columns_brings_its_pictures() -> None:
    _, shown, start = bare(1)
    own = pd.DataFrame([[1, "a.jpg", "new words", *[""] * (len(TYPED) - 1)], [2, "b.jpg", "more", *[""] * (len(TYPED) - 1)]], columns=list(COLUMNS))
    after = changes(own, shown)(start)
    assert [dict(row.cells) for row in after.rows] == [{"prompt": "new words", "image": "a.jpg"}, {"prompt": "more", "image": "b.jpg"}]


@pytest.mark.parametrize("column", ["colour", "", "id", "<b>x</b>", "rows", "Unnamed: 3"])
def test_a_column_that_is_not_known_is_named_and_nothing_is_changed(column: str) -> None:
    with pytest.raises(FilmError, match="is not known") as refused:
        changes(pd.DataFrame({"prompt": ["x"], column: ["y"]}), Shown())
    assert "narration" in refused.value.hint


def test_a_table_of_too_many_rows_is_refused() -> None:
    with pytest.raises(FilmError, match=f"at most {MOST_SCENES}"):
        changes(pd.DataFrame({"prompt": ["x"] * (MOST_SCENES + 1)}), Shown())(Project())


def test_nothing_that_people_write_is_markup(rooms: Rooms, document: Document, tmp_path: Path) -> None:
    Image.new("RGB", (40, 30), "red").save(tmp_path / "p.png")
    kept = document.keep(tmp_path / "p.png", "p.png")
    rooms.samples.thumb(document, kept)
    rows = [*({name: text for name in CELLS} for text in NAUGHTY), {"image": "x](javascript:alert(1))"}, {"image": '"><script>'}, {"image": kept}]
    document.change(lambda _: of({"scenes": rows}))
    frame, shown = table(rooms, document)
    pictures = list(frame["image"])
    assert pictures[:-1] == [""] * (len(rows) - 1)
    assert pictures[-1].startswith("![](gradio_api/file=/") and pictures[-1].endswith(f"{kept[:24]}.jpg)") and pictures[-1].count("(") == 1
    assert [list(said) for said in shown.cells[: len(NAUGHTY)]] == [[text] * len(TYPED) for text in NAUGHTY]
    for name, kind in zip(COLUMNS, KINDS, strict=True):
        assert kind == {"scene_number": "number", "image": "markdown"}.get(name, "str")


def test_a_folder_with_an_odd_name_cannot_break_out_of_the_picture_cell(tmp_path: Path) -> None:
    data = tmp_path / 'a b)<img src=x onerror="y">[z](w'
    desk = Desk(Settings(data=data, online_voices=False))
    rooms = Rooms(desk, Shelf(data), Samples(desk.studio, desk.people))
    try:
        Image.new("RGB", (40, 30), "red").save(tmp_path / "p.png")
        document = rooms.shelf.new("me")
        kept = document.keep(tmp_path / "p.png", "p.png")
        rooms.samples.thumb(document, kept)
        document.change(inserted([new_row({"image": kept})]))
        cell = filled(look(rooms, document))[0]["image"][0]
        inner = cell.removeprefix("![](").removesuffix(")")
        assert not set(inner) & set(' "<>()[]'), inner
    finally:
        rooms.samples.close()
        desk.close()


def test_one_value_for_many_scenes() -> None:
    _, _, start = bare(10)
    after = at_once(start, "duration", "2", "2-4, 8")(start)
    assert [i + 1 for i, row in enumerate(after.rows) if row.cells.get("duration") == "2"] == [2, 3, 4, 8]
    assert not any("duration" in row.cells for row in at_once(after, "duration", "", "all")(after).rows)
    with pytest.raises(FilmError, match="no such field"):
        at_once(start, "image\0", "x", "all")


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("all", [1, 2, 3, 4, 5]), (" ALL ", [1, 2, 3, 4, 5]), ("", [1, 2, 3, 4, 5]), ("2", [2]), ("2-4", [2, 3, 4]), ("2 - 4", [2, 3, 4]), ("2\u20134", [2, 3, 4]),
        ("5, 1", [1, 5]), ("1;3 4", [1, 3, 4]), ("1,1-2,", [1, 2]), ("5-5", [5]),
    ],
)  # fmt: skip
def test_numbers_as_people_write_them(text: str, chosen: list[int]) -> None:
    assert numbers(text, 5) == chosen


@pytest.mark.parametrize("text", ["0", "6", "4-2", "1-", "-1", "a", "1-2-3", "1.5", "1e3", "\u0663", "99999999999", "1-99999999999", "<b>"])
def test_numbers_that_name_no_scene_are_refused(text: str) -> None:
    with pytest.raises(FilmError, match="names no scene") as refused:
        numbers(text, 5)
    assert "1 to 5" in refused.value.hint


def test_one_text_for_another() -> None:
    start = Project(tuple(new_row(cells) for cells in ({"prompt": "the sea. the sea", "narration": "a (b)"}, {"prompt": "x", "duration": "sea", "music_mood": "sea"})))
    change, count = replaced(start, "sea", "${lake}\\1")
    after = change(start)
    assert count == 2 and after.rows[0].cells["prompt"] == "the ${lake}\\1. the ${lake}\\1" and after.rows[1].cells["duration"] == "sea"
    assert replaced(start, "(b)", "")[0](start).rows[0].cells["narration"] == "a "
    assert replaced(start, "nowhere", "x")[1] == 0
    with pytest.raises(FilmError, match="nothing to find"):
        replaced(start, "", "x")
    long = Project((new_row({"prompt": "e" * 60_000}),))
    with pytest.raises(FilmError, match="too many for one cell"):
        replaced(long, "e", "ee")[0](long)
