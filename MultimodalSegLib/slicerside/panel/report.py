"""The button "Report": written in a child process, put where the user wants it, and opened."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ...errors import MultimodalSegError
from ..packages import slicer
from ..process.child import ChildRun, RunProgress
from ..run.kept import KeptRuns
from ..text import _
from .choices import Node
from .widgets import tell

POLL_MS = 50
FILES = ("report.html", "report.pdf")


class ReportControl:
    """Writes the report of the result that is shown, one at a time; pressed again it stops.

    Args:
        ui: the form's widgets.
        kept: the run folders of the results.
        install: installs the packages that a report needs, after asking; raises if they are not there afterwards.
    """

    def __init__(self, ui: Any, kept: KeptRuns, install: Callable[[], None]) -> None:
        import qt

        self.ui, self._kept, self._install = ui, kept, install
        self._node: Node | None = None
        self._child: ChildRun | None = None
        self._timer = qt.QTimer()
        self._timer.setInterval(POLL_MS)
        self._timer.connect("timeout()", self.onTimer)
        ui.reportButton.connect("clicked(bool)", lambda _checked: self.onReport())
        self.update(None)

    @property
    def running(self) -> bool:
        """Whether a report is being written."""
        return self._child is not None

    def update(self, node: Node | None) -> None:
        """Offer the report of this segmentation from now on; one that is being written goes on."""
        self._node = node
        button, there = self.ui.reportButton, self._kept.of(node) is not None
        button.visible = node is not None
        button.enabled = self.running or there
        button.text = _("Stop") if self.running else _("Report\N{HORIZONTAL ELLIPSIS}")
        usual = _("Write what was found as a page for the browser and as PDF, without the patient's name")
        gone = _("The files of this result are not there anymore: segment again for a report.")
        button.toolTip = _("Stop writing") if self.running else usual if there else gone

    def onReport(self) -> None:
        """Ask for packages and a folder, then write; or stop writing."""
        import qt

        folder = self._kept.of(self._node)
        if self._child is not None:
            self._child.cancel()
        elif folder is not None:
            try:
                self._install()
                title = _("Folder for the report")
                place = qt.QFileDialog.getExistingDirectory(slicer.util.mainWindow(), title)
                if place:
                    self._start(folder, Path(place))
            except MultimodalSegError as error:
                self._end(f"{error.message} {error.hint}".strip())

    def onTimer(self) -> None:
        """Hear what has happened; a short call, many times a second."""
        if self._child is not None:
            self._child.poll()

    def stop(self) -> None:
        """Stop writing at once: the scene is closing, or the module goes."""
        if self._child is not None:
            self._child.cancel(wait_s=2.0)
            self._end("")

    def _start(self, folder: Path, place: Path) -> None:
        child = ChildRun(["report", str(folder), "--pdf"])
        child.progress.connect(self._progress)
        child.finished.connect(lambda _told: self._written(folder, place))
        child.failed.connect(lambda _kind, message, hint: self._end(f"{message} {hint}".strip()))
        child.cancelled.connect(lambda: self._end(""))
        child.start()
        self._child = child
        self._timer.start()
        tell(self.ui.resultMessage, _("Writing the report\N{HORIZONTAL ELLIPSIS}"))
        self.update(self._node)

    def _progress(self, event: RunProgress) -> None:
        text = _("Writing the report: {percent:.0f} % {what}")
        tell(self.ui.resultMessage, text.format(percent=100 * event.fraction, what=event.message).strip())

    def _written(self, folder: Path, place: Path) -> None:
        """Copy the files to where they are wanted, and open the page."""
        import qt

        try:
            page, *_others = copied(folder, place)
        except OSError as error:
            reason = error.strerror or str(error)
            self._end(_("The report cannot be written to {place}: {reason}.").format(place=place, reason=reason))
            return
        self._end(_("The report is in {place}.").format(place=page))
        qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(str(page)))

    def _end(self, text: str) -> None:
        self._timer.stop()
        self._child = None
        tell(self.ui.resultMessage, text)
        self.update(self._node)


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
