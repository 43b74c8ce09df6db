"""The button "Why?": what spoke for the structure that is chosen in the list, and which modality decided."""

from __future__ import annotations

import csv
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from ...errors import MultimodalSegError
from ..packages import slicer
from ..process.child import RunProgress
from ..run.explaining import Answer, Explaining, Subject, load_answer
from ..run.kept import KeptRuns
from ..scene.segments import segment_value
from ..text import _
from .asking import Asking
from .choices import Node
from .widgets import advance, chosen, fill, tell

MOST_LESIONS = 50
ALL = "0"


class WhyControl:
    """Asks about the chosen segment, one question at a time; pressed again it stops asking.

    Args:
        ui: the form's widgets.
        options: what the section Settings adds to a run.
        answered: is called with the segmentation and what was found.
    """

    def __init__(
        self, ui: Any, options: Callable[[], dict[str, Any]], answered: Callable[[Node, Answer], None]
    ) -> None:
        self.ui, self.kept = ui, KeptRuns()
        self._options, self._answered = options, answered
        self.before: Callable[[], None] = lambda: None
        """Is called before a question, so that nothing else works on the run."""
        self._node: Node | None = None
        self._reference: Node | None = None
        self._about: Node | None = None  # the segmentation that the question is about
        self._asking = Asking(self._progress, self._say)
        ui.whyButton.connect("clicked(bool)", lambda _checked: self.onWhy())
        ui.segmentsView.connect("selectionChanged(QItemSelection,QItemSelection)", lambda *_: self.onSelected())
        self._say("")

    @property
    def running(self) -> bool:
        """Whether a question is on."""
        return self._asking.running

    def update(self, node: Node | None, reference: Node | None) -> None:
        """Ask about this segmentation from now on; a question that is on goes on."""
        if node is not self._node and not self.running:
            tell(self.ui.whyMessage, "")
        self._node, self._reference = node, reference
        self.onSelected()

    def onSelected(self) -> None:
        """Another segment was chosen: show whether it can be asked about, and why not."""
        _subject, problem = self.subject()
        button = self.ui.whyButton
        button.visible = self._node is not None
        button.text = _("Stop") if self.running else _("Why?")
        button.enabled = self.running or not problem
        usual = _("Show what in the volumes spoke for the chosen structure, and which of them decided")
        button.toolTip = _("Stop asking") if self.running else problem or usual
        count = 0 if problem and not self.running else self._lesions()
        entries = {ALL: _("All of it")} | {str(n): _("Lesion {n}").format(n=n) for n in range(1, count + 1)}
        box = self.ui.whyLesionBox
        if [box.itemData(n) for n in range(box.count)] != list(entries):
            fill(box, entries)
        box.visible, box.enabled = count > 1, not self.running

    def subject(self) -> tuple[Subject | None, str]:
        """What would be asked about now, or why nothing can be."""
        folder = self.kept.of(self._node)
        if folder is None:
            return None, _("The files of this result are not there anymore: segment again to ask why.")
        row = self._row(folder)
        if not row:
            return None, _("Choose one of the structures that were found.")
        count = self._lesions()
        lesion = int(chosen(self.ui.whyLesionBox) or ALL) if count > 1 else 0
        return Subject(folder, row["name"], min(lesion, count)), ""

    def onWhy(self) -> None:
        """Ask, show what is known already, or stop asking."""
        if self.running:
            self._asking.cancel()
            return
        subject, _problem = self.subject()
        if subject is None:
            return
        tell(self.ui.whyMessage, "")
        self._about = self._node
        try:
            if subject.known:
                self._show(load_answer(subject, self._reference))
            else:
                self._ask(subject)
        except MultimodalSegError as error:
            self._say(error.sentences)

    def stop(self) -> None:
        """Stop asking at once, and forget the run folders: the scene is closing, or the module goes."""
        self._asking.stop()
        self.kept.clear()

    def _ask(self, subject: Subject) -> None:
        self.before()
        options = {name: value for name, value in self._options().items() if name != "keepFiles"}
        self.kept.claim(subject.folder, self._asking)
        self._asking.ask(Explaining(subject, self._reference, options), self._show)
        self._progress(RunProgress("explain", 0, 1, _("starting")))
        self.onSelected()

    def _progress(self, event: RunProgress) -> None:
        bar = self.ui.whyProgressBar
        bar.visible = True
        advance(bar, event.fraction)
        tell(self.ui.whyMessage, event.message)

    def _show(self, answer: Answer) -> None:
        """Show what was found, if the segmentation is still there."""
        self._say("\n".join(answer.sentences))
        if self._about is not None and slicer.mrmlScene.IsNodePresent(self._about):
            self._answered(self._about, answer)

    def _say(self, text: str) -> None:
        """Nothing is asked now: say what came of it."""
        self.ui.whyProgressBar.visible = False
        tell(self.ui.whyMessage, text)
        self.onSelected()

    def _row(self, folder: Path) -> dict[str, str]:
        """What the run measured of the chosen segment; empty for one that it has not made."""
        identifiers = list(self.ui.segmentsView.selectedSegmentIDs()) if self._node is not None else []
        if len(identifiers) != 1:
            return {}
        value = str(segment_value(self._node, identifiers[0]))
        with suppress(OSError, KeyError):
            with (folder / "measurements.csv").open(newline="", encoding="utf-8") as file:
                rows = list(csv.DictReader(file))
            return next((row for row in rows if row["value"] == value), {})
        return {}

    def _lesions(self) -> int:
        """How many single lesions of the chosen segment can be asked about; 0 for a structure."""
        folder = self.kept.of(self._node)
        count = (self._row(folder).get("components") or "0") if folder is not None else "0"
        return min(int(count), MOST_LESIONS) if count.isdigit() else 0
