"""Between a project and its jobs: sends a project to the desk, and reads from the job's events how its rows stand.

Knows no page. Everything it tells can be read again after a restart: it comes from the job's stored events.
"""

from __future__ import annotations

import filecmp
import hashlib
import json
import re
import secrets
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pipelines.story import SEEDS, Story
from pipelines.work import DiskFull, FilmError

from .consent import awaited
from .desk import Desk
from .jobs import Job, Stamped, Told
from .project import Fault, Project, alone, edited, short, story
from .shelf import Document, Take, Works

MOST_TAKES = 12  # of a scene; the oldest go
SHOOTING = ("clips", "film")  # the stages in which a scene itself is made
PATIENCE = 1.0  # seconds that whoever stopped a film waits for its end
FIRST = "narration"  # the stage that every film begins with


@dataclass(frozen=True, slots=True)
class RowState:
    """How a scene stands: draft, ready, changed, failed, or while a job runs queued, making. `part` is 0 to 1;
    `glimpse`: what its clip is becoming, a small JPEG in base64."""

    status: str
    part: float = 0.0
    said: str = ""
    hint: str = ""
    glimpse: str = ""


@dataclass(frozen=True, slots=True)
class State:
    """How a project's newest job stands. `left`: seconds, None if that cannot be told yet. `made` of `total` rows of
    the job are done."""

    state: str = "idle"
    kind: str = "film"
    stage: str = ""
    share: float = 0.0
    left: float | None = None
    took: float = 0.0
    ahead: int = 0
    made: int = 0
    total: int = 0
    said: str = ""
    hint: str = ""
    warnings: tuple[str, ...] = ()
    row: str = ""  # the one that the job is about, if it is about one
    slots: tuple[float, ...] = ()  # how far each of its takes is, if there are several: 0 to 1
    rows: Mapping[str, RowState] = field(default_factory=dict)

    @property
    def busy(self) -> bool:
        return self.state in ("queued", "running")


def start(desk: Desk, document: Document, only: str = "") -> str:
    """Have the film made, or a film of one row alone. -> the job's id. FilmError with every fault."""
    with document.lock:
        project, presets, base = document.project, desk.presets, document.pictures
        film, faults = alone(project, only, presets, base) if only else story(project, presets, base)
        film = checked(desk, document, film, faults, only)
        rows = [only] if only else [row.id for row in project.rows]
        return send(desk, document, film, "scene" if only else "film", rows, [film.seed_of(i) for i in range(len(rows))])


def checked(desk: Desk, document: Document, film: Story | None, faults: Sequence[Fault], only: str) -> Story:
    """The film of the whole, or of one row, if it can be made now; FilmError with what is in the way."""
    job = _job(desk, document)
    if job and not job.over:
        raise FilmError("A film is being made already.", "Stop it first, or wait until it is done.")
    if film is None:
        first = faults[0] if faults else Fault("", "", "The story cannot be made yet.", "")
        said = short(first.message) if only else first.message
        more = f" There are {len(faults) - 1} more like this." if len(faults) > 1 else ""
        raise FilmError(said + more, first.hint, first.row)
    _asked(document, only)
    return film


def send(desk: Desk, document: Document, film: Story, kind: str, rows: Sequence[str], seeds: Sequence[int]) -> str:
    """Give a film to the desk. -> the job's id. `rows` and `seeds`: of each of its scenes, whose it is and which it has."""
    project = document.project
    kept = {
        "project": document.id,
        "kind": kind,
        "rows": list(rows),
        "signs": {row: sign for row, sign in signs(project).items() if row in rows},
        "seeds": list(seeds),
        "looks": [seeded(project, row, seed) for row, seed in zip(rows, seeds, strict=True)],
        "sign": sign(project),
    }
    identity = desk.submit(film, document.owner, told=kept)
    failed = {row: said for row, said in document.works.failed.items() if row not in rows}
    try:
        document.note(lambda works: replace(works, job=identity, heard=0, failed=failed))
    except FilmError:
        desk.cancel(identity)  # nobody would know whose it is
        raise
    return identity


def _asked(document: Document, only: str) -> None:
    """FilmError if a picture that is to be filmed shows somebody of whom nobody said that they agree."""
    for i, row in enumerate(document.project.rows):
        if only in ("", row.id) and not row.cells.get("card") and awaited(document, [str(row.cells.get("image", ""))]):
            raise FilmError(f"The picture of scene {i + 1} shows a face.", "Say in the scene's panel that whoever it shows agrees.", row.id)


