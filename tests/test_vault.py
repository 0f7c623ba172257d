"""Parts appear whole or not at all, are made once, and are found again; leftovers go."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from pipelines.vault import Notes, Part, Vault, disk, key, plain, replacing
from pipelines.work import Cancelled, FilmError


class Maker:
    """Builds a part and counts how often it was asked to."""

    def __init__(self, content: bytes = b"frames") -> None:
        self.content = content
        self.times = 0

    def __call__(self, out: Path) -> Notes:
        self.times += 1
        out.write_bytes(self.content)
        return {"words": [["hi", 0.0, 0.5]]}


def left(vault: Vault) -> list[Path]:
    return list((vault.root / "scratch").glob("*"))


def test_a_part_is_made_once_and_found_again(vault: Vault) -> None:
    maker = Maker()
    first = vault.make("span", ".mp4", ["a", 1], maker)
    again = vault.make("span", ".mp4", ["a", 1], maker)
    later = Vault(vault.root).find("span", ".mp4", ["a", 1])
    assert maker.times == 1
    assert (first.reused, again.reused) == (False, True)
    assert again == later == Part(first.path, first.notes, reused=True)
    assert first.path.read_bytes() == b"frames"
    assert first.notes == {"words": [["hi", 0.0, 0.5]]}
    assert json.loads(first.path.with_suffix(".json").read_text("utf-8"))["recipe"] == ["a", 1]
    assert not left(vault)


def test_kind_and_every_number_of_a_recipe_count(vault: Vault) -> None:
    recipes: list[tuple[str, object]] = [("span", [1]), ("take", [1]), ("span", [1.5]), ("span", ["1"]), ("span", [[1]]), ("span", {"a": 1}), ("span", None), ("span", True)]
    assert len({key(kind, recipe) for kind, recipe in recipes}) == len(recipes)


def test_the_order_of_names_does_not_count() -> None:
    assert key("x", {"a": 1, "b": [2, 3]}) == key("x", {"b": (2, 3), "a": 1})


@dataclass(frozen=True)
class Move:
    zoom: float
    rate: Fraction


def test_values_are_told_by_their_fields() -> None:
    assert plain(Move(1.5, Fraction(24000, 1001))) == {"zoom": 1.5, "rate": "24000/1001"}
    assert plain({"text": "Ünï", "none": None, "yes": True}) == {"text": "Ünï", "none": None, "yes": True}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), object(), Path("a"), b"bytes", {1, 2}, Move, lambda: 0], ids=lambda value: type(value).__name__)
def test_a_recipe_holds_plain_data_only(value: object, vault: Vault) -> None:
    maker = Maker()
    with pytest.raises(TypeError, match="recipe"):
        vault.make("span", ".mp4", ["fine", {"deep": [value]}], maker)
    assert not maker.times


@pytest.mark.parametrize("error", [FilmError("No."), Cancelled(), KeyboardInterrupt(), RuntimeError("bug")], ids=lambda e: type(e).__name__)
def test_what_fails_leaves_nothing(error: BaseException, vault: Vault) -> None:
    def build(out: Path) -> Notes:
        out.write_bytes(b"half")
        raise error

    with pytest.raises(type(error)):
        vault.make("span", ".mp4", 1, build)
    assert vault.find("span", ".mp4", 1) is None
    assert not left(vault)
    assert not list(vault.root.rglob("*.mp4"))


@pytest.mark.parametrize("content", [None, b""])
def test_a_maker_that_makes_nothing_is_told_so(content: bytes | None, vault: Vault) -> None:
    def build(out: Path) -> Notes:
        if content is not None:
            out.write_bytes(content)
        return {}

    with pytest.raises(FilmError, match="empty"):
        vault.make("span", ".mp4", 1, build)
    assert vault.find("span", ".mp4", 1) is None


@pytest.mark.parametrize("harm", ["deleted", "emptied", "cut", "grown", "no notes", "torn notes"])
def test_a_damaged_part_is_made_again(harm: str, vault: Vault) -> None:
    maker = Maker(b"0123456789")
    part = vault.make("span", ".mp4", 1, maker)
    side = part.path.with_suffix(".json")
    match harm:
        case "deleted":
            part.path.unlink()
        case "emptied":
            part.path.write_bytes(b"")
        case "cut":
            part.path.write_bytes(b"0123")
        case "grown":
            part.path.write_bytes(b"0123456789more")
        case "no notes":
            side.unlink()
        case "torn notes":
            side.write_text(side.read_text("utf-8")[:20], "utf-8")
    assert vault.find("span", ".mp4", 1) is None
    again = vault.make("span", ".mp4", 1, maker)
    assert (maker.times, again.reused) == (2, False)
    assert again.path.read_bytes() == b"0123456789"
    assert vault.make("span", ".mp4", 1, maker).reused


def test_two_at_once_make_the_same_part_and_both_have_it(vault: Vault) -> None:
    meet = threading.Barrier(2, timeout=10)
    made: list[Part] = []

    def build(out: Path) -> Notes:
        out.write_bytes(b"same")
        meet.wait()
        return {}

    def work() -> None:
        made.append(vault.make("span", ".mp4", 1, build))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert [part.path.read_bytes() for part in made] == [b"same", b"same"]
    assert not left(vault)


def test_a_reader_sees_the_old_file_or_the_whole_new_one(tmp_path: Path) -> None:
    path, sizes = tmp_path / "film.mp4", {1_000_000, 3_000_000}
    path.write_bytes(b"a" * 1_000_000)
    stop, seen = threading.Event(), set()

    def look() -> None:
        while not stop.is_set():
            seen.add(len(path.read_bytes()))

    watcher = threading.Thread(target=look)
    watcher.start()
    for size in (3_000_000, 1_000_000) * 4:
        with replacing(path) as beside, beside.open("wb") as file:
            for _ in range(size // 100_000):
                file.write(b"b" * 100_000)
    stop.set()
    watcher.join()
    assert seen <= sizes
    assert [each.name for each in tmp_path.iterdir()] == ["film.mp4"]


def test_two_who_write_the_same_file_never_mix(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 250 + ".mp4")
    with replacing(path) as one, replacing(path) as other:
        one.write_bytes(b"one")
        other.write_bytes(b"other")
    assert path.read_bytes() == b"one", "the last to finish"
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def ended() -> int:
    """The number of a process that is no more."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_what_killed_processes_left_beside_a_film_goes_with_the_next_one(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    with replacing(path) as beside:
        mine = beside.name.replace(str(os.getpid()), str(ended()))
        (tmp_path / mine).write_bytes(b"half")
        (tmp_path / ".somebody-elses.part.mp4").write_bytes(b"theirs")
        beside.write_bytes(b"new")
    with replacing(path) as beside:
        beside.write_bytes(b"newer")
    assert sorted(each.name for each in tmp_path.iterdir()) == [".somebody-elses.part.mp4", "film.mp4"]


