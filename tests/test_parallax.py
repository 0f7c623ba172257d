"""A photograph with depth: near moves more than far, nothing tears, no hole is seen, and the path tells the truth."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import accelerate
import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from pipelines import moves, path
from pipelines.cast import cast
from pipelines.clips.camera import Engine as Camera
from pipelines.clips.parallax import MOST, Engine
from pipelines.crew import Crew
from pipelines.darkroom import Darkroom, Negative, negative
from pipelines.gear import pipes, snapshot
from pipelines.gear.depth import Depth
from pipelines.plan import Frame, Shot
from pipelines.presets import Model, Presets
from pipelines.stage import Studio
from pipelines.story import read
from pipelines.vault import Vault
from pipelines.work import FilmError

from . import tiny_depth, tiny_films, whole

Array = NDArray[Any]
FRAME = Frame(320, 180, Fraction(12))
SIZE = (480, 270)
BOX = (190, 290, 90, 180)  # left, right, top, bottom of what stands in front
STONE = (110, 60)  # a blue dot on the ground
MOVES = ("pan right", "zoom in", "zoom out", "tilt up", "orbit", "roll left", "handheld", "pan left then zoom in")


def scene() -> Array:
    """A pale green ground with a blue dot, and a red block before it with a white dot in its middle. Nothing in it is dark."""
    made = np.full((SIZE[1], SIZE[0], 3), (150, 190, 150), np.uint8)
    y, x = np.mgrid[: SIZE[1], : SIZE[0]]
    made[((x // 12) + (y // 12)) % 2 == 0] = (165, 205, 165)
    left, right, top, bottom = BOX
    made[top:bottom, left:right] = (220, 60, 60)
    cv2.circle(made, STONE, 7, (110, 110, 250), -1, cv2.LINE_AA)
    return np.asarray(cv2.circle(made, ((left + right) // 2, (top + bottom) // 2), 5, (255, 255, 255), -1, cv2.LINE_AA), np.uint8)


def depth(rgb: Array) -> Array:
    """The block is near, the ground far."""
    red = (rgb[..., 0].astype(int) - rgb[..., 2] > 60).astype(np.float32)
    return np.asarray(cv2.morphologyEx(red, cv2.MORPH_CLOSE, np.ones((17, 17), np.uint8)), np.float32)


@pytest.fixture
def photo3d(tmp_path: Path, vault: Vault, room: Darkroom) -> Negative:
    cv2.imwrite(str(tmp_path / "deep.png"), scene()[..., ::-1])
    return negative(room.develop(tmp_path / "deep.png", SIZE, vault))


def shot(words: str, presets: Presets, frames: int = 24, **said: Any) -> Shot:
    return Shot("", None, moves.read(words, 4, presets.moves, 3).camera, frames, FRAME, **({"fit": "cover", "seed": 3} | said))


def planes(frame: Array) -> tuple[Array, Array]:
    """Luma, and V at full size."""
    width, height = FRAME.width, FRAME.height
    v = frame[height * 5 // 4 :].reshape(height // 2, width // 2)
    return frame[:height].astype(float), cv2.resize(v, (width, height), interpolation=cv2.INTER_LINEAR).astype(float)


def red(frame: Array) -> Array:
    return planes(frame)[1] > 160


@pytest.mark.parametrize("words", MOVES)
def test_no_hole_no_torn_edge(words: str, presets: Presets, photo3d: Negative) -> None:
    made = shot(words, presets)
    engine = Engine(depth)
    path_ = engine.path(made, photo3d)
    left, right, top, bottom = BOX
    ys, xs = np.mgrid[: FRAME.height, : FRAME.width] + 0.5
    pixels = np.stack([xs, ys, np.ones_like(xs)])
    for frame, matrix in zip(engine.footage(made, photo3d).frames(0, made.frames), path_, strict=True):
        luma, _ = planes(frame)
        assert luma.min() > 75, "nothing dark was in the picture: a hole would be"
        x, y = np.tensordot(cv2.invertAffineTransform(matrix), pixels, 1)
        want = (x > left) & (x < right) & (y > top) & (y < bottom)
        got = cv2.morphologyEx(red(frame).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((15, 15), np.uint8)) > 0  # with its dot
        assert (want & got).sum() / (want | got).sum() > 0.93, "the block is whole where its plane is"
        count, _, stats, _ = cv2.connectedComponentsWithStats(got.astype(np.uint8))
        assert all(stats[k][cv2.CC_STAT_AREA] < 12 or k == stats[1:, cv2.CC_STAT_AREA].argmax() + 1 for k in range(1, count)), "and in one piece"


def test_the_path_of_what_is_nearest_is_exact(presets: Presets, photo3d: Negative) -> None:
    left, right, top, bottom = BOX
    for words in MOVES:
        made = shot(words, presets)
        engine = Engine(depth)
        footage = engine.footage(made, photo3d)
        for k in (0, 11, 23):
            luma, _ = planes(next(footage.frames(k, 1)))
            x, y = engine.path(made, photo3d)[k] @ ((left + right) / 2 + 0.5, (top + bottom) / 2 + 0.5, 1)
            near = luma[round(y) - 9 : round(y) + 9, round(x) - 9 : round(x) + 9]
            bright = np.clip(near - 140, 0, None)
            ys, xs = np.mgrid[round(y) - 9 : round(y) + 9, round(x) - 9 : round(x) + 9] + 0.5
            found = (bright * xs).sum() / bright.sum(), (bright * ys).sum() / bright.sum()
            assert found == pytest.approx((x, y), abs=0.15), (words, k)


def test_what_is_near_moves_more_than_what_is_far(presets: Presets, photo3d: Negative) -> None:
    made = shot("pan right", presets)
    frames = [one.copy() for one in Engine(depth).footage(made, photo3d).frames(0, 24)]
    block = [float(np.nonzero(red(one))[1].mean()) for one in (frames[0], frames[-1])]
    stone = [float(np.nonzero(one[180:225].reshape(90, 160) > 150)[1].mean()) * 2 for one in (frames[0], frames[-1])]
    near, far = block[0] - block[1], stone[0] - stone[1]
    assert near > far + 4 > 14
    assert near - far < MOST * FRAME.width * 2.1, "and not so much that much must be made up"


def test_what_lies_behind_is_filled_in_from_behind(presets: Presets, photo3d: Negative) -> None:
    made = shot("pan right", presets)
    footage = Engine(depth).footage(made, photo3d)
    assert not (footage.back.planes[2][20:-20, 20:-20] > 165).all()
    rim = cv2.dilate((footage.cover > 128).astype(np.uint8), np.ones((3, 3), np.uint8))[::2, ::2] > 0
    deep = cv2.erode(rim.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    edge = rim & ~deep
    assert footage.back.planes[2][edge].mean() < 150, "along the edge the block is not on the back sheet"


@pytest.mark.parametrize("flat", [0.0, 1.0])
def test_without_depth_it_is_the_plain_camera(flat: float, presets: Presets, photo3d: Negative) -> None:
    made = shot("zoom in", presets)
    engine = Engine(lambda rgb: np.full(rgb.shape[:2], flat, np.float32))
    if flat == 1.0:
        plain = Camera()
        assert np.allclose(engine.path(made, photo3d), plain.path(made, photo3d), atol=1e-6)
        for one, other in zip(engine.footage(made, photo3d).frames(0, 24), plain.footage(made, photo3d).frames(0, 24), strict=True):
            assert np.abs(one.astype(int) - other).mean() < 3
    assert not engine.footage(made, photo3d).cover.any()


def test_a_frame_is_the_same_whoever_asks(presets: Presets, photo3d: Negative) -> None:
    made = shot("orbit", presets)
    whole_film = [one.copy() for one in Engine(depth).footage(made, photo3d).frames(0, 24)]
    part = [one.copy() for one in Engine(depth).footage(made, photo3d).frames(9, 4)]
    assert all(np.array_equal(a, b) for a, b in zip(part, whole_film[9:13], strict=True))


@pytest.mark.parametrize("fit", ["cover", "contain", "contain-blur", "stretch"])
@pytest.mark.parametrize("size", [(100, 178), (200, 200), (16, 16)])
def test_any_frame_and_fit_can_be_drawn(fit: str, size: tuple[int, int], presets: Presets, photo3d: Negative) -> None:
    for words in ("pan left", "zoom in"):
        made = Shot("", None, moves.read(words, 4, presets.moves, 1).camera, 3, Frame(*size, Fraction(12)), fit, 1)
        frames = [one.copy() for one in Engine(depth).footage(made, photo3d).frames(0, 3)]
        assert len(frames) == 3 and all(one.shape == (size[1] * 3 // 2, size[0]) for one in frames)


@pytest.mark.parametrize("words", ["zoom in", "pan right", "roll left", "orbit", "zoom out, pan left, roll"])
def test_both_planes_cover_the_frame(words: str, presets: Presets) -> None:
    for picture in ((1600.0, 900.0), (900.0, 1600.0), (1000.0, 1000.0)):
        for seed in range(3):
            camera = moves.read(words, 8, presets.moves, seed).camera
            for one in path.planes(camera, 40, FRAME, picture, seed, (0.2, 0.8), 0.35):
                corners = np.array([[0.5, 0.5, 1], [FRAME.width - 0.5, 0.5, 1], [FRAME.width - 0.5, FRAME.height - 0.5, 1], [0.5, FRAME.height - 0.5, 1]]).T
                seen = np.array([cv2.invertAffineTransform(matrix) @ corners for matrix in one])
                assert seen.min() > -0.01 and (seen.max((0, 2)) < np.array(picture) + 0.01).all()


# The model


def small(folder: Path) -> Model:
    return Model(label="Tiny", what="x", engine="parallax", repo=str(folder), options={"size": 56, "longest": 112})


def test_a_model_tells_depth(tmp_path: Path) -> None:
    model = small(tiny_depth.depth_anything(tmp_path / "tiny"))
    deep = Depth()
    first, again = (deep.of(scene(), model) for _ in range(2))
    assert first.shape == (56, 98) and first.dtype == np.float32 and np.array_equal(first, again)
    assert first.min() == 0 and first.max() == 1 and first.std() > 0.05
    turned = deep.of(scene(), Model(label="Tiny", what="x", engine="parallax", repo=model.repo, options=dict(model.options) | {"inverse": False}))
    assert np.allclose(turned, 1 - first, atol=1e-4)


def test_it_is_whole_though_another_model_is_loaded_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Libraries that load one have torch's modules keep no weights meanwhile, whoever makes them."""
    model, folder = small(tiny_depth.depth_anything(tmp_path / "tiny")), tiny_films.saved("sd-x2", tmp_path / "other")
    alone = Depth().of(scene(), model)
    begun, over, real = threading.Event(), threading.Event(), accelerate.init_empty_weights

    @contextmanager
    def slow(*given: Any, **more: Any) -> Iterator[Any]:
        with real(*given, **more) as kept:
            if not begun.is_set():
                begun.set()
                over.wait(0.5)
            yield kept

    monkeypatch.setattr(accelerate, "init_empty_weights", slow)
    kind = str(json.loads((folder / "model_index.json").read_text("utf-8"))["_class_name"])
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(pipes.load, pipes.named(kind), snapshot.source(str(folder), ""), "", torch.float32, (), {})
        assert begun.wait(20)
        beside = Depth().of(scene(), model)
        over.set()
        whole_too = pipes._modules(other.result(20))
    assert np.array_equal(alone, beside)
    assert whole_too and not any(tensor.is_meta for one in whole_too.values() for tensor in one.parameters())


