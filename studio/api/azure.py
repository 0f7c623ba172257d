"""Azure's jobs API for videos, as its clients know it: one job, several variants of one video. Knows no film.

Every variant is a job of ours; the first one stands for all of them.
"""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from pipelines.policy import BLOCKED

from ..jobs import Job
from . import videos_ask
from .callers import Caller
from .doors import Doors, who
from .jobs_door import result_of
from .reading import Body, body_of, idempotency, limit_of, number_of, plain_json, refuse_unknown, text_of
from .refusals import Refusal, bad
from .videos import content_of
from .videos_told import job_id, public_id

DOOR = "azure"
HOMES = ("/openai/v1", "/openai", "/v1", "")
FIELDS = ("model", "prompt", "width", "height", "n_seconds", "n_variants", "inpaint_items", "files")
STATUS = {"queued": "queued", "running": "running", "done": "succeeded", "failed": "failed", "stopped": "cancelled"}
MOST_VARIANTS = 5
BOUNDS = ("left_fraction", "top_fraction", "right_fraction", "bottom_fraction")
WHOLE = (0.0, 0.0, 1.0, 1.0)


def routes(doors: Doors) -> list[BaseRoute]:
    """Those of this door."""

    async def create(request: Request) -> Response:
        caller, key = who(request), idempotency(request)
        async with body_of(request) as body:
            if isinstance(form_files := body.get("files"), UploadFile):
                body["files"] = [form_files]
            return JSONResponse(await run_in_threadpool(lambda: _told(doors, _submit(doors, caller, body, key))))

    def look(request: Request) -> Response:
        return JSONResponse(_told(doors, _job(doors, request)))

    def delete(request: Request) -> Response:
        for one in _every(doors, _job(doors, request)):
            doors.desk.delete(one.id)
        return Response(status_code=204)

    def listed(request: Request) -> Response:
        limit, query = limit_of(request, 100, 10), request.query_params
        before, after = (query.get(name, "") for name in ("before", "after"))
        wanted = {one for given in query.getlist("statuses") for one in given.split(",") if one}
        edge = after or before
        start = doors.job(job_id(edge, "task"), who(request), DOOR).id if edge else ""
        found = doors.desk.page(who(request).owner, DOOR, start, 1000 if wanted else limit + 1, newest_first=not before)
        told = [_told(doors, job) for job in found]
        told = [one for one in told if not wanted or one["status"] in wanted]
        data = told[:limit]
        ends = {"first_id": data[0]["id"] if data else None, "last_id": data[-1]["id"] if data else None}
        return JSONResponse({"object": "list", "data": data, **ends, "has_more": len(told) > limit})

    def generation(request: Request) -> Response:
        first, job = _variant(doors, request)
        return JSONResponse(_generation(first, job))

    def content(request: Request) -> Response:
        _, job = _variant(doors, request)
        what = request.path_params["what"]
        if what not in ("video", "thumbnail"):
            raise _absent()
        if what == "video":
            if (quality := request.query_params.get("quality", "high")) not in ("high", "low"):
                raise bad(f'quality: "{quality[:20]}" is not known.', "quality", "Give high or low.")
            return content_of(doors, job, "video")
        content_of(doors, job, "thumbnail")  # refused if there is none
        return FileResponse(doors.shots.jpeg(doors.desk.result(job.id).film), media_type="image/jpg")

    async def nothing(_request: Request) -> Response:
        raise Refusal(404, "unknown_url", "There is nothing at that address.", "/docs lists what there is.")

    found: list[BaseRoute] = []
    for home in HOMES:
        top = f"{home}/video/generations"
        found += [
            Route(f"{top}/jobs", create, methods=["POST"]),
            Route(f"{top}/jobs", listed),
            Route(f"{top}/jobs/{{job}}", look),
            Route(f"{top}/jobs/{{job}}", delete, methods=["DELETE"]),
            Route(f"{top}/{{generation}}", generation),
            Route(f"{top}/{{generation}}/content/{{what}}", content),
            Route(f"{home}/video/{{rest:path}}", nothing, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
        ]
    return found


def _submit(doors: Doors, caller: Caller, body: Body, key: str) -> Job:
    refuse_unknown(body, FIELDS)
    width, height = (number_of(body, name, 64, 7680) for name in ("width", "height"))
    seconds = number_of(body, "n_seconds", 1, 20) or 5
    variants = int(number_of(body, "n_variants", 1, MOST_VARIANTS) or 1)
    asked: Body = {"prompt": text_of(body, "prompt", videos_ask.PROMPT, least=1), "model": text_of(body, "model", 100, usual="sora-2")}
    asked |= {"seconds": seconds, "size": f"{int(width or 1280)}x{int(height or 720)}"}
    image = _inpainted(doors, caller, body)
    if image is not None:
        asked["input_reference"] = image
    first = videos_ask.create(doors, caller, asked)
    told = first.told | caller.kept | {"door": DOOR, "variants": variants, "items": body.get("inpaint_items") is not None}
    others = []
    for n in range(1, variants):
        story = videos_ask.reseeded(first.story, n)
        name = f"{DOOR} {key} {n}" if key else ""
        others.append(doors.desk.submit(story, caller.owner, name, told | {"door": f"{DOOR} variant"}, caller.films))
    job = doors.desk.submit(first.story, caller.owner, f"{DOOR} {key}" if key else "", told | {"others": others}, caller.films)
    return doors.job(job, caller, DOOR)


def _inpainted(doors: Doors, caller: Caller, body: Body) -> Any:
    """The picture that is to be the first frame, of those that came with it, or the part of it that is asked for."""
    items = body.get("inpaint_items")
    if items is None or items == "":
        return None
    if isinstance(items, str):
        items = plain_json(items.encode("utf-8", "replace"))
    files = body.get("files") or []
    names = {one.filename: one for one in files if isinstance(one, UploadFile)} if isinstance(files, list) else {}
    if not isinstance(items, list) or len(items) != 1 or not isinstance(items[0], dict):
        raise bad('"inpaint_items" is a list of one object.', "inpaint_items", "Send one picture for the first frame.")
    item = items[0]
    refuse_unknown(item, ("frame_index", "type", "file_name", "crop_bounds"))
    if item.get("type") != "image" or item.get("frame_index", 0) != 0:
        raise bad("Only a picture for the first frame can be used.", "inpaint_items", 'Send {"frame_index": 0, "type": "image", ...}.')
    file = names.get(item.get("file_name"))
    if file is None:
        raise bad("There is no file of that name.", "inpaint_items", "Send it as a part named files.")
    edges = _edges(item.get("crop_bounds"))
    if edges == WHOLE:
        return file
    kept = doors.inbox.keep_picture(caller.owner, file.file, str(file.filename))
    return {"image_url": "data:image/png;base64," + b64encode(doors.part_of(kept, *edges)).decode()}


def _edges(bounds: Any) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of the part that is asked for, in shares of the picture."""
    if bounds is None or bounds == {}:
        return WHOLE
    if not isinstance(bounds, dict):
        raise bad("crop_bounds is not an object.", "inpaint_items", f"Send {', '.join(BOUNDS)}.")
    refuse_unknown(bounds, BOUNDS)
    found = (number_of(bounds, name, 0, 1) for name in BOUNDS)
    left, top, right, bottom = (usual if one is None else one for one, usual in zip(found, WHOLE, strict=True))
    if left >= right or top >= bottom:
        raise bad("crop_bounds holds nothing.", "inpaint_items", "right is more than left, bottom more than top, from 0 to 1.")
    return left, top, right, bottom


def _job(doors: Doors, request: Request) -> Job:
    return doors.job(job_id(request.path_params["job"], "task"), who(request), DOOR)


def _variant(doors: Doors, request: Request) -> tuple[str, Job]:
    """The job that a generation belongs to, and its own."""
    name, _, first = request.path_params["generation"].partition("-")
    whole = doors.job(job_id(f"task_{first}", "task"), who(request), DOOR)
    for one in _every(doors, whole):
        if public_id(one.id, "gen") == name:
            return whole.id, one
    raise _absent()


def _every(doors: Doors, job: Job) -> list[Job]:
    return [job, *(doors.desk.job(one) for one in job.told["others"])]


def _told(doors: Doors, job: Job) -> dict[str, Any]:
    every = _every(doors, job)
    states = [one.state for one in every]
    state = next((one for one in ("failed", "stopped", "running", "queued") if one in states), "done")
    if state == "queued" and "done" in states:
        state = "running"
    over = all(one.over for one in every)
    width, height = (int(side) for side in job.told["size"].split("x"))
    reason = result_of(doors, next(one for one in every if one.state == state))[1] if state == "failed" else None
    return {
        "object": "video.generation.job",
        "id": public_id(job.id, "task"),
        "status": STATUS[state],
        "created_at": int(job.created),
        "finished_at": int(max(one.changed for one in every)) if over else None,
        "expires_at": int(job.created + doors.settings.film_days * 86400),
        "generations": [_generation(job.id, one) for one in every if one.state == "done"],
        "prompt": job.told["prompt"],
        "model": job.told["model"],
        "n_variants": job.told["variants"],
        "n_seconds": float(job.told["seconds"]),
        "height": height,
        "width": width,
        "inpaint_items": None,
        "failure_reason": _why(reason) if reason else None,
    }


def _why(reason: Refusal) -> str:
    """The service's own word where it has one."""
    if reason.code == BLOCKED:
        return "input_moderation"
    return f"{reason.code}: {reason.message} {reason.hint}".strip()


def _generation(first: str, job: Job) -> dict[str, Any]:
    width, height = (int(side) for side in job.told["size"].split("x"))
    identity = f"{public_id(job.id, 'gen')}-{public_id(first, 'task').removeprefix('task_')}"
    told = {"object": "video.generation", "id": identity, "job_id": public_id(first, "task"), "created_at": int(job.changed)}
    return told | {"width": width, "height": height, "n_seconds": float(job.told["seconds"]), "prompt": job.told["prompt"]}


def _absent() -> Refusal:
    return Refusal(404, "not_found", "There is no such generation.", "Check its id, and the key you came with.")
