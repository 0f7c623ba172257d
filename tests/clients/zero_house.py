"""A Space on ZeroGPU with visitors: films are asked for through its doors, and who lends notes whose each call is."""

from __future__ import annotations

import base64
import gc
import json
import logging
import os
import signal
import socket
import threading
import traceback
from pathlib import Path

from tests import whole
from tests.served import Served, until

PAGE, STILL_THERE, AGENT, LATE = (f"e30.e30.{name}-secret" for name in ("page", "still-there", "agent", "late"))  # as tokens are: three parts
SMALL = {"size": "160x90", "quality": "draft", "captions": "none"}


def films(picture: Path, data: Path, held: threading.Event, go: threading.Event) -> dict:
    """One from the page, while who lends holds its first call until `go`; one each from an agent, a program without a
    name, and somebody whose name is too old. held: that call has come."""
    port = _free()
    os.environ.pop("GRADIO_SERVER_PORT", None)
    os.environ |= {"SPACE_ID": "someone/film", "PORT": str(port), "REELWRIGHT_DATA": str(data), "REELWRIGHT_ONLINE_VOICES": "0", "REELWRIGHT_LOG_LEVEL": "info"}
    logging.basicConfig(level=logging.DEBUG)
    from studio.serve import opened, serve

    told: dict = {}
    with whole.extras(), whole.extras("lending"):
        _serve(opened(), serve, Served(f"http://127.0.0.1:{port}", data, None), picture, held, go, told)
    return told


def _serve(house, serve, served: Served, picture: Path, held: threading.Event, go: threading.Event, told: dict) -> None:
    def visit() -> None:
        try:
            until(lambda: (served.data / "serve.json").exists())
            told.update(_visited(house, served, picture, held, go))
        except BaseException:
            traceback.print_exc()
        finally:
            go.set()
            os.kill(os.getpid(), signal.SIGTERM)

    visitor = threading.Thread(target=visit)
    visitor.start()
    serve(house)
    visitor.join()


def _free() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def _visited(house, served: Served, picture: Path, held: threading.Event, go: threading.Event) -> dict:
    from studio.api.videos_told import job_id

    page = Page(served)
    page.does("load", headers={})
    page.does("begin", None, None, {}, told={"what": "files", "files": page.sent(_story(), picture)}, headers={})
    page.does("click", None, None, on="make", headers={"x-ip-token": PAGE})
    jobs = [until(lambda: [one.id for one in house.desk.jobs()])[0]]
    seen = base64.b64encode(picture.read_bytes()).decode()
    jobs.append(_agent(served, {"scenes": [{"picture_base64": seen, "duration": 0.5}], "music": "borrower"} | SMALL))
    jobs.append(job_id(_program(served, f"data:image/png;base64,{seen}")))
    jobs.append(_late(served, {"image": seen, "duration": 0.5, "engine": "borrower"}))
    assert held.wait(30)
    page.does("stays", None, headers={"x-ip-token": STILL_THERE})
    known = len(house.desk._payers)
    go.set()
    states = [until(lambda job=job: house.desk.job(job).over and house.desk.job(job).state, 90) for job in jobs]
    gc.collect()
    said = [event.event.get("message") for job in jobs for event in house.desk.events(job) if event.event["event"] in ("failed", "fault")]
    return {"states": states, "said": said, "known": known, "left": len(house.desk._payers), "waiting": len(house.desk._jobs._contexts)}


def _story() -> bytes:
    rows = [{"prompt": "a red house", "duration": 0.5, "engine": "borrower"}, {"prompt": "a calm sea", "image": "seen.png", "duration": 0.5, "engine": "borrower", "transition": "none"}]
    return json.dumps({"title": "Two", "music": "none", "scenes": rows} | SMALL).encode()


def _agent(served: Served, film: dict) -> str:
    asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "make_film", "arguments": film}}
    headers = {"x-ip-token": AGENT, "X-Forwarded-For": "2.2.2.2"}
    return served.ask("POST", "/mcp", json=asked, headers=headers).json["result"]["structuredContent"]["film_id"]


def _program(served: Served, picture: str) -> str:
    asked = {"prompt": "a calm sea", "seconds": "1", "size": "160x90", "engine": "borrower", "input_reference": {"image_url": picture}}
    return served.ask("POST", "/v1/videos", json=asked, headers={"X-Forwarded-For": "3.3.3.3"}).json["id"]


def _late(served: Served, scene: dict) -> str:
    headers = {"x-ip-token": LATE, "X-Forwarded-For": "4.4.4.4"}
    asked = served.ask("POST", "/gradio_api/call/make_film", json={"data": [[scene], SMALL | {"music": "none"}, None, False]}, headers=headers).json["event_id"]
    return json.loads(served.ask("GET", f"/gradio_api/call/make_film/{asked}", headers=headers).body.decode().partition("data: ")[2])[0]


class Page:
    """The page in somebody's browser, without the browser."""

    def __init__(self, served: Served) -> None:
        self._served, self._config = served, served.ask("GET", "/config").json

    def sent(self, story: bytes, picture: Path) -> list[dict]:
        """Files, uploaded."""
        files = {"story.json": story, "seen.png": picture.read_bytes()}
        parts = [b'--x\r\nContent-Disposition: form-data; name="files"; filename="%s"\r\n\r\n%s\r\n' % (name.encode(), raw) for name, raw in files.items()]
        headers = {"Content-Type": "multipart/form-data; boundary=x", "X-Forwarded-For": "1.1.1.1"}
        paths = self._served.ask("POST", "/gradio_api/upload", b"".join(parts) + b"--x--\r\n", headers).json
        return [{"path": path, "name": name} for path, name in zip(paths, files, strict=True)]

    def does(self, event: str, *data: object, headers: dict, on: str = "", told: object = None) -> None:
        """Something happens on it, and is answered."""
        named = {one["id"] for one in self._config["components"] if one["props"].get("elem_id") == on}
        found = next(one for one in self._config["dependencies"] if any(name == event and (not on or at in named) for at, name in one["targets"]))
        asked = {"data": [*data, *[None] * (len(found["inputs"]) - len(data))], "fn_index": found["id"], "session_hash": "mine", "event_data": told}
        joined = self._served.ask("POST", "/gradio_api/queue/join", json=asked, headers=headers | {"X-Forwarded-For": "1.1.1.1"})
        assert joined.status == 200, joined.body
        heard = self._served.ask("GET", "/gradio_api/queue/data?session_hash=mine", headers={"X-Forwarded-For": "1.1.1.1"}).body.decode()
        assert '"success":true' in heard.replace(" ", ""), heard[-2000:]
