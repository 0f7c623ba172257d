"""A video that goes on: from its exact last picture, or before its exact first one, with the move that it has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from .. import moves
from ..plan import Frame, Shot
from ..reel import Piece, Reel
from ..stage import Studio
from ..work import FilmError, Tick, idle
from . import drift
from .bridge import marked, onward, wanted
from .cutting import Cut, Cutting, cutting, several, within
from .hearing import around
from .shooting import hand, shot_on

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..reel import Picture

LEAST, MOST = 0.2, 60.0  # seconds
WATCHED = 0.5  # seconds of the video from which its move is read


@dataclass(frozen=True, slots=True)
class Extend:
    """`seconds` more, at the end or (`backward`) before the beginning. `prompt`: camera words take over from the
    video's own move; what it says beside them is for an `engine`. Without one the last picture goes on moving."""

    seconds: float
    prompt: str = ""
    backward: bool = False
    engine: str = ""
    seed: int = 0


@dataclass(frozen=True, slots=True)
class More:
    """What continues a video: `count` pictures in the film's order, and what people should know."""

    count: int
    pictures: Iterator[Picture]
    how: str
    notes: tuple[str, ...]
    by: tuple[str, str] | None = None


def extend(videos: Sequence[Path], how: Extend, studio: Studio, out: Path, tick: Tick = idle) -> Cut:
    """One video and more of it: as long as both. No picture is doubled at the joint; the video's own sound stays where
    it is, and its place goes on sounding in the new part."""
    several(videos, 1, 1)
    within("seconds", how.seconds, LEAST, MOST)
    with cutting(studio, out) as desk:
        reel = desk.open(videos[0])
        more = continued(desk, reel, 0, reel.count, how, tick)
        order = (more.pictures, reel.frames()) if how.backward else (reel.frames(), more.pictures)
        longer = reel.frame.seconds(more.count)
        sound = around(desk, [Piece(reel, 0.0, reel.seconds)], *((longer, 0.0) if how.backward else (0.0, longer)), how.seed)
        return desk.finish(chain(*order), reel.count + more.count, reel.frame, sound, tick, more.how, notes=more.notes, by=more.by)


def continued(desk: Cutting, reel: Reel, first: int, last: int, how: Extend, tick: Tick) -> More:
    """More of the reel's pictures `first` up to `last` (not included), at their end, or before them if backward."""
    frame = reel.frame
    count = max(1, round(how.seconds * frame.rate))
    watched = min(last - first, max(3, round(WATCHED * frame.rate)))
    near = list(reel.frames(first if how.backward else last - watched, watched))
    edge = near[0] if how.backward else near[-1]
    said = moves.said_in(how.prompt)
    camera = moves.read(said, how.seconds, desk.studio.presets.moves, how.seed).camera if said else None
    if how.engine and how.engine != "auto":
        still = desk.folder / "edge.png"
        png(edge, frame, still)
        shot = Shot(how.prompt, still, camera or moves.Camera(()), count, frame, "cover", how.seed)
        who = hand(desk.studio, how.engine)
        said = f"{how.engine} went on from the exact {'first' if how.backward else 'last'} picture"
        if who.reach.first and (several := min(last - first, wanted(who, frame))) > 1:
            those = list(reel.frames(first if how.backward else last - several, several))
            pictures = onward(desk, those[::-1] if how.backward else those, count, frame, who, shot, tick, backward=how.backward)
            said += f" and the {several - 1} {'after' if how.backward else 'before'} it"
        else:
            pictures = shot_on(desk.studio, who, shot, still, tick)
        pictures = marked(desk, pictures, frame, who)
        turned = iter(list(pictures)[::-1]) if how.backward else pictures
        return More(count, turned, said, (), who.by)
    seen = drift.measured(near)
    path = drift.carried(seen.back if how.backward else seen, frame, count, camera, how.seed)
    steps = reversed(path) if how.backward else iter(path)
    notes: tuple[str, ...] = ()
    if how.prompt.strip() and len(how.prompt) > len(said) + 12:
        notes = ("Of the prompt only the camera's words are used: the rest needs a model, with an engine's name.",)
    return More(count, (drift.shown(edge, matrix) for matrix in steps), "the move was carried on", notes)


def png(picture: Picture, frame: Frame, out: Path) -> None:
    """An I420 picture, BT.709 in limited range, as an RGB PNG."""
    from .. import ffmpeg

    size = f"{frame.width}x{frame.height}"
    told: list[str | int | Path] = ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", size, "-i", "pipe:0"]
    turn = ["-vf", "scale=in_color_matrix=bt709:in_range=tv:flags=accurate_rnd+full_chroma_int", "-pix_fmt", "rgb24"]
    ffmpeg.write([*told, *turn, "-frames:v", 1, "-c:v", "png", "-f", "image2", "-update", 1, out], [picture.reshape(-1).data])
    if not out.is_file():
        raise FilmError("The picture at the joint cannot be kept.", "Run it again.")
