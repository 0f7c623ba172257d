"""Durable jobs: accepted means it will be made, across crashes and restarts. Knows a job's words, not how films are made.

One SQLite table of jobs and one of their events. The folder is held by one process (a file lock), so a job that is
`running` when we open was cut off, and simply waits again: the vault makes it go on from its finished parts. That is
all that leases and fencing would give, with nothing that can expire.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from contextvars import Context
from pathlib import Path
from typing import Any

from pipelines.events import Event, Failed, Glimpse, Made, Moved, Stopped, failed, plain
from pipelines.hands import behind
from pipelines.work import Cancelled, DiskFull, FilmError

from .held import hold
from .job import COLUMNS, SCHEMA, UNLIMITED, Busy, Ear, Job, Stamped, Terms, Told, job_of, new_id

SUSPECT = 3  # a job during which the studio went down so often, and that got no further, lets all others go first
MOST_CRASHES = 12  # and so often: it is told to be at fault. Whoever kills the studio again and again hits several jobs
MOST_WAITING = 100  # jobs of one owner
DAY = 24 * 3600.0
KEPT_KEYS = DAY  # seconds for which the same idempotency key gives the same job
SHOWN = ("film", "join")  # of what is made, people look at that
AGAIN = 2.0  # seconds after which a full disk is tried again
FULL = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)  # SQLite's words for a disk without room

Emit = Callable[[Event], None]
Make = Callable[[str, Told, Emit], None]
"""(job id, the story as plain data, emit): makes the film, or raises FilmError or Cancelled."""
log = logging.getLogger("reelwright.jobs")


class Jobs:
    """The queue in one folder. Every method may be called from any thread."""

    def __init__(self, folder: Path, make: Make, hands: int = 1) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = hold(folder / "lock")
        self._path = folder / "jobs.sqlite"
        self._make = make
        self._news = threading.Condition(threading.RLock())  # something happened to a job
        self._queue = threading.Condition()  # there may be something to do
        self._writing = threading.RLock()  # waiting here is fairer than at the database, and wakes sooner
        self._moved: dict[str, dict[int, Stamped]] = {}  # by job and scene; 0 is the whole
        self._glimpses: dict[str, dict[int, Stamped]] = {}
        self._versions: dict[str, int] = {}
        self._steps: dict[str, int] = {}
        self._unwanted: set[str] = set()  # jobs that are to stop
        self._stuck: set[str] = set()  # jobs whose end cannot be written down
        self._served: dict[str, float] = {}
        self._contexts: dict[str, Context] = {}  # that waiting jobs are made in: written nowhere
        self._closing = False
        with self._open() as db:
            db.executescript(SCHEMA)
            self._recover(db)
        # While one connection stays open the log beside the file stays too: where the disk is full nobody could make a
        # new one, not even to read; and what is written need not be cleared up each time.
        self._held = sqlite3.connect(self._path, check_same_thread=False)
        self._held.execute("select count(*) from jobs").fetchone()
        self._hands = [threading.Thread(target=self._work, name=f"hand-{i}", daemon=True) for i in range(hands)]
        for hand in self._hands:
            hand.start()

    def submit(self, story: Told, owner: str, key: str = "", told: Told | None = None, terms: Terms = UNLIMITED, within: Context | None = None) -> str:
        """Accept a job; it is on the disk when this returns. -> its id; the same `key` gives the same id for a day.
        `within`: the context in which it is made, unless we are gone by then."""
        now, job = time.time(), new_id()
        with self._writing, self._open(durable=True) as db:
            db.execute("begin immediate")
            if key:
                db.execute("update jobs set key = '' where owner = ? and key = ? and created < ?", (owner, key, now - KEPT_KEYS))
                if row := db.execute("select id from jobs where owner = ? and key = ?", (owner, key)).fetchone():
                    return str(row[0])
            (waiting,) = db.execute("select count(*) from jobs where owner = ? and state = 'queued'", (owner,)).fetchone()
            if waiting >= MOST_WAITING:
                raise Busy(f"{MOST_WAITING} films are waiting already.", "Wait until some are made, or stop some.")
            self._within(db, owner, terms, now)
            values = (job, owner, json.dumps(story), "queued", now, now, key, json.dumps(told or {}))
            db.execute("insert into jobs (id, owner, story, state, created, changed, key, told) values (?,?,?,?,?,?,?,?)", values)
            db.execute("commit")
            self._contexts |= {job: within} if within else {}  # nobody begins it before
        with self._queue:
            self._queue.notify()
        return job

    def _within(self, db: sqlite3.Connection, owner: str, terms: Terms, now: float) -> None:
        if terms.at_once:
            sql = "select count(*) from jobs where owner = ? and state in ('queued', 'running')"
            if db.execute(sql, (owner,)).fetchone()[0] >= terms.at_once:
                what = "A film of yours is" if terms.at_once == 1 else f"{terms.at_once} films of yours are"
                raise Busy(f"{what} being made already.", "Wait until it is done, or stop it.")
        if terms.a_day:
            sql = "select created from jobs where owner = ? and created > ? order by created desc limit 1 offset ?"
            if row := db.execute(sql, (owner, now - DAY, terms.a_day - 1)).fetchone():
                raise Busy(f"{terms.a_day} films were asked for within a day; that is the limit.", "Come back later.", row[0] + DAY - now)

    def get(self, job: str) -> Job | None:
        """The job, if there is one."""
        with self._open() as db:
            row = db.execute(f"select {COLUMNS} from jobs where id = ?", (job,)).fetchone()
        return job_of(row) if row else None

    def story(self, job: str) -> Told:
        """What the job was asked to make."""
        with self._open() as db:
            (text,) = db.execute("select story from jobs where id = ?", (job,)).fetchone()
        told: Told = json.loads(text)
        return told

    def newest(self, owner: str | None = None, most: int = 100) -> list[Job]:
        """The newest jobs, of one owner or of all."""
        where, values = ("where owner = ?", [owner]) if owner is not None else ("where owner != ''", [])
        with self._open() as db:
            rows = db.execute(f"select {COLUMNS} from jobs {where} order by created desc limit {int(most)}", values).fetchall()
        return [job_of(row) for row in rows]

    def page(self, owner: str, door: str, after: str, most: int, newest_first: bool) -> list[Job]:
        """Jobs of one owner whose `told` names that door, from beyond the job `after` ("": from the first)."""
        sign, order = ("<", "desc") if newest_first else (">", "asc")
        sql = f"select {COLUMNS} from jobs where owner = ? and told ->> '$.door' = ?"
        values: list[Any] = [owner, door]
        if after:
            sql += f" and (created, rowid) {sign} (select created, rowid from jobs where id = ?)"
            values.append(after)
        with self._open() as db:
            rows = db.execute(f"{sql} order by created {order}, rowid {order} limit ?", [*values, most]).fetchall()
        return [job_of(row) for row in rows]

    def ended(self, door: str, since: float) -> list[Job]:
        """Jobs of that door that were over at `since` or later, the oldest first."""
        sql = f"select {COLUMNS} from jobs where changed >= ? and state in ('done', 'failed', 'stopped') and told ->> '$.door' = ?"
        with self._open() as db:
            return [job_of(row) for row in db.execute(f"{sql} order by changed limit 1000", (since, door))]

    def counts(self) -> dict[str, int]:
        """How many jobs there are in each state."""
        with self._open() as db:
            return dict(db.execute("select state, count(*) from jobs group by state").fetchall())

    def disown(self, job: str) -> None:
        """Nobody's any more: it is stopped, and forgotten with the old ones."""
        self.cancel(job)
        with self._open(durable=True) as db:
            db.execute("update jobs set owner = '', key = '' where id = ?", (job,))

    def ahead(self, job: str) -> int:
        """How many jobs are before this one in the queue."""
        with self._open() as db:
            sql = "select count(*) from jobs where state in ('queued', 'running') and created < (select created from jobs where id = ?)"
            (count,) = db.execute(sql, (job,)).fetchone()
        return int(count)

    def cancel(self, job: str) -> None:
        """Stop a job: at once if it waits, within a moment if it runs. Finished parts are kept."""
        with self._writing, self._open(durable=True) as db:
            sql = "update jobs set state = 'stopped', changed = ? where id = ? and state = 'queued'"
            changed = db.execute(sql, (time.time(), job)).rowcount
        if changed:
            self._contexts.pop(job, None)
            self._add(job, Stopped())
        else:
            with self._news:
                self._unwanted.add(job)
        self._tell(job)

    def events(self, job: str, after: int = 0) -> list[Stamped]:
        """What happened after event number `after`, without what is only progress."""
        with self._open() as db:
            sql = "select n, at, data from events where job = ? and n > ? order by n"
            return [Stamped(n, at, json.loads(data)) for n, at, data in db.execute(sql, (job, after))]

    def progress(self, job: str) -> list[Stamped]:
        """The newest progress of a running job, of each of its scenes that is at work; the newest last."""
        with self._news:
            return sorted(self._moved.get(job, {}).values(), key=lambda stamped: stamped.at)

    def glimpses(self, job: str) -> list[Stamped]:
        """The newest small picture of each scene of a running job whose clip is computed."""
        with self._news:
            return list(self._glimpses.get(job, {}).values())

    def stuck(self, job: str) -> bool:
        """Whether a job is over, but the disk is too full to keep that: it is tried again until there is room."""
        with self._news:
            return job in self._stuck

    def version(self, job: str) -> int:
        """A number that grows with everything new about a job: cheap to ask."""
        with self._news:
            return self._versions.get(job, 0)

    def steps(self, job: str) -> int:
        """The same, but it stays where it is for what is only progress, and for parts that nobody looks at."""
        with self._news:
            return self._steps.get(job, 0)

    def watch(self, job: str, after: int = 0, patience: float = 15.0) -> Iterator[Stamped | None]:
        """What happened after `after`, then what happens, until the job is over. None is told when `patience` seconds
        were quiet, so that whoever relays this can see whether anybody still listens."""
        seen, told = -1, 0.0
        while True:
            with self._news:
                if self._versions.get(job, 0) == seen and not self._closing:
                    self._until(job, seen, patience)
                quiet = self._versions.get(job, 0) == seen
                seen = self._versions.get(job, 0)
                moved = self.progress(job)
                closing_down = self._closing
            now = self.get(job)  # before its events: what is over has told all of them
            fresh = self.events(job, after)
            yield from fresh
            after = fresh[-1].n if fresh else after
            if now is None or now.over or closing_down:
                return
            news = [stamped for stamped in moved if stamped.at > told]
            yield from news
            if news:
                told = news[-1].at
            elif quiet:
                yield None

    def _until(self, job: str, seen: int, patience: float) -> None:
        """Wait until there is something new about the job; `_news` is held."""
        self._news.wait_for(lambda: self._versions.get(job, 0) != seen or self._closing, patience)

    def forget(self, older_than: float) -> list[str]:
        """Delete jobs that were over so many seconds ago. -> their ids."""
        with self._open() as db:
            sql = "select id from jobs where state in ('done', 'failed', 'stopped') and changed < ?"
            gone = [str(row[0]) for row in db.execute(sql, (time.time() - older_than,))]
            db.executemany("delete from jobs where id = ?", [(job,) for job in gone])
        with self._news:
            for job in gone:
                self._versions.pop(job, None)
                self._steps.pop(job, None)
                self._moved.pop(job, None)
                self._glimpses.pop(job, None)
        return gone

    def close(self, patience: float = 5.0) -> None:
        """Stop the hands; what runs waits again for the next start."""
        self._closing = True
        for condition in (self._news, self._queue):
            with condition:
                condition.notify_all()
        for hand in self._hands:
            hand.join(patience)
        self._held.close()
        self._lock.close()

    def _work(self) -> None:
        """One hand: the next job, to its end, for ever."""
        with ThreadPoolExecutor(1, initializer=behind) as pool:
            while True:
                job = None
                with self._queue:
                    while not self._closing and job is None:
                        try:
                            job = self._claim()
                        except DiskFull:
                            self._queue.wait(AGAIN)
                            continue
                        if job is None:
                            self._queue.wait()
                    if job is None:
                        return
                self._run(job, pool)

    def _run(self, job: str, pool: ThreadPoolExecutor) -> None:
        def heard(event: Event) -> None:
            if isinstance(event, Made) and not event.reused and job not in moved:
                moved.add(job)
                self._innocent(job)
            self._add(job, event)

        moved: set[str] = set()
        ear = Ear(heard, lambda: not self._closing and job not in self._unwanted)
        made: Future[None] = pool.submit(self._contexts.pop(job, Context()).run, lambda: self._make(job, self.story(job), ear))
        state, event = self._outcome(job, made.exception())
        while True:
            try:
                self._set(job, state, event)
                break
            except DiskFull:  # it is told as soon as there is room
                if self._closing:
                    return
                with self._news:
                    self._stuck.add(job)
                self._tell(job)
                time.sleep(AGAIN)
        with self._news:
            self._stuck.discard(job)
            self._unwanted.discard(job)
            self._moved.pop(job, None)
            self._glimpses.pop(job, None)
        self._tell(job)

    def _outcome(self, job: str, error: BaseException | None) -> tuple[str, Event | None]:
        """How a job ended: its state, and what is told about it."""
        if error is None:
            return "done", None
        if isinstance(error, Cancelled):
            return ("queued", None) if self._closing else ("stopped", Stopped())
        if isinstance(error, FilmError):
            return "failed", failed(error)
        log.error("job %s failed", job, exc_info=error)
        said = f"Something went wrong that should not ({type(error).__name__})."
        return "failed", Failed(said, "Try again; if it stays, please report it.")

    def _innocent(self, job: str) -> None:
        """It got further than before: what took the studio down was not this job, or not alone."""
        with self._open() as db:
            db.execute("update jobs set crashes = 0 where id = ?", (job,))

    def _waiting(self) -> str | None:
        """The job that is next: of the owner who was served longest ago, the oldest; those under suspicion come last."""
        with self._open() as db:
            rows = db.execute("select id, owner, crashes from jobs where state = 'queued' order by created").fetchall()
        if not rows:
            return None
        return str(min(rows, key=lambda row: (row[2] // SUSPECT, self._served.get(row[1], 0.0)))[0])

    def _claim(self) -> str | None:
        job = self._waiting()
        if job is None:
            return None
        with self._writing, self._open(durable=True) as db:
            sql = "update jobs set state = 'running', changed = ? where id = ? and state = 'queued'"
            if not db.execute(sql, (time.time(), job)).rowcount:
                return self._claim()  # it was stopped this moment
            (owner,) = db.execute("select owner from jobs where id = ?", (job,)).fetchone()
        self._served[owner] = time.time()
        self._tell(job)
        return job

    def _recover(self, db: sqlite3.Connection) -> None:
        """What ran when the studio went down waits again; what took it down again and again is given up."""
        db.execute("update jobs set state = 'queued', crashes = crashes + 1 where state = 'running'")
        rows = db.execute("select id from jobs where state = 'queued' and crashes >= ?", (MOST_CRASHES,)).fetchall()
        for (job,) in rows:
            said = f"The studio stopped {MOST_CRASHES} times while making this film."
            self._record(db, job, Failed(said, "Try it with fewer scenes, or other pictures."))
            db.execute("update jobs set state = 'failed', changed = ? where id = ?", (time.time(), job))

    def _set(self, job: str, state: str, event: Event | None = None) -> None:
        with self._open(durable=True) as db:
            db.execute("begin immediate")
            if event:
                self._record(db, job, event)
            db.execute("update jobs set state = ?, changed = ? where id = ?", (state, time.time(), job))
            db.execute("commit")

    def _add(self, job: str, event: Event) -> None:
        if isinstance(event, Moved | Glimpse):
            kept = self._moved if isinstance(event, Moved) else self._glimpses
            with self._news:
                kept.setdefault(job, {})[event.scene] = Stamped(0, time.time(), plain(event))
        else:
            with self._open() as db:
                self._record(db, job, event)
        self._tell(job, isinstance(event, Moved | Glimpse) or (isinstance(event, Made) and event.stage not in SHOWN))

    def _record(self, db: sqlite3.Connection, job: str, event: Event) -> None:
        sql = "insert into events select ?, coalesce(max(n), 0) + 1, ?, ? from events where job = ?"
        db.execute(sql, (job, time.time(), json.dumps(plain(event)), job))

    def _tell(self, job: str, small: bool = False) -> None:
        with self._news:
            self._steps[job] = self._steps.get(job, 0) + (not small)
            self._versions[job] = self._versions.get(job, 0) + 1
            self._news.notify_all()

    @contextmanager
    def _open(self, durable: bool = False) -> Iterator[sqlite3.Connection]:
        """A connection; what is committed survives our end, and if `durable` the machine's too."""
        try:
            with closing(sqlite3.connect(self._path, timeout=30, isolation_level=None)) as db:
                db.execute("pragma journal_mode = wal")
                db.execute(f"pragma synchronous = {'full' if durable else 'normal'}")
                db.execute("pragma foreign_keys = on")
                yield db
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF in FULL:
                raise DiskFull from error
            raise


__all__ = ["Busy", "Emit", "Job", "Jobs", "Make", "Stamped", "Terms", "Told"]
