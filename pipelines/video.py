"""Videos that people bring: their exact last frame, and putting several together. What they may be is in gate.py.

Knows no story.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from . import ffmpeg, mp4
from .film import encoding
from .gate import ANEW, GUARD, Video, demuxer, look
from .plan import Frame
from .presets import Presets, Transition
from .telecine import plain, shown, square
from .vault import Vault, disk, replacing
from .work import FilmError, Tick, idle

__all__ = ["GUARD", "Video", "combine", "demuxer", "last_frame", "look", "place"]

AAC = ["-c:a", "aac", "-b:a", "192k"]
TAIL = 10.0  # seconds at a video's end that must be without a fault for its last picture to be known


def last_frame(path: Path, out: Path, vault: Vault, tick: Tick = idle) -> None:
    """The video's very last picture: it is decoded to its end, not guessed by seeking. PNG keeps every bit."""
    suffix = out.suffix.lower()
    if suffix not in (".png", ".jpg", ".jpeg"):
        raise FilmError(f'A picture cannot be saved as "{suffix}".', "Use .png or .jpg.", out.name)
    with disk(), vault.scratch() as folder:
        video = look(path, folder, "given")
        frames = _decoded(video, tick)
        if not frames:
            raise FilmError(f"{path.name} holds no picture that can be decoded.", ANEW, path.name)
        _intact(video, path)
        made = folder / f"last{suffix}"
        graph = ",".join(part for part in (f"select=eq(n\\,{frames - 1})", shown(video)) if part)
        one: list[str | int] = ["-map", "0:V:0", "-vf", graph, "-fps_mode", "passthrough", "-frames:v", 1]
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


def _intact(video: Video, path: Path) -> None:
    """FilmError if the end is damaged: a decoder fills in what it cannot read, so its last picture would be a guess."""
    near: list[str | int | Path] = ["-xerror", "-err_detect", "explode", "-ss", f"{max(0.0, video.seconds - TAIL):.3f}", *video.args]
    try:
        ffmpeg.run([*near, "-map", "0:V:0", "-fps_mode", "passthrough", "-f", "null", "-"])
    except FilmError as error:
        raise FilmError(f"The end of {path.name} is damaged: its last picture cannot be known.", ANEW, path.name) from error


def combine(paths: Sequence[Path], out: Path, name: str, seconds: float, presets: Presets, vault: Vault, tick: Tick) -> str:
    """Several videos as one at `out`. -> what was done: "copied" or "encoded", and why."""
    turning: Transition = presets.pick("transitions", name)
    with disk(), vault.scratch() as folder:
        videos = [look(path, folder, f"given{i}") for i, path in enumerate(paths)]
        made = folder / "film.mp4"
        why = "a transition was asked for" if turning.xfade else _differ(videos)
        (_encode(videos, turning.xfade, seconds, presets, made, tick) if why else _copy(videos, made, folder, tick))
        place(made, out)
    if why:
        return f"encoded: {why}"
    return f"copied: {'only the sound' if any(video.sound for video in videos) else 'nothing'} was encoded again"


def _copy(videos: Sequence[Video], made: Path, folder: Path, tick: Tick) -> None:
    """The pictures one after the other as they are. Sound is coded in blocks that do not end where a picture does, so
    it is decoded, cut to the pictures and encoded anew: joined as it is, there would be a hole at every joint."""
    whole = sum(video.frames for video in videos)
    seconds = [float(video.frames / video.rate) for video in videos]
    parts = (
        f"file given{i}\ninpoint {float(video.start):.6f}\nduration {length:.6f}\n"
        for i, (video, length) in enumerate(zip(videos, seconds, strict=True))
    )
    (folder / "list.txt").write_text("".join(parts), "utf-8")
    args: list[str | int | Path] = ["-copyts", *GUARD, "mov,concat", "-f", "concat", "-safe", 1, "-i", "list.txt"]
    out: list[str | int | Path] = ["-map", "0:v", "-c:v", "copy"]
    if any(video.sound for video in videos):
        args += [arg for video in videos for arg in video.args]
        ends = "".join(f"[a{i}]" for i in range(len(videos)))
        joint = f"{ends}concat=n={len(videos)}:v=0:a=1[sound]"
        out += ["-filter_complex", ";".join([*_sounds(videos, seconds, 1), joint]), "-map", "[sound]", *AAC]
    ffmpeg.run([*args, *out, "-movflags", "+faststart", "-f", "mp4", made], frames=whole, tick=tick, cwd=folder)
    if mp4.count(made) != whole:
        raise FilmError("The joined video lost pictures on the way.", "Ask for a transition: then it is encoded.")


