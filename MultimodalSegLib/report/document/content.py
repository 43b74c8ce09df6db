"""What a report consists of, before it becomes HTML or PDF: sections of a few kinds of blocks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

Color = tuple[int, int, int]
"""Red, green, blue, 0 to 255."""


@dataclass(frozen=True)
class Paragraph:
    """Plain text."""

    text: str
    kind: ClassVar[str] = "paragraph"


@dataclass(frozen=True)
class Facts:
    """Pairs of a name and what there is to say of it."""

    pairs: tuple[tuple[str, str], ...]
    kind: ClassVar[str] = "facts"


@dataclass(frozen=True)
class Picture:
    """One picture.

    Args:
        png: the file's content.
        size: width and height, pixels.
        alt: what it shows, for those who cannot see it.
        label: a few words below it, may be empty.
    """

    png: bytes
    size: tuple[int, int]
    alt: str
    label: str = ""


@dataclass(frozen=True)
class Pictures:
    """Pictures that belong together.

    Args:
        pictures: in reading order.
        columns: side by side on a wide page.
        narrow: side by side on a phone.
        caption: a sentence below all of them.
        down: on a wide page they run down the columns, which then hold ``narrow`` pictures each; on a phone each of
            those columns becomes a row.
    """

    pictures: tuple[Picture, ...]
    columns: int
    narrow: int
    caption: str = ""
    down: bool = False
    kind: ClassVar[str] = "pictures"

    @property
    def rows(self) -> tuple[tuple[Picture, ...], ...]:
        """The pictures as they lie on a wide page."""
        shown = self.pictures
        if self.down:
            return tuple(shown[first :: self.narrow] for first in range(self.narrow))
        return tuple(shown[first : first + self.columns] for first in range(0, len(shown), self.columns))


@dataclass(frozen=True)
class Bar:
    """A bar in a table; all places are parts of the width, 0 to 1.

    Args:
        start: where it begins; that is where 0 is.
        end: where it ends, to the right or to the left of its start.
        interval: ends of an interval around the end, or None.
    """

    start: float
    end: float
    interval: tuple[float, float] | None = None


@dataclass(frozen=True)
class Cell:
    """One cell of a table.

    Args:
        text: shown text; numbers with their sign and digits.
        bar: below the text, or None.
        color: of a small square before the text, or None.
        picture: before the text, or None; a PDF leaves it out.
        link: where the text leads, relative to the document, or empty; a PDF leaves it out.
    """

    text: str
    bar: Bar | None = None
    color: Color | None = None
    picture: Picture | None = None
    link: str = ""


@dataclass(frozen=True)
class Table:
    """A table; the first cell of each row is its head.

    Args:
        caption: what the table shows.
        head: a title for each column, with its unit.
        rows: as many cells as there are titles.
    """

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    kind: ClassVar[str] = "table"

    @property
    def words(self) -> tuple[bool, ...]:
        """For each column whether it holds words or pictures, which begin at the left, and not numbers."""
        columns = zip(*self.rows, strict=True) if self.rows else ((),) * len(self.head)
        return tuple(any(cell.text[:1].isalpha() or cell.picture is not None for cell in column) for column in columns)


LEVELS: Mapping[str, tuple[str, str]] = {"info": ("Note", "●"), "warning": ("Warning", "▲"), "alarm": ("Alarm", "■")}
"""Level of a notice to its word and shape: nothing depends on color alone."""


@dataclass(frozen=True)
class Notices:
    """Sentences to heed, each with a level of :data:`LEVELS`."""

    entries: tuple[tuple[str, str], ...]
    kind: ClassVar[str] = "notices"


Block = Paragraph | Facts | Pictures | Table | Notices


@dataclass(frozen=True)
class Section:
    """A part of the report.

    Args:
        title: its heading.
        blocks: from top to bottom.
        level: 2 for a part of the report, 3 for a part of the section before it.
    """

    title: str
    blocks: tuple[Block, ...]
    level: int = 2


@dataclass(frozen=True)
class Document:
    """A whole report.

    Args:
        title: of the page.
        notice: a sentence that nobody may miss.
        lead: what it is about, in a line.
        sections: from top to bottom.
        language: BCP 47 tag of all text.
    """

    title: str
    notice: str
    lead: str
    sections: tuple[Section, ...]
    language: str = "en"
