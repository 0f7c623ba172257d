"""Clips from somebody's ComfyUI: a workflow of theirs, with the scene's picture, prompt and numbers put in.

A workflow is a file of ComfyUI's API format in presets/comfyui; where a text in it is "{prompt}", "{picture}",
"{seed}" and so on, the value goes. What comes back is a video, or pictures in their order. Knows its shot and nothing
of the film.
"""

from __future__ import annotations

import asyncio
import io
import json
import threading
import time
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field
from pydantic.dataclasses import dataclass

from ..gear import web
from ..gear.options import read, strict
from ..plan import Shot
from ..presets import Model
from ..vault import Notes
from ..work import Cancelled, FilmError, Tick, part
from ._diffusers_plan import size
from ._reel import opened, write
from ._svd_plan import Options as Motions
from ._svd_plan import motion

SETTING = "REELWRIGHT_COMFYUI_URL"
WORKFLOWS = Path(__file__).resolve().parents[2] / "presets" / "comfyui"
RUN, FETCHED = 0.85, 0.95  # shares of the work
MOST = 1000  # pictures of a clip


@dataclass(frozen=True, slots=True, config=strict)
class Options:
    """A model's options. Its preset's `repo` is the workflow's file, or its name in presets/comfyui."""

    size: tuple[Annotated[int, Field(ge=64, le=4096)], Annotated[int, Field(ge=64, le=4096)]] = (1024, 576)
    multiple: Annotated[int, Field(ge=2, le=128)] = 64
    frames: Annotated[int, Field(ge=2, le=MOST)] = 25
    fps: Annotated[int, Field(ge=1, le=60)] = 7
    steps: Annotated[int, Field(ge=1, le=200)] = 20


def options(told: Mapping[str, Any]) -> Options:
    """Options as they are written in a preset; FilmError naming the one that is wrong."""
    return read(Options, told, "ComfyUI's", "models.toml")


