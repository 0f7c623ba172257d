"""Who may come in, from where, how often, with how much: each defence fails a test here when it is switched off."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from studio.api import bodies, patience
from studio.api.guard import Guard, Policy
from studio.api.metrics import Metrics
from studio.api.rates import Rates
from studio.keys import Keys
from studio.settings import Settings

from .served import Answer, Served, serving, until
from .test_generate_videos import form, png

SMALL = {"size": "160x90", "seconds": "0.5"}
PICTURE = "data:image/png;base64," + base64.b64encode(png()).decode()


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """On this machine alone, without keys."""
    with serving(tmp_path_factory.mktemp("local") / "data", upload_megabytes=2) as one:
        yield one


@dataclass
class Two:
    """A studio that others can reach, and two who have keys."""

    served: Served
    keys: dict[str, str]

    def ask(self, who: str, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None, **told: Any) -> Answer:
        own = {"Authorization": f"Bearer {self.keys[who]}"} if who else {}
        return self.served.ask(method, path, body, own | (headers or {}), **told)

    def film(self, who: str, **told: Any) -> dict[str, Any]:
        made: dict[str, Any] = self.ask(who, "POST", "/v1/videos", json={"prompt": "pan left", "image": PICTURE} | SMALL | told).json
        return made


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    data = tmp_path_factory.mktemp("two") / "data"
    data.mkdir()
    keys = {name: Keys(data).add(name) for name in ("ann", "ben")}
    keys |= {"hurried": Keys(data).add("hurried", requests=5), "modest": Keys(data).add("modest", films=2)}
    with serving(data, "--host", "0.0.0.0", log_level="info", requests=100_000) as one:
        yield Two(one, keys)


# Where from

ROUTES = [("POST", "/v1/videos"), ("POST", "/generateVideos/x"), ("POST", "/folders/x/images"), ("DELETE", "/jobs/x"), ("POST", "/mcp"), ("POST", "/gradio_api/upload"), ("POST", "/gradio_api/call/make_film"), ("POST", "/gradio_api/queue/join"), ("POST", "/enter")]
FOREIGN = [
    {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": "http://localhost:1"}, {"Origin": "http://127.0.0.1.evil.example"}, {"Origin": ""},
    {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Sec-Fetch-Site": "cross-site", "Origin": "null"},
]  # fmt: skip


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_a_page_of_another_site_changes_nothing(local: Served, method: str, path: str, headers: dict[str, str]) -> None:
    body = json.dumps({"prompt": "x", "image": PICTURE})
    for kind in ("application/json", "text/plain", "multipart/form-data; boundary=cut", "application/x-www-form-urlencoded"):
        answer = local.ask(method, path, body, headers | {"Content-Type": kind})
        assert answer.status == 403 and "access-control-allow-origin" not in answer.headers
    assert local.ask("GET", "/v1/videos").json["data"] == []
    uploads = local.data / "uploads"
    assert not [path for path in uploads.rglob("*") if path.is_file()] if uploads.exists() else True


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "", "192.168.1.5", "localhost@evil.example", "[::ffff:8.8.8.8]"])
def test_a_name_of_somebody_elses_is_not_answered(local: Served, host: str) -> None:
    for method, path in (("GET", "/"), ("GET", "/v1/videos"), ("GET", "/config"), ("POST", "/v1/videos"), ("GET", "/gradio_api/info"), ("POST", "/mcp")):
        answer = local.ask(method, path, b"{}" if method == "POST" else None, {"Host": host})
        assert answer.status in (400, 421), (host, path)


def test_our_own_names_and_pages_are_answered(local: Served) -> None:
    for host in (f"localhost:{local.port}", f"127.0.0.1:{local.port}", "localhost", f"[::1]:{local.port}"):
        assert local.ask("GET", "/healthz", headers={"Host": host}).status == 200
    own = {"Host": f"localhost:{local.port}", "Origin": f"http://localhost:{local.port}", "Sec-Fetch-Site": "same-origin"}
    assert local.ask("POST", "/v1/videos", b"{}", own).status == 400, "let in, and found wanting"
    assert local.ask("POST", "/v1/videos", b"{}").status == 400, "no browser's"


def test_a_websocket_of_another_site_is_closed(local: Served) -> None:
    ask = "GET /gradio_api/ws HTTP/1.1\r\nHost: {}\r\nOrigin: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    for host, origin in (("evil.example", "http://evil.example"), ("localhost", "http://evil.example")):
        line = socket.create_connection(("127.0.0.1", local.port), 10)
        line.sendall(ask.format(host, origin).encode())
        assert b" 101 " not in line.recv(1000)
        line.close()


def test_pages_of_other_sites_may_ask_with_a_key_and_read_nothing_without(two: Two) -> None:
    origin = {"Origin": "https://app.example"}
    asked = two.ask("", "OPTIONS", "/v1/videos", headers=origin | {"Access-Control-Request-Method": "POST"})
    assert asked.status == 204 and asked.headers["access-control-allow-origin"] == origin["Origin"]
    assert "authorization" in asked.headers["access-control-allow-headers"] and "access-control-allow-credentials" not in asked.headers
    answer = two.ask("ann", "GET", "/v1/videos", headers=origin)
    assert answer.status == 200 and answer.headers["access-control-allow-origin"] == "https://app.example"
    assert "access-control-allow-credentials" not in answer.headers
    bare = two.ask("", "GET", "/v1/videos", headers=origin)
    assert bare.status == 401 and "access-control-allow-origin" not in bare.headers


def test_gradio_grants_nobody_its_cookies(local: Served) -> None:
    """By itself it allows every origin to read with credentials, where the host is not this machine's."""
    for path in ("/config", "/gradio_api/info"):
        answer = local.ask("GET", path, headers={"Origin": "https://evil.example"})
        assert not [name for name in answer.headers if name.startswith("access-control-")]


