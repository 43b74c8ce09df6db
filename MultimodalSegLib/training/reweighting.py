"""Dynamic reweighting of the modalities' gradients, so that a strong modality does not starve a weak one.

Where two modalities say the same, the one that is easier to read takes most of the gradient, and the encoder that they
share is shaped by it alone (Wang et al., "What makes training multi-modal classification networks hard?", CVPR 2020;
Peng et al., "Balanced multimodal learning via on-the-fly gradient modulation", CVPR 2022). The importance of a modality
is the first-order change of the loss if its features were removed, ``mean |f dL/df|`` (Molchanov et al., ICLR 2017).

    s_k = I_k / sum_j I_j        S_k <- d S_k + (1 - d) s_k        dL/df_k <- w_k dL/df_k,    w_k ~ mean(S) / S_k

with the w of one sample averaging 1. A factor on all gradients of a weight would be undone by AdamW; these factors act
on features, before the gradients of the modalities are added up in the shared encoder, and turn the sum's direction.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

DECAY = 0.98
"""Of the moving average of the importance; it looks back about 50 steps."""

MOST = 4.0
"""No modality counts more than so many times, or less than its reciprocal, against an average one."""


class GradientReweighting:
    """Watches and scales the gradients with which the fusion answers to the features of each modality.

    Args:
        network: with ``fuse``, a list of modules called with features (B, M, C, d, h, w), present and family (B, M).
        families: number of modality families.

    Raises:
        ValueError: the network has no such modules.
    """

    def __init__(self, network: nn.Module, families: int) -> None:
        stages = getattr(network, "fuse", None)
        if not isinstance(stages, nn.ModuleList):
            raise ValueError(f"The network {type(network).__name__} has no fusion whose gradients could be reweighted.")
        self.share = torch.full((families,), 1.0 / families, dtype=torch.float64)
        self._sums = torch.zeros(2, families, dtype=torch.float64)
        for stage in stages:
            stage.register_forward_pre_hook(self._watch)

    def update(self, add_over_processes: Callable[[Tensor], Tensor] = lambda x: x) -> None:
        """Move the average after a step.

        Args:
            add_over_processes: the sum of a tensor over all processes.
        """
        total, count = add_over_processes(self._sums.clone())
        seen = count > 0
        if int(seen.sum()) > 1 and bool(torch.isfinite(total).all()):  # 16 bits may overflow now and then
            mean = total[seen] / count[seen]
            # those that were not seen keep their part of the whole
            newest = mean / mean.sum().clamp_min(1e-300) * self.share[seen].sum()
            self.share[seen] = DECAY * self.share[seen] + (1 - DECAY) * newest
        self._sums.zero_()

    def factors(self, family: Tensor, present: Tensor) -> Tensor:
        """The factor of each modality of each sample (B, M), averaging 1 over those that are present."""
        share = self.share.to(family.device)[family].clamp_min(1e-12)
        mean = (share * present).sum(1, keepdim=True) / present.sum(1, keepdim=True).clamp_min(1)
        raw = (mean / share).clamp(1 / MOST, MOST) * present
        return raw * present.sum(1, keepdim=True) / raw.sum(1, keepdim=True).clamp_min(1e-12)

    def state_dict(self) -> dict[str, Tensor]:
        """What has to be saved to go on."""
        return {"share": self.share.clone()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Go on from a saved state."""
        self.share = state["share"].clone()

    def _watch(self, _module: nn.Module, given: tuple[Any, ...]) -> None:
        features, present, family = given
        if features.requires_grad:
            features.register_hook(partial(self._scale, features.detach(), present, family))

    def _scale(self, features: Tensor, present: Tensor, family: Tensor, gradient: Tensor) -> Tensor:
        importance = (gradient.float() * features.float()).abs().flatten(2).mean(2).double()  # (B, M)
        counted = present & _several(family, present)[:, None]
        where, values = family[counted].cpu(), importance[counted].cpu()
        self._sums[0].index_add_(0, where, values)
        self._sums[1].index_add_(0, where, torch.ones_like(values))
        factor = self.factors(family, present)
        return gradient * factor.to(gradient.dtype).reshape(*factor.shape, *[1] * (gradient.dim() - 2))


def _several(family: Tensor, present: Tensor) -> Tensor:
    """Which samples (B,) hold more than one family; only those tell how one compares with another."""
    lowest = torch.where(present, family, family.max()).amin(1)
    highest = torch.where(present, family, family.min()).amax(1)
    return lowest < highest
