"""A map of the result, such as a probability, laid over the reference in the slice views."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..packages import slicer
from ..run.maps import MAP_ATTRIBUTE
from ..scene.map_titles import map_title
from ..scene.slice_views import SliceViews
from ..text import _
from .choices import Node
from .widgets import chosen, fill, select

NOTHING = "none"


class MapControl:
    """List of a result's maps and their opacity; at most one map is shown.

    Args:
        ui: the form's widgets.
        logic: the library's logic, which shows a map.
    """

    def __init__(self, ui: Any, logic: Any) -> None:
        self.ui, self.logic = ui, logic
        self._reference: Node | None = None
        self._shown = NOTHING
        self._views: SliceViews | None = None
        ui.mapBox.connect("currentIndexChanged(int)", lambda _index: self.onChosen())
        ui.mapOpacitySlider.connect("valueChanged(double)", lambda _value: self.onOpacity())
        self.update(None, ())

    def update(self, reference: Node | None, maps: Sequence[Node]) -> None:
        """Offer the maps of a result; one that is shown stays if it is among them.

        Args:
            reference: the volume to show below a map.
            maps: float volumes on its grid.
        """
        self._reference = reference
        entries = {NOTHING: _("None")} | {node.GetID(): title(node) for node in maps}
        if [self.ui.mapBox.itemData(n) for n in range(self.ui.mapBox.count)] != list(entries):
            fill(self.ui.mapBox, entries)
        self.ui.mapLabel.visible = self.ui.mapBox.visible = bool(maps)
        self.onChosen()

    def onChosen(self) -> None:
        """Show the chosen map, or take away the one that is shown."""
        node = slicer.mrmlScene.GetNodeByID(chosen(self.ui.mapBox) or NOTHING)
        self.ui.mapOpacityLabel.visible = self.ui.mapOpacitySlider.visible = node is not None
        wanted = node.GetID() if node is not None else NOTHING
        if wanted == self._shown:
            return
        self._shown = wanted
        if node is not None:
            self._views = self._views or SliceViews()
            self.logic.showMap(node, self.ui.mapOpacitySlider.value, self._reference)
        else:
            self.logic.showMap(None)
            if self._views is not None:
                self._views.restore()
            self._views = None

    def onOpacity(self) -> None:
        """Make the map that is shown more or less opaque."""
        node = slicer.mrmlScene.GetNodeByID(self._shown)
        if node is not None:
            self.logic.showMap(node, self.ui.mapOpacitySlider.value)

    def choose(self, node: Node) -> None:
        """Show one of the maps that are offered."""
        select(self.ui.mapBox, node.GetID())


def title(node: Node) -> str:
    """What a map is called in the list."""
    file = node.GetAttribute(MAP_ATTRIBUTE)
    return map_title(file) if file else str(node.GetName())
