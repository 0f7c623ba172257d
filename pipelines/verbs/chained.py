"""A long clip in segments as a verb: what doors ask for by plain data, given to chain.py. Knows no door."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .. import mp4
from ..chain import chain, segments
from ..policy import check_texts
from ..render import frame_of
from ..stage import Studio
from ..story import SEEDS, read
from ..work import FilmError, Tick, idle
from .cutting import Cut, within

LEAST, MOST = 1.0, 600.0  # seconds
SHORTEST, USUAL = 0.5, 12.0  # seconds of a segment: at least, and where one prompt is for all
MOST_PROMPTS = 60


@dataclass(frozen=True, slots=True)
class Chain:
    """`seconds` in all. `prompts`: one a line, each for a segment as long as the others. The rest is as in a story."""

    seconds: float
    prompts: str
    size: str = "1280x720"
    fps: float = 24.0
    look: str = "none"
    engine: str = "auto"
    seed: int = 0


def chained(pictures: Sequence[Path], how: Chain, studio: Studio, out: Path, tick: Tick = idle) -> Cut:
    """A clip that begins with the picture, if there is one, else with what the first prompt says. Its segments carry on
    from one another; what is made of it is kept, so one that was stopped goes on where it was."""
    if len(pictures) > 1:
        raise FilmError(f"{len(pictures)} pictures were given.", "Give one to begin with, or none.", "videos")
    within("seconds", how.seconds, LEAST, MOST)
    said = [line.strip() for line in how.prompts.splitlines() if line.strip()]
    if not 1 <= len(said) <= MOST_PROMPTS:
        raise FilmError("There is no prompt." if not said else f"{len(said)} prompts are too many.", f"Write 1 to {MOST_PROMPTS}, one a line.", "prompts")
    if not 0 <= how.seed < SEEDS:
        raise FilmError(f"seed: {how.seed} does not fit.", f"Give 0 to {SEEDS - 1}.", "seed")
    check_texts({f"prompt {i}": prompt for i, prompt in enumerate(said, 1)}, studio.policy)
    each = how.seconds / len(said) if len(said) > 1 else min(USUAL, how.seconds)
    if each < SHORTEST:
        raise FilmError(f"{len(said)} segments in {how.seconds:g} seconds are too short.", f"Give at least {len(said) * SHORTEST:g} seconds.", "seconds")
    first = {"prompt": said[0], "duration": min(60.0, max(SHORTEST, each))} | ({"image": pictures[0]} if pictures else {})
    story = read({"scenes": [first], "size": how.size, "fps": how.fps, "look": how.look}, studio.presets)
    frame = frame_of(story, studio.presets)
    lengths = [each] * len(said) if len(said) > 1 else segments(how.seconds, USUAL)
    chain(said, story.scenes[0].image, lengths, frame, how.engine, how.seed, story.look, studio, out, tick)
    count = mp4.count(out)
    maker = _maker(studio, how.engine, bool(pictures))
    return Cut(out, frame.seconds(count), count, f"{len(lengths)} segments, {maker}" if len(lengths) > 1 else f"one segment, {maker}")


def _maker(studio: Studio, engine: str, given: bool) -> str:
    """Who makes it, as people call them."""
    if engine in studio.presets.models:
        return studio.presets.models[engine].label
    label: str = studio.crew.get("clips", ("camera" if given else "sketch") if engine == "auto" else engine).label
    return label
