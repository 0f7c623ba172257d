"""Stable Video Diffusion's shots of one film, stage by stage: all are seen and encoded, all are denoised, all decoded.

Where the whole model stays on the device, a clip is decoded as soon as it is denoised, and written while the next one is
denoised; else each part comes over once. A long shot's clips are the stages' rounds. Knows no file but its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from math import hypot
from typing import TYPE_CHECKING, Any

from ..path import matrices
from ..plan import Frame, Shot, Slate
from ..presets import Model
from ..vault import Notes
from ..work import FilmError, part
from . import _floor as floor
from ._floor import DRAWN, each, rounds
from ._glimpse import Glimpses, colours
from ._reel import opened, write_planes
from ._stages import planes, views
from ._svd_loop import Schedule, Wish, decoded, denoise, encoded, euler, lcm, seen
from ._svd_machine import Machine
from ._svd_plan import SMOOTH, Options, goes, motion, options, pieces, size

if TYPE_CHECKING:
    from numpy import float64, uint8
    from numpy.typing import NDArray
    from torch import Generator, Tensor

    from ._floor import Ending

STEPPED = 0.85  # share of a clip's work: its steps


@dataclass(frozen=True, slots=True)
class Asked:
    """What a shot asks for. own: width and height of which the model is good at it."""

    wanted: Options
    wish: Wish
    own: tuple[int, int]


if TYPE_CHECKING:
    Job = floor.Job[Asked, None, Tensor]  # a clip begins with a picture, (1, 3, height, width) in -1..1


@dataclass
class _Clip:
    """One clip of a job between the stages."""

    picture: Tensor
    random: Generator
    context: Tensor
    latents: Tensor


def job(slate: Slate) -> Job:
    """What a shot asks for; FilmError if that cannot be."""
    import numpy as np
    import torch

    shot, (wanted, _) = slate.shot, asked_of(slate.shot)
    if shot.picture is None:
        raise FilmError("There is no picture to set in motion.", "Add a picture to the scene.")
    given = opened(shot.picture)
    aspect = given.width / given.height if shot.fit.startswith("contain") else shape(shot)  # all of it is to be seen
    fitted = np.ascontiguousarray(given.at(measures(shot, wanted, aspect), stretch=shot.fit == "stretch"))
    picture = torch.from_numpy(fitted).permute(2, 0, 1)[None].float() / 127.5 - 1
    moved = motion(shot.camera, wanted)
    wish = Wish(wanted.frames, wanted.fps, moved.bucket, moved.noise, wanted.guidance)
    return floor.Job(slate, Asked(wanted, wish, size(wanted.size, aspect)), [None] * pieces(shot.frame.seconds(shot.frames), wanted), picture)


def asked_of(shot: Shot) -> tuple[Options, Model]:
    """What the shot's preset says, and the model; FilmError if there is none."""
    if shot.model is None:
        raise FilmError("Stable Video Diffusion has no model here.", "Add one to models.toml.")
    return options(shot.model.options), shot.model


def shape(shot: Shot) -> float:
    """The film's width / height."""
    return shot.frame.width / shot.frame.height


def pans(shot: Shot, wanted: Options) -> bool:
    """Whether the camera's moves go over the clip."""
    return wanted.camera and goes(shot.camera)


def measures(shot: Shot, wanted: Options, aspect: float) -> tuple[int, int]:
    """Width and height of its clips: larger than the model's own where the camera goes closer than all of it."""
    own = size(wanted.size, aspect)
    if not pans(shot, wanted):
        return own
    path = over(shot, wanted, pieces(shot.frame.seconds(shot.frames), wanted) * (wanted.frames - 1) + 1, own)
    near = min(wanted.room, max(hypot(matrix[0, 0], matrix[1, 0]) for matrix in path))
    return size((round(own[0] * near), round(own[1] * near)), aspect)


def over(shot: Shot, wanted: Options, frames: int, measures: tuple[int, int]) -> NDArray[float64]:
    """The camera's way over so many of the model's frames, each shown as often as is smooth: one matrix each."""
    rate = wanted.fps * (again := smooth(wanted))
    return matrices(shot.camera, frames * again, Frame(*measures, Fraction(rate)), measures, shot.seed)


def smooth(wanted: Options) -> int:
    """How often each of the model's frames is shown where the camera goes over them."""
    return max(1, round(SMOOTH / wanted.fps))


def shoot(machine: Machine, jobs: Sequence[Job], ending: Ending) -> None:
    """Make them all; each that has its clips goes to `ending`."""
    if machine.native:
        for one in jobs:
            _small(one)
    for left in rounds(jobs):
        if clips := _begun(machine, [one for one in left if one.held is None]):
            _steps(machine, clips, ending)
            machine.rested()
        for one in left:
            if one.held is not None and not one.over:
                each(one, partial(_show, machine, ending))


def _small(one: Job) -> None:
    """A shot without room for the camera, from its beginning: its clips have the model's own size."""
    from torch.nn.functional import interpolate

    own = one.asked.own
    if one.since or one.first.shape[2:] == own[::-1]:  # clips that are there already have the larger size
        return
    one.first = one.now = interpolate(one.first, (own[1], own[0]), mode="bicubic", antialias=True).clamp(-1, 1)
    one.held, one.at, one.made = None, 0, []
    one.notes["size"] = f"{own[0]} x {own[1]}: there was no memory for more"


