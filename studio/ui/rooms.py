"""What the page works with, as one value. Knows no component."""

from __future__ import annotations

from dataclasses import dataclass

from ..desk import Desk
from ..samples import Samples
from ..shelf import Shelf


@dataclass(frozen=True)
class Rooms:
    """The desk that makes films, the shelf with projects, and what is shown before anything is made."""

    desk: Desk
    shelf: Shelf
    samples: Samples
