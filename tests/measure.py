"""Eyes and ears for tests: what is really in a film, as numbers. Knows no story."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines import ffmpeg

Picture = NDArray[np.uint8]
MOV = ("-f", "mov", "-i")


def frames(film: Path, size: tuple[int, int], pixels: str = "rgb24") -> Iterator[Picture]:
    """Every picture of a film: (height, width, 3) for rgb24, (height, width) for gray: the Y plane as it is."""
    width, height = size
    planes = 3 if pixels == "rgb24" else 1
    args = [*MOV, film, "-map", "0:V:0", "-fps_mode", "passthrough"]
    # gray is the range of the film, so that black is 16; rgb24 goes by BT.709
    turn = ["-vf", "extractplanes=y"] if pixels == "gray" else ["-vf", "scale=in_color_matrix=bt709:flags=accurate_rnd+full_chroma_int"]
    out = ["-f", "rawvideo", "-pix_fmt", pixels, "pipe:1"]
    for raw in ffmpeg.read([*args, *turn, *out], width * height * planes):
        shape = (height, width, 3) if planes == 3 else (height, width)
        yield np.frombuffer(raw, np.uint8).reshape(shape)


def stream(film: Path, demuxer: str = "mov") -> dict[str, list[tuple[Fraction, Fraction, str]]]:
    """Packets by stream ("0" is the first): (presentation time, length, MD5), in the order of the file; seconds."""
    # as they stand in the file: sound that is primed begins a little before zero
    out = ["-map", "0", "-map", "-0:s?", "-map", "-0:d?", "-c", "copy", "-avoid_negative_ts", "disabled", "-f", "framemd5", "pipe:1"]
    told = b"".join(ffmpeg.read(["-copyts", "-f", demuxer, "-i", film, *out], 1 << 20))
    bases: dict[str, Fraction] = {}
    found: dict[str, list[tuple[Fraction, Fraction, str]]] = {}
    for line in told.decode().splitlines():
        if base := re.match(r"#tb (\d+): (\S+)", line):
            bases[base[1]] = Fraction(base[2])
        elif not line.startswith("#"):
            which, _dts, pts, length, _size, digest = [part.strip() for part in line.split(",")][:6]
            found.setdefault(which, []).append((int(pts) * bases[which], int(length) * bases[which], digest))
    return found


def times(film: Path) -> list[Fraction]:
    """When each picture is shown, in seconds, in order."""
    return sorted(pts for pts, _, _ in stream(film)["0"])


def sound(film: Path, demuxer: str = "mov", channels: int = 2) -> NDArray[np.float32]:
    """What is heard: float32, 48 kHz, (samples, channels)."""
    args = ["-f", demuxer, "-i", film, "-map", "0:a:0", "-f", "f32le", "-ar", 48_000, "-ac", channels, "pipe:1"]
    return np.frombuffer(b"".join(ffmpeg.read(args, 1 << 20)), "<f4").reshape(-1, channels)


def ebur128(path: Path, demuxer: str = "mov") -> tuple[float, float]:
    """(integrated loudness in LUFS, true peak in dBTP) after ffmpeg's own meter."""
    args = ["-f", demuxer, "-i", path, "-map", "0:a:0", "-af", "ebur128=peak=true:framelog=quiet", "-f", "null", "-"]
    command = [part if part != "error" else "info" for part in ffmpeg.command(args)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    loud, peak = (re.findall(pattern, said)[-1] for pattern in (r"I: +(-?[\d.]+|-inf) LUFS", r"Peak: +(-?[\d.]+|-inf) dBFS"))
    return float(loud), float(peak)


def wav(path: Path, samples: NDArray[Any], rate: int = 48_000) -> Path:
    """Write float samples (n, channels) as a 16-bit WAV."""
    import wave

    shaped = samples if samples.ndim == 2 else samples[:, None]
    with wave.open(str(path), "wb") as file:
        file.setparams((shaped.shape[1], 2, rate, 0, "NONE", ""))
        file.writeframes((np.clip(shaped, -1, 1) * 32767).round().astype("<i2").tobytes())
    return path


def video(path: Path, pictures: Iterable[Picture], rate: int | Fraction, *more: str, muxer: str = "mp4", tone: float = 0.0) -> Path:
    """Write RGB pictures (height, width, 3) as a video; with `tone` (Hz) it has a sound track."""
    shown = list(pictures)
    height, width = shown[0].shape[:2]
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", str(rate), "-i", "pipe:0"]
    heard = ["-f", "lavfi", "-i", f"sine=frequency={tone}:sample_rate=48000", "-t", f"{float(len(shown) / Fraction(rate)):.6f}"] if tone else []
    args = [*raw, *heard, "-pix_fmt", "yuv420p", "-threads", "1", *more, "-f", muxer, path]
    ffmpeg.write(args, (np.ascontiguousarray(picture).tobytes() for picture in shown))
    return path
