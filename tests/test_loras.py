"""LoRA files as stories name them: by name and weight, in every door's words; who loads them, and what a film says of it."""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from pipelines import plan
from pipelines.cast import Cast, cast
from pipelines.clips import diffusers as films
from pipelines.crew import Crew
from pipelines.events import Warned
from pipelines.gear import loras as gear
from pipelines.loras import Lora, known
from pipelines.presets import Presets
from pipelines.render import Studio
from pipelines.story import Story, plain, read
from pipelines.vault import Vault
from pipelines.work import FilmError, idle
from studio import cli, project
from studio.desk import Desk
from studio.settings import Settings

from . import tiny_films, whole
from .test_diffusers import lora, shot, small


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_films.saved("wan-1.3b", tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def mine(presets: Presets, at: Path, tmp_path_factory: pytest.TempPathFactory) -> Presets:
    """One model, three files of one's own, and one of a preset that is for another model."""
    folder = tmp_path_factory.mktemp("loras")
    lora(folder / "ink.safetensors", presets, at, **{"modelspec.trigger_phrase": "inkpen"})
    lora(folder / "My face, 2.safetensors", presets, at, scale=2.0)
    (folder / "My face, 2.txt").write_text("sks woman", "utf-8")
    (folder / "torn.safetensors").write_bytes(b"PK\x03\x04 pickled")
    given = {"oil": Lora(str(folder / "ink.safetensors"), weight=0.5, words="oily", label="Oil", models=("ltx-2.5",), licence="CC0")}
    model = replace(small("wan-1.3b", presets, at), vram={})
    return replace(presets, models={"wan-1.3b": model}, loras=known(given, folder))


@pytest.fixture
def studio(mine: Presets, tmp_path: Path) -> Iterator[Studio]:
    crew = Crew({"edge": {"online": False}, "clips.diffusers": {"device": "cpu"}})
    yield Studio(crew, mine, Vault(tmp_path / "vault"), whole.ROOT / "assets" / "fonts", workers=2)
    crew.close()


def story(mine: Presets, *scenes: dict[str, Any], table: bool = False, **more: Any) -> Story:
    rows = [{"prompt": "a cat on a wall", "duration": 0.5, "engine": "wan-1.3b"} | one for one in scenes]
    return read({"title": "T", "size": "96x96", "music": "none", "transition": "none", "scenes": rows} | more, mine, table=table)


def refused(work: Any) -> FilmError:
    with pytest.raises(FilmError) as caught:
        work()
    return next(iter(caught.value.faults), caught.value)


# What people write


def test_names_are_read_however_they_are_written(mine: Presets) -> None:
    assert list(mine.loras) == ["oil", "My_face_2", "ink", "torn"]
    for written, kept in (
        ("ink", "ink"), ("INK 0.60; my face 2 -1.5", "ink 0.6, My_face_2 -1.5"), ("ink: 0.6", "ink 0.6"), (["ink", "oil 1"], "ink, oil 1"),
        ([{"name": "ink", "weight": 0.25}, {"name": "oil"}], "ink 0.25, oil"), ("", ""),
    ):  # fmt: skip
        one = story(mine, {"loras": written})
        assert one.scenes[0].loras == kept
        assert read(plain(one), mine) == one == story(mine, {"loras": kept}, table=True)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("inc", "Did you mean ink"), ("ink, ink 0.5", "there twice"), ("ink 0,6", "with a point"), ("ink 9", "-4 to 4"), ("../ink", "no LoRA called"),
        ("/etc/passwd.safetensors", "no LoRA called"), ("someone/ink", "no LoRA called"), ([{"name": "ink", "repo": "a/b"}], "no LoRA"), ("ink.safetensors", "no LoRA called"),
    ],
)  # fmt: skip
def test_what_is_no_name_is_a_fault_of_its_field(written: Any, said: str, mine: Presets) -> None:
    for where, given in (("scenes[1].loras", [{}, {"loras": written}]), ("loras", [{}])):
        error = refused(lambda given=given, where=where: story(mine, *given, **({"loras": written} if where == "loras" else {})))
        assert error.where == where and said in f"{error.message} {error.hint}"


def test_where_there_are_none_it_says_how_to_have_some(presets: Presets) -> None:
    assert "REELWRIGHT_LORAS" in refused(lambda: story(presets, {"loras": "ink", "engine": "auto"})).hint
    with pytest.raises(FilmError, match="blank or comma"):
        known({"my ink": Lora("a.safetensors")}, Path())


def test_one_that_is_put_there_while_we_run_is_found(presets: Presets, tmp_path: Path) -> None:
    own = replace(presets, loras=known({}, tmp_path / "loras"))
    assert not own.loras
    (tmp_path / "loras").mkdir()
    for name in ("ink drawing", "oil"):
        (tmp_path / "loras" / f"{name}.safetensors").touch()
        os.utime(tmp_path / "loras", ns=(0, len(name)))  # two within one tick of a coarse clock
        assert story(own, {"loras": name, "engine": "auto"}).scenes[0].loras == name.replace(" ", "_")


