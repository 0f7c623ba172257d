"""Clips that are files: engines write them, or people bring them as videos. Each is made once, kept, and played into
the film at its size, rate and length.

Engines go side by side, each one shot after the other in the film's order. Knows no transition and no sound.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

from . import footage
from .album import Album
from .cast import Cast
from .clip import Clip, Filmed, Rush, filmed, played
from .darkroom import Negative
from .events import Began, Emit, Made, Warned
from .faults import Faults
from .plan import Shot
from .progress import Progress
from .shots import goes_on
from .stage import Studio
from .story import Story
from .vault import Notes
from .video import look
from .work import DiskFull, FilmError, Tick


class Rushes:
    """Use it in a `with`: shooting begins there, and what is still waiting at its end is let go."""

    def __init__(
        self, story: Story, roles: Cast, shots: Sequence[Shot], album: Album, studio: Studio, emit: Emit,
        progress: Progress, faults: Faults, sources: Mapping[int, footage.Source | FilmError],
    ) -> None:  # fmt: skip
        self._story, self._roles, self._shots, self._album = story, roles, shots, album
        self._sources = sources
        self._studio, self._emit, self._faults = studio, emit, faults
        engines = {i: role.engine for i, role in enumerate(roles.roles) if i not in roles.lacking and not live(studio, role.engine)}
        self._engines = engines
        self._ticks = {i: progress.tick("clips", story.scenes[i].scene_number, shots[i].frames) for i in engines}
        self._pools = {name: ThreadPoolExecutor(1) for name in dict.fromkeys(engines.values())}
        self._found: dict[int, Future[Rush | Filmed]] = {}

    def __enter__(self) -> Rushes:
        if self._engines:
            self._emit(Began("clips", len(self._engines)))
        for i, name in self._engines.items():
            self._found[i] = self._pools[name].submit(self._shoot, i)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for pool in self._pools.values():
            pool.shutdown(wait=False, cancel_futures=True)
        for pool in self._pools.values():
            pool.shutdown()

    def __contains__(self, i: int) -> bool:
        return i in self._engines

    def __getitem__(self, i: int) -> Rush | Filmed:
        """The clip of the scene at that position, when it is there; its fault if it cannot be had."""
        return self._found[i].result()

    def future(self, i: int) -> Future[Rush | Filmed]:
        """The same, to be waited for."""
        return self._found[i]

    def _shoot(self, i: int) -> Rush | Filmed:
        tick, number = self._ticks[i], self._story.scenes[i].scene_number
        tick(0.0)
        if i in self._sources:
            return self._film(i, number, tick)
        name = self._engines[i]
        engine = self._studio.crew.get("clips", name)
        before = self._before(i)
        try:
            picture = before or (self._album.png(i) if i in self._album else None)
            negative = before.stem if before else self._album[i].path.stem if i in self._album else ""
            shot = replace(self._shots[i], picture=picture)
            model = shot.model.content if shot.model else None
            recipe = [name, engine.version, model, negative, engine.recipe(shot)]
            part = self._studio.vault.make("clip", ".mp4", recipe, lambda out: self._take(engine, shot, out, tick))
        except DiskFull:
            raise
        except FilmError as error:
            raise self._faults.of(i, "engine", error) from error
        self._emit(Made("clips", number, str(part.path), part.reused))
        tick(1.0)
        frames, rate, width, height = (str(part.notes[key]) for key in ("frames", "rate", "width", "height"))
        return played(Clip(part.path, int(frames), Fraction(rate), int(width), int(height)), shot)

    def _before(self, i: int) -> Path | None:
        """The last picture of the shot that this one goes on from: one of the same scene, by the same engine."""
        if not goes_on(self._story, i) or self._engines.get(i - 1) != self._engines[i]:
            return None
        rush, last = self._found[i - 1].result(), self._shots[i - 1].frames - 1  # it is made: one after the other
        assert isinstance(rush, Rush)

        def build(out: Path) -> Notes:
            raw = out.with_suffix(".yuv")
            raw.write_bytes(next(iter(rush.frames(last, 1))).tobytes())
            wide, high = rush.frame.width, rush.frame.height
            Negative(raw, (wide, high), wide, high).save(out)
            return {}

        return self._studio.vault.make("still", ".png", [*rush.recipe, last], build).path
    def _film(self, i: int, number: int, tick: Tick) -> Rush | Filmed:
        """Somebody's own video."""
        shot, scene, source = self._shots[i], self._story.scenes[i], self._sources[i]
        if isinstance(source, FilmError):
            raise source  # told when it was looked at
        try:
            clip, part = footage.clip(source, shot.frames, shot.frame, scene.steady, self._studio.vault, tick)
        except DiskFull:
            raise
        except FilmError as error:
            raise self._faults.of(i, "image", error) from error
        if part.notes["damaged"]:
            said = f"scene {number}: the video is damaged in places; they may be seen."
            self._emit(Warned(said, "Save it anew, or choose another part with clip_start.", f"scenes[{i}].image"))
        self._emit(Made("clips", number, str(part.path), part.reused))
        return filmed(clip, shot)

    def _take(self, engine: Any, shot: Shot, out: Path, tick: Tick) -> Notes:
        """Have it made; nobody sees it before its frames are counted."""
        told: Notes = engine.shoot(shot, out, tick)
        try:
            seen = look(out, out.parent, "made")
        except FilmError as error:
            raise FilmError(f"The clip that {engine.label} made cannot be read.", "Run it again, or choose another engine.") from error
        if (said := told.get("frames", seen.frames)) != seen.frames:
            raise FilmError(f"The clip that {engine.label} made has {seen.frames} frames, not {said}.", "Run it again, or choose another engine.")
        return told | {"frames": seen.frames, "rate": str(seen.rate), "width": seen.width, "height": seen.height}


def live(studio: Studio, engine: str) -> bool:
    """Whether that clip engine draws its frames when they are asked for; nobody ("") draws no video."""
    return bool(engine and getattr(studio.crew.get("clips", engine), "live", False))
