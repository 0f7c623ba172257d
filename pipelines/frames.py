"""Single pictures out of a video, a sheet of several, and its sound alone. Opens videos as video.py does; knows no story."""

from __future__ import annotations

from pathlib import Path

from . import ffmpeg
from .vault import Vault, disk
from .video import Video, look, place
from .work import FilmError

COLUMNS, ROWS, TILE = 5, 4, 256  # of a sheet; TILE is one picture's width in pixels
WEBP = 82


def still(video: Path, share: float, out: Path, vault: Vault) -> Video:
    """The picture at that share of a video's time (0: the first), as PNG, JPEG or WebP by `out`'s suffix.

    -> what is in the video. FilmError if it is none.
    """
    with disk(), vault.scratch() as folder:
        seen = look(video, folder, "given")
        nth = min(seen.frames - 1, max(0, int(seen.frames * share)))
        made = folder / "still.png"
        one: list[str | int] = ["-map", "0:V:0", "-vf", f"select=eq(n\\,{nth})", "-fps_mode", "passthrough", "-frames:v", 1]
        ffmpeg.run([*seen.args, *one, "-pix_fmt", "rgb24", "-c:v", "png", "-f", "image2", "-update", 1, made])
        _save(made, out, folder, video)
        return seen


def sheet(video: Path, out: Path, vault: Vault) -> None:
    """A grid of pictures, evenly spaced over the video's time, as JPEG."""
    with disk(), vault.scratch() as folder:
        seen = look(video, folder, "given")
        step = max(1, seen.frames // (COLUMNS * ROWS))
        graph = f"select=not(mod(n\\,{step})),scale={TILE}:-2,tile={COLUMNS}x{ROWS}"
        made = folder / "sheet.jpg"
        one: list[str | int] = ["-map", "0:V:0", "-vf", graph, "-fps_mode", "passthrough", "-frames:v", 1, "-q:v", 4]
        ffmpeg.run([*seen.args, *one, "-pix_fmt", "yuvj420p", "-c:v", "mjpeg", "-f", "image2", "-update", 1, made])
        place(made, out)


def sound(video: Path, out: Path, vault: Vault) -> None:
    """The video's sound as it is, in an M4A file; FilmError if it has none."""
    with disk(), vault.scratch() as folder:
        seen = look(video, folder, "given")
        if seen.sound is None:
            raise FilmError(f"{video.name} has no sound.", "")
        made = folder / "sound.m4a"
        ffmpeg.run([*seen.args, "-map", "0:a:0", "-c", "copy", "-f", "ipod", made])
        place(made, out)


def _save(made: Path, out: Path, folder: Path, video: Path) -> None:
    if not made.is_file():
        raise FilmError(f"{video.name} holds no picture that can be decoded.", "Save it anew.", video.name)
    if out.suffix == ".png":
        place(made, out)
        return
    from PIL import Image

    kept = folder / f"still{out.suffix}"
    with Image.open(made, formats=("PNG",)) as picture:
        picture.save(kept, quality=WEBP)
    place(kept, out)
