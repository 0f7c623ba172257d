"""GPUs that are lent by the call: the same films, one call a work, asked for as long as it takes, and nothing compiled."""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from contextvars import ContextVar, copy_context
from dataclasses import replace
from fractions import Fraction
from importlib import import_module
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any
from weakref import ref

import pytest
import torch

from pipelines.clips import _open_sora_plan, _svd_loop, svd
from pipelines.gear import gpu, zero
from pipelines.gear.enlarger import Enlarger
from pipelines.moves import Camera
from pipelines.music import ace_step, musicgen
from pipelines.pictures import diffusers as painters
from pipelines.plan import Brief, Cue, Frame, Section, Slate
from pipelines.presets import Model, Presets
from pipelines.work import Cancelled, FilmError, Tick, idle
from studio.jobs import Jobs

from . import lent, tiny, tiny_films
from .served import ROOT, settings
from .test_videos import CLIENTS

SPACES = "spaces-0.51.3"


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lent.weights(tmp_path_factory.mktemp("weights"))


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(_open_sora_plan.PIXELS, "256px", lent.SMALL)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Here GPUs are lent: what is asked for and what is given are copied on their way; -> seconds that were asked for."""
    seconds = list[int]()

    def lend(task: Any, duration: Any) -> Any:
        tasks.append(task)

        def steps(*given: Any) -> Any:
            seconds.append(duration(*given))
            for told in task(*pickle.loads(pickle.dumps(given))):
                yield pickle.loads(pickle.dumps(told))

        return steps

    tasks = list[Any]()
    spaces: Any = ModuleType("spaces")
    spaces.tasks, spaces.GPU, spaces.__spec__ = tasks, lend, ModuleSpec("spaces", None)
    spaces.utils = ModuleType("spaces.utils")
    request = ContextVar[Any]("request", default=None)
    spaces.utils.gradio_request_var = lambda: request
    monkeypatch.setitem(sys.modules, "spaces", spaces)
    monkeypatch.setitem(sys.modules, "spaces.utils", spaces.utils)
    monkeypatch.setenv("SPACES_ZERO_GPU", "1")
    monkeypatch.setattr(torch, "compile", lambda *_, **__: pytest.fail("there is no time to compile"))
    return seconds


def engine(name: str, **more: Any) -> Any:
    return import_module(f"pipelines.clips.{name}").Engine(device="cpu", **more)


def nothing(*_: object) -> tuple[list[Any], dict[str, Any]]:
    return [], {}


def plainly(name: str, shot: Any, out: Path) -> bytes:
    """The shot's file where nobody lends anything."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("SPACES_ZERO_GPU", raising=False)
        made = engine(name)
        made.shoot(shot, out, idle)
        made.close()
    return out.read_bytes()


@pytest.fixture(scope="module")
def spoken(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path, str]:
    """With the library itself, in a process of its own: what came of it, where, and all that was said."""
    if not (CLIENTS / SPACES / ".there").exists():
        pytest.skip(f"{SPACES} is not in {CLIENTS}: python tests/clients/get.py {CLIENTS}")
    out = tmp_path_factory.mktemp("spoken")
    env = settings(out / "none") | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(CLIENTS / SPACES)])}
    command = [sys.executable, "-W", "ignore", str(ROOT / "tests" / "clients" / "speak_zero.py"), str(weights), str(out)]
    with (out / "told").open("w") as told, (out / "said").open("w") as said:  # whoever it forks would hold a pipe open
        process = subprocess.Popen(command, stdout=told, stderr=said, env=env, start_new_session=True)
        try:
            status = process.wait(300)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    heard = (out / "said").read_text()
    assert status == 0, heard[-3000:]
    *lines, last = (out / "told").read_text().splitlines()
    return json.loads(last), out, "\n".join([*lines, heard])


