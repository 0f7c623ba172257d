"""Open-Sora 2.0's shots of one film, stage by stage: texts are read, pictures encoded, all have their steps, all are decoded.

Where the network and the VAE's work have room side by side, a clip is decoded after its steps, and written while the
next one has its own; else each has the device to itself, once for all shots. A long shot's clips, each going on from the
last, are the stages' rounds. Knows no file but its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING

from ..gear import gpu as _gpu
from ..plan import Given, Shot, Slate
from ..presets import Model
from ..vault import Notes
from ..work import FilmError, part
from . import _floor as floor
from . import _open_sora_given as moving
from . import _open_sora_vae as vaes
from ._floor import DRAWN, each, rounds
from ._glimpse import Glimpses, colours
from ._open_sora_loop import Guidance, denoise, needed, packed, pulls, rows, schedule, unpacked
from ._open_sora_machine import Machine
from ._open_sora_net import predict, prepare
from ._open_sora_plan import BEFORE, RATE, Options, Piece, options, pieces, size, text
from ._open_sora_together import Leader
from ._open_sora_vae import SIDE, TIMES
from ._reel import opened, write_planes
from ._stages import planes
from ._window import Window

if TYPE_CHECKING:
    from numpy import uint8
    from numpy.typing import NDArray
    from torch import Tensor

    from ._floor import Ending

STEPPED = 0.95  # share of a clip's time, before the VAE


@dataclass(frozen=True, slots=True)
class Asked:
    """What a shot asks for. size: width, height; said: the model's text; window: where in the model's picture the film's
    is, if not everywhere."""

    wanted: Options
    size: tuple[int, int]
    said: str
    window: Window | None = None


if TYPE_CHECKING:
    Job = floor.Job[Asked, Piece, Tensor | None]  # a clip begins, or ends, with frames, (1, 3, frames, height, width) in -1..1


def job(slate: Slate) -> Job:
    """What a shot asks for; FilmError if its picture cannot be read."""
    import torch

    wish, (wanted, _), seen = slate.shot, asked_of(slate.shot), None
    if not wish.prompt.strip() and wish.picture is None and wish.given is None:
        raise FilmError("There is neither a prompt nor a picture.", "Say in the prompt what is to be seen.")
    measures = size(wanted.resolution, aspect(wish))
    if wish.given:
        return _going_on(slate, wanted, wish.given, measures)
    if wish.picture is not None:
        given = opened(wish.picture)
        if wish.fit.startswith("contain"):  # all of the picture is to be seen: the clip has its shape
            measures = size(wanted.resolution, given.width / given.height)
        fitted = torch.from_numpy(given.at(measures, stretch=wish.fit == "stretch"))
        seen = fitted.permute(2, 0, 1)[None, :, None].float() / 127.5 - 1
    said, made = text(wish.styled, wish.camera, wanted.motion_score), cut(wish, wanted)
    return floor.Job(slate, Asked(wanted, measures, said), made, seen, _backwards(made))


def _going_on(slate: Slate, wanted: Options, given: Given, measures: tuple[int, int]) -> Job:
    """A shot that goes by moving pictures."""
    made, held = cut(slate.shot, wanted), moving.Held.of(slate.shot, given, measures)
    asked = Asked(wanted, measures, text(slate.shot.styled, None, wanted.motion_score))
    if (held.window.width, held.window.height) != measures:
        asked = replace(asked, window=held.window)
    if held.seen.shape[2] == 1:
        made[0] = replace(made[0], kind="i2v_head" if given.first else "i2v_tail")
    return floor.Job(slate, asked, made, held.seen, _backwards(made))


def _backwards(made: Sequence[Piece]) -> bool:
    """Whether they are made from their end."""
    return made[0].kind in ("i2v_tail", "v2v_tail")


def asked_of(shot: Shot) -> tuple[Options, Model]:
    """What the shot's preset says, and the model; FilmError if there is none."""
    if shot.model is None:
        raise FilmError("Open-Sora was not told which of its models to use.", "Name one of those in models.toml.")
    return options(shot.model.options), shot.model


