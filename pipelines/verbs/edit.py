"""A video made over: another look, pace, direction or shape, with words spoken over it or written into it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from .. import film, reel, steady
from ..captions import captions
from ..plan import Frame
from ..presets import Look, Presets, choose
from ..reel import Piece
from ..stage import Studio
from ..subtitles import ass, room
from ..timeline import Spoken, Take
from ..vault import linked
from ..work import FilmError, Tick, idle, part
from . import drift, voice
from .cutting import QUALITY, Cut, Cutting, cutting, several, within
from .hearing import told
from .retime import retimed
from .words import understood

if TYPE_CHECKING:
    from ..reel import Picture

SLOWEST, FASTEST = 0.125, 16.0
STRENGTHS: Mapping[str, float] = MappingProxyType({"subtle": 0.35, "mild": 0.65, "strong": 1.0})
LEAST_SIDE = 64
BREATH = voice.START
MOST_WORDS = 5_000  # characters


@dataclass(frozen=True, slots=True)
class Edit:
    """What is changed. `prompt` says it in words; the other fields say it exactly and come before the prompt's.

    `look`: one of the looks. `speed`: 2 is twice as fast. `crop`: "9:16", the middle is kept. `narration`: spoken over
    the video's own sound, which makes way, by `voice`. `caption`: burned into the picture; `captions`: the narration is.
    `steady`: a shaken video is made steady. `strength`: how much of a look: subtle, mild or strong.
    """

    prompt: str = ""
    look: str = ""
    speed: float = 1.0
    reverse: bool = False
    crop: str = ""
    narration: str = ""
    voice: str = "auto"
    caption: str = ""
    captions: bool = False
    mute: bool = False
    steady: bool = False
    strength: str = ""


def edit(videos: Sequence[Path], how: Edit, studio: Studio, out: Path, tick: Tick = idle) -> Cut:
    """One video, made over. Words of the prompt that mean nothing here are among the notes."""
    several(videos, 1, 1)
    wish, grade, notes = _wish(how, studio.presets)
    within("speed", wish.speed, SLOWEST, FASTEST, "times as fast")
    with cutting(studio, out) as desk:
        own = desk.open(videos[0])
        speed = Fraction(wish.speed).limit_denominator(1000)
        count = max(1, round(own.count / speed))
        take = _spoken(wish, studio, own.frame.seconds(count), part(tick, 0.0, 0.1))
        pictures: Iterable[Picture] = own.backwards() if wish.reverse else own.frames()
        if wish.steady:
            size = own.frame.width, own.frame.height
            moves = steady.matrices(drift.way(own.frames(), own.frame), steady.SPAN * float(own.frame.rate), size)
            pictures = steady.held(pictures, moves[::-1] if wish.reverse else moves, size)
        if speed != 1:
            pictures = retimed(pictures, speed, count, studio.workers)
        x, y, width, height = shape(own.frame.width, own.frame.height, wish.crop)
        frame = Frame(width, height, own.frame.rate)
        steps = [f"crop={width}:{height}:{x}:{y}"] if (width, height) != (own.frame.width, own.frame.height) else []
        graph = ",".join([*steps, *_graded(grade, STRENGTHS[wish.strength or "strong"]), *_written(wish, take, frame, count, desk)]) or "null"
        seen, heard = desk.folder / "seen.mp4", desk.folder / "heard.m4a"
        shown = Frame(own.frame.width, own.frame.height, own.frame.rate)
        reel.picture(pictures, count, shown, studio.presets.pick("qualities", QUALITY), seen, part(tick, 0.1, 0.95), graph)
        sound = [] if wish.mute else [Piece(own, 0.0, own.seconds, float(speed), wish.reverse)]
        spoken = (voice.over if take else _plain)(sound, frame.seconds(count), take, heard, desk.folder)
        return desk.done(seen, spoken, desk.folder / "made.mp4", count, frame, told(_told(wish), sound), notes)


def _plain(sound: Sequence[Piece], seconds: float, _take: Take | None, out: Path, _folder: Path) -> Path | None:
    return out if sound and reel.heard(sound, seconds, out) else None


def _wish(how: Edit, presets: Presets) -> tuple[Edit, list[Look], tuple[str, ...]]:
    """Everything that is asked for, by words or by fields; the grades; and what people should know."""
    said = understood(how.prompt, presets.looks)
    look = how.look.strip().lower().replace(" ", "_").replace("-", "_") or said.look
    if look and look not in presets.looks:
        raise FilmError(f'There is no look called "{how.look}".', choose(look, presets.looks), "look")
    if (how.strength or "strong") not in STRENGTHS:
        raise FilmError(f'There is no strength called "{how.strength}".', choose(how.strength, STRENGTHS), "strength")
    for name, text in (("narration", how.narration), ("caption", how.caption)):
        if len(text) > MOST_WORDS:
            raise FilmError(f"{name}: {len(text):,} characters are too many.", f"Use at most {MOST_WORDS:,}.", name)
    wish = replace(
        how, look=look, speed=how.speed if how.speed != 1 else said.speed, reverse=how.reverse or said.reverse,
        crop=how.crop or said.crop, mute=how.mute or said.mute, steady=how.steady or said.steady, strength=how.strength or said.strength,
    )  # fmt: skip
    unknown = said.unknown
    if replace(wish, prompt="", voice="auto", captions=False, strength="") == Edit() and not said.grade:
        hint = "Name a look, slow motion or faster, reverse, vertical, ...; or give options. Other changes need a model."
        raise FilmError("Nothing that can be done was asked for.", hint, "prompt")
    grades = [presets.looks[look]] if look else []
    grades += [replace(Look(label="", what=""), **dict(said.grade))] if said.grade else []  # type: ignore[arg-type]
    notes = (f"Not understood, so nothing was done about it: {', '.join(unknown[:20])}.",) if unknown else ()
    return wish, grades, notes


def _graded(grades: Sequence[Look], strength: float) -> list[str]:
    filters = [one for look in grades for one in film.grade(look)]
    if not filters or strength >= 1:
        return filters
    mixed = f"[made][own]blend=all_mode=normal:all_opacity={strength:g}"
    return [f"split[own][other];[other]{','.join(filters)}[made];{mixed}"]


def shape(width: int, height: int, crop: str) -> tuple[int, int, int, int]:
    """(x, y, width, height) of what is kept of a picture of that size, in even pixels: the middle."""
    if not crop:
        return 0, 0, width, height
    found = re.fullmatch(r"\s*(\d{1,4}(?:\.\d+)?)\s*[:x/]\s*(\d{1,4}(?:\.\d+)?)\s*", crop)
    ratio = float(found[1]) / max(1e-9, float(found[2])) if found else 0.0
    if not 0.1 <= ratio <= 10:
        raise FilmError(f'crop: "{crop[:40]}" does not fit.', "Give two numbers such as 9:16.", "crop")
    across, down = min(width, round(height * ratio / 2) * 2), min(height, round(width / ratio / 2) * 2)
    if min(across, down) < min(LEAST_SIDE, width, height):
        raise FilmError(f"crop: only {across}x{down} pixels would be left.", "Take a shape nearer to the video's.", "crop")
    return (width - across) // 4 * 2, (height - down) // 4 * 2, across, down


def _spoken(wish: Edit, studio: Studio, seconds: float, tick: Tick) -> Take | None:
    if not wish.narration.strip():
        return None
    take = voice.spoken(wish.narration, wish.voice, studio, max(0.5, seconds - 2 * BREATH), tick)
    if take.seconds > seconds - BREATH + 0.05:
        hint = "Use fewer words, or make the video longer first, with extend or fill --slow."
        raise FilmError(f"The narration lasts {take.seconds:.1f} s, the video {seconds:.1f} s.", hint, "narration")
    return take


def _written(wish: Edit, take: Take | None, frame: Frame, count: int, desk: Cutting) -> list[str]:
    """The filters that write words into the picture; what they read is put beside it."""
    seconds = frame.seconds(count)
    shown: list[Spoken] = []
    if wish.caption.strip():
        shown.append(Spoken(0, 0.0, Take(Path(), seconds, voice.spread(wish.caption, seconds), "")))
    elif wish.captions and take:
        shown.append(Spoken(0, BREATH, take))
    style = desk.studio.presets.pick("captions", "plain")
    script = ass(captions(shown, [seconds] * len(shown), room(style, frame.width, frame.height)), style, frame.width, frame.height, 0.0, seconds, frame.rate)
    if not script:
        return []
    (desk.folder / "captions.ass").write_text(script, "utf-8")
    linked(desk.studio.fonts, desk.folder / "fonts")
    return [f"setpts=PTS+{film.SUBTITLES_AT:g}/TB", "subtitles=filename=captions.ass:fontsdir=fonts", "setpts=PTS-STARTPTS"]


def _told(wish: Edit) -> str:
    said = [wish.look.replace("_", " ")] if wish.look else []
    said += [f"{wish.speed:g} x the pace"] if wish.speed != 1 else []
    said += [name for name in ("reverse", "steady", "mute", "narration", "caption") if getattr(wish, name)]
    return ", ".join([*said, *([f"cropped to {wish.crop}"] if wish.crop else [])]) or "graded"
