"""Splits keep patients whole, repeat themselves and give every side its share."""

from pathlib import Path

import pytest

from MultimodalSegLib.errors import InputError
from MultimodalSegLib.training.data.case import ImageFile, TrainingCase
from MultimodalSegLib.training.data.labels import LabelFile
from MultimodalSegLib.training.data.splits import cross_validation, read_splits, split, traits_of, write_splits

PARTS = {"train": 0.6, "validation": 0.2, "test": 0.2}


def cases_of(count: int = 60) -> list[TrainingCase]:
    """Every patient has one or two cases; one in three has a PET, one in five has no label."""
    image, label = ImageFile(Path("x.nrrd")), LabelFile(Path("y.nrrd"))
    return [
        TrainingCase(
            f"case{n:02d}",
            f"patient{n // 2 if n % 3 else n}",
            {"CT": image, "PET": image} if n % 3 == 0 else {"CT": image},
            None if n % 5 == 0 else label,
        )
        for n in range(count)
    ]


def test_no_patient_is_on_two_sides_and_every_case_on_one() -> None:
    cases = cases_of()
    patient = {case.name: case.patient for case in cases}
    found = split(cases, PARTS)
    assert sorted(name for names in found.values() for name in names) == sorted(patient)
    sides = [{patient[name] for name in names} for names in found.values()]
    assert not (sides[0] & sides[1] or sides[0] & sides[2] or sides[1] & sides[2])


def test_a_split_does_not_depend_on_the_order_but_on_the_seed() -> None:
    cases = cases_of()
    assert split(cases, PARTS, 3) == split(cases[::-1], PARTS, 3)
    assert split(cases, PARTS, 3) != split(cases, PARTS, 4)


def test_every_side_gets_its_share_of_modalities_labels_and_classes() -> None:
    cases = cases_of()
    held = {case.name: ["tumor"] if n % 4 == 0 else [] for n, case in enumerate(cases)}
    traits = traits_of(cases, held)
    for seed in range(3):
        found = split(cases, PARTS, seed, traits)
        for trait in ("modality PET", "unlabelled", "class tumor"):
            total = sum(trait in traits[case.name] for case in cases)
            for side, part in PARTS.items():
                count = sum(trait in traits[name] for name in found[side])
                assert abs(count - part * total) <= 2, (seed, trait, side, count, part * total)


def test_cross_validation_keeps_every_case_once() -> None:
    cases = cases_of(30)
    folds = cross_validation(cases, 5)
    assert sorted(name for fold in folds for name in fold["validation"]) == sorted(case.name for case in cases)
    assert all(set(fold["train"]).isdisjoint(fold["validation"]) for fold in folds)
    assert all(4 <= len(fold["validation"]) <= 8 for fold in folds)


def test_impossible_splits_are_refused() -> None:
    with pytest.raises(InputError, match="add up to 1"):
        split(cases_of(), {"train": 0.9, "validation": 0.2})
    with pytest.raises(InputError, match="1 patients cannot be divided"):
        split(cases_of(2), PARTS)
    with pytest.raises(InputError, match="1 folds"):
        cross_validation(cases_of(), 1)


def test_a_small_set_leaves_no_side_empty() -> None:
    assert all(split(cases_of(6), {"train": 0.9, "validation": 0.1}).values())


def test_splits_are_kept_in_a_file(tmp_path: Path) -> None:
    folds = cross_validation(cases_of(), 3)
    write_splits(folds, tmp_path / "splits.json")
    assert read_splits(tmp_path / "splits.json") == folds
    (tmp_path / "splits.json").write_text('[{"train": ["a"], "test": ["a"]}]', encoding="utf-8")
    with pytest.raises(InputError, match="'a' on two sides"):
        read_splits(tmp_path / "splits.json")
