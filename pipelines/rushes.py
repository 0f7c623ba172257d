"""Clips that are files: engines write them, or people bring them as videos. Each is made once, kept, and played into
the film at its size, rate and length.

Engines go side by side, each one shot after the other in the film's order, or all of its shots in one go where it can.
Knows no transition and no sound.
"""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from . import footage
from .album import Album
from .cast import Cast
from .clip import Clip, Filmed, Rush, filmed, played, stands
from .darkroom import Negative
from .events import Began, Emit, Glimpse, Made, Warned, strained
from .faults import Faults
from .hands import Pool
from .plan import Shot, Slate
from .progress import Progress
from .shots import goes_on
from .stage import Studio
from .story import Story
from .vault import Notes, Part, disk, key
from .video import look
from .work import DiskFull, FilmError

if TYPE_CHECKING:
    from numpy import uint8
    from numpy.typing import NDArray

SEEN = 0.25  # seconds of a picture that stands still, from which it is said


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
        self._pools = {name: Pool(1) for name in dict.fromkeys(engines.values())}
        self._found: dict[int, Future[Rush | Filmed]] = {}
        self._last: dict[str, float] = {}  # when an engine's last clip was done

    def __enter__(self) -> Rushes:
        if self._engines:
            self._emit(Began("clips", len(self._engines)))
        self._found |= {i: Future() for i in self._engines}
        try:
            for name, pool in self._pools.items():
                places = [i for i, engine in self._engines.items() if engine == name]
                if name and (shoot_all := self._studio.crew.together(name)):
                    pool.submit(self._run, places, partial(self._all, name, places, shoot_all))
                else:
                    for i in places:
                        pool.submit(self._run, [i], partial(self._each, i))
        except BaseException:  # a signal: what has begun ends, or the program never would
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for pool in self._pools.values():
            pool.shutdown(wait=False, cancel_futures=True)
        for pool in self._pools.values():
            pool.shutdown()
        for one in self._found.values():
            one.cancel()

    def __contains__(self, i: int) -> bool:
        return i in self._engines

    def __getitem__(self, i: int) -> Rush | Filmed:
        """The clip of the scene at that position, when it is there; its fault if it cannot be had."""
        return self._found[i].result()

    def future(self, i: int) -> Future[Rush | Filmed]:
        """The same, to be waited for."""
        return self._found[i]

    def _run(self, places: Sequence[int], work: Callable[[], None]) -> None:
        """The work; whoever waits for one of those scenes does not wait for ever, whatever stops it."""
        try:
            work()
        except BaseException as error:
            for i in places:
                if not self._found[i].done():
                    self._found[i].set_exception(error)
            raise

    def _each(self, i: int) -> None:
        """One shot, by an engine that makes one at a time."""
        self._settled(i, lambda: self._shoot(i))

    def _all(self, name: str, places: Sequence[int], shoot_all: Callable[[Sequence[Slate]], None]) -> None:
        """All of an engine's shots in one go; then those that go on from one of them."""
        left = list(places)
        with ExitStack() as turn:
            while left:
                now = [i for i in left if not self._follows(i) or self._found[i - 1].done()]
                left = [i for i in left if i not in now]
                self._wave(name, now, shoot_all, turn)
                for i in now:
                    if not self._found[i].done():
                        lost = FilmError("The engine told nothing of this scene.", "Run it again, or choose another engine.")
                        self._settled(i, partial(_raised, self._faults.of(i, "engine", lost)))

    def _wave(self, name: str, places: Sequence[int], shoot_all: Callable[[Sequence[Slate]], None], turn: ExitStack) -> None:
        """Those that are there already are taken, and each that is made is kept as soon as it is whole. The engine takes
        its turn when all pictures are there, and has it until its last wave is over: that waits for nobody's picture."""
        engine = self._studio.crew.get("clips", name)
        first: dict[str, int] = {}
        asked: dict[int, tuple[Shot, object]] = {}
        for i in places:
            try:
                shot, recipe = self._asked(engine, name, i)
            except FilmError as error:
                self._settled(i, partial(_raised, error))
                continue
            known = key("clip", recipe)
            if part := self._studio.vault.find("clip", ".mp4", recipe):
                self._settled(i, partial(self._told, i, part, shot))
            elif known not in first:
                first[known], asked[i] = i, (shot, recipe)
            else:  # two scenes are the same clip: it is made once
                self._found[first[known]].add_done_callback(lambda _done, i=i, ask=(shot, recipe): self._same(i, *ask))  # type: ignore[misc]
        with disk(), self._studio.vault.scratch() as folder:
            slates = [
                Slate(shot, folder / f"{i}.mp4", self._ticks[i], partial(self._kept, engine, i, shot, recipe, folder / f"{i}.mp4"), partial(self._show, i))
                for i, (shot, recipe) in asked.items()
            ]  # fmt: skip
            if slates:
                turn.enter_context(self._studio.crew.turn(engine, slates[0].tick, together=True))
                self._last[engine.label] = time.monotonic()
                shoot_all(slates)

    def _kept(self, engine: Any, i: int, shot: Shot, recipe: object, made: Path, told: Notes | FilmError) -> None:
        def keep() -> Rush:
            if isinstance(told, FilmError):
                raise self._faults.of(i, "engine", told) from told

            def build(out: Path) -> Notes:
                os.replace(made, out)
                return self._seen(engine, out, told)

            return self._told(i, self._vaulted(i, recipe, build), shot)

        self._settled(i, keep)

    def _same(self, i: int, shot: Shot, recipe: object) -> None:
        def take() -> Rush:
            if part := self._studio.vault.find("clip", ".mp4", recipe):
                return self._told(i, part, shot)
            raise self._faults.of(i, "engine", FilmError("The same clip could not be made for an earlier scene."))

        self._settled(i, take)

    def _settled(self, i: int, work: Callable[[], Rush | Filmed]) -> None:
        """The scene's clip, or why there is none, for whoever waits for it."""
        try:
            made = work()
        except BaseException as error:
            if not self._found[i].done():
                self._found[i].set_exception(error)
            if not isinstance(error, Exception):
                raise
        else:
            self._found[i].set_result(made)

    def _shoot(self, i: int) -> Rush | Filmed:
        name = self._engines[i]
        if i in self._sources:
            self._ticks[i](0.0)
            return self._film(i)
        engine = self._studio.crew.get("clips", name)
        shot, recipe = self._asked(engine, name, i)
        try:

            def build(out: Path) -> Notes:
                with self._studio.crew.turn(engine, self._ticks[i]):
                    self._last[engine.label] = time.monotonic()
                    return self._seen(engine, out, engine.shoot(shot, out, self._ticks[i]))

            part = self._vaulted(i, recipe, build)
        except DiskFull:
            raise
        except FilmError as error:
            if error in self._faults:
                raise
            raise self._faults.of(i, "engine", error) from error
        return self._told(i, part, shot)

    def _asked(self, engine: Any, name: str, i: int) -> tuple[Shot, object]:
        """What the engine is asked for, and the recipe of it; the scene's fault if it cannot be."""
        self._ticks[i](0.0)
        before = self._before(i)
        try:
            picture = before or (self._album.png(i) if i in self._album else None)
            negative = before.stem if before else self._album[i].path.stem if i in self._album else ""
            shot = replace(self._shots[i], picture=picture)
            return shot, [name, engine.version, shot.model.content if shot.model else None, negative, engine.recipe(shot)]
        except DiskFull:
            raise
        except FilmError as error:
            raise self._faults.of(i, "engine", error) from error

    def _vaulted(self, i: int, recipe: object, build: Callable[[Path], Notes]) -> Part:
        try:
            return self._studio.vault.make("clip", ".mp4", recipe, build)
        except DiskFull:
            raise
        except FilmError as error:
            raise self._faults.of(i, "engine", error) from error

    def _told(self, i: int, part: Part, shot: Shot) -> Rush:
        """The clip, played; what was otherwise than asked is said."""
        number, where = self._story.scenes[i].scene_number, f"scenes[{i}].engine"
        for warned in [] if part.reused else strained(part.notes, f"scene {number}", "the clip", where):
            self._emit(warned)
        self._emit(Made("clips", number, str(part.path), part.reused))
        self._ticks[i](1.0)
        frames, rate, width, height = (str(part.notes[key]) for key in ("frames", "rate", "width", "height"))
        clip = Clip(part.path, int(frames), Fraction(rate), int(width), int(height))
        lasts, stays = float(clip.count / clip.rate), stands(clip, shot)
        if stays > SEEN:
            said = f"scene {number}: its clip lasts {lasts:.1f} s; for the scene's last {stays:.1f} s a picture stands still."
            self._emit(Warned(said, self._longer(), f"scenes[{i}].duration"))
        if "melted" in part.notes:
            said = f"scene {number}: its model cannot go on from its own pictures; the scene is {part.notes['melted']} clips that melt into one another."
            self._emit(Warned(said, self._longer(), f"scenes[{i}].duration"))
        return played(clip, shot)

    def _longer(self) -> str:
        """What to do about a scene that is longer than its model's clips."""
        on = [name for name, model in self._studio.presets.models.items() if self._studio.crew.reach(model).first]
        return "Make it shorter, or several scenes" + (f", or choose a model that goes on: {', '.join(on)}." if on else ".")

    def _follows(self, i: int) -> bool:
        """Whether that shot goes on from the one before it, by the same engine."""
        return goes_on(self._story, i) and self._engines.get(i - 1) == self._engines[i]

    def _before(self, i: int) -> Path | None:
        """The last picture of the shot that this one goes on from: one of the same scene, by the same engine."""
        if not self._follows(i):
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

    def _film(self, i: int) -> Rush | Filmed:
        """Somebody's own video."""
        number, tick = self._story.scenes[i].scene_number, self._ticks[i]
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

    def _show(self, i: int, picture: NDArray[uint8]) -> None:
        """Tell what the scene's clip is becoming."""
        import cv2

        good, packed = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 80])
        if good:
            height, width = picture.shape[:2]
            said = base64.b64encode(packed.tobytes()).decode("ascii")
            self._emit(Glimpse(self._story.scenes[i].scene_number, said, width, height))

    def _seen(self, engine: Any, out: Path, told: Notes) -> Notes:
        """What there is to tell of a clip that was made; nobody sees it before its frames are counted. `took`: seconds
        since the engine's last one, so all of a film's together are what they took."""
        now = time.monotonic()
        before, self._last[engine.label] = self._last.get(engine.label, now), now
        try:
            seen = look(out, out.parent, "made")
        except FilmError as error:
            raise FilmError(f"The clip that {engine.label} made cannot be read.", "Run it again, or choose another engine.") from error
        if (said := told.get("frames", seen.frames)) != seen.frames:
            raise FilmError(f"The clip that {engine.label} made has {seen.frames} frames, not {said}.", "Run it again, or choose another engine.")
        told = told | {"took": round(now - before, 2)}
        return told | {"frames": seen.frames, "rate": str(seen.rate), "width": seen.width, "height": seen.height}


def _raised(error: FilmError) -> Rush:
    raise error


def live(studio: Studio, engine: str) -> bool:
    """Whether that clip engine draws its frames when they are asked for; nobody ("") draws no video."""
    return bool(engine and getattr(studio.crew.get("clips", engine), "live", False))
