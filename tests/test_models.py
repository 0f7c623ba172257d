"""What is said of every model in the presets, before anybody uses one."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from pipelines.cards import Card, cards
from pipelines.crew import Crew, names
from pipelines.presets import Presets
from pipelines.roster import KINDS, room, roster, terms, ways
from studio import cli
from studio.desk import Desk
from studio.settings import Settings


def test_every_model_tells_its_terms_and_its_needs(presets: Presets) -> None:
    assert presets.models and presets.painters
    every = [("clips", *one) for one in presets.models.items()] + [("pictures", *one) for one in presets.painters.items()]
    every += [("music", *one) for one in presets.composers.items()]
    for role, name, model in every:
        assert model.engine in names(role), name
        assert model.licence and model.licence in model.terms, name
        assert model.what and model.label, name
        assert model.revision == "" or re.fullmatch(r"[0-9a-f]{40}", model.revision), name
        needs = list(model.vram.values())
        assert needs == sorted(needs, reverse=True), f"{name}: the fastest way first"
        assert all(area in model.terms for area in model.excluded)


def test_every_model_that_is_not_here_says_how_to_have_it(presets: Presets, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    crew = Crew({name: {"device": "cpu"} for name in ("svd", "diffusers")})
    for name, model, lack in crew.models(presets):
        if crew.options.get(model.engine):
            assert lack and f"reelwright fetch {name}" in lack and model.licence in lack, name


def test_the_listings_tell_of_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], presets: Presets) -> None:
    monkeypatch.setenv("REELWRIGHT_DATA", str(tmp_path / "data"))
    assert cli.main(["engines", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out) if row["role"] == "models"}
    assert rows.keys() == presets.models.keys()
    assert rows["svd-xt"]["engine"] == "svd" and "Stability" in rows["svd-xt"]["terms"]
    assert cli.main(["engines"]) == 0
    told = capsys.readouterr().out
    assert "Stable Video Diffusion XT" in told and "GPU" in told
    desk = Desk(Settings(data=tmp_path / "data"))
    try:
        listed = desk.catalog()
    finally:
        desk.close()
    assert listed["models"]["svd-xt"]["vram"] == presets.models["svd-xt"].vram
    assert isinstance(listed["gpus"], list)
    for kind in KINDS:
        assert listed[kind].keys() == getattr(presets, kind).keys()
        for name, one in listed[kind].items():
            model = getattr(presets, kind)[name]
            assert one["terms"] == model.terms and one["vram"] == model.vram and "missing" in one, name
            assert one["label"] in told and one["terms"] in told and all(f"{way} {needs:g} GB" in told for way, needs in model.vram.items()), name


def test_every_way_of_keeping_a_model_is_set_against_what_is_free(presets: Presets) -> None:
    model, here = presets.models["svd-xt"], [Card("A", 80.0, 12.0), Card("B", 40.0, 20.0)]
    assert ways(model, here) == [("resident", 24.0, False), ("lean", 10.0, True)]
    assert room(model, here) == "resident 24 GB, lean 10 GB; free 20 of 40 GB"
    assert room(model, []) == "resident 24 GB, lean 10 GB; no GPU here" and room(presets.models["server"], here) == ""


def test_each_model_says_what_it_lacks_itself(presets: Presets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    cpu = {"device": "cpu"}
    crew = Crew({"pictures.diffusers": cpu | {"models": presets.painters}, "musicgen": cpu | {"models": presets.composers}, "upscalers": cpu})
    found = {one.name: one for one in roster(crew, presets)}
    for name in ("sdxl", "z-image", "musicgen-small", "musicgen-large", "sd-x4"):
        assert f"reelwright fetch {name}" in str(found[name].lack)
    assert terms("svd-xt", crew, presets) == presets.models["svd-xt"].terms and terms("auto", crew, presets) == terms("camera", crew, presets) == ""


def test_a_page_lists_every_model_with_its_needs_and_its_licence(presets: Presets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from studio.ui.showing import crew_parts

    monkeypatch.setattr("studio.desk.cards", lambda: (Card("A card", 80.0, 61.0),))
    desk = Desk(Settings(data=tmp_path / "data"))
    try:
        lines = {line["key"]: line for line in crew_parts(SimpleNamespace(desk=desk))["lines"]}  # type: ignore[arg-type]
    finally:
        desk.close()
    assert lines["A card"]["text"] == "(61 / 80 GB)"
    for kind in KINDS:
        for model in getattr(presets, kind).values():
            line = lines[model.label]
            assert model.terms in line["more"], model.label
            assert line["text"] == (f"({room(model, [Card('A card', 80.0, 61.0)])})" if model.vram else "")


def test_cards_are_told_in_words() -> None:
    assert str(Card("H200", 139.0, 120.4)) == "H200, 139 GB (120 GB free)"
    assert all(card.gigabytes > 0 for card in cards())
