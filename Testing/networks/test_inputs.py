"""What cannot be answered is refused in a sentence; sides of any length are brought into shape."""

import pytest
import torch

from MultimodalSegLib.networks.inputs import check_inputs, cropped, pad_to_stride, spacing_of

IMAGES = torch.zeros(2, 2, 4, 4, 4)
PRESENT = torch.tensor([[True, True], [True, False]])
MODALITY = torch.tensor([[0, 1], [1, 7]])  # the 7 belongs to an absent modality


def with_nan(sample: int, modality: int) -> torch.Tensor:
    images = IMAGES.clone()
    images[sample, modality, 0, 0, 0] = float("nan")
    return images


def test_what_an_absent_modality_holds_does_not_matter():
    check_inputs(with_nan(1, 1), PRESENT, MODALITY, 2)


@pytest.mark.parametrize(
    ("images", "present", "modality", "message"),
    [
        (IMAGES[0], PRESENT, MODALITY, r"not of shape \(2, 4, 4, 4\)"),
        (IMAGES[..., :0], PRESENT, MODALITY, "not of shape"),
        (IMAGES[:, :1], PRESENT, MODALITY, r"present has the shape \(2, 2\), not \(2, 1\)"),
        (IMAGES, PRESENT, MODALITY[:1], r"modality has the shape \(1, 2\)"),
        (IMAGES, PRESENT.float(), MODALITY, "present holds torch.float32"),
        (IMAGES, PRESENT & torch.tensor([[True], [False]]), MODALITY, "no present modality"),
        (IMAGES, PRESENT, MODALITY + 1, "no modality family 2; the network knows 0 to 1"),
        (IMAGES, PRESENT, MODALITY - 1, "no modality family -1"),
        (with_nan(0, 1), PRESENT, MODALITY, "not finite"),
        (IMAGES + float("inf"), PRESENT, MODALITY, "not finite"),
    ],
)
def test_what_is_wrong_is_said(images, present, modality, message):
    with pytest.raises(ValueError, match=message):
        check_inputs(images, present, modality, 2)


@pytest.mark.parametrize(
    ("size", "padded"),
    [((8, 16, 24), (8, 16, 24)), ((5, 9, 16), (8, 16, 16)), ((8, 8, 8), (8, 8, 16)), ((1, 1, 1), (8, 8, 16))],
)
def test_sides_are_padded_to_the_stride_by_their_last_voxels(size, padded):
    images = torch.randn(1, 2, *size)
    result = pad_to_stride(images, 8)
    assert result.shape[2:] == padded
    assert torch.equal(cropped(result, size, 1), images)
    assert (result[..., -1, -1, -1] == images[..., -1, -1, -1]).all()


def test_cropping_at_a_scale_keeps_what_lies_partly_inside():
    assert cropped(torch.zeros(1, 4, 4, 4), (9, 16, 25), 8).shape == (1, 2, 2, 4)


def test_spacing_is_the_usual_one_unless_given():
    usual = (1.5, 1.5, 2.0)
    assert spacing_of(None, usual, IMAGES).tolist() == [1.5, 1.5, 2.0]
    assert spacing_of(torch.tensor([1.0, 2.0, 3.0]), usual, IMAGES).tolist() == [1, 2, 3]


@pytest.mark.parametrize("given", [(1.0, 2.0), (1.0, 2.0, 0.0), (1.0, 2.0, float("nan"))])
def test_an_impossible_spacing_is_refused(given):
    with pytest.raises(ValueError, match="not three positive lengths"):
        spacing_of(given, (1.0, 1.0, 1.0), IMAGES)
