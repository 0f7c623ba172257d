"""How far work may be handed to a device ahead of it. Knows nothing of the work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


class Pace:
    """Lets work be handed to the device one step ahead of it, and no further: so it is never idle and soon stopped."""

    def __init__(self, device: torch.device) -> None:
        self._fast = device.type == "cuda"
        self._before: Any = None

    def wait(self) -> None:
        """Until the step before the last that was handed over is done."""
        if not self._fast:
            return
        import torch

        event = torch.cuda.Event()
        event.record()
        if self._before is not None:
            self._before.synchronize()
        self._before = event
