"""Every verb over given videos by its name, so that a door can offer them all. Knows no door and runs nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_type_hints

from ..presets import Model, choose
from ..stage import Studio
from ..work import FilmError, Tick
from .blend import Blend, blend
from .chained import Chain, chained
from .cutting import Cut
from .edit import Edit, edit
from .extend import Extend, extend
from .fill import Fill, fill
from .loop import Loop, loop
from .recut import Recut, parts, recut
from .shooting import hand

Does = Callable[[Sequence[Path], Any, Studio, Path, Tick], Cut]


@dataclass(frozen=True, slots=True)
class Verb:
    """`does(videos, how, studio, out, tick)`; `how` is a value of `options`; it takes so many `videos`. way: what its
    `engine` must be able to do with pictures, as in shooting.py."""

    does: Does
    options: type
    videos: int
    what: str
    way: str = ""


VERBS: Mapping[str, Verb] = MappingProxyType(
    {
        "extend": Verb(extend, Extend, 1, "goes on from its exact last picture, or before its first"),
        "fill": Verb(fill, Fill, 1, "more pictures a second, slow motion, pictures that were lost", "ends"),
        "blend": Verb(blend, Blend, 2, "one turns into the other, warped along the way", "ends"),
        "loop": Verb(loop, Loop, 1, "begins again without being noticed", "ends"),
        "recut": Verb(recut, Recut, 1, "parts of it are kept, what is around them is made anew"),
        "edit": Verb(edit, Edit, 1, "another look, pace, direction, shape; words over it", "over"),
    }
)
EVERY: Mapping[str, Verb] = MappingProxyType(  # and what is made anew, from a picture or from none
    {**VERBS, "chain": Verb(chained, Chain, 0, "a long clip in segments that carry on from each other; it may be given a picture to begin with")}
)


def asked(name: str, told: Mapping[str, Any]) -> tuple[Verb, Any]:
    """A verb and its options from plain data, such as a form's or JSON's; `keep` is text such as "2-5". FilmError by
    the field's name for what does not fit."""
    if name not in EVERY:
        raise FilmError(f'There is no verb called "{name}".', choose(name, EVERY))
    verb = EVERY[name]
    types = get_type_hints(verb.options)
    known = [field.name for field in fields(verb.options)]
    values: dict[str, Any] = {}
    for key, value in told.items():
        if key not in known:
            raise FilmError(f'{name} has no "{key[:60]}".', choose(key[:60], known), key[:60])
        if value is not None and value != "":
            values[key] = _read(key, value, types[key])
    try:
        return verb, verb.options(**values)
    except TypeError as error:
        lacking = next((key for key in known if key not in values and f"'{key}'" in str(error)), "")
        raise FilmError(f"{name}: {lacking or 'something'} is missing.", "Give it a value.", lacking) from error


def models(verb: Verb, how: Any, studio: Studio) -> dict[str, Model]:
    """The model that the verb would use, as terms.news takes it; none where none is asked for, or it cannot be had: the
    verb says that itself."""
    named = getattr(how, "engine", "")
    try:
        found = hand(studio, named, verb.way).model if named else None
    except FilmError:
        found = None
    return {"engine": found} if found else {}


def _read(key: str, value: Any, kind: Any) -> Any:
    if key == "keep":
        return parts(value) if isinstance(value, str) else tuple((float(a), float(b)) for a, b in value)
    try:
        if kind is bool and isinstance(value, bool):
            return value
        if kind is str and isinstance(value, str):
            return value
        if kind is int and not isinstance(value, bool):
            return int(value)
        if kind not in (bool, str, int) and not isinstance(value, bool):
            return float(value)
    except (TypeError, ValueError):
        pass
    raise FilmError(f"{key}: {str(value)[:40]!r} does not fit.", "Give a value of that kind.", key)
