"""Stable Video Diffusion's shots of one film, stage by stage: all are seen and encoded, all are denoised, all decoded.

Where the whole model stays on the device, a clip is decoded as soon as it is denoised, and written while the next one is
denoised; else each part comes over once. A long shot's clips are the stages' rounds. Knows no file but its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING, Any

from ..path import matrices
from ..plan import Frame, Shot, Slate
from ..presets import Model
from ..vault import Notes
from ..work import FilmError, Tick, part
from ._glimpse import Glimpses, colours
from ._reel import opened, write_planes
from ._stages import Cutting, landed, planes, views
from ._svd_loop import Schedule, Wish, decoded, denoise, encoded, euler, lcm, seen
from ._svd_machine import Machine
from ._svd_plan import SMOOTH, Options, goes, motion, options, pieces, size

if TYPE_CHECKING:
    from numpy import uint8
    from numpy.typing import NDArray
    from torch import Generator, Tensor

STEPPED, DRAWN = 0.85, 0.97  # shares of the work: the steps of a clip; all before the file is written


@dataclass
class Job:
    """A shot on its way. now: the picture that its next clip begins with, (1, 3, height, width) in -1..1; at: how many
    clips it has; made: those as I420 pictures, and whether they are numbers. odd: they are not, and it is to be made
    again."""

    slate: Slate
    model: Model
    wanted: Options
    wish: Wish
    first: Tensor
    count: int
    now: Tensor
    at: int = 0
    notes: Notes = field(default_factory=dict)
    made: list[tuple[Callable[[], NDArray[Any]], Callable[[], NDArray[Any]]]] = field(default_factory=list)
    long: bool = False
    odd: bool = False
    over: bool = False

    @property
    def tick(self) -> Tick:
        """That of the clip that is made now."""
        return part(self.slate.tick, DRAWN * self.at / self.count, DRAWN * (self.at + 1) / self.count)

    def anew(self) -> Job:
        """The same from its beginning, in longer numbers."""
        self.now, self.at, self.made, self.odd, self.long = self.first, 0, [], False, True
        return self


@dataclass
class _Clip:
    """One clip of a job between the stages."""

    job: Job
    picture: Tensor
    random: Generator
    context: Tensor
    latents: Tensor


def job(slate: Slate) -> Job:
    """What a shot asks for; FilmError if that cannot be."""
    import numpy as np
    import torch

    shot, model = slate.shot, slate.shot.model
    if model is None:
        raise FilmError("Stable Video Diffusion has no model here.", "Add one to models.toml.")
    if shot.picture is None:
        raise FilmError("There is no picture to set in motion.", "Add a picture to the scene.")
    wanted, given = options(model.options), opened(shot.picture)
    aspect = given.width / given.height if shot.fit.startswith("contain") else shape(shot)  # all of it is to be seen
    fitted = np.ascontiguousarray(given.at(size(wanted.size, aspect), stretch=shot.fit == "stretch"))
    picture = torch.from_numpy(fitted).permute(2, 0, 1)[None].float() / 127.5 - 1
    moved = motion(shot.camera, wanted)
    wish = Wish(wanted.frames, wanted.fps, moved.bucket, moved.noise, wanted.guidance)
    return Job(slate, model, wanted, wish, picture, pieces(shot.frame.seconds(shot.frames), wanted), picture)


def shape(shot: Shot) -> float:
    """The film's width / height."""
    return shot.frame.width / shot.frame.height


def pans(shot: Shot, wanted: Options) -> bool:
    """Whether the camera's moves go over the clip."""
    return wanted.camera and goes(shot.camera)


def shoot(machine: Machine, jobs: Sequence[Job], cutting: Cutting, finish: Callable[[Job], Notes | None]) -> None:
    """Make them all, `finish` ends each; those that come out as no numbers are `odd` when all is written."""
    left = list(jobs)
    while left:
        clips = _begun(machine, left)
        waiting: list[tuple[Job, Tensor]] = []
        with machine.net() as net:
            for clip in clips:
                one = clip.job
                share = part(one.tick, 0.0, STEPPED)
                glimpses = _glimpses(machine, clip)
                plan = schedule(machine, one.wanted)
                made = denoise(net, one.wish, plan, clip.context, clip.latents, clip.random, share, machine.thrifty, glimpses)
                if machine.thrifty:
                    waiting.append((one, made))
                else:
                    _show(machine, one, made, cutting, finish)
        for one, made in waiting:
            _show(machine, one, made, cutting, finish)
        left = [one for one in left if one.at < one.count]


