"""The scene of one run: the volumes as they came, the transforms that bring them together, and the segmentation."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ...checksum import checksum
from ...errors import InputError, OutputError
from ...images.io import read_volume
from ...run_folder import RunFolder
from ..headless import start_scene, vtk_errors
from ..packages import slicer
from ..scene.nodes import Node, attach_to_reference, hierarchy_item, set_provenance, transform_node, volume_node


@dataclass(frozen=True)
class CaseNodes:
    """Nodes of one case in the scene.

    Args:
        reference: the reference volume, or None if neither its file nor its copy in the run folder can be read.
        moving: the other volumes by modality; each lies under its transform node, if it has one.
        transforms: transform nodes by modality.
        segmentation: the segmentation, or None if the run has not come so far.
        missing: sentences about what could not be shown as it should be.
    """

    reference: Node | None
    moving: Mapping[str, Node] = field(default_factory=dict)
    transforms: Mapping[str, Node] = field(default_factory=dict)
    segmentation: Node | None = None
    missing: tuple[str, ...] = ()


def build_scene(folder: str | Path, name: str = "Case") -> CaseNodes:
    """Load a run folder into the scene, however far the run has come.

    Moving volumes are the original files under their transform, nothing is resampled. Where an original is gone or was
    changed since, its resampled copy from the run folder takes its place. In the subject hierarchy everything lies
    under the patient ``name`` and one study.

    Args:
        folder: a run folder with at least ``run.json``.
        name: name of the patient folder; no patient data are taken over.

    Returns:
        The nodes, and sentences about what is missing.

    Raises:
        InputError: not a run folder, or not one volume of it can be read.
        MissingPackageError: slicer-core is not installed.
    """
    start_scene()
    run = RunFolder.open(Path(folder))
    reference_name = run.record["reference"]
    study = _study_item(name)
    volumes: dict[str, Node] = {}
    transforms: dict[str, Node] = {}
    missing: list[str] = []
    for modality in sorted(run.record["inputs"], key=lambda name: name != reference_name):  # the reference first
        node, original = _load_volume(run, modality, missing)
        if node is None:
            continue
        volumes[modality] = node
        _put_under(study, node)
        if original and modality in run.transforms:
            transforms[modality] = _load_transform(run, modality)
            node.SetAndObserveTransformNodeID(transforms[modality].GetID())
            _put_under(study, transforms[modality])
    if not volumes:
        raise InputError(f"No volume of the run in {run.path} can be read.", "Bring the input files back.")
    reference = volumes.pop(reference_name, None)
    segmentation = _load_segmentation(run, reference, study, missing)
    return CaseNodes(reference, volumes, transforms, segmentation, tuple(missing))


def save_mrb(path: str | Path) -> None:
    """Save the scene as one file; it appears whole or not at all.

    Closed surfaces are removed before, as Slicer makes them again in seconds, and a file that holds them opens slowly.

    Args:
        path: a file name ending in ``.mrb``.

    Raises:
        ValueError: another ending.
        OutputError: the file cannot be written.
    """
    target = Path(path)
    if target.suffix != ".mrb":
        raise ValueError(f"a scene file must end in .mrb, not {target.name!r}")
    for node in slicer.util.getNodesByClass("vtkMRMLSegmentationNode"):
        node.GetSegmentation().RemoveRepresentation("Closed surface")
    hint = "Check that the folder exists, that you may write there, and that the disk is not full."
    try:
        with tempfile.TemporaryDirectory(prefix=".partial-", dir=target.parent) as folder, vtk_errors() as errors:
            partial = Path(folder) / target.name
            if not slicer.util.saveScene(str(partial), {}) or errors:
                reason = errors[0].strip().splitlines()[-1] if errors else "Slicer gives no reason"
                raise OutputError(f"The scene cannot be saved as {target} ({reason}).", hint)
            os.replace(partial, target)
    except OSError as error:
        raise OutputError(f"The scene cannot be saved as {target} ({error.strerror or error}).", hint) from error


def _load_volume(run: RunFolder, modality: str, missing: list[str]) -> tuple[Node | None, bool]:
    """The volume as it came (True), or else its copy on the reference grid (False), or else None."""
    entry = run.record["inputs"][modality]
    path = Path(entry["path"])
    try:
        if entry.get("sha256", "") not in ("", checksum(path)):
            raise InputError(f"{path} was changed after the run.")
        return volume_node(read_volume(path), modality, modality), True
    except InputError as error:
        missing.append(f"The {modality} volume is not shown as it came: {error.message}")
    try:
        return volume_node(read_volume(run.aligned(modality)), f"{modality} aligned", modality), False
    except InputError:
        return None, False


def _load_transform(run: RunFolder, modality: str) -> Node:
    import SimpleITK as sitk

    path = run.transforms[modality]
    try:
        transform = sitk.ReadTransform(str(path))
    except RuntimeError as error:
        raise InputError(f"{path} is not a transform file.", "Run the registration again.") from error
    return transform_node(transform, f"{modality} to {run.record['reference']}")


def _load_segmentation(run: RunFolder, reference: Node | None, study: int, missing: list[str]) -> Node | None:
    if not run.segmentation.is_file():
        missing.append("The run has no segmentation yet.")
        return None
    try:
        node = slicer.util.loadSegmentation(str(run.segmentation), {})
    except RuntimeError as error:
        raise InputError(f"{run.segmentation} cannot be opened.", "Delete it and go on with --resume.") from error
    node.SetName("Segmentation")
    if reference is not None:
        attach_to_reference(node, reference)
    _put_under(study, node)
    model = {key: value for key, value in run.record.get("model", {}).items() if key != "path"}
    seconds = run.record.get("segmentation", {}).get("network_seconds", "")
    set_provenance(node, {**model, "device": run.record.get("device", ""), "seconds": seconds})
    return node


def _study_item(name: str) -> int:
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    patient = hierarchy.CreateSubjectItem(hierarchy.GetSceneItemID(), name)
    study: int = hierarchy.CreateStudyItem(patient, "Study")
    return study


def _put_under(item: int, node: Node) -> None:
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    hierarchy.SetItemParent(hierarchy_item(node), item)
