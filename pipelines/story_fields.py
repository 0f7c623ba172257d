"""What a story's fields may hold: each with its limits, its unit, how it is read and what it is, in a sentence.

A limit is written here, once; the page, the doors and the README take it from the schema. Knows no story.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, WithJsonSchema

from . import story_cells as cells

MOST_SECONDS = 60  # of a scene
SEEDS = 2**32


def _decimals(value: float) -> float:
    return round(value, 6)


def _limited(low: float, high: float, unit: str, what: str) -> Any:
    return Field(ge=low, le=high, description=what, json_schema_extra={"unit": unit})


Figure = BeforeValidator(cells.read_number)
Whole = BeforeValidator(cells.read_whole)
Text = BeforeValidator(cells.read_text)
Line = BeforeValidator(cells.read_line)
Tidy = AfterValidator(_decimals)
Position = Annotated[int, Field(ge=1, le=1_000_000, description="The order in the film."), Whole]
Image = Annotated[Path, PlainValidator(cells.read_image), WithJsonSchema({"type": "string", "format": "path"})]
Prompt = Annotated[str, Field(max_length=32_000, description="What is seen."), Text]
Narration = Annotated[str, Field(max_length=5_000, description="What is said."), Text]
Duration = Annotated[float, _limited(0.5, MOST_SECONDS, "seconds", "Empty: as long as the narration needs."), Figure, Tidy]
Action = Annotated[str, Field(max_length=500, description="Camera moves in words."), Line]
Feeling = Annotated[str, Field(max_length=200, description="A mood. Empty: that of the scene before."), Line]
Turn = Annotated[
    str, Field(description="How a scene turns into the next."), cells.known("transitions", "none", "fade", "crossfade")
]
Speaker = Annotated[
    str, Field(description="A voice, narrator:voice, none, or a sound file."), BeforeValidator(cells.read_voice)
]
Engine = Annotated[str, Field(max_length=100, description="A clip engine's name, or auto."), Line]
Seed = Annotated[int, Field(ge=0, le=SEEDS - 1, description="The same seed makes the same film."), Whole]
Begin = Annotated[float, _limited(0, 10_800, "seconds", "Where a video begins."), Figure, Tidy]
OwnSound = Annotated[
    Literal["none", "under", "full"],
    Field(description="A video's own sound: none, under the voice as music is, or full."),
    cells.one_of("none", "under", "full"),
]
Steady = Annotated[bool, Field(description="Whether a shaken video is made steady."), BeforeValidator(cells.read_switch)]
Drawn = Annotated[str, Field(description="The picture as if drawn or painted. Empty: as it is."), cells.known("styles")]
Focus = Annotated[str, Field(max_length=60, description="What matters in the picture, as 0.3 0.4 or top left. Empty: found by itself."), BeforeValidator(cells.read_focus)]
Loras = Annotated[
    str, Field(max_length=600, description="LoRA files by name, with weights: ink, my_face 0.6. The scene's are added to the film's; 0 leaves one out."),
    BeforeValidator(cells.read_loras),
]
Title = Annotated[str, Field(max_length=200, description="The film's name."), Line]
Label = Annotated[str, Field(max_length=60, description="Words in a corner of the picture, such as AI-made. Empty: none."), Line]
FrameSize = Annotated[
    str, Field(description="Width x height in pixels, or a size's name."), BeforeValidator(cells.read_size)
]
Fps = Annotated[float, _limited(1, 60, "frames a second", "How many pictures a second."), Figure, Tidy]
Overlap = Annotated[float, _limited(0, 3, "seconds", "How long a transition takes."), Figure, Tidy]
Score = Annotated[
    str, Field(description="auto, none, a composer's name, or a sound file."), BeforeValidator(cells.read_music)
]
Level = Annotated[float, _limited(3, 30, "dB", "How far the music lies under the voice."), Figure, Tidy]
Captions = Annotated[
    Literal["none", "sidecar", "burned", "both"],
    Field(description="Beside the film, in the picture, or both."),
    cells.one_of("none", "sidecar", "burned", "both"),
]
Fit = Annotated[
    Literal["cover", "contain-blur", "contain", "stretch"],
    Field(description="How a picture of another shape fills the frame."),
    cells.one_of("cover", "contain-blur", "contain", "stretch"),
]
Without = Annotated[str, Field(max_length=2_000, description="What is not to be seen; for models."), Line]
Motion = Annotated[
    float, Field(ge=0, le=1, description="How much moves: 0 stands still, 0.5 is as said, 1 is wild."), Figure, Tidy
]
Card = Annotated[
    Literal["", "title", "credits"],
    Field(description="A card in letters: its heading and lines are the prompt's; credits add who made what."),
    cells.one_of("", "title", "credits"),
]
Lower = Annotated[
    str, Field(max_length=200, description="Who or what is seen, below, in its first seconds: Anna Berg | Biologist."), Line
]
Logo = Annotated[Path, PlainValidator(cells.read_picture), WithJsonSchema({"type": "string", "format": "path", "description": "A picture in a corner of the film."})]
Opacity = Annotated[float, Field(ge=0, le=1, description="How much of the logo is seen."), Figure, Tidy]
Corner = Annotated[
    Literal["top_left", "top_right", "bottom_left", "bottom_right"],
    Field(description="The logo's corner."),
    cells.one_of("top_left", "top_right", "bottom_left", "bottom_right"),
]
