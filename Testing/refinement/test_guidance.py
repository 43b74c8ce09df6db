"""What the head reads: prompts as maps, in the right places and millimetres."""

import numpy as np
import torch

from MultimodalSegLib.refinement.guidance import NEAR_MM, Said, head_inputs

NOTHING = np.zeros((0, 3), int)
SIZE = (16, 16, 16)


def inputs(said: Said, previous: torch.Tensor | None = None):  # type: ignore[no-untyped-def]
    torch.manual_seed(0)
    images = torch.zeros(2, 32, 32, 32)
    images[0, 10:20, 10:20, 10:20] = 0.7
    features = torch.randn(4, 16, 16, 16)
    mask = torch.zeros(32, 32, 32) if previous is None else previous
    return head_inputs(images, features, said, mask, (8, 10, 6), SIZE, 1.5)


def test_discs_are_where_the_points_are_and_fall_with_millimetres() -> None:
    read = inputs(Said(np.array([[12, 15, 14]]), np.array([[20, 20, 20]])))
    near, far, other = read.guidance[0], read.guidance[1], read.guidance[2]
    assert near[4, 5, 8] == 1 and far[4, 5, 8] == 1
    assert np.unravel_index(int(other.argmax()), SIZE) == (12, 10, 14)
    torch.testing.assert_close(near[4, 5, 10], torch.exp(torch.tensor(-(3.0**2) / (2 * NEAR_MM**2))))


def test_unlike_tells_the_object_from_the_rest_in_the_modality_that_shows_it() -> None:
    read = inputs(Said(np.array([[15, 15, 15]]), NOTHING))
    unlike = read.looks[:, 1]
    assert unlike[0, 15 - 8, 15 - 10, 15 - 6] < 1e-6
    torch.testing.assert_close(unlike[0, 0, 15, 0], torch.tensor(0.7))
    assert unlike[1].max() < 1e-6  # the other shows nothing there
    assert (read.looks[:, 2] == 1).all()  # nothing negative was said


def test_features_under_the_prompt_are_least_unlike() -> None:
    read = inputs(Said(np.array([[12, 16, 14]]), NOTHING))
    unlike = read.features[-2]
    assert unlike[2, 3, 4] == 0 and (unlike > 0).sum() == unlike.numel() - 1
    assert (read.features[-1] == 1).all()


def test_a_point_outside_the_crop_still_tells_what_the_object_looks_like() -> None:
    read = inputs(Said(np.array([[15, 15, 30]]), NOTHING))
    assert read.guidance[0].max() < 0.2
    assert read.looks[0, 1].min() == 0  # the background that was clicked at is in the crop


def test_box_and_mask_are_cut_to_the_crop() -> None:
    previous = torch.zeros(32, 32, 32)
    previous[10, 12, 8] = 1
    read = inputs(Said(NOTHING, NOTHING, np.array([[0, 12, 8], [9, 13, 40]])), previous)
    assert read.guidance[4].sum() == 2 * 2 * 14
    assert read.guidance[5, 2, 2, 2] == 1 and read.guidance[5].sum() == 1
