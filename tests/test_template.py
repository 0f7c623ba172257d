"""Templates: gaps in a story and what fills them; nothing that is given is read as anything but words."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from pipelines.presets import Presets
from pipelines.story_files import from_body, load
from pipelines.story_formats import table
from pipelines.template import filled, gaps, named
from pipelines.work import FilmError

from . import whole

STORY = {"title": "For {{name}}", "scenes": [{"prompt": "{{place|a harbour}}, {{ name }}", "duration": "{{seconds|4}}", "lower_third": "{{Your Role|}}"}]}


def test_gaps_are_found_with_what_stands_there_otherwise() -> None:
    assert gaps(STORY) == {"name": None, "place": "a harbour", "seconds": "4", "your_role": ""}
    assert gaps({"{{key}}": "{ {no} } {{}} {{1st}} {{a}b}}"}) == {}, "names of fields are no gaps, and other braces are text"


def test_gaps_are_filled_once_with_text_or_numbers() -> None:
    made = filled(STORY, {"NAME": "Anna {{place}}", "seconds": 2.5, "your role": None})
    assert made["title"] == "For Anna {{place}}", "what fills a gap has no gaps"
    assert made["scenes"] == [{"prompt": "a harbour, Anna {{place}}", "duration": 2.5, "lower_third": ""}]
    assert filled({"a": "x {{n}}"}, {"n": 3.0})["a"] == "x 3"
    nothing = {"a": "no gaps"}
    assert filled(nothing, {}) is nothing


@pytest.mark.parametrize(("values", "where", "said"), [
    ({}, "name", "is lacking"),
    ({"name": " "}, "name", "is lacking"),
    ({"name": "x", "nam": "y"}, "nam", "Did you mean name"),
    ({"name": ["x"]}, "name", "text or a number"),
    ({"name": True}, "name", "text or a number"),
    ({"name": "x" * 40_000}, "name", "32,000"),
])  # fmt: skip
def test_what_does_not_fit_is_told_by_the_fields_name(values: dict[str, Any], where: str, said: str) -> None:
    with pytest.raises(FilmError) as error:
        filled(STORY, values)
    assert error.value.where == where and said in str(error.value)


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(FilmError) as error:
        filled({"a": "{{x}} {{y}}"}, {"z": 1})
    assert [fault.where for fault in error.value.faults] == ["z", "x", "y"]


HOSTILE = 'x", "scenes": [], "title": "{{name}}\\u0000\n2,b;c\t|d'


def test_a_value_stays_a_value_in_json_and_in_a_table(tmp_path: Path, presets: Presets) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"title": "T", "scenes": [{"prompt": "{{name}}", "duration": "{{seconds}}"}]}), "utf-8")
    (tmp_path / "b.csv").write_text("prompt,duration\n{{name}},{{seconds}}\n", "utf-8")
    for name in ("a.json", "b.csv"):
        story = load(tmp_path / name, presets, fields={"name": HOSTILE, "seconds": "4,5"})
        assert len(story.scenes) == 1 and story.scenes[0].duration == 4.5
        assert '", "scenes": [], "title": "{{name}}' in story.scenes[0].prompt
    with pytest.raises(FilmError, match=r"a\.json has 2 faults"):
        load(tmp_path / "a.json", presets)


def test_a_picture_named_by_a_field_may_not_leave_the_storys_folder(tmp_path: Path, presets: Presets) -> None:
    (tmp_path / "secret.png").write_bytes(b"x")
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "a.json").write_text('{"scenes": [{"image": "{{picture}}"}]}', "utf-8")
    with pytest.raises(FilmError) as error:
        load(inner / "a.json", presets, fields={"picture": "../secret.png"})
    assert "outside" in str(error.value)


def test_the_sample_template_is_a_story_as_it_is_and_with_every_gap_filled(presets: Presets, tmp_path: Path) -> None:
    path = whole.ROOT / "presets" / "stories" / "invitation.json"
    usual = load(path, presets, tmp_path)
    assert usual.title == "The Harbour Concert" and [scene.card for scene in usual.scenes] == ["title", "", "title", "credits"]
    names = gaps(json.loads(path.read_text("utf-8")))
    assert all(value is not None for value in names.values())
    other = load(path, presets, tmp_path, {"event": "Jazz", "seconds": "6", "size": "tall"})
    assert (other.title, other.scenes[2].duration, other.size) == ("Jazz", 6, "tall")


def test_a_service_body_brings_its_fields(presets: Presets, tmp_path: Path) -> None:
    whole.pictures(tmp_path, 1)
    body = {"sequence_data": [{"scene_number": 1, "narration": "Hello {{name}}", "duration": "{{seconds|3}}"}], "generation_params": {"look": "{{look}}"}}
    story = from_body(body | {"fields": {"name": "Tom", "look": "film noir", "seconds": 5}}, presets, tmp_path)
    assert (story.scenes[0].narration, story.scenes[0].duration, story.look) == ("Hello Tom", 5, "film_noir")
    with pytest.raises(FilmError) as error:
        from_body(body | {"fields": {"name": "Tom"}}, presets, tmp_path)
    assert error.value.where == "fields" and "look" in str(error.value)
    plain = from_body({"sequence_data": [{"scene_number": 1, "narration": "Hello {{name}}"}]}, presets, tmp_path)
    assert plain.scenes[0].narration == "Hello {{name}}", "without fields braces are text"


# A table of fields: one film a row


def test_films_are_named_by_a_column_or_by_number_and_never_lead_elsewhere() -> None:
    rows = [{"film": "../../etc/passwd"}, {"film": "For Tom"}, {"Film": "for tom"}, {"film": ""}, {"film": "con"}, {"film": "Köln 東京"}, {"film": "."}]
    names = named(rows, "story")
    assert names == ["etc-passwd", "For-Tom", "for-tom-2", "story-004", "con-film", "Köln-東京", "story-007"]
    assert all(os.path.basename(name) == name for name in names)


@pytest.mark.parametrize("text", ["name;film\nAnna;a\nTom;b\n", "\ufeffname,film\n\nAnna,a\nTom,b\n", "name\tfilm\nAnna\ta\nTom\tb"])
def test_tables_of_fields_are_read_with_any_separator(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.csv").write_text(text, "utf-8")
    assert table(tmp_path / "a.csv") == [{"name": "Anna", "film": "a"}, {"name": "Tom", "film": "b"}]


def test_a_table_of_fields_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    for text, said in (("", "empty"), ("name,name\na,b\n", "twice"), ("name\n" + "a\n" * 501, "500"), ('name\n"a', "cannot be read")):
        (tmp_path / "a.csv").write_text(text, "utf-8")
        with pytest.raises(FilmError, match=said):
            table(tmp_path / "a.csv")


def test_the_command_line_makes_a_film_of_every_row(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps({
        "size": "160x90", "fps": 12, "music": "none", "captions": "none", "transition": "none",
        "scenes": [{"card": "title", "prompt": "{{name}}", "duration": "{{seconds|1}}"}],
    }), "utf-8")  # fmt: skip
    (tmp_path / "rows.csv").write_text("film,name,seconds\nFor Anna,Anna,\n,Tom,1.5\n", "utf-8")
    done = whole.ran(tmp_path / "data", "render", tmp_path / "a.json", "--fields", tmp_path / "rows.csv", "-o", tmp_path / "films")
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (tmp_path / "films").glob("*.mp4")) == ["For-Anna.mp4", "a-002.mp4"]
    assert whole.count(tmp_path / "films" / "a-002.mp4") == 18
    wrong = whole.ran(tmp_path / "data", "render", tmp_path / "a.json", "--field", "nam=x", "-o", tmp_path / "a.mp4")
    assert wrong.returncode == 1 and "Did you mean name" in wrong.stderr
