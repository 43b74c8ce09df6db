"""Files in and out: what is read is what was written, and what cannot be used is refused with a sentence."""

import os
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from MultimodalSegLib.errors import InputError, OutputError
from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.io import read_labels, read_probability, read_volume, write_volume
from MultimodalSegLib.images.volume import Volume

OBLIQUE = (0.8, 0.6, 0.0, -0.6, 0.8, 0.0, 0.0, 0.0, 1.0)
FLIPPED = (-1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 1.0)
PERMUTED = (0.0, 0.0, -1.0, 1.0, 0.0, 0.0, 0.0, -1.0, 0.0)


def a_volume(direction: tuple[float, ...] = OBLIQUE) -> Volume:
    values = np.random.default_rng(0).normal(size=(6, 8, 10)).astype(np.float32)
    return Volume(values, Grid((10, 8, 6), (0.7, 0.9, 3.0), (-12.5, 40.0, 7.25), direction))


@pytest.mark.parametrize("ending", [".nrrd", ".nii", ".nii.gz", ".mha"])
@pytest.mark.parametrize("direction", [OBLIQUE, FLIPPED, PERMUTED])
def test_a_volume_comes_back_with_its_values_and_its_place(
    tmp_path: Path, ending: str, direction: tuple[float, ...]
) -> None:
    volume = a_volume(direction)
    write_volume(volume, tmp_path / f"new folder/a{ending}")
    again = read_volume(tmp_path / f"new folder/a{ending}")
    assert again.array.dtype == np.float32
    np.testing.assert_array_equal(again.array, volume.array)
    np.testing.assert_allclose(again.grid.affine, volume.grid.affine, atol=1e-4)
    assert os.listdir(tmp_path / "new folder") == [f"a{ending}"]


def test_nifti_and_nrrd_agree_on_physical_positions(tmp_path: Path) -> None:
    write_volume(a_volume(), tmp_path / "a.nii.gz")
    write_volume(read_volume(tmp_path / "a.nii.gz"), tmp_path / "a.nrrd")
    np.testing.assert_allclose(read_volume(tmp_path / "a.nrrd").grid.corners, a_volume().grid.corners, atol=1e-4)


def test_a_packed_nifti_is_not_confused_with_its_unpacked_neighbor(tmp_path: Path) -> None:
    volume = a_volume()
    write_volume(volume, tmp_path / "a.nii.gz")
    write_volume(volume.with_array(volume.array + 100.0), tmp_path / "a.nii")
    assert abs(float(read_volume(tmp_path / "a.nii.gz").array.mean())) < 1.0
    assert read_volume(tmp_path / "a.nii.gz").source == tmp_path / "a.nii.gz"


@pytest.mark.parametrize("ending", [".nrrd", ".nii", ".nii.gz", ".mha"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.99])
def test_a_truncated_file_is_refused(tmp_path: Path, ending: str, share: float) -> None:
    path = tmp_path / f"a{ending}"
    write_volume(a_volume(), path)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    refused(path, "truncated")


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.nrrd").touch()
    refused(tmp_path / "a.nrrd", "is empty")


def test_a_missing_file_and_an_unknown_kind_are_refused(tmp_path: Path) -> None:
    refused(tmp_path / "none.nrrd", "There is no file")
    (tmp_path / "a.docx").write_text("text", encoding="utf-8")
    refused(tmp_path / "a.docx", "not known")
    (tmp_path / "a.nii").write_bytes(b"x" * 400)
    refused(tmp_path / "a.nii", "not a NIfTI file")


@pytest.mark.parametrize("ending", [".nrrd", ".nii.gz", ".mha"])
def test_images_that_are_not_one_3d_volume_are_refused(tmp_path: Path, ending: str) -> None:
    image = a_volume(FLIPPED).to_sitk()
    for name, wrong, message in [
        ("flat", image[:, :, 0], "2D image"),
        ("thin", image[:, :, 0:1], "2D image"),
        ("time", sitk.JoinSeries([image, image]), "4D image"),
        ("vector", sitk.Compose(image, image), "2 numbers per voxel"),
    ]:
        sitk.WriteImage(wrong, str(tmp_path / (name + ending)))
        refused(tmp_path / (name + ending), message)


def test_a_fourth_axis_of_length_one_is_dropped(tmp_path: Path) -> None:
    sitk.WriteImage(sitk.JoinSeries([a_volume(FLIPPED).to_sitk()]), str(tmp_path / "a.nrrd"))
    assert read_volume(tmp_path / "a.nrrd").array.shape == (6, 8, 10)


def test_values_that_are_no_numbers_are_counted_and_refused(tmp_path: Path) -> None:
    volume = a_volume()
    volume.array[0, 0, :3] = np.nan, np.inf, -np.inf
    write_volume(volume, tmp_path / "a.nrrd")
    refused(tmp_path / "a.nrrd", r"holds 3 voxels \(0.6 %\) with NaN or infinity")
    write_volume(volume.with_array(np.full_like(volume.array, np.nan)), tmp_path / "a.nrrd")
    refused(tmp_path / "a.nrrd", r"holds 480 voxels \(100 %\)")
    volume = a_volume()
    volume.array[0, 0, 0] = np.nan
    write_volume(volume, tmp_path / "a.nrrd")
    refused(tmp_path / "a.nrrd", r"holds 1 voxel \(0.2 %\)")


def test_a_constant_volume_is_refused(tmp_path: Path) -> None:
    write_volume(a_volume().with_array(np.full((6, 8, 10), -1024.0, np.float32)), tmp_path / "a.nrrd")
    refused(tmp_path / "a.nrrd", "value -1024")


