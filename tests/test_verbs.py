"""Verbs over given videos: what comes out is looked at and listened to, frame by frame."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from pipelines import ffmpeg
from pipelines.chain import chain
from pipelines.plan import Frame
from pipelines.render import Studio
from pipelines.verbs.blend import Blend, blend
from pipelines.verbs.edit import Edit, edit
from pipelines.verbs.extend import Extend, extend
from pipelines.verbs.fill import Fill, fill
from pipelines.verbs.loop import Loop, loop
from pipelines.verbs.recut import Recut, parts, recut
from pipelines.verbs.table import VERBS, asked
from pipelines.verbs.words import understood
from pipelines.work import Cancelled, FilmError, idle

from . import measure, whole

SIZE = (192, 108)
RATE = 24
X264 = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "12")
X264 += ("-vf", "scale=out_color_matrix=bt709:out_range=tv", "-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709")
Picture = Any
Pictures = list[Picture]


def filmed(photo: Path, count: int, size: tuple[int, int] = SIZE, pan: float = 2.0, zoom: float = 1.0, rate: int = RATE) -> Pictures:
    """The photograph under a moving camera, with something that passes before it."""
    width, height = size
    ground = cv2.imread(str(photo))[..., ::-1]
    near = ground[80:220, 500:700].copy()
    near[:4] = near[-4:] = near[:, :4] = near[:, -4:] = 20
    out = []
    for n in range(count):
        time = n * RATE / rate
        scale = 0.5 * zoom**time
        at = np.array([[scale, 0, width / 2 - scale * (430 + pan * time / 0.5)], [0, scale, height / 2 - scale * 300]])
        picture = cv2.warpAffine(np.ascontiguousarray(ground), at, size, flags=cv2.INTER_AREA)
        place = np.array([[0.25, 0, -20 + 4.0 * time], [0, 0.25, 30 + 6 * np.sin(time / 5)]])
        over = cv2.warpAffine(near, place, size)
        mask = cv2.warpAffine(np.ones(near.shape[:2], np.float32), place, size)[..., None]
        out.append((picture * (1 - mask) + over * mask).round().astype(np.uint8))
    return out


def seen(path: Path, size: tuple[int, int] = SIZE) -> Pictures:
    return list(measure.frames(path, size))


def even(path: Path, rate: int | Fraction) -> int:
    """How many pictures there are; each lasts as long as any other."""
    shown = measure.times(path)
    assert shown[0] == 0 and all(b - a == 1 / Fraction(rate) for a, b in pairwise(shown))
    return len(shown)


def psnr(a: Picture, b: Picture) -> float:
    return float(10 * np.log10(255**2 / max(1e-9, np.mean((a.astype(float) - b) ** 2))))


def apart(a: Picture, b: Picture) -> float:
    return float(np.abs(a.astype(float) - b).mean())


def moved(a: Picture, b: Picture) -> tuple[float, float]:
    """(to the right, enlargement) of the middle from one picture to the next, in pixels and as a factor."""
    grey = [cv2.cvtColor(np.ascontiguousarray(one), cv2.COLOR_RGB2GRAY) for one in (a, b)]
    points = cv2.goodFeaturesToTrack(grey[0], 200, 0.01, 4)
    found, good, _ = cv2.calcOpticalFlowPyrLK(grey[0], grey[1], points, points.copy())
    kept = good.reshape(-1) == 1
    matrix, _ = cv2.estimateAffinePartial2D(points[kept], found[kept], ransacReprojThreshold=0.5)
    middle = matrix @ (SIZE[0] / 2, SIZE[1] / 2, 1) - (SIZE[0] / 2, SIZE[1] / 2)
    return float(middle[0]), float(np.hypot(matrix[0, 0], matrix[1, 0]))


@pytest.fixture(scope="module")
def pan(photo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second and a half, moving to the right, with a tone."""
    return measure.video(tmp_path_factory.mktemp("pan") / "pan.mp4", filmed(photo, 36), RATE, *X264, "-c:a", "aac", tone=440)


@pytest.fixture(scope="module")
def still_photo(photo: Path) -> Picture:
    return filmed(photo, 1)[0]


Make = Callable[..., Path]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "made" / "out.mp4"


# Fill ------------------------------------------------------------------------------------------------------------------


