"""Keys that open the doors for programs: made once, shown once, kept as hashes. Knows no web and no films.

One JSON file in the data folder. The command line writes it while a studio runs; the studio reads it anew when it
changed. A key is 256 random bits, so a fast hash keeps it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import secrets
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from pipelines.vault import disk, replacing
from pipelines.work import FilmError

FILE = "keys.json"
PREFIX = "rw_"
NAMES = re.compile(r"[A-Za-z0-9][A-Za-z0-9._ -]{0,39}")


@dataclass(frozen=True, slots=True)
class Key:
    """One key, without itself. `films`: a day, `requests`: a minute; 0 for as many as the studio's settings say."""

    id: str
    name: str
    digest: str
    created: float
    films: int = 0
    requests: int = 0


class Keys:
    """The keys of one data folder."""

    def __init__(self, data: Path) -> None:
        self._path = data / FILE
        self._seen: tuple[int, int] | None = None
        self._keys: tuple[Key, ...] = ()

    def all(self) -> tuple[Key, ...]:
        """Every key, the oldest first. FilmError if the file cannot be read: then nobody gets in."""
        try:
            state = self._path.stat()
        except FileNotFoundError:
            self._seen, self._keys = None, ()
            return ()
        if self._seen != (state.st_mtime_ns, state.st_size):
            try:
                told = json.loads(self._path.read_text("utf-8"))
                self._keys = tuple(Key(**one) for one in told)
            except (OSError, ValueError, TypeError) as error:
                raise FilmError(f"{self._path} cannot be read.", "Put a copy back, or delete it: every key is gone then.") from error
            self._seen = (state.st_mtime_ns, state.st_size)
        return self._keys

    def find(self, given: str) -> Key | None:
        """The key that was given. Every one is compared, each in the same time."""
        digest = _digest(given)
        found = None
        for key in self.all():
            if hmac.compare_digest(key.digest, digest):
                found = key
        return found

    def add(self, name: str, films: int = 0, requests: int = 0) -> str:
        """Make a key. -> the key itself, which nothing can tell again."""
        if not NAMES.fullmatch(name):
            raise FilmError(f'A key cannot be called "{name[:60]}".', "Use up to 40 letters, digits, points and dashes.")
        if any(key.name == name for key in self.all()):
            raise FilmError(f'There is a key called "{name}" already.', f"Take another name, or: reelwright keys revoke {name}")
        if films < 0 or requests < 0:
            raise FilmError("A limit cannot be below 0.", "0 leaves it to the settings.")
        key = PREFIX + secrets.token_urlsafe(32)
        self._save([*self.all(), Key(secrets.token_hex(8), name, _digest(key), time.time(), films, requests)])
        return key

    def revoke(self, name: str) -> None:
        """From now on that key opens nothing."""
        left = [key for key in self.all() if key.name != name]
        if len(left) == len(self.all()):
            raise FilmError(f'There is no key called "{name}".', "reelwright keys list")
        self._save(left)

    def _save(self, keys: Sequence[Key]) -> None:
        with disk(), replacing(self._path) as beside:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            beside.touch(0o600)
            os.chmod(beside, 0o600)
            beside.write_text(json.dumps([asdict(key) for key in keys], indent=1), "utf-8")


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
