"""What ffmpeg is told, as lists; and that it then does what was meant: looks, transitions, joins, every frame in time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from pipelines import ffmpeg, film, sound, story
from pipelines import presets as kinds
from pipelines.plan import Frame
from pipelines.presets import Look, Presets
from pipelines.render import Studio, render
from pipelines.splice import splice
from pipelines.work import FilmError, idle

from . import measure

PRESETS = kinds.read(Path(__file__).parents[1] / "presets")
FRAME = Frame(128, 72, Fraction(24))
PLAIN = Look(label="", what="")
Array = NDArray[Any]


class Slide:
    """Footage of one picture; each frame a little lighter than the one before, so that none is like another."""

    def __init__(self, picture: Array, frame: Frame = FRAME, step: float = 0.0) -> None:
        self.luma, self.blue, self.red = planes(picture, frame)
        self.step = step

    def frames(self, start: int, count: int) -> Iterator[NDArray[np.uint8]]:
        width = self.luma.shape[1]
        for i in range(start, start + count):
            luma = (self.luma + self.step * i).clip(16, 235)
            yield np.concatenate([one.ravel() for one in (luma, self.blue, self.red)]).round().astype(np.uint8).reshape(-1, width)


def planes(picture: Array, frame: Frame) -> tuple[Array, Array, Array]:
    shown = np.asarray(Image.fromarray(picture).resize((frame.width, frame.height)), float) / 255
    luma = shown @ (0.2126, 0.7152, 0.0722)
    blue, red = (shown[..., 2] - luma) / 1.8556, (shown[..., 0] - luma) / 1.5748
    half = (frame.height // 2, 2, frame.width // 2, 2)
    return 16 + 219 * luma, *(128 + 224 * one.reshape(half).mean((1, 3)) for one in (blue, red))


def scene(seed: int) -> Array:
    """Soft colours all over."""
    rough = np.random.default_rng(seed).integers(10, 245, (3, 4, 3)).astype(np.uint8)
    return np.asarray(Image.fromarray(rough).resize((128, 72), Image.Resampling.BICUBIC))


def stretch(clips: list[tuple[Any, int]], frames: int, folder: Path, frame: Frame = FRAME, xfade: str = "", look: Look = PLAIN, quality: str = "master") -> Path:
    folder.mkdir(exist_ok=True)
    graph = film.picture_filter(frame, xfade, frames, look, False)
    args = film.stretch_args(frame, PRESETS.qualities[quality], graph, len(clips) == 2, frames)
    film.encode([*args, str(folder / "out.mp4")], clips, frames, frame, "", folder, folder / "out.mp4", idle)
    return folder / "out.mp4"


def lumas(path: Path) -> Array:
    return np.array(list(measure.frames(path, (128, 72), "gray")), float)


# The lists -------------------------------------------------------------------------------------------------------------


TAGS = ["-color_range", "tv", "-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709"]


def test_a_body() -> None:
    graph = film.picture_filter(FRAME, "", 50, PLAIN, False)
    assert graph == "[0:v]format=yuv420p[film]"
    assert film.stretch_args(FRAME, PRESETS.qualities["standard"], graph, False, 50) == [
        *["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", "128x72", "-r", "24", *TAGS, "-i", "pipe:0"],
        *["-filter_complex", graph, "-map", "[film]", "-frames:v", "50", "-r", "24"],
        *["-c:v", "libx264", "-preset", "veryfast", "-crf", "18", "-pix_fmt", "yuv420p"],
        *["-g", "48", "-bf", "2", "-flags", "+cgop", "-threads", "2", *TAGS],
        *["-video_track_timescale", "24000", "-fflags", "+bitexact", "-map_metadata", "-1", "-f", "mp4"],
    ]


def test_a_transition() -> None:
    graph = film.picture_filter(FRAME, "fadeblack", 12, PLAIN, False)
    assert graph == (
        "[0:v]split[a][b];[a]crop=128:72:0:0[from];[b]crop=128:72:0:72[to];"
        "[from][to]xfade=transition=fadeblack:duration=0.500000:offset=0,format=yuv420p[film]"
    )
    args = film.stretch_args(FRAME, PRESETS.qualities["master"], graph, True, 12)
    assert args[args.index("-s") + 1] == "128x144"
    assert args[args.index("-frames:v") + 1] == "12"
    assert args[args.index("-preset") + 1 : args.index("-preset") + 4] == ["medium", "-crf", "5"]


def test_captions_are_drawn_from_a_file_of_ours() -> None:
    graph = film.picture_filter(FRAME, "", 50, PLAIN, True)
    assert graph == (
        "[0:v]setpts=PTS+100/TB,subtitles=filename=captions.ass:fontsdir=fonts,setpts=PTS-STARTPTS,format=yuv420p[film]"
    )


def test_a_look_that_changes_nothing_is_no_filter() -> None:
    assert film.grade(PLAIN) == [] == film.grade(PRESETS.looks["none"])


def test_a_look_becomes_numbers() -> None:
    look = replace(PLAIN, saturation=1.5, contrast=0.9, gamma=1.1, kelvin=5000, vignette=0.4, grain=0.5)
    assert film.grade(look) == [
        "colortemperature=temperature=5000",
        "eq=saturation=1.5:contrast=0.9:brightness=0:gamma=1.1",
        "vignette=angle=0.5000",
        "format=yuv420p,noise=c0s=14:c0f=t:all_seed=7",
        *["format=yuv420p", "limiter=min=16:max=235:planes=1", "limiter=min=16:max=240:planes=6"],
    ]


def test_the_join() -> None:
    assert film.join_args(True, "out.mp4") == [
        *["-f", "mov", "-i", "picture.mp4", "-f", "mov", "-i", "sound.m4a", "-f", "ffmetadata", "-i", "film.txt"],
        *["-f", "webvtt", "-i", "captions.vtt", "-map", "0:v", "-map", "1:a", "-map", "3:s", "-c:s", "mov_text", "-disposition:s:0", "0"],
        *["-c:v", "copy", "-c:a", "copy", "-map_metadata", "2", "-map_chapters", "2"],
        *["-movflags", "+faststart", "-fflags", "+bitexact", "-f", "mp4", "out.mp4"],
    ]


def test_any_number_of_threads_may_be_asked_for() -> None:
    args = film.encoding(FRAME, PRESETS.qualities["standard"], threads=0)
    assert args[args.index("-threads") + 1] == "0"


def test_a_transition_that_ffmpeg_does_not_know_is_refused() -> None:
    with pytest.raises(FilmError, match="no transition"):
        film.picture_filter(FRAME, "custom", 12, PLAIN, False)


HOSTILE = "hostile'word\\,[x];movie=/etc/passwd[m];:%{pts}\n-vf drawtext"


def test_no_word_of_anybody_is_in_an_argument(tmp_path: Path, studio: Studio, photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "own"
    folder.mkdir()
    quoted = json.dumps(HOSTILE)
    (folder / "looks.toml").write_text(f"[mine]\nlabel = {quoted}\nwhat = {quoted}\nsaturation = 0.5\n", "utf-8")
    (folder / "transitions.toml").write_text(f'[mine]\nlabel = {quoted}\nwhat = {quoted}\nxfade = "wipeleft"\n', "utf-8")
    (folder / "captions.toml").write_text(f"[mine]\nlabel = {quoted}\nwhat = {quoted}\n", "utf-8")
    own = replace(studio, presets=kinds.read(Path(kinds.__file__).parents[1] / "presets", folder))
    picture = tmp_path / "hostile, 'picture'[0];.png"
    picture.write_bytes(photo.read_bytes())
    said: list[list[str]] = []
    command = ffmpeg.command
    monkeypatch.setattr(ffmpeg, "command", lambda args: said.append(command(args)) or said[-1])
    scenes = [{"image": picture, "narration": HOSTILE, "prompt": HOSTILE, "clip_action": HOSTILE, "music_mood": HOSTILE}] * 2
    told = {"title": HOSTILE, "scenes": scenes, "size": "128x72", "quality": "draft", "fps": 12, "captions": "both", "voice": "auto"}
    told |= {"look": "mine", "transition": "mine", "caption_style": "mine", "music": "none"}
    events: list[Any] = []
    render(story.read(told, own.presets), own, events.append, tmp_path / "film.mp4")
    assert len(said) >= 5
    for args in said:
        for arg in args:
            assert "hostile" not in arg and "drawtext" not in arg and "passwd" not in arg
    inputs = [(args[i - 2 : i], args[i + 1]) for args in said for i, arg in enumerate(args) if arg == "-i"]
    assert all("-f" in args or "-s" in args for args in said)
    assert inputs
    kept = b"".join(ffmpeg.read(["-f", "mov", "-i", tmp_path / "film.mp4", "-f", "ffmetadata", "pipe:1"], 1 << 16)).decode()
    assert "hostile'word" in kept  # it is in the film, as what it is: a title


def test_metadata_comes_back_as_it_was(tmp_path: Path) -> None:
    title = "a=b;c#d\\e 'f' \"g\" [h] \u202e العربية 😀 \\"
    one = stretch([(Slide(scene(1)), 0)], 24, tmp_path / "one")
    silent = tmp_path / "silent.m4a"
    sound.render(sound.Mix(48_000, (), None, 0.0), silent, idle)
    folder = tmp_path / "join"
    folder.mkdir()
    meta = film.metadata(title, "made", '{"a": [1, "=;#\\\\"]}', [(0.0, 0.5, title), (0.5, 1.0, "second")])
    film.join([one], silent, meta, "", False, FRAME, 24, folder / "film.mp4", idle)
    said = b"".join(ffmpeg.read(["-f", "mov", "-i", folder / "film.mp4", "-f", "ffmetadata", "pipe:1"], 1 << 16)).decode()
    for mark in "\\=;#":
        said = said.replace(f"\\{mark}", mark)
    assert f"title={title}".rstrip() in said
    assert 'synopsis={"a": [1, "=;#\\\\"]}' in said
    assert said.count("[CHAPTER]") == 2 and "title=second" in said


# Time ------------------------------------------------------------------------------------------------------------------


RATES = [Fraction(24), Fraction(24_000, 1001), Fraction(25), Fraction(30_000, 1001), Fraction(60_000, 1001), Fraction(25, 2), Fraction(1), Fraction(60), Fraction(297, 10)]


@pytest.mark.parametrize("rate", RATES, ids=str)
def test_every_frame_lasts_whole_ticks(rate: Fraction) -> None:
    ticks = film.timescale(rate)
    assert (ticks / rate).denominator == 1
    assert 1000 <= ticks < 1 << 24


@pytest.mark.parametrize("rate", RATES[1:6], ids=str)
def test_joined_stretches_run_on_evenly(rate: Fraction, tmp_path: Path) -> None:
    frame = Frame(128, 72, rate)
    one, other = Slide(scene(1), frame, 0.4), Slide(scene(2), frame, 0.4)
    counts = (31, 7, 1, 51)
    made = [
        stretch([(one, 0)], counts[0], tmp_path / "a", frame, quality="standard"),
        stretch([(one, 31), (other, 0)], counts[1], tmp_path / "b", frame, "fade", quality="standard"),
        stretch([(other, 7)], counts[2], tmp_path / "c", frame, quality="standard"),
        stretch([(other, 8)], counts[3], tmp_path / "d", frame, quality="standard"),
    ]
    whole = sum(counts)
    samples = round(whole / rate * sound.RATE)
    silent = tmp_path / "silent.m4a"
    sound.render(sound.Mix(samples, (), None, 0.0), silent, idle)
    folder = tmp_path / "join"
    folder.mkdir()
    film.join(made, silent, film.metadata("t", "c", "{}", []), "", False, frame, whole, folder / "film.mp4", idle)
    shown = measure.times(folder / "film.mp4")
    assert len(shown) == whole and shown[0] == 0
    assert {b - a for a, b in pairwise(shown)} == {1 / rate}
    parts = [picture for path in made for picture in measure.frames(path, (128, 72), "gray")]
    assert all((a == b).all() for a, b in zip(parts, measure.frames(folder / "film.mp4", (128, 72), "gray"), strict=True))
    heard = measure.stream(folder / "film.mp4")["1"]
    assert heard[0][0] == pytest.approx(-1024 / 48_000, abs=0.001)  # the coder's run-up lies before the film
    assert len(measure.sound(folder / "film.mp4")) == pytest.approx(samples, abs=2)


def test_the_film_can_be_entered_at_every_stretch_and_at_every_closed_group(tmp_path: Path) -> None:
    made = [stretch([(Slide(scene(i)), 0)], count, tmp_path / str(i), quality="standard") for i, count in enumerate((50, 2, 3, 1))]
    splice(made, (FRAME.width, FRAME.height), film.timescale(FRAME.rate), tmp_path / "picture.mp4")
    args = ["-f", "mov", "-skip_frame", "nokey", "-i", tmp_path / "picture.mp4", "-fps_mode", "passthrough", "-copyts", "-f", "framemd5", "pipe:1"]
    told = b"".join(ffmpeg.read(args, 1 << 16)).decode()
    shown = [round(int(line.split(",")[2]) * FRAME.rate / 24) for line in told.splitlines() if line.startswith("0,")]
    assert shown == [0, 48, 50, 52, 55]
    assert measure.times(tmp_path / "picture.mp4") == [i / FRAME.rate for i in range(56)]


def test_only_stretches_of_one_kind_are_spliced(tmp_path: Path) -> None:
    one = stretch([(Slide(scene(1)), 0)], 5, tmp_path / "a")
    other = stretch([(Slide(scene(1), Frame(192, 108, Fraction(24))), 0)], 5, tmp_path / "b", Frame(192, 108, Fraction(24)))
    cut, loud, junk = (tmp_path / name for name in ("cut.mp4", "loud.mp4", "junk.mp4"))
    cut.write_bytes(one.read_bytes()[:-200])
    junk.write_bytes(bytes(range(256)) * 20)
    measure.video(loud, [np.zeros((72, 128, 3), np.uint8)] * 5, 24, tone=440)
    for bad in (other, cut, loud, junk):
        with pytest.raises(FilmError, match="part"):
            splice([one, bad], (FRAME.width, FRAME.height), film.timescale(FRAME.rate), tmp_path / "out.mp4")


def test_a_stretch_that_came_out_short_is_not_taken(tmp_path: Path) -> None:
    class Short(Slide):
        def frames(self, start: int, count: int) -> Iterator[NDArray[np.uint8]]:
            yield from super().frames(start, count - 3)

    with pytest.raises(FilmError, match="21 frames, not 24"):
        stretch([(Short(scene(1)), 0)], 24, tmp_path / "a")


def test_the_same_bytes_again(tmp_path: Path) -> None:
    made = [stretch([(Slide(scene(1), step=0.5), 0), (Slide(scene(2)), 0)], 12, tmp_path / name, xfade="fade", look=PRESETS.looks["faded_film"]) for name in "ab"]
    assert made[0].read_bytes() == made[1].read_bytes()


# Transitions and looks -------------------------------------------------------------------------------------------------


# ffmpeg's circlecrop is black round its circle up to the last frame.
LATE = {"iris": 0.7}


@pytest.mark.parametrize("name", [name for name, one in PRESETS.transitions.items() if one.xfade])
def test_a_transition_goes_from_one_scene_to_the_next(name: str, tmp_path: Path) -> None:
    frames = 24
    assert PRESETS.transitions[name].xfade in film.XFADES
    old, new = Slide(scene(1)), Slide(scene(2))
    seen = lumas(stretch([(old, 0), (new, 0)], frames, tmp_path / "t", xfade=PRESETS.transitions[name].xfade))
    assert len(seen) == frames
    apart = np.abs(old.luma - new.luma).mean()
    assert np.abs(seen[0] - old.luma).mean() < 0.08 * apart
    assert np.abs(seen[-1] - new.luma).mean() < LATE.get(name, 0.3) * apart
    assert np.abs(seen[0] - seen[12]).mean() > 0.1 * apart and np.abs(seen[12] - seen[-1]).mean() > 0.1 * apart


def test_there_are_transitions_to_choose_from(presets: Presets) -> None:
    named = {one.xfade for one in presets.transitions.values() if one.xfade}
    assert len(named) >= 26
    assert len({one.label for one in presets.transitions.values()}) == len(presets.transitions)


def graded(look: Look, count: int = 3) -> tuple[Array, Array]:
    """(luma, chroma) that leave the filter, before any encoder: (frames, pixels)."""
    graph = film.picture_filter(FRAME, "", count, look, False)
    shown = [Slide(card_of_colours()).frames(0, count)]
    args = ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", "128x72", "-r", "24", *TAGS, "-i", "pipe:0", "-filter_complex", graph]
    with ffmpeg.started([*args, "-map", "[film]", *TAGS, "-f", "rawvideo", "-pix_fmt", "yuv420p", "pipe:1"], feed=True) as run:
        assert run.stdin and run.stdout
        run.stdin.write(b"".join(one.tobytes() for one in shown[0]))
        run.stdin.close()
        raw = run.stdout.read()
    whole = np.frombuffer(raw, np.uint8).reshape(count, -1).astype(float)
    return whole[:, : 128 * 72], whole[:, 128 * 72 :]


def card_of_colours() -> Array:
    """Black to white, and all colours to their fullest."""
    card = np.zeros((72, 128, 3), np.uint8)
    card[:24] = np.linspace(0, 255, 128)[None, :, None].astype(np.uint8)
    colours = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (0, 255, 255), (255, 0, 255), (200, 150, 120), (90, 110, 60)]
    for i, colour in enumerate(colours):
        card[24:48, i * 16 : i * 16 + 16] = colour
        card[48:, i * 16 : i * 16 + 16] = [part // 3 + 60 for part in colour]
    return card


@pytest.mark.parametrize("name", [name for name in PRESETS.looks if name != "none"])
def test_a_look_changes_the_picture_within_what_is_allowed(name: str) -> None:
    plain, given = graded(PLAIN), graded(PRESETS.looks[name])
    assert np.abs(plain[0] - given[0]).mean() + np.abs(plain[1] - given[1]).mean() > 1.5
    assert given[0].min() >= 16 and given[0].max() <= 235
    assert given[1].min() >= 16 and given[1].max() <= 240


@pytest.mark.parametrize("name", ["noir", "vivid", "dream", "bleach", "documentary", "cinematic", "soft", "old"])
def test_a_look_without_a_tint_leaves_grey_grey(name: str) -> None:
    """The strip from black to white is as colourless as before, but for a look's own warm and cool."""
    looks = PRESETS.looks | {"soft": replace(PLAIN, soften=0.5), "old": replace(PLAIN, fade=1.0, grain=1.0)}
    _, chroma = graded(replace(looks[name], kelvin=6500, shadows=(0.0, 0.0, 0.0), highlights=(0.0, 0.0, 0.0), vignette=0.0))
    half = chroma[:, : 36 * 64].reshape(-1, 36, 64)[:, :6], chroma[:, 36 * 64 :].reshape(-1, 36, 64)[:, :6]
    assert max(np.abs(one - 128).max() for one in half) <= 3


def test_monochrome_has_its_tint_only() -> None:
    _, chroma = graded(PRESETS.looks["noir"])
    assert np.abs(chroma - 128).max() <= 2


def test_looks_differ(tmp_path: Path) -> None:
    seen = {name: graded(look, 1) for name, look in PRESETS.looks.items()}
    for one, other in ((a, b) for a in seen for b in seen if a < b):
        assert np.abs(seen[one][0] - seen[other][0]).mean() + np.abs(seen[one][1] - seen[other][1]).mean() > 0.5
