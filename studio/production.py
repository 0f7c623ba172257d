"""Between a project and its jobs: sends a project to the desk, and reads from the job's events how its rows stand.

Knows no page. Everything it tells can be read again after a restart: it comes from the job's stored events.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pipelines.story import SEEDS, Story
from pipelines.story import read as read_story
from pipelines.work import FilmError

from .desk import Desk
from .jobs import Job, Told
from .project import Fault, Project, edited, place, story, told
from .shelf import Document, Take, Works

MOST_TAKES = 12  # of a scene; the oldest go


@dataclass(frozen=True, slots=True)
class RowState:
    """How a scene stands: draft, ready, changed, failed, or while a job runs queued, making. `part` is 0 to 1."""

    status: str
    part: float = 0.0
    said: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class State:
    """How a project's newest job stands. `left`: seconds, None if that cannot be told yet."""

    state: str = "idle"
    kind: str = "film"
    stage: str = ""
    share: float = 0.0
    left: float | None = None
    took: float = 0.0
    ahead: int = 0
    said: str = ""
    hint: str = ""
    warnings: tuple[str, ...] = ()
    rows: Mapping[str, RowState] = field(default_factory=dict)

    @property
    def busy(self) -> bool:
        return self.state in ("queued", "running")


def start(desk: Desk, document: Document, only: str = "") -> str:
    """Have the film made, or a film of one row alone. -> the job's id. FilmError with every fault."""
    with document.lock:
        job = _job(desk, document)
        if job and not job.over:
            raise FilmError("A film is being made already.", "Stop it first, or wait until it is done.")
        project = document.project
        film, faults = story(project, desk.presets, document.pictures)
        if only:
            faults = tuple(fault for fault in faults if fault.row in ("", only))
        if faults or (film is None and not only):
            first = faults[0] if faults else Fault("", "", "The story cannot be made yet.", "")
            more = f" There are {len(faults) - 1} more like this." if len(faults) > 1 else ""
            raise FilmError(first.message + more, first.hint, first.row)
        if only:
            film = _alone(desk, document, project, only)
        assert film is not None
        seeds = {row.id: film.seed_of(0 if only else i) for i, row in enumerate(project.rows) if only in ("", row.id)}
        kept = {
            "project": document.id,
            "kind": "scene" if only else "film",
            "rows": [only] if only else [row.id for row in project.rows],
            "signs": {row: sign for row, sign in signs(project).items() if row in seeds},
            "seeds": seeds,
            "sign": sign(project),
        }
        identity = desk.submit(film, document.owner, told=kept)
        failed = {row: said for row, said in document.works.failed.items() if row not in seeds}
        document.note(lambda works: replace(works, job=identity, heard=0, failed=failed))
        return identity


def reroll(document: Document, row: str) -> None:
    """Another seed for that row; its takes are kept."""
    document.change(edited(row, "seed", secrets.randbelow(SEEDS)))


def stop(desk: Desk, document: Document) -> None:
    """Stop the project's job; finished parts are kept."""
    job = _job(desk, document)
    if job and not job.over:
        desk.cancel(job.id)


def sign(project: Project) -> str:
    """What a whole film shows, as a short sign."""
    return _digest(told(project))


def signs(project: Project) -> dict[str, str]:
    """By row: what its clip shows, as a short sign that changes when the clip would."""
    whole = {name: value for name, value in project.settings.items() if name not in ("title", "music", "music_level")}
    return {
        row.id: _digest([whole, {name: value for name, value in row.cells.items() if name != "music_mood"}])
        for row in project.rows
    }


def hear(desk: Desk, document: Document) -> State:
    """Take in what the newest job did since we last looked, and tell how everything stands."""
    with document.lock:
        job = _job(desk, document)
        if job is None:
            return State(rows=_at_rest(document))
        rows = [str(row) for row in job.told.get("rows", ())]
        events = desk.events(job.id)
        fresh = [event for event in events if event.n > document.works.heard]
        if fresh or (job.state == "done" and document.works.film != job.id):
            document.note(lambda works: _taken_in(document, works, job, rows, [event.event for event in fresh], fresh[-1].n if fresh else works.heard))
        return _state(desk, document, job, rows, [event.event for event in events], events[0].at if events else job.created)


