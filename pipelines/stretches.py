"""Makes the stretches of a film side by side, each once. Knows the plan; decides nothing in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from . import ffmpeg, film
from .album import Album
from .cast import Cast
from .events import Emit, Made
from .plan import Shot
from .stage import Studio
from .story import Story
from .subtitles import ass
from .timeline import Span, Timeline
from .vault import Notes, Part
from .work import Tick


@dataclass(frozen=True, slots=True)
class Stretches:
    """Everything that is settled before the first frame is drawn."""

    story: Story
    roles: Cast
    timeline: Timeline
    shots: Sequence[Shot]
    album: Album
    studio: Studio
    emit: Emit

    def make(self, span: Span, tick: Tick) -> Part:
        """One stretch, encoded, or as it was found."""
        frame, turning = self.timeline.frame, len(span.clips) == 2
        script = self._script(span)
        xfade = self.studio.presets.pick("transitions", span.transition).xfade if turning else ""
        look = self.studio.presets.pick("looks", self.story.look)
        quality = self.studio.presets.pick("qualities", self.story.quality)
        graph = film.picture_filter(frame, xfade, span.frames, look, bool(script))
        told = film.stretch_args(frame, quality, graph, turning, span.frames)
        clips = list(zip(span.clips, span.starts, strict=True))
        recipe = [told, script, ffmpeg.version(), [[self._recipe(clip), start] for clip, start in clips]]

        def build(out: Path) -> Notes:
            footage = [(self._footage(clip), start) for clip, start in clips]
            film.encode([*told, str(out)], footage, span.frames, frame, script, self.studio.fonts, out, tick)
            return {"frames": span.frames}

        tick(0.0)
        part = self.studio.vault.make("span", ".mp4", recipe, build)
        tick(1.0)
        self.emit(Made("film", self.story.scenes[span.clips[0]].scene_number, str(part.path), part.reused))
        return part

    def _script(self, span: Span) -> str:
        if self.story.captions not in ("burned", "both"):
            return ""
        frame = self.timeline.frame
        style = self.studio.presets.pick("captions", self.story.caption_style)
        start, end = frame.seconds(span.first), frame.seconds(span.first + span.frames)
        return ass(self.timeline.captions, style, frame.width, frame.height, start, end, frame.rate)

    def _recipe(self, clip: int) -> list[object]:
        name = self.roles.roles[clip].engine
        picture = self.album[clip].path.stem if clip in self.album else ""
        return [name, picture, self.studio.crew.get("clips", name).recipe(self.shots[clip])]

    def _footage(self, clip: int) -> film.Footage:
        footage: film.Footage = self.studio.crew.get("clips", self.roles.roles[clip].engine).footage(
            self.shots[clip], self.album[clip]
        )
        return footage
