"""What a visitor sees of films being made: how every scene stands, what went wrong, and what a restart leaves. Real films."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pipelines import mp4
from pipelines.events import Began, Fault, Made, Moved
from pipelines.work import FilmError
from studio import production
from studio.desk import Desk
from studio.jobs import Emit, Told
from studio.production import State, hear, reroll, sign, signs, start, stop
from studio.project import Project, edited, inserted, moved, new_row, removed, set_to
from studio.settings import Settings
from studio.shelf import Document, Shelf
from tests import whole

SMALL = {"title": "Small", "size": "160x90", "quality": "draft", "music": "none", "transition": "none", "fps": 12}


@dataclass
class Works:
    """One data folder; `again` is the studio after a restart."""

    data: Path
    pictures: Path
    desk: Desk
    shelf: Shelf

    def again(self) -> None:
        self.desk.close()
        self.desk, self.shelf = Desk(Settings(data=self.data, online_voices=False)), Shelf(self.data)

    def project(self, count: int = 2, **settings: Any) -> Document:
        document = self.shelf.new("me")
        kept = [document.keep(self.pictures / f"p{i + 1}.png", "p.png") for i in range(count)]
        rows = tuple(new_row({"image": name, "duration": 0.5, "clip_action": "pan left"}) for name in kept)
        document.change(lambda _: Project(rows, SMALL | settings))
        return document

    def same(self, document: Document) -> Document:
        found = self.shelf.get(document.id)
        assert found
        return found


@pytest.fixture
def works(tmp_path: Path) -> Iterator[Works]:
    data = tmp_path / "data"
    made = Works(data, whole.pictures(tmp_path / "p", 3, (200, 120)), Desk(Settings(data=data, online_voices=False)), Shelf(data))
    yield made
    made.desk.close()


def until(true: Callable[[], Any], patience: float = 60.0) -> Any:
    end = time.monotonic() + patience
    while not (found := true()):
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.01)
    return found


def over(works: Works, document: Document) -> State:
    """How it stands once nothing is made any more."""

    def rested() -> State | None:
        state = hear(works.desk, document)
        return None if state.busy else state

    found: State = until(rested)
    return found


def statuses(state: State, document: Document) -> list[str]:
    return [state.rows[row.id].status for row in document.project.rows]


def ids(document: Document) -> list[str]:
    return [row.id for row in document.project.rows]


def made_anew(works: Works, job: str) -> list[int]:
    """Scenes whose own clips that job had to make."""
    events = [stamped.event for stamped in works.desk.events(job)]
    return sorted(int(event["scene"]) for event in events if event["event"] == "made" and event["stage"] == "film" and not event["reused"])


def test_from_draft_to_a_film_an_edit_and_the_new_film(works: Works) -> None:
    document = works.project(3)
    state = hear(works.desk, document)
    assert (state.state, statuses(state, document)) == ("idle", ["draft"] * 3)
    job = start(works.desk, document)
    state = over(works, document)
    assert (state.state, state.share, statuses(state, document), state.made, state.total) == ("done", 1.0, ["ready"] * 3, 3, 3)
    assert mp4.count(works.desk.result(document.works.film).film) == 18 and document.works.film == job
    for takes in document.works.takes.values():
        assert mp4.count(document.shown / takes[-1].clip) == 6
    assert document.works.film_sign == sign(document.project)
    second = ids(document)[1]
    document.change(edited(second, "clip_action", "zoom in"))
    assert statuses(hear(works.desk, document), document) == ["ready", "changed", "ready"]
    assert document.works.film_sign != sign(document.project), "the film is an older one now"
    again = start(works.desk, document)
    assert statuses(over(works, document), document) == ["ready"] * 3 and made_anew(works, again) == [2]
    assert document.works.film == again and document.works.film_sign == sign(document.project)
    document.undo()
    assert statuses(hear(works.desk, document), document) == ["ready", "changed", "ready"]


def test_what_does_not_change_a_clip_does_not_make_it_changed(works: Works) -> None:
    document = works.project()
    start(works.desk, document)
    over(works, document)
    one = ids(document)[0]
    for change in (edited(one, "music_mood", "calm"), edited(one, "engine", "auto"), set_to("title", "Other"), set_to("music_level", 9)):
        document.change(change)
        assert statuses(hear(works.desk, document), document) == ["ready", "ready"]
    document.change(moved(one, 1))
    assert statuses(hear(works.desk, document), document) == ["ready", "ready"], "their moves are what they were"
    document.change(set_to("look", "noir"))
    assert statuses(hear(works.desk, document), document) == ["changed", "changed"]


def test_a_move_that_is_drawn_changes_with_the_scenes_place(works: Works) -> None:
    document = works.project()
    for row in ids(document):
        document.change(edited(row, "clip_action", ""))
    before = signs(document.project)
    document.change(inserted([new_row({"prompt": "x"})]))
    assert {row: signs(document.project)[row] for row in before} == before, "what stands before it stays"
    document.change(moved(ids(document)[2], 0))
    assert not {row for row in before if signs(document.project)[row] == before[row]}
    document.change(edited(ids(document)[1], "clip_action", "auto"))
    assert signs(document.project)[ids(document)[1]] != before[ids(document)[1]]


def test_only_this_makes_one_scene_and_says_so(works: Works) -> None:
    document = works.project(3)
    row = ids(document)[1]
    document.change(edited(ids(document)[2], "duration", "nonsense"))
    job = start(works.desk, document, row)
    state = over(works, document)
    assert (state.kind, state.made, state.total) == ("scene", 1, 1)
    assert statuses(state, document) == ["draft", "ready", "draft"], "what is wrong with another scene does not matter"
    assert document.works.film == "" and document.works.job == job
    document.change(edited(ids(document)[2], "duration", 0.5))
    film = start(works.desk, document)
    assert statuses(over(works, document), document) == ["ready"] * 3 and made_anew(works, film) == [1, 3], "the clip alone is the film's own"


def test_only_this_says_what_is_wrong_with_it_without_a_wrong_number(works: Works) -> None:
    document = works.project(3)
    document.change(edited(ids(document)[1], "duration", "nonsense"))
    with pytest.raises(FilmError) as error:
        start(works.desk, document, ids(document)[1])
    assert error.value.message.startswith("Duration: ") and error.value.where == ids(document)[1]
    with pytest.raises(FilmError, match=r"^scene 2, duration"):
        start(works.desk, document)
    with pytest.raises(FilmError, match="gone"):
        start(works.desk, document, "gone")
    assert document.works.job == "" and works.desk.jobs("me") == []


def test_another_take_has_another_seed_and_all_are_kept(works: Works) -> None:
    document = works.project(1)
    row = ids(document)[0]
    document.change(edited(row, "clip_action", "shake"))
    for seed in (1, 2, 1):
        document.change(edited(row, "seed", seed))
        start(works.desk, document, row)
        over(works, document)
    assert [take.seed for take in document.works.takes[row]] == [2, 1], "the one that is shown is the last"
    reroll(document, row)
    assert statuses(hear(works.desk, document), document) == ["changed"]
    start(works.desk, document, row)
    over(works, document)
    takes = document.works.takes[row]
    assert len(takes) == 3 and takes[-1].seed == document.project.rows[0].cells["seed"] and len({take.clip for take in takes}) == 3
    assert all((document.shown / take.clip).is_file() for take in takes)
    assert document.undo() and document.project.rows[0].cells["seed"] == 1


def test_only_so_many_takes_are_kept(works: Works, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(production, "MOST_TAKES", 2)
    document = works.project(1)
    row = ids(document)[0]
    document.change(edited(row, "clip_action", "shake"))
    for seed in (1, 2, 3):
        document.change(edited(row, "seed", seed))
        start(works.desk, document, row)
        over(works, document)
    assert [take.seed for take in document.works.takes[row]] == [2, 3]


def test_a_scene_that_fails_says_why_and_the_others_are_made(works: Works) -> None:
    document = works.project(3)
    bad = ids(document)[1]
    spoilt = works.pictures / "bad.png"
    spoilt.write_bytes(b"\x89PNG no picture")
    good = document.project.rows[1].cells["image"]
    document.change(edited(bad, "image", document.keep(spoilt, "bad.png")))
    job = start(works.desk, document)
    state = over(works, document)
    assert (state.state, statuses(state, document)) == ("failed", ["ready", "failed", "ready"])
    assert state.rows[bad].said.startswith("Image: ") and state.rows[bad].hint and "scene 2" not in state.rows[bad].said
    assert state.said and document.works.film == "" and made_anew(works, job) == [1, 3]
    assert works.same(document).works.failed[bad][0] == state.rows[bad].said
    document.change(edited(bad, "image", good))
    assert statuses(hear(works.desk, document), document) == ["ready", "draft", "ready"], "it is another picture now"
    document.undo()
    assert statuses(hear(works.desk, document), document)[1] == "failed"
    document.redo()
    again = start(works.desk, document)
    assert statuses(over(works, document), document) == ["ready"] * 3 and made_anew(works, again) == [2]


def test_a_restart_changes_nothing_that_is_seen(works: Works) -> None:
    document = works.project(2)
    spoilt = works.pictures / "bad.png"
    spoilt.write_bytes(b"\x89PNG no picture")
    document.change(edited(ids(document)[1], "image", document.keep(spoilt, "bad.png")))
    start(works.desk, document)
    before = over(works, document)
    works.again()
    found = works.same(document)
    assert found is not document and hear(works.desk, found) == before and found.works == document.works


def test_a_page_that_was_away_hears_all_of_it_later(works: Works) -> None:
    """Nobody looks while the film is made; the studio is even restarted."""
    document = works.project(2)
    job = start(works.desk, document)
    until(lambda: works.desk.job(job).over)
    works.again()
    found = works.same(document)
    state = hear(works.desk, found)
    assert statuses(state, found) == ["ready"] * 2 and found.works.film == job and found.works.takes


@dataclass
class StandIn:
    """A job's work that goes on when the test says so."""

    clip: Path
    go: dict[int, threading.Event] = field(default_factory=dict)
    fails: Mapping[int, str] = field(default_factory=dict)

    def __call__(self, _job: str, told: Told, emit: Emit) -> None:
        emit(Began("narration", 0))
        emit(Began("film", len(told["scenes"])))
        for i, scene in enumerate(told["scenes"], 1):
            while not self.go.setdefault(i, threading.Event()).wait(0.01):
                emit(Moved("film", (i - 0.5) / len(told["scenes"]), i, 0.5))
            if i in self.fails:
                emit(Fault(i, f"scene {i}, image: {self.fails[i]}", "Mend it.", f"scenes[{i - 1}].image"))
            else:
                own = self.clip.with_name(f"{scene['seed'] or i}.mp4")
                shutil.copyfile(self.clip, own)
                emit(Made("film", i, str(own), False))
        if self.fails:
            raise FilmError(next(iter(self.fails.values())), "Mend it.")


