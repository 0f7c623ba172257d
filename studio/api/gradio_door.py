"""Endpoints for Gradio's own client: a list of scenes in, a job's id out; how it stands, what it made, what happens.

Attached to the page, of which it knows nothing.
"""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipelines.work import FilmError

from ..desk import Desk
from .callers import Caller, caller_of
from .doors import doors_of
from .films import cut, options, standing, submit
from .jobs_door import public
from .refusals import bad

DOOR = "gradio"
FOLLOWERS = 1000  # who only listen, at a time


def attach(desk: Desk) -> None:
    """Add the endpoints to the page that is being built."""
    import gradio as gr

    doors = doors_of(desk)
    uploads = os.path.realpath(desk.settings.data / "uploads")

    def caller(request: gr.Request, consent: bool = False) -> Caller:
        found = caller_of(request.request.scope)  # type: ignore[union-attr]
        return replace(found, consent=found.consent or consent is True)

    def uploaded(given: dict[str, Any], where: str) -> Path:
        """A file that the client uploaded a moment ago."""
        path = os.path.realpath(str(given.get("path", "")))
        if os.path.commonpath((uploads, path)) != uploads or not os.path.isfile(path):
            raise bad("That is no file that was uploaded.", where, "Use handle_file(...).")
        return Path(path)

    def sent(given: Any, where: str) -> Path | None:
        if not isinstance(given, dict):
            return None
        path = uploaded(given, where)
        with path.open("rb") as file:
            return doors.inbox.keep_picture("uploads", file, os.path.basename(path))

    def make_film(scenes: list[dict[str, Any]], settings: dict[str, Any], request: gr.Request, fields: dict[str, Any] | None = None, consent: bool = False) -> str:
        """Ask for a film. scenes: one object a scene (narration, image as an uploaded file or base64, duration, clip_action,
        music_mood, transition, voice, prompt, seed). settings: title, size, fps, quality, voice, music, captions, look, seed;
        {} for the usual. fields: what fills {{name}} in any of their texts. consent: whoever the pictures show agrees; if that
        is not said, the film's warnings name pictures with faces. Returns the job's id."""
        with _said(gr):
            return submit(doors, caller(request, consent), scenes, settings or {}, DOOR, sent, values=fields)

    def remake(verb: str, videos: list[Any], how: dict[str, Any], request: gr.Request, consent: bool = False) -> str:
        with _said(gr):
            whose = caller(request, consent or not any(isinstance(one, dict) for one in videos or ()))  # our own were asked about
            files = [
                uploaded(one, f"videos[{i}]") if isinstance(one, dict) else desk.result(doors.job(str(one), whose).id).film
                for i, one in enumerate(videos[:3] if isinstance(videos, list) else ())
            ]
            return cut(doors, whose, verb, files, how or {}, DOOR)

    remake.__doc__ = f"""Have videos made over. verb: one of those below. videos: uploaded files, or ids of finished jobs. how: the verb's
        options by name. consent: as in make_film. Returns the job's id. {options()}."""

    def status(job: str, request: gr.Request) -> dict[str, Any]:
        """How a film stands: its state (queued, running, done, failed, stopped), its progress from 0 to 1, warnings, an error."""
        with _said(gr):
            return standing(doors, doors.job(job, caller(request)))

    def result(job: str, request: gr.Request) -> tuple[gr.FileData, dict[str, Any]]:
        """The finished film as a file, and what is known about it, with its captions as text."""
        with _said(gr):
            found = doors.job(job, caller(request))
            made = desk.result(found.id)
            told = standing(doors, found)
            told["captions"] = made.vtt.read_text("utf-8") if made.vtt else ""
            return gr.FileData(path=str(made.film), mime_type="video/mp4"), told

    def cancel(job: str, request: gr.Request) -> dict[str, Any]:
        """Stop a film. Finished parts are kept."""
        with _said(gr):
            found = doors.job(job, caller(request))
            desk.cancel(found.id)
            return standing(doors, desk.job(found.id))

    def catalog() -> dict[str, Any]:
        """Everything that can be asked for: moves, transitions, moods, looks, sizes, qualities, voices, engines, a story's schema."""
        return desk.catalog()

    def voices(language: str = "") -> list[dict[str, Any]]:
        """The voices by name; language: only those of one, such as de or en-GB."""
        every = desk.presets.voices.items()
        return [
            {"name": name, "label": one.label, "language": one.language, "gender": one.gender}
            for name, one in every
            if one.language.lower().startswith(language.lower())
        ]

    async def follow(job: str, request: gr.Request) -> dict[str, Any]:  # type: ignore[misc] # what each event is
        """What happened to a film and what happens to it, event by event, until it is over."""
        with _said(gr):
            found = doors.job(job, caller(request))
        async for one in doors.follow(found.id):
            if one is not None:
                yield public(one.event)

    for endpoint in (make_film, remake, status, result, cancel, catalog, voices):
        gr.api(endpoint, api_name=endpoint.__name__)  # type: ignore[attr-defined]
    gr.api(follow, api_name="follow", concurrency_limit=FOLLOWERS)  # type: ignore[attr-defined]


class _said:
    """An error for people reaches the client as its words."""

    def __init__(self, gr: Any) -> None:
        self._error = gr.Error

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, FilmError):
            raise self._error(str(error), print_exception=False) from error
