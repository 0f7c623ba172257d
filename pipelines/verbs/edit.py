"""A video made over: another look, pace, direction or shape, with words spoken over it or written into it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from .. import film, reel, steady
from ..captions import captions
from ..clip import planes
from ..plan import Frame
from ..presets import Look, Presets, choose
from ..reel import Piece
from ..stage import Studio
from ..subtitles import ass, room
from ..timeline import Spoken, Take
from ..vault import linked
from ..watermark import inked
from ..work import FilmError, Tick, idle, part
from . import drift, voice
from .cutting import QUALITY, Cut, Cutting, cutting, several, within
from .hearing import told
from .over import Over, made_over
from .retime import retimed
from .words import understood

if TYPE_CHECKING:
    from ..reel import Picture
    from .shooting import Hand

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
    `steady`: a shaken video is made steady. `strength`: how much of a look: subtle, mild or strong. With an `engine`, a
    model's name or auto, the whole prompt is for that model, which makes the video over as far as `strength` says; a
    look is told to it too. Everything else is done to what it made.
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
    engine: str = ""
    seed: int = 0


def edit(videos: Sequence[Path], how: Edit, studio: Studio, out: Path, tick: Tick = idle) -> Cut:
    """One video, made over. Words of the prompt that mean nothing here are among the notes."""
    several(videos, 1, 1)
    wish, grade, notes = _wish(how, studio.presets)
    within("speed", wish.speed, SLOWEST, FASTEST, "times as fast")
    with cutting(studio, out) as desk:
        own = desk.open(videos[0])
        speed = Fraction(wish.speed).limit_denominator(1000)
        count = max(1, round(own.count / speed))
        given, by = own, None
        if wish.engine:
            look = studio.presets.looks.get(wish.look)
            words = Over(how.prompt, wish.engine, wish.strength or "mild", wish.seed, look.prompt if look else "", look.negative if look else "")
            own, by = made_over(desk, own, words, part(tick, 0.0, 0.8))
            tick = part(tick, 0.8, 1.0)
        take = _spoken(wish, studio, own.frame.seconds(count), part(tick, 0.0, 0.1))
        pictures: Iterable[Picture] = own.backwards() if wish.reverse else own.frames()
        if wish.steady:
            size = own.frame.width, own.frame.height
            moves = steady.matrices(drift.way(own.frames(), own.frame), steady.SPAN * float(own.frame.rate), size)
            pictures = steady.held(pictures, moves[::-1] if wish.reverse else moves, size)
        if speed != 1:
            pictures = retimed(pictures, speed, count, studio.workers)
        area = shape(own.frame.width, own.frame.height, wish.crop)
        frame = Frame(area[2], area[3], own.frame.rate)
        if area[2:] != (own.frame.width, own.frame.height):
            pictures = (_cropped(one, area) for one in pictures)
        if by and by.source and studio.marks.watermark:
            pictures = inked(pictures, frame.width, frame.height)
        graph = ",".join([*_graded(grade, STRENGTHS[wish.strength or "strong"]), *_written(wish, take, frame, count, desk)]) or "null"
        seen, heard = desk.folder / "seen.mp4", desk.folder / "heard.m4a"
        reel.picture(pictures, count, frame, studio.presets.pick("qualities", QUALITY), seen, part(tick, 0.1, 0.95), graph)
        sound = [] if wish.mute else [Piece(given, 0.0, given.seconds, float(speed), wish.reverse)]
        spoken = (voice.over if take else _plain)(sound, frame.seconds(count), take, heard, desk.folder)
        return desk.done(seen, spoken, desk.folder / "made.mp4", count, frame, told(_told(wish, by), sound), notes, by.by if by else None)


def _plain(sound: Sequence[Piece], seconds: float, _take: Take | None, out: Path, _folder: Path) -> Path | None:
    return out if sound and reel.heard(sound, seconds, out) else None


def _wish(how: Edit, presets: Presets) -> tuple[Edit, list[Look], tuple[str, ...]]:
    """Everything that is asked for, by words or by fields; the grades; and what people should know."""
    said = understood("" if how.engine else how.prompt, presets.looks)
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
    if replace(wish, prompt="", voice="auto", captions=False, strength="", seed=0) == Edit() and not said.grade:
        hint = "Name a look, slow motion or faster, reverse, vertical, ...; or give options. Other changes need a model: give its name as engine."
        raise FilmError("Nothing that can be done was asked for.", hint, "prompt")
    grades = [presets.looks[look]] if look else []
    grades += [replace(Look(label="", what=""), **dict(said.grade))] if said.grade else []  # type: ignore[arg-type]
    notes = (f"Not understood, so nothing was done about it: {', '.join(unknown[:20])}.",) if unknown else ()
    return wish, grades, notes


def _cropped(picture: Picture, area: tuple[int, int, int, int]) -> Picture:
    x, y, width, height = area
    out = np.empty((height * 3 // 2, width), np.uint8)
    for half, plane, into in zip((1, 2, 2), planes(picture), planes(out), strict=True):
        into[:] = plane[y // half : (y + height) // half, x // half : (x + width) // half]
    return out


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


def _told(wish: Edit, by: Hand | None) -> str:
    said = [f"made over by {by.label}, {wish.strength or 'mild'}"] if by else []
    said += [wish.look.replace("_", " ")] if wish.look else []
    said += [f"{wish.speed:g} x the pace"] if wish.speed != 1 else []
    said += [name for name in ("reverse", "steady", "mute", "narration", "caption") if getattr(wish, name)]
    return ", ".join([*said, *([f"cropped to {wish.crop}"] if wish.crop else [])]) or "graded"
