"""What a run is made from and what it leaves, as nodes of the scene."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..scene.nodes import Node


@dataclass(frozen=True)
class Result:
    """What a finished run left in the scene.

    Args:
        segmentationNode: the segmentation.
        transformNodes: by moving modality the node that brings it to the reference, where there is one.
        tableNodes: ``"measurements"``, ``"lesions"`` (one row each), ``"changes"`` (against an earlier run),
            ``"modalities"`` (weights) and ``"registration"``, those that apply.
        volumeNodes: probability and other maps by name, not shown yet.
        warnings: sentences that the user must see.
        runFolder: the folder with all files, None if they were removed.
        record: what the run wrote about itself, the content of its ``run.json``.
    """

    segmentationNode: Node
    transformNodes: Mapping[str, Node] = field(default_factory=dict)
    tableNodes: Mapping[str, Node] = field(default_factory=dict)
    volumeNodes: Mapping[str, Node] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    runFolder: Path | None = None
    record: Mapping[str, Any] = field(default_factory=dict)

    @property
    def registration(self) -> Mapping[str, Mapping[str, Any]]:
        """Measured quality by moving modality."""
        found: Mapping[str, Mapping[str, Any]] = self.record.get("registration", {})
        return found

    @property
    def lesionPresence(self) -> float | None:
        """Score of a lesion, 0 to 1, no probability; None if the model gives none."""
        presence: float | None = self.record.get("segmentation", {}).get("lesion_presence")
        return presence

    @property
    def seconds(self) -> Mapping[str, float]:
        """Seconds by stage."""
        spent: Mapping[str, float] = self.record.get("seconds", {})
        return spent

    @property
    def device(self) -> str:
        """Where the network ran."""
        return str(self.record.get("device", ""))

    def withoutFiles(self) -> Result:
        """The same after the run folder was removed."""
        return replace(self, runFolder=None)


@dataclass(frozen=True)
class Inputs:
    """The nodes a run was made from.

    Args:
        reference: the reference volume.
        moving: the other volumes by modality.
        placements: see :class:`~MultimodalSegLib.slicerside.run.exchange.Plan`.
        given: transform nodes by modality that the user chose; they are used again, no new ones are made.
        trusted: modalities whose place in the scene was used as it is; they stay where they are.
    """

    reference: Node
    moving: Mapping[str, Node] = field(default_factory=dict)
    placements: Mapping[str, np.ndarray] = field(default_factory=dict)
    given: Mapping[str, Node] = field(default_factory=dict)
    trusted: frozenset[str] = frozenset()
