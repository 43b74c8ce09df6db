"""Segments of a real scene as label maps."""

import numpy as np
import pytest

from MultimodalSegLib.errors import InputError


@pytest.mark.parametrize("on", ["an_oblique_grid", "a_plain_grid"])
def test_segments_hold_exactly_the_labels(scene, request, a_labeled_head, a_scan_of, on):
    from MultimodalSegLib.slicerside.scene.nodes import segmentation_node, volume_node
    from MultimodalSegLib.slicerside.scene.segments import labels_from_segmentation

    segmentation = a_labeled_head(request.getfixturevalue(on))
    reference = volume_node(a_scan_of(segmentation), "CT", "CT")
    node = segmentation_node(segmentation, reference, "Segmentation")
    assert np.array_equal(labels_from_segmentation(node, reference), segmentation.labels.array)


def test_two_segments_with_one_label_value_are_refused(scene, a_plain_grid, a_labeled_head, a_scan_of):
    import slicer

    from MultimodalSegLib.report.seg_nrrd import GROUP_TAG
    from MultimodalSegLib.slicerside.scene.nodes import segmentation_node, volume_node
    from MultimodalSegLib.slicerside.scene.segments import labels_from_segmentation

    segmentation = a_labeled_head(a_plain_grid)
    reference = volume_node(a_scan_of(segmentation), "CT", "CT")
    node = segmentation_node(segmentation, reference, "Segmentation")
    added = slicer.vtkSegment()
    added.DeepCopy(node.GetSegmentation().GetSegment("Segment_49"))
    added.RemoveTag(GROUP_TAG)
    added.SetLabelValue(10)
    node.GetSegmentation().AddSegment(added, "drawn by hand")
    with pytest.raises(InputError, match="label value 10"):
        labels_from_segmentation(node, reference)


def test_a_structure_that_was_painted_over_another_keeps_its_value(scene, a_plain_grid, a_labeled_head, a_scan_of):
    """As Slicer's Segment Editor does it where overlap is allowed: the structure gets a layer of its own, with 1."""
    import slicer
    import vtk

    from MultimodalSegLib.slicerside.scene.nodes import segmentation_node, volume_node
    from MultimodalSegLib.slicerside.scene.segments import labels_from_segmentation

    segmentation = a_labeled_head(a_plain_grid)
    reference = volume_node(a_scan_of(segmentation), "CT", "CT")
    node = segmentation_node(segmentation, reference, "Segmentation")
    logic, painted = slicer.vtkSlicerSegmentationsModuleLogic, np.roll(segmentation.labels.array == 10, 4, axis=0)
    brush = logic.CreateOrientedImageDataFromVolumeNode(
        slicer.util.addVolumeFromArray(painted.astype(np.uint8), nodeClassName="vtkMRMLLabelMapVolumeNode")
    )
    matrix = vtk.vtkMatrix4x4()
    reference.GetIJKToRASMatrix(matrix)
    brush.SetImageToWorldMatrix(matrix)
    before = segmentation.labels.array
    assert logic.SetBinaryLabelmapToSegment(brush, node, "Segment_49", logic.MODE_MERGE_MAX)
    assert node.GetSegmentation().GetSegment("Segment_49").GetLabelValue() == 1
    labels = labels_from_segmentation(node, reference)
    assert set(np.unique(labels)) == {0, 10, 49, 515}
    assert np.array_equal(labels, np.where(painted & (before != 515), 49, before))  # the bone comes later: it counts
