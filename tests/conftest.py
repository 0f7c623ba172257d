"""What several tests share: the shipped presets, a studio that stays on this machine, and a picture to film."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipelines import presets as kinds
from pipelines.crew import Crew
from pipelines.darkroom import Darkroom
from pipelines.presets import Presets
from pipelines.render import Studio
from pipelines.vault import Vault

ROOT = Path(__file__).parents[1]
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # the many programs that tests start would each compile everything anew
os.environ.setdefault("OMP_NUM_THREADS", "1")  # tiny models: several threads only wait for each other, four times as long

HELD = set[str]()  # modules that are left out where garbage is looked for
# The files that take longest, longest first: what begins last would be waited for by itself. Those that wait for programs
# and those that compute take turns.
LONG = ("page", "diffusers", "workshop", "open_sora", "faults", "serve", "over", "zero", "schema", "sketch", "videos", "videos_http", "programs", "render", "footage", "bench_gpu")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """In that order."""
    places = {name: i for i, name in enumerate(LONG)}
    items.sort(key=lambda item: places.get(item.path.stem.removeprefix("test_"), len(LONG)))


@pytest.fixture(autouse=True)
def _kept() -> Iterator[None]:
    """What was imported stays: to look for garbage among all of it takes half a second, wherever a model is let go."""
    if len(sys.modules) > len(HELD) + 20:
        gc.collect()
        gc.freeze()
        HELD.update(sys.modules)
    yield


@pytest.fixture(scope="session")
def presets() -> Presets:
    """The shipped ones."""
    return kinds.read(ROOT / "presets")


@pytest.fixture(scope="module")
def room() -> Iterator[Darkroom]:
    """One child that opens a whole file's pictures."""
    darkroom = Darkroom()
    yield darkroom
    darkroom.close()


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    """An empty one."""
    return Vault(tmp_path / "vault")


@pytest.fixture
def studio(vault: Vault, presets: Presets) -> Iterator[Studio]:
    """Every engine, no online voice."""
    crew = Crew({"edge": {"online": False}})
    yield Studio(crew, presets, vault, ROOT / "assets" / "fonts", workers=2)
    crew.close()


@pytest.fixture(scope="session")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture with something to see everywhere: soft shapes, fine grain, edges, many colours. 960 x 600."""
    down, across = np.mgrid[0:600, 0:960] / 120.0
    waves = [np.sin(across * 3 + down), np.sin(down * 4 - across), np.sin(across * down)]
    grain = np.random.default_rng(1).normal(0, 12, (600, 960, 1))
    picture = np.stack(waves, -1) * 70 + 128 + grain
    picture[::75, :] = picture[:, ::96] = 235
    path = tmp_path_factory.mktemp("photo") / "photo.png"
    Image.fromarray(picture.clip(0, 255).astype(np.uint8)).save(path)
    return path
