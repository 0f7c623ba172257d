"""Numbers about requests and jobs, as Prometheus reads them. Knows no request's content."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Mapping

BOUNDS = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
DOORS = ("generateVideos", "folders", "jobs", "catalog", "v1", "videos", "openai", "video", "gradio_api", "mcp", "metrics")


class Metrics:
    """Counts since the start. Safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._start = time.time()
        self._requests: Counter[tuple[str, str, int]] = Counter()
        self._seconds: Counter[tuple[str, float]] = Counter()
        self._spent: Counter[str] = Counter()

    def count(self, method: str, path: str, status: int, seconds: float) -> None:
        """One request is over."""
        first = path.lstrip("/").partition("/")[0]
        door = first if first in DOORS else "page"
        verb = method if method in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS") else "other"
        with self._lock:
            self._requests[door, verb, status] += 1
            self._spent[door] += seconds  # type: ignore[assignment]
            for bound in BOUNDS:
                if seconds <= bound:
                    self._seconds[door, bound] += 1

    def text(self, jobs: Mapping[str, int]) -> str:
        """Everything, in the text format."""
        with self._lock:
            requests, seconds, spent = dict(self._requests), dict(self._seconds), dict(self._spent)
        lines = ["# TYPE reelwright_up_seconds gauge", f"reelwright_up_seconds {time.time() - self._start:.0f}"]
        lines.append("# TYPE reelwright_requests_total counter")
        lines += [f'reelwright_requests_total{{door="{d}",method="{m}",status="{s}"}} {n}' for (d, m, s), n in sorted(requests.items())]
        lines.append("# TYPE reelwright_request_seconds histogram")
        for door in sorted(spent):
            whole = sum(n for (d, _, _), n in requests.items() if d == door)
            lines += [f'reelwright_request_seconds_bucket{{door="{door}",le="{b:g}"}} {seconds.get((door, b), 0)}' for b in BOUNDS]
            lines.append(f'reelwright_request_seconds_bucket{{door="{door}",le="+Inf"}} {whole}')
            lines.append(f'reelwright_request_seconds_sum{{door="{door}"}} {spent[door]:.4f}')
            lines.append(f'reelwright_request_seconds_count{{door="{door}"}} {whole}')
        lines.append("# TYPE reelwright_jobs gauge")
        lines += [f'reelwright_jobs{{state="{state}"}} {jobs.get(state, 0)}' for state in ("queued", "running", "done", "failed", "stopped")]
        return "\n".join(lines) + "\n"
