"""Works side by side: each begins as soon as what it needs is there, the earliest first. Knows no film."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any


@dataclass(slots=True)
class _Work:
    needs: Sequence[Future[Any]]
    do: Callable[[], Any]
    done: Future[Any] = field(default_factory=Future)


class Hands:
    """So many at once. Use it in a `with`: at its end all that was begun is over."""

    def __init__(self, count: int) -> None:
        self._pool = ThreadPoolExecutor(count)
        self._lock = threading.Lock()
        self._waiting: list[_Work] = []

    def __enter__(self) -> Hands:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._pool.shutdown()

    def add(self, do: Callable[[], Any], needs: Sequence[Future[Any]] = ()) -> Future[Any]:
        """Do that when every need is over, well or not. Needs must come to their end by themselves."""
        work = _Work(needs, do)
        left = len(needs)

        def ready(_need: object = None) -> None:
            nonlocal left
            with self._lock:
                left -= 1
                if left > 0:
                    return
            self._pool.submit(self._next)

        with self._lock:
            self._waiting.append(work)
        if not needs:
            ready()
        for need in needs:
            need.add_done_callback(ready)
        return work.done

    def _next(self) -> None:
        """As often called as works became ready, so there is always one."""
        with self._lock:
            work = next(one for one in self._waiting if all(need.done() for need in one.needs))
            self._waiting.remove(work)
        work.done.set_running_or_notify_cancel()
        try:
            work.done.set_result(work.do())
        except BaseException as error:
            work.done.set_exception(error)
            if not isinstance(error, Exception):
                raise
