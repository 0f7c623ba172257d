"""Several processes of this machine, each with a device of its own, that compute one thing together.

One leads: it says what is to be done, the others hear it and do their share. Numbers go from device to device. Knows no
model, and not who started the processes.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..work import Tick

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    Form = tuple[tuple[int, ...], str]

OFTEN = 0.05  # seconds between two looks whether the others are there
PATIENCE = timedelta(days=1)  # for one another's steps: whoever started the processes knows if one ends
SOCKETS = ("GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME")


@dataclass(frozen=True, slots=True)
class Meeting:
    """Where a process finds the others: a folder that only they may open. Rank 0 leads: what it says, all others hear."""

    folder: str
    rank: int
    size: int
    say: Callable[[object], None]
    hear: Callable[[], Any]

    def come(self) -> None:
        """This process has what it needs."""
        self._mark(self.rank).touch()

    def all_there(self, tick: Tick) -> None:
        """Wait until all others have come, asking whether the work is still wanted."""
        while not all(self._mark(rank).exists() for rank in range(1, self.size)):
            tick(0.0)
            time.sleep(OFTEN)

    def _mark(self, rank: int) -> Path:
        return Path(self.folder, f"here {rank}")


class Parted(Exception):
    """The others do not get on: somebody would wait for ever. Whoever leads ends its process, and so ends theirs."""


@contextmanager
def parting() -> Iterator[None]:
    """Within it others wait for what is computed here: whatever stops that parts them."""
    try:
        yield
    except BaseException as error:
        raise Parted(str(error)) from error


def forms(tensors: Sequence[Tensor]) -> list[Form]:
    """What the others must know to take them: shape and kind of number of each."""
    return [(tuple(one.shape), str(one.dtype).removeprefix("torch.")) for one in tensors]


class Circle:
    """Those who meet, joined; made by all at about the same time, and closed by all. What they call, all call in the same
    order."""

    def __init__(self, meeting: Meeting, device: torch.device) -> None:
        import torch.distributed as dist

        home = [name for _, name in socket.if_nameindex() if name.startswith("lo")]
        for variable in SOCKETS if home else ():
            os.environ.setdefault(variable, home[0])  # nothing leaves this machine
        self._device, self.rank, self.size = device, meeting.rank, meeting.size
        dist.init_process_group(
            "nccl" if device.type == "cuda" else "gloo", init_method=f"file://{meeting.folder}/met", rank=meeting.rank,
            world_size=meeting.size, timeout=PATIENCE,
        )  # fmt: skip

    def show(self, tensors: Sequence[Tensor]) -> None:
        """The leader's tensors, for all others."""
        import torch.distributed as dist

        for one in tensors:
            dist.broadcast(one.contiguous(), 0)

    def shown(self, like: Sequence[Form]) -> list[Tensor]:
        """The same, for those who do not lead."""
        import torch
        import torch.distributed as dist

        made = [torch.empty(shape, dtype=getattr(torch, kind), device=self._device) for shape, kind in like]
        for one in made:
            dist.broadcast(one, 0)
        return made

    def gathered(self, mine: Tensor) -> Tensor:
        """(n, ...) of each -> (size * n, ...) for all, one after the other."""
        import torch.distributed as dist

        made = mine.new_empty(self.size * mine.shape[0], *mine.shape[1:])
        dist.all_gather_single(made, mine)
        return made

    def close(self) -> None:
        """Part as friends."""
        import torch.distributed as dist

        dist.destroy_process_group()
