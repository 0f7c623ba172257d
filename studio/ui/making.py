"""Following a film from the page: what happens for as long as the page is open.

A follower is a watcher only: closing the tab ends it, never the job.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

from .. import workshop
from .rooms import Rooms
from .views import dock, look

Plain = dict[str, Any]
PAUSE = 0.9  # seconds between two pushes at least that only tell how far it is
SOON = 0.2  # seconds between any two pushes at least
LOOKED = 0.1  # seconds between two looks for news
QUIET = 15.0  # seconds after which something is pushed all the same, so that a closed tab is noticed


async def follow(rooms: Rooms, identity: str) -> AsyncIterator[Plain]:
    """Every news of the project and its job, one small value each, for as long as somebody listens."""
    document = rooms.shelf.get(identity)
    if document is None:
        return
    seen: tuple[object, ...] = ()
    moved = 0
    told: Plain = {}
    staged = ("", "")
    last = 0.0
    while True:
        job = document.works.job
        stamp = (document.version, document.news, job, rooms.desk.steps(job) if job else 0, workshop.version(rooms.desk, document))
        far = rooms.desk.version(job) if job else 0
        now = time.monotonic()
        if now - last >= (SOON if stamp != seen else PAUSE if far != moved else QUIET):
            value = await asyncio.to_thread(lambda: dock(look(rooms, document)))
            seen, moved, last = stamp, far, now
            stage = value["job"], value["state"]
            # Whoever pressed a button was told by its answer how rows stand, which we did not see: so all are told once
            # a job begins or ends, or a scene that lay ready would seem to wait for ever.
            fresh = {row: moving for row, moving in value["rows"].items() if stage != staged or told.get(row) != moving}
            told, staged = value["rows"], stage
            yield value | {"rows": fresh}
        await asyncio.sleep(LOOKED)
