"""Times inside a prompt or clip action: "[0s] a harbour [3s] a ship leaves" is one scene of two shots.

What stands before a first mark at nought is said of every shot. A scene's shots are neighbours of one number: they
share its narration and captions, and are cut one to the next. Knows a scene's words; makes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Any

from . import moves
from .events import Event, Failed, Fault, Warned
from .presets import Move
from .work import FilmError

if TYPE_CHECKING:
    from .story import Scene, Story

SHORTEST = 0.5  # seconds of a shot
MOST = 20  # shots of a scene
LASTS = 2.0  # seconds at least that the last of timed moves takes in a scene without a length
Parts = tuple[tuple[float, str], ...]
_TIME = r"(?:\d{1,3}:\d{2}(?:\.\d{1,3})?|\d{1,4}(?:[.,]\d{1,3})?\s*s(?:ec(?:onds?)?)?)"
_MARK = re.compile(rf"\[\s*({_TIME}|\d{{1,4}}(?:\.\d{{1,3}})?(?=\s*[-\u2013]))\s*(?:[-\u2013]\s*{_TIME}\s*)?\]", re.I)
_CUT = re.compile(r"\b(?:hard |smash |jump )?cuts? to\b", re.I)
_WHERE = re.compile(r"^scenes\[(\d+)\]")


def timed(text: str) -> bool:
    """Whether there are times in it."""
    return _MARK.search(text) is not None


def parts(text: str) -> Parts:
    """(seconds, what is said from then on) of a text with times; nothing of one without."""
    marks = list(_MARK.finditer(text))
    if not marks:
        return ()
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    found = [(_seconds(mark[1]), text[mark.end() : end].strip()) for mark, end in zip(marks, ends, strict=True)]
    head = text[: marks[0].start()].strip()
    if found[0][0] == 0:
        return tuple((at, f"{head} {said}".strip()) for at, said in found)
    return ((0.0, head), *found)


def wrong(text: str, duration: float | None) -> tuple[str, str] | None:
    """What is wrong with the times in a text, and how to mend it; None if nothing."""
    found = parts(text)
    hint = "Write them in order, each with its words: [0s] a harbour [3s] a ship leaves."
    if len(found) > MOST:
        return f"{len(found)} shots are more than {MOST}.", "Make several scenes of them."
    if silent := [at for at, said in found if not said]:
        return f"the shot at {silent[0]:g} s says nothing.", hint
    for (before, _), (at, _) in pairwise(found):
        if at - before < SHORTEST:
            return f"a shot at {at:g} s cannot follow one at {before:g} s.", hint
    if found and duration is not None and duration - found[-1][0] < SHORTEST:
        return f"a shot begins at {found[-1][0]:g} s of a scene that lasts {duration:g} s.", "Give the scene more time, or begin the shot before."
    return None


def untimely(scenes: Sequence[Scene], places: Sequence[int], most: int) -> list[FilmError]:
    """What is wrong with times inside prompts and clip actions; `places`: where the scenes stand in what was written."""
    faults = []
    for i, scene in zip(places, scenes, strict=True):
        for field, text in (("prompt", scene.prompt if not scene.card else ""), ("clip_action", scene.clip_action)):
            if found := wrong(text, scene.duration):
                faults.append(FilmError(f"scene {scene.scene_number}, {field}: {found[0]}", found[1], f"scenes[{i}].{field}"))
    count = sum(max(1, len(parts(scene.prompt))) for scene in scenes)
    if count > most:
        faults.append(FilmError(f"The story has {count} shots, more than {most}.", "Make several films and combine them.", "scenes[0]"))
    return faults


def expanded(story: Story) -> Story:
    """The story with every shot a scene of its own; the same story where no prompt has times in it."""
    if not any(_apart(scene) for scene in story.scenes):
        return story
    whole = [replace(scene, seed=story.seed_of(i)) for i, scene in enumerate(story.scenes)]
    return replace(story, scenes=tuple(shot for scene in whole for shot in (_shots(scene) if _apart(scene) else [scene])))


def group(story: Story, i: int) -> range:
    """The positions of all shots of the scene that the one at i belongs to."""
    first = last = i
    number = story.scenes[i].scene_number
    while first and story.scenes[first - 1].scene_number == number:
        first -= 1
    while last + 1 < len(story.scenes) and story.scenes[last + 1].scene_number == number:
        last += 1
    return range(first, last + 1)


def lasting(story: Story, i: int) -> float | None:
    """Seconds that the whole scene of that shot has; None: as many as it needs."""
    lengths = [story.scenes[k].duration for k in group(story, i)]
    return None if lengths[-1] is None else sum(one or 0.0 for one in lengths)


def goes_on(story: Story, i: int) -> bool:
    """Whether that shot goes on from the one before it, as its scene has it."""
    return group(story, i).start < i and not _CUT.search(story.scenes[i].prompt)


def owners(story: Story) -> list[int]:
    """For each shot of an expanded story the position of its scene in the story that was asked for."""
    return [k for k, (_, shots) in enumerate(groupby(story.scenes, key=lambda scene: scene.scene_number)) for _ in shots]


def told(event: Event, of: Sequence[int]) -> Event:
    """An event about a shot as one about its scene."""
    return replace(event, where=_renamed(event.where, of)) if isinstance(event, Warned | Fault | Failed) else event


def blame(error: FilmError, of: Sequence[int]) -> None:
    """Makes an error about a shot one about its scene."""
    for one in (error, *error.faults):
        one.where = _renamed(one.where, of)


def read(action: str, duration: float | None, known: Mapping[str, Move], seed: int) -> moves.Reading:
    """A clip action as `moves.read` has it; where there are times in it, each move in its own."""
    found = parts(action)
    if not found:
        return moves.read(action, duration or moves.MAX_DURATION, known, seed)
    gaps = [b - a for (a, _), (b, _) in pairwise(found)]
    whole = duration or found[-1][0] + max([LASTS, *gaps])
    ends = [*(at for at, _ in found[1:]), whole]
    readings = [moves.read(said, end - at, known, seed + k) for k, ((at, said), end) in enumerate(zip(found, ends, strict=True))]
    steps = [
        replace(step, start=(at + step.start * (end - at)) / whole, end=(at + step.end * (end - at)) / whole)
        for (at, _), end, reading in zip(found, ends, readings, strict=True)
        for step in reading.camera.steps
    ]
    unknown = dict.fromkeys(word for one in readings for word in one.unknown)
    dropped = tuple(text for one in readings for text in one.dropped)
    return moves.Reading(moves.Camera(tuple(steps)), tuple(unknown), dropped)


def _apart(scene: Scene) -> bool:
    return not scene.card and timed(scene.prompt)


def _shots(scene: Scene) -> list[Scene]:
    found, out = parts(scene.prompt), list[Any]()
    ends: list[float | None] = [*(at for at, _ in found[1:]), scene.duration]
    for k, ((at, said), end) in enumerate(zip(found, ends, strict=True)):
        shot = replace(scene, prompt=said, clip_action=_action(scene, said, at, end), duration=None if end is None else round(end - at, 6))
        first, last = k == 0, k == len(found) - 1
        shot = shot if first else replace(shot, narration="", lower_third="")
        out.append(shot if last else replace(shot, transition="none"))
    return out


def _action(scene: Scene, said: str, at: float, end: float | None) -> str:
    """The camera's words for one shot: those of its own time, else what its prompt says of the camera."""
    known = parts(scene.clip_action)
    if not known:
        return (moves.said_in(said) or "auto") if scene.clip_action == "auto" else scene.clip_action
    ends = [*(begin for begin, _ in known[1:]), float("inf")]
    own = [words for (begin, words), over in zip(known, ends, strict=True) if over > at and (end is None or begin < end)]
    return ", then ".join(own)[:500]


def _seconds(text: str) -> float:
    if ":" in text:
        minutes, seconds = text.split(":")
        return int(minutes) * 60 + float(seconds)
    return float(re.sub(r"[^\d.]", "", text.replace(",", ".")).rstrip("."))


def _renamed(where: str, of: Sequence[int]) -> str:
    return _WHERE.sub(lambda found: f"scenes[{of[int(found[1])]}]", where)
