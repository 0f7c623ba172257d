"""The Video Generation Service: a folder of pictures and a list of scenes become a film, over HTTP or as a function.

Knows the service's fields and answers; makes nothing itself.
"""

from __future__ import annotations

import logging
import secrets
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from pipelines import moves
from pipelines.presets import read as read_presets
from pipelines.render import render
from pipelines.story import Story
from pipelines.story import read as read_story
from pipelines.story_files import from_body, match
from pipelines.work import FilmError

from .. import settings
from ..desk import FILM
from ..jobs import Job
from .callers import LOCAL, Caller
from .doors import Doors, here, who
from .inbox import Inbox, checked
from .jobs_door import MADE, job_routes, result_of, warnings_of
from .reading import MOST_FIELDS, MOST_FILES, idempotency, json_of
from .refusals import Refusal, absent, bad, now

DOOR = "service"
QUALITY = "master"
log = logging.getLogger("reelwright.service")


def process_video_generation(folder_id: str, data: dict[str, Any]) -> tuple[bool, str]:
    """Make the film of a folder of pictures, here and now. -> (whether there is one, its URL); a failure is logged."""
    own = settings.read()
    studio = settings.studio(own)
    try:
        folder = Inbox(own.data, own.media_root).folder(LOCAL, folder_id, trusted=True)
        story = from_body(data, studio.presets, folder, title=folder_id, quality=QUALITY)
        out = own.data / "films" / secrets.token_urlsafe(18) / FILM
        render(story, studio, lambda _event: None, out)
    except FilmError as error:
        log.error("%s", error)
        return False, ""
    finally:
        studio.crew.close()
    return True, out.resolve().as_uri()


def generate_video(image_path: str, output_path: str, clip_duration: float, clip_action: str, seed: int) -> bool:
    """One clip from one picture, silent, in the service's own quality. -> whether it is there; a failure is logged."""
    studio = settings.studio(settings.read())
    scene = {"image": Path(image_path).resolve(), "duration": clip_duration, "clip_action": clip_action, "seed": seed}
    told = {"scenes": [scene], "quality": QUALITY, "music": "none", "captions": "none", "transition": "none"}
    try:
        render(read_story(told, studio.presets), studio, lambda _event: None, Path(output_path))
    except FilmError as error:
        log.error("%s", error)
        return False
    finally:
        studio.crew.close()
    return True


def validate_clip_action(clip_action: str, duration: float) -> str:
    """The action that fits: its first movements, as many as the length allows."""
    presets = read_presets(settings.HOME / "presets")
    return moves.validate_clip_action(clip_action, min(duration, moves.MAX_DURATION), presets.moves)


def routes(doors: Doors) -> list[BaseRoute]:
    """Those of this door."""
    inbox = doors.inbox

    async def generate(request: Request) -> Response:
        caller, folder_id = who(request), checked(request.path_params["folder_id"])
        data = await json_of(request)
        key = idempotency(request)
        job = await run_in_threadpool(_submit, doors, caller, folder_id, data, key)
        wants = request.headers.get("prefer", "").lower().replace(" ", "")
        if "respond-async" in wants or request.query_params.get("wait", "").lower() in ("false", "0"):
            told = {"success": True, "video_url": "", "metadata": {"job_id": job, "timestamp": now()}}
            return JSONResponse(told, 202, {"Location": f"/jobs/{job}"})
        over = await doors.over(job)
        if over is None:
            raise absent()
        return await run_in_threadpool(_answer, doors, over, here(request))

    async def images(request: Request) -> Response:
        caller, folder_id = who(request), checked(request.path_params["folder_id"])
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "multipart/form-data":
            raise bad("Pictures come as multipart/form-data.", "files", "Send parts named files.", "invalid_form")
        async with request.form(max_files=MOST_FILES, max_fields=MOST_FIELDS) as form:
            files = [one for one in form.getlist("files") if isinstance(one, UploadFile)]
            if not files:
                raise bad("There is no picture.", "files", "Send parts named files.", "missing_required_parameter")
            kept = await run_in_threadpool(lambda: [inbox.put(caller.owner, folder_id, one.file, one.filename or "picture") for one in files])
        return JSONResponse(await run_in_threadpool(_matched, inbox, caller, folder_id, kept))

    async def look(request: Request) -> Response:
        caller, folder_id = who(request), checked(request.path_params["folder_id"])
        return JSONResponse(await run_in_threadpool(_matched, inbox, caller, folder_id, None))

    def catalog(_request: Request) -> Response:
        return JSONResponse(doors.desk.catalog())

    async def nothing(_request: Request) -> Response:
        raise Refusal(404, "not_found", "There is nothing at that address.", "/docs lists what there is.")

    every = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    return [
        Route("/generateVideos/{folder_id}", generate, methods=["POST"]),
        Route("/folders/{folder_id}/images", images, methods=["POST"]),
        Route("/folders/{folder_id}", look),
        Route("/catalog", catalog),
        *job_routes(doors),
        *(Route(f"/{first}{rest}", nothing, methods=every) for first in ("generateVideos", "folders", "jobs", "catalog") for rest in ("", "/{rest:path}")),
    ]


def _submit(doors: Doors, caller: Caller, folder_id: str, data: Any, key: str) -> str:
    folder = doors.inbox.folder(caller.owner, folder_id, caller.trusted)
    story: Story = from_body(data, doors.desk.presets, folder, title=folder_id, quality=QUALITY)
    return doors.desk.submit(story, caller.owner, f"{DOOR} {key}" if key else "", {"door": DOOR, "folder": folder_id} | caller.kept, caller.films)


def _answer(doors: Doors, job: Job, address: str) -> Response:
    """What became of a film, as the service tells it."""
    found, error = result_of(doors, job)
    metadata: dict[str, Any] = {"job_id": job.id, "timestamp": now(), "warnings": warnings_of(doors, job.id)}
    if error:
        where = error.where.replace("scenes[", "sequence_data[", 1)
        said = {"code": error.code, "message": error.message, "hint": error.hint, "where": where}
        return JSONResponse({"success": False, "video_url": "", "error": said, "metadata": metadata}, error.status)
    return JSONResponse({"success": True, "video_url": f"{address}/jobs/{job.id}/{MADE[0]}", "metadata": metadata | found})


def _matched(inbox: Inbox, caller: Caller, folder_id: str, kept: list[str] | None) -> dict[str, Any]:
    """The folder's pictures and the scene that each is for, as far as their names tell."""
    names = inbox.names(inbox.folder(caller.owner, folder_id, caller.trusted))
    found = {name: number for number, name in match(names, range(1, MOST_FILES + 1)).items()}
    listed = [{"name": name, "scene_number": found.get(name)} for name in names if kept is None or name in kept]
    return {"success": True, "folder_id": folder_id, "files": listed}
