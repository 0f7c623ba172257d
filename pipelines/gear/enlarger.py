"""Pictures made larger by a model that diffusers runs, in squares that overlap and melt into one another.

Knows pictures and a preset of upscalers.toml; no video and no file.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass as plain
from dataclasses import replace
from math import ceil
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, JsonValue
from pydantic.dataclasses import dataclass

from ..presets import Model
from ..vault import Notes
from ..work import FilmError, Tick, part
from . import again, gpu, pipes
from .options import agree, read, strict
from .snapshot import lacking, plan, source, too_small
from .weights import Source

if TYPE_CHECKING:
    from numpy import float32, uint8
    from numpy.typing import NDArray

    Picture = NDArray[uint8]

VERSION = 1
NEEDS = 4.0  # GiB of the GPU
FULL = "The GPU's memory ran out, even with only what works in it.", "Close what else uses the GPU."
ODD = "The model's numbers ran out of range: there is no picture in them.", "Choose another seed."
Side = Annotated[int, Field(ge=16, le=2048)]


@dataclass(frozen=True, slots=True, config=strict)
class Options:
    """A model's options. kind: diffusers' class; times: so many times as large; tile, overlap: pixels of a given
    picture, whole `multiple`s; batch: squares at once; more: arguments that are always the same; long: parts in
    float32."""

    kind: Annotated[str, Field(pattern=r"^[A-Z]\w*Pipeline$")]
    times: Annotated[int, Field(ge=2, le=8)] = 4
    tile: Side = 128
    overlap: Annotated[int, Field(ge=2, le=512)] = 16
    multiple: Annotated[int, Field(ge=1, le=128)] = 8
    batch: Annotated[int, Field(ge=1, le=64)] = 1
    steps: Annotated[int, Field(ge=1, le=200)] = 20
    guidance: Annotated[float, Field(ge=0, le=30)] = 1.0
    prompt: str = ""
    negative: str = ""
    more: dict[str, JsonValue] = Field(default_factory=dict)
    dtype: Literal["bfloat16", "float16"] = "bfloat16"
    long: tuple[str, ...] = ()
    variant: Literal["", "fp16", "bf16"] = ""


def options(told: Mapping[str, Any]) -> Options:
    """Options as they are written in a preset; FilmError naming the one that is wrong."""
    made = read(Options, told, "An upscaler's", "upscalers.toml")
    agree("An upscaler's", "upscalers.toml", overlap=made.overlap * 2 <= made.tile, tile=made.tile % made.multiple == 0)
    return made


@plain(frozen=True, slots=True)
class Asked:
    """What pictures are to become: words, and where chance begins."""

    prompt: str = ""
    seed: int = 0


class Enlarger:
    """One model. device: "auto", or torch's name of one; most: GiB of it to be content with."""

    def __init__(self, model: Model, *, device: str = "auto", most: float | None = None) -> None:
        self.model, self._device, self._most = model, device, most
        self._told = options(model.options)
        self._means: again.Means | None = None
        self._loaded: Any = None
        self._lock = threading.Lock()

    @property
    def times(self) -> int:
        """So many times as large."""
        return self._told.times

    def missing(self) -> str | None:
        """None, or the packages, the GPU or the weights that are lacking, and the remedy."""
        lack = gpu.packages("torch", "diffusers", "transformers", "accelerate", "safetensors") or gpu.lack(self._device, NEEDS, lent=False)
        return lack or lacking(self.model, self._told.variant) or too_small(self.model, self._device)

    def seat(self) -> str:
        """Which device it works on: see crew.Engine."""
        return gpu.seat(self._device)

    def close(self) -> None:
        """Let the model go; how it is kept is chosen anew."""
        with self._lock:
            self._leave()
            gpu.emptied()

    def _leave(self) -> None:
        self._loaded = self._means = None

    def sources(self) -> tuple[Source, ...]:
        """Where it comes from."""
        return (source(self.model.repo, self.model.revision, self._told.variant, self.model.name),)

    def recipe(self, asked: Asked) -> list[object]:
        """Everything that changes a picture, as plain data."""
        return [VERSION, self.model.content, asked.prompt, asked.seed, *source(self.model.repo, self.model.revision).changing]

    def larger(self, pictures: Sequence[Picture], asked: Asked, tick: Tick) -> list[Picture]:
        """RGB pictures (height, width, 3) of one size, `times` as large. FilmError if weights are lacking or damaged,
        or memory or numbers give out twice."""
        import torch

        with self._lock, torch.inference_mode():
            return [self._one(picture, asked, part(tick, i / len(pictures), (i + 1) / len(pictures))) for i, picture in enumerate(pictures)]

    def _one(self, picture: Picture, asked: Asked, tick: Tick) -> Picture:
        import numpy as np

        before = self._means or again.Means(plan(self.model, self._device, self._most) or pipes.PLANS[0], self._told.batch)
        found, means = again.made(lambda now: self._drawn(picture, asked, tick, now), before, Notes(), self._leave, full=FULL, odd=ODD)
        self._means = replace(means, long=False)
        return np.asarray((found.clip(0, 1) * 255).round(), np.uint8)

    def _drawn(self, picture: Picture, asked: Asked, tick: Tick, means: again.Means) -> NDArray[float32] | None:
        """None if there is no picture in the model's numbers."""
        import cv2
        import numpy as np

        high, wide = picture.shape[:2]
        side, times = self._told.tile, self._told.times
        down, across = (min(side, ceil(one / self._told.multiple) * self._told.multiple) for one in (high, wide))
        edge = max(0, down - high), max(0, across - wide)
        whole: Picture = np.asarray(cv2.copyMakeBorder(picture, 0, edge[0], 0, edge[1], cv2.BORDER_REPLICATE), np.uint8) if any(edge) else picture
        high, wide = whole.shape[:2]
        places = [(y, x) for y in starts(high, down, self._told.overlap) for x in starts(wide, across, self._told.overlap)]
        weight = ramps(down * times, across * times, self._told.overlap * times)
        total, sums = np.zeros((high * times, wide * times, 3), np.float32), np.zeros((high * times, wide * times, 1), np.float32)
        for i in range(0, len(places), means.together):
            some = places[i : i + means.together]
            share = part(tick, i / len(places), min(1.0, (i + len(some)) / len(places)))
            for (y, x), made in zip(some, self._squares([whole[y : y + down, x : x + across] for y, x in some], asked, share, means), strict=True):
                area = np.s_[y * times : (y + down) * times, x * times : (x + across) * times]
                total[area] += made * weight
                sums[area] += weight
        given = picture.shape[:2]
        found = np.asarray((total / sums)[: given[0] * times, : given[1] * times], np.float32)
        return found if np.isfinite(found).all() else None

    def _squares(self, given: Sequence[Picture], asked: Asked, tick: Tick, means: again.Means) -> Iterator[NDArray[float32]]:
        """Each square from the same noise, so that one that does not change comes out as it did before."""
        import numpy as np
        import torch
        from PIL import Image

        pipe, told = self._pipe(means), self._told
        pipes.watched(pipe, tick)
        every: dict[str, Any] = {
            "prompt": [asked.prompt.strip() or told.prompt] * len(given), "negative_prompt": [told.negative] * len(given),
            "image": [Image.fromarray(np.ascontiguousarray(one)) for one in given], "num_inference_steps": told.steps,
            "guidance_scale": told.guidance, "output_type": "np", "generator": [torch.Generator("cpu").manual_seed(asked.seed) for _ in given],
        }  # fmt: skip
        known = inspect.signature(type(pipe).__call__).parameters
        with pipes.called("diffusers cannot make this picture larger", "If every picture says so, fetch the model anew."):
            made = pipe(**{name: value for name, value in (every | told.more).items() if name in known}).images
        return iter(np.asarray(made, np.float32))

    def _pipe(self, means: again.Means) -> Any:
        import torch

        if lack := lacking(self.model, self._told.variant):
            raise FilmError(f"{self.model.label}'s weights are not all on this machine.", lack)
        if self._loaded is None or self._loaded[0] != (means.way, means.long):
            self._loaded = None
            device = gpu.chosen(self._device)
            dtype = torch.float32 if means.long or device.type == "cpu" else getattr(torch, self._told.dtype)
            (base,) = self.sources()
            pipe = pipes.load(pipes.named(self._told.kind), base, self._told.variant, dtype, self._told.long, {})
            self._loaded = (means.way, means.long), pipes.placed(pipe, device, means.way, False)
        return self._loaded[1]


def starts(whole: int, side: int, overlap: int) -> list[int]:
    """Where squares begin, so that they cover everything and neighbours have `overlap` or more in common."""
    if whole <= side:
        return [0]
    many = ceil((whole - overlap) / (side - overlap))
    return [round(i * (whole - side) / (many - 1)) for i in range(many)]


def ramps(high: int, wide: int, over: int) -> NDArray[float32]:
    """(high, wide, 1): how much a square counts there; little at its edges, where its neighbours know better."""
    import numpy as np

    def one(length: int) -> NDArray[float32]:
        near = np.minimum(np.arange(length), np.arange(length)[::-1]).astype(np.float32) + np.float32(1)
        return np.minimum(near / max(1, min(over, length // 2)), np.float32(1))

    return np.asarray(one(high)[:, None, None] * one(wide)[None, :, None], np.float32)
