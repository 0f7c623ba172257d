"""Shots of one model in diffusers, stage by stage: all are read, then all have their steps, then all are decoded.

Where the whole model stays on the device, a clip is decoded after its steps, and written while the next one has its own;
else each part comes over once for all shots, of two networks the one before the other. A long shot's clips are the stages' rounds. Knows no file but its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING, Any

from ..gear import gpu as _gpu
from ..gear.loras import triggers
from ..gear.pipes import paced, watched
from ..plan import Shot, Slate, without
from ..presets import Model
from ..vault import Notes
from ..work import FilmError, part
from . import _diffusers_given as moving
from . import _diffusers_glimpse as glimpse
from . import _floor as floor
from ._diffusers_call import PRESSED, Held, Tape, arguments, pictures, read, shown, stepped
from ._diffusers_joint import joint
from ._diffusers_machine import Machine
from ._diffusers_plan import Options, Piece, options, pieces, said, size
from ._floor import DRAWN, each, rounds
from ._reel import Still, opened, write_planes
from ._stages import planes

if TYPE_CHECKING:
    import torch
    from numpy import uint8
    from numpy.typing import NDArray
    from torch import Tensor

    from ._floor import Ending

STEPPED = 0.9  # share of a clip's work: its steps


@dataclass(frozen=True, slots=True)
class Asked:
    """What a shot asks for. size: width and height; moving: pictures that it goes by, if any."""

    told: Options
    size: tuple[int, int]
    text: str
    moving: moving.Held | None


if TYPE_CHECKING:
    Job = floor.Job[Asked, Piece, list[NDArray[uint8]]]  # a clip begins with pictures


def job(slate: Slate) -> Job:
    """What a shot asks for; FilmError if that cannot be."""
    shot = slate.shot
    told, _ = asked_of(shot)
    if not shot.prompt.strip() and shot.picture is None and shot.given is None:
        raise FilmError("There is neither a prompt nor a picture.", "Say in the prompt what is to be seen.")
    given = opened(shot.picture) if shot.picture else None
    measures = measured(shot, told, given)
    made = cut(shot, told)
    held = moving.Held.of(shot, told, measures) if shot.given else None
    now = held.first if held else [given.at(measures, stretch=shot.fit == "stretch")] if given else []
    text = said(shot.styled, shot.camera, told, triggers(told.loras))
    return floor.Job(slate, Asked(told, measures, text, held), made, now)


def asked_of(shot: Shot) -> tuple[Options, Model]:
    """What the shot's preset says, and the model; FilmError if there is none."""
    if shot.model is None:
        raise FilmError("There is no model for diffusers here.", "Add one to models.toml.")
    told = options(shot.model.options)
    spoken = told.spoken and shot.given is None  # moving pictures have a camera of their own
    return replace(told, negative=without(told.negative, shot.negative), spoken=spoken, loras=(*told.loras, *shot.loras)), shot.model


def cut(shot: Shot, told: Options) -> list[Piece]:
    """The shot's clips."""
    if shot.given:
        return moving.parts(shot, told)
    return pieces(shot.frame.seconds(shot.frames), shot.picture is not None, told)


def measured(shot: Shot, told: Options, given: Still | None) -> tuple[int, int]:
    """The clips' width and height."""
    whole = given is not None and shot.fit.startswith("contain")  # all of the picture is to be seen
    aspect = given.width / given.height if given and whole else shot.frame.width / shot.frame.height
    return size(told.size, told.multiple, aspect, fixed=told.fixed)


def shoot(machine: Machine, jobs: Sequence[Job], ending: Ending) -> None:
    """Make them all; each that has its clips goes to `ending`."""
    machine.ready(jobs[0].asked.told.loras)
    for left in rounds(jobs):
        fresh = [one for one in left if one.held is None]
        tapes = [(one, tape) for one in fresh if (tape := each(one, partial(_read, machine)) if machine.staged else Tape()) is not None]
        if machine.staged and tapes:
            machine.room()
        for one, tape in tapes:
            each(one, partial(_steps, machine, tape))
            if not machine.staged and not one.over:
                each(one, partial(_show, machine, ending))
        for one, tape in tapes:  # where the first of two networks has had its turn
            if machine.staged and one.held is None and not one.over:
                each(one, partial(_steps, machine, tape))
        for one in left:
            if one.held is not None and not one.over:
                each(one, partial(_show, machine, ending))


