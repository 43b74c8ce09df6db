"""Segments of the scene as label maps, and the value that each of them has there."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...errors import InputError
from ...report.seg_nrrd import GROUP_TAG, SEGMENT_PREFIX
from ..packages import slicer
from .nodes import Node


def labels_from_segmentation(node: Node, reference_node: Node) -> np.ndarray:
    """The segments as one uint16 label map on the reference volume's grid; where they overlap the last one counts.

    Args:
        node: a segmentation; parent transforms of both nodes are taken into account.
        reference_node: volume that gives the grid, shape (k, j, i).

    Raises:
        InputError: two segments have the same value.
    """
    identifiers = list(node.GetSegmentation().GetSegmentIDs())
    values = [segment_value(node, identifier) for identifier in identifiers]
    if len(set(values)) != len(values):
        repeated = next(value for value in values if values.count(value) > 1)
        raise InputError(
            f"Two segments of {node.GetName()!r} have the label value {repeated}.",
            "Give each segment a label value of its own.",
        )
    lookup = np.array([0, *values], np.uint16)
    return lookup[numbered_segments(node, reference_node, identifiers)]


def numbered_segments(node: Node, reference_node: Node, identifiers: Sequence[str]) -> np.ndarray:
    """Segments as one label map on a volume's grid: (k, j, i) with numbers from 1 in the order asked for.

    Where segments overlap the last one counts.

    Raises:
        InputError: Slicer cannot export them.
    """
    exported = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "__temporary__")
    try:
        logic = slicer.modules.segmentations.logic()
        if not logic.ExportSegmentsToLabelmapNode(node, list(identifiers), exported, reference_node):
            raise InputError(f"The segmentation {node.GetName()!r} cannot be exported.", "Check that it has segments.")
        return np.array(slicer.util.arrayFromVolume(exported))
    finally:
        display = exported.GetDisplayNode()
        for leftover in (exported, display.GetColorNode() if display is not None else None, display):
            if leftover is not None and slicer.mrmlScene.IsNodePresent(leftover):
                slicer.mrmlScene.RemoveNode(leftover)


def segment_value(node: Node, identifier: str) -> int:
    """Value of a segment in a label map: that of its class, as the editor gives 1 to a segment that overlaps others."""
    segment = node.GetSegmentation().GetSegment(identifier)
    number = identifier.removeprefix(SEGMENT_PREFIX)
    return int(number) if number.isdigit() and segment.HasTag(GROUP_TAG) else int(segment.GetLabelValue())
