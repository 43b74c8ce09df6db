"""What a student network learns from its teacher: soft labels, features, attention.

- :func:`soft_label_loss`, Hinton et al., "Distilling the knowledge in a neural network" (2015):
  ``T^2 KL(softmax(teacher / T) || softmax(student / T))``; T^2 keeps the size of the gradient when T changes.
- :class:`FeatureLoss`, Romero et al., "FitNets" (ICLR 2015, eq. 3): L2 distance of the teacher's features and the
  student's behind a learned 1x1x1 convolution; both are brought to length 1 over the channels of each voxel, so that
  neither layer's scale matters.
- :func:`attention_loss`, Zagoruyko and Komodakis, "Paying more attention to attention" (ICLR 2017, eq. 2 with the
  squared distance of the authors' code): distance of the normalized maps ``sum over channels of activation^2``.

The teacher's tensors are constants: no gradient flows into them.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def soft_label_loss(student: Tensor, teacher: Tensor, temperature: float = 2.0, mask: Tensor | None = None) -> Tensor:
    """``T^2`` times the mean divergence of the student's softened answer from the teacher's.

    Args:
        student: (B, K, D, H, W) logits; K > 1 are classes (softmax), K = 1 is yes or no (sigmoid).
        teacher: logits of the same shape.
        temperature: T; above 1 the small probabilities count more.
        mask: (B, 1, D, H, W) bool or weights of at least 0; the mean is over these voxels, 0 if there is none.

    Raises:
        ValueError: shapes that do not fit, or a temperature that is not positive and finite.

    Example:
        >>> student = torch.randn(1, 4, 8, 8, 8, requires_grad=True)
        >>> soft_label_loss(student, torch.randn(1, 4, 8, 8, 8), temperature=3.0).backward()
    """
    if student.dim() != 5 or student.shape != teacher.shape:
        raise ValueError(
            f"Student and teacher must both be (B, K, D, H, W), not {tuple(student.shape)} and {tuple(teacher.shape)}."
        )
    if not (math.isfinite(temperature) and temperature > 0):
        raise ValueError(f"The temperature must be positive and finite, not {temperature}.")
    s, t = _wide(student) / temperature, _wide(teacher.detach()) / temperature
    if student.shape[1] == 1:  # the logits of the two answers "no" and "yes"
        s, t = torch.cat([torch.zeros_like(s), s], dim=1), torch.cat([torch.zeros_like(t), t], dim=1)
    divergence = F.kl_div(s.log_softmax(1), t.log_softmax(1), reduction="none", log_target=True).sum(1, keepdim=True)
    if mask is None:
        return temperature**2 * divergence.mean()
    if mask.shape != divergence.shape:
        raise ValueError(f"The mask must be {tuple(divergence.shape)}, not {tuple(mask.shape)}.")
    weight = mask.to(divergence.dtype)
    return temperature**2 * (divergence * weight).sum() / weight.sum().clamp_min(1e-6)


class FeatureLoss(nn.Module):
    """Mean over voxels of ``|| P(s) / |P(s)| - t / |t| ||^2``, between 0 and 4.

    The projection P belongs to the loss and is trained with the student: give its parameters to the optimizer too.

    Args:
        student_channels: C_s.
        teacher_channels: C_t.

    Shapes:
        student (B, C_s, d, h, w), teacher (B, C_t, D, H, W) -> scalar; where the sizes differ the projected student is
        interpolated to the teacher's.

    Example:
        >>> loss = FeatureLoss(96, 160)
        >>> loss(torch.randn(1, 96, 6, 6, 6), torch.randn(1, 160, 12, 12, 12)).backward()
    """

    def __init__(self, student_channels: int, teacher_channels: int) -> None:
        super().__init__()
        if min(student_channels, teacher_channels) < 1:
            raise ValueError(f"Channels must be positive, not {student_channels} and {teacher_channels}.")
        self.project = nn.Conv3d(student_channels, teacher_channels, 1, bias=False)

    def forward(self, student: Tensor, teacher: Tensor) -> Tensor:
        channels = (self.project.in_channels, self.project.out_channels)
        if (student.shape[1], teacher.shape[1]) != channels or student.shape[0] != teacher.shape[0]:
            raise ValueError(
                f"Features of shape {tuple(student.shape)} and {tuple(teacher.shape)} do not have {channels[0]} and "
                f"{channels[1]} channels and one batch size."
            )
        projected = _to_size(_wide(self.project(student)), teacher.shape[2:])
        difference = F.normalize(projected, dim=1) - F.normalize(_wide(teacher.detach()), dim=1)
        return difference.square().sum(1).mean()


def attention_loss(student: Tensor, teacher: Tensor) -> Tensor:
    """Mean over the batch of ``|| Q_s / |Q_s| - Q_t / |Q_t| ||^2`` with ``Q = sum over channels of A^2``, 0 to 2.

    Args:
        student: (B, C_s, d, h, w) activations A.
        teacher: (B, C_t, D, H, W), any number of channels; where the sizes differ the student's map is interpolated.

    Raises:
        ValueError: not five axes, or batches that differ.

    Example:
        >>> student = torch.randn(1, 16, 8, 8, 8, requires_grad=True)
        >>> attention_loss(student, torch.randn(1, 24, 8, 8, 8)).backward()
    """
    if student.dim() != 5 or teacher.dim() != 5 or student.shape[0] != teacher.shape[0]:
        raise ValueError(
            f"Activations must be (B, C, D, H, W) of one batch, not {tuple(student.shape)} and {tuple(teacher.shape)}."
        )
    s = _wide(student).square().sum(1, keepdim=True)
    t = _wide(teacher.detach()).square().sum(1, keepdim=True)
    difference = F.normalize(_to_size(s, t.shape[2:]).flatten(1)) - F.normalize(t.flatten(1))
    return difference.square().sum(1).mean()


def _wide(x: Tensor) -> Tensor:
    """At least float32: half precision overflows in squares and loses small probabilities."""
    return x if x.dtype is torch.float64 else x.float()


def _to_size(x: Tensor, size: torch.Size) -> Tensor:
    return x if x.shape[2:] == size else F.interpolate(x, size=size, mode="trilinear", align_corners=False)
