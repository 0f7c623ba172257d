"""A clip engine that makes all of a film's shots in one go, and may be had once on each of several devices.

A prompt may ask it to die: "die" as often as it is tried, "die once" the first time (beside `out` a file remembers). One
with "both" waits until two of its kind have come so far.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pipelines import ffmpeg
from pipelines.plan import Shot, Slate
from pipelines.vault import Notes
from pipelines.work import FilmError, Tick

FRAMES = 6


class Engine:
    """See crew.ClipEngine."""

    label = "One of several units"
    version = 1
    rank = 2
    online = False
    wants_picture = False
    spreads = True

    def __init__(self, *, device: str = "here", pause: float = 0.0, marks: str = "") -> None:
        self.device, self.pause, self.marks = device, pause, marks
        self.films = 0

    def missing(self) -> str | None:
        return None

    def recipe(self, shot: Shot) -> object:
        return [shot.prompt, shot.seed]

    def shoot(self, shot: Shot, out: Path, tick: Tick) -> Notes:
        told: list[Notes | FilmError] = []
        self.shoot_all([Slate(shot, out, tick, told.append)])
        if isinstance(told[0], FilmError):
            raise told[0]
        return told[0]

    def shoot_all(self, slates: Sequence[Slate]) -> None:
        self.films += 1
        for slate in slates:
            try:
                slate.kept(self._one(slate))
            except FilmError as error:
                slate.kept(error)

    def _one(self, slate: Slate) -> Notes:
        for step in range(10):
            slate.tick(step / 10)
            time.sleep(self.pause)
        if slate.show:
            slate.show(np.zeros((4, 6, 3), np.uint8))
        if "both" in slate.shot.prompt:
            (Path(self.marks) / f"here {self.device}").touch()
            while len(list(Path(self.marks).glob("here *"))) < 2:
                time.sleep(0.02)
        if "fail" in slate.shot.prompt:
            raise FilmError("This one is torn.", "Splice it.")
        mark = Path(self.marks) / slate.out.stem
        if "die" in slate.shot.prompt and not ("once" in slate.shot.prompt and mark.exists()):
            mark.touch()
            os._exit(7)
        grey = bytes(64 * 48) + bytes([128]) * (64 * 24)
        args = ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", "64x48", "-r", "12", "-i", "pipe:0"]
        ffmpeg.write([*args, "-c:v", "libx264", "-f", "mp4", str(slate.out)], [grey] * FRAMES)
        return {"frames": FRAMES, "device": self.device, "process": os.getpid(), "films": self.films}
