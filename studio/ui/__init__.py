"""The page where anyone makes a film. `build` makes it over a desk; it makes nothing itself."""

from __future__ import annotations

from typing import Any

import gradio as gr

from ..api.gradio_door import FOLLOWERS, attach
from ..desk import Desk
from ..samples import Samples
from ..shelf import Shelf
from .handlers import Handlers
from .page import lay_out, translations
from .parts import ICONS
from .rooms import Rooms
from .theme import head, theme
from .wiring import wire


def build(desk: Desk, shelf: Shelf) -> gr.Blocks:
    """The page, ready to be launched with `launching()`."""
    handlers = Handlers(Rooms(desk, shelf, Samples(desk.studio, desk.people)))

    def motion(asked: dict[str, Any]) -> dict[str, Any]:
        return handlers.motion(asked)

    def mood(asked: dict[str, Any]) -> dict[str, Any]:
        return handlers.mood(asked)

    gr.set_static_paths([str(shelf.shown), str(desk.films), str(ICONS)])
    with gr.Blocks(title="Reelwright", fill_width=True, analytics_enabled=False, delete_cache=(3600, 86400)) as demo:
        page = lay_out(desk.studio, translations(), [motion, mood])
        attach(desk)  # before the page's own events: names go to whoever comes first
        wire(demo, page, handlers)
    demo.max_threads = FOLLOWERS  # Gradio's queue holds so many events at a time, and who follows a film is one
    page_demo: gr.Blocks = demo.queue(default_concurrency_limit=8, max_size=1000, status_update_rate=1)
    return page_demo


def launching(upload_megabytes: int) -> dict[str, Any]:
    """What launch and mount_gradio_app are told about the page."""
    return {
        "theme": theme(),
        "head": head(),
        "i18n": translations(),
        "footer_links": [],
        "run_history": False,
        "show_error": True,
        "max_file_size": f"{upload_megabytes}mb",
    }
