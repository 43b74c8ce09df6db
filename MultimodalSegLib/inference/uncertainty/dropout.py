"""Monte-Carlo dropout: the network with some of its channels switched off at random.

Gal and Ghahramani, "Dropout as a Bayesian approximation", ICML 2016.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from ...errors import InputError

RATE = 0.1
"""Share of the fused channels that is switched off in a network that was trained without dropout."""


@contextmanager
def dropout(network: nn.Module, seed: int, rate: float = RATE) -> Iterator[None]:
    """Switch dropout on for a while.

    A network that was trained with dropout uses its own layers. In the fusion network, which has none, whole channels
    of the fused features are switched off at each scale (and the others raised by 1 / (1 - rate)). They stay the same
    ones for as long as this lasts, so that the windows of one answer fit together.

    Args:
        network: in evaluation mode; afterwards it is as before.
        seed: which channels.
        rate: share of them, 0 to 1.

    Raises:
        InputError: a network of another kind without layers of dropout.
    """
    own = [m for m in network.modules() if isinstance(m, nn.modules.dropout._DropoutNd) and m.p > 0]
    fused = getattr(network, "fuse", None)
    if not own and fused is None:
        raise InputError("This model's network has no dropout.", "Use --method tta.")
    handles = []
    if not own:
        assert isinstance(fused, nn.ModuleList)
        generator = torch.Generator().manual_seed(seed)
        handles = [layer.register_forward_hook(_hook(generator, rate)) for layer in fused]
    try:
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            for layer in own:
                layer.train()
            yield
    finally:
        for layer in own:
            layer.eval()
        for handle in handles:
            handle.remove()


def _hook(generator: torch.Generator, rate: float) -> Callable[..., Any]:
    """Switches off channels of fused features (B, C, d, h, w), the same ones at each call."""
    keep: list[Tensor] = []

    def drop(module: nn.Module, given: Any, result: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        features, weights = result
        if not keep:
            keep.append((torch.rand(features.shape[1], generator=generator) >= rate).float() / (1 - rate))
        mask = keep[0].to(features)[None, :, None, None, None]
        return features * mask, weights

    return drop