def schedule(machine: Machine, wanted: Options) -> Schedule:
    """The model's steps."""
    return lcm(wanted.steps) if wanted.sampler == "lcm" else euler(machine.scheduler, wanted.steps)


def _begun(machine: Machine, jobs: Sequence[Job]) -> list[_Clip]:
    """Every job's next clip: what is in its picture, and the picture's latents."""
    import torch

    clips = []
    with machine.part("image_encoder") as encoder:
        for one in jobs:
            one.tick(0.0)
            random = torch.Generator("cpu").manual_seed(one.slate.shot.seed + one.at)
            picture = one.now.to(machine.device)
            clips.append(_Clip(one, picture, random, seen(encoder, picture, *machine.colours), picture))
    with machine.part("vae") as vae:
        for clip in clips:
            clip.job.tick(0.0)
            clip.latents = encoded(vae, clip.picture, clip.job.wish.noise, clip.random)
        machine.scale = float(vae.config.scaling_factor)
    return clips


def _glimpses(machine: Machine, clip: _Clip) -> Glimpses | None:
    if not clip.job.slate.show:
        return None
    return Glimpses(colours(clip.latents[0] * machine.scale, clip.picture[0]), clip.job.slate.show)


def _show(machine: Machine, one: Job, latents: Tensor, cutting: Cutting, finish: Callable[[Job], Notes | None]) -> None:
    """Decode a clip and send it to the CPU; a shot whose last one that was is written."""
    import torch

    wide, high = one.first.shape[3], one.first.shape[2]
    chunk = machine.chunk(one.wish.frames, (wide, high))
    chunk = min(chunk, one.wanted.chunk or chunk)
    if chunk < one.wish.frames:
        one.notes["decoded"] = f"{chunk} frames at once"  # where pieces meet, a little differs from the whole
    good, made = torch.isfinite(latents).all(), []
    with machine.part("vae") as vae:
        for some in decoded(vae, latents, chunk, part(one.tick, STEPPED, 1.0)):
            good = good & torch.isfinite(some).all()
            made.append(planes(some.nan_to_num()))
            last = some[-1:]
    one.now = ((last.clamp(-1, 1) / 2 + 0.5) * 255).round() / 127.5 - 1
    one.made.append((landed(torch.cat(made)), landed(good)))
    one.at += 1
    if one.long:
        one.notes["retried"] = str(machine.dtype).removeprefix("torch.")
    if one.at == one.count:
        cutting.add(one.slate, partial(finish, one))


def computed(one: Job) -> Notes | None:
    """The shot's notes, its pictures being there; None if it is to be made again."""
    if not all(bool(good()) for _, good in one.made):
        one.over = one.long
        if one.long:
            said = "The model's numbers ran out of range, and again with longer ones: there is no picture in them."
            raise FilmError(said, "Give the scene another seed. If every scene says so, the weights are not this model's.")
        one.odd = True
        return None
    one.over = True  # whatever comes of it
    return one.notes


def written(one: Job) -> Notes | None:
    """The shot as its file; None if it is to be made again."""
    if (notes := computed(one)) is None:
        return None
    clips = [pictures() for pictures, _ in one.made]
    one.made.clear()
    return notes | filed(one.slate, one.wanted, clips)


def filed(slate: Slate, wanted: Options, clips: Sequence[NDArray[uint8]]) -> Notes:
    """Clips of I420 pictures, each but the first beginning with the last one's end, as the shot's file."""
    frames = [frame for i, clip in enumerate(clips) for frame in clip[1 if i else 0 :]]
    shot, rate = slate.shot, wanted.fps
    measures = clips[0].shape[2], clips[0].shape[1] * 2 // 3
    told: Sequence[NDArray[uint8]] | Iterator[NDArray[uint8]] = frames
    count = len(frames)
    if pans(shot, wanted):
        again = max(1, round(SMOOTH / rate))
        count, rate = count * again, rate * again
        told = panned(shot, frames, again, rate, measures)
    return write_planes(told, count, measures, Fraction(rate), slate.out, part(slate.tick, DRAWN, 1.0))


def panned(shot: Shot, frames: Sequence[NDArray[uint8]], again: int, rate: int, measures: tuple[int, int]) -> Iterator[NDArray[uint8]]:
    """The camera's moves over I420 pictures, each shown `again` times: as large as before, so a little is cut off."""
    import cv2
    import numpy as np

    wide, high = measures
    path = matrices(shot.camera, len(frames) * again, Frame(wide, high, Fraction(rate)), measures, shot.seed)
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
