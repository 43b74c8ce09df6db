"""The segments of a case as DICOM objects name them: each structure, and each of the largest lesions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...errors import InputError
from ..corrected import corrected
from ..findings import Findings, number
from ..lesion_parts import LesionPart
from ..sections.lesions import lesion_row
from .seg import SegmentInfo
from .terms import parse_terminology

SINGLE = 20
"""Lesions with a segment of their own; the smaller ones share one."""


@dataclass(frozen=True)
class MeasuredSegment:
    """A segment with its measures.

    Args:
        info: what the segmentation object says of it.
        volume_ml: millilitres.
        longest_diameter_mm: of a single lesion in any direction, if it was measured.
        long_axis_mm: its longest diameter in a slice, as in RECIST 1.1, see
            :class:`~MultimodalSegLib.report.diameters.InPlane`.
        short_axis_mm: the longest line across that one at a right angle in the same slice.
    """

    info: SegmentInfo
    volume_ml: float
    longest_diameter_mm: float | None = None
    long_axis_mm: float | None = None
    short_axis_mm: float | None = None


def measured_segments(findings: Findings) -> tuple[np.ndarray, tuple[MeasuredSegment, ...]]:
    """Label map and segments for DICOM; lesions are told apart, with values above those of the classes.

    Args:
        findings: the case.

    Returns:
        uint16 (k, j, i) and the segments that have voxels.

    Raises:
        InputError: the model gives a structure no terminology, without which there is no DICOM object.
    """
    labels = findings.segmentation.labels
    split = labels.array.astype(np.uint16)
    counts = np.bincount(split.ravel())
    segments: list[MeasuredSegment] = []
    by_hand = corrected(findings.record)
    following = max(len(counts), *(entry.value + 1 for entry in findings.segmentation.classes))
    for entry in findings.segmentation.classes:
        if not 0 < entry.value < len(counts) or not counts[entry.value]:
            continue
        parts = [part for part in findings.parts if part.value == entry.value]
        groups = _groups(findings, entry.name, parts) or {entry.name: ()}
        for name, members in groups.items():
            value = entry.value
            if members:
                value, following = following, following + 1
                for part in members:
                    split[tuple(part.index.T)] = value
            info = _info(name, value, entry.color, entry.terminology, corrected=entry.value in by_hand)
            ml = sum(part.volume_ml for part in members) if members else counts[value] * labels.grid.voxel_ml
            single = lesion_row(findings, members[0]) if len(members) == 1 else {}
            titles = ("longest_diameter_mm", "in_plane_diameter_mm", "perpendicular_mm")
            segments.append(MeasuredSegment(info, float(ml), *(number(single.get(title)) for title in titles)))
    return split, tuple(segments)


def _groups(findings: Findings, name: str, parts: Sequence[LesionPart]) -> Mapping[str, Sequence[LesionPart]]:
    """Lesions by the name of their segment."""
    groups: dict[str, Sequence[LesionPart]] = {findings.lesion_name(part): [part] for part in parts[:SINGLE]}
    if len(parts) > SINGLE:
        groups[f"{name}, {len(parts) - SINGLE} smaller ones"] = parts[SINGLE:]
    return groups


def _info(name: str, value: int, color: tuple[int, int, int], terminology: str, *, corrected: bool) -> SegmentInfo:
    from highdicom import UID

    term = parse_terminology(terminology)
    if term is None:
        raise InputError(
            f"The model gives {name!r} no terminology.", "DICOM needs it; add it to the description of the model."
        )
    red, green, blue = (part / 255 for part in color)
    return SegmentInfo(name, value, (red, green, blue), term, str(UID()), corrected)
