"""Videos from videos: remixed, edited, extended. Ours is a story anew, so everything that stayed the same is found ready;
one that was uploaded is given to the verbs of pipelines.

Knows what is asked and what is kept; submits nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from starlette.datastructures import UploadFile

from pipelines import frames, moves
from pipelines.story import Story
from pipelines.story import read as read_story
from pipelines.verbs.edit import shape
from pipelines.verbs.words import understood
from pipelines.video import Video, last_frame
from pipelines.work import FilmError

from ..jobs import Job
from .callers import Caller
from .doors import Doors
from .reading import Body, number_of, refuse_unknown, text_of
from .refusals import Refusal, bad
from .videos_ask import LONGEST, PROMPT, Asked, checked, engine_of, kept, quality_of
from .videos_told import DOOR, job_id, public_id

MOST_SECONDS = 120.0
MOST_EXTENSIONS = 6
PART = 20.0
ON = "push in"  # begins on the whole picture, so nothing jumps where a video is carried on


def remix(doors: Doors, source: Job, body: Body) -> Asked:
    """The same video from other words."""
    refuse_unknown(body, ("prompt",))
    return _again(doors, source, text_of(body, "prompt", PROMPT, least=1), str(source.told["model"]))


def edit(doors: Doors, caller: Caller, body: Body) -> Asked:
    """The same video from other words. An uploaded one is made over as far as its looks, pace and the like are meant; a
    model that is named films its first picture anew instead, as long and as large."""
    refuse_unknown(body, ("prompt", "video", "model"))
    prompt = text_of(body, "prompt", PROMPT, least=1)
    given = _given(doors, caller, body)
    if isinstance(given, Job):
        return _again(doors, given, prompt, text_of(body, "model", 100) or str(given.told["model"]))
    model = text_of(body, "model", 100, usual="sora-2") or "sora-2"
    picture, seen = _picture(doors, caller, given, 0.0)
    seconds = float(seen.frames / seen.rate)
    wishes = understood(prompt, doors.desk.presets.looks)
    if not wishes.any or engine_of({}, model) != "auto":
        seconds = max(0.5, min(LONGEST, round(seconds, 3)))
        story = checked(doors, _scene(prompt, picture, seen, seconds, model, moves.said_in(prompt) or "auto"))
        return Asked(story, kept(doors, story, prompt, model, seconds))
    length = round(seconds / wishes.speed, 3)
    _whole(length, 0)
    scene = _scene(prompt, picture, seen, max(0.5, min(LONGEST, length)), model, "auto")
    try:
        _, _, width, height = shape(seen.width // 2 * 2, seen.height // 2 * 2, wishes.crop)
    except FilmError as error:
        raise bad(error.message, "prompt", error.hint) from error
    story = checked(doors, scene | {"size": f"{max(64, width)}x{max(64, height)}"})
    cut = {"verb": "edit", "videos": [str(given)], "how": {"prompt": prompt}}
    return Asked(story, kept(doors, story, prompt, model, length) | {"cut": cut})


def extend(doors: Doors, caller: Caller, body: Body) -> Asked:
    """The video, and more of it: what is new goes on from its exact last frame."""
    refuse_unknown(body, ("prompt", "video", "seconds", "model"))
    prompt = text_of(body, "prompt", PROMPT, least=1)
    seconds = number_of(body, "seconds", 0.5, PART)
    if seconds is None:
        raise bad('"seconds" is missing.', "seconds", code="missing_required_parameter")
    given = _given(doors, caller, body)
    action = moves.said_in(prompt) or ON
    if not isinstance(given, Job):
        model = text_of(body, "model", 100, usual="sora-2") or "sora-2"
        picture, seen = _picture(doors, caller, given, 1.0)
        before = round(float(seen.frames / seen.rate), 3)
        _whole(before + seconds, 0)
        story = checked(doors, _scene(prompt, picture, seen, seconds, model, action))
        told = kept(doors, story, prompt, model, before + seconds)
        return Asked(story, told | {"cut": _more(given, seconds, prompt, model), "extensions": 1})
    done = int(given.told.get("extensions", 0))
    whole = float(given.told["seconds"]) + seconds
    _whole(whole, done)
    before_told = doors.desk.story(given.id)
    if "cut" in given.told:
        cut = _more(doors.desk.result(given.id).film, seconds, prompt, str(given.told["model"]))
        told = kept(doors, _read(doors, before_told), prompt, str(given.told["model"]), whole)
        return Asked(_read(doors, before_told), told | {"from": public_id(given.id), "extensions": done + 1, "cut": cut})
    last = doors.shots.last(doors.desk.result(given.id).film)
    with last.open("rb") as file:
        picture = doors.inbox.keep_picture(caller.owner, file, last.name)
    engine = before_told["scenes"][-1]["engine"]
    scene = {"scene_number": len(before_told["scenes"]) + 1, "image": str(picture), "prompt": prompt, "duration": seconds}
    rows = [*before_told["scenes"], scene | {"clip_action": action, "engine": engine}]
    story = _read(doors, before_told | {"scenes": rows})
    told = kept(doors, story, prompt, str(given.told["model"]), whole)
    return Asked(story, told | {"from": public_id(given.id), "extensions": done + 1})


def finished(doors: Doors, caller: Caller, identity: str, where: str = "video_id") -> Job:
    """The caller's video of that id, which is done."""
    job = doors.job(job_id(identity), caller, DOOR)
    if job.state != "done":
        raise Refusal(400, "video_not_ready", "That video is not completed.", "Wait until it is.", where)
    return job


