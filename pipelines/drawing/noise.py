"""Chance that is smooth: lines and fields of noise, the same wherever and however often they are asked for.

Everything comes from a seed and a name, never from how large the sheet is. Knows no colours.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]  # of floats
Bytes = NDArray[np.uint8]

TILE = 512  # samples across a field; it repeats
CELLS = 4  # of the coarsest octave in a tile


def chance(seed: int, name: str) -> np.random.Generator:
    """Numbers by chance for one purpose."""
    return np.random.default_rng([seed & 0xFFFFFFFFFFFFFFFF, zlib.crc32(name.encode())])


def cells(seed: int, name: str, index: Array, columns: int) -> Array:
    """(n, columns) of 0..1 for cells by number: the same for a cell, whichever others are asked for with it."""
    with np.errstate(over="ignore"):
        key = np.uint64((seed & 0xFFFFFFFF) << 32 | zlib.crc32(name.encode()))
        at = index.astype(np.uint64)[:, None] * np.uint64(0x9E3779B97F4A7C15) + np.arange(1, columns + 1, dtype=np.uint64) * np.uint64(0xD1B54A32D192ED03)
        mixed = at ^ (key * np.uint64(0xBF58476D1CE4E5B9))
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
        mixed ^= mixed >> np.uint64(31)
    return np.asarray((mixed >> np.uint64(11)).astype(np.float64) / 2.0**53)


def numbered(left: float, right: float, gap: float, reach: float) -> Array:
    """The cells, `gap` wide, of what can be seen between two places when each thing reaches so far out of its own."""
    return np.arange(int(np.floor((left - reach) / gap)) - 1, int(np.ceil((right + reach) / gap)) + 2)


def smooth(low: float, high: float, value: Array) -> Array:
    """0 below `low`, 1 above `high`, softly between."""
    share = np.clip((value - low) / (high - low), 0.0, 1.0)
    return np.asarray(share * share * (3.0 - 2.0 * share), np.float32)


def line(seed: int, name: str, x: Array, octaves: int = 4, rough: float = 0.5) -> Array:
    """Noise along a line, about -1..1; the coarsest waves are 1 long, each octave half as long and `rough` as high."""
    steps = _steps(seed, name, octaves)
    total, height = np.zeros(x.shape), 1.0
    for octave in range(octaves):
        at = x * 2.0**octave + octave * 17.3
        cell = np.floor(at).astype(np.int64)
        share = at - cell
        share = share * share * (3 - 2 * share)
        table = steps[octave]
        total += height * (table[cell & 255] * (1 - share) + table[(cell + 1) & 255] * share)
        height *= rough
    return np.asarray(total, np.float32)


@lru_cache(maxsize=256)
def _steps(seed: int, name: str, octaves: int) -> Array:
    return chance(seed, name).uniform(-1, 1, (octaves, 256))


@dataclass(frozen=True, slots=True)
class Field:
    """Noise over a plane, about -1..1: a tile that all share and that repeats, seen from a place of one's own."""

    tile: Array
    x: float
    y: float
    turned: bool
    ways: tuple[float, float]

    def at(self, x: Array, y: Array) -> Array:
        """Its values at points; the shapes are broadcast."""
        shape = np.broadcast_shapes(x.shape, y.shape)
        across, down = (y, x) if self.turned else (x, y)
        scale = TILE / CELLS
        across = self._index(across * np.float32(scale * self.ways[0]) + np.float32(self.x), shape)
        down = self._index(down * np.float32(scale * self.ways[1]) + np.float32(self.y), shape)
        return np.asarray(cv2.remap(self.tile, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP), np.float32)

    @staticmethod
    def _index(at: Array, shape: tuple[int, ...]) -> Array:
        """What remap takes: whole, of one kind, and within its range."""
        if float(np.abs(at).max()) > 30000:
            at = np.mod(at, np.float32(TILE))
        return np.ascontiguousarray(np.broadcast_to(at, shape), np.float32)


def field(seed: int, name: str, octaves: int = 6, rough: float = 0.5) -> Field:
    """A field for one purpose; with few octaves it is soft."""
    drawn = chance(seed, name)
    ways = drawn.choice((-1.0, 1.0), 2)
    return Field(_tile(min(octaves, 6), 0.6 if rough > 0.55 else 0.5), drawn.uniform(0, TILE), drawn.uniform(0, TILE), bool(drawn.integers(2)), (float(ways[0]), float(ways[1])))


@lru_cache(maxsize=16)
def _tile(octaves: int, rough: float) -> Array:
    """Noise that repeats in both directions; its coarsest waves are a cell long."""
    drawn = chance(octaves, "tile")
    tile = np.zeros((TILE, TILE), np.float32)
    height = 1.0
    for octave in range(octaves):
        cells_across = CELLS * 2**octave
        rim, scale = 2, TILE // cells_across
        wrapped = np.pad(drawn.uniform(-1, 1, (cells_across, cells_across)).astype(np.float32), rim, mode="wrap")
        large = cv2.resize(wrapped, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
        tile += height * large[rim * scale : rim * scale + TILE, rim * scale : rim * scale + TILE]
        height *= rough
    tile /= float(tile.std()) * 2.2
    tile.flags.writeable = False
    return tile
