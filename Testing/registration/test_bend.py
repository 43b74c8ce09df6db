"""A B-spline by structures follows a known bend between a CT and an MRI, and is the one that ITK applies."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from MultimodalSegLib.errors import RegistrationError
from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.io import read_volume
from MultimodalSegLib.images.resample import map_points, resample
from MultimodalSegLib.images.volume import Volume
from MultimodalSegLib.registration.bend import LEVELS, Level, _basis, _flat, bend
from MultimodalSegLib.registration.pyramid import build_pyramid
from MultimodalSegLib.registration.transform_file import read_transform

DEMO = Path(__file__).resolve().parents[2] / "Resources" / "demo" / "synthetic"


def _quiet(level: Level) -> Callable[[int, float], None]:
    return lambda number, value: None


def test_a_bent_ct_is_followed_by_an_mri() -> None:
    """The made-up case that is shipped; mutual information led such a B-spline away."""
    ct, mr = (read_volume(DEMO / f"{name}.nrrd") for name in ("CT", "MR"))
    motion = read_transform(DEMO / "MR_to_CT_truth.h5")
    wave = sitk.BSplineTransformInitializer(ct.to_sitk(), [4, 4, 4])
    wave.SetParameters(np.random.default_rng(5).uniform(-12.0, 12.0, len(wave.GetParameters())).tolist())
    bent = resample(ct, ct.grid, wave, outside=-1000.0)
    fixed, moving = build_pyramid(bent, "CT"), build_pyramid(mr, "MR")
    head = np.argwhere(fixed.head.array)[::40, ::-1]
    points = head @ fixed.head.grid.affine[:3, :3].T + fixed.head.grid.affine[:3, 3]
    true = map_points(motion, map_points(wave, points))

    def apart(transform: sitk.Transform) -> float:
        return float(np.linalg.norm(map_points(transform, points) - true, axis=1).mean())

    heard: list[tuple[str, int]] = []

    def observe(level: Level) -> Callable[[int, float], None]:
        return lambda number, value: heard.append((level.name, number))

    spline, outcome = bend(fixed, moving, motion, bent.grid, observe=observe)
    assert apart(motion) > 2.5
    assert apart(sitk.CompositeTransform([motion, spline])) < 0.6 * apart(motion)
    assert outcome.converged and "before bending" in outcome.reason
    assert heard == [(level.name, n) for level in LEVELS for n in range(level.iterations)]


def test_the_basis_is_that_of_itk_on_an_oblique_grid() -> None:
    turn = sitk.Euler3DTransform((0.0, 0.0, 0.0), 0.4, -0.3, 0.2)
    grid = Grid((20, 24, 16), (2.0, 1.5, 3.0), (-10.0, 40.0, 7.0), turn.GetMatrix())
    spline = _flat(grid, 12.0)
    mesh = spline.GetTransformDomainMeshSize()
    coefficients = np.random.default_rng(1).normal(0.0, 4.0, (3, *(n + 3 for n in reversed(mesh))))
    spline.SetParameters(coefficients.ravel().tolist())
    lengths = np.asarray(grid.size) * grid.spacing
    bases = [
        _basis((np.arange(n) + 0.5) * step / (length / m), m + 3)
        for n, step, length, m in zip(grid.size, grid.spacing, lengths, mesh, strict=True)
    ]
    shift = np.einsum("ia,jb,kc,xcba->kjix", *bases, coefficients)
    for index in ((0, 0, 0), (19, 3, 8), (10, 23, 15)):
        point = (grid.affine @ [*index, 1.0])[:3]
        wanted = np.subtract(spline.TransformPoint(point.tolist()), point)
        assert shift[index[::-1]] == pytest.approx(wanted, abs=1e-3)


def test_volumes_that_do_not_meet_are_refused(a_ct: Volume) -> None:
    pyramid = build_pyramid(a_ct, "CT")
    away = sitk.TranslationTransform(3, (900.0, 0.0, 0.0))
    with pytest.raises(RegistrationError, match="do not overlap"):
        bend(pyramid, pyramid, away, a_ct.grid, observe=_quiet)
