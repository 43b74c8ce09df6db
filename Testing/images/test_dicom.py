"""DICOM series: the right slices in the right order, or a sentence that says what is wrong with them."""

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from MultimodalSegLib.errors import InputError
from MultimodalSegLib.images.dicom import list_series, read_series
from MultimodalSegLib.images.io import read_volume

SERIES_TAGS = {"0008|0008": "ORIGINAL\\PRIMARY\\AXIAL", "0020|000d": "1.2.3.4", "0008|0031": "120000"}


def write_series(
    folder: Path,
    *,
    uid: str = "1.2.3.4.5",
    description: str = "head",
    slices: int = 8,
    positions: list[float] | None = None,
    tilt: float = 0.0,
    columns: int = 12,
) -> np.ndarray:
    """Write axial CT slices of 12 x 10 voxels, 0.5 x 0.7 x 2.5 mm, in shuffled file names; gives the HU (k, j, i)."""
    folder.mkdir(parents=True, exist_ok=True)
    places = positions if positions is not None else [2.5 * k for k in range(slices)]
    values = np.random.default_rng(len(places)).integers(-1000, 1500, (len(places), 10, columns)).astype(np.int16)
    names = np.random.default_rng(1).permutation(len(places))
    writer = sitk.ImageFileWriter()
    writer.KeepOriginalImageUIDOn()
    for k, z in enumerate(places):
        image = sitk.GetImageFromArray(values[k])
        image.SetSpacing((0.5, 0.7))
        tags = {
            **SERIES_TAGS,
            "0008|0060": "CT",
            "0008|103e": description,
            "0020|000e": uid,
            "0008|0018": f"{uid}.{k + 1}",
            "0020|0013": str(int(names[k])),
            "0020|0032": f"-30\\{-20 + tilt * z}\\{100 + z}",
            "0020|0037": "1\\0\\0\\0\\1\\0",
            "0028|0030": "0.7\\0.5",
        }
        for key, value in tags.items():
            image.SetMetaData(key, value)
        writer.SetFileName(str(folder / f"{uid}.{names[k]:03d}.dcm"))
        writer.Execute(image)
    return values


def test_slices_are_sorted_by_position_and_placed(tmp_path: Path) -> None:
    values = write_series(tmp_path)
    volume = read_volume(tmp_path)
    np.testing.assert_array_equal(volume.array, values)
    assert volume.array.dtype == np.float32
    np.testing.assert_allclose(volume.grid.spacing, (0.5, 0.7, 2.5))
    np.testing.assert_allclose(volume.grid.origin, (-30.0, -20.0, 100.0))
    assert volume.source == tmp_path


def test_the_longest_series_is_read_and_the_others_are_named(tmp_path: Path) -> None:
    write_series(tmp_path / "a", uid="1.2.3.4.6", description="localizer", slices=3)
    write_series(tmp_path / "b", slices=8)
    assert [len(series.slices) for series in list_series(tmp_path)] == [8, 3]
    with pytest.warns(UserWarning, match="localizer"):
        volume = read_volume(tmp_path)
    assert volume.array.shape[0] == 8
    assert read_series(tmp_path, "1.2.3.4.6").array.shape[0] == 3
    with pytest.raises(InputError, match="no series 9.9"):
        read_series(tmp_path, "9.9")


def test_two_series_equally_long_are_listed_and_refused(tmp_path: Path) -> None:
    write_series(tmp_path, description="soft")
    write_series(tmp_path, uid="1.2.3.4.6", description="bone")
    with pytest.raises(InputError, match="soft.*bone"):
        read_volume(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"positions": [0.0, 2.5, 5.0, 12.5, 15.0, 17.5]}, "lacks about 2 slices"),
        ({"positions": [0.0, 2.5, 5.0, 6.5, 9.0]}, "unequal distances"),
        ({"positions": [0.0, 2.5, 5.0, 0.0, 2.5, 5.0]}, "3 slices at the place of another"),
        ({"tilt": 0.2}, "tilted by 11.3 degrees"),
        ({"slices": 1}, "2D image"),
    ],
)
def test_slices_that_form_no_lattice_are_refused(tmp_path: Path, change: dict, message: str) -> None:
    write_series(tmp_path, **change)
    with pytest.raises(InputError, match=message) as caught:
        read_volume(tmp_path)
    assert caught.value.hint


def test_slices_of_different_size_are_refused(tmp_path: Path) -> None:
    write_series(tmp_path, slices=4)
    write_series(tmp_path, positions=[20.0], columns=14)
    with pytest.raises(InputError, match="different sizes"):
        read_volume(tmp_path)


def test_a_folder_without_dicom_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing", encoding="utf-8")
    with pytest.raises(InputError, match="no DICOM images"):
        read_volume(tmp_path)


def test_a_truncated_slice_is_refused(tmp_path: Path) -> None:
    write_series(tmp_path)
    path = sorted(tmp_path.iterdir())[3]
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError):
        read_volume(tmp_path)
