"""A clip of any length in segments that carry on from each other: what `chain` makes. Knows no narration and no music.

An engine that draws its frames live carries a move on by itself: the whole path is planned at once and its segments are
slices of it, so no frame at a joint is doubled and none is encoded from an encoded one. Where it draws from prompts, one
drawing melts into the next under the same camera. An engine that writes files shoots each segment from the exact last
picture of the one before; that picture is not shown twice. Each segment is a part: a run that was stopped goes on where
it was.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import ffmpeg, film, sound, watermark
from .account import shot_account, source_of
from .album import DENSE
from .darkroom import Darkroom, Negative, negative
from .deliver import check_place
from .hands import Hands, over
from .moves import Camera, Step, read, said_in
from .path import ease
from .plan import Frame, Shot, lengths
from .seal import placed
from .stage import Studio
from .story import SEEDS
from .vault import Notes, Part, digest, disk
from .verbs.shooting import engine_of, shot_on
from .video import last_frame
from .work import ALONE, FilmError, Place, Tick, part

if TYPE_CHECKING:
    from .reel import Picture

LONGEST = 3600.0
MELTS = 0.8  # seconds in which what is drawn becomes what the next segment's prompt says


def segments(total: float, segment: float) -> list[float]:
    """The lengths of a chain's segments, in seconds; the last takes what is left."""
    out: list[float] = []
    while total - sum(out) > 1e-6:
        out.append(min(segment, total - sum(out)))
    return out


def chain(
    prompts: Sequence[str], picture: Path | None, seconds: Sequence[float], frame: Frame, engine: str, seed: int, look: str,
    studio: Studio, out: Path, tick: Tick, moves: Sequence[str] = (),
) -> None:
    """Make the film at `out`. `prompts`: one for each segment, or one for all. `moves`: how the camera moves in each, in
    words; without any, as the prompts say.

    `engine`: a clip engine's or a model's name; "auto" moves the camera over the picture, or draws without one.
    """
    check_place(out)
    asked = ("camera" if picture else "sketch") if engine == "auto" else engine
    model, maker = engine_of(studio, asked)
    named = studio.presets.models[model].engine if model else asked
    frames = lengths([(one, True) for one in seconds], frame)
    whole = sum(frames)
    said = [prompts[min(i, len(prompts) - 1)] for i in range(len(frames))]
    moved = [moves[min(i, len(moves) - 1)] if moves else said_in(one) or "auto" for i, one in enumerate(said)]
    told = _Links(said, moved, frames, frame, seed, look, studio)
    if picture is None and (studio.presets.models[model].wants_picture if model else maker.wants_picture):
        raise FilmError(f"{maker.label} needs a picture to begin with.", "Give one with --input-image FILE.")
    drawn = getattr(maker, "live", False)
    made_of = told.drawn(maker, picture, tick) if drawn else told.shot(model or engine, maker, picture, tick)
    samples = round(whole / frame.rate * sound.RATE)
    silent = studio.vault.make(
        "sound", ".m4a", ["silence", sound.VERSION, samples], lambda made: sound.render(sound.Mix(samples, (), None, 0.0), made, tick)
    )
    label = studio.presets.models[model].label if model else maker.label
    told_json = json.dumps({"prompts": list(prompts), "engines": {"clips": label}, "seed": seed}, ensure_ascii=False)
    meta = film.metadata(prompts[0][:200], f"Made with Reelwright. clips: {label}", told_json, [])
    with disk(), studio.vault.scratch() as folder:
        made = folder / "film.mp4"
        film.join([one.path for one in made_of], silent.path, meta, "", False, frame, whole, made, tick)
        placed(made, out, shot_account(prompts[0][:200], label, source_of(studio.crew, "clips", named), picture), studio.marks)


