"""DICOM SEG and structured report of a case, read back with highdicom and pydicom. The images are real DICOM files."""

from dataclasses import replace

import numpy as np
import pytest

from MultimodalSegLib.errors import InputError, MissingPackageError
from MultimodalSegLib.images.dicom import series_files
from MultimodalSegLib.images.io import read_volume
from MultimodalSegLib.inference.segmentation import Segmentation
from MultimodalSegLib.registration.aligned import AlignedCase
from MultimodalSegLib.report.dicom import objects, segments
from MultimodalSegLib.report.dicom.objects import dicom_objects
from MultimodalSegLib.report.findings import Findings
from Testing.report.conftest import CLASSES, RECORD
from Testing.slicerside.dicom.series import UID, write_series

hd = pytest.importorskip("highdicom", reason="highdicom is not installed (pip install 'multimodalseg[report]')")


@pytest.fixture
def series(tmp_path):
    write_series(tmp_path / "series")
    return tmp_path / "series"


@pytest.fixture
def findings(series) -> Findings:
    """Two thalami and three lesions on the grid of the series; the diameters of one are known."""
    volume = read_volume(series)
    labels = np.zeros(volume.array.shape, np.uint16)
    labels[:3, 2:6, 1:4], labels[3:, 2:6, 1:4] = 10, 49
    labels[1:3, 8:10, 6:9], labels[4, 8:10, 6], labels[0, 0, 0] = 99, 99, 99
    segmentation = Segmentation(volume.with_array(labels), CLASSES, model={"name": "head", "version": "0.1.0"})
    lesions = (
        {
            "name": "Lesion 1",
            "longest_diameter_mm": "6.54",
            "in_plane_diameter_mm": "5.81",
            "perpendicular_mm": "3.207",
        },
    )
    return Findings(RECORD, AlignedCase({"T1": volume}, "T1"), segmentation, lesions=lesions)


@pytest.fixture
def written(findings, series, tmp_path):
    """Both objects, written and read back."""
    paths = tmp_path / "seg.dcm", tmp_path / "sr.dcm"
    for dataset, path in zip(dicom_objects(findings, series_files(series)), paths, strict=True):
        dataset.save_as(str(path))
    return hd.seg.segread(str(paths[0])), hd.sr.srread(str(paths[1]))


def voxel_ml(findings: Findings) -> float:
    return findings.aligned.grid.voxel_ml


def test_every_structure_and_lesion_is_a_segment_with_its_voxels_and_codes(written, findings):
    seg, _ = written
    labels = {number: seg.get_segment_description(number) for number in seg.segment_numbers}
    names = [description.segment_label for description in labels.values()]
    assert names == ["Left thalamus", "Right thalamus", "Lesion 1", "Lesion 2", "Lesion 3"]
    assert labels[1].segmented_property_type.value == "42695009"
    assert labels[3].segmented_property_type.value == "52988006"
    volume = seg.get_volume(combine_segments=True)
    counts = np.bincount(volume.array.ravel())[1:]
    assert counts.tolist() == [36, 36, 12, 2, 1]
    written_at = np.argwhere(volume.array == 3) @ volume.affine[:3, :3].T + volume.affine[:3, 3]
    affine = findings.aligned.grid.affine
    found_at = findings.parts[0].index[:, ::-1] @ affine[:3, :3].T + affine[:3, 3]
    np.testing.assert_allclose(written_at.mean(axis=0), found_at.mean(axis=0), atol=1e-3)


def test_both_belong_to_the_patient_and_the_study_of_the_images(written):
    seg, report = written
    for dataset in (seg, report):
        assert dataset.PatientID == "P1" and dataset.StudyInstanceUID == f"{UID}.0.1"
    assert seg.Modality == "SEG" and report.Modality == "SR"
    assert report.SOPClassUID == "1.2.840.10008.5.1.4.1.1.88.34"
    assert report.ContentTemplateSequence[0].TemplateIdentifier == "1500"
    assert seg.SeriesNumber == 104 and report.SeriesNumber == 105
    (study,) = report.CurrentRequestedProcedureEvidenceSequence
    used = {
        item.ReferencedSOPInstanceUID for one in study.ReferencedSeriesSequence for item in one.ReferencedSOPSequence
    }
    assert seg.SOPInstanceUID in used and {f"{UID}.{n}" for n in range(1, 7)} <= used


