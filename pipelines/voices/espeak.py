"""Narrates offline, in every language that espeak-ng has, word times included. Knows nothing of stories.

espeak-ng is under the GPL and keeps global state: it runs in a process of its own, talked to over pipes, and nothing
of it is linked here. One child serves an engine for as long as it lives.
"""

from __future__ import annotations

import importlib.util
import json
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..plan import Line
from ..presets import Voice, choose
from ..vault import Notes
from ..work import FilmError, Tick, part
from ._words import aloud, clean, speakable

CHILD = Path(__file__).with_name("_espeak_child.py")
# Where a language's own name is not the voice that people mean by it.
MEANT = {
    "en": "en-us", "en-au": "en", "en-nz": "en", "en-ie": "en", "en-in": "en", "en-za": "en", "zh": "cmn",
    "zh-hk": "yue", "zh-mo": "yue", "no": "nb", "nn": "nb", "iw": "he", "in": "id", "tlh": "piqd", "es-mx": "es-419",
    "es-us": "es-419", "es-ar": "es-419", "es-co": "es-419", "es-cl": "es-419", "es-pe": "es-419",
}  # fmt: skip
TAGS = {"cmn": "zh", "cmn-latn-pinyin": "zh-Latn", "piqd": "tlh", "yue": "zh-HK"}
FEMALE = "f3"


class _Lost(Exception):
    """The child ended or fell silent."""


@dataclass(frozen=True, slots=True)
class _Known:
    """What the child has: samples a second, (id, language, name) of each voice, and the variants' names."""

    rate: int
    voices: tuple[tuple[str, str, str], ...]
    variants: frozenset[str]


