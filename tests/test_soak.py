"""Hours of it: `make soak`. Renders and the whole studio, killed again and again, each at moments of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from . import whole
from .killed import server_killed_again_and_again
from .test_faults import disturbed, undisturbed

__all__ = ["undisturbed"]
pytestmark = pytest.mark.soak


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return whole.pictures(tmp_path_factory.mktemp("pictures"), 6)


@pytest.mark.parametrize("seed", range(20))
def test_a_hundred_kills(seed: int, undisturbed: tuple[Path, Path, float], folder: Path, tmp_path: Path) -> None:
    disturbed(undisturbed, folder, tmp_path, kills=5, seed=1000 + seed)


@pytest.mark.parametrize("seed", range(20))
def test_a_thousand_kills_of_the_studio(seed: int, tmp_path: Path) -> None:
    server_killed_again_and_again(tmp_path, 50, seed)
