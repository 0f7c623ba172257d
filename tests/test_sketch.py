"""The sketch: what a prompt is understood to be, how it is drawn, and how it moves, seen in the pictures themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from pipelines import moves
from pipelines import presets as kinds
from pipelines.clips.sketch import Engine
from pipelines.drawing import staging
from pipelines.drawing.pen import stroke
from pipelines.drawing.reading import Lexicon, read
from pipelines.drawing.vocabulary import Word
from pipelines.pictures import sketch
from pipelines.plan import Brief, Frame, Shot
from pipelines.presets import Presets
from pipelines.vault import plain
from pipelines.work import FilmError, idle

from . import measure, whole

WORDS = kinds.vocabulary(kinds.SHIPPED)
LEXICON = Lexicon.of(WORDS)
NOUNS = [name for name, word in WORDS.items() if word.noun]
MODIFIERS = [name for name, word in WORDS.items() if not word.noun]
ABOUT = frozenset(MODIFIERS)
MOVES = kinds.read(kinds.SHIPPED).moves
SMALL, FRAME = Frame(96, 54, Fraction(24)), Frame(320, 180, Fraction(24))
Array = NDArray[Any]


@pytest.fixture(scope="module")
def painter() -> sketch.Engine:
    return sketch.Engine()


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine()


def said(prompt: str) -> list[str]:
    return [one.name for one in read(prompt, LEXICON, ABOUT).said if one.name]


def unknown(prompt: str) -> tuple[str, ...]:
    return read(prompt, LEXICON, ABOUT).unknown


def painted(painter: sketch.Engine, prompt: str, folder: Path, frame: Frame = SMALL, seed: int = 3) -> Array:
    """The picture, RGB."""
    painter.paint(Brief(prompt, frame, seed), folder / "a.png", idle)
    with Image.open(folder / "a.png") as image:
        return np.asarray(image.convert("RGB"))


def shot(prompt: str, action: str = "static", frames: int = 48, frame: Frame = FRAME, seed: int = 3) -> Shot:
    camera = moves.read(action, frame.seconds(frames), MOVES, seed).camera
    return Shot(prompt, None, camera, frames, frame, "cover", seed)


def lumas(engine: Engine, wanted: Shot, numbers: list[int]) -> list[Array]:
    """Y of some frames."""
    footage = engine.footage(wanted, None)
    return [next(footage.frames(k, 1))[: wanted.frame.height].astype(np.float32) for k in numbers]


# What a prompt is understood to be --------------------------------------------------------------------------------------


def test_the_vocabulary_is_large_and_sound() -> None:
    assert len(NOUNS) >= 120 and len(MODIFIERS) >= 60
    for name, word in WORDS.items():
        assert set(word.brings) <= set(WORDS), f"{name} brings what is not there"
        if word.figure:
            assert word.figure.home in WORDS and WORDS[word.figure.home].land, f"{name} is at home nowhere"
            assert all(stroke(line).outlines for line in word.figure.shapes)
    spoken = [said for name, word in WORDS.items() for said in {name.replace("_", " "), *word.words}]
    twice = {one for one in spoken if spoken.count(one) > 1}
    assert not twice, "a word means one thing"


def test_examples_of_others_are_understood() -> None:
    city = said("A futuristic city at night, with flying cars zooming between neon-lit skyscrapers, cinematic lighting, 8k")
    assert city == ["futuristic", "city", "night", "flying_car", "running", "neon", "city", "cinematic"]
    lake = said("A serene mountain lake at sunrise, with mist rising from the water, wildlife drinking at the shore, nature documentary style")
    assert lake == ["peaceful", "mountain", "lake", "sunrise", "misty", "lake", "deer", "grazing", "beach", "documentary"]
    space = said("An astronaut floating in space, Earth visible in the background, stars twinkling, IMAX documentary style")
    assert space[:5] == ["astronaut", "floating", "space", "earth", "background"]


def test_words_that_are_not_known_are_listed_as_they_were_written() -> None:
    prompt = "A Quux frobnicating the Zorple, 8k, hyper-detailed, in the rain"
    assert unknown(prompt) == ("quux", "frobnicating", "zorple", "8k", "hyper-detailed")
    assert said(prompt) == ["rainy"]
    assert unknown("the man is on a very long road and they were with us") == ("long",), "grammar is not unknown"
    assert unknown("富士山の日の出") == ("富士山の日の出",)
    assert unknown("") == ()


def test_words_run_together_are_taken_apart() -> None:
    """As they are in a text that has lost letters."""
    assert said("a futuristicity betweeneon-lit skyscrapers") == ["futuristic", "city", "neon", "city"]
    assert said("treeswaying in the wind athe shore") == ["tree", "windy", "windy", "beach"]


@pytest.mark.parametrize(
    ("prompt", "names"),
    [
        ("wolves and two foxes", ["wolf", "two", "fox"]),
        ("no people, without clouds, a house", ["house"]),
        ("hot air balloons over a field of flowers", ["hot_air_balloon", "flower_field"]),
        ("the children's ponies", ["child", "horse"]),
        ("ＣＡＴ", ["cat"]),
        ("sunset-coloured sea", ["sunset", "sea"]),
    ],
)
def test_plurals_phrases_and_what_is_not_wanted(prompt: str, names: list[str]) -> None:
    assert said(prompt) == names


def scene(engine: sketch.Engine, prompt: str, seed: int = 3) -> Any:
    return engine._book.scene(prompt, seed)


def test_how_many_how_large_and_in_which_colour(painter: sketch.Engine) -> None:
    def only(prompt: str) -> Any:
        (actor,) = scene(painter, prompt).actors
        return actor

    assert only("a red horse").colour == pytest.approx((210 / 255, 58 / 255, 52 / 255))
    assert [only(f"{words} on a hill").many for words in ("a horse", "three horses", "horses", "many horses")] == [1, 3, 3, 9]
    assert only("a giant cat").scale > 1.5 > 1 > only("a tiny cat").scale
    assert only("a dog running on the left").act == "zoom" and only("a dog running on the left").where == "left"
    assert [actor.where for actor in scene(painter, "a boat, mountains in the background").actors] == [""]
    assert scene(painter, "a castle").far == scene(painter, "a castle on hills").far, "it stands where it is at home"


@pytest.mark.parametrize("prompt", ["a student at a desk", "a wizard reading in a library", "a cat on a windowsill"])
def test_what_belongs_indoors_is_drawn_indoors(prompt: str, painter: sketch.Engine) -> None:
    assert scene(painter, prompt).world == "room"


def test_children_who_fly_a_kite_stay_on_the_ground(painter: sketch.Engine) -> None:
    acts = {actor.name: actor.act for actor in scene(painter, "children flying a kite on a hill").actors}
    assert {"child", "kite"} <= set(acts) and acts["child"] != "soar"


def test_a_scene_follows_from_words_and_seed_alone(painter: sketch.Engine) -> None:
    prompt = "a fox in the forest"
    assert scene(painter, prompt) == scene(sketch.Engine(), prompt)
    assert len({scene(painter, prompt, seed).sky for seed in range(12)}) > 3, "the hour is drawn where none is named"
    assert {scene(painter, prompt + " at sunset", seed).sky for seed in range(12)} == {WORDS["sunset"].sky}


# How it is drawn --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def differs(painter: sketch.Engine, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], bool]:
    """Whether two prompts are two pictures; one may by chance be what a seed draws anyway, so several are looked at."""
    folder = tmp_path_factory.mktemp("drawn")

    @cache
    def drawn(prompt: str, seed: int) -> Array:
        return painted(painter, prompt, folder, seed=seed)

    return lambda prompt, without: any((drawn(prompt, seed) != drawn(without, seed)).any(-1).mean() > 0.003 for seed in (3, 4, 5))


@pytest.mark.parametrize("name", NOUNS)
def test_every_noun_is_seen(name: str, differs: Callable[[str, str], bool]) -> None:
    assert differs(name.replace("_", " "), "")


@pytest.mark.parametrize("name", MODIFIERS)
def test_every_modifier_is_seen(name: str, differs: Callable[[str, str], bool]) -> None:
    word = name.replace("_", " ")
    assert differs(f"{word} horse by a lake", "horse by a lake") or differs(f"{word} bird by a lake", "bird by a lake")


@pytest.mark.parametrize("size", [(64, 64), (64, 512), (512, 64), (180, 320), (320, 320), (3840, 2160)])
def test_any_size_is_covered(size: tuple[int, int], painter: sketch.Engine, engine: Engine, tmp_path: Path) -> None:
    frame = Frame(*size, Fraction(24))
    seen = painted(painter, "a castle by a lake at sunset, birds", tmp_path, frame)
    assert seen.shape[0] >= size[1] and seen.shape[1] >= size[0]
    assert seen.shape[1] / seen.shape[0] == pytest.approx(size[0] / size[1], rel=0.03)
    frames = list(engine.footage(shot("a castle by a lake", "zoom in", 2, frame), None).frames(0, 2))
    assert [one.shape for one in frames] == [(size[1] * 3 // 2, size[0])] * 2


def test_a_seed_is_a_picture(painter: sketch.Engine, tmp_path: Path) -> None:
    prompt = "mountains, a river and a deer in the morning"
    one = painted(painter, prompt, tmp_path)
    assert (one == painted(sketch.Engine(), prompt, tmp_path)).all(), "the same again, whoever draws it"
    others = [painted(painter, prompt, tmp_path, seed=seed) for seed in (4, 5, 2**63)]
    assert all(np.abs(one.astype(int) - other).mean() > 3 for other in others)


def test_what_was_not_drawn_is_noted(painter: sketch.Engine, tmp_path: Path) -> None:
    notes = painter.paint(Brief("a zorple by the sea, 4k", SMALL, 1), tmp_path / "a.png", idle)
    assert notes == {"sketch": True, "unknown": ["zorple", "4k"]}


@pytest.mark.parametrize(
    "prompt",
    [
        "\0\n\t\x1b[31m", "a cat " * 6000, "-" * 5000, "../../etc/passwd", "{{title}} %s {0} $(ls)", "<script>alert(1)</script>", "🙂🙃 cat 🐈", "\u202eמים rtl", "a" * 32_000,
        "no no no no", "12345 67 8", "'''\"\"\"\\", "drop table; -- sea", "Ω≈ç√∫", "person " * 300, "giant " * 50 + "elephant", "every word known: " + " ".join(WORDS),
    ],
    ids=range(17),
)  # fmt: skip
def test_whatever_is_asked_something_is_drawn(prompt: str, painter: sketch.Engine, engine: Engine, tmp_path: Path) -> None:
    assert painted(painter, prompt, tmp_path).std() > 3
    assert len(list(engine.footage(shot(prompt, "pan left", 3, SMALL), None).frames(0, 3))) == 3


# How it moves -----------------------------------------------------------------------------------------------------------


def moved(first: Array, last: Array, x: float, y: float, wide: int = 34, tall: int = 26) -> float:
    """How far to the right the patch around a point (shares of the frame) is found in another frame, in pixels."""
    top, left = int(y * first.shape[0]) - tall // 2, int(x * first.shape[1]) - wide // 2
    patch = first[top : top + tall, left : left + wide]
    row = last[max(0, top - 6) : top + tall + 6]
    found = cv2.matchTemplate(row, patch, cv2.TM_CCOEFF_NORMED)
    _, best, _, at = cv2.minMaxLoc(found)
    assert best > 0.7, "it is still there"
    return float(at[0] - left)


def test_near_things_move_more_than_far_ones(engine: Engine) -> None:
    first, last = lumas(engine, shot("a big house in the middle, mountains, sunny", "pan right", 72), [0, 71])
    house = moved(first, last, 0.58, 0.72, 60, 50)
    ridges = [moved(first, last, x, 0.52) for x in (0.25, 0.5, 0.75)]
    assert house < -25, "the camera goes right, so it goes left"
    assert all(house * 0.65 < ridge < -3 for ridge in ridges), (house, ridges)


SCENES = (
    "a mountain lake at sunset, a sailboat", "neon city at night in the rain, flying cars", "forest with a fox and birds", "a couple on the beach", "a cat in a room on a snowy night",
    "underwater fish", "camels in the desert", "a village church in winter", "an astronaut on the moon surface", "galaxy", "above the clouds, a plane", "a cave", "volcano", "a river", "canyon road", "waterfall",
)  # fmt: skip


@pytest.mark.parametrize("prompt", SCENES)
def test_nothing_tears_under_any_move(prompt: str, engine: Engine) -> None:
    """Where nothing is drawn chroma is 0, which no colour has."""
    for action in ("fast pan left", "fast tilt up", "fast tilt down", "zoom out", "roll", "orbit", "shake", "fast crane up, pan right"):
        footage = engine.footage(shot(prompt, action, 25, SMALL), None)
        for number in (0, 7, 12, 19, 24):
            assert next(footage.frames(number, 1)).min() >= 15, action


@pytest.mark.parametrize("prompt", SCENES)
@pytest.mark.parametrize("action", ["fast pan left", "fast crane up, roll"])
def test_no_edge_is_ever_seen(prompt: str, action: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawn far past what is seen, it looks the same."""
    wanted = shot(prompt, action, 25, Frame(192, 108, Fraction(24)))
    near = lumas(Engine(), wanted, [0, 12, 24])
    monkeypatch.setattr(staging, "RIM", 0.4)
    for a, b in zip(near, lumas(Engine(), wanted, [0, 12, 24]), strict=True):
        assert np.abs(cv2.blur(a, (5, 5)) - cv2.blur(b, (5, 5))).max() < 25


