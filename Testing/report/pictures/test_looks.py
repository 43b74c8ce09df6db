"""Colors that say what they should."""

import numpy as np
import pytest

from MultimodalSegLib.report.pictures.looks import (
    EDGE,
    OUTLINE,
    checkerboard,
    edged,
    filled,
    gray,
    heat_colors,
    heated,
    outlined,
)

GRAY = np.full((20, 20, 3), 100, np.uint8)


def test_a_window_reaches_from_black_to_white():
    image = gray(np.array([[-50.0, 0.0, 40.0, 80.0, 900.0]]), (0.0, 80.0))
    assert image[0, :, 0].tolist() == [0, 0, 128, 255, 255]


def test_an_outline_leaves_even_a_single_pixel_visible():
    mask = np.zeros((20, 20), bool)
    mask[10, 10] = True
    image = outlined(GRAY, mask)
    assert image[10, 10].tolist() == [100] * 3 and tuple(image[10, 11]) == OUTLINE
    assert np.all(outlined(GRAY, np.zeros((20, 20), bool)) == GRAY)


def test_structures_are_colored_and_the_rest_is_not():
    labels = np.zeros((20, 20), np.uint16)
    labels[:, :5], labels[:, 5:10] = 10, 7
    image = filled(GRAY, labels, {10: (255, 0, 0), 999: (0, 0, 255)})
    assert image[0, 0, 0] > 150 and image[0, 0, 2] < 60
    assert np.all(image[:, 5:] == 100)


def test_heat_grows_lighter_and_leaves_zero_and_gaps_alone():
    brightness = heat_colors(np.linspace(0, 1, 20)).sum(axis=-1)
    assert np.all(np.diff(brightness) > 0)
    values = np.zeros((20, 20))
    values[0, 0], values[1, 1] = 1, np.nan
    image = heated(GRAY, values)
    assert image[0, 0, 0] > 150 and np.all(image[1:] == 100)


def test_squares_alternate():
    board = checkerboard(np.zeros((8, 8, 3), np.uint8), np.full((8, 8, 3), 255, np.uint8), 4)
    assert board[0, 0, 0] == board[7, 7, 0] == 0 and board[0, 7, 0] == board[7, 0, 0] == 255


def test_contours_lie_on_the_border():
    other = np.zeros((60, 60, 3), np.uint8)
    other[:, 30:] = 200
    marked = np.all(edged(np.zeros_like(other), other, 1.0) == EDGE, axis=-1)
    columns = np.argwhere(marked)[:, 1]
    assert len(columns) > 40 and columns.mean() == pytest.approx(29.5, abs=1)
