"""Who does what in a story: an engine for every clip, a narrator and voice for every line, a composer.

Everything that can be known to be lacking is said here, before any work. Makes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from . import moves
from .crew import Crew, names
from .events import Warned
from .language import language_of
from .presets import Mood, Presets
from .story import Story, mood_for, sound_file, together
from .work import FilmError

Warn = Callable[[Warned], None]


@dataclass(frozen=True, slots=True)
class Speaker:
    """A narrator by name, and that narrator's own name for the voice."""

    narrator: str
    voice: str


@dataclass(frozen=True, slots=True)
class Role:
    """What one scene needs. `speakers`: best first, empty for silence; `own_voice`: somebody's own sound file."""

    engine: str
    reading: moves.Reading
    seed: int
    mood: Mood
    mood_name: str
    speakers: tuple[Speaker, ...]
    own_voice: Path | None


@dataclass(frozen=True, slots=True)
class Cast:
    """A story with everybody in place. `composer` is empty for no music or for somebody's own file."""

    roles: tuple[Role, ...]
    composer: str
    own_music: Path | None


def cast(story: Story, crew: Crew, presets: Presets, warn: Warn) -> Cast:
    """Fill every part of the story; FilmError with every fault at once."""
    faults: list[FilmError] = []
    language = language_of(" ".join(scene.narration for scene in story.scenes))
    casting = _Casting(story, crew, presets, warn, language)
    roles = []
    for i in range(len(story.scenes)):
        try:
            roles.append(casting.role(i))
        except FilmError as error:
            faults.append(error)
    composer, own_music = "", None
    try:
        own_music = sound_file(story.music)
        if story.music != "none" and own_music is None:
            composer = crew.best("music") if story.music == "auto" else story.music
            crew.ready("music", composer)
    except FilmError as error:
        faults.append(FilmError(f"music: {error.message}", error.hint, "music"))
    if faults:
        raise together(faults)
    return Cast(tuple(roles), composer, own_music)


@dataclass(frozen=True, slots=True)
class _Casting:
    story: Story
    crew: Crew
    presets: Presets
    warn: Warn
    language: str

    def role(self, i: int) -> Role:
        scene, seed = self.story.scenes[i], self.story.seed_of(i)
        n, where = scene.scene_number, f"scenes[{i}]"
        mood, known = mood_for(self.story.mood_of(i), self.presets)
        if not known and scene.music_mood:
            self.warn(Warned(f'scene {n}: the mood "{scene.music_mood}" is not known; "{mood}" is played.', "", f"{where}.music_mood"))
        reading = moves.read(scene.clip_action, scene.duration or moves.MAX_DURATION, self.presets.moves, seed)
        self._tell(reading, n, f"{where}.clip_action")
        own = sound_file(self.story.voice_of(i))
        return Role(
            self._engine(i), reading, seed, self.presets.moods[mood], mood, () if own else self._speakers(i), own
        )

    def _tell(self, reading: moves.Reading, n: int, where: str) -> None:
        if reading.unknown:
            said = ", ".join(f'"{word}"' for word in reading.unknown[:8])
            self.warn(Warned(f"scene {n}: {said} in the clip action is not a known move.", "`reelwright presets moves` lists them.", where))
        if reading.dropped:
            said = ", ".join(f'"{text}"' for text in reading.dropped)
            self.warn(Warned(f"scene {n}: {said} is left out, the scene is too short for so many moves.", "", where))

    def _engine(self, i: int) -> str:
        scene = self.story.scenes[i]
        n, where = scene.scene_number, f"scenes[{i}].engine"
        try:
            name = scene.engine
            if name == "auto":
                usable = [one for one in self.crew.present("clips") if scene.image or not self.crew.get("clips", one).wants_picture]
                if not usable:
                    hint = "Add a picture to the scene."
                    raise FilmError("there is no picture, and nothing at hand makes one from a prompt.", hint)
                name = usable[0]
            engine = self.crew.ready("clips", name)
            if engine.wants_picture and not scene.image:
                raise FilmError(f"{engine.label} needs a picture.", "Add a picture to the scene.")
        except FilmError as error:
            raise FilmError(f"scene {n}, engine: {error.message}", error.hint, where) from error
        return name

    def _speakers(self, i: int) -> tuple[Speaker, ...]:
        """Best first. The first that works speaks; the others are asked when it fails."""
        scene, wanted = self.story.scenes[i], self.story.voice_of(i)
        if not scene.narration.strip() or wanted == "none":
            return ()
        try:
            return speakers(wanted, scene.narration, self.language, self.crew, self.presets)
        except FilmError as error:
            where = f"scenes[{i}].voice"
            raise FilmError(f"scene {scene.scene_number}, voice: {error.message}", error.hint, where) from error


def speakers(wanted: str, text: str, language: str, crew: Crew, presets: Presets) -> tuple[Speaker, ...]:
    """Who can speak the text as the voice `wanted` ("auto", a preset, or narrator:voice), best first.

    `language` is taken where the text does not tell its own. FilmError if there is nobody.
    """
    present = crew.present("voices")
    if wanted == "auto":
        suits = language_of(text, default=language)
        found = [Speaker(name, crew.get("voices", name).voice_for(suits)) for name in present]
    elif wanted in presets.voices:
        ids = presets.voices[wanted].ids
        found = [Speaker(name, ids[name]) for name in present if name in ids]
    else:
        name, _, voice = wanted.partition(":")
        crew.ready("voices", name)
        found = [Speaker(name, voice)]
    if not found:
        lacks = "; ".join(f"{name}: {crew.get('voices', name).missing()}" for name in names("voices"))
        raise FilmError(f'nobody here can speak as "{wanted}".', lacks)
    return tuple(found)
