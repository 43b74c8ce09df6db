import subprocess
import sys

import numpy as np
import pytest

from MultimodalSegLib.errors import InputError

Image = pytest.importorskip("PIL.Image", reason="pillow is not installed (pip install 'multimodalseg[headless]')")


@pytest.fixture
def a_case(scene, a_plain_grid, a_labeled_head, a_scan_of):
    """A CT, an MR in which only the left block is bright, and the segmentation, in the scene."""
    from MultimodalSegLib.slicerside.headless import pictures_possible
    from MultimodalSegLib.slicerside.pictures.run_scene import CaseNodes
    from MultimodalSegLib.slicerside.scene.nodes import segmentation_node, volume_node

    possible, reason = pictures_possible()
    if not possible:
        pytest.skip(f"pictures cannot be drawn: {reason}")
    segmentation = a_labeled_head(a_plain_grid)
    ct = a_scan_of(segmentation)
    reference = volume_node(ct, "CT", "CT")
    mr = ct.with_array(np.where(segmentation.labels.array == 10, 1000, 0).astype(np.float32))
    return CaseNodes(
        reference, {"MR": volume_node(mr, "MR", "MR")}, {}, segmentation_node(segmentation, reference, "Segmentation")
    )


def test_left_is_drawn_on_the_right_of_an_axial_slice(a_case):
    from MultimodalSegLib.slicerside.pictures.slices import outlines_only, slice_view

    with slice_view(200) as view, outlines_only(a_case.segmentation):
        view.show(a_case.reference, None, 0.0)
        panel = view.draw("Axial", np.zeros(3), 100.0, "axial")
    assert panel.letters == ("R", "L", "A", "P")
    brightness = panel.image[80:120].mean(axis=(0, 2))
    assert brightness[112:124].mean() > brightness[76:88].mean() + 50  # left block 60 HU, right block 20 HU


def test_coronal_and_sagittal_slices_stand_upright(a_case):
    from MultimodalSegLib.slicerside.pictures.slices import slice_view

    with slice_view(64) as view:
        view.show(a_case.reference, None, 0.0)
        assert view.draw("Coronal", np.zeros(3), 100.0, "").letters == ("R", "L", "S", "I")
        assert view.draw("Sagittal", np.zeros(3), 100.0, "").letters == ("A", "P", "S", "I")


def test_outlines_have_the_color_of_their_segment(a_case):
    from MultimodalSegLib.slicerside.pictures.slices import outlines_only, slice_view

    def green_pixels():
        image = view.draw("Axial", np.zeros(3), 100.0, "").image.astype(int)
        return int(((image[..., 1] - image[..., 0] > 60) & (image[..., 1] - image[..., 2] > 60)).sum())

    with slice_view(200) as view, outlines_only(a_case.segmentation):
        view.show(a_case.reference, None, 0.0)
        shown = green_pixels()
        a_case.segmentation.GetDisplayNode().SetVisibility(False)
        assert shown > 50 and green_pixels() == 0


def test_the_moving_volume_lies_over_the_reference_without_its_air(a_case):
    from MultimodalSegLib.slicerside.pictures.slices import air_hidden, slice_view

    a_case.segmentation.GetDisplayNode().SetVisibility(False)
    with slice_view(200) as view, air_hidden(a_case.moving["MR"], 100.0):
        view.show(a_case.reference, None, 0.0)
        alone = view.draw("Axial", np.zeros(3), 100.0, "").image.astype(int)
        view.show(a_case.reference, a_case.moving["MR"], 0.4)
        both = view.draw("Axial", np.zeros(3), 100.0, "").image.astype(int)
    assert np.abs(both - alone)[95:105, 112:124].mean() > 10  # inside the left block
    assert np.abs(both - alone)[95:105, 76:88].max() == 0  # the right block is air in the MR


def test_slice_pictures_leave_a_picture_and_the_scene_as_it_was(a_case, scene, tmp_path):
    from MultimodalSegLib.slicerside.pictures.pictures import slice_pictures

    before = scene.GetNumberOfNodes()
    slice_pictures(a_case, tmp_path / "slices.png", title="Case 7", synthetic=True)
    assert scene.GetNumberOfNodes() == before
    assert a_case.segmentation.GetDisplayNode().GetVisibility2DFill()
    assert not a_case.moving["MR"].GetDisplayNode().GetApplyThreshold()
    picture = np.asarray(Image.open(tmp_path / "slices.png")).astype(int)
    assert picture.shape[1] > 3 * 480
    assert all(picture[70:540, left : left + 480].std() > 20 for left in (8, 496, 984))
    assert [p.name for p in tmp_path.iterdir()] == ["slices.png"]


