"""Projects on a real disk: saved with every change, undone step by step, found again, and forgotten when they are old."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.story_cells import PICTURE_BYTES
from pipelines.work import FilmError
from studio import shelf as shelves
from studio.project import edited, inserted, moved, new_row, removed, set_to
from studio.shelf import FILE, MOST_UNDO, Document, Shelf, Take


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "data")


@pytest.fixture
def document(shelf: Shelf) -> Document:
    return with_rows(shelf, "me", "one", "two")


def with_rows(shelf: Shelf, owner: str, *prompts: str) -> Document:
    document = shelf.new(owner)
    document.change(inserted([new_row({"prompt": prompt}) for prompt in prompts]))
    return document


def prompts(document: Document) -> list[object]:
    return [row.cells.get("prompt") for row in document.project.rows]


def again(shelf: Shelf, document: Document) -> Document:
    """The project as another process finds it."""
    found = Shelf(shelf.root.parent).get(document.id)
    assert found
    return found


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    """A disk without room, from one moment to another; test_a_really_full_disk has a real one."""
    real = Path.write_text

    def no_room(self: Path, *args: object, **kwargs: object) -> int:
        raise OSError(28, "No space left on device", str(self))

    return lambda now: monkeypatch.setattr(Path, "write_text", no_room if now else real)


def test_every_change_is_on_the_disk_when_it_is_made(shelf: Shelf, document: Document) -> None:
    one = document.project.rows[0].id
    for change in (edited(one, "narration", "\u00e9\U0001f600</script>"), set_to("title", "Ti"), moved(one, 1), removed([one])):
        document.change(change)
        found = again(shelf, document)
        assert found.project == document.project and found.owner == "me"
    assert not [path for path in document.folder.iterdir() if path.name != FILE], "nothing else is left"


def test_what_was_made_is_found_again_too(shelf: Shelf, document: Document) -> None:
    one = document.project.rows[0].id
    made = {"made": {one: "sign"}, "takes": {one: (Take(7, "a.mp4"),)}, "failed": {one: ("It broke.", "Mend it.", "sign")}}
    document.note(lambda works: replace(works, job="j", heard=3, film="f", film_sign="s", **made))
    assert again(shelf, document).works == document.works
    assert not document.undo() or prompts(document) == [], "what was made is no step to undo"


def test_a_tab_that_was_open_during_a_restart_is_told_of_everything(shelf: Shelf, document: Document) -> None:
    for i in range(5):
        document.change(set_to("title", str(i)))
    seen, found = document.version, again(shelf, document)
    assert found.version == seen
    found.change(set_to("title", "later"))
    assert found.version > seen


def test_undo_and_redo_go_step_by_step(document: Document) -> None:
    one = document.project.rows[0].id
    for text in ("a", "b", "c"):
        document.change(edited(one, "prompt", text))
    assert document.undo() and prompts(document) == ["b", "two"]
    assert document.undo() and document.redo() and prompts(document) == ["b", "two"]
    document.change(edited(one, "prompt", "d"))
    assert not document.redo(), "what was undone is gone once something else is done"
    assert [document.undo() for _ in range(5)] == [True, True, True, True, False] and prompts(document) == []
    assert not document.undo()


def test_typing_is_one_step_until_something_else_is_done(document: Document) -> None:
    one, two = (row.id for row in document.project.rows)
    for text in ("h", "he", "hey"):
        document.change(edited(one, "prompt", text), f"{one}.prompt")
    document.change(edited(two, "prompt", "x"), f"{two}.prompt")
    document.change(edited(one, "prompt", "hey!"), f"{one}.prompt")
    seen = []
    while document.undo():
        seen.append(prompts(document))
    assert seen == [["hey", "x"], ["hey", "two"], ["one", "two"], []]


def test_typing_after_a_pause_is_another_step(document: Document, monkeypatch: pytest.MonkeyPatch) -> None:
    one = document.project.rows[0].id
    document.change(edited(one, "prompt", "h"), "g")
    monkeypatch.setattr(shelves, "TYPING", -1.0)
    document.change(edited(one, "prompt", "he"), "g")
    assert document.undo() and prompts(document) == ["h", "two"]


def test_what_changes_nothing_is_no_step_and_no_news(document: Document) -> None:
    version = document.version
    document.change(edited("gone", "prompt", "x"))
    document.change(edited(document.project.rows[0].id, "prompt", "one"))
    document.note(lambda works: replace(works))
    assert (document.version, document.news) == (version, 0)


def test_undo_has_an_end_and_takes_no_more_memory_then(document: Document) -> None:
    for i in range(MOST_UNDO + 30):
        document.change(set_to("title", str(i)))
    count = 0
    while document.undo():
        count += 1
    assert count == MOST_UNDO


def test_a_full_disk_leaves_what_was_there_and_undo_stays_right(shelf: Shelf, document: Document, full: Callable[[bool], None]) -> None:
    one = document.project.rows[0].id
    document.change(edited(one, "prompt", "kept"))
    document.undo()
    before = (document.project, document.version)
    full(True)
    for attempt in (
        lambda: document.change(edited(one, "prompt", "lost")), document.redo, document.undo,
        lambda: document.note(lambda works: replace(works, film="lost")),
    ):  # fmt: skip
        with pytest.raises(FilmError, match="The disk is full"):
            attempt()
    full(False)
    assert (document.project, document.version) == before and document.works.film == ""
    assert again(shelf, document).project == document.project
    assert document.redo() and prompts(document) == ["kept", "two"], "what had been undone is still there"
    assert document.undo() and prompts(document) == ["one", "two"]
    assert document.undo() and prompts(document) == [] and not document.undo()


def test_many_at_once_lose_nothing(shelf: Shelf) -> None:
    document = shelf.new("me")

    def work(who: int) -> None:
        for i in range(12):
            found = shelf.get(document.id)
            assert found is document
            found.change(inserted([new_row({"prompt": f"{who}.{i}"})]))

    threads = [threading.Thread(target=work, args=(who,)) for who in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, prompts(document))) == sorted(f"{who}.{i}" for who in range(4) for i in range(12))
    assert again(shelf, document).project == document.project


@pytest.mark.parametrize(
    "identity",
    ["", "..", "../x", "a/../../../etc/passwd", "/etc/passwd", "x" * 24, "x" * 5000, "a\0b" * 8, "....................", "%2e%2e%2f" * 3, None, 7, {}, ["x"], True],
)
def test_an_id_that_is_not_ours_opens_nothing(shelf: Shelf, document: Document, identity: object) -> None:
    (shelf.root.parent / FILE).write_text("{}", "utf-8")
    assert shelf.get(identity) is None


def test_a_project_file_that_is_none_is_not_there(shelf: Shelf, document: Document) -> None:
    for told in ("", "[1]", '{"rows": [', "null"):
        (document.folder / FILE).write_text(told, "utf-8")
        assert Shelf(shelf.root.parent).get(document.id) is None


def test_visitors_see_their_own_the_newest_first(shelf: Shelf) -> None:
    mine = [with_rows(shelf, "me", text) for text in "abc"]
    theirs = with_rows(shelf, "you", "x")
    for i, each in enumerate((mine[1], theirs, mine[0], mine[2])):
        os.utime(each.folder / FILE, (1e9 + i, 1e9 + i))
    for opened in (shelf, Shelf(shelf.root.parent)):
        assert [document.id for document, _ in opened.of("me")] == [mine[2].id, mine[0].id, mine[1].id]
        assert [document.id for document, _ in opened.of("you")] == [theirs.id]
        assert list(opened.of("")) == [] == list(opened.of("nobody"))


def test_only_so_many_are_held_and_one_in_use_stays_the_same(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelves, "MOST_OPEN", 3)
    used = with_rows(shelf, "me", "a")
    others = [with_rows(shelf, "me", str(i)).id for i in range(6)]
    assert shelf.get(used.id) is used
    assert len(shelf._open) <= 4
    found = shelf.get(others[0])
    assert found and prompts(found) == ["0"], "what was let go is read again"


def test_old_projects_go_with_all_they_have_and_others_stay(shelf: Shelf, tmp_path: Path) -> None:
    old, new = with_rows(shelf, "me", "old"), with_rows(shelf, "me", "new")
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"film")
    for each in (old, new):
        each.show(clip, "clip.mp4")
    then = time.time() - 1000
    os.utime(old.folder / FILE, (then, then))
    torn, left = shelf.root / "torn", shelf.shown / "nobodys"
    for folder in (torn, left):
        folder.mkdir()
    os.utime(torn, (then, then))
    assert set(shelf.forget(500)) == {old.id, "torn", "nobodys"}
    assert shelf.get(old.id) is None and not old.folder.exists() and not old.shown.exists()
    assert shelf.get(new.id) is new and (new.shown / "clip.mp4").read_bytes() == b"film"
    assert [document.id for document, _ in shelf.of("me")] == [new.id]
    assert clip.read_bytes() == b"film"


def test_pictures_and_sounds_are_kept_under_names_of_ours(document: Document, tmp_path: Path) -> None:
    upload = tmp_path / "upload"
    upload.write_bytes(b"some picture")
    names = ["holiday.JPG", "../../x.png", "a'b;[c].webp", "-rf.mp3", "\u202egnp.wav", "x" * 300 + ".png"]
    kept = [document.keep(upload, name) for name in names]
    for name in kept:
        stem, _, ending = name.partition(".")
        assert len(stem) == 24 and set(stem) <= set("0123456789abcdef") and f".{ending}" in (".jpg", ".png", ".webp", ".mp3", ".wav")
        found = document.kept(name)
        assert found and found.read_bytes() == b"some picture"
    assert sorted(path.name for path in document.pictures.iterdir()) == sorted(set(kept)), "the same file is there once"
    assert upload.exists()


@pytest.mark.parametrize("name", ["x.svg", "x.html", "x", "", ".png", "x.png.exe", "x.m3u8", "x.wmv", "png"])
def test_other_kinds_are_refused_by_name(document: Document, tmp_path: Path, name: str) -> None:
    upload = tmp_path / "upload"
    upload.write_bytes(b"x")
    with pytest.raises(FilmError, match="no picture, no video and no sound") as refused:
        document.keep(upload, name)
    assert ".png" in refused.value.hint and not document.pictures.exists()


def test_empty_and_huge_ones_are_refused_and_nothing_is_copied(document: Document, tmp_path: Path) -> None:
    upload = tmp_path / "upload"
    upload.touch()
    with pytest.raises(FilmError, match="is empty"):
        document.keep(upload, "a.png")
    os.truncate(upload, PICTURE_BYTES + 1)
    with pytest.raises(FilmError, match="more than 40 MB"):
        document.keep(upload, "a.png")
    assert document.keep(upload, "a.wav"), "a sound may be longer"


@pytest.mark.parametrize("name", ["", "..", "../project.json", "project.json", "x" * 400 + ".png", "a\0b.png", "/etc/passwd", "0" * 24 + ".png"])
def test_a_cell_that_names_no_kept_file_reaches_none(document: Document, name: str) -> None:
    assert document.kept(name) is None


def test_two_may_show_the_same_file_at_once(document: Document, tmp_path: Path) -> None:
    files = [tmp_path / f"{i}.mp4" for i in range(20)]
    wrong: list[BaseException] = []
    for file in files:
        file.write_bytes(file.name.encode() * 1000)

    def show() -> None:
        try:
            for file in files:
                document.show(file, file.name)
        except FilmError as error:
            wrong.append(error)

    threads = [threading.Thread(target=show) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong and sorted(path.name for path in document.shown.iterdir()) == sorted(file.name for file in files)
    assert all((document.shown / file.name).read_bytes() == file.read_bytes() for file in files)