def test_what_is_lacking_or_damaged_is_said_with_the_remedy(tmp_path: Path, presets: Presets, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    shipped = presets.models["depth-anything-v2-small"]
    lack = Engine().lacks(shipped)
    assert lack and "reelwright fetch depth-anything-v2-small" in lack and "Apache-2.0" in lack
    model = small(tiny_depth.depth_anything(tmp_path / "tiny"))
    assert Engine().missing() is None and Engine().lacks(model) is None
    weights = tmp_path / "tiny" / "model.safetensors"
    whole_file = weights.read_bytes()
    weights.write_bytes(whole_file[:-100])
    with pytest.raises(FilmError, match="cut short"):
        Depth().of(scene(), model)
    weights.write_bytes(b"PK\x03\x04" + whole_file)
    with pytest.raises(FilmError, match="pickle"):
        Depth().of(scene(), model)
    weights.unlink()
    assert "model.safetensors" in str(Engine().lacks(model))
    with pytest.raises(FilmError, match="option"):
        Depth().of(scene(), Model(label="Tiny", what="x", engine="parallax", repo=model.repo, options={"sizes": 5}))


def test_auto_takes_it_where_its_weights_are_and_the_camera_where_not(presets: Presets, vault: Vault, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    model = small(tiny_depth.depth_anything(tmp_path / "tiny"))
    scenes = [{"image": str(photo), "duration": 1, "clip_action": "pan right"}]
    said = {"size": "192x108", "fps": 6, "music": "none", "captions": "none", "voice": "none", "scenes": scenes}
    for there, chosen in ((True, "parallax"), (False, "camera")):
        known = replace(presets, models={"tiny": model} if there else dict(presets.models))
        crew = Crew({"edge": {"online": False}})
        try:
            story = read(said, known, Path("/"))
            roles = cast(story, crew, known, lambda _event: None)
            assert roles.roles[0].engine == chosen
            if there:
                studio = Studio(crew, known, vault, Path(__file__).parents[1] / "assets" / "fonts", 2)
                film = whole.make(story, studio, tmp_path / "film.mp4")
                assert whole.count(film.path) == 6
        finally:
            crew.close()
