"""Stable Video Diffusion loaded on one device: what sees, what encodes, what moves, each when it is first needed.

Decides what stays on the device. Knows no shot.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..gear import gpu as _gpu
from ..gear.snapshot import INDEX, Files, fits, shapes, source, weights
from ..gear.weights import Reading, Source, loading, match
from ..work import FilmError
from ._svd_net import Net, Savings, build
from ._svd_plan import Options

if TYPE_CHECKING:
    import torch

PIXEL = 1500  # bytes of the device that a pixel of a frame takes while it is decoded, in float16
SPARE = _gpu.GIB
PARTS = ("image_encoder", "unet", "vae")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the weights come from. unet: a network of its own, and its file's name."""

    base: Source
    variant: str
    unet: Source | None = None
    file: str = ""

    @classmethod
    def of(cls, repo: str, revision: str, wanted: Options, name: str = "") -> Origin:
        """Of a model's repository and options."""
        if not wanted.unet:
            return cls(source(repo, revision, wanted.variant, name), wanted.variant)
        base = source(wanted.base, wanted.base_revision, wanted.variant, name, ("unet",))
        return cls(base, wanted.variant, Source(repo, revision, (wanted.unet,), name), wanted.unet)

    def lacking(self) -> list[Source]:
        """Those that are not whole on this machine."""
        index, bare = self.base.find(INDEX), self.base.bare
        there = index and all(self.base.find(f"{name}/config.json") if name in bare else weights(index.parent / name, self.variant) for name in PARTS)
        lacks = [] if there else [self.base]
        return lacks + ([self.unet] if self.unet and not self.unet.find(self.file) else [])

    def files(self) -> tuple[Path, ...]:
        """All weights that are read; FilmError if they are not there."""
        every = {name: weights(self.folder() / name, self.variant) for name in PARTS}
        own = (self.unet.path(self.file),) if self.unet else ()
        return (*own, *(file for name, one in every.items() if one and not (own and name == "unet") for file in one.files))

    @property
    def changing(self) -> list[str]:
        """See Source.changing."""
        return [*self.base.changing, *(self.unet.changing if self.unet else [])]

    def folder(self) -> Path:
        """Where the base's parts lie; FilmError if they are not there."""
        return self.base.path(INDEX).parent