def _steps(machine: Machine, clips: Sequence[tuple[Job, _Clip]], ending: Ending) -> None:
    """Every clip's. The network is nobody's after this."""
    with machine.net() as net:
        for one, clip in clips:
            each(one, partial(_denoised, machine, net, clip))
            if not machine.thrifty and not one.over:
                each(one, partial(_show, machine, ending))


def schedule(machine: Machine, wanted: Options) -> Schedule:
    """The model's steps."""
    return lcm(wanted.steps) if wanted.sampler == "lcm" else euler(machine.scheduler, wanted.steps)


def _begun(machine: Machine, jobs: Sequence[Job]) -> list[tuple[Job, _Clip]]:
    """Every job's next clip: what is in its picture, and the picture's latents."""
    if not jobs:
        return []
    with machine.part("image_encoder") as encoder:
        clips = [(one, clip) for one in jobs if (clip := each(one, partial(_seen, machine, encoder)))]
    with machine.part("vae") as vae:
        for one, clip in clips:
            each(one, partial(_encoded, vae, clip))
        machine.scale = float(vae.config.scaling_factor)
    return [(one, clip) for one, clip in clips if not one.over]


def _seen(machine: Machine, encoder: Any, one: Job) -> _Clip:
    import torch

    one.tick(0.0)
    picture = one.now.to(machine.device)
    return _Clip(picture, torch.Generator("cpu").manual_seed(one.seed), seen(encoder, picture, *machine.colours), picture)


def _encoded(vae: Any, clip: _Clip, one: Job) -> None:
    one.tick(0.0)
    clip.latents = encoded(vae, clip.picture, one.asked.wish.noise, clip.random)


def _denoised(machine: Machine, net: Any, clip: _Clip, one: Job) -> None:
    share, show, plan = part(one.tick, 0.0, STEPPED), one.slate.show, schedule(machine, one.asked.wanted)
    glimpses = Glimpses(colours(clip.latents[0] * machine.scale, clip.picture[0]), show) if show else None
    one.held = denoise(net, one.asked.wish, plan, clip.context, clip.latents, clip.random, share, machine.thrifty, glimpses)


def _show(machine: Machine, ending: Ending, one: Job) -> None:
    """Decode a clip and send it to the CPU."""
    import torch

    wide, high, wish = one.first.shape[3], one.first.shape[2], one.asked.wish
    chunk = machine.chunk(wish.frames, (wide, high))
    chunk = min(chunk, one.asked.wanted.chunk or chunk)
    if chunk < wish.frames:
        one.notes["decoded"] = f"{chunk} frames at once"  # where pieces meet, a little differs from the whole
    good, made = torch.isfinite(one.held).all(), []
    with machine.part("vae") as vae:
        for some in decoded(vae, one.held, chunk, part(one.tick, STEPPED, 1.0)):
            good = good & torch.isfinite(some).all()
            made.append(planes(some))
            last = some[-1:]
    then = ((last.clamp(-1, 1) / 2 + 0.5) * 255).round() / 127.5 - 1
    one.clip(machine, torch.cat(made)[1 if one.at else 0 :], good, then, ending)  # it begins with the last one's end


def filed(slate: Slate, clips: Sequence[NDArray[uint8]]) -> Notes:
    """Clips of I420 pictures as the shot's file."""
    frames = [frame for clip in clips for frame in clip]
    shot, (wanted, _) = slate.shot, asked_of(slate.shot)
    rate, count = wanted.fps, len(frames)
    size_of = clips[0].shape[2], clips[0].shape[1] * 2 // 3
    told: Sequence[NDArray[uint8]] | Iterator[NDArray[uint8]] = frames
    if pans(shot, wanted):
        again = smooth(wanted)
        told = panned(frames, again, over(shot, wanted, count, size_of), size_of)
        count, rate = count * again, rate * again
    return write_planes(told, count, size_of, Fraction(rate), slate.out, part(slate.tick, DRAWN, 1.0))


def panned(frames: Sequence[NDArray[uint8]], again: int, path: NDArray[float64], measures: tuple[int, int]) -> Iterator[NDArray[uint8]]:
    """The camera's way over I420 pictures, each shown `again` times."""
    import cv2
    import numpy as np

    for i, matrix in enumerate(path):
        out = np.empty_like(frames[0])
        for plane, given, into in zip("yuv", views(frames[i // again], measures), views(out, measures), strict=True):
            own = matrix.copy()
            if plane == "y":  # cv2 counts from the middle of the first pixel
                own[:, 2] += own[:, :2] @ (0.5, 0.5) - 0.5
            else:  # a chroma sample lies on the left of its two pixels, between their rows
                own[:, 2] = (own[:, :2] @ (0.5, 1.0) + own[:, 2] - (0.5, 1.0)) / 2
            size_of = into.shape[1], into.shape[0]
            cv2.warpAffine(given, own, size_of, dst=into, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        yield out
