"""Measures the page on this machine, in a real browser: `python tests/bench/page.py`. Writes RESULTS-PAGE.md beside it.

How quickly clicks are answered while many follow running films is measured by doors.py (part "viewers").
"""

from __future__ import annotations

import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.studio_process import CHROMIUM, StudioProcess, free_port

ROUNDS = 3


def resident(pid: int) -> float:
    """MB of a process that are in memory."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))) / 1000


def seconds(what: Callable[[], Any]) -> float:
    began = time.perf_counter()
    what()
    return time.perf_counter() - began


def opened(browser: Any, url: str) -> Any:
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.set_default_timeout(120_000)
    page.goto(url, wait_until="domcontentloaded")
    page.locator(".b-zero h1").wait_for()
    return page


def once(folder: Path, browser: Any) -> dict[str, float]:
    studio = StudioProcess(folder / "data", free_port(), {"PYTHONDONTWRITEBYTECODE": ""})  # byte code is kept, as for everybody
    began = time.perf_counter()
    studio.start()
    assert studio.process
    found: dict[str, float] = {}
    try:
        page = opened(browser, studio.url)
        found["page ready after `make studio` (s)"] = time.perf_counter() - began
        found["memory at start (MB)"] = resident(studio.process.pid)
        page.get_by_role("button", name="Open the sample story").click()
        page.locator(".b-row").nth(5).wait_for()
        began = time.perf_counter()
        page.locator("#make").click()
        page.locator("#gallery .thumbnail-lg").first.wait_for()
        found["first clip after the click (s)"] = time.perf_counter() - began
        page.locator("#player video").wait_for()
        found["first film after the click (s)"] = time.perf_counter() - began
        page.get_by_role("tab", name="Scene", exact=True).click()

        def again() -> None:
            page.locator("#make").click()
            page.locator("#player video").wait_for()

        found["nothing changed, film shown (s)"] = seconds(again)
        page.get_by_role("tab", name="Story", exact=True).click()
        page.locator("#size input").fill("1280x720")
        page.keyboard.press("Enter")
        page.locator("[data-status=changed]").first.wait_for()
        page.locator("#make").click()
        page.locator("[data-status=making]").first.wait_for()
        page.wait_for_timeout(1500)

        def stop() -> None:
            page.locator("#stop").click()
            page.locator(".dock[data-state=stopped]").wait_for()

        found["stop (s)"] = seconds(stop)
        before = resident(studio.process.pid)
        for _ in range(20):
            opened(browser, studio.url)
        found["memory a visitor (MB)"] = (resident(studio.process.pid) - before) / 20
    finally:
        studio.stop()
    return found


def main() -> None:
    from playwright.sync_api import sync_playwright

    runs = []
    with sync_playwright() as run:
        for _ in range(ROUNDS):
            browser = run.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"])
            with tempfile.TemporaryDirectory() as folder:
                runs.append(once(Path(folder), browser))
            browser.close()
    lines = ["# The page, measured", "", f"{platform.system()} {platform.machine()}, Python {platform.python_version()}; medians of {ROUNDS}, browser on the same machine.", ""]
    lines += ["| what | median | of |", "| --- | --- | --- |"]
    for name in runs[0]:
        values = [one[name] for one in runs]
        lines.append(f"| {name} | {statistics.median(values):.2f} | {', '.join(f'{value:.2f}' for value in values)} |")
    text = "\n".join(lines) + "\n"
    Path(__file__).with_name("RESULTS-PAGE.md").write_text(text, "utf-8")
    print(text)


if __name__ == "__main__":
    main()
