"""Whole films for tests: small pictures, short stories, what was made anew, who is still running. Asserts nothing."""

from __future__ import annotations

import importlib
import json
import os
import re
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pipelines import ffmpeg, render
from pipelines.crew import Crew
from pipelines.events import Event, Made, Warned
from pipelines.presets import Presets
from pipelines.story import Story, read
from pipelines.vault import Vault

from . import measure

ROOT = Path(__file__).parents[1]
Scenes = Sequence[Mapping[str, Any]]


def pictures(folder: Path, count: int, size: tuple[int, int] = (400, 240)) -> Path:
    """p1.png, p2.png, ... : soft, colourful, no two alike."""
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(1, count + 1):
        rough = np.random.default_rng(i).integers(0, 255, (6, 10, 3), np.uint8)
        Image.fromarray(rough).resize(size, Image.Resampling.BICUBIC).save(folder / f"p{i}.png")
    return folder


def story(presets: Presets, folder: Path, scenes: Scenes, **said: Any) -> Story:
    """A story at 320x180; scene i has the picture p<i>.png unless it says otherwise."""
    rows = [{"image": f"p{i}.png"} | dict(scene) for i, scene in enumerate(scenes, 1)]
    return read({"title": "A test", "size": "320x180", "music": "none", "scenes": rows} | said, presets, folder)


@contextmanager
def studio(presets: Presets, folder: Path, crew: Crew | None = None) -> Iterator[render.Studio]:
    """Every engine, no online voice, a vault in that folder."""
    own = crew or Crew({"edge": {"online": False}})
    try:
        yield render.Studio(own, presets, Vault(folder), ROOT / "assets" / "fonts", workers=2)
    finally:
        own.close()


@contextmanager
def extras(named: str = "extras") -> Iterator[None]:
    """The engines in that folder of tests are engines like all others, for a while."""
    added = []
    for folder in (ROOT / "tests" / named).iterdir():
        package = importlib.import_module(f"pipelines.{folder.name}")
        before, package.__path__ = package.__path__, [*package.__path__, str(folder)]
        added.append((package, before, [path.stem for path in folder.glob("*.py")]))
    try:
        yield
    finally:
        for package, before, names in added:
            package.__path__ = before
            for name in names:
                sys.modules.pop(f"{package.__name__}.{name}", None)
                if hasattr(package, name):
                    delattr(package, name)


@dataclass(frozen=True)
class Shown:
    """A film and what was said while it was made."""

    film: render.Film
    events: list[Event]

    @property
    def path(self) -> Path:
        return self.film.path

    @property
    def made(self) -> dict[str, list[int]]:
        """The scenes of the parts that were really made, by stage."""
        out: dict[str, list[int]] = defaultdict(list)
        for event in self.events:
            if isinstance(event, Made) and not event.reused:
                out[event.stage].append(event.scene)
        return {stage: sorted(scenes) for stage, scenes in out.items()}

    @property
    def warned(self) -> list[str]:
        return [event.message for event in self.events if isinstance(event, Warned)]

    @property
    def timeline(self) -> Any:
        return json.loads(self.path.with_suffix(".timeline.json").read_text("utf-8"))


def make(story: Story, studio: render.Studio, out: Path) -> Shown:
    """Render it."""
    events: list[Event] = []
    return Shown(render.render(story, studio, events.append, out), events)


def metadata(path: Path) -> tuple[dict[str, str], list[tuple[float, float, str]]]:
    """A film's tags, and its chapters: (start, end, name) in seconds."""
    said = b"".join(ffmpeg.read([*measure.MOV, path, "-f", "ffmetadata", "pipe:1"], 1 << 20)).decode()
    sections: list[dict[str, str]] = [{}]
    for line in said.replace("\\\\", "\0").replace("\\\n", " ").split("\n"):
        if line == "[CHAPTER]":
            sections.append({})
        elif found := re.match(r"((?:[^=\\]|\\.)+)=(.*)", line):
            sections[-1][found[1]] = re.sub(r"\\(.)", r"\1", found[2]).replace("\0", "\\")
    chapters = []
    for one in sections[1:]:
        over, under = (int(part) for part in one["TIMEBASE"].split("/"))
        chapters.append((int(one["START"]) * over / under, int(one["END"]) * over / under, one["title"]))
    return sections[0], chapters


def count(path: Path) -> int:
    """The pictures in a film."""
    return len(measure.times(path))


def tracks(path: Path) -> dict[str, bool]:
    """The film's tracks by kind (vide, soun, sbtl), and whether each is switched on."""
    found: dict[str, bool] = {}
    (moov,) = _boxes(path.read_bytes(), b"moov")
    for trak in _boxes(moov, b"trak"):
        (head,), (media,) = _boxes(trak, b"tkhd"), _boxes(trak, b"mdia")
        (handler,) = _boxes(media, b"hdlr")
        if handler[8:12] != b"text":  # the chapters' names
            found[handler[8:12].decode()] = bool(head[3] & 1)
    return found


def _boxes(data: bytes, kind: bytes) -> list[bytes]:
    """The bodies of an MP4's boxes of that kind."""
    found, at = [], 0
    while at + 8 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        if data[at + 4 : at + 8] == kind:
            found.append(data[at + 8 : at + size])
        at += max(size, 8)
    return found


def cues(text: str) -> list[tuple[float, float, str]]:
    """(start, end, text) of an SRT or VTT."""
    clock = r"(\d\d):(\d\d):(\d\d)[.,](\d{3})"
    out = []
    for block in re.split(r"\n\n+", text.strip()):
        if found := re.search(rf"{clock} --> {clock}\n(.*)", block, re.S):
            h, m, s, ms, h2, m2, s2, ms2 = (int(found[k]) for k in range(1, 9))
            out.append((h * 3600 + m * 60 + s + ms / 1000, h2 * 3600 + m2 * 60 + s2 + ms2 / 1000, found[9]))
    return out


def environment(data: Path) -> dict[str, str]:
    """For a process of its own: its folder, and no voice from the network."""
    unsigned = {"REELWRIGHT_MARKS": "watermark, tag"}  # a signature is another one each time
    return os.environ | {"REELWRIGHT_DATA": str(data), "REELWRIGHT_ONLINE_VOICES": "0"} | unsigned


def started(data: Path, *args: object, **more: Any) -> subprocess.Popen[str]:
    """The command line in a process of its own."""
    command = [sys.executable, "-m", "studio", *map(str, args)]
    piped = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL, "text": True}
    return subprocess.Popen(command, cwd=ROOT, **piped | {"env": environment(data)} | more)


def ran(data: Path, *args: object, **more: Any) -> subprocess.CompletedProcess[str]:
    """The same, waited for."""
    with started(data, *args, **more) as process:
        said, told = process.communicate(timeout=120)
    return subprocess.CompletedProcess(process.args, process.returncode, said, told)


def running(data: Path) -> list[str]:
    """The command lines of processes that were started, by whomever, for that folder."""
    sign = f"REELWRIGHT_DATA={data}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if sign in (folder / "environ").read_bytes().split(b"\0"):
                found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"))
        except OSError:  # gone meanwhile, or not ours
            continue
    return [command for command in found if command]  # a process that has ended has none


def gone(data: Path, patience: float = 3.0) -> list[str]:
    """What still runs after so many seconds at most."""
    until = time.monotonic() + patience
    while (left := running(data)) and time.monotonic() < until:
        time.sleep(0.02)
    return left
