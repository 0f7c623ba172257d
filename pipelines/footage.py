"""People's own videos as scenes: each becomes a clip of plain pictures at the film's rate, made once and kept.

What the file is, gate.py knows; how its pictures become plain, telecine.py. Knows one scene's video at a time, not the film.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from math import ceil, floor
from pathlib import Path
from typing import TYPE_CHECKING

from . import ffmpeg, mp4, steady, telecine
from .clip import Clip, Rush
from .film import encoding
from .gate import is_video as is_video
from .gate import look
from .plan import Frame
from .presets import Quality
from .upscale import sharpening
from .vault import Notes, Part, Vault, digest
from .work import DiskFull, FilmError, Tick, idle, part

if TYPE_CHECKING:
    from numpy import uint8
    from numpy.typing import NDArray

    Runs = Callable[[int, int], Iterator[NDArray[uint8]]]

VERSION = 1
FINE = Quality(label="Somebody's own video", preset="veryfast", crf=9)  # it is encoded once more, into the film
THREADS = 4  # of its encoder: how many there are decides the bytes, so it is never the machine's number
PIECE = 10.0  # seconds: clips are kept in steps so long, so that a word more or less makes no new one
SEAM = 0.5  # seconds in which a repeated clip's end melts into its beginning
NEARLY = 0.5  # seconds that may be missing at the end: then its last picture stays, and nothing is repeated
LARGEST = 3  # times as many pixels as the frame: so much of a long, narrow video is kept
PATIENCE = 1800.0  # seconds for one clip
DEAD = FilmError("There is nothing to be seen there in the video.", "Choose another place in it, or another video.")


@dataclass(frozen=True, slots=True)
class Source:
    """A scene's video: `start` is where the scene begins in it, `left` the seconds from there on. Size in square pixels."""

    path: Path
    content: str
    start: float
    left: float
    width: int
    height: int
    heard: bool


def survey(path: Path, start: float, vault: Vault) -> Source:
    """What there is to show. FilmError, without `where`, if it cannot be read; with "clip_start" there if it is over by then."""
    try:
        content = digest(path)
    except OSError as error:
        raise FilmError(f"The video cannot be read: {error.strerror}.", "Allow reading it, or choose another.") from error

    def build(out: Path) -> Notes:
        seen = look(path, out.parent, "given")
        out.write_text("seen", "utf-8")
        width, height = telecine.square(seen)
        return {"seconds": round(seen.seconds, 6), "width": width, "height": height, "heard": seen.sound is not None}

    try:
        notes = vault.make("seen", ".txt", [VERSION, content, ffmpeg.version()], build).notes
    except OSError as error:
        raise FilmError(f"The video cannot be read: {error.strerror}.", "Allow reading it, or choose another.") from error
    seconds, width, height = (float(str(notes[name])) for name in ("seconds", "width", "height"))
    if start >= seconds:
        hint = f"It lasts {seconds:.2f} seconds: give less, or leave it empty."
        raise FilmError(f"{start:g} s is behind the video's end.", hint, "clip_start")
    return Source(path, content, start, seconds - start, int(width), int(height), bool(notes["heard"]))


def clip(source: Source, frames: int, frame: Frame, still: bool, vault: Vault, tick: Tick = idle) -> tuple[Clip, Part]:
    """The source as a clip of at least so many frames at the film's rate: repeated if it is too short, steady if asked.

    `still` asks for steadiness. -> the clip, and its part; its notes say "damaged" where the file is, in places.
    """
    plain = _plain(source, frames, frame, vault, part(tick, 0.0, 0.6 if still else 0.9))
    own = _clip(plain)
    short = frames > own.count + NEARLY * own.rate
    if not short and not still:
        tick(1.0)
        return own, plain
    rest = part(tick, 0.6 if still else 0.9, 1.0)

    def build(out: Path) -> Notes:
        notes = _reworked(own, frames if short else own.count, still, out, rest)
        return notes | {"damaged": plain.notes["damaged"]}

    recipe = [VERSION, steady.VERSION, plain.key, still, frames if short else None, ffmpeg.version()]
    made = vault.make("footage", ".mp4", recipe, build)
    tick(1.0)
    return _clip(made), made


def poster(path: Path, start: float, vault: Vault) -> Path:
    """The picture with which a video begins at that second, as a PNG of ours: for thumbnails and stills. FilmError as in `survey`."""
    source = survey(path, start, vault)

    def build(out: Path) -> Notes:
        seen = look(path, out.parent, "given")
        graph = telecine.plain(seen, (source.width, source.height))
        one: list[str | int | Path] = ["-ss", f"{start:.6f}", *seen.args, "-map", "0:V:0", "-vf", graph, "-frames:v", 1]
        ffmpeg.run([*one, "-pix_fmt", "rgb24", "-c:v", "png", "-f", "image2", "-update", 1, out], patience=PATIENCE)
        if not out.exists():
            raise DEAD
        return {}

    return vault.make("poster", ".png", [VERSION, source.content, round(start, 6), ffmpeg.version()], build).path


