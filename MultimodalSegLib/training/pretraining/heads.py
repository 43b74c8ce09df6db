"""From features to prototypes, and back to intensities: what is learned with the network and thrown away after."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...networks.blocks import depth_to_space

HIDDEN, BOTTLENECK = 128, 64


class ProjectionHead(nn.Module):
    """A perceptron of three layers to a bottleneck on the unit sphere, then the cosine to each prototype.

    The prototypes are weights normalized to length 1, so that none can win by its length. The features are first
    standardized over the batch, because those of crops of the same organs point almost in the same direction.

    Args:
        channels: C, of the features.
        prototypes: K.

    Shapes: (N, C), N of at least 2 -> (N, K), -1 to 1.

    Source:
        Caron et al., DINO, ICCV 2021, section 3.1 and appendix C (projection head, weight normalized last layer,
        normalization over the batch for convolutional networks).
    """

    def __init__(self, channels: int, prototypes: int) -> None:
        super().__init__()
        standardize = nn.BatchNorm1d(channels, affine=False, track_running_stats=False)
        layers = (standardize, nn.Linear(channels, HIDDEN), nn.GELU(), nn.Linear(HIDDEN, HIDDEN), nn.GELU())
        self.layers = nn.Sequential(*layers, nn.Linear(HIDDEN, BOTTLENECK))
        self.prototypes = nn.Parameter(torch.empty(prototypes, BOTTLENECK))
        for module in self.layers:
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                nn.init.zeros_(module.bias)
        nn.init.normal_(self.prototypes)

    def forward(self, x: Tensor) -> Tensor:
        x = F.normalize(self.layers(x.float()).float(), dim=-1, eps=1e-6)
        return F.linear(x, F.normalize(self.prototypes.float(), dim=-1))


class RestorationHead(nn.Module):
    """Intensities of a crop from the finest features of the decoder, through one linear layer.

    There is nothing between the features and the image that could do the work for them.

    Args:
        width: C, channels of the finest scale.

    Shapes: (N, C, D/2, H/2, W/2) -> (N, 1, D, H, W).
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.mix = nn.Conv3d(width, 8, 1)

    def forward(self, finest: Tensor) -> Tensor:
        return depth_to_space(self.mix(finest))
