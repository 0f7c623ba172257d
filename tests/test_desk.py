"""The desk: a story handed in becomes a film that can be fetched, by its owner."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipelines import ffmpeg, mp4, reel
from pipelines.story import read
from pipelines.work import FilmError
from studio import workshop
from studio.desk import Desk
from studio.jobs import Jobs
from studio.settings import DAY, Settings
from studio.shelf import Shelf

from . import measure


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


def test_a_film_that_was_left_over_begins_when_the_desk_is_there(tmp_path: Path, photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow(Jobs):
        def __init__(self, *given: Any) -> None:
            super().__init__(*given)
            time.sleep(0.3)  # as on a busy machine: its hands are at work, and nobody has it yet

    settings = Settings(data=tmp_path / "data", online_voices=False)
    before = Desk(settings)
    before._jobs._closing = True  # nobody begins it
    job = before.submit(read(story(before, photo), before.presets), "me")
    before.close()
    monkeypatch.setattr("studio.desk.Jobs", Slow)
    after = Desk(settings)
    try:
        assert [one.event for one in after.watch(job) if one and one.n][-1]["event"] == "done"
    finally:
        after.close()


def tone(folder: Path, seconds: float = 2.0) -> Path:
    """A small video that beeps."""
    pictures = [np.full((64, 96, 3), 40 + 2 * n, np.uint8) for n in range(round(12 * seconds))]
    return measure.video(folder / "given.mp4", pictures, 12, tone=300)


def test_a_video_is_made_over_by_its_job_alone(desk: Desk, tmp_path: Path) -> None:
    """Whoever asks, what is to be done is kept in one place, and a door's own notes stay beside it."""
    job = desk.cut("fill", [tone(tmp_path)], {"slow": 2}, "me", told={"door": "mcp"})
    assert [one for one in desk.watch(job) if one][-1].event["event"] == "done"
    assert mp4.count(desk.result(job).film) == 48
    assert desk.story(job) == {} and desk.job(job).told["door"] == "mcp" and desk.job(job).told["cut"]["verb"] == "fill"


def test_stop_ends_what_a_verb_runs(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Here it runs a program that makes no progress and would never end."""

    def endless(*_: object, **__: object) -> None:
        begun.set()
        ffmpeg.run(["-re", "-f", "lavfi", "-i", "anullsrc", "-t", "40", "-f", "null", "-"])

    begun = threading.Event()
    monkeypatch.setattr(reel, "joined", endless)
    job = desk.cut("fill", [tone(tmp_path)], {"slow": 2}, "me")
    assert begun.wait(60)
    desk.cancel(job)
    assert [one for one in desk.watch(job) if one][-1].event["event"] == "stopped"


def test_looking_at_a_video_that_is_made_over_is_cheap(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database is asked when there is something new, not at every look."""
    document = Shelf(tmp_path / "data").new("me")
    assert workshop.newest(desk, document) == workshop.State()
    job = workshop.begin(desk, document, "fill", [tone(tmp_path)], {"slow": 2})
    assert workshop.newest(desk, document).busy and workshop.newest(desk, document).verb == "fill"
    assert [one for one in desk.watch(job) if one][-1].event["event"] == "done"
    first = workshop.newest(desk, document)
    assert first.state == "done" and Path(first.film).is_file() and "same pitch" in first.how
    asked: list[str] = []
    events = desk.events
    monkeypatch.setattr(desk, "events", lambda job: asked.append(job) or events(job))
    assert all(workshop.newest(desk, document) == first for _ in range(50)) and len(asked) < 3
    Path(first.film).unlink()
    assert workshop.newest(desk, document) == workshop.State(), "it was cleared away"


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


def aged(path: Path, seconds: float) -> Path:
    then = time.time() - seconds
    os.utime(path, (then, then))
    return path


def test_what_is_old_is_swept_and_what_is_new_is_not(tmp_path: Path, photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / "data"
    shelf = Shelf(data)
    own = Settings(data=data, online_voices=False, project_days=2, film_days=1)
    desk = Desk(own, also_sweep=lambda: shelf.forget(own.project_days * DAY))
    try:
        job = desk.submit(read(story(desk, photo), desk.presets), "me")
        list(desk.watch(job))
        old, new = shelf.new("me"), shelf.new("me")
        aged(old.folder / "project.json", 3 * DAY)
        aged(new.folder / "project.json", DAY)
        uploads = [data / "uploads" / name / "x.png" for name in ("a" * 40, "b" * 40)]
        for path in uploads:
            path.parent.mkdir(parents=True)
            path.write_bytes(b"x")
        desk.sweep()
        assert all(path.exists() for path in uploads) and desk.result(job).film.is_file() and not old.folder.exists() and shelf.get(new.id) is new
        real = time.time
        monkeypatch.setattr(time, "time", lambda: real() + 1.5 * DAY)
        fresh = data / "uploads" / ("c" * 40) / "y.png"
        fresh.parent.mkdir()
        fresh.write_bytes(b"y")
        aged(fresh, -1.5 * DAY)
        desk.sweep()
        assert not any(path.parent.exists() for path in uploads) and fresh.exists(), "an upload is copied at once by whoever needs it"
        with pytest.raises(FilmError, match="no such film"):
            desk.result(job)
        assert not (desk.films / job).exists() and shelf.get(new.id) is None
    finally:
        desk.close()


def test_the_desk_sweeps_by_itself_and_goes_on_if_it_cannot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio.desk.SETTLED", 0.01)
    monkeypatch.setattr("studio.desk.HOUR", 0.01)
    twice = threading.Semaphore(0)

    def fails() -> None:
        twice.release()
        raise OSError("a folder that may not be read")

    desk = Desk(Settings(data=tmp_path / "data", online_voices=False), also_sweep=fails)
    try:
        assert twice.acquire(timeout=10) and twice.acquire(timeout=10)
    finally:
        desk.close()


def test_a_clock_that_leaps_by_a_year_takes_nothing_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio.desk.SETTLED", 0.01)
    monkeypatch.setattr("studio.desk.HOUR", 0.01)
    data, swept = tmp_path / "data", threading.Semaphore(0)
    data.mkdir()
    (data / "swept").touch()
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 365 * DAY)
    desk = Desk(Settings(data=data, online_voices=False), also_sweep=swept.release)
    try:
        assert not swept.acquire(timeout=0.3), "everything would look a year old"
        monkeypatch.setattr(time, "time", real)
        assert swept.acquire(timeout=10), "the clock is right again"
        monkeypatch.setattr(time, "time", lambda: real() + 365 * DAY)
        monkeypatch.setattr("studio.desk.DOUBT", 0.1)
        while swept.acquire(blocking=False):
            pass
        assert swept.acquire(timeout=10), "it was away for a year indeed"
    finally:
        desk.close()
