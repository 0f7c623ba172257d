"""Measures the command line beside x264 alone, ffmpeg's own filters and MoviePy, in one run, and writes RESULTS.md.

What is told are ratios. Nothing here fails for being slow: only a film that comes out wrong ends the run.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from typing import Any

import peers
import report
import sketches
import stories
import verbs
from report import Row, Took

from pipelines import ffmpeg, film, mp4
from pipelines.plan import Frame
from pipelines.presets import read as read_presets

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
STILLS = ROOT / "assets" / "stills"
MEGA = 1e6
GAVE_UP = 900.0  # seconds after which MoviePy is stopped
CHANGED, MANY, FEWER = 24, 200, 50  # scenes


@dataclass(frozen=True, slots=True)
class Run:
    """One command: what it took, its children's processor time too, and what it said."""

    took: Took
    said: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run of the bench works."""

    folder: Path

    def story(self, told: dict[str, Any]) -> Path:
        """The story in a file."""
        path = self.folder / "story.json"
        path.write_text(json.dumps(told), "utf-8")
        return path

    def data(self, name: str) -> Path:
        """An empty folder for finished parts."""
        path = self.folder / f"data-{name}"
        shutil.rmtree(path, ignore_errors=True)
        return path


def timed(command: Sequence[str], cwd: Path, data: Path | None = None, limit: float | None = None) -> Run:
    """Run it to its end. No setting of the person at the machine reaches it; nothing goes online."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("REELWRIGHT_")}
    ours = {"PYTHONPATH": str(ROOT), "REELWRIGHT_ONLINE_VOICES": "0", "FFMPEG_BINARY": ffmpeg.binary()}
    ours["PYTHONDONTWRITEBYTECODE"] = ""  # what Python compiled it keeps, as it does wherever nobody forbids it
    if data:
        ours["REELWRIGHT_DATA"] = str(data)
    before, start = getrusage(RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, cwd=cwd, env=kept | ours, stdout=subprocess.PIPE, text=True, check=True, timeout=limit)
    seconds, after = time.perf_counter() - start, getrusage(RUSAGE_CHILDREN)
    return Run(Took(seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime), done.stdout)


def rendered(place: Place, told: dict[str, Any], captions: str, data: Path, out: Path) -> tuple[Took, int]:
    """The command line makes a film. -> what it took, and how many parts it made."""
    story = place.story(told)
    words = ["render", str(story), "--pictures", str(STILLS), "--captions", captions, "--json", "-o", str(out)]
    run = timed([sys.executable, "-m", "studio", *words], place.folder, data)
    events = [json.loads(line) for line in run.said.splitlines()]
    if lengthened := [event["message"] for event in events if event["event"] == "warned" and " lasts " in event["message"]]:
        raise SystemExit(f"The film is not the one to be measured: {lengthened[0]}")
    checked(out, len(told["scenes"]))
    return run.took, sum(event["event"] == "made" and not event["reused"] for event in events)


def checked(path: Path, scenes: int) -> None:
    """A film with too few or too many frames is not compared."""
    if (found := mp4.count(path)) != (wanted := stories.frames(scenes)):
        raise SystemExit(f"{path.name} has {found} frames, not {wanted}.")


def settings() -> list[str]:
    """The film's own settings of x264."""
    quality = read_presets(ROOT / "presets").pick("qualities", "standard")
    return film.encoding(Frame(stories.WIDTH, stories.HEIGHT, Fraction(stories.FPS)), quality)


def encoder() -> list[str]:
    """The same, but with as many threads as it likes."""
    told = settings()
    at = told.index("-threads")
    return told[:at] + told[at + 2 :]


def x264_args(raw: Path, out: Path, how: list[str]) -> list[str]:
    """x264 and nothing else: raw frames from a file."""
    size = f"{stories.WIDTH}x{stories.HEIGHT}"
    shape = ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", size, "-r", str(stories.FPS), *film.TAGS, "-i", str(raw)]
    return [*shape, *how, "-f", "mp4", str(out)]


