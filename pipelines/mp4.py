"""What an MP4 says of itself, read from its boxes (ISO/IEC 14496-12). Knows no codec and starts nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO


def count(path: Path) -> int:
    """The pictures in the file's video track; 0 for a file without one, or one that was not finished."""
    if not path.is_file():
        return 0
    with path.open("rb") as file:
        for track in _tracks(file, path):
            if _handler(file, track) == b"vide":
                for step in (b"mdia", b"minf", b"stbl", b"stsz"):
                    track = next(iter(boxes(file, step, *track)), (0, 0))
                file.seek(track[0] + 8)
                return int.from_bytes(file.read(4), "big") if track[1] else 0
    return 0


def hide_captions(path: Path) -> None:
    """Switch the captions track off in an MP4: players offer it, but do not draw it over captions in the picture.

    ffmpeg's muxer always switches the first track of a kind on, so the flag in its header (ISO/IEC 14496-12, 8.3.2)
    is cleared here. The file keeps its length.
    """
    with path.open("r+b") as file:
        for track in list(_tracks(file, path)):
            if _handler(file, track) == b"sbtl":
                for start, _end in boxes(file, b"tkhd", *track):
                    file.seek(start)
                    flags = int.from_bytes(file.read(4), "big")
                    file.seek(start)
                    file.write((flags & ~1).to_bytes(4, "big"))


def boxes(file: BinaryIO, kind: bytes, start: int, end: int) -> list[tuple[int, int]]:
    """Where the bodies of an MP4's boxes of that kind begin and end, between two places of the file."""
    found = []
    while start + 8 <= end:
        file.seek(start)
        size, name = int.from_bytes(file.read(4), "big"), file.read(4)
        head = 8
        if size == 1:
            size, head = int.from_bytes(file.read(8), "big"), 16
        stop = end if size == 0 else start + size
        if name == kind:
            found.append((start + head, stop))
        if stop <= start:
            break
        start = stop
    return found


def _tracks(file: BinaryIO, path: Path) -> Iterator[tuple[int, int]]:
    for moov in boxes(file, b"moov", 0, path.stat().st_size):
        yield from boxes(file, b"trak", *moov)


def _handler(file: BinaryIO, track: tuple[int, int]) -> bytes:
    """What kind of track it is: b"vide", b"soun", b"sbtl"."""
    for media in boxes(file, b"mdia", *track):
        for start, _end in boxes(file, b"hdlr", *media):
            file.seek(start + 8)
            return file.read(4)
    return b""
