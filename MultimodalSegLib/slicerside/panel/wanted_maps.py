"""Of which structures a run keeps probability maps: a list to tick, kept with the scene."""

from __future__ import annotations

from typing import Any

from ...models.bundle import Bundle
from .choices import Parameters

SEPARATOR = "; "


class WantedMaps:
    """The box for the lesion and the list of the chosen model's structures.

    Args:
        ui: the form's widgets.
    """

    def __init__(self, ui: Any) -> None:
        self.ui = ui
        self.parameters: Parameters | None = None
        self._offered: tuple[str, ...] = ()
        ui.structureMapsTable.setColumnCount(1)
        ui.structureMapsTable.horizontalHeader().visible = False
        ui.structureMapsTable.horizontalHeader().setStretchLastSection(True)
        ui.structureMapsTable.verticalHeader().visible = False
        ui.structureMapsTable.connect("cellChanged(int,int)", lambda row, _column: self.onTicked(row))

    def names(self, bundle: Bundle | None) -> tuple[str, ...]:
        """Structures of which a map is wanted and that the model knows, the lesion first."""
        if self.parameters is None or bundle is None:
            return ()
        lesion = ("lesion",) if self.parameters.lesionProbability and bundle.metadata["lesion"] else ()
        return lesion + tuple(name for name in structures(bundle) if name in self._ticked())

    def update(self, bundle: Bundle | None) -> None:
        """Offer the structures of a model."""
        import qt

        self.ui.lesionProbabilityBox.enabled = bundle is not None and bool(bundle.metadata["lesion"])
        table, names = self.ui.structureMapsTable, structures(bundle) if bundle is not None else ()
        blocked = table.blockSignals(True)
        if names != self._offered:
            self._offered = names
            table.setRowCount(len(names))
            for row, name in enumerate(names):
                item = qt.QTableWidgetItem(name)
                item.setFlags(qt.Qt.ItemIsEnabled | qt.Qt.ItemIsUserCheckable)
                table.setItem(row, 0, item)
            table.resizeRowsToContents()
        ticked = self._ticked()
        for row, name in enumerate(names):
            table.item(row, 0).setCheckState(qt.Qt.Checked if name in ticked else qt.Qt.Unchecked)
        table.blockSignals(blocked)

    def onTicked(self, row: int) -> None:
        """The user wants a map of a structure, or does not."""
        import qt

        if self.parameters is None:
            return
        ticked, name = self._ticked(), self._offered[row]
        if self.ui.structureMapsTable.item(row, 0).checkState() == qt.Qt.Checked:
            ticked |= {name}
        else:
            ticked -= {name}
        self.parameters.structureMaps = SEPARATOR.join(sorted(ticked))

    def _ticked(self) -> set[str]:
        """Also those that the chosen model does not know: another one may."""
        return (
            set(filter(None, self.parameters.structureMaps.split(SEPARATOR))) if self.parameters is not None else set()
        )


def structures(bundle: Bundle) -> tuple[str, ...]:
    """Names of what a model finds besides lesions."""
    return tuple(entry.name for entry in bundle.classes() if entry.group != "lesion")
