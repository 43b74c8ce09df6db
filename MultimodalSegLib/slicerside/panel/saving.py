"""Buttons of the section Results that write a result to files: DICOM SEG, and a case for training."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ...errors import MultimodalSegError
from .. import training_case
from ..dicom import dicom_seg
from ..packages import slicer
from ..text import _
from .choices import Node
from .widgets import tell


class SaveButtons:
    """Asks for a folder and says how it went.

    Args:
        ui: the form's widgets.
        shown: gives the segmentation that is shown, and its volumes, the reference first.
    """

    def __init__(self, ui: Any, shown: Callable[[], tuple[Node | None, list[Node]]]) -> None:
        self.ui, self._shown = ui, shown
        ui.exportButton.connect("clicked(bool)", lambda _checked: self.onExport())
        ui.trainingCaseButton.connect("clicked(bool)", lambda _checked: self.onTrainingCase())

    def onExport(self) -> None:
        """Save as DICOM segmentation, or say what is missing for it."""
        node, _volumes = self._shown()
        missing = dicom_seg.missing_for_export(node)
        if missing:
            tell(self.ui.resultMessage, " ".join([_("DICOM SEG cannot be written."), *missing]))
            return
        title, done = _("Folder for the DICOM files"), _("DICOM SEG was written to {place}.")
        self._save(title, lambda folder: dicom_seg.export(node, folder), done)

    def onTrainingCase(self) -> None:
        """Save volumes and segmentation as a case for fine-tuning."""
        node, volumes = self._shown()
        title, done = _("Folder of the training cases"), _("The case was saved in {place}.")
        self._save(title, lambda folder: training_case.save(node, volumes, folder), done)

    def _save(self, title: str, work: Callable[[Path], Any], done: str) -> None:
        """Ask for a folder, write there, and say how it went."""
        import qt

        folder = qt.QFileDialog.getExistingDirectory(slicer.util.mainWindow(), title)
        if not folder:
            return
        try:
            place = work(Path(folder))
        except MultimodalSegError as error:
            tell(self.ui.resultMessage, error.sentences)
        else:
            tell(self.ui.resultMessage, done.format(place=place))
