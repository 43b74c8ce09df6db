"""The network asked at points says what the maps and labels of the whole volume say there."""

import numpy as np
import pytest
import torch

from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.inference.head_box import field_of_view
from MultimodalSegLib.inference.points import Target, read_target, target_channel
from MultimodalSegLib.inference.upsample import Labelling, to_reference

WORKING = Grid((12, 10, 9), (3.0, 3.0, 3.0), (-16.0, -14.0, -12.0))
TURN = (0.8, -0.6, 0.0, 0.6, 0.8, 0.0, 0.0, 0.0, 1.0)
REFERENCE = Grid((9, 8, 7), (1.7, 1.9, 2.1), (-4.0, -8.0, -6.0), TURN)
LABELLING = Labelling(
    values=((0, 0), (10, 49), (515, 515)),
    lesion_value=600,
    lesion_threshold=0.6,
    lesion_hosts=frozenset({1}),
    wanted=(("left", 1, "left"), ("right", 1, "right"), ("bone", 2, ""), ("lesion", -1, "")),
)
VALUES = {"left": 10, "right": 49, "bone": 515, "lesion": 600}


@pytest.fixture
def logits():
    return torch.randn(5, *WORKING.shape, generator=torch.Generator().manual_seed(0)) * 2


@pytest.mark.parametrize("name", VALUES)
def test_points_agree_with_maps_and_labels(logits, name):
    labels, maps = to_reference(logits, WORKING, field_of_view(WORKING), REFERENCE, LABELLING, lambda done: None)
    inside = maps["bone"] > 0
    k, j, i = np.nonzero(inside)
    affine = REFERENCE.affine
    points = np.stack([i, j, k], 1) @ affine[:3, :3].T + affine[:3, 3]
    channel, side = target_channel(LABELLING, VALUES[name])
    probability, found = read_target(logits, WORKING, Target(channel, side, points), LABELLING)
    assert len(points) > 300
    assert probability == pytest.approx(float(maps[name][inside].mean()), abs=1e-5)
    assert found == pytest.approx(float((labels[inside] == VALUES[name]).mean()), abs=1e-9) and found > 0


def test_many_points_are_read_in_blocks(logits, monkeypatch):
    from MultimodalSegLib.inference import points

    where = np.random.default_rng(0).uniform(-10, 10, (50, 3))
    whole = read_target(logits, WORKING, Target(2, "", where), LABELLING)
    monkeypatch.setattr(points, "AT_ONCE", 7)
    assert read_target(logits, WORKING, Target(2, "", where), LABELLING) == pytest.approx(whole)


def test_values_that_mean_nothing_and_empty_targets_are_refused(logits):
    with pytest.raises(KeyError):
        target_channel(LABELLING, 77)
    with pytest.raises(KeyError):
        target_channel(LABELLING, 0)
    with pytest.raises(ValueError, match="points"):
        read_target(logits, WORKING, Target(1, "left", np.zeros((0, 3))), LABELLING)