@pytest.fixture
def slow(works: Works, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"clip")
    stand_in = StandIn(clip)
    monkeypatch.setattr(Desk, "_make", lambda _self, job, told, emit: stand_in(job, told, emit))
    works.again()
    return stand_in


def test_while_it_runs_each_scene_shows_where_it_is(works: Works, slow: StandIn) -> None:
    slow.fails = {1: "It broke."}
    document = works.project(3)
    start(works.desk, document)
    with pytest.raises(FilmError, match="being made already"):
        start(works.desk, document)
    until(lambda: statuses(hear(works.desk, document), document) == ["making", "queued", "queued"])
    slow.go[1].set()
    until(lambda: statuses(hear(works.desk, document), document) == ["failed", "making", "queued"])
    slow.go[2].set()
    until(lambda: statuses(hear(works.desk, document), document) == ["failed", "ready", "making"])
    state = hear(works.desk, document)
    assert (state.state, state.made, state.total, state.stage) == ("running", 1, 3, "film") and 0 < state.share < 1
    assert state.rows[ids(document)[2]].part == 0.5 and state.rows[ids(document)[0]].said == "Image: It broke."
    slow.go[3].set()
    assert statuses(over(works, document), document) == ["failed", "ready", "ready"]


def test_a_project_may_be_changed_while_it_is_made(works: Works, slow: StandIn) -> None:
    document = works.project(3)
    first, second, third = ids(document)
    start(works.desk, document)
    until(lambda: 1 in slow.go)
    slow.go[1].set()
    until(lambda: statuses(hear(works.desk, document), document)[0] == "ready")
    document.change(edited(first, "clip_action", "zoom in"))
    document.change(removed([second]))
    document.change(inserted([new_row({"prompt": "new"})]))
    state = hear(works.desk, document)
    assert statuses(state, document)[0] == "changed", "its clip shows what it was"
    assert set(state.rows) == set(ids(document)) and state.total == 2, "rows that are gone are not counted"
    assert state.rows[ids(document)[-1]].status == "draft"
    until(lambda: 2 in slow.go)
    for i in (2, 3):
        slow.go.setdefault(i, threading.Event()).set()
    state = over(works, document)
    assert statuses(state, document) == ["changed", "ready", "draft"] and state.rows[third].status == "ready"
    assert document.works.film and document.works.film_sign != sign(document.project)
    for _ in range(3):
        document.undo()
    assert statuses(hear(works.desk, document), document) == ["ready"] * 3 and document.works.film_sign == sign(document.project)


