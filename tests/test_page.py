"""The page in a real browser: what somebody sees and does, from the empty page to the finished film."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from pipelines import mp4
from tests.studio_process import CHROMIUM, HOME, StudioProcess, Watched, studio_process

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
expect.set_options(timeout=20_000)  # as long as anything else may take: never a measure of speed
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="no Chromium here")

LONG = 90_000  # ms until a film must be there: never a measure of speed
DESKTOP, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
Open = Callable[..., Any]


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StudioProcess]:
    with studio_process(tmp_path_factory.mktemp("page")) as one:
        yield one


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as run:
        opened = run.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"])
        yield opened
        opened.close()


@pytest.fixture
def opened(studio: StudioProcess, browser: Any) -> Iterator[Open]:
    """Opens the page as a new visitor; afterwards nothing may have gone wrong in it, nor any other host been asked."""
    watched, contexts = Watched(), []

    def opens(**more: Any) -> Any:
        context = browser.new_context(viewport=more.pop("viewport", DESKTOP), accept_downloads=True, **more)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        watched.watch(page, studio.url)
        page.goto(studio.url, wait_until="domcontentloaded")
        page.locator(".board").wait_for()
        page.locator(".d-what:not(:empty)").wait_for()
        return page

    yield opens
    for context in contexts:
        for page in context.pages:  # a word's key that is Gradio's own comes out as one
            assert not page.locator("#main", has_text="[object Object]").count()
        context.close()
    assert not watched.strangers
    assert not watched.errors


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    """Three pictures that are easy to tell apart."""
    found = []
    for i, colour in enumerate(((200, 60, 40), (40, 180, 60), (40, 60, 210))):
        picture = np.full((270, 480, 3), colour, np.uint8)
        cv2.circle(picture, (240, 135), 60, (255, 255, 255), -1)
        found.append(tmp_path / f"shot {i + 1}.png")
        cv2.imwrite(str(found[-1]), picture)
    return found


def story(folder: Path, rows: int = 3, **more: Any) -> Path:
    """A story file of a film that is made in a moment."""
    scenes = [{"prompt": f"Picture number {i + 1}", "duration": 0.5, "clip_action": "pan left"} for i in range(rows)]
    told = {"title": "Three colours", "size": "320x180", "quality": "draft", "music": "none", "transition": "none", "scenes": scenes} | more
    path = folder / "story.json"
    path.write_text(json.dumps(told), "utf-8")
    return path


def bring(page: Any, *files: Path) -> None:
    """Choose files, on the empty page or below the rows."""
    choose(page, page.locator(".b-go button, .b-pick").filter(has_text=re.compile("pictures")).locator("visible=true"), *files)
    page.locator(".b-row").first.wait_for()


def choose(page: Any, button: Any, *files: Path) -> None:
    with page.expect_file_chooser() as waiting:
        button.click()
    waiting.value.set_files([str(file) for file in files])


def row(page: Any, n: int) -> Any:
    return page.locator(".b-row").nth(n - 1)


def pick(page: Any, n: int) -> None:
    """Choose a scene, and wait until the inspector shows it."""
    row(page, n).locator(".b-state").click()
    expect(page.locator("#scene-notes .l-title")).to_have_text(f"Scene {n}")


def status(page: Any, n: int, text: str) -> None:
    expect(row(page, n).locator(".b-badge")).to_have_text(text, timeout=LONG)


def film(page: Any) -> None:
    """Make the film and wait until it is there."""
    page.locator("#make").click()
    page.locator(".dock[data-state=done]").wait_for(timeout=LONG)
    page.locator("#player video").wait_for(timeout=LONG)


def tab(page: Any, name: str) -> None:
    page.get_by_role("tab", name=name, exact=True).click()


def fetched(page: Any, click: Callable[[], None]) -> Path:
    with page.expect_download(timeout=LONG) as waiting:
        click()
    return Path(waiting.value.path())


def test_from_the_empty_page_to_the_film_and_on(opened: Open) -> None:
    page = opened()
    expect(page.get_by_role("heading", name="Make a film")).to_be_visible()
    page.get_by_role("button", name="Open the sample story").click()
    expect(page.locator(".b-row")).to_have_count(6)
    expect(page.locator("#title input")).to_have_value("All the Way to the Sea")
    page.locator("#make").click()
    expect(page.locator("#stop")).to_be_visible()
    page.locator("#gallery .thumbnail-lg").first.wait_for(timeout=LONG)  # clips appear while it is made
    page.locator("#player video").wait_for(timeout=LONG)
    page.locator(".dock[data-state=done]").wait_for()
    for n in range(1, 7):
        status(page, n, "Ready")
    made = fetched(page, lambda: page.locator("a.l-link[data-key=download_film]").click())
    assert mp4.count(made) > 24 * 30
    # One word is changed: that scene alone is made anew.
    row(page, 3).locator(".b-motion").click()
    page.locator(".b-menu input").fill("static")
    page.keyboard.press("Enter")
    status(page, 3, "Changed")
    expect(page.locator(".dock .d-what")).to_have_text("1 of 6 scenes to make")
    film(page)
    status(page, 3, "Ready")


def test_a_pasted_text_becomes_scenes_as_it_was_typed(opened: Open) -> None:
    page = opened()
    lines = ["It costs ${1+1} and `that`", "</script><img src=x onerror=alert(1)>", "back\\u0041slash {{value}} {{#each}}", "ריקוד & <b>bold</b>"]
    page.locator(".b-zero textarea").fill("\n".join(lines))
    page.get_by_role("button", name="Turn into scenes").click()
    expect(page.locator(".b-row")).to_have_count(4)
    for n, line in enumerate(lines, 1):
        expect(row(page, n).locator(".b-prompt")).to_have_text(line)
    assert page.locator(".b-row img[src=x], .b-row b, .b-row script").count() == 0
    pick(page, 2)
    expect(page.locator("#prompt textarea")).to_have_value(lines[1])
    page.reload()
    expect(row(page, 2).locator(".b-prompt")).to_have_text(lines[1])


def test_pictures_that_are_chosen_become_a_film(opened: Open, pictures: list[Path], tmp_path: Path) -> None:
    page = opened()
    bring(page, story(tmp_path), *pictures)
    expect(page.locator(".b-row")).to_have_count(3)
    expect(page.locator(".b-row .b-thumb img:visible")).to_have_count(3)
    film(page)
    made = fetched(page, lambda: page.locator("a.l-link[data-key=download_film]").click())
    assert mp4.count(made) == 36
    tab(page, "Clips")
    expect(page.locator("#gallery .thumbnail-lg")).to_have_count(3)


def test_storyboard_spreadsheet_and_inspector_show_one_project(opened: Open, pictures: list[Path], tmp_path: Path) -> None:
    page = opened()
    bring(page, story(tmp_path), *pictures)
    pick(page, 2)
    page.locator("#narration textarea").press_sequentially("A word from the inspector")
    expect(row(page, 2).locator(".b-narration")).to_have_text("A word from the inspector")
    row(page, 1).locator(".b-length input").fill("1.5")
    page.keyboard.press("Enter")
    tab(page, "Spreadsheet")
    cells = page.locator("#sheet")
    expect(cells.get_by_text("A word from the inspector").last).to_be_visible()
    expect(cells.get_by_text("1.5", exact=True).last).to_be_visible()
    cells.get_by_text("Picture number 3", exact=True).last.dblclick()
    page.keyboard.press("Control+A")
    page.keyboard.type("Typed into the table")
    page.keyboard.press("Enter")
    tab(page, "Storyboard")
    expect(row(page, 3).locator(".b-prompt")).to_have_text("Typed into the table")
    tab(page, "Spreadsheet")
    page.locator("#bulk > button").click()
    page.get_by_label("New value").fill("2")
    page.locator("#bulk-scenes").locator("input, textarea").fill("2-3")
    page.locator("#bulk-apply").click()
    tab(page, "Storyboard")
    for n, value in ((1, "1.5"), (2, "2"), (3, "2")):
        expect(row(page, n).locator(".b-length input")).to_have_value(value)


def test_undo_and_redo(opened: Open, pictures: list[Path], tmp_path: Path) -> None:
    page = opened()
    bring(page, story(tmp_path), *pictures)
    row(page, 1).focus()
    page.keyboard.press("Delete")
    expect(page.locator(".b-row")).to_have_count(2)
    page.keyboard.press("Control+z")
    expect(page.locator(".b-row")).to_have_count(3)
    expect(row(page, 1).locator(".b-prompt")).to_have_text("Picture number 1")
    page.keyboard.press("Control+Shift+z")
    expect(page.locator(".b-row")).to_have_count(2)
    page.locator("#undo").click()
    expect(page.locator(".b-row")).to_have_count(3)


def test_the_keyboard_alone_is_enough(opened: Open, pictures: list[Path], tmp_path: Path) -> None:
    page = opened()
    bring(page, story(tmp_path), *pictures)
    row(page, 1).focus()
    page.keyboard.press("j")
    page.keyboard.press("Alt+ArrowUp")
    expect(row(page, 1).locator(".b-prompt")).to_have_text("Picture number 2")
    row(page, 1).focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Control+A")
    page.keyboard.type("Written without a mouse")
    page.keyboard.press("Tab")
    page.keyboard.type("and said aloud")
    page.keyboard.press("Enter")
    expect(row(page, 1).locator(".b-prompt")).to_have_text("Written without a mouse")
    expect(row(page, 1).locator(".b-narration")).to_have_text("and said aloud")
    page.keyboard.press("d")
    expect(page.locator(".b-row")).to_have_count(4)
    page.keyboard.press("n")
    expect(page.locator(".b-row")).to_have_count(5)
    page.locator(".b-row.selected").focus()
    page.keyboard.press("Delete")
    expect(page.locator(".b-row")).to_have_count(4)
    page.keyboard.press("Control+Enter")
    page.locator(".dock[data-state=done]").wait_for(timeout=LONG)


def test_what_is_wrong_is_said_at_its_row_and_nothing_is_lost(opened: Open, pictures: list[Path], tmp_path: Path) -> None:
    page = opened()
    bring(page, story(tmp_path), *pictures)
    row(page, 2).locator(".b-length input").fill("abc")
    page.keyboard.press("Tab")
    status(page, 2, "Look here")
    expect(row(page, 2).locator(".b-said")).to_contain_text('"abc" is not a number')
    page.locator("#make").click()
    expect(page.locator(".toast-body")).to_contain_text("is not a number")
    page.reload()
    expect(row(page, 2).locator(".b-length input")).to_have_value("abc")
    row(page, 2).locator(".b-length input").fill("0.5")
    page.keyboard.press("Tab")
    status(page, 2, "Draft")
    film(page)


def test_a_scene_that_fails_says_why_and_is_made_when_it_is_mended(opened: Open, pictures: list[Path], tmp_path: Path) -> None:
    page = opened()
    scenes = [{"prompt": f"{n}", "duration": 0.5, "engine": "svd-xt" if n == 1 else "auto"} for n in range(3)]
    bring(page, story(tmp_path, scenes=scenes), *pictures)
    pick(page, 2)
    page.locator("#make").click()
    page.locator(".dock[data-state=failed]").wait_for(timeout=LONG)
    status(page, 2, "Failed")
    expect(page.locator(".dock .d-what")).to_contain_text("1 of 3 scenes")
    expect(page.locator("#scene-notes .l-fault")).to_contain_text("Stable Video Diffusion XT")
    page.locator("#engine input").fill("auto")
    page.keyboard.press("Tab")
    status(page, 2, "Draft")
    film(page)
    status(page, 2, "Ready")


def test_a_file_that_is_no_picture_is_refused_by_name(opened: Open, pictures: list[Path], tmp_path: Path) -> None:
    page = opened()
    bring(page, pictures[0])
    fake = tmp_path / "holiday <b>.jpg"
    fake.write_bytes(b"<html><script>alert(1)</script>")
    bring(page, fake, pictures[1])
    expect(page.locator(".toast-body")).to_contain_text("holiday <b>.jpg")
    expect(page.locator(".b-row")).to_have_count(2)


def test_reload_and_second_tab_while_a_film_is_made(opened: Open, studio: StudioProcess, pictures: list[Path], tmp_path: Path) -> None:
    page = opened()
    bring(page, story(tmp_path, 6, quality="standard", size="1280x720"), *pictures)
    row(page, 4).locator(".b-thumb").wait_for()
    for n, picture in zip((4, 5, 6), pictures, strict=True):
        choose(page, row(page, n).locator(".b-thumb"), picture)
        row(page, n).locator("img:visible").wait_for()
    tab(page, "Spreadsheet")
    page.locator("#bulk > button").click()
    page.get_by_label("New value").fill("12")  # long enough to be still in the making after a reload
    page.locator("#bulk-apply").click()
    tab(page, "Storyboard")
    expect(row(page, 6).locator(".b-length input")).to_have_value("12")
    second = page.context.new_page()
    second.goto(studio.url, wait_until="domcontentloaded")
    expect(second.locator(".b-row")).to_have_count(6)
    page.locator("#make").click()
    expect(page.locator("#stop")).to_be_visible()
    page.reload()
    expect(page.locator("#stop")).to_be_visible()
    expect(second.locator("#stop")).to_be_visible()
    second.locator("#stop").click()  # what one tab does, the other one sees
    page.locator(".dock[data-state=stopped]").wait_for()
    expect(page.locator("#make")).to_be_visible()
    page.locator("#make").click()  # and it goes on from there
    second.locator(".dock[data-state=done]").wait_for(timeout=LONG)
    page.locator("#player video").wait_for(timeout=LONG)


def test_two_tabs_edit_one_project_and_no_row_is_lost(opened: Open, studio: StudioProcess, pictures: list[Path], tmp_path: Path) -> None:
    page = opened()
    bring(page, story(tmp_path), *pictures)
    second = page.context.new_page()
    second.goto(studio.url, wait_until="domcontentloaded")
    expect(second.locator(".b-row")).to_have_count(3)
    row(page, 1).focus()
    page.keyboard.press("d")
    second.locator(".b-add").click()
    expect(page.locator(".b-row")).to_have_count(5)
    expect(second.locator(".b-row")).to_have_count(5)


def test_a_project_is_saved_and_opened_by_somebody_else(opened: Open, pictures: list[Path], tmp_path: Path) -> None:
    page = opened()
    bring(page, story(tmp_path), *pictures)
    saved = fetched(page, lambda: page.locator("#save").click())
    assert sum(name.startswith("pictures/") for name in zipfile.ZipFile(saved).namelist()) == 3
    named = tmp_path / "mine.zip"
    named.write_bytes(saved.read_bytes())
    other = opened()
    other.locator("#open input[type=file], input[type=file][accept*=zip]").first.set_input_files(str(named))
    expect(other.locator(".b-row")).to_have_count(3)
    expect(other.locator(".b-row .b-thumb img:visible")).to_have_count(3)
    expect(other.locator("#title input")).to_have_value("Three colours")
    other.locator("#new").click()
    expect(other.get_by_role("heading", name="Make a film")).to_be_visible()
    other.get_by_role("button", name=re.compile("Three colours")).click()
    expect(other.locator(".b-row")).to_have_count(3)


def test_another_take_and_choosing_between_takes(opened: Open, pictures: list[Path], tmp_path: Path) -> None:
    page = opened()
    bring(page, story(tmp_path), *pictures)
    pick(page, 1)
    page.locator("#one").click()
    status(page, 1, "Ready")
    status(page, 2, "Draft")
    page.locator(".dock[data-state=done]").wait_for()
    page.locator("#again").click()
    expect(row(page, 1).locator(".b-said")).to_have_text("2 takes", timeout=LONG)
    page.locator(".dock[data-state=done]").wait_for(timeout=LONG)
    expect(page.locator("#takes .t-seed")).to_contain_text("Seeds")  # a plain move over a picture: the same clip from both
    expect(page.locator("#takes .t-note")).to_contain_text("the same with every seed")


def test_the_settings_of_a_film_and_their_file(opened: Open, pictures: list[Path], tmp_path: Path) -> None:
    page = opened()
    bring(page, story(tmp_path), *pictures)
    tab(page, "Story")
    page.locator("#look input").click()
    page.get_by_role("option", name="Noir", exact=True).click()
    page.locator("#still img").wait_for()
    page.locator("#settings-name input, #settings-name textarea").fill("Black and white")
    saved = fetched(page, lambda: page.locator("#keep-settings").click())
    told = json.loads(saved.read_text("utf-8"))
    assert told["name"] == "Black and white" and told["look"] == "noir"
    page.locator("#hear-voice").click()
    page.locator("#voice-heard").wait_for()
    page.locator("#hear-music").click()
    page.locator("#music-heard").wait_for()


def test_on_a_phone(opened: Open, pictures: list[Path], tmp_path: Path) -> None:
    page = opened(viewport=PHONE, has_touch=True, is_mobile=True)
    bring(page, story(tmp_path), *pictures)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    row(page, 2).locator(".b-text").tap()
    expect(page.locator("#prompt textarea")).to_be_visible()
    page.locator("#panel-close").tap()
    expect(page.locator("#prompt textarea")).not_to_be_visible()
    page.locator("#make").tap()
    page.locator(".dock[data-state=done]").wait_for(timeout=LONG)
    page.locator("#watch").tap()
    expect(page.locator("#player video")).to_be_visible()


@pytest.mark.parametrize(("scheme", "viewport"), [("dark", DESKTOP), ("light", DESKTOP), ("dark", PHONE)], ids=["dark", "light", "phone"])
def test_nothing_stands_in_the_way_of_anybody(opened: Open, pictures: list[Path], tmp_path: Path, scheme: str, viewport: dict[str, int]) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = opened(color_scheme=scheme, viewport=viewport)
    expect(page.locator("body.dark")).to_have_count(1 if scheme == "dark" else 0)
    found = {}
    found["empty"] = Axe().run(page)
    bring(page, story(tmp_path), *pictures)
    pick(page, 1)
    page.locator("#scene-box").wait_for(state="attached")
    found["scene"] = Axe().run(page)
    if viewport is DESKTOP:
        tab(page, "Story")
        found["story"] = Axe().run(page)
        tab(page, "Video")
        found["video"] = Axe().run(page)
        film(page)
        found["film"] = Axe().run(page)
        tab(page, "Spreadsheet")
        found["sheet"] = Axe().run(page)
    wrong = {
        f"{where}: {each['id']}: {node['target']}: {node['html'][:160]}"
        for where, one in found.items()
        for each in one.response["violations"]
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    }
    assert not wrong, "\n".join(sorted(wrong))


def test_the_page_speaks_the_browsers_language(opened: Open) -> None:
    page = opened(locale="de-DE")
    expect(page.get_by_role("heading", name="Einen Film machen")).to_be_visible()
    expect(page.locator("#make")).to_have_text("Film machen")


def test_less_motion_where_it_is_asked_for(opened: Open, pictures: list[Path]) -> None:
    page = opened(reduced_motion="reduce")
    bring(page, pictures[0])
    row(page, 1).locator(".b-thumb").hover()
    page.wait_for_timeout(500)
    assert page.evaluate("document.getAnimations().length") == 0


def test_a_move_is_seen_at_once(opened: Open, pictures: list[Path]) -> None:
    page = opened()
    bring(page, pictures[0])
    row(page, 1).locator(".b-motion").click()
    page.locator(".b-option").filter(has_text="Zoom in").first.hover()
    page.wait_for_function("document.querySelector('.b-thumb img').getAnimations().length === 1")


def test_five_hundred_scenes_and_not_one_more(opened: Open, tmp_path: Path) -> None:
    page = opened()
    bring(page, story(tmp_path, 500))
    expect(page.locator(".b-row")).to_have_count(500, timeout=LONG)
    row(page, 500).locator(".b-length input").fill("7")
    page.keyboard.press("Tab")
    expect(page.locator(".b-sum b").first).to_have_text("500")
    page.locator(".b-add").click()
    expect(page.locator(".toast-body")).to_contain_text("at most 500 scenes")
    expect(page.locator(".b-row")).to_have_count(500)
    page.reload()
    expect(row(page, 500).locator(".b-length input")).to_have_value("7", timeout=LONG)


def test_a_film_goes_on_after_kill_9(browser: Any, pictures: list[Path], tmp_path: Path) -> None:
    with studio_process(tmp_path) as own:
        context = browser.new_context(viewport=DESKTOP)
        page = context.new_page()
        page.goto(own.url, wait_until="domcontentloaded")
        page.locator(".b-zero").wait_for()
        bring(page, story(tmp_path, 3, size="1280x720", scenes=[{"prompt": f"{n}", "duration": 8, "clip_action": "zoom in"} for n in range(3)]), *pictures)
        page.locator("#make").click()
        page.locator("[data-status=making], [data-status=ready]").first.wait_for(timeout=LONG)
        own.kill()
        own.start()
        page.locator(".dock[data-state=done]").wait_for(timeout=LONG)  # the page comes back by itself, and so does the film
        tab(page, "Film")
        page.locator("#player video").wait_for(timeout=LONG)
        made = [path for path in (own.data / "films").rglob("*") if path.is_file() and path.suffix == ".mp4"]
        assert [mp4.count(path) for path in made] == [24 * 24]
        context.close()
        assert own.stop() == 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A data folder with a real file system of its own, where we may mount one."""
    place = tmp_path / "own" / "data"
    place.mkdir(parents=True)
    mount = shutil.which("mount")
    if mount is None or os.geteuid() != 0 or subprocess.run([mount, "-t", "tmpfs", "-o", "size=40m", "tmpfs", place], capture_output=True, check=False).returncode:
        pytest.skip("mounting is not allowed here")
    yield place
    subprocess.run(["umount", place], check=True)


