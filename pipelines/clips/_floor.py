"""Shots on their way through a model, whatever model it is: what all engines share that compute clips in this process.

An engine says what a shot asks of it, what it loads, and how its stages go. That models come one after the other, what is
done where memory or numbers run out, and GPUs that are lent are here. Knows no model.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from ..gear import gpu, zero
from ..plan import Shot, Slate
from ..vault import Notes
from ..work import FilmError, Tick, forgotten, part
from ._stages import Cutting, guarded, landed

if TYPE_CHECKING:
    import torch
    from numpy import uint8
    from numpy.typing import NDArray
    from torch import Tensor

    Ending = Callable[["Job[Any, Any, Any]", bool], None]  # called with a job that has all its clips, and whether its numbers are the longest

AT_ONCE = 24  # shots that go through the stages together: what was read, and their pictures, lie in memory
DRAWN = 0.97  # share of the work before the file is written
Asked = TypeVar("Asked")
Piece = TypeVar("Piece")
Now = TypeVar("Now")
T = TypeVar("T")


@dataclass
class Job(Generic[Asked, Piece, Now]):
    """A shot on its way. asked: what its engine made of it; pieces: its clips, in the order in which they are made; first,
    now: what its first and its next clip begin with; backwards: each is played before those that were made; held: what the
    next clip is after its steps; at: how many clips it has; since, until: of those, where its work begins and ends; made:
    those as I420 pictures, and whether they are numbers, in the order of playing. odd: they are not, and it is to be made
    again; long: in longer numbers; over: there is nothing more to do for it."""

    slate: Slate
    asked: Asked
    pieces: Sequence[Piece]
    first: Now
    backwards: bool = False
    now: Now = field(init=False)
    held: Any = None
    at: int = 0
    since: int = 0
    until: int = field(init=False)
    notes: Notes = field(default_factory=dict)
    made: list[tuple[Callable[[], NDArray[Any]], Callable[[], NDArray[Any]]]] = field(default_factory=list)
    long: bool = False
    odd: bool = False
    over: bool = False

    def __post_init__(self) -> None:
        self.now, self.until = self.first, len(self.pieces)

    def only(self, since: int, until: int, now: Now) -> None:
        """Make no more than those of its clips. now: what the first of them begins with, where it is not the shot's."""
        self.at, self.since, self.until = since, since, until
        self.first = self.now = now if since else self.first

    @property
    def piece(self) -> Piece:
        """The clip that is made now."""
        return self.pieces[self.at]

    @property
    def last(self) -> bool:
        """Whether that is the last one."""
        return self.at + 1 == len(self.pieces)

    @property
    def seed(self) -> int:
        """Of the clip that is made now."""
        return self.slate.shot.seed + self.at

    @property
    def tick(self) -> Tick:
        """That of the clip that is made now."""
        done, count = self.at - self.since, self.until - self.since
        return part(self.slate.tick, DRAWN * done / count, DRAWN * (done + 1) / count)

    def clip(self, machine: Machine, frames: Tensor, good: Tensor, then: Now, ending: Ending) -> None:
        """The clip that is made now, on its way to the CPU. frames: as I420; good: whether they are numbers; then: what the
        next clip begins with."""
        self.made.insert(0 if self.backwards else len(self.made), (landed(frames), landed(good)))
        self.now, self.held, self.at = then, None, self.at + 1
        self.notes["clips"] = self.at
        if self.long:
            self.notes["retried"] = str(machine.dtype).removeprefix("torch.")
        if self.at == self.until:
            ending(self, machine.longest)

    def again(self) -> None:
        """The same from its beginning, in longer numbers."""
        self.now, self.held, self.at, self.made, self.odd, self.long = self.first, None, self.since, [], False, True


class Machine(Protocol):
    """A model, loaded on one device."""

    @property
    def device(self) -> torch.device: ...

    @property
    def dtype(self) -> torch.dtype:
        """What it computes in."""
        ...

    @property
    def longest(self) -> bool:
        """Whether there are no longer numbers."""
        ...

    def longer(self) -> Machine:
        """The same in longer numbers; what this one holds may be let go."""
        ...

    def thriftier(self) -> Machine | None:
        """The same with less of the device's memory, None if that cannot be; what this one holds is let go."""
        ...


