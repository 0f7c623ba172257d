"""The camera over a still picture, seen through the film: where things are, how they look, and that nothing flickers."""

from __future__ import annotations

import subprocess
import tracemalloc
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from pipelines import ffmpeg, film, moves
from pipelines import presets as kinds
from pipelines.clips._canvas import Footage
from pipelines.clips.camera import Engine
from pipelines.darkroom import Darkroom, negative
from pipelines.plan import Frame, Shot
from pipelines.presets import Presets
from pipelines.vault import Vault
from pipelines.work import idle

from . import measure

MOVES = kinds.read(Path(__file__).parents[1] / "presets").moves
FRAME = Frame(320, 180, Fraction(24))
Array = NDArray[Any]
Shoot = Callable[..., Footage]


@pytest.fixture
def shoot(room: Darkroom, vault: Vault, tmp_path: Path) -> Shoot:
    """A picture (an array) and words -> footage."""

    def take(picture: Array, action: str, frames: int = 48, frame: Frame = FRAME, fit: str = "cover", seed: int = 3) -> Footage:
        path = tmp_path / "given.png"
        Image.fromarray(picture.clip(0, 255).round().astype(np.uint8)).convert("RGB").save(path, compress_level=1)
        seen = negative(room.develop(path, (frame.width * 3, frame.height * 3), vault))
        camera = moves.read(action, 6.0, MOVES, seed).camera
        return Engine().footage(Shot("", seen.path, camera, frames, frame, fit, seed), seen)

    return take


