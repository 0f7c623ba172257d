"""One clip by several devices: the same numbers, whoever stops or dies in the middle of it, and nobody left behind."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from pipelines import ffmpeg, plan, units
from pipelines.clips import _open_sora_machine as machines
from pipelines.clips._open_sora_net import Net, Share, predict, prepare, shapes
from pipelines.clips.open_sora import Engine
from pipelines.events import strained
from pipelines.moves import Camera
from pipelines.plan import Slate
from pipelines.presets import Model
from pipelines.units import Units, dealt
from pipelines.work import Cancelled, FilmError, Tick, idle

from . import whole
from .open_sora_weights import TINY, draw, folder

FRAME = plan.Frame(160, 90, Fraction(24))
LITTLE = """from pipelines.clips import _open_sora_plan as plan
from pipelines.clips.open_sora import Engine

plan.PIXELS["256px"] = 48 * 48
"""
# Together they wait for one another for ever, as those do who exchange something when one of them ends.
WAITING = """import threading, time


class Engine:
    rank = 0

    def __init__(self, device):
        pass

    def shoot_all(self, slates, meeting=None):
        while meeting:
            slates[0].tick(0.5)
            time.sleep(0.02)
        slates[0].kept({"frames": 1})

    def join(self, meeting):
        meeting.come()
        threading.Event().wait()
"""
PARENT = """import importlib, sys
from fractions import Fraction
from pathlib import Path
from pipelines.moves import Camera
from pipelines.plan import Frame, Shot, Slate
from pipelines.units import Units

