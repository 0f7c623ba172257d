"""Lines to takes: who speaks, how fast, and what happens when a narrator fails. Knows no picture.

One film has one narrator: when the one that began fails, the next best speaks the whole film anew, and says so. A line
that nobody can speak is its scene's fault; the others are spoken.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from .cast import Role, Speaker
from .crew import Crew
from .events import Emit, Made, Warned
from .faults import Faults
from .plan import Line
from .progress import Progress
from .timeline import Take, Word
from .vault import Notes, Part, Plain, Vault, digest
from .work import DiskFull, FilmError, Tick

FASTEST = 1.25
AT_ONCE = 4  # lines spoken side by side; an online voice answers slowly


class Mute(Exception):
    """A narrator did not speak; `said` is its FilmError."""

    def __init__(self, said: FilmError) -> None:
        super().__init__(said)
        self.said = said


class _Anew(Exception):
    """((narrator, position) of those who are not asked again, what is told of it): others speak instead."""


@dataclass(frozen=True, slots=True)
class Narration:
    """What is to be said in one scene. `room`: the seconds there are for it, or None for as long as it takes."""

    position: int
    scene_number: int
    text: str
    role: Role
    room: float | None


def narrate(
    lines: Sequence[Narration], crew: Crew, vault: Vault, emit: Emit, progress: Progress, faults: Faults, *, mix: bool = False
) -> dict[int, Take]:
    """Takes by the scene's position; none where nobody could speak, which is among the faults then.

    `mix` allows two narrators in one film when one of them fails.
    """
    ticks = [progress.tick("narration", line.scene_number, len(line.text) + 1) for line in lines]
    speaking = _Speaking(lines, crew, vault, emit, faults, ticks, mix)
    silent: frozenset[tuple[str, int]] = frozenset()
    while True:
        try:
            return speaking.all(silent)
        except _Anew as anew:
            silent, said = anew.args
            emit(said)


@dataclass(frozen=True, slots=True)
class _Speaking:
    lines: Sequence[Narration]
    crew: Crew
    vault: Vault
    emit: Emit
    faults: Faults
    ticks: Sequence[Tick]
    mix: bool

    def all(self, silent: frozenset[tuple[str, int]]) -> dict[int, Take]:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            waiting = [pool.submit(self.one, k, silent) for k in range(len(self.lines))]
            try:
                takes = {line.position: each.result() for line, each in zip(self.lines, waiting, strict=True)}
            except BaseException:
                for each in waiting:
                    each.cancel()
                raise
        return {position: take for position, take in takes.items() if take}

    def one(self, k: int, silent: frozenset[tuple[str, int]]) -> Take | None:
        line, own = self.lines[k], self.lines[k].role.own_voice
        try:
            part, take = _own(line, self.vault) if own else _spoken(line, self.crew, self.vault, silent, self.ticks[k])
        except DiskFull:
            raise
        except FilmError as error:
            self.faults.of(line.position, "voice", error)
            return None
        except Mute as mute:
            speaker, why = _choice(line, silent), mute.said
            assert speaker is not None
            instead = self.instead(speaker, line.position, silent)
            if instead is None:
                self.faults.of(line.position, "narration", why)
                return None
            raise _Anew(instead, self.said(line, speaker, why, instead)) from mute
        self.ticks[k](1.0)
        self.emit(Made("narration", line.scene_number, str(part.path), part.reused))
        return take

    def said(self, line: Narration, speaker: Speaker, error: FilmError, silent: frozenset[tuple[str, int]]) -> Warned:
        follows = _choice(line, silent)
        assert follows is not None
        failed = self.crew.get("voices", speaker.narrator).label
        why = f"scene {line.scene_number}, narration: {error.message}"
        where = f"scenes[{line.position}].narration"
        return Warned(f"{failed} failed: {why} {follows.narrator} speaks instead.", error.hint, where)

    def instead(self, speaker: Speaker, position: int, silent: frozenset[tuple[str, int]]) -> frozenset[tuple[str, int]] | None:
        """Who is silent from now on, so that others speak; None if there would be a line that nobody speaks."""
        more = silent | {(speaker.narrator, line.position) for line in self.lines if not self.mix or line.position == position}
        return more if all(_choice(line, more) for line in self.lines if line.role.own_voice is None) else None


def _choice(line: Narration, silent: frozenset[tuple[str, int]]) -> Speaker | None:
    return next((one for one in line.role.speakers if (one.narrator, line.position) not in silent), None)


def _spoken(
    line: Narration, crew: Crew, vault: Vault, silent: frozenset[tuple[str, int]], tick: Tick
) -> tuple[Part, Take]:
    speaker = _choice(line, silent)
    assert speaker is not None

    def said(speed: float) -> Part:
        return spoken(line.text, speaker, speed, crew, vault, tick)

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
        except DiskFull:
            raise
        except FilmError as error:
            raise Mute(error) from error
        return notes

    return vault.make("take", ".wav", [speaker.narrator, engine.version, asked], build)


def _take(part: Part, narrator: str) -> Take:
    from . import sound

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
    from . import sound

    path = line.role.own_voice
    assert path is not None

    def build(out: Path) -> Notes:
        raw = out.with_name("raw.wav")
        sound.own(path, 1, raw)
        sound.level(raw, out)
        return {}

    try:
        content = digest(path)
    except OSError as error:
        raise FilmError("The sound file cannot be read.", "Choose another.") from error
    part = vault.make("take", ".wav", ["own", sound.VERSION, content], build)
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


