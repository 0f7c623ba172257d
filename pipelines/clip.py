"""A clip's file as the film's footage: at the film's size, rate and length, under a camera that may move. Knows no scene."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from . import ffmpeg
from .path import matrices
from .plan import SLOWEST, Frame, Shot
from .work import FilmError

if TYPE_CHECKING:
    from numpy import float64, uint8
    from numpy.typing import NDArray

    Picture = NDArray[uint8]

CLOSEST = 2.0  # a camera over moving pictures has them so much larger at most; closer in they grow soft
HALVES = (1, 2, 2)  # chroma planes are half as wide and high


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip's file: `count` frames of `width` x `height` at `rate` a second."""

    path: Path
    count: int
    rate: Fraction
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Rush:
    """A clip as the film's footage. `step`: frames of the clip for one of the film."""

    clip: Clip
    frame: Frame
    fit: str
    step: Fraction

    @property
    def recipe(self) -> list[object]:
        """What, beside the clip, decides how a frame looks."""
        return [self.clip.path.stem, self.frame, self.fit, self.step]

    def frames(self, start: int, count: int) -> Iterator[Picture]:
        """See film.Footage."""
        import numpy as np

        wanted = [min(self.clip.count - 1, int((start + k) * self.step)) for k in range(count)]
        first, at = wanted[0], -1
        width, height = self.frame.width, self.frame.height
        args: list[str | int | Path] = ["-xerror", "-ss", f"{max(0.0, float((first - Fraction(1, 2)) / self.clip.rate)):.6f}"]
        args += ["-protocol_whitelist", "file", "-f", "mov", "-i", self.clip.path, "-map", "0:V:0", "-fps_mode", "passthrough"]
        args += ["-frames:v", wanted[-1] - first + 1, "-vf", fitted(self.clip, self.frame, self.fit)]
        args += ["-f", "rawvideo", "-pix_fmt", "yuv420p", "pipe:1"]
        seen = ffmpeg.read(args, width * height * 3 // 2)
        picture: Picture = np.empty((0, 0), np.uint8)
        for place in wanted:
            while at < place - first:
                raw, at = next(seen, b""), at + 1
                if raw:
                    picture = np.frombuffer(raw, np.uint8).reshape(height * 3 // 2, width)
                elif not picture.size:
                    raise FilmError("There is nothing to be seen at the end of the clip.", "Use another engine for this scene.")
            yield picture
        for _ in seen:  # it ends by itself
            pass


@dataclass(frozen=True, slots=True)
class Filmed:
    """A rush that the camera moves over: the shot is a little larger than the film, and looked at through a frame."""

    rush: Rush
    shot: Shot

    @property
    def recipe(self) -> list[object]:
        """See Rush; and the camera's numbers, with the seed where something trembles."""
        camera = self.shot.camera
        return [*self.rush.recipe, camera.numbers, self.shot.frames, self.shot.seed if camera.shakes else None]

    @property
    def path(self) -> NDArray[float64]:
        """(frames, 2, 3): one matrix a frame, from the rush's pixels to the film's."""
        size = (float(self.rush.frame.width), float(self.rush.frame.height))
        return matrices(self.shot.camera, self.shot.frames, self.shot.frame, size, self.shot.seed)

    def frames(self, start: int, count: int) -> Iterator[Picture]:
        """See film.Footage."""
        moves, size = self.path, (self.shot.frame.width, self.shot.frame.height)
        for k, picture in enumerate(self.rush.frames(start, count), start):
            yield warped(picture, moves[k], size)


def played(clip: Clip, shot: Shot) -> Rush:
    """The clip in the time that the shot has: trimmed, or a little slower if it is short."""
    lasts, wanted = clip.count / clip.rate, shot.frames / shot.frame.rate
    slower = min(SLOWEST, max(Fraction(1), wanted / lasts))
    return Rush(clip, shot.frame, shot.fit, clip.rate / shot.frame.rate / slower)


def stands(clip: Clip, shot: Shot) -> float:
    """Seconds at the shot's end in which the clip's last picture stays."""
    return max(0.0, float(shot.frames / shot.frame.rate - clip.count / clip.rate * SLOWEST))


def filmed(clip: Clip, shot: Shot) -> Rush | Filmed:
    """The clip at its own pace, under the shot's camera where that moves."""
    frame, step = shot.frame, clip.rate / shot.frame.rate
    closest = _closest(shot)
    if closest <= 1.0:
        return Rush(clip, frame, shot.fit, step)
    large = Frame(round(frame.width * closest / 2) * 2, round(frame.height * closest / 2) * 2, frame.rate)
    return Filmed(Rush(clip, large, shot.fit, step), shot)


def _closest(shot: Shot) -> float:
    """How much larger than the film the clip is to be for the camera; 1 where it stands still."""
    import numpy as np

    if not shot.camera.steps:
        return 1.0
    size = (float(shot.frame.width), float(shot.frame.height))
    moves = matrices(shot.camera, shot.frames, shot.frame, size, shot.seed)
    if np.abs(moves - np.eye(2, 3)).max() < 1e-6:
        return 1.0
    return min(CLOSEST, max(1.05, float(np.hypot(moves[:, 0, 0], moves[:, 1, 0]).max())))


def warped(picture: Picture, matrix: NDArray[float64], size: tuple[int, int]) -> Picture:
    """An I420 picture (height * 3 / 2, width) as another of `size` (width, height), by a matrix from its pixels to those.

    Coordinates are continuous, (0.5, 0.5) is the first pixel's middle; chroma is sited on the left luma sample.
    """
    import cv2
    import numpy as np

    out = np.empty((size[1] * 3 // 2, size[0]), np.uint8)
    back = cv2.invertAffineTransform(np.asarray(matrix, np.float64))
    for half, plane, into in zip(HALVES, planes(picture), planes(out), strict=True):
        aside = 0.5 if half == 1 else 0.25
        turn = back.copy()
        # a sample's index stands for the place half * (index + aside) across and half * (index + 0.5) down
        turn[:, 2] = (back @ (half * aside, half * 0.5, 1.0)) / half - (aside, 0.5)
        cv2.warpAffine(
            plane, turn, (into.shape[1], into.shape[0]), dst=into, flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )  # fmt: skip
    return out


def planes(picture: Picture) -> tuple[Picture, Picture, Picture]:
    """Y, U and V of an I420 picture, in place."""
    height, width = picture.shape[0] * 2 // 3, picture.shape[1]
    flat, edge = picture.reshape(-1), width * height
    small = (height // 2, width // 2)
    return flat[:edge].reshape(height, width), flat[edge : edge * 5 // 4].reshape(small), flat[edge * 5 // 4 :].reshape(small)


def fitted(clip: Clip, frame: Frame, fit: str) -> str:
    """The filter that brings a clip's pictures to the film's size."""
    width, height = frame.width, frame.height
    ratios = width / clip.width, height / clip.height
    colours = "flags=lanczos:out_color_matrix=bt709:out_range=tv"
    if fit == "stretch" or (clip.width, clip.height) == (width, height):
        return f"scale={width}:{height}:{colours},setsar=1"
    cover = covering(clip, frame, colours)
    if fit == "cover":
        return f"{cover},setsar=1"
    across, down = (max(2, int(side * min(ratios) / 2) * 2) for side in (clip.width, clip.height))
    place = f"{(width - across) // 4 * 2}:{(height - down) // 4 * 2}"
    whole = f"scale={across}:{down}:{colours}"
    if fit == "contain":
        return f"{whole},pad={width}:{height}:{place},setsar=1"
    soft = f"{cover},scale=64:{max(2, 64 * height // width)},gblur=sigma=2,scale={width}:{height}:flags=bicubic"
    return f"split[near][far];[far]{soft}[ground];[near]{whole}[whole];[ground][whole]overlay={place},format=yuv420p,setsar=1"


def covering(clip: Clip, frame: Frame, colours: str) -> str:
    """The filter that fills the frame with the clip's middle; what does not fit in is cut off. All cropping is here."""
    width, height = frame.width, frame.height
    ratio = max(width / clip.width, height / clip.height)
    across, down = (max(2, round(side * ratio / 2) * 2) for side in (clip.width, clip.height))
    return f"scale={max(width, across)}:{max(height, down)}:{colours},crop={width}:{height}"