# Who

def test_without_a_key_there_is_nothing(two: Two) -> None:
    for method, path in (("GET", "/v1/videos"), ("POST", "/v1/videos"), ("GET", "/catalog"), ("POST", "/generateVideos/x"), ("GET", "/gradio_api/info"), ("GET", "/config"), ("POST", "/mcp"), ("GET", "/metrics"), ("GET", "/")):
        for headers in ({}, {"Authorization": "Bearer rw_wrong"}, {"Authorization": "Basic abc"}, {"api-key": "rw_" + "A" * 43}, {"X-Reelwright-Token": "x"}, {"Cookie": "reelwright_key=a.b"}):
            answer = two.ask("", method, path, b"{}" if method == "POST" else None, headers)
            assert answer.status == 401, (path, headers)
    assert two.ask("", "GET", "/healthz").status == 200
    assert two.ask("", "GET", "/v1/videos").json["error"]["code"] == "missing_api_key"
    assert two.ask("", "GET", "/v1/videos", headers={"api-key": "x"}).json["error"]["code"] == "invalid_api_key"
    assert two.ask("", "POST", "/generateVideos/x").json["error"]["code"] == "missing_api_key"
    assert two.ask("ann", "GET", "/v1/videos").status == 200
    assert two.ask("", "GET", "/v1/videos", headers={"api-key": two.keys["ann"]}).status == 200


def test_a_browser_enters_with_a_key_and_its_cookie_serves_our_own_pages_alone(two: Two) -> None:
    turned = two.ask("", "GET", "/", headers={"Sec-Fetch-Mode": "navigate"})
    assert turned.status == 303 and turned.headers["location"] == "/enter" and b"key" in two.ask("", "GET", "/enter").body
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    assert two.ask("", "POST", "/enter", "key=rw_wrong", kind).status == 401
    entered = two.ask("", "POST", "/enter", f"key={two.keys['ann']}", kind)
    cookie = entered.headers["set-cookie"]
    assert entered.status == 303 and "HttpOnly" in cookie and "samesite=strict" in cookie.lower() and two.keys["ann"] not in cookie
    own = {"Cookie": cookie.partition(";")[0]}
    assert b"Reelwright" in two.ask("", "GET", "/", headers=own).body
    assert two.ask("", "POST", "/v1/videos", b"{}", own | {"Origin": "https://evil.example"}).status == 403
    assert two.ask("", "POST", "/v1/videos", b"{}", own | {"Origin": two.served.url}).status == 400


