"""Camera moves: what people write is understood or reported, never guessed, and goes where they said."""

from __future__ import annotations

import tomllib
from fractions import Fraction
from itertools import pairwise
from math import atan2, degrees
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from numpy.typing import NDArray

from pipelines import presets as kinds
from pipelines.moves import STRENGTHS, Reading, most_moves, read, validate_clip_action
from pipelines.path import matrices
from pipelines.plan import Frame

PRESETS = Path(__file__).parents[1] / "presets"
MOVES = kinds.read(PRESETS).moves
FRAME = Frame(320, 180, Fraction(24))
PICTURE = (1600.0, 900.0)


def camera(action: str, seconds: float = 6.0, seed: int = 7) -> Reading:
    return read(action, seconds, MOVES, seed)


def named(action: str, seconds: float = 6.0) -> list[list[str]]:
    """The moves' labels, a list for each step."""
    return [[aim.move.label for aim in step.aims] for step in camera(action, seconds).camera.steps]


def path(action: str, frames: int = 97, seed: int = 7, picture: tuple[float, float] = PICTURE) -> NDArray[Any]:
    return matrices(camera(action, frames / 24, seed).camera, frames, FRAME, picture, seed)


def lands(matrix: NDArray[Any], x: float, y: float) -> tuple[float, float]:
    """Where a point of the picture is in the film."""
    return tuple(matrix @ np.array([x, y, 1.0]))


def scale(matrix: NDArray[Any]) -> float:
    return float(np.hypot(matrix[0, 0], matrix[1, 0]))


MEANT = {
    "zoom in": ["Zoom in"],
    "zoom out": ["Zoom out"],
    "Zooming In.": ["Zoom in"],
    "push in": ["Push in"],
    "push": ["Push in"],
    "pull out": ["Pull out"],
    "pull back": ["Pull out"],
    "dolly in": ["Push in"],
    "dolly out": ["Pull out"],
    "dolly": ["Push in"],
    "pan left": ["Pan left"],
    "pan right": ["Pan right"],
    "pan": ["Pan right"],
    "tilt up": ["Tilt up"],
    "tilt down": ["Tilt down"],
    "crane up": ["Crane up"],
    "crane down": ["Crane down"],
    "roll": ["Roll clockwise"],
    "roll left": ["Roll counter-clockwise"],
    "orbit": ["Orbit"],
    "drift": ["Drift"],
    "handheld": ["Handheld"],
    "hand-held camera": ["Handheld"],
    "shake": ["Shake"],
    "camera shake": ["Shake"],
    "static": ["Static"],
    "static shot": ["Static"],
    "no movement": ["Static"],
    "ken burns": ["Ken Burns"],
    "Ken Burns effect": ["Ken Burns"],
    "the camera slowly pans to the left": ["Pan left"],
    "pan to the right": ["Pan right"],
    "pan from left to right": ["Pan right"],
    "a slow, gentle push in towards the subject": ["Push in"],
    "crane slowly up": ["Crane up"],
    "zoom slowly out": ["Zoom out"],
}


@pytest.mark.parametrize("action", MEANT)
def test_it_is_understood(action: str) -> None:
    assert [name for step in named(action) for name in step] == MEANT[action]
    assert camera(action).unknown == ()


@pytest.mark.parametrize("name", MOVES)
def test_every_word_of_a_move_means_it_alone(name: str) -> None:
    for words in (*MOVES[name].words, name.replace("_", " ")):
        reading = camera(words)
        moves = [aim.move for step in reading.camera.steps for aim in step.aims]
        assert [move.label for move in moves] == [MOVES[name].label], words
        assert not reading.unknown and not reading.dropped


def test_no_word_belongs_to_two_moves() -> None:
    tables = tomllib.loads((PRESETS / "moves.toml").read_text("utf-8"))
    owners: dict[str, str] = {}
    for name, move in tables.items():
        for words in dict.fromkeys((*move["words"], name.replace("_", " "))):
            assert owners.setdefault(words.lower(), name) == name, words


