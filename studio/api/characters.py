"""Characters: a name and a still from a short video, to be used in videos. Knows no HTTP."""

from __future__ import annotations

import json
import re
import secrets
import time
from pathlib import Path
from typing import Any

from starlette.datastructures import UploadFile

from pipelines import frames
from pipelines.vault import disk, replacing
from pipelines.work import FilmError

from .callers import Caller
from .doors import Doors
from .reading import Body, refuse_unknown, text_of
from .refusals import Refusal, absent, bad

IDS = re.compile(r"char_[0-9a-f]{32}")
MOST = 1000  # of one owner
IN_A_VIDEO = 2


def create(doors: Doors, caller: Caller, body: Body) -> dict[str, Any]:
    """Keep a character. -> what its owner is told."""
    refuse_unknown(body, ("name", "video"))
    name = text_of(body, "name", 80, least=1)
    video = body.get("video")
    if not isinstance(video, UploadFile):
        raise bad('"video" is missing.', "video", "Send a file.", "missing_required_parameter")
    folder = doors.inbox.shelf(caller.owner, "characters")
    if sum(1 for _ in folder.glob("*.json")) >= MOST:
        raise bad(f"There are {MOST} characters already.", "name")
    kept = doors.inbox.keep_video(caller.owner, video.file, doors.settings.upload_megabytes * 2**20)
    identity = f"char_{secrets.token_hex(16)}"
    try:
        frames.still(kept, 0.5, folder / f"{identity}.png", doors.desk.studio.vault)
    except FilmError as error:
        raise Refusal(400, "invalid_video", "That video cannot be read.", error.hint, "video") from error
    told = {"id": identity, "object": "character", "created_at": int(time.time()), "name": name}
    with disk(), replacing(folder / f"{identity}.json") as beside:
        beside.write_text(json.dumps(told), "utf-8")
    return told


def get(doors: Doors, caller: Caller, identity: str) -> dict[str, Any]:
    """The caller's character of that id."""
    try:
        told: dict[str, Any] = json.loads(_path(doors, caller, identity, ".json").read_text("utf-8"))
    except FileNotFoundError as error:
        raise absent("character") from error
    return told


def still_of(doors: Doors, caller: Caller, body: Body) -> Path | None:
    """The picture of the first of the characters that are asked for; each must be named in the prompt."""
    given = body.pop("characters", None)
    if given is None or given == "":
        return None
    if not isinstance(given, list) or len(given) > IN_A_VIDEO or not all(isinstance(one, dict) and isinstance(one.get("id"), str) for one in given):
        raise bad(f'"characters" is a list of up to {IN_A_VIDEO} objects with an id.', "characters", code="invalid_type")
    first: Path | None = None
    for i, one in enumerate(given):
        try:
            told = get(doors, caller, one["id"])
        except Refusal as error:
            raise bad("There is no such character.", f"characters[{i}].id") from error
        if told["name"] not in str(body.get("prompt", "")):
            raise bad(f'The prompt does not name "{told["name"]}".', "prompt", "Write the name as the character has it.")
        first = first or _path(doors, caller, one["id"], ".png")
    return first


def _path(doors: Doors, caller: Caller, identity: str, suffix: str) -> Path:
    if not IDS.fullmatch(identity):
        raise absent("character")
    return doors.inbox.shelf(caller.owner, "characters") / f"{identity}{suffix}"
