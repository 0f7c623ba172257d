"""The gate for videos that people bring: what each is by its first bytes, what is in it, and how ffmpeg may open it.

A video is given to the one demuxer that its first bytes name, under a name of ours; it may open no other file, and only
decoders that are named here. Knows no story. The limits for videos are written here, once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from . import ffmpeg
from .vault import linked
from .work import FilmError

VIDEO_BYTES = 4 << 30
WIDEST, TALLEST = 8192, 8192  # pixels; 8K in either direction
PIXELS = 8192 * 4352
LONGEST = 3 * 3600.0  # seconds
PATIENCE = 300.0  # seconds of reading through a file: a slow disk and the largest file
KINDS = "Use MP4, MOV, WebM, MKV, AVI or MPEG-TS."
ANEW = "Save it anew, or choose another."

PICTURES = ["h264", "hevc", "vp8", "vp9", "libvpx", "libvpx-vp9", "av1", "libdav1d", "libaom-av1", "mpeg4", "mpeg2video", "mpeg1video", "prores", "mjpeg", "h263", "dvvideo", "dnxhd", "ffv1", "rawvideo", "png", "qtrle"]  # fmt: skip
SOUNDS = ["aac", "mp3", "mp3float", "mp2", "mp2float", "opus", "libopus", "vorbis", "libvorbis", "flac", "alac", "ac3", "eac3", "pcm_u8", "pcm_s8", "pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_s24be", "pcm_s32le", "pcm_s32be", "pcm_f32le", "pcm_f32be", "pcm_alaw", "pcm_mulaw", "pcm_bluray", "adpcm_ms", "adpcm_ima_wav", "adpcm_ima_qt"]  # fmt: skip
GUARD = ["-protocol_whitelist", "file", "-format_whitelist"]  # then the one demuxer
STILL_BRANDS = (b"avif", b"avis", b"mif1", b"msf1", b"heic", b"heix", b"heif", b"hevc")  # an MP4 in form, a picture in truth
ALPHA = re.compile(r"yuva|rgba|bgra|argb|abgr|gbrap|^ya\d|rgba64|pal8")


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
    """What is in a video: `args` open it by its `kind`; `frames` pictures at `rate` a second, the first at `start`.

    `width` and `height` are the upright picture's, `pixel` how wide one of its pixels is for its height. `transfer`,
    `primaries` and `matrix` are ffmpeg's names, "unknown" where the file says nothing.
    """

    kind: str
    args: tuple[str | Path, ...]
    picture: Stream
    sound: Stream | None
    width: int
    height: int
    rate: Fraction
    frames: int
    start: Fraction
    pixel: Fraction = Fraction(1)
    form: str = "yuv420p"
    transfer: str = "unknown"
    primaries: str = "unknown"
    matrix: str = "unknown"
    woven: bool = False  # two half pictures in one: interlaced
    clear: bool = False  # with transparency
    even: bool = True  # each picture is shown as long as any other

    @property
    def seconds(self) -> float:
        return float(self.frames / self.rate)

    @property
    def bright(self) -> bool:
        """High dynamic range."""
        return self.transfer in ("smpte2084", "arib-std-b67")


def kind(head: bytes) -> str:
    """The demuxer for a file that begins with these bytes (400 are enough); empty if it is no video."""
    if head[4:8] == b"ftyp" and head[8:12] in STILL_BRANDS:
        return ""
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"):
        return "mov"
    if head.startswith(b"\x1aE\xdf\xa3"):
        return "matroska"
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "avi"
    packets = ((0, 188), (4, 196))  # as broadcast; as cameras keep it
    if any(head[first : first + 1] == head[second : second + 1] == b"G" for first, second in packets) and head[:4] != b"GIF8":
        return "mpegts"
    return ""


def is_video(path: Path) -> bool:
    """Whether a file begins as a video does; not whether it is whole."""
    try:
        with path.open("rb") as file:
            return bool(kind(file.read(400)))
    except OSError:
        return False


def demuxer(path: Path) -> str:
    """The demuxer for a file, from its first bytes; FilmError if it is no video."""
    if path.exists() and not path.is_file():  # a pipe would be waited for without end
        raise FilmError(f"{path.name} is not a file.", "Choose a video.", path.name)
    try:
        with path.open("rb") as file:
            found = kind(file.read(400))
        size = path.stat().st_size
    except OSError as error:
        raise FilmError(f"{path.name} cannot be opened: {error.strerror}.", "Choose another.", path.name) from error
    if not found:
        raise FilmError(f"{path.name} is not a video that can be read.", KINDS, path.name)
    if size > VIDEO_BYTES:
        raise FilmError(f"{path.name} has {size / 2**30:.1f} GB, more than {VIDEO_BYTES >> 30} GB.", "Cut it to the part that matters.", path.name)
    return found


def opening(found: str, given: Path, *, clear: str = "") -> tuple[str | Path, ...]:
    """What opens a video of ours by that demuxer, and lets it open nothing else. `clear`: a codec of WebM that keeps
    its transparency beside the picture, where only its own decoder looks."""
    refs: list[str] = ["-enable_drefs", "0", "-use_absolute_path", "0"] if found == "mov" else []
    limits = ["-codec_whitelist", ",".join([*PICTURES, *SOUNDS]), "-max_pixels", str(PIXELS)]
    own = {"vp9": ["-c:v", "libvpx-vp9"], "vp8": ["-c:v", "libvpx"]}.get(clear, [])
    return (*GUARD, found, *refs, *limits, *own, "-f", found, "-i", given)


def look(path: Path, folder: Path, name: str) -> Video:
    """What is in the video. `folder` is ours: the video is known there by `name`.

    FilmError, by name, for what is no video, damaged, or beyond the limits.
    """
    found = demuxer(path)
    linked(path.resolve(), folder / name)
    args = opening(found, folder / name)
    facts: dict[tuple[str, str], str] = {}
    shows: list[int] = []
    length = 0
    damaged = FilmError(f"{path.name} is damaged, or holds no picture.", ANEW, path.name)
    try:
        # -xerror: a file that was cut off is refused, not taken for a shorter one
        every: list[str | int | Path] = ["-xerror", *args, "-map", "0:V:0", "-map", "0:a:0?", "-c", "copy", "-f", "framemd5", "-"]
        told = b"".join(ffmpeg.read(every, 1 << 20, patience=PATIENCE))
    except FilmError as error:
        raise damaged from error
    for line in told.decode("utf-8", "replace").splitlines():
        if said := re.match(r"#(\w+) (\d)[:,] *(.*)", line):
            facts[said[2], said[1]] = said[3]
        elif line.startswith("0,"):
            _, _, pts, lasts, *_ = line.split(",")
            shows.append(int(pts))
            length += int(lasts)
    _known(path, facts)
    try:
        seen = ffmpeg.said([*args, "-map", "0:V:0", "-frames:v", 3, "-vf", "showinfo", "-f", "null", "-"], patience=PATIENCE)
    except FilmError as error:
        raise damaged from error
    shown = re.search(r"\bfmt:(\S+) .*?sar:(\d+)/(\d+) s:(\d+)x(\d+)", seen)  # upright: telephones turn their videos by a note in the file
    if not shown or not shows:
        raise FilmError(f"{path.name} holds no picture that can be decoded.", ANEW, path.name)
    width, height = int(shown[4]), int(shown[5])
    base = Fraction(facts["0", "tb"])
    rate = Fraction(len(shows)) / (length * base) if length else Fraction(25)
    _limited(path, width, height, len(shows) / float(rate))
    rate, first = rate.limit_denominator(1001), min(shows)
    even = all(abs((pts - first) * base - n / rate) <= max(base, Fraction(1, 500)) for n, pts in enumerate(sorted(shows)))
    codec = facts["0", "codec_id"]
    apart = codec in ("vp8", "vp9") and re.search(r"^ +alpha_mode +: 1$", seen, re.M | re.I) is not None
    colour = {name: value for name, value in re.findall(r"color_(space|primaries|trc):(\S+)", seen)}
    sound = _stream(facts, "1") if ("1", "codec_id") in facts else None
    return Video(
        found, opening(found, folder / name, clear=codec if apart else ""), _stream(facts, "0"), sound, width, height,
        rate, len(shows), first * base,
        Fraction(int(shown[2]) or 1, int(shown[3]) or 1), shown[1], colour.get("trc", "unknown"), colour.get("primaries", "unknown"),
        colour.get("space", "unknown"), re.search(r"\bi:[TB] ", seen) is not None, apart or ALPHA.search(shown[1]) is not None, even,
    )  # fmt: skip


def _known(path: Path, facts: dict[tuple[str, str], str]) -> None:
    """FilmError if the pictures or the sound are coded in a way that is not read here."""
    for which, what, names in (("0", "pictures", PICTURES), ("1", "sound", SOUNDS)):
        codec = facts.get((which, "codec_id"), names[0])
        if codec not in names:
            shown = re.sub(r"[^\w.-]", "", codec)[:40] or "no known codec"
            hint = "Save it anew as H.264 with AAC sound, in an MP4."
            raise FilmError(f"The {what} of {path.name} are coded as {shown}, which is not read." if what == "pictures" else f"The sound of {path.name} is coded as {shown}, which is not read.", hint, path.name)


def _limited(path: Path, width: int, height: int, seconds: float) -> None:
    if width > WIDEST or height > TALLEST or width * height > PIXELS:
        raise FilmError(f"{path.name} has {width}x{height} pixels, more than 8K.", "Save it smaller.", path.name)
    if seconds > LONGEST:
        raise FilmError(f"{path.name} lasts {seconds / 3600:.1f} hours, more than {LONGEST / 3600:g}.", "Cut it to the part that matters.", path.name)


def _stream(facts: dict[tuple[str, str], str], which: str) -> Stream:
    names = ("codec_id", "dimensions", "tb", "extradata")
    codec, size, timebase, extradata = (facts.get((which, name), "") for name in names)
    sound = facts.get((which, "sample_rate"), "") + facts.get((which, "channel_layout_name"), "")
    return Stream(codec, size, timebase, extradata, sound)
