"""People's own videos as scenes: what is seen of them and when, what is heard, what is made anew, what is refused."""

from __future__ import annotations

import os
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from pipelines import ffmpeg, footage, preview, steady
from pipelines import story as stories
from pipelines.clip import Clip
from pipelines.darkroom import Darkroom
from pipelines.gate import VIDEO_BYTES, is_video
from pipelines.plan import Frame
from pipelines.presets import Presets
from pipelines.render import Studio
from pipelines.story_files import load
from pipelines.upscale import larger, sharpening, upscale
from pipelines.vault import Vault, digest
from pipelines.work import FilmError, idle

from . import measure, whole
from .test_video import SIZE, X264, even, number, numbered, numbers

PLAIN = {"size": "128x72", "captions": "none", "transition": "none"}


def film(studio: Studio, folder: Path, *scenes: dict[str, Any], name: str = "film.mp4", **said: Any) -> whole.Shown:
    """A film of those scenes; a row without an image shows a.mp4."""
    return whole.make(whole.story(studio.presets, folder, [{"image": "a.mp4"} | one for one in scenes], **PLAIN | said), studio, folder / name)


def clip(path: Path, count: int = 24, *, first: int = 0, rate: int | Fraction = 24, tone: float = 0.0) -> Path:
    return measure.video(path, numbered(count, first=first), rate, *X264, "-crf", "8", tone=tone)


# What is seen ----------------------------------------------------------------------------------------------------------


def test_a_video_is_shown_frame_for_frame(studio: Studio, tmp_path: Path) -> None:
    clip(tmp_path / "a.mp4", 40)
    made = film(studio, tmp_path, {}, {"duration": 0.5}, {"duration": 0.5, "clip_start": 1})
    assert numbers(made.path) == [*range(40), *range(12), *range(24, 36)]
    even(made.path, 24)
    assert made.film.engines["clips"] == "own videos" and not made.warned
    assert [one["engine"] for one in made.timeline["scenes"]] == ["", "", ""]


def test_a_short_video_is_repeated_and_its_ends_melt(studio: Studio, tmp_path: Path) -> None:
    clip(tmp_path / "a.mp4", 24)
    made = film(studio, tmp_path, {"duration": 2.5})
    period, seam = footage.lap(24, Fraction(24))
    assert (period, seam) == (18, 6)
    seen = numbers(made.path)
    assert len(seen) == 60
    shown = [(k, n) for k, n in enumerate(seen) if k < period or k % period >= seam]
    assert [n for _, n in shown] == [k % period for k, _ in shown]
    measure.video(tmp_path / "a.mp4", [np.full((72, 128, 3), 20 + 8 * n, np.uint8) for n in range(24)], 24, *X264)
    light = [float(picture.mean()) for picture in measure.frames(film(studio, tmp_path, {"duration": 2.5}, name="light.mp4").path, SIZE, "gray")]
    assert max(abs(a - b) for a, b in pairwise(light)) < 0.3 * (max(light) - min(light)), "no jump where it begins anew"


def test_one_picture_and_a_little_too_few(studio: Studio, tmp_path: Path) -> None:
    clip(tmp_path / "one.mp4", 1, first=5)
    clip(tmp_path / "a.mp4", 20)
    made = film(studio, tmp_path, {"image": "one.mp4"}, {"duration": 1})
    assert numbers(made.path) == [5] * 72 + [*range(20), 19, 19, 19, 19]


@pytest.mark.parametrize("fit", ["cover", "contain", "contain-blur", "stretch"])
def test_it_fits_as_pictures_do(fit: str, studio: Studio, tmp_path: Path) -> None:
    """A white video of another shape: what is not white is what the fit leaves."""
    measure.video(tmp_path / "a.mp4", [np.full((72, 72, 3), 255, np.uint8)] * 6, 24, *X264)
    made = film(studio, tmp_path, {"duration": 0.5}, fit=fit)
    picture = next(measure.frames(made.path, SIZE, "gray"))
    assert picture[36, 64] > 225
    assert (picture[36, 4] < 40) == (fit == "contain")


