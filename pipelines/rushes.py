"""Clips that engines write as files: each made once, kept, and played into the film at its size, rate and length.

Engines go side by side, each one shot after the other in the film's order. Knows no transition and no sound.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from . import ffmpeg
from .album import Album
from .cast import Cast
from .darkroom import Negative
from .events import Began, Emit, Made
from .faults import Faults
from .plan import SLOWEST, Frame, Shot
from .progress import Progress
from .shots import goes_on
from .stage import Studio
from .story import Story
from .vault import Notes
from .video import look
from .work import DiskFull, FilmError, Tick

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
        engines = {i: role.engine for i, role in enumerate(roles.roles) if i not in roles.lacking and not live(studio, role.engine)}
        self._engines = engines
        self._ticks = {i: progress.tick("clips", story.scenes[i].scene_number, shots[i].frames) for i in engines}
        self._pools = {name: ThreadPoolExecutor(1) for name in dict.fromkeys(engines.values())}
        self._found: dict[int, Future[Rush]] = {}

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

    def __getitem__(self, i: int) -> Rush:
        """The clip of the scene at that position, when it is there; its fault if it cannot be had."""
        return self._found[i].result()

    def future(self, i: int) -> Future[Rush]:
        """The same, to be waited for."""
        return self._found[i]

    def _shoot(self, i: int) -> Rush:
        tick, number = self._ticks[i], self._story.scenes[i].scene_number
        tick(0.0)
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

        def build(out: Path) -> Notes:
            raw = out.with_suffix(".yuv")
            raw.write_bytes(next(iter(rush.frames(last, 1))).tobytes())
            wide, high = rush.frame.width, rush.frame.height
            Negative(raw, (wide, high), wide, high).save(out)
            return {}

        return self._studio.vault.make("still", ".png", [*rush.recipe, last], build).path

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
    """Whether that clip engine draws its frames when they are asked for."""
    return bool(getattr(studio.crew.get("clips", engine), "live", False))
