"""What of a run no longer holds once its segmentation is changed."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress

import numpy as np

from ..report.corrected import OUTDATED
from ..run_folder import RunFolder

REMOVED = ("measure", "report")
"""Stages that tell figures of the segmentation as it was; the one is done again quickly, the other on demand."""

MARKED = ("explain", "contributions", "uncertainty")
"""Stages that asked the network, which takes long; what they say of other segments still holds."""


def changed_values(before: np.ndarray, after: np.ndarray) -> list[int]:
    """Label values of the segments that differ between two label maps of one shape.

    Example:
        >>> changed_values(np.array([0, 5, 7]), np.array([5, 5, 9]))
        [5, 7, 9]
    """
    different = before != after
    return sorted({int(value) for labels in (before, after) for value in np.unique(labels[different])} - {0})


def make_outdated(folder: RunFolder, values: Collection[int]) -> None:
    """Before the segmentation is replaced: remove tables and reports, and mark what the network said of the segments.

    Args:
        folder: of the run; it is saved.
        values: label values of the segments that change.
    """
    stages = folder.record["stages"]
    files = [name for stage in REMOVED for name in stages.pop(stage, {"files": ()})["files"]]
    marks = folder.record.setdefault(OUTDATED, {})
    for name, digest in [pair for stage in MARKED if stage in stages for pair in stages[stage]["files"].items()]:
        known = marks.get(name, {})
        earlier = known["values"] if known.get("sha256") == digest else []
        marks[name] = {"sha256": digest, "values": sorted({*earlier, *values})}
    folder.save()
    for name in files:
        with suppress(OSError):  # somebody has it open; it is written anew in any case
            (folder.path / name).unlink(missing_ok=True)
