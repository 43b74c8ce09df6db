"""Run folders of the results in the scene, kept so that questions about a result can be answered."""

from __future__ import annotations

import atexit
import shutil
from pathlib import Path
from typing import Protocol

from ...errors import InputError
from ..packages import slicer
from ..scene.nodes import Node
from ..text import _


class Asker(Protocol):
    """What asks a child process about a run folder."""

    @property
    def running(self) -> bool:
        """Whether the child works."""


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
        self._claims: dict[Path, Asker] = {}
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

    def claim(self, folder: Path, asker: Asker) -> None:
        """Reserve a run folder for a command, because two of them would overwrite each other's record.

        Args:
            folder: the run folder.
            asker: has the folder as long as it is running.

        Raises:
            InputError: another one has it.
        """
        other = self._claims.get(folder)
        if other is not None and other is not asker and other.running:
            raise InputError(_("Something else is asked about this result."), _("Wait for its end, or stop it."))
        self._claims[folder] = asker

    def clear(self) -> None:
        """Forget everything; before the scene is emptied, as other nodes may get the same identifiers."""
        for identifier in list(self._folders):
            self._forget(identifier)

    def _forget(self, identifier: str) -> None:
        folder, remove = self._folders.pop(identifier)
        self._claims.pop(folder, None)
        if remove:
            shutil.rmtree(folder.parent, ignore_errors=True)