def side_by_side(place: Place, rounds: int, quick: bool) -> list[Row]:
    """Film B, x264 alone and the peers, in turn, so that what disturbs one disturbs the others too."""
    said = stories.story(len(stories.PICTURES))
    made, raw, other = place.folder / "b.mp4", place.folder / "b.yuv", place.folder / "other.mp4"
    rendered(place, said, "sidecar", place.data("b"), made)  # unmeasured: byte code and disk caches are warm for all
    subprocess.run(ffmpeg.command(["-f", "mov", "-i", made, "-f", "rawvideo", "-pix_fmt", "yuv420p", raw]), check=True)

    def graph(supersampling: int) -> Took:
        took = timed(ffmpeg.command(peers.graph_args(STILLS, made, encoder(), supersampling, other)), place.folder).took
        checked(other, len(stories.PICTURES))
        return took

    took: dict[str, list[Took]] = {name: [] for name in ("b", "burned", "x264", "free", "graph", "graph4")}
    for _ in range(rounds):
        took["b"].append(rendered(place, said, "sidecar", place.data("b"), place.folder / "again.mp4")[0])
        took["x264"].append(timed(ffmpeg.command(x264_args(raw, other, settings())), place.folder).took)
        took["free"].append(timed(ffmpeg.command(x264_args(raw, other, encoder())), place.folder).took)
        took["burned"].append(rendered(place, said, "both", place.data("burned"), place.folder / "burned.mp4")[0])
        took["graph"].append(graph(1))
        if not quick:
            took["graph4"].append(graph(4))
    alone = took["x264"]
    rows = [
        Row("x264 alone, on B's own frames, with the same settings", "", report.spread(alone), 1.0),
        report.beside("the same with as many threads as it likes", took["free"], alone),
        report.beside("film B, cold, captions beside it", took["b"], alone, 1.6),
        report.beside("film B, cold, captions in the picture too", took["burned"], alone, 1.9),
        report.beside("one ffmpeg graph: zoompan + xfade", took["graph"], alone),
    ]
    if quick:
        return rows
    rows.append(report.beside("the same at 4 x supersampling", took["graph4"], alone))
    raw.unlink()
    return [*rows, moviepy(place, made, alone)]


def moviepy(place: Place, sound: Path, alone: Sequence[Took]) -> Row:
    """MoviePy once: it takes minutes."""
    name, out = "MoviePy 2 (once)", place.folder / "moviepy.mp4"
    python = peers.moviepy(place.folder / "moviepy")
    if python is None:
        return Row(name, "", "could not be installed here", None)
    try:
        run = timed(peers.moviepy_command(python, STILLS, sound, encoder(), out), place.folder, limit=GAVE_UP)
    except subprocess.TimeoutExpired:
        least = GAVE_UP / statistics.median(one.seconds for one in alone)
        return Row(name, "", f"stopped after {GAVE_UP:.0f} s, more than {least:.0f} x", None)
    except subprocess.CalledProcessError as error:
        return Row(name, "", f"ended with exit status {error.returncode}", None)
    row, found = report.beside(name, [run.took], alone), mp4.count(out)
    return row if found == stories.frames(len(stories.PICTURES)) else row.noting(f"{found} frames")


def changes(place: Place, rounds: int) -> list[Row]:
    """A film of 24 scenes, made once; then one line, one move, and nothing changed in it."""
    data, out = place.data("changes"), place.folder / "changes.mp4"
    cold, parts = rendered(place, stories.story(CHANGED), "sidecar", data, out)
    rows = [Row(f"{CHANGED} such scenes, cold", "", f"{report.spread([cold])}, {parts} parts", 1.0)]
    lines, moves = [], []
    for k in range(rounds):
        line = {7 + k: f"Number {k + 8} says something else."}
        move = {11 + k: "drift"}
        lines.append(rendered(place, stories.story(CHANGED, lines=line), "sidecar", data, out))
        moves.append(rendered(place, stories.story(CHANGED, moves=move), "sidecar", data, out))
    for name, again in (("narration", lines), ("move", moves)):
        took = report.beside(f"one {name} of the {CHANGED} changed", [one for one, _ in again], [cold], 0.15)
        rows.append(took.noting(f"{again[-1][1]} parts"))
    said = many(place, stories.story(CHANGED), data, 4)
    seconds = said["seconds"][1:]
    shown = f"{statistics.median(seconds):.2f} s ({min(seconds):.2f} to {max(seconds):.2f}), {sum(said['made'][1:])} parts"
    rows.append(Row(f"nothing changed in the {CHANGED}, warm process", "<= 1.0 s", shown, None, max(seconds) <= 1.0))
    return rows


def many(place: Place, told: dict[str, Any], data: Path, times: int) -> dict[str, Any]:
    """What once.py says of rendering a story `times` times in one process."""
    out = place.folder / "many.mp4"
    words = [str(place.story(told)), str(STILLS), str(out), str(times)]
    run = timed([sys.executable, str(HERE / "once.py"), *words], place.folder, data)
    checked(out, len(told["scenes"]))
    found: dict[str, Any] = json.loads(run.said)
    return found


def memory(place: Place) -> list[Row]:
    """Peak memory of our process for 50 and for 200 scenes."""
    rows, peaks = [], []
    for count in (FEWER, MANY):
        said = many(place, stories.story(count), place.data("memory"), 1)
        own, child = said["own"] / MEGA, said["child"] / MEGA
        peaks.append(own)
        measured = f"{own:.0f} MB; largest child {child:.0f} MB; {said['seconds'][0]:.0f} s"
        if count == FEWER:
            rows.append(Row(f"{count} scenes, cold: peak memory of our process", "", measured, 1.0))
            continue
        met = own <= 500 and own <= peaks[0] * 1.15
        rows.append(Row(f"{count} scenes, cold: the same", "<= 500 MB, flat", measured, own / peaks[0], met))
    return rows


