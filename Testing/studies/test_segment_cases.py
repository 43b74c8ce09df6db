"""A model segments a data set and is evaluated; once more nothing is segmented again."""

import json
from pathlib import Path

import numpy as np
import pytest

from MultimodalSegLib.errors import InputError
from MultimodalSegLib.evaluation.summary import Stratum
from MultimodalSegLib.images.io import write_volume
from MultimodalSegLib.progress import Event
from MultimodalSegLib.report.seg_nrrd import classes_in_file
from MultimodalSegLib.studies.evaluate import EvaluateRequest, run_evaluate
from MultimodalSegLib.studies.segment_cases import ModelRuns
from MultimodalSegLib.training.data.case import ImageFile, TrainingCase
from MultimodalSegLib.training.data.classes import LabelClass
from MultimodalSegLib.training.data.data_set import DataSet
from MultimodalSegLib.training.data.description import write_description
from MultimodalSegLib.training.data.labels import LabelFile
from Testing.phantoms import CT_GRID, TRANSFORM, a_ct, a_model, true_labels, write_pair

CLASSES = (
    LabelClass("white matter", left=2, right=41),
    LabelClass("ventricle", 4),
    LabelClass("skull", 515),
    LabelClass("lesion", 99, lesion=True),
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model, and a data set of one labelled case with a known transform and one without a label."""
    import SimpleITK as sitk

    folder = tmp_path_factory.mktemp("evaluate")
    a_model(folder / "model")
    ct, mr = write_pair(folder)
    labels = true_labels()
    array = labels.array.copy()
    array[20:23, 20:23, 20:23] = 99
    write_volume(labels.with_array(array), folder / "truth.nii.gz")
    sitk.WriteTransform(TRANSFORM, str(folder / "mr.h5"))
    images = {"CT": ImageFile(ct), "MR": ImageFile(mr)}
    known = TrainingCase(
        "head 1", "anna", images, LabelFile(folder / "truth.nii.gz"), transforms={"MR": folder / "mr.h5"}
    )
    data_set = DataSet("heads", (known, TrainingCase("head 2", "bert", images)), CLASSES)
    write_description(data_set, folder / "data.json")
    return folder


@pytest.fixture(scope="module")
def done(place: Path) -> Path:
    run_evaluate(request(place))
    return place / "out"


def request(place: Path) -> EvaluateRequest:
    runs = ModelRuns((str(place / "model"),), place / "data.json", alone=True, engine="torch", threads=1)
    return EvaluateRequest(place / "out", runs=runs)


def test_every_case_has_its_run_and_is_compared_by_name(done: Path) -> None:
    record = json.loads((done / "evaluation.json").read_text(encoding="utf-8"))
    assert record["options"]["matched_by"] == "names"
    lesions = {entry["name"]: entry["lesion"] for entry in record["options"]["structures"]}
    assert lesions["lesion"] and not lesions["ventricle"] and "left white matter" in {n.lower() for n in lesions}
    assert {path.name for path in (done / "runs" / "tiny_0.1.0").iterdir()} == {"head_1", "head_1.CT", "head_1.MR"}
    names = {entry.name: entry.group for entry in classes_in_file(done / "references" / "head_1.seg.nrrd")}
    assert names["lesion"] == "lesion" and "left white matter" in names
    assert any("without a label" in sentence for sentence in record["warnings"])
    assert set(record["figures"]) == {f"tiny 0.1.0, {m}" for m in ("CT+MR", "CT", "MR")}


def test_the_mri_alone_is_seen_in_the_references_space(done: Path) -> None:
    run = json.loads((done / "runs" / "tiny_0.1.0" / "head_1.MR" / "run.json").read_text(encoding="utf-8"))
    assert tuple(run["inputs"]["MR"]["size"]) == CT_GRID.size


def test_once_more_nothing_is_segmented_again(place: Path, done: Path) -> None:
    segmentations = sorted(done.glob("runs/*/*/segmentation.seg.nrrd"))
    before = [path.stat().st_mtime_ns for path in segmentations]
    events: list[Event] = []
    found = run_evaluate(request(place), events.append)
    assert [path.stat().st_mtime_ns for path in segmentations] == before and len(before) == 3
    assert [event.stage for event in events if event.done == 0] == ["segment", "look", "score", "write"][-3:]
    assert found.scores[0].calibration is not None and 0 <= found.scores[0].entry.presence <= 1
    assert found.modality_errors[0].model == "tiny 0.1.0"
    table = EvaluateRequest(place / "again", table=done / "table.csv")
    again = run_evaluate(table)
    whole = Stratum("tiny 0.1.0", "CT+MR")
    for key, summary in found.summaries[whole].items():
        assert again.summaries[whole][key].mean.mean == pytest.approx(summary.mean.mean, nan_ok=True)


def test_a_data_set_without_labels(place: Path) -> None:
    lonely = DataSet("none", (TrainingCase("a", "a", {"CT": ImageFile(place / "ct.nrrd")}),), CLASSES)
    write_description(lonely, place / "none.json")
    with pytest.raises(InputError, match="No case .* has a label"):
        run_evaluate(EvaluateRequest(place / "no", runs=ModelRuns((str(place / "model"),), place / "none.json")))


def test_a_modality_that_the_model_does_not_know(place: Path) -> None:
    write_volume(a_ct().with_array(np.abs(a_ct().array)), place / "pet.nrrd")
    case = TrainingCase("a", "a", {"PET": ImageFile(place / "pet.nrrd")}, LabelFile(place / "truth.nii.gz"))
    write_description(DataSet("pet", (case,), CLASSES), place / "pet.json")
    with pytest.raises(InputError, match="can use no image of the case 'a'"):
        run_evaluate(EvaluateRequest(place / "no", runs=ModelRuns((str(place / "model"),), place / "pet.json")))


@pytest.mark.parametrize(
    "given", [{}, {"table": Path("t.csv"), "references": (Path("r"),)}, {"references": (Path("r"),)}]
)
def test_a_request_says_one_thing(given: dict) -> None:
    with pytest.raises(InputError, match="not clear"):
        EvaluateRequest(Path("out"), **given)
