"""Float volumes as colored layers over another volume."""

from __future__ import annotations

from ..packages import slicer
from .nodes import Node

MAP_COLORS = ("vtkMRMLColorTableNodeFileInferno.txt", "vtkMRMLColorTableNodeIron")
"""Color tables by preference; the first is there only in the application."""
LEAST_SHOWN = 0.05
"""Map values below this are transparent."""


def show_as_map(node: Node) -> None:
    """Color a float volume of values from 0 to 1, transparent where low, with a color legend."""
    scene, display = slicer.mrmlScene, node.GetDisplayNode()
    display.SetAndObserveColorNodeID(next((name for name in MAP_COLORS if scene.GetNodeByID(name)), None))
    display.AutoWindowLevelOff()
    top = max(float(node.GetImageData().GetScalarRange()[1]), LEAST_SHOWN)
    display.SetWindowLevelMinMax(0.0, 1.0 if top <= 1.0 else top)
    display.SetThreshold(LEAST_SHOWN, top)
    display.ApplyThresholdOn()
    legend = slicer.vtkSlicerColorLogic.AddDefaultColorLegendDisplayNode(node)
    if legend is not None:
        legend.SetTitleText(node.GetName())
        legend.SetVisibility(False)
