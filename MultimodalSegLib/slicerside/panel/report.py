"""The button "Report": written in a child process, put where the user wants it, and opened."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..packages import slicer
from ..process.child import RunProgress
from ..run.kept import KeptRuns
from ..run.reporting import Reporting
from ..text import _
from .asking import Asking
from .choices import Node
from .result_button import ResultButton, Texts
from .widgets import tell


class ReportControl:
    """Writes the report of the result that is shown, one at a time; pressed again it stops.

    Args:
        ui: the form's widgets.
        kept: the run folders of the results.
        install: installs the packages that a report needs, after asking; raises if they are not there afterwards.
        measured: is told when the run's tables may have been made anew: segmentation and run folder.
    """

    def __init__(
        self, ui: Any, kept: KeptRuns, install: Callable[[], None], measured: Callable[[Node, Path], None]
    ) -> None:
        self.ui, self._kept, self._install, self._measured = ui, kept, install, measured
        self.edited: Callable[[], Path | None] = lambda: None
        """Gives the segmentation as the scene has it; nothing else works on the run then."""
        self._asking = Asking(self._progress, self._say)
        texts = Texts(
            ask=_("Report\N{HORIZONTAL ELLIPSIS}"),
            usual=_("Write what was found as a page for the browser and as PDF, without the patient's name"),
            stop=_("Stop writing"),
            gone=_("The files of this result are not there anymore: segment again for a report."),
        )
        self._button = ResultButton(ui.reportButton, kept, self._asking, texts, self._ask, self._say)
        self.update(None)

    @property
    def running(self) -> bool:
        """Whether a report is being written."""
        return self._asking.running

    def update(self, node: Node | None) -> None:
        """Offer the report of this segmentation from now on; one that is being written goes on."""
        self._button.update(node)

    def stop(self) -> None:
        """Stop writing at once: the scene is closing, or the module goes."""
        self._asking.stop()

    def _ask(self, node: Node, folder: Path) -> None:
        """Ask for packages and a folder, then write."""
        import qt

        self._install()
        place = qt.QFileDialog.getExistingDirectory(slicer.util.mainWindow(), _("Folder for the report"))
        if place:
            self._kept.claim(folder, self._asking)
            report = Reporting(folder, Path(place), self.edited())
            report.finished.connect(lambda _page: self._measured(node, folder))
            self._asking.ask(report, self._written)
            self._say(_("Writing the report\N{HORIZONTAL ELLIPSIS}"))

    def _progress(self, event: RunProgress) -> None:
        text = _("Writing the report: {percent:.0f} % {what}")
        tell(self.ui.resultMessage, text.format(percent=100 * event.fraction, what=event.message).strip())

    def _written(self, page: Path) -> None:
        """Say where it is, and open it."""
        import qt

        self._say(_("The report is in {place}.").format(place=page))
        qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(str(page)))

    def _say(self, text: str) -> None:
        tell(self.ui.resultMessage, text)
        self.update(self._button.node)
