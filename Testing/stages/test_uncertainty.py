"""A finished run is doubted: files, record and flags, again and again, and nothing is broken by a stop."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from MultimodalSegLib.errors import Cancelled, InputError
from MultimodalSegLib.images.io import read_volume
from MultimodalSegLib.models.amend import amend
from MultimodalSegLib.models.bundle import load_bundle
from MultimodalSegLib.pipeline import run_segment
from MultimodalSegLib.progress import Event
from MultimodalSegLib.restore import open_run
from MultimodalSegLib.segment_options import SegmentOptions
from MultimodalSegLib.stages.uncertainty import UncertaintyOptions, run_uncertainty
from Testing.phantoms import a_model, write_pair


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("case")
    write_pair(folder)
    a_model(folder / "model")
    volumes = {"CT": folder / "ct.nrrd", "MR": folder / "mr.nii.gz"}
    options = SegmentOptions(volumes, folder / "run", registration="none", model=str(folder / "model"), threads=1)
    return run_segment(options).path


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """A copy of the run, with a model of its own."""
    shutil.copytree(finished.parent / "model", tmp_path / "model")
    return shutil.copytree(finished, tmp_path / "run")


def content(run: Path) -> dict:
    """Every file of a run, and its record but for the time of its last change."""
    files = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    record = json.loads(files.pop(run / "run.json"))
    return files | {"record": {name: value for name, value in record.items() if name != "updated"}}


def table(run: Path) -> list[dict[str, str]]:
    with (run / "measurements.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def opened(run: Path):
    return open_run(run, str(run.parent / "model"))


def test_leaves_maps_on_the_reference_grid_and_a_summary(run: Path) -> None:
    events: list[Event] = []
    summary = run_uncertainty(opened(run), UncertaintyOptions(samples=3, views=True, alone=True), events.append)
    found = opened(run)
    entropy, disagreement = (read_volume(run / "uncertainty" / f"{n}.nrrd") for n in ("entropy", "disagreement"))
    assert entropy.grid == disagreement.grid == found.aligned.grid and entropy.array.dtype == np.float32
    assert np.all(disagreement.array <= entropy.array + 1e-4) and entropy.array.max() > 0.1
    assert json.loads((run / "uncertainty" / "summary.json").read_text(encoding="utf-8")) == summary
    assert summary["network_runs"] == 3 + 3 + 2 and summary["samples"] == 3
    assert all(
        row["low_ml"] <= row["ml"] <= row["high_ml"] and row["level"] is None for row in summary["volumes"].values()
    )
    ml = summary["volumes"]["515"]["ml"]
    assert ml == pytest.approx(
        np.count_nonzero(found.segmentation.labels.array == 515) * found.aligned.grid.voxel_ml, abs=1e-3
    )
    assert found.folder.has("uncertainty") and isinstance(found.folder.record["flags"], list)
    done = [event.done for event in events]
    assert done == sorted(done) and events[-1].done == events[-1].total == 8


def test_a_calibrated_model_gives_intervals_with_a_level_and_knows_what_it_has_not_seen(run: Path) -> None:
    bundle = load_bundle(run.parent / "model")
    amend(
        bundle,
        {
            "calibration": {"temperature": 2.0, "ece_before": 0.1, "ece_after": 0.02, "data": "test"},
            "conformal": {"level": 0.9, "method": "tta", "samples": 3, "quantiles": {"skull": 4.0, "ventricle": 2.0}},
            "typical": {"mean": {"ventricle": -0.1}, "sd": {"ventricle": 0.1}, "limit": 2.0, "most_ml": 1.0},
        },
    )
    summary = run_uncertainty(opened(run), UncertaintyOptions(samples=3))
    assert summary["temperature"] == 2.0 and summary["ece_after"] == 0.02
    leveled = {row["name"]: row for row in summary["volumes"].values() if row["level"] is not None}
    assert leveled and set(leveled) < {row["name"] for row in summary["volumes"].values()}
    for row in leveled.values():
        assert row["low_ml"] < row["ml"] < row["high_ml"] and row["level"] == 0.9
    record = opened(run).folder.record
    (flag,) = [flag for flag in record["flags"] if flag["code"] == "out-of-distribution"]
    assert flag["level"] == "alarm" and flag["sentence"] in record["warnings"]
    amend(load_bundle(run.parent / "model"), {"typical": {}})
    run_uncertainty(opened(run), UncertaintyOptions(samples=2))
    assert flag["sentence"] not in opened(run).folder.record["warnings"]


def calibrated(run: Path) -> None:
    """The model of this run was calibrated with three answers of test-time augmentation."""
    bundle = load_bundle(run.parent / "model")
    quantiles = dict.fromkeys(bundle.structure_names().values(), 4.0)
    coverage = {name: {"share": 0.83} for name in quantiles}
    entry = {"level": 0.9, "method": "tta", "samples": 3, "quantiles": quantiles, "coverage": coverage}
    amend(bundle, {"conformal": entry})


@pytest.mark.parametrize(("method", "samples", "level"), [("tta", 3, 0.9), ("tta", 2, None), ("dropout", 3, None)])
def test_a_level_is_promised_only_for_the_answers_that_it_was_fitted_to(
    run: Path, method: str, samples: int, level: float | None
) -> None:
    calibrated(run)
    summary = run_uncertainty(opened(run), UncertaintyOptions(method=method, samples=samples))
    rows = list(summary["volumes"].values())
    assert {row["level"] for row in rows} == {level}
    assert {row["coverage"] for row in rows} == {0.83 if level else None}
    names = {row["interval"] for row in table(run) if row["low_ml"]}
    assert names == {"90 % interval" if level else "range of the samples"}


def test_intervals_come_into_the_measurements_and_nothing_else_changes(run: Path) -> None:
    found = opened(run)
    before, lesions, measured = table(run), (run / "lesions.csv").read_bytes(), found.folder.record["measurements"]
    summary = run_uncertainty(found, UncertaintyOptions(samples=2))
    after, added = table(run), ("low_ml", "high_ml", "interval")
    assert [{k: v for k, v in row.items() if k not in added} for row in after] == before
    for row in after:
        volume = summary["volumes"][row["value"]]
        assert float(row["low_ml"]) == volume["low_ml"] and float(row["high_ml"]) == volume["high_ml"]
    again = opened(run)  # the checksum of the table is known again
    assert again.folder.has("measure") and again.folder.record["measurements"] == measured
    assert (run / "lesions.csv").read_bytes() == lesions
    run_uncertainty(again, UncertaintyOptions(samples=2, method="dropout"))
    assert list(table(run)[0]) == list(after[0])


def test_the_same_seed_gives_the_same_and_a_stop_leaves_the_run_as_it_was(run: Path) -> None:
    first = run_uncertainty(opened(run), UncertaintyOptions(samples=2, method="dropout"))
    before = content(run)

    def stop(event: Event) -> None:
        if event.done >= 1:
            raise Cancelled("Stopped.", "")

    with pytest.raises(Cancelled):
        run_uncertainty(opened(run), UncertaintyOptions(samples=2), stop)
    assert content(run) == before
    assert run_uncertainty(opened(run), UncertaintyOptions(samples=2, method="dropout")) == first


def test_an_empty_segmentation_is_doubted_too(run: Path) -> None:
    found = opened(run)
    found.segmentation.labels.array[:] = 0
    summary = run_uncertainty(found, UncertaintyOptions(samples=2))
    assert all(row["low_ml"] == 0 == row["ml"] for row in summary["volumes"].values())


def test_models_without_an_ensemble_are_refused(run: Path) -> None:
    with pytest.raises(InputError, match="uses one model"):
        run_uncertainty(opened(run), UncertaintyOptions(ensemble=("other",)))
