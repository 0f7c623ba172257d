"""Stable Video Diffusion: a picture to a moving one, on one's own GPU.

The steps are ours, over diffusers' parts: its results, with none of its waiting and nothing computed twice. The model
knows how much to move but not whither: the clip action's moves go over its frames as a crop. Knows its shots and
nothing of the film.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..gear import gpu as _gpu
from ..gear import zero
from ..gear.snapshot import plan, too_small
from ..gear.weights import Source
from ..plan import Shot, Slate
from ..presets import Model
from ..vault import Notes
from ..work import FilmError, Tick, part
from ._stages import Cutting, alone, emptied, guarded
from ._svd_machine import Machine, Origin
from ._svd_net import Savings
from ._svd_plan import Options, motion, options, pieces, size
from ._svd_shot import DRAWN, Job, computed, filed, job, pans, shape, shoot, written

if TYPE_CHECKING:
    from numpy import uint8
    from numpy.typing import NDArray

    Finish = Callable[[Job], Notes | None]

NEEDS = 8.0  # GiB of the GPU
# Seconds for one pixel of a clip: of a row's step, and to encode and decode it. From 19.1 s for 25 steps of two rows and
# 3.4 s for the rest, 25 frames of 1024 x 576, as was published for an H100 PCIe.
STEP, SHOWN = 19.1 / 50 / (25 * 1024 * 576), 3.4 / (25 * 1024 * 576)
AT_ONCE = 24  # shots that go through the stages together: their pictures lie in memory
THRIFTY = "lean"  # the plan in vram that keeps only what works on the device


class Engine:
    """See crew.ClipEngine. device: "auto", or torch's name of one; most: GiB of it to be content with."""

    label = "Stable Video Diffusion"
    version = 2
    rank = 6
    online = False
    wants_picture = True
    spreads = True

    def __init__(self, *, device: str = "auto", most: float | None = None, savings: Savings | None = None) -> None:
        self._device, self._most = device, most
        self._savings = savings or Savings(compiled=not zero.here())  # where it is lent, there is no time to compile
        self._loaded: tuple[object, Machine] | None = None
        self._lock = threading.Lock()
        self._steps = zero.lent(self._compute, _seconds)

    def missing(self) -> str | None:
        """Packages, or a GPU."""
        return _gpu.packages("torch", "diffusers", "transformers", "accelerate", "safetensors") or _gpu.lack(self._device, NEEDS)

    def lacks(self, model: Model) -> str | None:
        """Weights, or room for them."""
        try:
            lacking = Origin.of(model.repo, model.revision, options(model.options), model.name).lacking()
        except FilmError as error:
            return str(error)
        if lacking:
            return f"Its weights are not on this machine: {' ; '.join(dict.fromkeys(one.fetch for one in lacking))} ({model.terms})"
        return too_small(model, self._device)

    def sources(self, model: Model) -> tuple[Source, ...]:
        """See crew.Engine."""
        origin = Origin.of(model.repo, model.revision, options(model.options), model.name)
        return origin.base, *([origin.unet] if origin.unet else [])

    def recipe(self, shot: Shot) -> object:
        """Everything that changes a frame, but for the picture. Lengths that make the same clips are the same."""
        if shot.model is None:
            raise FilmError("Stable Video Diffusion has no model here.", "Add one to models.toml.")
        wanted = options(shot.model.options)
        count, moved = pieces(shot.frame.seconds(shot.frames), wanted), motion(shot.camera, wanted)
        steps = [[one.start, one.end, list(one.aims)] for one in shot.camera.steps] if pans(shot, wanted) else None
        origin = Origin.of(shot.model.repo, shot.model.revision, wanted, shot.model.name)
        return [size(wanted.size, shape(shot)), count, moved, steps, shot.fit, shot.seed, *origin.changing]

    def shoot(self, shot: Shot, out: Path, tick: Tick) -> Notes:
        """Write the MP4. FilmError if weights are lacking or damaged, or memory or numbers give out twice."""
        return alone(self.shoot_all, shot, out, tick)

    def shoot_all(self, slates: Sequence[Slate]) -> None:
        """See crew.ClipEngine. What sees, encodes and moves comes to the device once for all shots of a model."""
        import torch

        if zero.here():
            with Cutting() as cutting:
                for slate in slates:
                    if lent := guarded(slate, self._called):
                        cutting.add(slate, partial(_filed, slate, *lent))
            return
        waiting = list(slates)
        with self._lock, torch.inference_mode(), Cutting() as cutting:
            while waiting:
                model = waiting[0].shot.model
                some = [slate for slate in waiting if slate.shot.model == model][:AT_ONCE]
                waiting = [slate for slate in waiting if all(slate is not one for one in some)]
                if jobs := [made for slate in some if (made := guarded(slate, job))]:
                    self._told(jobs, cutting)

    def _told(self, jobs: list[Job], cutting: Cutting) -> None:
        """Shots of one model; what is wrong with that, is told of each that is not made."""
        try:
            self._film(jobs[0].model, jobs, cutting, written)
        except FilmError as error:
            cutting.settle(0)
            for one in jobs:
                if not one.over:
                    one.slate.kept(error)

    def _called(self, slate: Slate) -> tuple[list[NDArray[uint8]], Notes]:
        """A shot's clips and notes from a GPU that is lent for it alone."""
        if slate.shot.picture is None:
            raise FilmError("There is no picture to set in motion.", "Add a picture to the scene.")
        return zero.called(self._steps, slate.shot, part(slate.tick, 0.0, DRAWN))

    def _compute(self, shot: Shot, tick: Tick) -> tuple[list[Any], Notes]:
        """There: the clips as I420 pictures, and what there is to tell."""
        import torch

        told: list[Notes | FilmError] = []
        with self._lock, torch.inference_mode(), Cutting() as cutting:
            one = job(Slate(shot, Path(), tick, told.append))
            self._film(one.model, [one], cutting, computed)
            cutting.settle(0)
        if isinstance(told[0], FilmError):
            raise told[0]
        return [pictures() for pictures, _ in one.made], told[0]

    def close(self) -> None:
        """Let the model go."""
        with self._lock:
            self._loaded = None

    def _film(self, model: Model, jobs: list[Job], cutting: Cutting, finish: Finish) -> None:
        """A model's shots: where memory runs out, what is left of them once more with less of it; those that came out
        as no numbers, in longer ones."""
        left, wanted = jobs, options(model.options)
        for thrifty in dict.fromkeys((plan(model, self._device, self._most) == THRIFTY, True)):
            machine = self._machine(model, wanted, thrifty=thrifty)
            try:
                self._shot(machine, left, cutting, finish)
                return
            except _gpu.full():
                pass  # what the failed work held is let go only out here
            emptied(machine.device)
            cutting.settle(0)
            left = [one for one in left if not one.over]
            for one in left:
                one.notes["memory"] = "ran out once; less was taken"
        said = "The GPU's memory ran out, even with only what works in it."
        raise FilmError(said, "Close what else uses the GPU, or give the model a smaller size in models.toml.")

    @staticmethod
    def _shot(machine: Machine, jobs: list[Job], cutting: Cutting, finish: Finish) -> None:
        shoot(machine, [one for one in jobs if not one.long and not one.odd], cutting, finish)
        cutting.settle(0)
        if odd := [one.anew() if one.odd else one for one in jobs if one.odd or (one.long and not one.over)]:
            shoot(machine.longer(), odd, cutting, finish)
            cutting.settle(0)

    def _machine(self, model: Model, wanted: Options, *, thrifty: bool) -> Machine:
        """The model, loaded; the one before it is let go."""
        origin = Origin.of(model.repo, model.revision, wanted, model.name)
        if lacking := origin.lacking():
            raise FilmError(f"{model.label}'s weights are not all on this machine.", " ; ".join(dict.fromkeys(one.fetch for one in lacking)))
        asked = (origin, thrifty)
        if self._loaded is None or self._loaded[0] != asked:
            self._loaded = None
            device = _gpu.chosen(self._device)
            self._loaded = asked, Machine(origin, device, self._savings, thrifty=thrifty, most=self._most)
        return self._loaded[1]


def _told(shot: Shot) -> tuple[Options, Model]:
    """The shot's model and what its preset says; FilmError if there is none."""
    if shot.model is None:
        raise FilmError("Stable Video Diffusion has no model here.", "Add one to models.toml.")
    return options(shot.model.options), shot.model


def _filed(slate: Slate, clips: list[NDArray[uint8]], notes: Notes) -> Notes:
    assert slate.shot.model
    return notes | filed(slate, options(slate.shot.model.options), clips)


def _seconds(shot: Shot) -> float:
    """About how long a lent GPU takes for a shot."""
    if shot.model is None:
        return 0.0
    wanted = options(shot.model.options)
    rows = 2 if max(wanted.guidance) > 1 else 1
    pixels = wanted.frames * wanted.size[0] * wanted.size[1]
    return pieces(shot.frame.seconds(shot.frames), wanted) * pixels * (STEP * rows * wanted.steps + SHOWN)
