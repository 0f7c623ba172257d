"""A story with gaps, `{{name}}` or `{{name|what else}}`, and what fills them. Pure.

Only text that was read already is filled: a value is never read again, neither as JSON nor as a table nor for gaps of its
own. Knows no file and not what a story's fields may hold.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .presets import choose
from .story_cells import blank, figure, fold, shown
from .work import FilmError

LONGEST = 32_000  # characters of a value
MOST = 200  # gaps of a story
NAMED = "film"  # a column of this name says what the row's film is called
_GAP = re.compile(r"\{\{[ \t]*([^\W\d][\w .-]{0,59})(?:\|([^{}]*))?\}\}")
_TAKEN = frozenset({"con", "prn", "aux", "nul", *(f"{name}{n}" for name in ("com", "lpt") for n in range(1, 10))})


def gaps(story: object) -> dict[str, str | None]:
    """The names of a story's gaps in their order, each with what stands there if nothing is given; None: it must be."""
    found: dict[str, str | None] = {}
    for text in _texts(story):
        for name, usual in ((fold(gap[1]), gap[2]) for gap in _GAP.finditer(text)):
            if found.get(name) is None:
                found[name] = usual
            if len(found) > MOST:
                raise FilmError(f"The template has more than {MOST} fields.", "Use fewer.")
    return found


def filled(story: Any, values: Mapping[str, object]) -> Any:
    """The story with its gaps filled; FilmError naming each field that is lacking, not known, or no text or number.

    A gap that is all of a text becomes the value itself, so that a number stays one.
    """
    known = gaps(story)
    given = {fold(str(name)): value for name, value in values.items()}
    faults = []
    for name, value in given.items():
        if name not in known and name == NAMED:
            continue
        if name not in known:
            hint = choose(name[:60], known) if known else "It has none."
            faults.append(FilmError(f"The template has no field {shown(name)}.", hint, name[:60]))
        elif isinstance(value, bool) or not isinstance(value, str | int | float | None):
            faults.append(FilmError(f"{shown(name)} is {shown(value)}.", "Give text or a number.", name[:60]))
        elif isinstance(value, str) and len(value) > LONGEST:
            faults.append(FilmError(f"{shown(name)} has {len(value):,} characters.", f"Use at most {LONGEST:,}.", name[:60]))
    for name, usual in known.items():
        if usual is None and blank(given.get(name)):
            hint = f"Give it a value, or write {{{{{name}|something}}}} in the template."
            faults.append(FilmError(f"The template's field {shown(name)} is lacking.", hint, name))
    if faults:
        raise faults[0] if len(faults) == 1 else FilmError(f"The fields have {len(faults)} faults.", faults=tuple(faults))
    said = {name: (usual or "").strip() if blank(given.get(name)) else given[name] for name, usual in known.items()}
    return _with(story, said) if known else story


def named(rows: Sequence[Mapping[str, object]], usual: str) -> list[str]:
    """A file's name, without its end, for each row's film: from its column `film`, else by number. No two are the same."""
    out: list[str] = []
    for i, row in enumerate(rows, 1):
        said = next((str(value) for name, value in row.items() if fold(name) == NAMED and not blank(value)), "")
        plain = re.sub(r"[^\w-]+", "-", unicodedata.normalize("NFC", said)).strip("-_")[:60].rstrip("-_")
        name = first = f"{plain}-film" if plain.lower() in _TAKEN else plain or f"{usual}-{i:03}"
        k = 2
        while name.casefold() in {one.casefold() for one in out}:
            name, k = f"{first}-{k}", k + 1
        out.append(name)
    return out


def _texts(story: object) -> Iterator[str]:
    """Every text in plain data that may have gaps: values, no names."""
    if isinstance(story, str):
        yield story
    elif isinstance(story, Mapping):
        for value in story.values():
            yield from _texts(value)
    elif isinstance(story, list | tuple):
        for value in story:
            yield from _texts(value)


def _with(story: Any, said: Mapping[str, Any]) -> Any:
    if isinstance(story, str):
        whole = _GAP.fullmatch(story.strip())
        if whole:
            return said[fold(whole[1])]
        return _GAP.sub(lambda gap: _text(said[fold(gap[1])]), story)
    if isinstance(story, Mapping):
        return {name: _with(value, said) for name, value in story.items()}
    return [_with(value, said) for value in story] if isinstance(story, list | tuple) else story


def _text(value: object) -> str:
    return value if isinstance(value, str) else figure(value).replace(",", "")  # type: ignore[arg-type]
