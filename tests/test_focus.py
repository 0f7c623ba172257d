"""What matters in a picture stays in a frame of another shape; a frame of the same shape does not move."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from pipelines import moves, preview
from pipelines.clips.camera import Engine
from pipelines.darkroom import Darkroom, Negative, negative
from pipelines.focus import focus
from pipelines.path import matrices
from pipelines.plan import Frame, Shot
from pipelines.presets import Presets
from pipelines.stage import Studio
from pipelines.story import read
from pipelines.story_cells import point
from pipelines.vault import Vault
from pipelines.work import FilmError

from . import whole

TALL = Frame(90, 160, Fraction(24))
WIDE = Frame(160, 90, Fraction(24))
PORTRAIT = Path(__file__).parent / "data" / "astronaut.jpg"
STILLS = Path(__file__).parents[1] / "assets" / "stills"
Array = NDArray[Any]


def spot(x: float, y: float, size: tuple[int, int] = (480, 270)) -> Array:
    """A green field with a red disc on it."""
    made = np.full((size[1], size[0], 3), (60, 120, 60), np.uint8)
    made = np.asarray(made + np.random.default_rng(1).integers(0, 6, made.shape), np.uint8)
    return np.asarray(cv2.circle(made, (round(x * size[0]), round(y * size[1])), 26, (220, 40, 30), -1), np.uint8)


def camera(words: str, presets: Presets, seed: int = 1) -> moves.Camera:
    return moves.read(words, 4, presets.moves, seed).camera


def middles(path: Array, frame: Frame) -> Array:
    """What of the picture is in the middle of each frame, in its pixels."""
    return np.array([cv2.invertAffineTransform(one) @ (frame.width / 2, frame.height / 2, 1) for one in path])


@pytest.mark.parametrize("x", [0.12, 0.3, 0.5, 0.75, 0.9])
@pytest.mark.parametrize("y", [0.25, 0.5, 0.7])
def test_what_stands_out_is_found(x: float, y: float) -> None:
    found = focus(spot(x, y))
    assert np.hypot(found[0] - x, (found[1] - y) * 9 / 16) < 0.03


@pytest.mark.parametrize(
    ("name", "left", "right"), [("green-heron", 0.45, 0.72), ("dandelion-meadow", 0.2, 0.45), ("snow-lake", 0.2, 0.6)]
)
def test_photographs_are_looked_at_as_people_do(name: str, left: float, right: float) -> None:
    picture = cv2.cvtColor(cv2.imread(str(STILLS / f"{name}.jpg")), cv2.COLOR_BGR2RGB)
    assert left < focus(np.asarray(picture, np.uint8))[0] < right


def test_nothing_to_see_is_the_middle() -> None:
    for value in (0, 128, 255):
        assert focus(np.full((40, 70, 3), value, np.uint8)) == (0.5, 0.5)
    assert focus(np.zeros((1, 1, 3), np.uint8)) == (0.5, 0.5)


def test_the_same_shape_never_moves(presets: Presets) -> None:
    for words in ("static", "auto", "zoom in", "pan left", "orbit"):
        for size in ((160.0, 90.0), (3200.0, 1800.0), (1921.0, 1080.0)):
            plain = matrices(camera(words, presets), 24, WIDE, size, 1)
            assert np.array_equal(plain, matrices(camera(words, presets), 24, WIDE, size, 1, (0.9, 0.1)))


@pytest.mark.parametrize("words", ["static", "zoom in", "zoom out", "auto", "orbit", "handheld", "roll"])
@pytest.mark.parametrize("where", [0.0, 0.3, 0.5, 0.97])
def test_the_frame_goes_to_what_matters_and_stays_in_the_picture(words: str, where: float, presets: Presets) -> None:
    picture = (1600.0, 900.0)
    for seed in range(4):
        path = matrices(camera(words, presets, seed), 48, TALL, picture, seed, (where, 0.5))
        corners = np.array([[0.5, 0.5, 1], [TALL.width - 0.5, 0.5, 1], [TALL.width - 0.5, TALL.height - 0.5, 1], [0.5, TALL.height - 0.5, 1]])
        seen = np.array([cv2.invertAffineTransform(one) @ corners.T for one in path])
        assert seen[:, 0].min() > -0.01 and seen[:, 0].max() < picture[0] + 0.01 and seen[:, 1].min() > -0.01 and seen[:, 1].max() < picture[1] + 0.01
        if 0 < where < 0.9:
            inside = (seen[:, 0].min(1) < where * 1600) & (where * 1600 < seen[:, 0].max(1))
            assert inside.all(), "it is seen in every frame"
        if words == "static":
            half = TALL.width / TALL.height * 450
            assert middles(path, TALL)[:, 0] == pytest.approx(np.clip(where * 1600, half, 1600 - half), abs=6)


def test_words_that_say_where_are_followed(presets: Presets) -> None:
    size = (1600.0, 900.0)
    plain = matrices(camera("pan left", presets), 48, TALL, size, 1)
    assert np.array_equal(plain, matrices(camera("pan left", presets), 48, TALL, size, 1, (0.9, 0.5)))
    tilted = matrices(camera("tilt up", presets), 48, TALL, size, 1, (0.9, 0.5))
    assert middles(tilted, TALL)[:, 0].min() > 1000, "no word says anything of left and right"


def test_a_negative_knows_and_the_path_tells(presets: Presets, vault: Vault, room: Darkroom, tmp_path: Path) -> None:
    picture = tmp_path / "spot.png"
    cv2.imwrite(str(picture), spot(0.82, 0.5)[..., ::-1])
    seen = negative(room.develop(picture, (270, 480), vault))
    assert seen.focus[0] == pytest.approx(0.82, abs=0.05)
    shot = Shot("", None, camera("static", presets), 4, TALL, "cover", 0)
    engine = Engine()
    frame = next(engine.footage(shot, seen).frames(0, 1)).copy()
    red = frame[160 + 40 :, :45] > 150  # V
    assert red.any(), "the disc is in the picture"
    assert engine.path(shot, seen)[0] == pytest.approx(engine.footage(shot, seen).path[0])
    by_hand = Shot("", None, shot.camera, 4, TALL, "cover", 0, focus=(0.1, 0.5))
    assert engine.recipe(by_hand) != engine.recipe(shot)
    assert not (next(engine.footage(by_hand, seen).frames(0, 1))[200:, :45] > 150).any()
    for fit in ("contain", "contain-blur", "stretch"):
        both = [Engine().path(Shot("", None, shot.camera, 4, TALL, fit, 0, focus=at), seen) for at in ((0.1, 0.5), (0.9, 0.5))]
        assert np.array_equal(*both), fit


FACE = (0.277, 0.166, 0.55, 0.438)  # left, top, right, bottom of the face in the portrait


def peopled(*heads: tuple[int, int, int], size: tuple[int, int] = (1280, 720)) -> Array:
    """A heron on the water, and beside it the portrait of an astronaut: (x, y, side) for each."""
    made = cv2.resize(cv2.imread(str(STILLS / "green-heron.jpg")), size, interpolation=cv2.INTER_AREA)
    for x, y, side in heads:
        portrait = cv2.resize(cv2.imread(str(PORTRAIT)), (side, side), interpolation=cv2.INTER_AREA)
        seen = portrait[max(0, -y) : size[1] - y, max(0, -x) : size[0] - x]
        made[max(0, y) : max(0, y) + seen.shape[0], max(0, x) : max(0, x) + seen.shape[1]] = seen
    return np.asarray(made, np.uint8)


def heads(picture: Array, room: Darkroom, vault: Vault, frame: Frame, presets: Presets, tmp_path: Path, *given: tuple[int, int, int]) -> list[bool]:
    """Whether the whole head of each is in a film's frame that does not move."""
    path = tmp_path / "people.png"
    cv2.imwrite(str(path), picture)
    seen = negative(room.develop(path, (2 * frame.width, 2 * frame.height), vault))
    onto = Engine().path(Shot("", None, camera("static", presets), 1, frame, "cover", 0), seen)[0]
    out = []
    for x, y, side in given:
        corners = np.array([[x + FACE[0] * side, y + 0.04 * side, 1], [x + FACE[2] * side, y + FACE[3] * side, 1]])
        (left, top), (right, bottom) = corners @ onto.T
        out.append(bool(left >= -1 and top >= -1 and right <= frame.width + 1 and bottom <= frame.height + 1))
    return out


