"""A registration with BRAINSFit: its end is told whatever it is, and nothing is left behind.

A stand-in for ``slicer.cli`` answers in its place; the command line node, the volumes and the transforms are real.
"""

from types import SimpleNamespace

import numpy as np
import pytest

from MultimodalSegLib.errors import Cancelled, InputError, RegistrationError
from Testing.phantoms import TRANSFORM, a_ct, an_mr
from Testing.slicerside.registration.stand_in_brainsfit import StandInCli


@pytest.fixture
def nodes(scene):
    from MultimodalSegLib.slicerside.scene.nodes import volume_node

    return volume_node(a_ct(), "Head CT", "CT"), volume_node(an_mr(), "Head MR", "MR")


@pytest.fixture
def a_run(nodes, monkeypatch):
    """Function that makes a registration whose stand-in behaves as planned, and a list of what it told."""
    import slicer

    from MultimodalSegLib.slicerside.registration.backend import registration_run

    monkeypatch.setattr(slicer.modules, "brainsfit", "the module", raising=False)

    def make(*plan, kind="rigid", modalities=("CT", "MR"), backend="brainsfit", **options):
        cli = StandInCli(plan)
        monkeypatch.setattr(slicer, "cli", cli, raising=False)
        run = registration_run(*nodes, kind, modalities=modalities, backend=backend, **options)
        told = []
        run.finished.connect(lambda node: told.append(node))
        run.failed.connect(lambda *reason: told.append(reason))
        run.cancelled.connect(lambda: told.append("cancelled"))
        return SimpleNamespace(run=run, cli=cli, told=told)

    return make


def transforms():
    import slicer

    found = slicer.util.getNodesByClass("vtkMRMLTransformNode")
    return [node for node in found if not node.GetHideFromEditors()]  # slice views have one each


def command_line_nodes():
    import slicer

    return slicer.util.getNodesByClass("vtkMRMLCommandLineModuleNode")


@pytest.mark.parametrize("kind", ["rigid", "affine"])
def test_the_found_transform_is_a_linear_node_that_brings_the_moving_volume_over(a_run, kind):
    from MultimodalSegLib.slicerside.scene.transforms import transform_from_node

    it = a_run("finds", kind=kind)
    assert it.run.backend == "brainsfit"
    heard = []
    it.run.progress.connect(lambda event: heard.append(event.fraction))
    it.run.start()
    assert it.run.poll() and not it.told
    it.cli.let_it_end()
    assert not it.run.poll()
    (node,) = it.told
    assert node.IsA("vtkMRMLLinearTransformNode") and node.GetName() == "MR to CT"
    assert node.GetAttribute("MultimodalSeg.Backend") == "brainsfit"
    found = transform_from_node(node)
    np.testing.assert_allclose(found.TransformPoint((5, 6, 7)), TRANSFORM.TransformPoint((5, 6, 7)), atol=1e-9)
    assert not command_line_nodes() and transforms() == [node]
    assert heard == sorted(heard) and heard[-1] == 1.0


def test_a_bent_result_that_is_linear_after_all_is_given_as_a_linear_node(a_run):
    it = a_run("finds", kind="bspline")
    it.run.start()
    it.cli.let_it_end()
    it.run.poll()
    assert it.told[0].IsA("vtkMRMLLinearTransformNode") and transforms() == it.told


def test_another_start_is_tried_when_the_heads_do_not_meet(a_run):
    outside = "All samples map outside moving image buffer"
    it = a_run(outside, outside, outside)
    it.run.start()
    for _attempt in range(3):
        it.cli.let_it_end()
        it.run.poll()
    modes = [parameters["initializeTransformMode"] for _node, parameters, _end in it.cli.runs]
    assert modes == ["useGeometryAlign", "useCenterOfHeadAlign", "useMomentsAlign"]
    ((kind, message, hint),) = it.told
    assert kind == "registration" and "overlap" in message and "Transforms" in hint
    assert not command_line_nodes() and not transforms()


def test_cancel_leaves_nothing_behind(a_run):
    it = a_run("hangs")
    it.run.start()
    it.run.poll()
    it.run.cancel()
    it.cli.let_it_end()
    assert not it.run.poll() and it.told == ["cancelled"]
    assert not command_line_nodes() and not transforms() and not it.run.running
    it.run.cancel()  # once more does no harm
    assert it.told == ["cancelled"]


