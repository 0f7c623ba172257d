"""Asks a server that speaks OpenAI's /moderations what it thinks of a story's texts. Off unless the operator names one.

The address is the operator's own setting, never a caller's. Where the server cannot be asked, no film is made: whoever
set it wants it asked. Knows no story.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from ..work import FilmError
from .web import Server, ask, session

SETTING = "REELWRIGHT_MODERATION_URL"
TOGETHER = 32  # texts in one request


@dataclass(frozen=True, slots=True)
class Moderation:
    """A policy.Judge."""

    url: str
    key: str = field(default="", repr=False)

    def __call__(self, texts: Sequence[str]) -> list[str]:
        """For each text, the categories that it was flagged for; empty for none."""
        server = Server(self.url.rstrip("/"), "The moderation service", SETTING, self.key)
        if server.wrong:
            raise FilmError("The moderation service cannot be asked.", server.wrong)
        return asyncio.run(_asked(server, list(texts)))


async def _asked(server: Server, texts: list[str]) -> list[str]:
    wanted = [i for i, text in enumerate(texts) if text.strip()]
    said = ["" for _ in texts]
    async with session(server) as to:
        for first in range(0, len(wanted), TOGETHER):
            places = wanted[first : first + TOGETHER]
            told = await ask(to, server, "POST", "/moderations", json={"input": [texts[i] for i in places]})
            results = told.get("results") if isinstance(told, dict) else None
            if not isinstance(results, list) or len(results) != len(places):
                raise FilmError("The moderation service answered in a way that is not understood.", f"See whether {SETTING} is right.")
            for i, result in zip(places, results, strict=True):
                said[i] = _flagged(result)
    return said


def _flagged(result: object) -> str:
    if not isinstance(result, dict) or not result.get("flagged"):
        return ""
    categories = result.get("categories")
    named = sorted(str(name)[:40] for name, flag in categories.items() if flag) if isinstance(categories, dict) else []
    return ", ".join(named) or "flagged"
