"""Narrates through the online voices of the Edge browser, word times included. Knows nothing of stories.

The narration is sent to a service of Microsoft by the library edge-tts (LGPL), which speaks its unofficial protocol.
The service may refuse, break off or fall silent at any time: a take is whole, or it is a FilmError.
"""

from __future__ import annotations

import importlib.util
import re
import socket
import sys
import tempfile
import threading
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from .. import ffmpeg
from ..language import tags
from ..plan import Line
from ..presets import Voice
from ..vault import Notes
from ..work import FilmError, Tick, part
from ._edge_voices import MEANT, speakers
from ._words import Timed, Unit, align, aloud, clean, covered, speakable

SERVICE = "wss://speech.platform.bing.com"
OWN_NAME = re.compile(r"[a-z]{2,3}(-[A-Za-z]{2,24}){1,2}-[A-Za-z]{2,40}Neural")
TICKS = 10_000_000  # the service counts time in 100 ns
BRISK = 0.015  # seconds a letter at the very least, in any language
INSTEAD = "Set the voice to an espeak voice, or set REELWRIGHT_ONLINE_VOICES=0, and run again."


class _Failed(Exception):
    """One attempt went wrong; the message completes "the service ..."."""


@dataclass(frozen=True, slots=True)
class _Heard:
    """What one attempt brought: the mp3, and the units that the service says it said, in seconds."""

    mp3: bytes
    said: tuple[Timed, ...]


class Engine:
    """Microsoft's online voices.

    `online=False` switches it off. `pauses` are the seconds between attempts, `stall` how long the service may be
    silent, `probe` how long it may take to answer when it is first asked for.
    """

    label = "Edge voices (online, natural; the text is sent to Microsoft)"
    version = 2
    rank = 20
    online = True

    def __init__(
        self, *, online: bool = True, pauses: Sequence[float] = (0.5, 1.0), stall: float = 10.0, probe: float = 2.0
    ) -> None:
        self._on = online
        self._pauses = tuple(pauses)
        self._stall = stall
        self._probe = probe
        self._asking = threading.Lock()
        self._answer: list[str | None] = []

    def missing(self) -> str | None:
        """None, or what is lacking and the remedy. Whether the service answers is asked once, for 2 s at most."""
        if not self._on:
            return "Online voices are switched off. Set REELWRIGHT_ONLINE_VOICES=1."
        with self._asking:
            if not self._answer:
                self._answer.append(self._look())
            return self._answer[0]

    def voices(self) -> tuple[tuple[str, Voice], ...]:
        """The service's speakers, from a list that needs no network; others of its names work too."""
        return tuple(
            (one.own, Voice(f"{one.name}, {one.locale}", one.locale, one.gender, {"edge": one.own}))
            for one in speakers()
        )

    def voice_for(self, language: str) -> str:
        """The usual voice of a BCP-47 language, of its base, or of English."""
        usual = {one.locale.partition("-")[0]: one.own for one in reversed(speakers())}
        usual |= {one.locale.lower(): one.own for one in reversed(speakers())}
        return next((found for tag in tags(language) if (found := usual.get(MEANT.get(tag, tag).lower()))), usual["en-us"])

    def speak(self, line: Line, out: Path, tick: Tick) -> Notes:
        """Speak `line` into a 48 kHz mono 16-bit WAV at `out`. -> {"words": [[text, start, end], ...], "seconds": s}

        Raises FilmError when the service fails every time; no part of the text is in it.
        """
        if not OWN_NAME.fullmatch(line.voice):
            raise FilmError("The online narrator has no such voice.", "Its names look like en-US-EmmaNeural.")
        from . import _take

        text = clean(line.text)
        if not speakable(text):
            return _take.silent(text, out)
        if not self._on:
            raise FilmError("Online voices are switched off.", "Set REELWRIGHT_ONLINE_VOICES=1.")
        rate = f"{min(100, max(-50, round((line.speed - 1) * 100))):+d}%"
        why = ""
        for pause in (0.0, *self._pauses):
            _wait(pause, tick)
            try:
                heard = self._listen(aloud(text), line.voice, rate, part(tick, 0, 0.9))
                return self._take(heard, text, out)
            except _Failed as failed:
                why = str(failed)
        raise FilmError(f"The online voices could not be used: the service {why}.", INSTEAD)

    def close(self) -> None:
        """Nothing is kept open between takes."""

    def _take(self, heard: _Heard, text: str, out: Path) -> Notes:
        import numpy as np

        from . import _take

        if not _is_mp3(heard.mp3):
            raise _Failed("sent something that is no sound")
        with tempfile.TemporaryDirectory(dir=out.parent, prefix="voice-") as folder:
            args: ffmpeg.Args = ["-f", "mp3", "-i", "pipe:0", "-ac", 1, "-ar", _take.RATE, "-f", "s16le", "voice.pcm"]
            ffmpeg.write(args, [heard.mp3], cwd=Path(folder))
            sound = np.fromfile(Path(folder) / "voice.pcm", "<i2")
        units = align(text, heard.said)
        _whole(text, heard, units, sound.size / _take.RATE)
        return _take.finish(sound, text, units, out)

    def _look(self) -> str | None:
        if importlib.util.find_spec("edge_tts") is None:
            return "The online voices are not installed. pip install edge-tts"
        answered = threading.Event()
        asking = threading.Thread(target=_ask, args=(self._probe, answered), daemon=True, name="edge-probe")
        asking.start()
        asking.join(self._probe)  # a name server that is silent holds its thread for longer than anybody wants to wait
        if answered.is_set():
            return None
        return "The online voices do not answer. Check the network, or use an offline voice (espeak)."

    def _listen(self, text: str, voice: str, rate: str, tick: Tick) -> _Heard:
        """One attempt, in a thread with an event loop of its own: the caller's may be running already."""
        progress, stop = [0.0], threading.Event()
        with ThreadPoolExecutor(1, "edge") as pool:
            import asyncio

            heard = pool.submit(lambda: asyncio.run(self._attempt(text, voice, rate, progress, stop)))
            try:
                while not wait([heard], 0.1).done:
                    tick(progress[0])
                return heard.result()
            finally:
                stop.set()

    async def _attempt(self, text: str, voice: str, rate: str, progress: list[float], stop: threading.Event) -> _Heard:
        import aiohttp
        from edge_tts import Communicate
        from edge_tts.exceptions import EdgeTTSException, NoAudioReceived

        patience = max(1, round(self._stall))
        spoken = Communicate(
            text,
            voice,
            rate=rate,
            boundary="WordBoundary",
            proxy=_proxy(),
            connect_timeout=patience,
            receive_timeout=patience,
        )
        mp3, said = bytearray(), []
        try:
            async with aclosing(spoken.stream()) as stream:
                while (chunk := await _next(stream, self._stall, stop)) is not None:
                    if chunk["type"] == "audio":
                        mp3 += chunk["data"]
                    else:
                        start = chunk["offset"] / TICKS
                        said.append((chunk["text"], start, start + chunk["duration"] / TICKS))
                        progress[0] = min(1.0, sum(len(word) + 1 for word, _s, _e in said) / len(text))
        except NoAudioReceived:
            raise _Failed("sent no sound") from None
        except TimeoutError:
            raise _Failed(f"said nothing for {self._stall:g} seconds") from None
        except aiohttp.ClientResponseError as error:
            raise _Failed(f"refused (HTTP {error.status})") from None
        except (aiohttp.ClientConnectionError, OSError):
            raise _Failed("could not be reached") from None
        except (aiohttp.ClientError, EdgeTTSException, ValueError, KeyError):
            raise _Failed("answered in a way that is not understood") from None
        return _Heard(bytes(mp3), tuple(said))


