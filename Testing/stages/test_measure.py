"""A run measured again: other structures at risk, an earlier run, and what a stop in between leaves."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from MultimodalSegLib.errors import InputError, OutputError
from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.io import read_volume, write_volume
from MultimodalSegLib.images.resample import resample
from MultimodalSegLib.images.volume import Volume
from MultimodalSegLib.inference.segmentation import Segmentation
from MultimodalSegLib.pipeline import run_segment
from MultimodalSegLib.report.seg_nrrd import classes_in_file, write_segmentation
from MultimodalSegLib.restore import FinishedRun, open_run
from MultimodalSegLib.segment_options import SegmentOptions
from MultimodalSegLib.stages.earlier import Earlier
from MultimodalSegLib.stages.measure import MeasureOptions, run_measure
from Testing.phantoms import CT_GRID, a_ct, a_model, true_labels
from Testing.points import points_of

MOVED = sitk.Euler3DTransform((0, 0, 0), 0.05, 0.03, -0.1, (9.0, -12.0, 6.0))
"""Maps points of the later scan to points of the earlier one."""


def lesion_at(center: tuple[float, float, float], radius: float, grid: Grid) -> np.ndarray:
    points = points_of(grid)
    return np.asarray(np.linalg.norm(points - center, axis=-1) <= radius)


def a_run(folder: Path, model: Path, ct: Volume, balls: dict[tuple[float, float, float], float]) -> Path:
    """A run on a CT, whose result is replaced by structures and lesions that are known."""
    folder.mkdir()
    write_volume(ct, folder / "ct.nrrd")
    run = run_segment(SegmentOptions({"CT": folder / "ct.nrrd"}, folder / "run", model=str(model), threads=1))
    finished = open_run(run.path)
    labels = np.where(true_labels().array == 515, 515, 0).astype(np.uint16)
    for center, radius in balls.items():
        labels[lesion_at(center, radius, CT_GRID)] = 600
    segmentation = Segmentation(Volume(labels, CT_GRID), finished.bundle.classes())
    with run.stage("segment"):
        run.write(run.segmentation, lambda path: write_segmentation(segmentation, path))
    return run.path


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A run and an earlier one, between which the patient has moved."""
    folder = tmp_path_factory.mktemp("two")
    model = a_model(folder / "model").path
    earlier_balls = {(-30.0, 25.0, 30.0): 12.0, (25.0, 20.0, 30.0): 12.0, (0.0, -40.0, 20.0): 9.0}
    earlier = a_run(folder / "earlier", model, a_ct(), earlier_balls)
    # The same head in the scanner's space of the second day: its points come from the first by the inverse.
    later_ct = resample(a_ct(), CT_GRID, MOVED, outside=-1000)
    back = MOVED.GetInverse()
    now_balls = {
        back.TransformPoint((-30.0, 25.0, 30.0)): 18.0,
        back.TransformPoint((25.0, 20.0, 30.0)): 12.0,
        back.TransformPoint((0.0, 40.0, -20.0)): 10.0,
    }
    return a_run(folder / "now", model, later_ct, now_balls), earlier


@pytest.fixture
def run(runs: tuple[Path, Path], tmp_path: Path) -> FinishedRun:
    shutil.copytree(runs[0], tmp_path / "run")
    return open_run(tmp_path / "run")


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_tables_tell_the_structures_and_the_lesions(run: FinishedRun) -> None:
    run_measure(run, MeasureOptions(at_risk=("skull",)))
    structures, lesions = rows(run.folder.measurements), rows(run.folder.lesions)
    assert [row["name"] for row in structures] == ["Skull", "Lesion"] and structures[1]["components"] == "3"
    mean = run.aligned.volumes["CT"].array[run.segmentation.labels.array == 515].mean()
    assert structures[0]["unit_CT"] == "HU" and float(structures[0]["mean_CT"]) == pytest.approx(mean, rel=1e-3)
    assert [row["name"] for row in lesions] == ["Lesion 1", "Lesion 2", "Lesion 3"]
    assert float(lesions[0]["in_plane_diameter_mm"]) == pytest.approx(36, abs=4)
    assert float(lesions[1]["distance_to_skull_mm"]) > 0
    record = json.loads((run.folder.path / "run.json").read_text(encoding="utf-8"))
    assert record["measurements"] == {"lesions": 3, "at_risk": ["Skull"]} and record["status"] == "finished"
    assert set(record["stages"]["measure"]["files"]) == {
        "measurements.csv",
        "lesions.csv",
        "explanation/modalities.csv",
    }
    open_run(run.folder.path)  # its files are those that run.json knows


