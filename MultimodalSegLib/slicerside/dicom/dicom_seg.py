"""A segmentation as a DICOM SEG object: what is missing for it, and writing it.

In the application Slicer's own plug-in writes it; where that is not there, highdicom does.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import InputError, MissingPackageError, OutputError
from ...report.dicom.terms import parse_terminology
from ..packages import slicer, vtk
from ..scene.nodes import Node, hierarchy_item
from ..scene.segments import labels_from_segmentation, segment_value
from ..text import _

PLUGIN = "DICOMSegmentationPlugin"
ALGORITHM = "MultimodalSeg"
ALGORITHM_TYPE = "DICOM.SegmentAlgorithmType"
SERIES_DESCRIPTION = "MultimodalSeg (research use)"


def missing_for_export(segmentation: Node) -> list[str]:
    """Why a segmentation cannot be written as DICOM SEG, as sentences with the way out; empty if it can.

    Args:
        segmentation: segmentation node; nothing is changed.
    """
    identifiers = list(segmentation.GetSegmentation().GetSegmentIDs())
    if not identifiers:
        return [_("The segmentation has no segments.")]
    reference = reference_volume(segmentation)
    if reference is None:
        return [_("The segmentation does not say which volume it belongs to; set it in the Segmentations module.")]
    sentences = _missing_of_reference(reference)
    if segmentation.GetTransformNodeID() != reference.GetTransformNodeID():
        sentences.append(_("Segmentation and reference lie under different transforms; put them under the same one."))
    nameless = [
        segment.GetName()
        for segment in map(segmentation.GetSegmentation().GetSegment, identifiers)
        if parse_terminology(segment.GetTerminology() or "") is None
    ]
    if nameless:
        sentences.append(
            _("No terminology is set for {names}; set it in the Segment Editor.").format(names=", ".join(nameless[:3]))
        )
    if not writers():
        sentences.append(_("Neither Slicer's plug-in for DICOM segmentations nor highdicom is installed."))
    return sentences


def writers() -> tuple[str, ...]:
    """What can write DICOM SEG here: ``"slicer"`` (its plug-in), ``"highdicom"``; the preferred one first."""
    found = ("slicer", PLUGIN), ("highdicom", "highdicom")
    return tuple(name for name, module in found if importlib.util.find_spec(module) is not None)


def export(segmentation: Node, folder: str | Path, *, writer: str = "") -> Path:
    """Write a segmentation as one DICOM file and put it into Slicer's DICOM database.

    Segments without voxels are left out. Takes seconds.

    Args:
        segmentation: segmentation node for which :func:`missing_for_export` is empty.
        folder: an existing folder.
        writer: one of :func:`writers`; the first of them if empty.

    Returns:
        The file.

    Raises:
        InputError: something is missing.
        OutputError: it cannot be written.
    """
    sentences = missing_for_export(segmentation)
    if sentences:
        raise InputError(sentences[0], " ".join(sentences[1:]) or _("DICOM SEG needs a reference from DICOM."))
    chosen = writer or writers()[0]
    if chosen not in writers():
        raise MissingPackageError(_("{name} is not installed.").format(name=chosen), _("Use another writer."))
    plain = re.sub(r"[^A-Za-z0-9]+", "_", segmentation.GetName()).strip("_") or "Segmentation"
    path = Path(folder) / f"SEG_{plain}_{datetime.now():%Y%m%d_%H%M%S}.dcm"
    place_and_tag(segmentation)
    try:
        if chosen == "slicer":
            _with_plugin(segmentation, path)
        else:
            _with_highdicom(segmentation, path)
    except (OSError, RuntimeError, ValueError, AttributeError, TypeError, KeyError) as error:  # incomplete DICOM
        path.unlink(missing_ok=True)
        last = (str(error).strip().splitlines() or [type(error).__name__])[-1]
        raise OutputError(
            _("The DICOM file cannot be written: {reason}").format(reason=last),
            _("Check the folder, its rights and the free space, or export by hand in the Data module."),
        ) from error
    database = _database()
    if database is not None and hasattr(database, "insert"):
        database.insert(str(path))
    return path


def reference_volume(segmentation: Node) -> Node | None:
    """The volume on whose grid a segmentation was made."""
    return segmentation.GetNodeReference(segmentation.GetReferenceImageGeometryReferenceRole())


def place_and_tag(segmentation: Node) -> None:
    """Put the segmentation beside its reference in the subject hierarchy and say in its segments who made them."""
    reference = reference_volume(segmentation)
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    hierarchy.SetItemParent(hierarchy_item(segmentation), hierarchy.GetItemParent(hierarchy_item(reference)))
    model = segmentation.GetAttribute("MultimodalSeg.Model") or ""
    for identifier in segmentation.GetSegmentation().GetSegmentIDs():
        segment = segmentation.GetSegmentation().GetSegment(identifier)
        if not segment.HasTag(ALGORITHM_TYPE):
            segment.SetTag(ALGORITHM_TYPE, "AUTOMATIC")
        if not segment.HasTag("DICOM.SegmentAlgorithmName"):
            segment.SetTag("DICOM.SegmentAlgorithmName", " ".join(filter(None, (ALGORITHM, model))))


def source_files(reference: Node) -> list[Path]:
    """The DICOM files of a volume, as far as the database has them."""
    database = _database()
    identifiers = (reference.GetAttribute("DICOM.instanceUIDs") or "").split()
    if database is None:
        return []
    found = (database.fileForInstance(identifier) for identifier in identifiers)
    return [Path(file) for file in found if file and Path(file).is_file()]


def _missing_of_reference(reference: Node) -> list[str]:
    name = reference.GetName()
    identifiers = (reference.GetAttribute("DICOM.instanceUIDs") or "").split()
    if not identifiers:
        text = _("The reference volume {name} was not loaded from DICOM; load it with the DICOM module.")
        return [text.format(name=name)]
    there = len(source_files(reference))
    if there < len(identifiers):
        text = _("{count} of the {total} DICOM files of {name} are not in Slicer's DICOM database; import them again.")
        return [text.format(count=len(identifiers) - there, total=len(identifiers), name=name)]
    return []


def _database() -> Any:
    """Slicer's DICOM database, or None where there is none."""
    return getattr(slicer, "dicomDatabase", None)


