"""An invisible mark in the luma of every frame: one fixed pattern that says "Reelwright made this". Knows no film.

Spread spectrum. A tile of TILE x TILE cells, each a little lighter or darker, covers the frame again and again. A reader
finds where the tile lies by the whole pattern; half of its cells carry a word besides, each bit many times over. A cell
is a share of the frame's shorter side, so a film that is shown smaller or larger has the same pattern. The pattern
depends on no story: a changed title makes no stretch anew, and films joined by copying still carry it whole.

The key is public: anybody can read the mark, and whoever wants to can take it out. watermark_reader.py reads it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from numpy import int8, int64, uint8
    from numpy.typing import NDArray

    from .film import Footage

VERSION = 1  # part of every stretch's recipe: goes up when the pattern changes
KEY = b"Reelwright watermark 1"
CELLS = 48  # on the frame's shorter side
TILE = 32  # cells on a side
PLAIN = TILE * TILE // 2  # cells that carry no bit
STRENGTH = 0.7  # steps of 8-bit luma, on average of a whole cell's middle
DARKEST, LIGHTEST = 16, 235  # limited range
CRC = 0x07  # x^8 + x^2 + x + 1


@dataclass(frozen=True, slots=True)
class Tile:
    """`pattern`: what is drawn, -1 and 1, (TILE, TILE). `signs`: the same if every bit were 1. `carriers`: (bits, cells of
    each), counted along the rows."""

    pattern: NDArray[int8]
    signs: NDArray[int8]
    carriers: NDArray[int64]


def word() -> bytes:
    """What the mark says: two letters, the version, and a check of them."""
    said, check = b"RW" + bytes([VERSION]), 0
    for byte in said:
        check ^= byte
        for _ in range(8):
            check = (check << 1 ^ (CRC if check & 0x80 else 0)) & 0xFF
    return said + bytes([check])


@lru_cache(1)
def tile() -> Tile:
    """The pattern, from the key alone: the same everywhere and for ever."""
    import numpy as np

    cells = TILE * TILE
    signs = np.unpackbits(_stream(b"sign", cells // 8)).astype(np.int8) * 2 - 1
    order = np.argsort(_stream(b"order", cells * 8).view("<u8"), kind="stable")
    bits = np.unpackbits(np.frombuffer(word(), np.uint8))
    carriers = order[PLAIN:].reshape(-1, bits.size).T
    pattern = signs.copy()
    pattern[carriers[bits == 0].ravel()] *= -1
    return Tile(pattern.reshape(TILE, TILE), signs.reshape(TILE, TILE), carriers)


@lru_cache(4)
def planes(width: int, height: int) -> tuple[NDArray[uint8], NDArray[uint8]]:
    """What is added to a luma plane of that size, and what is taken away, (height, width) each.

    Cells have soft edges: parts of a step become whole steps by chance, the same chance in every frame.
    """
    import cv2
    import numpy as np

    cell = min(width, height) / CELLS
    down, across = (int(np.ceil(side / cell)) + 3 for side in (height, width))
    whole = np.tile(tile().pattern, (down // TILE + 1, across // TILE + 1))[:down, :across].astype(np.float32)
    shift = 0.5 / cell - 0.5
    there = np.array([[1 / cell, 0, shift], [0, 1 / cell, shift]], np.float32)
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    soft = cv2.warpAffine(whole, there, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    chance = _stream(b"chance", width * height).reshape(height, width).astype(np.float32) / np.float32(256)
    steps = np.floor(soft * STRENGTH + chance)
    return np.maximum(steps, 0).astype(np.uint8), np.maximum(-steps, 0).astype(np.uint8)


def _stream(label: bytes, count: int) -> NDArray[uint8]:
    import numpy as np

    return np.frombuffer(hashlib.shake_256(KEY + b" " + label).digest(count), np.uint8)


def inked(frames: Iterable[NDArray[uint8]], width: int, height: int) -> Iterator[NDArray[uint8]]:
    """I420 frames with the mark. They are one piece of memory, drawn over each time."""
    import cv2
    import numpy as np

    lighter, darker = planes(width, height)
    out = np.empty((height * 3 // 2, width), np.uint8)
    luma, colour = out[:height], out[height:]
    for frame in frames:
        seen = frame.reshape(-1, width)
        cv2.add(seen[:height], lighter, dst=luma)
        cv2.subtract(luma, darker, dst=luma)
        np.clip(luma, DARKEST, LIGHTEST, out=luma)
        colour[:] = seen[height:]
        yield out


@dataclass(frozen=True, slots=True)
class Inked:
    """Footage that carries the mark."""

    inner: Footage
    width: int
    height: int

    def frames(self, start: int, count: int) -> Iterator[NDArray[uint8]]:
        """See film.Footage."""
        return inked(self.inner.frames(start, count), self.width, self.height)
