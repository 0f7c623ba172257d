"""Stable Video Diffusion: a picture to a moving one, on one's own GPU.

The steps are ours, over diffusers' parts: its results, with none of its waiting and nothing computed twice. The model
knows how much to move but not whither: the clip action's moves go over its frames as a crop. Knows its shot and
nothing of the film.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ..gear import gpu as _gpu
from ..gear.snapshot import plan, too_small
from ..path import matrices
from ..plan import Frame, Shot
from ..presets import Model
from ..vault import Notes
from ..work import FilmError, Tick, part
from ._reel import opened, write
from ._svd_loop import Schedule, Wish, decoded, denoise, encoded, euler, lcm, seen
from ._svd_machine import Machine, Origin
from ._svd_net import Savings
from ._svd_plan import SMOOTH, Options, goes, motion, options, pieces, size

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy import uint8
    from numpy.typing import NDArray
    from torch import Tensor

NEEDS = 8.0  # GiB of the GPU
STEPPED, DRAWN = 0.85, 0.97  # shares of the work: the steps of a clip; all before the file is written
THRIFTY = "lean"  # the plan in vram that keeps only what works on the device
T = TypeVar("T")


class Engine:
    """See crew.ClipEngine. device: "auto", or torch's name of one; most: GiB of it to be content with."""

    label = "Stable Video Diffusion"
    version = 1
    rank = 6
    online = False
    wants_picture = True

    def __init__(self, *, device: str = "auto", most: float | None = None, savings: Savings | None = None) -> None:
        self._device, self._most = device, most
        self._savings = savings or Savings(compiled=True)
        self._loaded: tuple[object, Machine] | None = None
        self._lock = threading.Lock()

    def missing(self) -> str | None:
        """Packages, or a GPU."""
        return _gpu.packages("torch", "diffusers", "transformers", "accelerate", "safetensors") or _gpu.lack(self._device, NEEDS)

    def lacks(self, model: Model) -> str | None:
        """Weights, or room for them."""
        try:
            lacking = Origin.of(model.repo, model.revision, options(model.options)).lacking()
        except FilmError as error:
            return str(error)
        if lacking:
            return f"Its weights are not on this machine: {' ; '.join(one.fetch for one in lacking)} ({model.terms})"
        return too_small(model, self._device)

    def recipe(self, shot: Shot) -> object:
        """Everything that changes a frame, but for the picture. Lengths that make the same clips are the same."""
        wanted, _ = _told(shot)
        count, moved = pieces(shot.frame.seconds(shot.frames), wanted), motion(shot.camera, wanted)
        steps = [[one.start, one.end, list(one.aims)] for one in shot.camera.steps] if _pans(shot, wanted) else None
        return [size(wanted.size, _aspect(shot)), count, moved, steps, shot.fit, shot.seed]

    def shoot(self, shot: Shot, out: Path, tick: Tick) -> Notes:
        """Write the MP4. FilmError if weights are lacking or damaged, or memory or numbers give out twice."""
        import torch

        wanted, model = _told(shot)
        if shot.picture is None:
            raise FilmError("There is no picture to set in motion.", "Add a picture to the scene.")
        notes: Notes = {}
        with self._lock, torch.inference_mode():
            machine = self._machine(model, wanted, thrifty=plan(model, self._device, self._most) == THRIFTY)
            try:
                clips = _taken(machine, shot, wanted, notes, part(tick, 0.0, DRAWN))
            except torch.OutOfMemoryError:
                clips = []  # what the failed work held is let go only out here
            if not clips:
                machine = self._machine(model, wanted, thrifty=True)
                notes["memory"] = "ran out once; less was taken"
                clips = _roomy(lambda: _taken(machine, shot, wanted, notes, part(tick, 0.0, DRAWN)))
        frames = [one for clip in clips for one in clip]
        high, wide = frames[0].shape[:2]
        rate = wanted.fps
        if _pans(shot, wanted):
            again = max(1, round(SMOOTH / rate))
            frames, rate = list(_panned(shot, frames, again, rate * again)), rate * again
        return notes | write(frames, len(frames), (wide, high), Fraction(rate), out, part(tick, DRAWN, 1.0))

    def close(self) -> None:
        """Let the model go."""
        with self._lock:
            self._loaded = None

    def _machine(self, model: Model, wanted: Options, *, thrifty: bool) -> Machine:
        """The model, loaded; the one before it is let go."""
        origin = Origin.of(model.repo, model.revision, wanted)
        if lacking := origin.lacking():
            raise FilmError(f"{model.label}'s weights are not all on this machine.", " ; ".join(one.fetch for one in lacking))
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


@dataclass(frozen=True)
class _Take:
    """What holds for all clips of a shot."""

    machine: Machine
    wanted: Options
    wish: Wish
    schedule: Schedule
    notes: Notes


