"""What was measured as a page that people read. Measures nothing itself."""

from __future__ import annotations

import datetime
import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

NOTES = """\
- Each measurement of film B and the changes is a whole process, `python -m studio render STORY --pictures … --json`, from
  its start to its end; a cold one begins with an empty data folder. Nothing goes online: espeak-ng speaks, Bandstand plays.
  One round that is not measured comes first, so byte code and the disk's cache are warm for everybody.
- Film B: 6 photographs x 5 s, 1024x576, 24 fps, a move each (zoom in, zoom out, pan left, pan right, tilt up, tilt down),
  0.5 s crossfades, a sentence each, music in two moods, standard quality: {frames} frames.
- x264 alone: B's frames, decoded to a raw file beforehand, through the same settings, two threads as each of a
  film's stretches has, which are encoded side by side; a second row gives it as many threads as it likes (`{encoder}`). It
  draws, speaks, composes and mixes nothing.
- Rounds: film B, x264 alone, film B with captions in the picture, and the ffmpeg graphs take turns. Times are medians
  ({rounds} each) with the least and the most in brackets; CPU is the processor time of all processes. A ratio is one
  median by the other.
- The peers make no narration, music or captions: the finished film's sound is copied into theirs. Their pictures are
  first brought to the film's size (4 x: to four times that), zooms and pans are as large as ours, and the encoder has the same
  settings. zoompan moves in whole pixels of its input, so it jitters; ours is exact below a pixel.
- Sketched: film B with prompts in place of its photographs (the three of a text-to-video guide and three more), marks
  included, beside x264 alone on its own frames. A still is painted at 1280x720 for a film of 1024x576, twenty prompts, in a
  warm process.
- Fill: 4 s of 1280x720 at 48 a second, made of the photographs (a camera that moves and trembles, something near that
  passes, something small and fast, grain); every second picture is held back, and what is drawn in its place is
  compared with it (PSNR of the luma). minterpolate is ffmpeg's, `mi_mode=mci`, with the same encoder; its ratio is ours by its.
  Chain: its ratio is to x264 alone on its own frames.
- The 24 and more scenes are of the same kind, no two alike, and change their mood every three scenes. "Nothing changed" is the
  story read and rendered again and again in one process.
- Memory is the most that was ever resident (`ru_maxrss`), mapped files included. "Largest child" is the largest single
  process that it started (an encoder, the narrator, the picture opener); the system counts into it what our process held when
  it started it, so it is an upper bound.
"""


@dataclass(frozen=True, slots=True)
class Took:
    """Seconds on the clock, and seconds of all processors."""

    seconds: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. `met`: whether it is where it should be; None if nothing is asked."""

    what: str
    reach: str
    measured: str
    ratio: float | None
    met: bool | None = None

    def noting(self, more: str) -> Row:
        """The row with something more said about what was measured."""
        return replace(self, measured=f"{self.measured}, {more}")


def middle(took: Sequence[Took]) -> float:
    """The median of the seconds on the clock."""
    return statistics.median(one.seconds for one in took)


def spread(took: Sequence[Took]) -> str:
    """Median, least and most, and the processors' time."""
    seconds = [one.seconds for one in took]
    between = f" ({min(seconds):.1f} to {max(seconds):.1f})" if len(seconds) > 1 else ""
    return f"{middle(took):.2f} s{between}, CPU {statistics.median(one.cpu for one in took):.1f} s"


def beside(what: str, took: Sequence[Took], other: Sequence[Took], reach: float | None = None) -> Row:
    """How many times as long as the other it took; `reach` is the most that it should."""
    ratio = middle(took) / middle(other)
    wanted = f"<= {reach:g} x" if reach else ""
    return Row(what, wanted, spread(took), ratio, None if reach is None else ratio <= reach)


def machine(ffmpeg: str) -> str:
    """What was measured on, in words, and how busy it was before."""
    load = f"; load before the run {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    python = f"Python {platform.python_version()}"
    return f"{os.cpu_count()} cores, {_processor()}; {platform.system()}; {python}; ffmpeg {ffmpeg}{load}"


def _processor() -> str:
    known = Path("/proc/cpuinfo")
    lines = known.read_text("utf-8", "replace").splitlines() if known.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def table(rows: Sequence[Row]) -> str:
    """The rows in Markdown."""
    said = {None: "", True: "yes", False: "**no**"}
    head = ["| what | reach | measured | ratio | met |", "|---|---|---|---|---|"]
    return "\n".join([*head, *(f"| {row.what} | {row.reach} | {row.measured} | {_ratio(row.ratio)} | {said[row.met]} |" for row in rows)])


def _ratio(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.2f} x"


def text(rows: Sequence[Row], machine: str, rounds: int, frames: int, encoder: Sequence[str], quick: bool) -> str:
    """The whole page."""
    head = ["# Measured side by side", "", f"Written by `make bench` on {datetime.date.today()}: {machine}."]
    head += ["A quick run: 4 x supersampling, MoviePy and the 200 scenes are left out."] if quick else []
    notes = NOTES.format(encoder=" ".join(encoder), rounds=rounds, frames=frames)
    return "\n".join([*head, "", table(rows), "", "## How", notes])
