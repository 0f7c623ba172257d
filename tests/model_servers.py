"""A video server (/v1/videos) and a ComfyUI as their documents describe them, on loopback; each can be made to fail."""

from __future__ import annotations

import asyncio
import io
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web
from PIL import Image


@dataclass
class Served:
    """What came in, and how the server is to behave. busy: how many requests are answered 429 first."""

    clip: bytes = b""
    mode: str = ""
    busy: int = 0
    key: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)
    pictures: list[tuple[int, int]] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    looks: int = 0
    url: str = ""


@contextmanager
def running(app: web.Application, served: Served) -> Iterator[Served]:
    loop = asyncio.new_event_loop()
    started = threading.Event()
    runner = web.AppRunner(app, shutdown_timeout=0.1)

    async def start() -> None:
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        served.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        started.set()

    def run() -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(start())
        loop.run_forever()
        loop.run_until_complete(runner.cleanup())
        loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    assert started.wait(10)
    try:
        yield served
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)


def _gate(served: Served) -> Any:
    """Everything that a server may say instead."""

    @web.middleware
    async def gate(request: web.Request, handler: Any) -> web.StreamResponse:
        if served.key and request.headers.get("Authorization") != f"Bearer {served.key}":
            return web.json_response({"error": {"message": "bad key"}}, status=401)
        if served.mode == "silent":
            await asyncio.sleep(30)
        if served.mode == "html":
            return web.Response(text="<html>Welcome</html>", content_type="text/html")
        if served.mode == "later":  # busy, and says when to come again
            served.mode = ""
            return web.json_response({}, status=503, headers={"Retry-After": "0"})
        if served.mode == "500":
            served.asked.append({"path": request.path})
            return web.json_response({"error": {"message": "CUDA out of memory"}}, status=500)
        if served.mode == "moved":
            raise web.HTTPFound("http://127.0.0.1:9/")
        if served.busy:
            served.busy -= 1
            return web.json_response({}, status=429, headers={"Retry-After": "0"})
        return await handler(request)  # type: ignore[no-any-return]

    return gate


def _hung_up(request: web.Request) -> None:
    """The server is gone before it answers."""
    assert request.transport
    request.transport.close()