def over_videos(place: Place) -> list[Row]:
    """Fill beside minterpolate on the same footage, and a chain beside x264 alone on its own pictures."""
    data = place.data("verbs")

    def ours(half: Path, made: Path) -> float:
        return timed([sys.executable, "-m", "studio", "fill", str(half), "--fps", str(2 * verbs.RATE), "-o", str(made)], place.folder, data).took.seconds

    def theirs(half: Path, made: Path) -> float:
        told = ["-f", "mov", "-i", str(half), "-vf", f"minterpolate=fps={2 * verbs.RATE}:mi_mode=mci", *encoder(), "-f", "mp4", str(made)]
        return timed(ffmpeg.command(told), place.folder).took.seconds

    rows = []
    for (far, *_), (took, close, other, closeness) in zip(verbs.CLIPS, verbs.fill(STILLS, place.folder, ours, theirs), strict=True):
        measured = f"{took:.1f} s, {close:.1f} dB; minterpolate {other:.1f} s, {closeness:.1f} dB"
        reach, met = ">= 4 x faster, PSNR not below", other >= 4 * took and close >= closeness
        rows.append(Row(f"fill: twice the pictures, 720p, over {far}", reach, measured, took / other, met))
    made, raw, again = place.folder / "chain.mp4", place.folder / "chain.yuv", place.folder / "other.mp4"
    picture, size = str(STILLS / "snow-lake.jpg"), f"{stories.WIDTH}x{stories.HEIGHT}"
    words = ["chain", "slow pan right", "--input-image", picture, "--total-duration", "24", "--segment", "8", "--size", size, "-o", str(made)]
    chained = timed([sys.executable, "-m", "studio", *words], place.folder, data).took
    subprocess.run(ffmpeg.command(["-f", "mov", "-i", made, "-f", "rawvideo", "-pix_fmt", "yuv420p", raw]), check=True)
    alone = timed(ffmpeg.command(x264_args(raw, again, settings())), place.folder).took
    return [*rows, report.beside("chain: 3 x 8 s on one camera path", [chained], [alone])]


def prompted(place: Place, rounds: int) -> list[Row]:
    """A film like B, but drawn from prompts, beside x264 alone on its own frames; and how long one such picture takes."""
    said = stories.sketched(sketches.PROMPTS)
    made, raw, other = place.folder / "sketched.mp4", place.folder / "sketched.yuv", place.folder / "other.mp4"
    rendered(place, said, "sidecar", place.data("sketched"), made)
    subprocess.run(ffmpeg.command(["-f", "mov", "-i", made, "-f", "rawvideo", "-pix_fmt", "yuv420p", raw]), check=True)
    took: list[Took] = []
    alone: list[Took] = []
    for _ in range(rounds):
        took.append(rendered(place, said, "sidecar", place.data("sketched"), made)[0])
        alone.append(timed(ffmpeg.command(x264_args(raw, other, settings())), place.folder).took)
    raw.unlink()
    each = json.loads(timed([sys.executable, str(HERE / "sketches.py")], place.folder).said)["seconds"]
    shown = f"{statistics.median(each):.2f} s ({min(each):.2f} to {max(each):.2f}), {len(each)} prompts"
    return [
        report.beside("the same film from prompts, sketched, cold, to x264 alone on its own frames", took, alone, 1.9),
        Row("one sketch as a still", "<= 0.25 s", shown, None, max(each) <= 0.25),
    ]


def help_row(place: Place) -> Row:
    """How soon the command line answers; the first time is not counted."""
    script = Path(sys.executable).with_name("reelwright")
    command = [str(script), "--help"] if script.is_file() else [sys.executable, "-m", "studio", "--help"]
    took = [timed(command, place.folder).took for _ in range(6)][1:]
    middle = statistics.median(one.seconds for one in took)
    return Row("`reelwright --help`", "<= 0.5 s", f"{middle:.2f} s", None, middle <= 0.5)


def main() -> None:
    """Measure, print the table and write it down."""
    parser = argparse.ArgumentParser(description="Measure Reelwright beside x264 alone and its peers.")
    parser.add_argument("--quick", action="store_true", help="one round; no 4 x graph, no MoviePy, no 200 scenes; prints only")
    parser.add_argument("--rounds", type=int, default=0, help="how often each is measured (default: 3; --quick: 1)")
    parser.add_argument("-o", "--output", type=Path, help="where the results go (default: RESULTS.md beside this file)")
    args = parser.parse_args()
    rounds = args.rounds or (1 if args.quick else 3)
    machine = report.machine(ffmpeg.version())
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        place = Place(Path(name))
        rows = [help_row(place), *side_by_side(place, rounds, args.quick), *changes(place, rounds), *prompted(place, rounds), *over_videos(place)]
        if not args.quick:
            rows += memory(place)
    text = report.text(rows, machine, rounds, stories.frames(len(stories.PICTURES)), encoder(), args.quick)
    output = args.output or (None if args.quick else HERE / "RESULTS.md")
    if output:
        output.write_text(text, "utf-8")
    print(report.table(rows))


if __name__ == "__main__":
    main()
