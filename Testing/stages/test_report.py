"""The stage that reports a finished run: its files, what it records, and what it leaves alone."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from MultimodalSegLib.errors import Cancelled, InputError
from MultimodalSegLib.images.io import read_volume
from MultimodalSegLib.inference.segmentation import Segmentation
from MultimodalSegLib.progress import Event
from MultimodalSegLib.registration.aligned import AlignedCase
from MultimodalSegLib.report.seg_nrrd import write_segmentation
from MultimodalSegLib.restore import FinishedRun
from MultimodalSegLib.run_folder import RunFolder
from MultimodalSegLib.stages.corrections import replace_segmentation
from MultimodalSegLib.stages.report import ReportOptions, run_report
from Testing.phantoms import a_model
from Testing.report.conftest import CLASSES, a_case, a_tilted_grid
from Testing.report.reading import without_pictures
from Testing.slicerside.dicom.series import write_series


def a_run(folder: Path, aligned: AlignedCase, segmentation: Segmentation, source: Path) -> FinishedRun:
    """A run folder of a case; its reference was read from ``source``."""
    reference = aligned.reference
    inputs = {name: {"path": f"/scans/Doe_John/{name}.nrrd", "sha256": "0" * 64} for name in aligned.volumes}
    inputs[reference]["path"] = str(source)
    record = {"inputs": inputs, "reference": reference, "registration": {}, "coverage": {}}
    record |= {"model": dict(segmentation.model), "warnings": [f"{source} holds several series."]}
    run = RunFolder.create(folder / "run", record)
    return FinishedRun(run, a_model(folder / "model"), aligned, segmentation)


@pytest.fixture
def a_finished_case(tmp_path: Path) -> FinishedRun:
    return a_run(tmp_path, *a_case(a_tilted_grid()), source=Path("/scans/Doe_John/ct.nrrd"))


@pytest.fixture
def from_dicom(tmp_path: Path) -> FinishedRun:
    """A run whose reference is a series of DICOM images of Ann Nobody."""
    write_series(tmp_path / "series")
    volume = read_volume(tmp_path / "series")
    labels = np.zeros(volume.array.shape, np.uint16)
    labels[:3, 2:6, 1:4], labels[3:, 2:6, 1:4], labels[1:3, 8:10, 6:9] = 10, 49, 99
    model = {"name": "tiny", "version": "0.1.0", "checksum": "c" * 64}
    segmentation = Segmentation(volume.with_array(labels), CLASSES, model=model)
    return a_run(tmp_path, AlignedCase({"T1": volume}, "T1"), segmentation, tmp_path / "series")


def words(file: Path) -> str:
    return without_pictures(file.read_text(encoding="utf-8"))


def names(files: list[Path]) -> list[str]:
    return [file.name for file in files]


def test_the_report_is_written_and_recorded(a_finished_case):
    events: list[Event] = []
    files = run_report(a_finished_case, ReportOptions(), events.append)
    folder = a_finished_case.folder
    assert files == [folder.path / "report.html"]
    assert set(folder.record["stages"]["report"]["files"]) == {"report.html"}
    assert {event.stage for event in events} == {"report"} and events[-1].done == events[-1].total
    RunFolder.open(folder.path).verify()
    text = words(files[0])
    assert "Doe" not in text and "/scans" not in text and str(folder.path) not in text
    assert "One more warning names a file and is only in run.json." in text


def test_again_replaces_what_it_had_written(a_finished_case):
    pytest.importorskip("fpdf", reason="fpdf2 is not installed")
    mine = a_finished_case.folder.path / "mine.txt"
    mine.write_text("keep", encoding="utf-8")
    assert names(run_report(a_finished_case, ReportOptions(pdf=True))) == ["report.html", "report.pdf"]
    assert names(run_report(a_finished_case)) == ["report.html"]
    assert not (a_finished_case.folder.path / "report.pdf").exists() and mine.exists()


def test_a_report_that_is_stopped_leaves_the_earlier_one(a_finished_case):
    (before,) = run_report(a_finished_case)
    text = before.read_text(encoding="utf-8")

    def stop(event: Event) -> None:
        raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        run_report(a_finished_case, progress=stop)
    assert before.read_text(encoding="utf-8") == text
    RunFolder.open(a_finished_case.folder.path).verify()


def test_names_are_told_when_asked(from_dicom):
    quiet = words(run_report(from_dicom, ReportOptions(dicom="no"))[0])
    for name in ("Nobody", "P1", "1970", str(from_dicom.folder.path)):
        assert name not in quiet
    told = words(run_report(from_dicom, ReportOptions(with_name=True, dicom="no"))[0])
    assert "Nobody^Ann" in told and "1970-01-01" in told and "series" in told


def test_a_reference_from_dicom_gives_dicom(from_dicom):
    hd = pytest.importorskip("highdicom", reason="highdicom is not installed")
    files = run_report(from_dicom)
    assert names(files) == ["report.html", "segmentation.dcm", "structured_report.dcm"]
    seg = hd.seg.segread(str(files[1]))
    assert [seg.get_segment_description(n).segment_label for n in (1, 2, 3)] == [
        "Left thalamus",
        "Right thalamus",
        "Lesion 1",
    ]
    groups = hd.sr.srread(str(files[2])).content.get_volumetric_roi_measurement_groups()
    assert [group.tracking_identifier for group in groups] == ["Left thalamus", "Right thalamus", "Lesion 1"]


def test_dicom_says_which_segments_a_person_has_corrected(from_dicom):
    hd = pytest.importorskip("highdicom", reason="highdicom is not installed")
    labels = from_dicom.segmentation.labels.array.copy()
    labels[0, 2, 1] = 0  # of the left thalamus
    corrected = replace(from_dicom.segmentation, labels=from_dicom.segmentation.labels.with_array(labels))
    with from_dicom.folder.stage("segment"):
        from_dicom.folder.write(
            from_dicom.folder.segmentation, lambda path: write_segmentation(from_dicom.segmentation, path)
        )
    with from_dicom.folder.stage("refine", keep=True):
        said = {"segment": "Left thalamus", "added_ml": 0.0, "removed_ml": 0.1}
        now = replace_segmentation(from_dicom, corrected, said)
    seg = hd.seg.segread(str(run_report(now)[1]))
    kinds = {one.segment_label: one.algorithm_type.value for one in map(seg.get_segment_description, (1, 2, 3))}
    assert kinds == {"Left thalamus": "SEMIAUTOMATIC", "Right thalamus": "AUTOMATIC", "Lesion 1": "AUTOMATIC"}
    assert "Left thalamus" in words(from_dicom.folder.path / "report.html")


def test_dicom_that_cannot_be_written_is_an_error_only_if_it_was_asked_for(from_dicom):
    classes = tuple(replace(entry, terminology="") for entry in CLASSES)
    nameless = replace(from_dicom, segmentation=replace(from_dicom.segmentation, classes=classes))
    assert names(run_report(nameless)) == ["report.html"]
    assert any("No DICOM was written" in warning for warning in nameless.folder.record["warnings"])
    source = nameless.folder.record["inputs"]["T1"]["path"]
    with pytest.raises(InputError, match="terminology"):
        run_report(nameless, ReportOptions(dicom=source))


def test_a_folder_without_dicom_is_refused(a_finished_case, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no DICOM images"):
        run_report(a_finished_case, ReportOptions(dicom=str(tmp_path / "empty")))
