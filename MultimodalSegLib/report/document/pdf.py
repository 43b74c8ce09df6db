"""A report as PDF, laid out on A4 pages with fpdf2."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ...errors import MissingPackageError
from .content import LEVELS, Cell, Document, Facts, Notices, Paragraph, Picture, Pictures, Section, Table

MARGIN = 15.0
"""Millimetres around the page."""
GAP = 1.5
"""Millimetres between pictures, and of padding in tables."""
LINE = 4.6
"""Height of a line of text, mm."""
INK, SOFT, RULE, TRACK, BAR = (27, 37, 48), (85, 97, 109), (200, 207, 214), (230, 235, 239), (0, 114, 178)
FAMILY = "DejaVu"


def pdf(document: Document) -> bytes:
    """The content of the file.

    Args:
        document: the report.

    Raises:
        MissingPackageError: fpdf2 or matplotlib, whose font is used, is not installed.
    """
    page = _page(document)
    page.set_font(FAMILY, "B", 18)
    _text(page, document.title, 8)
    page.set_font(FAMILY, "", 9.5)
    _text(page, document.lead, LINE, SOFT)
    page.ln(2)
    page.set_font(FAMILY, "B", 9.5)
    page.set_draw_color(*INK)
    page.set_text_color(*INK)
    page.multi_cell(0, 2 * LINE, document.notice, border=1, padding=1, new_x="LMARGIN", new_y="NEXT")
    for section in document.sections:
        _heading(page, section)
        for block in section.blocks:
            page.set_font(FAMILY, "", 9)
            page.set_text_color(*INK)
            WRITERS[type(block)](page, block)
            page.ln(2)
    return bytes(page.output())


def _page(document: Document) -> Any:
    """An empty document with its first page, footer, font and properties."""
    try:
        import matplotlib
        from fpdf import FPDF
    except ImportError as error:
        raise MissingPackageError(
            f"A PDF needs {error.name}, which is not installed.",
            "Install it with: pip install 'multimodalseg[report]'",
        ) from error

    class Pages(FPDF):
        def footer(self) -> None:
            self.set_y(-MARGIN + 4)
            self.set_font(FAMILY, "", 7.5)
            self.set_text_color(*SOFT)
            self.cell(0, 4, f"{document.title}. {document.notice} Page {self.page_no()} of {{nb}}", align="C")

    page = Pages(format="A4")
    page.set_lang(document.language)
    page.set_title(document.title)
    page.set_creator("MultimodalSeg")
    page.set_margin(MARGIN)
    page.c_margin = 0  # text begins where pictures begin
    page.set_auto_page_break(True, MARGIN)
    fonts = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    page.add_font(FAMILY, "", fonts / "DejaVuSans.ttf")
    page.add_font(FAMILY, "B", fonts / "DejaVuSans-Bold.ttf")
    page.add_page()
    return page


def _text(page: Any, text: str, height: float = LINE, color: tuple[int, int, int] = INK) -> None:
    page.set_text_color(*color)
    page.multi_cell(0, height, text, align="L", new_x="LMARGIN", new_y="NEXT")


def _heading(page: Any, section: Section) -> None:
    large = section.level == 2
    _room(page, 40 if large else 30)
    page.ln(4 if large else 2)
    page.start_section(section.title, level=section.level - 2)
    page.set_font(FAMILY, "B", 13 if large else 10.5)
    _text(page, section.title, 6)
    if large:
        page.set_draw_color(*RULE)
        page.line(MARGIN, page.get_y(), page.w - MARGIN, page.get_y())
    page.ln(1.5)


def _room(page: Any, height: float) -> bool:
    """Begin a new page if less than ``height`` mm are left on this one; whether it did."""
    if page.get_y() + height <= page.page_break_trigger:
        return False
    page.add_page()
    return True


def _paragraph(page: Any, block: Paragraph) -> None:
    _text(page, block.text)


def _facts(page: Any, block: Facts) -> None:
    for name, text in block.pairs:
        _room(page, 3 * LINE)
        top = page.get_y()
        page.set_text_color(*SOFT)
        page.multi_cell(46, LINE, name, align="L", new_x="LMARGIN", new_y="NEXT")
        bottom = page.get_y()
        page.set_xy(MARGIN + 48, top)
        _text(page, text)
        page.set_y(max(bottom, page.get_y()))


def _notices(page: Any, block: Notices) -> None:
    for level, sentence in block.entries:
        word, shape = LEVELS[level]
        _room(page, 2 * LINE)
        page.set_font(FAMILY, "B", 9)
        page.set_text_color(*INK)
        page.cell(24, LINE, f"{shape} {word}:")
        page.set_font(FAMILY, "", 9)
        page.multi_cell(0, LINE, sentence, align="L", new_x="LMARGIN", new_y="NEXT")
        page.ln(1)


def _pictures(page: Any, block: Pictures) -> None:
    width = min((page.epw - (block.columns - 1) * GAP) / block.columns, 60.0)
    for row in block.rows:
        heights = [width * picture.size[1] / picture.size[0] for picture in row]
        _room(page, max(heights) + LINE + 3)
        top = page.get_y()
        for n, picture in enumerate(row):
            _picture(page, picture, MARGIN + n * (width + GAP), top, width)
        page.set_xy(MARGIN, top + max(heights) + (LINE if any(picture.label for picture in row) else GAP))
    if block.caption:
        page.set_font(FAMILY, "", 8)
        _text(page, block.caption, 4, SOFT)


def _picture(page: Any, picture: Picture, left: float, top: float, width: float) -> None:
    height = width * picture.size[1] / picture.size[0]
    page.image(io.BytesIO(picture.png), left, top, width, height, alt_text=picture.alt)
    page.set_font(FAMILY, "", 6.5)
    page.set_text_color(*SOFT)
    page.set_xy(left, top + height + 0.4)
    page.cell(width, 3, picture.label)


def _table(page: Any, block: Table) -> None:
    widths, words = _widths(page, block), block.words
    _room(page, 28)
    page.set_font(FAMILY, "", 8)
    _text(page, block.caption, 4, SOFT)

    def head() -> None:
        page.set_font(FAMILY, "B", 7.5)
        lines = max(_lines(page, title, width - GAP) for width, title in zip(widths, block.head, strict=True))
        _rule(page, [Cell(title) for title in block.head], widths, words, 3.6 * lines + GAP)

    head()
    for row in block.rows:
        page.set_font(FAMILY, "", 7.5)
        lines = max(
            _lines(page, cell.text, width - GAP - 4.0 * bool(cell.color))
            for cell, width in zip(row, widths, strict=True)
        )
        height = 3.6 * lines + (2.8 if any(cell.bar for cell in row) else GAP)
        if _room(page, height):
            head()
            page.set_font(FAMILY, "", 7.5)
        _rule(page, row, widths, words, height)


def _lines(page: Any, text: str, width: float) -> int:
    """Lines that a text takes in a cell."""
    return max(1, len(page.multi_cell(width, 3.6, text, dry_run=True, output="LINES")))


def _widths(page: Any, block: Table) -> list[float]:
    """Widths of the columns, mm: what their cells need, then what is left for all of them alike.

    If the page is too narrow, columns of words give way.
    """
    page.set_font(FAMILY, "B", 7.5)
    needed = []
    for n, title in enumerate(block.head):
        longest_word = max((page.get_string_width(word) for word in title.split()), default=0.0)
        cells = [page.get_string_width(row[n].text) + (4 if row[n].color else 0) for row in block.rows]
        needed.append(max([longest_word, *cells]) + 2 * GAP)
    spare = page.epw - sum(needed)
    if spare >= 0:
        return [width + spare / len(needed) for width in needed]
    yielding = [width if words else 0.0 for width, words in zip(needed, block.words, strict=True)]
    if sum(yielding) < -2 * spare:
        return [width * page.epw / sum(needed) for width in needed]
    return [width + spare * part / sum(yielding) for width, part in zip(needed, yielding, strict=True)]


def _rule(page: Any, row: Sequence[Cell], widths: Sequence[float], words: Sequence[bool], height: float) -> None:
    """One row of a table with the line below it."""
    left, top = MARGIN, page.get_y()
    page.set_text_color(*INK)
    for n, (cell, width) in enumerate(zip(row, widths, strict=True)):
        shift = 4.0 if cell.color else 0.0
        if cell.color:
            page.set_fill_color(*cell.color)
            page.set_draw_color(*INK)
            page.rect(left, top + 1.2, 2.6, 2.6, style="DF")
        page.set_xy(left + shift, top + 0.6)
        align = "L" if n == 0 or words[n] else "R"
        page.multi_cell(width - GAP - shift, 3.6, cell.text, align=align, new_x="RIGHT", new_y="TOP")
        if cell.bar:
            _bar(page, cell, left, top + height - 1.9, width - GAP)
        left += width
    page.set_draw_color(*RULE)
    page.line(MARGIN, top + height, page.w - MARGIN, top + height)
    page.set_xy(MARGIN, top + height)


def _bar(page: Any, cell: Cell, left: float, top: float, width: float) -> None:
    assert cell.bar is not None
    page.set_fill_color(*TRACK)
    page.rect(left, top, width, 1.2, style="F")
    start, end = sorted((cell.bar.start, cell.bar.end))
    page.set_fill_color(*BAR)
    page.rect(left + start * width, top, (end - start) * width, 1.2, style="F")
    if cell.bar.interval:
        page.set_draw_color(*INK)
        low, high = cell.bar.interval
        page.line(left + low * width, top + 0.6, left + high * width, top + 0.6)


WRITERS: dict[type, Callable[[Any, Any], None]] = {
    Paragraph: _paragraph,
    Facts: _facts,
    Notices: _notices,
    Pictures: _pictures,
    Table: _table,
}
