"""A label map as DICOM SEG, made with highdicom; knows files and arrays, no nodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import InputError
from .terms import Code, Term

LARGEST_OFFSET = 0.1
"""Voxels by which a DICOM pixel may lie off the centre of a voxel of the volume."""

MANUFACTURER = "SlicerMultimodalSeg"


@dataclass(frozen=True)
class SegmentInfo:
    """One segment.

    Args:
        name: shown name.
        value: in the label map.
        color: 0 to 1 each.
        term: its terminology.
        tracking_uid: by which other DICOM objects name it, or empty.
        corrected: a person has corrected it or pointed it out.
    """

    name: str
    value: int
    color: tuple[float, float, float]
    term: Term
    tracking_uid: str = ""
    corrected: bool = False


def seg_dataset(
    labels: np.ndarray,
    affine: np.ndarray,
    files: Sequence[Path],
    segments: Sequence[SegmentInfo],
    *,
    algorithm: str,
    version: str,
    description: str,
) -> Any:
    """A binary DICOM SEG object that belongs to a series of slices.

    Args:
        labels: label map of shape (k, j, i).
        affine: 4x4 from (i, j, k, 1) to LPS mm.
        files: DICOM files of the series, in any order.
        segments: those with no voxel are left out; the others are numbered from 1 in their order.
        algorithm: name of the algorithm.
        version: of the model.
        description: of the new series.

    Returns:
        The highdicom data set; ``save_as`` writes it.

    Raises:
        InputError: nothing is segmented, or the slices do not lie on the grid of the label map.
    """
    import highdicom as hd

    counts = np.bincount(labels.ravel())
    present = [segment for segment in segments if segment.value < len(counts) and counts[segment.value]]
    if not present:
        raise InputError("The segmentation is empty.", "There is nothing to export.")
    sources = source_images(files)
    lookup = np.zeros(len(counts), np.uint8 if len(present) < 256 else np.uint16)
    for number, segment in enumerate(present, start=1):
        lookup[segment.value] = number
    numbered = lookup[labels]
    descriptions = [
        _description(hd, number, segment, algorithm, version) for number, segment in enumerate(present, start=1)
    ]
    return hd.seg.Segmentation(
        source_images=sources,
        pixel_array=np.stack([_frame(numbered, affine, source) for source in sources]),
        segmentation_type=hd.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=descriptions,
        series_instance_uid=hd.UID(),
        series_number=int(sources[0].get("SeriesNumber", 0) or 0) + 100,
        sop_instance_uid=hd.UID(),
        instance_number=1,
        manufacturer=MANUFACTURER,
        manufacturer_model_name=algorithm,
        software_versions=version,
        device_serial_number="0",
        series_description=description,
        content_description=description,
    )


def source_images(files: Sequence[Path]) -> list[Any]:
    """The headers of a series in order of position, each with the distance to its neighbors.

    Some slices say a wrong one, some not how thick they are; highdicom copies both, and a wrong distance makes the
    result unreadable as a volume.
    """
    from pydicom import dcmread

    sources = sorted((dcmread(str(file), stop_before_pixels=True) for file in files), key=_along_normal)
    places = [_along_normal(source) for source in sources]
    step = abs(places[-1] - places[0]) / max(1, len(places) - 1) or 1.0
    for source in sources:
        source.SpacingBetweenSlices = round(step, 6)
        if source.get("SliceThickness") is None:
            source.SliceThickness = round(step, 6)
    return sources


def _along_normal(source: Any) -> float:
    rows, columns = np.asarray(source.ImageOrientationPatient, float).reshape(2, 3)
    return float(np.dot(np.cross(rows, columns), np.asarray(source.ImagePositionPatient, float)))


def _frame(labels: np.ndarray, affine: np.ndarray, source: Any) -> np.ndarray:
    """The label map at the pixels of one slice: (rows, columns)."""
    right, down = np.asarray(source.ImageOrientationPatient, float).reshape(2, 3)
    row_step, column_step = (float(step) for step in source.PixelSpacing)
    corner = np.asarray(source.ImagePositionPatient, float)
    row, column = np.mgrid[: source.Rows, : source.Columns]
    points = corner + column[..., None] * (right * column_step) + row[..., None] * (down * row_step)
    index = (points - affine[:3, 3]) @ np.linalg.inv(affine[:3, :3]).T
    nearest = np.rint(index).astype(int)
    if np.max(np.abs(index - nearest)) > LARGEST_OFFSET:
        raise InputError(
            "The DICOM slices do not lie on the grid of the segmentation.",
            "Use the volume as it was loaded from DICOM as reference, not a resampled one.",
        )
    i, j, k = np.moveaxis(nearest, -1, 0)
    size = labels.shape[::-1]
    inside = (i >= 0) & (i < size[0]) & (j >= 0) & (j < size[1]) & (k >= 0) & (k < size[2])
    frame = np.zeros(i.shape, labels.dtype)
    frame[inside] = labels[k[inside], j[inside], i[inside]]
    return frame


def _description(hd: Any, number: int, segment: SegmentInfo, algorithm: str, version: str) -> Any:
    term = segment.term
    family = hd.sr.CodedConcept("123110", "DCM", "Artificial Intelligence")
    kinds = hd.seg.SegmentAlgorithmTypeValues
    result = hd.seg.SegmentDescription(
        segment_number=number,
        segment_label=segment.name[:64],
        segmented_property_category=concept(hd, term.category),
        segmented_property_type=concept(hd, term.type),
        algorithm_type=kinds.SEMIAUTOMATIC if segment.corrected else kinds.AUTOMATIC,
        algorithm_identification=hd.AlgorithmIdentificationSequence(name=algorithm, family=family, version=version),
        anatomic_regions=[concept(hd, term.region)] if term.region else None,
        tracking_uid=segment.tracking_uid or None,
        tracking_id=segment.name[:64] if segment.tracking_uid else None,
        display_color=hd.color.CIELabColor.from_rgb(*(round(255 * part) for part in segment.color)),
    )
    if term.modifier is not None:
        kind = result.SegmentedPropertyTypeCodeSequence[0]
        kind.SegmentedPropertyTypeModifierCodeSequence = [concept(hd, term.modifier)]
    return result


def concept(hd: Any, code: Code) -> Any:
    """A code as highdicom wants it."""
    return hd.sr.CodedConcept(code.value, code.scheme, code.meaning)
