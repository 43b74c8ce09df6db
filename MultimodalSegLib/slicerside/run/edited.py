"""The segmentation as the scene has it now, as a file for its run; and the run's tables brought back into the scene."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ...images.volume import Volume
from ...inference.segmentation import Segmentation
from ...models.classes import SegmentClass
from ...report.seg_nrrd import GROUP_TAG, write_segmentation
from ..packages import slicer, vtk
from ..scene.nodes import Node, volume_from_node
from ..scene.scene_changes import remove_with_displays
from ..scene.segments import numbered_segments
from ..scene.tables import table_from_csv

TABLE_ATTRIBUTE = "MultimodalSeg.TableFile"
"""Attribute of a table node: the file of the run folder that it was read from."""


def edited_file(node: Node, reference: Node, corrected: Sequence[str] = ()) -> Path:
    """Write the segments of a segmentation as a temporary file, for whoever reads it to remove.

    Args:
        node: the segmentation, edited or not.
        reference: volume on whose grid the run is.
        corrected: identifiers of segments that count where segments overlap, the last one most.

    Raises:
        InputError: Slicer cannot export them.
        OutputError: the file cannot be written.
    """
    segmentation = node.GetSegmentation()
    every = list(segmentation.GetSegmentIDs())
    last = [one for one in dict.fromkeys(reversed(corrected)) if one in every][::-1]
    order = [one for one in every if one not in last] + last
    grid = volume_from_node(reference).grid
    array = numbered_segments(node, reference, order) if order else np.zeros(grid.shape)
    classes = tuple(_described(segmentation.GetSegment(one), number) for number, one in enumerate(order, start=1))
    with tempfile.NamedTemporaryFile(prefix="MultimodalSeg-edited-", suffix=".seg.nrrd", delete=False) as file:
        path = Path(file.name)
    write_segmentation(Segmentation(Volume(array.astype(np.uint16), grid), classes), path)
    return path


def refresh_tables(tables: Sequence[Node], folder: Path) -> None:
    """Read tables of a run into their nodes again; a table that the run no longer has goes.

    Args:
        tables: table nodes of a result; those that are of no file stay as they are.
        folder: the run folder.
    """
    for node in tables:
        name = node.GetAttribute(TABLE_ATTRIBUTE)
        if not name:
            continue
        if (folder / name).is_file():
            new = table_from_csv(folder / name, "__temporary__")
            node.SetAndObserveTable(new.GetTable())
            slicer.mrmlScene.RemoveNode(new)
        else:
            remove_with_displays(node)


def _described(segment: Node, number: int) -> SegmentClass:
    """What the scene says of a segment; runs know it by its name."""
    red, green, blue = (round(255 * part) for part in segment.GetColor())
    group = vtk.reference("")
    segment.GetTag(GROUP_TAG, group)
    return SegmentClass(segment.GetName(), number, (red, green, blue), segment.GetTerminology() or "", str(group))
