"""A finished run read back: the same volumes and labels, and clear words where it cannot be."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from MultimodalSegLib.errors import InputError, ModelError
from MultimodalSegLib.pipeline import run_segment
from MultimodalSegLib.restore import open_run
from MultimodalSegLib.run_folder import RunFolder
from MultimodalSegLib.segment_options import SegmentOptions
from Testing.phantoms import a_model, write_pair


@pytest.fixture(scope="module")
def the_run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    folder = tmp_path_factory.mktemp("case")
    write_pair(folder)
    a_model(folder / "model")
    volumes = {"CT": folder / "ct.nrrd", "MR": folder / "mr.nii.gz"}
    return run_segment(SegmentOptions(volumes, folder / "run", model=str(folder / "model"), threads=1))


def test_gives_back_what_the_run_wrote(the_run: RunFolder) -> None:
    found = open_run(the_run.path)
    assert list(found.aligned.volumes) == ["CT", "MR"] and found.aligned.reference == "CT"
    assert found.segmentation.labels.grid == found.aligned.grid
    assert np.isin(found.segmentation.labels.array, [0, *(entry.value for entry in found.bundle.classes())]).all()
    assert found.segmentation.labels.array.any()


def test_refuses_a_run_without_segmentation(the_run: RunFolder, tmp_path: Path) -> None:
    shutil.copytree(the_run.path, tmp_path / "run")
    (tmp_path / "run" / "segmentation.seg.nrrd").unlink()
    with pytest.raises(InputError, match="has no segmentation"):
        open_run(tmp_path / "run")


def test_refuses_other_weights(the_run: RunFolder, tmp_path: Path) -> None:
    run = shutil.copytree(the_run.path, tmp_path / "run")
    text = (run / "run.json").read_text(encoding="utf-8")
    (run / "run.json").write_text(text.replace(open_run(the_run.path).bundle.checksum, "0" * 64), encoding="utf-8")
    with pytest.raises(ModelError, match="other weights"):
        open_run(run)


def test_refuses_a_folder_that_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no readable run\.json"):
        open_run(tmp_path)
