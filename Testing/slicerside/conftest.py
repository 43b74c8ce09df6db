"""A real MRML scene for each test, and a small head on an oblique, flipped, anisotropic grid."""

import numpy as np
import pytest
import SimpleITK as sitk

from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.volume import Volume
from MultimodalSegLib.inference.segmentation import Segmentation, SegmentClass

THALAMUS = "Thalamus"
TERMS = (
    "Segmentation category and type - 3D Slicer General Anatomy list~SCT^123037004^Anatomical Structure"
    "~SCT^{code}^{name}~{side}~Anatomic codes - DICOM master list~^^~^^"
)
LEFT, RIGHT = "SCT^7771000^Left", "SCT^24028007^Right"

CLASSES = (
    SegmentClass("Left thalamus", 10, (0, 118, 14), TERMS.format(code="42695009", name=THALAMUS, side=LEFT), "brain"),
    SegmentClass("Right thalamus", 49, (0, 90, 14), TERMS.format(code="42695009", name=THALAMUS, side=RIGHT), "brain"),
    SegmentClass("Bone", 515, (250, 220, 150), TERMS.format(code="272673000", name="Bone", side="^^"), "bone"),
    SegmentClass("Absent", 77, (1, 2, 3), "", "brain"),
)


@pytest.fixture
def scene():
    """An empty scene; VTK errors fail the test."""
    pytest.importorskip("slicer", reason="slicer-core is not installed (pip install 'multimodalseg[headless]')")
    from MultimodalSegLib.slicerside.headless import start_scene, vtk_errors

    start_scene()
    import slicer

    slicer.mrmlScene.Clear()
    with vtk_errors() as errors:
        yield slicer.mrmlScene
    slicer.mrmlScene.Clear()
    assert not errors, errors[0]


@pytest.fixture
def an_oblique_grid():
    """Left-handed axes in odd order, turned by tens of degrees, three spacings."""
    turn = np.array(sitk.Euler3DTransform((0, 0, 0), 0.2, -0.3, 0.4).GetMatrix()).reshape(3, 3)
    axes = turn @ np.diag([-1, 1, 1]) @ np.eye(3)[:, [2, 0, 1]]
    return Grid((30, 25, 20), (0.9, 1.7, 2.3), (-12.3, 45.6, -78.9), tuple(axes.ravel()))


@pytest.fixture
def a_plain_grid():
    """40 voxels of 2 mm along L, P, S around the origin."""
    return Grid((40, 40, 40), (2.0, 2.0, 2.0), (-39.0, -39.0, -39.0))


@pytest.fixture
def a_labeled_head():
    """Function that makes a segmentation on a grid: bone around two blocks, the left one at +x of LPS."""

    def make(grid: Grid) -> Segmentation:
        k, j, i = np.indices(grid.shape)
        index = np.stack([i, j, k, np.ones_like(i)], -1).reshape(-1, 4)
        x, y, z = (index @ grid.affine.T)[:, :3].T.reshape(3, *grid.shape)
        middle = grid.corners.mean(axis=0)
        x, y, z = x - middle[0], y - middle[1], z - middle[2]
        size = np.min(np.array(grid.size) * grid.spacing) / 2
        distance = np.sqrt(x**2 + y**2 + z**2)
        labels = np.zeros(grid.shape, np.uint16)
        labels[(distance > 0.75 * size) & (distance < 0.95 * size)] = 515
        near = (np.abs(y) < 0.3 * size) & (np.abs(z) < 0.3 * size)
        labels[near & (np.abs(x - 0.35 * size) < 0.2 * size)] = 10
        labels[near & (np.abs(x + 0.35 * size) < 0.2 * size)] = 49
        model = {"name": "default", "version": "0.1.0", "checksum": "abc123"}
        return Segmentation(Volume(labels, grid), CLASSES, model=model, device="cpu", seconds=1.25)

    return make


@pytest.fixture
def a_scan_of():
    """Function that makes a CT-like volume from a segmentation: air -1000, bone 900, left block 60, right block 20."""

    def make(segmentation: Segmentation) -> Volume:
        values = {0: -1000.0, 515: 900.0, 10: 60.0, 49: 20.0}
        lookup = np.zeros(600, np.float32)
        lookup[list(values)] = list(values.values())
        return Volume(lookup[segmentation.labels.array], segmentation.labels.grid)

    return make