@pytest.mark.parametrize("action", ["auto", "", "  ", "Auto", ",", "the camera", "slow"])
def test_where_nothing_is_asked_a_move_is_drawn(action: str) -> None:
    drawn = {aim.move.label for seed in range(40) for step in camera(action, seed=seed).camera.steps for aim in step.aims}
    assert len(drawn) >= 5
    assert drawn <= {move.label for move in MOVES.values() if move.auto}
    assert camera(action).unknown == ()


def test_neighbours_get_different_moves() -> None:
    for first in range(200):
        moves = [camera("auto", seed=first + k).camera.steps[0].aims[0].move.label for k in range(2)]
        assert moves[0] != moves[1]


def test_the_same_seed_gives_the_same_camera() -> None:
    assert camera("auto, drift then handheld", seed=5) == camera("auto, drift then handheld", seed=5)
    assert len({camera("drift", seed=seed).camera for seed in range(12)}) >= 4


@pytest.mark.parametrize(
    ("action", "unknown"),
    [
        ("warp left", ("warp",)),
        ("zoom in on the cathedral", ("cathedral",)),
        ("frobnicate", ("frobnicate",)),
        ("zom in", ("zom",)),
        ("推近", ("推近",)),
        ("zoom in, teleport, pan left", ("teleport",)),
    ],
)
def test_what_is_not_known_is_reported(action: str, unknown: tuple[str, ...]) -> None:
    assert camera(action).unknown == unknown


def test_an_unknown_move_is_not_guessed() -> None:
    assert camera("zom in").camera == camera("auto").camera
    assert named("teleport, pan left") == [["Pan left"]]


def strength(action: str) -> float:
    return camera(action).camera.steps[0].aims[0].strength


def test_how_strongly() -> None:
    order = ["very slow zoom in", "slow zoom in", "zoom in", "fast zoom in", "very fast zoom in"]
    assert all(strength(a) < strength(b) for a, b in pairwise(order))
    assert strength("zoom in normally") == strength("zoom in at normal speed") == strength("zoom in") == 1
    assert strength("zoom in slightly") < 1 < strength("zoom in strongly")
    assert strength("slightly zoom in") == strength("zoom in a little bit")
    for word in STRENGTHS:
        assert camera(f"{word} pan left").unknown == ()
        assert named(f"{word} pan left") == [["Pan left"]]


def test_each_move_has_its_own_pace() -> None:
    slow, fast = camera("slow zoom in, fast pan left").camera.steps[0].aims
    assert slow.strength < 1 < fast.strength


@pytest.mark.parametrize("then", [" then ", ", then ", " and then ", "; ", " followed by ", ". ", " -> ", "\n"])
def test_one_after_the_other(then: str) -> None:
    reading = camera(f"zoom in{then}pan left")
    assert named(f"zoom in{then}pan left") == [["Zoom in"], ["Pan left"]]
    assert [(step.start, step.end) for step in reading.camera.steps] == [(0, 0.5), (0.5, 1)]
    assert reading.unknown == ()


@pytest.mark.parametrize("also", [", ", " and ", " while ", " & ", " + ", " / ", " with ", " while it ", ", and "])
def test_together(also: str) -> None:
    action = f"zoom in{also}pan left"
    assert named(action) == [["Zoom in", "Pan left"]]
    assert [(step.start, step.end) for step in camera(action).camera.steps] == [(0, 1)]
    assert camera(action).unknown == ()


def test_the_example_of_the_contract() -> None:
    assert named("slow zoom out, pan right") == [["Zoom out", "Pan right"]]
    assert named("zoom in and tilt up then pan left while it rolls") == [["Zoom in", "Tilt up"], ["Pan left"]]


@pytest.mark.parametrize(("seconds", "most"), [(0.5, 1), (3, 1), (3.01, 2), (5, 2), (5.01, 3), (6, 3), (7, 3), (60, 3)])
def test_a_length_allows_so_many_moves(seconds: float, most: int) -> None:
    action = "slow zoom out, pan right then tilt up, roll"
    assert most_moves(seconds) == most
    assert sum(len(step) for step in named(action, seconds)) == most
    assert len(camera(action, seconds).dropped) == 4 - most
    kept = validate_clip_action(action, seconds, MOVES)
    assert kept == ["slow zoom out", "slow zoom out, pan right", "slow zoom out, pan right then tilt up"][most - 1]
    assert named(kept, seconds) == named(action, seconds)


