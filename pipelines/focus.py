"""Where in a picture people look: one point, for whoever has to cut the rest away. Pure; knows no film and no file.

What stands out by its colour, by its light and by being sharp where other parts are soft is put together (after
frequency-tuned saliency, Achanta 2009, and the spectral residual, Hou and Zhang 2007); the middle wins where nothing does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy import float32, uint8
    from numpy.typing import NDArray

LOOKED = 512  # pixels of the longer side are enough to find it
SMALL = 128  # pixels of the longer side that is looked at
SPREAD = 0.085  # of the longer side: how far what belongs together reaches
GRAIN = 6.0  # levels: what is finer than that is the film's grain
CENTRE = (0.5, 0.5)
SHARE = (0.8, 0.9)  # of the width and height: how far from the middle a point still counts half
LEAST = 2.0  # levels: a picture that varies less shows nothing
EVEN = 1.6  # times the mean: a peak lower than this is none


def focus(rgb: NDArray[uint8]) -> tuple[float, float]:
    """The point, x and y from 0 to 1, of a picture (height, width, 3); (0.5, 0.5) where nothing stands out."""
    small = fitted(rgb, SMALL)
    size = small.shape[1], small.shape[0]
    grey = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.float32)
    if small.reshape(-1, 3).std(0).max() < LEAST:
        return CENTRE
    # Each in its own right, so that one alone can point the way; sharpness is looked for in full detail.
    map_ = 0.9 * _even(_coloured(small)) + 0.8 * _even(_surprising(grey)) + 1.3 * _even(_sharp(rgb, size))
    y, x = np.mgrid[: size[1], : size[0]].astype(np.float32)
    near = np.exp(-0.69 * (((x + 0.5) / size[0] - 0.5) / (SHARE[0] / 2)) ** 2) * np.exp(-0.69 * (((y + 0.5) / size[1] - 0.5) / (SHARE[1] / 2)) ** 2)
    reach = SPREAD * max(size)
    found = cv2.GaussianBlur(np.asarray(map_ * near, np.float32), (0, 0), reach, borderType=cv2.BORDER_CONSTANT)
    if found.max() < EVEN * found.mean():
        return CENTRE
    high = np.clip(found - 0.8 * found.max(), 0, None)  # the middle of the peak, not its highest pixel
    _, labels = cv2.connectedComponents((high > 0).astype(np.uint8))
    high = high * (labels == labels.flat[int(found.argmax())])
    total = float(high.sum())
    return round(float((high * (x + 0.5)).sum()) / total / size[0], 4), round(float((high * (y + 0.5)).sum()) / total / size[1], 4)


def fitted(picture: NDArray[uint8], side: int, larger: bool = False) -> NDArray[uint8]:
    """The picture with a longer side of at most so many pixels; of just as many if it may become `larger`."""
    height, width = picture.shape[:2]
    scale = side / max(height, width)
    scale = scale if larger else min(1.0, scale)
    size = max(4, round(width * scale)), max(4, round(height * scale))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def _even(map_: NDArray[float32]) -> NDArray[float32]:
    """With a mean of one, and no pixel that outshouts all others."""
    most = np.sort(map_, None)[int(map_.size * 0.995)] + 1e-6  # np.quantile brings all of numpy.ma
    cut = np.minimum(map_, most)
    return np.asarray(cut / (cut.mean() + 1e-6), np.float32)


def _coloured(small: NDArray[uint8]) -> NDArray[float32]:
    """How far each place is from the picture's usual colours."""
    # Y'CrCb: the first use of OpenCV's Lab builds tables for longer than all the rest here takes
    tones = np.asarray(cv2.cvtColor(cv2.GaussianBlur(small, (0, 0), 1.5), cv2.COLOR_RGB2YCrCb), np.float32)
    tones[..., 1:] = (tones[..., 1:] - 128) * 1.5
    usual = np.sort(tones.reshape(-1, 3), 0)[tones.shape[0] * tones.shape[1] // 2]
    return np.asarray(((tones - usual) ** 2).sum(-1) / 100, np.float32)


def _surprising(grey: NDArray[float32]) -> NDArray[float32]:
    """What the picture's spectrum has that is unlike its smooth course."""
    square = cv2.resize(grey, (64, 64), interpolation=cv2.INTER_AREA)
    wave = np.fft.fft2(square)
    log = np.log(np.abs(wave) + 1e-6).astype(np.float32)
    rest = log - cv2.blur(log, (3, 3), borderType=cv2.BORDER_REFLECT)
    seen = np.abs(np.fft.ifft2(np.exp(rest + 1j * np.angle(wave)))) ** 2
    soft = cv2.GaussianBlur(seen.astype(np.float32), (0, 0), 2.5)
    return np.asarray(cv2.resize(soft, grey.shape[::-1], interpolation=cv2.INTER_LINEAR), np.float32)


def _sharp(rgb: NDArray[uint8], size: tuple[int, int]) -> NDArray[float32]:
    """Where fine detail is."""
    grey = np.asarray(cv2.cvtColor(fitted(rgb, LOOKED), cv2.COLOR_RGB2GRAY), np.float32)
    edges = np.abs(cv2.Laplacian(cv2.GaussianBlur(grey, (0, 0), 0.8), cv2.CV_32F))
    return np.asarray(cv2.resize(np.clip(edges - GRAIN, 0, 40), size, interpolation=cv2.INTER_AREA), np.float32)
