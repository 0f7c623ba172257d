"""One cell of a story: how a number, a text, a name or a file is read, and what is said when it cannot be.

Knows the presets' names and the folder that files may come from. Does not know which fields a story has.
"""

from __future__ import annotations

import dataclasses
import difflib
import os
import re
import stat
import unicodedata
from collections.abc import Mapping, Sequence
from itertools import groupby
from math import isfinite
from numbers import Real
from pathlib import Path

from pydantic import BeforeValidator, TypeAdapter, ValidationInfo
from pydantic_core import PydanticCustomError

from . import loras
from .gate import VIDEO_BYTES, is_video
from .presets import KINDS, Even, Presets, choose

PICTURE_BYTES = 40 * 2**20
SOUND_BYTES = 500 * 2**20
YES, NO = frozenset({"true", "yes", "y", "x", "1", "on"}), frozenset({"false", "no", "n", "0", "off"})
SOUNDS = frozenset({".wav", ".mp3", ".m4a", ".aac", ".flac", ".ogg", ".opus"})


@dataclasses.dataclass(frozen=True, slots=True)
class Source:
    """What data is checked against: known names, the folder that paths in text may reach, and whether it is a table."""

    presets: Presets
    base: Path | None
    table: bool


def clean(text: str) -> str:
    """Text as it is kept: NFC, newlines as \\n, no control characters but newline and tab, no broken surrogates."""
    text = re.sub(r"\r\n?", "\n", text)
    text = re.sub(r"[\x00-\x08\x0b-\x1f\x7f]", "", text)
    text = re.sub(r"[\ud800-\udfff]", "\ufffd", text)
    if text.isascii() or unicodedata.is_normalized("NFC", text):
        return text
    # Sorting one endless pile of accents takes quadratic time; no language piles thirty.
    piles = (sum(1 for _ in run) for marks, run in groupby(text, lambda c: unicodedata.combining(c) > 0) if marks)
    return text if max(piles, default=0) > 30 else unicodedata.normalize("NFC", text)


def fold(name: str) -> str:
    """A name as it is compared: "Wipe left", "wipe-left" and "wipe_left" are one."""
    return re.sub(r"[\s_-]+", "_", name.strip().casefold())


def blank(value: object) -> bool:
    """Whether a cell says nothing, so that its default holds."""
    return value is None or (isinstance(value, str) and re.fullmatch(r"[\s\x00-\x1f\x7f]*", value) is not None)


def figure(value: float | Real) -> str:
    """A number as people write it: 5 rather than 5.0."""
    try:
        number = float(value)
    except OverflowError:
        return "so large a number"
    if not isfinite(number):
        return "NaN" if number != number else "infinity"
    return f"{int(number):,}" if number.is_integer() and abs(number) < 1e15 else f"{number:.9g}"


def shown(value: object) -> str:
    """Any value, short and safe enough to stand in a sentence."""
    if isinstance(value, str):
        line = " ".join(clean(value[:200]).split())
        return f'"{line[:60]}..."' if len(line) > 60 else f'"{line}"'
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Real):
        return figure(value)
    if isinstance(value, Mapping):
        return "an object"
    return "a list" if isinstance(value, list | tuple) else f"a {type(value).__name__}"


def fault(message: str, hint: str = "") -> PydanticCustomError:
    """What a reader of cells raises: a sentence that goes on after "scene 3, duration:"."""
    return PydanticCustomError("fault", "{message}", {"message": message, "hint": hint})


def number(value: object, table: bool) -> float:
    """A finite number; from a table's text too ("5", "5.0", "5,5"). Anything else raises ValueError."""
    found: object = value
    if table and isinstance(value, str):
        digits = re.fullmatch(r"\s*([+-]?\d{1,40})(?:([.,])(\d{0,40}))?\s*", value, re.ASCII)
        if digits and digits[2] == "," and len(digits[3]) == 3:
            raise fault(f"{shown(value)} could be read in two ways.", "Write it with a point, or without a separator.")
        found = float(f"{digits[1]}.{digits[3] or 0}") if digits else value
    if isinstance(found, bool) or not isinstance(found, Real):
        raise fault(f"{shown(found)} is {'text, ' if isinstance(found, str) and not table else ''}not a number.")
    if figure(found) in ("NaN", "infinity", "so large a number"):
        raise fault(f"{figure(found)} is not a number that can be used.")
    return float(found)


def whole(value: object, table: bool) -> int:
    """A whole number, 3.0 being one. Anything else raises ValueError."""
    found = number(value, table)
    if not found.is_integer():
        raise fault(f"{figure(found)} is not a whole number.")
    return int(found)


def read_number(value: object, info: ValidationInfo) -> float:
    return number(value, info.context is not None and info.context.table)


def read_whole(value: object, info: ValidationInfo) -> int:
    return whole(value, info.context is not None and info.context.table)


def read_text(value: object, info: ValidationInfo) -> str:
    """Text with its line breaks; a table's numbers and dates are text too."""
    if not isinstance(value, str):
        if info.context is None or not info.context.table or isinstance(value, Mapping | list | tuple):
            raise fault(f"{shown(value)} is not text.", "Write it as text, in quotes.")
        value = figure(value).replace(",", "") if isinstance(value, Real) else str(value)
    return clean(value).strip()


