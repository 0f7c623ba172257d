"""What is asked of the Videos API, read and checked: fields in any of their shapes become a story of one scene.

Knows fields, models and pictures; submits nothing.
"""

from __future__ import annotations

import base64
import binascii
import io
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from starlette.datastructures import UploadFile

from pipelines import moves, shots
from pipelines.crew import names
from pipelines.story import SEEDS, STEERS, Story, pixels, schema_of
from pipelines.story import read as read_story
from pipelines.story_cells import PICTURE_BYTES
from pipelines.work import FilmError

from .callers import Caller
from .doors import Doors
from .outside import fetch
from .reading import Body, number_of, refuse_unknown, text_of
from .refusals import Refusal, bad, refusal

MODELS = {"sora-2": "standard", "sora-2-pro": "master"}  # by model: the quality of the film
OURS = "reelwright-"
OWN = ("seed", "engine", "clip_action", "narration", "voice", "music_mood", "captions", "style", *STEERS)
CREATE = ("prompt", "model", "seconds", "size", "input_reference", "image", "characters", *OWN)
PROMPT = 32_000
SHORTEST, LONGEST = 0.5, 60.0
DATA = re.compile(r"data:image/[\w.+-]{1,40}(?:;[\w=.-]{1,40})*;base64,", re.I)
MOST_URL = 20_971_520


@dataclass(frozen=True, slots=True)
class Asked:
    """A video that was asked for. `told`: what is kept with its job."""

    story: Story
    told: dict[str, Any] = field(default_factory=dict)


def create(doors: Doors, caller: Caller, body: Body, picture: Path | None = None) -> Asked:
    """A new video; `picture` is used where the body brings none."""
    refuse_unknown(body, CREATE)
    prompt = text_of(body, "prompt", PROMPT, least=1)
    model = text_of(body, "model", 100, usual="sora-2") or "sora-2"
    seconds = number_of(body, "seconds", SHORTEST, LONGEST) or 4.0
    size = text_of(body, "size", 40, usual="720x1280") or "720x1280"
    image = picture_of(doors, caller, body) or picture
    scene: dict[str, Any] = {"prompt": prompt, "duration": seconds, "engine": engine_of(body, model)}
    scene["clip_action"] = text_of(body, "clip_action", 500) or ("" if shots.timed(prompt) else moves.said_in(prompt)) or "auto"
    scene |= {name: text_of(body, name, most) for name, most in (("narration", 5_000), ("music_mood", 200), ("voice", 200))}
    if image is not None:
        scene["image"] = image
    seed = number_of(body, "seed", 0, SEEDS - 1)
    told: dict[str, Any] = {
        "title": " ".join(prompt.split())[:100],
        "scenes": [scene],
        "size": size,
        "quality": quality_of(model),
        "music": "auto" if scene["music_mood"] else "none",
        "captions": text_of(body, "captions", 20) or ("both" if scene["narration"] else "none"),
        "look": _style(text_of(body, "style", 60)),
        "transition": "none",
    }
    for name in STEERS:
        spec = schema_of("Story")[name]
        value = number_of(body, name, spec["minimum"], spec["maximum"]) if "minimum" in spec else text_of(body, name, spec["maxLength"])
        told |= {} if value is None else {name: value}
    if seed is not None:
        if not seed.is_integer():
            raise bad('"seed" is not a whole number.', "seed")
        told["seed"] = int(seed)
    story = checked(doors, told)
    warnings = [_cropped(doors, image, story)] if image is not None and picture is None else []
    return Asked(story, kept(doors, story, prompt, model, seconds) | {"warnings": [one for one in warnings if one]})


def reseeded(story: Story, by: int) -> Story:
    """The same with another seed."""
    return replace(story, seed=(story.seed + by) % SEEDS)


def kept(doors: Doors, story: Story, prompt: str, model: str, seconds: float) -> dict[str, Any]:
    """What every video keeps of what was asked."""
    width, height = pixels(story.size, doors.desk.presets)
    return {"door": "videos", "model": model, "prompt": prompt, "size": f"{width}x{height}", "seconds": f"{seconds:g}"}


