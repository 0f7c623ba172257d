"""Who does what in a story: an engine for every clip, a narrator and voice for every line, a composer.

Everything that can be known to be lacking is found here, before any work. Makes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from math import inf
from pathlib import Path

from . import moves, shots, titles, wearing
from .crew import Crew, names
from .events import Warned
from .gate import is_video
from .gear import zero
from .language import language_of
from .loras import Lora, chosen, said
from .presets import Mood, Presets, choose
from .story import Scene, Story, sound_file, together
from .story_moods import mood_for
from .work import FilmError

Warn = Callable[[Warned], None]
CALM = "slow zoom in"  # behind words


@dataclass(frozen=True, slots=True)
class Speaker:
    """A narrator by name, and that narrator's own name for the voice."""

    narrator: str
    voice: str


@dataclass(frozen=True, slots=True)
class Role:
    """What one scene needs. `model`: its name among the presets, or empty; `painter`: who makes the picture, or empty
    where there is one or none is wanted. `speakers`: best first, empty for silence; `own_voice`: own sound file.

    `video`: the scene's image is a video. Then nobody makes its clip: `engine` is empty. `stylist`: the painter that draws
    the picture anew, if a model is to. `loras`: small changes to the clip's model; `painted`: to the painter's."""

    engine: str
    model: str
    painter: str
    reading: moves.Reading
    seed: int
    mood: Mood
    mood_name: str
    speakers: tuple[Speaker, ...]
    own_voice: Path | None
    video: bool = False
    stylist: str = ""
    loras: tuple[Lora, ...] = ()
    painted: tuple[Lora, ...] = ()

    def filmed_by(self, crew: Crew, presets: Presets) -> str:
        """Who makes the clip, for people: a model with the LoRA files it loads, or an engine."""
        label = presets.models[self.model].label if self.model else str(crew.get("clips", self.engine).label)
        return wearing.told(label, self.loras)

    def painted_by(self, crew: Crew) -> list[str]:
        """Who paints the picture or draws it anew."""
        return [wearing.told(str(crew.get("pictures", name).label), self.painted) for name in (self.painter, self.stylist) if name]


@dataclass(frozen=True, slots=True)
class Cast:
    """A story with everybody in place. `composer` is empty for no music or for somebody's own file. `lacking`: scenes
    that cannot be made, by position, with what is wrong; their roles only hold their places."""

    roles: tuple[Role, ...]
    composer: str
    own_music: Path | None
    lacking: Mapping[int, FilmError] = field(default_factory=dict)


def cast(story: Story, crew: Crew, presets: Presets, warn: Warn) -> Cast:
    """Fill every part of the story; FilmError with every fault at once if none of its scenes can be made, or its music
    cannot."""
    lacking: dict[int, FilmError] = {}
    language = language_of(" ".join(scene.narration for scene in story.scenes))
    casting = _Casting(story, crew, presets, warn, language)
    roles: list[Role] = []
    for i in range(len(story.scenes)):
        try:
            roles.append(casting.role(i))
        except FilmError as error:
            lacking[i] = error
            roles.append(casting.place(i))
    faults = list(lacking.values()) if len(lacking) == len(roles) else []
    composer, own_music = "", None
    try:
        own_music = sound_file(story.music)
        if story.music != "none" and own_music is None:
            composer = crew.best("music") if story.music == "auto" else story.music
            crew.ready("music", composer)
    except FilmError as error:
        faults = [*lacking.values(), FilmError(f"music: {error.message}", error.hint, "music")]
    faults = faults or ([] if lacking else casting.unworn(roles))
    if faults:
        raise together(faults)
    return Cast(tuple(roles), composer, own_music, lacking)


def filmed(story: Story, crew: Crew, presets: Presets) -> list[tuple[str, str] | None]:
    """Each scene's clip engine and its model ("" for none), as the film would have them; None where a scene shows a video.
    A model that is named is told even if it is not here; where nobody can be found, both are ""."""
    casting = _Casting(story, crew, presets, lambda _warned: None, "")

    def one(i: int) -> tuple[str, str] | None:
        scene = story.scenes[i]
        if scene.image and is_video(scene.image):
            return None
        if not scene.card and scene.engine in presets.models:
            return presets.models[scene.engine].engine, scene.engine
        try:
            return casting._engine(i)
        except FilmError:
            return "", ""

    return [one(i) for i in range(len(story.scenes))]


