"""Laboratories' own models go the same way as the head model: from files to a run folder with measurements."""

import csv
from pathlib import Path

import numpy as np
import pytest

from MultimodalSegLib.errors import InputError
from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.io import read_labels, write_volume
from MultimodalSegLib.pipeline import run_segment
from MultimodalSegLib.run_folder import RunFolder
from MultimodalSegLib.segment_options import SegmentOptions
from Testing.handmade import VALUES, a_sphere, threshold_model

CENTER, RADIUS = (4.0, -3.0, 2.0), 15.0
TRUE_ML = 4 / 3 * np.pi * RADIUS**3 / 1000
CT = Grid((50, 48, 20), (1.4, 1.4, 4.0), (-34.0, -33.0, -38.0))
PET = Grid((24, 24, 24), (3.0, 3.0, 3.0), (34.0, -34.0, -34.0), (-1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0))
CROP = Grid((44, 50, 46), (1.0, 1.0, 1.0), (-18.0, -27.0, -20.0))

CASES = {
    "a crop of an MRI": (
        {"T1": a_sphere(CROP, CENTER, RADIUS, 900, 300)},
        {"families": ["MR"], "working_spacing": 1.0, "region": "volume"},
    ),
    "a liver in a CT": (
        {"CT": a_sphere(CT, CENTER, RADIUS, 130, -30)},
        {
            "families": ["CT"],
            "working_spacing": 1.5,
            "region": "body",
            "patch": [32, 32, 32],
            "preprocessing": {"CT": {"kind": "window", "low": -150, "high": 250}},
        },
    ),
    "a CT and a PET in thick slices": (
        {"CT": a_sphere(CT, CENTER, RADIUS, 130, -30), "PET": a_sphere(PET, CENTER, RADIUS, 8.0, 1.0)},
        {
            "families": ["CT", "PET"],
            "working_spacing": [1.5, 1.5, 5.0],
            "region": "volume",
            "preprocessing": {"CT": {"kind": "window", "low": -150, "high": 250}, "PET": {"kind": "robust"}},
        },
    ),
}


def run_of(folder: Path, name: str) -> RunFolder:
    volumes, model = CASES[name]
    bundle = threshold_model(folder / "model", **model)  # type: ignore[arg-type]
    paths = {modality: folder / f"{modality}.nii.gz" for modality in volumes}
    for modality, volume in volumes.items():
        write_volume(volume, paths[modality])
    return run_segment(SegmentOptions(paths, folder / "run", model=str(bundle.path), registration="none", threads=1))


@pytest.mark.parametrize("name", CASES)
def test_the_run_folder_holds_what_the_model_found(tmp_path: Path, name: str) -> None:
    run = run_of(tmp_path, name)
    volumes, _ = CASES[name]
    assert run.status == "finished" and run.record["segmentation"]["lesion_presence"] is None
    labels = read_labels(run.segmentation)
    assert labels.grid.size == next(iter(volumes.values())).grid.size
    assert set(np.unique(labels.array)) == {0, VALUES[0]}
    (row,) = csv.DictReader(run.measurements.open(encoding="utf-8"))
    assert row["name"] == "Organ 1" and float(row["volume_ml"]) == pytest.approx(TRUE_ML, rel=0.06)
    for axis in ("rl", "ap", "fh"):
        assert float(row[f"extent_{axis}_mm"]) == pytest.approx(2 * RADIUS, abs=4.5)  # slices of 4 mm
    assert set(run.record["segmentation"]["modality_weights"]) == set(volumes)
    assert f"mean_{next(iter(volumes))}" in row


def test_a_probability_of_what_the_model_does_not_know_is_refused_before_the_work(tmp_path: Path) -> None:
    volumes, model = CASES["a liver in a CT"]
    bundle = threshold_model(tmp_path / "model", **model)  # type: ignore[arg-type]
    write_volume(volumes["CT"], tmp_path / "CT.nii.gz")
    options = SegmentOptions(
        {"CT": tmp_path / "CT.nii.gz"}, tmp_path / "run", model=str(bundle.path), probabilities=("lesion",)
    )
    with pytest.raises(InputError, match="no class 'lesion'"):
        run_segment(options)
    assert not (tmp_path / "run").exists()
