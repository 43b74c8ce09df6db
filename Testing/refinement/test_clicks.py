"""Simulated clicks: where a careful person would click."""

import numpy as np
import pytest

from MultimodalSegLib.refinement.clicks import deep_voxel, first_click, next_click


def ball(center: tuple[int, int, int], radius: float, shape: tuple[int, int, int] = (24, 28, 32)) -> np.ndarray:
    index = np.indices(shape).reshape(3, -1).T
    return (np.linalg.norm(index - center, axis=1) <= radius).reshape(shape)


def test_the_first_click_is_in_the_thickest_part() -> None:
    target = ball((10, 12, 8), 5) | ball((10, 12, 20), 2)
    click = first_click(target)
    assert click.positive and np.abs(click.point - (10, 12, 8)).max() <= 1


def test_what_was_missed_is_clicked_positive_and_what_is_wrong_negative() -> None:
    target = ball((10, 12, 8), 5)
    missed = next_click(target, np.zeros_like(target))
    assert missed is not None and missed.positive
    wrong = next_click(target, target | ball((12, 14, 24), 4))
    assert wrong is not None and not wrong.positive
    assert np.abs(wrong.point - (12, 14, 24)).max() <= 1


def test_the_larger_error_counts_not_the_sum_of_small_ones() -> None:
    target = ball((10, 12, 8), 4)
    answer = ball((18, 8, 20), 3) | ball((18, 20, 20), 3) | ball((4, 20, 26), 3)
    click = next_click(target, answer)
    assert click is not None and click.positive


def test_nothing_is_wrong_no_click() -> None:
    target = ball((10, 12, 8), 4)
    assert next_click(target, target.copy()) is None


def test_clicks_in_training_lie_deep_inside_and_differ() -> None:
    target = ball((10, 12, 8), 6)
    points = [first_click(target, np.random.default_rng(n)).point for n in range(20)]
    assert all(np.linalg.norm(point - (10, 12, 8)) <= 4 for point in points)
    assert len({tuple(point.tolist()) for point in points}) > 10


@pytest.mark.parametrize("corner", [(0, 0, 0), (23, 27, 31)])
def test_an_object_at_the_border_of_the_volume_is_clicked_inside(corner: tuple[int, int, int]) -> None:
    target = ball(corner, 4)
    assert target[tuple(deep_voxel(target))]
