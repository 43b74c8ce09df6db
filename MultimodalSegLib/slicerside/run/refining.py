"""A segment corrected by a click model: asked in a child process, answered with the object's mask."""

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
from ...report.seg_nrrd import classes_in_file
from ...run_folder import RunFolder
from ..packages import slicer
from ..process.question import Question
from ..scene.nodes import LPS_TO_RAS, Node, segment_value, volume_from_node
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
        allowOverwrite: take voxels from other segments.
        start: mask that the object has now; None for that of the run.
    """

    folder: Path
    positive: np.ndarray
    negative: np.ndarray
    segment: str = ""
    new: str = ""
    allowOverwrite: bool = False
    start: Volume | None = None

    def arguments(self, startFile: Path | None, device: str = "auto") -> list[str]:
        """The command line, without the interpreter and ``--events``."""
        asked = ["refine", str(self.folder), "--device", device]
        for option, points in (("--points", self.positive), ("--negative", self.negative)):
            for point in points:
                asked += [option, ",".join(f"{value:.3f}" for value in point)]
        asked += ["--segment", self.segment] if self.segment else ["--new", self.new]
        asked += ["--start", str(startFile)] if startFile is not None else []
        return asked + (["--allow-overwrite"] if self.allowOverwrite else [])


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


class Refining(Question):
    """One correction; it is answered with a :class:`Correction`.

    Args:
        request: what is said.
        device: where the child computes.
        python: see :class:`~MultimodalSegLib.slicerside.process.question.Question`.
    """

    def __init__(self, request: Request, device: str = "auto", *, python: str | None = None) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="MultimodalSeg-refine-")
        file = None
        if request.start is not None:
            file = Path(self._folder.name) / START
            write_volume(request.start, file)
        super().__init__(request.arguments(file, device), python=python)

    def tidy(self) -> None:
        self._folder.cleanup()

    def loaded(self, told: Mapping[str, Any]) -> Correction:
        """Segments of the scene may overlap: what neighbors keep in the run is part of the object here."""
        mask = read_labels(told["mask"])
        red, green, blue = (int(part) for part in told["color"])
        entry = SegmentClass(str(told["segment"]), int(told["value"]), (red, green, blue), "", "")
        text = _("{name}: {added:.2f} ml added, {removed:.2f} ml removed.").format(
            name=entry.name, added=told["added_ml"] + sum(told["withheld_ml"].values()), removed=told["removed_ml"]
        )
        return Correction(entry, mask.with_array(mask.array > 0), (text, *map(str, told["warnings"])))


def request_of(
    folder: Path,
    node: Node,
    reference: Node | None,
    points: tuple[Node | None, Node | None],
    *,
    identifier: str = "",
    allowOverwrite: bool = False,
) -> Request:
    """Read from the scene what is said.

    Args:
        folder: the run folder of the segmentation.
        node: the segmentation.
        reference: volume on whose grid the run is.
        points: markups on the object and beside it.
        identifier: the segment to correct; empty for a new one.
        allowOverwrite: take voxels from other segments.

    Raises:
        InputError: no points, or a segment that the run does not have.
    """
    positive, negative = (points_of(markups) for markups in points)
    if not len(positive) and not len(negative):
        raise InputError(_("No point is set."), _("Place points on the object, or beside it."))
    grid = volume_from_node(reference) if reference is not None else None
    if not identifier:
        names = {node.GetSegmentation().GetNthSegment(n).GetName() for n in range(count(node))}
        number = next(n for n in range(1, len(names) + 2) if f"{_('Refined')} {n}" not in names)
        start = None if grid is None else grid.with_array(np.zeros(grid.grid.shape, bool))
        return Request(folder, positive, negative, "", f"{_('Refined')} {number}", allowOverwrite, start)
    value = segment_value(node, identifier)
    names_of = {entry.value: entry.name for entry in classes_in_file(RunFolder.open(folder).segmentation)}
    if value not in names_of:
        raise InputError(_("The run does not have this structure."), _("Choose another one, or a new segment."))
    start = None
    if grid is not None:
        start = grid.with_array(slicer.util.arrayFromSegmentBinaryLabelmap(node, identifier, reference) > 0)
    return Request(folder, positive, negative, names_of[value], "", allowOverwrite, start)


def points_of(markups: Node | None) -> np.ndarray:
    """Points that were placed, in world coordinates: (n, 3) LPS mm."""
    if markups is None or not markups.GetNumberOfControlPoints():
        return np.zeros((0, 3))
    places = [markups.GetNthControlPointPositionWorld(n) for n in range(markups.GetNumberOfControlPoints())]
    ras: np.ndarray = np.array([list(place) for place in places], float)
    return ras @ LPS_TO_RAS[:3, :3]


def count(node: Node) -> int:
    """Number of segments."""
    return int(node.GetSegmentation().GetNumberOfSegments())
