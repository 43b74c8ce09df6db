"""Measurements as DICOM structured report of template TID 1500 (DICOM PS3.16), made with highdicom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .seg import MANUFACTURER, concept, source_images
from .segments import MeasuredSegment
from .terms import Code

ANATOMY = "123037004"
"""SNOMED CT code of the category "Anatomical Structure"."""
LONGEST_3D = Code("IBSI", "L0JK", "Maximum 3D Diameter of a Mesh")
"""In any direction (Zwanenburg et al. 2016, Image Biomarker Standardisation Initiative)."""
LONG_AXIS = Code("SCT", "103339001", "Long Axis")
SHORT_AXIS = Code("SCT", "103340004", "Short Axis")
"""In one slice, as viewers name the two lines of a bidirectional measurement (DICOM PS3.16, CID 7470)."""
PROCEDURES = {
    "CT": Code("LN", "25045-6", "CT unspecified body region"),
    "MR": Code("LN", "25056-3", "MR unspecified body region"),
    "PT": Code("LN", "44136-0", "PT unspecified body region"),
}
PROCEDURE = Code("SCT", "363679005", "Imaging procedure")


def structured_report(
    seg: Any,
    files: Sequence[Path],
    segments: Sequence[MeasuredSegment],
    model: Mapping[str, str],
    *,
    description: str,
) -> Any:
    """Measurements of the segments of a DICOM SEG object.

    Args:
        seg: from :func:`~MultimodalSegLib.report.dicom.seg.seg_dataset`, made of the same segments.
        files: DICOM files of the series.
        segments: in the order in which the object numbers them.
        model: ``name`` and ``version``.
        description: of the new series.

    Returns:
        The highdicom data set; ``save_as`` writes it.
    """
    import highdicom as hd
    from pydicom.sr.codedict import codes

    sources = source_images(files)
    algorithm = hd.sr.AlgorithmIdentification(name=f"{MANUFACTURER} {model['name']}", version=model["version"])
    observer = hd.sr.ObserverContext(
        observer_type=codes.DCM.Device,
        observer_identifying_attributes=hd.sr.DeviceObserverIdentifyingAttributes(
            uid=hd.UID(), name=MANUFACTURER, manufacturer_name=MANUFACTURER, model_name=model["name"]
        ),
    )
    content = hd.sr.MeasurementReport(
        observation_context=hd.sr.ObservationContext(observer_device_context=observer),
        procedure_reported=concept(hd, PROCEDURES.get(sources[0].Modality, PROCEDURE)),
        imaging_measurements=[
            _group(hd, codes, seg, segment_number, segment, algorithm)
            for segment_number, segment in enumerate(segments, start=1)
        ],
        title=codes.DCM.ImagingMeasurementReport,
        referenced_images=sources,
    )
    return hd.sr.Comprehensive3DSR(
        evidence=[seg, *sources],
        content=content[0],
        series_instance_uid=hd.UID(),
        series_number=int(seg.SeriesNumber) + 1,
        sop_instance_uid=hd.UID(),
        instance_number=1,
        manufacturer=MANUFACTURER,
        is_complete=True,
        is_final=False,
        series_description=description,
    )


def _group(hd: Any, codes: Any, seg: Any, segment_number: int, segment: MeasuredSegment, algorithm: Any) -> Any:
    """The measurements of one segment (TID 1411)."""
    term, sites = segment.info.term, []
    finding = concept(hd, term.type)
    if term.category.value == ANATOMY:
        finding = concept(hd, term.category)
        side = concept(hd, term.modifier) if term.modifier else None
        sites = [hd.sr.FindingSite(anatomic_location=concept(hd, term.type), laterality=side)]
    elif term.region is not None:
        side = concept(hd, term.region_modifier) if term.region_modifier else None
        sites = [hd.sr.FindingSite(anatomic_location=concept(hd, term.region), laterality=side)]
    measurements = [
        hd.sr.Measurement(name=codes.SCT.Volume, value=round(segment.volume_ml, 4), unit=codes.UCUM.CubicCentimeter)
    ]
    lengths = {
        LONGEST_3D: segment.longest_diameter_mm,
        LONG_AXIS: segment.long_axis_mm,
        SHORT_AXIS: segment.short_axis_mm,
    }
    measurements += [
        hd.sr.Measurement(name=concept(hd, name), value=round(length, 2), unit=codes.UCUM.Millimeter)
        for name, length in lengths.items()
        if length is not None
    ]
    return hd.sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=hd.sr.TrackingIdentifier(uid=segment.info.tracking_uid, identifier=segment.info.name),
        referenced_segment=hd.sr.ReferencedSegment.from_segmentation(seg, segment_number),
        finding_type=finding,
        finding_sites=sites or None,
        algorithm_id=algorithm,
        measurements=measurements,
    )