def test_pictures_between_are_like_those_that_were_there(photo: Path, out: Path, tmp_path: Path, studio: Studio) -> None:
    true = filmed(photo, 41, rate=2 * RATE)
    half = measure.video(tmp_path / "half.mp4", true[::2], RATE, *X264)
    cut = fill([half], Fill(fps=2 * RATE), studio, out)
    assert cut.frames == even(out, 2 * RATE) == 42 and cut.seconds == pytest.approx(21 / RATE)
    made = seen(out)
    for k in range(0, 40, 2):
        assert psnr(made[k], true[k]) > 28, "those that were given stay"
    ours = np.mean([psnr(made[k], true[k]) for k in range(1, 40, 2)])
    other = tmp_path / "other.mp4"
    ffmpeg.run(["-f", "mov", "-i", half, "-vf", f"minterpolate=fps={2 * RATE}:mi_mode=mci", *X264[:6], "-f", "mp4", other])
    theirs = [np.mean([psnr(a, true[k]) for k, a in zip(range(1, 36, 2), seen(other)[1 + lead : 36 + lead : 2], strict=False)]) for lead in (0, 1)]
    assert ours > max(theirs)
    assert ours > np.mean([psnr(true[k - 1], true[k]) for k in range(1, 40, 2)]) + 6


def test_slow_motion_stretches_the_sound_and_keeps_its_pitch(pan: Path, out: Path, studio: Studio) -> None:
    cut = fill([pan], Fill(slow=2), studio, out)
    assert cut.frames == even(out, RATE) == 72
    steps = [apart(a, b) for a, b in pairwise(seen(out))]
    assert min(steps[4:-4]) > 0.3 * float(np.median(steps)), "every picture moves on"
    sound = measure.sound(out)[:, 0]
    assert len(sound) / 48_000 == pytest.approx(3, abs=0.05)
    assert pitch(sound[24_000:120_000]) == pytest.approx(440, abs=6)


def pitch(sound: Picture) -> float:
    heard = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    return float(np.argmax(heard) * 48_000 / len(sound))


def test_a_scene_cut_stays_a_cut(photo: Path, out: Path, tmp_path: Path, studio: Studio) -> None:
    other = [255 - picture[::-1] for picture in filmed(photo, 8, pan=-2)]
    both = measure.video(tmp_path / "both.mp4", [*filmed(photo, 8), *other], RATE, *X264)
    fill([both], Fill(fps=96), studio, out)
    ends = seen(both)[7:9]
    assert apart(*ends) > 30
    for picture in seen(out)[28:33]:
        assert min(apart(picture, end) for end in ends) < 8, "one or the other, never something between"


def test_pictures_that_were_lost_are_drawn_anew(photo: Path, out: Path, tmp_path: Path, studio: Studio) -> None:
    true = filmed(photo, 24)
    torn = [true[n - 1] if n % 4 == 3 else true[n] for n in range(24)]
    path = measure.video(tmp_path / "torn.mp4", torn, RATE, "-c:v", "libx264", "-qp", "0", "-preset", "ultrafast")
    cut = fill([path], Fill(missing=True), studio, out)
    assert cut.frames == 24
    made = seen(out)
    for n in (7, 11, 15):
        assert psnr(made[n], true[n]) > psnr(torn[n], true[n]) + 3


def test_fewer_pictures_a_second(pan: Path, out: Path, studio: Studio) -> None:
    assert fill([pan], Fill(fps=29.97), studio, out).frames == even(out, Fraction(30_000, 1001)) == 45
    assert fill([pan], Fill(fps=12), studio, out).frames == even(out, 12) == 18


# Extend ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("backward", [False, True])
def test_it_goes_on_at_its_own_pace(backward: bool, pan: Path, out: Path, studio: Studio) -> None:
    cut = extend([pan], Extend(1.0, backward=backward), studio, out)
    assert cut.frames == even(out, RATE) == 60 and cut.seconds == 2.5
    made, given = seen(out), seen(pan)
    own = made[24:] if backward else made[:36]
    assert min(psnr(a, b) for a, b in zip(own, given, strict=True)) > 32, "what was given stays"
    joint = 24 if backward else 36
    before, after = (moved(made[joint - k], made[joint - k + 1])[0] for k in (4, -2))
    assert before == pytest.approx(after, rel=0.25), "no jump, no stop"
    steps = [apart(a, b) for a, b in pairwise(made)]
    assert 0.4 * steps[joint - 3] < steps[joint - 1] < 2 * steps[joint - 3], "no picture is doubled, none is left out"


