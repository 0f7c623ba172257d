"""What every door works with, as one value, and the few things that all of them do. Knows no door."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from starlette.requests import Request

from pipelines.darkroom import Darkroom, negative
from pipelines.work import FilmError

from ..desk import Desk
from ..jobs import Job, Stamped
from ..keys import Keys
from ..settings import Settings
from .callers import Caller, caller_of
from .inbox import Inbox
from .metrics import Metrics
from .refusals import absent
from .shots import Shots

LOOK = 0.25  # seconds between two looks at a job that is followed
PACE = 1.0  # seconds between two words about how far it is
MOST_LOOKS = 64  # jobs
WIDEST = 4096  # pixels of a picture of which a part is taken, along its longer side
QUIET = 15.0  # seconds after which a listener is shown that we are still there


@dataclass(frozen=True)
class Doors:
    """The desk, and who may come to it."""

    settings: Settings
    desk: Desk
    keys: Keys
    inbox: Inbox
    shots: Shots
    metrics: Metrics = field(default_factory=Metrics)
    darkroom: Darkroom = field(default_factory=Darkroom)
    looks: dict[str, tuple[int, Job, list[Stamped]]] = field(default_factory=dict)

    def close(self) -> None:
        """Put down what doors have started."""
        self.darkroom.close()

    def size_of(self, picture: Path) -> tuple[int, int]:
        """A picture's width and height, upright; FilmError if it cannot be opened."""
        return negative(self.darkroom.develop(picture, (64, 64), self.desk.studio.vault)).size

    def part_of(self, picture: Path, left: float, top: float, right: float, bottom: float) -> bytes:
        """That part of a picture, its edges in shares of the whole, as a PNG; FilmError if it cannot be opened."""
        import cv2

        whole = negative(self.darkroom.develop(picture, (WIDEST, WIDEST), self.desk.studio.vault)).rgb(WIDEST)
        height, width = whole.shape[:2]
        x, y = int(left * width), int(top * height)
        part = whole[y : max(y + 1, round(bottom * height)), x : max(x + 1, round(right * width)), ::-1]
        return cv2.imencode(".png", part)[1].tobytes()

    def job(self, identity: str, caller: Caller, door: str = "") -> Job:
        """The caller's job, of that door; the same refusal for one that is absent and one that is somebody else's."""
        try:
            found = self.desk.job(identity, None if caller.all else caller.owner)
        except FilmError as error:
            raise absent() from error
        if not found.owner or (door and found.told.get("door") != door):
            raise absent()
        return found

    async def over(self, identity: str, seconds: float | None = None) -> Job | None:
        """Wait until a job is over. None if that took longer than `seconds`, or if it is gone."""
        end = None if seconds is None else time.monotonic() + seconds
        seen = -1
        while end is None or time.monotonic() < end:
            now = self.desk.version(identity)
            if now != seen:
                seen = now
                try:
                    job = await asyncio.to_thread(self.desk.job, identity)
                except FilmError:
                    return None
                if job.over:
                    return job
            await asyncio.sleep(LOOK)
        return None

    async def follow(self, identity: str, after: int = 0) -> AsyncIterator[Stamped | None]:
        """What happened to a job and what happens to it, until it is over; None when it was quiet for a while.

        No thread waits for it and those who follow the same job share one look at it, so any number may listen.
        """
        seen, told, last = -1, 0.0, time.monotonic()
        while True:
            now = self.desk.version(identity)
            if now != seen:
                seen = now
                job, events = await self._look(identity, now)
                moved = self.desk.progress(identity)
                if moved and not job.over and time.time() - told > PACE:
                    told = time.time()
                    yield moved[-1]
                for one in events:
                    if one.n > after:
                        yield one
                        after = one.n
                last = time.monotonic()
                if job.over or not job.owner:
                    return
            elif time.monotonic() - last > QUIET:
                last = time.monotonic()
                yield None
            await asyncio.sleep(LOOK)

    async def _look(self, identity: str, version: int) -> tuple[Job, list[Stamped]]:
        """The job and its events as they were at that version, or later; read once for all who ask."""
        found = self.looks.get(identity)
        if found is None or found[0] < version:
            job = await asyncio.to_thread(self.desk.job, identity)  # before its events: what is over has told all
            found = (version, job, await asyncio.to_thread(self.desk.events, identity))
            self.looks[identity] = found
            while len(self.looks) > MOST_LOOKS:
                self.looks.pop(next(iter(self.looks)))
        return found[1], found[2]


def doors_of(desk: Desk) -> Doors:
    """Everything that doors need, in the desk's data folder."""
    own = desk.settings
    return Doors(own, desk, Keys(own.data), Inbox(own.data, own.media_root, own.film_days), Shots(desk.studio.vault))


def share(doors: Doors, identity: str) -> float:
    """How much of a running job is done, 0 to 1."""
    return max((float(one.event["done"]) for one in doors.desk.progress(identity)), default=0.0)


def here(request: Request) -> str:
    """The address under which the caller reached us, such as http://127.0.0.1:7860."""
    headers = request.headers
    scheme = headers.get("x-forwarded-proto", request.url.scheme).split(",")[0].strip()
    host = headers.get("x-forwarded-host", headers.get("host", "")).split(",")[0].strip()
    if scheme not in ("http", "https") or "x-forwarded-host" not in headers:
        scheme, host = request.url.scheme if scheme not in ("http", "https") else scheme, headers.get("host", "")
    return f"{scheme}://{host}"


def who(request: Request) -> Caller:
    """Whoever the guard let in."""
    return caller_of(request.scope)
