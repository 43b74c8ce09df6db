"""What a network costs, worked out without computing anything: parameters and multiply-adds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from .build import build_network
from .config import VARIANTS, student, teacher, variant

SHAPES = {"96x96x96": (96, 96, 96), "160x192x160": (160, 192, 160)}
"""A training crop, and a whole head at 1 mm."""

FAMILIES, CLASSES = 2, 27
"""CT and MR; background and 26 structures. Every network answers with the left side and lesion beside these."""


def network_names() -> list[str]:
    """Teacher and student, the teacher's variants, the baselines."""
    from .baselines.table import BASELINES  # MONAI's networks take seconds to import

    return ["teacher", "student", *VARIANTS, *BASELINES]


def network_entry(name: str, families: int = FAMILIES, classes: int = CLASSES) -> dict[str, Any]:
    """What :func:`.build.build_network` is told for a name of :func:`network_names`."""
    if name in ("teacher", "student"):
        return (teacher if name == "teacher" else student)(families, classes).to_dict()
    if name in VARIANTS:
        return variant(name, families, classes).to_dict()
    return {"kind": name, "families": families, "classes": classes}


def without_values(entry: dict[str, Any]) -> nn.Module:
    """A network for evaluation whose tensors have shapes but no values (torch's meta device).

    Args:
        entry: as for :func:`.build.build_network`.
    """
    try:
        with torch.device("meta"):
            return build_network(entry).eval()
    except RuntimeError:  # MONAI's Swin UNETR reads values while it is built
        return build_network(entry).eval().to("meta")


def parameters(network: nn.Module) -> int:
    """Number of parameters."""
    return sum(p.numel() for p in network.parameters())


def multiply_adds(network: nn.Module, shape: Sequence[int], modalities: int) -> int:
    """Multiply-adds of one pass: convolutions and matrix products, those of attention with them.

    What is done voxel by voxel (normalization, activation, interpolation, sampling) is not counted.

    Args:
        network: of :func:`without_values`, with the call of the fusion network.
        shape: (D, H, W) voxels.
        modalities: number of volumes, all present.

    Example:
        >>> multiply_adds(without_values(network_entry("student")), (96, 96, 96), 1) < 20e9
        True
    """
    images = torch.empty(1, modalities, *shape, device="meta")
    present = torch.ones(1, modalities, dtype=torch.bool, device="meta")
    modality = torch.zeros(1, modalities, dtype=torch.int64, device="meta")
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        network(images, present, modality)
    return int(counter.get_total_flops()) // 2