def test_telephone_videos_are_upright_and_any_rate_is_evened(studio: Studio, tmp_path: Path) -> None:
    lying = [np.ascontiguousarray(np.rot90(picture)) for picture in numbered(30)]
    measure.video(tmp_path / "lying.mp4", lying, 30, *X264)
    ffmpeg.run(["-display_rotation", "-90", "-f", "mov", "-i", tmp_path / "lying.mp4", "-c", "copy", "-f", "mp4", tmp_path / "a.mp4"])
    uneven = ("-vf", "setpts='if(lt(N,10),N,10+2*(N-10))/(24*TB)'", "-fps_mode", "vfr")
    measure.video(tmp_path / "uneven.mkv", numbered(20), 24, *X264, *uneven, muxer="matroska")
    made = film(studio, tmp_path, {}, {"image": "uneven.mkv"})
    seen = numbers(made.path)
    assert seen[:24] == pytest.approx([k * 1.25 for k in range(24)], abs=0.8)
    assert seen[24:50] == pytest.approx([*range(10), *(10 + k / 2 for k in range(16))], abs=0.8)
    even(made.path, 24)


ODD = {
    "woven.ts": (("-c:v", "mpeg2video", "-q:v", "2", "-vf", "setfield=tff", "-flags", "+ilme+ildct"), "mpegts"),
    "ten.mkv": (("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none", "-pix_fmt", "yuv420p10le"), "matroska"),
    "pieces.mp4": ((*X264, "-g", "6", "-movflags", "frag_keyframe+empty_moov"), "mp4"),
    "av1.webm": (("-c:v", "libaom-av1", "-cpu-used", "8", "-usage", "realtime"), "webm"),
    "clear.mov": (("-c:v", "prores_ks", "-profile:v", "4444", "-pix_fmt", "yuva444p10le"), "mov"),
    "old.avi": (("-c:v", "mpeg4", "-q:v", "2"), "avi"),
}  # fmt: skip


def test_odd_videos_are_scenes_too(studio: Studio, tmp_path: Path) -> None:
    for name, (settings, muxer) in ODD.items():
        measure.video(tmp_path / name, numbered(12), 24, *settings, muxer=muxer)
    ffmpeg.run(["-f", "lavfi", "-i", "color=c=white:s=7680x4320:r=24", "-frames:v", 1, *X264[:2], "-preset", "ultrafast", "-f", "mp4", tmp_path / "8k.mp4"])
    made = film(studio, tmp_path, *({"image": name, "duration": 0.5} for name in (*ODD, "8k.mp4")))
    assert numbers(made.path) == [*list(range(12)) * len(ODD), *[255] * 12]


def test_high_dynamic_range_is_brought_down(studio: Studio, tmp_path: Path) -> None:
    grey = "format=yuv420p10le,lutyuv=y=572:u=512:v=512,setparams=color_primaries=bt2020:color_trc=smpte2084:colorspace=bt2020nc:range=tv"
    hevc = ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none", "-pix_fmt", "yuv420p10le", "-vf", grey)
    measure.video(tmp_path / "a.mp4", numbered(6), 24, *hevc)
    picture = next(measure.frames(film(studio, tmp_path, {"duration": 0.5}).path, SIZE))
    assert 222 < picture.mean() < 240


def shaken(path: Path, count: int = 48) -> Path:
    """A hand-held pan over a colourful ground."""
    ground = cv2.GaussianBlur(np.random.default_rng(3).integers(60, 255, (300, 500, 3), np.uint8), (0, 0), 2.0)
    ground = cv2.normalize(ground, None, 60, 255, cv2.NORM_MINMAX)
    jolts = np.random.default_rng(4).normal(0, 2.2, (count, 2))
    moves = [np.float32([[1, 0, -40 - 1.5 * k + jolts[k, 0]], [0, 1, -60 + jolts[k, 1]]]) for k in range(count)]
    return measure.video(path, [cv2.warpAffine(ground, move, (320, 180)) for move in moves], 24, *X264, "-crf", "10")


def jerks(path: Path, count: int) -> tuple[float, float]:
    """How roughly a clip of 320x180 goes, in pixels, and how far across it goes in all."""
    way = steady.way(Clip(path, count, Fraction(24), 320, 180), idle)
    return float(np.diff(way[:, :2], 2, axis=0).std()), float(way[-1, 0])


