"""Loudness and true peak of sound in blocks, after ITU-R BS.1770-5, and a limiter. Knows no film and no file.

All sound here is float32, 48 kHz, shape (samples, channels), full scale 1.0.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache, lru_cache
from math import log10
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy import float32, float64
    from numpy.typing import NDArray

    Sound = NDArray[float32]

RATE = 48_000
HOP = RATE // 10
CONTEXT = RATE // 5  # history that the weighting filter is given; its own memory is far shorter
ABSOLUTE_GATE, RELATIVE_GATE = -70.0, -10.0
PHASES, TAPS = 4, 12  # the oversampling of Annex 2
# The two filters of Annex 1 at 48 kHz: (b, a)
SHELF = ((1.53512485958697, -2.69169618940638, 1.19839281085285), (1.0, -1.69065929318241, 0.73248077421585))
HIGHPASS = ((1.0, -2.0, 1.0), (1.0, -1.99004745483398, 0.99007225036621))


VOICE, CREST = -20.0, 10.0  # LUFS of every take; dB by which its peaks may stand out
LOUDER = 40.0  # dB at most: near silence stays near silence


class Meter:
    """Integrated loudness of everything fed to it. One channel counts as two, as it is heard from both speakers."""

    def __init__(self) -> None:
        self._hops: list[NDArray[float64]] = []
        self._past: Sound | None = None
        self._rest: Sound | None = None

    def feed(self, sound: Sound) -> None:
        """The next block, of any length."""
        whole = sound if self._rest is None else np.concatenate([self._rest, sound])
        usable = len(whole) // HOP * HOP
        self._rest = whole[usable:]
        if not usable:
            return
        block = whole[:usable]
        past = np.zeros((CONTEXT, block.shape[1]), np.float32) if self._past is None else self._past
        heard = _weighted(np.concatenate([past, block]))
        power = np.square(heard, dtype=np.float64).reshape(-1, HOP, block.shape[1]).mean(1)
        self._hops.append(power.sum(1) * (3 - block.shape[1]))
        self._past = np.concatenate([past, block])[-CONTEXT:]

    def loudness(self) -> float:
        """LUFS; minus infinity for silence or less than 0.4 s."""
        hops = np.concatenate(self._hops) if self._hops else np.zeros(0)
        if len(hops) < 4:
            return float("-inf")
        power = np.convolve(hops, np.full(4, 0.25), "valid")
        power = power[power > _power(ABSOLUTE_GATE)]
        if not len(power):
            return float("-inf")
        power = power[power > power.mean() * 10 ** (RELATIVE_GATE / 10)]
        return -0.691 + 10 * log10(float(power.mean()))


def _power(lufs: float) -> float:
    return float(10 ** ((lufs + 0.691) / 10))


def _weighted(sound: Sound) -> Sound:
    """Overlap-save, a second at a time: small transforms stay in the processor's cache. The first CONTEXT samples are left out."""
    count = -(-(len(sound) - CONTEXT) // RATE)
    size, out = CONTEXT + RATE, np.empty((count * RATE, sound.shape[1]), np.float32)
    for channel in range(sound.shape[1]):
        padded = np.zeros(CONTEXT + count * RATE, np.float32)
        padded[: len(sound)] = sound[:, channel]
        for k in range(count):
            spectrum = np.fft.rfft(padded[k * RATE : k * RATE + size], size)
            out[k * RATE : (k + 1) * RATE, channel] = np.fft.irfft(spectrum * _response(size), size)[CONTEXT:]
    return out[: len(sound) - CONTEXT]


@lru_cache(4)
def _response(size: int) -> NDArray[np.complex64]:
    z = np.exp(-2j * np.pi * np.arange(size // 2 + 1) / size)
    out = np.ones(size // 2 + 1, np.complex128)
    for b, a in (SHELF, HIGHPASS):
        out *= (b[0] + b[1] * z + b[2] * z * z) / (a[0] + a[1] * z + a[2] * z * z)
    return out.astype(np.complex64)


def peaks(sound: Sound) -> Sound:
    """The true peak at each sample, over the channels, between samples too. Shape (samples,)."""
    import cv2

    rows = np.ascontiguousarray(sound.T)
    out = np.abs(rows).max(0)
    for taps in _phases():
        between = cv2.filter2D(rows, -1, taps[None, ::-1], borderType=cv2.BORDER_CONSTANT)
        np.abs(between, out=between)
        for row in between:
            np.maximum(out, row, out=out)
    return np.asarray(out, np.float32)


@cache
def _phases() -> tuple[Sound, ...]:
    """Interpolators for a quarter, a half and three quarters of a sample."""
    found = []
    for phase in range(1, PHASES):
        at = np.arange(TAPS) - (TAPS - 1) / 2 - (phase / PHASES - 0.5)
        taps = np.sinc(at) * np.kaiser(TAPS + 1, 5.0)[:TAPS]
        found.append((taps / taps.sum()).astype(np.float32))
    return tuple(found)


class Limiter:
    """Holds true peaks under a ceiling, looking ahead, so softly that it is not heard to work. Delays nothing: it is
    fed one block ahead and gives each block back whole."""

    STEP = 48  # samples for which one gain is held
    REACH = 8  # steps (of 1 ms) over which the gain moves: too slow costs loudness, too fast is heard
    MARGIN = 2 * REACH + 1  # steps before and after a block that have a say in it

    def __init__(self, ceiling_db: float) -> None:
        self._ceiling = 10 ** (ceiling_db / 20)
        self._block: Sound | None = None
        self._past: Sound | None = None
        self._tail = np.ones(self.MARGIN, np.float32)

    def feed(self, block: Sound | None) -> Sound | None:
        """Give the next block (None at the end), get the one before, limited. Blocks are whole steps but for the last."""
        before, self._block = self._block, block
        if before is None:
            return None
        margin, steps = self.MARGIN, -(-len(before) // self.STEP)
        past = before[:0] if self._past is None else self._past
        after = before[:0] if block is None else block[: margin * self.STEP + TAPS]
        need = self._needed(peaks(np.concatenate([past, before, after]))[len(past) :])
        need, ahead = need[:steps], need[steps : steps + margin]
        ahead = np.concatenate([ahead, np.ones(margin - len(ahead), np.float32)])
        gain = _smoothed(np.concatenate([self._tail, need, ahead]), self.REACH)
        self._tail = np.concatenate([self._tail, need])[-margin:]
        self._past = before[-TAPS:]
        if need.min(initial=1.0) == 1.0 and gain.min() == 1.0:
            return before
        at = (np.arange(len(gain)) - margin + 0.5) * self.STEP
        return np.asarray(before * np.interp(np.arange(len(before)), at, gain)[:, None], np.float32)

    def _needed(self, top: Sound) -> Sound:
        """The gain that each step needs."""
        short = -len(top) % self.STEP
        held = np.concatenate([top, np.zeros(short, np.float32)]).reshape(-1, self.STEP).max(1)
        return np.asarray(np.minimum(1.0, self._ceiling / np.maximum(held, 1e-9)), np.float32)


def _smoothed(need: Sound, reach: int) -> NDArray[float64]:
    """At each step no more than it needs, moving over `reach` steps."""
    width = 2 * reach + 1
    padded = np.concatenate([np.full(reach + 1, need[0]), need, np.full(reach + 1, need[-1])])
    held = np.lib.stride_tricks.sliding_window_view(padded, width + 2).min(1)  # one more each side: gains are interpolated
    bell = np.hanning(width + 2)[1:-1]
    spread = np.concatenate([np.full(reach, held[0]), held, np.full(reach, held[-1])])
    return np.convolve(spread, bell / bell.sum(), "valid")


def tamed(blocks: Iterable[Sound], loud: float) -> list[Sound]:
    """A voice of `loud` LUFS at VOICE, its peaks held; what holding takes from the loudness is given back."""
    gain = min(LOUDER, VOICE - loud) if loud > float("-inf") else 0.0
    limiter, heard = Limiter(VOICE + CREST), Meter()
    held: list[Sound] = []
    for block in [*(limiter.feed(block * np.float32(10 ** (gain / 20))) for block in blocks), limiter.feed(None)]:
        if block is not None:
            heard.feed(block)
            held.append(block)
    lost = VOICE - heard.loudness() if heard.loudness() > VOICE - 6 else 0.0
    return [block * np.float32(10 ** (lost / 20)) for block in held]