importlib.import_module("pipelines.clips").__path__.append(sys.argv[1])
shot = Shot("", None, Camera(()), 24, Frame(160, 90, Fraction(24)), "cover", 3)
Units(("one", "two")).shoot_all("waiting", {}, [Slate(shot, Path(), lambda done: print(done, flush=True), print)], joins=lambda shot: 2)
"""
processes = pytest.mark.skipif(not units.possible(), reason="processes cannot be talked to here")


# The network


class Table:
    """Ranks that are threads."""

    def __init__(self, size: int) -> None:
        self.meet = threading.Barrier(size)
        self.laid: list[torch.Tensor] = [torch.empty(0)] * size
        self.rows = set[int]()

    def gathered(self, rank: int) -> Callable[[torch.Tensor], torch.Tensor]:
        def gather(mine: torch.Tensor) -> torch.Tensor:
            assert not getattr(SHAPED, "inside", False), "what is compiled exchanges nothing"
            self.laid[rank] = mine
            self.rows.add(mine.shape[0])
            self.meet.wait(20)
            made = torch.cat(self.laid)
            self.meet.wait(20)
            return made

        return gather


SHAPED = threading.local()


def shaped(function: Callable[..., Any]) -> Callable[..., Any]:
    def called(*args: Any) -> Any:
        SHAPED.inside = True
        try:
            return function(*args)
        finally:
            SHAPED.inside = False

    return called


@pytest.mark.parametrize(("grid", "size"), [((3, 4, 6), 2), ((3, 3, 5), 2), ((3, 4, 6), 3), ((2, 5, 5), 3), ((1, 2, 2), 3)])
def test_ranks_that_share_the_tokens_have_the_whole_networks_answer(grid: tuple[int, int, int], size: int) -> None:
    weights, tokens = draw(shapes(TINY)), grid[0] * grid[1] * grid[2]
    net = machines.build(lambda names: {name: weights[name] for name in names}, TINY, torch.device("cpu"), torch.float32, machines.Memory(1 << 40, False), False)
    random = torch.Generator().manual_seed(4)
    words, pooled = ((torch.randn(1, *shape, generator=random), torch.randn(1, *shape, generator=random)) for shape in ((7, TINY.text), (TINY.pooled,)))
    cond, noisy = torch.randn(1, tokens, TINY.channels + 4, generator=random), torch.randn(1, tokens, TINY.channels, generator=random)

    def answers(net: Net, share: Share | None) -> torch.Tensor:
        with torch.inference_mode():
            clip = prepare(net, [1.0, 0.4], grid, words, pooled, cond, share)
            return torch.cat([one for step, rows in enumerate([(0, 1), (0, 1, 2)]) for one in predict(net, clip, noisy, step, rows, idle)])

    alone, table = answers(net, None), Table(size)
    with ThreadPoolExecutor(size) as pool:
        for made in pool.map(lambda rank: answers(replace(net, shaped=shaped), Share(rank, size, tokens, table.gathered(rank))), range(size)):
            assert made.shape == alone.shape == (5, tokens, TINY.channels)
            assert (made - alone).abs().max() < 1e-5
    assert table.rows == {-(-tokens // size)}, "each has an even share"


# Whose cards help


def test_cards_that_would_idle_are_dealt_to_the_longest_shots_first() -> None:
    assert dealt(4, [64]) == [[0, 1, 2, 3]]
    assert dealt(5, [64, 64]) == [[0, 1, 2], [3, 4]]
    assert dealt(4, [1, 64]) == [[0], [1, 2, 3]], "one that has no use for them gets none"
    assert dealt(4, [2, 1]) == [[0, 1], [2], [3]], "the others are there for who fails"
    assert dealt(2, [8, 8]) == [[0], [1]]


def test_clips_that_are_long_in_the_making_are_made_together() -> None:
    def most(**told: Any) -> int:
        return Engine(device="cpu").joins(wish(Path("nowhere"), **told))

    assert most(resolution="768px") >= 8
    assert most(resolution="256px") == 1
    assert most(resolution="256px", cards=3) == 3
    assert most(resolution="none") == 1, "what is wrong is said when it is made"


def test_a_shot_that_lost_its_helpers_says_so() -> None:
    (said,) = strained({"frames": 33, "alone": True}, "scene 2", "the clip", "scenes[1].engine")
    assert "scene 2" in said.message and "alone" in said.message


# Processes


def wish(home: Path, picture: Path | None = None, **told: Any) -> plan.Shot:
    model = Model("Tiny", "", "open_sora", str(home), licence="made up", options={"steps": 2} | told)
    return plan.Shot("a calm sea", picture, Camera(()), 24, FRAME, "cover", 3, model)


def slate(shot: plan.Shot, out: Path, told: list[Any], tick: Tick = idle) -> Slate:
    return Slate(shot, out, tick, told.append, lambda _picture: None)


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with an engine like the house's, for clips of 64 x 32, and one that waits."""
    at, package = tmp_path_factory.mktemp("engines"), importlib.import_module("pipelines.clips")
    (at / "little.py").write_text(LITTLE, "utf-8")
    (at / "waiting.py").write_text(WAITING, "utf-8")
    before, package.__path__ = package.__path__, [*package.__path__, str(at)]
    yield at
    package.__path__ = before


@pytest.fixture(scope="module")
def home(engines: Path) -> Path:
    return folder(engines / "weights")


@pytest.fixture(scope="module")
def both() -> Iterator[Units]:
    made = Units(("cpu", "cpu"))
    yield made
    made.close()


def shot(both: Units, some: Sequence[plan.Shot], at: Path, tick: Tick = idle, together: bool = True) -> list[dict[str, Any]]:
    told: list[list[Any]] = [[] for _ in some]
    slates = [slate(one, at.with_name(f"{at.stem}-{i}.mp4"), told[i], tick) for i, one in enumerate(some)]
    both.shoot_all("little", {}, slates, joins=(lambda _shot: 2) if together else None)
    assert not [one for (one,) in told if isinstance(one, FilmError)]
    return [one for (one,) in told]


def seen(path: Path) -> np.ndarray[Any, Any]:
    return np.frombuffer(b"".join(ffmpeg.read(["-f", "mov", "-i", path, "-f", "rawvideo", "-pix_fmt", "yuv420p", "pipe:1"], 1 << 20)), np.uint8).astype(int)


