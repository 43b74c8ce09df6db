"""Logits at coarser scales."""

import torch

from MultimodalSegLib.networks.heads import CoarseHead, DeepSupervision


def test_each_scale_has_all_logits():
    heads = DeepSupervision((6, 8), classes=5, side=1, lesion=1)
    stride4, stride8 = heads([torch.randn(2, 6, 4, 4, 6), torch.randn(2, 8, 2, 2, 3)])
    assert stride4.structures.shape == (2, 5, 4, 4, 6) and stride8.structures.shape == (2, 5, 2, 2, 3)
    assert stride4.side.shape == stride4.lesion.shape == (2, 1, 4, 4, 6)


def test_logits_that_are_not_wanted_are_empty():
    output = CoarseHead(6, classes=5, side=0, lesion=0)(torch.randn(1, 6, 2, 2, 2))
    assert output.side.shape == output.lesion.shape == (1, 0, 2, 2, 2)


def test_lesion_alone_is_the_same_as_among_all():
    head, x = CoarseHead(6, classes=5, side=1, lesion=1), torch.randn(1, 6, 2, 2, 2)
    assert torch.equal(head.lesion_logits(x), head(x).lesion)
