"""The whole way from nodes to nodes with real child processes."""

import time

import numpy as np
import pytest

from MultimodalSegLib.errors import InputError
from MultimodalSegLib.images.resample import map_points
from Testing import phantoms
from Testing.processes import children
from Testing.slicerside.logic.following import Followed, world_of


def parent_of(node):
    """The matrix of the linear transform under which a node lies."""
    import slicer

    return slicer.util.arrayFromTransformMatrix(node.GetParentTransformNode())


def test_apply_twice_on_an_oblique_volume_under_a_transform(logic, nodes, a_model, capsys):
    ct, mr = nodes
    before = mr.GetParentTransformNode().GetName()
    assert before == "parent"
    start = time.perf_counter()
    followed = Followed(logic.start(ct, {"MR": mr}, model=a_model, threads=1, probabilities=["skull"]))
    assert logic.run is followed.run
    with pytest.raises(InputError, match="A run is on"):
        logic.start(ct, {"MR": mr}, model=a_model)
    followed.run.poll()
    shown_after = time.perf_counter() - start
    end, result = followed.to_the_end()
    assert end == "finished", followed.ends
    with capsys.disabled():
        print(f"\n  progress after {shown_after:.2f} s; longest poll {1000 * followed.longest_s:.1f} ms (processor)")
    assert followed.longest_s < 0.1
    stages = list(dict.fromkeys(followed.stages))
    assert stages == ["prepare", "start", "read", "register", "segment", "measure", "load"]
    # the head of the MR lies on the head of the CT, whatever transforms led there
    i, j, k = (25, 23, 22)
    point = phantoms.MR_GRID.affine @ [i, j, k, 1.0]
    expected = phantoms.TRANSFORM.GetInverse().TransformPoint(tuple(point[:3])) * np.array([-1, -1, 1])
    assert np.linalg.norm(world_of(mr, (i, j, k)) - expected) < 1.0  # mm, voxels of 4 mm
    assert set(result.tableNodes) - {"lesions"} == {"measurements", "modalities", "registration"}  # lesions, if found
    assert set(result.volumeNodes) == {"skull"} and result.runFolder is None
    assert result.segmentationNode.GetSegmentation().GetNumberOfSegments() > 0
    assert "research use" in result.warnings[0]
    assert followed.files_are_gone() and followed.no_process_is_left()
    first = result.segmentationNode
    first.GetSegmentation().GetNthSegment(0).SetName("corrected by hand")
    heard = []
    second = logic.process(ct, {"MR": mr}, model=a_model, threads=1, registration="none", onProgress=heard.append)
    assert second.segmentationNode is not first and logic.run is None and heard
    assert first.GetSegmentation().GetNthSegment(0).GetName() == "corrected by hand"
    assert not second.transformNodes, "the volume lies right already"


def test_landmarks_start_a_run_are_kept_in_it_and_stay_on_the_anatomy(logic, nodes, a_model):
    """Points lie where the scene shows the head of the MR, which its parent transform puts there; 2 mm noise."""
    import slicer

    ct, mr = nodes
    places = np.array([[0.0, -88.0, 0.0], [74.0, 0.0, 0.0], [-74.0, 0.0, 0.0], [0.0, 0.0, 78.0]])
    set_in_mr = map_points(phantoms.TRANSFORM, places) + np.random.default_rng(3).normal(0.0, 2.0, places.shape)
    lists = []
    for points in (places, set_in_mr):
        lists.append(slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode"))
        for x, y, z in points.tolist():
            lists[-1].AddControlPoint(-x, -y, z)
    result = logic.process(ct, {"MR": mr}, model=a_model, threads=1, landmarks={"MR": tuple(lists)})
    errors = result.registration["MR"]["landmarks"]
    assert errors["count"] == 4 and 5 < errors["before_mean_mm"] < 15
    assert 0 < errors["start_mean_mm"] <= errors["mean_mm"] < 5
    assert lists[1].GetParentTransformNode() is mr.GetParentTransformNode() is result.transformNodes["MR"]
    shown = [np.array(node.GetNthControlPointPositionWorld(n)) for node in lists for n in range(4)]
    apart = np.linalg.norm(np.subtract(shown[:4], shown[4:]), axis=1)
    assert apart.mean() == pytest.approx(errors["mean_mm"], abs=0.01)
    titles = [result.tableNodes["registration"].GetColumnName(n) for n in range(30)]
    assert "landmarks_mean_mm" in titles
    with pytest.raises(InputError, match="has 4 points and .* has 3"):
        lists[1].RemoveNthControlPoint(0)
        logic.start(ct, {"MR": mr}, model=a_model, landmarks={"MR": tuple(lists)})
    assert logic.run is None


def test_a_volume_ends_up_under_the_transform_that_was_given(logic, nodes, a_model, scene):
    import slicer

    ct, mr = nodes
    chosen = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "chosen")
    chosen.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(parent_of(mr)))
    mr.SetAndObserveTransformNodeID(None)
    count = scene.GetNumberOfNodesByClass("vtkMRMLTransformNode")
    result = logic.process(ct, {"MR": mr}, model=a_model, threads=1, registration="none", transforms={"MR": chosen})
    assert mr.GetParentTransformNode() is chosen is result.transformNodes["MR"]
    assert scene.GetNumberOfNodesByClass("vtkMRMLTransformNode") == count
    assert result.registration["MR"]["kind"] == "given" and sum(result.seconds.values()) > 0