def test_a_disk_that_fills_up_in_mid_film(browser: Any, small_disk: Path, tmp_path: Path) -> None:
    with studio_process(small_disk.parent) as own:
        context = browser.new_context(viewport=DESKTOP)
        page = context.new_page()
        page.goto(own.url, wait_until="domcontentloaded")
        page.locator(".b-zero").wait_for()
        stills = sorted((HOME / "assets" / "stills").glob("*.jpg"))[:3]
        scenes = [{"prompt": f"{n}", "duration": 6, "clip_action": "zoom in"} for n in range(3)]
        bring(page, story(tmp_path, size="1280x720", scenes=scenes), *stills)
        filler, room = small_disk / "filler", 2 << 20  # the film takes several times as much
        filler.write_bytes(bytes(shutil.disk_usage(small_disk).free - room))
        page.locator("#make").click()
        expect(page.locator(".dock .d-what")).to_contain_text("disk is full", timeout=LONG)
        expect(page.locator(".b-row")).to_have_count(3)
        filler.unlink()
        page.locator(".dock[data-state=failed]").wait_for(timeout=LONG)
        film(page)
        assert [mp4.count(path) for path in (small_disk / "films").rglob("*.mp4")] == [18 * 24]
        context.close()
        assert own.stop() == 0


@pytest.mark.parametrize(("script", "values"), [
    ("lines.js", [{"lines": [{"kind": "title", "text": name}]} for name in ("old", "new", "other")]),
    ("takes.js", [{"row": name, "takes": []} for name in ("", "new", "")]),
])  # fmt: skip
def test_what_comes_late_is_not_drawn_over_what_is_newer(browser: Any, script: str, values: list[dict[str, Any]]) -> None:
    """The page's own scripts, on a page of nothing else."""
    page = browser.new_page()
    page.set_content(f'<div id="it"><div class="{script.removesuffix(".js")}"></div></div>')
    old, new, other = ({"project": "a", "at": 1} | values[0], {"project": "a", "at": 2} | values[1], {"project": "b", "at": 1} | values[2])
    shown = page.evaluate(
        """([code, values]) => {
          window.reelwright = { words: {} };
          const props = { value: {}, icons: {}, most: 3 }, element = document.getElementById('it'), root = element.firstChild, told = [];
          new Function('element', 'props', 'watch', 'trigger', code)(element, props, (_, draw) => { window.draw = draw; }, () => {});
          for (const value of values) { props.value = value; window.draw(); told.push(root.hidden ? '' : root.textContent); }
          return told;
        }""",
        [(HOME / "studio" / "ui" / "static" / script).read_text("utf-8"), [new, old, new, other]],
    )
    page.close()
    assert shown[0] == shown[1] == shown[2] != shown[3] and shown[0], shown


