"""Volumes of the scene whose detail was made up: name, attribute and color say so."""

from __future__ import annotations

from ...images.synthetic import MARK, TAG
from ...images.volume import Volume
from .modality import guess_from_node
from .nodes import Node, synthetic_detail, volume_node

COLOR = "vtkMRMLColorTableNodeWarmTint1"
"""A warm tint instead of gray: such a volume cannot be taken for a scan at a glance."""


def is_synthetic(node: Node) -> bool:
    """Whether a volume says that its detail was made up."""
    return bool(synthetic_detail(node))


def synthetic_node(volume: Volume, source: Node, about: str, what: str = "") -> Node:
    """Put a volume with synthetic detail beside the one that it was made from.

    Args:
        volume: what ``enhance`` has made.
        source: the volume node that it was given.
        about: the model.
        what: in the name, for a map that goes with it.

    Returns:
        A volume node in the same place and, if it is no map, with the same window.
    """
    name = " ".join(filter(None, (source.GetName(), what, MARK)))
    node = volume_node(volume, name, "" if what else guess_from_node(source))
    node.SetAttribute(TAG, about)
    node.SetAndObserveTransformNodeID(source.GetTransformNodeID())
    display, before = node.GetDisplayNode(), source.GetDisplayNode()
    display.SetAndObserveColorNodeID(COLOR)
    if before is not None and not what:
        display.SetWindowLevel(before.GetWindow(), before.GetLevel())
    return node
