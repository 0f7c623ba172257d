"""Shots of one model in diffusers, stage by stage: all are read, then all have their steps, then all are decoded.

Where the whole model stays on the device, a clip is decoded after its steps, and written while the next one has its own;
else each part comes over once for all shots. A long shot's clips are the stages' rounds. Knows no file but its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING, Any

from ..gear import gpu as _gpu
from ..gear.loras import triggers
from ..gear.pipes import paced, watched
from ..plan import Shot, Slate, without
from ..presets import Model
from ..vault import Notes
from ..work import FilmError, Tick, part
from . import _diffusers_given as moving
from . import _diffusers_glimpse as glimpse
from ._diffusers_call import PRESSED, Held, arguments, pictures, read, shown, stepped
from ._diffusers_joint import joint
from ._diffusers_machine import Machine
from ._diffusers_plan import Options, Piece, options, pieces, said, size
from ._reel import Still, opened, write_planes
from ._stages import Cutting, guarded, landed, planes

if TYPE_CHECKING:
    from numpy import uint8
    from numpy.typing import NDArray
    from torch import Tensor

    from ._diffusers_call import Tape

STEPPED, DRAWN = 0.9, 0.97  # shares of the work: the steps of a clip; all before the file is written
AT_ONCE = 24  # shots that go through the stages together: what was read, and their pictures, lie in memory
FRAMES = 16  # whose colours are reckoned together


@dataclass
class Job:
    """A shot on its way. held: moving pictures that it goes by, if any; now: the pictures that its next clip begins with; at: how many clips it has; made: those as
    I420 pictures, and whether they are numbers. odd: they are not, and it is to be made again."""

    slate: Slate
    model: Model
    told: Options
    size: tuple[int, int]
    text: str
    pieces: list[Piece]
    first: list[NDArray[uint8]]
    held: moving.Held | None
    now: list[NDArray[uint8]]
    at: int = 0
    notes: Notes = field(default_factory=dict)
    made: list[tuple[Callable[[], NDArray[Any]], Callable[[], NDArray[Any]]]] = field(default_factory=list)
    long: bool = False
    odd: bool = False
    over: bool = False

    @property
    def piece(self) -> Piece:
        """The clip that is made now."""
        return self.pieces[self.at]

    @property
    def seed(self) -> int:
        """Of the clip that is made now."""
        return self.slate.shot.seed + self.at

    @property
    def tick(self) -> Tick:
        """That of the clip that is made now."""
        count = len(self.pieces)
        return part(self.slate.tick, DRAWN * self.at / count, DRAWN * (self.at + 1) / count)

    def anew(self) -> Job:
        """The same from its beginning, in longer numbers."""
        self.now, self.at, self.made, self.odd, self.long = self.first, 0, [], False, True
        return self


def job(slate: Slate) -> Job:
    """What a shot asks for; FilmError if that cannot be."""
    shot = slate.shot
    told, model = asked_of(shot)
    if not shot.prompt.strip() and shot.picture is None and shot.given is None:
        raise FilmError("There is neither a prompt nor a picture.", "Say in the prompt what is to be seen.")
    given = opened(shot.picture) if shot.picture else None
    measures = measured(shot, told, given)
    made = cut(shot, told)
    held = moving.Held.of(shot, told, measures) if shot.given else None
    now = held.first if held else [given.at(measures, stretch=shot.fit == "stretch")] if given else []
    text = said(shot.styled, shot.camera, told, triggers(told.loras))
    return Job(slate, model, told, measures, text, made, now, held, now)


def asked_of(shot: Shot) -> tuple[Options, Model]:
    """What the shot's preset says, and the model; FilmError if there is none."""
    if shot.model is None:
        raise FilmError("There is no model for diffusers here.", "Add one to models.toml.")
    told = options(shot.model.options)
    spoken = told.spoken and shot.given is None  # moving pictures have a camera of their own
    return replace(told, negative=without(told.negative, shot.negative), spoken=spoken), shot.model


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


def shoot(machine: Machine, jobs: Sequence[Job], cutting: Cutting) -> None:
    """Make them all; those that come out as no numbers are `odd` when all is written."""
    left = list(jobs)
    while left := [one for one in left if not one.over and one.at < len(one.pieces)]:
        tapes: list[tuple[Job, Tape]] = []
        for one in left:
            given = _each(one, partial(_read, machine, one)) if machine.staged else {}
            if given is not None:
                tapes.append((one, given))
        waiting: list[tuple[Job, Held]] = []
        for one, tape in tapes:
            if held := _each(one, partial(_stepped, machine, one, tape)):
                if machine.staged:
                    waiting.append((one, held))
                else:
                    _each(one, partial(_show, machine, one, held, cutting))
        for one, held in waiting:
            _each(one, partial(_show, machine, one, held, cutting))


