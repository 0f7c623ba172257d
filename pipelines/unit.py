"""One of the processes of `units`: has an engine on one device make shots, or help another one with them, until nobody
asks any more. Knows no film.
"""

from __future__ import annotations

import os
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from importlib import import_module
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import Any

from .gear.meeting import Meeting
from .plan import Slate
from .vault import Notes
from .work import Cancelled, DiskFull, FilmError

CLIPS = "pipelines.clips"


class _Line:
    """What the process says and hears; its threads take turns."""

    def __init__(self) -> None:
        self._from = Connection(os.dup(0), writable=False)
        self._to = Connection(os.dup(1), readable=False)
        os.dup2(2, 1)  # what libraries print must not fall between
        self._turn = threading.Lock()
        self._stopped = threading.Event()
        self._asked: SimpleQueue[Any] = SimpleQueue()
        self._told: SimpleQueue[Any] = SimpleQueue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        """Whatever the others are in the middle of: when nobody is there any more the process ends at once, also where it
        waits for another that ended too."""
        try:
            while True:
                match self._from.recv():
                    case ("stop",):
                        self._stopped.set()
                    case "do", told:
                        self._told.put(told)
                    case "make", asked:
                        self._stopped.clear()  # what came too late
                        self._asked.put(asked)
        except (EOFError, OSError):
            os._exit(0)

    def request(self) -> Any:
        """The next."""
        return self._asked.get()

    def hear(self) -> Any:
        """What the process that leads says."""
        return self._told.get()

    def say(self, *told: object) -> None:
        with self._turn:
            self._to.send(told)

    def tick(self, i: int) -> Callable[[float], None]:
        def ticked(done: float) -> None:
            if self._stopped.is_set():
                raise Cancelled
            self.say("tick", i, done)

        return ticked

    def kept(self, i: int) -> Callable[[Notes | FilmError], None]:
        def keep(told: Notes | FilmError) -> None:
            if isinstance(told, FilmError):
                self.say("failed", i, "full" if isinstance(told, DiskFull) else "", told.message, told.hint, told.where)
            else:
                self.say("kept", i, told)

        return keep


def main() -> None:
    """Make what is asked for, until nobody asks."""
    from .crew import Crew

    line, crew, held = _Line(), Crew(), ""
    with suppress(BrokenPipeError):
        while True:
            name, options, places, asked, met = line.request()
            import_module(CLIPS).__path__ = places
            if (device := str(options.get("device", ""))).startswith("cuda"):
                import torch

                torch.cuda.set_device(device)  # else streams would be made on the first one
            if held != repr((name, options)):
                crew.close()
                crew, held = Crew({f"clips.{name}": options}), repr((name, options))
            slates = [
                Slate(shot, out, line.tick(i), line.kept(i), partial(line.say, "show", i) if shown else None)
                for i, (shot, out, shown) in enumerate(asked)
            ]  # fmt: skip
            engine = crew.get("clips", name)
            with suppress(Cancelled):
                try:
                    if met:
                        folder, rank, size = met
                        _together(engine, slates, Meeting(folder, rank, size, partial(line.say, "pass on"), line.hear))
                    else:
                        engine.shoot_all(slates)
                except FilmError as error:
                    for i in range(len(slates)):
                        line.kept(i)(error)
            line.say("over")


def _together(engine: Any, slates: list[Slate], meeting: Meeting) -> None:
    """Lead, or help. When it goes wrong here others would wait for ever: the process ends at once, and that is seen."""
    try:
        if meeting.rank:
            engine.join(meeting)
        else:
            engine.shoot_all(slates, meeting)
    except BaseException as error:
        if not meeting.rank and isinstance(error, Cancelled | FilmError):
            raise  # between two steps: nobody waits
        traceback.print_exc()
        os._exit(1)


if __name__ == "__main__":
    main()
