"""Shots of one film in one go: files are written beside the next shot's steps, and one scene's failure is its own.

Knows no model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from ..plan import Shot, Slate
from ..vault import Notes
from ..work import FilmError, Tick, forgotten

if TYPE_CHECKING:
    from numpy import uint8
    from numpy.typing import NDArray
    from torch import Tensor

T = TypeVar("T")
AHEAD = 2  # shots whose pictures may wait to be written: they lie in memory
FRAMES = 16  # whose colours are reckoned together


class Cutting:
    """Writes finished shots in a thread of its own. Use it in a `with`: at its end all are written."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1)
        self._waiting: list[Future[None]] = []

    def __enter__(self) -> Cutting:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._pool.shutdown()
        if error is None:
            self.settle(0)

    def add(self, slate: Slate, work: Callable[[], Notes | None]) -> None:
        """Have it written; None from `work`: it is to be made again, and nothing is told yet. Whatever stopped one
        before is raised here."""
        self.settle(AHEAD)
        self._waiting.append(self._pool.submit(self._one, slate, work))

    def settle(self, left: int) -> None:
        """Wait until no more than so many are unwritten."""
        while len(self._waiting) > left:
            self._waiting.pop(0).result()

    @staticmethod
    def _one(slate: Slate, work: Callable[[], Notes | None]) -> None:
        try:
            notes: Notes | FilmError | None = work()
        except FilmError as error:
            notes = error
        if notes is not None:
            slate.kept(notes)


@dataclass
class _Alone:
    told: list[Notes | FilmError] = field(default_factory=list)


def alone(shoot_all: Callable[[Sequence[Slate]], None], shot: Shot, out: Path, tick: Tick) -> Notes:
    """One shot, by an engine that makes several at once; its FilmError is raised."""
    held = _Alone()
    shoot_all([Slate(shot, out, tick, held.told.append)])
    told = held.told[0]
    if isinstance(told, FilmError):
        raise told
    return told


def landed(tensor: Tensor) -> Callable[[], NDArray[Any]]:
    """The tensor on its way to the CPU, while the device goes on; -> its numbers, once they are there."""
    import torch

    if tensor.device.type != "cuda":
        return lambda: tensor.cpu().numpy()
    place = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
    place.copy_(tensor, non_blocking=True)
    there = torch.cuda.Event()
    there.record()

    def numbers() -> NDArray[Any]:
        there.synchronize()
        return place.numpy()

    return numbers


def planes(pictures: Tensor, black: float = -1.0) -> Tensor:
    """RGB (frames, 3, height, width) in `black`..1 -> I420 (frames, height * 3 / 2, width), uint8, BT.709, limited range.

    Where the pictures are: half the numbers have to travel. Chroma is sited on the left, as H.264's players take it.
    """
    import torch

    return torch.cat([_planes((some.nan_to_num().clamp(black, 1) - black) / (1 - black)) for some in pictures.split(FRAMES)])


def _planes(pictures: Tensor) -> Tensor:
    import torch
    from torch.nn import functional as F

    n, _, high, wide = pictures.shape
    red, green, blue = pictures.unbind(1)
    luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    chroma = torch.stack([(blue - luma) / 1.8556, (red - luma) / 1.5748], 1)
    beside = F.pad(chroma, (1, 0, 0, 0), mode="replicate")
    across = (beside[..., 0:-1:2] + 2 * beside[..., 1::2] + chroma[..., 1::2]) / 4
    small = (across[:, :, 0::2] + across[:, :, 1::2]) / 2
    parts = [(16 + 219 * luma).reshape(n, -1), (128 + 224 * small).reshape(n, -1)]
    return torch.cat(parts, 1).round().to(torch.uint8).reshape(n, high * 3 // 2, wide)


def guarded(slate: Slate, work: Callable[[Slate], T]) -> T | None:
    """What the work makes of it; None where something is wrong with this scene alone, which is told."""
    try:
        return work(slate)
    except FilmError as error:
        forgotten(error)  # before the next shot needs the memory
        slate.kept(error)
        return None


def views(frame: NDArray[uint8], size: tuple[int, int]) -> list[NDArray[uint8]]:
    """The planes of an I420 picture of that width and height, in place."""
    wide, high = size
    flat, edge = frame.reshape(-1), wide * high
    return [
        flat[:edge].reshape(high, wide), flat[edge : edge * 5 // 4].reshape(high // 2, wide // 2), flat[edge * 5 // 4 :].reshape(high // 2, wide // 2)
    ]  # fmt: skip
