"""What no film is made of, and what people are warned of: rules as data (presets/policy.toml), looked for in every text.

Words are found as they read, not as they are written (folding.py), and only as whole words: no list of words knows what
a film means, so few rules refuse and the others warn. A judge that knows more can be asked besides: see `Policy.judge`.
Knows no door: a render asks before any work, so whoever asks for a film passes here.
"""

from __future__ import annotations

import tomllib
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as checked

from .events import Emit, Warned
from .folding import folded
from .presets import SHIPPED
from .story import Story, together
from .work import FilmError

FILE = "policy.toml"
BLOCKED = "moderation_blocked"  # the code that programs are told
INNOCENT = "innocent"
Judge = Callable[[Sequence[str]], Sequence[str]]
"""Asked with a story's texts; says for each why it must not be filmed, or nothing. FilmError if it cannot be asked."""


@checked(frozen=True, slots=True, config=ConfigDict(extra="forbid"))
class Rule:
    """See presets/policy.toml."""

    what: str
    action: Literal["refuse", "warn"]
    groups: tuple[str | tuple[str, ...], ...]
    near: int = Field(default=10, ge=0)
    despite: str = ""


@dataclass(frozen=True, slots=True)
class Hit:
    """A rule that applies to a text: its name is the reason."""

    reason: str
    what: str
    refused: bool


class Refused(FilmError):
    """A film that is not made for what is in it. `code` is for programs."""

    code = BLOCKED


@dataclass(frozen=True, slots=True)
class Policy:
    """Rules by reason, and the groups of words they speak of. `judge`: somebody else who is asked too."""

    rules: Mapping[str, Rule]
    words: Mapping[str, tuple[str, ...]]
    judge: Judge | None = None

    def hits(self, text: str) -> list[Hit]:
        """Every rule that applies to the text, those that refuse first."""
        if not text.strip() or not self.rules:
            return []
        places = _places(folded(text), _index(self))
        found = [Hit(name, rule.what, refused) for name, rule in self.rules.items() if (refused := _applies(name, rule, places)) is not None]
        return sorted(found, key=lambda hit: not hit.refused)


def shipped() -> Policy:
    """The rules that come with Reelwright."""
    return _read((SHIPPED,))


def read(*folders: Path) -> Policy:
    """Rules of the shipped folder, then of each further one; a later table replaces an earlier of its name."""
    return _read(tuple(folders))


@cache
def _read(folders: tuple[Path, ...]) -> Policy:
    rules: dict[str, Rule] = {}
    words: dict[str, tuple[str, ...]] = {}
    for path in (folder / FILE for folder in folders):
        if not path.is_file():
            continue
        try:
            told = tomllib.loads(path.read_text("utf-8"))
            words |= TypeAdapter(dict[str, tuple[str, ...]]).validate_python(told.pop("words", {}))
            rules |= TypeAdapter(dict[str, Rule]).validate_python(told)
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise FilmError(f"The file {FILE} cannot be read: {error}.", "Mend that line.", FILE) from error
        except ValidationError as error:
            first = error.errors()[0]
            raise FilmError(f"{FILE}, {'.'.join(map(str, first['loc']))}: {first['msg']}.", "Mend or remove that entry.", FILE) from error
    named = {group for rule in rules.values() for group in (*rule.groups, rule.despite) if isinstance(group, str) and group}
    if unknown := sorted(named - set(words)):
        raise FilmError(f'{FILE} has no group of words "{unknown[0]}".', "Put it under [words].", FILE)
    return Policy(rules, words)


def check(story: Story, policy: Policy, emit: Emit) -> None:
    """Warn of what should be warned of; Refused with everything that must not be filmed, each by its row and column."""
    told = list(_texts(story, "", ""))
    refused: list[FilmError] = []
    reasons = policy.judge([text for _, _, text in told]) if policy.judge and told else ["" for _ in told]
    warned: dict[str, Warned] = {}
    for (who, where, text), judged in zip(told, reasons, strict=True):
        hits = policy.hits(text)
        if judged:
            hits = [Hit("judged", judged, True), *hits]
        if hits and hits[0].refused:
            refused.append(_fault(who, where, hits[0]))
        else:
            for hit in hits:
                warned.setdefault(hit.reason, Warned(f"{who}{hit.what} ({hit.reason}).", "Be sure that you may show it.", where))
    if refused:
        whole = together(refused)
        raise Refused("This film is not made.", "Change what is named here.", refused[0].where, whole.faults)
    for one in warned.values():
        emit(one)


