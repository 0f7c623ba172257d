"""A film's shots in one go: stage by stage, each kept as soon as it is whole, one's failure its own, glimpses on the way."""

from __future__ import annotations

import base64
import io
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from pipelines import ffmpeg, moves, plan
from pipelines.clips import _glimpse as glimpse
from pipelines.clips import _stages as stages
from pipelines.clips import _svd_loop as loop
from pipelines.clips import _svd_machine as machine
from pipelines.clips import _svd_shot as shots
from pipelines.clips import svd
from pipelines.crew import Crew
from pipelines.events import Fault, Glimpse
from pipelines.plan import Slate
from pipelines.presets import Model, Presets
from pipelines.render import Studio, render
from pipelines.vault import Notes, Vault
from pipelines.work import Cancelled, FilmError, Tick, idle

from . import tiny, whole

FRAME = plan.Frame(96, 54, Fraction(24))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.svd(tmp_path_factory.mktemp("svd"))


def model(folder: Path, **options: Any) -> Model:
    return Model("Tiny", "", "svd", str(folder), licence="Yours", options={"frames": 3, "steps": 2, "size": [64, 64], "variant": ""} | options)


class Reel:
    """Slates of as many shots, and what is told of them."""

    def __init__(self, folder: Path, presets: Presets, own: Model, seconds: tuple[float, ...], tick: Tick = idle) -> None:
        folder.mkdir(exist_ok=True)
        self.told: dict[int, Notes | FilmError] = {}
        self.shown: dict[int, list[np.ndarray]] = {}
        self.slates = []
        for i, long in enumerate(seconds):
            camera = moves.read("static", long, presets.moves, i).camera
            shot = plan.Shot("", tiny.picture(folder / f"{i}.png", seed=i), camera, FRAME.at_least(long), FRAME, "cover", i, own)
            self.slates.append(Slate(shot, folder / f"{i}.mp4", tick, self.keep(i), self.shown.setdefault(i, []).append))

    def keep(self, i: int) -> Callable[[Notes | FilmError], None]:
        def kept(told: Notes | FilmError) -> None:
            assert i not in self.told, "once"
            self.told[i] = told

        return kept


@pytest.fixture
def engine() -> Iterator[svd.Engine]:
    made = svd.Engine(device="cpu")
    yield made
    made.close()


def test_together_is_as_one_after_the_other(engine: svd.Engine, presets: Presets, folder: Path, tmp_path: Path) -> None:
    reel = Reel(tmp_path / "all", presets, model(folder), (0.4, 0.7, 0.4))
    engine.shoot_all(reel.slates)
    for i, slate in enumerate(reel.slates):
        notes = engine.shoot(slate.shot, tmp_path / f"{i}.mp4", idle)
        assert notes == reel.told[i] and (tmp_path / f"{i}.mp4").read_bytes() == slate.out.read_bytes()
        assert reel.shown[i] and reel.shown[i][0].shape[2] == 3


