"""Pages as a PDF with text that can be selected, in our own fonts; and a PDF's pages as PNG.

Knows marks and paper, not what they mean. Scripts are shaped and turned by fpdf2; pdfium draws.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from .paper import MM, Box, Page, Photo, Size, Stroke, Text
from .typefaces import FONTS, faces, files, runs

if TYPE_CHECKING:
    from fpdf import FPDF

DPI = 150  # of PNG
OFF = 0.004  # mm: nothing is narrower


def pdf(pages: Iterable[Page], paper: Size, title: str, out: Path) -> int:
    """Write the pages, one by one as they come. -> how many there were."""
    from fpdf import FPDF

    made = FPDF(unit="mm", format=(paper.width, paper.height))
    made.set_auto_page_break(False)
    made.set_margin(0)
    made.c_margin = 0
    made.set_title(title)
    made.set_creator("Reelwright")
    made.set_text_shaping(True)
    loaded: set[str] = set()
    count = 0
    for page in pages:
        made.add_page()
        for mark in page:
            if isinstance(mark, Text):
                _text(made, mark, loaded)
            elif isinstance(mark, Photo):
                made.image(BytesIO(mark.jpeg), mark.x, mark.y, mark.width, mark.height, alt_text=mark.alt[:200] or None)
            elif isinstance(mark, Box):
                made.set_fill_color(mark.fill)
                made.rect(mark.x, mark.y, mark.width, mark.height, "F", round_corners=mark.round > 0, corner_radius=mark.round)
            else:
                _stroke(made, mark)
        count += 1
    out.write_bytes(bytes(made.output()))
    return count


def _text(made: FPDF, mark: Text, loaded: set[str]) -> None:
    text = "".join(run.text for run in runs(mark.text))  # what no font of ours draws is left out
    for run in runs(mark.text):
        if run.face.family not in loaded:
            _load(made, run.face.family, loaded)
    if not text.strip():
        return
    first = faces()[0].family
    if first not in loaded:
        _load(made, first, loaded)
    with made.local_context():  # else the library takes a font for set that another line's fallback has undone
        made.set_font(first, "B" if mark.bold else "", mark.size)
        made.set_text_color(mark.colour)
        made.set_text_shaping(True, direction="rtl" if mark.rtl else "ltr")
        wide = made.get_string_width(text) + OFF if mark.right else made.w
        made.set_xy(mark.x - wide if mark.right else mark.x, mark.y - mark.size * MM)
        made.cell(wide, mark.size * MM * 1.25, text, align="L")


def _load(made: FPDF, family: str, loaded: set[str]) -> None:
    """Both weights of a family; where it has one, that is both."""
    for style, name in (("", files(family)[0]), ("B", files(family)[1])):
        made.add_font(family, style, FONTS / name)
    loaded.add(family)
    others = [face.family for face in faces()[1:] if face.family in loaded]
    made.set_fallback_fonts(others, exact_match=False)


def _stroke(made: FPDF, mark: Stroke) -> None:
    made.set_draw_color(mark.colour)
    made.set_fill_color(mark.colour)
    made.set_line_width(mark.width)
    made.set_dash_pattern(mark.dash, mark.dash * 0.75) if mark.dash else made.set_dash_pattern()
    if mark.closed:
        made.polygon(mark.points, style="DF" if mark.fill else "D")
    else:
        made.polyline(mark.points)


def pngs(document: Path, dpi: int = DPI) -> Iterator[bytes]:
    """Every page as a PNG."""
    import pypdfium2

    whole = pypdfium2.PdfDocument(document)
    try:
        for page in whole:
            drawn = page.render(scale=dpi / 72)
            held = BytesIO()
            drawn.to_pil().convert("RGB").save(held, "PNG", optimize=False)
            drawn.close()
            page.close()
            yield held.getvalue()
    finally:
        whole.close()
