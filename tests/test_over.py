"""Videos made over by a model: by one that turns pictures into their negatives, so that every picture can be found again,
and by diffusers' own pipelines with a few random weights.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipelines.certificate import kept
from pipelines.clips import _diffusers_plan as rules
from pipelines.clips import _diffusers_shot as shots
from pipelines.clips._diffusers_given import Window
from pipelines.clips._reel import write
from pipelines.crew import Crew
from pipelines.marks import Marks
from pipelines.plan import Reach, Shot
from pipelines.presets import Model, Presets
from pipelines.render import Studio
from pipelines.vault import Notes, Vault
from pipelines.verbs.blend import Blend, blend
from pipelines.verbs.edit import Edit, edit
from pipelines.verbs.extend import Extend, extend
from pipelines.verbs.fill import Fill, fill
from pipelines.verbs.loop import Loop, loop
from pipelines.verbs.over import spans
from pipelines.verbs.shooting import at_hand
from pipelines.verbs.table import EVERY
from pipelines.verify import verified
from pipelines.video import look
from pipelines.work import FilmError, Tick

from . import measure, tiny_films, whole
from .test_verbs import RATE, SIZE, X264, apart, even, filmed, psnr, seen

FPS = 12
V2V = ("wan-1.3b", "wan-vace-1.3b", "ltx", "cogvideox-2b")


class Negatives:
    """A clip engine whose model is a negative. It keeps what it was asked for."""

    label, version, rank, online, wants_picture = "Negatives", 1, 0, False, False

    def __init__(self, first: bool = False) -> None:
        self.shots: list[Shot] = []
        self.first = first
        self.fail_after = 99
        self.lighter = 0  # each piece by so much

    def missing(self) -> str | None:
        return None

    def lacks(self, model: Model) -> str | None:
        return None if "Apache" in model.licence else "Its weights are not on this machine: reelwright fetch it."

    def reach(self, model: Model) -> Reach:
        told = rules.options(model.options)
        return Reach(over=bool(told.v2v), first=self.first, ends=bool(told.ends), longest=1.0, shared=0.25)

    def recipe(self, shot: Shot) -> object:
        return [shot.prompt, shot.given.strength if shot.given else ""]

    def shoot(self, shot: Shot, out: Path, tick: Tick) -> Notes:
        self.shots.append(shot)
        if len(self.shots) > self.fail_after:
            raise FilmError("The negative is torn.", "Splice it.")
        window = Window.of(SIZE, SIZE[0] / SIZE[1])
        given, fps = shot.given, int(shot.model.options.get("fps", FPS)) if shot.model else FPS
        assert given
        by = self.lighter * (len(self.shots) - 1)
        pictures = [255 - one + np.uint8(by) for one in window.read(given.over, fps)] if given.over else []
        if given.last:
            ends = [window.read(path, fps)[0].astype(float) for path in (given.first, given.last) if path]
            count = round(shot.frame.seconds(shot.frames) * fps)
            pictures = [(ends[0] + (ends[1] - ends[0]) * k / (count - 1)).astype(np.uint8) for k in range(count)]
        elif given.first:
            held = window.read(given.first, fps)
            pictures = [*held, *pictures[len(held) :]] if given.over else held * 9
        return write(pictures, len(pictures), SIZE, Fraction(fps), out, tick)


@pytest.fixture
def negatives(studio: Studio) -> Negatives:
    made = Negatives()
    studio.crew._hired["clips", "diffusers"] = made
    return made


def at_rate(studio: Studio, fps: int) -> Studio:
    models = {name: replace(model, options=dict(model.options) | {"fps": fps}) if model.engine == "diffusers" else model for name, model in studio.presets.models.items()}
    return replace(studio, presets=replace(studio.presets, models=models))


@pytest.fixture(scope="module")
def pan(photo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds and a half, with a tone."""
    return measure.video(tmp_path_factory.mktemp("pan") / "pan.mp4", filmed(photo, 60), RATE, *X264, "-c:a", "aac", tone=440)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "made" / "out.mp4"


