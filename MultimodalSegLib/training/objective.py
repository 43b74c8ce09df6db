"""What a training step minimizes."""

from torch import Tensor
from torch.nn import functional as F

from ..losses.dice_cross_entropy import dice_cross_entropy
from ..losses.focal_tversky import focal_tversky
from ..networks.fusion_net import FusionOutput
from .samples import Sample

SIDE_WEIGHT, LESION_WEIGHT, PRESENCE_WEIGHT = 0.3, 0.7, 0.1
PRESENCE_VOXELS = 8
"""Fewer lesion voxels than this in a crop count as none for the presence output."""


def objective(output: FusionOutput, sample: Sample) -> tuple[Tensor, dict[str, float]]:
    """Weighted sum of the losses of all heads.

    Returns:
        The scalar to minimize, and each unweighted part by name for the log.
    """
    structures = dice_cross_entropy(output.structures, sample.channel)
    paired = sample.side != 0
    left = (sample.side > 0).float()
    side_map = F.binary_cross_entropy_with_logits(output.side.float(), left, reduction="none")
    side = (side_map * paired).sum() / paired.sum().clamp_min(1)
    logit = output.lesion.float()
    lesion = F.binary_cross_entropy_with_logits(logit, sample.lesion) * 5.0
    if bool((sample.lesion > 0).any()):
        lesion = lesion + focal_tversky(logit.sigmoid(), sample.lesion)
    holds = (sample.lesion.sum((1, 2, 3, 4)) >= PRESENCE_VOXELS).float()
    presence = F.binary_cross_entropy_with_logits(output.presence.float(), holds)
    total = structures + SIDE_WEIGHT * side + LESION_WEIGHT * lesion + PRESENCE_WEIGHT * presence
    parts = {"structures": structures, "side": side, "lesion": lesion, "presence": presence}
    return total, {name: float(value.detach()) for name, value in parts.items()}
