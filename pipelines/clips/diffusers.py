"""Video models that diffusers runs, each a preset in models.toml: a prompt, a picture, or both, to moving frames.

A scene that is longer than a model's clip is several that go on from one another, where the model can. Knows its shot
and nothing of the film.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from ..gear import gpu as _gpu
from ..gear import loras
from ..gear.pipes import PLANS
from ..gear.snapshot import lacking, plan, too_small
from ..gear.weights import Source
from ..plan import Reach, Shot, Slate
from ..presets import Model
from ..vault import Notes
from ..work import FilmError, Tick
from . import _diffusers_given as moving
from ._diffusers_machine import Machine, Origin
from ._diffusers_plan import Options, options, said
from ._diffusers_shot import AT_ONCE, Job, asked_of, cut, job, measured, shoot
from ._stages import Cutting, alone, emptied, guarded

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
        self._device, self._most, self._compiled = device, most, compiled
        self._loaded: tuple[object, Machine] | None = None
        self._lock = threading.Lock()

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
        """See crew.ClipEngine. Models come one after the other; each part of one comes to the device once for all its
        shots, and a file is written beside the next shot's steps."""
        import torch

        waiting = grouped(slates)
        with self._lock, torch.inference_mode(), Cutting() as cutting:
            while waiting:
                model, worn = waiting[0].shot.model, waiting[0].shot.loras
                some = [slate for slate in waiting if slate.shot.model == model and slate.shot.loras == worn][:AT_ONCE]
                waiting = [slate for slate in waiting if all(slate is not one for one in some)]
                if jobs := [made for slate in some if (made := guarded(slate, job))]:
                    self._told(jobs, cutting)

    def _told(self, jobs: list[Job], cutting: Cutting) -> None:
        """Shots of one model; what is wrong with that, is told of each that is not made."""
        try:
            self._film(jobs[0].model, jobs[0].told, jobs, cutting)
        except FilmError as error:
            cutting.settle(0)
            for one in jobs:
                if not one.over:
                    one.slate.kept(error)

    def _film(self, model: Model, told: Options, jobs: list[Job], cutting: Cutting) -> None:
        """A model's shots: where memory runs out, what is left of them once more with less of it; those that came out
        as no numbers, in longer ones."""
        way, left = plan(model, self._device, self._most) or PLANS[0], jobs
        while True:
            try:
                self._shot(model, told, left, way, cutting)
                return
            except _gpu.full():
                pass  # what the failed work held is let go only out here
            self._loaded = None
            emptied(_gpu.chosen(self._device))
            cutting.settle(0)
            left, way = [one for one in left if not one.over], _thriftier(way, model)
            for one in left:
                one.notes["memory"] = "ran out once; less was taken"

    def _shot(self, model: Model, told: Options, jobs: list[Job], way: str, cutting: Cutting) -> None:
        if some := [one for one in jobs if not one.long and not one.odd]:
            shoot(self._machine(model, told, way, long=False), some, cutting)
            cutting.settle(0)
        if odd := [one.anew() if one.odd else one for one in jobs if one.odd or (one.long and not one.over)]:
            shoot(self._machine(model, told, way, long=True), odd, cutting)
            cutting.settle(0)

    def close(self) -> None:
        """Let the model go."""
        with self._lock:
            self._loaded = None

    def _machine(self, model: Model, told: Options, way: str, *, long: bool) -> Machine:
        """The model, loaded; the one before it is let go."""
        if lack := lacking(model, told.variant):
            raise FilmError(f"{model.label}'s weights are not all on this machine.", lack)
        origin = Origin.of(model.repo, model.revision, told, model.name)
        asked = (origin.base, {**model.options, "loras": None}, way, long)
        if self._loaded is None or self._loaded[0] != asked:
            self._loaded = None
            self._loaded = asked, Machine(origin, _gpu.chosen(self._device), way, long=long, compiled=self._compiled)
        self._loaded[1].ready(told.loras)
        return self._loaded[1]


def grouped(slates: Sequence[Slate]) -> list[Slate]:
    """A model's shots together, those with the same LoRA files next to each other: it is loaded once."""
    models: list[Model | None] = []
    worn: list[object] = []
    for slate in slates:
        models += [slate.shot.model] if slate.shot.model not in models else []
        worn += [slate.shot.loras] if slate.shot.loras not in worn else []
    return sorted(slates, key=lambda slate: (models.index(slate.shot.model), worn.index(slate.shot.loras)))


def _thriftier(way: str, model: Model) -> str:
    """The next plan; FilmError if there is none."""
    ways = [one for one in PLANS if one in model.vram] or list(PLANS)
    later = [after for now, after in pairwise(ways) if now == way]
    if not later:
        raise _full()
    return later[0]


def _full() -> FilmError:
    said = "The GPU's memory ran out, even with only what works in it."
    return FilmError(said, "Close what else uses the GPU, or give the model a smaller size in models.toml.")
