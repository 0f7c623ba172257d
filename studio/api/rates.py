"""How often somebody may come: a bucket for each, which fills again by the minute. Knows no door and no request."""

from __future__ import annotations

import threading
import time

MOST = 50_000  # buckets; full ones are forgotten first


class Rates:
    """Safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left: dict[str, tuple[float, float]] = {}  # by whom: what is left, and when that was

    def take(self, who: str, a_minute: float) -> float:
        """Take one from somebody's bucket. -> 0, or the seconds until there is one again."""
        now = time.monotonic()
        with self._lock:
            left, at = self._left.get(who, (a_minute, now))
            left = min(a_minute, left + (now - at) * a_minute / 60)
            if left < 1:
                return (1 - left) * 60 / a_minute
            if len(self._left) >= MOST and who not in self._left:
                self._left = {name: kept for name, kept in self._left.items() if now - kept[1] < 60}
            self._left[who] = (left - 1, now)
            return 0.0
