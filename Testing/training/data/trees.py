"""Small volumes and DICOM files, written in the real formats, to arrange in the layouts of data sets."""

from pathlib import Path

import numpy as np
import SimpleITK as sitk
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    CTImageStorage,
    ExplicitVRLittleEndian,
    PositronEmissionTomographyImageStorage,
    RTStructureSetStorage,
)

from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.io import write_volume
from MultimodalSegLib.images.volume import Volume

GRID = Grid((12, 14, 10), (1.0, 1.0, 2.0), (-5.5, -6.5, -9.0))
SLICES = Grid((40, 36, 12), (1.0, 1.0, 2.5), (-20.0, -18.0, 30.0))
"""Of the DICOM series."""


def an_mr(seed: int = 0, grid: Grid = GRID) -> Volume:
    return Volume(np.random.default_rng(seed).uniform(10, 200, grid.shape).astype(np.float32), grid)


def a_ct(seed: int = 0, grid: Grid = GRID) -> Volume:
    return Volume(np.random.default_rng(seed).uniform(-900, 900, grid.shape).round().astype(np.float32), grid)


def a_label(values: dict[int, tuple[slice, slice, slice]] | None = None, grid: Grid = GRID) -> Volume:
    """Boxes (k, j, i) of label values; one of value 1 and one of value 2 if nothing is given."""
    boxes = values or {1: np.s_[2:4, 3:6, 2:5], 2: np.s_[5:8, 7:11, 6:10]}
    array = np.zeros(grid.shape, np.uint16)
    for value, box in boxes.items():
        array[box] = value
    return Volume(array, grid)


def write(volume: Volume, path: Path) -> Path:
    """Any format of the library, and MetaImage with a .raw file beside it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".mhd":
        sitk.WriteImage(volume.to_sitk(), str(path))
    else:
        write_volume(volume, path)
    return path


def write_4d(volumes: list[Volume], path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    sitk.WriteImage(sitk.JoinSeries([volume.to_sitk() for volume in volumes]), str(path))
    return path


def write_slices(
    volume: Volume, folder: Path, modality: str = "CT", *, uid: str, frame: str = "1.2.9", **entries: object
) -> Path:
    """A DICOM series of a volume without rotation: one file a slice."""
    folder.mkdir(parents=True, exist_ok=True)
    grid = volume.grid
    kind = CTImageStorage if modality == "CT" else PositronEmissionTomographyImageStorage
    for k, pixels in enumerate(volume.array):
        data = _dicom(kind, f"{uid}.{k + 1}", modality)
        data.SeriesInstanceUID, data.FrameOfReferenceUID, data.InstanceNumber = uid, frame, k + 1
        data.ImagePositionPatient = [grid.origin[0], grid.origin[1], grid.origin[2] + k * grid.spacing[2]]
        data.ImageOrientationPatient, data.PixelSpacing = [1, 0, 0, 0, 1, 0], [grid.spacing[1], grid.spacing[0]]
        data.SliceThickness = grid.spacing[2]
        data.Rows, data.Columns = pixels.shape
        data.SamplesPerPixel, data.PhotometricInterpretation, data.PixelRepresentation = 1, "MONOCHROME2", 1
        data.BitsAllocated, data.BitsStored, data.HighBit = 16, 16, 15
        data.RescaleSlope, data.RescaleIntercept = 1, 0
        data.PixelData = pixels.astype(np.int16).tobytes()
        for name, value in entries.items():
            setattr(data, name, value)
        data.save_as(folder / f"{modality}.{k:03d}.dcm", enforce_file_format=True)
    return folder


def write_structures(path: Path, contours: dict[str, list[np.ndarray]], outline: str = "") -> Path:
    """An RTSTRUCT file with closed contours (n, 3), LPS mm, by name; ``outline`` is the one that is the body."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = _dicom(RTStructureSetStorage, "1.2.77", "RTSTRUCT")
    data.StructureSetROISequence, data.ROIContourSequence, data.RTROIObservationsSequence = [], [], []
    for number, (name, planes) in enumerate(contours.items(), start=1):
        roi, item, seen = Dataset(), Dataset(), Dataset()
        roi.ROINumber, roi.ROIName = number, name
        item.ReferencedROINumber, item.ContourSequence = number, []
        seen.ReferencedROINumber, seen.RTROIInterpretedType = number, "EXTERNAL" if name == outline else "ORGAN"
        for points in planes:
            contour = Dataset()
            contour.ContourGeometricType, contour.NumberOfContourPoints = "CLOSED_PLANAR", len(points)
            contour.ContourData = [f"{value:.6g}" for value in points.ravel()]
            item.ContourSequence.append(contour)
        data.StructureSetROISequence.append(roi)
        data.ROIContourSequence.append(item)
        data.RTROIObservationsSequence.append(seen)
    data.save_as(path, enforce_file_format=True)
    return path


def circle(center: tuple[float, float], radius: float, z: float, points: int = 90) -> np.ndarray:
    """A contour (n, 3) in an axial plane, LPS mm."""
    angle = np.linspace(0, 2 * np.pi, points, endpoint=False)
    x, y = center[0] + radius * np.cos(angle), center[1] + radius * np.sin(angle)
    return np.column_stack([x, y, np.full(points, z)])


def _dicom(kind: str, uid: str, modality: str) -> Dataset:
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID = kind
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID = uid
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.Modality, data.PatientID, data.PatientName = modality, "P7", "Test^Person"
    data.StudyInstanceUID, data.SeriesInstanceUID = "1.2.5", f"{uid}.0"
    return data
