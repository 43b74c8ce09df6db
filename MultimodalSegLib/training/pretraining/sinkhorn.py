"""The teacher's assignments to prototypes, balanced so that no prototype takes all."""

from __future__ import annotations

import torch
from torch import Tensor

ITERATIONS = 3
"""As in DINOv2."""


@torch.no_grad()
def sinkhorn(logits: Tensor, temperature: float, iterations: int = ITERATIONS) -> Tensor:
    """Probabilities of prototypes such that each is used by about the same share of the samples.

    Alternately all prototypes are scaled to the same total and all samples to the total of one, by logarithms so that
    nothing overflows. Without it the easiest answer to a teacher is always the same one.

    Args:
        logits: (N, K) of the teacher, N samples.
        temperature: of the softmax; lower is sharper.
        iterations: with more the columns come nearer to N / K.

    Returns:
        (N, K) float32; rows sum to 1, columns to about N / K.

    Raises:
        ValueError: no sample, or a temperature that is not positive.

    Source:
        Cuturi, Sinkhorn distances, NeurIPS 2013, algorithm 1; Caron et al., SwAV, NeurIPS 2020, equation 5; in place of
        centring in Oquab et al., DINOv2, TMLR 2024, section 4.

    Example:
        >>> sinkhorn(torch.tensor([[2.0, 0.0], [2.0, 0.0]]), temperature=1.0)
        tensor([[0.5000, 0.5000],
                [0.5000, 0.5000]])
    """
    if logits.dim() != 2 or not len(logits):
        raise ValueError(f"logits are (samples, prototypes), not of shape {tuple(logits.shape)}")
    if not temperature > 0:
        raise ValueError(f"temperature is {temperature}, not positive")
    scores = logits.float() / temperature
    for _ in range(iterations):
        scores = scores - scores.logsumexp(0, keepdim=True)
        scores = scores - scores.logsumexp(1, keepdim=True)
    return scores.exp()
