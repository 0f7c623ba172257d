"""Clips from any server that speaks /v1/videos: SGLang-Diffusion, vLLM-Omni, Dynamo, another Reelwright.

A clip is asked for, looked after with growing pauses, and fetched; one that nobody wants any more is deleted there.
Knows its shot and nothing of the film.
"""

from __future__ import annotations

import asyncio
import io
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from math import ceil
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, JsonValue
from pydantic.dataclasses import dataclass

from ..gear import web
from ..gear.options import read, strict
from ..plan import SLOWEST, Shot
from ..presets import Model
from ..vault import Notes
from ..work import Cancelled, FilmError, Tick, part
from ._reel import opened

SETTING = "REELWRIGHT_VIDEOS_URL"
ASKED = 0.9  # share of the work before the clip is fetched
GROWS, LONGEST = 1.5, 10.0  # the pauses between two looks, in seconds at most
Size = Annotated[str, Field(pattern=r"^\d{2,4}x\d{2,4}$")]


@dataclass(frozen=True, slots=True, config=strict)
class Options:
    """A model's options. sizes: those that the server knows, none for the film's own; seconds: the lengths that it
    knows, none for any whole number up to `longest`; more: fields that go along."""

    sizes: tuple[Size, ...] = ()
    seconds: tuple[Annotated[int, Field(ge=1, le=600)], ...] = ()
    longest: Annotated[int, Field(ge=1, le=600)] = 20
    seeded: bool = True
    more: dict[str, JsonValue] = Field(default_factory=dict)


def options(told: Mapping[str, Any]) -> Options:
    """Options as they are written in a preset; FilmError naming the one that is wrong."""
    return read(Options, told, "A video server's", "models.toml")


class Engine:
    """See crew.ClipEngine. url: up to and with /v1; pause: seconds before the first look; patience: seconds in which
    the server must say something. A preset's `repo` is what the server calls its model."""

    label = "A video server (/v1/videos)"
    version = 1
    rank = 1
    online = True
    wants_picture = False

    def __init__(self, *, url: str = "", key: str = "", pause: float = 1.0, patience: float = 60.0) -> None:
        self._server = web.Server(url.rstrip("/"), "The video server", SETTING, key, pause, patience)
        self._pause = pause
        self._lock = threading.Lock()

    def missing(self) -> str | None:
        """An address."""
        return self._server.wrong if self._server.url else f"No video server is set: {SETTING}=http://127.0.0.1:8000/v1, say."

    def lacks(self, model: Model) -> str | None:
        """What is wrong with its preset."""
        try:
            options(model.options)
        except FilmError as error:
            return str(error)
        return None

    def recipe(self, shot: Shot) -> object:
        """Everything that is asked for, but for the picture, and of whom."""
        return [self._server.url, _asked(shot), shot.fit]

    def shoot(self, shot: Shot, out: Path, tick: Tick) -> Notes:
        """Write the server's MP4. FilmError if it says no, fails, or says nothing."""
        if not shot.prompt.strip() and shot.picture is None:
            raise FilmError("There is neither a prompt nor a picture.", "Say in the prompt what is to be seen.")
        with self._lock:
            return asyncio.run(self._shoot(shot, out, tick))

    async def _shoot(self, shot: Shot, out: Path, tick: Tick) -> Notes:
        import aiohttp

        done, fields = [0.0], _asked(shot)
        picture = _picture(shot, str(fields["size"])) if shot.picture else b""

        def form() -> Any:
            made = aiohttp.FormData()
            for name, value in fields.items():
                made.add_field(name, str(value))
            if picture:
                made.add_field("input_reference", picture, filename="first.png", content_type="image/png")
            return made

        def still() -> None:
            tick(done[0])

        async with web.session(self._server) as to:
            told = await web.wanted(web.ask(to, self._server, "POST", "/videos", form), still)
            name = web.name(self._server, told, "id")
            try:
                await web.wanted(self._watched(to, name, done), still)
                done[0] = ASKED
                await web.wanted(web.fetch(to, self._server, f"/videos/{name}/content", out), still)
            except Cancelled:
                await web.parted(to, self._server, "DELETE", f"/videos/{name}")
                raise
        part(tick, ASKED, 1.0)(1.0)
        return {"server": name, "asked": {key: str(value) for key, value in fields.items()}}

    async def _watched(self, to: Any, name: str, done: list[float]) -> None:
        pause, moved, seen = self._pause, time.monotonic(), 0.0
        server = replace(self._server, refused="It knows the clip no more; it may have been started anew. Run it again.")
        while time.monotonic() < moved + web.ENDS:
            await asyncio.sleep(pause)
            pause = min(LONGEST, pause * GROWS)
            told = await web.ask(to, server, "GET", f"/videos/{name}")
            status, progress = told.get("status"), told.get("progress")
            if isinstance(progress, int | float) and 0 <= progress <= 100:
                done[0] = max(done[0], ASKED * progress / 100)
            if done[0] > seen:
                moved, seen = time.monotonic(), done[0]
            if status == "completed":
                return
            if status in ("failed", "cancelled", "canceled", "expired"):
                why = web.said(told) or "It does not say why."
                raise FilmError(f"The video server could not make the clip. {why}", "Change the prompt or the picture, or choose another engine.")
        await web.parted(to, self._server, "DELETE", f"/videos/{name}")
        raise FilmError("The video server takes too long.", "See whether it is at work, and try again.")


def _asked(shot: Shot) -> dict[str, object]:
    """The form's fields, but for the picture."""
    told = options(shot.model.options if shot.model else {})
    wide, high = shot.frame.width, shot.frame.height
    sizes = [tuple(map(int, one.split("x"))) for one in told.sizes] or [(wide, high)]
    near = min(sizes, key=lambda one: (abs(one[0] / one[1] - wide / high), abs(one[0] * one[1] - wide * high)))
    needed = shot.frame.seconds(shot.frames) / float(SLOWEST)
    lengths = told.seconds or range(1, told.longest + 1)
    seconds = next((one for one in sorted(lengths) if one >= needed), max(lengths))
    fields: dict[str, object] = {"model": shot.model.repo} if shot.model and shot.model.repo else {}
    fields |= {"prompt": " ".join(shot.styled.split()), "size": f"{near[0]}x{near[1]}", "seconds": ceil(seconds)}
    return fields | ({"seed": shot.seed} if told.seeded else {}) | told.more


def _picture(shot: Shot, size: str) -> bytes:
    """The scene's picture in the clip's size, as servers want it."""
    from PIL import Image

    assert shot.picture
    wide, _, high = size.partition("x")
    out = io.BytesIO()
    Image.fromarray(opened(shot.picture).at((int(wide), int(high)), stretch=shot.fit == "stretch")).save(out, "PNG")
    return out.getvalue()