@pytest.mark.parametrize("first", [False, True])
def test_a_long_video_goes_through_in_pieces_and_keeps_its_time_and_sound(first: bool, pan: Path, out: Path, studio: Studio, negatives: Negatives) -> None:
    negatives.first = first
    cut = edit([pan], Edit("everything in glass", engine="wan-1.3b", strength="strong", seed=7), at_rate(studio, RATE), out)
    assert cut.frames == even(out, RATE) == 60 and "Wan 2.1, 1.3 B, strong" in cut.how
    given = seen(pan)
    assert min(psnr(255 - a, b) for a, b in zip(given, seen(out), strict=True)) > 26, "each picture is where it was"
    asked = negatives.shots
    assert len(asked) == 3 and all(one.frames <= RATE + 1 and one.given and one.given.strength == "strong" for one in asked)
    assert {one.prompt for one in asked} == {"everything in glass"} and {one.seed for one in asked} == {7}
    assert [bool(one.given and one.given.first) for one in asked] == [False, first, first]
    heard = measure.sound(out)
    assert len(heard) / 48_000 == pytest.approx(2.5, abs=0.05) and np.abs(heard).max() > 0.05


def test_at_another_rate_what_lies_between_is_drawn(pan: Path, out: Path, studio: Studio, negatives: Negatives) -> None:
    edit([pan], Edit("glass", engine="wan-1.3b"), at_rate(studio, FPS), out)
    given, made = seen(pan), seen(out)
    assert float(np.median([psnr(255 - a, b) for a, b in zip(given, made, strict=True)])) > 22
    steps = [apart(a, b) for a, b in pairwise(made)]
    assert min(steps[:-1]) > 0.2 * float(np.median(steps)), "no picture is only shown again"


def test_pieces_of_another_light_melt_into_one_another(out: Path, tmp_path: Path, studio: Studio, negatives: Negatives) -> None:
    grey = measure.video(tmp_path / "grey.mp4", [np.full((108, 192, 3), 128, np.uint8)] * 60, RATE, *X264)
    negatives.lighter = 30
    edit([grey], Edit("glass", engine="wan-1.3b"), at_rate(studio, RATE), out)
    light = [float(one.mean()) for one in seen(out)]
    assert light[-1] - light[0] > 25 and max(b - a for a, b in pairwise(light)) < 9, "no jump where they meet"


def test_what_is_done_by_rule_is_done_to_what_the_model_made(pan: Path, out: Path, studio: Studio, negatives: Negatives) -> None:
    edit([pan], Edit("glass, reverse", engine="wan-1.3b", reverse=True, speed=2, look="noir", caption="Hello"), at_rate(studio, RATE), out)
    made = seen(out)
    assert len(made) == 30 and np.ptp(made[5][:60].astype(int), axis=2).max() < 40, "graded"
    light = [one[:60].mean(2) - one[:60].mean() for one in made]
    given = [255 - one[:60].mean(2) for one in seen(pan)]
    alike = [int(np.argmax([float((light[5] * (one - one.mean())).sum() / one.std()) for one in given]))]
    assert abs(alike[0] - 49) <= 1, "backwards and twice as fast"
    assert negatives.shots[0].prompt == "glass, reverse", "all words are the model's"
    assert negatives.shots[0].style, "and the look's"


def test_what_was_stopped_goes_on_where_it_was(pan: Path, out: Path, studio: Studio, negatives: Negatives) -> None:
    own, how = at_rate(studio, RATE), Edit("glass", engine="wan-1.3b")
    negatives.fail_after = 2
    with pytest.raises(FilmError, match="torn"):
        edit([pan], how, own, out)
    assert not out.exists() and len(negatives.shots) == 3
    negatives.fail_after = 99
    edit([pan], how, own, out)
    assert len(negatives.shots) == 4, "two pieces were kept"


