"""Writes the tables in README.md and all of .env.example from the code: `make docs`. `--check` only says what is stale."""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pipelines.crew import ROLES, Crew
from pipelines.presets import Presets, read
from pipelines.story import schema_of
from studio.settings import HOME, PREFIX, Settings


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def named(entries: Mapping[str, Any]) -> str:
    """Name and what it is."""
    return table(("name", "what it does"), [(f"`{name}`", one.what) for name, one in entries.items()])


def moves(presets: Presets) -> str:
    rows = [(f"`{name}`", one.what, ", ".join(one.words[:5])) for name, one in presets.moves.items()]
    return table(("move", "what it does", "said as"), rows)


def sizes(presets: Presets) -> str:
    rows = [(f"`{name}`", one.label) for kind in (presets.sizes, presets.qualities) for name, one in kind.items()]
    return table(("name", "what it is"), rows)


def voices(presets: Presets) -> str:
    by_language: dict[str, list[str]] = defaultdict(list)
    for name, one in presets.voices.items():
        by_language[one.language].append(f"`{name}`")
    return table(("language", "voices"), [(language, ", ".join(names)) for language, names in sorted(by_language.items())])


def engines(_presets: Presets) -> str:
    where = {True: "online", False: "on this machine"}
    rows = [(ROLES[role], f"`{name}`", one.label, where[one.online]) for role, name, one in Crew().everybody()]
    return table(("role", "name", "what it is", "works"), rows)


def settings(_presets: Presets) -> str:
    fields = Settings.model_fields.items()
    return table(("setting", "meaning", "default"), [(f"`{PREFIX}{name.upper()}`", str(one.description), _usual(one)) for name, one in fields])


def _usual(field: Any) -> str:
    if field.default_factory:
        return "the platform's folder for user data"
    return "none" if field.default is None else str(int(field.default) if isinstance(field.default, bool) else field.default)


def fields(_presets: Presets) -> str:
    """A story's columns and settings, as its schema has them."""
    owners: tuple[tuple[Literal["Scene", "Story"], str], ...] = (("Scene", "each scene"), ("Story", "the film"))
    rows = [(f"`{name}`", of, str(one.get("description", "The picture."))) for owner, of in owners for name, one in schema_of(owner).items() if name != "scenes"]
    return table(("field", "of", "what it is"), rows)


TABLES: Mapping[str, Callable[[Presets], str]] = {
    "fields": fields,
    "engines": engines,
    "moves": moves,
    "transitions": lambda presets: named(presets.transitions),
    "moods": lambda presets: named(presets.moods),
    "looks": lambda presets: named(presets.looks),
    "styles": lambda presets: named(presets.styles),
    "captions": lambda presets: named(presets.captions),
    "sizes": sizes,
    "voices": voices,
    "settings": settings,
}


def readme(text: str, presets: Presets) -> str:
    """The README with every table as the code has it."""
    for name, made in TABLES.items():
        begin, end = f"<!-- begin:{name} -->", f"<!-- end:{name} -->"
        text = re.sub(f"{re.escape(begin)}.*?{re.escape(end)}", lambda _: f"{begin}\n{made(presets)}\n{end}", text, flags=re.S)  # noqa: B023
    return text


def example() -> str:
    """.env.example: every setting with its default, switched off."""
    lines = ["# Settings. Copy this file to .env and take away the # before what you change."]
    for name, one in Settings.model_fields.items():
        usual = "" if one.default_factory or one.default is None else _usual(one)
        lines += ["", f"# {one.description}", f"#{PREFIX}{name.upper()}={usual}"]
    return "\n".join(lines) + "\n"


def made() -> dict[Path, str]:
    """Every generated file as it should be."""
    presets = read(HOME / "presets")
    return {
        HOME / "README.md": readme((HOME / "README.md").read_text("utf-8"), presets),
        HOME / ".env.example": example(),
    }


def main() -> int:
    stale = [path for path, text in made().items() if not path.is_file() or path.read_text("utf-8") != text]
    if "--check" in sys.argv:
        print("\n".join(f"{path.name} is stale: make docs" for path in stale))
        return 1 if stale else 0
    for path, text in made().items():
        path.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