def test_a_region_gives_a_small_segmentation_in_its_place_and_files_are_kept_on_demand(logic, nodes, a_model):
    import shutil

    import slicer

    from MultimodalSegLib.slicerside.scene.segments import labels_from_segmentation

    roi = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "region")
    roi.SetCenter(0.0, 0.0, 20.0)
    roi.SetSize(100.0, 100.0, 100.0)
    result = logic.process(nodes[0], model=a_model, threads=1, roiNode=roi, keepFiles=True)
    try:
        assert (result.runFolder / "run.json").is_file()
        labels = labels_from_segmentation(result.segmentationNode, nodes[0])
        found = np.argwhere(labels)
        some = found[:: max(1, len(found) // 50), ::-1].astype(float)
        positions = np.array([world_of(nodes[0], tuple(index)) for index in some])
        assert len(found) and np.all(np.abs(positions - [0.0, 0.0, 20.0]) <= 54.0)
    finally:
        shutil.rmtree(result.runFolder.parent)


def test_a_kept_run_can_be_asked_which_modality_decided(logic, nodes, a_model):
    """Nothing but the run folder is left, and that is enough."""
    import shutil

    from MultimodalSegLib.restore import open_run
    from MultimodalSegLib.stages.contributions import ContributionOptions, run_contributions

    result = logic.process(nodes[0], {"MR": nodes[1]}, registration="none", model=a_model, threads=1, keepRun=True)
    folder = result.runFolder.parent
    try:
        end = time.monotonic() + 20
        while len(list(folder.iterdir())) > 1 and time.monotonic() < end:
            time.sleep(0.02)
        assert list(folder.iterdir()) == [result.runFolder]
        found = run_contributions(open_run(result.runFolder), ContributionOptions("cpu", threads=1))
        segmentation = result.segmentationNode.GetSegmentation()
        assert len([entry for entry in found if not entry.part.lesion]) == segmentation.GetNumberOfSegments()
        assert all(sum(e.shapley.values()) == pytest.approx(e.score, abs=1e-6) for e in found)
    finally:
        shutil.rmtree(folder)


def test_what_is_wrong_at_once_is_raised_and_nothing_starts(logic, nodes):
    ct, mr = nodes
    with pytest.raises(InputError, match="No reference"):
        logic.start(None)
    with pytest.raises(InputError, match="'elastic'"):
        logic.start(ct, registration="elastic")
    with pytest.raises(InputError, match="reference itself"):
        logic.start(ct, {"MR": ct})
    with pytest.raises(InputError, match="XRAY"):
        logic.start(ct, {"XRAY": mr})
    assert logic.run is None and not children()


def test_a_map_is_laid_over_the_reference_on_demand(logic, nodes, scene):
    import slicer

    from MultimodalSegLib.slicerside.scene.color_maps import show_as_map

    composite = scene.AddNewNodeByClass("vtkMRMLSliceCompositeNode")
    nodes[0].SetAttribute("MultimodalSeg.Map", "uncertainty.nrrd")
    show_as_map(nodes[0])
    logic.showMap(nodes[0], opacity=0.4)
    assert (composite.GetForegroundVolumeID(), composite.GetForegroundOpacity()) == (nodes[0].GetID(), 0.4)
    (legend,) = slicer.util.getNodesByClass("vtkMRMLColorLegendDisplayNode")
    assert legend.GetVisibility()
    logic.showMap(None)
    assert composite.GetForegroundVolumeID() is None and not legend.GetVisibility()


def test_surfaces_are_made_when_asked(logic, scene, a_plain_grid, a_labeled_head, a_scan_of):
    from MultimodalSegLib.slicerside.scene.nodes import segmentation_node, volume_node

    head = a_labeled_head(a_plain_grid)
    node = segmentation_node(head, volume_node(a_scan_of(head), "CT"), "Segmentation")
    assert not node.GetSegmentation().ContainsRepresentation("Closed surface")
    logic.showSurfaces(node)
    assert node.GetSegmentation().ContainsRepresentation("Closed surface") and node.GetDisplayNode().GetVisibility3D()
    logic.showSurfaces(node, False)
    assert not node.GetDisplayNode().GetVisibility3D()
