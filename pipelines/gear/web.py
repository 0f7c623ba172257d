"""Asking servers that make clips or write: patient, stoppable at any moment, and plain about what went wrong.

Follows no redirect and tells no key. Knows HTTP and nothing of clips or stories.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from ..work import FilmError

if TYPE_CHECKING:
    import aiohttp

LOOK = 0.1  # seconds between two looks whether anybody still wants it
MOST = 4 << 30  # bytes of a clip
TRIES = 4  # of a request that a busy or failing server was asked
ENDS = 3600.0  # seconds in which nothing moved, after which a clip is given up
PARTING = 3.0  # seconds for the last word to a server
SAID = 300  # characters of what a server says
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Server:
    """Where it is, what people call it, the name of the setting that holds its key. wait: seconds before the second
    try; patience: seconds in which it must say something; refused: what to look into where it says no."""

    url: str
    name: str
    setting: str
    key: str = ""
    wait: float = 1.0
    patience: float = 60.0
    refused: str = "See whether it has that model, and knows that size and length."

    def __repr__(self) -> str:
        return f"Server({self.url})"

    @property
    def wrong(self) -> str | None:
        """None, or why that cannot be an address."""
        parts = urlsplit(self.url)
        good = parts.scheme in ("http", "https") and parts.hostname and not parts.query and not parts.username
        return None if good else f"{self.setting} must be an address such as http://127.0.0.1:8000/v1."


@asynccontextmanager
async def session(server: Server) -> AsyncIterator[aiohttp.ClientSession]:
    """Connections to one server."""
    import aiohttp

    head = {"Authorization": f"Bearer {server.key}"} if server.key else {}
    limits = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=server.patience)
    async with aiohttp.ClientSession(headers=head, timeout=limits) as made:
        yield made


async def wanted(work: Awaitable[T], still: Callable[[], None]) -> T:
    """The work's result; `still` is called often while it goes on, and what it raises ends it."""
    task = asyncio.ensure_future(work)
    try:
        while not task.done():
            still()
            await asyncio.wait({task}, timeout=LOOK)
        return task.result()
    finally:
        if not task.done():
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def ask(to: aiohttp.ClientSession, server: Server, method: str, path: str, form: Callable[[], Any] | None = None, **given: Any) -> Any:
    """What the server says, as JSON. form: makes the body anew for each try. FilmError if it says no, or nothing.

    What is only looked at is asked for again if something goes wrong. What makes something (POST), and may cost, is
    asked for again only where it is certain that nothing was begun: the server could not be reached, or says when to come again.
    """
    import aiohttp

    wait, makes = server.wait, method == "POST"
    for left in range(TRIES - 1, -1, -1):
        try:
            async with to.request(method, server.url + path, data=form() if form else None, allow_redirects=False, **given) as answer:
                text = (await answer.content.read(1 << 20)).decode("utf-8", "replace")
                later = answer.status == 429 or (answer.status == 503 and "Retry-After" in answer.headers)
                if (later or (not makes and answer.status in (500, 502, 503, 504))) and left:
                    wait = min(60.0, max(wait, _after(answer.headers))) if later else wait
                else:
                    return _read(server, answer.status, text, makes=makes)
        except TimeoutError as error:
            raise FilmError(f"{server.name} does not answer.", f"See whether it is running, and try again.{_once(makes)}") from error
        except aiohttp.ClientError as error:
            if makes and not isinstance(error, aiohttp.ClientConnectorError):
                raise FilmError(f"{server.name} broke off.", f"See whether it is running, and try again.{_once(makes)}") from error
            if not left:
                raise FilmError(f"{server.name} cannot be reached.", f"See whether it is running, and whether {server.setting} is right.") from error
        await asyncio.sleep(wait)
        wait *= 2
    raise AssertionError


def _after(head: Mapping[str, str]) -> float:
    said = head.get("Retry-After", "")
    return float(said) if said.isdigit() else 0.0


def _once(makes: bool) -> str:
    return " It was asked only once, as it may have begun: look there first if it costs." if makes else ""


def _read(server: Server, status: int, text: str, *, makes: bool = False) -> Any:
    """The answer's JSON; FilmError for anything else."""
    try:
        told = json.loads(text) if text.strip() else {}
    except ValueError:
        told = None
    if status in (401, 403):
        raise FilmError(f"{server.name} does not take the key.", f"Set {server.setting.removesuffix('_URL')}_KEY to one that it knows.")
    if status == 429:
        raise FilmError(f"{server.name} is asked too often.", "Wait a while and run it again: finished parts are kept.")
    if status >= 500:
        raise FilmError(f"{server.name} has failed ({status}). {said(told)}".rstrip(), f"Look into its log, and try again.{_once(makes)}")
    if status >= 400:
        raise FilmError(f"{server.name} refuses ({status}). {said(told)}".rstrip(), server.refused)
    if status >= 300 or not isinstance(told, dict):
        raise strange(server)
    return told


def strange(server: Server) -> FilmError:
    """What it says makes no sense."""
    return FilmError(f"{server.name} answers as something else would.", f"See whether {server.setting} is right.")


def name(server: Server, told: Mapping[str, Any], key: str) -> str:
    """A name that the server gave, fit for a path; FilmError if it gave none."""
    given = told.get(key)
    if not isinstance(given, str) or not 0 < len(given) <= 200 or set(given) == {"."} or not all(c.isalnum() or c in "-_." for c in given):
        raise strange(server)
    return given


async def parted(to: aiohttp.ClientSession, server: Server, method: str, path: str, **given: Any) -> None:
    """Say it as well as can be: nobody waits for an answer."""
    import aiohttp

    try:
        async with asyncio.timeout(PARTING), to.request(method, server.url + path, allow_redirects=False, **given):
            pass
    except (TimeoutError, OSError, aiohttp.ClientError):
        pass


def said(told: Any) -> str:
    """What a server says went wrong, in one short line."""
    for key in ("error", "message", "detail"):
        if isinstance(told, dict) and told.get(key):
            told = told[key]
    if isinstance(told, dict):
        told = told.get("message", "")
    line = " ".join(str(told or "").split())[:SAID] if isinstance(told, str) else ""
    return line if not line or line.endswith(".") else line + "."


async def fetch(to: aiohttp.ClientSession, server: Server, path: str, out: Path, **given: Any) -> None:
    """A file, whole; asked for once more if it breaks off."""
    import aiohttp

    for left in (1, 0):
        try:
            async with to.get(server.url + path, allow_redirects=False, **given) as answer:
                if answer.status != 200 or "html" in answer.content_type or "json" in answer.content_type:
                    _read(server, answer.status, (await answer.content.read(1 << 16)).decode("utf-8", "replace"))
                    raise FilmError(f"{server.name} sends something that is no clip.", f"See whether {server.setting} is right.")
                size = 0
                with out.open("wb") as file:
                    async for block in answer.content.iter_chunked(1 << 18):
                        size += len(block)
                        if size > MOST:
                            raise FilmError(f"{server.name} sends a clip without end.", "Ask for a shorter one.")
                        file.write(block)
                if answer.content_length in (None, size):
                    return
        except TimeoutError as error:
            raise FilmError(f"{server.name} does not answer.", "See whether it is running, and try again.") from error
        except aiohttp.ClientError as error:
            if not left:
                raise FilmError(f"{server.name} sends half a clip, and again.", "See whether it is running, and try again.") from error
    raise FilmError(f"{server.name} sends half a clip, and again.", "See whether it is running, and try again.")
