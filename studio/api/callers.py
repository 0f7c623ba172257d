"""Who asks: somebody with a key, somebody on this machine, or a visitor known by address only. Knows no door."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..consent import KEPT
from ..keys import Key

LOCAL = "local"
COOKIE = "reelwright_key"
STATE = "reelwright.caller"


@dataclass(frozen=True, slots=True)
class Caller:
    """`owner` is whose the jobs are; `trusted`: this machine's own people and keys; `all`: the studio's own commands."""

    owner: str
    trusted: bool = False
    all: bool = False
    key: Key | None = None
    borne: bool = False  # the key came in a header, which no web page of somebody else can send
    consent: bool = False  # whoever asks says that people in the pictures agree

    @property
    def films(self) -> int | None:
        """Films a day, where the key says."""
        return self.key.films or None if self.key else None

    @property
    def kept(self) -> dict[str, bool]:
        """What is kept with the job that they ask for."""
        return {KEPT: self.consent}


def by_address(address: str) -> Caller:
    """A visitor without a key."""
    return Caller("visitor:" + hashlib.sha256(address.encode()).hexdigest()[:24])


def by_key(key: Key, borne: bool) -> Caller:
    return Caller(f"key:{key.id}", trusted=True, key=key, borne=borne)


def caller_of(scope: Mapping[str, Any]) -> Caller:
    """Whoever the guard let in."""
    found = scope[STATE]
    assert isinstance(found, Caller)
    return found


def given_key(headers: Mapping[str, str]) -> str:
    """The key in a request's headers; "" for none."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    return headers.get("api-key", "") or headers.get("x-api-key", "")


def pass_for(key: Key) -> str:
    """What the browser of somebody who showed that key keeps instead of it."""
    return f"{key.id}.{hmac.new(key.digest.encode(), b'pass', hashlib.sha256).hexdigest()}"


def shown_pass(cookies: str, keys: tuple[Key, ...]) -> Key | None:
    """The key behind a browser's pass."""
    for part in cookies.split(";"):
        name, _, value = part.strip().partition("=")
        if name == COOKIE:
            for key in keys:
                if hmac.compare_digest(pass_for(key).encode(), value.encode("utf-8", "replace")):
                    return key
    return None