@pytest.mark.parametrize(("pan", "zoom"), [(-3.0, 1.0), (0.0, 0.99), (0.0, 1.0), (2.0, 1.008)])
def test_no_edge_comes_into_view(pan: float, zoom: float, photo: Path, out: Path, tmp_path: Path, studio: Studio) -> None:
    pictures = filmed(photo, 16, pan=pan, zoom=zoom)
    for picture in pictures:  # a rim that cannot be overlooked if it were repeated
        picture[:2] = picture[-2:] = picture[:, :2] = picture[:, -2:] = (250, 0, 250)
    path = measure.video(tmp_path / "rim.mp4", pictures, RATE, *X264)
    extend([path], Extend(2.0), studio, out)
    made = seen(out)
    for picture in made[17:]:
        rim = (picture[..., 0].astype(int) - picture[..., 1] > 120) & (picture[..., 2].astype(int) - picture[..., 1] > 120)
        assert rim[SIZE[1] // 2].sum() <= 6 and rim[:, SIZE[0] // 2].sum() <= 6
        assert picture.mean() > 40
    assert apart(made[17], made[-1]) > 1, "it is no frozen picture"


def test_a_prompt_moves_the_camera(pan: Path, out: Path, studio: Studio) -> None:
    cut = extend([pan], Extend(2.0, "zoom in while a dragon lands"), studio, out)
    made = seen(out)
    assert moved(made[60], made[64])[1] > 1.005
    assert "needs a model" in cut.notes[0]


def test_an_engine_goes_on_from_the_exact_last_picture(out: Path, tmp_path: Path, studio: Studio) -> None:
    reds = [np.full((64, 96, 3), (red, 90, 90), np.uint8) for red in (60, 90, 120, 200)]
    path = measure.video(tmp_path / "red.mp4", reds, 12, *X264)
    with whole.extras():
        cut = extend([path], Extend(1.0, "a wave", engine="reel"), studio, out)
        light = [float(picture.mean()) for picture in measure.frames(out, (96, 64), "gray")]
        assert cut.frames == len(light) == 16
        assert light[4:] == pytest.approx([40 + 7 * k for k in range(1, 13)], abs=2), "the doubled picture is left out"
        assert seen(out, (96, 64))[6][..., 0].mean() > 165, "it saw the last picture, which is the reddest"
        extend([path], Extend(1.0, "a wave", engine="reel"), studio, out)
        assert studio.crew.get("clips", "reel").shot == ["a wave"], "made once"
        extend([path], Extend(0.5, "a wave", engine="reel", backward=True), studio, out)
        light = [float(picture.mean()) for picture in measure.frames(out, (96, 64), "gray")]
        assert light[:6] == sorted(light[:6], reverse=True)


def test_a_chain_of_files_doubles_nothing_and_resumes(photo: Path, out: Path, studio: Studio) -> None:
    frame = Frame(96, 64, Fraction(12))
    with whole.extras():
        chain(["one", "two", "three"], photo, [1.0, 1.0, 0.5], frame, "reel", 0, "none", studio, out, idle)
        light = [float(picture.mean()) for picture in measure.frames(out, (96, 64), "gray")]
        wanted = [*range(12), *range(1, 13), *range(1, 7)]
        assert light == pytest.approx([40 + 7 * k for k in wanted], abs=2)
        assert studio.crew.get("clips", "reel").shot == ["one", "two", "three"]
        chain(["one", "two", "other"], photo, [1.0, 1.0, 0.5], frame, "reel", 0, "none", studio, out, idle)
        assert studio.crew.get("clips", "reel").shot[3:] == ["other"], "the others are there already"
        with pytest.raises(FilmError, match="torn"):
            chain(["one", "fail"], photo, [1.0, 1.0], frame, "reel", 0, "none", studio, out, idle)
    with pytest.raises(FilmError, match="no clip engine"):
        chain(["one"], photo, [1.0], frame, "nobody", 0, "none", studio, out, idle)


def test_a_chain_of_sketches_melts_from_one_prompt_to_the_next(out: Path, studio: Studio) -> None:
    frame, prompts = Frame(160, 90, Fraction(12)), ["a desert at noon", "a forest at night"]
    chain(prompts, None, [1.0, 2.0], frame, "auto", 3, "none", studio, out, idle)
    seen = [picture.astype(float) for picture in measure.frames(out, (160, 90), "gray")]
    steps = [float(np.abs(b - a).mean()) for a, b in pairwise(seen)]
    whole = float(np.abs(seen[-1] - seen[0]).mean())
    assert len(seen) == 36
    assert whole > 30, "the second prompt is seen"
    assert max(steps) < whole / 3, "and nowhere does it cut"
    assert max(steps[:10] + steps[23:]) < max(steps[11:22]), "it changes where the second segment begins"


# Blend, loop, recut -----------------------------------------------------------------------------------------------------


def test_one_turns_into_the_other(photo: Path, pan: Path, out: Path, tmp_path: Path, studio: Studio) -> None:
    dark = [np.full((240, 200, 3), 30, np.uint8) for _ in range(20)]
    other = measure.video(tmp_path / "dark.mp4", dark, 30, *X264)
    cut = blend([pan, other], Blend(0.5, "linear"), studio, out)
    assert cut.frames == even(out, RATE) == 36 + 16 - 8, "a shorter one gives half of itself"
    assert "no more to give" in cut.notes[0]
    light = [float(picture[40:60].mean()) for picture in seen(out)]
    assert light[27] > 100 and light[-1] == pytest.approx(30, abs=3)
    assert all(a >= b - 1 for a, b in pairwise(light[27:37])) and abs(light[32] - (light[27] + 30) / 2) < 18
    assert len(measure.sound(out)) / 48_000 == pytest.approx(cut.seconds, abs=0.05)


@pytest.mark.parametrize("curve", ["ease", "early", "late", "mix"])
def test_curves(curve: str, out: Path, tmp_path: Path, studio: Studio) -> None:
    ends = [measure.video(tmp_path / f"{light}.mp4", [np.full((64, 96, 3), light, np.uint8)] * 12, 12, *X264) for light in (40, 200)]
    blend(ends, Blend(0.5, curve), studio, out)
    shares = [(float(picture.mean()) - 40) / 160 for picture in seen(out, (96, 64))[6:12]]
    assert shares == sorted(shares)
    assert {"ease": abs(shares[0] + shares[5] - 1) < 0.05, "early": shares[2] > 0.55, "late": shares[2] < 0.3, "mix": abs(shares[2] - 0.5) < 0.05}[curve]


@pytest.mark.parametrize("seam", ["short", "normal"])
def test_the_end_of_a_loop_is_its_beginning(seam: str, pan: Path, out: Path, studio: Studio) -> None:
    cut = loop([pan], Loop(seam), studio, out)
    made = seen(out)
    assert cut.frames == even(out, RATE) == len(made) < 36
    steps = [apart(a, b) for a, b in pairwise(made)]
    assert apart(made[-1], made[0]) < 1.6 * float(np.median(steps)), "as any picture comes after the one before"
    assert max(steps) < 4 * float(np.median(steps))
    assert len(measure.sound(out)) / 48_000 == pytest.approx(cut.seconds, abs=0.05)


def test_a_loop_is_cut_where_it_comes_round(out: Path, tmp_path: Path, studio: Studio) -> None:
    def clock(n: int) -> Picture:
        picture = np.full((72, 96, 3), 60, np.uint8)
        cv2.circle(picture, (round(48 + 24 * np.cos(n * np.pi / 12)), round(36 + 24 * np.sin(n * np.pi / 12))), 8, (230, 230, 60), -1)
        return picture

    path = measure.video(tmp_path / "clock.mp4", [clock(n) for n in range(41)], RATE, *X264)  # comes round every 24
    assert loop([path], Loop("short"), studio, out).frames == 24


def test_parts_are_kept_and_what_is_around_them_is_made(pan: Path, out: Path, studio: Studio) -> None:
    given = seen(pan)
    cut = recut([pan], Recut(parts("1-1.25, 0-0.5")), studio, out)
    assert cut.frames == even(out, RATE) == 18
    made = seen(out)
    assert [int(np.argmin([apart(a, b) for b in given])) for a in made] == [*range(24, 30), *range(12)]
    cut = recut([pan], Recut(parts("0.5-1"), 2.0), studio, out)
    assert cut.frames == even(out, RATE) == 48
    made = seen(out)
    assert min(psnr(a, b) for a, b in zip(made[18:30], given[12:24], strict=True)) > 32, "the part lies where it lay"
    assert len(measure.sound(out)) / 48_000 == pytest.approx(2, abs=0.05) and "the sound carried on" in cut.how


# Edit ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        ("make it black and white, slow motion, reverse", {"look": "black_and_white", "speed": 0.5, "reverse": True}),
        ("Noir, 9:16 please", {"look": "noir", "crop": "9:16"}),
        ("Golden hour; twice as fast and without sound", {"look": "golden_hour", "speed": 2.0, "mute": True}),
        ("3x slower, slightly sepia, square", {"look": "sepia", "strength": "subtle", "crop": "1:1", "speed": pytest.approx(1 / 3)}),
        ("teal and orange, a time-lapse", {"look": "teal_orange", "speed": 8.0}),
        ("add a dragon", {"unknown": ("dragon",)}),
        ("winter, noir", {"look": "winter", "unknown": ("noir",)}),
        ("warmer, with more contrast", {"grade": (("kelvin", 5200), ("contrast", 1.25))}),
        ("", {}),
    ],
)
def test_words_are_understood_or_told_back(prompt: str, said: dict[str, Any], presets: Any) -> None:
    wishes = understood(prompt, presets.looks)
    for name in ("look", "grade", "speed", "reverse", "mute", "crop", "strength", "unknown"):
        assert getattr(wishes, name) == said.get(name, getattr(understood("", presets.looks), name)), name


