"""Registration on the structures that the network finds in each volume by itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import SimpleITK as sitk
import torch
from predicted import Predicted
from scipy.spatial.transform import Rotation

from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.registration.bend import fit, prepare
from MultimodalSegLib.registration.mind import CHANNELS
from MultimodalSegLib.registration.pyramid import Pyramid

SHRUNK, POINTS, STEPS = (4, 2, 1), 12_000, 25
"""Blocks of voxels of which the means are compared, one after the other, at how many points, and steps at each."""

BALANCE = 0.1
"""Weight of the squared differences of all structures together against the mean one of MIND-SSC."""

LEAST_ML = 0.2
"""Of a structure in both volumes, below which its middle says nothing."""


def by_structures(fixed: Predicted, moving: Predicted) -> sitk.Euler3DTransform:
    """The rigid transform (fixed to moving points, LPS mm) that brings the structures of two volumes together.

    The start brings their middles together; then the squared difference of the probabilities of all structures at
    random points of the fixed head decides, where the moving field of view is.
    """
    matrix, middle, target = _middles_together(fixed, moving)
    center = torch.from_numpy(middle.astype(np.float32))
    head = torch.nonzero(fixed.maps.sum(dim=0) > 0.5).numpy()
    some = np.random.default_rng(0).choice(len(head), min(POINTS, len(head)), replace=False)
    lps = head[some][:, ::-1] @ fixed.grid.affine[:3, :3].T + fixed.grid.affine[:3, 3]
    points = torch.from_numpy(lps.astype(np.float32))
    points = points[fixed.seen(points)]
    radius = float((points - center).square().sum(dim=1).mean().sqrt())
    start = torch.from_numpy(matrix.astype(np.float32))
    shift = torch.from_numpy((target - middle).astype(np.float32))
    moves = torch.zeros(6, requires_grad=True)  # mm: of a turn, at the head's typical radius; and of the middle

    def place() -> torch.Tensor:
        turn = torch.linalg.matrix_exp(_skew(moves[:3] / radius)) @ start
        return (points - center) @ turn.T + center + shift + moves[3:]

    for factor in SHRUNK:
        here, there = fixed.shrunk(factor).at(points), moving.shrunk(factor)
        optimizer = torch.optim.LBFGS([moves], max_iter=STEPS, line_search_fn="strong_wolfe")

        def difference(here: torch.Tensor = here, there: Predicted = there) -> torch.Tensor:
            optimizer.zero_grad()  # noqa: B023  used within this turn of the loop
            placed = place()
            known = moving.seen(placed.detach()).float()
            value = ((there.at(placed) - here).square().sum(dim=0) * known).sum() / known.sum().clamp_min(1.0)
            value.backward()
            return value

        optimizer.step(difference)
    with torch.no_grad():
        turn = (torch.linalg.matrix_exp(_skew(moves[:3] / radius)) @ start).double().numpy()
    return _transform(turn, middle, (shift + moves[3:].detach()).double().numpy())


def by_middles(fixed: Predicted, moving: Predicted) -> sitk.Euler3DTransform:
    """The rigid transform that brings the middles of the structures of two volumes together."""
    matrix, middle, target = _middles_together(fixed, moving)
    return _transform(matrix, middle, target - middle)


def _middles_together(fixed: Predicted, moving: Predicted) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The rotation (3, 3) about a middle (3,) and the middle it goes to, of least absolute distances."""
    (here, first), (there, second) = fixed.middles(), moving.middles()
    both = np.minimum(first, second)
    alike = both / np.maximum(np.maximum(first, second), 1e-6)  # what one view cuts off has another middle
    weight = np.where(both > LEAST_ML, alike**2, 0.0) + 1e-9
    robust = weight
    for _ in range(20):
        middle, target = (np.average(points, axis=0, weights=robust) for points in (here, there))
        turn = Rotation.align_vectors(there - target, here - middle, weights=robust)[0].as_matrix()
        apart = np.linalg.norm((here - middle) @ turn.T + target - there, axis=1)
        robust = weight / np.maximum(apart, 2.0)
    return turn, middle, target


def bent_by_structures(
    volumes: tuple[Pyramid, Pyramid],
    found: tuple[Predicted, Predicted],
    affine: sitk.Transform,
    box: Grid,
    share: float,
) -> sitk.Transform:
    """The library's B-spline after an affine transform, on predicted structures.

    Args:
        volumes: the fixed and the moving one.
        found: their structures.
        affine: fixed to moving points.
        box: grid of the fixed volume.
        share: of the structures in what is compared, the rest is MIND-SSC; 1 is structures alone.
    """
    scene, spline = prepare(*volumes, affine, box)
    here, there = found[0].on(scene.lattice), found[1].on(scene.lattice, affine)
    count = CHANNELS + len(here)  # what is compared is the mean over all channels
    mind, maps = (1.0 - share) * count / CHANNELS, share * BALANCE * count
    if share == 1.0:
        mind, maps, count = 0.0, BALANCE * len(here), len(here)
    pairs = ((scene.fixed, here), (scene.moving, there))
    fixed, moving = (
        torch.cat([shown * mind**0.5, known * maps**0.5]) if mind else known * maps**0.5 for shown, known in pairs
    )
    fit(replace(scene, fixed=fixed, moving=moving), spline, lambda level: lambda number, value: None)
    return sitk.CompositeTransform([affine, spline])


def _transform(turn: np.ndarray, center: np.ndarray, shift: np.ndarray) -> sitk.Euler3DTransform:
    u, _, v = np.linalg.svd(turn)
    transform = sitk.Euler3DTransform()
    transform.SetCenter(center.tolist())
    transform.SetMatrix((u @ v).ravel().tolist())
    transform.SetTranslation(shift.tolist())
    return transform


def _skew(vector: torch.Tensor) -> torch.Tensor:
    """The matrix (3, 3) of the cross product with a vector (3,)."""
    x, y, z = vector
    zero = torch.zeros(())
    return torch.stack([zero, -z, y, z, zero, -x, -y, x, zero]).reshape(3, 3)
