"""Videos that people bring: what is in them, their exact last frame, and putting several together.

A video is opened by its first bytes: it is given to that one demuxer, under a name of ours, and may open no other
file. Knows no story.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from . import ffmpeg, mp4
from .film import encoding
from .plan import Frame
from .presets import Presets, Transition
from .vault import Vault, disk, linked, replacing
from .work import FilmError, Tick, idle

GUARD = ["-protocol_whitelist", "file", "-format_whitelist", "mov,matroska,avi,mpegts"]
KINDS = "Use MP4, MOV, WebM, MKV, AVI or MPEG-TS."


@dataclass(frozen=True, slots=True)
class Stream:
    """One stream, as far as two must agree to be joined by copying."""

    codec: str
    size: str
    timebase: str
    extradata: str
    sound: str


@dataclass(frozen=True, slots=True)
class Video:
    """What is in a video: `args` open it; `frames` pictures at `rate` a second."""

    args: tuple[str | Path, ...]
    picture: Stream
    sound: Stream | None
    width: int
    height: int
    rate: Fraction
    frames: int


def demuxer(path: Path) -> str:
    """The demuxer for a file, from its first bytes; FilmError if it is no video."""
    try:
        with path.open("rb") as file:
            head = file.read(400)
    except OSError as error:
        raise FilmError(f"{path.name} cannot be opened: {error.strerror}.", "Choose another.", path.name) from error
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free"):
        return "mov"
    if head.startswith(b"\x1aE\xdf\xa3"):
        return "matroska"
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "avi"
    if head[:1] == b"G" and head[188:189] == b"G":
        return "mpegts"
    raise FilmError(f"{path.name} is not a video that can be read.", KINDS, path.name)


def look(path: Path, folder: Path, name: str) -> Video:
    """What is in the video. `folder` is ours: the video is known there by `name`."""
    kind = demuxer(path)
    linked(path.resolve(), folder / name)
    args: tuple[str | Path, ...] = (*GUARD, "-f", kind, "-i", folder / name)
    facts: dict[tuple[str, str], str] = {}
    packets, length = 0, 0
    try:
        told = b"".join(ffmpeg.read([*args, "-map", "0:V:0", "-map", "0:a:0?", "-c", "copy", "-f", "framemd5", "-"], 1 << 20))
    except FilmError as error:
        raise FilmError(f"{path.name} is damaged, or holds no picture.", "Save it anew, or choose another.", path.name) from error
    for line in told.decode("utf-8", "replace").splitlines():
        if found := re.match(r"#(\w+) (\d): *(.*)", line):
            facts[found[2], found[1]] = found[3]
        elif line.startswith("0,"):
            packets += 1
            length += int(line.split(",")[3])
    width, height = (int(side) for side in facts["0", "dimensions"].split("x"))
    base = Fraction(facts["0", "tb"])
    rate = Fraction(packets) / (length * base) if length else Fraction(25)
    sound = _stream(facts, "1") if ("1", "codec_id") in facts else None
    return Video(args, _stream(facts, "0"), sound, width, height, rate.limit_denominator(1001), packets)


def _stream(facts: dict[tuple[str, str], str], which: str) -> Stream:
    names = ("codec_id", "dimensions", "tb", "extradata")
    codec, size, timebase, extradata = (facts.get((which, name), "") for name in names)
    sound = facts.get((which, "sample_rate"), "") + facts.get((which, "channel_layout_name"), "")
    return Stream(codec, size, timebase, extradata, sound)


def last_frame(path: Path, out: Path, vault: Vault, tick: Tick = idle) -> None:
    """The video's very last picture: it is decoded to its end, not guessed by seeking. PNG keeps every bit."""
    suffix = out.suffix.lower()
    if suffix not in (".png", ".jpg", ".jpeg"):
        raise FilmError(f'A picture cannot be saved as "{suffix}".', "Use .png or .jpg.", out.name)
    with disk(), vault.scratch() as folder:
        video = look(path, folder, "given")
        frames = _decoded(video, tick)
        if not frames:
            raise FilmError(f"{path.name} holds no picture that can be decoded.", "Save it anew.", path.name)
        made = folder / f"last{suffix}"
        one: list[str | int] = ["-map", "0:V:0", "-vf", f"select=eq(n\\,{frames - 1})", "-fps_mode", "passthrough", "-frames:v", 1]
        colour: list[str | int] = ["-pix_fmt", "rgb24", "-c:v", "png"] if suffix == ".png" else ["-pix_fmt", "yuvj444p", "-q:v", 2, "-c:v", "mjpeg"]
        ffmpeg.run([*video.args, *one, *colour, "-f", "image2", "-update", 1, made])
        place(made, out)


def _decoded(video: Video, tick: Tick) -> int:
    """The pictures that really come out of the decoder."""
    with ffmpeg.started(["-progress", "pipe:1", *video.args, "-map", "0:V:0", "-fps_mode", "passthrough", "-f", "null", "-"]) as run:
        assert run.stdout is not None
        frames = 0
        for line in run.stdout:
            name, _, value = line.decode().partition("=")
            if name == "frame":
                frames = int(value)
                tick(min(1.0, frames / max(1, video.frames)))
    return frames


