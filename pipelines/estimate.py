"""How long a film's clips will take to make: by what clips of the same model took on this machine, else by what was
measured or published for such a GPU, else roughly, by how much the model has to compute. Pure but for `past`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from statistics import geometric_mean
from types import MappingProxyType

from .cast import filmed
from .crew import Crew, names
from .presets import Model, Presets
from .story import Story
from .vault import Plain, Vault, plain
from .work import FilmError

NEWEST = 100  # clips that are looked at
USUAL = 5.0  # seconds of a scene whose length its narration will decide
OFF = 4  # a rough guess may be so many times too much or too little, as those of the models are whose paces were published
# Dense half-precision tera-operations a second, by a word in a GPU's name, as their makers publish them: what is known
# of one GPU is taken to another by them.
SPEEDS: Mapping[str, float] = MappingProxyType(
    {
        "B200": 2250, "H200": 989, "H100 PCIe": 756, "H100": 989, "H800": 989, "A100": 312, "A800": 312, "L40S": 362, "L40": 181, "L4": 121,
        "A40": 150, "A10": 125, "6000 Ada": 364, "A6000": 155, "5090": 210, "5080": 113, "4090": 165, "4080": 97, "4070": 58, "3090": 71, "3080": 60,
        "V100": 125, "T4": 65,
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Past:
    """A clip that was made here: by which model, how long it is, and how long it took, in seconds."""

    model: Plain
    lasts: float
    took: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """Seconds for all clips that a model computes and of which somebody knows. rough: some of it is guessed from the
    model's size (see OFF). unknown: scene numbers of the others."""

    seconds: float = 0.0
    rough: bool = False
    unknown: tuple[int, ...] = ()

    @property
    def said(self) -> str:
        """For people; "" where no model computes anything."""
        about = f"{'roughly' if self.rough else 'about'} {_time(self.seconds)}" if self.seconds else ""
        about += f" (a guess: it may be {OFF} times as much, or {OFF} times less)" if self.rough else ""
        scenes = f"scene{'s' if len(self.unknown) > 1 else ''} {', '.join(map(str, self.unknown[:8]))}{' ...' if len(self.unknown) > 8 else ''}"
        return ", ".join(filter(None, (about, f"unknown for {scenes}" if self.unknown else "")))


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
    return spread(one, lengths, gpus)


def spread(pace: float, lengths: Sequence[float], gpus: int) -> float:
    """Seconds for clips of those lengths on several GPUs, each taking `pace` for a second."""
    ends = [0.0] * max(1, gpus)
    for length in sorted(lengths, reverse=True):  # as units give them out
        soonest = ends.index(min(ends))
        ends[soonest] += length * pace
    return max(ends)


def guess(model: Model, lengths: Sequence[float], gpu: str, crew: Crew, presets: Presets, known: Sequence[Past], gpus: int = 1) -> float | None:
    """Roughly, seconds for clips of those lengths by one model: as much longer than those of models whose pace is known as
    it has more to compute. By this machine's own clips if there are any, else by what was published, for whatever GPU;
    those that the same engine makes are most like it."""
    own, speed = _work(model, crew), _speed(gpu)
    if not own:
        return None
    works = [(one, work) for one in presets.models.values() if (work := _work(one, crew))]
    if here := [(one, took / work) for one, work in works if (took := pace(one, "", known))]:
        return own * _like(model, here) * sum(lengths)
    there = [(one, took * at / work / speed) for one, work in works for name, took in one.pace.items() if speed and (at := _speed(name))]
    return spread(own * _like(model, there), lengths, gpus) if there else None


def estimate(story: Story, crew: Crew, presets: Presets, gpu: str, known: Sequence[Past], gpus: int = 1) -> Estimate:
    """For the clips of all scenes, each by whoever would make it in a film: `auto` and engines' names are looked up."""
    lengths: dict[str, list[float]] = {}
    unknown: dict[str, list[int]] = {}
    for scene, found in zip(story.scenes, filmed(story, crew, presets), strict=True):
        if found is None or (found[0] in names("clips") and getattr(crew.get("clips", found[0]), "live", False)):
            continue
        lengths.setdefault(found[1], []).append(scene.duration or USUAL)
        unknown.setdefault(found[1], []).append(scene.scene_number)
    seconds, rough = 0.0, False
    for name, own in lengths.items():
        model = presets.models.get(name)
        told = takes(model, own, gpu, known, gpus) if model else None
        if told is None and model:
            told = guess(model, own, gpu, crew, presets, known, gpus)
            rough = rough or told is not None
        if told is not None:
            seconds += told
            unknown.pop(name)
    return Estimate(seconds, rough, tuple(sorted(n for own in unknown.values() for n in own)))


def _work(model: Model, crew: Crew) -> float:
    """How much there is to compute for a second, in pixels and GB; 0 where nobody can tell."""
    if model.engine not in names("clips"):
        return 0.0
    try:
        asked = getattr(crew.get("clips", model.engine), "effort", None)
        return float(asked(model)) * max(model.vram.values(), default=0.0) if asked else 0.0
    except FilmError:
        return 0.0


def _like(model: Model, known: Sequence[tuple[Model, float]]) -> float:
    """What is usual among models, of the same engine if there are any."""
    return geometric_mean([one for other, one in known if other.engine == model.engine] or [one for _, one in known])


def _speed(gpu: str) -> float:
    return next((speed for name, speed in SPEEDS.items() if re.search(rf"(?<!\w){name}(?!\w)", gpu, re.I)), 0.0)


def _time(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
