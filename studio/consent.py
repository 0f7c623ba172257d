"""Whether whoever a picture shows agrees to a film: where that is asked, and what is said where nobody told.

The page asks people, a picture at a time, and makes nothing before they answered; their answer is kept with the project
by the picture's content. Programs tell it with what they send; where they do not, their film's warnings say so. Knows no
page and no door.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipelines.darkroom import Darkroom
from pipelines.events import Warned
from pipelines.people import People
from pipelines.work import FilmError

from .shelf import Document

KEPT = "consent"  # what a door keeps with its job: whether whoever asked for it said that they agree
HEADER = "reelwright-consent"
YES = ("yes", "true", "1")
ASK = "Film people only if they agree; then send the header Reelwright-Consent: yes, or consent: true where there are fields."


def said(headers: Mapping[str, str]) -> bool:
    """Whether a request says that whoever its pictures show agrees."""
    return headers.get(HEADER, "").strip().lower() in YES


def untold(told: Mapping[str, Any], pictures: Mapping[str, Path], people: People) -> list[Warned]:
    """What is to be said of a program's pictures (where each is: its file) when it did not tell that people agree."""
    if told.get(KEPT) is not False:
        return []
    found = []
    with Darkroom() as darkroom:
        seen: dict[Path, bool] = {}
        for where, picture in pictures.items():
            with suppress(FilmError):  # one that cannot be opened is told of when it is filmed
                if picture not in seen:
                    seen[picture] = people.shown(picture, darkroom)
                if seen[picture]:
                    found.append(Warned("A picture shows a face.", ASK, where))
    return found


def look(document: Document, kept: Iterable[str], people: People, darkroom: Darkroom) -> bool:
    """Notes which of these files of a project show a face; those that are known already are not asked about again. -> whether any came to it."""
    found = {}
    for name in dict.fromkeys(kept):
        path = document.kept(name)
        if path is not None and name not in document.works.faces:
            with suppress(FilmError):
                if people.shown(path, darkroom):
                    found[name] = False
    if found:
        document.note(lambda works: replace(works, faces=found | dict(works.faces)))
    return bool(found)


def agree(document: Document, kept: Iterable[str], agreed: bool) -> None:
    """Whoever those files show agrees, or not; of files that show nobody nothing is kept."""
    asked = {name: agreed for name in kept if name in document.works.faces}
    if asked:
        document.note(lambda works: replace(works, faces=dict(works.faces) | asked))


def awaited(document: Document, kept: Iterable[str]) -> Sequence[str]:
    """Those of the files that show a face of which nobody said that they agree."""
    return [name for name in dict.fromkeys(kept) if document.works.faces.get(name) is False]


def pictures(document: Document) -> list[str]:
    """What the project's scenes show, each once; a card shows words."""
    shown = (str(row.cells.get("image", "")) for row in document.project.rows if not row.cells.get("card"))
    return [name for name in dict.fromkeys(shown) if name]
