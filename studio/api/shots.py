"""What is taken from a finished film when somebody asks: a thumbnail, a sheet of pictures, the last frame, the sound.

Made once and kept beside the film. Knows films as files.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from pipelines import frames
from pipelines.vault import Vault
from pipelines.video import last_frame


class Shots:
    """Safe from any thread; one is taken at a time."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._lock = threading.Lock()

    def thumbnail(self, film: Path) -> Path:
        """The middle frame, WebP."""
        return self._once(film, "thumbnail.webp", lambda out: frames.still(film, 0.5, out, self._vault))

    def jpeg(self, film: Path) -> Path:
        """The middle frame, JPEG."""
        return self._once(film, "thumbnail.jpg", lambda out: frames.still(film, 0.5, out, self._vault))

    def sheet(self, film: Path) -> Path:
        """A grid, JPEG."""
        return self._once(film, "sheet.jpg", lambda out: frames.sheet(film, out, self._vault))

    def last(self, film: Path) -> Path:
        """The exact last frame, PNG."""
        return self._once(film, "last.png", lambda out: last_frame(film, out, self._vault))

    def sound(self, film: Path) -> Path:
        """The sound alone, M4A."""
        return self._once(film, "sound.m4a", lambda out: frames.sound(film, out, self._vault))

    def _once(self, film: Path, name: str, make: Callable[[Path], object]) -> Path:
        path = film.with_name(name)
        with self._lock:
            if not path.is_file():
                make(path)
        return path
