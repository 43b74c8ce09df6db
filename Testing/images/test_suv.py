"""SUV from real DICOM headers, by the rules of QIBA, and a reason where they do not allow it."""

from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, PositronEmissionTomographyImageStorage, generate_uid

from MultimodalSegLib.images.dicom import read_series
from MultimodalSegLib.images.suv import SUV, pet_unit, unit_of_headers

DOSE, WEIGHT, HALF_LIFE = 370e6, 74.0, 6586.2
"""Bq, kg and seconds (fluorine 18)."""


def a_header(slice_number: int = 0) -> Dataset:
    """One PET slice, injected at 8:00, scanned from 9:00 on."""
    header = Dataset()
    header.file_meta = FileMetaDataset()
    header.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    header.file_meta.MediaStorageSOPClassUID = header.SOPClassUID = PositronEmissionTomographyImageStorage
    header.file_meta.MediaStorageSOPInstanceUID = header.SOPInstanceUID = generate_uid()
    header.Modality, header.SeriesInstanceUID, header.StudyInstanceUID = "PT", "1.2.3", "1.2"
    header.PatientWeight = str(WEIGHT)
    header.SeriesDate = header.AcquisitionDate = "20240229"
    header.SeriesTime, header.AcquisitionTime = "090000.000", f"09{3 * slice_number:02d}00"
    header.Units, header.DecayCorrection, header.CorrectedImage = "BQML", "START", ["DECY", "ATTN", "SCAT"]
    drug = Dataset()
    drug.RadionuclideTotalDose, drug.RadionuclideHalfLife = str(DOSE), str(HALF_LIFE)
    drug.RadiopharmaceuticalStartTime = "080000"
    header.RadiopharmaceuticalInformationSequence = [drug]
    header.ImagePositionPatient, header.ImageOrientationPatient = [0, 0, 4 * slice_number], [1, 0, 0, 0, 1, 0]
    header.PixelSpacing, header.Rows, header.Columns = [4, 4], 4, 5
    header.SamplesPerPixel, header.PhotometricInterpretation = 1, "MONOCHROME2"
    header.BitsAllocated = header.BitsStored = 16
    header.HighBit, header.PixelRepresentation = 15, 1
    header.RescaleIntercept, header.RescaleSlope = "0", str(1 + slice_number)  # of each slice
    header.PixelData = np.full((4, 5), 5000, np.int16).tobytes()
    return header


def factor(elapsed_s: float) -> float:
    return WEIGHT * 1000 / (DOSE * 0.5 ** (elapsed_s / HALF_LIFE))


def reason(header: Dataset) -> str:
    found = unit_of_headers([header])
    assert found.name != SUV and found.scale == 1
    return found.reason


def test_a_series_of_files_is_read_in_suv(tmp_path: Path) -> None:
    for number in range(3):
        a_header(number).save_as(tmp_path / f"{9 - number}.dcm", enforce_file_format=True)
    unit, volume = pet_unit(tmp_path), read_series(tmp_path)
    assert unit.name == SUV and unit.reason == ""
    assert unit.scale == pytest.approx(factor(3600))
    np.testing.assert_allclose(volume.array[:, 0, 0] * unit.scale, factor(3600) * 5000 * np.array([1, 2, 3]), rtol=1e-6)


def test_decay_is_counted_from_the_injection_also_over_midnight() -> None:
    header = a_header()
    header.SeriesTime = header.AcquisitionTime = "001000"
    header.RadiopharmaceuticalInformationSequence[0].RadiopharmaceuticalStartTime = "233000.5"
    assert unit_of_headers([header]).scale == pytest.approx(factor(2399.5))
    header.RadiopharmaceuticalInformationSequence[0].RadiopharmaceuticalStartDateTime = "20240228230000+0100"
    assert unit_of_headers([header]).scale == pytest.approx(factor(70 * 60))


def test_counts_corrected_to_the_injection_need_no_times() -> None:
    header = a_header()
    header.DecayCorrection = "ADMIN"
    del header.SeriesTime
    assert unit_of_headers([header]).scale == pytest.approx(factor(0))


def test_a_series_made_after_the_scan_is_dated_by_its_frames() -> None:
    """The average count rate of a short frame is at its middle: 3 minutes after the start, less 2 for the frame's."""
    header = a_header()
    header.SeriesTime, header.AcquisitionTime = "120000", "090300"
    assert "times of its frames" in reason(header)
    header.FrameReferenceTime, header.ActualFrameDuration = "180000", "120000"
    assert unit_of_headers([header]).scale == pytest.approx(factor(3600 + 60), rel=1e-4)
    block = header.private_block(0x0009, "GEMS_PETD_01", create=True)
    block.add_new(0x0D, "DT", "20240229091500.00")
    assert unit_of_headers([header]).scale == pytest.approx(factor(75 * 60))


def test_what_is_in_suv_already_stays() -> None:
    header = a_header()
    header.Units = "GML"
    assert unit_of_headers([header]).scale == 1 and unit_of_headers([header]).name == SUV
    header.SUVType = "LBM"
    assert "type LBM" in reason(header)


def test_philips_counts_have_factors_of_their_own() -> None:
    header = a_header()
    header.Units = "CNTS"
    assert "without the factor" in reason(header) and unit_of_headers([header]).name == "counts"
    block = header.private_block(0x7053, "Philips PET Private Group", create=True)
    block.add_new(0x09, "DS", "2.0")
    assert unit_of_headers([header]).scale == pytest.approx(2 * factor(3600))
    block.add_new(0x00, "DS", "0.00025")
    assert unit_of_headers([header]).scale == 0.00025


@pytest.mark.parametrize(
    ("keyword", "value", "sentence"),
    [
        ("PatientWeight", None, "lacks the patient's weight"),
        ("PatientWeight", "7400", "weight cannot be 7400 kg"),
        ("CorrectedImage", "ATTN", "not corrected for attenuation and decay"),
        ("DecayCorrection", "NONE", "to which time decay was corrected"),
        ("RadiopharmaceuticalInformationSequence", None, "does not describe the radiopharmaceutical"),
        ("Units", "PROPCNTS", "names the unit 'PROPCNTS'"),
        ("Units", None, "names no unit"),
        ("AcquisitionTime", "nonsense", "lacks the time of the acquisition"),
        ("SeriesDate", None, "times of its frames"),
    ],
)
def test_what_the_header_lacks_is_said(keyword: str, value: str | None, sentence: str) -> None:
    header = a_header()
    with pydicom.config.disable_value_validation():
        setattr(header, keyword, value)
        assert sentence in reason(header)


@pytest.mark.parametrize(
    ("keyword", "value", "sentence"),
    [
        ("RadionuclideTotalDose", "0", "lacks the injected dose"),
        ("RadionuclideTotalDose", "370", "injected dose cannot be 370 Bq"),  # written in MBq
        ("RadionuclideHalfLife", None, "lacks the half-life"),
        ("RadiopharmaceuticalStartTime", "", "lacks the time of the injection"),
        ("RadiopharmaceuticalStartDateTime", "20240301080000", "minutes after the injection"),
    ],
)
def test_what_the_drugs_description_lacks_is_said(keyword: str, value: str | None, sentence: str) -> None:
    header = a_header()
    setattr(header.RadiopharmaceuticalInformationSequence[0], keyword, value)
    assert sentence in reason(header)
    assert unit_of_headers([header]).name == "Bq/ml"


def test_a_folder_without_a_pet_has_raw_numbers(tmp_path: Path) -> None:
    assert pet_unit(tmp_path).name == "raw"
