"""The button "How sure?": intervals of the volumes, quality flags and maps of doubt, from a child process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..packages import slicer
from ..process.child import RunProgress
from ..run.doubting import Doubt, Doubting
from ..run.kept import KeptRuns
from ..text import _
from .asking import Asking
from .choices import Node
from .result_button import ResultButton, Texts
from .widgets import advance, tell


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
        self._about: Node | None = None  # the segmentation that the question is about
        self._asking = Asking(self._progress, self._say)
        texts = Texts(
            ask=_("How sure?"),
            usual=_("Ask the network about slightly changed volumes: an interval for each volume, and maps of doubt"),
            stop=_("Stop asking"),
            gone=_("The files of this result are not there anymore: segment again to ask how sure it is."),
        )
        self._button = ResultButton(ui.sureButton, kept, self._asking, texts, self._ask, self._say)
        self._say("")

    @property
    def running(self) -> bool:
        """Whether a question is on."""
        return self._asking.running

    def update(self, node: Node | None) -> None:
        """Ask about this segmentation from now on; a question that is on goes on."""
        if node is not self._button.node and not self.running:
            tell(self.ui.sureMessage, "")
        self._button.update(node)

    def stop(self) -> None:
        """Stop asking at once: the scene is closing, or the module goes."""
        self._asking.stop()

    def _ask(self, node: Node, folder: Path) -> None:
        self._about = node
        options = {name: value for name, value in self._options().items() if name != "keepFiles"}
        self._kept.claim(folder, self._asking)
        self._asking.ask(Doubting(folder, **options), self._show)
        self._progress(RunProgress("uncertainty", 0, 1, _("starting")))
        self._button.update(node)

    def _progress(self, event: RunProgress) -> None:
        self.ui.sureProgressBar.visible = True
        advance(self.ui.sureProgressBar, event.fraction)
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
        self._button.update(self._button.node)
