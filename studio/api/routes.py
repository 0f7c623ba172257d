"""Every door for programs, as routes of one application. Decides nothing but their order."""

from __future__ import annotations

import logging
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from pipelines.work import FilmError

from . import azure, generate_videos, house_door, mcp_door, openapi, videos
from .doors import Doors
from .refusals import Refusal, answer, ours, refusal

log = logging.getLogger("reelwright.doors")


def routes(doors: Doors) -> list[BaseRoute]:
    """All of them; the earlier comes before the later."""
    every = (house_door, generate_videos, azure, videos, mcp_door, openapi)
    return [route for door in every for route in door.routes(doors)]


def handlers() -> dict[Any, Any]:
    """What happens with errors: each is told in the shape of the door that it belongs to."""

    async def refused(request: Request, error: FilmError) -> Response:
        return answer(request.url.path, refusal(error))

    async def broken(request: Request, error: Exception) -> Response:
        log.error("%s %s failed", request.method, request.scope["path"].partition("?")[0][:40], exc_info=error)
        said = "Something went wrong that should not."
        return answer(request.url.path, Refusal(500, "internal_error", said, "Try again; if it stays, please report it."))

    async def unread(request: Request, error: HTTPException) -> Response:
        if not ours(request.url.path):
            return JSONResponse({"detail": error.detail}, error.status_code, error.headers)
        code = "invalid_form" if error.status_code == 400 else "bad_request"
        return answer(request.url.path, Refusal(error.status_code, code, f"{error.detail}", headers=error.headers))

    return {FilmError: refused, HTTPException: unread, Exception: broken}
