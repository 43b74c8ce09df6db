"""Maps that a command made after the result came into the scene, such as those of ``uncertainty RUN``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from ...errors import InputError
from ..run.kept import KeptRuns
from ..run.maps import MAP_ATTRIBUTE, new_maps, study_of
from ..scene.scene_changes import remove_with_displays
from .choices import Node
from .widgets import timer

LOOK_MS = 2000


class LateMaps:
    """Looks into the run folder of the result that is shown now and then; a look takes a fraction of a millisecond.

    Args:
        kept: the run folders of the results.
        came: is called when the folder has maps that are not in the scene.
    """

    def __init__(self, kept: KeptRuns, came: Callable[[], None]) -> None:
        self._kept, self._came = kept, came
        self._node: Node | None = None
        self._maps: Sequence[Node] = ()
        self._refused: set[tuple[Path, int]] = set()  # files that could not be read, and when they were written
        self._timer = timer(LOOK_MS, self.onTimer)

    def watch(self, node: Node | None, maps: Sequence[Node]) -> None:
        """Look into the folder of this segmentation from now on; None looks nowhere.

        Args:
            node: the segmentation.
            maps: what it has in the scene.
        """
        self._node, self._maps = node, maps
        if self._kept.of(node) is not None:
            self._timer.start()
        else:
            self._timer.stop()

    def onTimer(self) -> None:
        """Tell if there is something new."""
        if self._new(self._node, self._maps):
            self._came()

    def load(self, node: Node, reference: Node | None, maps: Sequence[Node]) -> list[Node]:
        """Put what is new into the scene; an earlier version of a map goes.

        Args:
            node: the segmentation.
            reference: volume node on whose grid it is.
            maps: what it has in the scene.
        """
        folder = self._kept.of(node)
        found: list[Node] = []
        if folder is None:
            return found
        for file, written in self._new(node, maps):
            try:
                new = study_of(folder, reference).load(file)
            except InputError:  # it is damaged: it is left alone until it is written again
                self._refused.add((file, written))
                continue
            for old in [one for one in maps if one.GetAttribute(MAP_ATTRIBUTE) == new.GetAttribute(MAP_ATTRIBUTE)]:
                remove_with_displays(old)
            found.append(new)
        return found

    def _new(self, node: Node | None, maps: Sequence[Node]) -> list[tuple[Path, int]]:
        """Files that are not in the scene as they are now, and when each was written."""
        folder = self._kept.of(node)
        files = [(file, file.stat().st_mtime_ns) for file in new_maps(folder, maps)] if folder is not None else []
        return [entry for entry in files if entry not in self._refused]
