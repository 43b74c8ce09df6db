"""Section Inputs: the volumes of one patient, what kind each is, and a region."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...images.case import MODALITIES
from ..packages import slicer
from ..scene.nodes import MODALITY_ATTRIBUTE
from ..scene.synthetic import is_synthetic
from ..text import _
from .choices import MOVING, Choices, Node, Parameters, modalitiesOf, preselection, problemOfInputs


class InputsSection:
    """Reference volume, up to three more with their modality, and the region of interest.

    Args:
        ui: the form's widgets.
        loadSample: loads the sample pair.
        changed: is called when a modality was corrected, which the parameters do not tell.
    """

    def __init__(self, ui: Any, loadSample: Callable[[], object], changed: Callable[[], None]) -> None:
        self.ui, self.loadSample, self.changed = ui, loadSample, changed
        self.parameters: Parameters | None = None
        self.modalityBoxes = [ui.referenceModality, *(getattr(ui, f"movingModality{n}") for n in MOVING)]
        for row, box in enumerate(self.modalityBoxes):
            for modality in MODALITIES:
                box.addItem(modality, modality)
            box.connect("activated(int)", lambda _index, row=row: self.onModalityCorrected(row))
        ui.sampleDataButton.connect("clicked(bool)", lambda _checked: self.onLoadSample())
        ui.syntheticDetailBox.connect("toggled(bool)", lambda _on: self.changed())
        ui.inputsMessage.visible = ui.syntheticDetailBox.visible = False

    def setParameters(self, parameters: Parameters | None) -> None:
        """Show these parameters from now on; propose volumes if none is chosen."""
        self.parameters = parameters
        self.preselect()

    def preselect(self) -> None:
        """Choose volumes of the scene if the user has chosen no reference yet."""
        if self.parameters is None or self.parameters.referenceVolume is not None:
            return
        reference, moving = preselection(self.candidates())
        if reference is None:
            return
        for number in MOVING:
            setattr(self.parameters, f"movingVolume{number}", moving[number - 1] if len(moving) >= number else None)
        self.parameters.referenceVolume = reference

    @staticmethod
    def candidates() -> list[Node]:
        """Volumes of the scene that may be scans: neither label maps nor results."""
        volumes = slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
        return [
            node
            for node in volumes
            if not node.IsA("vtkMRMLLabelMapVolumeNode")
            and not node.GetHideFromEditors()
            and node.GetImageData() is not None
            and node.GetAttribute("MultimodalSeg.Checksum") is None
        ]

    def rows(self) -> list[Node | None]:
        """The chosen volume of each row, the reference first."""
        if self.parameters is None:
            return [None] * (1 + len(MOVING))
        return [self.parameters.referenceVolume, *(getattr(self.parameters, f"movingVolume{n}") for n in MOVING)]

    def modalities(self) -> list[str]:
        """Modality of each row, empty where no volume is chosen."""
        rows = self.rows()
        found = iter(modalitiesOf([node for node in rows if node is not None]))
        return [next(found) if node is not None else "" for node in rows]

    def update(self, choices: Choices) -> None:
        """Show what is chosen."""
        rows, modalities = self.rows(), self.modalities()
        for row, (node, modality, box) in enumerate(zip(rows, modalities, self.modalityBoxes, strict=True)):
            box.enabled = node is not None
            box.setCurrentIndex(box.findData(modality) if modality else -1)
            if row:
                shown = row == 1 or node is not None or rows[row - 1] is not None
                for part in ("Label", "Selector", "Modality"):
                    getattr(self.ui, f"moving{part}{row}" if part != "Label" else f"moving{row}Label").visible = shown
        self._offerSyntheticDetail([node for node in rows if node is not None])
        empty = not self.candidates()
        self.ui.sampleDataButton.visible = empty
        message = _("Load the scans of a head, or the sample pair.") if empty else problemOfInputs(choices)
        self.ui.inputsMessage.text = message
        self.ui.inputsMessage.visible = bool(message)

    def syntheticDetail(self) -> bool:
        """Whether the user says that volumes with synthetic detail are to be used all the same."""
        return bool(self.ui.syntheticDetailBox.checked)

    def _offerSyntheticDetail(self, nodes: list[Node]) -> None:
        """Ask where it matters; the answer holds only as long as such a volume is chosen."""
        box, offered = self.ui.syntheticDetailBox, any(is_synthetic(node) for node in nodes)
        box.visible = offered
        if not offered:
            box.checked = False

    def onModalityCorrected(self, row: int) -> None:
        """The user says what kind of image a volume is; it is remembered with the volume."""
        node, box = self.rows()[row], self.modalityBoxes[row]
        if node is not None:
            node.SetAttribute(MODALITY_ATTRIBUTE, box.itemData(box.currentIndex))
            self.changed()

    def onLoadSample(self) -> None:
        """Load the sample pair and propose it."""
        with slicer.util.tryWithErrorDisplay(_("The sample pair could not be loaded."), waitCursor=True):
            self.loadSample()
        self.preselect()
        self.changed()