def checked(doors: Doors, told: dict[str, Any]) -> Story:
    """The story; faults are told by the fields that they came from."""
    try:
        return read_story(told, doors.desk.presets)
    except FilmError as error:
        found = refusal(error)
        where = {"look": "style"}.get(last := found.where.rpartition(".")[2], last)
        where = {"duration": "seconds", "image": "input_reference"}.get(where, where)
        first = next(iter(error.faults), error)
        raise bad(re.sub(r"^scene 1, ", "", first.message), where, first.hint) from error


def engine_of(body: Body, model: str) -> str:
    """The clip engine that is asked for, by its own field or by the model's name."""
    named = text_of(body, "engine", 100)
    if not named and model.startswith(OURS):
        named = model.removeprefix(OURS)
        if named not in names("clips"):
            raise Refusal(400, "model_not_found", f'There is no model "{model}".', "GET /v1/models lists them.", "model")
    return named or "auto"


def quality_of(model: str) -> str:
    """Any model is understood: what is called pro is made with more care."""
    return MODELS.get(model) or MODELS["sora-2-pro" if "pro" in model.split("-") else "sora-2"]


def picture_of(doors: Doors, caller: Caller, body: Body) -> Path | None:
    """The picture that came with it, kept and looked at; None if there is none."""
    for name in ("input_reference", "image"):
        value = body.get(name)
        if value is None or value == "":
            continue
        if isinstance(value, dict):
            value = _referred(value, name)
        if isinstance(value, UploadFile):
            if (value.content_type or "").startswith("video/"):
                raise bad("A video cannot be the first frame.", name, "Use POST /videos/edits.")
            return look_at(doors, doors.inbox.keep_picture(caller.owner, value.file, value.filename or "picture"), name)
        if isinstance(value, str):
            with _opened(doors, value, name) as file:
                return look_at(doors, doors.inbox.keep_picture(caller.owner, file), name)
        raise bad(f'"{name}" is no picture.', name, "Send a file, or an object with image_url.", "invalid_type")
    return None


def look_at(doors: Doors, picture: Path, name: str) -> Path:
    """The picture, found to be one that can be opened."""
    try:
        doors.size_of(picture)
    except FilmError as error:
        raise Refusal(400, "invalid_image", error.message, error.hint, name) from error
    return picture


def _referred(value: dict[str, Any], name: str) -> Any:
    refuse_unknown(value, ("image_url", "file_id"))
    if ("image_url" in value) == ("file_id" in value):
        raise bad(f'"{name}" has either image_url or file_id.', name)
    if "file_id" in value:
        raise Refusal(400, "file_not_found", "There is no such file here.", "Send the picture itself, or its address.", f"{name}.file_id")
    if not isinstance(value["image_url"], str) or not value["image_url"]:
        raise bad("image_url is not text.", f"{name}.image_url", code="invalid_type")
    return value["image_url"]


def _opened(doors: Doors, text: str, name: str) -> Any:
    if len(text) > MOST_URL:
        raise Refusal(400, "too_large", "The picture is too large to be sent in this way.", "Send it as a file.", name)
    if re.match(r"https?:", text, re.I):
        try:
            return fetch(text, PICTURE_BYTES, doors.settings.private_addresses)
        except Refusal as error:
            raise Refusal(error.status, error.code, error.message, error.hint, name) from error
    head = DATA.match(text)
    try:
        return io.BytesIO(base64.b64decode(text[head.end() if head else 0 :], validate=True))
    except (binascii.Error, ValueError) as error:
        raise Refusal(400, "invalid_image", "That is no picture: neither an address nor base64.", "Send a data URL.", name) from error


def _cropped(doors: Doors, image: Path, story: Story) -> str:
    width, height = doors.size_of(image)
    size = pixels(story.size, doors.desk.presets)
    if (width, height) == size:
        return ""
    return f"The picture has {width}x{height} pixels; it was scaled and cropped to cover {size[0]}x{size[1]}."


def _style(text: str) -> str:
    return text.strip().lower().replace(" ", "_") or "none"
