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
from ..reel import Piece
from . import ambience

if TYPE_CHECKING:
    from .cutting import Cutting

SEAM = 0.25  # seconds in which one turns into the other, and in which what is made begins or ends softly
LATE = 0.25  # seconds by which a file's sound may begin after its picture, or end before it, without that being silence
FAINT = 1e-4  # of full scale: what is fainter is silence


def told(how: str, pieces: Sequence[Piece]) -> str:
    """How something was done, and what became of the sound, where there is any."""
    if not any(piece.source for piece in pieces):
        return how
    marks = {
        "the sound carried on": any(piece.made for piece in pieces),
        "silent where it was silent": any(piece.reel is None and not piece.made for piece in pieces),
        "the sound too": any(piece.shared and not piece.made for piece in pieces) or any(piece.backwards for piece in pieces),
        "the sound at the same pitch": any(piece.speed != 1 for piece in pieces),
    }
    return ", ".join([how, *[words for words, true in marks.items() if true][:1]])


def around(desk: Cutting, own: Sequence[Piece], before: float, after: float, seed: int) -> list[Piece]:
    """Pieces of a reel's sound, with so many seconds made before the first and after the last."""
    pieces = list(own)
    if after > 0:
        pieces[-1:] = _more(desk, pieces[-1], after, False, seed)
    if before > 0:
        pieces[:1] = _more(desk, pieces[0], before, True, seed)
    return pieces


def _more(desk: Cutting, piece: Piece, seconds: float, backward: bool, seed: int) -> list[Piece]:
    """The piece and what is made beside it, in their order."""
    given = _lead(desk, piece, backward)
    loud = np.flatnonzero(np.abs(given).max(1) > FAINT) if len(given) else np.zeros(0, int)
    if not len(loud):
        silence = Piece(None, 0.0, seconds)
        return [silence, piece] if backward else [piece, silence]
    late = (len(given) - 1 - int(loud[-1])) / reel.RATE
    late = late if late <= LATE and piece.seconds > 4 * late else 0.0
    seam = min(SEAM, (piece.seconds - late) / 2)
    made = ambience.gone_on(given[: len(given) - round(late * reel.RATE)], round((seconds + late + seam) * reel.RATE), seed)
    soft = min(round(SEAM * reel.RATE), len(made) // 2)
    made[-soft:] *= np.cos(np.linspace(0, np.pi / 2, soft, dtype=np.float32))[:, None]
    path = desk.folder / f"ambience{len(list(desk.folder.glob('ambience*')))}.wav"
    _written(made[::-1] if backward else made, path)
    new = Piece(None, 0.0, len(made) / reel.RATE, made=path, soft=False)
    if backward:
        return [new, replace(piece, start=piece.start + late, shared=seam)]
    return [replace(piece, end=piece.end - late), replace(new, shared=seam)]


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
