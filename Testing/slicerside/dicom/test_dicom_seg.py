"""DICOM SEG: what is missing is said; what is written holds the same voxels, names and codes.

Slicer's DICOM database and its plug-in exist only inside the application: a stand-in answers which file holds which
image, and one records what the plug-in is asked. The DICOM files and highdicom are real.
"""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from MultimodalSegLib.errors import InputError, MissingPackageError, OutputError
from MultimodalSegLib.images.io import read_volume
from MultimodalSegLib.inference.segmentation import Segmentation
from MultimodalSegLib.report.dicom.terms import Code, parse_terminology
from Testing.slicerside.conftest import CLASSES
from Testing.slicerside.dicom.series import UID, StandInDatabase, write_series


@pytest.fixture
def case(scene, tmp_path, monkeypatch):
    """A reference from DICOM, its segmentation with two thalami, and the stand-in database."""
    import slicer

    from MultimodalSegLib.slicerside.scene.nodes import hierarchy_item, segmentation_node, volume_node

    files = write_series(tmp_path / "series")
    volume = read_volume(tmp_path / "series")
    reference = volume_node(volume, "T1 sag", "T1")
    reference.SetAttribute("DICOM.instanceUIDs", " ".join(files))
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    study = hierarchy.CreateStudyItem(hierarchy.CreateSubjectItem(hierarchy.GetSceneItemID(), "P1"), "Study")
    hierarchy.SetItemParent(hierarchy_item(reference), study)
    labels = np.zeros(volume.array.shape, np.uint16)
    k, j, i = volume.array.shape
    labels[: k // 2, 2:6, 1:4] = 10
    labels[k // 2 :, 4:9, 2:5] = 49
    segmentation = Segmentation(
        volume.with_array(labels), CLASSES, model={"name": "head", "version": "0.1.0"}, device="cpu"
    )
    node = segmentation_node(segmentation, reference, "Segmentation of T1")
    database = StandInDatabase(files)
    monkeypatch.setattr(slicer, "dicomDatabase", database, raising=False)
    out = tmp_path / "out"
    out.mkdir()
    yield SimpleNamespace(reference=reference, node=node, labels=labels, database=database, out=out, study=study)
    hierarchy.RemoveAllItems(False)  # its cache of nodes would outlive them: nothing observes the scene here


def test_terminology_entries_are_read():
    term = parse_terminology(CLASSES[0].terminology)
    assert term.category == Code("SCT", "123037004", "Anatomical Structure")
    assert term.type == Code("SCT", "42695009", "Thalamus")
    assert term.modifier == Code("SCT", "7771000", "Left") and term.region is None
    assert parse_terminology("") is None and parse_terminology("a~b~c") is None and parse_terminology(None) is None


def test_nothing_is_missing_for_a_reference_from_dicom(case):
    from MultimodalSegLib.slicerside.dicom.dicom_seg import missing_for_export

    assert missing_for_export(case.node) == []


def test_what_is_missing_is_said(case, monkeypatch):
    import slicer

    from MultimodalSegLib.slicerside.dicom import dicom_seg

    def said():
        return " ".join(dicom_seg.missing_for_export(case.node))

    case.node.GetSegmentation().GetNthSegment(0).SetTerminology("")
    assert "terminology" in said() and "Left thalamus" in said()
    case.node.GetSegmentation().GetNthSegment(0).SetTerminology(CLASSES[0].terminology)
    uid = next(iter(case.database.files))
    path = case.database.files.pop(uid)
    assert "1 of the 6 DICOM files" in said()
    case.database.files[uid] = path
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    case.node.SetAndObserveTransformNodeID(transform.GetID())
    assert "different transforms" in said()
    case.node.SetAndObserveTransformNodeID(None)
    case.reference.SetAttribute("DICOM.instanceUIDs", "")
    assert "not loaded from DICOM" in said()
    with pytest.raises(InputError, match="not loaded from DICOM"):
        dicom_seg.export(case.node, case.out)
    slicer.mrmlScene.RemoveNode(case.reference)
    assert "which volume" in said()
    case.node.GetSegmentation().RemoveAllSegments()
    assert "no segments" in said()
    assert not list(case.out.iterdir())


def test_highdicom_writes_the_same_voxels_names_and_codes(case):
    pytest.importorskip("highdicom")
    import highdicom
    import slicer

    from MultimodalSegLib.slicerside.dicom.dicom_seg import export
    from MultimodalSegLib.slicerside.scene.nodes import hierarchy_item

    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    hierarchy.SetItemParent(hierarchy_item(case.node), hierarchy.GetSceneItemID())
    path = export(case.node, case.out)
    assert hierarchy.GetItemParent(hierarchy_item(case.node)) == case.study
    assert case.database.inserted == [str(path)] and path.parent == case.out
    seg = highdicom.seg.segread(str(path))
    assert seg.PatientID == "P1" and seg.StudyInstanceUID == f"{UID}.0.1" and seg.SeriesNumber == 104
    by_label = {d.segment_label: d for d in (seg.get_segment_description(n) for n in (1, 2))}
    assert set(by_label) == {"Left thalamus", "Right thalamus"}
    left = by_label["Left thalamus"]
    assert left.segmented_property_type.value == "42695009"
    assert left.SegmentedPropertyTypeCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence[0].CodeMeaning == "Left"
    assert left.algorithm_type.value == "AUTOMATIC" and "head" in left.algorithm_identification[0].AlgorithmName
    volume = seg.get_volume(combine_segments=True)
    back = np.where(volume.array == left.segment_number, 10, np.where(volume.array > 0, 49, 0))
    indices = np.argwhere(back > 0)
    points = indices @ volume.affine[:3, :3].T + volume.affine[:3, 3]
    grid = read_volume(case.out.parent / "series").grid
    i, j, k = np.rint((points - grid.affine[:3, 3]) @ np.linalg.inv(grid.affine[:3, :3]).T).astype(int).T
    assert len(indices) == np.count_nonzero(case.labels)
    np.testing.assert_array_equal(case.labels[k, j, i], back[tuple(indices.T)])


def test_a_resampled_reference_cannot_be_exported(case):
    pytest.importorskip("highdicom")
    from MultimodalSegLib.slicerside.dicom.dicom_seg import export

    case.reference.SetOrigin(*(place + 0.6 for place in case.reference.GetOrigin()))
    case.node.SetReferenceImageGeometryParameterFromVolumeNode(case.reference)
    with pytest.raises(InputError, match="do not lie on the grid"):
        export(case.node, case.out, writer="highdicom")
    assert not list(case.out.iterdir())


class StandInExporter:
    """Stands for DICOMSegmentationExporter of Slicer's plug-in, which calls dcmqi's executables."""

    fails = ""
    asked: list = []

    def __init__(self, segmentationNode, contentCreatorName=None):
        self.node, self.cleaned = segmentationNode, False
        StandInExporter.asked.append(self)

    def export(self, outputDirectory, segFileName, metadata, segmentIDs=None, skipEmpty=False):
        import vtk

        assert skipEmpty
        for identifier in self.node.GetSegmentation().GetSegmentIDs():
            for tag in ("DICOM.SegmentAlgorithmType", "DICOM.SegmentAlgorithmName"):  # it refuses one without
                text = vtk.reference("")
                assert self.node.GetSegmentation().GetSegment(identifier).GetTag(tag, text) and str(text)
        if self.fails:
            raise RuntimeError(self.fails)
        with open(f"{outputDirectory}/{segFileName}", "wb") as file:
            file.write(b"DICM")

    def cleanup(self):
        self.cleaned = True


def test_in_the_application_slicers_own_plug_in_writes_it(case, monkeypatch):
    from MultimodalSegLib.slicerside.dicom import dicom_seg

    plugin = SimpleNamespace(DICOMSegmentationExporter=StandInExporter, __spec__=object())
    monkeypatch.setitem(sys.modules, "DICOMSegmentationPlugin", plugin)
    assert dicom_seg.writers()[0] == "slicer"
    path = dicom_seg.export(case.node, case.out)
    assert path.is_file() and StandInExporter.asked[-1].cleaned
    monkeypatch.setattr(StandInExporter, "fails", "itkimage2segimage failed:\nno space left")
    with pytest.raises(OutputError, match="no space left"):
        dicom_seg.export(case.node, case.out)
    assert StandInExporter.asked[-1].cleaned


def test_a_writer_that_is_not_there_is_refused(case):
    from MultimodalSegLib.slicerside.dicom.dicom_seg import export

    with pytest.raises(MissingPackageError, match="slicer is not installed"):
        export(case.node, case.out, writer="slicer")
