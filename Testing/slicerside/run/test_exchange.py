import inspect

import numpy as np
import pytest
import SimpleITK as sitk

from MultimodalSegLib.errors import InputError, OutputError
from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.io import read_volume
from MultimodalSegLib.images.volume import Volume


@pytest.fixture
def a_scan(scene, an_oblique_grid):
    """Volume node with a random scan on an oblique, flipped grid."""
    return a_node_on(an_oblique_grid, "scan")


def a_node_on(grid: Grid, name: str, dtype=np.float32):
    from MultimodalSegLib.slicerside.scene.nodes import volume_node

    values = np.random.default_rng(len(name)).normal(100, 50, grid.shape).astype(dtype)
    return volume_node(Volume(values, grid), name)


def a_linear(matrix, parent=None):
    import slicer

    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    node.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(np.asarray(matrix, float)))
    if parent is not None:
        node.SetAndObserveTransformNodeID(parent.GetID())
    return node


def a_rigid_matrix():
    matrix = np.eye(4)
    matrix[:3, :3] = np.array(sitk.Euler3DTransform((0, 0, 0), 0.2, -0.1, 0.3).GetMatrix()).reshape(3, 3)
    matrix[:3, 3] = 7.0, -5.0, 3.0
    return matrix


def a_bending_node(tmp_path):
    import slicer

    transform = sitk.BSplineTransformInitializer(sitk.Image([60, 60, 60], sitk.sitkUInt8), [4, 4, 4])
    transform.SetTransformDomainOrigin((-90.0, -90.0, -90.0))
    transform.SetTransformDomainPhysicalDimensions((180.0, 180.0, 180.0))
    transform.SetParameters(np.random.default_rng(0).normal(0, 3, len(transform.GetParameters())))
    sitk.WriteTransform(transform, str(tmp_path / "bending.h5"))
    return slicer.util.loadTransform(str(tmp_path / "bending.h5")), transform


@pytest.mark.parametrize("dtype", [np.int16, np.uint8, np.float32, np.float64])
def test_files_hold_the_nodes_values_and_place_exactly(scene, an_oblique_grid, tmp_path, dtype):
    from MultimodalSegLib.slicerside.run.exchange import plan, write

    node = a_node_on(an_oblique_grid, "scan", dtype)
    files = write(plan(("CT", node), {}, tmp_path), tmp_path / "inputs")
    back = read_volume(files["CT"])
    import slicer

    assert np.array_equal(back.array, slicer.util.arrayFromVolume(node).astype(np.float32))
    assert np.allclose(back.grid.affine, an_oblique_grid.affine, atol=1e-9)
    assert sitk.GetArrayFromImage(sitk.ReadImage(str(files["CT"]))).dtype == dtype


def test_a_moving_volume_keeps_its_place_under_parent_transforms(a_scan, a_plain_grid, tmp_path):
    from MultimodalSegLib.slicerside.run.exchange import plan
    from MultimodalSegLib.slicerside.scene.nodes import LPS_TO_RAS

    grid = Grid((20, 22, 24), (2.0, 1.5, 3.0), (-10.0, -20.0, -30.0))
    moving = a_node_on(grid, "moving")
    outer = a_linear(a_rigid_matrix())
    inner = a_linear(np.linalg.inv(a_rigid_matrix()) * 1.0, outer)
    shift = np.eye(4)
    shift[:3, 3] = 1.0, 2.0, 3.0
    moving.SetAndObserveTransformNodeID(a_linear(shift, inner).GetID())
    a_scan.SetAndObserveTransformNodeID(outer.GetID())
    planned = plan(("CT", a_scan), {"MR": moving}, tmp_path)
    index = np.array([3.0, 4.0, 5.0, 1.0])
    in_world = shift @ LPS_TO_RAS @ grid.affine @ index  # outer and inner cancel each other
    in_reference = LPS_TO_RAS @ np.linalg.inv(a_rigid_matrix()) @ in_world
    assert np.allclose(planned.inputs["MR"].grid.affine @ index, in_reference, atol=1e-9)
    assert np.allclose(planned.placements["MR"], np.linalg.inv(a_rigid_matrix()) @ shift, atol=1e-9)
    assert not planned.transforms and not planned.trusted


