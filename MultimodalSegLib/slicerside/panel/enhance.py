"""Section Enhance: a scan with thick slices beside one with synthetic detail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...errors import MultimodalSegError
from ..packages import slicer
from ..process.child import RunProgress
from ..run.enhancing import Detailed, Enhancing, Wanted
from ..scene.modality import guess_from_node
from ..scene.synthetic import is_synthetic, synthetic_node
from ..text import _
from .choices import Node
from .widgets import chosen, fill, tell

POLL_MS = 50


class EnhanceSection:
    """Asks for one volume at a time; pressed again it stops asking.

    Args:
        ui: the form's widgets.
        options: what the section Settings adds to a run.
    """

    def __init__(self, ui: Any, options: Callable[[], dict[str, Any]]) -> None:
        import qt

        self.ui, self._options = ui, options
        self._question: Enhancing | None = None
        self._about: Node | None = None
        self._timer = qt.QTimer()
        self._timer.setInterval(POLL_MS)
        self._timer.connect("timeout()", self.onTimer)
        ui.enhanceButton.connect("clicked(bool)", lambda _checked: self.onEnhance())
        ui.enhanceSelector.connect("currentNodeChanged(vtkMRMLNode*)", lambda _node: self.refresh())
        fill(ui.enhanceModalityBox, {"": _("Automatic"), "CT": "CT", "MR": "MRI"})
        ui.enhanceModalityBox.connect("currentIndexChanged(int)", lambda _index: self.refresh())
        self._end("")

    @property
    def running(self) -> bool:
        """Whether a volume is awaited."""
        return self._question is not None

    def refresh(self) -> None:
        """Show what can be done now, and why not."""
        problem, button = self._problem(), self.ui.enhanceButton
        self.ui.enhanceDenoiseBox.visible = self._is_ct()
        button.text = _("Stop") if self.running else _("Enhance")
        button.enabled = self.running or not problem
        button.toolTip = problem or _("Make a volume with likely detail beside the scan; the scan stays as it is")

    def onEnhance(self) -> None:
        """Ask, or stop asking."""
        if self._question is not None:
            self._question.cancel()
            return
        node = self.ui.enhanceSelector.currentNode()
        if self._problem():
            return
        try:
            question = Enhancing(node, self.wanted(), str(self._options().get("device", "auto")))
            question.progress.connect(self._progress)
            question.finished.connect(self._show)
            question.failed.connect(lambda _kind, message, hint: self._end(f"{message} {hint}".strip()))
            question.cancelled.connect(lambda: self._end(""))
            question.start()
        except MultimodalSegError as error:
            self._end(f"{error.message} {error.hint}".strip())
            return
        self._question, self._about = question, node
        tell(self.ui.enhanceMessage, _("Enhancing ..."))
        self._timer.start()
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

    def wanted(self) -> Wanted:
        """What is chosen now."""
        denoise = self._is_ct() and bool(self.ui.enhanceDenoiseBox.checked)
        return Wanted(chosen(self.ui.enhanceModalityBox), int(self.ui.enhanceSamplesBox.value), denoise)

    def _is_ct(self) -> bool:
        """Whether the scan is a CT, as chosen or guessed: nothing else can be cleaned."""
        node = self.ui.enhanceSelector.currentNode()
        return node is not None and (chosen(self.ui.enhanceModalityBox) or guess_from_node(node)) == "CT"

    def _problem(self) -> str:
        """Why nothing can be done now; empty if it can."""
        node = self.ui.enhanceSelector.currentNode()
        if node is None:
            return _("Choose a volume.")
        if is_synthetic(node):
            return _("The detail of this volume is synthetic already.")
        return ""

    def _progress(self, event: RunProgress) -> None:
        tell(self.ui.enhanceMessage, _("Enhancing: {percent:.0f} %").format(percent=100 * event.fraction))

    def _show(self, found: Detailed) -> None:
        """Put the volumes into the scene, if the scan is still there."""
        node = self._about
        if node is not None and found.volume is not None and slicer.mrmlScene.IsNodePresent(node):
            about = _("not measured, not for measurement")
            synthetic_node(found.volume, node, about)
            if found.uncertainty is not None:
                synthetic_node(found.uncertainty, node, about, _("uncertainty"))
        self._end("\n".join(found.sentences))

    def _end(self, text: str) -> None:
        self._timer.stop()
        self._question = None
        tell(self.ui.enhanceMessage, text)
        self.refresh()
