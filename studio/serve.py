"""One process that holds a data folder and answers: the page, and every door for programs, on one port.

Knows what is put together, on which address, and when it ends; decides nothing about films, pages or doors.
"""

from __future__ import annotations

import ipaddress
import json
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.vault import replacing
from pipelines.work import FilmError

from . import settings
from .gradio_stubs import no_stubs
from .keys import Keys
from .settings import Settings

if TYPE_CHECKING:
    import gradio as gr

    from .api.doors import Doors
    from .api.guard import Policy
    from .desk import Desk

TOLD = "serve.json"  # in the data folder: where the running studio is, and the token of its own commands
PATIENCE = 3  # seconds that answers have to finish when we are told to stop


@dataclass(frozen=True)
class House:
    """Everything that answers, before it listens."""

    settings: Settings
    desk: Desk
    demo: gr.Blocks
    doors: Doors

    def close(self) -> None:
        """Put everything down; what was being made goes on at the next start."""
        self.doors.close()
        self.desk.close()


def opened(own: Settings | None = None) -> House:
    """The studio, put together. FilmError if another one works in the same folder."""
    own = own or settings.read()
    _quiet(own)
    with no_stubs():
        import gradio  # noqa: F401
    from .api.doors import doors_of
    from .desk import Desk
    from .shelf import Shelf
    from .ui import build

    shelf = Shelf(own.data)
    desk = Desk(own, also_sweep=lambda: shelf.forget(own.project_days * settings.DAY))
    return House(own, desk, build(desk, shelf), doors_of(desk))


def serve(house: House, host: str | None = None, port: int | None = None, anybody: bool = False) -> int:
    """Listen until somebody stops us. One line tells the address when we are ready. -> exit status.

    `anybody`: no key is asked for, wherever we listen. FilmError if the address cannot be had, or would be open to all.
    """
    own = house.settings
    host, port = host or own.host, own.port if port is None else port
    from .api.webhooks import Webhooks

    webhooks = Webhooks(house.desk, own)
    try:
        policy = _policy(host, anybody, house.doors.keys)
        webhooks.start()
        logging.basicConfig(level=own.log_level.upper(), format="%(message)s")
        (_on_space if settings.on_space() else _here)(house, policy, host, port)
    finally:
        webhooks.close()
        house.close()
    return 0


def _policy(host: str, anybody: bool, keys: Keys) -> Policy:
    from .api.guard import Policy

    if settings.on_space():
        return Policy(loopback=False, open=not keys.all(), proxied=True)
    if _loopback(host):
        return Policy(loopback=True)
    if not anybody and not keys.all():
        hint = "Make a key (reelwright keys add NAME), or say --anybody if everybody who can reach it may use it."
        raise FilmError(f"On {host} others could use the studio, and there is no key.", hint, "host")
    return Policy(loopback=False, open=anybody)


def _loopback(host: str) -> bool:
    with suppress(ValueError):
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    return host == "localhost"


def _here(house: House, policy: Policy, host: str, port: int) -> None:
    """On a machine of one's own: one application, on one port."""
    import uvicorn
    from fastapi import FastAPI
    from gradio import mount_gradio_app

    from .api.guard import Guard
    from .api.patience import Patient
    from .api.routes import handlers, routes
    from .ui import launching
    from .ui.sessions import lean

    bound = _bound(host, port)
    plain: dict[str, Any] = {"docs_url": None, "redoc_url": None, "openapi_url": None}
    app = FastAPI(**plain, routes=routes(house.doors), exception_handlers=handlers())
    kept = {"exception_handlers": handlers()}
    app = mount_gradio_app(app, house.demo, path="/", app_kwargs=kept, mcp_server=False, ssr_mode=False, **launching(house.settings.upload_megabytes))
    lean(house.demo)
    guarded = Guard(app, house.settings, house.doors.keys, policy, house.doors.metrics)
    told: dict[str, Any] = {"log_level": "error", "proxy_headers": False, "server_header": False, "timeout_graceful_shutdown": PATIENCE}
    address = f"http://{f'[{host}]' if ':' in host else host}:{bound.getsockname()[1]}"
    server = _watched(uvicorn.Config(guarded, http=Patient, access_log=False, **told), lambda: _ready(address, house.desk))
    with _announced(house.settings.data, address, policy.token), _stopping():
        server.run(sockets=[bound])


def _on_space(house: House, policy: Policy, host: str, port: int) -> None:
    """On a Space Gradio is the main application, and the doors are routes of it."""
    from starlette.middleware import Middleware

    from .api.guard import Guard
    from .api.routes import handlers, routes
    from .ui import launching
    from .ui.sessions import lean

    guard = Middleware(Guard, settings=house.settings, keys=house.doors.keys, policy=policy, metrics=house.doors.metrics)
    kept = {"routes": routes(house.doors), "exception_handlers": handlers(), "middleware": [guard]}
    told: dict[str, Any] = {"server_name": host, "server_port": port, "share": False, "ssr_mode": False, "mcp_server": False}
    told["max_threads"] = house.demo.max_threads
    try:
        house.demo.launch(**told, prevent_thread_lock=True, quiet=True, app_kwargs=kept, **launching(house.settings.upload_megabytes))
        lean(house.demo)
    except OSError as error:
        raise _taken(host, port) from error
    address = f"http://{host}:{port}"
    try:
        with _announced(house.settings.data, address.replace("0.0.0.0", "127.0.0.1"), policy.token), _stopping():
            _ready(address, house.desk)
            threading.Event().wait()
    finally:
        house.demo.close(verbose=False)


def _bound(host: str, port: int) -> socket.socket:
    """The port, ours from here on; FilmError if it is somebody else's."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)[0]
        bound = socket.socket(family, kind)
        if os.name != "nt":
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError as error:
        raise _taken(host, port) from error
    return bound


def _taken(host: str, port: int) -> FilmError:
    return FilmError(f"Port {port} of {host} cannot be had.", "Stop what uses it, or choose another with --port.", "port")


def _watched(config: Any, ready: Callable[[], None]) -> Any:
    """uvicorn, which calls `ready` when it listens."""
    import uvicorn

    class Watched(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                ready()

    return Watched(config)


def _ready(address: str, desk: Desk) -> None:
    print(f"Reelwright is ready: {address}", flush=True)
    desk.warm()


@contextmanager
def _stopping() -> Iterator[None]:
    """Told to stop, we stop: that is no failure."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        print("Stopped. What is being made goes on at the next start.", file=sys.stderr)


@contextmanager
def _announced(data: Path, address: str, token: str) -> Iterator[None]:
    """While we run, the studio's own commands find us: the file is readable for its owner alone."""
    path = data / TOLD
    with replacing(path) as beside:
        beside.touch(0o600)
        os.chmod(beside, 0o600)
        beside.write_text(json.dumps({"url": address, "token": token, "pid": os.getpid()}), "utf-8")
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _quiet(own: Settings) -> None:
    """Before Gradio is imported: no telemetry, and its files in our folder."""
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ["GRADIO_TEMP_DIR"] = str(own.data / settings.UPLOADS)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # its lines tell whole addresses, and in those of ZeroGPU's is who pays
