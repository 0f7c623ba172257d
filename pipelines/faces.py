"""Whether a picture shows a face, so that somebody can be asked whether its owner agrees. Knows no person.

OpenCV's own detector (YuNet) looks; its network is a file that OpenCV does not bring. Without that file nobody is asked.
A face that is not found proves nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .work import FilmError

if TYPE_CHECKING:
    from numpy import uint8
    from numpy.typing import NDArray

    from .darkroom import Negative

WIDE = 640  # pixels of the longer side that are looked at
SURE = 0.8
AGREE = "Be sure that whoever it shows agrees to this film."


def missing(model: Path | None) -> str | None:
    """None, or why nobody looks for faces here, and the remedy."""
    if model is None:
        return "REELWRIGHT_FACES is not set: give it OpenCV Zoo's face_detection_yunet_2023mar.onnx."
    return None if model.is_file() else f"There is no file {model.name}: see REELWRIGHT_FACES."


def shows_face(picture: NDArray[uint8], model: Path | None) -> bool:
    """Whether a picture, (height, width, 3) as B, G, R, shows a face. False without a model. FilmError if it is none."""
    if missing(model):
        return False
    import cv2

    share = WIDE / max(picture.shape[:2])
    small = cv2.resize(picture, None, fx=share, fy=share, interpolation=cv2.INTER_AREA) if share < 1 else picture
    try:
        finder = cv2.FaceDetectorYN.create(str(model), "", (small.shape[1], small.shape[0]), SURE)
        _, found = finder.detect(small)
    except cv2.error as error:
        raise FilmError("The file that finds faces cannot be used.", "Give REELWRIGHT_FACES OpenCV's own YuNet file.") from error
    return found is not None and len(found) > 0


def in_negative(negative: Negative, model: Path | None) -> bool:
    """The same for a picture that the darkroom has opened."""
    if missing(model):
        return False
    import cv2

    y, u, v = negative.planes()
    size = u.shape[1], u.shape[0]
    whole = cv2.merge([cv2.resize(y, size, interpolation=cv2.INTER_AREA), v, u])
    return shows_face(cv2.cvtColor(whole, cv2.COLOR_YCrCb2BGR), model)  # type: ignore[arg-type]
