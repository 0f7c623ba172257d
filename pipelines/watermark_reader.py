"""Whether pictures carry our watermark: many frames laid over one another, then every place and size of the pattern tried.

What moves in the film fades in the mean, the pattern does not move. Knows what watermark.py draws, not who drew it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

from . import ffmpeg
from .darkroom import Darkroom, negative
from .vault import Vault
from .video import look
from .watermark import CELLS, TILE, tile, word

if TYPE_CHECKING:
    from numpy import float32, uint8
    from numpy.typing import NDArray

FINE = 4  # pixels of a cell when it is looked for
SHORT = CELLS * FINE  # the frame's shorter side then
PERIOD = TILE * FINE
ENOUGH = 240  # frames that are looked at
MANY = 1500  # frames; of longer films only those that stand alone are decoded
FEW = 20  # of those, and the others are decoded too
SIZES = [1.0, *(size / 100 for size in range(60, 151) if size != 100)]  # of the pattern: films are cropped and framed
# Chances that a film without the mark reaches this: below 1 in 10^8. The sums are of noise, so their spread is known.
FOUND, CERTAIN = 6.5, 10.0  # spreads by which the best place stands out
PLAIN = 15.0  # and by which no better size is looked for
MOST_WRONG = 5  # bits


@dataclass(frozen=True, slots=True)
class Reading:
    """`stands_out`: by how many spreads the best place does. `wrong` of `bits` differ from what ours says; half of them
    would by chance. `frames` were looked at; `size`: of the pattern beside the frame, 1.0 if nothing was cropped."""

    stands_out: float
    wrong: int
    bits: int
    frames: int
    size: float

    @property
    def found(self) -> bool:
        return self.stands_out >= FOUND and self.wrong <= MOST_WRONG

    @property
    def certain(self) -> bool:
        return self.found and self.stands_out >= CERTAIN


def of_video(path: Path, folder: Path) -> Reading:
    """The reading of a video; `folder` is ours. FilmError if it cannot be opened."""
    video = look(path, folder, "given")
    short = min(video.width, video.height)
    across, down = (max(2, round(side * SHORT / short)) for side in (video.width, video.height))

    def seen(first: list[str], every: int) -> Iterator[NDArray[uint8]]:
        import numpy as np

        chosen = f"select=not(mod(n\\,{every})),scale={across}:{down}:flags=area,format=gray"
        args = [*first, *video.args, "-map", "0:V:0", "-fps_mode", "passthrough", "-vf", chosen, "-f", "rawvideo", "pipe:1"]
        for raw in ffmpeg.read(args, across * down):
            yield np.frombuffer(raw, np.uint8).reshape(down, across)

    if video.frames > MANY:
        reading = read(seen(["-skip_frame", "nokey"], 1))
        if reading.frames >= FEW:
            return reading
    return read(seen([], ceil(video.frames / ENOUGH)))


def of_picture(path: Path, folder: Path) -> Reading:
    """The reading of a single picture; FilmError if it is none."""
    import cv2

    darkroom = Darkroom()
    try:
        luma = negative(darkroom.develop(path, (1 << 14, 1 << 14), Vault(folder / "pictures"))).planes()[0]
    finally:
        darkroom.close()
    down, across = luma.shape
    share = SHORT / min(down, across)
    size = max(2, round(across * share)), max(2, round(down * share))
    return read([cv2.resize(luma, size, interpolation=cv2.INTER_AREA).astype(luma.dtype)])


def read(frames: Iterable[NDArray[uint8]]) -> Reading:
    """The reading of luma frames of one size, the shorter side SHORT pixels."""
    import numpy as np

    whole, count = np.zeros((0, 0), np.float32), 0
    for frame in frames:
        flat = _flat(frame)
        whole = whole + flat if count else flat
        count += 1
    bits = len(word()) * 8
    if not count:
        return Reading(0.0, bits // 2, bits, 0, 1.0)
    best: tuple[float, float, NDArray[float32]] = (0.0, 1.0, np.zeros((PERIOD, PERIOD), np.float32))
    for size in SIZES:
        best = max(best, _placed(whole if size == 1 else _resized(whole, 1 / size), size), key=lambda one: one[0])
        if best[0] >= PLAIN:
            break
    return Reading(round(best[0], 1), _wrong(best[2]), bits, count, best[1])


def _flat(frame: NDArray[uint8]) -> NDArray[float32]:
    """The frame without its large shapes. Calm places count more: there the pattern is the most of what is seen."""
    import cv2
    import numpy as np

    seen = frame.astype(np.float32)
    fine = seen - cv2.GaussianBlur(seen, (0, 0), FINE * 0.6)
    busy = np.sqrt(cv2.blur(fine * fine, (FINE * 2 + 1, FINE * 2 + 1)) + 1)
    out: NDArray[float32] = (np.clip(fine / busy, -2, 2) / busy).astype(np.float32)
    return out


def _resized(whole: NDArray[float32], by: float) -> NDArray[float32]:
    import cv2
    import numpy as np

    way = cv2.INTER_AREA if by < 1 else cv2.INTER_LINEAR
    return cv2.resize(whole, None, fx=by, fy=by, interpolation=way).astype(np.float32)


def _placed(shown: NDArray[float32], size: float) -> tuple[float, float, NDArray[float32]]:
    """(by how much the best place of the tile stands out, the size, all tiles laid over one another at that place)."""
    import numpy as np

    down, across = (ceil(side / PERIOD) * PERIOD for side in shown.shape)
    room = np.zeros((down, across), np.float32)
    room[: shown.shape[0], : shown.shape[1]] = shown
    laid = room.reshape(down // PERIOD, PERIOD, across // PERIOD, PERIOD).sum((0, 2))
    sums = np.fft.irfft2(np.fft.rfft2(laid) * _wanted(), s=laid.shape)
    spread = float(np.median(np.abs(sums - np.median(sums)))) * 1.4826  # of a normal distribution, from its median
    row, column = divmod(int(np.argmax(sums)), PERIOD)
    return float(sums[row, column]) / (spread + 1e-9), size, np.roll(laid, (-row, -column), (0, 1))


@cache
def _wanted() -> NDArray[float32]:
    import numpy as np

    drawn = np.kron(tile().pattern.astype(np.float32), np.ones((FINE, FINE), np.float32))
    out: NDArray[float32] = np.conj(np.fft.rfft2(drawn))
    return out


def _wrong(laid: NDArray[float32]) -> int:
    """How many bits are not those of our word."""
    import numpy as np

    ours = tile()
    cells = laid.reshape(TILE, FINE, TILE, FINE).mean((1, 3)).ravel() * ours.signs.ravel()
    said = cells[ours.carriers].sum(1) > 0
    return int((said != np.unpackbits(np.frombuffer(word(), np.uint8)).astype(bool)).sum())
