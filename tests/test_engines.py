"""A new engine is one file: whole films with engines that write files, draw without a picture, or paint."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipelines import ffmpeg, render
from pipelines import presets as kinds
from pipelines.clip import Clip, fitted
from pipelines.crew import Crew
from pipelines.events import Event, Fault, Made, Moved, Warned
from pipelines.plan import Frame
from pipelines.presets import Model, Presets
from pipelines.render import Studio
from pipelines.work import Cancelled, FilmError

from . import measure, whole

FRAMES, RATE = 24, 12  # of the reel's clips


@pytest.fixture(autouse=True, scope="module")
def newcomers() -> Iterator[None]:
    with whole.extras():
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return whole.pictures(tmp_path_factory.mktemp("pictures"), 6)


def bare(**more: Any) -> dict[str, Any]:
    """A scene without a picture."""
    return {"image": None, "prompt": "a castle", "duration": 2, "clip_action": "static"} | more


def luma(shown: whole.Shown) -> list[float]:
    """How light each frame of the film is."""
    return [float(picture.mean()) for picture in measure.frames(shown.path, (320, 180), "gray")]


def grey(second: float) -> float:
    """The luma of a reel at a moment of its clip."""
    return 40 + 7 * min(FRAMES - 1, int(second * RATE + 1e-6))


# Clips that are files


def test_a_clip_is_made_once_and_played_at_the_films_rate(presets: Presets, folder: Path, studio: Studio, tmp_path: Path) -> None:
    rows = [{"duration": 2, "clip_action": "static"}, bare(engine="reel"), bare(engine="wall")]
    shown = whole.make(whole.story(presets, folder, rows), studio, tmp_path / "film.mp4")
    assert shown.made["clips"] == [2]
    assert shown.made["film"] == [1, 1, 2, 2, 3]
    seen = luma(shown)
    assert len(seen) == 3 * 48 - 2 * 12
    assert whole.count(shown.path) == len(seen)
    for k in range(48, 72):  # the reel's body: it began at 36
        assert seen[k] == pytest.approx(grey((k - 36) / 24), abs=2.5), k
    for k in range(72, 84):  # from a file to one that is drawn
        share = (k - 72) / 12
        assert seen[k] == pytest.approx((1 - share) * grey((k - 36) / 24) + share * (60 + k - 72), abs=6), k
    assert seen[-1] == pytest.approx(60 + 47, abs=2)
    assert "A reel of greys" in shown.film.engines["clips"] and "A wall in the light" in shown.film.engines["clips"]
    path = [scene["path"] for scene in shown.timeline["scenes"]]
    assert path[0] and path[1] is None and path[2] is None


def test_a_longer_scene_shoots_nothing_again(presets: Presets, folder: Path, studio: Studio, tmp_path: Path) -> None:
    rows = [bare(engine="reel", narration="Short."), bare(engine="reel", prompt="another")]
    whole.make(whole.story(presets, folder, rows), studio, tmp_path / "film.mp4")
    rows[0] |= {"narration": "Not so short any more.", "duration": 3}
    after = whole.make(whole.story(presets, folder, rows), studio, tmp_path / "film.mp4")
    assert after.made == {"narration": [1], "film": [1, 1], "sound": [0], "join": [0]}
    assert studio.crew.get("clips", "reel").shot == ["a castle", "another"]
    rows[1]["prompt"] = "a third"
    after = whole.make(whole.story(presets, folder, rows), studio, tmp_path / "film.mp4")
    assert after.made == {"clips": [2], "film": [1, 2], "join": [0]}


@pytest.mark.parametrize(("duration", "slower"), [(1.0, 1.0), (2.0, 1.0), (2.2, 1.1), (2.5, 1.25), (4.0, 1.25)])
def test_a_clip_is_trimmed_or_slowed_a_little_and_then_stays(
    duration: float, slower: float, presets: Presets, folder: Path, studio: Studio, tmp_path: Path
) -> None:
    shown = whole.make(whole.story(presets, folder, [bare(engine="reel", duration=duration)]), studio, tmp_path / "film.mp4")
    seen = luma(shown)
    assert len(seen) == shown.film.timeline.frames == pytest.approx(duration * 24, abs=1)
    off = [abs(light - grey(k / 24 / slower)) for k, light in enumerate(seen)]
    assert sorted(off)[int(len(off) * 0.9)] < 2.5, "but for rounding at a change"
    assert max(off) < 10
    assert seen[0] == pytest.approx(40, abs=2.5)
    still = [event for event in shown.events if isinstance(event, Warned) and "stands still" in event.message]
    assert [(event.where, "last 1.5 s" in event.message, "wan-vace-1.3b" in event.hint) for event in still] == ([("scenes[0].duration", True, True)] if duration == 4 else [])


@pytest.mark.parametrize("fit", ["cover", "contain", "contain-blur", "stretch"])
@pytest.mark.parametrize("size", [(96, 64), (64, 96), (320, 180), (160, 90), (1000, 10)])
def test_clips_of_every_shape_fill_the_frame(fit: str, size: tuple[int, int], tmp_path: Path) -> None:
    path = measure.video(tmp_path / "a.mp4", [np.full((size[1], size[0], 3), (200, 60, 60), np.uint8)] * 2, 12)
    frame = Frame(320, 180, Fraction(24))
    graph = fitted(Clip(path, 2, frame.rate, *size), frame, fit)
    raw = b"".join(ffmpeg.read(["-f", "mov", "-i", path, "-vf", graph, "-f", "rawvideo", "-pix_fmt", "yuv420p", "pipe:1"], 1 << 20))
    light = np.frombuffer(raw, np.uint8).reshape(2, 270, 320)[0, :180]
    assert light[89, 160] > 60
    bars = fit == "contain" and size[0] * 180 != size[1] * 320
    assert (light.min() < 20) == bars, "black only where that was asked for"


def test_a_picture_is_given_as_a_png(presets: Presets, folder: Path, studio: Studio, tmp_path: Path) -> None:
    shown = whole.make(whole.story(presets, folder, [{"duration": 1, "engine": "reel"}]), studio, tmp_path / "film.mp4")
    assert shown.made["clips"] == [1] and shown.made["pictures"] == [1]
    other = whole.make(whole.story(presets, folder, [{"duration": 1, "engine": "reel", "image": "p2.png"}]), studio, tmp_path / "film.mp4")
    assert other.made["clips"] == [1], "another picture is another clip"


def test_shots_of_one_engine_come_one_after_the_other_in_the_films_order(presets: Presets, folder: Path, studio: Studio, tmp_path: Path) -> None:
    rows = [bare(engine="reel", prompt=f"number {i}", duration=1) for i in range(6)]
    whole.make(whole.story(presets, folder, rows), studio, tmp_path / "film.mp4")
    assert studio.crew.get("clips", "reel").shot == [f"number {i}" for i in range(6)]


# Painters


def test_a_scene_without_a_picture_is_painted_where_its_engine_wants_one(presets: Presets, folder: Path, studio: Studio, tmp_path: Path) -> None:
    rows = [bare(engine="camera", prompt="a red wall"), {"duration": 1}, bare(engine="camera", prompt="the sea")]
    shown = whole.make(whole.story(presets, folder, rows), studio, tmp_path / "film.mp4")
    assert shown.made["pictures"] == [1, 2, 3]
    first, *_, last = measure.frames(shown.path, (320, 180))
    assert first.mean((0, 1)) == pytest.approx((200, 30, 30), abs=8)
    assert last.mean((0, 1)) == pytest.approx((30, 30, 200), abs=8)
    assert shown.film.engines["pictures"] == "The dauber of walls"
    assert [scene["painter"] for scene in shown.timeline["scenes"]] == ["dauber", "", "dauber"]
    assert "The dauber of walls" in whole.metadata(shown.path)[0]["comment"]
    rows[0]["prompt"] = "a wall that is red"  # all the same to this painter
    again = whole.make(whole.story(presets, folder, rows), studio, tmp_path / "film.mp4")
    assert set(again.made) <= {"join"}
    assert studio.crew.get("pictures", "dauber").painted == ["a red wall", "the sea"]


def test_what_was_hard_for_a_model_is_told_once(presets: Presets, folder: Path, studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    composer = studio.crew.ready("music", "bandstand")
    real = composer.compose
    monkeypatch.setattr(composer, "compose", lambda *given: {**real(*given), "memory": "ran out once"})
    rows = [bare(engine="camera", prompt="a hard wall", duration=1)]
    told = whole.make(whole.story(presets, folder, rows, music="bandstand"), studio, tmp_path / "film.mp4").warned
    assert sum("scene 1: the GPU's memory ran out once; the picture" in one for one in told) == 1
    assert sum("the picture was made once more, in float32" in one for one in told) == 1
    assert sum("music: the GPU's memory ran out once; the music" in one for one in told) == 1
    again = whole.make(whole.story(presets, folder, rows, music="bandstand"), studio, tmp_path / "film.mp4").warned
    assert not [one for one in again if "memory" in one]


def test_auto_takes_what_a_scene_can_be_made_with(presets: Presets, folder: Path, studio: Studio, tmp_path: Path) -> None:
    rows = [{"duration": 1}, bare(duration=1)]
    shown = whole.make(whole.story(presets, folder, rows), studio, tmp_path / "film.mp4")
    assert [scene["engine"] for scene in shown.timeline["scenes"]] == ["camera", "wall"]
    assert studio.crew.get("pictures", "dauber").painted == []


def test_nobody_to_paint(presets: Presets, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.pictures.sketch.Engine.missing", lambda _self: "Sharpen the pencil.")
    with whole.studio(presets, tmp_path / "vault", Crew({"edge": {"online": False}, "dauber": {"lack": "Buy paint."}})) as studio:
        error = refused(lambda: whole.make(whole.story(presets, folder, [bare(engine="camera")]), studio, tmp_path / "film.mp4"))
    assert "needs a picture" in str(error) and "Add a picture" in str(error)
    assert [fault.where for fault in error.faults] == ["scenes[0].engine"]


# Models


def own(presets: Presets, **models: Model) -> Presets:
    return replace(presets, models=models)


def test_a_model_is_its_engine_with_that_model(presets: Presets, folder: Path, studio: Studio, tmp_path: Path) -> None:
    first, second = (Model(f"{name} reel", "", "reel", "some/weights", options={"red": red}) for name, red in (("Red", 220), ("Pale", 128)))

    def made(row: dict[str, Any], **models: Model) -> whole.Shown:
        mine = own(presets, **models)
        return whole.make(whole.story(mine, folder, [row]), replace(studio, presets=mine), tmp_path / "film.mp4")

    shown = made(bare(engine="red-reel"), **{"red-reel": first, "pale-reel": second})
    assert shown.film.engines["clips"] == "Red reel"
    assert (shown.timeline["scenes"][0]["engine"], shown.timeline["scenes"][0]["model"]) == ("reel", "red-reel")
    red, _green, blue = next(iter(measure.frames(shown.path, (320, 180)))).mean((0, 1))
    assert red > blue + 60
    assert made(bare(engine="pale-reel"), **{"red-reel": first, "pale-reel": second}).made["clips"] == [1]
    renamed = replace(first, label="Crimson reel", what="The same.")
    assert "clips" not in made(bare(engine="crimson"), crimson=renamed).made, "a model counts by its content"
    bare_engine = made(bare(engine="reel"), **{"red-reel": first, "pale-reel": second})
    assert bare_engine.timeline["scenes"][0]["model"] == "red-reel", "an engine alone runs its first model that is there"


def test_models_that_cannot_be_had_are_named(presets: Presets, folder: Path, studio: Studio, tmp_path: Path) -> None:
    mine = own(presets, lost=Model("Lost", "", "nowhere", "a/b"), gone=Model("Gone", "", "reel", "some/others"))
    rows = [bare(engine="lost"), bare(engine="gone"), bare(engine="gon"), bare(engine="reel")]
    error = refused(lambda: whole.make(whole.story(mine, folder, rows), replace(studio, presets=mine), tmp_path / "film.mp4"))
    assert [fault.where for fault in error.faults] == [f"scenes[{i}].engine" for i in range(4)]
    said = [str(fault) for fault in error.faults]
    assert '"lost"' in said[0] and '"nowhere"' in said[0]
    assert "Gone cannot be used" in said[1] and "Download some/others." in said[1]
    assert "Did you mean gone?" in said[2]
    assert "Download some/others." in said[3]


def test_a_model_may_want_a_picture_where_its_engine_does_not(presets: Presets, folder: Path, studio: Studio, tmp_path: Path) -> None:
    mine = own(presets, still=Model("Still", "", "reel", "some/weights", wants_picture=True))
    shown = whole.make(whole.story(mine, folder, [bare(engine="still")]), replace(studio, presets=mine), tmp_path / "film.mp4")
    assert shown.made["pictures"] == [1] and shown.timeline["scenes"][0]["painter"] == "dauber"


# What goes wrong


def refused(what: Any) -> FilmError:
    with pytest.raises(FilmError) as caught:
        what()
    return caught.value


def test_a_failed_scene_does_not_stop_the_others(presets: Presets, folder: Path, studio: Studio, tmp_path: Path) -> None:
    place = tmp_path / "pictures"
    whole.pictures(place, 8)
    (place / "p3.png").write_bytes((place / "p3.png").read_bytes()[:3000])
    rows = [
        {"duration": 1}, bare(engine="reel", prompt="fail", duration=1), {"duration": 1}, bare(engine="camera", prompt="fail", duration=1),
        bare(engine="wall", prompt="collapse", duration=1), {"duration": 1}, bare(engine="reel", duration=1), {"duration": 1},
    ]  # fmt: skip
    events = list[Event]()
    story = whole.story(presets, place, rows, transition_seconds=0.2)
    error = refused(lambda: render.render(story, studio, events.append, tmp_path / "film.mp4"))
    wheres = ["scenes[1].engine", "scenes[2].image", "scenes[3].prompt", "scenes[4].engine"]
    assert [fault.where for fault in error.faults] == wheres
    said = str(error)
    assert "scene 2, engine: The reel is torn. Splice it." in said and "scene 4, prompt: The brush is lost." in said and "The wall came down." in said
    told = {event.scene: event for event in events if isinstance(event, Fault)}
    assert sorted(told) == [2, 3, 4, 5] and len([event for event in events if isinstance(event, Fault)]) == 4
    assert (told[2].hint, told[2].where) == ("Splice it.", "scenes[1].engine")
    assert not list(tmp_path.glob("film*"))
    made = [(event.stage, event.scene) for event in events if isinstance(event, Made)]
    assert ("sound", 0) in made and ("clips", 7) in made
    assert sorted(scene for stage, scene in made if stage == "film") == [1, 6, 6, 7, 7, 8]
    whole.pictures(place, 8)
    for i in (1, 3, 4):
        rows[i]["prompt"] = "mended"
    after = whole.make(whole.story(presets, place, rows, transition_seconds=0.2), studio, tmp_path / "film.mp4")
    assert "sound" not in after.made and after.made["clips"] == [2]
    assert after.made["film"] == [1, 2, 2, 3, 3, 4, 4, 5, 5]


def test_a_scene_that_asks_for_what_is_not_here_does_not_stop_the_others(presets: Presets, folder: Path, studio: Studio, tmp_path: Path) -> None:
    mine = own(presets, gone=Model("Gone", "", "reel", "some/others"))
    rows: list[dict[str, Any]] = [{"duration": 1}, {"engine": "gone", "duration": 1}, {"duration": 1}, bare(engine="nobody"), {"narration": "One.", "voice": "nobody:at-all"}]
    events = list[Event]()
    story = whole.story(mine, folder, rows, transition="none")
    error = refused(lambda: render.render(story, replace(studio, presets=mine), events.append, tmp_path / "film.mp4"))
    wheres = ["scenes[1].engine", "scenes[3].engine", "scenes[4].voice"]
    assert [fault.where for fault in error.faults] == wheres and "Download some/others." in str(error)
    assert [event.where for event in events[:3] if isinstance(event, Fault)] == wheres, "it is told before anything else"
    made = [(event.stage, event.scene) for event in events if isinstance(event, Made)]
    assert sorted(scene for stage, scene in made if stage == "film") == [1, 3] and "clips" not in dict(made)
    assert not list(tmp_path.glob("film*"))


def test_a_narration_that_nobody_can_speak_does_not_stop_the_others(
    presets: Presets, folder: Path, studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    espeak = studio.crew.get("voices", "espeak")
    real = espeak.speak

    def speak(line: Any, *more: Any) -> Any:
        if "never" in line.text:
            raise FilmError("The throat is sore.", "Drink tea.")
        return real(line, *more)

    rows = [{"narration": "One."}, {"narration": "This will never be said."}, {"narration": "Three."}, {"narration": "And never this."}]
    story = whole.story(presets, folder, rows, transition="none")
    events = list[Event]()
    with monkeypatch.context() as patch:
        patch.setattr(espeak, "speak", speak)
        error = refused(lambda: render.render(story, studio, events.append, tmp_path / "film.mp4"))
    assert [fault.where for fault in error.faults] == ["scenes[1].narration", "scenes[3].narration"]
    assert not list(tmp_path.glob("film*"))
    after = whole.make(story, studio, tmp_path / "film.mp4")
    assert after.made["narration"] == [2, 4]
    assert 1 not in after.made["film"] and 3 not in after.made["film"]


@pytest.mark.parametrize(("prompt", "said"), [("junk", "cannot be read"), ("short", "24 frames, not 25")])
def test_a_clip_is_counted_before_anybody_sees_it(prompt: str, said: str, presets: Presets, folder: Path, studio: Studio, tmp_path: Path) -> None:
    error = refused(lambda: whole.make(whole.story(presets, folder, [bare(engine="reel", prompt=prompt)]), studio, tmp_path / "film.mp4"))
    assert said in error.message and error.where == "scenes[0].engine"
    assert not list((studio.vault.root / "clip").glob("*/*"))


def test_an_engine_that_breaks_stops_all(presets: Presets, folder: Path, studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(studio.crew.get("clips", "reel"), "shoot", broken)
    with pytest.raises(ZeroDivisionError):
        whole.make(whole.story(presets, folder, [bare(engine="reel"), {"duration": 1}]), studio, tmp_path / "film.mp4")


@pytest.mark.parametrize("stage", ["clips", "pictures"])
def test_a_render_that_nobody_wants_ends_while_engines_are_at_work(stage: str, presets: Presets, folder: Path, studio: Studio, tmp_path: Path) -> None:
    def stop(event: Event) -> None:
        if isinstance(event, Moved) and event.stage == stage:
            raise Cancelled

    rows = [bare(engine="reel"), bare(engine="camera"), {"duration": 1}]
    with pytest.raises(Cancelled):
        render.render(whole.story(presets, folder, rows), studio, stop, tmp_path / "film.mp4")
    assert not list((studio.vault.root / "scratch").glob("*"))
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ThreadPool")]


@pytest.mark.parametrize("options", ["{ steps = nan }", "{ when = 1979-05-27 }"])
def test_a_models_options_are_plain(options: str, tmp_path: Path) -> None:
    (tmp_path / "models.toml").write_text(f'[x]\nlabel = "X"\nwhat = ""\nengine = "reel"\nrepo = "a/b"\noptions = {options}\n', "utf-8")
    assert "models.toml, x.options" in refused(lambda: kinds.read(tmp_path)).message


# Progress


def test_every_scene_has_a_progress_of_its_own(presets: Presets, folder: Path, studio: Studio, tmp_path: Path) -> None:
    rows = [{"duration": 2}, bare(engine="reel", duration=2), bare(engine="camera", duration=2)]
    shown = whole.make(whole.story(presets, folder, rows), studio, tmp_path / "film.mp4")
    moved = [event for event in shown.events if isinstance(event, Moved)]
    assert [event.done for event in moved] == sorted(event.done for event in moved)
    parts: dict[tuple[str, int], list[float]] = {}
    for event in moved:
        parts.setdefault((event.stage, event.scene), []).append(event.part)
    for key in [("film", 1), ("film", 2), ("film", 3), ("clips", 2), ("pictures", 1), ("pictures", 3)]:
        assert parts[key] == sorted(parts[key]), key
        assert parts[key][-1] == 1.0, key
    assert json.dumps([event.scene for event in moved])
