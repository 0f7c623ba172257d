"""Open-Sora 2.0, 11 B: a prompt, a picture, or both, to moving frames, on one's own GPU.

The network is ours (plain torch), the readers are transformers', the VAE is diffusers'; the results are the official
code's, from at most three quarters of its work. A scene that is longer than one clip is several that go on from one
another. A clip that is long in the making may be made by several GPUs together. Knows its shot and nothing of the film.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..gear import gpu as _gpu
from ..gear import zero
from ..gear.meeting import Meeting
from ..gear.weights import Source
from ..plan import Reach, Shot, Slate
from ..presets import Model
from ..vault import Notes
from ..work import FilmError, Tick
from . import _open_sora_given as moving
from ._floor import Floor
from ._open_sora_loop import Guidance, needed
from ._open_sora_machine import Files, Machine
from ._open_sora_plan import Options, effort, options, size, text, together
from ._open_sora_shot import asked_of, aspect, cut, filed, job, played, shoot
from ._open_sora_together import Leader, follow
from ._stages import alone

if TYPE_CHECKING:
    from ._floor import Ending
    from ._open_sora_shot import Job

NEEDS = 12.0  # GiB of the GPU
# Seconds of an H100 for 50 steps of three rows, 129 frames, as was published, by a clip's size.
PUBLISHED = {"256px": 60.0, "768px": 1656.0}


class Engine:
    """See crew.ClipEngine. device: "auto", or torch's name of one; vram: GiB of it to be content with."""

    label = "Open-Sora 2.0"
    version = 2
    rank = 5
    online = False
    wants_picture = False
    spreads = True

    def __init__(self, *, device: str = "auto", vram: float | None = None) -> None:
        self._device, self._vram = device, vram
        self._leader: Leader | None = None
        self._floor = Floor(job, _loads, self._load, self._shoot, filed, work)

    def missing(self) -> str | None:
        """Packages, or a GPU."""
        lack = _gpu.packages("torch", "diffusers", "transformers", "safetensors", "sentencepiece", "huggingface_hub")
        return lack or _gpu.lack(self._device, NEEDS)

    def lacks(self, model: Model) -> str | None:
        """Weights: how to have them, and what licence they come under."""
        try:
            lacking = _files(model, options(model.options)).lacking()
        except FilmError as error:
            return str(error)
        return f"Its weights are needed ({model.terms}): {'; '.join(dict.fromkeys(source.fetch for source in lacking))}" if lacking else None

    def sources(self, model: Model) -> tuple[Source, ...]:
        """See crew.Engine."""
        files = _files(model, options(model.options))
        return files.model, *(one for one in (files.text, files.clip) if one)

    def recipe(self, shot: Shot) -> object:
        """Everything that changes a frame, but for picture and model. Lengths that make the same clips are the same."""
        wanted, model = asked_of(shot)
        made = [[one.frames, one.kind] for one in cut(shot, wanted)]
        said = text(shot.styled, None if shot.given else shot.camera, wanted.motion_score)
        long = [played(shot)] if made[0][1] == "i2v_loop" and not shot.given else []
        return [said, made, *long, size(wanted.resolution, aspect(shot)), shot.fit, shot.seed, *_files(model, wanted).changing]

    def reach(self, _model: Model) -> Reach:
        """See crew.ClipEngine."""
        return moving.REACH

    def shoot(self, shot: Shot, out: Path, tick: Tick) -> Notes:
        """Write the MP4. FilmError if weights are lacking or damaged, or memory or numbers give out twice."""
        return alone(self.shoot_all, shot, out, tick)

    def shoot_all(self, slates: Sequence[Slate], meeting: Meeting | None = None) -> None:
        """See crew.ClipEngine. All texts are read first, so the readers make room for the network."""
        if meeting is None:
            self._floor.shoot_all(slates)
            return
        try:
            with Leader(meeting) as self._leader:
                self._floor.shoot_all(slates)
        finally:
            self._leader = None

    def joins(self, shot: Shot) -> int:
        """See crew.ClipEngine."""
        try:
            return together(asked_of(shot)[0])
        except FilmError:
            return 1  # it is told when the shot is made

    def join(self, meeting: Meeting) -> None:
        """See crew.ClipEngine."""
        self._floor.lend(partial(follow, meeting))

    def effort(self, model: Model) -> float:
        """See crew.ClipEngine."""
        return effort(options(model.options))

    def seat(self) -> str:
        """See crew.Engine."""
        return _gpu.seat(self._device)

    def close(self) -> None:
        """Let the model go."""
        self._floor.close()

    def _shoot(self, machine: Machine, jobs: Sequence[Job], ending: Ending) -> None:
        shoot(machine, jobs, ending, self._leader)

    def _load(self, shot: Shot) -> Machine:
        wanted, model = asked_of(shot)
        if lack := self.lacks(model):
            raise FilmError(f"{model.label} is not on this machine.", lack)
        fast = wanted.fast_kernels and not zero.here()
        return Machine(_files(model, wanted), _gpu.chosen(self._device), eight=wanted.weights == "fp8", fast=fast, most=self._vram)


def _files(model: Model, wanted: Options) -> Files:
    return Files.of(model.repo, model.revision, wanted.text_encoder, wanted.clip_encoder, model.name)


def _loads(shot: Shot) -> tuple[object, object]:
    """Both sizes are one model's."""
    wanted, model = asked_of(shot)
    return (_files(model, wanted), wanted.weights, wanted.fast_kernels), ""


def work(shot: Shot) -> zero.Work:
    """How much a shot is: rows times frames, of its size."""
    wanted, model = asked_of(shot)
    guidance = Guidance(wanted.guidance, wanted.image_guidance, rising=shot.picture is not None)
    parts = [needed(wanted.steps, guidance, one.kind != "t2v") * one.frames for one in cut(shot, wanted)]
    return zero.Work(f"{model.repo} {wanted.resolution}", sum(parts), PUBLISHED[wanted.resolution] / (150 * 129), _files(model, wanted).weights(), parts)
