"""What things are called: presets/*.toml, then the user's own folder (the later wins), as frozen values.

One top-level table is one entry and its key is the entry's name. Knows the shape of each kind, not what engines do
with it. A preset holds names and numbers only; none of it is ever handed to ffmpeg as a filter.
"""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import field
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, JsonValue, SkipValidation, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from .loras import Lora
from .work import FilmError

if TYPE_CHECKING:
    from .drawing.vocabulary import Vocabulary

strict = ConfigDict(extra="forbid", allow_inf_nan=False, arbitrary_types_allowed=True)
Share = Annotated[float, Field(ge=0, le=1)]
Colour = Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$")]
Even = Annotated[int, Field(ge=64, le=7680, multiple_of=2)]


def _finite(options: dict[str, JsonValue]) -> dict[str, JsonValue]:
    json.dumps(options, allow_nan=False)  # a recipe holds no other number
    return options


@dataclass(frozen=True, slots=True, config=strict)
class Move:
    """One camera move. Travel is in shares of the frame, turns in degrees; each is what the whole move does.

    zoom: how much larger things become (below 1: smaller). pan: the camera goes right. tilt: it goes down.
    roll: it turns clockwise. orbit: it circles, in shares of the frame. shake: how far it trembles.
    """

    label: str
    what: str
    words: tuple[str, ...]
    zoom: Annotated[float, Field(ge=0.5, le=2)] = 1.0
    pan: Annotated[float, Field(ge=-1, le=1)] = 0.0
    tilt: Annotated[float, Field(ge=-1, le=1)] = 0.0
    roll: Annotated[float, Field(ge=-45, le=45)] = 0.0
    orbit: Annotated[float, Field(ge=0, le=0.3)] = 0.0
    shake: Annotated[float, Field(ge=0, le=0.1)] = 0.0
    shake_hz: Annotated[float, Field(gt=0, le=12)] = 1.0
    wander: bool = False  # directions are drawn from the seed
    auto: Annotated[int, Field(ge=0, le=10)] = 0  # how often "auto" picks it


@dataclass(frozen=True, slots=True, config=strict)
class Transition:
    """How one scene turns into the next; `xfade` is the name in ffmpeg, empty for a straight cut."""

    label: str
    what: str
    xfade: Annotated[str, Field(pattern=r"^[a-z]{0,20}$")] = ""


@dataclass(frozen=True, slots=True, config=strict)
class Voice:
    """One speaker. `ids` maps a narrator's name (a file in pipelines/voices) to its own name for this voice."""

    label: str
    language: Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]+)*$")]
    gender: Literal["female", "male", "neutral"]
    ids: dict[str, str]


Sound = Literal[
    "piano", "e-piano", "celesta", "glockenspiel", "music-box", "vibraphone", "marimba", "bells", "accordion", "guitar",
    "steel-guitar", "muted-guitar", "upright-bass", "bass-guitar", "synth-bass", "cello", "double-bass", "pizzicato",
    "harp", "timpani", "strings", "choir", "trumpet", "trombone", "horns", "oboe", "bassoon", "clarinet", "flute",
    "whistle", "dream", "warm-pad", "voices", "glass", "sweep", "kalimba", "woodblock", "taiko",
]  # fmt: skip
Plays = Literal[
    "pad", "swell", "drone", "bass", "bass-pulse", "bass-groove", "oompah", "offbeats", "arpeggio", "runs", "broken",
    "ostinato", "chords", "strum", "stabs", "melody", "counter", "sparkle", "hits", "shiver",
]  # fmt: skip


@dataclass(frozen=True, slots=True, config=strict)
class Layer:
    """One instrument of a mood: what it plays, how loud (dB), where it sits (-1 left, 1 right), octaves up or down.

    `enters` is the share of the section's first phrases that pass before it comes in.
    """

    sound: Sound
    plays: Plays
    level: Annotated[float, Field(ge=-30, le=12)] = 0.0
    pan: Annotated[float, Field(ge=-1, le=1)] = 0.0
    octave: Annotated[int, Field(ge=-3, le=3)] = 0
    enters: Share = 0.0


