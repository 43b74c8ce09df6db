"""Made-up patients: repeatable, true to physical space, left is left."""

from dataclasses import replace

import numpy as np
import pytest
from heads import GRID
from scipy import ndimage

from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.synthesis.anatomy import LABELS, head_classes
from MultimodalSegLib.synthesis.deformation import label_points, sample_deformation
from MultimodalSegLib.synthesis.pair import locate, render, sample_patient, truth

NAMES = [entry["name"] for entry in head_classes()["classes"]]


def test_the_same_seed_gives_the_same_patient(a_label_head):
    scans = []
    for _ in range(2):
        patient = sample_patient(np.random.default_rng(5), a_label_head)
        codes, lesions = locate(a_label_head, patient, GRID)
        scans.append([render(codes, lesions, patient, GRID, name).array for name in ("CT", "MR")])
    assert all(np.array_equal(a, b) for a, b in zip(*scans, strict=True))


def test_without_deformation_the_label_map_comes_back(a_label_head):
    patient = sample_patient(np.random.default_rng(0), a_label_head, strength=0.0, lesion_chance=0.0, strip_chance=0.0)
    codes, _ = locate(a_label_head, patient, GRID)
    assert np.array_equal(codes, a_label_head.codes)


def test_ct_has_hounsfield_units(a_label_head):
    patient = sample_patient(
        np.random.default_rng(1), a_label_head, ("CT",), strength=0.0, lesion_chance=0.0, strip_chance=0.0
    )
    codes, lesions = locate(a_label_head, patient, GRID)
    ct = render(codes, lesions, patient, GRID, "CT").array
    answer = truth(codes, lesions, patient)
    median = {n: np.median(ct[answer.channel == NAMES.index(n)]) for n in ("cerebral white matter", "cortical bone")}
    assert 15 < median["cerebral white matter"] < 40
    assert median["cortical bone"] > 250
    assert np.median(ct[:2]) < -900


@pytest.mark.parametrize("seed", range(6))
def test_left_is_left_also_when_the_head_is_mirrored(a_label_head, seed):
    patient = sample_patient(np.random.default_rng(seed), a_label_head, lesion_chance=0.0)
    codes, lesions = locate(a_label_head, patient, GRID)
    side = truth(codes, lesions, patient).side
    x = np.broadcast_to(np.arange(GRID.shape[2]) * GRID.spacing[0] + GRID.origin[0], GRID.shape)
    assert x[side > 0].mean() > x[side < 0].mean() + 20  # LPS: x grows to the patient's left


def test_mirrored_patients_do_occur(a_label_head):
    assert len({sample_patient(np.random.default_rng(s), a_label_head).deformation.mirrored for s in range(12)}) == 2


def test_two_grids_show_one_patient(a_label_head):
    """A scan on a coarser, shifted, turned grid has the same tissue at the same place."""
    patient = sample_patient(np.random.default_rng(3), a_label_head, lesion_chance=1.0)
    turned = Grid((50, 60, 30), (3.6, 3.2, 5.0), (90.0, -95.0, -70.0), (-1, 0, 0, 0, 1, 0, 0, 0, 1))
    points = label_points(turned, a_label_head.center, patient.deformation)
    for k, j, i in ((15, 30, 25), (10, 20, 40)):
        position = turned.affine @ (i, j, k, 1)
        single = Grid((1, 1, 1), (1.0,) * 3, tuple(position[:3]))
        there = label_points(single, a_label_head.center, patient.deformation)
        assert np.allclose(points[:, k, j, i], there[:, 0, 0, 0], atol=0.05)


def test_motion_moves_a_scan_and_nothing_else(a_label_head):
    patient = sample_patient(np.random.default_rng(4), a_label_head, strength=0.0, lesion_chance=0.0, strip_chance=0.0)
    motion = np.eye(4)
    motion[0, 3] = 6.0  # this scan's points lie 6 mm further left in the patient
    still, _ = locate(a_label_head, patient, GRID)
    moved, _ = locate(a_label_head, patient, GRID, motion)
    assert np.array_equal(moved[:, :, :-2], still[:, :, 2:])


def test_drawn_lesions_are_in_the_brain_and_visible_in_ct(a_label_head):
    sizes = []
    for seed in range(8):
        patient = sample_patient(
            np.random.default_rng(seed), a_label_head, strength=0.3, lesion_chance=1.0, strip_chance=0.0
        )
        codes, lesions = locate(a_label_head, patient, GRID)
        allowed = np.isin(codes, [LABELS.index(n) for n in (2, 41, 3, 42)])
        assert allowed[lesions > 0].all()
        sizes.append(int((lesions > 0).sum()))
    assert max(sizes) > 100
    assert sum(s > 0 for s in sizes) >= 6


@pytest.mark.parametrize("name", ["CT", "MR"])
def test_a_stripped_patient_keeps_brain_and_a_thin_rim(a_label_head, name):
    patient = sample_patient(np.random.default_rng(2), a_label_head, (name,), strip_chance=1.0)
    codes, lesions = locate(a_label_head, patient, GRID)
    whole, _ = locate(a_label_head, replace(patient, strip=None), GRID)
    brain = np.isin(whole, [LABELS.index(n) for n in (2, 41, 3, 42, 4, 43)])
    assert (codes[brain] == whole[brain]).all()
    far = ndimage.distance_transform_edt(~brain, sampling=GRID.spacing[::-1]) > 12
    assert (codes[far] == 0).all() and (truth(codes, lesions, patient).channel[far] == 0).all()
    scan = render(codes, lesions, patient, GRID, name).array
    assert (scan[far] == (-1000 if name == "CT" else 0)).all()
    assert np.ptp(scan[brain]) > 0


def test_deformation_moves_points_smoothly():
    deformation = sample_deformation(np.random.default_rng(7))
    points = label_points(Grid((40, 40, 40), (4.0,) * 3, (-80.0,) * 3), (0.0, 0.0, 0.0), deformation)
    jacobian = np.stack([np.stack(np.gradient(points[c], 4.0), -1) for c in range(3)], -2)
    determinant = np.linalg.det(jacobian)
    assert (np.sign(determinant) == np.sign(determinant.mean())).mean() > 0.999  # no folds worth the name
