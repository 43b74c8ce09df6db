"""The fit of a model's calibration, on made-up numbers: it covers what it has not seen, and says so by structure."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.special import expit

from MultimodalSegLib.errors import InputError
from MultimodalSegLib.images.case import Case
from MultimodalSegLib.inference.predict import segment
from MultimodalSegLib.inference.scaling import Scaling
from MultimodalSegLib.inference.uncertainty.conformal import Conformal
from MultimodalSegLib.inference.uncertainty.sampling import Runner
from MultimodalSegLib.inference.view import network_view
from MultimodalSegLib.models.check_trust import trust_problem
from Testing.benchmarks.calibration_intervals import by_map, conformal_entry, rows_of
from Testing.benchmarks.calibration_patients import Patient, keep, kept, segmented
from Testing.benchmarks.calibration_probabilities import SUSPECTS, calibration_entry
from Testing.phantoms import a_ct, a_model

MAPS = ("a", "b", "c")
NAMES = {1: "easy", 2: "easy", 3: "hard", 4: "rare"}
"""Left and right of one structure, an unpaired one, and one that few patients have."""


class FakeBundle:
    """As much of a model as intervals need."""

    @staticmethod
    def structure_names() -> dict[int, str]:
        return NAMES


def a_patient(number: int, temperature: float = 1.0) -> Patient:
    """Volumes that are off as far as their spread says, the hard structure three times as far."""
    rng = np.random.default_rng((3, number))
    own, true_ml, found_ml, samples_ml = rng.standard_normal(), {}, {}, {}
    for value, name in NAMES.items():
        true = float(np.exp(rng.uniform(1, 4))) if name != "rare" or number < 5 else 0.0
        wrong = own * {"easy": 1.0, "hard": 3.0, "rare": 1.0}[name]
        answers = true * np.exp(0.1 * wrong + 0.1 * rng.standard_normal(8))
        true_ml[str(value)], found_ml[str(value)] = true, float(true * np.exp(0.1 * wrong))
        samples_ml[str(value)] = answers.tolist()
    honest, lesion = 2 * rng.standard_normal((400, 3)), 1.5 * rng.standard_normal(400)
    channel = (rng.random((400, 1)) > np.exp(honest).cumsum(1) / np.exp(honest).sum(1, keepdims=True)).sum(1)
    truth = rng.random(400) < expit(lesion)
    seen = (lesion + 1.0) * temperature
    maybe = expit(seen) > 0.05
    parts = MAPS[number % 3], temperature * honest, channel.clip(max=2), seen, truth, seen[maybe], truth[maybe]
    return Patient(*parts, true_ml, found_ml, samples_ml, 0.1, 0.01, "CT", 1.0)


def patients(count: int = 40, temperature: float = 1.0) -> Sequence[Patient]:
    return [a_patient(number, temperature) for number in range(count)]


def test_each_structure_is_covered_on_label_maps_that_were_left_out() -> None:
    entry = conformal_entry(patients(120), FakeBundle(), 8)  # type: ignore[arg-type]
    found = Conformal.of({"conformal": entry})
    assert found is not None and found.holds("tta", 8) and trust_problem({"conformal": entry}) == ""
    assert set(found.quantiles) == {"easy", "hard"}  # five patients with the rare one are too few
    assert found.quantiles["hard"] > 2 * found.quantiles["easy"]
    assert found.coverage == pytest.approx({"easy": 0.9, "hard": 0.9}, abs=0.07)
    counted = entry["coverage"]
    assert isinstance(counted, dict)
    assert counted["easy"]["intervals"] == 240 and counted["easy"]["patients"] == 120
    assert counted["hard"]["intervals"] == 120


def test_a_label_map_that_is_unlike_the_others_lowers_the_coverage_that_is_told() -> None:
    odd = []
    for patient in patients(60):
        factor = 4.0 if patient.label_map == "c" else 1.0
        odd.append(Patient(**(vars(patient) | {"found_ml": {v: ml * factor for v, ml in patient.found_ml.items()}})))
    found = Conformal.of({"conformal": conformal_entry(odd, FakeBundle(), 8)})  # type: ignore[arg-type]
    assert found is not None and found.coverage["easy"] < 0.75


def test_volumes_that_nobody_found_do_not_count() -> None:
    nobody = a_patient(30)
    assert "rare" not in {row.structure for row in rows_of(nobody, NAMES)}
    invented = Patient(**(vars(nobody) | {"found_ml": nobody.found_ml | {"4": 1.0}}))
    assert "rare" in {row.structure for row in rows_of(invented, NAMES)}


def test_probabilities_are_scaled_where_that_helps_and_errors_are_those_of_unseen_label_maps() -> None:
    entry = calibration_entry(patients(40, temperature=2.5))
    scaling = Scaling.of({"calibration": entry})
    assert scaling.temperature == pytest.approx(2.5, rel=0.1)
    assert scaling.slope == pytest.approx(0.4, rel=0.1) and scaling.offset == pytest.approx(-1.0, abs=0.15)
    for prefix in ("", "lesion_", "lesion_suspect_"):
        assert entry[f"{prefix}ece_after"] < 0.04 < 0.08 < entry[f"{prefix}ece_before"]
    assert set(entry["reliability"]) == {"structures", "lesion", SUSPECTS}
    assert trust_problem({"calibration": entry}) == "" and "3 label maps" in entry["data"]


def test_one_label_map_cannot_be_checked() -> None:
    with pytest.raises(InputError, match="one label map"):
        by_map([one for one in patients(9) if one.label_map == "a"])


def test_the_volumes_are_those_that_segment_gives(tmp_path: Path) -> None:
    bundle, case = a_model(tmp_path / "model"), Case({"CT": a_ct()}, "CT")
    view = network_view(bundle, case.volumes)
    logits = Runner(bundle, torch.device("cpu"))(view.images, view.family)
    expected = segment(case, bundle, engine="torch").labels
    assert np.array_equal(segmented(bundle, view, logits, case.volumes["CT"].grid).array, expected.array)


def test_a_patient_is_kept_as_it_is(tmp_path: Path) -> None:
    patient = a_patient(1)
    keep(patient, tmp_path / "0001.npz")
    found = kept(tmp_path / "0001.npz")
    assert found.label_map == "b" and found.found_ml == patient.found_ml and found.samples_ml == patient.samples_ml
    assert np.array_equal(found.suspect_logits, patient.suspect_logits) and found.modalities == "CT"
