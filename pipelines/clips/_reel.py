"""A picture for a model, and the pictures from it as an MP4 that the film is cut from. Knows no model and no film."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from .. import ffmpeg, mp4
from ..film import TAGS, encoding
from ..plan import Frame
from ..presets import Quality
from ..vault import Notes
from ..work import FilmError, Tick

if TYPE_CHECKING:
    from numpy import uint8
    from numpy.typing import NDArray
    from PIL.Image import Image

FINE = Quality(label="What a model made", preset="fast", crf=8)  # it is encoded once more, into the film


@dataclass(frozen=True, slots=True)
class Still:
    """A scene's picture."""

    image: Image

    @property
    def width(self) -> int:
        return self.image.width

    @property
    def height(self) -> int:
        return self.image.height

    def at(self, size: tuple[int, int], *, stretch: bool) -> NDArray[uint8]:
        """(height, width, 3) RGB of that size: its middle, as much as covers it; or all of it, stretched."""
        import numpy as np
        from PIL import Image, ImageOps

        if stretch:
            return np.array(self.image.resize(size, Image.Resampling.LANCZOS))
        return np.array(ImageOps.fit(self.image, size, Image.Resampling.LANCZOS))


def opened(path: Path) -> Still:
    """The PNG of ours that a shot brings; FilmError if it cannot be read."""
    from PIL import Image

    try:
        with Image.open(path, formats=("PNG",)) as image:
            return Still(image.convert("RGB"))
    except OSError as error:
        raise FilmError("The scene's picture cannot be read any more.", "Run it again.", path.name) from error


def pressed(image: Image, crf: int) -> Image:
    """The picture as it looks after H.264 of that quality."""
    from PIL import Image

    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{image.width}x{image.height}"]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "one.mp4"
        ffmpeg.write([*raw, "-i", "pipe:0", "-c:v", "libx264", "-crf", crf, "-pix_fmt", "yuv420p", "-f", "mp4", file], [image.convert("RGB").tobytes()])
        told = b"".join(ffmpeg.read(["-f", "mov", "-i", file, "-frames:v", 1, *raw[:4], "pipe:1"], 1 << 20))
    return Image.frombytes("RGB", image.size, told)


def write(pictures: Iterable[NDArray[uint8]], count: int, size: tuple[int, int], rate: Fraction, out: Path, tick: Tick) -> Notes:
    """`count` RGB pictures (height, width, 3) of `size` (width, height) as H.264, BT.709. -> what the file holds."""
    width, height = size
    args: list[str | int | Path] = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", str(rate), "-i", "pipe:0"]
    args += ["-vf", "scale=in_range=pc:out_color_matrix=bt709:out_range=tv:flags=bicubic+accurate_rnd+full_chroma_int,format=yuv420p"]
    return _encoded(args, pictures, count, size, rate, out, tick)


def _encoded(
    args: list[str | int | Path], pictures: Iterable[NDArray[uint8]], count: int, size: tuple[int, int], rate: Fraction, out: Path, tick: Tick
) -> Notes:
    width, height = size
    args += [*encoding(Frame(width, height, rate), FINE), "-r", str(rate), "-f", "mp4", out]
    ffmpeg.write(args, _told(pictures, count, tick))
    if (made := mp4.count(out)) != count:
        raise FilmError(f"The clip came out with {made} frames, not {count}.", "Run it again.")
    return {"frames": count, "rate": f"{rate.numerator}/{rate.denominator}", "width": width, "height": height}


def _told(pictures: Iterable[NDArray[uint8]], count: int, tick: Tick) -> Iterable[ffmpeg.Block]:
    for done, picture in enumerate(pictures):
        tick(done / count)
        yield picture.reshape(-1).data


def write_planes(pictures: Iterable[NDArray[uint8]], count: int, size: tuple[int, int], rate: Fraction, out: Path, tick: Tick) -> Notes:
    """The same from I420 pictures (height * 3 / 2, width), BT.709, limited range: they are encoded as they are."""
    width, height = size
    args: list[str | int | Path] = ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{width}x{height}", "-r", str(rate), *TAGS, "-i", "pipe:0"]
    return _encoded(args, pictures, count, size, rate, out, tick)
