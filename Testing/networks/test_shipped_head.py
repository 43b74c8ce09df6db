"""The network of the shipped model gives the numbers that it gave when it was shipped."""

import torch

from MultimodalSegLib.models.bundle import load_bundle
from MultimodalSegLib.resources import resource


def test_the_shipped_model_says_what_it_said_when_it_was_shipped():
    """Numbers written down with model 0.5.0, for a made-up input."""
    network = load_bundle(resource("models") / "head").network()
    count = torch.arange(2 * 32 * 64 * 32, dtype=torch.float64)
    images = torch.sin(0.37 * count + torch.sin(0.0113 * count)).float().view(1, 2, 32, 64, 32)

    def said(present):
        with torch.inference_mode():
            return network(images, torch.tensor(present), torch.tensor([[0, 1]]))

    where = ([3, 8, 16, 24, 31], [5, 20, 33, 47, 60], [2, 9, 16, 23, 30])
    few = ([3, 16, 31], [5, 33, 60], [2, 16, 30])
    both = said([[True, True]])
    found = [both.structures[(0, [0, 1, 5, 13, 26], *where)], both.side[(0, 0, *few)], both.lesion[(0, 0, *few)]]
    found += [both.presence, both.weights[0, 0, [0, 1, 3], [0, 4, 7], [0, 2, 3]]]
    found += [said([[False, True]]).structures[(0, [0, 1, 5, 13, 26], *where)]]
    wanted = [
        [1.40852, 2.02993, -5.9156, -20.87335, 2.65209],
        [-6.31152, -2.99113, 2.64087],
        [-8.4463, -4.75202, -10.1833],
        [0.49917],
        [0.556, 0.58795, 0.47875],
        [2.13307, 5.19049, -4.90916, -20.87371, 2.80669],
    ]
    for f, w in zip(found, wanted, strict=True):
        torch.testing.assert_close(f, torch.tensor(w), atol=2e-4, rtol=1e-4)
