"""The whole product: a story becomes a film. Knows no page, no job, no setting; the vault makes it resume.

policy, cast -> narration, and pictures -> timeline -> sound, and clips -> stretches of film -> join

What is wrong with one scene does not stop the others: they are made, then all faults are raised at once.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from . import credentials, shots, terms
from .account import account
from .album import Album, cover
from .cast import Cast, cast
from .crew import Crew
from .darkroom import Darkroom
from .deliver import Delivery, check_place
from .events import Began, Done, Emit, Event, Warned, wanted
from .faults import Faults
from .footage import Source, survey
from .gate import is_video
from .hands import Hands, Pool, over
from .logo import badge
from .marks import Account
from .narrate import Narration, narrate
from .plan import Frame, Shot, without
from .policy import check
from .presets import Presets
from .progress import Progress
from .rushes import Rushes, live
from .schedule import room, timeline
from .stage import Studio as Studio
from .story import SCENE_FIELDS, Story, pixels
from .story_cells import point
from .stretches import Stretches
from .subtitles import room as line_room
from .subtitles import undrawable
from .timeline import Span, Take, Timeline
from .titles import ENGINE, card, licensed
from .vault import Part
from .work import Cancelled, DiskFull, FilmError, Place, Tick

Sources = Mapping[int, Source | FilmError]
NICE = 19  # encoders let the first clip and whoever uses this machine go first
FEW = 4  # with fewer hands the music waits until the first clips can be seen
WEIGHTS = {"narration": 4.0, "pictures": 4.0, "music": 4.0, "sound": 6.0, "film": 80.0, "join": 2.0}


@dataclass(frozen=True, slots=True)
class Film:
    """A finished film."""

    path: Path
    timeline: Timeline
    engines: Mapping[str, str]
    account: Account


def render(story: Story, studio: Studio, emit: Emit, out: Path) -> Film:
    """Make the film at `out`, with its captions and timeline beside it. Everything that is there already is used.

    FilmError for what cannot be made; Cancelled when `emit` raises it. Nothing half-made is ever at `out`.
    """
    check_place(out)
    asked, story = story, shots.expanded(story)
    owners = shots.owners(story)
    hear, emit = emit, (told := _Told(lambda event: hear(shots.told(event, owners))))
    progress = None
    try:
        check(story, studio.policy, emit)
        frame = frame_of(story, studio.presets)
        with ExitStack() as open_:
            darkroom = open_.enter_context(Darkroom())
            darkroom.ahead([one.image for one in story.scenes if one.image and not is_video(one.image)], cover(frame), studio.vault)
            roles = cast(story, studio.crew, studio.presets, emit)
            for one in terms.news(terms.of_film(roles, studio.crew, studio.presets), studio.vault):
                emit(one)
            progress = Progress(emit, _weights(roles, studio), wanted(hear))
            faults, seal = Faults(story, emit, roles.lacking), badge(story, frame, studio)
            album = open_.enter_context(Album(story, roles, frame, darkroom, studio, emit, progress, faults))
            with ThreadPoolExecutor(1) as pool:
                spoken = pool.submit(_speak, story, roles, studio, frame, emit, progress, faults)
                _finish([spoken], progress)
            takes = spoken.result()
            sources = _surveyed(story, roles, studio, faults)
            voiced = not faults.about("narration", "voice")
            style = studio.presets.pick("captions", story.caption_style)
            plan = timeline(story, takes, frame, line_room(style, frame.width, frame.height), emit, {i: one.left for i, one in sources.items() if isinstance(one, Source)})
            _warn_undrawable(story, plan, emit)
            engines = _credits(roles, takes, studio)
            takings = _shots(story, roles, plan, studio.presets, licensed(engines, roles.composer, studio.presets))
            with Rushes(story, roles, takings, album, studio, emit, progress, faults, sources) as rushes:
                stretches = Stretches(story, roles, plan, takings, album, rushes, studio, emit, faults, seal)
                spans, sound, music = _make(stretches, sources, voiced, progress)
            paths = [_path(studio.crew, role.engine, takings[i], album, i) for i, role in enumerate(roles.roles)]
        emit(Began("join", 1))
        told_of = account(story, roles, takes, studio.crew, studio.presets)
        delivery = Delivery(asked, story, roles, plan, engines, spans, sound, music, paths, told_of, studio.marks)
        film = delivery.join(studio.vault, progress.tick("join"))
        marks = delivery.put(film, out, emit)
    except FilmError as error:
        shots.blame(error, owners)
        raise
    finally:
        told.end()
        if progress:
            progress.stop()
    hear(Done(str(out), plan.seconds, plan.frames, dict(engines), marks))
    return Film(out, plan, engines, told_of)


def warm(studio: Studio) -> None:
    """Load what every film needs, so that the first one does not wait for it."""
    for module in ("atmos", "focus", "score"):  # they bring OpenCV and numpy
        import_module(f".{module}", __package__)
    for narrator in studio.crew.present("voices"):
        studio.crew.get("voices", narrator).voice_for("en")
    for role in ("clips", "music"):
        studio.crew.best(role)
    if studio.marks.identity:
        credentials.warm(studio.marks.identity)


def _weights(roles: Cast, studio: Studio) -> dict[str, float]:
    """What share of the work each stage is, about: models take much longer than all the rest."""
    painted = any(role.painter or role.stylist for role in roles.roles)
    shot = any(role.engine and not live(studio, role.engine) for role in roles.roles)
    return WEIGHTS | ({"clips": 40.0} if any(role.video for role in roles.roles) else {}) | ({"pictures": 60.0} if painted else {}) | ({"clips": 400.0} if shot else {})


def frame_of(story: Story, presets: Presets) -> Frame:
    """The film's picture size and rate."""
    width, height = pixels(story.size, presets)
    scale = presets.pick("qualities", story.quality).scale
    return Frame(round(width * scale / 2) * 2, round(height * scale / 2) * 2, story.rate)


