"""What is handed to the child process: volumes as NRRD files, known transforms, and the command line.

Nodes are looked at in the application's main thread (:func:`plan`, milliseconds), the files are written in a thread
(:func:`write`, which needs no node). Files are in the reference volume's own space: what parent transforms do to the
others is in the geometry of their files.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from ...errors import InputError, OutputError
from ...images.case import MODALITIES
from ...images.point_file import write_points
from ...images.synthetic import CHOICE, TAG, UNNAMED
from ...registration.landmarks import Landmarks
from ..scene.nodes import LPS_TO_RAS, Node
from ..scene.transforms import matrix_between, transform_file
from ..scene.volume_input import Input, cropped, placed, volume_input
from ..text import _
from .nrrd import write_nrrd


@dataclass(frozen=True)
class Plan:
    """What a run is given.

    Args:
        inputs: by modality, the reference first.
        transforms: files of known transforms by modality, written already.
        placements: by moving modality the 4x4 matrix (RAS) from the volume to the reference's space that its file
            already contains, the identity if it has no transform; missing for a volume with a known transform.
        trusted: volumes whose transform in the scene is used as it is.
        landmarks: files of landmarks by moving modality, in the reference and in that volume's file, written already.
    """

    inputs: Mapping[str, Input]
    transforms: Mapping[str, Path] = field(default_factory=dict)
    placements: Mapping[str, np.ndarray] = field(default_factory=dict)
    trusted: frozenset[str] = frozenset()
    landmarks: Mapping[str, tuple[Path, Path]] = field(default_factory=dict)


def plan(
    reference: tuple[str, Node],
    moving: Mapping[str, Node],
    folder: Path,
    *,
    registration: str = "rigid",
    transforms: Mapping[str, Node | str | Path] | None = None,
    landmarks: Mapping[str, Landmarks] | None = None,
    roi: Node | None = None,
) -> Plan:
    """Look at the nodes; only small files of transforms and landmarks are written.

    Args:
        reference: modality and volume node.
        moving: volume nodes by modality.
        folder: where these files go.
        registration: as in :class:`~MultimodalSegLib.segment_options.SegmentOptions`.
        transforms: by modality a transform node that takes the volume (without its parent transform) to the
            reference in the scene, or a file as the command line takes it.
        landmarks: by modality places in the reference and in that volume, each in the volume's own space.
        roi: markups ROI; the reference is cropped to the voxels inside it.

    Raises:
        InputError: a volume, transform or region that cannot be used.
    """
    name, node = reference
    known = dict(transforms or {})
    pairs = dict(landmarks or {})
    _check_names(name, moving, (*known, *pairs))
    inputs = {name: cropped(volume_input(node), node, roi)}
    files: dict[str, Path] = {}
    placements: dict[str, np.ndarray] = {}
    trusted: set[str] = set()
    for modality, volume in moving.items():
        own = volume_input(volume)
        if modality in known:
            given = known[modality]
            at = folder / f"{modality}.h5"
            files[modality] = Path(given) if isinstance(given, (str, Path)) else transform_file(given, at, node)
            inputs[modality] = own
            continue
        placement = matrix_between(volume.GetParentTransformNode(), node.GetParentTransformNode())
        grid = None if placement is None else placed(own.grid, placement)
        if grid is not None and placement is not None:
            inputs[modality], placements[modality] = replace(own, grid=grid), placement
        elif registration == "none":
            files[modality] = transform_file(volume.GetParentTransformNode(), folder / f"{modality}.h5", node)
            inputs[modality] = own
            trusted.add(modality)
        else:
            raise InputError(
                _("The volume {name} lies under a transform that bends or shears it.").format(name=volume.GetName()),
                _("Harden the transform, or choose no registration to use it as it is."),
            )
    points = {key: _landmark_files(value, placements.get(key), folder, key) for key, value in pairs.items()}
    return Plan(inputs, files, placements, frozenset(trusted), points)


def write(planned: Plan, folder: Path) -> dict[str, Path]:
    """Write the volumes; touches no node, so that it may run in a thread.

    Returns:
        The file of each modality.

    Raises:
        OutputError: the disk is full, or the folder cannot be written.
    """
    files = {}
    needed = sum(entry.array.nbytes for entry in planned.inputs.values())
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(folder).free < needed:
            raise OutputError(
                _("The temporary folder {folder} has no room for {size:.0f} MB.").format(
                    folder=folder, size=needed / 1e6
                ),
                _("Free some space there, or choose another folder in the application settings."),
            )
        for name, entry in planned.inputs.items():
            files[name] = folder / f"{name}.nrrd"
            write_nrrd(entry.array, entry.grid, files[name], {TAG: UNNAMED} if entry.synthetic else None)
    except OSError as error:
        raise OutputError(
            _("The temporary folder {folder} cannot be written: {reason}.").format(
                folder=folder, reason=error.strerror or error
            ),
            _("Free some space there, or choose another folder in the application settings."),
        ) from error
    return files


def segment_arguments(
    files: Mapping[str, Path],
    out: Path,
    *,
    reference: str,
    registration: str = "rigid",
    transforms: Mapping[str, Path] | None = None,
    landmarks: Mapping[str, tuple[Path, Path]] | None = None,
    model: str = "default",
    probabilities: Sequence[str] = (),
    device: str = "auto",
    threads: int | None = None,
    memory_limit_mb: int | None = None,
    synthetic_detail: bool = False,
) -> list[str]:
    """The command line of a run: the command and its options, without the interpreter and ``--events``."""
    arguments = ["segment", "--out", str(out), "--reference", reference, "--registration", registration]
    arguments += ["--model", model, "--device", device]
    for name, file in files.items():
        arguments += [f"--{name.lower()}", str(file)]
    for name, file in (transforms or {}).items():
        arguments += ["--transform", f"{name}={file}"]
    for name, (fixed, moving) in (landmarks or {}).items():
        arguments += ["--landmarks", f"{name}={fixed},{moving}"]
    for name in probabilities:
        arguments += ["--probabilities", name]
    if threads is not None:
        arguments += ["--threads", str(threads)]
    if memory_limit_mb is not None:
        arguments += ["--memory-limit", str(memory_limit_mb)]
    return [*arguments, CHOICE] if synthetic_detail else arguments


def _landmark_files(pairs: Landmarks, placement: np.ndarray | None, folder: Path, name: str) -> tuple[Path, Path]:
    """The landmarks of one volume as files; those in the volume where the file of the volume has it."""
    moving = pairs.moving
    if placement is not None:
        lps = LPS_TO_RAS @ placement @ LPS_TO_RAS
        moving = moving @ lps[:3, :3].T + lps[:3, 3]
    folder.mkdir(parents=True, exist_ok=True)
    files = folder / f"{name}_landmarks_fixed.csv", folder / f"{name}_landmarks_moving.csv"
    for points, file in zip((pairs.fixed, moving), files, strict=True):
        write_points(points, file)
    return files


def _check_names(reference: str, moving: Mapping[str, Node], known: Sequence[str]) -> None:
    for name in (reference, *moving):
        if name not in MODALITIES:
            raise InputError(
                _("Unknown modality {name!r}.").format(name=name),
                _("Use one of {names}.").format(names=", ".join(MODALITIES)),
            )
    if reference in moving:
        raise InputError(
            _("Two volumes have the modality {name}.").format(name=reference),
            _("Correct the modality of one of them."),
        )
    for name in known:
        if name not in moving:
            raise InputError(
                _("A transform, or landmarks, are given for {name}, which is not a moving volume.").format(name=name),
                _("Choose the moving volume again."),
            )