def test_a_look_as_strong_as_asked(pan: Path, out: Path, studio: Studio) -> None:
    def colour(how: Edit) -> float:
        edit([pan], how, studio, out)
        return float(np.mean([np.ptp(picture.astype(int), axis=2).mean() for picture in seen(out)[:3]]))

    none, subtle, strong = (colour(how) for how in (Edit(reverse=True), Edit(look="black_and_white", strength="subtle"), Edit("black & white")))
    assert strong < 3 and 0.5 * none < subtle < 0.8 * none


def test_backwards_faster_and_cropped(pan: Path, out: Path, studio: Studio) -> None:
    given = seen(pan)
    cut = edit([pan], Edit("reverse, twice as fast, square, with a dragon"), studio, out)
    assert cut.frames == even(out, RATE) == 18
    made = seen(out, (108, 108))
    assert [int(np.argmin([apart(a, b[:, 42:150]) for b in given])) for a in made] == list(range(35, 0, -2))
    assert "dragon" in cut.notes[0]
    assert len(measure.sound(out)) / 48_000 == pytest.approx(0.75, abs=0.05)


def test_a_shaken_video_is_made_steady(photo: Path, out: Path, tmp_path: Path, studio: Studio) -> None:
    ground = filmed(photo, 1, (240, 140))[0]
    shaken = [ground[9 + n % 3 * 4 - 4 :, 20 + n % 2 * 6 :][:108, :192] for n in range(30)]
    path = measure.video(tmp_path / "shaken.mp4", shaken, RATE, *X264)
    edit([path], Edit("stabilise it"), studio, out)
    before, after = (np.mean([abs(moved(a, b)[0]) for a, b in pairwise(seen(one)[5:25])]) for one in (path, out))
    assert after < 0.3 * before


