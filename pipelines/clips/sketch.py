"""A prompt drawn as a moving picture, with no model: layers with true depth under any camera move, live, on any CPU.

Knows its shot and nothing of the film. What the words mean and how things are drawn is in pipelines/drawing.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..drawing.sketchbook import LABEL, VERSION, Sketchbook

if TYPE_CHECKING:
    from ..darkroom import Negative
    from ..drawing.multiplane import Multiplane
    from ..drawing.vocabulary import Word
    from ..plan import Shot

REMEMBERED = 160_000_000  # bytes of drawings kept ready: a transition needs two, and neighbours come again
# Samples for each pixel of the film: not a whole number, so that no pixel is sharp in one frame and soft in the next.
# Fewer in a film that is higher than so many pixels.
DENSE, HIGHEST = 1.12, 1620


class _Desk:
    """One shot's drawing, made by whoever comes first while others wait for it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.drawn: Multiplane | None = None


class Engine:
    """See crew.LiveEngine."""

    label = LABEL
    version = VERSION
    rank = 1
    online = False
    source = "algorithmicMedia"
    live = True
    wants_picture = False

    def __init__(self, words: Mapping[str, Word] | None = None) -> None:
        self._book = Sketchbook(words)
        self._desks: OrderedDict[object, _Desk] = OrderedDict()
        self._lock = threading.Lock()

    def missing(self) -> str | None:
        """It needs nothing but the base set."""
        return None

    def recipe(self, shot: Shot) -> object:
        """What the words mean, the camera's numbers, the frame and the seed."""
        return [self._book.recipe(shot.prompt, shot.seed), shot.camera.numbers, shot.frames, shot.frame]

    def remarks(self, prompt: str, pictured: bool) -> tuple[str, ...]:
        """What people should know before."""
        drawn = ("the sketch is drawn from the prompt; the picture is not used.",) if pictured else ()
        return (*drawn, *self._book.remarks(prompt))

    def footage(self, shot: Shot, _negative: Negative | None) -> Multiplane:
        """The shot ready to be drawn; a picture is not looked at."""
        wanted = (shot.prompt, shot.seed, shot.camera, shot.frames, shot.frame)
        with self._lock:
            desk = self._desks.setdefault(wanted, _Desk())
            self._desks.move_to_end(wanted)
        with desk.lock:
            if desk.drawn is None:
                desk.drawn = self._drawn(shot)
        with self._lock:
            while len(self._desks) > 2 and sum(one.drawn.bytes for one in self._desks.values() if one.drawn) > REMEMBERED:
                self._desks.popitem(last=False)
        return desk.drawn

    def _drawn(self, shot: Shot) -> Multiplane:
        from ..drawing.parts import stage
        from ..drawing.staging import Take, built
        from ..path import views

        frame = shot.frame
        path = views(shot.camera, shot.frames, frame.seconds(shot.frames), shot.seed)
        take = Take((frame.width, frame.height), float(frame.rate), path, min(DENSE, HIGHEST / frame.height))
        return built(stage(self._book.scene(shot.prompt, shot.seed), frame.width / frame.height, frame.seconds(shot.frames)), take)