Key = Literal["C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B"]
Chords = Annotated[
    str,
    Field(pattern=r"^([b#]?(I{1,3}|IV|VI{0,2}|i{1,3}|iv|vi{0,2})(o|\+|7|maj7|sus2|sus4|add9|9)?( |$)){1,16}$"),
]


@dataclass(frozen=True, slots=True, config=strict)
class Mood:
    """A mood of music. `prompt` is for models that compose from words; the rest is for composers that follow rules.

    tempo: beats a minute. meter: beats a bar. keys: those it may be in. progressions: chords as Roman numerals (capital
    for major, small for minor), one after the other, each `chord_bars` long; the seed draws one. intensity: how hard
    everything is played. motion: how many notes a melody has. swing: how far the offbeats lag. space: reverb.
    """

    label: str
    what: str
    prompt: str
    words: tuple[str, ...] = ()
    tempo: Annotated[float, Field(ge=40, le=180)] = 84.0
    meter: Annotated[int, Field(ge=2, le=6)] = 4
    keys: Annotated[tuple[Key, ...], Field(min_length=1)] = ("C", "G", "F", "D")
    mode: Literal["major", "minor", "harmonic", "dorian", "lydian", "mixolydian", "phrygian"] = "major"
    progressions: Annotated[tuple[Chords, ...], Field(min_length=1)] = ("I V vi IV", "vi IV I V")
    chord_bars: Annotated[int, Field(ge=1, le=4)] = 1
    intensity: Share = 0.5
    motion: Share = 0.4
    swing: Annotated[float, Field(ge=0, le=0.35)] = 0.0
    space: Share = 0.35
    drums: Literal["none", "soft", "pop", "lofi", "drive", "epic", "march", "brushes", "heartbeat", "ticking"] = "none"
    layers: Annotated[tuple[Layer, ...], Field(min_length=1, max_length=12)] = (
        Layer("strings", "pad", -4),
        Layer("double-bass", "bass", -3),
        Layer("piano", "broken", -2, enters=0.25),
        Layer("flute", "melody", -4, enters=0.5),
    )


@dataclass(frozen=True, slots=True, config=strict)
class Look:
    """A grade over the whole picture; every number at its default changes nothing.

    prompt: words that steer a model towards the look. negative: what a model is to leave out for it.
    """

    label: str
    what: str
    saturation: Annotated[float, Field(ge=0, le=3)] = 1.0
    contrast: Annotated[float, Field(ge=0.3, le=2)] = 1.0
    brightness: Annotated[float, Field(ge=-0.5, le=0.5)] = 0.0
    gamma: Annotated[float, Field(ge=0.3, le=3)] = 1.0
    kelvin: Annotated[int, Field(ge=2000, le=12000)] = 6500
    fade: Share = 0.0  # lifts the blacks
    shadows: tuple[float, float, float] = (0.0, 0.0, 0.0)  # red, green, blue, -1..1
    highlights: tuple[float, float, float] = (0.0, 0.0, 0.0)
    monochrome: Colour | Literal[""] = ""  # grey, tinted in that colour
    vignette: Share = 0.0
    grain: Share = 0.0
    soften: Share = 0.0
    prompt: Annotated[str, Field(max_length=500)] = ""
    negative: Annotated[str, Field(max_length=500)] = ""


@dataclass(frozen=True, slots=True, config=strict)
class Size:
    """A frame size by name."""

    label: str
    width: Even
    height: Even


@dataclass(frozen=True, slots=True, config=strict)
class Quality:
    """How the film is encoded by x264; `scale` 0.5 makes it half as wide and high."""

    label: str
    preset: Literal["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow"]
    crf: Annotated[int, Field(ge=0, le=40)]
    scale: Annotated[float, Field(ge=0.25, le=1)] = 1.0


