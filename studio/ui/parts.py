"""The page's own components: storyboard, dock and small pieces of text. Each is a constant shell that its script fills.

A template here never holds a value: Gradio runs templates as code. Knows no project.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import gradio as gr

from pipelines.gear import zero
from pipelines.story_pictures import PICTURES, VIDEOS
from pipelines.variations import MOST

from ..settings import HOME

STATIC = Path(__file__).with_name("static")
ICONS = HOME / "assets" / "icons"
TABLES = (".csv", ".tsv", ".xlsx", ".json", ".txt", ".md", ".zip")
DRAWN = ("grip-vertical", "image", "play", "dices", "copy", "trash-2", "plus", "film", "volume-2")


@cache
def words() -> Mapping[str, Mapping[str, str]]:
    """Every word on the page: {"en": {key: text}, ...}."""
    return tomllib.loads(Path(__file__).with_name("words.toml").read_text("utf-8"))


def words_script() -> str:
    """Every word as a script for the page's head: there once, for all components, in the language that the browser chooses."""
    said = json.dumps(words(), ensure_ascii=True).replace("<", "\\u003c")
    chosen = "(navigator.languages || []).map(l => l.slice(0, 2)).find(l => w[l]) || 'en'"
    return f"window.reelwright = {{ words: (w => w[{chosen}])({said}), lent: {json.dumps(zero.here())} }};"


def icon(name: str) -> str:
    """The path of an icon, as a button takes it."""
    return str(ICONS / f"{name}.svg")


def script(name: str) -> str:
    return (STATIC / name).read_text("utf-8")


def _svg(name: str) -> str:
    """An icon that takes the colour of the text around it."""
    return re.sub(r' (width|height)="24"', "", (ICONS / f"{name}.svg").read_text("utf-8").strip())


class Shell(gr.HTML):
    """A value of plain data, drawn by a script; events carry plain data back."""

    def get_block_name(self) -> str:
        return "html"

    def api_info(self) -> dict[str, Any]:
        return {"type": "object", "additionalProperties": True}

    def example_payload(self) -> Any:
        return {}

    def example_value(self) -> Any:
        return {}


class Board(Shell):
    """The storyboard. `act` is its one event: {"what": ..., ...}."""

    def __init__(self, moves: list[dict[str, str]], moods: list[dict[str, str]], functions: list[Callable[..., Any]], **more: Any) -> None:
        super().__init__(
            value={},
            html_template='<div class="board"></div>',
            js_on_load=script("board.js"),
            apply_default_css=False,
            server_functions=functions,
            icons={name: _svg(name) for name in DRAWN},
            moves=moves,
            moods=moods,
            pictures=",".join(sorted(PICTURES | VIDEOS)),
            tables=",".join(TABLES),
            **more,
        )


class Dock(Shell):
    """Stage, bar and time left. Its events: `news`, something heavier than a number is there; `stays`, where GPUs are
    lent: whoever waits for a film is there still."""

    def __init__(self, **more: Any) -> None:
        super().__init__(
            value={},
            html_template='<div class="dock"></div>',
            js_on_load=script("dock.js"),
            apply_default_css=False,
            **more,
        )


class Lines(Shell):
    """A few lines of text and links: {"lines": [{"kind", "key", "text", "href", "name"}]}. With `project` and `at`, what comes
    late is not drawn over what is newer."""

    def __init__(self, **more: Any) -> None:
        super().__init__(
            value={},
            html_template='<div class="lines"></div>',
            js_on_load=script("lines.js"),
            apply_default_css=False,
            **more,
        )


class Takes(Shell):
    """A scene's takes side by side. `act` is its one event: {"what": "vary" or "pick", "row": ..., ...}."""

    def __init__(self, **more: Any) -> None:
        super().__init__(
            value={},
            html_template='<div class="takes"></div>',
            js_on_load=script("takes.js"),
            apply_default_css=False,
            icons={name: _svg(name) for name in ("dices", "play")},
            most=MOST,
            **more,
        )
