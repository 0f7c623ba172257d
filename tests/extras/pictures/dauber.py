"""A painter of one colour: red where the prompt says so, else blue."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from pipelines.plan import Brief
from pipelines.vault import Notes
from pipelines.work import FilmError, Tick


class Engine:
    """See crew.Painter. A prompt with "fail" in it does; one with "hard" in it costs some trouble."""

    label = "The dauber of walls"
    version = 1
    rank = 1
    online = False

    def __init__(self, *, lack: str | None = None) -> None:
        self.lack = lack
        self.painted: list[str] = []

    def missing(self) -> str | None:
        return self.lack

    def recipe(self, brief: Brief) -> object:
        return ["red" in brief.prompt, brief.frame.width, brief.frame.height]

    def paint(self, brief: Brief, out: Path, tick: Tick) -> Notes:
        self.painted.append(brief.prompt)
        if "fail" in brief.prompt:
            raise FilmError("The brush is lost.", "Buy one.")
        tick(0.5)
        colour = (200, 30, 30) if "red" in brief.prompt else (30, 30, 200)
        Image.new("RGB", (brief.frame.width, brief.frame.height), colour).save(out)
        return {"strokes": 1} | ({"memory": "ran out once", "retried": "float32"} if "hard" in brief.prompt else {})
