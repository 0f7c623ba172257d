"""A real studio in a process of its own, and a real browser on it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HOME = Path(__file__).parents[1]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome") or ""


@dataclass
class StudioProcess:
    """`python app.py` over one data folder, on one port."""

    data: Path
    port: int
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> StudioProcess:
        """Start and wait until it says that it is ready."""
        own = {"REELWRIGHT_DATA": str(self.data), "PORT": str(self.port), "REELWRIGHT_ONLINE_VOICES": "0", "PYTHONPATH": str(HOME)}
        with (self.data.parent / "studio.log").open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "app.py"], cwd=HOME, env=os.environ | own | self.environment, stdout=log, stderr=log, text=True
            )
        for _ in range(600):
            if self.process.poll() is not None:
                raise AssertionError(f"the studio ended: {(self.data.parent / 'studio.log').read_text()[-2000:]}")
            try:
                with urllib.request.urlopen(self.url, timeout=5):
                    return self
            except OSError:
                time.sleep(0.1)
        raise AssertionError("the studio did not answer within a minute")

    def kill(self) -> None:
        """kill -9."""
        assert self.process
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """As a service manager stops it. -> its exit status."""
        assert self.process
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)

    @property
    def log(self) -> str:
        return (self.data.parent / "studio.log").read_text()


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def studio_process(folder: Path, **environment: str) -> Iterator[StudioProcess]:
    """A studio over a fresh folder, stopped afterwards."""
    one = StudioProcess(folder / "data", free_port(), environment).start()
    try:
        yield one
    finally:
        if one.process and one.process.poll() is None:
            one.stop()


LEAVING = "AbortError: signal is aborted"  # Gradio's client closes when a page is left; what it still asks for then has no answer
LOST = "Connection errored out"  # and this it says when the server is gone


@dataclass
class Watched:
    """What a browser's page said and asked for while it was used."""

    errors: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)

    def watch(self, page: Any, url: str) -> None:
        left: list[bool] = []

        def said(one: Any) -> None:
            if one.type == "error" and LEAVING in one.text:
                left.append(True)
            elif one.type == "error" and LOST not in one.text and not left:
                self.errors.append(one.text)

        page.on("console", said)
        page.on("domcontentloaded", lambda _: left.clear())
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda asked: None if asked.url.startswith((url, "data:", "blob:")) else self.strangers.append(asked.url))
