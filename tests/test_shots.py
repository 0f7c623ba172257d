"""Times inside a prompt: one scene of several shots, one narration, one number."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from pipelines import shots
from pipelines.events import Fault
from pipelines.moves import read as moved
from pipelines.presets import Presets
from pipelines.render import Studio
from pipelines.story import Story, read
from pipelines.work import FilmError

from . import measure, whole


@pytest.fixture(autouse=True, scope="module")
def newcomers() -> Iterator[None]:
    with whole.extras():
        yield


def story(presets: Presets, *scenes: dict[str, Any], **said: Any) -> Story:
    return read({"size": "160x90", "fps": 12, "music": "none", "captions": "none", "scenes": list(scenes)} | said, presets)


# What is read


@pytest.mark.parametrize(("text", "parts"), [
    ("a harbour", ()),
    ("a list [3] of notes [see 4 s]", ()),
    ("[0s] a harbour [3s] a ship", ((0, "a harbour"), (3, "a ship"))),
    ("[0 s] a [ 2.5 sec ] b [0:04] c [1:02.5] d", ((0, "a"), (2.5, "b"), (4, "c"), (62.5, "d"))),
    ("[0s-3s] a [3s-6s] b", ((0, "a"), (3, "b"))),
    ("[0-3s] a [3 - 6s] b", ((0, "a"), (3, "b"))),
    ("Noir. [0s] a street [2s] a door", ((0, "Noir. a street"), (2, "Noir. a door"))),
    ("a street [2s] a door", ((0, "a street"), (2, "a door"))),
])  # fmt: skip
def test_times_are_read_as_people_write_them(text: str, parts: shots.Parts) -> None:
    assert shots.parts(text) == parts
    assert shots.timed(text) == bool(parts)


@pytest.mark.parametrize(("scene", "field", "said"), [
    ({"prompt": "[0s] a [3s] b [2s] c"}, "prompt", "2 s cannot follow one at 3 s"),
    ({"prompt": "[0s] a [0.2s] b"}, "prompt", "0.2 s"),
    ({"prompt": "[0s] a [5s] b", "duration": 5}, "prompt", "begins at 5 s of a scene that lasts 5 s"),
    ({"prompt": "[2s] b"}, "prompt", "0 s says nothing"),
    ({"prompt": "[0s] [2s] b"}, "prompt", "0 s says nothing"),
    ({"prompt": " ".join(f"[{k}s] a" for k in range(21))}, "prompt", "21 shots are more than 20"),
    ({"prompt": "a", "clip_action": "[0s] zoom in [9s] pan left", "duration": 4}, "clip_action", "9 s"),
])  # fmt: skip
def test_wrong_times_are_told_at_their_scene_and_column(presets: Presets, scene: dict[str, Any], field: str, said: str) -> None:
    with pytest.raises(FilmError) as error:
        story(presets, {"prompt": "[0s] fine [1s] too"}, scene)
    (fault,) = error.value.faults
    assert fault.where == f"scenes[1].{field}" and f"scene 2, {field}" in fault.message and said in fault.message


def test_a_scene_becomes_its_shots_and_the_others_stay_as_they_are(presets: Presets) -> None:
    said = {"narration": "One evening.", "lower_third": "Anna", "transition": "fade", "duration": 5}
    asked = story(presets, {"prompt": "before"}, {"prompt": "[0s] a, pan left [2s] b [3.5s] c"} | said, {"prompt": "after"}, seed=7)
    made = shots.expanded(asked)
    assert [scene.scene_number for scene in made.scenes] == [1, 2, 2, 2, 3]
    assert [scene.prompt for scene in made.scenes] == ["before", "a, pan left", "b", "c", "after"]
    assert [scene.duration for scene in made.scenes] == [None, 2, 1.5, 1.5, None]
    assert [scene.narration for scene in made.scenes] == ["", "One evening.", "", "", ""]
    assert [scene.transition for scene in made.scenes] == ["", "none", "none", "fade", ""]
    assert [scene.clip_action for scene in made.scenes][1:4] == ["pan left", "auto", "auto"]
    assert [made.seed_of(i) for i in range(5)] == [7, 8, 8, 8, 9], "who comes after keeps their seed"
    assert shots.owners(made) == [0, 1, 1, 1, 2] and shots.lasting(made, 2) == 5 and shots.lasting(made, 4) is None
    plain = story(presets, {"prompt": "before"})
    assert shots.expanded(plain) is plain, "a story without times is itself"


def test_timed_actions_go_to_the_shots_of_their_time_and_within_one_shot_each_has_its_own(presets: Presets) -> None:
    both = shots.expanded(story(presets, {"prompt": "[0s] a [2s] b", "clip_action": "[0s] zoom in [2s] pan left", "duration": 4}))
    assert [scene.clip_action for scene in both.scenes] == ["zoom in", "pan left"]
    steps = shots.read("[0s] zoom in [3s] pan left", 4.0, presets.moves, 1).camera.steps
    assert [(step.start, step.end, step.aims[0].move.label) for step in steps] == [(0, 0.75, "Zoom in"), (0.75, 1, "Pan left")]
    assert shots.read("pan left", 4.0, presets.moves, 1) == moved("pan left", 4.0, presets.moves, 1)
    assert shots.read("[0s] zoom in [3s] zorp", None, presets.moves, 1).unknown == ("zorp",)


# What is made


def test_the_film_cuts_at_those_times_and_stays_one_scene_with_one_narration(presets: Presets, studio: Studio, tmp_path: Path) -> None:
    scene = {"prompt": "[0s] a desert at noon [1s] a night sky, stars", "duration": 4, "narration": "Day and night.", "voice": "espeak:en", "clip_action": "static", "engine": "sketch"}
    asked = story(presets, scene, {"prompt": "a forest", "duration": 1, "engine": "sketch"}, transition="none", captions="sidecar")
    shown = whole.make(asked, studio, tmp_path / "a.mp4")
    light = [float(picture.mean()) for picture in measure.frames(shown.path, (160, 90), "gray")]
    assert len(light) == 60
    steps = [abs(b - a) for a, b in pairwise(light)]
    assert sorted(range(len(steps)), key=lambda k: -steps[k])[:2] in ([11, 47], [47, 11]), "cut at 1 s, and at the next scene"
    assert [(one["scene"], len(one["words"])) for one in shown.timeline["spoken"]] == [(1, 3)]
    assert {one["scene"] for one in shown.timeline["captions"]} == {1} and "Day and night." in shown.path.with_suffix(".srt").read_text("utf-8")
    _, chapters = whole.metadata(shown.path)
    assert [(start, end) for start, end, _ in chapters] == [(0, 4), (4, 5)], "a chapter a scene"
    tags, _ = whole.metadata(shown.path)
    assert "[1s]" in tags["synopsis"], "the story is told as it was asked for"


def test_a_narration_that_needs_more_lengthens_the_last_shot(presets: Presets, studio: Studio, tmp_path: Path) -> None:
    scene = {"prompt": "[0s] a desert [1s] a sea", "duration": 2, "narration": "This goes on for rather longer than two seconds, as everybody hears.", "voice": "espeak:en"}
    shown = whole.make(story(presets, scene), studio, tmp_path / "a.mp4")
    first, last = shown.timeline["scenes"]
    assert first["frames"] == 12 and last["frames"] > 24
    assert any("scene 1 lasts" in warning for warning in shown.warned)
    free = shots.expanded(story(presets, {"prompt": "[0s] a [4s] b"}))
    from pipelines.schedule import timeline

    plan = timeline(free, {}, shown.film.timeline.frame, 40, lambda _warned: None)
    assert [place.frames for place in plan.scenes] == [48, 24], "without a length the last shot has its time too"


def test_another_wording_of_one_shot_makes_that_shot_anew(presets: Presets, studio: Studio, tmp_path: Path) -> None:
    scene = {"prompt": "[0s] a desert [1s] a sea [2s] a forest", "duration": 3, "engine": "sketch"}
    whole.make(story(presets, scene), studio, tmp_path / "a.mp4")
    again = whole.make(story(presets, scene | {"prompt": "[0s] a desert [1s] a castle [2s] a forest"}), studio, tmp_path / "a.mp4")
    assert again.made["film"] == [1] and not again.made.get("sound")


def test_a_models_shots_go_on_from_the_last_picture_unless_it_says_cut(presets: Presets, studio: Studio, tmp_path: Path) -> None:
    def reds(prompt: str) -> list[int]:
        made = whole.make(story(presets, {"prompt": prompt, "duration": 2, "engine": "reel"}, transition="none"), studio, tmp_path / "a.mp4")
        return [int(picture[..., 0].mean()) for picture in measure.frames(made.path, (160, 90))]

    onward, cut = reds("[0s] a [1s] b"), reds("[0s] a [1s] cut to b")
    # the reel is grey; given a picture its second plane has that picture's mean red
    assert onward[:12] == cut[:12] and onward[14] != cut[14]
    assert studio.crew.get("clips", "reel").shot == ["a", "b", "cut to b"], "what was shot is kept"


def test_a_fault_of_a_later_scene_is_told_at_that_scenes_place(presets: Presets, studio: Studio, tmp_path: Path) -> None:
    events: list[Any] = []
    asked = story(presets, {"prompt": "[0s] a [1s] b [2s] c", "duration": 3, "engine": "reel"}, {"prompt": "it will fail", "duration": 1, "engine": "reel"})
    from pipelines.render import render

    with pytest.raises(FilmError) as error:
        render(asked, studio, events.append, tmp_path / "a.mp4")
    assert error.value.where == "scenes[1].engine" and "scene 2" in error.value.message
    assert [event.where for event in events if isinstance(event, Fault)] == ["scenes[1].engine"]
    with pytest.raises(FilmError) as first:
        render(story(presets, {"prompt": "[0s] a [1s] this will fail [2s] c", "duration": 3, "engine": "reel"}), studio, events.append, tmp_path / "a.mp4")
    assert first.value.where == "scenes[0].engine" and not first.value.faults, "told once, though the next shot goes on from it"
