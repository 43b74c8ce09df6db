"""DICOM files of a small series, as a scanner makes them, and what stands for Slicer's database of them."""

import numpy as np
import SimpleITK as sitk

UID = "1.2.826.0.1.3680043.10.1"


def write_series(folder, slices=6):
    """Sagittal slices of 14 x 12 pixels in shuffled order, as a scanner would make them; the UIDs by position."""
    folder.mkdir()
    writer = sitk.ImageFileWriter()
    writer.KeepOriginalImageUIDOn()
    identifiers = {}
    for n in range(slices):
        image = sitk.GetImageFromArray(np.full((12, 14), 100 * n, np.int16))
        image.SetSpacing((1.25, 1.5))
        tags = {
            "0008|0060": "MR",
            "0008|0016": "1.2.840.10008.5.1.4.1.1.4",
            "0008|0018": f"{UID}.{n + 1}",
            "0008|0020": "20260102",
            "0008|0030": "101112",
            "0008|0050": "A1",
            "0010|0010": "Nobody^Ann",
            "0010|0020": "P1",
            "0010|0030": "19700101",
            "0010|0040": "O",
            "0018|0088": "2.5",
            "0020|000d": f"{UID}.0.1",
            "0020|000e": f"{UID}.0.2",
            "0020|0010": "1",
            "0020|0011": "4",
            "0020|0013": str(n + 1),
            "0020|0032": f"{-10 + 2.5 * n}\\-20\\30",
            "0020|0037": "0\\1\\0\\0\\0\\-1",
            "0020|0052": f"{UID}.0.3",
            "0020|0060": "",
            "0028|0030": "1.5\\1.25",
        }
        for key, value in tags.items():
            image.SetMetaData(key, value)
        path = folder / f"{(7 * n) % slices:02d}.dcm"
        writer.SetFileName(str(path))
        writer.Execute(image)
        identifiers[f"{UID}.{n + 1}"] = path
    return identifiers


class StandInDatabase:
    """Stands for Slicer's DICOM database."""

    def __init__(self, files):
        self.files, self.inserted = {uid: str(path) for uid, path in files.items()}, []

    def fileForInstance(self, uid):
        return self.files.get(uid, "")

    def insert(self, path):
        self.inserted.append(path)
