"""The benchmarks of the ablation and of shifted images: what each variant leaves out, and the runner as a whole."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parent / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

from ablation import Files, all_runs, carry_out_all, to_do  # noqa: E402
from ablation_run import Computing, Run  # noqa: E402
from ablation_score import scored  # noqa: E402
from ablation_sets import AblationSet, grouped  # noqa: E402
from ablation_table import difference, read_rows  # noqa: E402
from ablation_variants import FULL, VARIANTS, a_plan  # noqa: E402
from shift import measured  # noqa: E402
from shift_changes import SHIFTS, bright  # noqa: E402

from MultimodalSegLib import load_bundle  # noqa: E402
from MultimodalSegLib.images.grid import Grid  # noqa: E402
from MultimodalSegLib.images.io import write_volume  # noqa: E402
from MultimodalSegLib.images.volume import Volume  # noqa: E402
from MultimodalSegLib.training.data.case import ImageFile, TrainingCase  # noqa: E402
from MultimodalSegLib.training.data.classes import LabelClass  # noqa: E402
from MultimodalSegLib.training.data.data_set import DataSet  # noqa: E402
from MultimodalSegLib.training.data.description import read_description, write_description  # noqa: E402
from MultimodalSegLib.training.data.labels import LabelFile  # noqa: E402
from MultimodalSegLib.training.export import export  # noqa: E402
from MultimodalSegLib.training.model import network_settings  # noqa: E402
from MultimodalSegLib.training.plan_file import to_dict  # noqa: E402
from MultimodalSegLib.training.start import prepare  # noqa: E402

GRID = Grid((32, 32, 32), (2.0, 2.0, 2.0))


@pytest.fixture
def a_pair() -> dict[str, Volume]:
    """A bright ball in CT and MRI."""
    far = np.linalg.norm(np.indices(GRID.shape) - np.array([15.5, 15, 14])[:, None, None, None], axis=0)
    inside = (far < 8).astype(np.float32)
    texture = np.random.default_rng(0).normal(0, 0.02, GRID.shape).astype(np.float32)
    head = far < 14
    return {
        "CT": Volume(np.where(head, 40 + 30 * inside, -1000).astype(np.float32), GRID),
        "MR": Volume((np.where(head, 300 + 400 * inside, 0) * (1 + texture)).astype(np.float32), GRID),
    }


@pytest.fixture
def a_set(a_pair, tmp_path: Path) -> AblationSet:
    """Two cases to train on and one to score."""
    ball = (a_pair["CT"].array > 60).astype(np.uint8)
    cases = []
    for name in ("one", "two", "three"):
        images = {modality: ImageFile(tmp_path / f"{name}-{modality}.nii.gz") for modality in a_pair}
        for modality, image in images.items():
            write_volume(a_pair[modality], image.path)
        write_volume(Volume(ball, GRID), tmp_path / f"{name}-label.nii.gz")
        label = LabelFile(tmp_path / f"{name}-label.nii.gz")
        cases.append(TrainingCase(name, name, images, label, already_aligned=True))
    paths = tmp_path / "training.json", tmp_path / "test.json"
    for path, chosen in zip(paths, (cases[:2], cases[2:]), strict=True):
        write_description(DataSet("balls", tuple(chosen), (LabelClass("ball", 1),)), path)
    return AblationSet(*paths, 2.0, (64, 32, 32), 1, (), 0.5, pairs=True)


def test_a_variant_differs_from_the_full_method_by_what_it_leaves_out(a_set):
    chosen = replace(a_set, topology=("ball",))
    plans = {n: to_dict(a_plan(v, chosen, 100, 0, cache=Path("c"), teacher="t")) for n, v in VARIANTS.items()}
    changed = {n: {k for k in p if p[k] != plans[FULL][k]} for n, p in plans.items()}
    assert changed["no-cross-scale"] == changed["mean-fusion"] == changed["no-grouping"] == {"network"}
    assert changed["no-reweighting"] == {"reweighting"}
    assert changed["no-boundary"] == {"losses"}
    assert changed["no-topology"] == {"losses", "topology"}
    assert changed["unet"] == {"network", "reweighting"}
    assert changed["student"] == {"network", "distillation"}
    assert {point["beta"] for point in plans["no-boundary"]["losses"]} == {0.0}
    assert max(point["gamma"] for point in plans["no-boundary"]["losses"]) > 0
    assert {(p["steps"], p["seed"], p["batch"], str(p["stages"])) for p in plans.values()} == {
        (100, 0, 1, str(plans[FULL]["stages"]))
    }


def test_every_variant_names_a_network_that_can_be_told(a_set):
    class AnySource:
        families, classes, lesion, sided = ("CT", "MR"), (1, 2, 3), {"name": "lesion"}, False

    entries = [network_settings(a_plan(v, a_set, 10, 0, cache=Path("c")), AnySource) for v in VARIANTS.values()]  # type: ignore[arg-type]
    assert all(entry["classes"] == 3 and entry["families"] == 2 and entry["stride"] == 32 for entry in entries)


def test_with_one_modality_only_what_can_make_a_difference_is_run(a_set, tmp_path: Path):
    sets = {"pairs": a_set, "single": replace(a_set, pairs=False)}
    runs = all_runs(sets, VARIANTS, [0, 1], 10)
    left_out = {run.variant for run in runs if run.set_name == "pairs"} - {
        run.variant for run in runs if run.set_name == "single"
    }
    assert left_out == {"mean-fusion", "no-reweighting", "no-grouping"}
    assert len(runs) == 2 * (15 + 12)
    only_student = all_runs(sets, ["student"], [1], 10)
    assert to_do(only_student, tmp_path, Files(tmp_path)) == [
        Run("pairs", FULL, 1, 10),
        Run("single", FULL, 1, 10),
        *only_student,
    ]


def test_a_run_is_trained_scored_written_once_and_shifted(a_set, tmp_path: Path, capfd):
    work, files = tmp_path / "work", Files(tmp_path / "results")
    runs = [Run("balls", "no-distillation", 0, 2)]
    computing = Computing("cpu", 1, 0)
    assert carry_out_all(runs, {"balls": a_set}, work, files, computing, 1) == 0, capfd.readouterr().err
    (row,) = read_rows(files.runs)
    (case,) = read_rows(files.cases)
    assert (row["steps"], row["samples"], row["cases"]) == (2, 2, 1) and row["seconds"] > 0
    assert case["case"] == "three" and case["structure"] == "ball" and 0 <= case["dice"] <= 1
    assert row["dice"] == case["dice"]
    assert "student, no distillation | 1 |" in files.page.read_text(encoding="utf-8")
    assert to_do(runs, work, files) == []
    assert not list(runs[0].folder(work).glob("*.pt"))  # a checkpoint is four times as large as the model
    shifted = list(measured(runs[0], read_description(a_set.test), work, 1, set()))
    assert len(shifted) == sum(len(shift.degrees) for shift in SHIFTS.values())
    assert {r["dice"] for r in shifted if r["degree"] == SHIFTS[r["shift"]].degrees[0]} == {row["dice"]}


def test_a_published_network_becomes_a_model_like_any_other(a_set, tmp_path: Path):
    plan = a_plan(VARIANTS["unet"], a_set, 1, 0, cache=tmp_path / "cache")
    prepare(replace(plan, device="cpu"), tmp_path / "run").run()
    bundle = load_bundle(export(tmp_path / "run", tmp_path / "run" / "model").path)
    assert bundle.metadata["network"]["kind"] == "unet"
    (found,) = scored(bundle, read_description(a_set.test), device="cpu").values()
    assert 0 <= found["ball"] <= 1


def test_a_run_that_fails_is_told_and_has_no_row(a_set, tmp_path: Path, capsys):
    broken = replace(a_set, training=tmp_path / "missing.json")
    files = Files(tmp_path)
    assert carry_out_all([Run("balls", FULL, 0, 2)], {"balls": broken}, tmp_path, files, Computing(), 1) == 1
    assert "missing.json" in capsys.readouterr().err and not files.runs.exists()


def test_a_difference_is_of_the_same_cases_and_seeds():
    rows = [
        {"variant": variant, "seed": seed, "case": case, "structure": "ball", "dice": dice}
        for variant, seed, dice in (("full", 0, 0.8), ("unet", 0, 0.7), ("unet", 1, 0.1))
        for case in ("a", "b")
    ]
    assert difference(rows, "unet", "full") == "-0.100 (-0.100 to -0.100) to full method"
    assert difference(rows, "full", "full") == "-"
    assert difference(rows, "student", "full") == "not run yet"


def test_structures_are_grouped_and_lesions_stay():
    values = np.array([0, 2, 41, 3, 4, 515, 99, 511])
    assert grouped(values).tolist() == [0, 1, 1, 2, 3, 7, 99, 0]


@pytest.mark.parametrize("name", [name for name, shift in SHIFTS.items() if not shift.pairs_only])
def test_a_higher_degree_changes_the_images_more(name: str, a_pair):
    shift = SHIFTS[name]
    found = [shift.apply(a_pair, degree, 1) for degree in shift.degrees[1:]]
    changes = [np.abs(v["MR"].array - a_pair["MR"].array).mean() / bright(a_pair["MR"].array) for v in found]
    assert changes == sorted(changes) and changes[0] > 1e-3
    assert all(np.isfinite(v["CT"].array).all() for v in found)
    assert np.array_equal(found[0]["MR"].array, shift.apply(a_pair, shift.degrees[1], 1)["MR"].array)


def test_gray_levels_move_by_the_part_that_is_asked_for(a_pair):
    for number, sign in ((0, 1), (1, -1)):
        moved = SHIFTS["gray levels"].apply(a_pair, 0.1, number)
        body = a_pair["CT"].array > -200
        assert np.allclose((moved["CT"].array - a_pair["CT"].array)[body], sign * 10, atol=1e-3)
        before, after = (v["MR"].array / bright(a_pair["MR"].array) for v in (a_pair, moved))
        tissue = before > 0.1
        assert np.median(after[tissue]) - np.median(before[tissue]) == pytest.approx(sign * 0.1, abs=0.01)


def test_misregistration_moves_the_second_volume_by_its_millimetres(a_pair):
    moved = SHIFTS["misregistration"].apply(a_pair, 4.0, 0)
    assert moved["CT"] is a_pair["CT"]

    def center(volume: Volume) -> np.ndarray:
        weights = volume.array.clip(0)
        return np.array([np.average(x, weights=weights) for x in np.indices(weights.shape)]) * 2.0

    assert np.linalg.norm(center(moved["MR"]) - center(a_pair["MR"])) == pytest.approx(4.0, abs=0.1)
    assert list(SHIFTS["missing"].apply(a_pair, 1, 0)) == ["MR"]
    assert list(SHIFTS["missing"].apply(a_pair, 2, 0)) == ["CT"]
