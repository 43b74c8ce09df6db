"""The HTML file as a browser, a screen reader and a suspicious reader see it."""

import re
from html.parser import HTMLParser

import pytest

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
from MultimodalSegLib.report.document.html import html

EVIL = '<script src="https://evil.example/x.js">alert(1)</script>" onload="x'
EMPTY = {"meta", "img", "rect", "path"}


class Page(HTMLParser):
    """Elements of a page with their attributes; checks that every element that begins also ends."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text, self._open = "", []
        self.feed(text)
        self.close()
        assert not self._open, self._open

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in EMPTY:
            self._open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if "style" not in self._open:
            self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def a_document(words: str = "words") -> Document:
    picture = Picture(b"PNG", (30, 20), f"alt {words}", f"label {words}")
    rows = ((Cell(words, color=(1, 2, 3)), Cell("12.5", Bar(0.0, 0.5, (0.4, 0.6)))), (Cell("b"), Cell("7")))
    blocks = (
        Paragraph(words),
        Facts((("Name", words),)),
        Notices((("alarm", words), ("info", "fine"))),
        Pictures((picture, picture), columns=2, narrow=2, caption=words),
        Table(words, ("Structure", "Volume (ml)"), rows),
    )
    return Document("Title", f"Notice {words}", words, (Section(f"First {words}", blocks), Section("Second", (), 3)))


def test_it_is_well_formed_and_tells_its_language_and_its_parts():
    page = Page(html(a_document()))
    assert page.all("html") == [{"lang": "en"}]
    assert [tag for tag, _ in page.elements if tag in ("h1", "h2", "h3")] == ["h1", "h2", "h3"]
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in page.all("meta")
    identifiers = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(identifiers) == len(set(identifiers))
    targets = [link["href"] for link in page.all("a")]
    assert targets == ["#part-1"] and "part-1" in identifiers
    assert "■" in page.text and "Alarm:" in page.text and "●" in page.text  # shape and word, not only color


def test_every_picture_has_an_alternative_and_its_size():
    images = Page(html(a_document())).all("img")
    assert len(images) == 2
    for image in images:
        assert image["alt"] == "alt words" and image["width"] == "30" and image["height"] == "20"
        assert image["src"].startswith("data:image/png;base64,")


def test_tables_have_heads_and_bars():
    page = Page(html(a_document()))
    assert [head["scope"] for head in page.all("th")] == ["col", "col", "row", "row"]
    (bar,) = page.all("rect")
    assert (bar["x"], bar["width"]) == ("0.00", "50.00")
    assert page.all("path")[0]["d"] == "M40.00 5H60.00"
    assert page.all("svg")[0]["aria-hidden"] == "true"


def test_markup_in_names_stays_text():
    page = Page(html(a_document(EVIL)))
    assert not page.all("script")
    assert not any("onload" in attributes for _, attributes in page.elements)
    assert page.text.count(EVIL) == 12  # everywhere but in the alternative texts
    assert page.all("img")[0]["alt"] == f"alt {EVIL}"


def test_nothing_is_fetched_from_elsewhere():
    text = html(a_document())
    assert not re.search(r"(https?:)?//", text)
    assert "url(" not in text and "@import" not in text
    assert not Page(text).all("link") and not Page(text).all("script")
    policy = next(meta["content"] for meta in Page(text).all("meta") if "http-equiv" in meta)
    assert "default-src 'none'" in policy


def test_it_fits_phones_and_paper():
    text = html(a_document())
    assert "@media print" in text and re.search(r"@media \(max-width", text)


def test_columns_of_words_are_told_from_columns_of_numbers():
    table = Table("", ("a", "b", "c"), ((Cell("x"), Cell("−1.5"), Cell("")), (Cell("y"), Cell("2 to 3"), Cell("left"))))
    assert table.words == (True, False, True)
    assert Table("", ("a", "b"), ()).words == (False, False)


@pytest.mark.parametrize(("down", "rows"), [(True, ["ACE", "BDF"]), (False, ["ABC", "DEF"])])
def test_pairs_run_down_the_columns(down, rows):
    pictures = tuple(Picture(b"", (1, 1), name) for name in "ABCDEF")
    laid = Pictures(pictures, columns=3, narrow=2, down=down).rows
    assert ["".join(picture.alt for picture in row) for row in laid] == rows
