"""Slices of known bodies: what is on the patient's left is on the right of the picture, whatever the grid."""

import io

import numpy as np
import pytest
from PIL import Image

from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.volume import Volume
from MultimodalSegLib.report.pictures.drawing import draw
from MultimodalSegLib.report.pictures.planes import Plane, middle, planes, sample
from Testing.points import points_of
from Testing.report.conftest import a_tilted_grid

PLAIN = Grid((60, 60, 24), (1.5, 1.5, 4.0), (-45.0, -45.0, -46.0))


def a_ball(grid: Grid, center: tuple[float, float, float], radius: float = 8.0) -> Volume:
    away = np.linalg.norm(points_of(grid) - np.asarray(center), axis=-1)
    return Volume((away <= radius).astype(np.float32), grid)


@pytest.mark.parametrize("grid", [PLAIN, a_tilted_grid()], ids=["plain", "tilted"])
@pytest.mark.parametrize(
    ("orientation", "center", "right", "down"),
    [
        ("axial", (18, 0, 0), 18, 0),  # left of the patient
        ("axial", (0, 15, 0), 0, 15),  # posterior
        ("coronal", (18, 0, 0), 18, 0),
        ("coronal", (0, 0, 15), 0, -15),  # superior
        ("sagittal", (0, 15, 0), 15, 0),
        ("sagittal", (0, 0, 15), 0, -15),
    ],
)
def test_a_ball_is_where_it_belongs_and_round(grid, orientation, center, right, down):
    plane = Plane(orientation, (0.0, 0.0, 0.0), 80.0, 160)
    seen = sample(a_ball(grid, center), plane) > 0.5
    row, column = np.argwhere(seen).T
    found = (np.array([column.mean(), row.mean()]) + 0.5 - 80) * plane.mm_per_pixel
    assert found == pytest.approx((right, down), abs=1.5)
    wide, high = np.ptp(column) * plane.mm_per_pixel, np.ptp(row) * plane.mm_per_pixel
    assert wide == pytest.approx(16, abs=4.1) and high == pytest.approx(16, abs=4.1)  # a slice is up to 4 mm thick


def test_letters_say_where_the_patient_is():
    assert Plane("axial", (0, 0, 0), 10, 10).letters == ("R", "L", "A", "P")
    assert Plane("coronal", (0, 0, 0), 10, 10).letters == ("R", "L", "S", "I")
    assert Plane("sagittal", (0, 0, 0), 10, 10).letters == ("A", "P", "S", "I")


def test_outside_the_volume_is_what_was_asked_for():
    values = sample(a_ball(PLAIN, (0, 0, 0)), Plane("axial", (500.0, 0.0, 0.0), 40.0, 8), outside=-1000.0)
    assert np.all(values == -1000)


def test_labels_are_not_mixed():
    labels = Volume(np.where(points_of(PLAIN)[..., 0] > 0, 900, 10).astype(np.uint16), PLAIN)
    seen = sample(labels, Plane("axial", (0.0, 0.0, 0.0), 60.0, 100), labels=True)
    assert seen.dtype == np.uint16 and set(np.unique(seen)) == {10, 900}


def test_planes_pass_through_a_point_that_is_not_in_their_middle():
    axial, coronal, sagittal = planes((1.0, 2.0, 3.0), 100.0, 50, through=(7.0, 8.0, 9.0))
    assert axial.center == (1, 2, 9) and coronal.center == (1, 8, 3) and sagittal.center == (7, 2, 3)


@pytest.mark.parametrize("grid", [PLAIN, a_tilted_grid()], ids=["plain", "tilted"])
def test_the_middle_shows_all_of_it(grid):
    center, side = middle(a_ball(grid, (5, -6, 7)))
    assert center == pytest.approx((5, -6, 7), abs=2.5) and 16 < side < 40
    center, side = middle(Volume(np.zeros(grid.shape, np.float32), grid))
    assert side > 70


def test_a_picture_has_letters_scale_and_a_text_alternative():
    plane = Plane("axial", (0.0, 0.0, 0.0), 90.0, 128)
    picture = draw(np.zeros((128, 128, 3), np.uint8), plane, "CT, axial slice.", "CT")
    image = np.asarray(Image.open(io.BytesIO(picture.png)).convert("L"))
    assert picture.size == image.shape == (128, 128)
    assert picture.alt == "CT, axial slice. The patient's left is on the right."
    edges = {"left": image[54:74, :20], "right": image[54:74, -20:], "top": image[:20, 54:74]}
    assert all(part.max() > 150 for part in edges.values())
    assert np.count_nonzero(image[-7:-5] == 255, axis=1).max() == pytest.approx(20 / plane.mm_per_pixel, abs=3)
