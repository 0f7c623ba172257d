"""Where one clip of a scene ends and the next begins: what both show is shown once, or they melt into one another.

Knows clips as numbers only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..work import FilmError
from ._diffusers_plan import Options

if TYPE_CHECKING:
    from numpy import uint8
    from numpy.typing import NDArray
    from torch import Tensor

    Pictures = list[NDArray[uint8]]


def joint(seen: Tensor, before: Pictures, told: Options, mode: str, *, first: bool, last: bool) -> tuple[Tensor, Pictures]:
    """What the film gets of a clip, (frames, 3, height, width) in 0..1, and RGB pictures for the next one to begin with.

    seen: the clip; before: what the last one left for it; mode: the clip's. FilmError if nothing of it is new.
    """
    over = 0 if first or told.melt else told.overlap if mode == "extend" else 1
    if len(seen) <= over:
        raise FilmError("The model made no frames.", "Change the scene's prompt or length, or choose another engine.")
    if told.melt and not first:
        seen = _melted(before, seen)
    left = 0 if last else told.melt or (told.overlap if told.extend else 1)
    then = (seen[len(seen) - left :].nan_to_num().clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()
    return seen[over : len(seen) - (0 if last else told.melt)], list(then)


def _melted(before: Pictures, seen: Tensor) -> Tensor:
    """The clip, its beginning mixed with the last one's end: less and less of that."""
    import numpy as np
    import torch

    count = min(len(before), len(seen))
    old = torch.from_numpy(np.stack(before[:count])).to(seen).permute(0, 3, 1, 2) / 255
    share = (torch.arange(1, count + 1, device=seen.device, dtype=seen.dtype) / (count + 1))[:, None, None, None]
    return torch.cat([old + share * (seen[:count] - old), seen[count:]])
