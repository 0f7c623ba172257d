"""What nobody wants any more ends, whatever it is at: a program that makes no progress, too, and no verb goes on."""

from __future__ import annotations

import os
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipelines import ffmpeg
from pipelines.render import Studio
from pipelines.verbs.table import VERBS, asked
from pipelines.work import Cancelled

from . import measure

ENDLESS = ["-re", "-f", "lavfi", "-i", "anullsrc", "-t", "40", "-f"]  # or as good as that
HOW: dict[str, dict[str, Any]] = {
    "extend": {"seconds": 1}, "fill": {"slow": 2}, "blend": {"seconds": 0.5}, "loop": {"seam": "short"}, "recut": {"keep": "0-0.5"},
    "edit": {"speed": 2, "steady": True},
}  # fmt: skip


def children() -> list[str]:
    """The programs that we started and that still run."""
    found = []
    for task in Path(f"/proc/{os.getpid()}/task").iterdir():
        for child in (task / "children").read_text().split():
            found.append(Path(f"/proc/{child}/cmdline").read_text().split("\0")[0])
    return [name for name in found if "ffmpeg" in name]


@pytest.mark.parametrize("way", ["run", "read", "said"])
def test_a_program_that_would_never_end_is_ended(way: str) -> None:
    turns = count()
    with ffmpeg.while_wanted(lambda: next(turns) < 2), pytest.raises(Cancelled):
        match way:
            case "run":
                ffmpeg.run([*ENDLESS, "null", "-"])
            case "read":
                list(ffmpeg.read([*ENDLESS, "s16le", "pipe:1"], 1 << 30))
            case _:
                ffmpeg.said([*ENDLESS, "null", "-"])
    assert not children()
    ffmpeg.run(["-f", "lavfi", "-i", "anullsrc", "-t", "0.1", "-f", "null", "-"])


def test_a_program_that_waits_for_us_is_ended() -> None:
    turns = count()

    def blocks() -> Any:
        for _ in range(80):
            yield bytes(48_000)

    with ffmpeg.while_wanted(lambda: next(turns) < 3), pytest.raises(Cancelled):
        ffmpeg.write(["-re", "-f", "s16le", "-ar", 48_000, "-ac", 1, "-i", "pipe:0", "-f", "null", "-"], blocks())
    assert not children()


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_hears_it_between_its_events(verb: str, tmp_path: Path, studio: Studio) -> None:
    """Its tick only listens, so nothing but the question ends it."""
    dice = np.random.default_rng(1)
    pictures = [dice.integers(0, 255, (8, 12, 3), np.uint8).repeat(8, 0).repeat(8, 1) for _ in range(24)]
    given = measure.video(tmp_path / "given.mp4", pictures, 12, tone=300)
    told: list[float] = []
    does, how = asked(verb, HOW[verb])
    out = tmp_path / "out.mp4"
    with ffmpeg.while_wanted(lambda: not told), pytest.raises(Cancelled):
        does.does([given] * does.videos, how, studio, out, told.append)
    assert told and not out.exists() and not children()
