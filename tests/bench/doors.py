"""Measures the doors for programs on this machine, the load generator beside them: `python tests/bench/doors.py [PART ...]`.

Parts: accepts, keys, viewers, dawdlers, upload. Films are stand-ins that end at once, so that the doors are measured.
"""

from __future__ import annotations

import asyncio
import base64
import io
import json
import os
import socket
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[2]))

from studio.keys import Keys
from tests.served import Served, serving

CLIENTS = 50
SECONDS = 10.0
REQUESTS, DISTINCT = 10_000, 2_000
VIEWERS = 60
DAWDLERS = 200


def picture() -> str:
    out = io.BytesIO()
    Image.new("RGB", (320, 180), "teal").save(out, "PNG")
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()


STAND_IN = {"prompt": "x", "size": "160x90", "seconds": "1", "engine": "nobody"}  # accepted, kept, and over at once


def share(times: list[float], part: float) -> float:
    return sorted(times)[min(len(times) - 1, int(len(times) * part))]


def told(name: str, times: list[float], seconds: float) -> None:
    p50, p95, p99 = (share(times, part) * 1000 for part in (0.5, 0.95, 0.99))
    print(f"{name}: {len(times)} in {seconds:.1f} s, {len(times) / seconds:.0f}/s; p50 {p50:.0f} ms, p95 {p95:.0f} ms, p99 {p99:.0f} ms", flush=True)


async def timed(times: list[float], ask: Callable[[], Awaitable[Any]]) -> Any:
    began = time.perf_counter()
    found = await ask()
    times.append(time.perf_counter() - began)
    return found


async def accepts(one: Served, keys: list[str]) -> None:
    """Durable accepts, from many clients at once."""
    times: list[float] = []
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        began = time.perf_counter()

        async def client(key: str) -> None:
            while time.perf_counter() - began < SECONDS:

                async def ask() -> None:
                    async with session.post(f"{one.url}/v1/videos", json=STAND_IN, headers={"api-key": key}) as answer:
                        assert answer.status == 200, await answer.text()

                await timed(times, ask)

        await asyncio.gather(*(client(key) for key in keys))
        told(f"accepts, {len(keys)} clients", times, time.perf_counter() - began)


async def same_keys(one: Served, keys: list[str]) -> None:
    """Many requests with repeated idempotency keys."""
    seen: dict[tuple[str, str], set[str]] = {}
    times: list[float] = []
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        began = time.perf_counter()
        waiting = list(range(REQUESTS))

        async def client(key: str) -> None:
            while waiting:
                n = waiting.pop() % DISTINCT
                owner = keys[n % len(keys)]

                async def ask(n: int = n, owner: str = owner) -> None:
                    headers = {"api-key": owner, "Idempotency-Key": f"request {n}"}
                    async with session.post(f"{one.url}/v1/videos", json=STAND_IN, headers=headers) as answer:
                        assert answer.status == 200, await answer.text()
                        seen.setdefault((owner, str(n)), set()).add((await answer.json())["id"])

                await timed(times, ask)

        await asyncio.gather(*(client(key) for key in keys))
        told("repeated idempotency keys", times, time.perf_counter() - began)
    twice = sum(len(ids) > 1 for ids in seen.values())
    print(f"  {len(seen)} different keys, {twice} with two ids, {len(set.union(*seen.values()))} ids", flush=True)