def test_the_change_since_an_earlier_scan_is_found_although_the_patient_moved(
    run: FinishedRun, runs: tuple[Path, Path]
) -> None:
    followup = run_measure(run, MeasureOptions(earlier=Earlier(runs[1])))
    assert followup is not None and not followup.warnings
    assert followup.counts == {"new": 1, "gone": 1, "grown": 1, "shrunk": 0, "stable": 1}
    assert followup.registration["volumes"] == ["CT", "CT"]
    by_kind = {row["change"]: row for row in rows(run.folder.path / "changes.csv")}
    assert float(by_kind["grown"]["volume_change_percent"]) == pytest.approx(100 * (1.5**3 - 1), rel=0.25)
    assert abs(float(by_kind["stable"]["volume_change_percent"])) < 20
    assert by_kind["gone"]["now"] == "" and by_kind["new"]["earlier"] == ""
    assert [row["change"] for row in rows(run.folder.lesions)] == ["grown", "stable", "new"]
    record = json.loads((run.folder.path / "run.json").read_text(encoding="utf-8"))["measurements"]["followup"]
    assert record["counts"]["new"] == 1 and "Lesions against the earlier run: 1 new, 1 gone" in record["sentences"][0]
    run_measure(run)
    assert not (run.folder.path / "changes.csv").exists() and "change" not in rows(run.folder.lesions)[0]
    open_run(run.folder.path)


def test_without_registration_the_spaces_are_taken_as_they_are(run: FinishedRun, runs: tuple[Path, Path]) -> None:
    same = run_measure(run, MeasureOptions(earlier=Earlier(runs[0], "none")))
    assert same is not None and same.counts["stable"] == 3 and same.registration == {"kind": "none"}


def test_what_cannot_be_compared_or_chosen_is_refused_and_the_tables_stay(run: FinishedRun, tmp_path: Path) -> None:
    before = run.folder.measurements.read_bytes()
    for options, sentence in (
        (MeasureOptions(("amygdala",)), "no structure 'amygdala'"),
        (MeasureOptions(earlier=Earlier(run.folder.path)), "is the run itself"),
        (MeasureOptions(earlier=Earlier(tmp_path)), "no readable run.json"),
    ):
        with pytest.raises(InputError, match=sentence):
            run_measure(run, options)
    assert run.folder.measurements.read_bytes() == before
    run_measure(open_run(run.folder.path))


def test_after_a_write_that_failed_the_run_can_be_measured_again(run: FinishedRun) -> None:
    run.folder.lesions.unlink(missing_ok=True)
    run.folder.lesions.mkdir()
    (run.folder.lesions / "in the way").touch()
    with pytest.raises(OutputError, match="lesions.csv"):
        run_measure(run)
    shutil.rmtree(run.folder.lesions)
    again = open_run(run.folder.path)
    assert not again.folder.has("measure")
    run_measure(again)
    assert again.folder.has("measure") and len(rows(again.folder.lesions)) == 3


def test_intervals_of_volumes_become_columns(run: FinishedRun) -> None:
    folder = run.folder.path / "uncertainty"
    folder.mkdir()
    interval = {"name": "Lesion", "ml": 1.0, "low_ml": 0.5, "high_ml": 2.0, "level": 0.9}
    (folder / "summary.json").write_text(json.dumps({"volumes": {"600": interval}}), encoding="utf-8")
    run_measure(run)
    skull, lesion = rows(run.folder.measurements)
    assert (lesion["low_ml"], lesion["high_ml"], skull["low_ml"]) == ("0.5000", "2.0000", "")
    (folder / "summary.json").write_text("{", encoding="utf-8")
    run_measure(run)
    assert "low_ml" not in rows(run.folder.measurements)[0]


def test_the_classes_of_a_file_are_read_back(run: FinishedRun) -> None:
    present = [entry for entry in run.bundle.classes() if entry.value in (515, 600)]
    assert list(classes_in_file(run.folder.segmentation)) == present
    assert read_volume(run.folder.aligned("CT")).grid == run.segmentation.labels.grid
