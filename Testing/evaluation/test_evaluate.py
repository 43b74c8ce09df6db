"""Whole cases from files: grids, empty sides, several raters, models, modalities."""

import math
from pathlib import Path

import numpy as np
import pytest

from MultimodalSegLib.errors import InputError
from MultimodalSegLib.evaluation.cases import CaseList, EvaluationCase
from MultimodalSegLib.evaluation.evaluate import evaluate
from MultimodalSegLib.evaluation.measures import MEASURES
from MultimodalSegLib.evaluation.page import page
from MultimodalSegLib.evaluation.result import EvaluationOptions
from MultimodalSegLib.evaluation.score import Settings
from MultimodalSegLib.evaluation.structure_list import Structure
from MultimodalSegLib.evaluation.summary import MEAN, Stratum
from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.io import write_volume
from MultimodalSegLib.images.volume import Volume
from MultimodalSegLib.inference.segmentation import Segmentation, SegmentClass
from MultimodalSegLib.report.document.content import Notices
from MultimodalSegLib.report.seg_nrrd import write_segmentation
from Testing.evaluation.balls import MIDDLE, OBLIQUE, TRUE, balls

AXIAL = Grid((44, 40, 40), (1.1, 1.1, 1.1), tuple(MIDDLE - 22))  # type: ignore[arg-type]
FOUND = ((1, (1.5, 0, 0), 13.0), (2, (2, -3, 5), 6.0))
BALLS = (
    Structure("ball", frozenset({1, 2}), frozenset({1, 2})),
    Structure("lesion", frozenset({2}), frozenset({2}), True),
)


def one(prediction: Path, *references: Path, **more: object) -> CaseList:
    return CaseList((EvaluationCase("a", prediction, references, **more),))  # type: ignore[arg-type]


def test_a_prediction_on_another_grid_is_resampled_and_not_compared_by_index(write) -> None:
    truth = write("truth.nrrd", *TRUE)
    same, other = write("same.nrrd", *FOUND), write("other.nii.gz", *FOUND, grid=AXIAL)
    on_same, on_other = (evaluate(one(path, truth)) for path in (same, other))
    assert not on_same.sentences[:-1], "only that there is one patient"
    assert "other.nii.gz" in on_other.sentences[0] and "resampled" in on_other.sentences[0]
    for name in ("label 1", "label 2"):
        a, b = (found.scores[0].structures[name] for found in (on_same, on_other))
        assert a.value("dice") == pytest.approx(b.value("dice"), abs=0.06) and 0.6 < a.value("dice") < 0.98
        assert a.true_ml == b.true_ml


def test_the_volume_error_is_that_of_the_balls(write) -> None:
    found = evaluate(one(write("p.nrrd", (1, (0, 0, 0), 12.0)), write("r.nrrd", (1, (0, 0, 0), 14.0))))
    score = found.scores[0].structures["label 1"]
    assert score.true_ml == pytest.approx(4 / 3 * math.pi * 1.4**3, rel=0.03)
    assert score.value("volume_error_percent") == pytest.approx(100 * ((12 / 14) ** 3 - 1), abs=2)
    assert score.value("absolute_volume_error_ml") == pytest.approx(-score.value("volume_error_ml"))
    assert score.value("hd95_mm") == pytest.approx(2.0, abs=1.3)
    assert score.value("surface_dice") < 0.5
    wider = evaluate(one(write("p.nrrd", (1, (0, 0, 0), 12.0)), write("r.nrrd", (1, (0, 0, 0), 14.0))), TOLERANT)
    assert wider.scores[0].structures["label 1"].value("surface_dice") == 1


TOLERANT = EvaluationOptions(settings=Settings(tolerance_mm=5.0))


def test_an_image_that_does_not_reach_is_said(write) -> None:
    half = Grid((30, 34, 8), OBLIQUE.spacing, OBLIQUE.origin, OBLIQUE.direction)
    found = evaluate(one(write("half.nrrd", *TRUE, grid=half), write("truth.nrrd", *TRUE)))
    assert any("outside the image of the prediction and count as missed" in sentence for sentence in found.sentences)
    assert found.scores[0].structures["label 1"].value("dice") == pytest.approx(2 / 3, abs=0.05)
    away = Grid((30, 34, 16), OBLIQUE.spacing, (500.0, 0.0, 0.0), OBLIQUE.direction)
    write_volume(Volume(balls(TRUE).array, away), half_way := write("away.nrrd", *TRUE))
    with pytest.raises(InputError, match="different places"):
        evaluate(one(half_way, write("truth.nrrd", *TRUE)))


