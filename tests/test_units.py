"""A film's shots over several processes: longest first, warm, one that ends is taken over, all stop when told."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from pipelines import plan, units
from pipelines.cards import devices
from pipelines.crew import Crew
from pipelines.events import Made
from pipelines.moves import Camera
from pipelines.plan import Slate
from pipelines.presets import Presets
from pipelines.render import Studio
from pipelines.vault import Vault, alive
from pipelines.work import Cancelled, FilmError, Tick, idle

from . import whole

FRAME = plan.Frame(64, 48, Fraction(12))
pytestmark = pytest.mark.skipif(not units.possible(), reason="processes cannot be talked to here")


@pytest.fixture(autouse=True, scope="module")
def newcomers() -> Iterator[None]:
    with whole.extras():
        yield


@pytest.fixture(scope="module")
def crew(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crew]:
    made = Crew({"unit": {"marks": str(tmp_path_factory.mktemp("marks"))}, "edge": {"online": False}}, ("one", "two"))
    yield made
    made.close()


def shot(prompts: list[str], folder: Path, crew: Crew, tick: Tick = idle) -> dict[int, Any]:
    folder.mkdir(exist_ok=True)
    told: dict[int, Any] = {}
    slates = []
    for i, prompt in enumerate(prompts):
        asked = plan.Shot(prompt, None, Camera(()), 6 + i, FRAME, "cover", 1)
        slates.append(Slate(asked, folder / f"{folder.name}-{i}.mp4", tick, lambda one, i=i: told.setdefault(i, one), lambda _picture: None))  # type: ignore[misc]
    shoot_all = crew.together("unit")
    assert shoot_all
    shoot_all(slates)
    return told


def test_every_process_works_and_keeps_what_it_has(crew: Crew, tmp_path: Path) -> None:
    told = shot(["a both", "b both", "c both", "fail", "e both", "f both"], tmp_path / "a", crew)
    assert isinstance(told.pop(3), FilmError) and len(told) == 5
    assert {one["device"] for one in told.values()} == {"one", "two"}
    processes = {one["process"] for one in told.values()}
    assert len(processes) == 2 and os.getpid() not in processes
    again = shot(["a", "b", "c"], tmp_path / "b", crew)
    assert {one["process"] for one in again.values()} <= processes, "they are warm"
    assert max(one["films"] for one in again.values()) > 1


def test_the_longest_are_given_out_first(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = [Slate(plan.Shot("", None, Camera(()), frames, FRAME, "cover", 1), Path(), idle, lambda _told: None) for frames in (3, 9, 5, 1, 7, 2, 8, 4)]
    film = units._Film(asked, 2)
    taken = []
    while some := film.take():
        taken.append([one.shot.frames for one in some])
        film.back([], None)
    assert taken == [[9, 8], [7, 5], [4], [3], [2], [1]]


def test_one_that_ends_is_taken_over(crew: Crew, tmp_path: Path) -> None:
    told = shot(["a", "die once", "c", "d", "die", "f"], tmp_path / "dead", crew)
    assert len(told) == 6
    assert isinstance(told[4], FilmError) and "twice" in told[4].message, "it is not tried for ever"
    assert all(not isinstance(told[i], FilmError) for i in (0, 1, 2, 3, 5))


def test_one_that_is_killed_is_taken_over(crew: Crew, tmp_path: Path) -> None:
    before = shot(["a", "b"], tmp_path / "warm", crew)
    victim = before[0]["process"]
    killed = list[int]()

    def tick(done: float) -> None:
        if done > 0.3 and not killed:
            killed.append(victim)
            os.kill(victim, 9)

    told = shot(list("abcdef"), tmp_path / "killed", crew, tick)
    assert killed and all(not isinstance(one, FilmError) for one in told.values()) and len(told) == 6
    assert victim not in {told[0]["process"]} or told[0]["films"] > 0
    assert not alive(victim)


def test_all_stop_when_nobody_wants_them_and_go_on_after(crew: Crew, tmp_path: Path) -> None:
    slow = Crew({"unit": {"pause": 0.2, "marks": str(tmp_path)}}, ("one", "two"))
    began = list[float]()

    def tick(done: float) -> None:
        if done > 0.1:
            began.append(time.monotonic())
            raise Cancelled

    try:
        with pytest.raises(Cancelled):
            shot(list("abcd"), tmp_path / "a", slow, tick)
        assert time.monotonic() - began[0] < 10
        assert not list((tmp_path / "a").glob("*.mp4"))
        assert len(shot(["a"], tmp_path / "b", slow)) == 1
    finally:
        slow.close()


def test_a_film_is_made_by_all_of_them(crew: Crew, presets: Presets, tmp_path: Path) -> None:
    studio = Studio(crew, presets, Vault(tmp_path / "vault"), whole.ROOT / "assets" / "fonts", workers=2)
    rows = [{"image": None, "prompt": f"number {i}", "duration": 0.5, "engine": "unit", "clip_action": "static"} for i in range(4)]
    shown = whole.make(whole.story(presets, tmp_path, rows), studio, tmp_path / "film.mp4")
    assert shown.made["clips"] == [1, 2, 3, 4]
    assert [one.reused for one in shown.events if isinstance(one, Made) and one.stage == "clips"] == [False] * 4


def test_one_card_needs_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = Crew({}, ("one",))
    assert alone.together("unit") == alone.get("clips", "unit").shoot_all
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,3")
    assert devices() == ("cuda:0", "cuda:1")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert devices() == ()
    assert replace(alone).devices == ("one",)
