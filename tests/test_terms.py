"""A model's licence and territory are said before it is first used here, once; and again if they change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipelines import terms
from pipelines.crew import Crew
from pipelines.events import Began, Warned
from pipelines.presets import Model, Presets
from pipelines.render import Studio
from pipelines.restyle import Restyle
from pipelines.restyle import models as of_restyle
from pipelines.verbs.extend import Extend
from pipelines.verbs.table import VERBS, models
from studio.desk import Desk
from studio.settings import Settings

from . import whole

OWN = Model("A reel", "", "reel", "some/weights", licence="Look only", excluded=("Atlantis",), revenue_cap=1000)


@pytest.fixture(autouse=True, scope="module")
def newcomers() -> Iterator[None]:
    with whole.extras():
        yield


def told(film: whole.Shown) -> list[str]:
    return [said for said in film.warned if "licence" in said]


def test_a_film_says_it_once_and_before_anything_is_made(presets: Presets, studio: Studio, tmp_path: Path) -> None:
    own = replace(presets, models={"own": OWN})
    studio = replace(studio, presets=own)
    rows: list[dict[str, Any]] = [{"image": None, "prompt": f"{i}", "engine": "own", "duration": 0.5} for i in range(2)]
    first = whole.make(whole.story(own, tmp_path, rows), studio, tmp_path / "film.mp4")
    assert told(first) == ["A reel: its licence is Look only; not licensed in Atlantis; free below $1,000 a year."]
    at = [isinstance(one, Warned) and "licence" in one.message for one in first.events].index(True)
    assert first.events[at].where == "scenes[0].engine"  # type: ignore[union-attr]
    assert not any(isinstance(one, Began) and one.stage in ("clips", "film") for one in first.events[:at])
    rows[0]["prompt"] = "another"
    assert not told(whole.make(whole.story(own, tmp_path, rows), studio, tmp_path / "film.mp4"))
    studio = replace(studio, presets=replace(presets, models={"own": replace(OWN, licence="Look twice")}))
    assert len(told(whole.make(whole.story(studio.presets, tmp_path, rows), studio, tmp_path / "film.mp4"))) == 1


class Artist:
    """Paints, or plays, with models of the presets."""

    def __init__(self, model: Model | None) -> None:
        self.model = model

    def uses(self, named: str = "", *, anew: bool = False) -> Model | None:
        return self.model


def test_painters_composers_and_verbs_say_it_too(presets: Presets, tmp_path: Path) -> None:
    crew = Crew()
    painter, composer = (Model(name, "", "x", f"{name}/weights", licence="Mine") for name in ("painter", "composer"))
    crew._hired["pictures", "diffusers"], crew._hired["music", "musicgen"] = Artist(painter), Artist(composer)
    assert terms.of_painter(crew, "diffusers", anew=True) is painter and terms.of_composer(crew, "musicgen") is composer
    assert terms.of_painter(crew, "sketch") is None and terms.of_composer(crew, "bandstand") is None
    with whole.studio(replace(presets, models={"own": OWN}), tmp_path / "vault") as studio:
        assert models(VERBS["extend"], Extend(1.0, engine="own"), studio) == {"engine": OWN}
        assert models(VERBS["extend"], Extend(1.0), studio) == {} == models(VERBS["extend"], Extend(1.0, engine="nobody"), studio)
        assert of_restyle(Restyle("ink"), studio) == {} == of_restyle(Restyle("ink", "auto"), studio)


def test_a_film_with_painted_pictures_and_music_names_each_model_once(presets: Presets) -> None:
    from pipelines.cast import Cast, Role
    from pipelines.moves import read

    crew = Crew()
    painter, composer = (Model(name, "", "x", f"{name}/weights", licence="Mine") for name in ("painter", "composer"))
    crew._hired["pictures", "diffusers"], crew._hired["music", "musicgen"] = Artist(painter), Artist(composer)
    mood = next(iter(presets.moods))
    one = Role("reel", "own", "diffusers", read("static", 1.0, presets.moves, 1), 1, presets.moods[mood], mood, (), None, stylist="diffusers")
    own = replace(presets, models={"own": OWN})
    found = terms.of_film(Cast((one, one), "musicgen", None), crew, own)
    assert found == {"scenes[0].engine": OWN, "scenes[0].prompt": painter, "music": composer}


def test_a_desk_says_it_before_a_verb_begins(presets: Presets, studio: Studio, tmp_path: Path) -> None:
    studio = replace(studio, presets=replace(presets, models={"own": OWN}))
    desk = Desk(Settings(data=tmp_path / "data"), studio)
    try:
        given = whole.make(whole.story(presets, whole.pictures(tmp_path, 1), [{"duration": 0.5, "engine": "camera"}]), studio, tmp_path / "given.mp4").path
        said = []
        for _ in range(2):
            job = desk.cut("extend", [given], {"seconds": 0.5, "engine": "own"}, "me")
            list(desk.watch(job))
            said.append([one.event["message"] for one in desk.events(job) if one.event["event"] == "warned" and "Look only" in str(one.event["message"])])
        assert [len(one) for one in said] == [1, 0]
    finally:
        desk.close()
