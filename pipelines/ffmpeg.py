"""The only module that starts ffmpeg: arguments in, progress to tick, killed on the way out. Knows no film.

The binary is the one that imageio-ffmpeg brings. Every input is a file that we made or checked: demuxers are always
named (`-f`), and no user byte is in a filter, an option or a file name.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import IO

from .work import ALONE, Cancelled, DiskFull, FilmError, Place, Tick, idle

Args = Sequence[str | int | Path]
_asking = threading.Lock()
Block = bytes | memoryview
MOST_SAID = 1 << 20  # bytes of what ffmpeg says that are read
ROOM = 1 << 20  # bytes in a pipe; the most that anybody may ask for
LISTENS = 0.1  # seconds between two times that it is asked whether its work is wanted still
OLDEST = (8, 1, 2)  # CVE-2026-8461 is mended from here on


@cache
def binary() -> str:
    """The path of ffmpeg; FilmError if the package has none for this machine."""
    package = importlib.util.find_spec("imageio_ffmpeg")
    folders = (package.submodule_search_locations if package else None) or []
    brought = [path for folder in folders for path in Path(folder, "binaries").glob("ffmpeg-*")]
    if len(brought) == 1 and "IMAGEIO_FFMPEG_EXE" not in os.environ:  # the package itself would run it, to see that it runs
        return str(brought[0])
    try:
        import imageio_ffmpeg

        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except (ImportError, RuntimeError) as error:
        raise FilmError("ffmpeg is missing.", "pip install imageio-ffmpeg") from error


def version() -> str:
    """What ffmpeg calls itself, such as `n9.0.2`."""
    with _asking:  # several want to know at once
        return _version()


@cache
def _version() -> str:
    text = subprocess.run([binary(), "-version"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"ffmpeg version (\S+)", text)
    return found[1] if found else "unknown"


@cache
def _leash() -> tuple[str, ...]:
    """Ends ffmpeg with us, even on kill -9, where the system can (elsewhere its closed pipe does)."""
    tool = shutil.which("setpriv") if sys.platform == "linux" else None
    return (tool, "--pdeathsig", "KILL", "--") if tool else ()


def command(args: Args) -> list[str]:
    """The whole command line for those arguments."""
    return [*_leash(), binary(), "-hide_banner", "-nostdin", "-loglevel", "error", "-y", *map(str, args)]


_wanted: ContextVar[Callable[[], bool] | None] = ContextVar("wanted", default=None)


@contextmanager
def while_wanted(wanted: Callable[[], bool]) -> Iterator[None]:
    """Whatever this thread runs inside is ended at once when `wanted` says no, and then Cancelled is raised."""
    token = _wanted.set(wanted)
    try:
        yield
    finally:
        _wanted.reset(token)


@contextmanager
def started(
    args: Args, *, feed: bool = False, cwd: Path | None = None, patience: float = 0.0, words: list[str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """ffmpeg running: stdout is a pipe, stdin too if `feed`. Waits at the end; killed if the block raises, and after
    `patience` seconds where there is a limit. What it said goes into `words`.

    A non-zero exit raises FilmError with ffmpeg's own last words; Cancelled where nobody wants it (see `while_wanted`).
    """
    wanted, over = _wanted.get(), threading.Event()
    if wanted and not wanted():
        raise Cancelled
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            command(args),
            stdin=subprocess.PIPE if feed else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=said,
            cwd=cwd,
            process_group=0,  # Ctrl-C is ours to handle; in our session, or Linux shares out time by session and not by `nice`
        )
        watch = threading.Timer(patience, process.kill) if patience else None
        try:
            if watch:
                watch.daemon = True
                watch.start()
            if wanted:
                threading.Thread(target=_listened, args=(process, wanted, over), daemon=True).start()
            _widen(process.stdin or process.stdout)
            yield process
            if process.stdin:
                process.stdin.close()
            status = process.wait()
        except BrokenPipeError:
            status = process.wait() or 1
        except BaseException:
            process.kill()
            process.wait()
            raise
        finally:
            over.set()
            late = watch is not None and watch.finished.is_set()
            if watch:
                watch.cancel()
            for pipe in (process.stdin, process.stdout):
                _close(pipe)
        if status and wanted and not wanted():
            raise Cancelled
        if status and late:
            raise FilmError(f"It took longer than {patience:g} seconds.", "Use something shorter or smaller.")
        if status or words is not None:
            said.seek(0)
            text = said.read(MOST_SAID).decode("utf-8", "replace")
            if status:
                raise _error(status, text)
            assert words is not None
            words.append(text)


def _listened(process: subprocess.Popen[bytes], wanted: Callable[[], bool], over: threading.Event) -> None:
    while not over.wait(LISTENS):
        if not wanted():
            process.kill()
            return


def run(args: Args, *, frames: int = 0, tick: Tick = idle, cwd: Path | None = None, patience: float = 0.0) -> None:
    """Run ffmpeg to its end. With `frames`, tick follows the frames written."""
    watched = ["-progress", "pipe:1", *args] if frames else args
    with started(watched, cwd=cwd, patience=patience) as process:
        assert process.stdout is not None
        for line in process.stdout:
            name, _, value = line.decode("utf-8", "replace").partition("=")
            if name == "frame" and value.strip().isdigit():
                tick(min(1.0, int(value) / max(1, frames)))


def said(args: Args, *, patience: float = 0.0) -> str:
    """What ffmpeg says of its inputs and its work, run to its end."""
    words: list[str] = []
    with started(["-loglevel", "info", "-nostats", *args], patience=patience, words=words):
        pass
    return words[0]


def write(args: Args, blocks: Iterable[Block], *, cwd: Path | None = None, place: Place = ALONE) -> None:
    """Run ffmpeg with `blocks` on its stdin. The place is free when it has them all and works on alone."""
    with started(args, feed=True, cwd=cwd) as process:
        assert process.stdin is not None
        if place.nice and hasattr(os, "setpriority"):
            with suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, process.pid, place.nice)
        place.ends(process.kill)
        for block in blocks:
            process.stdin.write(block)
        process.stdin.close()
        place.free()


def read(args: Args, size: int, *, cwd: Path | None = None, patience: float = 0.0) -> Iterator[bytes]:
    """What ffmpeg writes to stdout, in blocks of exactly `size` bytes; the last may be shorter."""
    with started(args, cwd=cwd, patience=patience) as process:
        assert process.stdout is not None
        while block := process.stdout.read(size):
            yield block


def _widen(pipe: IO[bytes] | None) -> None:
    """Room for a whole frame, so that we and ffmpeg take turns once a frame, not once every 64 KB."""
    if pipe and sys.platform == "linux":
        import fcntl

        with suppress(OSError):  # a user may only have so much of it
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, ROOM)


def _close(pipe: IO[bytes] | None) -> None:
    if pipe:
        with suppress(BrokenPipeError):
            pipe.close()


def _error(status: int, said: str) -> FilmError:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    if "No space left on device" in said:
        return DiskFull()
    why = f"it was ended by signal {-status}" if status < 0 else (lines[-1][:300] if lines else f"exit status {status}")
    return FilmError(f"ffmpeg could not finish: {why}.", "Run it again: finished parts are kept.")
