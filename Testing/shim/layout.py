"""Stand-in for the layout manager: real slice nodes and slice logics, but no views that draw."""

from __future__ import annotations

from typing import Any

import slicer

SLICES = {"Red": "Axial", "Green": "Coronal", "Yellow": "Sagittal"}


class SliceWidget:
    """One slice view: its logic and its nodes."""

    def __init__(self, logic: Any) -> None:
        self._logic = logic

    def sliceLogic(self) -> Any:
        return self._logic

    def mrmlSliceNode(self) -> Any:
        return self._logic.GetSliceNode()

    def mrmlSliceCompositeNode(self) -> Any:
        return self._logic.GetSliceCompositeNode()

    def fitSliceToBackground(self) -> None:
        self._logic.FitSliceToBackground()


class LayoutManager:
    """``slicer.app.layoutManager()``: three slice views, no 3D, table or plot view."""

    threeDViewCount = tableViewCount = plotViewCount = 0

    def __init__(self, application_logic: Any) -> None:
        self.layout, self._widgets = slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView, {}
        for name, orientation in SLICES.items():
            logic = slicer.vtkMRMLSliceLogic()
            logic.SetMRMLApplicationLogic(application_logic)
            logic.SetMRMLScene(slicer.mrmlScene)
            application_logic.GetSliceLogics().AddItem(logic)
            logic.AddSliceNode(name).SetOrientation(orientation)
            self._widgets[name] = SliceWidget(logic)

    def sliceViewNames(self) -> tuple[str, ...]:
        return tuple(self._widgets)

    def sliceWidget(self, name: str) -> SliceWidget:
        return self._widgets[name]

    def mrmlSliceLogics(self) -> Any:
        return slicer.app.applicationLogic().GetSliceLogics()

    def setLayout(self, layout: int) -> None:
        self.layout = layout

    def resetSliceViews(self) -> None:
        for widget in self._widgets.values():
            widget.fitSliceToBackground()

    def resetThreeDViews(self) -> None:
        """There is none."""

    def threeDWidget(self, index: int) -> None:
        """There is none."""
