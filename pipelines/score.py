"""The film's sound: music from a composer or somebody's own file, then the mix. Knows the plan, draws nothing."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from . import ffmpeg, sound
from .cast import Cast
from .crew import Crew
from .events import Emit, Made, strained
from .plan import Cue
from .presets import Mood
from .progress import Progress
from .schedule import cue
from .story import Story
from .timeline import Timeline
from .vault import Notes, Part, Vault, digest
from .work import FilmError, Tick


def score(
    story: Story, roles: Cast, timeline: Timeline, crew: Crew, vault: Vault, emit: Emit, progress: Progress,
    own: tuple[sound.Own, ...] = (),
) -> tuple[Part, Part | None]:  # fmt: skip
    """The whole mix, exactly as long as the picture, and the music in it. `own`: what videos bring along."""
    music_tick, mix_tick = progress.tick("music"), progress.tick("sound")
    samples = round(timeline.frames / timeline.frame.rate * sound.RATE)
    music = _music(story, roles, timeline, samples, crew, vault, music_tick)
    if music:
        for said in [] if music.reused else strained(music.notes, "music", "the music", "music"):
            emit(said)
        emit(Made("music", 0, str(music.path), music.reused))
    mix = sound.Mix(samples, timeline.spoken, music.path if music else None, story.music_level, _loud(music, vault), own)
    spoken = [[one.take.path.stem, round(one.start * sound.RATE)] for one in timeline.spoken]
    recipe = [sound.VERSION, samples, spoken, music.key if music else "", story.music_level, ffmpeg.version()]
    recipe += [[[one.path.stem, one.first, one.samples, one.gain, one.under, one.ends] for one in own]] if own else []
    part = vault.make("sound", ".m4a", recipe, lambda out: sound.render(mix, out, mix_tick))
    emit(Made("sound", 0, str(part.path), part.reused))
    return part, music


def _loud(music: Part | None, vault: Vault) -> float:
    """How loud the music is, in LUFS; measured once for each piece."""
    if music is None:
        return sound.SILENCE

    def build(out: Path) -> Notes:
        loud = sound.loudness(music.path)
        out.write_text(f"{loud} LUFS", "utf-8")
        return {"loudness": round(loud, 3) if loud > sound.SILENCE else None}

    found = vault.make("loudness", ".txt", [sound.VERSION, music.key], build).notes["loudness"]
    return float(str(found)) if found is not None else sound.SILENCE


def _music(
    story: Story, roles: Cast, timeline: Timeline, samples: int, crew: Crew, vault: Vault, tick: Tick
) -> Part | None:
    seconds = samples / sound.RATE
    if path := roles.own_music:

        def build(out: Path) -> Notes:
            sound.own(path, 2, out, seconds)
            return {}

        try:
            return vault.make("music", ".wav", ["own", sound.VERSION, digest(path), samples], build)
        except (FilmError, OSError) as error:
            said = error.message if isinstance(error, FilmError) else "The sound file cannot be read."
            raise FilmError(f"music: {said}", getattr(error, "hint", ""), "music") from error
    if not roles.composer:
        return None
    return composed(cue(roles, timeline, seconds, story.seed), roles.composer, crew, vault, tick)


def composed(asked: Cue, composer: str, crew: Crew, vault: Vault, tick: Tick, *, patient: bool = True) -> Part:
    """The cue as that composer plays it: a 48 kHz stereo WAV, exactly as long. Not patient: see crew.Crew.turn."""
    engine = crew.ready("music", composer)
    sections = [[_heard(one.mood), one.start] for one in asked.sections]
    recipe: list[object] = [composer, engine.version, sections, round(asked.seconds * sound.RATE), asked.seed]
    recipe += [engine.recipe(asked)] if hasattr(engine, "recipe") else []

    def build(out: Path) -> Notes:
        with crew.turn(engine, tick, patient=patient):
            notes: Notes = engine.compose(asked, out, tick)
        return notes

    return vault.make("music", ".wav", recipe, build)


def _heard(mood: Mood) -> list[object]:
    """Everything in a mood that changes a note: a new label composes nothing anew."""
    return [[f.name, getattr(mood, f.name)] for f in fields(mood) if f.name not in ("label", "what", "words")]
