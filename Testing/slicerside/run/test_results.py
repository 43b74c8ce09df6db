"""A run folder becomes nodes: segmentation, tables and maps, under the study and by name."""

import json
import time

import numpy as np
import pytest

from MultimodalSegLib.errors import InputError
from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.volume import Volume
from MultimodalSegLib.inference.segmentation import Segmentation, SegmentClass


def test_everything_is_in_the_scene_by_name_under_the_study(scene, nodes, a_run, a_plain_grid):
    import slicer

    from MultimodalSegLib.slicerside.run.result import Inputs
    from MultimodalSegLib.slicerside.run.results import Loader
    from MultimodalSegLib.slicerside.scene.nodes import hierarchy_item
    from MultimodalSegLib.slicerside.scene.segments import labels_from_segmentation

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