def test_water_moves_and_stone_stands(engine: Engine) -> None:
    early, late = lumas(engine, shot("a castle, the sea, sunny day", "static", 60, seed=4), [0, 40])
    change = np.abs(early - late)
    assert change[130:176].mean() > 2, "waves"
    empty, castle = (lumas(engine, shot(prompt, "static", 60, seed=4), [0, 40]) for prompt in ("mountains, sunny day", "a castle, mountains, sunny day"))
    stone = np.abs(empty[0] - castle[0]) > 12
    stone &= np.arange(180)[:, None] < 140  # grass sways before its foot
    assert stone.sum() > 800
    assert np.abs(castle[0] - castle[1])[stone].max() == 0


@pytest.mark.parametrize(
    "prompt",
    ["clouds by day", "stars at night", "rain", "snowing", "neon city at night", "a person walking", "birds", "a windmill", "aurora", "campfire", "fireflies", "an astronaut", "a sailboat", "grass", "flags of smoke", "underwater", "falling leaves"],
)
def test_what_moves_by_itself_moves_before_a_still_camera(prompt: str, engine: Engine) -> None:
    early, late = lumas(engine, shot(prompt, "static", 48), [0, 30])
    assert (np.abs(early - late) > 4).mean() > 0.0005


def test_nobody_walks_out_of_a_long_shot(engine: Engine) -> None:
    """After a minute the walker is still in the picture."""
    for prompt in ("a horse running, sunny desert", "a red car driving on a road, sunny"):
        empty = shot(prompt.split(", ")[1], "static", 24 * 60, SMALL, seed=5)
        with_it = replace(empty, prompt=prompt)
        there, gone = (lumas(engine, one, [24 * 60 - 1])[0] for one in (with_it, empty))
        assert (np.abs(there - gone) > 20).sum() > 15


