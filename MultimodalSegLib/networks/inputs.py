"""What a network for several modalities accepts, and how it is brought into shape."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def is_exporting() -> bool:
    """Whether torch records the network: then nothing may depend on the values of tensors."""
    return torch.jit.is_tracing() or torch.compiler.is_exporting()  # type: ignore[attr-defined]


def check_inputs(images: Tensor, present: Tensor, modality: Tensor, families: int) -> None:
    """Refuse what the network cannot answer; absent modalities may hold anything.

    Args:
        images: (B, M, D, H, W), finite where present.
        present: (B, M) bool, at least one in each row.
        modality: (B, M) integers below ``families`` where present.
        families: number of modality families.

    Raises:
        ValueError: says which argument is wrong, and how.
    """
    if images.dim() != 5 or 0 in images.shape:
        raise ValueError(f"images are (batch, modality, depth, height, width), not of shape {tuple(images.shape)}.")
    for name, flags in (("present", present), ("modality", modality)):
        if flags.shape != images.shape[:2]:
            raise ValueError(f"{name} has the shape {tuple(flags.shape)}, not {tuple(images.shape[:2])} of the images.")
    if present.dtype != torch.bool:
        raise ValueError(f"present holds {present.dtype}, not true and false.")
    if not bool(present.any(1).all()):
        raise ValueError("A sample has no present modality; leave it out.")
    known = modality[present]
    wrong = known[(known < 0) | (known >= families)]
    if len(wrong):
        raise ValueError(f"There is no modality family {int(wrong[0])}; the network knows 0 to {families - 1}.")
    if not bool(torch.isfinite(images[present]).all()):
        raise ValueError("A present modality holds values that are not finite.")


def spacing_of(spacing: Tensor | tuple[float, ...] | None, usual: tuple[float, float, float], like: Tensor) -> Tensor:
    """Millimetres per voxel in (k, j, i) order, as (3,) on the device of ``like``.

    Raises:
        ValueError: not three positive lengths.
    """
    given = usual if spacing is None else spacing
    result = torch.as_tensor(given, dtype=torch.promote_types(like.dtype, torch.float32), device=like.device)
    if result.shape != (3,) or not (is_exporting() or bool((result > 0).all())):
        raise ValueError(f"spacing is {given}, not three positive lengths.")
    return result


def pad_to_stride(images: Tensor, stride: int) -> Tensor:
    """Repeat the far faces until the sides are multiples of the stride; two strides along the last axis at least.

    Normalization over space needs more than one voxel at the coarsest scale, which one stride along each axis is not.
    """
    sides = [int(s) for s in images.shape[2:]]
    wanted = [-(-s // stride) * stride for s in sides]
    if max(wanted) == stride:
        wanted[-1] = 2 * stride
    if wanted == sides:
        return images
    d, h, w = (b - a for a, b in zip(sides, wanted, strict=True))
    return F.pad(images, (0, w, 0, h, 0, d), mode="replicate")


def cropped(x: Tensor, sides: tuple[int, ...], stride: int) -> Tensor:
    """Features (..., d, h, w) of a padded volume without what lies only in the padding.

    Args:
        x: of a scale.
        sides: (D, H, W) of the volume before padding.
        stride: voxels of the volume between those of ``x``.
    """
    d, h, w = (-(-int(s) // stride) for s in sides)
    return x[..., :d, :h, :w]
