"""Works side by side: each begins as soon as what it needs is there, the earliest first. Knows no film.

A work that has nothing left to do but to wait for another program gives its place to the next one before its own end.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, ParamSpec, TypeVar

from .work import Cancelled, Place

GIVEN_WAY = 5  # of the 19 steps of niceness: a third as much of a processor as whoever else wants it
Work = Callable[[Place], Any]
End = Callable[[], None]
P = ParamSpec("P")
T = TypeVar("T")


def behind() -> None:
    """From now on this thread, and every thread and program that it starts, lets others go first where they want the
    same processor: a click is answered while a film is made. Only Linux can say so of one thread; elsewhere nothing."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), min(19, os.getpriority(os.PRIO_PROCESS, 0) + GIVEN_WAY))


class Pool(ThreadPoolExecutor):
    """Threads where a work knows what lies in the context of whoever gave it, such as who pays for a GPU."""

    def submit(self, do: Callable[P, T], /, *given: P.args, **named: P.kwargs) -> Future[T]:
        context = copy_context()
        return super().submit(lambda: context.run(do, *given, **named))


@dataclass(slots=True, eq=False)
class _Asked:
    needs: Sequence[Future[Any]]
    do: Work
    nice: int
    done: Future[Any] = field(default_factory=Future)


class Hands:
    """So many at once. Use it in a `with`: at its end all that was begun is over."""

    def __init__(self, count: int) -> None:
        self._pool = ThreadPoolExecutor(2 * count)  # as many may wait as work
        self._places = threading.Semaphore(count)
        self._lock = threading.Lock()
        self._waiting: list[_Asked] = []
        self._ends: dict[_Asked, End] = {}
        self._stopped = False

    def __enter__(self) -> Hands:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._pool.shutdown()

    def add(self, do: Work, needs: Sequence[Future[Any]] = (), nice: int = 0) -> Future[Any]:
        """Do that when every need is over, well or not. Needs must come to their end by themselves."""
        work = _Asked(needs, do, nice)
        left = len(needs)

        def ready(_need: object = None) -> None:
            nonlocal left
            with self._lock:
                left -= 1
                if left > 0:
                    return
            try:
                self._pool.submit(self._next)
            except RuntimeError:  # all is over, or the program ends: nobody is left to do it
                work.done.set_exception(Cancelled())

        with self._lock:
            self._waiting.append(work)
        if not needs:
            ready()
        for need in needs:
            need.add_done_callback(ready)
        return work.done

    def stop(self) -> None:
        """End at once every program that a work waits for, now and from now on."""
        with self._lock:
            self._stopped = True
            ends = list(self._ends.values())
        for end in ends:
            end()

    def _next(self) -> None:
        """As often called as works became ready, so there is always one."""
        self._places.acquire()
        with self._lock:
            work = next(one for one in self._waiting if all(need.done() for need in one.needs))
            self._waiting.remove(work)
        given = False

        def free() -> None:
            nonlocal given
            if not given:
                given = True
                self._places.release()

        def ends(end: End) -> None:
            with self._lock:
                self._ends[work] = end
                stopped = self._stopped
            if stopped:
                end()

        work.done.set_running_or_notify_cancel()
        try:
            work.done.set_result(work.do(Place(work.nice, free, ends)))
        except BaseException as error:
            work.done.set_exception(error)
            if not isinstance(error, Exception):
                raise
        finally:
            with self._lock:
                self._ends.pop(work, None)
            free()


def over(works: Sequence[Future[Any]], stop: End) -> None:
    """Wait for all; when the first fails, or at Ctrl-C, `stop` is to end the others."""
    try:
        wait(works, return_when=FIRST_EXCEPTION)
        _raise_first(works)
    except BaseException as error:
        stop()
        wait(works)
        if isinstance(error, Exception):
            _raise_first(works)
        raise


def _raise_first(works: Sequence[Future[Any]]) -> None:
    """The failure that stopped the others, rather than their Cancelled."""
    failed = [error for work in works if work.done() and not work.cancelled() and (error := work.exception())]
    if failed:
        raise next((error for error in failed if not isinstance(error, Cancelled)), failed[0])
