"""Initial weights of a smaller network, selected from those of a larger one.

Xu et al., "Initializing models with larger ones" (ICLR 2024, arXiv 2311.18823), section 3.2: of every weight, evenly
spaced elements along each dimension that is smaller. Here channels stay matched from layer to layer (see
:mod:`.channels`), and a layer that sums over fewer channels is scaled by the root of the ratio: a sum of about
independent terms keeps its standard deviation (He et al., ICCV 2015, equation 7), whether or not it is normalized then.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from torch import Tensor, nn

from ...networks.build import build_network
from ...networks.config import NetworkConfig
from .channels import Axis, Channels, LayerAxes, chosen
from .known import KnownModel
from .weights import start_from

READS_FIRST = "up."
"""Transposed convolutions: the first axis of their weight are the inputs."""


def can_select(settings: Mapping[str, Any], known: KnownModel) -> bool:
    """Whether a network can start from selected weights: both are fusion networks with the same number of scales.

    Args:
        settings: ``network`` entry of the network to start.
        known: the model to start from.
    """
    both = (settings, known.metadata["network"])
    if not known.classes or any(one.get("kind", "fusion") != "fusion" for one in both):
        return False
    larger, smaller = NetworkConfig.from_dict(both[1]), NetworkConfig.from_dict(settings)
    return len(larger.widths) == len(smaller.widths)


def select_from(network: nn.Module, model: Mapping[str, Any], known: KnownModel) -> str:
    """Give a smaller network the weights that are selected from a larger one; what has no counterpart stays random.

    A network of the same widths gets the same weights. Classes and modality families are matched by name.

    Args:
        network: gets the weights.
        model: its metadata: ``network_classes``, ``modality_families`` and ``network``.
        known: the larger model; see :func:`can_select`.

    Returns:
        What was taken and what is new, as one sentence.

    Example:
        >>> from MultimodalSegLib.training.initial.known import read_known
        >>> select_from(student_network, metadata, read_known("head"))  # doctest: +SKIP
        'Started from head 0.2.0: 301 of 301 weights taken ...'
    """
    return start_from(network, model, replace(known, weights=selected(model["network"], known)))


def selected(settings: Mapping[str, Any], known: KnownModel) -> dict[str, Tensor]:
    """The weights of a known model cut to the widths of a smaller network, by their names there.

    Classes and families stay those of the known model. What the smaller network has alone, or wider, is left out.

    Args:
        settings: ``network`` entry of the smaller network.
        known: the larger model.
    """
    larger, smaller = NetworkConfig.from_dict(known.metadata["network"]), NetworkConfig.from_dict(settings)
    channels = Channels(larger, smaller)
    found = {}
    for name in build_network(settings).state_dict():
        weight = known.weights.get(channels.known_name(name))
        axes = channels.layer(name)
        if weight is not None and axes is not None and _fits(name, weight, axes):
            found[name] = _cut(name, weight, axes)
    return found


def _axes(name: str, weight: Tensor, axes: LayerAxes) -> list[tuple[int, Axis]]:
    """Number and parts of each axis that may become shorter."""
    reads_first = name.startswith(READS_FIRST) and weight.dim() > 1
    pairs = zip((1, 0) if reads_first else (0, 1), (axes.gives, axes.reads), strict=True)
    return [(number, axis) for number, axis in pairs if axis is not None and number < weight.dim()]


def _fits(name: str, weight: Tensor, axes: LayerAxes) -> bool:
    """Whether each axis has the length that is expected, and nothing has to be made longer."""
    found = _axes(name, weight, axes)
    shrinks = all(larger >= smaller for _, axis in found for larger, smaller in axis)
    return shrinks and all(math.prod(part[0] for part in axis) == weight.shape[number] for number, axis in found)


def _cut(name: str, weight: Tensor, axes: LayerAxes) -> Tensor:
    """The elements that are kept; where fewer inputs are summed over, they count more."""
    result = weight
    for number, axis in _axes(name, weight, axes):
        result = result.index_select(number, chosen(axis).to(weight.device))
        if axis is axes.reads and name.endswith(".weight"):
            result = result * math.sqrt(weight.shape[number] / result.shape[number])
    return result
