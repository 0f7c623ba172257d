"""Open-Sora 2.0's way from noise to a clip: steps, guidance, and which rows each step needs. Knows no network by name.

The official loop computes three rows at every step. Two savings, and both are algebra, not approximation:
from step 10 on every other step has both scales at 1, where pred = u2 + (u1 - u2) + (c - u1) = c: one row;
without a condition the two rows without text are one and the same: two rows. 50 steps are 80 rows for a clip from
text and 110 for one from a picture, not 150.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from math import sqrt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

PATCH = 2
FIRST = 10  # steps before guidance begins to come and go

Predict = Callable[[int, "Tensor", Sequence[int]], Sequence["Tensor"]]
"""(step, latents (1, tokens, channels), rows) -> one answer a row. 0: the text, 1: no text, both with the condition;
2: no text and no condition."""


@dataclass(frozen=True, slots=True)
class Guidance:
    """How strongly text and condition pull. `rising`: the condition's pull fades over the steps and grows over the
    clip's frames, as it should where pictures are given rather than a video."""

    text: float = 7.5
    image: float = 3.0
    rising: bool = False


def schedule(steps: int, tokens: int, frames: int) -> list[float]:
    """Times from 1 to 0, one more than steps; tokens in one of the latent frames. Large clips stay noisy longer."""
    import torch

    shift = (1 + (tokens - 256) * (3 - 1) / (4096 - 256)) * sqrt(frames)
    times = torch.linspace(1, 0, steps + 1)
    return [float(time) for time in shift * times / (1 + (shift - 1) * times)]


def pulls(step: int, guidance: Guidance) -> tuple[float, float]:
    """The text's and the condition's scale at a step."""
    return (guidance.text, guidance.image) if step < FIRST or step % 2 == 0 else (1.0, 1.0)


def rows(text: float, image: float, given: bool) -> tuple[int, ...]:
    """The rows whose weight is not zero; `given`: there is a condition."""
    if text == 1 and (image == 1 or not given):
        return (0,)
    return (0, 1, 2) if given and image != 1 else (0, 1)


def needed(steps: int, guidance: Guidance, given: bool) -> int:
    """How many rows a whole clip takes."""
    return sum(len(rows(*pulls(step, guidance), given)) for step in range(steps))


def denoise(
    predict: Predict, noise: Tensor, times: Sequence[float], frames: int, guidance: Guidance, given: bool,
    look: Callable[[Callable[[], Tensor]], object] | None = None,
) -> Tensor:  # fmt: skip
    """From noise to latents, (1, tokens, channels) float32, tokens frame by frame. look: is given, at each step, what
    tells them as clean as they are known."""
    import torch

    x = noise
    for step, (time, after) in enumerate(pairwise(times)):
        text, image = pulls(step, guidance)
        wanted = rows(text, image, given)
        answers = dict(zip(wanted, predict(step, x, wanted), strict=True))
        pred = c = answers[0]
        if len(wanted) > 1:
            u1 = answers[1]
            pred = text * (c - u1)
            if len(wanted) == 3:
                pull: Tensor | float = image
                if guidance.rising and image > 1:
                    most = torch.linspace(image, 1, len(times))[step]
                    pull = torch.linspace(1, float(most), frames).repeat_interleave(x.shape[1] // frames)[None, :, None].to(x)
                u2 = answers[2]
                pred = u2 + pull * (u1 - u2) + pred
            else:
                pred = u1 + pred
        if look:
            look(partial(torch.sub, x, pred, alpha=time))
        x = x + (after - time) * pred
    return x


def packed(latents: Tensor) -> Tensor:
    """(1, channels, frames, height, width) -> (1, tokens, channels * 4)."""
    one, c, t, h, w = latents.shape
    blocks = latents.reshape(one, c, t, h // PATCH, PATCH, w // PATCH, PATCH)
    return blocks.permute(0, 2, 3, 5, 1, 4, 6).reshape(one, -1, c * PATCH * PATCH)


def unpacked(tokens: Tensor, frames: int, height: int, width: int) -> Tensor:
    """The reverse of `packed`; height and width of the latents."""
    one, _, c = tokens.shape
    blocks = tokens.reshape(one, frames, height // PATCH, width // PATCH, c // PATCH**2, PATCH, PATCH)
    return blocks.permute(0, 4, 1, 2, 5, 3, 6).reshape(one, -1, frames, height, width)
