"""A corrected segment in a real scene: neighbors, undo and redo."""

import numpy as np

from MultimodalSegLib.images.volume import Volume
from MultimodalSegLib.models.classes import SegmentClass

NEW = SegmentClass("Missed", 9001, (230, 159, 0), "", "")


def a_node(grid, a_labeled_head, a_scan_of):
    from MultimodalSegLib.slicerside.scene.nodes import segmentation_node, volume_node

    head = a_labeled_head(grid)
    reference = volume_node(a_scan_of(head), "CT", "CT")
    return segmentation_node(head, reference, "Result"), reference, head


def voxels(node, identifier, reference):
    import slicer

    return slicer.util.arrayFromSegmentBinaryLabelmap(node, identifier, reference) > 0


def a_mask(head):
    """Half in the left thalamus, half outside of everything."""
    mask = head.labels.array == 10
    return Volume(mask | np.roll(mask, mask.sum(2).max() // 2 + 2, axis=2), head.labels.grid)


def test_a_new_segment_overlaps_its_neighbor_and_takes_nothing(scene, an_oblique_grid, a_labeled_head, a_scan_of):
    from MultimodalSegLib.slicerside.scene.edits import SegmentEdits

    node, reference, head = a_node(an_oblique_grid, a_labeled_head, a_scan_of)
    mask = a_mask(head)
    assert SegmentEdits(node).put(NEW, mask) == "Segment_9001"
    assert np.array_equal(voxels(node, "Segment_9001", reference), mask.array)
    for value in (10, 49, 515):
        assert np.array_equal(voxels(node, f"Segment_{value}", reference), head.labels.array == value)


def test_neighbors_give_way_when_that_is_allowed(scene, a_plain_grid, a_labeled_head, a_scan_of):
    from MultimodalSegLib.slicerside.scene.edits import SegmentEdits

    node, reference, head = a_node(a_plain_grid, a_labeled_head, a_scan_of)
    mask = a_mask(head)
    SegmentEdits(node).put(NEW, mask, allowOverwrite=True)
    assert np.array_equal(voxels(node, "Segment_9001", reference), mask.array)
    assert not (voxels(node, "Segment_10", reference) & mask.array).any()
    assert np.array_equal(voxels(node, "Segment_49", reference), (head.labels.array == 49) & ~mask.array)


def test_changes_are_undone_and_done_again_one_by_one(scene, a_plain_grid, a_labeled_head, a_scan_of):
    from MultimodalSegLib.slicerside.scene.edits import SegmentEdits

    node, reference, head = a_node(a_plain_grid, a_labeled_head, a_scan_of)
    edits, mask = SegmentEdits(node), a_mask(head)
    thalamus = SegmentClass("Left thalamus", 10, (0, 118, 14), "", "brain")
    assert not edits.canUndo and not edits.undo()
    edits.put(NEW, mask)
    edits.put(thalamus, mask)
    assert np.array_equal(voxels(node, "Segment_10", reference), mask.array)
    assert edits.undo() and np.array_equal(voxels(node, "Segment_10", reference), head.labels.array == 10)
    assert edits.canUndo and edits.undo()
    assert node.GetSegmentation().GetSegment("Segment_9001") is None
    assert edits.redo() and np.array_equal(voxels(node, "Segment_9001", reference), mask.array)
    assert edits.redo() and not edits.canRedo
    assert np.array_equal(voxels(node, "Segment_10", reference), mask.array)