def test_nobody_sees_what_is_somebody_elses(two: Two) -> None:
    """Everything that ann made, asked for by ben: the same answers as for what nobody ever made."""
    body, headers = form([("1.png", png())])
    assert two.ask("ann", "POST", "/folders/holiday/images", body, headers).status == 200
    asked = {"sequence_data": [{"scene_number": 1, "duration": 0.5}], "generation_params": {"size": "160x90", "quality": "draft", "music": "none"}}
    job = two.ask("ann", "POST", "/generateVideos/holiday", json=asked).json["metadata"]["job_id"]
    video = two.film("ann")
    until(lambda: two.ask("ann", "GET", f"/v1/videos/{video['id']}").json["status"] == "completed")
    film = two.ask("ann", "GET", f"/v1/videos/{video['id']}/content").body
    parts = b'--cut\r\nContent-Disposition: form-data; name="name"\r\n\r\nMoss\r\n--cut\r\nContent-Disposition: form-data; name="video"; filename="a.mp4"\r\n\r\n' + film + b"\r\n--cut--\r\n"
    hero = two.ask("ann", "POST", "/v1/videos/characters", parts, {"Content-Type": "multipart/form-data; boundary=cut"}).json
    task = two.ask("ann", "POST", "/openai/v1/video/generations/jobs", json={"prompt": "x", "width": 160, "height": 90, "n_seconds": 1}).json

    def agent(who: str, name: str, **given: Any) -> Answer:
        return two.ask(who, "POST", "/mcp", json={"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": name, "arguments": given}})

    picture = agent("ann", "upload_picture", base64=PICTURE).json["result"]["structuredContent"]["picture_id"]
    ids = {"job": job, "video": video["id"], "char": hero["id"], "task": task["id"]}
    none = {"job": "A" * 24, "video": "video_" + "ab" * 18, "char": "char_" + "0" * 32, "task": "task_" + "ab" * 18}
    every = [
        ("GET", "/jobs/{job}", None), ("DELETE", "/jobs/{job}", None), ("GET", "/jobs/{job}/events", None), *(("GET", f"/jobs/{{job}}/{what}", None) for what in ("film", "thumbnail", "timeline", "captions.srt", "captions.vtt")),
        ("GET", "/v1/videos/{video}", None), ("DELETE", "/v1/videos/{video}", None), ("GET", "/v1/videos/{video}/content", None), ("GET", "/v1/videos/{video}/content?variant=last_frame", None),
        ("POST", "/v1/videos/{video}/remix", {"prompt": "x"}), ("GET", "/v1/videos?after={video}", None), ("GET", "/v1/videos/characters/{char}", None),
        ("GET", "/openai/v1/video/generations/jobs/{task}", None), ("DELETE", "/openai/v1/video/generations/jobs/{task}", None), ("GET", "/openai/v1/video/generations/jobs?after={task}", None),
        ("POST", "/v1/videos/extensions", {"prompt": "x", "seconds": "1", "video": {"id": "{video}"}}), ("POST", "/v1/videos/edits", {"prompt": "x", "video": {"id": "{video}"}}),
        ("POST", "/v1/videos", {"prompt": "Moss", "characters": [{"id": "{char}"}]}),
    ]  # fmt: skip

    def asks(who: str, method: str, path: str, told: Any, named: dict[str, str]) -> tuple[int, bytes]:
        def put(text: str) -> str:
            for name, value in named.items():
                text = text.replace("{" + name + "}", value)
            return text

        answer = two.ask(who, method, put(path), put(json.dumps(told)) if told else None, {"Content-Type": "application/json"})
        return answer.status, b'"timestamp"'.join(answer.body.split(b'"timestamp"')[:1])

    for method, path, told in every:
        theirs, nobodys = asks("ben", method, path, told, ids), asks("ben", method, path, told, none)
        assert theirs == nobodys and theirs[0] in (400, 404), (method, path, theirs)
    for name in ("film_status", "film_result", "cancel_film"):
        given = {"confirm": True} if name == "cancel_film" else {}
        told = agent("ben", name, film_id=job, **given).json["result"]
        assert told["isError"] and told == agent("ben", name, film_id="A" * 24, **given).json["result"]
    assert agent("ben", "make_film", scenes=[{"picture_id": picture}]).json["result"]["isError"]
    assert two.ask("ben", "POST", "/generateVideos/holiday", json=asked).status == 404 and two.ask("ben", "GET", "/folders/holiday").status == 404
    assert two.ask("ben", "GET", "/v1/videos").json["data"] == []
    assert two.ask("ann", "GET", f"/v1/videos/{video['id']}").json["status"] == "completed", "and nothing of it is gone"
    assert two.ask("ann", "GET", f"/jobs/{job}").json["state"] == "done"
    assert two.ask("ann", "GET", "/own/jobs").status == two.ask("ann", "DELETE", f"/own/jobs/{job}").status == 404


