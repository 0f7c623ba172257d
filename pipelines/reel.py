"""A given video as pictures and sound, and pictures and sound as a video: what every verb over videos stands on.

Opened as video.py opens it (one demuxer, by its first bytes, under a name of ours). Pictures go by one at a time, so a
video's length costs no memory. Knows no verb.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from . import ffmpeg, mp4
from .clip import Clip, fitted
from .film import TAGS, encoding
from .gate import Video, look
from .plan import Frame
from .presets import Quality
from .telecine import plain, square
from .video import AAC
from .work import FilmError, Tick

if TYPE_CHECKING:
    from numpy import uint8
    from numpy.typing import NDArray

    Picture = NDArray[uint8]

LONGEST = 600.0  # seconds of a given video, and of what is made from it
RATE = 48_000
FADE = 0.03  # seconds at a hard cut of the sound, so that nothing clicks
SLOWEST, FASTEST = 0.5, 2.0  # atempo's own range; further is done in several steps


@dataclass(frozen=True, slots=True)
class Reel:
    """An opened video: `count` pictures of `frame`'s size, at its rate. `fit`: how it comes to that size."""

    video: Video
    frame: Frame
    count: int
    name: str
    fit: str = "cover"

    @property
    def seconds(self) -> float:
        return self.frame.seconds(self.count)

    def frames(self, first: int = 0, count: int | None = None) -> Iterator[Picture]:
        """I420 pictures, shape (height * 3 / 2, width), BT.709 in limited range: `count` of them from `first` on.

        Where the video is shorter than it says, its last picture stays.
        """
        import numpy as np

        wanted = self.count - first if count is None else count
        width, height = self.frame.width, self.frame.height
        steps = [] if (self.video.even and self.frame.rate == self.video.rate) else [f"fps={self.frame.rate}"]
        steps += [f"trim=start_frame={first}:end_frame={first + wanted}", _filter(self.video, self.frame, self.fit)]
        out: list[str | int] = ["-map", "0:V:0", "-vf", ",".join(steps), "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "yuv420p", "pipe:1"]
        seen, made = None, 0
        for raw in ffmpeg.read([*self.video.args, *out], width * height * 3 // 2):
            if made == wanted:
                break
            if len(raw) < width * height * 3 // 2:
                continue  # it was ended: how, is told behind its last bytes
            seen, made = np.frombuffer(raw, np.uint8).reshape(height * 3 // 2, width), made + 1
            yield seen
        if seen is None and first:
            seen = next(self.frames(max(0, first - 8), 1))
        if seen is None:
            raise FilmError(f"{self.name} holds no picture that can be decoded.", "Save it anew, or choose another.", self.name)
        for _ in range(wanted - made):
            yield seen

    def at(self, n: int) -> Picture:
        """One picture."""
        return next(self.frames(n, 1))

    def backwards(self, first: int = 0, count: int | None = None) -> Iterator[Picture]:
        """The same pictures, the last one first, a chunk at a time."""
        wanted = self.count - first if count is None else count
        most = max(8, 200_000_000 // (self.frame.width * self.frame.height * 3 // 2))
        for start in range((wanted - 1) // most * most, -1, -most):
            yield from reversed(list(self.frames(first + start, min(most, wanted - start))))


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of sound, from `start` to `end` (seconds): a reel's, that of a WAV `made` by us, or silence. `shared`:
    seconds in which the piece before turns into it. `soft`: it begins and ends so softly that nothing clicks."""

    reel: Reel | None
    start: float
    end: float
    speed: float = 1.0
    backwards: bool = False
    shared: float = 0.0
    made: Path | None = None
    soft: bool = True

    @property
    def seconds(self) -> float:
        """How long it is heard."""
        return (self.end - self.start) / self.speed

    @property
    def source(self) -> list[str | Path]:
        """What ffmpeg reads; nothing where it is silent."""
        if self.made:
            return ["-f", "wav", "-i", self.made]
        return [*self.reel.video.args] if self.reel and self.reel.video.sound else []


def opened(path: Path, folder: Path, name: str, frame: Frame | None = None, fit: str = "cover") -> Reel:
    """The video, ready to be read, in its own size and rate or in that of `frame`. `folder` is ours and stays while it
    is read. FilmError if it is none, or too long."""
    if not path.exists():
        raise FilmError(f"There is no video {path.name}.", "Check its name.", path.name)
    video = look(path, folder, name)
    if not 1 <= video.rate <= 240:  # a file may say anything
        video = replace(video, rate=Fraction(25), even=False)
    seconds = Fraction(video.frames) / video.rate
    if seconds > LONGEST:
        raise FilmError(f"{path.name} lasts {float(seconds):.0f} seconds.", f"At most {LONGEST:g} can be worked on: trim it first.", path.name)
    own = Frame(*(square(video) if _odd(video) else (max(2, video.width // 2 * 2), max(2, video.height // 2 * 2))), video.rate)
    there = frame or own
    return Reel(video, there, max(1, round(seconds * there.rate)), path.name, fit)


def _odd(video: Video) -> bool:
    """Whether its pictures must be made plain before they can be taken as they are."""
    return video.woven or video.bright or video.clear or video.pixel != 1


def _filter(video: Video, frame: Frame, fit: str) -> str:
    width, height = frame.width, frame.height
    if _odd(video):
        size = square(video)
        rest = "null" if size == (width, height) else fitted(Clip(Path(), video.frames, video.rate, *size), frame, fit)
        return f"{plain(video, size)},{rest}"
    if (video.width // 2 * 2, video.height // 2 * 2) == (width, height):  # an odd row is left out, not squeezed in
        return f"crop={width}:{height}:0:0,scale={width}:{height}:out_color_matrix=bt709:out_range=tv,setsar=1"
    return fitted(Clip(Path(), video.frames, video.rate, video.width, video.height), frame, fit)


def picture(blocks: Iterable[Picture], count: int, frame: Frame, quality: Quality, out: Path, tick: Tick, graph: str = "null") -> None:
    """I420 pictures of `frame` as an MP4 without sound; `graph` is a filter of ours. Exactly `count`, or FilmError."""
    size = f"{frame.width}x{frame.height}"
    told: list[str | int | Path] = ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", size, "-r", str(frame.rate), *TAGS, "-i", "pipe:0"]
    told += ["-vf", f"{graph},format=yuv420p", "-frames:v", count, "-r", str(frame.rate), *encoding(frame, quality, threads=0), "-f", "mp4", out]

    def watched() -> Iterator[ffmpeg.Block]:
        for done, block in enumerate(blocks):
            tick(min(1.0, done / count))
            yield block.reshape(-1).data

    ffmpeg.write(told, watched(), cwd=out.parent)
    if (made := mp4.count(out)) != count:
        raise FilmError(f"The video came out with {made} pictures, not {count}.", "Run it again.")


def heard(pieces: Sequence[Piece], seconds: float, out: Path) -> bool:
    """The pieces one after the other, exactly so long, at `out`: AAC for `.m4a`, 48 kHz stereo for `.wav`.

    -> whether there is any sound at all; nothing is written if not.
    """
    if not any(piece.source for piece in pieces):
        return False
    inputs: list[str | Path] = []
    chains, at = [], 0
    for i, piece in enumerate(pieces):
        if source := piece.source:
            inputs += source
            head, at = f"[{at}:a:0]", at + 1
        else:
            head = "anullsrc=r=48000:cl=stereo,"
        chains.append(head + ",".join(_shaped(piece)) + f"[p{i}]")
    last = "[p0]"
    for i, piece in enumerate(pieces[1:], 1):
        turn = f"acrossfade=d={piece.shared:.6f}:c1=qsin:c2=qsin" if piece.shared >= 0.01 else "concat=n=2:v=0:a=1"
        chains.append(f"{last}[p{i}]{turn}[j{i}]")
        last = f"[j{i}]"
    samples = round(seconds * RATE)
    chains.append(f"{last}apad=whole_len={samples},atrim=end_sample={samples}[sound]")
    coded = AAC if out.suffix == ".m4a" else ["-c:a", "pcm_s16le"]
    muxed = ["-f", "mp4" if out.suffix == ".m4a" else "wav", "-fflags", "+bitexact", "-map_metadata", "-1"]
    ffmpeg.run([*inputs, "-filter_complex", ";".join(chains), "-map", "[sound]", *coded, *muxed, out])
    return True


def _shaped(piece: Piece) -> list[str]:
    length = piece.end - piece.start
    steps = ["aresample=48000", "aformat=channel_layouts=stereo", "apad", f"atrim={piece.start:.6f}:{piece.end:.6f}", "asetpts=PTS-STARTPTS"]
    steps += ["areverse"] if piece.backwards else []
    rest = piece.speed
    while not SLOWEST <= rest <= FASTEST:
        step = SLOWEST if rest < 1 else FASTEST
        steps.append(f"atempo={step:g}")
        rest /= step
    steps += [f"atempo={rest:.6f}"] if abs(rest - 1) > 1e-6 else []
    if piece.speed != 1.0:  # atempo ends a little early or late
        steps += ["apad", f"atrim=0:{piece.seconds:.6f}", "asetpts=PTS-STARTPTS"]
    if piece.soft and not piece.shared and length > 4 * FADE:
        steps += [f"afade=t=in:d={FADE}", f"afade=t=out:st={piece.seconds - FADE:.6f}:d={FADE}"]
    return steps


def joined(seen: Path, sound: Path | None, out: Path) -> None:
    """Picture and sound, as they are, in one MP4."""
    inputs: list[str | Path] = ["-f", "mov", "-i", seen]
    inputs += ["-f", "mov", "-i", sound] if sound else []
    keep: list[str | Path] = ["-map", "0:v", "-c:v", "copy", *(["-map", "1:a", "-c:a", "copy"] if sound else [])]
    ffmpeg.run([*inputs, *keep, "-map_metadata", "-1", "-movflags", "+faststart", "-fflags", "+bitexact", "-f", "mp4", out])