def test_a_bending_parent_is_used_as_it_is_or_refused(a_scan, a_plain_grid, tmp_path):
    from MultimodalSegLib.slicerside.run.exchange import plan

    moving = a_node_on(a_plain_grid, "moving")
    node, transform = a_bending_node(tmp_path)
    moving.SetAndObserveTransformNodeID(node.GetID())
    with pytest.raises(InputError, match="bends"):
        plan(("CT", a_scan), {"MR": moving}, tmp_path)
    planned = plan(("CT", a_scan), {"MR": moving}, tmp_path / "new", registration="none")
    assert planned.trusted == {"MR"}
    written = sitk.ReadTransform(str(planned.transforms["MR"]))
    assert np.allclose(written.TransformPoint((10.0, 20.0, -5.0)), transform.TransformPoint((10.0, 20.0, -5.0)))


def test_a_shearing_parent_is_refused_for_registration(a_scan, an_oblique_grid, tmp_path):
    from MultimodalSegLib.slicerside.run.exchange import plan

    moving = a_node_on(an_oblique_grid, "moving")
    moving.SetAndObserveTransformNodeID(a_linear(np.diag([1.0, 1.0, 1.4, 1.0])).GetID())
    with pytest.raises(InputError, match="shears"):
        plan(("CT", a_scan), {"MR": moving}, tmp_path)


def test_a_chosen_transform_takes_reference_points_to_points_of_the_moving_file(a_scan, a_plain_grid, tmp_path):
    from MultimodalSegLib.slicerside.run.exchange import plan
    from MultimodalSegLib.slicerside.scene.nodes import LPS_TO_RAS

    moving = a_node_on(a_plain_grid, "moving")
    moving.SetAndObserveTransformNodeID(a_linear(np.diag([1.0, 1.0, 2.0, 1.0])).GetID())  # its present place is unused
    chosen = a_linear(a_rigid_matrix())
    planned = plan(("CT", a_scan), {"MR": moving}, tmp_path, transforms={"MR": chosen})
    assert planned.inputs["MR"].grid.origin == a_plain_grid.origin and "MR" not in planned.placements
    point = np.array([5.0, 6.0, 7.0, 1.0])
    expected = LPS_TO_RAS @ np.linalg.inv(a_rigid_matrix()) @ LPS_TO_RAS @ point
    written = sitk.ReadTransform(str(planned.transforms["MR"]))
    assert np.allclose(written.TransformPoint(tuple(point[:3])), expected[:3], atol=1e-9)
    given = plan(("CT", a_scan), {"MR": moving}, tmp_path, transforms={"MR": tmp_path / "some.tfm"})
    assert given.transforms["MR"] == tmp_path / "some.tfm"


def test_a_region_keeps_the_voxels_inside_it_in_their_place(a_scan, an_oblique_grid, tmp_path):
    import slicer

    from MultimodalSegLib.slicerside.run.exchange import plan, write

    placed = a_linear(a_rigid_matrix())
    a_scan.SetAndObserveTransformNodeID(placed.GetID())
    middle = an_oblique_grid.affine @ [14.5, 12.0, 9.5, 1.0]
    world = a_rigid_matrix() @ np.diag([-1, -1, 1, 1]) @ middle
    roi = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "region")
    roi.SetCenter(*world[:3])
    roi.SetSize(18.0, 20.0, 22.0)
    planned = plan(("CT", a_scan), {}, tmp_path, roi=roi)
    whole = slicer.util.arrayFromVolume(a_scan)
    back = read_volume(write(planned, tmp_path)["CT"])
    assert back.array.size < whole.size
    for index in ((0, 0, 0), (back.grid.size[0] - 1, 3, 5)):  # a voxel of the part is where it was in the whole
        position = back.grid.affine @ [*index, 1.0]
        i, j, k = np.round(np.linalg.inv(an_oblique_grid.affine) @ position)[:3].astype(int)
        assert np.allclose(an_oblique_grid.affine @ [i, j, k, 1.0], position)
        assert back.array[index[2], index[1], index[0]] == whole[k, j, i]
    inside = Grid(back.grid.size, back.grid.spacing, back.grid.origin, back.grid.direction).corners
    assert np.all(inside.min(axis=0) <= middle[:3] - 6) and np.all(inside.max(axis=0) >= middle[:3] + 6)


def test_a_region_beside_the_volume_is_refused(a_scan, tmp_path):
    import slicer

    from MultimodalSegLib.slicerside.run.exchange import plan

    roi = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "region")
    with pytest.raises(InputError, match="region"):
        plan(("CT", a_scan), {}, tmp_path, roi=roi)  # it has no size yet
    roi.SetCenter(1000.0, 0.0, 0.0)
    roi.SetSize(50.0, 50.0, 50.0)
    with pytest.raises(InputError, match="holds only"):
        plan(("CT", a_scan), {}, tmp_path, roi=roi)


