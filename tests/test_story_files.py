
"""Stories from files: tables, JSON, the service's body, prose, and the pictures beside them."""

from __future__ import annotations

import json
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl  # type: ignore[import-untyped,unused-ignore]
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.presets import Mood, Presets, Quality, Transition
from pipelines.story import Story, plain
from pipelines.story_files import from_body, load, match
from pipelines.story_pictures import natural, picture_names
from pipelines.work import FilmError

PRESETS = Presets(
    transitions={name: Transition(name, "") for name in ("none", "fade", "crossfade", "wipe_left")},
    moods={"calm": Mood("Calm", "", "", ("sea", "quiet")), "epic": Mood("Epic", "", "", ("battle", "hero"))},
    qualities={name: Quality(name, "medium", 5) for name in ("standard", "master")},
)


@pytest.fixture
def told(tmp_path: Path) -> Callable[..., Story]:
    def write(name: str, content: str | bytes) -> Story:
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return load(tmp_path / name, PRESETS)

    return write


def faults(make: Callable[[], object]) -> list[str]:
    with pytest.raises(FilmError) as caught:
        make()
    return [str(fault) for fault in caught.value.faults] or [str(caught.value)]


def pictures(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).write_bytes(b"x")


@pytest.mark.parametrize("sep", [",", ";", "\t"])
@pytest.mark.parametrize("code", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_csv_as_people_save_it(told: Callable[..., Story], sep: str, code: str) -> None:
    lines = [
        ["Narration", "PROMPT", " Clip action ", "duration", "scene-number"],
        ['"Straße, ""so""\nund weiter; Café"', "a street in the morning light", "zoom in", "5", "2"],
        [""] * 5,
        ["Hello there, says everyone in the town", "a beach", "", "2.5", "1"],
    ]
    quoted = [[f'"{cell}"' if "," in cell and cell[0] != '"' else cell for cell in line] for line in lines]
    made = told("my_first-film.csv", "\r\n".join(sep.join(line) for line in quoted).encode(code))
    assert made.title == "My first film"
    assert [scene.duration for scene in made.scenes] == [2.5, 5]
    assert made.scenes[1].narration == 'Straße, "so"\nund weiter; Café' and made.scenes[1].clip_action == "zoom in"


def test_csv_with_a_separator_line_and_decimal_commas(told: Callable[..., Story]) -> None:
    assert told("a.csv", "sep=;\r\nprompt;duration\r\na beach;2,5\r\n").scenes[0].duration == 2.5


def test_csv_columns_and_rows_are_told_all_at_once(told: Callable[..., Story]) -> None:
    text = "prompt,durration,title,prompt,seed\na,1,x,,5\nb,2\nc,99,x,,1\nd,1,x,,3,more\n"
    with pytest.raises(FilmError) as caught:
        told("beach.csv", text)
    assert caught.value.message == "beach.csv has 6 faults." and caught.value.where == "beach.csv"
    assert [fault.message for fault in caught.value.faults] == [
        'There is no column "durration".',
        'There is no column "title".',
        'The column "prompt" is there twice.',
        "line 3: it has 2 cells; the header has 5.",
        "line 5: it has 6 cells; the header has 5.",
        "scene 3, duration: 99 is above 60.",
    ]
    assert caught.value.faults[0].hint.startswith("Did you mean duration?")


def test_a_misspelt_column_is_one_fault(told: Callable[..., Story]) -> None:
    (fault,) = faults(lambda: told("a.csv", "Promt,duration\n" + "a,5\n" * 300))
    assert fault.startswith('There is no column "Promt". Did you mean prompt?')


def test_lines_are_counted_through_quoted_newlines(told: Callable[..., Story]) -> None:
    (fault,) = faults(lambda: told("a.csv", 'prompt,narration\n"a\nb","c\n\nd"\nx\n'))
    assert fault.startswith("line 6: it has 1 cells")


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.csv", "", "the table is empty"),
        ("a.csv", "one,two\n1,2\n", "no header"),
        ("a.csv", "prompt\n", "The story has no scenes."),
        ("a.csv", 'prompt\n"never closed\nb\n', "line 2: the row cannot be read"),
        ("a.csv", "prompt\nПривет\n".encode("cp1251"), "line 2 is not UTF-8"),
        ("a.csv", "prompt,\na,b\n", "line 2: it has 2 cells; the header has 1"),
        ("a.csv", '{"scenes": []}', "holds JSON"),
        ("a.csv", b"PK\x03\x04rest", "holds a workbook"),
        ("a.csv", b"a\0b", "not text"),
        ("a.csv", "<!DOCTYPE html><html>", "web page"),
        ("a.xlsx", "prompt\na\n", "no workbook"),
        ("a.xlsx", b"PK\x03\x04rest", "cannot be read"),
        ("a.xlsx", b"\xd0\xcf\x11\xe0old", "Save it as .xlsx"),
        ("a.docx", "x", "Give .csv"),
        ("a.json", "[1, 2", "line 1, column 6"),
        ("a.json", "[]", "A story is an object"),
        ("a.json", '{"title": "a", "title": "b"}', '"title" is there twice'),
        ("a.json", "[" * 100_000, "nested too deeply"),
        ("a.json", '{"seed": ' + "9" * 5000 + "}", "thousands of digits"),
        ("a.txt", " \n\n", "The story has no scenes."),
        ("a.txt", b"\xff\xfe\x00\xd8\x00", "is not UTF-16"),
    ],
)
def test_files_that_cannot_be_read(told: Callable[..., Story], name: str, content: str | bytes, says: str) -> None:
    with pytest.raises(FilmError) as caught:
        told(name, content)
    assert says in str(caught.value) and caught.value.where == name and caught.value.message.startswith(name)


