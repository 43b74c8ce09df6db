"""Correct one segment of a run, or add one, from what a person says about it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError
from ..images.grid import same_grid
from ..images.io import read_labels
from ..images.volume import Volume
from ..models.classes import SegmentClass
from ..progress import Event, Progress, silent
from ..refinement.prompts import Prompts, read_scribble, together
from ..restore import FinishedRun, open_run
from .click_model import MODEL, make_refiner
from .corrections import STAGE, Refined, keep, so_far, take_back
from .measure import measure_again

FIRST_NEW_VALUE = 9001
LONGEST_NAME = 64
"""Characters of a segment's label in DICOM (value representation LO)."""

SEPARATORS = frozenset("~^|\\")
"""Between parts of terminology in Slicer's files, and between values in DICOM."""

NEW_COLORS = ((230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (0, 114, 178), (213, 94, 0))
"""Okabe and Ito, Color universal design, 2008."""

TISSUE = "SCT^85756007^Tissue"
NEW_TERMINOLOGY = (
    f"Segmentation category and type - 3D Slicer General Anatomy list~{TISSUE}~{TISSUE}~^^~"
    "Anatomic codes - DICOM master list~^^~^^"
)
"""What Slicer says of a segment that nobody has said anything of; without any there is no DICOM."""


def refine(
    run: FinishedRun | Path | str,
    points: ArrayLike = (),
    *,
    negative: ArrayLike = (),
    box: ArrayLike | None = None,
    scribble: Path | None = None,
    segment: str = "",
    new: str = "",
    start: Path | None = None,
    allow_overwrite: bool = False,
    model: str = MODEL,
    device: str = "auto",
    progress: Progress = silent,
) -> Refined:
    """Correct a segment of a run, or add one.

    The result replaces ``segmentation.seg.nrrd``; :func:`undo` brings the one before back. The tables of a run that was
    measured are made again; a report of before is removed, because its figures no longer hold.

    Args:
        run: a finished run or its folder.
        points: (n, 3) on the object, LPS mm.
        negative: (n, 3) beside it.
        box: two opposite corners around it.
        scribble: label map, 1 on the object and 2 beside it.
        segment: name of the segment to correct.
        new: name of a segment to add; or, if it was added before, to correct.
        start: mask on the run's grid from which to start, where it was edited elsewhere; what was said earlier then no
            longer counts. Else that of the run.
        allow_overwrite: take voxels from other segments; else these keep theirs.
        model: name or folder of a click model.
        device: where to compute.
        progress: takes the events of the stage ``"refine"``.

    Raises:
        InputError: the run cannot be read, the segment is unknown, its name cannot be used, a prompt is where nothing
            is, or there is neither a point on a new object nor a box around it.
        ModelError: no click model is installed.

    Example:
        >>> found = refine("run", [(32.0, -14.5, 20.0)], new="Lesion 2", allow_overwrite=True)     # doctest: +SKIP
        >>> found.added_ml                                                                          # doctest: +SKIP
        1.84
    """
    finished = run if isinstance(run, FinishedRun) else open_run(run)
    inside, outside = read_scribble(Path(scribble)) if scribble else ((), ())
    prompts = Prompts(
        together([np.reshape(points, (-1, 3)), np.reshape(inside, (-1, 3))]),
        together([np.reshape(negative, (-1, 3)), np.reshape(outside, (-1, 3))]),
        box,
    )
    entry = named_segment(finished, segment, new)
    with finished.folder.stage(STAGE, keep=True):
        refiner = make_refiner(finished, model, device, progress)
        progress(Event(STAGE, 1, 2, f"Looking for {entry.name}"))
        said, previous = (prompts, edited_mask(start, finished)) if start else so_far(finished, entry, prompts)
        answer = refiner.answer(said, previous)
        refined, now = keep(finished, entry, prompts, answer, allow_overwrite=allow_overwrite)
        progress(Event(STAGE, 2, 2))
    measure_again(now, progress)
    return refined


def undo(run: FinishedRun | Path | str) -> str:
    """Take the last correction back, and measure again what was measured.

    Returns:
        The name of its segment.

    Raises:
        InputError: nothing was corrected.
    """
    name, now = take_back(run if isinstance(run, FinishedRun) else open_run(run))
    measure_again(now)
    return name


def named_segment(run: FinishedRun, segment: str, new: str) -> SegmentClass:
    """The class to correct or to add.

    Raises:
        InputError: not exactly one of the two is given, the segment is unknown, or the new name cannot be used.
    """
    if bool(segment) == bool(new):
        raise InputError(
            "It is not said which segment is meant.", "Name one that exists with 'segment', or one to add with 'new'."
        )
    new = usable_name(new) if new else ""
    classes = run.segmentation.classes
    for entry in classes:
        if entry.name.lower() == (segment or new).lower():
            return entry
    if segment:
        raise InputError(f"The run has no segment {segment!r}.", "Give its name as Slicer shows it, or add it as new.")
    value = next_value(classes)
    return SegmentClass(new, value, NEW_COLORS[(value - FIRST_NEW_VALUE) % len(NEW_COLORS)], NEW_TERMINOLOGY, "")


def usable_name(name: str) -> str:
    """The name of a new segment without space around it.

    Raises:
        InputError: it is blank, too long, or holds characters that cannot be shown or that separate terms in files.
    """
    name = name.strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable() or set(name) & SEPARATORS:
        raise InputError(
            f"{name!r} cannot be the name of a segment.",
            f"Give 1 to {LONGEST_NAME} characters on one line, without {' '.join(sorted(SEPARATORS))}.",
        )
    return name


def next_value(classes: Sequence[SegmentClass]) -> int:
    """A label value that no class of a model has and none of these."""
    return max([FIRST_NEW_VALUE - 1, *(entry.value for entry in classes if entry.value >= FIRST_NEW_VALUE)]) + 1


def edited_mask(path: Path, run: FinishedRun) -> np.ndarray:
    """A mask that was edited elsewhere, bool (k, j, i)."""
    return labels_of_run(path, run).array > 0


def labels_of_run(path: Path, run: FinishedRun) -> Volume:
    """A label map on the grid of a run.

    Raises:
        InputError: it cannot be read, or is on another grid.
    """
    labels = read_labels(path)
    if not same_grid(labels.grid, run.segmentation.labels.grid):
        raise InputError(f"{path} is not on the grid of the run.", "Save it with the reference volume as reference.")
    return labels
