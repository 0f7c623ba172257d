"""OpenAI's Videos API, so that clients written for it work here: the same paths, fields, objects and errors.

Knows which request means what; reading, telling and making are elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from pipelines.crew import names
from pipelines.work import FilmError

from ..jobs import Job
from . import characters, videos_ask, videos_more
from .callers import Caller
from .doors import Doors, who
from .jobs_door import file_of
from .reading import Body, body_of, idempotency, limit_of
from .refusals import Refusal, bad
from .videos_ask import MODELS, OURS, Asked
from .videos_told import DOOR, job_id, poll_after, public_id, video

HOMES = ("/v1", "", "/openai", "/openai/v1")
OURS_TOO = {"captions": "captions.vtt", "timeline": "timeline"}
VARIANTS = ("video", "thumbnail", "spritesheet", "audio", "captions", "last_frame", "timeline")
SINCE = 1759276800  # when models of that name first were; clients want a number
Ask = Callable[[Doors, Caller, Body], Asked]


def routes(doors: Doors) -> list[BaseRoute]:
    """Those of this door, in each of its homes."""

    def asking(ask: Ask) -> Any:
        async def asked(request: Request) -> Response:
            caller, key = who(request), idempotency(request)
            async with body_of(request) as body:
                job = await run_in_threadpool(lambda: submitted(doors, caller, ask(doors, caller, body), key))
            return JSONResponse(await run_in_threadpool(video, doors, job), headers=poll_after(job))

        return asked

    async def remix(request: Request) -> Response:
        caller, identity = who(request), request.path_params["video_id"]
        source = await run_in_threadpool(videos_more.finished, doors, caller, identity)
        again: Ask = lambda doors, _caller, body: videos_more.remix(doors, source, body)  # noqa: E731
        answer: Response = await asking(again)(request)
        return answer

    def retrieve(request: Request) -> Response:
        job = doors.job(job_id(request.path_params["video_id"]), who(request), DOOR)
        return JSONResponse(video(doors, job), headers=poll_after(job))

    def delete(request: Request) -> Response:
        job = doors.job(job_id(request.path_params["video_id"]), who(request), DOOR)
        doors.desk.delete(job.id)
        return JSONResponse({"id": public_id(job.id), "object": "video.deleted", "deleted": True})

    def listed(request: Request) -> Response:
        caller, order = who(request), request.query_params.get("order", "desc")
        limit = limit_of(request, 100, 20)
        if order not in ("asc", "desc"):
            raise bad(f'order: "{order[:20]}" is not known.', "order", "Give asc or desc.")
        after = request.query_params.get("after", "")
        if after:
            try:
                after = doors.job(job_id(after), caller, DOOR).id
            except Refusal as error:
                raise bad("after: there is no such video.", "after") from error
        found = doors.desk.page(caller.owner, DOOR, after, limit + 1, order == "desc")
        data = [video(doors, job) for job in found[:limit]]
        ends = {"first_id": data[0]["id"] if data else None, "last_id": data[-1]["id"] if data else None}
        return JSONResponse({"object": "list", "data": data, **ends, "has_more": len(found) > limit})

    def content(request: Request) -> Response:
        job = doors.job(job_id(request.path_params["video_id"]), who(request), DOOR)
        return content_of(doors, job, request.query_params.get("variant", "video"))

    async def create_character(request: Request) -> Response:
        caller = who(request)
        async with body_of(request) as body:
            return JSONResponse(await run_in_threadpool(characters.create, doors, caller, body))

    def get_character(request: Request) -> Response:
        return JSONResponse(characters.get(doors, who(request), request.path_params["character_id"]))

    def models(_request: Request) -> Response:
        return JSONResponse({"object": "list", "data": [_model(name) for name in _models()]})

    def model(request: Request) -> Response:
        name = request.path_params["model"]
        if name not in _models():
            raise Refusal(404, "model_not_found", f'There is no model "{name[:60]}".', "GET /v1/models lists them.", "model")
        return JSONResponse(_model(name))

    async def nothing(request: Request) -> Response:
        said = f"There is nothing for {request.method} at that address."
        raise Refusal(404, "unknown_url", said, "/docs lists what there is.")

    found: list[BaseRoute] = []
    for home in HOMES:
        found += [
            Route(f"{home}/videos", asking(_create), methods=["POST"]),
            Route(f"{home}/videos", listed),
            Route(f"{home}/videos/edits", asking(videos_more.edit), methods=["POST"]),
            Route(f"{home}/videos/extensions", asking(videos_more.extend), methods=["POST"]),
            Route(f"{home}/videos/characters", create_character, methods=["POST"]),
            Route(f"{home}/videos/characters/{{character_id}}", get_character),
            Route(f"{home}/videos/{{video_id}}", retrieve),
            Route(f"{home}/videos/{{video_id}}", delete, methods=["DELETE"]),
            Route(f"{home}/videos/{{video_id}}/content", content),
            Route(f"{home}/videos/{{video_id}}/remix", remix, methods=["POST"]),
        ]
        if home:
            found += [Route(f"{home}/models", models), Route(f"{home}/models/{{model}}", model)]
    every = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    return [*found, *(Route(f"{top}{{rest:path}}", nothing, methods=every) for top in ("/videos/", "/v1/", "/openai/"))]


def _create(doors: Doors, caller: Caller, body: Body) -> Asked:
    return videos_ask.create(doors, caller, body, characters.still_of(doors, caller, body))


def submitted(doors: Doors, caller: Caller, asked: Asked, key: str) -> Job:
    """Accepted: the job."""
    job = doors.desk.submit(asked.story, caller.owner, f"{DOOR} {key}" if key else "", asked.told | caller.kept, caller.films)
    return doors.job(job, caller, DOOR)


def content_of(doors: Doors, job: Job, variant: str) -> Response:
    """A finished video, or something taken from it."""
    if variant not in VARIANTS:
        raise bad(f'variant: "{variant[:40]}" is not known.', "variant", f"Known: {', '.join(VARIANTS)}.")
    if not job.over:
        raise Refusal(404, "video_not_ready", "The video is not ready yet.", "Ask again when its status is completed.")
    if job.state != "done":
        raise Refusal(404, "video_failed", "The video could not be made.", "GET it: its error says why.")
    try:
        film = doors.desk.result(job.id).film
    except FilmError as error:
        raise Refusal(404, "expired", error.message, error.hint) from error
    name = public_id(job.id)
    shots = doors.shots
    try:
        match variant:
            case "video":
                return FileResponse(film, media_type="video/mp4", filename=f"{name}.mp4")
            case "thumbnail":
                return FileResponse(shots.thumbnail(film), media_type="image/webp", filename=f"{name}.webp")
            case "spritesheet":
                return FileResponse(shots.sheet(film), media_type="image/jpeg", filename=f"{name}.jpg")
            case "last_frame":
                return FileResponse(shots.last(film), media_type="image/png", filename=f"{name}.png")
            case "audio":
                return FileResponse(shots.sound(film), media_type="audio/mp4", filename=f"{name}.m4a")
            case _:
                return file_of(doors, job, OURS_TOO[variant])
    except Refusal:
        raise
    except FilmError as error:
        raise Refusal(404, "not_found", error.message, error.hint, "variant") from error


def _models() -> list[str]:
    return [*MODELS, *(OURS + name for name in names("clips"))]


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": SINCE, "owned_by": "reelwright"}


