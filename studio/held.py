"""A folder that one process holds, until it ends. Knows nothing of what is in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipelines.work import FilmError


def hold(path: Path) -> Any:
    """The folder's lock, held until the file is closed or we end; FilmError if another studio holds it."""
    file = path.open("a+")
    try:
        if _take_windows is not None:
            _take_windows(file)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        hint = "Stop it, or give this one another folder with REELWRIGHT_DATA."
        raise FilmError("Another studio already works in this folder.", hint) from error
    return file


def _windows() -> Callable[[Any], None] | None:
    try:
        import msvcrt
    except ImportError:
        return None
    lock = msvcrt  # type: ignore[unreachable,unused-ignore]
    return lambda file: lock.locking(file.fileno(), lock.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]


_take_windows = _windows()
