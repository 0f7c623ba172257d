"""The sound of a place, going on for longer than it was recorded. Pure; knows no video and no file.

A reading head wanders to and fro through the last seconds that were heard. What lies under it is heard with its phases
thrown anew (after PaulStretch, Nasca 2006): the colour and the swell of a place stay, and nothing can be recognised as
having been there before, no word and no bird. What is louder than what is there all the time, as speech is, goes down
to that (after the minimum statistics of Martin, 2001).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

    Sound = NDArray[float32]
    Spectra = NDArray[np.complex128]

RATE = 48_000
LEAD = 8.0  # seconds of what was heard that the head wanders in
GRAIN = 1 << 14  # samples: a third of a second, in which phases are thrown
STEP = GRAIN // 4
FINE = GRAIN // 8  # samples in which pauses between words are seen
NEAR = 0.75  # seconds to either side in which is looked for what is there all the time
LOW = 0.1  # of those moments are so low, or lower
NOISE = 0.105 / 2.5  # of its mean power is where noise is so low, -ln(1 - LOW); and noise itself is not to go down
MOST_LIFT = 4.0  # times, where what is left would be quieter than those moments were
KNEE, CEILING = 0.8, 0.9


def gone_on(heard: Sound, samples: int, seed: int) -> Sound:
    """`samples` more of a sound (n, channels) at 48 kHz, which follow its end, as loud as its quieter moments at the
    least. Silence goes on as silence."""
    spectra = _bed(_padded(heard[-round(LEAD * RATE) :]))
    dice = np.random.default_rng(seed)
    window = np.hanning(GRAIN + 1)[:-1, None] / np.sqrt(1.5)  # four of them overlap
    made = np.zeros((samples + 2 * GRAIN, heard.shape[1]))
    for n, at in enumerate(_wandered(len(spectra), -(-samples // STEP) + 4, dice)):
        turned = np.exp(2j * np.pi * dice.random(GRAIN // 2 + 1))[:, None]  # all channels alike: what was in the middle stays there
        made[n * STEP : n * STEP + GRAIN] += np.fft.irfft(spectra[at] * turned, GRAIN, 0) * window
    made = made[GRAIN - STEP : GRAIN - STEP + samples]
    over = np.clip(np.abs(made) - KNEE, 0, None) / (CEILING - KNEE)
    return np.asarray(np.where(over > 0, np.sign(made) * (KNEE + (CEILING - KNEE) * np.tanh(over)), made), np.float32)


def _padded(lead: Sound) -> Sound:
    """At least one grain long: what is shorter is heard to and fro."""
    return np.pad(lead, ((max(0, GRAIN - len(lead)), 0), (0, 0)), "symmetric") if len(lead) else np.zeros((GRAIN, lead.shape[1]), np.float32)


def _bed(lead: Sound) -> Spectra:
    """What is there all the time, moment by moment up to the very end: (moments, tones, channels)."""
    whole, fine = _spectra(lead, GRAIN, STEP), np.abs(_spectra(lead, FINE, FINE // 2)) ** 2
    kept, quiet = np.empty_like(whole), []
    reach = round(NEAR * RATE / (FINE // 2))
    for n, spectrum in enumerate(whole):
        middle = len(fine) - 1 - round(((len(whole) - 1 - n) * STEP + (GRAIN - FINE) / 2) / (FINE // 2))
        near = np.sort(fine[max(0, middle - reach) : middle + reach + 1], 0)
        usual = near[int(len(near) * LOW)] / NOISE
        power = (np.abs(spectrum) ** 2)[: GRAIN // 2].reshape(FINE // 2, 8, -1).sum(1) / 8
        gain = np.sqrt(np.minimum(1.0, usual[: FINE // 2] / (power + 1e-15)))
        kept[n] = spectrum * np.stack([np.interp(np.arange(GRAIN // 2 + 1) / 8, np.arange(FINE // 2) + 0.4375, one) for one in gain.T], 1)
        total = np.sort(fine[max(0, middle - reach) : middle + reach + 1].sum((1, 2)))
        quiet.append(total[int(len(total) * LOW)] * 8)
    left = float((np.abs(kept) ** 2).sum((1, 2)).mean())
    return np.asarray(kept * np.clip(np.sqrt(np.mean(quiet) / (left + 1e-15)), 1.0, MOST_LIFT))


def _spectra(lead: Sound, size: int, step: int) -> Spectra:
    """(moments, tones, channels), the last moment at the very end; as loud as the sound is."""
    window = np.hanning(size + 1)[:-1, None] * np.sqrt(8 / 3)
    starts = range(len(lead) - size, -1, -step)
    grains = [np.fft.rfft(lead[start : start + size] * window, axis=0) for start in reversed(starts)]
    return np.asarray(np.stack(grains) / np.sqrt(size / GRAIN))


def _wandered(moments: int, steps: int, dice: np.random.Generator) -> list[int]:
    """From the last moment backwards, and to and fro between places that the dice choose."""
    at, goal = moments - 1, int(dice.integers(0, max(1, moments // 2)))
    out = []
    for _ in range(steps):
        out.append(at)
        if at == goal:
            goal = int(dice.integers(0, moments))
        at += (goal > at) - (goal < at)
    return out
