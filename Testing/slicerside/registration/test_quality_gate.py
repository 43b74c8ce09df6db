"""A poor alignment is found out and said; a good one is not held up."""

import numpy as np
import pytest
import SimpleITK as sitk

from MultimodalSegLib.errors import RegistrationError
from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.registration.aligned import Quality
from MultimodalSegLib.slicerside.registration.alignment_measures import checkerboard, coarser, jacobian_range
from MultimodalSegLib.slicerside.registration.quality_gate import (
    QualityCheck,
    error_sentences,
    examine,
    judge,
    poor_verdict,
)
from Testing.phantoms import CT_GRID, TRANSFORM, a_ct, an_mr

GOOD = Quality(0.2, 0.6, 0.95, True, "converged")
AWAY = sitk.TranslationTransform(3, (70.0, 0.0, 0.0))


def a_bend(size_mm: float) -> sitk.Transform:
    """A B-spline over the CT with random knots of some millimetres."""
    bend = sitk.BSplineTransformInitializer(a_ct().to_sitk(), [4, 4, 4], order=3)
    bend.SetParameters(np.random.default_rng(5).normal(0, size_mm, len(bend.GetParameters())).tolist())
    return bend


@pytest.mark.parametrize(
    ("quality", "level", "word"),
    [
        (GOOD, "good", "right"),
        (Quality(0.2, 0.6, 0.72, True), "look", "0.72"),
        (Quality(0.2, 0.6, 0.4, True), "poor", "0.40"),
        (Quality(0.6, 0.3, 0.95, False), "poor", "less in common"),
        (Quality(0.2, 0.6, 0.95, False, "sizes change by 30 %; x"), "look", "30 %"),
        (Quality(0.2, 0.6, 0.72, False, "", "green", 0.8, 2.1), "good", "about 0.8 mm, hardly above 2.1 mm (green)"),
        (Quality(0.2, 0.6, 0.95, True, "", "amber", 2.8, 4.4, "it ends 3 mm away"), "look", "It ends 3 mm away."),
        (Quality(0.2, 0.6, 0.95, True, "", "red", 9.0, 12.0, "it ends 9 mm away"), "poor", "(red)"),
        (Quality(0.2, 0.6, 0.95, True, "", light_reason="it bends"), "good", "The error is not known: it bends."),
    ],
)
def test_verdicts(quality, level, word):
    verdict = judge(quality, name="MR to CT")
    assert verdict.level == level and word in verdict.text and "MR to CT" in verdict.sentences[0]


def test_a_transform_that_folds_is_poor_and_one_that_stretches_is_looked_at():
    assert judge(GOOD, (0.9, 1.1)).level == "good"
    assert judge(GOOD, (0.3, 1.1)).level == "look"
    assert judge(GOOD, (-0.1, 1.1)).level == "poor"
    assert judge(GOOD, None, 0.3).level == "look"


def test_the_true_alignment_is_good_and_a_wrong_one_is_poor():
    ct, mr = a_ct(), an_mr()
    assert examine(ct, mr, TRANSFORM, ("CT", "MR")).level == "good"
    assert examine(ct, mr, AWAY, ("CT", "MR")).level == "poor"
    far = examine(ct, mr, sitk.TranslationTransform(3, (500.0, 0.0, 0.0)), ("CT", "MR"))
    assert far.level == "poor" and far.quality is None


def test_jacobians_tell_how_much_a_transform_bends():
    assert jacobian_range(sitk.ScaleTransform(3, (1.1, 1.0, 1.0)), CT_GRID) == pytest.approx((1.1, 1.1))
    low, high = jacobian_range(a_bend(1.0), CT_GRID)
    assert 0.5 < low < 1.0 < high < 1.5
    assert jacobian_range(a_bend(60.0), CT_GRID)[0] < 0.0  # it folds
    assert examine(a_ct(), an_mr(), sitk.CompositeTransform([TRANSFORM, a_bend(60.0)]), ("CT", "MR")).level == "poor"


def test_a_coarser_grid_has_the_same_corners(an_oblique_grid):
    np.testing.assert_allclose(coarser(an_oblique_grid, (7, 5, 9)).corners, an_oblique_grid.corners)


def test_the_checkerboard_shows_both_images():
    ct, mr = a_ct(), an_mr()
    board = checkerboard(ct, mr, TRANSFORM, ("CT", "MR"))
    bone_free = Grid(board.grid.size, board.grid.spacing, board.grid.origin, board.grid.direction)
    np.testing.assert_allclose(bone_free.corners, ct.grid.corners)
    assert board.array.dtype == np.float32 and board.array.min() >= 0.0 and board.array.max() <= 1.0
    alone = checkerboard(ct, ct, sitk.Transform(3, sitk.sitkIdentity), ("CT", "CT"))
    differs = np.mean(np.abs(board.array - alone.array) > 0.05)
    assert 0.1 < differs < 0.55  # half of the squares at most


