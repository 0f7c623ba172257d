"""Measures models at their real size with random weights on a GPU, and writes RESULTS-GPU.md.

Under ten minutes, and no network. Results are written after each row, each case in a part of its own: what is cut off
keeps its rows, and another run with `--rest` makes the cases that are lacking. `--only NAME` takes some of them. It
needs torch, transformers, diffusers, pydantic, safetensors, Pillow and OpenCV, nothing else of Reelwright's; films are
encoded where there is an ffmpeg. `--join FILE` puts the parts of such files together, without a GPU.

`--tiny` goes the same ways at toy size on the CPU, measures nothing of use and writes nothing but what `--out` asks for:
it shows that this runs. Random weights say how long, how much memory and how exact; nothing about beauty.
"""

from __future__ import annotations

import argparse
import datetime
import importlib
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import torch  # noqa: E402

from pipelines.gear import gpu  # noqa: E402

NAME = "RESULTS-GPU.md"
HEAD = "# Measured on a GPU\n\nWritten by `make bench-gpu`. Random weights of the published sizes; medians of three after a first run, where nothing else is said.\n"
DONE = "Whole, in"
CASES = {
    "svd": "gpu_models:svd", "svd-film": "gpu_film:film", "musicgen": "gpu_music:musicgen", "wan": "gpu_models:wan",
    "open-sora-256": "gpu_open_sora:o256", "open-sora-24gb": "gpu_open_sora:cap", "open-sora-768": "gpu_open_sora:o768",
    "svd-autotuned": "gpu_models:autotuned",
}  # fmt: skip
"""In the order of their worth, should there be no time for all: module and function. Each yields what, reach, measured,
and whether it was met."""
WITHIN = 540.0  # seconds after which no further row is begun

Told = tuple[str, str, str, bool | None]


@dataclass(frozen=True)
class Place:
    """What is measured on. kept: what cases make for one another."""

    device: torch.device
    tiny: bool
    kept: dict[str, Any] = field(default_factory=dict)

    @property
    def kind(self) -> torch.dtype:
        return torch.float32 if self.tiny else torch.bfloat16

    def wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def emptied(self) -> None:
        """Give back what nobody holds any more."""
        gpu.emptied()

    def took(self, work: Callable[[], Any]) -> float:
        """Seconds on the clock, with all that the device was asked for."""
        self.wait()
        start = time.perf_counter()
        work()
        self.wait()
        return time.perf_counter() - start

    def median(self, work: Callable[[], Any], times: int = 3, warm: Callable[[], Any] | None = None) -> tuple[float, str]:
        """The median of `times` after one that is not counted, and how it is told. warm: a shorter one of the same
        shapes, for the first."""
        first = self.took(warm or work)
        every = [first] if self.tiny else [self.took(work) for _ in range(times)]
        middle = statistics.median(every)
        return middle, f"{middle:.3g} s ({min(every):.3g} to {max(every):.3g}; the first, with compiling, {first:.3g})"


def told_by(name: str, place: Place) -> Iterator[Told]:
    """A case's rows; a last one where something stopped it."""
    module, function = CASES[name].split(":")
    try:
        yield from getattr(importlib.import_module(f"tests.bench.{module}"), function)(place)
    except Exception as error:  # whatever stops a case stops no other, and is told
        yield "stopped", "", f"{type(error).__name__}: {' '.join(str(error).split())[:300]}", False


@dataclass
class Report:
    """The results, a part for each case."""

    parts: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, *files: Path) -> Report:
        """What some files hold; the later ones' parts instead of the earlier ones', unless those were whole."""
        made = cls()
        for file in files:
            for text in (file.read_text("utf-8") if file.is_file() else "").split("\n## ")[1:]:
                name, _, rest = text.partition("\n")
                if name not in made.parts or DONE in rest or not made.whole(name):
                    made.parts[name] = rest.strip()
        return made

    def whole(self, name: str) -> bool:
        return DONE in self.parts.get(name, "")

    def write(self, folder: Path | None) -> None:
        if folder:
            order = [name for name in CASES if name in self.parts]
            made = folder / f"{NAME}.new"
            made.write_text("\n".join([HEAD, *(f"## {name}\n\n{self.parts[name]}\n" for name in order)]), "utf-8")
            made.replace(folder / NAME)


def table(rows: Sequence[Told]) -> str:
    met = {True: "yes", False: "**no**", None: ""}
    lines = ["| " + " | ".join([*(cell.replace("|", "/") for cell in row[:3]), met[row[3]]]) + " |" for row in rows]
    return "\n".join(["| what | reach | measured | met |", "|---|---|---|---|", *lines])


def machine(place: Place) -> str:
    """What it ran on, in a line."""
    there = "the CPU, at toy size: no numbers of use" if place.tiny else f"{torch.cuda.get_device_name(0)}, CUDA {torch.version.cuda}"
    return f"{there}, torch {torch.__version__}, Python {platform.python_version()}, {datetime.date.today()}."


def measure(place: Place, names: Sequence[str], report: Report, folder: Path | None, within: float) -> None:
    """Every row is written when it is there."""
    start = time.perf_counter()
    for name in names:
        begun, rows, over = time.perf_counter(), list[Told](), False
        if begun - start > within:
            print(f"{name}: no time was left for it; --rest makes it")
            continue
        for row in told_by(name, place):
            rows.append(row)
            print(f"{name}: {row[0]}: {row[2]}", flush=True)
            over = time.perf_counter() - start > within
            report.parts[name] = f"{machine(place)} Not whole.\n\n{table(rows)}"
            report.write(folder)
            if over:
                break
        stopped = over or (rows and rows[-1][0] == "stopped")
        took = f"{time.perf_counter() - begun:.0f} s"
        report.parts[name] = f"{machine(place)} {'Cut off after' if stopped else DONE} {took}.\n\n{table(rows)}"
        report.write(folder)
        place.emptied()


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tiny", action="store_true", help="toy size on the CPU")
    parser.add_argument("--only", nargs="+", choices=CASES, help="these cases, in this order")
    parser.add_argument("--rest", action="store_true", help="those that are not whole in the results")
    parser.add_argument("--within", type=float, default=WITHIN, help="seconds after which no further row is begun")
    parser.add_argument("--out", type=Path, help=f"the folder for {NAME}; else beside this file")
    parser.add_argument("--join", nargs="+", type=Path, help="measure nothing: put these files' parts together")
    told = parser.parse_args(argv)
    here = Path(__file__).parent
    folder = told.out or (None if told.tiny else here)
    report = Report.of(*([] if told.tiny or told.join else [here / NAME]), *([folder / NAME] if folder else []), *(told.join or ()))
    if told.join:
        report.write(folder)
        return 0
    if not told.tiny and not torch.cuda.is_available():
        print("No GPU is seen here: nothing was measured. --tiny goes the same ways on the CPU.")
        return 1
    place = Place(torch.device("cpu" if told.tiny else "cuda:0"), told.tiny)
    names = [name for name in told.only or CASES if not (told.rest and report.whole(name))]
    with torch.inference_mode():
        measure(place, names, report, folder, told.within)
    return 0


if __name__ == "__main__":
    sys.exit(main())