def test_an_empty_prediction_and_an_empty_reference(write) -> None:
    empty, truth = write("empty.nrrd"), write("truth.nrrd", *TRUE)
    missed = evaluate(one(empty, truth)).scores[0].structures["label 1"]
    assert (missed.value("dice"), missed.value("surface_dice"), missed.value("volume_error_percent")) == (0, 0, -100)
    assert math.isnan(missed.value("hd95_mm")) and missed.value("specificity") == 1
    invented = evaluate(one(truth, empty)).scores[0].structures["label 1"]
    assert invented.value("dice") == 0 and math.isnan(invented.value("volume_error_percent"))
    assert invented.value("specificity") < 1
    with pytest.raises(InputError, match="Neither"):
        evaluate(one(empty, empty))


def test_cases_without_a_lesion_are_left_out_of_its_dice_and_counted(write) -> None:
    healthy, ill = write("healthy.nrrd", TRUE[0]), write("ill.nrrd", *TRUE)
    cases = CaseList((EvaluationCase("a", ill, (ill,)), EvaluationCase("b", healthy, (healthy,))))
    found = evaluate(cases, EvaluationOptions(structures=BALLS))
    summary = found.summaries[Stratum("", "")]["lesion", "dice"]
    assert summary.mean.mean == 1 and summary.mean.count == 1 and summary.undefined == 1
    detected = found.detections[Stratum("", "")]
    assert (detected.positive, detected.negative, detected.specificity.mean) == (1, 1, 1)
    lesions = found.lesions[Stratum("", ""), "lesion"]
    assert lesions.total.true == 1 and lesions.dice.mean == 1


def test_nan_in_a_file_is_told_with_its_case_and_can_be_left_out(write, tmp_path: Path) -> None:
    truth = write("truth.nrrd", *TRUE)
    broken = balls(TRUE).array.astype(np.float32)
    broken[0, 0, 0] = np.nan
    write_volume(Volume(broken, OBLIQUE), tmp_path / "nan.nrrd")
    cases = CaseList((EvaluationCase("a", truth, (truth,)), EvaluationCase("b", tmp_path / "nan.nrrd", (truth,))))
    with pytest.raises(InputError, match="case 'b' cannot be compared: .*holds 1 voxel .*with NaN"):
        evaluate(cases)
    found = evaluate(cases, EvaluationOptions(leave_out=True))
    assert len(found.scores) == 1 and any("'b'" in sentence for sentence in found.sentences)


def test_names_in_files_beat_values(tmp_path: Path, write) -> None:
    def classes(**values: int) -> tuple[SegmentClass, ...]:
        return tuple(SegmentClass(name, value, (1, 2, 3), "", "") for name, value in values.items())

    truth, turned = balls(TRUE), balls(((2, *TRUE[0][1:]), (1, *TRUE[1][1:])))
    write_segmentation(Segmentation(truth, classes(brain=1, core=2)), tmp_path / "r.seg.nrrd")
    write_segmentation(Segmentation(turned, classes(Core=1, Brain=2)), tmp_path / "p.seg.nrrd")
    found = evaluate(one(tmp_path / "p.seg.nrrd", tmp_path / "r.seg.nrrd"))
    assert {name: score.value("dice") for name, score in found.scores[0].structures.items()} == {"brain": 1, "core": 1}


def test_several_raters_give_a_consensus_and_their_agreement(write) -> None:
    raters = [write(f"{n}.nrrd", (1, (shift, 0, 0), 12.0)) for n, shift in enumerate((0.0, 0.3, 4.0))]
    raters.append(write("far.nii.gz", (1, (0, 0, 0), 12.0), grid=AXIAL))
    found = evaluate(one(write("p.nrrd", (1, (0, 0, 0), 12.0)), *raters))
    score = found.scores[0]
    assert score.structures["label 1"].value("dice") > 0.95, "the third rater is overruled"
    assert score.raters["label 1"].dice[2] < 0.85 < score.raters["label 1"].dice[0]
    assert set(score.raters["label 1"].cohen) == {(a, b) for a in range(4) for b in range(a + 1, 4)}
    assert any("far.nii.gz" in sentence for sentence in found.sentences)


