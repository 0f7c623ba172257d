"""bench_gpu's film: six SVD-XT scenes to MP4 files, in one go as a film shoots them, beside a loop over diffusers' way.

Random weights of the published sizes. How busy the GPU is, is what its driver says it was, from first step to last.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import cv2
import numpy as np
import torch
from PIL import Image

from pipelines import ffmpeg, plan
from pipelines.clips import _reel
from pipelines.clips import _svd_loop as loop
from pipelines.clips import _svd_shot as shots
from pipelines.clips._floor import Floor
from pipelines.clips._svd_net import Net
from pipelines.gear import gpu as _gpu
from pipelines.gear.zero import Work
from pipelines.moves import Camera
from pipelines.presets import Model
from pipelines.vault import Notes
from pipelines.work import FilmError, idle

from . import gpu_models

SCENES = 6
Told = tuple[str, str, str, bool | None]


@dataclass
class Stage:
    """What a shot asks of svd's Machine, with random weights."""

    place: Any
    encoder: Any
    vae: Any
    moves: Net
    thrifty: bool = False
    native: bool = False
    longest: bool = True
    scale: float = 1.0
    colours: tuple[list[float], list[float]] = field(default=([0.48, 0.46, 0.41], [0.27, 0.26, 0.28]))

    @property
    def device(self) -> torch.device:
        return self.place.device  # type: ignore[no-any-return]

    @property
    def dtype(self) -> torch.dtype:
        return self.moves.dtype

    @property
    def scheduler(self) -> Any:
        return gpu_models.scheduler()

    def rested(self) -> None:
        """It stays."""

    def chunk(self, frames: int, _size: tuple[int, int]) -> int:
        return frames

    @contextmanager
    def part(self, name: str) -> Iterator[Any]:
        yield {"image_encoder": self.encoder, "vae": self.vae}[name]

    @contextmanager
    def net(self) -> Iterator[Net]:
        with _gpu.attention(self.device):
            yield self.moves


def encoder(place: Any, kind: torch.dtype) -> Any:
    """What sees: ViT-H."""
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    large = {"hidden_size": 1280, "intermediate_size": 5120, "num_hidden_layers": 32, "num_attention_heads": 16, "patch_size": 14, "projection_dim": 1024}
    small = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "patch_size": 32, "projection_dim": 32}
    torch.manual_seed(1)
    with torch.device(place.device):
        return CLIPVisionModelWithProjection(CLIPVisionConfig(image_size=224, **(small if place.tiny else large))).to(kind).eval()


