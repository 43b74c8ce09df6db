"""Which channels of a larger fusion network are meant by every axis of every weight of a smaller one.

A channel means the same wherever it is written or read: what one layer of the smaller network gives is what the next
one expects. So the channels of a scale are chosen once, and the concatenated, grouped or interleaved axes follow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...networks.config import CROSS_SCALES, NetworkConfig

Axis = tuple[tuple[int, int], ...]
"""Nested parts of an axis, outermost first: of each its number in the larger network and in the smaller one."""


def evenly_spaced(larger: int, smaller: int) -> list[int]:
    """So many of the numbers 0 to ``larger - 1``, the first and the last among them.

    Raises:
        ValueError: more are wanted than there are.

    Example:
        >>> evenly_spaced(8, 4)
        [0, 2, 5, 7]
    """
    if not 0 < smaller <= larger:
        raise ValueError(f"{smaller} of {larger} cannot be chosen")
    gaps = max(1, smaller - 1)
    return [(2 * n * (larger - 1) + gaps) // (2 * gaps) for n in range(smaller)]


def chosen(axis: Axis) -> Tensor:
    """Indices along an axis of the larger network, evenly spaced within each of its nested parts.

    Example:
        >>> chosen(((2, 2), (4, 2)))  # two concatenated features of 4 channels, of which 2 are kept
        tensor([0, 3, 4, 7])
    """
    found = torch.zeros(1, dtype=torch.int64)
    for larger, smaller in axis:
        part = torch.tensor(evenly_spaced(larger, smaller))
        found = (found[:, None] * larger + part).flatten()
    return found


@dataclass(frozen=True)
class LayerAxes:
    """What the first two axes of a weight stand for; None where they stay as they are.

    Args:
        gives: channels that the layer gives, or that it has a number for: the first axis.
        reads: channels that it sums over: the second axis. A transposed convolution has the two the other way round.
    """

    gives: Axis | None
    reads: Axis | None = None


@dataclass(frozen=True)
class Channels:
    """The axes of two fusion networks of equally many scales.

    Args:
        larger: the network that weights are taken from.
        smaller: the one that gets them.
    """

    larger: NetworkConfig
    smaller: NetworkConfig

    def known_name(self, name: str) -> str:
        """What a weight of the smaller network is called in the larger one.

        The path of tokens may begin at another scale: its parts are numbered from its first scale on.
        """
        parts = name.split(".")
        if parts[0] != "context":
            return name
        number = int(parts[1]) + self.smaller.swin_from - self.larger.swin_from
        return ".".join(["context", str(number), *parts[2:]])

    def layer(self, name: str) -> LayerAxes | None:
        """The axes of a weight by its name in the smaller network; None if it cannot be cut to another width."""
        match name.split(".")[:-1]:
            case ["stem"]:
                return LayerAxes(self.scale(0))
            case ["down", n]:
                return LayerAxes(self.scale(int(n)), self.scale(int(n) - 1))
            case ["modulate", n]:  # one row for each family
                return LayerAxes(None, self.scale(int(n)))
            case ["encode", n, "norm" | "norm1" | "norm2"] | ["decode", n, "norm1" | "norm2"]:
                return LayerAxes(self.scale(int(n)))
            case ["encode", n, "conv1" | "conv2"] | ["decode", n, "conv2"]:
                return LayerAxes(self.scale(int(n)), self.scale(int(n)))
            case ["decode", n, "conv1" | "shortcut"]:
                return LayerAxes(self.scale(int(n)), self.twice(int(n)))
            case ["up", n]:
                return LayerAxes(self.scale(int(n)), self.scale(int(n) + 1))
            case ["fuse", n, layer]:
                return self._fusion(int(n), layer)
            case ["head"]:
                return LayerAxes(None, self.scale(0))
            case ["presence"]:
                return LayerAxes(None, self.twice(len(self.smaller.widths) - 1))
            case ["coarse", "stride4" | "stride8" as stride, _]:
                return LayerAxes(None, self.scale(1 if stride == "stride4" else 2))
            case ["gate", layer]:
                return LayerAxes(self.scale(0)) if layer == "gate" else LayerAxes(None)
            case ["context", n, *rest]:
                return self._context(int(n) + self.smaller.swin_from, rest)
            case ["cross", *rest]:
                return self._cross(rest)
        return None

    def scale(self, n: int) -> Axis:
        """Channels of a scale: as many of each group that the fusion compares."""
        width, groups = self._both("widths", n), self._both("groups")
        if groups[0] != groups[1] or any(size % groups[0] for size in width):
            return (width,)
        return groups, (width[0] // groups[0], width[1] // groups[0])

    def twice(self, n: int) -> Axis:
        """Two features of a scale side by side."""
        return ((2, 2), *self.scale(n))

    def tokens(self, n: int) -> Axis:
        """Tokens of the path at a scale: whole heads, and within each the same numbers."""
        sizes = [config.swin_width * 2 ** (n - config.swin_from) for config in (self.larger, self.smaller)]
        return self._heads(sizes)

    def _both(self, name: str, n: int | None = None) -> tuple[int, int]:
        larger, smaller = (getattr(config, name) for config in (self.larger, self.smaller))
        return (larger, smaller) if n is None else (larger[n], smaller[n])

    def _heads(self, widths: Sequence[int]) -> Axis:
        each = self._both("head_width")
        return (widths[0] // each[0], widths[1] // each[1]), each

    def _fusion(self, n: int, layer: str) -> LayerAxes | None:
        scale, groups = self.scale(n), self._both("groups")
        if layer == "mix":
            families = self.larger.families
            return LayerAxes(scale, ((families, families), *scale))
        if groups[0] != groups[1]:
            return None
        # beside each channel of a group stands the mean's: the inputs of one group are pairs
        return LayerAxes(scale, (scale[-1], (2, 2))) if layer == "compare" else LayerAxes(None, scale)

    def _context(self, n: int, rest: list[str]) -> LayerAxes | None:
        tokens, scale = self.tokens(n), self.scale(n)
        inner = (*tokens[:1], (4 * tokens[1][0], 4 * tokens[1][1]))  # four times as many
        match rest:
            case ["merge", "reduction"]:
                return LayerAxes(tokens, ((8, 8), *self.tokens(n - 1)))
            case ["merge", "norm"]:
                return LayerAxes(((8, 8), *self.tokens(n - 1)))
            case ["to_tokens"]:
                return LayerAxes(tokens, scale)
            case ["to_features"]:
                return LayerAxes(scale, tokens)
            case ["stage", _, "norm1" | "norm2"]:
                return LayerAxes(tokens)
            case ["stage", _, "attention"]:  # the table of relative positions: one column for each head
                same = self.larger.swin_window == self.smaller.swin_window
                return LayerAxes(None, tokens[:1]) if same else None
            case ["stage", _, "attention", "qkv"]:
                return LayerAxes(((3, 3), *tokens), tokens)
            case ["stage", _, "attention", "proj"]:
                return LayerAxes(tokens, tokens)
            case ["stage", _, "mlp", "linear1"]:
                return LayerAxes(inner, tokens)
            case ["stage", _, "mlp", "linear2"]:
                return LayerAxes(tokens, inner)
        return None

    def _cross(self, rest: list[str]) -> LayerAxes | None:
        tokens = self._heads(self._both("cross_width"))
        first = len(self.smaller.widths) - CROSS_SCALES
        match rest:
            case ["embed", n, "0"]:
                return LayerAxes(tokens, self.scale(first + int(n)))
            case ["embed", _, "1"] | ["position"]:
                return LayerAxes(tokens)
            case ["query" | "key" | "value"]:
                return LayerAxes(tokens, tokens)
            case ["back", n]:
                return LayerAxes(self.scale(first + int(n)), tokens)
        return None
