"""The file that the library writes without Slicer, opened by Slicer's own code and by slicerio."""

import numpy as np
import pytest
import SimpleITK as sitk

from MultimodalSegLib.errors import OutputError
from MultimodalSegLib.report.seg_nrrd import write_segmentation


@pytest.fixture
def a_file(tmp_path, an_oblique_grid, a_labeled_head):
    """The segmentation and the file it was written to."""
    segmentation = a_labeled_head(an_oblique_grid)
    path = tmp_path / "segmentation.seg.nrrd"
    write_segmentation(segmentation, path)
    return segmentation, path


def test_slicer_opens_it_with_names_colors_and_terminology(scene, a_file, a_scan_of):
    import slicer

    from MultimodalSegLib.slicerside.scene.nodes import volume_node
    from MultimodalSegLib.slicerside.scene.segments import labels_from_segmentation

    segmentation, path = a_file
    node = slicer.util.loadSegmentation(str(path), {})
    collection = node.GetSegmentation()
    assert list(collection.GetSegmentIDs()) == ["Segment_10", "Segment_49", "Segment_515"]
    for expected in segmentation.classes[:3]:
        segment = collection.GetSegment(f"Segment_{expected.value}")
        assert (segment.GetName(), segment.GetLabelValue()) == (expected.name, expected.value)
        assert np.allclose(segment.GetColor(), np.array(expected.color) / 255, atol=1e-5)
        assert segment.GetTerminology() == expected.terminology
    reference = volume_node(a_scan_of(segmentation), "CT", "CT")
    assert np.array_equal(labels_from_segmentation(node, reference), segmentation.labels.array)


def test_slicer_writes_what_it_opens(scene, a_file, a_scan_of, tmp_path):
    import slicer

    from MultimodalSegLib.slicerside.scene.nodes import segmentation_node, volume_node

    segmentation, _ = a_file
    node = segmentation_node(segmentation, volume_node(a_scan_of(segmentation), "CT", "CT"), "Segmentation")
    assert slicer.util.saveNode(node, str(tmp_path / "slicer.seg.nrrd"), {})
    image = sitk.ReadImage(str(tmp_path / "slicer.seg.nrrd"))
    assert np.array_equal(sitk.GetArrayFromImage(image), segmentation.labels.array)
    assert np.allclose(image.GetDirection(), segmentation.labels.grid.direction, atol=1e-12)
    assert image.GetMetaData("Segment0_Name") == "Left thalamus"
    assert segmentation.classes[0].terminology in image.GetMetaData("Segment0_Tags")


def test_slicerio_reads_it(a_file):
    slicerio = pytest.importorskip("slicerio", reason="slicerio is not installed")
    segmentation, path = a_file
    found = slicerio.read_segmentation(str(path))
    assert np.array_equal(found["voxels"].transpose(2, 1, 0), segmentation.labels.array)
    assert np.allclose(found["ijkToLPS"], segmentation.labels.grid.affine, atol=1e-12)
    left = found["segments"][0]
    assert (left["name"], left["labelValue"], left["layer"]) == ("Left thalamus", 10, 0)
    assert left["terminology"]["type"] == ["SCT", "42695009", "Thalamus"]
    voxels = np.argwhere(segmentation.labels.array == 10)[:, ::-1]  # i, j, k
    assert left["extent"] == [b for pair in zip(voxels.min(0), voxels.max(0), strict=True) for b in pair]


def test_a_missing_folder_is_reported_and_nothing_is_left_behind(a_file, tmp_path):
    segmentation, _ = a_file
    with pytest.raises(OutputError, match="cannot be written"):
        write_segmentation(segmentation, tmp_path / "missing" / "a.seg.nrrd")
    with pytest.raises(ValueError, match=".seg.nrrd"):
        write_segmentation(segmentation, tmp_path / "a.nrrd")
    assert [p.name for p in tmp_path.iterdir()] == ["segmentation.seg.nrrd"]
