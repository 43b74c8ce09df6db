"""A place in the patient has one code, whatever the scale that asks."""

import torch
from torch.nn import functional as F

from MultimodalSegLib.networks.positional_encoding import PhysicalPositionEncoding, token_centers

SPACING = torch.tensor([2.0, 1.0, 1.5])


def test_coarse_tokens_lie_in_the_middle_of_the_fine_ones():
    fine, coarse = token_centers((4, 6, 8), 4, SPACING), token_centers((2, 3, 4), 8, SPACING)
    for f, c in zip(fine, coarse, strict=True):
        torch.testing.assert_close(f.view(-1, 2).mean(1), c)
    assert fine[0].tolist() == [-12, -4, 4, 12]
    assert all(abs(float(f.sum())) < 1e-5 for f in fine)


def test_scales_of_different_spacing_read_the_same_code_at_the_same_place():
    encoding = PhysicalPositionEncoding(5)
    middle = encoding(token_centers((3, 3, 3), 16, SPACING))[13]
    torch.testing.assert_close(encoding(token_centers((1, 1, 1), 32, SPACING))[0], middle)
    half = encoding(token_centers((3, 3, 3), 16, SPACING / 2))  # half as far apart: other places, other codes
    torch.testing.assert_close(half[13], middle)
    assert not torch.allclose(half[0], encoding(token_centers((3, 3, 3), 16, SPACING))[0], atol=1e-3)


def test_codes_are_interpolated_as_by_grid_sample_and_end_at_the_rim():
    torch.manual_seed(0)
    encoding = PhysicalPositionEncoding(3, nodes=5, extent_mm=100.0)
    axes = [torch.tensor([-80.0, -50.0, -13.0, 0.0]), torch.tensor([7.0, 49.0]), torch.tensor([-1.0, 25.0, 60.0])]
    k, j, i = torch.meshgrid(*axes, indexing="ij")
    grid = torch.stack([i, j, k], -1)[None] / 50.0
    wanted = F.grid_sample(encoding.lattice[None], grid, padding_mode="border", align_corners=True)
    torch.testing.assert_close(encoding(axes), wanted[0].flatten(1).T, atol=1e-6, rtol=1e-5)


def test_the_lattice_learns():
    encoding = PhysicalPositionEncoding(2, nodes=3)
    encoding(token_centers((2, 2, 2), 32, SPACING)).sum().backward()
    assert encoding.lattice.grad is not None and encoding.lattice.grad.abs().sum() > 0
