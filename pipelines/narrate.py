"""Lines to takes: who speaks, how fast, and what happens when a narrator fails. Knows no picture.

One film has one narrator: when the one that began fails, the next best speaks the whole film anew, and says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from . import sound
from .cast import Role, Speaker
from .crew import Crew
from .events import Emit, Made, Warned
from .plan import Line
from .progress import Progress
from .timeline import Take, Word
from .vault import Notes, Part, Plain, Vault, digest
from .work import FilmError, Tick

FASTEST = 1.25
AT_ONCE = 4  # lines spoken side by side; an online voice answers slowly


class Mute(Exception):
    """A narrator did not speak; `said` is its FilmError."""

    def __init__(self, said: FilmError) -> None:
        super().__init__(said)
        self.said = said


class _Left(Exception):
    """(position, speaker, FilmError): a line was not spoken."""


@dataclass(frozen=True, slots=True)
class Narration:
    """What is to be said in one scene. `room`: the seconds there are for it, or None for as long as it takes."""

    position: int
    scene_number: int
    text: str
    role: Role
    room: float | None


def narrate(
    lines: Sequence[Narration], crew: Crew, vault: Vault, emit: Emit, progress: Progress, *, mix: bool = False
) -> dict[int, Take]:
    """Takes by the scene's position. `mix` allows two narrators in one film when one of them fails."""
    silent: set[tuple[str, int]] = set()
    while True:
        try:
            return _all(lines, crew, vault, emit, progress, frozenset(silent))
        except _Left as left_out:
            position, speaker, error = left_out.args
            silent |= {(speaker.narrator, line.position) for line in lines if not mix or line.position == position}
            left = {line.position: _choice(line, frozenset(silent)) for line in lines if line.role.own_voice is None}
            follows = left[position]
            if follows is None or not all(left.values()):
                raise error from left_out
            failed = crew.get("voices", speaker.narrator).label
            emit(Warned(f"{failed} failed: {error.message} {follows.narrator} speaks instead.", error.hint, error.where))


def _choice(line: Narration, silent: frozenset[tuple[str, int]]) -> Speaker | None:
    return next((one for one in line.role.speakers if (one.narrator, line.position) not in silent), None)


def _all(
    lines: Sequence[Narration], crew: Crew, vault: Vault, emit: Emit, progress: Progress, silent: frozenset[tuple[str, int]]
) -> dict[int, Take]:
    ticks = [progress.tick("narration", i, len(line.text) + 1) for i, line in enumerate(lines)]

    def one(i: int) -> tuple[int, Take]:
        line = lines[i]
        part, take = _own(line, vault) if line.role.own_voice else _spoken(line, crew, vault, silent, ticks[i])
        ticks[i](1.0)
        emit(Made("narration", line.scene_number, str(part.path), part.reused))
        return line.position, take

    with ThreadPoolExecutor(AT_ONCE) as pool:
        waiting = [pool.submit(one, i) for i in range(len(lines))]
        try:
            return dict(each.result() for each in waiting)
        except BaseException:
            for each in waiting:
                each.cancel()
            raise


def _spoken(
    line: Narration, crew: Crew, vault: Vault, silent: frozenset[tuple[str, int]], tick: Tick
) -> tuple[Part, Take]:
    speaker = _choice(line, silent)
    assert speaker is not None

    def said(speed: float) -> Part:
        try:
            return spoken(line.text, speaker, speed, crew, vault, tick)
        except Mute as mute:
            where = f"scenes[{line.position}].narration"
            told = FilmError(f"scene {line.scene_number}, narration: {mute.said.message}", mute.said.hint, where)
            raise _Left(line.position, speaker, told) from mute

    part = said(1.0)
    take = _take(part, speaker.narrator)
    if line.room is not None and take.seconds > line.room:
        part = said(round(min(FASTEST, take.seconds / max(line.room, 0.1) * 1.01), 3))
        take = _take(part, speaker.narrator)
    return part, take


def spoken(text: str, speaker: Speaker, speed: float, crew: Crew, vault: Vault, tick: Tick) -> Part:
    """The text as that speaker says it: a 48 kHz mono WAV. Mute if it cannot."""
    engine = crew.ready("voices", speaker.narrator)
    asked = Line(text, speaker.voice, speed)

    def build(out: Path) -> Notes:
        try:
            notes: Notes = engine.speak(asked, out, tick)
        except FilmError as error:
            raise Mute(error) from error
        return notes

    return vault.make("take", ".wav", [speaker.narrator, engine.version, asked], build)


def _take(part: Part, narrator: str) -> Take:
    told = part.notes["words"]
    assert isinstance(told, list)
    words = tuple(_word(one) for one in told)
    return Take(part.path, sound.seconds(part.path), words, narrator)


def _word(told: Plain) -> Word:
    assert isinstance(told, list)
    text, start, end = told
    return Word(str(text), float(str(start)), float(str(end)))


def _own(line: Narration, vault: Vault) -> tuple[Part, Take]:
    """Somebody's own recording; its words are the narration's, spread over it by their length."""
    path = line.role.own_voice
    assert path is not None
    where = f"scenes[{line.position}].voice"

    def build(out: Path) -> Notes:
        raw = out.with_name("raw.wav")
        sound.own(path, 1, raw)
        sound.level(raw, out)
        return {}

    try:
        part = vault.make("take", ".wav", ["own", sound.VERSION, digest(path)], build)
    except (FilmError, OSError) as error:
        said = error.message if isinstance(error, FilmError) else "The sound file cannot be read."
        raise FilmError(f"scene {line.scene_number}, voice: {said}", getattr(error, "hint", ""), where) from error
    length = sound.seconds(part.path)
    return part, Take(part.path, length, spread(line.text, length), "own recording")


def spread(text: str, seconds: float) -> tuple[Word, ...]:
    """Words with times where nobody told them: each as long as its letters."""
    tokens = text.split()
    whole = sum(len(token) + 1 for token in tokens)
    words, at = [], 0.0
    for token in tokens:
        end = at + seconds * (len(token) + 1) / whole
        words.append(Word(token, at, end))
        at = end
    return tuple(words)


