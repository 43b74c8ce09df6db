"""A B-spline that bends an aligned head onto another one, by a descriptor that CT and MRI share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import SimpleITK as sitk

from ..errors import RegistrationError
from ..images.grid import Grid
from ..images.resample import resample
from ..images.volume import Volume
from .mind import mind_ssc
from .optimize import NO_OVERLAP, Outcome
from .pyramid import Pyramid, dilate
from .quality import MARGIN

if TYPE_CHECKING:
    import torch

VOXEL, MOST_VOXELS = 2.0, 1_500_000
"""Voxel size in mm at which volumes are compared, and the size of the lattice above which voxels are larger."""

KNOTS = 8.0
"""Voxels between the knots of the B-spline: 16 mm in a head."""

STEP = 0.4
"""First step of the optimiser for the coefficients, voxels."""


@dataclass(frozen=True)
class Level:
    """Part of the work.

    Args:
        name: for the progress line.
        iterations: all of them are made.
        stride: every so many voxels are compared along each axis, others in each iteration.
        blur: compare descriptors that were averaged over 3 x 3 x 3 voxels.
        stiffness: weight of the squared slopes of the displacement.
    """

    name: str
    iterations: int
    stride: int
    blur: bool
    stiffness: float

    def told(self, value: float) -> str:
        """A value in words."""
        return f"difference of structure {value:.3f}"


Observe = Callable[[Level], Callable[[int, float], None]]
"""For a level gives what hears of its iterations, with number and value."""

LEVELS = (Level("B-spline, blurred", 40, 3, True, 0.5), Level("B-spline", 20, 2, False, 0.3))


@dataclass(frozen=True)
class Scene:
    """What is compared, on a lattice over the fixed head.

    Args:
        fixed: (12, K, J, I) descriptor of the fixed volume.
        moving: the same of the moving volume, on the same lattice.
        weight: (K, J, I) 1 where both volumes are known, in the fixed head and around it, else 0.
        bases: for the axes i, j, k the (n, coefficients) values of the B-spline's basis at the voxels.
        lattice: the voxels, all sides alike.
        knots: mm between knots along i, j, k.
    """

    fixed: torch.Tensor
    moving: torch.Tensor
    weight: torch.Tensor
    bases: tuple[torch.Tensor, torch.Tensor, torch.Tensor]
    lattice: Grid
    knots: tuple[float, float, float]

    def blurred(self) -> Scene:
        """The same with averaged descriptors."""
        from torch.nn import functional as F

        blur = partial(F.avg_pool3d, kernel_size=3, stride=1, padding=1, count_include_pad=False)
        return replace(self, fixed=blur(self.fixed), moving=blur(self.moving))

    def difference(self, coefficients: torch.Tensor, phase: tuple[int, ...], stride: int) -> torch.Tensor:
        """Mean squared difference of the descriptors at every ``stride``-th voxel.

        Args:
            coefficients: (3, c, b, a) of the displacement along i, j, k, mm.
            phase: first voxel along k, j, i.
            stride: voxels.
        """
        import torch
        from torch.nn import functional as F

        some = tuple(slice(first, None, stride) for first in phase)
        bases = [basis[part] for basis, part in zip(reversed(self.bases), some, strict=True)]
        shift = torch.einsum("kc,ncba->nkba", bases[0], coefficients)
        shift = torch.einsum("jb,nkba->nkja", bases[1], shift)
        shift = torch.einsum("ia,nkja->kjin", bases[2], shift)
        size = self.weight.shape
        at = [(2.0 * torch.arange(n)[part] + 1.0) / n - 1.0 for n, part in zip(size, some, strict=True)]
        where = torch.stack(torch.meshgrid(*at, indexing="ij")[::-1], dim=-1)
        where = where + shift * torch.tensor([2.0 / (n * self.lattice.spacing[0]) for n in reversed(size)])
        found = F.grid_sample(self.moving[None], where[None], padding_mode="border", align_corners=False)[0]
        weight = self.weight[some]
        apart = (found - self.fixed[(slice(None), *some)]).square().mean(dim=0)
        return (apart * weight).sum() / weight.sum().clamp_min(1.0)

    def slopes(self, coefficients: torch.Tensor) -> torch.Tensor:
        """Mean squared change of the displacement along the axes, mm per mm."""
        import torch

        each = [coefficients.diff(dim=3 - axis).div(step).square().mean() for axis, step in enumerate(self.knots)]
        return torch.stack(each).sum()


def bend(
    fixed: Pyramid,
    moving: Pyramid,
    aligned: sitk.Transform,
    box: Grid,
    *,
    observe: Observe,
) -> tuple[sitk.BSplineTransform, Outcome]:
    """Bend the fixed volume's points so that the moving volume, already aligned, shows the same structures there.

    Gradient descent (Adam) over the coefficients of a cubic B-spline, on the difference of MIND-SSC with a diffusion
    penalty, as the last step of ConvexAdam (Siebert et al., IEEE TMI 2024). It is deterministic.

    Args:
        fixed: the volume that stays.
        moving: the volume that was aligned.
        aligned: fixed to moving points, LPS mm.
        box: grid of the fixed volume; the B-spline is defined inside its box.
        observe: asked once for each of the :data:`LEVELS`; whatever its listener raises stops the work.

    Returns:
        The B-spline, to be applied before ``aligned``, and how it ended.

    Raises:
        RegistrationError: the volumes do not overlap.
    """
    scene, spline = prepare(fixed, moving, aligned, box)
    return spline, fit(scene, spline, observe)


def fit(scene: Scene, spline: sitk.BSplineTransform, observe: Observe) -> Outcome:
    """Set the coefficients of a B-spline, zero so far, so that what is compared agrees; see :func:`bend`."""
    import torch

    mesh = spline.GetTransformDomainMeshSize()
    coefficients = torch.zeros(3, *(count + 3 for count in reversed(mesh)))
    start = float(scene.difference(coefficients, (0, 0, 0), LEVELS[-1].stride))
    coefficients.requires_grad_()
    optimizer = torch.optim.Adam([coefficients], lr=STEP * scene.lattice.spacing[0])
    for level in LEVELS:
        seen = scene.blurred() if level.blur else scene
        phases = list(product(range(level.stride), repeat=3))
        on_iteration = observe(level)
        for number in range(level.iterations):
            optimizer.zero_grad()
            value = seen.difference(coefficients, phases[number % len(phases)], level.stride)
            (value + level.stiffness * seen.slopes(coefficients)).backward()
            optimizer.step()
            on_iteration(number, float(value.detach()))
    with torch.no_grad():
        end = float(scene.difference(coefficients, (0, 0, 0), LEVELS[-1].stride))
        axes = torch.tensor(spline.GetTransformDomainDirection(), dtype=torch.float64).reshape(3, 3)
        lps = torch.einsum("xn,ncba->xcba", axes, coefficients.double())
    spline.SetParameters(lps.ravel().tolist())
    reason = f"difference of structure {start:.3f} before bending, {end:.3f} after"
    return Outcome(end, reason, end < start)


def prepare(fixed: Pyramid, moving: Pyramid, aligned: sitk.Transform, box: Grid) -> tuple[Scene, sitk.BSplineTransform]:
    """What is compared, and a B-spline that does not bend anything yet; see :func:`bend`."""
    import torch

    lattice = _lattice(fixed.head)
    spline = _flat(box, KNOTS * lattice.spacing[0])
    near = dilate(fixed.head, MARGIN)
    view = moving.fine.with_array(np.ones(moving.fine.array.shape, np.float32))
    weight = resample(near.with_array(near.array.astype(np.float32)), lattice).array > 0.5
    weight &= resample(view, lattice, aligned).array > 0.99
    if not weight.any():
        raise RegistrationError("The volumes do not overlap enough to be compared.", NO_OVERLAP)
    here = mind_ssc(torch.from_numpy(resample(fixed.fine, lattice).array))
    there = mind_ssc(torch.from_numpy(resample(moving.fine, lattice, aligned).array))
    mesh = spline.GetTransformDomainMeshSize()
    steps = np.asarray(spline.GetTransformDomainPhysicalDimensions()) / mesh
    axes = np.reshape(spline.GetTransformDomainDirection(), (3, 3))
    first = axes.T @ (np.asarray(lattice.origin) - spline.GetTransformDomainOrigin())
    i, j, k = (
        torch.from_numpy(_basis((first[a] + lattice.spacing[a] * np.arange(lattice.size[a])) / steps[a], mesh[a] + 3))
        for a in range(3)
    )
    x, y, z = (float(step) for step in steps)
    known = torch.from_numpy(weight.astype(np.float32))
    return Scene(here, there, known, (i, j, k), lattice, (x, y, z)), spline


def _lattice(head: Volume) -> Grid:
    """Isotropic voxels over the box of a head and a margin, along its volume's axes."""
    index = np.argwhere(dilate(head, MARGIN).array)[:, ::-1]
    low, high = index.min(axis=0) - 0.5, index.max(axis=0) + 0.5
    lengths = (high - low) * head.grid.spacing
    voxel = max(VOXEL, float(np.prod(lengths) / MOST_VOXELS) ** (1 / 3))
    i, j, k = (max(1, int(length / voxel)) for length in lengths)
    axes = np.reshape(head.grid.direction, (3, 3))
    corner = head.grid.affine[:3, :3] @ low + head.grid.affine[:3, 3]
    x, y, z = (float(value) for value in corner + axes @ np.full(3, voxel / 2))
    return Grid((i, j, k), (voxel,) * 3, (x, y, z), head.grid.direction)


def _flat(box: Grid, knots: float) -> sitk.BSplineTransform:
    """A cubic B-spline without displacement over the box of a grid, knots about so many mm apart."""
    lengths = np.asarray(box.size) * box.spacing
    spline = sitk.BSplineTransform(3, 3)
    spline.SetTransformDomainDirection(box.direction)
    spline.SetTransformDomainOrigin((box.affine @ [-0.5, -0.5, -0.5, 1.0])[:3].tolist())
    spline.SetTransformDomainPhysicalDimensions(lengths.tolist())
    spline.SetTransformDomainMeshSize([max(1, round(float(length) / knots)) for length in lengths])
    return spline


def _basis(places: np.ndarray, count: int) -> np.ndarray:
    """Cubic B-splines at places (n,), in knots from the beginning of the domain: (n, count) float32."""
    far = np.abs(places[:, None] - (np.arange(count) - 1.0))
    near = (4.0 - 6.0 * far**2 + 3.0 * far**3) / 6.0
    return np.where(far < 1.0, near, np.clip(2.0 - far, 0.0, None) ** 3 / 6.0).astype(np.float32)