async def _next(stream: AsyncIterator[Any], stall: float, stop: threading.Event) -> Any:
    """The next chunk, or None at the end. TimeoutError when none comes for `stall` seconds, _Failed when stopped."""
    import asyncio

    coming = asyncio.ensure_future(anext(stream, None))
    until = time.monotonic() + stall
    try:
        while not (await asyncio.wait([coming], timeout=min(0.1, stall)))[0]:
            if stop.is_set():
                raise _Failed("was told to stop")
            if time.monotonic() >= until:
                raise TimeoutError
        return coming.result()
    finally:
        for patience in (0.3, 3.0):  # cancelled once, it says good-bye and may wait long for an answer; twice, it goes
            if not coming.done():
                coming.cancel()
                await asyncio.wait([coming], timeout=patience)


def _whole(text: str, heard: _Heard, units: Sequence[Unit], seconds: float) -> None:
    """_Failed if the service broke off: words or sound are missing."""
    letters, said, after = covered(text, units)
    cut = seconds < BRISK * letters
    if heard.said:  # a few voices tell no words at all, and yet are whole
        cut = cut or said < 0.6 * letters or after > max(3, min(letters // 4, 40))
        cut = cut or seconds < max(end for _word, _start, end in heard.said) - 0.5
    if cut:
        raise _Failed("broke off in the middle")


def _is_mp3(data: bytes) -> bool:
    """Whether it begins with a frame of MPEG audio, layer III, or an ID3 tag."""
    return data[:3] == b"ID3" or (len(data) > 3 and data[0] == 0xFF and data[1] & 0xE6 == 0xE2)


def _service() -> SplitResult:
    loaded = sys.modules.get("edge_tts.communicate")  # it knows best; importing it only to ask takes 0.3 s
    return urlsplit(str(getattr(loaded, "WSS_URL", SERVICE)))


def _proxy() -> str | None:
    """The proxy that the environment names for https: aiohttp by itself would only look for one for wss."""
    from urllib.request import getproxies, proxy_bypass

    known = getproxies()
    bypassed = proxy_bypass(_service().hostname or "")
    return None if bypassed else known.get("wss") or known.get("https")


def _ask(limit: float, answered: threading.Event) -> None:
    """Set `answered` if the service, or the proxy on its behalf, takes a connection."""
    service, proxy = _service(), urlsplit(_proxy() or "")
    secure = service.scheme == "wss"
    host, port = service.hostname or "", service.port or (443 if secure else 80)
    try:
        with socket.create_connection((proxy.hostname or host, proxy.port or port), timeout=limit) as line:
            if proxy.hostname:
                line.sendall(_connect(host, port, proxy).encode())
                if b" 200" not in line.recv(1024).split(b"\r\n")[0]:
                    return
            if secure:
                _handshake(line, host)
    except OSError:
        return
    answered.set()


def _connect(host: str, port: int, proxy: SplitResult) -> str:
    user = unquote(f"{proxy.username or ''}:{proxy.password or ''}")
    login = f"Proxy-Authorization: Basic {b64encode(user.encode()).decode()}\r\n" if proxy.username else ""
    return f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n{login}\r\n"


def _handshake(line: socket.socket, host: str) -> None:
    import ssl

    import certifi

    ssl.create_default_context(cafile=certifi.where()).wrap_socket(line, server_hostname=host).close()


def _wait(seconds: float, tick: Tick) -> None:
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        tick(0.0)
        time.sleep(min(0.1, left))
