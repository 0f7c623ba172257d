"""The durable queue, as somebody who asked for films sees it. The film itself is a stand-in that counts and can wait."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from pipelines.events import Glimpse, Made, Moved
from pipelines.hands import GIVEN_WAY
from pipelines.work import FilmError
from studio.job import new_id
from studio.jobs import MOST_CRASHES, MOST_WAITING, SUSPECT, Busy, Emit, Jobs, Told

Opened = Callable[..., Jobs]


def make(job: str, story: Told, emit: Emit) -> None:
    """`parts` parts, `pause` seconds each."""
    if "fails" in story:
        raise FilmError(story["fails"], "Mend it.", "scenes[0].image")
    if story.get("breaks"):
        raise KeyError("a bug")
    for i in range(story.get("parts", 3)):
        emit(Made("film", i + 1, f"{job}/{i}", False))
        emit(Moved("film", i / 10))
        time.sleep(story.get("pause", 0.0))


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    alive: list[Jobs] = []

    def open_jobs(made: Any = make, **options: Any) -> Jobs:
        alive.append(Jobs(tmp_path / "jobs", made, **options))
        return alive[-1]

    yield open_jobs
    for jobs in alive:
        jobs.close()


def names(jobs: Jobs, job: str) -> list[str]:
    return [one.event["event"] for one in jobs.watch(job) if one and one.n]


def until(true: Callable[[], bool], patience: float = 10.0) -> None:
    end = time.monotonic() + patience
    while not true():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.01)


def test_a_job_is_made_and_every_watcher_hears_the_same(opened: Opened) -> None:
    jobs = opened()
    job = jobs.submit({"parts": 4, "pause": 0.02}, "me")
    heard: list[list[str]] = [[], []]
    watchers = [threading.Thread(target=lambda one=one: one.extend(names(jobs, job))) for one in heard]
    for watcher in watchers:
        watcher.start()
    for watcher in watchers:
        watcher.join(20)
    assert heard[0] == heard[1] == names(jobs, job) == ["made"] * 4
    assert (found := jobs.get(job)) and found.state == "done"
    assert [one.n for one in jobs.events(job, after=2)] == [3, 4]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can say so of one thread")
def test_a_film_gives_way_to_who_clicks(opened: Opened) -> None:
    told: list[int] = []

    def look(job: str, story: Told, emit: Emit) -> None:
        with ThreadPoolExecutor(1) as pool:
            told.append(pool.submit(os.nice, 0).result())
        asked = subprocess.run([sys.executable, "-c", "import os; print(os.nice(0))"], capture_output=True, check=True)
        told.append(int(asked.stdout))

    jobs, before = opened(look), os.nice(0)
    jobs.submit({}, "me")
    until(lambda: bool(told[1:]))
    assert told == 2 * [min(19, before + GIVEN_WAY)], "its threads and its programs"
    assert os.nice(0) == before, "nobody else"


def test_a_failure_says_why_and_the_next_job_is_made(opened: Opened) -> None:
    jobs = opened()
    bad, broken, good = (jobs.submit(story, "me") for story in ({"fails": "The picture is damaged."}, {"breaks": 1}, {}))
    assert names(jobs, good) == ["made"] * 3
    told = jobs.events(bad)[-1].event
    assert told["event"] == "failed" and told["message"] == "The picture is damaged." and told["where"] == "scenes[0].image"
    assert "KeyError" in jobs.events(broken)[-1].event["message"]
    assert [one.state for one in jobs.newest("me")] == ["done", "failed", "failed"]


def test_a_running_job_stops_within_a_moment_and_a_waiting_one_at_once(opened: Opened) -> None:
    jobs = opened()
    running = jobs.submit({"parts": 10_000, "pause": 0.01}, "me")
    waiting = jobs.submit({}, "me")
    until(lambda: bool(jobs.events(running)))
    jobs.cancel(waiting)
    assert (found := jobs.get(waiting)) and found.state == "stopped"
    began = time.monotonic()
    jobs.cancel(running)
    assert names(jobs, running)[-1] == "stopped" and time.monotonic() - began < 10
    assert (found := jobs.get(running)) and found.state == "stopped"


def test_the_same_key_is_the_same_job(opened: Opened) -> None:
    jobs = opened()
    first = jobs.submit({}, "me", key="k")
    assert jobs.submit({}, "me", key="k") == first
    assert jobs.submit({}, "you", key="k") != first
    assert jobs.submit({}, "me") != jobs.submit({}, "me")


def test_visitors_take_turns(opened: Opened) -> None:
    order: list[str] = []
    go = threading.Event()

    def noted(job: str, story: Told, emit: Emit) -> None:
        go.wait(10)
        order.append(story["who"])

    jobs = opened(noted)
    ids = [jobs.submit({"who": who}, who) for who in ("greedy", "greedy", "greedy", "modest")]
    go.set()
    for job in ids:
        list(jobs.watch(job))
    assert order == ["greedy", "modest", "greedy", "greedy"]


def test_one_visitor_cannot_fill_the_queue(opened: Opened) -> None:
    go = threading.Event()
    jobs = opened(lambda *_: go.wait(10))
    for _ in range(MOST_WAITING + 1):
        jobs.submit({}, "greedy")
    until(lambda: any(one.state == "running" for one in jobs.newest("greedy", 1000)))
    with pytest.raises(Busy):
        jobs.submit({}, "greedy")
        jobs.submit({}, "greedy")
    assert jobs.submit({}, "modest")
    go.set()


def test_closing_and_opening_goes_on(opened: Opened) -> None:
    jobs = opened()
    job = jobs.submit({"parts": 10_000, "pause": 0.01}, "me")
    until(lambda: bool(jobs.events(job)))
    jobs.close()
    again = opened(lambda job, story, emit: emit(Made("join", 0, "film", False)))
    assert names(again, job)[-1] == "made" and (found := again.get(job)) and found.state == "done"


def test_a_folder_has_one_studio(opened: Opened) -> None:
    opened()
    with pytest.raises(FilmError, match="Another studio"):
        opened()


def test_old_jobs_are_forgotten_and_new_ones_kept(opened: Opened) -> None:
    jobs = opened()
    job = jobs.submit({}, "me")
    names(jobs, job)
    assert jobs.forget(3600) == [] and jobs.forget(-1) == [job] and jobs.get(job) is None and jobs.events(job) == []


def test_a_job_that_is_stopped_while_it_is_taken_up_is_not_made(opened: Opened) -> None:
    made: list[str] = []
    go = threading.Event()

    def noted(job: str, story: Told, emit: Emit) -> None:
        go.wait(10)
        made.append(job)

    jobs = opened(noted)
    first = jobs.submit({}, "me")
    until(lambda: jobs.get(first) is not None and jobs.get(first).state == "running")  # type: ignore[union-attr]
    stopped, last = jobs.submit({}, "me"), jobs.submit({}, "me")
    real = jobs._waiting

    def waiting() -> str | None:
        found = real()
        if found == stopped:
            jobs.cancel(stopped)  # between the look and the claim
        return found

    jobs._waiting = waiting  # type: ignore[method-assign]
    go.set()
    assert names(jobs, last) == [] and made == [first, last]
    assert names(jobs, stopped) == ["stopped"] and [one.state for one in jobs.newest("me")] == ["done", "stopped", "done"]


def test_a_full_disk_ends_a_film_and_not_the_queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A real one, where we may mount it."""
    place = tmp_path / "tiny"
    place.mkdir()
    if not hasattr(os, "geteuid") or os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", place], capture_output=True, check=False).returncode:
        pytest.skip("mounting is not allowed here")
    monkeypatch.setattr("studio.jobs.AGAIN", 0.05)
    filler, fill, filled = place / "filler", threading.Event(), threading.Event()

    def chatty(job: str, story: Told, emit: Emit) -> None:
        if story.get("waits"):
            fill.wait(10)
            with filler.open("wb", buffering=0) as file, suppress(OSError):
                while file.write(bytes(4096)):
                    pass
            filled.set()
            for i in range(5000):
                emit(Made("film", i, "x" * 500, False))

    jobs = Jobs(place / "jobs", chatty)
    try:
        first, second = jobs.submit({"waits": True}, "me"), jobs.submit({}, "me")
        fill.set()
        assert filled.wait(20)
        with pytest.raises(FilmError, match="The disk is full"):
            for _ in range(200):
                jobs.submit({"pad": "x" * 4000}, "you")
        time.sleep(0.2)
        filler.unlink()
        list(jobs.watch(second))
        assert (found := jobs.get(second)) and found.state == "done"
        assert (found := jobs.get(first)) and found.state == "failed" and "The disk is full" in jobs.events(first)[-1].event["message"]
    finally:
        jobs.close()
        subprocess.run(["umount", place], check=True)