def test_slices_go_through_the_lesion(a_case, a_plain_grid):
    from MultimodalSegLib.slicerside.pictures.pictures import _focus, _Segments
    from MultimodalSegLib.slicerside.pictures.surfaces import Structure

    labels = np.zeros(a_plain_grid.shape, np.uint16)
    labels[5:35, 5:35, 5:35] = 2
    labels[30:33, 28:30, 10:14] = 99
    labels[8, 8, 8] = 99  # a smaller one
    structures = (Structure("Brain", 2, (9, 9, 9), "brain"), Structure("Lesion", 99, (255, 0, 0), "lesion"))
    to_ras = np.diag([-1, -1, 1, 1]) @ a_plain_grid.affine
    x, y, z = _focus(_Segments(labels, structures, to_ras))
    assert 39 - 2 * 13 <= x <= 39 - 2 * 10 and 39 - 2 * 29 <= y <= 39 - 2 * 28 and 2 * 30 - 39 <= z <= 2 * 32 - 39


def test_surfaces_show_left_on_the_side_that_the_letters_say(a_case, tmp_path):
    from MultimodalSegLib.slicerside.pictures.pictures import _segments, surface_picture
    from MultimodalSegLib.slicerside.pictures.surfaces import Structure, draw_surfaces

    segments = _segments(a_case)
    colors = {10: (255, 0, 0), 49: (0, 0, 255), 515: (250, 220, 150)}
    structures = [Structure(s.name, s.value, colors[s.value], s.group) for s in segments.structures]
    panels, shown = draw_surfaces(segments.labels, structures, segments.to_ras, 120)
    assert {s.value for s in shown} == {10, 49, 515}
    above = panels[1]
    assert above.letters == ("L", "R", "A", "P")
    r, g, b = np.moveaxis(above.image.astype(int), -1, 0)
    assert np.argwhere(r - g > 50)[:, 1].mean() < 55  # the left block, through translucent bone
    assert np.argwhere(b - r > 30)[:, 1].mean() > 65
    surface_picture(a_case, tmp_path / "surfaces.png", title="Case 7")
    assert not a_case.segmentation.GetSegmentation().ContainsRepresentation("Closed surface")
    assert np.asarray(Image.open(tmp_path / "surfaces.png")).std() > 10


def test_a_case_without_segments_has_slices_but_no_surfaces(a_case, tmp_path):
    from MultimodalSegLib.slicerside.pictures.pictures import slice_pictures, surface_picture
    from MultimodalSegLib.slicerside.pictures.run_scene import CaseNodes

    bare = CaseNodes(a_case.reference)
    slice_pictures(bare, tmp_path / "slices.png")
    assert (tmp_path / "slices.png").is_file()
    with pytest.raises(InputError, match="no segment"):
        surface_picture(bare, tmp_path / "surfaces.png")


@pytest.mark.parametrize(
    ("direction", "letters"), [((1, 0, 0), "R"), ((0, 0, -1), "I"), ((-1, 1, 0.4), "LA"), ((0.2, -1, 0), "P")]
)
def test_directions_are_named_after_the_patient(scene, direction, letters):
    from MultimodalSegLib.slicerside.pictures.slices import direction_letters

    assert direction_letters(np.array(direction, float)) == letters


def test_a_machine_without_slicer_core_says_what_to_install():
    code = (
        "import sys; sys.modules['slicer'] = None\n"
        "from MultimodalSegLib.slicerside.headless import pictures_possible, start_scene\n"
        "from MultimodalSegLib.errors import MissingPackageError\n"
        "assert pictures_possible()[0] is False and 'slicer-core' in pictures_possible()[1]\n"
        "try:\n    start_scene()\nexcept MissingPackageError as error:\n    assert 'pip install' in error.hint\n"
        "else:\n    raise SystemExit('no error')\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