# Sweeping


def filled(vault: Vault, count: int, size: int = 1000) -> list[Part]:
    """Parts, the first one unused for longest."""
    parts = [vault.make("span", ".mp4", i, Maker(b"x" * size)) for i in range(count)]
    now = time.time()
    for i, part in enumerate(parts):
        os.utime(part.path, (now, now - (count - i) * 100))
    return parts


def there(vault: Vault, count: int) -> list[int]:
    paths = [vault._path("span", ".mp4", i) for i in range(count)]
    return [i for i, path in enumerate(paths) if path.exists() and path.with_suffix(".json").exists()]


def test_the_least_recently_used_go_first(vault: Vault) -> None:
    filled(vault, 5)
    assert vault.find("span", ".mp4", 0)
    assert vault.sweep(3000, 1e9) == 2000
    assert there(vault, 5) == [0, 3, 4]
    assert vault.sweep(3000, 1e9) == 0


def test_parts_that_nobody_used_for_long_go(vault: Vault) -> None:
    filled(vault, 5)
    assert vault.sweep(10**9, 250) == 3000
    assert there(vault, 5) == [3, 4]
    assert len(list(vault.root.rglob("*.json"))) == 2


def test_the_work_of_dead_processes_goes_and_that_of_living_ones_stays(vault: Vault) -> None:
    with vault.scratch() as mine:
        (mine / "part.mp4").write_bytes(b"at work")
        dead = vault.root / "scratch" / f"{ended()}-abc"
        dead.mkdir()
        (dead / "part.mp4").write_bytes(b"left")
        vault.tidy()
        assert left(vault) == [mine]
        dead.mkdir()
        vault.sweep(10**9, 1e9)
        assert left(vault) == [mine]
        assert (mine / "part.mp4").read_bytes() == b"at work"
    assert not left(vault)


# What a disk may say


@pytest.mark.parametrize(("number", "said", "remedy"), [
    (errno.ENOSPC, "The disk is full", "finished parts are kept"), (errno.EDQUOT, "The disk is full", "Free some space"),
    (errno.EACCES, "Writing is not allowed: /x", "REELWRIGHT_DATA"), (errno.EROFS, "Writing is not allowed: /x", "Choose another folder"),
    (errno.EIO, "/x: ", "run again"), (errno.ENAMETOOLONG, "/x: ", "run again"), (errno.EISDIR, "/x: ", "run again"),
])  # fmt: skip
def test_a_disk_that_refuses_is_told_in_words(number: int, said: str, remedy: str) -> None:
    with pytest.raises(FilmError) as caught, disk():
        raise OSError(number, os.strerror(number), "/x")
    assert said in caught.value.message
    assert remedy in caught.value.hint


def test_a_full_disk_while_a_part_is_made(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_file: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(FilmError, match="disk is full"):
            vault.make("span", ".mp4", 1, Maker())
    assert vault.find("span", ".mp4", 1) is None
    assert not left(vault)
    assert vault.make("span", ".mp4", 1, Maker()).path.exists()
