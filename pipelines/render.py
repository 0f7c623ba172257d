"""The whole product: a story becomes a film. Knows no page, no job, no setting; the vault makes it resume.

cast -> narration, and pictures -> timeline -> sound, and stretches of film -> join
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .album import Album
from .cast import Cast, cast
from .crew import Crew
from .deliver import Delivery, check_place
from .events import Began, Done, Emit, Event, Warned
from .narrate import Narration, narrate
from .plan import Frame, Shot
from .presets import Presets
from .progress import Progress
from .schedule import room, timeline
from .score import score
from .stage import Studio as Studio
from .story import Story, pixels
from .stretches import Stretches
from .subtitles import room as line_room
from .subtitles import undrawable
from .timeline import Take, Timeline
from .vault import Part
from .work import Cancelled

WEIGHTS = {"narration": 4.0, "pictures": 4.0, "music": 4.0, "sound": 6.0, "film": 80.0, "join": 2.0}


@dataclass(frozen=True, slots=True)
class Film:
    """A finished film."""

    path: Path
    timeline: Timeline
    engines: Mapping[str, str]


def render(story: Story, studio: Studio, emit: Emit, out: Path) -> Film:
    """Make the film at `out`, with its captions and timeline beside it. Everything that is there already is used.

    FilmError for what cannot be made; Cancelled when `emit` raises it. Nothing half-made is ever at `out`.
    """
    check_place(out)
    listener, emit = emit, (told := _Told(emit))
    progress = Progress(emit, WEIGHTS)
    try:
        roles = cast(story, studio.crew, studio.presets, emit)
        frame = frame_of(story, studio.presets)
        with Album(story, frame, studio.vault, emit, progress) as album:
            with ThreadPoolExecutor(1) as pool:
                spoken = pool.submit(_speak, story, roles, studio, frame, emit, progress)
                _finish([spoken], progress)
            takes = spoken.result()
            album.check()
            style = studio.presets.pick("captions", story.caption_style)
            plan = timeline(story, takes, frame, line_room(style, frame.width, frame.height), emit)
            _warn_undrawable(story, plan, emit)
            shots = _shots(story, roles, plan)
            spans, sound, music = _make(Stretches(story, roles, plan, shots, album, studio, emit), progress)
            album.settle()
            paths = [_path(studio.crew, role.engine, shots[i], album, i) for i, role in enumerate(roles.roles)]
        engines = _credits(roles, takes, studio.crew)
        emit(Began("join", 1))
        delivery = Delivery(story, roles, plan, engines, spans, sound, music, paths)
        made = delivery.join(studio.vault, progress.tick("join"))
        delivery.put(made, out, emit)
    finally:
        told.end()
        progress.stop()
    listener(Done(str(out), plan.seconds, plan.frames, dict(engines)))
    return Film(out, plan, engines)


def frame_of(story: Story, presets: Presets) -> Frame:
    """The film's picture size and rate."""
    width, height = pixels(story.size, presets)
    scale = presets.pick("qualities", story.quality).scale
    return Frame(round(width * scale / 2) * 2, round(height * scale / 2) * 2, story.rate)


def _speak(story: Story, roles: Cast, studio: Studio, frame: Frame, emit: Emit, progress: Progress) -> dict[int, Take]:
    lines = [
        Narration(i, scene.scene_number, scene.narration, role, room(story, i, frame))
        for i, (scene, role) in enumerate(zip(story.scenes, roles.roles, strict=True))
        if role.speakers or role.own_voice
    ]
    emit(Began("narration", len(lines)))
    speakers = {one.narrator for line in lines for one in line.role.speakers[:1]}
    if online := sorted(name for name in speakers if studio.crew.get("voices", name).online):
        said = f"The narration's text goes to an online service ({', '.join(online)}), which speaks it."
        emit(Warned(said, "REELWRIGHT_ONLINE_VOICES=0 keeps it on this machine."))
    return narrate(lines, studio.crew, studio.vault, emit, progress, mix=studio.mix_voices)


