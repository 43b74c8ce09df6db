import json
import time

import numpy as np
import pytest
import SimpleITK as sitk

from MultimodalSegLib.errors import InputError
from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.io import write_volume
from MultimodalSegLib.images.volume import Volume
from MultimodalSegLib.inference.segmentation import Segmentation, SegmentClass
from MultimodalSegLib.report.seg_nrrd import write_segmentation
from MultimodalSegLib.run_folder import RunFolder

FOUND = sitk.Euler3DTransform((3, -4, 5), 0.2, -0.1, 0.3, (6.0, -5.0, 4.0))
QUALITY = {
    "kind": "rigid",
    "seconds": 2.0,
    "mutual_information_before": 0.3,
    "mutual_information_after": 0.9,
    "head_overlap": 0.95,
    "converged": True,
    "message": "",
    "light": "green",
    "error_mm": 0.8,
    "error_high_mm": 2.1,
    "light_reason": "",
}


@pytest.fixture
def a_run(tmp_path, a_labeled_head):
    """Function that makes a finished run folder on a grid, with a moving MR, a probability map and tables."""

    def make(grid: Grid, *, transform=FOUND, kind="rigid", segmentation=None) -> RunFolder:
        record = {
            "inputs": {"CT": {"path": "ct"}, "MR": {"path": "mr"}},
            "reference": "CT",
            "model": {"name": "tiny", "version": "0.1.0", "checksum": "abc", "path": "/secret"},
            "versions": {"MultimodalSeg": "0.1.0"},
            "warnings": ["Look at it."],
        }
        run = RunFolder.create(tmp_path / "run", record)
        segmentation = segmentation or a_labeled_head(grid)
        with run.working():
            run.record["registration"] = {"MR": {**QUALITY, "kind": kind}}
            run.record["segmentation"] = {"lesion_presence": 0.25, "network_seconds": 1.0}
            run.record["device"] = "cpu"
            (run.path / "transforms").mkdir()
            sitk.WriteTransform(transform, str(run.path / "transforms" / "MR_to_CT.h5"))
            write_segmentation(segmentation, run.segmentation)
            values = (segmentation.labels.array == 515).astype(np.float32) * 0.8
            write_volume(Volume(values, grid), run.path / "probabilities" / "bone.nrrd")
            (run.path / "explanation").mkdir()
            (run.path / "explanation" / "modalities.csv").write_text("modality,mean fusion weight\nCT,0.7\nMR,0.3\n")
            run.measurements.write_text("name,value,volume_ml,components\nBone,515,12.5,\nLesion,600,,2\n")
            run.lesions.write_text("name,number,volume_ml,side,nearest_mm\nLesion 1,1,2.5,left,3.5\nLesion 2,2,1.0,,\n")
            (run.path / "changes.csv").write_text("change,now,earlier\n")
        return run

    return make


@pytest.fixture
def nodes(scene, a_plain_grid):
    """A CT node under a study, and an MR node."""
    from MultimodalSegLib.slicerside.scene.nodes import hierarchy_item, volume_node

    values = np.random.default_rng(0).normal(0, 100, a_plain_grid.shape).astype(np.float32)
    ct, mr = (volume_node(Volume(values, a_plain_grid), name) for name in ("Head CT", "Head MR"))
    hierarchy = scene.GetSubjectHierarchyNode()
    study = hierarchy.CreateStudyItem(hierarchy.GetSceneItemID(), "Study")
    hierarchy.SetItemParent(hierarchy_item(ct), study)
    return ct, mr


