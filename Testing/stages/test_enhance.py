"""A scan enhanced into a folder, and what becomes of it further on."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from MultimodalSegLib import enhance
from MultimodalSegLib.errors import InputError, ModelError, OutputError
from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.io import read_volume, write_volume
from MultimodalSegLib.images.synthetic import has_synthetic_detail
from MultimodalSegLib.models.bundle import Bundle, list_bundles
from MultimodalSegLib.pipeline import run_segment
from MultimodalSegLib.restore import open_run
from MultimodalSegLib.run_folder import RunFolder
from MultimodalSegLib.segment_options import SegmentOptions
from MultimodalSegLib.stages.contributions import run_contributions
from MultimodalSegLib.stages.enhance import EnhanceOptions
from MultimodalSegLib.stages.explain import run_explain
from MultimodalSegLib.stages.explain_options import ExplainOptions
from MultimodalSegLib.stages.measure import MeasureOptions, run_measure
from MultimodalSegLib.stages.report import ReportOptions, run_report
from MultimodalSegLib.stages.uncertainty import run_uncertainty
from Testing.enhancement.handmade import a_detail_model, a_thick_scan
from Testing.phantoms import a_model, write_pair


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return a_detail_model(tmp_path_factory.mktemp("models") / "detail")


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    write_volume(a_thick_scan(noise=20), tmp_path / "t2.nii.gz")
    return tmp_path / "t2.nii.gz"


def test_the_files_are_named_tagged_and_recorded(scan: Path, model: Bundle, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = enhance(scan, out, EnhanceOptions("T2", samples=2, steps=2, model=str(model.path), device="cpu"))
    file = out / "t2 (synthetic detail).nrrd"
    assert np.allclose(read_volume(file).array, result.volume.array)
    assert has_synthetic_detail(file) and has_synthetic_detail(out / "t2 uncertainty (synthetic detail).nrrd")
    assert result.volume.synthetic_detail.startswith("detail 0.0.1")
    record = json.loads((out / "enhance.json").read_text(encoding="utf-8"))
    assert record["synthetic_detail"] and record["model"]["checksum"] == model.checksum and record["samples"] == 2
    assert record["consistency"]["within_noise"] and record["consistency"]["rms"] <= record["consistency"]["noise"]
    assert record["input"]["sha256"] and record["family"] == "MR"
    with pytest.raises(OutputError, match="holds a result already"):
        enhance(scan, out, EnhanceOptions(model=str(model.path)))


def test_a_scan_without_thick_slices_leaves_a_record_alone(model: Bundle, tmp_path: Path) -> None:
    write_volume(a_thick_scan(Grid((12, 12, 12))), tmp_path / "t1.nrrd")
    result = enhance(tmp_path / "t1.nrrd", tmp_path / "out", EnhanceOptions(model=str(model.path)))
    assert not result.changed
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["enhance.json"]
    assert "returned unchanged" in (tmp_path / "out" / "enhance.json").read_text(encoding="utf-8")


def test_the_model_is_not_offered_for_segmenting(
    model: Bundle, scan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MMS_MODELS", str(model.path.parent))
    assert "detail" not in {bundle.name for bundle in list_bundles()}
    with pytest.raises(ModelError, match="does not segment"):
        run_segment(SegmentOptions({"MR": scan}, tmp_path / "run", model=str(model.path)))


def test_what_cannot_be_done_is_told(scan: Path, model: Bundle, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot use a PET volume"):
        enhance(scan, None, EnhanceOptions("PET", model=str(model.path)))
    for name in ("nonsense", "CTA", "mri"):
        with pytest.raises(InputError, match=f"Unknown modality '{name}'"):
            enhance(scan, None, EnhanceOptions(name, model=str(model.path)))
    assert EnhanceOptions("flair").modality == "flair"
    with pytest.raises(InputError, match="0 samples"):
        EnhanceOptions(samples=0)
    with pytest.raises(InputError, match="same volume in every sample"):
        EnhanceOptions(samples=2, steps=1)
    with pytest.raises(InputError, match="profile"):
        EnhanceOptions(profile="round")
    other = a_model(tmp_path / "segments")
    with pytest.raises(ModelError, match="does not add detail"):
        enhance(scan, None, EnhanceOptions(model=str(other.path)))


@pytest.fixture(scope="module")
def a_run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run of a volume that is tagged by its name."""
    folder = tmp_path_factory.mktemp("synthetic")
    ct, _ = write_pair(folder)
    file = ct.rename(folder / "ct (synthetic detail).nrrd")
    a_model(folder / "model")
    options = {"registration": "none", "model": str(folder / "model"), "threads": 1}
    with pytest.raises(InputError, match="detail of CT is synthetic"):
        run_segment(SegmentOptions({"CT": file}, folder / "run", **options))
    assert not (folder / "run").exists()
    return run_segment(SegmentOptions({"CT": file}, folder / "run", **options, synthetic_detail=True))


def test_a_segmentation_of_it_needs_a_choice_and_says_so(a_run: RunFolder, tmp_path: Path) -> None:
    assert a_run.record["inputs"]["CT"]["synthetic_detail"] is True
    assert any("made from synthetic detail in CT" in sentence for sentence in a_run.record["warnings"])
    assert has_synthetic_detail(a_run.aligned("CT"))
    assert not has_synthetic_detail(a_run.segmentation)
    run = open_run(Path(shutil.copytree(a_run.path, tmp_path / "run")))
    with pytest.raises(InputError, match="synthetic"):
        run_measure(run)
    run_measure(run, MeasureOptions(synthetic_detail=True))
    for ask in (run_uncertainty, run_contributions, lambda run: run_explain(run, ExplainOptions())):
        with pytest.raises(InputError, match="synthetic"):
            ask(run)
    with pytest.raises(InputError, match="synthetic"):
        run_report(run)
    report = run_report(run, ReportOptions(dicom="no", synthetic_detail=True))[0].read_text(encoding="utf-8")
    assert "made from synthetic detail in CT" in report and "CT, synthetic detail" in report
