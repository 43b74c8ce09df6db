"""A report as PDF, laid out on A4 pages with fpdf2."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

from .content import LEVELS, Document, Facts, Notices, Paragraph, Picture, Pictures, Section, Table
from .pdf_page import FAMILY, GAP, INK, LINE, MARGIN, RULE, SOFT, new_document, room, write
from .pdf_table import table


def pdf(document: Document) -> bytes:
    """The content of the file.

    Args:
        document: the report.

    Raises:
        MissingPackageError: fpdf2 or matplotlib, whose font is used, is not installed.
    """
    page = new_document(document)
    page.set_font(FAMILY, "B", 18)
    write(page, document.title, 8)
    page.set_font(FAMILY, "", 9.5)
    write(page, document.lead, LINE, SOFT)
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


def _heading(page: Any, section: Section) -> None:
    large = section.level == 2
    room(page, 40 if large else 30)
    page.ln(4 if large else 2)
    page.start_section(section.title, level=section.level - 2)
    page.set_font(FAMILY, "B", 13 if large else 10.5)
    write(page, section.title, 6)
    if large:
        page.set_draw_color(*RULE)
        page.line(MARGIN, page.get_y(), page.w - MARGIN, page.get_y())
    page.ln(1.5)


def _paragraph(page: Any, block: Paragraph) -> None:
    write(page, block.text)


def _facts(page: Any, block: Facts) -> None:
    for name, text in block.pairs:
        room(page, 3 * LINE)
        top = page.get_y()
        page.set_text_color(*SOFT)
        page.multi_cell(46, LINE, name, align="L", new_x="LMARGIN", new_y="NEXT")
        bottom = page.get_y()
        page.set_xy(MARGIN + 48, top)
        write(page, text)
        page.set_y(max(bottom, page.get_y()))


def _notices(page: Any, block: Notices) -> None:
    for level, sentence in block.entries:
        word, shape = LEVELS[level]
        room(page, 2 * LINE)
        page.set_font(FAMILY, "B", 9)
        page.set_text_color(*INK)
        page.cell(24, LINE, f"{shape} {word}:")
        page.set_font(FAMILY, "", 9)
        page.multi_cell(0, LINE, sentence, align="L", new_x="LMARGIN", new_y="NEXT")
        page.ln(1)


WIDEST = {1: 140.0, 2: 80.0}
"""Millimetres of a picture, by the number of columns: charts have few, slices many."""


def _pictures(page: Any, block: Pictures) -> None:
    width = min((page.epw - (block.columns - 1) * GAP) / block.columns, WIDEST.get(block.columns, 60.0))
    for row in block.rows:
        heights = [width * picture.size[1] / picture.size[0] for picture in row]
        room(page, max(heights) + LINE + 3)
        top = page.get_y()
        for n, picture in enumerate(row):
            _picture(page, picture, MARGIN + n * (width + GAP), top, width)
        page.set_xy(MARGIN, top + max(heights) + (LINE if any(picture.label for picture in row) else GAP))
    if block.caption:
        page.set_font(FAMILY, "", 8)
        write(page, block.caption, 4, SOFT)


def _picture(page: Any, picture: Picture, left: float, top: float, width: float) -> None:
    height = width * picture.size[1] / picture.size[0]
    page.image(io.BytesIO(picture.png), left, top, width, height, alt_text=picture.alt)
    page.set_font(FAMILY, "", 6.5)
    page.set_text_color(*SOFT)
    page.set_xy(left, top + height + 0.4)
    page.cell(width, 3, picture.label)


WRITERS: dict[type, Callable[[Any, Any], None]] = {
    Paragraph: _paragraph,
    Facts: _facts,
    Notices: _notices,
    Pictures: _pictures,
    Table: table,
}
