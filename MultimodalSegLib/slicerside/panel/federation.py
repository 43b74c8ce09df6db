"""Section Federated training: what it is, the document about it, and its model; nothing is trained from here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...resources import document
from ..text import _
from .widgets import tell

DOCUMENT = "federated.md"
WIDTH, HEIGHT = 900, 800
"""Of the window with the document, pixels."""


class FederationSection:
    """Explains, shows the document, and loads the model that a federation has led to.

    Args:
        ui: the form's widgets.
        load: asks for a model's folder, adds it to the user's models and tells in a sentence how that went; empty if
            no folder was chosen.
    """

    def __init__(self, ui: Any, load: Callable[[], str]) -> None:
        self.ui, self._load = ui, load
        self.window: Any = None
        ui.federationDocumentButton.connect("clicked(bool)", lambda _checked: self.onDocument())
        ui.federationLoadButton.connect("clicked(bool)", lambda _checked: self.onLoad())
        tell(ui.federationMessage, "")

    def onDocument(self) -> None:
        """Show the document in a window of its own; links in it open in the browser."""
        import qt

        if self.window is None:
            self.window = qt.QTextBrowser()
            self.window.openExternalLinks = True
            self.window.windowTitle = _("Federated training")
            self.window.markdown = document(DOCUMENT).read_text(encoding="utf-8")
            self.window.resize(WIDTH, HEIGHT)
        self.window.show()
        self.window.activateWindow()

    def onLoad(self) -> None:
        """Load the model from its folder, and say here how that went."""
        tell(self.ui.federationMessage, self._load())

    def close(self) -> None:
        """The module is going away: close the window too."""
        if self.window is not None:
            self.window.close()
            self.window = None
