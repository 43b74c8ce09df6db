"""``evaluate`` for a person and for a program."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.io import write_volume
from MultimodalSegLib.images.volume import Volume
from Testing.phantoms import CT_GRID, child, true_labels


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """References, good and poor predictions of three cases, as folders."""
    root = tmp_path_factory.mktemp("folders")
    truth = true_labels()
    for n in range(3):
        for name, shift in (("true", 0), ("good", 0 if n else 1), ("poor", 2 + n)):
            (root / name).mkdir(exist_ok=True)
            moved = Volume(np.roll(truth.array, shift, axis=2), CT_GRID)
            write_volume(moved, root / name / f"case_{n}.nii.gz")
    return root


def test_folders_of_two_models_become_a_page_and_tables(command, folders: Path, tmp_path: Path) -> None:
    given = [f"--predictions={name}={folders / name}" for name in ("good", "poor")]
    ended = command(
        "evaluate", *given, "--references", folders / "true", "--out", tmp_path / "out", "--structure", "label 4"
    )
    assert ended.code == 0, ended.err
    assert "good" in ended.out and "Dice" in ended.out and str(tmp_path / "out" / "evaluation.html") in ended.out
    with (tmp_path / "out" / "comparisons.csv").open(encoding="utf-8") as file:
        row = next(csv.DictReader(file))
    assert row["structure"] == "label 4" and row["measure"] == "dice"
    assert float(row["difference"]) > 0.1 and float(row["p_wilcoxon"]) == pytest.approx(0.25)
    assert not list((tmp_path / "out").glob(".*")), "nothing half-written is left"


def test_a_program_gets_figures_and_what_is_older_goes(folders: Path, tmp_path: Path) -> None:
    (tmp_path / "raters.csv").write_text("of an earlier evaluation", encoding="utf-8")
    (tmp_path / "cases.csv").write_text(
        f"case,prediction,reference\na,{folders / 'good' / 'case_0.nii.gz'},{folders / 'true' / 'case_0.nii.gz'}\n",
        encoding="utf-8",
    )
    (tmp_path / "labels.json").write_text('{"ventricle": 4, "skull": 515}', encoding="utf-8")
    chosen = ("--labels", tmp_path / "labels.json", "--tolerance", "5", "--events", "jsonl")
    with child("evaluate", tmp_path / "cases.csv", "--out", tmp_path / "out", *chosen) as process:
        out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    lines = [json.loads(line) for line in out.splitlines()]
    assert {line["stage"] for line in lines[:-1]} == {"look", "score", "write"}
    result = lines[-1]["result"]
    figures = result["figures"]["all cases"]
    assert 0.5 < figures["dice"] < 1 and figures["surface_dice"] == 1
    assert any("one patient" in sentence for sentence in result["warnings"])
    assert any("2" in sentence and "background" in sentence for sentence in result["warnings"]), "brain is not named"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "not clear what to evaluate"),
        (("none.csv",), "cannot be read as a table"),
        (("--model", "tiny"), "--model and --data belong together"),
        (("--predictions", "nowhere", "--references", "nowhere"), "There is no folder"),
        (("--predictions", "nowhere"), "not clear what to evaluate"),
        (("--predictions", "x=a", "--predictions", "x=b", "--references", "r"), "have the name 'x'"),
        (("--predictions", "a", "--predictions", "b", "--references", "r"), "The predictions a have no name"),
        (("--predictions", "x=a", "--predictions", "b", "--references", "r"), "The predictions b have no name"),
        (("none.csv", "--level", "1"), "level of the intervals is 1"),
        (("none.csv", "--tolerance", "-1"), "tolerance of surface Dice"),
        (("none.csv", "--labels", "nowhere.csv"), "nowhere.csv cannot be read"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(command, tmp_path: Path, arguments: tuple, sentence: str) -> None:
    ended = command("evaluate", *arguments, "--out", tmp_path / "out")
    assert ended.code == 2 and sentence in ended.err and "Traceback" not in ended.err
    assert not (tmp_path / "out").exists()


def test_one_prediction_elsewhere_and_one_broken_map_cost_no_other_case(command, folders: Path, tmp_path: Path) -> None:
    truth = true_labels()
    away = Grid(CT_GRID.size, CT_GRID.spacing, (900.0, 900.0, 900.0))
    write_volume(Volume(truth.array, away), tmp_path / "away.nrrd")
    chance = np.full(CT_GRID.shape, 0.1, np.float32)
    chance[0, 0, 0] = np.nan
    write_volume(Volume(chance, CT_GRID), tmp_path / "nan.nrrd")
    good, true = folders / "good" / "case_1.nii.gz", folders / "true" / "case_1.nii.gz"
    rows = (f"a,{tmp_path / 'away.nrrd'},{true},", f"b,{good},{true},{tmp_path / 'nan.nrrd'}", f"c,{good},{true},")
    (tmp_path / "cases.csv").write_text("\n".join(("case,prediction,reference,probability", *rows)), encoding="utf-8")
    given = ("evaluate", tmp_path / "cases.csv", "--out", tmp_path / "out", "--structure", "label 4")
    refused = command(*given)
    assert refused.code == 2 and "'a' cannot be compared" in refused.err and "--leave-out" in refused.err
    assert not (tmp_path / "out").exists()
    ended = command(*given, "--leave-out")
    assert ended.code == 0, ended.err
    assert "the case 'a'. The prediction and the reference lie in different places" in " ".join(ended.err.split())
    with (tmp_path / "out" / "cases.csv").open(encoding="utf-8") as file:
        assert {row["case"] for row in csv.DictReader(file)} == {"c"}


@pytest.mark.parametrize("inside", [".", "deeper/out"])
def test_a_file_in_the_place_of_the_result_is_told_before_anything_is_scored(
    command, folders: Path, tmp_path: Path, inside: str
) -> None:
    (tmp_path / "taken").write_text("not a folder", encoding="utf-8")
    given = ("--predictions", folders / "good", "--references", folders / "true")
    ended = command("evaluate", *given, "--out", tmp_path / "taken" / inside)
    assert ended.code == 3 and "is a file, not a folder" in " ".join(ended.err.split())
    assert "Traceback" not in ended.err and (tmp_path / "taken").read_text(encoding="utf-8") == "not a folder"
