"""Tables with bars on the pages of a PDF."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .content import Bar, Cell, Table
from .pdf_page import FAMILY, GAP, INK, MARGIN, RULE, SOFT, room, write

BAR, TRACK = (0, 114, 178), (230, 235, 239)
SWATCH = 4.0
"""Room for a square of color, mm."""
FIRST = 35.0
"""Width up to which the first cell of a row is kept on one line, mm."""


def table(page: Any, block: Table) -> None:
    """A table with its caption; the head is repeated on every page."""
    widths, words = _widths(page, block), block.words
    room(page, 28)
    page.set_font(FAMILY, "", 8)
    write(page, block.caption, 4, SOFT)

    def head() -> None:
        page.set_font(FAMILY, "B", 7.5)
        lines = max(_lines(page, title, width - GAP) for width, title in zip(widths, block.head, strict=True))
        _rule(page, [Cell(title) for title in block.head], widths, words, 3.6 * lines + GAP)

    head()
    for row in block.rows:
        page.set_font(FAMILY, "", 7.5)
        lines = max(
            _lines(page, cell.text, width - GAP - SWATCH * bool(cell.color))
            for cell, width in zip(row, widths, strict=True)
        )
        height = 3.6 * lines + (2.8 if any(cell.bar for cell in row) else GAP)
        if room(page, height):
            head()
            page.set_font(FAMILY, "", 7.5)
        _rule(page, row, widths, words, height)


def _lines(page: Any, text: str, width: float) -> int:
    """Lines that a text takes in a cell."""
    return max(1, len(page.multi_cell(width, 3.6, text, dry_run=True, output="LINES")))


def _widths(page: Any, block: Table) -> list[float]:
    """Widths of the columns, mm: what their cells need, and an equal share of what is left.

    If the page is too narrow, columns of words give way, down to their longest word or a short first cell.
    """
    page.set_font(FAMILY, "B", 7.5)
    needed, least = [], []
    for n, (title, words) in enumerate(zip(block.head, block.words, strict=True)):
        cells = [row[n] for row in block.rows]
        whole = [page.get_string_width(cell.text) + SWATCH * bool(cell.color) for cell in cells]
        pieces = [word for text in (title, *(cell.text for cell in cells)) for word in text.split()]
        longest = max(map(page.get_string_width, pieces), default=0.0) + SWATCH * any(cell.color for cell in cells)
        width = max([longest, *whole])
        needed.append(width + 2 * GAP)
        kept = max(longest, min(width, FIRST)) if n == 0 else longest
        least.append((kept if words else width) + 2 * GAP)
    spare = page.epw - sum(needed)
    if spare >= 0:
        return [width + spare / len(needed) for width in needed]
    excess = sum(needed) - sum(least)
    if excess <= 0 or excess < -spare:
        return [width * page.epw / sum(least) for width in least]
    return [width + spare * (width - low) / excess for width, low in zip(needed, least, strict=True)]


def _rule(page: Any, row: Sequence[Cell], widths: Sequence[float], words: Sequence[bool], height: float) -> None:
    """One row of a table with the line below it."""
    left, top = MARGIN, page.get_y()
    page.set_text_color(*INK)
    for n, (cell, width) in enumerate(zip(row, widths, strict=True)):
        shift = SWATCH * bool(cell.color)
        if cell.color:
            page.set_fill_color(*cell.color)
            page.set_draw_color(*INK)
            page.rect(left, top + 1.2, 2.6, 2.6, style="DF")
        page.set_xy(left + shift, top + 0.6)
        align = "L" if n == 0 or words[n] else "R"
        page.multi_cell(width - GAP - shift, 3.6, cell.text, align=align, new_x="RIGHT", new_y="TOP")
        if cell.bar:
            below = top + 0.9 + 3.6 * _lines(page, cell.text, width - GAP - shift)
            _bar(page, cell.bar, left, below, width - GAP)
        left += width
    page.set_draw_color(*RULE)
    page.line(MARGIN, top + height, page.w - MARGIN, top + height)
    page.set_xy(MARGIN, top + height)


def _bar(page: Any, bar: Bar, left: float, top: float, width: float) -> None:
    page.set_fill_color(*TRACK)
    page.rect(left, top, width, 1.2, style="F")
    start, end = sorted((bar.start, bar.end))
    page.set_fill_color(*BAR)
    page.rect(left + start * width, top, (end - start) * width, 1.2, style="F")
    if bar.interval:
        page.set_draw_color(*INK)
        low, high = bar.interval
        page.line(left + low * width, top + 0.6, left + high * width, top + 0.6)
