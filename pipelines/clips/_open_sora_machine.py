"""Open-Sora 2.0 loaded on one device: its readers, its network and its VAE, each when it is first needed.

Decides what stays on the device. Knows no shot.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass
from functools import cache
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..gear import gpu as _gpu
from ..gear.weights import Source, Weights, loading, match, parts
from ..work import FilmError
from . import _open_sora_vae as vaes
from ._open_sora_net import TIMED, Blocks, Design, Net, design_of, shapes
from ._open_sora_text import Readers
from ._stream import Blocks as Store
from ._stream import eighth

if TYPE_CHECKING:
    import torch
    from torch import Tensor

NET, VAE = "Open_Sora_v2.safetensors", "hunyuan_vae.safetensors"
T5, CLIP = "google/t5-v1_1-xxl", "openai/clip-vit-large-patch14"
READERS = 10 * _gpu.GIB  # what both take
PER_TOKEN = 60  # bytes for one of the network's width that a token takes while a block works, in bfloat16
PER_PIXEL = 2000  # bytes that a pixel takes while the VAE works, in bfloat16
SPARE = 1.5 * _gpu.GIB
KEPT_TEXTS = 64


@dataclass(frozen=True, slots=True)
class Files:
    """Where everything is read from."""

    model: Source
    text: Source | None = None
    clip: Source | None = None

    @classmethod
    def of(cls, repo: str, revision: str, text: str, clip: str, name: str = "") -> Files:
        """text, clip: repositories or folders of their own; empty: they lie in the model's."""
        folders = [f"{folder}/*" for folder, own in ((T5, text), (CLIP, clip)) if not own]
        every = ("config.json", "*.safetensors*", "spiece.model", "vocab.json", "merges.txt", "tokenizer*.json")
        apart = [Source(own, "", every, name) if own else None for own in (text, clip)]
        return cls(Source(repo, revision, (NET, VAE, *folders), name), *apart)

    def reader(self, folder: str) -> tuple[Source, str]:
        """Where a reader's folder lies: the source, and the path of its config within."""
        own = self.text if folder == T5 else self.clip
        return (own, "config.json") if own else (self.model, f"{folder}/config.json")

    def weights(self) -> tuple[Path, ...]:
        """All that are read; FilmError if they are not there."""
        readers = [parts(source.path(name).parent, source.fetch) for source, name in map(self.reader, (T5, CLIP))]
        return (self.model.path(NET), self.model.path(VAE), *(file for some in readers for file in some))

    @property
    def changing(self) -> list[str]:
        """See Source.changing."""
        return [commit for one in (self.model, self.text, self.clip) if one for commit in one.changing]

    def lacking(self) -> list[Source]:
        """Those that are not whole on this machine."""
        wanted = [(self.model, NET), (self.model, VAE), self.reader(T5), self.reader(CLIP)]
        return list(dict.fromkeys(source for source, name in wanted if not source.find(name)))


@dataclass(frozen=True, slots=True)
class Memory:
    """How the network lies in memory. room: bytes of the device for its blocks."""

    room: int
    eight: bool


