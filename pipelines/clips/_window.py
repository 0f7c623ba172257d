"""Where in a model's picture the film's is, and moving pictures of ours read at the model's size and rate. Knows no model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .. import ffmpeg
from ..work import FilmError

if TYPE_CHECKING:
    from numpy import uint8
    from numpy.typing import NDArray
    from torch import Tensor

    Picture = NDArray[uint8]

ALIKE = 0.04  # shapes that differ by less are stretched to one another, and back


@dataclass(frozen=True, slots=True)
class Window:
    """Where in the model's picture, `size` (width, height), the film's is: all of it, or a part with that shape."""

    size: tuple[int, int]
    x: int
    y: int
    width: int
    height: int

    @classmethod
    def of(cls, size: tuple[int, int], aspect: float) -> Window:
        """All of it where the shapes are nearly the same."""
        if abs(size[0] / size[1] / aspect - 1) <= ALIKE:
            return cls(size, 0, 0, *size)
        wide, high = min(size[0], round(size[1] * aspect / 2) * 2), min(size[1], round(size[0] / aspect / 2) * 2)
        return cls(size, (size[0] - wide) // 4 * 2, (size[1] - high) // 4 * 2, max(2, wide), max(2, high))

    def shown(self, pictures: Tensor) -> Tensor:
        """(frames, 3, height, width) of the model's size -> the film's part of it."""
        return pictures[..., self.y : self.y + self.height, self.x : self.x + self.width]

    def read(self, path: Path, rate: int) -> list[Picture]:
        """An MP4 of ours as RGB pictures of the model's size, so many a second; what lies outside repeats its edge."""
        import cv2
        import numpy as np

        args: list[str | int | Path] = ["-protocol_whitelist", "file", "-f", "mov", "-i", path, "-map", "0:V:0"]
        graph = f"fps={rate}:round=up,scale={self.width}:{self.height}:flags=lanczos+accurate_rnd+full_chroma_int:in_color_matrix=bt709:in_range=tv"
        args += ["-vf", graph, "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1"]
        seen = [np.frombuffer(raw, np.uint8).reshape(self.height, self.width, 3) for raw in ffmpeg.read(args, self.width * self.height * 3)]
        if not seen:
            raise FilmError("There is no picture in what was given.", "Choose another video.")
        right, below = self.size[0] - self.x - self.width, self.size[1] - self.y - self.height
        edges = (self.y, below, self.x, right)
        return [np.asarray(cv2.copyMakeBorder(one, *edges, cv2.BORDER_REPLICATE), np.uint8) if any(edges) else one for one in seen]
