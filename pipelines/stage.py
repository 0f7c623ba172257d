"""What a render works with, as one value. Knows what there is, not what is made with it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from .crew import Crew
from .marks import Marks
from .policy import Policy, shipped
from .presets import Presets
from .vault import Vault


@dataclass(frozen=True)
class Studio:
    """Engines, presets, parts made before, our fonts, how many stretches at once.

    `mix_voices` allows two narrators in one film when one of them fails. `marks`: how films are
    marked. `policy`: what none is made of.
    """

    crew: Crew
    presets: Presets
    vault: Vault
    fonts: Path
    workers: int = max(1, min(8, os.cpu_count() or 1))
    mix_voices: bool = False
    marks: Marks = field(default_factory=Marks)
    policy: Policy = field(default_factory=shipped)