class Engine:
    """espeak-ng in a child process. `rate`: words a minute at speed 1. `patience`: seconds the child may be silent."""

    label = "espeak-ng (offline, every language, plain)"
    version = 3
    rank = 10
    online = False
    source = "algorithmicMedia"

    def __init__(self, *, rate: int = 165, patience: float = 60.0) -> None:
        self._rate = rate
        self._patience = patience
        self._turn = threading.Lock()
        self._child: _Child | None = None
        self._known: _Known | None = None

    def missing(self) -> str | None:
        """None, or what is lacking and the remedy."""
        if importlib.util.find_spec("espeakng_loader") is None:
            return "The offline voices are not installed. pip install espeakng-loader"
        return None

    def voices(self) -> tuple[tuple[str, Voice], ...]:
        """Every voice of espeak-ng, each as it is and in its female variant."""
        listed = []
        for name, language, label in self._what(lambda _done: None).voices:
            tag = _tag(TAGS.get(name, language))
            listed.append((name, Voice(label, tag, "male", {"espeak": name})))
            female = f"{name}+{FEMALE}"
            listed.append((female, Voice(f"{label}, female", tag, "female", {"espeak": female})))
        return tuple(listed)

    def voice_for(self, language: str) -> str:
        """The voice for a BCP-47 language, its base, or English."""
        known = self._names(self._what(lambda _done: None))
        parts = language.lower().replace("_", "-").split("-")
        for n in range(len(parts), 0, -1):
            tag = "-".join(parts[:n])
            if (name := MEANT.get(tag, tag)) in known:
                return known[name]
        return "en-us"

    def speak(self, line: Line, out: Path, tick: Tick) -> Notes:
        """Speak `line` into a 48 kHz mono 16-bit WAV at `out`. -> {"words": [[text, start, end], ...], "seconds": s}

        Raises FilmError for an unknown voice, or when espeak-ng stops twice over the same line.
        """
        from . import _take

        text = clean(line.text)
        voice = self._voice(line.voice, tick)
        if not speakable(text):
            return _take.silent(text, out)
        wpm = min(450, max(80, round(self._rate * line.speed)))
        request = {"text": aloud(text), "voice": voice, "wpm": wpm}
        rate, pcm, events = self._synthesise(request, len(text), part(tick, 0, 0.8))
        import numpy as np

        from ._tone import toned

        tick(0.8)
        sound = np.frombuffer(pcm, "<i2").astype(np.int16, copy=False)
        units = _take.units(events, len(text), sound, rate)
        notes = _take.finish(toned(sound, rate), text, units, out)
        tick(1.0)
        return notes

    def close(self) -> None:
        """End the child process."""
        with self._turn:
            self._end()

    def _synthesise(self, request: dict[str, Any], length: int, tick: Tick) -> tuple[int, bytes, list[tuple[int, int]]]:
        with self._my_turn(tick):
            for _again in range(2):
                try:
                    return self._ask(request, length, tick)
                except _Lost:
                    self._end()
                except BaseException:
                    self._end()  # it may be in the middle of an answer that nobody wants
                    raise
        raise FilmError("The espeak narrator stopped while it spoke.", "Run it again, or choose another voice.")

    def _ask(self, request: dict[str, Any], length: int, tick: Tick) -> tuple[int, bytes, list[tuple[int, int]]]:
        known, child = self._ready(tick)
        pcm = bytearray()
        events: list[tuple[int, int]] = []
        child.ask(request)
        while True:
            message, sound = child.answer(tick, min(1.0, events[-1][0] / length) if events else 0.0, self._patience)
            if message.get("failed"):
                raise _Lost
            if message.get("end"):
                if not hasattr(os, "fork"):
                    self._end()  # it would remember this line in the next one's sound
                return known.rate, bytes(pcm), events
            pcm += sound
            events += [(int(place), int(sample)) for place, sample in message["words"]]

    def _ready(self, tick: Tick) -> tuple[_Known, _Child]:
        if self._child is None:
            if lacking := self.missing():
                raise FilmError(lacking)
            self._child = _Child()
            hello, _ = self._child.answer(tick, 0.0, self._patience)
            voices = tuple((str(a), str(b), str(c)) for a, b, c in hello["voices"])
            self._known = _Known(int(hello["rate"]), voices, frozenset(hello["variants"]))
        assert self._known is not None
        return self._known, self._child

    def _what(self, tick: Tick) -> _Known:
        if self._known is None:
            with self._my_turn(tick):
                try:
                    return self._ready(tick)[0]
                except _Lost as lost:
                    self._end()
                    hint = "pip install --force-reinstall espeakng-loader"
                    raise FilmError("The espeak narrator cannot be started.", hint) from lost
                except BaseException:
                    self._end()
                    raise
        return self._known

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

    def _names(self, known: _Known) -> dict[str, str]:
        spoken = {language.lower(): name for name, language, _label in reversed(known.voices)}
        return spoken | {name: name for name, _language, _label in known.voices}

    def _voice(self, wanted: str, tick: Tick) -> str:
        known = self._what(tick)
        names = self._names(known)
        base, plus, variant = wanted.partition("+")
        name = names.get(base.lower())
        if name is None:
            raise FilmError(f'espeak has no voice called "{base[:60]}".', choose(base[:60], names))
        if plus and variant not in known.variants:
            hint = choose(variant[:60], sorted(known.variants))
            raise FilmError(f'espeak has no voice variant called "{variant[:60]}".', hint)
        return name + plus + variant


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
            raise _Lost from error

    def answer(self, tick: Tick, done: float, patience: float) -> tuple[dict[str, Any], bytes]:
        """The next thing it says; _Lost when it ends or is silent for so long."""
        until = time.monotonic() + patience
        tick(done)
        while time.monotonic() < until:
            with suppress(queue.Empty):
                if answer := self._said.get(timeout=min(0.1, patience)):
                    return answer
                raise _Lost
            tick(done)
        raise _Lost

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


def _tag(language: str) -> str:
    head, *rest = re.split(r"[-_]", language)
    return "-".join([head, *(p.upper() if len(p) == 2 else p.title() if len(p) == 4 else p for p in rest)])
