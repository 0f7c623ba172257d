"""A pipeline of diffusers' loaded on one device, in the way that its memory allows. Knows no shot."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from ..gear import pipes
from ..gear.loras import Lora, change
from ..gear.snapshot import source
from ..gear.weights import Source
from ._diffusers_glimpse import sums
from ._diffusers_plan import Options

if TYPE_CHECKING:
    import torch
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a model comes from, and which of its files."""

    base: Source
    told: Options

    @classmethod
    def of(cls, repo: str, revision: str, told: Options, name: str = "") -> Origin:
        return cls(source(repo, revision, told.variant, name), told)


class Machine:
    """Not safe for several threads. plan: one of `plans`, the fastest of which comes first; long: everything in float32."""

    def __init__(
        self, origin: Origin, device: torch.device, plan: str, *, long: bool, compiled: bool, plans: Sequence[str] = pipes.PLANS
    ) -> None:
        import torch

        self.device, self.plan, self._origin, self._long = device, plan, origin, long
        self.dtype = torch.float32 if long or device.type == "cpu" else getattr(torch, origin.told.dtype)
        self._compiled, self._plans = compiled, plans
        self._made: dict[str, Any] = {}
        self._loras: tuple[Lora, ...] = ()
        self._sums: list[Tensor | None] = []

    @property
    def staged(self) -> bool:
        """Whether its parts take turns on the device, so that it is best to use one for all shots before the next."""
        return self.plan == "offload"

    @property
    def longest(self) -> bool:
        """Whether there are no longer numbers."""
        return str(self.dtype) == "torch.float32"

    def longer(self) -> Machine:
        """The same in float32; what this one holds is let go."""
        self._made.clear()
        self._loras = ()
        return Machine(self._origin, self.device, self.plan, long=True, compiled=self._compiled, plans=self._plans)

    def thriftier(self) -> Machine | None:
        """The same in the next of the plans, None after the last; what this one holds is let go."""
        self._made.clear()
        after = dict(pairwise(self._plans)).get(self.plan)
        return Machine(self._origin, self.device, after, long=self._long, compiled=self._compiled, plans=self._plans) if after else None

    def ready(self, loras: tuple[Lora, ...]) -> None:
        """Load it, with those small changes. FilmError if that cannot be."""
        told = self._origin.told
        self.pipe(getattr(told, told.modes[0]))
        self.adapt(loras)

    def room(self) -> None:
        """Before the steps: of two networks the second makes room for the first. What else is on the device goes when the
        next part comes."""
        if self.device.type != "cpu" and all(getattr(self._first, name, None) is not None for name in pipes.DENOISERS[:2]):
            self._first.maybe_free_model_hooks()

    def sums(self) -> Tensor | None:
        """See _diffusers_glimpse.sums; found once."""
        if not self._sums:
            told = self._origin.told
            self._sums.append(sums(self.pipe(getattr(told, told.modes[0])), self.device))
        return self._sums[0]

    @property
    def _first(self) -> Any:
        return next(iter(self._made.values()))

    def pipe(self, name: str) -> Any:
        """The pipeline of that class; all of a model's share their parts. FilmError if it cannot be loaded."""
        if not self._made:
            told = self._origin.told
            kinds = [pipes.named(one) for one in dict.fromkeys(getattr(told, mode) for mode in told.modes)]
            widest = max(kinds, key=lambda kind: len(inspect.signature(kind.__init__).parameters))
            loaded = pipes.load(widest, self._origin.base, told.variant, self.dtype, told.long, told.scheduler)
            self._made[widest.__name__] = pipes.placed(loaded, self.device, self.plan, self._compiled)
            if told.tiled:
                self.tile()
        if name not in self._made:
            self._made[name] = pipes.again(pipes.named(name), self._first)
        return self._made[name]

    def tile(self) -> bool:
        """From now on clips are decoded in squares; False if they were before, or cannot be."""
        vae = self._first.vae
        if getattr(vae, "use_tiling", True):
            return False
        vae.enable_tiling()
        return True

    def adapt(self, loras: tuple[Lora, ...]) -> None:
        """Put those small changes on the model, and no others."""
        if loras == self._loras:
            return
        before, self._loras = self._loras, ()
        change(self._first, before, loras)
        self._loras = loras
