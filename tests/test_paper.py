"""The storyboard: every scene's picture, words and move on paper, in any script, on as many pages as it takes."""

from __future__ import annotations

import resource
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pypdfium2
import pytest
from PIL import Image

from pipelines import board, paper, printer
from pipelines.darkroom import Darkroom
from pipelines.presets import Presets
from pipelines.stage import Studio
from pipelines.story import Story, read
from pipelines.work import FilmError
from studio import cli


def told(presets: Presets, rows: list[dict[str, Any]], **said: Any) -> Story:
    return read({"title": "On paper", "size": "320x180", "scenes": rows} | said, presets, Path("/"))


def texts(path: Path) -> list[str]:
    document = pypdfium2.PdfDocument(path)
    try:
        return [page.get_textpage().get_text_range() for page in document]
    finally:
        document.close()


def panel(number: int, **said: Any) -> paper.Panel:
    made = paper.Panel(number, b"", (160, 90), None, "Words are said.", "Something is seen.", "zoom in", 4.0, False, "Calm", "Fade")
    return replace(made, **said)


def test_a_storyboard_tells_everything_of_a_scene_as_text(presets: Presets, studio: Studio, photo: Path, tmp_path: Path) -> None:
    rows = [
        {"image": str(photo), "narration": "The river wakes.", "clip_action": "slow zoom in", "duration": 5, "music_mood": "tense"},
        {"prompt": "a lighthouse in a storm", "transition": "fade"},
    ]
    out = tmp_path / "sheet.pdf"
    assert board.sheet(told(presets, rows), studio, out) == [out]
    (page,) = texts(out)
    for words in ("On paper", "2 scenes", "The river wakes.", "slow zoom in", "5 s", "Tense", "Crossfade", "a lighthouse in a storm", "sketch", "1 / 1"):
        assert words in page, words
    assert page.count("sketch") == 1, "only what was drawn for want of a picture"


def test_scripts_are_laid_as_they_are_read(presets: Presets, studio: Studio, photo: Path, tmp_path: Path) -> None:
    rows = [{"image": str(photo), "narration": said} for said in ("שלום עולם", "夜の海辺に、灯台が立っています。", "नमस्ते", "مرحبا (واحد) abc")]
    out = tmp_path / "sheet.pdf"
    board.sheet(told(presets, rows), studio, out, columns=1)
    page = texts(out)[0]
    for words in ("שלום עולם", "夜の海辺に", "नमस्ते", "abc"):
        assert words in page
    marks = paper.page(paper.Plan("x", paper.PAPERS["a4"], 2, 16 / 9, 1, 4.0), 1, [panel(1, narration="שלום עולם")])
    (line,) = [mark for mark in marks if isinstance(mark, paper.Text) and "שלום" in mark.text]
    assert line.right and line.rtl and line.x > 100


def test_a_line_breaks_where_its_script_allows() -> None:
    plan = paper.Plan("x", paper.PAPERS["a4"], 3, 16 / 9, 1, 4.0)
    said = "夜の海辺に、小さな灯台が立っています。嵐の中でも、その光は消えません。" * 3
    lines = [mark.text for mark in paper.page(plan, 1, [panel(1, narration=said, prompt="")]) if isinstance(mark, paper.Text)]
    body = [line for line in lines if "灯" in line or "嵐" in line or "光" in line]
    assert len(body) > 2 and not any(line[0] in "、。" for line in body)


@pytest.mark.parametrize("columns", [1, 2, 3])
@pytest.mark.parametrize("name", ["a4", "letter"])
@pytest.mark.parametrize("aspect", [16 / 9, 9 / 16, 1.0])
def test_nothing_leaves_the_page_or_its_panel(columns: int, name: str, aspect: float) -> None:
    size = paper.PAPERS[name]
    plan = paper.Plan("A title that is much too long for any page " * 4, size, columns, aspect, 50, 400.0, 40.0)
    many = [panel(k, narration="Words go on and on. " * 80, frames=(((0, 0), (1, 0), (1, 1), (0, 1)), ((0.2, 0.2), (0.8, 0.2), (0.8, 0.8), (0.2, 0.8)))) for k in range(1, plan.rows * plan.columns + 1)]
    marks = paper.page(plan, 1, many)
    assert plan.pages * plan.rows * plan.columns >= 50
    for mark in marks:
        if isinstance(mark, paper.Text):
            wide = paper._wide(mark.text, mark.size, mark.bold)
            left = mark.x - wide if mark.right else mark.x
            assert left >= paper.MARGIN - 0.1 and left + wide <= size.width - paper.MARGIN + 0.1, mark
            assert 0 < mark.y < size.height - 8
    photos = [mark for mark in marks if isinstance(mark, paper.Photo)]
    bottoms = [mark.y for mark in marks if isinstance(mark, paper.Text) and mark.text.startswith("Words")]
    assert len(photos) == len(many) and max(bottoms) < size.height - paper.MARGIN - paper.FOOT + 1
    assert any(isinstance(mark, paper.Text) and mark.text.endswith("…") for mark in marks), "what is left out is seen to be"


