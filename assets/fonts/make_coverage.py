"""Prepares the caption fonts and writes coverage.json: which font draws which character, and how wide it is.

    python assets/fonts/make_coverage.py [FOLDER]

A tool for whoever changes the fonts; nothing imports it when a film is made. Given a folder of fonts as published it
first copies them here, without hinting (libass draws outlines) and with one ascent and descent for all: so a line
that mixes scripts stands on one baseline, and a line of Arabic is no taller than a line of English. FOLDER may be
left out: then only coverage.json is written again, from the fonts that are here.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from fontTools import subset
from fontTools.ttLib import TTFont

HERE = Path(__file__).resolve().parent
ASCENT, DESCENT = 1.069, 0.293  # of the em: those of Noto Sans
STEP = 20  # widths are told in twentieths of the em

# The first family that has a character draws it. Pictures come before symbols and Chinese: "⭐" is an emoji first.
ORDER = (
    "Noto Sans", "Noto Sans Arabic", "Noto Sans Hebrew", "Noto Sans Devanagari", "Noto Sans Bengali",
    "Noto Sans Tamil", "Noto Sans Telugu", "Noto Sans Gujarati", "Noto Sans Gurmukhi", "Noto Sans Kannada",
    "Noto Sans Malayalam", "Noto Sans Oriya", "Noto Sans Sinhala", "Noto Sans Thai", "Noto Sans Lao", "Noto Sans Khmer",
    "Noto Sans Myanmar", "Noto Sans Georgian", "Noto Sans Armenian", "Noto Sans Ethiopic", "Noto Sans Thaana",
    "Noto Emoji", "Noto Sans KR Medium", "Droid Sans Fallback", "Noto Sans Symbols", "Noto Sans Symbols2",
    "Noto Sans Math",
)  # fmt: skip

# Of a font that is too large to ship whole, these characters.
PARTS = {"NotoSansKR-Medium.ttf": [*range(0xAC00, 0xD7A4), *range(0x3131, 0x318F)]}


def prepare(source: Path, out: Path) -> None:
    """A copy of the font without hinting, with our ascent and descent."""
    options = subset.Options(
        hinting=False, layout_features=["*"], name_IDs=["*"], name_languages=["*"], notdef_outline=True,
        recalc_timestamp=False, glyph_names=False, drop_tables=["DSIG", "FFTM", "meta"], prune_unicode_ranges=False,
    )  # fmt: skip
    font = subset.load_font(str(source), options)
    chooser = subset.Subsetter(options)
    chooser.populate(unicodes=[32, *PARTS.get(source.name, font.getBestCmap())])
    chooser.subset(font)
    em = font["head"].unitsPerEm
    font["OS/2"].usWinAscent = font["hhea"].ascent = round(ASCENT * em)
    font["OS/2"].usWinDescent = round(DESCENT * em)
    font["hhea"].descent = -round(DESCENT * em)
    subset.save_font(font, str(out), options)


def ranges(widths: dict[int, int]) -> list[list[int]]:
    """[first, last, width] of neighbouring characters of one width."""
    out: list[list[int]] = []
    for code, width in sorted(widths.items()):
        if out and out[-1][1] == code - 1 and out[-1][2] == width:
            out[-1][1] = code
        else:
            out.append([code, code, width])
    return out


def coverage(folder: Path) -> list[dict[str, Any]]:
    """One entry a family, in the order in which they are asked for a character."""
    files: dict[str, dict[str, Path]] = {}
    for path in sorted(folder.glob("*.ttf")):
        with TTFont(path, lazy=True) as font:
            files.setdefault(font["name"].getDebugName(1), {})[font["name"].getDebugName(2)] = path
    if set(files) != set(ORDER):
        raise SystemExit(f"fonts and ORDER differ: {sorted(set(files) ^ set(ORDER))}")
    entries = []
    for family in ORDER:
        widths: dict[int, int] = {}
        for path in files[family].values():
            with TTFont(path, lazy=True) as font:
                em, advances = font["head"].unitsPerEm, font["hmtx"]
                for code, glyph in font.getBestCmap().items():
                    widths[code] = max(widths.get(code, 0), round(advances[glyph][0] * STEP / em))
        drawn = {code: width for code, width in widths.items() if code > 32}
        weights = {style.lower(): path.name for style, path in sorted(files[family].items())}
        entries.append({"family": family, **weights, "ranges": ranges(drawn)})
    return entries


def main() -> None:
    for source in sorted(Path(sys.argv[1]).glob("*.ttf")) if len(sys.argv) > 1 else []:
        prepare(source, HERE / source.name)
    rows = ",\n".join(json.dumps(entry, separators=(",", ":")) for entry in coverage(HERE))
    head = f'"ascent":{ASCENT},"descent":{DESCENT},"step":{STEP}'
    (HERE / "coverage.json").write_text(f'{{{head},"fonts":[\n{rows}\n]}}\n', "utf-8")


if __name__ == "__main__":
    main()
