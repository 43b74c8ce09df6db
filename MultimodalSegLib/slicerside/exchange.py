"""What is handed to the child process: volumes as NRRD files, known transforms, and the command line.

Nodes are looked at in the application's main thread (:func:`plan`, milliseconds), the files are written in a thread
(:func:`write`, which needs no node). Files are in the reference volume's own space: what parent transforms do to the
others is in the geometry of their files.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..errors import InputError, OutputError
from ..images.case import MODALITIES
from ..images.grid import Grid
from .nodes import LPS_TO_RAS, Node
from .packages import slicer, vtk
from .text import _

LEAST_REGION_MM = 16.0
"""Least extent of a region of interest along each axis of the volume; a smaller one shows nothing to segment."""
SHEAR_TOLERANCE = 1e-4

NRRD_TYPES = {
    "int8": "int8",
    "uint8": "uint8",
    "int16": "int16",
    "uint16": "uint16",
    "int32": "int32",
    "uint32": "uint32",
    "float32": "float",
    "float64": "double",
}


@dataclass(frozen=True)
class Input:
    """One volume to write: the node's own voxels (not copied), shape (k, j, i), and where they are."""

    array: np.ndarray
    grid: Grid


@dataclass(frozen=True)
class Plan:
    """What a run is given.

    Args:
        inputs: by modality, the reference first.
        transforms: files of known transforms by modality, written already.
        placements: by moving modality the 4x4 matrix (RAS) from the volume to the reference's space that its file
            already contains, the identity if it has no transform; missing for a volume with a known transform.
        trusted: volumes whose transform in the scene is used as it is.
    """

    inputs: Mapping[str, Input]
    transforms: Mapping[str, Path] = field(default_factory=dict)
    placements: Mapping[str, np.ndarray] = field(default_factory=dict)
    trusted: frozenset[str] = frozenset()


def plan(
    reference: tuple[str, Node],
    moving: Mapping[str, Node],
    folder: Path,
    *,
    registration: str = "rigid",
    transforms: Mapping[str, Node | str | Path] | None = None,
    roi: Node | None = None,
) -> Plan:
    """Look at the nodes; only small transform files are written.

    Args:
        reference: modality and volume node.
        moving: volume nodes by modality.
        folder: where transform files go.
        registration: as in :class:`~MultimodalSegLib.segment_options.SegmentOptions`.
        transforms: by modality a transform node that takes the volume (without its parent transform) to the
            reference in the scene, or a file as the command line takes it.
        roi: markups ROI; the reference is cropped to the voxels inside it.

    Raises:
        InputError: a volume, transform or region that cannot be used.
    """
    name, node = reference
    known = dict(transforms or {})
    _check_names(name, moving, known)
    inputs = {name: _cropped(volume_input(node), node, roi)}
    files: dict[str, Path] = {}
    placements: dict[str, np.ndarray] = {}
    trusted: set[str] = set()
    for modality, volume in moving.items():
        own = volume_input(volume)
        if modality in known:
            files[modality] = _transform_file(known[modality], node, folder / f"{modality}.h5")
            inputs[modality] = own
            continue
        placement = _matrix_between(volume.GetParentTransformNode(), node.GetParentTransformNode())
        placed = None if placement is None else _placed(own.grid, placement)
        if placed is not None and placement is not None:
            inputs[modality], placements[modality] = Input(own.array, placed), placement
        elif registration == "none":
            files[modality] = _transform_file(volume.GetParentTransformNode(), node, folder / f"{modality}.h5")
            inputs[modality] = own
            trusted.add(modality)
        else:
            raise InputError(
                _("The volume {name} lies under a transform that bends or shears it.").format(name=volume.GetName()),
                _("Harden the transform, or choose no registration to use it as it is."),
            )
    return Plan(inputs, files, placements, frozenset(trusted))


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
            write_nrrd(entry.array, entry.grid, files[name])
    except OSError as error:
        raise OutputError(
            _("The temporary folder {folder} cannot be written: {reason}.").format(
                folder=folder, reason=error.strerror or error
            ),
            _("Free some space there, or choose another folder in the application settings."),
        ) from error
    return files


