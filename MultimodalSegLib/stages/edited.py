"""A segmentation that was edited elsewhere, such as in the Segment Editor, taken into its run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..images.io import read_labels
from ..images.volume import Volume
from ..models.classes import SegmentClass
from ..progress import Progress, silent
from ..report.corrected import HISTORY
from ..report.seg_nrrd import classes_in_file
from ..restore import FinishedRun, open_run
from .corrections import STAGE, replace_segmentation, take_back
from .measure import measure_again
from .outdated import changed_values
from .refine import NEW_TERMINOLOGY, labels_of_run, next_value


def take_edited(run: FinishedRun | Path | str, file: Path, progress: Progress = silent) -> tuple[str, ...]:
    """Take an edited segmentation into a run, and measure again what was measured.

    One that is as the run was before some of its corrections takes these back.

    Args:
        run: a finished run or its folder.
        file: ``.seg.nrrd`` or label map on the run's grid.
        progress: takes the events of measuring.

    Returns:
        Names of the segments that were changed by it; none if it is as the run's.

    Raises:
        InputError: it cannot be read, or is on another grid.

    Example:
        >>> take_edited("run", Path("edited.seg.nrrd"))     # doctest: +SKIP
        ('Lesion',)
    """
    finished = run if isinstance(run, FinishedRun) else open_run(run)
    now, names = put_edited(finished, file)
    measure_again(now, progress)
    return names


def put_edited(run: FinishedRun, file: Path) -> tuple[FinishedRun, tuple[str, ...]]:
    """The same without measuring.

    Returns:
        The run as it is now, and the names of the segments that were changed.
    """
    labels, classes = _read(run, file)
    before = run.segmentation.labels.array
    changed = changed_values(before, labels.array)
    if not changed:
        return run, ()
    known = {entry.value: entry.name for entry in (*run.segmentation.classes, *classes)}
    names = tuple(known.get(value, str(value)) for value in changed)
    back = _corrections_since(run, labels.array)
    if back:
        for _ in range(back):
            _name, run = take_back(run)
        return run, names
    voxel_ml = labels.grid.voxel_ml
    different = before != labels.array
    said = {
        "segment": ", ".join(names),
        "added_ml": int((different & (labels.array > 0)).sum()) * voxel_ml,
        "removed_ml": int((different & (before > 0)).sum()) * voxel_ml,
    }
    with run.folder.stage(STAGE, keep=True):
        corrected = replace(run.segmentation, labels=labels, classes=classes)
        return replace_segmentation(run, corrected, said), names


def _corrections_since(run: FinishedRun, labels: np.ndarray) -> int:
    """How many corrections to take back to come to a label map; 0 if it was never that."""
    history = run.folder.record.get(HISTORY, [])
    for steps, one in enumerate(reversed(history), start=1):
        if np.array_equal(read_labels(run.folder.path / one["before"]).array, labels):
            return steps
    return 0


def _read(run: FinishedRun, file: Path) -> tuple[Volume, tuple[SegmentClass, ...]]:
    """The label map in the run's values, and the classes of the run with those that were added.

    Segments are known by their names, as another program may have given them other values.
    """
    given, grid = labels_of_run(file, run), run.segmentation.labels.grid
    classes = list(run.segmentation.classes)
    lookup = np.arange(int(given.array.max()) + 1)
    for entry in classes_in_file(file):
        mine = next((one for one in classes if one.name == entry.name), None)
        if mine is None:
            terminology = entry.terminology or NEW_TERMINOLOGY
            mine = replace(entry, value=next_value(classes), terminology=terminology)
            classes.append(mine)
        if entry.value < len(lookup):
            lookup[entry.value] = mine.value
    array = lookup[given.array].astype(run.segmentation.labels.array.dtype)
    unknown = set(np.unique(array).tolist()) - {0, *(entry.value for entry in classes)}
    if unknown:
        text = f"{file} has the label values {sorted(unknown)[:3]}, which are no segments of the run."
        raise InputError(text, "Save it as .seg.nrrd, with names.")
    return Volume(array, grid), tuple(classes)
