"""What a request's body may take of us: so many bytes, and no long pauses. Of one that is answered before it was read to its
end, the rest is read on and thrown away for a while: whoever is still sending would find the line broken, and not hear why.

Knows how requests and answers pass through ASGI, and no door.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from math import inf

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import Message, Receive, Scope, Send

from ..limits import REFUSED_BYTES, REFUSED_PAUSE, REFUSED_SECONDS
from .refusals import Refusal

PATIENCE = 30.0  # seconds that a body may pause while it is read


class Body:
    """One request's, and the answer to it. most: bytes that it may have. `receive` and `send` are for the application;
    afterwards `end` is to be called."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, most: int) -> None:
        headers = Headers(scope=scope) if scope["type"] == "http" else Headers()
        told = headers.get("content-length", "0")
        self._receive, self._send, self._most = receive, send, most
        self._length = inf if "transfer-encoding" in headers or not told.isdigit() else int(told)
        self._read = 0
        self._more = self._length > 0
        self._owed = False  # an answer that is all there but for its end

    def check(self) -> None:
        """Refusal if it says itself that it is too large."""
        if self._most < self._length < inf:
            raise self._too_large()

    async def receive(self) -> Message:
        """The next of it; Refusal if it is too large, or stops coming."""
        if not self._more:
            return await self._receive()
        try:
            message = await asyncio.wait_for(self._receive(), PATIENCE)
        except TimeoutError as error:
            self._more = False  # nothing is under way
            raise Refusal(408, "timeout", "The request stopped coming.", "Send it anew.", headers={"Connection": "close"}) from error
        self._took(message)
        if self._read > self._most:
            raise self._too_large()
        return message

    async def send(self, message: Message) -> None:
        """An answer that comes before the body's end says itself where it ends, so its last word can wait."""
        if self._more and message["type"] == "http.response.start" and self._length > self._most + REFUSED_BYTES:
            MutableHeaders(scope=message)["Connection"] = "close"  # it will not be read to its end
        elif self._more and message["type"] == "http.response.body" and not message.get("more_body", False):
            self._owed, message = True, {**message, "more_body": True}
        await self._send(message)

    async def end(self) -> None:
        """Once it is answered: what is still coming is let pass, all of a body that could have been let in or nearly so."""
        if not self._owed:
            return
        most = self._read + (REFUSED_BYTES if self._length > self._most + REFUSED_BYTES else self._length)
        end = time.monotonic() + REFUSED_SECONDS
        with suppress(TimeoutError):
            while self._more and self._read <= most and (left := end - time.monotonic()) > 0:
                self._took(await asyncio.wait_for(self._receive(), min(left, REFUSED_PAUSE)))
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    def _took(self, message: Message) -> None:
        self._read += len(message.get("body", b""))
        self._more = bool(message.get("more_body", False))

    def _too_large(self) -> Refusal:
        return Refusal(413, "too_large", f"That is more than {self._most // 2**20} MB.", "Send less.", headers={"Connection": "close"})
