"""Stable Video Diffusion: a picture to a moving one, on one's own GPU.

The steps are ours, over diffusers' parts: its results, with none of its waiting and nothing computed twice. The model
knows how much to move but not whither: the clip action's moves go over its frames as a crop, and the frames are made as
much larger. Knows its shots and
nothing of the film.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from pathlib import Path

from ..gear import gpu as _gpu
from ..gear import zero
from ..gear.snapshot import plan, too_small
from ..gear.weights import Source
from ..plan import Shot, Slate
from ..presets import Model
from ..vault import Notes
from ..work import FilmError, Tick
from ._floor import Floor
from ._stages import alone
from ._svd_machine import Machine, Origin
from ._svd_net import Savings
from ._svd_plan import effort, motion, options, pieces
from ._svd_shot import asked_of, filed, job, measures, pans, shape, shoot

NEEDS = 8.0  # GiB of the GPU
# Seconds for one pixel of a clip: of a row's step, and to encode and decode it. From 19.1 s for 25 steps of two rows and
# 3.4 s for the rest, 25 frames of 1024 x 576, as was published for an H100 PCIe.
STEP, SHOWN = 19.1 / 50 / (25 * 1024 * 576), 3.4 / (25 * 1024 * 576)
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
        self._savings = savings or Savings(compiled=not zero.here())
        self._floor = Floor(job, lambda shot: (asked_of(shot)[1], ""), self._load, shoot, filed, _work)

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
        wanted, model = asked_of(shot)
        count, moved = pieces(shot.frame.seconds(shot.frames), wanted), motion(shot.camera, wanted)
        steps = [[one.start, one.end, list(one.aims)] for one in shot.camera.steps] if pans(shot, wanted) else None
        origin = Origin.of(model.repo, model.revision, wanted, model.name)
        return [measures(shot, wanted, shape(shot)), count, moved, steps, shot.fit, shot.seed, *origin.changing]

    def shoot(self, shot: Shot, out: Path, tick: Tick) -> Notes:
        """Write the MP4. FilmError if weights are lacking or damaged, or memory or numbers give out twice."""
        return alone(self.shoot_all, shot, out, tick)

    def shoot_all(self, slates: Sequence[Slate]) -> None:
        """See crew.ClipEngine. What sees, encodes and moves comes to the device once for all shots of a model."""
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
        thrifty = plan(shot.model, self._device, self._most) == THRIFTY
        return Machine(_origin(shot), _gpu.chosen(self._device), self._savings, thrifty=thrifty, most=self._most)


def _origin(shot: Shot) -> Origin:
    """The shot's model, found whole."""
    wanted, model = asked_of(shot)
    origin = Origin.of(model.repo, model.revision, wanted, model.name)
    if lacking := origin.lacking():
        raise FilmError(f"{model.label}'s weights are not all on this machine.", " ; ".join(dict.fromkeys(one.fetch for one in lacking)))
    return origin


def seconds(shot: Shot) -> float:
    """About how long a shot takes on the GPU that was measured."""
    wanted, _ = asked_of(shot)
    rows = 2 if max(wanted.guidance) > 1 else 1
    pixels = wanted.frames * prod(measures(shot, wanted, shape(shot)))
    return pieces(shot.frame.seconds(shot.frames), wanted) * pixels * (STEP * rows * wanted.steps + SHOWN)


def _work(shot: Shot) -> zero.Work:
    wanted, model = asked_of(shot)
    alike = (1.0,) * pieces(shot.frame.seconds(shot.frames), wanted)
    return zero.Work(model.repo, seconds(shot), 1.0, _origin(shot).files(), alike)
