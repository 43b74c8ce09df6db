"""Point lists of the scene as landmarks: places that a person set in two volumes, as the volumes themselves know them.

Points are set where a volume is shown, so that a list belongs to a volume as it lies at that moment. From then on the
list goes along with the volume (:func:`go_along`, :func:`put_under`): points stay on the anatomy when a run moves it.
"""

from __future__ import annotations

import numpy as np

from ...errors import InputError
from ...registration.landmarks import Landmarks, paired
from ..packages import slicer, vtk
from ..text import _
from .nodes import LPS_TO_RAS, Node

LANDMARKS_REFERENCE = "MultimodalSeg.Landmarks"
"""Node reference from a moving volume to the list of its landmarks."""


def landmarks_of(fixed: Node, moving: Node, reference: Node | None = None, volume: Node | None = None) -> Landmarks:
    """Pairs from two point lists, by label if both have the same labels, else by order.

    Args:
        fixed: point list with places in the reference.
        moving: point list with the same places in the moving volume.
        reference: volume node; points are given in its own space, without its transforms. None: as the scene shows it.
        volume: the moving volume, likewise.

    Raises:
        InputError: a point without a place, a hidden one, other numbers of points, or no rigid transform follows.
    """
    for node in (fixed, moving):
        if node is None or not node.IsA("vtkMRMLMarkupsNode"):
            raise InputError(_("Landmarks are not a point list."), _("Give a list of points for each volume."))
    if fixed is moving:
        raise InputError(
            _("{name} is chosen for both volumes.").format(name=fixed.GetName()),
            _("Set the same places in the other volume, in a list of their own."),
        )
    here, there = _points(fixed, reference), _points(moving, volume)
    if len(here[0]) != len(there[0]):
        raise InputError(
            _("{fixed} has {count} points and {moving} has {other}.").format(
                fixed=fixed.GetName(), count=len(here[0]), moving=moving.GetName(), other=len(there[0])
            ),
            _("Set every landmark in both volumes."),
        )
    pairs = paired(here, there)
    pairs.check()
    return pairs


def taken(fixed: Node, moving: Node, reference: Node, volume: Node | None) -> Landmarks:
    """Landmarks for a run, in the volumes' own spaces; from now on the second list goes along with its volume.

    Args:
        fixed: see :func:`landmarks_of`, and so are the others.
        moving: point list in the moving volume.
        reference: volume node.
        volume: the moving volume; None if it was not given, which is for the run to refuse.

    Raises:
        InputError: see :func:`landmarks_of`.
    """
    pairs = landmarks_of(fixed, moving, reference, volume)
    if volume is not None:
        go_along(moving, volume)
    return pairs


def start_node(pairs: Landmarks, reference: Node) -> Node:
    """A hidden transform node from which a registration starts; remove it later.

    Args:
        pairs: landmarks in the volumes' own spaces.
        reference: volume node; the transform takes the moving volume to its own space, and lies under its transform.
    """
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", _("Fit of the landmarks"))
    node.SetHideFromEditors(True)
    node.SetSaveWithScene(False)
    to_reference = LPS_TO_RAS @ np.linalg.inv(pairs.rigid()) @ LPS_TO_RAS
    node.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(to_reference))
    node.SetAndObserveTransformNodeID(reference.GetTransformNodeID())
    return node


def go_along(points: Node, volume: Node) -> None:
    """Let a list of landmarks go wherever :func:`put_under` puts its volume; no point moves by this."""
    parent = volume.GetTransformNodeID()
    if points.GetTransformNodeID() != parent:
        places = [points.GetNthControlPointPositionWorld(n) for n in range(points.GetNumberOfControlPoints())]
        points.SetAndObserveTransformNodeID(parent)
        for number, place in enumerate(places):
            if points.GetNthControlPointPositionStatus(number) == points.PositionDefined:
                points.SetNthControlPointPositionWorld(number, *place)
    volume.SetNodeReferenceID(LANDMARKS_REFERENCE, points.GetID())


def put_under(volume: Node, transform: str | None) -> None:
    """Put a volume under a transform, and its landmarks that lie where it lay.

    Args:
        volume: volume node.
        transform: identifier of a transform node, None for none.
    """
    before, points = volume.GetTransformNodeID(), volume.GetNodeReference(LANDMARKS_REFERENCE)
    volume.SetAndObserveTransformNodeID(transform)
    if points is not None and points.GetTransformNodeID() == before:
        points.SetAndObserveTransformNodeID(transform)


def _points(node: Node, volume: Node | None) -> tuple[list[str], np.ndarray]:
    """Labels and points, LPS mm in a volume's own space; one that still hangs on the mouse does not count."""
    to_volume = vtk.vtkGeneralTransform()
    parent = volume.GetParentTransformNode() if volume is not None else None
    slicer.vtkMRMLTransformNode.GetTransformBetweenNodes(None, parent, to_volume)
    labels, places = [], []
    for number in range(node.GetNumberOfControlPoints()):
        status, label = node.GetNthControlPointPositionStatus(number), node.GetNthControlPointLabel(number)
        named = {"point": label or number + 1, "list": node.GetName()}
        if status == node.PositionPreview:
            continue
        if status != node.PositionDefined:
            raise InputError(_("The point {point} of {list} has no place.").format(**named), _("Set it, or delete it."))
        if not node.GetNthControlPointVisibility(number):
            raise InputError(_("The point {point} of {list} is hidden.").format(**named), _("Show it, or delete it."))
        labels.append(label)
        places.append(to_volume.TransformPoint(node.GetNthControlPointPositionWorld(number)))
    ras = np.array(places, float).reshape(-1, 3)
    return labels, ras @ LPS_TO_RAS[:3, :3]
