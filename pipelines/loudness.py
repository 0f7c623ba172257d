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
STEP = 48  # samples for which one gain is held
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
        self._hops: list[Sound] = []
        self._past: Sound | None = None
        self._rest: Sound | None = None

    def feed(self, sound: Sound) -> None:
        """The next block, of any length."""
        rows = sound.T if self._rest is None else np.concatenate([self._rest, sound.T], 1)
        usable = rows.shape[1] // HOP * HOP
        self._rest = rows[:, usable:].copy()
        if not usable:
            return
        past = np.zeros((len(rows), CONTEXT), np.float32) if self._past is None else self._past
        whole = np.concatenate([past, rows[:, :usable]], 1)
        heard = _weighted(whole).reshape(len(rows), -1, HOP)
        self._hops.append(np.einsum("chs,chs->h", heard, heard) * np.float32((3 - len(rows)) / HOP))
        self._past = whole[:, -CONTEXT:].copy()

    def loudness(self) -> float:
        """LUFS; minus infinity for silence or less than 0.4 s."""
        hops = np.concatenate(self._hops).astype(np.float64) if self._hops else np.zeros(0)
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


def _weighted(rows: Sound) -> Sound:
    """Overlap-save, a second at a time: small transforms stay in the processor's cache. Shape (channels, samples); the
    first CONTEXT samples are left out."""
    length = rows.shape[1] - CONTEXT
    count, size = -(-length // RATE), CONTEXT + RATE
    out, response = np.empty((len(rows), count * RATE), np.float32), _response(size)
    for k in range(count):
        stretch = rows[:, k * RATE : k * RATE + size]
        spectrum = np.fft.rfft(stretch, size)  # a last one that is shorter is filled up with silence
        spectrum *= response
        out[:, k * RATE : (k + 1) * RATE] = np.fft.irfft(spectrum, size)[:, CONTEXT:]
    return out[:, :length]


@lru_cache(4)
def _response(size: int) -> NDArray[np.complex64]:
    z = np.exp(-2j * np.pi * np.arange(size // 2 + 1) / size)
    out = np.ones(size // 2 + 1, np.complex128)
    for b, a in (SHELF, HIGHPASS):
        out *= (b[0] + b[1] * z + b[2] * z * z) / (a[0] + a[1] * z + a[2] * z * z)
    return out.astype(np.complex64)


def peaks(sound: Sound, above: float = 0.0) -> Sound:
    """The true peak of each STEP samples, over the channels, between samples too. Shape (steps,).

    Those that cannot be `above` are not looked into further: theirs is only known to be no more than that.
    """
    import cv2

    steps, channels = -(-len(sound) // STEP), sound.shape[1]
    rows = np.zeros((channels, (steps + 2) * STEP), np.float32)  # a step of silence on either side
    rows[:, STEP : STEP + len(sound)] = sound.T
    blocks = rows.reshape(channels, -1, STEP)
    top = np.maximum(blocks.max(2), -blocks.min(2)).max(0)
    found = top[1:-1].copy()
    near = np.maximum(np.maximum(top[:-2], top[2:]), found)
    loud = np.flatnonzero(near * _overshoot() > above)
    for k in range(0, len(loud), 4096):
        some = loud[k : k + 4096]
        start = (some + 1) * STEP - TAPS // 2
        stretches = rows[:, start[:, None] + np.arange(STEP + TAPS)].reshape(-1, STEP + TAPS)
        for taps in _phases():
            between = cv2.filter2D(stretches, -1, taps[None, ::-1], borderType=cv2.BORDER_CONSTANT)[:, TAPS // 2 : -(TAPS // 2)]
            most = np.maximum(between.max(1), -between.min(1)).reshape(channels, -1).max(0)
            found[some] = np.maximum(found[some], most)
    return np.asarray(found, np.float32)


@cache
def _overshoot() -> float:
    """How many times as high as the samples around it a peak between them can be."""
    return max(float(np.abs(taps).sum()) for taps in _phases())


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
        margin, steps = self.MARGIN, -(-len(before) // STEP)
        past = before[:0] if self._past is None else self._past
        after = before[:0] if block is None else block[: margin * STEP + TAPS]
        top = peaks(np.concatenate([past, before, after]), self._ceiling)[len(past) // STEP :]
        need = np.asarray(np.minimum(1.0, self._ceiling / np.maximum(top, 1e-9)), np.float32)
        need, ahead = need[:steps], need[steps : steps + margin]
        ahead = np.concatenate([ahead, np.ones(margin - len(ahead), np.float32)])
        gain = _smoothed(np.concatenate([self._tail, need, ahead]), self.REACH)
        self._tail = np.concatenate([self._tail, need])[-margin:]
        self._past = before[-STEP:]
        if need.min(initial=1.0) == 1.0 and gain.min() == 1.0:
            return before
        return before * ramped(gain[margin - 1 : margin + steps + 1], STEP)[: len(before), None]


def ramped(marks: NDArray[float64] | Sound, step: int) -> Sound:
    """Straight lines between values that stand in the middle of every `step` samples; the first and the last value are
    those of the steps before and after. Shape ((len(marks) - 2) * step,)."""
    at = (np.arange(step, dtype=np.float32) + np.float32(0.5)) / np.float32(step) + np.float32(0.5)
    early, late = at < 1, at >= 1
    values = marks.astype(np.float32)
    out = np.empty((len(values) - 2, step), np.float32)
    left, middle, right = values[:-2, None], values[1:-1, None], values[2:, None]
    out[:, early] = left + (middle - left) * at[early]
    out[:, late] = middle + (right - middle) * (at[late] - 1)
    return out.reshape(-1)


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
