"""What a door says when it cannot do what was asked: one error, in the words and the shape that each door's clients know.

Knows which paths belong to which door's shape, and no door's insides.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from starlette.responses import JSONResponse

from pipelines.work import FilmError

from ..jobs import Busy

SERVICE = ("/generateVideos", "/folders", "/jobs", "/catalog")
FLAT = ("/video", "/openai/v1/video", "/openai/video", "/v1/video")
VIDEOS = ("/v1", "/videos", "/openai")
TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}


class Refusal(FilmError):
    """A FilmError with its HTTP status, a short code for programs, and headers."""

    def __init__(
        self, status: int, code: str, message: str, hint: str = "", where: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message, hint, where)
        self.status = status
        self.code = code
        self.headers = dict(headers or {})


def absent(what: str = "film") -> Refusal:
    """The same for what is not there and for what is somebody else's."""
    return Refusal(404, "not_found", f"There is no such {what}.", "Check its id, and the key you came with.")


def bad(message: str, where: str = "", hint: str = "", code: str = "invalid_value") -> Refusal:
    """Something in the request cannot be used; `where` names it."""
    return Refusal(400, code, message, hint, where)


def later(message: str, hint: str, seconds: float) -> Refusal:
    """Too much at once."""
    return Refusal(429, "rate_limit_exceeded", message, hint, "", {"Retry-After": str(max(1, math.ceil(seconds)))})


def refusal(error: FilmError) -> Refusal:
    """Any error for people, as a refusal."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, Busy):
        return later(error.message, error.hint, error.wait)
    first = next(iter(error.faults), error)
    said = " ".join([error.message, *(f"{fault.message} {fault.hint}".strip() for fault in error.faults)])
    return Refusal(400, "invalid_value", said, error.hint, error.where or first.where)


def ours(path: str) -> bool:
    """Whether a path is one of the doors', not the page's."""
    return belongs(path, (*SERVICE, *FLAT, *VIDEOS))


def belongs(path: str, prefixes: tuple[str, ...]) -> bool:
    """Whether a path is one of these or below one."""
    return any(path == prefix or path.startswith(prefix + "/") for prefix in prefixes)


def told(path: str, error: Refusal) -> dict[str, Any]:
    """The error in the shape that the door at that path is known for."""
    if belongs(path, SERVICE):
        said = {"code": error.code, "message": error.message, "hint": error.hint, "where": error.where}
        return {"success": False, "video_url": "", "error": said, "metadata": {"timestamp": now()}}
    sentence = f"{error.message} {error.hint}".strip()
    kind = TYPES.get(error.status, "server_error" if error.status >= 500 else "invalid_request_error")
    flat = {"code": error.code, "message": sentence, "param": error.where or None, "type": kind}
    if belongs(path, FLAT):
        return flat | {"inner_error": None}
    if belongs(path, VIDEOS):
        return {"error": flat}
    return {"detail": sentence, "code": error.code}


def answer(path: str, error: Refusal) -> JSONResponse:
    """That, as a response."""
    return JSONResponse(told(path, error), error.status, error.headers)


def now() -> str:
    """ISO 8601, UTC."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
