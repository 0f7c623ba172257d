"""How the files that stories come in are written: CSV, TSV, XLSX, JSON, plain text and Markdown. Bytes in, plain data out.

Knows no picture and not what a story's fields may hold.
"""

from __future__ import annotations

import csv
import difflib
import io
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from .presets import Presets, choose
from .story import MOST_SCENES, SCENE_FIELDS
from .story_cells import blank, clean, fold, shown
from .story_moods import mood_in
from .work import FilmError

MOST_BYTES = 20 * 2**20
MOST_UNPACKED = 200 * 2**20
MOST_PARTS = 1000
MOST_ROWS = 100_000  # blank ones included; a made-up workbook may have any number

Row = tuple[int, Sequence[object]]
"""A row's line in its file, and its cells."""


def data(path: Path, presets: Presets) -> tuple[object, list[FilmError], bool]:
    """What a file says, the faults of the file itself, and whether it is a table."""
    raw = _bytes(path)
    kind = _kind(raw, path)
    if kind == "json":
        return _json(_decoded(raw)), [], False
    if kind in ("txt", "md"):
        return _prose(_decoded(raw), kind == "md", presets), [], False
    rows = _workbook(raw) if kind == "xlsx" else _lines(_decoded(raw))
    scenes, faults = _scenes(rows, kind != "xlsx")
    return {"scenes": scenes}, faults, True


def table(path: Path) -> list[dict[str, object]]:
    """The rows of any table (CSV, TSV, XLSX), each by the names in its first row; blank rows are left out."""
    raw = _bytes(path)
    kind = _kind(raw, path)
    if kind not in ("csv", "tsv", "xlsx"):
        raise FilmError(f"{shown(path.suffix)} is no table.", "Give .csv, .tsv or .xlsx.")
    rows = _workbook(raw) if kind == "xlsx" else _separated(_decoded(raw))
    filled = [(line, cells) for line, cells in rows if not all(map(blank, cells))]
    if not filled:
        raise FilmError("the table is empty.", "The first row names the columns.")
    names = [fold(str(cell)) for cell in filled[0][1]]
    faults = [FilmError(f"The column {shown(name)} is there twice.", "Remove one.", name) for i, name in enumerate(names) if name and name in names[:i]]
    if faults:
        raise faults[0]
    if len(filled) - 1 > MOST_SCENES:
        raise FilmError(f"it has more than {MOST_SCENES} rows.", "Make several tables of it.")
    return [{name: cell for name, cell in zip(names, cells, strict=False) if name} for _, cells in filled[1:]]


def _separated(text: str) -> Iterator[Row]:
    """The rows of a CSV of any columns: the separator is the one that parts its first line most."""
    head = next((line for line in text.splitlines() if line.strip()), "")[:8192]
    between = max((",", ";", "\t"), key=lambda one: len(next(csv.reader([head], delimiter=one), [])))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=between, skipinitialspace=True, strict=True)
    try:
        for cells in reader:
            yield reader.line_num, cells
            if reader.line_num > MOST_ROWS:
                raise FilmError(f"it has more than {MOST_ROWS:,} rows.", "Remove some.")
    except csv.Error as error:
        hint = "Close each quotation mark, and write one that belongs to the text twice."
        raise FilmError(f"line {reader.line_num}: the row cannot be read ({error}).", hint) from None


def _bytes(path: Path) -> bytes:
    try:
        if not path.is_file():
            there = path.exists()
            what = "this is not a file." if there else "there is no such file."
            raise FilmError(what, "Give a story as .csv, .xlsx, .json or .txt." if there else "Mend the name.")
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise FilmError(f"it cannot be read: {why}.", "Give a file that you may read.") from None
    if len(raw) > MOST_BYTES:
        raise FilmError(f"it has more than {MOST_BYTES // 2**20} MB.", "Pictures belong beside the story, not in it.")
    return raw


