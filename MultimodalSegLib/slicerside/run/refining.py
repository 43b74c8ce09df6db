"""A segment corrected by a click model: asked of a child process that stays, answered with the object's mask."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import InputError
from ...images.io import read_labels, write_volume
from ...images.volume import Volume
from ...models.classes import SegmentClass
from ...refinement.prompts import MOST_STROKE_POINTS
from ...report.seg_nrrd import classes_in_file
from ...run_folder import RunFolder
from ..packages import slicer
from ..process.lasting import Lasting
from ..process.question import Question
from ..scene.nodes import LPS_TO_RAS, Node, volume_from_node
from ..scene.segments import segment_value
from ..text import _

START = "start.nrrd"


@dataclass(frozen=True)
class Request:
    """What is said about an object.

    Args:
        folder: the run folder.
        positive: (P, 3) points on it, LPS mm.
        negative: (N, 3) points beside it.
        segment: name of a segment of the run; empty for a new one.
        new: name of a segment to add.
        box: (2, 3) corners of a box around it, LPS mm, or None.
        start: mask that the object has now; None for that of the run.
    """

    folder: Path
    positive: np.ndarray
    negative: np.ndarray
    segment: str = ""
    new: str = ""
    box: np.ndarray | None = None
    start: Volume | None = None

    def content(self, startFile: Path | None) -> dict[str, Any]:
        """The request as the child takes it.

        A run folder has one label a voxel, so that where segments of the scene overlap the corrected one counts there.
        """
        return {
            "positive": self.positive.tolist(),
            "negative": self.negative.tolist(),
            "box": None if self.box is None else self.box.tolist(),
            "segment": self.segment,
            "new": self.new,
            "start": str(startFile) if startFile is not None else None,
            "allow_overwrite": True,
        }


@dataclass(frozen=True)
class Marks:
    """Markups nodes in which a person marks an object; each may be None.

    Args:
        on: points, a curve or a line on it.
        beside: likewise beside it.
        around: region of interest around it.
    """

    on: Node | None = None
    beside: Node | None = None
    around: Node | None = None


@dataclass(frozen=True)
class Correction:
    """What came back.

    Args:
        entry: class of the segment.
        mask: bool, the whole object.
        sentences: what to tell the user.
    """

    entry: SegmentClass
    mask: Volume
    sentences: tuple[str, ...] = field(default_factory=tuple)


def listening(folder: Path, device: str = "auto", *, python: str | None = None) -> Lasting:
    """The process that answers requests about a run; it starts with the first.

    Args:
        folder: the run folder.
        device: where it computes.
        python: see :class:`~MultimodalSegLib.slicerside.process.child.ChildRun`.
    """
    return Lasting(["refine", str(folder), "--listen", "--device", device], python=python)


class Refining(Question):
    """One correction; it is answered with a :class:`Correction`.

    Args:
        request: what is said.
        child: the process of :func:`listening`.
    """

    def __init__(self, request: Request, child: Lasting) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="MultimodalSeg-refine-")
        file = None
        if request.start is not None:
            file = Path(self._folder.name) / START
            write_volume(request.start, file, compression=0)
        super().__init__(child=child.request(request.content(file)))

    def tidy(self) -> None:
        self._folder.cleanup()

    def loaded(self, told: Mapping[str, Any]) -> Correction:
        mask = read_labels(told["mask"])
        red, green, blue = (int(part) for part in told["color"])
        entry = SegmentClass(str(told["segment"]), int(told["value"]), (red, green, blue), str(told["terminology"]), "")
        text = _("{name}: {added:.2f} ml added, {removed:.2f} ml removed.").format(
            name=entry.name, added=told["added_ml"], removed=told["removed_ml"]
        )
        return Correction(entry, mask.with_array(mask.array > 0), (text, *map(str, told["warnings"])))


def request_of(
    folder: Path,
    node: Node,
    reference: Node | None,
    marks: Marks,
    *,
    identifier: str = "",
) -> Request:
    """Read from the scene what is said.

    Args:
        folder: the run folder of the segmentation.
        node: the segmentation.
        reference: volume on whose grid the run is.
        marks: what was marked in the views.
        identifier: the segment to correct; empty for a new one.

    Raises:
        InputError: nothing is marked, or a segment that the run does not have.
    """
    positive, negative, box = points_of(marks.on), points_of(marks.beside), box_of(marks.around)
    if not len(positive) and not len(negative) and box is None:
        raise InputError(_("No point is set."), _("Place points on the object or beside it, or a box around it."))
    grid = volume_from_node(reference) if reference is not None else None
    if not identifier:
        names = {node.GetSegmentation().GetNthSegment(n).GetName() for n in range(count(node))}
        number = next(n for n in range(1, len(names) + 2) if f"{_('Refined')} {n}" not in names)
        start = None if grid is None else grid.with_array(np.zeros(grid.grid.shape, bool))
        return Request(folder, positive, negative, "", f"{_('Refined')} {number}", box, start)
    value = segment_value(node, identifier)
    names_of = {entry.value: entry.name for entry in classes_in_file(RunFolder.open(folder).segmentation)}
    if value not in names_of:
        raise InputError(_("The run does not have this structure."), _("Choose another one, or a new segment."))
    start = None
    if grid is not None:
        start = grid.with_array(slicer.util.arrayFromSegmentBinaryLabelmap(node, identifier, reference) > 0)
    return Request(folder, positive, negative, names_of[value], "", box, start)


def points_of(markups: Node | None) -> np.ndarray:
    """Points that were placed, in world coordinates: (n, 3) LPS mm; of a curve or line those along it.

    One that still hangs on the mouse, or that is yet to be placed, does not count.
    """
    if markups is None or not markups.GetNumberOfDefinedControlPoints():
        return np.zeros((0, 3))
    if markups.IsA("vtkMRMLMarkupsCurveNode") or markups.IsA("vtkMRMLMarkupsLineNode"):
        along = markups.GetCurvePointsWorld()
        places = [along.GetPoint(n) for n in range(along.GetNumberOfPoints())] if along is not None else []
        places = places[:: max(1, -(-len(places) // MOST_STROKE_POINTS))]
    else:
        placed = [n for n in range(markups.GetNumberOfControlPoints()) if is_placed(markups, n)]
        places = [markups.GetNthControlPointPositionWorld(n) for n in placed]
    ras: np.ndarray = np.array([list(place) for place in places], float).reshape(-1, 3)
    return ras @ LPS_TO_RAS[:3, :3]


def is_placed(markups: Node, number: int) -> bool:
    """Whether a control point has a place."""
    return bool(markups.GetNthControlPointPositionStatus(number) == markups.PositionDefined)


def box_of(region: Node | None) -> np.ndarray | None:
    """The box around a region of interest, along the axes of the patient: (2, 3) LPS mm; None if there is none."""
    if region is None or not region.GetNumberOfDefinedControlPoints():
        return None
    bounds = [0.0] * 6
    region.GetRASBounds(bounds)
    corners: np.ndarray = np.array(bounds).reshape(3, 2).T @ LPS_TO_RAS[:3, :3]
    return np.sort(corners, axis=0)


def count(node: Node) -> int:
    """Number of segments."""
    return int(node.GetSegmentation().GetNumberOfSegments())
