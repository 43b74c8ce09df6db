"""What can be seen to be wrong with one image: its units, its sides."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ...images.volume import Volume
from .problems import Problem, error, warning

SUV_MOST = 300.0
"""Standardized uptake values above this are no SUV; the bladder reaches about 100."""
TURNED = 0.02
"""Largest difference of a cosine between two orientations that are the same."""

FLOATS = {16: 4, 64: 8}
"""Bytes of a value by NIfTI's number of a type of floating point numbers."""


def check_synthetic(case: str, modality: str, volume: Volume) -> Iterator[Problem]:
    """A volume whose detail was made up by a network: another one would learn what the first one believes."""
    if volume.synthetic_detail:
        text = f"The detail of the {modality} is synthetic: what is learned or scored on it was made up."
        yield warning(case, text, "Give the original scan.")


def check_units(case: str, modality: str, volume: Volume) -> Iterator[Problem]:
    """A CT that is not in Hounsfield units, a PET whose uptake cannot be compared between patients."""
    if modality == "CT":
        yield from _check_hounsfield(case, volume.array)
    elif modality == "PET":
        yield from _check_uptake(case, volume)


def _check_hounsfield(case: str, array: np.ndarray) -> Iterator[Problem]:
    low, high = float(array.min()), float(array.max())
    advice = "Export the CT in Hounsfield units, with rescale slope and intercept applied."
    if high - low <= 20.0 or (low == 0.0 and high == 255.0):
        yield error(case, f"The CT has values of {low:g} to {high:g}: it was rescaled, these are not HU.", advice)
    elif low >= 0.0 and high > 1500.0:
        yield error(case, f"The CT has values of {low:g} to {high:g}: stored numbers, 1024 too high for HU.", advice)
    elif low >= 0.0:
        yield warning(case, f"The CT has no value below 0 (up to {high:g}): there is neither air nor fat.", advice)
    elif low < -1024.0 * 2 and float(np.mean(array < -1100.0)) < 0.5:
        text = f"The CT has values down to {low:g}: padding outside of its view, or not HU."
        yield warning(case, text, "Values below -1024 are taken for air; check that this is meant.")


def _check_uptake(case: str, volume: Volume) -> Iterator[Problem]:
    source = volume.source
    if source is not None and source.is_dir():
        missing = missing_suv_tags(source)
        if missing:
            text = f"The PET lacks {', '.join(missing)}: its values cannot be turned into SUV."
            yield warning(case, text, "Export it again with these entries, or give a volume of SUV.")
    elif (high := float(volume.array.max())) > SUV_MOST:
        text = f"The PET has values up to {high:g}, more than any SUV, and its file does not say the scale."
        yield warning(case, text, "Convert it to SUV, or check that all cases have the same unit.")


def missing_suv_tags(folder: Path) -> list[str]:
    """Names of the DICOM entries without which a PET series (Bq/ml) has no SUV."""
    import pydicom
    from pydicom.errors import InvalidDicomError

    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        try:
            data = pydicom.dcmread(file, stop_before_pixels=True)
        except (InvalidDicomError, OSError):
            continue
        if data.get("Modality") != "PT":
            continue
        if data.get("Units") == "GML":  # the values are SUV already
            return []
        drug = (data.get("RadiopharmaceuticalInformationSequence") or [{}])[0]
        there = {
            "Units": data.get("Units"),
            "PatientWeight": data.get("PatientWeight"),
            "RadionuclideTotalDose": drug.get("RadionuclideTotalDose"),
            "RadionuclideHalfLife": drug.get("RadionuclideHalfLife"),
            "RadiopharmaceuticalStartTime": drug.get("RadiopharmaceuticalStartTime"),
        }
        return [name for name, value in there.items() if not value]
    return []


def check_finite(case: str, name: str, path: Path) -> Iterator[Problem]:
    """A NIfTI file with values that are not finite: ITK reads them as 0 and says nothing.

    Args:
        case: the case's name.
        name: which of its files, for the sentence.
        path: any file; in others such values are seen when they are read.
    """
    if not path.name.lower().endswith((".nii", ".nii.gz")):
        return
    with gzip.open(path) if path.name.lower().endswith(".gz") else path.open("rb") as stream:
        data = stream.read()
    order = "<" if struct.unpack_from("<i", data)[0] in (348, 540) else ">"
    newer = struct.unpack_from(order + "i", data)[0] == 540  # NIfTI-2
    kind = struct.unpack_from(order + "h", data, 12 if newer else 70)[0]
    if kind not in FLOATS:
        return
    start = struct.unpack_from(order + ("q" if newer else "f"), data, 168 if newer else 108)[0]
    stored = data[int(start) :]
    values = np.frombuffer(stored[: len(stored) // FLOATS[kind] * FLOATS[kind]], f"{order}f{FLOATS[kind]}")
    bad = int(values.size - np.count_nonzero(np.isfinite(values)))
    if bad:
        text = f"The {name} holds {bad} values that are not finite; they would be read as 0."
        yield error(case, text, "Replace them by the value of the background.")


def check_orientation(case: str, name: str, path: Path) -> Iterator[Problem]:
    """A NIfTI file whose two descriptions of its axes disagree, or that has none: its left and right are a guess.

    Args:
        case: the case's name.
        name: which of its files, for the sentence.
        path: any file; others than NIfTI say their axes in one way only.
    """
    if not path.name.lower().endswith((".nii", ".nii.gz")):
        return
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
        header = {key: reader.GetMetaData(key) for key in reader.GetMetaDataKeys()}
        qform, sform = int(header["qform_code"]), int(header["sform_code"])
    except (RuntimeError, KeyError, ValueError):
        return
    if qform == 0 and sform == 0:
        text = f"The {name} file says nothing about its axes (qform and sform codes are 0): left and right are a guess."
        yield warning(case, text, "Look at it in Slicer, and save it with its orientation.")
    elif qform > 0 and sform > 0:
        first, second = _qform_axes(header), _sform_axes(header)
        if np.sign(np.linalg.det(first)) != np.sign(np.linalg.det(second)):
            text = f"The {name} file has a qform and an sform that are mirror images: left and right are uncertain."
            yield error(case, text, "Look at it in Slicer, and save it with the orientation that is right.")
        elif np.abs(first - second).max() > TURNED:
            text = f"The {name} file has a qform and an sform that disagree on its axes."
            yield warning(case, text, "Look at it in Slicer, and save it with the orientation that is right.")


def _sform_axes(header: dict[str, str]) -> np.ndarray:
    """Unit columns of the sform (RAS)."""
    rows = [[float(word) for word in header[f"srow_{axis}"].split()[:3]] for axis in "xyz"]
    matrix = np.asarray(rows)
    unit: np.ndarray = matrix / np.maximum(np.linalg.norm(matrix, axis=0), 1e-12)
    return unit


def _qform_axes(header: dict[str, str]) -> np.ndarray:
    """Unit columns of the qform (RAS), from its quaternion; nifti1.h says how."""
    b, c, d = (float(header[f"quatern_{letter}"]) for letter in "bcd")
    a = np.sqrt(max(0.0, 1.0 - b * b - c * c - d * d))
    matrix = np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - c * c - b * b],
        ]
    )
    matrix[:, 2] *= -1.0 if float(header["pixdim[0]"]) < 0 else 1.0
    return matrix
