"""Who works on which device: one at a time on each, and what one has loaded there goes before the next one comes.

Whoever comes first goes first. A model that nobody's turn ends stays where it is, for the next film. Knows no engine:
whoever works is any object, and what it keeps on a device is let go by a function that comes with it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass

from .gear.gpu import emptied
from .work import FilmError, Tick

OFTEN = 0.5  # seconds between two questions whether the work is still wanted


@dataclass(frozen=True, slots=True, eq=False)
class Seat:
    """What somebody works on: devices by name, who keeps the model there, and what lets it go from one of them."""

    devices: Sequence[str]
    keeper: object
    leave: Callable[[str], None]


@dataclass(slots=True, eq=False)
class _Wish:
    worker: object
    devices: frozenset[str]


class Turns:
    """Safe from any thread. The same worker may have its turn several times at once."""

    def __init__(self) -> None:
        self._news = threading.Condition()
        self._wishes: list[_Wish] = []  # in the order in which they came
        self._working: dict[str, tuple[object, int]] = {}
        self._kept: dict[str, Seat] = {}

    @contextmanager
    def taken(self, worker: object, seat: Seat, tick: Tick, *, patient: bool = True) -> Iterator[None]:
        """Within it nobody else works on those devices, and nobody else's model lies there. While it waits it asks the
        tick whether it is still wanted. Not patient: FilmError at once where it would have to wait."""
        wish = _Wish(worker, frozenset(seat.devices))
        self._await(wish, seat, tick, patient)
        try:
            yield
        finally:
            with self._news:
                for device in wish.devices:
                    _, count = self._working.pop(device)
                    if count > 1:
                        self._working[device] = worker, count - 1
                self._news.notify_all()

    def _await(self, wish: _Wish, seat: Seat, tick: Tick, patient: bool) -> None:
        with self._news:
            self._wishes.append(wish)
        try:
            while True:
                with self._news:
                    if self._may(wish):
                        self._sit(wish, seat)
                        return
                    if not patient:
                        raise FilmError("Another model is at work here just now.", "Try it again when that is done.")
                    self._news.wait(OFTEN)
                tick(0.0)
        finally:
            with self._news:
                self._wishes.remove(wish)
                self._news.notify_all()

    def _may(self, wish: _Wish) -> bool:
        """Whoever has its turn has it again at once, even where others wait: they wait for it to end."""
        mine = [self._working.get(device, (None, 0))[0] is wish.worker for device in wish.devices]
        if all(mine):
            return True
        before = self._wishes[: self._wishes.index(wish)]
        return not any(device in self._working for device in wish.devices) and not any(one.devices & wish.devices for one in before)

    def _sit(self, wish: _Wish, seat: Seat) -> None:
        left = False
        for device in sorted(wish.devices):
            worker, count = self._working.get(device, (wish.worker, 0))
            self._working[device] = worker, count + 1
            before, self._kept[device] = self._kept.get(device), seat
            if before and before.keeper is not seat.keeper:
                before.leave(device)
                left = True
        if left:
            emptied()


class Sitting:
    """One turn for several works, taken when the first of them needs it and given back when all are over."""

    def __init__(self, turn: Callable[[Tick], AbstractContextManager[None]], works: int) -> None:
        self._turn, self._left = turn, works
        self._lock = threading.Lock()
        self._held = ExitStack()
        self._taken = False

    def take(self, tick: Tick) -> None:
        """One of the works needs it now."""
        with self._lock:
            if not self._taken and self._left > 0:
                self._held.enter_context(self._turn(tick))
                self._taken = True

    def over(self) -> None:
        """One of the works is over, well or not."""
        with self._lock:
            self._left -= 1
            if self._left <= 0:
                self._held.close()

    def close(self) -> None:
        """None of them goes on."""
        with self._lock:
            self._left = 0
            self._held.close()