def test_a_revoked_key_opens_nothing_from_that_moment(two: Two) -> None:
    two.keys["short"] = two.served.run("keys", "add", "short").stdout.strip()
    assert two.ask("short", "GET", "/v1/videos").status == 200
    assert two.served.run("keys", "revoke", "short").returncode == 0
    assert two.ask("short", "GET", "/v1/videos").status == 401


# How often, how much

def test_whoever_comes_too_often_waits(two: Two) -> None:
    answers = [two.ask("hurried", "POST", "/v1/videos", json={}) for _ in range(8)]
    assert [one.status for one in answers[:5]] == [400] * 5 and answers[-1].status == 429
    assert int(answers[-1].headers["retry-after"]) >= 1 and answers[-1].json["error"]["type"] == "rate_limit_error"
    service = two.ask("hurried", "POST", "/generateVideos/x", json={})
    assert service.status == 429 and service.json["success"] is False
    assert two.ask("hurried", "GET", "/v1/videos").status == 200, "reading goes on"
    assert two.ask("ann", "POST", "/v1/videos", json={}).status == 400, "and so do others"


def test_a_key_has_so_many_films_a_day(two: Two) -> None:
    for _ in range(2):
        assert two.film("modest")["object"] == "video"
    answer = two.ask("modest", "POST", "/v1/videos", json={"prompt": "x", "image": PICTURE} | SMALL)
    assert answer.status == 429 and 3600 < int(answer.headers["retry-after"]) <= 86400


