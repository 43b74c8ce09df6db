"""The pages of a cohort for people: every case with a picture and what is to be said of it, worst first."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from ..notice import RESEARCH_USE
from ..report.document.content import LEVELS, Cell, Document, Facts, Picture, Section, Table
from ..report.document.html import html
from .folder import CASES, INDEX, TABLE, CohortFolder
from .outcome import Outcome
from .thumbnail import FILE as THUMBNAIL

ON_A_PAGE = 100
"""Cases on a page; the pictures lie inside it."""


def write_index(folder: CohortFolder) -> list[Path]:
    """Write ``index.html`` and, for larger cohorts, ``index-2.html`` and so on.

    Args:
        folder: the cohort.

    Returns:
        The pages.

    Raises:
        MissingPackageError: Jinja2 is not installed.
        OutputError: a page cannot be written.
    """
    worst_first = sorted(folder.outcomes.values(), key=lambda one: (*(-int(n) for n in one.badness), one.id))
    parts = [worst_first[n : n + ON_A_PAGE] for n in range(0, len(worst_first), ON_A_PAGE)] or [[]]
    names = [page_name(number) for number in range(1, len(parts) + 1)]
    written = []
    for number, part in enumerate(parts, start=1):
        sections = [Section("Cohort", (Facts(_facts(folder)),)), _section(folder, part, number, len(parts))]
        if len(parts) > 1:
            sections.append(_pages(names, number))
        document = Document(
            title="Cohort",
            notice=RESEARCH_USE,
            lead=f"{len(folder.cases)} cases, segmented by SlicerMultimodalSeg. Page {number} of {len(parts)}.",
            sections=tuple(sections),
        )
        file = folder.path / names[number - 1]
        partial = file.with_name(f".{file.name}.partial")
        partial.write_text(html(document), encoding="utf-8")
        partial.replace(file)
        written.append(file)
    return written


def page_name(number: int) -> str:
    """File of a page, counted from 1."""
    return INDEX if number == 1 else f"index-{number}.html"


def _facts(folder: CohortFolder) -> tuple[tuple[str, str], ...]:
    ended = folder.outcomes.values()
    finished = [one for one in ended if one.status == "finished"]
    pairs = [
        ("Cases", str(len(folder.cases))),
        ("Finished", str(len(finished))),
        ("Failed", str(len(ended) - len(finished))),
        ("Still to do", str(len(folder.cases) - len(ended))),
        ("With an alarm", str(sum(one.count("alarm") > 0 for one in finished))),
        ("With a warning", str(sum(one.count("warning") > 0 for one in finished))),
    ]
    if finished:
        pairs.append(("Seconds for a case", f"{median(one.seconds for one in finished):.1f} (median)"))
    return (*pairs, ("All numbers", TABLE))


def _section(folder: CohortFolder, part: Sequence[Outcome], number: int, count: int) -> Section:
    caption = "Failed cases, then those with alarms, warnings and notes. A case leads to its report, if it has one."
    head = ("Case", "Picture", "What is to be heeded", "Lesions", "Seconds")
    title = "Cases, worst first" if count == 1 else f"Cases, worst first: part {number} of {count}"
    return Section(title, (Table(caption, head, tuple(_row(folder, one) for one in part)),))


def _row(folder: CohortFolder, one: Outcome) -> tuple[Cell, ...]:
    run = Path(CASES) / one.id
    report = run / "report.html"
    return (
        Cell(one.id, link=report.as_posix() if (folder.path / report).is_file() else ""),
        Cell("", picture=_picture(folder.path / run / THUMBNAIL, one.id)),
        Cell("\n".join(_sentences(one)) or "Nothing."),
        Cell(str(one.lesions) if one.status == "finished" else ""),
        Cell(f"{one.seconds:.1f}" if one.status == "finished" else ""),
    )


def _sentences(one: Outcome) -> list[str]:
    failure = [f"Failed ✖: {one.error} {one.hint}".rstrip()] if one.status == "failed" else []
    return failure + [f"{LEVELS[level][0]} {LEVELS[level][1]}: {sentence}" for level, sentence in one.told]


def _picture(file: Path, id: str) -> Picture | None:
    try:
        png = file.read_bytes()
        width, height = struct.unpack(">II", png[16:24])
    except (OSError, struct.error):
        return None
    alt = f"Axial slice through the middle of {id} with its structures in color. The patient's left is on the right."
    return Picture(png, (width, height), alt)


def _pages(names: Sequence[str], number: int) -> Section:
    rows = tuple(
        (
            Cell(f"Page {n}", link="" if n == number else name),
            Cell("this page" if n == number else f"cases {ON_A_PAGE * (n - 1) + 1} to {ON_A_PAGE * n} in this order"),
        )
        for n, name in enumerate(names, start=1)
    )
    return Section("Pages", (Table("The other pages.", ("Page", "Holds"), rows),))