def read_line(value: object, info: ValidationInfo) -> str:
    """Text on one line."""
    return " ".join(read_text(value, info).split())


def _among(name: str, known: Sequence[str], sentence: str) -> str:
    names = {fold(each): each for each in known}
    if fold(name) not in names:
        raise fault(sentence, choose(fold(name)[:60], [each for each in known if each]))
    return names[fold(name)]


def _preset(value: object, info: ValidationInfo, kind: str, others: Sequence[str]) -> str:
    name = read_line(value, info)
    if info.context is None:
        return name
    known = dict.fromkeys((*others, *getattr(info.context.presets, kind)))
    return _among(name, list(known), f"there is no {KINDS[kind].one} called {shown(name)}.")


def known(kind: str, *others: str) -> BeforeValidator:
    """Reads the name of a preset, however it is spaced and capitalised."""
    return BeforeValidator(lambda value, info: _preset(value, info, kind, others))


def one_of(*names: str) -> BeforeValidator:
    """Reads one of these names."""

    def check(value: object, info: ValidationInfo) -> str:
        name = read_line(value, info)
        return _among(name, names, f"{shown(name)} is not known.")

    return BeforeValidator(check)


def read_size(value: object, info: ValidationInfo) -> str:
    """ "1024x576" or a preset's name; both sides even."""
    text = read_line(value, info)
    sides = re.fullmatch("([0-9]{1,6}) ?[x\u00d7*] ?([0-9]{1,6})", text.lower())
    if not sides:
        return _preset(text, info, "sizes", ())
    limits = TypeAdapter(Even).json_schema()
    low, high, size = limits["minimum"], limits["maximum"], [int(sides[1]), int(sides[2])]
    if not all(low <= side <= high for side in size):
        raise fault(f"{size[0]}x{size[1]} is out of range.", f"Each side has {low} to {high:,} pixels.")
    if any(side % 2 for side in size):
        even = "x".join(str(side - side % 2) for side in size)
        raise fault(f"{size[0]}x{size[1]} has an odd side.", f"Both sides must be even: try {even}.")
    return f"{size[0]}x{size[1]}"


PLACES = {
    "left": (0.0, None), "right": (1.0, None), "top": (None, 0.0), "bottom": (None, 1.0), "centre": (None, None), "center": (None, None),
    "links": (0.0, None), "rechts": (1.0, None), "oben": (None, 0.0), "unten": (None, 1.0), "mitte": (None, None), "middle": (None, None),
}  # fmt: skip


def point(text: str) -> tuple[float, float] | None:
    """The point that a focus means: "0.3 0.4", or words such as "top left". None where it says nothing; ValueError for
    anything else."""
    words = re.findall(r"[^\s,;/-]+", text.lower())
    if len(words) == 2 and all(re.fullmatch(r"[01]|0?\.\d{1,6}|[01]\.\d{1,6}", word, re.ASCII) for word in words):
        x, y = float(words[0]), float(words[1])
        if x <= 1 and y <= 1:
            return x, y
    if not words:
        return None
    if len(words) > 2 or any(word not in PLACES for word in words):
        raise fault(f"{shown(text)} is no place in a picture.", 'Write two shares such as "0.3 0.4" (across, down), or left, right, top, bottom.')
    found = [next((PLACES[word][axis] for word in words if PLACES[word][axis] is not None), None) for axis in (0, 1)]
    return 0.5 if found[0] is None else found[0], 0.5 if found[1] is None else found[1]


def read_focus(value: object, info: ValidationInfo) -> str:
    """A place in the picture, as it was written."""
    text = read_line(value, info)
    point(text)
    return text


def read_loras(value: object, info: ValidationInfo) -> str:
    """Names of LoRA files, some with weights: as text, or as a list of texts, or of objects with name and weight."""
    if isinstance(value, list | tuple):
        value = ", ".join(_lora(one) for one in value[:100])
    text = read_text(value, info)
    if info.context is None:
        return text
    entries = info.context.presets.loras
    names = {fold(name): name for name in entries}

    def near(name: str) -> str:
        none = "None is here yet: put safetensors files into the folder of REELWRIGHT_LORAS, or name some in loras.toml."
        return choose(fold(name), entries) if entries else none

    return loras.written(text, lambda name: names.get(fold(name)), near, fault)


def _lora(value: object) -> str:
    """One of a list, as it would be written in a table."""
    if isinstance(value, str):
        return value
    if not isinstance(value, Mapping) or not {"name"} <= set(value) <= {"name", "weight"} or not isinstance(value["name"], str):
        raise fault(f"{shown(value)} is no LoRA.", 'Write "ink 0.6", or {"name": "ink", "weight": 0.6}.')
    weight = "" if value.get("weight") is None else f" {number(value['weight'], False):.6f}".rstrip("0").rstrip(".")
    return value["name"].replace(",", " ").replace(";", " ") + weight


def is_sound(value: object) -> bool:
    """Whether that is written like the name of a sound file."""
    return isinstance(value, str | Path) and os.path.splitext(str(value).strip())[1].lower() in SOUNDS


