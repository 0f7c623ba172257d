"""Where a picture shows faces: to ask whether somebody agrees, and to keep heads in the frame. Knows no person, and keeps none.

A small network looks (BlazeFace, from MediaPipe), run by OpenCV. A face that is not found proves nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy import float64, uint8
    from numpy.typing import NDArray

MODEL = Path(__file__).parents[1] / "assets" / "faces" / "full_range.tflite"
SIDE = 192  # pixels: what the network looks at
CELLS = 48  # a side: the places where it looks
SURE = 0.62  # measured: one portrait reaches 0.85 to 0.94, and 0.65 when its face is a sixteenth of the picture's side; our stills stay below 0.25
LIKELY = 0.45  # enough to aim a frame at
OUT = ["reshaped_classifier_face_4", "reshaped_regressor_face_4"]  # for each place: how sure it is, and where the face is from there
SAME = 0.3  # of both together: so much in common have two views of one face
HAIR, CHIN, EARS = 0.45, 0.15, 0.2  # of a face: how far the head goes beyond it
FULL = 0.9  # of a frame: more heads than fill that are too many
ABOVE = 0.35  # of the room that heads leave in a frame: so much is over them


@dataclass(frozen=True, slots=True)
class Face:
    """A face's box, forehead to chin: its edges in shares of the picture's width and height; `sure` is 0 to 1."""

    left: float
    top: float
    right: float
    bottom: float
    sure: float

    @property
    def head(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of the whole head, in the picture."""
        wide, high = self.right - self.left, self.bottom - self.top
        box = self.left - EARS * wide, self.top - HAIR * high, self.right + EARS * wide, self.bottom + CHIN * high
        return max(0.0, box[0]), max(0.0, box[1]), min(1.0, box[2]), min(1.0, box[3])

    @property
    def area(self) -> float:
        return (self.right - self.left) * (self.bottom - self.top)

    def shared(self, other: Face) -> float:
        """How much of both together they have in common."""
        wide = min(self.right, other.right) - max(self.left, other.left)
        high = min(self.bottom, other.bottom) - max(self.top, other.top)
        both = max(0.0, wide) * max(0.0, high)
        return both / (self.area + other.area - both + 1e-12)


class Finder:
    """Finds faces with the network in a file, which is read when first needed. Safe to use from any thread."""

    def __init__(self, model: Path = MODEL) -> None:
        self._model = model

    def ready(self) -> None:
        """Read the network."""
        _network(self._model)

    def shows_face(self, picture: NDArray[uint8]) -> bool:
        """Whether a picture, (height, width, 3) as B, G, R, shows a face."""
        return self.likeness(picture) >= SURE

    def likeness(self, picture: NDArray[uint8]) -> float:
        """How sure the network is that there is a face, 0 to 1."""
        return float(self._seen(picture)[0].max())

    def faces(self, picture: NDArray[uint8]) -> tuple[Face, ...]:
        """Those that are likely, the largest and surest first."""
        import numpy as np

        sure, places = self._seen(picture)
        height, width = picture.shape[:2]
        room = width / max(width, height), height / max(width, height)  # the rest is black
        found: list[Face] = []
        for at in np.flatnonzero(sure >= LIKELY)[np.argsort(-sure[sure >= LIKELY])]:
            row, column = divmod(int(at), CELLS)
            x, y, wide, high = (float(value) / SIDE for value in places[at, :4])
            x, y = ((column + 0.5) / CELLS + x - 0.5) / room[0] + 0.5, ((row + 0.5) / CELLS + y - 0.5) / room[1] + 0.5
            wide, high = wide / room[0] / 2, high / room[1] / 2
            face = Face(x - wide, y - high, x + wide, y + high, float(sure[at]))
            if all(face.shared(other) < SAME for other in found):
                found.append(face)
        return tuple(sorted(found, key=lambda face: -face.area * face.sure))

    def _seen(self, picture: NDArray[uint8]) -> tuple[NDArray[float64], NDArray[float64]]:
        """How sure it is at each of its places, and what it sees there."""
        import cv2
        import numpy as np

        from .focus import fitted  # brings OpenCV

        small = fitted(picture, SIDE, larger=True)
        whole = np.zeros((SIDE, SIDE, 3), np.uint8)
        top, left = (SIDE - small.shape[0]) // 2, (SIDE - small.shape[1]) // 2
        whole[top : top + small.shape[0], left : left + small.shape[1]] = small
        network, lock = _network(self._model)
        with lock:
            network.setInput(cv2.dnn.blobFromImage(whole, 1 / 127.5, (SIDE, SIDE), (127.5, 127.5, 127.5), swapRB=True))
            sure, places = (np.array(told, np.float64) for told in network.forward(OUT))
        return 1 / (1 + np.exp(-sure.reshape(-1))), places.reshape(-1, 16)


def towards(faces: Sequence[Face], share: tuple[float, float]) -> tuple[float, float]:
    """Where the middle of a frame should be that shows such a `share` of the picture's width and height: the largest
    face's head is in it, and as many others as fit, with room above."""
    left, top, right, bottom = faces[0].head
    for face in faces[1:]:
        head = face.head
        wider = min(left, head[0]), min(top, head[1]), max(right, head[2]), max(bottom, head[3])
        if wider[2] - wider[0] <= FULL * share[0] and wider[3] - wider[1] <= FULL * share[1]:
            left, top, right, bottom = wider
    x = (left + right) / 2
    if bottom - top > share[1]:  # not even one head fits: its face does, then
        return x, (faces[0].top + faces[0].bottom) / 2
    above = (share[1] - (bottom - top)) * ABOVE
    return x, min(1.0, max(0.0, top - above + share[1] / 2))


@cache
def _network(model: Path) -> tuple[Any, threading.Lock]:
    """The network, and whose turn it is: it holds the picture that it looks at."""
    import cv2

    # OpenCV's older engine gives all outputs of one look
    return cv2.dnn.readNetFromTFLite(str(model), cv2.dnn.ENGINE_CLASSIC), threading.Lock()
