"""Volumes onto another grid, through any transform, in patient space."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import SimpleITK as sitk
from scipy.ndimage import gaussian_filter1d

from .grid import Grid
from .volume import Volume

COARSER = 1.5
"""Ratio of target to source spacing above which an image is smoothed before it is sampled."""

FWHM = 2.355
"""Full width at half maximum of a Gaussian of standard deviation 1."""


def resample(
    volume: Volume, grid: Grid, transform: sitk.Transform | None = None, *, outside: float = 0.0, labels: bool = False
) -> Volume:
    """Sample a volume at the voxels of a grid.

    Intensities are interpolated linearly, after smoothing along those axes in which the grid is coarser by more than
    1.5 times, so that no structure is missed between the samples.

    Args:
        volume: intensities or labels.
        grid: where to sample.
        transform: maps points of ``grid`` space to points of ``volume`` space (LPS mm); None means they are the same.
        outside: value where ``volume`` has no voxel.
        labels: nearest neighbour, no smoothing.

    Returns:
        A volume on ``grid``: float32, or for labels the type of ``volume``.
    """
    if grid == volume.grid and (transform is None or transform.GetTransformEnum() == sitk.sitkIdentity):
        return volume if labels else volume.with_array(volume.array.astype(np.float32, copy=False))
    transform = transform or sitk.Transform(3, sitk.sitkIdentity)
    source = volume if labels else volume.with_array(_smooth(volume, step_sizes(volume.grid, grid, transform)))
    resampler = sitk.ResampleImageFilter()
    resampler.SetSize(grid.size)
    resampler.SetOutputSpacing(grid.spacing)
    resampler.SetOutputOrigin(grid.origin)
    resampler.SetOutputDirection(grid.direction)
    resampler.SetTransform(transform)
    resampler.SetInterpolator(sitk.sitkNearestNeighbor if labels else sitk.sitkLinear)
    resampler.SetDefaultPixelValue(outside)
    return replace(volume, array=sitk.GetArrayFromImage(resampler.Execute(source.to_sitk())), grid=grid)


def coverage(volume: Volume, grid: Grid, transform: sitk.Transform | None = None) -> float:
    """Part of a grid that the field of view of a volume covers, 0 to 1, exact to 1 or, if the transform bends, 2 %.

    Args:
        volume: whose box of voxels counts, whatever their values.
        grid: the grid to be covered.
        transform: maps points of ``grid`` space to points of ``volume`` space (LPS mm); None means they are the same.
    """
    points = sample_points(grid, 60 if transform is None or transform.IsLinear() else 25)
    if transform is not None:
        points = map_points(transform, points)
    return float(np.mean(inside(volume.grid, points)))


def sample_points(grid: Grid, steps: int) -> np.ndarray:
    """Points spread evenly over the box of a grid, at most ``steps`` along each axis: (n, 3) LPS mm."""
    axes = []
    for size in grid.size:
        count = min(size, steps)
        axes.append((np.arange(count) + 0.5) * size / count - 0.5)
    index = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    return grid.points(index)


def inside(grid: Grid, points: np.ndarray) -> np.ndarray:
    """Which points (n, 3), LPS mm, lie in the box of voxels of a grid: (n,) bool."""
    index = grid.indices(points)
    return np.all((index >= -0.5 - 1e-6) & (index <= np.asarray(grid.size) - 0.5 + 1e-6), axis=1)


def labelled_inside(labels: Volume, grid: Grid) -> float:
    """Part of the voxels above 0 whose centers lie in the box of voxels of a grid, 0 to 1; 1 if there is none."""
    index = np.argwhere(labels.array > 0)[:, ::-1]
    if not len(index):
        return 1.0
    index = index[:: max(1, len(index) // 100_000)]
    return float(np.mean(inside(grid, labels.grid.points(index))))


def map_points(transform: sitk.Transform, points: np.ndarray) -> np.ndarray:
    """Points (n, 3), LPS mm, after a transform."""
    if transform.IsLinear():
        corners = np.array([transform.TransformPoint(point) for point in np.vstack([np.zeros(3), np.eye(3)]).tolist()])
        return points @ (corners[1:] - corners[0]) + corners[0]
    return np.array([transform.TransformPoint(point) for point in points.tolist()]).reshape(-1, 3)


def step_sizes(source: Grid, target: Grid, transform: sitk.Transform) -> np.ndarray:
    """Distance (mm) along the i, j, k axes of ``source`` between samples on ``target``, at its middle."""
    matrix = target.affine[:3, :3]
    middle = target.affine[:3, 3] + matrix @ ((np.asarray(target.size) - 1) / 2)
    mapped = map_points(transform, np.vstack([middle, middle + matrix.T]))
    steps = np.asarray(source.direction).reshape(3, 3).T @ (mapped[1:] - mapped[0]).T  # (source axis, target axis), mm
    return 1.0 / np.linalg.norm(np.linalg.pinv(steps), axis=0)


def _smooth(volume: Volume, steps: np.ndarray) -> np.ndarray:
    """Intensities as they would be with voxels of ``steps`` (i, j, k) mm, still on their own grid, float32."""
    array = volume.array.astype(np.float32, copy=False)
    for axis, (step, spacing) in enumerate(zip(steps, volume.grid.spacing, strict=True)):
        if step > COARSER * spacing:
            sigma = np.sqrt(step**2 - spacing**2) / FWHM / spacing
            array = gaussian_filter1d(array, sigma, axis=2 - axis, mode="nearest", truncate=3.0)
    return array
