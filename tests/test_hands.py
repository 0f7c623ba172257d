"""Works side by side, and the one progress over them."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future, wait
from contextvars import Context, ContextVar

import pytest

from pipelines.events import Event, Moved
from pipelines.hands import Hands, Pool
from pipelines.progress import Progress
from pipelines.work import Cancelled


def test_a_pools_works_know_what_their_givers_know() -> None:
    whose = ContextVar("whose", default="")
    mine, yours = Context(), Context()
    mine.run(whose.set, "mine")
    yours.run(whose.set, "yours")
    with Pool(1) as pool:
        works = [context.run(pool.submit, whose.get) for context in (mine, yours, mine, Context())]
    assert [work.result() for work in works] == ["mine", "yours", "mine", ""]


def test_works_begin_when_what_they_need_is_there_and_the_earliest_first() -> None:
    late: Future[str] = Future()
    done: list[str] = []
    with Hands(1) as hands:
        hold = threading.Event()
        works = [hands.add(lambda _: hold.wait())]
        works.append(hands.add(lambda _: done.append("first"), [late]))
        works.append(hands.add(lambda _: done.append("second")))
        works.append(hands.add(lambda _: done.append("third"), [works[2], late]))
        works.append(hands.add(lambda _: done.append("fourth")))
        hold.set()
        wait(works[2:3])
        wait(works[4:])
        assert done == ["second", "fourth"], "what is not there yet holds nobody up"
        late.set_result("there")
        wait(works)
    assert done == ["second", "fourth", "first", "third"]


def test_what_fails_is_told_to_whoever_asks_and_stops_nothing() -> None:
    def fails(_: object) -> None:
        raise ZeroDivisionError

    lost: Future[str] = Future()
    lost.set_exception(KeyError())
    with Hands(2) as hands:
        bad, good = hands.add(fails), hands.add(lambda _: "made", [lost])
        assert good.result() == "made"
        with pytest.raises(ZeroDivisionError):
            bad.result()


def test_what_comes_too_late_is_no_trouble_to_anybody(caplog: pytest.LogCaptureFixture) -> None:
    """A stopped film's pictures may still be on their way when nobody waits for them any more."""
    late: Future[str] = Future()
    with Hands(1) as hands:
        work = hands.add(lambda _: "made", [late])
    late.set_result("there")
    with pytest.raises(Cancelled):
        work.result(0)
    assert not caplog.records, "or people would see a traceback"


def test_a_thousand_works_of_many_hands_are_each_done_once() -> None:
    counted: list[int] = []
    with Hands(8) as hands:
        works: list[Future[object]] = []
        for i in range(1000):
            works.append(hands.add(lambda _, i=i: counted.append(i), works[-3::2]))  # type: ignore[misc]
        wait(works)
    assert sorted(counted) == list(range(1000))


def test_the_share_of_the_whole_never_goes_back_and_each_scene_has_its_own() -> None:
    heard: list[Moved] = []

    def emit(event: Event) -> None:
        assert isinstance(event, Moved)
        heard.append(event)

    progress = Progress(emit, {"film": 3.0, "sound": 1.0})
    body, turn, other = (progress.tick("film", scene, size) for scene, size in ((1, 3.0), (1, 1.0), (2, 4.0)))
    for tick in (body, other, turn):
        for share in (0.5, 0.2, 1.0):
            tick(share)
            time.sleep(0.25)
    assert [event.done for event in heard] == sorted(event.done for event in heard)
    assert heard[-1] == Moved("film", 0.75, 1, 1.0)
    assert [event.part for event in heard if event.scene == 2][-1] == 1.0
    assert max(event.part for event in heard if event.scene == 1 and event.done < 0.7) == 0.75
    progress.stop()
    with pytest.raises(Cancelled):
        body(1.0)


def test_many_ticks_are_few_events() -> None:
    heard: list[Event] = []
    progress = Progress(heard.append, {"film": 1.0})
    ticks = [progress.tick("film", scene) for scene in (1, 2)]
    start = time.monotonic()
    for k in range(20_000):
        ticks[k % 2](k / 20_000)
    spent = time.monotonic() - start
    assert 2 <= len(heard) <= 2 * (spent / 0.2 + 2)