J = TypeVar("J", bound=Job[Any, Any, Any])
M = TypeVar("M", bound=Machine)


def rounds(jobs: Sequence[J]) -> Iterator[list[J]]:
    """A long shot's clips go on from one another: of all shots that have one left, the next."""
    while left := [one for one in jobs if not one.over and one.at < one.until]:
        yield left


def each(one: J, work: Callable[[J], T]) -> T | None:
    """The work's result; None where something is wrong with this scene alone, which is told."""
    made = guarded(one.slate, lambda _: (work(one),))
    one.over = one.over or made is None
    return made[0] if made else None


def computed(one: J, longest: bool) -> Notes | None:
    """A shot's notes, its pictures being there; None if it is to be made again."""
    one.odd = not all(bool(good()) for _, good in one.made)
    one.over = longest or not one.odd  # whatever comes of it
    if one.odd and longest:
        said = f"The model's numbers ran out of range{', and again with longer ones' if one.long else ''}: there is no picture in them."
        raise FilmError(said, "Give the scene another seed or prompt. If every scene says so, the weights are not this model's.")
    return None if one.odd else one.notes


@dataclass(frozen=True, slots=True)
class Leg:
    """What one call makes of a shot where GPUs are lent: clips `since` to `until`. now: what the one before them left, as
    numbers; notes: what there was to tell until then."""

    shot: Shot
    since: int
    until: int
    now: Any
    notes: Notes