def test_everything_is_in_the_scene_by_name_under_the_study(scene, nodes, a_run, a_plain_grid):
    import slicer

    from MultimodalSegLib.slicerside.run.result import Inputs
    from MultimodalSegLib.slicerside.run.results import Loader
    from MultimodalSegLib.slicerside.scene.nodes import hierarchy_item, labels_from_segmentation

    ct, mr = nodes
    run = a_run(a_plain_grid)
    result = Loader(run.path, Inputs(ct, {"MR": mr})).load()
    segmentation = result.segmentationNode
    assert segmentation.GetName() == "Head CT segmentation"
    left = segmentation.GetSegmentation().GetSegment("Segment_10")
    assert left.GetName() == "Left thalamus" and left.GetTerminology()
    assert np.allclose(left.GetColor(), np.array([0, 118, 14]) / 255, atol=1e-3)
    assert segmentation.GetNodeReference(segmentation.GetReferenceImageGeometryReferenceRole()) is ct
    assert set(np.unique(labels_from_segmentation(segmentation, ct))) == {0, 10, 49, 515}
    assert not segmentation.GetSegmentation().ContainsRepresentation("Closed surface")
    made = [segmentation, *result.transformNodes.values(), *result.tableNodes.values(), *result.volumeNodes.values()]
    hierarchy = scene.GetSubjectHierarchyNode()
    study = hierarchy.GetItemParent(hierarchy_item(ct))
    assert study and all(hierarchy.GetItemParent(hierarchy_item(node)) == study for node in made)
    assert [node.GetName() for node in made[1:]] == [
        "Head MR to Head CT",
        "Head CT measurements",
        "Head CT lesions",
        "Head CT modality weights",
        "Head CT registration",
        "Head CT bone",
    ]
    attribute = segmentation.GetAttribute
    assert (attribute("MultimodalSeg.Model"), attribute("MultimodalSeg.Checksum")) == ("tiny", "abc")
    assert "MR=Head MR" in attribute("MultimodalSeg.Inputs") and attribute("MultimodalSeg.Device") == "cpu"
    assert (result.warnings, result.lesionPresence, result.runFolder) == (("Look at it.",), 0.25, run.path)
    assert not slicer.util.getNodesByClass("vtkMRMLSegmentationStorageNode"), "it would point to a removed file"


def test_tables_hold_numbers_where_there_are_numbers(scene, nodes, a_run, a_plain_grid):
    from MultimodalSegLib.slicerside.run.result import Inputs
    from MultimodalSegLib.slicerside.run.results import Loader

    result = Loader(a_run(a_plain_grid).path, Inputs(nodes[0], {"MR": nodes[1]})).load()
    tables, attribute = result.tableNodes, result.transformNodes["MR"].GetAttribute
    measured = tables["measurements"].GetTable()
    assert [measured.GetColumnName(n) for n in range(4)] == ["name", "value", "volume_ml", "components"]
    assert measured.GetValueByName(0, "name").ToString() == "Bone"
    assert measured.GetValueByName(1, "value").ToInt() == 600
    assert measured.GetValueByName(0, "volume_ml").ToDouble() == 12.5
    assert np.isnan(measured.GetValueByName(1, "volume_ml").ToDouble())
    lesions = tables["lesions"].GetTable()
    assert lesions.GetValueByName(0, "side").ToString() == "left" and lesions.GetValueByName(1, "number").ToInt() == 2
    assert np.isnan(lesions.GetValueByName(1, "nearest_mm").ToDouble())
    assert "changes" not in tables, "a table without rows is not shown"
    assert tables["modalities"].GetTable().GetValueByName(1, "mean fusion weight").ToDouble() == 0.3
    assert tables["registration"].GetTable().GetValueByName(0, "kind").ToString() == "rigid"
    assert tables["registration"].GetTable().GetValueByName(0, "error_mm").ToDouble() == 0.8
    assert attribute("MultimodalSeg.Light") == "green"
    assert attribute("MultimodalSeg.Error") == "about 0.8 mm, hardly above 2.1 mm"


def test_maps_are_float_colored_transparent_where_low_and_not_shown(scene, nodes, a_run, a_plain_grid):
    import slicer

    from MultimodalSegLib.slicerside.run.result import Inputs
    from MultimodalSegLib.slicerside.run.results import Loader

    node = Loader(a_run(a_plain_grid).path, Inputs(nodes[0], {"MR": nodes[1]})).load().volumeNodes["bone"]
    display = node.GetDisplayNode()
    assert node.GetImageData().GetScalarTypeAsString() == "float"
    assert display.GetApplyThreshold() and display.GetLowerThreshold() == pytest.approx(0.05)
    assert (display.GetWindowLevelMin(), display.GetWindowLevelMax()) == (0.0, 1.0)
    assert display.GetColorNode() is not None
    (legend,) = slicer.util.getNodesByClass("vtkMRMLColorLegendDisplayNode")
    assert not legend.GetVisibility()


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


