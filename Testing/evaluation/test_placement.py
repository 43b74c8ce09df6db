"""Files that lie elsewhere end nothing but their own case, and are never taken for empty ones."""

from pathlib import Path

import numpy as np
import pytest

from MultimodalSegLib.errors import InputError
from MultimodalSegLib.evaluation.cases import CaseList, EvaluationCase
from MultimodalSegLib.evaluation.evaluate import evaluate
from MultimodalSegLib.evaluation.result import EvaluationOptions
from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.io import write_volume
from MultimodalSegLib.images.volume import Volume
from Testing.evaluation.balls import OBLIQUE, TRUE, balls

AWAY = Grid(OBLIQUE.size, OBLIQUE.spacing, (500.0, 0.0, 0.0), OBLIQUE.direction)
HALF = Grid((30, 34, 8), OBLIQUE.spacing, OBLIQUE.origin, OBLIQUE.direction)
LESION = EvaluationOptions(lesions=("label 2",))
LEFT_OUT = EvaluationOptions(lesions=("label 2",), leave_out=True)


@pytest.fixture
def truth(write) -> Path:
    return write("truth.nrrd", *TRUE)


@pytest.fixture
def away(tmp_path: Path) -> Path:
    write_volume(Volume(balls(TRUE).array, AWAY), tmp_path / "away.nrrd")
    return tmp_path / "away.nrrd"


def chances(path: Path, grid: Grid, value: float = 0.5) -> Path:
    write_volume(Volume(np.full(grid.shape, value, np.float32), grid), path)
    return path


@pytest.mark.parametrize("wrong", ["prediction", "map of rater 2", "probability map"])
def test_whatever_lies_elsewhere_is_told_before_anything_is_scored(wrong, truth, away, tmp_path) -> None:
    references = (truth, away) if wrong == "map of rater 2" else (truth,)
    map_of = chances(tmp_path / "p.nrrd", AWAY) if wrong == "probability map" else None
    prediction = away if wrong == "prediction" else truth
    cases = CaseList(
        (
            EvaluationCase("a", truth, (truth,)),
            EvaluationCase("b", prediction, references, probability=map_of),
            EvaluationCase("c", truth, (truth,)),
        )
    )
    told: list[str] = []
    with pytest.raises(InputError, match=f"case 'b'.*{wrong} and the reference lie in different places"):
        evaluate(cases, LESION, lambda event: told.append(event.stage))
    assert set(told) == {"look"}
    found = evaluate(cases, LEFT_OUT)
    assert [score.entry.case for score in found.scores] == ["a", "c"] and not found.scores[0].resampled
    assert any("the case 'b'" in sentence and wrong in sentence for sentence in found.sentences)


def test_an_empty_map_must_lie_in_the_same_place_too(write, truth: Path, tmp_path: Path) -> None:
    write_volume(Volume(np.zeros(AWAY.shape, np.uint16), AWAY), tmp_path / "empty.nrrd")
    with pytest.raises(InputError, match="different places"):
        evaluate(CaseList((EvaluationCase("a", tmp_path / "empty.nrrd", (truth,)),)))
    near = write("near.nrrd", grid=HALF)
    assert evaluate(CaseList((EvaluationCase("a", near, (truth,)),))).scores[0].structures["label 1"].value("dice") == 0


def test_a_rater_and_a_probability_map_that_do_not_reach_are_said(write, truth: Path, tmp_path: Path) -> None:
    short = write("short.nrrd", *TRUE, grid=HALF)
    cut = chances(tmp_path / "p.nrrd", HALF)
    cases = EvaluationCase("a", truth, (truth, short)), EvaluationCase("b", truth, (truth,), probability=cut)
    sentences = evaluate(CaseList(cases), LESION).sentences
    for case, what in (("a", "map of rater 2"), ("b", "probability map")):
        told = [text for text in sentences if text.startswith(f"{case}: ")]
        assert len(told) == 1 and f"lie outside the image of the {what} and count as missed" in told[0]


def test_nan_in_a_probability_map_is_told_before_anything_is_scored(truth: Path, tmp_path: Path) -> None:
    array = np.full(OBLIQUE.shape, 0.5, np.float32)
    array[0, 0, 0] = np.nan
    write_volume(Volume(array, OBLIQUE), tmp_path / "nan.nrrd")
    cases = CaseList(
        (EvaluationCase("a", truth, (truth,)), EvaluationCase("b", truth, (truth,), probability=tmp_path / "nan.nrrd"))
    )
    told: list[str] = []
    with pytest.raises(InputError, match=r"'b' .*nan\.nrrd holds 1 voxel .* with NaN"):
        evaluate(cases, LESION, lambda event: told.append(event.stage))
    assert set(told) == {"look"}
    found = evaluate(cases, LEFT_OUT)
    assert [score.entry.case for score in found.scores] == ["a"]


def test_three_cases_of_one_patient_have_no_interval_anywhere(write, truth: Path) -> None:
    other = write("other.nrrd", (1, (1, 0, 0), 13.0), (2, (3, -3, 4), 6.0))
    healthy = write("healthy.nrrd", TRUE[0])
    cases = [EvaluationCase(n, path, (path,), patient="P", presence=p) for n, path, p in (("a", truth, 0.9),)]
    cases.append(EvaluationCase("b", other, (truth,), patient="P", presence=0.8))
    cases.append(EvaluationCase("c", healthy, (healthy,), patient="P", presence=0.2))
    found = evaluate(CaseList(tuple(cases)), LESION)
    (presence,), (detected,), (lesions,) = (x.values() for x in (found.presence, found.detections, found.lesions))
    assert presence.auc.mean == 1 and detected.sensitivity.mean == 1 and detected.positive == 2
    for one in (presence.auc, presence.sensitivity, presence.specificity, detected.sensitivity, detected.specificity):
        assert np.isnan([one.low, one.high]).all() and one.count == 1
    assert np.isnan(lesions.dice.low)
