"""A still picture and a moving camera, on any CPU: frames are drawn when the encoder asks for them.

Knows its shot and nothing of the film. What the camera moves over is in _canvas.py, how pixels are looked up in _lens.py.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from numpy import float64
    from numpy.typing import NDArray

    from ..darkroom import Negative
    from ..plan import Shot
    from ._canvas import Footage
    from ._lens import Lens

REMEMBERED = 160_000_000  # bytes of pictures kept ready: a transition needs two, and neighbours come again


class Engine:
    """See crew.LiveEngine."""

    label = "Camera over a still picture"
    version = 5
    rank = 10
    online = False
    source = ""  # it only moves what it is given
    live = True
    wants_picture = True

    def __init__(self) -> None:
        self._ready: OrderedDict[object, Lens] = OrderedDict()
        self._lock = threading.Lock()

    def missing(self) -> str | None:
        """It needs nothing but the base set."""
        return None

    def recipe(self, shot: Shot) -> object:
        """The camera's numbers, the frame, the fit, and the seed only where something trembles."""
        return [self.version, shot.camera.numbers, shot.frames, shot.frame, shot.fit, shot.seed if shot.camera.shakes else None, shot.camera.drawn, shot.focus]

    def path(self, shot: Shot, negative: Negative) -> NDArray[float64]:
        """The shot's matrices, from the given picture's pixels to the film's."""
        from ._canvas import paths

        return paths(shot, negative)[0]

    def footage(self, shot: Shot, negative: Negative) -> Footage:
        """The shot ready to be drawn from its picture."""
        import numpy as np

        from ._canvas import Footage, composed, paths, placed
        from ._lens import Lens, stands

        path, moves = paths(shot, negative)
        first, steps = stands(moves)
        travels = np.ptp(moves[:, 0, 0]) < 1e-12 and not moves[:, 0, 1].any()
        wanted = (negative.path, shot.frame, shot.fit, first, steps, moves.tobytes() if travels else b"")
        with self._lock:
            lens = self._ready.get(wanted)
            if lens is None:
                size = (shot.frame.width, shot.frame.height)
                travel = moves if travels else None
                lens = Lens.ground(composed(shot, negative), placed(shot, negative)[0], size, first, steps, travel)
                self._ready[wanted] = lens
                while sum(one.bytes for one in self._ready.values()) > REMEMBERED and len(self._ready) > 2:
                    self._ready.popitem(last=False)
            self._ready.move_to_end(wanted)
        return Footage(lens, path, moves)
