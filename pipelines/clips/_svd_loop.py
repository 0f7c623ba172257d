"""Stable Video Diffusion's way from a picture to a clip: what is said to the network, its steps, its pictures.

The results are those of diffusers' own pipeline. The device is never waited for within a step. Knows no file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from math import log, sqrt
from typing import TYPE_CHECKING, Any

from ..gear.pace import Pace
from ..work import Tick
from ._glimpse import Glimpses
from ._svd_net import Known, Net, predict, tell

if TYPE_CHECKING:
    import torch
    from torch import Tensor

SIDE = 224  # pixels: the picture as the reader sees it
LCM_STEPS, LEAST, MOST, RHO = 40, 0.002, 700.0, 7.0  # the schedule that AnimateLCM was distilled with


@dataclass(frozen=True, slots=True)
class Schedule:
    """sigmas: how noisy it is at each step and at the end; first: what the first noise is multiplied with. drawn: each
    step goes to its end and adds new noise, instead of going on a little."""

    sigmas: tuple[float, ...]
    first: float
    drawn: bool = False

    @property
    def steps(self) -> int:
        return len(self.sigmas) - 1

    @property
    def times(self) -> list[float]:
        """What the network is told of each step."""
        return [0.25 * log(sigma) for sigma in self.sigmas[:-1]]


def euler(scheduler: Any, steps: int) -> Schedule:
    """The steps of diffusers' EulerDiscreteScheduler."""
    scheduler.set_timesteps(steps)
    return Schedule(tuple(float(one) for one in scheduler.sigmas), float(scheduler.init_noise_sigma))