def combine(paths: Sequence[Path], out: Path, name: str, seconds: float, presets: Presets, vault: Vault, tick: Tick) -> str:
    """Several videos as one at `out`. -> what was done: "copied" or "encoded", and why."""
    turning: Transition = presets.pick("transitions", name)
    with disk(), vault.scratch() as folder:
        videos = [look(path, folder, f"given{i}") for i, path in enumerate(paths)]
        made = folder / "film.mp4"
        why = "a transition was asked for" if turning.xfade else _differ(videos)
        if why:
            _encode(videos, turning.xfade, seconds, presets, made, tick)
        else:
            (folder / "list.txt").write_text("".join(f"file given{i}\n" for i in range(len(paths))), "utf-8")
            whole = sum(video.frames for video in videos)
            args: list[str | int] = ["-f", "concat", "-safe", 1, "-i", "list.txt", "-map", "0:v", "-map", "0:a?", "-c", "copy"]
            ffmpeg.run([*args, "-movflags", "+faststart", "-f", "mp4", made], frames=whole, tick=tick, cwd=folder)
            if mp4.count(made) != whole:
                raise FilmError("The joined video lost pictures on the way.", "Ask for a transition: then it is encoded.")
        place(made, out)
    return f"encoded: {why}" if why else "copied: nothing was encoded again"


def _differ(videos: Sequence[Video]) -> str:
    """Why they cannot be joined by copying; empty if they can."""
    first = videos[0]
    for other in videos[1:]:
        for what, mine, its in (
            ("codecs", first.picture.codec, other.picture.codec),
            ("sizes", first.picture.size, other.picture.size),
            ("frame rates", first.rate, other.rate),
            ("time bases", first.picture.timebase, other.picture.timebase),
            ("encoder settings", first.picture.extradata, other.picture.extradata),
            ("sound tracks", first.sound, other.sound),
        ):
            if mine != its:
                return f"their {what} differ"
    return "" if first.picture.codec in ("h264", "hevc", "av1", "mpeg4") else "their codec does not go into an MP4 as it is"


def _encode(videos: Sequence[Video], xfade: str, seconds: float, presets: Presets, made: Path, tick: Tick) -> None:
    first = videos[0]
    frame = Frame(first.width // 2 * 2, first.height // 2 * 2, first.rate)
    lengths = [max(1, round(Fraction(video.frames) / video.rate * frame.rate)) for video in videos]
    shared = [min(round(seconds * frame.rate), a // 2, b // 2) if xfade else 0 for a, b in pairwise(lengths)]
    whole = sum(lengths) - sum(shared)
    inputs = [arg for video in videos for arg in video.args]
    graph = _graph(videos, lengths, shared, frame, xfade)
    quality = presets.pick("qualities", "standard")
    sound = ["-map", "[sound]", "-c:a", "aac", "-b:a", "192k"]
    args = [*inputs, "-filter_complex", graph, "-map", "[film]", *sound, "-frames:v", whole, "-r", str(frame.rate)]
    ffmpeg.run([*args, *encoding(frame, quality), "-movflags", "+faststart", "-f", "mp4", made], frames=whole, tick=tick)
    if (count := mp4.count(made)) != whole:
        raise FilmError(f"The joined video came out with {count} pictures, not {whole}.", "Run it again.")


def _graph(videos: Sequence[Video], lengths: Sequence[int], shared: Sequence[int], frame: Frame, xfade: str) -> str:
    """Every video in the first one's size and rate, one after the other, or one turning into the next."""
    size = f"{frame.width}:{frame.height}"
    parts = []
    for i, (video, length) in enumerate(zip(videos, lengths, strict=True)):
        fitted = f"scale={size}:force_original_aspect_ratio=decrease,pad={size}:-1:-1,setsar=1"
        held = f"fps={frame.rate},tpad=stop=-1:stop_mode=clone,trim=end_frame={length},setpts=PTS-STARTPTS"
        parts.append(f"[{i}:V:0]{fitted},{held},settb=1/{frame.rate.numerator},format=yuv420p[v{i}]")
        heard = f"[{i}:a:0]" if video.sound else f"anullsrc=r=48000:cl=stereo,atrim=0:{frame.seconds(length):.6f},"
        seconds = frame.seconds(length)
        parts.append(f"{heard}aresample=48000,aformat=channel_layouts=stereo,apad,atrim=0:{seconds:.6f},asetpts=PTS-STARTPTS[a{i}]")
    seen, heard, at = "[v0]", "[a0]", lengths[0]
    for i, overlap in enumerate(shared, 1):
        if overlap:
            d, offset = frame.seconds(overlap), frame.seconds(at - overlap)
            parts.append(f"{seen}[v{i}]xfade=transition={xfade}:duration={d:.6f}:offset={offset:.6f}[x{i}]")
            parts.append(f"{heard}[a{i}]acrossfade=d={d:.6f}[y{i}]")
        else:
            parts.append(f"{seen}{heard}[v{i}][a{i}]concat=n=2:v=1:a=1[x{i}][y{i}]")
        seen, heard, at = f"[x{i}]", f"[y{i}]", at + lengths[i] - overlap
    return ";".join([*parts, f"{seen}format=yuv420p[film]", f"{heard}anull[sound]"])


def place(made: Path, out: Path) -> None:
    """Put a finished file where it was asked for, across file systems too, whole or not at all."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with replacing(out) as beside:
        shutil.copyfile(made, beside)
