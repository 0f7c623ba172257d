"""How long a film's clips will take: by what they took here, by what was published, or nobody knows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipelines.estimate import Past, pace, past, story_takes, takes
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
    assert story_takes(story, own, "", past(studio.vault)) is None
    whole.make(story, studio, tmp_path / "film.mp4")
    known = past(studio.vault)
    assert len(known) == 2 and all(one.lasts == 2.0 and one.took >= 0 for one in known)
    told = story_takes(story, own, "", known)
    assert told is not None and told == pytest.approx(sum(one.took for one in known) / 4)
    rows[0]["engine"] = "other"
    assert story_takes(whole.story(own, tmp_path, rows), own, "", known) is None
    for side in (studio.vault.root / "clip").glob("*/*.json"):
        side.write_text("{", "utf-8")
    assert past(studio.vault) == []
