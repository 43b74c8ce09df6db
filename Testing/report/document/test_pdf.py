"""The PDF file: its pages, its alternatives, and texts and tables of any length."""

import io
import re

import pytest
from PIL import Image

from MultimodalSegLib.report.document.content import (
    Bar,
    Cell,
    Document,
    Facts,
    Notices,
    Paragraph,
    Picture,
    Pictures,
    Section,
    Table,
)

pytest.importorskip("fpdf", reason="fpdf2 is not installed (pip install 'multimodalseg[report]')")

from MultimodalSegLib.report.document.pdf import pdf  # noqa: E402


def a_picture(alt: str) -> Picture:
    stream = io.BytesIO()
    Image.new("L", (24, 24), 128).save(stream, "PNG")
    return Picture(stream.getvalue(), (24, 24), alt, "label")


def pages(content: bytes) -> int:
    return len(re.findall(rb"/Type /Page\b", content))


def test_a_page_with_every_kind_of_block():
    table = Table(
        "Caption", ("Structure", "Volume"), ((Cell("ä ≥ 3", color=(1, 2, 3)), Cell("1", Bar(0, 1, (0.8, 1)))),)
    )
    blocks = (
        Paragraph("Text"),
        Facts((("Name", "x" * 300),)),
        Notices((("warning", "Careful."),)),
        Pictures((a_picture("first"), a_picture("second")), columns=2, narrow=2, caption="Both."),
        table,
    )
    content = pdf(Document("Report", "Research.", "A case", (Section("One", blocks),)))
    assert content.startswith(b"%PDF-") and pages(content) == 1
    assert b"/Lang (en)" in content and content.count(b"/Alt ") == 2 and b"/Outlines" in content


def test_long_tables_and_many_pictures_go_on_on_further_pages():
    rows = tuple((Cell(f"Structure {n}"), Cell("1.0", Bar(0, 1)), Cell("many words " * 12)) for n in range(60))
    pictures = Pictures(tuple(a_picture(str(n)) for n in range(24)), columns=3, narrow=1)
    wide = Table("Wide", tuple(f"Title {n}" for n in range(14)), (tuple(Cell("12345.6") for _ in range(14)),))
    sections = (Section("Long", (Table("Long", ("a", "b", "c"), rows), pictures, wide, Table("Empty", ("a",), ()))),)
    assert 5 <= pages(pdf(Document("Report", "Research.", "A case", sections))) <= 12
