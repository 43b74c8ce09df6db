"""Section Run: Apply and Cancel, how far the run is, how it ended, and the question about a doubtful alignment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...notice import RESEARCH_USE
from ..process.child import RunProgress
from ..run.estimate import duration
from ..text import _
from .alignment import AlignmentButtons, ComparedPair
from .choices import Choices
from .flow import DoubtfulAlignment, Flow
from .widgets import advance, copy, tell, timer

POLL_MS = 50
TELLING = ("read", "register", "segment")
"""Stages whose messages say more than their names."""


class RunSection:
    """Starts a run, follows it and says how it ended.

    Args:
        ui: the form's widgets.
        logic: the library's logic.
        options: what the section Settings adds to a run.
        finished: is called with the result of a run that has finished.
        started: is called when a run has started or ended.
    """

    def __init__(
        self,
        ui: Any,
        logic: Any,
        options: Callable[[], dict[str, Any]],
        finished: Callable[[Any], None],
        started: Callable[[], None],
    ) -> None:
        self.ui, self.logic = ui, logic
        self.options, self.onFinishedRun, self.onStateChanged = options, finished, started
        self.choices = Choices()
        self.flow: Flow | None = None
        self._shownLog = ""
        self.timer = timer(POLL_MS, self.onTimer)
        ui.applyButton.connect("clicked(bool)", lambda _checked: self.onApply())
        ui.cancelButton.connect("clicked(bool)", lambda _checked: self.cancel())
        ui.continueButton.connect("clicked(bool)", lambda _checked: self.onGoOn())
        ui.startFromButton.connect("clicked(bool)", lambda _checked: self.onAlignAgain())
        ui.goBackButton.connect("clicked(bool)", lambda _checked: self.cancel())
        ui.copyLogButton.connect("clicked(bool)", lambda _checked: copy(self.ui.logText.plainText))
        ui.logGroup.connect("toggled(bool)", lambda _open: self._showLog())
        self.look = AlignmentButtons(ui.gateBlinkButton, ui.gateCheckerboardButton, self._subject)
        self._idle()
        tell(ui.messageLabel, "")

    @property
    def running(self) -> bool:
        """Whether a run is on, a question included."""
        return self.flow is not None and self.flow.running

    def update(self, choices: Choices, problem: str) -> None:
        """Show whether Apply can be pressed, and why not."""
        self.choices = choices
        reason = _("A run is on.") if self.running else problem
        usual = _("Align the volumes and segment them. You can go on working meanwhile.")
        self.ui.applyButton.enabled = not reason
        self.ui.applyButton.toolTip = reason or usual
        tell(self.ui.reasonLabel, "" if self.running else problem)

    def onApply(self) -> None:
        """Start a run with what is chosen now."""
        if self.running:
            return
        tell(self.ui.messageLabel, "")
        self.ui.logText.plainText = self._shownLog = ""
        flow = Flow(self.logic, self.choices, self.options())
        self.flow = flow
        flow.progress.connect(self.onProgress)
        flow.question.connect(self.onQuestion)
        flow.finished.connect(self.onFinished)
        flow.failed.connect(self.onFailed)
        flow.cancelled.connect(self.onCancelled)
        self._busy(True)
        self.onProgress(RunProgress("prepare", 0, 1))
        self.timer.start()
        flow.start()
        self.onStateChanged()

    def onTimer(self) -> None:
        """Hear what has happened; a short call, many times a second."""
        if self.flow is None or not self.flow.poll():
            self.timer.stop()
        if not self.ui.logGroup.collapsed:
            self._showLog()

    def cancel(self) -> None:
        """Stop the run, whatever it is doing."""
        if self.flow is not None and self.flow.running:
            tell(self.ui.stageLabel, _("Stopping…"))
            self.ui.cancelButton.enabled = False
            self.flow.cancel()

    def onProgress(self, event: RunProgress) -> None:
        """Show the stage and how long it still takes."""
        bar = self.ui.progressBar
        advance(bar, event.fraction)
        text = stageName(event.stage)
        if event.message and event.stage in TELLING:
            text += f": {event.message}"
        if event.eta_s is not None and event.fraction < 1:
            text += " – " + _("{time} left").format(time=duration(event.eta_s))
        tell(self.ui.stageLabel, text)

    def onQuestion(self, question: DoubtfulAlignment) -> None:
        """Ask whether a doubtful alignment may be used."""
        self.ui.gateLabel.text = "\n".join(question.verdict.sentences)
        self.ui.gateFrame.visible = True
        self.ui.runCollapsibleButton.collapsed = False
        self.ui.progressBar.visible = False
        tell(self.ui.stageLabel, _("Waiting for your answer."))
        self.look.overlay()
        self.ui.goBackButton.setFocus()

    def onGoOn(self) -> None:
        """Use the alignment although it looks wrong."""
        self._answered(keepTransform=False)
        if self.flow is not None:
            self.flow.goOn()

    def onAlignAgain(self) -> None:
        """Look for the alignment again, starting from the transform as it is now."""
        self._answered(keepTransform=True)
        if self.flow is not None:
            self.flow.alignAgain()

    def onFinished(self, result: Any) -> None:
        """Show the result."""
        flow = self.flow
        notes = [*(flow.notes if flow is not None else ()), *result.warnings]
        notes = [note for note in notes if note != RESEARCH_USE]  # the panel says so anyway
        self._idle()
        done = _("Finished.")
        if flow is not None:
            done = _("Finished after {time}.").format(time=duration(flow.seconds))
        tell(self.ui.messageLabel, "\n".join([done, *dict.fromkeys(notes)]))
        self.onFinishedRun(result)
        self.onStateChanged()

    def onFailed(self, kind: str, message: str, hint: str) -> None:
        """Say what went wrong and what can be done."""
        self._idle()
        tell(self.ui.messageLabel, "\n".join(text for text in (message, hint) if text))
        self._showLog()
        self.onStateChanged()

    def onCancelled(self) -> None:
        """The run was stopped."""
        self._idle()
        tell(self.ui.messageLabel, _("Stopped. Nothing was added to the scene but transforms that were found."))
        self.onStateChanged()

    def _subject(self) -> ComparedPair | None:
        """What is to be looked at while a question is open."""
        question = self.flow.pending if self.flow is not None else None
        if question is None:
            return None
        modalities = (self.flow.choices.referenceModality, question.modality) if self.flow is not None else ("", "")
        return ComparedPair(self.choices.reference, question.moving, question.transform, modalities, question.board)

    def _answered(self, *, keepTransform: bool) -> None:
        self.look.stop(keepTransform=keepTransform)
        self.ui.gateFrame.visible = False
        self._busy(True)

    def _busy(self, busy: bool) -> None:
        self.ui.cancelButton.enabled = busy
        self.ui.progressBar.visible = busy
        self.ui.stageLabel.visible = busy

    def _idle(self) -> None:
        self.look.stop()
        self.ui.gateFrame.visible = False
        self._busy(False)
        self._showLog()

    def _showLog(self) -> None:
        text = self.flow.log if self.flow is not None else ""
        if text != self._shownLog:
            self._shownLog = text
            self.ui.logText.plainText = text
            bar = self.ui.logText.verticalScrollBar()
            bar.value = bar.maximum


def stageName(stage: str) -> str:
    """What a stage is called in the panel."""
    names = {
        "prepare": _("Preparing"),
        "start": _("Starting"),
        "read": _("Reading"),
        "register": _("Aligning"),
        "check": _("Checking the alignment"),
        "segment": _("Segmenting"),
        "measure": _("Measuring"),
        "load": _("Loading the result"),
    }
    return names.get(stage, stage)
