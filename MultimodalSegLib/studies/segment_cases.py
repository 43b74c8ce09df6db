"""Segment every labelled case of a data set with one model or more, and list the results as a table to evaluate."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import InputError, MultimodalSegError
from ..images.io import write_volume
from ..inference.segmentation import Segmentation, SegmentClass
from ..models.bundle import Bundle, load_bundle
from ..pipeline import run_segment
from ..progress import Event, Progress, silent
from ..report.seg_nrrd import write_segmentation
from ..report.tables import Row, write_table
from ..run_folder import RunFolder
from ..segment_options import SegmentOptions
from ..training.data.adapters import read_data_set
from ..training.data.case import TrainingCase
from ..training.data.classes import LabelClass
from ..training.data.data_set import DataSet, read_label
from ..training.data.description import relative
from ..training.data.labels import LabelFile

TABLE = "table.csv"
HEAD = ("case", "patient", "model", "modalities", "prediction", "reference", "presence", "probability")
CLASS_COLOR = (128, 128, 128)


@dataclass(frozen=True)
class ModelRuns:
    """Which models segment what.

    Args:
        models: names or folders of bundles.
        data: folder, table or description of a data set with labels.
        alone: every modality of a case is segmented alone, too.
        registration: of images that are not aligned yet: ``"rigid"``, ``"affine"``, ``"bspline"`` or ``"none"``.
        device: ``"auto"``, ``"cpu"`` or ``"cuda"``.
        engine: ``"auto"``, ``"torch"`` or ``"openvino"``.
        threads: processor threads; None leaves it to the engines.
        memory_limit_mb: memory for the network in MiB; None for what is free.
    """

    models: tuple[str, ...]
    data: Path
    alone: bool = False
    registration: str = "rigid"
    device: str = "auto"
    engine: str = "auto"
    threads: int | None = None
    memory_limit_mb: int | None = None


def segment_data_set(
    runs: ModelRuns, out: Path, leave_out: bool = False, progress: Progress = silent
) -> tuple[Path, list[str]]:
    """Segment, or take up what an earlier call has segmented.

    Args:
        runs: what to do.
        out: gets ``runs/MODEL/CASE``, ``references/`` and the table.
        leave_out: a case that fails is left out and spoken of, instead of ending the work.
        progress: takes the events of the stage ``"segment"``.

    Returns:
        The table, and sentences about what was left out.

    Raises:
        InputError: no case has a label, or a model can use no image of a case.
        MultimodalSegError: a case cannot be segmented.
    """
    data_set = read_data_set(runs.data)
    bundles = [load_bundle(name, runs.device) for name in runs.models]
    if not data_set.labelled:
        raise InputError(f"No case of {runs.data} has a label.", "Give a data set with references.")
    rows: list[Row] = []
    references: dict[str, Path] = {}
    sentences = []
    unlabelled = len(data_set.cases) - len(data_set.labelled)
    if unlabelled:
        sentences.append(f"Cases of the data set without a label, left out: {unlabelled}.")
    work = [
        (bundle, title, case)
        for bundle, title in zip(bundles, _titles(bundles), strict=True)
        for case in data_set.labelled
    ]
    for number, (bundle, title, case) in enumerate(work):

        def tell(event: Event, at: int = number, name: str = f"{title}: {case.name}") -> None:
            progress(Event("segment", at, len(work), f"{name}, {event.stage}"))

        try:
            if case.name not in references:
                references[case.name] = _reference(case, data_set, out)
            rows += _rows(case, bundle, title, references[case.name], runs, out, tell)
        except MultimodalSegError as error:
            if not leave_out or error.kind == "cancelled":
                raise
            sentences.append(f"Left out, because it cannot be segmented: {title}, {case.name}. {error.message}")
    progress(Event("segment", len(work), len(work)))
    write_table((HEAD, rows), out / TABLE)
    return out / TABLE, sentences


def _titles(bundles: Sequence[Bundle]) -> list[str]:
    """Name and version of each model, and its folder where that is not enough."""
    titles = [f"{bundle.name} {bundle.version}" for bundle in bundles]
    return [
        f"{title} ({bundle.path.name})" if titles.count(title) > 1 else title
        for title, bundle in zip(titles, bundles, strict=True)
    ]


def _rows(
    case: TrainingCase, bundle: Bundle, title: str, reference: Path, runs: ModelRuns, out: Path, tell: Progress
) -> Iterator[Row]:
    """A row for all modalities together, and one for each alone if that is wanted."""
    usable = [name for name in case.images if _usable(bundle, name)]
    if not usable:
        raise InputError(
            f"The model {title!r} can use no image of the case {case.name!r} ({', '.join(case.images)}).",
            "Choose another model.",
        )
    folder = out / "runs" / _file_name(title)
    volumes = {name: _image(case, name, out) for name in usable}
    together = _run(case, volumes, folder / _file_name(case.name), bundle, runs, tell)
    yield _row(case, title, usable, together, reference, out)
    if runs.alone and len(usable) > 1:
        for name in usable:
            in_place = case.already_aligned or name == together.record["reference"]
            volume = volumes[name] if in_place else together.aligned(name)
            run = _run(case, {name: volume}, folder / _file_name(f"{case.name}.{name}"), bundle, runs, tell)
            yield _row(case, title, [name], run, reference, out)


def _run(
    case: TrainingCase, volumes: dict[str, Path], folder: Path, bundle: Bundle, runs: ModelRuns, tell: Progress
) -> RunFolder:
    lesion = bundle.metadata["lesion"]
    options = SegmentOptions(
        volumes,
        folder,
        reference=case.reference if case.reference in volumes else "",
        registration="none" if case.already_aligned else runs.registration,
        transforms={name: path for name, path in case.transforms.items() if name in volumes and len(volumes) > 1},
        model=str(bundle.path),
        probabilities=(lesion["name"],) if lesion else (),
        device=runs.device,
        engine=runs.engine,
        threads=runs.threads,
        memory_limit_mb=runs.memory_limit_mb,
        resume=True,
    )
    return run_segment(options, tell)


def _row(case: TrainingCase, title: str, modalities: Sequence[str], run: RunFolder, reference: Path, out: Path) -> Row:
    folder = out.absolute()
    presence = run.record["segmentation"]["lesion_presence"]
    maps = sorted((run.path / "probabilities").glob("*.nrrd"))
    return {
        "case": case.name,
        "patient": case.patient,
        "model": title,
        "modalities": "+".join(sorted(modalities)),
        "prediction": relative(run.segmentation, folder),
        "reference": relative(reference, folder),
        "presence": "" if presence is None else f"{presence:.6g}",
        "probability": relative(maps[0], folder) if maps else "",
    }


def _reference(case: TrainingCase, data_set: DataSet, out: Path) -> Path:
    """The label map of a case as a file; with the names of the classes, if they are known."""
    if not data_set.classes and isinstance(case.label, LabelFile):
        return case.label.path
    labels = read_label(case, case.images[case.reference].read())
    path = out / "references" / f"{_file_name(case.name)}.seg.nrrd"
    path.parent.mkdir(parents=True, exist_ok=True)
    classes = [part for entry in data_set.classes for part in _segment_classes(entry)]
    if not classes:
        write_volume(labels, path)
        return path
    known = np.where(np.isin(labels.array, [entry.value for entry in classes]), labels.array, 0).astype(np.uint16)
    write_segmentation(Segmentation(labels.with_array(known), tuple(classes)), path)
    return path


def _segment_classes(entry: LabelClass) -> Iterator[SegmentClass]:
    """A class of the data set as the model's classes are named: left and right apart."""
    group = "lesion" if entry.lesion else ""
    sides = (("", entry.value), ("left ", entry.left), ("right ", entry.right))
    for side, value in sides:
        if value is not None:
            yield SegmentClass(side + entry.name, value, CLASS_COLOR, "", group)


def _image(case: TrainingCase, name: str, out: Path) -> Path:
    """The file of an image; a part of a file or folder is written to one of its own."""
    image = case.images[name]
    if not image.part:
        return image.path
    path = out / "images" / f"{_file_name(case.name)}.{name}.nrrd"
    if not path.is_file():
        write_volume(image.read(), path)
    return path


def _usable(bundle: Bundle, modality: str) -> bool:
    try:
        bundle.family_index(modality)
    except InputError:
        return False
    return True


def _file_name(name: str) -> str:
    """A name that every file system takes."""
    return re.sub(r"[^\w.+-]+", "_", name).strip("._") or "case"
