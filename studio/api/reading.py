"""What a request's body says, as plain data: JSON read strictly, forms with names in brackets as the same nested data.

Knows no door's fields. Files of a form stay where they were put aside while they were read.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, NoReturn

from starlette.datastructures import UploadFile
from starlette.requests import Request

from pipelines.story_cells import clean

from .refusals import Refusal, bad

MOST_FILES = 500
MOST_FIELDS = 200
FIELD_BYTES = 21 * 2**20 + 1024  # a picture may be in a field, as a data URL
DEEPEST = 64

Body = dict[str, Any]


def plain_json(raw: bytes) -> Any:
    """JSON as its standard has it: no NaN, no infinity, no name twice, not deeper than anybody needs."""
    try:
        found = json.loads(raw.decode("utf-8"), parse_constant=_no_number, parse_float=_finite, object_pairs_hook=_once)
    except RecursionError:
        raise bad("The JSON is nested too deeply.", code="invalid_json") from None
    except ValueError as error:
        said = str(error) if isinstance(error, json.JSONDecodeError | _Wrong) else "it is not text in UTF-8, or holds a number too long"
        raise bad(f"The body is not JSON: {said[:200]}.", code="invalid_json") from None
    if _depth(found) > DEEPEST:
        raise bad("The JSON is nested too deeply.", code="invalid_json")
    return found


async def json_of(request: Request) -> Any:
    """The request's body as JSON, whatever type it says it has."""
    return plain_json(await request.body())


@asynccontextmanager
async def body_of(request: Request) -> AsyncIterator[Body]:
    """An object from JSON or from a form. `a[b]=c` is {"a": {"b": "c"}}, `a[][b]=c` adds to a list; files are
    UploadFiles, gone at the end. An empty file beside other values of its name says nothing."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in ("multipart/form-data", "application/x-www-form-urlencoded"):
        raw = await request.body()
        found = plain_json(raw) if raw.strip() else {}
        if not isinstance(found, dict):
            raise bad("The body is not an object.", hint='Send {"...": ...}.', code="invalid_json")
        yield found
        return
    try:
        form = await request.form(max_files=MOST_FILES, max_fields=MOST_FIELDS, max_part_size=FIELD_BYTES)
    except (ValueError, UnicodeError) as error:
        raise bad("The form cannot be read.", code="invalid_form") from error
    try:
        yield _nested(form.multi_items())
    finally:
        await form.close()


def _nested(items: list[tuple[str, Any]]) -> Body:
    told: Body = {}
    for name, value in items:
        steps = re.match(r"([^\[\]]+)((?:\[[^\[\]]*\]){0,3})$", name)
        if not steps:
            raise bad(f'"{name[:60]}" is not the name of a field.', name[:60])
        first, rest = steps[1], re.findall(r"\[([^\[\]]*)\]", steps[2])
        empty = isinstance(value, UploadFile) and not value.size and not value.filename
        if empty or (isinstance(value, UploadFile) and not value.size and first in told):
            continue
        _put(told, [first, *rest], value)
    return told


def _put(told: Body, steps: list[str], value: Any) -> None:
    name, rest = steps[0], steps[1:]
    if not rest:
        told[name] = value
    elif rest[0] == "" or rest[0].isdigit():
        many = told.get(name)
        if not isinstance(many, list):
            many = told[name] = []
        if len(rest) == 1:
            many.append(value)
        elif not many or not isinstance(many[-1], dict) or rest[1] in many[-1]:
            many.append({rest[1]: value})
        else:
            many[-1][rest[1]] = value
    else:
        inner = told.get(name)
        if isinstance(inner, UploadFile | None) or not isinstance(inner, dict):
            inner = told[name] = {}
        _put(inner, rest, value)


class _Wrong(ValueError):
    """What is wrong, for people."""


def _no_number(name: str) -> NoReturn:
    raise _Wrong(f"{name} is no number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise _Wrong("a number is too large")
    return number


def _once(pairs: list[tuple[str, Any]]) -> Body:
    told = dict(pairs)
    if len(told) < len(pairs):
        raise _Wrong("a name is there twice")
    return told


def _depth(value: Any) -> int:
    depth, level = 0, [value]
    while level:
        depth += 1
        level = [inner for one in level if isinstance(one, dict | list) for inner in (one.values() if isinstance(one, dict) else one)]
        if depth > DEEPEST:
            break
    return depth


def refuse_unknown(told: Mapping[str, Any], known: tuple[str, ...]) -> None:
    """Refusal that names the first field that is not known."""
    for name in told:
        if name not in known:
            raise bad(f'"{str(name)[:60]}" is not known.', str(name)[:60], f"Known: {', '.join(known)}.", "unknown_parameter")


def text_of(told: Mapping[str, Any], name: str, most: int, *, least: int = 0, usual: str = "") -> str:
    """A text of the body."""
    value = told.get(name)
    if value is None and not least:
        return usual
    if not isinstance(value, str):
        code = "missing_required_parameter" if value is None else "invalid_type"
        raise bad(f'"{name}" is missing.' if value is None else f'"{name}" is not text.', name, code=code)
    if not least <= len(value) <= most or (least and not value.strip()):
        raise bad(f'"{name}" has {len(value):,} characters.', name, f"It has {least} to {most:,}.")
    return clean(value)


def number_of(told: Mapping[str, Any], name: str, low: float, high: float) -> float | None:
    """A number of the body, from a form's text too; None if it is not there."""
    value = told.get(name)
    if value is None or value == "":
        return None
    try:
        number = math.nan if isinstance(value, bool) or not isinstance(value, int | float | str) else float(value)
    except (ValueError, OverflowError):
        number = math.nan
    if not low <= number <= high:
        raise bad(f'"{name}" does not fit.', name, f"Give a number from {low:g} to {high:g}.")
    return number


def limit_of(request: Request, most: int, usual: int) -> int:
    """How many entries of a list are asked for."""
    text = request.query_params.get("limit", str(usual))
    if not re.fullmatch(r"[0-9]{1,4}", text) or int(text) > most:
        raise bad(f'limit: "{text[:20]}" does not fit.', "limit", f"Give 0 to {most}.")
    return int(text)


def idempotency(request: Request) -> str:
    """The caller's own name for this request; "" for none."""
    key = request.headers.get("idempotency-key", "")
    if len(key) > 200:
        raise Refusal(400, "invalid_value", "Idempotency-Key is too long.", "It has up to 200 characters.", "Idempotency-Key")
    return key