def _shots(story: Story, roles: Cast, plan: Timeline) -> list[Shot]:
    return [
        Shot(scene.prompt, None, role.reading.camera, place.frames, plan.frame, story.fit, role.seed)
        for scene, role, place in zip(story.scenes, roles.roles, plan.scenes, strict=True)
    ]


def _path(crew: Crew, engine: str, shot: Shot, album: Album, i: int) -> Any:
    """The camera's matrices, where the engine moves a picture."""
    live = crew.get("clips", engine)
    return live.path(shot, album[i]) if i in album and getattr(live, "live", False) else None


def _make(stretches: Stretches, progress: Progress) -> tuple[list[Part], Part, Part | None]:
    """Sound and picture side by side; the first failure stops all."""
    made = stretches
    spans = made.timeline.spans
    for stage, total in (("music", 1), ("sound", 1), ("film", len(spans))):
        made.emit(Began(stage, total))
    ticks = [progress.tick("film", k, span.frames) for k, span in enumerate(spans)]
    studio, hands = made.studio, made.studio.workers
    with ThreadPoolExecutor(hands) as pool, ThreadPoolExecutor(1) as other:
        heard = other.submit(score, made.story, made.roles, made.timeline, studio.crew, studio.vault, made.emit, progress)
        # In the film's order, but the last ones by length: so all hands are done at about the same time.
        last = max(0, len(spans) - 3 * hands)
        order = [*range(last), *sorted(range(last, len(spans)), key=lambda k: -spans[k].frames)]
        seen = {k: pool.submit(made.make, spans[k], ticks[k]) for k in order}
        _finish([heard, *seen.values()], progress)
        sound, music = heard.result()
        return [seen[k].result() for k in range(len(spans))], sound, music


def _finish(works: Sequence[Future[Any]], progress: Progress) -> None:
    """Wait for all; the first that fails, or Ctrl-C, stops the others."""
    try:
        wait(works, return_when=FIRST_EXCEPTION)
        _raise_first(works)
    except BaseException as error:
        progress.stop()
        for work in works:
            work.cancel()
        wait(works)
        if isinstance(error, Exception):
            _raise_first(works)
        raise


def _raise_first(works: Sequence[Future[Any]]) -> None:
    """The failure that stopped the others, rather than their Cancelled."""
    failed = [error for work in works if work.done() and not work.cancelled() and (error := work.exception())]
    if failed:
        raise next((error for error in failed if not isinstance(error, Cancelled)), failed[0])


def _credits(roles: Cast, takes: Mapping[int, Take], crew: Crew) -> dict[str, str]:
    """What made the clips, the voice and the music, for the people who watch."""
    clips = sorted({crew.get("clips", role.engine).label for role in roles.roles})
    labels = {name: crew.get("voices", name).label for role in roles.roles for name in (one.narrator for one in role.speakers)}
    voices = sorted({labels.get(take.narrator, take.narrator) for take in takes.values()})
    music = "own file" if roles.own_music else crew.get("music", roles.composer).label if roles.composer else "none"
    return {"clips": ", ".join(clips), "voice": ", ".join(voices) or "none", "music": music}


def _warn_undrawable(story: Story, plan: Timeline, emit: Emit) -> None:
    if story.captions not in ("burned", "both"):
        return
    for one in plan.spoken:
        if lost := undrawable(story.scenes[one.scene].narration):
            n = story.scenes[one.scene].scene_number
            said = f"scene {n}: our fonts have no sign for {' '.join(lost[:12])}; the picture's captions leave it out."
            emit(Warned(said, "The caption files keep it.", f"scenes[{one.scene}].narration"))


class _Told:
    """Events come from several threads; whoever listens hears one at a time, and none once the work is over."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._lock = threading.Lock()
        self._over = False

    def __call__(self, event: Event) -> None:
        with self._lock:
            if self._over:
                raise Cancelled
            self._emit(event)

    def end(self) -> None:
        with self._lock:
            self._over = True