def _speak(
    story: Story, roles: Cast, studio: Studio, frame: Frame, emit: Emit, progress: Progress, faults: Faults
) -> dict[int, Take]:
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
    return narrate(lines, studio.crew, studio.vault, emit, progress, faults, mix=studio.mix_voices)


def _shots(story: Story, roles: Cast, plan: Timeline, presets: Presets, made: Mapping[str, str]) -> list[Shot]:
    look = presets.pick("looks", story.look)
    return [
        Shot(
            scene.prompt, None, role.reading.camera, place.frames, plan.frame, story.fit, role.seed, presets.models.get(role.model),
            look.prompt, without(story.negative_of(i), look.negative), card(story, i, made), point(scene.focus), loras=role.loras,
        )
        for i, (scene, role, place) in enumerate(zip(story.scenes, roles.roles, plan.scenes, strict=True))
    ]  # fmt: skip


def _surveyed(story: Story, roles: Cast, studio: Studio, faults: Faults) -> dict[int, Source | FilmError]:
    """The scenes' own videos; one that cannot be read is its scene's fault, and the others go on."""
    found: dict[int, Source | FilmError] = {}
    for i, (scene, role) in enumerate(zip(story.scenes, roles.roles, strict=True)):
        if role.video and scene.image:
            try:
                found[i] = survey(scene.image, scene.clip_start, studio.vault)
            except DiskFull:
                raise
            except FilmError as error:
                found[i] = faults.of(i, error.where if error.where in SCENE_FIELDS else "image", error)
    return found


def _path(crew: Crew, engine: str, shot: Shot, album: Album, i: int) -> Any:
    """The camera's matrices, where the engine moves a picture."""
    if i not in album or not hasattr(drawing := crew.get("clips", engine), "path"):
        return None
    return drawing.path(shot, album[i])


