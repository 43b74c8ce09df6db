"""What several answers say together, added up one at a time."""

from __future__ import annotations

from collections import Counter

import torch
from torch import Tensor

from ..upsample import Labelling
from .change import Part

SLAB = 8
"""Slices that are worked on at once: the only float32 copies of the probabilities."""

LEAST = 1e-6


class Accumulator:
    """Mean probabilities, entropies and volumes of several answers on one working grid.

    It holds the mean probabilities in half precision and two maps; the answers themselves are not kept. ``voxels``
    lists how many voxels each answer gives to each label value.

    Args:
        shape: (D, H, W) of the working grid.
        labelling: meaning of the channels, and how their logits become probabilities.

    Example:
        >>> found = Accumulator((8, 8, 8), Labelling(((0, 0), (1, 2)), side=False))
        >>> for _ in range(2):
        ...     found.add(torch.randn(2, 8, 8, 8), (slice(0, 8),) * 3)
        >>> bool((found.disagreement() >= 0).all() and (found.disagreement() <= found.entropy()).all())
        True
    """

    def __init__(self, shape: tuple[int, int, int], labelling: Labelling) -> None:
        self.labelling = labelling
        self.structures = len(labelling.values)
        lesions = int(labelling.lesion_value is not None)
        self.mean = torch.zeros(self.structures + lesions, *shape, dtype=torch.float16)
        self.single = torch.zeros(shape)
        self.count = torch.zeros(shape, dtype=torch.uint8)
        self.voxels: list[dict[int, int]] = []

    def add(self, logits: Tensor, part: Part) -> None:
        """Add one answer.

        Args:
            logits: (C, d, h, w): structures, then side and lesion as far as there are these heads.
            part: of the working grid, that they answer.
        """
        found: Counter[int] = Counter()
        self.count[part] += 1
        lesions = self.labelling.lesions(logits)[0]
        for first in range(0, logits.shape[1], SLAB):
            slab = logits[:, first : first + SLAB].float().cpu()
            begin = part[0].start + first
            here = (slice(begin, begin + slab.shape[1]), *part[1:])
            probabilities = self._probabilities(slab)
            n = self.count[here].float()
            old = self.mean[(slice(None), *here)]
            self.mean[(slice(None), *here)] = (old.float() + (probabilities - old.float()) / n).half()
            self.single[here] += (self._entropy(probabilities) - self.single[here]) / n
            marked = lesions[first : first + SLAB].float().cpu()
            values, voxels = _labels(slab, marked, self.labelling).unique(return_counts=True)
            found.update(dict(zip(values.tolist(), voxels.tolist(), strict=True)))
        self.voxels.append(dict(found))

    def entropy(self) -> Tensor:
        """Predictive entropy of the mean probabilities (D, H, W), nats: of the structures, plus that of the lesion.

        Left and right do not count: they are one structure to the network.
        """
        return torch.cat([self._entropy(slab.float()) for slab in self.mean.split(SLAB, dim=1)])

    def disagreement(self) -> Tensor:
        """Mutual information of the answer and the sample (D, H, W), nats, never negative.

        Predictive entropy less the mean entropy of single answers (BALD; Houlsby et al., arXiv:1112.5745): what the
        answers contradict each other in, while each may be sure of itself.
        """
        entropy = self.entropy()
        return (entropy - self.single).clamp_min(0).minimum(entropy)

    def _probabilities(self, logits: Tensor) -> Tensor:
        scaling = self.labelling.scaling
        structures = scaling.structures(logits[: self.structures])
        if len(self.mean) == self.structures:
            return structures
        return torch.cat([structures, scaling.lesion(logits[-1:])])

    def _entropy(self, probabilities: Tensor) -> Tensor:
        structures, lesion = probabilities.split([self.structures, len(probabilities) - self.structures])
        found = -torch.xlogy(structures, structures.clamp_min(LEAST)).sum(0)
        for p in lesion:
            found = found - torch.xlogy(p, p.clamp_min(LEAST)) - torch.xlogy(1 - p, (1 - p).clamp_min(LEAST))
        return found


def labels_of(logits: Tensor, labelling: Labelling) -> Tensor:
    """The label map of one answer on its own grid, without what cleans it up on the reference grid.

    Args:
        logits: (C, d, h, w): structures, then side and lesion as far as there are these heads.
        labelling: meaning of the channels.

    Returns:
        (d, h, w) int32.
    """
    lesions = labelling.lesions(logits)[0].split(SLAB)
    slabs = zip(logits.split(SLAB, dim=1), lesions, strict=True)
    return torch.cat([_labels(slab.float().cpu(), lesion.float().cpu(), labelling) for slab, lesion in slabs])


def _labels(logits: Tensor, lesions: Tensor, rule: Labelling) -> Tensor:
    k = len(rule.values)
    winner = logits[:k].argmax(0)
    right = (logits[k] <= 0).long() if rule.side else torch.zeros_like(winner)
    labels = torch.tensor(rule.values)[winner, right]
    if rule.lesion_value is not None:
        hosts = torch.tensor([not rule.lesion_hosts or c in rule.lesion_hosts for c in range(k)])
        lesion = (torch.sigmoid(lesions) > rule.lesion_threshold) & hosts[winner]
        labels = labels.masked_fill(lesion, rule.lesion_value)
    return labels.int()
