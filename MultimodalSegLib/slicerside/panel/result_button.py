"""A button that asks a child process about the result that is shown; pressed again it stops asking."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import MultimodalSegError
from ..run.kept import KeptRuns
from ..text import _
from .asking import Asking
from .choices import Node


@dataclass(frozen=True)
class Texts:
    """What a button says.

    Args:
        ask: on it, as long as nothing is asked.
        usual: tooltip that says what it does.
        stop: tooltip while something is asked.
        gone: tooltip where the run folder of the result is not there anymore.
    """

    ask: str
    usual: str
    stop: str
    gone: str


class ResultButton:
    """One question at a time about the run folder of the segmentation that is shown.

    Args:
        button: the widget.
        kept: the run folders of the results.
        asking: follows the questions.
        texts: what the button says.
        ask: asks about a segmentation and its run folder; what it raises is told.
        say: tells a sentence.
    """

    def __init__(
        self,
        button: Any,
        kept: KeptRuns,
        asking: Asking,
        texts: Texts,
        ask: Callable[[Node, Path], None],
        say: Callable[[str], None],
    ) -> None:
        self.button, self._kept, self._asking, self._texts = button, kept, asking, texts
        self._ask, self._say = ask, say
        self.node: Node | None = None
        button.connect("clicked(bool)", lambda _checked: self.onPressed())

    def update(self, node: Node | None) -> None:
        """Offer to ask about this segmentation from now on; a question that is on goes on."""
        self.node = node
        running, there, texts = self._asking.running, self._kept.of(node) is not None, self._texts
        self.button.visible = node is not None
        self.button.enabled = running or there
        self.button.text = _("Stop") if running else texts.ask
        self.button.toolTip = texts.stop if running else texts.usual if there else texts.gone

    def onPressed(self) -> None:
        """Ask, or stop asking."""
        folder = self._kept.of(self.node)
        if self._asking.running:
            self._asking.cancel()
        elif folder is not None:
            try:
                self._ask(self.node, folder)
            except MultimodalSegError as error:
                self._say(error.sentences)
