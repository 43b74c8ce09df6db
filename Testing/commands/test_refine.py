"""``refine`` for a person and for a program, and what cannot be done."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from MultimodalSegLib.images.io import read_labels, write_volume
from MultimodalSegLib.pipeline import run_segment
from MultimodalSegLib.restore import open_run
from MultimodalSegLib.segment_options import SegmentOptions
from Testing.phantoms import child
from Testing.refinement.handmade import a_click_model
from Testing.report.reading import without_pictures


@pytest.fixture(scope="module")
def finished(place: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    a_click_model(folder / "clicks")
    options = SegmentOptions({"CT": place / "ct.nrrd"}, folder / "run", model=str(place / "models" / "tiny"), threads=1)
    run_segment(options)
    return folder


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished / "run", tmp_path / "run"))


def test_a_person_corrects_and_takes_it_back(command, finished: Path, run: Path) -> None:
    chosen = ("--points", "-30,25,30", "--new", "Tumor", "--allow-overwrite", "--model", finished / "clicks")
    ended = command("refine", run, *chosen)
    assert ended.code == 0, ended.err
    assert "Tumor: " in ended.out and "0.00 ml removed" in ended.out
    ended = command("refine", run, "--undo")
    assert ended.code == 0 and "The last correction of Tumor was taken back" in ended.out
    ended = command("refine", run, "--undo")
    assert ended.code == 2 and "Nothing was corrected" in ended.err


def volumes(run: Path) -> dict[str, float]:
    """By name, as the table tells them."""
    with (run / "measurements.csv").open(newline="", encoding="utf-8") as file:
        return {row["name"]: float(row["volume_ml"]) for row in csv.DictReader(file)}


def voxels_ml(run: Path) -> dict[str, float]:
    """By name, as the label map has them."""
    segmentation = open_run(run).segmentation
    counts = np.bincount(segmentation.labels.array.ravel(), minlength=10_000)
    found = {one.name: counts[one.value] * segmentation.labels.grid.voxel_ml for one in segmentation.classes}
    return {name: ml for name, ml in found.items() if ml}


def network_said(run: Path) -> tuple[str, str]:
    """Leave what the network may have said of two structures: maps, contributions and intervals; their names."""
    folder = open_run(run).folder
    labels = open_run(run).segmentation.labels
    present = [one for one in open_run(run).segmentation.classes if (labels.array == one.value).sum() > 200][:2]
    names = [one.name for one in present]
    rows = [f"{one.name},{one.value},CT,0.5,0.5,0.5" for one in present]
    with folder.stage("explain"):
        for name in names:
            file = folder.path / "explanation" / f"{name.lower().replace(' ', '_')}.gradcam.nrrd"
            folder.write(file, lambda path: write_volume(labels.with_array(labels.array.astype(np.float32)), path))
    with folder.stage("contributions"):
        text = "\n".join(["structure,value,modality,shapley,alone,without", *rows])
        folder.write(
            folder.path / "explanation" / "contributions.csv", lambda path: path.write_text(text, encoding="utf-8")
        )
    told = {str(one.value): {"name": one.name, "low_ml": 1.0, "high_ml": 2.0} for one in present}
    with folder.stage("uncertainty"):
        summary = json.dumps({"method": "tta", "volumes": told, "views": dict.fromkeys(names, 0.9)})
        folder.write(
            folder.path / "uncertainty" / "summary.json", lambda path: path.write_text(summary, encoding="utf-8")
        )
    return names[0], names[1]


def test_report_and_tables_are_those_of_the_corrected_segmentation(command, finished: Path, run: Path) -> None:
    network_said(run)
    assert command("report", run).code == 0
    chosen = ("--points", "-30,25,30", "--new", "Tumor", "--allow-overwrite", "--model", finished / "clicks")
    assert command("refine", run, *chosen).code == 0
    assert volumes(run) == pytest.approx(voxels_ml(run), abs=1e-3) and volumes(run)["Tumor"] > 3
    assert not (run / "report.html").exists()  # its figures are those of before
    assert command("report", run).code == 0
    page = without_pictures((run / "report.html").read_text(encoding="utf-8"))
    assert "Corrections" in page and "1 on it" in page and "Tumor" in page
    assert command("refine", run, "--undo").code == 0
    assert "Tumor" not in volumes(run) and volumes(run) == pytest.approx(voxels_ml(run), abs=1e-3)
    assert command("report", run).code == 0
    assert "Tumor" not in without_pictures((run / "report.html").read_text(encoding="utf-8"))


def test_what_the_network_said_of_a_corrected_structure_is_left_out_and_of_others_kept(
    command, finished: Path, run: Path
) -> None:
    one, other = network_said(run)
    edited = open_run(run).segmentation
    value = next(entry.value for entry in edited.classes if entry.name == one)
    labels = edited.labels.array.copy()
    labels[tuple(np.argwhere(labels == value)[:150].T)] = 0
    write_volume(edited.labels.with_array(labels), run.parent / "edited.nrrd")
    ended = command("report", run, "--edited", run.parent / "edited.nrrd")
    assert ended.code == 0, ended.err
    assert np.array_equal(read_labels(run / "segmentation.seg.nrrd").array, labels)
    assert volumes(run) == pytest.approx(voxels_ml(run), abs=1e-3)
    page = without_pictures((run / "report.html").read_text(encoding="utf-8"))
    assert "edited by hand" in page and "intervals of volumes" in page
    assert f"{other}, Grad-CAM" in page and f"{one}, Grad-CAM" not in page
    with (run / "measurements.csv").open(newline="", encoding="utf-8") as file:
        rows = {row["name"]: row for row in csv.DictReader(file)}
    assert rows[other]["low_ml"] and not rows[one]["low_ml"]


def test_an_edited_segmentation_is_taken_in_and_one_as_before_takes_it_back(command, finished: Path, run: Path) -> None:
    shutil.copy(run / "segmentation.seg.nrrd", run.parent / "first.seg.nrrd")
    for name in ("One", "Two"):
        chosen = ("--points", "-30,25,30", "--new", name, "--allow-overwrite", "--model", finished / "clicks")
        assert command("refine", run, *chosen).code == 0
    shutil.copy(run / "segmentation.seg.nrrd", run.parent / "same.seg.nrrd")
    ended = command("refine", run, "--edited", run.parent / "same.seg.nrrd")
    assert ended.code == 0 and "Nothing differs" in ended.out
    ended = command("refine", run, "--edited", run.parent / "first.seg.nrrd")
    assert ended.code == 0 and "Two" in ended.out, ended.err
    assert json.loads((run / "run.json").read_text(encoding="utf-8"))["refinements"] == []
    assert volumes(run) == pytest.approx(voxels_ml(run), abs=1e-3) and not {"One", "Two"} & set(volumes(run))


def test_a_program_is_told_what_changed_and_where_the_object_is(finished: Path, run: Path) -> None:
    box = ("--box", "-42,12,20,-18,38,40", "--points", "-30,25,30", "--negative", "20,0,0")
    with child("refine", run, *box, "--new", "It", "--model", finished / "clicks", "--events", "jsonl") as process:
        out, err = process.communicate(timeout=200)
    assert process.returncode == 0, err
    result = json.loads(out.splitlines()[-1])["result"]
    assert result["segment"] == "It" and result["added_ml"] + sum(result["withheld_ml"].values()) > 1
    assert Path(result["mask"]).is_file()


@pytest.mark.parametrize(
    ("chosen", "code", "sentence"),
    [
        (("--points", "1,2", "--new", "It"), 2, "is not 3 numbers"),
        (("--points", "900,0,0", "--new", "It"), 2, "outside of what the volume shows"),
        (("--points", "-74,84,80", "--new", "It"), 2, "nothing but air"),
        (("--points", "0,0,0"), 2, "not said which segment"),
        (("--new", "It"), 2, "Nothing is said"),
        (("--undo", "--new", "It"), 2, "stands alone"),
        (("--edited", "x.nrrd", "--new", "It"), 2, "stands alone"),
        (("--points", "0,0,0", "--new", "It", "--model", "tiny"), 4, "does not answer clicks"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    command, finished: Path, run: Path, chosen: tuple[str, ...], code: int, sentence: str
) -> None:
    model = (
        () if "--model" in chosen or "--undo" in chosen or "--edited" in chosen else ("--model", finished / "clicks")
    )
    ended = command("refine", run, *chosen, *model)
    assert ended.code == code and sentence in ended.err and "Traceback" not in ended.err


def test_training_without_label_maps_is_told(command, tmp_path: Path) -> None:
    ended = command("train-refine", tmp_path, "--out", tmp_path / "run", "--steps", 1)
    assert ended.code == 2 and "holds no label map" in ended.err
