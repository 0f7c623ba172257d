"""A photograph with depth: near things move more than far ones under the camera's move, drawn as the encoder asks.

A depth model says how near each place is. Without one this engine is not there, and the plain camera moves instead.
Knows its shot and nothing of the film. How it is drawn is in _relief.py, the model in gear/depth.py.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..gear import gpu
from ..gear.depth import Depth, lacking, source
from ..gear.weights import Source

if TYPE_CHECKING:
    from numpy import float32, float64, uint8
    from numpy.typing import NDArray

    from ..darkroom import Negative
    from ..plan import Shot
    from ..presets import Model
    from ._relief import Relief

REMEMBERED = 160_000_000  # bytes of pictures kept ready: a transition needs two, and neighbours come again
FARTHEST = 0.35  # how much the far plane moves, where the near one moves by 1
MOST = 0.04  # of the frame's width: what is near moves no farther against what is far, so that little has to be made up
DENSE = 1.25  # samples for each pixel of the film
LOOKED = 1036  # pixels of a picture that the model is shown


class Engine:
    """See crew.LiveEngine. depth: how near each place of an RGB picture is, 0 to 1, instead of a model."""

    label = "Photograph with depth, near things moving more than far ones"
    version = 1
    rank = 12
    online = False
    live = True
    wants_picture = True
    wants_model = True

    def __init__(self, depth: Callable[[NDArray[uint8]], NDArray[float32]] | None = None) -> None:
        self._given, self._model = depth, Depth()
        self._depths: OrderedDict[object, NDArray[float32]] = OrderedDict()
        self._ready: OrderedDict[object, Relief] = OrderedDict()
        self._lock = threading.Lock()

    def missing(self) -> str | None:
        """Packages; whether weights are there is told for each model."""
        return None if self._given else gpu.packages("torch", "transformers", "safetensors")

    def lacks(self, model: Model) -> str | None:
        """Weights."""
        return None if self._given else lacking(model)

    def sources(self, model: Model) -> tuple[Source, ...]:
        """See crew.Engine."""
        return (source(model),)

    def recipe(self, shot: Shot) -> object:
        """The camera's numbers, the frame, the fit, and the seed only where something trembles."""
        return [self.version, shot.camera.numbers, shot.frames, shot.frame, shot.fit, shot.seed if shot.camera.shakes else None, shot.camera.drawn, shot.focus]

    def path(self, shot: Shot, negative: Negative) -> NDArray[float64]:
        """What is nearest moves so."""
        from ._canvas import planes

        return planes(shot, negative, FARTHEST, MOST)[0]

    def footage(self, shot: Shot, negative: Negative) -> Relief:
        """The shot ready to be drawn from its picture."""
        wanted = (negative.path, shot.camera, shot.frames, shot.frame, shot.fit, shot.seed, shot.focus, shot.model and shot.model.repo)
        with self._lock:
            drawn = self._ready.get(wanted)
            if drawn is None:
                drawn = self._ready[wanted] = self._drawn(shot, negative)
                while sum(one.bytes for one in self._ready.values()) > REMEMBERED and len(self._ready) > 2:
                    self._ready.popitem(last=False)
            self._ready.move_to_end(wanted)
        return drawn

    def seat(self) -> str:
        """See crew.Engine."""
        return "" if self._given else "cpu"

    def close(self) -> None:
        """Let the model go."""
        self._model.close()

    def _drawn(self, shot: Shot, negative: Negative) -> Relief:
        import cv2
        import numpy as np

        from ._canvas import composed, placed, planes
        from ._relief import Relief, parted

        _, near, far, _ = planes(shot, negative, FARTHEST, MOST)
        canvas, _ = placed(shot, negative)
        scale = min(1.0, DENSE * float(max(np.hypot(near[:, 0, 0], near[:, 1, 0]).max(), np.hypot(far[:, 0, 0], far[:, 1, 0]).max())))
        size = max(2, round(canvas[0] * scale / 2) * 2), max(2, round(canvas[1] * scale / 2) * 2)
        given = composed(shot, negative)
        small = [np.asarray(cv2.resize(np.ascontiguousarray(plane), (size[0] // half, size[1] // half), interpolation=cv2.INTER_AREA), np.uint8) for plane, half in zip(given, (1, 2, 2), strict=True)]
        depth = self._depth(shot, negative) if shot.fit in ("cover", "stretch") else np.ones((2, 2), np.float32)
        whole = np.asarray(cv2.resize(depth, size, interpolation=cv2.INTER_LINEAR), np.float32)
        # From the canvas to the small picture: the same places, fewer pixels.
        fewer = np.array([canvas[0] / size[0], canvas[1] / size[1], 1.0])
        near, far = near * fewer, far * fewer
        most = _most(near, far, shot.frame.width, shot.frame.height)
        back, front, cover = parted((small[0], small[1], small[2]), whole, most)
        return Relief(back, front, cover, (shot.frame.width, shot.frame.height), near, far)

    def _depth(self, shot: Shot, negative: Negative) -> NDArray[float32]:
        import numpy as np

        key = (negative.path, shot.model and tuple(map(str, shot.model.content)))
        if key not in self._depths:
            if self._given:
                found = self._given(negative.rgb(LOOKED))
            elif shot.model is None:
                found = np.ones((2, 2), np.float32)  # nobody says what is near: the plain camera's move
            else:
                found = self._model.of(negative.rgb(LOOKED), shot.model)
            self._depths[key] = found
            while len(self._depths) > 16:
                self._depths.popitem(last=False)
        return self._depths[key]


def _most(near: NDArray[float64], far: NDArray[float64], width: int, height: int) -> float:
    """The most pixels of the picture between what the nearest and the farthest plane show at one place of the film."""
    import cv2
    import numpy as np

    corners = np.array([[0, 0, 1], [width, 0, 1], [width, height, 1], [0, height, 1]], np.float64).T
    few = np.unique(np.linspace(0, len(near) - 1, 32).astype(int))
    return float(max(np.abs((cv2.invertAffineTransform(near[k]) - cv2.invertAffineTransform(far[k])) @ corners).max() for k in few))
