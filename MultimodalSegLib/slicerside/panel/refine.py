"""Section Refine: correct the chosen structure, or add one, with points on it and beside it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ...errors import InputError, MultimodalSegError
from ..packages import slicer
from ..process.child import RunProgress
from ..process.lasting import ChildRequest, Lasting
from ..run.edited import edited_file
from ..run.kept import KeptRuns
from ..run.refining import Correction, Marks, Refining, listening, request_of
from ..scene.edits import SegmentEdits
from ..text import _
from .asking import END_S, Asking
from .choices import Node
from .widgets import chosen, fill, tell, timer

CHOSEN, NEW = "chosen", "new"
LISTEN_MS = 250


class RefineSection:
    """Asks for one correction at a time; pressed again it stops asking. Undo and redo need no asking.

    A process stays for the run that is corrected, and ends with the scene, the module, another run, or after minutes in
    which nothing is asked. What is undone or done again in the scene is handed to the run, so that its tables and
    reports tell the same.

    Args:
        ui: the form's widgets.
        kept: knows the run folder of each segmentation.
        options: what the section Settings adds to a run.
        measured: is told when the tables of a run are those of its corrected segmentation: segmentation and run folder.
    """

    def __init__(
        self,
        ui: Any,
        kept: KeptRuns,
        options: Callable[[], dict[str, Any]],
        measured: Callable[[Node, Path], None],
    ) -> None:
        self.ui, self._kept, self._options, self._measured = ui, kept, options, measured
        self._node: Node | None = None
        self._reference: Node | None = None
        self._about: Node | None = None  # the segmentation that is corrected now
        self._overwrite = False
        self._edits: dict[str, SegmentEdits] = {}
        self._child: Lasting | None = None
        self._handed: list[tuple[ChildRequest, Path]] = []  # requests on their way, and files made for them
        self._timer = timer(LISTEN_MS, self.onTimer)
        self._asking = Asking(self._progress, self._say)
        fill(ui.refineTargetBox, {CHOSEN: _("The chosen structure"), NEW: _("A new segment")})
        ui.refineTargetBox.connect("currentIndexChanged(int)", lambda _index: self.refresh())
        ui.refineButton.connect("clicked(bool)", lambda _checked: self.onRefine())
        ui.refineUndoButton.connect("clicked(bool)", lambda _checked: self.onStep(back=True))
        ui.refineRedoButton.connect("clicked(bool)", lambda _checked: self.onStep(back=False))
        ui.segmentsView.connect("selectionChanged(QItemSelection,QItemSelection)", lambda *_: self.refresh())
        self._say("")

    @property
    def running(self) -> bool:
        """Whether a correction is awaited."""
        return self._asking.running

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
        if self.running:
            self._asking.cancel()
            return
        folder, ui = self._kept.of(self._node), self.ui
        if folder is None or self._problem():
            return
        self._about, self._overwrite = self._node, bool(ui.refineOverwriteBox.checked)
        try:
            self._kept.claim(folder, self._asking)
            marks = Marks(*(selector.currentNode() for selector in self._selectors()))
            request = request_of(folder, self._node, self._reference, marks, identifier=self._identifier())
            self._asking.ask(Refining(request, self._listening(folder, self._node)), self._show)
            self._timer.start()
        except MultimodalSegError as error:
            self._say(error.sentences)
        else:
            self._say(_("Looking ..."))

    def onStep(self, *, back: bool) -> None:
        """Take the last change back, or do it again."""
        edits = self.edits
        tell(self.ui.refineMessage, "")
        if edits is not None:
            (edits.undo if back else edits.redo)()
            self._hand_over()
        self.refresh()

    def onTimer(self) -> None:
        """Hear what the process tells without being asked."""
        if self._child is None or not self._child.poll():
            self._timer.stop()

    def forReport(self) -> Path | None:
        """The segmentation for a report of its run, on which nothing works from now on.

        Raises:
            InputError: a correction is awaited, or Slicer cannot export the segmentation.
        """
        if self.running:
            raise InputError(_("A correction is still being computed."), _("Wait for it, or stop it."))
        self.rest()
        return self._edited()

    def _edited(self) -> Path | None:
        """The segmentation as the scene has it, as a file for the run; None without the volume it was made on."""
        if self._node is None or self._reference is None:
            return None
        return edited_file(self._node, self._reference, self.edits.corrected if self.edits is not None else ())

    def rest(self) -> None:
        """End the process, because another one is about to work on the run."""
        self._timer.stop()
        if self._child is not None:
            self._child.end(wait_s=END_S)
        self._child = None
        for _request, file in self._handed:
            file.unlink(missing_ok=True)
        self._handed.clear()

    def stop(self) -> None:
        """Stop asking at once: the scene is closing, or the module goes."""
        self._asking.stop()
        self.rest()
        self._edits.clear()

    def _listening(self, folder: Path, node: Node) -> Lasting:
        """The process for a run, which starts with the first request; that for another one ends."""
        wanted = listening(folder, str(self._options().get("device", "auto")))
        if self._child is None or self._child.arguments != wanted.arguments:
            self.rest()
            self._child = wanted
            wanted.heard.connect(lambda told: self._measured(node, folder) if told.get("measured") else None)
        return self._child

    def _hand_over(self) -> None:
        """Let the run have what the scene has."""
        folder = self._kept.of(self._node)
        if folder is None:
            return
        try:
            file = self._edited()
            if file is None:
                return
            request = self._listening(folder, self._node).request({"edited": str(file)})
            self._handed.append((request, file))
            request.finished.connect(lambda _told: self._handed_over())
            request.failed.connect(lambda _kind, message, hint: self._handed_over(f"{message} {hint}".strip()))
            request.start()
            self._timer.start()
        except MultimodalSegError as error:
            self._say(error.sentences)

    def _handed_over(self, problem: str = "") -> None:
        """The run has taken what it was handed first, or said why not."""
        _request, file = self._handed.pop(0)
        file.unlink(missing_ok=True)
        if problem:
            self._say(problem)

    def _selectors(self) -> tuple[Any, Any, Any]:
        return self.ui.refinePositiveSelector, self.ui.refineNegativeSelector, self.ui.refineBoxSelector

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
        self._say("\n".join(correction.sentences))

    def _say(self, text: str) -> None:
        tell(self.ui.refineMessage, text)
        self.refresh()
