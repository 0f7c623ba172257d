"""How near each place of a picture is, by a depth model of transformers'. On the CPU: so it is the same everywhere.

Never fetches anything: weights.py finds the files and looks them over. Knows pictures, no shots.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field
from pydantic.dataclasses import dataclass

from ..presets import Model
from ..work import FilmError
from . import gpu
from .options import read, strict
from .weights import Source, loading, parts

if TYPE_CHECKING:
    from numpy import float32, uint8
    from numpy.typing import NDArray

FILES = ("config.json", "model.safetensors")
MEAN, SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of the pictures that such models are trained on
ENDS = (0.01, 0.99)  # what is farther or nearer than these shares of the picture counts as they do


@dataclass(frozen=True, slots=True, config=strict)
class Options:
    """size: pixels of the shorter side that the model looks at; multiple: its sides are whole multiples of it; longest:
    of the longer side; inverse: its numbers grow toward us."""

    size: Annotated[int, Field(ge=14, le=1036)] = 518
    multiple: Annotated[int, Field(ge=1, le=64)] = 14
    longest: Annotated[int, Field(ge=14, le=2072)] = 924
    inverse: bool = True


def source(model: Model) -> Source:
    """Where it comes from."""
    return Source(model.repo, model.revision, FILES, model.name)


def lacking(model: Model) -> str | None:
    """None, or what is not there for that model, and the remedy."""
    if lack := gpu.packages("torch", "transformers", "safetensors"):
        return lack
    origin = source(model)
    if all(origin.find(name) for name in FILES):
        return None
    return f"Its weights are not on this machine: {origin.fetch} ({model.terms})"


class Depth:
    """One model, loaded when it is first asked."""

    def __init__(self) -> None:
        self._loaded: tuple[list[object], Any] | None = None
        self._lock = threading.Lock()

    def of(self, rgb: NDArray[uint8], model: Model) -> NDArray[float32]:
        """(height, width) as the model looks at it: 0 is the farthest, 1 the nearest. rgb: (height, width, 3).

        FilmError if weights are lacking or damaged, or if there is no depth in the model's numbers.
        """
        import numpy as np
        import torch

        told = _options(model)
        with self._lock, torch.inference_mode():
            net = self._net(model)
            seen = torch.from_numpy(_looked(rgb, told)).permute(2, 0, 1)[None]
            out = net(pixel_values=seen).predicted_depth[0].float().numpy()
        if not np.isfinite(out).all():
            raise FilmError("The depth model's numbers ran out of range.", "Use the camera engine for this scene.")
        out = out if told.inverse else -out
        low, high = np.quantile(out, ENDS)
        if high - low < 1e-6:
            return np.ones(out.shape, np.float32)
        return np.asarray(np.clip((out - low) / (high - low), 0, 1), np.float32)

    def close(self) -> None:
        """Let the model go."""
        with self._lock:
            self._loaded = None

    def _net(self, model: Model) -> Any:
        from transformers import AutoModelForDepthEstimation

        if self._loaded is None or self._loaded[0] != model.content:
            origin = source(model)
            folder = origin.path("config.json").parent
            origin.path("model.safetensors")
            parts(folder, origin.fetch)
            try:
                with loading():
                    net = AutoModelForDepthEstimation.from_pretrained(folder, local_files_only=True, use_safetensors=True)
            except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
                raise FilmError(f"{model.label} cannot be read.", f"Delete it and fetch it anew: {origin.fetch}", "config.json") from error
            self._loaded = model.content, net.eval()
        return self._loaded[1]


def _options(model: Model) -> Options:
    return read(Options, model.options, "A depth model's", "models.toml")


def _looked(rgb: NDArray[uint8], told: Options) -> NDArray[float32]:
    """The picture as the model wants it."""
    import cv2
    import numpy as np

    height, width = rgb.shape[:2]
    scale = min(told.size / min(height, width), told.longest / max(height, width))
    sides = [max(told.multiple, round(side * scale / told.multiple) * told.multiple) for side in (width, height)]
    small = cv2.resize(rgb, (sides[0], sides[1]), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    mean, spread = np.array(MEAN, np.float32), np.array(SPREAD, np.float32)
    return np.asarray((np.asarray(small, np.float32) / np.float32(255) - mean) / spread, np.float32)
