"""An A4 page of a PDF: its measures and colors, its font, and text on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...errors import MissingPackageError
from .content import Document

MARGIN = 15.0
"""Millimetres around the page."""
GAP = 1.5
"""Millimetres between pictures, and of padding in tables."""
LINE = 4.6
"""Height of a line of text, mm."""
INK, SOFT, RULE = (27, 37, 48), (85, 97, 109), (200, 207, 214)
"""Colors of text, of lesser text and of lines."""
FAMILY = "DejaVu"


def new_document(document: Document) -> Any:
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


def write(page: Any, text: str, height: float = LINE, color: tuple[int, int, int] = INK) -> None:
    """A paragraph in the present font, over the whole width from where the page is."""
    page.set_text_color(*color)
    page.multi_cell(0, height, text, align="L", new_x="LMARGIN", new_y="NEXT")


def room(page: Any, height: float) -> bool:
    """Begin a new page if less than ``height`` mm are left on this one; whether it did."""
    if page.get_y() + height <= page.page_break_trigger:
        return False
    page.add_page()
    return True
