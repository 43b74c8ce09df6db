"""Slices from a fine volume, and back."""

import numpy as np
import pytest

from MultimodalSegLib.enhancement.slices import PROFILES, SliceModel


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("spacing", [3.0, 4.7, 6.0])
def test_slices_are_means_and_interpolation_keeps_constants(spacing: float, profile: str) -> None:
    model = SliceModel(9, spacing, profile=profile)
    assert model.size == round(9 * spacing)
    assert np.allclose(model.taken(np.full((model.size, 2), 7.0)), 7)
    assert np.allclose(model.started(np.full((9, 2), 7.0, np.float32)), 7, atol=1e-3)


def test_nothing_moves_along_the_axis() -> None:
    """A slope keeps its place; half a voxel off would show."""
    model = SliceModel(12, 4.0, profile="box")
    slope = model.positions.astype(np.float32)[:, None]
    middle = slice(8, -8)
    assert np.allclose(model.interpolated(model.taken(slope))[middle], slope[middle], atol=1e-3)


def test_a_consistent_volume_gives_the_slices_back_and_keeps_what_they_do_not_see() -> None:
    rng = np.random.default_rng(0)
    model = SliceModel(10, 5.0)
    slices, fine = rng.normal(size=(10, 6)), rng.normal(size=(50, 6)).astype(np.float32)
    corrected = model.consistent(fine, slices)
    assert np.abs(model.taken(corrected) - slices).max() < 0.15 * np.abs(model.taken(fine) - slices).max()
    unseen = np.linalg.svd(model.down)[2][len(model.down) :]  # what no slice sees
    assert np.allclose(unseen @ corrected, unseen @ fine, atol=1e-4)


def test_a_box_as_wide_as_a_voxel_changes_nothing() -> None:
    model = SliceModel(6, 1.0, profile="box")
    assert np.allclose(model.down, np.eye(6)) and np.allclose(model.up, np.eye(6))


def test_the_distance_is_zero_at_the_slices() -> None:
    model = SliceModel(5, 5.0)
    assert np.allclose(model.distance[:5], [2, 1, 0, 1, 2])


@pytest.mark.parametrize("wrong", [{"count": 1}, {"spacing": 0.0}, {"profile": "round"}])
def test_what_is_no_stack_of_slices_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="describes no slices"):
        SliceModel(**{"count": 5, "spacing": 4.0, **wrong})  # type: ignore[arg-type]
