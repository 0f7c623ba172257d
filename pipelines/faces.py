"""Whether a picture shows a face, so that somebody can be asked whether its owner agrees. Knows no person, and keeps none.

A small network looks (BlazeFace, from MediaPipe), run by OpenCV. A face that is not found proves nothing.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy import uint8
    from numpy.typing import NDArray

SIDE = 192  # pixels: what the network looks at
SURE = 0.62  # measured: one portrait reaches 0.85 to 0.94, and 0.65 when its face is a sixteenth of the picture's side; our stills stay below 0.25
OUT = "reshaped_classifier_face_4"  # how sure it is, for each of the places where it looks


class Finder:
    """Finds faces with the network in a file. Safe to use from any thread."""

    def __init__(self, model: Path) -> None:
        self._model = model
        self._lock = threading.Lock()  # one picture at a time: the network holds it
        self._network: Any = None

    def shows_face(self, picture: NDArray[uint8]) -> bool:
        """Whether a picture, (height, width, 3) as B, G, R, shows a face."""
        return self.likeness(picture) >= SURE

    def likeness(self, picture: NDArray[uint8]) -> float:
        """How sure the network is that there is a face, 0 to 1."""
        import cv2
        import numpy as np

        height, width = picture.shape[:2]
        share = SIDE / max(height, width)
        small = cv2.resize(picture, (max(1, round(width * share)), max(1, round(height * share))), interpolation=cv2.INTER_AREA)
        whole = np.zeros((SIDE, SIDE, 3), np.uint8)
        top, left = (SIDE - small.shape[0]) // 2, (SIDE - small.shape[1]) // 2
        whole[top : top + small.shape[0], left : left + small.shape[1]] = small
        with self._lock:
            if self._network is None:
                self._network = cv2.dnn.readNetFromTFLite(str(self._model))
            self._network.setInput(cv2.dnn.blobFromImage(whole, 1 / 127.5, (SIDE, SIDE), (127.5, 127.5, 127.5), swapRB=True))
            found = np.asarray(self._network.forward(OUT), np.float64)
        return float(1 / (1 + np.exp(-found.max())))
