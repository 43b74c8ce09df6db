"""Section Cohort: many cases, one after the other, in processes of their own; the queue, a pause and the results."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ...errors import MultimodalSegError
from ..packages import slicer
from ..process.child import ChildRun, RunProgress
from ..run.cohort import CohortRequest, Queue
from ..run.estimate import duration
from ..setup import installation
from ..text import _
from .choices import AUTOMATIC_KINDS, Parameters
from .widgets import advance, tell

POLL_MS = 200
MOST_ROWS = 500
"""Cases that the queue shows; the index shows all."""
FIRST = ("running", "failed", "waiting", "finished")
"""States in the order in which the queue shows them."""


class CohortSection:
    """Starts the command ``batch``, follows it, and shows what it left.

    Args:
        ui: the form's widgets.
        options: what the section Settings adds to a run.
    """

    def __init__(self, ui: Any, options: Callable[[], dict[str, Any]]) -> None:
        import qt

        self.ui, self._options = ui, options
        self.parameters: Parameters | None = None
        self.child: ChildRun | None = None
        self.queue: Queue | None = None
        self.timer = qt.QTimer()
        self.timer.setInterval(POLL_MS)
        self.timer.connect("timeout()", self.onTimer)
        ui.cohortStartButton.connect("clicked(bool)", lambda _checked: self.onStart())
        ui.cohortPauseButton.connect("clicked(bool)", lambda _checked: self.onPause())
        ui.cohortCancelButton.connect("clicked(bool)", lambda _checked: self.cancel())
        ui.cohortOpenButton.connect("clicked(bool)", lambda _checked: self.onOpen())
        for edit in (ui.cohortCasesEdit, ui.cohortFolderEdit):
            edit.connect("currentPathChanged(QString)", lambda _path: self.update())
        ui.cohortTable.setColumnCount(4)
        ui.cohortTable.setHorizontalHeaderLabels([_("Case"), _("State"), _("Seconds"), _("To be heeded")])
        ui.cohortTable.verticalHeader().visible = False
        tell(ui.cohortMessage, "")
        self.update()

    @property
    def running(self) -> bool:
        """Whether a cohort is worked on."""
        return self.child is not None and self.child.running

    def setParameters(self, parameters: Parameters | None) -> None:
        """Use the model and the registration of these parameters from now on."""
        self.parameters = parameters
        self.update()

    def update(self) -> None:
        """Show what can be pressed now."""
        ui, reason = self.ui, self._problem()
        ui.cohortStartButton.enabled = not self.running and not reason
        usual = _("Work on every case that is not finished yet, with the model and the registration chosen above")
        ui.cohortStartButton.toolTip = reason or usual
        for name in ("cohortPauseButton", "cohortCancelButton", "cohortProgressBar", "cohortStageLabel"):
            getattr(ui, name).visible = self.running
        for name in ("cohortCasesEdit", "cohortFolderEdit", "cohortWorkersBox"):
            getattr(ui, name).enabled = not self.running
        paused = self.queue is not None and self.queue.paused
        ui.cohortPauseButton.text = _("Go on") if paused else _("Pause")
        ui.cohortTable.visible = self.queue is not None
        ui.cohortOpenButton.visible = self.queue is not None and self.queue.index.is_file()

    def onStart(self) -> None:
        """Begin, or go on with what is missing."""
        tell(self.ui.cohortMessage, "")
        try:
            installation.install_for_cohorts(_ask, show_progress=True)
            request = self.request()
            options = {name: value for name, value in self._options().items() if name != "keepFiles"}
            child = ChildRun(request.arguments(**options))
            child.progress.connect(self.onProgress)
            child.finished.connect(self.onFinished)
            child.failed.connect(lambda _kind, message, hint: self._end(f"{message}\n{hint}".strip()))
            child.cancelled.connect(lambda: self._end(_("Stopped. What was finished is kept; Start goes on.")))
            child.start()
        except MultimodalSegError as error:
            self._end(f"{error.message}\n{error.hint}".strip())
            return
        self.child, self.queue = child, Queue(request.out)
        self.queue.pause(False)
        self.ui.cohortTable.setRowCount(0)
        self.onProgress(RunProgress("batch", 0, 1, _("starting")))
        self.timer.start()
        self.update()

    def request(self) -> CohortRequest:
        """What is chosen now."""
        ui, parameters = self.ui, self.parameters
        kind = parameters.registration if parameters is not None else "rigid"
        boxes = {"uncertainty": ui.cohortUncertaintyBox, "explain": ui.cohortExplainBox, "report": ui.cohortReportBox}
        boxes["synthetic-detail"] = ui.cohortSyntheticBox
        return CohortRequest(
            Path(ui.cohortCasesEdit.currentPath.strip()),
            Path(ui.cohortFolderEdit.currentPath.strip()),
            ui.cohortWorkersBox.value,
            kind if kind in (*AUTOMATIC_KINDS, "none") else "rigid",
            (parameters.model if parameters is not None else "") or "default",
            tuple(name for name, box in boxes.items() if box.checked),
        )

    def onTimer(self) -> None:
        """Hear what has happened; a short call, a few times a second."""
        if self.child is None or not self.child.poll():
            self.timer.stop()
        if self.queue is not None and self.queue.changed():
            self._showQueue()

    def onProgress(self, event: RunProgress) -> None:
        """Show how many cases are done and how long the others take."""
        bar = self.ui.cohortProgressBar
        advance(bar, event.fraction)
        text = event.message
        if event.total > 1:
            text = _("{done:.0f} of {total:.0f} cases, {message}").format(
                done=event.done, total=event.total, message=event.message
            )
        if event.eta_s is not None and event.fraction < 1:
            text += " – " + _("{time} left").format(time=duration(event.eta_s))
        tell(self.ui.cohortStageLabel, text)

    def onPause(self) -> None:
        """Finish the running cases and begin no new one, or go on."""
        if self.queue is not None and self.running:
            self.queue.pause(not self.queue.paused)
            self.update()

    def cancel(self) -> None:
        """Stop at once; unfinished cases are taken up again by the next start."""
        if self.child is not None and self.running:
            self.child.cancel()

    def close(self) -> None:
        """The module is going away: end what runs before this returns."""
        if self.child is not None:
            self.child.cancel(wait_s=2.0)
        self.timer.stop()

    def onOpen(self) -> None:
        """Show the index in the browser."""
        import qt

        if self.queue is not None:
            qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(str(self.queue.index)))

    def onFinished(self, result: dict[str, Any]) -> None:
        """Every case has ended."""
        failed, count = len(result["failed"]), result["cases"]
        text = _("{done} of {count} cases finished after {time}.").format(
            done=count - failed, count=count, time=duration(result["seconds"])
        )
        if failed:
            text += " " + _("{count} failed; the table says why.").format(count=failed)
        self._end(text)

    def _problem(self) -> str:
        """Why nothing can be started; empty if it can."""
        if not self.ui.cohortCasesEdit.currentPath.strip():
            return _("Choose a table or a folder of cases.")
        if not self.ui.cohortFolderEdit.currentPath.strip():
            return _("Choose a folder for the results.")
        return ""

    def _end(self, text: str) -> None:
        self.timer.stop()
        if self.queue is not None and self.queue.changed():
            self._showQueue()
        tell(self.ui.cohortMessage, text)
        self.update()

    def _showQueue(self) -> None:
        import qt

        table, rows = self.ui.cohortTable, self.queue.rows if self.queue is not None else []
        names = {"running": _("running"), "failed": _("failed"), "waiting": _("waiting"), "finished": _("finished")}
        shown = sorted(rows, key=lambda row: FIRST.index(row["status"]) if row["status"] in FIRST else 0)[:MOST_ROWS]
        table.setRowCount(len(shown))
        for number, row in enumerate(shown):
            heed = row["error"] or row["flags"].replace(" | ", "\n")
            texts = (row["id"], names.get(row["status"], row["status"]), row["seconds"], heed)
            for column, text in enumerate(texts):
                item = qt.QTableWidgetItem(text or "")
                item.setToolTip(heed)
                table.setItem(number, column, item)
        table.resizeColumnsToContents()
        table.horizontalHeader().setStretchLastSection(True)
        self.update()


def _ask(text: str) -> bool:
    return bool(slicer.util.confirmOkCancelDisplay(text, _("Install packages")))