def test_who_chose_a_model_is_told_its_terms_and_how_long_it_takes(opened: Open, pictures: list[Path], tmp_path: Path) -> None:
    page = opened()
    scenes = [{"prompt": f"{n}", "duration": 0.5, "engine": "svd-xt" if n else "auto"} for n in range(2)]
    bring(page, story(tmp_path, scenes=scenes), *pictures[:2])
    pick(page, 1)
    expect(page.locator("#scene-notes .l-hint")).to_have_count(0)
    pick(page, 2)
    expect(page.locator("#scene-notes .l-hint")).to_contain_text("Stability")
    expect(page.locator(".d-left")).to_contain_text("scene 2")


def test_a_picture_that_shows_a_face_is_asked_about(opened: Open, tmp_path: Path) -> None:
    page = opened()
    bring(page, story(tmp_path, scenes=[{"image": "astronaut.jpg", "duration": 0.5}]), Path(__file__).parent / "data" / "astronaut.jpg")
    pick(page, 1)
    consent = page.locator("#consent input")
    expect(consent).to_be_visible()
    expect(consent).not_to_be_checked()
    page.locator("#make").click()
    expect(page.get_by_text("shows a face")).to_be_visible()
    page.reload()
    pick(page, 1)
    expect(consent).not_to_be_checked()
    consent.check()
    film(page)