def test_the_measurements_refer_to_the_segments_in_known_units_and_codes(written, findings):
    seg, report = written
    groups = report.content.get_volumetric_roi_measurement_groups()
    assert len(groups) == 5
    for n, group in enumerate(groups, start=1):
        assert list(group.referenced_segment.referenced_segment_numbers) == [n]
        assert group.tracking_identifier == seg.get_segment_description(n).segment_label
        assert group.tracking_uid == seg.get_segment_description(n).tracking_uid
    left, lesion = groups[0], groups[2]
    (volume,) = left.get_measurements()
    assert (volume.name.value, volume.name.scheme_designator) == ("118565006", "SCT")
    assert volume.value == pytest.approx(36 * voxel_ml(findings), abs=1e-4)
    assert (volume.unit.value, volume.unit.scheme_designator) == ("cm3", "UCUM")
    assert left.finding_type.value == "123037004"
    (site,) = left.finding_sites
    assert site.value.value == "42695009" and site.laterality.meaning == "Left"
    assert lesion.finding_type.value == "52988006"
    measured = {item.name.value: item for item in lesion.get_measurements()}
    assert {code: item.value for code, item in measured.items() if code != "118565006"} == {
        "L0JK": 6.54,
        "103339001": 5.81,
        "103340004": 3.21,
    }
    assert all(item.unit.value == "mm" for code, item in measured.items() if code != "118565006")
    (long_axis,) = lesion.get_measurements(name=hd.sr.CodedConcept("103339001", "SCT", "Long Axis"))
    assert long_axis.value == 5.81
    assert len(groups[3].get_measurements()) == 1  # no diameter is known


def test_many_lesions_share_a_segment(findings, series, tmp_path, monkeypatch):
    monkeypatch.setattr(segments, "SINGLE", 1)
    seg, report = dicom_objects(findings, series_files(series))
    last = seg.get_segment_description(len(list(seg.segment_numbers)))
    assert last.segment_label == "Lesion, 2 smaller ones"
    report.save_as(str(tmp_path / "sr.dcm"))
    content = hd.sr.srread(str(tmp_path / "sr.dcm")).content
    (group,) = content.get_volumetric_roi_measurement_groups(tracking_uid=last.tracking_uid)
    assert group.get_measurements()[0].value == pytest.approx(3 * voxel_ml(findings), abs=1e-4)


def test_images_of_something_else_are_refused(findings, series):
    grid = findings.aligned.grid
    shifted = replace(grid, origin=tuple(place + 0.6 for place in grid.origin))
    volume = replace(findings.aligned.volumes["T1"], grid=shifted)
    elsewhere = replace(findings, aligned=AlignedCase({"T1": volume}, "T1"))
    with pytest.raises(InputError, match="do not lie on the grid"):
        dicom_objects(elsewhere, series_files(series))


def test_an_empty_segmentation_is_refused(findings, series):
    labels = findings.segmentation.labels
    empty = replace(findings.segmentation, labels=labels.with_array(labels.array * 0))
    with pytest.raises(InputError, match="empty"):
        dicom_objects(replace(findings, segmentation=empty), series_files(series))


def test_a_class_without_terminology_is_named(findings, series):
    classes = (replace(CLASSES[0], terminology=""), *CLASSES[1:])
    nameless = replace(findings, segmentation=replace(findings.segmentation, classes=classes))
    with pytest.raises(InputError, match="Left thalamus"):
        dicom_objects(nameless, series_files(series))


def test_images_that_lack_what_dicom_needs_are_named(findings, series):
    from pydicom import dcmread

    for file in series_files(series):
        dataset = dcmread(file)
        del dataset.StudyInstanceUID
        dataset.save_as(file)
    with pytest.raises(InputError, match="StudyInstanceUID"):
        dicom_objects(findings, series_files(series))


def test_without_highdicom_the_way_out_is_said(findings, series, monkeypatch):
    monkeypatch.setattr(objects.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingPackageError, match="highdicom") as error:
        dicom_objects(findings, series_files(series))
    assert "multimodalseg[report]" in error.value.hint
