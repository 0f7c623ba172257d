"""Stands before everything that answers: who may come in, from where, how often and with how much. Knows no film.

One ASGI application around the others. What it refuses never reaches them; what it lets in knows its caller.
"""

from __future__ import annotations

import hmac
import ipaddress
import json
import logging
import re
import secrets
import socket
import time
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipelines.gear import zero
from pipelines.work import FilmError

from ..consent import said
from ..keys import Keys
from ..settings import Settings
from .bodies import Body
from .callers import LOCAL, STATE, Caller, by_address, by_key, given_key, shown_pass
from .metrics import Metrics
from .rates import Rates
from .refusals import Refusal, answer, later, refusal

JSON_BYTES = 32 * 2**20
LONGEST = 8192  # bytes of an address
SAFE = ("GET", "HEAD", "OPTIONS")
CHEAPER = 10  # reading, and the page's own events, count so much less than a film
ALWAYS = ("/healthz", "/readyz", "/health", "/enter")
TOKEN = "x-reelwright-token"
TAKEN = "authorization, api-key, x-api-key, content-type, idempotency-key, prefer, range, last-event-id, reelwright-consent"
log = logging.getLogger("reelwright.access")


@dataclass(frozen=True)
class Policy:
    """How this studio can be reached. `open`: nobody needs a key. `proxied`: a Space's own proxy tells who comes."""

    loopback: bool
    open: bool = False
    proxied: bool = False
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)


class Guard:
    """`app`, guarded."""

    def __init__(self, app: ASGIApp, settings: Settings, keys: Keys, policy: Policy, metrics: Metrics) -> None:
        self.app, self.settings, self.keys, self.policy, self.metrics = app, settings, keys, policy, metrics
        self.rates = Rates()
        named = {name.strip().lower() for name in settings.hosts.split(",") if name.strip()}
        self.hosts = named | {"localhost"} | (set() if policy.loopback else {socket.gethostname().lower()})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers, method = Headers(scope=scope), str(scope.get("method", "GET"))
        body = Body(scope, receive, send, self._most(headers))
        told = _Told(body.send, secrets.token_hex(8), headers, self.policy)
        began = time.monotonic()
        caller: Caller | None = None
        try:
            if method == "OPTIONS" and "access-control-request-method" in headers:
                self._known_host(headers)
                await _preflight(headers)(scope, receive, told.send)
            else:
                caller = replace(self._admit(scope, headers, method), consent=said(headers))
                scope[STATE] = caller
                zero.came(headers)
                told.borne = caller.borne
                body.check()
                await self.app(scope, body.receive, told.send)
        except FilmError as error:
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
            elif told.status is None:
                await _refused(scope["path"], refusal(error), headers, method)(scope, receive, told.send)
        finally:
            seconds = time.monotonic() - began
            status = told.status or 499  # whoever asked had left
            self.metrics.count(method, scope["path"], status, seconds)
            if log.isEnabledFor(logging.INFO):
                log.info(_line(scope, method, status, seconds, told, caller))
        await body.end()

    def _admit(self, scope: Scope, headers: Headers, method: str) -> Caller:
        """Whoever asks; Refusal if they may not."""
        path = scope["path"]
        if any(ord(c) < 32 or ord(c) == 127 for c in path) or ("content-length" in headers and "transfer-encoding" in headers):
            raise Refusal(400, "bad_request", "That is no request that can be read.", "Send it anew.", headers={"Connection": "close"})
        if len(scope.get("raw_path", b"")) + len(scope.get("query_string", b"")) > LONGEST:
            raise Refusal(414, "too_long", "That address is too long.", "Send what is long in the body.", headers={"Connection": "close"})
        self._known_host(headers)
        caller = self._caller(scope, headers)
        unsafe = method not in SAFE or scope["type"] == "websocket"
        if unsafe and not caller.borne and not caller.all and not self._same_origin(headers):
            said = "That came from another website's page."
            raise Refusal(403, "cross_origin", said, "Send a key with it, or open the studio itself.")
        self._often(scope, caller, unsafe, path)
        return caller

    def _known_host(self, headers: Headers) -> None:
        """A page that lured a browser here by a name of its own must not be answered. A bare address is no such name."""
        if self.policy.proxied:
            return
        name = urlsplit("//" + headers.get("host", "")).hostname or ""
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            good = name.lower() in self.hosts
        else:
            good = address.is_loopback or not self.policy.loopback
        if not good:
            raise Refusal(421, "unknown_host", "The studio is not known by that name.", "Name it in REELWRIGHT_HOSTS.")

    def _caller(self, scope: Scope, headers: Headers) -> Caller:
        if (token := headers.get(TOKEN)) is not None and hmac.compare_digest(token.encode(), self.policy.token.encode()):
            return Caller(LOCAL, trusted=True, all=True)
        every = self.keys.all()
        if every and (given := given_key(headers)):
            if key := self.keys.find(given):
                return by_key(key, borne=True)
            raise Refusal(401, "invalid_api_key", "That key is not known here.", "reelwright keys list", headers={"WWW-Authenticate": "Bearer"})
        if every and (known := shown_pass(headers.get("cookie", ""), every)):
            return by_key(known, borne=False)
        if self.policy.loopback:
            return Caller(LOCAL, trusted=True)
        if not self.policy.open and scope["path"] not in ALWAYS:
            hint = "Send it as Authorization: Bearer rw_..."
            raise Refusal(401, "missing_api_key", "A key is needed here.", hint, headers={"WWW-Authenticate": "Bearer"})
        return by_address(_address(scope, headers, self.policy.proxied))

    def _same_origin(self, headers: Headers) -> bool:
        """Whether it comes from a page of ours, or from no page at all: browsers tell, and pages cannot keep them from it."""
        if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return False
        origin = headers.get("origin")
        if origin is None:
            return True
        asked = headers.get("x-forwarded-host", headers.get("host", "")) if self.policy.proxied else headers.get("host", "")
        return bool(asked) and urlsplit(origin).netloc.lower() == asked.lower()

    def _often(self, scope: Scope, caller: Caller, unsafe: bool, path: str) -> None:
        if caller.all or (caller.key is None and self.policy.loopback):
            return
        most = (caller.key.requests if caller.key else 0) or self.settings.requests
        dear = (unsafe and not path.startswith("/gradio_api/")) or path == "/enter"
        if most and (wait := self.rates.take(f"{caller.owner} {dear}", most if dear else most * CHEAPER)):
            raise later("That is too often.", "Wait a moment.", wait)

    def _most(self, headers: Headers) -> int:
        """Bytes that a body may have."""
        multipart = headers.get("content-type", "").startswith("multipart/")
        return self.settings.upload_megabytes * 2**20 if multipart else JSON_BYTES


