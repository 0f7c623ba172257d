"""A studio that really serves, in a process of its own, and a caller that sends exactly what it is told."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).parents[1]
READY = "Reelwright is ready: "


@dataclass
class Answer:
    """A response, read to its end."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Served:
    """A running studio. `key`: sent with every request unless one says otherwise."""

    url: str
    data: Path
    process: subprocess.Popen[str]
    env: Mapping[str, str] = field(default_factory=dict)

    @property
    def port(self) -> int:
        return int(urlsplit(self.url).port or 0)

    def ask(
        self, method: str, path: str, body: bytes | str | None = None, headers: Mapping[str, str] | None = None, **told: Any
    ) -> Answer:
        """One request; `json=` makes the body."""
        given = dict(headers or {})
        if "json" in told:
            body = json.dumps(told["json"])
            given.setdefault("Content-Type", "application/json")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            connection.putrequest(method, path, skip_host="Host" in given, skip_accept_encoding=True)
            for name, value in given.items():
                connection.putheader(name, value)
            raw = body.encode() if isinstance(body, str) else body
            if raw is not None:
                connection.putheader("Content-Length", str(len(raw)))
            connection.endheaders(raw)
            answer = connection.getresponse()
            return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def raw(self, sent: bytes, patience: float = 30.0) -> bytes:
        """What comes back for those bytes, until the connection is closed."""
        with socket.create_connection(("127.0.0.1", self.port), patience) as line:
            line.sendall(sent)
            got = b""
            while block := line.recv(65536):
                got += block
        return got

    def run(self, *args: str) -> subprocess.CompletedProcess[str]:
        """A command of ours, in the same data folder."""
        command = [sys.executable, "-m", "studio", *args]
        return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=dict(self.env), timeout=120, check=False)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


def settings(data: Path, **own: object) -> dict[str, str]:
    """An environment for a studio of its own."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("REELWRIGHT_") and name != "SPACE_ID"}
    env |= {"REELWRIGHT_DATA": str(data), "REELWRIGHT_ONLINE_VOICES": "0", "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    return env | {f"REELWRIGHT_{name.upper()}": str(value) for name, value in own.items()}


@contextmanager
def serving(data: Path, *args: str, env: Mapping[str, str] | None = None, patience: float = 60, **own: object) -> Iterator[Served]:
    """A studio that is ready; stopped at the end."""
    whole = settings(data, **own) | dict(env or {})
    command = [sys.executable, "-m", "studio", "serve", "--port", "0", *args]
    with (data.parent / f"{data.name}.log").open("a+") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, cwd=ROOT, env=whole)
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line.startswith(READY):
                process.wait(10)
                log.seek(0)
                raise AssertionError(f"{line!r}\n{log.read()[-3000:]}")
            yield Served(line[len(READY) :].strip().replace("0.0.0.0", "127.0.0.1"), data, process, whole)
        finally:
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
            assert process.stdout is not None
            process.stdout.close()


def paints(served: Served) -> bool:
    """Whether somebody is at hand who makes pictures from words."""
    every = served.ask("GET", "/catalog").json["engines"]
    return any(one["role"] == "pictures" and one["missing"] is None for one in every)


def until(true: Any, patience: float = 30.0) -> Any:
    """What `true` gives as soon as it gives something."""
    end = time.monotonic() + patience
    while not (found := true()):
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.05)
    return found
