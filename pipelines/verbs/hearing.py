"""What is heard where a verb shows what nobody recorded: the place goes on sounding. Knows no picture.

A video's own sound stays where it is; what is made before or after it is the ambience of its nearest seconds, and turns
into it with equal power. Where the video is silent there, so is what is made.
"""

from __future__ import annotations

import wave
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .. import reel, sound
from ..reel import Piece, Reel
from . import ambience

if TYPE_CHECKING:
    from .cutting import Cutting

SEAM = 0.25  # seconds in which one turns into the other, and in which what is made begins or ends softly
LATE = 0.25  # seconds by which a file's sound may begin after its picture, or end before it, without that being silence
FAINT = 1e-4  # of full scale: what is fainter is silence


def told(how: str, reels: Sequence[Reel], words: str) -> str:
    """How it was done, with those words about the sound where there is any."""
    return f"{how}, {words}" if words and any(one.video.sound for one in reels) else how


def around(desk: Cutting, own: Sequence[Piece], before: float, after: float, seed: int) -> tuple[list[Piece], str]:
    """Pieces of a reel's sound with so many seconds made before the first and after the last. -> and what was done, in words."""
    pieces, carried = list(own), False
    if after > 0:
        pieces[-1:], carried = _more(desk, pieces[-1], after, False, seed)
    if before > 0:
        pieces[:1], led = _more(desk, pieces[0], before, True, seed)
        carried = carried or led
    return pieces, "the sound was carried on" if carried else "silent, as it was there"


def _more(desk: Cutting, piece: Piece, seconds: float, backward: bool, seed: int) -> tuple[list[Piece], bool]:
    """The piece and what is made beside it, in their order; and whether that is heard."""
    given = _lead(desk, piece, backward)
    loud = np.flatnonzero(np.abs(given).max(1) > FAINT) if len(given) else np.zeros(0, int)
    if not len(loud):
        silence = Piece(None, 0.0, seconds)
        return ([silence, piece] if backward else [piece, silence]), False
    late = (len(given) - 1 - int(loud[-1])) / reel.RATE
    late = late if late <= LATE and piece.seconds > 4 * late else 0.0
    seam = min(SEAM, (piece.seconds - late) / 2)
    edge = round((late + min(SEAM, piece.seconds / 4)) * reel.RATE)  # it may end softly, as ours do
    made = ambience.gone_on(given[: len(given) - edge], round((seconds + late + seam) * reel.RATE), seed)
    soft = min(round(SEAM * reel.RATE), len(made) // 2)
    made[-soft:] *= np.cos(np.linspace(0, np.pi / 2, soft, dtype=np.float32))[:, None]
    path = desk.folder / f"ambience{len(list(desk.folder.glob('ambience*')))}.wav"
    _written(made[::-1] if backward else made, path)
    new = Piece(None, 0.0, len(made) / reel.RATE, made=path, soft=False)
    if backward:
        return [new, replace(piece, start=piece.start + late, shared=seam)], True
    return [replace(piece, end=piece.end - late), replace(new, shared=seam)], True


def _lead(desk: Cutting, piece: Piece, backward: bool) -> sound.Sound:
    """What is heard of the piece next to its edge, ending there: reversed, if that is its beginning."""
    near = min(piece.seconds, ambience.LEAD)
    wanted = replace(piece, end=piece.start + near) if backward else replace(piece, start=piece.end - near)
    path = desk.folder / "lead.wav"
    if not reel.heard([replace(wanted, soft=False, shared=0.0)], near, path):
        return np.zeros((0, 2), np.float32)
    given = np.asarray(sound.samples(path, 2), np.float32) / np.float32(32768)
    return given[::-1] if backward else given


def _written(made: sound.Sound, out: Path) -> None:
    with wave.open(str(out), "wb") as file:
        file.setparams((2, 2, reel.RATE, 0, "NONE", ""))
        file.writeframes((made * 32767).round().astype("<i2").tobytes())