@pytest.mark.parametrize("spacing", [0.0, -2.0, float("nan"), 1e6])
def test_a_nifti_with_a_bad_spacing_is_refused(tmp_path: Path, spacing: float) -> None:
    path = tmp_path / "a.nii"
    write_volume(a_volume(FLIPPED), path)
    content = bytearray(path.read_bytes())
    struct.pack_into("<f", content, 84, spacing)
    path.write_bytes(content)
    refused(path, "spacing of 0.7 x")


@pytest.mark.parametrize("rows", ["(0,0,0)", "none"])
def test_a_nrrd_without_spacing_is_refused(tmp_path: Path, rows: str) -> None:
    path = tmp_path / "a.nrrd"
    write_volume(a_volume((1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)), path)
    header, _, body = path.read_bytes().partition(b"space directions: ")
    path.write_bytes(header + b"space directions: " + rows.encode() + body[body.index(b")") + 1 :])
    refused(path, "spacing")


@pytest.mark.parametrize("spacing", ["0 2 3", "-1 2 3", "1e7 2 3"])
def test_a_metaimage_with_a_bad_spacing_is_refused(tmp_path: Path, spacing: str) -> None:
    path = tmp_path / "a.mha"
    write_volume(a_volume(FLIPPED), path)
    lines = path.read_bytes().split(b"\n")
    changed = [b"ElementSpacing = " + spacing.encode() if b"ElementSpacing" in line else line for line in lines]
    path.write_bytes(b"\n".join(changed))
    refused(path, "spacing")


def test_sheared_axes_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.nii"
    write_volume(a_volume(FLIPPED), path)
    content = bytearray(path.read_bytes())
    struct.pack_into("<2h", content, 252, 0, 1)  # no qform, an sform
    struct.pack_into("<12f", content, 280, 0.7, 0.3, 0, 0, 0, 0.9, 0, 0, 0, 0, 3.0, 0)
    path.write_bytes(content)
    refused(path, "not perpendicular")

    path = tmp_path / "a.nrrd"
    write_volume(a_volume((1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)), path)
    content = path.read_bytes()
    start, end = content.index(b"space directions: ("), content.index(b")")
    path.write_bytes(content[:start] + b"space directions: (0.6,0.3,0" + content[end:])
    refused(path, "not perpendicular")


def test_labels_keep_their_numbers(tmp_path: Path) -> None:
    labels = a_volume().with_array(np.random.default_rng(0).choice([0, 17, 515, 60000], size=(6, 8, 10)))
    for name, dtype in [("a.nii.gz", np.int32), ("b.nrrd", np.uint16), ("c.mha", np.float32)]:
        write_volume(labels.with_array(labels.array.astype(dtype)), tmp_path / name)
        again = read_labels(tmp_path / name)
        assert again.array.dtype == np.uint16
        np.testing.assert_array_equal(again.array, labels.array)


def test_negative_labels_are_kept_and_fractions_refused(tmp_path: Path) -> None:
    write_volume(a_volume().with_array(np.full((6, 8, 10), -3, np.int16)), tmp_path / "a.nrrd")
    assert read_labels(tmp_path / "a.nrrd").array.min() == -3
    write_volume(a_volume(), tmp_path / "b.nrrd")
    with pytest.raises(InputError, match="not a label map"):
        read_labels(tmp_path / "b.nrrd")


def test_an_ending_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written as"):
        write_volume(a_volume(), tmp_path / "a.tif")


def test_a_folder_that_is_a_file_is_an_output_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be written"):
        write_volume(a_volume(), tmp_path / "file" / "a.nrrd")


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on file size")
@pytest.mark.parametrize("ending", [".nrrd", ".nii", ".nii.gz", ".mha"])
def test_a_full_disk_is_noticed_and_the_old_file_stays(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a{ending}"
    write_volume(a_volume(), path)
    before = path.read_bytes()
    code = f"""
import resource, signal
import numpy as np
from MultimodalSegLib.errors import OutputError
from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.io import write_volume
from MultimodalSegLib.images.volume import Volume
values = np.random.default_rng(0).normal(size=(40, 40, 40)).astype(np.float32)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    write_volume(Volume(values, Grid((40, 40, 40))), {str(path)!r})
except OutputError as error:
    print(error.message)
"""
    root = Path(__file__).resolve().parents[2]
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root)
    assert "cannot be written" in run.stdout, run.stderr
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == [path.name]


def refused(path: Path, message: str) -> None:
    """Reading fails with an error of one sentence that names the file, and a hint."""
    with pytest.raises(InputError, match=message) as caught:
        read_volume(path)
    assert path.name in caught.value.message
    assert "\n" not in caught.value.message
    assert caught.value.hint


def test_probabilities_may_be_the_same_everywhere_but_not_nan_or_percent(tmp_path: Path) -> None:
    grid = Grid((3, 4, 5))
    write_volume(Volume(np.zeros(grid.shape, np.float32), grid), tmp_path / "none.nrrd")
    assert not read_probability(tmp_path / "none.nrrd").array.any()
    for value, message in ((np.nan, "NaN"), (50.0, "values outside 0 to 1"), (-0.5, "values outside 0 to 1")):
        array = np.zeros(grid.shape, np.float32)
        array[1, 1, 1] = value
        write_volume(Volume(array, grid), tmp_path / "odd.nrrd")
        with pytest.raises(InputError, match=message):
            read_probability(tmp_path / "odd.nrrd")
