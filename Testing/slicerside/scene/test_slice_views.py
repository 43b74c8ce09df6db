"""What the slice views show can be changed and put back."""

import pytest


@pytest.fixture
def volumes(scene, a_plain_grid, a_labeled_head, a_scan_of):
    from MultimodalSegLib.slicerside.scene.nodes import volume_node

    scan = a_scan_of(a_labeled_head(a_plain_grid))
    return [volume_node(scan, name) for name in ("CT", "MR", "map")]


def test_every_view_shows_the_volumes_and_then_what_it_showed_before(scene, volumes):
    from MultimodalSegLib.slicerside.scene.slice_views import SliceViews

    ct, mr, overlay = volumes
    red, green = (scene.AddNewNodeByClass("vtkMRMLSliceCompositeNode", name) for name in ("Red", "Green"))
    red.SetBackgroundVolumeID(mr.GetID())
    green.SetForegroundOpacity(0.7)
    views = SliceViews()
    views.show(ct, overlay, 0.3)
    assert [view.GetBackgroundVolumeID() for view in (red, green)] == [ct.GetID()] * 2
    assert [view.GetForegroundOpacity() for view in (red, green)] == [0.3, 0.3]
    views.restore()
    assert (red.GetBackgroundVolumeID(), green.GetBackgroundVolumeID()) == (mr.GetID(), None)
    assert not red.GetForegroundVolumeID() and green.GetForegroundOpacity() == 0.7


def test_a_volume_that_is_gone_is_not_shown_again(scene, volumes):
    from MultimodalSegLib.slicerside.scene.slice_views import SliceViews

    ct, mr, _overlay = volumes
    view = scene.AddNewNodeByClass("vtkMRMLSliceCompositeNode")
    view.SetBackgroundVolumeID(mr.GetID())
    views = SliceViews()
    views.show(ct, None, 0.0)
    scene.RemoveNode(mr)
    views.restore()
    assert view.GetBackgroundVolumeID() is None