def test_files_that_are_not_there(tmp_path: Path) -> None:
    (tmp_path / "b.csv").mkdir()
    assert "there is no such file" in faults(lambda: load(tmp_path / "a.csv", PRESETS))[0]
    assert "not a file" in faults(lambda: load(tmp_path / "b.csv", PRESETS))[0]
    with (tmp_path / "c.json").open("wb") as file:
        file.truncate(20 * 2**20 + 1)
    assert "more than 20 MB" in faults(lambda: load(tmp_path / "c.json", PRESETS))[0]


def test_ten_thousand_rows_are_refused_at_once(told: Callable[..., Story]) -> None:
    began = time.monotonic()
    (fault,) = faults(lambda: told("a.csv", "prompt,duration\n" + "a beach,-1\n" * 10_000))
    assert "more than 500 scenes" in fault and time.monotonic() - began < 5


def book(path: Path, *rows: list[Any]) -> None:
    made = openpyxl.Workbook()
    for row in rows:
        made.active.append(row)
    made.create_sheet("notes").append(["not", "read"])
    made.save(path)


def test_xlsx(tmp_path: Path) -> None:
    book(
        tmp_path / "a.xlsx",
        [None],
        ["Scene number", "Prompt", "Narration", "Duration"],
        [2, "b", 1984, 2.5],
        [],
        [1, "a", "Hi\nthere", "5,5"],
    )
    made = load(tmp_path / "a.xlsx", PRESETS)
    assert [(scene.narration, scene.duration) for scene in made.scenes] == [("Hi\nthere", 5.5), ("1984", 2.5)]
    book(tmp_path / "b.xlsx", ["prompt", "durration", None], ["a", 1, "lost"], [None, None, "x"])
    found = faults(lambda: load(tmp_path / "b.xlsx", PRESETS))
    assert found[0].startswith('There is no column "durration".') and "column 3 has no name" in found[1]
    assert len(found) == 3 and found[2].startswith("scene 2, image")