def test_the_alignments_of_a_finished_run_are_judged():
    entry = {"kind": "rigid", "seconds": 3.1, "mutual_information_before": 0.1, "mutual_information_after": 0.5}
    record = {
        "reference": "CT",
        "registration": {"MR": entry | {"head_overlap": 0.9, "converged": True, "message": ""}},
        "coverage": {"CT": 1.0, "MR": 0.2},
    }
    assert error_sentences(record) == []
    judged = entry | {"head_overlap": 0.9, "converged": True, "light": "green", "error_mm": 0.8, "error_high_mm": 2.1}
    (sentence,) = error_sentences({"registration": {"MR": judged}})
    assert sentence == "MR: Estimated error about 0.8 mm, hardly above 2.1 mm (green)."
    assert poor_verdict(RegistrationError("No.", "Do.")).sentences[1:] == ("No.", "Do.")


@pytest.fixture
def nodes(scene):
    from MultimodalSegLib.slicerside.scene.nodes import transform_node, volume_node

    return volume_node(a_ct(), "CT", "CT"), volume_node(an_mr(), "MR", "MR"), transform_node(TRANSFORM, "T")


def test_nodes_are_examined_in_a_thread_and_the_scene_stays_as_it_is(nodes):
    check = QualityCheck(*nodes, ("CT", "MR"))
    told = []
    check.finished.connect(lambda verdict, board: told.append((verdict, board)))
    assert not check.running
    check.start()
    check.wait()
    ((verdict, board),) = told
    assert verdict.level == "good" and board is not None and not check.poll() and len(told) == 1
    assert nodes[1].GetParentTransformNode() is None


def test_a_check_that_nobody_waits_for_says_nothing(nodes):
    check = QualityCheck(*nodes, ("CT", "MR"))
    told = []
    check.finished.connect(lambda *answer: told.append(answer))
    check.start()
    check.cancel()
    check.wait()
    assert not told and not check.running


@pytest.fixture
def views(scene):
    """Two slice views' composite nodes, as the application has them."""
    import slicer

    return [slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSliceCompositeNode", name) for name in ("Red", "Green")]


def test_blinking_and_the_checkerboard_show_and_put_back(nodes, views):
    import slicer

    from MultimodalSegLib.slicerside.registration.quality_view import BOARD, AlignmentView

    ct, mr, transform = nodes
    views[0].SetBackgroundVolumeID(mr.GetID())
    view = AlignmentView(ct, mr, transform)
    assert mr.GetParentTransformNode() is transform
    view.overlay()
    assert [v.GetBackgroundVolumeID() for v in views] == [ct.GetID()] * 2
    assert {v.GetForegroundOpacity() for v in views} == {0.5}
    view.blink()
    view.blink()
    first = views[0].GetForegroundOpacity()
    view.blink()
    assert {first, views[0].GetForegroundOpacity()} == {0.0, 1.0} and views[0].GetForegroundVolumeID() == mr.GetID()
    board = checkerboard(a_ct(), an_mr(), TRANSFORM, ("CT", "MR"))
    view.checkerboard(board)
    view.checkerboard(board)
    (shown,) = [node for node in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode") if node.GetName() == BOARD]
    assert views[1].GetBackgroundVolumeID() == shown.GetID() and not views[1].GetForegroundVolumeID()
    view.end(keep_transform=False)
    assert mr.GetParentTransformNode() is None
    assert views[0].GetBackgroundVolumeID() == mr.GetID() and not views[1].GetBackgroundVolumeID()
    assert len(slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")) == 2


def test_an_accepted_transform_stays(nodes, views):
    from MultimodalSegLib.slicerside.registration.quality_view import AlignmentView

    AlignmentView(*nodes).end(keep_transform=True)
    assert nodes[1].GetParentTransformNode() is nodes[2]


def test_volumes_under_no_transform_are_compared_as_they_lie(nodes, views):
    from MultimodalSegLib.slicerside.registration.quality_view import AlignmentView

    ct, mr, _transform = nodes
    view = AlignmentView(ct, mr, None)
    view.overlay()
    assert views[0].GetForegroundVolumeID() == mr.GetID() and mr.GetParentTransformNode() is None
    view.end(keep_transform=False)
    assert not views[0].GetForegroundVolumeID() and mr.GetParentTransformNode() is None
    told = []
    check = QualityCheck(ct, mr, None, ("CT", "MR"))
    check.finished.connect(lambda verdict, board: told.append((verdict, board)))
    check.wait()
    ((verdict, board),) = told
    plain = examine(a_ct(), an_mr(), sitk.Transform(), ("CT", "MR"))
    assert verdict.quality.mutual_information_after == pytest.approx(plain.quality.mutual_information_after, abs=1e-3)
    assert np.allclose(board.array, checkerboard(a_ct(), an_mr(), sitk.Transform(), ("CT", "MR")).array, atol=1e-3)
