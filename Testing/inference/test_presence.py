"""The probability of a lesion follows what the map shows, where a lesion can be."""

import pytest
import torch

from MultimodalSegLib.inference.presence import lesion_presence
from MultimodalSegLib.inference.upsample import Labelling

BRAIN, BONE = 1, 2
LABELLING = Labelling(((0, 0), (1, 1), (2, 2)), lesion_value=9, lesion_hosts=frozenset({BRAIN}))


def a_head(lesion_voxels: int, logit: float, host: int = BRAIN) -> torch.Tensor:
    """Logits of one structure everywhere, and of a lesion in the first voxels: (5, 10, 10, 10) with a side."""
    logits = torch.full((5, 10, 10, 10), -8.0)
    logits[host] = 8.0
    logits[-1].view(-1)[:lesion_voxels] = logit
    return logits


@pytest.mark.parametrize(
    ("voxels", "logit", "expected"), [(0, 0.0, 0.0), (100, 9.0, 1.0), (50, 9.0, 0.5), (400, 0.0, 0.5)]
)
def test_it_is_the_mean_of_the_most_suspicious_half_millilitre(voxels, logit, expected):
    assert lesion_presence(a_head(voxels, logit), LABELLING, voxel_ml=0.005) == pytest.approx(expected, abs=0.01)


def test_bone_cannot_hold_a_lesion_unless_the_model_says_nothing():
    logits = a_head(300, 9.0, host=BONE)
    assert lesion_presence(logits, LABELLING, voxel_ml=0.005) == 0.0
    assert lesion_presence(logits, Labelling(LABELLING.values), voxel_ml=0.005) > 0.99


def test_a_case_smaller_than_half_a_millilitre_is_judged_as_a_whole():
    assert lesion_presence(a_head(1000, 9.0), LABELLING, voxel_ml=1e-5) > 0.99
