"""Clips that engines write as files: each made once, kept, and played into the film at its size, rate and length.

Engines go side by side, each one shot after the other in the film's order, or all of its shots in one go where it can.
Knows no transition and no sound.
"""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from . import ffmpeg
from .album import Album
from .cast import Cast
from .events import Began, Emit, Glimpse, Made, Warned
from .faults import Faults
from .plan import SLOWEST, Frame, Shot, Slate
from .progress import Progress
from .stage import Studio
from .story import Story
from .vault import Notes, Part, disk, key
from .video import look
from .work import DiskFull, FilmError

if TYPE_CHECKING:
    from numpy import uint8
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip's file: `count` frames of `width` x `height` at `rate` a second."""

    path: Path
    count: int
    rate: Fraction
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Rush:
    """A clip as the film's footage. `step`: frames of the clip for one of the film."""

    clip: Clip
    frame: Frame
    fit: str
    step: Fraction

    @property
    def recipe(self) -> list[object]:
        """What, beside the clip, decides how a frame looks."""
        return [self.clip.path.stem, self.frame, self.fit, self.step]

    def frames(self, start: int, count: int) -> Iterator[NDArray[uint8]]:
        """See film.Footage."""
        import numpy as np

        wanted = [min(self.clip.count - 1, int((start + k) * self.step)) for k in range(count)]
        first, at = wanted[0], -1
        width, height = self.frame.width, self.frame.height
        args: list[str | int | Path] = ["-xerror", "-ss", f"{max(0.0, float((first - Fraction(1, 2)) / self.clip.rate)):.6f}"]
        args += ["-protocol_whitelist", "file", "-f", "mov", "-i", self.clip.path, "-map", "0:V:0", "-fps_mode", "passthrough"]
        args += ["-frames:v", wanted[-1] - first + 1, "-vf", fitted(self.clip, self.frame, self.fit)]
        args += ["-f", "rawvideo", "-pix_fmt", "yuv420p", "pipe:1"]
        seen = ffmpeg.read(args, width * height * 3 // 2)
        picture: NDArray[uint8] = np.empty((0, 0), np.uint8)
        for place in wanted:
            while at < place - first:
                raw, at = next(seen, b""), at + 1
                if raw:
                    picture = np.frombuffer(raw, np.uint8).reshape(height * 3 // 2, width)
                elif not picture.size:
                    raise FilmError("There is nothing to be seen at the end of the clip.", "Use another engine for this scene.")
            yield picture
        for _ in seen:  # it ends by itself
            pass


def played(clip: Clip, shot: Shot) -> Rush:
    """The clip in the time that the shot has: trimmed, or a little slower if it is short."""
    lasts, wanted = clip.count / clip.rate, shot.frames / shot.frame.rate
    slower = min(SLOWEST, max(Fraction(1), wanted / lasts))
    return Rush(clip, shot.frame, shot.fit, clip.rate / shot.frame.rate / slower)


def fitted(clip: Clip, frame: Frame, fit: str) -> str:
    """The filter that brings a clip's pictures to the film's size."""
    width, height = frame.width, frame.height
    ratios = width / clip.width, height / clip.height
    colours = "flags=lanczos:out_color_matrix=bt709:out_range=tv"
    if fit == "stretch" or (clip.width, clip.height) == (width, height):
        return f"scale={width}:{height}:{colours},setsar=1"
    across, down = (max(2, round(side * max(ratios) / 2) * 2) for side in (clip.width, clip.height))
    cover = f"scale={max(width, across)}:{max(height, down)}:{colours},crop={width}:{height}"
    if fit == "cover":
        return f"{cover},setsar=1"
    across, down = (max(2, int(side * min(ratios) / 2) * 2) for side in (clip.width, clip.height))
    place = f"{(width - across) // 4 * 2}:{(height - down) // 4 * 2}"
    whole = f"scale={across}:{down}:{colours}"
    if fit == "contain":
        return f"{whole},pad={width}:{height}:{place},setsar=1"
    soft = f"{cover},scale=64:{max(2, 64 * height // width)},gblur=sigma=2,scale={width}:{height}:flags=bicubic"
    return f"split[near][far];[far]{soft}[ground];[near]{whole}[whole];[ground][whole]overlay={place},format=yuv420p,setsar=1"


class Rushes:
    """Use it in a `with`: shooting begins there, and what is still waiting at its end is let go."""

    def __init__(
        self, story: Story, roles: Cast, shots: Sequence[Shot], album: Album, studio: Studio, emit: Emit,
        progress: Progress, faults: Faults,
    ) -> None:  # fmt: skip
        self._story, self._roles, self._shots, self._album = story, roles, shots, album
        self._studio, self._emit, self._faults = studio, emit, faults
        engines = {i: role.engine for i, role in enumerate(roles.roles) if not live(studio, role.engine)}
        self._engines = engines
        self._ticks = {i: progress.tick("clips", story.scenes[i].scene_number, shots[i].frames) for i in engines}
        self._pools = {name: ThreadPoolExecutor(1) for name in dict.fromkeys(engines.values())}
        self._found: dict[int, Future[Rush]] = {}
        self._last: dict[str, float] = {}  # when an engine's last clip was done

    def __enter__(self) -> Rushes:
        if self._engines:
            self._emit(Began("clips", len(self._engines)))
        self._found |= {i: Future() for i in self._engines}
        for name, pool in self._pools.items():
            places = [i for i, engine in self._engines.items() if engine == name]
            if shoot_all := self._studio.crew.together(name):
                pool.submit(self._run, places, partial(self._all, name, places, shoot_all))
            else:
                for i in places:
                    pool.submit(self._run, [i], partial(self._each, i))
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

    def __getitem__(self, i: int) -> Rush:
        """The clip of the scene at that position, when it is there; its fault if it cannot be had."""
        return self._found[i].result()

    def future(self, i: int) -> Future[Rush]:
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
        """All of an engine's shots in one go; those that are there already are taken, and each that is made is kept as
        soon as it is whole."""
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
            self._last[engine.label] = time.monotonic()
            if slates:
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

    def _settled(self, i: int, work: Callable[[], Rush]) -> None:
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

    def _shoot(self, i: int) -> Rush:
        name = self._engines[i]
        engine = self._studio.crew.get("clips", name)
        shot, recipe = self._asked(engine, name, i)
        self._last[engine.label] = time.monotonic()
        try:
            part = self._vaulted(i, recipe, lambda out: self._seen(engine, out, engine.shoot(shot, out, self._ticks[i])))
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
        negative = self._album[i].path.stem if i in self._album else ""
        try:
            shot = replace(self._shots[i], picture=self._album.png(i) if negative else None)
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
        if not part.reused and "memory" in part.notes:
            hint = "It takes longer so. Close what else uses the GPU."
            self._emit(Warned(f"scene {number}: the GPU's memory ran out once; the clip was made with less of it.", hint, where))
        if not part.reused and "retried" in part.notes:
            said = f"scene {number}: the model's numbers ran out of range; the clip was made once more, in {part.notes['retried']}."
            self._emit(Warned(said, "", where))
        self._emit(Made("clips", number, str(part.path), part.reused))
        self._ticks[i](1.0)
        frames, rate, width, height = (str(part.notes[key]) for key in ("frames", "rate", "width", "height"))
        return played(Clip(part.path, int(frames), Fraction(rate), int(width), int(height)), shot)

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
    """Whether that clip engine draws its frames when they are asked for."""
    return bool(getattr(studio.crew.get("clips", engine), "live", False))