def _again(doors: Doors, source: Job, prompt: str, model: str) -> Asked:
    told = doors.desk.story(source.id)
    action = moves.said_in(prompt)
    rows = [row | {"prompt": prompt} | ({"clip_action": action} if action else {}) for row in told["scenes"]]
    own = engine_of({}, model)
    rows = [row | ({"engine": own} if own != "auto" else {}) for row in rows]
    story = _read(doors, told | {"scenes": rows, "title": " ".join(prompt.split())[:100], "quality": quality_of(model)})
    kept_now = kept(doors, story, prompt, model, float(source.told["seconds"]))
    if "cut" in source.told:
        cut = source.told["cut"]
        if cut["verb"] == "edit" and not understood(prompt, doors.desk.presets.looks).any:
            raise bad("Nothing that can be done to that video is said.", "prompt", "Name a look, slow motion or faster, reverse, ...")
        kept_now["cut"] = cut | {"how": cut["how"] | {"prompt": prompt}}
    return Asked(story, kept_now | {"from": public_id(source.id), "extensions": source.told.get("extensions", 0)})


def _read(doors: Doors, told: Mapping[str, Any]) -> Story:
    try:
        return read_story(dict(told), doors.desk.presets, Path(Path.cwd().anchor))
    except FilmError as error:
        raise Refusal(400, "expired", "What that video was made of was cleared away.", "Create it anew.", "video") from error


def _given(doors: Doors, caller: Caller, body: Body) -> Job | Path:
    """The video that is meant: one of the caller's, or one that came with it."""
    value = body.get("video")
    if isinstance(value, UploadFile):
        return doors.inbox.keep_video(caller.owner, value.file, doors.settings.upload_megabytes * 2**20)
    if isinstance(value, dict) and set(value) == {"id"} and isinstance(value["id"], str):
        return finished(doors, caller, value["id"], "video")
    if value is None or value == {}:
        raise bad('"video" is missing.', "video", "Send a file, or an object with an id.", "missing_required_parameter")
    raise bad('"video" is neither a file nor an object with an id.', "video", code="invalid_type")


def _picture(doors: Doors, caller: Caller, video: Path, share: float) -> tuple[Path, Video]:
    """One picture of an uploaded video (1.0: the exact last), and what is in the video."""
    vault = doors.desk.studio.vault
    try:
        with vault.scratch() as folder:
            made = folder / "still.png"
            seen = frames.still(video, share, made, vault)
            if share == 1.0:
                last_frame(video, made, vault)
            with made.open("rb") as file:
                picture = doors.inbox.keep_picture(caller.owner, file, "still.png")
    except FilmError as error:
        if isinstance(error, Refusal):
            raise
        raise Refusal(400, "invalid_video", "That video cannot be read.", error.hint, "video") from error
    return picture, seen


def _scene(prompt: str, picture: Path, seen: Video, seconds: float, model: str, action: str) -> dict[str, Any]:
    size = f"{max(64, seen.width // 2 * 2)}x{max(64, seen.height // 2 * 2)}"
    fps = min(60.0, max(1.0, round(float(seen.rate), 6)))
    scene = {"prompt": prompt, "image": picture, "duration": seconds, "clip_action": action, "engine": engine_of({}, model)}
    title = " ".join(prompt.split())[:100]
    silent = {"music": "none", "captions": "none", "transition": "none"}
    return {"title": title, "scenes": [scene], "size": size, "fps": fps, "quality": quality_of(model)} | silent


def _more(video: Path, seconds: float, prompt: str, model: str) -> dict[str, Any]:
    """What the desk keeps of a video that goes on."""
    engine = engine_of({}, model)
    how = {"seconds": seconds, "prompt": prompt, "engine": "" if engine in ("auto", "camera", "sketch") else engine}
    return {"verb": "extend", "videos": [str(video)], "how": how}


def _whole(seconds: float, done: int) -> None:
    if seconds > MOST_SECONDS + 1e-6:
        raise bad(f"The video would have {seconds:g} seconds.", "seconds", f"It may have {MOST_SECONDS:g}.")
    if done >= MOST_EXTENSIONS:
        raise bad(f"It was extended {done} times already.", "video", f"{MOST_EXTENSIONS} times are the most.")