@pytest.mark.parametrize("prompt", ["neon city in the rain with flying cars", "a lake, snow, a boat", "forest, fireflies, a person walking"])
def test_a_frame_depends_on_its_number_alone(prompt: str, engine: Engine) -> None:
    wanted = shot(prompt, "handheld, zoom in", 40, SMALL)
    whole_clip = [raw.copy() for raw in engine.footage(wanted, None).frames(0, 40)]
    assert len(whole_clip) == 40
    fresh = Engine().footage(wanted, None)
    for start, count in ((39, 1), (12, 5), (0, 3), (12, 1)):
        assert all((a == b).all() for a, b in zip(whole_clip[start : start + count], fresh.frames(start, count), strict=True))
    with ThreadPoolExecutor(4) as pool:  # a body and its transitions are drawn side by side
        both = list(pool.map(lambda start: [raw.copy() for raw in fresh.frames(start, 10)], (0, 10, 20, 30)))
    assert all((a == b).all() for a, b in zip(whole_clip, [raw for part in both for raw in part], strict=True))


# What belongs to a film -------------------------------------------------------------------------------------------------


def test_a_recipe_is_what_is_drawn_and_not_how_it_was_said(engine: Engine, painter: sketch.Engine) -> None:
    one = shot("a fox in the forest")
    for other in ("The fox, in forests!", "a fox in the forest, 8k, xyzzy"):
        assert plain(engine.recipe(replace(one, prompt=other))) == plain(engine.recipe(one))
    changed = (replace(one, prompt="a wolf in the forest"), replace(one, seed=9), replace(one, frames=49), shot("a fox in the forest", "pan left"), replace(one, frame=SMALL))
    assert all(plain(engine.recipe(other)) != plain(engine.recipe(one)) for other in changed)
    assert plain(engine.recipe(replace(one, camera=moves.read("hold", 2.0, MOVES, 1).camera))) == plain(engine.recipe(one))
    brief = Brief("a fox", SMALL, 1)
    assert plain(painter.recipe(brief)) != plain(painter.recipe(replace(brief, prompt="a wolf")))


