"""The report of a run: written by a child process, and copied to where the user wants it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...errors import OutputError
from ...images.synthetic import choice_for_run
from ..process.question import Question
from ..text import _

FILES = ("report.html", "report.pdf")


class Reporting(Question):
    """One report; it is answered with the path of the page.

    Args:
        folder: the run folder.
        place: folder to copy the report to.
        edited: the segmentation as the scene has it, taken into the run first; it is removed afterwards.
        python: see :class:`~MultimodalSegLib.slicerside.process.question.Question`.
    """

    def __init__(self, folder: Path, place: Path, edited: Path | None = None, *, python: str | None = None) -> None:
        more = [] if edited is None else ["--edited", str(edited)]
        super().__init__(["report", str(folder), "--pdf", *more, *choice_for_run(folder)], python=python)
        self._folder, self._place, self._edited = folder, place, edited

    def tidy(self) -> None:
        if self._edited is not None:
            self._edited.unlink(missing_ok=True)

    def loaded(self, told: Mapping[str, Any]) -> Path:
        try:
            return copied(self._folder, self._place)[0]
        except OSError as error:
            text = _("The report cannot be written to {place}: {reason}.")
            raise OutputError(text.format(place=self._place, reason=error.strerror or str(error))) from error


def copied(folder: Path, place: Path) -> list[Path]:
    """Copy a report out of a run folder, under names that are free; an earlier report stays.

    Args:
        folder: the run folder.
        place: the folder to copy to.

    Returns:
        The copies, the page first.

    Raises:
        OSError: they cannot be written.
    """
    number = 1
    while any((place / _numbered(name, number)).exists() for name in FILES):
        number += 1
    return [Path(shutil.copyfile(folder / name, place / _numbered(name, number))) for name in FILES]


def _numbered(name: str, number: int) -> str:
    stem, _dot, ending = name.partition(".")
    return name if number == 1 else f"{stem} {number}.{ending}"