def reroll(document: Document, row: str) -> None:
    """Another seed for that row; its takes are kept."""
    document.change(edited(row, "seed", secrets.randbelow(SEEDS)))


def stop(desk: Desk, document: Document) -> None:
    """Stop the project's job, and wait for a moment until it has stopped; finished parts are kept."""
    job = _job(desk, document)
    if job is None or job.over:
        return
    desk.cancel(job.id)
    until = time.monotonic() + PATIENCE
    while not desk.job(job.id).over and time.monotonic() < until:
        time.sleep(0.02)


def sign(project: Project) -> str:
    """What a whole film shows, as a short sign."""
    return _digest([dict(project.settings), [_said(row.cells) for row in project.rows]])


def signs(project: Project) -> dict[str, str]:
    """By row: what its clip shows, as a short sign that changes when the clip would."""
    whole = {name: value for name, value in project.settings.items() if name not in ("title", "music", "music_level")}
    signs = {}
    for i, row in enumerate(project.rows):
        cells = {name: value for name, value in _said(row.cells).items() if name != "music_mood"}
        drawn = "seed" not in cells and "clip_action" not in cells  # its move comes from the seed, that from its position
        signs[row.id] = _digest([whole, cells, i if drawn else ""])
    return signs


def seeded(project: Project, row: str, seed: int) -> str:
    """What a row's clip shows from that seed, as a short sign."""
    whole = {name: value for name, value in project.settings.items() if name not in ("title", "music", "music_level", "seed")}
    found = project.row(row)
    cells = {name: value for name, value in _said(found.cells if found else {}).items() if name not in ("music_mood", "seed")}
    return _digest([whole, cells, seed])


def hear(desk: Desk, document: Document) -> State:
    """Take in what the newest job did since we last looked, and tell how everything stands."""
    with document.lock:
        job = _job(desk, document)
        if job is None:
            return State(rows=_at_rest(document))
        rows = [str(row) for row in job.told.get("rows", ())]
        stamped = desk.events(job.id)
        fresh = [event for event in stamped if event.n > document.works.heard]
        if fresh or (job.state == "done" and document.works.film != job.id):
            with suppress(FilmError):  # the disk is full: it is taken in later, and the page goes on meanwhile
                document.note(lambda works: _taken_in(document, works, job, rows, [event.event for event in fresh], fresh[-1].n if fresh else works.heard))
        return _state(desk, document, job, rows, stamped)


def _state(desk: Desk, document: Document, job: Job, rows: list[str], stamped: list[Stamped]) -> State:
    events, kind = [event.event for event in stamped], str(job.told.get("kind"))
    there = {n: row for n, row in enumerate(rows, 1) if document.project.row(row)}
    done = {event.get("scene") for event in events if _is_clip(event)}
    made, total = sum(n in done for n in there), len(there)
    row = rows[0] if kind != "film" and rows else ""
    moved = [event.event for event in desk.progress(job.id)]
    share = max((float(event["done"]) for event in moved), default=0.0)
    warnings = tuple(dict.fromkeys(str(event["message"]) for event in events if event["event"] == "warned"))
    stage = next((str(event["stage"]) for event in reversed(events) if event["event"] == "began"), "")
    if not job.over:
        states = _at_rest(document)
        parts = {event["scene"]: float(event.get("part", 0.0)) for event in moved if event.get("scene") and event["stage"] in SHOOTING}
        seen = {stamped.event.get("scene"): str(stamped.event["picture"]) for stamped in desk.glimpses(job.id)}
        far = [1.0 if n in done else parts.get(n, 0.0) for n in there]
        slots = tuple(round(one, 2) for one in far) if total > 1 and row else ()
        for n, whose in there.items():
            if n not in done and whose not in document.works.failed:
                part = sum(far) / total if slots else parts.get(n, 0.0)
                states[whose] = RowState("making", part, glimpse=seen.get(n, "")) if n in parts or (slots and any(far)) else RowState("queued")
        elapsed = max(0.0, time.time() - job.changed)  # since it was begun, or begun again
        left = elapsed * (1 - share) / share if share > 0.03 and elapsed > 0.5 else None
        full = DiskFull() if desk.stuck(job.id) else None
        said, hint = (full.message, full.hint) if full else ("", "")
        return State(job.state, kind, stage, share, left, elapsed, desk.ahead(job.id), made, total, said, hint, warnings, row, slots, states)
    last = events[-1] if events else {}
    begins = [event.at for event in stamped if event.event["event"] == "began" and event.event["stage"] == FIRST]
    took = max(0.0, job.changed - (begins[-1] if begins else job.created))
    said = str(last.get("message", "")).partition("\n")[0] if job.state == "failed" else ""
    hint = str(last.get("hint", "")) if job.state == "failed" else ""
    share = 1.0 if job.state == "done" else share
    return State(job.state, kind, stage, share, None, took, 0, made, total, said, hint, warnings, row, (), _at_rest(document))