def test_each_part_comes_to_the_device_once(engine: svd.Engine, presets: Presets, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All are seen, all encoded, all denoised, and, where not all stays on the device, all decoded then."""
    order = list[str]()
    for name in ("seen", "encoded", "denoise", "decoded"):
        real = getattr(shots, name)
        monkeypatch.setattr(shots, name, lambda *given, name=name, real=real: order.append(name) or real(*given))
    reel = Reel(tmp_path / "rich", presets, model(folder), (0.4, 0.4, 0.4))
    engine.shoot_all(reel.slates)
    assert order == ["seen"] * 3 + ["encoded"] * 3 + ["denoise", "decoded"] * 3
    order.clear()
    lean = model(folder)
    object.__setattr__(lean, "vram", {"resident": 1e20, "lean": 1.0})
    loaded = list[str]()
    load = machine.Machine._load
    monkeypatch.setattr(machine.Machine, "_load", lambda self, name: loaded.append(name) or load(self, name))
    engine.shoot_all(Reel(tmp_path / "lean", presets, lean, (0.4, 0.7, 0.4)).slates)
    assert order[:9] == ["seen"] * 3 + ["encoded"] * 3 + ["denoise"] * 3 and order[9:12] == ["decoded"] * 3
    assert order[12:] == ["seen", "encoded", "denoise", "decoded"], "the longer one goes on"
    assert loaded.count("unet") == 2, "it lets the others have its place, once a round"


def test_a_file_is_written_while_the_next_is_computed(engine: svd.Engine, presets: Presets, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, real_write, real_steps = threading.Event(), shots.write_planes, shots.denoise
    count = list[int]()

    def steps(*given: Any) -> Any:
        count.append(1)
        if len(count) == 2:
            begun.set()
        return real_steps(*given)

    def write(*given: Any) -> Any:
        assert begun.wait(20), "the second shot's steps did not wait for the first one's file"
        return real_write(*given)

    monkeypatch.setattr(shots, "denoise", steps)
    monkeypatch.setattr(shots, "write_planes", write)
    reel = Reel(tmp_path / "all", presets, model(folder), (0.4, 0.4))
    engine.shoot_all(reel.slates)
    assert not [one for one in reel.told.values() if isinstance(one, FilmError)]


def test_one_that_fails_stops_no_other(engine: svd.Engine, presets: Presets, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reel = Reel(tmp_path / "all", presets, model(folder), (0.4, 0.4, 0.4, 0.4))
    (tmp_path / "all" / "1.png").unlink()
    real, kinds = shots.denoise, list[torch.dtype]()

    def broken(net: Any, *given: Any) -> torch.Tensor:
        kinds.append(net.dtype)
        made = real(net, *given)
        return made * float("nan") if len(kinds) == 2 else made

    monkeypatch.setattr(shots, "denoise", broken)
    engine.shoot_all(reel.slates)
    assert isinstance(reel.told[1], FilmError) and "picture" in reel.told[1].message
    assert all(not isinstance(reel.told[i], FilmError) for i in (0, 2, 3))
    assert "retried" not in reel.told[0] and reel.told[2]["retried"] == "float64", "only the one without numbers is made again"  # type: ignore[operator, index]
    assert kinds == [torch.float32] * 3 + [torch.float64]


def test_memory_that_runs_out_loses_nothing_that_is_finished(engine: svd.Engine, presets: Presets, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reel, real, count = Reel(tmp_path / "all", presets, model(folder), (0.4, 0.7, 0.4)), shots.denoise, list[bool]()

    def full(*given: Any) -> torch.Tensor:
        count.append(given[7])
        if len(count) == 3:
            raise torch.OutOfMemoryError("as if")
        return real(*given)

    monkeypatch.setattr(shots, "denoise", full)
    engine.shoot_all(reel.slates)
    assert count == [False, False, False, True, True], "the finished one is not made again, the others go on where they were"
    assert "memory" not in reel.told[0] and all("ran out" in str(reel.told[i]["memory"]) for i in (1, 2))  # type: ignore[operator, index, call-overload]


def test_all_stop_within_a_step_and_what_is_whole_is_kept(engine: svd.Engine, presets: Presets, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps, kept = list[int](), threading.Event()
    real = loop.predict
    monkeypatch.setattr(loop, "predict", lambda *given: steps.append(1) or real(*given))

    def tick(_done: float) -> None:
        if len(steps) == 3 and kept.wait(20):
            raise Cancelled

    reel = Reel(tmp_path / "all", presets, model(folder), (0.4, 0.4))
    one = reel.slates[0]
    slates = [replace(one, kept=lambda told: (one.kept(told), kept.set())), replace(reel.slates[1], tick=tick)]  # type: ignore[arg-type, func-returns-value]
    with pytest.raises(Cancelled):
        engine.shoot_all(slates)
    assert len(steps) == 3 and list(reel.told) == [0] and reel.slates[0].out.stat().st_size


def test_what_had_its_steps_is_only_decoded_again(
    engine: svd.Engine, presets: Presets, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps, real, decode, full = list[int](), shots.denoise, shots.decoded, [True]

    def tight(*given: Any) -> Any:
        if full.pop() if full else False:
            raise torch.OutOfMemoryError("as if")
        return decode(*given)

    monkeypatch.setattr(shots, "denoise", lambda *given: steps.append(1) or real(*given))
    reel = Reel(tmp_path / "all", presets, model(folder), (0.4, 0.4))
    engine.shoot_all(reel.slates)
    whole = reel.slates[0].out.read_bytes()
    engine.close()
    steps.clear()
    monkeypatch.setattr(shots, "decoded", tight)
    again = Reel(tmp_path / "all", presets, model(folder), (0.4, 0.4))
    engine.shoot_all(again.slates)
    assert len(steps) == 2 and "ran out" in str(again.told[0]["memory"])  # type: ignore[index, call-overload]
    assert again.slates[0].out.read_bytes() == whole, "the other one was computed otherwise"
    engine.close()


def test_a_model_stays_as_it_was_put_into_memory(
    engine: svd.Engine, presets: Presets, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The room that its own weights take is no reason to load it anew."""
    monkeypatch.setattr(svd, "plan", lambda *_: ways.pop(0))
    ways, own = ["resident", "lean"], model(folder)
    for i in range(2):
        engine.shoot_all(Reel(tmp_path / f"{i}", presets, own, (0.4,)).slates)
    assert ways == ["lean"] and engine._floor.loaded and not engine._floor.loaded[1].thrifty
    engine.close()


def test_shots_of_a_model_come_together_whatever_stands_between(
    engine: svd.Engine, presets: Presets, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded, load = list[int](), engine._floor.load
    monkeypatch.setattr(engine._floor, "load", lambda shot: loaded.append(1) or load(shot))
    one, two = model(folder), model(folder, steps=1)
    reel = Reel(tmp_path / "all", presets, one, (0.4, 0.4, 0.4))
    slates = [replace(slate, shot=replace(slate.shot, model=own)) for slate, own in zip(reel.slates, (one, two, one), strict=True)]
    engine.shoot_all(slates)
    assert len(loaded) == 2 and not [one for one in reel.told.values() if isinstance(one, FilmError)]
    engine.close()


# In a film


@pytest.fixture
def studio(presets: Presets, folder: Path, tmp_path: Path) -> Iterator[Studio]:
    own = replace(presets, models={"tiny": model(folder), "gone": model(tmp_path / "nowhere")})
    crew = Crew({"edge": {"online": False}, "svd": {"device": "cpu"}})
    yield Studio(crew, own, Vault(tmp_path / "vault"), whole.ROOT / "assets" / "fonts", workers=2)
    crew.close()


def test_a_film_is_shot_in_one_go_and_only_what_is_new(studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = whole.pictures(tmp_path / "pictures", 4)
    rows: list[dict[str, Any]] = [{"duration": 0.5, "engine": "tiny", "clip_action": "static"} for _ in range(4)]
    rows[3]["image"] = "p1.png"
    rows[0]["seed"] = rows[3]["seed"] = 5
    together = list[int]()
    engine = studio.crew.get("clips", "svd")
    real, whole_ = shots.denoise, engine.shoot_all
    monkeypatch.setattr(engine, "shoot_all", lambda slates: together.append(len(slates)) or whole_(slates))
    broken = list[int]()

    def some(*given: Any) -> Any:
        broken.append(1)
        return real(*given) * (float("nan") if len(broken) in (2, 4) else 1.0)

    monkeypatch.setattr(shots, "denoise", some)
    events = list[Any]()
    with pytest.raises(FilmError, match="out of range"):
        render(whole.story(studio.presets, pictures, rows), studio, events.append, tmp_path / "film.mp4")
    assert together == [3], "the fourth is the first once more"
    assert [one.scene for one in events if isinstance(one, Fault)] == [2]
    monkeypatch.setattr(shots, "denoise", real)
    shown = whole.make(whole.story(studio.presets, pictures, rows), studio, tmp_path / "film.mp4")
    assert together == [3, 1] and shown.made["clips"] == [2]
    seen = [one for one in shown.events if isinstance(one, Glimpse)]
    assert {one.scene for one in seen} == {2}
    with Image.open(io.BytesIO(base64.b64decode(seen[0].picture))) as image:
        assert image.format == "JPEG" and image.size == (seen[0].width, seen[0].height) == (16, 8)


def test_a_shot_that_goes_on_from_another_begins_with_its_last_picture(studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures, engine = whole.pictures(tmp_path / "pictures", 2), studio.crew.get("clips", "svd")
    real, goes = engine.shoot_all, list[list[str]]()

    def shoot_all(slates: Any) -> None:
        goes.append([slate.shot.picture.stem for slate in slates])
        real(slates)

    monkeypatch.setattr(engine, "shoot_all", shoot_all)
    row = {"duration": 1.2, "engine": "tiny", "clip_action": "static"}
    rows: list[dict[str, Any]] = [row | {"prompt": "[0s] a harbour [0.6s] a ship leaves"}, row]
    shown = whole.make(whole.story(studio.presets, pictures, rows), studio, tmp_path / "film.mp4")
    assert [len(go) for go in goes] == [2, 1] and len({name for go in goes for name in go}) == 3
    assert shown.made["clips"] == [1, 1, 2]


def test_a_film_tells_what_was_otherwise_than_asked(studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures, real, count = whole.pictures(tmp_path / "pictures", 2), shots.denoise, list[int]()

    def odd(*given: Any) -> Any:
        count.append(1)
        if len(count) == 1:
            raise torch.OutOfMemoryError("as if")
        return real(*given) * (float("nan") if len(count) == 2 else 1.0)

    monkeypatch.setattr(shots, "denoise", odd)
    rows = [{"duration": 0.5, "engine": "tiny", "clip_action": "static"}] * 2
    shown = whole.make(whole.story(studio.presets, pictures, rows), studio, tmp_path / "film.mp4")
    said = [one for one in shown.warned if "scene" in one]
    assert sum("memory ran out once" in one for one in said) == 2 and sum("in float64" in one for one in said) == 1
    again = whole.make(whole.story(studio.presets, pictures, rows), studio, tmp_path / "film.mp4")
    assert not [one for one in again.warned if "memory" in one], "it was told when it happened"


# Its parts


def test_pictures_become_planes_as_ffmpeg_makes_them(tmp_path: Path) -> None:
    photo = np.array(Image.open(tiny.picture(tmp_path / "a.png", (64, 48))))
    made = stages.planes(torch.from_numpy(photo).permute(2, 0, 1)[None].float() / 127.5 - 1)
    assert made.shape == (1, 72, 64)
    raw = tmp_path / "a.rgb"
    raw.write_bytes(photo.tobytes())
    graph = "scale=in_range=pc:out_color_matrix=bt709:out_range=tv:out_h_chr_pos=0:out_v_chr_pos=128:flags=bicubic+accurate_rnd+full_chroma_int"
    asked = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", "64x48", "-i", raw, "-vf", f"{graph},format=yuv420p", "-f", "rawvideo", "pipe:1"]
    theirs = np.frombuffer(b"".join(ffmpeg.read(asked, 1 << 20)), np.uint8).reshape(72, 64).copy()
    for ours, own in zip(stages.views(made[0].numpy(), (64, 48)), stages.views(theirs, (64, 48)), strict=True):
        assert np.abs(ours.astype(int) - own).mean() < 0.7
    grey = stages.planes(torch.zeros(1, 3, 4, 4))[0].numpy()
    assert set(grey[:4].ravel()) == {126} and set(grey[4:].ravel()) == {128}


def test_a_glimpse_has_the_colours_of_the_picture() -> None:
    random = torch.Generator().manual_seed(1)
    mixing, picture = torch.randn(4, 3, generator=random), torch.rand(3, 16, 24, generator=random) * 2 - 1
    latents = torch.einsum("cd,dhw->chw", mixing, torch.nn.functional.avg_pool2d(picture, 2))
    shown = list[np.ndarray]()
    one = glimpse.Glimpses(glimpse.colours(latents, picture), shown.append)
    for _ in range(3):
        one.offer(lambda: latents)
    expected = (torch.nn.functional.avg_pool2d(picture, 2) / 2 + 0.5).permute(1, 2, 0).numpy() * 255
    assert len(shown) == 1, "not one at every step"
    assert np.abs(shown[0] - expected).max() < 3
    assert torch.isfinite(glimpse.colours(torch.zeros(4, 3, 3), torch.zeros(3, 6, 6))).all()
