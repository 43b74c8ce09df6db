"""Correct one segment of a run, or add one, from what a person says about it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from ..checksum import checksum
from ..errors import InputError, ModelError
from ..images.io import read_labels, write_volume
from ..images.volume import Volume
from ..models.bundle import Bundle, load_bundle
from ..models.classes import SegmentClass
from ..progress import Event, Progress, silent
from ..refinement.edit import put
from ..refinement.prompts import Prompts, read_scribble, together
from ..report.seg_nrrd import write_segmentation
from ..restore import FinishedRun, open_run

if TYPE_CHECKING:
    from ..refinement.answer import Refiner

STAGE = "refine"
FOLDER = "refinement"
MODEL = "refine"
HISTORY = "refinements"
"""Key of run.json: a list of what was corrected, oldest first."""

FIRST_NEW_VALUE = 9001
NEW_COLORS = ((230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (0, 114, 178), (213, 94, 0))
"""Okabe and Ito, Color universal design, 2008."""

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

    @property
    def told_of_neighbors(self) -> str:
        """What neighbors keep, as a sentence; empty if they keep nothing."""
        kept = ", ".join(f"{ml:.2f} ml in {name}" for name, ml in self.withheld_ml.items())
        return f"Of the object, neighbors keep {kept}; allow overwriting to take it." if kept else ""


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

    The result replaces ``segmentation.seg.nrrd``; :func:`undo` brings the one before back. Tables and reports are not
    made again by it.

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
        InputError: the run cannot be read, the segment is unknown, or a prompt is where nothing is.
        ModelError: no click model is installed.

    Example:
        >>> refine("run", points=[(32.0, -14.5, 20.0)], new="Lesion 2").added_ml     # doctest: +SKIP
        1.84
    """
    finished = run if isinstance(run, FinishedRun) else open_run(run)
    inside, outside = read_scribble(Path(scribble)) if scribble else ((), ())
    prompts = Prompts(
        together([np.reshape(points, (-1, 3)), np.reshape(inside, (-1, 3))]),
        together([np.reshape(negative, (-1, 3)), np.reshape(outside, (-1, 3))]),
        box,
    )
    entry = _segment(finished, segment, new)
    folder = finished.folder
    with folder.stage(STAGE, keep=True):
        refiner = make_refiner(finished, model, device, progress)
        progress(Event(STAGE, 1, 2, f"Looking for {entry.name}"))
        said, previous = (prompts, _edited(start, finished)) if start else _so_far(finished, entry, prompts)
        answer = refiner.answer(said, previous)
        refined = _keep(finished, entry, prompts, answer.mask, allow_overwrite, answer.seconds, answer.warnings)
        progress(Event(STAGE, 2, 2))
    return refined


def undo(run: FinishedRun | Path | str) -> str:
    """Take the last correction back.

    Returns:
        The name of its segment.

    Raises:
        InputError: nothing was corrected.
    """
    finished = run if isinstance(run, FinishedRun) else open_run(run)
    folder, history = finished.folder, finished.folder.record.get(HISTORY, [])
    if not history:
        raise InputError(f"Nothing was corrected in {folder.path}.", "There is nothing to undo.")
    last = history.pop()
    with folder.stage(STAGE, keep=True):
        folder.write(folder.segmentation, (folder.path / last["before"]).replace)
        _segmentation_is_ours(finished)
        for name in ("before", "mask"):
            (folder.path / last[name]).unlink(missing_ok=True)
    for name in ("before", "mask"):
        folder.record["stages"][STAGE]["files"].pop(last[name], None)
    folder.save()
    return str(last["segment"])


def make_refiner(run: FinishedRun, model: str = MODEL, device: str = "auto", progress: Progress = silent) -> Refiner:
    """Load the click model and what its trunk sees of the run, which is computed once and kept in the run folder.

    Raises:
        ModelError: no click model is installed.
    """
    from ..networks.device import choose_device
    from ..refinement.answer import Refiner
    from ..refinement.scene import click_network, look, read_scene, write_scene

    bundle, where, folder = click_bundle(model, device), choose_device(device), run.folder
    file = folder.path / FOLDER / "scene.safetensors"
    network = click_network(bundle).to(where)
    aligned = {name: checksum(folder.aligned(name)) for name in run.aligned.volumes}
    made_from = " ".join([bundle.checksum, *(f"{name}:{value}" for name, value in aligned.items())])
    scene = read_scene(file, made_from)
    if scene is None:
        progress(Event(STAGE, 0, 2, "Looking at the volumes; only the first correction of a run needs this"))
        scene = look(bundle, network, run.aligned.volumes, where)
        folder.write(file, partial(write_scene, scene, made_from=made_from))
    return Refiner(network, scene, run.segmentation.labels.grid, where)


