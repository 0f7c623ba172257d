"""Video models that diffusers runs, each a preset in models.toml: a prompt, a picture, or both, to moving frames.

A scene that is longer than a model's clip is several that go on from one another, where the model can. Knows its shot
and nothing of the film.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ..gear import gpu as _gpu
from ..gear import loras, zero
from ..gear.pipes import PLANS
from ..gear.snapshot import files, lacking, plan, too_small
from ..gear.weights import Source
from ..plan import Reach, Shot, Slate
from ..presets import Model
from ..vault import Notes
from ..work import FilmError, Tick
from . import _diffusers_given as moving
from ._diffusers_machine import Machine, Origin
from ._diffusers_plan import effort, options, said
from ._diffusers_shot import asked_of, cut, filed, job, measured, shoot
from ._floor import Floor
from ._stages import alone

if TYPE_CHECKING:
    from pathlib import Path

NEEDS = 6.0  # GiB of the GPU


class Engine:
    """See crew.ClipEngine. device: "auto", or torch's name of one; most: GiB of it to be content with."""

    label = "Video models in diffusers"
    version = 2
    rank = 4
    online = False
    wants_picture = False
    negates = True
    spreads = True

    def __init__(self, *, device: str = "auto", most: float | None = None, compiled: bool = True) -> None:
        self._device, self._most, self._compiled = device, most, compiled and not zero.here()
        self._floor = Floor(job, _loads, self._load, shoot, filed, _work)

    def missing(self) -> str | None:
        """Packages, or a GPU."""
        lack = _gpu.packages("torch", "diffusers", "transformers", "accelerate", "safetensors", "ftfy", "sentencepiece")
        return lack or _gpu.lack(self._device, NEEDS)

    def lacks(self, model: Model) -> str | None:
        """Weights, LoRA files, or room."""
        try:
            told = options(model.options)
            return lacking(model, told.variant) or loras.lacking(told.loras) or too_small(model, self._device)
        except FilmError as error:
            return str(error)

    def sources(self, model: Model) -> tuple[Source, ...]:
        """See crew.Engine."""
        told = options(model.options)
        return Origin.of(model.repo, model.revision, told, model.name).base, *(loras.source(one) for one in told.loras if one.repo)

    def adapts(self, model: Model, asked: tuple[loras.Lora, ...]) -> str | None:
        """See crew.ClipEngine."""
        return loras.lacking(asked)

    def recipe(self, shot: Shot) -> object:
        """Everything that changes a frame, but for the picture. Lengths that make the same clips are the same."""
        told, model = asked_of(shot)
        clips = [[one.mode, one.frames] for one in cut(shot, told)]
        asked = [said(shot.styled, shot.camera, told, loras.triggers(told.loras)), clips, measured(shot, told, None), shot.fit, shot.seed, loras.contents(told.loras)]
        asked += [told.strengths[shot.given.strength]] if shot.given and shot.given.over else []
        origin = Origin.of(model.repo, model.revision, told, model.name)
        return [*asked, *([shot.negative] if shot.negative else []), *origin.base.changing]

    def reach(self, model: Model) -> Reach:
        """See crew.ClipEngine."""
        return moving.reach(options(model.options))

    def shoot(self, shot: Shot, out: Path, tick: Tick) -> Notes:
        """Write the MP4. FilmError if weights are lacking or damaged, or memory or numbers give out twice."""
        return alone(self.shoot_all, shot, out, tick)

    def shoot_all(self, slates: Sequence[Slate]) -> None:
        """See crew.ClipEngine. Each part of a model comes to the device once for all its shots."""
        self._floor.shoot_all(slates)

    def effort(self, model: Model) -> float:
        """See crew.ClipEngine."""
        return effort(options(model.options))

    def seat(self) -> str:
        """See crew.Engine."""
        return _gpu.seat(self._device)

    def close(self) -> None:
        """Let the model go."""
        self._floor.close()

    def _load(self, shot: Shot) -> Machine:
        _, model = asked_of(shot)
        origin, way = _origin(shot), plan(model, self._device, self._most) or PLANS[0]
        plans = [one for one in PLANS if one in model.vram] or PLANS
        return Machine(origin, _gpu.chosen(self._device), way, long=False, compiled=self._compiled, plans=plans)


def _loads(shot: Shot) -> tuple[object, object]:
    """LoRA files can be taken off and put on."""
    told, model = asked_of(shot)
    return replace(model, options={**model.options, "loras": None}), told.loras


def _origin(shot: Shot) -> Origin:
    """The shot's model, found whole."""
    told, model = asked_of(shot)
    if lack := lacking(model, told.variant):
        raise FilmError(f"{model.label}'s weights are not all on this machine.", lack)
    return Origin.of(model.repo, model.revision, told, model.name)


def _work(shot: Shot) -> zero.Work:
    told, model = asked_of(shot)
    wide, high = measured(shot, told, None)
    parts = [told.steps * wide * high * one.frames for one in cut(shot, told)]
    return zero.Work(model.repo, sum(parts), None, files(_origin(shot).base, told.variant), parts)
