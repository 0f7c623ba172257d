"""A network's blocks in memory: some on the device, the others in the CPU's, coming over one ahead of the work.

So a model can be larger than its device. Each block is one piece of memory, and so one copy; two places on the device
take turns. Knows no network: a block is names and tensors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    Weights = Mapping[str, Tensor]

ALIGNED = 256  # bytes: where a tensor may begin
SCALE = "_scale"  # what the scales of a weight in 8 bits are called: its own name and this
EIGHT = 448.0  # the largest number in float8_e4m3


@dataclass(frozen=True)
class Pack:
    """A block's weights in one piece of memory. layout: name, kind of number, shape, first byte."""

    layout: tuple[tuple[str, torch.dtype, tuple[int, ...], int], ...]
    held: Tensor

    def views(self, held: Tensor) -> dict[str, Tensor]:
        """The weights, in that copy of the memory."""
        return {name: held[start : start + prod(shape) * kind.itemsize].view(kind).view(shape) for name, kind, shape, start in self.layout}


def pack(weights: Weights, device: torch.device, pinned: bool = False) -> Pack:
    """The weights, copied side by side; pinned memory of the CPU is copied from while the device works."""
    import torch

    layout, size = [], 0
    for name, tensor in weights.items():
        layout.append((name, tensor.dtype, tuple(tensor.shape), size))
        size += -(-tensor.numel() * tensor.element_size() // ALIGNED) * ALIGNED
    made = Pack(tuple(layout), torch.empty(size, dtype=torch.uint8, device=device, pin_memory=pinned))
    for name, view in made.views(made.held).items():
        view.copy_(weights[name])
    return made


def eighth(weights: Weights) -> dict[str, Tensor]:
    """The same with every matrix in 8 bits and a scale for each of its rows; what is small stays as it is."""
    import torch

    out: dict[str, Tensor] = {}
    for name, tensor in weights.items():
        if tensor.ndim != 2:
            out[name] = tensor
            continue
        whole = tensor.float()
        scale = whole.abs().amax(dim=1, keepdim=True).clamp(min=1e-12) / EIGHT
        out[name], out[name + SCALE] = (whole / scale).to(torch.float8_e4m3fn), scale
    return out


class Blocks:
    """Blocks to be used again and again in their order. `read` gives a block's weights, `sizes` are about their bytes.

    room: bytes of the device that blocks may stay in. Those that do are spread evenly, so that each of the others has
    time to come over.
    """

    def __init__(self, read: Callable[[int], Weights], sizes: Sequence[int], device: torch.device, room: int) -> None:
        import torch

        self._device = device
        self.kept = kept(sizes, room)
        fast, home = device.type == "cuda", torch.device("cpu")
        self._packs = [pack(read(i), device) if i in self.kept else pack(read(i), home, pinned=fast) for i in range(len(sizes))]
        self._away = [i for i in range(len(sizes)) if i not in self.kept]
        largest = max((self._packs[i].held.numel() for i in self._away), default=0)
        self._places = [torch.empty(largest, dtype=torch.uint8, device=device) for _ in self._away[:2]]
        self._stream = torch.cuda.Stream(device) if fast and self._away else None
        if self._stream is not None:
            for place in self._places:  # a copy may be under way when a pass is broken off and its places are let go
                place.record_stream(self._stream)

    def each(self) -> Iterator[Weights]:
        """Every block's weights; each is valid until the next is asked for."""
        import torch

        arrived = [self._bring(turn) for turn in range(len(self._places))]
        turn = 0
        for i, pack in enumerate(self._packs):
            if i in self.kept:
                yield pack.views(pack.held)
                continue
            if event := arrived[turn]:
                torch.cuda.current_stream(self._device).wait_event(event)
            yield pack.views(self._places[turn % 2])
            turn += 1
            if len(arrived) < len(self._away):
                arrived.append(self._bring(len(arrived)))

    def _bring(self, turn: int) -> torch.cuda.Event | None:
        """Copy a block to its place, after all work that was asked for so far; -> when it is there."""
        import torch

        held = self._packs[self._away[turn]].held
        place = self._places[turn % 2][: held.numel()]
        if self._stream is None:
            place.copy_(held)
            return None
        self._stream.wait_stream(torch.cuda.current_stream(self._device))
        with torch.cuda.stream(self._stream):
            place.copy_(held, non_blocking=True)
            there = torch.cuda.Event()
            there.record(self._stream)
        return there


def kept(sizes: Sequence[int], room: int) -> frozenset[int]:
    """Which blocks stay on the device."""
    whole = sum(sizes)
    if whole <= room:
        return frozenset(range(len(sizes)))
    chosen, used, seen = set(), 0, 0
    for i, size in enumerate(sizes):
        seen += size
        if used + size <= min(room, seen * room / whole + size / 2):
            chosen.add(i)
            used += size
    return frozenset(chosen)