def click_bundle(model: str, device: str = "auto") -> Bundle:
    """A model that answers clicks.

    Raises:
        ModelError: not found, or of another kind.
    """
    try:
        bundle = load_bundle(model, device)
    except ModelError as error:
        if model != MODEL or "There is no model" not in error.message:
            raise
        raise ModelError("No model that answers clicks is installed.", "Copy the model 'refine' here.") from error
    if not bundle.answers_clicks:
        raise ModelError(f"The model {bundle.name!r} does not answer clicks.", f"Use the model {MODEL!r}.")
    return bundle


def _segment(run: FinishedRun, segment: str, new: str) -> SegmentClass:
    """The class to correct or to add."""
    if bool(segment) == bool(new):
        raise InputError(
            "It is not said which segment is meant.", "Name one that exists with 'segment', or one to add with 'new'."
        )
    classes = run.segmentation.classes
    for entry in classes:
        if entry.name.lower() == (segment or new).lower():
            return entry
    if segment:
        raise InputError(f"The run has no segment {segment!r}.", "Give its name as Slicer shows it, or add it as new.")
    value = max([FIRST_NEW_VALUE - 1, *(entry.value for entry in classes if entry.value >= FIRST_NEW_VALUE)]) + 1
    return SegmentClass(new, value, NEW_COLORS[(value - FIRST_NEW_VALUE) % len(NEW_COLORS)], "", "")


def _so_far(run: FinishedRun, entry: SegmentClass, prompts: Prompts) -> tuple[Prompts, np.ndarray]:
    """What was said near the new prompts before, with them; and the mask so far, neighbors' voxels included."""
    mine = [one for one in run.folder.record.get(HISTORY, []) if one["value"] == entry.value]
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


def _edited(path: Path, run: FinishedRun) -> np.ndarray:
    """A mask that was edited elsewhere, bool (k, j, i)."""
    mask = read_labels(path)
    if mask.array.shape != run.segmentation.labels.array.shape:
        raise InputError(f"{path} is not on the grid of the run.", "Save it with the reference volume as reference.")
    return mask.array > 0


def _keep(
    run: FinishedRun,
    entry: SegmentClass,
    prompts: Prompts,
    mask: np.ndarray,
    allow_overwrite: bool,
    seconds: float,
    warnings: tuple[str, ...],
) -> Refined:
    """Write the corrected segmentation, and what is needed to undo it."""
    folder, old = run.folder, run.segmentation
    history = folder.record.setdefault(HISTORY, [])
    edit = put(old.labels.array, entry.value, mask, allow_overwrite=allow_overwrite)
    names = {one.value: one.name for one in old.classes}
    voxel_ml = old.labels.grid.voxel_ml
    withheld = {names.get(value, str(value)): count * voxel_ml for value, count in edit.withheld.items()}
    number = len(history) + 1
    files = {kind: f"{FOLDER}/{number:03d}-{kind}" for kind in ("before.seg.nrrd", "mask.nrrd")}
    whole = Volume(mask, old.labels.grid)
    folder.write(folder.path / files["before.seg.nrrd"], partial(shutil.copyfile, folder.segmentation))
    folder.write(folder.path / files["mask.nrrd"], partial(write_volume, whole))
    classes = old.classes if entry in old.classes else (*old.classes, entry)
    corrected = type(old)(labels=old.labels.with_array(edit.labels), classes=classes)
    folder.write(folder.segmentation, partial(write_segmentation, corrected))
    _segmentation_is_ours(run)
    history.append(
        {
            "segment": entry.name,
            "value": entry.value,
            "positive": np.asarray(prompts.positive).tolist(),
            "negative": np.asarray(prompts.negative).tolist(),
            "box": None if prompts.box is None else np.asarray(prompts.box).tolist(),
            "allow_overwrite": allow_overwrite,
            "added_ml": edit.added * voxel_ml,
            "removed_ml": edit.removed * voxel_ml,
            "before": files["before.seg.nrrd"],
            "mask": files["mask.nrrd"],
            "when": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        }
    )
    file = folder.path / files["mask.nrrd"]
    return Refined(entry, whole, file, edit.added * voxel_ml, edit.removed * voxel_ml, withheld, seconds, warnings)


def _segmentation_is_ours(run: FinishedRun) -> None:
    """The stage that made the segmentation is not to be done again because it was corrected."""
    folder: Any = run.folder
    name = folder.segmentation.relative_to(folder.path).as_posix()
    folder.record["stages"]["segment"]["files"][name] = checksum(folder.segmentation)
