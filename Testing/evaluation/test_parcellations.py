import numpy as np
import pytest

from MultimodalSegLib.evaluation.parcellations import AAL, GIF, relabel
from MultimodalSegLib.evaluation.structures import SIXTEEN, sides, structures
from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.volume import Volume


def test_gif_has_all_of_the_sixteen():
    values = set(GIF.values())
    assert all(structures()[name] & values for name in SIXTEEN)


@pytest.mark.parametrize(
    ("number", "name"),
    [
        (52, "right lateral ventricle"),
        (49, "left hippocampus"),
        (37, "right caudate"),
        (84, "right cerebral white matter"),
        (101, "right cerebral cortex"),
        (208, "left cerebral cortex"),
    ],
)
def test_sides_of_gif(number: int, name: str):
    assert GIF[number] in sides()[name]


def test_aal_nuclei_are_left_then_right():
    for left in (37, 41, 71, 73, 75, 77):
        name = next(n for n, values in sides().items() if AAL[left] in values)
        assert name.startswith("left") and AAL[left + 1] in sides()[name.replace("left", "right")]


def test_what_has_no_number_is_background():
    labels = Volume(np.array([[[0, 2, 76, 60, 300]]], np.int16), Grid((5, 1, 1)))
    assert relabel(labels, GIF).array.tolist() == [[[0, 0, 0, 49, 0]]]