def test_with_its_own_library_films_are_the_same(weights: Path, presets: Presets, tmp_path: Path, spoken: tuple[dict[str, Any], Path, str]) -> None:
    """A process forked by the library computes; this one's server is who lends."""
    told, out, _ = spoken
    for name in lent.ENGINES:
        ours = plainly(name, lent.shot(name, presets, weights), tmp_path / "a.mp4")
        made = told["engines"][name]
        assert made["durations"] == (["120", "20"] if name == "diffusers" else ["20"]), "once it was measured, it is known"
        assert all((out / f"{name}{i}.mp4").read_bytes() == ours for i in range(len(made["durations"]))), made
        assert made["shown"] and made["ticks"] > 4
    assert "neither a prompt nor a picture" in told["nothing"] and not told["asked for nothing"], "nobody's time is spent on it"
    assert "seconds of a GPU" in told["slow"] and not told["asked for too much"]
    assert told["stopped"] and not told["after"], "the next one is made"
    assert "ZeroGPU says" in told["spent"] and "limit" in told["spent"]
    assert told["calls"].count("/release") == told["calls"].count("/schedule") - 1, "all but what was refused are given back"


def test_whoever_asked_for_a_film_pays_for_it(spoken: tuple[dict[str, Any], Path, str]) -> None:
    """Picture, clips and music; a page that is open says anew who waits; what says so is written nowhere."""
    told, out, said = spoken
    house = told["house"]
    assert house["states"] == ["done"] * 4, house["said"]
    page, still_there, agent, late = (f"e30.e30.{name}-secret" for name in ("page", "still-there", "agent", "late"))
    program = ""
    assert house["tokens"] == [page, still_there, still_there, agent, program, late, program], "one that is too old is left out"
    assert house["known"] == 3 and not house["left"] and not house["waiting"], "until the films are done"
    written = [path for path in (out / "data").rglob("*") if path.is_file()]
    assert any(path.name == "jobs.sqlite" for path in written) and any(path.suffix == ".mp4" for path in written)
    assert "-secret" not in said and "/v1/videos" in said, "requests are told"
    assert not [path for path in written if b"-secret" in path.read_bytes()]


def test_a_job_that_is_stopped_forgets_who_would_have_paid(asked: list[int], tmp_path: Path) -> None:
    begun, go = threading.Event(), threading.Event()
    jobs = Jobs(tmp_path / "jobs", lambda *_: (begun.set(), go.wait(20))[0])
    try:
        jobs.submit({}, "me", within=zero.paid_by(zero.Visitor("a")))
        assert begun.wait(20)
        who = zero.Visitor("b")
        known, waits = ref(who), jobs.submit({}, "you", within=zero.paid_by(who))
        del who
        assert known() is not None
        jobs.cancel(waits)
        assert known() is None
    finally:
        go.set()
        jobs.close()


