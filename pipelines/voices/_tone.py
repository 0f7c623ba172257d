"""A narrator's raw speech made pleasanter and brought to 48 kHz, both by one Fourier transform. Knows no narrator."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from math import cos, pi, sin, sqrt

import numpy as np
from numpy.typing import NDArray

RATE = 48_000
QUIETER = -6.0  # dB: room for what is lifted
Filter = tuple[tuple[float, float, float], tuple[float, float, float]]


def toned(sound: NDArray[np.int16], rate: int) -> NDArray[np.int16]:
    """Mono speech at `rate`: rumble out, some warmth in, a formant synthesis' edge off. -> the same at 48 kHz."""
    return _through(sound, rate, _response)


def resampled(sound: NDArray[np.int16], rate: int) -> NDArray[np.int16]:
    """Mono speech at `rate`, as it is. -> the same at 48 kHz."""
    return _through(sound, rate, _flat)


def _through(sound: NDArray[np.int16], rate: int, response: Callable[[int, int], NDArray[np.complex64]]) -> NDArray[np.int16]:
    """The sound with each frequency as `response` says, at 48 kHz.

    A second at a time, each with a fifth of a second around it, in which the filters' own ringing ends.
    """
    count, edge, far = -(-sound.size // rate), rate // 5, RATE // 5
    padded = np.zeros(count * rate + 2 * edge, np.float32)
    padded[edge : edge + sound.size] = sound
    size, wide = rate + 2 * edge, RATE + 2 * far
    out = np.empty(count * RATE, np.float32)
    for k in range(count):
        spectrum = np.fft.rfft(padded[k * rate : k * rate + size]) * response(size, rate)
        out[k * RATE : (k + 1) * RATE] = np.fft.irfft(spectrum[: wide // 2 + 1], wide)[far : far + RATE] * (wide / size)
    np.rint(out, out=out)
    return np.clip(out, -32768, 32767, out=out).astype(np.int16)[: round(sound.size * RATE / rate)]


def _soft(hertz: NDArray[np.floating], rate: int) -> NDArray[np.floating]:
    """Nothing at the very top, softly, so that nothing rings."""
    top = min(rate, RATE) / 2
    return np.asarray(np.clip((top - hertz) / (0.05 * top), 0, 1))


@lru_cache(2)
def _flat(size: int, rate: int) -> NDArray[np.complex64]:
    return _soft(np.fft.rfftfreq(size, 1 / rate), rate).astype(np.complex64)


@lru_cache(2)
def _response(size: int, rate: int) -> NDArray[np.complex64]:
    """What happens to each frequency of a transform of that size."""
    hertz = np.fft.rfftfreq(size, 1 / rate)
    z = np.exp(-2j * pi * hertz / rate)
    out = np.full(len(hertz), 10 ** (QUIETER / 20), np.complex128)
    for b, a in (_highpass(65, rate), _low_shelf(200, 2.5, rate), _bell(3400, 0.9, -3, rate)):
        out *= (b[0] + b[1] * z + b[2] * z * z) / (a[0] + a[1] * z + a[2] * z * z)
    out *= _soft(hertz, rate)
    return out.astype(np.complex64)


# The second-order filters of R. Bristow-Johnson's cookbook: (b, a)


def _highpass(hertz: float, rate: int) -> Filter:
    c, alpha = _turn(hertz, sqrt(0.5), rate)
    return ((1 + c) / 2, -1 - c, (1 + c) / 2), (1 + alpha, -2 * c, 1 - alpha)


def _low_shelf(hertz: float, decibel: float, rate: int) -> Filter:
    gain = 10 ** (decibel / 40)
    c, alpha = _turn(hertz, 0.5, rate)
    up, down, root = gain + 1, gain - 1, 2 * sqrt(gain) * alpha
    b = gain * (up - down * c + root), 2 * gain * (down - up * c), gain * (up - down * c - root)
    return b, (up + down * c + root, -2 * (down + up * c), up + down * c - root)


def _bell(hertz: float, q: float, decibel: float, rate: int) -> Filter:
    gain = 10 ** (decibel / 40)
    c, alpha = _turn(hertz, q, rate)
    return (1 + alpha * gain, -2 * c, 1 - alpha * gain), (1 + alpha / gain, -2 * c, 1 - alpha / gain)


def _turn(hertz: float, q: float, rate: int) -> tuple[float, float]:
    angle = 2 * pi * hertz / rate
    return cos(angle), sin(angle) / (2 * q)