def test_a_bucket_fills_again(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    rates = Rates()
    assert [rates.take("me", 2) for _ in range(3)] == [0, 0, 30]
    now[0] += 30
    assert rates.take("me", 2) == 0 and rates.take("me", 2) == 30 and rates.take("you", 2) == 0


def test_a_body_that_is_too_large_is_cut_while_it_is_read(local: Served) -> None:
    kind = "Content-Type: multipart/form-data; boundary=cut\r\n"
    head = "POST /folders/x/images HTTP/1.1\r\nHost: localhost\r\n" + kind
    told = answered(local, f"{head}Content-Length: {2 << 30}\r\n\r\n--cut".encode())
    assert told.status == 413 and told.json["success"] is False
    start = b'--cut\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n'
    with socket.create_connection(("127.0.0.1", local.port), 20) as line, contextlib.suppress(ConnectionError):
        line.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n{len(start):x}\r\n".encode() + start + b"\r\n")
        block = b"10000\r\n" + bytes(65536) + b"\r\n"
        for _ in range(2000):  # 130 MB, of which 2 are taken, and a few more let pass
            line.sendall(block)
        raise AssertionError("all of it was taken")
    told = answered(local, f"POST /v1/videos HTTP/1.1\r\nHost: localhost\r\nContent-Length: {50 << 20}\r\n\r\n".encode() + b'{"prompt": "xxx')
    assert told.status == 413 and told.json["error"]["code"] == "too_large"
    for path in ("/gradio_api/upload", "/v1/videos/characters"):
        told = answered(local, f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{kind}Content-Length: {2 << 30}\r\n\r\n".encode())
        assert told.status == 413, path
    assert not (local.data / "folders").exists(), "nothing of it was kept"


def answered(served: Served, sent: bytes) -> Answer:
    """What is said to those bytes, before all of them came."""
    with socket.create_connection(("127.0.0.1", served.port), 20) as line:
        line.sendall(sent)
        told = http.client.HTTPResponse(line)
        told.begin()
        return Answer(told.status, {name.lower(): value for name, value in told.getheaders()}, told.read())


PARTS, JSON = {"Content-Type": "multipart/form-data; boundary=cut"}, {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("path", "headers", "size"),
    [
        ("/v1/videos", JSON, 34), ("/mcp", JSON, 34), ("/v1/videos", PARTS, 7), ("/v1/videos/characters", PARTS, 7), ("/generateVideos/x", PARTS, 7),
        ("/folders/x/images", PARTS, 7), ("/openai/v1/video/generations/jobs", PARTS, 7), ("/gradio_api/upload", PARTS, 7), ("/nowhere", PARTS, 7),
    ],
)  # fmt: skip
def test_whoever_sends_all_before_listening_hears_that_it_is_too_much(local: Served, path: str, headers: dict[str, str], size: int) -> None:
    answer = local.ask("POST", path, bytes(size << 20), headers)
    assert answer.status == 413 and "MB" in json.dumps(answer.json) and answer.headers["connection"] == "close"


def test_whoever_sends_in_chunks_hears_it_too(local: Served) -> None:
    line = http.client.HTTPConnection("127.0.0.1", local.port, timeout=60)
    line.request("POST", "/folders/x/images", iter([b'--cut\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n', *[bytes(1 << 20)] * 7]), PARTS, encode_chunked=True)
    answer = line.getresponse()
    assert answer.status == 413 and json.loads(answer.read())["error"]["code"] == "too_large"
    line.close()


def test_who_is_not_let_in_hears_why_after_sending_much(two: Two) -> None:
    for headers, code in (({}, "missing_api_key"), ({"api-key": "x"}, "invalid_api_key"), ({"Host": "evil.example"}, "unknown_host")):
        assert two.ask("", "POST", "/v1/videos", bytes(7 << 20), JSON | headers).json["error"]["code"] == code
    long = "/v1/videos?" + "x" * 9000
    assert two.ask("ann", "POST", long, bytes(7 << 20), JSON).status == 414
    line = http.client.HTTPConnection("127.0.0.1", two.served.port, timeout=60)
    for _ in range(3):  # on one line, which is whole again when all of it was read
        line.request("POST", "/v1/videos", bytes(1 << 20), JSON)
        answer = line.getresponse()
        assert answer.status == 401 and json.loads(answer.read())["error"]["code"] == "missing_api_key" and line.sock
    line.close()
    head = http.client.HTTPConnection("127.0.0.1", two.served.port, timeout=60)
    head.request("GET", "/" + "a" * (7 << 20))
    assert head.getresponse().status == 400, "a head that is too long for any request"
    head.close()


SHAPES = [
    b"POST /v1/videos HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST /v1/videos HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    b"POST /v1/videos HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n{}",
    b"POST /v1/videos HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1e9\r\n\r\n{}",
    b"POST /v1/videos HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    b"POST /v1/videos HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\nHost : localhost\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: a\r\n b\r\n\x00: c\r\n\r\n",
    b"GET /a\x00b HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /jobs/%00 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"NONSENSE\r\n\r\n",
]


@pytest.mark.parametrize("sent", SHAPES, ids=range(len(SHAPES)))
def test_requests_that_can_be_read_in_two_ways_are_refused(local: Served, sent: bytes) -> None:
    told = local.raw(sent)
    assert told.startswith((b"HTTP/1.1 400", b"HTTP/1.1 414")), told[:200]
    assert told.count(b"HTTP/1.1") == 1


class Slow:
    """uvicorn in a thread, around a guard with little patience."""

    def __init__(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for module, name in ((bodies, "PATIENCE"), (patience, "HEAD"), (bodies, "REFUSED_PAUSE"), (patience, "REFUSED_PAUSE")):
            monkeypatch.setattr(module, name, 0.3)
        app = Guard(reads, Settings(data=tmp_path), Keys(tmp_path), Policy(loopback=True), Metrics())
        self.server = uvicorn.Server(uvicorn.Config(app, port=0, http=patience.Patient, log_level="error", lifespan="off"))
        self.thread = threading.Thread(target=self.server.run)
        self.thread.start()
        until(lambda: self.server.started)
        self.port = self.server.servers[0].sockets[0].getsockname()[1]

    def close(self) -> None:
        self.server.should_exit = True
        self.thread.join(10)


async def reads(scope: Scope, receive: Receive, send: Send) -> None:
    while scope["path"] != "/unread" and (await receive()).get("more_body"):
        pass
    await asyncio.sleep(1 if scope["path"] == "/slow" else 0)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@pytest.fixture
def slow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Slow]:
    one = Slow(tmp_path, monkeypatch)
    yield one
    one.close()


def test_a_request_that_stops_coming_is_let_go(slow: Slow) -> None:
    for sent, wanted in (
        (b"", b""),
        (b"GET / HTTP/1.1\r\nHost: loc", b""),
        (b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n123", b"HTTP/1.1 408"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\nGET / HTTP/1.1\r\nHost: lo", b"HTTP/1.1 200"),
    ):
        with socket.create_connection(("127.0.0.1", slow.port), 20) as line:
            line.sendall(sent)
            got = b""
            while block := line.recv(65536):
                got += block
        assert got.startswith(wanted) and (wanted or not got), sent


UNREAD = b"POST /unread HTTP/1.1\r\nHost: localhost\r\n"


@pytest.mark.parametrize(
    ("head", "block", "status"),
    [(UNREAD + b"Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + bytes(65536) + b"\r\n", b"200"), (b"GET /", b"a" * 65536, b"400"), (UNREAD + b"Content-Length: 9999999999\r\n\r\n", bytes(65536), b"413")],
)  # fmt: skip
def test_of_what_is_refused_no_more_than_some_is_read(slow: Slow, monkeypatch: pytest.MonkeyPatch, head: bytes, block: bytes, status: bytes) -> None:
    for module in (bodies, patience):
        monkeypatch.setattr(module, "REFUSED_BYTES", 1 << 20)
    with socket.create_connection(("127.0.0.1", slow.port), 20) as line, contextlib.suppress(ConnectionError):
        line.sendall(head + block)
        assert line.recv(12) == b"HTTP/1.1 " + status, "at once"
        for _ in range(2000):  # 130 MB
            line.sendall(block)
        raise AssertionError("all of it was taken")


def test_nor_for_longer_than_a_while(slow: Slow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "REFUSED_SECONDS", 0.6)
    head = UNREAD + b"Content-Length: 1000000\r\nConnection: close\r\n\r\n"
    for sent, drips in ((head, True), (head, False), (b"NONSENSE\r\n\r\n", True), (b"NONSENSE\r\n\r\n", False)):
        with socket.create_connection(("127.0.0.1", slow.port), 20) as line:
            line.sendall(sent)
            assert line.recv(9) == b"HTTP/1.1 "
            with contextlib.suppress(ConnectionError):
                for _ in range(200):
                    if drips:
                        time.sleep(0.1)
                        line.sendall(b"x")
                    elif not line.recv(65536):
                        break
                else:
                    raise AssertionError("it may drip for ever")


def test_a_slow_answer_is_waited_for_and_a_line_used_again(slow: Slow) -> None:
    with socket.create_connection(("127.0.0.1", slow.port), 20) as line:
        for path in (b"/slow", b"/", b"/slow"):
            line.sendall(b"GET " + path + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
            got = b""
            while not got.endswith(b"ok"):
                got += line.recv(65536)
            assert got.startswith(b"HTTP/1.1 200")


def test_two_hundred_who_dawdle_keep_nobody_waiting(local: Served) -> None:
    lines = []
    try:
        for _ in range(200):
            line = socket.create_connection(("127.0.0.1", local.port), 20)
            line.sendall(b"POST /v1/videos HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\nX: ")
            lines.append(line)
        assert local.ask("GET", "/healthz").status == 200 and local.ask("POST", "/v1/videos", json={}).status == 400
    finally:
        for line in lines:
            line.close()


# What is told

def test_every_answer_has_an_id_and_the_log_has_no_secret(two: Two) -> None:
    answer = two.ask("ann", "GET", "/v1/videos/video_" + "ab" * 18 + "/content?key=" + two.keys["ben"])
    two.ask("", "GET", "/v1/videos", headers={"api-key": "rw_canary_canary_canary"})
    log = two.served.data.parent / f"{two.served.data.name}.log"
    lines = until(lambda: [json.loads(line) for line in log.read_text("utf-8").splitlines() if answer.headers["x-request-id"] in line])
    assert lines[0]["owner"] == "ann" and lines[0]["status"] == 404 and lines[0]["method"] == "GET" and lines[0]["path"].startswith("/v1/videos/video_")
    text = log.read_text("utf-8")
    assert not any(secret in text for secret in [*two.keys.values(), "canary", "ab" * 18])
    token = json.loads((two.served.data / "serve.json").read_text("utf-8"))["token"]
    assert token not in text


def test_numbers_for_prometheus(two: Two) -> None:
    text = two.ask("ann", "GET", "/metrics").body.decode()
    found = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    assert float(found['reelwright_requests_total{door="v1",method="GET",status="401"}']) >= 1
    assert {'reelwright_jobs{state="done"}', 'reelwright_request_seconds_count{door="v1"}', "reelwright_up_seconds"} <= set(found)
    assert "ann" not in text and two.keys["ann"] not in text


def test_answers_tell_browsers_to_take_care(local: Served) -> None:
    for path in ("/", "/v1/videos", "/healthz", "/config"):
        headers = local.ask("GET", path).headers
        assert headers["x-content-type-options"] == "nosniff" and headers["cross-origin-resource-policy"] == "same-origin"
        assert headers["x-request-id"] and "server" not in headers
