"""What a page shows before anything is made is what the film will show, and it is made once."""

from __future__ import annotations

import wave
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from pipelines import moves, preview
from pipelines.clips.camera import Engine
from pipelines.crew import Crew
from pipelines.darkroom import Darkroom, negative
from pipelines.loudness import Meter
from pipelines.plan import Frame, Shot
from pipelines.presets import Presets
from pipelines.stage import Studio
from pipelines.story import Story, read
from pipelines.vault import Part, Vault
from pipelines.work import Cancelled, FilmError

from . import edge_server, measure, whole

FRAME = Frame(320, 180, Fraction(24))
Array = NDArray[Any]


def seen(part: Part) -> Array:
    """The JPEG's pixels, as a browser has them."""
    with Image.open(part.path, formats=("JPEG",)) as image:
        return np.asarray(image.convert("RGB"), np.float64)


def heard(part: Part) -> tuple[Array, int]:
    """The WAV's samples, (samples, channels), and how many channels."""
    with wave.open(str(part.path)) as file:
        assert (file.getsampwidth(), file.getframerate()) == (2, 48_000)
        raw = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, file.getnchannels())
    return raw.astype(np.float32) / np.float32(32768), raw.shape[1]


def loud(sound: Array) -> float:
    meter = Meter()
    meter.feed(sound)
    return meter.loudness()


def tell(presets: Presets, photo: Path, scene: dict[str, Any] | None = None, **said: Any) -> Story:
    """A story of one scene with the photo."""
    row = {"image": str(photo), "duration": 2, "clip_action": "static"} | (scene or {})
    return read({"title": "A test", "size": "320x180", "music": "none", "captions": "none", "scenes": [row]} | said, presets, Path("/"))


# Pictures


def test_a_thumbnail_has_the_pictures_own_colours(room: Darkroom, vault: Vault, tmp_path: Path) -> None:
    picture = np.zeros((600, 1000, 3), np.uint8)
    picture[:, :500], picture[:, 500:] = (200, 30, 90), (10, 180, 250)
    Image.fromarray(picture).save(tmp_path / "two.png")
    part = preview.thumb(tmp_path / "two.png", room, vault)
    small = seen(part)
    assert small.shape == (288, 480, 3)
    assert (part.notes["width"], part.notes["height"]) == (1000, 600)
    assert small[:, :230].mean((0, 1)) == pytest.approx((200, 30, 90), abs=2)
    assert small[:, 250:].mean((0, 1)) == pytest.approx((10, 180, 250), abs=2)


def test_a_thumbnail_stands_upright_and_is_made_once(room: Darkroom, vault: Vault, tmp_path: Path) -> None:
    lying = Image.new("RGB", (800, 500), (0, 0, 255))
    lying.paste((255, 0, 0), (0, 0, 400, 500))
    exif = Image.Exif()
    exif[0x0112] = 6  # turn it clockwise: what lies left is above
    lying.save(tmp_path / "phone.jpg", exif=exif, quality=95)
    part = preview.thumb(tmp_path / "phone.jpg", room, vault, 200)
    small = seen(part)
    assert small.shape == (320, 200, 3)
    assert (part.notes["width"], part.notes["height"]) == (500, 800)
    assert small[:150].mean((0, 1))[0] > 240
    assert small[170:].mean((0, 1))[2] > 240
    again = preview.thumb(tmp_path / "phone.jpg", room, vault, 200)
    assert again.path == part.path
    assert again.reused


def test_a_small_picture_stays_as_it_is_and_a_long_one_fits_a_page(room: Darkroom, vault: Vault, tmp_path: Path) -> None:
    for size, expected in (((60, 40), (60, 40)), ((300, 9000), (48, 1440))):
        Image.new("RGB", size, (90, 120, 40)).save(tmp_path / "given.png")
        assert seen(preview.thumb(tmp_path / "given.png", room, vault)).shape[1::-1] == expected


def test_what_is_no_picture_is_told_in_words(studio: Studio, presets: Presets, room: Darkroom, vault: Vault, tmp_path: Path) -> None:
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"\x89PNG\r\n\x1a\n and then nothing")
    with pytest.raises(FilmError, match=r"picture"):
        preview.thumb(bad, room, vault)
    with pytest.raises(FilmError, match=r"scene 1, image: ") as caught:
        preview.still(tell(presets, bad), 0, studio, room)
    assert caught.value.where == "scenes[0].image"


