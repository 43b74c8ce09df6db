"""Float volumes as colored layers over another volume."""

from __future__ import annotations

from ..packages import slicer
from .nodes import Node

MAP_COLORS = ("vtkMRMLColorTableNodeFileInferno.txt", "vtkMRMLColorTableNodeIron")
"""Color tables by preference; the first is there only in the application."""
LEAST_SHOWN = 0.05
"""Values below this part of 1, or of the largest value, are transparent."""


def show_as_map(node: Node, title: str = "", *, whole: bool = True) -> None:
    """Color a float volume of values from 0 up, transparent where low, with a color legend.

    Args:
        node: the volume.
        title: above the legend; the node's name if empty.
        whole: colors reach to 1, or to the largest value beyond it; else to the largest value, so that a map of small
            values is not dark all over.
    """
    scene, display = slicer.mrmlScene, node.GetDisplayNode()
    display.SetAndObserveColorNodeID(next((name for name in MAP_COLORS if scene.GetNodeByID(name)), None))
    display.AutoWindowLevelOff()
    largest = float(node.GetImageData().GetScalarRange()[1])
    top = max(largest, 1.0 if whole else 1e-6)
    display.SetWindowLevelMinMax(0.0, top)
    display.SetThreshold(LEAST_SHOWN * (1.0 if whole else top), top)
    display.ApplyThresholdOn()
    legend = slicer.vtkSlicerColorLogic.AddDefaultColorLegendDisplayNode(node)
    if legend is not None:
        legend.SetTitleText(title or node.GetName())
        legend.SetVisibility(False)
