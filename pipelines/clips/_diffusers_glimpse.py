"""What a clip of a diffusers pipeline is becoming, seen from its latents after each step. Changes nothing of them.

A pipeline's latents lie in one of four orders, told apart by their shape; where the noise goes along a straight line,
the line's end is shown, not how far it has come. Knows no shot.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..gear.modular import asks
from ._glimpse import Glimpses, colours

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from ._glimpse import Show

CHART, SIDE = 12, 24  # patches of colour that a picture for the VAE is made of, and latents, along each side


def sums(pipe: Any, device: torch.device) -> Tensor | None:
    """See _glimpse.colours; None where the pipeline tells nothing of its steps, or its VAE has no such latents."""
    import torch

    vae = pipe.vae
    if "callback_on_step_end" not in asks(pipe):
        return None
    chart = torch.rand(1, 3, CHART, CHART, generator=torch.Generator().manual_seed(1)) * 2 - 1
    side = SIDE * _ratio(pipe)
    wide = torch.nn.functional.interpolate(chart, size=(side, side), mode="bicubic").clamp(-1, 1).to(device)
    seen = vae.encode(wide[:, :, None].to(vae.dtype)).latent_dist.mode()
    return colours(_scaled(vae, seen.float())[0, :, 0], wide[0])


def told(pipe: Any, sums: Tensor | None, size: tuple[int, int], show: Show | None) -> dict[str, Any]:
    """The argument of a call by which small pictures are shown, if anybody looks."""
    if sums is None or show is None:
        return {}
    glimpses, before = Glimpses(sums, show), list[Any]()
    channels = len(sums) - 1
    grid = tuple(side // _ratio(pipe) for side in size)

    def look(own: Any, step: int, _: object, given: dict[str, Tensor]) -> dict[str, Tensor]:
        now, last = given["latents"], before[:]
        before[:] = [now]
        glimpses.offer(lambda: laid(ended(own.scheduler, step, now, last[0] if last else None), channels, (grid[0], grid[1])))
        return {}

    return {"callback_on_step_end": look}


def ended(scheduler: Any, step: int, now: Tensor, last: Tensor | None) -> Tensor:
    """Where the latents are bound for, if they go along a line; else where they are."""
    times = getattr(scheduler, "sigmas", None)
    if last is None or last.shape != now.shape or times is None or step + 1 >= len(times) or float(times.max()) > 1.001:
        return now
    here, ahead = float(times[step + 1] - times[step]), float(times[-1] - times[step + 1])
    return now + (now - last) * (ahead / here) if here else now


def laid(latents: Tensor, channels: int, grid: tuple[int, int]) -> Tensor:
    """The frame in the middle, (channels, height, width). grid: width and height of the latents."""
    wide, high = grid
    if latents.ndim == 3:  # (1, tokens, channels), frame by frame, from the first row
        frames = latents.shape[1] // (wide * high)
        latents = latents[:, : frames * wide * high].reshape(1, frames, high, wide, -1)
    last = latents.shape[2:4] == (high, wide) != latents.shape[3:5]
    order = 4 if last else 1 if latents.shape[1] == channels else 2
    first = latents[0].movedim(order - 1, 0)  # (channels, frames, height, width)
    return first[:channels, first.shape[1] // 2]


def _ratio(pipe: Any) -> int:
    """Pixels of a side for one latent."""
    names = ("vae_scale_factor_spatial", "vae_spatial_compression_ratio", "vae_spatial_scale_factor")
    return next(int(getattr(pipe, name)) for name in names if hasattr(pipe, name))


def _scaled(vae: Any, latents: Tensor) -> Tensor:
    """A VAE's latents as the network has them; (1, channels, frames, height, width)."""
    import torch

    def each(name: str) -> Tensor | None:
        held = vae.config.get(name)
        held = vars(vae)["_buffers"].get(name) if held is None else held
        return None if held is None else torch.as_tensor(held).to(latents).reshape(1, -1, 1, 1, 1)

    mean, spread = each("latents_mean"), each("latents_std")
    if mean is not None and spread is not None:
        latents = (latents - mean) / spread
    return latents * float(vae.config.get("scaling_factor") or 1.0)
