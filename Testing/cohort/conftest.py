"""A small MRI, a network that finds what is bright in it, and a table of cases."""

from collections.abc import Callable
from pathlib import Path

import pytest

from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.io import write_volume
from Testing.handmade import a_sphere, threshold_model

GRID = Grid((24, 22, 20), (3.0, 3.0, 3.0), (-34.0, -33.0, -30.0))


@pytest.fixture(scope="session")
def material(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with t1.nii.gz and model."""
    folder = tmp_path_factory.mktemp("cohort")
    write_volume(a_sphere(GRID, (4.0, -3.0, 2.0), 15.0, 900, 300), folder / "t1.nii.gz")
    threshold_model(folder / "model", families=["MR"], working_spacing=3.0, region="volume")
    return folder


@pytest.fixture
def a_table(material: Path, tmp_path: Path) -> Callable[..., Path]:
    """Function that writes a table: ids and the file of each, all the same one if none is given."""

    def write(*ids: str, **files: Path) -> Path:
        table = tmp_path / "cases.csv"
        rows = [f"{id},{files.get(id, material / 't1.nii.gz')},site {n}" for n, id in enumerate(ids)]
        table.write_text("\n".join(["id,T1,site", *rows]) + "\n", encoding="utf-8")
        return table

    return write