@dataclass(frozen=True, slots=True, config=strict)
class CaptionStyle:
    """How captions look when they are in the picture.

    `size` is the letters' em as a share of the frame's shorter side, `margin` a share of the frame's height; the other
    lengths are shares of the size. With a `highlight` the word being said takes that colour.
    """

    label: str
    what: str
    size: Annotated[float, Field(ge=0.02, le=0.2)] = 0.05
    colour: Colour = "#ffffff"
    highlight: Colour | Literal[""] = ""  # the word being said
    outline: Colour = "#000000"
    outline_width: Share = 0.08
    shadow: Share = 0.0
    blur: Share = 0.0  # softens outline and shadow
    box: Colour | Literal[""] = ""
    box_opacity: Share = 0.6
    margin: Annotated[float, Field(ge=0, le=0.4)] = 0.06
    place: Literal["bottom", "middle", "top"] = "bottom"
    capitals: bool = False
    bold: bool = True
    motion: Literal["none", "pop", "word"] = "none"  # pop: words spring up as they are said; word: one at a time


@dataclass(frozen=True, slots=True, config=strict)
class Style:
    """A picture as if drawn or painted. `how`: a function of that name in pipelines/styles.py; it uses what suits it. Or
    model: one of the painters draws the picture anew as `prompt` says, going as far as `strength`.

    detail: how small strokes are. colours: in its palette, or tones. lines: how strong. paper: how much of its grain is seen.
    """

    label: str
    what: str
    how: Literal["sketch", "ink", "watercolour", "poster", "pixel", "cel", "model"]
    prompt: str = ""
    negative: str = ""
    strength: Literal["subtle", "mild", "strong"] = "mild"
    detail: Share = 0.5
    colours: Annotated[int, Field(ge=2, le=64)] = 8
    lines: Share = 0.5
    paper: Share = 0.0
    saturation: Annotated[float, Field(ge=0, le=3)] = 1.0
    ink: Colour = "#1a1a1e"
    ground: Colour = "#fbf8f1"

    @property
    def content(self) -> list[object]:
        """What changes a picture: everything but its names."""
        return [self.how, self.detail, self.colours, self.lines, self.paper, self.saturation, self.ink, self.ground]


@dataclass(frozen=True, slots=True, config=strict)
class Tells:
    """Something that a good prompt tells: words that show it does, and phrases to add, in English and German."""

    label: str
    what: str
    words: tuple[str, ...]
    add: Annotated[tuple[str, ...], Field(min_length=1)]
    dazu: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, config=strict)
class Model:
    """A model by name: the engine (a file in pipelines/clips, or pictures for a painter's) that runs it, and where its weights come from. `name`: its key.

    `wants_picture` where the model differs from its engine. `options` are checked by the engine. gated: its page asks
    you to agree first. excluded: where it is not licensed. revenue_cap: dollars a year from which it costs. vram: GiB of
    a GPU for each way of keeping it in memory. pace: seconds for one second of its clips, by a word in the GPU's name.
    """

    label: str
    what: str
    engine: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    repo: str
    revision: str = ""
    licence: str = ""
    wants_picture: bool | None = None
    options: Annotated[dict[str, JsonValue], AfterValidator(_finite)] = field(default_factory=dict)
    gated: bool = False
    excluded: tuple[str, ...] = ()
    revenue_cap: Annotated[int, Field(ge=0)] = 0
    name: str = ""
    vram: dict[str, Annotated[float, Field(gt=0)]] = field(default_factory=dict)
    pace: dict[str, Annotated[float, Field(gt=0)]] = field(default_factory=dict)

    @property
    def terms(self) -> str:
        """Its licence, as people should know it before they use it."""
        said = [self.licence or "licence unknown: read its page first"]
        said += [f"not licensed in {', '.join(self.excluded)}"] if self.excluded else []
        said += [f"free below ${self.revenue_cap:,} a year"] if self.revenue_cap else []
        said += [f"agree to it on https://huggingface.co/{self.repo}, then `hf auth login`"] if self.gated else []
        return "; ".join(said)

    @property
    def content(self) -> list[object]:
        """What changes a clip: everything but its names."""
        return [self.engine, self.repo, self.revision, self.options]


@dataclass(frozen=True)
class Kind:
    """A file of presets and the shape of its entries."""

    file: str
    type: type
    one: str


