"""A small picture of what a clip is becoming, from its latents alone: a colour is about a sum of a latent's numbers.

Which sum, is found by laying a picture beside its own latents, so no model's numbers need be known. Nothing waits for
the device: a picture is shown when it has come over. Knows no model.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from ._stages import landed

if TYPE_CHECKING:
    from numpy import uint8
    from numpy.typing import NDArray
    from torch import Tensor

    Show = Callable[[NDArray[uint8]], object]

PAUSE = 0.8  # seconds between two pictures of a clip
STEADY = 1e-3  # how far a colour is held to grey where a picture says nothing of it


def colours(latents: Tensor, picture: Tensor) -> Tensor:
    """(channels + 1, 3): what each number of a latent, and 1, add to red, green and blue.

    latents: (channels, height, width); picture: (3, any height, any width) in -1..1.
    """
    import torch
    from torch.nn import functional as F

    channels, high, wide = latents.shape
    small = F.interpolate(picture[None].float(), size=(high, wide), mode="area")[0].reshape(3, -1).T
    given = torch.cat([latents.float().reshape(channels, -1).T, latents.new_ones(high * wide, 1, dtype=torch.float32)], 1)
    square = given.T @ given + STEADY * len(given) * torch.eye(channels + 1, device=given.device)
    sums: Tensor = torch.linalg.solve_ex(square, given.T @ small)[0]
    return sums


class Glimpses:
    """Those of one clip. `offer` is called at each step; most are passed over."""

    def __init__(self, sums: Tensor, show: Show) -> None:
        self._sums, self._show = sums, show
        self._before = 0.0
        self._coming: Callable[[], NDArray[uint8]] | None = None

    def offer(self, latent: Callable[[], Tensor]) -> None:
        """latent: -> one frame's, (channels, height, width), as clean as it is known. FilmError or Cancelled from
        `show` stop the work."""
        import torch

        if self._coming:  # it was asked for a step ago
            picture, self._coming = self._coming(), None
            self._show(picture)
        if (now := time.monotonic()) - self._before < PAUSE:
            return
        self._before = now
        seen = latent().float()
        channels, high, wide = seen.shape
        flat = seen.reshape(channels, -1).T @ self._sums[:-1] + self._sums[-1]
        self._coming = landed(((flat.clamp(-1, 1) / 2 + 0.5) * 255).nan_to_num().round().to(torch.uint8).reshape(high, wide, 3))