def test_all_rows_may_be_deleted_while_it_is_made(works: Works, slow: StandIn) -> None:
    document = works.project(2)
    start(works.desk, document)
    document.change(removed(ids(document)))
    assert hear(works.desk, document).rows == {}
    for i in (1, 2):
        slow.go.setdefault(i, threading.Event()).set()
    assert over(works, document).rows == {}


def test_stop_keeps_what_is_finished_and_make_goes_on(works: Works, slow: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    document = works.project(3)
    start(works.desk, document)
    slow.go.setdefault(1, threading.Event()).set()
    until(lambda: statuses(hear(works.desk, document), document)[0] == "ready")
    began = time.monotonic()
    stop(works.desk, document)
    state = over(works, document)
    assert (state.state, statuses(state, document)) == ("stopped", ["ready", "draft", "draft"]) and time.monotonic() - began < 10
    stop(works.desk, document)
    for i in (2, 3):
        slow.go.setdefault(i, threading.Event()).set()
    start(works.desk, document)
    assert statuses(over(works, document), document) == ["ready"] * 3 and document.works.film


def test_a_film_that_is_cut_off_goes_on_after_the_restart(works: Works, slow: StandIn) -> None:
    document = works.project(2)
    job = start(works.desk, document)
    slow.go.setdefault(1, threading.Event()).set()
    until(lambda: statuses(hear(works.desk, document), document)[0] == "ready")
    works.again()
    found = works.same(document)
    until(lambda: statuses(hear(works.desk, found), found) == ["ready", "making"])
    state = hear(works.desk, found)
    assert state.took < 30 and found.works.job == job
    slow.go.setdefault(2, threading.Event()).set()
    assert statuses(over(works, found), found) == ["ready"] * 2 and found.works.film == job


def test_the_time_left_counts_from_when_it_was_taken_up_again(works: Works, slow: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """The studio was down for a day between two halves."""
    document = works.project(2)
    real, ago = time.time, 86400.0
    monkeypatch.setattr(time, "time", lambda: real() - ago)
    start(works.desk, document)
    slow.go.setdefault(1, threading.Event()).set()
    until(lambda: statuses(hear(works.desk, document), document)[0] == "ready")
    works.desk.close()
    ago = 0.0
    works.again()
    found = works.same(document)
    left = until(lambda: hear(works.desk, found).left)
    assert left < 60
    slow.go.setdefault(2, threading.Event()).set()
    assert over(works, found).took < 60


def test_a_failure_that_names_a_scene_is_shown_there_whenever_it_is_heard(works: Works, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_self: Desk, _job: str, _told: Told, _emit: Emit) -> None:
        raise FilmError("scene 2, voice: nobody speaks.", "Choose another.", "scenes[1].voice")

    monkeypatch.setattr(Desk, "_make", fails)
    works.again()
    document = works.project(2)
    job = start(works.desk, document)
    until(lambda: works.desk.job(job).over)
    real = works.desk.job
    first = [real(job)]
    stale = production.Job(job, "me", "running", first[0].created, first[0].changed, first[0].told)
    monkeypatch.setattr(works.desk, "job", lambda _job, _owner=None: stale)
    hear(works.desk, document)  # the job's row was read a moment before its last event
    monkeypatch.undo()
    state = hear(works.desk, document)
    assert (state.state, statuses(state, document)) == ("failed", ["draft", "failed"])
    assert state.rows[ids(document)[1]].said == "Voice: nobody speaks." and state.said.startswith("scene 2")


def test_a_bug_is_told_and_nothing_hangs(works: Works, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Desk, "_make", lambda *_: {}["bug"])
    works.again()
    document = works.project(1)
    start(works.desk, document)
    state = over(works, document)
    assert (state.state, statuses(state, document)) == ("failed", ["draft"]) and "KeyError" in state.said and state.hint


def test_a_full_disk_while_the_page_looks_on_is_no_error_of_the_page(works: Works, slow: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    document = works.project(2)
    start(works.desk, document)
    slow.go.setdefault(1, threading.Event()).set()
    real = Path.write_text

    def no_room(self: Path, *_args: Any, **_kwargs: Any) -> int:
        raise OSError(28, "No space left on device", str(self))

    monkeypatch.setattr(Path, "write_text", no_room)
    until(lambda: hear(works.desk, document).made == 1)
    with pytest.raises(FilmError, match="The disk is full"):
        document.change(set_to("title", "lost"))
    monkeypatch.setattr(Path, "write_text", real)
    slow.go.setdefault(2, threading.Event()).set()
    assert statuses(over(works, document), document) == ["ready"] * 2 and document.works.film, "all of it is taken in once there is room"
    assert works.same(document).works.takes.keys() == set(ids(document))


def test_a_film_nobody_could_find_again_is_not_begun(works: Works, slow: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    document = works.project(1)

    def no_room(self: Path, *_args: Any, **_kwargs: Any) -> int:
        raise OSError(28, "No space left on device", str(self))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", no_room)
        with pytest.raises(FilmError, match="The disk is full"):
            start(works.desk, document)
    until(lambda: [job.state for job in works.desk.jobs("me")] == ["stopped"])
    assert document.works.job == ""


def test_films_that_were_swept_leave_the_project_alone(works: Works, slow: StandIn) -> None:
    document = works.project(1)
    start(works.desk, document)
    slow.go.setdefault(1, threading.Event()).set()
    over(works, document)
    works.desk._jobs.forget(-1)
    state = hear(works.desk, document)
    assert (state.state, statuses(state, document)) == ("idle", ["ready"])
    assert start(works.desk, document) and over(works, document).state == "done"


def test_the_queue_tells_how_many_are_before(works: Works, slow: StandIn) -> None:
    one, two = works.project(1), works.project(1)
    start(works.desk, one)
    until(lambda: hear(works.desk, one).state == "running")
    start(works.desk, two)
    state = hear(works.desk, two)
    assert (state.state, state.ahead, state.left, statuses(state, two)) == ("queued", 1, None, ["queued"])
    stop(works.desk, two)
    assert hear(works.desk, two).state == "stopped"
    slow.go.setdefault(1, threading.Event()).set()
    over(works, one)
