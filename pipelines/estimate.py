"""How long a film's clips will take to make: by what clips of the same model took on this machine, else by what was
measured or published for such a GPU. Pure but for `past`. Never guesses: None is an answer.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from .presets import Model, Presets
from .story import Story
from .vault import Plain, Vault, plain

NEWEST = 100  # clips that are looked at
USUAL = 5.0  # seconds of a scene whose length its narration will decide


@dataclass(frozen=True, slots=True)
class Past:
    """A clip that was made here: by which model, how long it is, and how long it took, in seconds."""

    model: Plain
    lasts: float
    took: float


def past(vault: Vault) -> list[Past]:
    """The newest clips that a vault holds."""
    found = []
    for path in sorted((vault.root / "clip").glob("*/*.json"), key=lambda one: -one.stat().st_mtime)[:NEWEST]:
        with suppress(OSError, ValueError, KeyError, TypeError, IndexError, ZeroDivisionError):
            told = json.loads(path.read_text("utf-8"))
            notes, above, _, below = told["notes"], *str(told["notes"]["rate"]).partition("/")
            found.append(Past(told["recipe"][2], float(notes["frames"]) * float(below or 1) / float(above), float(notes["took"])))
    return found


def pace(model: Model, gpu: str, known: Sequence[Past]) -> float | None:
    """Seconds for one second of the model's clips, on this machine's GPU of that name."""
    own = [one for one in known if one.model == plain(model.content)]
    if lasts := sum(one.lasts for one in own):
        return sum(one.took for one in own) / lasts
    return next((told for name, told in model.pace.items() if name.lower() in gpu.lower()), None) if gpu else None


def takes(model: Model, lengths: Sequence[float], gpu: str, known: Sequence[Past], gpus: int = 1) -> float | None:
    """Seconds for clips of those lengths by one model; None where nobody knows. What was learnt here is of all GPUs
    together, what was published of one."""
    one = pace(model, gpu, known)
    if one is None:
        return None
    if any(each.model == plain(model.content) for each in known):
        return one * sum(lengths)
    ends = [0.0] * max(1, gpus)
    for length in sorted(lengths, reverse=True):  # as units give them out
        soonest = ends.index(min(ends))
        ends[soonest] += length * one
    return max(ends)


def story_takes(story: Story, presets: Presets, gpu: str, known: Sequence[Past], gpus: int = 1) -> float | None:
    """Seconds for the clips of all scenes that name a model; None where there is none, or one that nobody knows."""
    lengths: dict[str, list[float]] = {}
    for scene in story.scenes:
        if scene.engine in presets.models:
            lengths.setdefault(scene.engine, []).append(scene.duration or USUAL)
    told = [takes(presets.models[name], own, gpu, known, gpus) for name, own in lengths.items()]
    return sum(one for one in told if one is not None) if told and None not in told else None