def test_models_modalities_and_presence_of_a_small_study(write, tmp_path: Path) -> None:
    cases = []
    for n in range(4):
        lesion = (TRUE[1],) if n < 2 else ()
        truth = write(f"r{n}.nrrd", TRUE[0], *lesion)
        for model, shift in (("good", 0.5), ("poor", 2.5)):
            for modalities, worse in (("CT", 1.0), ("MR", 0.5), ("CT+MR", 0.0)):
                off = shift + worse + 0.1 * n
                drawn = [(value, (x + off, y, z), r) for value, (x, y, z), r in (TRUE[0], *lesion)]
                path = write(f"{model}{modalities}{n}.nrrd", *drawn)
                chance = Volume(np.where(balls(tuple(drawn)).array == 2, 0.9, 0.05).astype(np.float32), OBLIQUE)
                write_volume(chance, tmp_path / f"c{path.name}")
                known = {
                    "presence": 0.8 - 0.2 * n,
                    "probability": tmp_path / f"c{path.name}",
                    "patient": "ab"[n % 2],
                }
                cases.append(EvaluationCase(str(n), path, (truth,), model, modalities, **known))
    found = evaluate(CaseList(tuple(cases)), EvaluationOptions(structures=BALLS))
    good = found.summaries[Stratum("good", "CT+MR")]
    assert set(good) == {(structure, measure) for structure in ("ball", "lesion", MEAN) for measure in MEASURES}
    assert good["ball", "dice"].mean.count == 2, "four cases of two patients"
    assert found.presence[Stratum("poor", "CT")].auc.mean == 1
    (error, *_), gains = found.modality_errors, {gain.model: gain.gain for gain in found.gains}
    assert {error.first, error.second} == {"CT", "MR"} and 0 < error.error.mean < 0.2
    assert gains["good"].better == "MR" and gains["good"].gain.mean > 0
    assert {c.test.difference.count for c in found.comparisons if c.structure == "ball"} == {2}
    assert found.scores[0].calibration is not None and 0.04 < found.scores[0].calibration.error < 0.06


def test_raters_who_agree_on_nothing_are_told(write) -> None:
    raters = [write(f"{n}.nrrd", (1, (0, 0, 0), 9.0), (2, (side, 0, 0), 3.0)) for n, side in enumerate((-6, 6))]
    found = evaluate(one(write("p.nrrd", (1, (0, 0, 0), 9.0), (2, (6, 0, 0), 3.0)), *raters))
    told = [sentence for sentence in found.sentences if "consensus is empty" in sentence]
    assert len(told) == 1 and told[0].startswith("a: ") and "label 2" in told[0]
    assert found.scores[0].structures["label 2"].true_ml == 0


def test_models_with_different_cases_are_told_with_counts(write) -> None:
    truth = write("truth.nrrd", *TRUE)
    pairs = (("m1", "x"), ("m1", "y"), ("m2", "x"), ("m2", "z"), ("m2", "w"))
    found = evaluate(CaseList(tuple(EvaluationCase(case, truth, (truth,), model) for model, case in pairs)))
    (told,) = [sentence for sentence in found.sentences if "different cases" in sentence]
    assert "m1 2, m2 3; 1 in all" in told
    notices = [block for block in page(found).sections[0].blocks if isinstance(block, Notices)]
    assert ("warning", told) in notices[0].entries
    same = evaluate(CaseList(tuple(EvaluationCase("x", truth, (truth,), model) for model in ("m1", "m2"))))
    assert not any("different cases" in sentence for sentence in same.sentences)


@pytest.mark.parametrize("structures", [(), BALLS])
def test_label_values_below_zero_are_told(write, tmp_path: Path, structures: tuple[Structure, ...]) -> None:
    array = balls(TRUE).array.astype(np.int16)
    array[0, 0, :3] = -1
    write_volume(Volume(array, OBLIQUE), tmp_path / "below.nrrd")
    options = EvaluationOptions(structures=structures)
    found = evaluate(one(tmp_path / "below.nrrd", write("truth.nrrd", *TRUE)), options)
    assert "Label values of the predictions below 0, taken as background: -1." in found.sentences
    assert not any("references" in sentence for sentence in found.sentences)