def planes(footage: Footage, start: int, count: int, frame: Frame = FRAME) -> Iterator[tuple[Array, Array, Array]]:
    """Y, U and V of each frame, copied."""
    w, h = frame.width, frame.height
    for raw in footage.frames(start, count):
        flat = raw.reshape(-1).copy()
        edges = w * h, w * h * 5 // 4
        yield flat[: edges[0]].reshape(h, w), flat[edges[0] : edges[1]].reshape(h // 2, w // 2), flat[edges[1] :].reshape(h // 2, w // 2)


def lumas(footage: Footage, start: int, count: int, frame: Frame = FRAME) -> Array:
    return np.array([y for y, _, _ in planes(footage, start, count, frame)], np.float64)


def encoded(footage: Footage, frames: int, frame: Frame, quality: str, presets: Presets, folder: Path) -> Path:
    out = folder / "film.mp4"
    graph = film.picture_filter(frame, "", frames, presets.looks["none"], False)
    args = film.stretch_args(frame, presets.qualities[quality], graph, False, frames)
    film.encode([*args, str(out)], [(footage, 0)], frames, frame, "", folder, out, idle)
    return out


def back(matrix: Array, x: Array, y: Array) -> tuple[Array, Array]:
    """From points of the film to points of the picture."""
    a, b, c, d, e, f = matrix.ravel()
    share = a * e - b * d
    return (e * (x - c) - b * (y - f)) / share, (a * (y - f) - d * (x - c)) / share


# Where things are ------------------------------------------------------------------------------------------------------


DOTS = [(400.0, 300.0), (960.3, 400.6), (640.25, 520.5), (1000.0, 150.0)]


def dots() -> Array:
    down, across = np.mgrid[0:720, 0:1280] + 0.5
    return 40 + sum(180 * np.exp(-((across - x) ** 2 + (down - y) ** 2) / (2 * 9.0**2)) for x, y in DOTS)


def found(picture: Array, x: float, y: float) -> tuple[float, float]:
    """The centre of the dot near a point: its centroid under a window that follows it."""
    reach = 15
    left, top = int(x) - reach, int(y) - reach
    cut = picture[top : top + 2 * reach + 1, left : left + 2 * reach + 1]
    light = np.clip(cut - 51.0, 0, None)  # 40 is 50 in limited range
    down, across = np.mgrid[top : top + 2 * reach + 1, left : left + 2 * reach + 1] + 0.5
    at = x, y
    for _ in range(20):
        window = light * np.exp(-((across - at[0]) ** 2 + (down - at[1]) ** 2) / (2 * 4.0**2))
        seen = (window * across).sum() / window.sum(), (window * down).sum() / window.sum()
        at = at[0] + 2 * (seen[0] - at[0]), at[1] + 2 * (seen[1] - at[1])
    return at


@pytest.mark.parametrize("action", ["zoom in", "fast pan right", "roll", "orbit", "handheld", "zoom out then tilt up and roll left"])
def test_a_dot_follows_the_path(action: str, shoot: Shoot, presets: Presets, tmp_path: Path) -> None:
    frame = Frame(640, 360, Fraction(24))
    footage = shoot(dots(), action, 40, frame)
    misses = []
    for matrix, picture in zip(footage.path, measure.frames(encoded(footage, 40, frame, "master", presets, tmp_path), (640, 360), "gray"), strict=True):
        for dot in DOTS:
            x, y = matrix @ np.array([*dot, 1.0])
            if 18 < x < 622 and 18 < y < 342:
                seen = found(picture, x, y)
                misses.append((seen[0] - x, seen[1] - y))
    assert len(misses) > 100
    assert np.sqrt((np.array(misses) ** 2).sum(1).mean()) < 0.05
    assert np.abs(np.array(misses).mean(0)).max() < 0.03  # nor is all of it shifted


def tone(x: Array, y: Array, width: int, height: int) -> Array:
    """Waves that are steepest at the picture's edges, so that an edge shown twice is seen."""
    return 128 + 60 * np.sin(16 * np.pi * x / width) + 50 * np.sin(8 * np.pi * y / height)


def waves(width: int, height: int) -> Array:
    down, across = np.mgrid[0:height, 0:width] + 0.5
    return tone(across, down, width, height)


def limited(picture: Array) -> Array:
    return 16 + 219 / 255 * picture


@pytest.mark.parametrize("action", [*(name.replace("_", " ") for name in MOVES), "very fast zoom in, pan left, roll"])
def test_every_pixel_shows_its_place_up_to_the_edges(action: str, shoot: Shoot) -> None:
    """Black, or an edge shown twice, would differ from the picture at that place."""
    for width, height in ((800, 450), (300, 500)):
        footage = shoot(waves(width, height), action, 25)
        down, across = np.mgrid[0:180, 0:320] + 0.5
        for i in (0, 6, 12, 18, 24):
            wanted = limited(tone(*back(footage.path[i], across, down), width, height))
            (got,) = lumas(footage, i, 1)
            miss = np.abs(got - wanted)
            assert miss[1:-1, 1:-1].max() < 4 and miss.mean() < 0.7
            assert miss.max() < 9  # from one pixel to the next the tone changes by as much


@pytest.mark.parametrize("size", [(16, 16), (2, 2), (8000, 300), (300, 2000), (17, 5), (9000, 90)])
@pytest.mark.parametrize("fit", ["cover", "contain", "contain-blur", "stretch"])
def test_any_picture_in_any_fit(size: tuple[int, int], fit: str, shoot: Shoot) -> None:
    for action in ("pan right", "zoom in and roll"):
        footage = shoot(np.full(size[::-1], 120.0), action, 13, fit=fit)
        seen = list(planes(footage, 0, 13))
        assert len(seen) == 13
        assert np.isfinite(footage.path).all()
        for luma, blue, red in seen:
            if fit in ("cover", "stretch"):
                assert np.abs(luma - limited(np.array(120.0))).max() < 2
            assert np.abs(blue - 128.0).max() <= 1 and np.abs(red - 128.0).max() <= 1


@pytest.mark.parametrize("size", [(450, 800), (900, 300), (333, 333)])
@pytest.mark.parametrize("action", ["static", "zoom in", "slow pan left"])
@pytest.mark.parametrize("fit", ["contain", "contain-blur"])
def test_a_contained_picture_lies_where_the_path_says(size: tuple[int, int], action: str, fit: str, shoot: Shoot) -> None:
    width, height = size
    footage = shoot(waves(width, height), action, 13, fit=fit)
    down, across = np.mgrid[0:180, 0:320] + 0.5
    for i in (0, 6, 12):
        x, y = back(footage.path[i], across, down)
        reach = 7 / footage.path[i][0, 0]  # so many pixels of the film
        inner = (x > reach) & (x < width - reach) & (y > reach) & (y < height - reach)
        outer = (x < -reach) | (x > width + reach) | (y < -reach) | (y > height + reach)
        luma, blue, red = next(planes(footage, i, 1))
        assert inner.sum() > 1000 and outer.sum() > 1000
        assert np.abs(luma - limited(tone(x, y, width, height)))[inner].max() < 5
        if fit == "contain":
            assert set(luma[outer]) == {16}
            assert set(blue[outer[::2, ::2]]) == set(red[outer[::2, ::2]]) == {128}
        else:
            assert luma[outer].min() > 30
            assert np.abs(np.diff(luma.astype(float), axis=1))[outer[:, 1:] & outer[:, :-1]].max() < 12  # soft


def test_a_long_picture_needs_no_high_canvas(shoot: Shoot) -> None:
    tracemalloc.start()
    footage = shoot(np.full((160, 15_900), 120.0), "static", 1, fit="contain")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 120e6  # as high as it is wide by the frame's shape, the canvas alone has more than 200 MB
    (luma,) = lumas(footage, 0, 1)
    assert luma[90, 160] == pytest.approx(limited(np.array(120.0)), abs=3) and luma[10, 160] == 16


def test_contained_and_still_the_whole_picture_is_there(shoot: Shoot) -> None:
    footage = shoot(np.full((300, 300), 200.0), "static", 1, fit="contain")
    (luma,) = lumas(footage, 0, 1)
    lit = np.flatnonzero(luma[90] > 30)
    assert lit[-1] - lit[0] == pytest.approx(180, abs=3)
    assert lit[0] == pytest.approx(70, abs=2)


def test_stretched_it_fills_the_frame(shoot: Shoot) -> None:
    footage = shoot(waves(200, 400), "static", 1, fit="stretch")
    (luma,) = lumas(footage, 0, 1)
    down, across = np.mgrid[0:180, 0:320] + 0.5
    assert np.abs(luma - limited(tone(*back(footage.path[0], across, down), 200, 400))).max() < 4
    left, right = (back(footage.path[0], np.array(x), np.array(90.0))[0] for x in (0.0, 320.0))
    assert (left, right) == (pytest.approx(0, abs=2), pytest.approx(200, abs=2))


# How things look -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("quality", ["standard", "master"])
def test_colours_arrive_as_they_are(quality: str, shoot: Shoot, presets: Presets, tmp_path: Path) -> None:
    colours = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0), (20, 90, 160), (250, 128, 5), (128, 128, 128)]
    picture = np.zeros((360, 640, 3))
    for i, colour in enumerate(colours):
        picture[i // 4 * 180 : i // 4 * 180 + 180, i % 4 * 160 : i % 4 * 160 + 160] = colour
    path = encoded(shoot(picture, "static", 3), 3, FRAME, quality, presets, tmp_path)
    for seen in measure.frames(path, (320, 180)):
        for i, colour in enumerate(colours):
            spot = seen[i // 4 * 90 + 30 : i // 4 * 90 + 60, i % 4 * 80 + 25 : i % 4 * 80 + 55].reshape(-1, 3).astype(float)
            assert np.abs(spot.mean(0) - colour).max() < 3
    told = [part if part != "error" else "info" for part in ffmpeg.command(["-f", "mov", "-i", path])]
    said = subprocess.run(told, capture_output=True, text=True, check=False).stderr
    assert "yuv420p(tv, bt709" in said


def letters(width: int = 960, height: int = 540) -> Array:
    """Something like small print."""
    drawn = np.random.default_rng(5)
    page = np.full((height, width), 235.0)
    for top in range(4, height - 12, 13):
        left = 4
        while left < width - 10:
            page[top : top + 9, left : left + 6][drawn.random((9, 6)) < 0.45] = 20
            left += 8 if drawn.random() < 0.85 else 14
    return page


def zone_plate(width: int = 960, height: int = 540) -> Array:
    """Rings, finer and finer to the edges: where something aliases, other rings appear."""
    down, across = np.mgrid[0:height, 0:width] + 0.5
    return 127 + 100 * np.cos(0.9 * np.pi / width * ((across - width / 2) ** 2 + (down - height / 2) ** 2))


def reference(picture: Array, path: Array, times: int = 8) -> Array:
    """The same frames with 8 x 8 looks a pixel, averaged."""
    luma = (16 + 219 / 255 * picture).astype(np.float32)
    out = []
    for matrix in path:
        inverse = cv2.invertAffineTransform(matrix * times)
        inverse[:, 2] = inverse @ np.array([0.5, 0.5, 1.0]) - 0.5
        large = cv2.warpAffine(luma, inverse, (320 * times, 180 * times), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE)
        out.append(cv2.resize(large, (320, 180), interpolation=cv2.INTER_AREA))
    return np.array(out, np.float64)


def flicker(frames: Array) -> float:
    """How much pixels change against the change before."""
    return float(np.abs(frames[2:] - 2 * frames[1:-1] + frames[:-2]).mean())


def sharpness(frames: Array) -> Array:
    """Of each frame, as a logarithm."""
    return np.log([cv2.Laplacian(one, cv2.CV_64F).var() for one in frames])


@pytest.mark.parametrize("action", ["slow zoom in", "slow zoom out", "slow pan left", "slow roll"])
@pytest.mark.parametrize("pattern", [letters, zone_plate])
def test_fine_detail_does_not_shimmer(pattern: Callable[[], Array], action: str, shoot: Shoot) -> None:
    footage = shoot(pattern(), action, 96)
    start, count = 40, 16
    got, wanted = lumas(footage, start, count), reference(pattern(), footage.path[start : start + count])
    assert flicker(got) < 1.1 * flicker(wanted) + 0.3
    assert np.sqrt(((got - wanted) ** 2).mean()) < 25  # nor is it a blur, or something else
    assert sharpness(got).mean() > sharpness(wanted).mean() - 1.0


@pytest.fixture(scope="module")
def heron() -> Array:
    """A photograph, 960 x 540, grey."""
    with Image.open(Path(__file__).parents[1] / "assets/stills/green-heron.jpg") as still:
        return np.asarray(still.convert("L").resize((960, 540), Image.Resampling.LANCZOS), float)


def test_a_slow_zoom_has_no_pop(shoot: Shoot, heron: Array) -> None:
    footage = shoot(heron, "zoom in", 72)
    sizes = np.hypot(footage.path[:, 0, 0], footage.path[:, 1, 0])
    assert sizes.max() / sizes.min() > 1.15
    assert np.abs(np.diff(sharpness(lumas(footage, 0, 72)))).max() < 0.08


@pytest.mark.parametrize("action", ["slow pan left", "handheld", "slow zoom in, slow pan left"])
def test_a_photograph_keeps_its_sharpness(action: str, shoot: Shoot, heron: Array) -> None:
    footage = shoot(heron, action, 72)
    got, wanted = lumas(footage, 20, 24), reference(heron, footage.path[20:44])
    assert np.ptp(sharpness(got) - sharpness(wanted)) < 0.6
    assert abs((sharpness(got) - sharpness(wanted)).mean()) < 0.4
    assert flicker(got) < 1.3 * flicker(wanted) + 0.3


def test_it_is_as_sharp_as_the_picture_allows(shoot: Shoot, photo: Path) -> None:
    picture = np.asarray(Image.open(photo).convert("L"), float)
    for action in ("static", "zoom in", "pan right"):
        footage = shoot(picture, action, 25)
        got, wanted = lumas(footage, 10, 4), reference(picture, footage.path[10:14])
        assert sharpness(got).mean() > sharpness(wanted).mean() - 0.6
        assert 20 * np.log10(255 / np.sqrt(((got - wanted) ** 2).mean())) > 30


# The same every time ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", ["zoom in", "pan left", "handheld", "drift then roll", "static"])
def test_the_same_bytes_again_and_in_any_slice(action: str, shoot: Shoot, photo: Path) -> None:
    picture = np.asarray(Image.open(photo))
    first, again = shoot(picture, action, 30), shoot(picture, action, 30)
    whole = [raw.copy() for raw in first.frames(0, 30)]
    assert len(whole) == 30
    assert all((a == b).all() for a, b in zip(whole, again.frames(0, 30), strict=True))
    assert all((a == b).all() for a, b in zip(whole[10:15], again.frames(10, 5), strict=True))
    assert all((a == b).all() for a, b in zip(whole[29:], again.frames(29, 1), strict=True))


def test_frames_of_one_engine_can_be_drawn_side_by_side(shoot: Shoot, photo: Path) -> None:
    footage = shoot(np.asarray(Image.open(photo)), "zoom in", 20)
    alone = [raw.copy() for raw in footage.frames(0, 20)]
    pairs = zip(footage.frames(0, 10), footage.frames(10, 10), strict=True)
    for i, (early, late) in enumerate(pairs):
        assert (early == alone[i]).all() and (late == alone[10 + i]).all()


def test_only_what_is_seen_is_in_the_recipe() -> None:
    engine = Engine()

    def recipe(action: str, seed: int, prompt: str = "") -> object:
        return engine.recipe(Shot(prompt, None, moves.read(action, 6.0, MOVES, 1).camera, 24, FRAME, "cover", seed))

    assert recipe("zoom in", 1) == recipe("zoom in", 2, "other words")
    assert recipe("handheld", 1) != recipe("handheld", 2)
    assert recipe("zoom in", 1) != recipe("zoom out", 1)
