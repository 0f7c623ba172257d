"""Beside the film itself, in a real browser: videos made over, words for a prompt, cards, templates, the storyboard on paper."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pipelines import mp4
from tests.studio_process import StudioProcess
from tests.test_page import (
    LONG,
    Open,
    bring,
    browser,
    expect,
    fetched,
    film,
    opened,
    pick,
    pictures,
    pytestmark,
    row,
    status,
    story,
    studio,
    tab,
)

__all__ = ["browser", "opened", "pictures", "pytestmark", "studio"]


def test_a_film_is_made_over_and_becomes_a_scene(opened: Open, studio: StudioProcess, pictures: list[Path], tmp_path: Path) -> None:
    page = opened()
    bring(page, story(tmp_path, 2), *pictures[:2])
    film(page)
    tab(page, "Video")
    expect(page.get_by_label("The film", exact=True)).to_be_checked()
    page.locator("#edit-prompt textarea").fill("half speed, backwards")
    page.locator("#video-go").click()
    page.locator("#video-player video").wait_for(timeout=LONG)
    expect(page.locator("#video-lines")).to_contain_text("pace")
    made = fetched(page, lambda: page.locator("#video-links .l-link").click())
    assert mp4.count(made) == 48, "24 pictures, at half the pace"
    page.locator("#video-add").click()
    expect(page.locator(".b-row")).to_have_count(3)
    film(page)
    status(page, 3, "Ready")
    page.reload()
    tab(page, "Video")
    page.locator("#video-player video").wait_for(timeout=LONG)


def test_a_video_of_ones_own_and_one_that_is_none(opened: Open, pictures: list[Path], tmp_path: Path) -> None:
    page = opened()
    bring(page, pictures[0])
    tab(page, "Video")
    page.locator("#video-go").click()
    expect(page.locator(".toast-body")).to_contain_text("no video yet")
    fake = tmp_path / "clip.mp4"
    fake.write_bytes(b"<html>")
    page.locator("#own-video input[type=file]").set_input_files(str(fake))
    expect(page.locator("#own-video")).to_contain_text("clip")
    page.locator("#edit-speed input").first.fill("2")
    page.locator("#video-go").click()
    expect(page.locator("#video-lines .l-fault")).to_contain_text("not a video", timeout=LONG)


def test_a_phrase_is_added_to_the_prompt(opened: Open) -> None:
    page = opened()
    page.locator(".b-zero textarea").fill("A red boat on a lake")
    page.get_by_role("button", name="Turn into scenes").click()
    pick(page, 1)
    chip = page.locator("#lacks label").first
    words = chip.inner_text().removeprefix("+ ")
    chip.click()
    expect(page.locator("#prompt textarea")).to_have_value(f"A red boat on a lake, {words}")
    expect(row(page, 1).locator(".b-prompt")).to_contain_text(words)


def test_a_card_and_a_name_below(opened: Open, pictures: list[Path], tmp_path: Path) -> None:
    page = opened()
    bring(page, story(tmp_path, 2), *pictures[:2])
    pick(page, 1)
    page.get_by_text("More about this scene").click()
    page.locator("#lower-third input, #lower-third textarea").first.fill("Anna Berg | Marine biologist")
    page.keyboard.press("Tab")
    page.locator(".b-add").click()
    pick(page, 3)
    page.locator("#prompt textarea").fill("The end")
    page.keyboard.press("Tab")
    page.locator("#card input").click()
    page.get_by_role("option", name="Title card").click()
    film(page)
    status(page, 3, "Ready")


def test_gaps_of_a_template_are_filled_in(opened: Open, tmp_path: Path) -> None:
    told: dict[str, Any] = {"title": "{{name}}", "scenes": [{"prompt": "A {{what|boat}} at sea", "narration": "Hello {{name}}."}]}
    path = tmp_path / "template.json"
    path.write_text(json.dumps(told), "utf-8")
    page = opened()
    bring(page, path)
    tab(page, "Story")
    page.get_by_text("Fill in a template").click()
    cell = page.locator("#gap-values [data-row='0'][data-col='1']")
    cell.dblclick()
    page.keyboard.type("Anna")
    page.keyboard.press("Enter")
    page.locator("#gaps-fill").click()
    expect(page.locator("#title input, #title textarea").first).to_have_value("Anna")
    expect(row(page, 1).locator(".b-prompt")).to_contain_text("A boat at sea")


def test_the_storyboard_on_paper(opened: Open, pictures: list[Path], tmp_path: Path) -> None:
    page = opened()
    bring(page, story(tmp_path, 2), *pictures[:2])
    tab(page, "Film")
    assert fetched(page, lambda: page.locator("#paper").click()).read_bytes().startswith(b"%PDF")


def test_any_file_is_looked_into(opened: Open, pictures: list[Path], tmp_path: Path) -> None:
    page = opened()
    bring(page, story(tmp_path, 1), pictures[0])
    film(page)
    expect(page.locator("#film-lines")).to_contain_text("Watermark in every frame.")
    made = fetched(page, lambda: page.locator("#film-lines [data-key=download_film]").click())
    named = tmp_path / "film.mp4"
    named.write_bytes(made.read_bytes())
    tab(page, "Video")
    page.get_by_text("What made this file?").click()
    page.locator("#check-file input[type=file]").set_input_files(str(named))
    expect(page.locator("#verdict")).to_contain_text("Reelwright", timeout=LONG)
