"""Fill beside ffmpeg's minterpolate, and chain beside x264 alone, on footage made of the photographs.

The footage has what real footage has: a camera that moves and trembles, something near that passes at another pace,
something small and fast, grain. Every second picture is held back; what is drawn in its place is compared with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import cos, log10, sin, tau
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from pipelines import ffmpeg, mp4

WIDTH, HEIGHT, RATE, COUNT = 1280, 720, 24, 96  # of the footage as it is given; as many pictures again are held back
CLIPS = (("snow-lake", "green-heron", 1.0, 1.25, 0.12), ("forest-brook", "dandelion-meadow", 1.15, 1.15, 0.25))
Run = Callable[[list[str]], float]


def footage(stills: Path, far: str, near: str, begin: float, end: float, pan: float) -> Iterator[bytes]:
    """2 x COUNT pictures, BGR: the camera goes over `far`, zooming from `begin` to `end`; a piece of `near` passes."""
    ground: Any = cv2.imread(str(stills / f"{far}.jpg"))
    other: Any = cv2.imread(str(stills / f"{near}.jpg"))
    piece: Any = cv2.resize(other, None, fx=HEIGHT * 0.7 / other.shape[0], fy=HEIGHT * 0.7 / other.shape[0], interpolation=cv2.INTER_AREA)
    down, across = np.mgrid[0 : piece.shape[0], 0 : piece.shape[1]].astype(float)
    x, y = across / piece.shape[1] - 0.5, down / piece.shape[0] - 0.5
    mask = np.clip((1 + 0.12 * np.sin(5 * np.arctan2(y, x)) - np.hypot(x / 0.42, y / 0.46)) * 40, 0, 1).astype(np.float32)
    small = piece[piece.shape[0] // 3 :, piece.shape[1] // 3 :][:80, :110].copy()
    cover = max(WIDTH / ground.shape[1], HEIGHT / ground.shape[0]) * 1.35
    random = np.random.default_rng(1)
    for n in range(2 * COUNT):
        share, time = n / (2 * COUNT), n / (2 * RATE)
        scale = cover * begin * (end / begin) ** share
        cx = ground.shape[1] * (0.5 + pan * (share - 0.5)) + 4 * sin(tau * time * 0.7)
        cy = ground.shape[0] * 0.5 + 3 * sin(tau * time * 1.1 + 1)
        soft: Any = cv2.GaussianBlur(ground, (0, 0), 0.35 / scale) if scale < 1 else ground
        picture: Any = cv2.warpAffine(soft, np.array([[scale, 0, WIDTH / 2 - scale * cx], [0, scale, HEIGHT / 2 - scale * cy]]), (WIDTH, HEIGHT), borderMode=cv2.BORDER_REFLECT)
        turn = 0.06 * sin(tau * time * 0.8)
        passes = np.array([[cos(turn), -sin(turn), WIDTH * (share - 0.15)], [sin(turn), cos(turn), HEIGHT * (0.2 + 0.06 * sin(tau * time * 0.9))]])
        races = np.array([[1, 0, WIDTH * (0.9 - 1.1 * share)], [0, 1, HEIGHT * (0.75 + 0.1 * sin(tau * time * 1.3))]])
        for what, shape, at in ((piece, mask, passes), (small, np.ones(small.shape[:2], np.float32), races)):
            over: Any = cv2.warpAffine(what, at, (WIDTH, HEIGHT))
            where: Any = cv2.warpAffine(shape, at, (WIDTH, HEIGHT))
            picture = picture * (1 - where[..., None]) + over * where[..., None]
        yield (picture + random.normal(0, 1.2, (HEIGHT, WIDTH, 1))).clip(0, 255).astype(np.uint8).tobytes()


def given(stills: Path, folder: Path, clip: tuple[str, str, float, float, float]) -> tuple[Path, Path]:
    """(the footage with every second picture, the whole), as MP4."""
    whole, half = folder / f"{clip[0]}-whole.mp4", folder / f"{clip[0]}-half.mp4"
    coded: list[str | int | Path] = ["-c:v", "libx264", "-preset", "veryfast", "-crf", 12, "-pix_fmt", "yuv420p", "-colorspace", "bt709", "-f", "mp4"]
    raw = ["-f", "rawvideo", "-pix_fmt", "bgr24", "-s", f"{WIDTH}x{HEIGHT}", "-r", 2 * RATE, "-i", "pipe:0"]
    ffmpeg.write([*raw, "-vf", "scale=out_color_matrix=bt709:out_range=tv", *coded, whole], footage(stills, *clip))
    ffmpeg.run(["-f", "mov", "-i", whole, "-vf", f"select=not(mod(n\\,2)),setpts=N/{RATE}/TB", "-r", RATE, *coded, half])
    return half, whole


def psnr(made: Path, whole: Path) -> float:
    """Over the pictures that were held back, luma, in dB: the mean. They are the odd ones of both."""
    size = WIDTH * HEIGHT

    def odd(path: Path) -> Iterator[Any]:
        told = ["-f", "mov", "-i", path, "-vf", "select=mod(n\\,2),extractplanes=y", "-fps_mode", "passthrough", "-f", "rawvideo", "pipe:1"]
        return (np.frombuffer(raw, np.uint8).astype(np.float32) for raw in ffmpeg.read(told, size))

    values = [10 * log10(255**2 / max(1e-9, float(np.mean((a - b) ** 2)))) for a, b in zip(odd(made), odd(whole), strict=False)]
    return float(np.mean(values[1:-2]))  # minterpolate leaves out the last ones


def fill(stills: Path, folder: Path, ours: Callable[[Path, Path], float], theirs: Callable[[Path, Path], float]) -> list[tuple[float, float, float, float]]:
    """For each clip: (seconds, PSNR) of ours, then of minterpolate."""
    found = []
    for clip in CLIPS:
        half, whole = given(stills, folder, clip)
        made, other = folder / "made.mp4", folder / "other.mp4"
        took = ours(half, made), theirs(half, other)
        if (count := mp4.count(made)) != 2 * COUNT:
            raise SystemExit(f"fill made {count} pictures, not {2 * COUNT}.")
        found.append((took[0], psnr(made, whole), took[1], psnr(other, whole)))
    return found