def test_words_over_it(pan: Path, out: Path, tmp_path: Path, studio: Studio) -> None:
    long = tmp_path / "long.mp4"
    fill([pan], Fill(fps=12, slow=3), studio, long)
    edit([long], Edit(narration="So it begins.", captions=True), studio, out)
    before, after = measure.sound(long)[:, 0], measure.sound(out)[:, 0]
    assert len(after) / 48_000 == pytest.approx(4.5, abs=0.1)
    voice = after[24_000:60_000]
    tone = np.abs(np.fft.rfft(voice))
    assert tone[np.abs(np.fft.rfftfreq(len(voice), 1 / 48_000) - 440) > 20].sum() > tone.sum() / 2, "somebody speaks"
    assert np.abs(before).max() > 0.05 and np.abs(after[-20_000:]).max() > 0.02, "its own sound is still there"
    off = [apart(plain[80:], made[80:]) for plain, made in zip(seen(long), seen(out), strict=True)]
    assert np.mean(off[5:10]) > 1.3 * np.mean(off[25:]), "while it is spoken it is written"
    with pytest.raises(FilmError, match="narration lasts"):
        edit([pan], Edit(narration="This is far too much to be said in so short a time, whoever may say it."), studio, out)


# What cannot be done ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "told", "said"),
    [
        ("fill", {}, "Nothing is asked for"),
        ("fill", {"fps": 0}, "fps: 0 does not fit"),
        ("fill", {"slow": 99}, "slow: 99"),
        ("extend", {}, "seconds is missing"),
        ("extend", {"seconds": float("nan")}, "seconds: nan"),
        ("extend", {"seconds": 1, "engine": "nobody"}, "no clip engine"),
        ("blend", {"curve": "wild"}, "no curve"),
        ("blend", {"seconds": -1}, "seconds: -1"),
        ("loop", {"seam": "wide"}, "no seam"),
        ("loop", {"seam": "long"}, "too short"),
        ("recut", {"keep": "5-2"}, "does not fit"),
        ("recut", {"keep": "1-9"}, "beyond the end"),
        ("recut", {"keep": "0-1", "seconds": 0.5}, "seconds: 0.5"),
        ("edit", {}, "Nothing that can be done"),
        ("edit", {"prompt": "add a dragon"}, "Nothing that can be done"),
        ("edit", {"look": "nope"}, "no look"),
        ("edit", {"crop": "1:99"}, "crop"),
        ("edit", {"speed": 99}, "speed: 99"),
        ("edit", {"strength": "wild", "look": "noir"}, "no strength"),
        ("edit", {"wild": 1}, 'has no "wild"'),
        ("nothing", {}, "no verb"),
    ],
)
def test_what_does_not_fit_is_said_with_a_remedy(name: str, told: dict[str, Any], said: str, pan: Path, out: Path, studio: Studio) -> None:
    with pytest.raises(FilmError, match=re.escape(said)) as told_:
        verb, how = asked(name, told)
        verb.does([pan] * verb.videos, how, studio, out, idle)
    assert told_.value.hint
    assert not out.exists() and not list((studio.vault.root / "scratch").glob("*"))


