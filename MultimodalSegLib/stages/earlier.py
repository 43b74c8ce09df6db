"""Lesions of a run against those of an earlier run of the same patient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from ..images.grid import Grid
from ..images.io import read_labels
from ..images.resample import map_points
from ..inference.segmentation import Segmentation
from ..progress import Progress
from ..registration.aligned import AlignedCase
from ..registration.register import register, registration_warnings
from ..report.change import Change, changes
from ..report.lesions import Lesion, measure_lesions, points_of
from ..report.seg_nrrd import classes_in_file
from ..report.thresholds import Total, totals
from ..restore import NEEDED, FinishedRun, restored_alignment
from ..run_folder import RunFolder


@dataclass(frozen=True)
class Earlier:
    """An earlier run, and how it comes into this one's space.

    Args:
        path: its run folder; it may have been made with another model.
        registration: ``"rigid"``, or ``"none"`` where both runs share a patient space already.
        seed: of the registration.
    """

    path: Path
    registration: str = "rigid"
    seed: int = 0


@dataclass(frozen=True)
class Followup:
    """What changed since an earlier run.

    Args:
        path: folder of the earlier run.
        changes: what became of each lesion.
        totals: sums over the measurable lesions against published thresholds.
        registration: modality, kind and quality of the registration of the two runs.
        warnings: sentences for the user.
    """

    path: Path
    changes: tuple[Change, ...]
    totals: tuple[Total, ...]
    registration: dict[str, Any]
    warnings: tuple[str, ...]

    @property
    def counts(self) -> dict[str, int]:
        """Number of changes by kind."""
        kinds = [change.kind for change in self.changes]
        return {kind: kinds.count(kind) for kind in ("new", "gone", "grown", "shrunk", "stable")}

    @property
    def sentences(self) -> tuple[str, ...]:
        """What changed, in words; thresholds are numbers and no diagnosis."""
        counted = ", ".join(f"{count} {kind}" for kind, count in self.counts.items() if count)
        return f"Lesions against the earlier run: {counted or 'none in either'}.", *(
            one.sentence for one in self.totals
        )

    def record(self) -> dict[str, Any]:
        """For run.json."""
        return {
            "run": str(self.path.absolute()),
            "registration": self.registration,
            "counts": self.counts,
            "totals": [asdict(total) for total in self.totals],
            "sentences": list(self.sentences),
        }


def compare(run: FinishedRun, lesions: Sequence[Lesion], earlier: Earlier, progress: Progress) -> Followup:
    """Match the lesions of a run with those of an earlier one, in the patient's space.

    Args:
        run: the run.
        lesions: its lesions.
        earlier: the other run.
        progress: takes the events of the registration.

    Raises:
        InputError: the earlier run is this one, cannot be read, or has no segmentation.
        RegistrationError: the two heads do not come to overlap.
    """
    if earlier.path.resolve() == run.folder.path.resolve():
        raise InputError(f"{earlier.path} is the run itself.", "Give the folder of an earlier run with --earlier.")
    aligned, segmentation = _read(earlier.path)
    transform, told, warnings = _into_earlier(run.aligned, aligned, earlier, progress)
    before = measure_lesions(segmentation, aligned)
    grids = run.aligned.grid, aligned.grid
    found = changes(
        lesions,
        before,
        [map_points(transform, points) for points in points_of(lesions, grids[0])],
        list(points_of(before, grids[1])),
        max(_half_diagonal(grid) for grid in grids),
    )
    for sentence in warnings:
        run.folder.warn(sentence)
    return Followup(earlier.path, tuple(found), totals(found), told, warnings)


def _read(path: Path) -> tuple[AlignedCase, Segmentation]:
    """Volumes and result of a run, without its model, which may be gone."""
    folder = RunFolder.open(path)
    folder.verify()
    if not all(folder.has(stage) for stage in NEEDED):
        raise InputError(f"The run in {path} has no segmentation.", "Finish it first: 'segment' with --resume goes on.")
    classes = classes_in_file(folder.segmentation)
    return restored_alignment(folder), Segmentation(read_labels(folder.segmentation), classes)


def _into_earlier(
    now: AlignedCase, before: AlignedCase, earlier: Earlier, progress: Progress
) -> tuple[sitk.Transform, dict[str, Any], tuple[str, ...]]:
    """Transform from this run's points to the earlier run's, by two volumes of one modality if there are."""
    if earlier.registration == "none":
        return sitk.Transform(3, sitk.sitkIdentity), {"kind": "none"}, ()
    shared = [name for name in (now.reference, before.reference, *now.volumes) if name in now.volumes]
    shared = [name for name in shared if name in before.volumes]
    one, other = (shared[0], shared[0]) if shared else (now.reference, before.reference)
    found = register(
        now.volumes[one],
        before.volumes[other],
        earlier.registration,
        fixed_modality=one,
        moving_modality=other,
        seed=earlier.seed,
        progress=progress,
    )
    told = {"kind": found.kind, "volumes": [one, other], "seconds": round(found.seconds, 3), **asdict(found.quality)}
    return found.transform, told, tuple(registration_warnings(f"the earlier {other}", f"this {one}", found))


def _half_diagonal(grid: Grid) -> float:
    return float(np.linalg.norm(grid.spacing)) / 2
