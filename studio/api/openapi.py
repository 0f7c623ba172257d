"""The doors as OpenAPI, for programs at /openapi.json and for people at /docs. Limits come from the story's own schema.

Knows how requests look, not what they do.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from pipelines.story import STEERS, schema_of
from pipelines.story_files import BODY_PARAMS, BODY_SCENE
from pipelines.verbs.edit import STRENGTHS

from .doors import Doors
from .jobs_door import MADE
from .videos import VARIANTS
from .videos_ask import LONGEST, MODELS, PROMPT, SHORTEST

Told = dict[str, Any]
TEXT: Told = {"type": "string"}
OBJECT: Told = {"type": "object"}
CONSENT = "Whoever the pictures show agrees. Without it, a film's warnings name pictures with faces."
STYLE = "body{font:15px/1.5 system-ui;max-width:60em;margin:2em auto;padding:0 1em}code{background:#8882;padding:.1em .3em}details{margin:.4em 0}pre{overflow:auto;background:#8882;padding:.6em}"


def routes(doors: Doors) -> list[BaseRoute]:
    """Those of this door."""
    told = document()

    async def as_json(_request: Request) -> Response:
        return JSONResponse(told)

    async def as_page(_request: Request) -> Response:
        return HTMLResponse(_page(told))

    return [Route("/openapi.json", as_json), Route("/docs", as_page)]


def document() -> Told:
    """The whole, as OpenAPI 3.1."""
    shapes = {
        "Error": _shape(success={"const": False}, video_url=TEXT, error=OBJECT, metadata=OBJECT),
        "VideoError": _shape(error=_shape(message=TEXT, type=TEXT, param={"type": ["string", "null"]}, code={"type": ["string", "null"]})),
        "Film": _shape(success={"type": "boolean"}, video_url=TEXT, metadata=OBJECT),
        "Job": _shape(success={"type": "boolean"}, job_id=TEXT, state=TEXT, progress={"type": "number"}, video_url=TEXT, metadata=OBJECT),
        "Video": _shape(id=TEXT, object={"const": "video"}, model=TEXT, status=TEXT, progress={"type": "integer"}, seconds=TEXT, size=TEXT),
    }
    keys = {"bearer": {"type": "http", "scheme": "bearer"}, "apiKey": {"type": "apiKey", "in": "header", "name": "api-key"}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Reelwright", "version": "1", "description": "Films from scenes. On one's own machine no key is needed."},
        "paths": _service() | _videos() | _house(),
        "components": {"schemas": shapes, "securitySchemes": keys},
        "security": [{}, {"bearer": []}, {"apiKey": []}],
    }


def _service() -> Told:
    scene, story = schema_of("Scene"), schema_of("Story")
    rows = {name: _bounded(scene[name]) for name in BODY_SCENE}
    params = {name: _bounded(story.get(name, scene.get(name, TEXT))) for name in BODY_PARAMS if name != "transition_type"}
    params["transition_type"] = TEXT | {"default": "none", "description": "none, fade, crossfade, ..."}
    one = {"type": "object", "properties": rows, "required": ["scene_number"], "additionalProperties": False}
    body = {
        "type": "object",
        "properties": {
            "sequence_data": {"type": "array", "items": one, "minItems": 1, "maxItems": 500},
            "generation_params": {"type": "object", "properties": params, "additionalProperties": False},
            "fields": {"type": "object", "additionalProperties": {"type": ["string", "number"]}, "description": "What fills {{name}} in any of the texts."},
        },
        "required": ["sequence_data"],
        "additionalProperties": False,
    }
    folder = _param("folder_id", "path", TEXT | {"pattern": "^[A-Za-z0-9_-]{1,64}$"})
    agreed = _consent()
    job, key = _param("job", "path", TEXT), _param("Idempotency-Key", "header", TEXT | {"maxLength": 200})
    prefer, wait = _param("Prefer", "header", TEXT | {"enum": ["respond-async"]}), _param("wait", "query", TEXT | {"enum": ["true", "false"]})
    last = _param("Last-Event-ID", "header", TEXT | {"pattern": "^[0-9]{1,9}$"})
    files = _form({"files": {"type": "array", "items": TEXT | {"format": "binary"}}})
    made = {
        f"/jobs/{{job}}/{what}": {"get": _operation(f"What it made: {what}.", [job], None, {"200": "The file.", "404": "Error"})} for what in MADE
    }
    failed = {"400": "Error", "401": "Error", "404": "Error", "413": "Error", "429": "Error", "503": "Error"}
    return {
        "/generateVideos/{folder_id}": {
            "post": _operation("A folder of pictures becomes a film.", [folder, key, prefer, wait, agreed], _json(body), {"200": "Film", "202": "Film"} | failed)
        },
        "/folders/{folder_id}/images": {"post": _operation("Put pictures into a folder.", [folder], files, {"200": "Film"} | failed)},
        "/folders/{folder_id}": {"get": _operation("The pictures in a folder.", [folder], None, {"200": "Film"} | failed)},
        "/jobs/{job}": {
            "get": _operation("How a film stands.", [job], None, {"200": "Job", "404": "Error"}),
            "delete": _operation("Stop it.", [job], None, {"200": "Job", "404": "Error"}),
        },
        "/jobs/{job}/events": {"get": _operation("What happens, as server-sent events.", [job, last], None, {"200": "The events.", "404": "Error"})},
        **made,
        "/catalog": {"get": _operation("Everything that can be asked for.", [], None, {"200": "The catalog."})},
    }


def _videos() -> Told:
    scene, story = schema_of("Scene"), schema_of("Story")
    prompt = TEXT | {"minLength": 1, "maxLength": PROMPT}
    seconds = {"type": ["string", "number"], "description": f"{SHORTEST:g} to {LONGEST:g}.", "default": "4"}
    reference = {"anyOf": [TEXT, {"type": "object", "properties": {"image_url": TEXT}, "additionalProperties": False}]}
    named = {"type": "object", "properties": {"id": TEXT}, "required": ["id"], "additionalProperties": False}
    ours = {name: _bounded(scene[name]) for name in ("seed", "engine", "clip_action", "narration", "voice", "music_mood")}
    create = {
        "prompt": prompt,
        "model": TEXT | {"default": "sora-2", "examples": list(MODELS)},
        "seconds": seconds,
        "size": TEXT | {"default": "720x1280", "examples": ["1280x720"]},
        "input_reference": reference,
        "characters": {"type": "array", "items": named, "maxItems": 2},
        **ours,
        "captions": _bounded(story["captions"]),
        "style": TEXT,
        **{name: _bounded(story[name]) for name in STEERS},
    }
    video, after = _param("video_id", "path", TEXT), _param("after", "query", TEXT)
    limit = _param("limit", "query", {"type": "integer", "minimum": 0, "maximum": 100})
    order, variant = _param("order", "query", TEXT | {"enum": ["asc", "desc"]}), _param("variant", "query", TEXT | {"enum": list(VARIANTS)})
    good = {"200": "Video", "400": "VideoError", "401": "VideoError", "404": "VideoError", "429": "VideoError"}
    character = _param("character_id", "path", TEXT)
    over = {"engine": TEXT, "strength": TEXT | {"enum": list(STRENGTHS)}}
    top = "/v1/videos"
    return {
        top: {
            "post": _operation("A video from a prompt and a picture.", [_consent()], _json(_object(create, "prompt")), good),
            "get": _operation("Videos, by pages.", [after, limit, order], None, good | {"200": "A list."}),
        },
        f"{top}/edits": {"post": _operation("A video from a video, by other words.", [_consent()], _json(_object({"prompt": prompt, "video": named} | over, "prompt", "video")), good)},
        f"{top}/extensions": {
            "post": _operation("A video, and more of it.", [_consent()], _json(_object({"prompt": prompt, "video": named, "seconds": seconds}, "prompt", "video", "seconds")), good)
        },
        f"{top}/characters": {"post": _operation("Keep a character.", [], _form({"name": TEXT | {"minLength": 1, "maxLength": 80}, "video": TEXT | {"format": "binary"}}), good | {"200": "It."})},
        f"{top}/characters/{{character_id}}": {"get": _operation("A character.", [character], None, good | {"200": "It."})},
        f"{top}/{{video_id}}": {
            "get": _operation("How a video stands.", [video], None, good),
            "delete": _operation("Let go of it; one that is being made is stopped.", [video], None, good | {"200": "It is gone."}),
        },
        f"{top}/{{video_id}}/content": {"get": _operation("The video, or something taken from it.", [video, variant], None, good | {"200": "The file."})},
        f"{top}/{{video_id}}/remix": {"post": _operation("The same from other words.", [video], _json(_object({"prompt": prompt} | over, "prompt")), good)},
        "/v1/models": {"get": _operation("The models.", [], None, {"200": "A list."})},
        "/v1/models/{model}": {"get": _operation("One model.", [_param("model", "path", TEXT)], None, good | {"200": "It."})},
    }


def _house() -> Told:
    well = {"200": "It is."}
    return {
        "/healthz": {"get": _operation("Whether the studio answers.", [], None, well)},
        "/readyz": {"get": _operation("Whether films can be made.", [], None, well | {"503": "Not now."})},
        "/metrics": {"get": _operation("Numbers for Prometheus.", [], None, {"200": "The numbers.", "404": "Not for you."})},
    }


def _operation(summary: str, params: list[Told], body: Told | None, answers: Mapping[str, str]) -> Told:
    named = ("Film", "Job", "Video", "Error", "VideoError")
    told: Told = {
        "summary": summary,
        "parameters": params,
        "responses": {
            status: {"description": what} | ({"content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{what}"}}}} if what in named else {})
            for status, what in answers.items()
        },
    }
    return told | ({"requestBody": body} if body else {})


def _param(name: str, place: str, schema: Told) -> Told:
    return {"name": name, "in": place, "required": place == "path", "schema": schema}


def _consent() -> Told:
    return _param("Reelwright-Consent", "header", TEXT | {"enum": ["yes"]}) | {"description": CONSENT}


def _json(schema: Told) -> Told:
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def _form(fields: Told) -> Told:
    return {"required": True, "content": {"multipart/form-data": {"schema": {"type": "object", "properties": fields, "required": list(fields)}}}}


def _object(fields: Told, *required: str) -> Told:
    return {"type": "object", "properties": fields, "required": list(required), "additionalProperties": False}


def _shape(**fields: Told) -> Told:
    return {"type": "object", "properties": fields, "required": list(fields)}


def _bounded(spec: Mapping[str, Any]) -> Told:
    kept = ("type", "minimum", "maximum", "minLength", "maxLength", "enum", "description")
    return {name: spec[name] for name in kept if name in spec}


def _page(told: Told) -> str:
    """That for people, without a script and without anything from elsewhere."""
    import json

    rows = []
    for path, verbs in told["paths"].items():
        for verb, one in verbs.items():
            inner = "".join(f"<li><code>{escape(each['name'])}</code> in the {each['in']}</li>" for each in one["parameters"])
            body = f"<pre>{escape(json.dumps(one['requestBody']['content'], indent=1))}</pre>" if "requestBody" in one else ""
            answers = ", ".join(one["responses"])
            rows.append(f"<details><summary><code>{verb.upper()} {escape(path)}</code> {escape(one['summary'])}</summary><ul>{inner}</ul>{body}<p>Answers: {answers}</p></details>")
    head = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Reelwright for programs</title><style>{STYLE}</style>'
    return f'{head}<h1>Reelwright for programs</h1><p>As <a href="/openapi.json">OpenAPI</a>.</p>{"".join(rows)}</html>'
