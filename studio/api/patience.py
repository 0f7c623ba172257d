"""How long a connection may take to say what it wants. Knows no request's content."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD = 15.0  # seconds for a request's head


class Patient(H11Protocol):
    """uvicorn's protocol, which lets go of connections that never finish their first words."""

    _hurry: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._watch()

    def handle_events(self) -> None:
        before = self.cycle
        super().handle_events()
        if self.cycle is not before:  # a request's head is whole
            self._let()

    def data_received(self, data: bytes) -> None:
        if self._hurry is None and (self.cycle is None or self.cycle.response_complete):
            self._watch()
        super().data_received(data)

    def connection_lost(self, exc: Any) -> None:
        self._let()
        super().connection_lost(exc)

    def _watch(self) -> None:
        self._let()
        self._hurry = self.loop.call_later(HEAD, self.transport.close)

    def _let(self) -> None:
        if self._hurry is not None:
            self._hurry.cancel()
            self._hurry = None
