"""Box "Start from landmarks": lists chosen, their error told while points are set, and the start of a registration."""

import numpy as np
import pytest

CORNERS = np.array([[30.0, 0.0, 0.0], [0.0, 35.0, 0.0], [0.0, 0.0, 40.0], [-20.0, 10.0, 0.0]])
SHIFT = np.array([0.0, 0.0, 25.0])


@pytest.fixture
def lists(widget, a_pair, shim):
    """Lists of the same places in both volumes, 25 mm apart, chosen in the panel."""
    import slicer

    made = []
    for name, points in (("in CT", CORNERS), ("in T1", CORNERS + SHIFT)):
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", name)
        for point in points.tolist():
            node.AddControlPoint(*point)
        made.append(node)
    widget.ui.landmarksGroup.collapsed = False
    widget.ui.fixedLandmarksSelector.setCurrentNode(made[0])
    assert "Choose the landmarks in Head T1 too" in widget.ui.reasonLabel.text
    widget.ui.landmarksSelector1.setCurrentNode(made[1])
    return made


def test_the_error_is_told_while_points_are_set(widget, lists, shim, pictures):
    ui = widget.ui
    assert ui.applyButton.enabled and ui.landmarksSelector1.visible and not ui.landmarksSelector2.visible
    start = "T1: 4 landmarks: 25.0 mm apart (at most 25.0) before the registration, "
    assert ui.landmarksMessage.text == start + "0.0 mm (at most 0.0) at their best fit."
    pictures(widget, "landmarks", shim)
    lists[1].SetNthControlPointPosition(0, 30.0, 6.0, 25.0)
    shim.wait(lambda: "25.2 mm apart" in ui.landmarksMessage.text, 5)
    lists[1].RemoveNthControlPoint(3)
    shim.wait(lambda: not ui.applyButton.enabled, 5)
    assert "in CT has 4 points and in T1 has 3." in ui.reasonLabel.text
    assert "in CT has 4 points and in T1 has 3." in ui.landmarksMessage.text
    pictures(widget, "landmarks-differ", shim)
    ui.fixedLandmarksSelector.setCurrentNode(None)
    assert "Choose the landmarks in the reference too" in ui.reasonLabel.text
    ui.landmarksSelector1.setCurrentNode(None)
    assert ui.applyButton.enabled and not ui.landmarksMessage.visible


def test_landmarks_that_nothing_asks_for_are_left_alone(widget, lists):
    widget._parameterNode.registration = "none"
    assert not widget.ui.landmarksGroup.visible and not widget.ui.landmarksMessage.visible
    lists[1].RemoveAllControlPoints()
    widget.panel.update()
    assert widget.ui.applyButton.enabled


def test_a_registration_starts_from_them_and_the_run_hears_of_them(
    widget, lists, a_pair, registrations, segmentations, a_transform, a_verdict, shim, pictures
):
    import slicer

    a_verdict("good")
    widget.ui.applyButton.click()
    ((_, options), run) = registrations[0]
    start = slicer.util.arrayFromTransformMatrix(options["initial"])
    np.testing.assert_allclose(start[:3, 3], -SHIFT, atol=1e-9)
    np.testing.assert_allclose(start[:3, :3], np.eye(3), atol=1e-9)
    run.end(run.finished, a_transform(1.0))
    shim.wait(lambda: segmentations, 10)
    assert not slicer.mrmlScene.IsNodePresent(options["initial"])
    lists[1].RemoveAllControlPoints()  # what counts is how they were at the start
    pairs = segmentations[0][0][1]["landmarks"]["T1"]
    assert pairs.errors()["before_mean_mm"] == 25.0


def test_a_cancelled_run_leaves_no_start_in_the_scene(widget, lists, registrations):
    import slicer

    before = slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLTransformNode")
    widget.ui.applyButton.click()
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLTransformNode") == before + 1
    widget.ui.cancelButton.click()
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLTransformNode") == before


def test_a_found_transform_is_held_against_them(widget, lists, a_pair, registrations, a_transform, shim):
    """The measured verdict says how far the landmarks are from one another under a transform that is wrong."""
    widget.ui.applyButton.click()
    run = registrations[0][1]
    run.end(run.finished, a_transform(12.0))
    shim.wait(lambda: widget.ui.gateFrame.visible, 60)
    assert "moved away from the landmarks" in widget.ui.gateLabel.text
    assert "27.7 mm (at most 27.7) after the registration" in widget.ui.gateLabel.text


def test_lists_are_kept_with_the_scene_and_no_longer_followed_when_it_closes(widget, lists, shim, tmp_path):
    import slicer

    assert slicer.util.saveScene(str(tmp_path / "scene.mrb"))
    slicer.mrmlScene.Clear()
    shim.process_events(0.3)
    assert not widget.ui.landmarksMessage.visible
    slicer.util.loadScene(str(tmp_path / "scene.mrb"))
    shim.wait(lambda: widget._parameterNode.landmarks1 is not None, 10)
    assert widget._parameterNode.landmarks1.GetName() == "in T1"
