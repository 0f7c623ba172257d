"""How large a film may be here, and how much is read of what is refused. Knows settings and stories, no door."""

from __future__ import annotations

from typing import Any

from pipelines.presets import Presets
from pipelines.render import frame_of
from pipelines.story import Scene, Story
from pipelines.work import FilmError

from .settings import Settings

PACE = 15.0  # characters that are said in a second, where nobody has spoken yet
UNSAID = 4.0  # seconds of a scene that has neither a length nor a narration
REFUSED_BYTES = 16 * 2**20  # of a refused request that are still read and thrown away, so that its sender hears why
REFUSED_SECONDS = 30.0  # and for no longer than this
REFUSED_PAUSE = 5.0  # nor once it pauses for so long


def seconds_of(story: Story) -> float:
    """About how long the film will be."""
    return sum(max(scene.duration or UNSAID, len(scene.narration) / PACE) for scene in story.scenes)


def check(story: Story, own: Settings, presets: Presets) -> None:
    """FilmError if the settings allow no such film."""
    if own.most_seconds and (seconds := seconds_of(story)) > own.most_seconds:
        said = f"The film would have about {seconds:.0f} seconds; here it may have {own.most_seconds:g}."
        raise FilmError(said, "Make it shorter, or run Reelwright on your own machine.", "scenes")
    _size(story, own, presets)


def check_verb(how: Any, own: Settings, presets: Presets) -> None:
    """The same of what a verb is asked to make; `how` are its options."""
    seconds = float(getattr(how, "seconds", None) or 0.0)
    if own.most_seconds and seconds > own.most_seconds:
        raise FilmError(f"{seconds:g} seconds are asked for; here a film may have {own.most_seconds:g}.", "Ask for less.", "seconds")
    if size := getattr(how, "size", ""):
        _size(Story(scenes=(Scene(1),), size=size), own, presets)


def _size(story: Story, own: Settings, presets: Presets) -> None:
    frame = frame_of(story, presets)
    if own.most_pixels and frame.width * frame.height > own.most_pixels:
        said = f"{frame.width} x {frame.height} is larger than films may be here."
        raise FilmError(said, f"Each picture may have {own.most_pixels:,} pixels: choose another size.", "size")
