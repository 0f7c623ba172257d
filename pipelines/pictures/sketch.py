"""A prompt drawn as a still, with no model: a storyboard picture for any CPU, and it says so.

Knows its brief and nothing of the film. What the words mean and how things are drawn is in pipelines/drawing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..drawing.sketchbook import LABEL, VERSION, Sketchbook

if TYPE_CHECKING:
    from pathlib import Path

    from ..drawing.vocabulary import Word
    from ..plan import Brief
    from ..vault import Notes
    from ..work import Tick

DENSE, HIGHEST = 1.25, 2160  # times as large as the frame, for closing in on it; but no higher than so many pixels


class Engine:
    """See crew.Painter."""

    label = LABEL
    version = VERSION
    rank = 1
    online = False
    source = "algorithmicMedia"

    def __init__(self, words: Mapping[str, Word] | None = None) -> None:
        self._book = Sketchbook(words)

    def missing(self) -> str | None:
        """It needs nothing but the base set."""
        return None

    def recipe(self, brief: Brief) -> object:
        """What the words mean, the seed, and how large the frame is."""
        return [self._book.recipe(brief.prompt, brief.seed), brief.frame.width, brief.frame.height]

    def remarks(self, prompt: str, _pictured: bool) -> tuple[str, ...]:
        """What people should know before."""
        return self._book.remarks(prompt)

    def paint(self, brief: Brief, out: Path, tick: Tick) -> Notes:
        """Write the PNG. -> {"sketch": true, "unknown": [words that are not drawn]}"""
        from ..drawing.staging import still

        tick(0.0)
        scene = self._book.scene(brief.prompt, brief.seed)
        frame = brief.frame
        dense = max(1.0, min(DENSE, HIGHEST / frame.height))
        still(scene, (round(frame.width * dense / 2) * 2, round(frame.height * dense / 2) * 2), out, tick)
        tick(1.0)
        return {"sketch": True, "unknown": list(scene.unknown)}
