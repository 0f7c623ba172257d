"""Open-Sora 2.0, 11 B: a prompt, a picture, or both, to moving frames, on one's own GPU.

The network is ours (plain torch), the readers are transformers', the VAE is diffusers'; the results are the official
code's, from at most three quarters of its work. A scene that is longer than one clip is several that go on from one
another. Knows its shot and nothing of the film.
"""

from __future__ import annotations

import threading
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from ..gear import gpu as _gpu
from ..plan import Shot
from ..presets import Model
from ..vault import Notes
from ..work import FilmError, Tick, part
from ._open_sora_machine import Files, Machine
from ._open_sora_plan import RATE, Options, Piece, options, pieces, size, text
from ._open_sora_shot import Take, shot
from ._reel import opened, write

if TYPE_CHECKING:
    from numpy import uint8
    from numpy.typing import NDArray

NEEDS = 12.0  # GiB of the GPU
DRAWN = 0.96  # share of the work before the file is written


class Engine:
    """See crew.ClipEngine. device: "auto", or torch's name of one; vram: GiB of it to be content with."""

    label = "Open-Sora 2.0"
    version = 1
    rank = 5
    online = False
    wants_picture = False

    def __init__(self, *, device: str = "auto", vram: float | None = None) -> None:
        self._device, self._vram = device, vram
        self._loaded: tuple[object, Machine] | None = None
        self._lock = threading.Lock()

    def missing(self) -> str | None:
        """Packages, or a GPU."""
        lack = _gpu.packages("torch", "diffusers", "transformers", "safetensors", "sentencepiece", "huggingface_hub")
        return lack or _gpu.lack(self._device, NEEDS)

    def lacks(self, model: Model) -> str | None:
        """Weights: how to have them, and what licence they come under."""
        try:
            lacking = _files(model, options(model.options)).lacking()
        except FilmError as error:
            return str(error)
        return f"Its weights are needed ({model.terms}): {'; '.join(source.fetch for source in lacking)}" if lacking else None

    def recipe(self, shot: Shot) -> object:
        """Everything that changes a frame, but for picture and model. Lengths that make the same clips are the same."""
        _, wanted = _asked(shot)
        made = [[one.frames, one.kind] for one in _pieces(shot, wanted)]
        said = text(shot.styled, shot.camera, wanted.motion_score)
        return [said, made, *([_played(shot)] if made[0][1] == "i2v_loop" else []), size(wanted.resolution, _aspect(shot)), shot.fit, shot.seed]

    def shoot(self, shot: Shot, out: Path, tick: Tick) -> Notes:
        """Write the MP4. FilmError if weights are lacking or damaged, or memory or numbers give out twice."""
        import torch

        model, wanted = _asked(shot)
        if not shot.prompt.strip() and shot.picture is None:
            raise FilmError("There is neither a prompt nor a picture.", "Say in the prompt what is to be seen.")
        with self._lock, torch.inference_mode():
            frames, notes = _taken(self._machine(model, wanted), shot, wanted, part(tick, 0.0, DRAWN))
        high, wide = frames[0].shape[1:3]
        count = sum(map(len, frames))
        made = write((one for clip in frames for one in clip), count, (wide, high), Fraction(RATE), out, part(tick, DRAWN, 1.0))
        return notes | made

    def close(self) -> None:
        """Let the model go."""
        with self._lock:
            self._loaded = None

    def _machine(self, model: Model, wanted: Options) -> Machine:
        """The model, loaded; the one before it is let go."""
        files = _files(model, wanted)
        asked = (files, wanted.weights, wanted.fast_kernels)
        if self._loaded is None or self._loaded[0] != asked:
            if lack := self.lacks(model):
                raise FilmError(f"{model.label} is not on this machine.", lack)
            self._loaded = None
            device = _gpu.chosen(self._device)
            self._loaded = asked, Machine(files, device, eight=wanted.weights == "fp8", fast=wanted.fast_kernels, most=self._vram)
        return self._loaded[1]


def _asked(shot: Shot) -> tuple[Model, Options]:
    if shot.model is None:
        raise FilmError("Open-Sora was not told which of its models to use.", "Name one of those in models.toml.")
    return shot.model, options(shot.model.options)


def _files(model: Model, wanted: Options) -> Files:
    return Files.of(model.repo, model.revision, wanted.text_encoder, wanted.clip_encoder)


def _taken(machine: Machine, wish: Shot, wanted: Options, tick: Tick) -> tuple[list[NDArray[uint8]], Notes]:
    """The shot's pictures, (frames, height, width, 3) a piece."""
    import torch

    tick(0.0)
    seen, measures = None, size(wanted.resolution, _aspect(wish))
    if wish.picture is not None:
        given = opened(wish.picture)
        if wish.fit.startswith("contain"):  # all of the picture is to be seen: the clip has its shape
            measures = size(wanted.resolution, given.width / given.height)
        fitted = torch.from_numpy(given.at(measures, stretch=wish.fit == "stretch"))
        seen = fitted.permute(2, 0, 1)[None, :, None].float() / 127.5 - 1
    said = text(wish.styled, wish.camera, wanted.motion_score)
    made = _pieces(wish, wanted)
    clips, notes = shot(Take(machine, wanted, measures, said, wish.seed, seen), made, tick)
    if made[0].kind == "i2v_loop":
        clips = _again(clips[0], wish)
    return clips, notes


def _again(clip: NDArray[uint8], shot: Shot) -> list[NDArray[uint8]]:
    """A clip that ends as it begins, as often as the scene's length asks for."""
    import numpy as np

    count = _played(shot)
    return [clip[np.arange(count) % (len(clip) - 1)] if count > len(clip) else clip]


def _played(shot: Shot) -> int:
    """The scene's length in the model's frames."""
    return round(shot.frame.seconds(shot.frames) * RATE)


def _pieces(shot: Shot, wanted: Options) -> list[Piece]:
    return pieces(shot.frame.seconds(shot.frames), shot.picture is not None, wanted.ends)


def _aspect(shot: Shot) -> float:
    return shot.frame.width / shot.frame.height

