"""How long a film's clips will take: by what they took here, by what was published, or nobody knows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipelines.clips import svd
from pipelines.crew import Crew
from pipelines.estimate import OFF, SPEEDS, Estimate, Past, estimate, guess, pace, past, takes
from pipelines.presets import Model, Presets
from pipelines.render import Studio
from pipelines.vault import plain

from . import whole


@pytest.fixture(autouse=True, scope="module")
def newcomers() -> Iterator[None]:
    with whole.extras():
        yield


def test_what_was_published_is_for_one_gpu_of_that_kind(presets: Presets) -> None:
    own = presets.models["svd-xt"]
    assert takes(own, [10.0], "NVIDIA H100 80GB HBM3", []) == pytest.approx(63)
    assert takes(own, [10.0, 5.0, 5.0], "NVIDIA H100 PCIe", [], 2) == pytest.approx(63), "the longest first"
    assert takes(own, [10.0], "Some other GPU", []) is None and takes(own, [10.0], "", []) is None


def test_what_it_took_here_comes_first() -> None:
    own, other = (Model("A", "", "svd", repo, pace={"H100": 9.0}) for repo in ("a/b", "c/d"))
    known = [Past(plain(own.content), 4.0, 6.0), Past(plain(own.content), 4.0, 10.0), Past(plain(other.content), 4.0, 400.0)]
    assert pace(own, "H100", known) == 2.0
    assert takes(own, [3.0, 3.0], "H100", known, 8) == pytest.approx(12.0), "it was learnt with all of them"


def test_a_machine_learns_from_its_own_films(presets: Presets, studio: Studio, tmp_path: Path) -> None:
    model = Model("A reel", "", "reel", "some/weights")
    own = replace(presets, models={"own": model, "other": replace(model, repo="x/y")})
    studio = replace(studio, presets=own)
    rows: list[dict[str, Any]] = [{"image": None, "prompt": f"{i}", "engine": "own", "duration": 0.5, "clip_action": "static"} for i in range(2)]
    story = whole.story(own, tmp_path, rows)
    assert estimate(story, studio.crew, own, "", past(studio.vault)) == Estimate(0.0, False, (1, 2))
    whole.make(story, studio, tmp_path / "film.mp4")
    known = past(studio.vault)
    assert len(known) == 2 and all(one.lasts == 2.0 and one.took >= 0 for one in known)
    told = estimate(story, studio.crew, own, "", known)
    assert told.seconds == pytest.approx(sum(one.took for one in known) / 4) and not told.rough and not told.unknown
    rows[0]["engine"] = "reel"
    assert estimate(whole.story(own, tmp_path, rows), studio.crew, own, "", known) == told, "an engine's name is its model's"
    rows += [{"engine": "camera", "duration": 3.0}, {"image": None, "prompt": "a tree", "engine": "auto", "duration": 3.0}]
    whole.pictures(tmp_path, 3)
    assert estimate(whole.story(own, tmp_path, rows), studio.crew, own, "", known) == told, "what is drawn live takes no such time"
    rows[0]["engine"] = "other"
    assert estimate(whole.story(own, tmp_path, rows), studio.crew, own, "", known).unknown == (1,), "its weights are not here"
    for side in (studio.vault.root / "clip").glob("*/*.json"):
        side.write_text("{", "utf-8")
    assert past(studio.vault) == []


def test_what_nobody_measured_is_guessed_from_what_there_is_to_compute(presets: Presets) -> None:
    """Leaving out each model whose pace was published, it is guessed within what is said of guesses."""
    crew, checked = Crew(), 0
    for name, model in presets.models.items():
        others = replace(presets, models={other: one for other, one in presets.models.items() if other != name})
        for gpu, took in model.pace.items():
            if (told := guess(model, [1.0], gpu, crew, others, [])) is not None:
                assert 1 / OFF < told / took < OFF, (name, gpu, told, took)
                checked += 1
    assert checked >= 6
    lcm, xt = presets.models["svd-lcm4"], presets.models["svd-xt"]
    quick, slow = (guess(one, [5.0], "Tesla T4", crew, presets, []) for one in (lcm, xt))
    assert quick and slow and quick * 10 < slow, "four steps of one row"
    assert guess(xt, [2.0, 2.0], "Tesla T4", crew, presets, [], 2) == guess(xt, [2.0], "Tesla T4", crew, presets, [])
    assert guess(xt, [5.0], "A card that nobody knows", crew, presets, []) is None
    known = [Past(plain(xt.content), 4.0, 40.0)]
    told = guess(lcm, [5.0, 5.0], "A card that nobody knows", crew, presets, known, 8)
    assert told and told < 100 / 10, "by this machine's own"
    assert guess(presets.models["comfyui-svd"], [5.0], "Tesla T4", crew, presets, []) is None
    assert all(speed > 0 for speed in SPEEDS.values())


def test_auto_and_engines_are_looked_up_and_what_is_unknown_is_named(presets: Presets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(svd.Engine, "missing", lambda self: None)
    monkeypatch.setattr(svd.Engine, "lacks", lambda self, model: None)
    monkeypatch.setattr(svd.Engine, "rank", 99)
    whole.pictures(tmp_path, 3)
    rows: list[dict[str, Any]] = [{"engine": "svd-xt", "duration": 5.0}, {"duration": 5.0, "engine": "auto"}, {"duration": 5.0, "engine": "camera"}]
    with whole.extras():
        crew = Crew()
        crew.get("clips", "svd")
        story = whole.story(presets, tmp_path, rows)
        told = estimate(story, crew, presets, "NVIDIA H100 80GB HBM3", [])
        assert told == Estimate(pytest.approx(63.0), False, ()) and told.said == "about 63 s"
        rough = estimate(story, crew, presets, "NVIDIA RTX A6000", [])
        assert rough.rough and rough.seconds > 100 and rough.said.startswith("roughly ") and f"{OFF} times" in rough.said
        assert estimate(story, crew, presets, "", []).said == "unknown for scenes 1, 2"
        rows[2]["engine"] = "reel"
        own = replace(presets, models=dict(presets.models) | {"own": Model("A reel", "", "reel", "some/weights")})
        both = estimate(whole.story(own, tmp_path, rows), crew, own, "NVIDIA H100 80GB HBM3", [])
        assert both.said == "about 63 s, unknown for scene 3"
