"""Volumes and diameters of lesions that experts have drawn, against SimpleITK's and Slicer's statistics of the same."""

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from MultimodalSegLib.images.io import read_labels
from MultimodalSegLib.images.volume import Volume
from MultimodalSegLib.report.lesions import Lesion, measure_lesions
from Testing.report.shapes import LESION, case

SHIPPED = {
    "an infarct": Path(__file__).parent / "data" / "stroke.nrrd",
    "a tumor in slices of 6.5 mm": Path(__file__).parent / "data" / "tumor.nrrd",
}
MASKS = {
    "37 small lesions, 1 mm": "open-ms/patient07/GOLD_STANDARD.nii.gz",
    "98 lesions, a large branching one": "open-ms/patient19/GOLD_STANDARD.nii.gz",
}


@pytest.fixture(scope="module", params=[*SHIPPED.values(), *MASKS.values()], ids=[*SHIPPED, *MASKS])
def drawn(request: pytest.FixtureRequest) -> tuple[Volume, list[Lesion]]:
    shipped = request.param in SHIPPED.values()
    path = request.param if shipped else request.getfixturevalue("development_data") / request.param
    if not path.is_file() and not shipped:
        pytest.skip(f"{request.param} is not among the development data")
    labels = read_labels(path)
    mask = Volume((labels.array > 0).astype(np.uint16), labels.grid)
    return mask, measure_lesions(*case(mask.array * LESION.value, mask.grid))


def by_size(statistics: sitk.LabelShapeStatisticsImageFilter) -> list[int]:
    return sorted(statistics.GetLabels(), key=lambda n: -statistics.GetNumberOfPixels(n))


def test_number_volumes_and_diameters_are_those_of_simpleitk(drawn: tuple[Volume, list[Lesion]]) -> None:
    mask, lesions = drawn
    parts = sitk.ConnectedComponent(mask.to_sitk(), True)
    statistics = sitk.LabelShapeStatisticsImageFilter()
    statistics.ComputeFeretDiameterOn()
    statistics.ComputePerimeterOn()
    statistics.Execute(parts)
    numbers = by_size(statistics)
    assert len(lesions) == len(numbers)
    voxel = np.linalg.norm(mask.grid.spacing)
    for lesion, number in zip(lesions, numbers, strict=True):
        assert lesion.volume_ml * 1000 == pytest.approx(statistics.GetPhysicalSize(number))
    ranked = [[lesion.longest_diameter_mm for lesion in lesions], list(map(statistics.GetFeretDiameter, numbers))]
    more = np.subtract(*map(sorted, ranked))  # its diameters are between voxel centers
    assert np.all((more >= 0.5 * min(mask.grid.spacing)) & (more <= voxel))
    largest = lesions[0].surface.area_mm2, statistics.GetPerimeter(numbers[0])
    assert largest[0] == pytest.approx(largest[1], rel=0.3)  # by Crofton's formula, without the steps of the voxels


def test_no_diameter_in_a_slice_is_longer_than_slicers_diameter_of_that_slice(
    drawn: tuple[Volume, list[Lesion]],
) -> None:
    """In-plane, against SimpleITK's diameter of each slice of the largest lesion."""
    mask, lesions = drawn
    part = lesions[0].component
    best = 0.0
    for plane in part.mask:
        image = sitk.ConnectedComponent(sitk.GetImageFromArray(plane.astype(np.uint8)), True)
        image.SetSpacing(mask.grid.spacing[:2])
        statistics = sitk.LabelShapeStatisticsImageFilter()
        statistics.ComputeFeretDiameterOn()
        statistics.Execute(image)
        best = max([best, *map(statistics.GetFeretDiameter, statistics.GetLabels())])
    flat = lesions[0].in_plane
    assert flat.plane == "axial" and 0.5 * mask.grid.spacing[0] <= flat.longest_mm - best <= np.hypot(
        *mask.grid.spacing[:2]
    )
    assert flat.longest_mm <= lesions[0].longest_diameter_mm + 1e-6


def test_the_largest_lesion_as_slicers_segment_statistics_see_it(drawn: tuple[Volume, list[Lesion]]) -> None:
    """The class that Slicer's Segment Statistics module takes its label map statistics from."""
    slicer = pytest.importorskip("slicer", reason="slicer-core is not installed")
    vtk = pytest.importorskip("vtk")
    mask, lesions = drawn
    lesion = lesions[0]
    part = np.pad(lesion.component.mask, 1).astype(np.uint8)
    image = vtk.vtkImageData()
    image.SetDimensions(*part.shape[::-1])
    image.SetSpacing(*mask.grid.spacing)
    image.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 1)
    from vtk.util.numpy_support import vtk_to_numpy

    vtk_to_numpy(image.GetPointData().GetScalars())[:] = part.ravel()
    statistics = slicer.vtkITKLabelShapeStatistics()
    statistics.SetInputData(image)
    for wanted in ("Centroid", "FeretDiameter", "Roundness"):
        statistics.ComputeShapeStatisticOn(wanted)
    statistics.Update()
    table = statistics.GetOutput()
    feret = table.GetValueByName(0, "FeretDiameter").ToDouble()
    assert 0 < lesion.longest_diameter_mm - feret <= np.linalg.norm(mask.grid.spacing)
    roundness = table.GetValueByName(0, "Roundness").ToDouble()
    assert lesion.surface.sphericity == pytest.approx(roundness, rel=0.3)
    accumulate = vtk.vtkImageAccumulate()  # as the module counts voxels
    accumulate.SetInputData(image)
    accumulate.IgnoreZeroOn()
    accumulate.Update()
    assert lesion.volume_ml == pytest.approx(accumulate.GetVoxelCount() * mask.grid.voxel_ml)