def pids(both: Units) -> list[int]:
    return [unit._process.pid for unit in both._units.values()]


@processes
def test_two_make_what_one_makes_and_stay_warm_for_films_of_their_own(both: Units, home: Path, tmp_path: Path) -> None:
    Image.fromarray(np.broadcast_to(np.linspace(0, 255, 120)[None, :, None], (90, 120, 3)).astype(np.uint8)).save(tmp_path / "still.png")
    some = [wish(home, picture=tmp_path / "still.png"), wish(home)]
    one, other = shot(both, some, tmp_path / "alone.mp4")
    assert "cards" not in one | other, "there was a shot for each"
    before = pids(both)
    for i, asked in enumerate(some):
        (told,) = shot(both, [asked], tmp_path / f"both{i}.mp4")
        assert told["cards"] == 2 and told["rows"] == (one, other)[i]["rows"]
        made, alone = seen(tmp_path / f"both{i}-0.mp4"), seen(tmp_path / f"alone-{i}.mp4")
        assert made.shape == alone.shape and np.abs(made - alone).mean() < 0.1
    assert pids(both) == before, "the models stay where they are"


@processes
def test_stopped_in_the_middle_of_it_both_are_ready_again(both: Units, home: Path, tmp_path: Path) -> None:
    def tick(done: float) -> None:
        if done > 0.02:
            raise Cancelled

    with pytest.raises(Cancelled):
        shot(both, [wish(home, steps=200)], tmp_path / "never.mp4", tick)
    assert not list(tmp_path.glob("never*"))
    before = pids(both)
    (told,) = shot(both, [wish(home)], tmp_path / "again.mp4")
    assert told["cards"] == 2 and pids(both) == before


@processes
def test_when_one_is_killed_the_clip_is_made_by_one_alone(both: Units, home: Path, tmp_path: Path) -> None:
    asked, killed = wish(home, steps=10), list[int]()

    def tick(done: float) -> None:
        if done > 0.05 and not killed:
            killed.append(both._units[1]._process.pid)
            os.kill(killed[0], 9)

    (told,) = shot(both, [asked], tmp_path / "clip.mp4", tick)
    assert killed and told["alone"] and "cards" not in told
    alone = Units(("cpu",))
    alone._units[0] = both._units[0]  # it is warm
    (again,) = shot(alone, [asked], tmp_path / "same.mp4")
    assert "alone" not in again and (tmp_path / "clip-0.mp4").read_bytes() == (tmp_path / "same-0.mp4").read_bytes()


@processes
@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.usefixtures("engines")
def test_nobody_waits_for_one_that_is_killed(which: int) -> None:
    two, told, killed = Units(("one", "two")), list[Any](), list[int]()

    def tick(_done: float) -> None:
        if not killed:
            killed.append(two._units[which]._process.pid)
            os.kill(killed[0], 9)

    try:
        two.shoot_all("waiting", {}, [slate(wish(Path("nowhere")), Path("nowhere"), told, tick)], joins=lambda _shot: 2)
        assert killed and told == [{"frames": 1, "alone": True}]
        assert [i for i, unit in two._units.items() if unit.runs] == [1 - which], "the other one made it"
    finally:
        two.close()


@processes
def test_they_end_with_who_started_them(engines: Path, tmp_path: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(engines)], stdout=subprocess.PIPE, cwd=whole.ROOT, env=whole.environment(tmp_path))
    assert parent.stdout
    with parent.stdout:
        assert parent.stdout.readline(), "they are at work"
        assert len(whole.running(tmp_path)) == 3
        parent.kill()
        parent.wait()
    until = time.monotonic() + 20
    while whole.running(tmp_path) and time.monotonic() < until:
        time.sleep(0.05)
    assert not whole.running(tmp_path)