SERVER = """
import sys, time
from pathlib import Path
from pipelines.events import Made
from studio.jobs import Jobs
folder, films = Path(sys.argv[1]), Path(sys.argv[2])
def make(job, story, emit):
    for i in range(6):
        part = films / f"{job}.{i}"
        emit(Made("film", i, str(part), part.exists()))
        if not part.exists():
            time.sleep(0.01)
            part.write_text("made")
    with (films / "done").open("a") as file:
        file.write(job + "\\n")
jobs = Jobs(folder, make)
print("ready", flush=True)
for line in sys.stdin:
    print(jobs.submit({}, "me", key=line.strip()), flush=True)
"""


def server(tmp_path: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", SERVER, str(tmp_path / "jobs"), str(tmp_path)]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1])
    assert child.stdout and child.stdout.readline() == "ready\n"
    return child


def killed_again_and_again(tmp_path: Path, kills: int, seed: int) -> None:
    drawn, accepted = random.Random(seed), []
    for n in range(kills):
        child = server(tmp_path)
        assert child.stdin and child.stdout
        child.stdin.write(f"job {n}\n")
        child.stdin.flush()
        accepted.append(child.stdout.readline().strip())
        time.sleep(drawn.random() * 0.12)
        os.kill(child.pid, signal.SIGKILL)
        child.communicate()
    def finish(job: str, _story: Told, _emit: Emit) -> None:
        with (tmp_path / "done").open("a") as file:
            file.write(job + "\n")

    jobs = Jobs(tmp_path / "jobs", finish)
    try:
        for job in accepted:
            list(jobs.watch(job))
        assert {one.state for one in jobs.newest(most=10_000)} == {"done"}
        assert set(accepted) <= set((tmp_path / "done").read_text("utf-8").split())
    finally:
        jobs.close()


def taken_down(tmp_path: Path, times: int) -> None:
    """A job takes its studio down as soon as it is begun."""
    code = SERVER.replace("def make(job, story, emit):", "def make(job, story, emit):\n    import os\n    os._exit(9)") + "time.sleep(10)"
    for _ in range(times):
        command = [sys.executable, "-c", code, str(tmp_path / "jobs"), str(tmp_path)]
        subprocess.run(command, input="k\n", capture_output=True, text=True, cwd=Path(__file__).parents[1], timeout=30, check=False)


def test_a_job_that_takes_the_studio_down_each_time_is_given_up(tmp_path: Path) -> None:
    taken_down(tmp_path, MOST_CRASHES)
    jobs = Jobs(tmp_path / "jobs", make)
    try:
        (found,) = jobs.newest("me")
        assert found.state == "failed" and f"{MOST_CRASHES} times" in jobs.events(found.id)[-1].event["message"]
    finally:
        jobs.close()


def test_a_job_that_took_the_studio_down_lets_the_others_go_first(tmp_path: Path) -> None:
    taken_down(tmp_path, SUSPECT)
    begun, order, both = threading.Event(), list[str](), threading.Event()

    def note(job: str, _story: Told, _emit: Emit) -> None:
        begun.wait(10)
        order.append(job)
        if len(order) == 2:
            both.set()

    jobs = Jobs(tmp_path / "jobs", note, hands=0)
    try:
        (suspect,) = (one.id for one in jobs.newest("me"))
        other = jobs.submit({}, "me")
    finally:
        jobs.close()
    begun.set()
    jobs = Jobs(tmp_path / "jobs", note)
    try:
        assert both.wait(10) and order == [other, suspect]
    finally:
        jobs.close()


def test_what_was_accepted_is_made_whatever_is_killed(tmp_path: Path) -> None:
    killed_again_and_again(tmp_path, 6, 1)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(10))
def test_a_thousand_kills(tmp_path: Path, seed: int) -> None:
    killed_again_and_again(tmp_path, 100, seed)


def test_no_id_looks_like_an_option() -> None:
    assert all(new_id()[0].isalpha() for _ in range(300))


def test_of_what_a_clip_is_becoming_only_the_newest_is_held_and_nothing_kept(opened: Opened) -> None:
    go, gone = threading.Event(), threading.Event()

    def glimpsed(_job: str, _story: Told, emit: Emit) -> None:
        for scene in (1, 2):
            for many in ("a", "b"):
                emit(Glimpse(scene, many, 8, 8))
        gone.set()
        assert go.wait(20)

    jobs = opened(glimpsed)
    job = jobs.submit({}, "me")
    assert gone.wait(20)
    assert [(one.event["scene"], one.event["picture"]) for one in jobs.glimpses(job)] == [(1, "b"), (2, "b")]
    assert jobs.events(job) == [] and jobs.progress(job) == []
    go.set()
    until(lambda: jobs.glimpses(job) == [])
