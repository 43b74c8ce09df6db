import numpy as np
import pytest
import SimpleITK as sitk
from scipy import ndimage

from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.volume import Volume


def test_a_volume_survives_the_round_trip_exactly(scene, an_oblique_grid):
    from MultimodalSegLib.slicerside.scene.nodes import volume_from_node, volume_node

    values = np.random.default_rng(0).normal(0, 100, an_oblique_grid.shape).astype(np.float32)
    back = volume_from_node(volume_node(Volume(values, an_oblique_grid), "scan", "MR"))
    assert np.array_equal(back.array, values)
    assert np.allclose(back.grid.affine, an_oblique_grid.affine, atol=1e-12)


def test_left_in_lps_is_negative_in_ras(scene, a_plain_grid, a_labeled_head, a_scan_of):
    import slicer

    from MultimodalSegLib.slicerside.scene.nodes import volume_node

    node = volume_node(a_scan_of(a_labeled_head(a_plain_grid)), "CT", "CT")
    k, j, i = np.argwhere(slicer.util.arrayFromVolume(node) == 60.0).mean(axis=0)  # the left block
    matrix = slicer.vtkMRMLSliceNode().GetXYToRAS()
    node.GetIJKToRASMatrix(matrix)
    assert matrix.MultiplyPoint((i, j, k, 1))[0] < -5


def test_ct_is_shown_in_the_brain_window_and_mr_by_its_own_values(scene, a_plain_grid, a_labeled_head, a_scan_of):
    from MultimodalSegLib.slicerside.scene.nodes import MODALITY_ATTRIBUTE, volume_node

    ct = a_scan_of(a_labeled_head(a_plain_grid))
    mr = ct.with_array(np.where(ct.array > -500, ct.array + 500, 0).astype(np.float32))
    ct_node, mr_node = volume_node(ct, "CT", "CT"), volume_node(mr, "MR", "MR")
    assert (ct_node.GetDisplayNode().GetWindow(), ct_node.GetDisplayNode().GetLevel()) == (80, 40)
    display = mr_node.GetDisplayNode()
    assert display.GetWindowLevelMin() > 400 and display.GetWindowLevelMax() == pytest.approx(1400)
    assert mr_node.GetAttribute(MODALITY_ATTRIBUTE) == "MR"


def test_a_constant_volume_and_64_bit_integers_are_accepted(scene, a_plain_grid):
    from MultimodalSegLib.slicerside.scene.nodes import volume_from_node, volume_node

    node = volume_node(Volume(np.full(a_plain_grid.shape, 7, np.int64), a_plain_grid), "constant", "MR")
    assert (volume_from_node(node).array == 7).all()


def test_segments_have_names_colors_terminology_and_provenance(scene, a_plain_grid, a_labeled_head, a_scan_of):
    from MultimodalSegLib.slicerside.scene.nodes import hierarchy_item, segmentation_node, volume_node

    segmentation = a_labeled_head(a_plain_grid)
    reference = volume_node(a_scan_of(segmentation), "CT", "CT")
    hierarchy = scene.GetSubjectHierarchyNode()
    study = hierarchy.CreateStudyItem(hierarchy.GetSceneItemID(), "Study")
    hierarchy.SetItemParent(hierarchy_item(reference), study)
    node = segmentation_node(segmentation, reference, "Segmentation")
    collection = node.GetSegmentation()
    assert list(collection.GetSegmentIDs()) == ["Segment_10", "Segment_49", "Segment_515"]  # no segment for Absent
    left = collection.GetSegment("Segment_10")
    assert (left.GetName(), left.GetLabelValue()) == ("Left thalamus", 10)
    assert np.allclose(left.GetColor(), np.array([0, 118, 14]) / 255)
    assert left.GetTerminology() == segmentation.classes[0].terminology
    assert node.GetAttribute("MultimodalSeg.Model") == "default"
    assert node.GetAttribute("MultimodalSeg.Checksum") == "abc123"
    assert node.GetNodeReference(node.GetReferenceImageGeometryReferenceRole()) is reference
    assert hierarchy.GetItemParent(hierarchy_item(node)) == study


def a_rigid_transform():
    return sitk.Euler3DTransform((3, -4, 5), 0.2, -0.1, 0.3, (6.0, -5.0, 4.0))


def a_bending_transform():
    transform = sitk.BSplineTransformInitializer(sitk.Image([60, 60, 60], sitk.sitkUInt8), [4, 4, 4])
    transform.SetTransformDomainOrigin((-60.0, -60.0, -60.0))
    transform.SetTransformDomainPhysicalDimensions((120.0, 120.0, 120.0))
    transform.SetParameters(np.random.default_rng(0).normal(0, 3, len(transform.GetParameters())))
    return transform


@pytest.mark.parametrize("make", [a_rigid_transform, a_bending_transform])
def test_a_moving_volume_under_its_transform_lands_where_simpleitk_puts_it(scene, a_plain_grid, make):
    import slicer

    from MultimodalSegLib.slicerside.scene.nodes import transform_node, volume_from_node, volume_node

    transform = make()
    grid = Grid((50, 46, 44), (1.7, 1.9, 2.1), (38.0, -40.0, -44.0), (-1, 0, 0, 0, 1, 0, 0, 0, 1))
    noise = np.random.default_rng(1).normal(0, 500, grid.shape).astype(np.float32)
    moving = Volume(ndimage.gaussian_filter(noise, 2.5), grid)
    reference = Volume(np.zeros(a_plain_grid.shape, np.float32), a_plain_grid)
    image = sitk.Resample(moving.to_sitk(), reference.to_sitk(), transform, sitk.sitkLinear, 0.0)
    expected = sitk.GetArrayFromImage(image)

    moving_node, reference_node = volume_node(moving, "MR", "MR"), volume_node(reference, "CT", "CT")
    moving_node.SetAndObserveTransformNodeID(transform_node(transform, "MR to CT").GetID())
    found = slicer.modules.volumes.logic().ResampleVolumeToReferenceVolume(moving_node, reference_node)
    found.SetAndObserveTransformNodeID(None)
    inner = (slice(8, -8),) * 3  # MRML and ITK treat the outermost voxels differently
    difference = np.abs(volume_from_node(found).array - expected)[inner]
    assert expected[inner].std() > 3
    assert difference.max() < 0.05
