"""What a job is, as those see it who ask for it: values only. Knows no queue."""

from __future__ import annotations

import json
import secrets
import string
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pipelines.events import Emit, Event
from pipelines.work import Cancelled, FilmError

OVER = frozenset(("done", "failed", "stopped"))
COLUMNS = "id, owner, state, created, changed, told"
SCHEMA = """
create table if not exists jobs (
  id text primary key, owner text not null, story text not null, state text not null, created real not null,
  changed real not null, crashes integer not null default 0, key text not null default '', told text not null default '{}');
create index if not exists jobs_state on jobs (state, created);
create index if not exists jobs_owner on jobs (owner, created);
create index if not exists jobs_changed on jobs (changed);
create unique index if not exists jobs_key on jobs (owner, key) where key != '';
create table if not exists events (
  job text not null references jobs (id) on delete cascade, n integer not null, at real not null, data text not null,
  primary key (job, n)) without rowid;
"""
Told = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it is now. `state`: queued, running, done, failed or stopped. `told`: what its owner keeps with it."""

    id: str
    owner: str
    state: str
    created: float
    changed: float
    told: Told

    @property
    def over(self) -> bool:
        return self.state in OVER


@dataclass(frozen=True, slots=True)
class Stamped:
    """An event with its number in the job (from 1; 0 for progress, which is not kept) and its time."""

    n: int
    at: float
    event: Told


@dataclass(frozen=True, slots=True)
class Ear:
    """Hears a running job's events, while it is wanted."""

    hear: Emit
    wanted: Callable[[], bool]

    def __call__(self, event: Event) -> None:
        if not self.wanted():
            raise Cancelled
        self.hear(event)


class Busy(FilmError):
    """There are too many jobs. `wait`: seconds after which it may be otherwise."""

    def __init__(self, message: str, hint: str, wait: float = 10.0) -> None:
        super().__init__(message, hint)
        self.wait = wait


@dataclass(frozen=True, slots=True)
class Terms:
    """What one owner may ask for: jobs that are not over, and jobs in a day; 0 for no limit."""

    at_once: int = 0
    a_day: int = 0


UNLIMITED = Terms()


def new_id() -> str:
    """An id that nobody can guess: 18 bytes in base64's web letters, the first one a letter, so that no command line takes it for an option."""
    return secrets.choice(string.ascii_letters) + secrets.token_urlsafe(18)[1:]


def job_of(row: tuple[Any, ...]) -> Job:
    """The job in a row of those columns."""
    identity, owner, state, created, changed, told = row
    return Job(identity, owner, state, created, changed, json.loads(told))
