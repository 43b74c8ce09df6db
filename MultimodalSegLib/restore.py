"""A finished run read back from its folder, to be explained, doubted, reported or refined."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .errors import InputError, ModelError
from .images.io import read_labels, read_volume
from .inference.segmentation import Segmentation
from .models.bundle import Bundle, load_bundle
from .registration.aligned import AlignedCase, Quality, Registration
from .registration.transform_file import read_transform
from .report.seg_nrrd import classes_in_file
from .run_folder import RunFolder

NEEDED = ("register", "segment")


@dataclass(frozen=True)
class FinishedRun:
    """What a run has left, and the model that it was made with.

    Args:
        folder: the run folder, to write more into.
        bundle: the model.
        aligned: the volumes on the reference grid.
        segmentation: the result, without probability maps.
    """

    folder: RunFolder
    bundle: Bundle
    aligned: AlignedCase
    segmentation: Segmentation


def open_run(path: Path | str, model: str = "") -> FinishedRun:
    """Read a run that has been segmented.

    Args:
        path: the run folder.
        model: name or folder of the model, where the one that the run names is not here anymore.

    Raises:
        InputError: no run folder, one of another format, one without a segmentation, or files changed since.
        ModelError: the model is missing, or is another one than the run was made with.
    """
    folder = RunFolder.open(Path(path))
    folder.verify()
    if not all(folder.has(stage) for stage in NEEDED):
        raise InputError(
            f"The run in {folder.path} has no segmentation.", "Finish it first: 'segment' with --resume goes on."
        )
    bundle = _bundle(folder, model)
    if bundle.checksum != folder.record["model"]["checksum"]:
        was = folder.record["model"]
        raise ModelError(
            f"The run in {folder.path} was made with other weights of {was['name']} {was['version']}.",
            "Give the folder of that model with --model, or segment again.",
        )
    return FinishedRun(folder, bundle, restored_alignment(folder), restored_segmentation(folder, bundle))


def _bundle(folder: RunFolder, model: str) -> Bundle:
    """The model that is asked for, or the one that the run names, by folder or by name."""
    if model:
        return load_bundle(model)
    was = folder.record["model"]
    return load_bundle(was["path"] if Path(was["path"]).is_dir() else was["name"])


def restored_alignment(run: RunFolder) -> AlignedCase:
    """The result of the stage ``"register"`` as the run folder holds it."""
    registrations = {}
    for name, entry in run.record["registration"].items():
        transform = read_transform(run.transforms[name])
        registrations[name] = Registration(transform, Quality.of(entry), entry["kind"], entry["seconds"])
    volumes = {name: read_volume(run.aligned(name)) for name in run.record["inputs"]}
    return AlignedCase(volumes, run.record["reference"], registrations, run.record["coverage"])


def restored_segmentation(run: RunFolder, bundle: Bundle) -> Segmentation:
    """The result of the stage ``"segment"`` as the run folder holds it, with added segments, without probabilities."""
    entry, known = run.record["segmentation"], bundle.classes()
    values = {one.value for one in known}
    added = tuple(one for one in classes_in_file(run.segmentation) if one.value not in values)
    return Segmentation(
        labels=read_labels(run.segmentation),
        classes=known + added,
        lesion_presence=entry["lesion_presence"],
        modality_weights=entry["modality_weights"],
        model={key: run.record["model"][key] for key in ("name", "version", "checksum")},
        device=run.record["device"],
        windows=entry["windows"],
        seconds=entry["network_seconds"],
        warnings=tuple(entry["warnings"]),
    )
