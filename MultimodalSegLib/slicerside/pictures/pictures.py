"""Pictures of a case to look at: three slices, and the surfaces of the structures."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import ndimage

from ...errors import InputError, MissingPackageError
from ...report.seg_nrrd import GROUP_TAG
from ..headless import pictures_possible
from ..packages import slicer, vtk
from ..scene.nodes import MODALITY_ATTRIBUTE, Node, air_limit
from ..scene.segments import labels_from_segmentation, segment_value
from .run_scene import CaseNodes
from .sheet import Color, write_sheet
from .slices import ORIENTATIONS, air_hidden, outlines_only, slice_view
from .surfaces import Structure, draw_surfaces

PANEL_PIXELS = 480
MOVING_OPACITY = 0.4
MARGIN = 1.12  # of the width of what is segmented


@dataclass(frozen=True)
class _Segments:
    """What the pictures need of a segmentation: the label map on the reference grid and how to show each value."""

    labels: np.ndarray  # uint16 (k, j, i)
    structures: tuple[Structure, ...]
    to_ras: np.ndarray  # 4x4, voxel indices (i, j, k) to RAS mm


def slice_pictures(nodes: CaseNodes, path: str | Path, *, title: str = "", synthetic: bool = False) -> None:
    """Write axial, coronal and sagittal slices as one PNG, in radiological convention as Slicer shows them.

    The reference volume lies below, a moving volume over it at 40 % (one row for each), segment outlines on top. The
    slices go through the largest lesion if there is one, else through the middle of the brain.

    Args:
        nodes: the case in the scene.
        path: a file name ending in ``.png``.
        title: name of the case for the caption.
        synthetic: the caption says that the images are synthetic.

    Raises:
        InputError: the case has no reference volume.
        MissingPackageError: this machine cannot draw; the hint says what to install.
        OutputError: the file cannot be written.
    """
    reference = _drawable(nodes)
    segments = _segments(nodes)
    focus, middle, width = _framing(segments, reference)
    rows = []
    with slice_view(PANEL_PIXELS) as view, outlines_only(nodes.segmentation):
        for name, moving in nodes.moving.items() or (("", None),):
            with ExitStack() as stack:
                if moving is not None:
                    stack.enter_context(air_hidden(moving, air_limit(slicer.util.arrayFromVolume(moving))))
                view.show(reference, moving, MOVING_OPACITY)
                shown = reference.GetAttribute(MODALITY_ATTRIBUTE) or reference.GetName()
                shown += f" + {name} {MOVING_OPACITY:.0%}" if name else ""
                rows.append(
                    [
                        view.draw(orientation, _center(orientation, focus, middle), width, f"{orientation}: {shown}")
                        for orientation in ORIENTATIONS
                    ]
                )
    write_sheet(path, rows, title, _legend(segments.structures) if segments else [], synthetic=synthetic)


def surface_picture(nodes: CaseNodes, path: str | Path, *, title: str = "", synthetic: bool = False) -> None:
    """Write the surfaces of the structures as one PNG: brain solid under translucent bone, then what lies inside.

    Args:
        nodes: the case in the scene, with a segmentation; nothing is added to it.
        path: a file name ending in ``.png``.
        title: name of the case for the caption.
        synthetic: the caption says that the images are synthetic.

    Raises:
        InputError: the case has no reference volume or no segment.
        MissingPackageError: this machine cannot draw; the hint says what to install.
        OutputError: the file cannot be written.
    """
    _drawable(nodes)
    segments = _segments(nodes)
    if segments is None or not segments.structures:
        raise InputError("The case has no segment to draw.", "Segment it first.")
    panels, shown = draw_surfaces(segments.labels, segments.structures, segments.to_ras, PANEL_PIXELS)
    write_sheet(path, [panels], title, _legend(shown), synthetic=synthetic)


def _drawable(nodes: CaseNodes) -> Node:
    possible, reason = pictures_possible()
    if not possible:
        raise MissingPackageError("Pictures cannot be drawn on this machine.", reason)
    if nodes.reference is None:
        raise InputError("The case has no reference volume to draw.", "Bring the input file back to its place.")
    return nodes.reference


def _segments(nodes: CaseNodes) -> _Segments | None:
    if nodes.segmentation is None or nodes.segmentation.GetSegmentation().GetNumberOfSegments() == 0:
        return None
    labels = labels_from_segmentation(nodes.segmentation, nodes.reference)
    matrix = vtk.vtkMatrix4x4()
    nodes.reference.GetIJKToRASMatrix(matrix)  # type: ignore[union-attr]
    return _Segments(labels, tuple(_structures(nodes.segmentation)), slicer.util.arrayFromVTKMatrix(matrix))


def _structures(segmentation: Node) -> Iterable[Structure]:
    collection = segmentation.GetSegmentation()
    for identifier in collection.GetSegmentIDs():
        segment = collection.GetSegment(identifier)
        group = vtk.reference("")
        segment.GetTag(GROUP_TAG, group)
        red, green, blue = (round(255 * component) for component in segment.GetColor())
        yield Structure(
            segment.GetName(), segment_value(segmentation, identifier), (red, green, blue), group.get() or "brain"
        )


def _framing(segments: _Segments | None, reference: Node) -> tuple[np.ndarray, np.ndarray, float]:
    """RAS point through which the slices go, RAS middle of what is shown, and its width in mm with a margin."""
    bounds = np.zeros(6)
    reference.GetRASBounds(bounds)
    focus = bounds.reshape(3, 2).mean(axis=1)
    if segments is not None and segments.labels.any():
        bounds, focus = _bounds(segments), _focus(segments)
    sides = bounds.reshape(3, 2)
    return focus, sides.mean(axis=1), float((sides[:, 1] - sides[:, 0]).max()) * MARGIN


def _bounds(segments: _Segments) -> np.ndarray:
    """RAS bounds (6,) of all segments."""
    box = ndimage.find_objects((segments.labels > 0).view(np.uint8))[0]
    ends = [(side.start - 0.5, side.stop - 0.5) for side in reversed(box)]  # i, j, k
    corners = np.array([[i, j, k, 1.0] for i in ends[0] for j in ends[1] for k in ends[2]]) @ segments.to_ras.T
    return np.stack([corners[:, :3].min(axis=0), corners[:, :3].max(axis=0)], axis=1).ravel()


def _focus(segments: _Segments) -> np.ndarray:
    """RAS point inside the largest lesion, else the middle of the brain, else of everything."""
    values = {group: [s.value for s in segments.structures if s.group == group] for group in ("lesion", "brain")}
    lesion = np.isin(segments.labels, values["lesion"])
    if lesion.any():
        parts, _ = ndimage.label(lesion)
        voxels = np.argwhere(parts == np.bincount(parts[parts > 0]).argmax())
        distance = np.square(voxels - voxels.mean(axis=0)).sum(axis=1)
        point = voxels[distance.argmin()]  # a curved lesion may not hold its middle
    else:
        brain = np.isin(segments.labels, values["brain"])
        point = np.array(ndimage.center_of_mass(brain if brain.any() else segments.labels > 0))
    return (segments.to_ras @ np.append(point[::-1], 1.0))[:3]


def _center(orientation: str, focus: np.ndarray, middle: np.ndarray) -> np.ndarray:
    """The slice goes through the focus; in the plane the picture shows the middle."""
    normal = {"Sagittal": 0, "Coronal": 1, "Axial": 2}[orientation]
    center = middle.copy()
    center[normal] = focus[normal]
    return center


def _legend(structures: Iterable[Structure]) -> list[tuple[str, Color]]:
    return [(structure.name, structure.color) for structure in structures]
