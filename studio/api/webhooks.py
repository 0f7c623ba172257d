"""Tells an address of the owner's that a video is done, signed as Standard Webhooks are, until it is heard or 72 hours
have passed. What was told and what is to be told again is on the disk. Knows no request.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from pipelines.work import FilmError

from ..desk import Desk
from ..settings import Settings
from .outside import post
from .refusals import Refusal
from .videos_told import DOOR, public_id

WAITS = (5, 60, 300, 1800, 7200, 18000, 36000)  # seconds until the next try; the last one again and again
GIVEN_UP = 72 * 3600
LOOK = 0.5  # seconds between two looks
PREFIX = "whsec_"
SCHEMA = """
create table if not exists told (job text primary key, id text not null, state text not null, created real not null,
  next real not null, tries integer not null default 0, over integer not null default 0);
create table if not exists mark (since real not null);
"""
log = logging.getLogger("reelwright.webhooks")


class Webhooks:
    """Works in a thread of its own from `start` to `close`."""

    def __init__(self, desk: Desk, own: Settings) -> None:
        self._desk, self._own = desk, own
        self._secret = own.webhook_secret.get_secret_value()
        self._path: Path = own.data / "webhooks.sqlite"
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """FilmError if there is an address, but nothing to sign with."""
        if not self._own.webhook_url:
            return
        key_of(self._secret)
        with self._open() as db:
            db.executescript(SCHEMA)
            if not db.execute("select since from mark").fetchone():
                db.execute("insert into mark values (?)", (time.time(),))
        self._thread = threading.Thread(target=self._work, name="webhooks", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        if self._thread:
            self._thread.join(5)

    def _work(self) -> None:
        while not self._stop.wait(LOOK):
            with self._open() as db:
                self._gather(db)
                due = db.execute("select job, id, state, created, tries from told where over = 0 and next <= ? limit 20", (time.time(),)).fetchall()
            for job, identity, state, created, tries in due:
                if self._stop.is_set():
                    return
                heard = self._tell(job, identity, state, created)
                now = time.time()
                over = heard or now - created > GIVEN_UP
                wait = WAITS[min(tries, len(WAITS) - 1)]
                with self._open() as db:
                    db.execute("update told set tries = tries + 1, next = ?, over = ? where job = ?", (now + wait, int(over), job))

    def _gather(self, db: sqlite3.Connection) -> None:
        """Take in the videos that are over since we last looked. A moment is looked at twice: none falls between."""
        (since,) = db.execute("select since from mark").fetchone()
        jobs = self._desk.ended(DOOR, since)
        for job in jobs:
            row = (job.id, f"evt_{hashlib.sha256(job.id.encode()).hexdigest()[:32]}", job.state, time.time(), time.time())
            db.execute("insert or ignore into told (job, id, state, created, next) values (?, ?, ?, ?, ?)", row)
        if jobs:
            db.execute("update mark set since = ?", (jobs[-1].changed,))

    def _tell(self, job: str, identity: str, state: str, created: float) -> bool:
        kind = "video.completed" if state == "done" else "video.failed"
        told = {"id": identity, "object": "event", "created_at": int(created), "type": kind, "data": {"id": public_id(job)}}
        body = json.dumps(told).encode()
        try:
            status = post(self._own.webhook_url, body, signed(identity, int(time.time()), body, self._secret), self._own.private_addresses)
        except Refusal as error:
            log.warning("webhook %s: %s", identity, error.message)
            return False
        if not 200 <= status < 300:
            log.warning("webhook %s: answered %s", identity, status)
        return 200 <= status < 300

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._path, timeout=30, isolation_level=None)) as db:
            yield db


def key_of(secret: str) -> bytes:
    """The bytes to sign with; FilmError if the setting holds none."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except ValueError:
        key = b""
    if not secret.startswith(PREFIX) or len(key) < 16:
        hint = 'REELWRIGHT_WEBHOOK_SECRET="whsec_$(openssl rand -base64 32)"'
        raise FilmError("Webhooks need a secret to be signed with.", hint, "REELWRIGHT_WEBHOOK_SECRET")
    return key


def signed(identity: str, at: int, body: bytes, secret: str) -> dict[str, str]:
    """The headers that say who it is from."""
    sign = hmac.new(key_of(secret), f"{identity}.{at}.".encode() + body, hashlib.sha256).digest()
    told = {"webhook-id": identity, "webhook-timestamp": str(at), "webhook-signature": f"v1,{base64.b64encode(sign).decode()}"}
    return told | {"Content-Type": "application/json", "User-Agent": "reelwright"}
