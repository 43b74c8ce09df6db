"""Point lists of a real scene as landmarks, whatever transforms lists and volumes lie under."""

import numpy as np
import pytest
import SimpleITK as sitk

from MultimodalSegLib.errors import InputError
from MultimodalSegLib.images.resample import map_points
from Testing.phantoms import TRANSFORM, a_ct, an_mr

PLACES = np.array([[0.0, -88.0, 0.0], [74.0, 0.0, 0.0], [-74.0, 0.0, 0.0], [0.0, 0.0, 78.0]])
RAS = np.array([-1.0, -1.0, 1.0])


def a_list(name, points):
    """A point list with points given as LPS."""
    import slicer

    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", name)
    for point in points:
        node.AddControlPoint(*(point * RAS).tolist())
    return node


def world(node):
    """Points as the scene shows them, LPS."""
    count = node.GetNumberOfControlPoints()
    return np.array([node.GetNthControlPointPositionWorld(n) for n in range(count)]) * RAS


@pytest.fixture
def nodes(scene):
    """CT and MR of one head, and lists of the same places in both."""
    from MultimodalSegLib.slicerside.scene.nodes import volume_node

    ct, mr = volume_node(a_ct(), "Head CT", "CT"), volume_node(an_mr(), "Head MR", "MR")
    return ct, mr, a_list("in CT", PLACES), a_list("in MR", map_points(TRANSFORM, PLACES))


def test_landmarks_are_in_the_volumes_own_spaces_whatever_moves_them_in_the_scene(nodes):
    """The MR lies somewhere else in the scene, where its points were set; the list itself is under no transform."""
    from MultimodalSegLib.slicerside.scene.landmarks import landmarks_of
    from MultimodalSegLib.slicerside.scene.nodes import transform_node

    ct, mr, fixed, moving = nodes
    assert landmarks_of(fixed, moving, ct, mr).error(TRANSFORM)[1] < 1e-6
    by_hand = transform_node(sitk.Euler3DTransform((0, 0, 0), 0.3, 0.1, -0.2, (120.0, 5.0, -9.0)), "by hand")
    mr.SetAndObserveTransformNodeID(by_hand.GetID())
    moving.SetAndObserveTransformNodeID(by_hand.GetID())
    shown = world(moving)
    moving.SetAndObserveTransformNodeID(None)
    for number, place in enumerate(shown * RAS):
        moving.SetNthControlPointPosition(number, *place)
    pairs = landmarks_of(fixed, moving, ct, mr)
    np.testing.assert_allclose(pairs.fixed, PLACES, atol=1e-9)
    np.testing.assert_allclose(pairs.moving, map_points(TRANSFORM, PLACES), atol=1e-6)
    as_shown = landmarks_of(fixed, moving).errors()
    assert as_shown["before_mean_mm"] == pytest.approx(np.linalg.norm(PLACES - shown, axis=1).mean(), abs=0.01)
    assert as_shown["start_max_mm"] == pytest.approx(0.0, abs=1e-3)


