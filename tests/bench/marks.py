"""Measures the watermark: what it costs, how much it changes a picture, and what it outlives. Prints a table.

    PYTHONPATH=. python tests/bench/marks.py
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from pipelines import ffmpeg, film, watermark, watermark_reader
from pipelines.plan import Frame
from pipelines.presets import read as read_presets
from pipelines.render import render
from pipelines.story import read
from studio import settings

ROOT = Path(__file__).resolve().parents[2]
STILLS = ("snow-lake", "forest-brook", "dandelion-meadow", "tea-hills", "green-heron", "sea-sunset")
MOVES = ("zoom in", "pan left", "zoom out", "pan right", "tilt up", "orbit")
PROMPTS = ("a lighthouse on a cliff in a storm at night", "a desert at noon with a camel")
FRAME = Frame(1024, 576, Fraction(24))
HOW = {
    "as delivered": ("18", ""),
    "x264 again, crf 28": ("28", ""),
    "854 x 480, crf 28": ("28", "scale=854:480"),
    "half the size, crf 28": ("28", "scale=512:288"),
    "cropped to three fifths, crf 28": ("28", "crop=700:500:150:31"),
}


def drawn(folder: Path) -> list[Any]:
    """Unmarked frames: 60 of each scene, as the film draws them."""
    scenes: list[dict[str, Any]] = [{"image": f"{name}.jpg", "duration": 2.5, "clip_action": move} for name, move in zip(STILLS, MOVES, strict=True)]
    scenes += [{"prompt": prompt, "duration": 2.5, "clip_action": "zoom in"} for prompt in PROMPTS]
    os.environ |= {"REELWRIGHT_DATA": str(folder), "REELWRIGHT_MARKS": "none"}
    studio = settings.studio(settings.read())
    story = read({"scenes": scenes, "size": "1024x576", "transition": "none", "music": "none", "captions": "none", "quality": "master"}, studio.presets, ROOT / "assets" / "stills")
    render(story, studio, lambda event: None, folder / "film.mp4")
    studio.crew.close()
    raw = ffmpeg.read(["-f", "mov", "-i", folder / "film.mp4", "-f", "rawvideo", "-pix_fmt", "yuv420p", "pipe:1"], 1024 * 576 * 3 // 2)
    return [np.frombuffer(one, np.uint8).reshape(864, 1024) for one in raw]


class Given:
    """Footage of those frames."""

    def __init__(self, frames: list[Any]) -> None:
        self._frames = frames

    def frames(self, start: int, count: int) -> Iterator[Any]:
        yield from self._frames[start : start + count]


def coded(footage: Any, count: int, crf: str, how: str, out: Path) -> int:
    """-> bytes."""
    told = film.encoding(FRAME, read_presets(ROOT / "presets").pick("qualities", "standard"))
    told[told.index("-crf") + 1] = crf
    size = ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", "1024x576", "-r", "24", *film.TAGS, "-i", "pipe:0"]
    ffmpeg.write([*size, *(["-vf", how] if how else []), *told, "-f", "mp4", out], (one.reshape(-1).data for one in footage.frames(0, count)))
    return out.stat().st_size


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        frames = drawn(folder)
        plain, inked = Given(frames), watermark.Inked(Given(frames), 1024, 576)
        watermark.planes(1024, 576)
        off = 0.0
        for before, after in zip(frames, inked.frames(0, len(frames)), strict=True):
            off += float(((before[:576].astype(np.float32) - after[:576]) ** 2).mean())
        start = time.process_time()
        for _ in inked.frames(0, len(frames)):
            pass
        spent = time.process_time() - start
        print(f"{len(frames)} frames; PSNR {10 * np.log10(255**2 * len(frames) / off):.1f} dB; {spent / len(frames) * 1000:.2f} ms a frame")
        for crf in ("18", "28"):
            sizes = [coded(one, len(frames), crf, "", folder / "size.mp4") for one in (plain, inked)]
            print(f"crf {crf}: {sizes[1] / sizes[0]:.3f} times the bytes")
        print("| the film | stands out | wrong bits of 32 |\n|---|---|---|")
        for what, (crf, how) in HOW.items():
            for label, footage in (("", inked), *((("unmarked, ", plain),) if how == "" else ())):
                coded(footage, len(frames), crf, how, folder / "out.mp4")
                with tempfile.TemporaryDirectory() as place:
                    found = watermark_reader.of_video(folder / "out.mp4", Path(place))
                print(f"| {label}{what} | {found.stands_out:g}{'' if found.found else ': not found'} | {found.wrong} |", flush=True)


if __name__ == "__main__":
    main()