def _make(stretches: Stretches, sources: Sources, voiced: bool, progress: Progress) -> tuple[list[Part], Part, Part | None]:
    """Sound and picture side by side; then every scene's fault at once, if there are any."""
    made, scenes = stretches, stretches.story.scenes
    spans = made.timeline.spans
    for stage, total in (("music", 1), ("sound", 1), ("film", len(spans))):
        made.emit(Began(stage, total))
    ticks = [progress.tick("film", scenes[span.clips[0]].scene_number, span.frames) for span in spans]
    hands = made.studio.workers
    with Hands(hands) as pool, Pool(1) as other:
        order = running_order([(len(span.clips) == 2, span.frames) for span in spans], hands)
        seen = {k: pool.add(partial(_one, made, spans[k], ticks[k]), made.needs(spans[k]), NICE if k != order[0] else 0) for k in order}
        first = [seen[k] for k in order[:2]] if hands < FEW else []
        heard = other.submit(_heard, made, sources, voiced, progress, first)
        if identity := made.studio.marks.identity:
            other.submit(credentials.warm, identity)  # while the last stretches are encoded
        _finish([heard, *seen.values()], progress, pool)
    made.faults.settle()
    parts, heard_all = [seen[k].result() for k in range(len(spans))], heard.result()
    assert heard_all is not None
    return [part for part in parts if part], *heard_all


def running_order(spans: Sequence[tuple[bool, int]], hands: int) -> list[int]:
    """In which order stretches (turning from one scene to the next? frames) are made: in the film's, but a turn after both
    its scenes, because people watch for the scenes, and the last ones by length, so that all hands are done at about the same time."""
    order = sorted(range(len(spans)), key=lambda k: k + 1.5 if spans[k][0] else k)
    last = max(0, len(order) - 3 * hands)
    return [*order[:last], *sorted(order[last:], key=lambda k: -spans[k][1])]


def _heard(made: Stretches, sources: Sources, voiced: bool, progress: Progress, first: Sequence[Future[Any]]) -> tuple[Part, Part | None] | None:
    """The sound, made when what comes `first` is over; None where a narration is lacking that it would be mixed from, or
    a video's own sound."""
    wait(first)
    from .atmos import heard  # brings numpy: by now it is needed
    from .score import score

    if not voiced or any(isinstance(one, FilmError) for one in sources.values()):
        return None
    try:
        own = heard(made.story, sources, made.timeline, made.studio.vault, made.faults)
    except FilmError as error:
        if error in made.faults:
            return None
        raise
    return score(made.story, made.roles, made.timeline, made.studio.crew, made.studio.vault, made.emit, progress, own)


def _one(made: Stretches, span: Span, tick: Tick, place: Place) -> Part | None:
    """One stretch; None where one of its scenes has a fault that was told."""
    try:
        return made.make(span, tick, place)
    except FilmError as error:
        if error in made.faults:
            return None
        raise


def _finish(works: Sequence[Future[Any]], progress: Progress, hands: Hands | None = None) -> None:
    def stop() -> None:
        progress.stop()
        if hands:
            hands.stop()

    over(works, stop)


def _credits(roles: Cast, takes: Mapping[int, Take], studio: Studio) -> dict[str, str]:
    """What made the clips, the voice and the music, and the pictures if somebody did, for the people who watch."""
    crew = studio.crew
    filmed = [role for role in roles.roles if role.engine not in ("", ENGINE)] or [role for role in roles.roles if role.engine]
    clips = sorted({role.filmed_by(crew, studio.presets) for role in filmed})
    painters = sorted({label for role in roles.roles for label in role.painted_by(crew)})
    labels = {name: crew.get("voices", name).label for role in roles.roles for name in (one.narrator for one in role.speakers)}
    voices = sorted({labels.get(take.narrator, take.narrator) for take in takes.values()})
    music = "own file" if roles.own_music else crew.get("music", roles.composer).label if roles.composer else "none"
    painted = {"pictures": ", ".join(painters)} if painters else {}
    own = ["own videos"] if any(role.video for role in roles.roles) else []
    return {"clips": ", ".join([*clips, *own])} | painted | {"voice": ", ".join(voices) or "none", "music": music}


def _warn_undrawable(story: Story, plan: Timeline, emit: Emit) -> None:
    for i, scene in enumerate(story.scenes):
        for field, text in (("lower_third", scene.lower_third), ("prompt", scene.prompt if scene.card else "")):
            if lost := undrawable(text):
                said = f"scene {scene.scene_number}: our fonts have no sign for {' '.join(lost[:12])}; it is left out."
                emit(Warned(said, "", f"scenes[{i}].{field}"))
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