class Machine:
    """Not safe for several threads. device: where it works; most: GiB of it that may be taken, None for all."""

    def __init__(self, files: Files, device: torch.device, *, eight: bool, fast: bool, most: float | None = None) -> None:
        import torch

        self.device, self._files, self._eight, self._most = device, files, eight, most
        self.kind = self.dtype = torch.bfloat16 if device.type == "cuda" else torch.float32  # of its weights; what it computes in
        self._fast = fast and _gpu.compiles(device)
        self._texts: OrderedDict[str, tuple[Tensor, Tensor]] = OrderedDict()
        self._readers: Readers | None = None
        self._tight = False
        self._net: Net | None = None
        self._vae: Any = None
        self.laid: tuple[int, tuple[int, int]] = (0, (0, 0))  # see laid_out
        self._staged, self._least = False, False
        self.room: int | None = None  # what the network's blocks were given
        self.sums: Tensor | None = None  # see _glimpse.colours

    @property
    def longest(self) -> bool:
        """Whether there are no longer numbers."""
        return self.dtype != self.kind

    def longer(self) -> Machine:
        """The same weights, computed with in longer numbers."""
        import torch

        made = copy(self)
        made.dtype = torch.float32 if self.kind == torch.bfloat16 else torch.float64
        return made

    @property
    def seeing(self) -> bool:
        """Whether the VAE is loaded, or there is so much room that it may be now."""
        return self._vae is not None or self.device.type == "cpu" or _gpu.free(self.device, self._most) > 4 * _gpu.GIB

    def text(self, said: str) -> tuple[Tensor, Tensor]:
        """What the readers make of a text, on the device. Texts are remembered: none at all is read once."""
        if said not in self._texts:
            if self._readers is None:
                t5, clip = (source.path(name).parent for source, name in map(self._files.reader, (T5, CLIP)))
                self._tight = _gpu.free(self.device, self._most) < 4 * READERS  # the network is to come too
                self._readers = Readers(t5, clip, self._files.model.fetch, self.device, self.kind, self._tight)
            words, whole = self._readers.read(said)
            self._texts[said] = words.cpu(), whole.cpu()
        self._texts.move_to_end(said)
        while len(self._texts) > KEPT_TEXTS:
            self._texts.popitem(last=False)
        words, whole = self._texts[said]
        return words.to(self.device), whole.to(self.device)

    def laid_out(self, frames: int, size: tuple[int, int]) -> bool:
        """Make ready for clips of at most so many frames and pixels. Whether the network and the VAE are to take turns:
        where the VAE's work would leave it too little of the device."""
        if self._net is None or frames > self.laid[0] or size[0] * size[1] > self.laid[1][0] * self.laid[1][1]:
            self.rested()
            self.laid = frames, size
            self.room = 0 if self.room == 0 else None
            design = self._design()
            there = _gpu.free(self.device, self._most)
            whole = sum(map(prod, shapes(design).values())) * (1 if self._eight else self.kind.itemsize)
            self._staged = room(there, design, frames, size) < min(whole, room(there, design, frames, size, seeing=False))
        return self._staged

    def unseen(self) -> None:
        """The VAE leaves the device to the network."""
        import torch

        if self._vae is not None:
            vaes.into(self._vae, torch.device("cpu"), self._vae.dtype)
        _gpu.emptied()

    def rested(self) -> None:
        """The network leaves the device to the VAE; and where there is little room, those who read: what they read is kept."""
        self._net = None
        if self._tight:
            self._readers = None
        _gpu.emptied()

    def net(self, frames: int, size: tuple[int, int]) -> Net:
        """The network, laid out for clips of so many frames and pixels."""
        source = self._files.model
        if self._net is None:
            self.rested()
            design = self._design()
            weights = Weights(source.path(NET), source.fetch)
            if self.room is None:
                laid = self.laid if self.laid[0] else (frames, size)
                self.room = room(_gpu.free(self.device, self._most), design, *laid, seeing=not self._staged)
            self._net = build(weights.read, design, self.device, self.kind, Memory(self.room, self._eight), self._fast)
        return self._net

    def _design(self) -> Design:
        source = self._files.model
        path = source.path(NET)
        return _design(path, Weights(path, source.fetch).shapes, source.fetch)

    def thriftier(self) -> Machine | None:
        """The same with as little memory as can be, if it is not so already: no block stays on the device, and clips are
        several pieces in time to the VAE, which differ a little where they meet."""
        if self._least:
            return None
        self.room, self._net, self._least = 0, None, True
        if self._vae is not None:
            vaes.whole(self._vae, False)
        return self

    def vae(self, kind: torch.dtype) -> Any:
        """The VAE, computing in that kind of number."""
        if self._vae is None:
            source = self._files.model
            path = source.path(VAE)
            weights = Weights(path, source.fetch)
            with loading():
                try:
                    vae = vaes.empty(weights.shapes)
                except (KeyError, IndexError, ValueError) as error:
                    raise _other(path, source.fetch) from error
                match(path, weights.shapes, {name: tuple(one.shape) for name, one in vae.state_dict().items()}, source.fetch)
                vae.load_state_dict(weights.read(weights.shapes), assign=True)
            vaes.whole(vae, not self._least)
            self._vae = vae
        return vaes.into(self._vae, self.device, kind)


def room(free: int, design: Design, frames: int, size: tuple[int, int], *, seeing: bool = True) -> int:
    """Bytes that the network's blocks may stay in, of those that are free: the rest is for a clip's own numbers.
    seeing: in the VAE too."""
    width, height = size
    tokens = ((frames - 1) // vaes.TIMES + 1) * width * height // (2 * vaes.SIDE) ** 2
    pixels = frames * min(vaes.TILE, width) * min(vaes.TILE, height) if seeing else 0
    return max(0, int(free - max(tokens * design.width * PER_TOKEN, pixels * PER_PIXEL) - SPARE))


def build(
    read: Callable[[list[str]], Mapping[str, Tensor]], design: Design, device: torch.device, kind: torch.dtype,
    memory: Memory, fast: bool,
) -> Net:  # fmt: skip
    """The network from its tensors; `read` gives those of some names."""
    blocks, every = design.blocks(), shapes(design)
    names: dict[str, list[str]] = {block: [] for block in blocks}
    top: list[str] = []
    for name in every:
        block = ".".join(name.split(".", 2)[:2]) + "."
        names.get(block, top).append(name)

    def part(i: int, timed: bool) -> dict[str, Tensor]:
        found = read([name for name in names[blocks[i]] if any(mark in name for mark in TIMED) is timed])
        mine = {name.removeprefix(blocks[i]): tensor.to(kind) for name, tensor in found.items()}
        return eighth(mine) if memory.eight and not timed else mine

    def sizes(timed: bool) -> list[int]:
        wide = 1 if memory.eight and not timed else kind.itemsize
        chosen = [[prod(every[name]) for name in names[block] if any(mark in name for mark in TIMED) is timed] for block in blocks]
        return [sum(one) * wide for one in chosen]

    steady = Store(lambda i: part(i, False), sizes(False), device, memory.room)
    left = memory.room - sum(sizes(False))
    timed: Blocks = Store(lambda i: part(i, True), sizes(True), device, left if left > sum(sizes(True)) else 0)
    head = {name: tensor.to(device, kind) for name, tensor in read(top).items()}
    return Net(design, head, timed, steady, kind, _compiled if fast else lambda function: function)


@cache
def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    import torch

    return torch.compile(function)  # for other sizes it is compiled once more, for all of them


def _design(path: Path, found: Mapping[str, tuple[int, ...]], fetch: str) -> Design:
    try:
        design = design_of(found)
    except (KeyError, ValueError, IndexError) as error:
        raise _other(path, fetch) from error
    match(path, found, shapes(design), fetch)
    return design


def _other(path: Path, fetch: str) -> FilmError:
    return FilmError(f"{path.name} is of another model.", f"Fetch the right one: {fetch}", path.name)