def _spoilt(served: Served) -> bytes:
    """The clip; or half of one, or a page, in an answer that is whole."""
    return {"half clip": served.clip[: len(served.clip) // 2], "page as clip": b"<html>Welcome</html>"}.get(served.mode, served.clip)


@contextmanager
def videos(clip: Path, **how: Any) -> Iterator[Served]:
    """Speaks /v1/videos: three looks until a clip is there."""
    served = Served(clip.read_bytes(), **how)

    async def make(request: web.Request) -> web.Response:
        form = await request.post()
        served.asked.append({name: value for name, value in form.items() if isinstance(value, str)})
        given = form.get("input_reference")
        if isinstance(given, web.FileField):
            with Image.open(io.BytesIO(given.file.read())) as image:
                served.pictures.append(image.size)
        if served.mode == "refuse":
            return web.json_response({"detail": "no such size"}, status=400)
        if served.mode == "breaks":
            _hung_up(request)
        name = "../../x" if served.mode == "odd" else "video_1"
        return web.json_response({"id": name, "object": "video", "status": "queued", "progress": 0})

    async def look(_: web.Request) -> web.Response:
        served.looks += 1
        if served.mode in ("401", "404") and served.looks > 1:
            return web.json_response({}, status=int(served.mode))
        if served.mode == "fails":
            return web.json_response({"status": "failed", "error": {"code": "x", "message": "The prompt was not liked"}})
        done = served.looks >= 3 and served.mode not in ("slow", "leaves")
        return web.json_response({"status": "completed" if done else "in_progress", "progress": 100 if done else 20 * served.looks})

    async def content(request: web.Request) -> web.StreamResponse:
        if served.mode == "page":
            return web.Response(text="<html>", content_type="text/html")
        if served.mode == "half":
            answer = web.StreamResponse(headers={"Content-Length": str(len(served.clip))})
            await answer.prepare(request)
            await answer.write(served.clip[: len(served.clip) // 2])
            assert request.transport
            request.transport.close()
            return answer
        return web.Response(body=_spoilt(served), content_type="video/mp4")

    async def drop(request: web.Request) -> web.Response:
        served.gone.append(request.match_info["name"])
        if served.mode == "leaves":
            _hung_up(request)
        return web.json_response({"deleted": True})

    app = web.Application(middlewares=[_gate(served)], client_max_size=1 << 26)
    app.router.add_post("/v1/videos", make)
    app.router.add_get("/v1/videos/{name}", look)
    app.router.add_get("/v1/videos/{name}/content", content)
    app.router.add_delete("/v1/videos/{name}", drop)
    with running(app, served):
        served.url += "/v1"
        yield served


@contextmanager
def comfyui(clip: Path, **how: Any) -> Iterator[Served]:
    """Runs any workflow in four steps; gives four pictures, or the clip where the workflow saves a video."""
    served, sockets = Served(clip.read_bytes(), **how), dict[str, web.WebSocketResponse]()
    finished: dict[str, Any] = {}
    waiting: list[str] = []

    async def upload(request: web.Request) -> web.Response:
        given = (await request.post())["image"]
        assert isinstance(given, web.FileField)
        with Image.open(io.BytesIO(given.file.read())) as image:
            served.pictures.append(image.size)
        return web.json_response({} if served.mode == "no picture" else {"name": "seen.png", "subfolder": "in", "type": "input"})

    async def prompt(request: web.Request) -> web.Response:
        told = await request.json()
        served.asked.append(told["prompt"])
        if served.mode == "refuse":
            return web.json_response({"error": {"message": "Prompt outputs failed validation"}, "node_errors": {}}, status=400)
        if served.mode == "no name":
            return web.json_response({"prompt_id": None, "number": 1})
        if served.mode != "forgets":
            asyncio.get_running_loop().create_task(run("p1", told["client_id"]))
            waiting.append("p1")
        return web.json_response({"prompt_id": "p1", "number": 1})

    async def run(name: str, client: str) -> None:
        for step in range(4):
            await asyncio.sleep(0.05 if served.mode not in ("slow", "leaves") else 5)
            if socket := sockets.get(client):
                await socket.send_bytes(b"\x00\x00\x00\x01preview")
                await socket.send_str(json.dumps({"type": "progress", "data": {"value": step + 1, "max": 4, "prompt_id": name}}))
        listed = [{"filename": f"r_{i}.png", "subfolder": "", "type": "output"} for i in range(4)]
        outputs: dict[str, Any] = {"save": {"images": listed}}
        if served.mode in ("video", "half clip", "page as clip"):
            outputs = {"save": {"gifs": [{"filename": "r.mp4", "subfolder": "", "type": "output"}]}}
        if served.mode in ("number", "texts"):
            outputs = {"save": {"images": 3 if served.mode == "number" else ["r_0.png"]}}
        if served.mode == "nothing":
            outputs = {"text": {"text": ["hello"]}}
        status: dict[str, Any] = {"status_str": "success", "completed": True, "messages": []}
        if served.mode == "fails":
            status = {"status_str": "error", "completed": False, "messages": [["execution_error", {"exception_message": "no such checkpoint"}]]}
        finished[name] = {"outputs": outputs, "status": status}
        waiting.remove(name)
        if socket := sockets.get(client):
            await socket.send_str(json.dumps({"type": "executing", "data": {"node": None, "prompt_id": name}}))

    async def ws(request: web.Request) -> web.WebSocketResponse:
        if served.mode == "no socket":
            raise web.HTTPNotFound
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        sockets[request.query["clientId"]] = socket
        async for _ in socket:
            pass
        return socket

    async def history(request: web.Request) -> web.Response:
        served.looks += 1
        if served.mode == "dies" and served.looks > 1:
            _hung_up(request)
        name = request.match_info["name"]
        return web.json_response({name: finished[name]} if name in finished else {})

    async def view(request: web.Request) -> web.Response:
        name = request.query["filename"]
        if name.endswith(".mp4"):
            return web.Response(body=_spoilt(served), content_type="video/mp4")
        if served.mode == "junk":
            return web.Response(body=b"no picture", content_type="image/png")
        held = io.BytesIO()
        wide = {"dots": 1, "sizes": 65 - 8 * int(name[2])}.get(served.mode, 65)
        Image.new("RGB", (wide, 48), (60 * int(name[2]), 40, 90)).save(held, "PNG")
        cut = 60 if served.mode == "cut" else None
        return web.Response(body=held.getvalue()[:cut], content_type="image/png")

    async def queue(_: web.Request) -> web.Response:
        return web.json_response({"queue_running": [[0, name, {}, {}, []] for name in waiting], "queue_pending": []})

    async def stop(request: web.Request) -> web.Response:
        served.gone.append(request.path)
        if served.mode == "leaves":
            _hung_up(request)
        return web.json_response({})

    app = web.Application(middlewares=[_gate(served)], client_max_size=1 << 26)
    app.router.add_post("/upload/image", upload)
    app.router.add_post("/prompt", prompt)
    app.router.add_get("/ws", ws)
    app.router.add_get("/history/{name}", history)
    app.router.add_get("/view", view)
    app.router.add_post("/interrupt", stop)
    app.router.add_get("/queue", queue)
    app.router.add_post("/queue", stop)
    with running(app, served):
        yield served
