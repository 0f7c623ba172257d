"""A story's pictures, painted where a scene brings none, developed while other work goes on; who needs one waits for it.

Knows which scene a picture is for. One that cannot be had is that scene's fault; every other is still developed.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import TracebackType

from .cast import Cast
from .darkroom import Darkroom, Negative, negative
from .events import Began, Emit, Made, strained
from .faults import Faults
from .hands import Pool
from .plan import Brief, Frame, without
from .presets import Presets
from .progress import Progress
from .redraw import Redraw, planes, redrawn
from .stage import Studio
from .story import Story
from .turns import Sitting
from .vault import Notes, Part, Vault
from .work import DiskFull, FilmError, Tick, part

DENSE = 3  # a picture is kept so many times as large as the frame, for closing in on it
PAINTED = 0.9  # of a painted picture's work


def cover(frame: Frame) -> tuple[int, int]:
    """Pixels that a picture has to cover."""
    return frame.width * DENSE, frame.height * DENSE


class Album:
    """Use it in a `with`: developing begins there, and what is still waiting at its end is let go."""

    def __init__(
        self, story: Story, roles: Cast, frame: Frame, darkroom: Darkroom, studio: Studio, emit: Emit, progress: Progress, faults: Faults
    ) -> None:
        self._story, self._roles, self._frame = story, roles, frame
        self._cover = cover(frame)
        self._studio, self._emit, self._faults = studio, emit, faults
        painted = [bool(role.painter) for role in roles.roles]
        scenes = list(zip(story.scenes, painted, strict=True))
        self._ticks = {
            i: progress.tick("pictures", scene.scene_number, 20.0 if paint else 1.0)
            for i, (scene, paint) in enumerate(scenes) if (scene.image and not roles.roles[i].video) or paint
        }  # fmt: skip
        self._darkroom = darkroom
        self._pool = Pool(1)
        self._easel = Pool(1)  # painting takes long, and one at a time
        self._found: dict[int, Future[Negative]] = {}
        self._sat = [i for i, role in enumerate(roles.roles) if i in self._ticks and (role.painter or role.stylist)]
        asked = {name: studio.crew.get("pictures", name) for i in self._sat for name in (roles.roles[i].painter, roles.roles[i].stylist) if name}
        seated = [engine for engine in asked.values() if hasattr(engine, "seat")]
        # Two would wait for each other: they take their turns by the picture.
        self._sitting = Sitting(partial(studio.crew.turn, seated[0]), len(self._sat)) if len(seated) == 1 else None

    def __enter__(self) -> Album:
        self._emit(Began("pictures", len(self._ticks)))
        for i, tick in self._ticks.items():
            given = self._story.scenes[i].image
            pool, work = (self._pool, partial(self._develop, i, given, tick)) if given else (self._easel, partial(self._paint, i, tick))
            try:
                self._found[i] = pool.submit(self._counted, i, work)
            except BaseException:  # a signal: what has begun ends, or the program never would
                self.__exit__(None, None, None)
                raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for pool in (self._pool, self._easel):
            pool.shutdown(wait=False, cancel_futures=True)
        self._darkroom.close()
        for pool in (self._pool, self._easel):
            pool.shutdown()
        if self._sitting:
            self._sitting.close()

    def __contains__(self, i: int) -> bool:
        return i in self._ticks

    def __getitem__(self, i: int) -> Negative:
        """The picture of the scene at that position, when it is there; its fault if it cannot be had."""
        return self._found[i].result()

    def get(self, i: int) -> Negative | None:
        """The same, or None where the scene has no picture."""
        return self._found[i].result() if i in self._found else None

    def future(self, i: int) -> Future[Negative]:
        """The same, to be waited for."""
        return self._found[i]

    def png(self, i: int) -> Path:
        """The same as an RGB PNG of ours, for engines that cannot use planes."""
        seen = self[i]

        def build(out: Path) -> Notes:
            seen.save(out)
            return {}

        return self._studio.vault.make("still", ".png", [seen.path.stem], build).path

    def _counted(self, i: int, work: Callable[[], Negative]) -> Negative:
        """The work; a sitting is over when all are that may need it."""
        try:
            return work()
        finally:
            if self._sitting and i in self._sat:
                self._sitting.over()

    def _sit(self, tick: Tick) -> None:
        """The painter's model is needed now. It stays until all pictures are there, where one painter makes them all."""
        if self._sitting:
            self._sitting.take(tick)

    def _paint(self, i: int, tick: Tick) -> Negative:
        role = self._roles.roles[i]
        engine = self._studio.crew.get("pictures", role.painter)
        brief = self._brief(i)

        def build(out: Path) -> Notes:
            tick(0.0)
            self._sit(tick)
            with self._studio.crew.turn(engine, tick):
                notes: Notes = engine.paint(brief, out, part(tick, 0.0, PAINTED))
            return notes

        try:
            asked = engine.recipe(brief) if hasattr(engine, "recipe") else brief
            painting = self._studio.vault.make("painting", ".png", [role.painter, engine.version, asked], build)
            self._strained(i, painting)
            made = self._styled(i, self._opened(painting.path), tick)
        except DiskFull:
            raise
        except FilmError as error:
            raise self._faults.of(i, "prompt", error) from error
        return self._done(i, Part(made.path, made.notes, painting.reused and made.reused), tick)

    def _brief(self, i: int) -> Brief:
        look = self._studio.presets.pick("looks", self._story.look)
        negative = without(self._story.negative_of(i), look.negative)
        return Brief(self._story.scenes[i].prompt, self._frame, self._roles.roles[i].seed, look.prompt, negative, loras=self._roles.roles[i].painted)

    def _develop(self, i: int, given: Path, tick: Tick) -> Negative:
        tick(0.0)
        try:
            made = self._styled(i, self._opened(given), tick)
        except DiskFull:
            raise
        except FilmError as error:
            raise self._faults.of(i, "image", error) from error
        return self._done(i, made, tick)

    def _opened(self, given: Path) -> Part:
        try:
            return self._darkroom.develop(given, self._cover, self._studio.vault)
        except OSError as error:
            raise FilmError(f"The picture cannot be read: {error.strerror}.", "Choose another.") from error

    def _styled(self, i: int, made: Part, tick: Tick) -> Part:
        if self._roles.roles[i].stylist:
            style = self._studio.presets.styles[self._story.scenes[i].picture_style]
            how = replace(Redraw.of(style, self._story.scenes[i].prompt, self._roles.roles[i].seed), loras=self._roles.roles[i].painted)
            self._sit(tick)
            again = redrawn(made, how, self._studio, part(tick, PAINTED, 0.99))
            self._strained(i, again)
            return again
        return styled(made, self._story.scenes[i].picture_style, self._studio.presets, self._studio.vault)

    def _strained(self, i: int, made: Part) -> None:
        """What went otherwise than asked is said, when it happens."""
        for said in [] if made.reused else strained(made.notes, f"scene {self._story.scenes[i].scene_number}", "the picture", f"scenes[{i}].image"):
            self._emit(said)

    def _done(self, i: int, made: Part, tick: Tick) -> Negative:
        self._emit(Made("pictures", self._story.scenes[i].scene_number, str(made.path), made.reused))
        tick(1.0)
        return negative(made)


def styled(developed: Part, name: str, presets: Presets, vault: Vault) -> Part:
    """A developed picture as the picture style of that name has it, developed; "" leaves it as it is, and so does a style
    that is a model's: see redraw."""
    style = presets.pick("styles", name) if name else None
    if style is None or style.how == "model":
        return developed
    from . import styles

    def build(out: Path) -> Notes:
        import numpy as np

        seen = negative(developed)
        out.write_bytes(planes(styles.styled(np.ascontiguousarray(seen.rgb(max(seen.width, seen.height))[..., ::-1]), style)))
        return dict(developed.notes)

    return vault.make("styled", ".yuv", [styles.VERSION, developed.key, style.content], build)
