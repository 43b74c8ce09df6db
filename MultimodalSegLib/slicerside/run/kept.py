"""Run folders of the results in the scene, kept so that questions about a result can be answered."""

from __future__ import annotations

import atexit
import shutil
from pathlib import Path

from ..packages import slicer
from ..scene.nodes import Node


class KeptRuns:
    """Knows the run folder of each segmentation, and removes the folder when its time is over.

    A folder goes when its segmentation is no longer in the scene or gets another result, at :meth:`clear`, and in any
    case when Python ends. What the user wants to keep stays.

    Example:
        >>> kept = KeptRuns()
        >>> kept.keep(result.segmentationNode, result.runFolder)      # doctest: +SKIP
        >>> kept.of(result.segmentationNode)                          # doctest: +SKIP
    """

    def __init__(self) -> None:
        self._folders: dict[str, tuple[Path, bool]] = {}
        atexit.register(self.clear)

    def keep(self, node: Node, folder: Path, *, remove: bool = True) -> None:
        """Remember the run folder of a result.

        Args:
            node: the segmentation.
            folder: the run folder, alone in a temporary folder.
            remove: the temporary folder goes when its time is over; False leaves it for ever.
        """
        for identifier in list(self._folders):
            if identifier == node.GetID() or slicer.mrmlScene.GetNodeByID(identifier) is None:
                self._forget(identifier)
        self._folders[node.GetID()] = (folder, remove)

    def of(self, node: Node | None) -> Path | None:
        """The run folder of a segmentation, None if it is not known or not there anymore."""
        folder, _remove = self._folders.get(node.GetID(), (None, False)) if node is not None else (None, False)
        return folder if folder is not None and (folder / "run.json").is_file() else None

    def clear(self) -> None:
        """Forget everything; before the scene is emptied, as other nodes may get the same identifiers."""
        for identifier in list(self._folders):
            self._forget(identifier)

    def _forget(self, identifier: str) -> None:
        folder, remove = self._folders.pop(identifier)
        if remove:
            shutil.rmtree(folder.parent, ignore_errors=True)
