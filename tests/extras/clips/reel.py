"""A clip engine that writes a file: 24 frames of 96 x 64 at 12 a second, grey; frame k has the luma 40 + 7 k."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from pipelines import ffmpeg
from pipelines.plan import Shot
from pipelines.presets import Model
from pipelines.vault import Notes
from pipelines.work import FilmError, Tick

FRAMES, SIZE, RATE = 24, (96, 64), 12


class Engine:
    """See crew.ClipEngine. Prompts with "fail", "short" or "junk" in them come out so."""

    label = "A reel of greys"
    version = 1
    rank = 3
    online = False
    wants_picture = False

    def __init__(self, *, here: tuple[str, ...] = ("some/weights",)) -> None:
        self.here = here
        self.shot: list[str] = []
        self.at_once = 0

    def missing(self) -> str | None:
        return None

    def lacks(self, model: Model) -> str | None:
        return None if model.repo in self.here else f"Download {model.repo}."

    def recipe(self, shot: Shot) -> object:
        return [shot.prompt, shot.seed]

    def shoot(self, shot: Shot, out: Path, tick: Tick) -> Notes:
        self.at_once += 1
        assert self.at_once == 1, "one at a time"
        self.shot.append(shot.prompt)
        try:
            return self._shoot(shot, out, tick)
        finally:
            self.at_once -= 1

    def _shoot(self, shot: Shot, out: Path, tick: Tick) -> Notes:
        if "fail" in shot.prompt:
            raise FilmError("The reel is torn.", "Splice it.")
        if "junk" in shot.prompt:
            out.write_bytes(b"no film at all")
            return {}
        width, height = SIZE
        red = 128
        if shot.picture:
            with Image.open(shot.picture) as image:
                assert image.format == "PNG" and image.mode == "RGB"
                red = int(np.asarray(image)[..., 0].mean())
        if shot.model:
            red = int(str(shot.model.options.get("red", red)))

        def pictures():  # type: ignore[no-untyped-def]
            for k in range(FRAMES):
                tick(k / FRAMES)
                planes = np.full(width * height * 3 // 2, 128, np.uint8)
                planes[: width * height] = 40 + 7 * k
                planes[width * height * 5 // 4 :] = red
                yield planes.data

        tags = ["-color_range", "tv", "-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709"]
        given = ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{width}x{height}", "-r", str(RATE), *tags, "-i", "pipe:0"]
        ffmpeg.write([*given, "-c:v", "libx264", "-crf", "4", *tags, "-f", "mp4", str(out)], pictures())
        return {"frames": FRAMES + ("short" in shot.prompt), "took": 0.5}
