"""What is said of every model in the presets, before anybody uses one."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from pipelines.cards import Card, cards
from pipelines.crew import Crew, names
from pipelines.presets import Presets
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


def test_cards_are_told_in_words() -> None:
    assert str(Card("H200", 139.0, 120.4)) == "H200, 139 GB (120 GB free)"
    assert all(card.gigabytes > 0 for card in cards())
