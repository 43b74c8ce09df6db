"""Box "Start from landmarks" of the section Registration: points set in both volumes, and how far apart they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...errors import InputError
from ..packages import slicer, vtk
from ..registration.quality_gate import landmark_sentence
from ..scene.landmarks import landmarks_of
from .choices import MOVING, Choices, Node, Parameters
from .registration import short
from .widgets import tell, timer

MOVED_MS = 100


class LandmarksBox:
    """Offers a list of points for each volume, and tells the error of the landmarks while they are being set.

    Args:
        ui: the form's widgets.
        changed: is called when points were set, moved or deleted, which the parameters do not tell.
    """

    def __init__(self, ui: Any, changed: Callable[[], None]) -> None:
        self.ui, self.changed = ui, changed
        self.parameters: Parameters | None = None
        self._observed: list[tuple[Node, int]] = []
        self._timer = timer(MOVED_MS, self.onMoved)
        tell(ui.landmarksMessage, "")

    def setParameters(self, parameters: Parameters | None) -> None:
        """Show these parameters from now on."""
        self.parameters = parameters
        if parameters is None:
            self.stop()

    def update(self, choices: Choices) -> None:
        """Show what is chosen."""
        self.ui.landmarksGroup.visible = choices.aligns
        for number in MOVING:
            volume = getattr(self.parameters, f"movingVolume{number}") if self.parameters is not None else None
            getattr(self.ui, f"landmarks{number}Label").visible = volume is not None
            getattr(self.ui, f"landmarksSelector{number}").visible = volume is not None
            if volume is not None:
                getattr(self.ui, f"landmarks{number}Label").text = short(volume.GetName()) + ":"
        pairs = choices.landmarksByModality
        self._observe([node for both in pairs.values() for node in both])
        tell(self.ui.landmarksMessage, "\n".join(f"{name}: {told(*both)}" for name, both in pairs.items()))

    def onMoved(self) -> None:
        """Points have changed: look at them, once for all changes of a moment."""
        self._timer.stop()
        self.changed()

    def stop(self) -> None:
        """Look at no list anymore: the scene is closing, or the module goes."""
        self._timer.stop()
        self._observe([])

    def _observe(self, nodes: list[Node]) -> None:
        """Hear of changes of these lists, and of no others."""
        for node, tag in self._observed:
            node.RemoveObserver(tag)
        kind = slicer.vtkMRMLMarkupsNode
        events: list[int] = [kind.PointModifiedEvent, kind.PointAddedEvent, kind.PointRemovedEvent]
        events += [kind.PointPositionDefinedEvent, kind.PointPositionUndefinedEvent]
        events += [kind.TransformModifiedEvent, vtk.vtkCommand.ModifiedEvent]
        self._observed = [
            (node, node.AddObserver(event, lambda *_: self._timer.start())) for node in nodes for event in events
        ]


def told(fixed: Node, moving: Node) -> str:
    """How far apart the landmarks are as the scene shows the volumes, or why they cannot be used."""
    try:
        errors = landmarks_of(fixed, moving).errors()
    except InputError as error:
        return error.sentences
    return landmark_sentence(errors)