def test_a_film_says_that_a_model_made_it(out: Path, studio: Studio, negatives: Negatives, tmp_path: Path) -> None:
    down, across = np.mgrid[0:360, 0:720] / 90.0
    ground = (np.stack([np.sin(across * 3 + down), np.sin(down * 4 - across), np.sin(across * down)], -1) * 70 + 128).astype(np.uint8)
    soft = measure.video(tmp_path / "soft.mp4", [ground[:, 2 * n :][:, :640] for n in range(40)], RATE, *X264)
    marked = replace(at_rate(studio, RATE), marks=Marks(identity=kept(tmp_path / "keys")))
    edit([soft], Edit("glass", engine="wan-1.3b", crop="4:3"), marked, out)
    told = out.read_bytes()
    assert b"compositeWithTrainedAlgorithmicMedia" in told and b"Wan 2.1, 1.3 B" in told
    verdict = verified(out, marked.marks.identity)
    assert verdict.ours and verdict.signed and verdict.watermark and verdict.watermark.found
    edit([soft], Edit("noir"), marked, out)
    assert b"rainedAlgorithmicMedia" not in out.read_bytes()


def test_pieces() -> None:
    assert spans(60, 80, 8) == [(0, 60)]
    for count, most, shared in ((60, 25, 6), (1000, 81, 9), (26, 25, 1), (100, 4, 2)):
        made = spans(count, most, shared)
        assert made[0][0] == 0 and made[-1][1] == count
        assert all(0 < last - first <= most for first, last in made)
        assert all(before[1] - after[0] == shared for before, after in pairwise(made))


@pytest.mark.parametrize(
    ("how", "said", "hint"),
    [
        (Edit("glass", engine="auto"), "No model that makes videos over", "reelwright fetch|GPU"),
        (Edit("glass", engine="wan-1.3b"), "cannot be used here", "reelwright fetch|GPU"),
        (Edit("glass", engine="mochi"), "no model that makes videos over", "wan-1.3b"),
        (Edit("glass", engine="camera"), "no model that makes videos over", "wan-1.3b"),
        (Edit("glass", engine="nobody"), "no clip engine", ""),
        (Edit("  ", engine="wan-1.3b"), "needs words", "prompt"),
        (Edit("glass", engine="wan-1.3b", strength="wild"), "no strength", "strong|subtle|mild"),
    ],
)
def test_what_cannot_be_is_said_with_the_remedy(how: Edit, said: str, hint: str, pan: Path, out: Path, studio: Studio) -> None:
    with pytest.raises(FilmError, match=said) as told:
        edit([pan], how, studio, out)
    assert re.search(hint, told.value.hint) and not out.exists()


def test_only_who_can_is_offered(studio: Studio, negatives: Negatives) -> None:
    over, ends, anybody = (dict(at_hand(studio, way)) for way in (EVERY["edit"].way, EVERY["blend"].way, EVERY["extend"].way))
    assert "wan-1.3b" in over and "mochi" not in over and "camera" not in over, "who makes videos over"
    assert "wan-14b-i2v" in ends and "wan-1.3b" not in ends, "who finds the way between pictures"
    assert {"camera", "wan-1.3b", "mochi"} <= set(anybody) and "svd-xt" not in anybody, "who is on this machine"


# The way from one picture to another ----------------------------------------------------------------------------------


def test_a_model_finds_the_way_from_one_video_to_another(pan: Path, out: Path, tmp_path: Path, studio: Studio, negatives: Negatives) -> None:
    dark = measure.video(tmp_path / "dark.mp4", [np.full((108, 192, 3), 20, np.uint8)] * 24, RATE, *X264)
    cut = blend([pan, dark], Blend(0.5, engine="wan-14b-i2v", prompt="night falls", seed=3), studio, out)
    assert cut.frames == even(out, RATE) == 60 + 24 - 12 and "Wan 2.2" in cut.how
    given, made = seen(pan), seen(out)
    assert min(psnr(a, b) for a, b in zip(given[:48], made[:48], strict=True)) > 28, "what is there stays"
    light = [float(one.mean()) for one in made[47:61]]
    assert light[-1] < 25 and all(a >= b - 1 for a, b in pairwise(light)), "straight to the other"
    step = (light[0] - light[-1]) / 13
    assert all(abs(light[0] - k * step - one) < 1.2 * step for k, one in enumerate(light)), "neither late nor early"
    (asked,) = negatives.shots
    assert asked.frames == 14 and asked.prompt == "night falls" and asked.seed == 3
    assert b"compositeWithTrainedAlgorithmicMedia" in out.read_bytes()
    with pytest.raises(FilmError, match="no model that finds the way"):
        blend([pan, dark], Blend(engine="wan-1.3b"), studio, out)


