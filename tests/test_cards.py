"""Cards, credits, lower thirds and the logo, as somebody who watches finds them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from pipelines import titles, vault
from pipelines.cast import cast
from pipelines.clips.card import Engine
from pipelines.crew import Crew
from pipelines.lettering import broken, letters
from pipelines.moves import read as moved
from pipelines.plan import Card, Frame, Shot
from pipelines.presets import Presets
from pipelines.render import Studio
from pipelines.story import read
from pipelines.subtitles import ass
from pipelines.timeline import Banner, Caption, Word
from pipelines.work import FilmError

from . import measure, whole

SIZES = ((320, 180), (180, 320), (256, 256), (3840, 2160))
HEADINGS = (
    "All the Way to the Sea",
    "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichen",
    "الطريق إلى البحر",
    "一路到海边的漫长旅程与回忆的故事 🌊",
    "A very long heading that goes on and on, about nothing at all, until somebody has had enough of it and leaves the room",
)


def shot(presets: Presets, card: Card, size: tuple[int, int] = (320, 180), frames: int = 48) -> Shot:
    camera = moved("static", 4.0, presets.moves, 1).camera
    return Shot("", None, camera, frames, Frame(*size, Fraction(24)), "cover", 1, card=card)


def drawn(one: Shot, at: int) -> np.ndarray:
    """The luma of one frame."""
    return next(iter(Engine().footage(one, None).frames(at, 1)))[: one.frame.height].copy()


def inked(luma: np.ndarray) -> tuple[int, int, int, int]:
    """First and last row, first and last column that letters are in."""
    rows, columns = np.flatnonzero((luma > 130).any(1)), np.flatnonzero((luma > 130).any(0))
    return rows[0], rows[-1], columns[0], columns[-1]


# What a card says


def told(presets: Presets, **scene: Any) -> Any:
    return read({"title": "The Sea", "scenes": [scene]}, presets)


def test_a_title_is_the_prompts_lines_or_the_storys_name(presets: Presets) -> None:
    one = titles.card(told(presets, card="Title", prompt="To the sea | A film by Anna\nand Tom"), 0, {})
    assert one == Card("title", "To the sea", (("A film by Anna",), ("and Tom",)), 0)
    bare = titles.card(told(presets, card="title"), 0, {})
    assert bare and (bare.heading, bare.lines) == ("The Sea", ())
    assert titles.card(told(presets, prompt="a sea"), 0, {}) is None


def test_credits_add_who_made_what_and_leave_out_who_made_nothing(presets: Presets) -> None:
    story = told(presets, card="credits", prompt="Thank you\nWords | Anna | Tom\nTo my cat")
    made = {"clips": "Camera, Sketch, drawn by rule (no model)", "voice": "none", "music": "Bandstand"}
    one = titles.card(story, 0, made)
    assert one and one.heading == "Thank you"
    assert one.lines == (
        ("Words", "Anna", "Tom"), ("To my cat",), ("Moving pictures", "Camera, Sketch, drawn by rule (no model)"), ("Music", "Bandstand"), titles.MADE_WITH,
    )  # fmt: skip
    assert not titles.said(told(presets, card="credits", prompt="Words | Anna").scenes[0])[0], "a line of two parts is no heading"


def test_credits_name_the_licence_of_the_music_where_it_has_one(presets: Presets) -> None:
    made = {"music": "MusicGen", "voice": "none"}
    assert "not for commercial films" in titles.licensed(made, "musicgen", presets)["music"]
    assert titles.licensed(made, "bandstand", presets) == made


@pytest.mark.parametrize(("card", "prompt", "said"), [("title", "x" * 601, "601"), ("credits", "a | b\n" * 121, "121 lines")])
def test_what_is_too_much_for_a_card_is_told_before_any_work(presets: Presets, card: str, prompt: str, said: str) -> None:
    with pytest.raises(FilmError) as error:
        cast(told(presets, card=card, prompt=prompt), Crew({"edge": {"online": False}}), presets, lambda _warned: None)
    assert said in str(error.value) and error.value.faults[0].where == "scenes[0].prompt"


def test_a_card_needs_no_picture_takes_none_of_the_folder_and_lasts_until_it_is_read(presets: Presets, tmp_path: Path) -> None:
    from pipelines.story_files import load

    whole.pictures(tmp_path, 1)
    (tmp_path / "a.csv").write_text("card,prompt\ntitle,Hello\n,a sea\n", "utf-8")
    scenes = load(tmp_path / "a.csv", presets).scenes
    assert [scene.image and scene.image.name for scene in scenes] == [None, "p1.png"]
    assert titles.shortest(scenes[0], 3.0) == 4.0 and titles.shortest(scenes[1], 3.0) == 3.0
    many = told(presets, card="credits", prompt="\n".join(f"Part {i} | Somebody" for i in range(30))).scenes[0]
    assert titles.shortest(many, 3.0) > 20


@pytest.mark.parametrize(("field", "value", "said"), [
    ("card", "poster", "title, credits"), ("lower_third", "x" * 201, "201"), ("motion_intensity", 1.5, "0 to 1"),
    ("negative_prompt", "x" * 2001, "2,001"),
])  # fmt: skip
def test_what_does_not_fit_is_told_at_its_scene(presets: Presets, field: str, value: Any, said: str) -> None:
    with pytest.raises(FilmError) as error:
        told(presets, prompt="a sea", **{field: value})
    fault = error.value.faults[0]
    assert fault.where == f"scenes[0].{field}" and said in str(fault)


# How it is drawn


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_headings_of_any_script_stand_whole_inside_every_frame(presets: Presets, size: tuple[int, int]) -> None:
    wide, high = size
    for heading in HEADINGS[: 1 if wide > 1000 else None]:
        luma = drawn(shot(presets, Card("title", heading, (("A film by nobody in particular",),)), size), 40)
        top, bottom, left, right = inked(luma)
        assert 0.04 * high < top and bottom < 0.96 * high, heading
        assert 0.05 * wide < left and right < 0.95 * wide, heading
        assert abs((left + right) / 2 - wide / 2) < 0.04 * wide, "in the middle"


def test_words_come_up_and_then_stand_still(presets: Presets) -> None:
    one = shot(presets, Card("title", "Hello", (("there",),)))
    lights = [int((drawn(one, at) > 150).sum()) for at in (0, 8, 20, 47)]
    assert lights[0] == 0 < lights[1] <= lights[2] == lights[3]
    assert (drawn(one, 24) == drawn(one, 47)).all()


def test_credits_that_fit_stand_and_long_ones_roll_up_softly(presets: Presets) -> None:
    few, many = (Card("credits", "Credits", tuple((f"Part {i}", f"Somebody {i}") for i in range(count))) for count in (3, 40))
    still = shot(presets, few)
    assert (drawn(still, 30) == drawn(still, 47)).all()
    rolls = shot(presets, many, frames=480)
    a, b = drawn(rolls, 200).astype(int), drawn(rolls, 201).astype(int)
    assert (a != b).any()
    assert (drawn(rolls, 200)[:10] < 60).all(), "nothing at the frame's edge"
    assert any((drawn(rolls, at) > 130).any() for at in (0, 1)) and (drawn(rolls, 479) > 130).any()


def test_a_narrow_frame_has_what_above_who_and_a_wide_one_side_by_side(presets: Presets) -> None:
    from pipelines.clips._letterpress import listed

    card = Card("credits", "", (("Words", "Anna"),))
    wide, tall = listed(card, 640, 360).lines, listed(card, 360, 640).lines
    assert wide[0].y == wide[1].y and wide[0].x < wide[1].x
    assert tall[0].y < tall[1].y and tall[0].x == tall[1].x


def test_behind_words_a_picture_is_darker(presets: Presets, photo: Path, room: Any, vault: vault.Vault) -> None:
    from pipelines.darkroom import negative

    seen = negative(room.develop(photo, (960, 540), vault))
    one = shot(presets, Card("title", "Hi", ()))
    over = next(iter(Engine().footage(one, seen).frames(47, 1)))[:180]
    assert 20 < over[:30].mean() < 80 < seen.planes()[0].mean()
    assert over.max() > 200


def test_a_cards_recipe_is_what_it_says(presets: Presets) -> None:
    engine, one = Engine(), shot(presets, Card("title", "Hello", ()))
    same = vault.plain(engine.recipe(one))
    assert vault.plain(engine.recipe(replace(one, prompt="other", seed=9))) == same
    assert vault.plain(engine.recipe(replace(one, card=Card("title", "Bye", ())))) != same


def test_a_video_behind_a_card_is_refused_at_its_image(presets: Presets, tmp_path: Path) -> None:
    clip = measure.video(tmp_path / "a.mp4", [np.zeros((32, 32, 3), np.uint8)] * 3, 12)
    asked = read({"scenes": [{"card": "title", "prompt": "Hi", "image": clip}]}, presets)
    with pytest.raises(FilmError) as error:
        cast(asked, Crew({"edge": {"online": False}}), presets, lambda _warned: None)
    assert error.value.faults[0].where == "scenes[0].image"


def test_lines_are_even_and_only_what_cannot_fit_is_cut() -> None:
    lines, cut = broken("one two three four five six", 9.0)
    assert len(lines) == 2 and not cut and abs(len(lines[0]) - len(lines[1])) < 6
    assert broken("x" * 60, 10.0)[1] and not broken("安娜伯格安娜伯格安娜", 5.0)[1]
    assert " ".join(broken("one two", 100.0)[0]) == "one two"
    assert broken("", 5.0) == ([], False)


def test_nothing_that_is_written_becomes_a_command() -> None:
    said = re.sub(r"\{\\fn[^}]*\}", "", letters("a {\\b1} \\N b", True))
    assert "{\\b1}" not in said.replace("\\{", "") and "\\N" not in said


# Lower thirds


def banner(said: tuple[str, ...], presets: Presets, style: str = "plain", size: tuple[int, int] = (320, 180), captions: bool = True) -> list[str]:
    shown = [Caption(0.0, 3.0, ((Word("Hello", 0.0, 1.0),), (Word("there", 1.0, 2.0),)), 0)] if captions else []
    script = ass(shown, presets.captions[style], *size, 0.0, 3.0, Fraction(24), [Banner(0.5, 2.5, said, 0)])
    return [line for line in script.splitlines() if line.startswith("Dialogue")]


@pytest.mark.parametrize("size", [(320, 180), (180, 320), (256, 256), (3840, 2160)])
def test_a_lower_third_stands_above_the_captions_and_inside_the_frame(presets: Presets, size: tuple[int, int]) -> None:
    for style, kind in presets.captions.items():
        lines = banner(("Anna Berg", "Marine biologist at the Institute of Very Long Names"), presets, style, size)
        box = next(line for line in lines if ",Lower," in line and "\\p1" in line)
        x, y, across, down = (float(one) for one in re.search(r"pos\((\d+),(\d+)\).*m 0 0 l (\d+) 0 \d+ (\d+)", box).groups())  # type: ignore[union-attr]
        assert x >= 0 and x + across <= size[0] and y > 0 and y + down < size[1]
        if kind.place == "bottom":
            foot = float(re.search(r",Text,.*?pos\([\d.]+,([\d.]+)\)", next(line for line in lines if ",Text," in line))[1])  # type: ignore[index]
            assert y + down < foot - 2 * kind.size * min(size) * 1.2, style


def test_a_lower_third_comes_and_goes_softly_and_is_mirrored_where_one_reads_from_the_right(presets: Presets) -> None:
    left, right = banner(("Anna",), presets)[0], banner(("آنا بيرغ",), presets)[0]
    assert "\\fad(" in left
    assert float(re.search(r"pos\((\d+)", left)[1]) < 60 < 100 < float(re.search(r"pos\((\d+)", right)[1])  # type: ignore[index]
    hostile = "".join(banner(("{\\pos(0,0)}Anna\\N",), presets, captions=False))
    assert "{\\pos(0,0)}" not in hostile.replace("\\{", "")


def test_without_lower_thirds_captions_are_what_they_were(presets: Presets) -> None:
    shown = [Caption(0.0, 3.0, ((Word("Hello", 0.0, 1.0),),), 0)]
    assert ass(shown, presets.captions["plain"], 320, 180, 0.0, 3.0) == ass(shown, presets.captions["plain"], 320, 180, 0.0, 3.0, banners=[Banner(5.0, 6.0, ("x",), 0)])
    assert "Lower" not in ass(shown, presets.captions["plain"], 320, 180, 0.0, 3.0)


def test_a_card_is_seen_before_anything_is_made(presets: Presets, folder: Path, shared: Studio, room: Any) -> None:
    from pipelines.preview import still

    seen = still(film(presets, folder, look="none"), 0, shared, room, wide=320)
    with Image.open(seen.path) as picture:
        light = np.asarray(picture.convert("L"))
    assert seen.notes["picture"] and (light > 200).sum() > 100 and np.median(light) < 60


# The whole film


SCENES = [
    {"image": None, "card": "title", "prompt": "The Sea | A test", "duration": 1.2},
    {"image": "p1.png", "duration": 3.4, "clip_action": "static", "lower_third": "Anna Berg | Biologist"},
    {"image": None, "card": "credits", "prompt": "Thank you\nWords | Anna", "duration": 1.2},
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = whole.pictures(tmp_path_factory.mktemp("pictures"), 1)
    mark = Image.new("RGBA", (400, 200), (0, 255, 0, 0))  # what is unseen is green
    ImageDraw.Draw(mark).rectangle((0, 0, 199, 199), fill=(255, 0, 0, 255))
    mark.save(made / "logo.png")
    (made / "fake.png").write_text("#EXTM3U\nfile:///etc/hostname\n", "utf-8")
    return made


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, presets: Presets) -> Iterator[Studio]:
    with whole.studio(presets, tmp_path_factory.mktemp("shared") / "vault") as studio:
        yield studio


def film(presets: Presets, folder: Path, scenes: Any = SCENES, **said: Any) -> Any:
    usual = {"transition": "slide_left", "transition_seconds": 0.4, "captions": "none", "fps": 12, "look": "noir"}
    rows = [{name: value for name, value in scene.items() if value is not None} for scene in scenes]
    return read({"title": "A test", "size": "320x180", "music": "none", "scenes": rows} | usual | said, presets, folder)


@pytest.fixture(scope="module")
def plain(presets: Presets, folder: Path, shared: Studio, tmp_path_factory: pytest.TempPathFactory) -> whole.Shown:
    return whole.make(film(presets, folder), shared, tmp_path_factory.mktemp("out") / "plain.mp4")


@pytest.fixture(scope="module")
def marked(presets: Presets, folder: Path, shared: Studio, plain: whole.Shown, tmp_path_factory: pytest.TempPathFactory) -> whole.Shown:
    return whole.make(film(presets, folder, logo="logo.png", logo_opacity=0.5), shared, tmp_path_factory.mktemp("out") / "marked.mp4")


def test_a_film_with_cards_says_so_and_its_lower_third_is_seen_in_its_time(plain: whole.Shown) -> None:
    assert [scene["engine"] for scene in plain.timeline["scenes"]] == ["card", "camera", "card"]
    assert plain.film.engines["clips"] == "Camera over a still picture"
    banner = plain.timeline["lower_thirds"][0]
    assert banner["lines"] == ["Anna Berg", "Biologist"] and banner["scene"] == 2
    seen = [np.frombuffer(frame, np.uint8).reshape(180, 320).astype(int) for frame in measure.frames(plain.path, (320, 180), "gray")]
    now, before = seen[round((banner["start"] + banner["end"]) / 2 * 12)], seen[round(banner["start"] * 12) - 2]
    changed = np.abs(now - before) > 25
    rows = np.flatnonzero(changed.any(1))
    assert rows.size and rows[0] > 90, "the lower part alone"
    assert (seen[6][40:150] > 200).any(), "the title's letters"


def test_another_heading_makes_that_card_anew_and_nothing_else(plain: whole.Shown, presets: Presets, folder: Path, shared: Studio, tmp_path: Path) -> None:
    scenes = [SCENES[0] | {"prompt": "The Ocean"}, *SCENES[1:]]
    again = whole.make(film(presets, folder, scenes), shared, tmp_path / "again.mp4")
    assert again.made["film"] == [1, 1], "its body and where it turns into the next"
    assert set(again.made) <= {"film", "join"}


def colours(path: Path) -> list[np.ndarray]:
    return [np.frombuffer(frame, np.uint8).reshape(180, 320, 3).astype(int) for frame in measure.frames(path, (320, 180), "rgb24")]


def test_the_logo_stays_in_its_corner_while_scenes_turn_and_keeps_its_colours(marked: whole.Shown, plain: whole.Shown) -> None:
    with_, without = colours(marked.path), colours(plain.path)
    assert len(with_) == len(without)
    boxes = []
    for one, other in zip(with_, without, strict=True):
        red = one[..., 0] - one[..., 1] > 60
        rows, columns = np.flatnonzero(red.any(1)), np.flatnonzero(red.any(0))
        boxes.append((rows[0], rows[-1], columns[0], columns[-1]))
        away = np.abs(one - other)[60:, :200]
        assert np.percentile(away, 99) < 12, "elsewhere nothing changes"
    top, bottom, left, right = boxes[0]
    assert all(max(abs(a - b) for a, b in zip(box, boxes[0], strict=True)) <= 2 for box in boxes)
    assert top < 20 and left > 220 and bottom - top > 12
    unseen = with_[6][top + 2 : bottom - 2, right + 4 : right + 4 + (right - left) // 2] - without[6][top + 2 : bottom - 2, right + 4 : right + 4 + (right - left) // 2]
    assert np.abs(unseen).mean() < 6, "what is transparent hides nothing and bleeds no green"
    inside = with_[6][top + 4 : bottom - 4, left + 4 : right - 4].mean((0, 1)) - without[6][top + 4 : bottom - 4, left + 4 : right - 4].mean((0, 1))
    assert 90 < inside[0] < 140, "half of it"


def test_where_the_logo_lies_on_somebodys_disk_is_not_told(marked: whole.Shown, folder: Path) -> None:
    tags, _ = whole.metadata(marked.path)
    assert "logo.png" not in tags["synopsis"] and str(folder) not in tags["synopsis"]


def test_a_logo_that_is_no_picture_is_refused_by_name(presets: Presets, folder: Path, shared: Studio, tmp_path: Path) -> None:
    with pytest.raises(FilmError, match="logo") as error:
        whole.make(film(presets, folder, logo="fake.png"), shared, tmp_path / "a.mp4")
    assert error.value.where == "logo" and not (tmp_path / "a.mp4").exists()
    with pytest.raises(FilmError) as missing:
        film(presets, folder, logo="../logo.png")
    assert missing.value.faults[0].where == "logo"
