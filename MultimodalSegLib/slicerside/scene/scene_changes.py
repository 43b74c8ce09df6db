"""Nodes that come from files, and what has to go with a node that is removed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...errors import InputError
from ..packages import slicer
from ..text import _
from .nodes import Node


def loaded(load: Any, path: Path, *arguments: Any) -> Node:
    """A node from a file that is forgotten at once: the file may be removed, and saving asks for a new name."""
    try:
        node = load(str(path), *arguments)
    except RuntimeError as error:
        raise InputError(
            _("{path} cannot be read.").format(path=path), _("Run it again, and look whether the disk is full.")
        ) from error
    storage = node.GetStorageNode()
    if storage is not None:
        slicer.mrmlScene.RemoveNode(storage)
    return node


def remove_with_displays(node: Node) -> None:
    """A node with its display nodes."""
    if node.IsA("vtkMRMLDisplayableNode"):
        for index in reversed(range(node.GetNumberOfDisplayNodes())):
            display = node.GetNthDisplayNode(index)
            if display is not None:
                slicer.mrmlScene.RemoveNode(display)
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    item = hierarchy.GetItemByDataNode(node)
    if item:
        hierarchy.RemoveItem(item, False, False)  # outside the application nobody else removes it
    slicer.mrmlScene.RemoveNode(node)
