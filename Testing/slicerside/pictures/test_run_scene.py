import json

import numpy as np
import pytest
import SimpleITK as sitk

from MultimodalSegLib.errors import InputError, OutputError
from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.io import write_volume
from MultimodalSegLib.images.volume import Volume
from MultimodalSegLib.report.seg_nrrd import write_segmentation

SHIFT = (6.0, -4.0, 10.0)


@pytest.fixture
def a_run(tmp_path, a_plain_grid, a_labeled_head, a_scan_of):
    """A run folder of a CT, an MR moved by SHIFT on a grid of its own, and the segmentation."""
    segmentation = a_labeled_head(a_plain_grid)
    ct = a_scan_of(segmentation)
    transform = sitk.TranslationTransform(3, SHIFT)
    mr_grid = Grid((44, 44, 44), (2.0, 2.0, 2.0), (-37.0, -47.0, -33.0))
    bright = ct.with_array(np.where(ct.array > -500, 400.0 + ct.array / 10, 0).astype(np.float32))
    space = Volume(np.zeros(mr_grid.shape, np.float32), mr_grid).to_sitk()
    mr = sitk.Resample(bright.to_sitk(), space, transform.GetInverse(), sitk.sitkLinear, 0.0)
    inputs = tmp_path / "inputs"
    write_volume(ct, inputs / "ct.nrrd")
    write_volume(Volume.from_sitk(mr), inputs / "mr.nrrd")
    run = tmp_path / "run"
    (run / "transforms").mkdir(parents=True)
    write_volume(ct, run / "aligned" / "CT.nrrd")
    write_volume(bright, run / "aligned" / "MR.nrrd")
    sitk.WriteTransform(transform, str(run / "transforms" / "MR_to_CT.h5"))
    write_segmentation(segmentation, run / "segmentation.seg.nrrd")
    record = {
        "format": "MultimodalSeg run 1",
        "status": "finished",
        "reference": "CT",
        "inputs": {"MR": {"path": str(inputs / "mr.nrrd")}, "CT": {"path": str(inputs / "ct.nrrd")}},
        "model": {"name": "default", "version": "0.1.0", "checksum": "abc123", "path": "somewhere"},
        "device": "cpu",
        "segmentation": {"network_seconds": 2.5},
    }
    (run / "run.json").write_text(json.dumps(record), encoding="utf-8")
    return run


def parent_names(scene, node):
    """Names of the folders above a node, the nearest first."""
    hierarchy = scene.GetSubjectHierarchyNode()
    item, names = hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node)), []
    while item != hierarchy.GetSceneItemID():
        names.append(hierarchy.GetItemName(item))
        item = hierarchy.GetItemParent(item)
    return names


def test_the_scene_holds_the_volumes_as_they_came_under_their_transforms(scene, a_run, a_labeled_head, a_plain_grid):
    from MultimodalSegLib.slicerside.pictures.run_scene import build_scene
    from MultimodalSegLib.slicerside.scene.nodes import volume_from_node
    from MultimodalSegLib.slicerside.scene.segments import labels_from_segmentation

    nodes = build_scene(a_run, "Case 7")
    assert nodes.missing == ()
    assert volume_from_node(nodes.moving["MR"]).grid.size == (44, 44, 44)
    assert nodes.moving["MR"].GetParentTransformNode() is nodes.transforms["MR"]
    assert nodes.reference.GetParentTransformNode() is None
    expected = a_labeled_head(a_plain_grid).labels.array
    assert np.array_equal(labels_from_segmentation(nodes.segmentation, nodes.reference), expected)
    assert nodes.segmentation.GetAttribute("MultimodalSeg.Model") == "default"
    assert nodes.segmentation.GetAttribute("MultimodalSeg.Seconds") == "2.5"
    for node in (nodes.reference, nodes.moving["MR"], nodes.transforms["MR"], nodes.segmentation):
        assert parent_names(scene, node) == ["Study", "Case 7"]


def test_an_original_that_changed_is_replaced_by_its_aligned_copy(scene, a_run):
    from MultimodalSegLib.slicerside.pictures.run_scene import build_scene

    record = json.loads((a_run / "run.json").read_text(encoding="utf-8"))
    record["inputs"]["MR"]["sha256"] = "0" * 64
    record["inputs"]["CT"]["path"] = "/nowhere/ct.nrrd"
    (a_run / "run.json").write_text(json.dumps(record), encoding="utf-8")
    nodes = build_scene(a_run)
    assert nodes.moving["MR"].GetName() == "MR aligned"
    assert nodes.moving["MR"].GetParentTransformNode() is None
    assert nodes.reference.GetName() == "CT aligned"
    assert len(nodes.missing) == 2 and "changed" in nodes.missing[1]


def test_a_run_without_registration_and_segmentation_opens(scene, a_run):
    from MultimodalSegLib.slicerside.pictures.run_scene import build_scene

    (a_run / "transforms" / "MR_to_CT.h5").unlink()
    (a_run / "segmentation.seg.nrrd").unlink()
    nodes = build_scene(a_run)
    assert nodes.segmentation is None and nodes.transforms == {}
    assert nodes.missing == ("The run has no segmentation yet.",)


def test_a_folder_that_is_no_run_is_refused(scene, tmp_path):
    from MultimodalSegLib.slicerside.pictures.run_scene import build_scene

    with pytest.raises(InputError, match="run.json"):
        build_scene(tmp_path)


def test_a_saved_scene_keeps_names_terminology_and_transforms(scene, a_run, tmp_path):
    import slicer

    from MultimodalSegLib.slicerside.pictures.run_scene import build_scene, save_mrb

    nodes = build_scene(a_run)
    nodes.segmentation.CreateClosedSurfaceRepresentation()
    terminology = nodes.segmentation.GetSegmentation().GetSegment("Segment_10").GetTerminology()
    save_mrb(tmp_path / "case.mrb")
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []

    scene.Clear()
    slicer.util.loadScene(str(tmp_path / "case.mrb"), {})
    segmentation = slicer.util.getNode("Segmentation")
    left = segmentation.GetSegmentation().GetSegment("Segment_10")
    assert (left.GetName(), left.GetTerminology()) == ("Left thalamus", terminology)
    assert not segmentation.GetSegmentation().ContainsRepresentation("Closed surface")
    moved = slicer.util.getNode("MR").GetParentTransformNode()
    assert moved.GetName() == "MR to CT"
    from_parent = slicer.util.arrayFromTransformMatrix(moved)[:3, 3] * -1
    assert np.allclose(from_parent, (-SHIFT[0], -SHIFT[1], SHIFT[2]), atol=1e-9)  # LPS to RAS
    assert slicer.util.getNode("CT").GetDisplayNode().GetWindow() == 80
    assert parent_names(scene, segmentation) == ["Study", "Case"]


def test_a_scene_cannot_be_saved_into_a_missing_folder(scene, tmp_path):
    from MultimodalSegLib.slicerside.pictures.run_scene import save_mrb

    with pytest.raises(OutputError, match="cannot be saved"):
        save_mrb(tmp_path / "missing" / "case.mrb")
