"""From however a video was taken to plain pictures: upright, whole, square pixels, BT.709, limited range, 4:2:0.

Filters as text, made of numbers and names of our own. Knows what is in a video (gate.py), opens none.
"""

from __future__ import annotations

from .gate import Video

# 203 cd/m2 is the white of papers and faces in high dynamic range (ITU-R BT.2408); five times that is the light that is kept
NITS, LIGHTEST = 203, 5
SMALL = 576  # up to so many lines a video that says nothing of its colours has BT.601's
SCALE = "flags=lanczos+accurate_rnd+full_chroma_int"
MATRIX = "bt2020nc"


def square(video: Video) -> tuple[int, int]:
    """The picture's size in square pixels, both even."""
    wide = video.width * video.pixel
    return max(2, round(wide / 2) * 2), max(2, round(video.height / 2) * 2)


def plain(video: Video, size: tuple[int, int]) -> str:
    """The filters that turn its pictures into plain ones of that size (width, height)."""
    return ",".join([*whole(video), *_sized(video, size), "setsar=1", "format=yuv420p"])


def shown(video: Video) -> str:
    """The filters after which a picture looks as the video does on a screen; its pixels stay where and what they are
    unless it has transparency or a high dynamic range. Empty for the others."""
    bright = [*_bright(video), "format=gbrp"] if video.bright else []
    return ",".join([*_flat(video), *bright])


def whole(video: Video) -> list[str]:
    """Half pictures woven into whole ones, transparency on white, colours named where the file leaves it open."""
    steps = ["bwdif=mode=send_frame:deint=interlaced"] if video.woven else []
    return steps + _named(video) + _flat(video)


def _named(video: Video) -> list[str]:
    """What is taken for granted of a video that says nothing of its colours."""
    if video.form.startswith(("rgb", "bgr", "gbr", "argb", "abgr", "pal8", "gray", "ya")):
        return []
    if video.bright:
        primaries = "bt2020" if video.primaries == "unknown" else video.primaries
        matrix = MATRIX if video.matrix == "unknown" else video.matrix
        return [f"setparams=color_primaries={primaries}:color_trc={video.transfer}:colorspace={matrix}"]
    if video.matrix == "unknown":
        return [f"setparams=colorspace={'bt709' if video.height > SMALL else 'smpte170m'}"]
    return []


def _flat(video: Video) -> list[str]:
    """On white, as pictures are: turned over, black stands for it, which is what is left of a colour without alpha."""
    if not video.clear:
        return []
    return ["format=gbrap10le", "negate=components=r+g+b", "premultiply=inplace=1", "format=gbrp10le", "negate"]


def _bright(video: Video) -> list[str]:
    """High dynamic range to what every screen shows; highlights roll off softly."""
    steps = [f"zscale=t=linear:npl={NITS}", "format=gbrpf32le", "zscale=p=bt709", f"tonemap=mobius:param=0.5:peak={LIGHTEST}:desat=0"]
    return [*_named(video), *steps, "zscale=t=bt709:m=bt709:r=tv"]


def _sized(video: Video, size: tuple[int, int]) -> list[str]:
    width, height = size
    if video.bright:  # smaller first: light is reckoned in large numbers
        return [f"scale={width}:{height}:{SCALE}", *_bright(video)]
    colours = "out_color_matrix=bt709:out_range=tv"
    wide = ["zscale=p=bt709:t=bt709:m=bt709:r=tv"] if video.primaries in ("bt2020", "smpte432") and video.transfer != "unknown" else []
    return [*wide, f"scale={width}:{height}:{SCALE}:{colours}"]