def write_nrrd(array: np.ndarray, grid: Grid, path: Path) -> None:
    """Write voxels as they are: uncompressed, slice by slice, so that Python's other threads go on meanwhile."""
    if array.dtype in (np.int64, np.uint64):  # MRML has them, ITK's readers differ about them
        array = array.astype(np.float64)
    vectors = grid.affine[:3, :3].T
    fields = {
        "type": NRRD_TYPES[array.dtype.name],
        "dimension": "3",
        "space": "left-posterior-superior",
        "sizes": " ".join(map(str, grid.size)),
        "space directions": " ".join(_vector(row) for row in vectors),
        "kinds": "domain domain domain",
        "endian": "little",
        "encoding": "raw",
        "space origin": _vector(np.asarray(grid.origin)),
    }
    little = array.dtype.newbyteorder("<")
    with path.open("wb") as file:
        file.write(("NRRD0004\n" + "".join(f"{key}: {text}\n" for key, text in fields.items()) + "\n").encode("ascii"))
        for plane in array:
            file.write(np.ascontiguousarray(plane, little).data.cast("B"))


def segment_arguments(
    files: Mapping[str, Path],
    out: Path,
    *,
    reference: str,
    registration: str = "rigid",
    transforms: Mapping[str, Path] | None = None,
    model: str = "default",
    probabilities: Sequence[str] = (),
    device: str = "auto",
    threads: int | None = None,
    memory_limit_mb: int | None = None,
) -> list[str]:
    """The command line of a run: the command and its options, without the interpreter and ``--events``."""
    arguments = ["segment", "--out", str(out), "--reference", reference, "--registration", registration]
    arguments += ["--model", model, "--device", device]
    for name, file in files.items():
        arguments += [f"--{name.lower()}", str(file)]
    for name, file in (transforms or {}).items():
        arguments += ["--transform", f"{name}={file}"]
    for name in probabilities:
        arguments += ["--probabilities", name]
    if threads is not None:
        arguments += ["--threads", str(threads)]
    if memory_limit_mb is not None:
        arguments += ["--memory-limit", str(memory_limit_mb)]
    return arguments


def volume_input(node: Node) -> Input:
    """A volume node's voxels and grid, parent transforms left aside.

    Raises:
        InputError: no voxels, several values a voxel, or a grid that files cannot hold.
    """
    image = None if node is None else node.GetImageData()
    name = "" if node is None else node.GetName()
    if image is None or image.GetPointData().GetScalars() is None:
        raise InputError(_("The volume {name} has no voxels.").format(name=name), _("Load the volume again."))
    if image.GetNumberOfScalarComponents() != 1:
        raise InputError(
            _("The volume {name} has several values in each voxel (colors or vectors).").format(name=name),
            _("Choose a scalar volume."),
        )
    array = slicer.util.arrayFromVolume(node)
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    grid = _grid(LPS_TO_RAS @ slicer.util.arrayFromVTKMatrix(matrix), (array.shape[2], array.shape[1], array.shape[0]))
    if grid is None:
        raise InputError(
            _("The slices of the volume {name} are sheared (tilted gantry).").format(name=name),
            _("Resample it first, for example with the module Crop Volume."),
        )
    return Input(array, grid)


def crop_box(points: np.ndarray, grid: Grid) -> tuple[slice, slice, slice]:
    """Slices (k, j, i) of the voxels in the smallest box around some points (n, 3), LPS mm; may be empty."""
    index = (points - grid.affine[:3, 3]) @ np.linalg.inv(grid.affine[:3, :3]).T
    low = np.maximum(np.ceil(index.min(axis=0) - 1e-6), 0).astype(int)
    high = np.minimum(np.floor(index.max(axis=0) + 1e-6) + 1, grid.size).astype(int)
    i, j, k = (slice(int(a), max(int(a), int(b))) for a, b in zip(low, high, strict=True))
    return k, j, i


