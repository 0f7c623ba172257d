"""Videos that people bring: the very last frame, several put together, and files that are not what they say."""

from __future__ import annotations

import os
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from pipelines import ffmpeg, gate
from pipelines.gate import look
from pipelines.presets import Presets
from pipelines.vault import Vault
from pipelines.video import combine, last_frame
from pipelines.work import FilmError, idle

from . import measure
from .test_pictures import CANARY, NAMES, disguises

SIZE = (128, 72)
Picture = NDArray[Any]


def numbered(count: int, size: tuple[int, int] = SIZE, first: int = 0) -> list[Picture]:
    """Frames that carry their number: bits as black and white fields over a moving ground."""
    width, height = size
    out = []
    for n in range(first, first + count):
        down, across = np.mgrid[0:height, 0:width]
        frame = np.stack([(across * 2 + n * 3) % 200 + 20, (down * 3 + n) % 200 + 20, np.full((height, width), 60)], -1).astype(np.uint8)
        for bit in range(8):
            frame[height // 2 :, bit * width // 8 : (bit + 1) * width // 8] = 230 if n >> bit & 1 else 20
        out.append(frame)
    return out


def number(picture: Picture) -> int:
    height, width = picture.shape[:2]
    fields = [picture[height * 5 // 8 : height * 7 // 8, bit * width // 8 + 4 : (bit + 1) * width // 8 - 4].mean() for bit in range(8)]
    return sum(1 << bit for bit, light in enumerate(fields) if light > 125)


def numbers(path: Path, size: tuple[int, int] = SIZE) -> list[int]:
    return [number(picture) for picture in measure.frames(path, size)]


def join(paths: Sequence[Path], out: Path, presets: Presets, vault: Vault, transition: str = "none", seconds: float = 0.25) -> str:
    return combine(paths, out, transition, seconds, presets, vault, idle)


def even(path: Path, rate: Fraction | int) -> None:
    """Every frame lasts as long as any other, from 0 on."""
    shown = measure.times(path)
    assert shown[0] == 0
    assert all(b - a == 1 / Fraction(rate) for a, b in pairwise(shown))


# The last frame --------------------------------------------------------------------------------------------------------


X264 = ("-c:v", "libx264", "-preset", "veryfast")
FILES: dict[str, tuple[int, tuple[str, ...], str]] = {
    "b-frames.mp4": (50, (*X264, "-bf", "3", "-g", "250"), "mp4"),
    "long-gop.mp4": (200, (*X264, "-g", "9999", "-x264-params", "scenecut=0"), "mp4"),
    "one-frame.mp4": (1, X264, "mp4"),
    "open-gop.mkv": (60, (*X264, "-g", "24", "-x264-params", "open-gop=1"), "matroska"),
    "phone.mov": (33, X264, "mov"),
    "web.webm": (20, ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8"), "webm"),
    "old.avi": (30, ("-c:v", "mpeg4", "-q:v", "2"), "avi"),
    "tv.ts": (40, (*X264, "-bf", "2"), "mpegts"),
    "vfr.mp4": (30, (*X264, "-vf", "setpts=(N+floor(N*N/9))/(24*TB)", "-fps_mode", "vfr"), "mp4"),
    "with-sound.mp4": (30, (*X264, "-c:a", "aac"), "mp4"),
}


@pytest.mark.parametrize("name", FILES)
def test_the_last_frame_is_the_last(name: str, tmp_path: Path, vault: Vault) -> None:
    count, settings, muxer = FILES[name]
    path = measure.video(tmp_path / name, numbered(count), 24, *settings, muxer=muxer, tone=440 if "sound" in name else 0)
    last_frame(path, tmp_path / "last.png", vault)
    with Image.open(tmp_path / "last.png") as seen:
        assert (seen.format, seen.size, seen.mode) == ("PNG", SIZE, "RGB")
        picture = np.asarray(seen)
    assert number(picture) == (count - 1) % 256
    demuxer = {"webm": "matroska"}.get(muxer, "mov" if muxer in ("mp4", "mov") else muxer)
    raw = b"".join(ffmpeg.read(["-f", demuxer, "-i", path, "-map", "0:V:0", "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1"], 1 << 20))
    frames = np.frombuffer(raw, np.uint8).reshape(-1, SIZE[1], SIZE[0], 3)
    assert len(frames) == count
    assert (frames[-1] == picture).all()


def test_as_jpeg_it_is_nearly_the_same(tmp_path: Path, vault: Vault) -> None:
    path = measure.video(tmp_path / "a.mp4", numbered(30), 24, *X264, "-crf", "5")
    last_frame(path, tmp_path / "last.png", vault)
    last_frame(path, tmp_path / "deep/er/last.JPG", vault)
    with Image.open(tmp_path / "last.png") as png, Image.open(tmp_path / "deep/er/last.JPG") as jpeg:
        assert jpeg.format == "JPEG"
        assert np.abs(np.asarray(png, float) - np.asarray(jpeg.convert("RGB"), float)).mean() < 3


def test_colours_are_those_of_the_video(tmp_path: Path, vault: Vault, presets: Presets) -> None:
    for matrix, tag in (("bt709", "bt709"), ("bt601", "smpte170m")):
        turned = ["-vf", f"scale=out_color_matrix={matrix}", "-colorspace", tag, "-color_primaries", tag, "-color_trc", tag]
        path = measure.video(tmp_path / f"{matrix}.mp4", [np.full((72, 128, 3), (200, 60, 30), np.uint8)] * 3, 24, *X264, "-crf", "2", *turned)
        last_frame(path, tmp_path / "last.png", vault)
        with Image.open(tmp_path / "last.png") as seen:
            assert np.abs(np.asarray(seen, float) - (200, 60, 30)).max() < 6
    join([tmp_path / "bt601.mp4", tmp_path / "bt709.mp4"], tmp_path / "both.mp4", presets, vault, "crossfade", 0.05)
    for picture in measure.frames(tmp_path / "both.mp4", SIZE):
        assert np.abs(picture.reshape(-1, 3).mean(0) - (200, 60, 30)).max() < 8


@pytest.mark.parametrize("name", ["last.gif", "last", "last.png.exe"])
def test_other_pictures_are_not_made(name: str, tmp_path: Path, vault: Vault) -> None:
    with pytest.raises(FilmError, match="cannot be saved"):
        last_frame(tmp_path / "a.mp4", tmp_path / name, vault)


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_any_name(name: str, tmp_path: Path, vault: Vault, presets: Presets) -> None:
    plain = measure.video(tmp_path / "plain.mp4", numbered(6), 24, *X264)
    path = tmp_path / name
    plain.rename(path)
    last_frame(path, tmp_path / f"{name[:40]}-last.png", vault)
    join([path, path], tmp_path / f"{name[:40]}-both.mp4", presets, vault)
    assert numbers(tmp_path / f"{name[:40]}-both.mp4") == [*range(6), *range(6)]
    assert not list(tmp_path.glob("oops*"))


def test_the_given_video_stays(tmp_path: Path, vault: Vault) -> None:
    path = measure.video(tmp_path / "a.mp4", numbered(5), 24, *X264)
    before = path.read_bytes()
    last_frame(path, tmp_path / "last.png", vault)
    assert path.read_bytes() == before
    assert not list((vault.root / "scratch").iterdir())


# Odd videos ------------------------------------------------------------------------------------------------------------


FULL = ("-vf", "format=yuva444p10le")
HDR = "setparams=color_primaries=bt2020:color_trc={}:colorspace=bt2020nc:range=tv"
HEVC = ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params")
ODD: dict[str, tuple[tuple[str, ...], str]] = {
    "ten-bit.mp4": ((*X264, "-pix_fmt", "yuv420p10le"), "mp4"),
    "hevc.mp4": ((*HEVC, "log-level=none:bframes=3", "-tag:v", "hvc1"), "mp4"),
    "hevc-open.mkv": ((*HEVC, "log-level=none:open-gop=1:keyint=12"), "matroska"),
    "av1.mp4": (("-c:v", "libaom-av1", "-cpu-used", "9", "-usage", "realtime"), "mp4"),
    "av1.webm": (("-c:v", "libaom-av1", "-cpu-used", "9", "-usage", "realtime"), "webm"),
    "vp8.webm": (("-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8"), "webm"),
    "hidden.webm": (("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-auto-alt-ref", "1", "-lag-in-frames", "16"), "webm"),
    "prores.mov": (("-c:v", "prores_ks", "-profile:v", "standard", "-pix_fmt", "yuv422p10le"), "mov"),
    "woven.mp4": ((*X264, "-vf", "setfield=tff", "-flags", "+ilme+ildct"), "mp4"),
    "woven.ts": (("-c:v", "mpeg2video", "-vf", "setfield=tff", "-flags", "+ilme+ildct", "-q:v", "2"), "mpegts"),
    "pieces.mp4": ((*X264, "-g", "10", "-movflags", "frag_keyframe+empty_moov+default_base_moof"), "mp4"),
    "late.mp4": ((*X264, "-output_ts_offset", "3"), "mp4"),
    "uneven.mkv": ((*X264, "-vf", "setpts=(N+floor(N*N/5))/(24*TB)", "-fps_mode", "vfr"), "matroska"),
    "wide-pixels.avi": (("-c:v", "mpeg4", "-q:v", "2", "-vf", "setsar=16/11"), "avi"),
    "full-range.mov": (("-c:v", "mjpeg", "-q:v", "2", "-pix_fmt", "yuvj420p"), "mov"),
    "lossless.mkv": (("-c:v", "ffv1", "-pix_fmt", "gbrp"), "matroska"),
}  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_the_last_frame_of_an_odd_video_is_the_last_of_a_whole_decode(name: str, tmp_path: Path, vault: Vault) -> None:
    settings, muxer = ODD[name]
    path = measure.video(tmp_path / name, numbered(22), 24, *settings, muxer=muxer)
    last_frame(path, tmp_path / "last.png", vault)
    demuxer = {"mp4": "mov", "webm": "matroska"}.get(muxer, muxer)
    raw = b"".join(ffmpeg.read(["-f", demuxer, "-i", path, "-map", "0:V:0", "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1"], 1 << 20))
    frames = np.frombuffer(raw, np.uint8).reshape(-1, SIZE[1], SIZE[0], 3)
    with Image.open(tmp_path / "last.png") as seen:
        assert len(frames) == 22 and (frames[-1] == np.asarray(seen)).all()
        assert number(np.asarray(seen)) == 21


@pytest.mark.parametrize("transfer", ["smpte2084", "arib-std-b67"])
def test_high_dynamic_range_looks_as_it_should(transfer: str, tmp_path: Path, vault: Vault, presets: Presets) -> None:
    white = 0.58 if transfer == "smpte2084" else 0.75  # how paper is coded, ITU-R BT.2408
    grey = f"format=yuv420p10le,lutyuv=y={64 + 876 * white:.0f}:u=512:v=512,{HDR.format(transfer)}"
    path = measure.video(tmp_path / "hdr.mp4", numbered(3), 24, *HEVC, "log-level=none", "-pix_fmt", "yuv420p10le", "-vf", grey)
    last_frame(path, tmp_path / "last.png", vault)
    join([path, path], tmp_path / "both.mp4", presets, vault, "crossfade", 0.05)
    with Image.open(tmp_path / "last.png") as seen:
        looks = [np.asarray(seen, float).mean((0, 1)), *(picture.mean((0, 1)) for picture in measure.frames(tmp_path / "both.mp4", SIZE))]
    assert len(looks) == 6
    for colour in looks:
        assert colour.min() > 222 and colour.max() < 240  # untouched, it would be 148 or 191


@pytest.mark.parametrize("name", ["clear.webm", "clear.mov"])
def test_what_is_transparent_is_white(name: str, tmp_path: Path, vault: Vault, presets: Presets) -> None:
    hole = "format=yuva444p,geq=lum='lum(X,Y)':cb='cb(X,Y)':cr='cr(X,Y)':a='if(lt(Y,20),0,255)'"
    if name.endswith("webm"):
        settings = ("-vf", f"{hole},format=yuva420p", "-c:v", "libvpx-vp9", "-pix_fmt", "yuva420p", "-auto-alt-ref", "0", "-cpu-used", "8", "-deadline", "realtime")
    else:
        settings = ("-vf", hole, "-c:v", "prores_ks", "-profile:v", "4444", "-pix_fmt", "yuva444p10le", "-alpha_bits", "16")
    path = measure.video(tmp_path / name, numbered(7), 24, *settings, muxer=name[-4:].strip("."))
    last_frame(path, tmp_path / "last.png", vault)
    join([path, path], tmp_path / "both.mp4", presets, vault)
    with Image.open(tmp_path / "last.png") as seen:
        pictures = [np.asarray(seen), *measure.frames(tmp_path / "both.mp4", SIZE)]
    assert [number(picture) for picture in pictures] == [6, *range(7), *range(7)]
    for picture in pictures:
        assert picture[:16].min() > 250 and picture[24:34].mean() < 180


def test_a_woven_video_is_made_whole(tmp_path: Path, vault: Vault, presets: Presets) -> None:
    """Every other line shows a later moment; in what is made of it no comb is left."""
    moving = [np.where((np.mgrid[0:72, 0:128][1] - 6 * n) % 32 < 16, 220, 30)[..., None].repeat(3, 2).astype(np.uint8) for n in range(16)]
    path = measure.video(tmp_path / "woven.mp4", moving, 24, "-vf", "tinterlace=interleave_top,setfield=tff", "-r", "12", *X264, "-crf", "5", "-flags", "+ilme+ildct")
    join([path, path], tmp_path / "both.mp4", presets, vault, "crossfade", 0.05)
    def combed(picture: Picture) -> float:
        light = picture[..., 1].astype(float)
        return float(np.abs(light[1:-1] - (light[:-2] + light[2:]) / 2).mean())
    raw = [combed(picture) for picture in measure.frames(path, SIZE)]
    made = [combed(picture) for picture in measure.frames(tmp_path / "both.mp4", SIZE)]
    assert min(raw) > 20 and max(made[1:7]) < 0.25 * min(raw)


def test_sound_that_goes_on_after_the_picture_makes_no_picture(tmp_path: Path, vault: Vault, presets: Presets) -> None:
    made = measure.video(tmp_path / "a.mp4", numbered(12), 24, *X264)
    long = tmp_path / "long.mp4"
    ffmpeg.run(["-f", "mov", "-i", made, "-f", "lavfi", "-i", "sine=d=4", "-c:v", "copy", "-c:a", "aac", "-f", "mp4", long])
    last_frame(long, tmp_path / "last.png", vault)
    with Image.open(tmp_path / "last.png") as seen:
        assert number(np.asarray(seen)) == 11
    join([long, long], tmp_path / "both.mp4", presets, vault)
    assert numbers(tmp_path / "both.mp4") == [*range(12), *range(12)]
    assert len(measure.sound(tmp_path / "both.mp4")) / 48_000 == pytest.approx(1.0, abs=0.05)


def test_a_track_without_pictures_is_refused(tmp_path: Path, vault: Vault) -> None:
    """As a recorder leaves it that was switched off at once."""
    ffmpeg.run(["-f", "lavfi", "-i", "color=s=64x64:d=0.1", "-frames:v", "0", *X264, "-movflags", "empty_moov", "-f", "mp4", tmp_path / "empty.mp4"])
    with pytest.raises(FilmError, match=r"empty\.mp4 (is damaged, or )?holds no picture") as raised:
        last_frame(tmp_path / "empty.mp4", tmp_path / "last.png", vault)
    assert raised.value.hint


def test_a_damaged_end_is_told_not_guessed(tmp_path: Path, vault: Vault) -> None:
    path = measure.video(tmp_path / "hurt.mp4", numbered(60), 24, *X264, "-g", "12", "-movflags", "+faststart")
    data = bytearray(path.read_bytes())
    for at in range(len(data) - 900, len(data) - 60, 7):
        data[at] ^= 0x5A
    path.write_bytes(data)
    with pytest.raises(FilmError, match=r"The end of hurt\.mp4 is damaged") as raised:
        last_frame(path, tmp_path / "last.png", vault)
    assert "Save it anew" in raised.value.hint and not (tmp_path / "last.png").exists()


def test_8k_is_read_and_more_is_refused(tmp_path: Path, vault: Vault) -> None:
    for size in ("7680x4320", "9000x64"):
        path = tmp_path / f"{size}.mp4"
        ffmpeg.run(["-f", "lavfi", "-i", f"color=c=red:s={size}:r=24", "-frames:v", 1, "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-f", "mp4", path])
        with vault.scratch() as folder:
            if size == "7680x4320":
                assert (look(path, folder, "given").width, look(path, folder, "again").height) == (7680, 4320)
                continue
            with pytest.raises(FilmError, match=r"9000x64\.mp4 has 9000x64 pixels, more than 8K"):
                look(path, folder, "given")


def test_other_codecs_are_refused_by_name(tmp_path: Path, vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    path = measure.video(tmp_path / "odd.avi", numbered(2), 24, "-c:v", "magicyuv", "-pix_fmt", "yuv422p", muxer="avi")
    with pytest.raises(FilmError, match=r"The pictures of odd\.avi are coded as magicyuv") as raised:
        last_frame(path, tmp_path / "last.png", vault)
    assert "H.264" in raised.value.hint
    monkeypatch.setattr(gate, "_known", lambda path, facts: None)  # the decoder itself is locked too
    with pytest.raises(FilmError, match=r"damaged, or holds no picture"):
        last_frame(path, tmp_path / "last.png", vault)
    monkeypatch.setattr(gate, "PICTURES", [*gate.PICTURES, "magicyuv"])
    last_frame(path, tmp_path / "last.png", vault)


def test_a_video_that_takes_too_long_is_let_go(tmp_path: Path, vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    path = measure.video(tmp_path / "long.mp4", numbered(60), 24, *X264)
    monkeypatch.setattr(gate, "PATIENCE", 0.001)
    with pytest.raises(FilmError, match="damaged"), vault.scratch() as folder:
        look(path, folder, "given")


# Put together ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [24, Fraction(30_000, 1001), 25])
@pytest.mark.parametrize("tone", [0, 440])
def test_what_is_alike_is_copied(rate: int | Fraction, tone: int, tmp_path: Path, vault: Vault, presets: Presets) -> None:
    counts = (31, 7, 50)
    firsts = (0, 31, 38)
    made = [
        measure.video(tmp_path / f"{i}.mp4", numbered(count, first=first), rate, *X264, "-bf", "2", "-g", "12", tone=tone)
        for i, (count, first) in enumerate(zip(counts, firsts, strict=True))
    ]
    assert join(made, tmp_path / "all.mp4", presets, vault).startswith("copied")
    assert numbers(tmp_path / "all.mp4") == list(range(88))
    even(tmp_path / "all.mp4", rate)
    given = [picture for path in made for picture in measure.frames(path, SIZE, "gray")]
    assert all((a == b).all() for a, b in zip(given, measure.frames(tmp_path / "all.mp4", SIZE, "gray"), strict=True))
    if tone:
        heard = measure.sound(tmp_path / "all.mp4")[:, 0]
        assert len(heard) / 48_000 == pytest.approx(88 / rate, abs=0.002)
        steps = np.sqrt((heard[960 : len(heard) // 480 * 480 - 960] ** 2).reshape(-1, 480).mean(1))
        assert steps.min() > 0.7 * np.median(steps)  # no hole at the joints


def test_one_with_sound_and_one_without(tmp_path: Path, vault: Vault, presets: Presets) -> None:
    made = [measure.video(tmp_path / f"{i}.mp4", numbered(24), 24, *X264, tone=440 * i) for i in range(2)]
    assert join(made, tmp_path / "both.mp4", presets, vault) == "copied: only the sound was encoded again"
    heard = measure.sound(tmp_path / "both.mp4")[:, 0]
    assert np.abs(heard[:47_000]).max() < 0.001
    assert np.abs(heard[49_000:]).max() > 0.05


def different(name: str, path: Path) -> Path:
    if name == "size":
        return measure.video(path, numbered(24, (160, 120), 24), 24, *X264)
    if name == "rate":
        return measure.video(path, numbered(30, first=24), 30, *X264)
    if name == "settings":
        return measure.video(path, numbered(24, first=24), 24, *X264, "-profile:v", "baseline", "-bf", "0", "-refs", "1")
    if name == "codec":
        return measure.video(path, numbered(24, first=24), 24, "-c:v", "mpeg4", "-q:v", "2")
    return measure.video(path, numbered(24, first=24), 24, "-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", muxer="webm")


@pytest.mark.parametrize(
    ("name", "why"), [("size", "sizes"), ("rate", "rates"), ("settings", "settings"), ("codec", "codecs"), ("web", "only MP4")]
)
def test_what_differs_is_encoded_and_says_why(name: str, why: str, tmp_path: Path, vault: Vault, presets: Presets) -> None:
    first = measure.video(tmp_path / "first.mp4", numbered(24), 24, *X264)
    second = different(name, tmp_path / f"second.{'webm' if name == 'web' else 'mp4'}")
    said = join([first, second], tmp_path / "both.mp4", presets, vault)
    assert said.startswith("encoded") and why in said
    seen = numbers(tmp_path / "both.mp4")
    assert len(seen) == 48
    assert seen[:24] == list(range(24))
    if name not in ("rate", "size"):
        assert seen[24:] == list(range(24, 48))
    even(tmp_path / "both.mp4", 24)


def test_a_portrait_video_is_upright(tmp_path: Path, vault: Vault, presets: Presets) -> None:
    tall = [np.ascontiguousarray(picture) for picture in numbered(12, (72, 128))]
    lying = [np.ascontiguousarray(np.rot90(picture)) for picture in tall]
    measure.video(tmp_path / "lying.mp4", lying, 24, *X264)
    for name in ("a", "b"):
        ffmpeg.run(["-display_rotation", "-90", "-f", "mov", "-i", tmp_path / "lying.mp4", "-c", "copy", "-f", "mp4", tmp_path / f"{name}.mp4"])
    last_frame(tmp_path / "a.mp4", tmp_path / "last.png", vault)
    with Image.open(tmp_path / "last.png") as seen:
        assert seen.size == (72, 128)
        assert number(np.asarray(seen)) == 11
    join([tmp_path / "a.mp4", tmp_path / "b.mp4"], tmp_path / "both.mp4", presets, vault, "crossfade", 0.1)
    assert len(numbers(tmp_path / "both.mp4", (72, 128))) == 22
    assert numbers(tmp_path / "both.mp4", (72, 128))[:9] == list(range(9))


@pytest.mark.parametrize("tones", [(0, 0), (440, 0), (0, 440), (440, 660)])
def test_a_transition_shares_frames(tones: tuple[int, int], tmp_path: Path, vault: Vault, presets: Presets) -> None:
    made = [measure.video(tmp_path / f"{i}.mp4", numbered(24, first=24 * i), 24, *X264, tone=tone) for i, tone in enumerate((*tones, 0))]
    said = join(made, tmp_path / "all.mp4", presets, vault, "crossfade", 0.25)
    assert said == "encoded: a transition was asked for"
    seen = numbers(tmp_path / "all.mp4")
    assert len(seen) == 72 - 12
    assert seen[:18] == list(range(18)) and seen[24:36] == list(range(30, 42)) and seen[-18:] == list(range(54, 72))
    even(tmp_path / "all.mp4", 24)
    assert len(measure.sound(tmp_path / "all.mp4")) / 48_000 == pytest.approx(60 / 24, abs=1 / 24)


def test_a_transition_takes_at_most_half_of_either(tmp_path: Path, vault: Vault, presets: Presets) -> None:
    made = [measure.video(tmp_path / f"{i}.mp4", numbered(count), 24, *X264) for i, count in enumerate((24, 5))]
    join(made, tmp_path / "all.mp4", presets, vault, "wipe_left", 3.0)
    assert len(numbers(tmp_path / "all.mp4")) == 29 - 2


def test_odd_sizes_and_single_frames(tmp_path: Path, vault: Vault, presets: Presets) -> None:
    odd = measure.video(tmp_path / "odd.mp4", numbered(3, (129, 73)), 24, *X264[:2], "-pix_fmt", "yuv444p")
    one = measure.video(tmp_path / "one.mp4", numbered(1), 24, *X264)
    join([odd, one, one], tmp_path / "all.mp4", presets, vault)
    assert len(numbers(tmp_path / "all.mp4")) == 5


def test_an_unknown_transition_names_the_nearest(tmp_path: Path, vault: Vault, presets: Presets) -> None:
    with pytest.raises(FilmError, match="crossfade"):
        join([], tmp_path / "out.mp4", presets, vault, "crosfade")


def test_what_stood_at_the_place_is_replaced_whole(tmp_path: Path, vault: Vault, presets: Presets) -> None:
    path = measure.video(tmp_path / "a.mp4", numbered(6), 24, *X264)
    out = tmp_path / "out.mp4"
    out.write_bytes(b"old")
    (tmp_path / "broken.mp4").write_bytes(path.read_bytes()[:300])
    with pytest.raises(FilmError):
        join([path, tmp_path / "broken.mp4"], out, presets, vault)
    assert out.read_bytes() == b"old"
    join([path, path], out, presets, vault)
    assert len(numbers(out)) == 12
    assert {one.name for one in tmp_path.iterdir()} == {"a.mp4", "broken.mp4", "out.mp4", "vault"}


# What is refused -------------------------------------------------------------------------------------------------------


ENDINGS = ("mp4", "mkv", "m3u8", "ts", "avi", "jpg", "")


def test_no_disguise_is_opened(tmp_path: Path, vault: Vault, presets: Presets) -> None:
    content = disguises(tmp_path)
    good = measure.video(tmp_path / "good.mp4", numbered(3), 24, *X264)
    for kind, data in content.items():
        for ending in ENDINGS:
            path = tmp_path / (f"{kind}.{ending}" if ending else kind)
            path.write_bytes(data)
            with pytest.raises(FilmError, match=r"not a video|damaged") as raised:
                last_frame(path, tmp_path / "last.png", vault)
            assert raised.value.hint and raised.value.where == path.name
        with pytest.raises(FilmError):
            join([good, path], tmp_path / "out.mp4", presets, vault)
    assert not (tmp_path / "last.png").exists() and not (tmp_path / "out.mp4").exists()


def test_scripts_with_a_video_in_front_are_not_followed(tmp_path: Path, vault: Vault, presets: Presets) -> None:
    """A real video whose free space or end holds a playlist stays that video."""
    content = disguises(tmp_path)
    plain = measure.video(tmp_path / "plain.mp4", numbered(6), 24, *X264).read_bytes()
    for kind in ("hls", "ffconcat", "dash"):
        data = content[kind]
        free = (len(data) + 8).to_bytes(4, "big") + b"free" + data
        for i, mixed in enumerate((plain + data, plain + free, plain[:32] + free + plain[32:])):
            path = tmp_path / f"{kind}{i}.mp4"
            path.write_bytes(mixed)
            try:
                join([path, path], tmp_path / "out.mp4", presets, vault)
                assert numbers(tmp_path / "out.mp4") == [*range(6), *range(6)]
            except FilmError:
                continue


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.95])
@pytest.mark.parametrize("muxer", ["mp4", "fast"])
def test_a_video_that_was_cut_off_is_refused(share: float, muxer: str, tmp_path: Path, vault: Vault) -> None:
    more = ("-movflags", "+faststart") if muxer == "fast" else ()
    whole = measure.video(tmp_path / "whole.mp4", numbered(60), 24, *X264, *more).read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(FilmError, match=r"damaged|not a video"):
        last_frame(tmp_path / "cut.mp4", tmp_path / "last.png", vault)


@pytest.mark.parametrize("content", [b"", b"hello", bytes(5000), b"\xff\xd8\xff\xe0" + bytes(99), b"\0\0\0\x18ftypmp42" + bytes(500)])
def test_other_files(content: bytes, tmp_path: Path, vault: Vault) -> None:
    (tmp_path / "a.mp4").write_bytes(content)
    with pytest.raises(FilmError, match=r"not a video|damaged"):
        last_frame(tmp_path / "a.mp4", tmp_path / "last.png", vault)


def test_places_without_a_video(tmp_path: Path, vault: Vault) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(FilmError, match="not a file"):
        last_frame(tmp_path / "folder", tmp_path / "last.png", vault)
    with pytest.raises(FilmError, match="cannot be opened"):
        last_frame(tmp_path / "gone.mp4", tmp_path / "last.png", vault)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.mp4")
        with pytest.raises(FilmError, match="not a file"):
            last_frame(tmp_path / "pipe.mp4", tmp_path / "last.png", vault)


def test_sound_alone_is_no_video(tmp_path: Path, vault: Vault) -> None:
    both = measure.video(tmp_path / "both.mp4", numbered(12), 24, *X264, tone=440)
    ffmpeg.run(["-f", "mov", "-i", both, "-vn", "-c", "copy", "-f", "mp4", tmp_path / "song.mp4"])
    with pytest.raises(FilmError, match="no picture"):
        last_frame(tmp_path / "song.mp4", tmp_path / "last.png", vault)


def outside(canary: Path) -> bytes:
    """The canary's own MOV, but its pictures are said to lie in the file canary.mov beside it (QuickTime's alias)."""
    data = canary.read_bytes()
    at = data.index(b"dref") - 4
    assert data[at + 24 : at + 28] == b"\0\0\0\1" and data.index(b"mdat") < at  # what lies before keeps its place

    def record(kind: int, text: bytes) -> bytes:
        return kind.to_bytes(2, "big") + len(text).to_bytes(2, "big") + text + b"\0" * (len(text) % 2)

    name = b"canary.mov"
    body = bytes(10) + bytes([4]) + b"disk".ljust(27, b"\0") + bytes(12) + bytes([len(name)]) + name.ljust(63, b"\0") + bytes(16)
    body += (1).to_bytes(2, "big") * 2 + bytes(16) + record(2, b"disk:" + name) + record(18, str(canary).encode()) + b"\xff\xff\0\0"
    entry = (12 + len(body)).to_bytes(4, "big") + b"alis" + bytes(4) + body
    dref = (16 + len(entry)).to_bytes(4, "big") + b"dref" + bytes(4) + (1).to_bytes(4, "big") + entry
    grown, out = len(dref) - 28, bytearray(data[:at] + dref + data[at + 28 :])
    for box in (b"dinf", b"minf", b"mdia", b"trak", b"moov"):
        place = out.rindex(box, 0, at) - 4
        out[place : place + 4] = (int.from_bytes(out[place : place + 4], "big") + grown).to_bytes(4, "big")
    return bytes(out)


def test_a_mov_opens_no_other_file(tmp_path: Path, vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    canary = measure.video(tmp_path / "canary.mov", [np.full((72, 128, 3), CANARY, np.uint8)] * 5, 24, muxer="mov")
    data = bytearray(outside(canary))
    whole = canary.read_bytes()
    start = whole.index(b"mdat") + 4
    size = int.from_bytes(whole[start - 8 : start - 4], "big") - 8
    data[start : start + size] = bytes(size)  # nothing of the canary is in the file itself
    pointer = tmp_path / "pointer.mov"
    pointer.write_bytes(data)
    with pytest.raises(FilmError, match=r"damaged|no picture"):
        last_frame(pointer, tmp_path / "last.png", vault)
    assert not (tmp_path / "last.png").exists()

    locked = gate.opening

    def unlocked(found: str, given: Path, *, clear: str = "") -> tuple[str | Path, ...]:
        args = list(locked(found, given, clear=clear))
        return tuple("1" if i and args[i - 1] in ("-enable_drefs", "-use_absolute_path") else one for i, one in enumerate(args))

    monkeypatch.setattr(gate, "opening", unlocked)
    last_frame(pointer, tmp_path / "last.png", vault)
    with Image.open(tmp_path / "last.png") as seen:
        assert np.abs(np.asarray(seen, float) - CANARY).max() < 8, "with the lock off it is read, so the lock is what keeps it out"


def test_a_playlist_stays_shut_by_either_lock(tmp_path: Path, vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it looks like, and what the demuxer may be: each alone is enough."""
    path = tmp_path / "film.mp4"
    path.write_bytes(disguises(tmp_path)["hls-whole"])
    with pytest.raises(FilmError, match="not a video"):
        last_frame(path, tmp_path / "last.png", vault)
    locked = gate.opening
    monkeypatch.setattr(gate, "kind", lambda head: "hls" if head.startswith(b"#EXTM3U") else "")
    monkeypatch.setattr(gate, "opening", lambda found, given, clear="": tuple("mov" if one == "hls" and i == 3 else one for i, one in enumerate(locked(found, given))))
    with pytest.raises(FilmError, match=r"damaged|no picture"):
        last_frame(path, tmp_path / "last.png", vault)
    monkeypatch.setattr(gate, "opening", lambda found, given, clear="": ("-f", found, "-i", given))
    last_frame(path, tmp_path / "last.png", vault)
    with Image.open(tmp_path / "last.png") as seen:
        assert np.abs(np.asarray(seen, float) - CANARY).max() < 8


def test_the_canary_would_be_seen(tmp_path: Path, vault: Vault) -> None:
    disguises(tmp_path)
    last_frame(tmp_path / "canary.mp4", tmp_path / "last.png", vault)
    with Image.open(tmp_path / "last.png") as seen:
        assert np.abs(np.asarray(seen, float) - CANARY).max() < 8