@dataclass(eq=False)
class Floor(Generic[J, M]):
    """Where an engine's shots are made. job: what a shot asks for; loads: what has to be loaded for it, and beside that,
    what shots have in common that go through the stages together; load: load that; shoot: the stages; filed: pictures as
    the shot's file; work: see zero.Work."""

    job: Callable[[Slate], J]
    loads: Callable[[Shot], tuple[object, object]]
    load: Callable[[Shot], M]
    shoot: Callable[[M, Sequence[J], Ending], None]
    filed: Callable[[Slate, list[NDArray[uint8]]], Notes]
    work: Callable[[Shot], zero.Work]
    loaded: tuple[object, M] | None = field(default=None, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)
    _lent: zero.Lent[Leg] = field(init=False)

    def __post_init__(self) -> None:
        self._lent = zero.Lent(self._compute, lambda leg: self.work(leg.shot).of(leg.since, leg.until))

    def shoot_all(self, slates: Sequence[Slate]) -> None:
        """See crew.ClipEngine. Each part of a model comes to the device once for all its shots, and a file is written
        beside the next shot's steps."""
        import torch

        if zero.here():
            with Cutting() as cutting:
                for slate in slates:
                    if made := guarded(slate, self._called):
                        cutting.add(slate, partial(self._kept, slate, *made))
            return
        with self._lock, torch.inference_mode(), Cutting() as cutting:
            for some in self._goes(slates):
                if jobs := [one for slate in some if (one := guarded(slate, self.job))]:
                    self._told(jobs, cutting)

    def lend(self, work: Callable[[Callable[[Shot], M]], None]) -> None:
        """Have work done with the model of any shot, loaded as for `shoot_all`."""
        import torch

        with self._lock, torch.inference_mode():
            work(self._machine)

    def close(self) -> None:
        """Let the model go."""
        with self._lock:
            self.loaded = None
            gpu.emptied()

    def _goes(self, slates: Sequence[Slate]) -> Iterator[list[Slate]]:
        """Those that go together; of one model, one after the other."""
        kinds: list[tuple[object, object]] = []
        alike: list[list[Slate]] = []
        for slate in slates:
            if (kind := guarded(slate, lambda one: self.loads(one.shot))) is None:
                continue
            if kind not in kinds:
                kinds.append(kind)
                alike.append([])
            alike[kinds.index(kind)].append(slate)
        for first in [kind for i, kind in enumerate(kinds) if kind[0] not in [one[0] for one in kinds[:i]]]:
            for kind, some in zip(kinds, alike, strict=True):
                if kind[0] == first[0]:
                    yield from (some[i : i + AT_ONCE] for i in range(0, len(some), AT_ONCE))

    def _told(self, jobs: list[J], cutting: Cutting) -> None:
        """Shots of one model; what is wrong with that, is told of each that is not made."""
        try:
            self._film(jobs, cutting, self._written)
        except FilmError as error:
            forgotten(error)
            cutting.settle(0)
            for one in jobs:
                if not one.over:
                    one.slate.kept(error)

    def _film(self, jobs: list[J], cutting: Cutting, finish: Callable[[J, bool], Notes | None]) -> None:
        """A model's shots: where memory runs out, what is left of them once more with less of it; those that came out
        as no numbers, in longer ones."""
        machine: Any = self._machine(jobs[0].slate.shot)

        def ending(one: Any, longest: bool) -> None:
            cutting.add(one.slate, partial(finish, one, longest))

        while left := [one for one in jobs if not one.over]:
            try:
                with gpu.current(machine.device):
                    if some := [one for one in left if not one.long and not one.odd]:
                        self.shoot(machine, some, ending)
                        cutting.settle(0)
                    for one in left:
                        if one.odd:
                            one.again()
                    if some := [one for one in left if one.long and not one.over]:
                        self.shoot(machine.longer(), some, ending)
                        cutting.settle(0)
                return
            except gpu.full():
                pass  # what the failed work held is let go only out here
            cutting.settle(0)
            asked = self.loaded[0] if self.loaded else None
            self.loaded, machine = None, machine.thriftier()
            gpu.emptied()
            if machine is None:
                said = "The GPU's memory ran out, even with only what works in it."
                raise FilmError(said, "Close what else uses the GPU, choose a smaller model, or give this one a smaller size in models.toml.")
            self.loaded = asked, machine
            for one in left:
                if not one.over:
                    one.notes["memory"] = "ran out once; less was taken"

    def _machine(self, shot: Shot) -> M:
        """The model, loaded; the one before it is let go."""
        asked = self.loads(shot)[0]
        if self.loaded is None or self.loaded[0] != asked:
            self.loaded = None
            gpu.emptied()  # how much room there is is asked for now
            self.loaded = asked, self.load(shot)
        return self.loaded[1]

    def _written(self, one: J, longest: bool) -> Notes | None:
        """The shot as its file; None if it is to be made again."""
        if (notes := computed(one, longest)) is None:
            return None
        clips = [pictures() for pictures, _ in one.made]
        one.made.clear()
        return self._kept(one.slate, clips, notes)

    def _kept(self, slate: Slate, clips: list[NDArray[uint8]], notes: Notes) -> Notes:
        return notes | self.filed(slate, clips)

    def _called(self, slate: Slate) -> tuple[list[Any], Notes]:
        """A shot's clips and notes from a GPU that is lent for it alone: once, or as seldom as its clips go into calls."""
        one, work = self.job(slate), self.work(slate.shot)  # what is wrong with it is found before anybody's time runs
        count, at, now = len(one.pieces), 0, None
        clips, notes = list[Any](), dict[str, Any]()
        for i in range(count):
            self._lent.check(work.of(i, i + 1))
        while at < count:
            to = next(to for to in range(count, at, -1) if to == at + 1 or self._lent.fits(work.of(at, to)))
            share = part(slate.tick, DRAWN * at / count, DRAWN * to / count)
            (made, now), notes = self._lent(Leg(slate.shot, at, to, now, notes), share, slate.show)
            clips, at = [*made, *clips] if one.backwards else [*clips, *made], to
        return clips, notes

    def _compute(self, leg: Leg, tick: Tick, show: zero.Show | None) -> tuple[list[Any], Notes]:
        """There: its clips as I420 pictures and what the next one begins with, and what there is to tell."""
        import numpy as np
        import torch

        told: list[Notes | FilmError] = []
        with torch.inference_mode(), Cutting() as cutting:
            one = self.job(Slate(leg.shot, Path(), tick, told.append, show))
            one.only(leg.since, leg.until, torch.from_numpy(leg.now) if isinstance(leg.now, np.ndarray) else leg.now)
            one.notes |= leg.notes
            self._film([one], cutting, computed)
            cutting.settle(0)
        if told and isinstance(told[0], FilmError):
            raise told[0]
        left = one.now.cpu().numpy() if isinstance(one.now, torch.Tensor) else one.now
        return [[pictures() for pictures, _ in one.made], left], one.notes