def cut(shot: Shot, wanted: Options) -> list[Piece]:
    """The shot's clips, in the order in which they are made."""
    if shot.given:
        return moving.parts(shot, shot.given)
    return pieces(shot.frame.seconds(shot.frames), shot.picture is not None, wanted.ends)


def aspect(shot: Shot) -> float:
    """The film's width / height."""
    return shot.frame.width / shot.frame.height


def played(shot: Shot) -> int:
    """The scene's length in the model's frames."""
    return round(shot.frame.seconds(shot.frames) * RATE)


def shoot(machine: Machine, jobs: Sequence[Job], ending: Ending, leader: Leader | None = None) -> None:
    """Make them all; each that has its clips goes to `ending`. leader: of those who help with the network's work."""
    jobs = [one for one in jobs if each(one, partial(_words, machine))]
    if not jobs:
        return
    largest = max(jobs, key=lambda one: (one.asked.size[0] * one.asked.size[1], one.pieces[0].frames))
    staged = machine.laid_out(max(piece.frames for one in jobs for piece in one.pieces), largest.asked.size)
    if leader:
        leader.lay_out(largest.slate.shot, machine)
    for some in [jobs] if staged else [[one] for one in jobs]:
        for left in rounds(some):
            begun = [(one, refs) for one in left if one.held is None and (refs := each(one, partial(_begun, machine)))]
            if staged:
                machine.unseen()
            for one, (ref,) in begun:
                each(one, partial(_latents, machine, leader, ref))
            if staged:
                machine.rested()
            for one in left:
                if not one.over:
                    each(one, partial(_show, machine, ending))


def _words(machine: Machine, one: Job) -> bool:
    """Have the text read, and that of no words: the readers make room for the network."""
    one.tick(0.0)
    for said in ("", one.asked.said):
        machine.text(said)
    return True


def _begun(machine: Machine, one: Job) -> tuple[Tensor | None]:
    """The latents of what the clip begins or ends with."""
    import torch

    one.tick(0.0)
    if one.slate.show and machine.sums is None and machine.seeing:  # soft patches of every colour, and what the VAE makes of them
        machine.sums = _sums(machine)
    if one.now is None or one.piece.kind == "t2v":
        return (None,)
    seen, vae = one.now.to(machine.device), machine.vae(machine.dtype)
    apart = seen.split(1, 2) if one.piece.kind == "i2v_loop" else (seen,)  # two pictures are no video
    return (torch.cat([vaes.encode(vae, some) for some in apart], 2),)


def _sums(machine: Machine) -> Tensor:
    import torch

    chart = torch.rand(1, 3, 6, 6, generator=torch.Generator().manual_seed(1)) * 2 - 1
    wide = torch.nn.functional.interpolate(chart, size=(96, 96), mode="bicubic").clamp(-1, 1).to(machine.device)
    return colours(vaes.encode(machine.vae(machine.dtype), wide[:, :, None])[0, :, 0], wide[0])


def _latents(machine: Machine, leader: Leader | None, ref: Tensor | None, one: Job) -> None:
    """Noise to latents, (1, 16, frames, height, width), with what was given in its place."""
    latents = _stepped(machine, leader, one, ref)
    if ref is not None and one.piece.kind in ("i2v_head", "i2v_loop"):
        latents[:, :, :1] = ref[:, :, :1]
    if ref is not None and one.piece.kind in ("i2v_tail", "i2v_loop"):
        latents[:, :, -1:] = ref[:, :, -1:]
    one.held = latents


