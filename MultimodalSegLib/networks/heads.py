"""Logits at coarser scales, for deep supervision."""

from __future__ import annotations

from torch import Tensor, nn

from .outputs import CoarseOutput


class CoarseHead(nn.Module):
    """One logit for each class and voxel of a coarser scale.

    Args:
        channels: of the decoder's features there.
        classes: structures with background.
        side: number of logits for the patient's left, 0 or 1.
        lesion: number of logits of lesion, 0 or 1.

    Shapes: (B, channels, d, h, w) -> :class:`.outputs.CoarseOutput`.
    """

    def __init__(self, channels: int, classes: int, side: int, lesion: int) -> None:
        super().__init__()
        self.anatomy = nn.Conv3d(channels, classes + side, 1)
        self.lesion = nn.Conv3d(channels, lesion, 1) if lesion else None
        self.classes, self.side = classes, side

    def forward(self, x: Tensor) -> CoarseOutput:
        structures, side = self.anatomy(x).split([self.classes, self.side], dim=1)
        return CoarseOutput(structures, side, self.lesion_logits(x))

    def lesion_logits(self, x: Tensor) -> Tensor:
        """The logits of lesion alone, (B, 1, d, h, w) or (B, 0, d, h, w)."""
        return x[:, :0] if self.lesion is None else self.lesion(x)
