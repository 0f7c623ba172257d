"""Small videos larger: Lanczos, and then as much sharpening as the enlargement took away. Knows no story.

The amounts are measured: of photographs made smaller and large again, these come nearest to what they were.
"""

from __future__ import annotations

from pathlib import Path

from . import ffmpeg, mp4
from .film import encoding
from .gate import ANEW, PIXELS, WIDEST, look
from .plan import Frame
from .presets import Presets
from .telecine import plain, square
from .vault import Vault, disk
from .video import AAC, place
from .work import FilmError, Tick

SMALLEST = 16  # pixels
LITTLE = 1.2  # times as large: below, nothing needs to be sharpened
AMOUNT, MOST = 0.25, 0.8  # of unsharp masking for each time as large
FAR = 3.0  # times as large: from here on what is soft is wider
KEPT = ("aac", "mp3", "ac3", "eac3", "alac", "opus", "flac")  # sound that goes into an MP4 as it is
PATIENCE = 6 * 3600.0  # seconds


def sharpening(given: tuple[int, int], made: tuple[int, int]) -> list[str]:
    """The filters that follow Lanczos from one size to a larger one (width, height); none where it is hardly larger."""
    ratio = min(made[0] / given[0], made[1] / given[1])
    if ratio < LITTLE:
        return []
    side = 7 if ratio >= FAR else 5
    return [f"unsharp={side}:{side}:{min(MOST, AMOUNT * ratio):.3f}:5:5:0", "limiter=min=16:max=235:planes=1"]


def larger(given: tuple[int, int], box: tuple[int, int]) -> tuple[int, int]:
    """The largest even size of that shape within the box, both (width, height)."""
    ratio = min(box[0] / given[0], box[1] / given[1])
    return max(2, int(given[0] * ratio / 2 + 1e-6) * 2), max(2, int(given[1] * ratio / 2 + 1e-6) * 2)


def boxed(name: str, given: tuple[int, int], box: tuple[int, int]) -> tuple[int, int]:
    """The size that a video of that size becomes. FilmError if that cannot be, or it is that large already."""
    if not all(SMALLEST <= side <= WIDEST for side in box) or box[0] * box[1] > PIXELS:
        raise FilmError(f"A video cannot be made {box[0]}x{box[1]}.", f"Give {SMALLEST}x{SMALLEST} to 8K, such as 1920x1080.")
    size = larger(given, box)
    if size[0] <= given[0] + 1:
        said = f"{name} has {given[0]}x{given[1]} pixels: it is not smaller than {box[0]}x{box[1]}."
        raise FilmError(said, "Ask for a larger size.", name)
    return size


def upscale(path: Path, box: tuple[int, int], out: Path, presets: Presets, vault: Vault, tick: Tick) -> tuple[int, int]:
    """The video at `out` as large as fits into `box` (width, height), its pace and sound as they are. -> its size.

    FilmError if it is no video, or that large already.
    """
    with disk(), vault.scratch() as folder:
        video = look(path, folder, "given")
        size = boxed(path.name, square(video), box)
        graph = ",".join([plain(video, size), *sharpening(square(video), size)])
        sound = ["-c:a", "copy"] if video.sound and video.sound.codec in KEPT else AAC
        settings = encoding(Frame(*size, video.rate), presets.pick("qualities", "standard"), threads=0)
        made = folder / "film.mp4"
        shown: list[str | int | Path] = [*video.args, "-map", "0:V:0", "-map", "0:a:0?", "-vf", graph, "-fps_mode", "vfr"]
        ffmpeg.run([*shown, *settings, *sound, "-movflags", "+faststart", "-f", "mp4", made], frames=video.frames, tick=tick, patience=PATIENCE)
        if not mp4.count(made):
            raise FilmError(f"{path.name} holds no picture that can be decoded.", ANEW, path.name)
        place(made, out)
        return size
