"""How long a connection may take to say what it wants, and how one ends that says nothing that can be read. Knows no
request's content.
"""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from ..limits import REFUSED_BYTES, REFUSED_PAUSE

HEAD = 15.0  # seconds for a request's head


class Patient(H11Protocol):
    """uvicorn's protocol, which lets go of connections that never finish their first words."""

    _hurry: asyncio.TimerHandle | None = None
    _refused: int | None = None  # bytes that came since nothing more is read

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._watch(HEAD)

    def handle_events(self) -> None:
        before = self.cycle
        super().handle_events()
        if self.cycle is not before and self._refused is None:  # a request's head is whole
            self._let()

    def data_received(self, data: bytes) -> None:
        if self._refused is not None:
            self._refused += len(data)
            if self._refused > REFUSED_BYTES:
                self.transport.close()
            return
        if self._hurry is None and (self.cycle is None or self.cycle.response_complete):
            self._watch(HEAD)
        super().data_received(data)

    def send_400_response(self, msg: str) -> None:
        """The same answer, and what still comes is let pass for a moment: else the line would break under whoever sends
        it, and the answer with it."""
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.close()  # it has an answer
            return
        headers = [("content-type", "text/plain; charset=utf-8"), ("content-length", str(len(msg))), ("connection", "close")]
        for event in (h11.Response(status_code=400, headers=headers, reason=b"Bad Request"), h11.Data(data=msg.encode("ascii")), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        if self.cycle is not None:  # whoever reads of it reads no more
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self._refused = 0
        self._watch(REFUSED_PAUSE)
        self.transport.write_eof()
        self.flow.resume_reading()

    def connection_lost(self, exc: Any) -> None:
        self._let()
        super().connection_lost(exc)

    def _watch(self, seconds: float) -> None:
        self._let()
        self._hurry = self.loop.call_later(seconds, self.transport.close)

    def _let(self) -> None:
        if self._hurry is not None:
            self._hurry.cancel()
            self._hurry = None