def _kind(raw: bytes, path: Path) -> str:
    """The file's kind by its suffix, where the content does not say otherwise."""
    kind = path.suffix.lower().lstrip(".")
    if kind not in ("csv", "tsv", "xlsx", "json", "txt", "md"):
        raise FilmError(f"{shown(path.suffix)} is no kind of story.", "Give .csv, .tsv, .xlsx, .json, .txt or .md.")
    head = raw[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if raw.startswith(b"\xd0\xcf\x11\xe0"):
        raise FilmError("it is an old or locked workbook.", "Save it as .xlsx, without a password.")
    if raw.startswith(b"PK\x03\x04") != (kind == "xlsx"):
        holds, hint = ("a workbook or archive", "Name it .xlsx") if kind != "xlsx" else ("no workbook", "Name it .csv")
        raise FilmError(f"it is called .{kind} but holds {holds}.", f"{hint}, or save it anew.")
    if kind != "xlsx" and b"\0" in raw and not raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise FilmError(f"it is called .{kind} but is not text.", "Save it anew as text.")
    if head.startswith((b"<!doctype", b"<html", b"<?xml")):
        raise FilmError(f"it is called .{kind} but holds a web page or XML.", "Download the file itself.")
    if kind in ("csv", "tsv") and re.match(rb'[{\[]\s*["{}\]]', head):
        raise FilmError(f"it is called .{kind} but holds JSON.", "Name it .json.")
    return kind


def _decoded(raw: bytes) -> str:
    """UTF-8, or UTF-16 and UTF-32 with a mark; else Windows' Western letters, where they are few among plain ones.

    Any bytes at all can be read as Windows-1252, so text that would become mostly accents is another alphabet's.
    """
    marks = {b"\xff\xfe\x00\x00": "utf-32", b"\x00\x00\xfe\xff": "utf-32", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
    code = next((code for mark, code in marks.items() if raw.startswith(mark)), "utf-8-sig")
    try:
        return raw.decode(code)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        refused = FilmError(
            f"line {line} is not {code.upper().removesuffix('-SIG')}.", 'Save it as UTF-8 (in Excel: "CSV UTF-8").'
        )
    letters = re.findall(rb"[A-Za-z\x80-\xff]", raw)
    accents = sum(1 for letter in letters if letter >= b"\x80")
    if code != "utf-8-sig" or raw.startswith(b"\xef\xbb\xbf") or accents * 5 > len(letters):
        raise refused
    try:
        return raw.decode("cp1252")
    except UnicodeDecodeError:
        raise refused from None


def _lines(text: str) -> Iterator[Row]:
    """The rows of a CSV, its delimiter taken from the header: the one that gives the most known names."""
    first = re.match(r"sep=([^\r\n])\r?\n", text)  # as spreadsheets write it
    text = text[first.end() :] if first else text
    head = [line for line in text[:8192].splitlines() if line.strip(" ,;\t")][:1]

    def known(delimiter: str) -> tuple[int, int]:
        cells = next(csv.reader(head, delimiter=delimiter), [])
        return sum(fold(cell) in SCENE_FIELDS for cell in cells), len(cells)

    delimiter = first[1] if first else max((",", ";", "\t"), key=known)
    table = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True)
    while True:
        line = table.line_num + (2 if first else 1)
        try:
            yield line, next(table)
        except StopIteration:
            return
        except csv.Error as error:
            hint = "Close each quotation mark, and write one that belongs to the text twice."
            raise FilmError(f"line {line}: the row cannot be read ({error}).", hint) from None


def _workbook(raw: bytes) -> list[Row]:
    """The rows of the first sheet, to one past the limit."""
    import warnings
    import zipfile
    import zlib

    import openpyxl  # type: ignore[import-untyped,unused-ignore]

    # These are what zipfile, the XML parser and openpyxl let out for files that are damaged or made up.
    torn: tuple[type[Exception], ...] = (zipfile.BadZipFile, zlib.error, SyntaxError, LookupError, ValueError)
    torn += (TypeError, AttributeError, ArithmeticError, EOFError, OSError, RuntimeError)
    rows: list[Row] = []
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            parts = archive.infolist()
            if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > MOST_UNPACKED:
                hint = "Save only the table, without pictures and further sheets."
                raise FilmError(f"it unpacks to more than {MOST_UNPACKED // 2**20} MB or {MOST_PARTS:,} parts.", hint)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl names each spreadsheet feature that it leaves out
            book = openpyxl.load_workbook(io.BytesIO(raw), read_only=True, data_only=True)
            for line, row in enumerate(book.worksheets[0].iter_rows(values_only=True, max_col=100), 1):
                if line > MOST_ROWS:
                    raise FilmError(f"it has more than {MOST_ROWS:,} rows.", "Remove those that are not scenes.")
                if not all(map(blank, row)):
                    rows.append((line, row))
                if len(rows) > MOST_SCENES + 1:
                    break
            book.close()
    except torn:
        hint = "Open it in a spreadsheet and save it again as .xlsx."
        raise FilmError("the workbook cannot be read.", hint) from None
    return rows


def _scenes(rows: Iterable[Row], even: bool) -> tuple[list[dict[str, object]], list[FilmError]]:
    """A table's rows as scenes, and what is wrong with its columns and rows.

    `even`: rows must be as long as the header. Stops one scene past the limit: a huge table is refused at once.
    """
    header: list[str] | None = None
    scenes: list[dict[str, object]] = []
    faults: list[FilmError] = []
    nameless: set[int] = set()
    position = 0
    for line, cells in rows:
        if len(scenes) > MOST_SCENES:
            break
        if all(map(blank, cells)):
            continue
        if header is None:
            header, faults = _header(cells)
            continue
        position += 1
        if even and (len(cells) < len(header) or not all(map(blank, cells[len(header) :]))):
            hint = "Give each column a cell, and put one that holds the separator in quotes."
            text = f"line {line}: it has {len(cells)} cells; the header has {len(header)}."
            faults.append(FilmError(text, hint, f"line {line}"))
            continue
        for i, cell in enumerate(cells):
            if not blank(cell) and i not in nameless and (i >= len(header) or not header[i]):
                nameless.add(i)
                hint = "Name it in the first row, or empty it."
                faults.append(FilmError(f"line {line}: column {i + 1} has no name.", hint, f"line {line}"))
        scene = {name: cell for name, cell in zip(header, cells, strict=False) if name in SCENE_FIELDS}
        if blank(scene.get("scene_number")):
            scene["scene_number"] = position
        scenes.append(scene)
    if header is None:
        raise FilmError("the table is empty.", f"The first row names the columns: {', '.join(SCENE_FIELDS)}.")
    return scenes, faults


def _header(cells: Sequence[object]) -> tuple[list[str], list[FilmError]]:
    names = ["" if blank(cell) else fold(str(cell)) for cell in cells]
    while names and not names[-1]:
        names.pop()
    if not any(name in SCENE_FIELDS for name in names):
        hint = f"The first row names the columns: {', '.join(SCENE_FIELDS)}."
        raise FilmError("there is no header with the names of columns.", hint)
    faults = []
    for i, name in enumerate(names):
        if name and name not in SCENE_FIELDS:
            label = shown(str(cells[i]))
            faults.append(FilmError(f"There is no column {label}.", choose(name[:60], SCENE_FIELDS), label[1:-1]))
            # Its cells are read as the column that was probably meant, or every row would lack that too.
            left = [known for known in SCENE_FIELDS if known not in names]
            names[i] = next(iter(difflib.get_close_matches(name[:60], left, n=1)), name)
        elif name and name in names[:i]:
            faults.append(FilmError(f'The column "{name}" is there twice.', "Remove one of the two.", name))
            names[i] = f"{name} again"
    return names, faults


def _json(text: str) -> object:
    def once(pairs: list[tuple[str, object]]) -> dict[str, object]:
        found = dict(pairs)
        if len(found) < len(pairs):
            keys = [key for key, _ in pairs]
            twice = next(key for i, key in enumerate(keys) if key in keys[:i])
            raise FilmError(f"{shown(twice)} is there twice in one object.", "Remove one of the two.")
        return found

    try:
        return json.loads(text, object_pairs_hook=once)  # NaN and Infinity are refused by name, where they stand
    except json.JSONDecodeError as error:
        hint = "Mend the JSON there: quotes, commas and brackets."
        raise FilmError(f"line {error.lineno}, column {error.colno}: {error.msg}.", hint) from None
    except RecursionError:
        raise FilmError("it is nested too deeply.", 'A story is {"scenes": [{...}, ...]}.') from None
    except ValueError:
        raise FilmError("it holds a number with thousands of digits.", "Write a number of usual size.") from None


def _prose(text: str, marked: bool, presets: Presets) -> dict[str, object]:
    """One scene a paragraph, numbered line or bullet; its words are narration and prompt.

    `marked`: the text is Markdown, and its marks within lines are left out.
    """
    title = ""
    found: list[list[str]] = []
    goes_on = False
    text = clean(text)
    if marked:
        text = re.sub(r"!?\[([^\[\]\n]{0,500})\]\([^()\n]{0,2000}\)", r"\1", text).replace("**", "").replace("`", "")
    for line in re.sub(r"\n{3,}", "\n\n", text).splitlines():
        heading = re.match(r" {0,3}#{1,6}\s(.*)", line)
        item = re.match(r"\s*(?:\d{1,3}[.)]|[-*+\u2022])\s(.*)", line)
        words = (heading or item or [line, line])[1].strip()
        words = words.rstrip("#").strip() if heading else words
        if not words.strip("-=*_ \t"):
            goes_on = goes_on and not blank(line)
        elif heading and not title and not found:
            title = words
        elif goes_on and not item and not heading:
            found[-1].append(words)
        elif len(found) > MOST_SCENES:
            break
        else:
            found.append([words])
            goes_on = not heading
    said = [" ".join(lines) for lines in found]
    scenes = [{"narration": words, "prompt": words, "music_mood": mood_in(words, presets)} for words in said]
    return {"title": title, "scenes": scenes}