def lcm(steps: int) -> Schedule:
    """AnimateLCM's: as many of its forty, evenly spread."""
    ramp = [i * (LCM_STEPS // steps) / (LCM_STEPS - 1) for i in range(steps)]
    low, high = LEAST ** (1 / RHO), MOST ** (1 / RHO)
    return Schedule((*((high + one * (low - high)) ** RHO for one in ramp), LEAST), MOST, drawn=True)


@dataclass(frozen=True)
class Wish:
    """One clip: how many frames, what is said of it, and how strongly the picture pulls at the first and last frame."""

    frames: int
    fps: int
    motion: int
    noise: float
    guidance: tuple[float, float]

    @property
    def rows(self) -> int:
        """The network's rows a step: with the picture, and before it one without where that is to be told apart."""
        return 2 if max(self.guidance) > 1 else 1


def seen(encoder: Any, picture: Tensor, mean: Sequence[float], spread: Sequence[float]) -> Tensor:
    """What is in a picture, (1, 1, width). picture: (1, 3, height, width) in -1..1, float32."""
    small = (shrunk(picture, SIDE) + 1) / 2
    means, spreads = (picture.new_tensor(one)[None, :, None, None] for one in (mean, spread))
    found: Tensor = encoder(((small - means) / spreads).to(encoder.dtype)).image_embeds
    return found[:, None]


def shrunk(picture: Tensor, side: int) -> Tensor:
    """Softened as much as it is made smaller, then read off between its corners."""
    import torch
    from torch.nn import functional as F

    for axis in (3, 2):
        sigma = max((picture.shape[axis] / side - 1) / 2, 0.001)
        taps = int(max(4 * sigma, 3)) | 1
        at = torch.arange(taps, dtype=picture.dtype, device=picture.device) - taps // 2
        bell = torch.exp(-(at**2) / (2 * sigma**2))
        bell = (bell / bell.sum()).view((1, 1, 1, taps) if axis == 3 else (1, 1, taps, 1)).expand(picture.shape[1], -1, -1, -1)
        rim = (taps // 2, taps // 2, 0, 0) if axis == 3 else (0, 0, taps // 2, taps // 2)
        picture = F.conv2d(F.pad(picture, rim, mode="reflect"), bell, groups=picture.shape[1])
    return F.interpolate(picture, size=(side, side), mode="bicubic", align_corners=True)


def encoded(vae: Any, picture: Tensor, noise: float, generator: torch.Generator) -> Tensor:
    """The picture's latents, (1, channels, height / 8, width / 8); a VAE that wants to reckons in float32 for it."""
    import torch

    grain = torch.randn(picture.shape, generator=generator, dtype=torch.float32).to(picture)
    long = vae.dtype == torch.float16 and vae.config.force_upcast
    try:
        vae = vae.float() if long else vae
        latents: Tensor = vae.encode((picture + noise * grain).to(vae.dtype)).latent_dist.mode()
    finally:
        if long:
            vae.half()
    return latents


def denoise(
    net: Net, wish: Wish, schedule: Schedule, context: Tensor, picture: Tensor, generator: torch.Generator, tick: Tick, apart: bool = False,
    glimpses: Glimpses | None = None,
) -> Tensor:
    """Noise to latents, (frames, channels, height, width) in float32. context and picture: what `seen` and `encoded`
    gave. apart: one row after the other, in half the memory. glimpses: shows its middle frame on the way."""
    import torch

    device, frames = picture.device, wish.frames
    shape = (frames, *picture.shape[1:])
    x = torch.randn(shape, generator=generator).to(device) * schedule.first
    fresh = [torch.randn(shape, generator=generator).to(device) for _ in range(schedule.steps - 1)] if schedule.drawn else []
    context = torch.cat([torch.zeros_like(context), context][-wish.rows :]).to(net.dtype)
    given = torch.cat([torch.zeros_like(picture), picture][-wish.rows :]).repeat_interleave(frames, 0).to(net.dtype)
    said = torch.tensor([[wish.fps - 1, wish.motion, wish.noise]] * wish.rows, device=device).to(net.dtype)
    times = torch.tensor(schedule.times, device=device)
    pull = torch.linspace(*wish.guidance, frames).to(device)[:, None, None, None]
    known = tell(net, times, context, said, frames) if net.savings.once else None
    pace = Pace(device)
    for step, (sigma, then) in enumerate(pairwise(schedule.sigmas)):
        tick(step / schedule.steps)
        told = known or tell(net, times[step : step + 1], context, said, frames)
        scaled = (x / sqrt(sigma**2 + 1)).to(net.dtype)
        v = _answer(net, torch.cat([scaled.repeat(wish.rows, 1, 1, 1), given], dim=1), told, step if known else 0, wish, apart)
        if wish.rows == 2:
            without, with_it = v.chunk(2)
            v = without + pull * (with_it - without)
        if glimpses:
            glimpses.offer(partial(_clean, x, v, sigma))
        if schedule.drawn:
            x = x / (sigma**2 + 1) - v * (sigma / sqrt(sigma**2 + 1))
            x = x + fresh[step] * sqrt(max(0.0, then**2 - LEAST**2)) if step < len(fresh) else x
        else:  # x0 = x / (s2 + 1) - v s / sqrt(s2 + 1), and from x towards it: gathered, so nothing large is taken away
            x = x * (1 + (then - sigma) * sigma / (sigma**2 + 1)) + v * ((then - sigma) / sqrt(sigma**2 + 1))
        pace.wait()
    return x


def _clean(x: Tensor, v: Tensor, sigma: float) -> Tensor:
    """The middle frame as it would be without noise."""
    middle = len(x) // 2
    return x[middle] / (sigma**2 + 1) - v[middle] * (sigma / sqrt(sigma**2 + 1))


def _answer(net: Net, x: Tensor, told: Known, step: int, wish: Wish, apart: bool) -> Tensor:
    """The network's, in float32."""
    import torch

    if not apart or wish.rows == 1:
        return predict(net, x, told, step, wish.frames).float()
    out = []
    for row, one in enumerate(x.chunk(2)):
        times = [[(here[row : row + 1], then[row : row + 1]) for here, then in told.times[step]]]
        fixed = [(places, [(here[row : row + 1], then[row : row + 1]) for here, then in looked]) for places, looked in told.fixed]
        out.append(predict(net, one, Known(times, fixed), 0, wish.frames).float())
    return torch.cat(out)


def decoded(vae: Any, latents: Tensor, chunk: int, tick: Tick) -> Iterator[Tensor]:
    """One clip's pictures, (frames, 3, height, width) in -1..1, in pieces of at most so many frames."""
    for start in range(0, len(latents), chunk):
        tick(start / len(latents))
        part = latents[start : start + chunk].to(vae.dtype) / vae.config.scaling_factor
        yield vae.decode(part, num_frames=len(part)).sample.float()