@dataclass(frozen=True, slots=True)
class _Links:
    """A chain's segments: what each is to show, how the camera moves, and how long."""

    prompts: Sequence[str]
    moves: Sequence[str]
    frames: Sequence[int]
    frame: Frame
    seed: int
    look: str
    studio: Studio

    def drawn(self, live: Any, picture: Path | None, tick: Tick) -> list[Part]:
        """Slices of one path, drawn as they are encoded, side by side."""
        seen, whole = self._opened(picture), sum(self.frames)
        camera = _camera(self.moves, self.frames, self.studio, self.seed)
        said = [" / ".join(dict.fromkeys(self.prompts))] * len(self.frames) if seen else self.prompts
        shots = [self._shot(prompt, seen.path if seen else None, camera, whole, self.seed) for prompt in said]
        told, tell = [0.0] * len(shots), threading.Lock()

        def link(i: int, first: int, place: Place) -> Part:
            def share(done: float) -> None:
                with tell:
                    told[i] = done * self.frames[i]
                    tick(sum(told) / whole)

            before = shots[i - 1] if i and said[i] != said[i - 1] else None
            length = min(round(MELTS * self.frame.rate), self.frames[i] // 2)

            def footage() -> film.Footage:
                own: film.Footage = live.footage(shots[i], seen)
                return _Melting(live.footage(before, seen), own, first, length) if before else own

            recipe = [seen.path.stem if seen else "", live.recipe(shots[i]), first, *([live.recipe(before), length] if before else [])]
            made = self._span(footage, first, self.frames[i], recipe, share, place)
            share(1.0)
            return made

        with Hands(self.studio.workers) as hands:
            begins = accumulate(self.frames, initial=0)
            works = [hands.add(partial(link, i, first)) for i, first in zip(range(len(shots)), begins, strict=False)]
            over(works, hands.stop)
        return [work.result() for work in works]

    def shot(self, named: str, engine: Any, picture: Path | None, tick: Tick) -> list[Part]:
        """Each from the exact last picture of the one before."""
        whole, first = sum(self.frames), 0
        spans: list[Part] = []
        with disk(), self.studio.vault.scratch() as folder:
            still: Path | None = None
            if seen := self._opened(picture):
                still = folder / "first.png"
                seen.save(still)
            for i, count in enumerate(self.frames):
                share = part(tick, first / whole, (first + count) / whole)
                camera = _camera([self.moves[i]], [count], self.studio, self.seed + i)
                shot = self._shot(self.prompts[i], still, camera, count, (self.seed + i) % SEEDS)
                footage = _Shown(self.studio, named, shot, still, share, 1 if i else 0)
                content = self.studio.presets.models[named].content if named in self.studio.presets.models else None
                recipe = [named, engine.version, content, digest(still) if still else "", engine.recipe(shot), i > 0]
                spans.append(self._span(partial(_same, footage), 0, count, recipe, share))
                first += count
                tick(first / whole)
                if first < whole:
                    still = folder / f"last{i}.png"
                    last_frame(spans[-1].path, still, self.studio.vault)
        return spans

    def _shot(self, prompt: str, picture: Path | None, camera: Camera, frames: int, seed: int) -> Shot:
        look = self.studio.presets.pick("looks", self.look)
        return Shot(prompt, picture, camera, frames, self.frame, "cover", seed, style=look.prompt, negative=look.negative)

    def _opened(self, picture: Path | None) -> Negative | None:
        if picture is None:
            return None
        darkroom = Darkroom()
        try:
            size = (self.frame.width * DENSE, self.frame.height * DENSE)
            return negative(darkroom.develop(picture, size, self.studio.vault))
        finally:
            darkroom.close()

    def _span(
        self, footage: Callable[[], film.Footage], first: int, count: int, recipe: list[Any], tick: Tick, place: Place = ALONE
    ) -> Part:
        quality, grade = self.studio.presets.pick("qualities", "standard"), self.studio.presets.pick("looks", self.look)
        graph = film.picture_filter(self.frame, "", count, grade, False)
        told = film.stretch_args(self.frame, quality, graph, False, count)

        def build(made: Path) -> Notes:
            film.encode([*told, str(made)], [(self._inked(footage()), first)], count, self.frame, "", self.studio.fonts, made, tick, place=place)
            return {"frames": count}

        mark = [{"watermark": watermark.VERSION}] if self.studio.marks.watermark else []
        return self.studio.vault.make("span", ".mp4", [told, *recipe, ffmpeg.version(), *mark], build)

    def _inked(self, footage: film.Footage) -> film.Footage:
        return watermark.Inked(footage, self.frame.width, self.frame.height) if self.studio.marks.watermark else footage


@dataclass(frozen=True, slots=True)
class _Melting:
    """One drawing that becomes another under the same camera, within `length` frames from `first` on."""

    old: film.Footage
    new: film.Footage
    first: int
    length: int

    def frames(self, start: int, count: int) -> Iterator[Picture]:
        """See film.Footage."""
        import cv2
        import numpy as np

        both = max(0, min(count, self.first + self.length - start))
        for k, (old, new) in enumerate(zip(self.old.frames(start, both), self.new.frames(start, both), strict=True)):
            share = ease((start - self.first + k + 1) / (self.length + 1))
            yield np.asarray(cv2.addWeighted(old, 1 - share, new, share, 0), np.uint8)
        yield from self.new.frames(start + both, count - both)


@dataclass(frozen=True, slots=True)
class _Shown:
    """What an engine shoots for one segment, as footage."""

    studio: Studio
    named: str
    shot: Shot
    still: Path | None
    tick: Tick
    doubled: int

    def frames(self, _start: int, _count: int) -> Iterator[Picture]:
        return shot_on(self.studio, self.named, self.shot, self.still, self.tick, self.doubled)


def _same(footage: _Shown) -> film.Footage:
    return footage


def _camera(moves: Sequence[str], frames: Sequence[int], studio: Studio, seed: int) -> Camera:
    """Every segment's moves, one after the other, on one path."""
    steps: list[Step] = []
    whole, at = sum(frames), 0
    for i, (move, count) in enumerate(zip(moves, frames, strict=True)):
        inner = read(move, 6.0, studio.presets.moves, seed + i).camera.steps
        for step in inner:
            start, end = (at + share * count for share in (step.start, step.end))
            steps.append(replace(step, start=start / whole, end=end / whole))
        at += count
    return Camera(tuple(steps))
