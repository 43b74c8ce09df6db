"""Maps of a run folder become float volumes of the scene: colored, transparent where low, with a color legend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...run_folder import RunFolder
from ..packages import slicer
from ..scene.color_maps import LEAST_EXPLAINED, LEAST_SHOWN, show_as_map
from ..scene.map_titles import map_title
from ..scene.nodes import Node, hierarchy_item, set_provenance
from ..scene.scene_changes import loaded

UNCERTAINTY = ("uncertainty.nrrd", "uncertainty/*.nrrd")
PATTERNS = ("probabilities/*.nrrd", *UNCERTAINTY, "explanation/*.nrrd")
"""Files of a run folder that are shown as colored layers over the reference."""
MAP_ATTRIBUTE = "MultimodalSeg.Map"
"""File of the run folder that a map comes from, such as ``probabilities/lesion.nrrd``."""


TIME_ATTRIBUTE = "MultimodalSeg.MapTime"
"""When that file was written, nanoseconds: one that was made again is loaded again."""


def map_files(folder: Path, patterns: Sequence[str] = PATTERNS) -> list[Path]:
    """The maps in a run folder."""
    return [path for pattern in patterns for path in sorted(folder.glob(pattern))]


def new_maps(folder: Path, known: Sequence[Node], patterns: Sequence[str] = UNCERTAINTY) -> list[Path]:
    """The maps in a run folder that were written after its result came into the scene.

    Args:
        folder: the run folder.
        known: maps of the result in the scene.
        patterns: of the files that are looked for.
    """
    loaded_at = {node.GetAttribute(MAP_ATTRIBUTE): node.GetAttribute(TIME_ATTRIBUTE) for node in known}
    files = {file.relative_to(folder).as_posix(): file for file in map_files(folder, patterns)}
    return [file for place, file in files.items() if loaded_at.get(place) != _written_at(file)]


def _written_at(file: Path) -> str:
    return str(file.stat().st_mtime_ns)


def map_key(file: Path) -> str:
    """By which a map is known in a result: its file's name without the ending."""
    return file.name.removesuffix(".nrrd")


def study_of(folder: Path, reference: Node | None) -> MapStudy:
    """Where maps go that come after the result.

    Args:
        folder: the run folder.
        reference: volume node on whose grid the run is, None if it was deleted.
    """
    record = RunFolder.open(folder).record
    name = reference.GetName() if reference is not None else str(record["reference"])
    facts = {key: value for key, value in record.get("model", {}).items() if key != "path"}
    return MapStudy(folder, name, reference, facts)


@dataclass(frozen=True)
class MapStudy:
    """Where maps of one run go in the scene.

    Args:
        folder: the run folder.
        name: of the reference volume; names of nodes begin with it.
        reference: volume node below whose transform and in whose study they lie; None if it was deleted.
        facts: how the run was made, kept as attributes.
    """

    folder: Path
    name: str
    reference: Node | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    def load(self, file: Path) -> Node:
        """A new volume node, not shown yet.

        Raises:
            InputError: the file cannot be read.
        """
        place, written = file.relative_to(self.folder).as_posix(), _written_at(file)
        node = loaded(slicer.util.loadVolume, file, {"show": False, "singleFile": True})
        node.SetName(slicer.mrmlScene.GenerateUniqueName(f"{self.name} {map_key(file)}"))
        set_provenance(node, {**self.facts, "map": place})
        node.SetAttribute(TIME_ATTRIBUTE, written)
        explains = file.parent.name == "explanation" and not file.name.startswith("fusion.")
        least = LEAST_EXPLAINED if explains else LEAST_SHOWN
        show_as_map(node, map_title(place), whole=not place.startswith("uncertainty"), least=least)
        if self.reference is not None:
            node.SetAndObserveTransformNodeID(self.reference.GetTransformNodeID())
            hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
            hierarchy.SetItemParent(hierarchy_item(node), hierarchy.GetItemParent(hierarchy_item(self.reference)))
        return node
