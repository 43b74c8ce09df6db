"""Section Results: structures, how well the volumes fit, tables, and what can be done with the result."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..dicom import dicom_seg
from ..packages import slicer
from ..registration.quality_gate import error_sentences
from ..run.doubting import Doubt
from ..run.edited import refresh_tables
from ..run.explaining import Answer
from ..run.maps import MAP_ATTRIBUTE
from ..scene.nodes import MODALITY_ATTRIBUTE
from ..scene.scene_changes import remove_with_displays
from ..scene.tables import fill_table
from ..text import _
from .alignment import AlignmentButtons, ComparedPair
from .choices import Node, Parameters
from .late_maps import LateMaps
from .maps import MapControl
from .report import ReportControl
from .saving import SaveButtons
from .sure import SureControl
from .table import TableControl
from .why import WhyControl
from .widgets import chosen, fill, tell

TABLES_ATTRIBUTE = "MultimodalSeg.ResultTable"
"""Node reference from a segmentation to its tables."""
KIND_ATTRIBUTE = "MultimodalSeg.TableKind"
"""Attribute of a table of a result, such as ``measurements``."""
MAPS_REFERENCE = "MultimodalSeg.ResultMap"
"""Node reference from a segmentation to its probability and other maps."""
VOLUMES_REFERENCE = "MultimodalSeg.ResultVolume"
"""Node reference from a segmentation to the moving volumes that it was made from."""

CONTRIBUTIONS = "MultimodalSeg.Contributions"
"""Attribute of the table that says what each modality contributed."""


class ResultsSection:
    """Shows one result: the segmentation chosen in this section and what belongs to it in the scene.

    Args:
        ui: the form's widgets.
        logic: the library's logic, which makes surfaces.
        options: what the section Settings adds to a run.
        install: installs what a report needs.
    """

    def __init__(self, ui: Any, logic: Any, options: Callable[[], dict[str, Any]], install: Callable[[], None]) -> None:
        self.ui, self.logic = ui, logic
        self.parameters: Parameters | None = None
        self._shown: object = "nothing yet"
        self._late: Node | None = None  # a result that came while the module was not open
        self.look = AlignmentButtons(ui.blinkButton, ui.checkerboardButton, self.subject)
        self.table, self.maps = TableControl(ui), MapControl(ui, logic)
        self.why = WhyControl(ui, options, self.onAnswered)
        self.report = ReportControl(ui, self.why.kept, install, self.onMeasured)
        self.sure = SureControl(ui, self.why.kept, options, self.onDoubted)
        self.saving = SaveButtons(ui, lambda: (self.node, [self.reference, *self.moving()]))
        self.late = LateMaps(self.why.kept, self.update)
        ui.editButton.connect("clicked(bool)", lambda _checked: self.onEdit())
        ui.show3DButton.connect("clicked(bool)", self.onShow3D)
        ui.checkBox.connect("currentIndexChanged(int)", lambda _index: self.look.stop())
        self.update()

    def setParameters(self, parameters: Parameters | None) -> None:
        """Show these parameters from now on."""
        self.look.stop()
        self.parameters = parameters
        if parameters is not None and self._late is not None:
            late, self._late = self._late, None
            if slicer.mrmlScene.IsNodePresent(late):
                parameters.resultSegmentation = late
        self.update()

    @property
    def node(self) -> Node | None:
        """The segmentation that is shown, None if there is none."""
        return self.parameters.resultSegmentation if self.parameters is not None else None

    @property
    def reference(self) -> Node | None:
        """The volume on whose grid the segmentation is."""
        return dicom_seg.reference_volume(self.node) if self.node is not None else None

    def take(self, result: Any, moving: dict[str, Node], *, keepFiles: bool = False) -> None:
        """Show a result that has just come; its tables and volumes are remembered with the segmentation.

        Args:
            result: what the run left in the scene.
            moving: the other volumes that it was made from, by modality.
            keepFiles: the run folder stays when the result is no longer in the scene.
        """
        node = result.segmentationNode
        if result.runFolder is not None:
            self.why.kept.keep(node, result.runFolder, remove=not keepFiles)
        node.RemoveNodeReferenceIDs(TABLES_ATTRIBUTE)
        node.RemoveNodeReferenceIDs(MAPS_REFERENCE)
        node.RemoveNodeReferenceIDs(VOLUMES_REFERENCE)
        for kind, table in result.tableNodes.items():
            table.SetAttribute(KIND_ATTRIBUTE, kind)
            node.AddNodeReferenceID(TABLES_ATTRIBUTE, table.GetID())
        for volume in result.volumeNodes.values():
            node.AddNodeReferenceID(MAPS_REFERENCE, volume.GetID())
        for modality, volume in moving.items():
            volume.SetAttribute(MODALITY_ATTRIBUTE, modality)
            node.AddNodeReferenceID(VOLUMES_REFERENCE, volume.GetID())
        reference = dicom_seg.reference_volume(node)
        if reference is not None:  # what was guessed for the run is known from now on
            reference.SetAttribute(MODALITY_ATTRIBUTE, result.record["reference"])
        if self.parameters is not None:
            self.parameters.resultSegmentation = node
        else:
            self._late = node
        self.ui.resultsCollapsibleButton.collapsed = False
        presence = result.lesionPresence
        score = _("Lesion score: {value:.2f} (0 to 1; higher means more suspicious, it is not a probability).")
        text = "" if presence is None else score.format(value=presence)
        self.update()
        tell(self.ui.resultMessage, " ".join(filter(None, (text, *error_sentences(result.record)))))

    def update(self) -> None:
        """Show what is chosen."""
        node = self.node
        for name in ("segmentsView", "editButton", "show3DButton", "exportButton", "trainingCaseButton"):
            getattr(self.ui, name).visible = node is not None
        self.ui.trainingCaseButton.enabled = self.reference is not None
        key = (node.GetID(), tuple(table.GetID() for table in self.tables())) if node is not None else None
        if key != self._shown:
            self._shown = key
            tell(self.ui.resultMessage, "")
            self.ui.segmentsView.setSegmentationNode(node)
            self.table.offer(self.tables(), self.reference.GetName() if self.reference is not None else "")
        moved = {volume.GetID(): volume.GetName() for volume in self.moving()}
        if [self.ui.checkBox.itemData(n) for n in range(self.ui.checkBox.count)] != list(moved):
            fill(self.ui.checkBox, moved)
        for name in ("checkLabel", "checkBox", "blinkButton", "checkerboardButton"):
            getattr(self.ui, name).visible = bool(moved)
        self.why.update(node, self.reference)
        self.report.update(node)
        self.sure.update(node)
        maps = self._currentMaps(node) if node is not None else []
        self.late.watch(node, maps)
        if self.parameters is not None:  # a map stays while another module is open
            self.maps.update(self.reference, maps)
        self.ui.show3DButton.checked = node is not None and _has_surfaces(node)
        reason = dicom_seg.missing_for_export(node) if node is not None else []
        tip = _("Save the segmentation as a DICOM segmentation object")
        self.ui.exportButton.toolTip = tip if not reason else tip + ". " + " ".join(reason)

    def _currentMaps(self, node: Node) -> list[Node]:
        """The maps of a result, with those that were made since."""
        for volume in self.late.load(node, self.reference, _references(node, MAPS_REFERENCE)):
            node.AddNodeReferenceID(MAPS_REFERENCE, volume.GetID())
        return _references(node, MAPS_REFERENCE)

    def onAnswered(self, node: Node, answer: Answer) -> None:
        """Show why a structure was found: the map over the reference, and the table of contributions."""
        known = {volume.GetAttribute(MAP_ATTRIBUTE): volume for volume in _references(node, MAPS_REFERENCE)}
        old = [known[file] for file in answer.mapNodes if file in known]
        if answer.tableNode is not None:
            old += [table for table in _references(node, TABLES_ATTRIBUTE) if table.GetAttribute(CONTRIBUTIONS)]
            answer.tableNode.SetAttribute(CONTRIBUTIONS, "yes")
            node.AddNodeReferenceID(TABLES_ATTRIBUTE, answer.tableNode.GetID())
        for volume in answer.mapNodes.values():
            node.AddNodeReferenceID(MAPS_REFERENCE, volume.GetID())
        for before in old:
            remove_with_displays(before)
        self.update()
        if node is self.node:
            self.maps.choose(next(iter(answer.mapNodes.values())))

    def onDoubted(self, node: Node, doubt: Doubt) -> None:
        """Show intervals in the table of structures, and offer the maps of doubt."""
        for table in _references(node, TABLES_ATTRIBUTE):
            if table.GetAttribute(KIND_ATTRIBUTE) == "measurements":
                fill_table(table, doubt.measurements)
        self.update()
        if node is self.node:
            self.table.show()

    def onMeasured(self, node: Node, folder: Path) -> None:
        """The run of a result was measured again: its tables are read anew."""
        if slicer.mrmlScene.IsNodePresent(node):
            refresh_tables(_references(node, TABLES_ATTRIBUTE), folder)
            self.update()
            self.table.show()

    def close(self) -> None:
        """The scene is closing, or the module goes: stop what runs."""
        self.look.stop()
        self.late.watch(None, ())
        self.report.stop()
        self.sure.stop()
        self.why.stop()

    def moving(self) -> list[Node]:
        """The volumes that can be compared with the reference."""
        if self.node is None or self.reference is None:
            return []
        return _references(self.node, VOLUMES_REFERENCE)

    def tables(self) -> list[Node]:
        """The tables of the result."""
        return _references(self.node, TABLES_ATTRIBUTE) if self.node is not None else []

    def subject(self) -> ComparedPair | None:
        """The alignment to look at."""
        moving, reference = slicer.mrmlScene.GetNodeByID(chosen(self.ui.checkBox)), self.reference
        if moving is None or reference is None:
            return None
        modalities = tuple(node.GetAttribute(MODALITY_ATTRIBUTE) or "" for node in (reference, moving))
        return ComparedPair(reference, moving, moving.GetParentTransformNode(), (modalities[0], modalities[1]))

    def onEdit(self) -> None:
        """Correct the segmentation in the Segment Editor, over the right volume."""
        node, reference = self.node, self.reference
        slicer.util.selectModule("SegmentEditor")
        editor = slicer.modules.SegmentEditorWidget.editor
        editor.setSegmentationNode(node)
        if reference is not None:
            editor.setSourceVolumeNode(reference)

    def onShow3D(self, on: bool) -> None:
        """Make the surfaces and show them, or hide them."""
        if self.node is None:
            return
        with slicer.util.tryWithErrorDisplay(_("The surfaces could not be made."), waitCursor=True):
            self.logic.showSurfaces(self.node, on)


def _references(node: Node, role: str) -> list[Node]:
    found = (node.GetNthNodeReference(role, number) for number in range(node.GetNumberOfNodeReferences(role)))
    return [entry for entry in found if entry is not None]


def _has_surfaces(node: Node) -> bool:
    name = slicer.vtkSegmentationConverter.GetSegmentationClosedSurfaceRepresentationName()
    return bool(node.GetSegmentation().ContainsRepresentation(name)) and bool(
        node.GetDisplayNode() and node.GetDisplayNode().GetVisibility3D()
    )
