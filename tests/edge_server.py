"""A stand-in for the Edge read-aloud service on loopback: speaks its protocol to the real edge-tts.

A request is a web socket on which the library sends `Path:speech.config`, then `Path:ssml`. The answer to one SSML
document is a turn: turn.start, response, word boundaries (one a message, offsets in 100 ns from the turn's start) and
binary frames of mp3 (two bytes of header length, header, sound), an empty frame without Content-Type, turn.end.
"""

from __future__ import annotations

import asyncio
import html
import json
import re
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from aiohttp import WSMsgType, web

from pipelines import ffmpeg

TICKS = 10_000_000
RATE = 24_000
LEAD, GAP, TAIL = 0.1, 0.05, 0.4  # seconds of silence before, between and after words

# What the service does:
#   ok; 403_once, 403, 503 (on connecting); no_audio; garbage (bytes that are no mp3); nonsense (an unknown message)
#   half (stops in the middle, as if all was well); half_audio (all boundaries, half the sound); no_words (no boundary)
#   drop (hangs up in the middle of a turn); drop_once; silent (takes the request and says nothing)


def units(text: str) -> list[str]:
    """The words as the service reports them: without punctuation, a number and its noun as one, hyphens as two."""
    found = re.findall(r"\d+ o'clock|[^\W_]+(?:['.,]\w+)*", text)
    return [part for unit in found for part in (re.findall(r"..?", unit) if ord(unit[0]) > 0x2E80 else [unit])]


def seconds_of(unit: str) -> float:
    """How long the stand-in says a unit."""
    return max(0.12, 0.06 * len(unit))


def mp3(said: list[str]) -> bytes:
    """24 kHz mono, 48 kbit/s, without tags, as the service sends it: a tone for every unit."""
    sound = [np.zeros(int(LEAD * RATE))]
    for unit in said:
        moments = np.arange(int(seconds_of(unit) * RATE)) / RATE
        sound += [0.25 * np.sin(2 * np.pi * 330 * moments), np.zeros(int(GAP * RATE))]
    pcm = (np.concatenate([*sound, np.zeros(int(TAIL * RATE))]) * 32767).astype("<i2").tobytes()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "tone.mp3"
        plain: ffmpeg.Args = ["-write_xing", 0, "-id3v2_version", 0, "-f", "mp3"]
        ffmpeg.write(["-f", "s16le", "-ar", RATE, "-ac", 1, "-i", "pipe:0", "-b:a", "48k", *plain, out], [pcm])
        return out.read_bytes()


class Service:
    """The service; `connections` counts how often it was asked, `ssml` holds what it was asked to say."""

    def __init__(self, does: str = "ok") -> None:
        self.does = does
        self.connections = 0
        self.ssml: list[str] = []
        self.url = ""
        self._lines: list[asyncio.Transport] = []

    @property
    def texts(self) -> list[str]:
        """The narrations it was sent, a turn each."""
        return [_text(document) for document in self.ssml]

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        self.connections += 1
        if request.transport:
            self._lines.append(request.transport)
        if self.does == "403" or (self.does == "403_once" and self.connections == 1):
            return web.Response(status=403)
        if self.does == "503":
            return web.Response(status=503)
        socket = web.WebSocketResponse(compress=True)
        await socket.prepare(request)
        words = False
        async for message in socket:
            head, _, body = str(message.data).partition("\r\n\r\n")
            if message.type != WSMsgType.TEXT:
                continue
            if "Path:speech.config" in head:
                options = json.loads(body)["context"]["synthesis"]["audio"]["metadataoptions"]
                words = options["wordBoundaryEnabled"] == "true"
            elif "Path:ssml" in head:
                self.ssml.append(body)
                await self._turn(socket, units(_text(body)), words)
        return socket

    async def _turn(self, socket: web.WebSocketResponse, said: list[str], words: bool) -> None:
        if self.does == "silent":
            return
        await socket.send_str(_message("turn.start"))
        await socket.send_str(_message("response"))
        if self.does == "nonsense":
            await socket.send_str(_message("what.is.this"))
            return
        half = len(said) // 2
        if words and self.does != "no_words":
            await self._boundaries(socket, said[:half] if self.does == "half" else said)
        if self.does != "no_audio":
            sound = b"no sound at all " * 200 if self.does == "garbage" else await asyncio.to_thread(mp3, said)
            broken = self.does in ("half", "half_audio", "drop") or (self.does == "drop_once" and self.connections == 1)
            for i in range(0, len(sound) // 2 if broken else len(sound), 720):
                await socket.send_bytes(_frame(sound[i : i + 720]))
            if self.does.startswith("drop") and broken:
                await socket.close()
                return
        await socket.send_bytes(_frame(b""))
        await socket.send_str(_message("turn.end"))

    async def _boundaries(self, socket: web.WebSocketResponse, said: list[str]) -> None:
        at = LEAD
        for unit in said:
            spoken = seconds_of(unit)
            word = {"Text": html.escape(unit, quote=False), "Length": len(unit), "BoundaryType": "WordBoundary"}
            data = {"Offset": int(at * TICKS), "Duration": int(spoken * TICKS), "text": word}
            body = {"Metadata": [{"Type": "WordBoundary", "Data": data}]}
            await socket.send_str(_message("audio.metadata", json.dumps(body)))
            at += spoken + GAP

    async def _serve(self, ready: threading.Event) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        app = web.Application()
        app.router.add_get("/edge/v1", self._socket)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        self.url = f"ws://{host}:{port}/edge/v1?TrustedClientToken=x"  # the library goes on with "&"
        ready.set()
        await self._stop.wait()
        for _ in range(5):  # a caller who came and went a moment ago is let in, and seen to be gone
            await asyncio.sleep(0.02)
        await runner.cleanup()
        for line in self._lines:  # one whose client left without a word would wait for it, and outlive the loop
            line.abort()
        await asyncio.sleep(0.05)


@contextmanager
def running(monkeypatch: pytest.MonkeyPatch, does: str = "ok") -> Iterator[Service]:
    """The stand-in at work; for as long as `monkeypatch` lasts, edge-tts takes it for the service."""
    service, ready = Service(does), threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(service._serve(ready)), daemon=True)
    thread.start()
    assert ready.wait(20)
    direct(monkeypatch, service.url)
    try:
        yield service
    finally:
        service._loop.call_soon_threadsafe(service._stop.set)
        thread.join(20)


def direct(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Make edge-tts talk to `url`, past every proxy."""
    import edge_tts.communicate

    monkeypatch.setattr(edge_tts.communicate, "WSS_URL", url)
    for name in ("http_proxy", "https_proxy", "wss_proxy", "ws_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def _text(document: str) -> str:
    found = re.search(r"<prosody[^>]*>(.*)</prosody>", document, re.DOTALL)
    assert found, "the service was sent no text"
    return html.unescape(found[1])


def _message(path: str, body: str = "{}") -> str:
    return f"X-RequestId:0\r\nContent-Type:application/json; charset=utf-8\r\nPath:{path}\r\n\r\n{body}"


def _frame(sound: bytes) -> bytes:
    kind = "Content-Type:audio/mpeg\r\n" if sound else ""
    head = f"X-RequestId:0\r\n{kind}Path:audio\r\n".encode()
    return len(head).to_bytes(2, "big") + head + sound