def test_a_shaken_video_is_held_steady(studio: Studio, tmp_path: Path) -> None:
    shaken(tmp_path / "a.mp4")
    rough, calm = (film(studio, tmp_path, {"steady": held}, size="320x180", name=f"{held}.mp4") for held in (False, True))
    before, after = jerks(rough.path, 48), jerks(calm.path, 48)
    assert before[0] > 3 and after[0] < before[0] / 8
    assert after[1] == pytest.approx(before[1], rel=0.25), "the pan stays"
    for picture in measure.frames(calm.path, (320, 180), "gray"):
        edges = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
        assert edges.min() > 40, "no edge comes into view"


def test_the_camera_moves_over_it_when_asked(studio: Studio, tmp_path: Path) -> None:
    shaken(tmp_path / "a.mp4", 1)
    still, closer = (film(studio, tmp_path, {"duration": 2, "clip_action": how}, size="320x180", name=f"{how[:4]}.mp4") for how in ("auto", "zoom in"))
    before, after = (steady.way(Clip(one.path, 48, Fraction(24), 320, 180), idle)[-1] for one in (still, closer))
    assert abs(before[3]) < 0.002 and after[3] > 0.06
    assert not still.warned and not closer.warned


# When, and what is heard -----------------------------------------------------------------------------------------------


def test_it_lasts_as_the_narration_needs_else_as_itself(studio: Studio, tmp_path: Path) -> None:
    clip(tmp_path / "a.mp4", 100)
    made = film(studio, tmp_path, {"narration": "Hello."}, {}, {"duration": 1}, {"clip_start": 3})
    lasts = [one["frames"] for one in made.timeline["scenes"]]
    assert lasts[0] == 72 and lasts[1:] == [100, 24, 28]


def test_a_long_video_fills_a_scene_and_says_so(studio: Studio, tmp_path: Path) -> None:
    measure.video(tmp_path / "a.mp4", [np.full((36, 64, 3), 90, np.uint8)] * 62, 1, *X264)
    made = film(studio, tmp_path, {}, size="128x72", fps=2)
    assert made.film.timeline.seconds == 60
    assert made.warned == ["scene 1: 60 s of its video are shown, of 62 s."]


def level(heard: NDArray[Any], start: float, end: float) -> float:
    """Loudness of a stretch, in dB."""
    return float(20 * np.log10(np.sqrt((heard[int(start * 48_000) : int(end * 48_000), 0] ** 2).mean()) + 1e-9))


def test_its_own_sound_is_kept_or_not(studio: Studio, tmp_path: Path) -> None:
    clip(tmp_path / "a.mp4", 48, tone=440)
    scenes = [{"clip_sound": how} for how in ("under", "none", "full")]
    made = film(studio, tmp_path, *scenes)
    heard = measure.sound(made.path)
    assert len(heard) == 6 * 48_000
    assert level(heard, 2.1, 3.9) < -70
    assert level(heard, 4.2, 5.8) > level(heard, 0.2, 1.8) + 3, "full is louder than under"
    assert abs(np.diff(heard[:, 0])).max() < 0.1, "nothing clicks"
    loud, peak = measure.ebur128(made.path)
    assert loud == pytest.approx(-14, abs=1) and peak <= -1


def test_it_makes_way_for_the_voice_and_music_for_it(studio: Studio, tmp_path: Path) -> None:
    clip(tmp_path / "a.mp4", 24 * 8, tone=3000)
    said = film(studio, tmp_path, {"duration": 8, "narration": "One."}, name="said.mp4")
    heard = measure.sound(said.path)[:, 0]
    pure = np.abs(np.fft.rfft(heard.reshape(-1, 24_000), axis=1))[:, 1500]  # the tone alone, every half second
    assert 20 * np.log10(pure[12] / pure[1]) > 5, "lower while somebody speaks"

    measure.wav(tmp_path / "song.wav", np.sin(np.arange(48_000 * 20) * 2 * np.pi * 200 / 48_000)[:, None] * 0.3)
    clip(tmp_path / "mute.mp4", 24 * 6)
    scenes = [{"image": "mute.mp4", "duration": 6}, {"duration": 6, "clip_sound": "full"}]
    both = film(studio, tmp_path, *scenes, name="both.mp4", music="song.wav")
    heard = measure.sound(both.path)[:, 0]
    low = np.abs(np.fft.rfft(heard.reshape(-1, 48_000), axis=1))[:, 200]
    assert 20 * np.log10(low[3] / low[9]) > 5, "the music goes down where a video is heard in full"