def slates(folder: Path, tiny: bool, count: int) -> list[plan.Slate]:
    """Scenes with a picture each."""
    wide, high = (64, 64) if tiny else gpu_models.SIZE
    options: dict[str, Any] = {"size": [wide, high], "frames": 3 if tiny else 25, "steps": 2 if tiny else 25}
    model, frame, made = Model("SVD-XT", "", "svd", "random", options=options), plan.Frame(wide, high, Fraction(24)), []
    for i in range(count):
        picture = folder / f"{i}.png"
        Image.fromarray(np.random.default_rng(i).integers(0, 255, (high // 8, wide // 8, 3), np.uint8)).resize((wide, high)).save(picture)
        shot = plan.Shot("", picture, Camera(()), frame.at_least(0.4 if tiny else 3.5), frame, "cover", i, model)
        made.append(plan.Slate(shot, folder / f"{i}.mp4", idle, lambda told: None, lambda picture: None))
    return made


@contextmanager
def filed() -> Iterator[str]:
    """What clips become: an MP4, or, where there is no ffmpeg, pictures in the CPU's memory that nobody keeps."""
    try:
        ffmpeg.binary()
        yield "MP4"
    except FilmError:
        with patch.object(shots, "write_planes", _kept), patch.object(_reel, "write_planes", _kept):
            yield "pictures in memory (there is no ffmpeg here)"


def _kept(pictures: Iterable[Any], count: int, *_: object) -> Notes:
    return {"frames": sum(1 for _ in zip(pictures, range(count), strict=True))}


def write(frames: Any, size: tuple[int, int], rate: Fraction, out: Path) -> None:
    """I420 pictures as a file."""
    _reel.write_planes(frames, len(frames), size, rate, out, idle)


def film(place: Any) -> Iterator[Told]:
    """Six scenes, ours and theirs."""
    kind = torch.float32 if place.tiny else torch.float16
    _, vae, net = gpu_models.kept_svd(place)
    many = 2 if place.tiny else SCENES
    stage: Any = Stage(place, encoder(place, kind), vae, net)
    with TemporaryDirectory() as name, filed() as kept:
        made = slates(Path(name), place.tiny, many)
        floor = Floor(shots.job, lambda _: ("", ""), lambda _: stage, shots.shoot, shots.filed, lambda _: Work("", 1.0))
        ours = floor.shoot_all
        first = place.took(lambda: ours(made[:1]))  # and compiles
        with watched() as busy:
            took = place.took(lambda: ours(made))
        yield f"{many} SVD-XT scenes to {kept}, in one go, once", "", f"{took:.3g} s (one alone, with compiling, {first:.3g} s)", None
        share = sum(busy) / len(busy) if busy else 0.0
        yield "the GPU busy meanwhile", ">= 92 %", f"{share:.0f} %" if busy else "its driver does not say", share >= 92 if busy else None
        theirs = loop_over(place, stage, vae)
        theirs(made[:1])
        other = place.took(lambda: theirs(made))
        yield "the same, one after the other as diffusers recommends (B1), once", "", f"{other:.3g} s", None
        yield "that / ours", ">= 1.25 x", f"{other / took:.2f} x", other / took >= 1.25


def loop_over(place: Any, stage: Any, vae: Any) -> Callable[[list[plan.Slate]], None]:
    """Each scene by itself: encode, denoise, decode, to the CPU, to a file."""
    tuned = gpu_models.tuned(place)

    def run(some: list[plan.Slate]) -> None:
        for slate in some:
            one = shots.job(slate)
            picture = one.first.to(place.device)
            random = torch.Generator().manual_seed(slate.shot.seed)
            context = loop.seen(stage.encoder, picture, *stage.colours)
            latents = loop.encoded(vae, picture, one.asked.wish.noise, random)
            start = torch.randn((one.asked.wish.frames, *latents.shape[1:]), generator=random).to(place.device)
            with _gpu.attention(place.device):
                clip = gpu_models.literal(tuned, one.asked.wanted.steps, start, latents, context)
            pictures = torch.cat(list(loop.decoded(vae, clip, one.asked.wish.frames, idle)))
            seen = ((pictures.clamp(-1, 1) / 2 + 0.5) * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()
            yuv = [cv2.cvtColor(one, cv2.COLOR_RGB2YUV_I420) for one in seen]
            write(yuv, (seen.shape[2], seen.shape[1]), Fraction(7), slate.out)

    return run


@contextmanager
def watched() -> Iterator[list[float]]:
    """What the driver says of how busy the first GPU was, in percent, several times a second; nothing without one."""
    told, over = list[float](), threading.Event()

    class Rates(ctypes.Structure):
        _fields_ = (("gpu", ctypes.c_uint), ("memory", ctypes.c_uint))

    def look() -> None:
        try:
            library = ctypes.CDLL("libnvidia-ml.so.1")
        except OSError:
            return
        handle, rates = ctypes.c_void_p(), Rates()
        if library.nvmlInit_v2() or library.nvmlDeviceGetHandleByIndex_v2(0, ctypes.byref(handle)):
            return
        while not over.wait(0.2):
            if not library.nvmlDeviceGetUtilizationRates(handle, ctypes.byref(rates)):
                told.append(float(rates.gpu))

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield told
    finally:
        over.set()
        watcher.join()
