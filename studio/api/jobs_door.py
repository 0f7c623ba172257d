"""A job as programs see it: how it stands, what happens to it, what it made; and stopping it. Any door's jobs.

Knows the events of jobs, not who asked for them or why.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from pipelines.render import frame_of
from pipelines.story import Story
from pipelines.work import FilmError

from ..jobs import Job, Told
from .doors import Doors, here, share, who
from .refusals import Refusal

MADE = ("film", "captions.srt", "captions.vtt", "thumbnail", "timeline")
TYPES = {"film": "video/mp4", "captions.srt": "application/x-subrip", "captions.vtt": "text/vtt", "timeline": "application/json"}


def job_routes(doors: Doors) -> list[BaseRoute]:
    """Those below /jobs."""

    def look(request: Request) -> Response:
        return JSONResponse(state_of(doors, doors.job(request.path_params["job"], who(request)), here(request)))

    def cancel(request: Request) -> Response:
        job = doors.job(request.path_params["job"], who(request))
        doors.desk.cancel(job.id)
        return JSONResponse(state_of(doors, doors.desk.job(job.id), here(request)))

    async def events(request: Request) -> Response:
        job = await run_in_threadpool(doors.job, request.path_params["job"], who(request))
        last = request.headers.get("last-event-id", "0")
        after = int(last) if last.isascii() and last.isdigit() and len(last) < 10 else 0

        async def lines() -> AsyncIterator[str]:
            async for one in doors.follow(job.id, after):
                if one is None:
                    yield ": still here\n\n"
                else:
                    number = f"id: {one.n}\n" if one.n else ""
                    yield f"{number}event: {one.event['event']}\ndata: {json.dumps(public(one.event))}\n\n"

        kept = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(lines(), media_type="text/event-stream", headers=kept)

    async def made(request: Request) -> Response:
        job = await run_in_threadpool(doors.job, request.path_params["job"], who(request))
        return await asyncio.to_thread(file_of, doors, job, request.path_params["what"])

    return [
        Route("/jobs/{job}", look),
        Route("/jobs/{job}", cancel, methods=["DELETE"]),
        Route("/jobs/{job}/events", events),
        Route("/jobs/{job}/{what}", made),
    ]


def file_of(doors: Doors, job: Job, what: str) -> Response:
    """Something that a job made, to be downloaded; parts of it may be asked for."""
    if what not in MADE:
        raise Refusal(404, "not_found", "There is nothing at that address.", f"There are {', '.join(MADE)}.")
    try:
        found = doors.desk.result(job.id)
        if what == "thumbnail":
            return FileResponse(doors.shots.thumbnail(found.film), media_type="image/webp")
    except FilmError as error:
        raise Refusal(404, "not_ready", error.message, error.hint) from error
    path: Path | None = {"film": found.film, "captions.srt": found.srt, "captions.vtt": found.vtt, "timeline": found.timeline}[what]
    if path is None:
        raise Refusal(404, "not_found", "The film has none.", "Ask for captions in its story.")
    return FileResponse(path, media_type=TYPES[what], filename=f"{job.id[:8]}{''.join(path.suffixes)}", content_disposition_type="inline")


def state_of(doors: Doors, job: Job, address: str) -> Told:
    """A job as plain data."""
    found, error = result_of(doors, job) if job.over else ({}, None)
    done = 1.0 if job.state == "done" else share(doors, job.id)
    told: Told = {
        "success": error is None,
        "job_id": job.id,
        "state": job.state,
        "progress": round(done, 4),
        "ahead": doors.desk.ahead(job.id) if job.state == "queued" else 0,
        "created": job.created,
        "video_url": f"{address}/jobs/{job.id}/film" if job.state == "done" else "",
        "events_url": f"{address}/jobs/{job.id}/events",
        "metadata": {"warnings": warnings_of(doors, job.id)} | found,
    }
    if error:
        told["error"] = {"code": error.code, "message": error.message, "hint": error.hint, "where": error.where}
    return told


def result_of(doors: Doors, job: Job) -> tuple[Told, Refusal | None]:
    """What a job that is over made, or why it made nothing."""
    last: dict[str, Any] = {}
    for stamped in doors.desk.events(job.id):
        if stamped.event["event"] in ("done", "failed", "stopped"):
            last = stamped.event
    if job.state == "stopped":
        return {}, Refusal(503, "stopped", "The film was stopped.", "Ask for it again: finished parts are kept.")
    if job.state == "failed":
        return {}, failure(last)
    made = {"duration": round(float(last.get("seconds", 0)), 3), "frames": last.get("frames", 0), "engines": last.get("engines", {}), "marks": last.get("marks", {})}
    asked = doors.desk.story(job.id)
    if not asked:  # given videos, made over: their size is that of the first
        return made | {"verb": job.told["cut"]["verb"]}, None
    frame = frame_of(Story(size=asked["size"], fps=asked["fps"], quality=asked["quality"]), doors.desk.presets)
    size = {"width": frame.width, "height": frame.height, "fps": round(float(frame.rate), 3)}
    return made | {"scenes": len(asked["scenes"])} | size, None


def failure(event: Told) -> Refusal:
    """Why a film could not be made, with a code for programs."""
    where = str(event.get("where", ""))
    hint, message = str(event.get("hint", "")), str(event.get("message", "The film could not be made."))
    if event.get("code"):
        return Refusal(400, str(event["code"]), message, hint, where)
    if where.endswith(".engine") or where.endswith(".voice") or where == "music":
        return Refusal(503, "engine_missing", message, hint, where)
    if where:
        return Refusal(400, "invalid_value", message, hint, where)
    return Refusal(503, "failed", message, hint)


def warnings_of(doors: Doors, job: str) -> list[str]:
    """What went otherwise than asked."""
    told = [one.event for one in doors.desk.events(job) if one.event["event"] == "warned"]
    return list(dict.fromkeys(f"{event['message']} {event['hint']}".strip() for event in told))


def public(event: Told) -> Told:
    """An event without what is only of use on this machine."""
    return {name: value for name, value in event.items() if name != "path"}