def model_of(engine: str, crew: Crew, presets: Presets) -> str:
    """The first of a clip engine's models that is there, or where GPUs are lent the quickest; "" for an engine that has
    none. FilmError with the remedy if it cannot be used."""
    if engine not in names("clips"):
        raise FilmError(f'There is no clip engine or model called "{engine}".', choose(engine, [*names("clips"), *presets.models]))
    made = crew.ready("clips", engine)
    own = {name: model for name, model in presets.models.items() if model.engine == engine}
    if not own and getattr(made, "wants_model", False):
        raise FilmError(f"{made.label} has no model here.", "Add one to models.toml.")
    lacks = {name: crew.lack("clips", engine, model) for name, model in own.items()}
    here = [name for name, lack in lacks.items() if lack is None]
    if own and not here:
        raise FilmError(f"{made.label} has no model here.", str(next(iter(lacks.values()))))
    if zero.here() and hasattr(made, "effort"):  # every second of a GPU that is lent counts
        here.sort(key=lambda name: made.effort(own[name]) or inf)
    return here[0] if here else ""


def wants_picture(crew: Crew, presets: Presets, engine: str, model: str) -> bool:
    """Whether that engine, with that model, cannot do without a picture."""
    own = presets.models[model].wants_picture if model else None
    return bool(crew.get("clips", engine).wants_picture if own is None else own)