def _with_plugin(segmentation: Node, path: Path) -> None:
    exporter = importlib.import_module(PLUGIN).DICOMSegmentationExporter(segmentation)
    try:
        exporter.export(str(path.parent), path.name, {"SeriesDescription": SERIES_DESCRIPTION}, skipEmpty=True)
    finally:
        exporter.cleanup()
    if not path.is_file():
        raise RuntimeError(_("Slicer's plug-in wrote no file."))


def _with_highdicom(segmentation: Node, path: Path) -> None:
    from ...report.dicom.seg import SegmentInfo, seg_dataset

    reference = reference_volume(segmentation)
    assert reference is not None  # missing_for_export has looked
    matrix = vtk.vtkMatrix4x4()
    reference.GetIJKToRASMatrix(matrix)
    affine = np.diag([-1.0, -1.0, 1.0, 1.0]) @ slicer.util.arrayFromVTKMatrix(matrix)
    labels = labels_from_segmentation(segmentation, reference)
    segments = []
    for identifier in segmentation.GetSegmentation().GetSegmentIDs():
        segment = segmentation.GetSegmentation().GetSegment(identifier)
        term = parse_terminology(segment.GetTerminology())
        assert term is not None
        value = segment_value(segmentation, identifier)
        kind = vtk.reference("")
        segment.GetTag(ALGORITHM_TYPE, kind)
        corrected = str(kind) != "AUTOMATIC"
        segments.append(SegmentInfo(segment.GetName(), value, segment.GetColor(), term, corrected=corrected))
    model = {key: segmentation.GetAttribute(f"MultimodalSeg.{key}") or "" for key in ("Model", "Version")}
    dataset = seg_dataset(
        labels,
        affine,
        source_files(reference),
        segments,
        algorithm=" ".join(filter(None, (ALGORITHM, model["Model"]))),
        version=model["Version"] or "unknown",
        description=SERIES_DESCRIPTION,
    )
    dataset.save_as(str(path))
