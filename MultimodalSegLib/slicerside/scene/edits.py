"""A corrected segment put into a segmentation of the scene, with undo and redo."""

from __future__ import annotations

import numpy as np

from ...images.volume import Volume
from ...models.classes import SegmentClass
from ...report.seg_nrrd import GROUP_TAG, segment_id
from ..packages import slicer
from .nodes import LPS_TO_RAS, Node


class SegmentEdits:
    """Changes of single segments of one segmentation; each can be undone and done again.

    Neighbors keep their voxels, because segments of the scene may overlap, unless they are told to give way.

    Args:
        node: a vtkMRMLSegmentationNode.

    Example:
        >>> edits = SegmentEdits(node)                         # doctest: +SKIP
        >>> edits.put(entry, mask); edits.undo()               # doctest: +SKIP
    """

    def __init__(self, node: Node) -> None:
        self.node = node
        self.corrected: list[str] = []  # identifiers, in the order of the changes
        self._history = slicer.vtkSegmentationHistory()
        self._history.SetSegmentation(node.GetSegmentation())

    @property
    def canUndo(self) -> bool:
        """Whether there is a change to take back."""
        return bool(self._history.IsRestorePreviousStateAvailable())

    @property
    def canRedo(self) -> bool:
        """Whether there is a change that was taken back."""
        return bool(self._history.IsRestoreNextStateAvailable())

    def put(self, entry: SegmentClass, mask: Volume, *, allowOverwrite: bool = False) -> str:
        """Make a segment what a mask says; it is added if the segmentation lacks it.

        Args:
            entry: its class.
            mask: bool, the whole object, on the grid of the reference volume.
            allowOverwrite: take what other segments have there.

        Returns:
            The segment's identifier.
        """
        modes = slicer.vtkSlicerSegmentationsModuleLogic
        self._history.SaveState()
        segmentation, identifier = self.node.GetSegmentation(), segment_id(entry)
        if segmentation.GetSegment(identifier) is None:
            self._add(entry, identifier)
        if allowOverwrite:
            for other in segmentation.GetSegmentIDs():
                if other != identifier:
                    self._set(other, mask.with_array(~mask.array), modes.MODE_MERGE_MIN)
        self._set(identifier, mask, modes.MODE_REPLACE)
        segmentation.GetSegment(identifier).SetTag("DICOM.SegmentAlgorithmType", "SEMIAUTOMATIC")
        self.corrected.append(identifier)
        return identifier

    def undo(self) -> bool:
        """Take the last change back; False if there is none."""
        return bool(self._history.RestorePreviousState())

    def redo(self) -> bool:
        """Do again what was taken back last; False if there is nothing."""
        return bool(self._history.RestoreNextState())

    def _add(self, entry: SegmentClass, identifier: str) -> None:
        segment = slicer.vtkSegment()
        segment.SetName(entry.name)
        segment.SetColor(*(component / 255 for component in entry.color))
        segment.SetTag(GROUP_TAG, entry.group)
        segment.SetTerminology(entry.terminology)
        self.node.GetSegmentation().AddSegment(segment, identifier)

    def _set(self, identifier: str, mask: Volume, mode: int) -> None:
        image = _image(mask)
        slicer.vtkSlicerSegmentationsModuleLogic.SetBinaryLabelmapToSegment(image, self.node, identifier, mode)


def _image(mask: Volume) -> Node:
    from vtk.util.numpy_support import numpy_to_vtk

    image = slicer.vtkOrientedImageData()
    image.SetDimensions(mask.grid.size)
    scalars = numpy_to_vtk(np.ascontiguousarray(mask.array, np.uint8).ravel(), deep=True)
    scalars.SetName("mask")
    image.GetPointData().SetScalars(scalars)
    image.SetGeometryFromImageToWorldMatrix(slicer.util.vtkMatrixFromArray(LPS_TO_RAS @ mask.grid.affine))
    return image
