"""One picture, one unbroken camera path of any length: what `chain` makes. Knows no narration and no music.

The camera engine carries a move on by itself: the whole path is planned at once and its segments are slices of it,
so no frame at a joint is doubled and none is encoded from an encoded one. Each segment is a part: a run that was
stopped goes on where it was.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from . import ffmpeg, film, sound, watermark
from .account import source_of
from .album import DENSE
from .darkroom import Darkroom, negative
from .deliver import check_place
from .marks import MIXED, Account, Deed, Given
from .moves import Camera, Step, read
from .plan import Frame, Shot, lengths
from .seal import placed
from .stage import Studio
from .vault import Notes, Part, disk
from .work import FilmError, Tick, part

LONGEST = 3600.0


def segments(total: float, segment: float) -> list[float]:
    """The lengths of a chain's segments, in seconds; the last takes what is left."""
    out: list[float] = []
    while total - sum(out) > 1e-6:
        out.append(min(segment, total - sum(out)))
    return out


def chain(
    prompts: Sequence[str], picture: Path, seconds: Sequence[float], frame: Frame, engine: str, seed: int, look: str,
    studio: Studio, out: Path, tick: Tick,
) -> None:
    """Make the film at `out`. `prompts`: one for each segment, or one for all; their camera words move the camera."""
    check_place(out)
    name = "camera" if engine == "auto" else engine
    live = studio.crew.ready("clips", name)
    if not getattr(live, "live", False):
        raise FilmError(f"{live.label} does not chain yet.", "Use --engine camera.")
    frames = lengths([(one, True) for one in seconds], frame)
    whole = sum(frames)
    said = [prompts[min(i, len(prompts) - 1)] for i in range(len(frames))]
    camera = _camera(said, frames, studio, seed)
    darkroom = Darkroom()
    try:
        seen = negative(darkroom.develop(picture, (frame.width * DENSE, frame.height * DENSE), studio.vault))
    finally:
        darkroom.close()
    shot = Shot(" / ".join(prompts), seen.path, camera, whole, frame, "cover", seed)
    quality = studio.presets.pick("qualities", "standard")
    grade = studio.presets.pick("looks", look)
    spans: list[Part] = []
    first = 0
    for count in frames:
        told = film.stretch_args(frame, quality, film.picture_filter(frame, "", count, grade, False), False, count)
        share = part(tick, first / whole, (first + count) / whole)

        def build(made: Path, start: int = first, count: int = count, told: list[str] = told, share: Tick = share) -> Notes:
            footage = live.footage(shot, seen)
            inked = watermark.Inked(footage, frame.width, frame.height) if studio.marks.watermark else footage
            clips = [(inked, start)]
            film.encode([*told, str(made)], clips, count, frame, "", studio.fonts, made, share)
            return {"frames": count}

        recipe = [told, seen.path.stem, live.recipe(shot), first, ffmpeg.version()]
        recipe += [{"watermark": watermark.VERSION}] if studio.marks.watermark else []
        spans.append(studio.vault.make("span", ".mp4", recipe, build))
        first += count
        tick(first / whole)
    samples = round(whole / frame.rate * sound.RATE)
    silent = studio.vault.make(
        "sound", ".m4a", ["silence", sound.VERSION, samples], lambda made: sound.render(sound.Mix(samples, (), None, 0.0), made, tick)
    )
    told_json = json.dumps({"prompts": list(prompts), "engines": {"clips": live.label}, "seed": seed}, ensure_ascii=False)
    meta = film.metadata(prompts[0][:200], f"Made with Reelwright. clips: {live.label}", told_json, [])
    with disk(), studio.vault.scratch() as folder:
        made = folder / "film.mp4"
        film.join([one.path for one in spans], silent.path, meta, "", False, frame, whole, made, tick)
        deeds = (Deed("c2pa.placed", f"Picture moved by {live.label}", source_of(studio.crew, "clips", name), 0),)
        placed(made, out, Account(prompts[0][:200], deeds[0].source or MIXED, {}, deeds, (Given(picture, "Picture"),)), studio.marks)


def _camera(prompts: Sequence[str], frames: Sequence[int], studio: Studio, seed: int) -> Camera:
    """Every segment's moves, one after the other, on one path."""
    steps: list[Step] = []
    whole, at = sum(frames), 0
    for i, (prompt, count) in enumerate(zip(prompts, frames, strict=True)):
        inner = read(prompt, 6.0, studio.presets.moves, seed + i).camera.steps
        for step in inner:
            start, end = (at + share * count for share in (step.start, step.end))
            steps.append(replace(step, start=start / whole, end=end / whole))
        at += count
    return Camera(tuple(steps))