def test_repeated_sound_has_no_hole(studio: Studio, tmp_path: Path) -> None:
    clip(tmp_path / "a.mp4", 36, tone=400)
    heard = measure.sound(film(studio, tmp_path, {"duration": 5, "clip_sound": "full"}).path)[:, 0]
    steps = np.sqrt((heard[4800:-4800] ** 2)[: 230_400 // 480 * 480].reshape(-1, 480).mean(1))
    assert steps.min() > 0.3 * np.median(steps)


def test_sound_that_begins_late_stays_where_it_was(studio: Studio, tmp_path: Path) -> None:
    plain = clip(tmp_path / "plain.mp4", 48)
    ffmpeg.run(["-f", "mov", "-i", plain, "-itsoffset", "1", "-f", "lavfi", "-i", "sine=f=600:d=1", "-c:v", "copy", "-c:a", "aac", "-f", "mp4", tmp_path / "a.mp4"])
    made = film(studio, tmp_path, {}, {"clip_start": 0.5})
    heard = measure.sound(made.path)
    assert level(heard, 0.1, 0.9) < -60 < -40 < level(heard, 1.1, 1.9)
    assert level(heard, 2.05, 2.4) < -50 < -40 < level(heard, 2.6, 3.4)


# What is made anew -----------------------------------------------------------------------------------------------------


def test_one_changed_cell_makes_only_that(studio: Studio, tmp_path: Path) -> None:
    clip(tmp_path / "a.mp4", 200, tone=440)
    clip(tmp_path / "b.mp4", 60)
    whole.pictures(tmp_path, 3)
    scenes: list[dict[str, Any]] = [{"narration": "Hello there."}, {"image": "b.mp4"}, {"image": "p3.png", "duration": 1}]
    first = film(studio, tmp_path, *scenes)
    assert first.made["clips"] == [1, 2] and first.made["film"] == [1, 2, 3]
    assert not film(studio, tmp_path, *scenes).made
    assert film(studio, tmp_path, *scenes[:2], scenes[2] | {"clip_action": "pan left"}).made == {"film": [3], "join": [0]}
    assert film(studio, tmp_path, scenes[0], scenes[1] | {"clip_start": 1}, scenes[2]).made["clips"] == [2]
    worded = film(studio, tmp_path, scenes[0] | {"narration": "Hello there, my friend, how good to see you again."}, *scenes[1:])
    assert "clips" not in worded.made and worded.made["film"] == [1]
    quiet = film(studio, tmp_path, scenes[0] | {"clip_sound": "none"}, *scenes[1:])
    assert quiet.made == {"sound": [0], "join": [0]}


def test_only_what_is_needed_is_kept(tmp_path: Path, vault: Vault) -> None:
    frame = Frame(128, 72, Fraction(24))
    assert footage.needed(24, frame, 3600.0) == footage.needed(120, frame, 3600.0) == 120
    assert footage.needed(121, frame, 3600.0) == 240
    assert footage.needed(24, frame, 0.7) == 16
    source = footage.survey(clip(tmp_path / "a.mp4", 24 * 12), 0.0, vault)
    made, _ = footage.clip(source, 30, frame, False, vault)
    assert (made.count, made.width, made.height) == (120, 128, 72)


def test_the_same_video_gives_the_same_bytes(tmp_path: Path) -> None:
    source = shaken(tmp_path / "a.mp4", 20)
    told = set()
    for name in ("one", "two"):
        vault = Vault(tmp_path / name)
        made, _ = footage.clip(footage.survey(source, 0.0, vault), 40, Frame(160, 90, Fraction(24)), True, vault)
        told.add(digest(made.path))
    assert len(told) == 1


# How it is said --------------------------------------------------------------------------------------------------------


def test_content_counts_not_the_name(studio: Studio, tmp_path: Path) -> None:
    clip(tmp_path / "a.png", 24)
    Image.new("RGB", (128, 72), "white").save(tmp_path / "p.mp4", "PNG")
    Image.new("RGB", (64, 64)).save(tmp_path / "still.avif")
    (tmp_path / "g.gif").write_bytes(b"GIF89a" + bytes(182) + b"G" + bytes(300))
    made = film(studio, tmp_path, {"image": "a.png"}, {"image": "p.mp4", "duration": 0.5})
    assert numbers(made.path) == [*range(24), *[255] * 12]
    assert [is_video(tmp_path / name) for name in ("a.png", "p.mp4", "still.avif", "g.gif", "none")] == [True, False, False, False, False]


def test_what_does_not_apply_is_said(studio: Studio, tmp_path: Path) -> None:
    clip(tmp_path / "a.mp4")
    whole.pictures(tmp_path, 2)
    made = film(studio, tmp_path, {"engine": "camera"}, {"image": "p2.png", "duration": 0.5, "steady": True})
    assert [one.split(":")[1].strip() for one in made.warned] == [
        "it shows a video of its own, so no engine is asked.", "clip_start, clip_sound and steady are for videos; its image is none."
    ]  # fmt: skip


def test_every_fault_is_told_at_its_scene_and_the_others_are_made(studio: Studio, tmp_path: Path) -> None:
    good = clip(tmp_path / "a.mp4")
    (tmp_path / "torn.mp4").write_bytes(good.read_bytes()[:400])
    ffmpeg.run(["-f", "lavfi", "-i", "sine=d=1", "-c:a", "aac", "-f", "mp4", tmp_path / "song.mp4"])
    with pytest.raises(FilmError) as raised:
        film(studio, tmp_path, {"image": "torn.mp4"}, {"clip_start": 9}, {"image": "song.mp4"}, {})
    assert [(fault.where, fault.message.split(":")[0]) for fault in raised.value.faults] == [
        ("scenes[0].image", "scene 1, image"), ("scenes[1].clip_start", "scene 2, clip_start"), ("scenes[2].image", "scene 3, image"),
    ]  # fmt: skip
    assert all(fault.hint for fault in raised.value.faults) and "lasts 1.00 seconds" in raised.value.faults[1].hint
    assert not (tmp_path / "film.mp4").exists()
    made = film(studio, tmp_path, {})
    assert "clips" not in made.made and "film" not in made.made, "the good one was made all the same"


def test_a_damaged_place_is_shown_and_told(studio: Studio, tmp_path: Path) -> None:
    path = clip(tmp_path / "a.mp4", 48)
    data = bytearray(path.read_bytes())
    middle = data.index(b"mdat") + (len(data) - data.index(b"mdat")) // 3
    for at in range(middle, middle + 200, 3):
        data[at] ^= 0x55
    path.write_bytes(data)
    made = film(studio, tmp_path, {"duration": 2})
    assert len(numbers(made.path)) == 48
    assert made.warned == ["scene 1: the video is damaged in places; they may be seen."]


def test_larger_files_than_pictures_may_have(presets: Presets, tmp_path: Path) -> None:
    path = clip(tmp_path / "a.mp4", 2)
    said = {"scenes": [{"image": path}]}
    for size, told in ((60 << 20, ""), (VIDEO_BYTES + 1, "more than 4096 MB")):
        os.truncate(path, size)  # a hole: it takes no room
        if not told:
            assert stories.read(said, presets).scenes[0].image == path.resolve()
            continue
        with pytest.raises(FilmError, match=told):
            stories.read(said, presets)
    (tmp_path / "p.png").write_bytes(b"\x89PNG")
    os.truncate(tmp_path / "p.png", 60 << 20)
    with pytest.raises(FilmError, match="more than 40 MB"):
        stories.read({"scenes": [{"image": tmp_path / "p.png"}]}, presets)


def test_the_cells_in_a_table(presets: Presets, tmp_path: Path) -> None:
    clip(tmp_path / "scene_2.mp4", 2)
    clip(tmp_path / "film.mp4", 2)  # made from this very story, say
    whole.pictures(tmp_path, 1)
    (tmp_path / "story.csv").write_text("narration,prompt,clip_start,clip_sound,steady\nOne,a,,,\nTwo,b,1.5,Full,yes\nThree,c,,,no\n", "utf-8")
    scenes = load(tmp_path / "story.csv", presets).scenes
    assert [one.image and one.image.name for one in scenes] == ["p1.png", "scene_2.mp4", None]
    assert [(one.clip_start, one.clip_sound, one.steady) for one in scenes] == [(0, "under", False), (1.5, "full", True), (0, "under", False)]
    (tmp_path / "story.csv").write_text("narration,prompt,clip_start,clip_sound,steady\nOne,a,-1,loud,perhaps\n", "utf-8")
    with pytest.raises(FilmError) as raised:
        load(tmp_path / "story.csv", presets)
    assert [fault.where for fault in raised.value.faults] == ["scenes[0].clip_start", "scenes[0].clip_sound", "scenes[0].steady"]
    assert all(fault.hint for fault in raised.value.faults)


def test_a_page_can_show_it(studio: Studio, tmp_path: Path, room: Darkroom) -> None:
    path = clip(tmp_path / "a.mp4", 30)
    small = preview.thumb(path, room, studio.vault, 128)
    assert (small.notes["width"], small.notes["height"]) == SIZE
    told = whole.story(studio.presets, tmp_path, [{"image": "a.mp4", "clip_start": 0.5}], **PLAIN)
    for picture, wanted in ((small.path, 0), (preview.still(told, 0, studio, room, 128).path, 12)):
        with Image.open(picture) as seen:
            assert number(np.asarray(seen.convert("RGB"))) == wanted


# Larger ----------------------------------------------------------------------------------------------------------------


def test_a_video_made_larger_is_sharp_and_otherwise_the_same(tmp_path: Path, vault: Vault, presets: Presets, photo: Path) -> None:
    with Image.open(photo) as image:
        fine = np.asarray(image.convert("RGB").resize((480, 270), Image.Resampling.LANCZOS).crop((0, 0, 480, 264)))
    small = np.asarray(Image.fromarray(fine).resize((240, 132), Image.Resampling.BOX))
    measure.video(tmp_path / "small.mp4", [small] * 6, 24, *X264, "-crf", "1", "-vf", "scale=out_color_matrix=bt709", "-colorspace", "bt709", tone=440)
    assert upscale(tmp_path / "small.mp4", (480, 600), tmp_path / "large.mp4", presets, vault, idle) == (480, 264)
    assert len(measure.times(tmp_path / "large.mp4")) == 6 and len(measure.sound(tmp_path / "large.mp4")) > 10_000
    made = [next(measure.frames(tmp_path / "large.mp4", (480, 264))).astype(float)]
    made.append(np.asarray(Image.fromarray(small).resize((480, 264), Image.Resampling.BICUBIC), float))
    ours, bicubic = (10 * np.log10(255**2 / ((picture - fine) ** 2).mean()) for picture in made)
    edges = [np.abs(np.diff(picture.mean(2), axis=1)).mean() for picture in (*made, fine.astype(float))]
    assert ours > bicubic - 0.5, (ours, bicubic)
    assert edges[1] < edges[0] < 1.1 * edges[2]


def test_sizes_that_are_no_enlargement(tmp_path: Path, vault: Vault, presets: Presets) -> None:
    path = clip(tmp_path / "a.mp4", 3)
    for box, told in (((128, 720), "not smaller"), ((64, 64), "not smaller"), ((99_000, 99_000), "cannot be made")):
        with pytest.raises(FilmError, match=told) as raised:
            upscale(path, box, tmp_path / "x.mp4", presets, vault, idle)
        assert raised.value.hint
    assert larger((1080, 1920), (1920, 1080)) == (606, 1080)
    assert not sharpening((640, 360), (700, 394)) and sharpening((640, 360), (1920, 1080))


def test_small_videos_are_sharpened_in_a_large_film(studio: Studio, tmp_path: Path, photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Image.open(photo) as image:
        small = np.asarray(image.convert("RGB").resize((160, 90), Image.Resampling.LANCZOS))
    measure.video(tmp_path / "a.mp4", [small] * 12, 24, *X264, "-crf", "1")
    edges = []
    for name in ("sharp", "soft"):
        made = film(studio, tmp_path, {"duration": 0.5}, size="480x270", name=f"{name}.mp4")
        edges.append(np.abs(np.diff(next(measure.frames(made.path, (480, 270), "gray")).astype(float), axis=1)).mean())
        monkeypatch.setattr(footage, "sharpening", lambda given, made: [])
    assert edges[0] > 1.1 * edges[1]