def test_a_model_finds_the_way_back_to_the_beginning(pan: Path, out: Path, studio: Studio, negatives: Negatives) -> None:
    cut = loop([pan], Loop("normal", engine="wan-vace-1.3b", prompt="on"), studio, out)
    given, made = seen(pan), seen(out)
    assert cut.frames == 60 == len(made) and "Wan 2.1 VACE" in cut.how
    assert min(psnr(a, b) for a, b in zip(given[:48], made[:48], strict=True)) > 28
    assert psnr(made[-1], (given[0] * (12 / 13) + given[47] / 13).round()) > 24, "one step before the first picture"
    assert len(measure.sound(out)) / 48_000 == pytest.approx(2.5, abs=0.05)


@pytest.mark.parametrize("backward", [False, True])
def test_a_model_that_looks_at_several_pictures_goes_on_from_them(backward: bool, pan: Path, out: Path, studio: Studio, negatives: Negatives) -> None:
    negatives.first = True
    cut = extend([pan], Extend(1.0, "on", backward, "wan-vace-1.3b", 5), at_rate(studio, RATE), out)
    assert cut.frames == 84 and "6 " in cut.how
    given, made = seen(pan), seen(out)
    edge = given[6::-1] if backward else given[-7:]
    new = made[23::-1] if backward else made[60:]
    assert psnr(new[0], edge[0]) > 26, "the negative shows what it was given again: the first of seven comes next"
    (asked,) = negatives.shots
    assert asked.given and asked.given.first and not asked.given.last and asked.frames == 24 + 7


def test_a_model_makes_what_was_lost_for_longer(photo: Path, out: Path, tmp_path: Path, studio: Studio, negatives: Negatives) -> None:
    true = filmed(photo, 40)
    held = [true[11] if 11 < n < 21 else true[30] if n == 31 else one for n, one in enumerate(true)]
    path = measure.video(tmp_path / "held.mp4", held, RATE, *X264)
    cut = fill([path], Fill(missing=True, engine="wan-14b-i2v", prompt="on"), studio, out)
    made = seen(out)
    assert cut.frames == 40 and "Wan 2.2" in cut.how and len(negatives.shots) == 1
    assert [one.frames for one in negatives.shots] == [9 + 2], "only what was lost for long"
    assert psnr(made[11], true[11]) > 28 and psnr(made[21], true[21]) > 28 and psnr(made[35], true[35]) > 28
    away = [apart(made[n], true[11]) for n in range(12, 21)]
    assert all(a < b + 0.5 for a, b in pairwise(away)) and away[0] > 0.2, "from the one before to the one after"
    with pytest.raises(FilmError, match="A model makes what is missing"):
        fill([path], Fill(slow=2, engine="wan-14b-i2v"), studio, out)


# diffusers' own --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def small(presets: Presets, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """A studio with the presets as they are shipped, but for their weights, sizes and steps."""
    models = {}
    for name in (*V2V, "wan-14b-i2v", "ltx-2.5"):
        own = presets.models[name]
        told = dict(own.options) | {"size": [64, 64], "steps": 4, "most": 17, "fps": 12} | ({"size": [32, 32], "steps": 2} if name == "ltx-2.5" else {})
        models[name] = replace(own, repo=str(tiny_films.saved(name, tmp_path_factory.mktemp("model"))), revision="", options=told)
    crew = Crew({"edge": {"online": False}, "clips.diffusers": {"device": "cpu"}})
    yield Studio(crew, replace(presets, models=models), Vault(tmp_path_factory.mktemp("vault")), whole.ROOT / "assets" / "fonts", workers=2)
    crew.close()


