"""Layers of a network by the names that a user gives, and what passes through them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import InputError
from ..networks.fusion_net import FusionNet

DEFAULT = "decoded2"
"""Grad-CAM localises best here (Testing/benchmarks/results/explanation.md): behind this layer there is no normalization
that would take the mean out of the gradients, and with it the weights of the channels."""


@dataclass(frozen=True)
class Layer:
    """A place in a network.

    Args:
        name: as a user says it, such as ``"fused8"``.
        path: of the submodule.
    """

    name: str
    path: str


class Tap:
    """What passed through a layer in the last pass.

    Attributes:
        features: (n, C, d, h, w), n is 1, or the number of modalities in the encoder; a leaf that takes a gradient.
    """

    features: Tensor


@contextmanager
def tapped(network: nn.Module, layer: Layer) -> Iterator[Tap]:
    """Catch the features of a layer; a gradient goes back to them and no farther.

    Before the layer nothing is remembered for a gradient if the network's parameters ask for none, so that a backward
    pass costs as much as the part behind the layer.

    Example:
        >>> import torch
        >>> from torch import nn
        >>> network = nn.Sequential(nn.Conv3d(1, 2, 1), nn.Conv3d(2, 1, 1)).requires_grad_(False)
        >>> with tapped(network, Layer("first", "0")) as tap:
        ...     score = network(torch.ones(1, 1, 4, 4, 4)).sum()
        >>> tuple(torch.autograd.grad(score, tap.features)[0].shape)
        (1, 2, 4, 4, 4)
    """
    tap = Tap()

    def catch(module: nn.Module, inputs: Any, output: Any) -> Any:
        features, *others = output if isinstance(output, tuple) else (output,)
        tap.features = features.detach().requires_grad_()
        return (tap.features, *others) if isinstance(output, tuple) else tap.features

    handle = network.get_submodule(layer.path).register_forward_hook(catch)
    try:
        with torch.enable_grad():
            yield tap
    finally:
        handle.remove()


def layers(network: nn.Module) -> dict[str, Layer]:
    """The named layers of a fusion network: ``encoderS`` (one map per modality), ``fusedS`` and ``decodedS``.

    S is the stride in voxels of the network's input. Other networks have none; theirs are named by their path.
    """
    if not isinstance(network, FusionNet):
        return {}
    found = []
    for n in range(len(network.fuse)):
        path = f"encode.{n}"
        if network.context is not None and n >= network.config.swin_from:
            path = f"context.{n - network.config.swin_from}"
        found += [Layer(f"encoder{2 ** (n + 1)}", path), Layer(f"fused{2 ** (n + 1)}", f"fuse.{n}")]
    found += [Layer(f"decoded{2 ** (n + 1)}", f"decode.{n}") for n in range(len(network.decode))]
    return {layer.name: layer for layer in found}


def find_layer(network: nn.Module, name: str = "", default: str = DEFAULT) -> Layer:
    """A layer by its name, or by the path of a submodule; the default one if the name is empty.

    Raises:
        InputError: there is none of this name, or a network without a default layer.
    """
    known = layers(network)
    if not name and known:
        return known[default]
    if name in known:
        return known[name]
    paths = [path for path, module in network.named_modules() if isinstance(module, nn.Conv3d)]
    if name and name in dict(network.named_modules()):
        return Layer(name, name)
    hint = ", ".join(known or paths[:8])
    if not name:
        raise InputError("This network has no default layer to explain.", f"Name one with --layer, such as {hint}.")
    raise InputError(f"The network has no layer {name!r}.", f"Name one such as {hint}.")
