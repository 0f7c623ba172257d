"""A project as a file: what is saved comes back, and a stranger's file can do nothing but be refused in words."""

from __future__ import annotations

import io
import json
import os
import random
import shutil
import struct
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pipelines.presets import Presets
from pipelines.story import MOST_SCENES
from pipelines.work import FilmError
from studio import bundle
from studio.bundle import MOST_LISTED, MOST_MEMBERS, STORY, load, save
from studio.project import CELLS, Project, new_row, story
from studio.shelf import FILE, Document, Shelf
from tests.test_project import NAUGHTY

ROOT = Path(__file__).parents[1]
SOUND = b"RIFF$\0\0\0WAVEfmt " + bytes(24)


@pytest.fixture
def document(tmp_path: Path) -> Document:
    return Shelf(tmp_path / "data").new("me")


@pytest.fixture
def picture(tmp_path: Path) -> bytes:
    return (ROOT / "assets" / "stills").glob("*.jpg").__next__().read_bytes()


def packed(path: Path, members: Mapping[str, bytes | str], **told: Any) -> Path:
    with zipfile.ZipFile(path, "w", told.pop("kind", zipfile.ZIP_STORED)) as file:
        for name, data in members.items():
            file.writestr(name, data)
    return path


def asking(*images: str, **more: Any) -> str:
    return json.dumps({"scenes": [{"prompt": "x", "image": image} for image in images], **more})


def around(document: Document) -> dict[str, int]:
    """Everything under the test's folder but the file that is read: to see what is left behind."""
    root = document.folder.parents[2]
    return {str(path.relative_to(root)): path.stat().st_size for path in root.rglob("*") if path.is_file() and path.suffix != ".zip"}


def refused(path: Path, document: Document) -> FilmError:
    before = around(document)
    with pytest.raises(FilmError) as error:
        load(path, document)
    left = {name for name in around(document) if name not in before}
    assert all(name.startswith(f"data/projects/{document.id}/pictures/") for name in left), "nothing but files of ours, in the project's own folder"
    assert error.value.message and error.value.hint
    return error.value


def test_a_project_comes_back_with_its_pictures_and_sounds(document: Document, tmp_path: Path, picture: bytes, presets: Presets) -> None:
    (tmp_path / "p").write_bytes(picture)
    (tmp_path / "s").write_bytes(SOUND)
    image, sound = document.keep(tmp_path / "p", "p.jpg"), document.keep(tmp_path / "s", "s.wav")
    rows = ({"prompt": "a", "image": image, "duration": 2.5}, {"prompt": "b", "image": image, "voice": sound}, {"prompt": "c", "image": "never there.png"})
    written = Project(tuple(new_row(cells) for cells in rows), {"title": "Ti/tle", "music": sound, "voice": sound, "fps": 30})
    document.change(lambda _: written)
    out = tmp_path / "out.zip"
    save(document, out)
    with zipfile.ZipFile(out) as file:
        assert sorted(file.namelist()) == ["pictures/scene_1.jpg", "sounds/voice_2.wav", "story.json"], "each once, under a name to read"
        assert document.id not in file.read(STORY).decode()
    other = Shelf(tmp_path / "elsewhere").new("you")
    found = load(out, other)
    assert [row.cells for row in found.rows] == [row.cells for row in written.rows] and found.settings == written.settings
    assert {path.read_bytes() for path in other.pictures.iterdir()} == {picture, SOUND}
    _, faults = story(found, presets, other.pictures)
    assert [(fault.row, fault.field) for fault in faults] == [(found.rows[2].id, "image")]
    save(document, out)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_the_naughty_strings_come_back_as_they_were(document: Document, tmp_path: Path) -> None:
    rows = tuple(new_row({name: text for name in CELLS}) for text in NAUGHTY)
    document.change(lambda _: Project(rows, {"title": NAUGHTY[0]}))
    save(document, tmp_path / "n.zip")
    found = load(tmp_path / "n.zip", Shelf(tmp_path / "elsewhere").new("you"))
    assert [row.cells for row in found.rows] == [row.cells for row in rows]


def test_many_scenes_may_share_one_large_picture(document: Document, tmp_path: Path, picture: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "MOST_UNPACKED", len(picture) + 10)
    path = packed(tmp_path / "a.zip", {STORY: asking(*["pictures/a.jpg"] * 50), "pictures/a.jpg": picture})
    assert len({row.cells["image"] for row in load(path, document).rows}) == 1
    two = packed(tmp_path / "b.zip", {STORY: asking("a.jpg", "b.jpg"), "a.jpg": picture, "b.jpg": picture + b"x"})
    assert "too large" in refused(two, document).message