@pytest.mark.parametrize("action", ["", "auto", "zoom in", "  Slow ZOOM in ", "sing a song", "zoom in on the old cathedral"])
def test_what_fits_is_kept_word_for_word(action: str) -> None:
    assert validate_clip_action(action, 3, MOVES) == action.strip()


@settings(derandomize=True, max_examples=150, deadline=None)
@given(some.text(max_size=500), some.floats(0.5, 60))
def test_any_text_is_read(action: str, seconds: float) -> None:
    reading = camera(action, seconds)
    aims = [aim for step in reading.camera.steps for aim in step.aims]
    assert 1 <= len(aims) <= most_moves(seconds)
    assert validate_clip_action(action, seconds, MOVES) in action


words = some.sampled_from(
    [*STRENGTHS, "very", "auto", *(said for move in MOVES.values() for said in move.words), ",", "then", "and", "while", "blue", "-", "'", "."]
)


@settings(derandomize=True, max_examples=150, deadline=None)
@given(some.lists(words, max_size=40).map(" ".join), some.floats(0.5, 60), some.integers(0, 2**32))
def test_any_camera_stays_in_the_picture(action: str, seconds: float, seed: int) -> None:
    reading = read(action, seconds, MOVES, seed)
    assert most_moves(seconds) >= sum(len(step.aims) for step in reading.camera.steps) >= 1
    assert {step.start for step in reading.camera.steps[1:]} == {step.end for step in reading.camera.steps[:-1]}
    kept = validate_clip_action(action, seconds, MOVES)
    assert read(kept, seconds, MOVES, seed).camera == reading.camera
    shape = (320.0 + seed % 977, 200.0 + seed % 1013)
    inside(matrices(reading.camera, 20, FRAME, shape, seed), FRAME, shape)


def inside(found: NDArray[Any], frame: Frame, picture: tuple[float, float]) -> None:
    """Every pixel of every frame is read from between the picture's own pixel centres."""
    whole = np.concatenate([found, np.tile([[[0.0, 0.0, 1.0]]], (len(found), 1, 1))], 1)
    back = np.linalg.inv(whole)[:, :2]
    corners = np.array([[x, y, 1.0] for x in (0.5, frame.width - 0.5) for y in (0.5, frame.height - 0.5)]).T
    points = back @ corners
    # a picture smaller than the frame is read within half a pixel of the frame
    assert points[:, 0].min() > -1e-6 and points[:, 0].max() < picture[0] + 1e-6
    assert points[:, 1].min() > -1e-6 and points[:, 1].max() < picture[1] + 1e-6
    assert scale(found[0]) > 0


SHAPES = [(1600.0, 900.0), (900.0, 1600.0), (1000.0, 1000.0), (8000.0, 300.0), (300.0, 8000.0), (16.0, 16.0), (320.0, 180.0), (1601.0, 899.0)]


@pytest.mark.parametrize("name", MOVES)
def test_never_an_edge(name: str) -> None:
    for picture in SHAPES:
        for size in ((320, 180), (180, 320), (256, 256)):
            frame = Frame(*size, Fraction(24))
            for pace in ("", "very fast "):
                found = matrices(camera(pace + name.replace("_", " ")).camera, 49, frame, picture, 3)
                inside(found, frame, picture)


# Which way -------------------------------------------------------------------------------------------------------------


MIDDLE = (PICTURE[0] / 2, PICTURE[1] / 2)


def travel(action: str) -> tuple[float, float]:
    """How far the picture's middle moves in the film, in pixels: right, down."""
    found = path(action)
    first, last = lands(found[0], *MIDDLE), lands(found[-1], *MIDDLE)
    return last[0] - first[0], last[1] - first[1]


def test_the_picture_goes_against_the_camera() -> None:
    assert travel("pan right")[0] < -30 and travel("pan left")[0] > 30
    assert travel("tilt up")[1] > 15 and travel("tilt down")[1] < -15
    assert travel("crane up")[1] > 10 and travel("crane down")[1] < -10
    for action in ("pan right", "pan left"):
        assert abs(travel(action)[1]) < 1e-6
    for action in ("tilt up", "tilt down"):
        assert abs(travel(action)[0]) < 1e-6