def _sounds(videos: Sequence[Video], seconds: Sequence[float], first: int) -> list[str]:
    """A filter chain for each video that gives its sound exactly its length, silence if it has none; `first` is the
    first one's input."""
    chains = []
    for i, (video, length) in enumerate(zip(videos, seconds, strict=True)):
        heard = f"[{first + i}:a:0]" if video.sound else "anullsrc=r=48000:cl=stereo,"
        shaped = f"aresample=48000,aformat=channel_layouts=stereo,apad,atrim=0:{length:.6f},asetpts=PTS-STARTPTS"
        chains.append(f"{heard}{shaped}[a{i}]")
    return chains


def _differ(videos: Sequence[Video]) -> str:
    """Why they cannot be joined by copying; empty if they can."""
    first = videos[0]
    if any(video.kind != "mov" for video in videos):
        return "only MP4 and MOV are joined as they are"
    for other in videos[1:]:
        for what, mine, its in (
            ("codecs", first.picture.codec, other.picture.codec),
            ("sizes", first.picture.size, other.picture.size),
            ("frame rates", first.rate, other.rate),
            ("time bases", first.picture.timebase, other.picture.timebase),
            ("encoder settings", first.picture.extradata, other.picture.extradata),
        ):
            if mine != its:
                return f"their {what} differ"
    return "" if first.picture.codec in ("h264", "hevc", "av1", "mpeg4") else "their codec does not go into an MP4 as it is"


def _encode(videos: Sequence[Video], xfade: str, seconds: float, presets: Presets, made: Path, tick: Tick) -> None:
    first = videos[0]
    frame = Frame(*square(first), first.rate)
    lengths = [max(1, round(Fraction(video.frames) / video.rate * frame.rate)) for video in videos]
    shared = [min(round(seconds * frame.rate), a // 2, b // 2) if xfade else 0 for a, b in pairwise(lengths)]
    whole = sum(lengths) - sum(shared)
    inputs = [arg for video in videos for arg in video.args]
    graph = _graph(videos, lengths, shared, frame, xfade)
    quality = presets.pick("qualities", "standard")
    args = [*inputs, "-filter_complex", graph, "-map", "[film]", "-map", "[sound]", *AAC, "-frames:v", whole, "-r", str(frame.rate)]
    ffmpeg.run([*args, *encoding(frame, quality, threads=0), "-movflags", "+faststart", "-f", "mp4", made], frames=whole, tick=tick)
    if (count := mp4.count(made)) != whole:
        raise FilmError(f"The joined video came out with {count} pictures, not {whole}.", "Run it again.")


def _graph(videos: Sequence[Video], lengths: Sequence[int], shared: Sequence[int], frame: Frame, xfade: str) -> str:
    """Every video in the first one's size and rate, one after the other, or one turning into the next."""
    size = f"{frame.width}:{frame.height}"
    parts = []
    for i, length in enumerate(lengths):
        across, down = square(videos[i])
        less = min(frame.width / across, frame.height / down)
        inner = max(2, round(across * less / 2) * 2), max(2, round(down * less / 2) * 2)
        fitted = f"{plain(videos[i], inner)},pad={size}:-1:-1,setsar=1"
        held = f"fps={frame.rate},tpad=stop=-1:stop_mode=clone,trim=end_frame={length},setpts=PTS-STARTPTS"
        parts.append(f"[{i}:V:0]{fitted},{held},settb=1/{frame.rate.numerator},format=yuv420p[v{i}]")
    parts += _sounds(videos, [frame.seconds(length) for length in lengths], 0)
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
