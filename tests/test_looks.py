"""Styles, negative prompts and motion: what steers a model, what grades the picture, and what is made anew by it."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from pipelines import vault
from pipelines.cast import cast
from pipelines.crew import Crew
from pipelines.film import grade
from pipelines.moves import livelier
from pipelines.moves import read as moved
from pipelines.path import views
from pipelines.pictures.diffusers import Engine as Painter
from pipelines.plan import Brief, Frame, Shot, styled
from pipelines.presets import Model, Presets
from pipelines.render import Studio
from pipelines.story import Story, pixels, read

from . import whole

FRAME = Frame(160, 90, Fraction(24))
STYLES = ("cinematic", "documentary", "imax", "anime", "film noir", "stop motion", "papercraft", "claymation", "watercolour", "comic", "cyberpunk", "super 8")


def story(presets: Presets, **said: Any) -> Story:
    return read({"size": "160x90", "music": "none", "captions": "none", "scenes": [{"prompt": "a sea", "duration": 1}]} | said, presets)


def shot(presets: Presets, **more: Any) -> Shot:
    return Shot("a sea", None, moved("pan left", 4.0, presets.moves, 1).camera, 24, FRAME, "cover", 1, **more)


@pytest.mark.parametrize("name", STYLES)
def test_a_style_is_a_look_that_steers_and_grades(presets: Presets, name: str) -> None:
    look = presets.looks[story(presets, look=name).look]
    assert look.prompt and look.negative and grade(look)


def test_a_pure_grade_asks_nothing_of_a_model(presets: Presets) -> None:
    assert {name for name, look in presets.looks.items() if look.prompt} >= {"noir", "anime"}
    assert not any(presets.looks[name].prompt or presets.looks[name].negative for name in ("none", "vivid", "sepia", "night"))


def test_a_prompt_gets_the_styles_words_once_and_an_empty_one_none() -> None:
    assert styled("a sea", "Anime.") == "a sea. Anime."
    assert styled("Is it a sea?", "Anime.") == "Is it a sea? Anime."
    assert styled("a sea", "") == "a sea" and styled(" ", "Anime.") == " "


def test_only_models_are_steered_and_only_where_it_is_used(presets: Presets) -> None:
    crew = Crew()
    server = crew.get("clips", "videos_api")
    plain, anime = shot(presets), shot(presets, style="Anime.")
    assert vault.plain(server.recipe(plain)) != vault.plain(server.recipe(anime))
    assert "Anime." in str(server.recipe(anime))
    for name in ("camera", "sketch"):
        engine = crew.get("clips", name)
        assert vault.plain(engine.recipe(plain)) == vault.plain(engine.recipe(replace(anime, negative="rain"))), name


def test_a_negative_prompt_changes_the_recipe_of_who_heeds_it_and_of_nobody_else(presets: Presets) -> None:
    model = Model("A", "", "diffusers", "some/weights", options={"kind": "FluxPipeline"})
    painter = Painter(models={"a": model})
    painter.lacks = lambda _model: None  # type: ignore[method-assign]
    brief = Brief("a sea", FRAME, 3)
    bare = vault.plain(painter.recipe(brief))
    assert bare == vault.plain(["a sea", 160, 90, 3, model.content]), "as it was before there were any"
    assert vault.plain(painter.recipe(replace(brief, negative="rain"))) != bare
    video = presets.models[next(name for name, one in presets.models.items() if one.engine == "diffusers")]
    engine, one = Crew().get("clips", "diffusers"), shot(presets, model=video)
    assert vault.plain(engine.recipe(replace(one, negative="rain"))) != vault.plain(engine.recipe(one))
    assert engine.negates and painter.negates


def test_what_is_said_of_the_scene_and_of_the_story_is_both_left_out(presets: Presets) -> None:
    scenes = [{"prompt": "a", "negative_prompt": "rain"}, {"prompt": "b"}, {"prompt": "c", "negative_prompt": "people"}]
    made = story(presets, scenes=scenes, negative_prompt="people")
    assert [made.negative_of(i) for i in range(3)] == ["rain, people", "people", "people"]


def test_who_heeds_no_negative_prompt_says_so(presets: Presets) -> None:
    warned: list[Any] = []
    cast(story(presets, negative_prompt="rain"), Crew({"edge": {"online": False}}), presets, warned.append)
    assert [one.where for one in warned if "negative" in one.message] == ["negative_prompt"]
    warned.clear()
    cast(story(presets, look="anime"), Crew({"edge": {"online": False}}), presets, warned.append)
    assert not [one for one in warned if "negative" in one.message], "a style's own is nobody's wish"


def test_motion_goes_from_nothing_to_much(presets: Presets) -> None:
    camera = moved("pan left", 4.0, presets.moves, 1).camera

    def travel(motion: float) -> float:
        path = views(livelier(camera, motion), 24, 2.0, 1)
        return max(view.x for view in path) - min(view.x for view in path)

    assert travel(0) == 0 < travel(0.2) < travel(0.5) < travel(0.8) < travel(1)
    assert livelier(camera, 0.5) is camera
    assert livelier(moved("shake", 4.0, presets.moves, 1).camera, 0).shakes is False


def test_a_scenes_own_motion_goes_before_the_storys(presets: Presets, studio: Studio, tmp_path: Path) -> None:
    scenes = [{"prompt": "a sea", "duration": 0.5, "clip_action": "zoom in", "motion_intensity": 0}, {"prompt": "a sea", "duration": 0.5, "clip_action": "zoom in"}]
    shown = whole.make(story(presets, scenes=scenes, motion_intensity=1, transition="none"), studio, tmp_path / "a.mp4")
    cameras = [scene["camera"]["steps"][0]["aims"][0] for scene in shown.timeline["scenes"]]
    assert cameras[0]["move"]["zoom"] == 1 and cameras[1]["strength"] == 2.5


def test_resolutions_and_shapes_have_their_names(presets: Presets) -> None:
    for name, size in {"480p": (854, 480), "720p": (1280, 720), "1080p": (1920, 1080), "2k": (2048, 1152), "4k": (3840, 2160), "square": (768, 768), "tall_1080p": (1080, 1920)}.items():
        assert pixels(story(presets, size=name).size, presets) == size
    for name in ("16:9", "9:16", "1:1", "4:3", "3:4", "4:5", "21:9", "2.39:1"):
        wide, high = pixels(story(presets, size=name).size, presets)
        across, down = name.split(":")
        assert wide / high == pytest.approx(float(across) / float(down), rel=0.01), name