def test_the_scenes_are_added_to_the_storys(mine: Presets) -> None:
    one = story(mine, {"loras": "ink 0.2, My_face_2"}, {"loras": "ink 0"}, {}, loras="ink 0.7")
    assert [one.loras_of(i) for i in range(3)] == [{"ink": 0.2, "My_face_2": None}, {}, {"ink": 0.7}]


def test_a_page_keeps_what_a_file_says_as_a_list(mine: Presets, tmp_path: Path) -> None:
    typed = project.of({"scenes": [{"prompt": "a cat", "loras": ["ink", "oil 0.5"]}]})
    made, faults = project.story(typed, mine, tmp_path)
    assert made and not faults and made.scenes[0].loras == "ink, oil 0.5"


# Who loads them


def told(one: Story, studio: Studio) -> tuple[Cast, list[str]]:
    warned: list[Warned] = []
    return cast(one, studio.crew, studio.presets, warned.append), [each.message for each in warned]


def test_a_scene_that_nobody_can_make_so_is_at_fault(mine: Presets, studio: Studio) -> None:
    for engine, name, said in (("sketch", "ink", "cannot load"), ("wan-1.3b", "oil", "cannot load")):
        error = refused(lambda engine=engine, name=name: told(story(mine, {"engine": engine, "loras": name}), studio))
        assert error.where == "scenes[0].loras" and said in error.message and f'"{name}"' in error.message
    assert "wan-1.3b" in refused(lambda: told(story(mine, {"engine": "sketch", "loras": "ink"}), studio)).hint


def test_the_storys_are_told_where_they_are_left_out_and_a_fault_where_nobody_has_them(mine: Presets, studio: Studio) -> None:
    roles, warned = told(story(mine, {}, {"engine": "sketch"}, {"card": "title", "engine": "auto"}, loras="ink 0.5"), studio)
    assert [[one.title for one in role.loras] for role in roles.roles] == [["ink"], [], []] and roles.roles[0].loras[0].weight == 0.5
    assert [one for one in warned if "ink" in one] == [f'scene 2: {studio.crew.get("clips", "sketch").label} cannot load "ink"; it is made without.']
    error = refused(lambda: told(story(mine, {"engine": "sketch"}, loras="ink"), studio))
    assert error.where == "loras" and "nobody" in error.message and "wan-1.3b" in error.hint


def test_a_file_that_is_gone_meanwhile_is_said(mine: Presets, studio: Studio, tmp_path: Path) -> None:
    one = story(mine, {"loras": "ink"}, {"engine": "sketch"})
    without = replace(studio, presets=replace(mine, loras=known({}, tmp_path)))
    roles, _ = told(one, without)
    assert "ink is gone" in roles.lacking[0].message and len(roles.lacking) == 1


def test_auto_is_a_model_that_can(mine: Presets, studio: Studio) -> None:
    better = {"better": replace(mine.models["wan-1.3b"], engine="unit", label="Better")}
    with whole.extras(), whole.studio(replace(mine, models=better | dict(mine.models)), studio.vault.root, studio.crew) as studio:
        studio.crew.get("clips", "unit").rank = 9
        roles, _ = told(story(studio.presets, {"engine": "auto"}, {"engine": "auto", "loras": "ink"}), studio)
    assert [role.model for role in roles.roles] == ["better", "wan-1.3b"]
    picture = whole.pictures(studio.vault.root, 1) / "p1.png"
    error = refused(lambda: told(story(mine, {"engine": "auto", "image": picture, "loras": "ink"}), studio))
    assert error.where == "scenes[0].loras", "a model that may not show the picture is nobody's choice"


def test_what_is_painted_is_painted_with_them(mine: Presets, tmp_path: Path) -> None:
    """A file that is for a painter's model goes to the painter, and one that does not say, where the clip has no model."""
    painters = {"one": replace(mine.models["wan-1.3b"], engine="diffusers", label="One")}
    own = replace(mine, painters=painters, loras={**mine.loras, "paint": Lora(mine.loras["ink"].file, models=("one",))})
    crew = Crew({"edge": {"online": False}, "clips.diffusers": {"device": "cpu"}, "pictures.diffusers": {"models": painters, "device": "cpu"}})
    crew.get("pictures", "diffusers").lacks = lambda _model: None
    with whole.studio(own, tmp_path / "vault", crew) as studio:
        roles, _ = told(story(own, {"engine": "camera", "loras": "ink, paint 0.3"}), studio)
        assert not roles.roles[0].loras and [one.weight for one in roles.roles[0].painted] == [1.0, 0.3]
        assert refused(lambda: told(story(own, {"engine": "camera", "loras": "oil"}), studio)).where == "scenes[0].loras"


