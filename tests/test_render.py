"""The whole film, as somebody who watches, listens and reads finds it; and what a change makes anew."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipelines import ffmpeg
from pipelines.presets import Presets
from pipelines.render import Studio
from pipelines.work import FilmError

from . import measure, whole

FILM = {
    "title": 'Rain; "snow" = water\\ice #1 été',
    "music": "auto",
    "transition": "crossfade",
    "scenes": [
        {"narration": "The first drop falls on a warm stone.", "clip_action": "zoom in", "music_mood": "calm"},
        {"narration": "A second one follows, and then very many more of them.", "clip_action": "pan left", "transition": "wipe_left"},
        {"prompt": "a quiet pause", "duration": 2, "clip_action": "static", "transition": "none", "music_mood": "hopeful"},
        {"narration": "At last the whole sky lets go.", "clip_action": "handheld"},
    ],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return whole.pictures(tmp_path_factory.mktemp("pictures"), 6)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, presets: Presets) -> Iterator[Studio]:
    """One vault for the tests of this file that look at a film and not at what was made anew."""
    with whole.studio(presets, tmp_path_factory.mktemp("shared") / "vault") as studio:
        yield studio


@pytest.fixture(scope="module")
def feature(presets: Presets, folder: Path, shared: Studio, tmp_path_factory: pytest.TempPathFactory) -> whole.Shown:
    story = whole.story(presets, folder, FILM["scenes"], **{k: v for k, v in FILM.items() if k != "scenes"})  # type: ignore[arg-type]
    return whole.make(story, shared, tmp_path_factory.mktemp("out") / "film.mp4")


def steady(path: Path, frames: int, rate: Fraction) -> None:
    """Exactly so many pictures, evenly spaced from zero, and the sound ends with the last one."""
    seen = measure.times(path)
    assert len(seen) == frames
    assert seen == [i / rate for i in range(frames)]
    length = len(measure.sound(path)) / 48_000
    assert abs(length - frames / rate) <= 1 / rate


# What is seen and heard


def test_the_film_has_every_planned_frame_and_its_sound_ends_with_it(feature: whole.Shown) -> None:
    steady(feature.path, feature.film.timeline.frames, Fraction(24))
    decoded = sum(1 for _ in measure.frames(feature.path, (320, 180), "gray"))
    assert decoded == feature.film.timeline.frames


def test_the_scenes_last_their_durations_less_the_transitions(feature: whole.Shown) -> None:
    plan = feature.film.timeline
    assert plan.frames == sum(scene.frames for scene in plan.scenes) - sum(scene.overlap for scene in plan.scenes)
    assert [scene.transition for scene in plan.scenes] == ["crossfade", "wipe_left", "none", "none"]
    assert [scene.overlap for scene in plan.scenes] == [12, 12, 0, 0]
    assert sum(span.frames for span in plan.spans) == plan.frames
    assert all(a.first + a.frames == b.first for a, b in pairwise(plan.spans))


def test_it_is_as_loud_as_films_online_are(feature: whole.Shown) -> None:
    loud, peak = measure.ebur128(feature.path)
    assert loud == pytest.approx(-14, abs=1)
    assert peak <= -1
    told = feature.timeline["sound"]
    assert told["loudness"] == pytest.approx(loud, abs=0.3)


def test_speech_stays_clear_of_every_transition(feature: whole.Shown) -> None:
    plan = feature.film.timeline
    turning = [
        (plan.frame.seconds(span.first), plan.frame.seconds(span.first + span.frames))
        for span in plan.spans
        if len(span.clips) == 2
    ]
    assert len(turning) == 2
    for one in plan.spoken:
        assert all(one.start + one.take.seconds <= start or one.start >= end for start, end in turning)


def test_what_players_show(feature: whole.Shown) -> None:
    tags, chapters = whole.metadata(feature.path)
    plan = feature.film.timeline
    assert tags["title"] == FILM["title"]
    assert "Made with Reelwright" in tags["comment"]
    assert "Bandstand" in tags["comment"]
    told = json.loads(tags["synopsis"])
    assert [scene["narration"] for scene in told["story"]["scenes"]] == [s.get("narration", "") for s in FILM["scenes"]]  # type: ignore[attr-defined]
    assert told["engines"] == dict(feature.film.engines)
    assert str(feature.path.parent) not in tags["synopsis"]
    assert [name for _, _, name in chapters] == [s.get("narration") or s["prompt"] for s in FILM["scenes"]]  # type: ignore[attr-defined]
    assert chapters[0][0] == 0
    assert all(a[1] == pytest.approx(b[0]) for a, b in pairwise(chapters))
    assert chapters[-1][1] == pytest.approx(plan.seconds, abs=0.001)


def test_captions_come_when_the_words_are_said(feature: whole.Shown) -> None:
    told, frame = feature.timeline, 1 / 24
    srt = whole.cues(feature.path.with_suffix(".srt").read_text("utf-8"))
    assert srt == whole.cues(feature.path.with_suffix(".vtt").read_text("utf-8"))
    assert [(pytest.approx(c["start"], abs=0.001), pytest.approx(c["end"], abs=0.001), c["text"]) for c in told["captions"]] == srt
    words = [(one["start"] + start, one["start"] + end, text) for one in told["spoken"] for text, start, end in one["words"]]
    assert len(srt) >= 3
    for start, end, text in srt:
        shown = [words.pop(0) for _ in text.split()]
        assert [word for _, _, word in shown] == text.split()
        assert shown[0][0] == pytest.approx(start, abs=frame)
        assert end >= shown[-1][1] - frame
    assert not words


def test_the_captions_track_is_there_and_off_when_they_are_in_the_picture(feature: whole.Shown) -> None:
    assert whole.tracks(feature.path) == {"vide": True, "soun": True, "sbtl": False}


def test_the_timeline_tells_everything(feature: whole.Shown) -> None:
    told, plan = feature.timeline, feature.film.timeline
    assert (told["width"], told["height"], told["fps"], told["frames"]) == (320, 180, "24/1", plan.frames)
    assert told["seconds"] == pytest.approx(plan.frames / 24, abs=1e-5)
    assert told["title"] == FILM["title"]
    assert [s["frames"] for s in told["spans"]] == [span.frames for span in plan.spans]
    assert told["music"]["composer"] == "bandstand"
    for scene, place in zip(told["scenes"], plan.scenes, strict=True):
        path = np.array(scene["path"])
        assert path.shape == (place.frames, 6)
        assert np.isfinite(path).all()
        assert (scene["first"], scene["overlap"]) == (place.first, place.overlap)
        assert scene["camera"]["steps"]
    moves = [np.ptp(np.array(scene["path"]), axis=0).max() for scene in told["scenes"]]
    assert moves[2] == 0, "the static scene stands still"
    assert min(moves[0], moves[1], moves[3]) > 1e-3


def test_nothing_but_the_film_and_its_documents_is_left(feature: whole.Shown) -> None:
    names = sorted(path.name for path in feature.path.parent.iterdir())
    assert names == ["film.mp4", "film.srt", "film.timeline.json", "film.vtt"]


# What can be asked for


def short(presets: Presets, folder: Path, **said: Any) -> Any:
    """Two scenes of less than three seconds in all, without a word."""
    scenes = [{"duration": 1, "clip_action": "zoom in"}, {"duration": 1.5, "clip_action": "pan right"}]
    return whole.story(presets, folder, scenes, **said)


@pytest.mark.parametrize(("captions", "documents", "track"), [
    ("none", False, None), ("sidecar", True, True), ("burned", False, False), ("both", True, False),
])  # fmt: skip
def test_captions_go_exactly_where_they_were_asked_for(
    captions: str, documents: bool, track: bool | None, presets: Presets, folder: Path, shared: Studio, tmp_path: Path
) -> None:
    scenes = [{"narration": "Words to be read here.", "clip_action": "static"}]
    shown = whole.make(whole.story(presets, folder, scenes, captions=captions), shared, tmp_path / "film.mp4")
    plain = whole.make(whole.story(presets, folder, scenes, captions="none"), shared, tmp_path / "plain.mp4")
    assert (tmp_path / "film.srt").exists() == (tmp_path / "film.vtt").exists() == documents
    assert whole.tracks(shown.path).get("sbtl") == track
    middle = shown.film.timeline.frames // 3
    seen, bare = ([*measure.frames(path, (320, 180), "gray")][middle].astype(int) for path in (shown.path, plain.path))
    below = np.abs(seen - bare)[120:].max()
    assert (below > 100) == (captions in ("burned", "both"))


def test_a_film_without_words_and_music_has_a_silent_track(presets: Presets, folder: Path, shared: Studio, tmp_path: Path) -> None:
    shown = whole.make(short(presets, folder), shared, tmp_path / "film.mp4")
    steady(shown.path, 24 + 36 - 12, Fraction(24))
    assert not measure.sound(shown.path).any()
    assert not (tmp_path / "film.srt").exists()


@pytest.mark.parametrize(("fps", "rate"), [(23.976, Fraction(24000, 1001)), (60, Fraction(60)), (29.97, Fraction(30000, 1001)), (1, Fraction(1)), (12.5, Fraction(25, 2))])
def test_every_rate_is_exact(fps: float, rate: Fraction, presets: Presets, folder: Path, shared: Studio, tmp_path: Path) -> None:
    shown = whole.make(short(presets, folder, fps=fps), shared, tmp_path / "film.mp4")
    steady(shown.path, shown.film.timeline.frames, rate)
    assert shown.film.timeline.seconds == pytest.approx(2.0, abs=1.01 / float(rate))
    assert shown.timeline["fps"] == f"{rate.numerator}/{rate.denominator}"


@pytest.mark.parametrize(("said", "size"), [
    ({"quality": "draft"}, (160, 90)), ({"size": "180x320"}, (180, 320)), ({"size": "322x178"}, (322, 178)),
    ({"quality": "draft", "size": "322x178"}, (160, 88)), ({"size": "240x240", "fit": "contain-blur"}, (240, 240)),
])  # fmt: skip
def test_the_picture_has_the_size_asked_for(said: dict[str, Any], size: tuple[int, int], presets: Presets, folder: Path, shared: Studio, tmp_path: Path) -> None:
    shown = whole.make(short(presets, folder, **said), shared, tmp_path / "film.mp4")
    told = shown.timeline
    assert abs(told["width"] - size[0]) <= 2 and abs(told["height"] - size[1]) <= 2
    assert told["width"] % 2 == told["height"] % 2 == 0
    pictures = [*measure.frames(shown.path, (told["width"], told["height"]), "gray")]
    assert len(pictures) == shown.film.timeline.frames
    assert all(picture.std() > 5 for picture in pictures)


def test_odd_sizes_are_refused(presets: Presets, folder: Path) -> None:
    with pytest.raises(FilmError, match="odd") as caught:
        short(presets, folder, size="321x180")
    assert "320x180" in str(caught.value)


def test_a_look_changes_every_picture(presets: Presets, folder: Path, shared: Studio, tmp_path: Path) -> None:
    bare = whole.make(short(presets, folder), shared, tmp_path / "bare.mp4")
    grey = whole.make(short(presets, folder, look="noir"), shared, tmp_path / "grey.mp4")
    spread = [max(int(np.ptp(picture.astype(int), axis=2).max()) for picture in measure.frames(path, (320, 180))) for path in (bare.path, grey.path)]
    assert spread[0] > 80
    assert spread[1] < 12, "noir has no colour"


# How long things last


def test_a_scene_is_as_long_as_its_words_need(presets: Presets, folder: Path, shared: Studio, tmp_path: Path) -> None:
    long = "This sentence has so many words that three seconds are by no means enough for all of them to be said."
    scenes = [{"narration": "Short.", "duration": None}, {"narration": long}, {"narration": "Over."}]
    plan = whole.make(whole.story(presets, folder, scenes), shared, tmp_path / "film.mp4").film.timeline
    first, second, third = plan.spoken
    assert plan.scenes[0].frames == 72, "three seconds at least"
    assert plan.scenes[1].frames / 24 == pytest.approx(second.take.seconds + 2 * 0.4 + 2 * 0.5, abs=1 / 24)
    assert plan.scenes[2].frames / 24 >= third.take.seconds + 0.8
    assert first.start == pytest.approx(0.4)
    assert second.start == pytest.approx(plan.frame.seconds(plan.scenes[1].first) + 0.5 + 0.4, abs=1 / 24)


def test_too_short_a_scene_first_speaks_faster_then_lasts_longer_and_says_so(presets: Presets, folder: Path, shared: Studio, tmp_path: Path) -> None:
    words = "Nine or ten words are more than fit here."

    def taken(duration: float | None) -> tuple[whole.Shown, float]:
        story = whole.story(presets, folder, [{"narration": words, "duration": duration}], captions="none")
        shown = whole.make(story, shared, tmp_path / "film.mp4")
        return shown, shown.film.timeline.spoken[0].take.seconds

    natural = taken(None)[1]
    tight, quicker = taken(round(natural * 0.9 + 0.8, 2))
    assert quicker < natural
    assert not tight.warned
    assert tight.film.timeline.seconds == pytest.approx(natural * 0.9 + 0.8, abs=1 / 24)
    longer, quickest = taken(0.5)
    assert natural / quickest <= 1.3
    assert longer.film.timeline.seconds == pytest.approx(quickest + 0.8, abs=1 / 24)
    assert len(longer.warned) == 1
    assert "scene 1" in longer.warned[0] and "0.5 s" in longer.warned[0]


def test_a_transition_takes_half_of_either_neighbour_at_most(presets: Presets, folder: Path, shared: Studio, tmp_path: Path) -> None:
    scenes = [{"duration": 2}, {"duration": 0.5}, {"duration": 2}]
    story = whole.story(presets, folder, scenes, transition_seconds=3)
    shown = whole.make(story, shared, tmp_path / "film.mp4")
    assert [scene.overlap for scene in shown.film.timeline.scenes] == [6, 6, 0]
    steady(shown.path, 48 + 12 + 48 - 12, Fraction(24))


# Other people's sound


def tone(path: Path, seconds: float, hertz: float = 440.0) -> Path:
    at = np.arange(round(seconds * 48_000)) / 48_000
    return measure.wav(path, 0.3 * np.sin(2 * np.pi * hertz * at))


def loudest(sound: np.ndarray[Any, Any], start: float, end: float) -> float:
    """The pitch in Hz that most of a stretch is."""
    stretch = sound[round(start * 48_000) : round(end * 48_000), 0]
    return float(np.argmax(np.abs(np.fft.rfft(stretch))) / (len(stretch) / 48_000))


def test_own_voice_and_own_music(presets: Presets, folder: Path, shared: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []
    real = ffmpeg.command
    monkeypatch.setattr(ffmpeg, "command", lambda args: asked.append([*map(str, args)]) or real(args))
    voice, music = tone(tmp_path / "me.wav", 1.0, 880), tone(tmp_path / "band.wav", 0.7, 220)
    scenes = [{"narration": "These words I say myself.", "voice": voice, "duration": 4}, {"duration": 2}]
    shown = whole.make(whole.story(presets, folder, scenes, music=music), shared, tmp_path / "film.mp4")
    heard = measure.sound(shown.path)
    (one,) = shown.film.timeline.spoken
    assert one.take.narrator == "own recording"
    assert loudest(heard, one.start + 0.1, one.start + 0.9) == pytest.approx(880, abs=3)
    assert loudest(heard, 4.0, 5.0) == pytest.approx(220, abs=3), "the music goes on, looped, to the end"
    assert len(whole.cues((tmp_path / "film.srt").read_text("utf-8"))) == 1
    assert shown.film.engines["music"] == "own file"
    everything = whole.metadata(shown.path)[0]["synopsis"] + json.dumps(shown.timeline)
    assert str(tmp_path) not in everything, "where files lie is nobody's business"
    assert "me.wav" in everything
    for args in asked:
        for i in (i for i, arg in enumerate(args) if arg == "-i"):
            before = args[max((k for k in range(i) if args[k] == "-i"), default=-2) + 2 : i]
            assert "-f" in before, f"an input whose demuxer is not named: {args}"
        assert not [arg for arg in args if "words I say" in arg or "me.wav" in arg or "band.wav" in arg]
    assert len(asked) > 5


def test_a_scene_may_be_silent_in_a_spoken_film(presets: Presets, folder: Path, shared: Studio, tmp_path: Path) -> None:
    scenes = [{"narration": "This is said."}, {"narration": "This is not.", "voice": "none", "duration": 1}]
    shown = whole.make(whole.story(presets, folder, scenes), shared, tmp_path / "film.mp4")
    assert [one.scene for one in shown.film.timeline.spoken] == [0]
    heard = measure.sound(shown.path)
    assert np.abs(heard[-40_000:]).max() < 0.001


# What a change makes anew

ROWS = [
    {"narration": "One red leaf.", "clip_action": "zoom in", "duration": 3, "seed": 1, "music_mood": "calm"},
    {"narration": "Two of them.", "clip_action": "pan left", "duration": 3, "seed": 2, "music_mood": "calm"},
    {"narration": "Three now.", "clip_action": "zoom in", "duration": 3, "seed": 3, "music_mood": "calm"},
    {"narration": "", "clip_action": "tilt up", "duration": 1.5, "seed": 4, "music_mood": "calm"},
]


def with_row(i: int, **said: Any) -> list[dict[str, Any]]:
    return [row | said if k == i else row for k, row in enumerate(ROWS)]


@pytest.fixture(scope="module")
def before(presets: Presets, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Studio, whole.Shown]]:
    """A film with music, and the vault that it left."""
    place = tmp_path_factory.mktemp("before")
    with whole.studio(presets, place / "vault") as studio:
        story = whole.story(presets, folder, ROWS, music="auto", captions="sidecar")
        shown = whole.make(story, studio, place / "film.mp4")
        assert not shown.warned
        yield studio, shown


# Each changes the film's length to one of its own, so that no two find each other's music.
CHANGES: dict[str, tuple[list[dict[str, Any]], dict[str, Any], dict[str, list[int]]]] = {
    "nothing": (ROWS, {}, {}),
    "a narration": (with_row(1, narration="Two, it is."), {}, {"narration": [2], "sound": [0], "join": [0]}),
    "a move": (with_row(2, clip_action="zoom out"), {}, {"film": [2, 3, 3], "join": [0]}),
    "a transition": (with_row(1, transition="fade"), {}, {"film": [2], "join": [0]}),
    "a cut for a transition": (with_row(1, transition="none"), {}, {"film": [2, 3], "music": [0], "sound": [0], "join": [0]}),
    "a length": (with_row(1, duration=3.8), {}, {"film": [1, 2, 2], "music": [0], "sound": [0], "join": [0]}),
    "a mood": (with_row(3, music_mood="epic"), {}, {"music": [0], "sound": [0], "join": [0]}),
    "the order": (
        [ROWS[0], ROWS[2] | {"image": "p3.png"}, ROWS[1] | {"image": "p2.png"}, ROWS[3]], {},
        {"film": [1, 2, 3], "sound": [0], "join": [0]},
    ),
    "a seed that moves nothing": (with_row(0, seed=99), {}, {"join": [0]}),
    "the title": (ROWS, {"title": "Other"}, {"join": [0]}),
    "the music's level": (ROWS, {"music_level": 20}, {"sound": [0], "join": [0]}),
    "no music": (ROWS, {"music": "none"}, {"sound": [0], "join": [0]}),
    "no captions": (ROWS, {"captions": "none"}, {"join": [0]}),
    "the look": (ROWS, {"look": "sepia"}, {"film": [1, 1, 2, 2, 3, 3, 4], "join": [0]}),
    "the quality": (ROWS, {"quality": "master"}, {"film": [1, 1, 2, 2, 3, 3, 4], "join": [0]}),
    "a scene more": ([*ROWS, {"duration": 1.2, "seed": 5, "clip_action": "static"}], {}, {"pictures": [5], "film": [4, 4, 5], "music": [0], "sound": [0], "join": [0]}),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_makes_exactly_its_own_parts_anew(
    change: str, before: tuple[Studio, whole.Shown], presets: Presets, folder: Path, tmp_path: Path
) -> None:
    rows, said, expected = CHANGES[change]
    studio, earlier = before
    story = whole.story(presets, folder, rows, **{"music": "auto", "captions": "sidecar"} | said)
    after = whole.make(story, studio, tmp_path / "film.mp4")
    assert after.made == expected
    assert not after.warned
    assert (after.path.read_bytes() == earlier.path.read_bytes()) == (not expected)
    steady(after.path, after.film.timeline.frames, Fraction(24))


def changed(presets: Presets, kind: str, name: str, **to: Any) -> Presets:
    entries: Mapping[str, Any] = getattr(presets, kind)
    return replace(presets, **{kind: {**entries, name: replace(entries[name], **to)}})


@pytest.mark.parametrize(("kind", "name", "to", "expected"), [
    ("moves", "zoom_in", {"zoom": 1.9}, {"film": [1, 1, 2, 3, 3]}),  # the join is another because its parts are
    ("moves", "zoom_in", {"label": "Closer", "what": "Goes closer."}, {}),
    ("moods", "calm", {"tempo": 99.0}, {"music": [0], "sound": [0]}),
    ("moods", "calm", {"label": "Quiet", "what": "Peace."}, {}),
    ("transitions", "crossfade", {"xfade": "wiperight"}, {"film": [1, 2, 3]}),
    ("transitions", "crossfade", {"label": "Melt"}, {}),
    ("qualities", "standard", {"crf": 30}, {"film": [1, 1, 2, 2, 3, 3, 4]}),
    ("qualities", "standard", {"label": "Usual"}, {}),
    ("looks", "none", {"label": "As it is"}, {}),
    ("voices", "emma", {"label": "E."}, {}),
])  # fmt: skip
def test_a_preset_counts_by_its_numbers_and_not_by_its_label(
    kind: str, name: str, to: dict[str, Any], expected: dict[str, list[int]],
    before: tuple[Studio, whole.Shown], presets: Presets, folder: Path, tmp_path: Path,
) -> None:  # fmt: skip
    studio, earlier = before
    own = changed(presets, kind, name, **to)
    story = whole.story(own, folder, ROWS, music="auto", captions="sidecar")
    after = whole.make(story, replace(studio, presets=own), tmp_path / "film.mp4")
    assert after.made == (expected | {"join": [0]} if expected else {})
    assert (after.path.read_bytes() == earlier.path.read_bytes()) == (not expected)


def test_another_length_of_narration_makes_its_scene_and_both_transitions(presets: Presets, folder: Path, tmp_path: Path) -> None:
    rows = [{"narration": f"Line number {i}.", "clip_action": "zoom in"} for i in range(1, 5)]
    with whole.studio(presets, tmp_path / "vault") as studio:
        whole.make(whole.story(presets, folder, rows), studio, tmp_path / "film.mp4")
        rows[1]["narration"] = "This line has become so very much longer that its scene has to last longer too, by seconds."
        after = whole.make(whole.story(presets, folder, rows), studio, tmp_path / "film.mp4")
    assert after.made == {"narration": [2], "film": [1, 2, 2], "sound": [0], "join": [0]}


def test_another_caption_style_makes_the_stretches_that_have_captions(presets: Presets, folder: Path, tmp_path: Path) -> None:
    with whole.studio(presets, tmp_path / "vault") as studio:
        story = whole.story(presets, folder, ROWS, captions="burned")
        whole.make(story, studio, tmp_path / "film.mp4")
        after = whole.make(replace(story, caption_style="boxed"), studio, tmp_path / "film.mp4")
        plan = after.film.timeline
        captioned = [
            span.clips[0] + 1
            for span in plan.spans
            if any(
                one.start < plan.frame.seconds(span.first + span.frames) and one.end > plan.frame.seconds(span.first)
                for one in plan.captions
            )
        ]
    assert after.made == {"film": sorted(captioned), "join": [0]}
    assert 0 < len(captioned) < len(plan.spans)


def test_a_picture_edited_in_place_is_seen(presets: Presets, folder: Path, tmp_path: Path) -> None:
    own = tmp_path / "own"
    shutil.copytree(folder, own)
    with whole.studio(presets, tmp_path / "vault") as studio:
        story = whole.story(presets, own, ROWS)
        whole.make(story, studio, tmp_path / "film.mp4")
        shutil.copyfile(folder / "p6.png", own / "p3.png")
        after = whole.make(story, studio, tmp_path / "film.mp4")
    assert after.made == {"pictures": [3], "film": [2, 3, 3], "join": [0]}


def test_the_same_story_is_the_same_film_anywhere(feature: whole.Shown, presets: Presets, folder: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "other place"
    shutil.copytree(folder, elsewhere)
    with whole.studio(presets, tmp_path / "v") as studio:
        story = whole.story(presets, elsewhere, FILM["scenes"], **{k: v for k, v in FILM.items() if k != "scenes"})  # type: ignore[arg-type]
        again = whole.make(story, replace(studio, workers=1), tmp_path / "again.mp4")
    assert again.path.read_bytes() == feature.path.read_bytes()
    for suffix in (".srt", ".vtt", ".timeline.json"):
        assert again.path.with_suffix(suffix).read_bytes() == feature.path.with_suffix(suffix).read_bytes()