def _state(desk: Desk, document: Document, job: Job, rows: list[str], events: list[Told], began: float) -> State:
    done = {_row(rows, event) for event in events if _is_clip(event)}
    moved = [stamped.event for stamped in desk.progress(job.id)]
    share = max((float(event["done"]) for event in moved), default=0.0)
    warnings = tuple(dict.fromkeys(str(event["message"]) for event in events if event["event"] == "warned"))
    stage = next((str(event["stage"]) for event in reversed(events) if event["event"] == "began"), "")
    if not job.over:
        states = _at_rest(document)
        parts = {_row(rows, event): float(event.get("part", 0.0)) for event in moved if event.get("scene")}
        for row in rows:
            if row in document.works.failed:
                continue
            states[row] = RowState("ready") if row in done else RowState("making", parts[row]) if row in parts else RowState("queued")
        elapsed = time.time() - began
        left = elapsed * (1 - share) / share if share > 0.03 and elapsed > 0.5 else None
        return State(job.state, str(job.told.get("kind")), stage, share, left, elapsed, desk.ahead(job.id), "", "", warnings, states)
    last = events[-1] if events else {}
    took = max(0.0, job.changed - began)
    said = str(last.get("message", "")) if job.state == "failed" else ""
    hint = str(last.get("hint", "")) if job.state == "failed" else ""
    share = 1.0 if job.state == "done" else share
    return State(job.state, str(job.told.get("kind")), stage, share, None, took, 0, said, hint, warnings, _at_rest(document))


def _taken_in(document: Document, works: Works, job: Job, rows: list[str], events: list[Told], heard: int) -> Works:
    """Works with what the job's events say was made and what failed."""
    made, takes, failed = dict(works.made), dict(works.takes), dict(works.failed)
    for event in events:
        row = _row(rows, event)
        if _is_clip(event) and row:
            clip = Path(str(event["path"]))
            if not clip.is_file():
                continue
            name = document.show(clip, f"{clip.stem}{clip.suffix}")
            take = Take(int(job.told["seeds"].get(row, 0)), name)
            others = [each for each in takes.get(row, ()) if each.seed != take.seed]
            takes[row] = (*others, take)[-MOST_TAKES:]
            made[row] = str(job.told["signs"].get(row, ""))
            failed.pop(row, None)
        elif event["event"] == "fault" and row:
            failed[row] = (str(event["message"]), str(event["hint"]), str(job.told["signs"].get(row, "")))
    whole = job.state == "done" and job.told.get("kind") == "film"
    film, film_sign = (job.id, str(job.told.get("sign", ""))) if whole else (works.film, works.film_sign)
    if job.state == "failed" and (wrong := next((event for event in reversed(events) if event["event"] == "failed"), None)):
        scene, _, _ = str(wrong.get("where", "")).partition(".")
        if scene.startswith("scenes[") and int(scene[7:-1]) < len(rows):
            row = rows[int(scene[7:-1])]
            failed.setdefault(row, (str(wrong["message"]), str(wrong["hint"]), str(job.told["signs"].get(row, ""))))
    return replace(works, made=made, takes=takes, failed=failed, heard=heard, film=film, film_sign=film_sign)


def _at_rest(document: Document) -> dict[str, RowState]:
    """Every row while nothing is made."""
    works, now = document.works, signs(document.project)
    states = {}
    for row, sign_now in now.items():
        if row in works.failed and works.failed[row][2] == sign_now:
            states[row] = RowState("failed", 0.0, *works.failed[row][:2])
        elif row not in works.made:
            states[row] = RowState("draft")
        else:
            states[row] = RowState("ready" if works.made[row] == sign_now else "changed")
    return states


def _alone(desk: Desk, document: Document, project: Project, only: str) -> Story:
    """A film of that row alone: with the mood and seed that it has in the whole."""
    at = project.at(only)
    if at < 0:
        raise FilmError("That scene is gone.", "Choose another.")
    cells = dict(project.rows[at].cells)
    mood = next((str(row.cells["music_mood"]) for row in reversed(project.rows[: at + 1]) if "music_mood" in row.cells), "")
    one = {"scene_number": 1, **cells} | ({"music_mood": mood} if mood else {})
    whole, _ = story(project, desk.presets, document.pictures)
    if whole is not None:
        one["seed"] = whole.seed_of(at)
    return read_story({**project.settings, "scenes": [one]}, desk.presets, document.pictures, table=True)


def _row(rows: list[str], event: Told) -> str:
    """The row that an event is about; "" for none."""
    n = event.get("scene")
    return rows[n - 1] if isinstance(n, int) and 0 < n <= len(rows) else ""


def _is_clip(event: Told) -> bool:
    return bool(event["event"] == "made" and event["stage"] == "film" and not event.get("turning"))


def _job(desk: Desk, document: Document) -> Job | None:
    try:
        return desk.job(document.works.job) if document.works.job else None
    except FilmError:
        return None


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=True).encode()).hexdigest()[:24]


__all__ = ["RowState", "State", "hear", "place", "reroll", "sign", "signs", "start", "stop"]
