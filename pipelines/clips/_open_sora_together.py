"""One clip of Open-Sora's by several GPUs, a process each. One leads: it reads, encodes, walks the steps, decodes and writes
as it would alone. The others hold nothing but the network, and compute their share of each step's tokens.

Who leads may stop between two steps; within one nobody may. Knows no shot from the inside.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING

from ..gear import gpu as _gpu
from ..gear.meeting import Circle, Meeting, Parted, forms, parting
from ..plan import Shot
from ..work import Tick, idle
from ._open_sora_machine import Machine
from ._open_sora_net import Clip, Net, Share, predict, prepare

if TYPE_CHECKING:
    from torch import Tensor

    Pair = tuple[Tensor, Tensor]


class Leader:
    """Use it in a `with`: at its end the others are free."""

    def __init__(self, meeting: Meeting) -> None:
        self._meeting = meeting
        self._circle: Circle | None = None

    def __enter__(self) -> Leader:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None or not issubclass(kind, Parted):
            self._meeting.say(None)
            if self._circle:
                self._circle.close()

    @property
    def size(self) -> int:
        """How many they are."""
        return self._meeting.size

    def lay_out(self, shot: Shot, machine: Machine) -> None:
        """Have the others load that shot's network, laid out as here, while this one reads and encodes."""
        self._meeting.say(("lay out", shot, machine.laid))

    def prepared(
        self, net: Net, times: Sequence[float], grid: tuple[int, int, int], words: Pair, pooled: Pair, cond: Tensor, tick: Tick
    ) -> Clip:
        """See prepare: with the share that is computed here, once all others have the network."""
        self._meeting.all_there(tick)
        given = [*words, *pooled, cond]
        self._meeting.say(("clip", str(net.dtype).removeprefix("torch."), list(times), grid, forms(given)))
        with parting():
            self._circle = self._circle or Circle(self._meeting, cond.device)
            self._circle.show(given)
        return prepare(net, times, grid, words, pooled, cond, _share(self._circle, cond))

    def predict(self, net: Net, clip: Clip, noisy: Tensor, step: int, rows: Sequence[int], tick: Tick) -> list[Tensor]:
        """See predict; the tick is asked before the step."""
        assert self._circle
        tick(0.0)
        self._meeting.say(("step", step, tuple(rows), forms([noisy])))
        with parting():
            self._circle.show([noisy])
            return predict(net, clip, noisy, step, rows, idle)


def follow(meeting: Meeting, machine_of: Callable[[Shot], Machine]) -> None:
    """Do what the leader says until it says no more. machine_of: a shot's model, loaded."""
    circle: Circle | None = None
    machine: Machine | None = None
    step: Callable[[Tensor, int, Sequence[int]], object] | None = None
    while (told := meeting.hear()) is not None:
        match told:
            case "lay out", shot, laid:
                step = machine = None  # what they hold may have to go
                machine = machine_of(shot)
                machine.unseen()
                machine.laid_out(*laid)
                machine.net(*laid)
                meeting.come()
            case "clip", kind, times, grid, like:
                assert machine
                step, circle = None, circle or Circle(meeting, machine.device)
                step = _follows(machine, circle, kind, times, grid, circle.shown(like))
            case "step", at, rows, like:
                assert machine and circle and step
                with _gpu.attention(machine.device):
                    step(circle.shown(like)[0], at, rows)
    if circle:
        circle.close()


def _follows(
    machine: Machine, circle: Circle, kind: str, times: Sequence[float], grid: tuple[int, int, int], shown: Sequence[Tensor]
) -> Callable[[Tensor, int, Sequence[int]], object]:
    """A clip's steps: noisy, step, rows."""
    import torch

    text, none, pooled, nothing, cond = shown
    net = replace(machine.net(*machine.laid), dtype=getattr(torch, kind))
    clip = prepare(net, times, grid, (text, none), (pooled, nothing), cond, _share(circle, cond))
    return lambda noisy, step, rows: predict(net, clip, noisy, step, rows, idle)


def _share(circle: Circle, cond: Tensor) -> Share:
    return Share(circle.rank, circle.size, cond.shape[1], circle.gathered)
