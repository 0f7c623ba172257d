"""The desk: a story handed in becomes a film that can be fetched, by its owner."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines import mp4
from pipelines.story import read
from pipelines.work import FilmError
from studio.desk import Desk
from studio.settings import Settings


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    opened = Desk(Settings(data=tmp_path / "data", online_voices=False))
    yield opened
    opened.close()


def story(desk: Desk, photo: Path) -> dict[str, object]:
    scene = {"image": photo.resolve(), "duration": 0.5, "narration": "", "clip_action": "pan left"}
    return {"title": "Two", "scenes": [scene, scene], "size": "160x90", "quality": "draft", "music": "none", "transition": "none"}


def test_a_story_becomes_a_film_that_can_be_fetched(desk: Desk, photo: Path) -> None:
    job = desk.submit(read(story(desk, photo), desk.presets), "me", told={"project": "p"})
    told = [one.event["event"] for one in desk.watch(job) if one and one.n]
    assert told[-1] == "done" and "made" in told
    found = desk.result(job)
    assert mp4.count(found.film) == 24 and found.timeline and found.timeline.is_file() and found.srt is None
    assert desk.job(job).told == {"project": "p"} and desk.story(job)["title"] == "Two"


def test_a_fault_is_told_by_its_place(desk: Desk, photo: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"no picture")
    asked = story(desk, photo)
    asked["scenes"] = [*asked["scenes"], {"image": bad, "duration": 0.5}]  # type: ignore[misc]
    job = desk.submit(read(asked, desk.presets), "me")
    last = [one for one in desk.watch(job) if one][-1].event
    assert last["event"] == "failed" and last["where"] == "scenes[2].image"
    with pytest.raises(FilmError, match="not made yet"):
        desk.result(job)


def test_nobody_sees_what_is_somebody_elses(desk: Desk, photo: Path) -> None:
    job = desk.submit(read(story(desk, photo), desk.presets), "me")
    with pytest.raises(FilmError) as theirs:
        desk.job(job, "you")
    with pytest.raises(FilmError) as none:
        desk.job("x" * 24, "you")
    assert str(theirs.value) == str(none.value)
    list(desk.watch(job))


def test_the_catalog_names_everything_as_plain_json(desk: Desk) -> None:
    found = json.loads(json.dumps(desk.catalog()))
    assert "zoom_in" in found["moves"] and "calm" in found["moods"]
    assert {one["name"] for one in found["engines"]} >= {"camera", "espeak", "edge", "bandstand"}
    assert next(one for one in found["engines"] if one["name"] == "edge")["missing"]
