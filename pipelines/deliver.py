"""Joins the finished parts and puts the film, its captions and its timeline where they were asked for, whole or not
at all. Knows what lies beside a film; makes no frame."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from . import ffmpeg, film
from .cast import Cast
from .events import Emit, Made
from .exports import srt, vtt
from .shots import group
from .story import Story, plain, sound_file
from .timeline import Timeline
from .vault import Notes, Part, Vault, disk, replacing
from .work import FilmError, Tick

if TYPE_CHECKING:
    from numpy import float64
    from numpy.typing import NDArray

COMMENT = "Made with Reelwright from the pictures and words it was given."
LONGEST_NAME = 60
SUFFIXES = (".mp4", ".m4v", ".mov")


@dataclass(frozen=True, slots=True)
class Delivery:
    """A film's finished parts and everything that is told about it. `story` has every shot as a scene; `asked` is the one
    that was asked for."""

    asked: Story
    story: Story
    roles: Cast
    timeline: Timeline
    engines: Mapping[str, str]
    spans: Sequence[Part]
    sound: Part
    music: Part | None
    paths: Sequence[NDArray[float64] | None]  # for each scene, the camera's matrices

    def join(self, vault: Vault, tick: Tick) -> Part:
        """The film, as a part."""
        frame, timeline = self.timeline.frame, self.timeline
        scenes = [[timeline.scenes[k] for k in group(self.story, one.scene)] for one in timeline.scenes]
        chapters = [
            (frame.seconds(one[0].first), frame.seconds(one[-1].first + one[-1].frames - one[-1].overlap), self._chapter(one[0].scene))
            for place, one in zip(timeline.scenes, scenes, strict=True)
            if one[0] is place
        ]
        who = "; ".join(f"{role}: {name}" for role, name in self.engines.items())
        meta = film.metadata(self.story.title, f"{COMMENT} {who}", json.dumps(self._told(self.asked), ensure_ascii=False), chapters)
        text = vtt.write(timeline.captions) if timeline.captions else ""
        burned = self.story.captions in ("burned", "both")
        told = film.join_args(bool(text), "")
        recipe = [told, [part.key for part in self.spans], self.sound.key, meta, text, burned, ffmpeg.version()]

        def build(out: Path) -> Notes:
            film.join([part.path for part in self.spans], self.sound.path, meta, text, burned, frame, timeline.frames, out, tick)
            return {"frames": timeline.frames}

        return vault.make("film", ".mp4", recipe, build)

    def put(self, made: Part, out: Path, emit: Emit) -> None:
        """The film at `out`; captions and timeline beside it."""
        captions = self.timeline.captions
        with disk(), ExitStack() as staged:  # all are written before the first is shown, and the film is shown last
            out.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(made.path, staged.enter_context(replacing(out)))
            if captions and self.story.captions in ("sidecar", "both"):
                for document in (srt, vtt):
                    path = staged.enter_context(replacing(out.with_suffix(document.suffix)))
                    path.write_text(document.write(captions), "utf-8", newline="")
            with staged.enter_context(replacing(out.with_suffix(".timeline.json"))).open("w", encoding="utf-8") as file:
                self._timeline(file)
        emit(Made("join", 0, str(out), made.reused))

    def _told(self, story: Story) -> dict[str, object]:
        """The story and who made what; where the pictures lie on somebody's disk is nobody's business."""
        scenes = tuple(replace(one, image=None, voice=_named(one.voice)) for one in story.scenes)
        bare = replace(story, scenes=scenes, logo=None, voice=_named(story.voice), music=_named(story.music))
        return {"story": plain(bare), "engines": dict(self.engines)}

    def _chapter(self, i: int) -> str:
        scene = self.story.scenes[i]
        words = (scene.narration or scene.prompt).split()
        name = ""
        for word in words:
            if len(name) + len(word) >= LONGEST_NAME:
                return name + " ..." if name else word[:LONGEST_NAME]
            name = f"{name} {word}".strip()
        return name or f"Scene {scene.scene_number}"

    def _timeline(self, file: TextIO) -> None:
        """The timeline as JSON, a scene at a time, so that a long film's paths never lie in memory together."""
        timeline = self.timeline
        rate = timeline.frame.rate
        head = {
            "title": timeline.title,
            "width": timeline.frame.width,
            "height": timeline.frame.height,
            "fps": f"{rate.numerator}/{rate.denominator}",
            "frames": timeline.frames,
            "seconds": round(timeline.seconds, 6),
            "engines": dict(self.engines),
            "spoken": [
                {"scene": self._number(one.scene), "start": round(one.start, 4), "seconds": round(one.take.seconds, 4)}
                | {"narrator": one.take.narrator, "words": [[w.text, round(w.start, 3), round(w.end, 3)] for w in one.take.words]}
                for one in timeline.spoken
            ],
            "captions": [
                {"scene": self._number(one.scene), "start": round(one.start, 3), "end": round(one.end, 3), "text": one.text}
                for one in timeline.captions
            ],
            "lower_thirds": [
                {"scene": self._number(one.scene), "start": round(one.start, 3), "end": round(one.end, 3), "lines": list(one.lines)}
                for one in timeline.banners
            ],
            "music": self.music.notes if self.music else None,
            "sound": self.sound.notes,
            "spans": [
                {"scenes": [self._number(clip) for clip in span.clips], "first": span.first, "frames": span.frames}
                | {"starts": list(span.starts), "transition": span.transition, "part": part.key, "recipe": part.path.with_suffix(".json").name}
                for span, part in zip(timeline.spans, self.spans, strict=True)
            ],
        }
        file.write(json.dumps(head, ensure_ascii=False, indent=1)[:-2] + ',\n "scenes": [\n')
        told = self._told(self.story)["story"]
        assert isinstance(told, dict)
        for i, (place, role, path) in enumerate(zip(timeline.scenes, self.roles.roles, self.paths, strict=True)):
            scene = told["scenes"][i] | {
                "first": place.first,
                "frames": place.frames,
                "overlap": place.overlap,
                "transition": place.transition,
                "engine": role.engine,
                "model": role.model,
                "painter": role.painter,
                "mood": role.mood_name,
                "seed": role.seed,
                "camera": _bare(role.reading.camera),
                "path": None if path is None else path.reshape(-1, 6).round(6).tolist(),
            }
            file.write(("  " if i == 0 else ",\n  ") + json.dumps(scene, ensure_ascii=False))
        file.write("\n ]\n}\n")

    def _number(self, i: int) -> int:
        return self.story.scenes[i].scene_number


def check_place(out: Path) -> None:
    """FilmError, before any work is done, if a film cannot be put there."""
    if out.suffix.lower() not in SUFFIXES:
        raise FilmError(f'A film cannot be saved as "{out.name[-60:]}".', "Give a name that ends in .mp4.", out.name)
    with disk():
        if out.is_dir():
            raise FilmError(f"{out} is a folder.", "Give the film a name of its own.", str(out))
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out.parent):
            pass


def _named(voice_or_music: str) -> str:
    """A voice or composer by name, somebody's own sound file by its last name."""
    own = sound_file(voice_or_music)
    return own.name if own else voice_or_music


def _bare(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: _bare(getattr(value, f.name)) for f in fields(value) if f.name != "words"}
    return [_bare(one) for one in value] if isinstance(value, tuple) else value
