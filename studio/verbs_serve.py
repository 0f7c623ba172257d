"""What `serve`, `jobs`, `watch`, `cancel` and `keys` do: they start the studio, or ask the one that runs."""

from __future__ import annotations

import argparse
import http.client
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlsplit

from pipelines import events
from pipelines.work import FilmError

from . import settings
from .keys import Keys
from .terminal import Watcher, watching

TOLD = "serve.json"
EVENTS = {kind.__name__.lower(): kind for kind in events.Event.__args__}
STATES = {"queued": "waits", "running": "is made", "done": "done", "failed": "failed", "stopped": "stopped"}


def serve(args: argparse.Namespace) -> int:
    from . import serve as house

    return house.serve(house.opened(), args.host, args.port, args.anybody)


def jobs(args: argparse.Namespace) -> None:
    with _asked("GET", "/own/jobs") as answer:
        rows = json.load(answer)
    if args.json:
        print(json.dumps(rows, indent=1))
        return
    for row in rows:
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(row["created"]))
        print(f"{row['id']}  {when}  {STATES[row['state']]:8} {row['done']:4.0%}  {row['title']}")


def watch(args: argparse.Namespace) -> int:
    """Tell what happens to a job until it is over; 1 if no film came of it."""
    last: Mapping[str, Any] = {}
    with _asked("GET", f"/own/jobs/{quote(args.id, safe='')}/watch") as answer, watching(args.json) as watcher:
        for line in answer:
            if told := json.loads(line):
                last = told
                _hear(watcher, told)
    if last.get("event") == "failed":
        raise FilmError(last["message"], last["hint"], last["where"])
    return 0 if last.get("event") == "done" else 1


def _hear(watcher: Watcher, told: Mapping[str, Any]) -> None:
    if kind := EVENTS.get(told["event"]):
        watcher.hear(kind(**{name: value for name, value in told.items() if name != "event"}))


def cancel(args: argparse.Namespace) -> None:
    with _asked("DELETE", f"/own/jobs/{quote(args.id, safe='')}") as answer:
        told = json.load(answer)
    print(json.dumps(told) if args.json else f"{told['title']}: {'stopped' if told['state'] != 'done' else 'it was done already'}.")


def add_key(args: argparse.Namespace) -> None:
    key = Keys(settings.read().data).add(args.name, args.films, args.requests)
    print(json.dumps({"name": args.name, "key": key}) if args.json else key)


def list_keys(args: argparse.Namespace) -> None:
    rows: list[dict[str, Any]] = [
        {"name": key.name, "created": key.created, "films": key.films, "requests": key.requests}
        for key in Keys(settings.read().data).all()
    ]
    if args.json:
        print(json.dumps(rows, indent=1))
        return
    for row in rows:
        when = time.strftime("%Y-%m-%d", time.localtime(float(row["created"])))
        print(f"{row['name']:40} {when}  films a day: {row['films'] or 'as set'}  requests a minute: {row['requests'] or 'as set'}")


def revoke_key(args: argparse.Namespace) -> None:
    Keys(settings.read().data).revoke(args.name)


@contextmanager
def _asked(method: str, path: str) -> Iterator[http.client.HTTPResponse]:
    """The running studio's answer. FilmError if none runs, or if it refuses."""
    data = settings.read().data
    nobody = FilmError(f"No studio runs in {data}.", "Start it: reelwright serve")
    try:
        told = json.loads((data / TOLD).read_text("utf-8"))
        there = urlsplit(told["url"])
    except (OSError, ValueError, KeyError) as error:
        raise nobody from error
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(there.hostname or "", there.hostname or "")
    connection = http.client.HTTPConnection(host, there.port, timeout=60)
    try:
        connection.request(method, path, headers={"X-Reelwright-Token": told["token"]})
        answer = connection.getresponse()
    except OSError as error:
        connection.close()
        raise nobody from error
    try:
        if answer.status >= 400:
            said = json.load(answer)
            raise FilmError(said.get("detail") or f"The studio answered {answer.status}.", "")
        yield answer
    finally:
        connection.close()
