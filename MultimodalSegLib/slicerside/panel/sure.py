"""The button "How sure?": intervals of the volumes, quality flags and maps of doubt, from a child process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...errors import MultimodalSegError
from ..packages import slicer
from ..process.child import RunProgress
from ..run.doubting import Doubt, Doubting
from ..run.kept import KeptRuns
from ..text import _
from .asking import Asking
from .choices import Node
from .widgets import tell


class SureControl:
    """Asks how sure the result is that is shown, once at a time; pressed again it stops asking.

    Args:
        ui: the form's widgets.
        kept: the run folders of the results.
        options: what the section Settings adds to a run.
        answered: is called with the segmentation and what was found.
    """

    def __init__(
        self, ui: Any, kept: KeptRuns, options: Callable[[], dict[str, Any]], answered: Callable[[Node, Doubt], None]
    ) -> None:
        self.ui, self._kept, self._options, self._answered = ui, kept, options, answered
        self._node: Node | None = None
        self._about: Node | None = None  # the segmentation that the question is about
        self._asking = Asking(self._progress, self._say)
        ui.sureButton.connect("clicked(bool)", lambda _checked: self.onSure())
        self._say("")

    @property
    def running(self) -> bool:
        """Whether a question is on."""
        return self._asking.running

    def update(self, node: Node | None) -> None:
        """Ask about this segmentation from now on; a question that is on goes on."""
        if node is not self._node and not self.running:
            tell(self.ui.sureMessage, "")
        self._node = node
        button, there = self.ui.sureButton, self._kept.of(node) is not None
        button.visible = node is not None
        button.enabled = self.running or there
        button.text = _("Stop") if self.running else _("How sure?")
        usual = _("Ask the network about slightly changed volumes: an interval for each volume, and maps of doubt")
        gone = _("The files of this result are not there anymore: segment again to ask how sure it is.")
        button.toolTip = _("Stop asking") if self.running else usual if there else gone

    def onSure(self) -> None:
        """Ask, or stop asking."""
        folder = self._kept.of(self._node)
        if self.running:
            self._asking.cancel()
        elif folder is not None:
            self._about = self._node
            options = {name: value for name, value in self._options().items() if name != "keepFiles"}
            try:
                self._kept.claim(folder, self._asking)
                self._asking.ask(Doubting(folder, **options), self._show)
                self._progress(RunProgress("uncertainty", 0, 1, _("starting")))
                self.update(self._node)
            except MultimodalSegError as error:
                self._say(error.sentences)

    def stop(self) -> None:
        """Stop asking at once: the scene is closing, or the module goes."""
        self._asking.stop()

    def _progress(self, event: RunProgress) -> None:
        bar = self.ui.sureProgressBar
        bar.visible = True
        bar.maximum = 100 if event.fraction > 0 else 0
        bar.value = round(100 * event.fraction)
        tell(self.ui.sureMessage, event.message)

    def _show(self, doubt: Doubt) -> None:
        """Show what was found, if the segmentation is still there."""
        self._say("\n".join(doubt.sentences))
        if self._about is not None and slicer.mrmlScene.IsNodePresent(self._about):
            self._answered(self._about, doubt)

    def _say(self, text: str) -> None:
        """Nothing is asked now: say what came of it."""
        self.ui.sureProgressBar.visible = False
        tell(self.ui.sureMessage, text)
        self.update(self._node)
