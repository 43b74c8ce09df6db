"""The whole way from nodes to nodes with real child processes."""

import os
import signal
import sys
import time

import numpy as np
import psutil
import pytest
import SimpleITK as sitk

from MultimodalSegLib.errors import Cancelled, InputError, ModelError, OutOfMemoryError
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


class Followed:
    """A run that is polled by the test, with all that it emits and the longest poll while it was on."""

    def __init__(self, run) -> None:
        self.run, self.stages, self.ends, self.longest_s = run, [], [], 0.0
        self.pids: set[int] = set()
        run.progress.connect(lambda event: self.stages.append(event.stage))
        run.finished.connect(lambda result: self.ends.append(("finished", result)))
        run.failed.connect(lambda *failure: self.ends.append(("failed", *failure)))
        run.cancelled.connect(lambda: self.ends.append(("cancelled",)))

    def until(self, condition, limit_s: float = 180.0) -> None:
        end = time.monotonic() + limit_s
        while not condition() and not self.ends and time.monotonic() < end:
            start = time.thread_time()
            self.run.poll()
            if not self.ends:
                self.longest_s = max(self.longest_s, time.thread_time() - start)
            self.pids |= {process.pid for process in psutil.Process().children(recursive=True)}
            time.sleep(0.01)

    def to_the_end(self, limit_s: float = 180.0) -> tuple:
        self.until(lambda: False, limit_s)
        assert len(self.ends) == 1 and not self.run.running, self.run.log
        return self.ends[0]

    def files_are_gone(self) -> bool:
        end = time.monotonic() + 5
        while self.run.folder.exists() and time.monotonic() < end:
            time.sleep(0.02)
        return not self.run.folder.exists()

    def no_process_is_left(self) -> bool:
        return not any(psutil.pid_exists(pid) and psutil.Process(pid).status() != "zombie" for pid in self.pids)


def world_of(node, index):
    """Where a voxel is in the scene, RAS."""
    import slicer
    import vtk

    matrix, general = vtk.vtkMatrix4x4(), vtk.vtkGeneralTransform()
    node.GetIJKToRASMatrix(matrix)
    slicer.vtkMRMLTransformNode.GetTransformBetweenNodes(node.GetParentTransformNode(), None, general)
    return np.array(general.TransformPoint(matrix.MultiplyPoint((*index, 1.0))[:3]))


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


@pytest.mark.parametrize("stage", ["prepare", "start", "register", "segment"])
def test_cancel_leaves_no_process_and_no_files_in_each_stage(logic, nodes, a_model, scene, stage):
    ct, mr = nodes
    followed = Followed(logic.start(ct, {"MR": mr}, model=a_model, threads=1))
    count = scene.GetNumberOfNodes()
    followed.until(lambda: stage in followed.stages)
    start = time.monotonic()
    followed.run.cancel()
    followed.until(lambda: False, limit_s=2.0)
    assert followed.ends == [("cancelled",)] and time.monotonic() - start < 2.0
    assert followed.no_process_is_left()
    assert (stage == "prepare") == (not followed.pids)
    assert followed.files_are_gone() and scene.GetNumberOfNodes() == count
    assert logic.run is None and not followed.run.poll() and len(followed.ends) == 1


def test_a_closed_scene_cancels_the_run(logic, nodes, a_model, scene):
    followed = Followed(logic.start(nodes[0], {"MR": nodes[1]}, model=a_model, threads=1))
    followed.until(lambda: followed.pids)
    scene.Clear()
    followed.until(lambda: False, limit_s=2.0)
    assert followed.ends == [("cancelled",)] and followed.no_process_is_left() and followed.files_are_gone()
    assert scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 0


def test_closing_the_logic_ends_the_run(logic, nodes, a_model):
    followed = Followed(logic.start(nodes[0], model=a_model, threads=1))
    followed.until(lambda: followed.pids)
    logic.close()
    assert followed.ends == [("cancelled",)] and followed.no_process_is_left()


def test_a_broken_model_is_told_in_one_sentence(logic, nodes, a_model, tmp_path):
    import shutil

    broken = tmp_path / "broken"
    shutil.copytree(a_model, broken)
    (broken / "models" / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(ModelError) as caught:
        logic.process(nodes[0], model=str(broken), threads=1)
    assert caught.value.message and caught.value.hint and "--" not in caught.value.hint
    assert logic.run is None


def test_too_little_memory_is_told_with_a_way_out(logic, nodes, a_model):
    with pytest.raises(OutOfMemoryError) as caught:
        logic.process(nodes[0], model=a_model, threads=1, memoryLimitMb=1)
    assert "smaller region" in caught.value.hint


def test_a_child_that_the_system_kills_was_short_of_memory(logic, nodes, a_model):
    followed = Followed(logic.start(nodes[0], model=a_model, threads=1))
    followed.until(lambda: followed.pids)
    for pid in followed.pids:
        os.kill(pid, signal.SIGKILL)
    end, kind, message, hint = followed.to_the_end(10)
    assert (end, kind) == ("failed", "memory") and "memory" in message and "smaller region" in hint
    assert followed.files_are_gone() and message in followed.run.log


def test_a_region_gives_a_small_segmentation_in_its_place_and_files_are_kept_on_demand(logic, nodes, a_model):
    import shutil

    import slicer

    from MultimodalSegLib.slicerside.scene.nodes import labels_from_segmentation

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
    assert logic.run is None and not psutil.Process().children()


def test_a_cancelled_blocking_run_raises(logic, nodes, a_model):
    with pytest.raises(Cancelled):
        logic.process(nodes[0], model=a_model, onProgress=lambda event: logic.cancel())


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
