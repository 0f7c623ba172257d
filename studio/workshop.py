"""Between a project and videos that are made over: which videos there are, what was asked for, how the newest stands.

Knows no page. A job that is sent goes on whatever happens to us, as a film's does.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pipelines.work import FilmError

from .desk import Desk
from .jobs import Job
from .project import inserted, new_row
from .shelf import Document

MOST_CUTS = 12  # of a project that are shown; the films of older ones are swept in time
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
    """Have them made over. The videos are kept in the project first, so that nothing takes them away meanwhile."""
    if newest(desk, document).busy:
        raise FilmError("A video is being made over already.", "Stop it first, or wait until it is done.")
    kept = []
    for video in videos:
        name = document.keep(video, video.name)
        path = document.kept(name)
        assert path
        kept.append(path)
    job = desk.cut(verb, kept, dict(how), document.owner, told={"project": document.id, "kind": "cut", "verb": verb})
    try:
        document.note(lambda works: replace(works, cuts=(*works.cuts, job)[-MOST_CUTS:]))
    except FilmError:
        desk.cancel(job)  # nobody would know whose it is
        raise
    return job


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
    """The newest one as a scene at the end of the story. -> its row."""
    made = newest(desk, document)
    if not made.film:
        raise FilmError("There is no finished video to add.", "Make one first.")
    row = new_row({"image": document.keep(Path(made.film), Path(made.film).name), "clip_sound": "full"})
    document.change(inserted([row]))
    return row.id


def _job(desk: Desk, document: Document) -> Job | None:
    with suppress(FilmError):
        return desk.job(document.works.cuts[-1]) if document.works.cuts else None
    return None
