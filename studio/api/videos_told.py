"""Videos as OpenAI's clients know them: ids, objects, lists. Knows jobs; asks for nothing."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from ..jobs import Job, Told
from ..settings import DAY
from .doors import Doors, share
from .jobs_door import result_of, warnings_of
from .refusals import Refusal

DOOR = "videos"
STATUS = {"queued": "queued", "running": "in_progress", "done": "completed", "failed": "failed", "stopped": "failed"}
POLL = {"queued": "1000", "running": "500"}  # milliseconds until it is worth asking again


def public_id(job: str, kind: str = "video") -> str:
    """A job's id as clients see it."""
    return f"{kind}_{base64.urlsafe_b64decode(job).hex()}"


def job_id(public: str, kind: str = "video") -> str:
    """The job behind an id; "" for what cannot be one."""
    front, _, digits = public.partition("_")
    try:
        raw = bytes.fromhex(digits)
    except (ValueError, binascii.Error):
        return ""
    return base64.urlsafe_b64encode(raw).decode() if front == kind and len(raw) == 18 and raw.hex() == digits else ""


def video(doors: Doors, job: Job) -> Told:
    """The video object."""
    kept = job.told
    over = int(job.changed)
    told: dict[str, Any] = {
        "id": public_id(job.id),
        "object": "video",
        "model": kept["model"],
        "status": STATUS[job.state],
        "progress": 100 if job.state == "done" else min(99, int(share(doors, job.id) * 100)),
        "created_at": int(job.created),
        "completed_at": over if job.state == "done" else None,
        "expires_at": int(over + doors.settings.film_days * DAY) if job.state == "done" else None,
        "prompt": kept["prompt"],
        "size": kept["size"],
        "seconds": kept["seconds"],
        "quality": "standard",
        "remixed_from_video_id": kept.get("from"),
        "error": None,
        "metadata": {"warnings": [*kept.get("warnings", []), *(warnings_of(doors, job.id) if job.over else [])]},
    }
    if job.state in ("failed", "stopped"):
        _, why = result_of(doors, job)
        told["error"] = {"code": code_of(why), "message": f"{why.message} {why.hint}".strip() if why else ""}
    elif job.state == "done":
        found, _ = result_of(doors, job)
        told["metadata"] |= {"engines": found["engines"], "duration": found["duration"], "fps": found["fps"]}
    return told


def code_of(why: Refusal | None) -> str:
    """Why a video failed, in a word."""
    if why is None:
        return "failed"
    return {"invalid_value": "invalid_input", "stopped": "cancelled"}.get(why.code, why.code)


def poll_after(job: Job) -> dict[str, str]:
    """Headers that tell when to ask again."""
    return {"openai-poll-after-ms": POLL[job.state]} if job.state in POLL else {}
