"""What a preset says of a model, as its engine's own options: each read strictly, and the wrong one named.

Knows no engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import ConfigDict, TypeAdapter, ValidationError

from ..work import FilmError

strict = ConfigDict(extra="forbid", allow_inf_nan=False)
T = TypeVar("T")


def read(kind: type[T], told: Mapping[str, Any], whose: str, file: str) -> T:
    """Options as they are written in a preset; FilmError naming the one that is wrong. whose: such as "MusicGen's"."""
    try:
        return TypeAdapter(kind).validate_python(dict(told))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(step) for step in first["loc"])
        raise FilmError(f"{whose} option {place}: {first['msg']}.", f"Mend it in {file}.", file) from error


def agree(whose: str, file: str, **good: bool) -> None:
    """FilmError naming the first option that does not go with the others."""
    for name, fits in good.items():
        if not fits:
            raise FilmError(f"{whose} option {name} does not go with the others.", f"Mend it in {file}.", file)