def _read(machine: Machine, one: Job) -> Tape:
    one.tick(0.0)
    if one.slate.show:
        machine.sums()
    pipe = machine.pipe(getattr(one.asked.told, one.piece.mode))
    return read(pipe, partial(_asked, machine, pipe, one, None))


def _steps(machine: Machine, tape: Tape, one: Job) -> None:
    one.held = _stepped(machine, one, tape)


def _stepped(machine: Machine, one: Job, tape: Tape) -> Held | None:
    """What is to be decoded; None if the second of two networks is to go on."""
    one.tick(STEPPED * tape.done)
    sums = machine.sums() if one.slate.show else None
    pipe = machine.pipe(getattr(one.asked.told, one.piece.mode))
    share = part(one.tick, 0.0, STEPPED)
    watched(pipe, lambda done: share(done) if tape.reached(done) else None)
    asked = partial(_asked, machine, pipe, one, sums)
    with _gpu.attention(machine.device):
        return stepped(pipe, asked, tape, seed=one.seed, along=one.asked.told.along, apart=machine.staged)


def _asked(machine: Machine, pipe: Any, one: Job, sums: Tensor | None) -> dict[str, Any]:
    """The arguments of one call."""
    import torch

    told, piece, (wide, high) = one.asked.told.of(one.piece.mode), one.piece, one.asked.size
    paced(pipe, told.scheduler)
    all_of_it: dict[str, Any] = {
        "prompt": one.asked.text, "negative_prompt": told.negative or None, "width": wide, "height": high, "num_frames": piece.frames,
        "num_inference_steps": told.steps, "guidance_scale": told.guidance, "fps": told.fps, "frame_rate": told.fps,
        "generator": torch.Generator(_drawn(pipe, getattr(told, piece.mode), piece.mode)).manual_seed(one.seed), "output_type": "pt",
        **glimpse.told(pipe, sums, one.asked.size, one.slate.show),
    }  # fmt: skip
    if one.asked.moving and piece.mode in ("v2v", "ends"):
        all_of_it |= one.asked.moving.asked(pipe, told, piece)
    elif piece.mode != "t2v":
        all_of_it |= pictures(told.given, piece.mode, piece.frames, one.now, one.asked.size, PRESSED)
    if hasattr(pipe, "guider") and told.guidance is not None:
        pipe.guider = pipe.guider.new(guidance_scale=told.guidance)
    return arguments(pipe, all_of_it, told.names, told.more)


def _drawn(pipe: Any, kind: str, mode: str) -> torch.device | str:
    """Where noise is drawn: on the CPU, so that it is the same everywhere; of a picture Helios draws it on the device."""
    return pipe._execution_device if mode != "t2v" and kind.startswith("Helios") else "cpu"


def _show(machine: Machine, ending: Ending, one: Job) -> None:
    """Decode a clip and send it to the CPU."""
    import torch

    one.tick(STEPPED)
    told, window = one.asked.told, one.asked.moving.window if one.asked.moving else None
    seen = _decoded(machine, one)
    kept, then = joint(seen, one.now, told, one.piece.mode, first=not one.at, last=one.last)
    one.notes["plan"] = machine.plan
    if told.melt and one.at:
        one.notes["melted"] = one.at + 1
    one.clip(machine, planes(window.shown(kept) if window else kept, 0.0), torch.isfinite(seen).all(), then, ending)


def _decoded(machine: Machine, one: Job) -> Tensor:
    """The clip's pictures; in squares, which takes far less memory, where whole ones have no room: its steps are kept."""
    pipe = machine.pipe(getattr(one.asked.told, one.piece.mode))
    while True:
        try:
            return shown(pipe, one.held).float()
        except _gpu.full():
            if not machine.tile():
                raise
        _gpu.emptied()
        one.notes["memory"] = "ran out once; less was taken"


def filed(slate: Slate, clips: Sequence[NDArray[uint8]]) -> Notes:
    """Clips of I420 pictures as the shot's file."""
    frames = [frame for clip in clips for frame in clip]
    measures = clips[0].shape[2], clips[0].shape[1] * 2 // 3
    told, _ = asked_of(slate.shot)
    return write_planes(frames, len(frames), measures, Fraction(told.fps), slate.out, part(slate.tick, DRAWN, 1.0))
