"""Small changes of a case under which a sound answer stays the same, and the exact way back from each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ...images.normalization import KINDS
from ...models.bundle import Bundle

SHIFT = 3
"""Largest shift, working voxels along each axis."""

GAMMA = {"CT": 0.05}
USUAL_GAMMA = 0.15
"""Spread of the logarithm of the exponent of intensities; small for a CT, whose numbers mean something."""

SHADING = 0.1
"""Largest slope of a coil's shading, from the middle of the images to an edge; a CT has none."""

Part = tuple[slice, slice, slice]
"""Where an answer lies in the working grid, (k, j, i)."""


@dataclass(frozen=True)
class Change:
    """One change of the images that a network sees.

    Args:
        mirror: left and right are exchanged.
        shift: whole working voxels along k, j, i.
        gamma: exponent of each modality's intensities, scaled to 0 to 1; 1 changes nothing.
        slope: of a linear shading of each modality along k, j, i.

    Example:
        >>> change = Change(mirror=True, shift=(1, 0, -2))
        >>> images = torch.rand(1, 8, 8, 8)
        >>> answer, part = change.undo(change.apply(images), side=None)
        >>> torch.equal(answer, images[(slice(None), *part)])
        True
    """

    mirror: bool = False
    shift: tuple[int, int, int] = (0, 0, 0)
    gamma: tuple[float, ...] = ()
    slope: tuple[tuple[float, float, float], ...] = ()

    def apply(self, images: Tensor, ranges: Sequence[tuple[float, float]] = ()) -> Tensor:
        """The changed images, (M, D, H, W).

        Args:
            images: (M, D, H, W) normalized, along the patient's axes.
            ranges: lowest and highest value of each modality after normalization; needed where intensities change.
        """
        result = images
        if self.gamma:
            rows = zip(images, self.gamma, self.slope, ranges, strict=True)
            result = torch.stack([_shaded(*row) for row in rows])
        for axis, step in enumerate(self.shift):
            size = result.shape[axis + 1]
            result = result.index_select(axis + 1, (torch.arange(size) - step).clamp(0, size - 1))
        return result.flip(-1) if self.mirror else result

    def undo(self, logits: Tensor, side: int | None) -> tuple[Tensor, Part]:
        """The answer to the changed images where it belongs to the unchanged ones.

        Args:
            logits: (C, D, H, W).
            side: the channel that says left or right, whose sign a mirror turns; None without one.

        Returns:
            Logits (C, d, h, w), and the part of the working grid that they answer: a shift loses its edge.
        """
        if self.mirror:
            logits = logits.flip(-1)
            if side is not None:
                logits[side].neg_()
        sizes = logits.shape[1:]
        there = [slice(max(0, s), n + min(0, s)) for s, n in zip(self.shift, sizes, strict=True)]
        k, j, i = (slice(max(0, -s), n - max(0, s)) for s, n in zip(self.shift, sizes, strict=True))
        return logits[(slice(None), *there)], (k, j, i)


def changes(bundle: Bundle, names: Sequence[str], samples: int, seed: int = 0) -> list[Change]:
    """The changes of test-time augmentation (Wang et al., Neurocomputing 338:34, 2019).

    The first changes nothing; then every second one mirrors, and all shift and alter intensities.

    Args:
        bundle: the model; one without sides is not mirrored, because its classes may be sided.
        names: the modalities.
        samples: how many.
        seed: the same one draws the same.
    """
    rng = np.random.default_rng(seed)
    mirrors = bool(bundle.metadata["network"].get("side", True))
    found = [Change()]
    for n in range(1, samples):
        k, j, i = (int(s) for s in rng.integers(-SHIFT, SHIFT + 1, 3))
        gamma = [float(np.exp(rng.uniform(-1, 1) * GAMMA.get(name, USUAL_GAMMA))) for name in names]
        slopes = [
            (0.0, 0.0, 0.0) if name == "CT" else tuple(rng.uniform(-SHADING, SHADING, 3).tolist()) for name in names
        ]
        found.append(Change(mirrors and n % 2 == 1, (k, j, i), tuple(gamma), tuple(slopes)))
    return found[:samples]


def intensity_ranges(bundle: Bundle, names: Sequence[str]) -> list[tuple[float, float]]:
    """Lowest and highest normalized value of each modality."""
    return [KINDS[bundle.normalization(name).kind] for name in names]


def _shaded(image: Tensor, gamma: float, slope: Sequence[float], ends: tuple[float, float]) -> Tensor:
    """An image (D, H, W) of another contrast, under a linear shading."""
    low, high = ends
    field = torch.ones(())
    for size, along in zip(image.shape, slope, strict=True):
        field = field[..., None] + along * torch.linspace(-1, 1, size)
    scaled = ((image - low) / (high - low)).clamp(0, 1) ** gamma * field
    return low + (high - low) * scaled.clamp(0, 1)