async def viewers(one: Served, keys: list[str]) -> None:
    """Clicks on the page's queue, while many follow a film that is made."""
    long = {"prompt": "pan left", "image": picture(), "size": "640x360", "seconds": "60"}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(120)) as session:
        headers = {"api-key": keys[0]}
        async with session.post(f"{one.url}/v1/videos", json=long | {"size": "1920x1080"}, headers=headers) as answer:
            video = (await answer.json())["id"]
        job = base64.urlsafe_b64encode(bytes.fromhex(video.removeprefix("video_"))).decode()
        heard = [0] * VIEWERS
        times: list[float] = []
        began = time.perf_counter()

        async def follow(n: int) -> None:
            async with session.get(f"{one.url}/jobs/{job}/events", headers=headers) as answer:
                async for _ in answer.content:
                    heard[n] += 1

        async def click(n: int) -> None:
            await asyncio.sleep(1 + n / VIEWERS * 2)
            while time.perf_counter() - began < SECONDS + 3:

                async def ask() -> None:
                    async with session.post(f"{one.url}/gradio_api/call/status", json={"data": [job], "session_hash": f"viewer{n}"}, headers=headers) as answer:
                        event = (await answer.json())["event_id"]
                    async with session.get(f"{one.url}/gradio_api/call/status/{event}", headers=headers) as answer:
                        assert b"complete" in await answer.read()

                await timed(times, ask)
                await asyncio.sleep(2)

        for n in range(VIEWERS):  # every viewer has opened the page: Gradio makes a session of it, which takes a while
            body = {"data": [job], "session_hash": f"viewer{n}"}
            async with session.post(f"{one.url}/gradio_api/call/status", json=body, headers=headers) as answer:
                event = (await answer.json())["event_id"]
            async with session.get(f"{one.url}/gradio_api/call/status/{event}", headers=headers) as answer:
                await answer.read()
        began = time.perf_counter()
        following = [asyncio.create_task(follow(n)) for n in range(VIEWERS)]
        await asyncio.gather(*(click(n) for n in range(VIEWERS)))
        told(f"clicks, {VIEWERS} viewers", times, time.perf_counter() - began)
        print(f"  every viewer heard {min(heard)} to {max(heard)} lines", flush=True)
        async with session.delete(f"{one.url}/v1/videos/{video}", headers=headers):
            pass
        await asyncio.gather(*following, return_exceptions=True)


async def dawdlers(one: Served, keys: list[str]) -> None:
    """Connections that never finish their first words, and who is kept waiting by them."""
    lines = []
    for _ in range(DAWDLERS):
        line = socket.create_connection(("127.0.0.1", one.port), 20)
        line.sendall(b"POST /v1/videos HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
        lines.append(line)
    times: list[float] = []
    async with aiohttp.ClientSession() as session:
        began = time.perf_counter()
        for _ in range(200):

            async def ask() -> None:
                async with session.get(f"{one.url}/v1/videos", headers={"api-key": keys[0]}) as answer:
                    assert answer.status == 200

            await timed(times, ask)
        told(f"requests beside {DAWDLERS} dawdlers", times, time.perf_counter() - began)
    await asyncio.sleep(16)
    open_still = sum(not _closed(line) for line in lines)
    print(f"  of {DAWDLERS} dawdlers {open_still} are still connected after 16 s", flush=True)
    for line in lines:
        line.close()


def _closed(line: socket.socket) -> bool:
    line.setblocking(False)
    try:
        return line.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


async def upload(one: Served, keys: list[str]) -> None:
    """A file of 2 GB, which is cut at the limit."""
    before = _used(one.data)
    sent = 0
    line = socket.create_connection(("127.0.0.1", one.port), 20)
    head = f"POST /folders/big/images HTTP/1.1\r\nHost: localhost\r\napi-key: {keys[0]}\r\nContent-Type: multipart/form-data; boundary=cut\r\nTransfer-Encoding: chunked\r\n\r\n"
    start = b'--cut\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n\x89PNG\r\n\x1a\n'
    answer = b""
    try:
        line.sendall(head.encode() + f"{len(start):x}\r\n".encode() + start + b"\r\n")
        block = b"100000\r\n" + bytes(1 << 20) + b"\r\n"
        while sent < 2 << 30:
            line.sendall(block)
            sent += 1 << 20
    except ConnectionError:
        with line:
            line.settimeout(2)
            try:
                answer = line.recv(100)
            except (ConnectionError, TimeoutError):
                answer = b"(the connection was closed)"
    await asyncio.sleep(1)
    print(f"upload of 2 GB: cut after {sent >> 20} MB with {answer[:16]!r}; {(_used(one.data) - before) >> 20} MB more on the disk", flush=True)


def _used(data: Path) -> int:
    return sum(path.stat().st_size for path in data.rglob("*") if path.is_file())


PARTS = {"accepts": accepts, "keys": same_keys, "viewers": viewers, "dawdlers": dawdlers, "upload": upload}


def main() -> None:
    wanted = sys.argv[1:] or list(PARTS)
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        data.mkdir()
        keys = [Keys(data).add(f"client {n}") for n in range(CLIENTS)]
        with serving(data, "--host", "0.0.0.0", requests=0) as one:
            for name in wanted:
                asyncio.run(PARTS[name](one, keys))
            memory = [line for line in Path(f"/proc/{one.process.pid}/status").read_text().splitlines() if line.startswith("VmRSS")]
            print(json.dumps({"cores": os.cpu_count(), "memory": memory[0].split()[1] if memory else None}))


if __name__ == "__main__":
    main()
