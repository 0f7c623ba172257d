"""Camera moves from words: "slow zoom out, pan right" -> what the camera does in a shot of a given length.

Pure. Knows presets/moves.toml, not how a picture is drawn; `path.py` turns a Camera into one matrix a frame.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod
from types import MappingProxyType

from .presets import Move

MAX_DURATION = 6.0  # seconds; a longer scene is held to the moves of one so long
LIMITS = ((3.0, 1), (5.0, 2))  # up to so many seconds: so many moves
MOST = 3

# How far a move goes, and whether it eases. Factors multiply: "very slow" is 0.6 * 0.6.
STRENGTHS: Mapping[str, float] = MappingProxyType(
    dict.fromkeys(("slow", "slowly", "gentle", "gently", "soft", "softly", "subtle", "subtly", "smoothly"), 0.6)
    | dict.fromkeys(("slightly", "slight", "little", "bit"), 0.5)
    | dict.fromkeys(("normal", "normally", "medium"), 1.0)
    | dict.fromkeys(("fast", "quick", "quickly", "rapid", "rapidly", "swift", "swiftly"), 1.6)
    | dict.fromkeys(("strong", "strongly", "dramatic", "dramatically", "wide", "big", "hard"), 1.5)
)
LEADS = 0.1  # of the frame: a move that travels less only wanders
VERY = frozenset(("very", "extremely", "super", "really"))
STEADY = frozenset(("steady", "steadily", "linear", "constant"))
FILLERS = frozenset(
    ["a", "an", "the", "camera", "shot", "move", "moves", "movement", "motion", "of", "to", "on", "in", "at", "into", "toward", "towards", "from", "with", "smooth", "it", "is", "its", "over", "across", "scene", "picture", "image", "frame", "subject", "slow-motion", "effect", "please", "center", "centre", "middle", "for", "then", "and"]
)
_THEN = re.compile(r"\s*(?:,\s*)?(?:\band then\b|\bthen\b|\bfollowed by\b|\bafter that\b|\bbefore\b|;|\.(?!\d)|->|\n)\s*", re.I)
_WITH = re.compile(r"\s*(?:,|&|\+|/|\band\b|\bwhile\b|\bas well as\b|\bwith\b)\s*", re.I)
_SPLIT = re.compile(f"({_THEN.pattern}|{_WITH.pattern})", re.I)


@dataclass(frozen=True, slots=True)
class Aim:
    """One move as asked for: how strongly (1 is the preset's own) and whether it eases in and out."""

    move: Move
    strength: float
    eased: bool = True

    @property
    def numbers(self) -> list[float | bool]:
        """Everything in it that moves the camera, and no names."""
        move = self.move
        return [move.zoom, move.pan, move.tilt, move.roll, move.orbit, move.shake, move.shake_hz, self.strength, self.eased]


@dataclass(frozen=True, slots=True)
class Step:
    """Moves made together between two moments of the shot (shares of its time, 0..1)."""

    aims: tuple[Aim, ...]
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Camera:
    """What the camera does during one shot. `drawn`: by chance, no words led it."""

    steps: tuple[Step, ...]
    drawn: bool = False

    @property
    def numbers(self) -> list[object]:
        """The same as plain numbers, for recipes."""
        return [[step.start, step.end, [aim.numbers for aim in step.aims]] for step in self.steps]

    @property
    def leads(self) -> tuple[bool, bool]:
        """Whether words lead it to a side, or up or down."""
        moves = [aim.move for step in self.steps for aim in step.aims if not self.drawn]
        return any(abs(move.pan) > LEADS for move in moves), any(abs(move.tilt) > LEADS for move in moves)

    @property
    def shakes(self) -> bool:
        """Whether anything in it trembles, as the seed has it."""
        return any(aim.move.shake for step in self.steps for aim in step.aims)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a clip action was understood to be: the camera, words not known, and moves left out for lack of time."""

    camera: Camera
    unknown: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Phrase:
    text: str
    follows: bool  # it comes after the one before, not together with it
    names: tuple[str, ...]
    strength: float
    eased: bool
    unknown: tuple[str, ...]


def most_moves(seconds: float) -> int:
    """How many moves fit in that many seconds."""
    return next((most for limit, most in LIMITS if min(seconds, MAX_DURATION) <= limit), MOST)


def read(action: str, seconds: float, moves: Mapping[str, Move], seed: int) -> Reading:
    """Words to camera. "auto" or nothing draws a move from the seed; words not known are named, never guessed."""
    phrases = _phrases(action, moves)
    wanted = [phrase for phrase in phrases if phrase.names]
    kept: list[_Phrase] = []
    used, dropped = 0, list[str]()
    for phrase in wanted:
        room = most_moves(seconds) - used
        if dropped or (used and len(phrase.names) > room):  # whole phrases, as validate_clip_action keeps them
            dropped.append(phrase.text)
            continue
        kept.append(replace(phrase, names=phrase.names[:room]))
        used += len(kept[-1].names)
        if len(phrase.names) > room:
            dropped.append(phrase.text)
    unknown = tuple(dict.fromkeys(word for phrase in phrases for word in phrase.unknown))
    if not kept:
        strength, eased = (phrases[0].strength, phrases[0].eased) if phrases else (1.0, True)
        return Reading(Camera((Step((Aim(_draw(moves, seed), strength, eased),), 0.0, 1.0),), True), unknown)
    return Reading(_camera(kept, moves, seed), unknown, tuple(dropped))


def validate_clip_action(action: str, seconds: float, moves: Mapping[str, Move]) -> str:
    """The action that fits: its first moves, as many as the length allows, in its own words."""
    out, used, joint = "", 0, ""
    for text, separator in _pairs(action.strip()):
        found = len(_phrase(text, False, moves).names)
        if found and used + found > most_moves(seconds) and used:
            break
        used += found
        out, joint = out + joint + text, separator
    return out


def livelier(camera: Camera, motion: float) -> Camera:
    """The same moves with so much motion: 0 stands still, 0.5 is as they are, 1 goes two and a half times as far."""
    if motion == 0.5:
        return camera
    if motion == 0:
        return Camera((Step((Aim(Move(label="Static", what="", words=()), 1.0),), 0.0, 1.0),))
    factor = 2 * motion if motion < 0.5 else 3 * motion - 0.5
    return Camera(tuple(
        replace(step, aims=tuple(replace(aim, strength=round(aim.strength * factor, 6)) for aim in step.aims))
        for step in camera.steps
    ))  # fmt: skip


_SAID = re.compile(
    r"\b(?:(?:very|slow|slowly|gentle|gently|fast|quick) )*(?:zoom(?:s|ing)? (?:in|out)|pan(?:s|ning)? (?:left|right)"
    r"|tilt(?:s|ing)? (?:up|down)|dolly (?:in|out)|push(?:es)? in|pull(?:s)? (?:back|out)|crane (?:up|down)|orbit(?:s|ing)?"
    r"|handheld|static shot)\b",
    re.I,
)


def said_in(prompt: str) -> str:
    """What a prompt says of the camera, "" for nothing; its other words are about the picture."""
    return ", ".join(found.replace(" shot", "") for found in _SAID.findall(prompt))


def _pairs(action: str) -> list[tuple[str, str]]:
    """Phrases with what stands between each and the next: two separators side by side are one."""
    pairs: list[tuple[str, str]] = []
    start = 0
    for match in _SPLIT.finditer(action):
        if text := action[start : match.start()]:
            pairs.append((text, match.group()))
        elif pairs:
            pairs[-1] = (pairs[-1][0], pairs[-1][1] + match.group())
        start = match.end()
    return [*pairs, (action[start:], "")] if action[start:] else pairs


def _phrases(action: str, moves: Mapping[str, Move]) -> list[_Phrase]:
    phrases, follows = [], False
    for text, separator in _pairs(action.strip()):
        phrases.append(_phrase(text, follows, moves))
        follows = bool(_THEN.search(separator))
    return phrases


def _phrase(text: str, follows: bool, moves: Mapping[str, Move]) -> _Phrase:
    """The moves in one phrase: its longest known words first, then how strongly; the rest is unknown."""
    words = re.findall(r"[\w'’-]+", text.lower())
    spoken = {tuple(said.split()): name for name, move in moves.items() for said in (*move.words, name.replace("_", " "))}
    longest_first = sorted(spoken, key=len, reverse=True)
    names: list[str] = []
    rest: list[str] = []
    plain = [word for word in words if word not in STRENGTHS and word not in VERY and word not in STEADY and word != "auto"]
    i = 0
    while i < len(plain):
        said = next((said for said in longest_first if said[0] == plain[i] and _end(said, plain, i)), None)
        if said:
            names.append(spoken[said])
            i = _end(said, plain, i)
        else:
            rest.append(plain[i])
            i += 1
    strength = prod(dict.fromkeys(STRENGTHS.get(word, 1.0) for word in words))  # "a little bit" is one half, not two
    if very := sum(word in VERY for word in words):
        strength *= (1.6 if strength >= 1 else 0.6) ** very
    unknown = tuple(word for word in rest if word not in FILLERS)
    return _Phrase(text.strip(), follows, tuple(names), strength, not STEADY.intersection(words), unknown)


def _end(said: tuple[str, ...], words: list[str], start: int) -> int:
    """Where those words end if they stand at `start`, fillers between them ("pan to the right"); else 0."""
    at = start
    for word in said:
        while start < at < len(words) and words[at] != word and words[at] in FILLERS:
            at += 1
        if at == len(words) or words[at] != word:
            return 0
        at += 1
    return at


def _camera(phrases: list[_Phrase], moves: Mapping[str, Move], seed: int) -> Camera:
    groups: list[list[Aim]] = []
    for i, phrase in enumerate(phrases):
        aims = [Aim(_turned(moves[name], seed + i), phrase.strength, phrase.eased) for name in phrase.names]
        if phrase.follows or not groups:
            groups.append(aims)
        else:
            groups[-1] += aims
    share = 1 / len(groups)
    return Camera(tuple(Step(tuple(aims), i * share, (i + 1) * share) for i, aims in enumerate(groups)))


def _draw(moves: Mapping[str, Move], seed: int) -> Move:
    """The move for "auto". Seeds that differ by one, as neighbours in a film have, draw from different halves."""
    named = [name for name, move in moves.items() if move.auto]
    half = named[seed % 2 :: 2] or named
    if not half:
        return Move(label="Static", what="", words=())
    return _turned(moves[random.Random(seed).choices(half, [moves[name].auto for name in half])[0]], seed)


def _turned(move: Move, seed: int) -> Move:
    """A wandering move gets its directions from the seed."""
    if not move.wander:
        return move
    drawn = random.Random(seed)
    side, rise, way = (drawn.choice((-1, 1)) for _ in range(3))
    return replace(move, pan=move.pan * side, tilt=move.tilt * rise, zoom=move.zoom**way, wander=False)
