"""Lesions differ from their surroundings where they count, and count only where they can be seen."""

from dataclasses import replace

import numpy as np
import pytest
from heads import GRID

from MultimodalSegLib.synthesis.lesion_looks import CORE, EDEMA, KINDS, LOOKS, RIM, sample_look
from MultimodalSegLib.synthesis.pair import locate, sample_patient, truth

NOTHING = {CORE: None, EDEMA: None, RIM: None}


def patient_with(head, seed=0, **looks):
    """A patient with drawn lesions whose scans show the given parts."""
    patient = sample_patient(
        np.random.default_rng(seed), head, ("CT", "T2"), strength=0.0, lesion_chance=1.0, strip_chance=0.0
    )
    scans = {
        name: replace(scan, appearance=replace(scan.appearance, lesion=looks[name]))
        for name, scan in patient.scans.items()
    }
    return replace(patient, scans=scans, widen=None, face=None)


@pytest.mark.parametrize("kind", KINDS)
def test_a_drawn_part_differs_from_white_matter_or_is_not_shown(kind):
    rng = np.random.default_rng(1)
    for style, host, least in (("CT", 27.0, 4.0), ("T1", 0.8, 0.08), ("T2", 0.3, 0.08), ("any", 0.5, 0.08)):
        values = [v for _ in range(60) for v in sample_look(rng, kind, style, host, least).values()]
        seen = [v for v in values if v is not None]
        assert len(seen) > len(values) / 3
        assert all(abs(v - host) >= least for v in seen)


def test_blood_is_bright_on_ct_and_a_cavity_is_dark_as_fluid():
    assert min(LOOKS["hemorrhage"]["CT"][CORE]) > 50
    assert max(LOOKS["cavity"]["CT"][CORE]) < 15 and max(LOOKS["cavity"]["FLAIR"][CORE]) < 0.3


def test_a_lesion_that_one_scan_shows_counts_and_one_that_none_shows_does_not(a_label_head):
    shown = {CORE: 60.0, EDEMA: 15.0, RIM: 50.0}
    one = patient_with(a_label_head, CT=shown, T2=NOTHING)
    none = patient_with(a_label_head, CT=NOTHING, T2=NOTHING)
    codes, lesions = locate(a_label_head, one, GRID)
    assert (lesions > 0).sum() > 10
    assert np.array_equal(truth(codes, lesions, one).lesion, lesions > 0)
    assert not truth(codes, lesions, none).lesion.any()


def test_oedema_that_cannot_be_seen_is_no_lesion(a_label_head):
    for seed in range(20):
        patient = patient_with(a_label_head, seed, CT={CORE: 60.0, EDEMA: None, RIM: 60.0}, T2=NOTHING)
        codes, lesions = locate(a_label_head, patient, GRID)
        if (lesions == EDEMA).any() and (lesions == CORE).any():
            break
    else:
        pytest.fail("no seed gave an oedema")
    assert np.array_equal(truth(codes, lesions, patient).lesion, np.isin(lesions, (CORE, RIM)))
