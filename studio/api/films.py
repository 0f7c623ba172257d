"""A film asked for as plain scenes, and videos to be made over, as the Gradio client's and the agents' doors do it. Knows neither.

A scene's picture is something that the caller sent before, or sends with it as base64; never a path and never an address.
"""

from __future__ import annotations

import base64
import binascii
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from pipelines.story import STORY_FIELDS
from pipelines.story import read as read_story
from pipelines.story_cells import is_sound
from pipelines.template import filled
from pipelines.verbs.table import EVERY, VERBS
from pipelines.work import FilmError

from ..jobs import Job
from .callers import Caller
from .doors import Doors, share
from .inbox import PICTURE_IDS
from .jobs_door import result_of, warnings_of
from .refusals import bad
from .videos_ask import DATA, MOST_URL

Picture = Callable[[Any, str], Path | None]


def submit(doors: Doors, caller: Caller, scenes: Any, settings: Mapping[str, Any], door: str, picture: Picture, key: str = "", values: Any = None) -> str:
    """Accept a film. -> the job's id. `picture`: (what a scene says, where) -> the file, None for what it does not know.
    `values` fill the gaps of a template."""
    if not isinstance(scenes, list):
        raise bad("scenes is not a list.", "scenes", "Give a list of scenes.")
    unknown = [name for name in settings if name not in STORY_FIELDS or name == "scenes"]
    if unknown:
        raise bad(f'"{unknown[0][:60]}" is not known.', unknown[0][:60], f"Known: {', '.join(STORY_FIELDS)}.")
    if values is not None:
        if not isinstance(values, dict):
            raise bad("fields is not an object.", "fields", "Give each field of the template its value, by name.")
        scenes, settings = (whole := filled({"scenes": scenes, "settings": dict(settings)}, values))["scenes"], whole["settings"]
    rows = []
    for i, row in enumerate(scenes[:501]):
        if isinstance(row, dict) and (given := row.get("image")) not in (None, ""):
            where = f"scenes[{i}].image"
            found = picture(given, where) or from_text(doors, caller, given, where)
            row = row | {"image": found}
        rows.append(row)
    whole = dict(settings)
    if (given := whole.get("logo")) not in (None, ""):
        whole["logo"] = picture(given, "logo") or from_text(doors, caller, given, "logo")
    story = read_story(whole | {"scenes": rows}, doors.desk.presets)
    return doors.desk.submit(story, caller.owner, f"{door} {key}" if key else "", {"door": door} | caller.kept, caller.films)


def cut(doors: Doors, caller: Caller, verb: Any, videos: Sequence[Path], how: Any, door: str, key: str = "") -> str:
    """Accept videos to be made over. -> the job's id. `verb` and `how` as in pipelines.verbs; videos are copied first, so
    that nothing takes them away meanwhile."""
    if not isinstance(verb, str) or verb not in EVERY:
        raise bad("There is no such verb.", "verb", f"Known: {', '.join(EVERY)}.")
    if not isinstance(how, dict):
        raise bad("how is not an object.", "how", "Give each of the verb's options its value, by name.")
    if is_sound(how.get("voice")):
        raise bad("A voice is asked for by its name.", "voice", "Look at the list of voices.")
    takes = EVERY[verb].videos
    if len(videos) != takes and (verb in VERBS or len(videos) > 1):
        raise bad(f"{verb} takes {takes}, not {len(videos)}.", "videos", "Give as many as it takes.")
    kept = []
    for given in videos:
        with given.open("rb") as file:
            if verb in VERBS:
                kept.append(doors.inbox.keep_video(caller.owner, file, doors.desk.settings.upload_megabytes << 20))
            else:
                kept.append(doors.inbox.keep_picture(caller.owner, file, given.name))
    return doors.desk.cut(verb, kept, how, caller.owner, f"{door} {key}" if key else "", {"door": door} | caller.kept, caller.films)


def options() -> str:
    """Every verb with its options, for whoever asks by name."""
    return "; ".join(f"{name} ({one.what}): {', '.join(field.name for field in fields(one.options))}" for name, one in EVERY.items())


def from_text(doors: Doors, caller: Caller, given: Any, where: str) -> Path:
    """A picture sent before, by its id, or here and now as base64."""
    if isinstance(given, str) and PICTURE_IDS.fullmatch(given):
        return doors.inbox.picture(caller.owner, given)
    return keep(doors, caller, given, where)


def keep(doors: Doors, caller: Caller, given: Any, where: str) -> Path:
    """A picture in base64, kept and found to be one."""
    if not isinstance(given, str) or len(given) > MOST_URL:
        raise bad("That is no picture.", where, "Send it as base64, or the id of one that was sent before.")
    head = DATA.match(given)
    try:
        raw = base64.b64decode(given[head.end() if head else 0 :], validate=True)
    except (binascii.Error, ValueError) as error:
        raise bad("That is no picture: it is not base64.", where, "A path or an address is not followed.") from error
    kept = doors.inbox.keep_picture(caller.owner, io.BytesIO(raw))
    try:
        doors.size_of(kept)
    except FilmError as error:
        raise bad(error.message, where, error.hint) from error
    return kept


def standing(doors: Doors, job: Job) -> dict[str, Any]:
    """How a film stands."""
    told: dict[str, Any] = {
        "job": job.id,
        "state": job.state,
        "progress": 1.0 if job.state == "done" else round(share(doors, job.id), 4),
        "ahead": doors.desk.ahead(job.id) if job.state == "queued" else 0,
        "warnings": warnings_of(doors, job.id),
    }
    if job.over:
        made, error = result_of(doors, job)
        told |= made
        if error:
            told["error"] = {"code": error.code, "message": error.message, "hint": error.hint, "where": error.where}
    return told
