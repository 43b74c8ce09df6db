"""What the slice views show, and the way back to what they showed before."""

from __future__ import annotations

from typing import Any

from ..packages import slicer
from .nodes import Node


class SliceViews:
    """Shows volumes in every slice view; remembers what was shown when this was made.

    Works on the slice composite nodes of the scene, with or without views that draw them.
    """

    def __init__(self) -> None:
        self._before = {
            node.GetID(): (node.GetBackgroundVolumeID(), node.GetForegroundVolumeID(), node.GetForegroundOpacity())
            for node in composite_nodes()
        }

    def show(self, background: Node, foreground: Node | None, opacity: float) -> None:
        """One volume over another."""
        for node in composite_nodes():
            node.SetBackgroundVolumeID(background.GetID())
            node.SetForegroundVolumeID(foreground.GetID() if foreground is not None else None)
            node.SetForegroundOpacity(opacity)

    def restore(self) -> None:
        """Show again what was shown before, as far as it is still there."""
        for node in composite_nodes():
            if node.GetID() in self._before:
                background, foreground, opacity = self._before[node.GetID()]
                node.SetBackgroundVolumeID(_present(background))
                node.SetForegroundVolumeID(_present(foreground))
                node.SetForegroundOpacity(opacity)


def composite_nodes() -> list[Any]:
    """The nodes that say what each slice view shows."""
    return list(slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode"))


def _present(identifier: str | None) -> str | None:
    return identifier if identifier and slicer.mrmlScene.GetNodeByID(identifier) is not None else None
