"""Between a project and videos that are made over: which videos there are, what was asked for, how the newest stands.

Knows no page. A job that is sent goes on whatever happens to us, as a film's does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import pairwise
from math import ceil
from pathlib import Path
from typing import Any

from pipelines.verbs.recut import ends
from pipelines.work import FilmError

from .desk import Desk
from .jobs import Job
from .project import inserted, new_row
from .shelf import Document

MOST_CUTS = 12  # of a project that are shown; the films of older ones are swept in time
SECONDS = r"\s*\d{1,5}(?:\.\d{1,6})?\s*(?:,\s*\d{1,5}(?:\.\d{1,6})?\s*){0,30}"
SHORTEST, LONGEST = 0.5, 60.0  # seconds of a scene
FILM, SCENE, CUT = "film", "scene", "cut"


@dataclass(frozen=True, slots=True)
class State:
    """How a video that is made over stands. `share` is 0 to 1; `notes`: what people should know about it."""

    job: str = ""
    verb: str = ""
    state: str = "idle"
    share: float = 0.0
    said: str = ""
    hint: str = ""
    how: str = ""
    notes: tuple[str, ...] = ()
    film: str = ""

    @property
    def busy(self) -> bool:
        return self.state in ("queued", "running")


def sources(desk: Desk, document: Document, row: str) -> dict[str, Path]:
    """The project's own videos: its film, the chosen scene's newest clip, the video that was made over last."""
    found: dict[str, Path] = {}
    works = document.works
    with suppress(FilmError):
        if works.film:
            found[FILM] = desk.result(works.film).film
    if takes := works.takes.get(row):
        clip = document.shown / takes[-1].clip
        found |= {SCENE: clip} if clip.is_file() else {}
    made = newest(desk, document)
    return found | ({CUT: Path(made.film)} if made.film else {})


def begin(desk: Desk, document: Document, verb: str, videos: list[Path], how: Mapping[str, Any]) -> str:
    """Have them made over, or something new made of them. They are kept in the project first, so that nothing takes them
    away meanwhile."""
    if newest(desk, document).busy:
        raise FilmError("A video is being made already.", "Stop it first, or wait until it is done.")
    names = [document.keep(video, video.name) for video in videos]
    kept = [path for name in names if (path := document.kept(name))]
    job = desk.cut(verb, kept, dict(how), document.owner, told={"project": document.id, "kind": "cut", "verb": verb})
    try:
        document.note(lambda works: replace(works, cuts=(*works.cuts, job)[-MOST_CUTS:]))
    except FilmError:
        desk.cancel(job)  # nobody would know whose it is
        raise
    return job


def split(desk: Desk, document: Document, video: Path, at: str) -> str:
    """The parts of a video between those seconds, such as "2, 5.5", as scenes at the end of the story; none is made
    anew. -> the first one's row."""
    if not re.fullmatch(SECONDS, at):
        raise FilmError(f'"{at[:40]}" does not fit.', "Give seconds such as 2, 5.5.")
    whole = ends(video, desk.studio)
    inner = sorted({float(one) for one in at.split(",")})
    edges = [0.0, *(one for one in inner if 0 < one < whole), whole]
    if len(edges) < 3:
        raise FilmError("There is nothing to cut there.", f"The video lasts {whole:.1f} seconds: give seconds within it.")
    return _scenes(document, document.keep(video, video.name), edges)


def _scenes(document: Document, kept: str, edges: Sequence[float]) -> str:
    """A video's parts between those seconds as scenes with its own sound. -> the first one's row."""
    rows = [
        new_row({"image": kept, "duration": round(end - start, 3), "clip_sound": "full"} | ({"clip_start": round(start, 3)} if start else {}))
        for start, end in pairwise(edges)
    ]
    document.change(inserted(rows))
    return rows[0].id


def newest(desk: Desk, document: Document) -> State:
    """How the newest one stands. Cheap: the database is asked only when there is something new."""
    job = document.works.cuts[-1] if document.works.cuts else ""
    known = job, desk.steps(job)
    kept = document.memo.get("cut")
    if kept is None or kept[0] != known:
        kept = document.memo["cut"] = known, _standing(desk, document)
    state: State = kept[1]
    if state.busy:
        return replace(state, share=max((float(stamped.event["done"]) for stamped in desk.progress(job)), default=0.0))
    return State() if state.film and not Path(state.film).is_file() else state  # it was cleared away


def _standing(desk: Desk, document: Document) -> State:
    job = _job(desk, document)
    if job is None:
        return State()
    verb = str(job.told.get("verb", ""))
    events = [stamped.event for stamped in desk.events(job.id)]
    notes = tuple(str(event["message"]) for event in events if event["event"] == "warned")
    if not job.over:
        return State(job.id, verb, job.state, notes=notes)
    last = events[-1] if events else {}
    if job.state == "failed":
        return State(job.id, verb, "failed", 0.0, str(last.get("message", "")), str(last.get("hint", "")))
    try:
        film = str(desk.result(job.id).film) if job.state == "done" else ""
    except FilmError:
        return State()  # it was cleared away
    return State(job.id, verb, job.state, 1.0 if film else 0.0, how=str(dict(last.get("engines") or {}).get("clips", "")), notes=notes, film=film)


def version(desk: Desk, document: Document) -> tuple[str, int]:
    """Changes with everything new about the newest one; cheap to ask."""
    job = document.works.cuts[-1] if document.works.cuts else ""
    return job, desk.version(job) if job else 0


def stop(desk: Desk, document: Document) -> None:
    """Stop the newest one, if it is not over."""
    job = _job(desk, document)
    if job and not job.over:
        desk.cancel(job.id)


def taken(desk: Desk, document: Document) -> str:
    """The newest one as a scene at the end of the story, as long as it is; as several, where it is longer than a scene may
    be. -> the first one's row."""
    made = newest(desk, document)
    if not made.film:
        raise FilmError("There is no finished video to add.", "Make one first.")
    video = Path(made.film)
    whole = max(SHORTEST, ends(video, desk.studio))
    count = ceil(whole / LONGEST)
    return _scenes(document, document.keep(video, video.name), [whole * i / count for i in range(count + 1)])


def _job(desk: Desk, document: Document) -> Job | None:
    with suppress(FilmError):
        return desk.job(document.works.cuts[-1]) if document.works.cuts else None
    return None