@pytest.fixture(scope="module")
def short(photo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty pictures: a piece and a bit of the tiny models'."""
    return measure.video(tmp_path_factory.mktemp("short") / "short.mp4", filmed(photo, 36, (96, 64)), 18, *X264)


@pytest.mark.parametrize("name", V2V)
def test_every_such_model_makes_a_video_over(name: str, short: Path, out: Path, small: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = list[dict[str, Any]]()
    real = shots._asked
    monkeypatch.setattr(shots, "_asked", lambda *given: asked.append(made := real(*given)) or made)
    shares = list[float]()
    cut = edit([short], Edit("a red fox", engine=name, strength="mild"), small, out, shares.append)
    assert cut.frames == 36 == look(out, out.parent, "seen").frames
    assert shares == sorted(shares) and len(asked) == 2
    told = rules.options(small.presets.models[name].options)
    number = told.names.get("strength", "strength")
    assert {one[number] for one in asked} == {told.strengths["mild"]} and all("Camera" not in one["prompt"] for one in asked)
    video = asked[0].get("video") or asked[0]["latents"]
    assert len(video) == 17 or video.shape[2] == 3
    if name == "wan-vace-1.3b":
        kept = [np.asarray(one).max() == 0 for one in asked[1]["mask"]]
        assert kept == [True] * 9 + [False] * 8, "it goes on from what was made"
        colours = [np.ptp(np.asarray(one).astype(int), axis=2).max() for one in asked[1]["video"]]
        assert max(colours[9:]) == 0 < max(colours[:9]), "what is made anew is shown in grey"
    if name == "ltx":
        assert len(asked[1]["conditions"][0].video) == 9 and asked[1]["conditions"][0].frame_index == 0


@pytest.mark.parametrize("name", ["wan-14b-i2v", "wan-vace-1.3b", "ltx", "ltx-2.5"])
def test_every_such_model_leads_from_one_picture_to_another(name: str, short: Path, out: Path, small: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = list[dict[str, Any]]()
    real = shots._asked
    monkeypatch.setattr(shots, "_asked", lambda *given: asked.append(made := real(*given)) or made)
    cut = blend([short, short], Blend(0.5, engine=name, prompt="a turn"), small, out)
    assert cut.frames == 36 + 36 - 9 == look(out, out.parent, "seen").frames
    (told,) = asked
    if name == "wan-14b-i2v":
        assert apart(np.asarray(told["image"]), np.asarray(told["last_image"])) > 1
    elif name == "ltx-2.5":
        first, last = told["conditions"]
        assert (first.index, last.index) == (0, -1) and apart(np.asarray(first.frames), np.asarray(last.frames)) > 1
    elif name == "ltx":
        assert [one.frame_index for one in told["conditions"]] == [0, told["num_frames"] - 1]
    else:
        assert [np.asarray(one).max() == 0 for one in told["mask"]] == [True, *[False] * (told["num_frames"] - 2), True]


@pytest.mark.parametrize("name", ["wan-vace-1.3b", "ltx"])
def test_every_such_model_goes_on_from_several_pictures(name: str, short: Path, out: Path, small: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = list[dict[str, Any]]()
    real = shots._asked
    monkeypatch.setattr(shots, "_asked", lambda *given: asked.append(made := real(*given)) or made)
    cut = extend([short], Extend(0.5, "on", engine=name), small, out)
    assert cut.frames == 36 + 9
    kept = asked[0]["conditions"][0].video if name == "ltx" else [one for one in asked[0]["mask"] if np.asarray(one).max() == 0]
    assert len(kept) == 9


@pytest.mark.parametrize("name", ["wan-1.3b", "wan-vace-1.3b", "ltx"])
def test_where_parts_take_turns_it_is_the_same(name: str, short: Path, out: Path, small: Studio, tmp_path: Path) -> None:
    made = []
    for ways in ({}, {"offload": 1.0}):
        own = replace(small, vault=Vault(tmp_path / f"vault{len(ways)}"), presets=replace(small.presets, models={name: replace(small.presets.models[name], vram=ways)}))
        edit([short], Edit("a red fox", engine=name), own, out)
        made.append(seen(out, (96, 64)))
    assert all((a == b).all() for a, b in zip(*made, strict=True))


def test_a_stronger_change_goes_further(short: Path, out: Path, small: Studio) -> None:
    made = {}
    for strength in ("subtle", "strong"):
        edit([short], Edit("a red fox", engine="wan-1.3b", strength=strength), small, out)
        made[strength] = seen(out, (96, 64))
    assert apart(made["subtle"][4], made["strong"][4]) > 1
