"""Volumes land where the registration puts them, whatever transforms they lay under."""

import numpy as np
import pytest
import SimpleITK as sitk

from Testing.slicerside.run.conftest import FOUND


def _points_in_world(node, index):
    import vtk

    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    general = vtk.vtkGeneralTransform()
    import slicer

    slicer.vtkMRMLTransformNode.GetTransformBetweenNodes(node.GetParentTransformNode(), None, general)
    return np.array(general.TransformPoint(matrix.MultiplyPoint((*index, 1.0))[:3]))


def a_bending_transform():
    transform = sitk.BSplineTransformInitializer(sitk.Image([60, 60, 60], sitk.sitkUInt8), [4, 4, 4])
    transform.SetTransformDomainOrigin((-90.0, -90.0, -90.0))
    transform.SetTransformDomainPhysicalDimensions((180.0, 180.0, 180.0))
    transform.SetParameters(np.random.default_rng(0).normal(0, 2, len(transform.GetParameters())))
    return transform


@pytest.mark.parametrize("transform", [FOUND, a_bending_transform()], ids=["rigid", "bending"])
def test_a_volume_that_lay_under_a_transform_lands_where_the_registration_puts_it(
    scene, nodes, a_run, a_plain_grid, transform
):
    """The found transform counts from where the volume lay, and a transform of the reference carries both."""
    import slicer

    from MultimodalSegLib.slicerside.run.exchange import plan
    from MultimodalSegLib.slicerside.run.result import Inputs
    from MultimodalSegLib.slicerside.run.results import Loader

    ct, mr = nodes
    own, common = (slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", name) for name in ("own", "common"))
    turn = np.eye(4)
    turn[:3, :3] = np.array(sitk.Euler3DTransform((0, 0, 0), 0.3, 0.1, -0.2).GetMatrix()).reshape(3, 3)
    turn[:3, 3] = 10.0, -3.0, 2.0
    own.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(turn))
    shift = np.eye(4)
    shift[:3, 3] = 0.0, 30.0, 0.0
    common.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(shift))
    mr.SetAndObserveTransformNodeID(own.GetID())
    ct.SetAndObserveTransformNodeID(common.GetID())
    run = a_run(a_plain_grid, transform=transform)
    planned = plan(("CT", ct), {"MR": mr}, run.path / "unused")
    result = Loader(run.path, Inputs(ct, {"MR": mr}, planned.placements)).load()
    lps = np.diag([-1.0, -1.0, 1.0])
    index = (20.0, 21.0, 19.0)
    seen = _points_in_world(mr, index)
    in_reference = lps @ (seen - shift[:3, 3])  # LPS, reference's own space
    in_file = planned.inputs["MR"].grid.affine @ [*index, 1.0]
    assert np.allclose(transform.TransformPoint(tuple(in_reference)), in_file[:3], atol=1e-3)
    assert slicer.mrmlScene.IsNodePresent(own) and np.allclose(slicer.util.arrayFromTransformMatrix(own), turn)
    assert result.transformNodes["MR"] is mr.GetParentTransformNode()
    assert result.segmentationNode.GetParentTransformNode() is common


def test_trusted_volumes_and_chosen_transforms_stay_as_they_are(scene, nodes, a_run, a_plain_grid):
    import slicer

    from MultimodalSegLib.slicerside.run.result import Inputs
    from MultimodalSegLib.slicerside.run.results import Loader

    ct, mr = nodes
    chosen = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "chosen")
    run = a_run(a_plain_grid, kind="given")
    before = slicer.util.getNodesByClass("vtkMRMLTransformNode")
    trusting = Loader(run.path, Inputs(ct, {"MR": mr}, trusted=frozenset({"MR"}))).load()
    assert mr.GetParentTransformNode() is None and not trusting.transformNodes
    choosing = Loader(run.path, Inputs(ct, {"MR": mr}, given={"MR": chosen})).load()
    assert mr.GetParentTransformNode() is chosen is choosing.transformNodes["MR"]
    assert slicer.util.getNodesByClass("vtkMRMLTransformNode") == before
