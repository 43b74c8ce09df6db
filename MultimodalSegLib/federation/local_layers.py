"""Layers that may stay at a site."""

from __future__ import annotations

from torch import nn
from torch.nn.modules.batchnorm import _NormBase

NORMALIZATIONS = (_NormBase, nn.GroupNorm, nn.LayerNorm)
"""Batch and instance, group and layer normalization."""


def normalization_names(network: nn.Module) -> frozenset[str]:
    """Names of all parameters and buffers of normalization layers.

    Kept at each site they adapt the common network to its scanners (Li et al., "FedBN: federated learning on non-IID
    features via local batch normalization", ICLR 2021).

    Example:
        >>> sorted(normalization_names(nn.Sequential(nn.Conv3d(1, 2, 1), nn.InstanceNorm3d(2, affine=True))))
        ['1.bias', '1.weight']
    """
    return frozenset(
        f"{path}.{name}" if path else name
        for path, module in network.named_modules()
        if isinstance(module, NORMALIZATIONS)
        for name in module.state_dict()
    )