class _Told:
    """Sends, and notes what was sent."""

    def __init__(self, send: Send, identity: str, asked: Headers, policy: Policy) -> None:
        self._send, self.id, self._asked, self._policy = send, identity, asked, policy
        self.status: int | None = None
        self.bytes = 0
        self.borne = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["X-Request-ID"] = self.id
            headers["X-Content-Type-Options"] = "nosniff"
            if not self._policy.proxied:  # a Space is shown in a frame of another site
                headers["Cross-Origin-Resource-Policy"] = "same-origin"
                headers["X-Frame-Options"] = "SAMEORIGIN"
            ours = self._asked.get("access-control-request-method")
            for name in [name for name in headers if name.startswith("access-control-")] if not ours else []:
                del headers[name]
            if self.borne and (origin := self._asked.get("origin")):
                headers["Access-Control-Allow-Origin"] = origin
                headers.add_vary_header("Origin")
        elif message["type"] == "http.response.body":
            self.bytes += len(message.get("body", b""))
        await self._send(message)


def _preflight(headers: Headers) -> Response:
    """A browser asks whether a page of another site may send something: it may, and without a key it is refused then."""
    allowed = {
        "Access-Control-Allow-Origin": headers.get("origin", ""),
        "Access-Control-Allow-Methods": "GET, HEAD, POST, DELETE",
        "Access-Control-Allow-Headers": TAKEN,
        "Access-Control-Max-Age": "600",
        "Vary": "Origin",
    }
    return Response(status_code=204, headers=allowed)


def _refused(path: str, error: Refusal, headers: Headers, method: str) -> Response:
    if error.status == 401 and method == "GET" and headers.get("sec-fetch-mode") == "navigate":
        return RedirectResponse("/enter", 303)
    return answer(path, error)


def _address(scope: Scope, headers: Headers, proxied: bool) -> str:
    told = headers.get("x-forwarded-for", "").split(",")[0].strip() if proxied else ""
    return told or (scope.get("client") or ("unknown",))[0]


def _line(scope: Scope, method: str, status: int, seconds: float, told: _Told, caller: Caller | None) -> str:
    """One request as JSON. Ids are cut short: whoever knows one whole may fetch what it names."""
    path = re.sub(r"[\w-]{20,}", lambda found: found[0][:6] + "...", scope["path"])[:200]
    who: dict[str, Any] = {"owner": caller.key.name if caller and caller.key else caller.owner if caller else None}
    line = {"id": told.id, "method": method, "path": path, "status": status, "ms": round(seconds * 1000), "bytes": told.bytes}
    return json.dumps(line | who)
