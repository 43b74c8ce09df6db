"""Standardized uptake values (SUV, body weight) of a PET, by the header of its DICOM series.

The rules are those of the Quantitative Imaging Biomarkers Alliance (QIBA FDG-PET/CT profile; vendor-neutral pseudo-code
for the calculation of SUV): the dose decays from its injection to the time to which the scanner corrected the counts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from .dicom import list_series
from .units import RAW, Unit

if TYPE_CHECKING:
    from pydicom import Dataset

SUV = "SUVbw g/ml"
ACTIVITY = "Bq/ml"
RAW_UNITS = {"BQML": ACTIVITY, "CNTS": "counts"}

DOSES = (1e5, 1e11)
"""Becquerel; a dose outside was written in another unit."""
WEIGHTS = (0.2, 700.0)
"""Kilogram."""
LATEST = 20.0
"""Half-lives after which no scan is made: the times must be wrong."""


class _Missing(Exception):
    """What the header lacks, or has in a form that cannot be trusted."""


def pet_unit(folder: Path | str) -> Unit:
    """Unit of the PET series that :func:`~MultimodalSegLib.images.dicom.read_series` takes from a folder.

    Args:
        folder: holds the series, itself or below.

    Returns:
        SUV by body weight with the factor for the values as read (rescale slope applied), or the unit in which they
        were stored and the reason why they cannot be turned into SUV.
    """
    import pydicom

    series = list_series(folder)
    if not series or series[0].modality != "PT":
        return Unit(RAW, 1.0, "The series is not a DICOM PET.")
    headers = [pydicom.dcmread(image.path, stop_before_pixels=True) for image in series[0].slices]
    return unit_of_headers(headers)


def unit_of_headers(headers: Sequence[Dataset]) -> Unit:
    """The same from the headers of all slices, in any order."""
    stored = str(headers[0].get("Units") or "")
    try:
        return Unit(SUV, _factor(headers, stored))
    except _Missing as why:
        return Unit(RAW_UNITS.get(stored, RAW), 1.0, f"The PET values are not SUV: {why}.")


def _factor(headers: Sequence[Dataset], stored: str) -> float:
    """Factor from values with the rescale slope applied to SUV."""
    first = min(headers, key=_acquired)
    if stored == "GML":
        kind = str(first.get("SUVType", "") or "BW")
        if kind != "BW":
            raise _Missing(f"they are of the type {kind}, not by body weight")
        return 1.0
    corrections = {str(entry) for entry in _several(first.get("CorrectedImage"))}
    if not {"ATTN", "DECY"} <= corrections:
        raise _Missing("the counts were not corrected for attenuation and decay")
    if stored == "CNTS":
        philips = _private(first, 0x7053, "Philips PET Private Group", 0x00)
        if philips:
            return philips
        to_activity = _private(first, 0x7053, "Philips PET Private Group", 0x09)
        if not to_activity:
            raise _Missing("counts come without the factor to activity")
        return to_activity * _per_activity(first)
    if stored != "BQML":
        raise _Missing(f"the header names the unit {stored!r}" if stored else "the header names no unit")
    return _per_activity(first)


def _per_activity(header: Dataset) -> float:
    """SUV per Bq/ml: weight (g) through the dose (Bq) that is left at the time of the decay correction."""
    weight = _positive(header, "PatientWeight", "the patient's weight", WEIGHTS, "kg")
    drug = next(iter(header.get("RadiopharmaceuticalInformationSequence") or ()), None)
    if drug is None:
        raise _Missing("the header does not describe the radiopharmaceutical")
    dose = _positive(drug, "RadionuclideTotalDose", "the injected dose", DOSES, "Bq")
    correction = str(header.get("DecayCorrection", ""))
    if correction == "ADMIN":  # already corrected to the time of injection
        return weight * 1000 / dose
    if correction != "START":
        raise _Missing("the header does not say to which time decay was corrected")
    half_life = _positive(drug, "RadionuclideHalfLife", "the half-life", (1.0, 1e9), "s")
    scan = _scan_start(header, half_life)
    elapsed = (scan - _injection(drug, scan)).total_seconds()
    if not 0 <= elapsed <= LATEST * half_life:
        raise _Missing(f"the scan is said to have begun {elapsed / 60:.0f} minutes after the injection")
    return weight * 1000 / (dose * 2 ** (-elapsed / half_life))


def _scan_start(header: Dataset, half_life: float) -> datetime:
    """The time to which the counts were corrected."""
    acquired = _acquired(header)
    series = _moment(header.get("SeriesDate"), header.get("SeriesTime"))
    if acquired == datetime.max:
        raise _Missing("the header lacks the time of the acquisition")
    if series is not None and series <= acquired:
        return series
    block = _private_value(header, 0x0009, "GEMS_PETD_01", 0x0D)  # a series made later has a later series time
    if block is not None and (scan := _date_time(block)) is not None:
        return scan
    begin, length = header.get("FrameReferenceTime"), header.get("ActualFrameDuration")
    if begin is None or not length:
        raise _Missing("the series was made after the scan, and the header lacks the times of its frames")
    decay = math.log(2) / half_life * float(length) / 1000
    middle = math.log(decay / (1 - math.exp(-decay))) * half_life / math.log(2)  # s, when the count rate was average
    return acquired + timedelta(seconds=middle - float(begin) / 1000)


def _injection(drug: Dataset, scan: datetime) -> datetime:
    """When the dose was measured and given; without a date, on the day of the scan or the evening before."""
    dated = _date_time(drug.get("RadiopharmaceuticalStartDateTime"))
    if dated is not None:
        return dated
    found = _moment(scan.strftime("%Y%m%d"), drug.get("RadiopharmaceuticalStartTime"))
    if found is None:
        raise _Missing("the header lacks the time of the injection")
    return found if found <= scan else found - timedelta(days=1)


def _acquired(header: Dataset) -> datetime:
    found = _moment(header.get("AcquisitionDate") or header.get("SeriesDate"), header.get("AcquisitionTime"))
    return found or datetime.max


def _moment(date: object, time: object) -> datetime | None:
    """A DICOM date (``YYYYMMDD``) and time (``HHMMSS.ffffff``, cut off anywhere after the hours)."""
    day, clock = str(date or "").strip(), str(time or "").strip()
    whole, _, part = clock.partition(".")
    try:
        return datetime.strptime(f"{day}{whole:0<6}.{part:0<6.6}", "%Y%m%d%H%M%S.%f") if whole else None
    except ValueError:
        return None


def _date_time(value: object) -> datetime | None:
    """A DICOM date with time; an offset from Greenwich is dropped, all times of a scanner share it."""
    text = (value.decode("ascii", "replace") if isinstance(value, bytes) else str(value or "")).strip(" \0")
    text = text.split("+")[0].split("-")[0]
    return _moment(text[:8], text[8:])


def _positive(header: Dataset, keyword: str, what: str, limits: tuple[float, float], unit: str) -> float:
    try:
        value = float(header.get(keyword) or 0)
    except (TypeError, ValueError):
        value = 0.0
    if not value:
        raise _Missing(f"the header lacks {what}")
    if not limits[0] <= value <= limits[1]:
        raise _Missing(f"{what} cannot be {value:g} {unit}")
    return value


def _several(value: object) -> Sequence[object]:
    """The entries of an element that may hold one, several or none."""
    if value is None or isinstance(value, str):
        return [value] if value else []
    return list(value) if isinstance(value, Sequence) else [value]


def _private_value(header: Dataset, group: int, creator: str, element: int) -> object | None:
    try:
        return header.private_block(group, creator)[element].value
    except KeyError:
        return None


def _private(header: Dataset, group: int, creator: str, element: int) -> float:
    """A private number, 0 if it is not there."""
    value = _private_value(header, group, creator, element)
    try:
        return float(str(value)) if value is not None else 0.0
    except ValueError:
        return 0.0
