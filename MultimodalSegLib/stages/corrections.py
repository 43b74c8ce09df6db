"""The corrections of a run: written into it one after the other, and taken back."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..checksum import checksum
from ..errors import InputError
from ..images.io import read_labels, write_volume
from ..images.volume import Volume
from ..inference.segmentation import Segmentation
from ..machine import timestamp
from ..models.classes import SegmentClass
from ..refinement.edit import put
from ..refinement.prompts import Prompts, together
from ..report.corrected import HISTORY
from ..report.seg_nrrd import write_segmentation
from ..restore import FinishedRun, restored_segmentation
from ..run_folder import Writer
from .outdated import changed_values, make_outdated

if TYPE_CHECKING:
    from ..refinement.answer import Answer

STAGE = "refine"
FOLDER = "refinement"
SCARCE = 0.1
"""Part of an object below which a segment has next to nothing of it."""

NEAR_MM = 30.0
"""Earlier prompts for the same segment count if they lie so near to a new one."""


@dataclass(frozen=True)
class Refined:
    """What a correction did.

    Args:
        segment: its class.
        mask: bool volume on the reference grid: the whole object, neighbors' voxels included.
        added_ml: what the segment gained.
        removed_ml: what it lost.
        withheld_ml: what was left to a neighbor, by its name.
        file: where the mask is kept.
        seconds: of the answer, without reading and writing.
        warnings: sentences for the user.
    """

    segment: SegmentClass
    mask: Volume
    file: Path
    added_ml: float
    removed_ml: float
    withheld_ml: Mapping[str, float]
    seconds: float
    warnings: tuple[str, ...]


def so_far(run: FinishedRun, entry: SegmentClass, prompts: Prompts) -> tuple[Prompts, np.ndarray]:
    """What the run knows of an object already.

    Args:
        run: a finished run.
        entry: class of the object.
        prompts: what is said now.

    Returns:
        The prompts with earlier ones for the same object nearby; and its mask so far, bool (k, j, i), neighbors'
        voxels included.
    """
    mine = _said_of(run.folder.record.get(HISTORY, []), entry.value)
    mask = run.segmentation.labels.array == entry.value
    if mine:
        mask = mask | (read_labels(run.folder.path / mine[-1]["mask"]).array > 0)
    middle = prompts.places.mean(0)

    def near(name: str) -> np.ndarray:
        earlier = together([np.reshape(one[name], (-1, 3)) for one in mine])
        return earlier[np.linalg.norm(earlier - middle, axis=1) < NEAR_MM]

    positive = together([near("positive"), np.asarray(prompts.positive)])
    negative = together([near("negative"), np.asarray(prompts.negative)])
    return Prompts(positive, negative, prompts.box), mask


def keep(
    run: FinishedRun, entry: SegmentClass, prompts: Prompts, answer: Answer, *, allow_overwrite: bool
) -> tuple[Refined, FinishedRun]:
    """Write the corrected segmentation, and what is needed to undo it.

    Args:
        run: a finished run, inside the stage.
        entry: class of the segment, which may be new.
        prompts: what was said.
        answer: the object.
        allow_overwrite: take voxels from other segments.

    Returns:
        What was done, and the run as it is now.
    """
    folder, old = run.folder, run.segmentation
    edit = put(old.labels.array, entry.value, answer.mask, allow_overwrite=allow_overwrite)
    names = {one.value: one.name for one in old.classes}
    voxel_ml = old.labels.grid.voxel_ml
    withheld = {names.get(value, str(value)): count * voxel_ml for value, count in edit.withheld.items()}
    mask = f"{FOLDER}/{len(folder.record.get(HISTORY, [])) + 1:03d}-mask.nrrd"
    whole = Volume(answer.mask, old.labels.grid)
    folder.write(folder.path / mask, partial(write_volume, whole))
    classes = old.classes if entry in old.classes else (*old.classes, entry)
    corrected = replace(old, labels=old.labels.with_array(edit.labels), classes=classes)
    gained, lost = edit.added * voxel_ml, edit.removed * voxel_ml
    now = replace_segmentation(
        run,
        corrected,
        {
            "segment": entry.name,
            "value": entry.value,
            "positive": np.asarray(prompts.positive).tolist(),
            "negative": np.asarray(prompts.negative).tolist(),
            "box": None if prompts.box is None else np.asarray(prompts.box).tolist(),
            "allow_overwrite": allow_overwrite,
            "added_ml": gained,
            "removed_ml": lost,
            "mask": mask,
        },
    )
    has, found = (int((edit.labels == entry.value).sum()) * voxel_ml, int(answer.mask.sum()) * voxel_ml)
    warnings = (*answer.warnings, *_told_of_neighbors(entry.name, has, found, withheld))
    return Refined(entry, whole, folder.path / mask, gained, lost, withheld, answer.seconds, warnings), now


def _told_of_neighbors(name: str, has_ml: float, found_ml: float, withheld_ml: Mapping[str, float]) -> tuple[str, ...]:
    """What neighbors keep of an object, as a sentence; none if they keep nothing."""
    if not withheld_ml:
        return ()
    kept = ", ".join(f"{ml:.2f} ml in {neighbor}" for neighbor, ml in withheld_ml.items())
    if has_ml < SCARCE * found_ml:
        text = f"{name} has only {has_ml:.2f} of the {found_ml:.2f} ml that were found, because neighbors keep {kept}"
        return (f"{text}: add --allow-overwrite to take it.",)
    return (f"Of the object, neighbors keep {kept}; --allow-overwrite takes it.",)


def replace_segmentation(run: FinishedRun, corrected: Segmentation, said: Mapping[str, Any]) -> FinishedRun:
    """Write another segmentation in place of that of the run, and an entry of the history that leads back.

    Args:
        run: a finished run, inside the stage.
        corrected: on the same grid.
        said: what the history tells of the change.

    Returns:
        The run as it is now.
    """
    folder, old = run.folder, run.segmentation
    history = folder.record.setdefault(HISTORY, [])
    before = f"{FOLDER}/{len(history) + 1:03d}-before.seg.nrrd"
    changed = changed_values(old.labels.array, corrected.labels.array)
    names = {one.value: one.name for one in corrected.classes}
    folder.write(folder.path / before, partial(shutil.copyfile, folder.segmentation))
    make_outdated(folder, changed)
    changes = {str(value): names.get(value, str(value)) for value in changed}
    # told first, so that a program that is stopped leaves no correction that nobody knows of
    history.append({**said, "changed": changes, "before": before, "when": timestamp()})
    was = folder.segmentation.stat()
    try:
        _write_segmentation(run, partial(write_segmentation, corrected))
    except BaseException:
        now = folder.segmentation.stat()
        if (now.st_ino, now.st_mtime_ns) == (was.st_ino, was.st_mtime_ns):
            history.pop()
            folder.save()
        raise
    return replace(run, segmentation=corrected)


def take_back(run: FinishedRun) -> tuple[str, FinishedRun]:
    """Undo the last correction.

    Returns:
        The name of its segment, and the run as it is now.

    Raises:
        InputError: nothing was corrected.
    """
    folder, history = run.folder, run.folder.record.get(HISTORY, [])
    if not history:
        raise InputError(f"Nothing was corrected in {folder.path}.", "There is nothing to undo.")
    last = history[-1]
    with folder.stage(STAGE, keep=True):
        make_outdated(folder, [int(value) for value in last["changed"]])
        _write_segmentation(run, partial(shutil.copyfile, folder.path / last["before"]))
        history.pop()
    files = [last[name] for name in ("before", "mask") if name in last]
    for name in files:
        folder.record["stages"][STAGE]["files"].pop(name, None)
    folder.save()
    for name in files:
        (folder.path / name).unlink(missing_ok=True)
    return str(last["segment"]), replace(run, segmentation=restored_segmentation(folder, run.bundle))


def _said_of(history: Sequence[Mapping[str, Any]], value: int) -> list[Mapping[str, Any]]:
    """What was said of a segment since it was last edited by hand, oldest first."""
    mine: list[Mapping[str, Any]] = []
    for one in reversed(history):
        if "mask" not in one and str(value) in one["changed"]:
            break
        mine += [one] if one.get("value") == value else []
    return mine[::-1]


def _write_segmentation(run: FinishedRun, writer: Writer) -> None:
    """Replace the file, which the stage that made it goes on to vouch for, as it is not to be done again.

    In between nobody vouches for it, so that a run that is stopped here can be opened.
    """
    folder = run.folder
    name = folder.segmentation.relative_to(folder.path).as_posix()
    files = folder.record["stages"]["segment"]["files"]
    files.pop(name, None)
    folder.save()
    folder.write(folder.segmentation, writer)
    files[name] = checksum(folder.segmentation)
    folder.disown(folder.segmentation)