@dataclass(frozen=True, slots=True)
class _Casting:
    story: Story
    crew: Crew
    presets: Presets
    warn: Warn
    language: str
    asked: dict[str, list[str]] = field(default_factory=dict)
    filming: dict[bool, tuple[str, str]] = field(default_factory=dict)

    def present(self, role: str) -> list[str]:
        """Who is there, best first; asked once, and only when somebody is needed."""
        if role not in self.asked:
            self.asked[role] = self.crew.present(role)
        return self.asked[role]

    def place(self, i: int) -> Role:
        """Nobody, where a scene cannot be made: it keeps its place while the others are."""
        seed = self.story.seed_of(i)
        mood, _ = mood_for(self.story.mood_of(i), self.presets)
        still = moves.read("static", moves.MAX_DURATION, self.presets.moves, seed)
        return Role(self.crew.best("clips"), "", "", still, seed, self.presets.moods[mood], mood, (), None)

    def role(self, i: int) -> Role:
        scene, seed = self.story.scenes[i], self.story.seed_of(i)
        n, where = scene.scene_number, f"scenes[{i}]"
        mood, known = mood_for(self.story.mood_of(i), self.presets)
        if not known and scene.music_mood:
            self.warn(Warned(f'scene {n}: the mood "{scene.music_mood}" is not known; "{mood}" is played.', "", f"{where}.music_mood"))
        video = scene.image is not None and is_video(scene.image)
        by_itself = video and scene.clip_action in ("", "auto")
        reading = moves.Reading(moves.Camera(())) if by_itself else self._reading(scene, seed)
        self._tell(reading, n, f"{where}.clip_action")
        reading = replace(reading, camera=moves.livelier(reading.camera, self.story.motion_of(i)))
        own = sound_file(self.story.voice_of(i))
        if video and scene.card:
            raise FilmError(f"scene {n}, image: a card has a picture behind its words, not a video.", "Give it a picture, or none.", f"{where}.image")
        if video:
            if scene.engine != "auto":
                self.warn(Warned(f"scene {n}: it shows a video of its own, so no engine is asked.", "Leave its engine empty.", f"{where}.engine"))
            if said(scene.loras):
                self.warn(Warned(f"scene {n}: it shows a video of its own, which no LoRA file changes.", "Leave loras empty.", f"{where}.loras"))
            silent = () if own else self._speakers(i)
            return Role("", "", "", reading, seed, self.presets.moods[mood], mood, silent, own, video)
        if scene.clip_start or scene.steady or scene.clip_sound != "under":
            self.warn(Warned(f"scene {n}: clip_start, clip_sound and steady are for videos; its image is none.", "", f"{where}.image"))
        engine, model = self._engine(i)
        painter = self._painter(i, engine, model)
        self._remark(scene, "pictures" if painter else "clips", painter or engine, where)
        self._negates(i, engine, painter)
        stylist = self._stylable(scene, painter, where)
        worn = self._worn(i, engine, model, painter or stylist)
        speakers = () if own else self._speakers(i)
        return Role(engine, model, painter, reading, seed, self.presets.moods[mood], mood, speakers, own, stylist=stylist, loras=worn.clip, painted=worn.picture)

    def _reading(self, scene: Scene, seed: int) -> moves.Reading:
        """What the camera does. Behind a card it does little, if nothing else was said."""
        action = CALM if scene.card and scene.clip_action == "auto" else scene.clip_action
        return shots.read(action, scene.duration, self.presets.moves, seed)

    def _stylable(self, scene: Scene, painter: str, where: str) -> str:
        """A picture style is for a picture. -> the painter that draws it anew, if a model does."""
        still = scene.image is not None and not is_video(scene.image)
        if scene.picture_style and not still and not painter:
            said = f"scene {scene.scene_number}: there is no picture to be drawn in the picture style; it is left out."
            self.warn(Warned(said, "Give the scene a picture, or the film a look.", f"{where}.picture_style"))
            return ""
        if not scene.picture_style or self.presets.styles[scene.picture_style].how != "model":
            return ""
        try:
            return self.crew.redrawer()
        except FilmError as error:
            said = f"scene {scene.scene_number}, picture_style: {self.presets.styles[scene.picture_style].label} needs a model that draws pictures anew."
            raise FilmError(said, error.hint, f"{where}.picture_style") from error

    def _worn(self, i: int, engine: str, model: str, painter: str) -> wearing.Dealt:
        """Who loads the scene's LoRA files. One of its own that nobody does is its fault; one of the story's is told."""
        scene, wanted = self.story.scenes[i], chosen(self.story.loras_of(i), self.presets.loras)
        made = wearing.dealt(wanted, self.crew, self.presets, engine, model, painter) if wanted else wearing.Dealt()
        label, n, where = self.crew.get("clips", engine).label, scene.scene_number, f"scenes[{i}].loras"
        label = self.presets.models[model].label if model else label
        if made.lack:
            raise FilmError(f"scene {n}, loras: they cannot be loaded.", made.lack, where)
        for name in made.left:
            what, can = f'{label} cannot load "{name}"', wearing.able({name: wanted[name]}, self.crew, self.presets)
            if name in said(scene.loras):
                raise FilmError(f"scene {n}, loras: {what}.", f"Choose an engine that can: {', '.join(can[:12])}." if can else "No model here can.", where)
            if not scene.card:
                self.warn(Warned(f"scene {n}: {what}; it is made without.", "", "loras"))
        return made

    def unworn(self, roles: Sequence[Role]) -> list[FilmError]:
        """The story's LoRA files that no scene of it loads: then it is not the film that was asked for."""
        worn = {one.file + one.repo for role in roles for one in (*role.loras, *role.painted)}
        lost = chosen({name: weight for name, weight in said(self.story.loras).items() if weight != 0}, self.presets.loras)
        lost = {name: one for name, one in lost.items() if one.file + one.repo not in worn}
        can = wearing.able(lost, self.crew, self.presets)
        hint = f"Give scenes an engine that can: {', '.join(can[:12])}." if can else "No model here can. Leave them out."
        return [FilmError(f"loras: nobody in this film can load {', '.join(lost)}.", hint, "loras")] if lost else []

    def _negates(self, i: int, engine: str, painter: str) -> None:
        """Tell where nobody heeds a negative prompt."""
        if not self.story.negative_of(i):
            return
        who = [self.crew.get(role, name) for role, name in (("clips", engine), ("pictures", painter)) if name]
        if not any(getattr(one, "negates", False) for one in who):
            said = f"scene {self.story.scenes[i].scene_number}: {who[-1].label} heeds no negative prompt."
            own = f"scenes[{i}]." if self.story.scenes[i].negative_prompt else ""
            self.warn(Warned(said, "", f"{own}negative_prompt"))

    def _remark(self, scene: Scene, role: str, name: str, where: str) -> None:
        """What whoever draws the prompt has to say of it."""
        told = getattr(self.crew.get(role, name), "remarks", None)
        for remark in told(scene.prompt, scene.image is not None) if told else ():
            self.warn(Warned(f"scene {scene.scene_number}: {remark}", "", f"{where}.prompt"))

    def _tell(self, reading: moves.Reading, n: int, where: str) -> None:
        if reading.unknown:
            said = ", ".join(f'"{word}"' for word in reading.unknown[:8])
            self.warn(Warned(f"scene {n}: {said} in the clip action is not a known move.", "`reelwright presets moves` lists them.", where))
        if reading.dropped:
            said = ", ".join(f'"{text}"' for text in reading.dropped)
            self.warn(Warned(f"scene {n}: {said} is left out, the scene is too short for so many moves.", "", where))

    def _engine(self, i: int) -> tuple[str, str]:
        """The scene's clip engine and its model ("" for none), both ready."""
        scene = self.story.scenes[i]
        if scene.card:
            if wrong := titles.wrong(scene):
                raise FilmError(f"scene {scene.scene_number}, prompt: {wrong[0]}", wrong[1], f"scenes[{i}].prompt")
            return titles.ENGINE, ""
        try:
            if scene.engine == "auto":
                for found in wearing.here(chosen(self.story.loras_of(i), self.presets.loras), self.crew, self.presets):
                    if bool(scene.image) == wants_picture(self.crew, self.presets, *found):  # one that needs none may not show it
                        return found
                return self._best(with_picture=scene.image is not None)
            if scene.engine not in self.presets.models:
                return scene.engine, model_of(scene.engine, self.crew, self.presets)
            model = self.presets.models[scene.engine]
            if model.engine not in names("clips"):
                said = f'the model "{scene.engine}" is for the clip engine "{model.engine}", which is not here.'
                raise FilmError(said, "Choose another, or add pipelines/clips/" + model.engine + ".py.")
            if lack := self.crew.lack("clips", model.engine, model):
                raise FilmError(f"{model.label} cannot be used here.", lack)
            return model.engine, scene.engine
        except FilmError as error:
            raise FilmError(f"scene {scene.scene_number}, engine: {error.message}", error.hint, f"scenes[{i}].engine") from error

    def _best(self, with_picture: bool) -> tuple[str, str]:
        """What "auto" means. Without a picture, first one that needs none."""
        if with_picture not in self.filming:
            first: tuple[str, str] | None = None
            for engine in self.crew.at_hand("clips"):
                if engine == titles.ENGINE:
                    continue
                with suppress(FilmError):  # none of its models is there
                    found = engine, model_of(engine, self.crew, self.presets)
                    if with_picture or not wants_picture(self.crew, self.presets, *found):
                        self.filming[with_picture] = found
                        break
                    first = first or found
            else:
                if not first or not self.present("pictures"):
                    raise FilmError("there is no picture, and nothing at hand makes one from a prompt.", "Add a picture to the scene.")
                self.filming[with_picture] = first
        return self.filming[with_picture]

    def _painter(self, i: int, engine: str, model: str) -> str:
        scene = self.story.scenes[i]
        if scene.image or not wants_picture(self.crew, self.presets, engine, model):
            return ""
        if not self.present("pictures"):
            said = f"scene {scene.scene_number}, engine: {self.crew.get('clips', engine).label} needs a picture."
            raise FilmError(said, "Add a picture to the scene.", f"scenes[{i}].engine")
        return self.present("pictures")[0]

    def _speakers(self, i: int) -> tuple[Speaker, ...]:
        """Best first. The first that works speaks; the others are asked when it fails."""
        scene, wanted = self.story.scenes[i], self.story.voice_of(i)
        if not scene.narration.strip() or wanted == "none":
            return ()
        try:
            return speakers(wanted, scene.narration, self.language, self.crew, self.presets, self.present("voices"))
        except FilmError as error:
            where = f"scenes[{i}].voice"
            raise FilmError(f"scene {scene.scene_number}, voice: {error.message}", error.hint, where) from error


def speakers(
    wanted: str, text: str, language: str, crew: Crew, presets: Presets, present: Sequence[str] | None = None
) -> tuple[Speaker, ...]:
    """Who can speak the text as the voice `wanted` ("auto", a preset, or narrator:voice), best first.

    `language` is taken where the text does not tell its own; `present` are the narrators at hand, if that was asked
    already. FilmError if there is nobody.
    """
    present = crew.present("voices") if present is None else present
    if wanted == "auto":
        suits = language_of(text, default=language)
        found = [Speaker(name, voice) for name in present if (voice := crew.get("voices", name).voice_for(suits))]
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