def test_it_says_what_it_is(engine: Engine, painter: sketch.Engine) -> None:
    for one in (engine, painter):
        assert "sketch" in one.label.lower() and "no model" in one.label
        assert one.rank < 10 and not one.online and one.missing() is None
    assert not engine.wants_picture and engine.live


def test_own_words_are_drawn_and_wrong_ones_are_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "sketch.toml").write_text('[zorple]\nfigure = { colour = "#ff0000", size = 0.6, shapes = ["body disc 0 0.5 0.5"] }\n', "utf-8")
    own = kinds.vocabulary(kinds.SHIPPED, tmp_path)
    with_it = painted(sketch.Engine(own), "a zorple on a sunny day", tmp_path)
    assert ((with_it[..., 0] > 120) & (with_it[..., 1] < 90)).mean() > 0.02, "a large red disc"
    for wrong, told in (
        ('shapes = ["body spiral 0 0 1"]', "shapes"),
        ('shapes = ["body disc 0 0 1 @ 0 0 1"]', "shapes"),
        ("shapes = []", "shapes"),
        ('shapes = ["body disc 0 0 1"], size = 7', "size"),
        ('shapes = ["body disc 0 0 1"], on = "the moon"', "on"),
        ('shapes = ["body disc 0 0 1"], wings = 2', "wings"),
    ):
        (tmp_path / "sketch.toml").write_text(f'[zorple]\nfigure = {{ colour = "#ff0000", {wrong} }}\n', "utf-8")
        with pytest.raises(FilmError, match="zorple") as caught:
            kinds.vocabulary(tmp_path)
        assert told in caught.value.message


