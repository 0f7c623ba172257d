"""The studio's own door: whether it is well, its numbers, entering with a key, and what `jobs`, `watch`, `cancel` ask.

Knows no film.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

from starlette.requests import Request
from starlette.responses import (
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import BaseRoute, Route

from ..jobs import Job
from .callers import COOKIE, pass_for
from .doors import Doors, share, who
from .refusals import Refusal, absent

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Reelwright</title><style>body{font:16px system-ui;max-width:22em;margin:20vh auto;padding:0 1em}
input,button{font:inherit;padding:.5em;width:100%;box-sizing:border-box;margin:.3em 0}</style>
<h1>Reelwright</h1><form method="post" action="/enter"><label for="key">Your key</label>
<input id="key" name="key" type="password" autocomplete="current-password" required autofocus>
<button>Enter</button></form><p>NOTE</p></html>"""
STAY = 30 * 86400


def routes(doors: Doors) -> list[BaseRoute]:
    """Those of this door."""

    async def well(_request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    def ready(_request: Request) -> Response:
        engines = doors.desk.catalog()["engines"]
        lacking = sorted({one["role"] for one in engines} - {one["role"] for one in engines if one["missing"] is None} - {"pictures"})
        if lacking:
            raise Refusal(503, "not_ready", f"Nobody is at hand for: {', '.join(lacking)}.", "reelwright doctor")
        return JSONResponse({"status": "ready", "jobs": doors.desk.counts()})

    def metrics(request: Request) -> Response:
        if not who(request).trusted:
            raise absent("page")
        return PlainTextResponse(doors.metrics.text(doors.desk.counts()), media_type="text/plain; version=0.0.4")

    async def enter(request: Request) -> Response:
        if request.method != "POST":
            return HTMLResponse(PAGE.replace("NOTE", ""))
        form = await request.form(max_files=0, max_fields=4, max_part_size=1000)
        key = doors.keys.find(str(form.get("key", ""))[:200])
        if key is None:
            return HTMLResponse(PAGE.replace("NOTE", "That key is not known here."), 401)
        answer = RedirectResponse("/", 303)
        secure = request.url.scheme == "https"
        answer.set_cookie(COOKIE, pass_for(key), STAY, httponly=True, samesite="strict", secure=secure)
        return answer

    def jobs(request: Request) -> Response:
        _ours(request)
        return JSONResponse([_told(doors, job) for job in doors.desk.jobs()])

    def cancel(request: Request) -> Response:
        _ours(request)
        job = doors.job(request.path_params["job"], who(request))
        doors.desk.cancel(job.id)
        return JSONResponse(_told(doors, doors.desk.job(job.id)))

    async def watch(request: Request) -> Response:
        _ours(request)
        job = doors.job(request.path_params["job"], who(request))

        async def lines() -> AsyncIterator[str]:
            async for one in doors.follow(job.id):
                yield json.dumps(one.event if one else {}) + "\n"

        return StreamingResponse(lines(), media_type="application/x-ndjson")

    return [
        Route("/healthz", well),
        Route("/health", well),
        Route("/readyz", ready),
        Route("/metrics", metrics),
        Route("/enter", enter, methods=["GET", "POST"]),
        Route("/own/jobs", jobs),
        Route("/own/jobs/{job}", cancel, methods=["DELETE"]),
        Route("/own/jobs/{job}/watch", watch),
    ]


def _ours(request: Request) -> None:
    """Only for the studio's own commands."""
    if not who(request).all:
        raise absent("page")


def _told(doors: Doors, job: Job) -> dict[str, Any]:
    title = str(doors.desk.story(job.id).get("title", ""))
    done = 1.0 if job.state == "done" else share(doors, job.id)
    return {"id": job.id, "title": title, "state": job.state, "done": round(done, 3), "created": job.created, "changed": job.changed}