def test_the_frames_are_where_the_film_begins_and_ends(presets: Presets, studio: Studio, photo: Path) -> None:
    story = told(presets, [{"image": str(photo), "clip_action": "pan right", "duration": 4}, {"image": str(photo), "clip_action": "static"}])
    with closing(Darkroom()) as darkroom:
        moved, still = (board.panel(story, i, 2, studio, darkroom) for i in (0, 1))
    assert moved.frames and not still.frames
    first, last = (np.array(corners) for corners in moved.frames)
    assert (last - first)[:, 0].min() > 0.03 and np.abs((last - first)[:, 1]).max() < 1e-6
    assert first.min() > -1e-6 and last.max() < 1 + 1e-6


def test_pictures_of_the_pages(presets: Presets, studio: Studio, photo: Path, tmp_path: Path) -> None:
    rows = [{"image": str(photo), "narration": f"Scene {k}."} for k in range(1, 9)]
    made = board.sheet(told(presets, rows), studio, tmp_path / "sheet.png", columns=2, paper="letter")
    assert [path.name for path in made] == ["sheet-1.png", "sheet-2.png"]
    with Image.open(made[0]) as page:
        assert np.allclose(page.size, np.array((215.9, 279.4)) * printer.DPI / 25.4, atol=1.1)
        assert np.asarray(page.convert("L")).std() > 20


def test_many_scenes_take_no_more_memory_than_a_page(presets: Presets, studio: Studio, photo: Path, tmp_path: Path) -> None:
    def grown(count: int) -> float:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        story = told(presets, [{"image": str(photo), "narration": f"This is scene {k}."} for k in range(count)])
        board.sheet(story, studio, tmp_path / "sheet.pdf", columns=3)
        return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024

    grown(10)
    assert grown(150) < 30
    pages = texts(tmp_path / "sheet.pdf")
    assert f"1 / {len(pages)}" in pages[0] and "This is scene 149." in pages[-1]


def test_the_command_line_makes_one_or_says_why_not(photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("REELWRIGHT_DATA", str(tmp_path / "data"))
    story = tmp_path / "story.csv"
    story.write_text("prompt,narration\na boat on a lake,Off we go.\n", "utf-8")
    assert cli.main(["sheet", str(story), "-o", str(tmp_path / "s.pdf"), "--columns", "1"]) == 0
    assert "Off we go." in texts(tmp_path / "s.pdf")[0]
    assert cli.main(["sheet", str(story), "-o", str(tmp_path / "s.docx")]) == 1
    assert ".pdf or .png" in capsys.readouterr().err


def test_cards_are_shown_as_the_film_shows_them(presets: Presets, studio: Studio, tmp_path: Path) -> None:
    story = told(presets, [{"card": "title", "prompt": "The Long Way Home"}, {"prompt": "a lake", "clip_action": "[0s] zoom in [2s] pan left"}])
    with closing(Darkroom()) as darkroom:
        title, lake = (board.panel(story, i, 2, studio, darkroom) for i in (0, 1))
    assert not title.drawn and title.frames is None and not title.about and title.seconds == 4
    assert lake.drawn == "sketch" and lake.frames


def test_what_cannot_be_made_is_said(presets: Presets, studio: Studio, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no picture")
    with pytest.raises(FilmError, match="scene 1, image"):
        board.sheet(told(presets, [{"image": str(broken)}]), studio, tmp_path / "s.pdf")
    assert not (tmp_path / "s.pdf").exists()
    with pytest.raises(FilmError, match="columns"):
        board.sheet(told(presets, [{"prompt": "x"}]), studio, tmp_path / "s.pdf", columns=4)