def lap(count: int, rate: Fraction) -> tuple[int, int]:
    """A repeated clip of `count` frames: frames after which it begins anew, and how many of them melt into its end."""
    seam = min(round(SEAM * rate), count // 4)
    return count - seam, seam


def needed(frames: int, frame: Frame, left: float) -> int:
    """Frames of the source that are kept for a scene of so many: in whole pieces, as far as it goes."""
    seconds = min(left, ceil(frame.seconds(frames) / PIECE - 1e-9) * PIECE)
    return max(1, floor(Fraction(seconds).limit_denominator(1_000_000) * frame.rate + Fraction(1, 1000)))


def _plain(source: Source, frames: int, frame: Frame, vault: Vault, tick: Tick) -> Part:
    count, size = needed(frames, frame, source.left), _size(source, frame)
    picture = Frame(*size, frame.rate)
    sharp = sharpening((source.width, source.height), size)
    settings = [*encoding(picture, FINE, threads=THREADS), "-r", str(frame.rate), "-f", "mp4"]

    def build(out: Path) -> Notes:
        seen = look(source.path, out.parent, "given")
        even = f"fps={frame.rate}:start_time=0,tpad=stop=-1:stop_mode=clone,trim=end_frame={count},setpts=PTS-STARTPTS"
        graph = ",".join([telecine.plain(seen, size), *sharp, even])
        length = f"{float(count / frame.rate) + 1:.6f}"
        given: list[str | int | Path] = ["-ss", f"{source.start:.6f}", "-t", length, *seen.args]
        made: list[str | int | Path] = ["-map", "0:V:0", "-vf", graph, "-frames:v", count, *settings, out]
        try:
            ffmpeg.run(["-xerror", "-err_detect", "explode", *given, *made], frames=count, tick=tick, patience=PATIENCE)
            damaged = False
        except DiskFull:
            raise
        except FilmError:  # what can be seen of it is shown, and somebody is told
            ffmpeg.run([*given, *made], frames=count, tick=tick, patience=PATIENCE)
            damaged = True
        if not mp4.count(out):
            raise DEAD
        return _told(out, count, picture) | {"damaged": damaged}

    recipe = [VERSION, source.content, round(source.start, 6), count, size, sharp, settings, ffmpeg.version()]
    return vault.make("footage", ".mp4", recipe, build)


def _size(source: Source, frame: Frame) -> tuple[int, int]:
    """How large its pictures are kept: as the film can show them, whatever way they are fitted in."""
    ratio = max(frame.width / source.width, frame.height / source.height)
    most = LARGEST * frame.width * frame.height / (source.width * source.height)
    ratio = min(ratio, most**0.5)
    return max(2, round(source.width * ratio / 2) * 2), max(2, round(source.height * ratio / 2) * 2)


def _reworked(own: Clip, frames: int, still: bool, out: Path, tick: Tick) -> Notes:
    """A plain clip made steady, or repeated, or both."""
    picture = Frame(own.width, own.height, own.rate)
    plain, size = Rush(own, picture, "stretch", Fraction(1)), (own.width, own.height)
    moves = None
    if still:
        found = steady.way(own, part(tick, 0.0, 0.5))
        moves = steady.matrices(found, steady.SPAN * float(own.rate), size)

    def run(first: int, count: int) -> Iterator[NDArray[uint8]]:
        pictures = plain.frames(first, count)
        return pictures if moves is None else steady.held(pictures, moves[first : first + count], size)

    def blocks() -> Iterator[ffmpeg.Block]:
        for k, one in enumerate(islice(_repeated(run, own.count, own.rate, frames), frames)):
            tick(0.5 + 0.5 * k / frames)
            yield one.reshape(-1).data

    raw: list[str | int | Path] = ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{own.width}x{own.height}", "-r", str(own.rate)]
    tags = ["-color_range", "tv", "-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709"]
    ffmpeg.write([*raw, *tags, "-i", "pipe:0", *encoding(picture, FINE, threads=THREADS), "-r", str(own.rate), "-f", "mp4", out], blocks())
    return _told(out, frames, picture)


def _repeated(run: Runs, count: int, rate: Fraction, frames: int) -> Iterator[NDArray[uint8]]:
    """Frames of a clip that begins anew at its end, melting into its beginning."""
    import cv2
    import numpy as np

    period, seam = lap(count, rate)
    if count == 1:
        one = next(run(0, 1))
        yield from (one for _ in range(frames))
        return
    yield from run(0, period if frames > count else min(frames, count))
    done = period if frames > count else min(frames, count)
    while done < frames:
        tail = list(run(period, seam)) if seam else []
        pictures = run(0, min(period, frames - done))
        for k, picture in enumerate(pictures):
            share = (k + 1) / (seam + 1)
            yield np.asarray(cv2.addWeighted(tail[k], 1 - share, picture, share, 0)) if k < seam else picture
        done += period


def _told(out: Path, count: int, picture: Frame) -> Notes:
    if (made := mp4.count(out)) != count:
        raise FilmError(f"The video's clip came out with {made} frames, not {count}.", "Run it again.")
    return {"frames": count, "rate": str(picture.rate), "width": picture.width, "height": picture.height}


def _clip(made: Part) -> Clip:
    frames, rate, width, height = (str(made.notes[key]) for key in ("frames", "rate", "width", "height"))
    return Clip(made.path, int(frames), Fraction(rate), int(width), int(height))