def check_texts(texts: Mapping[str, str], policy: Policy) -> None:
    """The same for words that are in no story; Refused names the first by its key."""
    for name, text in texts.items():
        if hits := [hit for hit in policy.hits(text) if hit.refused]:
            raise _fault(f"{name}: ", name, hits[0])
    reasons = policy.judge(list(texts.values())) if policy.judge and texts else []
    for name, judged in zip(texts, reasons, strict=False):
        if judged:
            raise _fault(f"{name}: ", name, Hit("judged", judged, True))


def _fault(who: str, where: str, hit: Hit) -> Refused:
    return Refused(f"{who}{hit.what} is not filmed here.", f"The reason is {hit.reason}; if it means something else, say it otherwise.", where)


def _texts(value: Any, who: str, where: str) -> Iterator[tuple[str, str, str]]:
    """(whose, where, text) of all that people wrote, whatever fields there are."""
    for one in fields(value):
        held, place = getattr(value, one.name), f"{where}{one.name}"
        yield from _held(held, who, place, one.name)


def _held(held: Any, who: str, place: str, name: str) -> Iterator[tuple[str, str, str]]:
    if isinstance(held, str):
        yield f"{who}{name}: ", place, held
    elif isinstance(held, tuple | list):
        for i, one in enumerate(held):
            number = getattr(one, "scene_number", None)
            yield from _held(one, f"scene {number}, " if number else who, f"{place}[{i}]", name)
    elif is_dataclass(held) and not isinstance(held, type):
        yield from _texts(held, who, f"{place}.")


@dataclass(frozen=True, slots=True)
class _Index:
    """Phrases by their first word, and those that begin with a beginning: (group, the words after the first)."""

    whole: Mapping[str, Sequence[tuple[str, tuple[str, ...]]]]
    begins: Sequence[tuple[str, str]]


_Text = Sequence[frozenset[str]]
_Places = Mapping[str, Sequence[int]]


def _index(policy: Policy) -> _Index:
    return _indexed(tuple(policy.words.items()), tuple(policy.rules.items()))


@cache
def _indexed(words: tuple[tuple[str, tuple[str, ...]], ...], rules: tuple[tuple[str, Rule], ...]) -> _Index:
    whole: dict[str, list[tuple[str, tuple[str, ...]]]] = defaultdict(list)
    begins: list[tuple[str, str]] = []
    groups = [*words, *((f"{name} {i}", group) for name, rule in rules for i, group in enumerate(rule.groups) if not isinstance(group, str))]
    for group, phrases in groups:
        for phrase in phrases:
            first, *rest = phrase.casefold().split()
            if first.endswith("*"):
                begins.append((first[:-1], group))
            else:
                whole[first].append((group, tuple(rest)))
    return _Index(dict(whole), begins)


def _places(text: _Text, index: _Index) -> _Places:
    """Where each group has a word; what is innocent has none."""
    found: dict[str, list[int]] = defaultdict(list)
    taken: set[int] = set()
    for i, readings in enumerate(text):
        for word in readings:
            for group, rest in index.whole.get(word, ()):
                if all(i + k < len(text) and want in text[i + k] for k, want in enumerate(rest, 1)):
                    found[group].append(i)
                    if group == INNOCENT:
                        taken |= set(range(i, i + len(rest) + 1))
            for start, group in index.begins:
                if word.startswith(start):
                    found[group].append(i)
    return {group: sorted(set(places) - taken) for group, places in found.items()}


def _applies(name: str, rule: Rule, places: _Places) -> bool | None:
    """Whether the rule refuses (True) or warns (False); None if it does not apply."""
    groups = [places.get(group if isinstance(group, str) else f"{name} {i}", ()) for i, group in enumerate(rule.groups)]
    sober = places.get(rule.despite, ()) if rule.despite else ()
    applies = False
    for i in groups[0]:
        if all(_near(i, others, rule.near) for others in groups[1:]):
            applies = True
            if rule.action == "refuse" and not _near(i, sober, rule.near):
                return True
    return False if applies else None


def _near(i: int, places: Sequence[int], near: int) -> bool:
    at = bisect_left(places, i - near)
    return at < len(places) and places[at] <= i + near