@pytest.mark.parametrize("frame", [WIDE, TALL, Frame(240, 100, Fraction(24))])
def test_a_portrait_keeps_its_head(frame: Frame, presets: Presets, vault: Vault, room: Darkroom, tmp_path: Path) -> None:
    """With the saliency alone it was cut off at the chin."""
    assert heads(cv2.imread(str(PORTRAIT)), room, vault, frame, presets, tmp_path, (0, 0, 320)) == [frame.width < 240]
    on_a_wall = cv2.copyMakeBorder(cv2.imread(str(PORTRAIT)), 60, 300, 0, 0, cv2.BORDER_REPLICATE)
    assert heads(on_a_wall, room, vault, frame, presets, tmp_path, (0, 60, 320)) == [frame.width < 240]


def test_a_face_at_the_rim_and_several_stay_in_the_frame(presets: Presets, vault: Vault, room: Darkroom, tmp_path: Path) -> None:
    rim = (-90, 240, 480)
    assert heads(peopled(rim), room, vault, TALL, presets, tmp_path, rim) == [True]
    near = (500, 260, 360), (640, 280, 360)
    assert heads(peopled(*near), room, vault, TALL, presets, tmp_path, *near) == [True, True], "both fit"
    apart = (40, 200, 400), (800, 120, 480)
    assert heads(peopled(*apart), room, vault, TALL, presets, tmp_path, *apart) == [False, True], "the larger one, not the middle between them"