def _taken(machine: Machine, shot: Shot, wanted: Options, notes: Notes, tick: Tick) -> list[NDArray[uint8]]:
    """The shot's pictures, (frames, height, width, 3) a clip; each clip goes on from the last frame of the one before."""
    import numpy as np
    import torch

    tick(0.0)
    assert shot.picture
    given = opened(shot.picture)
    aspect = given.width / given.height if shot.fit.startswith("contain") else _aspect(shot)  # all of it is to be seen
    now = given.at(size(wanted.size, aspect), stretch=shot.fit == "stretch")
    moved = motion(shot.camera, wanted)
    wish = Wish(wanted.frames, wanted.fps, moved.bucket, moved.noise, wanted.guidance)
    schedule = lcm(wanted.steps) if wanted.sampler == "lcm" else euler(machine.scheduler, wanted.steps)
    take = _Take(machine, wanted, wish, schedule, notes)
    count, clips = pieces(shot.frame.seconds(shot.frames), wanted), list[Any]()
    for i in range(count):
        picture = torch.from_numpy(np.ascontiguousarray(now)).permute(2, 0, 1)[None].float() / 127.5 - 1
        clip = _clip(take, picture, shot.seed + i, part(tick, i / count, (i + 1) / count))
        clips.append(clip if not i else clip[1:])
        now = clip[-1]
    return clips


def _clip(take: _Take, picture: Tensor, seed: int, tick: Tick) -> NDArray[uint8]:
    """One clip, (frames, height, width, 3); computed once more in longer numbers if it comes out as none."""
    for long in (False, True):
        machine = take.machine.longer() if long else take.machine
        if long:
            take.notes["retried"] = str(machine.dtype).removeprefix("torch.")
        pictures, good = _attempt(replace(take, machine=machine), picture, seed, tick)
        if good:
            return pictures
    said = "The model's numbers ran out of range, and again with longer ones: there is no picture in them."
    raise FilmError(said, "Give the scene another seed. If every scene says so, the weights are not this model's.")


def _attempt(take: _Take, picture: Tensor, seed: int, tick: Tick) -> tuple[NDArray[uint8], bool]:
    import torch

    machine, random = take.machine, torch.Generator("cpu").manual_seed(seed)
    picture = picture.to(machine.device)
    with machine.part("image_encoder") as encoder:
        context = seen(encoder, picture, *machine.colours)
    with machine.part("vae") as vae:
        latents = encoded(vae, picture, take.wish.noise, random)
    with machine.net() as net:
        clip = denoise(net, take.wish, take.schedule, context, latents, random, part(tick, 0.0, STEPPED), machine.thrifty)
    wide, high = picture.shape[3], picture.shape[2]
    chunk = machine.chunk(take.wish.frames, (wide, high))
    chunk = min(chunk, take.wanted.chunk or chunk)
    if chunk < take.wish.frames:
        take.notes["decoded"] = f"{chunk} frames at once"  # where pieces meet, a little differs from the whole
    good, seen_ = torch.isfinite(clip).all(), []
    with machine.part("vae") as vae:
        for some in decoded(vae, clip, chunk, part(tick, STEPPED, 1.0)):
            good = good & torch.isfinite(some).all()
            seen_.append(((some.clamp(-1, 1) / 2 + 0.5) * 255).round().to(torch.uint8).permute(0, 2, 3, 1).cpu())
    return torch.cat(seen_).numpy(), bool(good)


def _roomy(work: Callable[[], T]) -> T:
    """The work's result; FilmError where memory runs out again."""
    import torch

    try:
        return work()
    except torch.OutOfMemoryError as error:
        said = "The GPU's memory ran out, even with only what works in it."
        raise FilmError(said, "Close what else uses the GPU, or give the model a smaller size in models.toml.") from error


def _pans(shot: Shot, wanted: Options) -> bool:
    return wanted.camera and goes(shot.camera)


def _panned(shot: Shot, frames: list[NDArray[uint8]], again: int, rate: int) -> Iterator[NDArray[uint8]]:
    """The camera's moves over the frames, each shown `again` times: as large as before, so a little is cut off."""
    import cv2
    import numpy as np

    high, wide = frames[0].shape[:2]
    path = matrices(shot.camera, len(frames) * again, Frame(wide, high, Fraction(rate)), (wide, high), shot.seed)
    for i, matrix in enumerate(path):
        own = matrix.copy()
        own[:, 2] += own[:, :2] @ (0.5, 0.5) - 0.5  # cv2 counts from the middle of the first pixel
        yield np.asarray(cv2.warpAffine(frames[i // again], own, (wide, high), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def _aspect(shot: Shot) -> float:
    return shot.frame.width / shot.frame.height