def test_a_second_result_leaves_the_first_alone_unless_told(scene, nodes, a_run, a_plain_grid):
    from MultimodalSegLib.slicerside.run.result import Inputs
    from MultimodalSegLib.slicerside.run.results import Loader

    run, inputs = a_run(a_plain_grid), Inputs(nodes[0], {"MR": nodes[1]})
    first = Loader(run.path, inputs).load().segmentationNode
    first.GetSegmentation().GetSegment("Segment_10").SetName("corrected by hand")
    second = Loader(run.path, inputs).load().segmentationNode
    assert first is not second and first.GetName() != second.GetName()
    assert first.GetSegmentation().GetSegment("Segment_10").GetName() == "corrected by hand"
    third = Loader(run.path, inputs, first).load().segmentationNode
    assert third is first
    assert first.GetSegmentation().GetSegment("Segment_10").GetName() == "Left thalamus"
    assert scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 2


def test_a_result_that_cannot_be_read_leaves_the_scene_as_it_was(scene, nodes, a_run, a_plain_grid, monkeypatch):
    import slicer

    from MultimodalSegLib.slicerside.run.result import Inputs
    from MultimodalSegLib.slicerside.run.results import Loader

    def broken(*_):
        raise RuntimeError("broken file")

    run = a_run(a_plain_grid)
    before = scene.GetNumberOfNodes()
    monkeypatch.setattr(slicer.util, "loadSegmentation", broken)  # the last that is loaded
    with pytest.raises(InputError, match="cannot be read"):
        Loader(run.path, Inputs(nodes[0], {"MR": nodes[1]})).load()
    (run.path / "transforms" / "MR_to_CT.h5").unlink()
    with pytest.raises(InputError, match="no transform of MR"):
        Loader(run.path, Inputs(nodes[0], {"MR": nodes[1]})).load()
    assert scene.GetNumberOfNodes() == before
    assert nodes[1].GetParentTransformNode() is None


def test_nodes_that_were_deleted_during_the_run_are_done_without(scene, nodes, a_run, a_plain_grid):
    from MultimodalSegLib.slicerside.run.result import Inputs
    from MultimodalSegLib.slicerside.run.results import Loader

    ct, mr = nodes
    run = a_run(a_plain_grid)
    scene.RemoveNode(mr)
    assert not Loader(run.path, Inputs(ct, {"MR": mr})).load().transformNodes
    scene.RemoveNode(ct)
    result = Loader(run.path, Inputs(ct, {"MR": mr})).load()
    assert result.segmentationNode.GetSegmentation().GetNumberOfSegments() == 3
    assert "deleted" in result.warnings[-1]


def test_a_large_head_with_many_segments_is_shown_within_three_seconds(scene, a_run, capsys):
    from MultimodalSegLib.slicerside.run.result import Inputs
    from MultimodalSegLib.slicerside.run.results import Loader
    from MultimodalSegLib.slicerside.scene.nodes import volume_node

    grid = Grid((256, 256, 256), (1.0, 1.0, 1.0), (-128.0, -128.0, -128.0))
    k, j, i = np.ogrid[:256, :256, :256]
    radius = np.sqrt((i - 128.0) ** 2 + (j - 128.0) ** 2 + (k - 128.0) ** 2)
    labels = np.where(radius < 120, 1 + (radius // 10) + 12 * (i > 128), 0).astype(np.uint16)
    classes = tuple(SegmentClass(f"part {n}", n, (n, 2 * n, 3 * n), "", "brain") for n in range(1, 25))
    head = Segmentation(Volume(labels, grid), classes, model={"name": "tiny", "version": "1", "checksum": "a"})
    run = a_run(grid, segmentation=head)
    ct = volume_node(Volume((labels * 10).astype(np.float32), grid), "CT")
    wall, processor = time.perf_counter(), time.process_time()
    result = Loader(run.path, Inputs(ct)).load()
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    with capsys.disabled():
        print(f"\n  256^3 voxels, 24 segments and one map: {wall:.2f} s, {processor:.2f} s of it on the processor")
    assert result.segmentationNode.GetSegmentation().GetNumberOfSegments() == 24
    assert processor < 3.0, "other work on the machine does not count"
    assert json.dumps(dict(result.seconds)) == "{}"