@pytest.mark.parametrize("name", sorted(VERBS))
def test_whatever_is_given(name: str, out: Path, tmp_path: Path, photo: Path, pan: Path, studio: Studio) -> None:
    verb, how = asked(name, USUAL[name])
    (tmp_path / "text.mp4").write_text("no film at all", "utf-8")
    playlist = tmp_path / "list.mp4"
    playlist.write_text("#EXTM3U\n#EXTINF:1,\n/etc/passwd\n", "utf-8")
    for bad in (tmp_path / "none.mp4", tmp_path / "text.mp4", playlist, photo, tmp_path):
        with pytest.raises(FilmError):
            verb.does([bad] * verb.videos, how, studio, out, idle)
    with pytest.raises(FilmError, match="were given"):
        verb.does([pan] * 3, how, studio, out, idle)
    with pytest.raises(FilmError, match="cannot be saved"):
        verb.does([pan] * verb.videos, how, studio, out.with_suffix(".exe"), idle)

    def unwanted(share: float) -> None:
        if share > 0.3:
            raise Cancelled

    with pytest.raises(Cancelled):
        verb.does([pan] * verb.videos, how, studio, out, unwanted)
    assert not out.exists() and not list(out.parent.glob(".*")) and not list((studio.vault.root / "scratch").glob("*"))
    odd = measure.video(tmp_path / "odd.mkv", [picture[:71, :93] for picture in filmed(photo, 26)], 24, "-c:v", "ffv1", "-pix_fmt", "yuv444p", muxer="matroska")
    cut = verb.does([odd] * verb.videos, how, studio, out, idle)
    assert cut.frames == len(measure.times(out)), "an odd size and another kind are taken as they are"


USUAL: dict[str, dict[str, Any]] = {
    "extend": {"seconds": 0.5},
    "fill": {"fps": 48},
    "blend": {"seconds": 0.25},
    "loop": {"seam": "short"},
    "recut": {"keep": "0.25-0.75"},
    "edit": {"prompt": "noir, reverse"},
}


