"""Which picture beside a story belongs to which scene. Goes by names alone and opens none."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from .story import scene_numbers
from .story_cells import blank
from .work import FilmError

PICTURES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif"})
VIDEOS = frozenset({".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi", ".ts", ".mts", ".m2ts"})
NUMBERED = re.compile(r"scene[ _.-]*[0-9]+")  # a video beside a story may be its own film; one that is for a scene says so


def match(names: Sequence[str], numbers: Sequence[int]) -> dict[int, str]:
    """Which picture belongs to which scene: a name that holds the number wins, the others follow in natural order.

    "scene_2.png" goes before "2.png", that before "take 3 of 2.png". Each name is used once; scenes may stay without.
    """
    order = sorted(names, key=natural)
    found: dict[int, str] = {}
    for rank in range(3):
        holders: dict[int, list[str]] = {}
        for name in order:
            for n in _held(name, rank):
                holders.setdefault(n, []).append(name)
        used = set(found.values())
        for n in numbers:
            name = next((each for each in holders.get(n, ()) if n not in found and each not in used), "")
            if name:
                found[n] = name
                used.add(name)
    used = set(found.values())
    left = [name for name in order if name not in used]
    return found | dict(zip([n for n in sorted(numbers) if n not in found], left, strict=False))


def natural(name: str) -> tuple[list[tuple[int, str]], str]:
    """A key that sorts "scene_2.png" before "scene_10.png"."""
    parts = re.split(r"([0-9]+)", name.casefold())
    digits = [(len(part.lstrip("0")), part.lstrip("0")) if i % 2 else (-1, part) for i, part in enumerate(parts)]
    return digits, name


def picture_names(folder: Path) -> list[str]:
    """The pictures in a folder, and videos named "scene_2" and so on, in natural order; hidden files and links that
    lead out of it are left out."""
    root = os.path.realpath(folder)
    names = []
    try:
        with os.scandir(root) as entries:
            for entry in entries:
                known = _shows(entry.name) and not entry.name.startswith(".")
                if known and entry.is_file() and os.path.realpath(entry.path).startswith(os.path.join(root, "")):
                    names.append(entry.name)
    except OSError:
        raise FilmError("The folder of pictures cannot be read.", "Give a folder that is there.", str(folder)) from None
    return sorted(names, key=natural)


def _shows(name: str) -> bool:
    stem, suffix = os.path.splitext(name.casefold())
    return suffix in PICTURES or (suffix in VIDEOS and NUMBERED.search(stem) is not None)


def illustrated(rows: Sequence[object], folder: Path, table: bool, logo: object = None) -> list[object]:
    """The rows, those without an image or a card given pictures of the folder that no other row names and that is no logo."""
    numbers = scene_numbers(rows, table)
    bare = [n for row, n in zip(rows, numbers, strict=True) if isinstance(row, Mapping) and _bare(row)]
    if not bare:
        return list(rows)
    taken = {_real(folder, row["image"]) for row in rows if isinstance(row, Mapping) and not blank(row.get("image"))}
    taken |= {_real(folder, logo)} if isinstance(logo, str) and not blank(logo) else set()
    names = [name for name in picture_names(folder) if _real(folder, name) not in taken]
    chosen = match(names, bare)
    return [
        {**row, "image": Path(os.path.realpath(folder)) / chosen.pop(n)}
        if isinstance(row, Mapping) and _bare(row) and n in chosen
        else row
        for row, n in zip(rows, numbers, strict=True)
    ]


def _bare(row: Mapping[str, object]) -> bool:
    """Whether a row wants a picture of the folder; a card has its words."""
    return blank(row.get("image")) and blank(row.get("card"))


def _real(folder: Path, image: object) -> str:
    try:
        return os.path.realpath(os.path.join(folder, image.strip())) if isinstance(image, str) else ""
    except ValueError:
        return ""


def _held(name: str, rank: int) -> Iterable[int]:
    stem = os.path.splitext(name)[0]
    if rank == 0:
        digits = re.findall(r"scene[ _.-]*([0-9]+)", stem.casefold())
    else:
        digits = re.findall(r"[0-9]+", stem)
        digits = digits if (len(digits) == 1) == (rank == 1) else []
    return [int(each) for each in dict.fromkeys(digits) if len(each) < 20]