class Engine:
    """See crew.ClipEngine. pause and patience: seconds, as in videos_api."""

    label = "Your ComfyUI"
    version = 1
    rank = 2
    online = True
    wants_picture = False

    def __init__(self, *, url: str = "", pause: float = 1.0, patience: float = 60.0) -> None:
        self._server = web.Server(url.rstrip("/"), "ComfyUI", SETTING, "", pause, patience)
        self._lock = threading.Lock()

    def missing(self) -> str | None:
        """An address."""
        return self._server.wrong if self._server.url else f"No ComfyUI is set: {SETTING}=http://127.0.0.1:8188, say."

    def lacks(self, model: Model) -> str | None:
        """Its workflow."""
        try:
            options(model.options)
            _workflow(model)
        except FilmError as error:
            return str(error)
        return None

    def recipe(self, shot: Shot) -> object:
        """The workflow as it is sent, but for the picture, and to whom."""
        _told, model = _asked(shot)
        return [self._server.url, _filled(_workflow(model), _values(shot) | {"picture": ""}), shot.fit]

    def shoot(self, shot: Shot, out: Path, tick: Tick) -> Notes:
        """Write the clip. FilmError if ComfyUI says no, fails, or says nothing."""
        with self._lock:
            return asyncio.run(self._shoot(shot, out, tick))

    async def _shoot(self, shot: Shot, out: Path, tick: Tick) -> Notes:
        told, model = _asked(shot)
        graph, values, done = _workflow(model), _values(shot), [0.0]
        if "{picture}" in json.dumps(graph) and shot.picture is None:
            raise FilmError("This workflow needs a picture.", "Add a picture to the scene.")

        def still() -> None:
            tick(done[0])

        async with web.session(self._server) as to:
            if shot.picture:
                values["picture"] = await web.wanted(self._uploaded(to, shot, values), still)
            me = f"reelwright-{id(self):x}"
            asked = {"prompt": _filled(graph, values), "client_id": me}
            told_ = await web.wanted(web.ask(to, self._server, "POST", "/prompt", json=asked), still)
            name = web.name(self._server, told_, "prompt_id")
            try:
                outputs = await web.wanted(self._watched(to, me, name, done), still)
                done[0] = RUN
                files = await web.wanted(self._files(to, outputs, out), still)
            except Cancelled:
                await self._stopped(to, name)
                raise
        return {"workflow": model.repo} | _joined(files, told.fps, out, part(tick, FETCHED, 1.0))

    async def _uploaded(self, to: Any, shot: Shot, values: Mapping[str, object]) -> str:
        import aiohttp
        from PIL import Image

        assert shot.picture
        fitted = opened(shot.picture).at((int(str(values["width"])), int(str(values["height"]))), stretch=shot.fit == "stretch")
        held = io.BytesIO()
        Image.fromarray(fitted).save(held, "PNG")

        def form() -> Any:
            made = aiohttp.FormData()
            made.add_field("image", held.getvalue(), filename=f"reelwright-{shot.picture.stem if shot.picture else ''}.png", content_type="image/png")
            made.add_field("overwrite", "true")
            return made

        told = await web.ask(to, self._server, "POST", "/upload/image", form)
        if not isinstance(told.get("name"), str) or not told["name"]:
            raise web.strange(self._server)
        return f"{told['subfolder']}/{told['name']}" if told.get("subfolder") else str(told["name"])

    async def _watched(self, to: Any, me: str, name: str, done: list[float]) -> dict[str, Any]:
        """The outputs of the workflow. Its progress comes over a websocket; without one, it is asked for."""
        import aiohttp

        watching = asyncio.ensure_future(self._progress(to, me, name, done))
        pause, lost = self._server.wait, 0
        moved, seen = time.monotonic(), 0.0
        try:
            while time.monotonic() < moved + web.ENDS:
                await asyncio.wait({watching}, timeout=pause)
                pause = min(5.0, pause * 1.5)
                history = (await web.ask(to, self._server, "GET", f"/history/{name}")).get(name)
                if not history:
                    queue = await web.ask(to, self._server, "GET", "/queue")
                    waits = any(one[1] == name for kind in ("queue_running", "queue_pending") for one in queue[kind])
                    lost = 0 if waits else lost + 1  # once: it was done between the two questions
                    if lost > 1:
                        raise FilmError("ComfyUI knows the workflow no more.", "It may have been started anew: run it again.")
                    if done[0] > seen:
                        moved, seen = time.monotonic(), done[0]
                    continue
                status = history.get("status") or {}
                if status.get("status_str") == "error":
                    why = next((web.said(one[1]["exception_message"]) for one in status.get("messages", []) if one[0] == "execution_error"), "")
                    raise FilmError(f"ComfyUI could not run the workflow. {why}".rstrip(), "Open the workflow there and run it once by hand.")
                if status.get("completed", True):
                    return dict(history.get("outputs") or {})
            await self._stopped(to, name)
            raise FilmError("ComfyUI takes too long.", "See whether it is at work, and try again.")
        except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
            raise web.strange(self._server) from error
        finally:
            watching.cancel()
            for failed in await asyncio.gather(watching, return_exceptions=True):
                if isinstance(failed, Exception) and not isinstance(failed, aiohttp.ClientError | OSError | ValueError):
                    raise failed

    async def _progress(self, to: Any, me: str, name: str, done: list[float]) -> None:
        async with to.ws_connect(f"{self._server.url}/ws", params={"clientId": me}) as socket:
            async for message in socket:
                told = json.loads(message.data) if isinstance(message.data, str) else {}
                data = told.get("data") or {}
                if told.get("type") == "progress" and data.get("prompt_id", name) == name:
                    done[0] = max(done[0], min(RUN, RUN * float(data.get("value", 0)) / max(1.0, float(data.get("max", 1)))))
                if told.get("type") == "executing" and data.get("node") is None and data.get("prompt_id") == name:
                    return

    async def _files(self, to: Any, outputs: Mapping[str, Any], out: Path) -> list[Path]:
        """A video, or pictures, fetched beside the clip to be."""
        try:
            listed = [one for node in outputs.values() for kind in ("videos", "gifs", "images") for one in node.get(kind, [])]
            videos = [one for one in listed if str(one.get("filename", "")).lower().endswith(".mp4")]
            pictures = [one for one in listed if str(one.get("filename", "")).lower().endswith((".png", ".jpg", ".webp")) and one.get("type") != "temp"]
        except (TypeError, AttributeError) as error:
            raise web.strange(self._server) from error
        if not videos and not pictures:
            raise FilmError("The workflow gives neither a video nor pictures.", "End it with SaveImage, or with a node that saves an MP4.")
        files = []
        for i, one in enumerate(videos[:1] or pictures[:MOST]):
            files.append(out if videos else out.with_name(f"{i:04}.png"))
            asked = {key: str(one.get(key, "")) for key in ("filename", "subfolder", "type")}
            await web.fetch(to, self._server, "/view", files[-1], params=asked)
        return files

    async def _stopped(self, to: Any, name: str) -> None:
        await web.parted(to, self._server, "POST", "/queue", json={"delete": [name]})
        await web.parted(to, self._server, "POST", "/interrupt", json={"prompt_id": name})