def test_a_video_whose_pictures_come_unevenly(photo: Path, out: Path, tmp_path: Path, studio: Studio) -> None:
    uneven = ("-vf", "setpts=(N+floor(N*N/9))/(24*TB)", "-fps_mode", "vfr")
    path = measure.video(tmp_path / "vfr.mp4", filmed(photo, 12), 24, *X264[:6], *uneven)
    cut = extend([path], Extend(0.5), studio, out)
    assert cut.frames == len(measure.times(out))


# The front door ---------------------------------------------------------------------------------------------------------


def test_the_readmes_script_runs(photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (whole.ROOT / "README.md").read_text("utf-8")
    script = next(found for found in re.findall(r"```python\n(.*?)```", text, re.S) if "studio.front" in found)
    monkeypatch.setenv("REELWRIGHT_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("REELWRIGHT_ONLINE_VOICES", "0")
    monkeypatch.chdir(tmp_path)
    small = script.replace("1080p", "90p").replace("duration=8", "duration=1").replace("duration_extension=4", "duration_extension=0.5")
    assert small != script
    exec(compile(small, "README.md", "exec"), {})
    assert whole.count(tmp_path / "lake.mp4") == 24 and whole.count(tmp_path / "longer.mp4") == 36


def test_an_open_file_and_a_video_go_in(photo: Path, pan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from studio.front import extend as go_on
    from studio.front import generate

    monkeypatch.setenv("REELWRIGHT_DATA", str(tmp_path / "data"))
    with photo.open("rb") as file:
        film = generate("sora", "hills", 0.5, "90p", "1:1", "photorealistic", file, 0.2)
    assert "photorealistic" in film.notes[0] and film.video[4:8] == b"ftyp"
    folder = film.path.parent
    del film
    assert not folder.exists(), "what was not saved is gone"
    over = generate(prompt="in black and white", input_file=pan)
    assert np.ptp(seen(over.path)[5].astype(int), axis=2).max() < 8
    for wrong in ({"resolution": "9p"}, {"aspect_ratio": "1:50"}, {"motion_intensity": 2}, {"model": "nobody", "prompt": "x"}):
        with pytest.raises(FilmError):
            generate(**wrong)  # type: ignore[arg-type]
    with pytest.raises(FilmError, match="input_file"):
        go_on()


def variations_of(folder: Path) -> Sequence[str]:
    return sorted(path.name for path in folder.glob("v*") if "timeline" not in path.name)


def test_variations_lie_side_by_side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from studio import cli

    monkeypatch.setenv("REELWRIGHT_DATA", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    small = ["--size", "160x90", "--seconds", "0.5", "--fps", "8"]
    assert cli.main(["generate", "hills at dawn", *small, "--variations", "3", "-o", "v.mp4"]) == 0
    assert variations_of(tmp_path) == ["v-1.mp4", "v-2.mp4", "v-3.mp4", "v-variations.jpg"]
    first, second = (seen(tmp_path / f"v-{n}.mp4", (160, 90))[0] for n in (1, 2))
    assert apart(first, second) > 2
    with Image.open(tmp_path / "v-variations.jpg") as sheet:
        assert sheet.size == (4 * 326 + 6, 3 * 186 + 6)
    assert cli.main(["generate", "x", *small, "--variations", "99", "-o", "v.mp4"]) == 1


def test_the_command_line_reaches_every_verb(pan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from studio import cli

    monkeypatch.setenv("REELWRIGHT_DATA", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    assert cli.main(["recut", str(pan), "--split", "0.5,1", "-o", "p.mp4"]) == 0
    assert [whole.count(tmp_path / f"p-{n}.mp4") for n in (1, 2, 3)] == [12, 12, 12]
    assert cli.main(["edit", str(pan), "--prompt", "faster, with a dragon", "--look", "noir", "-o", "e.mp4", "--json"]) == 0
    assert "dragon" in capsys.readouterr().out
    assert cli.main(["generate", "noir, reverse", "--input-video", str(pan), "-o", "g.mp4"]) == 0
    assert whole.count(tmp_path / "g.mp4") == 36
    assert cli.main(["recut", str(pan), "-o", "x.mp4"]) == 1 and cli.main(["loop", str(pan), "--seam", "long", "-o", "x.mp4"]) == 1
    assert not (tmp_path / "x.mp4").exists()
