"""What is marked in a real scene, as it is asked of the program that answers clicks."""

import numpy as np

HERE = [(10.0, 20.0, 30.0), (-5.0, 6.0, 7.0)]
LPS = [[-10.0, -20.0, 30.0], [5.0, -6.0, 7.0]]


def test_points_without_a_place_do_not_count(scene):
    """One that hangs on the mouse, and one that is yet to be placed, which the scene keeps at the origin."""
    import slicer

    from MultimodalSegLib.slicerside.run.refining import points_of

    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "points")
    assert points_of(node).shape == (0, 3)
    for place in (*HERE, (1.0, 1.0, 1.0), (2.0, 2.0, 2.0)):
        node.AddControlPoint(*place)
    node.UnsetNthControlPointPosition(2)
    node.SetNthControlPointPosition(3, 2.0, 2.0, 2.0, node.PositionPreview)
    assert node.GetNumberOfControlPoints() == 4
    np.testing.assert_allclose(points_of(node), LPS)
    for number in range(2):
        node.UnsetNthControlPointPosition(number)
    assert points_of(node).shape == (0, 3)


def test_a_region_that_is_yet_to_be_placed_is_no_box(scene):
    import slicer

    from MultimodalSegLib.slicerside.run.refining import box_of

    region = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "region")
    assert box_of(region) is None
    region.SetCenterWorld(10.0, 20.0, 30.0)
    region.SetSizeWorld(4.0, 6.0, 8.0)
    np.testing.assert_allclose(box_of(region), [[-12.0, -23.0, 26.0], [-8.0, -17.0, 34.0]])
    region.UnsetNthControlPointPosition(0)
    assert box_of(region) is None