@pytest.mark.parametrize(
    "name", ["../evil.png", "../../../evil.png", "/tmp/reelwright-evil.png", "..\\..\\evil.png", "C:\\evil.png", "a/../../evil.png", "project.json.png", "\u202egnp.png", "x" * 400 + ".png"]
)  # fmt: skip
def test_no_name_leads_out_of_the_project(document: Document, tmp_path: Path, name: str, picture: bytes) -> None:
    path = packed(tmp_path / "a.zip", {STORY: asking(name), name: picture})
    before = around(document)
    (row,) = load(path, document).rows
    kept = document.kept(str(row.cells["image"]))
    fresh = [left for left in around(document) if left not in before]
    assert kept and kept.read_bytes() == picture and fresh == [f"data/projects/{document.id}/pictures/{kept.name}"]


def test_files_of_the_machine_are_not_read(document: Document, tmp_path: Path) -> None:
    secret = tmp_path / "secret.png"
    secret.write_bytes(b"secret")
    names = [str(secret), f"file://{secret}", "../../../../secret.png", f"../{FILE}", "/etc/passwd", "a\0b.png", ""]
    found = load(packed(tmp_path / "a.zip", {STORY: asking(*names)}), document)
    assert [row.cells.get("image", "") for row in found.rows] == names and not document.pictures.exists()