def test_closer_is_larger() -> None:
    for action, grows in (("zoom in", True), ("push in", True), ("zoom out", False), ("pull out", False)):
        sizes = [scale(matrix) for matrix in path(action)]
        assert (sizes[-1] > sizes[0] * 1.1) if grows else (sizes[-1] < sizes[0] / 1.1)
        assert all((b >= a) if grows else (b <= a) for a, b in pairwise(sizes))
        assert travel(action) == pytest.approx((0, 0), abs=1e-6)


def test_a_roll_turns_clockwise() -> None:
    def turn(action: str) -> float:
        found = path(action)
        # to the right of the middle a clockwise turn goes down, and y grows downwards
        angles = [degrees(atan2(matrix[1, 0], matrix[0, 0])) for matrix in (found[0], found[-1])]
        return angles[1] - angles[0]

    assert turn("roll") > 3 and turn("roll left") < -3
    assert turn("zoom in") == pytest.approx(0)


def test_an_orbit_comes_back() -> None:
    found = path("orbit", 145)
    places = np.array([lands(matrix, *MIDDLE) for matrix in found])
    assert np.ptp(places[:, 0]) > 10 and np.ptp(places[:, 1]) > 2
    assert np.abs(places[0] - places[-1]).max() < 2


def test_static_stands_still() -> None:
    found = path("static")
    assert np.abs(found - found[0]).max() == 0


def test_then_comes_after_and_together_is_together() -> None:
    found = path("zoom in then pan right", 97)
    sizes = np.array([scale(matrix) for matrix in found])
    # after its half the zoom is over and the pan has not gone anywhere before it
    assert sizes[48] > sizes[0] * 1.1 and np.abs(sizes[49:] - sizes[49]).max() < 1e-6
    ways = np.array([lands(matrix, *MIDDLE)[0] for matrix in found]) - FRAME.width / 2
    before = ways[:48] / sizes[:48]  # the zoom carries a point with it; its place in the picture is meant
    assert np.abs(before - before[0]).max() < 1e-6 and ways[-1] - ways[48] < -30
    both = path("zoom in and pan right", 97)
    assert scale(both[40]) > scale(both[20]) and lands(both[40], *MIDDLE)[0] < lands(both[20], *MIDDLE)[0]


@pytest.mark.parametrize("action", ["zoom in", "pan left", "tilt down", "roll", "crane up", "drift", "ken burns"])
def test_it_starts_and_stops_softly(action: str) -> None:
    steps = np.abs(np.diff(path(action, 121), axis=0)).max((1, 2))
    assert max(steps[0], steps[-1]) < 0.06 * steps.max()
    jerks = np.abs(np.diff(path(action, 121), n=2, axis=0)).max((1, 2))
    assert jerks.max() < 0.06 * steps.max()  # no jump of pace between two frames


def test_steady_keeps_its_pace() -> None:
    ways = np.array([lands(matrix, *MIDDLE)[0] for matrix in path("steady pan left", 97)])
    assert np.ptp(np.diff(ways)) < 1e-6


@pytest.mark.parametrize("action", ["handheld", "shake"])
def test_trembling_is_smooth_and_comes_from_the_seed(action: str) -> None:
    found = path(action, 121)
    places = np.array([lands(matrix, *MIDDLE) for matrix in found])
    assert np.ptp(places[:, 0]) > 0.5 and np.ptp(places[:, 1]) > 0.5
    assert np.abs(np.diff(places, axis=0)).max() < (0.5 if action == "handheld" else 5)
    assert np.abs(path(action, 121, seed=8) - found).max() > 0.1
    assert (path(action, 121) == found).all()


def test_a_wide_picture_is_panned_over_most_of_it() -> None:
    short, wide = (path("pan right", 145, picture=shape) for shape in ((1600.0, 900.0), (3200.0, 900.0)))
    gone = [found[0, 0, 2] - found[-1, 0, 2] for found in (short, wide)]
    assert gone[1] > 1.5 * gone[0]
    inside(wide, FRAME, (3200.0, 900.0))


def test_a_film_of_one_frame_has_a_camera() -> None:
    for name in MOVES:
        assert np.isfinite(path(name.replace("_", " "), 1)).all()
