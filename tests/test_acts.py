"""What a visitor does on the page, without the page: every operation as it comes from a browser, the strange ones too."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from PIL import Image

from pipelines.story import MOST_SCENES
from pipelines.work import FilmError
from studio.desk import Desk
from studio.project import edited, inserted, new_row, set_to
from studio.samples import Samples
from studio.settings import Settings
from studio.shelf import Document, Shelf
from studio.ui import acts, making, opening, views
from studio.ui.acts import act, uploaded
from studio.ui.rooms import Rooms
from tests.test_project import NAUGHTY


@pytest.fixture
def rooms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rooms]:
    uploads = tmp_path / "data" / "uploads"
    uploads.mkdir(parents=True)
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(uploads))
    desk = Desk(Settings(data=tmp_path / "data", online_voices=False))
    made = Rooms(desk, Shelf(tmp_path / "data"), Samples(desk.studio, desk.people))
    yield made
    made.samples.close()
    desk.close()


@pytest.fixture
def document(rooms: Rooms) -> Document:
    document = rooms.shelf.new("me")
    document.change(inserted([new_row({"prompt": text}) for text in "abc"]))
    return document


def upload(rooms: Rooms, name: str, data: bytes | str | tuple[int, int, int]) -> dict[str, str]:
    """A file as the browser sent it, and what it says of it."""
    path = rooms.desk.settings.data / "uploads" / f"{abs(hash((name, data))):x}" / Path(name).name
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(data, tuple):
        Image.new("RGB", (64, 40), data).save(path)
    else:
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return {"path": str(path), "name": name}


def do(rooms: Rooms, document: Document, what: str, selected: str = "", **asked: Any) -> str:
    """-> the row that is chosen then. What the page is sent can be sent."""
    before, after, chosen = act(rooms, document.id, selected, {"what": what, **asked})
    for value in (views.patch(before, after, chosen), views.board(after, chosen), views.dock(after)):
        orjson.dumps(value)
    return chosen


def ids(document: Document) -> list[str]:
    return [row.id for row in document.project.rows]


def prompts(document: Document) -> list[Any]:
    return [row.cells.get("prompt") for row in document.project.rows]


def test_each_row_tool_does_what_it_says(rooms: Rooms, document: Document) -> None:
    a, b, c = ids(document)
    assert do(rooms, document, "select", id=b) == b
    do(rooms, document, "edit", id=a, field="narration", value="said")
    copy = do(rooms, document, "duplicate", id=a)
    assert prompts(document) == ["a", "a", "b", "c"] and ids(document)[1] == copy
    assert do(rooms, document, "delete", copy, id=copy) == b, "the next one is chosen"
    assert do(rooms, document, "delete", c, id=c) == b, "or the last"
    fresh = do(rooms, document, "add", after=a)
    assert ids(document) == [a, fresh, b]
    do(rooms, document, "move", id=b, to=0)
    assert ids(document) == [b, a, fresh]


@pytest.mark.parametrize("what", ["select", "edit", "move", "duplicate", "delete", "only", "reroll", "refresh", "", "nonsense", "__init__"])
def test_an_operation_on_a_row_that_is_gone_does_nothing(rooms: Rooms, document: Document, what: str) -> None:
    version = document.version
    for asked in ({}, {"id": "gone"}, {"id": None}, {"id": ["x"]}, {"id": {"a": 1}, "field": 7, "to": "x"}):
        assert do(rooms, document, what, "kept", **asked) == "kept"
    assert document.version == version and document.works.job == ""


@pytest.mark.parametrize("asked", [{"field": "id", "value": "x"}, {"field": "__class__"}, {"field": None}, {"field": "scene_number", "value": 3}])
def test_fields_that_are_none_are_refused(rooms: Rooms, document: Document, asked: dict[str, Any]) -> None:
    with pytest.raises(FilmError, match="no such field"):
        do(rooms, document, "edit", id=ids(document)[0], **asked)


@pytest.mark.parametrize("value", [*NAUGHTY, None, True, 10**40, 1e308, -1e308, [], {"a": 1}, "x" * 40_000, "9" * 400])
def test_any_value_is_kept_and_the_page_can_still_be_drawn(rooms: Rooms, document: Document, value: Any) -> None:
    for field in ("image", "prompt", "duration", "seed", "voice", "clip_action"):
        do(rooms, document, "edit", id=ids(document)[0], field=field, value=value)
    text = json.dumps(views.board(views.look(rooms, document), ""), allow_nan=False)
    assert len(views.summary(views.look(rooms, document))["length"]) < 9 and text
    if isinstance(value, str):
        row = views.board(views.look(rooms, document), "")["rows"][ids(document)[0]]
        assert row["prompt"] == value


@pytest.mark.parametrize("to", ["x", None, True, 1.5, -(10**9), 10**9, [], "0"])
def test_a_position_that_is_none_loses_no_row(rooms: Rooms, document: Document, to: Any) -> None:
    do(rooms, document, "move", id=ids(document)[1], to=to)
    assert sorted(map(str, prompts(document))) == ["a", "b", "c"]


def test_only_uploaded_files_are_taken(rooms: Rooms, document: Document, tmp_path: Path) -> None:
    outside = tmp_path / "outside.png"
    Image.new("RGB", (9, 9)).save(outside)
    uploads = rooms.desk.settings.data / "uploads"
    (uploads / "link.png").symlink_to(outside)
    good = upload(rooms, "ok.png", (1, 2, 3))
    for path in (str(outside), f"{uploads}/../../outside.png", str(uploads / "link.png"), str(uploads), "", None, "/etc/passwd", "a\0b", f"{uploads}/{'x' * 5000}", f"{uploads}-evil/x.png"):
        with pytest.raises(FilmError, match="not uploaded here"):
            uploaded(path)
        with pytest.raises(FilmError, match="not uploaded here"):
            do(rooms, document, "files", id="", files=[good, {"path": path, "name": "x.png"}])
    assert len(document.project.rows) == 3 and uploaded(good["path"]).is_file()


def test_pictures_become_scenes_in_the_order_of_their_names(rooms: Rooms, document: Document) -> None:
    files = [upload(rooms, f"s{i}.png", (i * 20, 0, 0)) for i in (10, 2, 1)]
    same = [upload(rooms, "folder a/x.png", (0, 9, 0)), upload(rooms, "folder b/x.png", (0, 0, 9))]
    for one in same:
        one["name"] = "x.png"
    chosen = do(rooms, document, "files", id="", files=[*files, *same])
    images = [document.kept(str(row.cells["image"])) for row in document.project.rows[3:]]
    assert [Image.open(image).getpixel((0, 0)) for image in images if image] == [(20, 0, 0), (40, 0, 0), (200, 0, 0), (0, 9, 0), (0, 0, 9)]
    assert chosen == ids(document)[3] and document.undo() and len(document.project.rows) == 3, "all of them in one step"


def test_a_picture_that_is_none_is_named_and_the_others_are_taken(rooms: Rooms, document: Document) -> None:
    with pytest.raises(FilmError, match=r'"bad\.png"'):
        do(rooms, document, "files", id="", files=[upload(rooms, "bad.png", b"no picture"), upload(rooms, "ok.png", (1, 2, 3))])
    assert len(document.project.rows) == 4
    with pytest.raises(FilmError, match=r'"virus\.exe" is not a picture'):
        do(rooms, document, "files", id="", files=[upload(rooms, "virus.exe", b"MZ")])


def test_a_file_dropped_on_a_scene_is_that_scenes(rooms: Rooms, document: Document) -> None:
    a, b, _ = ids(document)
    assert do(rooms, document, "files", id=a, files=[upload(rooms, "p.png", (9, 9, 9))]) == a
    do(rooms, document, "files", id=b, files=[upload(rooms, "v.wav", b"RIFFxxxxWAVE")])
    assert document.kept(str(document.project.rows[0].cells["image"])) and str(document.project.rows[1].cells["voice"]).endswith(".wav")
    assert views.board(views.look(rooms, document), "")["rows"][a]["image"].endswith(".jpg")


def test_a_sound_that_belongs_nowhere_is_not_lost_in_silence(rooms: Rooms, document: Document) -> None:
    with pytest.raises(FilmError, match="A sound belongs to a scene"):
        do(rooms, document, "files", id="", files=[upload(rooms, "v.wav", b"RIFFxxxxWAVE")])


def test_a_table_dropped_on_a_scene_is_not_lost_either(rooms: Rooms, document: Document) -> None:
    do(rooms, document, "files", id=ids(document)[0], files=[upload(rooms, "more.csv", "prompt\nx\n")])
    assert prompts(document) == ["a", "b", "c", "x"]


def test_a_table_brings_its_pictures_and_sounds_its_order_and_its_name(rooms: Rooms) -> None:
    document = rooms.shelf.new("me")
    table = "scene_number,prompt,image,voice\n2,second,P2.PNG,\n1,first,sub/p1.png,say.wav\n"
    files = [upload(rooms, "p1.png", (10, 0, 0)), upload(rooms, "p2.png", (20, 0, 0)), upload(rooms, "say.wav", b"RIFFxxxxWAVE"), upload(rooms, "my_holiday.csv", table)]
    do(rooms, document, "files", id="", files=files)
    assert prompts(document) == ["first", "second"] and document.project.title == "My holiday"
    pixels = [Image.open(str(document.kept(str(row.cells["image"])))).getpixel((0, 0)) for row in document.project.rows]
    assert pixels == [(10, 0, 0), (20, 0, 0)] and str(document.project.rows[0].cells["voice"]).endswith(".wav")
    assert len(document.project.rows) == 2 and not [path for path in document.folder.iterdir() if path.is_dir() and path.name != "pictures"]
    uploads = rooms.desk.settings.data / "uploads"
    assert len([path for path in uploads.rglob("*") if path.is_file()]) == 4, "uploads stay as they were, for whoever sends them twice"


@pytest.mark.parametrize("name", ["\U0001f3ac.csv", "a'b;c.csv", "../../x.csv", "x" * 300 + ".csv"])
def test_a_table_may_be_called_anything(rooms: Rooms, document: Document, name: str) -> None:
    told = upload(rooms, "stripped.csv", "prompt\nx\n")
    do(rooms, document, "files", id="", files=[told | {"name": name}])
    assert prompts(document)[-1] == "x"


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.csv", "colour\nred\n", "a.csv"), ("a.csv", "", "a.csv"), ("a.xlsx", "no workbook", "no workbook"), ("a.json", "{", "a.json"),
        ("a.json", '{"sequence_data": []}', "service"), ("a.zip", b"PK\x03\x04 torn", "damaged"), ("a.csv", "prompt\n" + "x\n" * 501, f"at most {MOST_SCENES}"),
        ("a.txt", b"\0\1\2", "not text"),
    ],
)  # fmt: skip
def test_files_that_cannot_be_read_say_why_and_change_nothing(rooms: Rooms, document: Document, name: str, data: bytes | str, said: str) -> None:
    version = document.version
    with pytest.raises(FilmError) as error:
        do(rooms, document, "files", id="", files=[upload(rooms, name, data)])
    assert said in str(error.value) and str(rooms.desk.settings.data) not in str(error.value) and "story.c" not in str(error.value) and "story.j" not in str(error.value)
    assert document.version == version and sorted(path.name for path in document.folder.iterdir()) == ["project.json"]


@pytest.mark.parametrize("files", [None, [], "x", {}, [7], [{}], [{"path": 7}], [{"path": "x"}] * 501])
def test_lists_of_files_that_are_none_are_refused_or_nothing(rooms: Rooms, document: Document, files: Any) -> None:
    version = document.version
    try:
        do(rooms, document, "files", id="", files=files)
    except FilmError as error:
        assert error.hint
    assert document.version == version


def test_a_pasted_story_is_scenes_and_stays_as_it_was_written(rooms: Rooms) -> None:
    for text, scenes in (
        ("one\ntwo\n\n", ["one", "two"]), ("para one\ngoes on\n\npara two", ["para one goes on", "para two"]), ("a\r\nb", ["a", "b"]),
        ("nul\0l\nb", ["null", "b"]), ("<script>alert(1)</script>\n${x}\n{{y}}", ["<script>alert(1)</script>", "${x}", "{{y}}"]), ("  \n ", []),
    ):  # fmt: skip
        document = rooms.shelf.new("me")
        do(rooms, document, "write", text=text)
        assert prompts(document) == scenes and document.project.title == ""
        assert sorted(path.name for path in document.folder.iterdir()) == ["project.json"]


def test_a_pasted_story_that_is_too_long_says_so(rooms: Rooms) -> None:
    document = rooms.shelf.new("me")
    with pytest.raises(FilmError, match=f"at most {MOST_SCENES}"):
        do(rooms, document, "write", text="line\n" * 501)
    do(rooms, document, "write", text="line\n" * 500)
    assert len(document.project.rows) == MOST_SCENES


def test_a_project_dropped_on_scenes_comes_behind_them(rooms: Rooms, document: Document) -> None:
    document.change(set_to("title", "First"))
    saved = opening.saved(rooms, document.id)
    sent = upload(rooms, "p.zip", saved.read_bytes())
    do(rooms, document, "files", id="", files=[sent])
    assert prompts(document) == ["a", "b", "c"] * 2 and len(set(ids(document))) == 6
    empty = rooms.shelf.new("me")
    do(rooms, empty, "files", id="", files=[sent])
    assert prompts(empty) == ["a", "b", "c"] and empty.project.title == "First"


def test_a_project_is_saved_once_under_its_title(rooms: Rooms, document: Document) -> None:
    for title, name in (("My film!", "My-film.zip"), ("\U0001d49c" * 80, None), ("../../etc", "etc.zip"), ("-rf", "rf.zip"), ("...", "film.zip")):
        document.change(set_to("title", title))
        out = opening.saved(rooms, document.id)
        assert out.parent == document.shown and (name is None or out.name == name)
    assert [path.name for path in document.shown.glob("*.zip")] == ["film.zip"], "those of former titles are gone"


def test_a_bad_project_file_leaves_no_project_behind(rooms: Rooms) -> None:
    before = sorted(path.name for path in rooms.shelf.root.iterdir())
    with pytest.raises(FilmError):
        opening.opened(rooms, "me", Path(upload(rooms, "x.zip", b"no zip")["path"]))
    assert sorted(path.name for path in rooms.shelf.root.iterdir()) == before


def test_a_project_file_with_odd_picture_names_opens(rooms: Rooms, tmp_path: Path) -> None:
    import zipfile

    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("story.json", json.dumps({"scenes": [{"image": name, "seed": 10**30} for name in ("a\0b.png", "x" * 400 + ".png", "..", "/etc/passwd", "gone.png")]}))
    document = opening.opened(rooms, "me", path)
    orjson.dumps(views.board(views.look(rooms, document), ""))
    assert len(document.project.rows) == 5


def test_somebody_elses_project_is_not_there(rooms: Rooms, document: Document) -> None:
    for identity in (document.id, "x" * 24, "", None, "../" + document.id):
        with pytest.raises(FilmError, match="not there any more"):
            opening.mine(rooms, "you", identity)
    assert opening.mine(rooms, "me", document.id) is document
    found, visitor = opening.at_start(rooms, {"visitor": "y" * 24, "project": document.id})
    assert found is not document and visitor == "y" * 24
    for saved in (None, [], "x", {"visitor": 7}, {"visitor": "../x", "project": {}}):
        found, visitor = opening.at_start(rooms, saved)
        assert found.owner == visitor and len(visitor) >= 20 and found.project.rows == ()


def test_settings_are_shared_and_refused_when_they_do_not_fit(rooms: Rooms, document: Document) -> None:
    for name, value in (("size", "160x90"), ("fps", 12), ("title", "Mine"), ("seed", 3), ("music", "x.mp3")):
        document.change(set_to(name, value))
    out = opening.settings_file(rooms, document.id, "\U0001d49c" * 100)
    told = json.loads(out.read_text("utf-8"))
    assert told["size"] == "160x90" and not {"title", "seed", "music"} & set(told)
    other = rooms.shelf.new("me")
    other.change(set_to("look", "noir"))
    assert opening.use_settings(rooms, other.id, out).startswith("\U0001d49c")
    assert other.project.settings == {"look": "noir", "size": "160x90", "fps": 12}
    sent = [{"size": "banana"}, {"fps": float("nan")}, {"fps": True}, {"voice": "/etc/passwd.wav"}, {"quality": "x" * 70_000}]
    for each in (*({"reelwright_settings": 1, **more} for more in sent), {}, [], "x", {"reelwright_settings": 2}):
        file = Path(upload(rooms, "s.json", json.dumps(each))["path"])
        with pytest.raises(FilmError):
            opening.use_settings(rooms, other.id, file)
    for data in (b"\xff\xfe", b"[" * 90_000, b" " * 200_000, b""):
        with pytest.raises(FilmError, match="not a file of settings"):
            opening.use_settings(rooms, other.id, Path(upload(rooms, "s.json", data)["path"]))
    assert other.project.settings == {"look": "noir", "size": "160x90", "fps": 12}


def test_the_sample_is_whole(rooms: Rooms) -> None:
    document = rooms.shelf.new("me")
    opening.sample(rooms, document.id)
    view = views.look(rooms, document)
    assert view.film and not view.faults and document.project.title
    assert all(row["image"] for row in views.board(view, "")["rows"].values())


def test_what_is_pushed_is_what_is_new(rooms: Rooms, document: Document) -> None:
    async def two() -> list[dict[str, Any]]:
        following = making.follow(rooms, document.id)
        first = await anext(following)
        document.change(edited(ids(document)[0], "prompt", "other"))
        document.change(inserted([new_row({"prompt": "new"})]))
        second = await anext(following)
        await following.aclose()
        return [first, second]

    first, second = asyncio.run(two())
    assert set(first["rows"]) == set(ids(document)[:3]) and set(second["rows"]) == {ids(document)[3]}
    assert second["version"] == document.version and second["scenes"] == 4


def test_a_change_during_a_push_is_pushed_next(rooms: Rooms, document: Document, monkeypatch: pytest.MonkeyPatch) -> None:
    real, done = making.look, []

    def slow(at: Rooms, of: Document) -> views.View:
        view = real(at, of)
        if not done:
            done.append(1)
            document.change(set_to("title", "meanwhile"))
        return view

    async def two() -> dict[str, Any]:
        following = making.follow(rooms, document.id)
        await anext(following)
        second = await asyncio.wait_for(anext(following), 5)
        await following.aclose()
        return second

    monkeypatch.setattr(making, "look", slow)
    assert asyncio.run(two())["title"] == "meanwhile"


def test_what_went_wrong_is_told_as_text() -> None:
    evil = "<img src=x onerror=alert(1)>"
    shown = str(acts.sorry(FilmError(evil, evil, "", (FilmError(evil),) * 20)).message)
    assert "<img" not in shown and "&lt;img" in shown and "And 14 more." in shown


def test_a_full_disk_is_said_when_something_is_pasted(rooms: Rooms, document: Document, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room(*_args: Any, **_kwargs: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", no_room)
    monkeypatch.setattr(shutil, "copyfile", no_room)
    with pytest.raises(FilmError, match="The disk is full"):
        do(rooms, document, "write", text="x")
    sent = upload(rooms, "p.png", (1, 1, 1))
    with pytest.raises(FilmError, match="The disk is full"):
        do(rooms, document, "files", id="", files=[sent])
