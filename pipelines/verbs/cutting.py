"""Where a verb works: a folder that goes away, videos opened in it, and the one way to finish. Knows no verb."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

from .. import reel
from ..account import put_together
from ..deliver import check_place
from ..plan import Frame
from ..reel import LONGEST, Piece, Reel
from ..seal import placed
from ..stage import Studio
from ..vault import disk
from ..work import FilmError, Tick
from .hearing import told

if TYPE_CHECKING:
    from ..reel import Picture

QUALITY = "standard"


@dataclass(frozen=True, slots=True)
class Cut:
    """What a verb made: the video at `path`, how long it is, and in a few words how it was done. `notes`: what people
    should know beside that."""

    path: Path
    seconds: float
    frames: int
    how: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cutting:
    """One verb at work. `out` can be written to; that was tried."""

    studio: Studio
    folder: Path
    out: Path

    def open(self, path: Path, frame: Frame | None = None, fit: str = "contain-blur") -> Reel:
        """A given video; with `frame`, in that size and at that rate."""
        name = f"given{len(list(self.folder.glob('given*')))}"
        return reel.opened(path, self.folder, name, frame, fit)

    def finish(
        self, blocks: Iterable[Picture], count: int, frame: Frame, sound: Sequence[Piece], tick: Tick, how: str,
        graph: str = "null", notes: tuple[str, ...] = (),
    ) -> Cut:  # fmt: skip
        """The pictures and the sound as the video that was asked for."""
        if not 1 <= count <= round(LONGEST * 2 * frame.rate):
            raise FilmError(f"The video would last {frame.seconds(count):.0f} seconds.", f"At most {2 * LONGEST:g}: ask for less.")
        seen, heard, made = (self.folder / name for name in ("seen.mp4", "heard.m4a", "made.mp4"))
        reel.picture(blocks, count, frame, self.studio.presets.pick("qualities", QUALITY), seen, tick, graph)
        spoken = heard if reel.heard(sound, frame.seconds(count), heard) else None
        return self.done(seen, spoken, made, count, frame, told(how, sound), notes)

    def done(self, seen: Path, heard: Path | None, made: Path, count: int, frame: Frame, how: str, notes: tuple[str, ...] = ()) -> Cut:
        """Picture and sound, each a file, in one and at their place."""
        reel.joined(seen, heard, made)
        given = sorted(self.folder.glob("given*"))
        _, warned = placed(made, self.out, put_together("A video made of others", given, how), self.studio.marks, drawn=False)
        return Cut(self.out, frame.seconds(count), count, how, (*notes, *(f"{one.message} {one.hint}" for one in warned)))


@contextmanager
def cutting(studio: Studio, out: Path) -> Iterator[Cutting]:
    """The place for one verb. FilmError, before any work, if nothing can be put at `out`."""
    check_place(out)
    with disk(), studio.vault.scratch() as folder:
        yield Cutting(studio, folder, out)


def within(name: str, value: float, least: float, most: float, unit: str = "seconds") -> None:
    """FilmError by the option's name if the value does not fit."""
    if not (isfinite(value) and least <= value <= most):
        raise FilmError(f"{name}: {value:g} does not fit.", f"Give {least:g} to {most:g} {unit}.".replace(" .", "."), name)


def several(videos: Sequence[Path], least: int, most: int) -> None:
    """FilmError if there are too few or too many videos."""
    if not least <= len(videos) <= most:
        wanted = f"{least}" if least == most else f"{least} to {most}"
        raise FilmError(f"{len(videos)} videos were given.", f"Give {wanted}.")
