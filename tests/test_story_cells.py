"""The files that a story names: found by odd names, kept in their folder, told when they are not there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from pipelines.presets import Presets
from pipelines.story import plain, read, sound_file
from pipelines.work import FilmError

PRESETS = Presets()


def one(**cells: Any) -> dict[str, Any]:
    return {"scenes": [{"prompt": "a beach"} | cells]}


def faults(data: object, base: Path | None = None) -> tuple[FilmError, ...]:
    with pytest.raises(FilmError) as caught:
        read(data, PRESETS, base)
    return caught.value.faults


def only(data: object, base: Path | None = None) -> FilmError:
    (fault,) = faults(data, base)
    return fault


NAMES = [
    "a'b\".jpg",
    "a,b[c].jpg",
    "-rf.png",
    "two\nlines.png",
    "\u202egnp.jpg",
    "x" * 251 + ".png",
    "%d.png",
    "$(id).png",
    "e\u0301.jpg",
]


@pytest.mark.parametrize("name", NAMES)
def test_odd_picture_names(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"x")
    made = read({"scenes": [{"image": name}]}, PRESETS, tmp_path)
    assert made.scenes[0].image == tmp_path.resolve() / name
    assert read(plain(made, tmp_path.resolve()), PRESETS, tmp_path) == made


def test_paths_stay_in_their_folder(tmp_path: Path) -> None:
    base = tmp_path / "story"
    (base / "sub").mkdir(parents=True)
    (tmp_path / "secret.png").write_bytes(b"x")
    (tmp_path / "story2").mkdir()
    (tmp_path / "story2" / "b.png").write_bytes(b"x")
    (base / "sub" / "a.png").write_bytes(b"x")
    (base / "out.png").symlink_to(tmp_path / "secret.png")
    (base / "in.png").symlink_to("sub/a.png")
    (base / "loop.png").symlink_to("loop.png")
    for text in ("sub/a.png", "./sub/../sub/a.png", " sub/a.png ", "sub\\a.png", "in.png"):
        assert read({"scenes": [{"image": text}]}, PRESETS, base).scenes[0].image == (base / "sub" / "a.png").resolve()
    for text in (
        "../secret.png",
        "out.png",
        "/etc/passwd",
        "../story2/b.png",
        str(tmp_path / "secret.png"),
        "..",
        "..\\secret.png",
    ):
        fault = only({"scenes": [{"image": text}]}, base)
        assert fault.message.endswith("is outside the story's folder.") and fault.where == "scenes[0].image"
    for text in ("sub", "loop.png", "a\0b.png", "x" * 300, "y/" * 3000, "~/x.png", "\ud800.png", "https://x.org/a.png"):
        assert only({"scenes": [{"image": text}]}, base).where == "scenes[0].image"


def test_a_missing_picture_names_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "Beach_1.jpg").write_bytes(b"x")
    fault = only({"scenes": [{"image": "beach1.jpg"}]}, tmp_path)
    assert str(fault) == 'scene 1, image: there is no picture "beach1.jpg". Did you mean "Beach_1.jpg"?'
    assert "Web addresses" in only({"scenes": [{"image": "https://x.org/a.png"}]}, tmp_path).hint


def test_pictures_that_are_empty_huge_or_no_file(tmp_path: Path) -> None:
    (tmp_path / "empty.png").touch()
    with (tmp_path / "huge.png").open("wb") as file:
        file.truncate(40 * 2**20 + 1)
    os.mkfifo(tmp_path / "pipe.png")
    found = faults({"scenes": [{"image": name} for name in ("empty.png", "huge.png", "pipe.png")]}, tmp_path)
    assert [fault.message.split(": ")[1] for fault in found] == [
        '"empty.png" is empty.',
        '"huge.png" has 41 MB, more than 40 MB.',
        '"pipe.png" is not a file.',
    ]


def test_without_a_folder_only_paths_made_by_the_caller(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"x")
    assert read({"scenes": [{"image": tmp_path / "a.png"}]}, PRESETS).scenes[0].image == tmp_path.resolve() / "a.png"
    for image in (str(tmp_path / "a.png"), Path("a.png"), 5, ["a.png"], tmp_path / "b.png"):
        assert only({"scenes": [{"image": image}]}).where == "scenes[0].image"
    assert "voice" in only(one(voice="hello.wav")).message


def test_own_sound_files(tmp_path: Path) -> None:
    for name in ("v 1.wav", "m.MP3"):
        (tmp_path / name).write_bytes(b"x")
    made = read({"music": "m.MP3", **one(voice="v 1.wav")}, PRESETS, tmp_path)
    assert sound_file(made.music) == tmp_path.resolve() / "m.MP3"
    assert sound_file(made.voice_of(0)) == tmp_path.resolve() / "v 1.wav"
    assert sound_file("edge:x") is None and sound_file("auto") is None
    assert "there is no sound file" in only({"music": "n.mp3", **one()}, tmp_path).message