# What is made


def test_recipes_change_with_content_and_weight_and_only_where_they_are(mine: Presets, tmp_path: Path, presets: Presets, at: Path) -> None:
    engine = films.Engine(device="cpu")
    bare = shot(mine, mine.models["wan-1.3b"])
    ink, face = mine.loras["ink"], mine.loras["My_face_2"]
    with_ink = replace(bare, loras=(ink,))
    every = [bare, with_ink, replace(bare, loras=(replace(ink, weight=0.5),)), replace(bare, loras=(face,)), replace(bare, loras=(ink, face))]
    recipes = [json.dumps(engine.recipe(one)) for one in every]
    assert len(set(recipes)) == 5 and "inkpen" in recipes[1] and "sks woman" in recipes[3] and "lora" not in recipes[0]
    other = lora(tmp_path / "other.safetensors", presets, at, **{"modelspec.trigger_phrase": "inkpen"})
    assert engine.recipe(replace(bare, loras=(replace(ink, file=str(other), label="New name", licence="MIT"),))) == engine.recipe(with_ink), "its name changes nothing"
    lora(other, presets, at, scale=1.0, **{"modelspec.trigger_phrase": "inkpen"})
    os.utime(other, (1, 1))  # a file system's clock may be too coarse for two writes in a row
    assert engine.recipe(replace(bare, loras=(replace(ink, file=str(other)),))) != engine.recipe(with_ink)
    assert pickle.loads(pickle.dumps(with_ink)) == with_ink, "it goes to a process of another card"


def test_scenes_with_different_ones_share_the_model(mine: Presets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is as if it had been made alone, the model is loaded once, and files change as seldom as can be."""
    ink, face, torn = (mine.loras[name] for name in ("ink", "My_face_2", "torn"))
    bare = shot(mine, mine.models["wan-1.3b"])
    asked = [replace(bare, loras=one) for one in ((ink,), (), (face,), (ink,), (torn,), ())]
    alone = {}
    for one in asked[:3]:
        engine = films.Engine(device="cpu")
        engine.shoot(one, tmp_path / "alone.mp4", idle)
        alone[one.loras] = (tmp_path / "alone.mp4").read_bytes()
    assert len(set(alone.values())) == 3
    loads, changes, real = [], [], gear.change
    load = films.Machine.__init__
    monkeypatch.setattr(films.Machine, "__init__", lambda *given, **more: loads.append(1) or load(*given, **more))
    monkeypatch.setattr("pipelines.clips._diffusers_machine.change", lambda pipe, before, after: changes.append(after) or real(pipe, before, after))
    kept: dict[int, Any] = {}
    films.Engine(device="cpu").shoot_all([plan.Slate(one, tmp_path / f"{i}.mp4", idle, partial(kept.__setitem__, i)) for i, one in enumerate(asked)])
    assert loads == [1] and len(changes) == 3
    assert isinstance(kept.pop(4), FilmError) and len(kept) == 5, "one bad file is the fault of its scene alone"
    assert all((tmp_path / f"{i}.mp4").read_bytes() == alone[asked[i].loras] for i in kept)


def test_a_film_says_what_it_was_made_with(mine: Presets, studio: Studio, tmp_path: Path) -> None:
    one = story(mine, {"loras": "ink"}, {"seed": 0}, {"card": "credits", "engine": "auto"})
    shown = whole.make(one, studio, tmp_path / "film.mp4")
    assert shown.film.engines["clips"] == "Wan 2.1, 1.3 B, Wan 2.1, 1.3 B with ink"
    assert shown.film.account.made["clips"].endswith("1.3 B with ink") and any(deed.said.endswith("1.3 B with ink") for deed in shown.film.account.deeds)
    again = whole.make(story(mine, {"loras": "ink 0.5"}, {"seed": 0}, {"card": "credits", "engine": "auto"}), studio, tmp_path / "film.mp4")
    assert again.made["clips"] == [1], "only the scene whose weight changed"


# Where they are told


def test_listings_and_doors_know_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "data" / "loras"
    folder.mkdir(parents=True)
    torch.save({}, folder / "ink drawing.safetensors")
    monkeypatch.setenv("REELWRIGHT_DATA", str(tmp_path / "data"))
    assert cli.main(["presets", "loras"]) == 0
    assert "ink_drawing" in capsys.readouterr().out
    assert cli.main(["engines", "--json"]) == 0
    rows = [row for row in json.loads(capsys.readouterr().out) if row["role"] == "loras"]
    assert [row["name"] for row in rows] == ["ink_drawing"] and "licence unknown" in rows[0]["terms"]
    desk = Desk(Settings(data=tmp_path / "data"))
    try:
        told_of = json.dumps(desk.catalog()["loras"])
    finally:
        desk.close()
    assert "ink_drawing" in told_of and str(tmp_path) not in told_of, "a name, and no path"
