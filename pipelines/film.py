"""Spans -> picture: what ffmpeg is told for each stretch of film, and for joining them. The arguments are pure values.

Every stretch is encoded once with the same closed-GOP settings, so the film is their join by stream copy. Filters are
built from our own numbers and names only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from . import ffmpeg, mp4
from .plan import Frame
from .presets import Look, Quality
from .splice import splice
from .vault import linked
from .work import ALONE, FilmError, Place, Tick

if TYPE_CHECKING:
    from numpy import uint8
    from numpy.typing import NDArray

GOP = 48
SUBTITLES_AT = 100.0  # seconds: the zero of a stretch's own subtitle times, so that one may have begun before it
TAGS = ["-color_range", "tv", "-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709"]
XFADES = frozenset(
    ["fade", "fadeblack", "fadewhite", "fadegrays", "fadefast", "fadeslow", "dissolve", "distance", "pixelize", "radial", "hblur", "zoomin", "wipeleft", "wiperight", "wipeup", "wipedown", "wipetl", "wipetr", "wipebl", "wipebr", "slideleft", "slideright", "slideup", "slidedown", "smoothleft", "smoothright", "smoothup", "smoothdown", "circlecrop", "rectcrop", "circleopen", "circleclose", "vertopen", "vertclose", "horzopen", "horzclose", "diagtl", "diagtr", "diagbl", "diagbr", "hlslice", "hrslice", "vuslice", "vdslice", "squeezeh", "squeezev", "hlwind", "hrwind", "vuwind", "vdwind", "coverleft", "coverright", "coverup", "coverdown", "revealleft", "revealright", "revealup", "revealdown"]
)


@dataclass(frozen=True, slots=True)
class Badge:
    """A small picture over every frame: rows of R, G, B, A in a file of ours, its size and place in pixels, all even."""

    path: Path
    width: int
    height: int
    x: int
    y: int
    opacity: float


class Footage(Protocol):
    """A clip whose frames can be had."""

    def frames(self, start: int, count: int) -> Iterator[NDArray[uint8]]:
        """I420 frames, shape (height * 3 / 2, width)."""
        ...


def timescale(rate: Fraction) -> int:
    """Ticks a second in which every frame lasts a whole number of ticks."""
    return rate.numerator * (1000 if rate.numerator < 1000 else 1)


def encoding(frame: Frame, quality: Quality, threads: int = 2) -> list[str]:
    """x264's settings. So many threads, whatever the machine has: then it makes the same bytes everywhere. The film is
    quick because stretches are encoded side by side. 0 threads are as many as there are cores."""
    return [
        *("-c:v", "libx264", "-preset", quality.preset, "-crf", str(quality.crf), "-pix_fmt", "yuv420p"),
        *("-g", str(GOP), "-bf", "2", "-flags", "+cgop", "-threads", str(threads), *TAGS),
        *("-video_track_timescale", str(timescale(frame.rate)), "-fflags", "+bitexact", "-map_metadata", "-1"),
    ]


def grade(look: Look) -> list[str]:
    """The filters of a look; none if it changes nothing."""
    filters: list[str] = []
    neutral = Look(label="", what="")
    if look.kelvin != neutral.kelvin:
        filters.append(f"colortemperature=temperature={look.kelvin}")
    if look.monochrome:
        red, green, blue = (int(look.monochrome[i : i + 2], 16) / 128 for i in (1, 3, 5))
        grey = (0.299, 0.587, 0.114)
        rows = zip("rgb", (red, green, blue), strict=True)
        mixed = [f"{row}{of}={share * weight:.4f}" for row, share in rows for of, weight in zip("rgb", grey, strict=True)]
        filters.append("colorchannelmixer=" + ":".join(mixed))
    if (look.saturation, look.contrast, look.brightness, look.gamma) != (1.0, 1.0, 0.0, 1.0):
        numbers = f"saturation={look.saturation:g}:contrast={look.contrast:g}"
        filters.append(f"eq={numbers}:brightness={look.brightness:g}:gamma={look.gamma:g}")
    if any(look.shadows) or any(look.highlights):
        parts = [f"{c}s={s:g}" for c, s in zip("rgb", look.shadows, strict=True)]
        parts += [f"{c}h={h:g}" for c, h in zip("rgb", look.highlights, strict=True)]
        filters.append("colorbalance=" + ":".join(parts))
    if look.fade:
        filters.append(f"curves=all='0/{look.fade * 0.3:.4f} 0.5/{0.5 + look.fade * 0.04:.4f} 1/{1 - look.fade * 0.05:.4f}'")
    if look.soften:
        glow = f"gblur=sigma={2 + look.soften * 10:g}"
        filters.append(f"format=gbrp,split[sharp][soft];[soft]{glow}[glow];[sharp][glow]blend=all_mode=screen:all_opacity={look.soften * 0.5:g}")
    if look.vignette:
        filters.append(f"vignette=angle={0.2 + look.vignette * 0.75:.4f}")
    if look.grain:
        filters.append(f"format=yuv420p,noise=c0s={round(look.grain * 28)}:c0f=t:all_seed=7")
    if filters:
        filters += ["format=yuv420p", "limiter=min=16:max=235:planes=1", "limiter=min=16:max=240:planes=6"]
    return filters


def picture_filter(frame: Frame, xfade: str, frames: int, look: Look, subtitles: bool, badge: Badge | None = None) -> str:
    """The filter graph for one stretch; its input is one picture, or two stacked for a transition."""
    width, height = frame.width, frame.height
    steps: list[str] = []
    head = "[0:v]"
    if xfade:
        if xfade not in XFADES:
            raise FilmError(f'There is no transition "{xfade}" in ffmpeg.', "Mend its entry in transitions.toml.")
        crops = f"[0:v]split[a][b];[a]crop={width}:{height}:0:0[from];[b]crop={width}:{height}:0:{height}[to];"
        head = f"{crops}[from][to]"
        steps.append(f"xfade=transition={xfade}:duration={float(frames / frame.rate):.6f}:offset=0")
    steps += grade(look)
    if badge:  # after the grade, before words; it stays where it is while scenes turn
        clear = f"colorchannelmixer=aa={badge.opacity:.4f}," if badge.opacity < 1 else ""
        laid = f"[1:v]{clear}scale=out_color_matrix=bt709:out_range=tv,format=yuva420p[badge]"
        head = f"{laid};{head}{','.join([*steps, 'format=yuv420p'])}[bare];[bare][badge]"
        steps = [f"overlay={badge.x}:{badge.y}:format=yuv420:eof_action=repeat"]
    if subtitles:
        steps += [f"setpts=PTS+{SUBTITLES_AT:g}/TB", "subtitles=filename=captions.ass:fontsdir=fonts", "setpts=PTS-STARTPTS"]
    return head + ",".join([*steps, "format=yuv420p"]) + "[film]"


def stretch_args(
    frame: Frame, quality: Quality, graph: str, stacked: bool, frames: int, badge: Badge | None = None
) -> list[str]:
    """What ffmpeg is told for one stretch, but for its name; raw frames come on stdin."""
    laid = ["-f", "rawvideo", "-pix_fmt", "rgba", "-s", f"{badge.width}x{badge.height}", "-i", "badge.rgba"] if badge else []
    size = f"{frame.width}x{frame.height * (2 if stacked else 1)}"
    return [
        *("-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", size, "-r", str(frame.rate), *TAGS, "-i", "pipe:0"),
        *laid,
        *("-filter_complex", graph, "-map", "[film]", "-frames:v", str(frames), "-r", str(frame.rate)),
        *(*encoding(frame, quality), "-f", "mp4"),
    ]


def encode(
    args: Sequence[str], clips: Sequence[tuple[Footage, int]], frames: int, frame: Frame, ass: str, fonts: Path, out: Path, tick: Tick,
    badge: Badge | None = None, place: Place = ALONE,
) -> None:
    """Draw and encode one stretch. `clips` are one or two (footage, first frame); the folder of `out` is ours."""
    folder = out.parent
    if badge:
        linked(badge.path, folder / "badge.rgba")
    if ass:
        (folder / "captions.ass").write_text(ass, "utf-8")
        linked(fonts, folder / "fonts")
    try:
        ffmpeg.write(args, _told(_stacked(clips, frames, frame), frames, tick), cwd=folder, place=place)
    except FilmError:
        tick(0.0)  # raises Cancelled if it was ended because nobody wants it any more
        raise
    if (made := mp4.count(out)) != frames:
        raise FilmError(f"A part of the film came out with {made} frames, not {frames}.", "Run it again: finished parts are kept.")


def _stacked(clips: Sequence[tuple[Footage, int]], frames: int, frame: Frame) -> Iterator[NDArray[uint8]]:
    """One clip's frames as they are; two clips' frames one above the other."""
    if len(clips) == 1:
        footage, start = clips[0]
        yield from footage.frames(start, frames)
        return
    import numpy as np

    luma, both = frame.width * frame.height, np.empty(frame.width * frame.height * 3, np.uint8)
    edges = (0, luma, luma * 5 // 4, luma * 3 // 2)
    pairs = zip(*(footage.frames(start, frames) for footage, start in clips), strict=True)
    for pair in pairs:
        for begin, end in pairwise(edges):
            size = end - begin
            for k, one in enumerate(pair):
                both[2 * begin + k * size : 2 * begin + (k + 1) * size] = one.reshape(-1)[begin:end]
        yield both


def _told(blocks: Iterator[NDArray[uint8]], frames: int, tick: Tick) -> Iterator[ffmpeg.Block]:
    for done, block in enumerate(blocks):
        tick(done / frames)
        yield block.reshape(-1).data


def join_args(captions: bool, out: str) -> list[str]:
    """What ffmpeg is told for the join; every name is ours and lies in its folder."""
    track = ["-f", "webvtt", "-i", "captions.vtt"] if captions else []
    keep = ["-map", "3:s", "-c:s", "mov_text", "-disposition:s:0", "0"] if captions else []
    return [
        *("-f", "mov", "-i", "picture.mp4", "-f", "mov", "-i", "sound.m4a", "-f", "ffmetadata", "-i", "film.txt", *track),
        *("-map", "0:v", "-map", "1:a", *keep, "-c:v", "copy", "-c:a", "copy", "-map_metadata", "2", "-map_chapters", "2"),
        *("-movflags", "+faststart", "-fflags", "+bitexact", "-f", "mp4", out),
    ]


def join(
    spans: Sequence[Path], sound: Path, meta: str, vtt: str, burned: bool, frame: Frame, frames: int, out: Path, tick: Tick
) -> None:
    """Stretches and sound to the film, by copying. The frames are counted before anybody sees it."""
    folder = out.parent
    splice(spans, (frame.width, frame.height), timescale(frame.rate), folder / "picture.mp4")
    linked(sound, folder / "sound.m4a")
    (folder / "film.txt").write_text(meta, "utf-8")
    if vtt:
        (folder / "captions.vtt").write_text(vtt, "utf-8")
    ffmpeg.run(join_args(bool(vtt), str(out)), frames=frames, tick=tick, cwd=folder)
    if vtt and burned:
        mp4.hide_captions(out)
    if (made := mp4.count(out)) != frames:
        raise FilmError(f"The film came out with {made} frames, not {frames}.", "Run it again: finished parts are kept.")


def metadata(title: str, comment: str, recipe: str, chapters: Sequence[tuple[float, float, str]]) -> str:
    """An ffmetadata text: title, what made the film, its recipe, and a chapter a scene (start, end in seconds, name)."""
    lines = [";FFMETADATA1", f"title={_escaped(title)}", f"comment={_escaped(comment)}", f"synopsis={_escaped(recipe)}"]
    for start, end, name in chapters:
        lines += ["[CHAPTER]", "TIMEBASE=1/1000", f"START={round(start * 1000)}", f"END={round(end * 1000)}", f"title={_escaped(name)}"]
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    flat = "".join(c if c >= " " else " " for c in text)
    flat += " " if flat.endswith("\\") else ""  # at a line's end ffmpeg takes even an escaped one for "it goes on"
    return "".join("\\" + c if c in "=;#\\" else c for c in flat)