def _each(one: Job, work: Callable[[], Any]) -> Any:
    """The work's result; None where something is wrong with this scene alone, which is told."""
    made = guarded(one.slate, lambda _: (work(),))
    one.over = one.over or made is None
    return made[0] if made else None


def _read(machine: Machine, one: Job) -> Tape:
    one.tick(0.0)
    if one.slate.show:
        machine.sums()
    pipe = machine.pipe(getattr(one.told, one.piece.mode))
    return read(pipe, partial(_asked, machine, pipe, one, None))


def _stepped(machine: Machine, one: Job, tape: Tape) -> Held:
    one.tick(0.0)
    sums = machine.sums() if one.slate.show else None
    pipe = machine.pipe(getattr(one.told, one.piece.mode))
    if machine.staged:
        machine.room(pipe)
    watched(pipe, part(one.tick, 0.0, STEPPED))
    with _gpu.attention(machine.device):
        return stepped(pipe, partial(_asked, machine, pipe, one, sums), tape, seed=one.seed, along=one.told.along)


def _asked(machine: Machine, pipe: Any, one: Job, sums: Tensor | None) -> dict[str, Any]:
    """The arguments of one call."""
    import torch

    told, piece, (wide, high) = one.told.of(one.piece.mode), one.piece, one.size
    paced(pipe, told.scheduler)
    all_of_it: dict[str, Any] = {
        "prompt": one.text, "negative_prompt": told.negative or None, "width": wide, "height": high, "num_frames": piece.frames,
        "num_inference_steps": told.steps, "guidance_scale": told.guidance, "fps": told.fps, "frame_rate": told.fps,
        "generator": torch.Generator("cpu").manual_seed(one.seed), "output_type": "pt",
        **glimpse.told(pipe, sums, one.size, one.slate.show),
    }  # fmt: skip
    if one.held and piece.mode in ("v2v", "ends"):
        all_of_it |= one.held.asked(pipe, told, piece)
    elif piece.mode != "t2v":
        all_of_it |= pictures(told.given, piece.mode, piece.frames, one.now, one.size, PRESSED)
    if hasattr(pipe, "guider") and told.guidance is not None:
        pipe.guider = pipe.guider.new(guidance_scale=told.guidance)
    return arguments(pipe, all_of_it, told.names, told.more)


def _show(machine: Machine, one: Job, held: Held, cutting: Cutting) -> None:
    """Decode a clip and send it to the CPU; a shot whose last one that was is written."""
    import torch

    one.tick(STEPPED)
    told = one.told
    seen = shown(machine.pipe(getattr(told, one.piece.mode)), held).float()
    good = torch.isfinite(seen).all()
    kept, one.now = joint(seen.nan_to_num(), one.now, told, one.piece.mode, first=not one.at, last=one.at + 1 == len(one.pieces))
    kept = one.held.window.shown(kept) if one.held else kept
    if told.melt and one.at:
        one.notes["melted"] = one.at + 1
    new = [planes(some * 2 - 1) for some in kept.split(FRAMES)]
    one.made.append((landed(torch.cat(new)), landed(good)))
    one.at += 1
    one.notes["clips"], one.notes["plan"] = one.at, machine.plan
    if one.long:
        one.notes["retried"] = str(machine.dtype).removeprefix("torch.")
    if one.at == len(one.pieces):
        cutting.add(one.slate, partial(_written, one, machine.dtype == torch.float32))


def _written(one: Job, longest: bool) -> Notes | None:
    """The shot as its file; None if it is to be made again."""
    if not all(bool(good()) for _, good in one.made):
        one.over = longest
        if longest:
            said = "The model's numbers ran out of range: there is no picture in them."
            raise FilmError(said, "Give the scene another seed or prompt. If every scene says so, the weights are not this model's.")
        one.odd = True
        return None
    one.over = True  # whatever comes of it
    clips = [taken() for taken, _ in one.made]
    one.made.clear()
    frames = [frame for clip in clips for frame in clip]
    measures = clips[0].shape[2], clips[0].shape[1] * 2 // 3
    return one.notes | write_planes(frames, len(frames), measures, Fraction(one.told.fps), one.slate.out, part(one.slate.tick, DRAWN, 1.0))
