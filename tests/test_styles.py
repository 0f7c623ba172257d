"""A picture as if drawn or painted: the same every time, of the same shape, and in the film where a scene asks for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from pipelines import preview, styles
from pipelines.album import styled
from pipelines.darkroom import Darkroom, negative
from pipelines.presets import Presets
from pipelines.stage import Studio
from pipelines.story import read
from pipelines.vault import Vault
from pipelines.work import FilmError
from studio import cli

from . import whole

Bytes = NDArray[np.uint8]
NAMES = ("sketch", "ink", "watercolour", "poster", "pixel", "cel")
STILL = Path(__file__).parents[1] / "assets" / "stills" / "green-heron.jpg"


@pytest.fixture(scope="module")
def heron() -> Bytes:
    whole_picture = cv2.imread(str(STILL))
    return np.asarray(cv2.resize(whole_picture, (480, 270), interpolation=cv2.INTER_AREA), np.uint8)


@pytest.fixture(scope="module")
def drawn(heron: Bytes, presets: Presets) -> dict[str, Bytes]:
    return {name: styles.styled(heron, style) for name, style in presets.styles.items() if style.how != "model"}


def colours(picture: Bytes) -> int:
    return len(np.unique(picture.reshape(-1, 3), axis=0))


def test_every_style_is_there_and_tells_what_it_is(presets: Presets, drawn: dict[str, Bytes]) -> None:
    assert set(NAMES) <= set(presets.styles) and all(one.label and one.what for one in presets.styles.values())
    assert set(styles.HOW) | {"model"} == {one.how for one in presets.styles.values()}
    assert all(one.prompt for one in presets.styles.values()), "a model can be asked for any of them"


@pytest.mark.parametrize("name", NAMES)
def test_a_style_is_the_same_every_time_and_still_shows_the_picture(name: str, heron: Bytes, drawn: dict[str, Bytes], presets: Presets) -> None:
    made = drawn[name]
    assert made.shape == heron.shape and made.dtype == np.uint8
    assert np.array_equal(made, styles.styled(heron.copy(), presets.styles[name]))
    assert np.abs(made.astype(int) - heron).mean() > 4, "it changes something"
    soft = [cv2.GaussianBlur(cv2.cvtColor(one, cv2.COLOR_BGR2GRAY), (0, 0), 8).astype(float).ravel() for one in (made, heron)]
    assert np.corrcoef(*soft)[0, 1] > 0.5, "light is light and dark is dark"


def test_each_style_is_what_it_says(heron: Bytes, drawn: dict[str, Bytes], presets: Presets) -> None:
    for name in ("sketch", "ink"):
        spread = drawn[name].astype(int).max(-1) - drawn[name].astype(int).min(-1)
        assert spread.max() < 30, f"{name} has no colours"
    assert np.mean((drawn["ink"] < 70).all(-1) | (drawn["ink"] > 180).all(-1)) > 0.7, "ink is black on white"
    assert colours(drawn["pixel"]) <= presets.styles["pixel"].colours
    flat = drawn["poster"]
    assert np.mean(np.abs(np.diff(flat.astype(int), axis=1)).max(-1) < 6) > 0.8, "flat colours"
    side = next(k for k in range(1, 30) if not np.array_equal(drawn["pixel"][:, 0], drawn["pixel"][:, k]))
    blocks = drawn["pixel"][: 270 // side * side, : 480 // side * side].reshape(270 // side, side, 480 // side, side, 3)
    assert side >= 2 and (blocks == blocks[:, :1, :, :1]).all(), "whole squares"


@pytest.mark.parametrize("shape", [(8, 8), (3, 400), (400, 3), (1, 1)])
@pytest.mark.parametrize("value", [0, 128, 255])
def test_no_picture_is_too_small_or_too_plain(shape: tuple[int, int], value: int, presets: Presets) -> None:
    picture = np.full((*shape, 3), value, np.uint8)
    for name, style in ((name, one) for name, one in presets.styles.items() if one.how != "model"):
        assert styles.styled(picture, style).shape == picture.shape, name


def test_a_styled_picture_is_made_once_and_again_when_the_style_changes(presets: Presets, vault: Vault, room: Darkroom, photo: Path) -> None:
    developed = room.develop(photo, (320, 180), vault)
    assert styled(developed, "", presets, vault) is developed
    first, again, other = (styled(developed, name, presets, vault) for name in ("poster", "poster", "ink"))
    assert not first.reused and again.reused and again.path == first.path != other.path
    one, two = negative(developed), negative(first)
    assert (two.size, two.width, two.height, two.focus) == (one.size, one.width, one.height, one.focus)
    with pytest.raises(FilmError, match="picture style"):
        styled(developed, "crayon", presets, vault)


def test_the_film_and_its_preview_show_the_style(presets: Presets, studio: Studio, photo: Path, room: Darkroom, tmp_path: Path) -> None:
    def story(**scene: Any) -> Any:
        row = {"image": str(photo), "duration": 1, "clip_action": "static"} | scene
        return read({"size": "192x108", "fps": 6, "music": "none", "captions": "none", "scenes": [row]}, presets, Path("/"))

    made = whole.make(story(picture_style="Pixel"), studio, tmp_path / "pixel.mp4")
    plain = whole.make(story(), studio, tmp_path / "plain.mp4")
    assert made.path.read_bytes() != plain.path.read_bytes()
    seen = []
    for one in (story(picture_style="pixel"), story()):
        with Image.open(preview.still(one, 0, studio, room, 192).path) as image:
            seen.append(np.asarray(image.convert("RGB"), int))
    assert np.abs(seen[0] - seen[1]).mean() > 3
    unstyled = whole.make(story(image="", prompt="a lake", engine="sketch", picture_style="ink"), studio, tmp_path / "sketch.mp4")
    assert any("picture style" in said for said in unstyled.warned)
    with pytest.raises(FilmError) as caught:
        story(picture_style="watercolor")
    assert "watercolour" in caught.value.faults[0].hint


def test_the_command_line_draws_a_picture(photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("REELWRIGHT_DATA", str(tmp_path / "data"))
    out = tmp_path / "drawn.png"
    assert cli.main(["style", str(photo), "--as", "sketch", "-o", str(out)]) == 0
    with Image.open(photo) as given, Image.open(out) as image:
        assert abs(image.width - given.width) <= 1 and abs(image.height - given.height) <= 1
    assert cli.main(["style", str(photo), "--as", "sketchy", "-o", str(out)]) == 1
    assert "Did you mean sketch?" in capsys.readouterr().err
    assert cli.main(["style", str(photo), "--as", "ink", "-o", str(tmp_path / "x.gif")]) == 1
