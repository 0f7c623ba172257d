"""Where films are asked for: the only thing that page, programs and command line touch. Knows no door and no page.

A job is a story; its film and what lies beside it are in a folder of its own. Everything here is safe from any thread.
"""

from __future__ import annotations

import logging
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from pipelines import ffmpeg, roster, terms
from pipelines.cards import cards
from pipelines.crew import ROLES
from pipelines.estimate import Estimate, estimate, past
from pipelines.events import Began, Done, Made, Moved, Warned, wanted
from pipelines.gear import zero
from pipelines.people import People
from pipelines.presets import KINDS, Presets
from pipelines.render import Studio, warm
from pipelines.render import render as make_film
from pipelines.story import Story, plain
from pipelines.story import read as read_story
from pipelines.story import schema as story_schema
from pipelines.work import FilmError

from . import consent
from .jobs import Emit, Job, Jobs, Stamped, Terms, Told
from .limits import check, check_verb
from .settings import DAY, HOUR, Settings, sweep
from .settings import studio as studio_of

SETTLED = 60.0  # seconds after the start before old things are swept for the first time
LEAP = 30 * DAY  # if the clock says that so long ago was the last look, it may be wrong, and everything would look old
DOUBT = 3 * HOUR  # so long nothing is swept then: time to notice, and to set it right
log = logging.getLogger("reelwright.desk")
FILM = "film.mp4"
BESIDE = {"film": ".mp4", "srt": ".srt", "vtt": ".vtt", "timeline": ".timeline.json"}


@dataclass(frozen=True, slots=True)
class Result:
    """What a job made. Paths of things that were not asked for are None."""

    film: Path
    srt: Path | None
    vtt: Path | None
    timeline: Path | None


