"""Makes the stretches of a film side by side, each once. Knows the plan; decides nothing in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import ffmpeg, film, watermark
from .album import Album
from .cast import Cast
from .events import Emit, Made
from .faults import Faults
from .label import labelled
from .plan import Shot
from .rushes import Rushes
from .stage import Studio
from .story import Story
from .subtitles import ass
from .timeline import Span, Timeline
from .vault import Notes, Part
from .work import DiskFull, FilmError, Place, Tick

if TYPE_CHECKING:
    from numpy import uint8
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Stretches:
    """Everything that is settled before the first frame is drawn."""

    story: Story
    roles: Cast
    timeline: Timeline
    shots: Sequence[Shot]
    album: Album
    rushes: Rushes
    studio: Studio
    emit: Emit
    faults: Faults
    badge: film.Badge | None = None

    def needs(self, span: Span) -> list[Future[Any]]:
        """What has to be there before the stretch can be made."""
        places = [(clip, self.rushes if clip in self.rushes else self.album) for clip in span.clips]
        return [source.future(clip) for clip, source in places if clip in source]

    def make(self, span: Span, tick: Tick, place: Place) -> Part:
        """One stretch, encoded, or as it was found. A scene's fault if there is nothing to be seen of it."""
        for clip in span.clips:
            if lack := self.roles.lacking.get(clip):
                raise lack
        frame, turning = self.timeline.frame, len(span.clips) == 2
        script = labelled(self._script(span), self.story.label, frame)
        xfade = self.studio.presets.pick("transitions", span.transition).xfade if turning else ""
        look = self.studio.presets.pick("looks", self.story.look)
        quality = self.studio.presets.pick("qualities", self.story.quality)
        graph = film.picture_filter(frame, xfade, span.frames, look, bool(script), self.badge)
        told = film.stretch_args(frame, quality, graph, turning, span.frames, self.badge)
        clips = list(zip(span.clips, span.starts, strict=True))
        tick(0.0)
        recipe: list[object] = [told, script, ffmpeg.version(), [[self._recipe(clip), start] for clip, start in clips], *([self.badge.path.stem] if self.badge else [])]
        recipe += [{"watermark": watermark.VERSION}] if self.studio.marks.watermark else []

        def build(out: Path) -> Notes:
            footage = [(self._inked(self._footage(clip, tick)), start) for clip, start in clips]
            film.encode([*told, str(out)], footage, span.frames, frame, script, self.studio.fonts, out, tick, self.badge, place)
            return {"frames": span.frames}

        part = self.studio.vault.make("span", ".mp4", recipe, build)
        tick(1.0)
        self.emit(Made("film", self.story.scenes[span.clips[0]].scene_number, str(part.path), part.reused, turning))
        return part

    @contextmanager
    def blamed(self, clip: int) -> Iterator[None]:
        """What goes wrong inside is that scene's fault. A transition that fails by either is told once."""
        try:
            yield
        except DiskFull:
            raise
        except FilmError as error:
            raise self.faults.of(clip, "engine", error) from error

    def _script(self, span: Span) -> str:
        frame, banners = self.timeline.frame, self.timeline.banners
        burned = self.timeline.captions if self.story.captions in ("burned", "both") else ()
        if not burned and not banners:
            return ""
        style = self.studio.presets.pick("captions", self.story.caption_style)
        start, end = frame.seconds(span.first), frame.seconds(span.first + span.frames)
        return ass(burned, style, frame.width, frame.height, start, end, frame.rate, banners)

    def _recipe(self, clip: int) -> list[object]:
        name, shot = self.roles.roles[clip].engine, self.shots[clip]
        if clip in self.rushes:
            return [name, self.rushes[clip].recipe]
        picture = self.album[clip].path.stem if clip in self.album else ""
        with self.blamed(clip):
            recipe = self.studio.crew.get("clips", name).recipe(shot)
        return [name, picture, recipe, *([shot.model.content] if shot.model else [])]

    def _inked(self, footage: film.Footage) -> film.Footage:
        frame = self.timeline.frame
        return watermark.Inked(footage, frame.width, frame.height) if self.studio.marks.watermark else footage

    def _footage(self, clip: int, tick: Tick) -> film.Footage:
        if clip in self.rushes:
            return _Footage(self, clip, self.rushes[clip])
        engine = self.studio.crew.get("clips", self.roles.roles[clip].engine)
        picture = self.album.get(clip)
        with self.blamed(clip), self.studio.crew.turn(engine, tick):
            return _Footage(self, clip, engine.footage(self.shots[clip], picture))


@dataclass(frozen=True, slots=True)
class _Footage:
    """Footage whose failures are its scene's faults."""

    made: Stretches
    clip: int
    inner: film.Footage

    def frames(self, start: int, count: int) -> Iterator[NDArray[uint8]]:
        with self.made.blamed(self.clip):
            yield from self.inner.frames(start, count)
