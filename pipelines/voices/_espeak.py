"""The espeak-ng library in a child of ours: what it knows, what it speaks, and how it would pronounce a text.

It is under the GPL and keeps global state: it runs in a process of its own, talked to over pipes, and nothing of it is
linked here. One child serves whoever made it for as long as that one lives. Knows no line and no sound.
"""

from __future__ import annotations

import importlib.util
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from ..work import FilmError, Tick

CHILD = Path(__file__).with_name("_espeak_child.py")
T = TypeVar("T")


class Lost(Exception):
    """The child ended or fell silent."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the child has: samples a second, (id, language, name) of each voice, and the variants' names."""

    rate: int
    voices: tuple[tuple[str, str, str], ...]
    variants: frozenset[str]

    @property
    def names(self) -> dict[str, str]:
        """A voice's id by its id and by its language, in small letters."""
        spoken = {language.lower(): name for name, language, _label in reversed(self.voices)}
        return spoken | {name: name for name, _language, _label in self.voices}


@dataclass(frozen=True, slots=True)
class Clause:
    """text[first:last] as it is pronounced: IPA with stress, what belongs together tied with ^. `apart`: each of its
    words by itself, as (first, last, IPA)."""

    first: int
    last: int
    sounds: str
    apart: tuple[tuple[int, int, str], ...]


def missing() -> str | None:
    """None, or how to have the library."""
    if importlib.util.find_spec("espeakng_loader") is None:
        return "The offline voices are not installed. pip install espeakng-loader"
    return None


class Espeak:
    """Safe from several threads: one is answered after the other. `patience`: seconds the child may be silent."""

    def __init__(self, patience: float = 60.0) -> None:
        self._patience = patience
        self._turn = threading.Lock()
        self._child: _Child | None = None
        self._known: Known | None = None

    def known(self, tick: Tick) -> Known:
        """What it has; FilmError if it cannot be started."""
        if self._known is None:
            with self._my_turn(tick):
                try:
                    return self._ready(tick)[0]
                except Lost as lost:
                    self._end()
                    hint = "pip install --force-reinstall espeakng-loader"
                    raise FilmError("The espeak narrator cannot be started.", hint) from lost
                except BaseException:
                    self._end()
                    raise
        return self._known

    def spoken(self, request: dict[str, Any], length: int, tick: Tick) -> tuple[int, bytes, list[tuple[int, int]]]:
        """{"text", "voice", "wpm"} -> samples a second, 16-bit mono PCM, and (character, sample) where words begin.
        FilmError when the child stops twice over it."""
        return self._asked(lambda: self._speak(request, length, tick), tick)

    def pronounced(self, text: str, voice: str, tick: Tick) -> list[Clause]:
        """The text's clauses in order, as that voice would say them; FilmError as for `spoken`."""
        return self._asked(lambda: self._pronounce(text, voice, tick), tick)

    def close(self) -> None:
        """End the child process."""
        with self._turn:
            self._end()

    def _asked(self, ask: Callable[[], T], tick: Tick) -> T:
        with self._my_turn(tick):
            for _again in range(2):
                try:
                    return ask()
                except Lost:
                    self._end()
                except BaseException:
                    self._end()  # it may be in the middle of an answer that nobody wants
                    raise
        raise FilmError("The espeak narrator stopped while it spoke.", "Run it again, or choose another voice.")

    def _speak(self, request: dict[str, Any], length: int, tick: Tick) -> tuple[int, bytes, list[tuple[int, int]]]:
        known, child = self._ready(tick)
        pcm = bytearray()
        events: list[tuple[int, int]] = []
        child.ask(request)
        while True:
            message, sound = child.answer(tick, min(1.0, events[-1][0] / length) if events else 0.0, self._patience)
            if message.get("failed"):
                raise Lost
            if message.get("end"):
                self._spent()
                return known.rate, bytes(pcm), events
            pcm += sound
            events += [(int(place), int(sample)) for place, sample in message["words"]]

    def _pronounce(self, text: str, voice: str, tick: Tick) -> list[Clause]:
        _, child = self._ready(tick)
        child.ask({"pronounce": text, "voice": voice})
        message, _ = child.answer(tick, 0.0, self._patience)
        if message.get("failed"):
            raise Lost
        self._spent()
        return [Clause(a, b, sounds, tuple((c, d, own) for c, d, own in words)) for a, b, sounds, words in message["clauses"]]

    def _spent(self) -> None:
        if not hasattr(os, "fork"):
            self._end()  # it would remember this line in the next one's sound

    def _ready(self, tick: Tick) -> tuple[Known, _Child]:
        if self._child is None:
            if lacking := missing():
                raise FilmError(lacking)
            self._child = _Child()
            hello, _ = self._child.answer(tick, 0.0, self._patience)
            voices = tuple((str(a), str(b), str(c)) for a, b, c in hello["voices"])
            self._known = Known(int(hello["rate"]), voices, frozenset(hello["variants"]))
        assert self._known is not None
        return self._known, self._child

    @contextmanager
    def _my_turn(self, tick: Tick) -> Iterator[None]:
        while not self._turn.acquire(timeout=0.1):
            tick(0.0)
        try:
            yield
        finally:
            self._turn.release()

    def _end(self) -> None:
        if self._child:
            self._child.close()
        self._child = None


class _Child:
    """The running child. A thread reads what it says, so that waiting can end when nobody wants the answer."""

    def __init__(self) -> None:
        import espeakng_loader

        paths = [espeakng_loader.get_library_path(), espeakng_loader.get_data_path()]
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(CHILD), *paths],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # one group with its forks, ended together; Ctrl-C is ours to answer
        )
        self._said: queue.SimpleQueue[tuple[dict[str, Any], bytes] | None] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True, name="espeak")
        self._reader.start()

    def ask(self, request: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
        except OSError as error:
            raise Lost from error

    def answer(self, tick: Tick, done: float, patience: float) -> tuple[dict[str, Any], bytes]:
        """The next thing it says; Lost when it ends or is silent for so long."""
        until = time.monotonic() + patience
        tick(done)
        while time.monotonic() < until:
            with suppress(queue.Empty):
                if answer := self._said.get(timeout=min(0.1, patience)):
                    return answer
                raise Lost
            tick(done)
        raise Lost

    def close(self) -> None:
        process = self._process
        assert process.stdin is not None and process.stdout is not None
        if hasattr(os, "killpg"):
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)  # it holds nothing worth a farewell
        process.kill()
        process.wait()
        self._reader.join()
        with suppress(OSError):
            process.stdin.close()
        process.stdout.close()

    def _read(self) -> None:
        said = self._process.stdout
        assert said is not None
        while (head := said.readline()).endswith(b"\n"):
            message = json.loads(head)
            sound = said.read(message.get("bytes", 0))
            if len(sound) < message.get("bytes", 0):
                break
            self._said.put((message, sound))
        self._said.put(None)
