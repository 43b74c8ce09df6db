"""Float volumes as colored layers over another volume."""

from __future__ import annotations

from ..packages import slicer
from .nodes import Node

MAP_COLORS = ("vtkMRMLColorTableNodeFileInferno.txt", "vtkMRMLColorTableNodeIron")
"""Color tables by preference; the first is there only in the application."""
LEAST_SHOWN = 0.05
"""Part of the colors' range below which values are transparent."""
LEAST_EXPLAINED = 0.2
"""The same for what spoke for a structure: there is a little of it nearly everywhere."""
TITLE_POINTS = 12


def show_as_map(node: Node, title: str = "", *, whole: bool = True, least: float = LEAST_SHOWN) -> None:
    """Color a float volume of values from 0 up, transparent where low, with a color legend.

    Args:
        node: the volume.
        title: above the legend; the node's name if empty.
        whole: colors reach to 1, or to the largest value beyond it; else to the largest value, so that a map of small
            values is not dark all over.
        least: values below this part of the top of the colors are transparent.
    """
    scene, display = slicer.mrmlScene, node.GetDisplayNode()
    display.SetAndObserveColorNodeID(next((name for name in MAP_COLORS if scene.GetNodeByID(name)), None))
    display.AutoWindowLevelOff()
    largest = float(node.GetImageData().GetScalarRange()[1])
    top = max(largest, 1.0 if whole else 1e-6)
    display.SetWindowLevelMinMax(0.0, top)
    display.SetThreshold(least * (1.0 if whole else top), top)
    display.ApplyThresholdOn()
    legend = slicer.vtkSlicerColorLogic.AddDefaultColorLegendDisplayNode(node)
    if legend is not None:
        legend.SetTitleText((title or node.GetName()).replace(" (", "\n("))  # one line does not fit into a slice view
        legend.GetTitleTextProperty().SetFontSize(TITLE_POINTS)
        legend.SetLabelFormat("%.2f")
        legend.SetVisibility(False)
