"""Maps that explain nothing, beside which the figures of a map are read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from .faithfulness import curve_figures
from .subject import Subject
from .targets import Target

BLUR_MM = 5.0
"""Standard deviation by which the prediction is blurred."""


def random_map(target: Target, seed: int = 0) -> Tensor:
    """Random numbers (D, H, W): a map has to do better."""
    return torch.rand(target.mask.shape, generator=torch.Generator().manual_seed(seed))


def blurred_mask(target: Target, spacing: Sequence[float]) -> Tensor:
    """The prediction itself, blurred, (D, H, W): what a map tells that only repeats what was found.

    Args:
        target: what is explained.
        spacing: (k, j, i), mm.
    """
    sigma = [BLUR_MM / s for s in spacing]
    return torch.from_numpy(ndimage.gaussian_filter(target.mask.numpy().astype(np.float32), sigma))


def baseline_maps(target: Target, spacing: Sequence[float]) -> dict[str, Tensor]:
    """The maps of this file by the names under which figures show them."""
    return {"random": random_map(target), "blurred mask": blurred_mask(target, spacing)}


def baseline_figures(
    subject: Subject, target: Target, baseline: Tensor, report: Callable[[float], None] = lambda done: None
) -> dict[str, dict[str, Any]]:
    """Deletion and insertion curves of :func:`baseline_maps`, each as in
    :func:`~MultimodalSegLib.explain.faithfulness.curve_figures`.

    Args:
        subject: the network and the case.
        target: what is explained.
        baseline: (M, D, H, W) blurred images.
        report: told the finished fraction.
    """
    maps, found = baseline_maps(target, subject.spacing), {}
    for n, (name, map_) in enumerate(maps.items()):
        found[name] = curve_figures(
            subject,
            target,
            map_,
            baseline,
            lambda done, n=n: report((n + done) / len(maps)),  # type: ignore[misc]
        )
    return found
