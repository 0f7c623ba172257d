"""Upscalers of diffusers': every preset's own arguments, on the same pipeline with a few random weights."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from pipelines.crew import Crew
from pipelines.gear.enlarger import Asked, Enlarger, options, ramps, starts
from pipelines.plan import Frame
from pipelines.presets import Model, Presets
from pipelines.reel import opened
from pipelines.render import Studio
from pipelines.verbs.enlarge import Enlarge, enlarge, rgb
from pipelines.work import Cancelled, FilmError, idle

from . import measure, tiny_films
from .test_verbs import X264, even, filmed, psnr, seen

SMALL: dict[str, dict[str, Any]] = {"sd-x4": {"tile": 32, "overlap": 8, "batch": 2}, "sd-x2": {"tile": 64, "overlap": 16}}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {name: tiny_films.saved(name, tmp_path_factory.mktemp("model")) for name in tiny_films.UPSCALERS}


def small(name: str, presets: Presets, at: Path, **more: Any) -> Model:
    own = presets.upscalers[name]
    return replace(own, repo=str(at), revision="", options=dict(own.options) | SMALL[name] | {"steps": 2} | more)


@pytest.fixture
def pictures(photo: Path) -> list[Any]:
    return filmed(photo, 2, (72, 44))


@pytest.mark.parametrize("name", tiny_films.UPSCALERS)
def test_every_upscaler_makes_pictures_larger(name: str, presets: Presets, folders: dict[str, Path], pictures: list[Any]) -> None:
    made, shares = Enlarger(small(name, presets, folders[name]), device="cpu"), list[float]()
    assert made.missing() is None
    first, second = made.larger(pictures, Asked("a hill", 3), shares.append)
    assert first.shape == (44 * made.times, 72 * made.times, 3) and first.dtype == np.uint8 and first.std() > 1
    assert shares == sorted(shares) and len([one for one in shares if 0 < one < 1]) > 4
    assert (made.larger(pictures[:1], Asked("a hill", 3), idle)[0] == first).all(), "the same picture, whatever comes after it"
    assert (made.larger(pictures[:1], Asked("a hill", 4), idle)[0] != first).any() and (second != first).any()
    with pytest.raises(FilmError, match="option"):
        options({"kind": "os.system"})
    with pytest.raises(FilmError, match="overlap"):
        options({"kind": "XPipeline", "tile": 32, "overlap": 20})


def test_every_preset_can_be_read_and_says_what_it_needs(presets: Presets, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    assert set(presets.upscalers) == set(tiny_films.UPSCALERS)
    for model in presets.upscalers.values():
        said = str(Enlarger(model, device="cpu").missing())
        assert f"reelwright fetch {model.name}" in said and model.licence in said
        needs = list(model.vram.values())
        assert needs == sorted(needs, reverse=True)


def test_squares_cover_everything_and_no_seam_is_seen(monkeypatch: pytest.MonkeyPatch, presets: Presets, folders: dict[str, Path], photo: Path) -> None:
    for whole, side, overlap in ((100, 32, 8), (33, 32, 8), (32, 32, 8), (1080, 192, 32), (10, 32, 8)):
        made = starts(whole, side, overlap)
        assert made[0] == 0 and made[-1] + side >= whole
        assert all(a + side - b >= overlap for a, b in pairwise(made))
    assert ramps(32, 32, 8).min() > 0 and ramps(32, 32, 8).max() == 1

    def plain(_self: Any, given: Any, asked: Any, tick: Any, long: bool) -> Any:
        return iter([cv2.resize(one, None, fx=4, fy=4, interpolation=cv2.INTER_NEAREST).astype(np.float32) / 255 for one in given])

    monkeypatch.setattr(Enlarger, "_squares", plain)
    picture = filmed(photo, 1, (150, 90))[0]
    made = Enlarger(small("sd-x4", presets, folders["sd-x4"]), device="cpu").larger([picture], Asked(), idle)[0]
    assert np.abs(made.astype(int) - np.repeat(np.repeat(picture, 4, 0), 4, 1)).max() <= 1


def test_what_goes_wrong_is_said(presets: Presets, folders: dict[str, Path], pictures: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(work: Callable[[], Any]) -> str:
        with pytest.raises(FilmError) as caught:
            work()
        return str(caught.value)

    own = Path(shutil.copytree(folders["sd-x4"], tmp_path / "copy"))
    file = next((own / "unet").glob("*.safetensors"))
    file.write_bytes(file.read_bytes()[:-9])
    made = Enlarger(small("sd-x4", presets, own), device="cpu")
    assert "cut short" in refused(lambda: made.larger(pictures, Asked(), idle))
    file.unlink()
    assert "not all on this machine" in refused(lambda: made.larger(pictures, Asked(), idle))
    loud = Enlarger(small("sd-x4", presets, folders["sd-x4"], more={"noise_level": 9000}), device="cpu")
    assert "cannot make this picture larger" in refused(lambda: loud.larger(pictures, Asked(), idle)), "what diffusers refuses is said"
    here = Enlarger(small("sd-x4", presets, folders["sd-x4"]), device="cpu")
    real, batches = Enlarger._squares, list[int]()

    def full(self: Any, given: Any, *rest: Any) -> Any:
        batches.append(len(given))
        if len(given) > 1:
            raise torch.OutOfMemoryError("as if")
        return real(self, given, *rest)

    monkeypatch.setattr(Enlarger, "_squares", full)
    here.larger(pictures[:1], Asked(), idle)
    assert batches[0] == 2 and set(batches[1:]) == {1}, "with less at once"
    monkeypatch.setattr(Enlarger, "_squares", lambda *_: (_ for _ in ()).throw(torch.OutOfMemoryError("as if")))
    assert "memory ran out" in refused(lambda: here.larger(pictures, Asked(), idle))
    monkeypatch.setattr(Enlarger, "_squares", lambda _self, given, *_: iter([np.full((128, 128, 3), np.nan, np.float32) for _ in given]))
    assert "out of range" in refused(lambda: here.larger(pictures, Asked(), idle))


def test_a_video_is_drawn_anew_and_says_so(studio: Studio, presets: Presets, folders: dict[str, Path], photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def plain(_self: Any, given: Any, asked: Any, tick: Any, long: bool) -> Any:
        drawn.append(len(given))
        tick(1.0)
        return iter([cv2.resize(one, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC).astype(np.float32) / 255 for one in given])

    drawn = list[int]()
    monkeypatch.setattr(Enlarger, "_squares", plain)
    crew = Crew({"upscalers": {"device": "cpu"}})
    own = replace(studio, crew=crew, presets=replace(presets, upscalers={"sd-x4": small("sd-x4", presets, folders["sd-x4"])}))
    path = measure.video(tmp_path / "small.mp4", filmed(photo, 20, (96, 64)), 12, *X264, "-c:a", "aac", tone=440)
    out = tmp_path / "made" / "out.mp4"

    def unwanted(done: float) -> None:
        if done > 0.6:
            raise Cancelled

    with pytest.raises(Cancelled):
        enlarge(path, Enlarge((320, 180)), own, out, unwanted)
    begun = len(drawn)
    cut = enlarge(path, Enlarge((320, 180)), own, out, idle)
    assert len(drawn) - begun < begun < len(drawn), "it went on where it was"
    assert cut.frames == even(out, 12) == 20 and "Stable Diffusion x4" in cut.how
    made, given = seen(out, (270, 180)), seen(path, (96, 64))
    assert min(psnr(cv2.resize(a, (96, 64), interpolation=cv2.INTER_AREA), b) for a, b in zip(made, given, strict=True)) > 27
    assert np.abs(measure.sound(out)).max() > 0.05
    told = out.read_bytes()
    assert b"compositeWithTrainedAlgorithmicMedia" in told and b"Stable Diffusion x4 upscaler" in told
    before = len(drawn)
    enlarge(path, Enlarge((320, 180)), own, out, idle)
    assert len(drawn) == before, "what was made is kept"
    for how, said in ((Enlarge((90, 60)), "not smaller"), (Enlarge((4, 4)), "cannot be made"), (Enlarge((320, 180), "nothing"), "no upscaler")):
        with pytest.raises(FilmError, match=said):
            enlarge(path, how, own, out, idle)
    with pytest.raises(FilmError, match="cannot be used here") as none:
        enlarge(path, Enlarge((320, 180), "sd-x4"), studio, out, idle)
    assert none.value.hint


def test_colours_are_those_that_players_show(photo: Path, tmp_path: Path) -> None:
    path = measure.video(tmp_path / "a.mp4", filmed(photo, 2, (96, 64)), 12, *X264)
    reel = opened(path, tmp_path, "given", Frame(96, 64, Fraction(12)))
    assert psnr(rgb(reel.at(1)), seen(path, (96, 64))[1]) > 38


def test_the_command_line_reaches_it(photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from studio import cli

    monkeypatch.setenv("REELWRIGHT_DATA", str(tmp_path / "data"))
    path = measure.video(tmp_path / "a.mp4", filmed(photo, 2, (96, 64)), 12, *X264)
    assert cli.main(["upscale", str(path), "--size", "320x180", "--model", "sd-x4", "-o", str(tmp_path / "b.mp4")]) == 1
    told = capsys.readouterr().err
    assert "Stable Diffusion x4" in told and ("GPU" in told or "reelwright fetch" in told) and not (tmp_path / "b.mp4").exists()
    assert cli.main(["presets", "upscalers"]) == 0 and "sd-x4" in capsys.readouterr().out