def test_nobody_but_the_darkrooms_child_opens_a_picture(photo: Path, vault: Vault) -> None:
    closed = Darkroom()
    closed.close()
    with pytest.raises(Cancelled):
        preview.thumb(photo, closed, vault)


@pytest.mark.parametrize("wide", [0, 31, 1921])
def test_a_preview_has_a_sensible_width(wide: int, photo: Path, studio: Studio, presets: Presets, room: Darkroom) -> None:
    with pytest.raises(FilmError, match="pixels wide"):
        preview.thumb(photo, room, studio.vault, wide)
    with pytest.raises(FilmError, match="pixels wide"):
        preview.still(tell(presets, photo), 0, studio, room, wide)


# Stills


@pytest.mark.parametrize(
    ("scene", "said"),
    [
        ({"clip_action": "zoom in"}, {"look": "vivid"}),
        ({"clip_action": "pan left"}, {"fit": "contain-blur", "look": "sepia"}),
        ({"clip_action": "static"}, {"fit": "contain", "size": "240x320"}),
    ],
)
def test_a_still_is_the_frame_in_the_middle_of_the_film(
    scene: dict[str, Any], said: dict[str, Any], studio: Studio, presets: Presets, photo: Path, room: Darkroom, tmp_path: Path
) -> None:
    story = tell(presets, photo, scene, quality="master", **said)
    part = preview.still(story, 0, studio, room)
    shown = whole.make(story, studio, tmp_path / "film.mp4")
    frame = shown.film.timeline.frame
    frames = list(measure.frames(shown.path, (frame.width, frame.height)))
    assert seen(part).shape == frames[0].shape

    def apart(k: int) -> float:
        return float(np.abs(seen(part) - frames[k]).mean())

    assert apart(len(frames) // 2) < 4
    if scene["clip_action"] != "static":
        assert apart(len(frames) // 2) < apart(0)


def test_a_smaller_still_shows_the_same(studio: Studio, presets: Presets, photo: Path, room: Darkroom) -> None:
    story = tell(presets, photo, {"clip_action": "zoom in, pan right"}, size="wide", look="sepia", fit="contain")
    large, small = (preview.still(story, 0, studio, room, wide) for wide in (960, 320))
    assert (large.notes["width"], large.notes["height"]) == (960, 540)
    assert (small.notes["width"], small.notes["height"]) == (320, 180)
    with Image.open(large.path) as image:
        shrunk = np.asarray(image.convert("RGB").resize((320, 180), Image.Resampling.BOX), np.float64)
    assert np.abs(shrunk - seen(small)).mean() < 5


@pytest.mark.parametrize("style", ["plain", "karaoke", "pop", "one-word", "bold-social"])
def test_a_still_has_its_captions_where_the_film_has_them(style: str, studio: Studio, presets: Presets, photo: Path, room: Darkroom) -> None:
    scene = {"narration": "The first drop falls on a warm stone, and then there are many more of them."}
    story = tell(presets, photo, scene, size="wide", caption_style=style)
    bare = preview.still(story, 0, studio, room)
    for captions in ("burned", "both"):
        part = preview.still(replace(story, captions=captions), 0, studio, room)
        rows = np.flatnonzero((np.abs(seen(part) - seen(bare)).max(2) > 60).any(1))
        assert len(rows) >= 8
        middle = float(rows.mean()) / 360
        assert 0.35 < middle < 0.65 if presets.captions[style].place == "middle" else middle > 0.75
    assert preview.still(replace(story, captions="sidecar"), 0, studio, room).path == bare.path


def test_a_scene_that_says_nothing_shows_the_style_all_the_same(studio: Studio, presets: Presets, photo: Path, room: Darkroom) -> None:
    story = tell(presets, photo, captions="burned")
    bare = preview.still(replace(story, captions="none"), 0, studio, room)
    assert np.abs(seen(preview.still(story, 0, studio, room)) - seen(bare)).max() > 100


def test_no_word_of_a_caption_is_taken_for_a_command(studio: Studio, presets: Presets, photo: Path, room: Darkroom) -> None:
    said = {"narration": "{\\p1}m 0 0 l 900 0 900 900{\\p0} [Events] ;drop, 'quoted' %{pts} \\N"}
    story = tell(presets, photo, said, captions="burned")
    bare = preview.still(replace(story, captions="none"), 0, studio, room)
    changed = np.abs(seen(preview.still(story, 0, studio, room)) - seen(bare)).max(2) > 60
    assert 0 < changed.mean() < 0.2


def test_a_scene_without_a_picture_is_a_plain_frame(studio: Studio, presets: Presets, photo: Path, room: Darkroom) -> None:
    part = preview.still(tell(presets, photo, {"image": "", "prompt": "a hill"}), 0, studio, room)
    assert part.notes["picture"] is False
    assert seen(part).std() < 1
    assert 40 < seen(part).mean() < 140


def test_a_still_is_made_anew_only_when_it_would_look_different(studio: Studio, presets: Presets, photo: Path, room: Darkroom) -> None:
    story = tell(presets, photo, {"clip_action": "zoom in"})
    first = preview.still(story, 0, studio, room)
    assert preview.still(replace(story, title="Another", music="auto", voice="none"), 0, studio, room).path == first.path
    for change in ({"look": "noir"}, {"fit": "stretch"}, {"captions": "burned"}, {"size": "180x320"}):
        assert preview.still(replace(story, **change), 0, studio, room).path != first.path  # type: ignore[arg-type]


@pytest.mark.parametrize("i", [-1, 1])
def test_there_is_no_still_of_a_scene_that_is_not_there(i: int, studio: Studio, presets: Presets, photo: Path, room: Darkroom) -> None:
    with pytest.raises(FilmError, match="no such scene"):
        preview.still(tell(presets, photo), i, studio, room)


# Sounds


def test_a_voice_speaks_as_in_the_film(studio: Studio, presets: Presets, photo: Path, tmp_path: Path) -> None:
    text = "Guten Morgen, so klinge ich."
    part = preview.voice_sample("auto", text, studio)
    assert (part.notes["narrator"], part.notes["voice"], part.notes["online"]) == ("espeak", "de", False)
    sound, channels = heard(part)
    assert channels == 1
    assert 1 < len(sound) / 48_000 < 5
    assert loud(sound) == pytest.approx(-20, abs=1)
    again = preview.voice_sample("auto", text, studio)
    assert again.reused
    assert again.notes == part.notes
    told = whole.make(tell(presets, photo, {"narration": text, "duration": None}), studio, tmp_path / "film.mp4")
    assert told.film.timeline.spoken[0].take.path == part.path


def test_a_voice_by_its_presets_name(studio: Studio, presets: Presets) -> None:
    name, voice = next((name, one) for name, one in presets.voices.items() if "espeak" in one.ids and one.gender == "female")
    part = preview.voice_sample(name, "Good morning.", studio)
    assert part.notes["voice"] == voice.ids["espeak"]
    assert part.path != preview.voice_sample("espeak:en-gb", "Good morning.", studio).path


def test_the_next_best_speaks_where_a_narrator_fails(presets: Presets, vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    crew = Crew({"edge": {"online": True, "pauses": (), "stall": 1.0, "probe": 0.5}})
    try:
        with edge_server.running(monkeypatch, "503"):
            studio = Studio(crew, presets, vault, whole.ROOT / "assets" / "fonts")
            assert preview.voice_sample("auto", "Good morning.", studio).notes["narrator"] == "espeak"
            with pytest.raises(FilmError):
                preview.voice_sample("edge:en-US-EmmaNeural", "Good morning.", studio)
    finally:
        crew.close()


@pytest.mark.parametrize(
    ("voice", "text"),
    [("auto", ""), ("auto", "   "), ("auto", "a" * 201), ("none", "Hello"), ("/somewhere/own.wav", "Hello"), ("nobody-such", "Hello"), ("edge:en-US-EmmaNeural", "Hello")],
)
def test_what_cannot_be_spoken_is_told_in_words(voice: str, text: str, studio: Studio) -> None:
    with pytest.raises(FilmError):
        preview.voice_sample(voice, text, studio)


def test_a_mood_is_played_at_a_comfortable_level_and_ends_softly(studio: Studio) -> None:
    part = preview.music_sample("peaceful", "auto", studio)
    assert part.notes == {"mood": "calm", "known": True, "composer": "bandstand"}
    assert part.path.stat().st_size < 2_000_000
    sound, channels = heard(part)
    assert channels == 2
    assert len(sound) == 8 * 48_000
    assert loud(sound) == pytest.approx(-20, abs=1)
    assert np.abs(sound).max() < 0.9
    assert np.abs(sound[-240:]).max() < 0.01 < np.abs(sound[-48_000:]).max()
    assert preview.music_sample("calm", "bandstand", studio).path == part.path
    assert preview.music_sample("epic", "auto", studio).path != part.path


@pytest.mark.parametrize(("composer", "seconds"), [("none", 8.0), ("/own.wav", 8.0), ("nobody", 8.0), ("auto", 0.0), ("auto", 60.0), ("auto", float("nan"))])
def test_what_cannot_be_played_is_told_in_words(composer: str, seconds: float, studio: Studio) -> None:
    with pytest.raises(FilmError):
        preview.music_sample("calm", composer, studio, seconds)


# Motion


@pytest.mark.parametrize("fit", ["cover", "contain-blur", "contain", "stretch"])
@pytest.mark.parametrize("action", ["slow zoom out, pan right", "handheld", "orbit", "roll then tilt up"])
@pytest.mark.parametrize("size", [(961, 600), (401, 901), (2000, 300)])
def test_a_move_puts_the_picture_where_the_film_puts_it(
    fit: str, action: str, size: tuple[int, int], room: Darkroom, presets: Presets, vault: Vault, tmp_path: Path
) -> None:
    Image.new("RGB", size).save(tmp_path / "given.png")
    picture = negative(room.develop(tmp_path / "given.png", (FRAME.width * 3, FRAME.height * 3), vault))
    camera = moves.read(action, 4.0, presets.moves, 5).camera
    path = Engine().path(Shot("", None, camera, 96, FRAME, fit, 5), picture)
    every = preview.motion(action, 4.0, size, FRAME, fit, 5, presets, steps=96)
    assert len(every.matrices) == 96
    wide = 700.0  # any width of the box
    for matrix, (a, b, c, d, e, f) in zip(path, every.matrices, strict=True):
        for x, y in ((0.0, 0.0), (size[0], 0.0), (33.5, size[1])):
            laid = x * wide / size[0], y * wide / size[0]
            shown = a * laid[0] + c * laid[1] + e * wide, b * laid[0] + d * laid[1] + f * wide
            film = matrix @ (x, y, 1.0)
            assert np.array(shown) / wide == pytest.approx(film / FRAME.width, abs=1e-6)
    few = preview.motion(action, 4.0, size, FRAME, fit, 5, presets)
    assert len(few.matrices) == 24
    assert few.matrices[0] == every.matrices[0]
    assert few.matrices[-1] == every.matrices[-1]


def test_a_move_says_what_it_did_not_know_and_what_there_is_no_time_for(presets: Presets) -> None:
    told = preview.motion("zoom in, blorp, pan left, tilt up", 2.5, (800, 600), FRAME, "cover", 1, presets, 2)
    assert told.words_unknown == ("blorp",)
    assert told.left_out == ("pan left", "tilt up")


def test_the_shortest_scene_of_one_frame_moves_too(presets: Presets) -> None:
    one = preview.motion("zoom in", 0.5, (800, 600), Frame(320, 180, Fraction(1)), "cover", 1, presets, 3)
    assert len(set(one.matrices)) == 1


@pytest.mark.parametrize(
    "given",
    [{"seconds": 0}, {"seconds": float("nan")}, {"seconds": 61}, {"fit": "wrap"}, {"picture_size": (0, 5)}, {"steps": 1}],
)
def test_a_move_that_makes_no_sense_is_told_in_words(given: dict[str, Any], presets: Presets) -> None:
    asked = {"action": "auto", "seconds": 4.0, "picture_size": (8, 6), "frame": FRAME, "fit": "cover", "seed": 1, "presets": presets}
    with pytest.raises(FilmError):
        preview.motion(**(asked | given))  # type: ignore[arg-type]