def read_voice(value: object, info: ValidationInfo) -> str:
    """auto, none, a preset, "narrator:its own name for a voice", or the path of a sound file."""
    if isinstance(value, Path) or (info.context is not None and is_sound(value)):
        return str(_file(value, info, "sound file", SOUND_BYTES))
    if info.context is None and isinstance(value, str):
        return value
    name = read_line(value, info)
    if re.fullmatch(r"[a-z][a-z0-9_]*:(?!.*\.\.)[\w.+/!() -]{1,100}", name):
        return name
    return _preset(name, info, "voices", ("auto", "none"))


def read_music(value: object, info: ValidationInfo) -> str:
    """auto, none, a composer's name (the crew knows which there are), or the path of a sound file."""
    if isinstance(value, Path) or (info.context is not None and is_sound(value)):
        return str(_file(value, info, "sound file", SOUND_BYTES))
    if info.context is None and isinstance(value, str):
        return value
    name = read_line(value, info)
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", fold(name)):
        endings = ", ".join(sorted(SOUNDS))
        hint = f"Give auto, none, a composer's name or a sound file ({endings})."
        raise fault(f"{shown(name)} is no composer and no sound file.", hint)
    return fold(name)


def read_picture(value: object, info: ValidationInfo) -> Path:
    """The real path of a file that is there; whether it is a picture is found out when it is opened."""
    return _file(value, info, "picture", PICTURE_BYTES)


def read_image(value: object, info: ValidationInfo) -> Path:
    """The real path of a picture or video that is there. What begins as a video does may be as large as videos may."""
    path = _file(value, info, "picture", VIDEO_BYTES)
    return path if info.context is None or is_video(path) else _file(value, info, "picture", PICTURE_BYTES)


def read_switch(value: object, info: ValidationInfo) -> bool:
    """Yes or no; from a table's text too."""
    if isinstance(value, bool):
        return value
    said = fold(value) if isinstance(value, str) else ""
    if info.context is None or not info.context.table:
        said = {"true": "true", "false": "false"}.get(said, "")
    if isinstance(value, int | float) and value in (0, 1) and info.context is not None and info.context.table:
        return bool(value)
    if said in YES or said in NO:
        return said in YES
    raise fault(f"{shown(value)} is neither true nor false.", "Write true or false.")


def _file(value: object, info: ValidationInfo, what: str, most: int) -> Path:
    """A Path was made by the caller and is taken; text is read from the base folder and may not leave it."""
    if not isinstance(value, str | Path):
        raise fault(f"{shown(value)} is not the name of a {what}.")
    base = info.context.base if info.context is not None else None
    name = shown(os.path.basename(value) if isinstance(value, Path) else value)
    if isinstance(value, Path) and (info.context is None or value.is_absolute()):
        path = value
    elif base is None or isinstance(value, Path):
        raise fault(
            f"{name} cannot be read from here.", f"Choose or upload the {what}; a path in text is not followed."
        )
    else:
        path = _inside(value, base, what)
    if info.context is None:
        return path
    try:
        path = Path(os.path.realpath(path))
        state = path.stat()
    except (OSError, ValueError):
        raise fault(f"there is no {what} {name}.", _nearest(path, str(value))) from None
    if not stat.S_ISREG(state.st_mode):
        raise fault(f"{name} is not a file.", f"Give the name of a {what}.")
    if not state.st_size:
        raise fault(f"{name} is empty.", "Copy it here again, or give another file.")
    if state.st_size > most:
        hint = f"Give a file of at most {most // 2**20} MB."
        raise fault(f"{name} has {-(-state.st_size // 2**20):,} MB, more than {most // 2**20} MB.", hint)
    return path


def _inside(text: str, base: Path, what: str) -> Path:
    # Tables are written with blanks after commas and with Windows' separators; the name as it stands goes first.
    if len(text) > 4096:
        raise fault(f"{shown(text)} is too long a name.", "Give a shorter path.")
    root = os.path.realpath(base)
    paths = []
    for form in dict.fromkeys((text, text.strip(), text.strip().replace("\\", "/"))):
        try:
            path = os.path.realpath(os.path.join(root, form))
            inside = os.path.commonpath((root, path)) == root
        except ValueError:
            raise fault(f"{shown(text)} is not a file name.", f"Give the name of a {what}.") from None
        if not inside:
            raise fault(f"{shown(text)} is outside the story's folder.", f"Put the {what} into that folder.")
        paths.append(Path(path))
    return next((path for path in paths if os.path.exists(path)), paths[0])


def _nearest(path: Path, written: str) -> str:
    if re.match(r"\s*(https?|ftp|data):", written, re.IGNORECASE):
        return "Web addresses are not followed: save it into the story's folder."
    try:
        names = {name.lower(): name for name in sorted(os.listdir(path.parent))[:5000]}
    except (OSError, ValueError):
        return "Mend the path: that folder is not there."
    near = difflib.get_close_matches(path.name.lower(), names, n=1, cutoff=0.5)
    return f"Did you mean {shown(names[near[0]])}?" if near else "Mend the name, or put the file into that folder."