def test_a_vocabulary_of_ones_own_may_be_small(tmp_path: Path) -> None:
    few: Mapping[str, Word] = {"night": WORDS["night"], "cat": WORDS["cat"]}
    assert painted(sketch.Engine(few), "a cat at night", tmp_path).std() > 3
    with pytest.raises(FilmError, match="no sky"):
        painted(sketch.Engine({"cat": WORDS["cat"]}), "a cat", tmp_path)


@pytest.fixture(scope="module")
def film(presets: Presets, tmp_path_factory: pytest.TempPathFactory) -> Iterator[whole.Shown]:
    folder = whole.pictures(tmp_path_factory.mktemp("given"), 3)
    scenes = [
        {"image": None, "prompt": "A boat on a lake at sunset, 8k", "clip_action": "pan right", "duration": 1.5},
        {"image": None, "prompt": "A castle at night", "clip_action": "zoom in", "duration": 1.5},
        {"prompt": "A red bird", "engine": "sketch", "clip_action": "static", "duration": 1.5},
    ]
    with whole.studio(presets, folder / "vault") as studio:
        yield whole.make(whole.story(presets, folder, scenes), studio, folder / "film.mp4")


def test_scenes_without_pictures_become_a_film(film: whole.Shown) -> None:
    frames = list(measure.frames(film.path, (320, 180)))
    assert len(frames) == round((4.5 - 1.0) * 24)
    assert all(one.std() > 5 for one in frames)
    assert np.abs(frames[4].astype(int) - frames[44]).mean() > 8, "each scene is its own"


def test_the_film_tells_that_it_was_sketched(film: whole.Shown) -> None:
    assert 'scene 1: the sketch does not know "8k".' in film.warned
    assert "scene 3: the sketch is drawn from the prompt; the picture is not used." in film.warned
    assert "Sketch" in whole.metadata(film.path)[0]["comment"]
