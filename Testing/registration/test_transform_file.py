"""Transform files: what is written comes back, and what cannot be written or read is said."""

import subprocess
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from MultimodalSegLib.errors import InputError, OutputError
from MultimodalSegLib.images.resample import map_points
from MultimodalSegLib.registration.transform_file import read_transform, write_transform

POINTS = np.random.default_rng(0).uniform(-80, 80, (20, 3))


def a_spline() -> sitk.Transform:
    image = sitk.Image(40, 40, 40, sitk.sitkUInt8)
    image.SetOrigin((-80.0, -80.0, -80.0))
    image.SetSpacing((4.0, 4.0, 4.0))
    spline = sitk.BSplineTransformInitializer(image, [3, 3, 3])
    spline.SetParameters(np.random.default_rng(1).normal(0, 5, len(spline.GetParameters())).tolist())
    return sitk.CompositeTransform([sitk.Euler3DTransform((1, 2, 3), 0.1, 0.2, 0.3, (4, 5, 6)), spline])


@pytest.mark.parametrize("name", ["found.h5", "found.tfm", "new folder/found.h5"])
@pytest.mark.parametrize("transform", [sitk.Euler3DTransform((1, 2, 3), 0.1, 0.2, 0.3, (4, 5, 6)), a_spline()])
def test_a_transform_comes_back(tmp_path: Path, name: str, transform: sitk.Transform) -> None:
    write_transform(transform, tmp_path / name)
    found, wanted = map_points(read_transform(tmp_path / name), POINTS), map_points(transform, POINTS)
    np.testing.assert_allclose(found, wanted, atol=1e-6)
    assert [file.name for file in (tmp_path / name).parent.iterdir()] == [Path(name).name]


@pytest.mark.parametrize("name", ["found.png", "file/found.h5"])
def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    with pytest.raises(OutputError, match=Path(name).name):
        write_transform(sitk.Euler3DTransform(), tmp_path / name)
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


def test_a_full_disk_leaves_the_earlier_file(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40k", "none", str(disk)], capture_output=True).returncode:
        pytest.skip("a small file system cannot be mounted here (needs root)")
    try:
        earlier = disk / "found.h5"
        write_transform(sitk.Euler3DTransform(), earlier)
        before = earlier.read_bytes()
        large = sitk.BSplineTransformInitializer(sitk.Image(60, 60, 60, sitk.sitkUInt8), [15, 15, 15])
        with pytest.raises(OutputError):
            write_transform(large, earlier)
        assert earlier.read_bytes() == before and len(list(disk.iterdir())) == 1
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


@pytest.mark.parametrize("content", [None, b"", b"no transform"])
def test_a_file_that_is_no_transform_is_refused(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "found.h5").write_bytes(content)
    with pytest.raises(InputError, match="found.h5"):
        read_transform(tmp_path / "found.h5")
