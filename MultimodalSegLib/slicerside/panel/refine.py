"""Section Refine: correct the chosen structure, or add one, with points on it and beside it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...errors import MultimodalSegError
from ..packages import slicer
from ..process.child import RunProgress
from ..run.kept import KeptRuns
from ..run.refining import Correction, Refining, request_of
from ..scene.edits import SegmentEdits
from ..text import _
from .choices import Node
from .widgets import chosen, fill, tell

POLL_MS = 50
CHOSEN, NEW = "chosen", "new"


class RefineSection:
    """Asks for one correction at a time; pressed again it stops asking. Undo and redo need no asking.

    Args:
        ui: the form's widgets.
        kept: knows the run folder of each segmentation.
        options: what the section Settings adds to a run.
    """

    def __init__(self, ui: Any, kept: KeptRuns, options: Callable[[], dict[str, Any]]) -> None:
        import qt

        self.ui, self._kept, self._options = ui, kept, options
        self._node: Node | None = None
        self._reference: Node | None = None
        self._about: Node | None = None  # the segmentation that is corrected now
        self._overwrite = False
        self._question: Refining | None = None
        self._edits: dict[str, SegmentEdits] = {}
        self._timer = qt.QTimer()
        self._timer.setInterval(POLL_MS)
        self._timer.connect("timeout()", self.onTimer)
        fill(ui.refineTargetBox, {CHOSEN: _("The chosen structure"), NEW: _("A new segment")})
        ui.refineTargetBox.connect("currentIndexChanged(int)", lambda _index: self.refresh())
        ui.refineButton.connect("clicked(bool)", lambda _checked: self.onRefine())
        ui.refineUndoButton.connect("clicked(bool)", lambda _checked: self.onStep(back=True))
        ui.refineRedoButton.connect("clicked(bool)", lambda _checked: self.onStep(back=False))
        ui.segmentsView.connect("selectionChanged(QItemSelection,QItemSelection)", lambda *_: self.refresh())
        self._end("")

    @property
    def running(self) -> bool:
        """Whether a correction is awaited."""
        return self._question is not None

    @property
    def edits(self) -> SegmentEdits | None:
        """The changes of the segmentation that is shown."""
        return self._edits.get(self._node.GetID()) if self._node is not None else None

    def update(self, node: Node | None, reference: Node | None) -> None:
        """Correct this segmentation from now on."""
        if node is not self._node and not self.running:
            tell(self.ui.refineMessage, "")
        self._node, self._reference = node, reference
        self.refresh()

    def refresh(self) -> None:
        """Show what can be done now, and why not."""
        problem, ui = self._problem(), self.ui
        ui.refineButton.text = _("Stop") if self.running else _("Refine")
        ui.refineButton.enabled = self.running or not problem
        usual = _("Find the whole object that the points mean; the answer replaces the segment, and can be undone")
        ui.refineButton.toolTip = problem or usual
        edits = self.edits
        ui.refineUndoButton.enabled = not self.running and edits is not None and edits.canUndo
        ui.refineRedoButton.enabled = not self.running and edits is not None and edits.canRedo

    def onRefine(self) -> None:
        """Ask, or stop asking."""
        if self._question is not None:
            self._question.cancel()
            return
        folder, ui = self._kept.of(self._node), self.ui
        if folder is None or self._problem():
            return
        self._about, self._overwrite = self._node, bool(ui.refineOverwriteBox.checked)
        try:
            request = request_of(
                folder,
                self._node,
                self._reference,
                (ui.refinePositiveSelector.currentNode(), ui.refineNegativeSelector.currentNode()),
                identifier=self._identifier(),
                allowOverwrite=self._overwrite,
            )
            question = Refining(request, str(self._options().get("device", "auto")))
            question.progress.connect(self._progress)
            question.finished.connect(self._show)
            question.failed.connect(lambda _kind, message, hint: self._end(f"{message} {hint}".strip()))
            question.cancelled.connect(lambda: self._end(""))
            question.start()
        except MultimodalSegError as error:
            self._end(f"{error.message} {error.hint}".strip())
            return
        self._question = question
        tell(ui.refineMessage, _("Looking ..."))
        self._timer.start()
        self.refresh()

    def onStep(self, *, back: bool) -> None:
        """Take the last change back, or do it again."""
        edits = self.edits
        if edits is not None:
            (edits.undo if back else edits.redo)()
        tell(self.ui.refineMessage, "")
        self.refresh()

    def onTimer(self) -> None:
        """Hear what has happened; a short call, many times a second."""
        if self._question is not None:
            self._question.poll()

    def stop(self) -> None:
        """Stop asking at once: the scene is closing, or the module goes."""
        if self._question is not None:
            self._question.cancel(waitSeconds=2.0)
            self._end("")
        self._edits.clear()

    def _identifier(self) -> str:
        """The segment to correct, empty for a new one."""
        if chosen(self.ui.refineTargetBox) == NEW or self._node is None:
            return ""
        return "".join(list(self.ui.segmentsView.selectedSegmentIDs())[:1])

    def _problem(self) -> str:
        """Why nothing can be corrected now; empty if it can."""
        if self._node is None:
            return _("There is no result to correct.")
        if self._kept.of(self._node) is None:
            return _("The files of this result are not there anymore: segment again to correct it.")
        if chosen(self.ui.refineTargetBox) != NEW and not self._identifier():
            return _("Choose one of the structures in the list of the results, or a new segment.")
        return ""

    def _progress(self, event: RunProgress) -> None:
        tell(self.ui.refineMessage, event.message or _("Looking ..."))

    def _show(self, correction: Correction) -> None:
        """Put the object into the segmentation, if that is still there."""
        node = self._about
        if node is not None and slicer.mrmlScene.IsNodePresent(node):
            edits = self._edits.setdefault(node.GetID(), SegmentEdits(node))
            edits.put(correction.entry, correction.mask, allowOverwrite=self._overwrite)
        self._end("\n".join(correction.sentences))

    def _end(self, text: str) -> None:
        self._timer.stop()
        self._question = None
        tell(self.ui.refineMessage, text)
        self.refresh()
