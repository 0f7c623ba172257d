"""Stretches one after the other in one MP4, by their tables alone (ISO/IEC 14496-12). Knows no codec, starts nothing.

All are of one muxer and one encoder's settings: one video track, its pictures in order. ffmpeg would open and probe each
of them to do the same.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import BinaryIO

from .mp4 import boxes
from .work import FilmError

BLOCK = 1 << 20
MILLI = 1000  # ticks a second of a film's own header
UPRIGHT = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
Runs = list[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class _Stretch:
    """What one file says: where its pictures lie, `count` of them, `ticks` each. `shifts` are (pictures, ticks from when
    each is decoded to when it is shown), `late` what the first one has of that, `keys` those that stand alone, from 1."""

    path: Path
    data: tuple[int, int]
    count: int
    ticks: int
    sizes: bytes
    shifts: Runs
    keys: Sequence[int]
    late: int
    entry: bytes

    @property
    def config(self) -> bytes:
        """What the decoder is set up with; beside it in `entry` stand bit rates, which differ."""
        at = self.entry.index(b"avcC")
        return self.entry[at : at - 4 + int.from_bytes(self.entry[at - 4 : at], "big")]


def splice(parts: Sequence[Path], size: tuple[int, int], timescale: int, out: Path) -> None:
    """The stretches' pictures as one MP4 without sound; `size` in pixels, `timescale` in ticks a second, as theirs.

    FilmError if one is no such stretch.
    """
    try:
        found = [_read(part) for part in parts]
        alike = len({(one.ticks, one.config) for one in found}) == 1
    except (struct.error, ValueError, IndexError) as error:
        raise FilmError("A part of the film cannot be read.", "Run it again; if it stays, this is a bug.") from error
    if not alike:
        raise FilmError("The parts of the film do not fit together.", "Run it again; if it stays, this is a bug.")
    with out.open("wb") as file:
        file.write(_box(b"ftyp", b"isom\0\0\2\0isomiso2avc1mp41"))
        file.write(struct.pack(">I4sQ", 1, b"mdat", 16 + sum(one.data[1] - one.data[0] for one in found)))
        places = []
        for one in found:
            places.append(file.tell())
            _copy(one, file)
        file.write(_moov(found, places, size, timescale))


def _read(path: Path) -> _Stretch:
    with path.open("rb") as file:
        end = path.stat().st_size
        ((top, bottom),), (data,) = boxes(file, b"moov", 0, end), boxes(file, b"mdat", 0, end)
        (track,) = boxes(file, b"trak", top, bottom)

        def inside(place: tuple[int, int], *steps: bytes) -> bytes:
            for step in steps:
                found = boxes(file, step, *place)
                if not found:
                    return b""
                place = found[0]
            file.seek(place[0])
            return file.read(place[1] - place[0])

        def table(kind: bytes) -> bytes:
            return inside(track, b"mdia", b"minf", b"stbl", kind)

        sizes, keys, shifts = table(b"stsz"), table(b"stss"), table(b"ctts")
        ((count, ticks),) = _pairs(table(b"stts"))
        one, many = struct.unpack_from(">II", sizes, 4)
        each = struct.pack(">I", one) * many if one else sizes[12:]
        first = int.from_bytes(table(b"stco")[8:12], "big")
        late = int.from_bytes(inside(track, b"edts", b"elst")[12:16], "big")
        entry = table(b"stsd")
    if many != count or first != data[0] or sum(_numbers(each)) != data[1] - data[0]:
        raise ValueError(path.name)
    alone = _numbers(keys[8:]) if keys else range(1, count + 1)
    return _Stretch(path, data, count, ticks, each, _pairs(shifts) if shifts else [(count, 0)], alone, late, entry)


def _copy(one: _Stretch, file: BinaryIO) -> None:
    with one.path.open("rb") as given:
        given.seek(one.data[0])
        left = one.data[1] - one.data[0]
        while left:
            block = given.read(min(left, BLOCK))
            file.write(block)
            left -= len(block)


def _moov(found: Sequence[_Stretch], places: Sequence[int], size: tuple[int, int], timescale: int) -> bytes:
    """Each stretch is one chunk. Where one shows its pictures later after decoding them than others do, all do."""
    count, late = sum(one.count for one in found), max(one.late for one in found)
    firsts = [0, *accumulate(one.count for one in found)]
    length = count * found[0].ticks
    shown = round(length * MILLI / timescale)
    shifts = [(pictures, ticks + late - one.late) for one in found for pictures, ticks in one.shifts]
    keys = [first + key for first, one in zip(firsts, found, strict=False) for key in one.keys]
    chunks = [(k, one.count, 1) for k, one in enumerate(found, 1)]
    table = _box(
        b"stbl",
        _box(b"stsd", found[0].entry),
        _table(b"stts", ">II", [(count, found[0].ticks)]),
        _table(b"stss", ">I", [(key,) for key in keys]),
        _table(b"ctts", ">II", shifts),
        _table(b"stsc", ">III", chunks),
        _box(b"stsz", struct.pack(">III", 0, 0, count), *(one.sizes for one in found)),
        _table(b"co64", ">Q", [(place,) for place in places]),
    )
    here = _box(b"dinf", _table(b"dref", "", [()], _box(b"url ", struct.pack(">I", 1))))
    minf = _box(b"minf", _box(b"vmhd", struct.pack(">IQ", 1, 0)), here, table)
    handler = _box(b"hdlr", struct.pack(">II4s12x", 0, 0, b"vide"), b"VideoHandler\0")
    media = _box(b"mdia", _box(b"mdhd", struct.pack(">IIIIIHH", 0, 0, 0, timescale, length, 0x55C4, 0)), handler, minf)
    edits = _box(b"edts", _table(b"elst", ">IIHH", [(shown, late, 1, 0)]))
    width, height = (side << 16 for side in size)
    track = _box(b"tkhd", struct.pack(">IIIIIIQHHHH", 3, 0, 0, 1, 0, shown, 0, 0, 0, 0, 0), UPRIGHT, struct.pack(">II", width, height))
    head = struct.pack(">IIIIIIHHQ", 0, 0, 0, MILLI, shown, 0x10000, 0x100, 0, 0)
    return _box(b"moov", _box(b"mvhd", head, UPRIGHT, bytes(24), struct.pack(">I", 2)), _box(b"trak", track, edits, media))


def _box(kind: bytes, *inner: bytes) -> bytes:
    return struct.pack(">I4s", 8 + sum(map(len, inner)), kind) + b"".join(inner)


def _table(kind: bytes, row: str, rows: Sequence[tuple[int, ...]], *more: bytes) -> bytes:
    return _box(kind, struct.pack(">II", 0, len(rows)), *(struct.pack(row, *one) for one in rows if row), *more)


def _pairs(table: bytes) -> Runs:
    return [(a, b) for a, b in struct.iter_unpack(">II", table[8:])]


def _numbers(table: bytes) -> list[int]:
    return [number for (number,) in struct.iter_unpack(">I", table)]