class Machine:
    """Not safe for several threads. thrifty: only what works is on the device, and one row of the network at a time.
    most: GiB that may be taken, None for all; long: in longer numbers, for a clip that came out as none; native: there is
    no memory for clips that are larger than the model's own."""

    def __init__(
        self, origin: Origin, device: torch.device, savings: Savings, *,
        thrifty: bool = False, most: float | None = None, long: bool = False, native: bool = False,
    ) -> None:  # fmt: skip
        import torch

        self.device, self.thrifty, self.native, self._origin, self._most = device, thrifty, native, origin, most
        self._asked, self._long = savings, long
        short, longer = (torch.float16, torch.float32) if device.type == "cuda" else (torch.float32, torch.float64)
        self.dtype = longer if long else short
        fast = savings.compiled and _gpu.compiles(device)
        self._savings = replace(savings, compiled=fast)
        self._parts: dict[str, Any] = {}
        self._net: Net | None = None
        self.scale = 1.0  # of the network's latents, beside the VAE's

    def longer(self) -> Machine:
        """The same in longer numbers; what this one holds is let go."""
        self._parts.clear()
        self._net = None
        _gpu.emptied()
        short = replace(self._asked, compiled=False)
        return Machine(self._origin, self.device, short, thrifty=self.thrifty, most=self._most, long=True, native=self.native)

    def thriftier(self) -> Machine | None:
        """The same with only what works on the device; if it is so already, with clips of the model's own size."""
        self._parts.clear()
        self._net = None
        return None if self.native else Machine(self._origin, self.device, self._asked, thrifty=True, most=self._most, native=self.thrifty)

    @property
    def longest(self) -> bool:
        """Whether there are no longer numbers."""
        return self._long

    @property
    def scheduler(self) -> Any:
        """diffusers' own, as the repository sets it; FilmError if that is another kind."""
        from diffusers import EulerDiscreteScheduler

        with Reading("The model's scheduler cannot be read", f"Fetch it anew: {self._origin.base.fetch}", "scheduler", why=True):
            made = EulerDiscreteScheduler.from_pretrained(self._origin.folder(), subfolder="scheduler", local_files_only=True)
            made.set_timesteps(2)  # only now it looks at most of its settings
        if (made.config.prediction_type, made.config.timestep_type) != ("v_prediction", "continuous"):
            raise FilmError("The model's scheduler is not Stable Video Diffusion's.", self._origin.base.fetch, "scheduler")
        return made

    @property
    def colours(self) -> tuple[list[float], list[float]]:
        """Mean and spread of red, green and blue that what sees is used to."""
        path = self._origin.folder() / "feature_extractor" / "preprocessor_config.json"
        try:
            told = json.loads(path.read_text("utf-8"))
            mean, spread = ([float(told[key][i]) for i in range(3)] for key in ("image_mean", "image_std"))
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise FilmError(f"{path.name} cannot be read.", self._origin.base.fetch, path.name) from error
        return mean, spread

    @contextmanager
    def part(self, name: str) -> Iterator[Any]:
        """A part on its device, for as long as it is used."""
        if name not in self._parts:
            self._parts[name] = self._load(name)
        module = self._parts[name].to(self.device)
        try:
            with self._working(name):
                yield module
        finally:
            if self.thrifty and self.device.type != "cpu":
                self._parts[name] = module.to("cpu")

    @contextmanager
    def net(self) -> Iterator[Net]:
        """The network on its device."""
        import torch

        if self._net is None:
            with torch.no_grad(), self._working("unet"):
                self._net = build(self._load("unet").to(self.device), self._savings)
        try:
            with _gpu.attention(self.device), self._working("unet"):
                yield self._net
        finally:
            if self.thrifty:
                self._net = None

    def rested(self) -> None:
        """Nobody uses the network any more: if only what works is to be on the device, it is gone now."""
        if self.thrifty:
            _gpu.emptied()

    def _working(self, name: str) -> Reading:
        """Use it in a `with` in which a part is at work: one whose settings do not go together is a fault of its scenes."""
        hint = f"If every scene says so, fetch it anew: {self._origin.base.fetch}"
        return Reading(f"{name} cannot work as Stable Video Diffusion's", hint, name, why=True, files=False)

    def chunk(self, frames: int, size: tuple[int, int]) -> int:
        """How many frames can be decoded at once: all, where there is room."""
        room = _gpu.free(self.device, self._most) - SPARE
        return max(1, min(frames, room // (PIXEL * self.dtype.itemsize // 2 * size[0] * size[1])))

    def _load(self, name: str) -> Any:
        """One part, its files found whole and its tensors those of its class."""
        import torch
        from diffusers import AutoencoderKLTemporalDecoder, UNetSpatioTemporalConditionModel
        from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

        folder, fetch = self._origin.folder() / name, self._origin.base.fetch
        found = weights(folder, self._origin.variant)
        if found is None and name not in self._origin.base.bare:
            raise FilmError(f"{name} is not whole on this machine.", fetch, name)
        with loading(), Reading(f"{name} cannot be read as Stable Video Diffusion's", f"Fetch it anew: {fetch}", name):
            if name == "image_encoder":
                assert found
                shapes(found, fetch)
                with torch.device("meta"):
                    empty = CLIPVisionModelWithProjection(CLIPVisionConfig.from_pretrained(folder))
            else:
                kind: Any = UNetSpatioTemporalConditionModel if name == "unet" else AutoencoderKLTemporalDecoder
                with torch.device("meta"):
                    empty = kind.from_config(kind.load_config(folder, local_files_only=True))
            wanted = {key: tuple(one.shape) for key, one in empty.state_dict().items()}
            if name == "unet" and self._origin.unet:
                return self._own(empty, wanted)
            assert found
            fits(found, wanted, fetch)
            given: dict[str, Any] = {"use_safetensors": True, "local_files_only": True, "variant": found.variant or None}
            given["dtype" if name == "image_encoder" else "torch_dtype"] = self.dtype  # each library has its own name for it
            made: Any = type(empty).from_pretrained(folder, **given)
        if self._savings.last:
            for tensor in made.parameters():
                tensor.data = tensor.data.contiguous(memory_format=torch.channels_last) if tensor.ndim == 4 else tensor.data
        return made.eval()

    def _own(self, empty: Any, wanted: dict[str, tuple[int, ...]]) -> Any:
        """The network from a file of its own."""
        from safetensors.torch import load_file

        assert self._origin.unet
        path, fetch = self._origin.unet.path(self._origin.file), self._origin.unet.fetch
        match(path, shapes(Files(path.parent, "", (path,)), fetch), wanted, fetch)
        empty.load_state_dict({key: one.to(self.dtype) for key, one in load_file(path).items()}, assign=True)
        return empty.eval()
