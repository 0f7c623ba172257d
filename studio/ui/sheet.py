"""The spreadsheet: the project's cells as a table, and what was changed in a table as operations on the project.

A table comes back whole. It is compared with what it showed when it was filled, so only what the visitor changed is
changed, and rows that another tab added meanwhile stay.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

from pipelines.story_cells import blank, fold
from pipelines.work import FilmError

from ..project import CELLS, SETTINGS, Change, Project, both, edited, everywhere, inserted, moved, new_row, of, removed
from .views import View, shown_thumb

if TYPE_CHECKING:
    import pandas as pd

TYPED = tuple(name for name in CELLS if name != "image")
COLUMNS = ("scene_number", "image", *TYPED)
TEXT: list[Literal["str"]] = ["str"] * len(TYPED)
KINDS: list[Literal["number", "markdown", "str"]] = ["number", "markdown", *TEXT]  # never "html": a dropped file could bring its own
WIDTHS: tuple[str | int, ...] = ("124px", "104px", "280px", "280px", "90px", "150px", "130px", "120px", "120px", "110px", "90px")
WIDTHS += ("120px",) * (len(COLUMNS) - len(WIDTHS))


@dataclass(frozen=True, slots=True)
class Shown:
    """What the table held when it was filled: rows by id, their cells as text."""

    ids: tuple[str, ...] = ()
    cells: tuple[tuple[str, ...], ...] = ()


def filled(view: View) -> tuple[pd.DataFrame, Shown]:
    """The table and what it holds. Only our own thumbnails are markup, everything else is text."""
    import pandas as pd

    rows = view.project.rows
    cells = tuple(tuple(_text(row.cells.get(name, "")) for name in TYPED) for row in rows)
    table = [[i + 1, _picture(shown_thumb(view.document, row.cells)), *said] for i, (row, said) in enumerate(zip(rows, cells, strict=True))]
    return pd.DataFrame(table, columns=list(COLUMNS)), Shown(tuple(row.id for row in rows), cells)


def changes(table: pd.DataFrame, shown: Shown) -> Change:
    """What the visitor changed in the table since it was `shown`. A table of other columns, dropped on it, is read in
    place of all rows; FilmError if it cannot be."""
    names = [fold(str(name)) for name in table.columns]
    table = table.astype(object).where(table.notna(), None)
    if names != list(COLUMNS):
        return _read_in(table, names)
    found: list[Change] = []
    seen: set[int] = set()
    last, top = "", 0
    for values in table.itertuples(index=False, name=None):
        said = tuple(_text(value) for value in values[2:])
        picture = _picture_in(values[1])
        at = _number(values[0], len(shown.ids))
        if at is None or at in seen:
            row = new_row({**dict(zip(TYPED, said, strict=True)), **picture})
            found += [inserted([row], last)] if last else [inserted([row]), moved(row.id, top)]
            last, top = row.id, top + 1
            continue
        seen.add(at)
        last = shown.ids[at]
        differ = [(name, new) for name, new, old in zip(TYPED, said, shown.cells[at], strict=True) if new != old]
        found += [edited(last, name, new) for name, new in (*differ, *picture.items())]
    gone = [identity for at, identity in enumerate(shown.ids) if at not in seen]
    return both([*found, removed(gone)]) if gone else both(found)


def at_once(project: Project, name: str, value: object, which: str) -> Change:
    """One value for many scenes: `which` is "all" or numbers such as "2-5, 8"."""
    return everywhere(name, value, [project.rows[n - 1].id for n in numbers(which, len(project.rows))])


def replaced(project: Project, find: str, by: str) -> tuple[Change, int]:
    """One text for another in prompts and narrations. -> the change, and how many cells it changes."""
    if not find:
        raise FilmError("There is nothing to find.", "Write what is to be replaced.")
    found: list[Change] = []
    for row in project.rows:
        for name in ("prompt", "narration", "clip_action", "music_mood"):
            said = _text(row.cells.get(name, ""))
            if find in said:
                found.append(edited(row.id, name, said.replace(find, by or "")))
    return both(found), len(found)


def numbers(text: str, most: int) -> list[int]:
    """Scene numbers from 1, in order; FilmError for what is none."""
    if blank(text) or fold(text) == "all":
        return list(range(1, most + 1))
    chosen: set[int] = set()
    joined = re.sub(r"\s*([-\u2013])\s*", r"\1", text.strip(",; \t\n"))
    for part in re.split(r"[,;\s]+", joined):
        found = re.fullmatch(r"(\d{1,4})(?:[-\u2013](\d{1,4}))?", part, re.ASCII)
        if not found or not 1 <= int(found[1]) <= int(found[2] or found[1]) <= most:
            raise FilmError(f'"{part[:40]}" names no scene.', f"Write all, or numbers from 1 to {most} such as 2-5, 8.")
        chosen.update(range(int(found[1]), int(found[2] or found[1]) + 1))
    return sorted(chosen)


def _read_in(table: pd.DataFrame, names: Sequence[str]) -> Change:
    known = {"scene_number", *CELLS}
    strange = [str(name) for name, folded in zip(table.columns, names, strict=True) if folded not in known]
    if strange:
        raise FilmError(f'The column "{strange[0][:60]}" is not known.', f"Columns are {', '.join(COLUMNS)}.")
    rows = [{name: _text(value) for name, value in zip(names, values, strict=True)} for values in table.itertuples(index=False, name=None)]
    fresh = of({"scenes": [row for row in rows if any(not blank(value) for value in row.values())]})
    return lambda project: replace(project, rows=fresh.rows)


def _number(value: object, most: int) -> int | None:
    """The position that a scene number in the table stands for; None for a row that is new."""
    try:
        n = int(float(str(value)))
    except (ValueError, OverflowError):
        return None
    return n - 1 if 1 <= n <= most else None


def _picture_in(value: object) -> dict[str, str]:
    """The picture that a row of a dropped table names; what is markup is what we showed."""
    said = _text(value).strip()
    return {} if not said or said.startswith(("<", "!")) else {"image": said}


def _text(value: Any) -> str:
    """A cell as text; a table gives nothing, numbers and text at will."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        value = int(value)
    return str(value)


def _picture(path: str) -> str:
    return f"![](gradio_api/file={quote(path)})" if path else ""


__all__ = ["COLUMNS", "KINDS", "SETTINGS", "WIDTHS", "Shown", "at_once", "changes", "filled", "numbers", "replaced"]
