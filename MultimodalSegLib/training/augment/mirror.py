"""Exchange left and right."""

from __future__ import annotations

from torch import Tensor

SIDE = 1
"""Index of the side in a truth of channel, side, lesion."""


def mirror(images: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    """Mirror a sample on a grid along the patient's axes: what was left is right, and is labelled so.

    Args:
        images: (M, D, H, W), the last axis from right to left.
        truth: (3, D, H, W): channel, side (+1 left, -1 right), lesion.
    """
    mirrored = truth.flip(-1)
    mirrored[SIDE] = -mirrored[SIDE]
    return images.flip(-1), mirrored