class Desk:
    """One data folder's studio, running."""

    def __init__(self, settings: Settings, studio: Studio | None = None, also_sweep: Callable[[], object] = list) -> None:
        self.settings = settings
        self.studio = studio or studio_of(settings)
        self.people = People(self.studio.vault)
        self.films = settings.data / "films"
        self.films.mkdir(parents=True, exist_ok=True)
        self._whole = threading.Event()
        self._jobs = Jobs(settings.data / "jobs", self._make)  # a film that was left over begins at once
        self._payers = WeakValueDictionary[str, zero.Visitor]()  # by job, while it waits or is made
        self._also_sweep = also_sweep
        self._looked = settings.data / "swept"  # its date is that of the last look for old things
        self._closing = threading.Event()
        self._warming = threading.Thread(target=self._warm, name="warming", daemon=True)
        self._sweeper = threading.Thread(target=self._sweep_often, name="sweeper", daemon=True)
        self._sweeper.start()
        self._whole.set()

    @property
    def presets(self) -> Presets:
        return self.studio.presets

    def submit(self, story: Story, owner: str, key: str = "", told: Told | None = None, films: int | None = None) -> str:
        """Accept a story to be made; it will be, whatever happens to us. -> the job's id, which nobody can guess.

        `told`: what the caller keeps with the job; "cut" in it is what is made instead of the story: a verb, its videos
        and how (see `cut`).
        "consent": whether a program said that whoever its pictures show agrees; if not, the film's warnings say so.
        `films`: how many this owner may ask for in a day, if not as many as the settings say. FilmError if the settings
        allow no such film, Busy if there are too many.
        """
        check(story, self.settings, self.presets)
        return self._accepted(plain(story), owner, key, told, films)

    def cut(
        self, verb: str, videos: Sequence[Path], how: Told, owner: str, key: str = "", told: Told | None = None, films: int | None = None
    ) -> str:
        """Accept given videos to be made over; see pipelines.verbs. -> the job's id. The videos must stay where they are
        until it is done. FilmError, by the field's name, for what does not fit; Busy as for a film."""
        from pipelines.verbs.table import asked

        check_verb(asked(verb, how)[1], self.settings, self.presets)
        work = {"verb": verb, "videos": [str(video) for video in videos], "how": dict(how)}
        return self._accepted({}, owner, key, (told or {}) | {"cut": work}, films)

    def _accepted(self, story: Told, owner: str, key: str, told: Told | None, films: int | None) -> str:
        """GPUs that are lent for it are lent to whoever asks now."""
        terms = Terms(self.settings.films_at_once, self.settings.films if films is None else films)
        who = zero.visitor()
        job = self._jobs.submit(story, owner, key, told, terms, zero.paid_by(who))
        if who:
            self._payers.setdefault(job, who)
        return job

    def stays(self, job: str) -> None:
        """Whoever asked for it is there still, and asks now: GPUs are lent to them for some minutes more."""
        if (known := self._payers.get(job)) and (who := zero.visitor()):
            known.token = who.token

    def warm(self) -> None:
        """Get ready for the first film, beside whatever else goes on."""
        self._warming.start()

    def _warm(self) -> None:
        try:
            warm(self.studio)
        except (FilmError, OSError, ImportError):  # whoever makes a film is told
            log.info("warming up was not possible", exc_info=True)

    def job(self, job: str, owner: str | None = None) -> Job:
        """The job; FilmError, the same for one that is not there and one that is somebody else's."""
        found = self._jobs.get(job)
        if found is None or (owner is not None and found.owner != owner):
            raise FilmError("There is no such film.", "Look at the list of your films.")
        return found

    def jobs(self, owner: str | None = None) -> list[Job]:
        """The newest first."""
        return self._jobs.newest(owner)

    def page(self, owner: str, door: str, after: str = "", most: int = 20, newest_first: bool = True) -> list[Job]:
        """An owner's jobs that came through one door, from beyond the job `after`."""
        return self._jobs.page(owner, door, after, most, newest_first)

    def ended(self, door: str, since: float) -> list[Job]:
        """A door's jobs that were over at `since` or later, the oldest first."""
        return self._jobs.ended(door, since)

    def counts(self) -> dict[str, int]:
        """How many jobs there are in each state."""
        return self._jobs.counts()

    def delete(self, job: str) -> None:
        """Stop it if it is not over, and let go of it and its film."""
        self._jobs.disown(job)
        shutil.rmtree(self.films / os.path.basename(job), ignore_errors=True)

    def ahead(self, job: str) -> int:
        """How many films are made before this one."""
        return self._jobs.ahead(job)

    def cancel(self, job: str) -> None:
        """Stop it; finished parts are kept."""
        if not self.job(job).over:
            self._jobs.cancel(job)

    def watch(self, job: str, after: int = 0) -> Iterator[Stamped | None]:
        """See jobs.Jobs.watch."""
        return self._jobs.watch(job, after)

    def events(self, job: str, after: int = 0) -> list[Stamped]:
        """What happened so far, without what is only progress."""
        return self._jobs.events(job, after)

    def progress(self, job: str) -> list[Stamped]:
        """How far a running job is, and each scene at work; the newest last."""
        return self._jobs.progress(job)

    def glimpses(self, job: str) -> list[Stamped]:
        """What each scene of a running job is becoming whose clip is computed: its newest small picture."""
        return self._jobs.glimpses(job)

    def estimate(self, story: Story) -> Estimate:
        """About how many seconds the story's clips will take here, how sure that is, and of which scenes nobody knows."""
        there = cards()
        return estimate(story, self.studio.crew, self.presets, there[0].name if there else "", past(self.studio.vault), len(there))

    def terms(self, engine: str) -> str:
        """On what terms a scene's engine or model comes, for where one chooses: see pipelines.roster.terms."""
        return roster.terms(engine, self.studio.crew, self.presets)

    def stuck(self, job: str) -> bool:
        """Whether a job waits for room on the disk to say how it ended."""
        return self._jobs.stuck(job)

    def version(self, job: str) -> int:
        """Grows with everything new about a job."""
        return self._jobs.version(job)

    def steps(self, job: str) -> int:
        """The same, but it stays where it is for what is only progress."""
        return self._jobs.steps(job)

    def story(self, job: str) -> Told:
        """What the job was asked to make, as plain data; nothing where only given videos are made over."""
        return self._jobs.story(job)

    def result(self, job: str) -> Result:
        """What a finished job made; FilmError if it is not done or was swept away."""
        if self.job(job).state != "done":
            raise FilmError("The film is not made yet.", "Wait until it is.")
        film = self.films / job / FILM
        if not film.is_file():
            raise FilmError("The film was cleared away.", "Make it again: it takes a moment.")
        found = {name: path if (path := film.with_suffix(suffix)).is_file() else None for name, suffix in BESIDE.items()}
        return Result(film, found["srt"], found["vtt"], found["timeline"])

    def credits(self, job: str) -> dict[str, str]:
        """Who did what in a finished job's film, by part."""
        done = [stamped.event for stamped in self.events(job) if stamped.event["event"] == "done"]
        return dict(done[-1]["engines"]) if done else {}

    def marks(self, job: str) -> tuple[str, ...]:
        """How a finished job's film is marked, in sentences."""
        done = [stamped.event for stamped in self.events(job) if stamped.event["event"] == "done"]
        return tuple(str(said) for said in (done[-1].get("marks") or {}).values()) if done else ()

    def catalog(self) -> dict[str, Any]:
        """Everything that can be asked for: presets by kind, engines and models with what they lack and on
        what terms they come, the GPUs that are here, a story's schema."""
        entries: dict[str, Any] = {
            kind: {name: {"label": one.label, "what": getattr(one, "what", "")} for name, one in getattr(self.presets, kind).items()}
            for kind in KINDS
        }
        engines = [
            {"role": role, "does": ROLES[role], "name": name, "label": one.label, "online": one.online, "missing": one.missing()}
            for role, name, one in self.studio.crew.everybody()
        ]
        there = cards()
        for one in roster.roster(self.studio.crew, self.presets):
            model = one.model
            told = {"engine": model.engine, "terms": model.terms, "vram": model.vram, "room": roster.room(model, there), "missing": one.lack}
            entries[one.kind][one.name] |= told
        entries["loras"] = {
            name: {"label": lora.label, "what": lora.what, "terms": lora.terms, "models": list(lora.models)} for name, lora in self.presets.loras.items()
        }
        gpus = [{"name": card.name, "gigabytes": card.gigabytes, "free": card.free} for card in there]
        return entries | {"engines": engines, "gpus": gpus, "story": story_schema()}

    def close(self) -> None:
        """Put everything down; what was being made goes on at the next start."""
        self._closing.set()
        self._sweeper.join()
        if self._warming.ident:  # what is loaded half must not be in the way of ending
            self._warming.join()
        self._jobs.close()
        self.studio.crew.close()

    def _cut(self, job: str, told: Told, emit: Emit) -> None:
        """Given videos, made over."""
        from pipelines.verbs.table import asked, models

        verb, how = asked(told["verb"], told["how"])
        out = self.films / job / FILM
        emit(Began("film", 1))
        for one in terms.news(models(verb, how, self.studio), self.studio.vault):
            emit(one)
        self._ask(job, {f"videos[{i}]": Path(video) for i, video in enumerate(told["videos"])}, emit)
        with ffmpeg.while_wanted(wanted(emit)):  # it has events only when a picture is made
            cut = verb.does([Path(video) for video in told["videos"]], how, self.studio, out, lambda done: emit(Moved("film", done)))
        for note in cut.notes:
            emit(Warned(note))
        emit(Made("film", 0, str(out), False))
        emit(Done(str(out), cut.seconds, cut.frames, {"clips": cut.how}))

    def _ask(self, job: str, pictures: Mapping[str, Path], emit: Emit) -> None:
        """Where a program sent faces and did not say that they agree, its film says so."""
        known = self._jobs.get(job)
        for one in consent.untold(known.told if known else {}, pictures, self.people):
            emit(one)

    def _make(self, job: str, told: Told, emit: Emit) -> None:
        self._whole.wait()
        known = self._jobs.get(job)
        if known is not None and "cut" in known.told:  # a given video made over; a story there is only what it is told by
            self._cut(job, known.told["cut"], emit)
            return
        story = read_story(told, self.presets, Path(Path.cwd().anchor))
        self._ask(job, {f"scenes[{i}].image": scene.image for i, scene in enumerate(story.scenes) if scene.image}, emit)
        make_film(story, self.studio, emit, self.films / job / FILM)

    def sweep(self) -> None:
        """Let go of what is old: jobs with their films, parts that nobody used, uploads, and what the page keeps."""
        for job in self._jobs.forget(self.settings.film_days * DAY):
            shutil.rmtree(self.films / os.path.basename(job), ignore_errors=True)
        sweep(self.settings, self.studio.vault)
        self._also_sweep()

    def _leapt(self, since: float) -> float:
        """Since when (on the clock that never leaps) the time of day is in doubt; 0.0 if it is not."""
        now = time.time()
        if not self._looked.exists():
            self._looked.touch()
        if abs(now - self._looked.stat().st_mtime) < LEAP:
            return 0.0
        return since or time.monotonic()

    def _sweep_often(self) -> None:
        pause, leapt = SETTLED, 0.0
        while not self._closing.wait(pause):
            pause = HOUR
            try:
                leapt = self._leapt(leapt)
                if leapt and time.monotonic() - leapt < DOUBT:
                    continue
                self.sweep()
                self._looked.touch()
                leapt = 0.0
            except (FilmError, OSError):
                log.warning("sweeping was not possible", exc_info=True)