def test_closing_the_scene_ends_it(a_run):
    import slicer

    it = a_run("hangs")
    it.run.start()
    slicer.mrmlScene.Clear()
    assert not it.run.poll() and it.told == ["cancelled"]


def test_a_moving_volume_under_a_transform_is_registered_from_there(a_run, nodes):
    import SimpleITK as sitk
    import slicer

    from MultimodalSegLib.slicerside.scene.nodes import transform_node

    parent = transform_node(sitk.TranslationTransform(3, (3.0, 0.0, 0.0)), "by hand")
    nodes[1].SetAndObserveTransformNodeID(parent.GetID())
    it = a_run("finds")
    it.run.start()
    _node, parameters, _end = it.cli.runs[0]
    assert parameters["initializeTransformMode"] == "Off"
    handed_over = slicer.mrmlScene.GetNodeByID(parameters["movingVolume"])
    assert handed_over.GetParentTransformNode() is None and handed_over.GetImageData() is nodes[1].GetImageData()
    start = slicer.mrmlScene.GetNodeByID(parameters["initialTransform"])
    assert start.GetMatrixTransformToParent().GetElement(0, 3) == parent.GetMatrixTransformToParent().GetElement(0, 3)
    it.cli.let_it_end()
    it.run.poll()
    assert len(slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")) == 2
    assert len(transforms()) == 2 and nodes[1].GetParentTransformNode() is parent


def test_the_same_volume_twice_and_an_empty_one_are_refused(nodes):
    import slicer

    from MultimodalSegLib.slicerside.registration.backend import registration_run

    with pytest.raises(InputError, match="twice"):
        registration_run(nodes[0], nodes[0], backend="simpleitk")
    empty = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "nothing")
    with pytest.raises(InputError, match="'nothing' has no voxels"):
        registration_run(nodes[0], empty, backend="simpleitk")


def test_a_script_gets_the_node_or_an_exception(a_run):
    it = a_run("finds")
    node = it.run.wait(process_events=it.cli.let_it_end)
    assert node.IsA("vtkMRMLLinearTransformNode")
    broken = a_run("something odd")
    with pytest.raises(RegistrationError, match="something odd"):
        broken.run.wait(process_events=broken.cli.let_it_end)
    slow = a_run("hangs")
    with pytest.raises(Cancelled, match="longer than"):
        slow.run.wait(0.05, process_events=lambda: None)


@pytest.mark.parametrize("end", ["finds", "out of memory"])
def test_landmarks_are_where_a_requested_registration_starts_and_nothing_of_it_is_left(nodes, monkeypatch, end):
    import slicer

    from MultimodalSegLib.registration.landmarks import Landmarks
    from MultimodalSegLib.slicerside.run.registrations import Registrations
    from MultimodalSegLib.slicerside.run.request import Request
    from MultimodalSegLib.slicerside.scene.nodes import LPS_TO_RAS

    monkeypatch.setattr(slicer.modules, "brainsfit", "the module", raising=False)
    cli = StandInCli([end])
    monkeypatch.setattr(slicer, "cli", cli, raising=False)
    before = slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLTransformNode")
    places = np.array([[70.0, 0.0, 0.0], [0.0, 80.0, 0.0], [0.0, 0.0, 70.0]])
    pairs = Landmarks(places, np.array([TRANSFORM.TransformPoint(place) for place in places.tolist()]))
    work = Registrations(Request(("CT", nodes[0]), {"MR": nodes[1]}, backend="brainsfit", landmarks={"MR": pairs}))
    ends = []
    work.finished.connect(ends.append)
    work.failed.connect(lambda *failure: ends.append(failure))
    work.poll()
    ((_node, parameters, _plan),) = cli.runs
    assert parameters["initializeTransformMode"] == "Off"
    start = slicer.util.arrayFromTransformMatrix(slicer.mrmlScene.GetNodeByID(parameters["initialTransform"]))
    back = LPS_TO_RAS @ np.linalg.inv(start) @ LPS_TO_RAS
    assert np.allclose(places @ back[:3, :3].T + back[:3, 3], pairs.moving)
    cli.let_it_end()
    work.poll()
    assert len(ends) == 1 and not work.running
    left = slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLTransformNode") - before
    assert left == (1 if end == "finds" else 0)