SHIPPED = Path(__file__).parents[1] / "presets"
KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "moves": Kind("moves.toml", Move, "camera move"),
        "transitions": Kind("transitions.toml", Transition, "transition"),
        "voices": Kind("voices.toml", Voice, "voice"),
        "moods": Kind("moods.toml", Mood, "mood"),
        "looks": Kind("looks.toml", Look, "look"),
        "styles": Kind("styles.toml", Style, "picture style"),
        "sizes": Kind("frames.toml", Size, "size"),
        "qualities": Kind("qualities.toml", Quality, "quality"),
        "captions": Kind("captions.toml", CaptionStyle, "caption style"),
        "helper": Kind("helper.toml", Tells, "part of a prompt"),
        "models": Kind("models.toml", Model, "model"),
        "painters": Kind("painters.toml", Model, "model of a painter"),
        "upscalers": Kind("upscalers.toml", Model, "upscaler"),
        "composers": Kind("composers.toml", Model, "model of a composer"),
        "loras": Kind("loras.toml", Lora, "LoRA"),
    }
)


@dataclass(frozen=True, slots=True, config=strict)
class Presets:
    """Every preset by kind and name."""

    moves: dict[str, Move] = field(default_factory=dict)
    transitions: dict[str, Transition] = field(default_factory=dict)
    voices: dict[str, Voice] = field(default_factory=dict)
    moods: dict[str, Mood] = field(default_factory=dict)
    looks: dict[str, Look] = field(default_factory=dict)
    styles: dict[str, Style] = field(default_factory=dict)
    sizes: dict[str, Size] = field(default_factory=dict)
    qualities: dict[str, Quality] = field(default_factory=dict)
    captions: dict[str, CaptionStyle] = field(default_factory=dict)
    helper: dict[str, Tells] = field(default_factory=dict)
    models: dict[str, Model] = field(default_factory=dict)
    painters: dict[str, Model] = field(default_factory=dict)
    upscalers: dict[str, Model] = field(default_factory=dict)
    composers: dict[str, Model] = field(default_factory=dict)
    loras: SkipValidation[Mapping[str, Lora]] = field(default_factory=dict)

    def pick(self, kind: str, name: str) -> Any:
        """The entry of that name; an unknown one raises FilmError with the nearest known name."""
        entries: dict[str, Any] = getattr(self, kind)
        if name in entries:
            return entries[name]
        raise FilmError(f'There is no {KINDS[kind].one} called "{name}".', choose(name, entries))


def choose(name: str, known: Iterable[str]) -> str:
    """The hint for an unknown name: the nearest known one first."""
    names = list(known)
    near = difflib.get_close_matches(name.lower(), names, n=1, cutoff=0.6)
    listed = ", ".join(names[:40]) + (" ..." if len(names) > 40 else "")
    return f"Did you mean {near[0]}? Known: {listed}." if near else f"Known: {listed}."


def read(*folders: Path) -> Presets:
    """Presets of the shipped folder, then of each further one; a later entry replaces an earlier of its name. A file or
    entry that cannot be read raises FilmError naming file, entry and key."""
    return Presets(**{name: _read_kind(kind, folders) for name, kind in KINDS.items()})


def vocabulary(*folders: Path) -> Vocabulary:
    """The words of the sketch painter, read the same way; apart, since only it needs them and they are many."""
    from .drawing.vocabulary import Word

    return _read_kind(Kind("sketch.toml", Word, "word"), folders)


def _read_kind(kind: Kind, folders: Iterable[Path]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for folder in folders:
        path = folder / kind.file
        if path.is_file():
            merged |= _read_file(path, kind.type)
    return merged


def _read_file(path: Path, shape: type) -> dict[str, Any]:
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
        named = {name: {"name": name} | one for name, one in tables.items()} if shape is Model else tables
        return _adapter(shape).validate_python(named)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FilmError(f"The preset file {path.name} cannot be read: {error}.", "Mend that line.", path.name) from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(step) for step in first["loc"])
        raise FilmError(f"{path.name}, {place}: {first['msg']}.", "Mend or remove that entry.", path.name) from error


@cache
def _adapter(shape: type) -> TypeAdapter[dict[str, Any]]:
    return TypeAdapter(dict[str, shape])  # type: ignore[valid-type]