def test_nobody_pays_where_nothing_is_lent(asked: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    request = copy_context()
    assert request.run(zero.visitor) is None
    request.run(zero.came, {zero.HEADER: "a-secret"})
    known = request.run(zero.visitor)
    assert known and known.token == "a-secret" and "secret" not in f"{known!r} {known}"
    monkeypatch.delenv("SPACES_ZERO_GPU")
    assert request.run(zero.visitor) is None
    elsewhere = copy_context()
    elsewhere.run(zero.came, {zero.HEADER: "a"})
    assert len(elsewhere) == len(copy_context()) and not len(zero.paid_by(None))


# Long shots


def of_clips(made: Any, shot: Any, count: int) -> Any:
    """The same shot, as long as so many clips."""
    longer = (replace(shot, frames=frames) for frames in range(8, 400, 4))
    return next(one for one in longer if len(made._floor.job(Slate(one, Path(), idle, list)).pieces) == count)


def paced(made: Any, shot: Any, seconds: float) -> None:
    """As if it had been measured that the whole shot takes so long, beside what is loaded."""
    work = made._floor.work(shot)
    made._floor._lent._paces[work.name] = seconds / work.amount


@pytest.mark.parametrize(("name", "clips", "more"), [("svd", 3, {}), ("diffusers", 2, {}), ("open_sora", 2, {"ends": "tail"})])
def test_a_long_shot_is_made_in_several_calls(name: str, clips: int, more: dict[str, Any], asked: list[int], weights: Path, presets: Presets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each as many clips as go into it, the next begins with what the last ended with: the file is the same."""
    monkeypatch.setattr(_open_sora_plan, "LONGEST", 37)
    monkeypatch.setattr(_open_sora_plan, "GRAIN", 4)
    made = engine(name)
    shot = of_clips(made, lent.shot(name, presets, weights, **more), clips)
    paced(made, shot, 150)
    ticks, kept = list[float](), list[Any]()
    made.shoot_all([Slate(shot, tmp_path / "a.mp4", ticks.append, kept.append)])
    assert len(asked) == 2 and asked[0] > 100 and kept[0]["clips"] == clips
    assert ticks == sorted(ticks) and ticks[-1] > 0.99
    assert (tmp_path / "a.mp4").read_bytes() == plainly(name, shot, tmp_path / "b.mp4")


def test_a_clip_that_is_too_long_alone_is_refused(asked: list[int], weights: Path, presets: Presets, tmp_path: Path) -> None:
    made = engine("svd")
    shot = of_clips(made, lent.shot("svd", presets, weights), 2)
    paced(made, shot, 300)
    with pytest.raises(FilmError, match="about 155 seconds of a GPU"):
        made.shoot(shot, tmp_path / "a.mp4", idle)
    assert not asked, "and nobody's time was spent"


@pytest.mark.parametrize("name", lent.ENGINES)
def test_one_call_a_shot_and_files_are_written_here(name: str, asked: list[int], weights: Path, presets: Presets, tmp_path: Path) -> None:
    told, shown = dict[int, Any](), list[Any]()
    shot = lent.shot(name, presets, weights)
    wanted = [shot, replace(shot, seed=9), replace(shot, prompt=" ", picture=None)]
    slates = [Slate(one, tmp_path / f"{i}.mp4", idle, lambda said, i=i: told.update({i: said}), shown.append) for i, one in enumerate(wanted)]  # type: ignore[misc]
    engine(name).shoot_all(slates)
    assert len(asked) == 2 and isinstance(told[2], FilmError), "what cannot be is said before anybody's time runs"
    assert told[0]["frames"] == told[1]["frames"] > 1 and all(picture.ndim == 3 for picture in shown) and shown
    for i in (0, 1):
        assert plainly(name, wanted[i], tmp_path / "a.mp4") == slates[i].out.read_bytes()


def test_a_shot_that_fails_there_is_a_fault_of_its_scene(asked: list[int], weights: Path, presets: Presets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made, real, count = engine("svd"), _svd_loop.predict, list[int]()

    def broken(*given: Any) -> Any:
        count.append(1)
        if len(count) == 1:
            raise OSError("the driver went away")
        return real(*given) * (float("nan") if len(count) < 8 else 1)

    monkeypatch.setattr(_svd_loop, "predict", broken)
    monkeypatch.setattr("threading.excepthook", lambda _: None)
    told = list[Any]()
    shot = lent.shot("svd", presets, weights)
    made.shoot_all([Slate(replace(shot, seed=i), tmp_path / f"{i}.mp4", idle, told.append) for i in range(3)])
    assert "process failed: OSError" in told[0].message and len(asked) == 3
    assert "out of range, and again" in told[1].message and told[2]["frames"] > 1, "numbers are computed again there as here"


def test_it_stops_within_a_step(asked: list[int], weights: Path, presets: Presets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps, real = list[int](), _svd_loop.predict
    monkeypatch.setattr(_svd_loop, "predict", lambda *given: steps.append(1) or real(*given))

    def stop(done: float) -> None:
        if done > 0:
            raise Cancelled

    with pytest.raises(Cancelled):
        engine("svd").shoot(lent.shot("svd", presets, weights, steps=99), tmp_path / "a.mp4", stop)
    assert len(steps) < 60 and asked == [20]


def test_calls_are_asked_for_as_long_as_they_take(asked: list[int], weights: Path, presets: Presets) -> None:
    """By what was published, or else the longest there is, until it was measured; of a call that was cut off, too."""
    shot = lent.shot("svd", presets, weights)
    large = replace(shot, camera=Camera(()), model=replace(presets.models["svd-xt"], vram={}), frames=24 * 3)
    assert svd.seconds(large) == pytest.approx(22.5)
    assert svd.seconds(replace(large, frames=24 * 12)) == pytest.approx(3 * 22.5), "three clips"
    steps = {"steps": 4, "guidance": [1.0, 1.0]}
    assert svd.seconds(replace(large, model=replace(large.model or Model("", "", "", ""), options=steps))) < 6

    def seconds(amount: float, pace: float | None, *files: Path) -> int:
        return zero.Lent(nothing, lambda _: zero.Work("a model", amount, pace, files)).duration(1)

    assert [seconds(16, pace) for pace in (None, 0.5, 1.0, 2.5, 5.0)] == [zero.MOST, zero.LEAST, 28, 59, 111]
    assert seconds(16, 1.0, weights / "diffusers" / "transformer" / "diffusion_pytorch_model.safetensors") >= 28
    with pytest.raises(FilmError, match="about 205 seconds of a GPU"):
        zero.Lent(nothing, lambda _: zero.Work("a model", 200, 1.0))(1, idle)
    assert not asked, "and nobody's time was spent"


def test_a_call_that_was_cut_off_is_learnt_from(asked: list[int]) -> None:
    def compute(rounds: int, tick: Tick, _show: Any) -> tuple[list[Any], dict[str, Any]]:
        for i in range(rounds):
            tick(i / rounds)
            if i == rounds // 2:
                raise FilmError("GPU task aborted")
        return [], {}

    one = zero.Lent(compute, lambda rounds: zero.Work("a model", 1e-9 * rounds))
    with pytest.raises(FilmError, match="aborted"):
        one(1000, idle)
    assert asked == [120] and 0 < one._paces["a model"] < 1e9
    with pytest.raises(FilmError, match="aborted"):
        one(1000, idle)
    assert asked[1] < 120


def test_who_lends_nothing_says_why(monkeypatch: pytest.MonkeyPatch, asked: list[int]) -> None:
    class Refused(Exception):
        message = "You have exceeded your quota."

    Refused.__module__ = "gradio.exceptions"

    def refused() -> Iterator[Any]:
        raise Refused
        yield

    one = zero.Lent(nothing, lambda _: zero.Work("a model", 1.0))
    for steps, said in ((refused, "exceeded your quota"), (lambda: iter(()), "no answer")):
        monkeypatch.setattr(one, "_lent", lambda *_, steps=steps: steps())
        with pytest.raises(FilmError, match=said):
            one(1, idle)


# Painters and composers


def test_a_painter_and_composers_use_it_too(asked: list[int], presets: Presets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own, step = presets.painters["sdxl"], presets.composers["ace-step"]
    paints = {"x": replace(own, repo=str(tiny_films.saved("sdxl", tmp_path / "sdxl")), revision="", options=dict(own.options) | {"size": [64, 64], "steps": 2})}
    plays = {"x": Model("Tiny", "", "musicgen", str(tiny.musicgen(tmp_path / "musicgen")), options={"window": 2.0, "kept": 0.5})}
    steps = {"x": replace(step, repo=str(tiny_films.saved("ace-step", tmp_path / "ace")), options=dict(step.options) | {"steps": 2})}
    brief, cue = Brief("a red house", Frame(96, 54, Fraction(24)), 3), Cue((Section(presets.moods["calm"], 0.0),), 0.5, 5)
    makers: dict[str, Callable[[Path], Any]] = {
        "a.png": lambda out: painters.Engine(models=paints, device="cpu").paint(brief, out, idle),
        "m.wav": lambda out: musicgen.Engine(models=plays, device="cpu").compose(cue, out, idle),
        "s.wav": lambda out: ace_step.Engine(models=steps, device="cpu").compose(cue, out, idle),
    }
    there = {name: (make(tmp_path / name), (tmp_path / name).read_bytes()) for name, make in makers.items()}
    assert len(asked) == 3
    monkeypatch.delenv("SPACES_ZERO_GPU")
    assert {name: (make(tmp_path / name), (tmp_path / name).read_bytes()) for name, make in makers.items()} == there and len(asked) == 3


def test_what_cannot_use_one_says_so(asked: list[int], presets: Presets, monkeypatch: pytest.MonkeyPatch) -> None:
    assert gpu.lack("auto", 8.0) is None and not asked
    upscaler = Enlarger(next(iter(presets.upscalers.values())))
    assert "lent by the call" in str(upscaler.missing())
    monkeypatch.delenv("SPACES_ZERO_GPU")
    assert "lent" not in str(upscaler.missing())


@pytest.mark.usefixtures("asked")
def test_everything_that_runs_there_is_known_from_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who lends asks at the start what there is to lend for."""
    from studio.settings import Settings, studio

    studio(Settings(data=tmp_path)).crew.close()
    assert len(sys.modules["spaces"].tasks) == 6  # three engines of clips, the painter, two composers
