"""One process that holds a data folder and answers the browser: the page, and every door for programs, on one port.

Knows what is put together; decides nothing about films or pages.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import settings
from .settings import Settings

if TYPE_CHECKING:
    import gradio as gr

    from .desk import Desk


@dataclass(frozen=True)
class House:
    """Everything that answers, before it listens."""

    settings: Settings
    desk: Desk
    demo: gr.Blocks


def opened(own: Settings | None = None) -> House:
    """The studio, put together. FilmError if another one works in the same folder."""
    own = own or settings.read()
    _quiet(own)
    from .desk import Desk
    from .shelf import Shelf
    from .ui import build

    shelf = Shelf(own.data)
    desk = Desk(own, also_sweep=lambda: shelf.forget(own.project_days * settings.DAY))
    return House(own, desk, build(desk, shelf))


def serve(house: House, host: str = "127.0.0.1", port: int | None = None) -> int:
    """Listen until somebody stops us. One line tells the address when we are ready. -> exit status."""
    import uvicorn
    from fastapi import FastAPI
    from gradio import mount_gradio_app

    from .ui import launching

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    port = port if port is not None else int(os.environ.get("PORT") or os.environ.get("GRADIO_SERVER_PORT") or 7860)
    app = mount_gradio_app(FastAPI(docs_url=None, redoc_url=None, openapi_url=None), house.demo, path="/", **launching())
    told: dict[str, Any] = {"host": host, "port": port, "log_level": "warning", "timeout_graceful_shutdown": 2}
    server = uvicorn.Server(uvicorn.Config(app, **told))
    print(f"Reelwright is ready: http://{host}:{port}", flush=True)
    try:
        server.run()
    except KeyboardInterrupt:
        print("Stopped. What is being made goes on at the next start.", file=sys.stderr)
    finally:
        house.desk.close()
    return 0


def _quiet(own: Settings) -> None:
    """Before Gradio is imported: no telemetry, and its files in our folder."""
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ["GRADIO_TEMP_DIR"] = str(own.data / settings.UPLOADS)
    logging.getLogger("httpx").setLevel(logging.WARNING)