def _cropped(volume: Input, node: Node, roi: Node | None) -> Input:
    if roi is None:
        return volume
    signs = np.array([[1.0 if (n >> axis) & 1 else -1.0 for axis in range(3)] for n in range(8)])
    in_roi = np.c_[signs * np.array(roi.GetSize()) / 2, np.ones(8)] @ _object_to_node(roi).T
    to_local = vtk.vtkGeneralTransform()
    slicer.vtkMRMLTransformNode.GetTransformBetweenNodes(
        roi.GetParentTransformNode(), node.GetParentTransformNode(), to_local
    )
    points = np.array([to_local.TransformPoint(point) for point in in_roi[:, :3].tolist()])
    box = crop_box(points @ LPS_TO_RAS[:3, :3], volume.grid)
    array = volume.array[box]
    extent = np.array(array.shape[::-1]) * volume.grid.spacing
    if min(extent) < LEAST_REGION_MM:
        raise InputError(
            _("The region {name} holds only {size} mm of the reference volume.").format(
                name=roi.GetName(), size=" x ".join(f"{length:.0f}" for length in extent)
            ),
            _("Move or enlarge the region."),
        )
    start = np.array([box[2].start, box[1].start, box[0].start, 1.0])
    origin = (volume.grid.affine @ start)[:3]
    k, j, i = array.shape
    first = (float(origin[0]), float(origin[1]), float(origin[2]))
    return Input(array, Grid((i, j, k), volume.grid.spacing, first, volume.grid.direction))


def _object_to_node(roi: Node) -> np.ndarray:
    matrix: np.ndarray = slicer.util.arrayFromVTKMatrix(roi.GetObjectToNodeMatrix())
    return matrix


def _check_names(reference: str, moving: Mapping[str, Node], known: Mapping[str, object]) -> None:
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
                _("A transform is given for {name}, which is not a moving volume.").format(name=name),
                _("Choose the moving volume again."),
            )


def _matrix_between(source: Node | None, target: Node | None) -> np.ndarray | None:
    """4x4 (RAS) from the space under one transform node to that under another, None if it is not linear."""
    general = vtk.vtkGeneralTransform()
    slicer.vtkMRMLTransformNode.GetTransformBetweenNodes(source, target, general)
    linear = vtk.vtkTransform()
    if not slicer.vtkMRMLTransformNode.IsGeneralTransformLinear(general, linear):
        return None
    found: np.ndarray = slicer.util.arrayFromVTKMatrix(linear.GetMatrix())
    return found


def _placed(grid: Grid, placement: np.ndarray) -> Grid | None:
    """The grid where a matrix (RAS) puts it, None if its axes are then no longer at right angles."""
    if np.allclose(placement, np.eye(4), atol=1e-12):
        return grid
    return _grid(LPS_TO_RAS @ placement @ LPS_TO_RAS @ grid.affine, grid.size)


def _grid(affine: np.ndarray, size: tuple[int, int, int]) -> Grid | None:
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    axes = affine[:3, :3] / spacing
    if not np.allclose(axes.T @ axes, np.eye(3), atol=SHEAR_TOLERANCE):
        return None
    x, y, z = map(float, spacing)
    p, q, r = map(float, affine[:3, 3])
    return Grid(size, (x, y, z), (p, q, r), tuple(map(float, axes.ravel())))


def _transform_file(given: Node | str | Path, reference: Node, path: Path) -> Path:
    """A transform file (reference points to moving points, LPS) of a node, or the one that is given."""
    if isinstance(given, (str, Path)):
        return Path(given)
    node, general = slicer.vtkMRMLTransformNode(), vtk.vtkGeneralTransform()
    slicer.vtkMRMLTransformNode.GetTransformBetweenNodes(given, reference.GetParentTransformNode(), general)
    node.SetAndObserveTransformToParent(general)
    storage = slicer.vtkMRMLTransformStorageNode()
    storage.SetFileName(str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    if not storage.WriteData(node) or not path.is_file():
        raise InputError(
            _("The transform {name} cannot be handed over.").format(name=given.GetName()),
            _("Choose another transform, or a registration."),
        )
    return path


def _vector(numbers: np.ndarray) -> str:
    return "(" + ",".join(repr(float(number)) for number in numbers) + ")"