def _stepped(machine: Machine, leader: Leader | None, one: Job, ref: Tensor | None) -> Tensor:
    import torch

    wanted, piece, tick = one.asked.wanted, one.piece, part(one.tick, 0.0, STEPPED)
    width, height = (side // SIDE for side in one.asked.size)
    count = (piece.frames - 1) // TIMES + 1
    words, whole = zip(machine.text(one.asked.said), machine.text(""), strict=True)
    net = replace(machine.net(piece.frames, one.asked.size), dtype=machine.dtype)
    channels = net.design.channels // 4
    noise = torch.randn(1, channels, count, height, width, generator=torch.Generator("cpu").manual_seed(one.seed)).to(machine.device)
    cond = packed(condition(piece.kind, ref, torch.zeros_like(noise)))
    times = schedule(wanted.steps, width * height // 4, count)
    tick(0.0)
    grid = count, height // 2, width // 2
    if leader:
        clip = leader.prepared(net, times[:-1], grid, words, whole, cond, tick)
    else:
        clip = prepare(net, times[:-1], grid, words, whole, cond)
    guidance = Guidance(wanted.guidance, wanted.image_guidance, rising=piece.kind.startswith("i2v"))
    given = ref is not None
    sums = [0]
    for step in range(wanted.steps):
        sums.append(sums[-1] + len(rows(*pulls(step, guidance), given)))

    def answer(step: int, x: Tensor, asked: Sequence[int]) -> list[Tensor]:
        ticked = part(tick, sums[step] / sums[-1], sums[step + 1] / sums[-1])
        return leader.predict(net, clip, x, step, asked, ticked) if leader else predict(net, clip, x, step, asked, ticked)

    show = one.slate.show
    glimpses = Glimpses(machine.sums, show) if show and machine.sums is not None else None

    def look(clean: Callable[[], Tensor]) -> None:
        if glimpses:
            glimpses.offer(lambda: unpacked(clean(), count, height, width)[0, :, count // 2])

    with _gpu.attention(machine.device):
        x = denoise(answer, packed(noise), times, count, guidance, given, look)
    one.notes |= {"cards": leader.size} if leader else {}
    one.notes["rows"] = int(str(one.notes.get("rows", 0))) + needed(wanted.steps, guidance, given)
    return unpacked(x, count, height, width)


def _show(machine: Machine, ending: Ending, one: Job) -> None:
    """Decode a clip and send it to the CPU."""
    import torch

    one.tick(STEPPED)
    frames = vaes.decode(machine.vae(machine.dtype), one.held).float()
    good = torch.isfinite(frames).all()
    new = frames if not one.at else frames[:, :, :-BEFORE] if one.backwards else frames[:, :, BEFORE:]
    new = one.asked.window.shown(new) if one.asked.window else new
    edge = None if one.last else (frames[:, :, :BEFORE] if one.backwards else frames[:, :, -BEFORE:]).nan_to_num().clamp(-1, 1).cpu()  # it is large, and others come first
    one.clip(machine, planes(new[0].transpose(0, 1)), good, edge, ending)


def filed(slate: Slate, clips: Sequence[NDArray[uint8]]) -> Notes:
    """Clips of I420 pictures as the shot's file."""
    import numpy as np

    high, wide = clips[0].shape[1] * 2 // 3, clips[0].shape[2]
    frames, (wanted, _) = [frame for clip in clips for frame in clip], asked_of(slate.shot)
    if not slate.shot.given and cut(slate.shot, wanted)[0].kind == "i2v_loop" and (long := played(slate.shot)) > len(frames):
        frames = [frames[i] for i in np.arange(long) % (len(frames) - 1)]  # it ends as it begins, and is played again
    return write_planes(frames, len(frames), (wide, high), Fraction(RATE), slate.out, part(slate.tick, DRAWN, 1.0))


def condition(kind: str, ref: Tensor | None, empty: Tensor) -> Tensor:
    """Where latents are given, and what they are: (1, 1 + channels, frames, height, width); `empty` has their shape."""
    import torch

    held, mask = empty.clone(), empty[:, :1].clone()
    if ref is not None:
        n = ref.shape[2]
        whole = {"head": [(slice(0, n), ref)], "tail": [(slice(-n, None), ref)]}
        ends = whole | {"loop": [(slice(0, 1), ref[:, :, :1]), (slice(-1, None), ref[:, :, -1:])]}
        for place, given in ends[kind.split("_")[1]]:
            mask[:, :, place] = 1
            held[:, :, place] = given
    return torch.cat([mask, held], dim=1)