def test_xlsx_bombs_and_long_tables(tmp_path: Path) -> None:
    with (
        zipfile.ZipFile(tmp_path / "a.xlsx", "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("xl/workbook.xml", "w", force_zip64=True) as part,
    ):
        for _ in range(201):
            part.write(bytes(2**20))
    assert "more than 200 MB" in faults(lambda: load(tmp_path / "a.xlsx", PRESETS))[0]
    with zipfile.ZipFile(tmp_path / "b.xlsx", "w") as archive:
        for i in range(1001):
            archive.writestr(f"{i}.xml", "")
    assert "1,000 parts" in faults(lambda: load(tmp_path / "b.xlsx", PRESETS))[0]
    book(tmp_path / "c.xlsx", ["prompt"], *[["a"]] * 600)
    assert "more than 500 scenes" in faults(lambda: load(tmp_path / "c.xlsx", PRESETS))[0]


def test_json(told: Callable[..., Story], tmp_path: Path) -> None:
    made = told("a.json", '\ufeff{"title": "T", "fps": 25, "scenes": [{"prompt": "a", "seed": null}]}')
    assert (made.title, made.fps) == ("T", 25)
    (tmp_path / "b.json").write_text(json.dumps(plain(made)))
    assert load(tmp_path / "b.json", PRESETS) == made
    found = faults(
        lambda: told("c.json", '{"scenes": [{"prompt": "a", "duration": NaN}, {"prompt": 5, "duration": 1e999}]}')
    )
    assert [fault.split(": ")[0] for fault in found] == ["scene 1, duration", "scene 2, prompt", "scene 2, duration"]


def body(**params: Any) -> dict[str, Any]:
    return {
        "sequence_data": [
            {"scene_number": 1, "narration": "Hi", "duration": 5, "clip_action": "pan right"},
            {"scene_number": 2, "music_mood": "epic"},
        ],
        "generation_params": params,
    }


def test_the_services_body(told: Callable[..., Story], tmp_path: Path) -> None:
    pictures(tmp_path, "scene_10.png", "scene_2.png", "x.jpg")
    made = from_body(body(transition_type="Fade", seed=5, fps=25, engine="svd"), PRESETS, tmp_path, quality="master")
    assert [scene.image and scene.image.name for scene in made.scenes] == ["scene_10.png", "scene_2.png"]
    assert (made.transition, made.seed, made.fps, made.quality) == ("fade", 5, 25, "master")
    assert {scene.engine for scene in made.scenes} == {"svd"}
    assert from_body({"sequence_data": body()["sequence_data"]}, PRESETS, tmp_path).transition == "none"
    assert told("my body.json", json.dumps(body(quality="master"))).quality == "master"


def test_the_bodys_faults_name_its_own_fields(tmp_path: Path) -> None:
    pictures(tmp_path, "a.png")
    data = body(transition_type="wype", fps=99, sede=1) | {"extra": 1}
    data["sequence_data"][0] |= {"duration": "5", "image": "/etc/passwd"}
    with pytest.raises(FilmError) as caught:
        from_body(data, PRESETS, tmp_path)
    assert [fault.where for fault in caught.value.faults] == [
        "extra",
        "generation_params.sede",
        "sequence_data[0].image",
        "generation_params.fps",
        "generation_params.transition_type",
        "sequence_data[0].duration",
        "sequence_data[1].image",
    ]
    assert caught.value.faults[4].message.startswith("transition_type: ")
    bad: dict[str, Any]
    for bad in ({}, {"sequence_data": 5}, {"sequence_data": [5]}, {"sequence_data": [], "generation_params": []}):
        with pytest.raises(FilmError):
            from_body(bad, PRESETS, tmp_path)


def test_prose(told: Callable[..., Story]) -> None:
    made = told(
        "a.txt",
        "# The Keeper\n\nA quiet sea\nat dawn.\n\n\n1. The battle starts.\n2) The hero\n falls.\n---\n- The end\n🎉",
    )
    assert made.title == "The Keeper"
    assert [scene.narration for scene in made.scenes] == [
        "A quiet sea at dawn.",
        "The battle starts.",
        "The hero falls.",
        "The end 🎉",
    ]
    assert [scene.music_mood for scene in made.scenes] == ["calm", "epic", "epic", ""]
    assert {scene.clip_action for scene in made.scenes} == {"auto"}
    assert all(scene.prompt == scene.narration for scene in made.scenes)
    assert (
        told("one_day.md", "A **bold** [walk](http://x.org).\n\n## On\nThen `home`.").scenes[0].narration
        == "A bold walk."
    )
    assert "5,001 characters" in faults(lambda: told("b.txt", "a" * 5001))[0]
    assert "more than 500" in faults(lambda: told("c.txt", "1. a\n" * 900))[0]


def test_pictures_follow_in_natural_order(told: Callable[..., Story], tmp_path: Path) -> None:
    pictures(tmp_path, "c10.JPG", "c9.jpg", "b.webp", ".hidden.png", "notes.md", "used.png")
    (tmp_path / "d.png").mkdir()
    (tmp_path / "a.png").symlink_to("/etc/hostname")
    made = told("a.csv", "image,prompt\n,one\nused.png,two\n,three\n,four\n,five\n")
    assert [scene.image and scene.image.name for scene in made.scenes] == [
        "b.webp",
        "used.png",
        "c9.jpg",
        "c10.JPG",
        None,
    ]
    assert picture_names(tmp_path) == ["b.webp", "c9.jpg", "c10.JPG", "used.png"]
    (fault,) = faults(lambda: told("b.csv", "narration\n" + "a\n" * 5))
    assert fault.startswith("scene 5, image: there is no picture and no prompt.")


def test_a_folder_of_pictures_may_be_named(tmp_path: Path) -> None:
    (tmp_path / "stills").mkdir()
    pictures(tmp_path, "wrong.png")
    pictures(tmp_path / "stills", "2.png", "1.png")
    (tmp_path / "a.csv").write_text("narration,image\nHello,\nWorld,2.png\n")
    made = load(tmp_path / "a.csv", PRESETS, tmp_path / "stills")
    assert [scene.image and scene.image.name for scene in made.scenes] == ["1.png", "2.png"]
    assert "folder of pictures" in faults(lambda: load(tmp_path / "a.csv", PRESETS, tmp_path / "none"))[0]


def test_matching_names_to_scenes() -> None:
    assert match(["scene_10.png", "scene_2.png"], [1, 2]) == {1: "scene_10.png", 2: "scene_2.png"}
    assert match(["b.png", "a10.png", "a9.png"], [1, 2, 3]) == {1: "a9.png", 2: "a10.png", 3: "b.png"}
    assert match(["2.png", "1.png"], [1, 2, 3]) == {1: "1.png", 2: "2.png"}
    assert match(["take 2.png", "Scene-002 of 9.png"], [2]) == {2: "Scene-002 of 9.png"}
    assert match(["x_1_of_2.png", "x_2_of_2.png"], [1, 2]) == {1: "x_1_of_2.png", 2: "x_2_of_2.png"}
    assert match([], [1]) == {} and match(["a.png"], []) == {}
    assert sorted(["a10", "a9", "A09b", "a", "10", "9"], key=natural) == ["9", "10", "a", "a9", "A09b", "a10"]


@settings(
    derandomize=True, max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.sampled_from(["csv", "tsv", "json", "txt", "md", "xlsx"]),
    st.binary(max_size=200)
    | st.text(max_size=200).map(str.encode)
    | st.text('prompt,;"\n\t 1.#-', max_size=60).map(lambda t: b"prompt,image\n" + t.encode()),
)
def test_any_file_is_a_story_or_told(tmp_path: Path, kind: str, content: bytes) -> None:
    path = tmp_path / f"a.{kind}"
    path.write_bytes(content)
    try:
        load(path, PRESETS)
    except FilmError as error:
        assert error.where == path.name


@settings(derandomize=True, max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 5000), st.binary(min_size=1, max_size=8))
def test_damaged_workbooks_are_told(tmp_path: Path, at: int, junk: bytes) -> None:
    if not (tmp_path / "good.xlsx").exists():
        book(tmp_path / "good.xlsx", ["prompt", "duration"], ["a", 5])
    raw = (tmp_path / "good.xlsx").read_bytes()
    at %= len(raw)
    (tmp_path / "bad.xlsx").write_bytes(raw[:at] + junk + raw[at + len(junk) :])
    try:
        load(tmp_path / "bad.xlsx", PRESETS)
    except FilmError as error:
        assert error.where == "bad.xlsx"