def test_what_cannot_be_used_is_refused_by_name(a_scan, scene, tmp_path):
    import slicer
    import vtk

    from MultimodalSegLib.slicerside.run.exchange import plan

    empty = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "empty")
    with pytest.raises(InputError, match="empty"):
        plan(("CT", empty), {}, tmp_path)
    colored = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLVectorVolumeNode", "colored")
    image = vtk.vtkImageData()
    image.SetDimensions(4, 4, 4)
    image.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 3)
    colored.SetAndObserveImageData(image)
    with pytest.raises(InputError, match="colored"):
        plan(("CT", colored), {}, tmp_path)
    with pytest.raises(InputError, match="'XRAY'"):
        plan(("XRAY", a_scan), {}, tmp_path)
    with pytest.raises(InputError, match="Two volumes"):
        plan(("CT", a_scan), {"CT": a_scan}, tmp_path)
    with pytest.raises(InputError, match="T1"):
        plan(("CT", a_scan), {}, tmp_path, transforms={"T1": a_scan})


def test_a_full_disk_is_told_before_anything_is_written(a_scan, tmp_path, monkeypatch):
    from MultimodalSegLib.slicerside.run import exchange

    planned = exchange.plan(("CT", a_scan), {}, tmp_path)
    monkeypatch.setattr(exchange.shutil, "disk_usage", lambda folder: type("Usage", (), {"free": 10}))
    with pytest.raises(OutputError, match="no room"):
        exchange.write(planned, tmp_path / "inputs")
    assert not list((tmp_path / "inputs").iterdir())


def test_the_command_line_uses_options_that_the_command_has(scene, tmp_path):
    from MultimodalSegLib.commands.segment import segment
    from MultimodalSegLib.images.case import MODALITIES
    from MultimodalSegLib.slicerside.run.exchange import segment_arguments

    arguments = segment_arguments(
        {name: tmp_path / f"{name}.nrrd" for name in MODALITIES},
        tmp_path / "run",
        reference="CT",
        registration="none",
        transforms={"MR": tmp_path / "MR.h5"},
        probabilities=["skull"],
        threads=2,
        memory_limit_mb=512,
        synthetic_detail=True,
    )
    options = {text[2:].replace("-", "_") for text in arguments if text.startswith("--")}
    assert options <= set(inspect.signature(segment).parameters)
    assert arguments[arguments.index("--transform") + 1] == f"MR={tmp_path / 'MR.h5'}"
    assert "--threads" not in segment_arguments({}, tmp_path, reference="CT")


@pytest.mark.parametrize("known", [False, True])
def test_landmarks_are_handed_over_where_the_file_of_the_volume_has_them(scene, an_oblique_grid, tmp_path, known):
    """A volume is placed in its file unless its transform is known; points must be on the same voxels either way."""
    from MultimodalSegLib.registration.landmark_file import read_landmarks
    from MultimodalSegLib.registration.landmarks import Landmarks
    from MultimodalSegLib.slicerside.run.exchange import plan, segment_arguments

    fixed, moving = a_node_on(an_oblique_grid, "fixed"), a_node_on(an_oblique_grid, "moving")
    moving.SetAndObserveTransformNodeID(a_linear(a_rigid_matrix()).GetID())
    points = an_oblique_grid.corners[:4]
    transforms = {"MR": a_linear(np.eye(4))} if known else {}
    pairs = {"MR": Landmarks(points + 50.0, points)}
    planned = plan(("CT", fixed), {"MR": moving}, tmp_path / "new", transforms=transforms, landmarks=pairs)
    found = read_landmarks(*planned.landmarks["MR"])
    assert np.allclose(found.fixed, points + 50.0)
    assert np.allclose(found.moving, planned.inputs["MR"].grid.corners[:4], atol=1e-9)
    assert np.allclose(found.moving, points) == known
    arguments = segment_arguments({}, tmp_path, reference="CT", landmarks=planned.landmarks)
    here, there = planned.landmarks["MR"]
    assert arguments[-2:] == ["--landmarks", f"MR={here},{there}"]
    with pytest.raises(InputError, match="landmarks, are given for T1"):
        plan(("CT", fixed), {"MR": moving}, tmp_path, landmarks={"T1": pairs["MR"]})
