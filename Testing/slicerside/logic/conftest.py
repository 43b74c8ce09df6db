"""The logic of the module, a model, and a CT and an MR that lies obliquely."""

import sys

import numpy as np
import pytest
import SimpleITK as sitk

from Testing import phantoms


@pytest.fixture(scope="module")
def a_model(tmp_path_factory):
    """Folder of a bundle with random weights."""
    return str(phantoms.a_model(tmp_path_factory.mktemp("model") / "tiny").path)


@pytest.fixture
def logic(scene):
    from MultimodalSegLib.slicerside.logic import MultimodalSegLogic

    logic = MultimodalSegLogic(python=sys.executable)
    yield logic
    logic.close()


@pytest.fixture
def nodes(scene):
    """CT and MR of one head; the MR lies oblique and under a transform of its own that undoes it."""
    import slicer

    from MultimodalSegLib.slicerside.scene.nodes import LPS_TO_RAS, volume_node

    ct, mr = volume_node(phantoms.a_ct(), "Head CT", "CT"), volume_node(phantoms.an_mr(), "Head MR", "MR")
    turn = np.eye(4)
    turn[:3, :3] = np.array(sitk.Euler3DTransform((0, 0, 0), 0.5, -0.4, 0.6).GetMatrix()).reshape(3, 3)
    turn[:3, 3] = 40.0, -25.0, 10.0
    oblique = np.linalg.inv(turn) @ LPS_TO_RAS @ phantoms.MR_GRID.affine
    mr.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(oblique))
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "parent")
    node.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(turn))
    mr.SetAndObserveTransformNodeID(node.GetID())
    return ct, mr