def test_links_and_folders_in_the_file_are_not_followed(document: Document, tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(b"secret")
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(STORY, asking("link.png", "folder.png/"))
        link = zipfile.ZipInfo("link.png")
        link.external_attr = 0o120777 << 16
        file.writestr(link, str(tmp_path / "secret.png"))
        file.writestr("folder.png/", b"")
    found = load(path, document)
    kept = document.kept(str(found.rows[0].cells["image"]))
    assert kept and not kept.is_symlink() and kept.read_bytes() == str(tmp_path / "secret.png").encode()
    assert found.rows[1].cells["image"] == "folder.png/"


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_of_two_members_with_one_name_one_is_taken(document: Document, tmp_path: Path, picture: bytes) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(STORY, asking("a.jpg"))
        file.writestr("a.jpg", b"first")
        file.writestr("a.jpg", picture)
        file.writestr(STORY, asking("a.jpg", "a.jpg"))
    assert len(load(path, document).rows) == 2 and len(list(document.pictures.iterdir())) == 1


STRANGE = ["", "[]", "null", "7", '"x"', '{"scenes": {}}', '{"scenes": "x"}', '{"scenes": null}', "{", "\xff", '{"scenes": [', "[" * 100_000, '{"a":' * 50_000, '{"scenes": ' + "1" * 9000 + "}"]


@pytest.mark.parametrize("text", STRANGE, ids=range(len(STRANGE)))
def test_a_story_of_another_shape_is_refused(document: Document, tmp_path: Path, text: str) -> None:
    refused(packed(tmp_path / "a.zip", {STORY: text.encode("latin-1")}), document)


def test_a_story_of_odd_values_is_taken_and_talked_about(document: Document, tmp_path: Path, presets: Presets) -> None:
    scenes = [{"prompt": ["x"], "duration": float("nan"), "seed": 10**40, "image": {"a": 1}, "voice": True}, 7, None, [], {"__proto__": "x", "prompt": "y"}]
    found = load(packed(tmp_path / "a.zip", {STORY: json.dumps({"scenes": scenes, "title": [1], "fps": float("inf"), "rows": "x"})}), document)
    assert len(found.rows) == 2 and found.rows[0].cells["duration"] == "nan" and found.rows[1].cells == {"prompt": "y"}
    film, faults = story(found, presets, document.pictures)
    assert film is None and {fault.field for fault in faults} >= {"duration", "seed", "fps"}
    json.dumps([dict(row.cells) for row in found.rows], allow_nan=False)


def test_too_many_scenes_are_refused_before_their_pictures(document: Document, tmp_path: Path, picture: bytes) -> None:
    path = packed(tmp_path / "a.zip", {STORY: asking(*["a.jpg"] * (MOST_SCENES + 1)), "a.jpg": picture})
    assert f"at most {MOST_SCENES}" in refused(path, document).message and not document.pictures.exists()


def test_other_files_are_no_projects(document: Document, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    for data in (b"", b"PK", b"PK\x05\x06" + bytes(18), b"not a zip at all" * 99, b"\x1f\x8b" + bytes(99), bytes(100_000)):
        path.write_bytes(data)
        refused(path, document)
    assert "not a Reelwright project" in refused(packed(path, {"readme.txt": "x"}), document).message
    refused(packed(path, {STORY: asking("a.txt"), "a.txt": "x"}), document)
    refused(packed(path, {STORY: asking("a.svg"), "a.svg": "<svg/>"}), document)


def test_ten_thousand_members_are_refused(document: Document, tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", {STORY: "{}"} | {f"f{i}.png": b"" for i in range(10_000)})
    assert f"more than {MOST_MEMBERS:,}" in refused(path, document).message


@pytest.mark.parametrize("kind", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_bomb_is_put_down_before_it_fills_memory_or_disk(document: Document, tmp_path: Path, kind: int) -> None:
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", kind) as file:
        file.writestr(zipfile.ZipInfo(STORY), asking("a.png"), zipfile.ZIP_STORED)
        with file.open("a.png", "w") as out:
            for _ in range(300):
                out.write(bytes(1 << 20))
    assert path.stat().st_size < 1 << 20
    in_a_small_room(path)
    assert refused(path, document) and not document.pictures.exists()


def test_a_bomb_in_the_story_and_one_in_the_list_of_members(document: Document, tmp_path: Path) -> None:
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file, file.open(STORY, "w") as out:
        for _ in range(300):
            out.write(b" " * (1 << 20))
    in_a_small_room(path)
    assert "too large" in refused(path, document).message
    one = b"PK\x01\x02" + struct.pack("<4B4HL2L5H2L", 20, 3, 20, 0, 0, 0, 0, 33, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"a"
    members = one * (200_000_000 // len(one) // 4)
    with path.open("wb") as file:
        file.write(members)
        file.write(struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, len(members), 0, 0))
    assert len(members) > MOST_LISTED
    in_a_small_room(path)
    refused(path, document)


SMALL = """
import resource, sys
from pathlib import Path
from pipelines.work import FilmError
from studio.bundle import load
from studio.shelf import Shelf
resource.setrlimit(resource.RLIMIT_DATA, (int(sys.argv[3]), int(sys.argv[3])))
try:
    load(Path(sys.argv[1]), Shelf(Path(sys.argv[2])).new("me"))
except FilmError:
    print("refused")
"""


def in_a_small_room(path: Path) -> None:
    """Reading it needs no more than 160 MB: the interpreter and what it imports included."""
    command = [sys.executable, "-c", SMALL, str(path), str(path.parent / "small"), str(160 * 2**20)]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=60, check=False)
    assert ran.stdout == "refused\n", ran.stderr[-600:]
    shutil.rmtree(path.parent / "small")


def test_a_long_sound_is_not_taken_into_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        file.writestr(STORY, json.dumps({"scenes": [{"prompt": "x", "voice": "a.wav"}, {"image": "b.txt"}]}))
        file.writestr("b.txt", "what is refused in the end")
        with file.open("a.wav", "w") as out:
            for _ in range(300):
                out.write(bytes(1 << 20))
    in_a_small_room(path)


def test_headers_that_lie_and_files_that_are_cut(document: Document, tmp_path: Path, picture: bytes) -> None:
    path = packed(tmp_path / "good.zip", {STORY: asking("a.jpg"), "a.jpg": picture[:5000]})
    good = path.read_bytes()
    assert load(path, document)
    bad = tmp_path / "bad.zip"
    for size in (0, 1, 5, 2**31, 2**32 - 1):
        data = bytearray(good)
        struct.pack_into("<L", data, data.rfind(b"PK\x01\x02") + 24, size)
        bad.write_bytes(data)
        if size < 6:
            refused(bad, document)
        else:  # it says more than there is: there is what there is
            kept = document.kept(str(load(bad, document).rows[0].cells["image"]))
            assert kept and kept.read_bytes() == picture[:5000]
    for cut in (1, 20, 100, len(good) // 2, len(good) - 30):
        bad.write_bytes(good[:-cut])
        refused(bad, document)
    data = bytearray(good)
    for at in (good.find(b"PK\x03\x04"), good.rfind(b"PK\x01\x02")):
        data[at + (6 if data[at + 2] == 3 else 8)] |= 1
    data[good.find(b"PK\x01\x02") + 8] |= 1
    bad.write_bytes(data)
    refused(bad, document)


def test_no_flipped_byte_gets_past_the_words(document: Document, tmp_path: Path, picture: bytes) -> None:
    good = packed(tmp_path / "good.zip", {STORY: asking("a.jpg"), "a.jpg": picture[:3000]}, kind=zipfile.ZIP_DEFLATED).read_bytes()
    drawn, bad = random.Random(1), tmp_path / "bad.zip"
    for _ in range(700):
        data = bytearray(good)
        for _ in range(drawn.randint(1, 6)):
            data[drawn.randrange(len(data))] = drawn.randrange(256)
        bad.write_bytes(data)
        try:
            load(bad, document)
        except FilmError as error:
            assert error.message and error.hint
    assert not [path.name for path in document.folder.iterdir() if path.name not in (FILE, "pictures")]


def test_a_zip_in_a_zip_is_a_file_like_any_other(document: Document, tmp_path: Path) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("zeros", bytes(50_000_000))
    refused(packed(tmp_path / "a.zip", {STORY: asking("b.zip"), "b.zip": inner.getvalue()}), document)
    assert not document.pictures.exists()


def test_a_full_disk_is_said_and_no_half_file_is_left(document: Document, tmp_path: Path, picture: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    path = packed(tmp_path / "a.zip", {STORY: asking("a.jpg"), "a.jpg": picture})
    out = tmp_path / "out.zip"
    found = load(path, document)
    document.change(lambda _: found)
    out.write_bytes(b"the one before")

    def no_room(*_args: Any, **_kwargs: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(zipfile.ZipFile, "writestr", no_room)
    with pytest.raises(FilmError, match="The disk is full"):
        save(document, out)
    assert out.read_bytes() == b"the one before" and sorted(os.listdir(tmp_path)) == ["a.zip", "data", "out.zip"]