def _asked(shot: Shot) -> tuple[Options, Model]:
    if shot.model is None:
        raise FilmError("ComfyUI has no workflow here.", "Add a model for it to models.toml.")
    return options(shot.model.options), shot.model


def _workflow(model: Model) -> dict[str, Any]:
    """A workflow's file, read."""
    path = WORKFLOWS / f"{model.repo}.json" if model.repo.replace("-", "").replace("_", "").isalnum() else Path(model.repo).expanduser()
    try:
        told = json.loads(path.read_text("utf-8"))
        if not told or not all("class_type" in node and "inputs" in node for node in told.values()):
            raise ValueError
    except (OSError, ValueError, AttributeError, TypeError) as error:
        said = f"The workflow {path.name} cannot be read."
        raise FilmError(said, "Save it in ComfyUI with Export (API), and give its path as `repo`.", path.name) from error
    return dict(told)


def _values(shot: Shot) -> dict[str, object]:
    """What may stand in a workflow, by name."""
    told, _ = _asked(shot)
    wide, high = size(told.size, told.multiple, shot.frame.width / shot.frame.height)
    moved = motion(shot.camera, Motions())
    return {
        "prompt": " ".join(shot.styled.split()), "picture": "", "seed": shot.seed, "width": wide, "height": high, "frames": told.frames,
        "fps": told.fps, "steps": told.steps, "motion": moved.bucket, "noise": moved.noise,
    }  # fmt: skip


def _filled(graph: Any, values: Mapping[str, object]) -> Any:
    """The workflow with values in: a text that is only a name becomes the value itself, in another it becomes text."""
    if isinstance(graph, dict):
        return {key: _filled(one, values) for key, one in graph.items()}
    if isinstance(graph, list):
        return [_filled(one, values) for one in graph]
    if not isinstance(graph, str):
        return graph
    whole = {f"{{{name}}}": value for name, value in values.items()}
    if graph in whole:
        return whole[graph]
    for name, value in whole.items():
        if name in graph:
            return str(value).join(graph.split(name))
    return graph


def _joined(files: list[Path], fps: int, out: Path, tick: Tick) -> Notes:
    """The clip: a video as it came, or pictures one after the other."""
    import numpy as np
    from PIL import Image

    if files == [out]:
        tick(1.0)
        return {}

    def seen(path: Path) -> Any:
        try:
            with Image.open(path, formats=("PNG", "JPEG", "WEBP")) as image:
                return np.asarray(image.convert("RGB"))
        except (OSError, ValueError, Image.DecompressionBombError) as error:
            raise FilmError("ComfyUI sends a picture that cannot be read.", "Run it again.") from error

    high, wide = (side // 2 * 2 for side in seen(files[0]).shape[:2])

    def alike(path: Path) -> Any:
        cut = np.ascontiguousarray(seen(path)[:high, :wide])
        if cut.shape[:2] != (high, wide):
            raise FilmError("ComfyUI's pictures are not all of one size.", "Mend the workflow there.")
        return cut

    if not high or not wide:
        raise FilmError("ComfyUI's pictures are too small to be seen.", "Mend the workflow there.")
    pictures = (alike(path) for path in files)
    return write(pictures, len(files), (wide, high), Fraction(fps), out, tick)
