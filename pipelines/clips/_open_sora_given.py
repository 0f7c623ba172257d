"""Moving pictures that a shot of Open-Sora's goes by: it goes on from several, ends with several, or finds the way from
one picture to another. Reads them at the model's size and rate. Knows no film.

The model learnt to go on from 33 pictures, which are nine of its latent frames; from fewer it goes on as well as it can.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

from ..plan import Given, Reach, Shot
from ..work import FilmError
from ._open_sora_plan import BEFORE, GRAIN, LONGEST, RATE, Kind, Piece, run
from ._open_sora_vae import TIMES
from ._window import Window

if TYPE_CHECKING:
    from torch import Tensor

REACH = Reach(first=True, last=True, ends=True, longest=(LONGEST - 1) / RATE, shared=(BEFORE - 1) / RATE)


def parts(shot: Shot, given: Given) -> list[Piece]:
    """The clips of such a shot, in the order in which they are made. FilmError if the model cannot."""
    if given.over:
        raise FilmError("Open-Sora makes no video over.", "Choose another model: `reelwright engines` says what each can.")
    needed = ceil(shot.frame.seconds(shot.frames) * RATE - 1e-6) + 1  # the last moment lies between two frames
    if given.first and given.last:
        return [Piece(min(LONGEST, TIMES * max(1, ceil((needed - 1) / TIMES)) + 1), "i2v_loop")]
    kind: Kind = "v2v_head" if given.first else "v2v_tail"
    return run(kind, max(needed, BEFORE + GRAIN), kind)


@dataclass(frozen=True, slots=True)
class Held:
    """What a shot goes by at the model's size and rate, in -1..1: `seen` is (1, 3, frames, height, width), 4k + 1 of them
    that it goes on from or ends with, or two that it lies between."""

    window: Window
    seen: Tensor

    @classmethod
    def of(cls, shot: Shot, given: Given, size: tuple[int, int]) -> Held:
        """Read from the shot's files. size: width, height."""
        import numpy as np
        import torch

        window = Window.of(size, shot.frame.width / shot.frame.height)

        def read(path: Path) -> list[np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]:
            return window.read(path, RATE)

        if given.first and given.last:
            chosen = [read(given.first)[-1], read(given.last)[0]]
        elif given.first:
            every = read(given.first)
            chosen = every[: _whole(len(every))]
        else:
            assert given.last
            every = read(given.last)
            chosen = every[-_whole(len(every)) :]
        seen = torch.from_numpy(np.stack(chosen)).permute(3, 0, 1, 2)[None].float() / 127.5 - 1
        return cls(window, seen)


def _whole(count: int) -> int:
    """Of so many pictures, how many make whole latent frames."""
    return (min(count, BEFORE) - 1) // TIMES * TIMES + 1