def test_the_page_plays_what_the_film_shows(presets: Presets, vault: Vault, room: Darkroom, tmp_path: Path) -> None:
    path = tmp_path / "rim.png"
    cv2.imwrite(str(path), peopled((-90, 240, 480)))
    shot = Shot("", None, camera("static", presets, 0), 48, TALL, "cover", 0)
    film = Engine().path(shot, negative(room.develop(path, (180, 320), vault)))
    at = preview.aim(preview.thumb(path, room, vault), TALL)
    played = preview.motion("static", 2, (1280, 720), TALL, "cover", 0, presets, focus=at)
    assert played.matrices[0][4] == pytest.approx(film[0, 0, 2] / TALL.width, abs=0.05) and at[0] < 0.2


def test_without_a_face_what_stands_out_is_kept_and_the_same_shape_is_not_looked_at(vault: Vault, room: Darkroom, tmp_path: Path) -> None:
    path = tmp_path / "heron.png"
    cv2.imwrite(str(path), peopled())
    seen = negative(room.develop(path, (270, 480), vault))
    assert seen.focus == pytest.approx(focus(seen.rgb(512)))
    assert negative(room.develop(path, (480, 270), vault)).focus == (0.5, 0.5)


def test_a_film_keeps_it_and_its_timeline_tells_the_truth(presets: Presets, studio: Studio, tmp_path: Path) -> None:
    picture = tmp_path / "spot.png"
    cv2.imwrite(str(picture), spot(0.82, 0.5)[..., ::-1])
    rows = [{"image": str(picture), "duration": 1, "clip_action": "static"}, {"image": str(picture), "duration": 1, "clip_action": "static", "focus": "left"}]
    story = read({"size": "90x160", "fps": 6, "transition": "none", "music": "none", "captions": "none", "scenes": rows}, presets, Path("/"))
    made = whole.make(story, studio, tmp_path / "film.mp4")
    paths = [np.array(one["path"]).reshape(-1, 2, 3) for one in json.loads(made.path.with_suffix(".timeline.json").read_text("utf-8"))["scenes"]]
    frame = Frame(90, 160, Fraction(6))
    assert middles(paths[0], frame)[0, 0] == pytest.approx(0.82 * 480, abs=20)
    assert middles(paths[1], frame)[0, 0] < 90


@pytest.mark.parametrize(
    ("said", "meant"),
    [("", None), ("0.3 0.4", (0.3, 0.4)), ("0.3, 0.4", (0.3, 0.4)), ("1 0", (1, 0)), (".5 1.0", (0.5, 1)), ("left", (0, 0.5)), ("Top right", (1, 0)), ("oben links", (0, 0)), ("centre", (0.5, 0.5)), ("bottom-left", (0, 1))],
)
def test_a_place_is_read(said: str, meant: tuple[float, float] | None) -> None:
    assert point(said) == meant


@pytest.mark.parametrize("said", ["0.3", "2 0.1", "0.3 0.4 0.5", "there", "left left top", "nan 0.5"])
def test_what_is_no_place_is_said(said: str, presets: Presets) -> None:
    with pytest.raises(FilmError) as caught:
        read({"scenes": [{"prompt": "x", "focus": said}]}, presets)
    assert "scene 1, focus" in str(caught.value.faults[0]) and "0.3 0.4" in caught.value.faults[0].hint


def test_the_page_plays_the_same_move(presets: Presets) -> None:
    told = [preview.motion("static", 2, (1600, 900), TALL, "cover", 0, presets, focus=at) for at in ((0.5, 0.5), (0.9, 0.5))]
    assert told[1].matrices[0][4] < told[0].matrices[0][4] - 0.5
    same = Engine().path(Shot("", None, camera("static", presets, 0), 48, TALL, "cover", 0), Negative(Path(), (1600, 900), 480, 270, (0.9, 0.5)))
    assert told[1].matrices[0][4] == pytest.approx(same[0, 0, 2] / TALL.width, abs=0.01)