def test_the_same_labels_pair_points_in_any_order_and_one_that_hangs_on_the_mouse_does_not_count(nodes):
    from MultimodalSegLib.slicerside.scene.landmarks import landmarks_of

    ct, mr, fixed, _moving = nodes
    order = [2, 0, 3, 1]
    other = a_list("again", map_points(TRANSFORM, PLACES)[order])
    for number, place in enumerate(order):
        fixed.SetNthControlPointLabel(number, f"place {number}")
        other.SetNthControlPointLabel(number, f"place {place}")
    assert landmarks_of(fixed, other, ct, mr).error(TRANSFORM)[1] < 1e-6
    other.AddControlPoint(0.0, 0.0, 0.0)
    other.ResetNthControlPointPosition(4)
    assert other.GetNthControlPointPositionStatus(4) == other.PositionPreview
    assert len(landmarks_of(fixed, other, ct, mr).fixed) == 4
    other.UnsetNthControlPointPosition(4)
    with pytest.raises(InputError, match="of again has no place"):
        landmarks_of(fixed, other, ct, mr)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda fixed, moving: moving.RemoveNthControlPoint(3), "in CT has 4 points and in MR has 3"),
        (lambda fixed, moving: [node.RemoveAllControlPoints() for node in (fixed, moving)], "is no pair"),
        (lambda fixed, moving: [node.RemoveNthControlPoint(0) for node in (fixed, moving) * 2], "only 2 pairs"),
        (lambda fixed, moving: fixed.SetNthControlPointVisibility(1, False), "of in CT is hidden"),
        (lambda fixed, moving: moving.SetNthControlPointPositionMissing(2), "of in MR has no place"),
        (
            lambda fixed, moving: [
                node.SetNthControlPointPosition(n, 30.0 * n, 0.0, 0.0) for node in (fixed, moving) for n in range(4)
            ],
            "near one line",
        ),
    ],
)
def test_what_cannot_be_used_is_said_in_one_sentence_with_a_way_out(nodes, spoil, said):
    from MultimodalSegLib.slicerside.scene.landmarks import landmarks_of

    ct, mr, fixed, moving = nodes
    spoil(fixed, moving)
    with pytest.raises(InputError, match=said) as caught:
        landmarks_of(fixed, moving, ct, mr)
    assert caught.value.hint and caught.value.message.count(".") == 1


def test_one_list_for_both_volumes_or_none_is_refused(nodes):
    from MultimodalSegLib.slicerside.scene.landmarks import landmarks_of

    ct, mr, fixed, _moving = nodes
    with pytest.raises(InputError, match="in CT is chosen for both"):
        landmarks_of(fixed, fixed, ct, mr)
    for wrong in (None, ct):
        with pytest.raises(InputError, match="not a point list"):
            landmarks_of(fixed, wrong, ct, mr)


def test_the_start_is_the_best_fit_as_a_transform_node_in_the_references_space(nodes, scene):
    from MultimodalSegLib.slicerside.registration.running import remove
    from MultimodalSegLib.slicerside.scene.landmarks import landmarks_of, start_node
    from MultimodalSegLib.slicerside.scene.nodes import transform_node
    from MultimodalSegLib.slicerside.scene.transforms import transform_from_node

    ct, mr, fixed, moving = nodes
    table = transform_node(sitk.TranslationTransform(3, (0.0, 40.0, 0.0)), "table")
    for node in (ct, fixed):
        node.SetAndObserveTransformNodeID(table.GetID())
    before = scene.GetNumberOfNodes()
    start = start_node(landmarks_of(fixed, moving, ct, mr), ct)
    found = map_points(transform_from_node(start, ct), PLACES)
    np.testing.assert_allclose(found, map_points(TRANSFORM, PLACES), atol=1e-6)
    remove(start)
    assert scene.GetNumberOfNodes() == before


def test_points_stay_on_the_anatomy_when_a_run_moves_their_volume(nodes):
    """The volume lay under a transform and the list under none, as if points were set after an earlier run."""
    from MultimodalSegLib.slicerside.scene.landmarks import landmarks_of, put_under, taken
    from MultimodalSegLib.slicerside.scene.nodes import transform_node

    ct, mr, fixed, moving = nodes
    earlier = transform_node(sitk.TranslationTransform(3, (10.0, 0.0, 0.0)), "earlier run")
    put_under(mr, earlier.GetID())
    assert moving.GetTransformNodeID() is None, "a list that nobody chose does not move"
    before, pairs = world(moving), taken(fixed, moving, ct, mr)
    np.testing.assert_allclose(world(moving), before, atol=1e-9)
    put_under(mr, transform_node(TRANSFORM, "this run").GetID())
    np.testing.assert_allclose(landmarks_of(fixed, moving, ct, mr).moving, pairs.moving, atol=1e-9)
    assert np.abs(world(moving) - before).max() > 5
    moving.SetAndObserveTransformNodeID(None)
    put_under(mr, None)
    assert moving.GetTransformNodeID() is None