def _taken_in(document: Document, works: Works, job: Job, rows: list[str], events: list[Told], heard: int) -> Works:
    """Works with what the job's events say was made and what failed."""
    made, takes, failed = dict(works.made), dict(works.takes), dict(works.failed)
    varied = len(rows) > len(set(rows))
    for event in events:
        row = _row(rows, event)
        if _is_clip(event) and row:
            clip = Path(str(event["path"]))
            if not clip.is_file():
                continue
            before = takes.get(row, ())
            take = _take(document, job, event, row, clip, before)
            mine = take.seed == job.told["seeds"][0] if varied else True
            others = [each for each in before if each.seed != take.seed]
            takes[row] = (*others, take)[-MOST_TAKES:] if mine or not others else (*others[:-1], take, others[-1])[-MOST_TAKES:]
            if mine:
                made[row] = str(job.told["signs"].get(row, ""))
            failed.pop(row, None)
        elif event["event"] == "fault" and row:
            failed[row] = _why(job, row, event)
        elif event["event"] == "failed":
            several = [{"message": message, "hint": hint, "where": where} for message, hint, where in event.get("faults") or ()]
            for fault in several or [event]:
                if row := _row_at(rows, str(fault["where"])):
                    failed.setdefault(row, _why(job, row, fault))
    whole = job.state == "done" and job.told.get("kind") == "film"
    film, film_sign = (job.id, str(job.told.get("sign", ""))) if whole else (works.film, works.film_sign)
    return replace(works, made=made, takes=takes, failed=failed, heard=heard, film=film, film_sign=film_sign)


def _take(document: Document, job: Job, event: Told, row: str, clip: Path, others: Sequence[Take]) -> Take:
    """What was made, shown. Seeds that an engine does not heed give the same bytes, and then it is the same file."""
    n, seeds = int(event["scene"]) - 1, job.told["seeds"]
    name = document.show(clip, f"{clip.stem}{clip.suffix}")
    for other in {each.clip for each in others} - {name}:
        if (document.shown / other).is_file() and filecmp.cmp(document.shown / other, clip, shallow=False):
            name = other
    if isinstance(seeds, dict):  # a job of before
        return Take(int(seeds.get(row, 0)), name)
    return Take(int(seeds[n]), name, str(job.told["looks"][n]))


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


def _row(rows: list[str], event: Told) -> str:
    """The row that an event is about; "" for none."""
    n = event.get("scene")
    return rows[n - 1] if isinstance(n, int) and 0 < n <= len(rows) else ""


def _row_at(rows: list[str], where: str) -> str:
    """The row that ``scenes[2].image`` is about; "" for none."""
    scene = re.match(r"scenes\[(\d{1,4})\]", where, re.ASCII)
    return rows[int(scene[1])] if scene and int(scene[1]) < len(rows) else ""


def _why(job: Job, row: str, event: Told) -> tuple[str, str, str]:
    """What is wrong with a row, the remedy, and the sign of what it was wrong with."""
    return short(str(event["message"])), str(event["hint"]), str(job.told["signs"].get(row, ""))


def _said(cells: Mapping[str, Any]) -> dict[str, Any]:
    """A row's cells without those that say the usual in so many words."""
    return {name: value for name, value in cells.items() if not (name in ("clip_action", "engine") and value == "auto")}


def _is_clip(event: Told) -> bool:
    return bool(event["event"] == "made" and event["stage"] == "film" and not event.get("turning"))


def _job(desk: Desk, document: Document) -> Job | None:
    try:
        return desk.job(document.works.job) if document.works.job else None
    except FilmError:
        return None


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=True).encode()).hexdigest()[:24]
